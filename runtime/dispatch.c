/*
 * The index of constants.
 *
 * An interest is left out for an event only if its filter can't be true, or no trigger can and nothing happens without one
 * (sessions, rules that count events): each of them needs a value that the event has not (program_needs.h).  Which of several
 * needs of a condition is used is a guess at what most events lack: the field that conditions compare with the most
 * constants.
 * Cost: an event, one hash for each indexed field of its type, then as many steps as rules are found, times lists merged (one
 * for each field that has the value, one of what is always gone through).  Memory: 64 to 128 bytes for each constant and 4 for
 * each rule that needs it, bounded by LISTED_MAX; making it is linear but for sorting.
 * Tested by tests/unit/test_dispatch.c, tests/conformance (on and off), tests/bench/engine.c.
 */
#include "runtime/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "runtime/program_needs.h"
#include "runtime/value_hash.h"

#define LISTED_MAX (UINT32_C(1) << 20) /* places of one type's rules in lists; rules beyond that are always gone through */

/* What the predicate needs: the one need that is used. */
struct used_need {
	uint32_t field;                     /* ENS_NONE: none */
	uint8_t type;
	uint32_t n;
	const struct ens_value *value;
};

struct ens_dispatch_needs {
	const struct ens_tables *t;
	uint64_t seed;
	struct ens_arena arena;             /* of the values */
	struct used_need *of;               /* by predicate */
	uint32_t *constants;                /* by field: different ones that conditions need of it */
};

/* A constant that some condition needs of a field (by its place in the section). */
struct mention {
	uint32_t field;
	uint64_t hash;
};

/* ---- values ----------------------------------------------------------------------------------------------------------- */

/* Where the value is, or the free slot where it would be. */
static inline struct ens_dispatch_slot *slot_of(const struct ens_dispatch_field *f, const struct ens_value *v, uint64_t hash)
{
	uint64_t i = hash & f->mask;

	while (f->slot[i].count && (f->slot[i].hash != hash || ens_value_compare(f->type, &f->slot[i].value, v)))
		i = (i + 1) & f->mask;
	return &f->slot[i];
}

/* ---- what predicates need ----------------------------------------------------------------------------------------------- */

static int by_field_then_hash(const void *a, const void *b)
{
	const struct mention *x = a, *y = b;

	if (x->field != y->field)
		return x->field < y->field ? -1 : 1;
	return (x->hash > y->hash) - (x->hash < y->hash);
}

/* One look at the needs of every predicate. */
struct needs_reading {
	struct ens_dispatch_needs *needs;
	struct ens_needs_reader *reader;
	struct ens_need need[ENS_NEED_FIELDS_MAX];
	struct mention *mention;            /* of all needs; NULL: they are counted */
	size_t nmention;
};

static uint32_t constants_of(const struct ens_dispatch_needs *needs, uint32_t type, uint32_t field)
{
	return needs->constants[needs->t->type[type].fields.first + field];
}

static void read_mentions(struct needs_reading *w)
{
	const struct ens_tables *t = w->needs->t;

	w->nmention = 0;
	for (uint32_t p = 0; p < t->npredicate; p++) {
		const uint32_t n = ens_program_needs(w->reader, t->predicate[p].program, w->need);

		for (uint32_t i = 0; i < n; i++)
			for (uint32_t k = 0; k < w->need[i].n; k++, w->nmention++)
				if (w->mention)
					w->mention[w->nmention] = (struct mention){
						t->type[t->predicate[p].type].fields.first + w->need[i].field,
						ens_value_hash(w->need[i].type, &w->need[i].value[k], w->needs->seed)};
	}
}

static bool count_constants(struct needs_reading *w)
{
	read_mentions(w);
	w->mention = calloc(w->nmention + 1, sizeof *w->mention);
	if (!w->mention)
		return false;
	read_mentions(w);
	qsort(w->mention, w->nmention, sizeof *w->mention, by_field_then_hash);
	for (size_t i = 0; i < w->nmention; i++)
		if (i == 0 || by_field_then_hash(&w->mention[i - 1], &w->mention[i]))
			w->needs->constants[w->mention[i].field]++;
	return true;
}

static void use_need(struct ens_dispatch_needs *needs, struct used_need *to, const struct ens_need *from)
{
	struct ens_value *copy = ens_arena_alloc(&needs->arena, (from->n + 1) * sizeof *copy);

	if (!copy)
		return;
	memcpy(copy, from->value, from->n * sizeof *copy);
	*to = (struct used_need){from->field, from->type, from->n, copy};
}

