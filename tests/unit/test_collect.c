/* Containers: order, different values and their estimate, distributions against sorted numbers; sharing; bounds; saved state. */
#include "runtime/collect.h"

#include <CUnit/CUnit.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void suite_collect(void);

static struct ens_heap heap;

static void add_int(struct ens_collected **c, enum ens_t_holds holds, int64_t i)
{
	CU_ASSERT_FATAL(ens_collected_add(&heap, c, holds, ENS_INT, &(struct ens_value){.i = i}));
}

static void add_float(struct ens_collected **c, enum ens_t_holds holds, double f)
{
	CU_ASSERT_FATAL(ens_collected_add(&heap, c, holds, ENS_FLOAT, &(struct ens_value){.f = f}));
}

static void add_string(struct ens_collected **c, enum ens_t_holds holds, const char *s)
{
	struct ens_blob *b = ens_blob_make(&heap, s, (uint32_t)strlen(s));

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	CU_ASSERT_FATAL(ens_collected_add(&heap, c, holds, ENS_STRING, &(struct ens_value){.s = b->bytes, .len = b->len}));
	ens_blob_release(&heap, b);
}

static const struct ens_value *list_of(const struct ens_collected *c, uint32_t n)
{
	struct ens_value list = ens_collected_list(c);

	CU_ASSERT_EQUAL(list.null, ENS_SET);
	CU_ASSERT_EQUAL_FATAL(list.len, n);
	return (const struct ens_value *)(const void *)list.s;
}

static bool string_is(const struct ens_value *v, const char *s)
{
	return v->len == strlen(s) && memcmp(v->s, s, v->len) == 0;
}

/* Everything was given back. */
static void close_heap(void)
{
	CU_ASSERT_EQUAL(heap.used_bytes, 0);
	ens_heap_close(&heap);
}

/* The same numbers in three orders. */
static uint64_t at_order(int order, uint64_t i, uint64_t n)
{
	return order == 0 ? i : order == 1 ? n - 1 - i : i * 7919 % n; /* n is no multiple of that prime */
}

static double percentile(const struct ens_collected *c, double percent)
{
	struct ens_value v = ens_collected_percentile(c, percent);

	CU_ASSERT_EQUAL(v.null, ENS_SET);
	return v.f;
}

/* ---- all of them -------------------------------------------------------------------------------------------------- */

static void nothing_collected_is_empty(void)
{
	CU_ASSERT_EQUAL(ens_collected_distinct(NULL), 0);
	(void)list_of(NULL, 0);
	CU_ASSERT_EQUAL(ens_collected_percentile(NULL, 50).null, ENS_NULL);
	CU_ASSERT_FALSE(ens_collected_approx(NULL));
}

static void lists_keep_the_first_in_order(void)
{
	struct ens_collected *c = NULL;

	ens_heap_init(&heap);
	for (int64_t i = 0; i < ENS_COLLECTED_MAX; i++)
		add_int(&c, ENS_T_LIST, i % 7);
	CU_ASSERT_FALSE(ens_collected_approx(c));
	for (int64_t i = 0; i < 10; i++)
		add_int(&c, ENS_T_LIST, 100);
	CU_ASSERT(ens_collected_approx(c));
	const struct ens_value *v = list_of(c, ENS_COLLECTED_MAX);

	for (int64_t i = 0; i < ENS_COLLECTED_MAX; i++)
		CU_ASSERT_EQUAL_FATAL(v[i].i, i % 7);
	ens_collected_release(&heap, c);
	close_heap();
}

static void who_adds_to_a_shared_one_gets_a_copy(void)
{
	static const enum ens_t_holds holds[] = {ENS_T_LIST, ENS_T_DISTINCT};

	for (int k = 0; k < 2; k++) {
		struct ens_collected *a = NULL, *b;

		ens_heap_init(&heap);
		for (int i = 0; i < 9; i++) {
			char text[2] = {(char)('a' + i), 0};

			add_string(&a, holds[k], text);
			b = a; /* as when a partial match branches */
			b->refs++;
			add_string(&b, holds[k], "of one");
			CU_ASSERT_PTR_NOT_EQUAL(a, b);
			CU_ASSERT(string_is(&list_of(a, (uint32_t)i + 1)[i], text));
			CU_ASSERT(string_is(&list_of(b, (uint32_t)i + 2)[i + 1], "of one"));
			CU_ASSERT_PTR_EQUAL(list_of(a, (uint32_t)i + 1)[i].s, list_of(b, (uint32_t)i + 2)[i].s);
			ens_collected_release(&heap, b);
		}
		ens_collected_release(&heap, a);
		close_heap();
	}
}

