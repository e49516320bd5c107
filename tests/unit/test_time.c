/*
 * Time as a whole: rules with sessions, absences, limits, timeouts and derived events over several streams.  Whatever the
 * arrival that lateness allows, however the streams interleave, and whenever ticks come that overtake nothing: the same
 * emissions, in the same order.  And what stands first where times are equal.
 */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compile.h"
#include "runtime/emission.h"
#include "runtime/order.h"

void suite_time(void);

#define STREAMS 3u
#define EVENTS 16u /* of each stream */
#define GROUPS_MAX 8u
#define LAST_US 60

static const int64_t lateness_us[STREAMS] = {4, 0, 2};

static const char events[] = "event A from \"a\" { k: int, n: int, at: time(us) } time at lateness 4us\n"
			     "event B from \"b\" { k: int, n: int, at: time(us) } time at\n"
			     "event C from \"c\" { k: int, n: int, at: time(us) } time at lateness 2us\n";

static const char *const rules[] = {
	/* sessions over all three streams, and over two */
	"rule visit\n  from A, B, C\n  key k\n  match x: A+ -> not C\n  within session 5us\n"
	"  emit Visit { n: count(x), sum: sum(x.n) }\n"
	"rule bounded\n  from A, B\n  key k\n  match x: A -> y: (A | B)* -> not B[n % 3 = 0]\n  within session 4us max 9us\n"
	"  emit Bounded { x: x.n, ys: count(y) }\n"
	"rule whole\n  from A, B, C\n  match x: B{2,} greedy\n  within session 3us\n  emit Whole { n: count(x) }\n"
	"rule unfinished\n  from A, C\n  key k\n  match x: A -> y: C[n % 2 = 0]\n  within session 4us\n"
	"  on timeout emit Unfinished { x: x.n, s: step() }\n"
	"rule reset\n  from A, B, C\n  key k\n  match x: A+ -> not B\n  within session 6us\n  reset on C\n  emit Reset { n: count(x) }\n",
	/* absences and deadlines at equal times, for several rules and keys; limits */
	"rule lacks\n  key k\n  match x: A -> not B for 6us\n  emit Lacks { x: x.n }\n"
	"rule lacks_again\n  key k\n  match x: A -> not C for 6us\n  limit 1 per 8us\n  emit LacksAgain { x: x.n }\n"
	"rule nobody\n  match x: B -> not A for 3us\n  limit 1 per 9us by x.k\n  emit Nobody { x: x.n }\n"
	"rule lead\n  key k\n  match not C for 5us -> x: B\n  emit Lead { x: x.n }\n"
	"rule both\n  key k\n  match (x: A & y: B)\n  within 7us\n  emit Both { x: x.n, y: y.n }\n"
	"  on timeout emit Half { s: step() }\n"
	"rule stretch\n  key k\n  match x: A -> not C for 2us -> y: B -> within 4us z: A\n  within 20us\n  emit Stretch { z: z.n }\n"
	"  on timeout emit Stretched { s: step() }\n"
	"rule burst\n  key k\n  match x: A -> within 3us y: A{,4} greedy -> not B for 2us\n  emit Burst { n: count(y) }\n",
	/* all and last; matches held for earlier starts */
	"rule every\n  key k\n  match all x: A -> y: B -> not C for 2us\n  within 12us\n  emit Every { x: x.n, y: y.n }\n"
	"rule newest\n  key k\n  match last x: A -> y: B\n  within 6us\n  emit Newest { x: x.n, y: y.n }\n"
	"rule held\n  key k\n  match all x: A -> y: C\n  within 5us\n  skip past last\n  emit Held { x: x.n, y: y.n }\n",
	/* layers: deadlines that derive, and deadlines above them */
	"rule derives\n  key k\n  match x: A -> not C for 4us\n  derive D { k, n: x.n }\n"
	"rule derives_too\n  key k\n  match x: B\n  derive D { k, n: x.n + 100 }\n  derive F { k, n: x.n }\n"
	"rule over\n  key k\n  match d: D -> not B for 4us\n  emit Over { n: d.n }\n"
	"rule beside\n  from D, A, C\n  match d: D , x: A\n  within 9us\n  emit Beside { d: d.n, x: x.n }\n"
	"rule session_over\n  from D, F, C\n  key k\n  match d: D+ -> not F\n  within session 4us\n  derive G { k, n: count(d) }\n"
	"rule top\n  match g: G -> not D for 3us\n  emit Top { n: g.n }\n",
};