static bool choose_needs(struct needs_reading *w)
{
	const struct ens_tables *t = w->needs->t;

	for (uint32_t p = 0; p < t->npredicate; p++) {
		const uint32_t n = ens_program_needs(w->reader, t->predicate[p].program, w->need);
		uint32_t best = 0;

		for (uint32_t i = 1; i < n; i++)
			if (constants_of(w->needs, t->predicate[p].type, w->need[i].field) >
			    constants_of(w->needs, t->predicate[p].type, w->need[best].field))
				best = i;
		w->needs->of[p].field = ENS_NONE;
		if (n)
			use_need(w->needs, &w->needs->of[p], &w->need[best]);
	}
	return !w->needs->arena.failed;
}

struct ens_dispatch_needs *ens_dispatch_needs_open(const struct ens_tables *t, uint64_t seed)
{
	struct ens_dispatch_needs *needs = calloc(1, sizeof *needs);
	struct needs_reading *w = calloc(1, sizeof *w);
	bool good = false;

	if (needs && w) {
		*needs = (struct ens_dispatch_needs){.t = t, .seed = seed};
		ens_arena_init(&needs->arena, 0);
		needs->of = calloc(t->npredicate + (size_t)1, sizeof *needs->of);
		needs->constants = calloc(t->nfield + (size_t)1, sizeof *needs->constants);
		w->needs = needs;
		w->reader = ens_needs_open(t);
		good = needs->of && needs->constants && w->reader && count_constants(w) && choose_needs(w);
		ens_needs_close(w->reader);
		free(w->mention);
	}
	free(w);
	if (good)
		return needs;
	ens_dispatch_needs_close(needs);
	return NULL;
}

void ens_dispatch_needs_close(struct ens_dispatch_needs *needs)
{
	if (!needs)
		return;
	ens_arena_free(&needs->arena);
	free(needs->of);
	free(needs->constants);
	free(needs);
}

/* ---- making an index ---------------------------------------------------------------------------------------------------- */

/* That a constant finds an interest. */
struct listing {
	struct ens_dispatch_slot *slot;
	uint32_t interest;
};

struct making {
	const struct ens_dispatch_needs *needs;
	struct ens_dispatch *d;
	const struct ens_interest *in;
	uint32_t n;
	bool *always;                       /* by interest */
	struct listing *listing;
	uint32_t nlisting;                  /* at first how many there may be, at most */
};

static const struct used_need *need_of(const struct ens_dispatch_needs *needs, uint32_t predicate)
{
	const struct used_need *u = predicate == ENS_NONE ? NULL : &needs->of[predicate];

	return u && u->field != ENS_NONE ? u : NULL;
}

/* The field's table; NULL: there are too many. */
static struct ens_dispatch_field *field_of(struct ens_dispatch *d, const struct used_need *u)
{
	for (uint32_t i = 0; i < d->nfield; i++)
		if (d->field[i].field == u->field)
			return &d->field[i];
	if (d->nfield == ENS_DISPATCH_FIELDS_MAX)
		return NULL;
	d->field[d->nfield] = (struct ens_dispatch_field){.field = u->field, .type = u->type};
	return &d->field[d->nfield++];
}

/* Something may happen to the rule with an event that satisfies none of its triggers. */
static bool takes_any(const struct ens_rule *r)
{
	return r->t->scope == ENS_T_SESSION || r->positional;
}

/* Calls back for the needs of which one must be met for interest i.  False: it is always gone through. */
static bool for_needs(struct making *m, uint32_t i, bool (*each)(struct making *m, uint32_t i, const struct used_need *u))
{
	const struct ens_interest *in = &m->in[i];
	const struct used_need *filter = need_of(m->needs, in->input->filter);
	bool all = !takes_any(in->rule);

	for (uint32_t k = 0; k < in->ntrigger && all; k++)
		all = need_of(m->needs, in->trigger[k].predicate) != NULL;
	if (!all)
		return filter && each(m, i, filter);
	for (uint32_t k = 0; k < in->ntrigger; k++)
		if (!each(m, i, need_of(m->needs, in->trigger[k].predicate)))
			return false;
	return true;
}

static bool count_need(struct making *m, uint32_t i, const struct used_need *u)
{
	struct ens_dispatch_field *f = field_of(m->d, u);

	(void)i;
	if (!f || u->n > LISTED_MAX - m->nlisting)
		return false;
	f->nvalue += u->n;
	m->nlisting += u->n;
	return true;
}

static bool list_need(struct making *m, uint32_t i, const struct used_need *u)
{
	struct ens_dispatch_field *f = field_of(m->d, u);

	f->nvalue += u->n;
	for (uint32_t k = 0; k < u->n; k++) {
		const uint64_t hash = ens_value_hash(f->type, &u->value[k], m->needs->seed);
		struct ens_dispatch_slot *s = slot_of(f, &u->value[k], hash);

		*s = (struct ens_dispatch_slot){.hash = hash, .value = u->value[k], .count = 1};
		m->listing[m->nlisting++] = (struct listing){s, i};
	}
	return true;
}

