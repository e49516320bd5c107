/*
 * Which of the parser's states the rule texts given as arguments reach: lemon counts them when the grammar is built with
 * YYCOVERAGE, and this reads its report.  A line "State N lookahead T ok|missed" stands for each token that a state
 * names itself; those that fall back to a name are not among them.
 * Prints the states never reached, then "states N of M" and "tokens N of M"; -v: every token missed, too.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsl/parse.h"

#define STATES_MAX 10000

int ens_grammarCoverage(FILE *out); /* dsl/grammar.c with YYCOVERAGE */

static void parse_file(const char *path)
{
	struct ens_arena arena;
	struct ens_sources sources;
	struct ens_diag diag;
	struct ens_ast ast = {0};
	struct ens_buf text = ENS_BUF_EMPTY;
	char chunk[4096];
	FILE *f = fopen(path, "rb");
	uint32_t file;
	size_t n;

	if (!f) {
		perror(path);
		exit(3);
	}
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		ens_buf_add(&text, chunk, n);
	(void)fclose(f);
	ens_arena_init(&arena, 0);
	ens_sources_init(&sources, &arena);
	ens_diag_init(&diag, &arena, &sources);
	if (ens_sources_add(&sources, path, ens_buf_cstr(&text), text.len, &file) != ENS_OK ||
	    ens_parse(&arena, &diag, file, &ast) != ENS_OK) {
		fprintf(stderr, "%s: no memory\n", path);
		exit(4);
	}
	ens_arena_free(&arena);
	ens_buf_free(&text);
}

/* Reads lemon's report. */
static void report(FILE *in, bool verbose)
{
	static struct {
		bool known, reached;
	} state[STATES_MAX];
	unsigned states = 0, reached = 0, tokens = 0, taken = 0, n;
	char line[256], token[64], verdict[16];

	while (fgets(line, sizeof line, in)) {
		if (sscanf(line, "State %u lookahead %63s %15s", &n, token, verdict) != 3 || n >= STATES_MAX)
			continue;
		const bool ok = strcmp(verdict, "ok") == 0;

		tokens++;
		taken += ok;
		state[n].known = true;
		state[n].reached = state[n].reached || ok;
		if (verbose && !ok)
			printf("%s", line);
	}
	for (n = 0; n < STATES_MAX; n++) {
		states += state[n].known;
		reached += state[n].reached;
		if (state[n].known && !state[n].reached)
			printf("never reached: state %u\n", n);
	}
	printf("states %u of %u\ntokens %u of %u\n", reached, states, taken, tokens);
}

int main(int argc, char **argv)
{
	const bool verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	FILE *lines = tmpfile();

	for (int i = verbose ? 2 : 1; i < argc; i++)
		parse_file(argv[i]);
	if (!lines) {
		perror("a temporary file");
		return 3;
	}
	(void)ens_grammarCoverage(lines);
	rewind(lines);
	report(lines, verbose);
	return fclose(lines) != 0;
}
