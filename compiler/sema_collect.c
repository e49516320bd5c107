/*
 * Aggregates over everything or of many values: count(), count_distinct, list, set, percentile.
 *
 * count() counts the events that the match has taken, whatever their step.  A list is no value to compute with: it stands
 * by itself as an emitted item.  Which percentile is meant is fixed when the rule is compiled, so that one distribution
 * serves all percentiles of an expression.  Tested by tests/lang/collect.test.
 */
#include "compiler/sema.h"

#include "compiler/sema_private.h"

enum ens_type ens_expr_element(const struct ens_expr *e)
{
	return e->type == ENS_LIST ? e->arg[0]->type : ENS_NOTYPE;
}

const char *ens_sema_type_name(const struct ens_expr *e)
{
	static const char *const list[] = {
		[ENS_BOOL] = "list of bool", [ENS_INT] = "list of int",   [ENS_FLOAT] = "list of float",
		[ENS_STRING] = "list of string", [ENS_TIME] = "list of time", [ENS_DURATION] = "list of duration",
		[ENS_IP] = "list of ip",
	};
	enum ens_type element = ens_expr_element(e);

	return element == ENS_NOTYPE ? ens_type_name(e->type) : list[element];
}

enum ens_type ens_sema_count_all(struct ens_view *v, struct ens_expr *e)
{
	struct ens_message *m;

	if (v->where && v->self) {
		m = ens_diag_add(v->s->diag, ENS_E_AGGREGATE, e->at,
				 "`count()` is of the whole match, and here one event of it is judged");
		ens_diag_remedy(v->s->diag, m, "count one step's events, `count(STEP)`, or use `having`");
		return ENS_BADTYPE;
	}
	e->sema->counts_events = true;
	if (v->rule->nstep) /* else the pattern is wrong, which was told */
		e->sema->target = (struct ens_reach){.pat = v->rule->step + 1, .npat = v->rule->nstep};
	return ENS_INT;
}

static bool wrong_percent(struct ens_view *v, struct ens_span at)
{
	struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_ARGUMENTS, at,
					     "which percentile is meant is a number from 0 to 100, or a parameter");

	ens_diag_remedy(v->s->diag, m, "as in `percentile(STEP.FIELD, 95)`: 95 %% of the values are at most that");
	return false;
}

static bool percent(struct ens_view *v, struct ens_expr *e)
{
	struct ens_expr *p = e->narg == 2 ? e->arg[1] : NULL;

	if (!p)
		return wrong_percent(v, e->at);
	if (ens_sema_put_param(v->s, p) && p->kind == ENS_X_NAME)
		return false; /* the parameter is wrong, which was told */
	if (p->kind == ENS_X_NAME && v->s->imports)
		return false;
	if (p->kind != ENS_X_LITERAL || (p->lit_type != ENS_INT && p->lit_type != ENS_FLOAT))
		return wrong_percent(v, p->at);
	e->sema->percent = p->lit_type == ENS_INT ? (double)p->literal.i : p->literal.f;
	if (!(e->sema->percent >= 0 && e->sema->percent <= 100))
		return wrong_percent(v, p->at);
	return true;
}

bool ens_sema_collects(struct ens_view *v, struct ens_expr *e, enum ens_aggregate what)
{
	struct ens_message *m;

	if (what == ENS_A_PERCENTILE)
		return percent(v, e);
	if ((what != ENS_A_LIST && what != ENS_A_SET) || v->alone == e)
		return true;
	m = ens_diag_add(v->s->diag, ENS_E_AGGREGATE, e->at, "`%s` gives many values: it stands by itself as an emitted item",
			 e->name);
	ens_diag_remedy(v->s->diag, m, "emit it as `NAME: %s(...)`; for their number use `count_distinct(...)` or `count(...)`",
			e->name);
	return false;
}
