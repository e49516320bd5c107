/*
 * The engine as its callers see it: limits, memory, hints and cuts that must not change results.  What a match is, is
 * tested by tests/conformance; here rules are compiled from text and events made in memory.
 */
#include "runtime/engine.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compile.h"

void suite_engine(void);

#define FIRST_US INT64_C(1767600000000000)
#define SECOND INT64_C(1000000)
#define LOG_MAX 20000

struct bench {
	struct ens_arena arena;
	struct ens_buf bytes;
	struct ens_tables tables;
	struct ens_engine *engine;
	uint64_t id[LOG_MAX][2]; /* identities of the emissions, in order */
	int64_t end_us[LOG_MAX];
	uint32_t nid;
	enum ens_status answer;  /* what the sink returns */
};

static const char declarations[] =
	"event E from \"in\" { name: string, key: int, price: float, text: string? }\n";

static enum ens_status note(void *user, const struct ens_emission *e)
{
	struct bench *b = user;
	uint8_t id[16];

	if (b->nid < LOG_MAX) {
		CU_ASSERT_EQUAL_FATAL(ens_emission_identify(e, id), ENS_OK);
		memcpy(b->id[b->nid], id, sizeof id);
		b->end_us[b->nid++] = e->end_us;
	}
	return b->answer;
}

static struct bench *open_bench(const char *rules, struct ens_engine_options options)
{
	struct bench *b = calloc(1, sizeof *b);
	struct ens_sources sources;
	struct ens_diag diag;
	struct ens_error err = {""};
	uint32_t file = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	ens_arena_init(&b->arena, 0);
	ens_sources_init(&sources, &b->arena);
	ens_diag_init(&diag, &b->arena, &sources);

	struct ens_buf text = ENS_BUF_EMPTY;

	ens_buf_adds(&text, declarations);
	ens_buf_adds(&text, rules);
	CU_ASSERT_EQUAL_FATAL(ens_sources_add(&sources, "t.ens", text.data, text.len, &file), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_compile(&b->arena, &diag, &file, 1, NULL, &b->bytes, NULL), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_tables_open(b->bytes.data, b->bytes.len, &b->tables, &err), ENS_OK);
	options.sink = (struct ens_emission_sink){note, b};
	CU_ASSERT_EQUAL_FATAL(ens_engine_open(&b->tables, &options, &b->engine, &err), ENS_OK);
	ens_buf_free(&text);
	return b;
}

static void close_bench(struct bench *b)
{
	ens_engine_close(b->engine);
	ens_buf_free(&b->bytes);
	ens_arena_free(&b->arena);
	free(b);
}

/* An event and its values. */
struct made {
	struct ens_event ev;
	struct ens_value value[4];
	char text[8];
};

static void make(struct made *m, uint64_t n, int64_t time_us, char name, int64_t key, double price)
{
	memset(m, 0, sizeof *m);
	m->text[0] = name;
	m->value[0].s = m->text;
	m->value[0].len = 1;
	m->value[1].i = key;
	m->value[2].f = price;
	m->value[3] = (struct ens_value){.s = "odd", .len = 3};
	if (key % 2 == 0)
		m->value[3].null = ENS_NULL;
	m->ev = (struct ens_event){.id = {.ms = n, .seq = 0}, .time_us = time_us, .value = m->value};
}

static void push(struct bench *b, uint64_t n, int64_t time_us, char name, int64_t key, double price)
{
	struct made m;

	make(&m, n, time_us, name, key, price);
	CU_ASSERT_EQUAL_FATAL(ens_engine_push(b->engine, 0, &m.ev), ENS_OK);
}

static struct ens_rule_stats stats(const struct bench *b)
{
	struct ens_rule_stats s;

	ens_engine_rule_stats(b->engine, 0, &s);
	return s;
}

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

/* A few thousand events of a few keys; `style` bit 0: announce events; bit 1: let time move between
 * them as well, before each; bit 2: before some, as batches do. */
