/*
 * Shared matches (runtime/shared.h): rules of many shapes over long random streams must say the same as with a
 * partial match for each combination, in the same order, also from state that is saved and loaded over and over; what they
 * keep does not depend on how many matches that is; ceilings hold; nothing is left.  Short streams against the reference:
 * tests/conformance.
 */
#include "runtime/shared.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/emission.h"
#include "runtime/match.h"
#include "runtime/state.h"
#include "tests/unit/compiled.h"

void suite_shared(void);

#define FIRST_US INT64_C(1767600000000000)
#define MANY 100000000u

struct bench {
	struct compiled c;
	struct ens_buf state;
	struct ens_engine_options options;
	struct ens_engine *engine;
	struct ens_buf said; /* emissions */
	struct ens_rule_stats before; /* counted by engines whose state went on in others */
};

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static enum ens_status note(void *user, const struct ens_emission *e)
{
	struct bench *b = user;

	ens_emission_json(&b->c.t, e, true, &b->said);
	return b->said.failed ? ENS_ENOMEM : ENS_OK;
}

static void open_engine(struct bench *b)
{
	struct ens_error err = {""};

	b->options.sink = (struct ens_emission_sink){note, b};
	CU_ASSERT_EQUAL_FATAL(ens_engine_open(&b->c.t, &b->options, &b->engine, &err), ENS_OK);
}

static struct bench *open_bench(const char *rule, struct ens_engine_options options)
{
	struct bench *b = calloc(1, sizeof *b);
	struct ens_buf text = ENS_BUF_EMPTY;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	ens_buf_adds(&text, "event E from \"in\" { name: string, key: int, x: float, text: string? }\n"
			    "event F from \"in\" { name: string, key: int, x: float, text: string? }\nrule r\n");
	ens_buf_adds(&text, rule);
	compile_rules(ens_buf_cstr(&text), &b->c);
	b->options = options;
	open_engine(b);
	ens_buf_free(&text);
	return b;
}

static void close_bench(struct bench *b)
{
	ens_engine_close(b->engine);
	ens_buf_free(&b->state);
	ens_buf_free(&b->said);
	discard_compiled(&b->c);
	free(b);
}

static struct ens_rule_stats stats(const struct bench *b)
{
	struct ens_rule_stats s;

	ens_engine_rule_stats(b->engine, 0, &s);
	return s;
}

static bool is_shared(const char *rule)
{
	struct bench *b = open_bench(rule, (struct ens_engine_options){0});
	struct ens_shared_plan *plan = NULL;
	bool shared;

	CU_ASSERT_EQUAL(ens_shared_plan_make(&b->c.t, &b->c.t.rule[0], &plan), ENS_OK);
	shared = plan;
	ens_shared_plan_free(plan);
	close_bench(b);
	return shared;
}

static void add_stats(struct ens_rule_stats *s, const struct ens_rule_stats *more)
{
	s->concerned += more->concerned;
	s->started += more->started;
	s->matched += more->matched;
	s->emitted += more->emitted;
	s->refused += more->refused;
	s->suppressed += more->suppressed;
}

/* An event and its values. */
struct made {
	struct ens_event ev;
	struct ens_value value[4];
	char name[2], text[4];
};

static void make(struct made *m, uint64_t n, int64_t time_us, char name, int64_t key)
{
	memset(m, 0, sizeof *m);
	m->name[0] = name;
	m->text[0] = m->text[1] = (char)('p' + n % 7);
	m->value[0].s = m->name;
	m->value[0].len = 1;
	m->value[1].i = key;
	m->value[2].f = (double)(n % 11);
	m->value[3] = (struct ens_value){.s = m->text, .len = 2, .null = n % 5 == 0 ? ENS_NULL : ENS_SET};
	m->ev = (struct ens_event){.id = {.ms = n}, .type = n % 3 == 1, .time_us = time_us, .value = m->value};
}

static void push(struct bench *b, const struct made *m)
{
	CU_ASSERT_EQUAL_FATAL(ens_engine_push(b->engine, 0, &m->ev), ENS_OK);
}

