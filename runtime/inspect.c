/*
 * Looks at partial matches from outside: which came furthest, and what each event that it did not take lacked.
 *
 * The judgement follows match_step.c (judge, ens_entry_allowed) but names the first thing that does not hold instead of
 * answering yes or no; it evaluates programs itself and leaves no trace in the engine: neither the memo of predicates nor
 * the key at hand is kept from one call to the next.  Tested by tests/cli/test_verb.sh.
 */
#include "runtime/inspect.h"

#include <string.h>

#include "base/text.h"
#include "runtime/match.h"

static const struct ens_t_entry *entries(const struct ens_rule *r, const struct ens_partial *p, uint32_t *n)
{
	const struct ens_t_list *l = &r->state[p->state].entries;

	*n = l->count;
	return &r->engine->tables->entry[l->first];
}

static bool holds(struct ens_rule *r, const struct ens_value *slot, uint32_t program)
{
	r->engine->context.slot = slot;
	return program == ENS_NONE || ens_program_holds(&r->engine->context, program);
}

static bool predicate_holds(struct ens_rule *r, uint32_t predicate)
{
	return predicate == ENS_NONE || ens_program_holds(&r->engine->context, r->engine->tables->predicate[predicate].program);
}

/* When a limit of an entry is reached that counts from the event before; false without such a limit. */
static bool limit(struct ens_rule *r, struct ens_partial *p, int64_t us, uint32_t program, int64_t *end_us)
{
	struct ens_value v = {.i = us};

	if (us < 0 && program == ENS_NONE)
		return false;
	if (program != ENS_NONE) {
		r->engine->context.slot = ens_partial_slots(r, p);
		v = ens_program_run(&r->engine->context, program);
	}
	return v.null == ENS_SET && !__builtin_add_overflow(p->last_us, v.i, end_us);
}

/* Why an entry was closed from the beginning; ENS_WHY_CLOSED: it was not, something came since. */
static enum ens_inspect_why why_barred(struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t,
				     struct ens_inspect_try *out)
{
	const struct ens_t_op *o = &r->engine->tables->op[t->guards.first];
	const uint32_t *counter = (const uint32_t *)(const void *)((char *)p + r->counters_at);

	for (uint32_t i = 0; i < t->guards.count; i++) {
		if (o[i].kind == ENS_T_AT_LEAST && counter[o[i].reg] < o[i].n) {
			out->has = counter[o[i].reg];
			out->needs = o[i].n;
			return ENS_WHY_FEW;
		}
		if (o[i].kind == ENS_T_BELOW && counter[o[i].reg] >= o[i].n)
			return ENS_WHY_MANY;
		if (o[i].kind == ENS_T_HOLDS && !holds(r, ens_partial_slots(r, p), o[i].n))
			return ENS_WHY_GUARD;
	}
	return ENS_WHY_CLOSED;
}

static bool is_silent_still(struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t, int64_t time_us)
{
	const struct ens_t_absence *a = &r->engine->tables->absence[t->absences.first];
	int64_t end_us;

	for (uint32_t i = 0; i < t->absences.count; i++)
		if (a[i].kind == ENS_T_TIMED && limit(r, p, a[i].for_us, a[i].for_program, &end_us) && time_us <= end_us)
			return true;
	return false;
}

/* Is the event one that must not come on the way to where t leads? */
static bool breaks(struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t, const struct ens_event *ev)
{
	const struct ens_t_absence *a = &r->engine->tables->absence[t->absences.first];
	int64_t end_us;

	for (uint32_t i = 0; i < t->absences.count; i++) {
		if (a[i].type != ev->type || (a[i].kind == ENS_T_VERY_NEXT && p->cell->pos != p->last_pos))
			continue;
		if (a[i].kind == ENS_T_TIMED && limit(r, p, a[i].for_us, a[i].for_program, &end_us) && ev->time_us > end_us)
			continue;
		if (predicate_holds(r, a[i].predicate) && holds(r, ens_partial_slots(r, p), a[i].condition))
			return true;
	}
	return false;
}

/* The slots as they would be if entry t took the event: a new round of a group begins without events. */
static const struct ens_value *slots_behind(struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t)
{
	const struct ens_t_op *o = &r->engine->tables->op[t->actions.first];

	if (r->t->slots.count)
		memcpy(r->view, ens_partial_slots(r, p), r->t->slots.count * sizeof *r->view);
	for (uint32_t i = 0; i < t->actions.count; i++)
		if (o[i].kind == ENS_T_CLEAR && o[i].n)
			memcpy(r->view + o[i].reg, r->initial + o[i].reg, o[i].n * sizeof *r->view);
	return r->view;
}

