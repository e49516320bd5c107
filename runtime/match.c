/*
 * Stepping of partial matches: semantics.md section 4 ("one at a time"), by the entry lists of runtime/tables.h.
 *
 * An event visits each partial match of its key once, oldest start first, and goes down the entries of its state until
 * one takes it.  Because the partials of a cell are kept in the order of preference (M1), the first that completes is
 * the one to report; what it uses up is then dropped, which in this mode is everything in the cell.
 *
 * Cost: per event one pass over the open partial matches of one key; predicates on the event alone are evaluated once
 * per event, whoever asks.  Deadlines: one timer a cell, set to the earliest of its partials.
 * Tested by tests/conformance (cases and differential against a reference) and tests/unit/test_engine.c.
 */
#include "runtime/match.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* ---- small things ----------------------------------------------------------------------------------------------- */

static int64_t later(int64_t us, int64_t by_us)
{
	int64_t sum;

	if (__builtin_add_overflow(us, by_us, &sum))
		return by_us > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

static uint32_t *counters(const struct ens_rule *r, struct ens_partial *p)
{
	return (uint32_t *)(void *)((char *)p + r->counters_at);
}

static bool is_dead(const struct ens_partial *p, uint32_t entry)
{
	return p->dead[entry / 64] >> (entry % 64) & 1;
}

static void kill_entry(struct ens_partial *p, uint32_t entry)
{
	p->dead[entry / 64] |= UINT64_C(1) << (entry % 64);
}

static const struct ens_t_entry *entries(const struct ens_rule *r, const struct ens_partial *p, uint32_t *n)
{
	const struct ens_t_state *s = &r->state[p->state];

	*n = s->entries.count;
	return &r->engine->tables->entry[s->entries.first];
}

/* Programs that look at a match look at this one. */
static void look_at(const struct ens_rule *r, struct ens_partial *p)
{
	r->engine->context.slot = ens_partial_slots(r, p);
}

static bool holds(const struct ens_rule *r, struct ens_partial *p, uint32_t program)
{
	if (program == ENS_NONE)
		return true;
	look_at(r, p);
	return ens_program_holds(&r->engine->context, program);
}

/* A duration that is a constant or comes from the match.  False: it is null. */
static bool duration(const struct ens_rule *r, struct ens_partial *p, int64_t us, uint32_t program, int64_t *out)
{
	if (program == ENS_NONE) {
		*out = us;
		return true;
	}
	look_at(r, p);
	struct ens_value v = ens_program_run(&r->engine->context, program);

	*out = v.i;
	return !v.null;
}

static bool has_within(const struct ens_t_entry *t)
{
	return t->within_us >= 0 || t->within_program != ENS_NONE;
}

static bool has_after(const struct ens_t_entry *t)
{
	return t->after_us >= 0 || t->after_program != ENS_NONE;
}

/* When the entry's `within` ends; INT64_MAX without one. */
static int64_t within_end(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t)
{
	int64_t us;

	if (!has_within(t))
		return INT64_MAX;
	return duration(r, p, t->within_us, t->within_program, &us) ? later(p->last_us, us) : INT64_MIN;
}

/* The scope `within N events` is over for p once the event at hand was judged. */
static bool events_over(const struct ens_rule *r, const struct ens_partial *p)
{
	return r->t->scope == ENS_T_EVENTS && p->cell->pos - p->start_pos + 1 >= (uint64_t)r->t->scope_amount;
}

static int64_t scope_end(const struct ens_rule *r, const struct ens_partial *p)
{
	return r->t->scope == ENS_T_TIME ? later(p->start_us, r->t->scope_amount) : INT64_MAX;
}

/* ---- strings kept by slots ---------------------------------------------------------------------------------------- */

void ens_blob_release(struct ens_heap *h, struct ens_blob *b)
{
	if (--b->refs == 0)
		ens_heap_free(h, b, sizeof *b + b->len);
}

static struct ens_blob *blob_of(const struct ens_value *v)
{
	return (struct ens_blob *)(void *)((char *)(uintptr_t)v->s - offsetof(struct ens_blob, bytes));
}

/* The event's string as one that stays; slots that keep the same one share it. */
static struct ens_blob *blob_keep(struct ens_engine *e, const struct ens_value *v)
{
	for (uint32_t i = 0; i < e->npin; i++)
		if (e->pin[i].s == v->s && e->pin[i].blob->len == v->len) {
			e->pin[i].blob->refs++;
			return e->pin[i].blob;
		}
	struct ens_blob *b = ens_heap_alloc(&e->heap, sizeof *b + v->len);

	if (!b) {
		e->failed = ENS_ENOMEM;
		return NULL;
	}
	*b = (struct ens_blob){.refs = 1, .len = v->len};
	if (v->len)
		memcpy(b->bytes, v->s, v->len);
	if (e->npin < ENS_PINS) {
		b->refs++;
		e->pin[e->npin].s = v->s;
		e->pin[e->npin++].blob = b;
	}
	return b;
}

static void slot_set(struct ens_engine *e, struct ens_value *slot, enum ens_type type, const struct ens_value *v)
{
	struct ens_value old = *slot;

	*slot = *v;
	if (ens_type_is_bytes(type) && !v->null) {
		struct ens_blob *b = blob_keep(e, v);

		if (b)
			slot->s = b->bytes;
		else
			slot->null = ENS_NULL;
	}
	if (ens_type_is_bytes(type) && !old.null)
		ens_blob_release(&e->heap, blob_of(&old));
}

static void slots_reset(const struct ens_rule *r, struct ens_value *slot, uint32_t first, uint32_t n)
{
	const struct ens_t_slot *t = &r->engine->tables->slot[r->t->slots.first];

	for (uint32_t i = first; i < first + n; i++)
		slot_set(r->engine, &slot[i], t[i].type, &r->initial[i]);
}

/* ---- captures ----------------------------------------------------------------------------------------------------- */

/* slot[0] + slot[1] is the sum in doubled precision (T. J. Dekker, 1971); slot[0] is it rounded. */
static void sum_float(struct ens_value *slot, double v)
{
	double s = slot[0].f, t = s + v, z = t - s;
	double low = slot[1].f + ((s - (t - z)) + (v - z));

	slot[0].f = t + low;
	slot[1].f = (t - slot[0].f) + low;
	if (!isfinite(slot[0].f))
		slot[0].null = ENS_NULL; /* for good */
}

static void sum_int(struct ens_engine *e, struct ens_value *slot, int64_t v)
{
	if (!slot->null && __builtin_add_overflow(slot->i, v, &slot->i)) {
		slot->null = ENS_NULL;
		e->context.nulled++;
	}
}

/* The oldest value goes last: the new one may borrow from it. */
static void shift(struct ens_engine *e, struct ens_value *slot, uint32_t n, enum ens_type type, const struct ens_value *v)
{
	const struct ens_value oldest = slot[n - 1];

	memmove(slot + 1, slot, (n - 1) * sizeof *slot);
	slot[0] = (struct ens_value){.null = ENS_UNSET};
	slot_set(e, slot, type, v);
	if (ens_type_is_bytes(type) && !oldest.null)
		ens_blob_release(&e->heap, blob_of(&oldest));
}

static void capture(struct ens_rule *r, struct ens_partial *p, const struct ens_t_capture *c)
{
	struct ens_engine *e = r->engine;
	struct ens_value *slot = &ens_partial_slots(r, p)[c->slot];
	enum ens_type type = e->tables->slot[r->t->slots.first + c->slot].type;
	struct ens_value v = ens_program_run(&e->context, c->program);

	switch ((enum ens_t_capture_kind)c->kind) {
	case ENS_T_KEEP:
		slot_set(e, slot, type, &v);
		return;
	case ENS_T_KEEP_FIRST:
		if (slot->null == ENS_UNSET)
			slot_set(e, slot, type, &v);
		return;
	case ENS_T_SHIFT:
		shift(e, slot, c->n, type, &v);
		return;
	default:
		break;
	}
	if (v.null)
		return;
	switch ((enum ens_t_capture_kind)c->kind) {
	case ENS_T_FIRST:
		if (slot->null)
			slot_set(e, slot, type, &v);
		break;
	case ENS_T_LATEST:
		slot_set(e, slot, type, &v);
		break;
	case ENS_T_COUNT:
		sum_int(e, slot, 1);
		break;
	case ENS_T_SUM:
		if (type != ENS_FLOAT)
			sum_int(e, slot, v.i);
		else if (!slot->null)
			sum_float(slot, v.f);
		break;
	case ENS_T_MIN:
		if (slot->null || ens_value_compare(type, &v, slot) < 0)
			slot_set(e, slot, type, &v);
		break;
	case ENS_T_MAX:
		if (slot->null || ens_value_compare(type, &v, slot) > 0)
			slot_set(e, slot, type, &v);
		break;
	case ENS_T_KEEP:
	case ENS_T_KEEP_FIRST:
	case ENS_T_SHIFT:
	case ENS_T_COLLECT: /* runtime/supported.c */
		break;
	}
}

/* ---- life and death of partial matches ------------------------------------------------------------------------------ */

/* Where nothing branches, nothing is shared, and a partial has its first link in itself. */
static struct ens_link *origin(const struct ens_rule *r, struct ens_partial *p)
{
	return r->branches ? NULL : (struct ens_link *)(void *)((char *)p + r->origin_at);
}

static void links_release(struct ens_heap *h, struct ens_link *l, const struct ens_link *kept)
{
	while (l && l != kept && --l->refs == 0) {
		struct ens_link *before = l->before;

		ens_heap_free(h, l, sizeof *l);
		l = before;
	}
}

static void release(struct ens_rule *r, struct ens_partial *p)
{
	const struct ens_t_slot *t = &r->engine->tables->slot[r->t->slots.first];
	struct ens_value *slot = ens_partial_slots(r, p);

	for (uint32_t i = 0; i < r->t->slots.count; i++)
		if (ens_type_is_bytes(t[i].type) && !slot[i].null)
			ens_blob_release(&r->engine->heap, blob_of(&slot[i]));
	links_release(&r->engine->heap, p->taken, origin(r, p));
	ens_heap_free(&r->engine->heap, p, r->partial_bytes);
}

void ens_match_drop(struct ens_partial *p)
{
	struct ens_cell *c = p->cell;
	struct ens_rule *r = c->rule;

	*(p->prev ? &p->prev->next : &c->first) = p->next;
	*(p->next ? &p->next->prev : &c->last) = p->prev;
	if (r->listed) {
		*(p->older ? &p->older->newer : &r->oldest) = p->newer;
		*(p->newer ? &p->newer->older : &r->newest) = p->older;
	}
	c->npartial--;
	r->stats.partials--;
	release(r, p);
}

void ens_match_drop_all(struct ens_cell *c)
{
	while (c->first)
		ens_match_drop(c->first);
	c->wanted = 0;
}

static void list_by_start(struct ens_rule *r, struct ens_partial *p, struct ens_partial *newer)
{
	p->newer = newer;
	p->older = newer ? newer->older : r->newest;
	*(p->older ? &p->older->newer : &r->oldest) = p;
	*(p->newer ? &p->newer->older : &r->newest) = p;
}

void ens_match_list(struct ens_rule *r, struct ens_partial **partial, size_t n)
{
	r->listed = true;
	r->oldest = r->newest = NULL;
	for (size_t i = 0; i < n; i++)
		list_by_start(r, partial[i], NULL);
}

/* A copy of `from`, placed before it; of the embryo: placed last, as the newest. */
static struct ens_partial *copy(struct ens_cell *c, struct ens_partial *from, const struct ens_event *ev)
{
	struct ens_rule *r = c->rule;
	struct ens_partial *p = ens_heap_alloc(&r->engine->heap, r->partial_bytes);
	const struct ens_t_slot *t = &r->engine->tables->slot[r->t->slots.first];

	if (!p) {
		r->engine->failed = ENS_ENOMEM;
		return NULL;
	}
	memcpy(p, from, r->partial_bytes);
	struct ens_value *slot = ens_partial_slots(r, p);

	for (uint32_t i = 0; i < r->t->slots.count; i++)
		if (ens_type_is_bytes(t[i].type) && !slot[i].null)
			blob_of(&slot[i])->refs++;
	if (p->taken)
		p->taken->refs++;
	p->cell = c;
	if (from == r->embryo) {
		p->start_us = ev->time_us;
		p->start_pos = c->pos;
		p->next = NULL;
		p->prev = c->last;
		r->stats.started++;
	} else {
		p->next = from;
		p->prev = from->prev;
	}
	*(p->prev ? &p->prev->next : &c->first) = p;
	*(p->next ? &p->next->prev : &c->last) = p;
	if (r->listed)
		list_by_start(r, p, from == r->embryo ? NULL : from);
	c->npartial++;
	r->stats.partials++;
	return p;
}

/* ---- what is due when --------------------------------------------------------------------------------------------- */

static void arm(struct ens_cell *c, int64_t at_us)
{
	struct ens_wheel *w = &c->rule->group->wheel;

	if (at_us == INT64_MAX)
		return;
	if (ens_timer_is_set(&c->timer)) {
		if (c->timer.deadline_us <= at_us)
			return;
		ens_wheel_remove(w, &c->timer);
	}
	ens_wheel_add(w, &c->timer, at_us);
}

/* Does entry i, which stands before the accept entry `at`, keep it waiting?  That is a greedy repetition that could go on,
 * unless an absence lies between the two: it is not the end of the pattern then. */
static bool holds_back(const struct ens_partial *p, const struct ens_t_entry *list, uint32_t i, uint32_t at)
{
	return list[i].kind == ENS_T_TAKE && !is_dead(p, i) && list[i].absences.count >= list[at].absences.count;
}

static bool dead_before(const struct ens_rule *r, const struct ens_partial *p, uint32_t at)
{
	uint32_t n;
	const struct ens_t_entry *list = entries(r, p, &n);

	for (uint32_t i = 0; i < at; i++)
		if (holds_back(p, list, i, at))
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
	const struct ens_t_entry *list = entries(r, p, &n);
	const struct ens_t_absence *a = &r->engine->tables->absence[list[at].absences.first];
	int64_t when = p->last_us, us;

	for (uint32_t i = 0; i < list[at].absences.count; i++) {
		if ((a[i].kind == ENS_T_SCOPE && !events_over(r, p))
		    || (a[i].kind == ENS_T_VERY_NEXT && p->cell->pos == p->last_pos))
			return INT64_MAX;
		if (a[i].kind != ENS_T_TIMED)
			continue;
		if (!duration(r, p, a[i].for_us, a[i].for_program, &us))
			return INT64_MAX;
		if (later(p->last_us, us) > when)
			when = later(p->last_us, us);
	}
	for (uint32_t i = 0; i < at; i++) {
		if (!holds_back(p, list, i, at))
			continue;
		int64_t end = within_end(r, p, &list[i]);

		if (end > when)
			when = end;
	}
	return when;
}

/* The accept entry that is not dead, or `n`: there is none. */
static uint32_t accept_entry(const struct ens_rule *r, struct ens_partial *p)
{
	uint32_t n, i;
	const struct ens_t_entry *list = entries(r, p, &n);

	for (i = 0; i < n && (list[i].kind != ENS_T_ACCEPT || is_dead(p, i)); i++)
		;
	return i;
}

/* The earliest time at which something happens to p without an event. */
static int64_t due_time(const struct ens_rule *r, struct ens_partial *p)
{
	uint32_t n;
	const struct ens_t_entry *list = entries(r, p, &n);
	int64_t scope = scope_end(r, p), latest = INT64_MIN;
	uint32_t accept = accept_entry(r, p);

	if (accept < n) {
		int64_t when = accept_time(r, p, accept);

		return when < scope ? when : scope;
	}
	for (uint32_t i = 0; i < n && latest < scope; i++) {
		if (list[i].kind != ENS_T_TAKE || is_dead(p, i))
			continue;
		int64_t end = within_end(r, p, &list[i]);

		if (end > latest)
			latest = end;
	}
	return latest < scope ? latest : scope;
}

/* Can p be complete now that its scope is over (at end_us), or time itself?  `within N events` does not end by time. */
static bool complete_at_scope_end(const struct ens_rule *r, struct ens_partial *p, int64_t end_us)
{
	uint32_t n, at = accept_entry(r, p);
	const struct ens_t_entry *list = entries(r, p, &n);

	if (at == n)
		return false;
	const struct ens_t_absence *a = &r->engine->tables->absence[list[at].absences.first];
	int64_t us;

	for (uint32_t i = 0; i < list[at].absences.count; i++) {
		if (a[i].kind == ENS_T_VERY_NEXT && p->cell->pos == p->last_pos)
			return false;
		if (a[i].kind == ENS_T_SCOPE && r->t->scope == ENS_T_EVENTS && !events_over(r, p))
			return false;
		if (a[i].kind == ENS_T_TIMED
		    && (!duration(r, p, a[i].for_us, a[i].for_program, &us) || later(p->last_us, us) > end_us))
			return false;
	}
	return true;
}

static bool all_dead(const struct ens_rule *r, const struct ens_partial *p)
{
	uint32_t n;
	const struct ens_t_entry *list = entries(r, p, &n);

	for (uint32_t i = 0; i < n; i++)
		if (list[i].kind <= ENS_T_ACCEPT && !is_dead(p, i))
			return false;
	return true;
}


/* ---- entering a state --------------------------------------------------------------------------------------------- */

static bool guards_hold(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t)
{
	const struct ens_t_op *o = &r->engine->tables->op[t->guards.first];
	const uint32_t *counter = counters(r, p);

	for (uint32_t i = 0; i < t->guards.count; i++)
		switch ((enum ens_t_op_kind)o[i].kind) {
		case ENS_T_AT_LEAST:
			if (counter[o[i].reg] < o[i].n)
				return false;
			break;
		case ENS_T_BELOW:
			if (counter[o[i].reg] >= o[i].n)
				return false;
			break;
		case ENS_T_LACKS:
			if (counter[o[i].reg] & o[i].n)
				return false;
			break;
		case ENS_T_HOLDS:
			if (!holds(r, p, o[i].n))
				return false;
			break;
		case ENS_T_SET:
		case ENS_T_ADD:
		case ENS_T_MARK:
		case ENS_T_CLEAR:
			assert(false && "an action among guards: T6");
		}
	return true;
}

/* Null durations and absences that outlast the scope: the entry can never be followed. */
static bool hopeless(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t)
{
	const struct ens_t_absence *a = &r->engine->tables->absence[t->absences.first];
	int64_t us;

	if (has_after(t) && !duration(r, p, t->after_us, t->after_program, &us))
		return true;
	if (has_within(t) && !duration(r, p, t->within_us, t->within_program, &us))
		return true;
	for (uint32_t i = 0; i < t->absences.count; i++) {
		if (a[i].kind != ENS_T_TIMED)
			continue;
		if (!duration(r, p, a[i].for_us, a[i].for_program, &us))
			return true;
		if (t->kind == ENS_T_ACCEPT && later(p->last_us, us) > scope_end(r, p))
			return true;
	}
	return false;
}

/* p has just entered its state: which entries are open?  True: the match is complete with the event at hand. */
static bool enter(const struct ens_rule *r, struct ens_partial *p)
{
	uint32_t n;
	const struct ens_t_entry *list = entries(r, p, &n);

	for (uint32_t i = 0; i < r->mask_words; i++)
		p->dead[i] = 0;
	p->wanted = r->t->scope == ENS_T_EVENTS ? ENS_EVERY_EVENT : 0;
	for (uint32_t i = 0; i < n; i++) {
		if (list[i].kind > ENS_T_ACCEPT)
			continue;
		if (!guards_hold(r, p, &list[i]) || hopeless(r, p, &list[i]))
			kill_entry(p, i);
		else if (list[i].kind == ENS_T_ACCEPT && !list[i].absences.count && dead_before(r, p, i))
			return true;
		else
			p->wanted |= r->mask[r->mask_at[p->state] + i];
	}
	return false;
}

static void act(struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t)
{
	const struct ens_t_op *o = &r->engine->tables->op[t->actions.first];
	uint32_t *counter = counters(r, p);

	for (uint32_t i = 0; i < t->actions.count; i++)
		switch ((enum ens_t_op_kind)o[i].kind) {
		case ENS_T_SET:
			counter[o[i].reg] = o[i].n;
			break;
		case ENS_T_ADD:
			if (counter[o[i].reg] < o[i].n)
				counter[o[i].reg]++;
			break;
		case ENS_T_MARK:
			counter[o[i].reg] |= o[i].n;
			break;
		case ENS_T_CLEAR:
			slots_reset(r, ens_partial_slots(r, p), o[i].reg, o[i].n);
			break;
		case ENS_T_AT_LEAST:
		case ENS_T_BELOW:
		case ENS_T_LACKS:
		case ENS_T_HOLDS:
			assert(false && "a guard among actions: T6");
		}
}

static bool same_events(const struct ens_link *a, const struct ens_link *b)
{
	for (; a != b; a = a->before, b = b->before)
		if (!a || !b || a->id.ms != b->id.ms || a->id.seq != b->id.seq || a->id.stream != b->id.stream)
			return false;
	return true;
}

/* p has taken the event at hand; partials before it that took the same events up to then and not this one now have the
 * larger positions (M1): p goes before them. */
static void overtake(struct ens_cell *c, struct ens_partial *p)
{
	struct ens_partial *q = p->prev;

	while (q && q->start_pos == p->start_pos && q->last_pos != c->pos && same_events(q->taken, p->taken->before))
		q = q->prev;
	if (q == p->prev)
		return;
	p->prev->next = p->next;
	*(p->next ? &p->next->prev : &c->last) = p->prev;
	p->prev = q;
	p->next = q ? q->next : c->first;
	p->next->prev = p;
	*(q ? &q->next : &c->first) = p;
}

/* p takes the event by entry t.  True: the match is complete. */
static bool take(struct ens_cell *c, struct ens_partial *p, const struct ens_t_entry *t, const struct ens_event *ev)
{
	struct ens_rule *r = c->rule;
	struct ens_engine *e = r->engine;
	const struct ens_t_state *s = &r->state[t->target];
	const struct ens_t_capture *k = &e->tables->capture[s->captures.first];
	struct ens_link *l = p->taken ? NULL : origin(r, p);

	if (!l)
		l = ens_heap_alloc(&e->heap, sizeof *l);
	if (!l) {
		e->failed = ENS_ENOMEM;
		return false;
	}
	*l = (struct ens_link){.before = p->taken, .id = ev->id, .refs = 1, .state = t->target};
	p->taken = l;
	p->ntaken++;
	act(r, p, t);
	look_at(r, p);
	for (uint32_t i = 0; i < s->captures.count; i++)
		capture(r, p, &k[i]);
	p->state = t->target;
	p->last_us = ev->time_us;
	p->last_pos = c->pos;
	if (r->branches)
		overtake(c, p);
	if (enter(r, p))
		return true;
	c->wanted |= p->wanted;
	if (r->scope_only)
		arm(c, scope_end(r, c->first));
	else
		arm(c, due_time(r, p));
	return false;
}

/* ---- one event, one partial match --------------------------------------------------------------------------------- */

static bool absence_hit(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_absence *a,
			const struct ens_event *ev)
{
	int64_t us;

	if (a->type != ev->type || (a->kind == ENS_T_VERY_NEXT && p->cell->pos != p->last_pos + 1))
		return false;
	if (a->kind == ENS_T_SCOPE && r->t->scope == ENS_T_EVENTS
	    && p->cell->pos - p->start_pos >= (uint64_t)r->t->scope_amount)
		return false; /* it comes behind the scope */
	if (!ens_predicate_holds(r->engine, a->predicate))
		return false;
	if (a->kind == ENS_T_TIMED && duration(r, p, a->for_us, a->for_program, &us)
	    && ev->time_us > later(p->last_us, us))
		return false;
	return holds(r, p, a->condition);
}

static bool violated(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t,
		     const struct ens_event *ev)
{
	const struct ens_t_absence *a = &r->engine->tables->absence[t->absences.first];

	for (uint32_t i = 0; i < t->absences.count; i++)
		if (absence_hit(r, p, &a[i], ev))
			return true;
	return false;
}

/* Does the condition hold of the event at hand, were it taken by entry t?  Where a new round of a group begins, the names
 * of its steps mean that round's events, of which there are none. */
static bool holds_behind(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t, uint32_t program)
{
	const struct ens_t_op *o = &r->engine->tables->op[t->actions.first];
	struct ens_context *c = &r->engine->context;
	bool cleared = false;

	for (uint32_t i = 0; i < t->actions.count; i++) {
		if (o[i].kind != ENS_T_CLEAR || !o[i].n)
			continue;
		if (!cleared)
			memcpy(r->view, ens_partial_slots(r, p), r->t->slots.count * sizeof *r->view);
		cleared = true;
		memcpy(r->view + o[i].reg, r->initial + o[i].reg, o[i].n * sizeof *r->view);
	}
	if (!cleared)
		return holds(r, p, program);
	c->slot = r->view;
	return ens_program_holds(c, program);
}

static bool until_holds(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_state *s,
			const struct ens_event *ev)
{
	const struct ens_t_ref *u = &r->engine->tables->ref[s->untils.first];

	for (uint32_t i = 0; i < s->untils.count; i++)
		if (u[i].type == ev->type && ens_predicate_holds(r->engine, u[i].predicate) && holds(r, p, u[i].condition))
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
		    && (u[i].condition == ENS_NONE || holds_behind(r, p, t, u[i].condition)))
			return true;
	return false;
}

