/*
 * Test blocks: rules, types, fields and values of each line, then the times.
 *
 * A test line's values are constants, but for `i` in a repeated line.  They become programs like all expressions, in an
 * image of their own (tests.h); when all tests are read, that image is opened once and the times are worked out with it,
 * so that what goes back in time is said at compile time.  Cost: linear in the lines; nothing without tests.
 * Tested by tests/lang/sema_test.test and tests/cli/test_verb.sh.
 */
#include "compiler/tests.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "compiler/code.h"
#include "compiler/sema_private.h"
#include "runtime/program.h"

#define CANDIDATES_MAX 256u
#define SEARCHES_MAX (4 * ENS_MESSAGES_MAX) /* with more errors than that nobody reads on */
#define MONDAY_US INT64_C(1767600000000000) /* 2026-01-05T08:00:00Z */

struct tester {
	struct ens_sema *s;
	struct ens_build build;
	struct ens_coder coder;
	struct ens_decl counter;        /* the event at hand of a repeated line: its one field is `i` */
	struct ens_decl_sema counter_sema;
	struct ens_field_sema counter_field;
	uint32_t *rule_number;          /* by declaration */
	struct ens_tables *values;
	/* the test at hand */
	const struct ens_decl *decl;
	struct ens_test *test;
	struct ens_map seen;            /* the fields of the line at hand, by name */
};

/* What a value is for: the words of messages about it. */
struct wanted {
	enum ens_type type;
	bool optional, repeated;
	const char *field, *of; /* NULL: a time or a count */
};

/* ---- values ----------------------------------------------------------------------------------------------------- */

static bool is_parameter(const struct ens_sema *s, const char *name)
{
	return ens_map_find_name(&s->param_map, name) != ENS_MAP_NONE;
}

/* Names are `i` and parameters; what looks at events or matches is none.  Says so otherwise.  `text`: one is wanted. */
static bool is_constant(struct tester *w, const struct ens_expr *e, bool repeated, bool text)
{
	struct ens_diag *diag = w->s->diag;
	const bool counter = e->kind == ENS_X_NAME && strcmp(e->name, "i") == 0;
	struct ens_message *m;

	if (e->kind == ENS_X_NAME && !(counter && repeated) && !is_parameter(w->s, e->name)) {
		m = ens_diag_add(diag, ENS_E_TEST_CONSTANT, e->at, "`%s` has no value here: a test is made of constants",
				 e->name);
		if (counter)
			ens_diag_remedy(diag, m, "`i` counts the events of a line such as `5 times every 1s TYPE { ... }`");
		else if (text)
			ens_diag_remedy(diag, m, "a text stands in quotes: \"%s\"", e->name);
		else
			ens_diag_remedy(diag, m, repeated ? "write the value itself; `i` is the number of the event, from 1" : "write the value itself");
		return false;
	}
	if (e->kind == ENS_X_MEMBER || e->kind == ENS_X_STAR || e->kind == ENS_X_INDEX) {
		ens_diag_add(diag, ENS_E_TEST_CONSTANT, e->at, "there is no event to look at here: a test is made of constants");
		return false;
	}
	for (uint32_t i = 0; i < e->narg; i++)
		if (!is_constant(w, e->arg[i], repeated, false))
			return false;
	return true;
}

static void say_type(struct tester *w, const struct ens_expr *e, const struct wanted *want)
{
	struct ens_diag *diag = w->s->diag;
	const char *type = ens_type_name(want->type);
	struct ens_message *m;

	if (want->field && e->type == ENS_NOTYPE)
		m = ens_diag_add(diag, ENS_E_NULL, e->at, "`%s` of `%s` is never null", want->field, want->of);
	else if (want->field)
		m = ens_diag_add(diag, ENS_E_TYPES, e->at, "`%s` of `%s` is of type %s, this is of type %s", want->field,
				 want->of, type, ens_type_name(e->type));
	else
		m = ens_diag_add(diag, ENS_E_TYPES, e->at, "here stands a %s, this is of type %s",
				 want->type == ENS_INT ? "count" : type, ens_type_name(e->type));
	if (want->type == ENS_DURATION)
		ens_diag_remedy(diag, m, "write it with its unit, such as 5s or 10m");
	else if (e->type == ENS_NOTYPE)
		ens_diag_remedy(diag, m, "leave it out; a field that may be missing is declared as `%s?`", type);
	else if (want->type == ENS_STRING)
		ens_diag_remedy(diag, m, "a string is written in quotes");
	else if (e->type == ENS_STRING && want->field)
		ens_diag_remedy(diag, m, "write it without quotes");
	else if (want->type == ENS_TIME)
		ens_diag_remedy(diag, m, "write it like \"2026-01-05T08:00:00Z\"");
	else if (want->type == ENS_IP)
		ens_diag_remedy(diag, m, "write it like \"192.0.2.7\"");
	else if (want->type == ENS_BOOL)
		ens_diag_remedy(diag, m, "write true or false");
	else if (want->type == ENS_INT && e->type == ENS_FLOAT)
		ens_diag_remedy(diag, m, "write it without a point, as in 5");
}

