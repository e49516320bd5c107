/*
 * The driver between lexer and grammar.
 *
 * It cuts the file into units at the words that begin declarations and clauses (hard words: first of a line, outside
 * brackets), parses each unit by itself, and hangs clauses on their rule.  It takes line ends out where they mean
 * nothing, and knows which brackets are open.  A token that the grammar would not take (ens_grammar_takes) is never
 * given to it: the error is worded here, and the rest of the field, item, line or condition that it is in is passed over,
 * or of the unit, so one mistake gives one message and does not hide the next.
 *
 * Guarantee: every round of every loop takes a token from the lexer, so parsing ends; brackets are counted, and the
 * grammar's stack is bounded, so deep nesting gives one message.  Cost: linear in the text.
 * Tested by tests/unit/test_parse.c and tests/lang.
 */
#include "dsl/parse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "dsl/nodes.h"
#include "dsl/grammar.h"
#include "dsl/hints.h"
#include "dsl/lexer.h"
#include "dsl/words.h"

#define WORDS_MAX 96 /* suggestions considered */
#define SHOWN_MAX 40 /* bytes of the user's text quoted in a message */
#define FINE_MAX 1000 /* errors; nobody is told of more, and behind them the rest of a unit is passed over at once */

struct bracket {
	int open;
	struct ens_span at;
};

struct driver {
	struct ens_parser p;
	struct ens_lexer lx;
	void *grammar;
	struct ens_ast *ast;

	struct ens_token next; /* one token ahead; a run of line ends is one NEWLINE */
	struct bracket open[ENS_NESTING_MAX];
	uint32_t depth;
	uint32_t depth_before; /* of the token taken last: brackets open before it */
	bool skipping;         /* the unit at hand had its error */

	struct ens_token first; /* of the unit */
	size_t bytes_before;    /* handed out by the arena before the unit */
	struct ens_ident name;  /* the first name in it */
	struct ens_token part;  /* the first token of the field, item or line at hand */
	bool part_begins;       /* the next token is that */
	int last_code;          /* of the last token given to the grammar */
	struct ens_span last;
	enum ens_damage damage; /* of the unit's text so far */
	bool astray;            /* the next unit is no clause, but a limit that was torn from its arrow */
	bool goes_on; /* after that token a line may end without a meaning */

	struct ens_decl *rule;  /* that clauses belong to; NULL: none */
	uint32_t nclause;       /* of it, those that had errors included */
	struct ens_decl **decl_end;
	struct ens_clause **clause_end;
	bool stray_told;
	bool foreign;           /* the lines at hand are of no declaration, so what looks like clauses is none */
	uint32_t nlooked;       /* of them, those at which it was asked what they could mean */
	struct ens_diag nobody; /* hears what the lexer says of them */
};

/* ---- tokens --------------------------------------------------------------------------------------------------- */

static void advance(struct driver *d)
{
	bool newline = d->next.code == ENS_TK_NEWLINE;

	do
		d->next = ens_lex(&d->lx);
	while (newline && d->next.code == ENS_TK_NEWLINE);
}

/* Operators between two operands: a line neither begins with one nor ends behind it. */
static bool is_infix(int code)
{
	switch (code) {
	case ENS_TK_EQ:
	case ENS_TK_NE:
	case ENS_TK_LT:
	case ENS_TK_LE:
	case ENS_TK_GT:
	case ENS_TK_GE:
	case ENS_TK_PLUS:
	case ENS_TK_MINUS:
	case ENS_TK_STAR:
	case ENS_TK_SLASH:
	case ENS_TK_PERCENT:
	case ENS_TK_COALESCE:
	case ENS_TK_DOT:
	case ENS_TK_AND:
	case ENS_TK_OR:
	case ENS_TK_THEN:
	case ENS_TK_ELSE:
	case ENS_TK_ARROW:
	case ENS_TK_ARROWANY:
	case ENS_TK_PIPE:
	case ENS_TK_AMP:
	case ENS_TK_COMMA:
		return true;
	default:
		return false;
	}
}

/* Whether the line may end behind this token, given to the grammar as a sign or word of its own. */
static bool line_goes_on(const struct driver *d, int code)
{
	switch (code) {
	case ENS_TK_PLUS:
	case ENS_TK_STAR: /* in a pattern a repetition, behind a dot all fields */
		return (d->first.code != ENS_TK_H_MATCH || d->depth > 0) && d->last_code != ENS_TK_DOT;
	case ENS_TK_COLON:
	case ENS_TK_NOT:
	case ENS_TK_IF:
	case ENS_TK_IN:
	case ENS_TK_LIKE:
	case ENS_TK_MATCHES:
	case ENS_TK_BETWEEN:
	case ENS_TK_IS:
	case ENS_TK_LC:
		return true;
	default:
		return is_infix(code);
	}
}

static int opener_of(int closer)
{
	switch (closer) {
	case ENS_TK_RP:
		return ENS_TK_LP;
	case ENS_TK_RB:
		return ENS_TK_LB;
	case ENS_TK_RC:
		return ENS_TK_LC;
	default:
		return 0;
	}
}

static void count_brackets(struct driver *d, const struct ens_token *t)
{
	int opener = opener_of(t->code);
	uint32_t i = d->depth;

	if (t->code == ENS_TK_LP || t->code == ENS_TK_LB || t->code == ENS_TK_LC) {
		if (d->depth < ENS_NESTING_MAX)
			d->open[d->depth++] = (struct bracket){t->code, t->at};
		else if (!d->skipping)
			ens_too_deep(&d->p, t->at);
	} else if (opener) {
		while (i > 0 && d->open[i - 1].open != opener)
			i--;
		if (i > 0)
			d->depth = i - 1;
	}
}

/* Whether a line end here separates two fields or items. */
static bool newline_separates(const struct driver *d)
{
	if (d->depth == 0 || d->open[d->depth - 1].open != ENS_TK_LC)
		return false;
	return !d->goes_on && d->next.code != ENS_TK_RC && d->next.code != ENS_TK_COMMA && d->next.code != ENS_TK_END;
}

/* In brackets a word that begins units can be a name; where what follows shows that it is none, a bracket is open that
 * should not be. */
static bool unit_in_brackets(const struct driver *d, const struct ens_token *t)
{
	int next = d->next.code;
	enum ens_word_role role;

	if (!t->first || d->depth == 0 || !ens_word_hard(t->code))
		return false;
	if (d->first.code == ENS_TK_H_TEST && ens_word_role(ens_word_hard(t->code)) == ENS_WORD_CLAUSE)
		return false; /* no clause follows a test */
	role = ens_word_role(next);
	if (next == ENS_TK_IN || next == ENS_TK_IS || next == ENS_TK_LIKE || next == ENS_TK_MATCHES ||
	    next == ENS_TK_BETWEEN || next == ENS_TK_AS)
		return false;
	return next == ENS_TK_IDENT || next == ENS_TK_INT || next == ENS_TK_STRING || next == ENS_TK_DURATION ||
	       (role != ENS_WORD_NONE && role != ENS_WORD_RESERVED);
}

