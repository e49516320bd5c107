/*
 * Entries from a file or pipe: block reads, the format by name or content, and its reader behind one call.
 *
 * Formats: NDJSON (runtime/json.h; blank lines are skipped) and CSV (runtime/io/csv.h).  An entry's ID is its line number from 1 (NDJSON:
 * lines of the file; CSV: records of data, the header not counted, blank lines not counted).  A byte order mark at the
 * beginning is skipped.  A bad line costs one answer and reading goes on behind it.
 */
#ifndef ENS_RUNTIME_IO_FILE_SOURCE_H
#define ENS_RUNTIME_IO_FILE_SOURCE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "runtime/decode.h"
#include "runtime/json.h"

/* Bytes that may be read behind every line handed out (their content is anything). */
#define ENS_INPUT_PADDING_BYTES ENS_JSON_PADDING_BYTES
#define ENS_INPUT_BLOCK_BYTES ((size_t)1 << 20)

/*
 * What has been read and not used: data[pos..len).  Formats look for the end of a line or record in it, ask for more
 * if there is none, and move `pos` on.
 */
struct ens_input_file {
	const char *name; /* as the user gave it, for messages; borrowed */
	int fd;
	bool own_fd;      /* to be closed */
	bool ended;       /* nothing more will come */
	bool regular;     /* an ordinary file: reading never waits */
	uint64_t read_bytes;
	char *data;
	size_t pos, len, cap;
	size_t block_bytes;
	const volatile sig_atomic_t *stop; /* not 0: the input ends here; may be NULL */
};

/* "-": standard input.  ENS_EENV with the reason if it cannot be read. */
enum ens_status ens_input_open(const char *name, size_t block_bytes, const volatile sig_atomic_t *stop,
			       struct ens_input_file *out, struct ens_error *err) ENS_MUST_CHECK;
void ens_input_close(struct ens_input_file *in);
/* Reads one block behind what is there; data[pos..] may move.  ENS_EEND: the input has ended; ENS_EENV: it cannot be
 * read; ENS_ENOMEM. */
enum ens_status ens_input_more(struct ens_input_file *in, struct ens_error *err) ENS_MUST_CHECK;
/* Nothing more can be read at this moment without waiting. */
bool ens_input_would_wait(const struct ens_input_file *in);

enum ens_input_format { ENS_INPUT_NDJSON, ENS_INPUT_CSV };

struct ens_file_source;

/* Format: by extension (.csv; .ndjson .jsonl .json), else by what the input begins with, seen at the first entry. */
enum ens_status ens_file_source_open(const char *name, size_t block_bytes, const volatile sig_atomic_t *stop,
				     struct ens_file_source **out, struct ens_error *err) ENS_MUST_CHECK;
void ens_file_source_close(struct ens_file_source *s);

/*
 * The next entry.  ENS_OK: *out is valid until the next call (its time is the caller's to set).
 * ENS_EINPUT: a line that is no entry: *reason and the words in err, out->id is its line, and reading may go on.
 * ENS_EEND; ENS_ENOMEM; ENS_EENV: it cannot be read, or the header of a CSV file is wrong: there is no going on.
 */
enum ens_status ens_file_source_next(struct ens_file_source *s, struct ens_entry *out, enum ens_reject_reason *reason,
				     struct ens_error *err) ENS_MUST_CHECK;
/* The next call may have to wait for input. */
bool ens_file_source_would_wait(const struct ens_file_source *s);
const char *ens_file_source_name(const struct ens_file_source *s); /* for people: the label of its input */
const char *ens_file_source_label(const char *input);
/* Waits for input for at most that long.  False: none came. */
bool ens_file_source_wait(const struct ens_file_source *s, int64_t at_most_us);
uint64_t ens_file_source_bytes(const struct ens_file_source *s); /* read so far */

#endif
