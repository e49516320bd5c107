/*
 * Linear probing with backward-shift deletion (no tombstones, so lookups stay short however many keys come and go),
 * at most half full.  Cost: one probe sequence and one memcmp a lookup; growth doubles and moves slots, not keys.
 * Tested by tests/unit/test_keys.c.
 */
#include "runtime/keys.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/pages.h"
#include "base/text.h"

#define FIRST_SLOTS 64u
#define FIRST_ROOM 64u
#define PART_MAX_BYTES 17u /* with its mark; a text: without its length and bytes */

struct ens_keys_slot {
	uint64_t hash;
	struct ens_key *key; /* NULL: empty */
};

static bool make_room(struct ens_keys *k, size_t len)
{
	if (len <= k->room_cap)
		return true;
	if (len > UINT32_MAX / 2)
		return false;
	char *bigger = realloc(k->room, len * 2);

	if (!bigger)
		return false;
	k->room = bigger;
	k->room_cap = (uint32_t)len * 2;
	return true;
}

enum ens_status ens_keys_open(struct ens_keys *k, const struct ens_tables *t, uint32_t group, struct ens_heap *heap,
			      uint64_t seed)
{
	*k = (struct ens_keys){.tables = t, .group = &t->keygroup[group], .heap = heap, .seed = seed};
	k->slot = calloc(FIRST_SLOTS, sizeof *k->slot);
	k->least_room = k->group->parts.count * PART_MAX_BYTES;
	if (!k->slot || !make_room(k, k->least_room > FIRST_ROOM ? k->least_room : FIRST_ROOM))
		return ENS_ENOMEM;
	k->mask = FIRST_SLOTS - 1;
	return ENS_OK;
}

static size_t key_bytes(uint32_t len, uint32_t room)
{
	return (sizeof(struct ens_key) + len + 15) / 16 * 16 + room;
}

void ens_keys_close(struct ens_keys *k)
{
	if (k->slot)
		for (uint64_t i = 0; i <= k->mask; i++)
			if (k->slot[i].key)
				ens_heap_free(k->heap, k->slot[i].key, key_bytes(k->slot[i].key->len, k->slot[i].key->room));
	free(k->slot);
	free(k->room);
	*k = (struct ens_keys){0};
}

/* Bytes of a part without the mark; strings: without their length. */
static uint32_t part_len(uint8_t type, const struct ens_value *v)
{
	return ens_type_is_bytes(type) ? v->len : type == ENS_BOOL ? 1 : 8;
}

/* The one key of rules without keys needs none. */
static uint64_t hash_of(const struct ens_keys *k, const char *bytes, uint32_t len)
{
	return len ? XXH3_64bits_withSeed(bytes, len, k->seed) : 0;
}

enum ens_status ens_keys_encode(struct ens_keys *k, const uint32_t *fields, const struct ens_value *value, bool *valid)
{
	const struct ens_t_keypart *part = &k->tables->keypart[k->group->parts.first];
	const struct ens_t_keypart *const end = part + k->group->parts.count;
	uint32_t len = 0;

	*valid = false;
	for (; part < end; part++, fields++) {
		const struct ens_value *v = &value[*fields];

		if (v->null && !part->null_ok)
			return ENS_OK;
		k->room[len++] = !v->null;
		if (v->null)
			continue;
		switch (part->type) {
		case ENS_STRING:
			if (!make_room(k, (size_t)len + 4 + v->len + k->least_room))
				return ENS_ENOMEM;
			memcpy(k->room + len, &v->len, 4);
			if (v->len)
				memcpy(k->room + len + 4, v->s, v->len);
			len += 4 + v->len;
			break;
		case ENS_IP:
			memcpy(k->room + len, v->s, 16);
			len += 16;
			break;
		case ENS_BOOL:
			k->room[len++] = (char)v->i;
			break;
		default:
			memcpy(k->room + len, &v->i, 8);
			len += 8;
		}
	}
	k->room_len = len;
	k->room_hash = hash_of(k, k->room, len);
	*valid = true;
	return ENS_OK;
}

