/*
 * Limits: which emissions pass, what the next one is told, and that nothing is remembered for longer than needed.
 */
#include "runtime/limit.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void suite_limit(void);

#define D 100

struct bench {
	struct ens_heap heap;
	struct ens_limit limit;
	struct ens_key *key;
};

static void set_key(struct bench *b, const char *key)
{
	b->key = realloc(b->key, sizeof *b->key + strlen(key));
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->key);
	b->key->len = (uint32_t)strlen(key);
	memcpy(b->key->bytes, key, strlen(key));
}

static void open_bench(struct bench *b, int64_t count)
{
	*b = (struct bench){.limit = {.count = count, .length_us = D}};
	ens_heap_init(&b->heap);
	set_key(b, "k");
}

/* -1: held back; else how many were before it. */
static int64_t pass_by(struct bench *b, int64_t time_us, uint8_t kind, enum ens_type type, struct ens_value by)
{
	const struct ens_limit_subject s = {.key = b->key, .kind = kind, .type = type, .by = by};
	uint64_t suppressed = 99;
	bool passes = false;

	CU_ASSERT_EQUAL_FATAL(ens_limit_pass(&b->limit, &b->heap, &s, time_us, &passes, &suppressed), ENS_OK);
	return passes ? (int64_t)suppressed : -1;
}

static int64_t pass(struct bench *b, int64_t time_us)
{
	return pass_by(b, time_us, 0, ENS_NOTYPE, (struct ens_value){0});
}

static void close_bench(struct bench *b)
{
	ens_limit_close(&b->limit, &b->heap);
	CU_ASSERT_EQUAL(b->heap.used_bytes, 0);
	ens_heap_close(&b->heap);
	free(b->key);
}

static void a_period_lets_so_many_through(void)
{
	struct bench b;

	open_bench(&b, 2);
	CU_ASSERT_EQUAL(pass(&b, 1000), 0);
	CU_ASSERT_EQUAL(pass(&b, 1050), 0);
	CU_ASSERT_EQUAL(pass(&b, 1050), -1);
	CU_ASSERT_EQUAL(pass(&b, 1099), -1);
	CU_ASSERT_EQUAL(pass(&b, 1100), 2); /* another period */
	CU_ASSERT_EQUAL(pass(&b, 1100), 0);
	CU_ASSERT_EQUAL(pass(&b, 1199), -1);
	close_bench(&b);
}

static void what_was_held_back_is_told_up_to_twice_the_period(void)
{
	struct bench b;

	open_bench(&b, 1);
	CU_ASSERT_EQUAL(pass(&b, 1000), 0);
	CU_ASSERT_EQUAL(pass(&b, 1001), -1);
	ens_limit_forget(&b.limit, &b.heap, 1199);
	CU_ASSERT_EQUAL(pass(&b, 1200), 1);
	CU_ASSERT_EQUAL(pass(&b, 1201), -1);
	CU_ASSERT_EQUAL(pass(&b, 1401), 0);
	close_bench(&b);
}

static void nothing_is_remembered_for_longer(void)
{
	struct bench b;

	open_bench(&b, 1);
	CU_ASSERT_EQUAL(ens_limit_due(&b.limit), INT64_MAX);
	CU_ASSERT_EQUAL(pass(&b, 1000), 0);
	CU_ASSERT_EQUAL(ens_limit_due(&b.limit), 1100);
	ens_limit_forget(&b.limit, &b.heap, 1099);
	CU_ASSERT_EQUAL(b.limit.n, 1);
	ens_limit_forget(&b.limit, &b.heap, 1100);
	CU_ASSERT_EQUAL(b.limit.n, 0);
	CU_ASSERT_EQUAL(b.heap.used_bytes, 0);
	CU_ASSERT_EQUAL(pass(&b, 2000), 0);
	CU_ASSERT_EQUAL(pass(&b, 2000), -1);
	ens_limit_forget(&b.limit, &b.heap, 2100);
	CU_ASSERT_EQUAL(b.limit.n, 1);
	CU_ASSERT_EQUAL(ens_limit_due(&b.limit), 2200);
	ens_limit_forget(&b.limit, &b.heap, 2200);
	CU_ASSERT_EQUAL(b.limit.n, 0);
	CU_ASSERT_EQUAL(b.heap.used_bytes, 0);
	close_bench(&b);
}

static void subjects_are_apart(void)
{
	const struct ens_value null = {.null = ENS_NULL}, zero = {.f = 0.0}, minus_zero = {.f = -0.0}, empty = {.s = ""};
	const struct ens_value ab = {.s = "ab", .len = 2};
	struct bench b;

	open_bench(&b, 1);
	CU_ASSERT_EQUAL(pass_by(&b, 1000, 0, ENS_STRING, ab), 0);
	CU_ASSERT_EQUAL(pass_by(&b, 1000, 1, ENS_STRING, ab), 0); /* timeouts apart */
	CU_ASSERT_EQUAL(pass_by(&b, 1000, 0, ENS_STRING, empty), 0);
	CU_ASSERT_EQUAL(pass_by(&b, 1000, 0, ENS_STRING, null), 0);
	CU_ASSERT_EQUAL(pass_by(&b, 1000, 0, ENS_STRING, ab), -1);
	CU_ASSERT_EQUAL(pass_by(&b, 1000, 0, ENS_STRING, null), -1);
	set_key(&b, "l");
	CU_ASSERT_EQUAL(pass_by(&b, 1000, 0, ENS_STRING, ab), 0);
	set_key(&b, "numbers");
	CU_ASSERT_EQUAL(pass_by(&b, 1000, 0, ENS_FLOAT, zero), 0);
	CU_ASSERT_EQUAL(pass_by(&b, 1000, 0, ENS_FLOAT, minus_zero), -1);
	close_bench(&b);
}

static void many_subjects_are_found_and_forgotten_in_order(void)
{
	enum { N = 5000 };
	struct bench b;

	open_bench(&b, 1);
	for (int64_t i = 0; i < N; i++)
		CU_ASSERT_EQUAL(pass_by(&b, i / 100, 0, ENS_INT, (struct ens_value){.i = i}), 0);
	for (int64_t i = 0; i < N; i += 2)
		CU_ASSERT_EQUAL(pass_by(&b, N / 100, 0, ENS_INT, (struct ens_value){.i = i}), -1);
	CU_ASSERT_EQUAL(b.limit.n, N);
	ens_limit_forget(&b.limit, &b.heap, D + N / 200 - 1);
	CU_ASSERT_EQUAL(b.limit.n, N - N / 4);
	CU_ASSERT_TRUE(ens_limit_drop_oldest(&b.limit, &b.heap));
	CU_ASSERT_EQUAL(b.limit.n, N - N / 4 - 1);
	ens_limit_forget(&b.limit, &b.heap, 3 * D);
	CU_ASSERT_EQUAL(b.limit.n, 0);
	CU_ASSERT_FALSE(ens_limit_drop_oldest(&b.limit, &b.heap));
	close_bench(&b);
}

void suite_limit(void)
{
	CU_pSuite s = CU_add_suite("limit", NULL, NULL);

	CU_add_test(s, "a period lets so many through", a_period_lets_so_many_through);
	CU_add_test(s, "what was held back is told up to twice the period", what_was_held_back_is_told_up_to_twice_the_period);
	CU_add_test(s, "nothing is remembered for longer", nothing_is_remembered_for_longer);
	CU_add_test(s, "subjects are apart", subjects_are_apart);
	CU_add_test(s, "many subjects are found and forgotten in order", many_subjects_are_found_and_forgotten_in_order);
}
