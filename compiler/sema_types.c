/*
 * Types of expressions: bottom up, each node once; what is wrong is said at the node where types meet.
 *
 * int mixes with float; nothing else converts, but a string literal beside an address or a time becomes one, and null
 * takes the type of what it stands beside.  An expression in which something was wrong has ENS_BADTYPE, which fits
 * everything, so that one mistake gives one message.  Tested by tests/lang/sema_types.test.
 */
#include "compiler/sema.h"

#include <string.h>

#include "base/text.h"
#include "compiler/sema_private.h"
#include "runtime/program.h"

#define CANDIDATES_MAX 256u

static struct ens_expr_sema *mean(struct ens_view *v, struct ens_expr *e, enum ens_mean what)
{
	e->sema = ens_arena_zalloc(v->s->arena, sizeof *e->sema);
	if (e->sema)
		e->sema->mean = what;
	return e->sema;
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static size_t field_names(const struct ens_decl *type, const char **out, size_t n)
{
	static const char *const implied[] = {"time", "id", "stream"};
	const size_t nimplied = type && type->sema->derived ? 1 : 3;

	for (uint32_t i = 0; type && i < type->sema->nfield && n < CANDIDATES_MAX; i++)
		out[n++] = type->sema->field[i].name;
	for (size_t i = 0; type && i < nimplied && n < CANDIDATES_MAX; i++)
		out[n++] = implied[i];
	return n;
}

static size_t step_names(const struct ens_rule_sema *r, const char **out, size_t n)
{
	for (uint32_t i = 0; r && i < r->nname && n < CANDIDATES_MAX; i++)
		out[n++] = r->name[i]->name;
	return n;
}

const struct ens_name *ens_sema_find_step(const struct ens_view *v, const char *name)
{
	uint32_t i = v->rule && !v->no_match ? ens_map_find_name(&v->rule->name_map, name) : ENS_MAP_NONE;

	return i == ENS_MAP_NONE ? NULL : v->rule->name[i];
}

/* Implied fields that say where an entry stood. */
static bool is_of_entries(const char *name)
{
	return strcmp(name, "id") == 0 || strcmp(name, "stream") == 0;
}

/* NULL: that is not said. */
static struct ens_message *unknown_field(struct ens_view *v, const struct ens_decl *type, const char *name, struct ens_span at)
{
	if (type->broken) /* it may have been there: the syntax error was told */
		return NULL;

	const char *candidate[CANDIDATES_MAX];
	size_t n = field_names(type, candidate, 0);
	struct ens_message *m =
		ens_diag_add(v->s->diag, ENS_E_UNKNOWN_FIELD, at, "`%s` has no field `%s`", type->name.name, name);

	if (type->sema->derived && is_of_entries(name)) {
		ens_diag_remedy(v->s->diag, m, "events that rules derive are no entries of a stream; they have a `time`");
		return m;
	}
	ens_diag_second(v->s->diag, m, type->name.at, "`%s` is %s here", type->name.name,
			type->sema->derived ? "derived" : "declared");
	ens_sema_offer(v->s, m, name, "its fields", candidate, n);
	return m;
}

static uint32_t find_key(const struct ens_view *v, const char *name)
{
	for (uint32_t i = 0; v->rule && i < v->rule->nkey; i++)
		if (strcmp(v->rule->keys[i].name, name) == 0)
			return i;
	return ENS_NONE;
}

static void warn_hiding(struct ens_view *v, const struct ens_expr *e, struct ens_field_ref f)
{
	uint32_t k = find_key(v, e->name);
	const struct ens_input_sema *in = k == ENS_NONE ? NULL : ens_rule_input(v->rule, v->hand);

	if (!in || !in->key_field || (f.kind == ENS_FIELD_DECLARED && in->key_field[k] == f.index))
		return;

	struct ens_message *m = ens_diag_add(v->s->diag, ENS_W_HIDING, e->at,
					     "`%s` is the field of `%s` here, not the key of that name", e->name,
					     v->hand->name.name);

	ens_diag_remedy(v->s->diag, m, "give the key another name: `key NAME: ...`");
}

/* Of other languages: the literal that was meant. */
static const char *literal_of(const char *name)
{
	static const char *const row[][2] = {{"True", "true"},   {"TRUE", "true"},   {"False", "false"}, {"FALSE", "false"},
					     {"None", "null"},   {"nil", "null"},    {"NULL", "null"},   {"Null", "null"},
					     {"undefined", "null"}};

	for (size_t i = 0; i < sizeof row / sizeof *row; i++)
		if (strcmp(name, row[i][0]) == 0)
			return row[i][1];
	return NULL;
}

const char *ens_sema_taker(const struct ens_view *v)
{
	return v->rule && v->rule->over ? "input" : "step";
}

static const char *near_step(struct ens_view *v, const char *name)
{
	const char *candidate[CANDIDATES_MAX];

	return ens_sema_nearest(v->s, name, candidate, step_names(v->rule, candidate, 0));
}

static void offer_steps(struct ens_view *v, struct ens_message *m, const char *name)
{
	const char *candidate[CANDIDATES_MAX];

	ens_sema_offer(v->s, m, name, v->rule->over ? "inputs of this rule" : "steps of this rule", candidate,
		       step_names(v->rule, candidate, 0));
}

/* The type of a step without a name that has the field. */
static const char *unnamed_with(const struct ens_rule_sema *r, const char *field)
{
	for (uint32_t i = 1; r->step && i <= r->nstep; i++) {
		const struct ens_pat *p = r->step[i];

		if (p && !p->name.name && p->sema && !p->sema->named && p->ref && p->ref->sema && p->ref->sema->type &&
		    ens_type_field(p->ref->sema->type, field).kind != ENS_FIELD_NONE)
			return p->ref->type.name;
	}
	return NULL;
}

static bool clock_name(const char *name)
{
	return strcmp(name, "now") == 0 || strcmp(name, "today") == 0 || strcmp(name, "current_time") == 0;
}

/* A named step whose events have that field; NULL: there is none. */
static const char *step_with(const struct ens_rule_sema *r, const char *field)
{
	for (uint32_t i = 0; i < r->nname; i++) {
		const struct ens_name *name = r->name[i];
		const struct ens_ref *ref = name->group || !name->npat ? NULL : name->pat[0]->ref;

		if (ref && ref->sema && ref->sema->type && ens_type_field(ref->sema->type, field).kind != ENS_FIELD_NONE)
			return name->name;
	}
	return NULL;
}

static bool emits(const struct ens_rule_sema *r, const char *name)
{
	for (const struct ens_clause *c = r->decl->clauses; c; c = c->next)
		for (const struct ens_item *i = c->kind == ENS_C_EMIT ? c->items : NULL; i; i = i->next)
			if (i->name.name && strcmp(i->name.name, name) == 0)
				return true;
	return false;
}

/* Its declaration had an error of syntax, which was told. */
static bool broken_function(struct ens_sema *s, const char *name)
{
	uint32_t i = ens_map_find_name(&s->fn_map, name);

	return i != ENS_MAP_NONE && s->decl[i]->broken;
}

static bool is_among(const char *const *name, size_t n, const char *one)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name[i], one) == 0)
			return true;
	return false;
}

