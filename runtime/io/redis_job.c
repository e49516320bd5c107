/*
 * Keys, lease, head.
 *
 * The scripts do the same steps in the same order whoever runs them, on one server at a time, so each is atomic:
 *   TAKE     another's lease that has not run out refuses; else the head is ours, with a new owner and epoch.  Our own
 *            lease may be retaken: whatever we had under way with the old owner is fenced by that.
 *   RENEW    the lease runs on; refuses when the head is another's or gone
 *   RELEASE  the head is nobody's
 *   PREPARE  all keys that a commit touches exist: a commit never creates one
 *   COMMIT   checks, then journal and head, then emissions: scripts do not roll back, so what can fail comes last, and
 *            an emission that fails is parked as a dead letter
 * Times are the server's.  TAKE and RENEW work when memory is full (allow-oom); a commit is refused then before it
 * begins.
 *
 * Guarantee: a head is never made anew while running (GONE instead).
 * Tested by tests/redis.
 */
#include "runtime/io/redis_job.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/io/clock.h"
#include "runtime/io/log.h"
#include "runtime/io/monitor.h"
#include "runtime/io/redis_reply.h"

#define JOB_NAME_MAX 64
#define HEAD_FORMAT "1" /* of the head's fields; a reader refuses what it does not know */
#define VERSION_MIN 7

/* ---- scripts ----------------------------------------------------------------------------------------------------- */

#define LUA_NOW \
	"local t = redis.call('TIME')\n" \
	"local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"

