/*
 * What becomes of a match that is reported, or of a partial match that timed out: `having`, `once`, `limit`, emissions.
 *
 * All emissions of one match are let through or held back together.  `--max-emissions` bounds those of one event (or
 * deadline) and rule: what is beyond is counted and gone, but has used up its events.
 * What a match took is put into an emission's identity and list of entries when the sink asks for them.
 * Cost: that of the programs and of the sink; no allocation once the room for IDs has grown.
 * Tested by tests/unit/test_engine.c, tests/unit/test_emission.c, tests/conformance.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "runtime/match.h"

/* ---- identity ------------------------------------------------------------------------------------------------------- */

bool ens_event_ids_room(struct ens_engine *e, uint32_t n)
{
	if (n <= e->event_ids_cap)
		return true;

	const uint32_t cap = n * 2;
	struct ens_entry_id *bigger = realloc(e->event_ids, cap * sizeof *bigger);

	if (!bigger)
		return false;
	e->event_ids = bigger;
	e->event_ids_cap = cap;
	return true;
}

/* The match's entries in the order taken, into e->event_ids. */
static enum ens_status list_events(struct ens_engine *e, const struct ens_partial *p, uint32_t *nevent)
{
	for (const struct ens_link *l = p->cell->rule->t->layer ? p->taken : NULL; l; l = l->before)
		if (l->id.stream == ENS_DERIVED_STREAM)
			return ens_layers_list(e, p, nevent);
	*nevent = p->ntaken;
	if (!ens_event_ids_room(e, p->ntaken))
		return ENS_ENOMEM;
	uint32_t i = p->ntaken;

	for (const struct ens_link *l = p->taken; l; l = l->before)
		e->event_ids[--i] = l->id;
	return ENS_OK;
}

/* Lines of files have no stream. */
static bool names_stream(const struct ens_engine *e, const struct ens_link *l)
{
	return !e->from_file && l->id.stream < e->tables->nstream;
}