static enum ens_type unknown_name(struct ens_view *v, const struct ens_expr *e)
{
	const char *candidate[CANDIDATES_MAX];
	size_t n = field_names(v->hand, candidate, 0), looked = 0;
	struct ens_message *m;

	if (ens_sema_find_table(v->s, e->name) && !ens_sema_find_step(v, e->name))
		return ens_sema_whole_table(v, e, NULL);
	if (v->s->imports)
		return ENS_BADTYPE;
	if ((v->rule && v->rule->decl->names_lost) || (v->hand && v->hand->broken))
		return ENS_BADTYPE; /* it may have been there: the syntax error was told */
	if (strcmp(e->name, "prev") == 0 || ens_sema_find_step(v, e->name)) {
		m = ens_diag_add(v->s->diag, ENS_E_UNKNOWN_NAME, e->at, "`%s` is a whole event, not a value", e->name);
		ens_diag_remedy(v->s->diag, m, "name a field of it: `%s.FIELD`", e->name);
		return ENS_BADTYPE;
	}
	for (uint32_t i = 0; v->rule && i < v->rule->nkey && n < CANDIDATES_MAX; i++)
		candidate[n++] = v->rule->keys[i].name;
	for (uint32_t i = 0; i < v->s->ndecl && n < CANDIDATES_MAX && v->s->param_map.n; i++)
		if (v->s->decl[i]->kind == ENS_D_PARAM && v->s->decl[i]->name.name)
			candidate[n++] = v->s->decl[i]->name.name;
	for (uint32_t i = 0; v->items && i < v->rule->nemit; i++)
		for (uint32_t k = 0; k < v->rule->emit[i].nout && n < CANDIDATES_MAX && looked++ < CANDIDATES_MAX; k++)
			if (v->rule->emit[i].kind != ENS_T_TIMEOUT && !v->rule->emit[i].out[k].meta &&
			    !is_among(candidate, n, v->rule->emit[i].out[k].name))
				candidate[n++] = v->rule->emit[i].out[k].name;
	if (v->hand && v->hand->sema->derived && is_of_entries(e->name)) {
		unknown_field(v, v->hand, e->name, e->at);
		return ENS_BADTYPE;
	}
	if (v->hand && broken_function(v->s, e->name))
		return ENS_BADTYPE;
	if (v->hand) {
		m = ens_diag_add(v->s->diag, ENS_E_UNKNOWN_NAME, e->at, "`%s` is no field of `%s`%s", e->name,
				 v->hand->name.name, v->rule && v->rule->nkey ? " and no key" : "");
		if (literal_of(e->name)) {
			ens_diag_remedy(v->s->diag, m, "write `%s`", literal_of(e->name));
			return ENS_BADTYPE;
		}
		ens_sema_offer(v->s, m, e->name, "names known here", candidate, n);
		if (!m->remedy)
			ens_diag_remedy(v->s->diag, m, "a text stands in quotes");
		else if (strncmp(m->remedy, "names ", 6) == 0)
			ens_diag_remedy(v->s->diag, m, "%s; a text stands in quotes", m->remedy);
		return ENS_BADTYPE;
	}
	if (broken_function(v->s, e->name))
		return ENS_BADTYPE;
	m = ens_diag_add(v->s->diag, ENS_E_NO_EVENT, e->at,
			 v->items ? "nothing emitted is called `%s`%s" : "there is no event at hand here that `%s` could be a field of%s",
			 e->name, v->rule && v->rule->nkey ? ", and no key has that name" : "");
	ens_sema_suggest(v->s, m, e->name, candidate, n);
	if (!m->remedy && ens_sema_is_aggregate_name(e->name))
		ens_diag_remedy(v->s->diag, m, "to call the function write `%s(%s)`", e->name,
				strcmp(e->name, "count") == 0 ? "" : "...");
	else if (!m->remedy && clock_name(e->name))
		ens_diag_remedy(v->s->diag, m, "there is no clock in rules: say the time of an event, as in `a.time`");
	else if (!m->remedy && v->rule && !v->rule->over && !step_with(v->rule, e->name) && unnamed_with(v->rule, e->name))
		ens_diag_remedy(v->s->diag, m, "give the step a name, `x: %s`, and say `x.%s`", unnamed_with(v->rule, e->name), e->name);
	else if (!m->remedy && v->rule && emits(v->rule, e->name) && !step_with(v->rule, e->name))
		ens_diag_remedy(v->s->diag, m, "what is emitted as `%s` has that name in `having` only: write its expression here", e->name);
	else if (!m->remedy && v->rule && v->rule->over && step_with(v->rule, e->name))
		ens_diag_remedy(v->s->diag, m, "a window has many events: say `last(%s).%s`, or aggregate them, such as `max(%s.%s)`",
				step_with(v->rule, e->name), e->name, step_with(v->rule, e->name), e->name);
	else if (!m->remedy && v->rule && v->rule->over && unnamed_with(v->rule, e->name))
		ens_diag_remedy(v->s->diag, m, "give the input a name, `from x: %s`, and say `last(x).%s` or `max(x.%s)`",
				unnamed_with(v->rule, e->name), e->name, e->name);
	else if (!m->remedy && v->rule && step_with(v->rule, e->name))
		ens_diag_remedy(v->s->diag, m, "say of which step: `%s.%s`", step_with(v->rule, e->name), e->name);
	else if (!m->remedy && v->items && n)
		ens_sema_offer(v->s, m, e->name, "names known here", candidate, n);
	if (!m->remedy && v->rule)
		ens_diag_remedy(v->s->diag, m, "no event of this rule has a field of that name; a text stands in quotes: \"%s\"", e->name);
	return ENS_BADTYPE;
}

static enum ens_type key_type(struct ens_view *v, struct ens_expr *e, uint32_t key)
{
	struct ens_expr_sema *x = mean(v, e, ENS_MEAN_KEY);

	if (!x)
		return ENS_BADTYPE;
	x->index = key;
	e->optional = v->rule->keys[key].null_ok;
	return v->rule->keys[key].type;
}

/* The name of a parameter: its value.  False: there is no such parameter. */
static bool param_type(struct ens_view *v, struct ens_expr *e, enum ens_type *type)
{
	if (!ens_sema_put_param(v->s, e))
		return false;
	*type = e->kind == ENS_X_LITERAL ? e->lit_type : ENS_BADTYPE;
	return true;
}

static void warn_hidden_param(struct ens_view *v, const struct ens_expr *e, const char *what)
{
	struct ens_decl *p = ens_sema_find_param(v->s, e->name);
	struct ens_message *m;

	if (!p)
		return;
	m = ens_diag_add(v->s->diag, ENS_W_HIDING, e->at, "`%s` is the %s here, not the parameter of that name", e->name,
			 what);
	ens_diag_second(v->s->diag, m, p->name.at, "the parameter is declared here");
	ens_diag_remedy(v->s->diag, m, "give the parameter another name");
	p->sema->used = true;
}

/* In a computed field: a name that no field before it has. */
static enum ens_type not_before(struct ens_view *v, const struct ens_expr *e)
{
	const char *candidate[CANDIDATES_MAX];
	size_t n = 0;
	struct ens_message *m;

