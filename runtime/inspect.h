/*
 * How far a rule's partial matches came, and why the one that came furthest did not go on: for `ensue test`.
 *
 * An inspector looks at an engine between two of its calls; the engine does not know of it and pays nothing.  Looking
 * costs one pass over the rule's partial matches a call, up to ENS_INSPECT_BUDGET of them in all; then it looks no more.
 */
#ifndef ENS_RUNTIME_INSPECT_H
#define ENS_RUNTIME_INSPECT_H

#include "runtime/engine.h"

#define ENS_INSPECT_BUDGET UINT64_C(10000000)
#define ENS_INSPECT_TRIES 8
#define ENS_INSPECT_RUNS 16
#define ENS_INSPECT_KEY_MAX 200

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
	ENS_WHY_CLOSED     /* a `not` before it was violated, or `until` came */
};

struct ens_inspect_try {
	int64_t time_us;           /* of the event */
	uint32_t type;             /* of the event */
	uint32_t state;            /* that could have taken it */
	enum ens_inspect_why why;
	uint32_t has, needs;
};

/* The partial match that took the most events; of several the one seen first. */
struct ens_inspection {
	uint32_t ntaken;           /* 0: none began; then `tried` are the events that began none */
	uint32_t state;
	int64_t start_us;
	char key[ENS_INSPECT_KEY_MAX + 1]; /* as text, `user "ann", ip "192.0.2.7"`, cut; "" without a key */
	struct {
		uint32_t state, count;
	} run[ENS_INSPECT_RUNS];   /* states in the order taken, the last ones if there were more */
	uint32_t nrun;
	bool gave_up;              /* ENS_INSPECT_BUDGET: what is said here is of before */
	bool open;                 /* it is there still */
	bool matched;              /* gone, and the rule completed a match then */
	int64_t ended_us;          /* gone: when that was seen */
	struct ens_inspect_try tried[ENS_INSPECT_TRIES]; /* since it took its last event: the last ones of its key */
	uint32_t ntried;
};

struct ens_inspector {
	struct ens_engine *engine;
	uint32_t rule;
	struct ens_inspection found;
	uint64_t key_order, start_pos; /* which one it is */
	uint64_t looked;
	uint64_t matched;
};

void ens_inspect_begin(struct ens_inspector *i, struct ens_engine *e, uint32_t rule);
/* This event is pushed next, to the rule's group. */
void ens_inspect_before(struct ens_inspector *i, const struct ens_event *ev);
/* An event was pushed, or time has moved to now_us. */
void ens_inspect_after(struct ens_inspector *i, int64_t now_us);

#endif