static struct bench *play(const char *rules, unsigned style)
{
	enum { N = 4000 };
	static struct made m[N];
	struct bench *b = open_bench(rules, (struct ens_engine_options){.seed = style, .no_lookahead = !(style & 1)});
	int64_t now = FIRST_US;

	seed = 99;
	for (uint32_t i = 0; i < N; i++) {
		now += below(5) * SECOND;
		make(&m[i], i + 1, now, (char)('a' + below(4)), below(7), below(5));
	}
	for (uint32_t i = 0; i < N; i++) {
		if ((style & 1) && i + ENS_ENGINE_LOOKAHEAD < N)
			ens_engine_expect(b->engine, 0, &m[i + ENS_ENGINE_LOOKAHEAD].ev);
		if (((style & 2) || ((style & 4) && below(9) == 0)) && m[i].ev.time_us > FIRST_US)
			CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, m[i].ev.time_us - 1), ENS_OK);
		CU_ASSERT_EQUAL_FATAL(ens_engine_push(b->engine, 0, &m[i].ev), ENS_OK);
	}
	CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, INT64_MAX), ENS_OK);
	CU_ASSERT_TRUE(ens_engine_idle(b->engine));
	CU_ASSERT_EQUAL(ens_engine_bytes(b->engine), 0);
	return b;
}

static const char *const played[] = {
	"rule r\n  key key\n  match x: E[name = \"a\"]{2,} -> y: E[name = \"b\" and price > first(x).price]\n  within 1m\n"
	"  emit M { t: y.text, s: sum(x.price) }\n",
	"rule r\n  key key\n  match x: E[name = \"a\"] -> not E[name = \"b\"] for 20s\n  emit M { t: x.text }\n",
	"rule r\n  key key, text?\n  match x: E[name = \"a\"] ->> (y: E[name = \"b\"] | z: E[name = \"c\" and price = x.price]) , w: E\n"
	"  within 10s\n  emit M { t: w.text, k: key }\n",
	"rule r\n  key key\n  match not E[name = \"d\"] for 5s -> x: E[name = \"a\"] -> within 9s y: E[name = \"c\"]+ greedy\n"
	"  within 12 events\n  emit M { t: last(y).text }\n",
	"rule r\n  key key\n  match x: E[name = \"a\"]+ -> not E[name = \"b\"]\n  within session 15s max 2m\n"
	"  emit M { n: count(x) }\n",
	"rule r\n  key key\n  match last x: E[name = \"a\"]{2,} -> (y: E[name = \"b\"] & z: E[name = \"c\"])\n  within 1m\n"
	"  emit M { t: y.text, s: sum(x.price) }\n  on timeout emit T { t: step() }\n",
	"rule r\n  key key\n  match all x: E[name = \"a\"] ->> y: E[name = \"b\" or name = \"c\"]+ -> z: E[price > x.price]\n"
	"  within 8s\n  emit M { t: first(y).text, n: count(y) }\n  on timeout emit T { t: step() }\n",
	"rule r\n  key key\n  match all x: E[name = \"a\"]+ relaxed greedy -> y: E[name = \"b\"]\n  within 6 events\n"
	"  skip past last\n  emit M { n: count(x) }\n  on timeout emit T { t: first(x).text }\n",
	"rule r\n  key key\n  match all x: E[name = \"a\"] -> y: E -> not E[name = \"b\"] for 3s\n  within session 9s\n"
	"  skip to first y\n  limit 2 per 5s by x.text\n  emit M { t: y.text }\n",
	"rule r\n  key key\n  match x: E[name = \"a\"] ->> y: E[name = \"b\"] , z: E\n  within 20s\n  skip to next\n"
	"  reset on E[name = \"d\"]\n  limit 1 per 30s\n  emit M { t: z.text }\n  on timeout emit T { t: step() }\n",
	"rule r\n  key key\n  match all x: E[name = \"a\"]{1,4} combinations -> y: E[name = \"b\"]\n"
	"  where count_distinct(x.price) >= 2 and percentile(x.price, 50) > 1\n  within 1m\n"
	"  emit M { l: list(x.text), s: set(x.price) }\n  on timeout emit T { s: set(x.text), n: count_distinct(x.price) }\n",
	"rule r\n  key key\n  match (x: E[name = \"a\"]{2,3} -> y: E[name = \"b\" and count_distinct(x.price) > 1]){2}\n"
	"  within 20m\n  emit M { l: list(x.name), t: list(y.text), p: percentile(x.price, 90) }\n",
	"rule r\n  key key\n  match last x: E[name = \"a\"]{2,} ->> y: E[count_distinct(x.text) < 2 and name = \"b\"]\n"
	"  within 3m\n  emit M { l: list(x.text), p: percentile(x.price, 90) }\n",
};

