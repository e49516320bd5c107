/*
 * XREAD answers into events, on hiredis's reader with our own object functions.
 *
 * The answer's shape is fixed: streams > (name, entries) > (ID, fields) > names and values alternating.  The depth of
 * an element and its place in its array say what it is; anything that is not as it should be ends the read, so a wrong
 * server costs a message and nothing else.  The reader's strings live in its buffer and move, so the object functions
 * put names and values one after the other into one block, with their lengths beside it.  Decoding walks that block. It
 * is a step of its own because the server is idle until it is asked again: the next read is sent between the two steps,
 * and the server works while entries are decoded and matched.
 *
 * Guarantee: for any bytes in any pieces: no crash, memory bounded by the answer's, IDs strictly ascending per stream;
 * an entry larger than allowed is kept only as far as allowed.  Cost: one call per element, one copy per text.
 * Tested by tests/unit/test_redis_reply.c.
 */
#include "runtime/io/redis_reply.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/read.h>

#include "base/limits.h"
#include "base/text.h"

#define UNUSED_BUFFER_KEPT_BYTES ((size_t)4 << 20) /* hiredis frees an empty buffer above that */
#define BUFFER_MAX_BYTES ((size_t)640 << 20)       /* one value is at most 512 MiB (proto-max-bulk-len) */
#define STREAM_ENTRIES_MAX 10000000                /* far above any COUNT of ours */

enum part { PART_TIME, PART_ENTRIES, PART_DONE };

/* Depths in an XREAD answer. */
enum depth { STREAMS, STREAM, NAME_OR_ENTRIES, ENTRY, ID_OR_FIELDS, FIELD };

/* An entry of the answer; its texts follow those of the entry before it. */
struct collected {
	struct ens_entry_at id;
	uint32_t stream;
	uint32_t ntext;                /* names and values, kept */
	bool too_large;                /* some were not kept */
};

struct ens_redis_reader {
	const struct ens_tables *tables;
	struct ens_decoder *decoder;
	redisReader *hiredis;
	redisReplyObjectFunctions fn;
	enum part part;
	enum ens_status status;        /* why the object functions ended the read */
	struct ens_error err;
	struct ens_redis_read read;
	struct ens_entry_at *last;     /* per stream */
	uint64_t *entries, *all_entries, *all_bytes, *skipped; /* per stream */
	const struct ens_entry_at *counted;
	uint64_t *entry;               /* per event of the batch */
	size_t entry_cap;
	uint32_t stream;               /* the one at hand */
	char *bytes;                   /* of all texts */
	size_t nbytes, bytes_cap, entry_bytes;
	uint32_t *len;                 /* per text */
	size_t nlen, len_cap;
	struct collected *collected;
	size_t ncollected, collected_cap;
	struct ens_raw_field field[ENS_FIELDS_MAX + 1]; /* one more than allowed, so that the decoder sees it */
};

static char seen_object; /* what the object functions return: anything but NULL */

/* ---- IDs --------------------------------------------------------------------------------------------------------- */

