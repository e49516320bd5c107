/*
 * Saved state as a whole: header, checksum, whose it is.  The engine's part: state_match.c; the order's: order.c, unique.c.
 *
 * Everything in the header is compared before the body is looked at, so a damaged byte anywhere is found.  A body that was
 * made by hand under a right checksum is read as if it were hostile: state_code.h.
 * Tested by tests/unit/test_state.c, tests/conformance/replay.sh and the fuzzer (state).
 */
#include "runtime/state.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

#include "runtime/match.h"
#include "runtime/state_code.h"
#include "runtime/state_match.h"

#define HEADER_BYTES sizeof(struct ens_state_header)

static uint64_t checksum(const char *bytes, size_t len)
{
	return XXH3_64bits(bytes + HEADER_BYTES, len - HEADER_BYTES);
}

void ens_state_seal(const struct ens_tables *t, void *bytes, size_t len_bytes)
{
	struct ens_state_header h = {.version = ENS_STATE_VERSION, .semantics = ENS_SEMANTICS_VERSION, .len_bytes = len_bytes};

	assert(len_bytes >= HEADER_BYTES);
	memcpy(h.magic, ENS_STATE_MAGIC, sizeof h.magic);
	memcpy(h.fingerprint, t->header->fingerprint, sizeof h.fingerprint);
	h.checksum = checksum(bytes, len_bytes);
	memcpy(bytes, &h, sizeof h);
}

enum ens_status ens_state_save(const struct ens_engine *e, const struct ens_order *o, struct ens_buf *into)
{
	const size_t begin = into->len;
	struct ens_state_out out = {.bytes = into};

	if (e->failed != ENS_OK)
		return e->failed;
	ens_buf_add(into, &(struct ens_state_header){0}, HEADER_BYTES);
	ens_out_number(&out, o != NULL);

	const bool saved = ens_engine_save(e, &out);

	if (o)
		ens_order_save(o, &out);
	if (!saved || into->failed)
		return ENS_ENOMEM;
	ens_state_seal(e->tables, into->data + begin, into->len - begin);
	return ENS_OK;
}

/* ---- loading -------------------------------------------------------------------------------------------------------- */

#define CANNOT "the saved state cannot be loaded: "

static enum ens_status check_header(const struct ens_tables *t, const char *bytes, size_t len, struct ens_error *err)
{
	struct ens_state_header h;

	if (len < HEADER_BYTES || memcmp(bytes, ENS_STATE_MAGIC, sizeof h.magic))
		return ens_fail(err, ENS_EINPUT, CANNOT "these bytes are no state that ensue has saved");
	memcpy(&h, bytes, sizeof h);
	if (h.version != ENS_STATE_VERSION)
		return ens_fail(err, ENS_EINPUT, CANNOT "its format is version %u, this ensue knows version %u", h.version,
				ENS_STATE_VERSION);
	if (h.semantics != ENS_SEMANTICS_VERSION)
		return ens_fail(err, ENS_EINPUT,
				CANNOT "it was saved under version %u of what matching means, this ensue has version %u",
				h.semantics, ENS_SEMANTICS_VERSION);
	if (h.len_bytes != len)
		return ens_fail(err, ENS_EINPUT, CANNOT "it has %zu bytes, but should have %" PRIu64, len, h.len_bytes);
	if (h.checksum != checksum(bytes, len))
		return ens_fail(err, ENS_EINPUT, CANNOT "it is damaged, its checksum is wrong");
	if (memcmp(h.fingerprint, t->header->fingerprint, sizeof h.fingerprint))
		return ens_fail(err, ENS_EINPUT, CANNOT "it was saved with other rules (%016" PRIx64 "%016" PRIx64 ")",
				h.fingerprint[0], h.fingerprint[1]);
	return ENS_OK;
}

static void load_body(struct ens_engine *e, struct ens_order *o, struct ens_state_in *in)
{
	if (ens_in_upto(in, 1, "it has an order or none, nothing else") != (o != NULL))
		(void)ens_in_refuse(in, o ? "it was saved without events that wait" : "it was saved with events that wait");
	if (ens_in_ok(in) && ens_engine_load(e, in) && o)
		(void)ens_order_load(o, in);
	if (ens_in_ok(in) && in->at != in->end)
		(void)ens_in_refuse(in, "more follows than belongs to it");
}

enum ens_status ens_state_load(struct ens_engine *e, struct ens_order *o, const void *bytes, size_t len_bytes,
			       struct ens_error *err)
{
	enum ens_status st = check_header(e->tables, bytes, len_bytes, err);
	const char *begin = bytes;
	struct ens_state_in in = {.begin = begin};

	if (st != ENS_OK)
		return st;
	in.at = begin + HEADER_BYTES;
	in.end = begin + len_bytes;
	load_body(e, o, &in);
	if (in.status == ENS_EINPUT)
		return ens_fail(err, ENS_EINPUT, CANNOT "%s (at byte %zu)", in.wrong, in.wrong_at);
	return in.status == ENS_OK ? ENS_OK : ens_fail(err, in.status, "no memory to load the saved state");
}
