/*
 * What could have come, in words, from the parser's own tables (every token is probed, ens_grammar_takes): tokens that
 * together begin an expression, a step, and so on are called by one name, and what is left is listed.
 * Cost: one probe per token code, only for a message.  Tested by tests/lang/syntax*.test, which pin the lists.
 */
#include <stdlib.h>
#include <string.h>

#include "dsl/nodes.h"
#include "dsl/grammar.h"
#include "dsl/words.h"

#define LISTED_MAX 7 /* more is no help */
#define SET_MAX 24

/* If all of `needs` can come, `name` is said for all of `covers`.  Both end with 0; the first that fits wins. */
static const struct group {
	const char *name;
	unsigned char needs[6], covers[SET_MAX];
} groups[] = {
	{"an expression",
	 {ENS_TK_NOT, ENS_TK_IF, ENS_TK_STRING, ENS_TK_LP},
	 {ENS_TK_INT, ENS_TK_FLOAT, ENS_TK_STRING, ENS_TK_DURATION, ENS_TK_TRUE, ENS_TK_FALSE, ENS_TK_NIL, ENS_TK_NOT,
	  ENS_TK_IF, ENS_TK_LP, ENS_TK_MINUS, ENS_TK_IDENT}},
	{"a value",
	 {ENS_TK_INT, ENS_TK_STRING, ENS_TK_DURATION},
	 {ENS_TK_INT, ENS_TK_FLOAT, ENS_TK_STRING, ENS_TK_DURATION, ENS_TK_TRUE, ENS_TK_FALSE, ENS_TK_NIL, ENS_TK_NOT,
	  ENS_TK_LP, ENS_TK_MINUS, ENS_TK_IDENT}},
	{"a line of the test",
	 {ENS_TK_START, ENS_TK_WAIT, ENS_TK_EXPECT},
	 {ENS_TK_START, ENS_TK_WAIT, ENS_TK_EXPECT, ENS_TK_AT, ENS_TK_IDENT, ENS_TK_LP, ENS_TK_INT}},
	{"an event type", {ENS_TK_IDENT, ENS_TK_LP, ENS_TK_INT, ENS_TK_NONE}, {ENS_TK_IDENT, ENS_TK_LP, ENS_TK_INT}},
	{"an event type",
	 {ENS_TK_IDENT, ENS_TK_LP, ENS_TK_INT, ENS_TK_ARRIVING},
	 {ENS_TK_IDENT, ENS_TK_LP, ENS_TK_INT}},
	{"a step",
	 {ENS_TK_IDENT, ENS_TK_LP, ENS_TK_INT, ENS_TK_NOT},
	 {ENS_TK_IDENT, ENS_TK_LP, ENS_TK_INT, ENS_TK_NOT}},
	{"a step", {ENS_TK_IDENT, ENS_TK_LP, ENS_TK_INT}, {ENS_TK_IDENT, ENS_TK_LP, ENS_TK_INT, ENS_TK_TIMES}},
	{"an operator",
	 {ENS_TK_PLUS, ENS_TK_SLASH, ENS_TK_OR},
	 {ENS_TK_PLUS, ENS_TK_MINUS, ENS_TK_STAR, ENS_TK_SLASH, ENS_TK_PERCENT, ENS_TK_COALESCE,
	  ENS_TK_EQ,   ENS_TK_NE,    ENS_TK_LT,   ENS_TK_LE,    ENS_TK_GT,      ENS_TK_GE,
	  ENS_TK_AND,  ENS_TK_OR,    ENS_TK_IN,   ENS_TK_LIKE,  ENS_TK_MATCHES, ENS_TK_BETWEEN,
	  ENS_TK_IS,   ENS_TK_NOT,   ENS_TK_DOT,  ENS_TK_LB,    ENS_TK_LP}},
	{"an operator",
	 {ENS_TK_PLUS, ENS_TK_SLASH},
	 {ENS_TK_PLUS,    ENS_TK_MINUS,   ENS_TK_STAR, ENS_TK_SLASH, ENS_TK_PERCENT, ENS_TK_COALESCE, ENS_TK_EQ,
	  ENS_TK_NE,      ENS_TK_LT,      ENS_TK_LE,   ENS_TK_GT,    ENS_TK_GE,      ENS_TK_IN,       ENS_TK_LIKE,
	  ENS_TK_MATCHES, ENS_TK_BETWEEN, ENS_TK_IS,   ENS_TK_NOT,   ENS_TK_DOT,     ENS_TK_LB,       ENS_TK_LP}},
	{"a repetition", {ENS_TK_QUEST, ENS_TK_PLUS, ENS_TK_LC}, {ENS_TK_QUEST, ENS_TK_PLUS, ENS_TK_STAR, ENS_TK_LC}},
	{"an arrow",
	 {ENS_TK_ARROW},
	 {ENS_TK_ARROW, ENS_TK_ARROWANY, ENS_TK_PIPE, ENS_TK_AMP, ENS_TK_COMMA, ENS_TK_RELAXED, ENS_TK_CONSECUTIVE,
	  ENS_TK_COMBINATIONS, ENS_TK_GREEDY, ENS_TK_UNTIL, ENS_TK_FOR}},
	{"an option",
	 {ENS_TK_LATENESS, ENS_TK_LATE},
	 {ENS_TK_TIME, ENS_TK_LATENESS, ENS_TK_LATE, ENS_TK_IDLE, ENS_TK_SHARDED, ENS_TK_UNIQUE, ENS_TK_DELETE}},
	{"an option",
	 {ENS_TK_ZONE, ENS_TK_EVERY},
	 {ENS_TK_ZONE, ENS_TK_EMPTY, ENS_TK_EVERY, ENS_TK_MAX, ENS_TK_REVISE, ENS_TK_FORGET, ENS_TK_TOP}},
	{"a kind of window",
	 {ENS_TK_TUMBLING, ENS_TK_HOPPING},
	 {ENS_TK_TUMBLING, ENS_TK_HOPPING, ENS_TK_SLIDING, ENS_TK_SESSION, ENS_TK_RUNNING}},
};

