/* Programs: what each operation and function gives, three-valued logic, and what the verifier refuses. */
#include "runtime/program.h"

#include <CUnit/CUnit.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "tests/unit/mini_tables.h"

void suite_program(void);

/* ---- running one program ---------------------------------------------------------------------------------------- */

/* Finishes the tables, runs program p without event, and gives its result as JSON ("?..." if it is refused). */
static const char *result_of(struct mini *m, uint32_t p, enum ens_type type, uint64_t *nulled)
{
	static char text[1 << 17];
	struct ens_buf b = ENS_BUF_EMPTY;
	struct ens_error err = {{0}};
	struct ens_context c;
	struct ens_tables t;
	size_t len;
	char *bytes = mini_finish(m, &len);
	enum ens_status st = ens_tables_open(bytes, len, &t, &err);

	*m = (struct mini){0};
	if (st == ENS_OK)
		st = ens_context_init(&c, &t, &err);
	if (st == ENS_OK) {
		struct ens_value v = ens_program_run(&c, p);

		ens_format_json(&b, type, &v);
		if (nulled)
			*nulled = c.nulled;
		ens_context_free(&c);
	}
	snprintf(text, sizeof(text), st == ENS_OK ? "%s" : "?%s", st == ENS_OK ? ens_buf_cstr(&b) : err.text);
	ens_buf_free(&b);
	free(bytes);
	return text;
}

static bool same(const char *have, const char *want)
{
	if (strcmp(have, want) != 0)
		printf("\n  %s, not %s\n", have, want);
	return strcmp(have, want) == 0;
}

/* A constant from text by a type letter: "i42", "f1.5", "sabc", "bt", "t<time>", "d1h", "p10.0.0.1", "n" (null). */
static uint32_t constant(struct mini *m, const char *text)
{
	const char *s = text + 1;
	size_t len = strlen(s);
	int64_t i = 0;
	double f = 0;
	bool b = false;

	switch (text[0]) {
	case 'i':
		CU_ASSERT_FATAL(ens_parse_int(s, len, &i));
		return mini_int(m, ENS_INT, i);
	case 'f':
		CU_ASSERT_FATAL(ens_parse_float(s, len, &f));
		return mini_float(m, f);
	case 'b':
		CU_ASSERT_FATAL(ens_parse_bool(s, len, &b));
		return mini_int(m, ENS_BOOL, b);
	case 't':
		CU_ASSERT_FATAL(ens_parse_time(s, len, ENS_UNIT_AUTO, &i));
		return mini_int(m, ENS_TIME, i);
	case 'd':
		CU_ASSERT_FATAL(ens_parse_duration(s, len, &i));
		return mini_int(m, ENS_DURATION, i);
	case 'p':
		return mini_address(m, s);
	case 's':
		return mini_string(m, s);
	default:
		return mini_null(m);
	}
}

/* a OP b of constants. */
static const char *binary(enum ens_op op, unsigned fn, const char *a, const char *b, enum ens_type type)
{
	struct mini m = {0};
	uint32_t x = constant(&m, a), y = constant(&m, b);
	struct mini_code k = mini_program(&m, type, ENS_NONE, ENS_NONE);

	mini_opi(&k, ENS_OP_CONST, 0, x);
	mini_opi(&k, ENS_OP_CONST, 1, y);
	mini_op(&k, op, fn, 2, 0, 1);
	mini_opi(&k, ENS_OP_RET, 2, 0);
	return result_of(&m, mini_end(&k), type, NULL);
}

static const char *unary(enum ens_op op, const char *a, enum ens_type type)
{
	struct mini m = {0};
	uint32_t x = constant(&m, a);
	struct mini_code k = mini_program(&m, type, ENS_NONE, ENS_NONE);

	mini_opi(&k, ENS_OP_CONST, 0, x);
	mini_op(&k, op, 0, 1, 0, 0);
	mini_opi(&k, ENS_OP_RET, 1, 0);
	return result_of(&m, mini_end(&k), type, NULL);
}

static bool letters_fit(const char *want, const char *const *arg, unsigned narg)
{
	for (unsigned i = 0; i < narg; i++) {
		if (*want == '\0' || (arg[i][0] != *want && arg[i][0] != 'n'))
			return false;
		if (want[1] != '*')
			want++;
	}
	return *want == '\0' || want[1] == '*';
}

/* name(arguments), all of which are constants; the list ends with NULL. */
static const char *call_counted(const char *name, const char *const *arg, uint64_t *nulled)
{
	struct mini m = {0};
	struct mini_code k;
	uint32_t x[8];
	unsigned fn = 0, narg = 0;

	while (arg[narg])
		narg++;
	while (fn < ENS_NFUNCTION && (strcmp(ens_function_table[fn].name, name) != 0 ||
				      !letters_fit(ens_function_table[fn].arguments, arg, narg)))
		fn++;
	CU_ASSERT_FATAL(fn < ENS_NFUNCTION);
	for (unsigned i = 0; i < narg; i++)
		x[i] = constant(&m, arg[i]);
	k = mini_program(&m, ens_function_table[fn].result, ENS_NONE, ENS_NONE);
	for (unsigned i = 0; i < narg; i++)
		mini_opi(&k, ENS_OP_CONST, i, x[i]);
	mini_op(&k, ENS_OP_CALL, fn, 7, 0, narg);
	mini_opi(&k, ENS_OP_RET, 7, 0);
	return result_of(&m, mini_end(&k), ens_function_table[fn].result, nulled);
}

#define CALL(name, ...) call_counted(name, (const char *const[]){__VA_ARGS__, NULL}, NULL)
#define GIVES(want, name, ...) CU_ASSERT(same(CALL(name, __VA_ARGS__), want))
#define LOSES(name, ...)                                                                                \
	do {                                                                                            \
		uint64_t lost = 0;                                                                      \
		const char *have = call_counted(name, (const char *const[]){__VA_ARGS__, NULL}, &lost); \
		CU_ASSERT(same(have, "null"));                                                          \
		CU_ASSERT_EQUAL(lost, 1);                                                               \
	} while (0)

/* ---- operators -------------------------------------------------------------------------------------------------- */

