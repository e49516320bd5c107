/*
 * What a rule takes in, and the key that keeps its events apart: each type's field for each part, of one type.
 * Tested by tests/lang/sema_keys.test.
 */
#include "compiler/sema.h"

#include <string.h>

#include "base/limits.h"
#include "compiler/sema_private.h"

struct ens_input_sema *ens_rule_input(const struct ens_rule_sema *r, const struct ens_decl *type)
{
	uint32_t i = ens_map_find(&r->input_map, &type->sema->index, sizeof type->sema->index);

	return i == ENS_MAP_NONE ? NULL : &r->input[i];
}

static bool within_list(struct ens_sema *s, uint32_t n, struct ens_span at, const char *what)
{
	if (n >= ENS_LIST_MAX)
		ens_diag_add(s->diag, ENS_E_TOO_MANY, at, "there are at most %d %s", ENS_LIST_MAX, what);
	return n < ENS_LIST_MAX;
}

/* ---- inputs ----------------------------------------------------------------------------------------------------- */

static struct ens_input_sema *input_of(struct ens_sema *s, struct ens_rule_sema *r, struct ens_decl *type,
				       struct ens_span at)
{
	uint32_t *place = ens_map_at(&r->input_map, &type->sema->index, sizeof type->sema->index);

	if (!place)
		return NULL;
	if (*place != ENS_MAP_NONE)
		return &r->input[*place];
	if (!ens_arena_grow(s->arena, &r->input, r->ninput, &r->cap_input, sizeof *r->input))
		return NULL;
	*place = r->ninput++;
	r->input[*place] = (struct ens_input_sema){.type = type, .at = at};
	return &r->input[*place];
}

/* Takes in what the reference means: all of its type, or what a named filter or the brackets (of `from`) let through. */
static void take_in(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_ref *ref, bool brackets)
{
	struct ens_input_sema *in = input_of(s, r, ref->sema->type, ref->type.at);

	if (!in)
		return;
	r->ok &= !ref->sema->type->sema->unknown; /* what it has would be guesswork */
	if (ref->sema->decl->kind == ENS_D_EVENT && (!brackets || !ref->cond)) {
		in->all = true;
		return;
	}
	for (uint32_t i = 0; i < in->nfilter; i++)
		if (in->filter[i]->sema->decl == ref->sema->decl && !(brackets && (in->filter[i]->cond || ref->cond)))
			return;
	if (!ens_arena_grow(s->arena, &in->filter, in->nfilter, &in->cap, sizeof(struct ens_ref *)))
		return;
	in->filter[in->nfilter++] = ref;
}

void ens_sema_take_in(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_ref *ref)
{
	take_in(s, r, ref, true);
}

/* A `window` beside the `match`, which is told of by itself. */
static bool has_window(const struct ens_rule_sema *r)
{
	for (const struct ens_clause *c = r->decl->clauses; c; c = c->next)
		if (c->kind == ENS_C_WINDOW)
			return true;
	return false;
}

static void from_clause(struct ens_sema *s, struct ens_rule_sema *r)
{
	uint32_t n = 0;

	for (struct ens_input *i = r->from->inputs; i; i = i->next) {
		if (i->ref && !within_list(s, n++, i->ref->at, "inputs of a rule")) {
			r->ok = false;
			return;
		}
		if (i->name.name && !has_window(r)) {
			struct ens_message *m = ens_diag_add(s->diag, ENS_E_INPUT, i->name.at,
							     "inputs have names in rules with `window`; in a pattern its steps have them");

			ens_diag_remedy(s->diag, m, "leave the name out here, and name the step in `match`");
		}
		if (!i->ref)
			continue;
		if (!ens_sema_resolve_ref(s, i->ref)) {
			r->ok = false;
			continue;
		}
		if (i->ref->cond) {
			struct ens_view v = {.s = s, .hand = i->ref->sema->type};

			ens_sema_condition(&v, i->ref->cond);
		}
		take_in(s, r, i->ref, true);
	}
}

static bool is_filter_of(const struct ens_decl *d, const struct ens_decl *what)
{
	while (d && d != what && d->kind == ENS_D_FILTER)
		d = d->sema->base;
	return d == what;
}

