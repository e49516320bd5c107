/*
 * Steps: how a partial match takes an event, by the entry lists of runtime/tables.h.
 *
 * `match` and `match last` (semantics.md sections 4, 5) go down the list until an entry takes the event, and branch only at
 * `->>` and `|`.  `match all` (section 3) tries every entry by itself: what takes the event is a copy, and the partial
 * match stays for other choices; `greedy` closes the ways out of a repetition once it could have gone on.
 *
 * Cost: an event visits each partial match of its key once and looks at the entries of its state; predicates on the event
 * alone are evaluated once per event, whoever asks.
 * Tested by tests/conformance (cases and differential against a reference) and tests/unit/test_engine.c.
 */
#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "runtime/match.h"

/* ---- guards and actions ------------------------------------------------------------------------------------------- */

static bool counter_allows(const uint32_t *counter, const struct ens_t_op *o)
{
	switch ((enum ens_t_op_kind)o->kind) {
	case ENS_T_AT_LEAST:
		return counter[o->reg] >= o->n;
	case ENS_T_BELOW:
		return counter[o->reg] < o->n;
	case ENS_T_LACKS:
		return !(counter[o->reg] & o->n);
	case ENS_T_HOLDS:
		return true;
	case ENS_T_SET:
	case ENS_T_ADD:
	case ENS_T_MARK:
	case ENS_T_CLEAR:
		assert(false && "an action among guards: T6");
	}
	return false;
}

bool ens_counters_allow(const uint32_t *counter, const struct ens_t_op *guard, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!counter_allows(counter, &guard[i]))
			return false;
	return true;
}

void ens_counters_act(uint32_t *counter, const struct ens_t_op *action, uint32_t n)
{
	for (const struct ens_t_op *o = action; o < action + n; o++)
		switch ((enum ens_t_op_kind)o->kind) {
		case ENS_T_SET:
			counter[o->reg] = o->n;
			break;
		case ENS_T_ADD:
			if (counter[o->reg] < o->n)
				counter[o->reg]++;
			break;
		case ENS_T_MARK:
			counter[o->reg] |= o->n;
			break;
		case ENS_T_CLEAR:
			break;
		case ENS_T_AT_LEAST:
		case ENS_T_BELOW:
		case ENS_T_LACKS:
		case ENS_T_HOLDS:
			assert(false && "a guard among actions: T6");
		}
}

bool ens_entry_allowed(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t)
{
	const struct ens_t_op *o = &r->engine->tables->op[t->guards.first];
	const uint32_t *counter = ens_partial_counters(r, p);

	for (uint32_t i = 0; i < t->guards.count; i++)
		if (!counter_allows(counter, &o[i]) || (o[i].kind == ENS_T_HOLDS && !ens_partial_holds(r, p, o[i].n)))
			return false;
	return true;
}

static void act(struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t)
{
	const struct ens_t_op *o = &r->engine->tables->op[t->actions.first];

	ens_counters_act(ens_partial_counters(r, p), o, t->actions.count);
	for (uint32_t i = 0; i < t->actions.count; i++)
		if (o[i].kind == ENS_T_CLEAR)
			ens_slots_reset(r, ens_partial_slots(r, p), o[i].reg, o[i].n);
}

/* ---- entering a state --------------------------------------------------------------------------------------------- */

static void kill_accepts(const struct ens_rule *r, struct ens_partial *p)
{
	uint32_t n;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);

	for (uint32_t i = 0; i < n; i++)
		if (list[i].kind == ENS_T_ACCEPT)
			ens_entry_kill(p, i);
}

static bool may_be_hopeless(const struct ens_t_entry *t)
{
	return t->absences.count || t->after_program != ENS_NONE || t->within_program != ENS_NONE;
}

