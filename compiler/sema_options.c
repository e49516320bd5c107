/*
 * Options of event types: time, `sent`, `lateness`, `late`, `idle`, `sharded by`, `unique`; and what the types of one
 * stream say of it together.
 *
 * `lateness` and `idle` belong to the stream: types of one stream may leave them to each other, but not differ.  Cost:
 * linear in types, options and streams.  Tested by tests/lang/options.test.
 */
#include "compiler/sema.h"

#include <string.h>

#include "compiler/sema_private.h"

#define CANDIDATES_MAX 64

/* ---- fields ----------------------------------------------------------------------------------------------------- */

/* The declared field that an option names, of type `want` (ENS_NOTYPE: any); ENS_MAP_NONE: there is none, which is said. */
static uint32_t named_field(struct ens_sema *s, const struct ens_decl *type, struct ens_ident id, enum ens_type want)
{
	const struct ens_decl_sema *d = type->sema;
	const uint32_t i = id.name ? ens_map_find_name(&d->field_map, id.name) : ENS_MAP_NONE;
	const char *candidate[CANDIDATES_MAX];
	struct ens_message *m;
	size_t n = 0;

	if (!id.name || i != ENS_MAP_NONE || type->broken) /* of a broken type it may have been there */
		return i;
	m = ens_diag_add(s->diag, ENS_E_UNKNOWN_FIELD, id.at, "`%s` has no field `%s`", type->name.name, id.name);
	for (uint32_t k = 0; k < d->nfield && n < CANDIDATES_MAX; k++)
		if (want == ENS_NOTYPE || d->field[k].type == want)
			candidate[n++] = d->field[k].name;
	ens_sema_offer(s, m, id.name, "fields that fit", candidate, n);
	return ENS_MAP_NONE;
}

/* A field that is a time of every event; ENS_NONE: it is not, which is said.  `what`: of what it is to be the time. */
static uint32_t always_a_time(struct ens_sema *s, const struct ens_decl *type, struct ens_ident id, const char *what,
			      const char *needs)
{
	const uint32_t i = named_field(s, type, id, ENS_TIME);
	struct ens_message *m;

	if (i == ENS_MAP_NONE)
		return ENS_NONE;

	const struct ens_field_sema *f = &type->sema->field[i];

	if (f->type == ENS_TIME && !f->optional)
		return i;
	if (f->type == ENS_BADTYPE)
		return ENS_NONE; /* which was told */
	if (f->type != ENS_TIME) {
		m = ens_diag_add(s->diag, ENS_E_TIME_FIELD, id.at, "`%s` is of type %s, the time %s is of type time", id.name,
				 ens_type_name(f->type), what);
		ens_diag_second(s->diag, m, f->at, "declared here");
		ens_diag_remedy(
			s->diag, m,
			"declare it as time, or as time(s), time(ms), time(us), time(ns) to say what its numbers are");
	} else {
		m = ens_diag_add(s->diag, ENS_E_TIME_FIELD, id.at, "`%s` may be missing, but every event needs %s", id.name,
				 needs);
		ens_diag_second(s->diag, m, f->at, "declared here");
		ens_diag_remedy(s->diag, m, "declare it without `?`");
	}
	return ENS_NONE;
}

static void time_option(struct ens_sema *s, struct ens_decl *type, const struct ens_option *o)
{
	struct ens_decl_sema *d = type->sema;
	const uint32_t time = always_a_time(s, type, o->name, "of an event", "its time");
	struct ens_message *m;
	uint32_t sent;

	if (time != ENS_NONE)
		d->time_field = time;
	if (!o->name2.name)
		return;
	sent = always_a_time(s, type, o->name2, "at which an event was sent", "the time at which it was sent");
	if (sent == ENS_NONE || time == ENS_NONE)
		return;
	if (sent == time) {
		m = ens_diag_add(s->diag, ENS_E_EVENT_OPTION, o->name2.at,
				 "the time at which it was sent is another than the event's own");
		ens_diag_remedy(s->diag, m,
				"leave out `sent %s`; to go by the time at which the entry was received, leave out "
				"`time`, too, and give the field another name than `time`",
				o->name2.name);
		return;
	}
	d->sent_field = sent;
}

