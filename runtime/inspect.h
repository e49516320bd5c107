/*
 * How far a rule's partial matches came, and why the one that came furthest did not go on: for `ensue test` and for the
 * summary of `ensue run`.
 *
 * An inspector looks at an engine between two of its calls; the engine does not know of it and pays nothing.  Looking
 * costs, for an event, one pass over the rule's partial matches of its key and the ways on from each, up to ENS_INSPECT_BUDGET steps in all; then it looks no more.
 */
#ifndef ENS_RUNTIME_INSPECT_H
#define ENS_RUNTIME_INSPECT_H

#include "base/buf.h"
#include "runtime/engine.h"

#define ENS_INSPECT_BUDGET UINT64_C(10000000)
#define ENS_INSPECT_TRIES 8
#define ENS_INSPECT_RUNS 16
#define ENS_INSPECT_KEY_MAX 200
#define ENS_INSPECT_KEYS_MAX (UINT64_C(1) << 20) /* that are told apart: 16 MiB */

/* Why an event was not taken by a step that could come next. */
enum ens_inspect_why {
	ENS_WHY_TAKEN,     /* it was */
	ENS_WHY_TYPE,      /* it is of another type: such tries are not kept */
	ENS_WHY_PREDICATE, /* its condition on the event alone does not hold */
	ENS_WHY_CONDITION, /* its condition that looks at the match does not hold */
	ENS_WHY_FEW,       /* the repetition before it is too short: has, needs */
	ENS_WHY_MANY,      /* the repetition is over: it had its most */
	ENS_WHY_GUARD,     /* what `where` says of the repetition before it does not hold */
	ENS_WHY_EARLY,     /* `after` */
	ENS_WHY_LATE,      /* `within` of its arrow */
	ENS_WHY_SCOPE,     /* `within` of the rule */
	ENS_WHY_NOT_NEXT,  /* `,`, and another came between */
	ENS_WHY_SILENCE,   /* the time that a `not ... for` before it lasts is not over */
	ENS_WHY_BROKEN,    /* the event breaks a `not` before it */
	ENS_WHY_CLOSED,    /* a `not` before it was violated, or `until` came */
	ENS_WHY_LEAD,      /* it would begin a match, but a `not` before the first step forbids that */
	ENS_WHY_USED,      /* it would begin a match, but one that was complete with it uses it up */
	ENS_NWHY
};

/* What became of the furthest partial match. */
enum ens_inspect_end {
	ENS_END_OPEN,      /* it is there still */
	ENS_END_MATCHED,   /* the rule completed a match then */
	ENS_END_SCOPE,     /* `within` of the rule was over */
	ENS_END_RESET,     /* `reset on` */
	ENS_END_DROPPED,   /* there were too many partial matches */
	ENS_END_OTHER      /* no way on was left */
};

struct ens_inspect_try {
	struct ens_entry_id id;    /* of the event */
	int64_t time_us;
	uint32_t type;
	uint32_t state;            /* that could have taken it; 0: the match would be complete, but for this event (BROKEN) */
	enum ens_inspect_why why;
	uint32_t has, needs;
};

/* Events that one way on did not take, by why; an event counts once, however many partial matches it was offered to. */
struct ens_inspect_row {
	struct {
		uint64_t count, serial;
		struct ens_inspect_try first;
	} of[ENS_NWHY];
};

/* A way on from a state. */
struct ens_inspect_way {
	uint32_t state;            /* 0: the match is complete */
	const struct ens_inspect_row *row; /* NULL: no event was tried */
};

/* The partial match that took the most steps in a row, of these the one with the most events, of several the one seen first. */
struct ens_inspection {
	uint32_t nstep;            /* a step that took several events in a row is one; beyond 256 events about */
	uint32_t ntaken;           /* 0: none began; then `tried` are the events that began none */
	uint32_t state;
	struct ens_entry_id start;
	int64_t start_us;
	char key[ENS_INSPECT_KEY_MAX + 1]; /* as text, `user "ann", ip "192.0.2.7"`, cut; "" without a key */
	struct {
		uint32_t state, count;
	} run[ENS_INSPECT_RUNS];   /* states in the order taken, the last ones if there were more */
	uint32_t nrun;
	bool gave_up;              /* ENS_INSPECT_BUDGET: what is said here is of before */
	enum ens_inspect_end end;
	int64_t ended_us;          /* not open: when that was seen */
	struct ens_inspect_try tried[ENS_INSPECT_TRIES]; /* since it took its last event: the last ones of its key */
	uint32_t ntried;
};

struct ens_inspector {
	struct ens_engine *engine;
	uint32_t rule;
	struct ens_inspection found;
	uint64_t events;           /* that the rule took in, with a key */
	uint64_t keyless;          /* whose key is null, where it may not be: not for the rule */
	uint64_t filtered;         /* that `from` leaves out */
	uint64_t nkey;             /* different ones; ENS_INSPECT_KEYS_MAX: or more */
	/* its own: */
	uint64_t *seen, seen_mask; /* hashes of keys, + 1 */
	struct ens_inspect_row **row; /* by entry, from first_entry on */
	uint32_t first_entry, nentry;
	struct ens_inspect_try *try; /* of one list of entries */
	struct ens_buf key_bytes;  /* of the furthest */
	uint64_t key_hash, key_order, start_pos;
	uint64_t looked;
	uint64_t serial;           /* of the event at hand */
	struct ens_rule_stats before;
	bool resets;               /* the event at hand resets its key */
	bool begins;               /* the event at hand should begin a match, by: */
	uint32_t begin_entry;
};

/* ENS_ENOMEM: it is to be ended all the same. */
enum ens_status ens_inspect_begin(struct ens_inspector *i, struct ens_engine *e, uint32_t rule) ENS_MUST_CHECK;
void ens_inspect_end(struct ens_inspector *i); /* zeroed ones, too; before the engine is closed or later */
/* As struct ens_engine_watch calls back, for the rule's group: this event is offered next. */
void ens_inspect_before(struct ens_inspector *i, const struct ens_event *ev);
/* This event was offered; NULL: time has moved to now_us. */
void ens_inspect_after(struct ens_inspector *i, const struct ens_event *ev, int64_t now_us);
/* The ways on from a state, each step once, at most `max` of them.  Rows live as long as the inspector; the engine is to be
 * there. */
uint32_t ens_inspect_ways(const struct ens_inspector *i, uint32_t state, struct ens_inspect_way *out, uint32_t max);

#endif
