/*
 * Tables from rules: streams and types that are read, then each rule with its states, and the groups they share.
 *
 * Sections are filled in written order and lists that belong together are appended in one go, so every list is one
 * piece.  Rules with the same set of streams share a group, with the same key parts a key group; rules that derive
 * something count as one with those that take it in.  Cost: linear.
 * Tested by tests/unit/test_compile.c and tests/lang/tables.test.
 */
#include "compiler/emit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "compiler/code.h"

struct group {
	uint32_t *stream, nstream;
	uint32_t *rule, nrule, cap;
};

/* Rules that are linked by derived types, as a tree of links with a list at its root. */
struct linked {
	uint32_t up;                /* itself: a root */
	uint32_t next;              /* of the list; ENS_NONE: its end */
	uint32_t last;              /* of a root: the end of its list */
	uint32_t group;             /* of a root: ENS_NONE: not yet known */
};

struct emission {
	struct ens_sema *s;
	struct ens_arena *arena;
	struct ens_build b;
	struct ens_map stream_map; /* name to number, in the order of naming */
	bool *stream_used;
	const char **stream_name;
	uint32_t *stream_index;    /* number to index in the tables */
	uint32_t nstream, ntable_stream;
	struct ens_map group_map;
	struct group *group;
	uint32_t ngroup, cap_group;
	struct linked *linked;     /* by rule */
	uint32_t *stream_mark;     /* by index in the tables: the root that named it last, + 1 */
	struct ens_coder coder;
	struct ens_part *unary, *rest; /* of the conditions at hand */
	uint32_t cap_part;
};

#define ADD(w, section, record) ens_build_add(&(w)->b, &(w)->b.section, (record), sizeof *(record))
#define COUNT(w, section, type) ens_build_count(&(w)->b.section, sizeof(type))

static void *alloc(struct emission *w, size_t n, size_t size)
{
	return ens_arena_zalloc(w->arena, (n + 1) * size);
}

/* ---- streams and types ------------------------------------------------------------------------------------------ */

static bool number_streams(struct emission *w)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->s->ntype; i++)
		for (const struct ens_ident_list *l = w->s->type[i]->streams; l; l = l->next)
			n++;
	w->stream_used = alloc(w, n, sizeof(bool));
	w->stream_name = alloc(w, n, sizeof(char *));
	w->stream_index = alloc(w, n, sizeof(uint32_t));
	if (!w->stream_used || !w->stream_name || !w->stream_index)
		return false;
	for (uint32_t i = 0; i < w->s->ntype; i++)
		for (const struct ens_ident_list *l = w->s->type[i]->streams; l; l = l->next) {
			uint32_t *place = ens_map_at_name(&w->stream_map, l->id.name);

			if (!place)
				return false;
			if (*place != ENS_MAP_NONE)
				continue;
			*place = w->nstream;
			w->stream_name[w->nstream++] = l->id.name;
		}
	return true;
}

static uint32_t stream_number(const struct emission *w, const struct ens_ident_list *l)
{
	return ens_map_find_name(&w->stream_map, l->id.name);
}

/* The types whose streams a rule reads: those that it takes in, then the tables that it looks up. */
static uint32_t reads(const struct ens_rule_sema *r)
{
	return r->ninput + r->ntable;
}

static const struct ens_decl *read_type(const struct ens_rule_sema *r, uint32_t i)
{
	return i < r->ninput ? r->input[i].type : r->table[i - r->ninput];
}

/* Streams that some rule reads, and the types that their entries can have. */
static void choose_streams(struct emission *w)
{
	uint32_t ntype = 0;

	for (uint32_t i = 0; i < w->s->nrule; i++) {
		const struct ens_rule_sema *r = w->s->rule[i]->sema->rule;

		for (uint32_t k = 0; k < reads(r); k++)
			for (const struct ens_ident_list *l = read_type(r, k)->streams; l; l = l->next)
				w->stream_used[stream_number(w, l)] = true;
	}
	for (uint32_t i = 0; i < w->nstream; i++)
		w->stream_index[i] = w->stream_used[i] ? w->ntable_stream++ : ENS_NONE;
	for (uint32_t i = 0; i < w->s->ntype; i++) {
		struct ens_decl *t = w->s->type[i];

		for (const struct ens_ident_list *l = t->streams; l; l = l->next)
			if (t->sema->table_index == ENS_NONE && w->stream_used[stream_number(w, l)])
				t->sema->table_index = ntype++;
		if (t->sema->derived)
			t->sema->table_index = ntype++;
	}
}