/* p has just entered its state: which entries are open?  True: the match is complete with the event at hand. */
static bool enter(const struct ens_rule *r, struct ens_partial *p)
{
	bool complete = false;
	uint32_t n;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);

	p->dead[0] = 0;
	for (uint32_t i = 1; i < r->mask_words; i++)
		p->dead[i] = 0;
	p->wanted = r->t->scope == ENS_T_EVENTS ? ENS_EVERY_EVENT : 0;
	for (uint32_t i = 0; i < n; i++) {
		if (list[i].kind > ENS_T_ACCEPT)
			continue;
		if ((list[i].guards.count && !ens_entry_allowed(r, p, &list[i])) || (may_be_hopeless(&list[i]) && ens_entry_hopeless(r, p, &list[i]))) {
			ens_entry_kill(p, i);
		} else if (list[i].kind == ENS_T_ACCEPT && !list[i].absences.count && ens_accept_free(r, p, i)) {
			if (r->t->select != ENS_T_ALL)
				return true;
			complete = true;
		} else {
			p->wanted |= r->mask[r->mask_at[p->state] + i];
		}
	}
	return complete;
}

void ens_embryo_enter(struct ens_rule *r)
{
	(void)enter(r, r->embryo);
}

/* ---- what has become of a partial match --------------------------------------------------------------------------- */

void ens_match_expire(struct ens_partial *p)
{
	struct ens_cell *c = p->cell;

	if (!c->rule->times_out || p->reported) {
		ens_match_drop(p);
		return;
	}
	p->expired = true;
	p->wanted = 0;
}

void ens_match_found(struct ens_partial *p, bool over)
{
	const struct ens_rule *r = p->cell->rule;
	struct ens_partial *found = p;

	if (r->t->select == ENS_T_ALL) {
		kill_accepts(r, p);
		if (!over && !ens_partial_all_dead(r, p)) {
			found = ens_partial_clone(p);
			p->reported = true;
		}
	}
	if (!found)
		return;
	if (found == p)
		ens_partial_detach(p);
	found->expired = false;
	ens_found_add(r->engine, found);
}

/* p waits on: the cell is to know for what, and, where that `changed`, for how long. */
static void wait_on(const struct ens_rule *r, struct ens_partial *p, bool changed)
{
	p->cell->wanted |= p->wanted;
	if (r->waiting)
		ens_waiting_note(p);
	if (changed)
		ens_cell_arm(p->cell, r->scope_only ? ens_scope_end(r, p->cell->first) : ens_partial_due(r, p));
}

/* `within N events` is over: p takes no more, and is complete unless an absence at its end is still on watch. */
static void settle_last(struct ens_partial *p, const struct ens_event *ev)
{
	const struct ens_rule *r = p->cell->rule;
	bool could_go_on = false;
	uint32_t n, at;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);

	for (uint32_t i = 0; i < n; i++)
		if (list[i].kind == ENS_T_TAKE && !ens_entry_is_dead(p, i)) {
			could_go_on = true;
			ens_entry_kill(p, i);
		}
	at = ens_accept_entry(r, p); /* the others pass more absences */
	if (at < n && ens_accept_has_come(r, p, at, ev)) {
		p->closes_later = p->last_pos != p->cell->pos;
		ens_match_found(p, true);
	} else if (at < n) {
		wait_on(r, p, true);
	} else if (could_go_on) {
		ens_match_expire(p);
	} else {
		ens_match_drop(p);
	}
}

/* After the event was judged: p is complete, goes on, or is dropped.  `changed`: something may be due at another time than
 * before. */
static void settle(struct ens_partial *p, const struct ens_event *ev, bool changed)
{
	const struct ens_rule *r = p->cell->rule;

	if (ens_events_over(r, p))
		settle_last(p, ev);
	else if (!ens_partial_all_dead(r, p))
		wait_on(r, p, changed);
	else if (r->point_at && p->last_pos == p->cell->pos)
		p->stillborn = true;
	else
		ens_match_drop(p);
}