static void unique_field(struct ens_sema *s, struct ens_decl *type, const struct ens_option *o)
{
	const uint32_t i = named_field(s, type, o->name, ENS_NOTYPE);
	struct ens_message *m;

	if (i == ENS_MAP_NONE)
		return;
	if (type->sema->field[i].type == ENS_FLOAT) {
		m = ens_diag_add(s->diag, ENS_E_EVENT_OPTION, o->name.at,
				 "`%s` is a float, and floats are hardly ever equal: repeats can't be told by it", o->name.name);
		ens_diag_second(s->diag, m, type->sema->field[i].at, "declared here");
		ens_diag_remedy(s->diag, m, "name the field in which the producer numbers its events");
		return;
	}
	type->sema->unique_field = i;
}

/* ---- durations -------------------------------------------------------------------------------------------------- */

/* The literal of an option, or a parameter.  False: it is none, or too short, which is said. */
static bool span_of(struct ens_sema *s, const struct ens_option *o, const char *word, int64_t least, int64_t *out)
{
	struct ens_expr *e = o->value;
	struct ens_message *m;

	if (!e || (ens_sema_put_param(s, e) && e->kind == ENS_X_NAME) || (e->kind == ENS_X_NAME && s->imports))
		return false;
	if (e->kind != ENS_X_LITERAL || e->lit_type != ENS_DURATION) {
		m = ens_diag_add(s->diag, ENS_E_EVENT_OPTION, e->at, "%s takes a duration, such as 10s", word);
		if (e->kind == ENS_X_LITERAL && e->lit_type == ENS_INT)
			ens_diag_remedy(s->diag, m, "that many seconds are `%llds`", (long long)e->literal.i);
		else
			ens_diag_remedy(s->diag, m, "write a literal, or the name of a parameter of type duration");
		return false;
	}
	if (e->literal.i < least) {
		ens_diag_add(s->diag, ENS_E_EVENT_OPTION, e->at,
			     least ? "%s takes a duration longer than 0s" : "%s takes a duration that is not negative", word);
		return false;
	}
	*out = e->literal.i;
	return true;
}

/* ---- late events ------------------------------------------------------------------------------------------------ */

static void late_to(struct ens_sema *s, struct ens_decl *type, const struct ens_option *o)
{
	const struct ens_ident to = o->name;
	struct ens_message *m;

	if (!to.name)
		return;
	if (!to.name[0]) {
		ens_diag_add(s->diag, ENS_E_EVENT_OPTION, to.at, "a stream has a name");
		return;
	}
	if (strncmp(to.name, "ensue:{", 7) == 0) {
		m = ens_diag_add(s->diag, ENS_E_EVENT_OPTION, to.at, "keys that begin with `ensue:{` are what jobs keep");
		ens_diag_remedy(s->diag, m, "give the stream another name");
		return;
	}
	for (const struct ens_ident_list *l = type->streams; l; l = l->next) {
		if (strcmp(l->id.name, to.name) != 0)
			continue;
		m = ens_diag_add(s->diag, ENS_E_EVENT_OPTION, to.at,
				 "what is late would come again, and be late again, without an end");
		ens_diag_second(s->diag, m, l->id.at, "`%s` comes from this stream", type->name.name);
		ens_diag_remedy(s->diag, m, "name another stream");
		return;
	}
	type->sema->late = ENS_T_LATE_TO;
	type->sema->late_stream = to.name;
}

static void late_option(struct ens_sema *s, struct ens_decl *type, const struct ens_option *o)
{
	if (o->late == 't')
		late_to(s, type, o);
	else
		type->sema->late = o->late == 'd' ? ENS_T_LATE_DROP : ENS_T_LATE_ACCEPT;
}

/* ---- the options of one type ------------------------------------------------------------------------------------ */

static void option(struct ens_sema *s, struct ens_decl *type, const struct ens_option *o)
{
	struct ens_decl_sema *d = type->sema;
	uint32_t i;

	switch (o->kind) {
	case ENS_O_TIME:
		time_option(s, type, o);
		break;
	case ENS_O_LATENESS:
		if (span_of(s, o, "`lateness`", 0, &d->lateness_us))
			d->lateness = o;
		break;
	case ENS_O_LATE:
		late_option(s, type, o);
		break;
	case ENS_O_IDLE:
		if (span_of(s, o, "`idle`", 1, &d->idle_us))
			d->idle = o;
		break;
	case ENS_O_SHARDED:
		i = named_field(s, type, o->name, ENS_NOTYPE);
		if (i != ENS_MAP_NONE)
			d->shard_field = i;
		break;
	case ENS_O_UNIQUE:
		unique_field(s, type, o);
		if (!span_of(s, o, "`unique ... for`", 1, &d->unique_us))
			d->unique_field = ENS_NONE;
		break;
	case ENS_O_DELETE:
		ens_sema_delete_when(s, type, o);
		break;
	}
}

