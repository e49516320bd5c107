/*
 * How saved state is written and read: a sequence of numbers, times, texts and values without pointers.
 *
 * Numbers are varints of 7 bits, least first; signed ones zigzag; times differences from the time written before; floats 8
 * bytes, little-endian.  The reader takes any bytes: what is not there or not allowed makes it fail for good, everything
 * read afterwards is 0, and the first reason is kept.
 */
#ifndef ENS_RUNTIME_STATE_CODE_H
#define ENS_RUNTIME_STATE_CODE_H

#include "base/buf.h"
#include "runtime/event.h"
#include "runtime/tables.h"

/* ---- writing -------------------------------------------------------------------------------------------------------- */

/* Out of memory: bytes->failed. */
struct ens_state_out {
	struct ens_buf *bytes;
	int64_t time_us;   /* written last */
	uint64_t ms;       /* of the ID written last */
};

void ens_out_number(struct ens_state_out *o, uint64_t n);
void ens_out_signed(struct ens_state_out *o, int64_t n);
void ens_out_time(struct ens_state_out *o, int64_t us);
void ens_out_id(struct ens_state_out *o, const struct ens_entry_id *id);
void ens_out_hash(struct ens_state_out *o, const uint64_t hash[2]); /* 16 bytes */
void ens_out_text(struct ens_state_out *o, const char *s, uint32_t len);
/* Of a type without bytes of its own; a float that is not finite becomes null. */
void ens_out_scalar(struct ens_state_out *o, enum ens_type type, const struct ens_value *v);
/* Of any type but list. */
void ens_out_value(struct ens_state_out *o, enum ens_type type, const struct ens_value *v);

/* ---- reading -------------------------------------------------------------------------------------------------------- */

struct ens_state_in {
	const char *begin, *at, *end;
	int64_t time_us;
	uint64_t ms;
	enum ens_status status; /* ENS_OK; ENS_EINPUT: `wrong` says what, `wrong_at` where; ENS_ENOMEM */
	const char *wrong;
	size_t wrong_at;
};

/* The first failure is kept.  Always false. */
bool ens_in_refuse(struct ens_state_in *in, const char *what);
bool ens_in_no_memory(struct ens_state_in *in);
static inline bool ens_in_ok(const struct ens_state_in *in)
{
	return in->status == ENS_OK;
}

uint64_t ens_in_number(struct ens_state_in *in);
/* At most `max`; else it is refused as `what`. */
uint32_t ens_in_upto(struct ens_state_in *in, uint32_t max, const char *what);
int64_t ens_in_signed(struct ens_state_in *in);
int64_t ens_in_time(struct ens_state_in *in);
struct ens_entry_id ens_in_id(struct ens_state_in *in, const struct ens_tables *t);
struct ens_entry_id ens_in_id_of(struct ens_state_in *in, uint32_t stream); /* whose stream was read before */
void ens_in_hash(struct ens_state_in *in, uint64_t hash[2]);
/* Borrowed from the bytes; any bytes. */
const char *ens_in_bytes(struct ens_state_in *in, uint32_t *len);
/* A text that a value may have: UTF-8, or an address of 16 bytes. */
const char *ens_in_text(struct ens_state_in *in, enum ens_type type, uint32_t *len);
struct ens_value ens_in_scalar(struct ens_state_in *in, enum ens_type type);
/* Bytes are borrowed. */
struct ens_value ens_in_value(struct ens_state_in *in, enum ens_type type);

/* ---- what was written already --------------------------------------------------------------------------------------- */

/* Addresses to numbers: what is shared is written once.  All zero: empty. */
struct ens_seen {
	struct ens_seen_slot *slot;
	uint32_t mask, n, round;
};

/* The number of `what`, or ENS_NONE. */
uint32_t ens_seen_get(const struct ens_seen *s, const void *what);
/* It has none yet.  False: no memory. */
bool ens_seen_put(struct ens_seen *s, const void *what, uint32_t number);
void ens_seen_clear(struct ens_seen *s); /* O(1) */
void ens_seen_free(struct ens_seen *s);

#endif
