/*
 * The periods of a rule's limit: a hash table by key and value, and two lists in the order in which they will be forgotten.
 *
 * All periods of a rule last equally long, so the order of their beginnings is that of their ends: nothing is searched for
 * when time moves on.  A period stands in `running` until it ends, then, if it held something back, in `ended`.
 * Cost: O(1) per emission and period.  Memory: 80 bytes, the encoded key and the value per period.
 * Tested by tests/unit/test_limit.c, tests/conformance.
 */
#include "runtime/limit.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct ens_period {
	struct ens_period *chain;       /* of the same bucket */
	struct ens_period *next, *prev; /* in its list */
	uint64_t hash;
	int64_t start_us;
	uint64_t passed, held_back;
	uint32_t len;                   /* of `bytes`: kind, key, value */
	bool ended;
	char bytes[];
};

static int64_t end_of(const struct ens_limit *l, int64_t start_us)
{
	int64_t end_us;

	return __builtin_add_overflow(start_us, l->length_us, &end_us) ? INT64_MAX : end_us;
}

/* ---- subjects as bytes ---------------------------------------------------------------------------------------------- */

static uint32_t subject_len(const struct ens_limit_subject *s)
{
	uint32_t value = s->by.null ? 0 : ens_type_is_bytes(s->type) ? s->by.len : (uint32_t)sizeof s->by.i;

	return 2 + s->key->len + (s->type == ENS_NOTYPE ? 0 : value);
}

/* The table has one to two places for each period. */
size_t ens_limit_bytes(const struct ens_tables *t, uint32_t rule)
{
	const struct ens_t_rule *r = &t->rule[rule];
	const uint32_t len = 2 + ens_keys_len(t, r->keygroup) + (r->limit_by == ENS_NONE ? 0 : (uint32_t)sizeof(int64_t));

	return (sizeof(struct ens_period) + len + ENS_HEAP_STEP - 1) / ENS_HEAP_STEP * ENS_HEAP_STEP + 2 * sizeof(struct ens_period *);
}

/* The key's own encoding says how long it is; the value stands last. */
static void write_subject(const struct ens_limit_subject *s, char *into)
{
	*into++ = (char)s->kind;
	*into++ = s->type != ENS_NOTYPE && s->by.null ? 1 : 0;
	memcpy(into, s->key->bytes, s->key->len);
	into += s->key->len;
	if (s->type == ENS_NOTYPE || s->by.null)
		return;
	if (ens_type_is_bytes(s->type)) {
		if (s->by.len)
			memcpy(into, s->by.s, s->by.len);
		return;
	}
	int64_t i = s->by.i;

	if (s->type == ENS_FLOAT && s->by.f == 0)
		i = 0; /* -0.0 equals 0.0 */
	memcpy(into, &i, sizeof i);
}

/* ---- lists ------------------------------------------------------------------------------------------------------------ */

static struct ens_period_list *list_of(struct ens_limit *l, const struct ens_period *p)
{
	return p->ended ? &l->ended : &l->running;
}

static void unlist(struct ens_limit *l, struct ens_period *p)
{
	struct ens_period_list *in = list_of(l, p);

	*(p->prev ? &p->prev->next : &in->first) = p->next;
	*(p->next ? &p->next->prev : &in->last) = p->prev;
}

static void enlist(struct ens_limit *l, struct ens_period *p, bool ended)
{
	struct ens_period_list *in;

	p->ended = ended;
	in = list_of(l, p);
	p->next = NULL;
	p->prev = in->last;
	*(p->prev ? &p->prev->next : &in->first) = p;
	in->last = p;
}

/* ---- the table -------------------------------------------------------------------------------------------------------- */

static struct ens_period **bucket_of(struct ens_limit *l, uint64_t hash)
{
	return &l->bucket[hash & (l->nbucket - 1)];
}

static bool grow(struct ens_limit *l)
{
	uint32_t n = l->nbucket ? l->nbucket * 2 : 16;
	struct ens_period **old = l->bucket;
	uint32_t nold = l->nbucket;

	if (l->n < l->nbucket)
		return true;
	struct ens_period **bucket = calloc(n, sizeof(struct ens_period *));

	if (!bucket)
		return false;
	l->bucket = bucket;
	l->nbucket = n;
	for (uint32_t i = 0; i < nold; i++)
		for (struct ens_period *p = old[i], *next; p; p = next) {
			next = p->chain;
			p->chain = *bucket_of(l, p->hash);
			*bucket_of(l, p->hash) = p;
		}
	free(old);
	return true;
}

static void forget(struct ens_limit *l, struct ens_heap *h, struct ens_period *p)
{
	struct ens_period **at = bucket_of(l, p->hash);

	while (*at != p)
		at = &(*at)->chain;
	*at = p->chain;
	unlist(l, p);
	l->n--;
	ens_heap_free(h, p, sizeof *p + p->len);
}

static struct ens_period *find(struct ens_limit *l, uint64_t hash, const char *bytes, uint32_t len)
{
	struct ens_period *p = *bucket_of(l, hash);

	while (p && (p->hash != hash || p->len != len || memcmp(p->bytes, bytes, len)))
		p = p->chain;
	return p;
}

