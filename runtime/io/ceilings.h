/*
 * What was dropped because it was over a ceiling (runtime.md section 7): by rule and reason, told at most once a minute each.
 */
#ifndef ENS_RUNTIME_IO_CEILINGS_H
#define ENS_RUNTIME_IO_CEILINGS_H

#include "runtime/engine.h"

/* X(reason, member of struct ens_rule_stats, words behind the number) */
#define ENS_CEILINGS(X) \
	X(keys, dropped_keys, "keys were dropped: too many at a time") \
	X(partials_per_key, dropped_per_key, "partial matches were dropped: too many of one key") \
	X(partials_per_rule, dropped_per_rule, "partial matches were dropped: too many at a time") \
	X(memory, dropped_memory, "partial matches were dropped: too much memory for all rules together") \
	X(emissions, dropped_emissions, "emissions were dropped: too many at one event") \
	X(periods, dropped_periods, "periods of its limit were forgotten early: too many at a time")

enum ens_ceiling {
#define X(reason, member, words) ENS_CEILING_##reason,
	ENS_CEILINGS(X)
#undef X
	ENS_NCEILING
};
const char *ens_ceiling_reason(enum ens_ceiling c);
uint64_t ens_ceiling_dropped(const struct ens_rule_stats *s, enum ens_ceiling c);

struct ens_ceilings;

/* NULL: no memory. */
struct ens_ceilings *ens_ceilings_open(const struct ens_tables *t);
void ens_ceilings_close(struct ens_ceilings *c); /* NULL is fine */

/*
 * Says how much was dropped so far, a line (without its end) for each rule and reason of which more was dropped since it was
 * last said and that was not said in the last minute; `all`: however lately.
 */
void ens_ceilings_tell(struct ens_ceilings *c, const struct ens_engine *e, int64_t now_us, bool all,
		       void (*say)(void *user, const char *line), void *user);

#endif