static const char *const script_text[ENS_REDIS_NSCRIPT] = {
	[ENS_REDIS_TAKE] =
		"#!lua flags=allow-oom\n"
		"-- KEYS: head.  ARGV: new owner, owner before (ours), lease in ms, 1: the head must be there\n"
		LUA_NOW
		"local lease = tonumber(ARGV[3])\n"
		"if ARGV[4] == '1' and redis.call('EXISTS', KEYS[1]) == 0 then return {'GONE'} end\n"
		"local h = redis.call('HMGET', KEYS[1], 'owner', 'until', 'epoch')\n"
		"local owner, till = h[1] or '', tonumber(h[2] or '0') or 0\n"
		"local ours = owner == '' or owner == ARGV[1] or owner == ARGV[2]\n"
		"if not ours and till > now and till <= now + 2 * lease then\n"
		"  return {'HELD', till - now}\n"
		"end\n"
		"local epoch = (tonumber(h[3] or '0') or 0) + 1\n"
		"redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'epoch', string.format('%.0f', epoch),\n"
		"  'until', string.format('%.0f', now + lease))\n"
		"return {'TAKEN', redis.call('HGETALL', KEYS[1])}\n",
	[ENS_REDIS_RENEW] =
		"#!lua flags=allow-oom\n"
		"-- KEYS: head.  ARGV: owner, lease in ms\n"
		LUA_NOW
		"local owner = redis.call('HGET', KEYS[1], 'owner')\n"
		"if not owner then return {'GONE'} end\n"
		"if owner ~= ARGV[1] then return {'FENCED'} end\n"
		"redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now + tonumber(ARGV[2])))\n"
		"return {'OK'}\n",
	[ENS_REDIS_RELEASE] =
		"#!lua flags=allow-oom\n"
		"-- KEYS: head.  ARGV: owner\n"
		"if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return {'FENCED'} end\n"
		"redis.call('HSET', KEYS[1], 'owner', '', 'until', '0')\n"
		"return {'OK'}\n",
	[ENS_REDIS_PREPARE] =
		"#!lua\n"
		"-- KEYS: head, then streams.  ARGV: name of a group that nobody uses\n"
		"for i = 2, #KEYS do\n"
		"  local kind = redis.call('TYPE', KEYS[i]).ok\n"
		"  if kind ~= 'none' and kind ~= 'stream' then return {'KEY', KEYS[i], kind} end\n"
		"end\n"
		"for i = 2, #KEYS do\n"
		"  if redis.call('EXISTS', KEYS[i]) == 0 then\n"
		"    redis.call('XGROUP', 'CREATE', KEYS[i], ARGV[1], '$', 'MKSTREAM')\n"
		"    redis.call('XGROUP', 'DESTROY', KEYS[i], ARGV[1])\n"
		"  end\n"
		"end\n"
		"return {'OK'}\n",
	[ENS_REDIS_COMMIT] =
		"#!lua\n"
		"-- KEYS: head, journal, dead letters, outputs.\n"
		"-- ARGV: owner, n, chain before, chain, lease in ms, dead letters kept, journal records kept,\n"
		"--   count and pairs of the head, count and pairs of the journal record,\n"
		"--   then per emission: key, count, pairs\n"
		"local h = redis.call('HMGET', KEYS[1], 'owner', 'commit', 'chain')\n"
		"if not h[1] then return {'GONE'} end\n"
		"if h[1] ~= ARGV[1] then return {'FENCED'} end\n"
		"local commit, chain, n = tonumber(h[2] or '0'), h[3] or '', tonumber(ARGV[2])\n"
		"if commit == n and chain == ARGV[4] then return {'ALREADY'} end\n"
		"if commit ~= n - 1 or chain ~= ARGV[3] then return {'DIVERGED', h[2] or '0'} end\n"
		"for i = 2, #KEYS do\n"
		"  local kind = redis.call('TYPE', KEYS[i]).ok\n"
		"  if kind ~= 'stream' then return {'KEY', KEYS[i], kind} end\n"
		"end\n"
		LUA_NOW
		"local at = 8\n"
		"local head = at + 1\n"
		"local head_end = at + tonumber(ARGV[at])\n"
		"at = head_end + 1\n"
		"redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[7], ARGV[2] .. '-0',\n"
		"  unpack(ARGV, at + 1, at + tonumber(ARGV[at])))\n"
		"for i = head, head_end, 1000 do\n"
		"  redis.call('HSET', KEYS[1], unpack(ARGV, i, math.min(i + 999, head_end)))\n"
		"end\n"
		"redis.call('HSET', KEYS[1], 'commit', ARGV[2], 'chain', ARGV[4],\n"
		"  'until', string.format('%.0f', now + tonumber(ARGV[5])))\n"
		"at = at + tonumber(ARGV[at]) + 1\n"
		"local parked, why = 0, ''\n"
		"while at < #ARGV do\n"
		"  local key, from, upto = tonumber(ARGV[at]), at + 2, at + 1 + tonumber(ARGV[at + 1])\n"
		"  local r\n"
		"  if key == 3 then\n"
		"    r = redis.pcall('XADD', KEYS[3], 'MAXLEN', '~', ARGV[6], '*', unpack(ARGV, from, upto))\n"
		"  else\n"
		"    r = redis.pcall('XADD', KEYS[key], '*', unpack(ARGV, from, upto))\n"
		"  end\n"
		"  if type(r) == 'table' and r.err then\n"
		"    parked = parked + 1\n"
		"    why = r.err\n"
		"    if key ~= 3 then\n"
		"      redis.pcall('XADD', KEYS[3], 'MAXLEN', '~', ARGV[6], '*', '_reason', 'emission_failed',\n"
		"        '_detail', r.err, '_stream', KEYS[key], '_own', (upto - from + 1) / 2,\n"
		"        unpack(ARGV, from, upto))\n"
		"    end\n"
		"  end\n"
		"  at = upto + 1\n"
		"end\n"
		"return {'OK', parked, why}\n",
};

/* ---- keys -------------------------------------------------------------------------------------------------------- */

bool ens_redis_job_name_valid(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return len > 0 && len <= JOB_NAME_MAX && name[len] == '\0';
}

/* The part of a key that decides its slot: between the first { and the } after it, if that is not empty; else all of
 * it. */
static void hash_tag(const char **s, size_t *len)
{
	const char *open = memchr(*s, '{', *len);
	const char *close = open ? memchr(open, '}', (size_t)(*s + *len - open)) : NULL;

	if (close && close > open + 1) {
		*len = (size_t)(close - open - 1);
		*s = open + 1;
	}
}

