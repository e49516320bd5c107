/*
 * Numbers, texts and values of saved state, and a table of what was written.
 *
 * Guarantee: reading never looks beyond the bytes, whatever they are, and gives only values that programs may meet: texts
 * are UTF-8, floats finite, bools 0 or 1.  Cost: linear in the bytes.
 * Tested by tests/unit/test_state.c and the fuzzer (state).
 */
#include "runtime/state_code.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"

/* ---- writing -------------------------------------------------------------------------------------------------------- */

void ens_out_number(struct ens_state_out *o, uint64_t n)
{
	char byte[10];
	size_t len = 0;

	for (; n >= 128; n >>= 7)
		byte[len++] = (char)(n | 128);
	byte[len++] = (char)n;
	ens_buf_add(o->bytes, byte, len);
}

void ens_out_signed(struct ens_state_out *o, int64_t n)
{
	ens_out_number(o, (uint64_t)n << 1 ^ (n < 0 ? UINT64_MAX : 0));
}

/* The ends of time are no times to count from. */
static bool is_end_of_time(int64_t us)
{
	return us == INT64_MIN || us == INT64_MAX;
}

void ens_out_time(struct ens_state_out *o, int64_t us)
{
	ens_out_signed(o, (int64_t)((uint64_t)us - (uint64_t)o->time_us));
	if (!is_end_of_time(us))
		o->time_us = us;
}

void ens_out_id(struct ens_state_out *o, const struct ens_entry_id *id)
{
	ens_out_number(o, id->stream);
	ens_out_signed(o, (int64_t)(id->ms - o->ms));
	ens_out_number(o, id->seq);
	o->ms = id->ms;
}

void ens_out_hash(struct ens_state_out *o, const uint64_t hash[2])
{
	ens_buf_add(o->bytes, hash, 16);
}

void ens_out_text(struct ens_state_out *o, const char *s, uint32_t len)
{
	ens_out_number(o, len);
	if (len)
		ens_buf_add(o->bytes, s, len);
}

void ens_out_scalar(struct ens_state_out *o, enum ens_type type, const struct ens_value *v)
{
	const bool lost = type == ENS_FLOAT && !v->null && !isfinite(v->f);

	ens_out_number(o, lost ? ENS_NULL : v->null);
	if (v->null || lost)
		return;
	if (type == ENS_FLOAT)
		ens_buf_add(o->bytes, &v->f, sizeof v->f);
	else
		ens_out_signed(o, v->i);
}

