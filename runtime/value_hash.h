/*
 * A hash of values that agrees with the language's `=`.
 *
 * Includes xxHash as inline functions: before anything else includes it, and in .c files only.
 */
#ifndef ENS_RUNTIME_VALUE_HASH_H
#define ENS_RUNTIME_VALUE_HASH_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/value.h"

/* Values of one type that are equal have equal hashes.  v is not null. */
static inline uint64_t ens_value_hash(enum ens_type type, const struct ens_value *v, uint64_t seed)
{
	const double zero = 0;
	const void *bytes = v;
	size_t len = sizeof v->i;

	if (ens_type_is_bytes(type)) {
		bytes = v->s;
		len = v->len;
	} else if (type == ENS_FLOAT && v->f <= 0 && v->f >= 0) {
		bytes = &zero; /* -0.0 equals 0.0 */
	}
	return XXH3_64bits_withSeed(len ? bytes : "", len, seed);
}

#endif
