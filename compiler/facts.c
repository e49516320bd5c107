/*
 * What must be so where conditions hold: see facts.h.
 *
 * What is said of a term is kept as the set of values that are left to it (facts_sets.c); what is said of two, as the
 * orders that are left between them.  An `or` about several terms is tried side by side, up to a bound.
 *
 * Guarantee: no clash is said that can't be shown; terms are deterministic (the language has no others), and equal
 * terms have equal values where one event in one match is judged.  Tested by tests/lang/check_conditions.test.
 */
#include <string.h>

#include "compiler/facts_private.h"

/* ---- facts ------------------------------------------------------------------------------------------------------ */

void ens_facts_init(struct ens_facts *f, struct ens_arena *arena, uint32_t *tries, const struct ens_rule_sema *rule,
		    const struct ens_decl *hand)
{
	f->arena = arena;
	f->tries = tries;
	f->rule = rule;
	f->hand = hand;
	f->nfact = f->nrelation = f->nheld = f->nchoice = f->work = 0;
	f->clash = f->clash_of_many = false;
	f->root = f->clash_at = f->clash_in = f->clash_other = f->clash_other_in = NULL;
}

static void clash(struct ens_facts *f, const struct ens_expr *at, const struct ens_expr *other,
		  const struct ens_expr *other_in)
{
	if (f->clash)
		return;
	f->clash = true;
	f->clash_at = at;
	f->clash_in = f->root;
	f->clash_other = other == at ? NULL : other;
	f->clash_other_in = other_in;
}

struct span_of {
	const char *name;
	int64_t least, most;
};

/* What a term can be at all. */
static struct ens_values universe(struct ens_facts *f, const struct ens_expr *e)
{
	static const struct span_of known[] = {
		{"hour", 0, 23},        {"minute", 0, 59},     {"weekday", 1, 7},      {"day", 1, 31},
		{"len", 0, INT64_MAX},  {"abs", 0, INT64_MAX}, {"sqrt", 0, INT64_MAX}, {"km", 0, INT64_MAX},
		{"hash", 0, INT64_MAX}, {"exp", 0, INT64_MAX},
	};
	const struct ens_expr_sema *x = e->sema;
	struct ens_values v = ens_values_all(true);

	if (e->type == ENS_BOOL)
		v = ens_values_span(f->arena, 0, 1);
	v.null = true;
	if (e->kind == ENS_X_NAME || e->kind == ENS_X_MEMBER) /* of others `optional` says nothing of overflow */
		v.null = e->optional;
	if (e->kind == ENS_X_CALL && x && x->mean == ENS_MEAN_AGGREGATE && x->aggregate == ENS_A_COUNT) {
		v = ens_values_span(f->arena, 0, INT64_MAX);
	} else if (e->kind == ENS_X_CALL && x && x->mean == ENS_MEAN_FUNCTION) {
		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			if (strcmp(e->name, known[i].name) == 0) {
				v = ens_values_span(f->arena, known[i].least, known[i].most);
				v.null = true;
			}
	}
	return v;
}

static struct ens_fact *fact_of(struct ens_facts *f, const struct ens_expr *term)
{
	uint32_t key = ens_key_of(f, term);
	struct ens_fact *found;

	for (uint32_t i = 0; i < f->nfact; i++) {
		if (key != ENS_NONE ? f->fact[i].key == key
				    : f->fact[i].key == ENS_NONE && ens_expr_same(f->fact[i].term, term))
			return &f->fact[i];
	}
	if (f->nfact == ENS_FACTS_MAX)
		return NULL;
	found = &f->fact[f->nfact++];
	*found = (struct ens_fact){.term = term, .key = key, .values = universe(f, term)};
	if (key != ENS_NONE) /* an event without its key is not for the rule */
		found->values.null = f->rule->keys[key].null_ok;
	return found;
}

/* Of what was said before of the term, that which alone does not go with `values`; else what was said first. */
static const struct ens_why *against_whom(struct ens_facts *f, const struct ens_why *why, struct ens_values values)
{
	const struct ens_why *first = NULL;

	for (; why; why = why->before) {
		if (ens_values_empty(ens_values_both(f->arena, why->values, values)))
			return why;
		first = why;
	}
	return first;
}

static void not_null(struct ens_facts *f, const struct ens_expr *term, const struct ens_expr *why);

