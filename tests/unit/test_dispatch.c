/*
 * The index of rules: what conditions need, which rules an event finds, and that the engine gives the same with and without.
 */
#include "runtime/dispatch.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/program_needs.h"
#include "tests/unit/compiled.h"

void suite_dispatch(void);

#define NFIELD 16
#define FIRST_US INT64_C(1767600000000000)

static const char declarations[] =
	"event E from \"in\" { user: string, n: int, ok: bool, ip: ip, f: float, opt: string?, a: int, b: int, c: int, d: int,\n"
	"  e: int, g: int, h: int, i: int, j: int, k: int }\n";

/* ---- what conditions need -------------------------------------------------------------------------------------------- */

static void write_value(struct ens_buf *out, uint8_t type, const struct ens_value *v)
{
	if (type == ENS_STRING)
		ens_buf_addf(out, " '%.*s'", (int)v->len, v->s ? v->s : "");
	else if (type == ENS_IP)
		ens_buf_addf(out, " %u.%u", v->len, (unsigned)(unsigned char)v->s[15]);
	else if (type == ENS_FLOAT)
		ens_buf_addf(out, " %g", v->f);
	else
		ens_buf_addf(out, " %lld", (long long)v->i);
}

/* "field value value; field value": what the only condition of the rules needs. */
static void needs_are(const char *condition, const char *expected)
{
	struct ens_need *need = calloc(ENS_NEED_FIELDS_MAX, sizeof *need);
	struct ens_buf rule = ENS_BUF_EMPTY, got = ENS_BUF_EMPTY;
	struct compiled c;

	ens_buf_addf(&rule, "rule r\n  match x: E[%s]\n  emit M {}\n", condition);
	compile_behind(declarations, ens_buf_cstr(&rule), &c);
	CU_ASSERT_EQUAL_FATAL(c.t.npredicate, 1);
	struct ens_needs_reader *r = ens_needs_open(&c.t);

	CU_ASSERT_FATAL(r && need);
	const uint32_t n = ens_program_needs(r, c.t.predicate[0].program, need);

	for (uint32_t i = 0; i < n; i++) {
		const struct ens_t_str name = c.t.field[c.t.type[0].fields.first + need[i].field].name;

		ens_buf_addf(&got, "%s%.*s", i ? "; " : "", (int)name.len, c.t.bytes + name.off);
		for (uint32_t k = 0; k < need[i].n; k++)
			write_value(&got, need[i].type, &need[i].value[k]);
	}
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&got), expected);
	if (strcmp(ens_buf_cstr(&got), expected))
		printf("\n%s\n  needs    %s\n  expected %s\n", condition, ens_buf_cstr(&got), expected);
	ens_needs_close(r);
	discard_compiled(&c);
	ens_buf_free(&rule);
	ens_buf_free(&got);
	free(need);
}

static void equalities_are_needs(void)
{
	needs_are("user = \"x42\"", "user 'x42'");
	needs_are("\"x42\" = user", "user 'x42'");
	needs_are("user = \"\"", "user ''");
	needs_are("n = -17", "n -17");
	needs_are("f = -2.5 and n in (-1, 1)", "f -2.5; n -1 1");
	needs_are("ok = true", "ok 1");
	needs_are("f = 2.5", "f 2.5");
	needs_are("ip = \"10.0.0.7\"", "ip 16.7");
	needs_are("opt = \"k\"", "opt 'k'");
}

static void sets_and_alternatives_are_needs(void)
{
	needs_are("user in (\"a\", \"b\")", "user 'a' 'b'");
	needs_are("ip in (\"10.0.0.7\", \"10.0.0.8\")", "ip 16.7 16.8");
	needs_are("n in (3, null)", "n 3");
	needs_are("user = \"a\" or user = \"b\" or user in (\"c\", \"d\")", "user 'a' 'b' 'c' 'd'");
	needs_are("(user = \"a\" and n > 1) or (user = \"b\" and ok)", "user 'a' 'b'");
}

static void each_part_of_a_conjunction_is_a_need(void)
{
	needs_are("n = 17 and user = \"a\" and a > b", "n 17; user 'a'");
	needs_are("(n = 17 or n = 18) and (user = \"a\" or ok)", "n 17 18");
	needs_are("ok and not (n < 3) and opt is null and user = \"a\"", "user 'a'");
	needs_are("user = \"a\" and n * 2 > 4", "user 'a'");
	needs_are("user = \"a\" and not (user = \"b\")", "user 'a'");
}

