/*
 * The worker's loop with a simulated source, sink and clock: whatever is interrupted, at whatever call, the emissions
 * that are committed in the end are those of a run without interruption.
 */
#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/worker.h"
#include "tests/unit/hand_tables.h"

#define STREAMS 2
#define ENTRIES 120 /* of each stream */
#define EMITTED_MAX 2000

/* What outlives a worker: the streams, and what was committed. */
static int64_t time_us[STREAMS][ENTRIES]; /* entry i has ID (i + 1)-0 */
static struct ens_entry_id emitted[EMITTED_MAX], letter[EMITTED_MAX];
static unsigned nemitted, nletter;
static int64_t told_us; /* the server's clock at the last emission */
static struct ens_progress stored;

/* One worker's world. */
static struct {
	unsigned random;
	int calls_left;              /* then it is as if the process were killed */
	struct ens_entry_at position[STREAMS];
	struct ens_batch batch;
	struct ens_event event[STREAMS * ENTRIES];
	struct ens_reject reject[STREAMS * ENTRIES];
	struct ens_value value;
	uint64_t place[STREAMS * ENTRIES];
	struct ens_stream_read news[STREAMS];
	struct ens_entry_id queued[EMITTED_MAX], queued_letter[EMITTED_MAX], sent[EMITTED_MAX],
		sent_letter[EMITTED_MAX];
	unsigned nqueued, nqueued_letter, nsent, nsent_letter;
	struct ens_progress in_flight;
	bool under_way;
	int64_t now_us, server_us;
	bool one_clock;              /* the server's time goes on with ours, not by reads; entry IDs say it */
	volatile sig_atomic_t stop;
} sim;

static const struct ens_tables *tables;
static struct hand hand;

static unsigned below(unsigned n)
{
	sim.random = sim.random * 1664525u + 1013904223u;
	return (sim.random >> 8) % n;
}

static enum ens_status killed(struct ens_error *err)
{
	return ens_fail(err, ENS_EENV, "killed");
}