/* Is this entry over, whatever the event is? */
static bool outrun(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t,
		   const struct ens_event *ev)
{
	if (has_within(t) && ev->time_us > within_end(r, p, t))
		return true;
	return (t->flags & ENS_T_AGAIN) && until_holds(r, p, &r->state[t->target], ev);
}

static bool satisfies(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t,
		      const struct ens_event *ev)
{
	const struct ens_t_state *s = &r->state[t->target];
	const struct ens_t_absence *a = &r->engine->tables->absence[t->absences.first];
	int64_t us;

	if (s->type != ev->type || !ens_predicate_holds(r->engine, s->predicate))
		return false;
	if (has_after(t) && (!duration(r, p, t->after_us, t->after_program, &us) || ev->time_us < later(p->last_us, us)))
		return false;
	for (uint32_t i = 0; i < t->absences.count; i++)
		if (a[i].kind == ENS_T_TIMED
		    && (!duration(r, p, a[i].for_us, a[i].for_program, &us) || ev->time_us <= later(p->last_us, us)))
			return false;
	return s->condition == ENS_NONE || holds_behind(r, p, t, s->condition);
}

static bool waits_for_scope(const struct ens_rule *r, const struct ens_t_entry *t)
{
	for (uint32_t i = 0; i < t->absences.count; i++)
		if (r->engine->tables->absence[t->absences.first + i].kind == ENS_T_SCOPE)
			return true;
	return false;
}

