/*
 * A number is a varint: 7 bits a byte, least first.  A value begins with a byte that says what it is, and how long:
 * null, never set, or a number in 1, 2, 4 or 8 bytes (sign-extended, in the order of this machine), or one so small
 * that it is the byte itself.  A text begins with its length as a varint, with null and never set before it.  Types
 * follow from the tables.
 *
 * A stream's time is divided into slots of some milliseconds; each that is in use has an open chunk, to which events
 * are added one after the other, and which goes when the last of them does.  The next chunk of a slot is twice as
 * large, up to CHUNK_MAX_BYTES.  A slot that lies where another did closes that one's chunk.  Events of one stream and
 * slot wait for the same, and go together: nothing keeps a chunk for long that has lost most of them.
 *
 * Guarantee: what is unpacked is what was packed, value by value (of a null, that it is one).  Cost: one pass over the
 * fields, a few instructions each; memory for each event what it takes, and as much again where slots hold few.
 * Tested by tests/unit/test_packed.c.
 */
#include "runtime/packed.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX_BYTES 10u
#define HEAD_MAX_BYTES (5 * NUMBER_MAX_BYTES)
#define VALUE_MAX_BYTES NUMBER_MAX_BYTES /* without the bytes of a text */
#define ALIGN_BYTES 8u
#define CHUNK_MAX_BYTES ((size_t)16384)
#define SLOTS 128u          /* of a stream, in the time that events wait: few enough pages to be known to the processor */
#define STREAMS_MAX 64u     /* for as many there is room without slots in the way of others */
#define SHIFT_MIN 16u

enum mark { MARK_NULL, MARK_UNSET, MARK_1, MARK_2, MARK_4, MARK_8, MARK_SMALL }; /* MARK_SMALL + n: the number n */
enum { TEXT_NULL, TEXT_UNSET, TEXT_EMPTY };                                      /* TEXT_EMPTY + n: n bytes */

struct ens_packed_chunk {
	size_t len;
	uint64_t gone;  /* events freed; once it is closed: less those that were added */
};

/* What adding an event changes: a chunk itself is looked at only where the event goes. */
struct ens_packed_slot {
	int64_t time;       /* in widths of a slot */
	struct ens_packed_chunk *open; /* or NULL */
	uint32_t stream;
	uint32_t len, used; /* of the chunk */
	uint32_t nevent;    /* added to it */
};

enum ens_status ens_packer_open(struct ens_packer *p, const struct ens_tables *t, int64_t span_us)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < t->ntype; i++)
		if (t->type[i].fields.count > most)
			most = t->type[i].fields.count;
	*p = (struct ens_packer){.tables = t, .shift = SHIFT_MIN, .nslot = SLOTS};
	while (span_us >> p->shift >= SLOTS)
		p->shift++;
	while (p->nslot < SLOTS * t->nstream && p->nslot < SLOTS * STREAMS_MAX)
		p->nslot *= 2;
	p->value = calloc((size_t)most + 1, sizeof *p->value);
	return p->value ? ENS_OK : ENS_ENOMEM;
}

/* ---- chunks ----------------------------------------------------------------------------------------------------- */

static void free_chunk(struct ens_packer *p, struct ens_packed_chunk *c)
{
	p->chunk_bytes -= c->len;
	free(c);
}

static void close_chunk(struct ens_packer *p, struct ens_packed_slot *s)
{
	if (s->open && (s->open->gone -= s->nevent) == 0)
		free_chunk(p, s->open);
	s->open = NULL;
}

void ens_packer_close(struct ens_packer *p)
{
	for (uint32_t i = 0; p->slot && i < p->nslot; i++)
		close_chunk(p, &p->slot[i]);
	free(p->slot);
	free(p->value);
	*p = (struct ens_packer){0};
}

static bool open_chunk(struct ens_packer *p, struct ens_packed_slot *s, uint32_t stream, int64_t time, size_t len)
{
	struct ens_packed_chunk *c = malloc(len);

	if (!c)
		return false;
	close_chunk(p, s);
	*c = (struct ens_packed_chunk){.len = len};
	*s = (struct ens_packed_slot){.time = time, .open = c, .stream = stream, .len = (uint32_t)len, .used = sizeof *c};
	p->chunk_bytes += len;
	return true;
}

/* The event's slot, open, with room for `need` bytes.  NULL: no memory. */
static struct ens_packed_slot *slot_for(struct ens_packer *p, const struct ens_event *ev, size_t need)
{
	const int64_t time = ev->time_us >> p->shift;
	const uint32_t stream = ev->id.stream;
	size_t len = sizeof(struct ens_packed_chunk) + need;
	struct ens_packed_slot *s;

	if (!p->slot && !(p->slot = calloc(p->nslot, sizeof *p->slot)))
		return NULL;
	s = &p->slot[((uint64_t)time + (uint64_t)stream * SLOTS) & (p->nslot - 1)];
	if (s->open && s->time == time && s->stream == stream) {
		const size_t twice = (size_t)s->len * 2 < CHUNK_MAX_BYTES ? (size_t)s->len * 2 : CHUNK_MAX_BYTES;

		if (s->len - s->used >= need)
			return s;
		if (len < twice)
			len = twice;
	}
	return open_chunk(p, s, stream, time, len) ? s : NULL;
}

void ens_packed_free(struct ens_packer *p, struct ens_packed *e)
{
	struct ens_packed_chunk *c = (struct ens_packed_chunk *)(void *)((unsigned char *)e - e->at);

	if (++c->gone == 0)
		free_chunk(p, c);
}

/* ---- packing ---------------------------------------------------------------------------------------------------- */

static unsigned char *put_number(unsigned char *at, uint64_t n)
{
	for (; n > 127; n >>= 7)
		*at++ = (unsigned char)(n | 128);
	*at++ = (unsigned char)n;
	return at;
}