/* Of a repeated line: what stands in braces was wrong, so that they are still there. */
static bool has_brace(const struct ens_expr *e)
{
	return e->kind == ENS_X_LITERAL && e->lit_type == ENS_STRING && e->literal.len && memchr(e->literal.s, '{', e->literal.len);
}

/* A value as a program; false if something was wrong, which was said. */
static bool value(struct tester *w, struct ens_expr *e, const struct wanted *want, uint32_t *program, bool *spelled)
{
	struct ens_view v = {.s = w->s, .hand = want->repeated ? &w->counter : NULL};
	uint32_t before = w->s->diag->nerror;

	if (want->type == ENS_BADTYPE || (want->repeated && has_brace(e)))
		return false; /* what made it so was told */
	if (!is_constant(w, e, want->repeated, ens_type_is_bytes(want->type)) || ens_sema_expr(&v, e) == ENS_BADTYPE)
		return false;
	/* "10.0.0.{i}" is an address only when the test runs */
	*spelled = want->repeated && e->type == ENS_STRING && e->kind == ENS_X_CALL &&
		   (want->type == ENS_IP || want->type == ENS_TIME);

	const enum ens_type type = *spelled ? ENS_STRING : want->type;
	bool fits = e->type == ENS_NOTYPE ? want->optional : ens_sema_coerce(&v, e, type);

	if (e->type == ENS_BADTYPE)
		return false;
	if (!fits && !(e->type == ENS_INT && type == ENS_FLOAT)) {
		say_type(w, e, want);
		return false;
	}
	*program = ens_code_value(&w->coder, v.hand, e, type);
	return w->s->diag->nerror == before;
}

/* A time or a count: left out, ENS_NONE. */
static bool amount(struct tester *w, struct ens_expr *e, enum ens_type type, uint32_t *program)
{
	const struct wanted want = {.type = type};
	bool spelled;

	*program = ENS_NONE;
	return !e || value(w, e, &want, program, &spelled);
}

/* ---- fields ----------------------------------------------------------------------------------------------------- */

/* The next item of a line; NULL if it can't be one. */
static struct ens_test_item *begin_item(struct tester *w, struct ens_test_step *step, const struct ens_item *item)
{
	struct ens_diag *diag = w->s->diag;
	struct ens_message *m;
	uint32_t *place;

	if (!item->name.name && item->value->kind != ENS_X_NAME && item->value->kind != ENS_X_STAR)
		return NULL; /* the parser said so */
	if (!item->name.name) {
		m = ens_diag_add(diag, ENS_E_TEST_FIELD, item->at, "this says no value");
		ens_diag_remedy(diag, m, "write `NAME: VALUE`");
		return NULL;
	}
	place = ens_map_at_name(&w->seen, item->name.name);
	if (!place)
		return NULL;
	if (*place != ENS_MAP_NONE) {
		m = ens_diag_add(diag, ENS_E_TEST_FIELD, item->name.at, "`%s` is given twice", item->name.name);
		ens_diag_second(diag, m, step->item[*place].at, "the first one is here");
		ens_diag_remedy(diag, m, "leave one of them out");
		return NULL;
	}
	*place = step->nitem;
	step->item[step->nitem] = (struct ens_test_item){.name = item->name.name, .at = item->name.at};
	return &step->item[step->nitem++];
}