/* p takes the event by entry t; it is complete, goes on, or is dropped. */
static void take(struct ens_partial *p, const struct ens_t_entry *t, const struct ens_event *ev)
{
	struct ens_rule *r = p->cell->rule;
	const struct ens_t_state *s = &r->state[t->target];
	const struct ens_t_capture *k = &r->engine->tables->capture[s->captures.first];

	if (p->indexed)
		ens_waiting_forget(p);
	if (!ens_partial_extend(p, &ev->id, p->cell->pos, t->target))
		return;
	act(r, p, t);
	r->engine->context.slot = ens_partial_slots(r, p);
	for (uint32_t i = 0; i < s->captures.count; i++)
		ens_slots_capture(r, p, &k[i]);
	p->state = t->target;
	p->last_us = ev->time_us;
	p->last_pos = p->cell->pos;
	p->closes_later = p->reported = false;

	bool complete = enter(r, p);

	if (complete) {
		bool goes_on = r->t->select == ENS_T_ALL && !ens_events_over(r, p);

		ens_match_found(p, !goes_on);
		if (p->place != ENS_LIVE || r->engine->failed != ENS_OK)
			return;
	}
	if (r->point_at)
		ens_partial_locate(r, p);
	settle(p, ev, true);
}

/* ---- one event, one entry ----------------------------------------------------------------------------------------- */

static bool until_holds(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_state *s,
			const struct ens_event *ev)
{
	const struct ens_t_ref *u = &r->engine->tables->ref[s->untils.first];

	for (uint32_t i = 0; i < s->untils.count; i++)
		if (u[i].type == ev->type && ens_predicate_holds(r->engine, u[i].predicate)
		    && ens_partial_holds(r, p, u[i].condition))
			return true;
	return false;
}

/* As until_holds, for what would be the first event of the repetition that entry t leads into. */
static bool until_bars(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t,
		       const struct ens_event *ev)
{
	const struct ens_t_state *s = &r->state[t->target];
	const struct ens_t_ref *u = &r->engine->tables->ref[s->untils.first];

	for (uint32_t i = 0; i < s->untils.count; i++)
		if (u[i].type == ev->type && ens_predicate_holds(r->engine, u[i].predicate)
		    && (u[i].condition == ENS_NONE || ens_partial_holds_behind(r, p, t, u[i].condition)))
			return true;
	return false;
}

/* Is this entry over, whatever the event is? */
static bool outrun(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t,
		   const struct ens_event *ev)
{
	if (t->arrow == ENS_T_NEXT && p->cell->pos != p->last_pos + 1)
		return true;
	if (ens_entry_has_within(t) && ev->time_us > ens_entry_within_end(r, p, t))
		return true;
	return (t->flags & ENS_T_AGAIN) && until_holds(r, p, &r->state[t->target], ev);
}

static bool satisfies(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t,
		      const struct ens_event *ev)
{
	const struct ens_t_state *s = &r->state[t->target];
	int64_t us;

	if (s->type != ev->type || !ens_predicate_holds(r->engine, s->predicate))
		return false;
	if (ens_entry_has_after(t) && (!ens_entry_duration(r, p, t, t->after_us, t->after_program, &us)
				       || ev->time_us < ens_time_add(p->last_us, us)))
		return false;
	if (t->absences.count && !ens_absence_over(r, p, t, ev->time_us))
		return false;
	return s->condition == ENS_NONE || ens_partial_holds_behind(r, p, t, s->condition);
}

static bool violated(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t, const struct ens_event *ev)
{
	return t->absences.count && ens_absence_violated(r, p, t, ev);
}

/* What an entry makes of the event at hand. */
enum verdict {
	PASSES,  /* it does not take it, and stays open */
	CLOSES,  /* it does not take it, nor any later one */
	TAKES
};

static enum verdict judge(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t,
			  const struct ens_event *ev)
{
	bool embryo = p == r->embryo;

	if (!embryo && outrun(r, p, t, ev))
		return CLOSES;
	bool satisfied = satisfies(r, p, t, ev);
	/* `until` holds of what would be the first event of the repetition: it is not taken, and with `->` it was the next. */
	bool barred = satisfied && !(t->flags & ENS_T_AGAIN) && until_bars(r, p, t, ev);

	if (satisfied && !barred)
		return TAKES;
	if (embryo)
		return PASSES;
	if (t->arrow == ENS_T_NEXT || (barred && t->arrow == ENS_T_FOLLOWED) || violated(r, p, t, ev))
		return CLOSES;
	return PASSES;
}