static char *put(char *at, const void *bytes, size_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static char *put_text(char *at, const struct ens_tables *t, struct ens_t_str s)
{
	const uint32_t len = s.len;

	return put(put(at, &len, sizeof len), t->bytes + s.off, len);
}

/* Room for what identifies a match of p's rule and key; NULL without memory. */
static char *identity_room(struct ens_engine *e, const struct ens_partial *p)
{
	const struct ens_tables *t = e->tables;
	size_t len = 64 + p->cell->rule->t->name.len + p->cell->key->len;

	for (const struct ens_link *l = p->taken; l; l = l->before) {
		len += 3 * sizeof(uint64_t);
		if (names_stream(e, l))
			len += sizeof(uint32_t) + t->stream[l->id.stream].name.len;
	}
	if (len > e->identity_cap) {
		char *bigger = realloc(e->identity, 2 * len);

		if (!bigger)
			return NULL;
		e->identity = bigger;
		e->identity_cap = 2 * len;
	}
	return e->identity;
}

/* Identity: hash of rule name, kind, number of the emit, key, and per event taken the step, stream name and ID. */
static enum ens_status identify(struct ens_engine *e, const struct ens_partial *p, uint32_t emit, bool timeout, uint8_t id[16])
{
	const struct ens_tables *t = e->tables;
	const struct ens_key *key = p->cell->key;
	char *const text = identity_room(e, p), *at = text;

	if (!text)
		return ENS_ENOMEM;
	at = put_text(at, t, p->cell->rule->t->name);
	at = timeout ? put(at, "timeout", sizeof "timeout") : put(at, "match", sizeof "match");
	at = put(at, &emit, sizeof emit);
	at = put(at, &key->len, sizeof key->len);
	at = put(at, key->bytes, key->len);
	for (const struct ens_link *l = p->taken; l; l = l->before) {
		const uint64_t state = l->state;
		uint64_t entry[2];

		/* Number by number: what was stored in parts is slow to load as a whole. */
		ens_layers_identity(e, &l->id, entry);
		at = put(at, &state, sizeof state);
		at = put(at, &entry[0], sizeof *entry);
		at = put(at, &entry[1], sizeof *entry);
		if (names_stream(e, l))
			at = put_text(at, t, t->stream[l->id.stream].name);
	}
	XXH128_canonicalFromHash((XXH128_canonical_t *)(void *)id, XXH3_128bits(text, (size_t)(at - text)));
	return ENS_OK;
}

/* ---- whether it is said --------------------------------------------------------------------------------------------- */

static bool having(struct ens_rule *r, const struct ens_cell *c)
{
	bool holds = r->t->having == ENS_NONE || ens_program_holds(&r->engine->context, r->t->having);

	if (r->t->having_once) {
		struct ens_record *rec = ens_cell_record(c);
		bool before = rec->having_held;

		rec->having_held = holds;
		holds = holds && !before;
	}
	if (!holds)
		r->stats.refused++;
	return holds;
}

/* Is it let through by the rule's limit? */
static bool passes_limit(struct ens_rule *r, const struct ens_cell *c, int64_t time_us, bool timeout, uint64_t *suppressed)
{
	struct ens_engine *e = r->engine;
	struct ens_limit_subject s = {.key = c->key, .kind = timeout};
	bool passes = false;

	if (r->t->limit_by != ENS_NONE) {
		s.type = (enum ens_type)e->tables->program[r->t->limit_by].type;
		s.by = ens_program_run(&e->context, r->t->limit_by);
	}
	e->failed = ens_limit_pass(&r->limit, &e->heap, &s, time_us, &passes, suppressed);
	for (; r->limit.n > e->options.keys_per_rule && ens_limit_drop_oldest(&r->limit, &e->heap); r->stats.dropped_periods++)
		;
	int64_t due_us = ens_limit_due(&r->limit);

	if (due_us < r->group->limit_due_us)
		r->group->limit_due_us = due_us;
	if (!passes)
		r->stats.suppressed++;
	return passes;
}

/* ---- emissions -------------------------------------------------------------------------------------------------------- */

/* May the repetition that entry i goes on with, or begins, be left?  (It stands before what leaves it: it is greedy.) */
static bool is_only_preferred(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *list, uint32_t n,
			      uint32_t i)
{
	struct ens_leaving w = ens_leaving_from(list, i);

	for (uint32_t k; (k = ens_leaving_next(&w, list, n)) < n;)
		if (ens_entry_allowed(r, p, &list[k]))
			return true;
	return false;
}

/* The first step that had to come next: what may be left out, or is only preferred, did not have to.  Where the pattern may
 * end none had to: only an absence is waited for. */
static struct ens_value next_step(const struct ens_rule *r, struct ens_partial *p)
{
	const struct ens_tables *t = r->engine->tables;
	uint32_t n;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);

	for (uint32_t i = 0; i < n; i++) {
		if (list[i].kind > ENS_T_ACCEPT || !ens_entry_allowed(r, p, &list[i]) || is_only_preferred(r, p, list, n, i))
			continue;
		if (list[i].kind == ENS_T_ACCEPT)
			break;
		const struct ens_t_state *found = &r->state[list[i].target];

		return (struct ens_value){.s = t->bytes + found->label.off, .len = found->label.len};
	}
	return (struct ens_value){.null = ENS_NULL};
}

static const struct ens_saying *saying_of(const struct ens_emission *em)
{
	return (const struct ens_saying *)(const void *)em->source; /* its first member */
}

static enum ens_status identify_emission(const struct ens_emission *em, uint8_t id[16])
{
	const struct ens_saying *s = saying_of(em);
	const struct ens_rule *r = s->p->cell->rule;

	return identify(r->engine, s->p, em->emit - r->t->emits.first, s->timeout, id);
}

static enum ens_status list_emission(const struct ens_emission *em, const struct ens_entry_id **event, uint32_t *n)
{
	const struct ens_saying *s = saying_of(em);
	struct ens_engine *e = s->p->cell->rule->engine;
	const enum ens_status st = list_events(e, s->p, n);