/* The accept entry may complete the match at `when`, as accept_time says: has that come, now that the event is judged?
 * An absence that ends at this very time is still on watch: events come before deadlines. */
static bool has_come(const struct ens_rule *r, const struct ens_partial *p, const struct ens_t_entry *accept, int64_t when,
		     const struct ens_event *ev)
{
	const struct ens_t_absence *a = &r->engine->tables->absence[accept->absences.first];

	if (when < ev->time_us || when > p->last_us)
		return when < ev->time_us;
	for (uint32_t i = 0; i < accept->absences.count; i++)
		if (a[i].kind == ENS_T_TIMED)
			return false;
	return true;
}

/* An accept entry is reached by an event that nothing before it took: does that complete the match? */
static bool accepts_now(const struct ens_rule *r, struct ens_partial *p, uint32_t at, const struct ens_event *ev)
{
	uint32_t n;
	const struct ens_t_entry *list = entries(r, p, &n);

	if (violated(r, p, &list[at], ev)) {
		kill_entry(p, at);
		return false;
	}
	if (!dead_before(r, p, at) || (events_over(r, p) && waits_for_scope(r, &list[at])))
		return false; /* at the last event of a scope what is behind in the list comes first: settle_last */
	return has_come(r, p, &list[at], accept_time(r, p, at), ev);
}

