/*
 * The reading side of a run.
 *
 * One request is always under way: TIME, then XREAD over all streams that are wanted.  As soon as its answer is parsed
 * the next one is sent, so the server works on it while the entries are decoded and matched.  Bytes are taken as they
 * come; a half read answer waits in the reader.  A lost connection costs nothing: positions move only with whole
 * answers, and the same read is asked for again.
 *
 * The read size begins small and doubles up to the one asked for, as long as an answer stays under ANSWER_AIM_BYTES:
 * large entries make small reads.
 * Tested by tests/redis.
 */
#include "runtime/io/redis_source.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/io/clock.h"
#include "runtime/io/redis_reply.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define READ_SIZE_FIRST 64u
#define ANSWER_AIM_BYTES ((uint64_t)4 << 20)

struct ens_redis_source {
	const struct ens_redis_env *env;
	const struct ens_tables *tables;
	struct ens_redis_source_options options;
	struct ens_decoder *decoder;
	struct ens_redis_reader *reader;
	struct ens_redis_conn *conn;       /* NULL: none */
	struct ens_redis_patience patience;
	struct ens_batch batch;
	struct ens_entry_at *position;     /* per stream: read up to there */
	struct ens_entry_at *counted;      /* per stream: entries up to there were counted before the start */
	struct ens_stream_read *news;      /* per stream */
	uint32_t read_size;                /* at present */
	uint32_t asked_size;               /* of the read under way */
	bool *asked;                       /* per stream: by the read under way */
	int64_t not_before_us;             /* the next read is not sent before that */
	bool under_way;
	bool begun;                        /* the reader expects its answer */
	int64_t asked_us, came_asked_us; /* when the read under way was sent, and the one that came last */
	int64_t deadline_us;               /* its answer is lost if it isn't there by then */
	struct ens_buf command;
	char chunk[CHUNK_BYTES];
};

/* ---- asking ------------------------------------------------------------------------------------------------------ */

static void add_id(struct ens_buf *b, struct ens_entry_at id)
{
	char text[48];
	int len = snprintf(text, sizeof(text), "%llu-%llu", (unsigned long long)id.ms, (unsigned long long)id.seq);

	ens_resp_arg(b, text, (size_t)len);
}

static void build_request(struct ens_redis_source *s, const struct ens_read_wish *wish)
{
	const struct ens_tables *t = s->tables;
	int64_t wait_ms = (wish->wait_us + 999) / 1000;
	size_t nblock = wish->here || wish->wait_us == 0 ? 0 : 2;
	struct ens_buf *b = &s->command;
	size_t asked = 0;

	for (uint32_t i = 0; i < t->nstream; i++) {
		s->asked[i] = !wish->pause[i];
		asked += s->asked[i];
	}
	ens_buf_clear(b);
	ens_resp_begin(b, 1);
	ens_resp_text(b, "TIME");
	ens_resp_begin(b, 4 + nblock + 2 * asked);
	ens_resp_text(b, "XREAD");
	ens_resp_text(b, "COUNT");
	ens_resp_number(b, s->asked_size);
	if (nblock > 0) {
		ens_resp_text(b, "BLOCK");
		ens_resp_number(b, wait_ms > 0 ? (uint64_t)wait_ms : 1); /* 0 would be for ever */
	}
	ens_resp_text(b, "STREAMS");
	for (uint32_t i = 0; i < t->nstream; i++)
		if (s->asked[i])
			ens_resp_arg(b, t->bytes + t->stream[i].name.off, t->stream[i].name.len);
	for (uint32_t i = 0; i < t->nstream; i++)
		if (s->asked[i])
			add_id(b, s->position[i]);
}

static enum ens_status ask(struct ens_redis_source *s, const struct ens_read_wish *wish, struct ens_error *err)
{
	enum ens_status status;

	s->asked_size = s->read_size;
	build_request(s, wish);
	status = ens_redis_send(s->conn, &s->command, err);
	if (status != ENS_OK)
		return status;
	s->under_way = true;
	s->begun = false;
	s->asked_us = ens_clock_us();
	s->deadline_us = s->asked_us + wish->wait_us + ENS_REDIS_TIMEOUT_US;
	return ENS_OK;
}

static void disconnect(struct ens_redis_source *s)
{
	ens_redis_close(s->conn);
	s->conn = NULL;
	s->under_way = false;
}

static enum ens_status connect_again(struct ens_redis_source *s, struct ens_error *err)
{
	enum ens_status status = ens_redis_open(s->env, &s->conn, err);

