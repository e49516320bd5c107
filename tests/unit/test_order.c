/*
 * One order out of several streams: what is late, what waits, what comes out when; the engine is the real one, with
 * rules that report every event as it gets it, and the absence of one after another.
 */
#include "runtime/order.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "tests/unit/hand_tables.h"

void suite_order(void);

static struct hand hand;
static struct ens_engine *engine;
static struct ens_order *order;
static struct ens_buf seen;
static uint64_t serial;

/* "A@10 " for an event, "silent@20 " for a deadline. */
static enum ens_status note(void *user, const struct ens_emission *e)
{
	const struct ens_t_str name = hand.rule[e->rule].name;

	(void)user;
	ens_buf_addf(&seen, "%.*s@%d ", (int)name.len, hand.bytes + name.off, (int)e->end_us);
	return ENS_OK;
}

static void saw(const char *expected)
{
	const char *got = ens_buf_cstr(&seen);

	if (strcmp(got, expected) != 0) {
		printf("\n  expected: %s\n  got:      %s\n", expected, got);
		CU_FAIL("another order was expected");
	}
	ens_buf_clear(&seen);
}

/* Types A, B, C, each of its own stream, with one string field; A and B have a time field unless `by_id`. */
static void make_types(int64_t lateness_us, bool by_id)
{
	static const char *const name[] = {"A", "B", "C"};
	uint32_t i;

	hand_init(&hand);
	serial = 0;
	seen = ENS_BUF_EMPTY;
	for (i = 0; i < 3; i++) {
		hand_type(&hand, name[i], hand_stream(&hand, name[i]));
		hand_field(&hand, "text", "text", ENS_STRING, true);
		hand.stream[i].lateness_us = lateness_us;
		if (!by_id)
			hand.type[i].time_field = hand_field(&hand, "t", "t", ENS_TIME, false);
	}
}

static void open_order(bool single)
{
	const struct ens_engine_options o = {.sink = {.emit = note}};
	struct ens_error err;

	(void)hand_done(&hand);
	CU_ASSERT_EQUAL_FATAL(ens_engine_open(&hand.t, &o, &engine, &err), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_order_open(&hand.t, engine, single, &order, &err), ENS_OK);
}

static void close_order(void)
{
	ens_order_close(order);
	ens_engine_close(engine);
	ens_buf_free(&seen);
}

/* Both streams in one group, a rule for each type. */
static void open_two(int64_t lateness_us, bool by_id)
{
	const uint32_t streams[2] = {0, 1};
	uint32_t g;

	make_types(lateness_us, by_id);
	g = hand_group(&hand, streams, 2);
	hand_rule(&hand, "A", g, 0, ENS_NONE, 0);
	hand_rule(&hand, "B", g, 1, ENS_NONE, 0);
	open_order(false);
}

static void open_one(int64_t lateness_us, bool by_id)
{
	const uint32_t streams[1] = {0};

	make_types(lateness_us, by_id);
	hand_rule(&hand, "A", hand_group(&hand, streams, 1), 0, ENS_NONE, 0);
	open_order(false);
}

static enum ens_status try_push(uint32_t type, int64_t time_us, uint64_t ms, bool from_file, bool *late)
{
	char text[] = "some text that is copied";
	const struct ens_value value[2] = {{.s = text, .len = sizeof(text) - 1}, {.i = time_us}};
	const struct ens_event ev = {.type = type, .id = {.ms = ms, .stream = type}, .time_us = time_us, .value = value,
				     .from_file = from_file};
	enum ens_order_verdict verdict = ENS_ORDER_TAKEN;
	const enum ens_status st = ens_order_push(order, &ev, &verdict);

	*late = verdict == ENS_ORDER_LATE;
	memset(text, 0, sizeof(text));
	return st;
}

static bool push(uint32_t type, int64_t time_us)
{
	bool late = false;

	CU_ASSERT_EQUAL(try_push(type, time_us, ++serial, false, &late), ENS_OK);
	return !late;
}

