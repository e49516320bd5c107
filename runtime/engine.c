/*
 * The engine around the matcher: which rules an event concerns, which key it has, what is due, what is said.
 *
 * An event looks up the rules that take in its type and may be concerned (dispatch.h), skips those that neither wait for
 * anything under its key nor could start with it, and steps the cell of (rule, key).  Whatever was due before the event's time
 * happens first, in the order of deadline, layer, rule, key (by creation).  What rules derive is offered directly behind what
 * caused it (layers.h).
 * Memory comes from one heap; after warm-up the path allocates nothing new.
 * Tested by tests/unit/test_engine.c, tests/conformance, tests/bench/engine.c.
 */
#include "runtime/engine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/collect.h"
#include "runtime/dispatch.h"
#include "runtime/match.h"
#include "runtime/supported.h"

#define DEFAULT_KEYS_PER_RULE 1000000u
#define DEFAULT_PARTIALS_PER_KEY 10000u
#define DEFAULT_PARTIALS_PER_RULE 1000000u
#define DEFAULT_EMISSIONS_PER_EVENT 10000u
#define DEFAULT_MEMORY_BYTES (UINT64_C(1) << 30)

/* ---- opening ------------------------------------------------------------------------------------------------------ */

struct trigger_gathering {
	struct ens_interest *in;
	bool failed;
};

/* Adds a condition to the interest of its type; equal predicates once. */
static void gather_trigger(void *user, uint32_t type, uint32_t predicate, uint64_t bits)
{
	struct trigger_gathering *w = user;
	struct ens_interest *in = w->in;

	if (type != in->type || w->failed)
		return;
	for (uint32_t i = 0; i < in->ntrigger; i++)
		if (in->trigger[i].predicate == predicate) {
			in->trigger[i].bits |= bits;
			return;
		}
	if ((in->ntrigger & (in->ntrigger - 1)) == 0) { /* full: room doubles at powers of two */
		size_t room = in->ntrigger ? in->ntrigger * 2 : 1;
		struct ens_trigger *bigger = realloc(in->trigger, room * sizeof *bigger);

		if (!bigger) {
			w->failed = true;
			return;
		}
		in->trigger = bigger;
	}
	in->trigger[in->ntrigger++] = (struct ens_trigger){predicate, bits};
}

static int by_type_then_rule(const void *a, const void *b)
{
	const struct ens_interest *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return (x->rule->index > y->rule->index) - (x->rule->index < y->rule->index);
}

/* One index for each type that the group's rules take in. */
static enum ens_status open_dispatch(struct ens_group *g, const struct ens_dispatch_needs *needs)
{
	enum ens_status st = ENS_OK;

	for (uint32_t first = 0, end; first < g->ninterest && st == ENS_OK; first = end) {
		for (end = first + 1; end < g->ninterest && g->interest[end].type == g->interest[first].type; end++)
			;
		st = ens_dispatch_open(needs, &g->interest[first], end - first, &g->interest[first].dispatch);
	}
	return st;
}

static struct ens_cell *cell_of(struct ens_timer *t)
{
	return (struct ens_cell *)(void *)((char *)t - offsetof(struct ens_cell, timer));
}

/* Its cell may be empty then, and go with its key. */
static void expect_due(struct ens_timer *t)
{
	const struct ens_cell *c = cell_of(t);

	ens_keys_expect_drop(c->rule->keys, c->key);
}

static enum ens_status open_group(struct ens_engine *e, uint32_t index)
{
	const struct ens_tables *t = e->tables;
	const struct ens_t_list rules = t->group[index].rules;
	struct ens_group *g = &e->group[index];
	size_t n = 0;

	ens_wheel_init(&g->wheel, INT64_MIN);
	g->wheel.expect = e->options.no_lookahead ? NULL : expect_due;
	g->limit_due_us = INT64_MAX;
	g->now_us = g->last_us = INT64_MIN;
	g->nlayer = 1;
	for (uint32_t i = 0; i < rules.count; i++)
		n += t->rule[t->index[rules.first + i]].inputs.count;
	g->interest = calloc(n + 1, sizeof *g->interest);
	if (!g->interest)
		return ENS_ENOMEM;
	for (uint32_t i = 0; i < rules.count; i++) {
		struct ens_rule *r = &e->rule[t->index[rules.first + i]];

		r->group = g;
		if (r->t->limit_count) {
			r->limit = (struct ens_limit){.count = r->t->limit_count, .length_us = r->t->limit_us};
			r->next_limited = g->limited;
			g->limited = r;
		}
		if (r->t->layer >= g->nlayer)
			g->nlayer = r->t->layer + 1;
		for (uint32_t k = 0; k < r->t->inputs.count; k++) {
			const struct ens_t_input *in = &t->input[r->t->inputs.first + k];

			struct trigger_gathering w = {.in = &g->interest[g->ninterest++]};

			*w.in = (struct ens_interest){.type = in->type, .rule = r, .input = in};
			ens_rule_triggers(r, gather_trigger, &w);
			if (w.failed)
				return ENS_ENOMEM;
		}
	}
	qsort(g->interest, g->ninterest, sizeof *g->interest, by_type_then_rule);
	return ENS_OK;
}

