/*
 * What follows from a rule's tables, worked out once: the layout of its partial matches and cells, what may be due in it,
 * the conditions that it asks of events (M5), and for `match last` which partials stand at the same point.
 *
 * A point is what may come next: the steps that the entries of a state lead to and, for each repetition and `&` around such
 * a step, how far that is.  A counter matters at a state if something reads it before it is set anew, as liveness of
 * variables in compilers; only such counters are part of a point.
 * Cost: opening, linear in the tables but for liveness (a few passes); a point, linear in the entries of a state and their
 * counters.  Tested by tests/conformance, tests/unit/test_engine.c.
 */
#include <stdlib.h>
#include <string.h>
#define XXH_STATIC_LINKING_ONLY /* a hash state on the stack */
#include <xxhash.h>

#include "runtime/match.h"

static size_t aligned(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

/* Nothing can be due but the end of the scope, and nothing completes there: then the oldest partial is due first. */
static bool only_scope_is_due(const struct ens_rule *r)
{
	const struct ens_tables *t = r->engine->tables;

	if (r->t->scope == ENS_T_SESSION || r->holds || r->times_out)
		return false;
	for (uint32_t s = 0; s < r->t->states.count; s++) {
		const struct ens_t_entry *list = &t->entry[r->state[s].entries.first];

		for (uint32_t i = 0; i < r->state[s].entries.count; i++) {
			if (ens_entry_has_within(&list[i]))
				return false;
			/* An accept that something holds back, or that waits for an absence. */
			if (list[i].kind == ENS_T_ACCEPT && (list[i].absences.count || (i > 0 && r->t->select != ENS_T_ALL)))
				return false;
		}
	}
	return true;
}

/* Two partials can have taken the same events: a fork, or `->>` and what stands behind it; or one is complete by an event
 * that is not part of it and goes on with that, or all choices are followed. */
static bool can_branch(const struct ens_rule *r, const struct ens_tables *t)
{
	if (!r->one)
		return true;
	for (uint32_t s = 0; s < r->t->states.count; s++) {
		const struct ens_t_entry *list = &t->entry[r->state[s].entries.first];

		for (uint32_t i = 0; i < r->state[s].entries.count; i++)
			if (list[i].kind == ENS_T_FORK || list[i].arrow == ENS_T_ANY)
				return true;
	}
	return false;
}

static struct ens_value initial_value(const struct ens_t_const *k)
{
	struct ens_value v = {.null = k->null};

	memcpy(&v.i, &k->bits, sizeof v.i);
	return v;
}

/* ---- triggers (M5) ---------------------------------------------------------------------------------------------- */

/* Equal conditions have equal bits; beyond 63 different ones bits are shared, which costs a look too many now and then. */
struct trigger_walk {
	struct ens_rule *r;
	void (*each)(void *user, uint32_t type, uint32_t predicate, uint64_t bits); /* NULL: nobody wants to know */
	void *user;
	struct {
		uint32_t type, predicate;
	} known[63];
	uint32_t nknown;
};

static uint64_t trigger_bit(struct trigger_walk *w, uint32_t type, uint32_t predicate)
{
	uint32_t i = 0;

	while (i < w->nknown && (w->known[i].type != type || w->known[i].predicate != predicate))
		i++;
	if (i == 63)
		i = (type * 31 + predicate) % 63;
	if (i == w->nknown) {
		w->known[i].type = type;
		w->known[i].predicate = predicate;
		w->nknown++;
	}
	if (w->each)
		w->each(w->user, type, predicate, UINT64_C(1) << i);
	return UINT64_C(1) << i;
}

static uint64_t absence_bits(struct trigger_walk *w, struct ens_t_list absences)
{
	const struct ens_t_absence *a = &w->r->engine->tables->absence[absences.first];
	uint64_t bits = 0;

	for (uint32_t i = 0; i < absences.count; i++) {
		bits |= trigger_bit(w, a[i].type, a[i].predicate);
		if (a[i].kind == ENS_T_VERY_NEXT)
			bits |= ENS_EVERY_EVENT;
	}
	return bits;
}

/* What one entry waits for. */
static uint64_t entry_bits(struct trigger_walk *w, const struct ens_t_entry *t)
{
	uint64_t bits = absence_bits(w, t->absences);

	if (t->kind != ENS_T_TAKE)
		return bits;
	const struct ens_t_state *s = &w->r->state[t->target];

	bits |= trigger_bit(w, s->type, s->predicate);
	for (uint32_t i = 0; i < s->untils.count; i++) {
		const struct ens_t_ref *u = &w->r->engine->tables->ref[s->untils.first + i];

		bits |= trigger_bit(w, u->type, u->predicate);
	}
	return t->arrow == ENS_T_NEXT ? bits | ENS_EVERY_EVENT : bits;
}

static void walk_triggers(struct trigger_walk *w)
{
	struct ens_rule *r = w->r;
	uint32_t at = 0;

	r->start_mask = 0;
	r->positional = r->t->scope == ENS_T_EVENTS;
	for (uint32_t s = 0; s < r->t->states.count; s++) {
		r->mask_at[s] = at;
		for (uint32_t i = 0; i < r->state[s].entries.count; i++, at++) {
			r->mask[at] = entry_bits(w, &r->engine->tables->entry[r->state[s].entries.first + i]);
			if (s == 0)
				r->start_mask |= r->mask[at] & ~ENS_EVERY_EVENT;
			r->positional |= (r->mask[at] & ENS_EVERY_EVENT) != 0;
		}
	}
	r->lead_mask = absence_bits(w, r->t->leads);
	r->reset_mask = 0;
	for (uint32_t i = 0; i < r->t->resets.count; i++) {
		const struct ens_t_ref *reset = &r->engine->tables->ref[r->t->resets.first + i];

		r->reset_mask |= trigger_bit(w, reset->type, reset->predicate);
	}
}

void ens_rule_triggers(struct ens_rule *r, void (*each)(void *user, uint32_t type, uint32_t predicate, uint64_t bits),
		       void *user)
{
	struct trigger_walk w = {.r = r, .each = each, .user = user};

	walk_triggers(&w);
}

static uint64_t known_bit(void *user, uint32_t type, uint32_t predicate)
{
	return trigger_bit(user, type, predicate);
}

static bool open_masks(struct ens_rule *r)
{
	struct trigger_walk w = {.r = r};
	size_t n = 0;

	for (uint32_t s = 0; s < r->t->states.count; s++)
		n += r->state[s].entries.count;
	r->mask = calloc(n + 1, sizeof *r->mask);
	r->mask_at = calloc(r->t->states.count + 1, sizeof *r->mask_at);
	if (!r->mask || !r->mask_at)
		return false;
	walk_triggers(&w);
	if (r->waiting)
		ens_waiting_plan_bind(r->waiting, r, known_bit, &w);
	return true;
}

/* ---- counters of `match last` ------------------------------------------------------------------------------------- */

/* What is to be known of counters to tell where a partial match stands. */
struct ens_counters {
	uint32_t *least;     /* by counter: the rounds that its repetition needs */
	bool *is_mask;       /* by counter: its bits are parts taken */
	uint32_t *after;     /* room: counters as they would be behind an entry */
	struct ens_point *way; /* room: the ways on from one state */
	uint64_t *live;      /* by state, `words` each: counters that still matter there */
	uint32_t words;
};

static void learn_op(struct ens_counters *k, const struct ens_t_op *o)
{
	if (o->kind == ENS_T_LACKS || o->kind == ENS_T_MARK)
		k->is_mask[o->reg] = true;
	else if (o->kind == ENS_T_ADD)
		k->least[o->reg] = o->least;
}

static uint64_t *live_at(const struct ens_counters *k, uint32_t state)
{
	return k->live + (size_t)state * k->words;
}

static bool add_live(uint64_t *live, uint32_t reg)
{
	bool is_new = !(live[reg / 64] >> (reg % 64) & 1);

	live[reg / 64] |= UINT64_C(1) << (reg % 64);
	return is_new;
}

static bool is_set_by(const struct ens_tables *t, const struct ens_t_entry *e, uint32_t reg)
{
	for (uint32_t i = 0; i < e->actions.count; i++)
		if (t->op[e->actions.first + i].kind == ENS_T_SET && t->op[e->actions.first + i].reg == reg)
			return true;
	return false;
}

/* What entry e of `state` asks of counters, or hands on to where it leads.  True: something new. */
static bool spread_live(const struct ens_tables *t, struct ens_counters *k, uint32_t state, const struct ens_t_entry *e)
{
	uint64_t *live = live_at(k, state);
	bool more = false;

	for (uint32_t i = 0; i < e->guards.count; i++)
		if (t->op[e->guards.first + i].kind != ENS_T_HOLDS)
			more |= add_live(live, t->op[e->guards.first + i].reg);
	if (e->kind != ENS_T_TAKE)
		return more;
	const uint64_t *there = live_at(k, e->target);

	for (uint32_t w = 0; w < k->words; w++)
		for (uint64_t bits = there[w] & ~live[w]; bits; bits &= bits - 1) {
			uint32_t reg = w * 64 + (uint32_t)__builtin_ctzll(bits);

			if (!is_set_by(t, e, reg))
				more |= add_live(live, reg);
		}
	return more;
}

static uint32_t most_entries(const struct ens_rule *r)
{
	uint32_t most = 0;

	for (uint32_t s = 0; s < r->t->states.count; s++)
		if (r->state[s].entries.count > most)
			most = r->state[s].entries.count;
	return most;
}

static bool open_counters(struct ens_rule *r)
{
	const struct ens_tables *t = r->engine->tables;
	uint32_t n = r->t->ncounter;
	struct ens_counters *k = calloc(1, sizeof *k);
	bool more = true;

	r->counters = k;
	if (!k)
		return false;
	k->words = (n + 63) / 64;
	k->least = calloc(n + 1, sizeof *k->least);
	k->is_mask = calloc(n + 1, sizeof *k->is_mask);
	k->after = calloc(n + 1, sizeof *k->after);
	k->way = calloc(most_entries(r) + 1, sizeof *k->way);
	k->live = calloc((size_t)r->t->states.count * k->words + 1, sizeof *k->live);
	if (!k->least || !k->is_mask || !k->after || !k->way || !k->live)
		return false;
	for (uint32_t s = 0; s < r->t->states.count; s++)
		for (uint32_t i = 0; i < r->state[s].entries.count; i++) {
			const struct ens_t_entry *e = &t->entry[r->state[s].entries.first + i];

			for (uint32_t o = 0; o < e->guards.count; o++)
				learn_op(k, &t->op[e->guards.first + o]);
			for (uint32_t o = 0; o < e->actions.count; o++)
				learn_op(k, &t->op[e->actions.first + o]);
		}
	while (more) {
		more = false;
		for (uint32_t s = r->t->states.count; s-- > 0;)
			for (uint32_t i = 0; i < r->state[s].entries.count; i++)
				more |= spread_live(t, k, s, &t->entry[r->state[s].entries.first + i]);
	}
	return true;
}

static void close_counters(struct ens_counters *k)
{
	if (!k)
		return;
	free(k->least);
	free(k->is_mask);
	free(k->after);
	free(k->way);
	free(k->live);
	free(k);
}

/* One way to go on, as a hash: the step and, of the repetitions and `&` around it, how far they are.  Complete rounds count,
 * up to those that are needed. */
static struct ens_point hash_way(const struct ens_rule *r, const struct ens_t_entry *e, const uint32_t *counter)
{
	const struct ens_t_op *o = &r->engine->tables->op[e->actions.first];
	const struct ens_counters *k = r->counters;
	XXH3_state_t h;

	XXH3_INITSTATE(&h);
	XXH3_128bits_reset(&h);
	XXH3_128bits_update(&h, &e->kind, sizeof e->kind);
	if (e->kind == ENS_T_TAKE) {
		const uint64_t *live = live_at(k, e->target);

		XXH3_128bits_update(&h, &e->target, sizeof e->target);
		memcpy(k->after, counter, r->t->ncounter * sizeof *k->after);
		ens_counters_act(k->after, o, e->actions.count);
		for (uint32_t w = 0; w < k->words; w++)
			for (uint64_t bits = live[w]; bits; bits &= bits - 1) {
				uint32_t reg = w * 64 + (uint32_t)__builtin_ctzll(bits), n = k->after[reg];

				if (!k->is_mask[reg] && n)
					n = n - 1 < k->least[reg] ? n - 1 : k->least[reg];
				XXH3_128bits_update(&h, &n, sizeof n);
			}
	}
	XXH128_hash_t d = XXH3_128bits_digest(&h);

	return (struct ens_point){{d.low64, d.high64}};
}

static int by_hash(const void *a, const void *b)
{
	const struct ens_point *x = a, *y = b;

	if (x->hash[0] != y->hash[0])
		return x->hash[0] < y->hash[0] ? -1 : 1;
	return (x->hash[1] > y->hash[1]) - (x->hash[1] < y->hash[1]);
}

/* A point is the set of its ways: as often as one is there, and in whatever order. */
void ens_partial_locate(const struct ens_rule *r, struct ens_partial *p)
{
	struct ens_point *way = r->counters->way;
	const uint32_t *counter = ens_partial_counters(r, p);
	uint32_t n, nway = 0, distinct = 0;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);

	for (uint32_t i = 0; i < n; i++) {
		const struct ens_t_op *o = &r->engine->tables->op[list[i].guards.first];

		if (list[i].kind > ENS_T_ACCEPT || !ens_counters_allow(counter, o, list[i].guards.count))
			continue;
		way[nway++] = hash_way(r, &list[i], counter);
	}
	if (nway > 1)
		qsort(way, nway, sizeof *way, by_hash);
	for (uint32_t i = 0; i < nway; i++)
		if (i == 0 || by_hash(&way[i], &way[distinct - 1]) != 0)
			way[distinct++] = way[i];

	XXH128_hash_t d = XXH3_128bits(way, distinct * sizeof *way);

	*ens_partial_point(r, p) = (struct ens_point){{d.low64, d.high64}};
}

