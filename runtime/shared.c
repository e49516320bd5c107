/*
 * Cells of shared rules: what an event adds to the nodes of a key, and what goes when starts are over (runtime/shared.h).
 *
 * The idea is that of the timed enumerable compact set of M. Bucchi, A. Grez, A. Quintana, C. Riveros and S. Vansummeren
 * (CORE: a COmplex event Recognition Engine, PVLDB 15(9), 2022): all open matches are one graph whose nodes know the latest
 * start below them, so upkeep per event does not depend on how many they are, and what is over is never looked at.  Here
 * the unions are stretches of lists by position instead of nodes: what a way leads on from is always all that a point took
 * since some event, as conditions look at events alone.
 *
 * Guarantee: no two ways through the nodes to one that completes are the same match; none is missing that began with a
 * start which is still in scope.  Cost: an event, the ways into the points that take it and the ways that it closes;
 * expiry, once a node.  Tested by tests/unit/test_shared.c, tests/conformance (cases, differential, replay).
 */
#include "runtime/shared.h"

#include <string.h>

#include "runtime/match.h"

/* ---- starts --------------------------------------------------------------------------------------------------------- */

/* Which start an event at this position and time would be: A2. */
static int64_t start_of(const struct ens_rule *r, uint64_t pos, int64_t time_us)
{
	return r->t->scope == ENS_T_TIME ? time_us : (int64_t)pos;
}

/* The earliest start that the event at hand is in scope of. */
static int64_t live_from(const struct ens_cell *c, int64_t time_us)
{
	const struct ens_t_rule *t = c->rule->t;
	int64_t from = INT64_MIN;

	if (t->scope == ENS_T_TIME)
		from = ens_time_add(time_us, -t->scope_amount);
	else if (t->scope == ENS_T_EVENTS)
		from = ens_time_add((int64_t)c->pos + 1, -t->scope_amount);
	return from > ens_cell_shared(c)->floor ? from : ens_cell_shared(c)->floor;
}

/* ---- lists ---------------------------------------------------------------------------------------------------------- */

enum ens_type ens_shared_value_type(const struct ens_rule *r, const struct ens_t_capture *k)
{
	const struct ens_tables *t = r->engine->tables;

	/* What is only counted is kept as there or not; what does not come from the event, not at all. */
	if (k->kind == ENS_T_COUNT || t->program[k->program].rule != ENS_NONE)
		return ENS_BOOL;
	return (enum ens_type)t->slot[r->t->slots.first + k->slot].type;
}

static const struct ens_t_list *captures(const struct ens_rule *r, const struct ens_shared_point *q)
{
	return &r->state[q->state].captures;
}

/* What the node keeps goes. */
static void release(struct ens_rule *r, const struct ens_shared_point *q, struct ens_shared_node *n)
{
	const struct ens_t_list *l = captures(r, q);
	struct ens_value *v = ens_shared_values(q, n);

	for (uint32_t i = 0; r->shared->counted && i < l->count; i++)
		if (!v[i].null && ens_type_is_bytes(ens_shared_value_type(r, &r->engine->tables->capture[l->first + i])))
			ens_blob_release(&r->engine->heap, ens_blob_of(&v[i]));
}

bool ens_shared_list_room(struct ens_cell *c, uint32_t list, uint32_t cap)
{
	struct ens_rule *r = c->rule;
	struct ens_shared_list *l = &ens_shared_lists(r->shared, ens_cell_shared(c))[list];
	const uint32_t size = r->shared->point[r->shared->of_list[list]].node_bytes, head = l->cap - l->first;
	char *node = ens_heap_alloc(&r->engine->heap, (size_t)cap * size);

	if (!node) {
		r->engine->failed = ENS_ENOMEM;
		return false;
	}
	if (!l->n) {
		/* nothing moves */
	} else if (l->n <= head) {
		memcpy(node, l->node + (size_t)l->first * size, (size_t)l->n * size);
	} else {
		memcpy(node, l->node + (size_t)l->first * size, (size_t)head * size);
		memcpy(node + (size_t)head * size, l->node, (size_t)(l->n - head) * size);
	}
	ens_heap_free(&r->engine->heap, l->node, (size_t)l->cap * size);
	*l = (struct ens_shared_list){.node = node, .n = l->n, .cap = cap};
	return true;
}