static enum ens_status open_index(struct ens_engine *e)
{
	struct ens_dispatch_needs *needs = ens_dispatch_needs_open(e->tables, e->options.seed);
	enum ens_status st = needs ? ENS_OK : ENS_ENOMEM;

	for (uint32_t i = 0; st == ENS_OK && i < e->tables->ngroup; i++)
		st = open_dispatch(&e->group[i], needs);
	ens_dispatch_needs_close(needs);
	return st;
}

static void note_key_readers(struct ens_engine *e)
{
	const struct ens_tables *t = e->tables;

	for (uint32_t p = 0; p < t->nprogram; p++)
		for (uint32_t i = 0; t->program[p].rule != ENS_NONE && i < t->program[p].code.count; i++)
			if (t->insn[t->program[p].code.first + i].op == ENS_OP_KEY)
				e->rule[t->program[p].rule].reads_key = true;
}

static enum ens_status open_rooms(struct ens_engine *e)
{
	const struct ens_tables *t = e->tables;
	uint32_t parts = 0, outs = 0;

	for (uint32_t i = 0; i < t->nkeygroup; i++)
		if (t->keygroup[i].parts.count > parts)
			parts = t->keygroup[i].parts.count;
	for (uint32_t i = 0; i < t->nemit; i++)
		if (t->emit[i].outs.count > outs)
			outs = t->emit[i].outs.count;
	e->nderived = calloc(t->ntype + 1, sizeof *e->nderived);
	e->memo = calloc(t->npredicate + 1, sizeof *e->memo);
	e->keys = calloc(t->nkeygroup + 1, sizeof *e->keys);
	e->rule = calloc(t->nrule + 1, sizeof *e->rule);
	e->group = calloc(t->ngroup + 1, sizeof *e->group);
	e->key_value = calloc(parts + 1, sizeof *e->key_value);
	e->out_value = calloc(outs + 1, sizeof *e->out_value);
	e->out_approx = calloc(outs + 1, sizeof *e->out_approx);
	e->context.key = e->key_value;
	return e->nderived && e->memo && e->keys && e->rule && e->group && e->key_value && e->out_value && e->out_approx
		       ? ENS_OK
		       : ENS_ENOMEM;
}

static enum ens_status open_all(struct ens_engine *e, struct ens_error *err)
{
	const struct ens_tables *t = e->tables;
	enum ens_status st = ens_context_init(&e->context, t, err);

	if (st == ENS_OK)
		st = open_rooms(e);
	for (uint32_t i = 0; st == ENS_OK && i < t->nkeygroup; i++)
		st = ens_keys_open(&e->keys[i], t, i, &e->heap, e->options.seed);
	for (uint32_t i = 0; st == ENS_OK && i < t->nrule; i++) {
		struct ens_rule *r = &e->rule[i];

		r->t = &t->rule[i];
		r->engine = e;
		r->index = i;
		r->keys = &e->keys[r->t->keygroup];
		st = ens_rule_open(r);
	}
	for (uint32_t i = 0; st == ENS_OK && i < t->ngroup; i++)
		st = open_group(e, i);
	if (st == ENS_OK)
		note_key_readers(e);
	return st == ENS_OK && !e->options.no_index ? open_index(e) : st;
}

enum ens_status ens_engine_open(const struct ens_tables *tables, const struct ens_engine_options *options,
				struct ens_engine **out, struct ens_error *err)
{
	enum ens_status supported = ens_tables_supported(tables, err);
	struct ens_engine *e = supported == ENS_OK ? calloc(1, sizeof *e) : NULL;

	if (supported != ENS_OK)
		return supported;
	if (!e)
		return ens_fail(err, ENS_ENOMEM, "no memory for the engine");
	e->tables = tables;
	e->options = *options;
	if (!e->options.keys_per_rule)
		e->options.keys_per_rule = DEFAULT_KEYS_PER_RULE;
	if (!e->options.partials_per_key)
		e->options.partials_per_key = DEFAULT_PARTIALS_PER_KEY;
	if (!e->options.index_waiting_from)
		e->options.index_waiting_from = ENS_WAITING_FROM;
	if (!e->options.partials_per_rule)
		e->options.partials_per_rule = DEFAULT_PARTIALS_PER_RULE;
	if (!e->options.emissions_per_event)
		e->options.emissions_per_event = DEFAULT_EMISSIONS_PER_EVENT;
	if (!e->options.memory_bytes)
		e->options.memory_bytes = DEFAULT_MEMORY_BYTES;
	ens_heap_init(&e->heap);
	e->heap.no_large_pages = options->no_large_pages;
	ens_layers_open(&e->layers);
	enum ens_status st = open_all(e, err);