/* The tag that all sources have in common.  False: they have none, or it can't stand between braces. */
static bool common_tag(const struct ens_tables *t, const char **out, size_t *out_len)
{
	for (uint32_t i = 0; i < t->nstream; i++) {
		const char *s = t->bytes + t->stream[i].name.off;
		size_t len = t->stream[i].name.len;

		hash_tag(&s, &len);
		if (len == 0 || memchr(s, '}', len) || (i > 0 && (len != *out_len || memcmp(s, *out, len) != 0)))
			return false;
		*out = s;
		*out_len = len;
	}
	return t->nstream > 0;
}

static bool set_key(struct ens_redis_key *k, struct ens_buf *b)
{
	k->s = malloc(b->len + 1);
	if (b->failed || !k->s)
		return false;
	if (b->len > 0)
		memcpy(k->s, b->data, b->len);
	k->len = b->len;
	return true;
}

/* ensue:{TAG}:JOB:0:NAME; the partition is always 0 as yet. */
static bool own_key(struct ens_redis_job *j, uint32_t n, const char *name)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	const char *tag = NULL;
	size_t tag_len = 0;
	bool good;

	ens_buf_adds(&b, "ensue:{");
	if (common_tag(j->tables, &tag, &tag_len))
		ens_buf_add(&b, tag, tag_len);
	else
		ens_buf_addf(&b, "%s:0", j->name);
	ens_buf_addf(&b, "}:%s:0:%s", j->name, name);
	good = set_key(&j->key[n], &b);
	ens_buf_free(&b);
	return good;
}

/* The place of an output stream among the keys. */
static bool output_key(struct ens_redis_job *j, const struct ens_t_str *name, uint32_t *place)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	uint32_t n = ENS_REDIS_OUTPUTS;
	bool good;

	while (n < j->nkey &&
	       (j->key[n].len != name->len || memcmp(j->key[n].s, j->tables->bytes + name->off, name->len) != 0))
		n++;
	*place = n;
	if (n < j->nkey)
		return true;
	j->nkey++;
	ens_buf_add(&b, j->tables->bytes + name->off, name->len);
	good = set_key(&j->key[n], &b);
	ens_buf_free(&b);
	return good;
}

enum ens_status ens_redis_job_init(struct ens_redis_job *j, struct ens_redis_env *env, const struct ens_tables *tables,
				   const char *name, struct ens_error *err)
{
	bool good;

	*j = (struct ens_redis_job){.env = env, .tables = tables, .name = name, .nkey = ENS_REDIS_OUTPUTS};
	j->key = calloc((size_t)tables->nemit + tables->ntype + ENS_REDIS_OUTPUTS, sizeof(*j->key));
	j->emit_key = calloc((size_t)tables->nemit + 1, sizeof(*j->emit_key));
	j->late_key = calloc((size_t)tables->ntype + 1, sizeof(*j->late_key));
	good = j->key && j->emit_key && j->late_key && own_key(j, ENS_REDIS_HEAD, "head") &&
	       own_key(j, ENS_REDIS_JOURNAL, "journal") && own_key(j, ENS_REDIS_DEAD, "dead");
	for (uint32_t i = 0; good && i < tables->nemit; i++)
		good = output_key(j, &tables->emit[i].stream, &j->emit_key[i]);
	for (uint32_t i = 0; good && i < tables->ntype; i++)
		if (tables->type[i].late == ENS_T_LATE_TO)
			good = output_key(j, &tables->type[i].late_stream, &j->late_key[i]);
	if (good)
		return ENS_OK;
	ens_redis_job_free(j);
	return ens_fail(err, ENS_ENOMEM, "out of memory");
}