static void tick(uint32_t stream, int64_t us)
{
	CU_ASSERT_EQUAL(ens_order_tick(order, stream, us), ENS_OK);
}

static char *copy_text(const char *s)
{
	char *copy = malloc(strlen(s) + 1);

	return copy ? strcpy(copy, s) : NULL;
}

static void one_stream_buffers_nothing(void)
{
	open_one(0, false);
	CU_ASSERT_EQUAL(ens_order_watermark(order, 0), INT64_MIN);
	CU_ASSERT(push(0, 10));
	CU_ASSERT(push(0, 10));
	CU_ASSERT(push(0, 12));
	CU_ASSERT_FALSE(push(0, 11));
	saw("A@10 A@10 A@12 ");
	CU_ASSERT_EQUAL(ens_order_buffered(order), 0);
	CU_ASSERT_EQUAL(ens_order_watermark(order, 0), 11);
	close_order();
}

static void lateness_puts_in_order(void)
{
	open_one(5, false);
	CU_ASSERT(push(0, 10));
	CU_ASSERT(push(0, 8));
	CU_ASSERT(push(0, 5));
	saw("A@5 ");
	CU_ASSERT_FALSE(push(0, 4));
	CU_ASSERT(push(0, 9));
	CU_ASSERT(push(0, 14));
	saw("A@8 A@9 ");
	CU_ASSERT(push(0, 9));
	saw("A@9 ");
	CU_ASSERT_EQUAL(ens_order_buffered(order), 2);
	CU_ASSERT_EQUAL(ens_order_end(order, false), ENS_OK);
	saw("A@10 A@14 ");
	CU_ASSERT_EQUAL(ens_order_buffered(order), 0);
	close_order();
}

static void two_streams_wait_for_each_other(void)
{
	open_two(0, false);
	CU_ASSERT(push(0, 10));
	saw("");
	CU_ASSERT(push(1, 10)); /* A sorts before B: more of A may come at 10, but not before A's 10 */
	saw("A@10 ");
	CU_ASSERT(push(0, 10));
	saw("A@10 ");
	CU_ASSERT(push(0, 11));
	saw("B@10 ");
	CU_ASSERT(push(1, 20));
	saw("A@11 ");
	tick(0, 19);
	saw("");
	tick(0, 20);
	saw("B@20 ");
	CU_ASSERT_FALSE(push(0, 20));
	CU_ASSERT(push(0, 21));
	saw("");
	CU_ASSERT_EQUAL(ens_order_end(order, true), ENS_OK);
	saw("A@21 ");
	close_order();
}

static void an_idle_stream_holds_nobody_up(void)
{
	const bool second[] = {false, true}, first[] = {true, false};

	open_two(0, false);
	CU_ASSERT(push(0, 10));
	CU_ASSERT(push(0, 15));
	saw("");
	CU_ASSERT_EQUAL(ens_order_idle(order, 1, second), ENS_OK);
	saw("A@10 A@15 ");
	CU_ASSERT_EQUAL(ens_order_watermark(order, 1), 14);
	CU_ASSERT_FALSE(push(1, 14));
	CU_ASSERT(push(1, 15));
	saw("");
	CU_ASSERT_EQUAL(ens_order_idle(order, 0, first), ENS_OK); /* A is not behind */
	saw("");
	close_order();
}

static void open_three(void)
{
	const uint32_t streams[3] = {0, 1, 2};
	uint32_t g;

	make_types(0, false);
	g = hand_group(&hand, streams, 3);
	hand_rule(&hand, "A", g, 0, ENS_NONE, 0);
	hand_rule(&hand, "B", g, 1, ENS_NONE, 0);
	hand_rule(&hand, "C", g, 2, ENS_NONE, 0);
	open_order(false);
}