	if (st != ENS_OK) {
		ens_engine_close(e);
		return st == ENS_ENOMEM ? ens_fail(err, st, "no memory for the engine") : st;
	}
	*out = e;
	return ENS_OK;
}

static void cost_of_nodes(const struct ens_shared_plan *plan, struct ens_rule_cost *out)
{
	out->shared = true;
	for (uint32_t i = 0; i < plan->nlist; i++) {
		const uint32_t bytes = plan->point[plan->of_list[i]].node_bytes;

		if (bytes > out->node_bytes_max)
			out->node_bytes_max = bytes;
		if (i == 0 || bytes < out->node_bytes_min)
			out->node_bytes_min = bytes;
	}
}

enum ens_status ens_tables_rule_cost(const struct ens_tables *t, uint32_t rule, struct ens_rule_cost *out)
{
	struct ens_rule r = {.t = &t->rule[rule]};

	if (ens_shared_plan_make(t, r.t, &r.shared) != ENS_OK || (!r.shared && ens_waiting_plan_make(t, r.t, &r.waiting) != ENS_OK))
		return ENS_ENOMEM;
	ens_rule_lay_out(&r, t);
	*out = (struct ens_rule_cost){
		.key_bytes = (uint32_t)ens_keys_bytes(t, r.t->keygroup),
		.cell_bytes = (uint32_t)r.cell_bytes,
		.partial_bytes = (uint32_t)r.partial_bytes,
		.event_bytes = (uint32_t)sizeof(struct ens_link),
		.period_bytes = r.t->limit_count ? (uint32_t)ens_limit_bytes(t, rule) : 0,
		.first_event_inside = !r.branches,
		.text_bytes = (uint32_t)sizeof(struct ens_blob),
		.collected_bytes = (uint32_t)sizeof(struct ens_collected),
		.value_bytes = (uint32_t)(sizeof(struct ens_value) + 2 * sizeof(uint16_t)),
		.keys_max = DEFAULT_KEYS_PER_RULE,
		.partials_per_key_max = DEFAULT_PARTIALS_PER_KEY,
		.partials_max = DEFAULT_PARTIALS_PER_RULE,
	};
	if (r.shared)
		cost_of_nodes(r.shared, out);
	ens_shared_plan_free(r.shared);
	ens_waiting_plan_free(r.waiting);
	return ENS_OK;
}

static void unpin(struct ens_engine *e)
{
	for (uint32_t i = 0; i < e->npin; i++)
		ens_blob_release(&e->heap, e->pin[i].blob);
	e->npin = 0;
}

/* ---- cells -------------------------------------------------------------------------------------------------------- */

static struct ens_cell *find_cell(const struct ens_key *key, const struct ens_rule *r)
{
	struct ens_cell *c = key ? key->cells : NULL;

	while (c && c->rule != r)
		c = c->next;
	return c;
}

static void free_cell(struct ens_cell *c)
{
	struct ens_rule *r = c->rule;
	struct ens_cell **at = &c->key->cells;

	ens_match_drop_all(c);
	ens_wheel_remove(&r->group->wheel, &c->timer);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	r->stats.keys--;
	struct ens_key *key = c->key;

	if (c != ens_key_room(key))
		ens_heap_free(&r->engine->heap, c, r->cell_bytes);
	if (!key->cells)
		ens_keys_drop(r->keys, key);
}

static void close_keys(struct ens_keys *k)
{
	for (uint64_t i = 0; k->slot && i <= k->mask; i++) {
		struct ens_key *key = ens_keys_at(k, i);

		while (key && key->cells) {
			struct ens_cell *c = key->cells;

			key->cells = c->next;
			ens_match_drop_all(c);
			if (c != ens_key_room(key))
				ens_heap_free(k->heap, c, c->rule->cell_bytes);
		}
	}
	ens_keys_close(k);
}

static void close_group(struct ens_group *g)
{
	for (uint32_t i = 0; i < g->ninterest; i++) {
		free(g->interest[i].trigger);
		ens_dispatch_close(g->interest[i].dispatch);
	}
	free(g->interest);
}