/* `within N events` is over: p takes no more, and is complete unless an absence at its end is still on watch. */
static struct ens_partial *settle_last(struct ens_partial *p, const struct ens_event *ev)
{
	const struct ens_rule *r = p->cell->rule;
	uint32_t n, at;
	const struct ens_t_entry *list = entries(r, p, &n);

	for (uint32_t i = 0; i < n; i++)
		if (list[i].kind == ENS_T_TAKE)
			kill_entry(p, i);
	at = accept_entry(r, p);
	if (at == n) {
		ens_match_drop(p);
		return NULL;
	}
	if (has_come(r, p, &list[at], accept_time(r, p, at), ev)) {
		p->closes_later = p->last_pos != p->cell->pos;
		return p;
	}
	p->cell->wanted |= p->wanted;
	arm(p->cell, due_time(r, p));
	return NULL;
}

/* After the event was judged: p when it is complete, NULL when it goes on or is dropped.  `changed`: something may be
 * due at another time than before. */
static struct ens_partial *settle(struct ens_partial *p, const struct ens_event *ev, bool changed)
{
	const struct ens_rule *r = p->cell->rule;

	if (events_over(r, p))
		return settle_last(p, ev);
	if (all_dead(r, p)) {
		ens_match_drop(p);
		return NULL;
	}
	p->cell->wanted |= p->wanted;
	if (changed && !r->scope_only)
		arm(p->cell, due_time(r, p));
	return NULL;
}

