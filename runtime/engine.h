/*
 * The engine: tables and events in, emissions out.  Pure: no clock, no I/O.
 *
 * Events of one group of rules (struct ens_t_group) are pushed in order (semantics.md section 1); time moves with them and by
 * ens_engine_advance.  The same calls give the same emissions in the same order.
 */
#ifndef ENS_RUNTIME_ENGINE_H
#define ENS_RUNTIME_ENGINE_H

#include "runtime/event.h"
#include "runtime/tables.h"

struct ens_engine_options {
	uint64_t seed;                 /* of the key hash; does not change results */
	uint32_t keys_per_rule;        /* 0: the default, 1,000,000 */
	uint32_t partials_per_key;     /* 0: 10,000 */
	uint32_t partials_per_rule;    /* 0: 1,000,000 */
	uint32_t emissions_per_event;  /* of one rule; 0: 10,000 */
	uint64_t memory_bytes;         /* of partial matches, keys and what they keep, all rules together; 0: 1 GiB */
	bool no_lookahead;             /* ens_engine_expect does nothing */
	bool no_index;                 /* events go to all rules of their type, each judges whether it is concerned */
	bool no_large_pages;           /* memory on pages of the usual size, however much it is */
	bool no_shared_matches;        /* each partial match is kept by itself, also where those of a rule could share their events:
	                                * for those who look at them */
	uint32_t index_waiting_from;   /* with so many partial matches under one key an event reaches only those whose values agree,
	                                * where rules allow it (runtime/waiting.h); 0: 16; UINT32_MAX: never */
	struct ens_emission_sink sink;
};

/* How many events before its turn an event is best announced to ens_engine_expect. */
#define ENS_ENGINE_LOOKAHEAD 16u

/* Counters of one rule since the engine was opened. */
struct ens_rule_stats {
	uint64_t concerned;     /* events that could matter to the rule */
	uint64_t started;       /* partial matches begun */
	uint64_t matched;       /* complete matches reported */
	uint64_t emitted;       /* emissions (after having) */
	uint64_t refused;       /* matches that `having` did not let through */
	uint64_t timed_out;     /* partial matches told of by `on timeout` */
	uint64_t suppressed;    /* matches and timeouts held back by `limit` */
	uint64_t dropped_emissions; /* beyond emissions_per_event (shared: as far as they were looked at), or memory_bytes while
	                             * one event was at hand */
	uint64_t dropped_periods;   /* of `limit`, forgotten before their time: more than keys_per_rule */
	uint64_t dropped_keys, dropped_per_key, dropped_per_rule, dropped_memory; /* over a limit: what started first goes */
	uint64_t partials, keys;/* live now; shared: partials are events that steps took, for matches that share them */
	bool shared;            /* runtime/shared.h */
};

struct ens_engine;

/* `tables` must outlive the engine. */
enum ens_status ens_engine_open(const struct ens_tables *tables, const struct ens_engine_options *options,
				struct ens_engine **out, struct ens_error *err) ENS_MUST_CHECK;
void ens_engine_close(struct ens_engine *e);

/* One event for the rules of group `group`, not earlier than the one before.  First everything due before its time is
 * emitted, then what it completes.  ENS_ENOMEM, or what the sink returned. */
enum ens_status ens_engine_push(struct ens_engine *e, uint32_t group, const struct ens_event *ev) ENS_MUST_CHECK;

/* Who looks on.  `before`: before anything that is due by the time of an event, or, if it is derived, before it is offered;
 * `after`: it was offered.  What a deadline derives comes within the calls for the event that moved time. */
struct ens_engine_watch {
	void (*before)(void *user, uint32_t group, const struct ens_event *ev);
	void (*after)(void *user, uint32_t group, const struct ens_event *ev);
	void *user;
};
void ens_engine_watch(struct ens_engine *e, const struct ens_engine_watch *watch); /* copied */

/* This event will be pushed soon (ENS_ENGINE_LOOKAHEAD events from now is best): memory that it needs is fetched meanwhile.
 * A hint: changes no result, and an event may be pushed without it, or never. */
void ens_engine_expect(struct ens_engine *e, uint32_t group, const struct ens_event *ev);

/* Event time of the group has reached watermark_us: everything due at or before it is emitted. INT64_MAX: the end of time. */
enum ens_status ens_engine_advance(struct ens_engine *e, uint32_t group, int64_t watermark_us) ENS_MUST_CHECK;

/* The earliest time at which something is due in the group; INT64_MAX: nothing is. */
int64_t ens_engine_next_due(const struct ens_engine *e, uint32_t group);

/* The group's time: that of its latest event, or how far it was advanced if that is later; INT64_MIN: neither. */
int64_t ens_engine_now(const struct ens_engine *e, uint32_t group);

/* Where the watch of leading absences starts (semantics.md section 2): set once from the first event, kept with the job. */
bool ens_engine_watch_start(const struct ens_engine *e, uint32_t group, int64_t *out_us);
void ens_engine_set_watch_start(struct ens_engine *e, uint32_t group, int64_t us);

void ens_engine_rule_stats(const struct ens_engine *e, uint32_t rule, struct ens_rule_stats *out);
/* True when no partial match, session or absence is open in any group: a restart from here loses nothing. */
bool ens_engine_idle(const struct ens_engine *e);
uint64_t ens_engine_bytes(const struct ens_engine *e); /* held by partial matches, keys and timers */
uint64_t ens_engine_derived(const struct ens_engine *e, uint32_t type); /* events of that type, since it was opened */
uint64_t ens_engine_nulled(const struct ens_engine *e); /* results lost to overflow and division by zero */

#endif