void ens_engine_close(struct ens_engine *e)
{
	if (!e)
		return;
	unpin(e);
	for (uint32_t i = 0; e->keys && i < e->tables->nkeygroup; i++)
		close_keys(&e->keys[i]);
	for (uint32_t i = 0; e->rule && i < e->tables->nrule; i++)
		if (e->rule[i].engine)
			ens_rule_close(&e->rule[i]);
	for (uint32_t i = 0; e->group && i < e->tables->ngroup; i++)
		close_group(&e->group[i]);
	ens_layers_close(e);
	ens_context_free(&e->context);
	ens_heap_close(&e->heap);
	free(e->nderived);
	free(e->memo);
	free(e->keys);
	free(e->rule);
	free(e->group);
	free(e->key_value);
	free(e->out_value);
	free(e->out_approx);
	free(e->event_ids);
	free(e->identity);
	free(e->due);
	free(e->found);
	free(e->called);
	free(e);
}

/* A new cell for the encoded key; in the key's own room if that is new too. */
static struct ens_cell *make_cell(struct ens_rule *r, struct ens_key *key)
{
	struct ens_engine *e = r->engine;
	struct ens_cell *c;

	if (key) {
		c = ens_heap_alloc(&e->heap, r->cell_bytes);
	} else {
		key = ens_keys_make(r->keys, (uint32_t)r->cell_bytes);
		c = key ? ens_key_room(key) : NULL;
	}
	if (!c) {
		e->failed = ENS_ENOMEM;
		return NULL;
	}
	*c = (struct ens_cell){.next = key->cells, .key = key, .rule = r};
	for (uint32_t i = 0; i < r->t->leads.count; i++)
		c->lead_us[i] = INT64_MIN;
	if (r->record_at)
		*ens_cell_record(c) = (struct ens_record){.told_us = INT64_MIN};
	if (r->shared)
		ens_shared_open_cell(c);
	if (r->waiting)
		*ens_cell_waiting(c) = (struct ens_waiting){0};
	key->cells = c;
	r->stats.keys++;
	return c;
}

/* ---- limits: what started first is dropped first ---------------------------------------------------------------------- */

static int by_start(const void *a, const void *b)
{
	const struct ens_partial *x = *(struct ens_partial *const *)a, *y = *(struct ens_partial *const *)b;

	if (x->start_us != y->start_us)
		return x->start_us < y->start_us ? -1 : 1;
	if (x->cell->key->order != y->cell->key->order)
		return x->cell->key->order < y->cell->key->order ? -1 : 1;
	return (x->start_pos > y->start_pos) - (x->start_pos < y->start_pos);
}

static size_t add_partials(const struct ens_rule *r, const struct ens_cell *c, struct ens_partial **all, size_t n)
{
	const struct ens_record *rec = ens_cell_record(c);

	if (c->rule != r)
		return n;
	for (struct ens_partial *p = c->first; p; p = p->next)
		all[n++] = p;
	for (struct ens_partial *p = rec ? rec->held : NULL; p; p = p->next)
		all[n++] = p;
	return n;
}

/* Far from a limit nobody asks which of a rule's partial matches is the oldest; near it they are listed. */
static enum ens_status list_partials(struct ens_rule *r)
{
	struct ens_partial **all = malloc((r->stats.partials + 1) * sizeof(struct ens_partial *));
	size_t n = 0;

	if (!all)
		return ENS_ENOMEM;
	for (uint64_t i = 0; i <= r->keys->mask; i++) {
		struct ens_key *key = ens_keys_at(r->keys, i);

		for (struct ens_cell *c = key ? key->cells : NULL; c; c = c->next)
			n = add_partials(r, c, all, n);
	}
	qsort(all, n, sizeof(struct ens_partial *), by_start);
	ens_match_list(r, all, n);
	free(all);
	return ENS_OK;
}

static void drop_oldest(struct ens_rule *r, const struct ens_cell *at_hand)
{
	struct ens_cell *of = r->oldest->cell;

	ens_match_drop(r->oldest);
	ens_match_settle(of, r->group->now_us);
	if (of != at_hand && ens_match_empty(of))
		free_cell(of);
}

/* Is a limit that concerns the whole rule, or the `part`-th of it, exceeded? */
static bool beyond(const struct ens_rule *r, uint32_t part)
{
	const struct ens_engine_options *o = &r->engine->options;

	return r->stats.partials > o->partials_per_rule / part || r->stats.keys > o->keys_per_rule / part
	       || r->engine->heap.used_bytes > o->memory_bytes / part;
}

/* ---- the same where matches are shared -------------------------------------------------------------------------------- */

/* A cell with something in it, and its earliest start. */
struct aged {
	struct ens_cell *cell;
	int64_t start_us;
};

