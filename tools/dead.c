/*
 * Dead letters on Redis, some hundred at a time.
 *
 * A letter begins with what the worker says of the entry, up to `_own`; behind it stand the entry's own fields, whatever
 * their names.  An entry is put back and its letter removed in one script, so that neither is lost nor doubled whenever this
 * is interrupted.  Cost: one pass over the keys of the server to find the letters (SCAN), then one over the letters.
 * Tested by tests/redis/dead.sh.
 */
#include "tools/dead.h"

#include <hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define AT_ONCE 200
#define KEYS_MAX 10000 /* streams of letters that are looked at */
#define TEXTS_MAX 7000 /* names and values that a script can pass on */

static const volatile sig_atomic_t no_stop = 0; /* signals end the process as usual */

static const char put_back[] =
	"#!lua\n"
	"-- KEYS: letters, stream.  ARGV: the letter's ID, then the entry's fields\n"
	"if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then return 0 end\n"
	"redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))\n" /* what fails comes first: nothing is undone */
	"redis.call('XDEL', KEYS[1], ARGV[1])\n"
	"return 1\n";

/* ---- commands ---------------------------------------------------------------------------------------------------- */

/* Frees the command.  An error answer is a failure. */
static enum ens_status call(struct dead_box *b, struct ens_buf *command, const char *what, struct redisReply **out,
			    struct ens_error *err)
{
	enum ens_status st = command->failed ? ens_fail(err, ENS_ENOMEM, "no memory") : ens_redis_call(b->conn, command, out, err);

	ens_buf_free(command);
	if (st == ENS_OK && (*out)->type == REDIS_REPLY_ERROR) {
		st = ens_redis_refused(&b->env, what, (*out)->str, err);
		ens_redis_free(*out);
		*out = NULL;
	}
	return st == ENS_EEND ? ENS_EENV : st; /* a lost connection is no end */
}

static enum ens_status strange(struct dead_box *b, struct ens_error *err)
{
	return ens_fail(err, ENS_EENV, "what answers at %s is no Redis server", b->env.address->shown);
}

enum ens_status dead_open(struct dead_box *b, const struct ens_redis_address *address, struct ens_error *err)
{
	enum ens_status st;

	*b = (struct dead_box){.env = {.address = address, .stop = &no_stop, .starting = true}};
	st = ens_redis_open(&b->env, &b->conn, err);
	return st == ENS_EEND ? ENS_EENV : st;
}

void dead_close(struct dead_box *b)
{
	ens_redis_close(b->conn);
	for (size_t i = 0; i < b->nkey; i++)
		free(b->key[i]);
	free(b->key);
	*b = (struct dead_box){.key = NULL};
}

/* ---- streams of letters ------------------------------------------------------------------------------------------ */

/* ensue:{TAG}:JOB:0:dead */
struct dead_text dead_job(const char *key)
{
	static const char end[] = ":0:dead";
	const size_t len = strlen(key), end_len = sizeof end - 1;
	const char *from = strrchr(key, '}');

	if (strncmp(key, "ensue:{", 7) != 0 || !from || from[1] != ':' || len < (size_t)(from - key) + 3 + end_len ||
	    strcmp(key + len - end_len, end) != 0)
		return (struct dead_text){"", 0};
	return (struct dead_text){from + 2, len - end_len - (size_t)(from + 2 - key)};
}

static enum ens_status add_key(struct dead_box *b, const char *key, struct ens_error *err)
{
	char **grown = realloc(b->key, (b->nkey + 1) * sizeof *grown);
	char *copy = malloc(strlen(key) + 1);

	if (grown)
		b->key = grown;
	if (!grown || !copy) {
		free(copy);
		return ens_fail(err, ENS_ENOMEM, "no memory");
	}
	strcpy(copy, key);
	b->key[b->nkey++] = copy;
	return b->nkey < KEYS_MAX ? ENS_OK : ens_fail(err, ENS_EENV, "there are too many jobs: say which, with --job NAME");
}

static enum ens_status add_found(struct dead_box *b, const struct redisReply *found, const char *job, struct ens_error *err)
{
	enum ens_status st = ENS_OK;

	for (size_t i = 0; i < found->elements && st == ENS_OK; i++) {
		const struct redisReply *key = found->element[i];
		struct dead_text of;

		if (key->type != REDIS_REPLY_STRING || strlen(key->str) != key->len)
			continue;
		of = dead_job(key->str);
		if (of.len && (!job || (of.len == strlen(job) && memcmp(of.s, job, of.len) == 0)))
			st = add_key(b, key->str, err);
	}
	return st;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Scanning may give a key twice. */
static void sort_keys(struct dead_box *b)
{
	size_t n = 0;

	if (b->nkey)
		qsort(b->key, b->nkey, sizeof *b->key, compare_keys);
	for (size_t i = 0; i < b->nkey; i++) {
		if (n && strcmp(b->key[n - 1], b->key[i]) == 0)
			free(b->key[i]);
		else
			b->key[n++] = b->key[i];
	}
	b->nkey = n;
}

enum ens_status dead_find(struct dead_box *b, const char *job, struct ens_error *err)
{
	char cursor[32] = "0";
	enum ens_status st;