	if (v->hand->broken || v->s->imports)
		return ENS_BADTYPE;
	m = ens_diag_add(v->s->diag, ENS_E_UNKNOWN_NAME, e->at, "`%s` is no field before this one", e->name);
	for (const struct ens_field *f = v->hand->fields; f; f = f->next)
		if (f->name.name && strcmp(f->name.name, e->name) == 0) {
			ens_diag_second(v->s->diag, m, f->name.at, "declared here");
			ens_diag_remedy(v->s->diag, m, "a field is computed from those before it: declare `%s` first", e->name);
			return ENS_BADTYPE;
		}
	if (ens_type_field(v->hand, e->name).kind != ENS_FIELD_NONE) {
		ens_diag_remedy(v->s->diag, m, "what every event has besides its fields is not known yet here: declare `%s` as a "
						"field, or compute it in the rule", e->name);
		return ENS_BADTYPE;
	}
	for (uint32_t i = 0; i < v->hand->sema->nfield && n < CANDIDATES_MAX; i++)
		candidate[n++] = v->hand->sema->field[i].name;
	ens_sema_suggest(v->s, m, e->name, candidate, n);
	return ENS_BADTYPE;
}

static enum ens_type name_type(struct ens_view *v, struct ens_expr *e)
{
	uint32_t key = find_key(v, e->name);
	enum ens_type type;

	if (v->ranged) {
		if (key != ENS_NONE)
			return key_type(v, e, key);
		if (param_type(v, e, &type))
			return type;
		if (ens_sema_find_table(v->s, e->name))
			return ens_sema_whole_table(v, e, NULL);

		bool field = !v->rule->nname || step_with(v->rule, e->name) || unnamed_with(v->rule, e->name);
		struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_AGGREGATE, e->at,
						     field ? "`%s` does not say of which %s it is"
							   : "`%s` is no %s, nor a field of one",
						     e->name, ens_sema_taker(v));

		if (ens_map_find_name(&v->s->type_map, e->name) != ENS_MAP_NONE)
			ens_diag_remedy(v->s->diag, m, "a type is no %s: name the %s, as in `%sa: %s`, and say `a`",
					ens_sema_taker(v), ens_sema_taker(v), v->rule->over ? "from " : "", e->name);
		else if (near_step(v, e->name))
			ens_diag_remedy(v->s->diag, m, "did you mean `%s`?", near_step(v, e->name));
		else if (!field)
			offer_steps(v, m, e->name);
		else
			ens_diag_remedy(v->s->diag, m, "name the %s in the aggregate: `%s.%s`", ens_sema_taker(v),
					v->rule->over && v->rule->nname ? v->rule->name[0]->name : v->rule->over ? "INPUT" : "STEP", e->name);
		return ENS_BADTYPE;
	}
	if (v->hand) {
		struct ens_field_ref f = ens_type_field(v->hand, e->name);

		if (v->computing && f.kind != ENS_FIELD_DECLARED)
			return param_type(v, e, &type) ? type : not_before(v, e);
		if (v->raw && f.kind != ENS_FIELD_DECLARED && param_type(v, e, &type))
			return type;

		struct ens_expr_sema *x = mean(v, e, ENS_MEAN_FIELD);

		if (!x)
			return ENS_BADTYPE;
		x->field = e->name;
		if (v->raw && f.kind != ENS_FIELD_DECLARED) {
			ens_type_raw_field(v->s, v->hand, e->name, e->at);
			e->optional = true;
			return ENS_STRING;
		}
		if (f.kind == ENS_FIELD_DECLARED || (f.kind != ENS_FIELD_NONE && key == ENS_NONE)) {
			warn_hiding(v, e, f);
			warn_hidden_param(v, e, "field");
			e->optional = f.optional;
			return f.type;
		}
	}
	if (key != ENS_NONE) {
		warn_hidden_param(v, e, "key");
		ens_sema_hidden_item(v, e, "key");
		return key_type(v, e, key);
	}
	if (ens_sema_find_param(v->s, e->name))
		ens_sema_hidden_item(v, e, "parameter");
	if (param_type(v, e, &type))
		return type;
	return ens_sema_item(v, e) ? e->type : unknown_name(v, e);
}

/* ---- members ---------------------------------------------------------------------------------------------------- */

static bool some_has(const struct ens_reach *t, const char *name)
{
	for (uint32_t i = 0; i < t->npat; i++)
		if (ens_type_field(t->pat[i]->ref->sema->type, name).kind != ENS_FIELD_NONE)
			return true;
	return false;
}

struct ens_field_ref ens_sema_target_field(struct ens_view *v, const struct ens_reach *t, const char *name,
					   struct ens_span at)
{
	struct ens_field_ref all = {0};

	for (uint32_t i = 0; i < t->npat; i++) {
		const struct ens_decl *type = t->pat[i]->ref->sema->type;
		struct ens_field_ref f = ens_type_field(type, name);

		if (f.kind == ENS_FIELD_NONE) {
			struct ens_message *m = unknown_field(v, type, name, at);

			if (m && t->npat > 1 && some_has(t, name))
				ens_diag_remedy(v->s->diag, m, "what is one of several types has only the fields that all of them have");
			return (struct ens_field_ref){0};
		}
		if (i && f.type != all.type) {
			struct ens_message *m =
				ens_diag_add(v->s->diag, ENS_E_TYPES, at, "`%s` is %s in `%s`, but %s in `%s`", name,
					     ens_type_name(all.type), t->pat[0]->ref->sema->type->name.name,
					     ens_type_name(f.type), type->name.name);

			ens_diag_remedy(v->s->diag, m,
					"a field of several types of event needs one type in all of them");
			return (struct ens_field_ref){0};
		}
		f.optional |= all.optional;
		all = f;
	}
	return all;
}

static bool is_own(const struct ens_view *v, const struct ens_reach *t)
{
	return v->self && !v->until && ens_pat_contains(t->root, v->self);
}

static void say_not_taken(struct ens_view *v, const struct ens_expr *at, const struct ens_name *name)
{
	struct ens_message *m =
		ens_diag_add(v->s->diag, ENS_E_NOT_TAKEN, at->at, "the step `%s` is not taken yet here", name->name);

	ens_diag_second(v->s->diag, m, name->at, "it comes later");
	ens_diag_remedy(v->s->diag, m, "put the condition on `%s`, which sees the steps before it", name->name);
}

/* Finds what a step's name means here; false if it was said that it means nothing. */
static bool step_target(struct ens_view *v, const struct ens_expr *at, const struct ens_name *name, struct ens_reach *t,
			bool *may_lack)
{
	if (!ens_sema_target(v, name, t, may_lack)) {
		say_not_taken(v, at, name);
		return false;
	}

	const struct ens_pat *common =
		v->place && !ens_pat_contains(t->root, v->place) ? ens_pat_common(t->root, v->place) : NULL;

	if (common && common != v->place && common->kind == ENS_P_ALT) {
		struct ens_message *m =
			ens_diag_add(v->s->diag, ENS_W_ALWAYS_NULL, at->at,
				     "`%s` is always null here: it stands in another branch", name->name);

		ens_diag_second(v->s->diag, m, name->at, "given here");
	}
	return true;
}

