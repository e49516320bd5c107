/*
 * Sets of values: see values.h.  Two sorted lists of ranges are gone through side by side.
 * Tested by tests/unit/test_values.c against sets of single values, and by tests/lang/check_conditions.test.
 */
#include "compiler/values.h"

#include <string.h>

static const struct ens_bound LEAST = {.infinite = -1}, MOST = {.infinite = 1};
static const struct ens_range EVERYTHING = {{.infinite = -1}, {.infinite = 1}};

static int compare_bytes(const struct ens_bound *a, const struct ens_bound *b)
{
	uint32_t n = a->len < b->len ? a->len : b->len;
	int c = n ? memcmp(a->s, b->s, n) : 0;

	if (c)
		return c;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return (int)a->behind - (int)b->behind;
}

static int compare(const struct ens_bound *a, const struct ens_bound *b)
{
	if (a->infinite || b->infinite)
		return a->infinite - b->infinite;
	if (a->bytes && b->bytes)
		return compare_bytes(a, b);
	return a->i < b->i ? -1 : a->i > b->i;
}

static struct ens_bound at(int64_t i)
{
	return i == INT64_MIN ? LEAST : (struct ens_bound){.i = i};
}

static struct ens_bound behind(int64_t i)
{
	return i == INT64_MAX ? MOST : (struct ens_bound){.i = i + 1};
}

struct ens_values ens_values_all(bool null)
{
	return (struct ens_values){.range = &EVERYTHING, .n = 1, .null = null, .exact = true};
}

struct ens_values ens_values_none(void)
{
	return (struct ens_values){.exact = true};
}

struct ens_values ens_values_null(void)
{
	return (struct ens_values){.null = true, .exact = true};
}

/* Everything, perhaps: what is left to say where something could not be worked out. */
static struct ens_values anything(bool null)
{
	struct ens_values all = ens_values_all(null);

	all.exact = false;
	return all;
}

static struct ens_values one(struct ens_arena *a, struct ens_bound from, struct ens_bound to)
{
	struct ens_range *r;

	if (compare(&from, &to) >= 0)
		return ens_values_none();
	r = ens_arena_alloc(a, sizeof *r);
	if (!r)
		return anything(false);
	*r = (struct ens_range){from, to};
	return (struct ens_values){.range = r, .n = 1, .exact = true};
}

struct ens_values ens_values_span(struct ens_arena *a, int64_t least, int64_t most)
{
	return least > most ? ens_values_none() : one(a, at(least), behind(most));
}

struct ens_values ens_values_order(struct ens_arena *a, int op, int64_t v)
{
	return one(a, op < 0 ? LEAST : op == 2 ? behind(v) : at(v), op > 0 ? MOST : op == -2 ? at(v) : behind(v));
}

struct ens_values ens_values_order_bytes(struct ens_arena *a, int op, const char *s, uint32_t len)
{
	const struct ens_bound before = {.bytes = true, .s = s, .len = len};
	const struct ens_bound after = {.bytes = true, .s = s, .len = len, .behind = true};

	return one(a, op < 0 ? LEAST : op == 2 ? after : before, op > 0 ? MOST : op == -2 ? before : after);
}

/* The bytes that come next behind all that begin with these; MOST: there are none. */
static struct ens_bound successor(struct ens_arena *a, const char *s, uint32_t len)
{
	char *next;

	while (len && (unsigned char)s[len - 1] == 0xFF)
		len--;
	if (!len)
		return MOST;
	next = ens_arena_strndup(a, s, len);
	if (!next)
		return MOST;
	next[len - 1] = (char)((unsigned char)next[len - 1] + 1);
	return (struct ens_bound){.bytes = true, .s = next, .len = len};
}

struct ens_values ens_values_prefix(struct ens_arena *a, const char *s, uint32_t len)
{
	const struct ens_bound from = {.bytes = true, .s = s, .len = len};

	return len ? one(a, from, successor(a, s, len)) : ens_values_all(false);
}

struct ens_values ens_values_network(struct ens_arena *a, const char *s, uint32_t bits)
{
	char *first = ens_arena_strndup(a, s, 16), *last = ens_arena_strndup(a, s, 16);