static unsigned char *put_bytes(unsigned char *at, const void *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

static unsigned char *put_value(unsigned char *at, const struct ens_value *v)
{
	const int64_t n = v->i;

	if (v->null) {
		*at++ = v->null == ENS_UNSET ? MARK_UNSET : MARK_NULL;
	} else if (n >= 0 && n <= 255 - MARK_SMALL) {
		*at++ = (unsigned char)(MARK_SMALL + n);
	} else if (n == (int8_t)n) {
		*at++ = MARK_1;
		*at++ = (unsigned char)n;
	} else if (n == (int16_t)n) {
		*at++ = MARK_2;
		at = put_bytes(at, &(int16_t){(int16_t)n}, 2);
	} else if (n == (int32_t)n) {
		*at++ = MARK_4;
		at = put_bytes(at, &(int32_t){(int32_t)n}, 4);
	} else {
		*at++ = MARK_8;
		at = put_bytes(at, &n, 8);
	}
	return at;
}

static unsigned char *put_text(unsigned char *at, const struct ens_value *v)
{
	if (v->null) {
		*at++ = v->null == ENS_UNSET ? TEXT_UNSET : TEXT_NULL;
		return at;
	}
	at = put_number(at, (uint64_t)v->len + TEXT_EMPTY);
	return v->len ? put_bytes(at, v->s, v->len) : at;
}

struct ens_packed *ens_pack(struct ens_packer *p, const struct ens_event *ev, uint64_t place)
{
	const struct ens_t_list fields = p->tables->type[ev->type].fields;
	const struct ens_t_field *f = &p->tables->field[fields.first];
	size_t need = sizeof(struct ens_packed) + HEAD_MAX_BYTES + (size_t)fields.count * VALUE_MAX_BYTES + ALIGN_BYTES;
	struct ens_packed_slot *s;
	struct ens_packed *e;
	unsigned char *at;

	for (uint32_t i = 0; i < fields.count; i++)
		if (ens_type_is_bytes((enum ens_type)f[i].type) && !ev->value[i].null)
			need += ev->value[i].len;
	s = slot_for(p, ev, need);
	if (!s)
		return NULL;
	e = (struct ens_packed *)(void *)((unsigned char *)s->open + s->used);
	*e = (struct ens_packed){.users = 1, .at = s->used};
	at = put_number(e->bytes, (uint64_t)ev->type << 1 | ev->from_file);
	at = put_number(at, ev->id.ms);
	at = put_number(at, ev->id.seq);
	at = put_number(at, ev->id.stream);
	at = put_number(at, place);
	for (uint32_t i = 0; i < fields.count; i++)
		at = ens_type_is_bytes((enum ens_type)f[i].type) ? put_text(at, &ev->value[i]) : put_value(at, &ev->value[i]);
	s->used = (uint32_t)(((size_t)(at - (unsigned char *)s->open) + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES);
	s->nevent++;
	/* The next event of this slot is written there. */
	__builtin_prefetch((char *)s->open + s->used + 64, 1);
	return e;
}

/* ---- unpacking -------------------------------------------------------------------------------------------------- */

static uint64_t number(const unsigned char **at)
{
	uint64_t n = *(*at)++;

	if (n < 128)
		return n;
	n &= 127;
	for (unsigned shift = 7;; shift += 7) {
		const unsigned char c = *(*at)++;

		n |= (uint64_t)(c & 127) << shift;
		if (c < 128)
			return n;
	}
}

static int64_t scalar(const unsigned char **at, unsigned mark)
{
	const unsigned char *from = *at;
	int64_t n;
	int32_t n4;
	int16_t n2;

	switch (mark) {
	case MARK_1:
		*at += 1;
		return (int8_t)*from;
	case MARK_2:
		*at += 2;
		memcpy(&n2, from, 2);
		return n2;
	case MARK_4:
		*at += 4;
		memcpy(&n4, from, 4);
		return n4;
	default:
		*at += 8;
		memcpy(&n, from, 8);
		return n;
	}
}

static void value(const unsigned char **at, struct ens_value *v)
{
	const unsigned mark = *(*at)++;

	*v = (struct ens_value){0};
	if (mark >= MARK_SMALL)
		v->i = (int64_t)mark - MARK_SMALL;
	else if (mark >= MARK_1)
		v->i = scalar(at, mark);
	else
		v->null = mark == MARK_UNSET ? ENS_UNSET : ENS_NULL;
}

static void text(const unsigned char **at, struct ens_value *v)
{
	const uint64_t n = number(at);

	*v = (struct ens_value){0};
	if (n < TEXT_EMPTY) {
		v->null = n == TEXT_UNSET ? ENS_UNSET : ENS_NULL;
		return;
	}
	v->len = (uint32_t)(n - TEXT_EMPTY);
	v->s = (const char *)*at;
	*at += v->len;
}

uint64_t ens_unpack(const struct ens_packer *p, const struct ens_packed *e, struct ens_event *ev)
{
	const unsigned char *at = e->bytes;
	const uint64_t kind = number(&at);
	const struct ens_t_list fields = p->tables->type[kind >> 1].fields;
	const struct ens_t_field *f = &p->tables->field[fields.first];
	uint64_t place;

	ev->type = (uint32_t)(kind >> 1);
	ev->from_file = kind & 1;
	ev->id.ms = number(&at);
	ev->id.seq = number(&at);
	ev->id.stream = (uint32_t)number(&at);
	ev->value = p->value;
	place = number(&at);
	for (uint32_t i = 0; i < fields.count; i++)
		if (ens_type_is_bytes((enum ens_type)f[i].type))
			text(&at, &p->value[i]);
		else
			value(&at, &p->value[i]);
	return place;
}
