/*
 * Sets of values of one type: sorted ranges over the type's order, and whether null is among them.
 *
 * Numbers of all kinds are mapped to 64 bits in their order (floats, too: there is a next one for each), so that ranges
 * between two neighbours are empty; strings and addresses are ordered by their bytes.  A set of more than
 * ENS_VALUES_RANGES_MAX ranges is widened to one range around them and no longer `exact`: then it holds everything that
 * it should and perhaps more.  Operations cost O(ranges).  Memory is the arena's; without it a set becomes everything.
 */
#ifndef ENS_COMPILER_VALUES_H
#define ENS_COMPILER_VALUES_H

#include "base/arena.h"
#include "base/value.h"

#define ENS_VALUES_RANGES_MAX 64u

/* A place in the order of values: before the value, or directly behind it. */
struct ens_bound {
	int8_t infinite; /* -1, 1: before, behind all values; 0: at the one below */
	bool bytes;      /* s, len; else i */
	bool behind;     /* bytes: directly behind that value */
	uint32_t len;
	union {
		int64_t i;
		const char *s;
	};
};

struct ens_range {
	struct ens_bound from, to; /* from <= value < to */
};

struct ens_values {
	const struct ens_range *range; /* sorted, apart from each other, none empty */
	uint32_t n;
	bool null;  /* null is one of them */
	bool exact; /* nothing is among them that should not be */
};

struct ens_values ens_values_all(bool null);
struct ens_values ens_values_none(void);
struct ens_values ens_values_null(void);
/* From `least` to `most`, both included. */
struct ens_values ens_values_span(struct ens_arena *a, int64_t least, int64_t most);
/* Those that `op` (as `value < v`) lets through: -2 less, -1 at most, 0 equal, 1 at least, 2 greater. */
struct ens_values ens_values_order(struct ens_arena *a, int op, int64_t v);
struct ens_values ens_values_order_bytes(struct ens_arena *a, int op, const char *s, uint32_t len);
/* The texts that begin so. */
struct ens_values ens_values_prefix(struct ens_arena *a, const char *s, uint32_t len);
/* The addresses of a network: 16 bytes, of which the first `bits` bits count. */
struct ens_values ens_values_network(struct ens_arena *a, const char *s, uint32_t bits);

struct ens_values ens_values_both(struct ens_arena *a, struct ens_values x, struct ens_values y);
struct ens_values ens_values_either(struct ens_arena *a, struct ens_values x, struct ens_values y);
/* All values but these and null.  Of a set that is not exact: all values. */
struct ens_values ens_values_others(struct ens_arena *a, struct ens_values x);
bool ens_values_empty(struct ens_values x);
/* True if y holds all of x for sure. */
bool ens_values_within(struct ens_values x, struct ens_values y);
/* A float's place in the order of floats. */
int64_t ens_values_float(double f);

#endif