static void say_unclosed(struct driver *d)
{
	const struct bracket *b = &d->open[d->depth - 1];
	struct ens_message *m = ens_diag_add(d->p.diag, ENS_E_UNCLOSED, b->at, "this bracket is never closed");

	ens_diag_remedy(d->p.diag, m, "put `%s` where it ends",
			b->open == ENS_TK_LC ? "}" : b->open == ENS_TK_LB ? "]" : ")");
}

static void say_line_begins(struct driver *d, const struct ens_token *t)
{
	struct ens_message *m = ens_diag_add(d->p.diag, ENS_E_LINE_GOES_ON, t->at, "a line can't begin with %s",
					     ens_token_name(t->code));

	ens_diag_remedy(d->p.diag, m, "put %s at the end of the line before", ens_token_name(t->code));
}

static void say_reserved(struct driver *d, const struct ens_token *t)
{
	struct ens_message *m = ens_diag_add(d->p.diag, ENS_E_RESERVED, t->at, "%s is a reserved word",
					     ens_token_name(t->code));

	ens_diag_remedy(d->p.diag, m, "to use it as a name, put it in back quotes");
}

static void say_spelling(struct driver *d, struct ens_span at, const char *word)
{
	struct ens_message *m = ens_diag_add(d->p.diag, ENS_E_SPELLING, at,
					     "the words of the language are written in lower case");

	ens_diag_remedy(d->p.diag, m, "write %s", word);
}

/* No keyword has a colon behind it, and no reserved word a dot: it is a name. */
static void take_for_name(struct driver *d, struct ens_token *t)
{
	if (ens_word_role(t->code) == ENS_WORD_RESERVED && !d->skipping)
		say_reserved(d, t);
	t->code = ENS_TK_IDENT;
}

/* Where options and sizes stand, which have no colons.  Lines behind a stream may be fields without their braces. */
static bool nothing_is_named(const struct driver *d)
{
	return d->depth == 0 && d->last_code != ENS_TK_STRING &&
	       (d->first.code == ENS_TK_H_EVENT || d->first.code == ENS_TK_H_TABLE || d->first.code == ENS_TK_H_WINDOW ||
		d->first.code == ENS_TK_H_WITHIN);
}

/* The next token as the grammar is to see it: line ends only where they separate, hard words where they are hard. */
static struct ens_token take(struct driver *d)
{
	struct ens_token t;

	for (;;) {
		t = d->next;
		advance(d);
		if (t.code != ENS_TK_NEWLINE)
			break;
		if (!newline_separates(d))
			continue;
		if (!is_infix(d->next.code))
			break;
		if (!d->skipping)
			say_line_begins(d, &d->next);
	}
	d->depth_before = d->depth;
	if (unit_in_brackets(d, &t)) {
		if (!d->skipping && d->damage < ENS_LOST)
			say_unclosed(d);
		d->skipping = true;
		d->depth = d->depth_before = 0;
	}
	if (t.first && d->depth == 0 && ens_word_hard(t.code))
		t.code = ens_word_hard(t.code);
	else if (t.len && ((d->next.code == ENS_TK_COLON && ens_word_role(t.code) != ENS_WORD_NONE && !nothing_is_named(d)) ||
			   (d->next.code == ENS_TK_DOT && ens_word_role(t.code) == ENS_WORD_RESERVED)))
		take_for_name(d, &t);
	count_brackets(d, &t);
	return t;
}

static bool is_hard(int code)
{
	return ens_word_hard(code) == code && code != 0;
}

static bool given_up(const struct driver *d)
{
	return d->p.fatal || d->p.arena->failed;
}

static bool takes(const struct driver *d, int code)
{
	return ens_grammar_takes(d->grammar, code) != 0;
}

/* ---- messages ------------------------------------------------------------------------------------------------- */

static const char *text_of(const struct driver *d, struct ens_span at)
{
	return d->lx.text + (at.off - d->lx.base);
}

/* The token's text for a message. */
static int shown(const struct driver *d, struct ens_span at)
{
	size_t len = at.len <= SHOWN_MAX ? at.len : ens_utf8_valid(text_of(d, at), SHOWN_MAX);

	return (int)len;
}

/* "the `match` clause", "this `event`". */
static void add_unit_name(const struct driver *d, struct ens_buf *b)
{
	bool clause = ens_word_role(d->first.code) == ENS_WORD_CLAUSE;

	ens_buf_addf(b, "%s %s%s", clause ? "the" : "this", ens_token_name(d->first.code), clause ? " clause" : "");
}

/* Behind the last token. */
static struct ens_span behind(struct ens_span at)
{
	return (struct ens_span){at.file, at.off + at.len, 0};
}

static void add_found(const struct driver *d, const struct ens_token *t, struct ens_buf *b)
{
	if (t->code == ENS_TK_NEWLINE)
		ens_buf_adds(b, "the end of the line");
	else if (t->code == ENS_TK_STRING)
		ens_buf_addf(b, "a string");
	else
		ens_buf_addf(b, "`%.*s`", shown(d, t->at), text_of(d, t->at));
}

static struct ens_words words_at(const struct driver *d, struct ens_span at)
{
	return (struct ens_words){text_of(d, at), at.len};
}

/* An operator in capitals, which was taken for a name. */
static const char *capital_word(struct ens_words w)
{
	static const char *const operators[] = {"not", "if", "then", "else", "true", "false", "null"};

	for (size_t i = 0; i < sizeof(operators) / sizeof(*operators); i++)
		if (ens_same_word(w, operators[i]) && memcmp(w.s, operators[i], w.len) != 0)
			return operators[i];
	return NULL;
}

static const char *after_capitals(const struct driver *d)
{
	return d->last_code == ENS_TK_IDENT ? capital_word(words_at(d, d->last)) : NULL;
}

/* What the lexer said of the token: a sign of another language. */
static struct ens_message *told_of_sign(const struct driver *d, struct ens_span at)
{
	struct ens_diag *diag = d->p.diag;

	for (uint32_t i = diag->nmsg, back = 0; i > 0 && back < 3; i--, back++)
		if (diag->msg[i - 1].code == ENS_E_SPELLING && diag->msg[i - 1].at.off == at.off &&
		    diag->msg[i - 1].at.file == at.file)
			return &diag->msg[i - 1];
	return NULL;
}

/* 1,5 for 1.5 */
static bool decimal_comma(const struct driver *d, const struct ens_token *t)
{
	return t->code == ENS_TK_COMMA && d->last_code == ENS_TK_INT && d->next.code == ENS_TK_INT &&
	       takes(d, ENS_TK_PLUS) && behind(d->last).off == t->at.off && d->next.at.off == t->at.off + 1;
}

/* "{a ?? "none"}": the string before `t` ended within braces of its own. */
static bool quote_in_braces(const struct driver *d, const struct ens_token *t)
{
	const char *s = text_of(d, d->last);
	bool open = false;

	if (d->last_code != ENS_TK_STRING || behind(d->last).off != t->at.off)
		return false;
	for (uint32_t i = 0; i < d->last.len; i++)
		open = s[i] == '{' ? !(i > 0 && s[i - 1] == '{') : open && s[i] != '}';
	return open;
}

/* The next item begins, `name: ...`, while a parenthesis of the one before is open. */
static bool item_in_parenthesis(const struct driver *d, const struct ens_token *t, uint32_t depth)
{
	return t->first && d->next.code == ENS_TK_COLON && depth > 1 && d->open[depth - 1].open == ENS_TK_LP &&
	       takes(d, ENS_TK_RP);
}

