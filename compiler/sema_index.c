/*
 * Brackets behind a step's name: one of its events, a[1], a[-1]; or a condition that narrows an aggregate, count(v[x > 1]).
 *
 * A narrowed aggregate becomes one over `if CONDITION then ARGUMENT else null`, in which the condition's bare names are
 * fields of the step: aggregates leave nulls out, so nothing behind the checker knows of it.
 * Tested by tests/lang/indexes.test and tests/cli/indexes.sh.
 */
#include "compiler/sema.h"

#include <string.h>

#include "base/limits.h"
#include "compiler/sema_private.h"

static bool is_number(const struct ens_expr *e)
{
	const struct ens_expr *lit = e->kind == ENS_X_NEG ? e->arg[0] : e;

	return lit->kind == ENS_X_LITERAL && lit->lit_type == ENS_INT;
}

bool ens_sema_nth(struct ens_view *v, struct ens_expr *index, int32_t *nth)
{
	struct ens_expr *e = index->arg[1];
	struct ens_expr *lit = e->kind == ENS_X_NEG ? e->arg[0] : e;
	struct ens_message *m;
	int64_t n;

	ens_sema_put_param(v->s, lit);
	if (index->narg != 2 || !is_number(e)) {
		m = ens_diag_add(v->s->diag, ENS_E_INDEX, e->at, "here stands which event of `%s` is meant, as a number",
				 index->arg[0]->name);
		ens_diag_remedy(v->s->diag, m,
				"`%s[1]` is the first, `%s[-1]` the last; a condition narrows aggregates: `count(%s[...])`",
				index->arg[0]->name, index->arg[0]->name, index->arg[0]->name);
		return false;
	}
	n = lit == e ? lit->literal.i : -lit->literal.i; /* neither literals nor parameters are INT64_MIN */
	if (n == 0 || n > ENS_INDEX_MAX || n < -ENS_INDEX_MAX) {
		m = ens_diag_add(v->s->diag, ENS_E_INDEX, e->at, n ? "an index is at most %d from either end"
								   : "events count from 1, or from -1 backwards", ENS_INDEX_MAX);
		ens_diag_remedy(v->s->diag, m, "`%s[1]` is the first, `%s[-1]` the last", index->arg[0]->name,
				index->arg[0]->name);
		return false;
	}
	*nth = (int32_t)n;
	return true;
}

/* ---- narrowed aggregates ---------------------------------------------------------------------------------------- */

/* What narrows an aggregate. */
struct narrowing {
	struct ens_view *v;
	struct ens_expr *cond; /* of the first one found; NULL: none yet */
	const char *step;
	bool wrong;
};

static bool over_step(const struct ens_view *v, const struct ens_expr *e)
{
	return e->kind == ENS_X_INDEX && e->arg[0]->kind == ENS_X_NAME && ens_sema_find_step(v, e->arg[0]->name);
}

/* v[cond] becomes v; the condition is kept. */
static void take_out(struct narrowing *w, struct ens_expr *e)
{
	struct ens_message *m;

	if (!over_step(w->v, e)) {
		for (uint32_t i = 0; i < e->narg && !w->wrong; i++)
			take_out(w, e->arg[i]);
		return;
	}
	if (e->narg != 2 || is_number(e->arg[1])) {
		m = ens_diag_add(w->v->s->diag, ENS_E_INDEX, e->at,
				 e->narg == 2 ? "this is one event, there is nothing to aggregate"
					      : "in these brackets stands one condition");
		if (e->narg == 2)
			ens_diag_remedy(w->v->s->diag, m, "name its field, without the aggregate");
		w->wrong = true;
	} else if (!w->cond) {
		w->cond = e->arg[1];
		w->step = e->arg[0]->name;
	} else if (strcmp(w->step, e->arg[0]->name) == 0 && !ens_expr_same_text(w->cond, e->arg[1])) {
		m = ens_diag_add(w->v->s->diag, ENS_E_AGGREGATE, e->arg[1]->at,
				 "an aggregate is narrowed by one condition, this is a second one");
		ens_diag_second(w->v->s->diag, m, w->cond->at, "the first one is here");
		ens_diag_remedy(w->v->s->diag, m, "join the conditions with `and`");
		w->wrong = true;
	}
	struct ens_expr **cond = e->arg + 1;

	*e = *e->arg[0];
	e->arg = cond; /* for those who write it as it was */
}

