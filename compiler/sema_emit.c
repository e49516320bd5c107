/*
 * What a rule emits or derives: fields with their types, targets, and that all rules agree on an output type's fields.
 * Tested by tests/lang/sema_emit.test, derive.test and targets.test.
 */
#include "compiler/sema.h"

#include <string.h>

#include "base/limits.h"
#include "compiler/sema_private.h"

#define DEFAULT_STREAM "ensue:matches"

struct emitter {
	struct ens_sema *s;
	struct ens_rule_sema *r;
	struct ens_emit_sema *emit;
	struct ens_map seen; /* field name to its place in emit->out */
	bool meta;
};

/* All rules that emit a type agree on the type of each of its fields. */
static void agree(struct emitter *w, const struct ens_out_sema *out)
{
	struct ens_sema *s = w->s;
	struct ens_buf key = ENS_BUF_EMPTY;

	ens_buf_add(&key, w->emit->type, strlen(w->emit->type) + 1);
	ens_buf_adds(&key, out->name);

	uint32_t *place = key.failed ? NULL : ens_map_at(&s->emitted_map, key.data, key.len);

	ens_buf_free(&key);
	if (!place)
		return;
	if (*place != ENS_MAP_NONE) {
		const struct ens_out_sema *first = s->emitted[*place];

		if (first->expr->type == out->expr->type &&
		    ens_expr_element(first->expr) == ens_expr_element(out->expr))
			return;
		/* Rules are not checked in the order in which they stand. */
		if (first->at.file > out->at.file || (first->at.file == out->at.file && first->at.off > out->at.off)) {
			const struct ens_out_sema *later = first;

			first = out;
			out = later;
		}

		struct ens_message *m = ens_diag_add(
			s->diag, ENS_E_OUTPUT_TYPES, out->at, "`%s.%s` is %s here, but %s where it was emitted before",
			w->emit->type, out->name, ens_sema_type_name(out->expr), ens_sema_type_name(first->expr));

		ens_diag_second(s->diag, m, first->at, "emitted as %s here", ens_sema_type_name(first->expr));
		ens_diag_remedy(s->diag, m, "all rules that emit a type agree on its fields' types");
		return;
	}
	if (!ens_arena_grow(s->arena, &s->emitted, s->nemitted, &s->cap_emitted, sizeof(struct ens_out_sema *)))
		return;

	struct ens_out_sema *copy = ens_arena_alloc(s->arena, sizeof *copy);

	if (!copy)
		return;
	*copy = *out;
	*place = s->nemitted;
	s->emitted[s->nemitted++] = copy;
}

/* `star`: it is one of all the fields of a step. */
static void add_out(struct emitter *w, const char *name, struct ens_span at, struct ens_expr *e, bool star)
{
	struct ens_sema *s = w->s;
	struct ens_view v = {.s = s, .rule = w->r, .partial = w->emit->kind == ENS_T_TIMEOUT, .alone = e};
	uint32_t *place = ens_map_at_name(&w->seen, name);
	enum ens_type t = ens_sema_expr(&v, e);

	if (!place)
		return;
	w->emit->unknown |= t == ENS_BADTYPE || t == ENS_NOTYPE || t == ENS_LIST || name[0] == '_';
	if (w->emit->kind == ENS_T_DERIVE && strcmp(name, "time") == 0) {
		struct ens_message *m = ens_diag_add(s->diag, ENS_E_OUTPUT_FIELD, at,
						     "the `time` of a derived event is that of what was found");

		ens_diag_remedy(s->diag, m, "give the field another name");
		return;
	}
	if (name[0] == '_') {
		struct ens_message *m =
			ens_diag_add(s->diag, ENS_E_OUTPUT_FIELD, at, "names that begin with `_` are reserved");

		ens_diag_remedy(s->diag, m,
				"each emission carries _rule, _id, _key, _start, _end and _events by itself");
		return;
	}
	if (*place != ENS_MAP_NONE) {
		struct ens_message *m = ens_diag_add(s->diag, ENS_E_OUTPUT_FIELD, at, "`%s` is emitted twice", name);

		ens_diag_second(s->diag, m, w->emit->out[*place].at, "the first one is here");
		ens_diag_remedy(s->diag, m, star ? "leave it out: `.*` has all fields of its step" : "give one of them another name");
		return;
	}
	if (t == ENS_NOTYPE) {
		struct ens_message *m = ens_diag_add(s->diag, ENS_E_NULL, e->at, "a null alone has no type");

		ens_diag_remedy(s->diag, m, "leave the field out: what is null is not written");
		return;
	}
	if (t == ENS_LIST && w->emit->kind == ENS_T_DERIVE) {
		struct ens_message *m = ens_diag_add(s->diag, ENS_E_AGGREGATE, e->at, "a derived event has no lists");

		ens_diag_remedy(s->diag, m, "give it what rules look at, such as a count or a sum; `emit` can write the list");
		return;
	}
	if (!ens_arena_grow(s->arena, &w->emit->out, w->emit->nout, &w->emit->cap, sizeof *w->emit->out))
		return;
	if (w->emit->nout == ENS_FIELDS_MAX) {
		ens_diag_add(s->diag, ENS_E_OUTPUT_FIELD, at, "an emission has at most %d fields", ENS_FIELDS_MAX);
		return;
	}
	*place = w->emit->nout;
	w->emit->out[w->emit->nout++] = (struct ens_out_sema){.name = name, .expr = e, .at = at, .meta = w->meta};
	if (t != ENS_BADTYPE)
		agree(w, &w->emit->out[*place]);
}

