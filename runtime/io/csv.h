/*
 * CSV as RFC 4180 says: a header line with the names, then records; fields in quotes may hold commas, line ends and
 * doubled quotes; lines end in LF or CRLF.
 *
 * Blank lines are skipped.  A record with another number of columns than the header, text behind a closing quote, a
 * quote without end, or more than ENS_ENTRY_MAX_BYTES is refused with the reason; reading goes on at the next line
 * (behind a record that is too large: at the next line end, in quotes or not, so that a lost quote does not swallow
 * the file).
 */
#ifndef ENS_RUNTIME_IO_CSV_H
#define ENS_RUNTIME_IO_CSV_H

#include "runtime/io/file_source.h"

struct ens_csv;

enum ens_status ens_csv_open(struct ens_csv **out) ENS_MUST_CHECK;
void ens_csv_close(struct ens_csv *c);
/* As ens_file_source_next; the header is read at the first call.  Fields point into the input's data. */
enum ens_status ens_csv_next(struct ens_csv *c, struct ens_input_file *in, struct ens_entry *out,
			     enum ens_reject_reason *reason, struct ens_error *err) ENS_MUST_CHECK;

#endif