/* What goes on from here is what was saved; the bytes and the memory are the same again. */
static void reload(struct bench *b)
{
	struct ens_buf again = ENS_BUF_EMPTY;
	const uint64_t used = ens_engine_bytes(b->engine);
	const struct ens_rule_stats so_far = stats(b);
	struct ens_error err = {""};

	add_stats(&b->before, &so_far);
	ens_buf_clear(&b->state);
	CU_ASSERT_EQUAL_FATAL(ens_state_save(b->engine, NULL, &b->state), ENS_OK);
	ens_engine_close(b->engine);
	b->options.seed++;
	open_engine(b);
	if (ens_state_load(b->engine, NULL, b->state.data, b->state.len, &err) != ENS_OK)
		CU_FAIL_FATAL("state is not loaded");
	CU_ASSERT_EQUAL(ens_engine_bytes(b->engine), used);
	CU_ASSERT_EQUAL_FATAL(ens_state_save(b->engine, NULL, &again), ENS_OK);
	CU_ASSERT_TRUE(again.len == b->state.len && !memcmp(again.data, b->state.data, again.len));
	ens_buf_free(&again);
}

static void end(struct bench *b)
{
	CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, INT64_MAX), ENS_OK);
	CU_ASSERT_EQUAL(stats(b).partials, 0);
	if (!b->c.t.rule[0].having_once) {
		CU_ASSERT_EQUAL(ens_engine_bytes(b->engine), 0);
		CU_ASSERT_TRUE(ens_engine_idle(b->engine));
	}
}

#define E(letter) "E[name = \"" letter "\"]"
#define F(letter) "F[name = \"" letter "\"]"

#define AB "s: a.text, n: count(b), l: list(b.text), low: min(b.x), mean: avg(b.x), late: last(b).text"
#define GROUPED "n: count(g), l: list(b.text), sum: sum(b.x), s: last(a).text"