	do {
		struct ens_buf command = ENS_BUF_EMPTY;
		struct redisReply *r = NULL;

		ens_resp_begin(&command, 8);
		ens_resp_text(&command, "SCAN");
		ens_resp_text(&command, cursor);
		ens_resp_text(&command, "MATCH");
		ens_resp_text(&command, "ensue:{*}:*:0:dead");
		ens_resp_text(&command, "COUNT");
		ens_resp_number(&command, 1000);
		ens_resp_text(&command, "TYPE");
		ens_resp_text(&command, "stream");
		st = call(b, &command, "looking for dead letters", &r, err);
		if (st == ENS_OK && (r->type != REDIS_REPLY_ARRAY || r->elements != 2 || r->element[0]->type != REDIS_REPLY_STRING ||
				     r->element[0]->len >= sizeof cursor || r->element[1]->type != REDIS_REPLY_ARRAY))
			st = strange(b, err);
		if (st == ENS_OK) {
			strcpy(cursor, r->element[0]->str);
			st = add_found(b, r->element[1], job, err);
		}
		ens_redis_free(r);
	} while (st == ENS_OK && strcmp(cursor, "0") != 0);
	sort_keys(b);
	return st;
}

enum ens_status dead_take(struct dead_box *b, const char *key, struct ens_error *err)
{
	return add_key(b, key, err);
}

/* ---- letters ----------------------------------------------------------------------------------------------------- */

static bool is_named(const struct redisReply *name, const char *text)
{
	return name->len == strlen(text) && memcmp(name->str, text, name->len) == 0;
}

/* One element of XRANGE's answer.  False: it is none. */
static bool read_letter(const char *key, const struct redisReply *r, struct dead_letter *l)
{
	static const char *const name[] = {"_reason", "_detail", "_stream", "_id", "_field", "_rule"};

	*l = (struct dead_letter){.key = key};
	struct dead_text *const text[] = {&l->reason, &l->detail, &l->stream, &l->entry, &l->field, &l->rule};

	for (size_t i = 0; i < sizeof text / sizeof *text; i++)
		*text[i] = (struct dead_text){"", 0};
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 || r->element[0]->type != REDIS_REPLY_STRING ||
	    r->element[1]->type != REDIS_REPLY_ARRAY || r->element[1]->elements % 2 != 0)
		return false;
	l->letter = (struct dead_text){r->element[0]->str, r->element[0]->len};
	l->pairs = r->element[1];
	for (size_t i = 0; i < l->pairs->elements; i++)
		if (l->pairs->element[i]->type != REDIS_REPLY_STRING)
			return false;
	while (l->own < l->pairs->elements) {
		const struct redisReply *n = l->pairs->element[l->own], *v = l->pairs->element[l->own + 1];

		l->own += 2;
		if (is_named(n, "_own"))
			break;
		l->cut |= is_named(n, "_cut");
		for (size_t i = 0; i < sizeof text / sizeof *text; i++)
			if (is_named(n, name[i]))
				*text[i] = (struct dead_text){v->str, v->len};
	}
	return true;
}

/* The next letters behind (or before) `from`; that moves on.  *over: there are no more. */
static enum ens_status walk_some(struct dead_box *b, const char *key, bool newest_first, struct ens_buf *from, const char *to,
				 dead_each *each, void *user, bool *over, struct ens_error *err)
{
	struct ens_buf command = ENS_BUF_EMPTY;
	struct redisReply *r = NULL;
	enum ens_status st;

	ens_resp_begin(&command, 6);
	ens_resp_text(&command, newest_first ? "XREVRANGE" : "XRANGE");
	ens_resp_text(&command, key);
	ens_resp_text(&command, ens_buf_cstr(from));
	ens_resp_text(&command, to);
	ens_resp_text(&command, "COUNT");
	ens_resp_number(&command, AT_ONCE);
	st = call(b, &command, "reading dead letters", &r, err);
	if (st == ENS_OK && r->type != REDIS_REPLY_ARRAY)
		st = strange(b, err);
	*over = st != ENS_OK || r->elements < AT_ONCE;
	for (size_t i = 0; st == ENS_OK && i < r->elements; i++) {
		struct dead_letter l;

		if (!read_letter(key, r->element[i], &l)) {
			st = strange(b, err);
			break;
		}
		ens_buf_clear(from);
		ens_buf_addc(from, '(');
		ens_buf_add(from, l.letter.s, l.letter.len);
		st = each(user, &l, err);
	}
	ens_redis_free(r);
	return st == ENS_OK && from->failed ? ens_fail(err, ENS_ENOMEM, "no memory") : st;
}

