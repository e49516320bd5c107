/*
 * The index of waiting partial matches: an event reaches those that remember what it says.
 *
 * A step whose condition has `x = a.x` beside other things takes no event from a partial match that remembers another value.
 * So a cell with many of them keeps them by the hash of what they remember, and an event asks for its own value only.
 *
 * What may happen to a partial match in a state: its entries' steps, `until`s and absences wait for events, each by a
 * condition.  A state is keyed if such conditions need that slots have values of the event (program_needs.h), the same slots
 * all of them; conditions that need no such thing are free: a partial match that has any is loose, too, and is asked whenever
 * the event has one of their bits (M5).  An event that is neither free nor agrees with a partial match changes nothing in it.
 * A state is not keyed, and all of it free, if something runs whenever it is looked at (a duration from the match), or looking
 * closes ways that nothing else would (`within` of one way of several), or events count for it though it does not wait for
 * them (`,`).
 *   W1  a cell has an index, in between calls, if and only if it has at least ens_engine_options.index_waiting_from live
 *       partial matches (short of memory: it may have none).  What it takes depends only on what the partial matches are, so
 *       it is the same after a load.
 *   W2  in between calls all live partial matches of a cell with an index are in it: by their values, unless they wait for
 *       nothing by value or one of the values is null; and among the loose ones, if anything of theirs is free.
 */
#ifndef ENS_RUNTIME_WAITING_H
#define ENS_RUNTIME_WAITING_H

#include "runtime/event.h"
#include "runtime/tables.h"

#define ENS_WAITING_FROM 16u          /* default of ens_engine_options.index_waiting_from */
#define ENS_WAITING_SLOTS_MAX 4u      /* that one hash is of */
#define ENS_WAITING_KEYS_MAX 16u
#define ENS_WAITING_PROBES_MAX 32u
#define ENS_WAITING_SEGMENTS 29u      /* so 2^32 buckets */

struct ens_cell;
struct ens_partial;
struct ens_rule;

/* A slot, or a field, that is part of a key. */
struct ens_waiting_part {
	uint32_t index;
	uint8_t type;                 /* enum ens_type: as what it is compared */
	bool to_float;                /* it is an int, compared as a float */
};

/* The slots by which states are keyed. */
struct ens_waiting_key {
	uint32_t npart;
	struct ens_waiting_part part[ENS_WAITING_SLOTS_MAX];
};

/* Events of a type that partial matches of a key wait for. */
struct ens_waiting_probe {
	uint32_t type, predicate;     /* ENS_NONE: all of the type */
	uint32_t key;
	struct ens_waiting_part part[ENS_WAITING_SLOTS_MAX]; /* fields, for each part of the key one */
	uint64_t bits;                /* M5 */
};

struct ens_waiting_state {
	uint32_t key;                 /* ENS_NONE: not keyed */
	uint64_t free;                /* M5 */
};

/* A free condition of a keyed state. */
struct ens_waiting_free {
	uint32_t state, type, predicate;
};

/* What follows from a rule's tables. */
struct ens_waiting_plan {
	struct ens_waiting_key key[ENS_WAITING_KEYS_MAX];
	struct ens_waiting_probe probe[ENS_WAITING_PROBES_MAX];
	uint32_t nkey, nprobe, nfree;
	struct ens_waiting_state *state; /* of the rule's */
	struct ens_waiting_free *free;
};

/* The lists that a partial match is in. */
enum ens_waiting_list {
	ENS_WAITING_SAME,             /* the bucket of its hash */
	ENS_WAITING_LOOSE,            /* the loose ones */
	ENS_NWAITING
};

/* In each partial match of a rule with a plan. */
struct ens_waiting_links {
	struct {
		struct ens_partial *next, **at; /* `at` NULL: not in that list */
	} in[ENS_NWAITING];
	uint64_t hash;
};

/* By linear hashing: there are as many buckets as partial matches in them, at least 16. */
struct ens_waiting_index {
	struct ens_partial **segment[ENS_WAITING_SEGMENTS]; /* of 16 buckets, 16, 32, 64 ... */
	struct ens_partial *loose;
	uint64_t loose_bits;          /* M5: at least what they are free for */
	uint32_t nbucket, nsame, nloose;
};

/* In each cell of such a rule. */
struct ens_waiting {
	struct ens_waiting_index *index; /* W1 */
	uint32_t nlive;
};

/* *out is NULL if nothing is keyed.  ENS_ENOMEM. */
enum ens_status ens_waiting_plan_make(const struct ens_tables *t, const struct ens_t_rule *rule,
				      struct ens_waiting_plan **out) ENS_MUST_CHECK;
/* Fills in the bits (M5): r->mask is set, `bit` says that of a condition. */
void ens_waiting_plan_bind(struct ens_waiting_plan *p, const struct ens_rule *r,
			   uint64_t (*bit)(void *user, uint32_t type, uint32_t predicate), void *user);
void ens_waiting_plan_free(struct ens_waiting_plan *p); /* or NULL */

/* Of rules with a plan only: */
/* Gathers what the event with its bits may matter to into the engine's `called`, in the order of the cell's list.  False: it
 * may matter to all. */
bool ens_waiting_call(struct ens_cell *c, const struct ens_event *ev, uint64_t bits);
/* p, which is in the index, is about to take an event: it is not in it any more. */
void ens_waiting_forget(struct ens_partial *p);
/* p waits on in its state: if its cell has an index it is in it. */
void ens_waiting_note(struct ens_partial *p);
/* p has left the cell's list. */
void ens_waiting_leave(struct ens_partial *p);
/* The event is over, or the cell was loaded: W1. */
void ens_waiting_settle(struct ens_cell *c);

#endif