/* Patterns, and what is said of them. */
static const struct {
	const char *match, *emit;
} patterns[] = {
	{"a: " E("a") " ->> b: " E("b") " ->> c: E", AB},
	{"a: " E("a") " -> b: " E("b") " -> c: " E("c"), AB},
	{"a: " E("a") ", b: " E("b") ", c: E", AB},
	{"a: " E("a") ", b: " E("b") " ->> c: " E("b") ", d: E[x > 3]", AB},
	{"a: E ->> b: E", AB},
	{"a: " E("a") " ->> b: " E("b") "+ ->> c: " E("c"), AB},
	{"a: " E("a") " -> b: " E("b") "+ -> c: " E("c"), AB},
	{"a: " E("a") " -> b: " E("b") "* ->> c: " E("c"), AB ", before: b[-2].x"},
	{"a: " E("a") "{2,3} ->> b: " E("b") "? -> c: " E("c"), "l: list(a.text), t: last(a).time - first(a).time, s: b.text"},
	{"a: " E("a") " ->> (b: " E("b") " | c: " E("c") ") ->> d: E[x > 4]", "b: b.text, c: c.text"},
	{"(a: " E("a") " | b: E[x > 5]) -> (c: " E("c") " | d: " E("c") ")", "b: b.text, a: a.text, c: c.x, d: d.x"},
	{"a: " E("a") " ->> (b: " E("b") " & c: " E("c") ") -> d: E[x > 6]", AB},
	{"g: (a: " E("a") " -> b: " E("b") "){1,3} ->> c: " E("c"), GROUPED},
	{"g: (a: " E("a") " ->> b: " E("b") "?)+ -> c: " E("c"), GROUPED},
	{"a: " E("a") " -> not " E("d") " -> b: " E("b") " -> not " E("c") " ->> c: E[x > 2]", AB},
	{"a: " F("a") " ->> b: " E("b") "+ relaxed ->> c: " F("c"), AB},
	{"a: " E("a") " -> (b: " E("b") " ->> " E("c") ")? -> d: " E("d"), "s: a.text, b: b.text"},
	{"a: " E("a") "+ -> b: " E("b") "+ -> c: " E("c") "+", "l: list(a.text), n: count(b), late: last(c).time"},
	{"(a: " E("a") " | (b: " E("b") " ->> " E("a") ")) -> c: " E("c"), "s: a.text, b: b.text"}, /* reach goes up and down */
	{"(a: " E("a") " | (b: " E("b") " ->> d: " E("a") ")) -> c: " E("c") " ->> e: E", "s: a.text, b: b.text, e: e.x"},
	/* One event can be several steps. */
	{"a: E{1,2} -> b: E[x > 2] -> c: E[x > 4]?", "s: first(a).text, n: count(a), x: b.x, t: c.text"},
	{"(a: E[x < 6] | b: E[x > 2]){,2} ->> c: E[x < 7]", "l: list(a.text), m: list(b.x), c: c.text"},
	{"b: E* -> a: " E("a") " -> c: E", AB},
	{"(a: E & b: E & c: E[x > 2]) ->> d: " E("b"), AB},
	{"a: E ->> b: E{2,3} -> c: E", AB},
	{"a: E[x > 9]", "s: a.text"},
	/* What closes one way on and not the other. */
	{"a: " E("a") "{2,} -> not " E("d") " -> c: " E("c"), "n: count(a), l: list(a.text), s: c.text"},
	{"a: " E("a") "+, c: " E("c"), "n: count(a), l: list(a.text), s: c.text"},
	{"a: E[x > 2]{2,4} -> not " E("d") " -> c: E[x < 7]", "n: count(a), l: list(a.text), s: c.text"},
	{"a: " E("a") "{1,3} -> not " E("d") " -> c: " E("a") " -> d: E", "n: count(a), l: list(a.text), s: d.text"},
	{"a: " F("a") " -> b: " E("b") "+ -> not " E("d") " ->> c: E -> d: " E("c"), AB},
	{"a: " E("a") "{2,} -> not " F("d") " -> (b: E[x > 5] | (c: " E("c") " -> not " E("a") " -> d: E[x < 6]))", "n: count(a), b: b.text, d: d.text"},
	{"a: " E("a") "+ -> not F -> b: E[x > 4]+, c: E[x > 3]", "n: count(b), l: list(b.text), s: last(a).text"},
	/* From here on, one at a time something closes some of the ways on and not others: not shared. */
	{"a: " E("a") "{2,} consecutive -> c: E", "l: set(a.text), p: percentile(a.x, 50), d: count_distinct(a.text)"},
	{"a: " E("a") "+ combinations, c: " E("c"), "l: list(a.x)"},
	{"a: " E("a") " ->> b: " E("b") "+ until " E("d") " ->> c: " E("c"), AB},
	{"a: " E("a") " -> b: E+ until E[x > 8] -> c: " E("c"), AB},
	{"a: " E("a") " ->> b: E[x > 1]+ until E[x > 7] ->> c: " E("c"), AB}, /* the first may be barred */
	{"b: (E | F)+ until " E("d") " ->> c: " F("c"), "l: list(b.text), k: c.name"},
};
#define NPATTERN (sizeof patterns / sizeof *patterns)
#define NPATTERN_ONE (NPATTERN - 6)

static const char *const scopes[] = {"7 events", "9us", "4 events", "12us", "11 events"};
/* What is selected, and what a match drops. */
static const struct {
	const char *match, *skip;
} selects[] = {{"match all", ""}, {"match all", "  skip none\n"}, {"match all", "  skip all\n"}, {"match", ""}};
#define NSELECT (sizeof selects / sizeof *selects)
#define ONE (NSELECT - 1)

static const char *rule_of(uint32_t pattern, uint32_t scope, uint32_t select, uint32_t clause, struct ens_buf *into)
{
	static const char *const more[] = {"", "", "  having count() > 2\n", "  having count() > 2 once\n", "  limit 2 per 5us\n"};

	ens_buf_clear(into);
	if (scope > 2)
		ens_buf_adds(into, "  key key\n");
	ens_buf_addf(into, "  from E, F\n  %s %s\n", selects[select].match, patterns[pattern].match);
	ens_buf_addf(into, "  within %s\n%s%s  emit M { %s }\n", scopes[scope], selects[select].skip, more[clause], patterns[pattern].emit);
	return ens_buf_cstr(into);
}

