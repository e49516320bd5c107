/*
 * Events that wait to be put in order (runtime/order.h), in few bytes and those of about one time beside each other:
 * they come in any order and go by their time, so that what goes together lies together.
 *
 * Numbers take the bytes that they need, texts theirs and one for their length: an event of five small fields some 60
 * bytes, where its `struct ens_event` with values takes 140 and its texts.  The bytes stay in the program that wrote
 * them; what is saved is written anew (runtime/state_code.h).
 */
#ifndef ENS_RUNTIME_PACKED_H
#define ENS_RUNTIME_PACKED_H

#include <stddef.h>

#include "runtime/event.h"
#include "runtime/tables.h"

struct ens_packed_chunk;
struct ens_packed_slot;

struct ens_packed {
	uint32_t users;           /* the caller's: 1 at first */
	uint32_t at;              /* bytes from the beginning of its chunk */
	unsigned char bytes[];
};

struct ens_packer {
	const struct ens_tables *tables;
	struct ens_packed_slot *slot; /* by stream and time, nslot of them; NULL: nothing was packed yet */
	uint32_t nslot;           /* a power of 2 */
	unsigned shift;           /* width of a slot, as a power of 2 in microseconds */
	size_t chunk_bytes;       /* of all chunks */
	uint32_t nvalue;          /* as many as the largest type has fields */
	unsigned type_bits;       /* what numbers of types take */
};

/* span_us: what waits most often lies within so much time. */
void ens_packer_open(struct ens_packer *p, const struct ens_tables *t, int64_t span_us);
void ens_packer_close(struct ens_packer *p); /* all that was packed must have been freed */

/* The event but for its time, and `place`, a number of the caller's.  NULL: no memory. */
struct ens_packed *ens_pack(struct ens_packer *p, const struct ens_event *ev, uint64_t place);
void ens_packed_free(struct ens_packer *p, struct ens_packed *e);
/* ev->time_us is left as it is.  The values go to `room`, for nvalue of them; texts are borrowed from *e.  Returns the place. */
uint64_t ens_unpack(const struct ens_packer *p, const struct ens_packed *e, struct ens_value *room, struct ens_event *ev);

#endif