/* step.*: every declared field of the step, of a choice those that all its types have; but the time of a derived event is
 * its own. */
static void add_star(struct emitter *w, const struct ens_item *item)
{
	struct ens_sema *s = w->s;
	struct ens_expr *base = item->value->arg[0];
	uint32_t i = base->kind == ENS_X_NAME ? ens_map_find_name(&w->r->name_map, base->name) : ENS_MAP_NONE;
	const struct ens_name *name = i == ENS_MAP_NONE ? NULL : w->r->name[i];

	if (!name || name->group) {
		struct ens_message *m =
			ens_diag_add(s->diag, ENS_E_UNKNOWN_NAME, base->at, "before `.*` stands the name of a step");
		const char *candidate[256];
		size_t n = 0;

		w->emit->unknown = true;
		for (uint32_t k = 0; k < w->r->nname && n < 256; k++)
			if (!w->r->name[k]->group)
				candidate[n++] = w->r->name[k]->name;
		if (base->kind == ENS_X_NAME)
			ens_sema_offer(s, m, base->name, "steps of this rule", candidate, n);
		return;
	}

	const struct ens_decl_sema *type = name->pat[0]->ref->sema->type->sema;

	for (uint32_t f = 0; f < type->nfield; f++) {
		struct ens_expr *e = ens_arena_zalloc(s->arena, sizeof *e);
		bool all = true;

		for (uint32_t k = 1; k < name->npat; k++)
			all &= ens_type_field(name->pat[k]->ref->sema->type, type->field[f].name).kind ==
			       ENS_FIELD_DECLARED;
		if (!all || (w->emit->kind == ENS_T_DERIVE && strcmp(type->field[f].name, "time") == 0))
			continue;
		if (!e || !(e->arg = ens_arena_alloc(s->arena, sizeof(struct ens_expr *))))
			return;
		e->kind = ENS_X_MEMBER;
		e->at = item->value->at;
		e->op_at = item->value->at;
		e->name = type->field[f].name;
		e->arg[0] = base;
		e->narg = 1;
		add_out(w, e->name, item->at, e, true);
		if (e->type == ENS_BADTYPE)
			return; /* one message for all its fields */
	}
}

/* A name without a value is that key, or that parameter, of which for another emission the value may have been put in. */
static void add_items(struct emitter *w, const struct ens_item *items)
{
	for (const struct ens_item *i = items; i && !w->s->arena->failed; i = i->next) {
		if (i->value->kind == ENS_X_STAR)
			add_star(w, i);
		else if (i->name.name)
			add_out(w, i->name.name, i->name.at, i->value, false);
		else if (i->value->name && (i->value->kind == ENS_X_NAME || i->value->kind == ENS_X_LITERAL))
			add_out(w, i->value->name, i->value->at, i->value, false);
	}
}

/* ---- targets ---------------------------------------------------------------------------------------------------- */

static struct ens_decl *output_of(const struct ens_sema *s, const struct ens_clause *c)
{
	uint32_t i = c->name.name ? ens_map_find_name(&s->output_map, c->name.name) : ENS_MAP_NONE;