static void what_may_be_true_otherwise_is_no_need(void)
{
	needs_are("user != \"a\"", "");
	needs_are("not (user = \"a\")", "");
	needs_are("user = \"a\" or n = 1", "");
	needs_are("user = \"a\" or opt is null", "");
	needs_are("opt = \"a\" or opt is null", "");
	needs_are("n > 3", "");
	needs_are("n = a", "");
	needs_are("n + 1 = 3", "");
	needs_are("n = 1.5", "");
	needs_are("lower(user) = \"a\"", "");
	needs_are("user like \"a*\"", "");
	needs_are("ip in (\"10.0.0.0/8\", \"11.0.0.1\")", "");
	needs_are("coalesce(opt, \"a\") = \"a\"", "");
	needs_are("(if ok then user else opt) = \"a\"", "");
}

/* Not to run a program that may lose a result would change the count of such losses. */
static void what_may_lose_a_result_first_is_no_need(void)
{
	needs_are("n * 2 > 4 and user = \"a\"", "");
	needs_are("lower(user) = \"a\" and n = 1", "");
	needs_are("user = \"a\" and (n / a > 1.0 or n = 2)", "user 'a'");
}

static void needs_are_bounded(void)
{
	struct ens_buf text = ENS_BUF_EMPTY, expected = ENS_BUF_EMPTY;

	ens_buf_adds(&text, "n in (0");
	ens_buf_adds(&expected, "n 0");
	for (uint32_t i = 1; i < ENS_NEED_VALUES_MAX; i++) {
		ens_buf_addf(&text, ", %u", i);
		ens_buf_addf(&expected, " %u", i);
	}
	ens_buf_addc(&text, ')');
	needs_are(ens_buf_cstr(&text), ens_buf_cstr(&expected));
	text.len--;
	ens_buf_adds(&text, ", 1000)");
	needs_are(ens_buf_cstr(&text), "");
	ens_buf_clear(&text);
	ens_buf_adds(&text, "n = 1");
	for (int i = 0; i < 100; i++)
		ens_buf_addf(&text, " and a > %d", i);
	needs_are(ens_buf_cstr(&text), ""); /* longer than what is read */
	needs_are("a = 1 and b = 2 and c = 3 and d = 4 and e = 5 and g = 6 and h = 7 and i = 8 and j = 9",
		  "a 1; b 2; c 3; d 4; e 5; g 6; h 7; i 8");
	ens_buf_free(&text);
	ens_buf_free(&expected);
}

/* ---- engines --------------------------------------------------------------------------------------------------------- */

static struct noted *open_bench(const char *rules, bool no_index)
{
	return open_noted(declarations, rules, (struct ens_engine_options){.no_index = no_index});
}

struct made {
	struct ens_event ev;
	struct ens_value value[NFIELD];
	char user[24], ip[16];
};

static void make(struct made *m, uint64_t at, const char *user, int64_t n)
{
	memset(m, 0, sizeof *m);
	snprintf(m->user, sizeof m->user, "%s", user);
	m->value[0] = (struct ens_value){.s = m->user, .len = (uint32_t)strlen(m->user)};
	m->value[1].i = n;
	m->value[2].i = n & 1;
	m->ip[15] = (char)(n & 3);
	m->value[3] = (struct ens_value){.s = m->ip, .len = 16};
	m->value[4].f = n % 3 ? 0.5 : -0.0;
	m->value[5] = m->value[0];
	if (n % 5 == 0)
		m->value[5] = (struct ens_value){.null = ENS_NULL};
	for (int i = 6; i < NFIELD; i++)
		m->value[i].i = n >> (i - 6) & 3;
	m->ev = (struct ens_event){.id = {.ms = at + 1}, .time_us = FIRST_US + (int64_t)at * 1000000, .value = m->value};
}

/* The numbers of the rules that an event with these fields finds, such as "0 3 4". */
static void found_is(const struct noted *b, const struct made *m, const char *expected)
{
	const struct ens_dispatch *d = b->engine->group[0].interest[0].dispatch;
	struct ens_buf got = ENS_BUF_EMPTY;
	struct ens_dispatch_walk w;
	uint32_t i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	ens_dispatch_find(d, m->value, &w);
	while ((i = ens_dispatch_next(&w)) != ENS_NONE)
		ens_buf_addf(&got, "%s%u", got.len ? " " : "", i);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&got), expected);
	ens_buf_free(&got);
}

static void add_rule(struct ens_buf *text, const char *match)
{
	static unsigned n;

	ens_buf_addf(text, "rule r%u\n  %s\n  emit M {}\n", n++, match);
}

static struct noted *bench_of(const char *const *match, size_t n)
{
	struct ens_buf text = ENS_BUF_EMPTY;

	for (size_t i = 0; i < n; i++)
		add_rule(&text, match[i]);
	struct noted *b = open_bench(ens_buf_cstr(&text), false);

	ens_buf_free(&text);
	return b;
}

