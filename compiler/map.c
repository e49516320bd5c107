/*
 * Hash table in an arena: linear probing, doubled when half full; a table that grew leaves its old slots to the arena.
 * Tested by tests/unit/test_compile.c.
 */
#include "compiler/map.h"

#include <string.h>
#include <xxhash.h>

#define FIRST_CAP 8u

struct ens_map_slot {
	const char *key; /* NULL: free */
	uint64_t hash;
	uint32_t len, value;
};

void ens_map_init(struct ens_map *m, struct ens_arena *arena)
{
	*m = (struct ens_map){.arena = arena};
}

static struct ens_map_slot *probe(const struct ens_map *m, const void *key, size_t len, uint64_t hash)
{
	for (uint32_t i = (uint32_t)hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct ens_map_slot *s = &m->slot[i];

		if (!s->key || (s->hash == hash && s->len == len && (!len || memcmp(s->key, key, len) == 0)))
			return s;
	}
}

uint32_t ens_map_find(const struct ens_map *m, const void *key, size_t len)
{
	if (!m->n)
		return ENS_MAP_NONE;

	const struct ens_map_slot *s = probe(m, key, len, XXH3_64bits(key, len));

	return s->key ? s->value : ENS_MAP_NONE;
}

uint32_t ens_map_find_name(const struct ens_map *m, const char *name)
{
	return ens_map_find(m, name, strlen(name));
}

static bool grow(struct ens_map *m)
{
	struct ens_map bigger = *m;

	bigger.cap = m->cap ? m->cap * 2 : FIRST_CAP;
	bigger.slot = ens_arena_zalloc(m->arena, bigger.cap * sizeof *bigger.slot);
	if (!bigger.slot)
		return false;
	for (uint32_t i = 0; i < m->cap; i++)
		if (m->slot[i].key)
			*probe(&bigger, m->slot[i].key, m->slot[i].len, m->slot[i].hash) = m->slot[i];
	*m = bigger;
	return true;
}

uint32_t *ens_map_at(struct ens_map *m, const void *key, size_t len)
{
	if (2 * m->n >= m->cap && !grow(m))
		return NULL;

	uint64_t hash = XXH3_64bits(key, len);
	struct ens_map_slot *s = probe(m, key, len, hash);

	if (!s->key) {
		const char *copy = ens_arena_strndup(m->arena, key, len);

		if (!copy)
			return NULL;
		*s = (struct ens_map_slot){.key = copy, .hash = hash, .len = (uint32_t)len, .value = ENS_MAP_NONE};
		m->n++;
	}
	return &s->value;
}

uint32_t *ens_map_at_name(struct ens_map *m, const char *name)
{
	return ens_map_at(m, name, strlen(name));
}