static bool event_item(struct tester *w, struct ens_test_step *step, const struct ens_item *item)
{
	const struct ens_decl *type = step->type;
	struct ens_test_item *out = begin_item(w, step, item);
	struct ens_diag *diag = w->s->diag;
	struct ens_field_ref f;
	struct ens_message *m;

	if (!out)
		return false;
	f = ens_type_field(type, out->name);
	if (f.kind != ENS_FIELD_DECLARED || f.index >= type->sema->nfield) {
		const char *candidate[CANDIDATES_MAX];
		size_t n = 0;

		if (type->broken)
			return false;
		if (strcmp(out->name, "time") == 0 || strcmp(out->name, "id") == 0 || strcmp(out->name, "stream") == 0) {
			m = ens_diag_add(diag, ENS_E_TEST_FIELD, out->at, "`%s` is no declared field of `%s`: it is filled in", out->name, type->name.name);
			ens_diag_remedy(diag, m, "leave it out; when the event comes is said by `at 9s %s { ... }`", type->name.name);
			return false;
		}
		m = ens_diag_add(diag, ENS_E_UNKNOWN_FIELD, out->at, "`%s` has no field `%s`", type->name.name, out->name);
		ens_diag_second(diag, m, type->name.at, "`%s` is declared here", type->name.name);
		for (uint32_t i = 0; i < type->sema->nfield && n < CANDIDATES_MAX; i++)
			candidate[n++] = type->sema->field[i].name;
		ens_sema_offer(w->s, m, out->name, "its fields", candidate, n);
		return false;
	}
	if (f.index == type->sema->time_field) {
		m = ens_diag_add(diag, ENS_E_TEST_FIELD, out->at, "`%s` is the time of the event, which is filled in", out->name);
		ens_diag_remedy(diag, m, "say when the event comes: `at 9s %s { ... }`", type->name.name);
		return false;
	}

	if (type->sema->field[f.index].computed) {
		m = ens_diag_add(diag, ENS_E_TEST_FIELD, out->at, "`%s` is computed from the other fields", out->name);
		ens_diag_remedy(diag, m, "give those fields instead");
		return false;
	}

	const struct wanted want = {.type = f.type, .optional = f.optional, .repeated = step->line->times != NULL,
				    .field = out->name, .of = type->name.name};

	out->field = f.index;
	out->type = f.type;
	out->optional = f.optional;
	return value(w, item->value, &want, &out->program, &out->spelled);
}

/* ---- emissions -------------------------------------------------------------------------------------------------- */

/* The emits of the rules of the test, one a call, then NULL; both numbers begin at 0. */
static const struct ens_emit_sema *next_emit(const struct tester *w, uint32_t *rule, uint32_t *emit)
{
	for (; *rule < w->test->nrule; (*rule)++, *emit = 0) {
		const struct ens_rule_sema *r = w->s->rule[w->test->rule[*rule]]->sema->rule;

		for (; r && *emit < r->nemit; (*emit)++)
			if (r->emit[*emit].kind != ENS_T_DERIVE)
				return &r->emit[(*emit)++];
	}
	return NULL;
}

static bool rules_ok(const struct tester *w)
{
	for (uint32_t i = 0; i < w->test->nrule; i++) {
		const struct ens_decl *d = w->s->rule[w->test->rule[i]];

		if (d->broken || !d->sema->rule || !d->sema->rule->ok)
			return false;
	}
	return true;
}

static const struct ens_decl *other_emitter(const struct tester *w, const char *type)
{
	for (uint32_t i = 0; i < w->s->nrule && w->s->diag->nerror < SEARCHES_MAX; i++) {
		const struct ens_rule_sema *r = w->s->rule[i]->sema->rule;

		for (uint32_t k = 0; r && k < r->nemit; k++)
			if (r->emit[k].kind != ENS_T_DERIVE && strcmp(r->emit[k].type, type) == 0)
				return w->s->rule[i];
	}
	return NULL;
}

static bool is_derived(const struct ens_sema *s, const char *type)
{
	uint32_t i = ens_map_find_name(&s->type_map, type);

	return i != ENS_MAP_NONE && s->decl[i]->sema->derived;
}

