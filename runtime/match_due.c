/*
 * Absences and deadlines: how long a partial match may wait, for what, and what its waiting ends in.
 *
 * Nothing here is remembered: each time is worked out from when the partial match took its latest event and from what
 * its slots say, which do not change while it waits.
 * Cost: linear in the entries of one state and their absences.  Tested by tests/conformance.
 */
#include "runtime/match.h"

bool ens_partial_holds(const struct ens_rule *r, struct ens_partial *p, uint32_t program)
{
	if (program == ENS_NONE)
		return true;
	r->engine->context.slot = ens_partial_slots(r, p);
	return ens_program_holds(&r->engine->context, program);
}

bool ens_partial_holds_behind(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t, uint32_t program)
{
	if (program == ENS_NONE)
		return true;
	r->engine->context.slot = ens_slots_behind(r, p, t);
	return ens_program_holds(&r->engine->context, program);
}

static bool duration(const struct ens_rule *r, const struct ens_value *slots, uint32_t program, int64_t *out)
{
	r->engine->context.slot = slots;
	struct ens_value v = ens_program_run(&r->engine->context, program);

	*out = v.i;
	return !v.null;
}

bool ens_entry_duration(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t, int64_t us,
			uint32_t program, int64_t *out)
{
	*out = us;
	return program == ENS_NONE || duration(r, ens_slots_behind(r, p, t), program, out);
}

/* How long absence a, on the way of entry t, lasts. */
static bool absence_duration(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t,
			     const struct ens_t_absence *a, int64_t *out)
{
	if (a->new_round)
		return ens_entry_duration(r, p, t, a->for_us, a->for_program, out);
	*out = a->for_us;
	return a->for_program == ENS_NONE || duration(r, ens_partial_slots(r, p), a->for_program, out);
}

int64_t ens_entry_within_end(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t)
{
	int64_t us;

	if (!ens_entry_has_within(t))
		return INT64_MAX;
	return ens_entry_duration(r, p, t, t->within_us, t->within_program, &us) ? ens_time_add(p->last_us, us) : INT64_MIN;
}

/* ---- absences ------------------------------------------------------------------------------------------------------- */

/* What ends the stretch in which an absence is on watch for p. */
enum watch {
	WATCH_TIME,  /* a time: it lasts up to *end_us, that included */
	WATCH_EVENT, /* an event that is still to come */
	WATCH_SCOPE, /* the end of the scope, which is one of time; or nothing but the step behind it */
	WATCH_OVER,  /* the event at hand, or one before, has ended it */
	WATCH_NEVER  /* nothing: its duration is null */
};

/* As things stand after the event at hand; a is on the way of entry t. */
static enum watch watch(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t,
			const struct ens_t_absence *a, int64_t *end_us)
{
	switch ((enum ens_t_absence_kind)a->kind) {
	case ENS_T_TIMED:
		if (!absence_duration(r, p, t, a, end_us))
			return WATCH_NEVER;
		*end_us = ens_time_add(p->last_us, *end_us);
		return WATCH_TIME;
	case ENS_T_VERY_NEXT:
		return p->cell->pos == p->last_pos ? WATCH_EVENT : WATCH_OVER;
	case ENS_T_SCOPE:
		if (r->t->scope == ENS_T_EVENTS)
			return ens_events_over(r, p) ? WATCH_OVER : WATCH_EVENT;
		return WATCH_SCOPE;
	case ENS_T_UNTIL_NEXT:
		break;
	}
	return WATCH_SCOPE;
}

static const struct ens_t_absence *absences(const struct ens_rule *r, const struct ens_t_entry *t)
{
	return &r->engine->tables->absence[t->absences.first];
}

/* Is absence a on watch for p where the event at hand stands? */
static bool is_watched(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t,
		       const struct ens_t_absence *a, const struct ens_event *ev)
{
	int64_t end_us;

	switch (watch(r, p, t, a, &end_us)) {
	case WATCH_TIME:
		return ev->time_us <= end_us;
	case WATCH_OVER: /* by the event at hand? */
		return a->kind == ENS_T_VERY_NEXT ? p->cell->pos == p->last_pos + 1
						  : p->cell->pos - p->start_pos < (uint64_t)r->t->scope_amount;
	case WATCH_EVENT:
	case WATCH_SCOPE:
	case WATCH_NEVER:
		break;
	}
	return true;
}