static void hints_and_cuts_do_not_change_results(void)
{
	for (size_t i = 0; i < sizeof played / sizeof *played; i++) {
		struct bench *plain = play(played[i], 0);

		CU_ASSERT(plain->nid > 5);
		for (unsigned style = 1; style < 6; style++) {
			struct bench *other = play(played[i], style);

			CU_ASSERT_EQUAL(other->nid, plain->nid);
			CU_ASSERT_EQUAL(memcmp(other->id, plain->id, sizeof plain->id), 0);
			CU_ASSERT_EQUAL(memcmp(other->end_us, plain->end_us, sizeof plain->end_us), 0);
			close_bench(other);
		}
		close_bench(plain);
	}
}

/* More conditions than trigger bits: bits are shared, matches are the same. */
static void many_steps_share_trigger_bits(void)
{
	enum { STEPS = 90 };
	struct ens_buf rules = ENS_BUF_EMPTY;

	ens_buf_adds(&rules, "rule r\n  match (");
	for (int i = 0; i < STEPS; i++)
		ens_buf_addf(&rules, "%sE[price = %d]", i ? " -> " : "", i);
	ens_buf_adds(&rules, ")\n  within 1h\n  emit M {}\n");

	struct bench *b = open_bench(ens_buf_cstr(&rules), (struct ens_engine_options){0});

	for (int i = 0; i < STEPS; i++) {
		CU_ASSERT_EQUAL(b->nid, 0);
		push(b, (uint64_t)i * 2 + 1, FIRST_US + i * SECOND, 'x', 1, (i * 37) % STEPS == i ? i : -1);
		push(b, (uint64_t)i * 2 + 2, FIRST_US + i * SECOND, 'x', 1, i);
	}
	CU_ASSERT_EQUAL(b->nid, 1);
	close_bench(b);
	ens_buf_free(&rules);
}

static const char pairs[] =
	"rule r\n  key key\n  match x: E[name = \"a\"] -> y: E[name = \"b\" and price = x.price]\n  within 1h\n"
	"  emit M { p: x.price }\n";

static void over_the_limit_of_a_key_what_started_first_goes(void)
{
	struct bench *b = open_bench(pairs, (struct ens_engine_options){.partials_per_key = 3});

	for (int i = 0; i < 5; i++)
		push(b, (uint64_t)i + 1, FIRST_US + i, 'a', 1, i);
	CU_ASSERT_EQUAL(stats(b).partials, 3);
	CU_ASSERT_EQUAL(stats(b).dropped_per_key, 2);
	push(b, 6, FIRST_US + 6, 'b', 1, 1);
	CU_ASSERT_EQUAL(b->nid, 0);
	push(b, 7, FIRST_US + 7, 'b', 1, 2);
	CU_ASSERT_EQUAL(b->nid, 1);
	close_bench(b);
}