/* Types by stream: gathered in one pass over the types, so that many types on many streams stay linear. */
static void emit_streams(struct emission *w)
{
	uint32_t *count = alloc(w, w->nstream, sizeof(uint32_t)), *first = alloc(w, w->nstream, sizeof(uint32_t));
	uint32_t *list, total = 0;

	if (!count || !first)
		return;
	for (uint32_t i = 0; i < w->s->ntype; i++)
		for (const struct ens_ident_list *l = w->s->type[i]->streams; l; l = l->next)
			count[stream_number(w, l)] += w->stream_used[stream_number(w, l)];
	for (uint32_t i = 0; i < w->nstream; i++) {
		first[i] = total;
		total += count[i];
		count[i] = 0;
	}
	list = alloc(w, total, sizeof(uint32_t));
	if (!list)
		return;
	for (uint32_t i = 0; i < w->s->ntype; i++)
		for (const struct ens_ident_list *l = w->s->type[i]->streams; l; l = l->next) {
			uint32_t n = stream_number(w, l);

			if (w->stream_used[n])
				list[first[n] + count[n]++] = w->s->type[i]->sema->table_index;
		}

	uint32_t base = COUNT(w, index, uint32_t);

	for (uint32_t i = 0; i < total; i++)
		ADD(w, index, &list[i]);
	for (uint32_t i = 0; i < w->nstream; i++) {
		struct ens_t_stream t = {.name = ens_build_name(&w->b, w->stream_name[i]),
					 .types = {base + first[i], count[i]}, .idle_us = ENS_IDLE_DEFAULT_US};
		const uint32_t said = ens_map_find_name(&w->s->stream_map, w->stream_name[i]);

		if (said != ENS_MAP_NONE && w->s->stream[said].lateness)
			t.lateness_us = w->s->stream[said].lateness->sema->lateness_us;
		if (said != ENS_MAP_NONE && w->s->stream[said].idle)
			t.idle_us = w->s->stream[said].idle->sema->idle_us;

		if (w->stream_used[i])
			ADD(w, stream, &t);
	}
}

static uint32_t add_parts(struct emission *w, const struct ens_decl *type, const struct ens_part *part, uint32_t n)
{
	uint32_t p = ens_code_parts(&w->coder, type, part, n);

	return p == ENS_NONE ? ENS_NONE : ens_build_predicate(&w->b, type->sema->table_index, p);
}

static struct ens_t_list emit_sources(struct emission *w, const struct ens_field_sema *f)
{
	struct ens_t_list list = {COUNT(w, source, struct ens_t_str), 0};
	const struct ens_ident_list own = {.id.name = f->name};

	for (const struct ens_ident_list *l = f->source ? f->source : &own; l; l = l->next) {
		struct ens_t_str name = ens_build_name(&w->b, l->id.name);

		ADD(w, source, &name);
		list.count++;
	}
	return list;
}

static void emit_table(struct emission *w, const struct ens_decl *t)
{
	struct ens_decl_sema *d = t->sema;
	const struct ens_part gone = {.expr = d->delete_when};
	struct ens_t_table out = {.type = d->table_index, .delete_when = ENS_NONE,
				  .key = {COUNT(w, index, uint32_t), d->nkey}};

	for (uint32_t i = 0; i < d->nkey; i++)
		ADD(w, index, &d->key[i]);
	if (d->delete_when)
		out.delete_when = ens_code_parts(&w->coder, t, &gone, 1);
	d->record = ADD(w, table, &out);
}

static void emit_type(struct emission *w, const struct ens_decl *t)
{
	const struct ens_decl_sema *d = t->sema;
	struct ens_t_type out = {.name = ens_build_name(&w->b, t->name.name),
				 .nraw = d->nraw,
				 .kind = d->derived ? ENS_T_DERIVED : t->kind == ENS_D_TABLE ? ENS_T_TABLE : ENS_T_EVENT,
				 .time_field = d->time_field,
				 .where = ENS_NONE,
				 .sent_field = d->sent_field,
				 .shard_field = d->shard_field,
				 .unique_field = d->unique_field,
				 .unique_us = d->unique_us,
				 .late = (uint8_t)d->late};
	const struct ens_part where = {.expr = t->where};

	if (d->late_stream)
		out.late_stream = ens_build_name(&w->b, d->late_stream);
	if (t->json.name)
		out.json = ens_build_name(&w->b, t->json.name);
	out.streams.first = COUNT(w, index, uint32_t);
	for (const struct ens_ident_list *l = t->streams; l; l = l->next) {
		uint32_t n = stream_number(w, l);

		if (!w->stream_used[n])
			continue;
		ADD(w, index, &w->stream_index[n]);
		out.streams.count++;
	}
	out.fields = (struct ens_t_list){COUNT(w, field, struct ens_t_field), d->nfield + d->nraw};
	for (uint32_t i = 0; i < d->nfield + d->nraw; i++) {
		struct ens_t_field f = {.name = ens_build_name(&w->b, d->field[i].name),
					.sources = emit_sources(w, &d->field[i]),
					.type = (uint8_t)d->field[i].type,
					.optional = d->field[i].optional, .unit = (uint8_t)d->field[i].unit,
					.program = ENS_NONE};

		if (d->field[i].computed)
			f.program = ens_code_value(&w->coder, t, d->field[i].computed, d->field[i].type);
		ADD(w, field, &f);
	}
	if (t->where)
		out.where = ens_code_parts(&w->coder, t, &where, 1);
	ADD(w, type, &out);
	if (t->kind == ENS_D_TABLE)
		emit_table(w, t);
}

