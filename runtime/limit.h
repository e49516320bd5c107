/*
 * `limit N per D by ...`: which emissions of a rule are let through, and how many were held back before them.
 *
 * A period begins with the first emission let through of a kind, key and value, and lasts D of event time.  What is
 * remembered of it: when it began, how many were let through, how many held back since.  It is forgotten when it ends, or,
 * where something was held back, D later.
 */
#ifndef ENS_RUNTIME_LIMIT_H
#define ENS_RUNTIME_LIMIT_H

#include "runtime/heap.h"
#include "runtime/keys.h"
#include "runtime/state_code.h"

struct ens_period;

/* Periods by the time of their beginning. */
struct ens_period_list {
	struct ens_period *first, *last;
};

/* The periods of one rule.  All zero: there are none. */
struct ens_limit {
	struct ens_period **bucket;
	uint32_t nbucket, n;
	struct ens_period_list running, ended; /* ended: something was held back, which is still to be told */
	int64_t count, length_us;              /* of the rule: emissions let through in a period, and how long that is */
};

/* Of one kind (0: matches, 1: timeouts), key and value of `by` (of that type; ENS_NOTYPE: the rule has no `by`). */
struct ens_limit_subject {
	const struct ens_key *key;
	uint8_t kind;
	enum ens_type type;
	struct ens_value by;
};

/* Is an emission at time_us let through?  *suppressed: how many were held back since the one before.  ENS_ENOMEM. */
enum ens_status ens_limit_pass(struct ens_limit *l, struct ens_heap *h, const struct ens_limit_subject *s, int64_t time_us,
			       bool *passes, uint64_t *suppressed) ENS_MUST_CHECK;
/* Forgets what has ended at time_us. */
void ens_limit_forget(struct ens_limit *l, struct ens_heap *h, int64_t time_us);
/* When something is to be forgotten; INT64_MAX: there is nothing. */
int64_t ens_limit_due(const struct ens_limit *l);
/* The period that began first is forgotten before its time.  False: there is none. */
bool ens_limit_drop_oldest(struct ens_limit *l, struct ens_heap *h);

/* Its periods, as bytes and back (into a limit without any). */
void ens_limit_save(const struct ens_limit *l, struct ens_state_out *out);
bool ens_limit_load(struct ens_limit *l, struct ens_heap *h, struct ens_state_in *in);
/* Bytes of a period of that rule, with its place in the table; texts in the key or the value come on top. */
size_t ens_limit_bytes(const struct ens_tables *t, uint32_t rule);
void ens_limit_close(struct ens_limit *l, struct ens_heap *h);

#endif