	return i == ENS_MAP_NONE ? NULL : s->decl[i];
}

const char *ens_sema_stream(struct ens_sema *s, const struct ens_clause *c)
{
	const struct ens_decl *output = output_of(s, c);
	char *name, *end;

	if (c->target == ENS_TO_DEFAULT)
		return output && output->streams ? output->streams->id.name : DEFAULT_STREAM;
	if (c->target != ENS_TO_STREAM || !c->target_name || !c->target_name->literal.len)
		return NULL;
	name = end = ens_arena_strndup(s->arena, c->target_name->literal.s, c->target_name->literal.len);
	for (const char *p = name; p && *p; p++) { /* as in all that is emitted, `{{` is a brace */
		*end++ = *p;
		p += p[0] == '{' && p[1] == '{';
	}
	if (end)
		*end = '\0';
	return name;
}

static bool has_value(const struct ens_value *v)
{
	for (uint32_t i = 0; i < v->len; i++) {
		if (v->s[i] != '{')
			continue;
		if (i + 1 == v->len || v->s[i + 1] != '{')
			return true;
		i++;
	}
	return false;
}

static const struct ens_ident_list *stream_named(const struct ens_decl *type, const char *name)
{
	const struct ens_ident_list *l = type->streams;

	while (l && strcmp(l->id.name, name) != 0)
		l = l->next;
	return l;
}

/* A stream that may not be written to: one that holds what a job keeps, or one that the rule itself reads. */
static void check_stream(struct ens_sema *s, const struct ens_rule_sema *r, const struct ens_clause *c,
			 const char *stream)
{
	const struct ens_span at = c->target_name ? c->target_name->at : c->word_at;
	struct ens_message *m;

	if (strncmp(stream, "ensue:{", 7) == 0 ||
	    (c->target_name && c->target_name->literal.len >= 7 && memcmp(c->target_name->literal.s, "ensue:{", 7) == 0)) {
		m = ens_diag_add(s->diag, ENS_E_TARGET, at, "keys that begin with `ensue:{` are what jobs keep");
		ens_diag_remedy(s->diag, m, "give the stream another name");
		return;
	}
	if (c->target_name && has_value(&c->target_name->literal)) {
		m = ens_diag_add(s->diag, ENS_E_TARGET, at, "the name of a stream is fixed: there can be no values in it");
		ens_diag_remedy(s->diag, m,
				"emit the value as a field, or use `to hash` or `to channel`; for a brace itself write `{{`");
		return;
	}
	for (uint32_t i = 0; i < r->ninput; i++) {
		const struct ens_ident_list *read = stream_named(r->input[i].type, stream);

		if (!read)
			continue;
		m = ens_diag_add(s->diag, ENS_E_TARGET, at,
				 "the rule takes in what this stream holds: it could feed itself without an end");
		ens_diag_second(s->diag, m, read->id.at, "`%s` comes from it", r->input[i].type->name.name);
		ens_diag_remedy(s->diag, m, "emit to another stream");
		return;
	}
}

/* The name of a hash or channel begins with what no value can make the beginning of Ensue's own keys. */
static void check_prefix(struct ens_sema *s, const struct ens_clause *c)
{
	const struct ens_expr *name = c->target_name, *first = name->kind == ENS_X_CALL ? name->arg[0] : name;
	const char *what = c->target == ENS_TO_HASH ? "hash" : "channel";
	const bool fixed = first->kind == ENS_X_LITERAL && first->literal.len > 0;
	const uint32_t len = fixed && (name == first || first->literal.len < 6) ? first->literal.len : 6;
	struct ens_message *m;

	if (!fixed)
		m = ens_diag_add(s->diag, ENS_E_TARGET, name->at, "the name of a %s begins with fixed text", what);
	else if ((name == first && len < 6) || memcmp(first->literal.s, "ensue:", len < 6 ? len : 6) != 0)
		return;
	else
		m = ens_diag_add(s->diag, ENS_E_TARGET, name->at, "names that can begin with `ensue:` are Ensue's own");
	ens_diag_remedy(s->diag, m, "begin it with what is in it, such as `%s`",
			c->target == ENS_TO_HASH ? "views:{url}" : "alerts:{user}");
}