void ens_redis_job_free(struct ens_redis_job *j)
{
	ens_redis_job_disconnect(j);
	for (uint32_t i = 0; j->key && i < j->nkey; i++)
		free(j->key[i].s);
	free(j->key);
	free(j->emit_key);
	free(j->late_key);
	*j = (struct ens_redis_job){0};
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

/* Runs a command; error answers that pass give ENS_EEND, others ENS_EENV in words. */
static enum ens_status call(struct ens_redis_job *j, const struct ens_buf *command, const char *what,
			    struct redisReply **out, struct ens_error *err)
{
	enum ens_status status = ens_redis_call(j->conn, command, out, err);

	if (status != ENS_OK || (*out)->type != REDIS_REPLY_ERROR)
		return status;
	if (ens_redis_judge((*out)->str) == ENS_REDIS_STOP)
		status = ens_redis_refused(j->env, what, (*out)->str, err);
	else
		status = ens_fail(err, ENS_EEND, "Redis at %s is not ready for %s: %s", j->env->address->shown, what,
				  (*out)->str);
	ens_redis_free(*out);
	*out = NULL;
	return status;
}

static enum ens_status load_script(struct ens_redis_job *j, enum ens_redis_script script, struct ens_error *err)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	struct redisReply *reply = NULL;
	enum ens_status status;

	ens_resp_begin(&b, 3);
	ens_resp_text(&b, "SCRIPT");
	ens_resp_text(&b, "LOAD");
	ens_resp_text(&b, script_text[script]);
	status = call(j, &b, "loading a script", &reply, err);
	ens_buf_free(&b);
	if (status != ENS_OK)
		return status;
	if (reply->type == REDIS_REPLY_STRING && reply->len == 40)
		memcpy(j->sha[script], reply->str, 41);
	else
		status = ens_fail(err, ENS_EENV, "Redis at %s gave a strange answer to SCRIPT LOAD",
				  j->env->address->shown);
	ens_redis_free(reply);
	return status;
}

enum ens_status ens_redis_job_load_scripts(struct ens_redis_job *j, struct ens_error *err)
{
	enum ens_status status = ENS_OK;

	for (int i = 0; i < ENS_REDIS_NSCRIPT && status == ENS_OK; i++)
		status = load_script(j, (enum ens_redis_script)i, err);
	return status;
}

static enum ens_status check_version(struct ens_redis_job *j, struct ens_error *err)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	struct redisReply *reply = NULL;
	enum ens_status status;
	const char *found;

	ens_resp_begin(&b, 2);
	ens_resp_text(&b, "INFO");
	ens_resp_text(&b, "server");
	status = ens_redis_call(j->conn, &b, &reply, err);
	ens_buf_free(&b);
	if (status != ENS_OK)
		return status;
	found = reply->type == REDIS_REPLY_STRING ? strstr(reply->str, "redis_version:") : NULL;
	if (found && strtol(found + 14, NULL, 10) < VERSION_MIN) /* not permitted to ask: the scripts will show it */
		status = ens_fail(err, ENS_EENV, "Redis at %s has version %.*s; 7.0 or later is needed",
				  j->env->address->shown, (int)strcspn(found + 14, "\r\n"), found + 14);
	ens_redis_free(reply);
	return status;
}

enum ens_status ens_redis_job_connect(struct ens_redis_job *j, struct ens_error *err)
{
	enum ens_status status = ens_redis_open(j->env, &j->conn, err);

	if (status == ENS_OK)
		status = check_version(j, err);
	if (status == ENS_OK)
		status = ens_redis_job_load_scripts(j, err);
	if (status != ENS_OK)
		ens_redis_job_disconnect(j);
	return status;
}

void ens_redis_job_disconnect(struct ens_redis_job *j)
{
	ens_redis_close(j->conn);
	j->conn = NULL;
}

void ens_redis_job_begin(const struct ens_redis_job *j, enum ens_redis_script script, size_t nargs,
			 struct ens_buf *into)
{
	uint32_t nkey = script == ENS_REDIS_PREPARE || script == ENS_REDIS_COMMIT ? j->nkey : 1;

	ens_resp_begin(into, 3 + nkey + nargs);
	ens_resp_text(into, "EVALSHA");
	ens_resp_text(into, j->sha[script]);
	ens_resp_number(into, nkey);
	for (uint32_t i = 0; i < nkey; i++)
		ens_resp_arg(into, j->key[i].s, j->key[i].len);
}

/* The first word of a script's answer; "" if it is none of ours. */
static const char *word_of(const struct redisReply *r)
{
	if (r->type != REDIS_REPLY_ARRAY || r->elements == 0 || r->element[0]->type != REDIS_REPLY_STRING)
		return "";
	return r->element[0]->str;
}

static enum ens_status strange(const struct ens_redis_job *j, struct ens_error *err)
{
	return ens_fail(err, ENS_EENV, "Redis at %s gave a strange answer to a script of ours", j->env->address->shown);
}