static void copy_progress(struct ens_progress *to, const struct ens_progress *from)
{
	memcpy(to->stream, from->stream, from->nstream * sizeof(*to->stream));
	memcpy(to->group, from->group, from->ngroup * sizeof(*to->group));
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

static bool malformed(uint32_t s, unsigned entry)
{
	return (entry * 5 + s) % 7 < 2;
}

static void read_stream(uint32_t s, unsigned max)
{
	struct ens_stream_read *n = &sim.news[s];
	unsigned from = (unsigned)sim.position[s].ms;
	unsigned count = ENTRIES - from < max ? ENTRIES - from : max;

	for (unsigned i = 0; i < count; i++) {
		bool fresh = from + i + 1 > stored.stream[s].read.ms;

		n->entries += fresh;
		if (malformed(s, from + i)) {
			sim.reject[sim.batch.nreject++] = (struct ens_reject){.reason = ENS_REJECT_BAD_VALUE, .detail = "",
									      .id = {from + i + 1, 0, s}};
			continue;
		}
		sim.place[sim.batch.nevent] = n->entries;
		sim.event[sim.batch.nevent++] = (struct ens_event){
			.type = s, .id = {from + i + 1, 0, s}, .time_us = time_us[s][from + i], .value = &sim.value};
	}
	sim.position[s].ms += count;
	n->last = sim.position[s];
	n->ended = count < max;
	sim.batch.entries += count;
}

static enum ens_status take(void *self, const struct ens_read_wish *next, struct ens_read *out, bool *got,
			    struct ens_error *err)
{
	bool done = true;

	(void)self;
	if (--sim.calls_left <= 0)
		return killed(err);
	*got = below(4) > 0;
	if (!*got)
		return ENS_OK;
	sim.server_us += 1000;
	sim.batch = (struct ens_batch){.event = sim.event, .reject = sim.reject};
	for (uint32_t s = 0; s < STREAMS; s++) {
		sim.news[s] = (struct ens_stream_read){.asked = !next->pause[s], .last = sim.position[s]};
		if (sim.news[s].asked)
			read_stream(s, below(12));
		done &= sim.position[s].ms == ENTRIES;
	}
	if (done && sim.batch.entries == 0)
		sim.stop = 1;
	*out = (struct ens_read){
		.batch = &sim.batch, .entry = sim.place, .stream = sim.news, .server_us = sim.server_us, .asked_us = sim.now_us};
	return ENS_OK;
}

/* ---- the sink ---------------------------------------------------------------------------------------------------- */

static enum ens_status emit(void *user, const struct ens_emission *e)
{
	const struct ens_entry_id *event;
	uint32_t n;

	(void)user;
	CU_ASSERT_FATAL(sim.nqueued < EMITTED_MAX);
	CU_ASSERT_FATAL(ens_emission_list(e, &event, &n) == ENS_OK && n > 0);
	sim.queued[sim.nqueued++] = event[0];
	told_us = sim.server_us;
	return ENS_OK;
}

static enum ens_status dead(void *self, const struct ens_reject *r, struct ens_error *err)
{
	(void)self;
	(void)err;
	sim.queued_letter[sim.nqueued_letter++] = r->id;
	return ENS_OK;
}

static bool pending(void *self)
{
	(void)self;
	return sim.nqueued + sim.nqueued_letter > 0;
}

static bool full(void *self)
{
	(void)self;
	return sim.nqueued + sim.nqueued_letter >= 7;
}

/* The commit under way is made: what the script does in one step. */
static void make_commit(void)
{
	CU_ASSERT_FATAL(nemitted + sim.nsent <= EMITTED_MAX && nletter + sim.nsent_letter <= EMITTED_MAX);
	memcpy(emitted + nemitted, sim.sent, sim.nsent * sizeof(*emitted));
	memcpy(letter + nletter, sim.sent_letter, sim.nsent_letter * sizeof(*letter));
	nemitted += sim.nsent;
	nletter += sim.nsent_letter;
	copy_progress(&stored, &sim.in_flight);
	sim.under_way = false;
}

static enum ens_status commit(void *self, const struct ens_progress *p, struct ens_error *err)
{
	(void)self;
	CU_ASSERT_FALSE(sim.under_way);
	if (--sim.calls_left <= 0)
		return killed(err);
	memcpy(sim.sent, sim.queued, sim.nqueued * sizeof(*sim.sent));
	memcpy(sim.sent_letter, sim.queued_letter, sim.nqueued_letter * sizeof(*sim.sent_letter));
	sim.nsent = sim.nqueued;
	sim.nsent_letter = sim.nqueued_letter;
	sim.nqueued = sim.nqueued_letter = 0;
	copy_progress(&sim.in_flight, p);
	sim.under_way = true;
	return ENS_OK;
}

static enum ens_status settle(void *self, bool wait, bool *idle, struct ens_error *err)
{
	(void)self;
	if (--sim.calls_left <= 0)
		return killed(err);
	if (sim.under_way && (wait || below(3) == 0))
		make_commit();
	*idle = !sim.under_way;
	return ENS_OK;
}

/* ---- the clock --------------------------------------------------------------------------------------------------- */

static int64_t now_us(void *self)
{
	(void)self;
	sim.server_us += sim.one_clock ? 100 : 0;
	return sim.now_us += 100;
}

static void wait_us(void *self, int64_t at_most_us, bool source_too)
{
	(void)self;
	(void)source_too;
	CU_ASSERT(at_most_us <= 1000000);
	if (sim.one_clock && at_most_us > 500)
		at_most_us = 500; /* something may have come */
	sim.now_us += at_most_us > 0 ? at_most_us : 0;
	sim.server_us += sim.one_clock && at_most_us > 0 ? at_most_us : 0;
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

/* What was counted by stream is what was counted of all; a stream that was read to its end is not behind. */
static void check_stats(const struct ens_worker_stats *all, const struct ens_stream_stats *of, bool to_the_end)
{
	uint64_t entries = 0, dead = 0;

	for (uint32_t s = 0; s < STREAMS; s++) {
		entries += of[s].entries;
		for (unsigned i = 0; i < ENS_NREJECT; i++)
			dead += of[s].dead[i];
		CU_ASSERT(of[s].lag_us >= 0 && of[s].lag_us <= sim.server_us);
		CU_ASSERT(!to_the_end || !sim.news[s].asked || (of[s].lag_us == 0) == sim.news[s].ended);
	}
	CU_ASSERT_EQUAL(entries, all->entries);
	CU_ASSERT_EQUAL(dead, all->dead);
}

/* One life of a worker: true if it came to the end. */
static bool live_on(struct ens_source source, int64_t idle_us, int calls)
{
	struct ens_engine_options engine = {.sink = {.emit = emit}};
	struct ens_stream_stats of_stream[STREAMS] = {0};
	struct ens_worker w = {.tables = tables, .of_stream = of_stream};
	struct ens_error err = {""};
	enum ens_status status;

	sim.calls_left = calls;
	sim.nqueued = sim.nqueued_letter = 0;
	sim.under_way = false;
	sim.stop = 0;
	for (uint32_t s = 0; s < STREAMS; s++) {
		sim.position[s] = stored.stream[s].resume;
		hand.stream[s].idle_us = idle_us;
	}
	CU_ASSERT_EQUAL_FATAL(ens_progress_init(tables, &w.progress), ENS_OK);
	copy_progress(&w.progress, &stored);
	CU_ASSERT_EQUAL_FATAL(ens_engine_open(tables, &engine, &w.engine, &err), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_order_open(tables, w.engine, false, &w.order, &err), ENS_OK);
	w.source = source;
	w.sink = (struct ens_sink){.dead = dead, .pending = pending, .full = full, .commit = commit, .settle = settle};
	w.clock = (struct ens_clock){.now_us = now_us, .wait = wait_us};
	w.options = (struct ens_worker_options){.commit_interval_us = 5000, .commit_entries = 20, .block_us = 50000,
						.ahead = 15, .stop = &sim.stop};
	status = ens_worker_run(&w, &err);
	if (status != ENS_OK && sim.under_way && below(2) == 0)
		make_commit(); /* it was on its way: the server may have it or not */
	ens_order_close(w.order);
	ens_engine_close(w.engine);
	ens_progress_free(&w.progress);
	CU_ASSERT(status == ENS_OK || strcmp(err.text, "killed") == 0);
	check_stats(&w.stats, of_stream, status == ENS_OK);
	return status == ENS_OK;
}

static bool live(int calls)
{
	return live_on((struct ens_source){.take = take}, INT64_MAX, calls);
}

/* Two streams whose types have a time field; for_us: the rule waits for the absence of B after A, else each is reported. */
static void open_world(unsigned seed, int64_t lateness_us, int64_t for_us)
{
	uint32_t streams[STREAMS], group;

	hand_init(&hand);
	memset(&sim, 0, sizeof(sim));
	sim.random = seed;
	sim.server_us = 1000000;
	for (uint32_t s = 0; s < STREAMS; s++) {
		uint32_t type;

		streams[s] = hand_stream(&hand, s ? "second" : "first");
		type = hand_type(&hand, s ? "B" : "A", streams[s]);
		hand_field(&hand, "t", "t", ENS_TIME, false);
		hand.type[type].time_field = 0;
		hand.stream[type].lateness_us = lateness_us;
	}
	group = hand_group(&hand, streams, STREAMS);
	if (for_us > 0) {
		hand_rule(&hand, "only_a", group, 0, 1, for_us);
	} else {
		hand_rule(&hand, "every_a", group, 0, ENS_NONE, 0);
		hand_rule(&hand, "every_b", group, 1, ENS_NONE, 0);
	}
	tables = hand_done(&hand);
	for (uint32_t s = 0; s < STREAMS; s++)
		for (unsigned i = 0; i < ENTRIES; i++)
			time_us[s][i] = 10 * (int64_t)i + (int64_t)below(lateness_us ? 90 : 9);
	nemitted = nletter = 0;
	CU_ASSERT_EQUAL_FATAL(ens_progress_init(tables, &stored), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_progress_init(tables, &sim.in_flight), ENS_OK);
}

static void set_unique(int64_t us)
{
	for (uint32_t s = 0; s < STREAMS; s++) {
		hand.type[s].unique_field = 0;
		hand.type[s].unique_us = us;
	}
}

static void close_world(void)
{
	ens_progress_free(&stored);
	ens_progress_free(&sim.in_flight);
}

/* Each entry of the list is there once; returns how many of each stream. */
static void check_distinct(const struct ens_entry_id *list, unsigned n, unsigned char *seen)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned at = list[i].stream * ENTRIES + (unsigned)list[i].ms - 1;

		CU_ASSERT_FATAL(at < STREAMS * ENTRIES);
		CU_ASSERT_EQUAL(seen[at], 0);
		seen[at] = 1;
	}
}

