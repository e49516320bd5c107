/*
 * See queue.h.  A bucket's place is a function of an item's time and `now`.  When the first is wanted and run and heap
 * are empty, the earliest bucket is looked at: one with few enough items becomes the run, sorted, and `now` lies
 * behind it; a large one is spread over the levels below, with `now` at its earliest item, so that levels between
 * which nothing differs cost nothing. A bucket is sorted by counting: as many parts of its time as it has items, most
 * of which get one or two, sorted by insertion. Buckets are lists of chunks, which go from one bucket to another and
 * are in the cache more often than not.
 *
 * Guarantee: items come out in order, whatever comes in when (one that is earlier than what came out last comes next).
 * Cost: amortised O(1) moves of 24 bytes a digit, at most 8, and O(FEW_MAX) comparisons with neighbours (more only
 * where more than that have nearly one time); O(log n) for those that come into a range that has begun.  Tested by
 * tests/unit/test_queue.c against a sorted array.
 */
#include "runtime/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BITS 9u
#define CHUNK 32u       /* items */
#define FEW_MAX 64u     /* that many are sorted by insertion */
#define SORTED_BITS 13u
#define SORTED_MAX (1u << SORTED_BITS) /* buckets with more are spread before they are sorted; that many have room in a cache */
#define RUN_AIM 1024u   /* buckets are joined until a run has that many, so that it pays to look ahead in it */
#define KEPT_MAX 16384u /* an array with room for more gives it back when it is empty */

struct ens_queue_chunk {
	struct ens_queue_chunk *next;
	struct ens_queue_item item[CHUNK];
};

static uint64_t shifted(int64_t us)
{
	return (uint64_t)us ^ (UINT64_C(1) << 63);
}

static bool room(struct ens_queue_array *b, size_t more)
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

static void clear(struct ens_queue_array *b)
{
	if (b->cap > KEPT_MAX) {
		free(b->item);
		*b = (struct ens_queue_array){0};
	}
	b->n = 0;
}

void ens_queue_init(struct ens_queue *q)
{
	*q = (struct ens_queue){0};
	ens_heap_init(&q->memory);
}

/* ---- buckets ---------------------------------------------------------------------------------------------------- */

static bool append(struct ens_queue *q, struct ens_queue_bucket *b, const struct ens_queue_item *item)
{
	const size_t at = (b->gone + b->n) % CHUNK;

	if (at == 0) {
		struct ens_queue_chunk *c = ens_heap_alloc(&q->memory, sizeof *c);

		if (!c)
			return false;
		c->next = NULL;
		*(b->n ? &b->last->next : &b->first) = c;
		b->last = c;
	}
	b->last->item[at] = *item;
	__builtin_prefetch(&b->last->item[at] + 2, 1); /* the next but one; others come before it */
	b->n++;
	return true;
}

static void drop_chunk(struct ens_queue *q, struct ens_queue_bucket *b)
{
	struct ens_queue_chunk *c = b->first;

	b->first = c->next;
	b->gone = 0;
	ens_heap_free(&q->memory, c, sizeof *c);
}

/* The first item goes. */
static void drop_item(struct ens_queue *q, struct ens_queue_bucket *b)
{
	b->n--;
	b->gone++;
	if (b->gone == CHUNK || !b->n)
		drop_chunk(q, b);
}

static void empty(struct ens_queue *q, struct ens_queue_bucket *b)
{
	while (b->first)
		drop_chunk(q, b);
	b->n = 0;
}

void ens_queue_free(struct ens_queue *q)
{
	for (unsigned l = 0; l < ENS_QUEUE_LEVELS; l++) {
		for (unsigned s = 0; q->level[l] && s < ENS_QUEUE_SLOTS; s++)
			empty(q, &q->level[l][s]);
		free(q->level[l]);
	}
	ens_heap_close(&q->memory);
	free(q->run.item);
	free(q->heap.item);
	ens_queue_init(q);
}

