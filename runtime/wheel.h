/*
 * Timers in event time: a hierarchical timing wheel (G. Varghese, T. Lauck, Hashed and hierarchical timing wheels,
 * SOSP 1987) over 64-bit microseconds: 11 levels of 64 slots, each level 64 times coarser than the one below.
 *
 * Adding and removing are O(1); a timer moves down at most 10 times in its life.  The lowest level is exact, so timers
 * come out in the order of their deadlines, to the microsecond.  Timers are part of their owners: nothing is allocated.
 */
#ifndef ENS_RUNTIME_WHEEL_H
#define ENS_RUNTIME_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENS_WHEEL_LEVELS 11u
#define ENS_WHEEL_SLOTS 64u
#define ENS_NEVER INT64_MAX

struct ens_timer {
	struct ens_timer *next, *prev; /* in its slot; next NULL: not in the wheel */
	int64_t deadline_us;
	uint8_t level, slot;
};

struct ens_wheel {
	uint64_t now;                          /* shifted by 2^63, so that it counts up from 0 */
	uint64_t next;                         /* no slot with a timer begins before it; UINT64_MAX: there is none, or at the end of time */
	uint64_t occupied[ENS_WHEEL_LEVELS];   /* bit s: slot s of the level has timers */
	void (*expect)(struct ens_timer *t);    /* t is due within some milliseconds, if it is not removed; NULL: nobody asks */
	struct ens_timer head[ENS_WHEEL_LEVELS][ENS_WHEEL_SLOTS]; /* rings */
};

void ens_wheel_init(struct ens_wheel *w, int64_t now_us); /* empty; `expect` is left as it is */
static inline bool ens_timer_is_set(const struct ens_timer *t)
{
	return t->next != NULL;
}
/* Sets a timer that is not set.  A deadline that has passed is due at once: it becomes the wheel's time. */
void ens_wheel_add(struct ens_wheel *w, struct ens_timer *t, int64_t deadline_us);
void ens_wheel_remove(struct ens_wheel *w, struct ens_timer *t); /* no-op if it is not set */
/* Takes out the timer with the earliest deadline at or before to_us; NULL when there is none (the wheel's time is then
 * to_us).  Equal deadlines come out one after the other, in no particular order. */
struct ens_timer *ens_wheel_take(struct ens_wheel *w, int64_t to_us);
static inline struct ens_timer *ens_wheel_pop(struct ens_wheel *w, int64_t to_us)
{
	const uint64_t to = (uint64_t)to_us ^ (UINT64_C(1) << 63);

	if (to >= w->next)
		return ens_wheel_take(w, to_us);
	if (to > w->now)
		w->now = to;
	return NULL;
}

int64_t ens_wheel_now(const struct ens_wheel *w);
/* A time at or before the earliest deadline; ENS_NEVER without timers. */
int64_t ens_wheel_next(const struct ens_wheel *w);

#endif
