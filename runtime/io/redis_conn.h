/*
 * One connection to a Redis server: where it is, getting in, commands out, answers in.
 *
 * hiredis connects and parses; reading, writing and waiting are ours, so that nothing waits longer than it was told to.
 * The statuses say what to do next:
 *   ENS_OK     done
 *   ENS_EEND   the connection is gone (or the answer did not come in time): open another one and find out what happened
 *   ENS_EENV   final: trying again will not help; the error says what is wrong and what would be right
 *   ENS_ENOMEM
 */
#ifndef ENS_RUNTIME_IO_REDIS_CONN_H
#define ENS_RUNTIME_IO_REDIS_CONN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct ens_monitor;
struct redisReply;

#define ENS_REDIS_TIMEOUT_US 10000000 /* an answer that takes longer is taken for lost */

/* ---- where ------------------------------------------------------------------------------------------------------- */

struct ens_redis_address {
	bool is_unix;
	char *host;         /* or the socket's path */
	int port;
	char *user, *password; /* NULL: none */
	int db;
	char shown[160];    /* for messages: without secrets */
};

/* redis://[[user]:password@]host[:port][/db], unix:///path[?db=N].  `password_file` (NULL: none): its first line is the
 * password.  ENS_EINPUT: not such a URL; ENS_EENV: the file can't be read.  The caller frees. */
enum ens_status ens_redis_address_parse(const char *url, const char *password_file, struct ens_redis_address *out,
					struct ens_error *err) ENS_MUST_CHECK;
void ens_redis_address_free(struct ens_redis_address *a); /* overwrites the secrets */

/* ---- patience ---------------------------------------------------------------------------------------------------- */

/* How long a run keeps trying, and whether it was asked to stop.  Shared by all its parts. */
struct ens_redis_env {
	const struct ens_redis_address *address;
	int64_t give_up_us;                  /* after that long without success */
	const volatile sig_atomic_t *stop;   /* not 0: end soon */
	bool starting;                       /* a server that can't be reached is final */
	struct ens_monitor *monitor;         /* runtime/io/monitor.h; NULL: nobody watches */
};

/* One stretch of failures; zero: all is well. */
struct ens_redis_patience {
	int64_t since_us, pause_us;
};

/* Waits before another try, longer each time.  ENS_EENV when it has lasted too long: `err`, which holds the last
 * failure, is completed with that. */
enum ens_status ens_redis_wait(const struct ens_redis_env *env, struct ens_redis_patience *p,
			       struct ens_error *err) ENS_MUST_CHECK;

/* ---- commands ---------------------------------------------------------------------------------------------------- */

void ens_resp_begin(struct ens_buf *b, size_t nargs);
void ens_resp_arg(struct ens_buf *b, const char *s, size_t len_bytes);
void ens_resp_text(struct ens_buf *b, const char *s);
void ens_resp_number(struct ens_buf *b, uint64_t n);

/* ---- the connection ---------------------------------------------------------------------------------------------- */

struct ens_redis_conn;

/* Connects, authenticates, selects the database.  ENS_EEND: not reachable now, or not ready (LOADING ...). */
enum ens_status ens_redis_open(const struct ens_redis_env *env, struct ens_redis_conn **out,
			       struct ens_error *err) ENS_MUST_CHECK;
void ens_redis_close(struct ens_redis_conn *c); /* NULL is fine */
int ens_redis_fd(const struct ens_redis_conn *c);

enum ens_status ens_redis_send(struct ens_redis_conn *c, const struct ens_buf *command,
			       struct ens_error *err) ENS_MUST_CHECK;

/* Takes what has come, at most `cap` bytes, without waiting: *len_bytes is 0 if nothing has. */
enum ens_status ens_redis_receive(struct ens_redis_conn *c, char *into, size_t cap, size_t *len_bytes,
				  struct ens_error *err) ENS_MUST_CHECK;

/* The next answer, waiting up to wait_us for it; *out is NULL if it has not come.  Freed by ens_redis_free. */
enum ens_status ens_redis_answer(struct ens_redis_conn *c, int64_t wait_us, struct redisReply **out,
				 struct ens_error *err) ENS_MUST_CHECK;
void ens_redis_free(struct redisReply *r); /* NULL is fine */

/* Sends and waits for the answer; never NULL on success.  An error answer is a success here. */
enum ens_status ens_redis_call(struct ens_redis_conn *c, const struct ens_buf *command, struct redisReply **out,
			       struct ens_error *err) ENS_MUST_CHECK;

/* ---- error answers ----------------------------------------------------------------------------------------------- */

enum ens_redis_verdict {
	ENS_REDIS_RETRY,     /* LOADING, BUSY, OOM ...: the same again after a while */
	ENS_REDIS_RECONNECT, /* READONLY, UNBLOCKED ...: with another connection */
	ENS_REDIS_NOSCRIPT,
	ENS_REDIS_STOP       /* it will not get better by itself */
};
enum ens_redis_verdict ens_redis_judge(const char *error);

/* Says in words what a final error answer means: `what` is what was tried ("reading the stream logins"). */
enum ens_status ens_redis_refused(const struct ens_redis_env *env, const char *what, const char *error,
				  struct ens_error *err);

#endif
