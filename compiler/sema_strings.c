/*
 * Strings with expressions in them: "{user} failed {count(fail)} times" becomes concat(string(user), " failed ", ...).
 *
 * Only in what `emit`, `derive`, `on timeout` and `meta` say, in the names of hashes and channels and in the repeated lines of
 * tests, and not where a string is a pattern (`like`, `matches`, `in`).  The source text is read, not the string's value, so that every part keeps its place for messages; in braces
 * \" is a quote, other escapes are refused there.  Cost: linear.  Tested by tests/lang/strings.test and
 * tests/cli/strings.sh.
 */
#include "compiler/sema.h"

#include <string.h>

#include "compiler/sema_private.h"
#include "dsl/lexer.h"
#include "dsl/parse.h"

#define PARTS_MAX 200u /* each takes a register */

/* A string that is being taken apart. */
struct parts {
	struct ens_sema *s;
	struct ens_span at;      /* the literal with its quotes */
	const char *text, *end;  /* its source between them */
	struct ens_expr **arg;   /* of the concat, room for `cap` */
	uint32_t n, cap;
	bool wrong;
};

static struct ens_span place(const struct parts *p, const char *from, const char *to)
{
	return (struct ens_span){p->at.file, p->at.off + 1 + (uint32_t)(from - p->text), (uint32_t)(to - from)};
}

static struct ens_expr *new_expr(struct parts *p, enum ens_expr_kind kind, struct ens_span at)
{
	struct ens_expr *e = ens_arena_zalloc(p->s->arena, sizeof *e);

	if (!e)
		return NULL;
	e->kind = kind;
	e->at = e->op_at = at;
	e->depth = 1;
	return e;
}

static void add(struct parts *p, struct ens_expr *e)
{
	if (!ens_arena_grow(p->s->arena, &p->arg, p->n, &p->cap, sizeof(struct ens_expr *)))
		return;
	p->arg[p->n++] = e;
}

static void add_text(struct parts *p, const char *from, const char *to)
{
	struct ens_expr *e = from < to ? new_expr(p, ENS_X_LITERAL, place(p, from, to)) : NULL;

	if (!e)
		return;
	e->lit_type = ENS_STRING;
	e->literal.s = ens_unescape(p->s->arena, from, to, &e->literal.len);
	add(p, e);
}

/* ---- braces ----------------------------------------------------------------------------------------------------- */

static void wrong(struct parts *p, struct ens_span at, const char *text, const char *remedy)
{
	struct ens_message *m = ens_diag_add(p->s->diag, ENS_E_INTERPOLATION, at, "%s", text);

	ens_diag_remedy(p->s->diag, m, "%s", remedy);
	p->wrong = true;
}

/* The closing brace of what begins at `from`, behind the open one; quotes in between hide braces.  NULL: there is none. */
static const char *closing_brace(const struct parts *p, const char *from)
{
	bool quoted = false, name = false;

	for (const char *c = from; c < p->end; c++) {
		if (*c == '\\' && c + 1 < p->end && !name)
			quoted ^= *++c == '"';
		else if (*c == '`' && !quoted)
			name = !name;
		else if (*c == '}' && !quoted && !name)
			return c;
	}
	return NULL;
}

/* The source in braces with its quotes, character for character in its place; NULL if it has other escapes. */
static const char *code_of(struct parts *p, const char *from, const char *to)
{
	char *code = ens_arena_strndup(p->s->arena, from, (size_t)(to - from));
	bool quoted = false;

	for (char *c = code; c && c < code + (to - from); c++) {
		if (*c != '\\')
			continue;
		if (c[1] != '"') {
			const char *at = from + (c - code);

			wrong(p, place(p, at, at + 2), "in braces a string can't have escapes",
			      "put the special character into the text outside the braces");
			return NULL;
		}
		c[0] = quoted ? '"' : ' '; /* the blank stands outside of the inner string */
		c[1] = quoted ? ' ' : '"';
		quoted = !quoted;
		c++;
	}
	return code;
}

static bool is_blank(const char *from, const char *to)
{
	while (from < to && (*from == ' ' || *from == '\t'))
		from++;
	return from == to;
}