static void idle_streams_do_not_wait_for_each_other(void)
{
	const bool two[] = {true, true, false}, all[] = {true, true, true};

	open_three();
	CU_ASSERT(push(1, 5));
	CU_ASSERT(push(2, 10));
	saw("");
	CU_ASSERT_EQUAL(ens_order_idle(order, 1, two), ENS_OK);
	saw(""); /* nothing of A was read */
	CU_ASSERT_EQUAL(ens_order_idle(order, 0, two), ENS_OK);
	saw("B@5 "); /* A may still come at 10, before C */
	CU_ASSERT(push(1, 30));
	CU_ASSERT(push(2, 20));
	saw("");
	for (uint32_t s = 0; s < 3; s++)
		CU_ASSERT_EQUAL(ens_order_idle(order, s, all), ENS_OK);
	saw(""); /* then it is the server's clock that moves them */
	close_order();
}

static void deadlines_stand_between_events(void)
{
	const uint32_t streams[2] = {0, 1};
	uint32_t g;

	make_types(0, false);
	g = hand_group(&hand, streams, 2);
	hand_rule(&hand, "A", g, 0, ENS_NONE, 0);
	hand_rule(&hand, "B", g, 1, ENS_NONE, 0);
	hand_rule(&hand, "silent", g, 0, 1, 10);
	open_order(false);
	CU_ASSERT(push(0, 10));
	CU_ASSERT(push(0, 13));
	CU_ASSERT(push(1, 12));
	saw("A@10 B@12 ");
	CU_ASSERT(push(0, 40));
	saw("");
	CU_ASSERT(push(1, 23)); /* just in time */
	saw("A@13 B@23 ");
	CU_ASSERT(push(1, 60));
	saw("A@40 ");
	CU_ASSERT(push(0, 70));
	saw("silent@50 B@60 ");
	CU_ASSERT_EQUAL(ens_order_end(order, false), ENS_OK);
	saw("A@70 ");
	close_order();
	make_types(0, false);
	g = hand_group(&hand, streams, 1);
	hand.group[g].streams.count = 1;
	hand_rule(&hand, "silent", g, 0, 0, 10);
	open_order(false);
	CU_ASSERT(push(0, 10));
	tick(0, 19);
	saw("");
	tick(0, 20);
	saw("silent@20 ");
	CU_ASSERT(push(0, 30));
	CU_ASSERT_EQUAL(ens_order_end(order, true), ENS_OK);
	saw("silent@40 ");
	close_order();
}

static void a_clock_that_went_back_is_made_good(void)
{
	bool late;

	open_one(0, true);
	CU_ASSERT(push(0, 10));
	CU_ASSERT(push(0, 7));
	saw("A@10 A@10 ");
	CU_ASSERT_EQUAL(ens_order_counts(order).accepted, 1);
	/* In a file it is a line out of order. */
	CU_ASSERT_EQUAL(try_push(0, 7, 9, true, &late), ENS_OK);
	CU_ASSERT(late);
	close_order();
}

/* What the type says of late events decides, whatever its time comes from. */
static void late_events_go_where_their_type_says(void)
{
	bool late;

	open_one(5, false);
	CU_ASSERT(push(0, 20));
	CU_ASSERT_FALSE(push(0, 14));
	hand.type[0].late = ENS_T_LATE_DROP;
	CU_ASSERT_FALSE(push(0, 14));
	hand.type[0].late = ENS_T_LATE_TO;
	CU_ASSERT_FALSE(push(0, 14));
	CU_ASSERT_EQUAL(ens_order_counts(order).late, 3);
	hand.type[0].late = ENS_T_LATE_ACCEPT;
	CU_ASSERT(push(0, 14)); /* as the earliest in time */
	CU_ASSERT(push(0, 16));
	saw("A@15 ");
	CU_ASSERT_EQUAL(try_push(0, 3, 9, true, &late), ENS_OK);
	CU_ASSERT_FALSE(late);
	saw("A@15 ");
	CU_ASSERT_EQUAL(ens_order_end(order, false), ENS_OK);
	saw("A@16 A@20 ");
	CU_ASSERT_EQUAL(ens_order_counts(order).accepted, 2);
	close_order();
	open_one(0, true);
	hand.type[0].late = ENS_T_LATE_DROP;
	CU_ASSERT(push(0, 20));
	CU_ASSERT_FALSE(push(0, 14));
	saw("A@20 ");
	close_order();
}