static void a_shared_distribution_is_copied_too(void)
{
	struct ens_collected *a = NULL, *b;

	ens_heap_init(&heap);
	add_int(&a, ENS_T_SKETCH, 1);
	b = a;
	b->refs++;
	add_int(&b, ENS_T_SKETCH, 9);
	add_int(&b, ENS_T_SKETCH, 9);
	CU_ASSERT_EQUAL(percentile(a, 100), 1);
	CU_ASSERT_EQUAL(percentile(b, 50), 9);
	ens_collected_release(&heap, a);
	ens_collected_release(&heap, b);
	close_heap();
}

/* ---- different values --------------------------------------------------------------------------------------------- */

static void different_values_stand_in_the_order_they_came(void)
{
	static const char *const came[] = {"b", "a", "", "b", "ab", "", "a", "c"}, *const different[] = {"b", "a", "", "ab", "c"};
	struct ens_collected *c = NULL;

	ens_heap_init(&heap);
	for (int i = 0; i < 8; i++)
		add_string(&c, ENS_T_DISTINCT, came[i]);
	CU_ASSERT_EQUAL(ens_collected_distinct(c), 5);
	for (int i = 0; i < 5; i++)
		CU_ASSERT(string_is(&list_of(c, 5)[i], different[i]));
	ens_collected_release(&heap, c);
	c = NULL;
	add_float(&c, ENS_T_DISTINCT, 0.0);
	add_float(&c, ENS_T_DISTINCT, -0.0);
	add_float(&c, ENS_T_DISTINCT, 1.5);
	CU_ASSERT_EQUAL(ens_collected_distinct(c), 2);
	ens_collected_release(&heap, c);
	close_heap();
}

static void a_known_value_copies_nothing(void)
{
	struct ens_collected *a = NULL, *b;

	ens_heap_init(&heap);
	add_int(&a, ENS_T_DISTINCT, 5);
	b = a;
	b->refs++;
	add_int(&b, ENS_T_DISTINCT, 5);
	CU_ASSERT_PTR_EQUAL(a, b);
	b->refs--;
	ens_collected_release(&heap, a);
	close_heap();
}

static struct ens_collected *distinct_of(uint64_t n, int order)
{
	struct ens_collected *c = NULL;

	for (uint64_t i = 0; i < 2 * n; i++) /* each twice */
		add_int(&c, ENS_T_DISTINCT, (int64_t)at_order(order, i % n, n));
	return c;
}

static void counts_are_exact_and_then_estimates(void)
{
	static const uint64_t n[] = {1, 999, 1000, 1001, 1500, 3000, 10000, 50000, 200000, 1000000};

	ens_heap_init(&heap);
	for (size_t k = 0; k < sizeof n / sizeof *n; k++) {
		struct ens_collected *c = distinct_of(n[k], 0);
		const int64_t told = ens_collected_distinct(c);

		CU_ASSERT_EQUAL(ens_collected_approx(c), n[k] > ENS_COLLECTED_MAX);
		if (n[k] <= ENS_COLLECTED_MAX)
			CU_ASSERT_EQUAL(told, (int64_t)n[k]);
		CU_ASSERT(fabs((double)told - (double)n[k]) <= 0.05 * (double)n[k]); /* three standard errors */
		CU_ASSERT_EQUAL(list_of(c, n[k] < 1000 ? (uint32_t)n[k] : 1000)[0].i, 0);
		CU_ASSERT(heap.used_bytes < 24 * 1024);
		ens_collected_release(&heap, c);
	}
	close_heap();
}

