/*
 * The index of waiting partial matches: what conditions need of a slot, which states have a key, whom an event reaches, and
 * that the engine gives the same with and without.
 */
#include "runtime/waiting.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/match.h"
#include "runtime/program_needs.h"
#include "tests/unit/compiled.h"

void suite_waiting(void);

#define NFIELD 8
#define FIRST_US INT64_C(1767600000000000)
#define NEVER UINT32_MAX

static const char declarations[] =
	"event E from \"in\" { kind: int, user: string, n: int, opt: string?, f: float, ip: ip, h: int, key: string }\n";

/* ---- what conditions need -------------------------------------------------------------------------------------------- */

/* "field; field": those that must have the value of a slot; ~: as a float, of either. */
static void equalities_are(const char *condition, const char *expected)
{
	struct ens_equality q[ENS_EQUALITIES_MAX];
	struct ens_buf rule = ENS_BUF_EMPTY, got = ENS_BUF_EMPTY;
	struct compiled c;

	ens_buf_addf(&rule, "rule r\n  match x: E[kind = 0] -> y: E[%s]\n  within 1m\n  emit M {}\n", condition);
	compile_behind(declarations, ens_buf_cstr(&rule), &c);
	const uint32_t program = c.t.state[2].condition;
	struct ens_needs_reader *r = ens_needs_open(&c.t);

	CU_ASSERT_FATAL(r && program != ENS_NONE);
	const uint32_t n = ens_program_equalities(r, program, q);

	for (uint32_t i = 0; i < n; i++) {
		const struct ens_t_str name = c.t.field[c.t.type[0].fields.first + q[i].field].name;

		ens_buf_addf(&got, "%s%.*s%s", i ? "; " : "", (int)name.len, c.t.bytes + name.off,
			     q[i].field_to_float || q[i].slot_to_float ? "~" : "");
	}
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&got), expected);
	if (strcmp(ens_buf_cstr(&got), expected))
		printf("\n%s\n  needs    %s\n  expected %s\n", condition, ens_buf_cstr(&got), expected);
	ens_needs_close(r);
	discard_compiled(&c);
	ens_buf_free(&rule);
	ens_buf_free(&got);
}

static void equalities_with_slots_are_needs(void)
{
	equalities_are("user = x.user", "user");
	equalities_are("x.user = user", "user");
	equalities_are("user = x.user and n > x.n", "user");
	equalities_are("n > x.n and user = x.user and f = x.f", "user; f");
	equalities_are("ip = x.ip and opt = x.user", "ip; opt");
	equalities_are("f = x.n", "f~");
	equalities_are("n = x.f", "n~");
	equalities_are("(user = x.user and n > x.n) or (user = x.user and n < x.n)", "user");
	equalities_are("user = x.user and n > x.n + 1", "user");
	equalities_are("user in (x.user)", "user");
}

static void what_may_be_true_otherwise_is_no_need(void)
{
	equalities_are("user != x.user", "");
	equalities_are("not (user = x.user)", "");
	equalities_are("user = x.user or n > x.n", "");
	equalities_are("user = x.user or user = x.opt", "");
	equalities_are("opt = x.opt or opt is null and n > x.n", "");
	equalities_are("n + 1 = x.n", "");
	equalities_are("lower(user) = x.user", "");
	equalities_are("n = h and n > x.n", "");
}

/* Not to run a program that may lose a result would change the count of such losses. */
static void what_may_lose_a_result_first_is_no_need(void)
{
	equalities_are("n > x.n + 1 and user = x.user", "");
	equalities_are("lower(opt) = lower(x.opt) and user = x.user", "");
}

static void equalities_are_bounded(void)
{
	struct ens_buf text = ENS_BUF_EMPTY;

	ens_buf_adds(&text, "user = x.user");
	for (int i = 0; i < 100; i++)
		ens_buf_addf(&text, " and n > x.n - %d", i);
	equalities_are(ens_buf_cstr(&text), ""); /* longer than what is read */
	ens_buf_free(&text);
}

/* ---- plans ------------------------------------------------------------------------------------------------------------ */

