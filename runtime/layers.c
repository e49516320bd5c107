/*
 * Rules over rules: derived events from their report to their turn.
 *
 * The events that wait are one list.  What an event (or a deadline) causes is put at its head, in order of report, so what
 * is derived stands directly behind its cause: depth first, without recursion.  A derived event's ID is a number in a
 * table of what is below it; numbers are used again and never leave the engine: identities are made of the identity below.
 * Cost: a block of memory for each derived event, and one for its entries.
 * Tested by tests/unit/test_layers.c and tests/cli/layers.sh.
 */
#include "runtime/layers.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "runtime/match.h"

struct ens_derived {
	struct ens_derived *next;
	size_t len_bytes;          /* of this block */
	struct ens_event ev;
	struct ens_value value[];  /* of the type's fields, then their texts */
};

void ens_layers_open(struct ens_layers *l)
{
	l->at = &l->pending;
}

static size_t below_bytes(uint32_t nevent)
{
	return sizeof(struct ens_below) + nevent * sizeof(struct ens_entry_id);
}

/* ---- what is below ---------------------------------------------------------------------------------------------- */

/* A number that is not used; false without memory. */
static bool take_number(struct ens_layers *l, uint32_t *number)
{
	if (l->nfree) {
		*number = l->free_number[--l->nfree];
		return true;
	}
	if (l->nbelow == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 64;
		struct ens_below **below = realloc(l->below, cap * sizeof(struct ens_below *));

		if (!below)
			return false;
		l->below = below;

		uint32_t *numbers = realloc(l->free_number, cap * sizeof *numbers);

		if (!numbers)
			return false;
		l->free_number = numbers;
		l->cap = cap;
	}
	*number = l->nbelow++;
	return true;
}

enum ens_status ens_layers_make_below(struct ens_engine *e, const uint64_t id[2], const struct ens_entry_id *event, uint32_t nevent,
				      struct ens_entry_id *out)
{
	struct ens_below *b = ens_heap_alloc(&e->heap, below_bytes(nevent));
	uint32_t number;

	if (!b)
		return ENS_ENOMEM;
	if (!take_number(&e->layers, &number)) {
		ens_heap_free(&e->heap, b, below_bytes(nevent));
		return ENS_ENOMEM;
	}
	b->refs = 1;
	b->nevent = nevent;
	memcpy(b->id, id, sizeof b->id);
	if (nevent)
		memcpy(b->event, event, nevent * sizeof *b->event);
	e->layers.below[number] = b;
	*out = (struct ens_entry_id){.ms = number, .stream = ENS_DERIVED_STREAM};
	return ENS_OK;
}

void ens_layers_keep_derived(struct ens_engine *e, const struct ens_entry_id *id)
{
	e->layers.below[id->ms]->refs++;
}

void ens_layers_release_derived(struct ens_engine *e, const struct ens_entry_id *id)
{
	struct ens_layers *l = &e->layers;
	struct ens_below *b = l->below[id->ms];

	if (--b->refs)
		return;
	ens_heap_free(&e->heap, b, below_bytes(b->nevent));
	l->below[id->ms] = NULL;
	l->free_number[l->nfree++] = (uint32_t)id->ms;
}

void ens_layers_identity_derived(const struct ens_engine *e, const struct ens_entry_id *id, uint64_t out[2])
{
	memcpy(out, e->layers.below[id->ms]->id, 2 * sizeof *out);
}

/* ---- entries of a match ----------------------------------------------------------------------------------------- */

struct placed {
	struct ens_entry_id id;
	uint32_t place;
};

static int by_entry_then_place(const void *pa, const void *pb)
{
	const struct placed *a = pa, *b = pb;

	if (a->id.stream != b->id.stream)
		return a->id.stream < b->id.stream ? -1 : 1;
	if (a->id.ms != b->id.ms)
		return a->id.ms < b->id.ms ? -1 : 1;
	if (a->id.seq != b->id.seq)
		return a->id.seq < b->id.seq ? -1 : 1;
	return (a->place > b->place) - (a->place < b->place);
}

static int by_place(const void *pa, const void *pb)
{
	const struct placed *a = pa, *b = pb;

	return (a->place > b->place) - (a->place < b->place);
}

/* Two events below which the same entry stands name it once, where it stood first. */
static enum ens_status each_once(struct ens_engine *e, uint32_t *n)
{
	struct placed *all = malloc((*n + (size_t)1) * sizeof *all);
	uint32_t kept = 0;

	if (!all)
		return ENS_ENOMEM;
	for (uint32_t i = 0; i < *n; i++)
		all[i] = (struct placed){e->event_ids[i], i};
	qsort(all, *n, sizeof *all, by_entry_then_place);
	for (uint32_t i = 0; i < *n; i++) {
		const struct ens_entry_id *before = kept ? &all[kept - 1].id : NULL, *id = &all[i].id;

		if (!before || before->stream != id->stream || before->ms != id->ms || before->seq != id->seq)
			all[kept++] = all[i];
	}
	qsort(all, kept, sizeof *all, by_place);
	for (uint32_t i = 0; i < kept; i++)
		e->event_ids[i] = all[i].id;
	*n = kept;
	free(all);
	return ENS_OK;
}