void ens_sema_options(struct ens_sema *s, struct ens_decl *type)
{
	static const char *const word[] = {
		[ENS_O_TIME] = "time", [ENS_O_LATENESS] = "lateness", [ENS_O_LATE] = "late",
		[ENS_O_IDLE] = "idle", [ENS_O_SHARDED] = "sharded by", [ENS_O_UNIQUE] = "unique",
		[ENS_O_DELETE] = "delete when",
	};
	const struct ens_option *first[ENS_O_DELETE + 1] = {NULL};
	struct ens_decl_sema *d = type->sema;
	const uint32_t i = ens_map_find_name(&d->field_map, "time");

	if (i != ENS_MAP_NONE && d->field[i].type == ENS_TIME && !d->field[i].optional)
		d->time_field = i;
	for (const struct ens_option *o = type->options; o; o = o->next) {
		if (first[o->kind]) {
			struct ens_message *m = ens_diag_add(s->diag, ENS_E_OPTION, o->at, "`%s` is given twice", word[o->kind]);

			ens_diag_second(s->diag, m, first[o->kind]->at, "the first one is here");
			ens_diag_remedy(s->diag, m, "leave one of them out");
			continue;
		}
		first[o->kind] = o;
		option(s, type, o);
	}
}

/* ---- the types of one stream ------------------------------------------------------------------------------------ */

static void say_differ(struct ens_sema *s, const struct ens_option *o, const struct ens_decl *before,
		       const struct ens_option *first, const char *word, const char *stream)
{
	struct ens_message *m = ens_diag_add(s->diag, ENS_E_EVENT_OPTION, o->value->at,
					     "the types of \"%s\" do not agree on its `%s`", stream, word);

	ens_diag_second(s->diag, m, first->value->at, "`%s` says this", before->name.name);
	ens_diag_remedy(s->diag, m, "it belongs to the stream: one of its types is enough to say it");
}

static void add_type(struct ens_sema *s, const struct ens_decl *t, struct ens_stream_sema *stream, const char *name)
{
	const struct ens_decl_sema *d = t->sema;

	stream->timed |= d->time_field != ENS_NONE;
	if (d->lateness && !stream->lateness)
		stream->lateness = t;
	else if (d->lateness && stream->lateness->sema->lateness_us != d->lateness_us)
		say_differ(s, d->lateness, stream->lateness, stream->lateness->sema->lateness, "lateness", name);
	if (d->idle && !stream->idle)
		stream->idle = t;
	else if (d->idle && stream->idle->sema->idle_us != d->idle_us)
		say_differ(s, d->idle, stream->idle, stream->idle->sema->idle, "idle", name);
}

static void say_no_disorder(struct ens_sema *s, const struct ens_decl *t, const char *stream)
{
	struct ens_message *m = ens_diag_add(s->diag, ENS_W_NO_DISORDER, t->sema->lateness->at,
					     "the events of \"%s\" have the time of their entries' IDs, which never go back: "
					     "`lateness` only delays them",
					     stream);

	ens_diag_remedy(s->diag, m, "name the field that is the event's time (`time FIELD`), or leave `lateness` out");
}

void ens_sema_stream_options(struct ens_sema *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->ntype; i++)
		for (const struct ens_ident_list *l = s->type[i]->streams; l; l = l->next)
			n++;
	ens_map_init(&s->stream_map, s->arena);
	s->stream = ens_arena_zalloc(s->arena, (n + 1) * sizeof *s->stream);
	for (uint32_t i = 0; s->stream && i < s->ntype; i++)
		for (const struct ens_ident_list *l = s->type[i]->streams; l; l = l->next) {
			uint32_t *place = ens_map_at_name(&s->stream_map, l->id.name);

			if (!place)
				return;
			if (*place == ENS_MAP_NONE)
				*place = s->nstream++;
			add_type(s, s->type[i], &s->stream[*place], l->id.name);
		}
	for (uint32_t i = 0; s->stream && i < s->ntype; i++)
		for (const struct ens_ident_list *l = s->type[i]->streams; l; l = l->next) {
			const struct ens_stream_sema *stream = &s->stream[ens_map_find_name(&s->stream_map, l->id.name)];

			if (stream->lateness && stream->lateness->sema->lateness_us > s->type[i]->sema->most_late_us)
				s->type[i]->sema->most_late_us = stream->lateness->sema->lateness_us;
			if (stream->lateness == s->type[i] && !stream->timed && s->type[i]->sema->lateness_us)
				say_no_disorder(s, s->type[i], l->id.name);
		}
}
