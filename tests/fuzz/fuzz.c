/*
 * libFuzzer's entry: the target is the one that ENS_FUZZ_TARGET names.  Built by tests/fuzz/run.sh with clang.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/targets/targets.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static const struct fuzz_target *target;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *name = getenv("ENS_FUZZ_TARGET");

	(void)argc;
	target = name ? fuzz_target(name) : NULL;
	if (!target) {
		fprintf(stderr, "%s: ENS_FUZZ_TARGET names no target\n", (*argv)[0]);
		exit(2);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	target->run(data, len_bytes);
	return 0;
}