/* A has no lateness, B has 10: of one file A's lines are judged like A's stream. */
static void a_file_judges_each_stream_by_itself(void)
{
	const uint32_t streams[2] = {0, 1};
	uint32_t g;

	make_types(0, false);
	hand.stream[1].lateness_us = 10;
	g = hand_group(&hand, streams, 2);
	hand_rule(&hand, "A", g, 0, ENS_NONE, 0);
	hand_rule(&hand, "B", g, 1, ENS_NONE, 0);
	open_order(true);
	CU_ASSERT(push(0, 20));
	CU_ASSERT_FALSE(push(0, 19));
	CU_ASSERT(push(1, 25));
	CU_ASSERT(push(1, 15));
	CU_ASSERT(push(0, 21)); /* behind B, but not behind A */
	CU_ASSERT_FALSE(push(1, 14));
	CU_ASSERT_EQUAL(ens_order_end(order, false), ENS_OK);
	saw("B@15 A@20 A@21 B@25 ");
	close_order();
}

static enum ens_status push_text(int64_t time_us, uint64_t ms, const char *text, enum ens_order_verdict *verdict)
{
	const struct ens_value value[2] = {{.s = text, .len = (uint32_t)strlen(text)}, {.i = time_us}};
	const struct ens_event ev = {.type = 0, .id = {.ms = ms}, .time_us = time_us, .value = value};

	return ens_order_push(order, &ev, verdict);
}

static void open_unique(void)
{
	const uint32_t streams[1] = {0};

	make_types(5, false);
	hand.type[0].unique_field = 0;
	hand.type[0].unique_us = 100;
	hand_rule(&hand, "A", hand_group(&hand, streams, 1), 0, ENS_NONE, 0);
	open_order(false);
}

static void repeats_are_dropped_also_after_a_restart(void)
{
	const struct ens_entry_id last_read = {.ms = 5};
	struct ens_order_position released;
	enum ens_order_verdict v;
	struct ens_entry_id oldest;
	int64_t watermark;

	open_unique();
	CU_ASSERT(push_text(1000, 1, "a", &v) == ENS_OK && v == ENS_ORDER_TAKEN);
	CU_ASSERT(push_text(1020, 2, "b", &v) == ENS_OK && v == ENS_ORDER_TAKEN);
	CU_ASSERT(push_text(1000, 3, "a", &v) == ENS_OK && v == ENS_ORDER_REPEATED); /* rather than late */
	CU_ASSERT(push_text(1014, 4, "c", &v) == ENS_OK && v == ENS_ORDER_LATE);
	CU_ASSERT(push_text(1014, 5, "c", &v) == ENS_OK && v == ENS_ORDER_LATE); /* was not taken: no repeat */
	saw("A@1000 ");
	CU_ASSERT(ens_order_counts(order).repeated == 1 && ens_order_counts(order).late == 2);
	CU_ASSERT(ens_order_oldest(order, 0, &oldest) && oldest.ms == 1);
	watermark = ens_order_stored_watermark(order, 0);
	CU_ASSERT_FATAL(ens_order_released(order, 0, &released));
	close_order();
	open_unique();
	ens_order_set_watermark(order, 0, watermark);
	ens_order_reread(order, 0, &last_read);
	ens_order_set_released(order, 0, &released);
	CU_ASSERT(push_text(1000, 1, "a", &v) == ENS_OK && v == ENS_ORDER_TAKEN);
	CU_ASSERT(push_text(1020, 2, "b", &v) == ENS_OK && v == ENS_ORDER_TAKEN);
	CU_ASSERT(push_text(1000, 3, "a", &v) == ENS_OK && v == ENS_ORDER_REPEATED);
	CU_ASSERT(push_text(1100, 6, "a", &v) == ENS_OK && v == ENS_ORDER_REPEATED);
	CU_ASSERT(push_text(1101, 7, "a", &v) == ENS_OK && v == ENS_ORDER_TAKEN);
	saw("A@1020 "); /* and not A@1000 again */
	CU_ASSERT(ens_order_oldest(order, 0, &oldest) && oldest.ms == 1);
	CU_ASSERT(push_text(1106, 8, "d", &v) == ENS_OK && v == ENS_ORDER_TAKEN);
	CU_ASSERT(ens_order_oldest(order, 0, &oldest) && oldest.ms == 1); /* entry 6 repeats it, and may be read again */
	CU_ASSERT_EQUAL(ens_order_end(order, false), ENS_OK);
	saw("A@1101 A@1106 ");
	close_order();
}

