/*
 * The index of waiting partial matches at work: linear hashing (W. Litwin, Linear hashing: a new tool for file and table
 * addressing, 1980) by the values that they remember.
 *
 * One bucket is split or joined with each partial match that comes or goes, so no event pays for a growing table, and what
 * the index takes is a function of how many are in it (W1).  What an event finds is put in the order of the cell's list by
 * the starts; where several have one start, by going along the list between them.
 * Two values of one hash cost a look too many, which changes nothing.
 * Cost: an event, a hash and a bucket for each kind of condition that it may satisfy, and sorting what is found; starting,
 * moving on, ending: O(1) expected.  Memory: 8 to 16 bytes for each partial match in it, and that of a
 * struct ens_waiting_index for the cell.
 * Tested by tests/unit/test_waiting.c, tests/conformance (replay, differential), measured by tests/bench/engine.c.
 */
#include "runtime/value_hash.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/match.h"

#define FIRST_BUCKETS 16u
#define LOOSE_MANY 16u /* where more are loose than that, */
#define LOOSE_PART 4u  /* and than one in so many, all are looked at */

/* ---- buckets ------------------------------------------------------------------------------------------------------------ */

/* 0: buckets 0 .. 15; k: as many as all before it. */
static unsigned segment_of(uint32_t bucket)
{
	return bucket < FIRST_BUCKETS ? 0 : 28u - (unsigned)__builtin_clz(bucket);
}

static uint32_t segment_first(unsigned segment)
{
	return segment ? FIRST_BUCKETS << (segment - 1) : 0;
}

static size_t segment_bytes(unsigned segment)
{
	return (segment ? (size_t)segment_first(segment) : FIRST_BUCKETS) * sizeof(struct ens_partial *);
}

static struct ens_partial **bucket_at(const struct ens_waiting_index *x, uint32_t bucket)
{
	const unsigned segment = segment_of(bucket);

	return &x->segment[segment][bucket - segment_first(segment)];
}

/* The greatest power of two that is not above n; n is not 0. */
static uint32_t power_below(uint32_t n)
{
	return UINT32_C(1) << (31u - (unsigned)__builtin_clz(n));
}

static struct ens_partial **bucket_of(const struct ens_waiting_index *x, uint64_t hash)
{
	const uint32_t power = power_below(x->nbucket);
	uint32_t bucket = (uint32_t)hash & (2 * power - 1);

	if (bucket >= x->nbucket)
		bucket &= power - 1;
	return bucket_at(x, bucket);
}

/* ---- lists -------------------------------------------------------------------------------------------------------------- */

static struct ens_waiting_links *links_of(const struct ens_rule *r, const struct ens_partial *p)
{
	return (struct ens_waiting_links *)(void *)((char *)(uintptr_t)p + r->waiting_at);
}

static void push(const struct ens_rule *r, enum ens_waiting_list which, struct ens_partial **list, struct ens_partial *p)
{
	struct ens_waiting_links *l = links_of(r, p);

	l->in[which].next = *list;
	l->in[which].at = list;
	if (*list)
		links_of(r, *list)->in[which].at = &l->in[which].next;
	*list = p;
}

static void take(const struct ens_rule *r, enum ens_waiting_list which, struct ens_waiting_links *l)
{
	struct ens_partial *next = l->in[which].next;

	*l->in[which].at = next;
	if (next)
		links_of(r, next)->in[which].at = l->in[which].at;
}

/* ---- growing and shrinking ------------------------------------------------------------------------------------------------ */

/* One bucket more: it takes its part of the one it is split from.  Without memory there is none, and lists grow longer. */
static void split(const struct ens_rule *r, struct ens_waiting_index *x)
{
	const uint32_t bucket = x->nbucket, power = power_below(bucket);
	const unsigned segment = segment_of(bucket);

	if (bucket == segment_first(segment) && !(x->segment[segment] = ens_heap_alloc(&r->engine->heap, segment_bytes(segment))))
		return;
	struct ens_partial **from = bucket_at(x, bucket - power), **to = bucket_at(x, bucket), *p = *from, *next;

	*to = NULL;
	x->nbucket++;
	for (; p; p = next) {
		struct ens_waiting_links *l = links_of(r, p);

		next = l->in[ENS_WAITING_SAME].next;
		if (((uint32_t)l->hash & (2 * power - 1)) != bucket)
			continue;
		take(r, ENS_WAITING_SAME, l);
		push(r, ENS_WAITING_SAME, to, p);
	}
}