/* Entry k of what the link took. */
static const struct ens_entry_id *entry_of(const struct ens_engine *e, const struct ens_link *l, uint32_t k)
{
	return l->id.stream == ENS_DERIVED_STREAM ? &e->layers.below[l->id.ms]->event[k] : &l->id;
}

static uint32_t entries_of(const struct ens_engine *e, const struct ens_link *l)
{
	return l->id.stream == ENS_DERIVED_STREAM ? e->layers.below[l->id.ms]->nevent : 1;
}

enum ens_status ens_layers_list(struct ens_engine *e, const struct ens_partial *p, uint32_t *nevent)
{
	uint64_t total = 0, place;

	for (const struct ens_link *l = p->taken; l; l = l->before)
		total += entries_of(e, l);
	*nevent = total < ENS_BELOW_MAX ? (uint32_t)total : ENS_BELOW_MAX;
	if (!ens_event_ids_room(e, *nevent))
		return ENS_ENOMEM;
	/* Links lead from the newest backwards. */
	place = total;
	for (const struct ens_link *l = p->taken; l; l = l->before) {
		const uint32_t n = entries_of(e, l);

		place -= n;
		for (uint32_t k = 0; k < n && place + k < *nevent; k++)
			e->event_ids[place + k] = *entry_of(e, l, k);
	}
	return each_once(e, nevent);
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

static bool has_text(const struct ens_t_out *out, const struct ens_value *v)
{
	return !out->meta && ens_type_is_bytes((enum ens_type)out->type) && v->null == ENS_SET;
}

/* Fields that the emit does not give are null.  Texts are copied behind the values. */
static void fill(struct ens_derived *d, const struct ens_t_out *out, uint32_t nout, const struct ens_value *given,
		 uint32_t nfield)
{
	char *text = (char *)&d->value[nfield];

	for (uint32_t i = 0; i < nfield; i++)
		d->value[i] = (struct ens_value){.null = ENS_NULL};
	for (uint32_t k = 0; k < nout; k++) {
		if (out[k].meta || given[k].null != ENS_SET)
			continue;

		struct ens_value *v = &d->value[out[k].field];

		*v = given[k];
		if (!has_text(&out[k], v))
			continue;
		if (v->len)
			memcpy(text, v->s, v->len);
		v->s = text;
		text += v->len;
	}
}

enum ens_status ens_layers_derive(struct ens_engine *e, const struct ens_partial *p, uint32_t emit, const uint8_t id[16],
				  uint32_t nevent, int64_t time_us)
{
	const struct ens_tables *t = e->tables;
	const struct ens_t_emit *m = &t->emit[emit];
	const struct ens_t_out *out = &t->out[m->outs.first];
	const uint32_t nfield = t->type[m->derives].fields.count;
	const struct ens_group *g = p->cell->rule->group;
	size_t len_bytes = sizeof(struct ens_derived) + nfield * sizeof(struct ens_value);
	struct ens_derived *d;
	uint64_t below[2];

	for (uint32_t k = 0; k < m->outs.count; k++)
		if (has_text(&out[k], &e->out_value[k]))
			len_bytes += e->out_value[k].len;
	d = ens_heap_alloc(&e->heap, len_bytes);
	if (!d)
		return ENS_ENOMEM;
	/* At the end of time matches are complete at the last event's: no event goes back behind another. */
	*d = (struct ens_derived){
		.next = *e->layers.at,
		.len_bytes = len_bytes,
		.ev = {.type = m->derives, .from_file = e->from_file,
		       .time_us = time_us < g->last_us ? g->last_us : time_us, .value = d->value}};
	fill(d, out, m->outs.count, e->out_value, nfield);
	memcpy(below, id, sizeof below);
	if (ens_layers_make_below(e, below, e->event_ids, nevent, &d->ev.id) != ENS_OK) {
		ens_heap_free(&e->heap, d, len_bytes);
		return ENS_ENOMEM;
	}
	*e->layers.at = d;
	e->layers.at = &d->next;
	return ENS_OK;
}

const struct ens_event *ens_layers_next(struct ens_engine *e)
{
	struct ens_derived *d = e->layers.pending;

	if (!d)
		return NULL;
	/* It stays at the head until it was offered; what it causes stands behind it. */
	e->layers.at = &d->next;
	return &d->ev;
}

void ens_layers_done(struct ens_engine *e)
{
	struct ens_derived *d = e->layers.pending;

	e->layers.pending = d->next;
	e->layers.at = &e->layers.pending;
	ens_layers_release(e, &d->ev.id);
	ens_heap_free(&e->heap, d, d->len_bytes);
}

void ens_layers_close(struct ens_engine *e)
{
	while (e->layers.pending)
		ens_layers_done(e);
	free(e->layers.below);
	free(e->layers.free_number);
}
