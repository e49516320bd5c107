/*
 * Keys of a key group: one open-addressing table, seeded hash, each key stored once.
 *
 * A key is encoded as bytes: per part a mark (0: null, 1: a value) and the value, strings with their length before them.
 * So equality is memcmp, also of composite keys.  What rules keep for a key hangs on it as a list of cells; a key
 * without cells is gone (ens_keys_drop).  A key has room behind its bytes for the cell it was made for: they are looked
 * at together, so they lie together.
 */
#ifndef ENS_RUNTIME_KEYS_H
#define ENS_RUNTIME_KEYS_H

#include "runtime/heap.h"
#include "runtime/tables.h"

struct ens_cell; /* what one rule keeps for one key: runtime/match.h */

struct ens_key {
	uint64_t hash;
	uint64_t order;          /* of creation: breaks ties, so that nothing visible depends on the hash */
	struct ens_cell *cells;
	uint32_t len;
	uint32_t room;           /* bytes behind the key, at ens_key_room() */
	char bytes[];
};

static inline void *ens_key_room(struct ens_key *key)
{
	return (char *)key + (sizeof *key + key->len + 15) / 16 * 16;
}

#define ENS_KEYS_AHEAD 16u /* events between the first word of a key and its turn: time enough for memory to answer */

struct ens_keys {
	const struct ens_tables *tables;
	const struct ens_t_keygroup *group;
	struct ens_heap *heap;
	struct ens_keys_slot *slot;
	uint64_t mask, count, next_order, seed;
	char *room;              /* encoding of the key at hand */
	uint32_t room_cap, room_len;
	uint32_t least_room;     /* for all parts but the bytes of texts */
	uint64_t room_hash;
	uint64_t ahead[ENS_KEYS_AHEAD]; /* hashes of keys that come, a ring */
	uint32_t nahead;
};

enum ens_status ens_keys_open(struct ens_keys *k, const struct ens_tables *t, uint32_t group, struct ens_heap *heap,
			      uint64_t seed) ENS_MUST_CHECK;
void ens_keys_close(struct ens_keys *k);

/* Encodes the key of an event (`fields`: the part's fields among the event's values) for the calls below.  *valid is
 * false when a part is null that may not be: the event is not for the rule. */
enum ens_status ens_keys_encode(struct ens_keys *k, const uint32_t *fields, const struct ens_value *value, bool *valid) ENS_MUST_CHECK;
struct ens_key *ens_keys_find(const struct ens_keys *k);              /* the encoded key, or NULL */
struct ens_key *ens_keys_find_bytes(const struct ens_keys *k, uint64_t hash, const char *bytes, uint32_t len); /* or NULL */
struct ens_key *ens_keys_make(struct ens_keys *k, uint32_t room);     /* the encoded key, new, with so much room; NULL without memory */
/* A key as it was encoded before, with its number of creation; *out is NULL if the bytes are no key of the group, or one that is
 * there already, or the number was not given yet or to a later one. */
enum ens_status ens_keys_restore(struct ens_keys *k, const char *bytes, uint32_t len, uint64_t order, uint32_t room,
				 struct ens_key **out) ENS_MUST_CHECK;
struct ens_key *ens_keys_at(const struct ens_keys *k, uint64_t i);     /* of slot i, 0 .. mask; NULL: it is empty */
void ens_keys_drop(struct ens_keys *k, struct ens_key *key);          /* takes it out and frees it */
/* The encoded key will be looked for ENS_KEYS_AHEAD events from now: its slot, and a key expected before it, begin their
 * way from memory into the cache.  Returns a key whose turn is near, so that the caller does the same for what hangs on
 * it, or NULL.  Changes nothing that shows. */
struct ens_key *ens_keys_expect(struct ens_keys *k);
/* The key may be dropped soon: its slot begins its way into the cache.  Changes nothing that shows. */
void ens_keys_expect_drop(const struct ens_keys *k, const struct ens_key *key);
/* How long the encoding of a key without texts is. */
uint32_t ens_keys_len(const struct ens_tables *t, uint32_t group);
/* What a key without texts takes, with its place in the table at its fullest. */
size_t ens_keys_bytes(const struct ens_tables *t, uint32_t group);
void ens_keys_decode(const struct ens_keys *k, const struct ens_key *key, struct ens_value *out); /* one value a part; borrows the key's bytes */

#endif
