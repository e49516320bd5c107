/*
 * Byte strings to numbers: names of declarations, fields and steps; constants, texts and programs that are kept once.
 *
 * Open addressing, at most half full; expected cost O(1) a call.  Keys are copied into the arena.  Order of insertion
 * is not kept: whoever needs an order keeps an array and stores indices here, so nothing visible comes from hashing.
 */
#ifndef ENS_COMPILER_MAP_H
#define ENS_COMPILER_MAP_H

#include "base/arena.h"

#define ENS_MAP_NONE UINT32_MAX

struct ens_map_slot;

struct ens_map {
	struct ens_arena *arena;
	struct ens_map_slot *slot;
	uint32_t n, cap;
};

void ens_map_init(struct ens_map *m, struct ens_arena *arena);
/* The number stored under the key, ENS_MAP_NONE if there is none. */
uint32_t ens_map_find(const struct ens_map *m, const void *key, size_t len_bytes);
uint32_t ens_map_find_name(const struct ens_map *m, const char *name);
/* The place of the key's number, for the caller to read or set: ENS_MAP_NONE when the key is new.  Valid until the
 * next call.  NULL without memory. */
uint32_t *ens_map_at(struct ens_map *m, const void *key, size_t len_bytes);
uint32_t *ens_map_at_name(struct ens_map *m, const char *name);

#endif