/* The items of a bucket, one after the other; `at` is one that has not gone. */
struct walk {
	const struct ens_queue_chunk *chunk;
	uint32_t at;
	size_t left;
};

/* A chunk was written long ago; while one is gone through the next comes from memory. */
static void fetch(const struct ens_queue_chunk *c)
{
	for (size_t at = 0; c && at < sizeof *c; at += 64)
		__builtin_prefetch((const char *)c + at);
}

static struct walk walk(const struct ens_queue_bucket *b)
{
	return (struct walk){b->first, b->gone, b->n};
}

static const struct ens_queue_item *next_item(struct walk *w)
{
	const struct ens_queue_item *item;

	if (!w->left)
		return NULL;
	if (w->at == CHUNK) {
		w->chunk = w->chunk->next;
		w->at = 0;
		fetch(w->chunk->next);
	}
	item = &w->chunk->item[w->at++];
	w->left--;
	return item;
}

void ens_queue_each(const struct ens_queue *q, void (*fn)(void *user, const struct ens_queue_item *item), void *user)
{
	const struct ens_queue_item *item;

	for (size_t i = q->head; i < q->run.n; i++)
		fn(user, &q->run.item[i]);
	for (size_t i = 0; i < q->heap.n; i++)
		fn(user, &q->heap.item[i]);
	for (unsigned l = 0; l < ENS_QUEUE_LEVELS; l++)
		for (unsigned s = 0; q->level[l] && s < ENS_QUEUE_SLOTS; s++)
			for (struct walk w = walk(&q->level[l][s]); (item = next_item(&w));)
				fn(user, item);
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

static bool add_to_heap(struct ens_queue_array *h, const struct ens_queue_item *item)
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

/* Where it belongs. */
static bool add_to_bucket(struct ens_queue *q, const struct ens_queue_item *item, unsigned level, unsigned slot)
{
	if (!q->level[level])
		q->level[level] = calloc(ENS_QUEUE_SLOTS, sizeof *q->level[level]);
	if (!q->level[level] || !append(q, &q->level[level][slot], item))
		return false;
	q->occupied[level][slot / 64] |= UINT64_C(1) << slot % 64;
	return true;
}

static void now_empty(struct ens_queue *q, unsigned level, unsigned slot)
{
	q->occupied[level][slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

enum ens_status ens_queue_add(struct ens_queue *q, const struct ens_queue_item *item)
{
	const uint64_t at = shifted(item->time_us);
	unsigned level, slot;

	if (!q->nitem || item->time_us < q->least_us)
		q->least_us = item->time_us;
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
		place(q, at, &level, &slot);
		if (!add_to_bucket(q, item, level, slot))
			return ENS_ENOMEM;
	}
	q->nitem++;
	return ENS_OK;
}

/* ---- taking ----------------------------------------------------------------------------------------------------- */

static uint64_t earliest(const struct ens_queue_bucket *b)
{
	const struct ens_queue_item *item;
	uint64_t least = UINT64_MAX;

	for (struct walk w = walk(b); (item = next_item(&w));)
		if (shifted(item->time_us) < least)
			least = shifted(item->time_us);
	return least;
}

/*
 * Spreads a bucket over those of lower levels; `now` moves to its earliest item if nothing lies before that.  Without memory
 * some stay, in a bucket that `now` has entered: leave_entered.
 */
static enum ens_status spread(struct ens_queue *q, unsigned level, unsigned slot, bool move)
{
	struct ens_queue_bucket *from = &q->level[level][slot];
	unsigned l, s;

	if (move)
		q->now = earliest(from);
	while (from->n) {
		const struct ens_queue_item *item = &from->first->item[from->gone];

		place(q, shifted(item->time_us), &l, &s);
		assert(l < level);
		if (!add_to_bucket(q, item, l, s))
			return ENS_ENOMEM;
		drop_item(q, from);
	}
	now_empty(q, level, slot);
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
		if (q->occupied[l][digit_of_now(q, l) / 64] >> digit_of_now(q, l) % 64 & 1)
			st = spread(q, l, digit_of_now(q, l), false);
	return st;
}

static void sort(struct ens_queue_item *item, size_t n)
{
	if (n <= FEW_MAX)
		sort_few(item, n);
	else
		sort_many(item, n);
}

/* The items of a bucket that is 2^shift long, sorted: by the highest bits in which they may differ, then each part. */
static void sort_out(const struct ens_queue_bucket *b, unsigned shift, struct ens_queue_item *to)
{
	const unsigned by_n = 63u - (unsigned)__builtin_clzll(b->n);
	const unsigned bits = by_n < shift ? by_n : shift, down = shift - bits;
	const size_t nparts = (size_t)1 << bits;
	const struct ens_queue_item *item;
	uint16_t end[SORTED_MAX / 2]; /* nparts <= n < SORTED_MAX, a power of 2 */
	uint32_t sum = 0;

	memset(end, 0, nparts * sizeof *end);
	for (struct walk w = walk(b); (item = next_item(&w));)
		end[shifted(item->time_us) >> down & (nparts - 1)]++;
	for (size_t i = 0; i < nparts; i++) {
		const uint32_t n = end[i];

		end[i] = (uint16_t)sum; /* its beginning, so far */
		sum += n;
	}
	for (struct walk w = walk(b); (item = next_item(&w));)
		to[end[shifted(item->time_us) >> down & (nparts - 1)]++] = *item;
	for (size_t i = 0; i < nparts; i++) {
		const size_t from = i ? end[i - 1] : 0;

		if (end[i] - from > 1)
			sort(to + from, end[i] - from);
	}
}

/* The bucket goes to the end of the run, sorted, and `now` behind its last: what comes later is not in the run's way. */
static enum ens_status take_bucket(struct ens_queue *q, unsigned level, unsigned slot)
{
	struct ens_queue_bucket *b = &q->level[level][slot];
	const unsigned shift = level * BITS;
	const struct ens_queue_item *item;
	struct ens_queue_item *to;
	uint64_t last;

	if (!room(&q->run, b->n))
		return ENS_ENOMEM;
	to = q->run.item + q->run.n;
	if (level > 0 && b->n > FEW_MAX) {
		sort_out(b, shift, to);
	} else {
		size_t n = 0;

		for (struct walk w = walk(b); (item = next_item(&w));)
			to[n++] = *item;
		sort(to, n);
	}
	q->run.n += b->n;
	empty(q, b);
	now_empty(q, level, slot);
	last = shifted(q->run.item[q->run.n - 1].time_us);
	q->now = last < UINT64_MAX ? last + 1 : last;
	return ENS_OK;
}

/* The earliest bucket; false: all are empty. */
static bool first_bucket(const struct ens_queue *q, unsigned *level, unsigned *slot)
{
	for (unsigned l = 0; l < ENS_QUEUE_LEVELS; l++)
		for (unsigned i = 0; q->level[l] && i < ENS_QUEUE_SLOTS / 64; i++)
			if (q->occupied[l][i]) {
				*level = l;
				*slot = i * 64 + (unsigned)__builtin_ctzll(q->occupied[l][i]);
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
		if (level > 0 && q->level[level][slot].n >= SORTED_MAX) {
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

enum ens_status ens_queue_seek(struct ens_queue *q, const struct ens_queue_item **out)
{
	enum ens_status st = ENS_OK;

	*out = NULL;
	if (!q->nitem)
		return ENS_OK;
	if (q->head == q->run.n && !q->heap.n)
		st = next_run(q);
	if (st != ENS_OK)
		return st;
	*out = heap_is_first(q) ? &q->heap.item[0] : &q->run.item[q->head];
	q->least_us = (*out)->time_us;
	return ENS_OK;
}

/* Of run and heap. */
void ens_queue_drop_either(struct ens_queue *q)
{
	struct ens_queue_array *h = &q->heap;

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