static void over_the_limit_of_a_rule_what_started_first_goes(void)
{
	struct bench *b = open_bench(pairs, (struct ens_engine_options){.partials_per_rule = 100});

	for (int i = 0; i < 1000; i++)
		push(b, (uint64_t)i + 1, FIRST_US + i, 'a', i % 250, i);
	CU_ASSERT_EQUAL(stats(b).partials, 100);
	CU_ASSERT_EQUAL(stats(b).keys, 100);
	CU_ASSERT_EQUAL(stats(b).dropped_per_rule, 900);
	push(b, 1001, FIRST_US + 1001, 'b', 899 % 250, 899);
	CU_ASSERT_EQUAL(b->nid, 0);
	push(b, 1002, FIRST_US + 1002, 'b', 900 % 250, 900);
	CU_ASSERT_EQUAL(b->nid, 1);
	/* Far under the limit again, and over it once more. */
	CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, FIRST_US + 7200 * SECOND), ENS_OK);
	CU_ASSERT_TRUE(ens_engine_idle(b->engine));
	for (int i = 0; i < 300; i++)
		push(b, (uint64_t)i + 2001, FIRST_US + 7201 * SECOND + i, 'a', i % 250, i);
	CU_ASSERT_EQUAL(stats(b).partials, 100);
	push(b, 3001, FIRST_US + 7202 * SECOND, 'b', 200, 200);
	CU_ASSERT_EQUAL(b->nid, 2);
	close_bench(b);
}

static void over_the_limit_of_keys_the_oldest_goes(void)
{
	struct bench *b = open_bench(pairs, (struct ens_engine_options){.keys_per_rule = 10});

	for (int i = 0; i < 25; i++)
		push(b, (uint64_t)i + 1, FIRST_US + i, 'a', i, 0);
	CU_ASSERT_EQUAL(stats(b).keys, 10);
	CU_ASSERT_EQUAL(stats(b).dropped_keys, 15);
	push(b, 100, FIRST_US + 100, 'b', 14, 0);
	CU_ASSERT_EQUAL(b->nid, 0);
	push(b, 101, FIRST_US + 101, 'b', 15, 0);
	CU_ASSERT_EQUAL(b->nid, 1);
	close_bench(b);
}

static void keys_that_only_remember_an_absence_are_bounded_too(void)
{
	struct bench *b = open_bench("rule r\n  key key\n  match not E[name = \"b\"] for 1h -> x: E[name = \"a\"]\n  emit M {}\n",
				     (struct ens_engine_options){.keys_per_rule = 10});

	for (int i = 0; i < 1000; i++)
		push(b, (uint64_t)i + 1, FIRST_US + i, 'b', i, 0);
	CU_ASSERT(stats(b).keys <= 10);
	CU_ASSERT(stats(b).dropped_keys >= 990);
	close_bench(b);
}

/* Every event joins every partial match: without a ceiling that takes memory by the square of their number. */
static void memory_has_a_ceiling(void)
{
	enum { MIB = 1 << 20 };
	static const char *const emitted[] = {"count(x)", "list(x.name)", "set(x.price)", "percentile(x.price, 50)"};

	for (size_t k = 0; k < sizeof emitted / sizeof *emitted; k++) {
		struct ens_buf rule = ENS_BUF_EMPTY;

		ens_buf_addf(&rule, "rule r\n  match x: E[name = \"a\"]+ -> y: E[name = \"b\"]\n  emit M { v: %s }\n", emitted[k]);
		struct bench *b = open_bench(ens_buf_cstr(&rule), (struct ens_engine_options){.memory_bytes = 4 * MIB, .no_shared_matches = true});

		for (uint32_t i = 0; i < 5000; i++) {
			push(b, i + 1, FIRST_US + i, 'a', 1, i);
			CU_ASSERT_FATAL(ens_engine_bytes(b->engine) <= 4 * MIB);
		}
		CU_ASSERT(stats(b).dropped_memory > 0);
		CU_ASSERT(stats(b).partials > 0);
		push(b, 5001, FIRST_US + 5001, 'b', 1, 0);
		CU_ASSERT_EQUAL(b->nid, 1);
		CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, INT64_MAX), ENS_OK);
		close_bench(b);
		ens_buf_free(&rule);
	}
}

