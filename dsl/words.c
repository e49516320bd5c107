/*
 * Words and signs: one sorted table, searched by halves, once per identifier of the text; and the same by code.
 * Tested by tests/unit/test_lexer.c (the order of the table, and every word as a name) and tests/lang/syntax*.test.
 */
#include "dsl/words.h"

#include <string.h>

#include "dsl/grammar.h"

struct word {
	const char *text, *quoted;
	enum ens_word_role role;
	int code, hard_code;
};

#define HARD_SOFT(code) 0
#define HARD_RESERVED(code) 0
#define HARD_CLAUSE(code) ENS_TK_H_##code
#define HARD_DECL(code) ENS_TK_H_##code
#define WORD(code, text, role) {text, "`" text "`", ENS_WORD_##role, ENS_TK_##code, HARD_##role(code)}

static const struct word words[] = {
#define X(code, text, role) WORD(code, text, role),
#include "dsl/words.def"
#undef X
};

#define NWORD (sizeof(words) / sizeof(*words))

/* The same by code; hard codes have their word's row too. */
#define BY_HARD_SOFT(code, text)
#define BY_HARD_RESERVED(code, text)
#define BY_HARD_CLAUSE(code, text) [ENS_TK_H_##code] = WORD(code, text, CLAUSE),
#define BY_HARD_DECL(code, text) [ENS_TK_H_##code] = WORD(code, text, DECL),

static const struct word by_code[] = {
#define X(code, text, role) [ENS_TK_##code] = WORD(code, text, role), BY_HARD_##role(code, text)
#include "dsl/words.def"
#undef X
};

static const struct {
	int code;
	const char *name;
} signs[] = {
	{ENS_TK_IDENT, "a name"},
	{ENS_TK_INT, "a number"},
	{ENS_TK_FLOAT, "a number"},
	{ENS_TK_STRING, "a string"},
	{ENS_TK_DURATION, "a duration"},
	{ENS_TK_NEWLINE, "a new line"},
	{ENS_TK_LP, "`(`"},
	{ENS_TK_RP, "`)`"},
	{ENS_TK_LB, "`[`"},
	{ENS_TK_RB, "`]`"},
	{ENS_TK_LC, "`{`"},
	{ENS_TK_RC, "`}`"},
	{ENS_TK_COMMA, "`,`"},
	{ENS_TK_COLON, "`:`"},
	{ENS_TK_DOT, "`.`"},
	{ENS_TK_EQ, "`=`"},
	{ENS_TK_NE, "`!=`"},
	{ENS_TK_LT, "`<`"},
	{ENS_TK_LE, "`<=`"},
	{ENS_TK_GT, "`>`"},
	{ENS_TK_GE, "`>=`"},
	{ENS_TK_PLUS, "`+`"},
	{ENS_TK_MINUS, "`-`"},
	{ENS_TK_STAR, "`*`"},
	{ENS_TK_SLASH, "`/`"},
	{ENS_TK_PERCENT, "`%`"},
	{ENS_TK_QUEST, "`?`"},
	{ENS_TK_COALESCE, "`??`"},
	{ENS_TK_ARROW, "`->`"},
	{ENS_TK_ARROWANY, "`->>`"},
	{ENS_TK_PIPE, "`|`"},
	{ENS_TK_AMP, "`&`"},
};

int ens_word_code(const char *s, size_t len)
{
	size_t low = 0, high = NWORD;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int c = strncmp(words[mid].text, s, len);

		if (c == 0 && words[mid].text[len] == '\0')
			return words[mid].code;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return ENS_TK_IDENT;
}

static const struct word *find_code(int code)
{
	size_t i = (size_t)code;

	return i < sizeof(by_code) / sizeof(*by_code) && by_code[i].text ? &by_code[i] : NULL;
}

enum ens_word_role ens_word_role(int code)
{
	const struct word *w = find_code(code);

	return w ? w->role : ENS_WORD_NONE;
}

int ens_word_hard(int code)
{
	const struct word *w = find_code(code);

	return w ? w->hard_code : 0;
}

const char *ens_word_text(int code)
{
	const struct word *w = find_code(code);

	return w ? w->text : "";
}

size_t ens_words_of_role(enum ens_word_role role, const char **out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < NWORD && n < cap; i++)
		if (words[i].role == role)
			out[n++] = words[i].text;
	return n;
}

const char *ens_token_name(int code)
{
	const struct word *w = find_code(code);

	if (w)
		return w->quoted;
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (signs[i].code == code)
			return signs[i].name;
	return "the end";
}
