/*
 * Matches without a partial match for each: what a key keeps is the events that steps have taken, each once a step, and how
 * they hang together.  For `match all`, and for `match` where a match uses up all that began before its end.
 *
 * A rule is shared if all that its matches depend on along the way is a function of one event (ens_shared_plan_make says which
 * are): matches that stand at the same step after the same event have the same future then, however many they are.  Points
 * are what the rule's states become with the values of their counters written out; a way leads from point to point by one
 * entry of the tables.  For each point a cell keeps a list of nodes, one for each event that was taken there.
 *   A1  nodes of a list are in the order of their positions, no two at one.
 *   A2  a node's `reach` is the latest start of a match that came there.  What is before the cell's live starts is dead, and
 *       goes from the front of its list.  A start is told by its time where the scope is one of time, else by its position.
 *   A3  a way leads on from the nodes at or behind `since`, the latest position where an event closed it; `reach` is the
 *       greatest of theirs.  (`,`: from the node directly before.)
 *   A4  a node remembers the `since` of each way into its point that events can close.  So the nodes before it that lead to
 *       it are known without links.  Its own position there: the way did not take the event.
 * One at a time (`match`) an event that moves a match on by one way closes the others for it, and what is complete goes no
 * further and takes all with it.  As A3 knows closing by position alone, at each point
 *   A5  either whatever closes a way without being taken closes all ways out of it (they have one gate, and an event that
 *       fits any of them moves on all that is there),
 *   A6  or each event that leads there moves on what is there already, so that all that waits there came with one event:
 *       the point is `looped`, and which ways are open is looked at when an event comes.
 * An event costs the ways into the points that take it, whatever the cell holds.  A match that it completes is listed by
 * going back once over the nodes that lead there, and forth over these.
 */
#ifndef ENS_RUNTIME_SHARED_H
#define ENS_RUNTIME_SHARED_H

#include "runtime/event.h"
#include "runtime/tables.h"

#define ENS_SHARED_POINTS_MAX 64u
#define ENS_SHARED_WAYS_MAX 256u
#define ENS_SHARED_COUNTERS_MAX 8u
#define ENS_SHARED_SYMBOLS_MAX 62u /* so each has a bit of its own among the triggers (M5) */
#define ENS_SHARED_LOOKS 4u        /* of one event so many times as many matches are looked at as it may have emissions */

struct ens_cell;
struct ens_rule;

/* An event that a step took. */
struct ens_shared_node {
	struct ens_entry_id id;
	uint64_t pos;               /* among the events of the cell */
	int64_t time_us;
	int64_t reach;              /* A2 */
	uint64_t since[];           /* A4 */
	/* then: struct ens_value value[], what each capture of the step makes of the event; texts are blobs */
};

struct ens_shared_way {
	uint32_t from, to;          /* points */
	uint32_t entry;             /* of the tables */
	uint32_t gate;              /* not from the start: ways out of one point that are always open alike have the same */
	uint64_t skips;             /* from looped points: ways, of those out of it, that are not tried where it takes the event */
	uint32_t since_at;          /* in nodes of `to`; ENS_NONE: no event closes it */
	uint8_t arrow;              /* enum ens_t_arrow */
	uint64_t bars;              /* triggers whose events it does not take, though its step could (`until`) */
	uint64_t closed_by;         /* triggers that close it for what came before */
};

struct ens_shared_point {
	uint32_t state;             /* of the rule */
	uint32_t counter[ENS_SHARED_COUNTERS_MAX];
	uint32_t symbol;            /* what its step takes */
	bool accepts;               /* a match is complete there */
	bool looped;                /* A6 */
	struct ens_t_list out;      /* ways, in the order of entries */
	struct ens_t_list in;       /* in plan->in */
	uint32_t list;              /* of the cell; ENS_NONE: nothing leads on from there */
	uint32_t nsince;
	uint32_t node_bytes;
};

/* A condition on events of one type. */
struct ens_shared_symbol {
	uint32_t type, predicate;
	uint64_t bit;               /* M5 */
	struct ens_t_list takers;   /* points, in plan->taker */
	struct ens_t_list closes;   /* gates, in plan->closed */
};

struct ens_shared_room;                /* for what is being listed: shared_list.c */

/* What follows from the rule's tables, in arrays that are as long as they have to be.  Point 0 is the start: it has ways out, and
 * no nodes. */
struct ens_shared_plan {
	struct ens_shared_way *way;
	struct ens_shared_symbol *symbol;
	struct ens_shared_point *point;
	uint32_t npoint, nway, nsymbol, nlist, ngate, nlooped;
	uint32_t *of_gate;          /* by gate: its first way */
	uint32_t *in;
	uint32_t *of_list;          /* by list: its point */
	uint32_t *looped;           /* points */
	uint32_t *taker;
	uint32_t *closed;
	uint64_t bits;              /* all that it asks for */
	uint8_t symbol_of_bit[64];
	bool counted;               /* slots have users: they keep texts or collect */
	/* while an event is at hand: */
	char *fresh;                /* nodes, fresh_bytes each */
	uint32_t fresh_bytes, nfresh;
	uint32_t begun;             /* matches that it begins */
	uint64_t *skipped;          /* by looped point: ways out of it that are not tried */
	uint64_t moved;             /* looped points from which matches move on, one bit each */
	uint32_t *fresh_point;
	struct ens_shared_room *room;
};