/* ---- groups ----------------------------------------------------------------------------------------------------- */

static bool add_rule_to_group(struct emission *w, struct group *g, uint32_t rule)
{
	if (!ens_arena_grow(w->arena, &g->rule, g->nrule, &g->cap, sizeof *g->rule))
		return false;
	g->rule[g->nrule++] = rule;
	return true;
}

static struct group *new_group(struct emission *w)
{
	if (!ens_arena_grow(w->arena, &w->group, w->ngroup, &w->cap_group, sizeof *w->group))
		return NULL;
	return &w->group[w->ngroup++];
}

static uint32_t root_of(struct emission *w, uint32_t rule)
{
	while (w->linked[rule].up != rule) {
		w->linked[rule].up = w->linked[w->linked[rule].up].up;
		rule = w->linked[rule].up;
	}
	return rule;
}

/* The lower of two roots stays one, so that a root is the first rule of its list. */
static void link_rules(struct emission *w, uint32_t a, uint32_t b)
{
	a = root_of(w, a);
	b = root_of(w, b);
	if (a == b)
		return;
	if (a > b) {
		uint32_t c = a;

		a = b;
		b = c;
	}
	w->linked[b].up = a;
	w->linked[w->linked[a].last].next = b;
	w->linked[a].last = w->linked[b].last;
}

/* Who derives a type and who takes it in see one order of events. */
static bool link_all(struct emission *w)
{
	w->linked = alloc(w, w->s->nrule, sizeof *w->linked);
	w->stream_mark = alloc(w, w->nstream, sizeof *w->stream_mark);
	if (!w->linked || !w->stream_mark)
		return false;
	for (uint32_t i = 0; i < w->s->nrule; i++)
		w->linked[i] = (struct linked){.up = i, .next = ENS_NONE, .last = i, .group = ENS_NONE};
	for (uint32_t i = 0; i < w->s->ntype; i++) {
		const struct ens_decl_sema *type = w->s->type[i]->sema;

		for (const struct ens_derivation *d = type->derivations; d; d = d->next)
			link_rules(w, type->derivations->rule->sema->index, d->rule->sema->index);
		for (const struct ens_decl_list *t = type->takers; t; t = t->next)
			link_rules(w, type->derivations->rule->sema->index, t->decl->sema->index);
	}
	return true;
}

static int compare_indices(const void *pa, const void *pb)
{
	const uint32_t a = *(const uint32_t *)pa, b = *(const uint32_t *)pb;

	return a < b ? -1 : a > b;
}

/* Calls f for each index of a stream that the rule reads; the same one may come again. */
static void each_stream(struct emission *w, const struct ens_rule_sema *r, void (*f)(void *to, uint32_t stream), void *to)
{
	for (uint32_t i = 0; i < reads(r); i++)
		for (const struct ens_ident_list *l = read_type(r, i)->streams; l; l = l->next)
			f(to, w->stream_index[stream_number(w, l)]);
}

/* Streams, each once. */
struct stream_set {
	uint32_t *mark, by;  /* mark[stream] is `by` for those that are in it */
	uint32_t *stream, n; /* NULL: they are only counted */
};

static void add_stream(void *to, uint32_t stream)
{
	struct stream_set *set = to;

	if (set->mark[stream] == set->by)
		return;
	set->mark[stream] = set->by;
	if (set->stream)
		set->stream[set->n] = stream;
	set->n++;
}

/* The streams that the rules linked with `root` read, ascending. */
static void streams_of(struct emission *w, uint32_t root, struct stream_set *out)
{
	*out = (struct stream_set){.mark = w->stream_mark, .by = 2 * root + 1};
	for (int filling = 0; filling < 2; filling++) {
		for (uint32_t r = root; r != ENS_NONE; r = w->linked[r].next)
			each_stream(w, w->s->rule[r]->sema->rule, add_stream, out);
		if (filling)
			break;
		out->stream = alloc(w, out->n, sizeof *out->stream);
		if (!out->stream)
			return;
		out->n = 0;
		out->by++;
	}
	qsort(out->stream, out->n, sizeof *out->stream, compare_indices);
}

/* The group of the rules that read the same streams as this one and those linked with it. */
static uint32_t group_of(struct emission *w, uint32_t rule)
{
	struct linked *root = &w->linked[root_of(w, rule)];
	struct stream_set set;
	uint32_t *place;

	if (root->group != ENS_NONE) {
		add_rule_to_group(w, &w->group[root->group], rule);
		return root->group;
	}
	streams_of(w, (uint32_t)(root - w->linked), &set);
	place = set.stream ? ens_map_at(&w->group_map, set.stream, set.n * sizeof *set.stream) : NULL;
	if (!place)
		return 0;
	if (*place == ENS_MAP_NONE) {
		struct group *g = new_group(w);

		if (!g)
			return 0;
		g->stream = set.stream;
		g->nstream = set.n;
		*place = w->ngroup - 1;
	}
	root->group = *place;
	add_rule_to_group(w, &w->group[*place], rule);
	return *place;
}

