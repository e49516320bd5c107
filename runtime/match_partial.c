/*
 * Life, death and order of partial matches.
 *
 * A partial match lies in one block with its slots, counters and dead entries; the events that it took are a list of links,
 * newest first, that it shares with the partials that branched off it.  Positions decide preference (semantics.md sections
 * 3 to 5) and are compared from the newest link back to where the two lists join, so partials that branched lately cost
 * little.  A cell keeps its partials by start (M1); only near a limit all partials of a rule are in a list as well.
 * Cost: copying, the size of the block.  Tested by tests/conformance, tests/unit/test_engine.c.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/match.h"

/* ---- lists -------------------------------------------------------------------------------------------------------- */

void ens_partial_detach(struct ens_partial *p)
{
	struct ens_cell *c = p->cell;

	*(p->prev ? &p->prev->next : &c->first) = p->next;
	*(p->next ? &p->next->prev : &c->last) = p->prev;
	p->place = ENS_FOUND;
	if (c->rule->waiting)
		ens_waiting_leave(p);
}

static void unhold(struct ens_partial *p)
{
	struct ens_record *rec = ens_cell_record(p->cell);

	*(p->prev ? &p->prev->next : &rec->held) = p->next;
	*(p->next ? &p->next->prev : &rec->held_last) = p->prev;
	p->place = ENS_FOUND;
}

/* Behind all that started no later: of one start, what completed later comes later. */
void ens_partial_hold(struct ens_partial *p)
{
	struct ens_record *rec = ens_cell_record(p->cell);
	struct ens_partial *before = rec->held_last;

	while (before && before->start_pos > p->start_pos)
		before = before->prev;
	p->prev = before;
	p->next = before ? before->next : rec->held;
	*(before ? &before->next : &rec->held) = p;
	*(p->next ? &p->next->prev : &rec->held_last) = p;
	p->place = ENS_HELD;
}

static void list_by_start(struct ens_rule *r, struct ens_partial *p, struct ens_partial *newer)
{
	p->newer = newer;
	p->older = newer ? newer->older : r->newest;
	*(p->older ? &p->older->newer : &r->oldest) = p;
	*(p->newer ? &p->newer->older : &r->newest) = p;
}

void ens_match_list(struct ens_rule *r, struct ens_partial **partial, size_t n)
{
	r->listed = true;
	r->oldest = r->newest = NULL;
	for (size_t i = 0; i < n; i++)
		list_by_start(r, partial[i], NULL);
}

struct ens_partial *ens_match_oldest(const struct ens_cell *c)
{
	const struct ens_record *rec = ens_cell_record(c);
	struct ens_partial *held = rec ? rec->held : NULL;

	if (held && (!c->first || held->start_pos < c->first->start_pos))
		return held;
	return c->first;
}

/* ---- events taken --------------------------------------------------------------------------------------------------- */

/* Where nothing branches, nothing is shared, and a partial has its first link in itself. */
static struct ens_link *origin(const struct ens_rule *r, struct ens_partial *p)
{
	return r->branches ? NULL : (struct ens_link *)(void *)((char *)p + r->origin_at);
}

static void links_release(struct ens_engine *e, struct ens_link *l, const struct ens_link *kept)
{
	while (l && --l->refs == 0) {
		struct ens_link *before = l->before;

		ens_layers_release(e, &l->id);
		if (l != kept)
			ens_heap_free(&e->heap, l, sizeof *l);
		l = before;
	}
}

bool ens_partial_extend(struct ens_partial *p, const struct ens_entry_id *id, uint64_t pos, uint32_t state)
{
	const struct ens_rule *r = p->cell->rule;
	struct ens_link *l = p->taken ? NULL : origin(r, p);

	if (!l)
		l = ens_heap_alloc(&r->engine->heap, sizeof *l);
	if (!l) {
		r->engine->failed = ENS_ENOMEM;
		return false;
	}
	*l = (struct ens_link){.before = p->taken, .id = *id, .pos = pos, .refs = 1, .state = state};
	ens_layers_keep(r->engine, id);
	p->taken = l;
	p->ntaken++;
	return true;
}