static enum ens_type say_repeated(struct ens_view *v, const struct ens_expr *e, const struct ens_name *name, bool own)
{
	struct ens_message *m = ens_diag_add(
		v->s->diag, ENS_E_REPEATED, e->at,
		v->rule->over ? "`%s` has many events in a window, so `%s.%s` could be many values"
			      : "`%s` is repeated, so `%s.%s` could be many values",
		name->name, name->name, e->name);

	ens_diag_second(v->s->diag, m, name->at, "given here");
	if (own)
		ens_diag_remedy(v->s->diag, m,
				"for the event at hand say just `%s`, for those before `first(%s).%s` or `last(%s).%s`",
				e->name, name->name, e->name, name->name, e->name);
	else
		ens_diag_remedy(v->s->diag, m, "say which: `first(%s).%s` or `last(%s).%s`%s", name->name, e->name,
				name->name, e->name,
				v->where ? "; what is to hold of each event stands in the step's brackets" : "");
	return ENS_BADTYPE;
}

static enum ens_type hand_field(struct ens_view *v, struct ens_expr *e)
{
	struct ens_field_ref f = ens_type_field(v->hand, e->name);
	struct ens_expr_sema *x = mean(v, e, ENS_MEAN_FIELD);

	if (f.kind == ENS_FIELD_NONE)
		unknown_field(v, v->hand, e->name, e->op_at);
	if (f.kind == ENS_FIELD_NONE || !x)
		return ENS_BADTYPE;
	x->field = e->name;
	e->optional = f.optional;
	return f.type;
}

/* A field in an aggregate's argument: of the event that is counted in. */
static enum ens_type ranged_field(struct ens_view *v, struct ens_expr *e, const struct ens_name *name,
				  const struct ens_reach *t)
{
	struct ens_field_ref f = ens_sema_target_field(v, t, e->name, e->op_at);
	struct ens_expr_sema *x = mean(v, e, ENS_MEAN_FIELD);

	if (f.kind == ENS_FIELD_NONE || !x)
		return ENS_BADTYPE;
	if (v->over->npat && v->over->root != t->root) {
		struct ens_message *m =
			ens_diag_add(v->s->diag, ENS_E_AGGREGATE, e->at,
				     "an aggregate ranges over one step, `%s` is a second one", name->name);

		ens_diag_remedy(v->s->diag, m, "keep to the fields of one step");
		return ENS_BADTYPE;
	}
	*v->over = *t;
	x->field = e->name;
	e->optional = f.optional;
	return f.type;
}

static enum ens_type not_repeated(struct ens_view *v, const struct ens_expr *e, const struct ens_name *name)
{
	struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_INDEX, e->arg[0]->at,
					     "`%s` is a single event here, it has no others to choose from", name->name);

	ens_diag_second(v->s->diag, m, name->at, "given here");
	ens_diag_remedy(v->s->diag, m, "name its field: `%s.%s`", name->name, e->name);
	return ENS_BADTYPE;
}

/* In what filters the events of an input: the event at hand, and no other. */
static enum ens_type input_field(struct ens_view *v, struct ens_expr *e, const struct ens_name *name,
				 const struct ens_reach *t, enum ens_which which)
{
	struct ens_message *m;

	if (which == ENS_ONLY && is_own(v, t))
		return hand_field(v, e);
	m = ens_diag_add(v->s->diag, ENS_E_WHERE, e->at,
			 "each event comes into the window by itself: of `%s` nothing is known here", name->name);
	ens_diag_second(v->s->diag, m, name->at, "given here");
	ens_diag_remedy(v->s->diag, m, "compare what the window has in `having`; to find pairs of events use `match`");
	return ENS_BADTYPE;
}

static enum ens_type step_field(struct ens_view *v, struct ens_expr *e, const struct ens_name *name,
				enum ens_which which, int32_t nth)
{
	struct ens_reach t;
	bool may_lack;

	if (name->group) {
		struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_UNKNOWN_NAME, e->at,
						     "`%s` is a group, it has no fields", name->name);

		ens_diag_second(v->s->diag, m, name->at, "given here");
		ens_diag_remedy(v->s->diag, m, "name a step in it, or say `count(%s)` for its rounds", name->name);
		return ENS_BADTYPE;
	}
	if (!step_target(v, e->arg[0], name, &t, &may_lack))
		return ENS_BADTYPE;
	if (v->input)
		return input_field(v, e, name, &t, which);
	if (v->ranged && which == ENS_ONLY)
		return ranged_field(v, e, name, &t);

	bool own = is_own(v, &t);

	if (which == ENS_NTH && !t.repeated)
		return not_repeated(v, e, name);
	if (nth == 1 || nth == -1)
		which = nth == 1 ? ENS_FIRST : ENS_LAST;
	if (own && !t.repeated && (which == ENS_ONLY || v->where))
		return hand_field(v, e);
	if (which == ENS_ONLY && t.repeated)
		return say_repeated(v, e, name, own);

	struct ens_field_ref f = ens_sema_target_field(v, &t, e->name, e->op_at);
	struct ens_expr_sema *x = mean(v, e, ENS_MEAN_STEP);

	if (f.kind == ENS_FIELD_NONE || !x)
		return ENS_BADTYPE;
	x->field = e->name;
	x->which = which;
	x->nth = nth;
	x->target = t;
	e->optional = f.optional || may_lack || own || which == ENS_NTH;
	return f.type;
}

static enum ens_type prev_field(struct ens_view *v, struct ens_expr *e)
{
	struct ens_reach t = {0};
	bool may_lack = false;

	if (!v->hand || !v->place || v->ranged) {
		ens_diag_remedy(v->s->diag,
				ens_diag_add(v->s->diag, ENS_E_PREV, e->arg[0]->at,
					     "`prev` is the event before the one at hand, and here is none at hand"),
				v->rule && v->rule->over ? "each event is let into the window by itself; in `having` and `emit` `INPUT[-2].%s` is a field of the last but one"
							 : "name the step: `STEP.%s`, or `last(STEP).%s` of a repeated one",
				e->name, e->name);
		return ENS_BADTYPE;
	}
	if (!ens_sema_before(v, &t, &may_lack))
		return ENS_BADTYPE;
	if (!t.npat) {
		struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_PREV, e->arg[0]->at,
						     "no event is taken before this one, so there is no `prev`");

		ens_diag_remedy(v->s->diag, m, "use `prev` from the second step on");
		return ENS_BADTYPE;
	}

	struct ens_field_ref f = ens_sema_target_field(v, &t, e->name, e->op_at);
	struct ens_expr_sema *x = mean(v, e, ENS_MEAN_PREV);

	if (f.kind == ENS_FIELD_NONE || !x)
		return ENS_BADTYPE;
	x->field = e->name;
	x->target = t;
	e->optional = f.optional || may_lack;
	return f.type;
}

/* How other languages call the event at hand. */
static bool is_self(const char *name)
{
	static const char *const self[] = {"this", "self", "event", "row", "current", "it", "e", "x", "_", "msg", "data"};

	for (size_t i = 0; i < sizeof self / sizeof *self; i++)
		if (strcmp(name, self[i]) == 0)
			return true;
	return false;
}

static enum ens_type no_such_step(struct ens_view *v, const struct ens_expr *base, const char *field)
{
	uint32_t i = ens_map_find_name(&v->s->type_map, base->name);
	struct ens_message *m;