/* ---- opening ------------------------------------------------------------------------------------------------------ */

void ens_rule_lay_out(struct ens_rule *r, const struct ens_tables *t)
{
	r->state = &t->state[r->t->states.first];
	r->mask_words = 1;
	for (uint32_t s = 0; s < r->t->states.count; s++)
		if (r->state[s].entries.count > r->mask_words * 64)
			r->mask_words = (r->state[s].entries.count + 63) / 64;
	r->one = r->t->select == ENS_T_ONE && r->t->skip == ENS_T_SKIP_DEFAULT;
	r->branches = can_branch(r, t);
	r->holds = r->t->select == ENS_T_ALL && r->t->skip != ENS_T_SKIP_DEFAULT && r->t->skip != ENS_T_SKIP_NONE &&
		   r->t->skip != ENS_T_SKIP_ALL;
	for (uint32_t i = 0; i < r->t->emits.count; i++)
		r->times_out |= t->emit[r->t->emits.first + i].kind == ENS_T_TIMEOUT;
	r->origin_at = (uint32_t)(sizeof(struct ens_partial) + r->mask_words * sizeof(uint64_t));
	r->slots_at = r->origin_at + (r->branches ? 0 : (uint32_t)sizeof(struct ens_link));
	if (r->t->select == ENS_T_LAST) {
		r->point_at = r->slots_at;
		r->slots_at += (uint32_t)sizeof(struct ens_point);
	}
	r->counters_at = r->slots_at + r->t->slots.count * (uint32_t)sizeof(struct ens_value);
	r->partial_bytes = aligned(r->counters_at + r->t->ncounter * sizeof(uint32_t));
	if (r->waiting) {
		r->waiting_at = (uint32_t)r->partial_bytes;
		r->partial_bytes = aligned(r->waiting_at + sizeof(struct ens_waiting_links));
	}
	r->cell_bytes = sizeof(struct ens_cell) + r->t->leads.count * sizeof(int64_t);
	if (r->t->scope == ENS_T_SESSION) {
		r->session_at = (uint32_t)r->cell_bytes;
		r->cell_bytes += sizeof(struct ens_session);
	}
	if (r->holds || r->times_out || r->t->having_once) {
		r->record_at = (uint32_t)r->cell_bytes;
		r->cell_bytes += sizeof(struct ens_record);
	}
	if (r->shared) {
		r->shared_at = (uint32_t)aligned(r->cell_bytes);
		r->cell_bytes = r->shared_at + ens_shared_cell_bytes(r->shared);
	}
	if (r->waiting) {
		r->waiting_cell_at = (uint32_t)r->cell_bytes;
		r->cell_bytes += sizeof(struct ens_waiting);
	}
}