/* What both ways say of the same stream. */
static void both(const char *rule, uint32_t n, struct ens_engine_options o)
{
	struct ens_engine_options one = o;

	one.no_shared_matches = true;
	one.partials_per_key = one.partials_per_rule = MANY;
	struct bench *b[2] = {open_bench(rule, o), open_bench(rule, one)};
	int64_t now = FIRST_US;

	for (uint64_t i = 1; i <= n; i++) {
		struct made m;

		now += below(3) ? 0 : below(8) ? 1 : 1 + below(20);
		make(&m, i, now, (char)('a' + below(4)), below(2));
		m.ev.type = below(3) == 0;
		push(b[0], &m);
		push(b[1], &m);
		if (below(40) == 0)
			reload(b[0]);
		if (below(100) == 0) {
			CU_ASSERT_EQUAL(ens_engine_advance(b[0]->engine, 0, now + 2), ENS_OK);
			CU_ASSERT_EQUAL(ens_engine_advance(b[1]->engine, 0, now + 2), ENS_OK);
			now += 3;
		}
		if (b[0]->said.len != b[1]->said.len)
			break;
	}
	if (b[0]->said.len != b[1]->said.len || (b[0]->said.len && memcmp(b[0]->said.data, b[1]->said.data, b[0]->said.len))) {
		printf("\nother emissions: %s%s\ninstead of:\n%s\n", rule, ens_buf_cstr(&b[0]->said), ens_buf_cstr(&b[1]->said));
		CU_FAIL("other emissions");
	}
	struct ens_rule_stats x = stats(b[0]);
	const struct ens_rule_stats y = stats(b[1]);

	add_stats(&x, &b[0]->before);
	CU_ASSERT_EQUAL(x.started, y.started);
	CU_ASSERT_EQUAL(x.concerned, y.concerned);
	CU_ASSERT_EQUAL(x.emitted, y.emitted);
	if (!y.dropped_emissions) {
		CU_ASSERT_EQUAL(x.matched, y.matched);
		CU_ASSERT_EQUAL(x.refused, y.refused);
		CU_ASSERT_EQUAL(x.suppressed, y.suppressed);
	}
	CU_ASSERT_EQUAL(stats(b[0]).dropped_memory + stats(b[0]).dropped_per_rule + stats(b[0]).dropped_keys, 0);
	end(b[0]);
	end(b[1]);
	close_bench(b[0]);
	close_bench(b[1]);
}

static void shared_or_not_is_the_same(void)
{
	struct ens_buf rule = ENS_BUF_EMPTY;

	for (uint32_t p = 0; p < NPATTERN; p++)
		for (uint32_t scope = 0; scope < 5; scope++)
			for (uint32_t select = 0; select < NSELECT; select++) {
				rule_of(p, scope, select, below(5), &rule);
				if (is_shared(ens_buf_cstr(&rule)) == (select == ONE && p >= NPATTERN_ONE)) {
					printf("\nshared, or not: %s", ens_buf_cstr(&rule));
					CU_FAIL("a rule should be shared, or not");
				}
				seed = p * 100 + scope * 10 + select;
				both(ens_buf_cstr(&rule), 400, (struct ens_engine_options){0});
			}
	ens_buf_free(&rule);
}

/* What is beyond the emissions of an event is the same. */
static void the_first_are_listed(void)
{
	struct ens_buf rule = ENS_BUF_EMPTY;

	for (uint32_t p = 0; p < NPATTERN; p++) {
		rule_of(p, 0, p % ONE, 0, &rule);
		seed = p;
		both(ens_buf_cstr(&rule), 400, (struct ens_engine_options){.emissions_per_event = 3});
	}
	ens_buf_free(&rule);
}