struct happening {
	int64_t time_us, key, number;
};

static struct {
	struct ens_arena arena;
	struct ens_buf bytes;
	struct ens_tables tables;
	struct ens_engine *engine;
	struct ens_order *order;
	struct ens_buf log[GROUPS_MAX]; /* by group of rules */
	struct happening list[STREAMS][EVENTS]; /* in the order of time */
	struct happening came[STREAMS][EVENTS]; /* in the order of arrival */
	unsigned random;
	bool brief; /* the log has of each emission its type, its first field, its time */
} w;

static unsigned below(unsigned n)
{
	w.random = w.random * 1664525u + 1013904223u;
	return (w.random >> 8) % n;
}

static uint32_t group_of(uint32_t rule)
{
	for (uint32_t g = 0; g < w.tables.ngroup; g++)
		for (uint32_t i = 0; i < w.tables.group[g].rules.count; i++)
			if (w.tables.index[w.tables.group[g].rules.first + i] == rule)
				return g;
	CU_FAIL_FATAL("a rule without a group");
	return 0;
}

/* Everything but the identity, which is made of the entries' IDs: those are the order of arrival. */
static enum ens_status note(void *user, const struct ens_emission *e)
{
	struct ens_buf *log = &w.log[group_of(e->rule)];
	size_t from = log->len;
	char *id;

	(void)user;
	if (w.brief) {
		const struct ens_t_str name = w.tables.emit[e->emit].type;

		ens_buf_addf(log, "%.*s %lld@%lld\n", (int)name.len, w.tables.bytes + name.off, (long long)e->out[0].i,
			     (long long)e->end_us);
		return ENS_OK;
	}
	ens_emission_json(&w.tables, e, false, log);
	(void)ens_buf_cstr(log);
	id = strstr(log->data + from, "\"_id\":");
	CU_ASSERT_PTR_NOT_NULL_FATAL(id);
	memset(id + 7, 'x', 32);
	return ENS_OK;
}

static void compile(const char *text)
{
	struct ens_buf all = ENS_BUF_EMPTY;
	struct ens_sources sources;
	struct ens_diag diag;
	struct ens_error err = {""};
	uint32_t file = 0;

	ens_arena_init(&w.arena, 0);
	ens_sources_init(&sources, &w.arena);
	ens_diag_init(&diag, &w.arena, &sources);
	ens_buf_adds(&all, events);
	ens_buf_adds(&all, text);
	CU_ASSERT_EQUAL_FATAL(ens_sources_add(&sources, "t.ens", all.data, all.len, &file), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_compile(&w.arena, &diag, &file, 1, NULL, &w.bytes, NULL), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_tables_open(w.bytes.data, w.bytes.len, &w.tables, &err), ENS_OK);
	CU_ASSERT_FATAL(w.tables.ngroup <= GROUPS_MAX && w.tables.nstream == STREAMS);
	ens_buf_free(&all);
}

static void forget_rules(void)
{
	ens_buf_free(&w.bytes);
	ens_arena_free(&w.arena);
}

static void open_order(void)
{
	struct ens_engine_options options = {.seed = below(1000), .sink = {.emit = note}};
	struct ens_error err = {""};

	for (unsigned g = 0; g < GROUPS_MAX; g++)
		ens_buf_clear(&w.log[g]);
	CU_ASSERT_EQUAL_FATAL(ens_engine_open(&w.tables, &options, &w.engine, &err), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_order_open(&w.tables, w.engine, false, &w.order, &err), ENS_OK);
}

static void close_order(void)
{
	ens_order_close(w.order);
	ens_engine_close(w.engine);
}