static bool parse_u64(const char **s, const char *end, uint64_t *out)
{
	uint64_t n = 0;
	const char *at = *s;

	for (; at < end && *at >= '0' && *at <= '9'; at++) {
		uint64_t digit = (uint64_t)(*at - '0');

		if (n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (at == *s)
		return false;
	*s = at;
	*out = n;
	return true;
}

bool ens_entry_id_parse(const char *s, size_t len, struct ens_entry_at *out)
{
	const char *end = s + len;
	struct ens_entry_at id;

	if (!parse_u64(&s, end, &id.ms) || s == end || *s++ != '-' || !parse_u64(&s, end, &id.seq) || s != end)
		return false;
	*out = id;
	return true;
}

/* ---- what the elements are --------------------------------------------------------------------------------------- */

static void *stop(struct ens_redis_reader *r, enum ens_status status, const char *what)
{
	if (r->status == ENS_OK)
		r->status = ens_fail(&r->err, status, "what answers there does not speak as a Redis server does (%s)",
				     what);
	return NULL;
}

static enum depth depth_of(const struct ens_redis_reader *r, const redisReadTask *task)
{
	return (enum depth)(task - r->hiredis->rstack);
}

static void *take_error(struct ens_redis_reader *r, const char *s, size_t len)
{
	if (r->read.error[0] == '\0')
		(void)snprintf(r->read.error, sizeof(r->read.error), "%.*s",
			       len < ENS_ERROR_MAX ? (int)len : ENS_ERROR_MAX, s);
	return &seen_object;
}

/* TIME: seconds and microseconds as texts. */
static void *take_time(struct ens_redis_reader *r, const redisReadTask *task, const char *s, size_t len)
{
	int64_t n;

	if (depth_of(r, task) != STREAM || !ens_parse_int(s, len, &n) || n < 0 || n > INT64_MAX / 4000000)
		return stop(r, ENS_EINPUT, "a strange answer to TIME");
	r->read.server_us += task->idx == 0 ? n * 1000000 : n;
	return &seen_object;
}

static bool is_name(const struct ens_tables *t, uint32_t stream, const char *s, size_t len)
{
	const struct ens_t_str *name = &t->stream[stream].name;

	return name->len == len && memcmp(t->bytes + name->off, s, len) == 0;
}

/* Streams come in the order asked, some left out. */
static void *take_stream_name(struct ens_redis_reader *r, const redisReadTask *task, const char *s, size_t len)
{
	uint32_t n = task->parent->idx == 0 ? 0 : r->stream + 1;

	while (n < r->tables->nstream && !is_name(r->tables, n, s, len))
		n++;
	if (n >= r->tables->nstream)
		return stop(r, ENS_EINPUT, "entries of a stream that was not asked for");
	r->stream = n;
	return &seen_object;
}

/* The array with room for one element more; NULL without memory. */
static void *grow(void *array, size_t count, size_t *cap, size_t size)
{
	size_t new_cap = *cap ? 2 * *cap : 1024;
	void *grown;

	if (count < *cap)
		return array;
	grown = realloc(array, new_cap * size);
	if (grown)
		*cap = new_cap;
	return grown;
}

static void *out_of_memory(struct ens_redis_reader *r)
{
	r->status = ens_fail(&r->err, ENS_ENOMEM, "out of memory for the entries of one read");
	return NULL;
}

static void *take_id(struct ens_redis_reader *r, const char *s, size_t len)
{
	struct ens_entry_at *last = &r->last[r->stream];
	struct collected *grown;
	struct ens_entry_at id;

	if (!ens_entry_id_parse(s, len, &id))
		return stop(r, ENS_EINPUT, "a strange entry ID");
	if (id.ms < last->ms || (id.ms == last->ms && id.seq <= last->seq))
		return stop(r, ENS_EINPUT, "entry IDs that do not ascend");
	grown = grow(r->collected, r->ncollected, &r->collected_cap, sizeof(*grown));
	if (!grown)
		return out_of_memory(r);
	r->collected = grown;
	*last = id;
	r->collected[r->ncollected++] = (struct collected){.id = id, .stream = r->stream};
	r->entry_bytes = 0;
	return &seen_object;
}

/* One byte more than asked for is kept free: copies of nothing have an address. */
static bool room_for(struct ens_redis_reader *r, size_t len)
{
	size_t cap = r->bytes_cap ? r->bytes_cap : 65536;
	char *grown;

	if (len < r->bytes_cap - r->nbytes)
		return true;
	while (cap - r->nbytes <= len)
		cap *= 2;
	grown = realloc(r->bytes, cap);
	if (!grown)
		return false;
	r->bytes = grown;
	r->bytes_cap = cap;
	return true;
}

static void *take_text(struct ens_redis_reader *r, const redisReadTask *task, const char *s, size_t len)
{
	struct collected *c = &r->collected[r->ncollected - 1];
	uint32_t *grown;

	r->all_bytes[r->stream] += len;
	if (task->idx >= 2 * (ENS_FIELDS_MAX + 1) || c->too_large)
		return &seen_object;
	if (len > ENS_ENTRY_MAX_BYTES - r->entry_bytes) {
		c->too_large = true;
		return &seen_object;
	}
	grown = grow(r->len, r->nlen, &r->len_cap, sizeof(*grown));
	if (!grown)
		return out_of_memory(r);
	r->len = grown;
	if (!room_for(r, len))
		return out_of_memory(r);
	memcpy(r->bytes + r->nbytes, s, len);
	r->nbytes += len;
	r->entry_bytes += len;
	r->len[r->nlen++] = (uint32_t)len;
	c->ntext++;
	return &seen_object;
}

/* ---- hiredis's object functions ---------------------------------------------------------------------------------- */

static void *on_string(const redisReadTask *task, char *s, size_t len)
{
	struct ens_redis_reader *r = task->privdata;
	enum depth depth = depth_of(r, task);

	if (task->type == REDIS_REPLY_ERROR && depth == STREAMS)
		return take_error(r, s, len);
	if (task->type != REDIS_REPLY_STRING)
		return stop(r, ENS_EINPUT, "an error or status inside an answer");
	if (r->part == PART_TIME)
		return take_time(r, task, s, len);
	if (depth == FIELD)
		return take_text(r, task, s, len);
	if (depth == ID_OR_FIELDS && task->idx == 0)
		return take_id(r, s, len);
	if (depth == NAME_OR_ENTRIES && task->idx == 0)
		return take_stream_name(r, task, s, len);
	return stop(r, ENS_EINPUT, "a string where there should be a list");
}

/* The number of elements that a list at this place may have. */
static bool fits(const struct ens_redis_reader *r, const redisReadTask *task, int elements)
{
	if (r->part == PART_TIME)
		return depth_of(r, task) == STREAMS && elements == 2;
	switch (depth_of(r, task)) {
	case STREAMS:
		return elements >= 1 && (uint32_t)elements <= r->tables->nstream;
	case STREAM:
	case ENTRY:
		return elements == 2;
	case NAME_OR_ENTRIES:
		return task->idx == 1 && elements >= 1 && elements <= STREAM_ENTRIES_MAX;
	case ID_OR_FIELDS:
		return task->idx == 1 && elements >= 0 && elements % 2 == 0;
	default:
		return false;
	}
}

static void *on_array(const redisReadTask *task, int elements)
{
	struct ens_redis_reader *r = task->privdata;

	if (!fits(r, task, elements))
		return stop(r, ENS_EINPUT, "a list of a strange length or in a strange place");
	return &seen_object;
}

static void *on_integer(const redisReadTask *task, long long n)
{
	(void)n;
	return stop(task->privdata, ENS_EINPUT, "a number inside an answer");
}

static void *on_nil(const redisReadTask *task)
{
	struct ens_redis_reader *r = task->privdata;

	if (r->part != PART_ENTRIES || depth_of(r, task) != STREAMS)
		return stop(r, ENS_EINPUT, "nothing where there should be something");
	r->read.nothing = true;
	return &seen_object;
}

static void on_free(void *object)
{
	(void)object; /* nothing of ours is owned by the reader */
}

/* ---- the reader -------------------------------------------------------------------------------------------------- */

enum ens_status ens_redis_reader_restart(struct ens_redis_reader *r, struct ens_error *err)
{
	redisReader *fresh = redisReaderCreateWithFunctions(&r->fn);

	if (!fresh)
		return ens_fail(err, ENS_ENOMEM, "out of memory");
	if (r->hiredis)
		redisReaderFree(r->hiredis);
	fresh->privdata = r;
	fresh->maxbuf = UNUSED_BUFFER_KEPT_BYTES;
	r->hiredis = fresh;
	return ENS_OK;
}

enum ens_status ens_redis_reader_open(const struct ens_tables *tables, struct ens_decoder *decoder,
				      struct ens_redis_reader **out, struct ens_error *err)
{
	struct ens_redis_reader *r = calloc(1, sizeof(*r));
	enum ens_status status;

	if (!r)
		return ens_fail(err, ENS_ENOMEM, "out of memory");
	r->tables = tables;
	r->decoder = decoder;
	r->fn = (redisReplyObjectFunctions){on_string, on_array, on_integer, on_nil, on_free};
	r->last = calloc((size_t)tables->nstream + 1, sizeof(*r->last));
	r->entries = calloc((size_t)tables->nstream + 1, sizeof(*r->entries));
	r->all_entries = calloc((size_t)tables->nstream + 1, sizeof(*r->all_entries));
	r->all_bytes = calloc((size_t)tables->nstream + 1, sizeof(*r->all_bytes));
	r->skipped = calloc((size_t)tables->nstream + 1, sizeof(*r->skipped));
	r->part = PART_DONE;
	if (r->last && r->entries && r->all_entries && r->all_bytes && r->skipped)
		status = ens_redis_reader_restart(r, err);
	else
		status = ens_fail(err, ENS_ENOMEM, "out of memory");
	if (status != ENS_OK) {
		ens_redis_reader_close(r);
		return status;
	}
	*out = r;
	return ENS_OK;
}

void ens_redis_reader_close(struct ens_redis_reader *r)
{
	if (!r)
		return;
	if (r->hiredis)
		redisReaderFree(r->hiredis);
	free(r->last);
	free(r->entry);
	free(r->bytes);
	free(r->len);
	free(r->collected);
	free(r->entries);
	free(r->all_entries);
	free(r->all_bytes);
	free(r->skipped);
	free(r);
}

/* What one unusual answer needed is not kept for ever. */
static void shrink(struct ens_redis_reader *r)
{
	if (r->bytes_cap > UNUSED_BUFFER_KEPT_BYTES) {
		free(r->bytes);
		r->bytes = NULL;
		r->bytes_cap = 0;
	}
	r->nbytes = r->nlen = r->ncollected = 0;
}

void ens_redis_reader_begin(struct ens_redis_reader *r, const struct ens_entry_at *after,
			    const struct ens_entry_at *counted)
{
	shrink(r);
	r->counted = counted;
	r->part = PART_TIME;
	r->status = ENS_OK;
	r->stream = 0;
	memcpy(r->last, after, r->tables->nstream * sizeof(*r->last));
	memset(r->entries, 0, r->tables->nstream * sizeof(*r->entries));
	memset(r->all_entries, 0, r->tables->nstream * sizeof(*r->all_entries));
	memset(r->all_bytes, 0, r->tables->nstream * sizeof(*r->all_bytes));
	memset(r->skipped, 0, r->tables->nstream * sizeof(*r->skipped));
	r->read = (struct ens_redis_read){.last = r->last, .entries = r->entries, .all_entries = r->all_entries,
					  .all_bytes = r->all_bytes, .skipped = r->skipped};
}

static enum ens_status failed(const struct ens_redis_reader *r, struct ens_error *err)
{
	if (r->status != ENS_OK)
		return ens_fail(err, r->status, "%s", r->err.text);
	if (r->hiredis->err == REDIS_ERR_OOM)
		return ens_fail(err, ENS_ENOMEM, "out of memory for an answer of the Redis server");
	return ens_fail(err, ENS_EINPUT, "what answers there does not speak the Redis protocol (%s)",
			r->hiredis->errstr);
}

enum ens_status ens_redis_reader_feed(struct ens_redis_reader *r, const char *bytes, size_t len_bytes, bool *complete,
				      struct ens_error *err)
{
	redisReader *h = r->hiredis;

	assert(r->part != PART_DONE);
	*complete = false;
	r->read.len_bytes += len_bytes;
	if (h->len - h->pos > BUFFER_MAX_BYTES)
		return ens_fail(err, ENS_EINPUT, "one element of an answer is larger than %zu bytes", BUFFER_MAX_BYTES);
	if (redisReaderFeed(h, bytes, len_bytes) != REDIS_OK)
		return failed(r, err);
	while (r->part != PART_DONE) {
		void *reply = NULL;

		if (redisReaderGetReply(h, &reply) != REDIS_OK)
			return failed(r, err);
		if (!reply)
			return ENS_OK;
		r->part = r->part == PART_TIME ? PART_ENTRIES : PART_DONE;
	}
	r->read.total_entries = r->ncollected;
	for (size_t i = 0; i < r->ncollected; i++)
		r->all_entries[r->collected[i].stream]++;
	if (h->len - h->pos > 0)
		return ens_fail(err, ENS_EINPUT, "what answers there says more than it was asked");
	*complete = true;
	return ENS_OK;
}

const struct ens_redis_read *ens_redis_reader_result(const struct ens_redis_reader *r)
{
	assert(r->part == PART_DONE);
	return &r->read;
}

/* ---- decoding ---------------------------------------------------------------------------------------------------- */

/* Events name their place among the counted entries of their stream. */
static bool note_event(struct ens_redis_reader *r, uint32_t event, uint64_t place)
{
	uint64_t *grown = grow(r->entry, event, &r->entry_cap, sizeof(*grown));

	if (!grown)
		return false;
	r->entry = grown;
	r->entry[event] = place;
	return true;
}

/* The entry's texts as fields; returns where the next entry's begin. */
static const char *lay_out(struct ens_redis_reader *r, const char *at, const uint32_t *len, uint32_t ntext)
{
	for (uint32_t i = 0; i < ntext; i++) {
		struct ens_raw_field *f = &r->field[i / 2];

		if (i % 2 == 0) {
			f->name = at;
			f->name_len = len[i];
		} else {
			f->s = at;
			f->len = len[i];
		}
		at += len[i];
	}
	return at;
}

static enum ens_status decode_entry(struct ens_redis_reader *r, const struct collected *c, struct ens_batch *into)
{
	const struct ens_entry entry = {
		.id = {.ms = c->id.ms, .seq = c->id.seq, .stream = c->stream},
		.field = r->field,
		.nfield = c->ntext / 2,
		.time_us = c->id.ms > INT64_MAX / 1000 ? INT64_MAX : (int64_t)c->id.ms * 1000,
	};

	if (!c->too_large)
		return ens_decode(r->decoder, &entry, into);
	into->entries++;
	enum ens_status status = ens_batch_reject(into, ENS_REJECT_TOO_LARGE, &entry, NULL,
						  "the entry is larger than %u bytes", ENS_ENTRY_MAX_BYTES);

	if (status == ENS_OK)
		into->reject[into->nreject - 1].cut = true; /* fields were left out when it was read */
	return status;
}

enum ens_status ens_redis_reader_decode(struct ens_redis_reader *r, struct ens_batch *into, struct ens_error *err)
{
	const char *at = r->bytes;
	const uint32_t *len = r->len;
	enum ens_status status = ENS_OK;

	assert(r->part == PART_DONE);
	ens_batch_reset(into);
	for (size_t i = 0; i < r->ncollected && status == ENS_OK; i++) {
		const struct collected *c = &r->collected[i];
		const struct ens_entry_at *counted = &r->counted[c->stream];
		uint32_t nevent = into->nevent;
		uint64_t skipped = into->skipped;

		at = lay_out(r, at, len, c->ntext);
		len += c->ntext;
		if (c->id.ms > counted->ms || (c->id.ms == counted->ms && c->id.seq > counted->seq))
			r->entries[c->stream]++;
		status = decode_entry(r, c, into);
		r->skipped[c->stream] += into->skipped - skipped;
		if (status == ENS_OK && into->nevent > nevent && !note_event(r, nevent, r->entries[c->stream]))
			status = ENS_ENOMEM;
	}
	r->read.entry = r->entry;
	return status == ENS_OK ? status : ens_fail(err, status, "out of memory for the entries of one read");
}
