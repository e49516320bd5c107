/*
 * Which rules are shared, and what points and ways they have (runtime/shared.h).
 *
 * A rule is, if at each event nothing but the event says what its matches do with it: conditions, `until` and `not` look at
 * the event alone, nothing is timed but the whole, and no match drops another but by `skip all`.  Counters are written
 * out, from the start on, so guards are known here; a rule whose repetitions make too many points of that is not shared.
 * What stays closed for one of two partial matches at a point and not for the other does not fit either: `, not`, `greedy`
 * in `match all` with another arrow than `->>`, and, one at a time, points of which neither A5 nor A6 can be said.
 * Cost: points times ways out of one.  Tested by tests/unit/test_shared.c and tests/conformance.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "runtime/shared.h"
#include "runtime/match.h"

/* ---- which rules ---------------------------------------------------------------------------------------------------- */

/* One match at a time: the first in order is reported and uses up the rest. */
static bool is_one(const struct ens_t_rule *r)
{
	return r->select == ENS_T_ONE && r->skip == ENS_T_SKIP_DEFAULT;
}

static bool refs_fit(const struct ens_tables *t, struct ens_t_list refs)
{
	for (uint32_t i = 0; i < refs.count; i++)
		if (t->ref[refs.first + i].condition != ENS_NONE)
			return false;
	return true;
}

static bool entry_fits(const struct ens_tables *t, const struct ens_t_entry *e)
{
	for (uint32_t i = 0; i < e->guards.count; i++)
		if (t->op[e->guards.first + i].kind == ENS_T_HOLDS)
			return false;
	if (e->kind == ENS_T_ACCEPT)
		return e->absences.count == 0;
	for (uint32_t i = 0; i < e->absences.count; i++) {
		const struct ens_t_absence *a = &t->absence[e->absences.first + i];

		if (a->kind != ENS_T_UNTIL_NEXT || a->condition != ENS_NONE)
			return false;
	}
	return e->after_us < 0 && e->within_us < 0 && e->after_program == ENS_NONE && e->within_program == ENS_NONE &&
	       !(e->flags & ENS_T_EMPTY);
}

/* `greedy`: one at a time it is the order of the entries, but where the match may end. */
static bool greedy_fits(const struct ens_tables *t, const struct ens_t_rule *r, const struct ens_t_state *s)
{
	bool greedy = false, accepts = false;

	for (uint32_t i = 0; i < s->entries.count; i++) {
		const struct ens_t_entry *e = &t->entry[s->entries.first + i];

		greedy |= e->kind == ENS_T_TAKE && e->leave_end && (is_one(r) || e->arrow != ENS_T_ANY);
		accepts |= e->kind == ENS_T_ACCEPT;
	}
	return !greedy || (is_one(r) && !accepts);
}

/* What it keeps is a function of the event, or of what is kept already. */
static bool capture_fits(const struct ens_tables *t, const struct ens_t_capture *k)
{
	const struct ens_t_program *p = &t->program[k->program];

	if (p->rule == ENS_NONE)
		return true;
	for (uint32_t i = 0; i < p->code.count; i++)
		if (t->insn[p->code.first + i].op == ENS_OP_LOOKUP)
			return false;
	return p->event_type == ENS_NONE && !ens_type_is_bytes((enum ens_type)p->type);
}

static bool state_fits(const struct ens_tables *t, const struct ens_t_rule *r, const struct ens_t_state *s)
{
	if (s->condition != ENS_NONE || !refs_fit(t, s->untils) || !greedy_fits(t, r, s))
		return false;
	for (uint32_t i = 0; i < s->captures.count; i++)
		if (!capture_fits(t, &t->capture[s->captures.first + i]))
			return false;
	for (uint32_t i = 0; i < s->entries.count; i++) {
		const struct ens_t_entry *e = &t->entry[s->entries.first + i];

		if (e->kind <= ENS_T_ACCEPT && !entry_fits(t, e))
			return false;
	}
	return true;
}

