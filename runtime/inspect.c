/*
 * Looks at partial matches from outside: which came furthest, what each event that it did not take lacked, and how often
 * which condition stopped any.
 *
 * The judgement follows match_step.c (judge, ens_entry_allowed) but names the first thing that does not hold instead of
 * answering yes or no; it evaluates programs itself and leaves no trace in the engine: neither the memo of predicates nor
 * the key at hand is kept from one call to the next.  An event can only lengthen partial matches of its own key, so only
 * these are looked at; the furthest one is found again by its key.  Tested by tests/cli/test_verb.sh, tests/cli/summary.sh.
 */
#include "runtime/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/match.h"

#define WALK_MAX 256u /* events of a partial match that are looked at to count its steps */

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
static bool limit(struct ens_rule *r, struct ens_partial *p, const struct ens_value *slots, int64_t us, uint32_t program,
		  int64_t *end_us)
{
	struct ens_value v = {.i = us};

	if (us < 0 && program == ENS_NONE)
		return false;
	if (program != ENS_NONE) {
		r->engine->context.slot = slots;
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

/* What the programs of absence a, on the way of entry t, look at. */
static const struct ens_value *seen_by(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t,
				       const struct ens_t_absence *a)
{
	return a->new_round ? ens_slots_behind(r, p, t) : ens_partial_slots(r, p);
}

static bool is_silent_still(struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t, int64_t time_us)
{
	const struct ens_t_absence *a = &r->engine->tables->absence[t->absences.first];
	int64_t end_us;

	for (uint32_t i = 0; i < t->absences.count; i++)
		if (a[i].kind == ENS_T_TIMED && limit(r, p, seen_by(r, p, t, &a[i]), a[i].for_us, a[i].for_program, &end_us) && time_us <= end_us)
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
		if (a[i].kind == ENS_T_TIMED && limit(r, p, seen_by(r, p, t, &a[i]), a[i].for_us, a[i].for_program, &end_us) && ev->time_us > end_us)
			continue;
		if (predicate_holds(r, a[i].predicate) && holds(r, seen_by(r, p, t, &a[i]), a[i].condition))
			return true;
	}
	return false;
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
	if (!begins && limit(r, p, ens_slots_behind(r, p, t), t->after_us, t->after_program, &end_us) && ev->time_us < end_us)
		return ENS_WHY_EARLY;
	if (!begins && limit(r, p, ens_slots_behind(r, p, t), t->within_us, t->within_program, &end_us) && ev->time_us > end_us)
		return ENS_WHY_LATE;
	if (!begins && is_silent_still(r, p, t, ev->time_us))
		return ENS_WHY_SILENCE;
	if (dead)
		return ENS_WHY_CLOSED;
	return holds(r, ens_slots_behind(r, p, t), s->condition) ? ENS_WHY_TAKEN : ENS_WHY_CONDITION;
}

/* ---- what was tried --------------------------------------------------------------------------------------------- */

static void keep_try(struct ens_inspection *f, const struct ens_inspect_try *t)
{
	if (f->ntried == ENS_INSPECT_TRIES)
		memmove(f->tried, f->tried + 1, --f->ntried * sizeof *f->tried);
	f->tried[f->ntried++] = *t;
}

/* Without memory nothing is counted. */
static void count_try(struct ens_inspector *i, uint32_t entry, const struct ens_inspect_try *t)
{
	struct ens_inspect_row **row = &i->row[entry - i->first_entry];

	if (!*row && !(*row = calloc(1, sizeof **row)))
		return;
	if ((*row)->of[t->why].serial == i->serial)
		return;
	(*row)->of[t->why].serial = i->serial;
	if (!(*row)->of[t->why].count++)
		(*row)->of[t->why].first = *t;
}

/* Is there an entry to the same place further up in the list?  Then that one counts. */
static bool is_repeated(const struct ens_t_entry *list, uint32_t at)
{
	for (uint32_t k = 0; k < at; k++)
		if (list[k].kind == list[at].kind && list[k].target == list[at].target)
			return true;
	return false;
}

/* What one way on makes of the event; ENS_WHY_TYPE: nothing that is worth telling. */
static enum ens_inspect_why judge_entry(struct ens_rule *r, struct ens_partial *p, uint32_t at, const struct ens_t_entry *t,
					const struct ens_event *ev, struct ens_inspect_try *out)
{
	if (t->kind == ENS_T_TAKE)
		return why(r, p, at, t, ev, out);
	if (p == r->embryo || ens_entry_is_dead(p, at) || !breaks(r, p, t, ev))
		return ENS_WHY_TYPE;
	return ENS_WHY_BROKEN;
}

/* What each way on from p makes of the event; with `keep` it is noted as tried by the furthest.  Counted is only an event
 * that no way took. */
static void judge(struct ens_inspector *i, struct ens_partial *p, const struct ens_event *ev, bool keep)
{
	struct ens_rule *r = &i->engine->rule[i->rule];
	uint32_t n, taken = ENS_NONE;
	const struct ens_t_entry *list = entries(r, p, &n);
	const uint32_t first = r->state[p->state].entries.first;

	for (uint32_t k = 0; k < n; k++) {
		struct ens_inspect_try *t = &i->try[k];

		*t = (struct ens_inspect_try){.id = ev->id, .time_us = ev->time_us, .type = ev->type, .why = ENS_WHY_TYPE};
		i->looked += 1 + k;
		if (list[k].kind > ENS_T_ACCEPT || is_repeated(list, k))
			continue;
		t->state = list[k].kind == ENS_T_TAKE ? list[k].target : 0;
		t->why = judge_entry(r, p, k, &list[k], ev, t);
		if (t->why == ENS_WHY_TAKEN && taken == ENS_NONE)
			taken = first + k;
		if (keep && t->why != ENS_WHY_TYPE)
			keep_try(&i->found, t);
	}
	for (uint32_t k = 0; k < n && taken == ENS_NONE; k++)
		if (i->try[k].why != ENS_WHY_TYPE)
			count_try(i, first + k, &i->try[k]);
	if (p == r->embryo && taken != ENS_NONE) {
		i->begins = true;
		i->begin_entry = taken;
	}
	ens_program_reset(&i->engine->context);
}

/* It should have begun a match, but none began. */
static void note_no_beginning(struct ens_inspector *i, const struct ens_event *ev)
{
	const struct ens_rule *r = &i->engine->rule[i->rule];
	struct ens_inspect_try t = {.id = ev->id, .time_us = ev->time_us, .type = ev->type};

	if (!i->begins || r->stats.started > i->before.started)
		return;
	t.state = r->engine->tables->entry[i->begin_entry].target;
	t.why = r->t->leads.count && r->stats.matched == i->before.matched ? ENS_WHY_LEAD : ENS_WHY_USED;
	count_try(i, i->begin_entry, &t);
	if (!i->found.ntaken)
		keep_try(&i->found, &t);
}

/* ---- keys ------------------------------------------------------------------------------------------------------- */

static void put_hash(uint64_t *seen, uint64_t mask, uint64_t hash)
{
	uint64_t at = hash & mask;

	while (seen[at])
		at = (at + 1) & mask;
	seen[at] = hash;
}

static bool grow_seen(struct ens_inspector *i)
{
	const uint64_t mask = i->seen ? i->seen_mask * 2 + 1 : 63;
	uint64_t *bigger = calloc(mask + 1, sizeof *bigger);

	if (!bigger)
		return false;
	for (uint64_t k = 0; i->seen && k <= i->seen_mask; k++)
		if (i->seen[k])
			put_hash(bigger, mask, i->seen[k]);
	free(i->seen);
	i->seen = bigger;
	i->seen_mask = mask;
	return true;
}

/* Counts a key that was not seen before. */
static void note_seen(struct ens_inspector *i, uint64_t hash)
{
	hash += !hash; /* 0 is an empty place */
	for (uint64_t at = hash & i->seen_mask; i->seen && i->seen[at]; at = (at + 1) & i->seen_mask)
		if (i->seen[at] == hash)
			return;
	if (i->nkey == ENS_INSPECT_KEYS_MAX || ((!i->seen || i->nkey * 2 > i->seen_mask) && !grow_seen(i)))
		return;
	put_hash(i->seen, i->seen_mask, hash);
	i->nkey++;
}

/* ---- which one -------------------------------------------------------------------------------------------------- */

/* Positions begin anew when a cell was empty in between, so the time is compared too. */
static bool is_found(const struct ens_inspector *i, const struct ens_partial *p)
{
	return p->cell->key->order == i->key_order && p->start_pos == i->start_pos && p->start_us == i->found.start_us &&
	       p->ntaken == i->found.ntaken && p->state == i->found.state;
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

static struct ens_entry_id first_event(const struct ens_partial *p)
{
	const struct ens_link *l = p->taken;

	while (l->before)
		l = l->before;
	return l->id;
}

/* The next event of the furthest itself: nothing but the end of its path is new. */
static void lengthen_path(struct ens_inspection *f, uint32_t state)
{
	if (f->run[f->nrun - 1].state == state) {
		f->run[f->nrun - 1].count++;
		return;
	}
	if (f->nrun == ENS_INSPECT_RUNS)
		memmove(f->run, f->run + 1, --f->nrun * sizeof *f->run);
	f->run[f->nrun].state = state;
	f->run[f->nrun++].count = 1;
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
	i->key_order = p->cell->key->order;
	i->key_hash = p->cell->key->hash;
	ens_buf_clear(&i->key_bytes);
	ens_buf_add(&i->key_bytes, p->cell->key->bytes, p->cell->key->len);
}

/* Did the furthest take one more event to become p? */
static bool goes_on(const struct ens_inspector *i, const struct ens_partial *p)
{
	const struct ens_inspection *f = &i->found;

	return f->ntaken && p->ntaken == f->ntaken + 1 && p->taken->before && p->taken->before->state == f->state
	       && p->start_pos == i->start_pos && p->start_us == f->start_us && p->cell->key->order == i->key_order;
}

static uint32_t count_steps(struct ens_inspector *i, const struct ens_partial *p)
{
	uint32_t nstep = 1, n = 0;

	for (const struct ens_link *l = p->taken; l->before && n < WALK_MAX; l = l->before, n++)
		nstep += l->state != l->before->state;
	i->looked += n;
	return nstep;
}

/* Is p further than what was found: by more steps, of as many steps by more events? */
static void compare(struct ens_inspector *i, struct ens_partial *p)
{
	struct ens_inspection *f = &i->found;
	const bool longer = goes_on(i, p);
	uint32_t nstep;

	if (!longer && f->ntaken && p->ntaken < f->nstep)
		return;
	nstep = longer ? f->nstep + (p->state != f->state) : count_steps(i, p);
	if (f->ntaken && (nstep < f->nstep || (nstep == f->nstep && p->ntaken <= f->ntaken)))
		return;
	if (longer) {
		lengthen_path(f, p->state);
		f->ntaken = p->ntaken;
		f->state = p->state;
		f->end = ENS_END_OPEN;
		f->ntried = 0;
	} else {
		*f = (struct ens_inspection){.ntaken = p->ntaken, .state = p->state, .start_us = p->start_us};
		note_path(f, p->taken);
		f->start = first_event(p);
		i->looked += p->ntaken;
		note_key(i, p);
		i->start_pos = p->start_pos;
	}
	f->nstep = nstep;
}

/* Partial matches of one key that took the event at hand. */
static void compare_cell(struct ens_inspector *i, struct ens_key *key)
{
	const struct ens_rule *r = &i->engine->rule[i->rule];

	i->looked++;
	for (struct ens_cell *c = key ? key->cells : NULL; c; c = c->next)
		for (struct ens_partial *p = c->rule == r ? c->first : NULL; p; p = p->next) {
			i->looked++;
			if (p->last_pos == c->pos)
				compare(i, p);
		}
}

static struct ens_partial *find_found(struct ens_inspector *i)
{
	const struct ens_rule *r = &i->engine->rule[i->rule];
	const char *bytes = i->key_bytes.data ? i->key_bytes.data : "";
	struct ens_key *key = ens_keys_find_bytes(r->keys, i->key_hash, bytes, (uint32_t)i->key_bytes.len);

	for (struct ens_cell *c = key ? key->cells : NULL; c; c = c->next)
		for (struct ens_partial *p = c->rule == r ? c->first : NULL; p; p = p->next) {
			i->looked++;
			if (is_found(i, p))
				return p;
		}
	return NULL;
}

static uint64_t dropped(const struct ens_rule_stats *s)
{
	return s->dropped_keys + s->dropped_per_key + s->dropped_per_rule + s->dropped_memory;
}

static enum ens_inspect_end why_ended(const struct ens_inspector *i, int64_t now_us)
{
	const struct ens_rule *r = &i->engine->rule[i->rule];
	int64_t end_us;

	if (r->stats.matched > i->before.matched)
		return ENS_END_MATCHED;
	if (i->resets)
		return ENS_END_RESET;
	if (dropped(&r->stats) > dropped(&i->before))
		return ENS_END_DROPPED;
	if (r->t->scope == ENS_T_TIME && !__builtin_add_overflow(i->found.start_us, r->t->scope_amount, &end_us)
	    && now_us >= end_us)
		return ENS_END_SCOPE;
	return ENS_END_OTHER;
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

enum ens_status ens_inspect_begin(struct ens_inspector *i, struct ens_engine *e, uint32_t rule)
{
	const struct ens_rule *r = &e->rule[rule];
	uint32_t first = UINT32_MAX, end = 0, most = 0;

	*i = (struct ens_inspector){.engine = e, .rule = rule, .key_bytes = ENS_BUF_EMPTY};
	for (uint32_t k = 0; k < r->t->states.count; k++) {
		const struct ens_t_list *l = &r->state[k].entries;

		if (l->count && l->first < first)
			first = l->first;
		if (l->count && l->first + l->count > end)
			end = l->first + l->count;
		if (l->count > most)
			most = l->count;
	}
	i->first_entry = end ? first : 0;
	i->nentry = end - i->first_entry;
	i->row = calloc((size_t)i->nentry + 1, sizeof(struct ens_inspect_row *));
	i->try = calloc((size_t)most + 1, sizeof *i->try);
	return i->row && i->try ? ENS_OK : ENS_ENOMEM;
}

void ens_inspect_end(struct ens_inspector *i)
{
	for (uint32_t k = 0; i->row && k < i->nentry; k++)
		free(i->row[k]);
	free(i->row);
	free(i->try);
	free(i->seen);
	ens_buf_free(&i->key_bytes);
	*i = (struct ens_inspector){0};
}

/* Does `from` leave the event out? */
static bool is_left_out(struct ens_rule *r, const struct ens_event *ev)
{
	const struct ens_t_input *in = &r->engine->tables->input[r->t->inputs.first];

	for (uint32_t k = 0; k < r->t->inputs.count; k++)
		if (in[k].type == ev->type)
			return !predicate_holds(r, in[k].filter);
	return false;
}

/* Encodes the event's key, if the rule takes in its type; *keyless: but not with that key. */
static bool take_in(struct ens_rule *r, const struct ens_event *ev, bool *keyless)
{
	const struct ens_tables *t = r->engine->tables;
	const struct ens_t_input *in = &t->input[r->t->inputs.first];
	bool valid;

	*keyless = false;
	for (uint32_t k = 0; k < r->t->inputs.count; k++) {
		if (in[k].type != ev->type)
			continue;
		if (ens_keys_encode(r->keys, &t->index[in[k].key.first], ev->value, &valid) != ENS_OK)
			return false;
		*keyless = !valid;
		for (uint32_t part = 0; part < in[k].key.count; part++)
			r->engine->key_value[part] = ev->value[t->index[in[k].key.first + part]];
		return valid;
	}
	return false;
}

static bool resets_key(struct ens_rule *r, const struct ens_event *ev)
{
	const struct ens_t_ref *t = &r->engine->tables->ref[r->t->resets.first];

	for (uint32_t k = 0; k < r->t->resets.count; k++)
		if (t[k].type == ev->type && predicate_holds(r, t[k].predicate)
		    && holds(r, ens_partial_slots(r, r->embryo), t[k].condition))
			return true;
	return false;
}

static void judge_all(struct ens_inspector *i, const struct ens_event *ev)
{
	struct ens_rule *r = &i->engine->rule[i->rule];
	struct ens_key *key = ens_keys_find(r->keys);

	i->resets = resets_key(r, ev);
	judge(i, r->embryo, ev, !i->found.ntaken);
	for (struct ens_cell *c = key ? key->cells : NULL; c; c = c->next)
		for (struct ens_partial *p = c->rule == r ? c->first : NULL; p && i->looked < ENS_INSPECT_BUDGET; p = p->next)
			judge(i, p, ev, i->found.ntaken && is_found(i, p));
}

void ens_inspect_before(struct ens_inspector *i, const struct ens_event *ev)
{
	struct ens_rule *r = &i->engine->rule[i->rule];
	bool keyless;

	i->before = r->stats;
	i->resets = i->begins = false;
	i->serial++;
	i->looked++;
	if (i->found.gave_up || !r->embryo)
		return;
	if (!take_in(r, ev, &keyless)) {
		i->keyless += keyless;
		return;
	}
	i->engine->context.event = ev;
	if (is_left_out(r, ev)) {
		i->filtered++;
	} else {
		i->events++;
		note_seen(i, r->keys->room_hash);
		judge_all(i, ev);
	}
	i->engine->context.event = NULL;
	ens_program_reset(&i->engine->context);
}

void ens_inspect_after(struct ens_inspector *i, const struct ens_event *ev, int64_t now_us)
{
	struct ens_rule *r = &i->engine->rule[i->rule];
	struct ens_inspection *f = &i->found;
	bool keyless;

	if (f->gave_up || !r->embryo)
		return;
	if (ev)
		note_no_beginning(i, ev);
	if (ev && take_in(r, ev, &keyless))
		compare_cell(i, ens_keys_find(r->keys));
	if (f->ntaken && f->end == ENS_END_OPEN && !find_found(i)) {
		f->end = why_ended(i, now_us);
		f->ended_us = now_us;
	}
	f->gave_up = i->looked >= ENS_INSPECT_BUDGET;
	i->before = r->stats;
	i->resets = i->begins = false;
}

uint32_t ens_inspect_ways(const struct ens_inspector *i, uint32_t state, struct ens_inspect_way *out, uint32_t max)
{
	const struct ens_t_list *l = &i->engine->rule[i->rule].state[state].entries;
	const struct ens_t_entry *list = &i->engine->tables->entry[l->first];
	uint32_t n = 0;

	for (uint32_t k = 0; k < l->count && n < max; k++) {
		if (list[k].kind > ENS_T_ACCEPT || is_repeated(list, k))
			continue;
		out[n++] = (struct ens_inspect_way){.state = list[k].kind == ENS_T_TAKE ? list[k].target : 0,
						    .row = i->row[l->first + k - i->first_entry]};
	}
	return n;
}