static void add_hint(struct driver *d, struct ens_message *m, const struct ens_token *t, uint32_t depth)
{
	const struct ens_mistake mistake = {.grammar = d->grammar,
					    .unit = d->first.code,
					    .open = depth ? d->open[depth - 1].open : 0,
					    .last = d->last_code,
					    .found = t->code,
					    .last_text = words_at(d, d->last),
					    .found_text = words_at(d, t->at)};
	const char *remedy = ens_hint(&mistake);

	if (decimal_comma(d, t))
		ens_diag_remedy(d->p.diag, m, "a fraction has a point: %.*s.%.*s", shown(d, d->last), text_of(d, d->last),
				shown(d, d->next.at), text_of(d, d->next.at));
	else if (quote_in_braces(d, t))
		ens_diag_remedy(d->p.diag, m, "a quote in the braces of a string is written \\\"");
	else if (item_in_parenthesis(d, t, depth))
		ens_diag_remedy(d->p.diag, m, "is a `)` missing before this?");
	else if (remedy)
		ens_diag_remedy(d->p.diag, m, "%s", remedy);
}

/* The line ended before the unit did, and the next one does not go on with it. */
static void add_line_hint(struct driver *d, struct ens_message *m, const struct ens_token *t)
{
	if (t->code == ENS_TK_H_WITHIN && ens_grammar_takes(d->grammar, ENS_TK_WITHIN)) {
		ens_diag_remedy(d->p.diag, m, "a limit stands on the line of its arrow, as in `-> within 5m B`; where no step follows, "
				"leave the arrow out");
		d->astray = true;
	} else if (t->code != ENS_TK_END && !is_hard(t->code) && !m->remedy) {
		ens_diag_remedy(d->p.diag, m, "a line goes on only inside brackets or after an operator or comma");
	}
}

/* `window tumblin 5m`: what was taken for the name of a parameter is one of the words that could have stood there. */
static bool say_slip_before(struct driver *d)
{
	static const char *const kinds[] = {"session", "tumbling", "hopping", "sliding", "running"};
	size_t n = d->first.code == ENS_TK_H_WINDOW ? 5 : d->first.code == ENS_TK_H_WITHIN ? 1 : 0;
	const char *before = text_of(d, d->first.at) + d->first.at.len;
	char name[32];
	const char *near;
	struct ens_message *m;

	if (!n || d->last_code != ENS_TK_IDENT || d->last.len >= sizeof(name) ||
	    before + strspn(before, " \t") != text_of(d, d->last))
		return false;
	memcpy(name, text_of(d, d->last), d->last.len);
	name[d->last.len] = '\0';
	near = ens_diag_nearest(name, kinds, n);
	if (!near)
		return false;
	m = ens_diag_add(d->p.diag, ENS_E_SYNTAX, d->last, "`%s` can't stand here", name);
	ens_diag_remedy(d->p.diag, m, "did you mean `%s`?", near);
	return true;
}

/* A line of a test that begins while the braces of the event before it are open: `expect M`, `Login {`. */
static bool say_unclosed_event(struct driver *d, const struct ens_token *t)
{
	int word = d->part.code;
	bool line = word == ENS_TK_EXPECT || word == ENS_TK_WAIT || word == ENS_TK_AT ||
		    (word == ENS_TK_IDENT && t->code == ENS_TK_LC);

	if (d->first.code != ENS_TK_H_TEST || d->depth_before != 2 || d->open[1].open != ENS_TK_LC || !d->part.first || !line ||
	    d->part.at.off != d->last.off)
		return false;
	d->depth = d->depth_before; /* a brace that stands here is not the one */
	say_unclosed(d);
	d->damage = ENS_LOST;
	return true;
}

/* What stands here, and what could have; `ends`: the unit ended before `t`. */
static void say_unexpected(struct driver *d, const struct ens_token *t, bool ends)
{
	struct ens_buf b = ENS_BUF_EMPTY, expected = ENS_BUF_EMPTY;
	struct ens_message *m;

	if (d->damage == ENS_LOST || t->damage)
		return; /* what made it so was told */
	if (after_capitals(d)) {
		say_spelling(d, d->last, after_capitals(d));
		return;
	}
	if (say_slip_before(d) || say_unclosed_event(d, t))
		return;
	m = told_of_sign(d, t->at);
	if (m && !ends) {
		add_hint(d, m, t, d->depth_before);
		return;
	}
	ens_expected(d->grammar, &expected);
	if (ends) {
		add_unit_name(d, &b);
		ens_buf_adds(&b, " ends too early");
		if (expected.len)
			ens_buf_addf(&b, ": expected %s", ens_buf_cstr(&expected));
	} else if (expected.len) {
		ens_buf_addf(&b, "expected %s, found ", ens_buf_cstr(&expected));
		add_found(d, t, &b);
	} else {
		add_found(d, t, &b);
		ens_buf_adds(&b, " can't stand here");
	}
	m = ens_diag_add(d->p.diag, ends ? ENS_E_ENDS_EARLY : ENS_E_SYNTAX,
			 ends || t->code == ENS_TK_NEWLINE || (t->first && opener_of(t->code)) ? behind(d->last) : t->at,
			 "%s", ens_buf_cstr(&b));
	add_hint(d, m, t, d->depth_before);
	if (ends)
		add_line_hint(d, m, t);
	ens_buf_free(&b);
	ens_buf_free(&expected);
}

/* ---- giving tokens to the grammar ----------------------------------------------------------------------------- */

static bool is_open(const struct driver *d, int opener)
{
	for (uint32_t i = d->depth; i > 0; i--)
		if (d->open[i - 1].open == opener)
			return true;
	return false;
}

/* A literal where expressions stand: only what depends on its value is without a meaning, should it have none. */
static bool in_expression(const struct driver *d, const struct ens_token *t)
{
	if (t->damage == ENS_LOST || (t->code != ENS_TK_INT && t->code != ENS_TK_FLOAT && t->code != ENS_TK_STRING &&
				      t->code != ENS_TK_DURATION))
		return false;
	switch (d->first.code) {
	case ENS_TK_H_MATCH:
		return is_open(d, ENS_TK_LB);
	case ENS_TK_H_EMIT:
	case ENS_TK_H_ON:
	case ENS_TK_H_DERIVE:
	case ENS_TK_H_META:
		return is_open(d, ENS_TK_LC);
	default:
		return d->first.code == ENS_TK_H_WHERE || d->first.code == ENS_TK_H_HAVING;
	}
}

/* Whether a field, item or line begins behind this token. */
static bool separates(const struct driver *d, int code)
{
	bool in_block = d->depth > 0 && d->open[d->depth - 1].open == ENS_TK_LC;

	return in_block && (code == ENS_TK_LC || code == ENS_TK_COMMA || code == ENS_TK_NEWLINE);
}

