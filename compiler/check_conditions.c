/*
 * Conditions that can't hold, or always do, and what follows for the step, `not` or filter that has them.
 *
 * For each place all that is asked of one event is put together: the type's `where`, the named filters below the
 * type, the brackets, the conjuncts of the rule's `where` that belong to the step, the `from` of the rule, and, since
 * all events of a match have one key, what the other steps that must be taken ask of the key. Certain: facts.h.  Told
 * once, at the innermost declaration that is wrong by itself.  Tested by tests/lang/check_conditions.test.
 */
#include "compiler/check.h"

#include <string.h>

#include "compiler/sema_private.h"

#define KEY_PARTS_MAX 8u /* further parts of a key are not looked at */

/* What a place asks of a part of the key. */
struct asked {
	uint32_t key;
	struct ens_values values;
	const struct ens_expr *why, *root;
	const struct ens_pat *pat;
	struct asked *next;
};

struct rule_check {
	struct ens_check *c;
	const struct ens_rule_sema *r;
	struct asked **of_step;  /* by number; NULL: nothing is asked of the key */
	struct asked *of_others; /* `not` and `until` */
};

/* ---- saying it -------------------------------------------------------------------------------------------------- */

static bool inside(struct ens_span in, struct ens_span x)
{
	return x.file == in.file && x.off >= in.off && x.off + x.len <= in.off + in.len;
}

/* The outermost call on the way from `at` down to e; NULL: there is none.  False: e is not there. */
static bool find_call(const struct ens_expr *at, const struct ens_expr *e, const struct ens_expr **call)
{
	bool found = at == e;

	for (uint32_t i = 0; i < at->narg && !found; i++)
		found = find_call(at->arg[i], e, call);
	if (found && at->call)
		*call = at->call;
	return found;
}

/* Where to point at e: what is written out from a function stands elsewhere; then at the call of it. */
static struct ens_span place_of(const struct ens_expr *e, const struct ens_expr *root)
{
	const struct ens_expr *call = NULL;

	if (!root->call && inside(root->at, e->at))
		return e->at;
	find_call(root, e, &call);
	return call ? call->at : root->at;
}

static void say(struct rule_check *k, const struct ens_facts *f, const char *so)
{
	struct ens_diag *diag = k->c->s->diag;
	const struct ens_expr *e = f->clash_at;
	const struct ens_span at = place_of(e, f->clash_in);
	const struct ens_span other = f->clash_other ? place_of(f->clash_other, f->clash_other_in) : at;
	bool two = other.file != at.file || other.off != at.off; /* else both are in one call */
	bool never_null = e->kind == ENS_X_ISNULL && !e->negated && !f->clash_other;
	struct ens_message *m = ens_diag_add(diag, ENS_W_NEVER_HOLDS, at, "%s, so %s",
					     f->clash_of_many ? "this can't hold together with the other conditions"
					     : two            ? "this can't hold together with another condition"
					     : never_null     ? "this is never null"
							      : "this never holds",
					     so);

	if (two) {
		ens_diag_second(diag, m, other, "the other condition");
		ens_diag_remedy(diag, m, "correct one of them; if either is enough, join them with `or`");
	} else if (e->kind == ENS_X_BETWEEN && !f->clash_of_many) {
		ens_diag_remedy(diag, m, "the smaller value stands first, as in `x between 1 and 5`");
	} else if (f->clash_of_many) {
		ens_diag_remedy(diag, m, "correct one of them");
	}
}

static const char *so_of_step(struct rule_check *k, const struct ens_pat *p)
{
	static const char *const left_out = "this step is never taken";
	struct ens_buf text = ENS_BUF_EMPTY;
	const char *kept;

	if (!ens_pat_mandatory(p))
		return left_out;
	ens_buf_addf(&text, "this step takes no event and the rule `%s` never matches", k->r->decl->name.name);
	kept = ens_arena_strndup(&k->c->scratch, text.data ? text.data : "", text.len);
	ens_buf_free(&text);
	return kept ? kept : left_out;
}

/* ---- what holds of an event ------------------------------------------------------------------------------------- */