	if (!first || !last)
		return anything(false);
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t kept = bits <= i * 8 ? 0 : bits >= i * 8 + 8 ? 8 : bits - i * 8;
		unsigned rest = 0xFFu >> kept;

		first[i] = (char)((unsigned char)first[i] & ~rest);
		last[i] = (char)((unsigned char)last[i] | rest);
	}
	return one(a, (struct ens_bound){.bytes = true, .s = first, .len = 16},
		   (struct ens_bound){.bytes = true, .s = last, .len = 16, .behind = true});
}

int64_t ens_values_float(double f)
{
	int64_t bits;

	f += 0.0; /* one zero */
	memcpy(&bits, &f, sizeof bits);
	return bits < 0 ? INT64_MIN - bits : bits;
}

/* ---- sets of sets ----------------------------------------------------------------------------------------------- */

static struct ens_values finish(struct ens_arena *a, struct ens_range *r, uint32_t n, bool null, bool exact)
{
	if (n <= ENS_VALUES_RANGES_MAX)
		return (struct ens_values){.range = r, .n = n, .null = null, .exact = exact};

	struct ens_values hull = one(a, r[0].from, r[n - 1].to);

	hull.null = null;
	hull.exact = false;
	return hull;
}

struct ens_values ens_values_both(struct ens_arena *a, struct ens_values x, struct ens_values y)
{
	struct ens_range *r = ens_arena_alloc(a, (x.n + y.n + 1) * sizeof *r);
	bool null = x.null && y.null;
	uint32_t n = 0;

	if (!r)
		return anything(null);
	for (uint32_t i = 0, k = 0; i < x.n && k < y.n;) {
		const struct ens_range *p = &x.range[i], *q = &y.range[k];
		struct ens_bound from = compare(&p->from, &q->from) > 0 ? p->from : q->from;
		bool p_ends = compare(&p->to, &q->to) < 0;
		struct ens_bound to = p_ends ? p->to : q->to;

		if (compare(&from, &to) < 0)
			r[n++] = (struct ens_range){from, to};
		if (p_ends)
			i++;
		else
			k++;
	}
	return finish(a, r, n, null, x.exact && y.exact);
}

struct ens_values ens_values_either(struct ens_arena *a, struct ens_values x, struct ens_values y)
{
	struct ens_range *r = ens_arena_alloc(a, (x.n + y.n + 1) * sizeof *r);
	uint32_t n = 0, i = 0, k = 0;

	if (!r)
		return anything(x.null || y.null);
	while (i < x.n || k < y.n) {
		bool from_x = k == y.n || (i < x.n && compare(&x.range[i].from, &y.range[k].from) < 0);
		struct ens_range next = from_x ? x.range[i++] : y.range[k++];

		if (n && compare(&next.from, &r[n - 1].to) <= 0) {
			if (compare(&next.to, &r[n - 1].to) > 0)
				r[n - 1].to = next.to;
		} else {
			r[n++] = next;
		}
	}
	return finish(a, r, n, x.null || y.null, x.exact && y.exact);
}

struct ens_values ens_values_others(struct ens_arena *a, struct ens_values x)
{
	struct ens_range *r = x.exact ? ens_arena_alloc(a, (x.n + 1) * sizeof *r) : NULL;
	struct ens_bound from = LEAST;
	uint32_t n = 0;

	if (!r)
		return anything(false);
	for (uint32_t i = 0; i < x.n; i++) {
		if (compare(&from, &x.range[i].from) < 0)
			r[n++] = (struct ens_range){from, x.range[i].from};
		from = x.range[i].to;
	}
	if (compare(&from, &MOST) < 0)
		r[n++] = (struct ens_range){from, MOST};
	return finish(a, r, n, false, true);
}

bool ens_values_empty(struct ens_values x)
{
	return !x.n && !x.null;
}

bool ens_values_within(struct ens_values x, struct ens_values y)
{
	if (!y.exact || (x.null && !y.null))
		return false;
	for (uint32_t i = 0, k = 0; i < x.n; i++) {
		while (k < y.n && compare(&y.range[k].to, &x.range[i].from) <= 0)
			k++;
		if (k == y.n || compare(&y.range[k].from, &x.range[i].from) > 0 ||
		    compare(&y.range[k].to, &x.range[i].to) < 0)
			return false;
	}
	return true;
}