void ens_out_value(struct ens_state_out *o, enum ens_type type, const struct ens_value *v)
{
	if (!ens_type_is_bytes(type)) {
		ens_out_scalar(o, type, v);
		return;
	}
	ens_out_number(o, v->null);
	if (!v->null)
		ens_out_text(o, v->s, v->len);
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

bool ens_in_refuse(struct ens_state_in *in, const char *what)
{
	if (in->status != ENS_OK)
		return false;
	in->status = ENS_EINPUT;
	in->wrong = what;
	in->wrong_at = (size_t)(in->at - in->begin);
	return false;
}

bool ens_in_no_memory(struct ens_state_in *in)
{
	if (in->status == ENS_OK)
		in->status = ENS_ENOMEM;
	return false;
}

uint64_t ens_in_number(struct ens_state_in *in)
{
	uint64_t n = 0;

	for (unsigned shift = 0; ens_in_ok(in); shift += 7) {
		if (in->at == in->end) {
			(void)ens_in_refuse(in, "it ends too early");
			break;
		}
		const uint64_t byte = (unsigned char)*in->at++;

		if (shift == 63 && byte > 1) {
			(void)ens_in_refuse(in, "a number has more than 64 bits");
			break;
		}
		n |= (byte & 127) << shift;
		if (byte < 128)
			return n;
	}
	return 0;
}

uint32_t ens_in_upto(struct ens_state_in *in, uint32_t max, const char *what)
{
	const uint64_t n = ens_in_number(in);

	if (n <= max)
		return (uint32_t)n;
	(void)ens_in_refuse(in, what);
	return 0;
}

int64_t ens_in_signed(struct ens_state_in *in)
{
	const uint64_t n = ens_in_number(in);

	return (int64_t)(n >> 1 ^ (n & 1 ? UINT64_MAX : 0));
}

int64_t ens_in_time(struct ens_state_in *in)
{
	const int64_t us = (int64_t)((uint64_t)in->time_us + (uint64_t)ens_in_signed(in));

	if (!ens_in_ok(in))
		return 0;
	if (!is_end_of_time(us))
		in->time_us = us;
	return us;
}

struct ens_entry_id ens_in_id_of(struct ens_state_in *in, uint32_t stream)
{
	struct ens_entry_id id = {.stream = stream};

	id.ms = in->ms + (uint64_t)ens_in_signed(in);
	id.seq = ens_in_number(in);
	in->ms = id.ms;
	return id;
}

struct ens_entry_id ens_in_id(struct ens_state_in *in, const struct ens_tables *t)
{
	const uint32_t stream = ens_in_upto(in, UINT32_MAX, "an entry is of a stream that does not exist");

	if (stream >= t->nstream)
		(void)ens_in_refuse(in, "an entry is of a stream that does not exist");
	return ens_in_id_of(in, stream);
}

/* So many bytes as they are; false: there are fewer. */
static bool raw(struct ens_state_in *in, void *into, size_t len)
{
	if (!ens_in_ok(in) || (size_t)(in->end - in->at) < len)
		return ens_in_refuse(in, "it ends too early");
	memcpy(into, in->at, len);
	in->at += len;
	return true;
}

void ens_in_hash(struct ens_state_in *in, uint64_t hash[2])
{
	hash[0] = hash[1] = 0;
	(void)raw(in, hash, 16);
}

const char *ens_in_bytes(struct ens_state_in *in, uint32_t *len)
{
	const uint64_t n = ens_in_number(in);
	const char *s = in->at;

	if (n > (size_t)(in->end - in->at) || n > UINT32_MAX)
		(void)ens_in_refuse(in, "a text is longer than what is left");
	*len = ens_in_ok(in) ? (uint32_t)n : 0;
	in->at += *len;
	return s;
}

const char *ens_in_text(struct ens_state_in *in, enum ens_type type, uint32_t *len)
{
	const char *s = ens_in_bytes(in, len);

	if (type == ENS_IP ? *len != 16 : *len > ENS_ENTRY_MAX_BYTES || ens_utf8_valid(s, *len) != *len) {
		(void)ens_in_refuse(in, "a text is not UTF-8, or too long, or an address does not have 16 bytes");
		*len = 0;
	}
	return s;
}

struct ens_value ens_in_scalar(struct ens_state_in *in, enum ens_type type)
{
	struct ens_value v = {.null = (uint8_t)ens_in_upto(in, ENS_UNSET, "a value is neither there nor null")};

	if (v.null)
		return v;
	if (type != ENS_FLOAT) {
		v.i = ens_in_signed(in);
		if (type == ENS_BOOL && v.i != 0 && v.i != 1)
			(void)ens_in_refuse(in, "a bool is neither true nor false");
	} else if (raw(in, &v.f, sizeof v.f) && !isfinite(v.f)) {
		(void)ens_in_refuse(in, "a float is no finite number");
	}
	return ens_in_ok(in) ? v : (struct ens_value){.null = ENS_NULL};
}

struct ens_value ens_in_value(struct ens_state_in *in, enum ens_type type)
{
	struct ens_value v = {0};

	if (!ens_type_is_bytes(type))
		return ens_in_scalar(in, type);
	v.null = (uint8_t)ens_in_upto(in, ENS_UNSET, "a value is neither there nor null");
	if (!v.null)
		v.s = ens_in_text(in, type, &v.len);
	return ens_in_ok(in) ? v : (struct ens_value){.null = ENS_NULL};
}

/* ---- what was written already --------------------------------------------------------------------------------------- */

struct ens_seen_slot {
	const void *what;
	uint32_t number;
	uint32_t round; /* of another: the slot is free */
};

static uint32_t home(const struct ens_seen *s, const void *what)
{
	return (uint32_t)((uint64_t)(uintptr_t)what * UINT64_C(0x9e3779b97f4a7c15) >> 32) & s->mask;
}

static struct ens_seen_slot *place(const struct ens_seen *s, const void *what)
{
	uint32_t i = home(s, what);

	while (s->slot[i].round == s->round && s->slot[i].what != what)
		i = (i + 1) & s->mask;
	return &s->slot[i];
}

uint32_t ens_seen_get(const struct ens_seen *s, const void *what)
{
	if (!s->n)
		return ENS_NONE;
	const struct ens_seen_slot *at = place(s, what);

	return at->round == s->round ? at->number : ENS_NONE;
}

static bool grow(struct ens_seen *s)
{
	const uint32_t room = s->slot ? (s->mask + 1) * 2 : 64;
	struct ens_seen bigger = {.slot = calloc(room, sizeof *s->slot), .mask = room - 1, .n = s->n, .round = 1};

	if (!bigger.slot)
		return false;
	for (uint32_t i = 0; s->slot && i <= s->mask; i++)
		if (s->slot[i].round == s->round)
			*place(&bigger, s->slot[i].what) = (struct ens_seen_slot){s->slot[i].what, s->slot[i].number, 1};
	free(s->slot);
	*s = bigger;
	return true;
}

bool ens_seen_put(struct ens_seen *s, const void *what, uint32_t number)
{
	if (s->n >= UINT32_MAX / 4 || ((!s->slot || s->n > s->mask / 2) && !grow(s)))
		return false;
	*place(s, what) = (struct ens_seen_slot){what, number, s->round};
	s->n++;
	return true;
}

void ens_seen_clear(struct ens_seen *s)
{
	s->n = 0;
	if (++s->round == 0) { /* rounds begin anew */
		if (s->slot)
			memset(s->slot, 0, ((size_t)s->mask + 1) * sizeof *s->slot);
		s->round = 1;
	}
}

void ens_seen_free(struct ens_seen *s)
{
	free(s->slot);
	*s = (struct ens_seen){0};
}