static bool rule_fits(const struct ens_tables *t, const struct ens_t_rule *r)
{
	if ((r->select != ENS_T_ALL && !is_one(r)) || r->window != ENS_NONE || r->scope == ENS_T_SESSION || r->layer || r->leads.count ||
	    r->resets.count || r->ncounter > ENS_SHARED_COUNTERS_MAX)
		return false;
	if (r->skip != ENS_T_SKIP_DEFAULT && r->skip != ENS_T_SKIP_NONE && r->skip != ENS_T_SKIP_ALL)
		return false;
	for (uint32_t i = 0; i < r->emits.count; i++)
		if (t->emit[r->emits.first + i].kind == ENS_T_TIMEOUT)
			return false;
	for (uint32_t i = 0; i < r->states.count; i++)
		if (!state_fits(t, r, &t->state[r->states.first + i]))
			return false;
	return true;
}

/* ---- points and ways ------------------------------------------------------------------------------------------------ */

/* The number of the condition; ENS_NONE: there are too many. */
static uint32_t symbol_of(struct ens_shared_plan *p, uint32_t type, uint32_t predicate)
{
	for (uint32_t i = 0; i < p->nsymbol; i++)
		if (p->symbol[i].type == type && p->symbol[i].predicate == predicate)
			return i;
	if (p->nsymbol == ENS_SHARED_SYMBOLS_MAX)
		return ENS_NONE;
	p->symbol[p->nsymbol] = (struct ens_shared_symbol){.type = type, .predicate = predicate};
	return p->nsymbol++;
}

static uint32_t point_of(struct ens_shared_plan *p, uint32_t state, const uint32_t *counter)
{
	for (uint32_t i = 0; i < p->npoint; i++)
		if (p->point[i].state == state && !memcmp(p->point[i].counter, counter, sizeof p->point[i].counter))
			return i;
	if (p->npoint == ENS_SHARED_POINTS_MAX)
		return ENS_NONE;
	struct ens_shared_point *q = &p->point[p->npoint];

	*q = (struct ens_shared_point){.state = state, .list = ENS_NONE};
	memcpy(q->counter, counter, sizeof q->counter);
	return p->npoint++;
}

/* The ways out of point `at`.  False: there are too many. */
static bool lead_out(struct ens_shared_plan *p, const struct ens_tables *t, const struct ens_t_rule *r, uint32_t at)
{
	const struct ens_t_list entries = t->state[r->states.first + p->point[at].state].entries;

	p->point[at].out.first = p->nway;
	for (uint32_t i = 0; i < entries.count; i++) {
		const struct ens_t_entry *e = &t->entry[entries.first + i];
		uint32_t counter[ENS_SHARED_COUNTERS_MAX], to;

		if (e->kind > ENS_T_ACCEPT || !ens_counters_allow(p->point[at].counter, &t->op[e->guards.first], e->guards.count))
			continue;
		if (e->kind == ENS_T_ACCEPT) {
			p->point[at].accepts = true;
			continue;
		}
		memcpy(counter, p->point[at].counter, sizeof counter);
		ens_counters_act(counter, &t->op[e->actions.first], e->actions.count);
		to = point_of(p, e->target, counter);
		if (to == ENS_NONE || p->nway == ENS_SHARED_WAYS_MAX)
			return false;
		p->way[p->nway++] = (struct ens_shared_way){
			.from = at, .to = to, .entry = entries.first + i, .arrow = e->arrow, .since_at = ENS_NONE};
		p->point[at].out.count++;
	}
	if (p->point[at].accepts && is_one(r)) { /* it goes no further */
		p->nway = p->point[at].out.first;
		p->point[at].out.count = 0;
	}
	return true;
}

/* ---- one at a time: what an event that one way takes does to the others ----------------------------------------------- */