static void give(struct driver *d, struct ens_token t, int taken)
{
	assert(taken);
	d->p.at = t.at;
	if (d->damage < t.damage)
		d->damage = t.damage;
	if (t.damage && !in_expression(d, &t))
		d->p.spoiled = true;
	if (d->part_begins && t.code != ENS_TK_NEWLINE)
		d->part = t;
	d->part_begins = separates(d, t.code);
	d->goes_on = taken == 1 && line_goes_on(d, t.code);
	if (!d->name.name && (t.code == ENS_TK_IDENT || taken == 2))
		d->name = ens_mk_ident(&d->p, t);
	ens_grammar(d->grammar, t.code, t);
	if (t.code == ENS_TK_NEWLINE || t.code == ENS_TK_END)
		return;
	d->last_code = t.code;
	d->last = t.at;
}

static void begin_unit(struct driver *d, struct ens_token first)
{
	d->first = first;
	d->bytes_before = d->p.arena->used_bytes;
	d->p.diag->work = first.at;
	d->name = (struct ens_ident){NULL, first.at};
	d->last_code = 0;
	d->last = first.at;
	d->skipping = false;
	d->damage = ENS_UNDAMAGED;
	d->p.decl = NULL;
	d->p.clause = NULL;
	d->p.spoiled = false;
	d->p.incomplete = false;
	d->part_begins = false;
	ens_grammarInit(d->grammar, &d->p);
	give(d, first, ens_grammar_takes(d->grammar, first.code));
}

static void add_decl(struct driver *d, struct ens_decl *decl)
{
	*d->decl_end = decl;
	d->decl_end = &decl->next;
	d->ast->ndecl++;
	d->rule = NULL;
	if (decl->kind == ENS_D_RULE) {
		d->rule = decl;
		d->nclause = 0;
		d->clause_end = &decl->clauses;
	}
}

static bool in_declaration(const struct driver *d)
{
	return ens_word_role(d->first.code) == ENS_WORD_DECL;
}

static bool in_head(const struct driver *d)
{
	return d->first.code == ENS_TK_H_EVENT || d->first.code == ENS_TK_H_TABLE;
}

/* A clause was lost: whether with it the names that other clauses use. */
static void lose_names(struct driver *d)
{
	if (d->first.code == ENS_TK_H_MATCH || d->first.code == ENS_TK_H_KEY || d->first.code == ENS_TK_H_FROM)
		d->rule->names_lost = true;
}

/* The unit was understood: its node goes into the tree. */
static void keep_unit(struct driver *d)
{
	struct ens_span at = ens_span_join(d->first.at, d->last);

	assert(d->p.decl || d->p.clause);
	if (d->p.decl) {
		d->p.decl->at = at;
		d->p.decl->broken = d->p.spoiled;
		add_decl(d, d->p.decl);
	} else if (d->rule) {
		d->p.clause->at = at;
		d->rule->at = ens_span_join(d->rule->at, d->last);
		d->rule->broken = d->rule->broken || d->p.spoiled || d->p.incomplete;
		if (d->p.spoiled) {
			lose_names(d);
			return;
		}
		*d->clause_end = d->p.clause;
		d->clause_end = &d->p.clause->next;
	}
}

/* The unit had an error.  Of a declaration its name stays known, so that its uses are not errors too. */
static void drop_unit(struct driver *d)
{
	enum ens_decl_kind kind;
	struct ens_decl *decl;

	if (!in_declaration(d)) {
		if (d->rule) {
			d->rule->broken = true;
			lose_names(d);
		}
		return;
	}
	d->rule = NULL;
	d->stray_told = true; /* what follows may be its clauses */
	switch (d->first.code) {
	case ENS_TK_H_PARAM:
		kind = ENS_D_PARAM;
		break;
	case ENS_TK_H_EVENT:
		kind = ENS_D_EVENT;
		break;
	case ENS_TK_H_TABLE:
		kind = ENS_D_TABLE;
		break;
	case ENS_TK_H_FN:
		kind = ENS_D_FN;
		break;
	case ENS_TK_H_RULE:
		kind = ENS_D_RULE;
		break;
	case ENS_TK_H_IMPORT: /* what it would have brought may be used */
		kind = ENS_D_IMPORT;
		d->name.name = NULL;
		break;
	default:
		return;
	}
	if (!d->name.name && kind != ENS_D_IMPORT)
		return;
	decl = ens_mk_decl(&d->p, kind, d->first, d->name);
	decl->broken = true;
	if (!d->p.arena->failed)
		add_decl(d, decl);
}

/* ---- recovery ------------------------------------------------------------------------------------------------- */

/* Passes over the rest of a unit; returns the first token of the next. */
static struct ens_token skip_unit(struct driver *d)
{
	struct ens_token t;

	d->astray = false;
	d->skipping = true;
	d->goes_on = false;
	do
		t = take(d);
	while (t.code != ENS_TK_END && !is_hard(t.code) && !given_up(d));
	return t;
}

/* Whether `t`, behind what is passed over, ends or separates the field, item, line or condition with `open` brackets. */
static bool ends_part(const struct driver *d, const struct ens_token *t, uint32_t open)
{
	bool closes = opener_of(t->code) && d->depth < open;
	bool separates = (t->code == ENS_TK_COMMA || t->code == ENS_TK_NEWLINE) && d->depth == open;

	return (closes || separates) && takes(d, t->code);
}

/* What stands in the place of the part with an error: with the name that the part has, as far as is known. */
static struct ens_token bad_part(const struct driver *d)
{
	struct ens_token bad = {.code = ENS_TK_BAD, .at = d->last};
	bool test = d->first.code == ENS_TK_H_TEST; /* there fields may be left out */

	if (d->part.code == ENS_TK_IDENT && !d->part.damage && !test && !d->part_begins) {
		bad.at = d->part.at;
		bad.s = d->part.s;
		bad.len = d->part.len;
		bad.doc = d->part.doc;
	}
	return bad;
}

/*
 * Passes over the rest of the field, item, line or condition that `t` has no place in, and no more; `t` is then the token
 * behind it.  False: there is no such part, or no end of it; `t` is then the last token that was taken.
 */
static bool skip_part(struct driver *d, struct ens_token *t)
{
	int open = d->p.diag->nerror < FINE_MAX && d->damage < ENS_LOST ? ens_grammar_recover(d->grammar, d->depth_before) : -1;

	if (open < 0)
		return false;
	give(d, bad_part(d), 1);
	d->skipping = true;
	d->goes_on = false;
	while (!ends_part(d, t, (uint32_t)open)) {
		if (t->code == ENS_TK_END || is_hard(t->code) || given_up(d))
			return false;
		*t = take(d);
	}
	d->skipping = false;
	return true;
}

/* Ends the unit before `t`, which begins the next (or the end of the file). */
static void end_unit(struct driver *d, const struct ens_token *t)
{
	struct ens_token end = {.code = ENS_TK_END, .at = behind(d->last)};

	if (!d->skipping && d->depth > 0 && t->code == ENS_TK_END) {
		if (d->damage < ENS_LOST)
			say_unclosed(d);
		d->skipping = true;
	}
	if (!d->skipping && !takes(d, ENS_TK_END)) {
		say_unexpected(d, t, true);
		d->skipping = true;
	}
	if (d->skipping) {
		drop_unit(d);
		return;
	}
	give(d, end, 1);
	if (given_up(d))
		drop_unit(d);
	else
		keep_unit(d);
}