static void emit_groups(struct emission *w)
{
	for (uint32_t i = 0; i < w->ngroup; i++) {
		const struct group *g = &w->group[i];
		struct ens_t_group out = {{COUNT(w, index, uint32_t), g->nstream}, {0, g->nrule}};

		for (uint32_t k = 0; k < g->nstream; k++)
			ADD(w, index, &g->stream[k]);
		out.rules.first = COUNT(w, index, uint32_t);
		for (uint32_t k = 0; k < g->nrule; k++)
			ADD(w, index, &g->rule[k]);
		ADD(w, group, &out);
	}
}

/* Rules of different groups share no keys: each group has its own time, so which of them comes to a key first would depend on
 * how streams interleave, and with it the order of equal deadlines. */
static uint32_t keygroup_of(struct emission *w, const struct ens_rule_sema *r, uint32_t group)
{
	struct ens_t_keypart *part = alloc(w, r->nkey + 1, sizeof *part);
	struct ens_t_keygroup out = {{COUNT(w, keypart, struct ens_t_keypart), r->nkey}};
	uint32_t *place;

	if (!part)
		return 0;
	for (uint32_t i = 0; i < r->nkey; i++)
		part[i] = (struct ens_t_keypart){.name = ens_build_name(&w->b, r->keys[i].name),
						 .type = (uint8_t)r->keys[i].type,
						 .null_ok = r->keys[i].null_ok};
	part[r->nkey].name.off = group; /* last, for the map only */
	place = ens_map_at(&w->b.keygroups, part, (r->nkey + 1) * sizeof *part);
	if (!place)
		return 0;
	if (*place != ENS_MAP_NONE)
		return *place;
	for (uint32_t i = 0; i < r->nkey; i++)
		ADD(w, keypart, &part[i]);
	*place = ADD(w, keygroup, &out);
	return *place;
}

/* ---- conditions ------------------------------------------------------------------------------------------------- */

/* Conditions gathered for one event: those on it alone, and the rest.  The arrays are the emission's, used again. */
struct parts {
	struct emission *w;
	uint32_t nunary, nrest;
};

static bool room_for_part(struct emission *w, uint32_t n)
{
	uint32_t cap = w->cap_part; /* both have the same room, and may be full of old ones */

	return n < cap || (ens_arena_grow(w->arena, &w->unary, cap, &cap, sizeof *w->unary) &&
			   ens_arena_grow(w->arena, &w->rest, w->cap_part, &w->cap_part, sizeof *w->rest));
}

static void add_part(struct parts *l, struct ens_part p, bool unary)
{
	if (!room_for_part(l->w, unary ? l->nunary : l->nrest))
		return;
	if (unary)
		l->w->unary[l->nunary++] = p;
	else
		l->w->rest[l->nrest++] = p;
}

/* Splits at the outermost `and`s: what looks only at the event is judged once for all rules. */
static void add_condition(struct parts *l, const struct ens_expr *e)
{
	if (e->kind == ENS_X_AND) {
		add_condition(l, e->arg[0]);
		add_condition(l, e->arg[1]);
	} else {
		add_part(l, (struct ens_part){.expr = e}, !ens_reads_match(e));
	}
}

static bool implies_taken_in(const struct ens_input_sema *in, const struct ens_decl *d, bool brackets)
{
	if (in->all)
		return true;
	for (; d && d->kind == ENS_D_FILTER; d = d->sema->base)
		for (uint32_t i = 0; i < in->nfilter; i++)
			if (in->filter[i]->sema->decl == d && !(brackets && in->filter[i]->cond))
				return true;
	return false;
}

/* What the input takes is what the reference says. */
static bool takes_as(const struct ens_input_sema *in, const struct ens_ref *ref)
{
	for (uint32_t i = 0; i < in->nfilter; i++)
		if (in->filter[i] == ref)
			return true;
	return false;
}

/* The input's filter, the named filters from the type up, the brackets: in that order. */
static void parts_of_ref(struct parts *l, const struct ens_ref *ref)
{
	struct emission *w = l->w;
	const struct ens_input_sema *in = ens_rule_input(w->coder.rule, ref->sema->type);
	const struct ens_decl *chain[ENS_NESTING_MAX + 1];
	uint32_t n = 0;

	if (in && !takes_as(in, ref) && !implies_taken_in(in, ref->sema->decl, w->coder.brackets_count))
		add_part(l, (struct ens_part){.input = in}, true);
	for (const struct ens_decl *d = ref->sema->decl; d && d->kind == ENS_D_FILTER && n < ENS_NESTING_MAX;
	     d = d->sema->base)
		chain[n++] = d;
	while (n-- > 0)
		if (chain[n]->ref->cond)
			add_condition(l, chain[n]->ref->cond);
	if (ref->cond)
		add_condition(l, ref->cond);
}