/* Goes down the list as match_step.c does, where entry `taker` takes the event: is entry `at_hand` not tried then? */
static bool skips(const struct ens_t_entry *list, uint32_t n, uint32_t taker, uint32_t at_hand)
{
	uint32_t fork[ENS_FORK_DEPTH_MAX], depth = 0, at = 0;
	bool took[ENS_FORK_DEPTH_MAX], takes;

	while (at < n) {
		takes = at == taker && list[at].arrow != ENS_T_ANY;
		if (at == at_hand)
			return false;
		if (list[at].kind == ENS_T_FORK) {
			fork[depth] = at;
			took[depth++] = false;
		} else if (list[at].kind == ENS_T_FORK_END) {
			takes = took[--depth];
			at = takes ? fork[depth] : at;
		}
		if (takes && depth)
			took[depth - 1] = true;
		at = takes ? list[at].branch_end : at + 1;
	}
	return true;
}

static bool have_same_absences(const struct ens_tables *t, const struct ens_t_entry *a, const struct ens_t_entry *b)
{
	const struct ens_t_absence *x = &t->absence[a->absences.first], *y = &t->absence[b->absences.first];
	bool same = a->absences.count == b->absences.count;

	for (uint32_t i = 0; same && i < a->absences.count; i++)
		same = x[i].type == y[i].type && x[i].predicate == y[i].predicate;
	return same;
}

/* A6: by one of the ways, which nothing closes, matches there move on with each event that leads there. */
static bool is_looped(struct ens_shared_plan *p, const struct ens_tables *t, const struct ens_t_rule *r, uint32_t at)
{
	const struct ens_shared_point *q = &p->point[at];
	const struct ens_t_state *s = &t->state[r->states.first + q->state];
	bool moves = false;

	for (uint32_t k = q->out.first; k < q->out.first + q->out.count; k++) {
		const struct ens_t_entry *e = &t->entry[p->way[k].entry];
		const struct ens_t_state *to = &t->state[r->states.first + e->target];

		if (at && e->arrow == ENS_T_FOLLOWED && !e->absences.count)
			moves |= to->type == s->type && to->predicate == s->predicate;
	}
	return moves && q->out.count <= 64;
}

static void note_skips(struct ens_shared_plan *p, const struct ens_tables *t, const struct ens_t_rule *r, const struct ens_shared_point *q)
{
	const struct ens_t_list l = t->state[r->states.first + q->state].entries;

	for (uint32_t k = 0; k < q->out.count; k++)
		for (uint32_t i = 0; i < k; i++) {
			struct ens_shared_way *taker = &p->way[q->out.first + i];

			if (skips(&t->entry[l.first], l.count, taker->entry - l.first, p->way[q->out.first + k].entry - l.first))
				taker->skips |= UINT64_C(1) << k;
		}
}

/* A5 or A6. */
static bool ways_fit(struct ens_shared_plan *p, const struct ens_tables *t, const struct ens_t_rule *r, uint32_t at)
{
	struct ens_shared_point *q = &p->point[at];
	bool same = true;

	for (uint32_t k = q->out.first + 1; k < q->out.first + q->out.count; k++) {
		const struct ens_t_entry *e = &t->entry[p->way[k].entry], *first = &t->entry[p->way[q->out.first].entry];

		if (t->state[r->states.first + e->target].untils.count || t->state[r->states.first + first->target].untils.count)
			return false;
		same &= (e->arrow == ENS_T_NEXT) == (first->arrow == ENS_T_NEXT) && have_same_absences(t, e, first);
	}
	if (same)
		return true;
	q->looped = is_looped(p, t, r, at);
	if (q->looped) {
		p->looped[p->nlooped++] = at;
		note_skips(p, t, r, q);
	}
	return q->looped;
}

