/*
 * Replays what the fuzzer once found: every file of tests/fuzz/corpus/TARGET goes through its target.  With arguments
 * TARGET FILE... these files instead.  Part of `make check`, with any compiler; a crash or an input that takes more
 * than SECONDS_MAX of processor time is a failure.
 */
#define _POSIX_C_SOURCE 200809L

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/fuzz/targets/targets.h"

#define SECONDS_MAX 5

static unsigned passed, failed;

static void read_file(const char *path, struct ens_buf *out)
{
	FILE *f = fopen(path, "rb");
	char chunk[4096];
	size_t n;

	if (!f) {
		perror(path);
		exit(1);
	}
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		ens_buf_add(out, chunk, n);
	(void)fclose(f);
}

static void replay(const struct fuzz_target *target, const char *path)
{
	struct ens_buf bytes = ENS_BUF_EMPTY;
	clock_t begin = clock();

	printf("%s %s\n", target->name, path);
	(void)fflush(stdout); /* if it crashes, the last line says on what */
	read_file(path, &bytes);
	target->run((const uint8_t *)(bytes.data ? bytes.data : ""), bytes.len);
	ens_buf_free(&bytes);
	if (clock() - begin > SECONDS_MAX * CLOCKS_PER_SEC) {
		printf("FAILED %s: more than %d seconds\n", path, SECONDS_MAX);
		failed++;
	} else {
		passed++;
	}
}

static void replay_folder(const struct fuzz_target *target, const char *source)
{
	char folder[4096], path[8192];
	struct dirent **entry;
	int n;

	(void)snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", source, target->name);
	n = scandir(folder, &entry, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (entry[i]->d_name[0] != '.') {
			(void)snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
			replay(target, path);
		}
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
}

int main(int argc, char **argv)
{
	const char *source = getenv("ENSUE_SOURCE");
	const struct fuzz_target *target = argc > 1 ? fuzz_target(argv[1]) : NULL;

	if (argc > 1 && !target) {
		fprintf(stderr, "usage: %s [TARGET FILE...]\n", argv[0]);
		return 2;
	}
	for (int i = 2; i < argc; i++)
		replay(target, argv[i]);
	for (target = fuzz_targets; argc == 1 && target->name; target++)
		replay_folder(target, source ? source : ".");
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