static void interruptions_change_nothing(void)
{
	unsigned late = 0;

	for (unsigned round = 0; round < 600; round++) {
		static struct ens_entry_id expected[EMITTED_MAX];
		unsigned char seen[STREAMS * ENTRIES] = {0}, dead_seen[STREAMS * ENTRIES] = {0};
		int64_t lateness_us = round % 2 ? 40 : 0;
		unsigned nexpected, nexpected_letter, lives = 1;

		open_world(round + 1, lateness_us, 0);
		if (round % 3 == 2) /* all have the same value */
			set_unique(25);
		CU_ASSERT(live(1000000));
		nexpected = nemitted;
		nexpected_letter = nletter;
		memcpy(expected, emitted, nemitted * sizeof(*emitted));
		close_world();
		open_world(round + 1, lateness_us, 0);
		if (round % 3 == 2)
			set_unique(25);
		while (!live(5 + (int)below(60)))
			CU_ASSERT_FATAL(lives++ < 10000);
		check_distinct(emitted, nemitted, seen);
		check_distinct(letter, nletter, dead_seen);
		CU_ASSERT_EQUAL(nletter, nexpected_letter);
		late += nletter;
		CU_ASSERT(nemitted == nexpected && memcmp(expected, emitted, nemitted * sizeof(*emitted)) == 0);
		CU_ASSERT(stored.stream[0].read.ms == ENTRIES && stored.stream[0].count == ENTRIES);
		CU_ASSERT(stored.stream[1].read.ms == ENTRIES && stored.stream[1].count == ENTRIES);
		close_world();
	}
	CU_ASSERT(late > 1000);
}

