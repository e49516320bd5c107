/*
 * See queue.h.  A bucket's place is a function of an item's time and `now`, so items of one time are in one bucket in the
 * order in which they came.  When the first is wanted and run and heap are empty, the earliest bucket is looked at: a small
 * one becomes the run and `now` its end; a large one is spread over the levels below, with `now` at its earliest item, so
 * that levels between which nothing differs cost nothing.
 *
 * Guarantee: items come out in order, whatever comes in when (one that is earlier than what came out last comes next).
 * Cost: amortised O(1) moves of 32 bytes a digit, at most 10, and O(FEW_MAX) comparisons with neighbours; O(log n) for those that come
 * into a range that has begun.  Tested by tests/unit/test_queue.c against a sorted array.
 */
#include "runtime/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BITS 6u
#define FEW_MAX 64u    /* that many are sorted by insertion */
#define RUN_AIM 1024u  /* buckets are joined until a run has that many, so that it pays to look ahead in it */
#define KEPT_MAX 4096u /* a bucket with room for more gives it back when it is empty */

static uint64_t shifted(int64_t us)
{
	return (uint64_t)us ^ (UINT64_C(1) << 63);
}

static bool room(struct ens_queue_bucket *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 16;
	struct ens_queue_item *grown;

	if (b->cap - b->n >= more)
		return true;
	while (cap - b->n < more)
		cap *= 2;
	grown = realloc(b->item, cap * sizeof(*grown));
	if (!grown)
		return false;
	b->item = grown;
	b->cap = cap;
	return true;
}

static void clear(struct ens_queue_bucket *b)
{
	if (b->cap > KEPT_MAX) {
		free(b->item);
		*b = (struct ens_queue_bucket){0};
	}
	b->n = 0;
}

void ens_queue_init(struct ens_queue *q)
{
	*q = (struct ens_queue){0};
}

void ens_queue_free(struct ens_queue *q)
{
	for (unsigned l = 0; l < ENS_QUEUE_LEVELS; l++) {
		for (unsigned s = 0; q->level[l] && s < ENS_QUEUE_SLOTS; s++)
			free(q->level[l][s].item);
		free(q->level[l]);
	}
	free(q->run.item);
	free(q->heap.item);
	ens_queue_init(q);
}

void ens_queue_each(const struct ens_queue *q, void (*fn)(void *user, const struct ens_queue_item *item), void *user)
{
	for (size_t i = q->head; i < q->run.n; i++)
		fn(user, &q->run.item[i]);
	for (size_t i = 0; i < q->heap.n; i++)
		fn(user, &q->heap.item[i]);
	for (unsigned l = 0; l < ENS_QUEUE_LEVELS; l++)
		for (unsigned s = 0; q->level[l] && s < ENS_QUEUE_SLOTS; s++)
			for (size_t i = 0; i < q->level[l][s].n; i++)
				fn(user, &q->level[l][s].item[i]);
}

/* ---- sorting ---------------------------------------------------------------------------------------------------- */

static void sift_down(struct ens_queue_item *heap, size_t n, size_t i, bool reverse)
{
	const struct ens_queue_item moved = heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= n)
			break;
		if (child + 1 < n && ens_queue_before(&heap[child + 1], &heap[child]) != reverse)
			child++;
		if (ens_queue_before(&heap[child], &moved) == reverse)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = moved;
}

static bool is_sorted(const struct ens_queue_item *item, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (ens_queue_before(&item[i], &item[i - 1]))
			return false;
	return true;
}

static void sort_few(struct ens_queue_item *item, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct ens_queue_item moved = item[i];
		size_t at = i;

		for (; at > 0 && ens_queue_before(&moved, &item[at - 1]); at--)
			item[at] = item[at - 1];
		item[at] = moved;
	}
}

/* Many items: of one microsecond, and most often of one stream and so in order.  In place: it can't fail. */
static void sort_many(struct ens_queue_item *item, size_t n)
{
	if (is_sorted(item, n))
		return;
	for (size_t i = n / 2; i-- > 0;)
		sift_down(item, n, i, true);
	for (size_t last = n - 1; last > 0; last--) {
		const struct ens_queue_item greatest = item[0];

		item[0] = item[last];
		item[last] = greatest;
		sift_down(item, last, 0, true);
	}
}