static void only_of_hashes(struct ens_sema *s, const struct ens_clause *c, struct ens_span at, const char *what)
{
	struct ens_message *m;

	if (c->target == ENS_TO_HASH)
		return;
	m = ens_diag_add(s->diag, ENS_E_TARGET, at, "%s is for hashes", what);
	ens_diag_remedy(s->diag, m, "emit to one: `emit %s to hash \"NAME:{key}\" { ... }`", c->name.name ? c->name.name : "TYPE");
}

static void keyed_target(struct emitter *w, const struct ens_clause *c)
{
	struct ens_view v = {.s = w->s, .rule = w->r};
	struct ens_emit_sema *out = w->emit;

	out->target = c->target == ENS_TO_HASH ? ENS_T_HASH : ENS_T_CHANNEL;
	out->name = c->target_name;
	if (out->name && ens_sema_expr(&v, out->name) != ENS_BADTYPE)
		check_prefix(w->s, c);
}

static void target(struct emitter *w, const struct ens_clause *c)
{
	struct ens_sema *s = w->s;
	struct ens_view v = {.s = s, .rule = w->r};
	struct ens_decl *output = output_of(s, c);

	if (output)
		output->sema->used = true;
	if (c->target == ENS_TO_HASH || c->target == ENS_TO_CHANNEL) {
		keyed_target(w, c);
	} else {
		w->emit->stream = ens_sema_stream(s, c);
		if (w->emit->stream)
			check_stream(s, w->r, c, w->emit->stream);
		else if (c->target_name && !c->target_name->literal.len)
			ens_diag_add(s->diag, ENS_E_TARGET, c->target_name->at, "a stream needs a name");
	}
	if (c->remove_when) {
		only_of_hashes(s, c, c->remove_when->at, "`remove when`");
		ens_sema_condition(&v, c->remove_when);
		w->emit->remove_when = c->remove_when;
	}
	if (c->expire) {
		only_of_hashes(s, c, c->expire->at, "`expire`");
		ens_sema_amount(s, c->expire, ENS_DURATION, 1, "a hash stays longer than 0s", &w->emit->expire_us);
	}
}

/* ---- clauses ---------------------------------------------------------------------------------------------------- */

static void add_meta(struct emitter *w)
{
	w->meta = true;
	for (const struct ens_clause *c = w->r->decl->clauses; c; c = c->next)
		if (c->kind == ENS_C_META)
			add_items(w, c->items);
}

static void emit(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_clause *c, struct ens_emit_sema *out)
{
	struct emitter w = {.s = s, .r = r, .emit = out};

	ens_map_init(&w.seen, s->arena);
	out->kind = c->kind == ENS_C_ON_TIMEOUT ? ENS_T_TIMEOUT : c->kind == ENS_C_DERIVE ? ENS_T_DERIVE : ENS_T_EMIT;
	out->type = c->name.name ? c->name.name : "";
	if (c->kind == ENS_C_DERIVE) {
		add_items(&w, c->items);
		return;
	}
	target(&w, c);
	add_items(&w, c->items);
	add_meta(&w);
}

/* The rule's derivation d is `out`; its next one. */
static struct ens_derivation *know_fields(struct ens_derivation *d, struct ens_emit_sema *out)
{
	out->derives = d->type;
	d->emit = out;
	return d->next_of_rule;
}

void ens_sema_emits(struct ens_sema *s, struct ens_rule_sema *r)
{
	/* In the canonical order, so that formatting changes nothing. */
	static const enum ens_clause_kind kind[] = {ENS_C_EMIT, ENS_C_DERIVE, ENS_C_ON_TIMEOUT};
	struct ens_derivation *d = r->decl->sema->derives;
	uint32_t n = 0;

	for (const struct ens_clause *c = r->decl->clauses; c; c = c->next)
		n += c->kind == ENS_C_EMIT || c->kind == ENS_C_DERIVE || c->kind == ENS_C_ON_TIMEOUT;
	r->emit = ens_arena_zalloc(s->arena, (n + 1) * sizeof *r->emit);
	if (!r->emit)
		return;
	for (size_t k = 0; k < sizeof kind / sizeof *kind; k++)
		for (const struct ens_clause *c = r->decl->clauses; c; c = c->next)
			if (c->kind == kind[k]) {
				emit(s, r, c, &r->emit[r->nemit++]);
				if (c->kind == ENS_C_DERIVE)
					d = know_fields(d, &r->emit[r->nemit - 1]);
			}
}