/* Do the rules of the test emit the type?  Says so if not. */
static bool find_emitted(struct tester *w, struct ens_ident type)
{
	const char *candidate[CANDIDATES_MAX];
	const struct ens_emit_sema *e;
	const struct ens_decl *other;
	uint32_t rule = 0, emit = 0;
	struct ens_message *m;
	size_t n = 0;

	while ((e = next_emit(w, &rule, &emit))) {
		if (strcmp(e->type, type.name) == 0)
			return true;
		if (n < CANDIDATES_MAX && (!n || strcmp(candidate[n - 1], e->type) != 0))
			candidate[n++] = e->type;
	}
	if (!rules_ok(w))
		return false;
	m = ens_diag_add(w->s->diag, ENS_E_TEST_EXPECT, type.at, "no rule of this test emits `%s`", type.name);
	other = other_emitter(w, type.name);
	if (other) {
		ens_diag_second(w->s->diag, m, other->name.at, "this rule does");
		ens_diag_remedy(w->s->diag, m, "only the rules behind `for` count: add `%s` there", other->name.name);
	} else if (is_derived(w->s, type.name)) {
		ens_diag_remedy(w->s->diag, m,
				"it is derived, for rules alone: expect what the rules that take it in emit, or add `emit %s { ... }`",
				type.name);
	} else {
		ens_sema_offer(w->s, m, type.name, "these rules emit", candidate, n);
	}
	return false;
}

static const struct ens_out_sema *find_out(struct tester *w, const struct ens_test_step *step, const char *name,
					   struct ens_span at)
{
	const char *candidate[CANDIDATES_MAX], *type = step->line->type.name;
	const struct ens_emit_sema *e;
	uint32_t rule = 0, emit = 0;
	struct ens_message *m;
	size_t n = 0;

	while ((e = next_emit(w, &rule, &emit))) {
		for (uint32_t i = 0; strcmp(e->type, type) == 0 && i < e->nout; i++) {
			if (strcmp(e->out[i].name, name) == 0)
				return &e->out[i];
			if (n < CANDIDATES_MAX)
				candidate[n++] = e->out[i].name;
		}
	}
	if (!rules_ok(w))
		return NULL;
	m = ens_diag_add(w->s->diag, ENS_E_UNKNOWN_FIELD, at, "`%s` is emitted without a field `%s`", type, name);
	if (strcmp(name, "_suppressed") == 0)
		ens_diag_remedy(w->s->diag, m, "only `limit` holds emissions back, and no rule of this test has it");
	else if (name[0] == '_')
		ens_diag_remedy(w->s->diag, m, "members that begin with `_` are added by Ensue: a test names those that rules emit");
	else
		ens_sema_offer(w->s, m, name, "its fields", candidate, n);
	return NULL;
}

/* Whether a rule of the test has a `limit`, so that there may be `_suppressed`. */
static bool may_suppress(const struct tester *w)
{
	for (uint32_t i = 0; i < w->test->nrule; i++)
		if (w->s->rule[w->test->rule[i]]->sema->rule && w->s->rule[w->test->rule[i]]->sema->rule->limit)
			return true;
	return false;
}

static bool expect_value(struct tester *w, struct ens_test_item *out, const struct ens_item *item, const struct wanted *want)
{
	out->type = want->type;
	out->optional = true;
	return value(w, item->value, want, &out->program, &out->spelled);
}