/* One bucket less: the last goes back to the one it was split from. */
static void join(const struct ens_rule *r, struct ens_waiting_index *x)
{
	const uint32_t bucket = x->nbucket - 1;
	const unsigned segment = segment_of(bucket);
	struct ens_partial **to = bucket_at(x, bucket - power_below(bucket)), *p = *bucket_at(x, bucket), *next;

	for (; p; p = next) {
		next = links_of(r, p)->in[ENS_WAITING_SAME].next;
		push(r, ENS_WAITING_SAME, to, p);
	}
	x->nbucket = bucket;
	if (bucket != segment_first(segment))
		return;
	ens_heap_free(&r->engine->heap, x->segment[segment], segment_bytes(segment));
	x->segment[segment] = NULL;
}

/* ---- in and out ----------------------------------------------------------------------------------------------------------- */

/* A value of an event or a match as it is compared.  False: it is null. */
static inline bool hash_part(const struct ens_waiting_part *part, const struct ens_value *from, uint64_t *hash)
{
	struct ens_value v = from[part->index];

	if (v.null)
		return false;
	if (part->to_float)
		v.f = (double)v.i;
	*hash = ens_value_hash(part->type, &v, *hash);
	return true;
}

static bool hash_parts(const struct ens_rule *r, uint32_t key, const struct ens_waiting_part *part, const struct ens_value *from,
		       uint64_t *hash)
{
	*hash = r->engine->options.seed + key;
	for (uint32_t i = 0; i < r->waiting->key[key].npart; i++)
		if (!hash_part(&part[i], from, hash))
			return false;
	return true;
}

static void add(struct ens_rule *r, struct ens_waiting_index *x, struct ens_partial *p)
{
	const struct ens_waiting_plan *plan = r->waiting;
	const struct ens_waiting_state *s = &plan->state[p->state];
	struct ens_waiting_links *l = links_of(r, p);

	*l = (struct ens_waiting_links){0};
	p->indexed = true;
	if (s->key != ENS_NONE && hash_parts(r, s->key, plan->key[s->key].part, ens_partial_slots(r, p), &l->hash)) {
		push(r, ENS_WAITING_SAME, bucket_of(x, l->hash), p);
		if (++x->nsame > x->nbucket)
			split(r, x);
	}
	if (!s->free)
		return;
	push(r, ENS_WAITING_LOOSE, &x->loose, p);
	x->loose_bits |= s->free;
	x->nloose++;
}

void ens_waiting_forget(struct ens_partial *p)
{
	const struct ens_rule *r = p->cell->rule;
	struct ens_waiting_index *x = ens_cell_waiting(p->cell)->index;
	struct ens_waiting_links *l = links_of(r, p);

	p->indexed = false;
	if (l->in[ENS_WAITING_SAME].at) {
		take(r, ENS_WAITING_SAME, l);
		if (--x->nsame < x->nbucket && x->nbucket > FIRST_BUCKETS)
			join(r, x);
	}
	if (l->in[ENS_WAITING_LOOSE].at) {
		take(r, ENS_WAITING_LOOSE, l);
		x->nloose--;
	}
}

void ens_waiting_note(struct ens_partial *p)
{
	struct ens_waiting_index *x = ens_cell_waiting(p->cell)->index;

	if (x && !p->indexed)
		add(p->cell->rule, x, p);
}

/* ---- when there is one ---------------------------------------------------------------------------------------------------- */

static void close_index(struct ens_cell *c)
{
	struct ens_heap *heap = &c->rule->engine->heap;
	struct ens_waiting *w = ens_cell_waiting(c);

	for (struct ens_partial *p = c->first; p; p = p->next)
		p->indexed = false;
	for (unsigned i = 0; i < ENS_WAITING_SEGMENTS; i++)
		if (w->index->segment[i])
			ens_heap_free(heap, w->index->segment[i], segment_bytes(i));
	ens_heap_free(heap, w->index, sizeof *w->index);
	w->index = NULL;
}

static void open_index(struct ens_cell *c)
{
	struct ens_heap *heap = &c->rule->engine->heap;
	struct ens_waiting_index *x = ens_heap_alloc(heap, sizeof *x);

	if (!x)
		return;
	*x = (struct ens_waiting_index){.nbucket = FIRST_BUCKETS};
	x->segment[0] = ens_heap_alloc(heap, segment_bytes(0));
	if (!x->segment[0]) {
		ens_heap_free(heap, x, sizeof *x);
		return;
	}
	memset(x->segment[0], 0, segment_bytes(0));
	ens_cell_waiting(c)->index = x;
	for (struct ens_partial *p = c->first; p; p = p->next)
		add(c->rule, x, p);
}