/* What looks at more than one event, waits for time or drops by choice keeps its partial matches. */
static void others_are_not_shared(void)
{
	static const char *const rules[] = {
		"  match a: E ->> b: E[x > a.x]\n  within 7 events\n  emit M {}\n",
		"  match a: E -> b: F\n  within 7 events\n  skip past last\n  emit M {}\n",
		"  match a: E -> b: F+ greedy\n  within 7 events\n  emit M {}\n",
		"  match g: (a: E -> b: F)+ -> not F[x > 1] -> c: E\n  within 7 events\n  emit M {}\n",
		"  match a: E{2,} consecutive -> b: F\n  within 7 events\n  emit M {}\n",
		"  match a: E[x > 1]{2,} until F -> b: E\n  within 7 events\n  emit M {}\n",
		"  match last a: E ->> b: E\n  within 7 events\n  emit M {}\n",
		"  match all a: E ->> b: E[x > a.x]\n  within 7 events\n  emit M {}\n",
		"  match all a: E ->> b: E\n  where b.x > a.x\n  within 7 events\n  emit M {}\n",
		"  match all a: E ->> within 5s b: E[x > 1] ->> c: F\n  within 7 events\n  emit M {}\n",
		"  match all a: E ->> b: E\n  within session 5s\n  emit M {}\n",
		"  match all a: E ->> b: E\n  within 7s\n  skip past last\n  emit M {}\n",
		"  match all a: E ->> b: E\n  within 7s\n  emit M {}\n  on timeout emit T {}\n",
		"  match all a: E -> not F for 2s\n  within 7s\n  emit M {}\n",
		"  match all a: E -> not F\n  within 7s\n  emit M {}\n",
		"  match all not F for 2s -> a: E\n  within 7s\n  emit M {}\n",
		"  match all a: E -> b: E+ greedy -> c: F\n  within 7s\n  emit M {}\n",
		"  match all a: E -> b: E\n  within 7s\n  reset on F\n  emit M {}\n",
		"  match all a: E+ -> b: F\n  within 7s\n  emit M { x: a[2].x }\n",
		"  match all a: E{1,1000} -> b: F\n  within 7s\n  emit M {}\n",
	};

	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (is_shared(rules[i])) {
			printf("\nshared: %s", rules[i]);
			CU_FAIL("a rule is shared");
		}
}

/* Each event is kept once a step while it is in scope, however many matches it is in. */
static void what_is_kept_does_not_grow(void)
{
	struct bench *b = open_bench("  match all a: " E("a") " ->> b: " E("b") "+ ->> c: " E("c") " ->> d: " E("z") "\n"
				     "  within 1000 events\n  emit M {}\n", (struct ens_engine_options){0});
	uint64_t most = 0;

	for (uint64_t i = 1; i <= 20000; i++) {
		struct made m;

		make(&m, i, FIRST_US + (int64_t)i, (char)('a' + i % 4), 0);
		m.ev.type = 0;
		push(b, &m);
		CU_ASSERT_FATAL(stats(b).partials <= 2000);
		if (i > 5000 && ens_engine_bytes(b->engine) > most)
			most = ens_engine_bytes(b->engine);
	}
	CU_ASSERT(most < 400000);
	end(b);
	close_bench(b);
}

/* What a listing takes beside what a ceiling counts is kept for the next one only where it is little. */
static void a_large_room_is_given_back(void)
{
	struct bench *b = open_bench("  match a: E+ -> b: F\n  emit M { n: count(a) }\n", (struct ens_engine_options){0});
	static const uint64_t many[] = {10, 20000, 10};
	uint64_t at = 0;

	for (size_t k = 0; k < sizeof many / sizeof *many; k++) {
		for (uint64_t i = 1; i <= many[k]; i++) {
			struct made m;

			at++;
			make(&m, at, FIRST_US + (int64_t)at, 'a', 0);
			m.ev.type = i == many[k];
			push(b, &m);
		}
		CU_ASSERT_EQUAL(stats(b).emitted, k + 1);
		CU_ASSERT_EQUAL(b->engine->rule[0].shared->room == NULL, many[k] > 10000);
	}
	end(b);
	close_bench(b);
}