	if (ens_sema_find_table(v->s, base->name))
		return ens_sema_whole_table(v, base, field);
	if (v->s->imports || (v->rule && v->rule->decl->names_lost))
		return ENS_BADTYPE;
	if (!v->rule || v->no_match) {
		m = ens_diag_add(v->s->diag, ENS_E_UNKNOWN_NAME, base->at,
				 "there are no steps here, only the fields of `%s`%s", v->hand->name.name,
				 v->rule && v->rule->nkey ? " and the key" : "");
		return ENS_BADTYPE;
	}
	m = ens_diag_add(v->s->diag, ENS_E_UNKNOWN_NAME, base->at, "there is no %s `%s`", ens_sema_taker(v), base->name);
	if (v->hand && (is_self(base->name) || (i != ENS_MAP_NONE && v->s->decl[i] == v->hand)))
		ens_diag_remedy(v->s->diag, m, "a field of the event at hand is named alone: `%s`", field);
	else if (v->hand && ens_type_field(v->hand, base->name).kind != ENS_FIELD_NONE)
		ens_diag_remedy(v->s->diag, m, "`%s` is a field, which has no parts: functions are called, as in `%s(%s)`", base->name,
				ens_sema_is_builtin(field) ? field : "hour", base->name);
	else if (i != ENS_MAP_NONE && v->rule->over)
		ens_diag_remedy(v->s->diag, m, "`%s` is an event type: give the input a name, `from x: %s`, and say `x`",
				base->name, base->name);
	else if (i != ENS_MAP_NONE)
		ens_diag_remedy(
			v->s->diag, m,
			"`%s` is an event type: give the step a name in the pattern, `x: %s`, and say `x.FIELD`",
			base->name, base->name);
	else
		offer_steps(v, m, base->name);
	return ENS_BADTYPE;
}

/* first(v[...]).x: aggregates over a narrowed step take the field. */
static enum ens_type field_outside(struct ens_view *v, const struct ens_expr *e, const struct ens_expr *call)
{
	const struct ens_expr *index = call->arg[0];
	struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_AGGREGATE, e->at,
					     "behind a step in brackets the field stands inside of `%s`", call->name);

	if (index->arg[0]->kind == ENS_X_NAME)
		ens_diag_remedy(v->s->diag, m, "write `%s(%s[...].%s)`", call->name, index->arg[0]->name, e->name);
	return ENS_BADTYPE;
}

static enum ens_type whole_event(struct ens_view *v, const struct ens_expr *e)
{
	struct ens_message *m;

	if (e->arg[0]->kind != ENS_X_NAME || !ens_sema_find_step(v, e->arg[0]->name))
		return ens_sema_no_rows(v, e);
	m = ens_diag_add(v->s->diag, ENS_E_UNKNOWN_NAME, e->at, "this is a whole event, not a value");
	if (e->narg == 2 && e->arg[1]->kind == ENS_X_LITERAL && e->arg[1]->lit_type == ENS_STRING)
		ens_diag_remedy(v->s->diag, m, "a field is named behind a point: `%s.%.*s`", e->arg[0]->name,
				(int)(e->arg[1]->literal.len < 64 ? e->arg[1]->literal.len : 64), e->arg[1]->literal.s);
	else
		ens_diag_remedy(v->s->diag, m, "name a field of it: `%s[...].FIELD`", e->arg[0]->name);
	return ENS_BADTYPE;
}

static enum ens_type member_type(struct ens_view *v, struct ens_expr *e)
{
	struct ens_expr *base = e->arg[0];
	enum ens_which which = ENS_ONLY;
	int32_t nth = 0;

	if (base->kind == ENS_X_INDEX && base->arg[0]->kind == ENS_X_NAME && !v->ranged &&
	    ens_sema_find_step(v, base->arg[0]->name)) {
		ens_sema_warn_hidden_table(v, base->arg[0]);
		if (!ens_sema_nth(v, base, &nth))
			return ENS_BADTYPE;
		which = ENS_NTH;
		base = base->arg[0];
	} else if (base->kind == ENS_X_INDEX) {
		const bool table = base->arg[0]->kind == ENS_X_NAME && ens_sema_find_table(v->s, base->arg[0]->name);

		return table ? ens_sema_lookup(v, e) : ens_sema_no_rows(v, base);
	}
	if (base->kind == ENS_X_CALL && base->narg == 1 &&
	    (strcmp(base->name, "first") == 0 || strcmp(base->name, "last") == 0)) {
		which = strcmp(base->name, "first") == 0 ? ENS_FIRST : ENS_LAST;
		if (base->arg[0]->kind == ENS_X_INDEX)
			return field_outside(v, e, base);
		base = base->arg[0];
		if (v->ranged) {
			ens_diag_add(v->s->diag, ENS_E_AGGREGATE, e->at, "one aggregate can't stand inside another");
			return ENS_BADTYPE;
		}
	}
	if (base->kind != ENS_X_NAME) {
		struct ens_message *m =
			ens_diag_add(v->s->diag, ENS_E_UNKNOWN_NAME, base->at, "this is a value, it has no fields");

		if (base->kind == ENS_X_MEMBER && base->arg[0]->kind == ENS_X_NAME && v->hand)
			ens_diag_remedy(v->s->diag, m, "what is nested is declared as a field of its own: `%s: string as \"%s.%s.%s\"`",
					e->name, base->arg[0]->name, base->name, e->name);
		else if (base->kind == ENS_X_CALL && ens_sema_find_table(v->s, base->name))
			ens_diag_remedy(v->s->diag, m, "a row is looked up in brackets: `%s[...].%s`", base->name, e->name);
		else
			ens_diag_remedy(v->s->diag, m, "before `.%s` stands a step's name, or first(STEP), last(STEP)",
					e->name);
		return ENS_BADTYPE;
	}

	const struct ens_name *name = ens_sema_find_step(v, base->name);

	if (name)
		return step_field(v, e, name, which, nth);
	if (strcmp(base->name, "prev") == 0 && which == ENS_ONLY && v->rule)
		return prev_field(v, e);
	return no_such_step(v, base, e->name);
}

/* ---- operators -------------------------------------------------------------------------------------------------- */

static bool is_number(enum ens_type t)
{
	return t == ENS_INT || t == ENS_FLOAT;
}

static const char *op_name(const struct ens_expr *e)
{
	switch (e->kind) {
	case ENS_X_EQ: return "=";
	case ENS_X_NE: return "!=";
	case ENS_X_LT: return "<";
	case ENS_X_LE: return "<=";
	case ENS_X_GT: return ">";
	case ENS_X_GE: return ">=";
	case ENS_X_ADD: return "+";
	case ENS_X_SUB: return "-";
	case ENS_X_MUL: return "*";
	case ENS_X_DIV: return "/";
	case ENS_X_MOD: return "%";
	case ENS_X_COALESCE: return "??";
	case ENS_X_IN: return "in";
	case ENS_X_BETWEEN: return "between";
	case ENS_X_IF: return "if";
	case ENS_X_AND: return "and";
	case ENS_X_OR: return "or";
	case ENS_X_NOT: return "not";
	default: return "this";
	}
}

