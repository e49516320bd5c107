/*
 * The difference between two texts, line by line.
 *
 * Myers' algorithm: the furthest points that d changes can reach, for growing d, kept for the way back.  Beyond
 * CHANGES_MAX changes the rest between the first and the last difference counts as changed as a whole.
 * Cost: O((lines + CHANGES_MAX) * changes) time, O(changes^2) memory, at most 4 MiB.  Tested by tests/cli/fmt.sh.
 */
#include "tools/cli.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES_MAX 1000
#define CONTEXT 3

struct line {
	const char *s;
	size_t len; /* with its line end, if it has one */
};

struct text {
	struct line *line;
	bool *changed;
	size_t n;
};

static bool split(const char *s, size_t len, struct text *out)
{
	size_t n = 1, at = 0;

	for (size_t i = 0; i < len; i++)
		n += s[i] == '\n';
	*out = (struct text){calloc(n, sizeof *out->line), calloc(n, sizeof *out->changed), 0};
	if (!out->line || !out->changed)
		return false;
	while (at < len) {
		const char *nl = memchr(s + at, '\n', len - at);
		const size_t end = nl ? (size_t)(nl - s) + 1 : len;

		out->line[out->n++] = (struct line){s + at, end - at};
		at = end;
	}
	return true;
}

static void give_back(struct text *t)
{
	free(t->line);
	free(t->changed);
}

static bool same(const struct text *a, size_t i, const struct text *b, size_t j)
{
	return a->line[i].len == b->line[j].len && memcmp(a->line[i].s, b->line[j].s, a->line[i].len) == 0;
}

/* What lies between the equal beginnings and ends. */
struct middle {
	const struct text *a, *b;
	long from, n, m; /* first line, in both; lines of a and of b */
	int *reach;      /* of step d, diagonal k in -d..d: how far in a; at reach[d * d + d + k] */
};

static int *reach_of(const struct middle *r, long d, long k)
{
	return &r->reach[d * d + d + k];
}

/* Where diagonal k begins at step d, by a line left out of a or one put in from b. */
static bool comes_by_insertion(const struct middle *r, long d, long k)
{
	return k == -d || (k != d && *reach_of(r, d - 1, k - 1) < *reach_of(r, d - 1, k + 1));
}

/* Fills the points of step d; true if one is the end. */
static bool step(const struct middle *r, long d)
{
	for (long k = -d; k <= d; k += 2) {
		long x = 0;

		if (d > 0)
			x = comes_by_insertion(r, d, k) ? *reach_of(r, d - 1, k + 1) : *reach_of(r, d - 1, k - 1) + 1;
		while (x < r->n && x - k < r->m &&
		       same(r->a, (size_t)(r->from + x), r->b, (size_t)(r->from + x - k)))
			x++;
		*reach_of(r, d, k) = (int)x;
		if (x >= r->n && x - k >= r->m)
			return true;
	}
	return false;
}

/* Marks the changes on the way back from the end, reached at step d. */
static void walk_back(const struct middle *r, long d)
{
	long k = r->n - r->m;

	for (; d > 0; d--) {
		const bool insertion = comes_by_insertion(r, d, k);

		k += insertion ? 1 : -1;
		const long x = *reach_of(r, d - 1, k);

		if (insertion)
			r->b->changed[r->from + x - k] = true;
		else
			r->a->changed[r->from + x] = true;
	}
}

static void compare(const struct text *a, const struct text *b)
{
	struct middle r = {.a = a, .b = b};
	size_t end = 0;
	long d = 0;

	while ((size_t)r.from < a->n && (size_t)r.from < b->n && same(a, (size_t)r.from, b, (size_t)r.from))
		r.from++;
	while (end < a->n - (size_t)r.from && end < b->n - (size_t)r.from && same(a, a->n - end - 1, b, b->n - end - 1))
		end++;
	r.n = (long)(a->n - end) - r.from;
	r.m = (long)(b->n - end) - r.from;
	r.reach = malloc((CHANGES_MAX + 1) * (CHANGES_MAX + 1) * sizeof *r.reach);
	while (r.reach && d < CHANGES_MAX && !step(&r, d))
		d++;
	if (r.reach && d < CHANGES_MAX) {
		walk_back(&r, d);
	} else {
		memset(a->changed + r.from, true, (size_t)r.n);
		memset(b->changed + r.from, true, (size_t)r.m);
	}
	free(r.reach);
}

