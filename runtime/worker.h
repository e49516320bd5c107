/*
 * The worker's loop: read, match, commit.
 *
 * Written against three small interfaces, so that simulated ones can stand in: a source that hands over batches of
 * events, a sink that takes emissions and commits them together with the progress, and a clock that waits for either.
 * None of them is called from another thread.
 */
#ifndef ENS_RUNTIME_WORKER_H
#define ENS_RUNTIME_WORKER_H

#include <signal.h>

#include "runtime/decode.h"
#include "runtime/engine.h"
#include "runtime/order.h"

/* ---- progress: what a commit makes durable ----------------------------------------------------------------------- */

/* A place in a stream: everything up to this ID.  0-0 is before the first entry. */
struct ens_entry_at {
	uint64_t ms, seq;
};

struct ens_stream_progress {
	bool known;                  /* the job has a place in this stream */
	struct ens_entry_at resume;  /* reading goes on behind it after a restart */
	struct ens_entry_at read;    /* the last entry that was processed; at or behind `resume` */
	int64_t watermark_us;        /* as it was at `resume`; INT64_MIN: none */
	uint64_t count;              /* entries processed since the job began */
};

struct ens_group_progress {
	bool released;
	struct ens_order_position position; /* if released: of the last event that the group's rules got */
	bool watching;
	int64_t watch_start_us;             /* if watching: see ens_engine_watch_start */
};

/* One element for each stream and group of the tables. */
struct ens_progress {
	struct ens_stream_progress *stream;
	uint32_t nstream;
	struct ens_group_progress *group;
	uint32_t ngroup;
};
enum ens_status ens_progress_init(const struct ens_tables *t, struct ens_progress *out) ENS_MUST_CHECK;
void ens_progress_free(struct ens_progress *p);

/* ---- source ------------------------------------------------------------------------------------------------------ */

struct ens_stream_read {
	bool asked;                  /* this read was for the stream, too */
	bool ended;                  /* the stream had no more entries at the time of the read */
	struct ens_entry_at last;    /* the last entry read; unchanged: none came */
	uint64_t entries; /* that came; those up to the `read` of the start's progress are not counted again */
	uint64_t bytes, skipped; /* of all entries that came: bytes; entries that no type takes */
};

struct ens_read {
	struct ens_batch *batch;     /* the source's, valid until the next call */
	const uint64_t *entry;       /* per event of the batch: how many of its stream's `entries` had come with it */
	const struct ens_stream_read *stream; /* one for each stream of the tables; their entries come in that order */
	int64_t server_us;           /* the server's clock before the read */
	int64_t asked_us;            /* ours then; a read that waits for entries comes back much later */
};

/* What the next read should be like. */
struct ens_read_wish {
	int64_t wait_us;             /* for entries, at most; 0: it comes back at once */
	bool here; /* wait before the read instead of in it: a server's timers are coarse while it is idle */
	const bool *pause;           /* per stream: not this one */
};

struct ens_source {
	void *self;
	/* What has been read, if there is something by now (else *got is false); the next read is then asked for at
	 * once, and comes back at once if there were entries: when they make something due is not known yet. Problems
	 * that pass are dealt with inside; a status other than ENS_OK ends the run. */
	enum ens_status (*take)(void *self, const struct ens_read_wish *next, struct ens_read *out, bool *got,
				struct ens_error *err);
};

/* ---- sink -------------------------------------------------------------------------------------------------------- */

struct ens_sink {
	void *self;
	/* Queues.  The engine's sink is called in between by way of the same queue. */
	enum ens_status (*dead)(void *self, const struct ens_reject *r, struct ens_error *err);
	/* The same, but it goes to the stream that the event type names for what comes too late. */
	enum ens_status (*late)(void *self, const struct ens_reject *r, uint32_t type, struct ens_error *err);
	/* Something is queued; as much is queued as one commit should have. */
	bool (*pending)(void *self);
	bool (*full)(void *self);
	/* Sends what is queued, with the progress it belongs to.  Only when idle. */
	enum ens_status (*commit)(void *self, const struct ens_progress *p, struct ens_error *err);
	/* Deals with answers, keeps the lease; waits for the commit under way if `wait`.  *idle: none is under way. */
	enum ens_status (*settle)(void *self, bool wait, bool *idle, struct ens_error *err);
};

/* ---- clock ------------------------------------------------------------------------------------------------------- */

struct ens_clock {
	void *self;
	int64_t (*now_us)(void *self);               /* monotonic */
	void (*wait)(void *self, int64_t at_most_us, bool source_too); /* until the sink (or source) has something */
	void (*turn)(void *self);                    /* after each turn of the loop: for who looks on; NULL: nobody */
};

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

struct ens_worker_options {
	int64_t commit_interval_us;  /* a commit without emissions waits that long for company */
	uint32_t commit_entries;     /* or until so many entries are processed */
	int64_t block_us;            /* longest wait of one read */
	uint64_t ahead;              /* events that may wait before the streams that are ahead are not read */
	const volatile sig_atomic_t *stop; /* not 0: end in order */
};

/* IDs are made from the server's clock; one so far ahead of it was given by hand, or the clock was wrong. */
#define ENS_AHEAD_US INT64_C(60000000)

struct ens_worker_stats {
	uint64_t entries, events, skipped, dead, again; /* again: read before the restart already */
	uint64_t late_to, late_dropped; /* of the late events, those that went to a stream of their own; that were forgotten */
	uint64_t reads;
};

/* The same of one stream; lag_us and `silent` are as of the last read. */
struct ens_stream_stats {
	uint64_t entries, bytes, skipped;
	uint64_t dead[ENS_NREJECT];     /* entries and events that became dead letters */
	uint64_t ticks;                 /* times that the clock, or silence, moved its watermark */
	uint64_t silences;              /* times that it had had no entry for its idle time */
	uint64_t ahead_of_clock;        /* reads whose last ID was ahead of the server's clock, by more than ENS_AHEAD_US */
	int64_t lag_us;                 /* how long ago the last entry read came, by the server's clock; 0: it was read to its end */
	bool silent;
};

struct ens_worker {
	const struct ens_tables *tables;
	struct ens_engine *engine;   /* its emissions go into the sink's queue */
	struct ens_order *order;
	struct ens_source source;
	struct ens_sink sink;
	struct ens_clock clock;
	struct ens_worker_options options;
	struct ens_progress progress; /* where the job stands: at the start from the sink, then as processed */
	struct ens_worker_stats stats;
	struct ens_stream_stats *of_stream; /* one for each stream of the tables; the caller's, all zero */
};

/* Runs until asked to stop or something fails; when asked to stop, everything processed is committed before it returns.
 */
enum ens_status ens_worker_run(struct ens_worker *w, struct ens_error *err) ENS_MUST_CHECK;

#endif
