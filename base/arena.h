/*
 * Bump arena: one per unit of work (a compilation, a batch), freed whole.
 *
 * Memory is 16-byte aligned and not cleared unless the function says so.  A budget bounds the sum of what is handed
 * out; beyond it, and when the system has none, allocation returns NULL and `failed` stays set, so that a phase may
 * check once at its end.  Not thread-safe.
 */
#ifndef ENS_BASE_ARENA_H
#define ENS_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ens_arena_chunk;

struct ens_arena {
	struct ens_arena_chunk *head;
	size_t used_bytes;   /* handed out since the last reset */
	size_t budget_bytes; /* 0: no bound */
	bool failed;
	bool over_budget;    /* failed for the budget's sake, not the system's */
};

void ens_arena_init(struct ens_arena *a, size_t budget_bytes);
void ens_arena_free(struct ens_arena *a);  /* gives everything back; the arena may be used again */
void ens_arena_reset(struct ens_arena *a); /* empties it, keeping its largest chunk for the next round */
void *ens_arena_alloc(struct ens_arena *a, size_t len_bytes);
void *ens_arena_zalloc(struct ens_arena *a, size_t len_bytes); /* cleared */
char *ens_arena_strndup(struct ens_arena *a, const char *s, size_t len_bytes); /* NUL-ended copy */

/*
 * Room for record n in an array that has room for *cap, and uses at most n of them.  `at`: where the pointer to the array stands (a
 * struct T **); when it is full a copy with twice the room takes its place.  What is new is cleared.  False without
 * memory: the array stays as it was.
 */
bool ens_arena_grow(struct ens_arena *a, void *at, uint32_t n, uint32_t *cap, size_t record_bytes);

#endif