/* "state:slots": the keyed states and how many slots are their key; +: something of the state is free. */
static void plan_is(const char *match, const char *expected)
{
	struct ens_buf rule = ENS_BUF_EMPTY, got = ENS_BUF_EMPTY;
	struct ens_engine *e;
	struct ens_error err;
	struct compiled c;

	ens_buf_addf(&rule, "rule r\n  match %s\n  emit M {}\n", match);
	compile_behind(declarations, ens_buf_cstr(&rule), &c);
	CU_ASSERT_EQUAL_FATAL(ens_engine_open(&c.t, &(struct ens_engine_options){.no_shared_matches = true}, &e, &err), ENS_OK);
	const struct ens_waiting_plan *p = e->rule[0].waiting;

	for (uint32_t s = 0; p && s < e->rule[0].t->states.count; s++)
		if (p->state[s].key != ENS_NONE)
			ens_buf_addf(&got, "%s%u:%u%s", got.len ? " " : "", s, p->key[p->state[s].key].npart, p->state[s].free ? "+" : "");
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&got), expected);
	if (strcmp(ens_buf_cstr(&got), expected))
		printf("\n%s\n  plan     %s\n  expected %s\n", match, ens_buf_cstr(&got), expected);
	ens_engine_close(e);
	discard_compiled(&c);
	ens_buf_free(&rule);
	ens_buf_free(&got);
}

static void states_have_keys(void)
{
	plan_is("a: E[kind = 0] -> b: E[kind = 1 and user = a.user and n > a.n]\n  within 1m", "1:1");
	plan_is("all a: E[kind = 0] -> b: E[kind = 1 and user = a.user and n > a.n]\n  within 1m", "1:1");
	plan_is("a: E[kind = 0] ->> b: E[kind = 1 and user = a.user and h = a.h]\n  within 1m", "1:2");
	plan_is("a: E[kind = 0] -> within 5s b: E[kind = 1 and user = a.user]", "1:1");
	plan_is("a: E[kind = 0] -> b: E[kind = 1 and user = a.user] -> c: E[kind = 2 and n = b.n]\n  within 1m", "1:1 2:1");
	plan_is("a: E[kind = 0] -> not E[kind = 2 and user = a.user] -> b: E[kind = 1 and user = a.user]\n  within 1m", "1:1");
	plan_is("a: E[kind = 0] -> not E[kind = 2 and opt = a.user] for 5s", "1:1");
	plan_is("a: E[kind = 0] -> b: E[kind = 1 and user = a.user]+ until E[kind = 2 and user = a.user] -> c: E[kind = 3 and user = a.user]\n"
		"  within 1m", "1:1 2:1");
	plan_is("a: E[kind = 0] -> (b: E[kind = 1 and user = a.user and n > a.n] | c: E[kind = 2 and user = a.user])\n  within 1m", "1:1");
	plan_is("a: E[kind = 0] -> (b: E[kind = 1 and user = a.user] | c: E[kind = 2 and user = a.user and n = a.n])\n  within 1m", "1:1");
}

static void what_else_is_waited_for_is_free(void)
{
	plan_is("a: E[kind = 0]+ -> b: E[kind = 1 and user = first(a).user]\n  within 1m", "1:1+");
	plan_is("a: E[kind = 0] -> not E[kind = 2] -> b: E[kind = 1 and user = a.user]\n  within 1m", "1:1+");
	plan_is("a: E[kind = 0] -> (b: E[kind = 1 and user = a.user] | c: E[kind = 2 and n > a.n])\n  within 1m", "1:1+");
	plan_is("a: E[kind = 0] -> b: E[kind = 1 and user = a.user] -> c: E[kind = 2]\n  within 1m", "1:1");
	plan_is("a: E[kind = 0] -> b: E[kind = 1] -> c: E[kind = 2 and user = a.user]\n  within 1m", "2:1");
	/* A new round counts from 0 again, whatever the slot says while it is waited for. */
	plan_is("a: E[kind = 0] -> (b: E[kind = 1 and n = count(b)]+ -> c: E[kind = 2])+ -> d: E[kind = 3]\n  within 1m", "2:1+");
}

