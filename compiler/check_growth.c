/*
 * How many matches `match all` can report: the growth of their number with the number n of events that fit.
 *
 * A choice among n events multiplies it by n: every start, every `->>`, every count of a repetition.  A repetition
 * without a maximum that chooses anew in each round (`combinations`, `->>`, or a choice inside a group) doubles it with
 * each event.  What is computed is the worst case of the pattern's form; conditions may make it less.
 * Cost: linear in the pattern.  Tested by tests/lang/clauses.test.
 */
#include "compiler/check.h"
#include "compiler/sema_private.h"

#define DEGREE_MAX 1000u

struct growth {
	uint32_t degree;           /* n to the power of this */
	const struct ens_pat *doubles; /* a repetition that makes it 2 to the power of n; NULL: none */
	const struct ens_pat *unbounded;
};

static uint32_t capped(uint64_t degree)
{
	return degree < DEGREE_MAX ? (uint32_t)degree : DEGREE_MAX;
}

static struct growth of(const struct ens_pat *p);

static struct growth of_round(const struct ens_pat *p)
{
	struct growth g = {0};

	for (uint32_t i = 0; p->kind != ENS_P_NOT && i < p->nitem; i++) {
		const struct growth one = of(p->item[i]);

		if (p->kind != ENS_P_ALT)
			g.degree = capped((uint64_t)g.degree + one.degree);
		else if (one.degree > g.degree)
			g.degree = one.degree;
		g.doubles = g.doubles ? g.doubles : one.doubles;
		g.unbounded = g.unbounded ? g.unbounded : one.unbounded;
	}
	if (p->kind == ENS_P_AND && ens_pat_arrow(p) == ENS_ARROW_ANY)
		g.degree = capped((uint64_t)g.degree + p->nitem);
	return g;
}

static struct growth of(const struct ens_pat *p)
{
	struct growth g = of_round(p);
	const bool chosen = p->kind == ENS_P_STEP && ens_pat_arrow(p) == ENS_ARROW_ANY;

	if (p->kind == ENS_P_NOT)
		return g;
	if (ens_pat_repeats(p)) {
		const bool anew = g.degree > 0 || ens_pat_inner(p) == ENS_ARROW_ANY;

		if (p->sema->max == UINT32_MAX) {
			g.unbounded = g.unbounded ? g.unbounded : p;
			g.doubles = anew && !g.doubles ? p : g.doubles;
		}
		if (anew && p->sema->max != UINT32_MAX)
			g.degree = capped((uint64_t)(g.degree ? g.degree : 1) * p->sema->max);
		else if (p->sema->max > p->sema->min)
			g.degree = capped(g.degree + UINT64_C(1));
	}
	if (chosen)
		g.degree = capped(g.degree + UINT64_C(1));
	return g;
}

void ens_check_growth(struct ens_check *c, const struct ens_rule_sema *r)
{
	struct ens_sema *s = c->s;
	struct growth g;
	struct ens_message *m;

	if (r->match->select != ENS_SELECT_ALL)
		return;
	g = of(r->pattern);
	if (!g.unbounded)
		return;
	if (g.doubles)
		m = ens_diag_add(s->diag, ENS_W_GROWTH, g.doubles->quant_at,
				 "`match all` reports every choice of this repetition's events: of n that fit there can be 2^n matches");
	else
		m = ens_diag_add(s->diag, ENS_W_GROWTH, g.unbounded->quant_at,
				 "`match all` reports every count of this repetition: of n events that fit there can be n^%u matches",
				 g.degree + 1); /* and every start */
	ens_diag_second(s->diag, m, r->match->select_at, "`all` is here");
	ens_diag_remedy(s->diag, m, r->scope == ENS_T_UNBOUNDED
				      ? "give the repetition a maximum, as in `{1,5}`, or the rule a scope; or use `match`: one match at a time"
				      : "give the repetition a maximum, as in `{1,5}`, or use `match`: one match at a time");
}