	return status == ENS_OK ? ens_redis_reader_restart(s->reader, err) : status;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* XREAD does not say which of its keys is no stream. */
static enum ens_status name_wrong_type(struct ens_redis_source *s, struct ens_error *err)
{
	const struct ens_tables *t = s->tables;
	struct ens_buf command = ENS_BUF_EMPTY;
	enum ens_status status = ENS_OK;
	bool found = false;

	for (uint32_t i = 0; i < t->nstream && status == ENS_OK && !found; i++) {
		struct redisReply *reply = NULL;
		const struct ens_t_str name = t->stream[i].name;

		ens_buf_clear(&command);
		ens_resp_begin(&command, 2);
		ens_resp_text(&command, "TYPE");
		ens_resp_arg(&command, t->bytes + name.off, name.len);
		status = ens_redis_call(s->conn, &command, &reply, err);
		if (status == ENS_OK && reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "stream") != 0 &&
		    strcmp(reply->str, "none") != 0) {
			found = true;
			(void)ens_fail(err, ENS_EENV, "the key %.*s is a %s, but the rules read it as a stream",
				       (int)name.len, t->bytes + name.off, reply->str);
		}
		ens_redis_free(reply);
	}
	ens_buf_free(&command);
	if (!found)
		(void)ens_fail(err, ENS_EENV, "one of the keys that the rules read is not a stream");
	return ENS_EENV;
}

/* ENS_OK: the same read may be asked for again, after a while. */
static enum ens_status refused(struct ens_redis_source *s, const char *error, struct ens_error *err)
{
	switch (ens_redis_judge(error)) {
	case ENS_REDIS_RETRY:
		(void)ens_fail(err, ENS_EEND, "Redis at %s can't be read from now: %s", s->env->address->shown, error);
		return ens_redis_wait(s->env, &s->patience, err);
	case ENS_REDIS_RECONNECT:
		return ens_fail(err, ENS_EEND, "Redis at %s ended the read: %s", s->env->address->shown, error);
	case ENS_REDIS_NOSCRIPT:
	case ENS_REDIS_STOP:
		break;
	}
	if (strncmp(error, "WRONGTYPE", 9) == 0)
		return name_wrong_type(s, err);
	return ens_redis_refused(s->env, "reading the streams", error, err);
}

static void adapt_read_size(struct ens_redis_source *s, const struct ens_redis_read *r)
{
	if (r->len_bytes > ANSWER_AIM_BYTES)
		s->read_size = s->read_size > 2 ? s->read_size / 2 : 1;
	else if (r->len_bytes < ANSWER_AIM_BYTES / 4 && r->total_entries >= s->read_size &&
		 s->read_size < s->options.read_size)
		s->read_size = s->read_size * 2 < s->options.read_size ? s->read_size * 2 : s->options.read_size;
}

/* Positions and news of a whole answer. */
static void accept(struct ens_redis_source *s, const struct ens_redis_read *r)
{
	adapt_read_size(s, r);
	for (uint32_t i = 0; i < s->tables->nstream; i++) {
		struct ens_stream_read *n = &s->news[i];

		s->position[i] = r->last[i];
		n->last = r->last[i];
		n->asked = s->asked[i];
		n->ended = n->asked && r->all_entries[i] < s->asked_size;
	}
}

/* Takes bytes until the answer is whole (*complete) or nothing more is there by now. */
static enum ens_status receive(struct ens_redis_source *s, bool *complete, struct ens_error *err)
{
	*complete = false;
	for (;;) {
		size_t len = 0;
		enum ens_status status = ens_redis_receive(s->conn, s->chunk, sizeof(s->chunk), &len, err);

		if (status != ENS_OK)
			return status;
		if (len == 0 && ens_clock_us() > s->deadline_us)
			return ens_fail(err, ENS_EEND, "Redis at %s does not answer", s->env->address->shown);
		if (len == 0)
			return ENS_OK;
		status = ens_redis_reader_feed(s->reader, s->chunk, len, complete, err);
		if (status == ENS_EINPUT)
			return ENS_EENV; /* a server that speaks like that will go on so */
		if (status != ENS_OK || *complete)
			return status;
	}
}

/* The answer is whole: its news, and the next read on its way before anything is matched. */
static enum ens_status complete(struct ens_redis_source *s, const struct ens_read_wish *wish, bool *got,
				struct ens_error *err)
{
	const struct ens_redis_read *r = ens_redis_reader_result(s->reader);
	struct ens_read_wish next = *wish;

	s->under_way = false;
	if (r->error[0] != '\0')
		return refused(s, r->error, err);
	s->patience = (struct ens_redis_patience){0};
	accept(s, r);
	s->came_asked_us = s->asked_us;
	*got = true;
	if (r->total_entries > 0) {
		next.wait_us = 0;
		next.here = false;
	}
	if (next.here)
		s->not_before_us = ens_clock_us() + next.wait_us;
	else if (ask(s, &next, err) != ENS_OK)
		disconnect(s); /* what has come is good; the next take connects again */
	err->text[0] = '\0';
	return ens_redis_reader_decode(s->reader, &s->batch, err);
}

