/*
 * One block a container, which doubles as it fills.
 *
 * DISTINCT finds a value by an index of open addressing, half empty at most, in the same block.  Its hash has no seed, so
 * values may be chosen to collide: then a look costs up to ENS_COLLECTED_MAX comparisons and no more.  When the estimate
 * begins, nothing is looked for any more, and the index's room becomes that of the registers, which the values kept so far go
 * into first.  The estimate is O. Ertl's ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm
 * 6): no bias to correct, and of floating point only what IEEE 754 rounds correctly.
 * SKETCH orders numbers as integers: the bits of a double, those of negative ones inverted; a bucket is a number without its
 * last bits.  How many bits are left out is the least that makes the buckets few enough, whatever came first.
 * Cost of adding: LIST O(1); DISTINCT O(1); SKETCH O(log n), of a new bucket O(n); O(n) where it is shared.  Reading: the
 * estimate O(registers), a percentile O(n).  Tested by tests/unit/test_collect.c, tests/cli/collect.sh.
 */
#include "runtime/collect.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <xxhash.h>

#include "runtime/program.h"

#define ROOM_MIN 4u
#define REGISTER_BITS 12
#define RANK_MAX (64 - REGISTER_BITS + 1)
#define FINEST_SHIFT 46u /* leaves 6 bits of the fraction */
#define COARSEST_SHIFT 52u /* leaves 12 bits: no more than ENS_BUCKETS_MAX */

_Static_assert(ENS_REGISTERS == 1u << REGISTER_BITS && ENS_BUCKETS_MAX == 1u << (64 - COARSEST_SHIFT), "one number, said twice");

static struct ens_value *values(const struct ens_collected *c)
{
	return (struct ens_value *)(void *)(uintptr_t)c->room;
}

/* By place: 1 + which value it is, or 0. */
static uint16_t *index_of(const struct ens_collected *c)
{
	return (uint16_t *)(void *)(values(c) + c->cap);
}

static uint8_t *registers(const struct ens_collected *c)
{
	return (uint8_t *)(values(c) + c->cap);
}

static size_t index_bytes(unsigned holds, uint32_t cap)
{
	return holds == ENS_T_DISTINCT ? cap * 2 * sizeof(uint16_t) : 0;
}

static size_t block_bytes(unsigned holds, uint32_t cap)
{
	return sizeof(struct ens_collected) + cap * sizeof(struct ens_value) + index_bytes(holds, cap);
}

_Static_assert(sizeof(struct ens_value) == sizeof(struct ens_bucket), "a container has room for either");

static uint32_t room_for(uint32_t n)
{
	uint32_t cap = ROOM_MIN;

	while (cap < n)
		cap *= 2;
	return cap;
}

/* ---- life --------------------------------------------------------------------------------------------------------- */

static bool keeps_blobs(const struct ens_collected *c)
{
	return c->holds != ENS_T_SKETCH && ens_type_is_bytes((enum ens_type)c->type);
}

void ens_collected_release(struct ens_heap *h, struct ens_collected *c)
{
	if (!c || --c->refs > 0)
		return;
	for (uint32_t i = 0; keeps_blobs(c) && i < c->n; i++)
		ens_blob_release(h, ens_blob_of(&values(c)[i]));
	ens_heap_free(h, c, block_bytes(c->holds, c->cap));
}

static uint64_t hash_of(enum ens_type type, const struct ens_value *v)
{
	int64_t i = v->i;

	if (ens_type_is_bytes(type))
		return XXH3_64bits(v->s, v->len);
	if (type == ENS_FLOAT && v->f == 0)
		i = 0; /* -0.0 equals 0.0 */
	return XXH3_64bits(&i, sizeof i);
}

/* The place of the value, or the empty one where it belongs. */
static uint16_t *place_of(const struct ens_collected *c, const struct ens_value *v, uint64_t hash)
{
	const uint32_t mask = 2 * c->cap - 1;
	uint16_t *index = index_of(c);
	uint32_t at = (uint32_t)hash & mask;

	while (index[at] && ens_value_compare((enum ens_type)c->type, &values(c)[index[at] - 1], v) != 0)
		at = (at + 1) & mask;
	return &index[at];
}

static void make_index(struct ens_collected *c)
{
	memset(index_of(c), 0, index_bytes(c->holds, c->cap));
	for (uint32_t i = 0; i < c->n; i++)
		*place_of(c, &values(c)[i], hash_of((enum ens_type)c->type, &values(c)[i])) = (uint16_t)(i + 1);
}

