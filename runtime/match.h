/*
 * The matcher: offers each event to the partial matches of its key, starts new ones, ends those whose time is over.
 *
 * Shared by engine.c (which finds rules and keys), inspect.c (which looks on), state_match.c (which saves and loads) and the
 * matcher's own files; nothing else includes this.  match_select.c: what an event or a deadline does to a cell, which matches
 * are reported and what they drop; match_step.c: entries and arrows; match_due.c: absences and deadlines; match_slots.c: what
 * partials remember; match_partial.c: their life and order; match_rule.c: what follows from a rule's tables; match_report.c:
 * what becomes of a match that is reported; waiting.h: which partial matches an event reaches.
 *
 * A rule's state for one key is a cell.
 *   M1  partials of a cell are ordered by start; of one start, the children of a partial stand before it, in the order in
 *       which they branched off.
 *   M2  every live partial has an entry that is not dead, or has expired and is about to be told of, or is stillborn and
 *       about to go.
 *   M3  a cell's timer is set, no later than the earliest thing that is due in it, whenever something is.
 *   M4  a cell without partials, session, remembered absences and record does not exist; nor does a key without cells.
 *   M5  triggers: every condition on an event that a rule asks for has a bit (several may share one), and bit
 *       ENS_EVERY_EVENT stands for "whatever comes".  A partial's `wanted` has at least the bits of what its open entries wait
 *       for, a cell's at least those of its partials.  An event whose bits are not wanted changes nothing and touches nothing.
 *   M6  where matches wait for earlier starts (`held`), an earlier partial is live in the cell, in between calls.
 */
#ifndef ENS_RUNTIME_MATCH_H
#define ENS_RUNTIME_MATCH_H

#include "runtime/blob.h"
#include "runtime/engine.h"
#include "runtime/heap.h"
#include "runtime/keys.h"
#include "runtime/layers.h"
#include "runtime/limit.h"
#include "runtime/program.h"
#include "runtime/shared.h"
#include "runtime/waiting.h"
#include "runtime/wheel.h"

/* One event taken, newest first.  Shared by the partials that a fork made of one. */
struct ens_link {
	struct ens_link *before;
	struct ens_entry_id id;
	uint64_t pos;                       /* among the events of the cell */
	uint32_t refs;
	uint32_t state;
};

#define ENS_EVERY_EVENT (UINT64_C(1) << 63)

/* Where a partial match stands. */
enum ens_place {
	ENS_LIVE,  /* among those that may go on */
	ENS_FOUND, /* complete with the event or deadline at hand: in the engine's `found` */
	ENS_HELD   /* complete, waiting for earlier starts: in the cell's record */
};

/* What may come next, whatever branch or order led there: semantics.md section 5.  Equal points have equal hashes. */
struct ens_point {
	uint64_t hash[2];
};

struct ens_partial {
	struct ens_partial *next, *prev;    /* in the cell, or its record */
	struct ens_cell *cell;
	uint64_t wanted;                    /* M5 */
	struct ens_link *taken;
	int64_t start_us, last_us;          /* times of its first and latest event */
	uint64_t start_pos, last_pos;       /* their positions among the events of the cell */
	uint32_t state, ntaken;
	uint8_t place;                      /* enum ens_place */
	bool closes_later;                  /* complete by an event that is not part of it; of ENS_FOUND ones */
	bool reported;                      /* `match all`: it was complete, and went on */
	bool expired;                       /* its time is over, which is still to be told */
	bool stillborn;                     /* `match last`: nothing can follow what it took, but it stands at its point for this event */
	bool covered;                       /* it began within one that was told to have expired */
	bool indexed;                       /* in the index of those that wait (runtime/waiting.h) */
	bool called;                        /* while those that an event reaches are put in order */
	struct ens_partial *newer, *older;  /* of the rule, by start; only while the rule is `listed` */
	/* then: uint64_t dead[mask_words]; struct ens_link origin (if nothing branches); struct ens_point (`match last`);
	 * struct ens_value slot[nslot]; uint32_t counter[ncounter]; struct ens_waiting_links (if the rule has a plan for them) */
	uint64_t dead[];
};