/* ---- silence ----------------------------------------------------------------------------------------------------- */

#define S INT64_C(1000000)

/* An entry that the source hands over at a time of the server; one read a second. */
struct arrival {
	int64_t server_us;
	uint32_t stream;
	int64_t time_us;
};

static const struct arrival *coming;
static unsigned ncoming;
static int64_t until_us;

/* What has come by now, as one read. */
static void read_arrivals(const struct ens_read_wish *next, struct ens_read *out, bool *got)
{
	sim.batch = (struct ens_batch){.event = sim.event};
	for (uint32_t s = 0; s < STREAMS; s++)
		sim.news[s] = (struct ens_stream_read){.asked = !next->pause[s], .ended = true, .last = sim.position[s]};
	for (; ncoming > 0 && coming->server_us <= sim.server_us; coming++, ncoming--) {
		uint64_t ms = sim.one_clock ? (uint64_t)coming->server_us / 1000 : sim.position[coming->stream].ms + 1;

		sim.position[coming->stream].ms = sim.news[coming->stream].last.ms = ms;
		sim.place[sim.batch.nevent] = ++sim.news[coming->stream].entries;
		sim.event[sim.batch.nevent++] = (struct ens_event){.type = coming->stream, .id = {ms, 0, coming->stream},
								   .time_us = coming->time_us, .value = &sim.value};
	}
	sim.batch.entries = sim.batch.nevent;
	sim.stop = sim.server_us >= until_us;
	*got = true;
	*out = (struct ens_read){.batch = &sim.batch, .entry = sim.place, .stream = sim.news, .server_us = sim.server_us, .asked_us = sim.now_us};
}

static enum ens_status take_arrivals(void *self, const struct ens_read_wish *next, struct ens_read *out, bool *got,
				     struct ens_error *err)
{
	(void)self;
	(void)err;
	sim.server_us += S;
	sim.now_us += S;
	read_arrivals(next, out, got);
	return ENS_OK;
}

static void run_arrivals(const struct arrival *list, unsigned n, int64_t until)
{
	coming = list;
	ncoming = n;
	until_us = until;
	CU_ASSERT(live_on((struct ens_source){.take = take_arrivals}, 10 * S, 1000000));
}