enum ens_status ens_rule_open(struct ens_rule *r)
{
	const struct ens_tables *t = r->engine->tables;
	uint32_t nslot = r->t->slots.count;

	if (!r->engine->options.no_shared_matches && ens_shared_plan_make(t, r->t, &r->shared) != ENS_OK)
		return ENS_ENOMEM;
	if (!r->shared && ens_waiting_plan_make(t, r->t, &r->waiting) != ENS_OK)
		return ENS_ENOMEM;
	ens_rule_lay_out(r, t);
	for (uint32_t i = 0; i < r->state[0].entries.count; i++)
		r->start_guarded |= t->entry[r->state[0].entries.first + i].guards.count > 0;
	r->scope_only = only_scope_is_due(r);
	r->embryo = calloc(1, r->partial_bytes);
	r->initial = calloc(nslot + 1, sizeof *r->initial);
	r->view = calloc(nslot + 1, sizeof *r->view);
	if (!r->embryo || !r->initial || !r->view || !open_masks(r) ||
	    (r->point_at && !open_counters(r)))
		return ENS_ENOMEM;
	for (uint32_t i = 0; i < nslot; i++)
		r->initial[i] = initial_value(&t->slot[r->t->slots.first + i].init);
	memcpy(ens_partial_slots(r, r->embryo), r->initial, nslot * sizeof *r->initial);
	if (r->shared)
		ens_shared_plan_bind(r->shared, r);
	return ENS_OK;
}

void ens_rule_close(struct ens_rule *r)
{
	ens_limit_close(&r->limit, &r->engine->heap);
	close_counters(r->counters);
	ens_shared_plan_free(r->shared);
	ens_waiting_plan_free(r->waiting);
	free(r->mask);
	free(r->mask_at);
	free(r->embryo);
	free(r->initial);
	free(r->view);
}
