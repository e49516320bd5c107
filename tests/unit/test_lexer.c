/* Tokens: their codes, places and values; that every text ends. */
#include "dsl/lexer.h"

#include <CUnit/CUnit.h>
#include <string.h>

#include "dsl/grammar.h"
#include "dsl/words.h"

void suite_lexer(void);

struct bench {
	struct ens_arena arena;
	struct ens_sources sources;
	struct ens_diag diag;
	struct ens_lexer lx;
};

static void set_up(struct bench *b, const char *text)
{
	uint32_t file;

	ens_arena_init(&b->arena, 0);
	ens_sources_init(&b->sources, &b->arena);
	ens_diag_init(&b->diag, &b->arena, &b->sources);
	CU_ASSERT_EQUAL_FATAL(ens_sources_add(&b->sources, "t.ens", text, strlen(text), &file), ENS_OK);
	ens_lexer_init(&b->lx, &b->arena, &b->diag, file);
}

static void tear_down(struct bench *b)
{
	ens_arena_free(&b->arena);
}

/* The first token of the text; the arena goes, so only plain members may be looked at. */
static struct ens_token only(const char *text, uint32_t nerror)
{
	struct bench b;
	struct ens_token t;

	set_up(&b, text);
	t = ens_lex(&b.lx);
	CU_ASSERT_EQUAL(b.diag.nerror, nerror);
	tear_down(&b);
	return t;
}

static void signs_are_taken_as_long_as_they_can_be(void)
{
	static const struct {
		const char *text;
		int codes[4];
	} row[] = {
		{"-> ->>", {ENS_TK_ARROW, ENS_TK_ARROWANY}},
		{"->>>", {ENS_TK_ARROWANY, ENS_TK_GT}},
		{"? ??", {ENS_TK_QUEST, ENS_TK_COALESCE}},
		{"<=<", {ENS_TK_LE, ENS_TK_LT}},
		{"!=>=", {ENS_TK_NE, ENS_TK_GE}},
		{"- -1", {ENS_TK_MINUS, ENS_TK_MINUS, ENS_TK_INT}},
		{"1.x", {ENS_TK_INT, ENS_TK_DOT, ENS_TK_IDENT}},
		{"1.5.x", {ENS_TK_FLOAT, ENS_TK_DOT, ENS_TK_IDENT}},
		{"{3,}", {ENS_TK_LC, ENS_TK_INT, ENS_TK_COMMA, ENS_TK_RC}},
		{"a\r\nb", {ENS_TK_IDENT, ENS_TK_NEWLINE, ENS_TK_IDENT}},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct bench b;

		set_up(&b, row[i].text);
		for (int k = 0; k < 4; k++)
			CU_ASSERT_EQUAL(ens_lex(&b.lx).code, row[i].codes[k]);
		CU_ASSERT_EQUAL(ens_lex(&b.lx).code, ENS_TK_END);
		CU_ASSERT_EQUAL(b.diag.nerror, 0);
		tear_down(&b);
	}
}

static void numbers_have_their_values(void)
{
	CU_ASSERT_EQUAL(only("1_000_000", 0).i, 1000000);
	CU_ASSERT_EQUAL(only("9223372036854775807", 0).i, INT64_MAX);
	CU_ASSERT_EQUAL(only("9223372036854775808", 1).code, ENS_TK_INT);
	CU_ASSERT_EQUAL(only("2.5e3", 0).f, 2500.0);
	CU_ASSERT_EQUAL(only("1_0.2_5", 0).f, 10.25);
	CU_ASSERT_EQUAL(only("1e-3", 0).f, 0.001);
	CU_ASSERT_EQUAL(only("1e-3", 0).code, ENS_TK_FLOAT);
	CU_ASSERT_EQUAL(only("1e999", 1).code, ENS_TK_FLOAT);
}

static void durations_have_their_values(void)
{
	CU_ASSERT_EQUAL(only("250us", 0).i, 250);
	CU_ASSERT_EQUAL(only("500ms", 0).i, 500000);
	CU_ASSERT_EQUAL(only("1h30m", 0).i, 5400000000);
	CU_ASSERT_EQUAL(only("1w1d1h1m1s1ms1us", 0).i, 694861001001);
	CU_ASSERT_EQUAL(only("9223372036854775807us", 0).i, INT64_MAX);
	CU_ASSERT_EQUAL(only("9223372036854775807us1us", 1).code, ENS_TK_DURATION);
	CU_ASSERT_EQUAL(only("15250285w", 1).code, ENS_TK_DURATION);
	CU_ASSERT_EQUAL(only("5m5", 1).at.len, 3);
	CU_ASSERT_EQUAL(only("1.5h", 1).at.len, 4);
}

static void strings_are_unescaped(void)
{
	struct bench b;
	struct ens_token t;

	set_up(&b, "\"a\\\"b\\\\c\\n\\r\\t\\x41\\x00\\u{e9}\\u{1F600}\"");
	t = ens_lex(&b.lx);
	CU_ASSERT_EQUAL(t.code, ENS_TK_STRING);
	CU_ASSERT_EQUAL(b.diag.nerror, 0);
	CU_ASSERT_EQUAL_FATAL(t.len, 16);
	CU_ASSERT_EQUAL(memcmp(t.s, "a\"b\\c\n\r\tA\0\xC3\xA9\xF0\x9F\x98\x80", 17), 0);
	tear_down(&b);
}