/* As each_closing: of the events that another way out of where w begins takes. */
static void each_taken_by_others(struct ens_shared_plan *p, const struct ens_tables *t, const struct ens_t_rule *r,
				 struct ens_shared_way *w,
				 void (*fn)(struct ens_shared_plan *p, struct ens_shared_way *w, uint32_t symbol, bool bars, bool closes))
{
	const struct ens_shared_point *q = &p->point[w->from];
	const struct ens_t_state *s = &t->state[r->states.first + q->state];
	const struct ens_t_entry *list = &t->entry[s->entries.first];
	const struct ens_t_state *to = &t->state[r->states.first + t->entry[w->entry].target];

	for (uint32_t k = q->out.first; k < q->out.first + q->out.count; k++) {
		const struct ens_shared_way *other = &p->way[k];
		const struct ens_t_state *taker = &t->state[r->states.first + t->entry[other->entry].target];

		if (other == w || other->arrow == ENS_T_ANY)
			continue;
		const bool bars = taker->type == to->type && other->entry < w->entry &&
				  skips(list, s->entries.count, other->entry - s->entries.first, w->entry - s->entries.first);

		fn(p, w, symbol_of(p, taker->type, taker->predicate), bars, true);
	}
}

/* Calls back for each condition on events that says what way w does. */
static void each_closing(struct ens_shared_plan *p, const struct ens_tables *t, const struct ens_t_rule *r, struct ens_shared_way *w,
			 void (*fn)(struct ens_shared_plan *p, struct ens_shared_way *w, uint32_t symbol, bool bars, bool closes))
{
	const struct ens_t_entry *e = &t->entry[w->entry];
	const struct ens_t_state *s = &t->state[r->states.first + e->target];
	const bool again = e->flags & ENS_T_AGAIN;

	for (uint32_t i = 0; i < s->untils.count; i++) {
		const struct ens_t_ref *u = &t->ref[s->untils.first + i];

		fn(p, w, symbol_of(p, u->type, u->predicate), true, again);
	}
	for (uint32_t i = 0; i < e->absences.count; i++) {
		const struct ens_t_absence *a = &t->absence[e->absences.first + i];

		fn(p, w, symbol_of(p, a->type, a->predicate), false, true);
	}
	if (p->point[w->from].looped)
		return;
	if (e->arrow == ENS_T_FOLLOWED)
		fn(p, w, symbol_of(p, s->type, s->predicate), false, true);
	if (is_one(r))
		each_taken_by_others(p, t, r, w, fn);
}

/* All conditions of the rule have a number, so that each has a trigger of its own (M5). */
static bool number_symbols(struct ens_shared_plan *p, const struct ens_tables *t, const struct ens_t_rule *r)
{
	bool fits = true;

	for (uint32_t i = 0; i < r->states.count; i++) {
		const struct ens_t_state *s = &t->state[r->states.first + i];

		fits &= i == 0 || symbol_of(p, s->type, s->predicate) != ENS_NONE;
		for (uint32_t k = 0; k < s->untils.count; k++)
			fits &= symbol_of(p, t->ref[s->untils.first + k].type, t->ref[s->untils.first + k].predicate) != ENS_NONE;
		for (uint32_t k = 0; k < s->entries.count; k++) {
			const struct ens_t_list l = t->entry[s->entries.first + k].absences;

			for (uint32_t a = l.first; a < l.first + l.count; a++)
				fits &= symbol_of(p, t->absence[a].type, t->absence[a].predicate) != ENS_NONE;
		}
	}
	return fits;
}

/* Before the bits are known: does any event close it, or is any barred? */
static void note_closing(struct ens_shared_plan *p, struct ens_shared_way *w, uint32_t symbol, bool bars, bool closes)
{
	(void)p;
	(void)symbol;
	w->closed_by |= closes && w->from != 0 && w->arrow != ENS_T_NEXT;
	w->bars |= bars;
}

static void add_bits(struct ens_shared_plan *p, struct ens_shared_way *w, uint32_t symbol, bool bars, bool closes)
{
	const uint64_t bit = p->symbol[symbol].bit;

	if (closes && w->from != 0 && w->arrow != ENS_T_NEXT)
		w->closed_by |= bit;
	if (bars)
		w->bars |= bit;
}

