/*
 * How far a rule's partial matches came and what stopped them, in words: for `ensue test` and the summary of `ensue run`.
 *
 * All lines are indented by two and end in a newline.
 */
#ifndef ENS_TOOLS_HOW_FAR_H
#define ENS_TOOLS_HOW_FAR_H

#include "compiler/sema.h"
#include "runtime/inspect.h"

/* What the words are about. */
struct how_far {
	const struct ens_tables *tables;
	const struct ens_t_rule *rule;
	const struct ens_rule_sema *written; /* NULL: the rule came from a table file, conditions can't be shown */
	bool since_start;          /* times are durations since start_us (tests); else events are told by their lines */
	int64_t start_us;
	bool with_times;           /* lines of several inputs: an event's time is told, too */
};

/* The furthest partial match of a test, and why it did not take what it was last offered. */
void how_far_add_test(const struct how_far *h, const struct ens_inspection *f, struct ens_buf *b);
/* The furthest one of a run; what it waited for, and what stopped such partial matches most often. */
void how_far_add_run(const struct how_far *h, const struct ens_inspector *i, struct ens_buf *b);
/* `name` */
void how_far_add_name(const struct how_far *h, struct ens_t_str name, struct ens_buf *b);

#endif
