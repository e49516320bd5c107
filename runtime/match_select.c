/*
 * Selection: of what is complete at an event or a deadline, what is reported, and what that drops (semantics.md sections 3
 * to 5, `skip`, `reset on`, `on timeout`).
 *
 *   match       one match at a time: the first in order is reported and uses up what began before its end; with `skip`
 *               each that none before it dropped
 *   match last  all are reported; of partials at the same point only the newest is kept
 *   match all   all are reported; with a `skip` that drops, in order of their start: they wait (`held`) while a partial
 *               match with an earlier start lives
 * What is complete is first gathered in the engine's `found`, which is empty in between.
 *
 * Cost: per event one pass over the open partial matches of one key, or those that it reaches (runtime/waiting.h), and
 * sorting what is complete.  Deadlines: one timer a cell, set to the earliest of its partials.
 * Tested by tests/conformance (cases and differential against a reference) and tests/unit/test_engine.c.
 */
#include <stdlib.h>

#include "runtime/match.h"

/* ---- what a reported match drops ---------------------------------------------------------------------------------- */

/* Partials that started from `first` to `last` (positions); none if first > last. */
struct starts {
	uint64_t first, last;
};

/* Position of the first or last event of X, where the rule skips to one; 0: X is not in it. */
static uint64_t position_of(const struct ens_rule *r, const struct ens_partial *m)
{
	const uint32_t *x = &r->engine->tables->index[r->t->skip_states.first];
	uint64_t pos = 0;

	for (const struct ens_link *l = m->taken; l; l = l->before)
		for (uint32_t i = 0; i < r->t->skip_states.count; i++)
			if (l->state == x[i]) {
				if (r->t->skip == ENS_T_SKIP_TO_LAST)
					return l->pos;
				pos = l->pos;
			}
	return pos;
}

static struct starts dropped_by(const struct ens_rule *r, const struct ens_partial *m)
{
	uint64_t x;

	switch ((enum ens_t_skip)r->t->skip) {
	case ENS_T_SKIP_TO_NEXT:
		return (struct starts){m->start_pos, m->start_pos};
	case ENS_T_SKIP_PAST_LAST:
		return (struct starts){0, m->last_pos};
	case ENS_T_SKIP_TO_FIRST:
	case ENS_T_SKIP_TO_LAST:
		x = position_of(r, m);
		return x > m->start_pos ? (struct starts){0, x - 1} : (struct starts){1, 0};
	case ENS_T_SKIP_DEFAULT:
	case ENS_T_SKIP_NONE:
	case ENS_T_SKIP_ALL:
		break;
	}
	return (struct starts){1, 0};
}

static bool among(const struct starts *s, const struct ens_partial *p)
{
	return p->start_pos >= s->first && p->start_pos <= s->last;
}

/* Of a list by start, from p on.  Returns the first that starts later. */
static struct ens_partial *drop_from(struct ens_partial *p, const struct starts *s)
{
	while (p && p->start_pos <= s->last) {
		struct ens_partial *next = p->next;

		if (among(s, p))
			ens_match_drop(p);
		p = next;
	}
	return p;
}

/* ---- what is reported --------------------------------------------------------------------------------------------- */

/* Reports the first that was found, but for `silent`; drops all that was, and everything of the cell. */
static void report_one(struct ens_cell *c, int64_t end_us, bool silent)
{
	struct ens_engine *e = c->rule->engine;

	ens_found_sort(e);
	if (!silent) {
		ens_match_report(e->found[0].p, end_us, false);
		while (c->first)
			ens_match_drop(c->first); /* all of it started at or before the end of this match */
		c->wanted = 0;
	}
	while (e->nfound)
		ens_match_drop(e->found[--e->nfound].p);
}

