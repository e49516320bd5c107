/*
 * Which states of a rule have an index of their waiting partial matches: read off the tables once.
 *
 * Guarantee: where a wait is keyed, an event whose values are not those of the slots makes its condition false or null, and
 * not to run it loses no count of lost results; nothing else of the state is looked at by time or position.  What can't be
 * shown to be so is free.
 * Cost: linear in the ways of the rule, times its conditions, of which CONDITIONS_MAX are read.
 * Tested by tests/unit/test_waiting.c, tests/conformance (replay, differential with the index from one partial match on).
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/match.h"
#include "runtime/program_needs.h"

#define CONDITIONS_MAX 32u  /* of a rule that are read; further ones are free */
#define WAITS_MAX 1024u     /* of a rule; with more it has no index */
#define ACTIONS_MAX 32u     /* of a way; what waits on one with more is free */

/* What a condition needs. */
struct condition {
	uint32_t program, n;
	struct ens_equality equality[ENS_EQUALITIES_MAX];
};

/* One thing that a state waits for. */
struct wait {
	uint32_t type, predicate;
	uint32_t condition;                /* among those read; ENS_NONE: it needs nothing, or nobody knows */
	const struct ens_t_entry *entry;   /* on whose way */
};

struct planning {
	const struct ens_tables *t;
	const struct ens_t_rule *rule;
	struct ens_waiting_plan *plan;
	struct ens_needs_reader *reader;   /* NULL: not needed yet */
	struct condition *condition;
	uint32_t ncondition;
	struct wait *wait;                 /* of the state at hand */
	uint32_t nwait;
	uint32_t total;                    /* waits of all states */
	bool nomem;
};

/* ---- what a state waits for ----------------------------------------------------------------------------------------- */

/* ENS_NONE: it can't be read. */
static uint32_t condition_of(struct planning *w, uint32_t program)
{
	for (uint32_t i = 0; i < w->ncondition; i++)
		if (w->condition[i].program == program)
			return i;
	if (w->ncondition == CONDITIONS_MAX)
		return ENS_NONE;
	if (!w->reader) {
		w->reader = ens_needs_open(w->t);
		w->condition = calloc(CONDITIONS_MAX, sizeof *w->condition);
		w->nomem |= !w->reader || !w->condition;
	}
	if (w->nomem)
		return ENS_NONE;
	struct condition *c = &w->condition[w->ncondition];

	c->program = program;
	c->n = ens_program_equalities(w->reader, program, c->equality);
	return w->ncondition++;
}

static void add_wait(struct planning *w, const struct ens_t_entry *e, uint32_t type, uint32_t predicate, uint32_t condition)
{
	const bool readable = condition != ENS_NONE && e->actions.count <= ACTIONS_MAX;

	if (w->total++ < WAITS_MAX)
		w->wait[w->nwait++] = (struct wait){type, predicate, readable ? condition_of(w, condition) : ENS_NONE, e};
}

/* False: the state can't be keyed. */
static bool add_absences(struct planning *w, const struct ens_t_entry *e)
{
	const struct ens_t_absence *a = &w->t->absence[e->absences.first];

	for (uint32_t i = 0; i < e->absences.count; i++) {
		if (a[i].kind == ENS_T_VERY_NEXT || a[i].for_program != ENS_NONE)
			return false;
		add_wait(w, e, a[i].type, a[i].predicate, a[i].condition);
	}
	return true;
}

static bool add_step(struct planning *w, const struct ens_t_entry *e)
{
	const struct ens_t_state *target = &w->t->state[w->rule->states.first + e->target];
	const struct ens_t_ref *u = &w->t->ref[target->untils.first];

	if (e->arrow == ENS_T_NEXT || e->after_program != ENS_NONE || e->within_program != ENS_NONE)
		return false;
	add_wait(w, e, target->type, target->predicate, target->condition);
	for (uint32_t i = 0; i < target->untils.count; i++)
		add_wait(w, e, u[i].type, u[i].predicate, u[i].condition);
	return true;
}

/* Gathers the waits of a state.  False: it can't be keyed. */
static bool gather(struct planning *w, const struct ens_t_state *s)
{
	const struct ens_t_entry *e = &w->t->entry[s->entries.first];
	uint32_t nway = 0;
	bool limited = false, can = true;

	w->nwait = 0;
	for (uint32_t i = 0; i < s->entries.count && can; i++) {
		if (e[i].kind > ENS_T_ACCEPT)
			continue;
		nway++;
		can = add_absences(w, &e[i]);
		if (!can || e[i].kind != ENS_T_TAKE)
			continue;
		can = add_step(w, &e[i]);
		limited |= ens_entry_has_within(&e[i]);
	}
	return can && !(limited && nway > 1);
}

/* ---- the key of a state ----------------------------------------------------------------------------------------------- */

static bool is_slot(const struct ens_waiting_part *p, const struct ens_equality *q)
{
	return p->index == q->slot && p->to_float == q->slot_to_float && p->type == q->type;
}

