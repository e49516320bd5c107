/*
 * The answer to a read: TIME and XREAD, straight from the wire into typed events.
 *
 * hiredis's reader calls our object functions for each element; there is no reply tree.  They collect the entries'
 * texts, and from these the decoder fills the batch.  Nothing here does I/O: bytes in, batch out, in whatever pieces
 * they come.
 */
#ifndef ENS_RUNTIME_IO_REDIS_REPLY_H
#define ENS_RUNTIME_IO_REDIS_REPLY_H

#include "runtime/decode.h"
#include "runtime/worker.h"

/* What a complete answer says besides the batch. */
struct ens_redis_read {
	int64_t server_us;                   /* the server's clock before the read */
	bool nothing;                        /* no stream had an entry within the block time */
	char error[ENS_ERROR_MAX];           /* an error answer, as the server sent it; empty: none */
	const struct ens_entry_at *last;     /* per stream of the tables: last entry read so far */
	const uint64_t *all_entries;         /* per stream: entries in this answer */
	const uint64_t *entries;             /* after decoding: those of them behind `counted` */
	const uint64_t *all_bytes;           /* per stream: of the entries' fields in this answer */
	const uint64_t *skipped;             /* per stream, after decoding: entries that no type takes */
	const uint64_t *entry; /* after decoding: per event of the batch, how many of its stream's `entries` had come */
	uint64_t total_entries, len_bytes;   /* of this answer */
};

struct ens_redis_reader;

/* `tables` and `decoder` must outlive the reader. */
enum ens_status ens_redis_reader_open(const struct ens_tables *tables, struct ens_decoder *decoder,
				      struct ens_redis_reader **out, struct ens_error *err) ENS_MUST_CHECK;
void ens_redis_reader_close(struct ens_redis_reader *r); /* NULL is fine */

/* Forgets what was half read: a new connection. */
enum ens_status ens_redis_reader_restart(struct ens_redis_reader *r, struct ens_error *err) ENS_MUST_CHECK;

/* Expects the next pair of answers.  One for each stream of the tables: `after`: IDs that the entries must be above
 * (copied); `counted`: entries up to there do not count (borrowed). */
void ens_redis_reader_begin(struct ens_redis_reader *r, const struct ens_entry_at *after,
			    const struct ens_entry_at *counted);

/* Takes bytes.  *complete: both answers are there, see ens_redis_reader_result.  ENS_EINPUT: this is not what a Redis
 * server answers to TIME and XREAD; ENS_ENOMEM. */
enum ens_status ens_redis_reader_feed(struct ens_redis_reader *r, const char *bytes, size_t len_bytes, bool *complete,
				      struct ens_error *err) ENS_MUST_CHECK;

/* Empties the batch and decodes the entries of a complete answer into it. */
enum ens_status ens_redis_reader_decode(struct ens_redis_reader *r, struct ens_batch *into,
					struct ens_error *err) ENS_MUST_CHECK;

/* Of a complete answer.  Valid until the next begin. */
const struct ens_redis_read *ens_redis_reader_result(const struct ens_redis_reader *r);

/* "MS-SEQ" in decimal, nothing else. */
bool ens_entry_id_parse(const char *s, size_t len, struct ens_entry_at *out);

#endif