/* 10^12 matches at one event: the first ones are said, what is beyond is counted as far as it is looked at. */
/* Of one event that completes `n` matches, 30 before it. */
static void completed(const char *match, uint32_t most, uint64_t n)
{
	struct ens_buf rule = ENS_BUF_EMPTY;

	ens_buf_addf(&rule, "  match all %s\n  within 100 events\n  emit M {}\n  emit M {}\n", match);
	struct bench *b = open_bench(ens_buf_cstr(&rule), (struct ens_engine_options){.emissions_per_event = most});

	for (uint64_t i = 1; i <= 31; i++) {
		struct made m;

		make(&m, i, FIRST_US + (int64_t)i, 'a', 0);
		m.ev.type = i == 31;
		push(b, &m);
	}
	CU_ASSERT_EQUAL(stats(b).matched, n);
	CU_ASSERT_EQUAL(stats(b).emitted, most < 2 * n ? most : 2 * n);
	CU_ASSERT_EQUAL(stats(b).dropped_emissions, most < 2 * n ? 2 * n - most : 0);
	end(b);
	close_bench(b);
	ens_buf_free(&rule);
}

/* Up to four times as many as the ceiling; whether all ways lead to all that comes later, or events close some. */
static void what_is_not_emitted_is_counted(void)
{
	completed("a: E ->> b: E ->> c: F", 1000, 435);
	completed("a: E ->> b: E ->> c: F", 870, 435);
	completed("a: E ->> b: E ->> c: F", 300, 435);
	completed("a: E ->> b: E ->> c: F", 200, 435);
	completed("a: E ->> b: E ->> c: F", 100, 400);
	completed("a: E ->> b: E ->> c: E ->> d: E ->> e: E ->> f: F", 10, 40);
	completed("(a: E | b: E) ->> c: F", 20, 60);
	completed("(a: E | b: E) ->> c: F", 10, 40);
	completed("a: E ->> (b: E | c: E) ->> d: E? ->> e: F", 3000, 870 + 2 * 4060);
	completed("a: E ->> b: E, c: E ->> d: F", 200, 406);
	completed("a: E ->> b: E, c: E ->> d: F", 100, 400);
}

static void explosions_end(void)
{
	struct bench *b = open_bench("  match all a: E+ ->> b: F\n  within 1h\n  emit M { n: count(a) }\n",
				     (struct ens_engine_options){.emissions_per_event = 100});

	for (uint64_t i = 1; i <= 41; i++) {
		struct made m;

		make(&m, i, FIRST_US + (int64_t)i, 'a', 0);
		m.ev.type = i == 41;
		push(b, &m);
	}
	CU_ASSERT_EQUAL(stats(b).emitted, 100);
	CU_ASSERT_EQUAL(stats(b).matched, 100 * ENS_SHARED_LOOKS);
	CU_ASSERT_EQUAL(stats(b).dropped_emissions, 100 * (ENS_SHARED_LOOKS - 1));
	CU_ASSERT_EQUAL(stats(b).partials, 40);
	end(b);
	close_bench(b);
}

/* Beyond a ceiling what started first goes, wherever it is. */
static void what_started_first_goes(void)
{
	static const char rule[] = "  key key\n  match all a: " E("a") " ->> b: " E("b") "\n  within 1h\n  emit M { s: a.text, b: b.text }\n";
	struct bench *b = open_bench(rule, (struct ens_engine_options){.partials_per_rule = 100});
	struct made m;

	for (uint64_t i = 1; i <= 101; i++) {
		make(&m, i, FIRST_US + (int64_t)i, 'a', (int64_t)(i % 10));
		m.ev.type = 0;
		push(b, &m);
	}
	CU_ASSERT_EQUAL(stats(b).partials, 94); /* a sixteenth less than may be */
	CU_ASSERT_EQUAL(stats(b).dropped_per_rule, 7);
	make(&m, 102, FIRST_US + 102, 'b', 7);
	m.ev.type = 0;
	push(b, &m);
	CU_ASSERT_EQUAL(stats(b).matched, 9); /* 7 is gone, 17 is not */
	make(&m, 103, FIRST_US + 103, 'b', 8);
	m.ev.type = 0;
	push(b, &m);
	CU_ASSERT_EQUAL(stats(b).matched, 19);
	end(b);
	close_bench(b);
}

