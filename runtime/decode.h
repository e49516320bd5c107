/*
 * From entries to typed events.
 *
 * A source hands over entries as raw fields (name and value, a text or a JSON scalar); the decoder finds the event's
 * type (runtime.md section 6, language.md section 2), converts each declared field and appends the event, or the
 * reason why there is none, to a batch.  Fields are expected where they were in the entry before, so a steady stream
 * costs one comparison of names per field and no search.
 */
#ifndef ENS_RUNTIME_DECODE_H
#define ENS_RUNTIME_DECODE_H

#include "base/arena.h"
#include "base/buf.h"
#include "runtime/program.h"

enum ens_raw_kind {
	ENS_RAW_TEXT,   /* Redis, CSV: text that is read by the field's type; empty is null for all but string */
	ENS_RAW_STRING, /* JSON string */
	ENS_RAW_INT,    /* JSON number without fraction or exponent, .i */
	ENS_RAW_FLOAT,  /* any other JSON number, .f; .s is its text: a time or duration is cut from all its digits */
	ENS_RAW_BOOL,   /* .i */
	ENS_RAW_NULL,
	ENS_RAW_OTHER   /* a JSON array or object, or a number that does not fit: .s is its text */
};

struct ens_raw_field {
	const char *name;
	uint32_t name_len;
	uint32_t len;      /* of s */
	const char *s;
	union {
		int64_t i;
		double f;
	};
	enum ens_raw_kind kind;
};

/* One entry as it was read.  Borrowed during the call. */
struct ens_entry {
	struct ens_entry_id id;
	const struct ens_raw_field *field;
	uint32_t nfield;
	int64_t time_us;     /* of the entry itself: from its Redis ID; files: the line before */
	bool from_file; /* `id` is a line number and `id.stream` is not known: any type of the rules may be meant */
};

/* Why an entry gave no event: a dead letter, or nothing (no type takes it: counted). */
enum ens_reject_reason {
	ENS_REJECT_NO_TYPE,       /* not a dead letter: "an entry that no type takes is counted and skipped" */
	ENS_REJECT_MISSING_FIELD, /* a field that is not optional is missing or null */
	ENS_REJECT_BAD_VALUE,     /* does not parse as its type */
	ENS_REJECT_TOO_LARGE,     /* value, entry, or number of fields over the limit */
	ENS_REJECT_NOT_UTF8,
	ENS_REJECT_DUPLICATE_FIELD,
	ENS_REJECT_BAD_ENTRY,     /* files: the line is no JSON object or CSV record; `json FIELD`: what the field holds is none */
	ENS_REJECT_LATE,          /* its time is before what was already processed */
	ENS_REJECT_FUTURE,        /* more than --max-skew ahead of its own entry ID */
	ENS_REJECT_BAD_TIME,      /* before 1970 or after 9999 */
	ENS_NREJECT
};
const char *ens_reject_code(enum ens_reject_reason r); /* "missing_field", ... : the dead letter's _reason */

struct ens_reject {
	enum ens_reject_reason reason;
	struct ens_entry_id id;
	const char *detail;   /* a sentence, NUL-ended */
	const char *field;    /* NUL-ended; NULL: none */
	const struct ens_raw_field *raw; /* the entry's own fields, copied (names and values cut at 1 KiB) */
	uint32_t nraw;        /* at most ENS_FIELDS_MAX */
	bool cut;             /* something was cut */
};

/* What one read gave.  All memory is in the arena; ens_batch_reset frees it. */
struct ens_batch {
	struct ens_arena arena;
	struct ens_event *event;
	uint32_t nevent, event_cap;
	struct ens_reject *reject;
	uint32_t nreject, reject_cap;
	uint64_t skipped;       /* entries that no type takes */
	uint64_t entries;       /* all entries seen, whatever became of them */
};

void ens_batch_init(struct ens_batch *b);
void ens_batch_reset(struct ens_batch *b);
void ens_batch_free(struct ens_batch *b);
/* Appends a reject that the decoder itself did not find (a bad line, a late event), copying what it needs. */
enum ens_status ens_batch_reject(struct ens_batch *b, enum ens_reject_reason reason, const struct ens_entry *entry,
				 const char *field, const char *fmt, ...) ENS_PRINTF(5, 6) ENS_MUST_CHECK;

struct ens_decoder_options {
	const char *event_field; /* files: member that names the type; NULL: "event", else "_event" */
	int64_t max_skew_us;     /* -1: no check (files) */
};

struct ens_decoder;
enum ens_status ens_decoder_open(const struct ens_tables *t, const struct ens_decoder_options *o,
				 struct ens_decoder **out, struct ens_error *err) ENS_MUST_CHECK;
void ens_decoder_close(struct ens_decoder *d);

/*
 * Decodes one entry into the batch: an event, a reject, or a count in `skipped`.  Bytes of string values are
 * copied into the batch.
 */
enum ens_status ens_decode(struct ens_decoder *d, const struct ens_entry *entry, struct ens_batch *into) ENS_MUST_CHECK;

#endif