static bool waits_for_scope(const struct ens_rule *r, const struct ens_t_entry *t)
{
	for (uint32_t i = 0; i < t->absences.count; i++)
		if (r->engine->tables->absence[t->absences.first + i].kind == ENS_T_SCOPE)
			return true;
	return false;
}

/* An accept entry is reached by an event that nothing before it took: does that complete the match? */
static bool accepts_now(const struct ens_rule *r, struct ens_partial *p, uint32_t at, const struct ens_event *ev)
{
	uint32_t n;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);

	if (violated(r, p, &list[at], ev)) {
		ens_entry_kill(p, at);
		return false;
	}
	if (!ens_accept_free(r, p, at) || (ens_events_over(r, p) && waits_for_scope(r, &list[at])))
		return false; /* at the last event of a scope what is behind in the list comes first: settle_last */
	return ens_accept_has_come(r, p, at, ev);
}

/* ---- one event, one partial match --------------------------------------------------------------------------------- */

/* Two entries do the same to counters.  What only one of them clears is as it was, as the round that it passes takes nothing. */
static bool same_counting(const struct ens_t_op *o, const struct ens_t_entry *a, const struct ens_t_entry *b)
{
	const struct ens_t_op *x = &o[a->actions.first], *x_end = x + a->actions.count;
	const struct ens_t_op *y = &o[b->actions.first], *y_end = y + b->actions.count;

	for (;; x++, y++) {
		while (x < x_end && x->kind == ENS_T_CLEAR)
			x++;
		while (y < y_end && y->kind == ENS_T_CLEAR)
			y++;
		if (x == x_end || y == y_end)
			return x == x_end && y == y_end;
		if (memcmp(x, y, sizeof *x))
			return false;
	}
}

/* The event at hand was taken by the `n` entries in `taken`: by one that leaves out what `at` passes without events, too? */
static bool is_taken(const struct ens_rule *r, const struct ens_t_entry *list, const uint16_t *taken, uint32_t n, uint32_t at)
{
	const struct ens_t_op *o = r->engine->tables->op;
	const struct ens_t_entry *t = &list[at];

	for (uint32_t i = 0; i < n; i++) {
		const struct ens_t_entry *u = &list[taken[i]];

		if (u->target == t->target && (u->flags | ENS_T_EMPTY) == t->flags && same_counting(o, u, t))
			return true;
	}
	return false;
}

/* The list of a state being gone down. */
struct walk {
	struct ens_cell *cell;
	struct ens_partial *p; /* NULL: it has gone on itself */
	const struct ens_event *ev;
	uint32_t at, fork[ENS_FORK_DEPTH_MAX], depth;
	bool took[ENS_FORK_DEPTH_MAX];
	uint16_t *taken;       /* entries that took the event */
	uint32_t ntaken;
	bool used;             /* p itself is to go: copies of it took the event */
	bool changed;          /* entries died: something may be due earlier */
	bool complete;         /* by the event, which is not part of it */
};

/* An entry (or a whole fork) took the event for good: the list it stands in ends. */
static void end_list(struct walk *w, uint32_t branch_end)
{
	w->at = branch_end;
	if (w->depth)
		w->took[w->depth - 1] = true;
	else
		w->used = true;
}

