/*
 * The form of a pattern: repetitions, absences, arrows, groups, and the names of its steps.
 *
 * One walk numbers the nodes and steps in written order, works out repetitions as numbers, resolves types and gathers
 * names; the rules of form are checked on the way back, where what is inside is known.  Cost: linear.
 * Tested by tests/lang/sema_pattern.test.
 */
#include "compiler/sema.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "compiler/sema_private.h"

struct walk {
	struct ens_sema *s;
	struct ens_rule_sema *r;
	uint32_t clock, nnode, cap_step, cap_name;
	bool too_large;
};

static void error(struct walk *w, enum ens_code code, struct ens_span at, const char *text, const char *remedy)
{
	struct ens_message *m = ens_diag_add(w->s->diag, code, at, "%s", text);

	if (remedy)
		ens_diag_remedy(w->s->diag, m, "%s", remedy);
}

/* ---- repetitions ------------------------------------------------------------------------------------------------ */

/* A bound of a repetition: a literal or a parameter.  False: it was said what is wrong. */
static bool bound(struct walk *w, struct ens_expr *e, uint32_t *out)
{
	bool param = ens_sema_put_param(w->s, e);

	if (e->kind == ENS_X_NAME) {
		if (!param && !w->s->imports)
			error(w, ENS_E_UNKNOWN_NAME, e->at, "this is no number and no parameter", "write a number");
		return false;
	}
	if (e->kind != ENS_X_LITERAL || e->lit_type != ENS_INT) {
		error(w, ENS_E_QUANTIFIER, e->at, "here stands a whole number", "write a literal, or the name of a parameter of type int");
		return false;
	}
	if (e->literal.i < 0) {
		error(w, ENS_E_QUANTIFIER, e->at, "a repetition can't count to a negative number", "a count is 1 or more");
		return false;
	}
	if (e->literal.i > ENS_REPEAT_MAX) {
		ens_diag_add(w->s->diag, ENS_E_QUANTIFIER, e->at, "a repetition counts up to %d", ENS_REPEAT_MAX);
		return false;
	}
	*out = (uint32_t)e->literal.i;
	return true;
}