static void memory_is_constant_under_a_steady_load(void)
{
	struct bench *b = open_bench(played[0], (struct ens_engine_options){0});
	uint64_t most[2] = {0};

	seed = 5;
	for (uint32_t i = 0; i < 200000; i++) {
		push(b, i + 1, FIRST_US + i * (SECOND / 20), (char)('a' + below(3)), below(50), below(3));
		uint64_t *m = &most[i >= 100000];

		if (ens_engine_bytes(b->engine) > *m)
			*m = ens_engine_bytes(b->engine);
	}
	CU_ASSERT(most[1] <= most[0] + most[0] / 4);
	close_bench(b);
}

/* `match all` over a pattern whose matches double with each event: ceilings hold, and nothing is left. */
static void explosions_are_bounded(void)
{
	static const char rule[] =
		"rule r\n  match all x: E[name = \"a\"]+ combinations ->> y: E[name = \"b\"]\n  within 1h\n  emit M { n: count(x) }\n";
	struct bench *b = open_bench(rule, (struct ens_engine_options){
						   .partials_per_key = 500, .emissions_per_event = 100, .no_shared_matches = true});
	uint64_t n = 0;

	for (int i = 0; i < 60; i++) {
		push(b, ++n, FIRST_US + i, i % 10 == 9 ? 'b' : 'a', 1, 0);
		CU_ASSERT_FATAL(stats(b).partials <= 500);
		CU_ASSERT_FATAL(stats(b).emitted <= 100 * (n / 10));
	}
	CU_ASSERT_EQUAL(stats(b).emitted, 600);
	CU_ASSERT(stats(b).dropped_per_key > 0);
	CU_ASSERT(stats(b).dropped_emissions > 0);
	CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, FIRST_US + 7200 * SECOND), ENS_OK);
	CU_ASSERT_TRUE(ens_engine_idle(b->engine));
	CU_ASSERT_EQUAL(stats(b).partials, 0);
	CU_ASSERT_EQUAL(ens_engine_bytes(b->engine), 0);
	close_bench(b);
}

/* Complete matches that wait for an earlier start count, and are not lost when that is dropped. */
static void what_waits_is_told_when_a_limit_drops_what_it_waits_for(void)
{
	static const char rule[] =
		"rule r\n  match all x: E[name = \"a\"] -> y: E[name = \"b\" and price = x.price]\n  skip past last\n"
		"  emit M { p: x.price }\n";
	struct bench *b = open_bench(rule, (struct ens_engine_options){.partials_per_key = 3});

	push(b, 1, FIRST_US, 'a', 1, 1); /* never complete */
	push(b, 2, FIRST_US + 1, 'a', 1, 2);
	push(b, 3, FIRST_US + 2, 'b', 1, 2);
	CU_ASSERT_EQUAL(b->nid, 0);
	CU_ASSERT_EQUAL(stats(b).partials, 2); /* [1], and [2, 3], which waits for it */
	push(b, 4, FIRST_US + 2, 'a', 1, 4);
	CU_ASSERT_EQUAL(b->nid, 0);
	push(b, 5, FIRST_US + 3, 'a', 1, 4);
	CU_ASSERT_EQUAL(stats(b).dropped_per_key, 1);
	CU_ASSERT_EQUAL(b->nid, 1);
	CU_ASSERT_EQUAL(b->end_us[0], FIRST_US + 3);
	close_bench(b);
}

static void periods_of_a_limit_are_bounded_too(void)
{
	struct bench *b = open_bench("rule r\n  match x: E\n  limit 1 per 1h by x.key\n  emit M {}\n",
				     (struct ens_engine_options){.keys_per_rule = 10});

	for (int i = 0; i < 100; i++)
		push(b, (uint64_t)i + 1, FIRST_US + i, 'a', i, 0);
	CU_ASSERT_EQUAL(b->nid, 100);
	CU_ASSERT_EQUAL(stats(b).dropped_periods, 90);
	push(b, 101, FIRST_US + 101, 'a', 99, 0);
	CU_ASSERT_EQUAL(b->nid, 100);
	CU_ASSERT_EQUAL(stats(b).suppressed, 1);
	CU_ASSERT_FALSE(ens_engine_idle(b->engine));
	CU_ASSERT(ens_engine_next_due(b->engine, 0) <= FIRST_US + 90 + 3600 * SECOND);
	CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, FIRST_US + 2 * 3600 * SECOND + 99), ENS_OK);
	CU_ASSERT_TRUE(ens_engine_idle(b->engine));
	CU_ASSERT_EQUAL(ens_engine_bytes(b->engine), 0);
	close_bench(b);
}