void ens_waiting_leave(struct ens_partial *p)
{
	struct ens_waiting *w = ens_cell_waiting(p->cell);

	if (p->indexed)
		ens_waiting_forget(p);
	if (--w->nlive < p->cell->rule->engine->options.index_waiting_from && w->index)
		close_index(p->cell);
}

void ens_waiting_settle(struct ens_cell *c)
{
	const struct ens_waiting *w = ens_cell_waiting(c);

	if (!w->index && w->nlive >= c->rule->engine->options.index_waiting_from)
		open_index(c);
}

/* ---- events --------------------------------------------------------------------------------------------------------------- */

static bool call(struct ens_engine *e, struct ens_partial *p)
{
	if (e->ncalled == e->called_cap) {
		uint32_t cap = e->called_cap ? e->called_cap * 2 : 64;
		struct ens_partial **bigger = realloc(e->called, cap * sizeof(struct ens_partial *));

		if (!bigger)
			return false;
		e->called = bigger;
		e->called_cap = cap;
	}
	e->called[e->ncalled++] = p;
	return true;
}

/* By start; of one start, what is called twice stands together. */
static int by_start(const void *a, const void *b)
{
	const struct ens_partial *x = *(struct ens_partial *const *)a, *y = *(struct ens_partial *const *)b;

	if (x->start_pos != y->start_pos)
		return x->start_pos < y->start_pos ? -1 : 1;
	return ((uintptr_t)x > (uintptr_t)y) - ((uintptr_t)x < (uintptr_t)y);
}

/* The n at `called` have one start: as the cell's list has them. */
static void order_as_listed(struct ens_partial **called, uint32_t n)
{
	struct ens_partial *p = called[0];
	uint32_t at = 0;

	for (uint32_t i = 0; i < n; i++)
		called[i]->called = true;
	while (p->prev && p->prev->start_pos == p->start_pos)
		p = p->prev;
	for (; at < n; p = p->next)
		if (p->called) {
			p->called = false;
			called[at++] = p;
		}
}

static void order_called(struct ens_engine *e)
{
	struct ens_partial **called = e->called;
	uint32_t n = 0, same;

	if (e->ncalled < 2)
		return;
	qsort(called, e->ncalled, sizeof(struct ens_partial *), by_start);
	for (uint32_t i = 0; i < e->ncalled; i++)
		if (i == 0 || called[i] != called[n - 1])
			called[n++] = called[i];
	e->ncalled = n;
	for (uint32_t i = 0; i < n; i += same) {
		for (same = 1; i + same < n && called[i + same]->start_pos == called[i]->start_pos; same++)
			;
		if (same > 1)
			order_as_listed(called + i, same);
	}
}

static bool call_loose(struct ens_engine *e, const struct ens_rule *r, struct ens_waiting_index *x, uint64_t bits)
{
	uint64_t loose_bits = 0;

	for (struct ens_partial *p = x->loose; p; p = links_of(r, p)->in[ENS_WAITING_LOOSE].next) {
		const uint64_t free = r->waiting->state[p->state].free & p->wanted;

		loose_bits |= r->waiting->state[p->state].free;
		if (free & bits && !call(e, p))
			return false;
	}
	x->loose_bits = loose_bits;
	return true;
}

static bool call_same(struct ens_engine *e, const struct ens_rule *r, const struct ens_waiting_index *x, uint64_t hash,
		      uint64_t bits)
{
	for (struct ens_partial *p = *bucket_of(x, hash); p; p = links_of(r, p)->in[ENS_WAITING_SAME].next)
		if (links_of(r, p)->hash == hash && p->wanted & bits && !call(e, p))
			return false;
	return true;
}

bool ens_waiting_call(struct ens_cell *c, const struct ens_event *ev, uint64_t bits)
{
	const struct ens_rule *r = c->rule;
	const struct ens_waiting_plan *plan = r->waiting;
	struct ens_waiting_index *x = ens_cell_waiting(c)->index;
	struct ens_engine *e = r->engine;
	uint64_t hash;

	if (!x)
		return false;
	e->ncalled = 0;
	if (x->loose_bits & bits && ((x->nloose > LOOSE_MANY && x->nloose > ens_cell_waiting(c)->nlive / LOOSE_PART) ||
				     !call_loose(e, r, x, bits)))
		return false;
	for (uint32_t i = 0; i < plan->nprobe; i++) {
		const struct ens_waiting_probe *q = &plan->probe[i];

		if (q->type == ev->type && q->bits & bits && hash_parts(r, q->key, q->part, ev->value, &hash) &&
		    !call_same(e, r, x, hash, bits))
			return false;
	}
	order_called(e);
	return true;
}