/* All streams are silent, one never had an entry: time goes on, and the absence is noticed; when that one's first entry
 * comes it is in time. */
static void silence_moves_time_past_an_empty_stream(void)
{
	static const struct arrival two[] = {{5 * S, 0, 100 * S}, {70 * S, 1, 166 * S}};

	open_world(1, 0, 3 * S);
	run_arrivals(two, 1, 40 * S);
	CU_ASSERT(nemitted == 1);
	close_world();
	open_world(1, 0, 3 * S);
	run_arrivals(two, 2, 80 * S);
	CU_ASSERT(nemitted == 1);
	CU_ASSERT(nletter == 0);
	close_world();
}

/* One stream's last event is much older in event time than the other's. */
static void silence_moves_time_past_an_old_stream(void)
{
	static const struct arrival two[] = {{2 * S, 1, 100 * S}, {3 * S, 0, 9000 * S}};

	open_world(1, 0, 3 * S);
	run_arrivals(two, 2, 40 * S);
	CU_ASSERT(nemitted == 1);
	close_world();
}

/* Both fall silent at one moment: time goes on from the newest event of the two, so that what waits 3 s is told 3 s later. */
static void silence_moves_time_from_the_newest_event(void)
{
	static const struct arrival two[] = {{2 * S, 1, 100 * S}, {2 * S, 0, 9000 * S}};

	open_world(1, 0, 3 * S);
	run_arrivals(two, 2, 13 * S);
	CU_ASSERT(nemitted == 1);
	close_world();
}

/* It moves from where it stood: a stream keeps its lateness, though another is further on. */
static void silence_leaves_a_stream_its_lateness(void)
{
	static const struct arrival three[] = {{2 * S, 1, 5000 * S}, {3 * S, 0, 5000 * S}, {60 * S, 0, 4990 * S}};

	open_world(1, 0, 0);
	hand.stream[0].lateness_us = 3600 * S;
	run_arrivals(three, 3, 70 * S);
	CU_ASSERT(nletter == 0);
	close_world();
}

/* After a restart silent streams move no faster than the server's clock. */
static void silence_after_a_restart_moves_time_with_the_clock(void)
{
	static const struct arrival late[] = {{60 * S, 0, 1062 * S}};

	open_world(1, 0, 0);
	for (uint32_t s = 0; s < STREAMS; s++)
		stored.stream[s] = (struct ens_stream_progress){
			.known = true, .resume = {7, 0}, .read = {7, 0}, .watermark_us = 1000 * S, .count = 7};
	run_arrivals(late, 1, 70 * S);
	CU_ASSERT(nletter == 0);
	CU_ASSERT(nemitted == 1);
	close_world();
}

/* A read as Redis answers it; one that is held back until something comes ends late, as a server that is idle looks at its
 * clock ten times a second. */
static struct {
	bool under_way, held_back;
	int64_t asked_us, server_us; /* our clock and the server's when it was asked for */
	int64_t ends_us;             /* server's clock */
	int64_t not_before_us;       /* our clock: the next one is not asked for before */
} reading;

static void ask_for(const struct ens_read_wish *next)
{
	reading.under_way = true;
	reading.held_back = !next->here && next->wait_us > 0;
	reading.asked_us = sim.now_us;
	reading.server_us = sim.server_us;
	reading.ends_us = sim.server_us + (reading.held_back ? next->wait_us + 100000 : 200);
}

static enum ens_status take_held_back(void *self, const struct ens_read_wish *next, struct ens_read *out, bool *got,
				      struct ens_error *err)
{
	(void)self;
	(void)err;
	*got = false;
	if (!reading.under_way) {
		if (next->here && sim.now_us < reading.not_before_us)
			return ENS_OK;
		ask_for(next);
	}
	if (sim.server_us < reading.ends_us &&
	    !(reading.held_back && ncoming > 0 && coming->server_us <= sim.server_us))
		return ENS_OK;
	read_arrivals(next, out, got);
	out->server_us = reading.server_us;
	out->asked_us = reading.asked_us;
	reading.under_way = false;
	if (sim.batch.entries > 0)
		ask_for(&(struct ens_read_wish){.wait_us = 0});
	else if (next->here)
		reading.not_before_us = sim.now_us + next->wait_us;
	else
		ask_for(next);
	return ENS_OK;
}