static enum ens_inspect_why why(struct ens_rule *r, struct ens_partial *p, uint32_t at, const struct ens_t_entry *t,
				const struct ens_event *ev, struct ens_inspect_try *out)
{
	const struct ens_t_state *s = &r->state[t->target];
	const bool begins = p == r->embryo, dead = !begins && p->dead[at / 64] >> (at % 64) & 1;
	enum ens_inspect_why barred;
	int64_t end_us;

	if (!dead && !begins && breaks(r, p, t, ev))
		return ENS_WHY_BROKEN;
	if (s->type != ev->type)
		return !begins && t->arrow == ENS_T_NEXT ? ENS_WHY_NOT_NEXT : ENS_WHY_TYPE;
	if (!predicate_holds(r, s->predicate))
		return ENS_WHY_PREDICATE;
	if (dead && (barred = why_barred(r, p, t, out)) != ENS_WHY_CLOSED)
		return barred;
	if (!begins && r->t->scope == ENS_T_TIME && ev->time_us - r->t->scope_amount > p->start_us)
		return ENS_WHY_SCOPE;
	if (!begins && t->arrow == ENS_T_NEXT && p->cell->pos != p->last_pos)
		return ENS_WHY_NOT_NEXT;
	if (!begins && limit(r, p, t->after_us, t->after_program, &end_us) && ev->time_us < end_us)
		return ENS_WHY_EARLY;
	if (!begins && limit(r, p, t->within_us, t->within_program, &end_us) && ev->time_us > end_us)
		return ENS_WHY_LATE;
	if (!begins && is_silent_still(r, p, t, ev->time_us))
		return ENS_WHY_SILENCE;
	if (dead)
		return ENS_WHY_CLOSED;
	return holds(r, slots_behind(r, p, t), s->condition) ? ENS_WHY_TAKEN : ENS_WHY_CONDITION;
}

/* ---- what was tried --------------------------------------------------------------------------------------------- */

static void keep_try(struct ens_inspection *f, const struct ens_inspect_try *t)
{
	if (f->ntried == ENS_INSPECT_TRIES)
		memmove(f->tried, f->tried + 1, --f->ntried * sizeof *f->tried);
	f->tried[f->ntried++] = *t;
}

static bool tried_already(const struct ens_inspection *f, const struct ens_inspect_try *t)
{
	for (uint32_t i = 0; i < f->ntried; i++)
		if (f->tried[i].state == t->state)
			return true;
	return false;
}

/* What each step that p could go on with makes of the event; the first try of a step counts. */
static void judge(struct ens_inspector *i, struct ens_partial *p, const struct ens_event *ev)
{
	struct ens_rule *r = &i->engine->rule[i->rule];
	struct ens_inspection event = {.ntried = 0}; /* of this event */
	uint32_t n;
	const struct ens_t_entry *list = entries(r, p, &n);

	for (uint32_t k = 0; k < n; k++) {
		struct ens_inspect_try t = {.time_us = ev->time_us, .type = ev->type, .state = list[k].target};

		if (list[k].kind != ENS_T_TAKE || tried_already(&event, &t))
			continue;
		t.why = why(r, p, k, &list[k], ev, &t);
		if (t.why != ENS_WHY_TYPE)
			keep_try(&event, &t);
	}
	for (uint32_t k = 0; k < event.ntried; k++)
		keep_try(&i->found, &event.tried[k]);
}

/* ---- which one -------------------------------------------------------------------------------------------------- */

/* Positions begin anew when a cell was empty in between, so the time is compared too. */
static bool is_found(const struct ens_inspector *i, const struct ens_partial *p)
{
	return p->cell->key->order == i->key_order && p->start_pos == i->start_pos && p->start_us == i->found.start_us &&
	       p->ntaken == i->found.ntaken && p->state == i->found.state;
}

/* Calls back for each partial match of the rule. */
static void each_partial(struct ens_inspector *i, void (*call)(struct ens_inspector *i, struct ens_partial *p))
{
	struct ens_rule *r = &i->engine->rule[i->rule];

	for (uint64_t k = 0; k <= r->keys->mask && i->looked < ENS_INSPECT_BUDGET; k++) {
		struct ens_key *key = ens_keys_at(r->keys, k);

		i->looked++;
		for (struct ens_cell *c = key ? key->cells : NULL; c; c = c->next)
			for (struct ens_partial *p = c->rule == r ? c->first : NULL; p; p = p->next) {
				i->looked++;
				call(i, p);
			}
	}
}

