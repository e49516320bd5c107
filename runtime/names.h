/*
 * Names of fields and members to numbers, for the names that the rules know: made once, then only asked.
 *
 * `in` is the object that a member stands in; two objects may have members of one name.  Names are borrowed.
 */
#ifndef ENS_RUNTIME_NAMES_H
#define ENS_RUNTIME_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ens_names_slot {
	const char *s;   /* NULL: free */
	uint32_t len, in, number;
};

struct ens_names {
	struct ens_names_slot *slot;
	uint32_t mask;
	uint32_t longest;
};

/* Room for so many names.  False without memory. */
bool ens_names_open(struct ens_names *n, size_t max_names);
void ens_names_close(struct ens_names *n);
/* The name's number: `number` if it is new. */
uint32_t ens_names_add(struct ens_names *n, uint32_t in, const char *s, uint32_t len, uint32_t number);
/* UINT32_MAX: nobody knows it. */
uint32_t ens_names_get(const struct ens_names *n, uint32_t in, const char *s, uint32_t len);

#endif