/* Tables have changed since the world was opened.  One event of the first stream, at came_us by all clocks. */
static void run_one_arrival(int64_t came_us, int64_t idle_us)
{
	const struct arrival one = {came_us, 0, came_us};

	tables = hand_done(&hand);
	close_world();
	CU_ASSERT_EQUAL_FATAL(ens_progress_init(tables, &stored), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_progress_init(tables, &sim.in_flight), ENS_OK);
	memset(&reading, 0, sizeof(reading));
	sim.one_clock = true;
	told_us = 0;
	coming = &one;
	ncoming = 1;
	until_us = came_us + 2 * S;
	CU_ASSERT(live_on((struct ens_source){.take = take_held_back}, idle_us, 1000000));
}

/*
 * A stream that one rule reads beside another, whose events have the time of their entries, follows that when it is silent.
 * So does what is due in another rule, which reads it alone.
 */
static void a_deadline_of_a_stream_that_follows_is_told_soon(void)
{
	for (int64_t k = 0; k < 20; k++) {
		const int64_t came_us = 2 * S + 17000 * k;
		uint32_t both[STREAMS] = {0, 1};

		open_world(1, 0, 0);
		hand.type[1].time_field = ENS_NONE;
		hand_rule(&hand, "only_a", hand_group(&hand, both, 1), 0, 1, 700000);
		run_one_arrival(came_us, 300000);
		CU_ASSERT_EQUAL(nemitted, 2); /* as soon as it came, and that no other did */
		CU_ASSERT(told_us >= came_us + 700000 && told_us <= came_us + 710000);
		close_world();
	}
}

/* It is told on time that an absence is over whose deadline the entry that begins it sets, however near it is. */
static void a_near_deadline_is_told_soon(void)
{
	for (int64_t k = 0; k < 20; k++) {
		const int64_t came_us = 2 * S + 17000 * k;

		open_world(1, 0, 3000);
		hand.type[0].time_field = hand.type[1].time_field = ENS_NONE;
		run_one_arrival(came_us, INT64_MAX);
		CU_ASSERT_EQUAL(nemitted, 1);
		CU_ASSERT(told_us >= came_us + 3000 && told_us <= came_us + 10000);
		close_world();
	}
}

/* An event that waits for its turn goes when the clock lets it, not when a read that is held back happens to end. */
static void an_event_that_waits_goes_when_it_may(void)
{
	for (int64_t k = 0; k < 20; k++) {
		const int64_t came_us = 2 * S + 17000 * k;

		open_world(1, 600000, 0);
		hand.stream[0].lateness_us = 600000;
		run_one_arrival(came_us, 300000);
		CU_ASSERT_EQUAL(nemitted, 1);
		CU_ASSERT(told_us >= came_us + 600000 && told_us <= came_us + 610000);
		close_world();
	}
}

void suite_worker(void);

void suite_worker(void)
{
	CU_pSuite s = CU_add_suite("worker", NULL, NULL);

	CU_add_test(s, "interruptions at any call change nothing", interruptions_change_nothing);
	CU_add_test(s, "silence moves time past an empty stream", silence_moves_time_past_an_empty_stream);
	CU_add_test(s, "silence moves time past an old stream", silence_moves_time_past_an_old_stream);
	CU_add_test(s, "silence moves time from the newest event", silence_moves_time_from_the_newest_event);
	CU_add_test(s, "silence leaves a stream its lateness", silence_leaves_a_stream_its_lateness);
	CU_add_test(s, "silence after a restart moves time with the clock",
		    silence_after_a_restart_moves_time_with_the_clock);
	CU_add_test(s, "a deadline of a stream that follows is told soon",
		    a_deadline_of_a_stream_that_follows_is_told_soon);
	CU_add_test(s, "a near deadline is told soon", a_near_deadline_is_told_soon);
	CU_add_test(s, "an event that waits goes when it may", an_event_that_waits_goes_when_it_may);
}
