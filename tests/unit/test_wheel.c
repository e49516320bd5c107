/* The timing wheel against a plain array of deadlines. */
#include "runtime/wheel.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>

void suite_wheel(void);

#define NTIMER 500

static uint64_t state = 42;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static struct ens_wheel wheel;

/* Deadlines near and far, before and after 1970. */
static int64_t some_deadline(int64_t now)
{
	return now + (int64_t)(next_random() >> (20 + next_random() % 40));
}

static int64_t earliest(const struct ens_timer *t)
{
	int64_t min = ENS_NEVER;

	for (int i = 0; i < NTIMER; i++)
		if (ens_timer_is_set(&t[i]) && t[i].deadline_us < min)
			min = t[i].deadline_us;
	return min;
}

static void timers_come_out_in_order_of_deadline(void)
{
	static struct ens_timer t[NTIMER];
	int64_t now = -1000000;

	ens_wheel_init(&wheel, now);
	for (int i = 0; i < NTIMER; i++)
		ens_wheel_add(&wheel, &t[i], some_deadline(now));
	for (int round = 0; round < 20000; round++) {
		int64_t to = now + (int64_t)(next_random() >> (24 + next_random() % 36)), min = earliest(t);

		CU_ASSERT_FATAL(ens_wheel_next(&wheel) <= min);
		for (struct ens_timer *due; (due = ens_wheel_pop(&wheel, to)); min = earliest(t)) {
			CU_ASSERT_FATAL(due->deadline_us == min && min <= to);
			CU_ASSERT_FATAL(!ens_timer_is_set(due));
		}
		CU_ASSERT_FATAL(min > to);
		now = to;
		for (int i = 0; i < NTIMER; i++)
			if (!ens_timer_is_set(&t[i]))
				ens_wheel_add(&wheel, &t[i], some_deadline(now));
		struct ens_timer *gone = &t[next_random() % NTIMER];

		ens_wheel_remove(&wheel, gone);
		ens_wheel_remove(&wheel, gone); /* once more is harmless */
		ens_wheel_add(&wheel, gone, some_deadline(now));
	}
}

static void a_deadline_that_has_passed_is_due_at_once(void)
{
	struct ens_timer now = {0}, t = {0};

	ens_wheel_init(&wheel, 1000);
	ens_wheel_add(&wheel, &now, 1000);
	ens_wheel_add(&wheel, &t, 10);
	CU_ASSERT_EQUAL(t.deadline_us, 1000); /* so timers come out in the order of their deadlines */
	CU_ASSERT_PTR_EQUAL(ens_wheel_pop(&wheel, 1000), &now);
	CU_ASSERT_PTR_EQUAL(ens_wheel_pop(&wheel, 1000), &t);
	CU_ASSERT_PTR_NULL(ens_wheel_pop(&wheel, INT64_MAX));
	CU_ASSERT_EQUAL(ens_wheel_next(&wheel), ENS_NEVER);
}

static void the_ends_of_time_are_times(void)
{
	struct ens_timer first = {0}, last = {0};

	ens_wheel_init(&wheel, INT64_MIN);
	ens_wheel_add(&wheel, &last, INT64_MAX);
	ens_wheel_add(&wheel, &first, INT64_MIN);
	CU_ASSERT_PTR_EQUAL(ens_wheel_pop(&wheel, INT64_MAX), &first);
	CU_ASSERT_PTR_EQUAL(ens_wheel_pop(&wheel, INT64_MAX), &last);
}

static bool expected[NTIMER];
static struct ens_timer expecting[NTIMER];

static void note_expected(struct ens_timer *t)
{
	CU_ASSERT_FATAL(ens_timer_is_set(t));
	CU_ASSERT_FATAL(t->deadline_us - ens_wheel_now(&wheel) < 64 * 64);
	expected[t - expecting] = true;
}

static void what_is_far_is_expected_before_it_is_due(void)
{
	ens_wheel_init(&wheel, 0);
	wheel.expect = note_expected;
	for (int i = 0; i < NTIMER; i++)
		ens_wheel_add(&wheel, &expecting[i], (int64_t)(next_random() >> (24 + next_random() % 36)) + 64 * 64);
	for (struct ens_timer *due; (due = ens_wheel_pop(&wheel, INT64_MAX));)
		CU_ASSERT(expected[due - expecting]);
	wheel.expect = NULL;
}

void suite_wheel(void)
{
	CU_pSuite s = CU_add_suite("wheel", NULL, NULL);

	CU_add_test(s, "timers come out in order of deadline", timers_come_out_in_order_of_deadline);
	CU_add_test(s, "a deadline that has passed is due at once", a_deadline_that_has_passed_is_due_at_once);
	CU_add_test(s, "the ends of time are times", the_ends_of_time_are_times);
	CU_add_test(s, "what is far is expected before it is due", what_is_far_is_expected_before_it_is_due);
}
