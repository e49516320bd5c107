/*
 * What a rule emits: fields with their types, targets, and that all rules agree on an output type's fields.
 * Tested by tests/lang/sema_emit.test.
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

		if (first->expr->type == out->expr->type)
			return;

		struct ens_message *m = ens_diag_add(
			s->diag, ENS_E_OUTPUT_TYPES, out->at, "`%s.%s` is %s here, but %s where it was emitted before",
			w->emit->type, out->name, ens_type_name(out->expr->type), ens_type_name(first->expr->type));

		ens_diag_second(s->diag, m, first->at, "emitted as %s here", ens_type_name(first->expr->type));
		ens_diag_remedy(s->diag, m, "all rules that emit a type agree on its fields' types");
		return;
	}
	if (s->nemitted == s->cap_emitted) {
		uint32_t cap = s->cap_emitted ? s->cap_emitted * 2 : 32;
		struct ens_out_sema **bigger = ens_arena_alloc(s->arena, cap * sizeof(struct ens_out_sema *));

		if (!bigger)
			return;
		if (s->nemitted)
			memcpy(bigger, s->emitted, s->nemitted * sizeof(struct ens_out_sema *));
		s->emitted = bigger;
		s->cap_emitted = cap;
	}

	struct ens_out_sema *copy = ens_arena_alloc(s->arena, sizeof *copy);

	if (!copy)
		return;
	*copy = *out;
	*place = s->nemitted;
	s->emitted[s->nemitted++] = copy;
}

static void add_out(struct emitter *w, const char *name, struct ens_span at, struct ens_expr *e)
{
	struct ens_sema *s = w->s;
	struct ens_view v = {.s = s, .rule = w->r, .partial = w->emit->kind == ENS_T_TIMEOUT};
	uint32_t *place = ens_map_at_name(&w->seen, name);
	enum ens_type t = ens_sema_expr(&v, e);

	if (!place)
		return;
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
		return;
	}
	if (t == ENS_NOTYPE) {
		struct ens_message *m = ens_diag_add(s->diag, ENS_E_NULL, e->at, "a null alone has no type");

		ens_diag_remedy(s->diag, m, "leave the field out: what is null is not written");
		return;
	}
	if (w->emit->nout == w->emit->cap) {
		uint32_t cap = w->emit->cap ? w->emit->cap * 2 : 8;
		struct ens_out_sema *bigger = ens_arena_zalloc(s->arena, cap * sizeof *bigger);

		if (!bigger)
			return;
		if (w->emit->nout)
			memcpy(bigger, w->emit->out, w->emit->nout * sizeof *bigger);
		w->emit->out = bigger;
		w->emit->cap = cap;
	}
	if (w->emit->nout == ENS_FIELDS_MAX) {
		ens_diag_add(s->diag, ENS_E_OUTPUT_FIELD, at, "an emission has at most %d fields", ENS_FIELDS_MAX);
		return;
	}
	*place = w->emit->nout;
	w->emit->out[w->emit->nout++] = (struct ens_out_sema){.name = name, .expr = e, .at = at, .meta = w->meta};
	if (t != ENS_BADTYPE)
		agree(w, &w->emit->out[*place]);
}

/* step.*: every declared field of the step, of a choice those that all its types have. */
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
		if (!all)
			continue;
		if (!e || !(e->arg = ens_arena_alloc(s->arena, sizeof(struct ens_expr *))))
			return;
		e->kind = ENS_X_MEMBER;
		e->at = item->value->at;
		e->op_at = item->value->at;
		e->name = type->field[f].name;
		e->arg[0] = base;
		e->narg = 1;
		add_out(w, e->name, item->at, e);
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
			add_out(w, i->name.name, i->name.at, i->value);
		else if (i->value->name && (i->value->kind == ENS_X_NAME || i->value->kind == ENS_X_LITERAL))
			add_out(w, i->value->name, i->value->at, i->value);
	}
}

static const char *stream_of(struct ens_sema *s, const struct ens_clause *c)
{
	uint32_t i = ens_map_find_name(&s->output_map, c->name.name);
	struct ens_decl *output = i == ENS_MAP_NONE ? NULL : s->decl[i];

	if (output)
		output->sema->used = true;
	if (c->target == ENS_TO_HASH || c->target == ENS_TO_CHANNEL) {
		ens_sema_not_yet(s, c->target_name ? c->target_name->at : c->word_at,
				 c->target == ENS_TO_HASH ? "`to hash` is" : "`to channel` is");
		return DEFAULT_STREAM;
	}
	if (c->target == ENS_TO_STREAM && c->target_name) {
		const struct ens_value *v = &c->target_name->literal;

		if (!v->len) {
			ens_diag_add(s->diag, ENS_E_TARGET, c->target_name->at, "a stream needs a name");
			return DEFAULT_STREAM;
		}

		const char *name = ens_arena_strndup(s->arena, v->s, v->len);

		return name ? name : DEFAULT_STREAM;
	}
	return output && output->streams ? output->streams->id.name : DEFAULT_STREAM;
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

	if (strncmp(stream, "ensue:{", 7) == 0) {
		m = ens_diag_add(s->diag, ENS_E_TARGET, at, "keys that begin with `ensue:{` are what jobs keep");
		ens_diag_remedy(s->diag, m, "give the stream another name");
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

static void emit(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_clause *c, struct ens_emit_sema *out)
{
	struct emitter w = {.s = s, .r = r, .emit = out};

	ens_map_init(&w.seen, s->arena);
	out->kind = c->kind == ENS_C_ON_TIMEOUT ? ENS_T_TIMEOUT : ENS_T_EMIT;
	out->type = c->name.name ? c->name.name : "";
	out->stream = stream_of(s, c);
	check_stream(s, r, c, out->stream);
	if (c->remove_when)
		ens_sema_not_yet(s, c->remove_when->at, "`remove when` is");
	if (c->expire)
		ens_sema_not_yet(s, c->expire->at, "`expire` is");
	add_items(&w, c->items);
	w.meta = true;
	for (c = r->decl->clauses; c; c = c->next)
		if (c->kind == ENS_C_META)
			add_items(&w, c->items);
}

void ens_sema_emits(struct ens_sema *s, struct ens_rule_sema *r)
{
	static const enum ens_clause_kind kind[] = {ENS_C_EMIT, ENS_C_ON_TIMEOUT};
	uint32_t n = 0;

	for (const struct ens_clause *c = r->decl->clauses; c; c = c->next)
		n += c->kind == ENS_C_EMIT || c->kind == ENS_C_ON_TIMEOUT;
	r->emit = ens_arena_zalloc(s->arena, (n + 1) * sizeof *r->emit);
	if (!r->emit)
		return;
	/* In the canonical order, so that formatting changes nothing. */
	for (size_t k = 0; k < sizeof kind / sizeof *kind; k++)
		for (const struct ens_clause *c = r->decl->clauses; c; c = c->next)
			if (c->kind == kind[k])
				emit(s, r, c, &r->emit[r->nemit++]);
}
