/*
 * Runs every suite of unit tests, or those whose names are given: `unit [-q] [SUITE]...`.
 *
 * The list is made by the build from the sources (every `void suite_NAME(void)`), so that none is forgotten; a suite
 * registers itself and its tests with CUnit.  Prints each suite and test and ends with "N passed, N failed", counted in
 * tests.
 */
#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#define X(name) void suite_##name(void);
#include "tests/unit/suites.h"
#undef X

static const struct {
	const char *name;
	void (*add)(void);
} suites[] = {
#define X(name) {#name, suite_##name},
#include "tests/unit/suites.h"
#undef X
};

#define NSUITE (sizeof suites / sizeof *suites)

static int wanted(const char *name, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return 1;
	return argc == 0;
}

int main(int argc, char **argv)
{
	CU_BasicRunMode mode = CU_BRM_VERBOSE;
	unsigned added = 0;

	argc--;
	argv++;
	if (argc > 0 && strcmp(argv[0], "-q") == 0) {
		mode = CU_BRM_NORMAL;
		argc--;
		argv++;
	}
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 99;
	CU_set_error_action(CUEA_ABORT); /* two suites or two tests of one name: the second would be mistaken for the first */
	for (size_t i = 0; i < NSUITE; i++)
		if (wanted(suites[i].name, argc, argv)) {
			suites[i].add();
			added++;
		}
	if (added == 0) {
		fprintf(stderr, "no such suite; there are:");
		for (size_t i = 0; i < NSUITE; i++)
			fprintf(stderr, " %s", suites[i].name);
		fputc('\n', stderr);
		return 2;
	}
	CU_basic_set_mode(mode);
	CU_basic_run_tests();
	unsigned failed = CU_get_number_of_tests_failed() + CU_get_number_of_suites_failed();
	unsigned run = CU_get_number_of_tests_run();

	printf("\n%u passed, %u failed\n", run - CU_get_number_of_tests_failed(), failed);
	CU_cleanup_registry();
	return failed || run == 0;
}