static void some_states_and_rules_have_none(void)
{
	plan_is("a: E[kind = 0] -> b: E[kind = 1 and n > a.n]\n  within 1m", "");
	plan_is("a: E[kind = 0] -> b: E[kind = 1]\n  within 1m", "");
	plan_is("a: E[kind = 0], b: E[kind = 1 and user = a.user]\n  within 1m", "");
	plan_is("last a: E[kind = 0] -> b: E[kind = 1 and user = a.user]\n  within 1m", "");
	plan_is("a: E[kind = 0] -> b: E[kind = 1 and user = a.user]\n  within 5 events", "");
	plan_is("a: E[kind = 0], not E[kind = 2] -> b: E[kind = 1 and user = a.user]\n  within 1m", "");
	plan_is("a: E[kind = 0] -> within (a.n * 1s) b: E[kind = 1 and user = a.user]", "");
	plan_is("a: E[kind = 0] -> after (a.n * 1s) b: E[kind = 1 and user = a.user]\n  within 1m", "");
	plan_is("a: E[kind = 0] -> not E[kind = 2 and user = a.user] for (a.n * 1s)", "");
	plan_is("a: E[kind = 0] -> within 5s (b: E[kind = 1 and user = a.user] | c: E[kind = 2 and user = a.user])", "");
}

/* ---- engines ---------------------------------------------------------------------------------------------------------- */

static struct noted *open_bench(const char *rules, struct ens_engine_options o)
{
	return open_noted(declarations, rules, o);
}

struct made {
	struct ens_event ev;
	struct ens_value value[NFIELD];
	char user[24], opt[24], ip[16], key[8];
};

static struct ens_value text_of(const char *s)
{
	return (struct ens_value){.s = s, .len = (uint32_t)strlen(s)};
}

static void make(struct made *m, uint64_t at, int64_t kind, int64_t n)
{
	memset(m, 0, sizeof *m);
	snprintf(m->user, sizeof m->user, "u%lld", (long long)n);
	snprintf(m->opt, sizeof m->opt, "u%lld", (long long)(n / 2));
	m->ip[15] = (char)n;
	m->value[0].i = kind;
	m->value[1] = text_of(m->user);
	m->value[2].i = n;
	m->value[3] = n % 3 ? text_of(m->opt) : (struct ens_value){.null = ENS_NULL};
	m->value[4].f = n ? (double)n : -0.0;
	m->value[5] = (struct ens_value){.s = m->ip, .len = 16};
	m->value[6].i = n % 2;
	m->value[7] = text_of(m->key);
	m->ev = (struct ens_event){.id = {.ms = at + 1}, .time_us = FIRST_US + (int64_t)at * 1000000, .value = m->value};
}

static void push(struct noted *b, uint64_t at, int64_t kind, int64_t n)
{
	struct made m;

	make(&m, at, kind, n);
	CU_ASSERT_EQUAL(ens_engine_push(b->engine, 0, &m.ev), ENS_OK);
}

/* Of a rule without key: its one cell, or NULL. */
static const struct ens_cell *cell_of(const struct noted *b)
{
	const struct ens_keys *k = b->engine->rule[0].keys;

	for (uint64_t i = 0; i <= k->mask; i++)
		if (ens_keys_at(k, i))
			return ens_keys_at(k, i)->cells;
	return NULL;
}

#define MANY 5000

/* MANY wait for a value each; an event with n reaches so many, and completes so many. */
static void an_event_reaches(const char *condition, int64_t n, uint32_t reached, uint32_t completed)
{
	struct ens_buf rule = ENS_BUF_EMPTY;

	ens_buf_addf(&rule, "rule r\n  match a: E[kind = 0] -> b: E[kind = 1 and %s]\n  skip none\n  emit M {}\n", condition);
	struct noted *b = open_bench(ens_buf_cstr(&rule), (struct ens_engine_options){0});

	for (int64_t i = 0; i < MANY; i++)
		push(b, (uint64_t)i, 0, i);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ens_cell_waiting(cell_of(b))->index);
	CU_ASSERT_EQUAL(ens_cell_waiting(cell_of(b))->nlive, MANY);
	push(b, MANY, 1, n);
	CU_ASSERT_EQUAL(b->engine->ncalled, reached);
	CU_ASSERT_EQUAL(b->engine->rule[0].stats.matched, completed);
	close_noted(b);
	ens_buf_free(&rule);
}