/* One partial match a point, however many events could begin one. */
static void match_last_keeps_one_a_point(void)
{
	struct bench *b = open_bench("rule r\n  match last x: E[name = \"a\"]{5} -> (y: E[name = \"b\"] & z: E[name = \"c\"])\n"
				     "  emit M {}\n",
				     (struct ens_engine_options){0});

	for (int i = 0; i < 1000; i++) {
		push(b, (uint64_t)i + 1, FIRST_US + i, (char)(i % 9 == 8 ? 'b' : 'a'), 1, 0);
		CU_ASSERT_FATAL(stats(b).partials <= 5 + 1);
	}
	push(b, 1001, FIRST_US + 1001, 'c', 1, 0);
	CU_ASSERT_EQUAL(b->nid, 1);
	close_bench(b);
}

static uint64_t grown(struct bench *b, uint64_t n, char name)
{
	const uint64_t before = ens_engine_bytes(b->engine);

	push(b, n, FIRST_US + (int64_t)n, name, 1, 1);
	return ens_engine_bytes(b->engine) - before;
}

/* What `ensue explain` tells is what the engine takes, but for rounding up to 16 bytes. */
static void memory_is_what_the_tables_say(void)
{
	struct bench *b = open_bench("rule r\n  key key\n  match a: E[name = \"a\"]{3} -> b: E[price > last(a).price]\n"
				     "  within 1h\n  emit M { n: count(a), p: last(a).price }\n",
				     (struct ens_engine_options){0});
	struct ens_rule_cost cost;

	CU_ASSERT_EQUAL_FATAL(ens_tables_rule_cost(&b->tables, 0, &cost), ENS_OK);
	CU_ASSERT_TRUE(cost.first_event_inside);
	const uint64_t partial = (cost.partial_bytes + 15) / 16 * 16, event = (cost.event_bytes + 15) / 16 * 16;
	const uint64_t first = grown(b, 1, 'a');

	CU_ASSERT(first > cost.cell_bytes + partial);
	CU_ASSERT(first <= cost.key_bytes + cost.cell_bytes + 16 + partial);
	CU_ASSERT_EQUAL(grown(b, 2, 'a'), partial + event);
	CU_ASSERT_EQUAL(grown(b, 3, 'a'), partial + 2 * event);
	close_bench(b);
}

static void a_failing_sink_stops_the_engine(void)
{
	struct bench *b = open_bench(pairs, (struct ens_engine_options){0});
	struct made m;

	b->answer = ENS_EENV;
	push(b, 1, FIRST_US, 'a', 1, 1);
	make(&m, 2, FIRST_US + 1, 'b', 1, 1);
	CU_ASSERT_EQUAL(ens_engine_push(b->engine, 0, &m.ev), ENS_EENV);
	make(&m, 3, FIRST_US + 2, 'a', 1, 1);
	CU_ASSERT_EQUAL(ens_engine_push(b->engine, 0, &m.ev), ENS_EENV);
	CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, INT64_MAX), ENS_EENV);
	close_bench(b);
}

static void the_next_deadline_is_known(void)
{
	struct bench *b = open_bench(played[1], (struct ens_engine_options){0});

	CU_ASSERT_EQUAL(ens_engine_next_due(b->engine, 0), INT64_MAX);
	push(b, 1, FIRST_US, 'a', 1, 1);
	CU_ASSERT(ens_engine_next_due(b->engine, 0) <= FIRST_US + 20 * SECOND);
	CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, FIRST_US + 20 * SECOND - 1), ENS_OK);
	CU_ASSERT_EQUAL(b->nid, 0);
	CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, FIRST_US + 20 * SECOND), ENS_OK);
	CU_ASSERT_EQUAL(b->nid, 1);
	CU_ASSERT_EQUAL(b->end_us[0], FIRST_US + 20 * SECOND);
	CU_ASSERT_TRUE(ens_engine_idle(b->engine));
	close_bench(b);
}