/* Each type of the pattern is among the inputs, or a named filter of one. */
static void check_taken(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_ref *ref)
{
	for (const struct ens_input *i = r->from->inputs; i; i = i->next)
		if (i->ref && i->ref->sema && i->ref->sema->type && is_filter_of(ref->sema->decl, i->ref->sema->decl))
			return;

	struct ens_message *m = ens_diag_add(s->diag, ENS_E_INPUT, ref->type.at,
					     "the rule does not take in `%s`: it is not in its `from`", ref->type.name);

	ens_diag_second(s->diag, m, r->from->word_at, "`from` is here");
	ens_diag_remedy(s->diag, m,
			r->over ? "add `%s` to `from`"
				: "add `%s` to `from`, or leave `from` out: then the rule takes in what its pattern names",
			ref->type.name);
}

static void each_ref(struct ens_sema *s, struct ens_rule_sema *r, struct ens_pat *p,
		     void (*f)(struct ens_sema *, struct ens_rule_sema *, const struct ens_ref *))
{
	for (const struct ens_ref *ref = p->ref; ref; ref = ref->next)
		f(s, r, ref);
	for (const struct ens_ref *ref = p->until; ref; ref = ref->next)
		f(s, r, ref);
	for (uint32_t i = 0; i < p->nitem; i++)
		each_ref(s, r, p->item[i], f);
}

static void take_in_named(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_ref *ref)
{
	take_in(s, r, ref, false);
}

void ens_sema_resets(struct ens_sema *s, struct ens_rule_sema *r)
{
	for (struct ens_ref *ref = r->reset ? r->reset->ref : NULL; ref; ref = ref->next) {
		if (!ens_sema_resolve_ref(s, ref))
			r->ok = false;
		else
			(r->from ? check_taken : take_in_named)(s, r, ref);
	}
}

void ens_sema_inputs(struct ens_sema *s, struct ens_rule_sema *r)
{
	ens_map_init(&r->input_map, s->arena);
	if (r->from)
		from_clause(s, r);
	if (r->ok)
		each_ref(s, r, r->pattern, r->from ? check_taken : take_in_named);
	ens_sema_resets(s, r);
}

/* ---- key -------------------------------------------------------------------------------------------------------- */

/* A type of the rule that does have the field, for an example. */
static const char *type_with(const struct ens_rule_sema *r, const char *field)
{
	for (uint32_t i = 0; i < r->ninput; i++)
		if (ens_type_field(r->input[i].type, field).kind == ENS_FIELD_DECLARED)
			return r->input[i].type->name.name;
	return NULL;
}

/* What to write of a key whose fields have different names. */
static void say_source(struct ens_sema *s, struct ens_message *m, const struct ens_key *k, const char *type, const char *near)
{
	const struct ens_key_source *o = k->source;

	for (; o; o = o->next)
		if (o->type.name && strcmp(o->type.name, type) == 0 && !near) {
			ens_diag_remedy(s->diag, m, "name a field that it has: `%s.FIELD`", type);
			return;
		}
	o = k->source;
	if (near)
		ens_diag_remedy(s->diag, m, "did you mean `%s`?", near);
	else if (o->type.name && o->field.name && !o->next)
		ens_diag_remedy(s->diag, m, "a key has a field of each type: `%s.%s = %s.FIELD`", o->type.name, o->field.name, type);
	else
		ens_diag_remedy(s->diag, m, "name the field of `%s` too: `... = %s.FIELD`", type, type);
}