/* Its stream has come as far as any event says: what waits for that goes, and what is older then is late. */
static void a_repeat_moves_time(void)
{
	enum ens_order_verdict v;

	for (int single = 0; single < 2; single++) {
		open_unique();
		if (single) {
			close_order();
			seen = ENS_BUF_EMPTY;
			open_order(true);
		}
		CU_ASSERT(push_text(1000, 1, "a", &v) == ENS_OK && v == ENS_ORDER_TAKEN);
		saw("");
		CU_ASSERT(push_text(1005, 2, "a", &v) == ENS_OK && v == ENS_ORDER_REPEATED);
		saw("A@1000 ");
		CU_ASSERT(push_text(1050, 3, "a", &v) == ENS_OK && v == ENS_ORDER_REPEATED);
		CU_ASSERT(push_text(1044, 4, "b", &v) == ENS_OK && v == ENS_ORDER_LATE);
		CU_ASSERT(push_text(1045, 5, "b", &v) == ENS_OK && v == ENS_ORDER_TAKEN);
		saw("A@1045 ");
		close_order();
	}
}

/* Many wait: what comes out is the same whatever order within the lateness they came in. */
static void arrival_within_the_lateness_does_not_matter(void)
{
	static int64_t t[5000];
	char *first = NULL;

	for (unsigned round = 0; round < 6; round++) {
		open_one(3000, false);
		srand(round);
		for (int i = 0; i < 5000; i++) /* in blocks of which each is inside the lateness of the one before */
			t[i] = (int64_t)i * 2;
		for (int i = 0; round && i < 5000; i += 700)
			for (int n = i + 700 < 5000 ? 700 : 5000 - i, k = n - 1; k > 0; k--) {
				const int other = i + rand() % (k + 1);
				const int64_t swap = t[i + k];

				t[i + k] = t[other];
				t[other] = swap;
			}
		for (int i = 0; i < 5000; i++)
			CU_ASSERT(push(0, t[i]));
		CU_ASSERT_EQUAL(ens_order_end(order, true), ENS_OK);
		if (!first)
			first = copy_text(ens_buf_cstr(&seen));
		CU_ASSERT_FATAL(first != NULL && strstr(first, "A@0 A@2 A@4 ") == first);
		saw(first);
		close_order();
	}
	free(first);
}

static void single_mixes_all_streams(void)
{
	const uint32_t a[1] = {0}, b[1] = {1};

	make_types(0, false);
	hand_rule(&hand, "A", hand_group(&hand, a, 1), 0, ENS_NONE, 0);
	hand_rule(&hand, "silent", hand_group(&hand, b, 1), 1, 1, 5);
	open_order(true);
	CU_ASSERT(push(0, 10));
	CU_ASSERT(push(1, 11));
	CU_ASSERT(push(0, 16));
	saw("A@10 A@16 ");
	CU_ASSERT(push(0, 17)); /* time of one stream is time of all */
	saw("A@17 silent@16 ");
	CU_ASSERT_FALSE(push(1, 12));
	close_order();
}