static void split_ref(struct emission *w, const struct ens_ref *ref, const struct ens_cond *more, uint32_t *predicate,
		      uint32_t *condition)
{
	struct parts l = {.w = w};
	const struct ens_decl *type = ref->sema->type;

	parts_of_ref(&l, ref);
	for (; more; more = more->next) {
		if (more->nother)
			add_part(&l,
				 (struct ens_part){.expr = more->expr, .others = more->others, .nother = more->nother},
				 false);
		else
			add_condition(&l, more->expr);
	}
	*predicate = add_parts(w, type, w->unary, l.nunary);
	*condition = ens_code_parts(&w->coder, type, w->rest, l.nrest);
}

/* ---- states ----------------------------------------------------------------------------------------------------- */

static struct ens_t_list emit_ops(struct emission *w, const struct ens_g_op *op)
{
	struct ens_t_list list = {COUNT(w, op, struct ens_t_op), 0};

	for (; op; op = op->next) {
		struct ens_t_op out = {.kind = (uint32_t)op->kind, .reg = op->counter, .n = op->n, .least = op->least};

		if (op->kind == ENS_T_HOLDS) {
			const struct ens_part part = {.expr = op->expr};

			out.reg = 0;
			out.n = ens_code_parts(&w->coder, NULL, &part, 1);
		} else if (op->kind == ENS_T_CLEAR) {
			out.reg = op->loop->sema->first_slot;
			out.n = op->loop->sema->nslot;
			if (!out.n)
				continue;
		}
		ADD(w, op, &out);
		list.count++;
	}
	return list;
}

/* A duration: a number when it is written so, else a program. */
static void duration(struct emission *w, const struct ens_expr *e, int64_t *us, uint32_t *program)
{
	*us = -1;
	*program = ENS_NONE;
	if (!e)
		return;
	if (e->kind == ENS_X_LITERAL)
		*us = e->literal.i;
	else
		*program = ens_code_value(&w->coder, NULL, e, ENS_DURATION);
}

static struct ens_t_list emit_absences(struct emission *w, const struct ens_g_absence *a)
{
	struct ens_t_list list = {COUNT(w, absence, struct ens_t_absence), 0};

	for (; a; a = a->next) {
		struct ens_t_absence out = {.kind = (uint32_t)a->kind, .type = a->ref->sema->type->sema->table_index,
					    .new_round = a->new_round};

		split_ref(w, a->ref, NULL, &out.predicate, &out.condition);
		duration(w, a->for_dur, &out.for_us, &out.for_program);
		ADD(w, absence, &out);
		list.count++;
	}
	return list;
}

static struct ens_t_list emit_entries(struct emission *w, const struct ens_g_state *s)
{
	struct ens_t_list list = {COUNT(w, entry, struct ens_t_entry), s->nentry};

	for (uint32_t i = 0; i < s->nentry; i++) {
		const struct ens_g_entry *e = &s->entry[i];
		struct ens_t_entry out = {.kind = (uint8_t)e->kind,
					  .arrow = (uint8_t)e->arrow,
					  .flags = (uint8_t)e->flags,
					  .target = e->target,
					  .branch_end = e->branch_end,
					  .leave_end = e->leave_end};

		duration(w, e->after, &out.after_us, &out.after_program);
		duration(w, e->within, &out.within_us, &out.within_program);
		out.guards = emit_ops(w, e->guards);
		out.actions = emit_ops(w, e->actions);
		out.absences = emit_absences(w, e->absences);
		ADD(w, entry, &out);
	}
	return list;
}

/* An event that several inputs of a window take counts once, for the first: a program that is null where an input before
 * this one takes the event; ENS_NONE where one takes every such event. */
static uint32_t count_program(struct emission *w, const struct ens_pat *input)
{
	const struct ens_rule_sema *r = w->coder.rule;
	struct ens_input_sema before = {.type = input->ref->sema->type};

	before.filter = alloc(w, r->nstep, sizeof(struct ens_ref *));
	if (!before.filter)
		return ENS_NONE;
	for (uint32_t i = 1; i < input->sema->step; i++) {
		const struct ens_ref *ref = r->step[i]->ref;

		if (ref->sema->type != before.type)
			continue;
		if (ref->sema->decl->kind == ENS_D_EVENT && !ref->cond)
			return ENS_NONE;
		before.filter[before.nfilter++] = ref;
	}
	return ens_code_unless(&w->coder, before.type, before.nfilter ? &before : NULL);
}