static void estimates_do_not_depend_on_the_order(void)
{
	ens_heap_init(&heap);
	for (int order = 0; order < 3; order++) {
		struct ens_collected *c = distinct_of(20011, order);

		/* a change of this number is a change of what rules mean: ENS_SEMANTICS_VERSION */
		CU_ASSERT_EQUAL(ens_collected_distinct(c), 19987);
		ens_collected_release(&heap, c);
	}
	close_heap();
}

/* ---- distributions ------------------------------------------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void a_percentile_is_a_number_that_came(void)
{
	static const struct {
		double percent, want;
	} row[] = {{0, 1}, {20, 1}, {20.1, 2}, {40, 2}, {50, 3}, {60, 3}, {80, 10}, {95, 1000}, {100, 1000}, {-3, 1}, {1e300, 1000}};
	static const int64_t came[] = {10, 2, 1000, 1, 3};
	struct ens_collected *c = NULL;

	ens_heap_init(&heap);
	for (int i = 0; i < 5; i++)
		add_int(&c, ENS_T_SKETCH, came[i]);
	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		CU_ASSERT_EQUAL(percentile(c, row[i].percent), row[i].want);
	ens_collected_release(&heap, c);
	c = NULL;
	for (int64_t i = 1; i <= 1000; i++)
		add_int(&c, ENS_T_SKETCH, i);
	CU_ASSERT_EQUAL(percentile(c, 99.9), 999); /* 99.9 * 1000 / 100 is one number, whatever is rounded */
	CU_ASSERT_EQUAL(percentile(c, 55.5), 555);
	CU_ASSERT_FALSE(ens_collected_approx(c));
	ens_collected_release(&heap, c);
	close_heap();
}

/* Numbers of both signs from 0.001 to 60,000; many of them twice. */
static double spread(uint64_t i, uint64_t n)
{
	const double x = pow(10, (double)(i / 2 * 2) * 8 / (double)n - 3) * 0.6;

	return i % 3 == 0 ? -x : x;
}

static void percentiles_are_within_one_percent(void)
{
	const uint64_t n = 100000;
	double *sorted = malloc(n * sizeof *sorted), worst = 0;
	struct ens_collected *c = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(sorted);
	ens_heap_init(&heap);
	for (uint64_t i = 0; i < n; i++) {
		sorted[i] = spread(at_order(2, i, n), n);
		add_float(&c, ENS_T_SKETCH, sorted[i]);
	}
	qsort(sorted, n, sizeof *sorted, by_size);
	for (uint64_t k = 1; k < 1000; k++) {
		const double exact = sorted[k * n / 1000 - 1], off = fabs(percentile(c, (double)k / 10) - exact) / fabs(exact);

		worst = off > worst ? off : worst;
	}
	CU_ASSERT(worst > 0 && worst <= 1.0 / 128);
	CU_ASSERT_EQUAL(percentile(c, 0), sorted[0]);
	CU_ASSERT_EQUAL(percentile(c, 100), sorted[n - 1]);
	CU_ASSERT_FALSE(ens_collected_approx(c));
	CU_ASSERT(c->n <= ENS_BUCKETS_MAX);
	ens_collected_release(&heap, c);
	free(sorted);
	close_heap();
}

static void buckets_do_not_depend_on_the_order(void)
{
	/* all exponents: buckets widen several times, at other places in each order */
	for (uint64_t n = 1000; n <= 64000; n *= 4) {
		struct ens_collected *c[3] = {NULL, NULL, NULL};

		ens_heap_init(&heap);
		for (int order = 0; order < 3; order++)
			for (uint64_t i = 0; i < n; i++) {
				const uint64_t k = at_order(order, i, n);

				add_float(&c[order], ENS_T_SKETCH, ldexp(k % 2 ? -1.0 - (double)(k % 977) / 1000 : 1.0, (int)(k % 2000) - 1000));
			}
		for (int order = 1; order < 3; order++) {
			CU_ASSERT_EQUAL_FATAL(c[order]->n, c[0]->n);
			CU_ASSERT_EQUAL(c[order]->cap, c[0]->cap);
			CU_ASSERT_EQUAL(c[order]->shift, c[0]->shift);
			CU_ASSERT_EQUAL(c[order]->total, n);
			CU_ASSERT(memcmp(c[order]->room, c[0]->room, c[0]->n * sizeof(struct ens_bucket)) == 0);
		}
		CU_ASSERT_EQUAL(ens_collected_approx(c[0]), n > 4000);
		for (int order = 0; order < 3; order++)
			ens_collected_release(&heap, c[order]);
		close_heap();
	}
}

