/*
 * Dead letters of jobs on Redis (runtime.md section 6): where they are, what is in one, and putting an entry back.
 */
#ifndef ENS_TOOLS_DEAD_H
#define ENS_TOOLS_DEAD_H

#include "base/buf.h"
#include "runtime/io/redis_conn.h"

struct redisReply;

struct dead_text {
	const char *s;
	size_t len;
};

/* One letter, borrowed from an answer of the server.  Texts that it lacks are empty. */
struct dead_letter {
	const char *key;               /* the stream that it is in */
	struct dead_text letter;       /* its own ID there */
	struct dead_text reason, detail, stream, entry, field, rule;
	bool cut;                      /* values were cut, or fields left out */
	const struct redisReply *pairs;/* names and values by turns */
	size_t own;                    /* where the entry's own begin among them */
};

struct dead_box {
	struct ens_redis_env env;
	struct ens_redis_conn *conn;
	char **key;                    /* streams of letters, sorted */
	size_t nkey;
};

/* Connects.  ENS_EENV with the reason. */
enum ens_status dead_open(struct dead_box *b, const struct ens_redis_address *address, struct ens_error *err) ENS_MUST_CHECK;
void dead_close(struct dead_box *b);

/* Finds the streams of dead letters of a job; NULL: of all jobs. */
enum ens_status dead_find(struct dead_box *b, const char *job, struct ens_error *err) ENS_MUST_CHECK;
/* Or takes this one. */
enum ens_status dead_take(struct dead_box *b, const char *key, struct ens_error *err) ENS_MUST_CHECK;
/* The job whose letters a key holds; its length 0: it is none of ours. */
struct dead_text dead_job(const char *key);

/* Calls `each` with every letter that is in the streams by now, newest first or oldest first, until it returns another
 * status than ENS_OK, which is returned. */
typedef enum ens_status dead_each(void *user, const struct dead_letter *l, struct ens_error *err);
enum ens_status dead_walk(struct dead_box *b, bool newest_first, dead_each *each, void *user,
			  struct ens_error *err) ENS_MUST_CHECK;

enum dead_outcome {
	DEAD_BACK,  /* the entry is in its stream again, the letter is gone */
	DEAD_GONE,  /* somebody else has taken the letter meanwhile */
	DEAD_CUT    /* the entry is no longer in its stream, and the letter has only part of it (or it has thousands of fields);
	             * nothing was changed */
};
/* Puts the entry back: as it stands in its stream, if it is still there, else as the letter has it. */
enum ens_status dead_replay(struct dead_box *b, const struct dead_letter *l, enum dead_outcome *out,
			    struct ens_error *err) ENS_MUST_CHECK;

#endif
