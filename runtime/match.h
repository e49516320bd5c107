/*
 * The matcher: offers each event to the partial matches of its key, starts new ones, ends those whose time is over.
 *
 * Shared by engine.c (which finds rules and keys), match.c (which steps) and inspect.c (which looks on); nothing else
 * includes this.
 *
 * A rule's state for one key is a cell: its partial matches in order of preference (by start, then by the positions of
 * their events, then by branch), so the first that completes is the one that semantics.md section 4 reports.
 *   M1  partials of a cell are ordered: the children of a partial stand where it stood, those that took the event first.
 *   M2  every live partial has an entry that is not dead.
 *   M3  a cell's timer is set, no later than the earliest thing that is due in it, whenever something is.
 *   M4  a cell without partials, session and remembered absences does not exist; nor does a key without cells.
 *   M5  triggers: every condition on an event that a rule asks for has a bit (several may share one), and bit
 *       ENS_EVERY_EVENT stands for "whatever comes".  A partial's `wanted` has at least the bits of what its open entries wait
 *       for, a cell's at least those of its partials.  An event whose bits are not wanted changes nothing and touches nothing.
 */
#ifndef ENS_RUNTIME_MATCH_H
#define ENS_RUNTIME_MATCH_H

#include "runtime/engine.h"
#include "runtime/heap.h"
#include "runtime/keys.h"
#include "runtime/program.h"
#include "runtime/wheel.h"

/* One event taken, newest first.  Shared by the partials that a fork made of one. */
struct ens_link {
	struct ens_link *before;
	struct ens_entry_id id;
	uint32_t refs;
	uint32_t state;
};

/* A string kept by a slot; the slot's value points at `bytes`. */
struct ens_blob {
	uint32_t refs, len;
	char bytes[];
};

#define ENS_EVERY_EVENT (UINT64_C(1) << 63)

struct ens_partial {
	struct ens_partial *next, *prev;    /* in the cell */
	struct ens_cell *cell;
	uint64_t wanted;                    /* M5 */
	struct ens_link *taken;
	int64_t start_us, last_us;          /* times of its first and latest event */
	uint64_t start_pos, last_pos;       /* their positions among the events of the cell */
	uint32_t state, ntaken;
	bool closes_later;                  /* complete by an event that is not part of it */
	struct ens_partial *newer, *older;  /* of the rule, by start; only while the rule is `listed` */
	/* then: uint64_t dead[mask_words]; struct ens_link origin (if nothing branches); struct ens_value slot[nslot];
	 * uint32_t counter[ncounter] */
	uint64_t dead[];
};

struct ens_cell {
	struct ens_cell *next;              /* of other rules for the same key */
	struct ens_key *key;
	struct ens_rule *rule;
	struct ens_partial *first, *last;
	uint64_t wanted;                    /* M5 */
	uint64_t pos;                       /* of the event at hand; counts the events taken in since the cell was made */
	struct ens_timer timer;
	int64_t session_start_us, session_last_us; /* scope session */
	uint32_t npartial;
	bool in_session;
	int64_t lead_us[];                  /* per leading absence the time of the latest event that violates it; INT64_MIN: none */
};

struct ens_rule {
	const struct ens_t_rule *t;
	struct ens_engine *engine;
	struct ens_group *group;
	struct ens_keys *keys;
	const struct ens_t_state *state;    /* the rule's states */
	struct ens_value *initial;          /* slots of a new partial */
	struct ens_value *view;             /* room for slots as they would be */
	uint64_t *mask;                     /* M5: by state and entry: what the entry waits for */
	uint32_t *mask_at;                  /* by state: its first entry's mask */
	uint64_t start_mask, lead_mask;     /* what may start a partial, what violates a leading absence */
	bool positional;                    /* events count even if nothing waits for them: `,`, `within N events` */
	bool listed;                        /* near a limit: partials are in a list by start, what started first goes first */
	struct ens_partial *oldest, *newest;
	size_t partial_bytes, cell_bytes;
	uint32_t mask_words, index;
	uint32_t origin_at;                 /* byte offset of the first link in a partial, if nothing branches */
	uint32_t slots_at;                  /* byte offset of the slots in a partial */
	uint32_t counters_at;
	struct ens_partial *embryo;         /* state 0, in no cell: what every partial is born from */
	bool scope_only;                    /* nothing but the scope is ever due: the oldest partial's end is the earliest */
	bool branches;                      /* two partials may have taken the same events */
	bool start_guarded;                 /* some entry of state 0 has guards */
	bool reads_key;                     /* some program of it reads the key */
	struct ens_rule_stats stats;
};

