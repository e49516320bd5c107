/*
 * What `ensue run` says of its rules at the end: of one that emitted nothing, why.
 *
 * The counters of a run are free, and known for any source.  How far partial matches came and what stopped them is seen by
 * reading ordinary files a second time, with inspectors (runtime/inspect.h) at work.
 */
#ifndef ENS_TOOLS_SUMMARY_H
#define ENS_TOOLS_SUMMARY_H

#include "runtime/inspect.h"
#include "runtime/io/file_run.h"
#include "tools/cli.h"

struct summary {
	const struct cli_rules *rules;
	const struct ens_tables *tables;
	struct ens_arena arena;
	const struct ens_rule_sema **written;  /* by rule; NULL: not known */
	const char **type_name;                /* by type */
	struct ens_rule_stats *stats;          /* by rule */
	struct ens_order_type_counts *type;    /* by type */
	bool ended;                            /* the counters are there */
	/* set by the caller before summary_write: */
	const struct ens_file_counts *files;   /* NULL: a run on Redis */
	bool hold, several;                    /* `--at-end hold`; several inputs */
	bool of_all;                           /* not only of rules that emitted nothing */
	/* the second reading: */
	struct ens_inspector *looking;         /* by rule; NULL: there is none */
	uint32_t *looks, nlooks;               /* the rules whose inspector is at work, ascending */
	uint64_t looked;                       /* events, once for each of these rules */
	const volatile sig_atomic_t *asked_to_stop;
	volatile sig_atomic_t stop;            /* enough was seen, or it was asked for */
	struct ens_buf text;
};

/* ENS_ENOMEM: it is to be closed all the same. */
enum ens_status summary_open(struct summary *s, const struct cli_rules *rules) ENS_MUST_CHECK;
void summary_close(struct summary *s);
/* For the run itself. */
struct ens_run_hooks summary_counting(struct summary *s);
/* For the second reading; it writes the summary at its end. */
struct ens_run_hooks summary_looking(struct summary *s, const volatile sig_atomic_t *asked_to_stop);
bool summary_nothing_came(const struct summary *s);
/* Into s->text, anew. */
void summary_write(struct summary *s);

#endif
