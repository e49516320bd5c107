/*
 * Entries for `ensue infer`, through the readers that `ensue run` uses, so that what is declared is what will be read.
 *
 * A stream is read from its newest entry backwards, some entries at a time, which bounds one answer.
 * Tested by tests/cli/infer.sh and tests/redis/infer.sh.
 */
#include "tools/infer.h"

#include <hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "runtime/io/file_source.h"
#include "runtime/io/redis_conn.h"

#define ENTRIES_MAX 1000
#define ENTRIES_AT_ONCE 100

static volatile sig_atomic_t no_stop; /* signals end the process as usual */

/* ---- files ------------------------------------------------------------------------------------------------------- */

static enum ens_status read_entries(struct ens_file_source *source, struct infer *w, struct infer_bad *bad,
				   struct ens_error *err)
{
	for (int i = 0; i < ENTRIES_MAX; i++) {
		enum ens_reject_reason reason;
		struct ens_entry entry;
		const enum ens_status st = ens_file_source_next(source, &entry, &reason, err);

		if (st == ENS_EEND)
			break;
		if (st == ENS_EINPUT) {
			if (bad->n++ == 0) {
				bad->why = *err;
				bad->first_line = entry.id.ms;
			}
			continue;
		}
		if (st != ENS_OK)
			return st;
		if (!infer_entry(w, &entry))
			return ens_fail(err, ENS_ENOMEM, "no memory");
	}
	return ENS_OK;
}

enum ens_status infer_file(struct infer *w, const char *name, struct infer_bad *bad, struct ens_error *err)
{
	struct ens_file_source *source = NULL;
	enum ens_status st = ens_file_source_open(name, ENS_INPUT_BLOCK_BYTES, NULL, &source, err);

	if (st != ENS_OK)
		return st;
	st = read_entries(source, w, bad, err);
	ens_file_source_close(source);
	return st;
}

/* ---- Redis ------------------------------------------------------------------------------------------------------- */

/* One element of XREVRANGE's answer: its ID, and its fields and values by turns.  False: it is none, or no memory. */
static bool take_reply_entry(struct infer *w, const redisReply *r, struct ens_raw_field *field)
{
	struct ens_entry entry = {.field = field};

	if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 || r->element[0]->type != REDIS_REPLY_STRING
	    || r->element[1]->type != REDIS_REPLY_ARRAY)
		return false;
	const redisReply *pairs = r->element[1];

	for (size_t i = 0; i + 1 < pairs->elements && entry.nfield < ENS_FIELDS_MAX; i += 2) {
		const redisReply *name = pairs->element[i], *value = pairs->element[i + 1];

		if (name->type != REDIS_REPLY_STRING || value->type != REDIS_REPLY_STRING || name->len > ENS_VALUE_MAX_BYTES
		    || value->len > ENS_VALUE_MAX_BYTES)
			continue;
		field[entry.nfield++] = (struct ens_raw_field){.name = name->str, .name_len = (uint32_t)name->len,
							       .s = value->str, .len = (uint32_t)value->len,
							       .kind = ENS_RAW_TEXT};
	}
	return infer_entry(w, &entry);
}

static void command_before(struct ens_buf *command, const char *stream, const char *before)
{
	ens_buf_clear(command);
	ens_resp_begin(command, 6);
	ens_resp_text(command, "XREVRANGE");
	ens_resp_text(command, stream);
	ens_resp_text(command, before);
	ens_resp_text(command, "-");
	ens_resp_text(command, "COUNT");
	ens_resp_number(command, ENTRIES_AT_ONCE);
}

struct reading {
	struct ens_redis_env env;
	struct ens_redis_conn *conn;
	const char *stream;
	struct ens_raw_field *field; /* room for those of one entry */
	char before[64];             /* only entries before this ID are wanted: "+", later "(ID" */
	uint32_t n;                  /* entries that have come */
};

/* The next entries towards the beginning; *over: there are no more. */
static enum ens_status read_some(struct reading *r, struct infer *w, bool *over, struct ens_error *err)
{
	struct ens_buf command = ENS_BUF_EMPTY;
	struct redisReply *reply = NULL;

	command_before(&command, r->stream, r->before);
	enum ens_status st = command.failed ? ENS_ENOMEM : ens_redis_call(r->conn, &command, &reply, err);

	ens_buf_free(&command);
	if (st == ENS_OK && reply->type == REDIS_REPLY_ERROR)
		st = ens_redis_refused(&r->env, "reading the stream", reply->str, err);
	else if (st == ENS_OK && reply->type != REDIS_REPLY_ARRAY)
		st = ens_fail(err, ENS_EENV, "what answers at %s is no Redis server", r->env.address->shown);
	*over = st != ENS_OK || reply->elements < ENTRIES_AT_ONCE;
	for (size_t i = 0; st == ENS_OK && i < reply->elements && r->n < ENTRIES_MAX; i++, r->n++) {
		if (!take_reply_entry(w, reply->element[i], r->field))
			st = ens_fail(err, ENS_EENV, "an entry of the stream could not be taken: no memory, or not what Redis answers");
		else
			snprintf(r->before, sizeof r->before, "(%s", reply->element[i]->element[0]->str);
	}
	ens_redis_free(reply);
	return st;
}

enum ens_status infer_stream(struct infer *w, const struct ens_redis_address *address, const char *stream,
			     struct ens_error *err)
{
	struct reading r = {.env = {.address = address, .stop = &no_stop, .starting = true}, .stream = stream, .before = "+"};
	enum ens_status st = ENS_ENOMEM;
	bool over = false;

	r.field = calloc(ENS_FIELDS_MAX, sizeof *r.field);
	if (r.field)
		st = ens_redis_open(&r.env, &r.conn, err);
	while (st == ENS_OK && !over && r.n < ENTRIES_MAX)
		st = read_some(&r, w, &over, err);
	ens_redis_close(r.conn);
	free(r.field);
	return st == ENS_EEND ? ENS_EENV : st; /* a lost connection is no end */
}