int ens_partial_compare(const struct ens_partial *a, const struct ens_partial *b)
{
	const struct ens_link *x = a->taken, *y = b->taken;
	int order = (a->ntaken > b->ntaken) - (a->ntaken < b->ntaken);

	for (uint32_t n = a->ntaken; n > b->ntaken; n--)
		x = x->before;
	for (uint32_t n = b->ntaken; n > a->ntaken; n--)
		y = y->before;
	for (; x != y; x = x->before, y = y->before)
		if (x->pos != y->pos)
			order = x->pos < y->pos ? -1 : 1;
	return order;
}

/* ---- life and death --------------------------------------------------------------------------------------------------- */

static void release(struct ens_rule *r, struct ens_partial *p)
{
	ens_slots_release(r, p);
	links_release(r->engine, p->taken, origin(r, p));
	ens_heap_free(&r->engine->heap, p, r->partial_bytes);
}

void ens_match_drop(struct ens_partial *p)
{
	struct ens_cell *c = p->cell;
	struct ens_rule *r = c->rule;

	if (p->place == ENS_LIVE)
		ens_partial_detach(p);
	else if (p->place == ENS_HELD)
		unhold(p);
	if (r->listed) {
		*(p->older ? &p->older->newer : &r->oldest) = p->newer;
		*(p->newer ? &p->newer->older : &r->newest) = p->older;
	}
	c->npartial--;
	r->stats.partials--;
	release(r, p);
}

void ens_match_drop_all(struct ens_cell *c)
{
	const struct ens_record *rec = ens_cell_record(c);

	while (c->first)
		ens_match_drop(c->first);
	while (rec && rec->held)
		ens_match_drop(rec->held);
	if (c->rule->shared)
		ens_shared_clear(c);
	c->wanted = 0;
}

static struct ens_partial *make(struct ens_cell *c, struct ens_partial *from)
{
	struct ens_rule *r = c->rule;
	struct ens_partial *p = ens_heap_alloc(&r->engine->heap, r->partial_bytes);

	if (!p) {
		r->engine->failed = ENS_ENOMEM;
		return NULL;
	}
	memcpy(p, from, r->partial_bytes);
	ens_slots_share(r, p);
	if (p->taken)
		p->taken->refs++;
	p->cell = c;
	p->indexed = false;
	if (r->listed)
		list_by_start(r, p, from == r->embryo ? NULL : from);
	c->npartial++;
	r->stats.partials++;
	return p;
}

struct ens_partial *ens_partial_copy(struct ens_cell *c, struct ens_partial *from, const struct ens_event *ev)
{
	struct ens_rule *r = c->rule;
	struct ens_partial *p = make(c, from);

	if (!p)
		return NULL;
	if (from == r->embryo) {
		p->start_us = ev->time_us;
		p->start_pos = c->pos;
		p->next = NULL;
		p->prev = c->last;
		r->stats.started++;
	} else {
		p->next = from;
		p->prev = from->prev;
	}
	*(p->prev ? &p->prev->next : &c->first) = p;
	*(p->next ? &p->next->prev : &c->last) = p;
	if (r->waiting)
		ens_cell_waiting(c)->nlive++;
	return p;
}

struct ens_partial *ens_partial_clone(struct ens_partial *from)
{
	struct ens_partial *p = make(from->cell, from);

	if (p)
		p->place = ENS_FOUND;
	return p;
}

/* ---- putting in order --------------------------------------------------------------------------------------------- */

void ens_found_add(struct ens_engine *e, struct ens_partial *p)
{
	if (e->nfound == e->found_cap) {
		uint32_t cap = e->found_cap ? e->found_cap * 2 : 64;
		struct ens_found *bigger = realloc(e->found, cap * sizeof *bigger);

		if (!bigger) {
			e->failed = ENS_ENOMEM;
			if (p->place == ENS_FOUND)
				ens_match_drop(p);
			return;
		}
		e->found = bigger;
		e->found_cap = cap;
	}
	e->found[e->nfound] = (struct ens_found){p, e->nfound};
	e->nfound++;
}

static int in_order(const void *a, const void *b)
{
	const struct ens_found *x = a, *y = b;
	int order = ens_partial_compare(x->p, y->p);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

void ens_found_sort(struct ens_engine *e)
{
	if (e->nfound > 1)
		qsort(e->found, e->nfound, sizeof *e->found, in_order);
}