/* The list of a state being gone down. */
struct walk {
	struct ens_cell *cell;
	struct ens_partial *p;
	const struct ens_event *ev;
	uint32_t at, fork[ENS_FORK_DEPTH_MAX], depth;
	bool took[ENS_FORK_DEPTH_MAX];
	bool used;             /* p itself is to go: copies of it took the event */
	bool changed;          /* entries died: something may be due earlier */
	struct ens_partial *complete;
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

static void try_take(struct walk *w, const struct ens_t_entry *t)
{
	struct ens_cell *c = w->cell;
	struct ens_rule *r = c->rule;
	struct ens_partial *p = w->p;
	bool very_next = c->pos == p->last_pos + 1, embryo = p == r->embryo;
	uint32_t at = w->at++;

	if (is_dead(p, at))
		return;
	if (!embryo && ((t->arrow == ENS_T_NEXT && !very_next) || outrun(r, p, t, w->ev))) {
		kill_entry(p, at);
		w->changed = true;
		return;
	}
	bool satisfied = satisfies(r, p, t, w->ev);
	/* `until` holds of what would be the first event of the repetition: it is not taken, and with `->` it was the next. */
	bool barred = satisfied && !(t->flags & ENS_T_AGAIN) && until_bars(r, p, t, w->ev);

	if (satisfied && !barred) {
		bool stays = t->arrow == ENS_T_ANY;
		/* The last use of p itself needs no copy. */
		bool in_place = !embryo && !stays && !w->depth;
		struct ens_partial *q = in_place ? p : copy(c, p, w->ev);

		if (!q)
			return;
		if (!stays)
			end_list(w, t->branch_end);
		if (in_place)
			w->used = false;
		struct ens_partial *complete = q;

		if (take(c, q, t, w->ev)) {
			q->closes_later = false;
		} else {
			complete = settle(q, w->ev, false);
			if (in_place)
				w->p = NULL;
		}
		if (!w->complete) /* of several the first in the list is preferred */
			w->complete = complete;
		else if (complete && embryo)
			ens_match_drop(complete);
		if (!stays)
			return;
	}
	if (embryo)
		return;
	if (t->arrow == ENS_T_NEXT || (barred && t->arrow == ENS_T_FOLLOWED) || violated(r, p, t, w->ev)) {
		kill_entry(p, at);
		w->changed = true;
	}
}

/* Offers the event to p.  The complete match, if there is one (p or a copy); p may be gone. */
static struct ens_partial *step(struct ens_cell *c, struct ens_partial *p, const struct ens_event *ev)
{
	struct ens_rule *r = c->rule;
	struct walk w = {.cell = c, .p = p, .ev = ev};
	uint32_t n;
	const struct ens_t_entry *list = entries(r, p, &n);