/* All that was found, in order, but what one before it dropped; then what they drop of the cell. */
static void report_each(struct ens_cell *c, int64_t end_us)
{
	struct ens_rule *r = c->rule;
	struct ens_engine *e = r->engine;
	struct ens_partial *live = c->first; /* what stands before it is not dropped by anything reported later */
	uint32_t n = e->nfound, next;

	ens_found_sort(e);
	e->nfound = 0;
	for (uint32_t i = 0; i < n; i = next) {
		struct ens_partial *m = e->found[i].p;
		struct starts dropped = dropped_by(r, m);

		ens_match_report(m, end_us, false);
		live = drop_from(dropped.first ? live : c->first, &dropped);
		for (next = i + 1; next < n && among(&dropped, e->found[next].p); next++)
			ens_match_drop(e->found[next].p);
		ens_match_drop(m);
	}
	if (n && r->t->skip == ENS_T_SKIP_ALL)
		ens_match_drop_all(c);
}

static void hold_each(struct ens_cell *c)
{
	struct ens_engine *e = c->rule->engine;

	ens_found_sort(e);
	for (uint32_t i = 0; i < e->nfound; i++)
		ens_partial_hold(e->found[i].p);
	e->nfound = 0;
}

void ens_match_release(struct ens_cell *c, int64_t end_us)
{
	struct ens_rule *r = c->rule;
	struct ens_record *rec = ens_cell_record(c);

	while (rec->held && r->engine->failed == ENS_OK) {
		struct ens_partial *m = rec->held, *live = c->first;

		while (live && live->expired)
			live = live->next;
		if (live && live->start_pos < m->start_pos)
			return;
		struct starts dropped = dropped_by(r, m);

		ens_match_report(m, end_us, false);
		ens_match_drop(m);
		(void)drop_from(c->first, &dropped);
		(void)drop_from(rec->held, &dropped);
	}
}

/* What was found with the event or deadline at hand. */
static void select_found(struct ens_cell *c, int64_t end_us)
{
	struct ens_rule *r = c->rule;

	if (r->holds)
		hold_each(c);
	else if (r->one && r->engine->nfound)
		report_one(c, end_us, false);
	else
		report_each(c, end_us);
}

/* ---- match last: one partial match a point ------------------------------------------------------------------------ */

