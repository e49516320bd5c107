/*
 * Runs checked test blocks (compiler/tests.h): the engine alone, in event time, one engine for each test.
 */
#ifndef ENS_TOOLS_TEST_RUN_H
#define ENS_TOOLS_TEST_RUN_H

#include "compiler/sema.h"
#include "compiler/tests.h"
#include "runtime/program.h"

/* A field of what was expected and of what came, as text; "": that side does not have it. */
struct test_row {
	const char *name, *expected, *got;
	bool differs;
};

struct test_result {
	bool passed;
	/* else: */
	struct ens_span at;            /* the line that failed, or the title */
	const char *message;           /* a sentence */
	const struct test_row *row;    /* side by side; may be none */
	uint32_t nrow;
	const char *rules;             /* how far the rules came, lines ending in newlines; "": not said */
};

/* For the tests of one compilation. */
struct test_runner {
	const struct ens_tables *tables; /* of the rules */
	struct ens_context values;       /* of the tests' image */
	struct ens_context computing;    /* of the rules' tables: computed fields */
	bool open;
	struct ens_arena arena;          /* what the result at hand points to */
};

void test_runner_init(struct test_runner *r, const struct ens_tables *tables);
void test_runner_free(struct test_runner *r);
/* The result is valid until the next call.  ENS_ENOMEM, or another failure of ours with the reason in err. */
enum ens_status test_run(struct test_runner *r, const struct ens_test *test, struct test_result *out,
			 struct ens_error *err) ENS_MUST_CHECK;

#endif
