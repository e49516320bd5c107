/*
 * Events in few bytes: what comes out is what went in, whatever comes and goes beside it, and what was freed is given back.
 */
#include "runtime/packed.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "tests/unit/hand_tables.h"

void suite_packed(void);

#define NEVENT 3000u
#define SECOND_US INT64_C(1000000)

static struct hand hand;
static struct ens_packer packer;

/* One type with a field of each type, of two streams. */
static void open_packer(int64_t span_us)
{
	static const enum ens_type types[] = {ENS_BOOL, ENS_INT, ENS_FLOAT, ENS_STRING, ENS_TIME, ENS_DURATION, ENS_IP};

	hand_init(&hand);
	(void)hand_stream(&hand, "other");
	hand_type(&hand, "Other", 0);
	hand_type(&hand, "All", hand_stream(&hand, "all"));
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		(void)hand_field(&hand, "f", "f", types[i], true);
	ens_packer_open(&packer, &hand.t, span_us);
}

static void same_value(enum ens_type type, const struct ens_value *a, const struct ens_value *b)
{
	CU_ASSERT_EQUAL_FATAL(a->null, b->null);
	if (a->null)
		return;
	if (!ens_type_is_bytes(type)) {
		CU_ASSERT_EQUAL_FATAL(a->i, b->i); /* floats: bit by bit */
		CU_ASSERT_EQUAL_FATAL(b->len, 0);
		return;
	}
	CU_ASSERT_EQUAL_FATAL(a->len, b->len);
	CU_ASSERT_FATAL(!a->len || !memcmp(a->s, b->s, a->len));
}

static void same_event(const struct ens_event *a, uint64_t place, const struct ens_packed *packed)
{
	struct ens_value value[7];
	struct ens_event b = {.time_us = 77};

	CU_ASSERT_EQUAL_FATAL(ens_unpack(&packer, packed, value, &b), place);
	CU_ASSERT_EQUAL_FATAL(b.time_us, 77);
	CU_ASSERT_EQUAL_FATAL(b.type, a->type);
	CU_ASSERT_EQUAL_FATAL(b.from_file, a->from_file);
	CU_ASSERT_EQUAL_FATAL(b.id.ms, a->id.ms);
	CU_ASSERT_EQUAL_FATAL(b.id.seq, a->id.seq);
	CU_ASSERT_EQUAL_FATAL(b.id.stream, a->id.stream);
	for (uint32_t i = 0; i < hand.type[a->type].fields.count; i++)
		same_value((enum ens_type)hand.field[hand.type[a->type].fields.first + i].type, &a->value[i], &b.value[i]);
}

static void check(const struct ens_event *ev, uint64_t place)
{
	struct ens_packed *packed = ens_pack(&packer, ev, place);

	CU_ASSERT_PTR_NOT_NULL_FATAL(packed);
	CU_ASSERT_EQUAL(packed->users, 1);
	same_event(ev, place, packed);
	ens_packed_free(&packer, packed);
}

static void every_number_comes_back(void)
{
	static const int64_t number[] = {0, 1, 127, 128, 248, 249, 250, 251, 255, 256, -1, -127, -128, -129, 32767, 32768, -32768,
					 -32769, INT32_MAX, INT32_MAX + INT64_C(1), INT32_MIN, INT32_MIN - INT64_C(1),
					 1767600000000000, INT64_MAX, INT64_MIN};
	struct ens_value v[7] = {{.null = ENS_NULL}, {.null = ENS_UNSET}};
	struct ens_event ev = {.type = 1, .id.stream = 1, .value = v};

	open_packer(0);
	for (size_t i = 0; i < sizeof number / sizeof *number; i++) {
		v[0] = (struct ens_value){.i = i % 2 == 0};
		v[1].i = v[4].i = v[5].i = number[i];
		v[2].f = i % 3 ? (double)number[i] / 7 : -0.0;
		ev.id.ms = (uint64_t)number[i];
		ev.id.seq = ~(uint64_t)number[i];
		ev.from_file = i % 2;
		ev.time_us = number[i];
		check(&ev, (uint64_t)number[i] * 3);
	}
	for (size_t i = 0; i < 7; i++)
		v[i] = (struct ens_value){.null = i % 2 ? ENS_UNSET : ENS_NULL};
	check(&ev, 0);
	ev = (struct ens_event){.type = 0, .time_us = INT64_MIN};
	check(&ev, UINT64_MAX);
	ens_packer_close(&packer);
}

