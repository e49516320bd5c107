/*
 * The queue of what waits, against a sorted array, and where its buckets meet.
 */
#include "runtime/queue.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

void suite_queue(void);

static int compare(const void *a, const void *b)
{
	const struct ens_queue_item *x = a, *y = b;

	return ens_queue_before(x, y) ? -1 : ens_queue_before(y, x);
}

static uint64_t state;

static uint64_t below(uint64_t n)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (state >> 33) % n;
}

static struct ens_queue q;

/* As runtime/order.c makes them: by stream, then arrival. */
static uint64_t tie(uint64_t stream, uint64_t arrival)
{
	return stream << 40 | arrival;
}

static void add(int64_t time_us, uint64_t tie)
{
	const struct ens_queue_item item = {.time_us = time_us, .tie = tie};

	CU_ASSERT_EQUAL(ens_queue_add(&q, &item), ENS_OK);
}

static struct ens_queue_item take(void)
{
	const struct ens_queue_item *first = NULL;
	struct ens_queue_item copy;

	CU_ASSERT_EQUAL(ens_queue_first(&q, &first), ENS_OK);
	CU_ASSERT_FATAL(first != NULL);
	copy = *first;
	ens_queue_drop_first(&q);
	return copy;
}

static void ties_are_decided(void)
{
	const struct ens_queue_item *first;

	ens_queue_init(&q);
	add(5, 3);
	add(5, 1);
	add(5, UINT64_MAX);
	add(5, 2);
	add(4, 9);
	CU_ASSERT_EQUAL(take().tie, 9);
	CU_ASSERT_EQUAL(take().tie, 1);
	CU_ASSERT_EQUAL(take().tie, 2);
	CU_ASSERT_EQUAL(take().tie, 3);
	CU_ASSERT_EQUAL(take().tie, UINT64_MAX);
	CU_ASSERT_EQUAL(ens_queue_first(&q, &first), ENS_OK);
	CU_ASSERT(first == NULL);
	ens_queue_free(&q);
}

/* Many of one microsecond, of two streams in turn: sorted in place. */
static void one_microsecond_holds_many(void)
{
	ens_queue_init(&q);
	add(0, 1000000);
	for (uint64_t i = 0; i < 5000; i++)
		add(77, tie(i * 7 % 3, i));
	CU_ASSERT_EQUAL(take().time_us, 0);
	struct ens_queue_item before = take();

	for (unsigned i = 1; i < 5000; i++) {
		const struct ens_queue_item a = take();

		CU_ASSERT_FATAL(a.time_us == 77 && ens_queue_before(&before, &a));
		before = a;
	}
	ens_queue_free(&q);
}

static void times_may_be_as_far_apart_as_they_go(void)
{
	static const int64_t time_us[] = {INT64_MAX, 0, INT64_MIN, -1, INT64_MAX - 1, 1, INT64_MIN + 1, INT64_MAX};

	ens_queue_init(&q);
	for (unsigned i = 0; i < 8; i++)
		add(time_us[i], i);
	CU_ASSERT_EQUAL(take().time_us, INT64_MIN);
	CU_ASSERT_EQUAL(take().time_us, INT64_MIN + 1);
	CU_ASSERT_EQUAL(take().time_us, -1);
	CU_ASSERT_EQUAL(take().time_us, 0);
	CU_ASSERT_EQUAL(take().time_us, 1);
	CU_ASSERT_EQUAL(take().time_us, INT64_MAX - 1);
	CU_ASSERT_EQUAL(take().tie, 0);
	add(INT64_MAX, 9);
	CU_ASSERT_EQUAL(take().tie, 7);
	CU_ASSERT_EQUAL(take().tie, 9);
	ens_queue_free(&q);
}

/* Adding and taking in turn, as reordering does: nothing comes that is `slack` older than what was taken. */
static void against_a_sorted_array(uint64_t span, uint64_t slack, unsigned max)
{
	static struct ens_queue_item model[3000];
	unsigned n = 0;
	uint64_t arrival = 0;
	int64_t base = INT64_C(1767600000000000);

	ens_queue_init(&q);
	for (unsigned step = 0; step < 30000; step++) {
		if (n < max && (n == 0 || below(100) < (step / 3000 % 2 ? 70 : 40))) {
			const int64_t t = base + (int64_t)below(span) - (int64_t)below(slack + 1);

			model[n++] = (struct ens_queue_item){.time_us = t, .tie = tie(below(3), arrival++)};
			add(t, model[n - 1].tie);
			continue;
		}

		struct ens_queue_item got = take();
		unsigned least = 0;

		for (unsigned i = 1; i < n; i++)
			if (compare(&model[i], &model[least]) < 0)
				least = i;
		CU_ASSERT_FATAL(got.tie == model[least].tie && got.time_us == model[least].time_us);
		model[least] = model[--n];
		if (got.time_us > base)
			base = got.time_us;
	}
	CU_ASSERT_EQUAL(q.nitem, n);
	ens_queue_free(&q);
}

/* More than one bucket is sorted with at once, evenly and all but a few in one place; the chunks go round. */
static void many_wait(void)
{
	enum { N = 30000 };

	ens_queue_init(&q);
	state = 9;
	for (int round = 0; round < 3; round++) {
		for (uint64_t i = 0; i < N; i++)
			add((int64_t)(round == 1 && i % 100 ? 5000000 + below(30) : below(10000000)), tie(below(2), i));
		for (unsigned each = 0; each < N / 2; each++) {
			struct ens_queue_item before = take(), next = take();

			CU_ASSERT_FATAL(ens_queue_before(&before, &next));
			next.time_us += 20000000; /* a long way behind */
			CU_ASSERT_EQUAL(ens_queue_add(&q, &next), ENS_OK);
		}
		for (unsigned each = 0; each < N / 2; each++)
			CU_ASSERT(take().time_us >= 20000000);
		CU_ASSERT_EQUAL(q.nitem, 0);
		CU_ASSERT_EQUAL(q.memory.used_bytes, 0);
	}
	ens_queue_free(&q);
}

static void random_work_agrees_with_a_sorted_array(void)
{
	state = 3;
	against_a_sorted_array(2, 0, 3000);
	against_a_sorted_array(70, 0, 300);
	against_a_sorted_array(300, 100, 1000);
	against_a_sorted_array(5000, 0, 3000);
	against_a_sorted_array(30000000, 1000, 3000);
	against_a_sorted_array(UINT64_C(3000000000), 0, 3000);
	against_a_sorted_array(UINT64_C(2000000000), UINT64_C(2000000000), 200);
}

void suite_queue(void)
{
	CU_pSuite s = CU_add_suite("queue", NULL, NULL);

	CU_add_test(s, "ties are decided", ties_are_decided);
	CU_add_test(s, "one microsecond holds many", one_microsecond_holds_many);
	CU_add_test(s, "times may be as far apart as they go", times_may_be_as_far_apart_as_they_go);
	CU_add_test(s, "many wait", many_wait);
	CU_add_test(s, "random work agrees with a sorted array", random_work_agrees_with_a_sorted_array);
}