/* In a type's `where` other names than those of its fields are raw fields, which rules do not see. */
static bool of_fields(const struct ens_decl *type, const struct ens_expr *e)
{
	if (e->kind == ENS_X_NAME)
		return ens_type_field(type, e->name).kind == ENS_FIELD_DECLARED;
	for (uint32_t i = 0; i < e->narg; i++)
		if (!of_fields(type, e->arg[i]))
			return false;
	return true;
}

static void gather_type(struct ens_facts *f, const struct ens_decl *type, const struct ens_expr *where)
{
	if (where->kind == ENS_X_AND) {
		gather_type(f, type, where->arg[0]);
		gather_type(f, type, where->arg[1]);
	} else if (of_fields(type, where)) {
		ens_facts_add(f, where);
	}
}

static bool checked(const struct ens_expr *e)
{
	return e && e->type == ENS_BOOL;
}

/* The filters from `d` down to the type. */
static void gather_filters(struct ens_facts *f, const struct ens_decl *d)
{
	const struct ens_decl *chain[ENS_FACTS_MAX];
	uint32_t n = 0;

	for (; d && d->kind == ENS_D_FILTER && n < ENS_FACTS_MAX; d = d->sema->base)
		chain[n++] = d;
	while (n-- > 0)
		if (chain[n]->ref && checked(chain[n]->ref->cond))
			ens_facts_add(f, chain[n]->ref->cond);
}

static void gather_from(struct ens_facts *f, const struct ens_rule_sema *r, const struct ens_decl *type)
{
	const struct ens_input_sema *in = r && r->from ? ens_rule_input(r, type) : NULL;

	if (!in || in->all || in->nfilter != 1)
		return;
	gather_filters(f, in->filter[0]->sema->decl);
	if (checked(in->filter[0]->cond))
		ens_facts_add(f, in->filter[0]->cond);
}

void ens_check_gather(struct ens_check *c, struct ens_facts *f, const struct ens_rule_sema *r,
		      const struct ens_ref *ref, const struct ens_pat *step)
{
	const struct ens_decl *type = ref->sema->type;

	ens_facts_init(f, &c->scratch, &c->tries, r, type);
	if (checked(type->where))
		gather_type(f, type, type->where);
	gather_filters(f, ref->sema->decl);
	gather_from(f, r, type);
	if (checked(ref->cond))
		ens_facts_add(f, ref->cond);
	/* What waits for other parts of an `&` is not always judged of this one. */
	for (const struct ens_cond *cond = step ? step->sema->conds : NULL; cond; cond = cond->next)
		if (!cond->nother && checked(cond->expr))
			ens_facts_add(f, cond->expr);
}

/* ---- conditions that always hold, sides of `or` that never do --------------------------------------------------- */

static bool has_param(const struct ens_expr *e)
{
	bool found = e->kind == ENS_X_LITERAL && e->name;

	for (uint32_t i = 0; i < e->narg && !found; i++)
		found = has_param(e->arg[i]);
	return found;
}

/* A side that is contradictory by itself, as long as no parameter makes it so: that may be what the parameter is
 * for. */
static void dead_side(struct rule_check *k, const struct ens_expr *side, const struct ens_decl *hand)
{
	struct ens_facts *f = &k->c->other;

	if (side->kind != ENS_X_AND || has_param(side))
		return;
	ens_facts_init(f, &k->c->scratch, &k->c->tries, k->r, hand);
	ens_facts_add(f, side);
	if (f->clash)
		say(k, f, "this side of `or` never holds");
}