/* What a cell remembers of matches that were complete, for rules that ask for it. */
struct ens_record {
	struct ens_partial *held, *held_last; /* by start, then completion, then positions */
	int64_t told_us;                    /* `match`: what starts up to then is covered by a timeout told; INT64_MIN: none was */
	bool having_held;                   /* `having ... once`: it was true the time before */
};

/* Scope session. */
struct ens_session {
	int64_t start_us, last_us;          /* times of its first and latest event */
};

struct ens_cell {
	struct ens_cell *next;              /* of other rules for the same key */
	struct ens_key *key;
	struct ens_rule *rule;
	struct ens_partial *first, *last;
	uint64_t wanted;                    /* M5 */
	uint64_t pos;                       /* of the event at hand; counts the events taken in since the cell was made */
	struct ens_timer timer;
	uint32_t npartial;                  /* shared: nodes (runtime/shared.h) */
	bool in_session;                    /* then it has a session */
	int64_t lead_us[];                  /* per leading absence the time of the latest event that violates it; INT64_MIN: none */
	/* then: struct ens_session (scope session), struct ens_record (if the rule has one), struct ens_shared_cell (if it is shared),
	 * struct ens_waiting (if it has a plan) */
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
	uint64_t start_mask, lead_mask, reset_mask; /* what may start a partial, violates a leading absence, resets the key */
	bool positional;                    /* events count even if nothing waits for them: `,`, `within N events` */
	bool listed;                        /* near a limit: partials are in a list by start, what started first goes first */
	struct ens_partial *oldest, *newest;
	size_t partial_bytes, cell_bytes;
	uint32_t mask_words, index;
	uint32_t origin_at;                 /* byte offset of the first link in a partial, if nothing branches */
	uint32_t slots_at;                  /* byte offset of the slots in a partial */
	uint32_t counters_at;
	uint32_t point_at;                  /* byte offset of the point in a partial; 0: it has none */
	uint32_t session_at;                /* byte offset of the session in a cell */
	uint32_t record_at;                 /* byte offset of the record in a cell; 0: it has none */
	struct ens_shared_plan *shared;     /* its matches share what they have in common, cells have no partials; NULL: not so */
	uint32_t shared_at;                 /* byte offset of what that keeps in a cell */
	struct ens_waiting_plan *waiting;   /* which partials an event reaches in cells with many; NULL: all */
	uint32_t waiting_at;                /* byte offset of its links in a partial */
	uint32_t waiting_cell_at;           /* byte offset of what it keeps in a cell */
	struct ens_counters *counters;      /* `match last`: what is to be known of counters */
	struct ens_partial *embryo;         /* state 0, in no cell: what every partial is born from */
	bool scope_only;                    /* nothing but the scope is ever due: the oldest partial's end is the earliest */
	bool branches;                      /* two partials may have taken the same events */
	bool start_guarded;                 /* some entry of state 0 has guards */
	bool reads_key;                     /* some program of it reads the key */
	bool one;                           /* of what is complete together only the first is reported, and uses up the rest */
	bool holds;                         /* complete matches wait for partials of earlier starts */
	bool times_out;                     /* partials that expire are told of */
	uint64_t emitted_now;               /* with the event or deadline at hand */
	struct ens_limit limit;             /* `limit N per D` */
	struct ens_rule *next_limited;      /* of the group */
	struct ens_rule_stats stats;
};

#define ENS_FOUND_TYPES 32u