static void add(struct ens_limit *l, struct ens_period *p)
{
	p->chain = *bucket_of(l, p->hash);
	*bucket_of(l, p->hash) = p;
	l->n++;
}

enum ens_status ens_limit_pass(struct ens_limit *l, struct ens_heap *h, const struct ens_limit_subject *s, int64_t time_us,
			       bool *passes, uint64_t *suppressed)
{
	const uint32_t len = subject_len(s);
	struct ens_period *p = ens_heap_alloc(h, sizeof *p + len), *known;

	if (!p || !grow(l)) {
		if (p)
			ens_heap_free(h, p, sizeof *p + len);
		return ENS_ENOMEM;
	}
	*p = (struct ens_period){.len = len};
	write_subject(s, p->bytes);
	p->hash = XXH3_64bits(p->bytes, len);
	known = find(l, p->hash, p->bytes, len);
	if (known) {
		ens_heap_free(h, p, sizeof *p + len);
		p = known;
	} else {
		add(l, p);
	}
	bool running = known && time_us < end_of(l, p->start_us);
	*passes = !running || p->passed < (uint64_t)l->count;

	*suppressed = known && time_us <= end_of(l, end_of(l, p->start_us)) ? p->held_back : 0;
	if (!running) { /* a period begins: behind all others, for time does not go back */
		if (known)
			unlist(l, p);
		p->start_us = time_us;
		p->passed = 0;
		enlist(l, p, false);
	}
	if (*passes) {
		p->passed++;
		p->held_back = 0;
	} else {
		p->held_back++;
	}
	return ENS_OK;
}

/* ---- time ------------------------------------------------------------------------------------------------------------- */

int64_t ens_limit_due(const struct ens_limit *l)
{
	int64_t due = l->running.first ? end_of(l, l->running.first->start_us) : INT64_MAX;
	int64_t told = l->ended.first ? end_of(l, end_of(l, l->ended.first->start_us)) : INT64_MAX;

	return told < due ? told : due;
}

void ens_limit_forget(struct ens_limit *l, struct ens_heap *h, int64_t time_us)
{
	struct ens_period *p;

	while ((p = l->running.first) && end_of(l, p->start_us) <= time_us) {
		if (!p->held_back) {
			forget(l, h, p);
			continue;
		}
		unlist(l, p);
		enlist(l, p, true);
	}
	while ((p = l->ended.first) && end_of(l, end_of(l, p->start_us)) <= time_us)
		forget(l, h, p);
}

bool ens_limit_drop_oldest(struct ens_limit *l, struct ens_heap *h)
{
	struct ens_period *p = l->ended.first ? l->ended.first : l->running.first;

	if (p)
		forget(l, h, p);
	return p != NULL;
}

/* ---- saved state ------------------------------------------------------------------------------------------------------ */

static void save_list(const struct ens_period_list *list, struct ens_state_out *out)
{
	for (const struct ens_period *p = list->first; p; p = p->next) {
		ens_out_number(out, p->ended ? 2 : 1);
		ens_out_time(out, p->start_us);
		ens_out_number(out, p->passed);
		ens_out_number(out, p->held_back);
		ens_out_text(out, p->bytes, p->len);
	}
}

void ens_limit_save(const struct ens_limit *l, struct ens_state_out *out)
{
	save_list(&l->ended, out);
	save_list(&l->running, out);
	ens_out_number(out, 0);
}

static bool load_period(struct ens_limit *l, struct ens_heap *h, bool ended, struct ens_state_in *in)
{
	const int64_t start_us = ens_in_time(in);
	const uint64_t passed = ens_in_number(in), held_back = ens_in_number(in);
	const struct ens_period *before = ended ? l->ended.last : l->running.last;
	uint32_t len;
	const char *bytes = ens_in_bytes(in, &len);

	if (!ens_in_ok(in))
		return false;
	if (before && before->start_us > start_us)
		return ens_in_refuse(in, "periods of a limit are not in the order of their beginning");
	struct ens_period *p = ens_heap_alloc(h, sizeof *p + len);

	if (!p || !grow(l)) {
		if (p)
			ens_heap_free(h, p, sizeof *p + len);
		return ens_in_no_memory(in);
	}
	*p = (struct ens_period){.hash = XXH3_64bits(bytes, len), .start_us = start_us, .passed = passed, .held_back = held_back,
				 .len = len};
	memcpy(p->bytes, bytes, len);
	if (find(l, p->hash, bytes, len)) {
		ens_heap_free(h, p, sizeof *p + len);
		return ens_in_refuse(in, "a limit has two periods of the same kind");
	}
	add(l, p);
	enlist(l, p, ended);
	return true;
}

bool ens_limit_load(struct ens_limit *l, struct ens_heap *h, struct ens_state_in *in)
{
	uint32_t kind;

	while ((kind = ens_in_upto(in, 2, "a period of a limit neither runs nor has ended")) != 0)
		if (!load_period(l, h, kind == 2, in))
			return false;
	return ens_in_ok(in);
}

void ens_limit_close(struct ens_limit *l, struct ens_heap *h)
{
	while (ens_limit_drop_oldest(l, h))
		;
	free(l->bucket);
	*l = (struct ens_limit){0};
}