static bool text_of_duration(const struct ens_expr *e)
{
	for (uint32_t i = 0; i < e->narg; i++)
		if (e->arg[i]->kind == ENS_X_LITERAL && e->arg[i]->lit_type == ENS_STRING && e->arg[i]->literal.len &&
		    e->arg[i]->literal.s[0] >= '0' && e->arg[i]->literal.s[0] <= '9')
			return true;
	return false;
}

/* `seconds(d) > 5s`: the function that makes one side a number; NULL: there is none. */
static const char *number_of_duration(const struct ens_expr *e)
{
	for (uint32_t i = 0; i < e->narg && i < 2; i++)
		if (e->arg[i]->kind == ENS_X_CALL && e->arg[1 - i]->type == ENS_DURATION && e->narg == 2 &&
		    (strcmp(e->arg[i]->name, "seconds") == 0 || strcmp(e->arg[i]->name, "minutes") == 0 ||
		     strcmp(e->arg[i]->name, "hours") == 0))
			return e->arg[i]->name;
	return NULL;
}

/* What would make two types go together, as far as there is one thing to say. */
static void advise(struct ens_view *v, struct ens_message *m, const struct ens_expr *e, enum ens_type a,
		   enum ens_type b)
{
	enum ens_type other = a == ENS_STRING ? b : a;
	bool text = (a == ENS_STRING || b == ENS_STRING) && is_number(other) && e->kind != ENS_X_ADD;
	const struct ens_expr *literal = NULL;

	for (uint32_t i = 0; i < e->narg && text; i++)
		literal = e->arg[i]->kind == ENS_X_LITERAL ? e->arg[i] : literal;
	if (literal)
		ens_diag_remedy(v->s->diag, m, literal->type == ENS_STRING ? "a number is written without quotes"
									   : "a string is written in quotes");
	else if (e->kind == ENS_X_ADD && a == ENS_STRING && b == ENS_STRING)
		ens_diag_remedy(v->s->diag, m, "to join strings say concat(a, b)");
	else if ((a == ENS_STRING || b == ENS_STRING) && is_number(other))
		ens_diag_remedy(v->s->diag, m, "%s(x) turns a string into a number, string(x) a number into a string",
				ens_type_name(other));
	else if (e->kind == ENS_X_MOD && a == ENS_STRING)
		ens_diag_remedy(v->s->diag, m, "strings in `emit` take values in braces, as in \"{user} failed\"");
	else if (text_of_duration(e) && (a == ENS_DURATION || b == ENS_DURATION))
		ens_diag_remedy(v->s->diag, m, "a duration is written without quotes, as in 5s");
	else if (e->kind == ENS_X_DIV && a == ENS_DURATION && is_number(b))
		ens_diag_remedy(v->s->diag, m, "multiply instead: d * 0.5");
	else if ((e->kind == ENS_X_ADD || e->kind == ENS_X_SUB) && a == ENS_TIME && is_number(b))
		ens_diag_remedy(v->s->diag, m, "a time and a duration are added: write it with its unit, such as 5s");
	else if (a == ENS_TIME || b == ENS_TIME ? is_number(a) || is_number(b) : false)
		ens_diag_remedy(v->s->diag, m, "time(n) turns a number of seconds, or of smaller units, into a time");
	else if (number_of_duration(e))
		ens_diag_remedy(v->s->diag, m, "`%s` gives a number: compare it with one, or leave it out", number_of_duration(e));
	else if ((a == ENS_DURATION && is_number(b)) || (b == ENS_DURATION && is_number(a)))
		ens_diag_remedy(
			v->s->diag, m,
			"write a duration with its unit, such as 5s, or use seconds(d) for its number of seconds");
	else if ((a == ENS_STRING || b == ENS_STRING) && other == ENS_BOOL)
		ens_diag_remedy(v->s->diag, m, "a bool stands alone, as in `ok` and `not ok`; true and false have no quotes");
	else if (a == ENS_BOOL || b == ENS_BOOL)
		ens_diag_remedy(v->s->diag, m, "a bool stands alone, as in `ok` and `not ok`, or beside true and false");
	else if (a == ENS_STRING || b == ENS_STRING)
		ens_diag_remedy(v->s->diag, m, "string(x) turns it into a string%s",
				other == ENS_TIME ? ", time(s) a string into a time" : "");
	else if (a == ENS_TIME && b == ENS_TIME)
		ens_diag_remedy(v->s->diag, m, "time - time is a duration, time + duration a time");
	else
		ens_diag_remedy(v->s->diag, m, "both sides need one type; only int and float mix");
}

static enum ens_type mismatch(struct ens_view *v, const struct ens_expr *e, enum ens_type a, enum ens_type b)
{
	struct ens_message *m =
		ens_diag_add(v->s->diag, ENS_E_TYPES, e->op_at.len ? e->op_at : e->at,
			     "`%s` does not go with %s and %s", op_name(e), ens_type_name(a), ens_type_name(b));

	advise(v, m, e, a, b);
	return ENS_BADTYPE;
}

/* The one type of arguments i .. n-1 of e; literals among them are made to fit. */
static enum ens_type unify(struct ens_view *v, struct ens_expr *e, uint32_t from, uint32_t to)
{
	enum ens_type type = ENS_NOTYPE;

	for (uint32_t i = from; i < to; i++) {
		enum ens_type t = e->arg[i]->type;

		if (t == ENS_BADTYPE || type == ENS_BADTYPE)
			type = ENS_BADTYPE;
		else if (type == ENS_NOTYPE || (type == ENS_INT && t == ENS_FLOAT) ||
			 (type == ENS_STRING && (t == ENS_IP || t == ENS_TIME)))
			type = t;
	}
	for (uint32_t i = from; i < to && type != ENS_BADTYPE; i++) {
		enum ens_type t = e->arg[i]->type;

		if (t == type || t == ENS_NOTYPE || (t == ENS_INT && type == ENS_FLOAT))
			continue;
		if (t != ENS_STRING)
			return mismatch(v, e, e->arg[from]->type, t == e->arg[from]->type ? type : t);
		if (!ens_sema_coerce(v, e->arg[i], type))
			return e->arg[i]->type == ENS_BADTYPE
				       ? ENS_BADTYPE
				       : mismatch(v, e, e->arg[from]->type, t == e->arg[from]->type ? type : t);
	}
	return type;
}

static void args(struct ens_view *v, struct ens_expr *e)
{
	for (uint32_t i = 0; i < e->narg; i++)
		ens_sema_expr(v, e->arg[i]);
}

static bool bad_arg(const struct ens_expr *e)
{
	for (uint32_t i = 0; i < e->narg; i++)
		if (e->arg[i]->type == ENS_BADTYPE)
			return true;
	return false;
}

static bool any_optional(const struct ens_expr *e)
{
	for (uint32_t i = 0; i < e->narg; i++)
		if (e->arg[i]->optional)
			return true;
	return false;
}

static enum ens_type bad_null(struct ens_view *v, const struct ens_expr *e)
{
	for (uint32_t i = 0; i < e->narg; i++) {
		if (e->arg[i]->type != ENS_NOTYPE)
			continue;

		struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_NULL, e->arg[i]->at,
						     "`%s` with null is always null", op_name(e));

