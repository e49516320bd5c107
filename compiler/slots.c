/*
 * What a partial match remembers: only what some expression reads, and each thing once.
 *
 * A slot is known by what it is: kind, scope, steps, field or text of the expression.  Slots of a repeated group's round
 * lie in one piece, those of groups inside it within that piece, so that one CLEAR begins a round.
 * Tested by tests/lang/tables.test.
 */
#include "compiler/code.h"

#include <string.h>

static bool add(struct ens_arena *arena, struct ens_rule_sema *r, struct ens_slot *s)
{
	if (!ens_arena_grow(arena, &r->slot, r->nslot, &r->cap_slot, sizeof(struct ens_slot *)))
		return false;
	r->slot[r->nslot++] = s;
	return true;
}

static void keep(struct ens_arena *arena, struct ens_pat *step, const struct ens_slot *slot)
{
	struct ens_keep *k;

	for (k = step->sema->keeps; k; k = k->next)
		if (k->slot == slot)
			return;
	k = ens_arena_zalloc(arena, sizeof *k);
	if (!k)
		return;
	k->slot = slot;
	if (!step->sema->keeps_end)
		step->sema->keeps_end = &step->sema->keeps;
	*step->sema->keeps_end = k;
	step->sema->keeps_end = &k->next;
}

static void identity(struct ens_buf *key, const struct ens_slot *s, const struct ens_pat *scope,
		     const struct ens_pat *root, struct ens_pat *const *pat, uint32_t npat)
{
	ens_buf_addf(key, "%d %d %ld %ld ", (int)s->kind, (int)s->type, scope ? (long)scope->sema->enter : -1,
		     root ? (long)root->sema->enter : -1);
	for (uint32_t i = 0; i < npat; i++)
		ens_buf_addf(key, "%u,", pat[i]->sema->step);
	ens_buf_addc(key, ' ');
	if (s->field)
		ens_buf_adds(key, s->field);
	if (s->kind == ENS_SLOT_NTH)
		ens_buf_addf(key, " %u", s->nth);
	if (s->arg)
		ens_expr_write(s->arg, key);
}

/* The slot that is as `want` says, for the steps in a scope; made if `arena` is given. */
static struct ens_slot *get(struct ens_arena *arena, struct ens_rule_sema *r, struct ens_slot want,
			    const struct ens_pat *scope, const struct ens_pat *root, struct ens_pat *const *pat,
			    uint32_t npat)
{
	struct ens_buf key = ENS_BUF_EMPTY;
	uint32_t i = ENS_MAP_NONE, *place = NULL;
	struct ens_slot *s = NULL;

	identity(&key, &want, scope, root, pat, want.kind == ENS_SLOT_ALL ? 0 : npat); /* of all there is one */
	if (!key.failed && arena)
		place = ens_map_at(&r->slot_map, key.data, key.len);
	else if (!key.failed)
		i = ens_map_find(&r->slot_map, key.data, key.len);
	ens_buf_free(&key);
	if (place)
		i = *place;
	if (i != ENS_MAP_NONE)
		return r->slot[i];
	if (!place || !(s = ens_arena_zalloc(arena, sizeof *s)))
		return NULL;
	*s = want;
	if (!add(arena, r, s))
		return NULL;
	*place = r->nslot - 1;

	struct ens_slot ***end = scope ? &((struct ens_pat *)scope)->sema->slots_end : &r->slots_end;

	if (!*end)
		*end = scope ? &((struct ens_pat *)scope)->sema->slots : &r->slots;
	**end = s;
	*end = &s->next;
	for (uint32_t k = 0; k < npat; k++)
		keep(arena, pat[k], s);
	return s;
}

/* ---- one by one ------------------------------------------------------------------------------------------------- */

/* a[3]: one slot, filled when so many events were taken before; a[-3]: of all such of a field the last of them. */
static struct ens_slot *nth_slot(struct ens_arena *arena, struct ens_rule_sema *r, const struct ens_expr *e)
{
	const struct ens_expr_sema *x = e->sema;
	const struct ens_reach *t = &x->target;
	struct ens_slot want = {.kind = x->nth > 0 ? ENS_SLOT_NTH : ENS_SLOT_BACK, .type = e->type, .field = x->field,
				.nth = (uint32_t)(x->nth > 0 ? x->nth : -x->nth)};
	struct ens_slot *s = get(arena, r, want, t->scope, NULL, t->pat, t->npat);

	if (!s || !arena)
		return s;
	if (s->nth < want.nth)
		s->nth = want.nth;
	if (want.kind == ENS_SLOT_NTH)
		s->count = get(arena, r, (struct ens_slot){.kind = ENS_SLOT_EVENTS, .type = ENS_INT}, t->scope, NULL,
			       t->pat, t->npat);
	return s;
}

static struct ens_slot *step_slot(struct ens_arena *arena, struct ens_rule_sema *r, const struct ens_expr *e)
{
	const struct ens_expr_sema *x = e->sema;
	const struct ens_reach *t = &x->target;