static void texts_of_every_length_come_back(void)
{
	static const uint32_t length[] = {0, 1, 15, 16, 124, 125, 252, 253, 254, 255, 256, 16381, 16382, 20000, ENS_VALUE_MAX_BYTES};
	char *text = malloc(ENS_VALUE_MAX_BYTES);
	struct ens_value v[7] = {{.null = ENS_SET}};
	struct ens_event ev = {.type = 1, .id.stream = 1, .value = v};

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	for (uint32_t i = 0; i < ENS_VALUE_MAX_BYTES; i++)
		text[i] = (char)(i * 7);
	open_packer(0);
	v[6] = (struct ens_value){.s = text, .len = 16};
	for (size_t i = 0; i < sizeof length / sizeof *length; i++) {
		v[3] = (struct ens_value){.s = length[i] ? text : NULL, .len = length[i]};
		check(&ev, i);
	}
	ens_packer_close(&packer);
	free(text);
}

static uint64_t state;

static uint64_t below(uint64_t n)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (state >> 33) % n;
}

/* Event n of a made-up stream, its texts in `text`. */
static void make_event(uint64_t n, int64_t span_us, char *text, struct ens_value *v, struct ens_event *ev)
{
	state = n * 977;
	for (size_t i = 0; i < 64; i++)
		text[i] = (char)(n + i);
	v[0] = (struct ens_value){.i = (int64_t)below(2)};
	v[1] = (struct ens_value){.i = (int64_t)n - 1000};
	v[2] = (struct ens_value){.f = (double)n / 3};
	v[3] = (struct ens_value){.s = text, .len = (uint32_t)below(49)};
	v[4] = (struct ens_value){.i = (int64_t)(n << 30)};
	v[5] = (struct ens_value){.null = ENS_NULL};
	v[6] = (struct ens_value){.s = text, .len = 16};
	*ev = (struct ens_event){.type = 1, .id = {.ms = n, .seq = below(3), .stream = (uint32_t)below(2)}, .value = v};
	ev->time_us = (int64_t)below((uint64_t)span_us * 2 + 1) - span_us / 2;
}

/* Events come and go at random: what is there is what it was. */
static void others_come_and_go(void)
{
	static const int64_t spans_us[] = {0, 1000, SECOND_US, 100 * SECOND_US, 100000000 * SECOND_US};
	struct ens_packed *packed[100] = {NULL};
	uint64_t number[100] = {0};
	struct ens_value v[7];
	struct ens_event ev;
	char text[64];

	for (size_t k = 0; k < sizeof spans_us / sizeof *spans_us; k++) {
		open_packer(spans_us[k]);
		for (uint64_t n = 1; n <= NEVENT; n++) {
			const uint64_t at = (n * 7919) % 100;

			if (packed[at]) {
				make_event(number[at], spans_us[k], text, v, &ev);
				same_event(&ev, number[at], packed[at]);
				ens_packed_free(&packer, packed[at]);
			}
			make_event(n, spans_us[k], text, v, &ev);
			number[at] = n;
			packed[at] = ens_pack(&packer, &ev, n);
			CU_ASSERT_PTR_NOT_NULL_FATAL(packed[at]);
		}
		for (size_t at = 0; at < 100; at++) {
			ens_packed_free(&packer, packed[at]);
			packed[at] = NULL;
		}
		ens_packer_close(&packer);
	}
}

/* Many of one time take little more than their bytes; far from each other, not much more; and what goes is given back, but for
 * chunks that are open. */
static void memory_follows_what_waits(void)
{
	static const int64_t steps_us[] = {0, 1000, 10 * SECOND_US};
	static const size_t most_bytes[] = {110, 120, 220};
	static struct ens_packed *packed[NEVENT];
	struct ens_value v[7];
	struct ens_event ev;
	char text[64];

	for (size_t k = 0; k < 3; k++) {
		open_packer(100 * SECOND_US);
		for (uint32_t n = 0; n < NEVENT; n++) {
			make_event(n, SECOND_US, text, v, &ev);
			ev.id.stream = 0;
			ev.time_us = n * steps_us[k];
			packed[n] = ens_pack(&packer, &ev, n);
			CU_ASSERT_PTR_NOT_NULL_FATAL(packed[n]);
		}
		CU_ASSERT(packer.chunk_bytes / NEVENT <= most_bytes[k]);
		for (uint32_t n = 0; n < NEVENT; n++)
			ens_packed_free(&packer, packed[n]);
		CU_ASSERT(packer.chunk_bytes <= (k < 2 ? 3 * 16384 : 256 * most_bytes[k]));
		ens_packer_close(&packer);
		CU_ASSERT_EQUAL(packer.chunk_bytes, 0);
	}
}

void suite_packed(void)
{
	CU_pSuite s = CU_add_suite("packed", NULL, NULL);

	CU_add_test(s, "every number comes back", every_number_comes_back);
	CU_add_test(s, "texts of every length come back", texts_of_every_length_come_back);
	CU_add_test(s, "others come and go", others_come_and_go);
	CU_add_test(s, "memory follows what waits", memory_follows_what_waits);
}