		if (e->kind == ENS_X_EQ || e->kind == ENS_X_NE)
			ens_diag_remedy(v->s->diag, m, "say `is %snull`", e->kind == ENS_X_NE ? "not " : "");
	}
	return ENS_BADTYPE;
}

static bool has_null(const struct ens_expr *e)
{
	for (uint32_t i = 0; i < e->narg; i++)
		if (e->arg[i]->type == ENS_NOTYPE)
			return true;
	return false;
}

static enum ens_type compare_type(struct ens_view *v, struct ens_expr *e)
{
	enum ens_type t = unify(v, e, 0, e->narg);
	bool equality = e->kind == ENS_X_EQ || e->kind == ENS_X_NE;

	if (t == ENS_BADTYPE)
		return t;
	if (has_null(e))
		return bad_null(v, e);
	if (!equality && (t == ENS_BOOL || t == ENS_IP)) {
		struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_TYPES, e->op_at,
						     "values of type %s have no order", ens_type_name(t));

		ens_diag_remedy(v->s->diag, m,
				t == ENS_IP ? "compare with = or !=, or say `in \"10.0.0.0/8\"`"
					    : "compare with = or !=");
		return ENS_BADTYPE;
	}
	if (equality && t == ENS_FLOAT) {
		struct ens_message *m =
			ens_diag_add(v->s->diag, ENS_W_FLOAT_EQUAL, e->op_at,
				     "floats are compared for equality; results of arithmetic are rarely equal");

		ens_diag_remedy(v->s->diag, m, "compare with a range: `x between a and b`, or `abs(a - b) < 0.001`");
	}
	return ENS_BOOL;
}

static enum ens_type sum_type(struct ens_view *v, const struct ens_expr *e, enum ens_type a, enum ens_type b)
{
	if (is_number(a) && is_number(b))
		return a == ENS_FLOAT ? a : b;
	if (a == ENS_DURATION && b == ENS_DURATION)
		return ENS_DURATION;
	if (a == ENS_TIME && b == ENS_DURATION)
		return ENS_TIME;
	if (e->kind == ENS_X_ADD && a == ENS_DURATION && b == ENS_TIME)
		return ENS_TIME;
	if (e->kind == ENS_X_SUB && a == ENS_TIME && b == ENS_TIME)
		return ENS_DURATION;
	return mismatch(v, e, a, b);
}

static enum ens_type arithmetic_type(struct ens_view *v, struct ens_expr *e)
{
	enum ens_type a = e->arg[0]->type, b = e->arg[1]->type;

	if (has_null(e))
		return bad_null(v, e);
	switch (e->kind) {
	case ENS_X_ADD:
	case ENS_X_SUB:
		return sum_type(v, e, a, b);
	case ENS_X_MUL:
		if ((a == ENS_DURATION && is_number(b)) || (is_number(a) && b == ENS_DURATION))
			return ENS_DURATION;
		break;
	case ENS_X_DIV:
		if ((a == ENS_DURATION && b == ENS_DURATION) || (is_number(a) && is_number(b)))
			return ENS_FLOAT;
		break;
	default:
		break;
	}
	if (!is_number(a) || !is_number(b))
		return mismatch(v, e, a, b);
	return a == ENS_FLOAT ? a : b;
}

/* `a || b` of strings, as in SQL: the sign was told of; adds what joins them. */
static bool joins_strings(struct ens_sema *s, const struct ens_expr *e)
{
	bool joins = e->kind == ENS_X_OR;

	for (uint32_t i = 0; i < e->narg; i++)
		joins &= e->arg[i]->type == ENS_STRING || e->arg[i]->type == ENS_BADTYPE;
	for (uint32_t i = 0; joins && i < s->diag->nmsg; i++) {
		struct ens_message *m = &s->diag->msg[i];

		if (m->code == ENS_E_SPELLING && m->at.file == e->op_at.file && m->at.off == e->op_at.off) {
			ens_diag_remedy(s->diag, m, "strings are joined by concat(a, b)");
			return true;
		}
	}
	return false;
}

static bool need_bool(struct ens_view *v, const struct ens_expr *e, const struct ens_expr *arg)
{
	if (arg->type == ENS_BOOL || arg->type == ENS_BADTYPE || arg->type == ENS_NOTYPE)
		return arg->type != ENS_BADTYPE;

	if (joins_strings(v->s, e))
		return false;

	struct ens_message *m =
		ens_diag_add(v->s->diag, ENS_E_CONDITION, arg->at, "`%s` needs a condition, this is of type %s",
			     op_name(e), ens_type_name(arg->type));

	if (arg->kind == ENS_X_LITERAL && (is_number(arg->type) || arg->type == ENS_STRING))
		ens_diag_remedy(v->s->diag, m, "several values to compare with stand in a list, as in `n in (1, 2)` or `s like (\"a*\", \"b*\")`");
	else if (is_number(arg->type))
		ens_diag_remedy(v->s->diag, m, "compare it: `... != 0`");
	else if (arg->optional || arg->type != ENS_BOOL)
		ens_diag_remedy(v->s->diag, m, "compare it with something, or say `is not null`");
	return false;
}

static enum ens_type logic_type(struct ens_view *v, struct ens_expr *e)
{
	bool ok = true;

	for (uint32_t i = 0; i < e->narg; i++)
		ok &= need_bool(v, e, e->arg[i]);
	return ok ? ENS_BOOL : ENS_BADTYPE;
}

/* A network beside a string is only a text to be equal to, which is hardly ever meant: no address would be in it. */
static void warn_of_networks(struct ens_view *v, const struct ens_expr *e)
{
	for (uint32_t i = 1; i < e->narg; i++) {
		const struct ens_expr *a = e->arg[i];
		const char *slash = a->kind == ENS_X_LITERAL && a->type == ENS_STRING && a->literal.len
					    ? memchr(a->literal.s, '/', a->literal.len)
					    : NULL;
		uint8_t address[16];

		if (!slash || !ens_parse_ip(a->literal.s, (size_t)(slash - a->literal.s), address))
			continue;
		ens_diag_remedy(v->s->diag,
				ens_diag_add(v->s->diag, ENS_W_NETWORK_TEXT, a->at,
					     "this is no network here but a text to be equal to: left of `in` stands a string"),
				"declare the field as `ip`");
	}
}

static enum ens_type in_type(struct ens_view *v, struct ens_expr *e)
{
	enum ens_type t = e->arg[0]->type;

	if (t == ENS_NOTYPE)
		return bad_null(v, e);
	if (t == ENS_STRING)
		warn_of_networks(v, e);
	if (t == ENS_IP) {
		for (uint32_t i = 1; i < e->narg; i++)
			if (e->arg[i]->kind == ENS_X_LITERAL && e->arg[i]->type == ENS_STRING &&
			    !ens_sema_network(v, e->arg[i]))
				return ENS_BADTYPE;
	}
	return unify(v, e, 0, e->narg) == ENS_BADTYPE ? ENS_BADTYPE : ENS_BOOL;
}

