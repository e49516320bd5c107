/* Sets of values: what the operations say agrees, value by value, with sets of the numbers 0 to 9; and the ends of
 * the order. */
#include "compiler/values.h"

#include <CUnit/CUnit.h>
#include <float.h>
#include <string.h>

void suite_values(void);

#define N 10 /* values, and null */
#define ALL ((1u << (N + 1)) - 1)

/* The set that has these values: bit i for i, bit N for null. */
static struct ens_values of_bits(struct ens_arena *a, unsigned bits)
{
	struct ens_values v = bits & 1u << N ? ens_values_null() : ens_values_none();

	for (int i = 0; i < N; i++)
		if (bits & 1u << i)
			v = ens_values_either(a, v, ens_values_order(a, 0, i));
	return v;
}

static unsigned bits_of(struct ens_arena *a, struct ens_values v)
{
	unsigned bits = v.null ? 1u << N : 0;

	for (int i = 0; i < N; i++)
		if (!ens_values_empty(ens_values_both(a, v, ens_values_order(a, 0, i))))
			bits |= 1u << i;
	return bits;
}

static void operations_are_those_of_sets(void)
{
	struct ens_arena a;
	uint32_t seed = 1;

	ens_arena_init(&a, 0);
	for (int i = 0; i < 2000; i++) {
		unsigned x, y;

		seed = seed * 1664525u + 1013904223u;
		x = seed >> 8 & ALL;
		seed = seed * 1664525u + 1013904223u;
		y = i % 3 ? seed >> 8 & ALL : x & seed >> 8;

		struct ens_values vx = of_bits(&a, x), vy = of_bits(&a, y);

		CU_ASSERT_EQUAL(bits_of(&a, vx), x);
		CU_ASSERT_EQUAL(bits_of(&a, ens_values_both(&a, vx, vy)), (x & y));
		CU_ASSERT_EQUAL(bits_of(&a, ens_values_either(&a, vx, vy)), (x | y));
		CU_ASSERT_EQUAL(bits_of(&a, ens_values_others(&a, vx)), (~x & (ALL >> 1)));
		CU_ASSERT_EQUAL(ens_values_within(vx, vy), (x & ~y) == 0);
		CU_ASSERT_EQUAL(ens_values_empty(vx), x == 0);
		CU_ASSERT(
			ens_values_within(ens_values_all(false), ens_values_either(&a, vx, ens_values_others(&a, vx))));
	}
	ens_arena_free(&a);
}

static void orders_reach_to_the_ends(void)
{
	struct ens_arena a;

	ens_arena_init(&a, 0);
	CU_ASSERT(ens_values_empty(ens_values_order(&a, -2, INT64_MIN)));
	CU_ASSERT(ens_values_empty(ens_values_order(&a, 2, INT64_MAX)));
	CU_ASSERT(ens_values_within(ens_values_all(false), ens_values_order(&a, 1, INT64_MIN)));
	CU_ASSERT(ens_values_within(ens_values_all(false), ens_values_order(&a, -1, INT64_MAX)));
	CU_ASSERT_FALSE(ens_values_within(ens_values_all(true), ens_values_all(false)));
	CU_ASSERT(ens_values_empty(ens_values_both(&a, ens_values_order(&a, 2, 1), ens_values_order(&a, -2, 2))));
	CU_ASSERT(ens_values_empty(ens_values_span(&a, 2, 1)));
	ens_arena_free(&a);
}

static void floats_keep_their_order(void)
{
	static const double sorted[] = {-DBL_MAX,     -1.5,    -1, -DBL_MIN, -DBL_TRUE_MIN, 0,
					DBL_TRUE_MIN, DBL_MIN, 1,  1.5,      DBL_MAX};

	for (size_t i = 1; i < sizeof sorted / sizeof *sorted; i++)
		CU_ASSERT(ens_values_float(sorted[i - 1]) < ens_values_float(sorted[i]));
	CU_ASSERT_EQUAL(ens_values_float(-0.0), ens_values_float(0.0));
	CU_ASSERT_EQUAL(ens_values_float(DBL_TRUE_MIN), ens_values_float(0) + 1);
}

