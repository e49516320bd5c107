/*
 * A timer sits at the level of the highest 6-bit digit in which its deadline and the wheel's time differ, in the slot
 * of its own digit there.  So everything at a lower level is earlier than everything at a higher one, and within a
 * level slots are in order of time.  When time enters a slot above level 0, its timers are spread over the levels below.
 * Tested by tests/unit/test_wheel.c against a sorted array.
 */
#include "runtime/wheel.h"

#include <assert.h>

#define BITS 6u
#define NEAR_LEVEL 1u        /* what gets there is due within 64^2 microseconds, */
#define EXPECTED_MAX 1024u   /* and may be too much to be kept ready */

static uint64_t shifted(int64_t us)
{
	return (uint64_t)us ^ (UINT64_C(1) << 63);
}

static int64_t unshifted(uint64_t t)
{
	return (int64_t)(t ^ (UINT64_C(1) << 63));
}

void ens_wheel_init(struct ens_wheel *w, int64_t now_us)
{
	w->now = shifted(now_us);
	w->next = UINT64_MAX;
	for (unsigned l = 0; l < ENS_WHEEL_LEVELS; l++) {
		w->occupied[l] = 0;
		for (unsigned s = 0; s < ENS_WHEEL_SLOTS; s++)
			w->head[l][s].next = w->head[l][s].prev = &w->head[l][s];
	}
}

void ens_wheel_add(struct ens_wheel *w, struct ens_timer *t, int64_t deadline_us)
{
	uint64_t at = shifted(deadline_us);

	assert(!ens_timer_is_set(t));
	if (at < w->now)
		at = w->now;
	t->deadline_us = unshifted(at);
	uint64_t differ = at ^ w->now;
	unsigned level = differ ? (63u - (unsigned)__builtin_clzll(differ)) / BITS : 0;
	unsigned slot = (at >> (level * BITS)) & (ENS_WHEEL_SLOTS - 1);
	struct ens_timer *head = &w->head[level][slot];

	t->level = (uint8_t)level;
	t->slot = (uint8_t)slot;
	t->prev = head->prev;
	t->next = head;
	head->prev->next = t;
	head->prev = t;
	w->occupied[level] |= UINT64_C(1) << slot;
	if (at >> (level * BITS) << (level * BITS) < w->next)
		w->next = at >> (level * BITS) << (level * BITS);
}

void ens_wheel_remove(struct ens_wheel *w, struct ens_timer *t)
{
	if (!ens_timer_is_set(t))
		return;
	struct ens_timer *head = &w->head[t->level][t->slot];

	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->next = t->prev = NULL;
	if (head->next == head)
		w->occupied[t->level] &= ~(UINT64_C(1) << t->slot);
}

/* The first occupied slot that is not in the past, lowest level first; false without timers.  *start: when it begins. */
static bool first_slot(const struct ens_wheel *w, unsigned *level, unsigned *slot, uint64_t *start)
{
	for (unsigned l = 0; l < ENS_WHEEL_LEVELS; l++) {
		unsigned digit = (w->now >> (l * BITS)) & (ENS_WHEEL_SLOTS - 1);
		uint64_t bits = w->occupied[l] & (~UINT64_C(0) << digit);

		if (!bits)
			continue;
		*level = l;
		*slot = (unsigned)__builtin_ctzll(bits);
		uint64_t above = (l + 1) * BITS < 64 ? w->now >> ((l + 1) * BITS) << ((l + 1) * BITS) : 0;

		*start = above | (uint64_t)*slot << (l * BITS);
		return true;
	}
	return false;
}

static void spread(struct ens_wheel *w, unsigned level, unsigned slot)
{
	struct ens_timer *head = &w->head[level][slot];
	unsigned nexpected = 0;

	while (head->next != head) {
		struct ens_timer *t = head->next;
		int64_t deadline_us = t->deadline_us;

		ens_wheel_remove(w, t);
		ens_wheel_add(w, t, deadline_us);
		if (w->expect && level > NEAR_LEVEL && t->level <= NEAR_LEVEL && nexpected++ < EXPECTED_MAX)
			w->expect(t);
	}
}

struct ens_timer *ens_wheel_take(struct ens_wheel *w, int64_t to_us)
{
	uint64_t to = shifted(to_us), start;
	unsigned level, slot;

	for (;;) {
		const bool found = first_slot(w, &level, &slot, &start);

		w->next = found ? start : UINT64_MAX;
		if (!found || start > to)
			break;
		if (start > w->now)
			w->now = start;
		if (level == 0) {
			struct ens_timer *t = w->head[0][slot].next;

			ens_wheel_remove(w, t);
			return t;
		}
		spread(w, level, slot);
	}
	if (to > w->now)
		w->now = to;
	return NULL;
}

int64_t ens_wheel_now(const struct ens_wheel *w)
{
	return unshifted(w->now);
}

int64_t ens_wheel_next(const struct ens_wheel *w)
{
	uint64_t start;
	unsigned level, slot;

	return first_slot(w, &level, &slot, &start) ? unshifted(start < w->now ? w->now : start) : ENS_NEVER;
}