/* Adds string(EXPR) for what stands between the braces. */
static void add_value(struct parts *p, const char *from, const char *to)
{
	struct ens_expr *e, *value;
	const char *code;

	if (is_blank(from, to)) {
		wrong(p, place(p, from - 1, to + 1), "there is nothing in these braces", "for a brace itself write `{{`");
		return;
	}
	code = code_of(p, from, to);
	value = code ? ens_parse_expr(p->s->arena, p->s->diag, p->at.file, place(p, from, to).off, code,
				      (size_t)(to - from))
		     : NULL;
	e = value ? new_expr(p, ENS_X_CALL, value->at) : NULL;
	if (e)
		e->arg = ens_arena_alloc(p->s->arena, sizeof(struct ens_expr *));
	if (!e || !e->arg) {
		struct ens_message *m = p->s->diag->nmsg ? &p->s->diag->msg[p->s->diag->nmsg - 1] : NULL;

		if (!value && m && !m->remedy)
			ens_diag_remedy(p->s->diag, m, "in braces stands an expression; for a brace itself write `{{`");
		p->wrong = true;
		return;
	}
	e->name = "string";
	e->arg[0] = value;
	e->narg = 1;
	e->depth = (uint16_t)(value->depth + 1);
	add(p, e);
}

/* The place behind an escape that begins at c. */
static const char *behind_escape(const struct parts *p, const char *c)
{
	const char *brace = c[1] == 'u' && c + 2 < p->end && c[2] == '{' ? memchr(c, '}', (size_t)(p->end - c)) : NULL;

	return brace ? brace + 1 : c + 2;
}

static void take_apart(struct parts *p)
{
	const char *text = p->text, *c = p->text;

	while (c < p->end && !p->wrong && !p->s->arena->failed) {
		const char *close;

		if (p->n > PARTS_MAX) {
			wrong(p, p->at, "this string has more than 200 parts", "join shorter strings with concat(a, b)");
		} else if (*c == '\\') {
			c = behind_escape(p, c);
		} else if (*c != '{') {
			c++;
		} else if (c + 1 < p->end && c[1] == '{') {
			add_text(p, text, c + 1);
			text = c += 2;
		} else if (!(close = closing_brace(p, c + 1))) {
			wrong(p, place(p, c, c + 1), "this brace is never closed", "for a brace itself write `{{`");
		} else {
			add_text(p, text, c);
			add_value(p, c + 1, close);
			text = c = close + 1;
		}
	}
	add_text(p, text, p->end);
}

/* ---- expressions ------------------------------------------------------------------------------------------------ */

/* What is wrong stays a string, so that nothing follows from it. */
static void interpolate(struct ens_sema *s, struct ens_expr *e)
{
	const struct ens_source *src = &s->diag->sources->file[e->op_at.file];
	struct parts p = {.s = s, .at = e->op_at, .text = src->text + e->op_at.off + 1,
			  .end = src->text + e->op_at.off + e->op_at.len - 1};
	uint16_t depth = 1;

	if (e->op_at.len < 2 || p.text[-1] != '"')
		return;
	take_apart(&p);
	if (p.wrong || s->arena->failed)
		return;
	e->kind = ENS_X_CALL;
	e->name = "concat";
	e->arg = p.arg;
	e->narg = p.n;
	for (uint32_t i = 0; i < p.n; i++)
		depth = p.arg[i]->depth > depth ? p.arg[i]->depth : depth;
	e->depth = (uint16_t)(depth + 1);
}

static void walk(struct ens_sema *s, struct ens_expr *e)
{
	bool pattern = e->kind == ENS_X_LIKE || e->kind == ENS_X_MATCHES || e->kind == ENS_X_IN;

	if (e->kind == ENS_X_LITERAL && e->lit_type == ENS_STRING && e->literal.len &&
	    memchr(e->literal.s, '{', e->literal.len)) {
		interpolate(s, e);
		return;
	}
	for (uint32_t i = 0; i < e->narg && (i == 0 || !pattern) && !s->arena->failed; i++)
		walk(s, e->arg[i]);
}

void ens_sema_strings(struct ens_sema *s)
{
	for (uint32_t i = 0; i < s->ndecl && !s->arena->failed; i++) {
		for (const struct ens_test_line *l = s->decl[i]->lines; l; l = l->next)
			for (const struct ens_item *k = l->kind == ENS_L_EVENT && l->times ? l->items : NULL; k; k = k->next)
				walk(s, k->value);
		for (const struct ens_clause *c = s->decl[i]->clauses; c && !s->arena->failed; c = c->next) {
			if (c->target_name && c->target != ENS_TO_STREAM)
				walk(s, c->target_name);
			for (const struct ens_item *k = c->items; k && !s->arena->failed; k = k->next)
				walk(s, k->value);
		}
	}
}