static struct ens_t_list emit_captures(struct emission *w, const struct ens_pat *step)
{
	static const uint8_t kind[] = {
		[ENS_SLOT_FIELD] = ENS_T_KEEP,   [ENS_SLOT_FIRST_FIELD] = ENS_T_KEEP_FIRST,
		[ENS_SLOT_TAKEN] = ENS_T_KEEP,   [ENS_SLOT_EVENTS] = ENS_T_COUNT,
		[ENS_SLOT_ROUNDS] = ENS_T_COUNT, [ENS_SLOT_ROUND] = ENS_T_KEEP,
		[ENS_SLOT_COUNT] = ENS_T_COUNT,  [ENS_SLOT_SUM] = ENS_T_SUM,
		[ENS_SLOT_MIN] = ENS_T_MIN,      [ENS_SLOT_MAX] = ENS_T_MAX,
		[ENS_SLOT_FIRST] = ENS_T_FIRST,  [ENS_SLOT_LATEST] = ENS_T_LATEST,
		[ENS_SLOT_NTH] = ENS_T_LATEST,   [ENS_SLOT_BACK] = ENS_T_SHIFT,
		[ENS_SLOT_MEAN] = ENS_T_KEEP,    [ENS_SLOT_SPREAD] = ENS_T_KEEP,
		[ENS_SLOT_ALL] = ENS_T_COUNT,    [ENS_SLOT_LIST] = ENS_T_COLLECT,
		[ENS_SLOT_DISTINCT] = ENS_T_COLLECT, [ENS_SLOT_SKETCH] = ENS_T_COLLECT,
	};
	struct ens_t_list list = {COUNT(w, capture, struct ens_t_capture), 0};

	for (const struct ens_keep *k = step->sema->keeps; k; k = k->next) {
		struct ens_t_capture out = {.kind = kind[k->slot->kind], .slot = k->slot->index};

		if (k->slot->kind == ENS_SLOT_BACK)
			out.n = k->slot->nth;

		out.program = k->slot->kind == ENS_SLOT_ALL && w->coder.rule->over
				      ? count_program(w, step)
				      : ens_code_capture(&w->coder, step->ref->sema->type, k->slot);
		if (out.program == ENS_NONE)
			continue;
		ADD(w, capture, &out);
		list.count++;
	}
	return list;
}

static const char *step_name(const struct ens_pat *step)
{
	for (const struct ens_pat *p = step; p; p = p->sema->up) {
		if (p->sema->named && !p->sema->named->group)
			return p->name.name;
		if (!p->sema->up || p->sema->up->kind != ENS_P_ALT)
			break;
	}
	return "";
}

static struct ens_t_list emit_refs(struct emission *w, const struct ens_ref *ref)
{
	struct ens_t_list list = {COUNT(w, ref, struct ens_t_ref), 0};

	for (; ref; ref = ref->next) {
		struct ens_t_ref out = {.type = ref->sema->type->sema->table_index};

		split_ref(w, ref, NULL, &out.predicate, &out.condition);
		ADD(w, ref, &out);
		list.count++;
	}
	return list;
}

static void emit_state(struct emission *w, const struct ens_g_state *s)
{
	struct ens_t_state out = {.type = ENS_NONE, .predicate = ENS_NONE, .condition = ENS_NONE};

	if (s->step) {
		const char *name = step_name(s->step);

		out.name = ens_build_name(&w->b, name);
		out.label = ens_build_name(&w->b, name[0] ? name : s->step->ref->type.name);
		out.type = s->step->ref->sema->type->sema->table_index;
		split_ref(w, s->step->ref, s->step->sema->conds, &out.predicate, &out.condition);
		out.captures = emit_captures(w, s->step);
		out.untils = emit_refs(w, ens_pat_repetition(s->step)->until);
	}
	out.entries = emit_entries(w, s);
	ADD(w, state, &out);
}

/* ---- rules ------------------------------------------------------------------------------------------------------ */

static void find_slots(struct emission *w, struct ens_rule_sema *r, const struct ens_expr *e)
{
	if (e)
		ens_slots_find(w->arena, r, e);
}

static void find_in_pattern(struct emission *w, struct ens_rule_sema *r, struct ens_pat *p)
{
	for (const struct ens_ref *ref = p->ref; ref; ref = ref->next)
		find_slots(w, r, ref->cond);
	for (const struct ens_ref *ref = p->until; ref; ref = ref->next)
		find_slots(w, r, ref->cond);
	find_slots(w, r, p->after);
	find_slots(w, r, p->within);
	find_slots(w, r, p->for_dur);
	for (const struct ens_g_guard *g = p->sema->exit_guards; g; g = g->next)
		find_slots(w, r, g->expr);
	for (const struct ens_cond *c = p->sema->conds; c; c = c->next) {
		find_slots(w, r, c->expr);
		for (uint32_t i = 0; i < c->nother; i++)
			ens_slots_find_taken(w->arena, r, c->others[i]);
	}
	for (uint32_t i = 0; p->kind != ENS_P_NOT && i < p->nitem; i++)
		find_in_pattern(w, r, p->item[i]);
}

static enum ens_t_holds what_it_holds(const struct ens_slot *s)
{
	switch (s->kind) {
	case ENS_SLOT_LIST:
		return ENS_T_LIST;
	case ENS_SLOT_DISTINCT:
		return ENS_T_DISTINCT;
	case ENS_SLOT_SKETCH:
		return ENS_T_SKETCH;
	default:
		return ENS_T_VALUE;
	}
}

