/*
 * A run without Redis: files in, NDJSON out (runtime.md section 5).
 *
 * Each input is one ordered stream, and so is what comes of merging them: the input whose next event is earliest goes
 * first, of equal times the one named first.  An event earlier than the newest of its own input (less the lateness of
 * the types) is late.  Emissions go out as soon as the next read would wait, so a run at a terminal or in a pipe
 * answers at once.
 */
#ifndef ENS_RUNTIME_IO_FILE_RUN_H
#define ENS_RUNTIME_IO_FILE_RUN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"
#include "runtime/decode.h"
#include "runtime/io/http.h"
#include "runtime/io/run_hooks.h"
#include "runtime/tables.h"

#define ENS_FILE_OTHERS_MAX 8
#define ENS_FILE_OTHER_BYTES 64

struct ens_file_counts {
	uint64_t entries;               /* lines and records read */
	uint64_t events;                /* that the rules got to see */
	uint64_t emitted;
	uint64_t skipped;               /* entries that no type takes */
	uint64_t rejected[ENS_NREJECT];
	uint64_t repeated, late_dropped;
	char other[ENS_FILE_OTHERS_MAX][ENS_FILE_OTHER_BYTES + 1]; /* types that the first of the skipped entries name, cut */
	uint32_t nother;
};

struct ens_file_options {
	const char *const *input;  /* names; "-" is standard input */
	size_t ninput;
	bool at_end_flush;         /* at the end of the inputs time goes to its end; else it stands at the last event */
	const char *event_field;   /* member that names the type; NULL: "event", else "_event" */
	bool no_provenance;        /* emissions without `_events` */
	bool no_shared_matches;    /* as in struct ens_engine_options */
	uint32_t index_waiting_from; /* likewise */
	uint32_t max_emissions;    /* of one rule at one event; 0: the engine's default */
	int out_fd;
	FILE *log;                 /* rejected entries and the summary; NULL: standard error */
	const char *dead;          /* entries that can't be used go into this file, as NDJSON; NULL: they are only told */
	bool quiet;                /* on `log` only the sum of what was rejected or dropped */
	const volatile sig_atomic_t *stop; /* not 0: reading stops, time stands still; may be NULL */
	struct ens_file_counts *counts;    /* filled whatever happens; may be NULL */
	struct ens_run_hooks hooks;
	const struct ens_http_address *http; /* status and metrics are served there; NULL: nowhere */
	bool look_only;            /* for the hooks: nothing is printed, nothing said on `log` */
};

/*
 * Reads all inputs to their end.  Entries that give no event are reported on `log`, the first ten of each reason in
 * full, and counted.  ENS_OK also if whoever reads the output went away (SIGPIPE is ignored during the call). 
 * ENS_EENV: an input cannot be read, or the output not be written; ENS_ELIMIT: a lateness spans more events than may
 * wait; ENS_ENOMEM.
 */
enum ens_status ens_run_files(const struct ens_tables *t, const struct ens_file_options *o,
			      struct ens_error *err) ENS_MUST_CHECK;

#endif