/* An event whose match is complete at once leaves nothing behind: its key takes no other's place. */
static void a_match_of_one_event_takes_no_key_s_place(void)
{
	static const char rule[] =
		"rule r\n  key key\n  match (E[name = \"z\"] | (E[name = \"a\"] -> E[name = \"b\"]))\n  emit M {}\n";
	struct bench *b = open_bench(rule, (struct ens_engine_options){.keys_per_rule = 2});

	push(b, 1, FIRST_US, 'a', 1, 0);
	push(b, 2, FIRST_US, 'a', 2, 0);
	push(b, 3, FIRST_US, 'z', 3, 0);
	CU_ASSERT_EQUAL(b->nid, 1);
	CU_ASSERT_EQUAL(stats(b).dropped_keys, 0);
	push(b, 4, FIRST_US, 'b', 1, 0);
	CU_ASSERT_EQUAL(b->nid, 2);
	close_bench(b);
}

/* Limits from the match may be over before they begin: due at once, whichever other timers are. */
static void limits_that_are_over_at_once_are_due(void)
{
	static const char rules[] =
		"rule r\n  key key\n  match a: E[name = \"a\"] -> within (1s * a.price) E[name = \"b\"]\n  emit M {}\n"
		"rule s\n  key key\n  match a: E[name = \"a\"] -> within (5s * a.price) E[name = \"b\"]\n  emit N {}\n";
	struct bench *b = open_bench(rules, (struct ens_engine_options){0});

	push(b, 1, FIRST_US, 'a', 1, -1e-6);
	CU_ASSERT_FALSE(ens_engine_idle(b->engine));
	CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, FIRST_US), ENS_OK);
	CU_ASSERT_TRUE(ens_engine_idle(b->engine));
	close_bench(b);
}

void suite_engine(void)
{
	CU_pSuite s = CU_add_suite("engine", NULL, NULL);

	CU_add_test(s, "hints and cuts do not change results", hints_and_cuts_do_not_change_results);
	CU_add_test(s, "many steps share trigger bits", many_steps_share_trigger_bits);
	CU_add_test(s, "over the limit of a key what started first goes", over_the_limit_of_a_key_what_started_first_goes);
	CU_add_test(s, "over the limit of a rule what started first goes", over_the_limit_of_a_rule_what_started_first_goes);
	CU_add_test(s, "over the limit of keys the oldest goes", over_the_limit_of_keys_the_oldest_goes);
	CU_add_test(s, "keys that only remember an absence are bounded too", keys_that_only_remember_an_absence_are_bounded_too);
	CU_add_test(s, "memory has a ceiling", memory_has_a_ceiling);
	CU_add_test(s, "explosions are bounded", explosions_are_bounded);
	CU_add_test(s, "what waits is told when a limit drops what it waits for", what_waits_is_told_when_a_limit_drops_what_it_waits_for);
	CU_add_test(s, "periods of a limit are bounded, too", periods_of_a_limit_are_bounded_too);
	CU_add_test(s, "match last keeps one a point", match_last_keeps_one_a_point);
	CU_add_test(s, "memory is constant under a steady load", memory_is_constant_under_a_steady_load);
	CU_add_test(s, "memory is what the tables say", memory_is_what_the_tables_say);
	CU_add_test(s, "a failing sink stops the engine", a_failing_sink_stops_the_engine);
	CU_add_test(s, "the next deadline is known", the_next_deadline_is_known);
	CU_add_test(s, "a match of one event takes no key's place", a_match_of_one_event_takes_no_key_s_place);
	CU_add_test(s, "limits that are over at once are due", limits_that_are_over_at_once_are_due);
}