	/* Once a copy is complete the rest matters only where p itself may be, its scope ending with this event, or where
	 * the match may not be reported: what else begins with the event then goes on. */
	while (w.at < n && (!w.complete || p == r->embryo || events_over(r, p)) && w.p && r->engine->failed == ENS_OK) {
		const struct ens_t_entry *t = &list[w.at];

		switch ((enum ens_t_entry_kind)t->kind) {
		case ENS_T_TAKE:
			try_take(&w, t);
			break;
		case ENS_T_ACCEPT:
			if (!is_dead(p, w.at) && accepts_now(r, p, w.at, ev)) {
				p->closes_later = true;
				return p;
			}
			w.changed |= c->pos == p->last_pos + 1;
			w.at++;
			break;
		case ENS_T_FORK:
			w.fork[w.depth] = w.at++;
			w.took[w.depth++] = false;
			break;
		case ENS_T_FORK_END:
			w.depth--;
			if (w.took[w.depth])
				end_list(&w, list[w.fork[w.depth]].branch_end);
			else
				w.at++;
			break;
		}
	}
	if (!w.p || p == r->embryo || r->engine->failed != ENS_OK)
		return w.complete;
	if (w.complete) {
		/* What took the event by `->>` is complete; so is p if its scope ends here, and it has the smaller positions. */
		struct ens_partial *shorter = !w.used && w.complete != p && events_over(r, p) ? settle_last(p, ev) : NULL;

		return shorter ? shorter : w.complete;
	}
	if (w.used) {
		ens_match_drop(p);
		return NULL;
	}
	return settle(p, ev, w.changed);
}

/* ---- a cell ------------------------------------------------------------------------------------------------------- */

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
		int64_t since = later(ev->time_us, -a[i].for_us);

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
		    && holds(r, r->embryo, a[i].condition)) {
			c->lead_us[i] = ev->time_us;
			if (a[i].kind == ENS_T_TIMED)
				arm(c, later(ev->time_us, a[i].for_us));
		}
}

