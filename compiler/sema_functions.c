/*
 * Functions of the rule files: checked by themselves, then written out at every call before anything else is checked.
 *
 * A body sees its arguments and the parameters, nothing of the place it is called from; so what is written out means the
 * same everywhere.  Arguments are put in as expressions (a step's name, too).  None calls itself, whatever the way.
 * What a call grows to is bounded, as is what all of them grow to together: both are counted in nodes while they are made,
 * so that an expansion bomb ends early.  Tested by tests/lang/functions.test and tests/cli/functions.sh.
 */
#include "compiler/sema.h"

#include <string.h>

#include "base/limits.h"
#include "compiler/sema_private.h"

#define CHAIN_MAX_BYTES 400u

struct ens_decl *ens_sema_find_function(struct ens_sema *s, const char *name)
{
	uint32_t i = ens_map_find_name(&s->fn_map, name);

	return i == ENS_MAP_NONE ? NULL : s->decl[i];
}

/* ---- bodies by themselves --------------------------------------------------------------------------------------- */

static uint32_t count_names(const struct ens_ident_list *l)
{
	uint32_t n = 0;

	for (; l; l = l->next)
		n++;
	return n;
}

/* The place of an argument of that name, ENS_NONE if there is none. */
static uint32_t argument(const struct ens_decl *fn, const char *name)
{
	uint32_t i = 0;

	for (const struct ens_ident_list *l = fn->params; l; l = l->next, i++)
		if (strcmp(l->id.name, name) == 0)
			return i;
	return ENS_NONE;
}

static bool right_count(struct ens_sema *s, const struct ens_decl *fn, const struct ens_expr *call)
{
	uint32_t n = count_names(fn->params);
	struct ens_message *m;

	if (n == call->narg)
		return true;
	m = ens_diag_add(s->diag, ENS_E_ARGUMENTS, call->at, "`%s` takes %u argument%s, here %s %u", fn->name.name, n,
			 n == 1 ? "" : "s", call->narg == 1 ? "is" : "are", call->narg);
	ens_diag_second(s->diag, m, fn->name.at, "declared here");
	ens_diag_remedy(s->diag, m, call->narg < n ? "give it as many as are declared" : "leave out what it does not take");
	return false;
}

static void check_name(struct ens_sema *s, struct ens_decl *fn, const struct ens_expr *e, bool base)
{
	const char *candidate[ENS_ARGUMENTS_MAX];
	struct ens_message *m;
	size_t n = 0;

	if (argument(fn, e->name) != ENS_NONE || s->imports)
		return;
	if (base ? ens_map_find_name(&s->type_map, e->name) != ENS_MAP_NONE
		 : ens_sema_find_param(s, e->name) != NULL)
		return;
	fn->broken = true;
	m = ens_diag_add(s->diag, ENS_E_UNKNOWN_NAME, e->at, "`%s` is no argument of the function `%s`%s", e->name,
			 fn->name.name, base ? "" : " and no parameter");
	for (const struct ens_ident_list *l = fn->params; l && n < ENS_ARGUMENTS_MAX; l = l->next)
		candidate[n++] = l->id.name;
	ens_sema_suggest(s, m, e->name, candidate, n);
	if (!m->remedy)
		ens_diag_remedy(s->diag, m, "a function sees only its arguments: make it one of them");
}

static void check_body(struct ens_sema *s, struct ens_decl *fn, const struct ens_expr *e)
{
	struct ens_decl *callee = e->kind == ENS_X_CALL ? ens_sema_find_function(s, e->name) : NULL;
	bool has_base = e->kind == ENS_X_MEMBER || e->kind == ENS_X_INDEX;

	if (e->kind == ENS_X_NAME)
		check_name(s, fn, e, false);
	if (callee) {
		struct ens_fn_call *c = ens_arena_alloc(s->arena, sizeof *c);

		if (!c)
			return;
		*c = (struct ens_fn_call){callee, e->at, fn->sema->calls};
		fn->sema->calls = c;
		fn->broken |= callee->broken || !right_count(s, callee, e);
	} else if (e->kind == ENS_X_CALL && !ens_sema_is_builtin(e->name)) {
		ens_sema_unknown_function(s, e);
		fn->broken = true;
	}
	for (uint32_t i = 0; i < e->narg && !s->arena->failed; i++) {
		if (i == 0 && has_base && e->arg[0]->kind == ENS_X_NAME)
			check_name(s, fn, e->arg[0], true);
		else
			check_body(s, fn, e->arg[i]);
	}
}