/* The newest letter's ID: those that come while we walk are not met. */
static enum ens_status newest(struct dead_box *b, const char *key, struct ens_buf *out, struct ens_error *err)
{
	struct ens_buf command = ENS_BUF_EMPTY;
	struct redisReply *r = NULL;
	enum ens_status st;

	ens_resp_begin(&command, 6);
	ens_resp_text(&command, "XREVRANGE");
	ens_resp_text(&command, key);
	ens_resp_text(&command, "+");
	ens_resp_text(&command, "-");
	ens_resp_text(&command, "COUNT");
	ens_resp_text(&command, "1");
	st = call(b, &command, "reading dead letters", &r, err);
	if (st == ENS_OK && r->type == REDIS_REPLY_ARRAY && r->elements == 1) {
		struct dead_letter l;

		if (read_letter(key, r->element[0], &l))
			ens_buf_add(out, l.letter.s, l.letter.len);
	}
	ens_redis_free(r);
	return st;
}

static enum ens_status walk_key(struct dead_box *b, const char *key, bool newest_first, dead_each *each, void *user,
				struct ens_error *err)
{
	struct ens_buf last = ENS_BUF_EMPTY, from = ENS_BUF_EMPTY;
	enum ens_status st = newest(b, key, &last, err);
	bool over = last.len == 0;

	if (newest_first)
		ens_buf_add(&from, last.data, last.len);
	else
		ens_buf_addc(&from, '-');
	while (st == ENS_OK && !over)
		st = walk_some(b, key, newest_first, &from, newest_first ? "-" : ens_buf_cstr(&last), each, user, &over, err);
	ens_buf_free(&last);
	ens_buf_free(&from);
	return st;
}

enum ens_status dead_walk(struct dead_box *b, bool newest_first, dead_each *each, void *user, struct ens_error *err)
{
	enum ens_status st = ENS_OK;

	for (size_t i = 0; i < b->nkey && st == ENS_OK; i++)
		st = walk_key(b, b->key[i], newest_first, each, user, err);
	return st;
}

/* ---- putting back ------------------------------------------------------------------------------------------------ */

/* The entry as it stands in its stream; *out is NULL if it is not there. */
static enum ens_status find_entry(struct dead_box *b, const struct dead_letter *l, struct redisReply **out, struct ens_error *err)
{
	struct ens_buf command = ENS_BUF_EMPTY;
	struct redisReply *r;
	enum ens_status st;

	*out = NULL;
	if (!l->entry.len || !l->stream.len)
		return ENS_OK;
	ens_resp_begin(&command, 4);
	ens_resp_text(&command, "XRANGE");
	ens_resp_arg(&command, l->stream.s, l->stream.len);
	ens_resp_arg(&command, l->entry.s, l->entry.len);
	ens_resp_arg(&command, l->entry.s, l->entry.len);
	st = call(b, &command, "reading the entry", &r, err);
	if (st != ENS_OK)
		return st;
	if (r->type == REDIS_REPLY_ARRAY && r->elements == 1 && r->element[0]->type == REDIS_REPLY_ARRAY &&
	    r->element[0]->elements == 2 && r->element[0]->element[1]->type == REDIS_REPLY_ARRAY)
		*out = r;
	else
		ens_redis_free(r);
	return ENS_OK;
}

static void add_fields(struct ens_buf *command, const struct redisReply *pairs, size_t from)
{
	for (size_t i = from; i < pairs->elements; i++)
		ens_resp_arg(command, pairs->element[i]->str ? pairs->element[i]->str : "", pairs->element[i]->len);
}

enum ens_status dead_replay(struct dead_box *b, const struct dead_letter *l, enum dead_outcome *out, struct ens_error *err)
{
	struct ens_buf command = ENS_BUF_EMPTY;
	struct redisReply *entry = NULL, *r = NULL;
	enum ens_status st = find_entry(b, l, &entry, err);
	const struct redisReply *pairs = entry ? entry->element[0]->element[1] : l->pairs;
	const size_t from = entry ? 0 : l->own;

	*out = DEAD_CUT;
	if (st != ENS_OK || (!entry && l->cut) || !l->stream.len || from == pairs->elements ||
	    pairs->elements - from > TEXTS_MAX) {
		ens_redis_free(entry);
		return st;
	}
	ens_resp_begin(&command, 6 + pairs->elements - from);
	ens_resp_text(&command, "EVAL");
	ens_resp_text(&command, put_back);
	ens_resp_text(&command, "2");
	ens_resp_text(&command, l->key);
	ens_resp_arg(&command, l->stream.s, l->stream.len);
	ens_resp_arg(&command, l->letter.s, l->letter.len);
	add_fields(&command, pairs, from);
	st = call(b, &command, "putting an entry back", &r, err);
	if (st == ENS_OK)
		*out = r->type == REDIS_REPLY_INTEGER && r->integer == 1 ? DEAD_BACK : DEAD_GONE;
	ens_redis_free(r);
	ens_redis_free(entry);
	return st;
}