static bool is_older(const struct aged *a, const struct aged *b)
{
	return a->start_us != b->start_us ? a->start_us < b->start_us : a->cell->key->order < b->cell->key->order;
}

/* The oldest of a[at] and those below it comes up. */
static void sift_down(struct aged *a, size_t n, size_t at)
{
	for (size_t kid; (kid = 2 * at + 1) < n; at = kid) {
		kid += kid + 1 < n && is_older(&a[kid + 1], &a[kid]);
		if (!is_older(&a[kid], &a[at]))
			return;
		const struct aged other = a[at];

		a[at] = a[kid];
		a[kid] = other;
	}
}

/* The rule's cells, the one with the earliest start first, as a heap. */
static struct aged *gather_cells(struct ens_rule *r, size_t *n)
{
	struct aged *all = malloc((r->stats.keys + 1) * sizeof *all);

	*n = 0;
	for (uint64_t i = 0; all && i <= r->keys->mask; i++) {
		struct ens_cell *c = find_cell(ens_keys_at(r->keys, i), r);

		if (c && ens_shared_oldest(c, &all[*n].start_us))
			all[(*n)++].cell = c;
	}
	for (size_t i = all ? *n / 2 : 0; i-- > 0;)
		sift_down(all, *n, i);
	return all;
}

/* Looking for what is oldest costs as much as there are keys, so a sixteenth more goes than has to. */
static bool is_well_below(const struct ens_rule *r)
{
	const struct ens_engine_options *o = &r->engine->options;

	return r->stats.partials <= o->partials_per_rule - o->partials_per_rule / 16 &&
	       r->stats.keys <= o->keys_per_rule - o->keys_per_rule / 16 &&
	       r->engine->heap.used_bytes <= o->memory_bytes - o->memory_bytes / 16;
}

static void keep_limits_shared(struct ens_rule *r, struct ens_cell *at_hand)
{
	const struct ens_engine_options *o = &r->engine->options;
	const bool keys = r->stats.keys > o->keys_per_rule, partials = r->stats.partials > o->partials_per_rule;
	struct aged *all;
	size_t n;

	if (!keys && !partials && r->engine->heap.used_bytes <= o->memory_bytes)
		return;
	all = gather_cells(r, &n);
	if (!all) {
		r->engine->failed = ENS_ENOMEM;
		return;
	}
	while (n && !is_well_below(r)) {
		struct ens_cell *c = all[0].cell;

		if (keys)
			ens_match_clear(c);
		else
			ens_shared_drop_oldest(c);
		*(keys ? &r->stats.dropped_keys : partials ? &r->stats.dropped_per_rule : &r->stats.dropped_memory) += 1;
		if (!ens_shared_oldest(c, &all[0].start_us)) {
			if (c != at_hand && ens_match_empty(c))
				free_cell(c);
			all[0] = all[--n];
		}
		sift_down(all, n, 0);
	}
	free(all);
}

/* After each event that left something in `c`, the cell at hand; it stays, empty or not. */
static void keep_limits(struct ens_rule *r, struct ens_cell *c)
{
	struct ens_engine *e = r->engine;
	const struct ens_engine_options *o = &e->options;

	if (r->shared) {
		keep_limits_shared(r, c);
		return;
	}
	for (; c->npartial > o->partials_per_key; r->stats.dropped_per_key++)
		ens_match_drop(ens_match_oldest(c));
	ens_match_settle(c, r->group->now_us);
	bool over = beyond(r, 1);

	if (over && !r->listed)
		e->failed = list_partials(r);
	else if (!over && r->listed)
		r->listed = beyond(r, 2);
	if (!over || e->failed != ENS_OK)
		return;
	for (; r->stats.partials > o->partials_per_rule; r->stats.dropped_per_rule++)
		drop_oldest(r, c);
	for (; r->oldest && e->heap.used_bytes > o->memory_bytes; r->stats.dropped_memory++)
		drop_oldest(r, c);
	for (; e->heap.used_bytes > o->memory_bytes && ens_limit_drop_oldest(&r->limit, &e->heap); r->stats.dropped_periods++)
		;
	if (r->stats.keys <= o->keys_per_rule)
		return;
	r->stats.dropped_keys++;
	if (r->oldest && r->oldest->cell != c)
		free_cell(r->oldest->cell);
	else
		ens_match_clear(c); /* nothing older: the newcomer goes; the caller frees what is empty */
}

/* ---- time --------------------------------------------------------------------------------------------------------- */

static int by_rule_then_key(const void *a, const void *b)
{
	const struct ens_cell *x = *(struct ens_cell *const *)a, *y = *(struct ens_cell *const *)b;

	if (x->rule != y->rule)
		return x->rule->index < y->rule->index ? -1 : 1;
	return (x->key->order > y->key->order) - (x->key->order < y->key->order);
}