static void try_take(struct walk *w, const struct ens_t_entry *list)
{
	struct ens_rule *r = w->cell->rule;
	struct ens_partial *p = w->p;
	uint32_t at = w->at++;
	const struct ens_t_entry *t = &list[at];

	if (ens_entry_is_dead(p, at))
		return;
	enum verdict v = judge(r, p, t, w->ev);

	if (v == TAKES) {
		bool stays = t->arrow == ENS_T_ANY, embryo = p == r->embryo;
		bool again = (t->flags & ENS_T_EMPTY) && is_taken(r, list, w->taken, w->ntaken, at);
		/* The last use of p itself needs no copy. */
		bool in_place = !embryo && !stays && !w->depth && !w->complete;
		struct ens_partial *q = again ? NULL : in_place ? p : ens_partial_copy(w->cell, p, w->ev);

		w->taken[w->ntaken++] = (uint16_t)at;
		if (!stays)
			end_list(w, t->branch_end);
		if (q && in_place)
			w->p = NULL;
		if (q)
			take(q, t, w->ev);
		if (!stays || embryo || !violated(r, p, t, w->ev))
			return;
		v = CLOSES;
	}
	if (v == CLOSES) {
		ens_entry_kill(p, at);
		w->changed = true;
	}
}

static void try_accept(struct walk *w)
{
	struct ens_partial *p = w->p;
	uint32_t at = w->at++;

	if (ens_entry_is_dead(p, at))
		return;
	w->complete |= accepts_now(w->cell->rule, p, at, w->ev);
	w->changed |= w->cell->pos == p->last_pos + 1 || ens_entry_is_dead(p, at);
}

static void fork_end(struct walk *w, const struct ens_t_entry *list)
{
	w->depth--;
	if (w->took[w->depth])
		end_list(w, list[w->fork[w->depth]].branch_end);
	else
		w->at++;
}

/* Everything that the event makes of p is done: what becomes of p? */
static void finish(struct ens_partial *p, const struct ens_event *ev, bool complete, bool used, bool changed)
{
	struct ens_cell *c = p->cell;

	if (complete) {
		p->closes_later = p->last_pos != c->pos;
		ens_match_found(p, ens_events_over(c->rule, p));
		if (c->rule->t->select != ENS_T_ALL || p->place != ENS_LIVE)
			return;
	}
	if (used)
		ens_match_drop(p);
	else
		settle(p, ev, changed || complete);
}

static void go_down(struct ens_cell *c, struct ens_partial *p, const struct ens_event *ev)
{
	struct ens_rule *r = c->rule;
	uint16_t taken[ENS_ENTRIES_MAX];
	struct walk w; /* not cleared: of `fork` and `took` only what a fork has set is read */
	uint32_t n;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);

	w.cell = c;
	w.p = p;
	w.ev = ev;
	w.taken = taken;
	w.at = w.depth = w.ntaken = 0;
	w.used = w.changed = w.complete = false;
	/* One at a time, what p could go on with once it is complete is used up with it. */
	while (w.at < n && w.p && !(w.complete && r->one) && r->engine->failed == ENS_OK) {
		switch ((enum ens_t_entry_kind)list[w.at].kind) {
		case ENS_T_TAKE:
			try_take(&w, list);
			break;
		case ENS_T_ACCEPT:
			try_accept(&w);
			break;
		case ENS_T_FORK:
			w.fork[w.depth] = w.at++;
			w.took[w.depth++] = false;
			break;
		case ENS_T_FORK_END:
			fork_end(&w, list);
			break;
		}
	}
	if (w.p && p != r->embryo && r->engine->failed == ENS_OK)
		finish(p, ev, w.complete, w.used, w.changed);
}

/* ---- match all ---------------------------------------------------------------------------------------------------- */

static uint32_t behind_fork(const struct ens_t_entry *list, uint32_t n, uint32_t i)
{
	for (uint32_t inner = 0; i < n && (list[i].kind != ENS_T_FORK_END || inner); i++)
		if (list[i].kind == ENS_T_FORK)
			inner++;
		else if (list[i].kind == ENS_T_FORK_END)
			inner--;
	return i + 1;
}

