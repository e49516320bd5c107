/*
 * Event time: one order for the events of all streams of a group of rules, and how far time has come.
 *
 * Each stream has its own watermark (newest event time read - lateness - 1 us).  An event at or under its own stream's
 * watermark is late: its type says whether it is taken then, with the earliest time that is still in time, or not (with
 * the time of its entry's ID: it is).  A repeat of a `unique` value (runtime/unique.h) is not taken.  An event is released to the engine as soon as nothing that sorts before it can still come: when
 * its time is at or under newest - lateness of every stream of the group (under it for a stream that sorts before its
 * own).  One stream with lateness 0 buffers nothing.  One function decides late, released and due.
 *
 * Files: all types of one run of inputs are put in order as one stream (`single`) with the greatest lateness of all;
 * ties go by line.  What is late is judged by the event's own stream, too, so that it is the same as on Redis for any way
 * of mixing the streams that this lateness spans.
 */
#ifndef ENS_RUNTIME_ORDER_H
#define ENS_RUNTIME_ORDER_H

#include "runtime/decode.h"
#include "runtime/engine.h"
#include "runtime/unique.h"

/* Events that may wait at one time: some 200 bytes each for small events, with their place in the queue and their marks. */
#define ENS_ORDER_BUFFERED_MAX 1000000u

struct ens_order;

enum ens_order_verdict {
	ENS_ORDER_TAKEN,
	ENS_ORDER_LATE,    /* too late; not taken.  Its type says what becomes of it */
	ENS_ORDER_REPEATED /* not taken, to be forgotten */
};

/* Since it was opened. */
struct ens_order_counts {
	uint64_t late;      /* not taken */
	uint64_t accepted;  /* late, but taken with a later time */
	uint64_t repeated;
	uint64_t forgotten; /* `unique` values that were forgotten early: too many */
	uint64_t remembered; /* `unique` values, now */
};

/* Of one type, since it was opened; what is read again after a restart does not count. */
struct ens_order_type_counts {
	uint64_t taken, late, repeated;
	uint64_t accepted;  /* of those taken: late */
};

/* `single`: every event belongs to stream 0, whatever its id.stream says. */
enum ens_status ens_order_open(const struct ens_tables *t, struct ens_engine *engine, bool single,
			       struct ens_order **out, struct ens_error *err) ENS_MUST_CHECK;
void ens_order_close(struct ens_order *o);

/*
 * Offers one event to every group that reads its stream.  The event is copied if it has to wait.
 * ENS_ELIMIT: as many events wait as may (ens_order_set_limit) and this one would have to wait too; it was not
 * taken.  Push it again once other streams have moved on, or give up: with one stream it means that the lateness
 * spans more events than may wait.
 */
enum ens_status ens_order_push(struct ens_order *o, const struct ens_event *ev,
			       enum ens_order_verdict *verdict) ENS_MUST_CHECK;

/* Ties of several streams go by arrival (tests: by line); before the first event. */
void ens_order_ties_by_arrival(struct ens_order *o);

/* This event will be pushed soon; see ens_engine_expect. */
void ens_order_expect(const struct ens_order *o, const struct ens_event *ev);

/*
 * A tick: the watermark of `stream` is at least watermark_us (semantics.md section 6). Releases what that lets go
 * and what is due.
 */
enum ens_status ens_order_tick(struct ens_order *o, uint32_t stream, int64_t watermark_us) ENS_MUST_CHECK;

/* Time stands still for a while: what is due at the very time that each group has come to is emitted, too; more events of
 * that time may follow. */
enum ens_status ens_order_stand(struct ens_order *o) ENS_MUST_CHECK;

/*
 * `stream` had no entries for its idle time: its watermark becomes the greatest that any group reading it would have
 * without those that are `silent` (by stream, with this one); groups where all are do not count.
 */
enum ens_status ens_order_idle(struct ens_order *o, uint32_t stream, const bool *silent) ENS_MUST_CHECK;

/*
 * The input has ended: everything buffered is released; `flush`: then time goes to its end; else it stands at the
 * last event (what is due at that very time is emitted).
 */
enum ens_status ens_order_end(struct ens_order *o, bool flush) ENS_MUST_CHECK;

int64_t ens_order_watermark(const struct ens_order *o, uint32_t stream); /* INT64_MIN: nothing read */
int64_t ens_order_earliest(const struct ens_order *o, const struct ens_event *ev); /* earliest time at which it would be in time */
/* From a stored head, before the first event. */
void ens_order_set_watermark(struct ens_order *o, uint32_t stream, int64_t watermark_us);
/* No event that waits for its turn in the group is earlier; INT64_MAX: none waits. */
int64_t ens_order_next_waiting(const struct ens_order *o, uint32_t group);
/* Entries that wait (one that waits in two groups counts once). */
uint64_t ens_order_buffered(const struct ens_order *o);
void ens_order_set_limit(struct ens_order *o, uint64_t max_buffered); /* default ENS_ORDER_BUFFERED_MAX */
struct ens_order_counts ens_order_counts(const struct ens_order *o);
struct ens_order_type_counts ens_order_type_counts(const struct ens_order *o, uint32_t type);

/*
 * Stopping and going on.  A committed offset must not pass an entry that still waits (or tells repeats), so what lies between it and the
 * last entry read is read again after a restart; some of that was released before.  At a commit the source stores, per
 * stream, the last entry read, the offset (just before ens_order_oldest, or the last entry read if nothing waits), and
 * the watermark that belongs to that offset, ens_order_stored_watermark; per group, ens_order_released.  After the
 * restart, before the first event: ens_order_set_watermark and ens_order_reread for each stream,
 * ens_order_set_released for each group.  Since the watermark is that of the offset, what is read again is judged late
 * or in time as it was (but for ticks between), and other streams wait for it as they did; and a group does not get
 * again what sorts at or before its released position.
 */
struct ens_order_position {
	int64_t time_us;
	struct ens_entry_id id; /* with the stream */
};

/* What waits and how far time has come, as bytes and back (runtime/state.h).  Loading: into an order that was just opened, in front
 * of an engine that has been loaded. */
void ens_order_save(const struct ens_order *o, struct ens_state_out *out);
bool ens_order_load(struct ens_order *o, struct ens_state_in *in);

/* The oldest entry of the stream (the one read first) that still waits in any group, or whose `unique` value still tells
 * repeats.  False: there is none. */
bool ens_order_oldest(const struct ens_order *o, uint32_t stream, struct ens_entry_id *out);
/* The watermark as it was before that entry was read; if none waits, as it is. */
int64_t ens_order_stored_watermark(const struct ens_order *o, uint32_t stream);
/* The last event that was handed to the engine for this group.  False: none was. */
bool ens_order_released(const struct ens_order *o, uint32_t group, struct ens_order_position *out);
void ens_order_reread(struct ens_order *o, uint32_t stream, const struct ens_entry_id *last_read);
void ens_order_set_released(struct ens_order *o, uint32_t group, const struct ens_order_position *pos);

#endif