static void no_key_field(struct ens_sema *s, const struct ens_rule_sema *r, const struct ens_key *k,
			 const struct ens_input_sema *in, struct ens_ident field)
{
	const char *candidate[256];
	size_t n = 0;
	const struct ens_decl_sema *d = in->type->sema;
	const char *type = in->type->name.name;
	struct ens_field_ref f = ens_type_field(in->type, field.name);

	if (in->type->broken)
		return; /* it may have been there: the syntax error was told */
	if (f.kind != ENS_FIELD_NONE && f.kind != ENS_FIELD_DECLARED) {
		ens_diag_add(s->diag, ENS_E_KEY_FIELD, field.at, "`%s` is not declared in `%s`, so it can't be a key",
			     field.name, type);
		return;
	}

	struct ens_message *m = ens_diag_add(
		s->diag, ENS_E_KEY_FIELD, field.at,
		"`%s` has no field `%s`, which the key needs of every type the rule takes in", type, field.name);

	ens_diag_second(s->diag, m, in->at, "`%s` is taken in here", type);
	for (uint32_t i = 0; i < d->nfield && n < 256; i++)
		candidate[n++] = d->field[i].name;

	const char *near = ens_sema_nearest(s, field.name, candidate, n);

	if (k->source)
		say_source(s, m, k, type, near);
	else if (type_with(r, field.name))
		ens_diag_remedy(s->diag, m, "say which field it is there: `key %s: %s.%s = %s.%s`", field.name,
				type_with(r, field.name), field.name, type, near ? near : "FIELD");
	else
		ens_sema_offer(s, m, field.name, "its fields", candidate, n);
}

/* The field that part k means in events of the input: what its sources say, else the field of its name. */
static struct ens_ident key_field(struct ens_sema *s, const struct ens_key *k, const struct ens_input_sema *in)
{
	struct ens_ident field = k->name.name ? k->name : k->source->field;

	for (const struct ens_key_source *o = k->source; o; o = o->next) {
		uint32_t i = o->type.name ? ens_map_find_name(&s->type_map, o->type.name) : ENS_MAP_NONE;
		const struct ens_decl *d = i == ENS_MAP_NONE ? NULL : s->decl[i];

		if (d && (d->kind == ENS_D_FILTER ? d->sema->type : d) == in->type)
			return o->field;
	}
	return field;
}

/* A step of the pattern by its name. */
static const struct ens_pat *step_called(const struct ens_pat *p, const char *name)
{
	const struct ens_pat *found = NULL;

	if (p && p->name.name && strcmp(p->name.name, name) == 0)
		return p;
	for (uint32_t i = 0; p && i < p->nitem && !found; i++)
		found = step_called(p->item[i], name);
	return found;
}

/* `key a.user` of a step `a`. */
static bool names_step(struct ens_sema *s, const struct ens_rule_sema *r, const struct ens_key_source *o)
{
	const struct ens_pat *p = NULL;
	struct ens_message *m;

	if (o->type.name && ens_map_find_name(&s->type_map, o->type.name) == ENS_MAP_NONE)
		p = step_called(r->pattern, o->type.name);
	if (!p)
		return false;
	m = ens_diag_add(s->diag, ENS_E_KEY_FIELD, o->type.at, "`%s` is a step, and a key names fields of types", o->type.name);
	if (p->ref && p->ref->type.name && o->field.name)
		ens_diag_remedy(s->diag, m, "write `key %s` where all types have the field, else `%s.%s`", o->field.name,
				p->ref->type.name, o->field.name);
	return true;
}

/* Two sources of one type, of which one is a filter: an event has one key. */
static void check_twice(struct ens_sema *s, const struct ens_decl *type, const struct ens_key_source *b,
			const struct ens_key_source *o)
{
	uint32_t i = b->type.name ? ens_map_find_name(&s->type_map, b->type.name) : ENS_MAP_NONE;
	const struct ens_decl *d = i == ENS_MAP_NONE ? NULL : s->decl[i];
	struct ens_message *m;

	if (!d || !type || !o->type.name || !b->field.name || !o->field.name)
		return;
	if (strcmp(b->type.name, o->type.name) == 0) {
		m = ens_diag_add(s->diag, ENS_E_KEY_FIELD, o->type.at, "`%s` is given twice in this key", o->type.name);
		ens_diag_remedy(s->diag, m, "one field is enough; the parts of a key of several are separated by commas");
	} else if ((d->kind == ENS_D_FILTER ? d->sema->type : d) == type && strcmp(b->field.name, o->field.name) != 0) {
		m = ens_diag_add(s->diag, ENS_E_KEY_FIELD, o->type.at,
				 "`%s` and `%s` are the same events, which have one key: it can't be `%s` and `%s`",
				 b->type.name, o->type.name, b->field.name, o->field.name);
		ens_diag_remedy(s->diag, m, "let a rule derive an event whose key is the other field: `derive NAME { %s: a.%s }`",
				o->field.name, b->field.name);
	}
}