static bool is_key(const struct ens_view *v, const char *name)
{
	for (uint32_t i = 0; i < v->rule->nkey; i++)
		if (strcmp(v->rule->keys[i].name, name) == 0)
			return true;
	return false;
}

static bool has_field(const struct ens_view *v, const char *step, const char *field)
{
	const struct ens_name *n = ens_sema_find_step(v, step);

	for (uint32_t i = 0; i < n->npat; i++)
		if (ens_type_field(n->pat[i]->ref->sema->type, field).kind == ENS_FIELD_NONE)
			return false;
	return true;
}

/* Bare names in the condition are fields of the step, then keys, then parameters. */
static void bind(struct narrowing *w, struct ens_expr *e)
{
	bool has_base = e->kind == ENS_X_MEMBER || e->kind == ENS_X_INDEX;

	if (e->kind == ENS_X_NAME && (has_field(w->v, w->step, e->name) ||
				      (!is_key(w->v, e->name) && !ens_sema_find_param(w->v->s, e->name)))) {
		struct ens_expr *base = ens_arena_zalloc(w->v->s->arena, sizeof *base);
		struct ens_expr **arg = ens_arena_alloc(w->v->s->arena, sizeof(struct ens_expr *));

		if (!base || !arg)
			return;
		*base = (struct ens_expr){.kind = ENS_X_NAME, .at = e->at, .op_at = e->at, .depth = 1, .name = w->step};
		e->kind = ENS_X_MEMBER;
		e->op_at = e->at;
		e->arg = arg;
		e->arg[0] = base;
		e->narg = 1;
		e->depth = 2;
		return;
	}
	for (uint32_t i = has_base && e->arg[0]->kind == ENS_X_NAME; i < e->narg; i++)
		bind(w, e->arg[i]);
}

static struct ens_expr *literal(struct ens_view *v, struct ens_span at, enum ens_type type)
{
	struct ens_expr *e = ens_arena_zalloc(v->s->arena, sizeof *e);

	if (e)
		*e = (struct ens_expr){.kind = ENS_X_LITERAL, .at = at, .op_at = at, .depth = 1, .lit_type = type,
				       .literal = {.i = 1, .null = type == ENS_NOTYPE ? ENS_NULL : ENS_SET}};
	return e;
}

bool ens_sema_narrow(struct ens_view *v, struct ens_expr *call)
{
	bool whole = over_step(v, call->arg[0]) && strcmp(call->name, "count") == 0;
	struct narrowing w = {.v = v};
	struct ens_expr *e;

	take_out(&w, call->arg[0]);
	if (w.wrong || !w.cond)
		return !w.wrong;
	if (ens_sema_find_step(v, w.step)->group) {
		ens_diag_add(v->s->diag, ENS_E_AGGREGATE, w.cond->at, "`%s` is a group: only its rounds can be counted, all of them",
			     w.step);
		return false;
	}
	if (!whole && call->arg[0]->kind == ENS_X_NAME)
		return true; /* an aggregate of whole events, which will be said */
	bind(&w, w.cond);

	struct ens_view inner = *v;
	struct ens_reach over = {0};

	inner.ranged = true;
	inner.over = &over;
	if (!ens_sema_condition(&inner, w.cond))
		return false;
	e = ens_arena_zalloc(v->s->arena, sizeof *e);
	if (e)
		e->arg = ens_arena_alloc(v->s->arena, 3 * sizeof(struct ens_expr *));
	if (!e || !e->arg)
		return false;
	e->kind = ENS_X_IF;
	e->name = w.step;
	e->at = e->op_at = call->arg[0]->at;
	e->narg = 3;
	e->arg[0] = w.cond;
	e->arg[1] = whole ? literal(v, e->at, ENS_BOOL) : call->arg[0];
	e->arg[2] = literal(v, e->at, ENS_NOTYPE);
	if (!e->arg[1] || !e->arg[2])
		return false;
	e->depth = (uint16_t)((w.cond->depth > e->arg[1]->depth ? w.cond->depth : e->arg[1]->depth) + 1);
	call->arg[0] = e;
	return true;
}