static bool open_slots(const struct making *m)
{
	for (uint32_t i = 0; i < m->d->nfield; i++) {
		struct ens_dispatch_field *f = &m->d->field[i];
		const uint64_t different = constants_of(m->needs, m->in->type, f->field);
		const uint64_t most = different < f->nvalue ? different : f->nvalue;
		uint64_t nslot = 2;

		while (nslot < most * 2)
			nslot *= 2;
		f->mask = nslot - 1;
		f->nvalue = 0; /* listed so far */
		f->slot = calloc(nslot, sizeof *f->slot);
		if (!f->slot)
			return false;
	}
	return true;
}

static int by_slot_then_interest(const void *a, const void *b)
{
	const struct listing *x = a, *y = b;

	if (x->slot != y->slot)
		return x->slot < y->slot ? -1 : 1;
	return (x->interest > y->interest) - (x->interest < y->interest);
}

/* Of rules that are always gone through for other reasons fields may be left without a constant. */
static void drop_empty_fields(struct ens_dispatch *d)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->nfield; i++) {
		if (d->field[i].nvalue)
			d->field[n++] = d->field[i];
		else
			free(d->field[i].slot);
	}
	d->nfield = n;
}

/* Writes the lists, what is always gone through first. */
static void write_lists(struct making *m)
{
	struct ens_dispatch *d = m->d;
	uint32_t at = 0;

	for (uint32_t i = 0; i < m->n; i++)
		if (m->always[i])
			d->list[at++] = i;
	d->nalways = at;
	qsort(m->listing, m->nlisting, sizeof *m->listing, by_slot_then_interest);
	for (uint32_t i = 0; i < m->nlisting; i++) {
		const struct listing *l = &m->listing[i];

		if (i == 0 || l->slot != l[-1].slot)
			l->slot->first = at;
		else if (l->interest == l[-1].interest)
			continue;
		d->list[at++] = l->interest;
		l->slot->count = at - l->slot->first;
	}
}

static bool make(struct making *m)
{
	struct ens_dispatch *d = m->d;

	m->always = calloc(m->n, sizeof *m->always);
	if (!m->always)
		return false;
	d->seed = m->needs->seed;
	for (uint32_t i = 0; i < m->n; i++) {
		m->always[i] = !for_needs(m, i, count_need);
		d->nalways += m->always[i];
	}
	d->list = calloc((size_t)m->n + m->nlisting, sizeof *d->list);
	m->listing = calloc(m->nlisting + (size_t)1, sizeof *m->listing);
	if (!d->list || !m->listing || !open_slots(m))
		return false;
	m->nlisting = 0;
	for (uint32_t i = 0; i < m->n; i++)
		if (!m->always[i])
			(void)for_needs(m, i, list_need);
	write_lists(m);
	drop_empty_fields(d);
	return true;
}

enum ens_status ens_dispatch_open(const struct ens_dispatch_needs *needs, const struct ens_interest *in, uint32_t n,
				  struct ens_dispatch **out)
{
	struct making m = {.needs = needs, .d = calloc(1, sizeof *m.d), .in = in, .n = n};
	const bool made = m.d && make(&m);

	free(m.always);
	free(m.listing);
	if (!made || m.d->nalways == n) {
		ens_dispatch_close(m.d);
		m.d = NULL;
	}
	*out = m.d;
	return made ? ENS_OK : ENS_ENOMEM;
}

void ens_dispatch_close(struct ens_dispatch *d)
{
	if (!d)
		return;
	for (uint32_t i = 0; i < d->nfield; i++)
		free(d->field[i].slot);
	free(d->list);
	free(d);
}

/* ---- events ------------------------------------------------------------------------------------------------------------- */

static inline void add_list(struct ens_dispatch_walk *w, const uint32_t *list, uint32_t n)
{
	w->list[w->nlist].at = list;
	w->list[w->nlist].end = list + n;
	w->nlist += n > 0;
}

void ens_dispatch_find(const struct ens_dispatch *d, const struct ens_value *value, struct ens_dispatch_walk *w)
{
	w->nlist = 0;
	add_list(w, d->list, d->nalways);
	for (uint32_t i = 0; i < d->nfield; i++) {
		const struct ens_dispatch_field *f = &d->field[i];
		const struct ens_value *v = &value[f->field];

		if (v->null)
			continue;
		const struct ens_dispatch_slot *s = slot_of(f, v, ens_value_hash(f->type, v, d->seed));

		add_list(w, d->list + s->first, s->count);
	}
}