static void memory_and_keys_have_ceilings(void)
{
	static const char rule[] = "  key key\n  match all a: " E("a") " ->> b: " E("b") " ->> c: " E("c") "\n  within 1h\n"
				   "  emit M { s: a.text, b: b.text }\n";
	const uint64_t ceiling = 200000;
	struct bench *b = open_bench(rule, (struct ens_engine_options){.memory_bytes = ceiling, .keys_per_rule = 40});
	struct made m;

	for (uint64_t i = 1; i <= 30000; i++) {
		make(&m, i, FIRST_US + (int64_t)i / 3, (char)('a' + below(2)), below(i % 5 ? 50 : 3));
		m.ev.type = 0;
		push(b, &m);
		CU_ASSERT_FATAL(ens_engine_bytes(b->engine) <= ceiling);
		CU_ASSERT_FATAL(stats(b).keys <= 40);
		if (i % 1000 == 0)
			reload(b);
	}
	end(b);
	close_bench(b);
	b = open_bench(rule, (struct ens_engine_options){.memory_bytes = ceiling});
	for (uint64_t i = 1; i <= 30000; i++) {
		make(&m, i, FIRST_US + (int64_t)i / 3, (char)('a' + below(2)), below(3));
		m.ev.type = 0;
		push(b, &m);
		CU_ASSERT_FATAL(ens_engine_bytes(b->engine) <= ceiling);
	}
	CU_ASSERT(stats(b).dropped_memory > 0);
	end(b);
	close_bench(b);
}

/* Matches whose start went, or is out of scope, close no ways: state does not depend on what was loaded. */
static void what_is_over_moves_nothing(void)
{
	static const char rule[] = "  match a: " E("a") "{2,} relaxed -> b: " E("a") "+ relaxed , c: " E("b") "\n  emit M {}\n";
	const struct ens_engine_options o = {.partials_per_rule = 5};
	struct bench *through = open_bench(rule, o), *loaded = open_bench(rule, o);
	struct made m;

	for (uint64_t i = 1; i <= 40; i++) {
		make(&m, i, FIRST_US + (int64_t)i, i % 10 < 4 || below(4) == 0 ? 'a' : 'b', 0);
		m.ev.type = 0;
		push(through, &m);
		push(loaded, &m);
		reload(loaded);
		ens_buf_clear(&through->state);
		CU_ASSERT_EQUAL_FATAL(ens_state_save(through->engine, NULL, &through->state), ENS_OK);
		CU_ASSERT(through->state.len == loaded->state.len &&
			  !memcmp(through->state.data, loaded->state.data, loaded->state.len));
	}
	CU_ASSERT(stats(through).dropped_per_rule > 0);
	close_bench(through);
	close_bench(loaded);
}

static void state_of_the_other_way_is_refused(void)
{
	static const char rule[] = "  match all a: E ->> b: F\n  within 1h\n  emit M {}\n";
	struct bench *b = open_bench(rule, (struct ens_engine_options){0});
	struct ens_error err = {""};

	ens_buf_clear(&b->state);
	CU_ASSERT_EQUAL_FATAL(ens_state_save(b->engine, NULL, &b->state), ENS_OK);
	ens_engine_close(b->engine);
	b->options.no_shared_matches = true;
	open_engine(b);
	CU_ASSERT_EQUAL(ens_state_load(b->engine, NULL, b->state.data, b->state.len, &err), ENS_EINPUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the matches of a rule were kept together"));
	close_bench(b);
}

static struct ens_cell *only_cell(const struct bench *b)
{
	const struct ens_keys *k = b->engine->rule[0].keys;
	struct ens_cell *c = NULL;

	for (uint64_t i = 0; !c && i <= k->mask; i++)
		c = ens_keys_at(k, i) ? ens_keys_at(k, i)->cells : NULL;
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	return c;
}

/* The oldest of the list being 0. */
static struct ens_shared_node *node_at(const struct bench *b, uint32_t list, uint32_t i)
{
	const struct ens_shared_plan *plan = b->engine->rule[0].shared;
	const struct ens_shared_list *l = &ens_shared_lists(plan, ens_cell_shared(only_cell(b)))[list];

	CU_ASSERT_FATAL(list < plan->nlist && i < l->n);
	return ens_shared_node_at(l, plan->point[plan->of_list[list]].node_bytes, i);
}

static void is_refused(struct bench *b, const char *why)
{
	struct ens_error err = {""};

	ens_buf_clear(&b->state);
	CU_ASSERT_EQUAL_FATAL(ens_state_save(b->engine, NULL, &b->state), ENS_OK);
	ens_engine_close(b->engine);
	open_engine(b);
	CU_ASSERT_EQUAL(ens_state_load(b->engine, NULL, b->state.data, b->state.len, &err), ENS_EINPUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, why));
	close_bench(b);
}