/* A ring. */
struct ens_shared_list {
	char *node;
	uint32_t first, n, cap;
};

/* How far the ways of a gate are open: A3. */
struct ens_shared_open {
	uint64_t since;
	int64_t reach;              /* INT64_MIN: nothing leads on */
};

/* What a cell keeps, behind everything else in it. */
struct ens_shared_cell {
	int64_t newest;             /* start; INT64_MIN: none */
	int64_t floor;              /* starts before it were dropped for want of room */
	/* then: struct ens_shared_open open[ngate]; struct ens_shared_list list[nlist] */
};

static inline struct ens_shared_open *ens_shared_opens(struct ens_shared_cell *a)
{
	return (struct ens_shared_open *)(void *)(a + 1);
}

static inline struct ens_shared_list *ens_shared_lists(const struct ens_shared_plan *plan, struct ens_shared_cell *a)
{
	return (struct ens_shared_list *)(void *)(ens_shared_opens(a) + plan->ngate);
}

static inline size_t ens_shared_cell_bytes(const struct ens_shared_plan *plan)
{
	return sizeof(struct ens_shared_cell) + plan->ngate * sizeof(struct ens_shared_open) + plan->nlist * sizeof(struct ens_shared_list);
}

static inline struct ens_value *ens_shared_values(const struct ens_shared_point *q, const struct ens_shared_node *n)
{
	return (struct ens_value *)(void *)((char *)(uintptr_t)n + sizeof *n + q->nsince * sizeof(uint64_t));
}

/* Node i of the list, the oldest being 0. */
static inline struct ens_shared_node *ens_shared_node_at(const struct ens_shared_list *l, uint32_t node_bytes, uint32_t i)
{
	return (struct ens_shared_node *)(void *)(l->node + (size_t)((l->first + i) & (l->cap - 1)) * node_bytes);
}

/* Node i of those that the event at hand made. */
static inline struct ens_shared_node *ens_shared_fresh(const struct ens_shared_plan *plan, uint32_t i)
{
	return (struct ens_shared_node *)(void *)(plan->fresh + (size_t)i * plan->fresh_bytes);
}

/* Do events close gate g, so that it can't be told from the nodes how far it is open? */
static inline bool ens_shared_gate_closes(const struct ens_shared_plan *plan, uint32_t g)
{
	const struct ens_shared_way *w = &plan->way[plan->of_gate[g]];

	return w->arrow != ENS_T_NEXT && (w->closed_by || plan->point[w->from].looped);
}

/* From which position on the nodes before n lead to it by way w; its own: none does. */
static inline uint64_t ens_shared_since(const struct ens_shared_way *w, const struct ens_shared_node *n)
{
	if (w->since_at != ENS_NONE)
		return n->since[w->since_at];
	return w->arrow == ENS_T_NEXT ? n->pos - 1 : 0;
}

/* ---- plans: shared_plan.c ---------------------------------------------------------------------------------------------- */

/* The plan of a rule of these tables.  *out is NULL if the rule can't be shared. */
enum ens_status ens_shared_plan_make(const struct ens_tables *t, const struct ens_t_rule *rule, struct ens_shared_plan **out) ENS_MUST_CHECK;
/* The triggers of its rule (M5) become known to it. */
void ens_shared_plan_bind(struct ens_shared_plan *plan, struct ens_rule *r);
void ens_shared_plan_free(struct ens_shared_plan *plan); /* NULL: nothing */

/* ---- cells: shared.c ----------------------------------------------------------------------------------------------------- */

void ens_shared_open_cell(struct ens_cell *c);  /* nothing is kept yet */
/* The event at hand, with its bits, goes through the cell. */
void ens_shared_event(struct ens_cell *c, const struct ens_event *ev, uint64_t bits);
/* All events up to time_us were offered. */
void ens_shared_due(struct ens_cell *c, int64_t time_us);
void ens_shared_rearm(struct ens_cell *c);
void ens_shared_clear(struct ens_cell *c);
/* Time of the earliest start; false: there is none. */
bool ens_shared_oldest(struct ens_cell *c, int64_t *start_us);
/* Drops what began there. */
void ens_shared_drop_oldest(struct ens_cell *c);
/* Room for one node more, at the end of list `list`; NULL: no memory. */
struct ens_shared_node *ens_shared_append(struct ens_cell *c, uint32_t list);
/* Of a list with room for `cap` nodes, a power of 2, which has none yet. */
bool ens_shared_list_room(struct ens_cell *c, uint32_t list, uint32_t cap) ENS_MUST_CHECK;
/* The type of what capture k keeps in a node. */
enum ens_type ens_shared_value_type(const struct ens_rule *r, const struct ens_t_capture *k);
/* Opens the ways out of the list's point for a node that is its last now (A3). */
void ens_shared_lead_on(struct ens_cell *c, uint32_t list, const struct ens_shared_node *n);

/* ---- listing: shared_list.c ---------------------------------------------------------------------------------------------- */

/* Reports the matches that the fresh nodes complete, by start, then positions; of starts from `floor` on. */
void ens_shared_report(struct ens_cell *c, int64_t floor, int64_t end_us);
void ens_shared_room_free(struct ens_shared_room *room);

#endif
