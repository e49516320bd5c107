/*
 * Emissions and dead letters into streams, committed together with the job's progress.
 */
#ifndef ENS_RUNTIME_IO_REDIS_SINK_H
#define ENS_RUNTIME_IO_REDIS_SINK_H

#include "runtime/io/redis_job.h"
#include "runtime/worker.h"

struct ens_redis_sink_options {
	bool provenance;          /* emissions name the entries that made them */
	uint64_t dead_max;        /* dead letters kept, about */
};

struct ens_redis_sink_stats {
	uint64_t commits, emissions, parked;
};

struct ens_redis_sink;

/* `job` has been started and stands at `start`.  `err` is the run's: what goes wrong while the engine emits is told
 * there. */
enum ens_status ens_redis_sink_open(struct ens_redis_job *job, const struct ens_redis_sink_options *options,
				    const struct ens_progress *start, struct ens_redis_sink **out,
				    struct ens_error *err) ENS_MUST_CHECK;
void ens_redis_sink_close(struct ens_redis_sink *s); /* NULL is fine; what is queued is dropped */

struct ens_sink ens_redis_sink_interface(struct ens_redis_sink *s);
struct ens_emission_sink ens_redis_sink_emissions(struct ens_redis_sink *s); /* for the engine */
struct ens_redis_sink_stats ens_redis_sink_stats(const struct ens_redis_sink *s);

#endif
