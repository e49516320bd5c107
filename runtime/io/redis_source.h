/*
 * Streams as a source of the worker: TIME and XREAD on a connection of their own, the next one always under way.
 */
#ifndef ENS_RUNTIME_IO_REDIS_SOURCE_H
#define ENS_RUNTIME_IO_REDIS_SOURCE_H

#include "runtime/io/redis_conn.h"
#include "runtime/worker.h"

struct ens_redis_source_options {
	uint32_t read_size;   /* entries of one stream in one read, at most */
	int64_t max_skew_us;  /* see struct ens_decoder_options */
};

struct ens_redis_source;

/* Reads all streams of the tables from `start->resume` on.  Connects with the first take.  `env`, `tables` must outlive
 * it. */
enum ens_status ens_redis_source_open(const struct ens_redis_env *env, const struct ens_tables *tables,
				      const struct ens_redis_source_options *options, const struct ens_progress *start,
				      struct ens_redis_source **out, struct ens_error *err) ENS_MUST_CHECK;
void ens_redis_source_close(struct ens_redis_source *s); /* NULL is fine */

struct ens_source ens_redis_source_interface(struct ens_redis_source *s);
int ens_redis_source_fd(const struct ens_redis_source *s); /* -1: not connected */

#endif