	if (x->which == ENS_NTH)
		return nth_slot(arena, r, e);

	struct ens_slot want = {.kind = x->which == ENS_FIRST && t->repeated ? ENS_SLOT_FIRST_FIELD : ENS_SLOT_FIELD,
				.type = e->type, .field = x->field};

	return get(arena, r, want, t->scope, NULL, t->pat, t->npat);
}

/* `prev`: one slot a field and type, written by every step that may come before one that reads it. */
static struct ens_slot *prev_slot(struct ens_arena *arena, struct ens_rule_sema *r, const struct ens_expr *e)
{
	struct ens_slot want = {.kind = ENS_SLOT_FIELD, .type = e->type, .field = e->sema->field};
	struct ens_slot *s = get(arena, r, want, NULL, r->pattern, NULL, 0);

	for (uint32_t i = 0; s && arena && i < e->sema->target.npat; i++)
		keep(arena, e->sema->target.pat[i], s);
	return s;
}

static void keep_inside(struct ens_arena *arena, struct ens_pat *p, const struct ens_slot *s)
{
	if (p->kind == ENS_P_STEP)
		keep(arena, p, s);
	for (uint32_t i = 0; p->kind != ENS_P_NOT && i < p->nitem; i++)
		keep_inside(arena, p->item[i], s);
}

/* Has the group begun in this round?  It has a round in each of the innermost repeated group around it, itself included. */
static struct ens_slot *rounds_slot(struct ens_arena *arena, struct ens_rule_sema *r, const struct ens_reach *t)
{
	struct ens_pat *group = (struct ens_pat *)t->root;
	const struct ens_pat *repeated = group;

	while (repeated != t->scope && repeated->sema->max <= 1)
		repeated = repeated->sema->up;

	struct ens_slot *rounds =
		get(arena, r, (struct ens_slot){.kind = ENS_SLOT_ROUNDS, .type = ENS_INT}, t->scope, group, NULL, 0);
	struct ens_slot *round = get(arena, r, (struct ens_slot){.kind = ENS_SLOT_ROUND, .type = ENS_BOOL},
				     repeated, group, NULL, 0);

	if (!rounds || !round || !arena)
		return rounds;
	rounds->round = round;
	keep_inside(arena, group, rounds);
	keep_inside(arena, group, round);
	return rounds;
}

static struct ens_slot *aggregate_slot(struct ens_arena *arena, struct ens_rule_sema *r, const struct ens_expr *e,
				       enum ens_slot_kind kind)
{
	const struct ens_reach *t = &e->sema->target;
	struct ens_slot want = {.kind = kind,
				.type = kind == ENS_SLOT_COUNT || e->sema->counts_events ? ENS_INT : e->arg[0]->type};

	if (e->sema->counts_events && !t->npat)
		return rounds_slot(arena, r, t);
	if (kind == ENS_SLOT_MEAN || kind == ENS_SLOT_SPREAD)
		want.type = ENS_FLOAT;
	if (!e->sema->counts_events)
		want.arg = e->arg[0];
	return get(arena, r, want, t->scope, NULL, t->pat, t->npat);
}

static enum ens_slot_kind kind_of(const struct ens_expr *e)
{
	static const enum ens_slot_kind kind[] = {
		[ENS_A_COUNT] = ENS_SLOT_COUNT, [ENS_A_SUM] = ENS_SLOT_SUM, [ENS_A_AVG] = ENS_SLOT_SUM,
		[ENS_A_MIN] = ENS_SLOT_MIN,     [ENS_A_MAX] = ENS_SLOT_MAX, [ENS_A_FIRST] = ENS_SLOT_FIRST,
		[ENS_A_LAST] = ENS_SLOT_LATEST, [ENS_A_STDDEV] = ENS_SLOT_SPREAD,
		[ENS_A_COUNT_DISTINCT] = ENS_SLOT_DISTINCT, [ENS_A_LIST] = ENS_SLOT_LIST,
		[ENS_A_SET] = ENS_SLOT_DISTINCT, [ENS_A_PERCENTILE] = ENS_SLOT_SKETCH,
	};

	if (e->sema->counts_events)
		return e->narg ? ENS_SLOT_EVENTS : ENS_SLOT_ALL;
	return kind[e->sema->aggregate];
}

/* What the standard deviation is made of. */
static void spread_slots(struct ens_arena *arena, struct ens_rule_sema *r, const struct ens_expr *e)
{
	struct ens_slot *spread = aggregate_slot(arena, r, e, ENS_SLOT_SPREAD);
	struct ens_slot *mean = aggregate_slot(arena, r, e, ENS_SLOT_MEAN);
	struct ens_slot *count = aggregate_slot(arena, r, e, ENS_SLOT_COUNT);

	if (!spread || !mean)
		return;
	spread->mean = mean;
	spread->count = mean->count = count;
}

