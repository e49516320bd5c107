/*
 * Tokens, comments and what the tree knows about them, for the formatter.
 *
 * Idea: the text is lexed once more.  What stands between two tokens is blanks and comments, so the comments come from
 * there and the lexer need not know them.  Then the tree is walked to mark tokens: where fields and items begin, which
 * minus is a sign, which parentheses change nothing.  At last the tokens are gone through with a stack of brackets for
 * what depends on the neighbours alone: blanks, and where a line may break.
 * Guarantee: every comment is in the list; a parenthesis is only dropped with its partner, and with no comment within.
 * Cost: linear in the text, but for a binary search for each marked node.  Tested by tests/cli/fmt.sh.
 */
#include "dsl/format_tokens.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "dsl/grammar.h"
#include "dsl/lexer.h"
#include "dsl/words.h"

/* A place that takes a literal or a name, and anything else only in parentheses. */
#define LEVEL_VALUE 100

/* ---- tokens and comments -------------------------------------------------------------------------------------- */

static uint32_t columns(const char *s, uint32_t len)
{
	return (uint32_t)ens_utf8_count(s, len);
}

/* Takes the comments out of the text between two tokens.  With `store` false only counts them. */
static void gap_comments(struct ens_fmt_text *t, uint32_t from, uint32_t to, bool store, bool *blank)
{
	uint32_t newlines = t->ntoken == 0 ? 1 : 0; /* the text's beginning is that of a line */
	uint32_t line = from;

	for (uint32_t p = from; p < to; p++) {
		if (t->text[p] == '\n') {
			newlines++;
			line = p + 1;
		}
		if (t->text[p] != '#')
			continue;
		uint32_t end = p + (uint32_t)strcspn(t->text + p, "\n");
		uint32_t len = end - p;

		while (strchr(" \t\r", t->text[p + len - 1]))
			len--;
		if (store)
			t->comment[t->ncomment] = (struct ens_fmt_comment){
				p, len, columns(t->text + line, p - line), newlines > 0, newlines > 1};
		t->ncomment++;
		p = end - 1;
		newlines = 0;
	}
	*blank = newlines > 1;
}

static void add_token(struct ens_fmt_text *t, const struct ens_token *tok, uint32_t gap_from, bool store)
{
	uint32_t comment = t->ncomment;
	bool blank;

	gap_comments(t, gap_from, tok->at.off, store, &blank);
	if (store)
		t->token[t->ntoken] = (struct ens_fmt_token){
			.code = tok->code, .off = tok->at.off, .len = tok->at.len,
			.width = columns(t->text + tok->at.off, tok->at.len), .comment = comment,
			.blank = blank, .first = tok->first};
	t->ntoken++;
}

/* Counts, or with `store` fills what was counted; the end of the text is a token too. */
static void lex(struct ens_fmt_text *t, bool store)
{
	struct ens_lexer lx;
	struct ens_token tok;
	uint32_t end = 0;

	ens_lexer_init(&lx, t->arena, t->diag, t->file);
	if (lx.cur > lx.text)
		end = (uint32_t)(lx.cur - lx.text); /* behind a byte order mark */
	t->ntoken = t->ncomment = 0;
	do {
		tok = ens_lex(&lx);
		if (tok.code == ENS_TK_NEWLINE)
			continue;
		add_token(t, &tok, end, store);
		end = tok.at.off + tok.at.len;
	} while (tok.code != ENS_TK_END);
	t->ntoken--;
}

static bool opens(int code)
{
	return code == ENS_TK_LP || code == ENS_TK_LB || code == ENS_TK_LC;
}

static bool closes(int code)
{
	return code == ENS_TK_RP || code == ENS_TK_RB || code == ENS_TK_RC;
}

static void match_brackets(struct ens_fmt_text *t)
{
	uint32_t open[ENS_NESTING_MAX];
	uint16_t depth = 0;

	for (uint32_t i = 0; i <= t->ntoken; i++) {
		struct ens_fmt_token *n = &t->token[i];

		n->match = i;
		if (closes(n->code) && depth > 0) {
			n->match = open[--depth];
			t->token[n->match].match = i;
		}
		n->depth = depth;
		if (opens(n->code) && depth < ENS_NESTING_MAX)
			open[depth++] = i;
	}
}