uint32_t ens_keys_len(const struct ens_tables *t, uint32_t group)
{
	const struct ens_t_list parts = t->keygroup[group].parts;
	uint32_t len = 0;

	for (uint32_t i = 0; i < parts.count; i++) {
		const uint8_t type = t->keypart[parts.first + i].type;

		len += 1 + (type == ENS_STRING ? 4 : type == ENS_IP ? 16 : part_len(type, NULL));
	}
	return len;
}

size_t ens_keys_bytes(const struct ens_tables *t, uint32_t group)
{
	return key_bytes(ens_keys_len(t, group), 0) + 2 * sizeof(struct ens_keys_slot);
}

struct ens_key *ens_keys_find_bytes(const struct ens_keys *k, uint64_t hash, const char *bytes, uint32_t len)
{
	for (uint64_t i = hash & k->mask; k->slot[i].key; i = (i + 1) & k->mask) {
		struct ens_key *key = k->slot[i].key;

		if (k->slot[i].hash == hash && key->len == len && (!len || !memcmp(key->bytes, bytes, len)))
			return key;
	}
	return NULL;
}

struct ens_key *ens_keys_find(const struct ens_keys *k)
{
	return ens_keys_find_bytes(k, k->room_hash, k->room, k->room_len);
}

struct ens_key *ens_keys_at(const struct ens_keys *k, uint64_t i)
{
	return k->slot[i].key;
}

/* Empty ones; a large table, which is looked at in no order, on large pages. */
static struct ens_keys_slot *make_slots(const struct ens_keys *k, uint64_t n)
{
	struct ens_keys_slot *slot;

	if (n < ENS_PAGES_BYTES / sizeof *slot || n > SIZE_MAX / sizeof *slot || k->heap->no_large_pages)
		return calloc(n, sizeof *slot);
	slot = ens_pages_alloc(n * sizeof *slot);
	return slot ? memset(slot, 0, n * sizeof *slot) : NULL;
}

static bool grow(struct ens_keys *k)
{
	uint64_t mask = k->mask * 2 + 1;
	struct ens_keys_slot *slot = make_slots(k, mask + 1);

	if (!slot)
		return false;
	for (uint64_t i = 0; i <= k->mask; i++) {
		if (!k->slot[i].key)
			continue;
		uint64_t at = k->slot[i].hash & mask;

		while (slot[at].key)
			at = (at + 1) & mask;
		slot[at] = k->slot[i];
	}
	free(k->slot);
	k->slot = slot;
	k->mask = mask;
	return true;
}

struct ens_key *ens_keys_make(struct ens_keys *k, uint32_t room)
{
	if (k->count * 2 > k->mask && !grow(k))
		return NULL;
	struct ens_key *key = ens_heap_alloc(k->heap, key_bytes(k->room_len, room));

	if (!key)
		return NULL;
	*key = (struct ens_key){.hash = k->room_hash, .order = k->next_order++, .len = k->room_len, .room = room};
	if (k->room_len)
		memcpy(key->bytes, k->room, k->room_len);
	uint64_t i = key->hash & k->mask;

	while (k->slot[i].key)
		i = (i + 1) & k->mask;
	k->slot[i] = (struct ens_keys_slot){key->hash, key};
	k->count++;
	return key;
}

void ens_keys_drop(struct ens_keys *k, struct ens_key *key)
{
	uint64_t hole = key->hash & k->mask;

	while (k->slot[hole].key != key)
		hole = (hole + 1) & k->mask;
	/* Whatever follows and may stand nearer to its home moves into the hole. */
	for (uint64_t i = (hole + 1) & k->mask; k->slot[i].key; i = (i + 1) & k->mask) {
		uint64_t home = k->slot[i].hash & k->mask;

		if (((i - home) & k->mask) < ((i - hole) & k->mask))
			continue;
		k->slot[hole] = k->slot[i];
		hole = i;
	}
	k->slot[hole].key = NULL;
	k->count--;
	ens_heap_free(k->heap, key, key_bytes(key->len, key->room));
}