/* The term is one of these, says `why`. */
static void narrow(struct ens_facts *f, const struct ens_expr *term, struct ens_values values,
		   const struct ens_expr *why)
{
	struct ens_fact *known = fact_of(f, term);
	const struct ens_why *other;
	struct ens_why *w;

	if (!known)
		return;
	known->values = ens_values_both(f->arena, known->values, values);
	if (ens_values_empty(known->values)) {
		other = ens_values_empty(ens_values_both(f->arena, universe(f, term), values))
				? NULL
				: against_whom(f, known->why, values);
		clash(f, why, other ? other->expr : NULL, other ? other->root : NULL);
	}
	w = ens_arena_alloc(f->arena, sizeof *w);
	if (w) {
		*w = (struct ens_why){why, f->root, values, known->why};
		known->why = w;
	}
	if (!values.null)
		not_null(f, term, why);
}

/* What has a value was made of what has: arithmetic and functions give null for null. */
static void not_null(struct ens_facts *f, const struct ens_expr *term, const struct ens_expr *why)
{
	bool function = term->kind == ENS_X_CALL && term->sema && term->sema->mean == ENS_MEAN_FUNCTION;
	bool arithmetic = term->kind == ENS_X_NEG || (term->kind >= ENS_X_ADD && term->kind <= ENS_X_MOD);
	uint32_t n = function || arithmetic                                                              ? term->narg
		     : term->kind == ENS_X_MATCHES || term->kind == ENS_X_LIKE || term->kind == ENS_X_IN ? 1
													 : 0;

	if (f->work++ > ENS_FACTS_WORK)
		return;
	for (uint32_t i = 0; i < n; i++)
		if (term->arg[i]->kind != ENS_X_LITERAL)
			narrow(f, term->arg[i], ens_values_all(false), why);
}

static void relate(struct ens_facts *f, const struct ens_meaning *m, const struct ens_expr *why)
{
	struct ens_relation *known = NULL;

	narrow(f, m->term, ens_values_all(false), why);
	narrow(f, m->term2, ens_values_all(false), why);
	for (uint32_t i = 0; i < f->nrelation && !known; i++) {
		struct ens_relation *r = &f->relation[i];

		if (ens_same_term(f, r->a, m->term) && ens_same_term(f, r->b, m->term2)) {
			known = r;
			if (!(r->order & m->order))
				clash(f, why, r->why, r->root);
			r->order &= m->order;
		} else if (ens_same_term(f, r->a, m->term2) && ens_same_term(f, r->b, m->term)) {
			known = r;
			if (!(r->order & ens_mirrored(m->order)))
				clash(f, why, r->why, r->root);
			r->order &= ens_mirrored(m->order);
		}
	}
	if (!known && f->nrelation < ENS_FACTS_MAX)
		f->relation[f->nrelation++] = (struct ens_relation){m->term, m->term2, m->order, why, f->root};
}

/* e is true, or not; that is what `said` asks for: e itself, or a `not` around it. */
static void hold(struct ens_facts *f, const struct ens_expr *e, bool truth, const struct ens_expr *said)
{
	struct ens_meaning m;

	for (; e->kind == ENS_X_NOT; e = e->arg[0]) {
		said = truth ? e : said;
		truth = !truth;
	}
	said = truth ? e : said;
	if (f->work > ENS_FACTS_WORK || f->clash)
		return;
	if (e->kind == (truth ? ENS_X_AND : ENS_X_OR)) {
		hold(f, e->arg[0], truth, said);
		hold(f, e->arg[1], truth, said);
		return;
	}
	if (f->nheld < ENS_FACTS_MAX)
		f->held[f->nheld++] = (struct ens_claim){e, truth, said};
	m = ens_meaning_of(f, e, truth);
	if (m.kind == ENS_FIXED && !m.truth)
		clash(f, said, NULL, NULL);
	else if (m.kind == ENS_ONE_OF)
		narrow(f, m.term, m.values, said);
	else if (m.kind == ENS_ORDERED)
		relate(f, &m, said);
	else if (m.kind == ENS_MANY && f->nchoice < ENS_FACTS_CHOICES) {
		f->choice_root[f->nchoice] = f->root;
		f->choice[f->nchoice++] = (struct ens_claim){e, truth, said};
	}
}

void ens_facts_add(struct ens_facts *f, const struct ens_expr *e)
{
	f->root = e;
	hold(f, e, true, e);
}

void ens_facts_add_key(struct ens_facts *f, uint32_t k, struct ens_values values)
{
	for (uint32_t i = 0; i < f->nfact; i++)
		if (f->fact[i].key == k)
			f->fact[i].values = ens_values_both(f->arena, f->fact[i].values, values);
	if (f->nfact < ENS_FACTS_MAX && !ens_facts_key(f, k))
		f->fact[f->nfact++] = (struct ens_fact){.key = k, .values = values};
}

const struct ens_fact *ens_facts_key(const struct ens_facts *f, uint32_t k)
{
	for (uint32_t i = 0; i < f->nfact; i++)
		if (f->fact[i].key == k)
			return &f->fact[i];
	return NULL;
}