static int64_t session_end(const struct ens_cell *c)
{
	const struct ens_t_rule *t = c->rule->t;
	int64_t by_gap = later(c->session_last_us, t->scope_amount), by_max;

	if (t->session_max_us < 0)
		return by_gap;
	by_max = later(c->session_start_us, t->session_max_us);
	return by_gap < by_max ? by_gap : by_max;
}

static void session_note(struct ens_cell *c, const struct ens_event *ev)
{
	if (!c->in_session) {
		c->in_session = true;
		c->session_start_us = ev->time_us;
	}
	c->session_last_us = ev->time_us;
	arm(c, session_end(c));
}

static struct ens_partial *start(struct ens_cell *c, const struct ens_event *ev)
{
	struct ens_rule *r = c->rule;
	struct ens_partial *embryo = r->embryo;

	if (!leads_hold(c, ev))
		return NULL;
	embryo->cell = c;
	embryo->last_us = ev->time_us;
	embryo->last_pos = c->pos;
	if (r->start_guarded)
		enter(r, embryo);
	return step(c, embryo, ev);
}

static void report(struct ens_cell *c, struct ens_partial *p, int64_t end_us)
{
	c->rule->stats.matched++;
	ens_engine_report(p, end_us);
	ens_match_drop_all(c); /* all of it started at or before the end of this match */
}

/* Did `p` take what `of` took first, and no more? */
static bool begins(const struct ens_partial *p, const struct ens_partial *of)
{
	const struct ens_link *l = of->taken;

	if (p->start_pos != of->start_pos || p->ntaken >= of->ntaken)
		return false;
	for (uint32_t i = of->ntaken; i > p->ntaken; i--)
		l = l->before;
	return same_events(p->taken, l);
}

/* Offers the event to the partials that want it.  The first complete match in order of preference, or NULL. */
static struct ens_partial *step_all(struct ens_cell *c, const struct ens_event *ev, uint64_t bits)
{
	struct ens_partial *complete = NULL, *next = NULL;
	uint64_t wanted = 0;

	c->wanted = 0; /* gathered anew: takes add to it */
	for (struct ens_partial *p = c->first; p && !complete && c->rule->engine->failed == ENS_OK; p = next) {
		next = p->next;
		if (p->wanted & bits)
			complete = step(c, p, ev);
		else
			wanted |= p->wanted;
	}
	c->wanted |= wanted;
	/* What `->>` left behind comes later in the cell, yet if it is complete too it has the smaller positions. */
	for (struct ens_partial *p = next; complete && p && c->rule->branches && p->start_pos == complete->start_pos; p = next) {
		next = p->next;
		struct ens_partial *other = begins(p, complete) && (p->wanted & bits) ? step(c, p, ev) : NULL;

		if (other && begins(other, complete))
			complete = other;
	}
	return complete;
}

void ens_match_event(struct ens_cell *c, const struct ens_event *ev, uint64_t bits)
{
	struct ens_rule *r = c->rule;
	struct ens_partial *complete = NULL;

	c->pos++;
	bits |= ENS_EVERY_EVENT;
	if (r->t->scope == ENS_T_SESSION)
		session_note(c, ev);
	if (c->wanted & bits)
		complete = step_all(c, ev, bits);
	bool used_up = complete && !complete->closes_later;

	if (complete)
		report(c, complete, ev->time_us);
	if (!used_up && (bits & r->start_mask) && r->engine->failed == ENS_OK) {
		/* One match an event: where an earlier start was complete, one that is complete at once is not reported. */
		struct ens_partial *at_once = start(c, ev);

		if (at_once && !complete)
			report(c, at_once, ev->time_us);
		else if (at_once)
			ens_match_drop(at_once);
	}
	if (bits & r->lead_mask)
		leads_note(c, ev);
}

/* ---- deadlines ---------------------------------------------------------------------------------------------------- */

/* True if p is complete at time_us, now that all events up to then were judged; else it may be dropped. */
static bool due(struct ens_partial *p, int64_t time_us, bool session_over)
{
	const struct ens_rule *r = p->cell->rule;
	uint32_t n;
	const struct ens_t_entry *list = entries(r, p, &n);

	for (uint32_t i = 0; i < n; i++)
		if (list[i].kind == ENS_T_TAKE && !is_dead(p, i) && within_end(r, p, &list[i]) <= time_us)
			kill_entry(p, i);
	bool over = session_over || scope_end(r, p) <= time_us;
	uint32_t at = accept_entry(r, p);

	int64_t when = at < n && dead_before(r, p, at) ? accept_time(r, p, at) : INT64_MAX;

	if (when != INT64_MAX && when <= time_us)
		return true;
	if (over && complete_at_scope_end(r, p, time_us))
		return true;
	if (over || all_dead(r, p))
		ens_match_drop(p);
	return false;
}

