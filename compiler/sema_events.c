/*
 * Event types: fields, conditions of `where`; named filters' conditions; which type an entry of a stream can have.
 * Their options are sema_options.c.
 * Tested by tests/lang/sema_events.test.
 */
#include "compiler/sema.h"

#include <string.h>

#include "base/limits.h"
#include "compiler/sema_private.h"

static bool room_for_field(struct ens_sema *s, const struct ens_decl *type)
{
	struct ens_decl_sema *d = type->sema;
	uint32_t n = d->nfield + d->nraw;

	if (n < d->cap)
		return true;
	if (n >= ENS_FIELDS_MAX) {
		ens_diag_add(s->diag, ENS_E_TOO_MANY, type->name.at,
			     "`%s` has more than %d fields, those that only its `where` names counted", type->name.name,
			     ENS_FIELDS_MAX);
		return false;
	}

	return ens_arena_grow(s->arena, &d->field, n, &d->cap, sizeof *d->field);
}

/* The fields before f are known, f and those behind it are not. */
static void check_computed(struct ens_sema *s, struct ens_decl *type, const struct ens_field *f)
{
	struct ens_view v = {.s = s, .hand = type, .computing = true};
	struct ens_expr *e = f->computed;
	enum ens_type t = ens_sema_expr(&v, e);
	struct ens_message *m;

	if (t == ENS_BADTYPE || f->type == ENS_NOTYPE)
		return;
	if (t != f->type && !(t == ENS_INT && f->type == ENS_FLOAT) && t != ENS_NOTYPE &&
	    !ens_sema_coerce(&v, e, f->type)) {
		if (e->type == ENS_BADTYPE)
			return; /* a string that is no address or time, which was told */
		m = ens_diag_add(s->diag, ENS_E_TYPES, e->at, "`%s` is of type %s, this is of type %s", f->name.name,
				 ens_type_name(f->type), ens_type_name(t));
		ens_diag_second(s->diag, m, f->type_at, "declared here");
		ens_diag_remedy(s->diag, m, "declare it as `%s: %s`", f->name.name, ens_type_name(t));
	} else if (e->optional && !f->optional) {
		m = ens_diag_add(s->diag, ENS_E_NULL, e->at, "this may be null, but `%s` may not be missing", f->name.name);
		ens_diag_second(s->diag, m, f->type_at, "declared here");
		ens_diag_remedy(s->diag, m, "declare it as `%s?`, or say what it is instead: `... ?? VALUE`",
				ens_type_name(f->type));
	}
}

static void add_field(struct ens_sema *s, struct ens_decl *type, const struct ens_field *f)
{
	struct ens_decl_sema *d = type->sema;
	uint32_t *place = ens_map_at_name(&d->field_map, f->name.name);

	if (f->computed)
		check_computed(s, type, f);
	ens_sema_source(s, f);
	if (!place || !room_for_field(s, type))
		return;
	if (*place != ENS_MAP_NONE) {
		struct ens_message *m = ens_diag_add(s->diag, ENS_E_DUPLICATE, f->name.at,
						     "`%s` has two fields called `%s`", type->name.name, f->name.name);

		ens_diag_second(s->diag, m, d->field[*place].at, "the first one is here");
		ens_diag_remedy(s->diag, m, "give one of them another name; what the entry calls it is said by `as \"NAME\"`");
		return;
	}
	*place = d->nfield;
	d->field[d->nfield++] = (struct ens_field_sema){.name = f->name.name, .unit = f->unit, .optional = f->optional,
							.type = f->type == ENS_NOTYPE ? ENS_BADTYPE : f->type,
							.at = f->name.at, .computed = f->computed, .source = f->source};
}

uint32_t ens_type_raw_field(struct ens_sema *s, struct ens_decl *type, const char *name, struct ens_span at)
{
	struct ens_decl_sema *d = type->sema;
	uint32_t *place = ens_map_at_name(&d->field_map, name);

	if (!place || !room_for_field(s, type))
		return 0;
	if (*place == ENS_MAP_NONE) {
		*place = d->nfield + d->nraw;
		d->field[*place] =
			(struct ens_field_sema){.name = name, .type = ENS_STRING, .optional = true, .at = at};
		d->nraw++;
	}
	return *place;
}

struct ens_field_ref ens_type_field(const struct ens_decl *type, const char *name)
{
	const struct ens_decl_sema *d = type->sema;
	uint32_t i = ens_map_find_name(&d->field_map, name);