static struct ens_t_list emit_slots(struct emission *w, struct ens_rule_sema *r)
{
	struct ens_t_list list = {COUNT(w, slot, struct ens_t_slot), ens_slots_count(r)};
	struct ens_t_slot *out = alloc(w, list.count, sizeof *out);

	if (!out)
		return list;
	for (uint32_t i = 0; i < r->nslot; i++) {
		const struct ens_slot *s = r->slot[i];
		bool counts = s->kind == ENS_SLOT_EVENTS || s->kind == ENS_SLOT_ROUNDS || s->kind == ENS_SLOT_COUNT ||
			      s->kind == ENS_SLOT_SUM || s->kind == ENS_SLOT_MEAN || s->kind == ENS_SLOT_SPREAD ||
			      s->kind == ENS_SLOT_ALL;
		struct ens_t_slot one = {.type = (uint8_t)s->type, .holds = (uint8_t)what_it_holds(s)};

		one.init = (struct ens_t_const){.type = (uint8_t)s->type,
						.null = counts ? ENS_SET : ENS_UNSET}; /* 0 and 0.0 have no bits */
		out[s->index] = one;
		if (s->kind == ENS_SLOT_SUM && s->type == ENS_FLOAT)
			out[s->index + 1] = one;
		for (uint32_t k = 1; s->kind == ENS_SLOT_BACK && k < s->nth; k++)
			out[s->index + k] = one;
	}
	for (uint32_t i = 0; i < list.count; i++)
		ADD(w, slot, &out[i]);
	return list;
}

static struct ens_t_list emit_inputs(struct emission *w, const struct ens_rule_sema *r)
{
	struct ens_t_list list = {COUNT(w, input, struct ens_t_input), r->ninput};

	for (uint32_t i = 0; i < r->ninput; i++) {
		const struct ens_input_sema *in = &r->input[i];
		const struct ens_part part = {.input = in};
		struct ens_t_input out = {.type = in->type->sema->table_index, .filter = ENS_NONE,
					  .key = {COUNT(w, index, uint32_t), r->nkey}};

		if (!in->all)
			out.filter = add_parts(w, in->type, &part, 1);
		for (uint32_t k = 0; k < r->nkey; k++)
			ADD(w, index, &in->key_field[k]);
		ADD(w, input, &out);
	}
	return list;
}

/* The tables that it looks up, ascending. */
static struct ens_t_list emit_tables(struct emission *w, const struct ens_rule_sema *r)
{
	struct ens_t_list list = {COUNT(w, index, uint32_t), 0};
	uint32_t *record = alloc(w, r->ntable, sizeof *record);

	if (!record)
		return list;
	for (uint32_t i = 0; i < r->ntable; i++)
		record[i] = r->table[i]->sema->record;
	qsort(record, r->ntable, sizeof *record, compare_indices);
	for (uint32_t i = 0; i < r->ntable; i++) {
		if (i && record[i] == record[i - 1])
			continue;
		ADD(w, index, &record[i]);
		list.count++;
	}
	return list;
}

static struct ens_t_list emit_outs(struct emission *w, const struct ens_emit_sema *e)
{
	struct ens_t_list list = {COUNT(w, out, struct ens_t_out), e->nout};

	for (uint32_t k = 0; k < e->nout; k++) {
		struct ens_t_out o = {.name = ens_build_name(&w->b, e->out[k].name),
				      .field = ENS_NONE,
				      .type = (uint8_t)e->out[k].expr->type,
				      .element = (uint8_t)ens_expr_element(e->out[k].expr),
				      .meta = e->out[k].meta};

		if (e->derives)
			o.field = ens_map_find_name(&e->derives->sema->field_map, e->out[k].name);
		o.program = ens_code_value(&w->coder, NULL, e->out[k].expr, e->out[k].expr->type);
		ADD(w, out, &o);
	}
	return list;
}

static struct ens_t_list emit_emits(struct emission *w, const struct ens_rule_sema *r)
{
	struct ens_t_list list = {COUNT(w, emit, struct ens_t_emit), r->nemit};

	for (uint32_t i = 0; i < r->nemit; i++) {
		const struct ens_emit_sema *e = &r->emit[i];
		const struct ens_part remove = {.expr = e->remove_when};
		struct ens_t_emit out = {.type = ens_build_name(&w->b, e->type),
					 .kind = (uint8_t)e->kind,
					 .target = (uint8_t)e->target,
					 .derives = e->derives ? e->derives->sema->table_index : ENS_NONE,
					 .name = ENS_NONE,
					 .remove_when = ENS_NONE,
					 .expire_us = e->expire_us};

		if (e->stream)
			out.stream = ens_build_name(&w->b, e->stream);
		if (e->name)
			out.name = ens_code_value(&w->coder, NULL, e->name, ENS_STRING);
		if (e->remove_when)
			out.remove_when = ens_code_parts(&w->coder, NULL, &remove, 1);
		out.outs = emit_outs(w, e);
		ADD(w, emit, &out);
	}
	return list;
}