enum ens_status ens_redis_job_gone(const struct ens_redis_job *j, struct ens_error *err)
{
	return ens_fail(
		err, ENS_EENV,
		"the state of job %s is gone from Redis (%.*s was deleted, or the server lost its data): stopped "
		"rather than begin anew; start it again to begin from --from",
		j->name, (int)j->key[ENS_REDIS_HEAD].len, j->key[ENS_REDIS_HEAD].s);
}

enum ens_status ens_redis_job_fenced(const struct ens_redis_job *j, struct ens_error *err)
{
	return ens_fail(err, ENS_EFENCED,
			"another worker has taken over job %s: stopped; everything committed before that is in order",
			j->name);
}

/* ---- the head ---------------------------------------------------------------------------------------------------- */

void ens_entry_id_format(struct ens_buf *b, struct ens_entry_at id)
{
	ens_buf_addf(b, "%llu-%llu", (unsigned long long)id.ms, (unsigned long long)id.seq);
}

static void add_pair(struct ens_buf *into, struct ens_buf *name, struct ens_buf *value)
{
	into->failed |= name->failed || value->failed;
	ens_resp_arg(into, name->data, name->len);
	ens_resp_arg(into, value->data, value->len);
	ens_buf_clear(name);
	ens_buf_clear(value);
}

/* src:STREAM "RESUME READ COUNT WATERMARK"; pos:GROUP "TIME STREAM ID"; watch:GROUP "TIME"; times in us, "-": none. */
size_t ens_redis_job_add_progress(const struct ens_redis_job *j, const struct ens_progress *p, struct ens_buf *into)
{
	const struct ens_tables *t = j->tables;
	struct ens_buf name = ENS_BUF_EMPTY, value = ENS_BUF_EMPTY;
	size_t n = 0;

	for (uint32_t i = 0; i < p->nstream; i++, n++) {
		const struct ens_stream_progress *s = &p->stream[i];

		ens_buf_adds(&name, "src:");
		ens_buf_add(&name, t->bytes + t->stream[i].name.off, t->stream[i].name.len);
		ens_entry_id_format(&value, s->resume);
		ens_buf_addc(&value, ' ');
		ens_entry_id_format(&value, s->read);
		ens_buf_addf(&value, " %llu ", (unsigned long long)s->count);
		if (s->watermark_us == INT64_MIN)
			ens_buf_addc(&value, '-');
		else
			ens_format_int(&value, s->watermark_us);
		add_pair(into, &name, &value);
	}
	for (uint32_t i = 0; i < p->ngroup; i++) {
		const struct ens_group_progress *g = &p->group[i];

		if (g->released) {
			ens_buf_addf(&name, "pos:%u", i);
			ens_buf_addf(&value, "%lld %u ", (long long)g->position.time_us, g->position.id.stream);
			ens_entry_id_format(&value, (struct ens_entry_at){g->position.id.ms, g->position.id.seq});
			add_pair(into, &name, &value);
			n++;
		}
		if (g->watching) {
			ens_buf_addf(&name, "watch:%u", i);
			ens_format_int(&value, g->watch_start_us);
			add_pair(into, &name, &value);
			n++;
		}
	}
	ens_buf_free(&name);
	ens_buf_free(&value);
	return 2 * n;
}

/* Words of a text, one after the other. */
static const char *next_word(const char **at, size_t *len)
{
	const char *s = *at + strspn(*at, " ");

	*len = strcspn(s, " ");
	*at = s + *len;
	return s;
}

static bool read_id(const char **at, struct ens_entry_at *out)
{
	size_t len;
	const char *s = next_word(at, &len);

	return ens_entry_id_parse(s, len, out);
}

static bool read_int(const char **at, int64_t *out)
{
	size_t len;
	const char *s = next_word(at, &len);

	return ens_parse_int(s, len, out);
}