static void full_is_said_and_heals(void)
{
	bool late;

	open_two(0, false);
	ens_order_set_limit(order, 3);
	CU_ASSERT(push(0, 1));
	CU_ASSERT(push(0, 2));
	CU_ASSERT(push(0, 3));
	CU_ASSERT_EQUAL(try_push(0, 4, 4, false, &late), ENS_ELIMIT);
	CU_ASSERT_EQUAL(try_push(0, 4, 4, false, &late), ENS_ELIMIT);
	CU_ASSERT(push(1, 2));
	saw("A@1 A@2 B@2 ");
	CU_ASSERT_EQUAL(try_push(0, 4, 4, false, &late), ENS_OK);
	CU_ASSERT_EQUAL(ens_order_end(order, false), ENS_OK);
	saw("A@3 A@4 ");
	close_order();
	/* One stream: the event itself makes room. */
	open_one(5, false);
	ens_order_set_limit(order, 2);
	CU_ASSERT(push(0, 10));
	CU_ASSERT(push(0, 11));
	CU_ASSERT_EQUAL(try_push(0, 12, 4, false, &late), ENS_ELIMIT);
	CU_ASSERT_EQUAL(try_push(0, 16, 5, false, &late), ENS_OK);
	saw("A@10 A@11 ");
	close_order();
}

static void an_offset_does_not_pass_what_waits(void)
{
	struct ens_order_position released[1];
	struct ens_entry_id oldest, last_read = {.ms = 3, .stream = 0}, nothing = {.ms = 4, .stream = 1};
	int64_t watermark[2];
	bool late;

	open_two(5, false);
	CU_ASSERT_FALSE(ens_order_oldest(order, 0, &oldest));
	CU_ASSERT_FALSE(ens_order_released(order, 0, released));
	CU_ASSERT_EQUAL(try_push(0, 20, 1, false, &late), ENS_OK);
	CU_ASSERT_EQUAL(try_push(0, 15, 2, false, &late), ENS_OK);
	CU_ASSERT_EQUAL(try_push(0, 18, 3, false, &late), ENS_OK);
	CU_ASSERT_EQUAL(try_push(1, 21, 4, false, &late), ENS_OK);
	saw("A@15 ");
	CU_ASSERT(ens_order_oldest(order, 0, &oldest) && oldest.ms == 1);
	CU_ASSERT(ens_order_oldest(order, 1, &oldest) && oldest.ms == 4);
	CU_ASSERT_FATAL(ens_order_released(order, 0, released));
	CU_ASSERT(released[0].time_us == 15 && released[0].id.ms == 2);
	watermark[0] = ens_order_stored_watermark(order, 0);
	watermark[1] = ens_order_stored_watermark(order, 1);
	CU_ASSERT(watermark[0] == INT64_MIN && watermark[1] == INT64_MIN);
	close_order();
	/* The restart reads entries 1, 2, 3 of A and 4 of B again. */
	open_two(5, false);
	ens_order_set_watermark(order, 0, watermark[0]);
	ens_order_set_watermark(order, 1, watermark[1]);
	ens_order_reread(order, 0, &last_read);
	ens_order_reread(order, 1, &nothing);
	ens_order_set_released(order, 0, released);
	CU_ASSERT_EQUAL(try_push(0, 20, 1, false, &late), ENS_OK);
	CU_ASSERT_EQUAL(try_push(0, 15, 2, false, &late), ENS_OK);
	CU_ASSERT_FALSE(late);
	CU_ASSERT_EQUAL(try_push(0, 18, 3, false, &late), ENS_OK);
	CU_ASSERT_EQUAL(try_push(1, 21, 4, false, &late), ENS_OK);
	CU_ASSERT_EQUAL(try_push(0, 14, 5, false, &late), ENS_OK);
	CU_ASSERT(late);
	saw("");
	CU_ASSERT_EQUAL(ens_order_end(order, false), ENS_OK);
	saw("A@18 A@20 B@21 ");
	close_order();
}

