/*
 * Places in a pattern: which steps a name means at some place, whether they are taken there, what came before.
 *
 * A name inside a repeated group means this round's events, outside it those of all rounds: so the innermost repeated
 * group around both the place and the step is the scope, and the step is repeated if anything between scope and step is.
 * Cost: the depth of the pattern (at most ENS_NESTING_MAX), for `prev` the steps found.  Tested by tests/lang/sema_scope.test.
 */
#include "compiler/sema.h"

#include <assert.h>

#include "compiler/sema_private.h"

bool ens_pat_contains(const struct ens_pat *n, const struct ens_pat *x)
{
	return n->sema->enter <= x->sema->enter && x->sema->leave <= n->sema->leave;
}

bool ens_pat_repeats(const struct ens_pat *p)
{
	return p->sema->max > 1;
}

const struct ens_pat *ens_pat_common(const struct ens_pat *a, const struct ens_pat *b)
{
	while (a != b) {
		if (a->sema->depth >= b->sema->depth)
			a = a->sema->up;
		else
			b = b->sema->up;
	}
	return a;
}

/* True if whoever passed n has taken a step called `name`. */
static bool surely(const struct ens_pat *n, const struct ens_name *name)
{
	bool all = true, any = false;

	if (n->kind == ENS_P_NOT || n->sema->min == 0)
		return false;
	if (n->kind == ENS_P_STEP)
		return n->sema->named == name;
	for (uint32_t i = 0; i < n->nitem; i++) {
		bool one = surely(n->item[i], name);

		all &= one;
		any |= one;
	}
	return n->kind == ENS_P_ALT ? all : any;
}

static bool is_choice_of_names(const struct ens_name *name, const struct ens_pat *root)
{
	return root->kind == ENS_P_ALT && root->sema->named != name;
}

/* A name given in several branches of a choice means, inside one of them, that branch's step. */
static bool narrow(const struct ens_view *v, const struct ens_name *name, struct ens_reach *t)
{
	while (v->place && !v->behind && is_choice_of_names(name, t->root) && ens_pat_contains(t->root, v->place)) {
		const struct ens_pat *branch = v->place;
		uint32_t first = 0, n = 0;

		while (branch->sema->up != t->root)
			branch = branch->sema->up;
		for (uint32_t i = 0; i < t->npat; i++) {
			if (!ens_pat_contains(branch, t->pat[i]))
				continue;
			if (!n++)
				first = i;
		}
		if (!n)
			return false; /* only in other branches */
		t->pat += first; /* written order: those of one branch stand together */
		t->npat = n;
		t->root = t->pat[0];
		for (uint32_t i = 1; i < n; i++)
			t->root = ens_pat_common(t->root, t->pat[i]);
	}
	return true;
}

/* The node around both the place and the step, or NULL for the whole match. */
static const struct ens_pat *around(const struct ens_view *v, const struct ens_pat *root)
{
	const struct ens_pat *place = v->place;

	if (!place)
		return NULL;
	if (ens_pat_contains(root, place) || ens_pat_contains(place, root))
		return ens_pat_contains(root, place) ? root->sema->up : place->sema->up;
	return ens_pat_common(place, root);
}

static const struct ens_pat *child_of(const struct ens_pat *up, const struct ens_pat *x)
{
	while (x->sema->up != up)
		x = x->sema->up;
	return x;
}

/* x: (A | B) is a step: its events are not told apart by rounds. */
static bool is_named_choice(const struct ens_pat *p)
{
	return p->kind == ENS_P_ALT && p->sema->named && !p->sema->named->group;
}

bool ens_sema_target(struct ens_view *v, const struct ens_name *name, struct ens_reach *out, bool *may_lack)
{
	struct ens_reach t = {.pat = name->pat, .npat = name->npat, .root = name->root};
	bool here = narrow(v, name, &t);
	const struct ens_pat *common = around(v, t.root), *scope = common, *child;

	while (scope && (scope->kind == ENS_P_STEP || is_named_choice(scope) || !ens_pat_repeats(scope)))
		scope = scope->sema->up;
	t.scope = scope;
	for (uint32_t i = 0; i < t.npat; i++)
		for (const struct ens_pat *p = t.pat[i]; p != scope; p = p->sema->up)
			t.repeated |= ens_pat_repeats(p);
	*out = t;

	*may_lack = !here || (is_choice_of_names(name, t.root) && !surely(t.root, name));
	for (child = t.root; child != common; child = child->sema->up) {
		const struct ens_pat *up = child->sema->up;

		*may_lack |= child->sema->min == 0 || (up && up->kind == ENS_P_ALT) ||
			     (up && up == common && up->kind == ENS_P_AND);
	}
	*may_lack |= v->partial && !ens_pat_opens(t.root);
	if (!v->place || ens_pat_contains(t.root, v->place))
		return true;
	if (ens_pat_contains(v->place, t.root))
		return v->behind;
	if (common->kind != ENS_P_SEQ)
		return true;
	return child_of(common, t.root)->sema->place < child_of(common, v->place)->sema->place;
}

/* ---- what came before ------------------------------------------------------------------------------------------- */

struct steps {
	struct ens_pat **pat;
	bool *has; /* by number */
	uint32_t n;
};

static void add_last(struct steps *l, struct ens_pat *n)
{
	if (n->kind == ENS_P_STEP) {
		if (!l->has[n->sema->step])
			l->pat[l->n++] = n;
		l->has[n->sema->step] = true;
	} else if (n->kind == ENS_P_SEQ) {
		for (uint32_t i = n->nitem; i-- > 0;) {
			add_last(l, n->item[i]);
			if (n->item[i]->kind != ENS_P_NOT && !n->item[i]->sema->nullable)
				break;
		}
	} else if (n->kind != ENS_P_NOT) {
		for (uint32_t i = 0; i < n->nitem; i++)
			add_last(l, n->item[i]);
	}
}

/* Adds what may come before x inside its parent; true if something must. */
static bool add_before(struct steps *l, const struct ens_pat *x)
{
	const struct ens_pat *up = x->sema->up;

	if (up->kind == ENS_P_SEQ) {
		for (uint32_t i = x->sema->place; i-- > 0;) {
			add_last(l, up->item[i]);
			if (up->item[i]->kind != ENS_P_NOT && !up->item[i]->sema->nullable)
				return true;
		}
	} else if (up->kind == ENS_P_AND) {
		for (uint32_t i = 0; i < up->nitem; i++)
			if (up->item[i] != x)
				add_last(l, up->item[i]);
	}
	return false;
}

bool ens_sema_before(struct ens_view *v, struct ens_reach *out, bool *may_lack)
{
	uint32_t n = v->rule->nstep + 1;
	struct steps l = {ens_arena_alloc(v->s->arena, n * sizeof(struct ens_pat *)), ens_arena_zalloc(v->s->arena, n),
			  0};

	assert(v->place);
	if (!l.pat || !l.has)
		return false;
	*may_lack = true;
	for (const struct ens_pat *x = v->place; x; x = x->sema->up) {
		if (x->kind != ENS_P_NOT && (ens_pat_repeats(x) || (v->until && x == v->place)))
			add_last(&l, (struct ens_pat *)x);
		if (x->sema->up && add_before(&l, x)) {
			*may_lack = false;
			break;
		}
	}
	*out = (struct ens_reach){.pat = l.pat, .npat = l.n};
	return true;
}