static void check_head(struct ens_sema *s, struct ens_decl *fn)
{
	struct ens_message *m;

	if (ens_sema_is_builtin(fn->name.name)) {
		m = ens_diag_add(s->diag, ENS_E_DUPLICATE, fn->name.at, "`%s` is a function of the language already",
				 fn->name.name);
		ens_diag_remedy(s->diag, m, "give it another name");
	}
	if (count_names(fn->params) > ENS_ARGUMENTS_MAX) {
		ens_diag_add(s->diag, ENS_E_TOO_MANY, fn->name.at, "a function has at most %d arguments",
			     ENS_ARGUMENTS_MAX);
		fn->broken = true;
		return;
	}
	for (const struct ens_ident_list *l = fn->params; l; l = l->next)
		for (const struct ens_ident_list *k = fn->params; k != l; k = k->next)
			if (strcmp(l->id.name, k->id.name) == 0) {
				m = ens_diag_add(s->diag, ENS_E_DUPLICATE, l->id.at, "`%s` has two arguments called `%s`",
						 fn->name.name, l->id.name);
				ens_diag_second(s->diag, m, k->id.at, "the first one is here");
				ens_diag_remedy(s->diag, m, "give one of them another name");
				fn->broken = true;
				break;
			}
}

/* ---- circles ---------------------------------------------------------------------------------------------------- */

/* Functions on the way from the first to the one that is looked at. */
struct chain {
	struct ens_decl *fn[ENS_NESTING_MAX];
	uint32_t n;
};

static void say_circle(struct ens_sema *s, const struct chain *c, struct ens_decl *again, struct ens_span at)
{
	struct ens_buf text = ENS_BUF_EMPTY;
	uint32_t from = 0;

	while (c->fn[from] != again)
		from++;
	for (uint32_t i = from; i < c->n && text.len < CHAIN_MAX_BYTES; i++)
		ens_buf_addf(&text, "`%s` calls ", c->fn[i]->name.name);
	ens_buf_addf(&text, "`%s`", again->name.name);

	struct ens_message *m = ens_diag_add(s->diag, ENS_E_FUNCTION, at, "the function `%s` calls itself: %s",
					     again->name.name, ens_buf_cstr(&text));

	ens_diag_second(s->diag, m, again->name.at, "declared here");
	ens_diag_remedy(s->diag, m, "functions are written out where they are called, so none may lead back to itself");
	ens_buf_free(&text);
	for (uint32_t i = from; i < c->n; i++)
		c->fn[i]->broken = true;
}

static void say_chain(struct ens_sema *s, struct ens_decl *fn, struct ens_span at)
{
	ens_diag_add(s->diag, ENS_E_FUNCTION, at, "more than %d functions call each other here", ENS_NESTING_MAX);
	fn->broken = true;
}

/* Depth first; each function once.  What calls a broken function is broken, so that one mistake is told once. */
static void visit(struct ens_sema *s, struct chain *c, struct ens_decl *fn)
{
	fn->sema->visiting = true;
	c->fn[c->n++] = fn;
	for (const struct ens_fn_call *k = fn->sema->calls; k; k = k->next) {
		if (k->fn->sema->visiting) {
			say_circle(s, c, k->fn, k->at);
		} else if (!k->fn->sema->done && c->n == ENS_NESTING_MAX) {
			say_chain(s, fn, k->at);
			break;
		} else if (!k->fn->sema->done) {
			visit(s, c, k->fn);
		}
		fn->broken |= k->fn->broken;
		if (fn->sema->depth <= k->fn->sema->depth)
			fn->sema->depth = k->fn->sema->depth + 1;
		if (fn->sema->depth >= ENS_NESTING_MAX && !fn->broken)
			say_chain(s, fn, k->at);
	}
	fn->sema->visiting = false;
	fn->sema->done = true;
	c->n--;
}

