/*
 * Repeats: events whose `unique` field has the value of one that was taken at most `unique_us` before or after.
 *
 * Judged in the order in which a stream's events are read, each stream for itself, by the events' own times; so how
 * streams interleave makes no difference.  A null value is never a repeat.  Values are remembered by a 128-bit hash, until
 * their stream's time has passed them by `unique_us`; at most ENS_UNIQUE_MAX of them: beyond that the oldest is forgotten
 * early, and counted.
 */
#ifndef ENS_RUNTIME_UNIQUE_H
#define ENS_RUNTIME_UNIQUE_H

#include "runtime/event.h"
#include "runtime/state_code.h"
#include "runtime/tables.h"

#define ENS_UNIQUE_MAX 1000000u /* values of all types: some 80 bytes each */

struct ens_unique;

/* *out is NULL if no type has a `unique` field. */
enum ens_status ens_unique_open(const struct ens_tables *t, uint32_t max, struct ens_unique **out,
				struct ens_error *err) ENS_MUST_CHECK;
void ens_unique_close(struct ens_unique *u); /* NULL is fine */

/* Is it a repeat?  earliest_us: an earlier one is late; it counts as a repeat only of what one in time could repeat, too, so
 * that it does not matter when values are forgotten. */
bool ens_unique_repeats(struct ens_unique *u, const struct ens_event *ev, int64_t earliest_us);
/* It is taken: what has its value now is a repeat.  `before_us` is kept for ens_unique_oldest. */
enum ens_status ens_unique_note(struct ens_unique *u, const struct ens_event *ev, int64_t before_us) ENS_MUST_CHECK;
/*
 * Where the stream has to be read from again so that each entry from there on is judged as it was: the event that was noted
 * first of those that are held, and what was said with it.  False: none is.  `u` NULL is fine.
 */
bool ens_unique_oldest(const struct ens_unique *u, uint32_t stream, struct ens_entry_id *id, int64_t *before_us);
/*
 * Forgets, now and then, what is not needed any more of the stream: earlier events than earliest_us can't come, and for other
 * reasons nothing before `floor` (NULL: nothing at all) would be read again.  `u` NULL is fine.
 */
void ens_unique_tidy(struct ens_unique *u, uint32_t stream, int64_t earliest_us, const struct ens_entry_id *floor);

/* What is remembered, as bytes and back (into one that has nothing); NULL is fine. */
void ens_unique_save(const struct ens_unique *u, struct ens_state_out *out);
bool ens_unique_load(struct ens_unique *u, struct ens_state_in *in);

uint64_t ens_unique_forgotten(const struct ens_unique *u);
uint32_t ens_unique_held(const struct ens_unique *u);

#endif