static const char *const several[] = {
	"match x: E[user = \"a\"]",
	"match x: E[n = 5]",
	"match x: E[n > 5]",
	"match x: E[user = \"\" or user = \"b\"]",
	"match x: E[n = 5] -> y: E[user = \"a\" and n = 6]\n  within 1m",
	"match x: E[opt = \"a\"]",
	"match x: E[user = \"a\"] , y: E[user = \"b\"]\n  within 1m",
	"match x: E[user = \"a\"]+ -> not E[user = \"b\"]\n  within session 15s max 2m",
	"from E[user = \"c\"]\n  match x: E[n = 1] , y: E[n = 2]\n  within 1m",
	"match x: E[ip in (\"::1\", \"::2\")]",
	"match x: E[f = 0]",
	"match x: E[user = \"a\"] -> y: E[user = \"a\" and n = 7]\n  within 1m",
	"match x: E[user = \"d\"] -> not E[user = \"e\"] for 9s\n  reset on E[user = \"f\"]",
};

static void an_event_finds_the_rules_that_it_concerns_in_their_order(void)
{
	struct noted *b = bench_of(several, sizeof several / sizeof *several);
	struct made m;

	make(&m, 0, "a", 4); /* 2, 6, 7: always; ip ends in 0, f is not 0, opt is set */
	found_is(b, &m, "0 2 4 5 6 7 11");
	make(&m, 0, "a", 5); /* opt is null; f is not 0 */
	found_is(b, &m, "0 1 2 4 6 7 9 11");
	make(&m, 0, "", 3); /* f is -0.0 */
	found_is(b, &m, "2 3 6 7 10");
	make(&m, 0, "c", 8);
	found_is(b, &m, "2 6 7 8");
	make(&m, 0, "d", 8);
	found_is(b, &m, "2 6 7 12");
	make(&m, 0, "f", 8);
	found_is(b, &m, "2 6 7 12");
	make(&m, 0, "A", 8);
	found_is(b, &m, "2 6 7");
	m.value[0] = (struct ens_value){.null = ENS_NULL};
	found_is(b, &m, "2 6 7");
	close_noted(b);
}

static void each_of_a_thousand_constants_finds_its_rules(void)
{
	enum { N = 1000 };
	struct ens_buf text = ENS_BUF_EMPTY;
	char match[96], user[24], expected[48];
	struct made m;

	for (int i = 0; i < 2 * N; i++) {
		snprintf(match, sizeof match, i < N ? "match x: E[ok and user = \"u%d\"]" : "match x: E[n = %d and ok]", i % N);
		add_rule(&text, match);
	}
	struct noted *b = open_bench(ens_buf_cstr(&text), false);

	for (int i = 0; i < N; i++) {
		snprintf(user, sizeof user, "u%d", i);
		snprintf(expected, sizeof expected, "%d %d", i, N + (i * 7) % N);
		make(&m, 0, user, (i * 7) % N);
		found_is(b, &m, expected);
		snprintf(user, sizeof user, "v%d", i);
		make(&m, 0, user, N + i);
		found_is(b, &m, "");
	}
	ens_buf_free(&text);
	close_noted(b);
}

/* Every rule needs a kind, few a user: the user is what is looked up. */
static void the_field_with_the_most_constants_is_looked_up(void)
{
	static const char *const match[] = {
		"match x: E[a = 1 and user = \"p\"]", "match x: E[a = 1 and user = \"q\"]", "match x: E[a = 2 and user = \"r\"]",
		"match x: E[a = 1]"};
	struct noted *b = bench_of(match, 4);
	struct made m;

	make(&m, 0, "q", 1);
	found_is(b, &m, "1 3");
	make(&m, 0, "q", 2);
	found_is(b, &m, "1");
	close_noted(b);
}

static void beyond_the_most_fields_rules_are_gone_through(void)
{
	static const char fields[] = "abcdeghij";
	struct ens_buf text = ENS_BUF_EMPTY;
	char match[64];
	struct made m;

	for (int i = 0; i < 9; i++) {
		snprintf(match, sizeof match, "match x: E[%c = %d]", fields[i], 3);
		add_rule(&text, match);
	}
	struct noted *b = open_bench(ens_buf_cstr(&text), false);

	make(&m, 0, "q", 0);
	found_is(b, &m, "8");
	make(&m, 0, "q", 0xff);
	found_is(b, &m, "0 1 2 3 4 5 6 8");
	ens_buf_free(&text);
	close_noted(b);
}

static void without_constants_there_is_no_index(void)
{
	static const char *const plain[] = {"match x: E[n > 5]", "match x: E[user = \"a\"] , y: E\n  within 1m", "match x: E"};
	struct noted *b = bench_of(plain, 3), *off = open_bench("rule r\n  match x: E[user = \"a\"]\n  emit M {}\n", true);

	CU_ASSERT_PTR_NULL(b->engine->group[0].interest[0].dispatch);
	CU_ASSERT_PTR_NULL(off->engine->group[0].interest[0].dispatch);
	close_noted(b);
	close_noted(off);
}