/* The word that the user probably meant at the beginning of a line; NULL: none. */
static const char *near_word(const struct driver *d, const struct ens_token *t)
{
	static const char *const options[] = {"time",    "lateness", "late",   "idle",
					      "sharded", "unique",   "delete", "json"};
	const char *words[WORDS_MAX];
	size_t n = ens_words_of_role(ENS_WORD_DECL, words, WORDS_MAX);
	char name[32];

	if (t->code != ENS_TK_IDENT || t->quoted || t->len >= sizeof(name) || d->next.code == ENS_TK_COLON ||
	    ens_hint_line(words_at(d, t->at)))
		return NULL;
	memcpy(name, t->s, t->len);
	name[t->len] = '\0';
	if (d->rule || d->first.code == ENS_TK_H_RULE)
		n += ens_words_of_role(ENS_WORD_CLAUSE, words + n, WORDS_MAX - n);
	for (size_t i = 0; in_head(d) && i < sizeof(options) / sizeof(*options) && n < WORDS_MAX; i++)
		words[n++] = options[i];
	return ens_diag_nearest(name, words, n);
}

static void say_unknown_line(struct driver *d, const struct ens_token *t, const char *near)
{
	static const char declarations[] = "declarations begin with import, param, event, table, fn, rule or test";
	bool in_rule = d->rule != NULL, no_code = t->code == ENS_TK_LC || d->next.code == ENS_TK_COLON;
	struct ens_message *m =
		ens_diag_add(d->p.diag, ENS_E_UNKNOWN_WORD, t->at, "`%.*s` begins %s", shown(d, t->at),
			     text_of(d, t->at), in_rule ? "neither a declaration nor a clause" : "no declaration");

	if (near)
		ens_diag_remedy(d->p.diag, m, "did you mean `%s`?", near);
	else if (ens_hint_line(words_at(d, t->at)))
		ens_diag_remedy(d->p.diag, m, "%s", ens_hint_line(words_at(d, t->at)));
	else if (in_rule)
		ens_diag_remedy(d->p.diag, m,
				"a clause goes on to the next line only inside brackets or after an operator or comma");
	else
		ens_diag_remedy(d->p.diag, m, "%s%s", no_code ? "a rule file is neither JSON nor YAML: " : "", declarations);
}

/* A line that begins with nearly one of our words, or with one of another language that we know.  Of a long text of another
 * kind only the first lines are looked at. */
static bool means_something(struct driver *d, const struct ens_token *t)
{
	if (!t->first || d->depth_before > 0 || t->code != ENS_TK_IDENT || d->nlooked >= FINE_MAX)
		return false;
	d->nlooked++;
	return near_word(d, t) || ens_hint_line(words_at(d, t->at));
}

