/*
 * A number takes the bytes it has, least first, but 8 are stored and fetched: what is too much is stored over by what
 * follows, or shifted out.  So it costs no branch.  An event begins with how long four numbers are, 4 bits each, and
 * with them: stream, type and kind; the two halves of its ID; the caller's place.  A value begins with a byte that says
 * what it is: null, never set, a number in 1 to 8 bytes (sign-extended), or one so small that it is the byte itself.  A
 * text begins with a byte that is its length, null or never set; a long one has its length in 4 bytes behind that.
 * Types follow from the tables.
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

#define NUMBER_BYTES 8u /* that are stored for one */
#define HEAD_MAX_BYTES (2 + 4 * NUMBER_BYTES)
#define VALUE_MAX_BYTES (1 + NUMBER_BYTES) /* without the bytes of a text */
#define ALIGN_BYTES 8u
#define CHUNK_MAX_BYTES ((size_t)16384)
#define SLOTS 128u          /* of a stream, in the time that events wait: few enough pages to be known to the processor */
#define STREAMS_MAX 64u     /* for as many there is room without slots in the way of others */
#define SHIFT_MIN 16u

/* MARK_UNSET + n: n bytes; MARK_SMALL + n: the number n.  TEXT_EMPTY + n: n bytes. */
enum mark { MARK_NULL, MARK_UNSET, MARK_SMALL = MARK_UNSET + NUMBER_BYTES + 1 };
enum { TEXT_NULL, TEXT_UNSET, TEXT_EMPTY, TEXT_LONG = 255 };

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

void ens_packer_open(struct ens_packer *p, const struct ens_tables *t, int64_t span_us)
{
	*p = (struct ens_packer){.tables = t, .shift = SHIFT_MIN, .nslot = SLOTS};
	for (uint32_t i = 0; i < t->ntype; i++)
		if (t->type[i].fields.count > p->nvalue)
			p->nvalue = t->type[i].fields.count;
	while (p->type_bits < 32 && t->ntype >> p->type_bits)
		p->type_bits++;
	while (span_us >> p->shift >= SLOTS)
		p->shift++;
	while (p->nslot < SLOTS * t->nstream && p->nslot < SLOTS * STREAMS_MAX)
		p->nslot *= 2;
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

/* The least byte comes first in memory. */
static uint64_t least_first(uint64_t n)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(n);
#else
	return n;
#endif
}

static void store(unsigned char *at, uint64_t n)
{
	n = least_first(n);
	memcpy(at, &n, NUMBER_BYTES);
}

static uint64_t fetch(const unsigned char *at)
{
	uint64_t n;

	memcpy(&n, at, NUMBER_BYTES);
	return least_first(n);
}

/* 1 to 8. */
static unsigned len_of(uint64_t n)
{
	return (71 - (unsigned)__builtin_clzll(n | 1)) / 8;
}

/* With room for the sign. */
static unsigned len_of_signed(int64_t n)
{
	return len_of((uint64_t)(n ^ n >> 63) << 1);
}

/* The `which`-th of the head; its length goes to *lens. */
static unsigned char *put_number(unsigned char *at, uint64_t n, unsigned which, unsigned *lens)
{
	const unsigned len = len_of(n);

	store(at, n);
	*lens |= len << 4 * which;
	return at + len;
}

static unsigned char *put_value(unsigned char *at, const struct ens_value *v)
{
	const int64_t n = v->i;
	unsigned len;

	if (v->null) {
		*at = v->null == ENS_UNSET ? MARK_UNSET : MARK_NULL;
		return at + 1;
	}
	if (n >= 0 && n <= 255 - MARK_SMALL) {
		*at = (unsigned char)(MARK_SMALL + n);
		return at + 1;
	}
	len = len_of_signed(n);
	*at = (unsigned char)(MARK_UNSET + len);
	store(at + 1, (uint64_t)n);
	return at + 1 + len;
}

/* Texts are short: 4 to 16 bytes are two numbers that overlap. */
static void copy(unsigned char *to, const char *from, size_t n)
{
	if (n - 8 <= 8) {
		uint64_t first, last;

		memcpy(&first, from, 8);
		memcpy(&last, from + n - 8, 8);
		memcpy(to, &first, 8);
		memcpy(to + n - 8, &last, 8);
	} else if (n - 4 < 4) {
		uint32_t first, last;

		memcpy(&first, from, 4);
		memcpy(&last, from + n - 4, 4);
		memcpy(to, &first, 4);
		memcpy(to + n - 4, &last, 4);
	} else if (n) {
		memcpy(to, from, n);
	}
}

static unsigned char *put_text(unsigned char *at, const struct ens_value *v)
{
	if (v->null) {
		*at = v->null == ENS_UNSET ? TEXT_UNSET : TEXT_NULL;
		return at + 1;
	}
	if (v->len < TEXT_LONG - TEXT_EMPTY) {
		*at++ = (unsigned char)(TEXT_EMPTY + v->len);
	} else {
		*at++ = TEXT_LONG;
		memcpy(at, &v->len, sizeof v->len);
		at += sizeof v->len;
	}
	copy(at, v->s, v->len);
	return at + v->len;
}