uint32_t ens_fmt_find(const struct ens_fmt_text *t, uint32_t off)
{
	uint32_t low = 0, high = t->ntoken;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (t->token[mid].off < off)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* ---- marks from the tree -------------------------------------------------------------------------------------- */

static void mark(struct ens_fmt_text *t, struct ens_span at, enum ens_fmt_flag flag)
{
	struct ens_fmt_token *n = &t->token[ens_fmt_find(t, at.off)];

	if (at.file == t->file)
		n->flags = (uint8_t)(n->flags | flag);
}

static bool comments_between(const struct ens_fmt_text *t, uint32_t a, uint32_t b)
{
	return t->token[a + 1].comment != ens_fmt_comments_end(t, b);
}

/* Whether an expression can stand in such a place as it is. */
static bool stands_bare(const struct ens_fmt_text *t, const struct ens_expr *e, int level, uint32_t inner)
{
	if (level < LEVEL_VALUE)
		return ens_expr_level(e) >= level;
	return e->kind == ENS_X_LITERAL && e->lit_type != ENS_BOOL && e->lit_type != ENS_NOTYPE &&
	       t->token[inner].code != ENS_TK_LP;
}

/* Drops the parentheses around an expression but for one pair, and that too if it can do without. */
static void mark_parens(struct ens_fmt_text *t, const struct ens_expr *e, int level)
{
	uint32_t outer = ens_fmt_find(t, e->at.off), end = e->at.off + e->at.len, inner = outer;

	while (t->token[inner].code == ENS_TK_LP && t->token[inner].match > inner) {
		uint32_t close = t->token[inner].match;

		if (inner == outer ? t->token[close].off + 1 != end : close + 1 != t->token[inner - 1].match)
			break;
		inner++;
	}
	if (inner == outer || comments_between(t, outer, t->token[outer].match))
		return;
	for (uint32_t i = stands_bare(t, e, level, inner) ? outer : outer + 1; i < inner; i++) {
		t->token[i].flags |= ENS_FF_DROP;
		t->token[t->token[i].match].flags |= ENS_FF_DROP;
	}
}

static void mark_expr(struct ens_fmt_text *t, const struct ens_expr *e, int level)
{
	if (!e)
		return;
	mark_parens(t, e, level);
	if (e->kind == ENS_X_CALL)
		mark(t, e->op_at, ENS_FF_CALLEE);
	else if (e->kind == ENS_X_NEG)
		mark(t, e->op_at, ENS_FF_UNARY);
	for (uint32_t i = 0; i < e->narg; i++) {
		int needed = ens_expr_arg_level(e, i);
		bool signs = e->kind == ENS_X_NEG && e->arg[i]->kind == ENS_X_NEG; /* -(-x) reads better than --x */

		mark_expr(t, e->arg[i], signs ? needed + 1 : needed);
	}
}

static void mark_refs(struct ens_fmt_text *t, const struct ens_ref *r)
{
	for (; r; r = r->next)
		mark_expr(t, r->cond, 0);
}

static void mark_pattern(struct ens_fmt_text *t, const struct ens_pat *p)
{
	mark_expr(t, p->after, LEVEL_VALUE);
	mark_expr(t, p->within, LEVEL_VALUE);
	mark_expr(t, p->for_dur, LEVEL_VALUE);
	mark_refs(t, p->ref);
	mark_refs(t, p->until);
	for (uint32_t i = 0; i < p->nitem; i++)
		mark_pattern(t, p->item[i]);
}

static void mark_items(struct ens_fmt_text *t, const struct ens_item *i)
{
	for (; i; i = i->next) {
		mark(t, i->at, ENS_FF_ITEM);
		mark_expr(t, i->value, 0);
	}
}

static void mark_clause(struct ens_fmt_text *t, const struct ens_clause *c)
{
	bool condition = c->kind == ENS_C_WHERE || c->kind == ENS_C_HAVING;

	mark(t, c->at, ENS_FF_UNIT);
	for (const struct ens_input *i = c->inputs; i; i = i->next)
		mark_refs(t, i->ref);
	if (c->pattern)
		mark_pattern(t, c->pattern);
	mark_expr(t, c->expr, condition ? 0 : LEVEL_VALUE);
	mark_expr(t, c->expr2, LEVEL_VALUE);
	mark_expr(t, c->expr3, c->kind == ENS_C_LIMIT ? 0 : LEVEL_VALUE);
	mark_expr(t, c->expr4, LEVEL_VALUE);
	mark_refs(t, c->ref);
	mark_expr(t, c->remove_when, 0);
	mark_expr(t, c->expire, LEVEL_VALUE);
	mark_items(t, c->items);
}

static void mark_fields(struct ens_fmt_text *t, const struct ens_decl *d)
{
	for (const struct ens_field *f = d->fields; f; f = f->next) {
		mark(t, f->name.at, ENS_FF_ITEM);
		mark(t, f->type_at, ENS_FF_CALLEE);
		mark_expr(t, f->computed, 0);
	}
	for (const struct ens_option *o = d->options; o; o = o->next) {
		mark(t, o->at, ENS_FF_OPTION);
		mark_expr(t, o->value, o->kind == ENS_O_DELETE ? 0 : LEVEL_VALUE);
	}
}

static void mark_lines(struct ens_fmt_text *t, const struct ens_test_line *l)
{
	for (; l; l = l->next) {
		mark(t, l->at, ENS_FF_LINE);
		mark_expr(t, l->at_time, LEVEL_VALUE);
		mark_expr(t, l->arriving, LEVEL_VALUE);
		mark_expr(t, l->times, LEVEL_VALUE);
		mark_expr(t, l->every, LEVEL_VALUE);
		mark_items(t, l->items);
	}
}

static void mark_decl(struct ens_fmt_text *t, const struct ens_decl *d)
{
	mark(t, d->at, ENS_FF_UNIT);
	if (d->kind == ENS_D_FN)
		mark(t, d->name.at, ENS_FF_CALLEE);
	mark(t, d->type_at, ENS_FF_CALLEE);
	mark_expr(t, d->where, 0);
	mark_expr(t, d->expr, 0);
	mark_refs(t, d->ref);
	mark_fields(t, d);
	for (const struct ens_clause *c = d->clauses; c; c = c->next)
		mark_clause(t, c);
	mark_lines(t, d->lines);
}

/* `top N by` on a line of its own: the parser knows it, but has no node for it. */
static void mark_top(struct ens_fmt_text *t)
{
	for (uint32_t i = 1; i < t->ntoken; i++) {
		int next = t->token[i + 1].code;

		if (t->token[i].code == ENS_TK_TOP && t->token[i].first && t->token[i].depth == 0 &&
		    (next == ENS_TK_INT || next == ENS_TK_LP || next == ENS_TK_IDENT))
			t->token[i].flags |= ENS_FF_UNIT;
	}
}

/* ---- what depends on the neighbours --------------------------------------------------------------------------- */

enum mode { IN_EXPR, IN_PATTERN, IN_QUANTIFIER, IN_BLOCK };

struct context {
	enum mode mode[ENS_NESTING_MAX + 1];
	uint32_t between[ENS_NESTING_MAX + 1]; /* whose `and` has not come yet */
};

/* What the bracket `open` holds, behind the token `before`.  A block's items are in the tree; what the parser passed over
 * because it is not supported yet has none. */
static enum mode mode_inside(enum mode outside, int before, const struct ens_fmt_token *open)
{
	bool value = before == ENS_TK_WITHIN || before == ENS_TK_AFTER || before == ENS_TK_FOR;

	if (outside == IN_PATTERN && open->code == ENS_TK_LP && !value)
		return IN_PATTERN;
	if (outside == IN_PATTERN && open->code == ENS_TK_LC)
		return IN_QUANTIFIER;
	if (open->code == ENS_TK_LC && (open[1].code == ENS_TK_RC || open[1].flags & (ENS_FF_ITEM | ENS_FF_LINE)))
		return IN_BLOCK;
	return IN_EXPR;
}

static enum ens_fmt_join join_of(const struct ens_fmt_token *n, enum mode mode, uint32_t *between)
{
	switch (n->code) {
	case ENS_TK_BETWEEN:
		++*between;
		return ENS_FJ_NONE;
	case ENS_TK_AND:
		if (*between == 0)
			return ENS_FJ_AND;
		--*between;
		return ENS_FJ_NONE;
	case ENS_TK_OR:
		return ENS_FJ_OR;
	case ENS_TK_COMMA:
		return mode == IN_QUANTIFIER ? ENS_FJ_NONE : ENS_FJ_LIST;
	case ENS_TK_ARROW:
	case ENS_TK_ARROWANY:
	case ENS_TK_PIPE:
	case ENS_TK_AMP:
		return mode == IN_PATTERN ? ENS_FJ_LIST : ENS_FJ_NONE;
	case ENS_TK_PLUS:
		return mode == IN_PATTERN ? ENS_FJ_NONE : ENS_FJ_SUM;
	default:
		return ENS_FJ_NONE;
	}
}

/* Whether nothing may stand between an opening parenthesis and what is before it. */
static bool hugs(const struct ens_fmt_token *before, enum mode outside)
{
	return before->flags & ENS_FF_CALLEE || (before->code == ENS_TK_IDENT && outside != IN_PATTERN);
}

static bool space_after(const struct ens_fmt_token *n, enum mode mode)
{
	if (n->code == ENS_TK_LC)
		return mode == IN_BLOCK;
	if (n->code == ENS_TK_COMMA)
		return mode != IN_QUANTIFIER;
	return n->code != ENS_TK_LP && n->code != ENS_TK_LB && n->code != ENS_TK_DOT && !(n->flags & ENS_FF_UNARY);
}

/* A blank between two tokens; `mode` is that around the first behind it, `outer` that around the second. */
static bool space_between(const struct ens_fmt_token *a, const struct ens_fmt_token *b, enum mode mode, enum mode outer)
{
	switch (b->code) {
	case ENS_TK_RP:
	case ENS_TK_RB:
	case ENS_TK_LB:
	case ENS_TK_COLON:
	case ENS_TK_DOT:
	case ENS_TK_QUEST:
		return false;
	case ENS_TK_RC:
		return mode == IN_BLOCK && a->code != ENS_TK_LC;
	case ENS_TK_COMMA:
		return outer == IN_PATTERN;
	case ENS_TK_PLUS:
	case ENS_TK_STAR:
		return outer != IN_PATTERN && space_after(a, mode);
	case ENS_TK_LC:
		return outer != IN_PATTERN;
	case ENS_TK_LP:
		return !hugs(a, outer) && space_after(a, mode);
	default:
		return space_after(a, mode);
	}
}

/* What is not in the tree has no marks: a minus behind an operator or an opening bracket is a sign all the same. */
static void mark_sign(const struct ens_fmt_token *before, struct ens_fmt_token *n)
{
	bool operand = before->code != ENS_TK_COMMA && before->code != ENS_TK_COLON && !opens(before->code) &&
		       before->code != ENS_TK_BY;

	if (n->code == ENS_TK_MINUS && !operand)
		n->flags |= ENS_FF_UNARY;
}

static void place_tokens(struct ens_fmt_text *t)
{
	struct context c = {{IN_EXPR}, {0}};

	for (uint32_t i = 0; i < t->ntoken; i++) {
		struct ens_fmt_token *n = &t->token[i];
		const struct ens_fmt_token *before = i ? n - 1 : NULL;
		/* of a closing bracket: within it */
		enum mode mode = c.mode[n->depth + (closes(n->code) ? 1 : 0)];

		if (n->flags & ENS_FF_UNIT) {
			c.mode[0] = ens_word_hard(n->code) == ENS_TK_H_MATCH ? IN_PATTERN : IN_EXPR;
			c.between[0] = 0;
		} else if (before) {
			enum mode inner = opens(before->code) ? c.mode[before->depth + 1] : mode;

			mark_sign(before, n);
			n->space = space_between(before, n, inner, mode);
		}
		if (opens(n->code) && n->depth < ENS_NESTING_MAX) {
			c.mode[n->depth + 1] = mode_inside(c.mode[n->depth], before ? before->code : 0, n);
			c.between[n->depth + 1] = 0;
			if (c.mode[n->depth + 1] == IN_BLOCK)
				n->flags |= ENS_FF_BLOCK;
		}
		if (n->code == ENS_TK_COMMA && mode == IN_BLOCK)
			n->flags |= ENS_FF_DROP;
		n->join = (uint8_t)join_of(n, mode, &c.between[n->depth]);
	}
}

/* Takes the dropped tokens out; their comments, and what they began, go to the next one. */
static void compact(struct ens_fmt_text *t)
{
	uint32_t n = 0, comment = 0;
	uint8_t carried = 0;
	bool pending = false, blank = false;

	for (uint32_t i = 0; i <= t->ntoken; i++) {
		struct ens_fmt_token tok = t->token[i];

		if (!pending)
			comment = tok.comment;
		tok.comment = comment;
		tok.blank = tok.blank || (blank && comment == ens_fmt_comments_end(t, i));
		pending = tok.flags & ENS_FF_DROP;
		blank = pending && tok.blank;
		if (pending) {
			carried |= tok.flags & (ENS_FF_ITEM | ENS_FF_LINE);
			continue;
		}
		tok.flags |= carried;
		carried = 0;
		t->token[n++] = tok;
	}
	t->ntoken = n - 1;
	match_brackets(t);
}

/* Where each token would stand if everything were on one line; items are separated by commas there. */
static void measure(struct ens_fmt_text *t)
{
	size_t at = 0;

	for (uint32_t i = 0; i <= t->ntoken; i++) {
		struct ens_fmt_token *n = &t->token[i];
		bool comma = i > 0 && n->flags & ENS_FF_ITEM && !(n[-1].flags & ENS_FF_BLOCK);

		n->from = at + n->space + comma;
		at = n->from + n->width;
	}
}

enum ens_status ens_fmt_load(struct ens_fmt_text *t, const struct ens_ast *ast)
{
	t->text = t->diag->sources->file[t->file].text;
	lex(t, false);
	t->token = ens_arena_alloc(t->arena, ((size_t)t->ntoken + 1) * sizeof(*t->token));
	t->comment = ens_arena_alloc(t->arena, ((size_t)t->ncomment + 1) * sizeof(*t->comment));
	if (!t->token || !t->comment)
		return ENS_ENOMEM;
	lex(t, true);
	if (t->arena->failed)
		return ENS_ENOMEM;
	match_brackets(t);
	for (const struct ens_decl *d = ast->decls; d; d = d->next)
		mark_decl(t, d);
	mark_top(t);
	compact(t); /* first without the parentheses: they are nobody's neighbours */
	place_tokens(t);
	compact(t);
	measure(t);
	return ENS_OK;
}
