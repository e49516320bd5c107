/*
 * Repeats: what is one, when a value is forgotten, how many are held.
 */
#include "runtime/unique.h"

#include <CUnit/CUnit.h>
#include <stdio.h>

#include "tests/unit/hand_tables.h"

void suite_unique(void);

#define MAX 600

static struct hand hand;
static struct ens_unique *unique;
static uint64_t serial;
static bool tidy;

/* Type A with streams 0 and 1, unique `text` for 10; B with stream 1, unique `n` for 100. */
static void open_unique(uint32_t max)
{
	uint32_t one, two;

	serial = 0;
	tidy = false;
	hand_init(&hand);
	one = hand_stream(&hand, "one");
	two = hand_stream(&hand, "two");
	hand_type(&hand, "A", one);
	hand.index[hand.t.nindex] = two;
	hand.t.nindex++;
	hand.type[0].streams.count = 2;
	hand.type[0].unique_field = hand_field(&hand, "text", "text", ENS_STRING, true);
	hand.type[0].unique_us = 10;
	hand_type(&hand, "B", two);
	hand.type[1].unique_field = hand_field(&hand, "n", "n", ENS_INT, false);
	hand.type[1].unique_us = 100;
	(void)hand_done(&hand);
	CU_ASSERT_EQUAL_FATAL(ens_unique_open(&hand.t, max, &unique, NULL), ENS_OK);
	CU_ASSERT_FATAL(unique != NULL);
}

/* Takes the event if it is no repeat. */
static bool taken(uint32_t type, uint32_t stream, int64_t time_us, const struct ens_value *v)
{
	const struct ens_event ev = {.type = type, .id = {.ms = ++serial, .stream = stream}, .time_us = time_us, .value = v};

	if (ens_unique_repeats(unique, &ev, time_us - 20))
		return false;
	CU_ASSERT_EQUAL(ens_unique_note(unique, &ev, time_us - 21), ENS_OK);
	if (tidy)
		ens_unique_tidy(unique, stream, time_us - 20, NULL);
	return true;
}

static bool text(uint32_t stream, int64_t time_us, const char *s)
{
	const struct ens_value v = {.s = s, .len = (uint32_t)strlen(s)};

	return taken(0, stream, time_us, &v);
}

static bool number(int64_t time_us, int64_t n)
{
	const struct ens_value v = {.i = n};

	return taken(1, 1, time_us, &v);
}

static void a_repeat_is_near_one_that_was_taken(void)
{
	const struct ens_value null = {.null = ENS_NULL};

	open_unique(MAX);
	CU_ASSERT(text(0, 100, "a"));
	CU_ASSERT_FALSE(text(0, 100, "a"));
	CU_ASSERT_FALSE(text(0, 110, "a"));
	CU_ASSERT_FALSE(text(0, 90, "a"));
	CU_ASSERT(text(0, 111, "a"));
	CU_ASSERT(text(0, 89, "a")); /* far from both, and both are still known */
	CU_ASSERT_FALSE(text(0, 105, "a"));
	CU_ASSERT_FALSE(text(0, 95, "a"));
	CU_ASSERT(text(0, 100, "ab"));
	CU_ASSERT(text(0, 100, ""));
	CU_ASSERT_FALSE(text(0, 100, ""));
	/* another stream, another type, no value */
	CU_ASSERT(text(1, 100, "a"));
	CU_ASSERT(number(100, 7));
	CU_ASSERT_FALSE(number(200, 7));
	CU_ASSERT(number(200, 8));
	CU_ASSERT(taken(0, 0, 100, &null));
	CU_ASSERT(taken(0, 0, 100, &null));
	ens_unique_close(unique);
}

/* 20 late at most, 10 apart at most: at 1000 nothing before 970 matters. */
static void what_time_has_passed_is_forgotten(void)
{
	char s[16];

	open_unique(MAX);
	tidy = true;
	for (int i = 0; i < 100000; i++) {
		(void)snprintf(s, sizeof(s), "v%d", i);
		CU_ASSERT(text(0, i, s));
		CU_ASSERT_FATAL(ens_unique_held(unique) <= 40);
	}
	CU_ASSERT_FALSE(text(0, 99999, s));
	CU_ASSERT_EQUAL(ens_unique_forgotten(unique), 0);
	ens_unique_close(unique);
}

