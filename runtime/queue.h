/*
 * What waits for its turn, by (time, tie): a queue whose first goes up, never down for long.
 *
 * Far items lie unsorted in buckets by time, 512 of them for each 9-bit digit in which a time differs from where the queue
 * stands (as in runtime/wheel.h); the nearest bucket is sorted once it is small, and what comes into its range afterwards
 * goes into a heap beside it.  So an item is moved two or three times, in order of memory, and compared only with its neighbours.
 */
#ifndef ENS_RUNTIME_QUEUE_H
#define ENS_RUNTIME_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "runtime/heap.h"

#define ENS_QUEUE_LEVELS 8u
#define ENS_QUEUE_SLOTS 512u

struct ens_queue_item {
	int64_t time_us;
	uint64_t tie; /* of equal times the lesser comes first; no two items have the same */
	void *what;
};

struct ens_queue_chunk;

/* Unsorted. */
struct ens_queue_bucket {
	struct ens_queue_chunk *first, *last;
	size_t n;
	uint32_t gone; /* items of the first chunk that have been taken out */
};

struct ens_queue_array {
	struct ens_queue_item *item;
	size_t n, cap;
};

struct ens_queue {
	uint64_t now;                  /* shifted by 2^63; where the buckets begin */
	struct ens_queue_array run;    /* sorted; those from `head` on are still there */
	size_t head;
	struct ens_queue_array heap;   /* before `now`, too, but not in the run */
	struct ens_queue_bucket *level[ENS_QUEUE_LEVELS]; /* ENS_QUEUE_SLOTS each; NULL: never used */
	uint64_t occupied[ENS_QUEUE_LEVELS][ENS_QUEUE_SLOTS / 64]; /* a bit for each bucket that is not empty */
	struct ens_heap memory;        /* of chunks */
	size_t nitem;
	int64_t least_us;              /* no item is earlier */
};

void ens_queue_init(struct ens_queue *q);
void ens_queue_free(struct ens_queue *q); /* not what the items point to */
/* Each item, in no particular order. */
void ens_queue_each(const struct ens_queue *q, void (*fn)(void *user, const struct ens_queue_item *item), void *user);

/* True if `a` comes before `b`. */
static inline bool ens_queue_before(const struct ens_queue_item *a, const struct ens_queue_item *b)
{
	return a->time_us != b->time_us ? a->time_us < b->time_us : a->tie < b->tie;
}

enum ens_status ens_queue_add(struct ens_queue *q, const struct ens_queue_item *item) ENS_MUST_CHECK; /* or ENS_ENOMEM */
enum ens_status ens_queue_seek(struct ens_queue *q, const struct ens_queue_item **out) ENS_MUST_CHECK;
/* The first item, valid until the next call with this queue; NULL: there is none.  ENS_ENOMEM: no item is lost. */
static inline enum ens_status ens_queue_first(struct ens_queue *q, const struct ens_queue_item **out)
{
	if (q->head == q->run.n || q->heap.n)
		return ens_queue_seek(q, out);
	*out = &q->run.item[q->head];
	q->least_us = (*out)->time_us;
	return ENS_OK;
}

void ens_queue_drop_either(struct ens_queue *q);
/* Takes out what ens_queue_first has just given. */
static inline void ens_queue_drop_first(struct ens_queue *q)
{
	if (q->heap.n) {
		ens_queue_drop_either(q);
		return;
	}
	q->nitem--;
	q->head++;
}
/* True if what was first before now has come from the far buckets: what follows has not been looked at. */
static inline bool ens_queue_turned(const struct ens_queue *q)
{
	return q->head == 0;
}

/* An item that comes soon, about `n` after the first; NULL: not known.  A hint. */
static inline const struct ens_queue_item *ens_queue_soon(const struct ens_queue *q, size_t n)
{
	return q->head + n < q->run.n ? &q->run.item[q->head + n] : NULL;
}

#endif