/* Taking the event by this way would begin a round whose slots are empty again. */
static bool clears(const struct planning *w, const struct ens_t_entry *e, uint32_t slot)
{
	const struct ens_t_op *o = &w->t->op[e->actions.first];

	for (uint32_t i = 0; i < e->actions.count; i++)
		if (o[i].kind == ENS_T_CLEAR && slot >= o[i].reg && slot - o[i].reg < o[i].n)
			return true;
	return false;
}

/* The equality by which the wait needs the slot, or NULL. */
static const struct ens_equality *equality_with(const struct planning *w, const struct wait *wait,
						const struct ens_waiting_part *slot)
{
	const struct condition *c = wait->condition == ENS_NONE ? NULL : &w->condition[wait->condition];

	for (uint32_t i = 0; c && i < c->n; i++)
		if (is_slot(slot, &c->equality[i]) && !clears(w, wait->entry, slot->index))
			return &c->equality[i];
	return NULL;
}

static uint32_t waits_with(const struct planning *w, const struct ens_waiting_part *slot)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->nwait; i++)
		n += equality_with(w, &w->wait[i], slot) != NULL;
	return n;
}

static struct ens_waiting_part slot_of(const struct ens_equality *q)
{
	return (struct ens_waiting_part){q->slot, q->type, q->slot_to_float};
}

/* The slot that most of the waits need; 0: none does. */
static uint32_t main_slot(const struct planning *w, struct ens_waiting_part *out)
{
	bool looked[CONDITIONS_MAX] = {false};
	uint32_t most = 0;

	for (uint32_t i = 0; i < w->nwait; i++) {
		const uint32_t at = w->wait[i].condition;

		if (at == ENS_NONE || looked[at])
			continue;
		looked[at] = true;
		for (uint32_t k = 0; k < w->condition[at].n; k++) {
			const struct ens_waiting_part slot = slot_of(&w->condition[at].equality[k]);
			const uint32_t n = waits_with(w, &slot);

			if (n > most) {
				most = n;
				*out = slot;
			}
		}
	}
	return most;
}

/* The main slot, and those that all of its waits need as well, in an order that depends on what they are only. */
static bool choose_key(const struct planning *w, struct ens_waiting_key *key)
{
	struct ens_waiting_part main;
	const uint32_t n = main_slot(w, &main);
	const struct condition *c = NULL;

	if (!n)
		return false;
	for (uint32_t i = 0; i < w->nwait && !c; i++)
		if (equality_with(w, &w->wait[i], &main))
			c = &w->condition[w->wait[i].condition];
	*key = (struct ens_waiting_key){.npart = 1, .part = {main}};
	for (uint32_t k = 0; k < c->n && key->npart < ENS_WAITING_SLOTS_MAX; k++) {
		const struct ens_waiting_part slot = slot_of(&c->equality[k]);
		bool all = true, known = false;

		for (uint32_t i = 0; i < key->npart; i++)
			known |= is_slot(&key->part[i], &c->equality[k]);
		for (uint32_t i = 0; i < w->nwait && !known; i++)
			all &= !equality_with(w, &w->wait[i], &main) || equality_with(w, &w->wait[i], &slot);
		if (!known && all)
			key->part[key->npart++] = slot;
	}
	for (uint32_t i = 1; i < key->npart; i++)
		for (uint32_t k = i; k > 0 && key->part[k].index < key->part[k - 1].index; k--) {
			const struct ens_waiting_part other = key->part[k];

			key->part[k] = key->part[k - 1];
			key->part[k - 1] = other;
		}
	return true;
}

/* ---- the plan --------------------------------------------------------------------------------------------------------- */

static bool same_parts(const struct ens_waiting_part *a, const struct ens_waiting_part *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (a[i].index != b[i].index || a[i].type != b[i].type || a[i].to_float != b[i].to_float)
			return false;
	return true;
}

/* ENS_NONE: there are too many. */
static uint32_t add_key(struct ens_waiting_plan *p, const struct ens_waiting_key *key)
{
	uint32_t i = 0;

	while (i < p->nkey && (p->key[i].npart != key->npart || !same_parts(p->key[i].part, key->part, key->npart)))
		i++;
	if (i == ENS_WAITING_KEYS_MAX)
		return ENS_NONE;
	p->key[i] = *key;
	p->nkey += i == p->nkey;
	return i;
}

/* The fields that the wait compares with the key; false: it is free. */
static bool probe_of(const struct planning *w, const struct wait *wait, uint32_t key, struct ens_waiting_probe *out)
{
	const struct ens_waiting_key *k = &w->plan->key[key];

	*out = (struct ens_waiting_probe){.type = wait->type, .predicate = wait->predicate, .key = key};
	for (uint32_t i = 0; i < k->npart; i++) {
		const struct ens_equality *q = equality_with(w, wait, &k->part[i]);

		if (!q)
			return false;
		out->part[i] = (struct ens_waiting_part){q->field, q->type, q->field_to_float};
	}
	return true;
}

