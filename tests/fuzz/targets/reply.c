/*
 * What a server answers to TIME and XREAD: the first byte says in pieces of which size the rest comes.  Promise: the same
 * verdict, events and rejects as when it comes in one piece.
 */
#include "tests/fuzz/targets/targets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/io/redis_reply.h"

static const char rules[] =
	"event A from \"in\" { n: int, s: string?, ip: ip? }\n"
	"event B from \"other\" { x: float, at: time? }\n"
	"rule r\n  match A | B\n  emit M {}\n";

struct wire {
	struct ens_buf bytes;
	struct ens_tables t;
	struct ens_decoder *decoder;
	struct ens_redis_reader *reader;
};

static void open_wire(struct wire *w)
{
	struct ens_error err = {""};

	w->t = fuzz_compile(rules, &w->bytes);
	fuzz_require(ens_decoder_open(&w->t, &(struct ens_decoder_options){.max_skew_us = 300000000}, &w->decoder, &err) == ENS_OK,
		     "the decoder opens");
	fuzz_require(ens_redis_reader_open(&w->t, w->decoder, &w->reader, &err) == ENS_OK, "the reader opens");
}

static void describe(const struct wire *w, const struct ens_batch *batch, struct ens_buf *out)
{
	const struct ens_redis_read *r = ens_redis_reader_result(w->reader);

	ens_buf_addf(out, "at %" PRId64 " %d %s\n", r->server_us, r->nothing, r->error);
	for (uint32_t i = 0; i < w->t.nstream; i++)
		ens_buf_addf(out, "%" PRIu64 " %" PRIu64 "\n", r->entries[i], r->last[i].ms);
	fuzz_describe(&w->t, batch, out);
}

static void feed(struct wire *w, const uint8_t *data, size_t len, size_t piece, struct ens_buf *out)
{
	static const struct ens_entry_at none[2];
	struct ens_batch batch;
	struct ens_error err = {""};
	enum ens_status st = ENS_OK;
	bool complete = false;
	size_t at = 0;

	ens_batch_init(&batch);
	fuzz_require(ens_redis_reader_restart(w->reader, &err) == ENS_OK, "it starts anew");
	ens_redis_reader_begin(w->reader, none, none);
	for (size_t n; at < len && st == ENS_OK && !complete; at += n) {
		n = len - at < piece ? len - at : piece;
		char *copy = malloc(n);

		fuzz_require(copy != NULL, "there is memory");
		memcpy(copy, data + at, n);
		st = ens_redis_reader_feed(w->reader, copy, n, &complete, &err);
		free(copy);
	}
	fuzz_require(st == ENS_OK || (st == ENS_EINPUT && err.text[0]), "bytes are taken, or refused with a reason");
	if (complete && at < len) /* in one piece the reader sees by itself that there is more than was asked for */
		st = ENS_EINPUT;
	if (st == ENS_OK && complete) {
		fuzz_require(ens_redis_reader_decode(w->reader, &batch, &err) == ENS_OK, "a complete answer is decoded");
		describe(w, &batch, out);
	}
	ens_buf_addf(out, "%d %d\n", st, st == ENS_OK && complete);
	ens_batch_free(&batch);
}

void fuzz_reply(const uint8_t *data, size_t len_bytes)
{
	static struct wire wire;
	struct ens_buf whole = ENS_BUF_EMPTY, pieces = ENS_BUF_EMPTY;

	if (len_bytes < 2)
		return;
	if (!wire.reader)
		open_wire(&wire);
	feed(&wire, data + 1, len_bytes - 1, len_bytes, &whole);
	feed(&wire, data + 1, len_bytes - 1, 1u + data[0], &pieces);
	fuzz_require(!whole.failed && !pieces.failed, "there is memory");
	fuzz_require(whole.len == pieces.len && memcmp(whole.data, pieces.data, whole.len) == 0,
		     "other pieces give the same answer");
	ens_buf_free(&whole);
	ens_buf_free(&pieces);
}
