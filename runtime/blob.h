/*
 * Strings and addresses that the engine keeps: bytes in its heap, shared by all that keep the same one.
 */
#ifndef ENS_RUNTIME_BLOB_H
#define ENS_RUNTIME_BLOB_H

#include <stddef.h>
#include <string.h>

#include "base/value.h"
#include "runtime/heap.h"

/* The value of whoever keeps it points at `bytes`. */
struct ens_blob {
	uint32_t refs, len;
	char bytes[];
};

static inline struct ens_blob *ens_blob_of(const struct ens_value *v)
{
	return (struct ens_blob *)(void *)((char *)(uintptr_t)v->s - offsetof(struct ens_blob, bytes));
}

/* One user; NULL: no memory. */
static inline struct ens_blob *ens_blob_make(struct ens_heap *h, const char *s, uint32_t len)
{
	struct ens_blob *b = ens_heap_alloc(h, sizeof *b + len);

	if (!b)
		return NULL;
	*b = (struct ens_blob){.refs = 1, .len = len};
	if (len)
		memcpy(b->bytes, s, len);
	return b;
}

/* One user less. */
static inline void ens_blob_release(struct ens_heap *h, struct ens_blob *b)
{
	if (--b->refs == 0)
		ens_heap_free(h, b, sizeof *b + b->len);
}

#endif
