/*
 * Saved state: all that an engine, and the order of events before it, remember between two events, as bytes.
 *
 * What goes on from loaded state gives the same emissions, with the same `_id`, as what went on without a stop.  Saved are
 * open and held matches with what they took and keep, sessions, absences, `having ... once`, periods of limits with what
 * they held back, clocks, deadlines, order numbers; and of the order, events that wait, frontiers, released positions and
 * `unique` values.  Not saved: options, and counters of what happened (struct ens_rule_stats, struct ens_order_counts).
 *
 * The format: a header (struct ens_state_header), then the body as runtime/state_code.h writes it.  No pointers, no hash
 * order, no seeds: the same state gives the same bytes, in every process; keys stand in the order of their creation, each
 * with everything that rules keep for it.  ens_state_load refuses, with the reason, whatever is cut short or damaged, was
 * written by another format or engine version or with other rules, or would break what the matcher relies on; memory is
 * bounded by the length of the bytes.
 */
#ifndef ENS_RUNTIME_STATE_H
#define ENS_RUNTIME_STATE_H

#include "base/buf.h"
#include "runtime/engine.h"
#include "runtime/order.h"

#define ENS_STATE_MAGIC "ENSS\r\n\x1a\n" /* 8 bytes */
#define ENS_STATE_VERSION 2u

struct ens_state_header {
	char magic[8];
	uint32_t version;
	uint32_t semantics;      /* ENS_SEMANTICS_VERSION */
	uint64_t fingerprint[2]; /* of the tables */
	uint64_t len_bytes;      /* all of it */
	uint64_t checksum;       /* XXH3-64 of everything behind the header */
};

/*
 * Appends the state to `into`, between two calls of the engine, before the end of time.  `o` NULL: the engine alone.
 * ENS_ENOMEM; or why the engine has stopped, if it has.
 */
enum ens_status ens_state_save(const struct ens_engine *e, const struct ens_order *o, struct ens_buf *into) ENS_MUST_CHECK;

/*
 * Into an engine and an order (NULL if it was saved without) that were just opened, on the same tables.  ENS_EINPUT:
 * refused, the reason in `err`; then, as after ENS_ENOMEM, both can only be closed.
 */
enum ens_status ens_state_load(struct ens_engine *e, struct ens_order *o, const void *bytes, size_t len_bytes,
			       struct ens_error *err) ENS_MUST_CHECK;

/* Fills the header in front of a body; `len_bytes` with it. */
void ens_state_seal(const struct ens_tables *t, void *bytes, size_t len_bytes);

#endif
