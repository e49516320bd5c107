/*
 * Rules over rules: what a rule derives is an event for the rules above it (semantics.md section 6).
 *
 * Between engine.c, which says when it is their turn, and the reports of matches, which derive.  A derived event is kept
 * until it was offered; what it was made of, its identity and the entries below it, as long as some partial match has
 * taken it (struct ens_below, counted).  Memory is the engine's heap and counts as that of partial matches.
 */
#ifndef ENS_RUNTIME_LAYERS_H
#define ENS_RUNTIME_LAYERS_H

#include "runtime/event.h"

struct ens_engine;
struct ens_partial;

/* Of what a derived event was made. */
struct ens_below {
	uint32_t refs, nevent;
	uint64_t id[2];              /* the identity of the match that derived it, as bytes */
	struct ens_entry_id event[]; /* the entries below it, in the order taken, each once */
};

struct ens_derived;

struct ens_layers {
	struct ens_derived *pending; /* in the order in which they are to be offered */
	struct ens_derived **at;     /* where the next one goes: behind those of the same cause */
	struct ens_below **below;    /* by the `ms` of a derived event's ID; NULL: free */
	uint32_t nbelow, cap;
	uint32_t nfree, *free_number;
};

/* Before anything is derived. */
void ens_layers_open(struct ens_layers *l);
/* After all partial matches are gone. */
void ens_layers_close(struct ens_engine *e);

/* The event of emit `emit` of p's rule, whose values are in e->out_value and whose `nevent` entries in e->event_ids. */
enum ens_status ens_layers_derive(struct ens_engine *e, const struct ens_partial *p, uint32_t emit, const uint8_t id[16],
				  uint32_t nevent, int64_t time_us) ENS_MUST_CHECK;

/* A derived event that is made of these entries, for one user: gives it an ID. */
enum ens_status ens_layers_make_below(struct ens_engine *e, const uint64_t id[2], const struct ens_entry_id *event, uint32_t nevent,
				      struct ens_entry_id *out) ENS_MUST_CHECK;

/* The next derived event whose turn it is, or NULL.  What is derived from now on stands before those that wait. */
const struct ens_event *ens_layers_next(struct ens_engine *e);
/* It was offered. */
void ens_layers_done(struct ens_engine *e);

/* The entries of p's match, those below derived events in their place, into e->event_ids; each once, and at most
 * ENS_BELOW_MAX of them. */
enum ens_status ens_layers_list(struct ens_engine *e, const struct ens_partial *p, uint32_t *nevent) ENS_MUST_CHECK;
/* What of a derived event's ID goes into the identity of a match: the same in every run. */
void ens_layers_identity_derived(const struct ens_engine *e, const struct ens_entry_id *id, uint64_t out[2]);

/* A link to an event is made, is gone. */
void ens_layers_keep_derived(struct ens_engine *e, const struct ens_entry_id *id);
void ens_layers_release_derived(struct ens_engine *e, const struct ens_entry_id *id);

static inline void ens_layers_keep(struct ens_engine *e, const struct ens_entry_id *id)
{
	if (id->stream == ENS_DERIVED_STREAM)
		ens_layers_keep_derived(e, id);
}

static inline void ens_layers_identity(const struct ens_engine *e, const struct ens_entry_id *id, uint64_t out[2])
{
	out[0] = id->ms;
	out[1] = id->seq;
	if (id->stream == ENS_DERIVED_STREAM)
		ens_layers_identity_derived(e, id, out);
}

static inline void ens_layers_release(struct ens_engine *e, const struct ens_entry_id *id)
{
	if (id->stream == ENS_DERIVED_STREAM)
		ens_layers_release_derived(e, id);
}

#endif