static void arithmetic_keeps_its_types_and_loses_what_does_not_fit(void)
{
#define ARITHMETIC(op, a, b, type, want) CU_ASSERT(same(binary(ENS_OP_##op, 0, a, b, ENS_##type), want))
	ARITHMETIC(ADD, "i2", "i3", INT, "5");
	ARITHMETIC(ADD, "i9223372036854775807", "i1", INT, "null");
	ARITHMETIC(ADD, "f1.5", "f2", FLOAT, "3.5");
	ARITHMETIC(ADD, "f1e308", "f1e308", FLOAT, "null");
	ARITHMETIC(ADD, "t2026-01-05T08:00:00Z", "d1h", TIME, "\"2026-01-05T09:00:00.000000Z\"");
	ARITHMETIC(ADD, "d1h", "t2026-01-05T08:00:00Z", TIME, "\"2026-01-05T09:00:00.000000Z\"");
	ARITHMETIC(ADD, "d1h", "d1m", DURATION, "3660");
	ARITHMETIC(SUB, "t2026-01-05T08:00:00Z", "t2026-01-05T07:00:00Z", DURATION, "3600");
	ARITHMETIC(SUB, "t2026-01-05T08:00:00Z", "d1h", TIME, "\"2026-01-05T07:00:00.000000Z\"");
	ARITHMETIC(SUB, "i-9223372036854775808", "i1", INT, "null");
	ARITHMETIC(SUB, "f1", "f0.5", FLOAT, "0.5");
	ARITHMETIC(MUL, "i-9223372036854775808", "i-1", INT, "null");
	ARITHMETIC(MUL, "f2", "f3", FLOAT, "6.0");
	ARITHMETIC(MUL, "d10s", "i3", DURATION, "30");
	ARITHMETIC(MUL, "d10s", "f0.25", DURATION, "2.5");
	ARITHMETIC(MUL, "f0.25", "d10s", DURATION, "2.5");
	ARITHMETIC(MUL, "i3", "d10s", DURATION, "30");
	ARITHMETIC(MUL, "d1us", "f2.5", DURATION, "0.000002");
	ARITHMETIC(MUL, "d10w", "f1e300", DURATION, "null");
	ARITHMETIC(DIV, "f1", "f4", FLOAT, "0.25");
	ARITHMETIC(DIV, "f1", "f0", FLOAT, "null");
	ARITHMETIC(DIV, "f0", "f-0", FLOAT, "null");
	ARITHMETIC(DIV, "d90s", "d1m", FLOAT, "1.5");
	ARITHMETIC(DIV, "d90s", "d0s", FLOAT, "null");
	ARITHMETIC(MOD, "i7", "i3", INT, "1");
	ARITHMETIC(MOD, "i-7", "i3", INT, "-1");
	ARITHMETIC(MOD, "i7", "i-3", INT, "1");
	ARITHMETIC(MOD, "i-9223372036854775808", "i-1", INT, "0");
	ARITHMETIC(MOD, "i7", "i0", INT, "null");
	ARITHMETIC(MOD, "f-7.5", "f2", FLOAT, "-1.5");
	ARITHMETIC(MOD, "f7.5", "f0", FLOAT, "null");
	ARITHMETIC(ADD, "n", "i3", INT, "null");
	ARITHMETIC(MUL, "f2", "n", FLOAT, "null");
#undef ARITHMETIC
	CU_ASSERT(same(unary(ENS_OP_NEG, "i5", ENS_INT), "-5"));
	CU_ASSERT(same(unary(ENS_OP_NEG, "i-9223372036854775808", ENS_INT), "null"));
	CU_ASSERT(same(unary(ENS_OP_NEG, "f2.5", ENS_FLOAT), "-2.5"));
	CU_ASSERT(same(unary(ENS_OP_NEG, "d1m", ENS_DURATION), "-60"));
	CU_ASSERT(same(unary(ENS_OP_NEG, "n", ENS_INT), "null"));
	CU_ASSERT(same(unary(ENS_OP_TO_FLOAT, "i5", ENS_FLOAT), "5.0"));
	CU_ASSERT(same(unary(ENS_OP_TO_FLOAT, "n", ENS_FLOAT), "null"));
}