/* One try; ENS_EEND: the connection is gone. */
static enum ens_status try_take(struct ens_redis_source *s, const struct ens_read_wish *next, bool *got,
				struct ens_error *err)
{
	enum ens_status status = ENS_OK;
	bool whole = false;

	*got = false;
	if (!s->conn)
		status = connect_again(s, err);
	if (status == ENS_OK && !s->under_way) {
		if (next->here && ens_clock_us() < s->not_before_us)
			return ENS_OK;
		status = ask(s, next, err);
	}
	if (status == ENS_OK && !s->begun) {
		ens_redis_reader_begin(s->reader, s->position, s->counted);
		s->begun = true;
	}
	if (status == ENS_OK)
		status = receive(s, &whole, err);
	return status == ENS_OK && whole ? complete(s, next, got, err) : status;
}

static enum ens_status source_take(void *self, const struct ens_read_wish *next, struct ens_read *out, bool *got,
				   struct ens_error *err)
{
	struct ens_redis_source *s = self;
	enum ens_status status = try_take(s, next, got, err);

	while (status == ENS_EEND) {
		disconnect(s);
		*got = false;
		if (*s->env->stop)
			return ENS_OK;
		status = ens_redis_wait(s->env, &s->patience, err);
		if (status == ENS_OK)
			status = try_take(s, next, got, err);
	}
	if (status != ENS_OK || !*got)
		return status;
	out->batch = &s->batch;
	out->stream = s->news;
	for (uint32_t i = 0; i < s->tables->nstream; i++) {
		s->news[i].entries = ens_redis_reader_result(s->reader)->entries[i];
		s->news[i].bytes = ens_redis_reader_result(s->reader)->all_bytes[i];
		s->news[i].skipped = ens_redis_reader_result(s->reader)->skipped[i];
	}
	out->entry = ens_redis_reader_result(s->reader)->entry;
	out->server_us = ens_redis_reader_result(s->reader)->server_us;
	out->asked_us = s->came_asked_us;
	return ENS_OK;
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

enum ens_status ens_redis_source_open(const struct ens_redis_env *env, const struct ens_tables *tables,
				      const struct ens_redis_source_options *options, const struct ens_progress *start,
				      struct ens_redis_source **out, struct ens_error *err)
{
	const struct ens_decoder_options decoder = {.event_field = NULL, .max_skew_us = options->max_skew_us};
	struct ens_redis_source *s = calloc(1, sizeof(*s));
	size_t n = (size_t)tables->nstream + 1;
	enum ens_status status;

	if (!s)
		return ens_fail(err, ENS_ENOMEM, "out of memory");
	s->env = env;
	s->tables = tables;
	s->options = *options;
	s->read_size = options->read_size < READ_SIZE_FIRST ? options->read_size : READ_SIZE_FIRST;
	ens_batch_init(&s->batch);
	s->position = calloc(n, sizeof(*s->position));
	s->counted = calloc(n, sizeof(*s->counted));
	s->news = calloc(n, sizeof(*s->news));
	s->asked = calloc(n, sizeof(*s->asked));
	if (s->position && s->counted && s->news && s->asked)
		status = ens_decoder_open(tables, &decoder, &s->decoder, err);
	else
		status = ens_fail(err, ENS_ENOMEM, "out of memory");
	if (status == ENS_OK)
		status = ens_redis_reader_open(tables, s->decoder, &s->reader, err);
	if (status != ENS_OK) {
		ens_redis_source_close(s);
		return status;
	}
	for (uint32_t i = 0; i < tables->nstream; i++) {
		s->position[i] = start->stream[i].resume;
		s->counted[i] = start->stream[i].read;
	}
	*out = s;
	return ENS_OK;
}

void ens_redis_source_close(struct ens_redis_source *s)
{
	if (!s)
		return;
	disconnect(s);
	ens_redis_reader_close(s->reader);
	ens_decoder_close(s->decoder);
	ens_batch_free(&s->batch);
	ens_buf_free(&s->command);
	free(s->position);
	free(s->counted);
	free(s->news);
	free(s->asked);
	free(s);
}

struct ens_source ens_redis_source_interface(struct ens_redis_source *s)
{
	return (struct ens_source){.self = s, .take = source_take};
}

int ens_redis_source_fd(const struct ens_redis_source *s)
{
	return s->conn ? ens_redis_fd(s->conn) : -1;
}