static void note_path(struct ens_inspection *f, const struct ens_link *newest)
{
	uint32_t n = 0;

	f->nrun = 0;
	for (const struct ens_link *l = newest; l; l = l->before) {
		if (n && f->run[n - 1].state == l->state) {
			f->run[n - 1].count++;
			continue;
		}
		if (n == ENS_INSPECT_RUNS)
			break;
		f->run[n].state = l->state;
		f->run[n++].count = 1;
	}
	f->nrun = n;
	for (uint32_t k = 0; k < n / 2; k++) { /* oldest first */
		const uint32_t state = f->run[k].state, count = f->run[k].count;

		f->run[k] = f->run[n - 1 - k];
		f->run[n - 1 - k].state = state;
		f->run[n - 1 - k].count = count;
	}
}

static void note_key(struct ens_inspector *i, const struct ens_partial *p)
{
	const struct ens_tables *t = i->engine->tables;
	const struct ens_keys *keys = i->engine->rule[i->rule].keys;
	struct ens_value *value = i->engine->key_value;
	struct ens_buf b = ENS_BUF_EMPTY;
	size_t len;

	ens_keys_decode(keys, p->cell->key, value);
	for (uint32_t k = 0; k < keys->group->parts.count; k++) {
		const struct ens_t_keypart *part = &t->keypart[keys->group->parts.first + k];

		ens_buf_adds(&b, k ? ", " : "");
		ens_buf_add(&b, t->bytes + part->name.off, part->name.len);
		ens_buf_addc(&b, ' ');
		ens_format_json(&b, (enum ens_type)part->type, &value[k]);
	}
	len = b.failed ? 0 : ens_utf8_valid(b.data, b.len < ENS_INSPECT_KEY_MAX ? b.len : ENS_INSPECT_KEY_MAX);
	if (len)
		memcpy(i->found.key, b.data, len);
	i->found.key[len] = '\0';
	ens_buf_free(&b);
}

static void compare(struct ens_inspector *i, struct ens_partial *p)
{
	struct ens_inspection *f = &i->found;

	if (f->ntaken && is_found(i, p))
		f->open = true;
	if (p->ntaken <= f->ntaken)
		return;
	*f = (struct ens_inspection){.ntaken = p->ntaken, .state = p->state, .start_us = p->start_us, .open = true};
	note_path(f, p->taken);
	note_key(i, p);
	i->key_order = p->cell->key->order;
	i->start_pos = p->start_pos;
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

void ens_inspect_begin(struct ens_inspector *i, struct ens_engine *e, uint32_t rule)
{
	*i = (struct ens_inspector){.engine = e, .rule = rule};
}

/* The input of the rule that takes the event in, and its key; NULL: the event is not for the rule. */
static const struct ens_t_input *take_in(struct ens_rule *r, const struct ens_event *ev)
{
	const struct ens_tables *t = r->engine->tables;
	const struct ens_t_input *in = &t->input[r->t->inputs.first];
	bool valid;

	for (uint32_t k = 0; k < r->t->inputs.count; k++) {
		if (in[k].type != ev->type)
			continue;
		if (ens_keys_encode(r->keys, &t->index[in[k].key.first], ev->value, &valid) != ENS_OK || !valid)
			return NULL;
		for (uint32_t part = 0; part < in[k].key.count; part++)
			r->engine->key_value[part] = ev->value[t->index[in[k].key.first + part]];
		return &in[k];
	}
	return NULL;
}

static struct ens_partial *find_found(const struct ens_inspector *i, struct ens_rule *r)
{
	struct ens_key *key = ens_keys_find(r->keys);

	for (struct ens_cell *c = key ? key->cells : NULL; c; c = c->next)
		for (struct ens_partial *p = c->rule == r ? c->first : NULL; p; p = p->next)
			if (is_found(i, p))
				return p;
	return NULL;
}

void ens_inspect_before(struct ens_inspector *i, const struct ens_event *ev)
{
	struct ens_rule *r = &i->engine->rule[i->rule];
	struct ens_partial *p;

	i->matched = r->stats.matched;
	if (i->found.gave_up || !take_in(r, ev))
		return;
	p = i->found.ntaken ? find_found(i, r) : r->embryo;
	if (!p)
		return;
	i->engine->context.event = ev;
	judge(i, p, ev);
	i->engine->context.event = NULL;
	ens_program_reset(&i->engine->context);
}

void ens_inspect_after(struct ens_inspector *i, int64_t now_us)
{
	const struct ens_rule *r = &i->engine->rule[i->rule];
	const bool was_open = i->found.open;

	if (i->found.gave_up)
		return;
	i->found.open = false;
	each_partial(i, compare);
	i->found.gave_up = i->looked >= ENS_INSPECT_BUDGET;
	if (was_open && !i->found.open) {
		i->found.ended_us = now_us;
		i->found.matched = r->stats.matched > i->matched;
	}
	i->matched = r->stats.matched;
}