static uint64_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

/* Random conditions, random patterns, the same events: emissions, and what is counted. */
static void random_rules(struct ens_buf *text)
{
	static const char *const condition[] = {
		"user = \"a\"", "user = \"b\"", "user in (\"a\", \"c\")", "n = 7", "n in (1, 2, 3) and user = \"b\"", "user = \"\"",
		"opt = \"b\" or opt is null", "opt = \"a\" or n = 9", "ip = \"::2\" and ok", "f = 0 and a = 1", "a = 1 and n / b > 1.0",
		"n / b > 1.0 and a = 1", "ok", "n > 12", "user != \"a\" and n = 4", "f = 0.5 and user = \"c\""};
	static const char *const shape[] = {
		"match x: E[%s]", "match x: E[%s] -> y: E[%s]\n  within 1m", "match x: E[%s] ->> y: E[%s]\n  within 9s",
		"match x: E[%s] , y: E[%s]\n  within 1m", "match x: E[%s] -> not E[%s] for 5s", "match not E[%s] for 3s -> x: E[%s]",
		"match all x: E[%s]+ -> y: E[%s]\n  within 6 events", "from E[%s]\n  match x: E -> y: E[%s]\n  within 20s",
		"match last x: E[%s]{2,} -> y: E[%s]\n  within 20s", "match x: E[%s]+ -> not E[%s]\n  within session 7s",
		"match x: E[%s]+ until E[%s] -> y: E\n  within 20s", "match x: E[%s] -> y: E[n > 3]\n  within 9s\n  reset on E[%s]"};
	char match[256];

	for (int i = 0; i < 12; i++) {
		const char *one = condition[below(sizeof condition / sizeof *condition)];
		const char *two = condition[below(sizeof condition / sizeof *condition)];
		const uint32_t which = below(sizeof shape / sizeof *shape);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(match, sizeof match, shape[which], one, two);
#pragma GCC diagnostic pop
		add_rule(text, match);
	}
}

static void play(struct noted *b, uint64_t play_seed)
{
	static const char *const user[] = {"a", "b", "c", "", "d"};

	seed = play_seed;
	for (uint32_t i = 0; i < 400; i++) {
		struct made m;

		make(&m, i, user[below(5)], below(16));
		CU_ASSERT_EQUAL_FATAL(ens_engine_push(b->engine, 0, &m.ev), ENS_OK);
	}
	CU_ASSERT_EQUAL(ens_engine_advance(b->engine, 0, INT64_MAX), ENS_OK);
	CU_ASSERT_TRUE(ens_engine_idle(b->engine));
}

static void the_index_changes_nothing_that_shows(void)
{
	uint64_t said = 0, lost = 0, indexed = 0;

	for (uint64_t round = 1; round <= 60; round++) {
		struct ens_buf text = ENS_BUF_EMPTY;

		seed = round;
		random_rules(&text);
		struct noted *with = open_bench(ens_buf_cstr(&text), false), *without = open_bench(ens_buf_cstr(&text), true);

		play(with, round);
		play(without, round);
		noted_are_same(with, without);
		said += with->said.len;
		lost += ens_engine_nulled(with->engine);
		indexed += with->engine->group[0].interest[0].dispatch != NULL;
		close_noted(with);
		close_noted(without);
		ens_buf_free(&text);
	}
	CU_ASSERT(said > 0 && lost > 0 && indexed > 50);
}

void suite_dispatch(void)
{
	CU_pSuite s = CU_add_suite("dispatch", NULL, NULL);

	CU_add_test(s, "equalities are needs", equalities_are_needs);
	CU_add_test(s, "sets and alternatives are needs", sets_and_alternatives_are_needs);
	CU_add_test(s, "each part of a conjunction is a need", each_part_of_a_conjunction_is_a_need);
	CU_add_test(s, "what may be true otherwise is no need", what_may_be_true_otherwise_is_no_need);
	CU_add_test(s, "what may lose a result first is no need", what_may_lose_a_result_first_is_no_need);
	CU_add_test(s, "needs are bounded", needs_are_bounded);
	CU_add_test(s, "an event finds the rules that it concerns, in their order", an_event_finds_the_rules_that_it_concerns_in_their_order);
	CU_add_test(s, "each of a thousand constants finds its rules", each_of_a_thousand_constants_finds_its_rules);
	CU_add_test(s, "the field with the most constants is looked up", the_field_with_the_most_constants_is_looked_up);
	CU_add_test(s, "beyond the most fields rules are gone through", beyond_the_most_fields_rules_are_gone_through);
	CU_add_test(s, "without constants there is no index", without_constants_there_is_no_index);
	CU_add_test(s, "the index changes nothing that shows", the_index_changes_nothing_that_shows);
}