/* ---- choices ---------------------------------------------------------------------------------------------------- */

/* Can some side of each `or` from `from` on hold with the rest?  True also where it would take too long to tell. */
static bool possible(const struct ens_facts *f, uint32_t from, uint32_t *tries)
{
	const struct ens_expr *e;
	struct ens_facts *g;
	bool more = true;

	if (f->clash)
		return false;
	if (from == f->nchoice)
		return true;
	e = f->choice[from].expr;
	g = ens_arena_alloc(f->arena, sizeof *g);
	while (more) {
		more = e->kind == (f->choice[from].truth ? ENS_X_OR : ENS_X_AND);
		if (!g || !*tries || !*f->tries || f->work > ENS_FACTS_WORK)
			return true;
		--*tries;
		--*f->tries;
		*g = *f;
		hold(g, more ? e->arg[1] : e, f->choice[from].truth, f->choice[from].said);
		if (possible(g, from + 1, tries))
			return true;
		if (more)
			e = e->arg[0];
	}
	return false;
}

void ens_facts_settle(struct ens_facts *f)
{
	struct ens_facts *g = f->clash || !f->nchoice ? NULL : ens_arena_alloc(f->arena, sizeof *g);
	uint32_t tries = ENS_FACTS_TRIES;

	for (uint32_t i = 0; g && i < f->nchoice && !f->clash; i++) {
		*g = *f;
		g->choice[0] = f->choice[i];
		g->nchoice = 1;
		f->root = f->choice_root[i];
		if (!possible(g, 0, &tries))
			clash(f, f->choice[i].said, NULL, NULL);
	}
	if (g && f->nchoice > 1 && !f->clash && !possible(f, 0, &tries))
		clash(f, f->choice[f->nchoice - 1].said, NULL, NULL);
	f->clash_of_many = f->clash && g && f->nheld > 1;
}

/* ---- what follows ----------------------------------------------------------------------------------------------- */

static bool implied(struct ens_facts *f, const struct ens_expr *e, bool truth);

static bool was_said(const struct ens_facts *f, const struct ens_expr *e, bool truth)
{
	for (uint32_t i = 0; i < f->nheld; i++)
		if (f->held[i].truth == truth && ens_expr_same(f->held[i].expr, e))
			return true;
	return false;
}

static bool relation_implied(const struct ens_facts *f, const struct ens_meaning *m)
{
	for (uint32_t i = 0; i < f->nrelation; i++) {
		const struct ens_relation *r = &f->relation[i];

		if (ens_same_term(f, r->a, m->term) && ens_same_term(f, r->b, m->term2) && !(r->order & ~m->order))
			return true;
		if (ens_same_term(f, r->a, m->term2) && ens_same_term(f, r->b, m->term) &&
		    !(r->order & ~ens_mirrored(m->order)))
			return true;
	}
	return false;
}

static bool implied(struct ens_facts *f, const struct ens_expr *e, bool truth)
{
	const struct ens_fact *known;
	struct ens_meaning m;

	if (f->work++ > ENS_FACTS_WORK)
		return false;
	if (e->kind == ENS_X_NOT)
		return implied(f, e->arg[0], !truth);
	if (e->kind == (truth ? ENS_X_AND : ENS_X_OR))
		return implied(f, e->arg[0], truth) && implied(f, e->arg[1], truth);
	if (was_said(f, e, truth))
		return true;
	m = ens_meaning_of(f, e, truth);
	if (m.kind == ENS_FIXED)
		return m.truth;
	if (m.kind == ENS_ORDERED)
		return relation_implied(f, &m);
	if (m.kind == ENS_MANY)
		return implied(f, e->arg[0], truth) || implied(f, e->arg[1], truth);
	known = fact_of(f, m.term);
	return known && ens_values_within(known->values, m.values);
}

bool ens_facts_imply(struct ens_facts *f, const struct ens_expr *e)
{
	return implied(f, e, true);
}

bool ens_facts_always(struct ens_facts *f, const struct ens_expr *e)
{
	struct ens_meaning all, a, b;
	struct ens_values some;

	if (e->kind != ENS_X_OR)
		return false;
	all = ens_meaning_of(f, e, true);
	a = ens_meaning_of(f, e->arg[0], true);
	b = ens_meaning_of(f, e->arg[1], true);
	if (all.kind != ENS_ONE_OF || a.kind != ENS_ONE_OF || b.kind != ENS_ONE_OF)
		return false;
	some = universe(f, all.term);
	some.null = false;
	return ens_values_within(some, all.values) && !ens_values_within(some, a.values) &&
	       !ens_values_within(some, b.values);
}