	if (i != ENS_MAP_NONE && i < d->nfield)
		return (struct ens_field_ref){ENS_FIELD_DECLARED, i, d->field[i].type, d->field[i].optional};
	if (strcmp(name, "time") == 0)
		return (struct ens_field_ref){ENS_FIELD_TIME, 0, ENS_TIME, false};
	if (d->derived) /* its events are no entries */
		return (struct ens_field_ref){ENS_FIELD_NONE, 0, ENS_NOTYPE, false};
	if (strcmp(name, "id") == 0)
		return (struct ens_field_ref){ENS_FIELD_ID, 0, ENS_STRING, false};
	if (strcmp(name, "stream") == 0)
		return (struct ens_field_ref){ENS_FIELD_STREAM, 0, ENS_STRING, false};
	return (struct ens_field_ref){ENS_FIELD_NONE, 0, ENS_NOTYPE, false};
}

/* ---- streams ---------------------------------------------------------------------------------------------------- */

/* `first` comes before t on the stream and has no `where`.  The entry's `event` field may still tell them apart by name;
 * where t has a `where`, that was meant to, and the order is the mistake. */
static void say_behind(struct ens_sema *s, const struct ens_decl *t, const struct ens_decl *first, const char *stream)
{
	struct ens_message *m;

	if (t->where)
		m = ens_diag_add(s->diag, ENS_E_NEVER_TAKES, t->name.at,
				 "no entry of \"%s\" can be a `%s`: `%s` before it takes them all", stream, t->name.name,
				 first->name.name);
	else
		m = ens_diag_add(s->diag, ENS_W_ONLY_BY_NAME, t->name.at,
				 "only entries of \"%s\" whose field `event` is \"%s\" are a `%s`: those without one are all `%s`",
				 stream, t->name.name, t->name.name, first->name.name);
	ens_diag_second(s->diag, m, first->name.at, "this one has no `where`");
	ens_diag_remedy(s->diag, m, "say what tells them apart, such as `where event = \"%s\"`%s%s%s", first->name.name,
			t->where ? ", or declare `" : "", t->where ? t->name.name : "", t->where ? "` first" : "");
}

/* On each stream, a type behind one that takes every entry can have none. */
static void check_streams(struct ens_sema *s)
{
	struct ens_map taker; /* stream to the first type that takes all */

	ens_map_init(&taker, s->arena);
	for (uint32_t i = 0; i < s->ntype; i++) {
		struct ens_decl *t = s->type[i];
		uint32_t n = 0;

		for (const struct ens_ident_list *l = t->streams; l; l = l->next) {
			if (n++ == ENS_LIST_MAX) {
				ens_diag_add(s->diag, ENS_E_TOO_MANY, l->id.at, "an event type comes from at most %d streams",
					     ENS_LIST_MAX);
				break;
			}
			uint32_t *place = ens_map_at_name(&taker, l->id.name);

			if (!place)
				return;
			if (!l->id.name[0] && l->id.at.len == strlen("\"\"")) { /* longer: what the lexer has refused */
				ens_diag_add(s->diag, ENS_E_EVENT_OPTION, l->id.at, "a stream has a name");
			} else if (*place != ENS_MAP_NONE && s->type[*place] == t) {
				ens_diag_add(s->diag, ENS_E_DUPLICATE, l->id.at, "`%s` names the stream \"%s\" twice",
					     t->name.name, l->id.name);
			} else if (*place != ENS_MAP_NONE) {
				say_behind(s, t, s->type[*place], l->id.name);
			} else if (!t->where) {
				*place = i;
			}
		}
	}
}

/* ---- conditions ------------------------------------------------------------------------------------------------- */

static void check_conditions(struct ens_sema *s)
{
	for (uint32_t i = 0; i < s->ndecl && !s->arena->failed; i++) {
		struct ens_decl *d = s->decl[i];
		struct ens_view v = {.s = s};

		if ((d->kind == ENS_D_EVENT || d->kind == ENS_D_TABLE) && d->where) {
			v.hand = d;
			v.raw = true;
			ens_sema_condition(&v, d->where);
		} else if (d->kind == ENS_D_FILTER && d->ref && d->ref->cond && d->sema->type &&
			   !d->sema->type->sema->derived) {
			v.hand = d->sema->type;
			ens_sema_condition(&v, d->ref->cond);
		}
	}
}

void ens_sema_events(struct ens_sema *s)
{
	for (uint32_t i = 0; i < s->ntype && !s->arena->failed; i++) {
		struct ens_decl *t = s->type[i];

		ens_map_init(&t->sema->field_map, s->arena);
		for (const struct ens_field *f = t->fields; f; f = f->next)
			if (f->name.name)
				add_field(s, t, f);
		ens_sema_options(s, t);
		if (t->kind == ENS_D_TABLE)
			ens_sema_table(s, t);
	}
	check_streams(s);
	ens_sema_stream_options(s);
	check_conditions(s);
}