static void an_event_reaches_those_with_its_value(void)
{
	an_event_reaches("user = a.user", 77, 1, 1);
	an_event_reaches("user = a.user", MANY, 0, 0);
	an_event_reaches("user = a.user and n > a.n", 77, 1, 0);
	an_event_reaches("n = a.n", 77, 1, 1);
	an_event_reaches("ip = a.ip", 77, (MANY + 255 - 77) / 256, (MANY + 255 - 77) / 256);
	an_event_reaches("h = a.h", 77, MANY / 2, MANY / 2);
	an_event_reaches("h = a.h and n = a.n", 77, 1, 1);
}

static void equal_values_of_other_bytes_reach_each_other(void)
{
	an_event_reaches("f = a.n", 0, 1, 1); /* -0.0 */
	an_event_reaches("n = a.f", 0, 1, 1);
	an_event_reaches("f = a.n", 4999, 1, 1);
	an_event_reaches("f = a.f", 0, 1, 1);
}

static void null_reaches_nobody(void)
{
	an_event_reaches("opt = a.opt", 76, 2, 2); /* and 77: u38; of 78 it is null */
	an_event_reaches("opt = a.opt", 78, 0, 0);
	an_event_reaches("user = a.opt", 39, 1, 1); /* 79 */
}

/* Of an index in between calls. */
static void invariants_hold(const struct ens_cell *c, uint32_t from)
{
	const struct ens_waiting *w = ens_cell_waiting(c);
	const struct ens_waiting_index *x = w->index;
	uint32_t live = 0, same = 0, loose = 0;

	for (struct ens_partial *p = c->first; p; p = p->next, live++) {
		const struct ens_waiting_links *l = (const void *)((const char *)p + c->rule->waiting_at);

		CU_ASSERT_EQUAL(p->indexed, x != NULL);
		CU_ASSERT_FALSE(p->called);
		same += x && l->in[ENS_WAITING_SAME].at;
		loose += x && l->in[ENS_WAITING_LOOSE].at;
		CU_ASSERT(!x || !l->in[ENS_WAITING_SAME].at || *l->in[ENS_WAITING_SAME].at == p);
		CU_ASSERT(!x || !l->in[ENS_WAITING_LOOSE].at || *l->in[ENS_WAITING_LOOSE].at == p);
	}
	CU_ASSERT_EQUAL(w->nlive, live);
	CU_ASSERT_EQUAL(x != NULL, live >= from);
	CU_ASSERT(!x || (x->nsame == same && x->nloose == loose && x->nbucket == (same > 16 ? same : 16)));
}

static void all_invariants_hold(const struct noted *b, uint32_t from)
{
	for (uint32_t g = 0; g < b->c.t.nkeygroup; g++)
		for (uint64_t i = 0; i <= b->engine->keys[g].mask; i++) {
			const struct ens_key *key = ens_keys_at(&b->engine->keys[g], i);

			for (const struct ens_cell *c = key ? key->cells : NULL; c; c = c->next)
				if (c->rule->waiting)
					invariants_hold(c, from);
		}
}

/* What it takes is a function of how many there are: it grows and shrinks by the same steps. */
static void it_grows_and_shrinks_with_what_waits(void)
{
	static uint64_t bytes[MANY + 1];
	struct noted *b = open_bench("rule r\n  match a: E[kind = 0] -> b: E[kind = 1 and user = a.user]\n  within 5000s\n  emit M {}\n",
				     (struct ens_engine_options){0});

	for (int64_t i = 0; i < MANY; i++) {
		push(b, (uint64_t)i, 0, 10000 + i);
		bytes[i + 1] = ens_engine_bytes(b->engine);
		CU_ASSERT((ens_cell_waiting(cell_of(b))->index != NULL) == (i + 1 >= 16));
	}
	all_invariants_hold(b, 16);
	for (int64_t i = 1; i < MANY; i++) {
		CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, FIRST_US + (MANY + i - 1) * 1000000), ENS_OK);
		CU_ASSERT_EQUAL(ens_engine_bytes(b->engine), bytes[MANY - i]);
	}
	CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, INT64_MAX), ENS_OK);
	CU_ASSERT_EQUAL(ens_engine_bytes(b->engine), 0);
	close_noted(b);
}

