/*
 * Lines for people, on standard error: "ensue: TEXT".  Control characters are shown, not sent to the terminal.
 *
 * A message that may come often has a place of its own (ENS_LOG_OFTEN): it is printed at most once a minute, and the next
 * time says how many were left out.  Used from one thread.
 */
#ifndef ENS_RUNTIME_IO_LOG_H
#define ENS_RUNTIME_IO_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* Nothing but failures are printed from now on. */
void ens_log_quiet(bool quiet);

void ens_log_info(const char *fmt, ...) ENS_PRINTF(1, 2);
void ens_log_warn(const char *fmt, ...) ENS_PRINTF(1, 2); /* also when quiet */

/* What one message that comes often has to remember.  Zero-initialised. */
struct ens_log_often {
	int64_t printed_us; /* monotonic; 0: never */
	uint64_t left_out;
};
void ens_log_often(struct ens_log_often *o, const char *fmt, ...) ENS_PRINTF(2, 3);

#endif