/* Are these bytes what ens_keys_encode could have written? */
static bool is_key(const struct ens_keys *k, const char *p, uint32_t len)
{
	const struct ens_t_keypart *part = &k->tables->keypart[k->group->parts.first];

	for (uint32_t i = 0; i < k->group->parts.count; i++) {
		uint32_t n = part[i].type == ENS_IP ? 16 : part_len(part[i].type, &(struct ens_value){0});

		if (!len || (unsigned char)*p > 1 || (!*p && !part[i].null_ok))
			return false;
		len--;
		if (!*p++)
			continue;
		if (part[i].type == ENS_STRING) {
			if (len < 4)
				return false;
			memcpy(&n, p, 4);
			p += 4;
			len -= 4;
		}
		if (n > len || (part[i].type == ENS_STRING && ens_utf8_valid(p, n) != n) ||
		    (part[i].type == ENS_BOOL && (unsigned char)*p > 1))
			return false;
		p += n;
		len -= n;
	}
	return len == 0;
}

enum ens_status ens_keys_restore(struct ens_keys *k, const char *bytes, uint32_t len, uint64_t order, uint32_t room,
				 struct ens_key **out)
{
	*out = NULL;
	if (order >= k->next_order || !is_key(k, bytes, len))
		return ENS_OK;
	if (!make_room(k, len))
		return ENS_ENOMEM;
	memcpy(k->room, bytes, len);
	k->room_len = len;
	k->room_hash = hash_of(k, k->room, len);
	if (ens_keys_find(k))
		return ENS_OK;
	*out = ens_keys_make(k, room);
	if (!*out)
		return ENS_ENOMEM;
	k->next_order--; /* it has its number already */
	(*out)->order = order;
	return ENS_OK;
}

/* By the hash alone: another key in the same slot costs a useless fetch. */
static struct ens_key *likely(const struct ens_keys *k, uint64_t hash)
{
	const struct ens_keys_slot *s = &k->slot[hash & k->mask];

	return s->hash == hash ? s->key : NULL;
}

struct ens_key *ens_keys_expect(struct ens_keys *k)
{
	uint32_t now = k->nahead++;

	k->ahead[now % ENS_KEYS_AHEAD] = k->room_hash;
	__builtin_prefetch(&k->slot[k->room_hash & k->mask]);
	/* Half the way on the slot is here and names the key; a quarter before its turn the key is, and names the cells. */
	struct ens_key *key = likely(k, k->ahead[(now - ENS_KEYS_AHEAD / 2) % ENS_KEYS_AHEAD]);

	if (key) {
		__builtin_prefetch(key);
		__builtin_prefetch((char *)key + 64);
		__builtin_prefetch((char *)key + 128);
	}
	return likely(k, k->ahead[(now - ENS_KEYS_AHEAD * 3 / 4) % ENS_KEYS_AHEAD]);
}

void ens_keys_expect_drop(const struct ens_keys *k, const struct ens_key *key)
{
	__builtin_prefetch(&k->slot[key->hash & k->mask], 1);
}

void ens_keys_decode(const struct ens_keys *k, const struct ens_key *key, struct ens_value *out)
{
	const struct ens_t_keypart *part = &k->tables->keypart[k->group->parts.first];
	const char *p = key->bytes;

	for (uint32_t i = 0; i < k->group->parts.count; i++) {
		out[i] = (struct ens_value){0};
		if (!*p++) {
			out[i].null = ENS_NULL;
			continue;
		}
		if (part[i].type == ENS_STRING || part[i].type == ENS_IP) {
			out[i].len = 16;
			if (part[i].type == ENS_STRING) {
				memcpy(&out[i].len, p, 4);
				p += 4;
			}
			out[i].s = p;
			p += out[i].len;
		} else if (part[i].type == ENS_BOOL) {
			out[i].i = *p++;
		} else {
			memcpy(&out[i].i, p, 8);
			p += 8;
		}
	}
}