/* Periods of limits that have ended at to_us are forgotten. */
static void forget_periods(struct ens_engine *e, struct ens_group *g, int64_t to_us)
{
	g->limit_due_us = INT64_MAX;
	for (struct ens_rule *r = g->limited; r; r = r->next_limited) {
		ens_limit_forget(&r->limit, &e->heap, to_us);

		int64_t due_us = ens_limit_due(&r->limit);

		if (due_us < g->limit_due_us)
			g->limit_due_us = due_us;
	}
}

static enum ens_status add_due(struct ens_engine *e, struct ens_cell *c)
{
	if (e->ndue == e->due_cap) {
		uint32_t cap = e->due_cap ? e->due_cap * 2 : 64;
		struct ens_cell **bigger = realloc(e->due, cap * sizeof(struct ens_cell *));

		if (!bigger)
			return ENS_ENOMEM;
		e->due = bigger;
		e->due_cap = cap;
	}
	e->due[e->ndue++] = c;
	return ENS_OK;
}

/* The event at hand is over: what was borrowed for it is given back. */
static void end_event(struct ens_engine *e)
{
	unpin(e);
	ens_program_reset(&e->context);
}

/* What is due at time_us in the cells gathered in e->due, by rule and key. */
static enum ens_status fire_cells(struct ens_engine *e, int64_t time_us)
{
	if (e->ndue > 1)
		qsort(e->due, e->ndue, sizeof(struct ens_cell *), by_rule_then_key);
	for (uint32_t i = 0; i < e->ndue && e->failed == ENS_OK; i++) {
		struct ens_cell *c = e->due[i];

		if (c->rule->reads_key)
			ens_cell_look_at_key(c);
		ens_match_due(c, time_us);
		end_event(e);
		if (ens_match_empty(c))
			free_cell(c);
	}
	return e->failed;
}

int64_t ens_engine_next_due(const struct ens_engine *e, uint32_t group)
{
	const struct ens_group *g = &e->group[group];
	int64_t due_us = ens_wheel_next(&g->wheel);

	return due_us < g->limit_due_us ? due_us : g->limit_due_us;
}

/* ---- events ------------------------------------------------------------------------------------------------------- */

/* Types come in any order, so the search does not branch on them. */
static const struct ens_interest *first_interest(struct ens_group *g, uint32_t type)
{
	const struct ens_interest *in = g->interest;
	uint32_t n = g->ninterest, *found = &g->found[type % ENS_FOUND_TYPES];

	if (n && in[*found].type == type)
		return &in[*found];
	for (; n > 1; n -= n / 2)
		in += (in[n / 2 - 1].type < type) * (n / 2);
	in += n && in->type < type;
	*found = in < g->interest + g->ninterest ? (uint32_t)(in - g->interest) : 0;
	return in;
}

/* What of the rule's triggers the event at hand satisfies (M5). */
static uint64_t trigger_bits(struct ens_engine *e, const struct ens_interest *in)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < in->ntrigger; i++)
		if (ens_predicate_holds(e, in->trigger[i].predicate))
			bits |= in->trigger[i].bits;
	return bits;
}

/* The event goes to one rule. */
static enum ens_status offer(struct ens_engine *e, const struct ens_interest *in, const struct ens_event *ev)
{
	struct ens_rule *r = in->rule;
	bool valid, session = r->t->scope == ENS_T_SESSION;

	if (!ens_predicate_holds(e, in->input->filter))
		return ENS_OK;
	uint64_t bits = trigger_bits(e, in);

	if (!bits && !session && !r->positional)
		return ENS_OK; /* nothing can wait for it */
	r->stats.concerned++;
	const bool begins = session || bits & (r->start_mask | r->lead_mask);

	if (!begins && !r->stats.keys)
		return ENS_OK; /* as below, whatever its key is */
	enum ens_status st = ens_keys_encode(r->keys, &e->tables->index[in->input->key.first], ev->value, &valid);

	if (st != ENS_OK || !valid)
		return st;
	struct ens_key *key = ens_keys_find(r->keys);
	struct ens_cell *c = find_cell(key, r);

	if (!c && !begins)
		return ENS_OK; /* nothing waits for it and nothing begins with it */
	if (!c && !(c = make_cell(r, key)))
		return e->failed;
	if (r->reads_key)
		ens_cell_look_at_key(c);
	ens_match_event(c, ev, bits);
	if (e->failed == ENS_OK && !ens_match_empty(c))
		keep_limits(r, c);
	if (ens_match_empty(c))
		free_cell(c);
	return e->failed;
}

