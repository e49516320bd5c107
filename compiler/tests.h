/*
 * Test blocks as checked data: what `ensue test` runs (language.md section 5).
 *
 * ens_sema_tests (sema_test.c) hangs a struct ens_test onto each ENS_D_TEST declaration in which nothing was wrong
 * (decl->sema->test).  Values are programs in a table image of their own, so the rules' tables do not know of tests; one
 * evaluator runs both.  Everything lives in the compilation's arena.
 */
#ifndef ENS_COMPILER_TESTS_H
#define ENS_COMPILER_TESTS_H

#include "dsl/ast.h"
#include "runtime/tables.h"

/* A field of an event or of an expected emission. */
struct ens_test_item {
	const char *name;
	enum ens_type type;            /* of the field */
	bool optional;                 /* the field may be null */
	bool spelled;                  /* the program gives text, to be read as `type` */
	uint32_t field;                /* EVENT: among the fields of the type */
	uint32_t program;              /* in the image; its event at hand is type 0, whose field 0 is `i` */
	struct ens_span at;
};

struct ens_test_step {
	const struct ens_test_line *line;
	int64_t time_us;               /* EVENT: of its first; WAIT: when it is over; EXPECT, EXPECT_NONE: now */
	int64_t arrives_us;            /* EVENT: when its first comes; time_us unless the line says `arriving` */
	int64_t every_us;              /* EVENT: from one to the next */
	uint32_t times;                /* EVENT EXPECT: at least 1 */
	const struct ens_decl *type;   /* EVENT; its sema->table_index is ENS_NONE if no rule reads it */
	struct ens_test_item *item;
	uint32_t nitem;
	uint32_t at_program, arriving_program, every_program, times_program; /* ENS_NONE: not given */
};

struct ens_test {
	const struct ens_decl *decl;
	const struct ens_tables *values; /* the image; shared by all tests */
	int64_t start_us;
	const uint32_t *rule;          /* the rules named, by their number in the rules' tables */
	const struct ens_decl **rule_decl;
	uint32_t nrule;
	struct ens_test_step *step;    /* without `start` */
	uint32_t nstep;
};

#endif