void ens_slots_find(struct ens_arena *arena, struct ens_rule_sema *r, const struct ens_expr *e)
{
	enum ens_mean mean = e->sema ? e->sema->mean : ENS_MEAN_NOTHING;

	if (mean == ENS_MEAN_STEP)
		step_slot(arena, r, e);
	else if (mean == ENS_MEAN_PREV)
		prev_slot(arena, r, e);
	else if (mean == ENS_MEAN_AGGREGATE) {
		aggregate_slot(arena, r, e, kind_of(e));
		if (e->sema->aggregate == ENS_A_AVG)
			aggregate_slot(arena, r, e, ENS_SLOT_COUNT);
		if (e->sema->aggregate == ENS_A_STDDEV)
			spread_slots(arena, r, e);
	}
	if (mean == ENS_MEAN_STEP || mean == ENS_MEAN_PREV || mean == ENS_MEAN_AGGREGATE)
		return;
	for (uint32_t i = 0; i < e->narg; i++)
		ens_slots_find(arena, r, e->arg[i]);
}

void ens_slots_find_taken(struct ens_arena *arena, struct ens_rule_sema *r, struct ens_pat *step)
{
	get(arena, r, (struct ens_slot){.kind = ENS_SLOT_TAKEN, .type = ENS_BOOL}, NULL, NULL, &step, 1);
}

const struct ens_slot *ens_slot_of_step(const struct ens_rule_sema *r, const struct ens_expr *e)
{
	struct ens_rule_sema *rule = (struct ens_rule_sema *)r;

	return e->sema->mean == ENS_MEAN_PREV ? prev_slot(NULL, rule, e) : step_slot(NULL, rule, e);
}

const struct ens_slot *ens_slot_of_aggregate(const struct ens_rule_sema *r, const struct ens_expr *e,
					     enum ens_slot_kind kind)
{
	if (kind == ENS_SLOT_EVENTS)
		kind = kind_of(e);
	return aggregate_slot(NULL, (struct ens_rule_sema *)r, e, kind);
}

const struct ens_slot *ens_slot_of_taken(const struct ens_rule_sema *r, struct ens_pat *step)
{
	return get(NULL, (struct ens_rule_sema *)r, (struct ens_slot){.kind = ENS_SLOT_TAKEN, .type = ENS_BOOL}, NULL,
		   NULL, &step, 1);
}

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

static uint32_t width(const struct ens_slot *s)
{
	if (s->kind == ENS_SLOT_BACK)
		return s->nth;
	return s->kind == ENS_SLOT_SUM && s->type == ENS_FLOAT ? 2 : 1; /* with its compensation */
}

static uint32_t place_list(struct ens_slot *list, uint32_t next)
{
	for (struct ens_slot *s = list; s; s = s->next) {
		s->index = next;
		next += width(s);
	}
	return next;
}

static uint32_t place_inside(struct ens_pat *p, uint32_t next)
{
	if (p->kind == ENS_P_NOT)
		return next;
	p->sema->first_slot = next;
	next = place_list(p->sema->slots, next);
	for (uint32_t i = 0; i < p->nitem; i++)
		next = place_inside(p->item[i], next);
	p->sema->nslot = next - p->sema->first_slot;
	return next;
}

/* A slot's program may read slots that the same step writes: it comes before those, so that it sees them as they were. */
static int rank(const struct ens_slot *s)
{
	switch (s->kind) {
	case ENS_SLOT_SPREAD:
		return 0; /* reads the mean and the count */
	case ENS_SLOT_MEAN:
	case ENS_SLOT_NTH:
		return 1; /* reads a count */
	case ENS_SLOT_ROUND:
		return 3; /* is read by what counts rounds */
	default:
		return 2;
	}
}

/* Of one rank the order is that in which they were found. */
static void sort_keeps(struct ens_pat *p)
{
	struct ens_keep *list[4] = {NULL}, **end[4], *next, **last;

	for (uint32_t i = 0; p->kind != ENS_P_NOT && i < p->nitem; i++)
		sort_keeps(p->item[i]);
	if (p->kind != ENS_P_STEP)
		return;
	for (int i = 0; i < 4; i++)
		end[i] = &list[i];
	for (struct ens_keep *k = p->sema->keeps; k; k = next) {
		int i = rank(k->slot);

		next = k->next;
		k->next = NULL;
		*end[i] = k;
		end[i] = &k->next;
	}
	last = &p->sema->keeps;
	for (int i = 0; i < 4; i++)
		if (list[i]) {
			*last = list[i];
			last = end[i];
		}
}

void ens_slots_place(struct ens_rule_sema *r)
{
	place_inside(r->pattern, place_list(r->slots, 0));
	sort_keeps(r->pattern);
}

uint32_t ens_slots_count(const struct ens_rule_sema *r)
{
	return r->pattern->sema->first_slot + r->pattern->sema->nslot;
}