bool ens_absence_violated(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t, const struct ens_event *ev)
{
	const struct ens_t_absence *a = absences(r, t);

	for (uint32_t i = 0; i < t->absences.count; i++)
		if (a[i].type == ev->type && ens_predicate_holds(r->engine, a[i].predicate) && is_watched(r, p, t, &a[i], ev)
		    && (a[i].new_round ? ens_partial_holds_behind(r, p, t, a[i].condition) : ens_partial_holds(r, p, a[i].condition)))
			return true;
	return false;
}

bool ens_absence_over(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t, int64_t time_us)
{
	const struct ens_t_absence *a = absences(r, t);
	int64_t end_us;

	for (uint32_t i = 0; i < t->absences.count; i++)
		if (a[i].kind == ENS_T_TIMED && (watch(r, p, t, &a[i], &end_us) == WATCH_NEVER || time_us <= end_us))
			return false;
	return true;
}

bool ens_entry_hopeless(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t)
{
	const struct ens_t_absence *a = absences(r, t);
	const bool waits = r->times_out || r->holds; /* others ask how long it lives */
	int64_t us;

	if (ens_entry_has_after(t) && !ens_entry_duration(r, p, t, t->after_us, t->after_program, &us))
		return true;
	if (ens_entry_has_within(t) && !ens_entry_duration(r, p, t, t->within_us, t->within_program, &us))
		return true;
	for (uint32_t i = 0; i < t->absences.count; i++) {
		enum watch w = watch(r, p, t, &a[i], &us);

		if (w == WATCH_NEVER || (!waits && w == WATCH_TIME && t->kind == ENS_T_ACCEPT && us > ens_scope_end(r, p)))
			return true;
	}
	return false;
}

/* ---- completion ----------------------------------------------------------------------------------------------------- */

static bool is_open_accept(const struct ens_partial *p, const struct ens_t_entry *list, uint32_t i)
{
	return list[i].kind == ENS_T_ACCEPT && !ens_entry_is_dead(p, i);
}

uint32_t ens_accept_entry(const struct ens_rule *r, const struct ens_partial *p)
{
	uint32_t n, i;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);

	for (i = 0; i < n && !is_open_accept(p, list, i); i++)
		;
	return i;
}

/* Do two absences watch for the same?  At the end of the pattern an untimed one lasts until the scope ends. */
static bool same_absence(const struct ens_t_absence *a, const struct ens_t_absence *b)
{
	uint32_t x = a->kind == ENS_T_SCOPE ? ENS_T_UNTIL_NEXT : a->kind, y = b->kind == ENS_T_SCOPE ? ENS_T_UNTIL_NEXT : b->kind;

	return x == y && a->type == b->type && a->predicate == b->predicate && a->condition == b->condition &&
	       a->for_us == b->for_us && a->for_program == b->for_program;
}

static uint32_t occurrences(const struct ens_t_absence *of, const struct ens_t_absence *a, uint32_t n)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < n; i++)
		found += same_absence(of, &a[i]);
	return found;
}

/* Does the way of the entry pass all absences that the way to the accept entry passes, each as often? */
static bool passes_all(const struct ens_rule *r, const struct ens_t_entry *t, const struct ens_t_entry *accept)
{
	const struct ens_t_absence *of_accept = absences(r, accept), *a = absences(r, t);

	for (uint32_t i = 0; i < accept->absences.count; i++)
		if (occurrences(&of_accept[i], a, t->absences.count) <
		    occurrences(&of_accept[i], of_accept, accept->absences.count))
			return false;
	return true;
}

/* Does entry i, which stands before the accept entry `at`, keep it waiting?  That is a greedy repetition that could go on,
 * unless an absence lies between the two: it is not the end of the pattern then.  `match all` waits for none. */
static bool holds_back(const struct ens_rule *r, const struct ens_partial *p, const struct ens_t_entry *list, uint32_t i, uint32_t at)
{
	return r->t->select != ENS_T_ALL && list[i].kind == ENS_T_TAKE && !ens_entry_is_dead(p, i)
	       && passes_all(r, &list[i], &list[at]);
}

bool ens_accept_free(const struct ens_rule *r, struct ens_partial *p, uint32_t at)
{
	uint32_t n;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);

	for (uint32_t i = 0; i < at; i++)
		if (holds_back(r, p, list, i, at))
			return false;
	return true;
}

