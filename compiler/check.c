/*
 * The checks' order and what they share: see check.h.
 *
 * Cost: each condition is looked at once for its place, up to a bound (facts.h); combinations of alternatives are
 * bounded for all rules together.  So it is linear in the text, with a small factor.  Tested by
 * tests/lang/check_*.test.
 */
#include "compiler/check.h"

#define SCRATCH_MAX_BYTES ((size_t)8 << 20) /* of one rule */
#define TRIES_MIN 4096u                     /* combinations of alternatives that are tried, and so many more a rule: */
#define TRIES_PER_RULE 8u

void ens_check_init(struct ens_check *c, struct ens_sema *s)
{
	c->s = s;
	c->clean = !s->diag->nerror;
	c->tries = TRIES_MIN + TRIES_PER_RULE * s->nrule;
	ens_arena_init(&c->scratch, SCRATCH_MAX_BYTES);
}

void ens_check_free(struct ens_check *c)
{
	ens_arena_free(&c->scratch);
}

bool ens_pat_mandatory(const struct ens_pat *p)
{
	for (; p; p = p->sema->up)
		if (p->sema->min == 0 || (p->sema->up && p->sema->up->kind == ENS_P_ALT))
			return false;
	return true;
}

void ens_check_declarations(struct ens_check *c)
{
	if (!c->clean)
		return;
	ens_check_events(c);
	ens_check_imports(c);
}

void ens_check_rule(struct ens_check *c, struct ens_rule_sema *r)
{
	if (c->clean) {
		ens_arena_reset(&c->scratch);
		ens_check_conditions(c, r);
	}
	if (r->over) /* a window: nothing in it comes before or after something */
		return;
	if (c->clean) {
		ens_arena_reset(&c->scratch);
		ens_check_branches(c, r);
	}
	ens_check_limits(c, r);
	ens_check_growth(c, r);
}

void ens_check_graph(struct ens_check *c, const struct ens_rule_sema *r, const struct ens_graph *g)
{
	if (!c->clean || r->over)
		return;
	ens_check_shadows(c, r, g);
	ens_check_forever(c, r, g);
}