static void no_more_than_the_limit_is_held(void)
{
	open_unique(MAX);
	CU_ASSERT(number(0, -1));
	for (int i = 0; i < 2 * MAX; i++)
		CU_ASSERT(number(50, i));
	CU_ASSERT_EQUAL(ens_unique_held(unique), MAX);
	CU_ASSERT_EQUAL(ens_unique_forgotten(unique), MAX + 1);
	CU_ASSERT_FALSE(number(50, MAX));
	CU_ASSERT_FALSE(number(50, 2 * MAX - 1));
	CU_ASSERT(number(50, 0)); /* forgotten: the oldest goes first */
	/* a list that has none takes the place of another's oldest */
	CU_ASSERT(text(0, 50, "a"));
	CU_ASSERT_EQUAL(ens_unique_held(unique), MAX);
	CU_ASSERT_EQUAL(ens_unique_forgotten(unique), MAX + 3);
	ens_unique_close(unique);
}

static void tidy_now(uint32_t stream, int64_t earliest_us, const struct ens_entry_id *floor)
{
	for (int i = 0; i < 10; i++)
		ens_unique_tidy(unique, stream, earliest_us, floor);
}

/* After a restart reading begins there. */
static void the_oldest_that_is_needed_is_known(void)
{
	const struct ens_entry_id floor = {.ms = 2, .stream = 1};
	struct ens_entry_id id;
	int64_t before_us;

	open_unique(MAX);
	CU_ASSERT_FALSE(ens_unique_oldest(unique, 1, &id, &before_us));
	CU_ASSERT(text(1, 300, "a"));
	CU_ASSERT(number(200, 1));
	CU_ASSERT(text(0, 100, "a"));
	CU_ASSERT_FALSE(text(1, 305, "a")); /* entry 4 */
	CU_ASSERT(number(210, 2));
	CU_ASSERT(text(1, 320, "b"));
	tidy_now(1, 290, NULL);
	CU_ASSERT(ens_unique_oldest(unique, 1, &id, &before_us) && id.ms == 1 && before_us == 279);
	CU_ASSERT(ens_unique_oldest(unique, 0, &id, &before_us) && id.ms == 3);
	tidy_now(1, 311, &floor); /* the first, of 300, can have no repeat now; but entry 4 would be read again, with entry 2 */
	CU_ASSERT(ens_unique_oldest(unique, 1, &id, &before_us) && id.ms == 1);
	tidy_now(1, 311, NULL); /* nothing before entry 6 would be */
	CU_ASSERT(ens_unique_oldest(unique, 1, &id, &before_us) && id.ms == 6);
	tidy_now(1, 331, NULL);
	CU_ASSERT_FALSE(ens_unique_oldest(unique, 1, &id, &before_us));
	CU_ASSERT_FALSE(ens_unique_oldest(NULL, 1, &id, &before_us));
	ens_unique_close(unique);
}

static void without_such_a_field_there_is_nothing(void)
{
	struct ens_unique *none = (struct ens_unique *)&hand;

	hand_init(&hand);
	hand_type(&hand, "A", hand_stream(&hand, "one"));
	hand_field(&hand, "n", "n", ENS_INT, false);
	(void)hand_done(&hand);
	CU_ASSERT_EQUAL(ens_unique_open(&hand.t, MAX, &none, NULL), ENS_OK);
	CU_ASSERT(none == NULL);
}

void suite_unique(void)
{
	CU_pSuite s = CU_add_suite("unique", NULL, NULL);

	CU_add_test(s, "a repeat is near one that was taken", a_repeat_is_near_one_that_was_taken);
	CU_add_test(s, "what time has passed is forgotten", what_time_has_passed_is_forgotten);
	CU_add_test(s, "no more than the limit is held", no_more_than_the_limit_is_held);
	CU_add_test(s, "the oldest that is needed is known", the_oldest_that_is_needed_is_known);
	CU_add_test(s, "without such a field there is nothing", without_such_a_field_there_is_nothing);
}