/* ---- adding ----------------------------------------------------------------------------------------------------- */

static bool add_to_heap(struct ens_queue_bucket *h, const struct ens_queue_item *item)
{
	size_t i = h->n;

	if (!room(h, 1))
		return false;
	h->n++;
	for (; i > 0 && ens_queue_before(item, &h->item[(i - 1) / 2]); i = (i - 1) / 2)
		h->item[i] = h->item[(i - 1) / 2];
	h->item[i] = *item;
	return true;
}

static void place(const struct ens_queue *q, uint64_t at, unsigned *level, unsigned *slot)
{
	const uint64_t differ = at ^ q->now;

	*level = differ ? (63u - (unsigned)__builtin_clzll(differ)) / BITS : 0;
	*slot = (unsigned)(at >> (*level * BITS)) & (ENS_QUEUE_SLOTS - 1);
}

/* The bucket of level and slot, with room for `more`; NULL without memory. */
static struct ens_queue_bucket *bucket(struct ens_queue *q, unsigned level, unsigned slot, size_t more)
{
	if (!q->level[level])
		q->level[level] = calloc(ENS_QUEUE_SLOTS, sizeof(*q->level[level]));
	if (!q->level[level] || !room(&q->level[level][slot], more))
		return NULL;
	return &q->level[level][slot];
}

enum ens_status ens_queue_add(struct ens_queue *q, const struct ens_queue_item *item)
{
	const uint64_t at = shifted(item->time_us);
	unsigned level, slot;

	if (!q->nitem) {
		q->run.n = q->head = 0;
		q->now = at < UINT64_MAX ? at + 1 : at;
		if (!room(&q->run, 1))
			return ENS_ENOMEM;
		q->run.item[q->run.n++] = *item;
	} else if (at < q->now) {
		if (!add_to_heap(&q->heap, item))
			return ENS_ENOMEM;
	} else {
		struct ens_queue_bucket *b;

		place(q, at, &level, &slot);
		b = bucket(q, level, slot, 1);
		if (!b)
			return ENS_ENOMEM;
		b->item[b->n++] = *item;
		__builtin_prefetch(&b->item[b->n + 2], 1);
		q->occupied[level] |= UINT64_C(1) << slot;
	}
	q->nitem++;
	return ENS_OK;
}

/* ---- taking ----------------------------------------------------------------------------------------------------- */

static uint64_t earliest(const struct ens_queue_bucket *b)
{
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < b->n; i++)
		if (shifted(b->item[i].time_us) < least)
			least = shifted(b->item[i].time_us);
	return least;
}

/* Room in the buckets below `level`, where these items belong. */
static bool room_below(struct ens_queue *q, const struct ens_queue_bucket *from, unsigned level)
{
	uint32_t count[ENS_QUEUE_LEVELS][ENS_QUEUE_SLOTS];
	uint64_t used[ENS_QUEUE_LEVELS] = {0};
	unsigned l, s;

	for (size_t i = 0; i < from->n; i++) {
		place(q, shifted(from->item[i].time_us), &l, &s);
		if (!(used[l] >> s & 1))
			count[l][s] = 0;
		used[l] |= UINT64_C(1) << s;
		count[l][s]++;
	}
	for (l = 0; l < level; l++)
		for (; used[l]; used[l] &= used[l] - 1) {
			s = (unsigned)__builtin_ctzll(used[l]);
			if (!bucket(q, l, s, count[l][s]))
				return false;
		}
	return true;
}

/* Spreads a bucket over those of lower levels; `now` moves to its earliest item if nothing lies before that. */
static enum ens_status spread(struct ens_queue *q, unsigned level, unsigned slot, bool move)
{
	struct ens_queue_bucket from = q->level[level][slot];
	const uint64_t before = q->now;
	unsigned l, s;