/* ---- with and without ------------------------------------------------------------------------------------------------- */

static const char rules[] =
	"rule r0\n  match a: E[kind = 0] -> b: E[kind = 1 and user = a.user and n >= a.n]\n  skip none\n  within 90s\n  emit M {}\n"
	"rule r1\n  match a: E[kind = 0] -> b: E[kind = 1 and user = a.user] -> c: E[kind = 2 and n = b.n]\n  skip to next\n  within 60s\n"
	"  emit M {}\n"
	"rule r2\n  match all a: E[kind = 0] -> b: E[kind = 1 and opt = a.opt] -> c: E[kind = 2 and f = a.n and h = b.h]\n  within 80s\n"
	"  emit M {}\n"
	"rule r3\n  match all a: E[kind = 0] ->> b: E[kind = 1 and h = a.h]+ -> c: E[kind = 2 and user = a.user]\n  skip past last\n"
	"  within 30s\n  emit M {}\n"
	"rule r4\n  match a: E[kind = 0] -> not E[kind = 2 and user = a.user] for 20s\n  emit M {}\n"
	"rule r5\n  key h\n  match a: E[kind = 0] -> not E[kind = 2 and n = a.n] -> b: E[kind = 1 and user = a.user]\n  skip none\n  within 40s\n"
	"  emit M {}\n  on timeout emit T {}\n"
	"rule r6\n  match a: E[kind = 0] -> (b: E[kind = 1 and user = a.user] | c: E[kind = 2 and user = a.user and n + a.n > 3])\n"
	"  skip none\n  within 50s\n  emit M {}\n"
	"rule r7\n  match a: E[kind = 0] ->> b: E[kind = 1 and user = a.user]{2,} greedy -> c: E[kind = 2 and h = a.h]\n  skip none\n"
	"  reset on E[kind = 3 and n = 5]\n  within 50s\n  emit M {}\n"
	"rule r8\n  match a: E[kind = 0] -> b: E[kind = 1 and user = a.user], c: E[kind = 2 and h = a.h]\n  within 70s\n  emit M {}\n"
	"rule r9\n  match a: E[kind = 0] -> within 15s b: E[kind = 1 and user = a.user and n * 4611686018427387904 > a.n]\n"
	"  skip none\n  emit M {}\n  on timeout emit T {}\n"
	"rule r10\n  match all a: E[kind = 0] -> b: E[kind = 1 and ip = a.ip]+ until E[kind = 3 and ip = a.ip] -> c: E[kind = 2 and ip = a.ip]\n"
	"  within session 20s\n  emit M {}\n"
	"rule r11\n  match a: E[kind = 0] -> (b: E[kind = 1 and n = count(b)]+ -> c: E[kind = 2 and h = a.h])+ -> d: E[kind = 3]\n"
	"  skip none\n  within 60s\n  emit M {}\n"
	"rule r12\n  match a: E[kind = 0] -> b: E[kind = 1 and user = a.user] -> c: E[kind = 1 and user = b.opt]\n  skip none\n"
	"  within 60s\n  emit M {}\n";

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((seed >> 33) % n);
}

/* Many start, few go on. */
static void play(struct noted *b, uint64_t with_seed, uint32_t from)
{
	uint64_t at = 0;

	seed = with_seed;
	for (uint32_t i = 0; i < 300; i++) {
		const uint32_t kind = below(8), values = 1 + below(40);

		at += below(3);
		push(b, at, kind < 4 ? 0 : kind - 4, below(values));
		all_invariants_hold(b, from);
	}
	CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, INT64_MAX), ENS_OK);
	CU_ASSERT_EQUAL(ens_engine_bytes(b->engine), 0);
}