static void push(uint32_t stream, uint64_t id, const struct happening *h)
{
	const struct ens_value value[3] = {{.i = h->key}, {.i = h->number}, {.i = h->time_us}};
	const struct ens_event ev = {.type = stream, .id = {id, 0, stream}, .time_us = h->time_us, .value = value};
	enum ens_order_verdict verdict;

	CU_ASSERT_EQUAL_FATAL(ens_order_push(w.order, &ev, &verdict), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(verdict, ENS_ORDER_TAKEN);
}

static int by_time(const void *a, const void *b)
{
	const struct happening *x = a, *y = b;

	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Few times and keys, so that there are many ties. */
static void make_events(void)
{
	for (uint32_t s = 0; s < STREAMS; s++) {
		for (unsigned i = 0; i < EVENTS; i++)
			w.list[s][i] = (struct happening){.time_us = below(LAST_US), .key = below(3), .number = i};
		qsort(w.list[s], EVENTS, sizeof(w.list[s][0]), by_time);
		for (unsigned i = 0; i < EVENTS; i++)
			w.list[s][i].number = i;
	}
}

/* An arrival in which nothing is late; of equal times in the order of the list, which is that of their IDs. */
static void arrive(uint32_t s)
{
	struct happening left[EVENTS];
	unsigned n = EVENTS, came = 0;
	int64_t newest_us = INT64_MIN / 2;

	memcpy(left, w.list[s], sizeof(left));
	while (n > 0) {
		unsigned allowed[EVENTS], nallowed = 0, i;

		for (i = 0; i < n; i++) { /* left is by time: none of the others may become late by it */
			const int64_t next_us = left[i].time_us > newest_us ? left[i].time_us : newest_us;

			if ((i == 0 || left[i].time_us != left[i - 1].time_us) &&
			    (i == 0 || left[0].time_us >= next_us - lateness_us[s]))
				allowed[nallowed++] = i;
		}
		i = allowed[below(nallowed)];
		if (left[i].time_us > newest_us)
			newest_us = left[i].time_us;
		w.came[s][came++] = left[i];
		memmove(&left[i], &left[i + 1], (n - i - 1) * sizeof(left[0]));
		n--;
	}
}

/* The least time of what is still to come of the stream. */
static int64_t least_to_come(uint32_t s, unsigned from)
{
	int64_t least_us = LAST_US;

	for (unsigned i = from; i < EVENTS; i++)
		if (w.came[s][i].time_us < least_us)
			least_us = w.came[s][i].time_us;
	return least_us;
}

/* As they came, a stream's turn at random; in between ticks, which are not beyond what is still to come, and silence. */
static void play_as_it_comes(unsigned ticks)
{
	unsigned at[STREAMS] = {0}, left = STREAMS * EVENTS;

	while (left > 0) {
		const uint32_t s = below(STREAMS);

		if (ticks && below(ticks) == 0) {
			const int64_t to_us = least_to_come(s, at[s]) - 1;

			CU_ASSERT_EQUAL_FATAL(ens_order_tick(w.order, s, to_us - (int64_t)below(4)), ENS_OK);
		}
		if (ticks && at[s] == EVENTS && below(2)) {
			bool silent[STREAMS];

			for (uint32_t k = 0; k < STREAMS; k++)
				silent[k] = at[k] == EVENTS;
			CU_ASSERT_EQUAL_FATAL(ens_order_idle(w.order, s, silent), ENS_OK);
		}
		if (at[s] == EVENTS)
			continue;
		push(s, at[s] + 1, &w.came[s][at[s]]);
		at[s]++;
		left--;
	}
	for (int64_t to_us = LAST_US; to_us < LAST_US + 40; to_us += 1 + below(20))
		for (uint32_t s = 0; s < STREAMS; s++)
			CU_ASSERT_EQUAL_FATAL(ens_order_tick(w.order, s, to_us), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_order_end(w.order, true), ENS_OK);
}

/* In the one order of time, stream, place. */
static void play_in_order(void)
{
	unsigned at[STREAMS] = {0};

	for (unsigned n = 0; n < STREAMS * EVENTS; n++) {
		uint32_t first = STREAMS;

		for (uint32_t s = 0; s < STREAMS; s++)
			if (at[s] < EVENTS && (first == STREAMS || w.list[s][at[s]].time_us < w.list[first][at[first]].time_us))
				first = s;
		push(first, at[first] + 1, &w.list[first][at[first]]);
		at[first]++;
	}
	CU_ASSERT_EQUAL_FATAL(ens_order_end(w.order, true), ENS_OK);
}

static char *copy(struct ens_buf *b)
{
	char *s = malloc(b->len + 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	memcpy(s, ens_buf_cstr(b), b->len + 1);
	return s;
}

static void compare(char *const *want, unsigned round, unsigned ticks)
{
	for (uint32_t g = 0; g < w.tables.ngroup; g++) {
		const char *got = ens_buf_cstr(&w.log[g]);
		size_t i = 0;

		CU_ASSERT_STRING_EQUAL(got, want[g]);
		if (strcmp(got, want[g]) == 0)
			continue;
		while (got[i] == want[g][i])
			i++;
		while (i > 0 && got[i - 1] != '\n')
			i--;
		printf("round %u, ticks %u, group %u:\n  expected %.*s\n  got      %.*s\n", round, ticks, (unsigned)g, (int)strcspn(want[g] + i, "\n"),
		       want[g] + i, (int)strcspn(got + i, "\n"), got + i);
	}
}

static void arrival_interleaving_and_ticks_do_not_matter(void)
{
	for (unsigned r = 0; r < sizeof(rules) / sizeof(*rules); r++) {
		size_t emitted = 0;

		compile(rules[r]);
		for (unsigned round = 0; round < 150; round++) {
			char *want[GROUPS_MAX];

			w.random = round * 7919 + r;
			make_events();
			open_order();
			play_in_order();
			for (uint32_t g = 0; g < w.tables.ngroup; g++) {
				want[g] = copy(&w.log[g]);
				emitted += w.log[g].len;
			}
			close_order();
			for (unsigned ticks = 0; ticks < 5; ticks++) {
				for (uint32_t s = 0; s < STREAMS; s++)
					arrive(s);
				open_order();
				play_as_it_comes(ticks);
				compare(want, round, ticks);
				close_order();
			}
			for (uint32_t g = 0; g < w.tables.ngroup; g++)
				free(want[g]);
		}
		CU_ASSERT(emitted > 10000); /* it had something to say */
		forget_rules();
	}
	for (unsigned g = 0; g < GROUPS_MAX; g++)
		ens_buf_free(&w.log[g]);
}

/* ---- ties ---------------------------------------------------------------------------------------------------------- */

struct tie {
	uint32_t stream;
	struct happening h;
};

static void play(const char *text, const struct tie *list, size_t n, const char *expected)
{
	w.brief = true;
	compile(text);
	CU_ASSERT_EQUAL_FATAL(w.tables.ngroup, 1);
	open_order();
	for (size_t i = 0; i < n; i++)
		push(list[i].stream, i + 1, &list[i].h);
	CU_ASSERT_EQUAL(ens_order_end(w.order, true), ENS_OK);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&w.log[0]), expected);
	if (strcmp(ens_buf_cstr(&w.log[0]), expected) != 0)
		printf("%s", ens_buf_cstr(&w.log[0]));
	close_order();
	ens_buf_free(&w.log[0]);
	forget_rules();
	w.brief = false;
}

/* Events come before deadlines; deadlines go by rule, then by the order in which their keys began, then by start; what they
 * derive comes behind all of them, and the deadlines above it behind that. */
static void equal_deadlines_have_an_order(void)
{
	static const struct tie list[] = {
		{1, {9, 1, 3}}, {0, {9, 2, 1}}, {0, {9, 0, 2}}, {0, {9, 0, 4}}, {2, {9, 0, 7}}, {2, {15, 0, 6}}, {0, {15, 1, 5}}, {1, {15, 9, 8}},
	};

	play("rule seen\n  match s: (A | B | C | D)\n  emit Seen { n: s.n }\n"
	     "rule above\n  match d: D -> not D[n = 99] for 0us\n  emit Above { n: d.n }\n"
	     "rule second\n  from A, B, C\n  key k\n  match all x: A -> not B[n = 99] for 6us\n  emit Second { n: x.n }\n"
	     "rule first\n  from A, B, C\n  match x: B -> not C[n = 99] for 6us\n  emit First { n: x.n }\n"
	     "rule deriving\n  from A, B, C\n  key k\n  match all x: A -> not C[n = 6] for 6us\n  derive D { k, n: x.n + 10 }\n",
	     list, sizeof(list) / sizeof(*list),
	     "Seen 1@9\nSeen 2@9\nSeen 4@9\nSeen 3@9\nSeen 7@9\n"
	     "Seen 5@15\nSeen 8@15\nSeen 6@15\n"
	     "Second 1@15\nSecond 2@15\nSecond 4@15\nFirst 3@15\n" /* key 2 began before key 0; First 3 uses up B 8 */
	     "Seen 11@15\nAbove 11@15\n"                            /* of key 0 nothing: C 6 came at that time */
	     "Second 5@21\nSeen 15@21\nAbove 15@21\n");
}

void suite_time(void)
{
	CU_pSuite s = CU_add_suite("time", NULL, NULL);

	CU_add_test(s, "arrival, interleaving and ticks do not matter", arrival_interleaving_and_ticks_do_not_matter);
	CU_add_test(s, "equal deadlines have an order", equal_deadlines_have_an_order);
}