/* f: of this place, for its bounds.  What was written out from functions may be right for other calls. */
static void alternatives(struct rule_check *k, struct ens_facts *f, const struct ens_expr *e)
{
	if (e->call || f->work > ENS_FACTS_WORK)
		return;
	if (e->kind == ENS_X_OR && ens_facts_always(f, e) && !has_param(e)) {
		struct ens_message *m =
			ens_diag_add(k->c->s->diag, ENS_W_ALWAYS_HOLDS, e->at, "this holds whatever the value is");

		ens_diag_remedy(k->c->s->diag, m, "did you mean `and`?");
		return;
	}
	for (uint32_t i = 0; i < e->narg; i++) {
		if (e->kind == ENS_X_OR && !e->arg[i]->call)
			dead_side(k, e->arg[i], f->hand);
		if (e->arg[i]->type == ENS_BOOL)
			alternatives(k, f, e->arg[i]);
	}
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

/* e needs an event that p took before: its first event has none before it. */
static bool needs_itself(const struct ens_expr *e, const struct ens_pat *p)
{
	const struct ens_expr_sema *x = e->sema;

	return (e->kind == ENS_X_NAME || e->kind == ENS_X_MEMBER) && x &&
	       (x->mean == ENS_MEAN_PREV || x->mean == ENS_MEAN_STEP) && x->target.npat == 1 && x->target.pat[0] == p;
}

/* From x up to, but without `up`: must each be taken for its outer one to be? */
static bool must_between(const struct ens_pat *x, const struct ens_pat *up)
{
	for (; x != up; x = x->sema->up)
		if (x->sema->min == 0 || (x->sema->up && x->sema->up != up && x->sema->up->kind == ENS_P_ALT))
			return false;
	return true;
}

/* The step that e looks at may be left out, though p needs it and may not: that step, or NULL. */
static const struct ens_pat *needs_left_out(const struct ens_expr *e, const struct ens_pat *p)
{
	const struct ens_expr_sema *x = e->sema;
	const struct ens_pat *common, *step;

	if (e->kind != ENS_X_MEMBER || !x || x->mean != ENS_MEAN_STEP || x->target.npat != 1 || x->which == ENS_NTH)
		return NULL;
	step = x->target.pat[0];
	common = step == p ? p : ens_pat_common(step, p);
	if (common->kind != ENS_P_SEQ || !must_between(p, common))
		return NULL;
	return must_between(step, common) ? NULL : step;
}

static void left_out(struct rule_check *k, const struct ens_fact *fact, const struct ens_pat *p)
{
	const struct ens_pat *step = needs_left_out(fact->term, p);
	struct ens_diag *diag = k->c->s->diag;
	struct ens_message *m;

	if (!step || !step->name.name || fact->why->expr->kind == ENS_X_ISNULL)
		return;
	m = ens_diag_add(diag, ENS_W_NEEDS_OPTIONAL, place_of(fact->why->expr, fact->why->root),
			 "this never holds where `%s` was left out, so `%s` must be taken all the same",
			 step->name.name, step->name.name);
	ens_diag_second(diag, m, step->at, "it may be left out");
	ens_diag_remedy(diag, m, "say what is to hold without it: `%s.%s is null or ...`; or don't let it be left out",
			step->name.name, fact->term->sema->field);
}

/* What the conditions need that is null. */
static void needed(struct rule_check *k, const struct ens_pat *p)
{
	const struct ens_facts *f = &k->c->facts;
	struct ens_diag *diag = k->c->s->diag;
	struct ens_message *m;

	for (uint32_t i = 0; i < f->nfact; i++) {
		const struct ens_fact *fact = &f->fact[i];

		if (fact->values.null || !fact->why || fact->key != ENS_NONE)
			continue;
		if (!needs_itself(fact->term, p)) {
			left_out(k, fact, p);
			continue;
		}
		m = ens_diag_add(
			diag, ENS_W_NEVER_HOLDS, place_of(fact->why->expr, fact->why->root),
			"the first event of this step has none before it, so that this is null and does not hold: %s",
			so_of_step(k, p));
		ens_diag_remedy(diag, m, "say what is to hold for the first one, as in `prev.x is null or ...`");
		return;
	}
}

/* Keeps what the place asks of the key. */
static void keep_asked(struct rule_check *k, struct asked **list, const struct ens_pat *p)
{
	const struct ens_facts *f = &k->c->facts;

	for (uint32_t i = 0; i < f->nfact; i++) {
		struct asked *a = f->fact[i].key < KEY_PARTS_MAX && f->fact[i].why
					  ? ens_arena_alloc(&k->c->scratch, sizeof *a)
					  : NULL;

		if (!a)
			continue;
		*a = (struct asked){.key = f->fact[i].key,
				    .values = f->fact[i].values,
				    .why = f->fact[i].why->expr,
				    .root = f->fact[i].why->root,
				    .pat = p,
				    .next = *list};
		*list = a;
	}
}

/* One of its filters, or the type, has a condition that no event satisfies, which was said there. */
static bool is_never(const struct ens_ref *ref)
{
	for (const struct ens_decl *d = ref->sema->decl; d && d->kind == ENS_D_FILTER; d = d->sema->base)
		if (d->sema->never)
			return true;
	return ref->sema->type->sema->never;
}

/* What contradicts itself is in `from` alone, which was said there. */
static bool is_of_from(const struct ens_rule_sema *r, const struct ens_ref *ref, const struct ens_facts *f)
{
	const struct ens_input_sema *in = r->from ? ens_rule_input(r, ref->sema->type) : NULL;

	return in && in->nfilter == 1 && f->clash_in == in->filter[0]->cond &&
	       (!f->clash_other || f->clash_other_in == f->clash_in);
}

/* `so`: what follows if it is a contradiction; NULL: what follows for the step. */
static bool check_place(struct rule_check *k, const struct ens_ref *ref, const struct ens_pat *step, const char *so)
{
	struct ens_facts *f = &k->c->facts;

	ens_check_gather(k->c, f, k->r, ref, step);
	ens_facts_settle(f);
	if (f->clash) {
		if (!is_never(ref) && !is_of_from(k->r, ref, f))
			say(k, f, so ? so : so_of_step(k, step));
		return false;
	}
	if (checked(ref->cond))
		alternatives(k, f, ref->cond);
	for (const struct ens_cond *cond = step ? step->sema->conds : NULL; cond; cond = cond->next)
		if (checked(cond->expr))
			alternatives(k, f, cond->expr);
	return true;
}

static void check_guards(struct rule_check *k, const struct ens_pat *p)
{
	struct ens_facts *f = &k->c->facts;
	const char *so = ens_pat_mandatory(p) ? "the repetition is never left and the rule never matches"
					      : "the repetition is never left";

	if (!p->sema->exit_guards)
		return;
	ens_facts_init(f, &k->c->scratch, &k->c->tries, k->r, NULL);
	for (const struct ens_g_guard *g = p->sema->exit_guards; g; g = g->next)
		if (checked(g->expr))
			ens_facts_add(f, g->expr);
	ens_facts_settle(f);
	if (f->clash)
		say(k, f, so);
	for (const struct ens_g_guard *g = p->sema->exit_guards; g && !f->clash; g = g->next)
		if (checked(g->expr))
			alternatives(k, f, g->expr);
}

static void walk(struct rule_check *k, const struct ens_pat *p)
{
	if (p->kind == ENS_P_NOT) {
		for (const struct ens_ref *ref = p->ref; ref; ref = ref->next)
			if (check_place(k, ref, NULL, "this `not` forbids nothing"))
				keep_asked(k, &k->of_others, p);
		return;
	}
	if (p->kind == ENS_P_STEP && check_place(k, p->ref, p, NULL)) {
		if (k->of_step)
			keep_asked(k, &k->of_step[p->sema->step], p);
		needed(k, p);
	}
	for (const struct ens_ref *ref = p->until; ref; ref = ref->next)
		if (check_place(k, ref, NULL, "this `until` ends nothing"))
			keep_asked(k, &k->of_others, p);
	check_guards(k, p);
	for (uint32_t i = 0; i < p->nitem; i++)
		walk(k, p->item[i]);
}

/* ---- the key that all steps share ------------------------------------------------------------------------------- */

/* What is asked of one part of the key by what must be taken. */
struct shared {
	struct ens_values values;
	const struct asked *by; /* the first, NULL: nothing is asked */
	bool told;              /* nothing is left, and that was said */
};

static void say_key(struct rule_check *k, const struct asked *a, const struct asked *other, const char *so)
{
	struct ens_diag *diag = k->c->s->diag;
	struct ens_message *m =
		ens_diag_add(diag, ENS_W_KEY_NEVER, place_of(a->why, a->root),
			     "the events of a match all have one `%s`, and other steps ask for a different one, so %s",
			     k->r->keys[a->key].name, so);

	if (other)
		ens_diag_second(diag, m, place_of(other->why, other->root), "here");
	ens_diag_remedy(diag, m, "correct one of them, or leave `%s` out of the key", k->r->keys[a->key].name);
}

/* A step that must be taken and by itself asks for another key than a; NULL: it takes several to exclude it. */
static const struct asked *opponent(struct rule_check *k, const struct asked *a)
{
	for (uint32_t i = 1; i <= k->r->nstep; i++)
		for (const struct asked *o = k->of_step[i]; o; o = o->next)
			if (o->key == a->key && o->pat != a->pat && ens_pat_mandatory(o->pat) &&
			    ens_values_empty(ens_values_both(&k->c->scratch, a->values, o->values)))
				return o;
	return NULL;
}

static struct shared share(struct rule_check *k, const struct ens_pat *p, uint32_t key)
{
	struct shared all = {.values = ens_values_all(true)};
	bool any = p->kind == ENS_P_ALT;

	for (const struct asked *a = p->kind == ENS_P_STEP ? k->of_step[p->sema->step] : NULL; a; a = a->next)
		if (a->key == key)
			all = (struct shared){.values = a->values, .by = a};
	for (uint32_t i = 0; i < p->nitem && !all.told; i++) {
		struct shared one;

		if (p->item[i]->kind == ENS_P_NOT || (!any && p->item[i]->sema->nullable))
			continue;
		if (p->item[i]->sema->nullable)
			return (struct shared){.values = ens_values_all(true)};
		one = share(k, p->item[i], key);
		if (one.told || (any && !one.by))
			return one;
		if (!one.by)
			continue;
		if (!all.by) {
			all = one;
			continue;
		}
		all.values = any ? ens_values_either(&k->c->scratch, all.values, one.values)
				 : ens_values_both(&k->c->scratch, all.values, one.values);
		if (ens_values_empty(all.values)) {
			say_key(k, one.by, all.by, "no match has both");
			all.told = true;
		}
	}
	return all;
}

static void check_key(struct rule_check *k, uint32_t key)
{
	const struct shared all = share(k, k->r->pattern, key);

	if (all.told || !all.by)
		return;
	for (uint32_t i = 1; i <= k->r->nstep; i++)
		for (const struct asked *a = k->of_step[i]; a; a = a->next)
			if (a->key == key && ens_values_empty(ens_values_both(&k->c->scratch, a->values, all.values)))
				say_key(k, a, opponent(k, a), "no match has this step");
	for (const struct asked *a = k->of_others; a; a = a->next)
		if (a->key == key && ens_values_empty(ens_values_both(&k->c->scratch, a->values, all.values)))
			say_key(k, a, opponent(k, a),
				a->pat->kind == ENS_P_NOT ? "this `not` forbids nothing" : "this `until` ends nothing");
}

/* ---- a rule ----------------------------------------------------------------------------------------------------- */

static void check_having(struct rule_check *k)
{
	struct ens_facts *f = &k->c->facts;
	const struct ens_expr *e = k->r->having ? k->r->having->expr : NULL;

	if (!checked(e))
		return;
	ens_facts_init(f, &k->c->scratch, &k->c->tries, k->r, NULL);
	ens_facts_add(f, e);
	ens_facts_settle(f);
	if (f->clash)
		say(k, f, "the rule emits nothing");
	else
		alternatives(k, f, e);
}

static void check_inputs(struct rule_check *k)
{
	for (const struct ens_input *i = k->r->from ? k->r->from->inputs : NULL; i; i = i->next)
		if (i->ref && i->ref->sema && i->ref->sema->type && checked(i->ref->cond)) {
			ens_check_gather(k->c, &k->c->facts, k->r->over ? k->r : NULL, i->ref, NULL);
			ens_facts_settle(&k->c->facts);
			if (k->c->facts.clash && !is_never(i->ref))
				say(k, &k->c->facts, "the rule takes in nothing by it");
		}
}

static void check_resets(struct rule_check *k)
{
	for (const struct ens_ref *ref = k->r->reset ? k->r->reset->ref : NULL; ref; ref = ref->next)
		check_place(k, ref, NULL, "this `reset on` resets nothing");
}

void ens_check_conditions(struct ens_check *c, const struct ens_rule_sema *r)
{
	struct rule_check k = {.c = c, .r = r};

	k.of_step = r->nkey && !r->over ? ens_arena_zalloc(&c->scratch, (r->nstep + 1) * sizeof(struct asked *)) : NULL;
	check_inputs(&k);
	if (!r->over) /* a window is nothing but its inputs */
		walk(&k, r->pattern);
	check_resets(&k);
	check_having(&k);
	for (uint32_t key = 0; k.of_step && key < r->nkey && key < KEY_PARTS_MAX; key++)
		check_key(&k, key);
}

/* ---- declarations ----------------------------------------------------------------------------------------------- */

/* A type's `where`, a filter's brackets. */
static void check_declared(struct ens_check *c, struct ens_decl *d, const struct ens_expr *e)
{
	struct rule_check k = {.c = c};
	struct ens_facts *f = &c->facts;
	struct ens_buf so = ENS_BUF_EMPTY;

	if (d->kind == ENS_D_FILTER) {
		const struct ens_decl *type = d->sema->type;

		ens_facts_init(f, &c->scratch, &c->tries, NULL, type);
		if (checked(type->where))
			gather_type(f, type, type->where);
		gather_filters(f, d);
	} else {
		ens_facts_init(f, &c->scratch, &c->tries, NULL, d);
		ens_facts_add(f, e);
	}
	ens_facts_settle(f);
	d->sema->never = f->clash;
	ens_buf_addf(&so, d->kind == ENS_D_FILTER ? "no event is a `%s`" : "no entry is a `%s`", d->name.name);
	if (f->clash && f->clash_in == e)
		say(&k, f, ens_buf_cstr(&so));
	else if (!f->clash)
		alternatives(&k, f, e);
	ens_buf_free(&so);
}

static bool named_like_a_time(const char *name)
{
	static const char *const usual[] = {"time",        "timestamp",   "time_stamp",  "ts",         "at",
					    "when",        "datetime",    "date_time",   "event_time", "eventtime",
					    "event_ts",    "occurred_at", "happened_at", "logged_at",  "recorded_at",
					    "observed_at", "measured_at"};
	char lower[16];
	size_t n = 0;

	for (; name[n] && n < sizeof lower - 1; n++)
		lower[n] = (char)(name[n] >= 'A' && name[n] <= 'Z' ? name[n] + 32 : name[n]);
	lower[n] = '\0';
	for (size_t i = 0; !name[n] && i < sizeof usual / sizeof *usual; i++)
		if (strcmp(lower, usual[i]) == 0)
			return true;
	return false;
}

/* A field that is called as the time of an event usually is, and yet is not it.  Others may be any time, such as
 * one due. */
static void check_time(struct ens_check *c, const struct ens_decl *type)
{
	const struct ens_decl_sema *d = type->sema;

	for (const struct ens_option *o = type->options; o; o = o->next)
		if (o->kind == ENS_O_TIME)
			return;
	for (uint32_t i = 0; i < d->nfield && d->time_field == ENS_NONE; i++) {
		struct ens_message *m;

		if (d->field[i].type != ENS_TIME || d->field[i].computed || !named_like_a_time(d->field[i].name))
			continue;
		m = ens_diag_add(c->s->diag, ENS_W_TIME_FIELD, d->field[i].at,
				 "`%s` is not the time of `%s`: that is when an entry was written, by its ID",
				 d->field[i].name, type->name.name);
		ens_diag_remedy(c->s->diag, m, "if it is meant to be, say so behind the fields: `time %s`",
				d->field[i].name);
		return;
	}
}

void ens_check_events(struct ens_check *c)
{
	for (uint32_t i = 0; i < c->s->ndecl; i++) {
		struct ens_decl *d = c->s->decl[i];

		ens_arena_reset(&c->scratch);
		if (d->kind == ENS_D_EVENT && checked(d->where))
			check_declared(c, d, d->where);
		if (d->kind == ENS_D_FILTER && d->sema->type && d->ref && checked(d->ref->cond))
			check_declared(c, d, d->ref->cond);
		if (d->kind == ENS_D_EVENT && d->sema->used && !d->sema->derived)
			check_time(c, d);
	}
}