static bool behind_semicolon(const struct driver *d, struct ens_span at)
{
	const char *from = d->lx.text, *p = text_of(d, at);

	while (p > from && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	return p > from && p[-1] == ';';
}

/* As skip_unit; text that was not understood at all is not looked at for slips either.  It ends, too, at a line of which
 * something can be said. */
static struct ens_token skip_quietly(struct driver *d)
{
	struct ens_token t;

	d->lx.diag = &d->nobody;
	d->skipping = true;
	d->goes_on = false;
	do
		t = take(d);
	while (t.code != ENS_TK_END && !is_hard(t.code) && !given_up(d) && !means_something(d, &t));
	d->lx.diag = d->p.diag;
	return t;
}

/* `type Login ...`, `define stream Login ...`: the name stays known, so that its uses are not errors too. */
static bool keep_foreign_name(struct driver *d, struct ens_token t)
{
	int code = t.code == ENS_TK_IDENT || t.code == ENS_TK_EVENTS ? ens_hint_declares(words_at(d, t.at)) : 0;

	if (!code)
		return false;
	while (d->next.code == ENS_TK_IDENT && ens_hint_declares(words_at(d, d->next.at)))
		t = take(d);
	if (d->next.code != ENS_TK_IDENT)
		return false;
	d->first = t;
	d->first.code = code;
	d->name = ens_mk_ident(&d->p, d->next);
	drop_unit(d);
	return true;
}

/* A line, outside brackets, whose first word begins nothing.  Gives the word that was meant its code, so that it begins
 * a unit; else passes over to the next unit. */
static struct ens_token unknown_line(struct driver *d, struct ens_token t)
{
	const char *near = near_word(d, &t);
	int hard = near ? ens_word_hard(ens_word_code(near, strlen(near))) : 0;

	if (in_head(d) && d->next.code == ENS_TK_COLON)
		; /* its fields without braces, which was told */
	else if (d->rule && d->rule->broken && t.code == ENS_TK_RC)
		; /* of a brace behind the rule's name, which was told */
	else if (behind_semicolon(d, t.at))
		; /* which was told */
	else if (d->rule && t.code == ENS_TK_TOP)
		ens_not_yet(&d->p, t.at, "`top N by`");
	else if (t.damage < ENS_LOST)
		say_unknown_line(d, &t, near);
	if (hard) {
		t.code = hard;
		return t;
	}
	if (keep_foreign_name(d, t))
		return skip_quietly(d);
	if (d->rule)
		d->rule->names_lost = d->rule->broken = true;
	else
		d->foreign = true;
	return skip_quietly(d);
}

/* ---- units ---------------------------------------------------------------------------------------------------- */

/* What to do with a token that is first on its line, outside brackets, while a unit is open. */
enum line_start { LINE_GOES_ON, LINE_BEGINS_UNIT, LINE_UNKNOWN };

static enum line_start judge_line_start(struct driver *d, const struct ens_token *t)
{
	bool head = in_head(d);
	int taken = ens_grammar_takes(d->grammar, t->code);
	struct ens_message *m;

	if (is_hard(t->code)) /* `from`, `where` and `key` of an event's head may stand on lines of their own */
		return head && taken ? LINE_GOES_ON : LINE_BEGINS_UNIT;
	if (d->goes_on)
		return LINE_GOES_ON;
	if (taken && (t->code == ENS_TK_LC || (head && taken == 1 && ens_word_role(t->code) == ENS_WORD_SOFT)))
		return LINE_GOES_ON;
	if (taken && is_infix(t->code)) {
		say_line_begins(d, t);
		return LINE_GOES_ON;
	}
	if (taken && t->code != ENS_TK_IDENT && t->code != ENS_TK_TOP) {
		const char *remedy = ens_hint_line(words_at(d, t->at));

		m = ens_diag_add(d->p.diag, ENS_E_LINE_GOES_ON, t->at, "this can't go on to the next line here");
		ens_diag_remedy(d->p.diag, m, "%s",
				remedy ? remedy : "a line goes on only inside brackets or after an operator or comma");
		return LINE_GOES_ON;
	}
	return LINE_UNKNOWN;
}

/* `x and or y`: where a value stands, and no operator behind it, the word is meant as what it is. */
static bool is_word_in_expression(const struct driver *d, const struct ens_token *t)
{
	return t->code != ENS_TK_NOT && takes(d, ENS_TK_STRING) && takes(d, ENS_TK_LP) &&
	       (!is_infix(d->next.code) || d->next.code == ENS_TK_AND || d->next.code == ENS_TK_OR);
}

/* A reserved word (not a sign that stands for one) where only a name can stand: says so and takes it for the name. */
static bool mend_reserved(struct driver *d, struct ens_token *t)
{
	if (ens_word_role(t->code) != ENS_WORD_RESERVED || !t->len || !takes(d, ENS_TK_IDENT))
		return false;
	if (t->code == ENS_TK_NOT && (d->last_code == ENS_TK_NOT || d->last_code == ENS_TK_EXPECT ||
				      d->last_code == ENS_TK_LIKE || d->last_code == ENS_TK_IN || d->last_code == ENS_TK_MATCHES))
		return false; /* it is meant as what it is */
	if (is_word_in_expression(d, t))
		return false;
	say_reserved(d, t);
	t->code = ENS_TK_IDENT;
	return true;
}

static struct ens_message *say_expected(struct driver *d, struct ens_span at, const char *what)
{
	return ens_diag_add(d->p.diag, ENS_E_SYNTAX, at, "expected %s before `%.*s`", what, shown(d, at), text_of(d, at));
}

/* `string user` for `user: string`: what was given is taken back, and both are given in their order. */
static void swap_name_and_type(struct driver *d, struct ens_token *t, struct ens_token colon)
{
	struct ens_token type = d->part;

	if (ens_grammar_recover(d->grammar, d->depth) < 0)
		return;
	d->part_begins = true;
	give(d, *t, 1);
	give(d, colon, 1);
	*t = type;
	t->first = false;
}

/* `user string`, `user = string` and `string user` for `user: string`. */
static bool mend_field(struct driver *d, struct ens_token *t)
{
	struct ens_token colon = {.code = ENS_TK_COLON, .at = behind(d->last)};
	const struct ens_token name = d->part;
	struct ens_message *m;

	if (!in_head(d) || d->depth_before != 1 || d->last.off != name.at.off || name.code != ENS_TK_IDENT ||
	    (t->code != ENS_TK_IDENT && t->code != ENS_TK_EQ) || !takes(d, ENS_TK_COLON))
		return false;
	if (t->code == ENS_TK_EQ && (d->next.code != ENS_TK_IDENT || !ens_is_type_name(d->next.s, d->next.len)))
		return false; /* computed, without a type */
	if (t->code == ENS_TK_EQ) {
		m = ens_diag_add(d->p.diag, ENS_E_SYNTAX, t->at, "a field's type stands behind a colon");
		ens_diag_remedy(d->p.diag, m, "write `%.*s: TYPE`; a computed field is `%.*s: TYPE = ...`",
				shown(d, name.at), text_of(d, name.at), shown(d, name.at), text_of(d, name.at));
		t->code = ENS_TK_COLON;
		return true;
	}
	m = say_expected(d, t->at, "`:`");
	if (ens_is_type_name(name.s, name.len) && !ens_is_type_name(t->s, t->len)) {
		ens_diag_remedy(d->p.diag, m, "a field's name stands before its type: `%.*s: %.*s`", shown(d, t->at),
				text_of(d, t->at), shown(d, name.at), text_of(d, name.at));
		swap_name_and_type(d, t, colon);
		return true;
	}
	ens_diag_remedy(d->p.diag, m, "write `%.*s: %.*s`", shown(d, name.at), text_of(d, name.at), shown(d, t->at),
			text_of(d, t->at));
	give(d, colon, 1);
	return true;
}

/* A field or item that begins without a comma before it. */
static bool mend_comma(struct driver *d, const struct ens_token *t)
{
	struct ens_token comma = {.code = ENS_TK_COMMA, .at = behind(d->last)};
	bool field = in_head(d) && d->depth_before == 1 && ens_word_role(t->code) != ENS_WORD_RESERVED;
	struct ens_message *m;

	field = field && d->next.code == ENS_TK_IDENT && ens_is_type_name(d->next.s, d->next.len);
	if (t->code != ENS_TK_IDENT || d->depth == 0 || d->open[d->depth - 1].open != ENS_TK_LC ||
	    (d->next.code != ENS_TK_COLON && !field) || !takes(d, ENS_TK_COMMA))
		return false;
	m = say_expected(d, t->at, "`,` or a new line");
	ens_diag_remedy(d->p.diag, m, "fields are separated by commas or line ends");
	give(d, comma, 1);
	return true;
}

/* A word of the language in capitals or with a slip, where no name can stand. */
static bool mend_word(struct driver *d, struct ens_token *t)
{
	const char *words[WORDS_MAX];
	char name[32];
	const char *near = NULL;
	size_t n = 0;
	struct ens_message *m;

	if ((t->code != ENS_TK_IDENT && t->code != ENS_TK_EVENT) || t->quoted || t->len >= sizeof(name) || after_capitals(d))
		return false;
	memcpy(name, t->s, t->len);
	name[t->len] = '\0';
	for (int code = 1; code < ens_grammar_ntoken() && n < WORDS_MAX; code++) {
		const char *word = ens_word_text(code);

		if (ens_word_role(code) == ENS_WORD_NONE || ens_word_hard(code) == code ||
		    ens_grammar_takes(d->grammar, code) != 1)
			continue;
		if (ens_same_word((struct ens_words){t->s, t->len}, word))
			near = word;
		else if (ens_word_role(code) != ENS_WORD_RESERVED && strlen(word) > 2) /* short ones are near to much */
			words[n++] = word;
	}
	if (near) {
		say_spelling(d, t->at, near);
	} else {
		near = ens_diag_nearest(name, words, n);
		if (!near)
			return false;
		m = ens_diag_add(d->p.diag, ENS_E_SYNTAX, t->at, "`%s` can't stand here", name);
		ens_diag_remedy(d->p.diag, m, "did you mean `%s`?", near);
	}
	t->code = ens_word_code(near, strlen(near));
	return true;
}

/* Whether the token that is next goes on with the text without quotes that ends at `at`. */
static bool unquoted_goes_on(const struct driver *d, struct ens_span at, bool title)
{
	bool adjacent = d->next.at.off == at.off + at.len;

	if (d->next.code == ENS_TK_END || d->next.code == ENS_TK_NEWLINE || d->next.damage)
		return false;
	if (title)
		return d->next.code != ENS_TK_LC && d->next.code != ENS_TK_RC;
	if (d->first.code == ENS_TK_H_EMIT) /* the name of a hash may hold a value in braces */
		return adjacent;
	return adjacent && d->next.code != ENS_TK_LC && d->next.code != ENS_TK_RC && d->next.code != ENS_TK_COMMA;
}

/* Text without quotes where a string has to stand: the name of a stream up to a blank, a title up to the line's end. */
static bool mend_string(struct driver *d, struct ens_token *t)
{
	bool title = d->first.code == ENS_TK_H_RULE;
	struct ens_span at = t->at;
	struct ens_message *m;

	if (t->code == ENS_TK_STRING || d->first.code == ENS_TK_H_TEST || !t->len ||
	    (d->depth_before > 0 && d->last_code != ENS_TK_AS) ||
	    !takes(d, ENS_TK_STRING) || takes(d, ENS_TK_INT) ||
	    (title && ens_word_role(t->code) == ENS_WORD_CLAUSE))
		return false;
	if (d->next.code == ENS_TK_STRING && !title) {
		m = ens_diag_add(d->p.diag, ENS_E_SYNTAX, at, "no word stands here");
		if (takes(d, ENS_TK_CHANNEL))
			ens_diag_remedy(d->p.diag, m, "what is emitted goes `to \"stream\"`, `to hash \"name:{key}\"` or `to channel \"name\"`");
		else
			ens_diag_remedy(d->p.diag, m, "leave `%.*s` out", shown(d, at), text_of(d, at));
		*t = d->next;
		advance(d);
		return true;
	}
	while (unquoted_goes_on(d, at, title)) {
		at = ens_span_join(at, d->next.at);
		advance(d);
	}
	m = ens_diag_add(d->p.diag, ENS_E_SYNTAX, at, title ? "a rule's title is a string" : "here stands a string");
	if (d->first.code == ENS_TK_H_IMPORT) {
		ens_diag_remedy(d->p.diag, m, "the name of the file in quotes: `import \"common.ens\"`; all of it is imported");
		d->damage = ENS_LOST; /* which file is not known */
		d->p.spoiled = true;
		return false;
	}
	if (t->quoted)
		ens_diag_remedy(d->p.diag, m, "write \"%.*s\"", (int)t->len, t->s);
	else
		ens_diag_remedy(d->p.diag, m, "write \"%.*s\"", shown(d, at), text_of(d, at));
	*t = (struct ens_token){.code = ENS_TK_STRING, .at = at, .len = at.len};
	t->s = ens_arena_strndup(d->p.arena, text_of(d, at), at.len);
	return t->s != NULL;
}

/* A name in quotes. */
static bool mend_quotes(struct driver *d, struct ens_token *t)
{
	struct ens_buf name = ENS_BUF_EMPTY;
	struct ens_message *m;
	bool sound = t->len && !memchr(t->s, '\0', t->len) && !memchr(t->s, '`', t->len);

	if (t->code != ENS_TK_STRING || !sound || takes(d, ENS_TK_STRING) || !takes(d, ENS_TK_IDENT) ||
	    d->first.code == ENS_TK_H_RULE)
		return false;
	if (d->first.code == ENS_TK_H_EMIT && d->last.off == d->first.at.off) {
		m = ens_diag_add(d->p.diag, ENS_E_SYNTAX, t->at, "here stands the type of what is emitted");
		ens_diag_remedy(d->p.diag, m, "where it goes stands behind it: `emit TYPE to %.*s { ... }`", shown(d, t->at), text_of(d, t->at));
		d->damage = ENS_LOST;
		ens_buf_free(&name);
		return false;
	}
	if (d->first.code == ENS_TK_H_FROM) {
		m = ens_diag_add(d->p.diag, ENS_E_SYNTAX, t->at, "a rule takes in types of events, not streams");
		ens_diag_remedy(d->p.diag, m, "write the name of the `event` that comes from there");
		d->damage = ENS_LOST;
		return false;
	}
	ens_name_write(t->s, &name);
	m = ens_diag_add(d->p.diag, ENS_E_SYNTAX, t->at, "a name has no quotes");
	ens_diag_remedy(d->p.diag, m, "write %s", ens_buf_cstr(&name));
	ens_buf_free(&name);
	t->code = ENS_TK_IDENT;
	return true;
}

static bool mend(struct driver *d, struct ens_token *t)
{
	return mend_quotes(d, t) || mend_reserved(d, t) || mend_field(d, t) || mend_comma(d, t) || mend_word(d, t) ||
	       mend_string(d, t);
}

/* A colon behind the word that begins a clause or an option, or behind a rule's name: it means nothing, and is left out. */
static bool drop_colon(struct driver *d, const struct ens_token *t)
{
	struct ens_message *m;

	if (t->code != ENS_TK_COLON || d->depth > 0 ||
	    (d->last.off != d->first.at.off && !(d->first.code == ENS_TK_H_RULE && takes(d, ENS_TK_END)) &&
	     !(nothing_is_named(d) && d->last_code != ENS_TK_IDENT && ens_word_role(d->last_code) != ENS_WORD_NONE)))
		return false;
	m = ens_diag_add(d->p.diag, ENS_E_SYNTAX, t->at, "no colon stands here");
	ens_diag_remedy(d->p.diag, m, "leave it out");
	return true;
}

/* A clause or declaration that begins in the middle of a line. */
static bool begins_inside_line(struct driver *d, struct ens_token *t)
{
	bool head = in_head(d);
	int hard = ens_word_hard(t->code);
	bool clause = hard && ens_word_role(hard) == ENS_WORD_CLAUSE;
	struct ens_message *m;

	if (!hard || d->depth > 0 || !takes(d, ENS_TK_END) || (clause && head))
		return false;
	m = ens_diag_add(d->p.diag, ENS_E_OWN_LINE, t->at, "%s begins a %s only as the first word of a line",
			 ens_token_name(hard), clause ? "clause" : "declaration");
	ens_diag_remedy(d->p.diag, m, "put it on a line of its own%s",
			t->code == ENS_TK_WITHIN && d->first.code == ENS_TK_H_MATCH
				? "; a limit on the way to a step stands behind its arrow, as in `-> within 5m B`, "
				  "the time of an absence behind `for`, as in `not B for 5m`"
				: "");
	t->code = hard;
	return true;
}

/* Long before the whole compilation is: then the message has a place. */
static bool unit_too_large(struct driver *d)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	struct ens_message *m;

	if (d->p.arena->used_bytes - d->bytes_before <= ENS_UNIT_MAX_BYTES)
		return false;
	add_unit_name(d, &b);
	m = ens_diag_add(d->p.diag, ENS_E_TOO_LARGE, d->first.at, "%s is too large: it takes more than %zu MiB of memory",
			 ens_buf_cstr(&b), ENS_UNIT_MAX_BYTES >> 20);
	ens_diag_remedy(d->p.diag, m, "split it, or say it with less");
	ens_buf_free(&b);
	return true;
}

