/*
 * A complex event as text (runtime.md section 6): one line of NDJSON, or the field/value pairs of a Redis entry.
 *
 * Both have the same members in the same order: `_event`, the emitted fields, `_rule`, `_id` (32 hexadecimal digits),
 * `_key` (an object by key field; absent without keys), `_start`, `_end`, `_suppressed` (how many emissions `limit` held
 * back before; absent if none), `_approx` (an array of the names of emitted fields, `meta` too, that are cut or estimates;
 * absent if none), `_events` (an array of entry IDs: numbers of lines, or "ms-seq" strings; absent without
 * provenance), the fields of `meta`.
 * Everything is appended to buffers of the caller; once these have grown, an emission costs no allocation.
 */
#ifndef ENS_RUNTIME_EMISSION_H
#define ENS_RUNTIME_EMISSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "runtime/event.h"
#include "runtime/tables.h"

/* Appends the emission as one JSON object and a newline.  Out of memory: into->failed. */
void ens_emission_json(const struct ens_tables *t, const struct ens_emission *e, bool provenance, struct ens_buf *into);

struct ens_slice {
	size_t off, len; /* in `bytes` of the struct that holds it */
};

/*
 * Field/value pairs of any number of emissions, one after the other: slices alternate, name, value, name, value ...
 * Whoever needs to know where one emission ends notes `nslice` before and after.  Zero-initialise, clear for reuse.
 */
struct ens_emission_fields {
	struct ens_buf bytes;
	struct ens_slice *slice;
	size_t nslice, slice_cap;
};

void ens_emission_fields_clear(struct ens_emission_fields *f); /* keeps the memory */
void ens_emission_fields_free(struct ens_emission_fields *f);

/*
 * Appends the pairs of one emission.  Null fields are left out; `_key`, `_approx`, `_events` and lists are JSON.  ENS_ENOMEM:
 * nothing was appended.
 */
enum ens_status ens_emission_pairs(const struct ens_tables *t, const struct ens_emission *e, bool provenance,
				   struct ens_emission_fields *into) ENS_MUST_CHECK;

/* Name of the stream that the emission goes to; not NUL-ended, borrowed from the tables. */
const char *ens_emission_stream(const struct ens_tables *t, const struct ens_emission *e, size_t *len_bytes);

#endif
