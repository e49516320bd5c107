/*
 * `ensue run --redis`: the streams that the rules name, matched, committed.
 */
#ifndef ENS_RUNTIME_IO_REDIS_RUN_H
#define ENS_RUNTIME_IO_REDIS_RUN_H

#include "runtime/io/http.h"
#include "runtime/io/redis_conn.h"
#include "runtime/io/run_hooks.h"
#include "runtime/tables.h"

/* Settings of one run.  0 and NULL stand for the default, except where another value is said. */
struct ens_redis_options {
	const struct ens_redis_address *address;
	const char *job;            /* its state is kept under that name */
	const char *from;           /* a new job begins at: start (default), now, an entry ID, or a time */
	uint32_t read_size;         /* entries of one stream in one read; default 1,000 */
	int64_t commit_interval_us; /* a commit without emissions may wait that long for company; default 5 ms */
	int64_t give_up_us;         /* Redis unreachable for longer ends the run; 0: at once */
	int64_t max_skew_us;        /* an event's time may be ahead of its entry ID by that; 0: by nothing, -1: by anything */
	uint64_t ahead;             /* events that may wait for slower streams; default 100,000 */
	uint32_t max_emissions;     /* of one rule at one event; 0: the engine's default */
	uint64_t dead_max;          /* dead letters kept, about; default 100,000 */
	bool no_provenance;         /* emissions do not name the entries that made them */
	bool no_shared_matches;     /* as in struct ens_engine_options */
	uint32_t index_waiting_from; /* likewise */
	bool quiet;                 /* only warnings on standard error */
	const struct ens_http_address *http; /* status and metrics are served there; NULL: nowhere */
	const volatile sig_atomic_t *stop; /* not 0: end in order */
	struct ens_run_hooks hooks;
};

/*
 * Runs until asked to stop (ENS_OK: everything processed is committed, the lease given back).
 * ENS_EINPUT: an option is wrong; ENS_EENV, ENS_EFENCED: exit 3; ENS_ENOMEM, ENS_EBUG: exit 4.
 */
enum ens_status ens_run_redis(const struct ens_tables *tables, const struct ens_redis_options *options,
			      struct ens_error *err) ENS_MUST_CHECK;

#endif
