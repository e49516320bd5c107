/*
 * Open addressing, at most half full.  Cost: O(1) for each name, whatever it is; names longer than the longest known are
 * not even hashed.  Tested by tests/unit/test_decode.c.
 */
#include "runtime/names.h"

#include <stdlib.h>
#include <string.h>

static uint32_t hash_name(uint32_t in, const char *s, uint32_t len)
{
	uint32_t h = 2166136261u ^ in;

	for (uint32_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h ^ h >> 15;
}

bool ens_names_open(struct ens_names *n, size_t max_names)
{
	size_t size = 16;

	while (size < 2 * max_names)
		size *= 2;
	n->slot = calloc(size, sizeof(*n->slot));
	n->mask = (uint32_t)(size - 1);
	n->longest = 0;
	return n->slot != NULL;
}

void ens_names_close(struct ens_names *n)
{
	free(n->slot);
	n->slot = NULL;
}

static struct ens_names_slot *find(const struct ens_names *n, uint32_t in, const char *s, uint32_t len)
{
	uint32_t i = hash_name(in, s, len) & n->mask;

	while (n->slot[i].s && (n->slot[i].len != len || n->slot[i].in != in || memcmp(n->slot[i].s, s, len) != 0))
		i = (i + 1) & n->mask;
	return &n->slot[i];
}

uint32_t ens_names_add(struct ens_names *n, uint32_t in, const char *s, uint32_t len, uint32_t number)
{
	struct ens_names_slot *found = find(n, in, s, len);

	if (!found->s)
		*found = (struct ens_names_slot){.s = s, .len = len, .in = in, .number = number};
	if (len > n->longest)
		n->longest = len;
	return found->number;
}

uint32_t ens_names_get(const struct ens_names *n, uint32_t in, const char *s, uint32_t len)
{
	const struct ens_names_slot *found;

	if (len > n->longest)
		return UINT32_MAX;
	found = find(n, in, s, len);
	return found->s ? found->number : UINT32_MAX;
}
