/*
 * Size classes with intrusive free lists over slabs of 64 KiB, later of 2 MiB.  Allocation and freeing are a few instructions and touch
 * only the block itself; slabs are never given back before the end, so the peak of each class stays reserved.
 * Tested by tests/unit/test_heap.c; in ASan builds every block is its own malloc, so that misuse is found.
 */
#include "runtime/heap.h"

#include <stdlib.h>
#include <string.h>

#include "base/pages.h"

#if defined(__SANITIZE_ADDRESS__)
#define ONE_MALLOC_EACH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ONE_MALLOC_EACH 1
#endif
#endif
#ifndef ONE_MALLOC_EACH
#define ONE_MALLOC_EACH 0
#endif

#define SLAB_BYTES ((size_t)65536)
#define FETCHED_MAX 256u

struct ens_heap_slab {
	struct ens_heap_slab *next;
	uint64_t spare; /* keeps what follows 16-byte aligned */
};

void ens_heap_init(struct ens_heap *h)
{
	*h = (struct ens_heap){0};
}

void ens_heap_close(struct ens_heap *h)
{
	while (h->slabs) {
		struct ens_heap_slab *next = h->slabs->next;

		free(h->slabs);
		h->slabs = next;
	}
	ens_heap_init(h);
}

static size_t rounded(size_t len)
{
	return len ? (len + ENS_HEAP_STEP - 1) / ENS_HEAP_STEP * ENS_HEAP_STEP : ENS_HEAP_STEP;
}

static bool more_slabs(struct ens_heap *h)
{
	const bool large = h->slab_bytes >= ENS_HEAP_SMALL_BYTES && !h->no_large_pages;
	const size_t len = large ? ENS_PAGES_BYTES : SLAB_BYTES;
	struct ens_heap_slab *s = large ? ens_pages_alloc(len) : malloc(len);

	if (!s)
		return false;
	s->next = h->slabs;
	h->slabs = s;
	h->slab_bytes += len;
	h->fresh = (char *)(s + 1);
	h->fresh_end = (char *)s + len;
	return true;
}

static void *carve(struct ens_heap *h, size_t len)
{
	if ((size_t)(h->fresh_end - h->fresh) < len && !more_slabs(h))
		return NULL;
	void *p = h->fresh;

	h->fresh += len;
	return p;
}

/* A free block begins with the next one's address.  That one is fetched: the next allocation of this class writes to it. */
static void take_free(void **list, size_t len)
{
	memcpy(list, *list, sizeof *list);
	for (size_t at = 0; at < len && at < FETCHED_MAX; at += 64)
		__builtin_prefetch((char *)*list + at, 1);
}

void *ens_heap_alloc(struct ens_heap *h, size_t len_bytes)
{
	size_t len = rounded(len_bytes);
	void *p;

	if (ONE_MALLOC_EACH || len > ENS_HEAP_CLASS_MAX) {
		p = malloc(len);
	} else {
		void **list = &h->free_list[len / ENS_HEAP_STEP - 1];

		p = *list;
		if (p)
			take_free(list, len);
		else
			p = carve(h, len);
	}
	if (p)
		h->used_bytes += len;
	return p;
}

void ens_heap_free(struct ens_heap *h, void *p, size_t len_bytes)
{
	size_t len = rounded(len_bytes);

	if (!p)
		return;
	h->used_bytes -= len;
	if (ONE_MALLOC_EACH || len > ENS_HEAP_CLASS_MAX) {
		free(p);
		return;
	}
	void **list = &h->free_list[len / ENS_HEAP_STEP - 1];

	memcpy(p, list, sizeof *list);
	*list = p;
}