static void rearm(struct ens_cell *c)
{
	const struct ens_rule *r = c->rule;
	const struct ens_t_absence *a = leads(r);

	if (r->scope_only && c->first)
		arm(c, scope_end(r, c->first));
	if (!r->scope_only)
		for (struct ens_partial *p = c->first; p; p = p->next)
			arm(c, due_time(r, p));
	if (c->in_session)
		arm(c, session_end(c));
	for (uint32_t i = 0; i < r->t->leads.count; i++)
		if (a[i].kind == ENS_T_TIMED && c->lead_us[i] != INT64_MIN)
			arm(c, later(c->lead_us[i], a[i].for_us));
}

static void leads_forget(struct ens_cell *c, int64_t time_us, bool session_over)
{
	const struct ens_t_absence *a = leads(c->rule);

	for (uint32_t i = 0; i < c->rule->t->leads.count; i++)
		if (a[i].kind == ENS_T_TIMED ? later(c->lead_us[i], a[i].for_us) <= time_us : session_over)
			c->lead_us[i] = INT64_MIN;
}

void ens_match_due(struct ens_cell *c, int64_t time_us)
{
	struct ens_rule *r = c->rule;
	bool session_over = c->in_session && session_end(c) <= time_us;

	if (r->scope_only) {
		while (c->first && scope_end(r, c->first) <= time_us)
			ens_match_drop(c->first);
	} else {
		struct ens_partial *next;

		struct ens_partial *complete = NULL;

		for (struct ens_partial *p = c->first; p && (!complete || p->start_pos == complete->start_pos); p = next) {
			next = p->next;
			if ((!complete || begins(p, complete)) && due(p, time_us, session_over))
				complete = p;
		}
		if (complete)
			report(c, complete, time_us);
	}
	if (session_over)
		c->in_session = false;
	leads_forget(c, time_us, session_over);
	rearm(c);
}

void ens_match_clear(struct ens_cell *c)
{
	ens_match_drop_all(c);
	c->in_session = false;
	for (uint32_t i = 0; i < c->rule->t->leads.count; i++)
		c->lead_us[i] = INT64_MIN;
}

bool ens_match_empty(const struct ens_cell *c)
{
	if (c->first || c->in_session)
		return false;
	for (uint32_t i = 0; i < c->rule->t->leads.count; i++)
		if (c->lead_us[i] != INT64_MIN)
			return false;
	return true;
}

/* ---- rules -------------------------------------------------------------------------------------------------------- */

static size_t aligned(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

/* Nothing can be due but the end of the scope, and nothing completes there: then the oldest partial is due first. */
static bool only_scope_is_due(const struct ens_rule *r)
{
	const struct ens_tables *t = r->engine->tables;

	if (r->t->scope == ENS_T_SESSION)
		return false;
	for (uint32_t s = 0; s < r->t->states.count; s++) {
		const struct ens_t_entry *list = &t->entry[r->state[s].entries.first];

		for (uint32_t i = 0; i < r->state[s].entries.count; i++) {
			if (has_within(&list[i]))
				return false;
			/* An accept that something stands before, or that waits for an absence. */
			if (list[i].kind == ENS_T_ACCEPT && (i > 0 || list[i].absences.count))
				return false;
		}
	}
	return true;
}

/* Two partials can have taken the same events: a fork, or `->>` and what stands behind it. */
static bool can_branch(const struct ens_rule *r, const struct ens_tables *t)
{
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
}

void ens_rule_triggers(struct ens_rule *r, void (*each)(void *user, uint32_t type, uint32_t predicate, uint64_t bits),
		       void *user)
{
	struct trigger_walk w = {.r = r, .each = each, .user = user};

	walk_triggers(&w);
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
	return true;
}

void ens_rule_lay_out(struct ens_rule *r, const struct ens_tables *t)
{
	r->state = &t->state[r->t->states.first];
	r->mask_words = 1;
	for (uint32_t s = 0; s < r->t->states.count; s++)
		if (r->state[s].entries.count > r->mask_words * 64)
			r->mask_words = (r->state[s].entries.count + 63) / 64;
	r->branches = can_branch(r, t);
	r->origin_at = (uint32_t)(sizeof(struct ens_partial) + r->mask_words * sizeof(uint64_t));
	r->slots_at = r->origin_at + (r->branches ? 0 : (uint32_t)sizeof(struct ens_link));
	r->counters_at = r->slots_at + r->t->slots.count * (uint32_t)sizeof(struct ens_value);
	r->partial_bytes = aligned(r->counters_at + r->t->ncounter * sizeof(uint32_t));
	r->cell_bytes = sizeof(struct ens_cell) + r->t->leads.count * sizeof(int64_t);
}

enum ens_status ens_rule_open(struct ens_rule *r)
{
	const struct ens_tables *t = r->engine->tables;
	uint32_t nslot = r->t->slots.count;

	ens_rule_lay_out(r, t);
	for (uint32_t i = 0; i < r->state[0].entries.count; i++)
		r->start_guarded |= t->entry[r->state[0].entries.first + i].guards.count > 0;
	r->scope_only = only_scope_is_due(r);
	r->embryo = calloc(1, r->partial_bytes);
	r->initial = calloc(nslot + 1, sizeof *r->initial);
	r->view = calloc(nslot + 1, sizeof *r->view);
	if (!r->embryo || !r->initial || !r->view || !open_masks(r))
		return ENS_ENOMEM;
	for (uint32_t i = 0; i < nslot; i++)
		r->initial[i] = initial_value(&t->slot[r->t->slots.first + i].init);
	memcpy(ens_partial_slots(r, r->embryo), r->initial, nslot * sizeof *r->initial);
	return ENS_OK;
}

void ens_rule_close(struct ens_rule *r)
{
	free(r->mask);
	free(r->mask_at);
	free(r->embryo);
	free(r->initial);
	free(r->view);
}