/* Makes *at one that nobody else has, with room for `n` values.  False: no memory. */
static bool own(struct ens_heap *h, struct ens_collected **at, enum ens_t_holds holds, enum ens_type type, uint32_t n)
{
	struct ens_collected *from = *at;
	uint32_t cap = room_for(n);

	if (from && from->refs == 1 && from->cap == cap)
		return true;
	struct ens_collected *c = ens_heap_alloc(h, block_bytes(holds, cap));

	if (!c)
		return false;
	if (from) {
		memcpy(c, from, sizeof *c + from->n * sizeof(struct ens_value));
		for (uint32_t i = 0; from->refs > 1 && keeps_blobs(c) && i < c->n; i++)
			ens_blob_of(&values(c)[i])->refs++;
	} else {
		*c = (struct ens_collected){.holds = (uint8_t)holds, .type = (uint8_t)type};
	}
	c->refs = 1;
	c->cap = cap;
	if (from && from->cap == cap)
		memcpy(index_of(c), index_of(from), index_bytes(holds, cap));
	else if (holds == ENS_T_DISTINCT)
		make_index(c);
	if (from && --from->refs == 0)
		ens_heap_free(h, from, block_bytes(holds, from->cap));
	*at = c;
	return true;
}

static void append(struct ens_collected *c, const struct ens_value *v)
{
	values(c)[c->n] = (struct ens_value){.null = ENS_SET};
	if (keeps_blobs(c)) {
		ens_blob_of(v)->refs++;
		values(c)[c->n].s = v->s;
		values(c)[c->n].len = v->len;
	} else {
		values(c)[c->n].i = v->i;
	}
	c->n++;
}

/* ---- values in order ---------------------------------------------------------------------------------------------- */

static bool add_to_list(struct ens_heap *h, struct ens_collected **at, enum ens_type type, const struct ens_value *v)
{
	const uint32_t n = *at ? (*at)->n : 0;

	if (*at && (*at)->beyond)
		return true;
	if (!own(h, at, ENS_T_LIST, type, n + (n < ENS_COLLECTED_MAX)))
		return false;
	if (n < ENS_COLLECTED_MAX)
		append(*at, v);
	else
		(*at)->beyond = true;
	return true;
}

/* ---- different values --------------------------------------------------------------------------------------------- */

/* The register that a hash goes to, and how rare what it says is: 1 + the zeros it goes on with. */
static uint8_t rank_of(uint64_t hash, uint32_t *reg)
{
	const uint64_t rest = hash << REGISTER_BITS;

	*reg = (uint32_t)(hash >> (64 - REGISTER_BITS));
	return rest ? (uint8_t)(__builtin_clzll(rest) + 1) : RANK_MAX;
}

static void note_rank(struct ens_collected *c, uint64_t hash)
{
	uint32_t reg;
	uint8_t rank = rank_of(hash, &reg);

	if (registers(c)[reg] < rank)
		registers(c)[reg] = rank;
}

static void begin_estimate(struct ens_collected *c)
{
	memset(registers(c), 0, ENS_REGISTERS); /* the index's room: 2 * 1024 numbers of 16 bits */
	c->beyond = true;
	for (uint32_t i = 0; i < c->n; i++)
		note_rank(c, hash_of((enum ens_type)c->type, &values(c)[i]));
}

static bool add_distinct(struct ens_heap *h, struct ens_collected **at, enum ens_type type, const struct ens_value *v)
{
	const uint64_t hash = hash_of(type, v);
	struct ens_collected *c = *at;
	uint32_t reg;

	if (c && c->beyond ? registers(c)[hash >> (64 - REGISTER_BITS)] >= rank_of(hash, &reg)
			   : c && *place_of(c, v, hash))
		return true; /* nothing new */
	if (!own(h, at, ENS_T_DISTINCT, type, c ? c->n + (c->n < ENS_COLLECTED_MAX) : 1))
		return false;
	c = *at;
	if (c->n < ENS_COLLECTED_MAX) {
		append(c, v);
		*place_of(c, v, hash) = (uint16_t)c->n;
		return true;
	}
	if (!c->beyond)
		begin_estimate(c);
	note_rank(c, hash);
	return true;
}

const uint8_t *ens_collected_registers(const struct ens_collected *c)
{
	return registers(c);
}

