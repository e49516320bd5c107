/*
 * What a slot collects: values in order, different values, or the distribution of numbers.
 *
 *   LIST      the first ENS_COLLECTED_MAX values, in the order in which they came.
 *   DISTINCT  the first ENS_COLLECTED_MAX different values, in the order in which each came first.  Beyond, an estimate of
 *             how many there were (HyperLogLog, 4,096 registers, XXH3 without seed): its standard error is 1.6 %, and it is
 *             the same whatever the order of the values.
 *   SKETCH    how often each number came, while there are at most ENS_COLLECTED_MAX different ones.  Beyond, how many lie in
 *             each of the buckets [2^e * (1 + j/64), 2^e * (1 + (j+1)/64)), of negative numbers likewise; a percentile is
 *             the middle of one, at most 0.8 % beside the number itself.  There are at most ENS_BUCKETS_MAX buckets (64
 *             doublings without a gap); beyond, two become one, as often as need be, and each time the error doubles.
 *             What is kept, and so every percentile, is the same whatever the order of the numbers.
 *
 * A container is shared by the partial matches that branched off one, and copied when one of them adds to it.  Strings and
 * addresses in it are blobs (runtime/blob.h).  Memory: what a power of two of values, at least 4, takes: 16 bytes each, of
 * DISTINCT 20.
 */
#ifndef ENS_RUNTIME_COLLECT_H
#define ENS_RUNTIME_COLLECT_H

#include "base/limits.h"
#include "runtime/blob.h"
#include "runtime/tables.h"

#define ENS_BUCKETS_MAX 4096u
#define ENS_REGISTERS 4096u

/* Numbers between lie in one bucket. */
struct ens_bucket {
	uint64_t key;               /* a number's place in the order of all numbers, without its last `shift` bits */
	uint64_t count;             /* not 0 */
};

struct ens_collected {
	uint32_t refs;
	uint32_t n, cap;            /* values or buckets, and room for them */
	uint8_t holds, type;        /* enum ens_t_holds, enum ens_type */
	uint8_t shift;              /* SKETCH: 0: exact; else what a bucket leaves out */
	bool beyond;                /* LIST, DISTINCT: there were more than it has */
	uint64_t total;             /* SKETCH: numbers in all buckets */
	double least, most;         /* SKETCH: of them */
	/* then, all 8-byte aligned: struct ens_value[cap]; DISTINCT: uint16_t index[2 * cap], beyond: uint8_t register[4 * cap];
	 * or SKETCH: struct ens_bucket[cap], ascending */
	char room[];
};

/* A slot that holds more than a value points at its container; null: it is empty. */
static inline struct ens_collected *ens_collected_of(const struct ens_value *slot)
{
	return slot->null ? NULL : (struct ens_collected *)(uintptr_t)slot->s;
}

/*
 * Adds a value, which is not null; the bytes of a string or address lie in a blob, which gets one user more if the value is
 * kept.  *c NULL: a new container.  *c is shared: a copy takes its place.  False: no memory, and v is not in *c.
 */
bool ens_collected_add(struct ens_heap *h, struct ens_collected **c, enum ens_t_holds holds, enum ens_type type,
		       const struct ens_value *v) ENS_MUST_CHECK;
void ens_collected_release(struct ens_heap *h, struct ens_collected *c); /* one user less */

/* c NULL: of nothing.  Lists are borrowed from the container. */
int64_t ens_collected_distinct(const struct ens_collected *c);
struct ens_value ens_collected_list(const struct ens_collected *c);
/* The smallest of the numbers that percent % of them do not exceed (nearest rank); null of none. */
struct ens_value ens_collected_percentile(const struct ens_collected *c, double percent);
/* Of a SKETCH; the values of the others are its list. */
static inline struct ens_bucket *ens_collected_buckets(const struct ens_collected *c)
{
	return (struct ens_bucket *)(void *)(uintptr_t)c->room;
}

/* Of DISTINCT values of which there were more than it has: ENS_REGISTERS bytes. */
const uint8_t *ens_collected_registers(const struct ens_collected *c);

/*
 * Out of saved state: there were more values than c, which has all that it can, keeps; `registers` are those of DISTINCT, else
 * NULL.  False: c has less, or the registers can't be those of its values and others.
 */
bool ens_collected_exceed(struct ens_collected *c, const uint8_t *registers) ENS_MUST_CHECK;
/* A SKETCH with n buckets, all 0; `total`, `least` and `most` are too.  NULL: no memory. */
struct ens_collected *ens_collected_sketch(struct ens_heap *h, enum ens_type type, uint8_t shift, uint32_t n);
/* Could it be, with its buckets, `least` and `most` filled in?  Sets `total`. */
bool ens_collected_sketch_is_valid(struct ens_collected *c) ENS_MUST_CHECK;

/* What it answers is cut, an estimate, or less exact than 1 %. */
bool ens_collected_approx(const struct ens_collected *c);

#endif