/* The event goes to the rules that the index finds for it. */
static enum ens_status offer_found(struct ens_engine *e, const struct ens_interest *first, const struct ens_event *ev)
{
	enum ens_status st = ENS_OK;
	struct ens_dispatch_walk w;
	uint32_t i;

	ens_dispatch_find(first->dispatch, ev->value, &w);
	while (st == ENS_OK && (i = ens_dispatch_next(&w)) != ENS_NONE)
		st = offer(e, first + i, ev);
	return st;
}

/* The event goes to all rules of the group that take it in. */
static enum ens_status offer_all(struct ens_engine *e, struct ens_group *g, const struct ens_event *ev)
{
	enum ens_status st = ENS_OK;

	if (++e->serial > UINT32_MAX >> 1) { /* the serials of predicate memos begin anew */
		memset(e->memo, 0, e->tables->npredicate * sizeof *e->memo);
		e->serial = 1;
	}
	g->last_us = ev->time_us;
	e->context.event = ev;
	const struct ens_interest *in = first_interest(g, ev->type), *end = g->interest + g->ninterest;

	if (in < end && in->type == ev->type && in->dispatch)
		st = offer_found(e, in, ev);
	else
		for (; st == ENS_OK && in < end && in->type == ev->type; in++)
			st = offer(e, in, ev);
	end_event(e);
	e->context.event = NULL;
	if (st != ENS_OK)
		e->failed = st;
	return st;
}

/* What was derived, and what that derives in turn. */
static enum ens_status offer_derived(struct ens_engine *e, struct ens_group *g)
{
	const struct ens_event *ev;

	while (e->failed == ENS_OK && (ev = ens_layers_next(e))) {
		e->nderived[ev->type]++;
		if (e->watch.before)
			e->watch.before(e->watch.user, (uint32_t)(g - e->group), ev);

		enum ens_status st = offer_all(e, g, ev);

		if (e->watch.before)
			e->watch.after(e->watch.user, (uint32_t)(g - e->group), ev);
		ens_layers_done(e);
		if (st != ENS_OK)
			return st;
	}
	return e->failed;
}

/* ---- deadlines ------------------------------------------------------------------------------------------------------ */

/* Of the cells due at at_us those of the lowest layer stay: events that it derives come before the deadlines above it. */
static void put_back_higher(struct ens_engine *e, struct ens_group *g, int64_t at_us)
{
	uint32_t lowest = UINT32_MAX, n = 0;

	for (uint32_t i = 0; i < e->ndue; i++)
		if (e->due[i]->rule->t->layer < lowest)
			lowest = e->due[i]->rule->t->layer;
	for (uint32_t i = 0; i < e->ndue; i++) {
		if (e->due[i]->rule->t->layer == lowest)
			e->due[n++] = e->due[i];
		else
			ens_wheel_add(&g->wheel, &e->due[i]->timer, at_us);
	}
	e->ndue = n;
}

/* Everything due at or before to_us, by deadline, layer, rule, key. */
static enum ens_status fire(struct ens_engine *e, struct ens_group *g, int64_t to_us)
{
	struct ens_timer *t = ens_wheel_pop(&g->wheel, to_us);

	while (t) {
		int64_t at_us = t->deadline_us;

		for (e->ndue = 0; t && t->deadline_us == at_us; t = ens_wheel_pop(&g->wheel, at_us))
			if (add_due(e, cell_of(t)) != ENS_OK)
				return e->failed = ENS_ENOMEM;
		if (g->nlayer > 1)
			put_back_higher(e, g, at_us);
		if (fire_cells(e, at_us) != ENS_OK || offer_derived(e, g) != ENS_OK)
			return e->failed;
		t = ens_wheel_pop(&g->wheel, to_us);
	}
	if (g->limit_due_us <= to_us && g->limited)
		forget_periods(e, g, to_us);
	return ENS_OK;
}

/* Everything that is ever due.  The wheel stays at the last deadline: what is derived at the end may have more. */
static enum ens_status fire_all(struct ens_engine *e, struct ens_group *g)
{
	enum ens_status st = ENS_OK;
	int64_t next_us;

	while (st == ENS_OK && (next_us = ens_wheel_next(&g->wheel)) != ENS_NEVER)
		st = fire(e, g, next_us);
	return st;
}

