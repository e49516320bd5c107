/*
 * What a rule says about its matches besides the pattern: how long they may take, what they use up (`skip`), what ends
 * them all (`reset on`), how many are told (`limit`), and when the unfinished are (`on timeout`).
 * Tested by tests/lang/sema_rule.test and tests/lang/clauses.test.
 */
#include "compiler/sema.h"

#include "compiler/sema_private.h"

bool ens_sema_amount(struct ens_sema *s, struct ens_expr *e, enum ens_type want, int64_t least, const char *too_small,
		     int64_t *out)
{
	const char *what = want == ENS_DURATION ? "a duration, such as 5m" : "a whole number";
	const char *param = e && e->kind == ENS_X_NAME ? e->name : NULL;

	if (!e || (ens_sema_put_param(s, e) && e->kind == ENS_X_NAME) || (e->kind == ENS_X_NAME && s->imports))
		return false;
	if (e->kind != ENS_X_LITERAL || e->lit_type != want) {
		struct ens_message *m = ens_diag_add(s->diag, ENS_E_SCOPE, e->at, "here stands %s", what);

		if (param && e->kind == ENS_X_LITERAL)
			ens_diag_remedy(s->diag, m, "the parameter `%s` is of type %s: declare it as %s", param, ens_type_name(e->lit_type),
					ens_type_name(want));
		else if (want == ENS_DURATION && e->kind == ENS_X_LITERAL && e->lit_type == ENS_INT)
			ens_diag_remedy(s->diag, m, "a number of seconds is `%lds`", (long)e->literal.i);
		else if (e->kind == ENS_X_LITERAL && e->lit_type == ENS_STRING)
			ens_diag_remedy(s->diag, m, "leave the quotes out");
		else
			ens_diag_remedy(s->diag, m, "write a literal, or the name of a parameter of type %s", ens_type_name(want));
		return false;
	}
	if (e->literal.i < least) {
		ens_diag_add(s->diag, ENS_E_SCOPE, e->at, "%s", too_small);
		return false;
	}
	*out = e->literal.i;
	return true;
}

/* ---- within ----------------------------------------------------------------------------------------------------- */

/* `within 5`: seconds or events? */
static bool say_bare_number(struct ens_sema *s, const struct ens_expr *e)
{
	if (!e || e->kind != ENS_X_LITERAL || e->lit_type != ENS_INT)
		return false;

	struct ens_message *m = ens_diag_add(s->diag, ENS_E_SCOPE, e->at, "here stands a duration, such as 5m");

	ens_diag_remedy(s->diag, m, "a number of seconds is `within %lds`, a number of events `within %ld events`",
			(long)e->literal.i, (long)e->literal.i);
	return true;
}

void ens_sema_scope(struct ens_sema *s, struct ens_rule_sema *r)
{
	static const char negative[] = "how long it may take can't be negative";
	const struct ens_clause *c = r->within;

	r->session_max_us = -1;
	if (!c)
		return;
	switch (c->scope) {
	case ENS_SCOPE_TIME:
		r->scope = ENS_T_TIME;
		if (!say_bare_number(s, c->expr))
			ens_sema_amount(s, c->expr, ENS_DURATION, 0, negative, &r->scope_amount);
		break;
	case ENS_SCOPE_EVENTS:
		r->scope = ENS_T_EVENTS;
		ens_sema_amount(s, c->expr, ENS_INT, 1, "a match has at least one event", &r->scope_amount);
		break;
	case ENS_SCOPE_SESSION:
		r->scope = ENS_T_SESSION;
		if (ens_sema_amount(s, c->expr, ENS_DURATION, 1, "a session needs a gap longer than 0s", &r->scope_amount)
		    && c->expr2)
			ens_sema_amount(s, c->expr2, ENS_DURATION, 0, negative, &r->session_max_us);
		break;
	case ENS_SCOPE_NONE:
		break;
	}
}

/* ---- skip ------------------------------------------------------------------------------------------------------- */

static void add_skip_states(struct ens_rule_sema *r, const struct ens_pat *p)
{
	if (p->kind == ENS_P_STEP)
		r->skip_state[r->nskip_state++] = p->sema->step;
	for (uint32_t i = 0; p->kind != ENS_P_NOT && i < p->nitem; i++)
		add_skip_states(r, p->item[i]);
}

/* Its first event is the match's first event, whichever match it is. */
bool ens_pat_opens(const struct ens_pat *p)
{
	if (!p->sema->first)
		return false;
	for (; p; p = p->sema->up)
		if (p->sema->min == 0 || (p->sema->up && p->sema->up->kind != ENS_P_SEQ))
			return false;
	return true;
}