	*event = e->event_ids;
	return st;
}

static enum ens_status derive(const struct ens_partial *p, uint32_t emit, int64_t end_us)
{
	struct ens_rule *r = p->cell->rule;
	uint8_t id[16];
	uint32_t nevent;
	enum ens_status st = list_events(r->engine, p, &nevent);

	if (st == ENS_OK)
		st = identify(r->engine, p, emit - r->t->emits.first, false, id);
	return st == ENS_OK ? ens_layers_derive(r->engine, p, emit, id, nevent, end_us) : st;
}

/* What the emit says, into e->out_value.  Is some of it approximate? */
static bool make_values(struct ens_engine *e, const struct ens_t_list outs)
{
	const struct ens_t_out *out = &e->tables->out[outs.first];
	bool approx = false;

	e->context.approx = false;
	for (uint32_t k = 0; k < outs.count; k++) {
		e->out_value[k] = ens_program_run(&e->context, out[k].program);
		if (!e->context.approx)
			continue;
		if (!approx)
			memset(e->out_approx, 0, outs.count * sizeof *e->out_approx);
		approx = e->out_approx[k] = true;
		e->context.approx = false;
	}
	return approx;
}

static void emit(struct ens_saying *s)
{
	struct ens_rule *r = s->p->cell->rule;
	struct ens_engine *e = r->engine;
	struct ens_emission *em = &s->emission;

	em->start_us = s->p->start_us;
	for (uint32_t i = 0; i < r->t->emits.count && e->failed == ENS_OK; i++) {
		em->emit = r->t->emits.first + i;
		const struct ens_t_emit *m = &e->tables->emit[em->emit];

		if ((m->kind == ENS_T_TIMEOUT) != s->timeout)
			continue;
		if (r->emitted_now == e->options.emissions_per_event) {
			r->stats.dropped_emissions++;
			continue;
		}
		em->approx = make_values(e, m->outs) ? e->out_approx : NULL;
		r->emitted_now++;
		if (m->kind == ENS_T_DERIVE) {
			e->failed = derive(s->p, em->emit, em->end_us);
			continue;
		}
		e->failed = e->options.sink.emit(e->options.sink.user, em);
		r->stats.emitted++;
	}
}

void ens_saying_begin(struct ens_saying *s, const struct ens_cell *c, int64_t end_us, bool timeout)
{
	const struct ens_rule *r = c->rule;
	struct ens_engine *e = r->engine;

	if (end_us == INT64_MAX)
		end_us = r->group->last_us; /* the end of time is not a time */
	*s = (struct ens_saying){
		.source = {identify_emission, list_emission},
		.emission = {.rule = r->index, .out = e->out_value, .key = e->key_value, .end_us = end_us, .source = &s->source,
			     .from_file = e->from_file},
		.timeout = timeout};
	ens_cell_look_at_key(c);
	e->context.step = (struct ens_value){.null = ENS_NULL};
}

void ens_saying_match(struct ens_saying *s, struct ens_partial *p)
{
	struct ens_cell *c = p->cell;
	struct ens_rule *r = c->rule;
	struct ens_engine *e = r->engine;
	const struct ens_event *at_hand = e->context.event;
	struct ens_emission *em = &s->emission;

	if (e->failed != ENS_OK)
		return;
	if (s->timeout)
		r->stats.timed_out++;
	else
		r->stats.matched++;
	s->p = p;
	e->context.slot = ens_partial_slots(r, p);
	e->context.event = NULL; /* in emit, having and by there is no event at hand */
	if (s->timeout)
		e->context.step = next_step(r, p);
	if ((s->timeout || having(r, c)) && (!r->t->limit_count || passes_limit(r, c, em->end_us, s->timeout, &em->suppressed)))
		emit(s);
	e->context.event = at_hand;
}

void ens_match_report(struct ens_partial *p, int64_t end_us, bool timeout)
{
	struct ens_saying s;

	ens_saying_begin(&s, p->cell, end_us, timeout);
	ens_saying_match(&s, p);
}