/* A5: one at a time all ways out of a point are closed alike. */
static void number_gates(struct ens_shared_plan *p, bool one)
{
	for (uint32_t k = 0; k < p->nway; k++) {
		struct ens_shared_way *w = &p->way[k];

		if (w->from == 0)
			continue;
		if (!one || !p->ngate || p->way[p->of_gate[p->ngate - 1]].from != w->from || p->point[w->from].looped)
			p->of_gate[p->ngate++] = k;
		w->gate = p->ngate - 1;
	}
}

/* Where nodes have what. */
static void lay_out_nodes(struct ens_shared_plan *p, const struct ens_tables *t, const struct ens_t_rule *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->npoint; i++) {
		struct ens_shared_point *q = &p->point[i];

		q->in.first = n;
		for (uint32_t k = 0; k < p->nway; k++) {
			struct ens_shared_way *w = &p->way[k];

			if (w->to != i)
				continue;
			p->in[n++] = k;
			if (w->closed_by || w->bars || p->point[w->from].looped)
				w->since_at = q->nsince++;
			w->closed_by = w->bars = 0;
		}
		q->in.count = n - q->in.first;
		q->node_bytes = (uint32_t)(sizeof(struct ens_shared_node) + q->nsince * sizeof(uint64_t) +
					   t->state[r->states.first + q->state].captures.count * sizeof(struct ens_value));
		if (i > 0 && q->out.count) {
			p->of_list[p->nlist] = i;
			q->list = p->nlist++;
		}
		if (q->node_bytes > p->fresh_bytes)
			p->fresh_bytes = q->node_bytes;
	}
}

static bool lay_out(struct ens_shared_plan *p, const struct ens_tables *t, const struct ens_t_rule *r)
{
	if (!number_symbols(p, t, r))
		return false;
	p->npoint = 1;
	for (uint32_t i = 0; i < p->npoint; i++) {
		const struct ens_t_state *s = &t->state[r->states.first + p->point[i].state];

		if (!lead_out(p, t, r, i) || (is_one(r) && !ways_fit(p, t, r, i)))
			return false;
		if (i > 0)
			p->point[i].symbol = symbol_of(p, s->type, s->predicate);
	}
	for (uint32_t k = 0; k < p->nway; k++)
		each_closing(p, t, r, &p->way[k], note_closing);
	lay_out_nodes(p, t, r);
	number_gates(p, is_one(r));
	for (uint32_t i = 0; i < r->slots.count; i++) {
		const struct ens_t_slot *slot = &t->slot[r->slots.first + i];

		p->counted |= slot->holds != ENS_T_VALUE || ens_type_is_bytes((enum ens_type)slot->type);
	}
	return true;
}

/* A plan while it is laid out. */
struct making {
	struct ens_shared_plan plan;
	struct ens_shared_way way[ENS_SHARED_WAYS_MAX];
	struct ens_shared_symbol symbol[ENS_SHARED_SYMBOLS_MAX];
	struct ens_shared_point point[ENS_SHARED_POINTS_MAX];
	uint32_t of_gate[ENS_SHARED_WAYS_MAX], in[ENS_SHARED_WAYS_MAX];
	uint32_t of_list[ENS_SHARED_POINTS_MAX], looped[ENS_SHARED_POINTS_MAX];
};

/* Takes n things out of the room at *at, and copies them there, if there is something to copy. */
static void *put(char **at, const void *from, size_t n, size_t size)
{
	void *to = *at;

	if (from && n)
		memcpy(to, from, n * size);
	*at += n * size;
	return to;
}

/* A copy with all of its arrays behind it, or NULL: rules are many, and most have few ways. */
static struct ens_shared_plan *fitting(const struct ens_shared_plan *from)
{
	const size_t npoint = from->npoint, nway = from->nway;
	const size_t bytes = sizeof *from + nway * sizeof *from->way + from->nsymbol * sizeof *from->symbol +
			     npoint * (sizeof *from->skipped + sizeof *from->point) +
			     (from->ngate + nway + from->nlist + from->nlooped + 2 * npoint) * sizeof(uint32_t);
	struct ens_shared_plan *p = calloc(1, bytes);
	char *at = (char *)(p + 1);