/* ---- writing out ------------------------------------------------------------------------------------------------ */

struct expansion {
	struct ens_sema *s;
	const struct ens_expr *call; /* as written in a rule */
	uint32_t left;               /* nodes that this call may still become */
	bool told;
};

/* A call that is being written out. */
struct frame {
	struct ens_decl *fn;
	struct ens_expr *const *arg;
};

static struct ens_expr *give_up(struct expansion *x, enum ens_code code, const char *text, int number)
{
	struct ens_message *m;

	if (!x->told) {
		m = ens_diag_add(x->s->diag, code, x->call->at, text, number);
		ens_diag_remedy(x->s->diag, m, "let functions call each other less often");
	}
	x->told = true;
	return NULL;
}

static struct ens_expr *new_node(struct expansion *x, const struct ens_expr *like, uint32_t level)
{
	struct ens_expr *e;

	if (x->left == 0)
		return give_up(x, ENS_E_FUNCTION, "with its functions written out, this call has more than %d parts",
			       ENS_EXPANSION_MAX);
	if (x->s->expanded == ENS_EXPANSION_ALL_MAX)
		return give_up(x, ENS_E_FUNCTION,
			       "with all functions written out, the rules grow by more than %d parts up to here",
			       ENS_EXPANSION_ALL_MAX);
	if (level > ENS_EXPR_DEPTH_MAX)
		return give_up(x, ENS_E_TOO_DEEP, "with its functions written out, this has more than %d levels",
			       ENS_EXPR_DEPTH_MAX);
	x->left--;
	x->s->expanded++;
	e = ens_arena_alloc(x->s->arena, sizeof *e);
	if (!e)
		return NULL;
	*e = *like;
	e->depth = 1;
	e->sema = NULL;
	if (!e->narg)
		return e;
	e->arg = ens_arena_zalloc(x->s->arena, e->narg * sizeof(struct ens_expr *));
	return e->arg ? e : NULL;
}

static void put(struct ens_expr *e, uint32_t i, struct ens_expr *arg)
{
	e->arg[i] = arg;
	if (arg->depth >= e->depth)
		e->depth = (uint16_t)(arg->depth + 1);
}

static struct ens_expr *copy(struct expansion *x, const struct ens_expr *e, uint32_t level)
{
	struct ens_expr *c = new_node(x, e, level);

	for (uint32_t i = 0; c && i < e->narg; i++) {
		struct ens_expr *arg = copy(x, e->arg[i], level + 1);

		if (!arg)
			return NULL;
		put(c, i, arg);
	}
	return c;
}

/* A part of a body with the arguments in their places; NULL when that was too much or is wrong. */
static struct ens_expr *write_out(struct expansion *x, const struct frame *f, const struct ens_expr *e, uint32_t level)
{
	uint32_t i = e->kind == ENS_X_NAME ? argument(f->fn, e->name) : ENS_NONE;
	struct ens_decl *callee = e->kind == ENS_X_CALL ? ens_sema_find_function(x->s, e->name) : NULL;
	struct ens_expr *c;

	if (i != ENS_NONE)
		return copy(x, f->arg[i], level);
	c = new_node(x, e, level);
	for (i = 0; c && i < e->narg; i++) {
		struct ens_expr *arg = write_out(x, f, e->arg[i], level + 1);

		if (!arg)
			return NULL;
		put(c, i, arg);
	}
	if (!c || !callee) {
		if (c && c->kind == ENS_X_NAME)
			ens_sema_put_param(x->s, c);
		return c;
	}
	if (!callee->expr || callee->broken || !right_count(x->s, callee, c))
		return NULL;

	const struct frame inner = {callee, c->arg};

	callee->sema->used = true;
	return write_out(x, &inner, callee->expr, level + 1);
}