/* Room that is enough for the event. */
static size_t most_bytes(const struct ens_event *ev, const struct ens_t_field *f, uint32_t n)
{
	size_t need = sizeof(struct ens_packed) + HEAD_MAX_BYTES + (size_t)n * VALUE_MAX_BYTES + ALIGN_BYTES;

	for (uint32_t i = 0; i < n; i++)
		need += ens_type_is_bytes((enum ens_type)f[i].type) && !ev->value[i].null ? ev->value[i].len : 0;
	return need;
}

struct ens_packed *ens_pack(struct ens_packer *p, const struct ens_event *ev, uint64_t place)
{
	const struct ens_t_list fields = p->tables->type[ev->type].fields;
	const struct ens_t_field *f = &p->tables->field[fields.first];
	struct ens_packed_slot *s = slot_for(p, ev, most_bytes(ev, f, fields.count));
	struct ens_packed *e;
	unsigned char *at;
	unsigned lens = 0;

	if (!s)
		return NULL;
	e = (struct ens_packed *)(void *)((unsigned char *)s->open + s->used);
	*e = (struct ens_packed){.users = 1, .at = s->used};
	at = e->bytes + 2;
	at = put_number(at, ((uint64_t)ev->id.stream << p->type_bits | ev->type) << 1 | ev->from_file, 0, &lens);
	at = put_number(at, ev->id.ms, 1, &lens);
	at = put_number(at, ev->id.seq, 2, &lens);
	at = put_number(at, place, 3, &lens);
	e->bytes[0] = (unsigned char)(lens & 255);
	e->bytes[1] = (unsigned char)(lens >> 8);
	for (uint32_t i = 0; i < fields.count; i++)
		at = ens_type_is_bytes((enum ens_type)f[i].type) ? put_text(at, &ev->value[i]) : put_value(at, &ev->value[i]);
	s->used = (uint32_t)(((size_t)(at - (unsigned char *)s->open) + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES);
	s->nevent++;
	/* The next event of this slot is written there. */
	__builtin_prefetch((char *)s->open + s->used + 64, 1);
	return e;
}

/* ---- unpacking -------------------------------------------------------------------------------------------------- */

static uint64_t number(const unsigned char **at, unsigned which, unsigned lens)
{
	const unsigned len = lens >> 4 * which & 15, over = 64 - 8 * len;
	const uint64_t n = fetch(*at) << over >> over;

	*at += len;
	return n;
}

static struct ens_value null_of(bool unset)
{
	return (struct ens_value){.null = unset ? ENS_UNSET : ENS_NULL};
}

static const unsigned char *value(const unsigned char *at, struct ens_value *v)
{
	const unsigned mark = *at++, len = mark - MARK_UNSET, over = 64 - 8 * len;

	if (mark >= MARK_SMALL) {
		*v = (struct ens_value){.i = (int64_t)mark - MARK_SMALL};
		return at;
	}
	if (mark <= MARK_UNSET) {
		*v = null_of(mark == MARK_UNSET);
		return at;
	}
	*v = (struct ens_value){.i = (int64_t)(fetch(at) << over) >> over};
	return at + len;
}

static const unsigned char *text(const unsigned char *at, struct ens_value *v)
{
	const unsigned mark = *at++;
	uint32_t len = mark - TEXT_EMPTY;

	if (mark < TEXT_EMPTY) {
		*v = null_of(mark == TEXT_UNSET);
		return at;
	}
	if (mark == TEXT_LONG) {
		memcpy(&len, at, sizeof len);
		at += sizeof len;
	}
	*v = (struct ens_value){.s = (const char *)at, .len = len};
	return at + len;
}

uint64_t ens_unpack(const struct ens_packer *p, const struct ens_packed *e, struct ens_value *room, struct ens_event *ev)
{
	const unsigned char *at = e->bytes + 2;
	const unsigned lens = e->bytes[0] | (unsigned)e->bytes[1] << 8;
	const uint64_t kind = number(&at, 0, lens);
	uint64_t place;

	ev->from_file = kind & 1;
	ev->type = (uint32_t)(kind >> 1 & (((uint64_t)1 << p->type_bits) - 1));
	ev->id.stream = (uint32_t)(kind >> 1 >> p->type_bits);
	ev->id.ms = number(&at, 1, lens);
	ev->id.seq = number(&at, 2, lens);
	place = number(&at, 3, lens);
	ev->value = room;

	const struct ens_t_list fields = p->tables->type[ev->type].fields;
	const struct ens_t_field *f = &p->tables->field[fields.first];

	for (uint32_t i = 0; i < fields.count; i++)
		at = ens_type_is_bytes((enum ens_type)f[i].type) ? text(at, &room[i]) : value(at, &room[i]);
	return place;
}
