/*
 * Which of the rules that take in a type an event concerns: an index of the constants that they compare its fields with.
 *
 * The interests of one type, in order of rules, are split: those that an event can concern only if a field has one of a few
 * constants are found by the field's value, the others are gone through for every event.  What the index leaves out is what
 * the engine would have found not to be concerned; order is kept.
 */
#ifndef ENS_RUNTIME_DISPATCH_H
#define ENS_RUNTIME_DISPATCH_H

#include "runtime/match.h"

#define ENS_DISPATCH_FIELDS_MAX 8u /* of one type that are looked up; rules that need another one are always gone through */

/* A constant, and the interests that need it: list[first .. first + count). */
struct ens_dispatch_slot {
	uint64_t hash;
	struct ens_value value;
	uint32_t first, count;              /* count 0: the slot is free */
};

/* A field's constants, in a table of slots that is at most half full. */
struct ens_dispatch_field {
	uint32_t field;                     /* among the type's */
	uint8_t type;                       /* enum ens_type */
	uint64_t nvalue, mask;              /* constants named by rules, each as often as it is */
	struct ens_dispatch_slot *slot;
};

/* The index of the interests of one type. */
struct ens_dispatch {
	struct ens_dispatch_field field[ENS_DISPATCH_FIELDS_MAX];
	uint32_t nfield;
	uint32_t nalways;                   /* list[0 .. nalways): concerned whatever the fields are */
	uint32_t *list;                     /* numbers of interests, counted from the type's first; each list of a slot ascends */
	uint64_t seed;
};

/* The values that each predicate of some tables needs, while an engine is opened. */
struct ens_dispatch_needs;
struct ens_dispatch_needs *ens_dispatch_needs_open(const struct ens_tables *t, uint64_t seed); /* NULL: no memory */
void ens_dispatch_needs_close(struct ens_dispatch_needs *needs);

/* Indexes the n interests of one type, in order of rules, their triggers gathered; NULL in *out if an index finds all of them
 * for every event. */
enum ens_status ens_dispatch_open(const struct ens_dispatch_needs *needs, const struct ens_interest *in, uint32_t n,
				  struct ens_dispatch **out) ENS_MUST_CHECK;
void ens_dispatch_close(struct ens_dispatch *d);

/* The interests that an event concerns, one after the other, in order of rules. */
struct ens_dispatch_walk {
	struct {
		const uint32_t *at, *end;
	} list[ENS_DISPATCH_FIELDS_MAX + 1];
	uint32_t nlist;
};

void ens_dispatch_find(const struct ens_dispatch *d, const struct ens_value *value, struct ens_dispatch_walk *w);

/* The next one's number, counted from the type's first; ENS_NONE: that was all. */
static inline uint32_t ens_dispatch_next(struct ens_dispatch_walk *w)
{
	uint32_t least = ENS_NONE, n = 0;

	for (uint32_t i = 0; i < w->nlist; i++)
		if (*w->list[i].at < least)
			least = *w->list[i].at;
	for (uint32_t i = 0; i < w->nlist; i++) { /* a rule may be in several lists */
		w->list[n] = w->list[i];
		w->list[n].at += *w->list[n].at == least;
		n += w->list[n].at < w->list[n].end;
	}
	w->nlist = n;
	return least;
}

#endif