/* By point, of one point the newest first: that with the later event, then the later start, then the larger positions. */
static int by_point(const void *a, const void *b)
{
	const struct ens_found *x = a, *y = b;
	const struct ens_rule *r = x->p->cell->rule;
	const struct ens_point *p = ens_partial_point(r, x->p), *q = ens_partial_point(r, y->p);

	for (int i = 0; i < 2; i++)
		if (p->hash[i] != q->hash[i])
			return p->hash[i] < q->hash[i] ? -1 : 1;
	if (x->p->last_pos != y->p->last_pos)
		return x->p->last_pos > y->p->last_pos ? -1 : 1;
	int order = ens_partial_compare(y->p, x->p);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* Something may have taken the event at hand. */
static void keep_newest(struct ens_cell *c)
{
	struct ens_engine *e = c->rule->engine;
	bool arrived = false;

	for (struct ens_partial *p = c->first; p; p = p->next) {
		if (p->expired)
			continue;
		arrived |= p->last_pos == c->pos;
		ens_found_add(e, p);
	}
	if (arrived && e->nfound > 1 && e->failed == ENS_OK) {
		qsort(e->found, e->nfound, sizeof *e->found, by_point);
		struct ens_point kept = *ens_partial_point(c->rule, e->found[0].p);

		for (uint32_t i = 1; i < e->nfound; i++) {
			struct ens_point *at = ens_partial_point(c->rule, e->found[i].p);

			if (at->hash[0] == kept.hash[0] && at->hash[1] == kept.hash[1])
				ens_match_drop(e->found[i].p);
			else
				kept = *at;
		}
	}
	e->nfound = 0;
	for (struct ens_partial *p = c->first, *next; arrived && p; p = next) {
		next = p->next;
		if (p->stillborn)
			ens_match_drop(p);
	}
}

/* ---- timeouts ------------------------------------------------------------------------------------------------------- */

/* `match`: the earliest start, and nothing that began within one told before. */
static void tell_one(struct ens_cell *c, int64_t end_us)
{
	struct ens_record *rec = ens_cell_record(c);
	struct ens_partial *best = NULL;

	for (struct ens_partial *p = c->first; p && (!best || p->start_pos == best->start_pos); p = p->next)
		if (p->expired && !p->covered && (!best || ens_partial_compare(p, best) < 0))
			best = p;
	if (!best)
		return;
	ens_match_report(best, end_us, true);
	rec->told_us = end_us;
	ens_cell_arm(c, end_us);
	for (struct ens_partial *p = c->first; p; p = p->next)
		p->covered |= p->start_pos >= best->start_pos;
}

/* `match last`: each. */
static void tell_each(struct ens_cell *c, int64_t end_us)
{
	struct ens_engine *e = c->rule->engine;

	for (struct ens_partial *p = c->first; p; p = p->next)
		if (p->expired)
			ens_found_add(e, p);
	ens_found_sort(e);
	for (uint32_t i = 0; i < e->nfound; i++)
		ens_match_report(e->found[i].p, end_us, true);
	e->nfound = 0;
}

/* `match all`: one per first event, when none that began with it lives on: the one with most events. */
static void tell_per_start(struct ens_cell *c, int64_t end_us)
{
	for (struct ens_partial *p = c->first; p;) {
		struct ens_partial *best = NULL;
		bool lives = false;
		uint64_t start = p->start_pos;

		for (; p && p->start_pos == start; p = p->next) {
			lives |= !p->expired;
			if (!best || p->ntaken > best->ntaken
			    || (p->ntaken == best->ntaken && ens_partial_compare(p, best) < 0))
				best = p;
		}
		if (!lives)
			ens_match_report(best, end_us, true);
	}
}

/* Tells of the partial matches that have expired with the event or deadline at hand, and drops them. */
static void time_out(struct ens_cell *c, int64_t end_us)
{
	const struct ens_rule *r = c->rule;
	struct ens_partial *p = c->first, *next;

	while (p && !p->expired)
		p = p->next;
	if (!p)
		return;
	if (r->t->select == ENS_T_ONE)
		tell_one(c, end_us);
	else if (r->t->select == ENS_T_LAST)
		tell_each(c, end_us);
	else
		tell_per_start(c, end_us);
	for (; p; p = next) {
		next = p->next;
		if (p->expired)
			ens_match_drop(p);
	}
}

/* ---- what came before the first step -------------------------------------------------------------------------------- */

static const struct ens_t_absence *leads(const struct ens_rule *r)
{
	return &r->engine->tables->absence[r->t->leads.first];
}

/* No leading absence is violated by what came before the event at hand. */
static bool leads_hold(const struct ens_cell *c, const struct ens_event *ev)
{
	const struct ens_rule *r = c->rule;
	const struct ens_t_absence *a = leads(r);

	for (uint32_t i = 0; i < r->t->leads.count; i++) {
		if (a[i].kind == ENS_T_SCOPE) {
			if (c->lead_us[i] != INT64_MIN)
				return false;
			continue;
		}
		int64_t since = ens_time_add(ev->time_us, -a[i].for_us);

		if (c->lead_us[i] >= since && c->lead_us[i] != INT64_MIN)
			return false;
		if (!r->group->watch_set || r->group->watch_start_us > since)
			return false;
	}
	return true;
}

static void leads_note(struct ens_cell *c, const struct ens_event *ev)
{
	struct ens_rule *r = c->rule;
	const struct ens_t_absence *a = leads(r);

	for (uint32_t i = 0; i < r->t->leads.count; i++)
		if (a[i].type == ev->type && ens_predicate_holds(r->engine, a[i].predicate)
		    && ens_partial_holds(r, r->embryo, a[i].condition)) {
			c->lead_us[i] = ev->time_us;
			if (a[i].kind == ENS_T_TIMED)
				ens_cell_arm(c, ens_time_add(ev->time_us, a[i].for_us));
		}
}

static void leads_forget(struct ens_cell *c, int64_t time_us, bool session_over)
{
	const struct ens_t_absence *a = leads(c->rule);

	for (uint32_t i = 0; i < c->rule->t->leads.count; i++)
		if (a[i].kind == ENS_T_TIMED ? ens_time_add(c->lead_us[i], a[i].for_us) <= time_us : session_over)
			c->lead_us[i] = INT64_MIN;
}

/* ---- sessions ------------------------------------------------------------------------------------------------------- */

static int64_t session_end(const struct ens_cell *c)
{
	const struct ens_t_rule *t = c->rule->t;
	const struct ens_session *s = ens_cell_session(c);
	int64_t by_gap = ens_time_add(s->last_us, t->scope_amount), by_max;

	if (t->session_max_us < 0)
		return by_gap;
	by_max = ens_time_add(s->start_us, t->session_max_us);
	return by_gap < by_max ? by_gap : by_max;
}

static void session_note(struct ens_cell *c, const struct ens_event *ev)
{
	struct ens_session *s = ens_cell_session(c);

	if (!c->in_session) {
		c->in_session = true;
		s->start_us = ev->time_us;
	}
	s->last_us = ev->time_us;
	ens_cell_arm(c, session_end(c));
}

/* ---- events --------------------------------------------------------------------------------------------------------- */

/* `match all`, while an event is still at hand: partials far beyond those that will be kept go at once, and, where more than
 * `nfound` are complete now and memory is beyond its ceiling, the later half of them.  So it makes no difference how many are
 * looked at in vain. */
static void cut(struct ens_cell *c, const struct ens_partial *next, uint32_t nfound)
{
	struct ens_rule *r = c->rule;
	struct ens_engine *e = r->engine;

	while ((c->npartial - e->nfound) / 2 > e->options.partials_per_key && c->first && c->first != next) {
		ens_match_drop(c->first);
		r->stats.dropped_per_key++;
	}
	if (e->heap.used_bytes <= e->options.memory_bytes || e->nfound <= nfound)
		return;
	ens_found_sort(e);
	for (uint32_t keep = e->nfound / 2; e->nfound > keep; r->stats.dropped_emissions++)
		ens_match_drop(e->found[--e->nfound].p);
	for (uint32_t i = 0; i < e->nfound; i++)
		e->found[i].at = i;
}

/* One at a time: what began after the first that is complete is used up. */
static bool is_used_up(const struct ens_rule *r, const struct ens_partial *p)
{
	return r->one && r->engine->nfound && p->start_pos != r->engine->found[0].p->start_pos;
}

/* Offers the event to the partials that it reaches. */
static void step_called(struct ens_cell *c, const struct ens_event *ev)
{
	struct ens_engine *e = c->rule->engine;
	const bool all = c->rule->t->select == ENS_T_ALL;

	for (uint32_t i = 0; i < e->ncalled && e->failed == ENS_OK; i++) {
		const uint32_t nfound = e->nfound;

		if (is_used_up(c->rule, e->called[i]))
			break;
		ens_match_step(c, e->called[i], ev);
		if (all)
			cut(c, i + 1 < e->ncalled ? e->called[i + 1] : NULL, nfound);
	}
}

/* Offers the event to the partials that want it. */
static void step_all(struct ens_cell *c, const struct ens_event *ev, uint64_t bits)
{
	struct ens_engine *e = c->rule->engine;
	const bool all = c->rule->t->select == ENS_T_ALL;
	struct ens_partial *next;
	uint64_t wanted = 0;

	if (c->rule->waiting && ens_waiting_call(c, ev, bits)) {
		step_called(c, ev);
		return;
	}
	c->wanted = 0; /* gathered anew: takes add to it */
	for (struct ens_partial *p = c->first; p && e->failed == ENS_OK; p = next) {
		const uint32_t nfound = e->nfound;

		next = p->next;
		if (is_used_up(c->rule, p))
			break;
		if (p->wanted & bits)
			ens_match_step(c, p, ev);
		else
			wanted |= p->wanted;
		if (all)
			cut(c, next, nfound);
	}
	c->wanted |= wanted;
}

static void start(struct ens_cell *c, const struct ens_event *ev)
{
	struct ens_rule *r = c->rule;
	struct ens_partial *embryo = r->embryo;

	if (!leads_hold(c, ev))
		return;
	embryo->cell = c;
	embryo->last_us = ev->time_us;
	embryo->last_pos = c->pos;
	embryo->covered = r->times_out && ev->time_us <= ens_cell_record(c)->told_us;
	if (r->start_guarded)
		ens_embryo_enter(r);
	ens_match_step(c, embryo, ev);
}

/* `match` as it is without `skip`: what an earlier start uses up does not begin; and at one event one match is reported. */
static void event_of_one(struct ens_cell *c, const struct ens_event *ev, uint64_t bits)
{
	struct ens_rule *r = c->rule;
	struct ens_engine *e = r->engine;
	bool reported = false, used_up = false;

	if (c->wanted & bits)
		step_all(c, ev, bits);
	if (e->nfound) {
		reported = true;
		ens_found_sort(e);
		used_up = !e->found[0].p->closes_later;
		report_one(c, ev->time_us, false);
	}
	if (used_up || !(bits & r->start_mask) || e->failed != ENS_OK)
		return;
	start(c, ev);
	if (e->nfound)
		report_one(c, ev->time_us, reported);
}

static void reset(struct ens_cell *c, const struct ens_event *ev)
{
	const struct ens_rule *r = c->rule;
	const struct ens_t_ref *t = &r->engine->tables->ref[r->t->resets.first];

	for (uint32_t i = 0; i < r->t->resets.count; i++)
		if (t[i].type == ev->type && ens_predicate_holds(r->engine, t[i].predicate)
		    && ens_partial_holds(r, r->embryo, t[i].condition)) {
			(void)drop_from(c->first, &(struct starts){0, c->pos - 1});
			return;
		}
}

/* After a failure nothing goes on; what was found is not leaked. */
static void forget_found(struct ens_engine *e)
{
	while (e->nfound)
		ens_match_drop(e->found[--e->nfound].p);
}

void ens_match_event(struct ens_cell *c, const struct ens_event *ev, uint64_t bits)
{
	struct ens_rule *r = c->rule;

	c->pos++;
	r->emitted_now = 0;
	if (r->shared) {
		ens_shared_event(c, ev, bits);
		return;
	}
	bits |= ENS_EVERY_EVENT;
	if (r->t->scope == ENS_T_SESSION)
		session_note(c, ev);
	if (r->one) {
		event_of_one(c, ev, bits);
	} else {
		if (c->wanted & bits)
			step_all(c, ev, bits);
		if ((bits & r->start_mask) && r->engine->failed == ENS_OK)
			start(c, ev);
		if (r->engine->failed == ENS_OK)
			select_found(c, ev->time_us);
		if (r->t->select == ENS_T_LAST && r->engine->failed == ENS_OK)
			keep_newest(c);
	}
	if (r->engine->failed != ENS_OK) {
		forget_found(r->engine);
		return;
	}
	if (bits & r->reset_mask)
		reset(c, ev);
	ens_match_settle(c, ev->time_us);
	if (r->times_out && r->t->scope == ENS_T_EVENTS) /* others expire by a deadline */
		time_out(c, ev->time_us);
	if (bits & r->lead_mask)
		leads_note(c, ev);
	if (r->waiting)
		ens_waiting_settle(c);
}

/* ---- deadlines ------------------------------------------------------------------------------------------------------ */

/* All events up to time_us were judged: is p complete, over, or does it go on? */
static void due(struct ens_partial *p, int64_t time_us, bool session_over)
{
	const struct ens_rule *r = p->cell->rule;
	uint32_t n;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);

	for (uint32_t i = 0; i < n; i++)
		if (list[i].kind == ENS_T_TAKE && !ens_entry_is_dead(p, i) && ens_entry_within_end(r, p, &list[i]) <= time_us)
			ens_entry_kill(p, i);
	bool over = session_over || ens_scope_end(r, p) <= time_us;

	if (ens_accept_is_due(r, p, time_us, over)) {
		p->closes_later = false;
		ens_match_found(p, over);
	} else if (time_us == INT64_MAX) {
		ens_match_drop(p); /* the input has ended, not p's time */
	} else if (over || ens_partial_all_dead(r, p)) {
		ens_match_expire(p);
	}
}