static bool expect_item(struct tester *w, struct ens_test_step *step, const struct ens_item *item)
{
	struct ens_test_item *out = begin_item(w, step, item);
	struct wanted want = {.optional = true, .of = step->line->type.name};
	const struct ens_out_sema *field;

	if (!out)
		return false;
	want.field = out->name;
	if (strcmp(out->name, "_suppressed") == 0 && may_suppress(w)) {
		want.type = ENS_INT;
		return expect_value(w, out, item, &want);
	}
	field = find_out(w, step, out->name, out->at);
	if (!field || field->expr->type == ENS_BADTYPE)
		return false;
	if (field->expr->type == ENS_LIST) {
		struct ens_message *m = ens_diag_add(w->s->diag, ENS_E_TEST_FIELD, out->at,
						     "`%s` is a %s, and a test can't say one", out->name,
						     ens_sema_type_name(field->expr));

		ens_diag_remedy(w->s->diag, m, "leave it out, or emit what it is about as one value too, such as `count_distinct(...)`");
		return false;
	}
	want.type = field->expr->type;
	return expect_value(w, out, item, &want);
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

static struct ens_decl *event_type(struct tester *w, struct ens_ident id)
{
	struct ens_diag *diag = w->s->diag;
	uint32_t i = id.name ? ens_map_find_name(&w->s->type_map, id.name) : ENS_MAP_NONE;
	const bool used = i != ENS_MAP_NONE && w->s->decl[i]->sema->used;
	struct ens_decl *d = ens_sema_find_any_type(w->s, id);

	if (!d)
		return NULL;
	d->sema->used = used; /* a test alone needs no type */
	struct ens_message *m;

	if (d->sema->derived) {
		m = ens_diag_add(diag, ENS_E_UNKNOWN_TYPE, id.at, "`%s` is derived by rules, which run in this test, too",
				 id.name);
		ens_diag_second(diag, m, d->name.at, "derived here");
		ens_diag_remedy(diag, m, "give the events that they take in");
		return NULL;
	}
	if (d->kind != ENS_D_FILTER)
		return d;
	m = ens_diag_add(diag, ENS_E_UNKNOWN_TYPE, id.at, "`%s` is a filter, and an event has a type", id.name);

	ens_diag_second(diag, m, d->name.at, "declared here");
	if (d->sema->type)
		ens_diag_remedy(diag, m, "give an event of type `%s` that it lets through", d->sema->type->name.name);
	return NULL;
}

static void say_no_time(struct tester *w, const struct ens_test_step *step)
{
	const struct ens_decl *type = step->type;
	struct ens_message *m = ens_diag_add(w->s->diag, ENS_E_TEST_TIME, step->line->arriving->at,
					     "the time of `%s` is that of its entry: it can't arrive at another", type->name.name);

	ens_diag_second(w->s->diag, m, type->name.at, "`%s` names no field as its time", type->name.name);
	ens_diag_remedy(w->s->diag, m, "leave `arriving` out, or declare a field of type time and `time FIELD`");
}

static bool event_line(struct tester *w, struct ens_test_step *step)
{
	const struct ens_test_line *l = step->line;
	bool ok = amount(w, l->at_time, ENS_DURATION, &step->at_program);

	ok &= amount(w, l->every, ENS_DURATION, &step->every_program);
	ok &= amount(w, l->times, ENS_INT, &step->times_program);
	ok &= amount(w, l->arriving, ENS_DURATION, &step->arriving_program);
	step->type = event_type(w, l->type);
	if (!step->type)
		return false;
	if (l->arriving && step->type->sema->time_field == ENS_NONE && !step->type->broken) {
		say_no_time(w, step);
		ok = false;
	}
	for (const struct ens_item *i = l->items; i; i = i->next)
		ok &= event_item(w, step, i);
	return ok;
}

static bool expect_line(struct tester *w, struct ens_test_step *step)
{
	const struct ens_test_line *l = step->line;
	bool ok = amount(w, l->times, ENS_INT, &step->times_program);

	if (!l->type.name || !find_emitted(w, l->type))
		return false;
	for (const struct ens_item *i = l->items; i; i = i->next)
		ok &= expect_item(w, step, i);
	return ok;
}

static bool start_line(struct tester *w, const struct ens_test_line *l, bool first)
{
	struct ens_view v = {.s = w->s};

	if (!first) {
		ens_diag_add(w->s->diag, ENS_E_TEST_TIME, l->at, "`start` is the first line of a test");
		return false;
	}
	if (ens_sema_expr(&v, l->at_time) == ENS_BADTYPE || !ens_sema_coerce(&v, l->at_time, ENS_TIME))
		return false;
	w->test->start_us = l->at_time->sema->value.i;
	return true;
}

static bool line(struct tester *w, const struct ens_test_line *l)
{
	struct ens_test_step *step = &w->test->step[w->test->nstep];
	uint32_t n = 0;

	if (l->kind == ENS_L_START)
		return start_line(w, l, l == w->decl->lines);
	for (const struct ens_item *i = l->items; i; i = i->next)
		n++;
	*step = (struct ens_test_step){.line = l, .times = 1, .at_program = ENS_NONE, .arriving_program = ENS_NONE,
				       .every_program = ENS_NONE, .times_program = ENS_NONE};
	step->item = ens_arena_alloc(w->s->arena, (n + 1) * sizeof *step->item);
	ens_map_init(&w->seen, w->s->arena);
	if (!step->item)
		return false;
	w->test->nstep++;
	switch (l->kind) {
	case ENS_L_EVENT:
		return event_line(w, step);
	case ENS_L_WAIT:
		return amount(w, l->at_time, ENS_DURATION, &step->at_program);
	case ENS_L_EXPECT:
		return expect_line(w, step);
	default:
		return true;
	}
}

/* ---- tests ------------------------------------------------------------------------------------------------------ */

static void unknown_rule(struct tester *w, struct ens_ident id)
{
	const char *candidate[CANDIDATES_MAX];
	struct ens_message *m;
	size_t n = 0;

	if (w->s->imports)
		return;
	m = ens_diag_add(w->s->diag, ENS_E_TEST_RULE, id.at, "there is no rule `%s`", id.name);
	for (uint32_t i = 0; i < w->s->nrule && n < CANDIDATES_MAX; i++)
		candidate[n++] = w->s->rule[i]->name.name;
	ens_sema_offer(w->s, m, id.name, "rules", candidate, n);
}

static bool named_rules(struct tester *w)
{
	uint32_t n = 0, *rule;
	struct ens_map named;
	bool ok = true;

	for (const struct ens_ident_list *l = w->decl->params; l; l = l->next)
		n++;
	rule = ens_arena_alloc(w->s->arena, (n + 1) * sizeof *rule);
	w->test->rule = rule;
	w->test->rule_decl = ens_arena_alloc(w->s->arena, (n + 1) * sizeof(struct ens_decl *));
	if (!rule || !w->test->rule_decl)
		return false;
	ens_map_init(&named, w->s->arena);
	for (const struct ens_ident_list *l = w->decl->params; l; l = l->next) {
		uint32_t i = ens_map_find_name(&w->s->rule_map, l->id.name);

		if (i == ENS_MAP_NONE) {
			unknown_rule(w, l->id);
			ok = false;
			continue;
		}

		uint32_t *place = ens_map_at_name(&named, l->id.name);

		if (place && *place == ENS_MAP_NONE) {
			w->test->rule_decl[w->test->nrule] = w->s->decl[i];
			rule[w->test->nrule++] = w->rule_number[i];
		} else {
			ens_diag_remedy(w->s->diag,
					ens_diag_add(w->s->diag, ENS_E_TEST_RULE, l->id.at, "the rule `%s` is named twice", l->id.name),
					"once is enough");
		}
		if (place)
			*place = i;
	}
	return ok;
}

static void read_test(struct tester *w, struct ens_decl *d)
{
	uint32_t n = 0;
	bool ok;

	w->decl = d;
	w->test = ens_arena_zalloc(w->s->arena, sizeof *w->test);
	for (const struct ens_test_line *l = d->lines; l; l = l->next)
		n++;
	if (!w->test)
		return;
	w->test->decl = d;
	w->test->start_us = MONDAY_US;
	w->test->values = w->values;
	w->test->step = ens_arena_alloc(w->s->arena, (n + 1) * sizeof *w->test->step);
	if (!w->test->step)
		return;
	ok = named_rules(w);
	if (!ok)
		return; /* what may be expected is not known */
	for (const struct ens_test_line *l = d->lines; l && !w->s->arena->failed; l = l->next)
		ok &= line(w, l);
	if (ok)
		d->sema->test = w->test;
}

/* ---- times ------------------------------------------------------------------------------------------------------ */

/* The value of a time or a count that is not ENS_NONE; says so if it is none or outside its range. */
static bool work_out(struct ens_context *c, struct tester *w, uint32_t program, const struct ens_expr *e, int64_t min,
		     int64_t max, int64_t *out)
{
	struct ens_value v;

	if (program == ENS_NONE)
		return true;
	v = ens_program_run(c, program);
	if (v.null != ENS_SET || v.i < min || v.i > max) {
		if (min == 1)
			ens_diag_remedy(w->s->diag,
					ens_diag_add(w->s->diag, ENS_E_TEST_TIME, e->at, "a count is from 1 to %lld", (long long)max),
					"leave the line out; that nothing is emitted is `expect none`");
		else
			ens_diag_add(w->s->diag, ENS_E_TEST_TIME, e->at, "this is no time that can pass");
		return false;
	}
	*out = v.i;
	return true;
}

static bool too_far(struct tester *w, const struct ens_test_step *step)
{
	ens_diag_add(w->s->diag, ENS_E_TEST_TIME, step->line->at, "this is later than any time there is");
	return false;
}

static bool goes_back(struct tester *w, const struct ens_test_step *step, int64_t at_us, int64_t now_us)
{
	const struct ens_expr *e = step->line->arriving ? step->line->arriving : step->line->at_time;
	struct ens_buf at = ENS_BUF_EMPTY, now = ENS_BUF_EMPTY;
	struct ens_message *m;

	ens_format_duration(&at, at_us);
	ens_format_duration(&now, now_us);
	m = ens_diag_add(w->s->diag, ENS_E_TEST_TIME, e->at, "time goes back here: it is %s already, this is at %s",
			 ens_buf_cstr(&now), ens_buf_cstr(&at));
	if (step->type->sema->time_field != ENS_NONE && !step->line->arriving)
		ens_diag_remedy(w->s->diag, m,
				"`at` counts from the start of the test: put the lines in order, or say when it comes: `at %s "
				"arriving %s`",
				ens_buf_cstr(&at), ens_buf_cstr(&now));
	else
		ens_diag_remedy(w->s->diag, m, "%s counts from the start of the test: put the lines in order",
				step->line->arriving ? "`arriving`" : "`at`");
	ens_buf_free(&at);
	ens_buf_free(&now);
	return false;
}

static bool comes_early(struct tester *w, const struct ens_test_step *step)
{
	struct ens_message *m = ens_diag_add(w->s->diag, ENS_E_TEST_TIME, step->line->arriving->at,
					     "this event would come before it happens");

	ens_diag_second(w->s->diag, m, step->line->at_time->at, "it happens then");
	ens_diag_remedy(w->s->diag, m, "both count from the start of the test: `arriving` is the later one");
	return false;
}

static bool time_of_event(struct ens_context *c, struct tester *w, struct ens_test_step *step, int64_t start_us, int64_t *now_us)
{
	const struct ens_test_line *l = step->line;
	int64_t at_us = *now_us - start_us, times = 1, whole, arrives_us;

	if (!work_out(c, w, step->at_program, l->at_time, 0, INT64_MAX, &at_us))
		return false;
	arrives_us = at_us;
	if (!work_out(c, w, step->arriving_program, l->arriving, 0, INT64_MAX, &arrives_us) ||
	    !work_out(c, w, step->every_program, l->every, 0, INT64_MAX, &step->every_us) ||
	    !work_out(c, w, step->times_program, l->times, 1, ENS_TEST_TIMES_MAX, &times))
		return false;
	step->times = (uint32_t)times;
	if (arrives_us < at_us)
		return comes_early(w, step);
	if (arrives_us < *now_us - start_us)
		return goes_back(w, step, arrives_us, *now_us - start_us);
	if (__builtin_add_overflow(start_us, at_us, &step->time_us) ||
	    __builtin_add_overflow(start_us, arrives_us, &step->arrives_us) ||
	    __builtin_mul_overflow(times - 1, step->every_us, &whole) ||
	    __builtin_add_overflow(step->arrives_us, whole, now_us) || *now_us == INT64_MAX)
		return too_far(w, step);
	return true;
}

static bool time_of_step(struct ens_context *c, struct tester *w, struct ens_test_step *step, int64_t start_us, int64_t *now_us)
{
	int64_t n = 1;

	switch (step->line->kind) {
	case ENS_L_EVENT:
		return time_of_event(c, w, step, start_us, now_us);
	case ENS_L_WAIT:
		n = 0;
		if (!work_out(c, w, step->at_program, step->line->at_time, 0, INT64_MAX, &n))
			return false;
		if (__builtin_add_overflow(*now_us, n, now_us) || *now_us == INT64_MAX)
			return too_far(w, step);
		break;
	default:
		if (!work_out(c, w, step->times_program, step->line->times, 1, ENS_TEST_TIMES_MAX, &n))
			return false;
		step->times = (uint32_t)n;
	}
	step->time_us = *now_us;
	return true;
}

/* The times of each test whose lines are right; one that is wrong ends its test. */
static void work_out_times(struct tester *w, struct ens_context *c)
{
	for (uint32_t i = 0; i < w->s->ndecl; i++) {
		struct ens_test *t = w->s->decl[i]->sema->test;
		int64_t now_us = t ? t->start_us : 0;

		for (uint32_t k = 0; t && k < t->nstep; k++)
			if (!time_of_step(c, w, &t->step[k], t->start_us, &now_us)) {
				w->s->decl[i]->sema->test = NULL;
				break;
			}
	}
}

/* ---- the image -------------------------------------------------------------------------------------------------- */

/* The type of the event at hand of every program here: its one field is `i`. */
static void make_counter(struct tester *w)
{
	const struct ens_t_str name = ens_build_name(&w->build, "i");
	const struct ens_t_field field = {.name = name, .sources = {0, 1}, .type = ENS_INT, .program = ENS_NONE};
	const struct ens_t_type type = {.name = ens_build_name(&w->build, "line"), .fields = {0, 1}, .time_field = ENS_NONE,
					.where = ENS_NONE, .sent_field = ENS_NONE, .shard_field = ENS_NONE,
					.unique_field = ENS_NONE};
	uint32_t *place;

	ens_build_add(&w->build, &w->build.source, &name, sizeof name);
	ens_build_add(&w->build, &w->build.field, &field, sizeof field);
	ens_build_add(&w->build, &w->build.type, &type, sizeof type);
	w->counter_field = (struct ens_field_sema){.name = "i", .type = ENS_INT};
	w->counter_sema = (struct ens_decl_sema){.field = &w->counter_field, .nfield = 1, .time_field = ENS_NONE};
	ens_map_init(&w->counter_sema.field_map, w->s->arena);
	place = ens_map_at_name(&w->counter_sema.field_map, "i");
	if (place)
		*place = 0;
	w->counter = (struct ens_decl){.kind = ENS_D_EVENT, .name = {.name = "line"}, .sema = &w->counter_sema};
}

/* Closes the image; it lives in the arena. */
static enum ens_status open_image(struct tester *w)
{
	struct ens_buf bytes = ENS_BUF_EMPTY;
	enum ens_status st = ens_build_finish(&w->build, &bytes);
	void *copy = st == ENS_OK ? ens_arena_alloc(w->s->arena, bytes.len) : NULL;

	if (copy) {
		memcpy(copy, bytes.data, bytes.len);
		st = ens_tables_open(copy, bytes.len, w->values, NULL);
	}
	ens_buf_free(&bytes);
	return copy ? st : ENS_ENOMEM;
}

static enum ens_status finish(struct tester *w)
{
	struct ens_value i = {.i = 1};
	const struct ens_event hand = {.value = &i};
	struct ens_context c;
	enum ens_status st = open_image(w);

	if (st == ENS_OK)
		st = ens_context_init(&c, w->values, NULL);
	if (st != ENS_OK)
		return st;
	c.event = &hand;
	work_out_times(w, &c);
	ens_context_free(&c);
	return ENS_OK;
}

enum ens_status ens_sema_tests(struct ens_sema *s)
{
	struct tester w = {.s = s};
	enum ens_status st = ENS_ENOMEM;
	uint32_t ntest = 0, nrule = 0;

	for (uint32_t i = 0; i < s->ndecl; i++)
		ntest += s->decl[i]->kind == ENS_D_TEST && !s->decl[i]->broken;
	if (!ntest)
		return ENS_OK;
	w.values = ens_arena_zalloc(s->arena, sizeof *w.values);
	w.rule_number = ens_arena_alloc(s->arena, s->ndecl * sizeof *w.rule_number);
	ens_build_init(&w.build, s->arena);
	w.coder = (struct ens_coder){.build = &w.build, .diag = s->diag, .rule_index = ENS_NONE};
	make_counter(&w);
	for (uint32_t i = 0; w.rule_number && i < s->ndecl; i++)
		w.rule_number[i] = s->decl[i]->kind == ENS_D_RULE ? nrule++ : 0;
	for (uint32_t i = 0; i < s->ndecl && !s->arena->failed; i++)
		if (s->decl[i]->kind == ENS_D_TEST && !s->decl[i]->broken)
			read_test(&w, s->decl[i]);
	if (!s->arena->failed)
		st = finish(&w);
	ens_build_free(&w.build);
	return st;
}