/* Each pair with its order: -1, 0, 1. */
static void comparisons_agree_with_the_order(void)
{
	static const struct {
		const char *a, *b;
		int order;
		bool ordered;
	} cases[] = {
		{"i1", "i2", -1, true},	   {"i2", "i2", 0, true},     {"i-1", "i-2", 1, true},
		{"f1.5", "f2", -1, true},  {"f0", "f-0", 0, true},    {"sab", "sb", -1, true},
		{"sab", "sabc", -1, true}, {"s", "s", 0, true},	      {"s\xC3\xA4", "sz", 1, true},
		{"t5", "t6", -1, true},	   {"d1m", "d60s", 0, true},  {"bt", "bf", 1, false},
		{"p::1", "p::1", 0, false}, {"p::ffff:1.2.3.4", "p1.2.3.4", 0, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned how = 0; how < ENS_NCMP; how++) {
			int order = cases[i].order;
			bool want = how == ENS_CMP_EQ	? order == 0
				    : how == ENS_CMP_NE ? order != 0
				    : how == ENS_CMP_LT ? order < 0
				    : how == ENS_CMP_LE ? order <= 0
				    : how == ENS_CMP_GT ? order > 0
							: order >= 0;
			const char *have = binary(ENS_OP_COMPARE, how, cases[i].a, cases[i].b, ENS_BOOL);

			if (how > ENS_CMP_NE && !cases[i].ordered) {
				CU_ASSERT(strstr(have, "has no order") != NULL);
			} else {
				CU_ASSERT(same(have, want ? "true" : "false"));
			}
		}
	CU_ASSERT(same(binary(ENS_OP_COMPARE, ENS_CMP_NE, "n", "i1", ENS_BOOL), "null"));
	CU_ASSERT(same(binary(ENS_OP_COMPARE, ENS_CMP_EQ, "n", "n", ENS_BOOL), "null"));
}

static void logic_has_three_values(void)
{
	static const char *const v[] = {"bf", "bt", "n"}, *const name[] = {"false", "true", "null"};
	static const int and[3][3] = {{0, 0, 0}, {0, 1, 2}, {0, 2, 2}}, or[3][3] = {{0, 1, 2}, {1, 1, 1}, {2, 1, 2}};

	for (int a = 0; a < 3; a++) {
		for (int b = 0; b < 3; b++) {
			CU_ASSERT(same(binary(ENS_OP_AND, 0, v[a], v[b], ENS_BOOL), name[and[a][b]]));
			CU_ASSERT(same(binary(ENS_OP_OR, 0, v[a], v[b], ENS_BOOL), name[or[a][b]]));
		}
		CU_ASSERT(same(unary(ENS_OP_NOT, v[a], ENS_BOOL), name[a == 2 ? 2 : !a]));
		CU_ASSERT(same(unary(ENS_OP_IS_NULL, v[a], ENS_BOOL), name[a == 2]));
	}
}

/* `text` in (or like) the members, which end with NULL. */
static const char *member(enum ens_op op, const char *text, const char *const *members, bool networks)
{
	struct mini m = {0};
	uint32_t x = constant(&m, text), first = 0, n = 0, set;
	struct mini_code k;

	for (; members[n]; n++) {
		uint32_t c = networks && members[n][0] != 'n' ? mini_network(&m, members[n]) : constant(&m, members[n]);

		first = n == 0 ? c : first;
	}
	set = PUT(&m, set, ens_t_set, {.consts = {first, n}});
	k = mini_program(&m, ENS_BOOL, ENS_NONE, ENS_NONE);
	mini_opi(&k, ENS_OP_CONST, 0, x);
	mini_op(&k, op, 0, 1, 0, set);
	mini_opi(&k, ENS_OP_RET, 1, 0);
	return result_of(&m, mini_end(&k), ENS_BOOL, NULL);
}

#define IN(want, x, ...) CU_ASSERT(same(member(ENS_OP_IN, x, (const char *const[]){__VA_ARGS__, NULL}, false), want))
#define NET(want, x, ...) CU_ASSERT(same(member(ENS_OP_IN, x, (const char *const[]){__VA_ARGS__, NULL}, true), want))
#define LIKE(want, x, ...) CU_ASSERT(same(member(ENS_OP_LIKE, x, (const char *const[]){__VA_ARGS__, NULL}, false), want))

static void in_finds_members_and_networks(void)
{
	IN("true", "i3", "i9", "i3", "i1", "i3");
	IN("false", "i4", "i9", "i3", "i1");
	IN("null", "i4", "i9", "n", "i1");
	IN("true", "i9", "i9", "n", "i1");
	IN("null", "n", "i9");
	IN("null", "i9", "n");
	IN("true", "f0", "f-0", "f2.5");
	IN("false", "f1", "f0.5", "f2.5");
	IN("true", "sann", "sbob", "sann", "s");
	IN("true", "s", "sbob", "sann", "s");
	IN("false", "san", "sbob", "sann");
	IN("true", "bt", "bt");
	IN("true", "d60s", "d1m");
	NET("true", "p10.9.8.7", "192.168.0.0/16", "10.0.0.0/8");
	NET("true", "p10.255.255.255", "10.1.0.0/16", "10.0.0.0/8", "10.2.3.4");
	NET("false", "p11.0.0.0", "10.1.0.0/16", "10.0.0.0/8", "12.0.0.0/8");
	NET("true", "p12.0.0.0", "10.1.0.0/16", "10.0.0.0/8", "12.0.0.0/8");
	NET("true", "pfd00::1", "fc00::/7", "10.0.0.0/8");
	NET("false", "p::1", "fc00::/7", "10.0.0.0/8");
	NET("true", "p1.2.3.4", "::/0");
	NET("true", "p1.2.3.4", "1.2.3.4");
	NET("null", "p1.2.3.5", "1.2.3.4", "n");
}

static void like_is_a_glob_over_characters(void)
{
	LIKE("true", "sabc", "sa*");
	LIKE("true", "sabc", "s*c");
	LIKE("true", "sabc", "s*b*");
	LIKE("true", "sabc", "sabc");
	LIKE("true", "sabc", "sa?c");
	LIKE("true", "sa\xC3\xA4"
			 "c",
	     "sa?c");
	LIKE("false", "sa\xC3\xA4"
			  "c",
	     "sa??c");
	LIKE("false", "sabc", "sab");
	LIKE("false", "sabc", "sbc");
	LIKE("false", "sabc", "s");
	LIKE("true", "s", "s");
	LIKE("true", "s", "s*");
	LIKE("false", "s", "s?");
	LIKE("true", "s", "s**");
	LIKE("false", "sab", "sab*ab");
	LIKE("true", "sabab", "sab*ab");
	LIKE("true", "saXbXXc", "sa*b*c");
	LIKE("true", "sab.txt.txt", "s*.txt");
	LIKE("true", "sfoo.bar.baz", "s*.?ar*z");
	LIKE("true", "s\xE2\x82\xAC", "s?");
	LIKE("true", "sx\xE2\x82\xACy", "s*?y");
	LIKE("false", "sy", "s*?y");
	LIKE("true", "sa\\b", "sa\\*");
	LIKE("true", "sb", "sa*", "sb*");
	LIKE("null", "sc", "sa*", "n");
	LIKE("null", "n", "sa*");
}

/* Text and pattern of letters a, b, ?, * of up to 6: against a plain recursive definition. */
static bool like_by_definition(const char *s, const char *p)
{
	if (*p == '\0')
		return *s == '\0';
	if (*p == '*')
		return like_by_definition(s, p + 1) || (*s != '\0' && like_by_definition(s + 1, p));
	return *s != '\0' && (*p == '?' || *p == *s) && like_by_definition(s + 1, p + 1);
}

static void like_agrees_with_its_definition(void)
{
	struct mini m = {0};
	struct ens_context c;
	struct ens_tables t;
	struct ens_event e = {0};
	struct ens_value v = {0};
	uint32_t state = 1;
	size_t len;
	char *bytes, pattern[200][8];

	PUT(&m, field, ens_t_field, {.program = ENS_NONE, .name = mini_text(&m, "s"), .sources = mini_source(&m, "s"), .type = ENS_STRING});
	PUT(&m, type, ens_t_type,
	    {.name = mini_text(&m, "E"), .fields = {0, 1}, .time_field = ENS_NONE, .where = ENS_NONE, .sent_field = ENS_NONE,
			     .shard_field = ENS_NONE, .unique_field = ENS_NONE});
	for (uint32_t i = 0; i < 200; i++) {
		struct mini_code k;
		uint32_t n = 0;

		for (; n < i % 7; n++)
			pattern[i][n] = "ab?*"[(state = state * 1103515245 + 12345) >> 16 & 3];
		pattern[i][n] = '\0';
		PUT(&m, set, ens_t_set, {.consts = {mini_string(&m, pattern[i]), 1}});
		k = mini_program(&m, ENS_BOOL, 0, ENS_NONE);
		mini_opi(&k, ENS_OP_FIELD, 0, 0);
		mini_op(&k, ENS_OP_LIKE, 0, 1, 0, i);
		mini_opi(&k, ENS_OP_RET, 1, 0);
		mini_end(&k);
	}
	bytes = mini_finish(&m, &len);
	CU_ASSERT_FATAL(ens_tables_open(bytes, len, &t, NULL) == ENS_OK);
	CU_ASSERT_FATAL(ens_context_init(&c, &t, NULL) == ENS_OK);
	e.value = &v;
	c.event = &e;
	for (uint32_t s = 0; s < 1 << 7; s++) { /* texts of a and b: the bits below the highest one */
		char text[8];
		uint32_t n = 0;

		for (uint32_t x = s + 1; x > 1; x >>= 1)
			text[n++] = x & 1 ? 'a' : 'b';
		text[n] = '\0';
		v.s = text;
		v.len = n;
		for (uint32_t i = 0; i < 200; i++)
			CU_ASSERT_FATAL(ens_program_holds(&c, i) == like_by_definition(text, pattern[i]));
	}
	ens_context_free(&c);
	free(bytes);
}

static const char *matches(const char *text, const char *pattern)
{
	struct mini m = {0};
	uint32_t x = constant(&m, text), i;
	struct ens_t_str str = mini_text(&m, pattern);
	struct mini_code k = mini_program(&m, ENS_BOOL, ENS_NONE, ENS_NONE);

	i = mini_put(&m, ENS_T_SECTION_pattern, &str, sizeof(str));
	mini_opi(&k, ENS_OP_CONST, 0, x);
	mini_op(&k, ENS_OP_MATCHES, 0, 1, 0, i);
	mini_opi(&k, ENS_OP_RET, 1, 0);
	return result_of(&m, mini_end(&k), ENS_BOOL, NULL);
}

static void matches_finds_regular_expressions(void)
{
	struct ens_error err = {{0}};

	CU_ASSERT(same(matches("sfoo123", "[0-9]+$"), "true"));
	CU_ASSERT(same(matches("sfoo", "[0-9]"), "false"));
	CU_ASSERT(same(matches("s\xC3\xA4", "^.$"), "true"));
	CU_ASSERT(same(matches("s", "^$"), "true"));
	CU_ASSERT(same(matches("n", "a"), "null"));
	CU_ASSERT(strncmp(matches("sa", "(a"), "?not a regular expression", 25) == 0);
	CU_ASSERT(ens_pattern_valid("a+b", 3, &err));
	CU_ASSERT_FALSE(ens_pattern_valid("a(", 2, &err));
	CU_ASSERT_FALSE(ens_pattern_valid("((a{1000}){1000}){1000}", 23, &err));
}

/* ---- functions -------------------------------------------------------------------------------------------------- */

static void functions_of_numbers(void)
{
	GIVES("5", "abs", "i-5");
	GIVES("2.5", "abs", "f-2.5");
	GIVES("60", "abs", "d-60");
	LOSES("abs", "i-9223372036854775808");
	GIVES("-3.0", "floor", "f-2.5");
	GIVES("7", "floor", "i7");
	GIVES("-2.0", "ceil", "f-2.5");
	GIVES("2.0", "round", "f2.5");
	GIVES("4.0", "round", "f3.5");
	GIVES("0.12", "round", "f0.125", "i2");
	GIVES("1200.0", "round", "f1250", "i-2");
	GIVES("1200", "round", "i1250", "i-2");
	GIVES("1400", "round", "i1350", "i-2");
	GIVES("-1200", "round", "i-1250", "i-2");
	GIVES("1250", "round", "i1250", "i2");
	GIVES("0", "round", "i1250", "i-100");
	GIVES("0", "round", "i1250", "i-19");
	LOSES("round", "i9223372036854775807", "i-1");
	LOSES("round", "i9223372036854775807", "i-19");
	GIVES("3.0", "sqrt", "f9");
	LOSES("sqrt", "f-1");
	GIVES("0.0", "log", "f1");
	LOSES("log", "f0");
	GIVES("2.718281828459045", "exp", "f1");
	LOSES("exp", "f1000");
	GIVES("1024.0", "pow", "f2", "f10");
	LOSES("pow", "f-1", "f0.5");
	GIVES("1", "min", "i3", "i1", "i2");
	GIVES("3", "max", "i3", "i1", "i2");
	GIVES("1.5", "min", "f3", "f1.5");
	GIVES("\"a\"", "min", "sb", "sa");
	GIVES("\"ba\"", "max", "sb", "sba", "sa");
	GIVES("120", "max", "d1m", "d2m");
	GIVES("null", "max", "i3", "n");
	GIVES("0.0", "km", "f52.5", "f13.4", "f52.5", "f13.4");
}

static void distances_are_those_of_the_globe(void)
{
	double km = strtod(CALL("km", "f52.52", "f13.405", "f48.8566", "f2.3522"), NULL); /* Berlin - Paris */

	CU_ASSERT(km > 876 && km < 879);
	km = strtod(CALL("km", "f0", "f0", "f0", "f180"), NULL);
	CU_ASSERT(fabs(km - 20015.1) < 0.1);
	km = strtod(CALL("km", "f0", "f179.5", "f0", "f-179.5"), NULL);
	CU_ASSERT(fabs(km - 111.195) < 0.01);
}

static void functions_of_strings(void)
{
	GIVES("\"abc \xC3\xA4 \xCF\x83 \xD0\xB6\"", "lower", "sABC \xC3\x84 \xCE\xA3 \xD0\x96");
	GIVES("\"ABC \xC3\x84 \xCE\xA3 \xD0\x96 \xC3\x9F\"", "upper", "sabc \xC3\xA4 \xCF\x82 \xD0\xB6 \xC3\x9F");
	GIVES("\"\xC5\x81\xC5\xBD\xC5\xB8\"", "upper", "s\xC5\x82\xC5\xBE\xC3\xBF");
	GIVES("3", "len", "sa\xC3\xA4\xE2\x82\xAC");
	GIVES("\"a b\"", "trim", "s \t a b \n");
	GIVES("\"\"", "trim", "s   ");
	GIVES("\"\xC3\xA4"
	      "c\"",
	      "substr", "sa\xC3\xA4"
			"c",
	      "i2");
	GIVES("\"bc\"", "substr", "sabcd", "i2", "i2");
	GIVES("\"a\"", "substr", "sabcd", "i0", "i2");
	GIVES("\"\"", "substr", "sabcd", "i9");
	GIVES("\"\"", "substr", "sabcd", "i-9223372036854775808", "i1");
	GIVES("\"bcd\"", "substr", "sabcd", "i2", "i9223372036854775807");
	GIVES("null", "substr", "sabcd", "i2", "i-1");
	GIVES("true", "starts_with", "sabc", "sab");
	GIVES("false", "starts_with", "sab", "sabc");
	GIVES("true", "ends_with", "sabc", "sbc");
	GIVES("true", "ends_with", "sabc", "s");
	GIVES("true", "contains", "sabc", "sb");
	GIVES("false", "contains", "sabc", "sac");
	GIVES("true", "contains", "s", "s");
	GIVES("\"axxaxx\"", "replace", "sabab", "sb", "sxx");
	GIVES("\"aa\"", "replace", "sabab", "sb", "s");
	GIVES("\"abab\"", "replace", "sabab", "s", "sx");
	GIVES("\"example.org\"", "split_part", "sann@example.org", "s@", "i2");
	GIVES("\"ann\"", "split_part", "sann@example.org", "s@", "i1");
	GIVES("\"\"", "split_part", "sann@example.org", "s@", "i3");
	GIVES("\"c\"", "split_part", "sa, b, c", "s, ", "i-1");
	GIVES("\"a\"", "split_part", "sa, b, c", "s, ", "i-3");
	GIVES("\"\"", "split_part", "sa, b, c", "s, ", "i-4");
	GIVES("\"abc\"", "split_part", "sabc", "s", "i1");
	GIVES("null", "split_part", "sabc", "sb", "i0");
	GIVES("\"abc\"", "concat", "sa", "s", "sbc");
	GIVES("null", "concat", "sa", "n");
}

/* A string of 60,000 bytes doubled is longer than a value may be. */
static void strings_that_grow_too_long_are_lost(void)
{
	static char text[60002];
	uint64_t lost = 0;
	const char *have;

	memset(text, 'a', 60001);
	text[0] = 's';
	have = call_counted("concat", (const char *const[]){text, text, NULL}, &lost);
	CU_ASSERT_STRING_EQUAL(have, "null");
	CU_ASSERT_EQUAL(lost, 1);
	have = call_counted("replace", (const char *const[]){text, "sa", text, NULL}, &lost);
	CU_ASSERT_STRING_EQUAL(have, "null");
	CU_ASSERT_EQUAL(strlen(call_counted("upper", (const char *const[]){text, NULL}, &lost)), 60002);
}

static void functions_of_times(void)
{
	GIVES("8", "hour", "t2026-01-05T08:59:10Z");
	GIVES("59", "minute", "t2026-01-05T08:59:10Z");
	GIVES("1", "weekday", "t2026-01-05T08:59:10Z");
	GIVES("7", "weekday", "t2026-01-04T23:59:59Z");
	GIVES("4", "weekday", "t0");
	GIVES("31", "day", "t1969-12-31T23:59:59Z");
	GIVES("23", "hour", "t1969-12-31T23:59:59Z");
	GIVES("\"2026-08-13T14:15:16.000000Z\"", "date_trunc", "ssecond", "t2026-08-13T14:15:16.5Z");
	GIVES("\"2026-08-13T14:15:00.000000Z\"", "date_trunc", "sminute", "t2026-08-13T14:15:16.5Z");
	GIVES("\"2026-08-13T14:00:00.000000Z\"", "date_trunc", "shour", "t2026-08-13T14:15:16.5Z");
	GIVES("\"2026-08-13T00:00:00.000000Z\"", "date_trunc", "sday", "t2026-08-13T14:15:16.5Z");
	GIVES("\"2026-08-10T00:00:00.000000Z\"", "date_trunc", "sweek", "t2026-08-13T14:15:16.5Z");
	GIVES("\"2026-08-01T00:00:00.000000Z\"", "date_trunc", "smonth", "t2026-08-13T14:15:16.5Z");
	GIVES("\"2026-07-01T00:00:00.000000Z\"", "date_trunc", "squarter", "t2026-08-13T14:15:16.5Z");
	GIVES("\"2026-01-01T00:00:00.000000Z\"", "date_trunc", "syear", "t2026-08-13T14:15:16.5Z");
	GIVES("\"1969-12-31T23:00:00.000000Z\"", "date_trunc", "shour", "t1969-12-31T23:59:59.5Z");
	GIVES("null", "date_trunc", "sfortnight", "t0");
	GIVES("\"2026-01-05 08:59:10.000000 Mon Monday Jan January 005 1 26 %\"", "format_time", "t2026-01-05T08:59:10Z",
	      "s%F %T.%f %a %A %b %B %j %u %y %%");
	GIVES("\"1767603550 +0000 UTC 2026/01/05 08h59m10\"", "format_time", "t2026-01-05T08:59:10Z",
	      "s%s %z %Z %Y/%m/%d %Hh%Mm%S");
	GIVES("null", "format_time", "t0", "s%Q");
	GIVES("null", "format_time", "t0", "s%");
	GIVES("\"\"", "format_time", "t0", "s");
	GIVES("90.0", "seconds", "d1m30s");
	GIVES("1.5", "minutes", "d1m30s");
	GIVES("0.025", "hours", "d1m30s");
}

static void conversions_give_null_where_they_cannot(void)
{
	GIVES("12", "int", "s12");
	GIVES("null", "int", "s12.0");
	GIVES("-2", "int", "f-2.9");
	LOSES("int", "f1e30");
	GIVES("1", "int", "bt");
	GIVES("7", "int", "i7");
	GIVES("1.5", "float", "s1.5");
	GIVES("null", "float", "sx");
	GIVES("null", "float", "s1e999");
	GIVES("\"true\"", "string", "bt");
	GIVES("\"-7\"", "string", "i-7");
	GIVES("\"0.5\"", "string", "f0.5");
	GIVES("\"x\"", "string", "sx");
	GIVES("\"1h30m\"", "string", "d90m");
	GIVES("\"10.0.0.1\"", "string", "p10.0.0.1");
	GIVES("\"1970-01-01T00:00:00.000000Z\"", "string", "t0");
	GIVES("\"2026-01-05T08:00:00.000000Z\"", "time", "s2026-01-05T08:00:00Z");
	GIVES("\"2026-01-05T08:00:00.000000Z\"", "time", "i1767600000");
	GIVES("null", "time", "ssoon");
	GIVES("2", "coalesce", "n", "i2", "i3");
	GIVES("null", "coalesce", "n", "n");
	GIVES("\"a\"", "coalesce", "n", "sa");
}

static void hashes_depend_on_the_value_alone(void)
{
	char first[64];

	snprintf(first, sizeof(first), "%s", CALL("hash", "sann"));
	CU_ASSERT(first[0] != '-');
	GIVES(first, "hash", "sann");
	CU_ASSERT(strcmp(CALL("hash", "sbob"), first) != 0);
	snprintf(first, sizeof(first), "%s", CALL("hash", "f0"));
	GIVES(first, "hash", "f-0");
	snprintf(first, sizeof(first), "%s", CALL("hash", "p1.2.3.4"));
	GIVES(first, "hash", "p::ffff:1.2.3.4");
	GIVES("null", "hash", "n");
}

/* ---- programs with jumps, events, slots ------------------------------------------------------------------------- */

static void jumps_choose_the_way(void)
{
	static const enum ens_op op[] = {ENS_OP_JUMP_FALSE, ENS_OP_JUMP_TRUE, ENS_OP_JUMP_UNLESS, ENS_OP_JUMP_SET};
	static const char *const test[] = {"bf", "bt", "n"};
	static const bool jumps[4][3] = {{1, 0, 0}, {0, 1, 0}, {1, 0, 1}, {1, 1, 0}};

	for (int o = 0; o < 4; o++)
		for (int v = 0; v < 3; v++) {
			struct mini m = {0};
			uint32_t x = constant(&m, test[v]), stay = constant(&m, "i1"), jump = constant(&m, "i2");
			struct mini_code k = mini_program(&m, ENS_INT, ENS_NONE, ENS_NONE);

			mini_opi(&k, ENS_OP_CONST, 0, x);
			mini_opi(&k, op[o], 0, 4);
			mini_opi(&k, ENS_OP_CONST, 1, stay);
			mini_opi(&k, ENS_OP_JUMP, 0, 5);
			mini_opi(&k, ENS_OP_CONST, 1, jump);
			mini_op(&k, ENS_OP_MOVE, 0, 2, 1, 0);
			mini_opi(&k, ENS_OP_RET, 2, 0);
			CU_ASSERT(same(result_of(&m, mini_end(&k), ENS_INT, NULL), jumps[o][v] ? "2" : "1"));
		}
}

static struct ens_value string_value(const char *s)
{
	return (struct ens_value){.s = s, .len = (uint32_t)strlen(s)};
}

static bool text_is(struct ens_value v, const char *want)
{
	return !v.null && v.len == strlen(want) && memcmp(v.s, want, v.len) == 0;
}

static void the_sample_reads_events_slots_and_keys(void)
{
	size_t len;
	char *bytes = mini_sample(&len);
	struct ens_value field[5] = {string_value("ann"), {.i = 5}, {.f = 1.5}, {.i = 0}, string_value("ann")};
	struct ens_value slot[5] = {[0] = {.i = 3, .null = ENS_UNSET}, [4] = {.i = 7}}, key = string_value("ann");
	struct ens_event e = {.value = field};
	struct ens_context c;
	struct ens_tables t;
	struct ens_value v;

	CU_ASSERT_FATAL(ens_tables_open(bytes, len, &t, NULL) == ENS_OK);
	CU_ASSERT_FATAL(ens_context_init(&c, &t, NULL) == ENS_OK);
	c.event = &e;
	c.slot = slot;
	c.key = &key;
	CU_ASSERT(ens_program_holds(&c, t.type[0].where));
	field[4].null = ENS_NULL;
	CU_ASSERT_FALSE(ens_program_holds(&c, t.type[0].where));
	CU_ASSERT(ens_program_holds(&c, t.state[1].condition)); /* nothing to beat */
	slot[0].null = ENS_SET;
	CU_ASSERT(ens_program_holds(&c, t.state[1].condition));
	slot[0].i = 5;
	CU_ASSERT_FALSE(ens_program_holds(&c, t.state[1].condition));
	CU_ASSERT(ens_program_holds(&c, t.predicate[0].program));
	field[1].null = ENS_NULL;
	CU_ASSERT_FALSE(ens_program_holds(&c, t.predicate[0].program));
	CU_ASSERT(text_is(ens_program_run(&c, t.out[0].program), "ann"));
	slot[4].null = ENS_UNSET;
	v = ens_program_run(&c, t.out[1].program);
	CU_ASSERT_EQUAL(v.null, ENS_NULL); /* no longer "never assigned" */
	ens_program_reset(&c);
	ens_context_free(&c);
	free(bytes);
}

static void events_have_an_id_a_stream_and_a_time(void)
{
	struct mini m = {0};
	static const enum ens_op op[] = {ENS_OP_EVENT_ID, ENS_OP_EVENT_STREAM, ENS_OP_EVENT_TIME};
	struct ens_event e = {.id = {1700000000000, 3, 1}, .time_us = 77};
	struct ens_context c;
	struct ens_tables t;
	size_t len;
	char *bytes;

	PUT(&m, stream, ens_t_stream, {.name = mini_text(&m, "first")});
	PUT(&m, stream, ens_t_stream, {.name = mini_text(&m, "second")});
	PUT(&m, type, ens_t_type, {.name = mini_text(&m, "E"), .time_field = ENS_NONE, .where = ENS_NONE, .sent_field = ENS_NONE,
			     .shard_field = ENS_NONE, .unique_field = ENS_NONE});
	for (int i = 0; i < 3; i++) {
		struct mini_code k = mini_program(&m, i == 2 ? ENS_TIME : ENS_STRING, 0, ENS_NONE);

		mini_opi(&k, op[i], 0, 0);
		mini_opi(&k, ENS_OP_RET, 0, 0);
		mini_end(&k);
	}
	bytes = mini_finish(&m, &len);
	CU_ASSERT_FATAL(ens_tables_open(bytes, len, &t, NULL) == ENS_OK);
	CU_ASSERT_FATAL(ens_context_init(&c, &t, NULL) == ENS_OK);
	c.event = &e;
	CU_ASSERT(text_is(ens_program_run(&c, 0), "1700000000000-3"));
	CU_ASSERT(text_is(ens_program_run(&c, 1), "second"));
	CU_ASSERT_EQUAL(ens_program_run(&c, 2).i, 77);
	e.from_file = true;
	e.id = (struct ens_entry_id){12, 0, ENS_NONE};
	CU_ASSERT(text_is(ens_program_run(&c, 0), "12"));
	CU_ASSERT(ens_program_run(&c, 1).null == ENS_NULL);
	for (int i = 0; i < 2000000 && !ens_program_run(&c, 0).null; i++)
		;
	CU_ASSERT(ens_program_run(&c, 0).null == ENS_NULL); /* the scratch budget is used up */
	CU_ASSERT(c.nulled > 0);
	ens_program_reset(&c);
	CU_ASSERT(ens_program_run(&c, 0).null == ENS_SET);
	ens_context_free(&c);
	free(bytes);
}

/* Comparisons of a field with a constant are one instruction: the same results as step by step. */
static void a_field_against_a_constant_is_like_any_comparison(void)
{
	static const char *const constants[] = {"i5", "f2.5", "smid", "p10.0.0.5"};
	static const uint8_t type[] = {ENS_INT, ENS_FLOAT, ENS_STRING, ENS_IP};
	char low[16] = {0}, high[16], mid[16];

	memset(high, 0x7f, 16);
	CU_ASSERT_FATAL(ens_parse_ip("10.0.0.5", 8, (uint8_t *)mid));
	for (int i = 0; i < 4; i++)
		for (unsigned how = 0; how < (type[i] == ENS_IP ? 2u : (unsigned)ENS_NCMP); how++) {
			struct mini m = {0};
			struct mini_code k;
			struct ens_value v[4] = {[0] = {.i = 0}};
			struct ens_event e = {.value = v};
			struct ens_context c;
			struct ens_tables t;
			size_t len;
			char *bytes;
			uint32_t x = constant(&m, constants[i]);

			PUT(&m, field, ens_t_field,
			    {.program = ENS_NONE, .name = mini_text(&m, "f"), .sources = mini_source(&m, "f"), .type = type[i]});
			PUT(&m, type, ens_t_type,
			    {.name = mini_text(&m, "E"), .fields = {0, 1}, .time_field = ENS_NONE, .where = ENS_NONE, .sent_field = ENS_NONE,
			     .shard_field = ENS_NONE, .unique_field = ENS_NONE});
			for (int swap = 0; swap < 2; swap++) { /* the second has an instruction more */
				k = mini_program(&m, ENS_BOOL, 0, ENS_NONE);
				mini_opi(&k, ENS_OP_FIELD, 0, 0);
				mini_opi(&k, ENS_OP_CONST, 1, x);
				mini_op(&k, ENS_OP_COMPARE, how, 0, 0, 1);
				if (swap)
					mini_op(&k, ENS_OP_MOVE, 0, 0, 0, 0);
				mini_opi(&k, ENS_OP_RET, 0, 0);
				mini_end(&k);
			}
			bytes = mini_finish(&m, &len);
			CU_ASSERT_FATAL(ens_tables_open(bytes, len, &t, NULL) == ENS_OK);
			CU_ASSERT_FATAL(ens_context_init(&c, &t, NULL) == ENS_OK);
			c.event = &e;
			for (int n = 0; n < 4; n++) {
				struct ens_value a, b;

				v[0] = (struct ens_value){.null = n == 3};
				if (type[i] == ENS_INT)
					v[0].i = 4 + n;
				else if (type[i] == ENS_FLOAT)
					v[0].f = 1.5 + n;
				else if (type[i] == ENS_STRING)
					v[0] = string_value(n == 0 ? "low" : n == 1 ? "mid" : "mie");
				else
					v[0] = (struct ens_value){.s = n == 0 ? low : n == 1 ? mid : high, .len = 16};
				v[0].null = n == 3;
				a = ens_program_run(&c, 0);
				b = ens_program_run(&c, 1);
				CU_ASSERT(a.null == b.null && a.null == (n == 3) && (a.null || a.i == b.i));
				CU_ASSERT(n != 1 || a.i == (how == ENS_CMP_EQ || how == ENS_CMP_LE || how == ENS_CMP_GE));
			}
			ens_context_free(&c);
			free(bytes);
		}
}

/* ---- the verifier ----------------------------------------------------------------------------------------------- */

struct step {
	enum ens_op op;
	unsigned fn, dst, a, b; /* with an index: a */
};

/* The refusal of these instructions behind the constants i1 (0), f1 (1), sx (2), bt (3), null (4), a network (5). */
static const char *refusal(const struct step *step, unsigned n, enum ens_type type)
{
	struct mini m = {0};
	struct mini_code k;
	const char *have;

	constant(&m, "i1");
	constant(&m, "f1");
	constant(&m, "sx");
	constant(&m, "bt");
	constant(&m, "n");
	mini_network(&m, "10.0.0.0/8");
	PUT(&m, set, ens_t_set, {.consts = {2, 1}});
	k = mini_program(&m, type, ENS_NONE, ENS_NONE);
	for (unsigned i = 0; i < n; i++) {
		if (step[i].op == ENS_OP_CONST || (step[i].op >= ENS_OP_JUMP && step[i].op <= ENS_OP_JUMP_SET))
			mini_opi(&k, step[i].op, step[i].dst, step[i].a);
		else
			mini_op(&k, step[i].op, step[i].fn, step[i].dst, step[i].a, step[i].b);
	}
	have = result_of(&m, mini_end(&k), type, NULL);
	return have;
}

#define REFUSES(want, type, ...)                                                                             \
	do {                                                                                                 \
		static const struct step step[] = {__VA_ARGS__};                                             \
		const char *have = refusal(step, sizeof(step) / sizeof(step[0]), ENS_##type);                \
		if (have[0] != '?' || !strstr(have, want))                                                   \
			printf("\n  %s, not %s\n", have, want);                                              \
		CU_ASSERT(have[0] == '?' && strstr(have, want) != NULL);                                     \
	} while (0)
#define K(r, c) {ENS_OP_CONST, 0, r, c, 0}
#define RET(r) {ENS_OP_RET, 0, r, 0, 0}

static void the_verifier_refuses_what_could_go_wrong(void)
{
	REFUSES("does not end in a return", INT, K(0, 0));
	REFUSES("register 0 is read but not written", INT, RET(0));
	REFUSES("register 8 of 8", INT, K(8, 0), RET(0));
	REFUSES("register 9 of 8", INT, K(0, 0), RET(9));
	REFUSES("constant 6 of 6", INT, K(0, 6), RET(0));
	REFUSES("a network, not an address", IP, K(0, 5), RET(0));
	REFUSES("returns float, but the program is int", INT, K(0, 1), RET(0));
	REFUSES("no such operation between int and float", INT, K(0, 0), K(1, 1), {ENS_OP_ADD, 0, 2, 0, 1}, RET(2));
	REFUSES("no such operation between int and int", FLOAT, K(0, 0), {ENS_OP_DIV, 0, 2, 0, 0}, RET(2));
	REFUSES("string has no negative", INT, K(0, 2), {ENS_OP_NEG, 0, 2, 0, 0}, RET(2));
	REFUSES("compares int with string", BOOL, K(0, 0), K(1, 2), {ENS_OP_COMPARE, 0, 2, 0, 1}, RET(2));
	REFUSES("comparison 6", BOOL, K(0, 0), {ENS_OP_COMPARE, 6, 2, 0, 0}, RET(2));
	REFUSES("register 0 is int, not bool", BOOL, K(0, 0), {ENS_OP_NOT, 0, 2, 0, 0}, RET(2));
	REFUSES("register 0 is int, not string", BOOL, K(0, 0), {ENS_OP_LIKE, 0, 2, 0, 0}, RET(2));
	REFUSES("set 0 holds string, not int", BOOL, K(0, 0), {ENS_OP_IN, 0, 2, 0, 0}, RET(2));
	REFUSES("set 1 of 1", BOOL, K(0, 2), {ENS_OP_IN, 0, 2, 0, 1}, RET(2));
	REFUSES("pattern 0 of 0", BOOL, K(0, 2), {ENS_OP_MATCHES, 0, 2, 0, 0}, RET(2));
	REFUSES("reads an event", TIME, {ENS_OP_EVENT_TIME, 0, 0, 0, 0}, RET(0));
	REFUSES("reads a match", INT, {ENS_OP_KEY, 0, 0, 0, 0}, RET(0));
	REFUSES("operation 35 is not known", INT, K(0, 0), {(enum ens_op)ENS_NOP, 0, 0, 0, 0}, RET(0));
	REFUSES("function 255", INT, K(0, 0), {ENS_OP_CALL, 255, 0, 0, 1}, RET(0));
	REFUSES("abs with 2 arguments", INT, K(0, 0), K(1, 0), {ENS_OP_CALL, ENS_FN_ABS_I, 0, 0, 2}, RET(0));
	REFUSES("abs with 0 arguments", INT, K(0, 0), {ENS_OP_CALL, ENS_FN_ABS_I, 0, 0, 0}, RET(0));
	REFUSES("pow with 1 arguments", FLOAT, K(0, 1), {ENS_OP_CALL, ENS_FN_POW, 0, 0, 1}, RET(0));
	REFUSES("register 1 is float, not int", INT, K(0, 0), K(1, 1), {ENS_OP_CALL, ENS_FN_MIN_I, 0, 0, 2}, RET(0));
	REFUSES("register 8 of 8", INT, K(7, 0), {ENS_OP_CALL, ENS_FN_MIN_I, 0, 7, 65535}, RET(0));
	REFUSES("a jump to 1", BOOL, K(0, 3), {ENS_OP_JUMP_TRUE, 0, 0, 1, 0}, RET(0));
	REFUSES("a jump to 0", BOOL, K(0, 3), {ENS_OP_JUMP, 0, 0, 0, 0}, RET(0));
	REFUSES("a jump to 3", BOOL, K(0, 3), {ENS_OP_JUMP_FALSE, 0, 0, 3, 0}, RET(0));
	REFUSES("register 1 is read but not written on every path", INT, K(0, 3), {ENS_OP_JUMP_TRUE, 0, 0, 3, 0}, K(1, 0),
		RET(1));
	REFUSES("register 1 has one type on one path", INT, K(0, 3), K(1, 0), {ENS_OP_JUMP_TRUE, 0, 0, 4, 0}, K(1, 1),
		RET(1));
}

static void the_verifier_takes_what_is_right(void)
{
	static const struct step null_or_int[] = {K(0, 3), K(1, 4), {ENS_OP_JUMP_UNLESS, 0, 0, 4, 0}, K(1, 0), RET(1)};
	static const struct step mixed_but_unread[] = {K(0, 3), K(1, 0), {ENS_OP_JUMP_SET, 0, 0, 4, 0}, K(1, 1), RET(0)};
	static const struct step dead_code[] = {K(0, 0), RET(0), {ENS_OP_ADD, 0, 1, 5, 6}, RET(7)};
	static const struct step any_null[] = {K(0, 4), K(1, 2), {ENS_OP_COMPARE, ENS_CMP_LT, 2, 0, 1}, RET(2)};

	CU_ASSERT(same(refusal(null_or_int, 5, ENS_INT), "1"));
	CU_ASSERT(same(refusal(mixed_but_unread, 5, ENS_BOOL), "true"));
	CU_ASSERT(same(refusal(dead_code, 4, ENS_INT), "1"));
	CU_ASSERT(same(refusal(any_null, 4, ENS_BOOL), "null"));
}

/* Many jumps to many targets: time and memory stay bounded, one instruction more than allowed is refused. */
static void long_programs_are_checked_in_bounded_time(void)
{
	for (uint32_t n = ENS_PROGRAM_MAX_INSNS; n <= ENS_PROGRAM_MAX_INSNS + 1; n++) {
		struct mini m = {0};
		uint32_t x = constant(&m, "bt");
		struct mini_code k = mini_program(&m, ENS_BOOL, ENS_NONE, ENS_NONE);

		k.program.nreg = ENS_REGISTERS_MAX;
		mini_opi(&k, ENS_OP_CONST, 0, x);
		for (uint32_t i = 1; i < n - 1; i++)
			mini_opi(&k, ENS_OP_JUMP_FALSE, 0, i < n / 2 ? n - i : n - 1);
		mini_opi(&k, ENS_OP_RET, 0, 0);
		CU_ASSERT(strncmp(result_of(&m, mini_end(&k), ENS_BOOL, NULL), n == ENS_PROGRAM_MAX_INSNS ? "true" : "?program", 3) ==
			  0);
	}
}

void suite_program(void)
{
	CU_pSuite s = CU_add_suite("program", NULL, NULL);

	CU_add_test(s, "arithmetic keeps its types and loses what does not fit",
		    arithmetic_keeps_its_types_and_loses_what_does_not_fit);
	CU_add_test(s, "comparisons agree with the order", comparisons_agree_with_the_order);
	CU_add_test(s, "logic has three values", logic_has_three_values);
	CU_add_test(s, "in finds members and networks", in_finds_members_and_networks);
	CU_add_test(s, "like is a glob over characters", like_is_a_glob_over_characters);
	CU_add_test(s, "like agrees with its definition", like_agrees_with_its_definition);
	CU_add_test(s, "matches finds regular expressions", matches_finds_regular_expressions);
	CU_add_test(s, "functions of numbers", functions_of_numbers);
	CU_add_test(s, "distances are those of the globe", distances_are_those_of_the_globe);
	CU_add_test(s, "functions of strings", functions_of_strings);
	CU_add_test(s, "strings that grow too long are lost", strings_that_grow_too_long_are_lost);
	CU_add_test(s, "functions of times", functions_of_times);
	CU_add_test(s, "conversions give null where they cannot", conversions_give_null_where_they_cannot);
	CU_add_test(s, "hashes depend on the value alone", hashes_depend_on_the_value_alone);
	CU_add_test(s, "jumps choose the way", jumps_choose_the_way);
	CU_add_test(s, "the sample reads events, slots and keys", the_sample_reads_events_slots_and_keys);
	CU_add_test(s, "events have an ID, a stream and a time", events_have_an_id_a_stream_and_a_time);
	CU_add_test(s, "a field against a constant is like any comparison", a_field_against_a_constant_is_like_any_comparison);
	CU_add_test(s, "the verifier refuses what could go wrong", the_verifier_refuses_what_could_go_wrong);
	CU_add_test(s, "the verifier takes what is right", the_verifier_takes_what_is_right);
	CU_add_test(s, "long programs are checked in bounded time", long_programs_are_checked_in_bounded_time);
}