bool ens_collected_exceed(struct ens_collected *c, const uint8_t *given)
{
	if (c->n < ENS_COLLECTED_MAX || c->refs > 1)
		return false;
	c->beyond = true;
	if (c->holds != ENS_T_DISTINCT)
		return true;
	begin_estimate(c);
	for (uint32_t i = 0; i < ENS_REGISTERS; i++)
		if (given[i] < registers(c)[i] || given[i] > RANK_MAX)
			return false;
	memcpy(registers(c), given, ENS_REGISTERS);
	return true;
}

/* Ertl's sigma and tau: series whose terms soon vanish. */
static double sigma(double x)
{
	double y = 1, z = x, before = -1;

	if (x >= 1)
		return INFINITY;
	while (z > before) {
		before = z;
		x *= x;
		z += x * y;
		y += y;
	}
	return z;
}

static double tau(double x)
{
	double y = 1, z = 1 - x, before = 2;

	if (x <= 0 || x >= 1)
		return 0;
	while (z < before) {
		before = z;
		x = sqrt(x);
		y *= 0.5;
		z -= (1 - x) * (1 - x) * y;
	}
	return z / 3;
}

static int64_t estimate(const struct ens_collected *c)
{
	const double m = ENS_REGISTERS, alpha = 0.72134752044448170368; /* 1 / (2 ln 2) */
	uint32_t with[RANK_MAX + 1] = {0};

	for (uint32_t i = 0; i < ENS_REGISTERS; i++)
		with[registers(c)[i]]++;
	double z = m * tau(1 - with[RANK_MAX] / m);

	for (int k = RANK_MAX - 1; k >= 1; k--)
		z = 0.5 * (z + with[k]);
	z += m * sigma(with[0] / m);
	double n = rint(alpha * m * m / z);

	if (n <= ENS_COLLECTED_MAX)
		return ENS_COLLECTED_MAX + 1; /* so much is known */
	return n < 0x1p62 ? (int64_t)n : INT64_C(1) << 62;
}

int64_t ens_collected_distinct(const struct ens_collected *c)
{
	return !c ? 0 : c->beyond ? estimate(c) : c->n;
}

struct ens_value ens_collected_list(const struct ens_collected *c)
{
	return (struct ens_value){.s = c ? c->room : NULL, .len = c ? c->n : 0};
}

/* ---- distributions ------------------------------------------------------------------------------------------------ */