/*
 * When the accept entry `at` may complete the match without a further event: the latest of its timed absences and of
 * the ends of what stands before it (a greedy repetition that could still go on).  INT64_MAX: only the end of the scope
 * can tell, or an event.
 */
static int64_t accept_time(const struct ens_rule *r, struct ens_partial *p, uint32_t at)
{
	uint32_t n;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);
	const struct ens_t_absence *a = absences(r, &list[at]);
	int64_t when = p->last_us, end_us;

	for (uint32_t i = 0; i < list[at].absences.count; i++) {
		enum watch w = watch(r, p, &list[at], &a[i], &end_us);

		if (w != WATCH_OVER && w != WATCH_TIME)
			return INT64_MAX;
		if (w == WATCH_TIME && end_us > when)
			when = end_us;
	}
	for (uint32_t i = 0; i < at; i++) {
		if (!holds_back(r, p, list, i, at))
			continue;
		int64_t end = ens_entry_within_end(r, p, &list[i]);

		if (end > when)
			when = end;
	}
	return when;
}

/* Its time may have come before the event at hand; at the time of the event only where nothing timed is on watch: events
 * come before deadlines. */
bool ens_accept_has_come(const struct ens_rule *r, struct ens_partial *p, uint32_t at, const struct ens_event *ev)
{
	uint32_t n;
	const struct ens_t_entry *accept = &ens_partial_entries(r, p, &n)[at];
	const struct ens_t_absence *a = absences(r, accept);
	int64_t when = accept_time(r, p, at);

	if (when < ev->time_us || when > p->last_us)
		return when < ev->time_us;
	for (uint32_t i = 0; i < accept->absences.count; i++)
		if (a[i].kind == ENS_T_TIMED)
			return false;
	return true;
}

/* Can p be complete now that its scope is over (at end_us), or time itself?  `within N events` does not end by time. */
static bool complete_at_scope_end(const struct ens_rule *r, struct ens_partial *p, uint32_t at, int64_t end_us)
{
	uint32_t n;
	const struct ens_t_entry *accept = &ens_partial_entries(r, p, &n)[at];
	const struct ens_t_absence *a = absences(r, accept);
	int64_t us;

	for (uint32_t i = 0; i < accept->absences.count; i++) {
		enum watch w = watch(r, p, accept, &a[i], &us);

		if (w == WATCH_EVENT || w == WATCH_NEVER || (w == WATCH_TIME && us > end_us))
			return false;
	}
	return true;
}

bool ens_accept_is_due(const struct ens_rule *r, struct ens_partial *p, int64_t time_us, bool over)
{
	uint32_t n;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);

	for (uint32_t at = 0; at < n; at++) {
		if (!is_open_accept(p, list, at))
			continue;
		int64_t when = ens_accept_free(r, p, at) ? accept_time(r, p, at) : INT64_MAX;

		if ((when != INT64_MAX && when <= time_us) || (over && complete_at_scope_end(r, p, at, time_us)))
			return true;
	}
	return false;
}

bool ens_partial_all_dead(const struct ens_rule *r, const struct ens_partial *p)
{
	uint32_t n;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);

	for (uint32_t i = 0; i < n; i++)
		if (list[i].kind <= ENS_T_ACCEPT && !ens_entry_is_dead(p, i))
			return false;
	return true;
}

/* ---- timers ------------------------------------------------------------------------------------------------------- */

int64_t ens_partial_due(const struct ens_rule *r, struct ens_partial *p)
{
	uint32_t n;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);
	int64_t scope = ens_scope_end(r, p), earliest = scope, latest = INT64_MIN;
	uint32_t accept = ens_accept_entry(r, p);

	for (uint32_t at = accept; at < n; at++) {
		int64_t when = is_open_accept(p, list, at) ? accept_time(r, p, at) : INT64_MAX;

		if (when < earliest)
			earliest = when;
	}
	if (accept < n)
		return earliest;
	for (uint32_t i = 0; i < n && latest < scope; i++) {
		if (list[i].kind != ENS_T_TAKE || ens_entry_is_dead(p, i))
			continue;
		int64_t end = ens_entry_within_end(r, p, &list[i]);

		if (end > latest)
			latest = end;
	}
	return latest < scope ? latest : scope;
}

void ens_cell_set_timer(struct ens_cell *c, int64_t at_us)
{
	struct ens_wheel *w = &c->rule->group->wheel;

	ens_wheel_remove(w, &c->timer);
	ens_wheel_add(w, &c->timer, at_us);
}