static bool all(const bool *can, const unsigned char *codes)
{
	for (; *codes; codes++)
		if (!can[*codes])
			return false;
	return true;
}

/* Adds a name unless it is there; the list is short. */
static void add_name(const char **list, size_t *n, size_t cap, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (strcmp(list[i], name) == 0)
			return;
	if (*n < cap)
		list[(*n)++] = name;
}

static void add_groups(bool *can, const char **list, size_t *n, size_t cap)
{
	for (size_t g = 0; g < sizeof(groups) / sizeof(*groups); g++) {
		if (!all(can, groups[g].needs))
			continue;
		add_name(list, n, cap, groups[g].name);
		for (const unsigned char *c = groups[g].covers; *c; c++)
			can[*c] = false;
	}
}

void ens_expected(void *g, struct ens_buf *out)
{
	const char *list[LISTED_MAX + 1];
	size_t n = 0;
	int ntoken = ens_grammar_ntoken();
	bool *can = calloc((size_t)ntoken, sizeof(*can));

	if (!can) {
		out->failed = true;
		return;
	}
	for (int code = 0; code < ntoken; code++)
		can[code] = code != ENS_TK_BAD && ens_grammar_takes(g, code) == 1;
	add_groups(can, list, &n, LISTED_MAX + 1);
	for (int code = 1; code < ntoken; code++)
		if (can[code] && !(ens_word_hard(code) == code))
			add_name(list, &n, LISTED_MAX + 1, ens_token_name(code));
	if (can[0])
		add_name(list, &n, LISTED_MAX + 1, "the end of the line");
	free(can);
	if (n > LISTED_MAX)
		return;
	for (size_t i = 0; i < n; i++) {
		ens_buf_adds(out, i == 0 ? "" : i + 1 == n ? " or " : ", ");
		ens_buf_adds(out, list[i]);
	}
}
