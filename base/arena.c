/*
 * Bump arena: a list of chunks, the newest first, each handed out from its start to its end.
 *
 * Chunks double from 4 KiB to 1 MiB, so that a small unit of work costs one malloc and a large one few; a request
 * beyond a quarter of a chunk's size that does not fit gets a chunk of its own, behind the current one, which goes on
 * being filled.  Allocation is O(1).  Invariant: 0 <= used <= size in every chunk, and both are multiples of 16.
 * Tested by tests/unit/test_base.c.
 */
#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN_BYTES 16u
#define CHUNK_MIN_BYTES ((size_t)4096)
#define CHUNK_MAX_BYTES ((size_t)1 << 20)

struct ens_arena_chunk {
	struct ens_arena_chunk *next; /* older */
	size_t size_bytes, used_bytes;
	alignas(ALIGN_BYTES) unsigned char data[];
};

void ens_arena_init(struct ens_arena *a, size_t budget_bytes)
{
	*a = (struct ens_arena){.budget_bytes = budget_bytes};
}

static void free_chunks(struct ens_arena_chunk *c)
{
	while (c) {
		struct ens_arena_chunk *next = c->next;

		free(c);
		c = next;
	}
}

void ens_arena_free(struct ens_arena *a)
{
	free_chunks(a->head);
	ens_arena_init(a, a->budget_bytes);
}

void ens_arena_reset(struct ens_arena *a)
{
	struct ens_arena_chunk *largest = a->head;
	struct ens_arena_chunk *c = a->head;

	for (; c; c = c->next)
		if (c->size_bytes > largest->size_bytes)
			largest = c;
	for (c = a->head; c;) {
		struct ens_arena_chunk *next = c->next;

		if (c != largest)
			free(c);
		c = next;
	}
	ens_arena_init(a, a->budget_bytes);
	if (largest) {
		largest->next = NULL;
		largest->used_bytes = 0;
		a->head = largest;
	}
}

/* A new chunk that holds at least len bytes: the head, or behind the head when it is for this one request. */
static struct ens_arena_chunk *add_chunk(struct ens_arena *a, size_t len)
{
	size_t size = CHUNK_MIN_BYTES - sizeof(struct ens_arena_chunk);
	bool own = false;
	struct ens_arena_chunk *c;

	if (a->head) {
		size = a->head->size_bytes < CHUNK_MAX_BYTES ? a->head->size_bytes * 2 : CHUNK_MAX_BYTES;
		own = len > size / 4;
	}
	if (own || len > size)
		size = len;
	if (size > SIZE_MAX - sizeof(*c))
		return NULL;
	c = malloc(sizeof(*c) + size);
	if (!c)
		return NULL;
	c->size_bytes = size;
	c->used_bytes = 0;
	if (own) {
		c->next = a->head->next;
		a->head->next = c;
	} else {
		c->next = a->head;
		a->head = c;
	}
	return c;
}

void *ens_arena_alloc(struct ens_arena *a, size_t len_bytes)
{
	struct ens_arena_chunk *c = a->head;
	size_t len;
	void *p;

	if (len_bytes > SIZE_MAX - ALIGN_BYTES)
		goto fail;
	len = (len_bytes + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
	if (len == 0)
		len = ALIGN_BYTES;
	if (a->budget_bytes && (a->used_bytes > a->budget_bytes || len > a->budget_bytes - a->used_bytes)) {
		a->over_budget = true;
		goto fail;
	}
	if (!c || len > c->size_bytes - c->used_bytes)
		c = add_chunk(a, len);
	if (!c)
		goto fail;
	assert(c->used_bytes <= c->size_bytes && len <= c->size_bytes - c->used_bytes);
	p = c->data + c->used_bytes;
	c->used_bytes += len;
	a->used_bytes += len;
	return p;
fail:
	a->failed = true;
	return NULL;
}

void *ens_arena_zalloc(struct ens_arena *a, size_t len_bytes)
{
	void *p = ens_arena_alloc(a, len_bytes);

	if (p)
		memset(p, 0, len_bytes);
	return p;
}

char *ens_arena_strndup(struct ens_arena *a, const char *s, size_t len_bytes)
{
	char *p = len_bytes < SIZE_MAX ? ens_arena_alloc(a, len_bytes + 1) : NULL;

	if (!p) {
		a->failed = true;
		return NULL;
	}
	if (len_bytes)
		memcpy(p, s, len_bytes);
	p[len_bytes] = '\0';
	return p;
}

bool ens_arena_grow(struct ens_arena *a, void *at, uint32_t n, uint32_t *cap, size_t record_bytes)
{
	const uint32_t bigger = *cap ? *cap * 2 : 8;
	void *array, *copy;

	if (n < *cap)
		return true;
	copy = ens_arena_zalloc(a, bigger * record_bytes);
	if (!copy)
		return false;
	memcpy(&array, at, sizeof array); /* of whatever type it is, it is a pointer */
	if (*cap)
		memcpy(copy, array, *cap * record_bytes);
	memcpy(at, &copy, sizeof copy);
	*cap = bigger;
	return true;
}