static void find_in_emit(struct emission *w, struct ens_rule_sema *r, const struct ens_emit_sema *e)
{
	find_slots(w, r, e->name);
	find_slots(w, r, e->remove_when);
	for (uint32_t o = 0; o < e->nout; o++)
		find_slots(w, r, e->out[o].expr);
}

static uint32_t emit_window(struct emission *w, const struct ens_window_sema *x)
{
	struct ens_t_window out;

	if (!x)
		return ENS_NONE;
	out = (struct ens_t_window){.kind = (uint8_t)x->kind, .empty = x->empty, .size = x->size, .every = x->every,
				    .max_us = x->max_us, .forget_us = x->forget_us, .revise_us = x->revise_us};
	if (x->zone)
		out.zone = ens_build_name(&w->b, x->zone);
	return ADD(w, window, &out);
}

static void emit_rule(struct emission *w, uint32_t i, const struct ens_graph *g)
{
	static const uint8_t select_of[] = {
		[ENS_SELECT_ONE] = ENS_T_ONE, [ENS_SELECT_LAST] = ENS_T_LAST, [ENS_SELECT_ALL] = ENS_T_ALL};
	struct ens_decl *decl = w->s->rule[i];
	struct ens_rule_sema *r = decl->sema->rule;
	struct ens_t_rule out = {.name = ens_build_name(&w->b, decl->name.name),
				 .select = r->over ? ENS_T_ONE : select_of[r->match->select],
				 .skip = (uint8_t)r->skip_kind,
				 .having_once = r->having && r->having->once,
				 .limit_count = r->limit_count,
				 .limit_us = r->limit_us,
				 .scope = (uint8_t)r->scope,
				 .ncounter = g->ncounter,
				 .scope_amount = r->scope_amount,
				 .session_max_us = r->session_max_us,
				 .having = ENS_NONE,
				 .window = emit_window(w, r->over),
				 .limit_by = ENS_NONE};

	w->s->diag->work = decl->name.at;
	if (decl->title.name)
		out.title = ens_build_name(&w->b, decl->title.name);
	ens_map_init(&r->slot_map, w->arena);
	find_in_pattern(w, r, r->pattern);
	find_slots(w, r, r->having ? r->having->expr : NULL);
	find_slots(w, r, r->limit ? r->limit->expr3 : NULL);
	for (uint32_t k = 0; k < r->nemit; k++)
		find_in_emit(w, r, &r->emit[k]);
	if (w->arena->failed)
		return;
	ens_slots_place(r);
	w->coder = (struct ens_coder){
		.build = &w->b, .diag = w->s->diag, .rule = r, .rule_index = i, .brackets_count = r->from != NULL};
	out.group = group_of(w, i);
	out.layer = decl->sema->layer;
	out.keygroup = keygroup_of(w, r, out.group);
	out.inputs = emit_inputs(w, r);
	out.tables = emit_tables(w, r);
	out.slots = emit_slots(w, r);
	out.states = (struct ens_t_list){COUNT(w, state, struct ens_t_state), g->nstate};
	for (uint32_t k = 0; k < g->nstate && !w->arena->failed; k++)
		emit_state(w, &g->state[k]);
	out.leads = emit_absences(w, g->leads);
	out.resets = emit_refs(w, r->reset ? r->reset->ref : NULL);
	out.skip_states = (struct ens_t_list){COUNT(w, index, uint32_t), r->nskip_state};
	for (uint32_t k = 0; k < r->nskip_state; k++)
		ADD(w, index, &r->skip_state[k]);
	if (r->limit && r->limit->expr3)
		out.limit_by = ens_code_value(&w->coder, NULL, r->limit->expr3, r->limit->expr3->type);
	out.emits = emit_emits(w, r);
	if (r->having) {
		const struct ens_part having = {.expr = r->having->expr};

		out.having = ens_code_parts(&w->coder, NULL, &having, 1);
	}
	ADD(w, rule, &out);
}

enum ens_status ens_emit_tables(struct ens_sema *s, const struct ens_graph *graph, struct ens_buf *out)
{
	struct emission w = {.s = s, .arena = s->arena};
	uint32_t before = s->diag->nerror;
	enum ens_status st = ENS_ENOMEM;

	ens_build_init(&w.b, s->arena);
	ens_map_init(&w.stream_map, s->arena);
	ens_map_init(&w.group_map, s->arena);
	w.coder = (struct ens_coder){.build = &w.b, .diag = s->diag, .rule_index = ENS_NONE};
	if (number_streams(&w) && link_all(&w)) {
		choose_streams(&w);
		emit_streams(&w);
		for (uint32_t i = 0; i < s->ntype; i++)
			if (s->type[i]->sema->table_index != ENS_NONE)
				emit_type(&w, s->type[i]);
		for (uint32_t i = 0; i < s->nrule && !s->arena->failed && !w.b.failed; i++)
			emit_rule(&w, i, &graph[i]);
		emit_groups(&w);
		st = s->diag->nerror != before ? ENS_ERULES : ens_build_finish(&w.b, out);
	}
	ens_build_free(&w.b);
	return st;
}