void ens_match_rearm(struct ens_cell *c)
{
	const struct ens_rule *r = c->rule;
	const struct ens_record *rec = ens_cell_record(c);
	const struct ens_t_absence *a = leads(r);

	if (r->shared)
		ens_shared_rearm(c);
	if (r->scope_only && c->first)
		ens_cell_arm(c, ens_scope_end(r, c->first));
	if (!r->scope_only)
		for (struct ens_partial *p = c->first; p; p = p->next)
			ens_cell_arm(c, ens_partial_due(r, p));
	if (c->in_session)
		ens_cell_arm(c, session_end(c));
	if (rec && rec->told_us != INT64_MIN)
		ens_cell_arm(c, rec->told_us);
	for (uint32_t i = 0; i < r->t->leads.count; i++)
		if (a[i].kind == ENS_T_TIMED && c->lead_us[i] != INT64_MIN)
			ens_cell_arm(c, ens_time_add(c->lead_us[i], a[i].for_us));
}

static void due_all(struct ens_cell *c, int64_t time_us, bool session_over)
{
	struct ens_rule *r = c->rule;
	struct ens_engine *e = r->engine;
	struct ens_partial *next;

	for (struct ens_partial *p = c->first; p && e->failed == ENS_OK; p = next) {
		next = p->next;
		if (is_used_up(r, p))
			break;
		due(p, time_us, session_over);
	}
	if (e->failed == ENS_OK)
		select_found(c, time_us);
	if (e->failed == ENS_OK)
		ens_match_settle(c, time_us);
	if (e->failed != ENS_OK)
		forget_found(e);
	else if (r->times_out)
		time_out(c, time_us);
}