static void drop_list(struct ens_cell *c, uint32_t list)
{
	struct ens_rule *r = c->rule;
	const struct ens_shared_point *q = &r->shared->point[r->shared->of_list[list]];
	struct ens_shared_list *l = &ens_shared_lists(r->shared, ens_cell_shared(c))[list];

	for (uint32_t i = 0; r->shared->counted && i < l->n; i++)
		release(r, q, ens_shared_node_at(l, q->node_bytes, i));
	c->npartial -= l->n;
	r->stats.partials -= l->n;
	ens_heap_free(&r->engine->heap, l->node, (size_t)l->cap * q->node_bytes);
	*l = (struct ens_shared_list){0};
}

/* What is dead goes from the front.  A list that becomes much too large shrinks. */
static void prune(struct ens_cell *c, uint32_t list, int64_t floor)
{
	struct ens_rule *r = c->rule;
	const struct ens_shared_point *q = &r->shared->point[r->shared->of_list[list]];
	struct ens_shared_list *l = &ens_shared_lists(r->shared, ens_cell_shared(c))[list];
	uint32_t gone = 0;

	while (l->n) {
		struct ens_shared_node *n = ens_shared_node_at(l, q->node_bytes, 0);

		if (n->reach >= floor)
			break;
		release(r, q, n);
		l->first = (l->first + 1) & (l->cap - 1);
		l->n--;
		gone++;
	}
	if (!gone)
		return;
	c->npartial -= gone;
	r->stats.partials -= gone;
	if (!l->n)
		drop_list(c, list);
	else if (l->cap > 8 && l->n <= l->cap / 8 && !ens_shared_list_room(c, list, l->cap / 4))
		return; /* the engine has failed */
}

struct ens_shared_node *ens_shared_append(struct ens_cell *c, uint32_t list)
{
	struct ens_rule *r = c->rule;
	struct ens_shared_list *l = &ens_shared_lists(r->shared, ens_cell_shared(c))[list];

	if (l->n == l->cap && (l->cap > UINT32_MAX / 4 || !ens_shared_list_room(c, list, l->cap ? l->cap * 2 : 1))) {
		r->engine->failed = ENS_ENOMEM;
		return NULL;
	}
	c->npartial++;
	r->stats.partials++;
	l->n++;
	return ens_shared_node_at(l, r->shared->point[r->shared->of_list[list]].node_bytes, l->n - 1);
}

void ens_shared_lead_on(struct ens_cell *c, uint32_t list, const struct ens_shared_node *n)
{
	const struct ens_shared_plan *plan = c->rule->shared;
	const struct ens_t_list out = plan->point[plan->of_list[list]].out;
	struct ens_shared_open *open = ens_shared_opens(ens_cell_shared(c));

	for (uint32_t k = out.first; k < out.first + out.count; k++) {
		struct ens_shared_open *o = &open[plan->way[k].gate];

		if (plan->way[k].arrow == ENS_T_NEXT)
			*o = (struct ens_shared_open){.since = n->pos, .reach = n->reach};
		else if (n->pos >= o->since && n->reach > o->reach)
			o->reach = n->reach;
	}
}

/* ---- cells ---------------------------------------------------------------------------------------------------------- */

void ens_shared_open_cell(struct ens_cell *c)
{
	const struct ens_shared_plan *plan = c->rule->shared;
	struct ens_shared_cell *a = ens_cell_shared(c);

	memset(a, 0, ens_shared_cell_bytes(plan));
	a->newest = a->floor = INT64_MIN;
	for (uint32_t k = 0; k < plan->ngate; k++)
		ens_shared_opens(a)[k].reach = INT64_MIN;
}

void ens_shared_clear(struct ens_cell *c)
{
	const struct ens_shared_plan *plan = c->rule->shared;
	struct ens_shared_cell *a = ens_cell_shared(c);

	for (uint32_t i = 0; i < plan->nlist; i++)
		drop_list(c, i);
	a->newest = a->floor = INT64_MIN;
	for (uint32_t k = 0; k < plan->ngate; k++)
		ens_shared_opens(a)[k] = (struct ens_shared_open){.reach = INT64_MIN};
}

static void prune_all(struct ens_cell *c, int64_t floor)
{
	if (ens_cell_shared(c)->newest < floor) {
		ens_shared_clear(c);
		return;
	}
	for (uint32_t i = 0; i < c->rule->shared->nlist; i++)
		prune(c, i, floor);
}

void ens_shared_rearm(struct ens_cell *c)
{
	if (c->npartial && c->rule->t->scope == ENS_T_TIME)
		ens_cell_arm(c, ens_time_add(ens_cell_shared(c)->newest, c->rule->t->scope_amount));
}

void ens_shared_due(struct ens_cell *c, int64_t time_us)
{
	if (time_us == INT64_MAX)
		ens_shared_clear(c);
	else if (c->rule->t->scope == ENS_T_TIME)
		prune_all(c, ens_time_add(ens_time_add(time_us, -c->rule->t->scope_amount), 1));
}