static bool read_source(const struct ens_tables *t, const char *name, size_t len, const char *value,
			struct ens_progress *p)
{
	for (uint32_t i = 0; i < p->nstream; i++) {
		struct ens_stream_progress *s = &p->stream[i];
		int64_t count;

		if (t->stream[i].name.len != len || memcmp(t->bytes + t->stream[i].name.off, name, len) != 0)
			continue;
		if (!read_id(&value, &s->resume) || !read_id(&value, &s->read) || !read_int(&value, &count) ||
		    count < 0)
			return false;
		s->known = true;
		s->count = (uint64_t)count;
		return strcmp(value, " -") == 0 || read_int(&value, &s->watermark_us);
	}
	return true; /* a stream that the rules do not read: other rules, which is judged elsewhere */
}

static bool read_group(const char *name, const char *value, struct ens_progress *p)
{
	bool position = strncmp(name, "pos:", 4) == 0;
	const char *number = strchr(name, ':') + 1;
	struct ens_group_progress *g;
	struct ens_entry_at id;
	int64_t n, stream;

	if (!ens_parse_int(number, strlen(number), &n) || n < 0 || n >= p->ngroup)
		return true;
	g = &p->group[n];
	if (!position) {
		g->watching = true;
		return read_int(&value, &g->watch_start_us);
	}
	if (!read_int(&value, &g->position.time_us) || !read_int(&value, &stream) || !read_id(&value, &id) ||
	    stream < 0 || stream >= p->nstream)
		return false;
	g->position.id = (struct ens_entry_id){id.ms, id.seq, (uint32_t)stream};
	g->released = true;
	return true;
}

static bool read_text(char *to, const char *value)
{
	if (strlen(value) > ENS_REDIS_HEX)
		return false;
	strcpy(to, value);
	return true;
}

static enum ens_status other_rules(const struct ens_redis_job *j, const char *theirs, struct ens_error *err)
{
	char ours[33];

	ens_tables_fingerprint(j->tables, ours);
	if (strcmp(ours, theirs) == 0)
		return ENS_OK;
	return ens_fail(err, ENS_EENV,
			"job %s was started with other rules (%.8s, these are %.8s): run these as another --job, with "
			"--from to say where it begins",
			j->name, theirs, ours);
}

/* One field of the head.  Unknown ones are left alone. */
static enum ens_status read_field(struct ens_redis_job *j, const struct redisReply *name,
				  const struct redisReply *value, struct ens_progress *p, struct ens_error *err)
{
	bool good = true;
	int64_t n;

	if (name->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING)
		return strange(j, err);
	if (strcmp(name->str, "format") == 0 && strcmp(value->str, HEAD_FORMAT) != 0)
		return ens_fail(err, ENS_EENV,
				"the state of job %s was written by a later version of ensue (format %s)", j->name,
				value->str);
	if (strcmp(name->str, "tables") == 0)
		return other_rules(j, value->str, err);
	if (strcmp(name->str, "commit") == 0) {
		good = ens_parse_int(value->str, value->len, &n) && n >= 0;
		j->commit = good ? (uint64_t)n : 0;
	} else if (strcmp(name->str, "chain") == 0) {
		good = read_text(j->chain, value->str);
	} else if (p && name->len >= 4 && memcmp(name->str, "src:", 4) == 0) {
		good = read_source(j->tables, name->str + 4, name->len - 4, value->str, p);
	} else if (p && (strncmp(name->str, "pos:", 4) == 0 || strncmp(name->str, "watch:", 6) == 0)) {
		good = read_group(name->str, value->str, p);
	}
	if (!good)
		return ens_fail(err, ENS_EENV, "the state of job %s is damaged: field %s of %.*s", j->name, name->str,
				(int)j->key[ENS_REDIS_HEAD].len, j->key[ENS_REDIS_HEAD].s);
	return ENS_OK;
}

/* Everything in the head; into `p` where the job stands (NULL: only commit and chain). */
static enum ens_status read_head(struct ens_redis_job *j, const struct redisReply *fields, struct ens_progress *p,
				 struct ens_error *err)
{
	enum ens_status status = ENS_OK;

	if (fields->type != REDIS_REPLY_ARRAY || fields->elements % 2 != 0)
		return strange(j, err);
	j->commit = 0;
	j->chain[0] = '\0';
	for (size_t i = 0; i < fields->elements && status == ENS_OK; i += 2)
		status = read_field(j, fields->element[i], fields->element[i + 1], p, err);
	return status;
}

