/*
 * Slots: what a partial match remembers of the events that it took.
 *
 * A capture runs a program over the event at hand and puts the result into a slot.  Strings are copied once an event,
 * whoever keeps them, and shared by all slots and partial matches that do; so are containers (runtime/collect.h).
 * Cost: that of the programs.  Tested by tests/conformance, tests/unit/test_engine.c.
 */
#include <math.h>
#include <string.h>

#include "runtime/collect.h"
#include "runtime/match.h"

/* ---- strings kept by slots ---------------------------------------------------------------------------------------- */

/* The event's string as one that stays; slots that keep the same one share it. */
static struct ens_blob *blob_keep(struct ens_engine *e, const struct ens_value *v)
{
	if (e->values_stay) {
		ens_blob_of(v)->refs++;
		return ens_blob_of(v);
	}
	for (uint32_t i = 0; i < e->npin; i++)
		if (e->pin[i].s == v->s && e->pin[i].blob->len == v->len) {
			e->pin[i].blob->refs++;
			return e->pin[i].blob;
		}
	struct ens_blob *b = ens_blob_make(&e->heap, v->s, v->len);

	if (!b) {
		e->failed = ENS_ENOMEM;
		return NULL;
	}
	if (e->npin < ENS_PINS) {
		b->refs++;
		e->pin[e->npin].s = v->s;
		e->pin[e->npin++].blob = b;
	}
	return b;
}

void ens_value_keep(struct ens_engine *e, struct ens_value *v)
{
	struct ens_blob *b = blob_keep(e, v);

	if (b)
		v->s = b->bytes;
	else
		v->null = ENS_NULL;
}

static void slot_set(struct ens_engine *e, struct ens_value *slot, enum ens_type type, const struct ens_value *v)
{
	struct ens_value old = *slot;

	*slot = *v;
	if (ens_type_is_bytes(type) && !v->null)
		ens_value_keep(e, slot);
	if (ens_type_is_bytes(type) && !old.null)
		ens_blob_release(&e->heap, ens_blob_of(&old));
}

void ens_slots_reset(const struct ens_rule *r, struct ens_value *slot, uint32_t first, uint32_t n)
{
	const struct ens_t_slot *t = &r->engine->tables->slot[r->t->slots.first];

	for (uint32_t i = first; i < first + n; i++)
		if (t[i].holds != ENS_T_VALUE) {
			ens_collected_release(&r->engine->heap, ens_collected_of(&slot[i]));
			slot[i] = r->initial[i];
		} else {
			slot_set(r->engine, &slot[i], t[i].type, &r->initial[i]);
		}
}

void ens_slots_share(const struct ens_rule *r, struct ens_partial *p)
{
	const struct ens_t_slot *t = &r->engine->tables->slot[r->t->slots.first];
	struct ens_value *slot = ens_partial_slots(r, p);

	for (uint32_t i = 0; i < r->t->slots.count; i++) {
		if (slot[i].null)
			continue;
		if (t[i].holds != ENS_T_VALUE)
			ens_collected_of(&slot[i])->refs++;
		else if (ens_type_is_bytes(t[i].type))
			ens_blob_of(&slot[i])->refs++;
	}
}

void ens_slots_release(const struct ens_rule *r, struct ens_partial *p)
{
	const struct ens_t_slot *t = &r->engine->tables->slot[r->t->slots.first];
	struct ens_value *slot = ens_partial_slots(r, p);

	for (uint32_t i = 0; i < r->t->slots.count; i++) {
		if (slot[i].null)
			continue;
		if (t[i].holds != ENS_T_VALUE)
			ens_collected_release(&r->engine->heap, ens_collected_of(&slot[i]));
		else if (ens_type_is_bytes(t[i].type))
			ens_blob_release(&r->engine->heap, ens_blob_of(&slot[i]));
	}
}

const struct ens_value *ens_slots_behind(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t)
{
	const struct ens_t_op *o = &r->engine->tables->op[t->actions.first];
	const struct ens_value *slots = ens_partial_slots(r, p);

	for (uint32_t i = 0; i < t->actions.count; i++) {
		if (o[i].kind != ENS_T_CLEAR || !o[i].n)
			continue;
		if (slots != r->view)
			memcpy(r->view, slots, r->t->slots.count * sizeof *r->view);
		slots = r->view;
		memcpy(r->view + o[i].reg, r->initial + o[i].reg, o[i].n * sizeof *r->view);
	}
	return slots;
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
		ens_blob_release(&e->heap, ens_blob_of(&oldest));
}

static void collect(struct ens_engine *e, struct ens_value *slot, const struct ens_t_slot *t, const struct ens_value *v)
{
	struct ens_collected *c = ens_collected_of(slot);
	struct ens_blob *b = NULL;
	struct ens_value kept = *v;

	if (ens_type_is_bytes(t->type)) {
		if (!(b = blob_keep(e, v)))
			return;
		kept.s = b->bytes;
	}
	if (!ens_collected_add(&e->heap, &c, t->holds, t->type, &kept))
		e->failed = ENS_ENOMEM;
	else
		*slot = (struct ens_value){.s = (const char *)c};
	if (b)
		ens_blob_release(&e->heap, b);
}

void ens_slots_capture(struct ens_rule *r, struct ens_partial *p, const struct ens_t_capture *c)
{
	ens_slots_add(r, p, c, ens_program_run(&r->engine->context, c->program));
}

void ens_slots_add(struct ens_rule *r, struct ens_partial *p, const struct ens_t_capture *c, struct ens_value v)
{
	struct ens_engine *e = r->engine;
	struct ens_value *slot = &ens_partial_slots(r, p)[c->slot];
	enum ens_type type = e->tables->slot[r->t->slots.first + c->slot].type;

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
		break;
	case ENS_T_COLLECT:
		collect(e, slot, &e->tables->slot[r->t->slots.first + c->slot], &v);
		break;
	}
}