	if (!p)
		return NULL;
	*p = *from;
	p->way = put(&at, from->way, nway, sizeof *p->way);
	p->symbol = put(&at, from->symbol, p->nsymbol, sizeof *p->symbol);
	p->skipped = put(&at, NULL, npoint, sizeof *p->skipped);
	p->point = put(&at, from->point, npoint, sizeof *p->point);
	p->of_gate = put(&at, from->of_gate, p->ngate, sizeof *p->of_gate);
	p->in = put(&at, from->in, nway, sizeof *p->in);
	p->of_list = put(&at, from->of_list, p->nlist, sizeof *p->of_list);
	p->looped = put(&at, from->looped, p->nlooped, sizeof *p->looped);
	p->taker = put(&at, NULL, npoint, sizeof *p->taker);
	p->fresh_point = put(&at, NULL, npoint, sizeof *p->fresh_point);
	p->fresh = calloc(npoint, p->fresh_bytes);
	p->closed = calloc((size_t)p->ngate * p->nsymbol + 1, sizeof *p->closed);
	if (p->fresh && p->closed)
		return p;
	ens_shared_plan_free(p);
	return NULL;
}

enum ens_status ens_shared_plan_make(const struct ens_tables *t, const struct ens_t_rule *rule, struct ens_shared_plan **out)
{
	struct making *m;
	bool fits;

	*out = NULL;
	if (!rule_fits(t, rule))
		return ENS_OK;
	m = calloc(1, sizeof *m);
	if (!m)
		return ENS_ENOMEM;
	m->plan = (struct ens_shared_plan){.way = m->way, .symbol = m->symbol, .point = m->point, .of_gate = m->of_gate,
					   .in = m->in, .of_list = m->of_list, .looped = m->looped};
	fits = lay_out(&m->plan, t, rule);
	if (fits)
		*out = fitting(&m->plan);
	free(m);
	return !fits || *out ? ENS_OK : ENS_ENOMEM;
}

void ens_shared_plan_free(struct ens_shared_plan *p)
{
	if (!p)
		return;
	ens_shared_room_free(p->room);
	free(p->fresh);
	free(p->closed);
	free(p);
}

/* ---- triggers ------------------------------------------------------------------------------------------------------- */

static void learn_bit(void *user, uint32_t type, uint32_t predicate, uint64_t bits)
{
	struct ens_shared_plan *p = user;

	for (uint32_t i = 0; i < p->nsymbol; i++)
		if (p->symbol[i].type == type && p->symbol[i].predicate == predicate)
			p->symbol[i].bit = bits;
}

void ens_shared_plan_bind(struct ens_shared_plan *p, struct ens_rule *r)
{
	uint32_t ntaker = 0, nclosed = 0;

	ens_rule_triggers(r, learn_bit, p);
	for (uint32_t k = 0; k < p->nway; k++)
		each_closing(p, r->engine->tables, r->t, &p->way[k], add_bits);
	for (uint32_t i = 0; i < p->nsymbol; i++) {
		struct ens_shared_symbol *s = &p->symbol[i];

		if (!s->bit)
			continue; /* of a state that no entry leads to */
		p->bits |= s->bit;
		p->symbol_of_bit[__builtin_ctzll(s->bit)] = (uint8_t)i;
		s->takers.first = ntaker;
		for (uint32_t q = 1; q < p->npoint; q++)
			if (p->point[q].symbol == i)
				p->taker[ntaker++] = q;
		s->takers.count = ntaker - s->takers.first;
		s->closes.first = nclosed;
		for (uint32_t k = 0; k < p->ngate; k++)
			if (p->way[p->of_gate[k]].closed_by & s->bit)
				p->closed[nclosed++] = k;
		s->closes.count = nclosed - s->closes.first;
	}
}