static void without_limits(struct ens_engine_options *o)
{
	o->emissions_per_event = 100000;
}

static void near_limits(struct ens_engine_options *o)
{
	o->partials_per_key = 20;
	o->partials_per_rule = 25;
	o->emissions_per_event = 5;
}

static void compare_all(void (*set)(struct ens_engine_options *o), uint64_t rounds)
{
	uint64_t said = 0, lost = 0;

	for (uint64_t round = 1; round <= rounds; round++) {
		struct ens_engine_options o = {.index_waiting_from = NEVER, .seed = round};

		set(&o);
		struct noted *without = open_bench(rules, o);

		o.index_waiting_from = 1;
		struct noted *always = open_bench(rules, o);

		o.index_waiting_from = 0;
		struct noted *usual = open_bench(rules, o);

		play(without, round, NEVER);
		play(always, round, 1);
		play(usual, round, 16);
		noted_are_same(without, always);
		noted_are_same(without, usual);
		said += without->said.len;
		lost += ens_engine_nulled(without->engine);
		close_noted(without);
		close_noted(always);
		close_noted(usual);
	}
	CU_ASSERT(said > 0 && lost > 0);
}

static void it_changes_nothing_that_shows(void)
{
	compare_all(without_limits, 12);
}

static void it_changes_nothing_near_limits(void)
{
	compare_all(near_limits, 12);
}

/* Where memory is beyond its ceiling while an event is at hand, what is complete is cut, however many do not take the event. */
static void what_is_looked_at_in_vain_drops_nothing(void)
{
	static const char rule[] = "rule r\n  match all a: E[kind = 0] ->> b: E[kind = 1 and user = a.user]+\n  within 1h\n  emit M {}\n";
	struct noted *without = open_bench(rule, (struct ens_engine_options){.index_waiting_from = NEVER});
	struct noted *with = open_bench(rule, (struct ens_engine_options){0});

	for (struct noted *b = without;; b = with) {
		for (int64_t i = 0; i < 200; i++)
			push(b, (uint64_t)i, 0, i < 10 ? 7 : 8);
		b->engine->options.memory_bytes = ens_engine_bytes(b->engine) + 1000;
		push(b, 200, 1, 7);
		CU_ASSERT(b->engine->rule[0].stats.dropped_emissions > 0);
		CU_ASSERT(b->engine->rule[0].stats.emitted > 0);
		if (b == with)
			break;
	}
	noted_are_same(without, with);
	close_noted(without);
	close_noted(with);
}

void suite_waiting(void)
{
	CU_pSuite s = CU_add_suite("waiting", NULL, NULL);

	CU_add_test(s, "equalities with slots are needs", equalities_with_slots_are_needs);
	CU_add_test(s, "what may be true otherwise is no need", what_may_be_true_otherwise_is_no_need);
	CU_add_test(s, "what may lose a result first is no need", what_may_lose_a_result_first_is_no_need);
	CU_add_test(s, "equalities are bounded", equalities_are_bounded);
	CU_add_test(s, "states have keys", states_have_keys);
	CU_add_test(s, "what else is waited for is free", what_else_is_waited_for_is_free);
	CU_add_test(s, "some states and rules have none", some_states_and_rules_have_none);
	CU_add_test(s, "an event reaches those with its value", an_event_reaches_those_with_its_value);
	CU_add_test(s, "equal values of other bytes reach each other", equal_values_of_other_bytes_reach_each_other);
	CU_add_test(s, "null reaches nobody", null_reaches_nobody);
	CU_add_test(s, "it grows and shrinks with what waits", it_grows_and_shrinks_with_what_waits);
	CU_add_test(s, "it changes nothing that shows", it_changes_nothing_that_shows);
	CU_add_test(s, "it changes nothing near limits", it_changes_nothing_near_limits);
	CU_add_test(s, "what is looked at in vain drops nothing", what_is_looked_at_in_vain_drops_nothing);
}
