/*
 * Conditions: those in brackets where they stand; those of `where`, handed to the steps they belong to.
 *
 * `where` is split at its outermost `and`s.  A conjunct goes to the last, in written order, of the steps it names; in an
 * `&` to each of the named parts, to count only once the others are taken; if that step is repeated, to the outermost
 * repetition around it as an exit guard.  Each place gets its own copy of the expression, since the same name may mean
 * the event at hand in one and an event taken before in another.  Tested by tests/lang/sema_where.test.
 */
#include "compiler/sema.h"

#include <string.h>

#include "base/limits.h"
#include "compiler/sema_private.h"

/* ---- brackets --------------------------------------------------------------------------------------------------- */

/* Before the first step there is no match that a duration could come from. */
static bool is_of_first(const struct ens_pat *p)
{
	const struct ens_pat *up = p->sema->up;

	for (uint32_t i = 0; up && i < p->sema->place; i++)
		if (up->item[i]->kind != ENS_P_NOT)
			return false;
	return up && !up->sema->up;
}

static void duration_of_first(struct ens_sema *s, const struct ens_pat *p)
{
	if (p->for_dur->kind == ENS_X_LITERAL && p->for_dur->lit_type == ENS_DURATION)
		return;
	ens_diag_add(s->diag, ENS_E_NOT_BOUND, p->for_dur->at,
		     "a `not` before the first step lasts a fixed time, such as 30s");
}

static void limit(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_pat *p, struct ens_expr *e)
{
	struct ens_view v = {.s = s, .rule = r, .place = p};

	if (e)
		ens_sema_duration(&v, e);
}

static void brackets(struct ens_sema *s, struct ens_rule_sema *r, struct ens_pat *p)
{
	struct ens_view v = {.s = s, .rule = r, .place = p};

	if (p->kind == ENS_P_NOT && p->for_dur && is_of_first(p))
		duration_of_first(s, p);
	else if (p->kind == ENS_P_NOT)
		limit(s, r, p, p->for_dur);
	if (p->kind != ENS_P_NOT) {
		limit(s, r, p, p->after);
		limit(s, r, p, p->within);
	}
	v.self = p->kind == ENS_P_STEP ? p : NULL;
	for (struct ens_ref *ref = p->ref; ref; ref = ref->next) {
		v.hand = ref->sema->type;
		if (ref->cond)
			ens_sema_condition(&v, ref->cond);
	}
	v.self = NULL;
	v.until = true;
	for (struct ens_ref *ref = p->until; ref; ref = ref->next) {
		v.hand = ref->sema->type;
		if (ref->cond)
			ens_sema_condition(&v, ref->cond);
	}
	for (uint32_t i = 0; i < p->nitem && !s->arena->failed; i++)
		brackets(s, r, p->item[i]);
}

void ens_sema_brackets(struct ens_sema *s, struct ens_rule_sema *r)
{
	brackets(s, r, r->pattern);
}

/* ---- where ------------------------------------------------------------------------------------------------------ */

/* The steps that a conjunct names. */
struct named {
	struct ens_sema *s;
	struct ens_rule_sema *r;
	struct ens_name **name;
	uint32_t n, cap;
};

static void add_named(struct named *l, const struct ens_expr *e)
{
	uint32_t i = e->kind == ENS_X_NAME ? ens_map_find_name(&l->r->name_map, e->name) : ENS_MAP_NONE;

	if (i == ENS_MAP_NONE)
		return;
	for (uint32_t k = 0; k < l->n; k++)
		if (l->name[k] == l->r->name[i])
			return;
	if (!ens_arena_grow(l->s->arena, &l->name, l->n, &l->cap, sizeof(struct ens_name *)))
		return;
	l->name[l->n++] = l->r->name[i];
}

static void find_named(struct named *l, const struct ens_expr *e)
{
	if (e->kind == ENS_X_MEMBER || e->kind == ENS_X_INDEX)
		add_named(l, e->arg[0]);
	if (ens_sema_is_aggregate(e) && e->narg)
		add_named(l, e->arg[0]);
	for (uint32_t i = 0; i < e->narg; i++)
		find_named(l, e->arg[i]);
}

static uint32_t written_at(const struct ens_name *n)
{
	return n->npat ? n->pat[n->npat - 1]->sema->leave : n->root->sema->leave;
}

struct ens_expr *ens_expr_clone(struct ens_arena *arena, const struct ens_expr *e)
{
	struct ens_expr *c = ens_arena_alloc(arena, sizeof *c);

	if (!c)
		return NULL;
	*c = *e;
	c->sema = NULL;
	if (!e->narg)
		return c;
	c->arg = ens_arena_alloc(arena, e->narg * sizeof(struct ens_expr *));
	if (!c->arg)
		return NULL;
	for (uint32_t i = 0; i < e->narg; i++)
		if (!(c->arg[i] = ens_expr_clone(arena, e->arg[i])))
			return NULL;
	return c;
}

/* True if it compares two times, as they are or by their difference. */
static bool compares_times(const struct ens_expr *e)
{
	if (e->kind == ENS_X_SUB && e->arg[0]->type == ENS_TIME && e->arg[1]->type == ENS_TIME)
		return true;
	if (e->kind >= ENS_X_LT && e->kind <= ENS_X_GE && e->arg[0]->type == ENS_TIME && e->arg[1]->type == ENS_TIME &&
	    e->arg[0]->kind != ENS_X_LITERAL && e->arg[1]->kind != ENS_X_LITERAL)
		return true;
	for (uint32_t i = 0; i < e->narg; i++)
		if (compares_times(e->arg[i]))
			return true;
	return false;
}