/* Numbers as integers of the same order, and back. */
static uint64_t order_of(double x)
{
	uint64_t bits;

	memcpy(&bits, &x, sizeof bits);
	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double number_at(uint64_t order)
{
	uint64_t bits = order >> 63 ? order & ~(UINT64_C(1) << 63) : ~order;
	double x;

	memcpy(&x, &bits, sizeof x);
	if (!isfinite(x)) /* the end of a bucket at the end of all numbers */
		x = order >> 63 ? DBL_MAX : -DBL_MAX;
	return x;
}

static uint32_t buckets_max(uint8_t shift)
{
	return shift ? ENS_BUCKETS_MAX : ENS_COLLECTED_MAX;
}

/* How many buckets lie before that of `key`. */
static uint32_t find_bucket(const struct ens_collected *c, uint64_t key)
{
	uint32_t low = 0, high = c ? c->n : 0;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (ens_collected_buckets(c)[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Buckets twice as wide; after exact numbers the finest. */
static void coarsen(struct ens_collected *c)
{
	const uint8_t by = c->shift ? 1 : FINEST_SHIFT;
	struct ens_bucket *b = ens_collected_buckets(c);
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		const struct ens_bucket next = {b[i].key >> by, b[i].count};

		if (n && b[n - 1].key == next.key)
			b[n - 1].count += next.count;
		else
			b[n++] = next;
	}
	c->n = n;
	c->shift = (uint8_t)(c->shift + by);
}

static bool has_bucket(const struct ens_collected *c, uint32_t at, uint64_t key)
{
	return c && at < c->n && ens_collected_buckets(c)[at].key == key;
}

static bool add_to_sketch(struct ens_heap *h, struct ens_collected **at, enum ens_type type, const struct ens_value *v)
{
	const double given = type == ENS_INT ? (double)v->i : v->f, x = given != 0 ? given : 0; /* not -0.0 */
	const uint64_t order = order_of(x);
	uint32_t n = *at ? (*at)->n : 0;

	if (!own(h, at, ENS_T_SKETCH, type, n))
		return false;
	struct ens_collected *c = *at;
	uint32_t i = find_bucket(c, order >> c->shift);

	/* Ends at COARSEST_SHIFT at the latest. */
	while (!has_bucket(c, i, order >> c->shift) && c->n == buckets_max(c->shift)) {
		coarsen(c);
		i = find_bucket(c, order >> c->shift);
	}
	const bool is_new = !has_bucket(c, i, order >> c->shift);

	if (!own(h, at, ENS_T_SKETCH, type, c->n + is_new))
		return false;
	c = *at;
	struct ens_bucket *b = &ens_collected_buckets(c)[i];

	if (is_new) {
		memmove(b + 1, b, (c->n - i) * sizeof *b);
		*b = (struct ens_bucket){.key = order >> c->shift};
		c->n++;
	}
	b->count++;
	c->least = c->total && c->least < x ? c->least : x;
	c->most = c->total && c->most > x ? c->most : x;
	c->total++;
	return true;
}

/* The number that stands for all of a bucket. */
static double middle(const struct ens_collected *c, uint64_t key)
{
	const uint64_t from = key << c->shift, to = from | ((UINT64_C(1) << c->shift) - 1);
	const double x = c->shift ? number_at(from) / 2 + number_at(to) / 2 : number_at(from);

	if (c->shift && fabs(x) < DBL_MIN)
		return 0;
	return x < c->least ? c->least : x > c->most ? c->most : x;
}

/* The first rank that `percent` of `total` reaches; what misses a whole number by rounding is one. */
static uint64_t rank_at(double percent, uint64_t total)
{
	const double at = percent * (double)total / 100, whole = rint(at);
	const double rank = fabs(at - whole) <= 1e-12 * at ? whole : ceil(at);

	if (!(rank >= 1))
		return 1;
	return rank >= (double)total ? total : (uint64_t)rank;
}

struct ens_value ens_collected_percentile(const struct ens_collected *c, double percent)
{
	if (!c || !c->total)
		return (struct ens_value){.null = ENS_NULL};
	const uint64_t rank = rank_at(percent, c->total);
	uint64_t seen = 0;
	uint32_t i = 0;

	if (rank == 1)
		return (struct ens_value){.f = c->least};
	if (rank == c->total)
		return (struct ens_value){.f = c->most};
	for (seen = ens_collected_buckets(c)[0].count; seen < rank; seen += ens_collected_buckets(c)[i].count)
		i++;
	return (struct ens_value){.f = middle(c, ens_collected_buckets(c)[i].key)};
}

struct ens_collected *ens_collected_sketch(struct ens_heap *h, enum ens_type type, uint8_t shift, uint32_t n)
{
	struct ens_collected *c = NULL;

	if (!own(h, &c, ENS_T_SKETCH, type, n))
		return NULL;
	memset(ens_collected_buckets(c), 0, n * sizeof(struct ens_bucket));
	c->shift = shift;
	c->n = n;
	return c;
}

bool ens_collected_sketch_is_valid(struct ens_collected *c)
{
	const struct ens_bucket *b = ens_collected_buckets(c);

	if ((c->shift && (c->shift < FINEST_SHIFT || c->shift > COARSEST_SHIFT)) || !c->n || c->n > buckets_max(c->shift))
		return false;
	for (uint32_t i = 0; i < c->n; i++)
		if (!b[i].count || (i && b[i].key <= b[i - 1].key) || __builtin_add_overflow(c->total, b[i].count, &c->total))
			return false;
	/* So all numbers between are finite, too; and counts have room to grow. */
	return c->total <= INT64_MAX / 2 && isfinite(c->least) && isfinite(c->most) && c->least <= c->most && order_of(c->least) >> c->shift == b[0].key &&
	       order_of(c->most) >> c->shift == b[c->n - 1].key;
}

/* ---- all three ---------------------------------------------------------------------------------------------------- */

bool ens_collected_add(struct ens_heap *h, struct ens_collected **c, enum ens_t_holds holds, enum ens_type type,
		       const struct ens_value *v)
{
	if (holds == ENS_T_LIST)
		return add_to_list(h, c, type, v);
	return holds == ENS_T_DISTINCT ? add_distinct(h, c, type, v) : add_to_sketch(h, c, type, v);
}

bool ens_collected_approx(const struct ens_collected *c)
{
	return c && (c->beyond || c->shift > FINEST_SHIFT);
}