/* Rules that share streams, clock and timers. */
struct ens_group {
	struct ens_wheel wheel;
	int64_t now_us;                     /* time of the latest event, or the watermark if that is later */
	int64_t last_us;                    /* time of the latest event */
	int64_t watch_start_us;
	bool started, watch_set;
	struct ens_interest *interest;      /* by type, then rule */
	uint32_t ninterest;
};

/* A condition on events of one type that a rule asks for, and its bits. */
struct ens_trigger {
	uint32_t predicate;                 /* or ENS_NONE */
	uint64_t bits;
};

/* That a rule takes in a type. */
struct ens_interest {
	uint32_t type;
	struct ens_rule *rule;
	const struct ens_t_input *input;
	struct ens_trigger *trigger;        /* each predicate once */
	uint32_t ntrigger;
};

#define ENS_PINS 8 /* strings of the event at hand that are shared between the slots that keep them */

struct ens_engine {
	const struct ens_tables *tables;
	struct ens_engine_options options;
	struct ens_heap heap;
	struct ens_context context;
	struct ens_keys *keys;              /* by key group */
	struct ens_rule *rule;
	struct ens_group *group;
	uint32_t *memo;                     /* by predicate: serial of the event it was evaluated for << 1 | result */
	uint32_t serial;
	bool from_file;                     /* IDs of the events at hand are line numbers */
	struct {
		const char *s;
		struct ens_blob *blob;
	} pin[ENS_PINS];
	uint32_t npin;
	struct ens_value *key_value;        /* parts of the key at hand, decoded */
	struct ens_value *out_value;        /* of the emission at hand */
	struct ens_entry_id *event_ids;
	uint32_t event_ids_cap;
	struct ens_cell **due;              /* cells due at one time */
	uint32_t ndue, due_cap;
	enum ens_status failed;             /* ENS_OK, or why matching stopped */
};

/* Is predicate p (or ENS_NONE: yes) true of the event at hand?  Evaluated once per event. */
static inline bool ens_predicate_holds(struct ens_engine *e, uint32_t p)
{
	if (p == ENS_NONE)
		return true;
	if (e->memo[p] >> 1 != e->serial) {
		bool holds = ens_program_holds(&e->context, e->tables->predicate[p].program);

		e->memo[p] = e->serial << 1 | holds;
	}
	return e->memo[p] & 1;
}

/* Fills what the rule's tables imply; t, engine, group, keys and index are set. */
enum ens_status ens_rule_open(struct ens_rule *r) ENS_MUST_CHECK;
/* The part of it that says where what lies in a partial match and how large things are; only t need be set. */
void ens_rule_lay_out(struct ens_rule *r, const struct ens_tables *t);
void ens_rule_close(struct ens_rule *r);

/* Calls back for each condition that the rule asks of events: type, predicate, its bits. */
void ens_rule_triggers(struct ens_rule *r, void (*each)(void *user, uint32_t type, uint32_t predicate, uint64_t bits),
		       void *user);

/* The event at hand, with its bits, goes through the cell: partial matches, then new starts.  The cell may be empty afterwards. */
void ens_match_event(struct ens_cell *c, const struct ens_event *ev, uint64_t bits);
/* Near a limit: puts the rule's partials into the list by start. */
void ens_match_list(struct ens_rule *r, struct ens_partial **partial, size_t n);
/* Everything of the cell that is due at time_us. */
void ens_match_due(struct ens_cell *c, int64_t time_us);
/* Forgets all of it: partial matches, session, remembered absences. */
void ens_match_clear(struct ens_cell *c);
/* True if nothing is left in the cell. */
bool ens_match_empty(const struct ens_cell *c);
void ens_blob_release(struct ens_heap *h, struct ens_blob *b); /* one user less */
void ens_match_drop(struct ens_partial *p);
void ens_match_drop_all(struct ens_cell *c);
static inline struct ens_value *ens_partial_slots(const struct ens_rule *r, struct ens_partial *p)
{
	return (struct ens_value *)(void *)((char *)p + r->slots_at);
}

/* Reports a complete match (compiled into emissions) to the sink.  engine.c */
void ens_engine_report(struct ens_partial *p, int64_t end_us);

#endif