static void a_bad_token_is_one_error_and_a_token(void)
{
	static const struct {
		const char *text;
		int code;
	} row[] = {
		{"0x1F", ENS_TK_DURATION},  {"5weeks", ENS_TK_DURATION},
		{"1_", ENS_TK_INT},         {"10.0.0.1", ENS_TK_STRING},
		{"\"abc", ENS_TK_STRING},   {"'abc'", ENS_TK_STRING},
		{"`abc", ENS_TK_IDENT},     {"``", ENS_TK_IDENT},
		{"==", ENS_TK_EQ},          {"<>", ENS_TK_NE},
		{"&&", ENS_TK_AND},         {"||", ENS_TK_OR},
		{"\xC3\xA9", ENS_TK_IDENT}, {"a\xC3\xA9z", ENS_TK_IDENT},
		{"// x", ENS_TK_END},       {"/* x", ENS_TK_END},
		{"$", ENS_TK_END},          {"\x01", ENS_TK_END},
		{"\"\\q\"", ENS_TK_STRING}, {"\"\\xFF\"", ENS_TK_STRING},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++)
		CU_ASSERT_EQUAL(only(row[i].text, 1).code, row[i].code);
}

static void tokens_know_their_place(void)
{
	struct bench b;
	struct ens_token t;
	struct ens_place place;

	set_up(&b, "a \"\xC3\xA9\"\n\t# comment\n  bc");
	CU_ASSERT_TRUE(ens_lex(&b.lx).first);
	t = ens_lex(&b.lx);
	CU_ASSERT_FALSE(t.first);
	CU_ASSERT_EQUAL(t.at.off, 2);
	CU_ASSERT_EQUAL(t.at.len, 4);
	CU_ASSERT_EQUAL(ens_lex(&b.lx).code, ENS_TK_NEWLINE);
	CU_ASSERT_EQUAL(ens_lex(&b.lx).code, ENS_TK_NEWLINE);
	t = ens_lex(&b.lx);
	CU_ASSERT_TRUE(t.first);
	place = ens_sources_place(&b.sources, t.at);
	CU_ASSERT_EQUAL(place.line, 3);
	CU_ASSERT_EQUAL(place.col, 3);
	CU_ASSERT_EQUAL(place.line_len, 4);
	t = ens_lex(&b.lx);
	CU_ASSERT_EQUAL(t.code, ENS_TK_END);
	CU_ASSERT_EQUAL(t.at.off, 22);
	tear_down(&b);
}

static void doc_comments_go_to_the_next_token(void)
{
	struct bench b;
	struct ens_token t;

	set_up(&b, "### none\n## one\n # plain\n\t##  two  \na ## behind\nb");
	CU_ASSERT_EQUAL(ens_lex(&b.lx).code, ENS_TK_NEWLINE);
	while ((t = ens_lex(&b.lx)).code == ENS_TK_NEWLINE)
		;
	CU_ASSERT_STRING_EQUAL(t.doc, "one\n two");
	CU_ASSERT_EQUAL(ens_lex(&b.lx).code, ENS_TK_NEWLINE);
	t = ens_lex(&b.lx);
	CU_ASSERT_PTR_NULL(t.doc);
	tear_down(&b);
}

static void each_word_is_found_and_nothing_else(void)
{
	static const char *const words[] = {
#define X(code, text, role) text,
#include "dsl/words.def"
#undef X
	};
	static const int codes[] = {
#define X(code, text, role) ENS_TK_##code,
#include "dsl/words.def"
#undef X
	};
	const size_t n = sizeof(codes) / sizeof(*codes);

	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			CU_ASSERT(strcmp(words[i - 1], words[i]) < 0);
		CU_ASSERT_EQUAL(ens_word_code(words[i], strlen(words[i])), codes[i]);
		CU_ASSERT(ens_word_role(codes[i]) != ENS_WORD_NONE);
	}
	CU_ASSERT_EQUAL(ens_word_code("matc", 4), ENS_TK_IDENT);
	CU_ASSERT_EQUAL(ens_word_code("matchx", 6), ENS_TK_IDENT);
	CU_ASSERT_EQUAL(ens_word_code("MATCH", 5), ENS_TK_IDENT);
	CU_ASSERT_EQUAL(ens_word_hard(ENS_TK_MATCH), ENS_TK_H_MATCH);
	CU_ASSERT_EQUAL(ens_word_hard(ENS_TK_LAST), 0);
}

static void a_byte_order_mark_is_no_text(void)
{
	CU_ASSERT_EQUAL(only("\xEF\xBB\xBFrule", 0).at.off, 3);
	CU_ASSERT_TRUE(only("\xEF\xBB\xBFrule", 0).first);
}

void suite_lexer(void)
{
	CU_pSuite s = CU_add_suite("lexer", NULL, NULL);

	CU_add_test(s, "signs are taken as long as they can be", signs_are_taken_as_long_as_they_can_be);
	CU_add_test(s, "numbers have their values", numbers_have_their_values);
	CU_add_test(s, "durations have their values", durations_have_their_values);
	CU_add_test(s, "strings are unescaped", strings_are_unescaped);
	CU_add_test(s, "a bad token is one error and a token", a_bad_token_is_one_error_and_a_token);
	CU_add_test(s, "tokens know their place", tokens_know_their_place);
	CU_add_test(s, "doc comments go to the next token", doc_comments_go_to_the_next_token);
	CU_add_test(s, "each word is found and nothing else", each_word_is_found_and_nothing_else);
	CU_add_test(s, "a byte order mark is no text", a_byte_order_mark_is_no_text);
}