static void skip_to(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_clause *c)
{
	const char *candidate[256];
	size_t n = 0;
	uint32_t i = c->name.name ? ens_map_find_name(&r->name_map, c->name.name) : ENS_MAP_NONE;
	struct ens_message *m;

	if (!c->name.name)
		return;
	if (i == ENS_MAP_NONE) {
		m = ens_diag_add(s->diag, ENS_E_SKIP, c->name.at, "no step of the pattern is called `%s`", c->name.name);
		for (uint32_t k = 0; k < r->nname && n < 256; k++)
			candidate[n++] = r->name[k]->name;
		ens_sema_offer(s, m, c->name.name, "names of this pattern", candidate, n);
		return;
	}

	const struct ens_name *name = r->name[i];

	r->skip_state = ens_arena_alloc(s->arena, (r->nstep + 1) * sizeof *r->skip_state);
	if (!r->skip_state)
		return;
	if (name->group)
		add_skip_states(r, name->root);
	for (uint32_t k = 0; !name->group && k < name->npat; k++)
		add_skip_states(r, name->pat[k]);
	if (ens_pat_opens(name->root) && (c->skip == ENS_SKIP_TO_FIRST || (!ens_pat_repeats(name->root) && !name->group))) {
		m = ens_diag_add(s->diag, ENS_W_SKIPS_NOTHING, c->name.at,
				 "`%s` is where a match begins, so nothing started before it and nothing is dropped",
				 c->name.name);
		ens_diag_second(s->diag, m, name->at, "given here");
		ens_diag_remedy(s->diag, m, "say `skip none` if that is meant, or `skip to next` to report one match for each start");
	}
}

static void skip(struct ens_sema *s, struct ens_rule_sema *r)
{
	static const enum ens_t_skip kind[] = {
		[ENS_SKIP_DEFAULT] = ENS_T_SKIP_DEFAULT,     [ENS_SKIP_NONE] = ENS_T_SKIP_NONE,
		[ENS_SKIP_TO_NEXT] = ENS_T_SKIP_TO_NEXT,     [ENS_SKIP_PAST_LAST] = ENS_T_SKIP_PAST_LAST,
		[ENS_SKIP_TO_FIRST] = ENS_T_SKIP_TO_FIRST,   [ENS_SKIP_TO_LAST] = ENS_T_SKIP_TO_LAST,
		[ENS_SKIP_ALL] = ENS_T_SKIP_ALL,
	};
	const struct ens_clause *c = r->skip;

	if (!c)
		return;
	r->skip_kind = kind[c->skip];
	if (r->match->select == ENS_SELECT_LAST) {
		struct ens_message *m =
			ens_diag_add(s->diag, ENS_E_SKIP, c->word_at, "`match last` has no `skip`: a match of it drops only itself");

		ens_diag_second(s->diag, m, r->match->select_at, "`last` is here");
		ens_diag_remedy(s->diag, m, "leave `skip` out, or use `match` or `match all`");
	}
	if (c->skip == ENS_SKIP_TO_FIRST || c->skip == ENS_SKIP_TO_LAST)
		skip_to(s, r, c);
}

/* ---- reset on --------------------------------------------------------------------------------------------------- */

static void reset(struct ens_sema *s, struct ens_rule_sema *r)
{
	for (struct ens_ref *ref = r->reset ? r->reset->ref : NULL; ref; ref = ref->next) {
		struct ens_view v = {.s = s, .rule = r, .hand = ref->sema->type, .no_match = true};

		if (ref->cond)
			ens_sema_condition(&v, ref->cond);
	}
}

/* ---- limit ------------------------------------------------------------------------------------------------------ */

static void limit(struct ens_sema *s, struct ens_rule_sema *r)
{
	struct ens_view v = {.s = s, .rule = r};
	const struct ens_clause *c = r->limit;
	struct ens_message *m;

	if (!c)
		return;
	ens_sema_amount(s, c->expr, ENS_INT, 1, "at least one is let through", &r->limit_count);
	ens_sema_amount(s, c->expr2, ENS_DURATION, 1, "a period lasts longer than 0s", &r->limit_us);
	if (!c->expr3 || ens_sema_expr(&v, c->expr3) != ENS_NOTYPE)
		return;
	m = ens_diag_add(s->diag, ENS_E_NULL, c->expr3->at, "null is the same for all, so nothing is told apart by it");
	ens_diag_remedy(s->diag, m, "leave `by` out: the limit is for each key");
}

/* ---- on timeout ------------------------------------------------------------------------------------------------- */

static bool has_limit(const struct ens_pat *p)
{
	if (p->within)
		return true;
	for (uint32_t i = 0; p->kind != ENS_P_NOT && i < p->nitem; i++)
		if (has_limit(p->item[i]))
			return true;
	return false;
}

static void timeout(struct ens_sema *s, struct ens_rule_sema *r)
{
	const struct ens_clause *c = r->decl->clauses;
	struct ens_message *m;

	while (c && c->kind != ENS_C_ON_TIMEOUT)
		c = c->next;
	if (!c || r->scope != ENS_T_UNBOUNDED || has_limit(r->pattern) || r->within)
		return;
	m = ens_diag_add(s->diag, ENS_E_TIMEOUT, c->word_at, "nothing ends a partial match of this rule, so there is no timeout");
	ens_diag_remedy(s->diag, m, "say how long a match may take, such as `within 5m`, or limit an arrow: `-> within 5m B`");
}

void ens_sema_clauses(struct ens_sema *s, struct ens_rule_sema *r)
{
	if (!r->over)
		skip(s, r);
	reset(s, r);
	limit(s, r);
	if (!r->over)
		timeout(s, r);
}