/* Scopes without an end have theirs too: a greedy repetition that could have gone on for ever is complete. */
static enum ens_status end_of_layer(struct ens_engine *e, struct ens_group *g, uint32_t layer)
{
	e->ndue = 0;
	for (uint32_t k = 0; k < e->tables->nkeygroup; k++)
		for (uint64_t i = 0; i <= e->keys[k].mask; i++) {
			struct ens_key *key = ens_keys_at(&e->keys[k], i);

			for (struct ens_cell *c = key ? key->cells : NULL; c; c = c->next)
				if (c->rule->group == g && c->rule->t->layer == layer && add_due(e, c) != ENS_OK)
					return e->failed = ENS_ENOMEM;
		}
	if (fire_cells(e, INT64_MAX) != ENS_OK || offer_derived(e, g) != ENS_OK)
		return e->failed;
	return fire_all(e, g);
}

static enum ens_status end_of_time(struct ens_engine *e, struct ens_group *g)
{
	enum ens_status st = fire_all(e, g);

	for (uint32_t layer = 0; st == ENS_OK && layer < g->nlayer; layer++)
		st = end_of_layer(e, g, layer);
	return st == ENS_OK ? fire(e, g, INT64_MAX) : st;
}

enum ens_status ens_engine_advance(struct ens_engine *e, uint32_t group, int64_t watermark_us)
{
	struct ens_group *g = &e->group[group];

	if (e->failed != ENS_OK)
		return e->failed;
	e->context.event = NULL;
	if (watermark_us > g->now_us)
		g->now_us = watermark_us;
	return watermark_us == INT64_MAX ? end_of_time(e, g) : fire(e, g, watermark_us);
}

enum ens_status ens_engine_push(struct ens_engine *e, uint32_t group, const struct ens_event *ev)
{
	struct ens_group *g = &e->group[group];

	if (e->failed != ENS_OK)
		return e->failed;
	assert(!g->started || ev->time_us >= g->now_us);
	e->context.event = NULL;
	if (e->watch.before)
		e->watch.before(e->watch.user, group, ev);
	if (ev->time_us > INT64_MIN && fire(e, g, ev->time_us - 1) != ENS_OK)
		return e->failed;
	if (ev->time_us > g->now_us)
		g->now_us = ev->time_us;
	g->started = true;
	if (!g->watch_set) {
		g->watch_set = true;
		g->watch_start_us = ev->time_us;
	}
	e->from_file = ev->from_file;
	enum ens_status st = offer_all(e, g, ev);

	if (e->watch.before)
		e->watch.after(e->watch.user, group, ev);
	return st == ENS_OK ? offer_derived(e, g) : st;
}

void ens_engine_watch(struct ens_engine *e, const struct ens_engine_watch *watch)
{
	e->watch = *watch;
}

void ens_engine_expect(struct ens_engine *e, uint32_t group, const struct ens_event *ev)
{
	struct ens_group *g = &e->group[group];
	const struct ens_interest *in = first_interest(g, ev->type);
	bool valid;

	/* One key an event: further rules mostly have the same. */
	if (e->options.no_lookahead || in == g->interest + g->ninterest || in->type != ev->type)
		return;
	if (ens_keys_encode(in->rule->keys, &e->tables->index[in->input->key.first], ev->value, &valid) != ENS_OK || !valid)
		return;
	struct ens_key *near = ens_keys_expect(in->rule->keys);

	const char *first = near && near->cells ? (const char *)near->cells->first : NULL;

	if (first) {
		__builtin_prefetch(first);
		__builtin_prefetch(first + 64);
		__builtin_prefetch(first + 128);
	}
}

/* ---- what others may know ----------------------------------------------------------------------------------------- */

int64_t ens_engine_now(const struct ens_engine *e, uint32_t group)
{
	return e->group[group].now_us;
}

bool ens_engine_watch_start(const struct ens_engine *e, uint32_t group, int64_t *out_us)
{
	*out_us = e->group[group].watch_start_us;
	return e->group[group].watch_set;
}

void ens_engine_set_watch_start(struct ens_engine *e, uint32_t group, int64_t us)
{
	e->group[group].watch_start_us = us;
	e->group[group].watch_set = true;
}

void ens_engine_rule_stats(const struct ens_engine *e, uint32_t rule, struct ens_rule_stats *out)
{
	*out = e->rule[rule].stats;
	out->shared = e->rule[rule].shared;
}

bool ens_engine_idle(const struct ens_engine *e)
{
	for (uint32_t i = 0; i < e->tables->nkeygroup; i++)
		if (e->keys[i].count)
			return false;
	for (uint32_t i = 0; i < e->tables->nrule; i++)
		if (e->rule[i].limit.n)
			return false;
	return true;
}

uint64_t ens_engine_bytes(const struct ens_engine *e)
{
	return e->heap.used_bytes;
}

uint64_t ens_engine_derived(const struct ens_engine *e, uint32_t type)
{
	return e->nderived[type];
}

uint64_t ens_engine_nulled(const struct ens_engine *e)
{
	return e->context.nulled;
}