/* Rules that share streams, clock and timers. */
struct ens_group {
	struct ens_wheel wheel;
	int64_t now_us;                     /* time of the latest event, or the watermark if that is later */
	int64_t last_us;                    /* time of the latest event */
	int64_t watch_start_us;
	bool started, watch_set;
	struct ens_interest *interest;      /* by type, then rule */
	uint32_t ninterest;
	uint32_t found[ENS_FOUND_TYPES];    /* in `interest`: the first of the type asked for last, of those with that remainder; or 0 */
	struct ens_rule *limited;           /* its rules with a `limit` */
	int64_t limit_due_us;               /* not after the earliest end of a limit's period */
	uint32_t nlayer;                    /* layers of its rules: 1 where none takes in what another derives */
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
	struct ens_dispatch *dispatch;      /* of a type's first: finds those that an event concerns; NULL: all are gone through */
};

/* A partial, and its place among those that are to be put in order. */
struct ens_found {
	struct ens_partial *p;
	uint32_t at;
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
	bool values_stay;                   /* texts that are captured are blobs already, and shared */
	struct ens_layers layers;
	uint64_t *nderived;                 /* by type: how many were derived */
	struct ens_engine_watch watch;      /* .before NULL: nobody */
	struct ens_value *key_value;        /* parts of the key at hand, decoded */
	struct ens_value *out_value;        /* of the emission at hand */
	bool *out_approx;                   /* likewise */
	struct ens_entry_id *event_ids;
	uint32_t event_ids_cap;
	char *identity;                     /* room for what is hashed */
	size_t identity_cap;
	struct ens_cell **due;              /* cells due at one time */
	uint32_t ndue, due_cap;
	struct ens_found *found;            /* complete with the event or deadline at hand; and room to sort partials in */
	uint32_t nfound, found_cap;
	struct ens_partial **called;        /* what the event at hand reaches */
	uint32_t ncalled, called_cap;
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

/* ---- rules: match_rule.c ------------------------------------------------------------------------------------------ */

/* Fills what the rule's tables imply; t, engine, group, keys and index are set. */
enum ens_status ens_rule_open(struct ens_rule *r) ENS_MUST_CHECK;
/* The part of it that says where what lies in a partial match and how large things are; only t need be set. */
void ens_rule_lay_out(struct ens_rule *r, const struct ens_tables *t); /* r->shared and r->waiting are set, or NULL */
void ens_rule_close(struct ens_rule *r);

/* Calls back for each condition that the rule asks of events: type, predicate, its bits. */
void ens_rule_triggers(struct ens_rule *r, void (*each)(void *user, uint32_t type, uint32_t predicate, uint64_t bits),
		       void *user);

void ens_partial_locate(const struct ens_rule *r, struct ens_partial *p); /* `match last`: fills its point */

/* ---- cells, as the engine sees them: match_select.c ----------------------------------------------------------------- */

/* The event at hand, with its bits, goes through the cell: partial matches, then new starts.  The cell may be empty afterwards. */
void ens_match_event(struct ens_cell *c, const struct ens_event *ev, uint64_t bits);
/* Everything of the cell that is due at time_us. */
void ens_match_due(struct ens_cell *c, int64_t time_us);
/* The timer of the cell is set, no later than what is due in it (M3). */
void ens_match_rearm(struct ens_cell *c);
/* Reports what no live partial match of an earlier start holds back any more; only for rules that hold. */
void ens_match_release(struct ens_cell *c, int64_t end_us);
/* Partials were dropped: what waited for them is reported. */
static inline void ens_match_settle(struct ens_cell *c, int64_t time_us)
{
	if (c->rule->holds)
		ens_match_release(c, time_us);
}
/* Forgets all of it: partial matches, session, remembered absences, record. */
void ens_match_clear(struct ens_cell *c);
/* True if nothing is left in the cell. */
bool ens_match_empty(const struct ens_cell *c);

/* ---- partial matches: match_partial.c ------------------------------------------------------------------------------- */

/* A copy of `from`: placed before it; of the embryo: placed last, as the newest, beginning with ev.  NULL: no memory. */
struct ens_partial *ens_partial_copy(struct ens_cell *c, struct ens_partial *from, const struct ens_event *ev);
/* A copy that is not placed in the cell: ENS_FOUND. */
struct ens_partial *ens_partial_clone(struct ens_partial *from);
/* Another event is taken, into `state`; it stands at `pos` among those of the cell.  False: no memory. */
bool ens_partial_extend(struct ens_partial *p, const struct ens_entry_id *id, uint64_t pos, uint32_t state);
/* Takes it out of the cell's list; it is the caller's then, still counted. */
void ens_partial_detach(struct ens_partial *p);
void ens_partial_hold(struct ens_partial *p); /* a detached one, into the cell's record */
void ens_match_drop(struct ens_partial *p);
void ens_match_drop_all(struct ens_cell *c); /* live and held ones */
struct ens_partial *ens_match_oldest(const struct ens_cell *c); /* what started first, or NULL */
/* Near a limit: puts the rule's partials into the list by start. */
void ens_match_list(struct ens_rule *r, struct ens_partial **partial, size_t n);

/* Order of two partials of one cell by the positions of their events, the first one's first (so by start); of [1] and
 * [1, 2] the former is smaller.  0: the same events. */
int ens_partial_compare(const struct ens_partial *a, const struct ens_partial *b);

/* A list of partials that is to be put in order: the engine's `found`. */
void ens_found_add(struct ens_engine *e, struct ens_partial *p);
void ens_found_sort(struct ens_engine *e); /* by ens_partial_compare; of equals as they were added */

/* What programs and emissions say of a key is that of the cell, until another is looked at. */
static inline void ens_cell_look_at_key(const struct ens_cell *c)
{
	struct ens_engine *e = c->rule->engine;

	ens_keys_decode(c->rule->keys, c->key, e->key_value);
	e->context.key = e->key_value;
}

static inline struct ens_value *ens_partial_slots(const struct ens_rule *r, struct ens_partial *p)
{
	return (struct ens_value *)(void *)((char *)p + r->slots_at);
}

static inline uint32_t *ens_partial_counters(const struct ens_rule *r, struct ens_partial *p)
{
	return (uint32_t *)(void *)((char *)p + r->counters_at);
}

static inline struct ens_point *ens_partial_point(const struct ens_rule *r, struct ens_partial *p)
{
	return (struct ens_point *)(void *)((char *)p + r->point_at);
}

static inline struct ens_record *ens_cell_record(const struct ens_cell *c)
{
	return c->rule->record_at ? (struct ens_record *)(void *)((char *)(uintptr_t)c + c->rule->record_at) : NULL;
}

/* The rule's scope is session. */
static inline struct ens_session *ens_cell_session(const struct ens_cell *c)
{
	return (struct ens_session *)(void *)((char *)(uintptr_t)c + c->rule->session_at);
}

static inline struct ens_shared_cell *ens_cell_shared(const struct ens_cell *c)
{
	return (struct ens_shared_cell *)(void *)((char *)(uintptr_t)c + c->rule->shared_at);
}

static inline struct ens_waiting *ens_cell_waiting(const struct ens_cell *c)
{
	return (struct ens_waiting *)(void *)((char *)(uintptr_t)c + c->rule->waiting_cell_at);
}

static inline const struct ens_t_entry *ens_partial_entries(const struct ens_rule *r, const struct ens_partial *p, uint32_t *n)
{
	const struct ens_t_state *s = &r->state[p->state];

	*n = s->entries.count;
	return &r->engine->tables->entry[s->entries.first];
}

static inline bool ens_entry_is_dead(const struct ens_partial *p, uint32_t entry)
{
	return p->dead[entry / 64] >> (entry % 64) & 1;
}

static inline void ens_entry_kill(struct ens_partial *p, uint32_t entry)
{
	p->dead[entry / 64] |= UINT64_C(1) << (entry % 64);
}

/* ---- slots: match_slots.c ------------------------------------------------------------------------------------------- */

void ens_slots_share(const struct ens_rule *r, struct ens_partial *p);   /* it was copied: one user more of all it keeps */
void ens_slots_release(const struct ens_rule *r, struct ens_partial *p);
void ens_slots_reset(const struct ens_rule *r, struct ens_value *slot, uint32_t first, uint32_t n);
void ens_slots_capture(struct ens_rule *r, struct ens_partial *p, const struct ens_t_capture *c);
/* The slots as they would be if entry t took an event: where a new round of a group begins, the names of its steps mean that
 * round's events, of which there are none.  Good until it is called again. */
const struct ens_value *ens_slots_behind(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t);
/* As ens_slots_capture, with what the capture's program gave. */
void ens_slots_add(struct ens_rule *r, struct ens_partial *p, const struct ens_t_capture *c, struct ens_value v);
/* A text of the event at hand becomes a blob that stays; null without memory. */
void ens_value_keep(struct ens_engine *e, struct ens_value *v);

/* ---- absences and deadlines: match_due.c ---------------------------------------------------------------------------- */

/* us + by_us, or the end of time. */
static inline int64_t ens_time_add(int64_t us, int64_t by_us)
{
	int64_t sum;

	if (__builtin_add_overflow(us, by_us, &sum))
		return by_us > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

/* Programs that look at a match look at p.  ENS_NONE holds. */
bool ens_partial_holds(const struct ens_rule *r, struct ens_partial *p, uint32_t program);
/* As if entry t took an event: see ens_slots_behind. */
bool ens_partial_holds_behind(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t, uint32_t program);
/* A limit of entry t, a constant or from the match, as if it took an event.  False: it is null. */
bool ens_entry_duration(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t, int64_t us,
			uint32_t program, int64_t *out);

static inline bool ens_entry_has_within(const struct ens_t_entry *t)
{
	return t->within_us >= 0 || t->within_program != ENS_NONE;
}

static inline bool ens_entry_has_after(const struct ens_t_entry *t)
{
	return t->after_us >= 0 || t->after_program != ENS_NONE;
}

/* The scope `within N events` is over for p once the event at hand was judged. */
static inline bool ens_events_over(const struct ens_rule *r, const struct ens_partial *p)
{
	return r->t->scope == ENS_T_EVENTS && p->cell->pos - p->start_pos + 1 >= (uint64_t)r->t->scope_amount;
}

/* When the scope ends for p; INT64_MAX: by no time. */
static inline int64_t ens_scope_end(const struct ens_rule *r, const struct ens_partial *p)
{
	return r->t->scope == ENS_T_TIME ? ens_time_add(p->start_us, r->t->scope_amount) : INT64_MAX;
}

int64_t ens_entry_within_end(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t); /* INT64_MAX: it has none */
/* Can the entry never be followed?  A limit is null, or an absence outlasts the scope. */
bool ens_entry_hopeless(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t);
/* Does the event at hand violate an absence that is on watch on the entry's way?  The entry has absences. */
bool ens_absence_violated(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t, const struct ens_event *ev);
/* Are the timed absences on the entry's way over at time_us, so that what comes then may be taken?  It has absences. */
bool ens_absence_over(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t, int64_t time_us);

uint32_t ens_accept_entry(const struct ens_rule *r, const struct ens_partial *p); /* the first that is not dead; else the number of entries */
bool ens_accept_free(const struct ens_rule *r, struct ens_partial *p, uint32_t at); /* no greedy repetition holds it back */
/* Is p complete by its accept entry `at` now that the event at hand is judged? */
bool ens_accept_has_come(const struct ens_rule *r, struct ens_partial *p, uint32_t at, const struct ens_event *ev);
bool ens_accept_is_due(const struct ens_rule *r, struct ens_partial *p, int64_t time_us, bool over); /* over: its scope is */
bool ens_partial_all_dead(const struct ens_rule *r, const struct ens_partial *p);
/* The earliest time at which something happens to p without an event. */
int64_t ens_partial_due(const struct ens_rule *r, struct ens_partial *p);
void ens_cell_set_timer(struct ens_cell *c, int64_t at_us);
/* The timer goes off then, or before; INT64_MAX: no matter. */
static inline void ens_cell_arm(struct ens_cell *c, int64_t at_us)
{
	if (at_us != INT64_MAX && !(ens_timer_is_set(&c->timer) && c->timer.deadline_us <= at_us))
		ens_cell_set_timer(c, at_us);
}

/* ---- steps: match_step.c -------------------------------------------------------------------------------------------- */

/* Offers the event at hand to p, or to the embryo.  What is complete is added to the engine's `found`; p may be gone. */
void ens_match_step(struct ens_cell *c, struct ens_partial *p, const struct ens_event *ev);
/* p is complete, and goes on if it can (`match all`; over: it can't any more). */
void ens_match_found(struct ens_partial *p, bool over);
void ens_match_expire(struct ens_partial *p); /* its time is over: to be told, or just dropped */
void ens_embryo_enter(struct ens_rule *r);    /* judges the guards of the ways to begin */
/* The ways (takes, accepts) that leave the repetition of a greedy entry: those behind it, but not in other branches of a `|`
 * that it stands in. */
struct ens_leaving {
	uint32_t within;    /* the entry, or the fork around it, in whose branch the next ones are */
	uint32_t next, end; /* of these */
	uint32_t leave_end;
};

static inline struct ens_leaving ens_leaving_from(const struct ens_t_entry *list, uint32_t at)
{
	const struct ens_t_entry *t = &list[at];

	return (struct ens_leaving){at, at + 1, t->branch_end < t->leave_end ? t->branch_end : t->leave_end, t->leave_end};
}

void ens_leaving_outward(struct ens_leaving *w, const struct ens_t_entry *list, uint32_t n); /* goes on behind the fork */
/* The next of them; n: there is none. */
static inline uint32_t ens_leaving_next(struct ens_leaving *w, const struct ens_t_entry *list, uint32_t n)
{
	for (;; ens_leaving_outward(w, list, n)) {
		for (; w->next < w->end; w->next++)
			if (list[w->next].kind <= ENS_T_ACCEPT)
				return w->next++;
		if (w->end >= w->leave_end)
			return n;
	}
}

/* Do the guards of the entry hold for p as it is? */
bool ens_entry_allowed(const struct ens_rule *r, struct ens_partial *p, const struct ens_t_entry *t);
/* Guards and actions, as far as they are about counters. */
bool ens_counters_allow(const uint32_t *counter, const struct ens_t_op *guard, uint32_t n);
void ens_counters_act(uint32_t *counter, const struct ens_t_op *action, uint32_t n);

/* ---- what is said: match_report.c ----------------------------------------------------------------------------------- */

/* What is said of matches of one cell at one time. */
struct ens_saying {
	struct ens_emission_source source;
	struct ens_emission emission;       /* of match p; what all have in common is filled in once */
	const struct ens_partial *p;
	bool timeout;
};

/* A complete match, or a partial one that timed out, as emissions to the sink.  It is the caller's as before. */
void ens_match_report(struct ens_partial *p, int64_t end_us, bool timeout);
/* Likewise for many of one cell, with no event or deadline of another in between.  `s` stays where it is. */
void ens_saying_begin(struct ens_saying *s, const struct ens_cell *c, int64_t end_us, bool timeout);
void ens_saying_match(struct ens_saying *s, struct ens_partial *p);
/* Room for n IDs in e->event_ids, where the entries of the emission at hand are listed.  False without memory. */
bool ens_event_ids_room(struct ens_engine *e, uint32_t n) ENS_MUST_CHECK;

#endif