static void put_line(struct ens_buf *out, char sign, const struct line *l)
{
	ens_buf_addc(out, sign);
	ens_buf_add(out, l->s, l->len);
	if (l->s[l->len - 1] != '\n')
		ens_buf_adds(out, "\n\\ No newline at end of file\n");
}

/* A place in both texts, in front of the same change or equal line. */
struct at {
	size_t a, b;
};

static bool changes_here(const struct text *a, const struct text *b, struct at p)
{
	return (p.a < a->n && a->changed[p.a]) || (p.b < b->n && b->changed[p.b]);
}

/* The end of the changes that begin at p, and of those that are close behind. */
static struct at hunk_end(const struct text *a, const struct text *b, struct at p)
{
	struct at end = p;

	for (size_t equal = 0; equal <= 2 * CONTEXT && (p.a < a->n || p.b < b->n);) {
		if (!changes_here(a, b, p)) {
			equal++;
			p.a++;
			p.b++;
			continue;
		}
		equal = 0;
		while (p.a < a->n && a->changed[p.a])
			p.a++;
		while (p.b < b->n && b->changed[p.b])
			p.b++;
		end = p;
	}
	return end;
}

static void put_range(struct ens_buf *out, char sign, size_t from, size_t to)
{
	ens_buf_addf(out, " %c%zu", sign, from + (to > from));
	if (to - from != 1)
		ens_buf_addf(out, ",%zu", to - from);
}

static void put_hunk(struct ens_buf *out, const struct text *a, const struct text *b, struct at p, struct at end)
{
	const size_t before = p.a < CONTEXT ? p.a : CONTEXT;
	const size_t after = a->n - end.a < CONTEXT ? a->n - end.a : CONTEXT;

	p = (struct at){p.a - before, p.b - before};
	end = (struct at){end.a + after, end.b + after};
	ens_buf_adds(out, "@@");
	put_range(out, '-', p.a, end.a);
	put_range(out, '+', p.b, end.b);
	ens_buf_adds(out, " @@\n");
	while (p.a < end.a || p.b < end.b) {
		if (p.a < end.a && a->changed[p.a]) {
			put_line(out, '-', &a->line[p.a++]);
		} else if (p.b < end.b && b->changed[p.b]) {
			put_line(out, '+', &b->line[p.b++]);
		} else {
			put_line(out, ' ', &a->line[p.a++]);
			p.b++;
		}
	}
}

static void put_hunks(struct ens_buf *out, const struct text *a, const struct text *b)
{
	struct at p = {0, 0};

	while (p.a < a->n || p.b < b->n) {
		if (changes_here(a, b, p)) {
			const struct at end = hunk_end(a, b, p);

			put_hunk(out, a, b, p, end);
			p = end;
		} else {
			p.a++;
			p.b++;
		}
	}
}

void cli_diff(const char *name, const char *a, size_t a_bytes, const char *b, size_t b_bytes, struct ens_buf *out)
{
	struct text ta = {0}, tb = {0};

	if (a_bytes == b_bytes && memcmp(a, b, a_bytes) == 0)
		return;
	if (split(a, a_bytes, &ta) && split(b, b_bytes, &tb)) {
		compare(&ta, &tb);
		ens_buf_addf(out, "--- %s\n+++ %s\n", name, name);
		put_hunks(out, &ta, &tb);
	} else {
		out->failed = true;
	}
	give_back(&ta);
	give_back(&tb);
}