static bool add_probe(struct ens_waiting_plan *p, const struct ens_waiting_probe *probe)
{
	uint32_t i = 0;

	while (i < p->nprobe && (p->probe[i].type != probe->type || p->probe[i].predicate != probe->predicate ||
				 p->probe[i].key != probe->key ||
				 !same_parts(p->probe[i].part, probe->part, p->key[probe->key].npart)))
		i++;
	if (i == ENS_WAITING_PROBES_MAX)
		return false;
	p->probe[i] = *probe;
	p->nprobe += i == p->nprobe;
	return true;
}

/* Keys the state at hand, if it can be. */
static void plan_state(struct planning *w, uint32_t state)
{
	struct ens_waiting_plan *p = w->plan;
	struct ens_waiting_key key;
	struct ens_waiting_probe probe;
	const uint32_t nfree = p->nfree;
	uint32_t at;

	if (!choose_key(w, &key) || (at = add_key(p, &key)) == ENS_NONE)
		return;
	for (uint32_t i = 0; i < w->nwait; i++) {
		if (!probe_of(w, &w->wait[i], at, &probe)) {
			p->free[p->nfree++] = (struct ens_waiting_free){state, w->wait[i].type, w->wait[i].predicate};
		} else if (!add_probe(p, &probe)) {
			p->nfree = nfree; /* probes that nobody is found by cost a look, no more */
			return;
		}
	}
	p->state[state].key = at;
}

static bool plan_states(struct planning *w)
{
	struct ens_waiting_plan *p = w->plan;
	bool any = false;

	for (uint32_t s = 0; s < w->rule->states.count; s++) {
		p->state[s].key = ENS_NONE;
		if (s > 0 && gather(w, &w->t->state[w->rule->states.first + s]) && !w->nomem)
			plan_state(w, s);
		any |= p->state[s].key != ENS_NONE;
	}
	return any && w->total <= WAITS_MAX;
}

/* Does any step or absence look at the match? */
static bool correlates(const struct ens_tables *t, const struct ens_t_rule *rule)
{
	for (uint32_t s = 1; s < rule->states.count; s++)
		if (t->state[rule->states.first + s].condition != ENS_NONE)
			return true;
	for (uint32_t s = 1; s < rule->states.count; s++) {
		const struct ens_t_state *state = &t->state[rule->states.first + s];

		for (uint32_t i = 0; i < state->entries.count; i++) {
			const struct ens_t_list absences = t->entry[state->entries.first + i].absences;

			for (uint32_t k = 0; k < absences.count; k++)
				if (t->absence[absences.first + k].condition != ENS_NONE)
					return true;
		}
	}
	return false;
}

/* `match last` keeps one partial match a point, and looks at all of them at each event. */
static bool may_have_many(const struct ens_t_rule *rule)
{
	return rule->window == ENS_NONE && rule->select != ENS_T_LAST && rule->scope != ENS_T_EVENTS;
}

enum ens_status ens_waiting_plan_make(const struct ens_tables *t, const struct ens_t_rule *rule, struct ens_waiting_plan **out)
{
	struct planning w = {.t = t, .rule = rule};
	bool any = false;

	*out = NULL;
	if (!may_have_many(rule) || !correlates(t, rule))
		return ENS_OK;
	w.plan = calloc(1, sizeof *w.plan);
	w.wait = calloc(WAITS_MAX, sizeof *w.wait);
	if (w.plan) {
		w.plan->state = calloc(rule->states.count, sizeof *w.plan->state);
		w.plan->free = calloc(WAITS_MAX, sizeof *w.plan->free);
	}
	w.nomem = !w.plan || !w.wait || !w.plan->state || !w.plan->free;
	if (!w.nomem)
		any = plan_states(&w);
	if (any && !w.nomem) {
		struct ens_waiting_free *fitting = realloc(w.plan->free, (w.plan->nfree + 1) * sizeof *fitting);

		w.plan->free = fitting ? fitting : w.plan->free;
		*out = w.plan;
	} else {
		ens_waiting_plan_free(w.plan);
	}
	ens_needs_close(w.reader);
	free(w.condition);
	free(w.wait);
	return w.nomem ? ENS_ENOMEM : ENS_OK;
}

void ens_waiting_plan_bind(struct ens_waiting_plan *p, const struct ens_rule *r,
			   uint64_t (*bit)(void *user, uint32_t type, uint32_t predicate), void *user)
{
	for (uint32_t i = 0; i < p->nprobe; i++)
		p->probe[i].bits = bit(user, p->probe[i].type, p->probe[i].predicate);
	for (uint32_t i = 0; i < p->nfree; i++)
		p->state[p->free[i].state].free |= bit(user, p->free[i].type, p->free[i].predicate);
	for (uint32_t s = 0; s < r->t->states.count; s++)
		for (uint32_t i = 0; p->state[s].key == ENS_NONE && i < r->state[s].entries.count; i++)
			p->state[s].free |= r->mask[r->mask_at[s] + i];
}

void ens_waiting_plan_free(struct ens_waiting_plan *p)
{
	if (!p)
		return;
	free(p->state);
	free(p->free);
	free(p);
}