void ens_match_due(struct ens_cell *c, int64_t time_us)
{
	struct ens_rule *r = c->rule;
	struct ens_record *rec = ens_cell_record(c);
	bool session_over = c->in_session && session_end(c) <= time_us;

	r->emitted_now = 0;
	if (rec && rec->told_us <= time_us)
		rec->told_us = INT64_MIN;
	if (r->shared)
		ens_shared_due(c, time_us);
	else if (r->scope_only)
		while (c->first && ens_scope_end(r, c->first) <= time_us)
			ens_match_drop(c->first);
	else
		due_all(c, time_us, session_over);
	if (session_over)
		c->in_session = false;
	leads_forget(c, time_us, session_over);
	ens_match_rearm(c);
}

/* ---- the cell as a whole ------------------------------------------------------------------------------------------- */

void ens_match_clear(struct ens_cell *c)
{
	struct ens_record *rec = ens_cell_record(c);

	ens_match_drop_all(c);
	c->in_session = false;
	for (uint32_t i = 0; i < c->rule->t->leads.count; i++)
		c->lead_us[i] = INT64_MIN;
	if (rec)
		*rec = (struct ens_record){.told_us = INT64_MIN};
}

bool ens_match_empty(const struct ens_cell *c)
{
	const struct ens_record *rec = ens_cell_record(c);

	if (c->npartial || c->in_session || (rec && (rec->held || rec->having_held || rec->told_us != INT64_MIN)))
		return false;
	for (uint32_t i = 0; i < c->rule->t->leads.count; i++)
		if (c->lead_us[i] != INT64_MIN)
			return false;
	return true;
}