/* ---- too many ------------------------------------------------------------------------------------------------------- */

/* The node with the earliest start; of several the first, which is that start where it is still there. */
static const struct ens_shared_node *oldest(struct ens_cell *c)
{
	const struct ens_shared_plan *plan = c->rule->shared;
	const struct ens_shared_list *l = ens_shared_lists(plan, ens_cell_shared(c));
	const struct ens_shared_node *first = NULL;

	for (uint32_t i = 0; i < plan->nlist; i++) {
		const struct ens_shared_node *n = l[i].n ? ens_shared_node_at(&l[i], plan->point[plan->of_list[i]].node_bytes, 0) : NULL;

		if (n && (!first || n->reach < first->reach || (n->reach == first->reach && n->pos < first->pos)))
			first = n;
	}
	return first;
}

bool ens_shared_oldest(struct ens_cell *c, int64_t *start_us)
{
	const struct ens_shared_node *n = oldest(c);

	if (n)
		*start_us = c->rule->t->scope == ENS_T_TIME ? n->reach : n->time_us;
	return n;
}

void ens_shared_drop_oldest(struct ens_cell *c)
{
	const struct ens_shared_node *n = oldest(c);
	struct ens_shared_cell *a = ens_cell_shared(c);

	if (!n)
		return;
	a->floor = n->reach + 1;
	prune_all(c, a->floor);
}

/* ---- events --------------------------------------------------------------------------------------------------------- */

/* The latest start that came to where way k leads on from, for the event at hand. */
static int64_t reach_by(const struct ens_shared_way *w, const struct ens_shared_open *open, uint64_t pos)
{
	return w->arrow == ENS_T_NEXT && open->since + 1 != pos ? INT64_MIN : open->reach;
}

static void keep_values(struct ens_rule *r, const struct ens_shared_point *q, struct ens_shared_node *n)
{
	struct ens_engine *e = r->engine;
	const struct ens_t_list *l = captures(r, q);
	struct ens_value *v = ens_shared_values(q, n);

	for (uint32_t i = 0; i < l->count; i++) {
		const struct ens_t_capture *k = &e->tables->capture[l->first + i];

		v[i] = (struct ens_value){.null = ENS_NULL};
		if (e->tables->program[k->program].rule != ENS_NONE)
			continue;
		v[i] = ens_program_run(&e->context, k->program);
		if (k->kind == ENS_T_COUNT)
			v[i] = (struct ens_value){.null = v[i].null};
		else if (!v[i].null && ens_type_is_bytes(ens_shared_value_type(r, k)))
			ens_value_keep(e, &v[i]);
	}
}

/* One at a time: what waits at the looped point, and is not over, goes down its ways. */
static void try_looped(struct ens_cell *c, uint64_t bits, uint32_t at, int64_t floor)
{
	struct ens_shared_plan *plan = c->rule->shared;
	const struct ens_shared_open *open = ens_shared_opens(ens_cell_shared(c));
	const struct ens_t_list out = plan->point[at].out;
	uint64_t skipped = 0;

	for (uint32_t k = 0; k < out.count; k++) {
		const struct ens_shared_way *w = &plan->way[out.first + k];
		const int64_t reach = reach_by(w, &open[w->gate], c->pos);

		if (skipped >> k & 1 || w->arrow == ENS_T_ANY || !(bits & plan->symbol[plan->point[w->to].symbol].bit) ||
		    reach < floor || reach == INT64_MIN)
			continue;
		skipped |= w->skips;
		plan->moved |= UINT64_C(1) << at;
	}
	plan->skipped[at] = skipped;
}

static bool is_skipped(const struct ens_shared_plan *plan, uint32_t way)
{
	const uint32_t from = plan->way[way].from;

	return plan->point[from].looped && plan->skipped[from] >> (way - plan->point[from].out.first) & 1;
}