static void all_integers_of_one_sign_fit(void)
{
	struct ens_collected *c = NULL;

	ens_heap_init(&heap);
	for (uint64_t i = 0; i < 200000; i++)
		add_int(&c, ENS_T_SKETCH, (int64_t)(i * UINT64_C(0x9E3779B97F4A7C15) >> (1 + i % 63)));
	CU_ASSERT_FALSE(ens_collected_approx(c));
	add_int(&c, ENS_T_SKETCH, INT64_MIN);
	add_int(&c, ENS_T_SKETCH, INT64_MAX);
	CU_ASSERT_EQUAL(percentile(c, 0), -0x1p63);
	CU_ASSERT_EQUAL(percentile(c, 100), 0x1p63);
	ens_collected_release(&heap, c);
	close_heap();
}

static void extreme_numbers_stay_numbers(void)
{
	struct ens_collected *c = NULL;
	uint64_t k = 1;

	ens_heap_init(&heap);
	for (int i = 0; i < 300000; i++) {
		double x;

		k = k * UINT64_C(6364136223846793005) + 1442695040888963407;
		memcpy(&x, &k, sizeof x); /* any bits */
		if (isfinite(x))
			add_float(&c, ENS_T_SKETCH, x);
	}
	add_float(&c, ENS_T_SKETCH, DBL_MAX);
	add_float(&c, ENS_T_SKETCH, -DBL_MAX);
	add_float(&c, ENS_T_SKETCH, DBL_TRUE_MIN);
	CU_ASSERT(ens_collected_approx(c));
	CU_ASSERT(c->n <= ENS_BUCKETS_MAX && c->shift <= 52);
	for (int i = 0; i <= 1000; i++)
		CU_ASSERT_FATAL(isfinite(percentile(c, i / 10.0)) && (i == 0 || percentile(c, i / 10.0) >= percentile(c, (i - 1) / 10.0)));
	CU_ASSERT_EQUAL(percentile(c, 0), -DBL_MAX);
	CU_ASSERT_EQUAL(percentile(c, 100), DBL_MAX);
	CU_ASSERT(heap.used_bytes < 70 * 1024);
	ens_collected_release(&heap, c);
	close_heap();
}

static void zero_is_zero_among_many(void)
{
	struct ens_collected *c = NULL;

	ens_heap_init(&heap);
	for (int i = 0; i < 3000; i++)
		add_float(&c, ENS_T_SKETCH, i % 2 ? i : -0.0);
	CU_ASSERT_EQUAL(percentile(c, 40), 0);
	CU_ASSERT_FALSE(signbit(percentile(c, 0)));
	ens_collected_release(&heap, c);
	close_heap();
}

/* ---- out of saved state ------------------------------------------------------------------------------------------- */

static void registers_fit_their_values(void)
{
	uint8_t reg[ENS_REGISTERS];

	ens_heap_init(&heap);
	struct ens_collected *c = distinct_of(5000, 0), *few = distinct_of(999, 0), *full = distinct_of(1000, 0);

	memcpy(reg, ens_collected_registers(c), sizeof reg);
	CU_ASSERT_FALSE(ens_collected_exceed(few, reg));
	CU_ASSERT(ens_collected_exceed(full, reg));
	CU_ASSERT_EQUAL(ens_collected_distinct(full), ens_collected_distinct(c));
	CU_ASSERT(ens_collected_approx(full));
	for (unsigned i = 0; i < ENS_REGISTERS; i += 256) {
		struct ens_collected *again = distinct_of(1000, 0);
		const uint8_t was = reg[i];

		reg[i] = 54; /* of 52 bits none can be set, not more */
		CU_ASSERT_FALSE(ens_collected_exceed(again, reg));
		reg[i] = was;
		ens_collected_release(&heap, again);
	}
	memset(reg, 0, sizeof reg);
	ens_collected_release(&heap, full);
	full = distinct_of(1000, 0);
	CU_ASSERT_FALSE(ens_collected_exceed(full, reg)); /* less than its own values */
	ens_collected_release(&heap, full);
	ens_collected_release(&heap, few);
	ens_collected_release(&heap, c);
	close_heap();
}