/* It would never go, however much has to. */
static void a_start_at_the_end_of_time_is_refused(void)
{
	struct bench *b = open_bench("  match all a: E ->> b: F\n  within 1h\n  emit M {}\n", (struct ens_engine_options){0});
	struct made m;

	make(&m, 3, FIRST_US, 'a', 0);
	push(b, &m);
	node_at(b, 0, 0)->reach = INT64_MAX;
	is_refused(b, "a match has begun at the end of time");
}

/* MANY_A times a, then c, b, a, b: what is before the first b does not lead to the second. */
#define MANY_A 60

static struct bench *twice(void)
{
	static const char names[] = "cbab";
	struct bench *b = open_bench("  match all a: " E("a") "+ combinations -> b: " E("b") " ->> c: " E("c") "\n"
				     "  within 1h\n  emit M {}\n", (struct ens_engine_options){0});
	struct made m;

	for (uint64_t i = 0; i < MANY_A + 4; i++) {
		make(&m, 3 * i, FIRST_US + (int64_t)i, i < MANY_A ? 'a' : names[i - MANY_A], 0);
		push(b, &m);
	}
	CU_ASSERT_EQUAL(node_at(b, 1, 0)->since[0], 0);
	CU_ASSERT_EQUAL(node_at(b, 1, 1)->since[0], MANY_A + 2);
	return b;
}

/* Else each choice of the first events, which leads nowhere, would be gone through. */
static void what_was_closed_stays_so(void)
{
	struct bench *b = twice();

	reload(b);
	close_bench(b);
	b = twice();
	node_at(b, 1, 0)->since[0] = MANY_A + 1;
	node_at(b, 1, 1)->since[0] = 0;
	node_at(b, 0, MANY_A)->reach = INT64_MIN;
	is_refused(b, "what an event has closed is open again");
	b = twice();
	for (uint32_t k = 0; k < b->engine->rule[0].shared->ngate; k++)
		ens_shared_opens(ens_cell_shared(only_cell(b)))[k].since = 0;
	is_refused(b, "what an event has closed is open again");
	b = twice();
	for (uint32_t k = 0; k < b->engine->rule[0].shared->ngate; k++)
		ens_shared_opens(ens_cell_shared(only_cell(b)))[k].since = MANY_A + 5;
	is_refused(b, "an event that has closed a way has not come");
}

void suite_shared(void)
{
	CU_pSuite s = CU_add_suite("shared", NULL, NULL);

	CU_add_test(s, "shared or not is the same", shared_or_not_is_the_same);
	CU_add_test(s, "the first are listed", the_first_are_listed);
	CU_add_test(s, "others are not shared", others_are_not_shared);
	CU_add_test(s, "what is kept does not grow", what_is_kept_does_not_grow);
	CU_add_test(s, "what is not emitted is counted", what_is_not_emitted_is_counted);
	CU_add_test(s, "explosions end", explosions_end);
	CU_add_test(s, "a large room is given back", a_large_room_is_given_back);
	CU_add_test(s, "what started first goes", what_started_first_goes);
	CU_add_test(s, "memory and keys have ceilings", memory_and_keys_have_ceilings);
	CU_add_test(s, "what is over moves nothing", what_is_over_moves_nothing);
	CU_add_test(s, "state of the other way is refused", state_of_the_other_way_is_refused);
	CU_add_test(s, "a start at the end of time is refused", a_start_at_the_end_of_time_is_refused);
	CU_add_test(s, "what was closed stays so", what_was_closed_stays_so);
}