/* Parses the unit that begins with `first`; returns the first token of the next. */
static struct ens_token parse_unit(struct driver *d, struct ens_token first)
{
	begin_unit(d, first);
	if (!first.first)
		d->damage = ENS_LOST; /* what follows on its line may be none of its own */
	while (!given_up(d)) {
		struct ens_token t = take(d);
		enum line_start start = LINE_GOES_ON;
		int taken;

		if (t.code == ENS_TK_END)
			start = LINE_BEGINS_UNIT;
		else if (d->skipping)
			start = LINE_BEGINS_UNIT; /* an open bracket was found out */
		else if (t.first && d->depth_before == 0)
			start = judge_line_start(d, &t);
		if (start == LINE_BEGINS_UNIT || start == LINE_UNKNOWN) {
			end_unit(d, &t);
			if (start == LINE_UNKNOWN)
				return d->skipping && !means_something(d, &t) ? skip_quietly(d) : unknown_line(d, t);
			return t;
		}
		taken = ens_grammar_takes(d->grammar, t.code);
		if (!taken && drop_colon(d, &t))
			continue;
		if (!taken && mend(d, &t))
			taken = ens_grammar_takes(d->grammar, t.code);
		if (!taken && begins_inside_line(d, &t)) {
			end_unit(d, &t);
			return t;
		}
		if (!taken) {
			say_unexpected(d, &t, is_hard(t.code));
			if (skip_part(d, &t))
				taken = 1;
		}
		if (!taken || unit_too_large(d)) {
			drop_unit(d);
			return t.code == ENS_TK_END || is_hard(t.code) ? t : skip_unit(d);
		}
		give(d, t, taken);
	}
	drop_unit(d);
	return first;
}