void ens_leaving_outward(struct ens_leaving *w, const struct ens_t_entry *list, uint32_t n)
{
	uint32_t fork = w->within;

	for (uint32_t inner = 0; fork-- > 0 && (list[fork].kind != ENS_T_FORK || inner);)
		if (list[fork].kind == ENS_T_FORK)
			inner--;
		else if (list[fork].kind == ENS_T_FORK_END)
			inner++;
	w->next = behind_fork(list, n, w->next);
	w->within = fork;
	w->end = list[fork].branch_end < w->leave_end ? list[fork].branch_end : w->leave_end;
}

/* The entries from *first up to *end take the steps of the repetition that the greedy entry `at` stands in: it alone, or the
 * forks that are left together, of a step that is one of several. */
static void repeated_by(const struct ens_t_entry *list, uint32_t n, uint32_t at, uint32_t *first, uint32_t *end)
{
	*first = at;
	*end = at + 1;
	for (uint32_t i = at, inner = 0; i-- > 0;) {
		if (list[i].kind == ENS_T_FORK_END) {
			inner++;
		} else if (list[i].kind == ENS_T_FORK && inner) {
			inner--;
		} else if (list[i].kind == ENS_T_FORK) {
			uint32_t behind = behind_fork(list, n, i + 1);

			if (behind >= list[at].leave_end)
				return;
			*first = i;
			*end = behind;
		}
	}
}

static bool takes_one_of(const struct ens_t_entry *list, uint32_t first, uint32_t end, uint32_t state)
{
	for (uint32_t i = first; i < end; i++)
		if (list[i].kind == ENS_T_TAKE && list[i].target == state)
			return true;
	return false;
}

/* The greedy entry `at` could take the event: ways that leave its repetition are closed, but not those that enter it anew. */
static void close_leaving(struct ens_partial *p, const struct ens_t_entry *list, uint32_t n, uint32_t at)
{
	struct ens_leaving w = ens_leaving_from(list, at);
	uint32_t first, end;

	repeated_by(list, n, at, &first, &end);
	for (uint32_t i; (i = ens_leaving_next(&w, list, n)) < n;)
		if (list[i].kind == ENS_T_TAKE && !takes_one_of(list, first, end, list[i].target))
			ens_entry_kill(p, i);
}

static void try_every(struct ens_cell *c, struct ens_partial *p, const struct ens_event *ev)
{
	struct ens_rule *r = c->rule;
	bool complete = false, changed = false, embryo = p == r->embryo;
	uint16_t taken[ENS_ENTRIES_MAX];
	uint32_t n, ntaken = 0;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);

	for (uint32_t i = 0; i < n && r->engine->failed == ENS_OK; i++) {
		const struct ens_t_entry *t = &list[i];

		if (t->kind > ENS_T_ACCEPT || ens_entry_is_dead(p, i))
			continue;
		if (t->kind == ENS_T_ACCEPT) {
			complete |= accepts_now(r, p, i, ev);
			changed |= c->pos == p->last_pos + 1 || ens_entry_is_dead(p, i);
			continue;
		}
		enum verdict v = judge(r, p, t, ev);

		if (v == TAKES) {
			bool again = (t->flags & ENS_T_EMPTY) && is_taken(r, list, taken, ntaken, i);
			struct ens_partial *q = again ? NULL : ens_partial_copy(c, p, ev);

			taken[ntaken++] = (uint16_t)i;
			if (q)
				take(q, t, ev);
			if (embryo)
				continue;
			if (t->leave_end && t->arrow != ENS_T_ANY)
				close_leaving(p, list, n, i);
			if (t->arrow != ENS_T_ANY || violated(r, p, t, ev))
				v = CLOSES;
		}
		if (v == CLOSES) {
			ens_entry_kill(p, i);
			changed = true;
		}
	}
	if (!embryo && r->engine->failed == ENS_OK)
		finish(p, ev, complete, false, changed);
}

void ens_match_step(struct ens_cell *c, struct ens_partial *p, const struct ens_event *ev)
{
	if (c->rule->t->select == ENS_T_ALL)
		try_every(c, p, ev);
	else
		go_down(c, p, ev);
}
