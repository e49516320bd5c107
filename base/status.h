/*
 * Result codes and the few attributes that every file uses.
 *
 * Functions that can fail return `enum ens_status`; outputs come last and are untouched on failure unless the
 * function says otherwise.  What a user can cause is also described in words, in a `struct ens_error` where the
 * function takes one: the status says what kind of failure it was, the text says what, where and what would be right.
 */
#ifndef ENS_BASE_STATUS_H
#define ENS_BASE_STATUS_H

#define ENS_MUST_CHECK __attribute__((warn_unused_result))
#define ENS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum ens_status {
	ENS_OK = 0,
	ENS_ENOMEM,  /* no memory, or a byte budget is used up */
	ENS_ERULES,  /* the rules are wrong; messages are in the diagnostics list */
	ENS_EINPUT,  /* an event, table file, argument or other input is malformed */
	ENS_ELIMIT,  /* a stated limit is reached */
	ENS_EENV,    /* the environment: Redis unreachable, no permission, a file cannot be read */
	ENS_EFENCED, /* another worker owns the job */
	ENS_EEND,    /* no more input */
	ENS_EBUG     /* our own mistake */
};

#define ENS_ERROR_MAX 512

/* A failure in words, for a person: one sentence or two, no newline.  Owned by the caller; empty when nothing failed. */
struct ens_error {
	char text[ENS_ERROR_MAX];
};

/* Writes the text (cut at ENS_ERROR_MAX - 1 bytes, control characters replaced by '?') and returns `status`.  `err` may be NULL. */
enum ens_status ens_fail(struct ens_error *err, enum ens_status status, const char *fmt, ...) ENS_PRINTF(3, 4);

#endif