/* Three streams, two groups, random interleavings of the same streams: each group sees its events in one order. */
static void interleaving_does_not_matter(void)
{
	const uint32_t ab[2] = {0, 1}, bc[2] = {1, 2};
	char *first = NULL;
	unsigned round, i;

	for (round = 0; round < 50; round++) {
		int64_t t[3][40];
		unsigned at[3] = {0, 0, 0}, left = 120;
		uint32_t g;

		make_types(3, false);
		g = hand_group(&hand, ab, 2);
		hand_rule(&hand, "A", g, 0, ENS_NONE, 0);
		hand_rule(&hand, "B", g, 1, ENS_NONE, 0);
		hand_rule(&hand, "silent", g, 0, 1, 4);
		g = hand_group(&hand, bc, 2);
		(void)g;
		open_order(false);
		srand(5);
		for (i = 0; i < 120; i++)
			t[i / 40][i % 40] = (int64_t)(i % 40) * 2 + rand() % 4;
		srand(round);
		while (left) {
			const unsigned s = (unsigned)rand() % 3;

			if (at[s] == 40)
				continue;
			CU_ASSERT(push(s, t[s][at[s]++]));
			left--;
		}
		CU_ASSERT_EQUAL(ens_order_end(order, true), ENS_OK);
		if (!first)
			first = copy_text(ens_buf_cstr(&seen));
		saw(first);
		CU_ASSERT_EQUAL(ens_order_buffered(order), 0);
		close_order();
	}
	free(first);
}

static void extreme_times_are_taken(void)
{
	open_two(INT64_MAX, false);
	CU_ASSERT(push(0, INT64_MIN));
	CU_ASSERT(push(0, INT64_MAX));
	CU_ASSERT(push(1, INT64_MAX));
	tick(0, INT64_MAX);
	tick(1, INT64_MAX);
	CU_ASSERT_EQUAL(ens_order_watermark(order, 0), INT64_MAX);
	CU_ASSERT_EQUAL(ens_order_end(order, true), ENS_OK);
	close_order();
}

void suite_order(void)
{
	CU_pSuite s = CU_add_suite("order", NULL, NULL);

	CU_add_test(s, "one stream without lateness buffers nothing", one_stream_buffers_nothing);
	CU_add_test(s, "lateness puts events in order", lateness_puts_in_order);
	CU_add_test(s, "two streams wait for each other", two_streams_wait_for_each_other);
	CU_add_test(s, "an idle stream holds nobody up", an_idle_stream_holds_nobody_up);
	CU_add_test(s, "idle streams do not wait for each other", idle_streams_do_not_wait_for_each_other);
	CU_add_test(s, "deadlines stand between events", deadlines_stand_between_events);
	CU_add_test(s, "a clock that went back is made good", a_clock_that_went_back_is_made_good);
	CU_add_test(s, "late events go where their type says", late_events_go_where_their_type_says);
	CU_add_test(s, "a file judges each stream by itself", a_file_judges_each_stream_by_itself);
	CU_add_test(s, "repeats are dropped, also after a restart", repeats_are_dropped_also_after_a_restart);
	CU_add_test(s, "a repeat moves time", a_repeat_moves_time);
	CU_add_test(s, "arrival within the lateness does not matter", arrival_within_the_lateness_does_not_matter);
	CU_add_test(s, "single mixes all streams", single_mixes_all_streams);
	CU_add_test(s, "a full buffer is said and heals", full_is_said_and_heals);
	CU_add_test(s, "an offset does not pass what waits", an_offset_does_not_pass_what_waits);
	CU_add_test(s, "interleaving does not matter", interleaving_does_not_matter);
	CU_add_test(s, "extreme times are taken", extreme_times_are_taken);
}
