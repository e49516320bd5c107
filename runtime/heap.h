/*
 * Memory of the matcher: size classes with free lists, carved from slabs.
 *
 * What is freed is used again for the same class, so a steady load allocates nothing.  Callers say the size when they
 * free.  Above ENS_HEAP_CLASS_MAX bytes it is malloc.  `used_bytes` counts what is handed out (rounded to the class).
 * A heap that has grown past ENS_HEAP_SMALL_BYTES takes further slabs on large pages (base/pages.h).
 */
#ifndef ENS_RUNTIME_HEAP_H
#define ENS_RUNTIME_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENS_HEAP_STEP 16u          /* classes are multiples of it: all memory is 16-byte aligned */
#define ENS_HEAP_CLASS_MAX 2048u
#define ENS_HEAP_NCLASS (ENS_HEAP_CLASS_MAX / ENS_HEAP_STEP)
#define ENS_HEAP_SMALL_BYTES ((size_t)8 << 20)

struct ens_heap_slab;

struct ens_heap {
	void *free_list[ENS_HEAP_NCLASS];
	struct ens_heap_slab *slabs;
	char *fresh, *fresh_end; /* the part of the newest slab that was never handed out */
	size_t slab_bytes;       /* of all slabs */
	bool no_large_pages;     /* to be set before the first block */
	uint64_t used_bytes;
};

void ens_heap_init(struct ens_heap *h);
void ens_heap_close(struct ens_heap *h); /* frees the slabs; blocks above the class limit must have been freed */
void *ens_heap_alloc(struct ens_heap *h, size_t len_bytes); /* NULL without memory; not cleared */
void ens_heap_free(struct ens_heap *h, void *p, size_t len_bytes);

#endif