/* ---- the lease --------------------------------------------------------------------------------------------------- */

static enum ens_status new_owner(char out[ENS_REDIS_HEX + 1], struct ens_error *err)
{
	unsigned char bits[ENS_REDIS_HEX / 2];
	enum ens_status status = ens_random(bits, sizeof(bits), err);

	for (size_t i = 0; i < sizeof(bits) && status == ENS_OK; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", bits[i]);
	return status;
}

/* One try of the lease script.  *held_ms > 0: another worker has it that long. */
static enum ens_status take_lease(struct ens_redis_job *j, const char *owner, bool must_exist, struct ens_progress *p,
				  int64_t *held_ms, struct ens_error *err)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	struct redisReply *reply = NULL;
	enum ens_status status;

	*held_ms = 0;
	ens_redis_job_begin(j, ENS_REDIS_TAKE, 4, &b);
	ens_resp_text(&b, owner);
	ens_resp_text(&b, j->owner);
	ens_resp_number(&b, ENS_REDIS_LEASE_US / 1000);
	ens_resp_text(&b, must_exist ? "1" : "0");
	status = call(j, &b, "taking the job's lease", &reply, err);
	ens_buf_free(&b);
	if (status != ENS_OK)
		return status;
	if (strcmp(word_of(reply), "TAKEN") == 0 && reply->elements == 2) {
		strcpy(j->owner, owner);
		j->renewed_us = ens_clock_us();
		status = read_head(j, reply->element[1], p, err);
	} else if (strcmp(word_of(reply), "HELD") == 0 && reply->elements == 2 &&
		   reply->element[1]->type == REDIS_REPLY_INTEGER) {
		*held_ms = reply->element[1]->integer > 0 ? reply->element[1]->integer : 1;
	} else if (strcmp(word_of(reply), "GONE") == 0) {
		status = ens_redis_job_gone(j, err);
	} else {
		status = strange(j, err);
	}
	ens_redis_free(reply);
	return status;
}

/* Waits for another worker's lease to run out. */
static enum ens_status take_first(struct ens_redis_job *j, struct ens_progress *p, struct ens_error *err)
{
	char owner[ENS_REDIS_HEX + 1];
	enum ens_status status = new_owner(owner, err);
	bool told = false;

	while (status == ENS_OK) {
		int64_t held_ms;

		status = take_lease(j, owner, false, p, &held_ms, err);
		if (status != ENS_OK || held_ms == 0)
			return status;
		if (!told)
			ens_log_warn("another worker has job %s; waiting for it to end (its lease runs for another "
				     "%lld.%lld s)",
				     j->name, (long long)(held_ms / 1000), (long long)(held_ms % 1000 / 100));
		told = true;
		ens_monitor_trouble(j->env->monitor, ENS_NO_LEASE);
		if (*j->env->stop)
			return ens_fail(err, ENS_EEND, "asked to stop while waiting for job %s", j->name);
		ens_clock_sleep((held_ms < 500 ? held_ms + 1 : 500) * 1000 + ens_clock_us() % 50000);
	}
	return status;
}

void ens_redis_job_release(struct ens_redis_job *j)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	struct redisReply *reply = NULL;
	struct ens_error err;

	if (!j->conn || j->owner[0] == '\0')
		return;
	ens_redis_job_begin(j, ENS_REDIS_RELEASE, 1, &b);
	ens_resp_text(&b, j->owner);
	if (ens_redis_call(j->conn, &b, &reply, &err) == ENS_OK)
		ens_redis_free(reply);
	ens_buf_free(&b);
}

/* ---- start and recovery ------------------------------------------------------------------------------------------ */

static const char *role_of(const struct ens_redis_job *j, const struct redisReply *key)
{
	for (uint32_t i = ENS_REDIS_JOURNAL; i < ENS_REDIS_OUTPUTS; i++)
		if (key->len == j->key[i].len && memcmp(key->str, j->key[i].s, key->len) == 0)
			return "belongs to the job";
	return "is to take emissions";
}