static void repetition(struct walk *w, struct ens_pat *p)
{
	uint32_t min = 1, max = UINT32_MAX;

	p->sema->min = p->sema->max = 1;
	if (!p->quantified || !p->min)
		return;
	if (!bound(w, p->min, &min) || (p->max && !bound(w, p->max, &max)))
		return;
	if (max == 0) {
		error(w, ENS_E_QUANTIFIER, p->quant_at, "a repetition of zero takes nothing",
		      "leave the step out, or say `not` if none may come");
		return;
	}
	if (min > max) {
		struct ens_message *m = ens_diag_add(w->s->diag, ENS_E_QUANTIFIER, p->quant_at,
						     "at least %u and at most %u can't both be", min, max);

		ens_diag_remedy(w->s->diag, m, "did you mean `{%u,%u}`?", max, min);
		return;
	}
	p->sema->min = min;
	p->sema->max = max;
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static bool is_choice_of_steps(const struct ens_pat *p)
{
	if (p->kind != ENS_P_ALT)
		return false;
	for (uint32_t i = 0; i < p->nitem; i++)
		if (p->item[i]->kind != ENS_P_STEP || p->item[i]->quantified)
			return false;
	return true;
}

const struct ens_pat *ens_pat_repetition(const struct ens_pat *step)
{
	const struct ens_pat *up = step->sema->up;

	return up && up->quantified && is_choice_of_steps(up) ? up : step;
}

static bool add_step(struct walk *w, struct ens_name *n, struct ens_pat *step)
{
	if (!ens_arena_grow(w->s->arena, &n->pat, n->npat, &n->cap, sizeof(struct ens_pat *)))
		return false;
	n->pat[n->npat++] = step;
	return true;
}

static struct ens_name *new_name(struct walk *w, struct ens_pat *p, uint32_t *place)
{
	struct ens_name *n = ens_arena_zalloc(w->s->arena, sizeof *n);

	if (!n || !ens_arena_grow(w->s->arena, &w->r->name, w->r->nname, &w->cap_name, sizeof(struct ens_name *)))
		return NULL;
	*n = (struct ens_name){.name = p->name.name, .at = p->name.at, .root = p, .group = p->kind != ENS_P_STEP};
	*place = w->r->nname;
	w->r->name[w->r->nname++] = n;
	return n;
}

static void say_taken(struct walk *w, const struct ens_pat *p, const struct ens_name *first)
{
	struct ens_message *m = ens_diag_add(w->s->diag, ENS_E_STEP_NAME, p->name.at,
					     "`%s` is the name of another step already", p->name.name);

	ens_diag_second(w->s->diag, m, first->at, "given here");
	ens_diag_remedy(w->s->diag, m, "a name may stand twice only in different branches of one `|`");
}

static void give_name(struct walk *w, struct ens_pat *p)
{
	if (!p->name.name)
		return;
	if (strcmp(p->name.name, "prev") == 0) {
		error(w, ENS_E_STEP_NAME, p->name.at, "`prev` already means the event taken before",
		      "give the step another name");
		return;
	}

	uint32_t *place = ens_map_at_name(&w->r->name_map, p->name.name);

	if (!place)
		return;
	if (*place == ENS_MAP_NONE) {
		struct ens_name *n = new_name(w, p, place);

		p->sema->named = n;
		if (!n)
			return;
		if (p->kind == ENS_P_STEP)
			add_step(w, n, p);
		else if (is_choice_of_steps(p))
			n->group = false; /* its steps follow when they are walked */
		return;
	}

	struct ens_name *n = w->r->name[*place];

	bool named_choice = n->root->kind == ENS_P_ALT && n->root->sema->named == n;

	if (n->group || named_choice || p->kind != ENS_P_STEP ||
	    ens_pat_common(n->pat[n->npat - 1], p)->kind != ENS_P_ALT) {
		say_taken(w, p, n);
		return;
	}
	n->root = (struct ens_pat *)ens_pat_common(n->root, p);
	p->sema->named = n;
	add_step(w, n, p);
}

static void number_step(struct walk *w, struct ens_pat *p)
{
	struct ens_rule_sema *r = w->r;
	const struct ens_pat *up = p->sema->up;

	if (!ens_arena_grow(w->s->arena, &r->step, r->nstep + 1, &w->cap_step, sizeof(struct ens_pat *)))
		return;
	p->sema->step = ++r->nstep;
	r->step[r->nstep] = p;
	if (up && up->sema->named && !up->sema->named->group && up->sema->named->root == up)
		add_step(w, up->sema->named, p);
}

/* ---- rules of form ---------------------------------------------------------------------------------------------- */

static void check_refs(struct walk *w, struct ens_ref *ref)
{
	for (; ref; ref = ref->next)
		if (!ens_sema_resolve_ref(w->s, ref))
			w->r->ok = false;
}

/* `Login: a` for `a: Login`. */
static void say_swapped(struct walk *w, const struct ens_pat *p)
{
	struct ens_diag *diag = w->s->diag;
	struct ens_message *m = diag->nmsg ? &diag->msg[diag->nmsg - 1] : NULL;

	if (m && p->name.name && p->ref && p->ref->type.name && m->code == ENS_E_UNKNOWN_TYPE &&
	    m->at.off == p->ref->type.at.off && ens_map_find_name(&w->s->type_map, p->name.name) != ENS_MAP_NONE)
		ens_diag_remedy(diag, m, "a step's name stands before its type: `%s: %s`", p->ref->type.name, p->name.name);
}

/* Where no `not` can stand, as check_not says. */
static bool misplaced(const struct ens_pat *p)
{
	const struct ens_pat *up = p->sema->up;

	return !up || up->kind == ENS_P_AND || up->kind == ENS_P_ALT || (p->sema->place == 0 && up->sema->up);
}

static void check_not(struct walk *w, struct ens_pat *p)
{
	const struct ens_pat *up = p->sema->up;

	check_refs(w, p->ref);
	if (p->after || p->within)
		error(w, ENS_E_ARROW, p->after ? p->after->at : p->within->at,
		      "a limit can't stand on the arrow before a `not`",
		      "put it on the arrow behind the `not`, or say how long there must be none: `not B for 30s`");
	if (p->arrow == ENS_ARROW_ANY)
		error(w, ENS_E_ARROW, p->arrow_at, "`->>` can't lead to a `not`",
		      "say `->` (none until the next step) or `,` (the very next is none)");
	if (p->for_dur && p->arrow == ENS_ARROW_NEXT)
		error(w, ENS_E_ARROW, p->arrow_at, "`not ... for` needs `->` before it",
		      "`, not B` looks at the very next event only");
	if (!misplaced(p))
		return;
	if (!up)
		error(w, ENS_E_NOT_PLACE, p->at, "a pattern needs a step that is taken",
		      "as in `a: A -> not B for 30s`");
	else if (up->kind == ENS_P_AND)
		error(w, ENS_E_NOT_PLACE, p->at, "there is no `not` inside `&`",
		      "put it before or behind the parentheses");
	else if (up->kind == ENS_P_ALT)
		error(w, ENS_E_NOT_PLACE, p->at, "a `not` can't be a whole branch of `|`",
		      "a branch needs a step that is taken");
	else
		error(w, ENS_E_NOT_PLACE, p->at, "a `not` can't begin a group", "put it before the parentheses");
}

static void check_and(struct walk *w, const struct ens_pat *p)
{
	for (uint32_t i = 0; i < p->nitem; i++) {
		const struct ens_pat *k = p->item[i];

		if (k->kind != ENS_P_STEP && k->kind != ENS_P_NOT)
			error(w, ENS_E_SINGLE_STEP, k->at, "the parts of `&` are single steps",
			      "a group can stand before or behind the parentheses");
		else if (k->quantified)
			error(w, ENS_E_SINGLE_STEP, k->quant_at, "the parts of `&` are not repeated", "name a part as often as it is to be taken, or repeat it before or behind the parentheses");
	}
	if (p->nitem > ENS_UNORDERED_MAX)
		ens_diag_add(w->s->diag, ENS_E_SINGLE_STEP, p->at, "an `&` has at most %d parts, here are %u",
			     ENS_UNORDERED_MAX, p->nitem);
}

static void check_words(struct walk *w, const struct ens_pat *p)
{
	const bool single = p->kind == ENS_P_STEP || is_choice_of_steps(p);

	if (!single && p->greedy)
		error(w, ENS_E_SINGLE_STEP, p->greedy_at,
		      "`greedy` stands behind a repeated single step, not behind a group",
		      "leave it out: a group is left as soon as the step behind it can be taken");
	if (!single && p->until)
		error(w, ENS_E_SINGLE_STEP, p->until->at,
		      "`until` stands behind a repeated single step, not behind a group",
		      "what must not come between is said by `-> not B` at the end of the group");
}

static void check_sequence(struct walk *w, const struct ens_pat *p)
{
	for (uint32_t i = 0; i < p->nitem; i++)
		if (p->item[i]->kind != ENS_P_NOT)
			return;
	if (!p->sema->up)
		error(w, ENS_E_NOT_PLACE, p->at, "a pattern needs a step that is taken",
		      "as in `a: A -> not B for 30s`");
	else
		error(w, ENS_E_NOT_PLACE, p->at, "a group needs a step that is taken", NULL);
}

static void nullable(struct ens_pat *p)
{
	bool all = true, any = false;

	for (uint32_t i = 0; i < p->nitem; i++) {
		if (p->item[i]->kind == ENS_P_NOT)
			continue;
		all &= p->item[i]->sema->nullable;
		any |= p->item[i]->sema->nullable;
	}
	p->sema->nullable = p->sema->min == 0 || (p->kind == ENS_P_SEQ && all) || (p->kind == ENS_P_ALT && any);
}

static void walk(struct walk *w, struct ens_pat *p, struct ens_pat *up, uint32_t place)
{
	w->too_large = ++w->nnode > ENS_STEPS_MAX;
	if (w->too_large)
		return;
	p->sema = ens_arena_zalloc(w->s->arena, sizeof *p->sema);
	if (!p->sema)
		return;
	p->sema->up = up;
	p->sema->place = place;
	p->sema->depth = up ? up->sema->depth + 1 : 0;
	p->sema->enter = w->clock++;
	p->sema->leave = p->sema->enter;
	p->sema->min = p->sema->max = 1;
	p->sema->conds_end = &p->sema->conds;
	if (p->kind == ENS_P_NOT) {
		check_not(w, p);
		return;
	}
	repetition(w, p);
	if (p->kind == ENS_P_STEP) {
		check_refs(w, p->ref);
		say_swapped(w, p);
		number_step(w, p);
	}
	check_refs(w, p->until);
	check_words(w, p);
	p->sema->leave = w->clock; /* for the look at names, set right below */
	give_name(w, p);
	for (uint32_t i = 0; i < p->nitem && !w->s->arena->failed && !w->too_large; i++)
		walk(w, p->item[i], p, i);
	p->sema->leave = w->clock++;
	if (w->s->arena->failed || w->too_large)
		return;
	if (p->kind == ENS_P_AND)
		check_and(w, p);
	if (p->kind == ENS_P_SEQ)
		check_sequence(w, p);
	nullable(p);
}

void ens_sema_pattern(struct ens_sema *s, struct ens_rule_sema *r)
{
	struct walk w = {.s = s, .r = r};

	ens_map_init(&r->name_map, s->arena);
	walk(&w, r->pattern, NULL, 0);
	if (!w.too_large)
		return;
	ens_diag_add(s->diag, ENS_E_TOO_MANY, r->pattern->at, "a pattern has at most %d steps, groups and absences", ENS_STEPS_MAX);
	r->pattern = NULL;
}

/* ---- ends: what depends on the scope ---------------------------------------------------------------------------- */

/* Where each node stands: whether anything is taken before it, must be taken behind it, can be taken behind it. */
static void mark_ends(struct ens_pat *p, bool first, bool last, bool end)
{
	p->sema->first = first;
	p->sema->last = last;
	p->sema->end = end;
	if (p->kind == ENS_P_NOT)
		return;
	if (p->kind != ENS_P_SEQ) {
		for (uint32_t i = 0; i < p->nitem; i++) /* the other parts of an `&` may come later */
			mark_ends(p->item[i], first, last && p->kind != ENS_P_AND, end);
		return;
	}

	uint32_t leading = 0;

	while (leading < p->nitem && p->item[leading]->kind == ENS_P_NOT)
		leading++;
	for (uint32_t i = p->nitem; i-- > 0;) {
		mark_ends(p->item[i], first && i <= leading, last, end);
		if (p->item[i]->kind == ENS_P_NOT)
			continue;
		end = false;
		last &= p->item[i]->sema->nullable;
	}
}

/* The node whose arrow leads to p. */
static const struct ens_pat *arrow_into(const struct ens_pat *p)
{
	while (p && p->arrow == ENS_ARROW_NONE)
		p = p->sema->up;
	return p;
}

enum ens_arrow ens_pat_arrow(const struct ens_pat *p)
{
	const struct ens_pat *in = arrow_into(p);

	return in ? in->arrow : ENS_ARROW_NONE;
}

enum ens_arrow ens_pat_inner(const struct ens_pat *p)
{
	if (p->inner != ENS_ARROW_NONE)
		return p->inner;
	return ens_pat_arrow(p) != ENS_ARROW_NONE ? ens_pat_arrow(p) : ENS_ARROW_FOLLOWED;
}

/* A name that is no key can only be a parameter: literals from here on. */
static void put_params(struct walk *w, struct ens_expr *e)
{
	for (uint32_t i = 0; e && e->kind == ENS_X_NAME && i < w->r->nkey; i++)
		if (strcmp(w->r->keys[i].name, e->name) == 0)
			return;
	if (e)
		ens_sema_put_param(w->s, e);
}

static bool literal_duration(const struct ens_expr *e, int64_t *us)
{
	if (!e || e->kind != ENS_X_LITERAL || e->lit_type != ENS_DURATION)
		return false;
	*us = e->literal.i;
	return true;
}

static void end_of_not(struct walk *w, const struct ens_pat *p)
{
	enum ens_t_scope scope = w->r->scope;
	struct ens_message *m;

	if (p->for_dur || p->within || misplaced(p))
		return; /* of a limit before it it was told how the time is said */
	if (p->sema->first && scope != ENS_T_SESSION) {
		m = ens_diag_add(w->s->diag, ENS_E_NOT_BOUND, p->at, "nothing says since when there was none");
		ens_diag_remedy(w->s->diag, m,
				"say how long: `not %s for 30s`; or give the rule `within session 30m`: none since the "
				"session began",
				p->ref->type.name);
	} else if (!p->sema->first && p->arrow == ENS_ARROW_FOLLOWED && scope == ENS_T_UNBOUNDED && p->sema->end) {
		m = ens_diag_add(w->s->diag, ENS_E_NOT_BOUND, p->at,
				 "nothing says how long to wait until there was none");
		ens_diag_remedy(w->s->diag, m, "say how long: `not %s for 30s`; or give the rule a scope: `within 5m`",
				p->ref->type.name);
	}
}

static void end_of_greedy(struct walk *w, const struct ens_pat *p)
{
	const struct ens_pat *in = arrow_into(p);
	bool ended = p->sema->max != UINT32_MAX || p->until || ens_pat_inner(p) == ENS_ARROW_NEXT || (in && in->within) ||
		     w->r->scope != ENS_T_UNBOUNDED;

	if (p->greedy && !ended && p->sema->last && w->r->match->select != ENS_SELECT_ALL)
		error(w, ENS_E_GREEDY_END, p->greedy_at,
		      "nothing ends this greedy repetition, so the pattern is never complete",
		      "give it a maximum, `until`, `consecutive`, a limit on its arrow, or give the rule a scope: "
		      "`within 5m`");
}

/* Limits between literals that no event can keep. */
static void check_limits(struct walk *w, const struct ens_pat *p)
{
	int64_t after = 0, within = 0, scope = w->r->scope_amount;
	bool has_after = literal_duration(p->after, &after), has_within = literal_duration(p->within, &within);

	if (has_after && has_within && after > within) {
		error(w, ENS_E_LIMIT_RANGE, p->within->at,
		      "no event can come after the one and within the other", "`after` is the shorter time");
	} else if (has_after && w->r->scope == ENS_T_TIME && after > scope) {
		struct ens_message *m = ens_diag_add(w->s->diag, ENS_E_LIMIT_RANGE, p->after->at,
						     "this is longer than the whole match may last");

		ens_diag_second(w->s->diag, m, w->r->within->at, "the rule's scope");
		ens_diag_remedy(w->s->diag, m, "let the rule's `within` be the longer of the two");
	}
}

static void ends(struct walk *w, const struct ens_pat *p)
{
	put_params(w, p->after);
	put_params(w, p->within);
	put_params(w, p->for_dur);
	if (p->kind == ENS_P_NOT) {
		end_of_not(w, p);
		return;
	}
	check_limits(w, p);
	end_of_greedy(w, p);
	for (uint32_t i = 0; i < p->nitem; i++)
		ends(w, p->item[i]);
}

void ens_sema_pattern_ends(struct ens_sema *s, struct ens_rule_sema *r)
{
	struct walk w = {.s = s, .r = r};

	mark_ends(r->pattern, true, true, true);
	ends(&w, r->pattern);
}
