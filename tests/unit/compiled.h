/*
 * Tables and engines from rule text, for tests that include the matcher's own headers, which do not go together with the compiler's.
 */
#ifndef ENS_TESTS_UNIT_COMPILED_H
#define ENS_TESTS_UNIT_COMPILED_H

#include "base/buf.h"
#include "runtime/engine.h"
#include "runtime/tables.h"

struct compiled {
	struct ens_buf bytes;
	struct ens_tables t;
};

void compile_rules(const char *text, struct compiled *out); /* a failed assertion ends the test */
void compile_behind(const char *declarations, const char *rules, struct compiled *out); /* both, as one text */
void discard_compiled(struct compiled *c);

/* An engine and what it said. */
struct noted {
	struct compiled c;
	struct ens_engine *engine;
	struct ens_buf said; /* rule and identity of each emission */
};

struct noted *open_noted(const char *declarations, const char *rules, struct ens_engine_options o); /* the sink is its own */
void noted_are_same(const struct noted *a, const struct noted *b); /* emissions, lost results, counts of every rule */
void close_noted(struct noted *n);

#endif