/* The step of point q could take the event.  If a live match comes there with it, that is a fresh node. */
static void arrive(struct ens_cell *c, const struct ens_event *ev, uint64_t bits, uint32_t at, int64_t floor)
{
	struct ens_rule *r = c->rule;
	struct ens_shared_plan *plan = r->shared;
	const struct ens_shared_point *q = &plan->point[at];
	struct ens_shared_cell *a = ens_cell_shared(c);
	struct ens_shared_node *n = ens_shared_fresh(plan, plan->nfresh);
	int64_t reach = INT64_MIN;

	for (uint32_t i = q->in.first; i < q->in.first + q->in.count; i++) {
		const uint32_t k = plan->in[i];
		const struct ens_shared_way *w = &plan->way[k];
		const struct ens_shared_open *open = w->from ? &ens_shared_opens(a)[w->gate] : NULL;
		const bool barred = bits & w->bars || is_skipped(plan, k);
		const int64_t by = open ? reach_by(w, open, c->pos) : start_of(r, c->pos, ev->time_us);

		if (w->since_at != ENS_NONE)
			n->since[w->since_at] = barred ? c->pos : w->arrow == ENS_T_NEXT ? c->pos - 1 : open ? open->since : 0;
		if (barred)
			continue;
		if (w->from == 0) {
			a->newest = by;
			plan->begun++;
		}
		if (by > reach)
			reach = by;
	}
	if (reach < floor || reach == INT64_MIN)
		return;
	n->id = ev->id;
	n->pos = c->pos;
	n->time_us = ev->time_us;
	n->reach = reach;
	keep_values(r, q, n);
	plan->fresh_point[plan->nfresh++] = at;
}

/* Fresh nodes come to where they lead on from, or go. */
static void settle(struct ens_cell *c, int64_t floor)
{
	struct ens_rule *r = c->rule;
	struct ens_shared_plan *plan = r->shared;

	for (uint32_t i = 0; i < plan->nfresh; i++) {
		const struct ens_shared_point *q = &plan->point[plan->fresh_point[i]];
		struct ens_shared_node *fresh = ens_shared_fresh(plan, i), *n = NULL;

		if (q->list != ENS_NONE && r->engine->failed == ENS_OK) {
			prune(c, q->list, floor);
			n = ens_shared_append(c, q->list);
		}
		if (!n) {
			release(r, q, fresh);
			continue;
		}
		memcpy(n, fresh, q->node_bytes);
		ens_shared_lead_on(c, q->list, n);
	}
}

/* Matches are complete with the event at hand. */
static void complete(struct ens_cell *c, const struct ens_event *ev, int64_t floor)
{
	struct ens_rule *r = c->rule;
	struct ens_shared_plan *plan = r->shared;

	ens_shared_report(c, floor, ev->time_us);
	if (r->t->skip != ENS_T_SKIP_ALL && !r->one)
		return;
	ens_shared_clear(c);
	for (uint32_t i = 0; i < plan->nfresh; i++)
		release(r, &plan->point[plan->fresh_point[i]], ens_shared_fresh(plan, i));
	plan->nfresh = 0;
}

static void close_ways(struct ens_cell *c, uint64_t bits)
{
	const struct ens_shared_plan *plan = c->rule->shared;
	struct ens_shared_open *open = ens_shared_opens(ens_cell_shared(c));

	for (; bits; bits &= bits - 1) {
		const struct ens_t_list l = plan->symbol[plan->symbol_of_bit[__builtin_ctzll(bits)]].closes;

		for (uint32_t i = l.first; i < l.first + l.count; i++)
			open[plan->closed[i]] = (struct ens_shared_open){.since = c->pos, .reach = INT64_MIN};
	}
	for (uint64_t moved = plan->moved; moved; moved &= moved - 1) {
		const struct ens_t_list out = plan->point[__builtin_ctzll(moved)].out;

		for (uint32_t k = out.first; k < out.first + out.count; k++)
			open[plan->way[k].gate] = (struct ens_shared_open){.since = c->pos, .reach = INT64_MIN};
	}
}

void ens_shared_event(struct ens_cell *c, const struct ens_event *ev, uint64_t bits)
{
	struct ens_rule *r = c->rule;
	struct ens_shared_plan *plan = r->shared;
	const int64_t floor = live_from(c, ev->time_us);
	bool completes = false;

	if (c->npartial && ens_cell_shared(c)->newest < floor)
		ens_shared_clear(c);
	plan->nfresh = plan->begun = 0;
	plan->moved = 0;
	for (uint32_t i = 0; i < plan->nlooped; i++)
		try_looped(c, bits, plan->looped[i], floor);
	for (uint64_t left = bits & plan->bits; left; left &= left - 1) {
		const struct ens_t_list l = plan->symbol[plan->symbol_of_bit[__builtin_ctzll(left)]].takers;

		for (uint32_t i = l.first; i < l.first + l.count; i++) {
			const uint32_t before = plan->nfresh;

			arrive(c, ev, bits, plan->taker[i], floor);
			completes |= plan->nfresh > before && plan->point[plan->taker[i]].accepts;
		}
	}
	if (completes && r->engine->failed == ENS_OK)
		complete(c, ev, floor);
	close_ways(c, bits & plan->bits);
	if (plan->nfresh)
		settle(c, floor);
	plan->nfresh = 0;
	r->stats.started += plan->begun;
	ens_shared_rearm(c);
}