	if (move)
		q->now = earliest(&from);
	q->level[level][slot] = (struct ens_queue_bucket){0};
	if (!room_below(q, &from, level)) {
		q->level[level][slot] = from;
		q->now = before;
		return ENS_ENOMEM;
	}
	q->occupied[level] &= ~(UINT64_C(1) << slot);
	for (size_t i = 0; i < from.n; i++) {
		struct ens_queue_bucket *b;

		place(q, shifted(from.item[i].time_us), &l, &s);
		assert(l < level);
		b = &q->level[l][s];
		b->item[b->n++] = from.item[i];
		q->occupied[l] |= UINT64_C(1) << s;
	}
	from.n = 0;
	q->level[level][slot] = from;
	clear(&q->level[level][slot]);
	return ENS_OK;
}

static unsigned digit_of_now(const struct ens_queue *q, unsigned level)
{
	return (unsigned)(q->now >> (level * BITS)) & (ENS_QUEUE_SLOTS - 1);
}

/*
 * Where a run has ended `now` may have entered a bucket of a higher level: what came into its range since lies at lower
 * ones.  So it is spread before anything is taken from those.
 */
static enum ens_status leave_entered(struct ens_queue *q)
{
	enum ens_status st = ENS_OK;

	for (unsigned l = ENS_QUEUE_LEVELS - 1; l > 0 && st == ENS_OK; l--)
		if (q->occupied[l] >> digit_of_now(q, l) & 1)
			st = spread(q, l, digit_of_now(q, l), false);
	return st;
}

/* The bucket goes to the end of the run, sorted, and `now` to its end. */
static enum ens_status take_bucket(struct ens_queue *q, unsigned level, unsigned slot)
{
	struct ens_queue_bucket *b = &q->level[level][slot];
	const unsigned shift = level * BITS;
	const size_t n = b->n;
	struct ens_queue_item *to;
	uint64_t end;

	if (!room(&q->run, n))
		return ENS_ENOMEM;
	to = q->run.item + q->run.n;
	memcpy(to, b->item, n * sizeof(*to));
	q->run.n += n;
	clear(b);
	q->occupied[level] &= ~(UINT64_C(1) << slot);
	if (n <= FEW_MAX)
		sort_few(to, n);
	else
		sort_many(to, n);
	end = ((shifted(to->time_us) >> shift) + 1) << shift;
	q->now = end ? end : UINT64_MAX;
	return ENS_OK;
}

/* The earliest bucket; false: all are empty. */
static bool first_bucket(const struct ens_queue *q, unsigned *level, unsigned *slot)
{
	for (unsigned l = 0; l < ENS_QUEUE_LEVELS; l++) {
		if (!q->occupied[l])
			continue;
		*level = l;
		*slot = (unsigned)__builtin_ctzll(q->occupied[l]);
		return true;
	}
	return false;
}

/* Run and heap are empty, but there are items: makes a run of the earliest. */
static enum ens_status next_run(struct ens_queue *q)
{
	enum ens_status st = leave_entered(q);
	unsigned level, slot;

	clear(&q->run);
	q->head = 0;
	while (st == ENS_OK && q->run.n < RUN_AIM && first_bucket(q, &level, &slot)) {
		if (level > 0 && q->level[level][slot].n > FEW_MAX) {
			st = spread(q, level, slot, true);
			continue;
		}
		st = take_bucket(q, level, slot);
		if (st == ENS_OK)
			st = leave_entered(q);
	}
	return q->run.n ? ENS_OK : st;
}

static bool heap_is_first(const struct ens_queue *q)
{
	if (!q->heap.n)
		return false;
	return q->head == q->run.n || ens_queue_before(&q->heap.item[0], &q->run.item[q->head]);
}

enum ens_status ens_queue_first(struct ens_queue *q, const struct ens_queue_item **out)
{
	enum ens_status st = ENS_OK;

	*out = NULL;
	if (!q->nitem)
		return ENS_OK;
	if (q->head == q->run.n && !q->heap.n)
		st = next_run(q);
	if (st == ENS_OK)
		*out = heap_is_first(q) ? &q->heap.item[0] : &q->run.item[q->head];
	return st;
}

void ens_queue_drop_first(struct ens_queue *q)
{
	struct ens_queue_bucket *h = &q->heap;

	assert(q->nitem);
	q->nitem--;
	if (!heap_is_first(q)) {
		q->head++;
		return;
	}
	h->item[0] = h->item[--h->n];
	if (h->n)
		sift_down(h->item, h->n, 0, false);
	else
		clear(h);
}