enum ens_status ens_redis_job_prepare(struct ens_redis_job *j, struct ens_error *err)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	struct redisReply *reply = NULL;
	enum ens_status status;

	ens_redis_job_begin(j, ENS_REDIS_PREPARE, 1, &b);
	ens_resp_text(&b, j->owner);
	status = call(j, &b, "creating the output streams", &reply, err);
	ens_buf_free(&b);
	if (status != ENS_OK)
		return status;
	if (strcmp(word_of(reply), "KEY") == 0 && reply->elements == 3 &&
	    reply->element[1]->type == REDIS_REPLY_STRING && reply->element[2]->type == REDIS_REPLY_STRING)
		status = ens_fail(err, ENS_EENV, "the key %s %s, but it is a %s, not a stream", reply->element[1]->str,
				  role_of(j, reply->element[1]), reply->element[2]->str);
	else if (strcmp(word_of(reply), "OK") != 0)
		status = strange(j, err);
	ens_redis_free(reply);
	return status;
}

/* A job without a commit whose journal has records lost its head: beginning anew would double what was emitted. */
static enum ens_status check_journal(struct ens_redis_job *j, struct ens_error *err)
{
	const struct ens_redis_key *journal = &j->key[ENS_REDIS_JOURNAL];
	struct ens_buf b = ENS_BUF_EMPTY;
	struct redisReply *reply = NULL;
	enum ens_status status;

	ens_resp_begin(&b, 2);
	ens_resp_text(&b, "XLEN");
	ens_resp_arg(&b, journal->s, journal->len);
	status = call(j, &b, "looking at the job's journal", &reply, err);
	ens_buf_free(&b);
	if (status != ENS_OK)
		return status;
	if (reply->type == REDIS_REPLY_INTEGER && reply->integer > 0)
		status = ens_fail(
			err, ENS_EENV,
			"the head of job %s is gone, but its journal %.*s is there: if the job is to begin anew, "
			"delete the journal too",
			j->name, (int)journal->len, journal->s);
	ens_redis_free(reply);
	return status;
}

static bool is_wrong_type(const struct ens_error *err)
{
	return strstr(err->text, "WRONGTYPE") != NULL;
}

enum ens_status ens_redis_job_start(struct ens_redis_job *j, struct ens_progress *p, struct ens_error *err)
{
	enum ens_status status = take_first(j, p, err);

	if (status == ENS_EENV && is_wrong_type(err))
		return ens_fail(
			err, ENS_EENV,
			"the key %.*s belongs to job %s, but it is not a hash: delete it, or run as another --job",
			(int)j->key[ENS_REDIS_HEAD].len, j->key[ENS_REDIS_HEAD].s, j->name);
	if (status == ENS_OK)
		status = ens_redis_job_prepare(j, err);
	if (status == ENS_OK && j->commit == 0)
		status = check_journal(j, err);
	return status;
}

static struct ens_log_often again_often;

enum ens_status ens_redis_job_recover(struct ens_redis_job *j, uint64_t *commit, char chain[ENS_REDIS_HEX + 1],
				      struct ens_error *err)
{
	const uint64_t known_commit = j->commit;
	struct ens_redis_patience patience = {0};
	char owner[ENS_REDIS_HEX + 1], known_chain[ENS_REDIS_HEX + 1];
	enum ens_status status = new_owner(owner, err); /* the same in each try: an answer may be lost again */
	int64_t held_ms = 0;

	strcpy(known_chain, j->chain);
	if (status != ENS_OK)
		return status;
	(void)ens_fail(err, ENS_EEND, "the connection to Redis at %s was lost", j->env->address->shown);
	do {
		ens_redis_job_disconnect(j);
		status = ens_redis_wait(j->env, &patience, err);
		if (status != ENS_OK)
			return status;
		status = ens_redis_job_connect(j, err);
		if (status == ENS_OK)
			status = take_lease(j, owner, true, NULL, &held_ms, err);
	} while (status == ENS_EEND);
	if (status != ENS_OK)
		return status;
	if (held_ms > 0)
		return ens_redis_job_fenced(j, err);
	*commit = j->commit;
	strcpy(chain, j->chain);
	j->commit = known_commit;
	strcpy(j->chain, known_chain);
	err->text[0] = '\0';
	ens_log_often(&again_often, "connected to Redis again");
	return ENS_OK;
}