/* Writes out the calls below e, innermost first; e stands `level` below the top of its expression. */
static void expand(struct ens_sema *s, struct ens_expr *e, uint32_t level)
{
	struct ens_decl *fn = e->kind == ENS_X_CALL ? ens_sema_find_function(s, e->name) : NULL;

	e->depth = 1;
	for (uint32_t i = 0; i < e->narg && !s->arena->failed; i++) {
		expand(s, e->arg[i], level + 1);
		put(e, i, e->arg[i]);
	}
	if (!fn || s->arena->failed)
		return;
	fn->sema->used = true;
	if (!fn->expr || fn->broken || !right_count(s, fn, e))
		return; /* stays a call, of a function that is wrong: nothing more is said about it */

	struct ens_expr *call = ens_arena_alloc(s->arena, sizeof *call);
	const struct frame frame = {fn, e->arg};
	struct expansion x = {.s = s, .call = e, .left = ENS_EXPANSION_MAX};
	struct ens_expr *body = write_out(&x, &frame, fn->expr, level);

	if (!body || !call)
		return;
	*call = *e;
	*e = *body;
	e->at = call->at;
	e->call = call;
}

static void expand_at(struct ens_sema *s, struct ens_expr *e)
{
	if (e)
		expand(s, e, 1);
}

/* ---- every expression ------------------------------------------------------------------------------------------- */

static void expand_refs(struct ens_sema *s, struct ens_ref *ref)
{
	for (; ref; ref = ref->next)
		expand_at(s, ref->cond);
}

static void expand_pattern(struct ens_sema *s, struct ens_pat *p)
{
	expand_refs(s, p->ref);
	expand_refs(s, p->until);
	expand_at(s, p->after);
	expand_at(s, p->within);
	expand_at(s, p->for_dur);
	for (uint32_t i = 0; i < p->nitem && !s->arena->failed; i++)
		expand_pattern(s, p->item[i]);
}

static void expand_items(struct ens_sema *s, struct ens_item *items)
{
	for (; items; items = items->next)
		expand_at(s, items->value);
}

static void expand_clause(struct ens_sema *s, struct ens_clause *c)
{
	struct ens_expr *const expr[] = {c->expr, c->expr2, c->expr3, c->expr4, c->remove_when, c->expire};

	for (size_t i = 0; i < sizeof expr / sizeof *expr; i++)
		expand_at(s, expr[i]);
	for (struct ens_input *in = c->inputs; in; in = in->next)
		expand_refs(s, in->ref);
	if (c->pattern)
		expand_pattern(s, c->pattern);
	expand_refs(s, c->ref);
	expand_items(s, c->items);
}

static void expand_decl(struct ens_sema *s, struct ens_decl *d)
{
	expand_at(s, d->where);
	expand_refs(s, d->ref);
	for (struct ens_field *f = d->fields; f; f = f->next)
		expand_at(s, f->computed);
	for (struct ens_option *o = d->options; o; o = o->next)
		expand_at(s, o->value);
	for (struct ens_clause *c = d->clauses; c && !s->arena->failed; c = c->next)
		expand_clause(s, c);
	for (struct ens_test_line *l = d->lines; l; l = l->next)
		expand_items(s, l->items);
}

void ens_sema_functions(struct ens_sema *s)
{
	struct chain *c = ens_arena_zalloc(s->arena, sizeof *c);

	for (uint32_t i = 0; i < s->ndecl && !s->arena->failed; i++)
		if (s->decl[i]->kind == ENS_D_FN && s->decl[i]->name.name)
			check_head(s, s->decl[i]);
	for (uint32_t i = 0; i < s->ndecl && !s->arena->failed; i++)
		if (s->decl[i]->kind == ENS_D_FN && s->decl[i]->expr && !s->decl[i]->broken)
			check_body(s, s->decl[i], s->decl[i]->expr);
	for (uint32_t i = 0; i < s->ndecl && !s->arena->failed; i++)
		if (s->decl[i]->kind == ENS_D_FN && !s->decl[i]->sema->done)
			visit(s, c, s->decl[i]);
	for (uint32_t i = 0; i < s->ndecl && s->fn_map.n && !s->arena->failed; i++)
		if (s->decl[i]->kind != ENS_D_FN && s->decl[i]->kind != ENS_D_PARAM)
			expand_decl(s, s->decl[i]);
}