/* False: what is meant by the key is not known, which was told. */
static bool check_sources(struct ens_sema *s, const struct ens_rule_sema *r, const struct ens_key *k)
{
	bool ok = true;

	for (const struct ens_key_source *o = k->source; o; o = o->next) {
		if (names_step(s, r, o)) {
			ok = false;
			continue;
		}

		struct ens_decl *d = ens_sema_find_type(s, o->type);
		const struct ens_decl *type = !d ? NULL : d->kind == ENS_D_FILTER ? d->sema->type : d;

		if (type && !ens_rule_input(r, type)) {
			struct ens_message *m = ens_diag_add(s->diag, ENS_E_KEY_FIELD, o->type.at,
							     "the rule does not take in `%s`", o->type.name);

			ens_diag_remedy(s->diag, m, "leave it out of the key, or use it in `match` or `from`");
		}
		for (const struct ens_key_source *b = k->source; b != o; b = b->next)
			check_twice(s, type, b, o);
	}
	return ok;
}

static void key_part(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_key *k, uint32_t part)
{
	struct ens_key_sema *key = &r->keys[part];
	const struct ens_decl *first = NULL;
	bool sound;

	*key = (struct ens_key_sema){.name = k->name.name ? k->name.name : k->source->field.name, .type = ENS_BADTYPE,
				      .null_ok = k->null_ok};
	sound = check_sources(s, r, k);
	for (uint32_t i = 0; i < part; i++)
		if (strcmp(r->keys[i].name, key->name) == 0)
			ens_diag_remedy(s->diag,
					ens_diag_add(s->diag, ENS_E_DUPLICATE, k->at, "the key has two parts called `%s`", key->name),
					"leave one of them out, or give it another name: `key NAME: TYPE.FIELD`");
	for (uint32_t i = 0; i < r->ninput && sound; i++) {
		struct ens_input_sema *in = &r->input[i];
		struct ens_ident field = key_field(s, k, in);
		struct ens_field_ref f = ens_type_field(in->type, field.name);

		if (f.kind != ENS_FIELD_DECLARED) {
			no_key_field(s, r, k, in, field);
			continue;
		}
		in->key_field[part] = f.index;
		if (f.type == ENS_FLOAT) {
			struct ens_message *m = ens_diag_add(s->diag, ENS_E_KEY_TYPE, field.at,
							     "`%s` of `%s` is a float, and floats make no key",
							     field.name, in->type->name.name);

			ens_diag_second(s->diag, m, in->type->sema->field[f.index].at, "declared here");
			ens_diag_remedy(s->diag, m, "use a string or int");
		} else if (first && f.type != key->type && f.type != ENS_BADTYPE && key->type != ENS_BADTYPE) {
			struct ens_message *m = ens_diag_add(s->diag, ENS_E_KEY_TYPE, field.at,
							     "the key `%s` is %s in `%s`, but %s in `%s`", key->name,
							     ens_type_name(key->type), first->name.name,
							     ens_type_name(f.type), in->type->name.name);

			ens_diag_second(s->diag, m, in->type->sema->field[f.index].at, "declared as %s here",
					ens_type_name(f.type));
			ens_diag_remedy(s->diag, m, "declare both as one type, or name another field: `key %s: %s.%s = %s.FIELD`", key->name,
					first->name.name, key_field(s, k, ens_rule_input(r, first)).name, in->type->name.name);
		}
		if (!first) {
			first = in->type;
			key->type = f.type;
		}
	}
}

void ens_sema_keys(struct ens_sema *s, struct ens_rule_sema *r)
{
	uint32_t n = 0;

	for (const struct ens_key *k = r->key ? r->key->keys : NULL; k; k = k->next)
		if (!within_list(s, n++, k->at, "parts of a key"))
			return;
	if (!n)
		return;
	r->keys = ens_arena_zalloc(s->arena, n * sizeof *r->keys);
	if (!r->keys)
		return;
	for (uint32_t i = 0; i < r->ninput; i++)
		if (!(r->input[i].key_field = ens_arena_zalloc(s->arena, n * sizeof(uint32_t))))
			return;
	for (const struct ens_key *k = r->key->keys; k; k = k->next)
		key_part(s, r, k, r->nkey), r->nkey++;
}
