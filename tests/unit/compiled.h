/*
 * Tables from rule text, for tests that include the matcher's own headers, which do not go together with the compiler's.
 */
#ifndef ENS_TESTS_UNIT_COMPILED_H
#define ENS_TESTS_UNIT_COMPILED_H

#include "base/buf.h"
#include "runtime/tables.h"

struct compiled {
	struct ens_buf bytes;
	struct ens_tables t;
};

void compile_rules(const char *text, struct compiled *out); /* a failed assertion ends the test */
void discard_compiled(struct compiled *c);

#endif