/* Newcomers expect a late event to end the search; `->` goes on to the next that satisfies the step. */
static void warn_skips(struct named *l, const struct ens_expr *e, const struct ens_pat *step)
{
	const struct ens_pat *in = step;

	while (in && in->arrow == ENS_ARROW_NONE)
		in = in->sema->up;
	if (!in || in->arrow != ENS_ARROW_FOLLOWED || l->n < 2 || !compares_times(e))
		return;

	struct ens_message *m = ens_diag_add(l->s->diag, ENS_W_SKIPS, e->at,
					     "an event that does not satisfy this is skipped, and `->` goes on to the next");

	ens_diag_remedy(l->s->diag, m,
			"to limit the way to the step write `-> within 5s`; to find first and filter then, use `having`");
}

static void give_to_step(struct named *l, const struct ens_expr *e, struct ens_pat *step, struct ens_pat **others,
			 uint32_t nother)
{
	struct ens_cond *c = ens_arena_zalloc(l->s->arena, sizeof *c);
	struct ens_expr *copy = ens_expr_clone(l->s->arena, e);
	struct ens_view v = {
		.s = l->s, .rule = l->r, .hand = step->ref->sema->type, .place = step, .self = step, .where = true};

	if (!c || !copy)
		return;
	if (ens_sema_condition(&v, copy))
		warn_skips(l, copy, step);
	*c = (struct ens_cond){.expr = copy, .others = others, .nother = nother};
	*step->sema->conds_end = c;
	step->sema->conds_end = &c->next;
}

static struct ens_pat *outermost_repetition(struct ens_pat *p)
{
	struct ens_pat *found = NULL;

	for (; p; p = p->sema->up)
		if (ens_pat_repeats(p))
			found = p;
	return found;
}

static void give_to_exit(struct named *l, const struct ens_expr *e, struct ens_pat *loop)
{
	struct ens_g_guard *g = ens_arena_zalloc(l->s->arena, sizeof *g), **end = &loop->sema->exit_guards;
	struct ens_expr *copy = ens_expr_clone(l->s->arena, e);
	struct ens_view v = {.s = l->s, .rule = l->r, .place = loop, .behind = true, .where = true};

	if (!g || !copy)
		return;
	ens_sema_condition(&v, copy);
	g->expr = copy;
	while (*end)
		end = &(*end)->next;
	*end = g;
}

/* In an `&` the parts come in any order: the conjunct goes to each part it names.  False: it is not such a case. */
static bool give_to_parts(struct named *l, const struct ens_expr *e, struct ens_pat *last)
{
	const struct ens_pat *and = last->sema->up;
	struct ens_pat *part[ENS_UNORDERED_MAX];
	uint32_t n = 0;

	if (!and || and->kind != ENS_P_AND)
		return false;
	for (uint32_t i = 0; i < l->n && n < ENS_UNORDERED_MAX; i++)
		if (l->name[i]->npat == 1 && l->name[i]->pat[0]->sema->up == and)
			part[n++] = l->name[i]->pat[0];
	for (uint32_t i = 0; i < n; i++) {
		struct ens_pat **others = ens_arena_alloc(l->s->arena, n * sizeof(struct ens_pat *));
		uint32_t k = 0;

		if (!others)
			return true;
		for (uint32_t j = 0; j < n; j++)
			if (j != i)
				others[k++] = part[j];
		give_to_step(l, e, part[i], others, k);
	}
	return true;
}

static void say_nobody(struct named *l, const struct ens_expr *e)
{
	struct ens_message *m =
		ens_diag_add(l->s->diag, ENS_E_WHERE, e->at, "this condition names no step, so it belongs to none");

	ens_diag_remedy(l->s->diag, m,
			"name a step's field, such as `%s.FIELD`, write it in a step's brackets, or use `having`",
			l->r->nname && !l->r->name[0]->group ? l->r->name[0]->name : "STEP");
}

static void give(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_expr *e)
{
	struct named l = {.s = s, .r = r};
	struct ens_name *last;

	find_named(&l, e);
	if (s->arena->failed)
		return;
	if (!l.n) {
		/* A slip in a step's name is the likelier cause; looking at the types says which. */
		struct ens_view v = {.s = s, .rule = r};
		uint32_t before = s->diag->nerror;
		struct ens_expr *copy = ens_expr_clone(s->arena, e);

		if (!copy)
			return;
		if (ens_sema_condition(&v, copy) && s->diag->nerror == before)
			say_nobody(&l, e);
		return;
	}
	last = l.name[0];
	for (uint32_t i = 1; i < l.n; i++)
		if (written_at(l.name[i]) > written_at(last))
			last = l.name[i];
	if (!last->npat && !outermost_repetition(last->root)) {
		struct ens_message *m =
			ens_diag_add(s->diag, ENS_E_WHERE, e->at, "the group `%s` is not repeated", last->name);

		ens_diag_second(s->diag, m, last->at, "given here");
		return;
	}
	if (!last->npat)
		give_to_exit(&l, e, outermost_repetition(last->root));
	for (uint32_t i = 0; i < last->npat && !s->arena->failed; i++) {
		struct ens_pat *loop = outermost_repetition(last->pat[i]);

		if (loop && (!i || outermost_repetition(last->pat[i - 1]) != loop))
			give_to_exit(&l, e, loop);
		else if (!loop && !give_to_parts(&l, e, last->pat[i]))
			give_to_step(&l, e, last->pat[i], NULL, 0);
	}
}

static void split(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_expr *e)
{
	if (e->kind == ENS_X_AND && e->narg == 2) {
		split(s, r, e->arg[0]);
		split(s, r, e->arg[1]);
	} else if (!s->arena->failed) {
		give(s, r, e);
	}
}

void ens_sema_where(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_clause *where)
{
	split(s, r, where->expr);
}