/* Numbers 1 and 2, or buckets with them, but for one thing. */
static bool valid_with(uint8_t shift, uint32_t n, double least, double most, uint64_t further, uint64_t count)
{
	struct ens_collected *c = ens_collected_sketch(&heap, ENS_FLOAT, shift, n);

	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	for (uint32_t i = 0; i < n; i++)
		ens_collected_buckets(c)[i] = (struct ens_bucket){
			(UINT64_C(0xBFF0000000000000) + i * UINT64_C(0x10000000000000) + further * (i > 0)) >> (shift & 63), i ? 1 : count};
	c->least = least;
	c->most = most;
	bool valid = ens_collected_sketch_is_valid(c);

	ens_collected_release(&heap, c);
	return valid;
}

static void distributions_are_checked(void)
{
	ens_heap_init(&heap);
	CU_ASSERT(valid_with(0, 2, 1, 2, 0, 1));
	CU_ASSERT(valid_with(46, 2, 1, 2, 0, 7));
	CU_ASSERT(valid_with(52, 2, 1.25, 3.5, 0, 7));
	CU_ASSERT_FALSE(valid_with(0, 0, 1, 2, 0, 1));
	CU_ASSERT_FALSE(valid_with(45, 2, 1, 2, 0, 1));
	CU_ASSERT_FALSE(valid_with(53, 2, 1, 2, 0, 1));
	CU_ASSERT_FALSE(valid_with(0, 2, 1.5, 2, 0, 1));
	CU_ASSERT_FALSE(valid_with(0, 2, 1, 3, 0, 1));
	CU_ASSERT_FALSE(valid_with(46, 2, 1, INFINITY, UINT64_C(0x3FF0000000000000) - UINT64_C(0x10000000000000), 1));
	CU_ASSERT_FALSE(valid_with(46, 2, 1, NAN, 0, 1));
	CU_ASSERT_FALSE(valid_with(0, 2, 1, 2, 0, 0));
	CU_ASSERT_FALSE(valid_with(0, 2, 1, 2, 0, UINT64_MAX));
	CU_ASSERT_FALSE(valid_with(0, 2, 1, 2, 0, UINT64_MAX / 2));
	CU_ASSERT_FALSE(valid_with(0, 2, 1, 2, UINT64_C(0) - UINT64_C(0x10000000000000), 1)); /* the same twice */
	CU_ASSERT_FALSE(valid_with(0, 1001, 1, 2, 0, 1));
	close_heap();
}

void suite_collect(void)
{
	CU_pSuite s = CU_add_suite("collect", NULL, NULL);

	CU_add_test(s, "nothing collected is empty", nothing_collected_is_empty);
	CU_add_test(s, "lists keep the first in order", lists_keep_the_first_in_order);
	CU_add_test(s, "who adds to a shared one gets a copy", who_adds_to_a_shared_one_gets_a_copy);
	CU_add_test(s, "a shared distribution is copied too", a_shared_distribution_is_copied_too);
	CU_add_test(s, "different values stand in the order they came", different_values_stand_in_the_order_they_came);
	CU_add_test(s, "a known value copies nothing", a_known_value_copies_nothing);
	CU_add_test(s, "counts are exact and then estimates", counts_are_exact_and_then_estimates);
	CU_add_test(s, "estimates do not depend on the order", estimates_do_not_depend_on_the_order);
	CU_add_test(s, "a percentile is a number that came", a_percentile_is_a_number_that_came);
	CU_add_test(s, "percentiles are within one percent", percentiles_are_within_one_percent);
	CU_add_test(s, "buckets do not depend on the order", buckets_do_not_depend_on_the_order);
	CU_add_test(s, "all integers of one sign fit", all_integers_of_one_sign_fit);
	CU_add_test(s, "extreme numbers stay numbers", extreme_numbers_stay_numbers);
	CU_add_test(s, "zero is zero among many", zero_is_zero_among_many);
	CU_add_test(s, "registers fit their values", registers_fit_their_values);
	CU_add_test(s, "distributions are checked", distributions_are_checked);
}
