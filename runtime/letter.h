/*
 * Dead letters: what is written of an entry that gave no event, or of an event that came too late (runtime.md section 6).
 */
#ifndef ENS_RUNTIME_LETTER_H
#define ENS_RUNTIME_LETTER_H

#include "runtime/decode.h"

#define ENS_LETTER_FIELDS_MAX 64u /* own fields of a late event's letter */

/*
 * The letter of a late event; earliest_us: the earliest time at which it would not have been (ens_order_earliest).  Its entry
 * is gone, so it has the event's declared fields only, as texts in `text` (which must outlive it) and `raw`
 * (ENS_LETTER_FIELDS_MAX of them); it says that it was cut where that may not be all that made the entry an event of this
 * type.  ENS_ENOMEM.
 */
enum ens_status ens_letter_late(const struct ens_tables *t, const struct ens_event *ev, int64_t earliest_us,
				struct ens_buf *text, struct ens_raw_field *raw, struct ens_reject *out) ENS_MUST_CHECK;

/* A letter as one line of NDJSON.  `source`: the input's name; `to`: the stream that `late to` names, or NULL. */
void ens_letter_json(struct ens_buf *b, const struct ens_reject *r, const char *source, const struct ens_t_str *to,
		     const struct ens_tables *t);

#endif