static void texts_and_networks(void)
{
	const char net[16] = {0x20, 1, 0x0d, (char)0xb8, 0x7f}, last[16] = {(char)0xff};
	struct ens_arena a;
	struct ens_values all, v;

	ens_arena_init(&a, 0);
	v = ens_values_prefix(&a, "ab", 2);
	CU_ASSERT(ens_values_within(ens_values_order_bytes(&a, 0, "abc", 3), v));
	CU_ASSERT(ens_values_within(ens_values_order_bytes(&a, 0, "ab", 2), v));
	CU_ASSERT(ens_values_empty(ens_values_both(&a, v, ens_values_order_bytes(&a, 0, "ac", 2))));
	CU_ASSERT(ens_values_empty(ens_values_both(&a, v, ens_values_order_bytes(&a, -2, "ab", 2))));
	CU_ASSERT(ens_values_within(ens_values_all(false), ens_values_prefix(&a, "", 0)));
	v = ens_values_prefix(&a, "\xff", 1); /* nothing comes behind it */
	CU_ASSERT(ens_values_within(ens_values_order_bytes(&a, 0, "\xff\xff", 2), v));
	all = ens_values_network(&a, net, 0);
	v = ens_values_network(&a, net, 33);
	CU_ASSERT(ens_values_within(v, all));
	CU_ASSERT(ens_values_within(ens_values_order_bytes(&a, 0, net, 16), v));
	CU_ASSERT(ens_values_within(ens_values_order_bytes(&a, 0, last, 16), all));
	CU_ASSERT(ens_values_empty(ens_values_both(&a, v, ens_values_order_bytes(&a, 0, last, 16))));
	CU_ASSERT(ens_values_within(ens_values_network(&a, net, 40), v));
	ens_arena_free(&a);
}

static void long_lists_are_widened(void)
{
	struct ens_values v = ens_values_none(), w;
	struct ens_arena a;

	ens_arena_init(&a, 0);
	for (int i = 0; i < (int)ENS_VALUES_RANGES_MAX; i++)
		v = ens_values_either(&a, v, ens_values_order(&a, 0, 2 * i));
	CU_ASSERT(v.exact && v.n == ENS_VALUES_RANGES_MAX);
	w = ens_values_either(&a, v, ens_values_order(&a, 0, 1000));
	CU_ASSERT(!w.exact && w.n == 1);
	CU_ASSERT_FALSE(ens_values_within(v, w)); /* it may have too many */
	CU_ASSERT(!ens_values_empty(ens_values_both(&a, w, ens_values_order(&a, 0, 1000))));
	CU_ASSERT_FALSE(ens_values_others(&a, w).exact);
	CU_ASSERT(!ens_values_empty(ens_values_both(&a, ens_values_others(&a, w), ens_values_order(&a, 0, 0))));
	ens_arena_free(&a);
}

static void without_memory_everything_is_possible(void)
{
	struct ens_values five, none;
	struct ens_arena a, small;

	ens_arena_init(&a, 0);
	ens_arena_init(&small, 1);
	five = ens_values_order(&a, 0, 5);
	none = ens_values_both(&small, five, ens_values_order(&a, 0, 6));
	CU_ASSERT(!ens_values_empty(none) && !none.exact);
	CU_ASSERT(!ens_values_empty(ens_values_prefix(&small, "a", 1)));
	CU_ASSERT(!ens_values_empty(ens_values_network(&small, "0123456789abcdef", 8)));
	ens_arena_free(&small);
	ens_arena_free(&a);
}

void suite_values(void)
{
	CU_pSuite s = CU_add_suite("values", NULL, NULL);

	CU_add_test(s, "operations are those of sets", operations_are_those_of_sets);
	CU_add_test(s, "orders reach to the ends", orders_reach_to_the_ends);
	CU_add_test(s, "floats keep their order", floats_keep_their_order);
	CU_add_test(s, "texts and networks", texts_and_networks);
	CU_add_test(s, "long lists are widened", long_lists_are_widened);
	CU_add_test(s, "without memory everything is possible", without_memory_everything_is_possible);
}