static void check_stray(struct driver *d, const struct ens_token *t)
{
	struct ens_message *m;

	if (ens_word_role(t->code) == ENS_WORD_DECL) {
		d->stray_told = d->foreign = false;
		return;
	}
	if (d->rule || d->stray_told || d->foreign)
		return;
	m = ens_diag_add(d->p.diag, ENS_E_STRAY_CLAUSE, t->at, "%s is a clause of a rule, and no rule begins before it",
			 ens_token_name(t->code));
	ens_diag_remedy(d->p.diag, m, "begin the rule with a line `rule NAME`");
	d->stray_told = true;
}

/* More declarations or clauses than anyone writes: the file is given up at `t`, which begins one. */
static bool too_many(struct driver *d, const struct ens_token *t)
{
	struct ens_message *m;

	if (ens_word_role(t->code) == ENS_WORD_DECL) {
		if (d->ast->ndecl < ENS_DECLS_MAX)
			return false;
		m = ens_diag_add(d->p.diag, ENS_E_TOO_LARGE, t->at, "there are more than %d declarations", ENS_DECLS_MAX);
		ens_diag_remedy(d->p.diag, m, "split the rules into files that are compiled by themselves");
		return true;
	}
	if (!d->rule || d->nclause++ < ENS_CLAUSES_MAX)
		return false;
	m = ens_diag_add(d->p.diag, ENS_E_TOO_LARGE, t->at, "there are more than %d clauses in this rule", ENS_CLAUSES_MAX);
	ens_diag_remedy(d->p.diag, m, "a rule has each of its clauses once, but for `emit`");
	return true;
}

static void parse_units(struct driver *d)
{
	struct ens_token t;

	d->skipping = true; /* until the first unit begins */
	advance(d);
	t = take(d);
	while (t.code != ENS_TK_END && !given_up(d)) {
		if (is_hard(t.code)) {
			if (too_many(d, &t))
				return;
			check_stray(d, &t);
			t = d->foreign ? skip_quietly(d) : d->astray ? skip_unit(d) : parse_unit(d, t);
		} else {
			t = unknown_line(d, t);
		}
	}
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

static bool is_utf16(const struct ens_source *src)
{
	return src->len >= 2 && (memcmp(src->text, "\xFF\xFE", 2) == 0 || memcmp(src->text, "\xFE\xFF", 2) == 0);
}

/* What would make every later message nonsense. */
static bool text_is_sound(struct ens_diag *diag, uint32_t file)
{
	const struct ens_source *src = &diag->sources->file[file];
	size_t good = ens_utf8_valid(src->text, src->len);
	const char *nul = memchr(src->text, '\0', good);
	bool only_returns = memchr(src->text, '\r', good) && !memchr(src->text, '\n', good);
	struct ens_message *m;

	if (nul) {
		m = ens_diag_add(diag, ENS_E_NUL, (struct ens_span){file, (uint32_t)(nul - src->text), 1},
				 "a NUL byte: this is not a text file");
		ens_diag_remedy(diag, m, "rules are text; if this is, save the file as UTF-8");
	} else if (good < src->len) {
		m = ens_diag_add(diag, ENS_E_NOT_UTF8, (struct ens_span){file, (uint32_t)good, 1},
				 "byte %02X is not UTF-8%s", (unsigned)(unsigned char)src->text[good],
				 good == 0 && is_utf16(src) ? ": this looks like UTF-16" : "");
		ens_diag_remedy(diag, m, "save the file as UTF-8");
	} else if (only_returns) {
		m = ens_diag_add(diag, ENS_E_BAD_CHAR, (struct ens_span){file, 0, 0},
				 "lines end with a carriage return alone");
		ens_diag_remedy(diag, m, "save the file with line ends of Unix or Windows");
	}
	return !nul && good == src->len && !only_returns;
}

enum ens_status ens_parse(struct ens_arena *arena, struct ens_diag *diag, uint32_t file, struct ens_ast *ast)
{
	uint32_t nerror = diag->nerror, ndecl = ast->ndecl;
	struct driver *d;

	assert(file < diag->sources->nfile);
	if (!text_is_sound(diag, file))
		return arena->failed ? ENS_ENOMEM : ENS_OK;
	d = calloc(1, sizeof(*d));
	if (!d)
		return ENS_ENOMEM;
	d->p.arena = arena;
	d->p.diag = diag;
	ens_diag_init(&d->nobody, arena, diag->sources);
	d->ast = ast;
	d->decl_end = &ast->decls;
	while (*d->decl_end)
		d->decl_end = &(*d->decl_end)->next;
	d->grammar = ens_grammarAlloc(malloc, &d->p);
	if (d->grammar) {
		ens_lexer_init(&d->lx, arena, diag, file);
		parse_units(d);
		if (ast->ndecl == ndecl && diag->nerror == nerror && !arena->failed)
			ens_diag_remedy(diag,
					ens_diag_add(diag, ENS_E_EMPTY_FILE, (struct ens_span){file, 0, 0},
						     "the file has no declarations"),
					"`ensue new NAME` writes a rule file to begin with");
		ens_grammarFree(d->grammar, free);
	} else {
		arena->failed = true;
	}
	free(d);
	return arena->failed ? ENS_ENOMEM : ENS_OK;
}

/* ---- one expression ------------------------------------------------------------------------------------------- */

/* Gives the tokens of an expression to the grammar, as those of a `where` clause.  False: an error was told. */
static bool parse_where(struct driver *d, struct ens_span before)
{
	struct ens_token first = {.code = ENS_TK_H_WHERE, .at = before};

	begin_unit(d, first);
	advance(d);
	while (!given_up(d)) {
		struct ens_token t = take(d);
		int taken = ens_grammar_takes(d->grammar, t.code);

		if (!taken && mend(d, &t))
			taken = ens_grammar_takes(d->grammar, t.code);
		if (!taken && t.code == ENS_TK_END) {
			if (d->damage < ENS_LOST)
				ens_diag_add(d->p.diag, ENS_E_ENDS_EARLY, behind(d->last), "this expression ends too early");
			return false;
		}
		if (!taken) {
			say_unexpected(d, &t, false);
			return false;
		}
		give(d, t, taken);
		if (t.code == ENS_TK_END)
			return d->p.clause && !d->p.spoiled;
	}
	return false;
}

struct ens_expr *ens_parse_expr(struct ens_arena *arena, struct ens_diag *diag, uint32_t file, uint32_t base,
				const char *text, size_t len)
{
	struct driver *d = calloc(1, sizeof(*d));
	struct ens_expr *e = NULL;

	if (d)
		d->grammar = ens_grammarAlloc(malloc, &d->p);
	if (!d || !d->grammar) {
		arena->failed = true;
		free(d);
		return NULL;
	}
	d->p.arena = arena;
	d->p.diag = diag;
	ens_lexer_init_part(&d->lx, arena, diag, file, base, text, len);
	if (parse_where(d, (struct ens_span){file, base, 0}) && !arena->failed)
		e = d->p.clause->expr;
	ens_grammarFree(d->grammar, free);
	free(d);
	return e;
}