/* Of SQL, where it stands for any text; here it would hardly ever be found. */
static void warn_of_percent(struct ens_view *v, const struct ens_expr *a)
{
	const struct ens_value *s = &a->literal;
	struct ens_message *m;

	if (!s->len || !memchr(s->s, '%', s->len) || memchr(s->s, '*', s->len) || memchr(s->s, '?', s->len))
		return;
	m = ens_diag_add(v->s->diag, ENS_W_PERCENT, a->at, "`%%` stands for itself in what `like` looks for");
	ens_diag_remedy(v->s->diag, m, "`*` stands for any text, `?` for one character");
}

static enum ens_type text_type(struct ens_view *v, struct ens_expr *e)
{
	const char *what = e->kind == ENS_X_LIKE ? "like" : "matches";

	if (e->arg[0]->type != ENS_STRING) {
		struct ens_message *m =
			ens_diag_add(v->s->diag, ENS_E_TYPES, e->arg[0]->at,
				     "`%s` looks at strings, this is of type %s", what, ens_type_name(e->arg[0]->type));

		ens_diag_remedy(v->s->diag, m,
				e->arg[0]->type == ENS_IP ? "for addresses say `in \"10.0.0.0/8\"`"
							  : "string(x) turns it into a string");
		return ENS_BADTYPE;
	}
	for (uint32_t i = 1; i < e->narg; i++) {
		const struct ens_expr *a = e->arg[i];
		struct ens_error why;

		if (a->kind != ENS_X_LITERAL || a->type != ENS_STRING) {
			ens_diag_remedy(v->s->diag,
					ens_diag_add(v->s->diag, ENS_E_LITERAL, a->at, "behind `%s` stands a string literal", what),
					"two texts are compared by `=`, `contains(s, t)`, `starts_with(s, t)` or `ends_with(s, t)`");
			return ENS_BADTYPE;
		}
		if (e->kind == ENS_X_LIKE)
			warn_of_percent(v, a);
		if (e->kind == ENS_X_MATCHES && !ens_pattern_valid(a->literal.s, a->literal.len, &why)) {
			ens_diag_remedy(v->s->diag, ens_diag_add(v->s->diag, ENS_E_LITERAL, a->at, "this is %s", why.text),
					"the syntax is that of RE2: brackets are closed, and it looks neither ahead nor back; a sign by itself is written \\\\.");
			return ENS_BADTYPE;
		}
	}
	return ENS_BOOL;
}

static enum ens_type neg_type(struct ens_view *v, struct ens_expr *e)
{
	enum ens_type t = e->arg[0]->type;

	if (is_number(t) || t == ENS_DURATION)
		return t;
	ens_diag_add(v->s->diag, ENS_E_TYPES, e->at, "`-` needs a number or a duration, this is of type %s",
		     ens_type_name(t));
	return ENS_BADTYPE;
}

static enum ens_type choice_type(struct ens_view *v, struct ens_expr *e)
{
	if (e->kind == ENS_X_IF) {
		if (!need_bool(v, e, e->arg[0]))
			return ENS_BADTYPE;
		e->optional = e->arg[1]->optional || e->arg[2]->optional;
		return unify(v, e, 1, 3);
	}
	e->optional = e->arg[0]->optional && e->arg[1]->optional;
	return unify(v, e, 0, 2);
}

static enum ens_type operator_type(struct ens_view *v, struct ens_expr *e)
{
	args(v, e);
	if (bad_arg(e))
		return ENS_BADTYPE;
	e->optional = any_optional(e);
	switch (e->kind) {
	case ENS_X_NEG:
		return neg_type(v, e);
	case ENS_X_NOT:
	case ENS_X_OR:
	case ENS_X_AND:
		return logic_type(v, e);
	case ENS_X_EQ:
	case ENS_X_NE:
	case ENS_X_LT:
	case ENS_X_LE:
	case ENS_X_GT:
	case ENS_X_GE:
	case ENS_X_BETWEEN:
		return compare_type(v, e);
	case ENS_X_COALESCE:
	case ENS_X_IF:
		return choice_type(v, e);
	case ENS_X_IN:
		return in_type(v, e);
	case ENS_X_LIKE:
	case ENS_X_MATCHES:
		return text_type(v, e);
	case ENS_X_ISNULL:
		e->optional = false;
		return ENS_BOOL;
	default:
		return arithmetic_type(v, e);
	}
}

/* ---- entry points ----------------------------------------------------------------------------------------------- */

/* What was said about the body of a function gets the place where it was called. */
static void note_call(struct ens_view *v, const struct ens_expr *call, uint32_t from)
{
	for (uint32_t i = from; i < v->s->diag->nmsg; i++) {
		struct ens_message *m = &v->s->diag->msg[i];

		if (!m->second_text &&
		    (m->at.file != call->at.file || m->at.off < call->at.off || m->at.off >= call->at.off + call->at.len))
			ens_diag_second(v->s->diag, m, call->at, "in this call of `%s`", call->name);
	}
}

static void expr_type(struct ens_view *v, struct ens_expr *e)
{
	e->type = ENS_BADTYPE;
	e->optional = false;
	switch (e->kind) {
	case ENS_X_BAD:
		e->type = ENS_BADTYPE;
		break;
	case ENS_X_LITERAL:
		e->type = e->lit_type;
		e->optional = e->lit_type == ENS_NOTYPE;
		break;
	case ENS_X_NAME:
		e->type = name_type(v, e);
		break;
	case ENS_X_MEMBER:
		e->type = member_type(v, e);
		break;
	case ENS_X_STAR:
		ens_diag_add(v->s->diag, ENS_E_UNKNOWN_NAME, e->at, "`.*` stands alone, as an item of `emit`");
		break;
	case ENS_X_INDEX:
		e->type = whole_event(v, e);
		break;
	case ENS_X_CALL:
		e->type = ens_sema_call(v, e);
		break;
	default:
		e->type = operator_type(v, e);
	}
}

enum ens_type ens_sema_expr(struct ens_view *v, struct ens_expr *e)
{
	uint32_t nmsg = v->s->diag->nmsg;

	expr_type(v, e);
	if (e->call)
		note_call(v, e->call, nmsg);
	return e->type;
}

bool ens_sema_condition(struct ens_view *v, struct ens_expr *e)
{
	enum ens_type t = ens_sema_expr(v, e);

	if (t == ENS_BOOL || t == ENS_BADTYPE)
		return t == ENS_BOOL;

	struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_CONDITION, e->at,
					     "a condition is of type bool, this is of type %s", ens_type_name(t));

	ens_diag_remedy(v->s->diag, m, "compare it with something");
	return false;
}

bool ens_sema_duration(struct ens_view *v, struct ens_expr *e)
{
	enum ens_type t = ens_sema_expr(v, e);
	struct ens_message *m;

	if (t == ENS_DURATION && e->kind == ENS_X_LITERAL && e->literal.i < 0) {
		ens_diag_add(v->s->diag, ENS_E_LIMIT_RANGE, e->at, "a length of time that is waited for can't be negative");
		return false;
	}
	if (t == ENS_DURATION || t == ENS_BADTYPE)
		return t == ENS_DURATION;
	m = ens_diag_add(v->s->diag, ENS_E_TYPES, e->at, "here stands a duration, this is of type %s",
			 ens_type_name(t));
	if (is_number(t))
		ens_diag_remedy(v->s->diag, m, "write it with its unit, such as 5s or 10m");
	return false;
}
