/*
 * What entries look like, as declarations of event types: the narrowest types that take every value seen.
 */
#ifndef ENS_TOOLS_INFER_H
#define ENS_TOOLS_INFER_H

#include "base/arena.h"
#include "base/buf.h"
#include "runtime/decode.h"

struct infer;

/* Everything lives in the arena.  `redis`: entries of a Redis stream, whose time is in their IDs.  NULL: no memory. */
struct infer *infer_begin(struct ens_arena *arena, bool redis);
void infer_end(struct infer *w); /* NULL: nothing to end */
/* Takes one entry into account; what it needs of it is copied.  False without memory. */
bool infer_entry(struct infer *w, const struct ens_entry *entry);
/* Entries that were taken into account; and others: with bytes that are not UTF-8, or whose `event` can't name a type. */
uint32_t infer_taken(const struct infer *w);
uint32_t infer_left_out(const struct infer *w);
/* Entries that could not be read at all. */
struct infer_bad {
	uint32_t n;
	uint64_t first_line;
	struct ens_error why;       /* of the first one */
};

struct ens_redis_address;       /* runtime/io/redis_conn.h */

/* Takes up to 1,000 entries of a file ("-": standard input), or the newest ones of a stream.  ENS_EENV: it can't be read;
 * ENS_ENOMEM. */
enum ens_status infer_file(struct infer *w, const char *name, struct infer_bad *bad, struct ens_error *err) ENS_MUST_CHECK;
enum ens_status infer_stream(struct infer *w, const struct ens_redis_address *address, const char *stream,
			     struct ens_error *err) ENS_MUST_CHECK;

/* Appends the declarations.  `stream`: where the events come from; the type is named after it where the entries name none. */
void infer_write(const struct infer *w, const char *stream, struct ens_buf *out);

#endif
