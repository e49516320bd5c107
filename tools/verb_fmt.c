/*
 * `ensue fmt`: rule files in their canonical form.
 *
 * Each file is formatted for itself (dsl/format.h).  A file with errors stays as it is; so does one that is canonical
 * already.  Written is in place, whole or not at all, with the file's permissions.  Tested by tests/cli/fmt.sh.
 */
#define _XOPEN_SOURCE 700
#include "tools/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsl/format.h"

enum { OPT_CHECK, OPT_DIFF };

static const struct cli_option options[] = {
	[OPT_CHECK] = {"check", 0, NULL, NULL, "change nothing; print the names of the files that are not canonical\n"
					       "and end with 1 if there are any"},
	[OPT_DIFF] = {"diff", 0, NULL, NULL, "change nothing; print what would change, as diff -u does"},
};

struct fmt_args {
	bool check, diff;
};

static enum cli_exit take(const struct cli_verb *verb, int index, const char *value, void *to)
{
	struct fmt_args *out = to;

	(void)verb;
	(void)value;
	*(index == OPT_CHECK ? &out->check : &out->diff) = true;
	return CLI_DONE;
}

/* The file itself is replaced, not a link to it. */
static enum cli_exit write_back(const char *name, const struct ens_buf *text)
{
	char *path = realpath(name, NULL);
	struct stat st;
	enum cli_exit code = CLI_ENV;

	if (!path || stat(path, &st) != 0 || access(path, W_OK) != 0)
		cli_say("%s can't be written: %s", name, strerror(errno));
	else if (!S_ISREG(st.st_mode))
		cli_say("%s is no regular file, it can't be formatted in its place: `ensue fmt -` goes from standard input to standard output",
			name);
	else
		code = cli_replace_file(path, text, st.st_mode & 07777);
	free(path);
	return code;
}

static enum cli_exit give_out(const struct fmt_args *args, const char *name, const struct ens_source *src,
			      struct ens_buf *text)
{
	const bool changed = text->len != src->len || memcmp(text->data, src->text, src->len) != 0;
	struct ens_buf diff = ENS_BUF_EMPTY;
	enum cli_exit code = CLI_DONE;

	if (args->diff) {
		cli_diff(name, src->text, src->len, text->data, text->len, &diff);
		code = cli_write(stdout, &diff);
		ens_buf_free(&diff);
	} else if (args->check && changed) {
		printf("%s\n", name);
	} else if (!args->check && strcmp(name, "-") == 0) {
		code = cli_write(stdout, text);
	} else if (!args->check && changed) {
		code = write_back(name, text);
	}
	return code == CLI_DONE && args->check && changed ? CLI_RULES : code;
}

/* What came of formatting, in words. */
static enum cli_exit told(const struct cli_rules *r, enum ens_status st, const char *name)
{
	switch (st) {
	case ENS_OK:
		return CLI_DONE;
	case ENS_ERULES:
		cli_rules_messages(r, false);
		return CLI_RULES;
	case ENS_ENOMEM:
		cli_say("%s needs too much memory to be formatted: split it", name);
		return CLI_RULES;
	default:
		cli_say("internal error: %s would not mean the same after formatting; it is left as it is", name);
		return CLI_INTERNAL;
	}
}

static enum cli_exit format_file(const struct fmt_args *args, const char *name)
{
	struct ens_buf text = ENS_BUF_EMPTY;
	struct cli_rules r;
	uint32_t file = 0;

	cli_rules_open(&r, NULL);
	enum cli_exit code = cli_rules_read(&r, name, &file);

	if (code == CLI_DONE)
		code = told(&r, ens_format(&r.arena, &r.diag, file, &text), name);
	if (code == CLI_DONE)
		code = give_out(args, name, &r.sources.file[file], &text);
	ens_buf_free(&text);
	cli_rules_close(&r);
	return code;
}

static enum cli_exit format_all(const struct cli_verb *verb, char **file, int nfile, void *to)
{
	enum cli_exit code = CLI_DONE;

	if (!nfile)
		return cli_usage_error(verb, "no rule file is given");
	for (int i = 0; i < nfile; i++) { /* one file's failure does not keep the others from it */
		const enum cli_exit one = format_file(to, file[i]);

		code = one > code ? one : code;
	}
	return code;
}

static enum cli_exit run(const struct cli_verb *verb, int argc, char **argv)
{
	const struct cli_taker taker = {take, format_all};
	struct fmt_args args = {0};

	return cli_take(verb, argc, argv, &taker, &args);
}

const struct cli_verb verb_fmt = {
	.name = "fmt",
	.summary = "bring rule files into their canonical form",
	.usage = "[--check] [--diff] FILE...",
	.about = "Rewrites rule files in place: clauses in one order and their words in one column, one way to\n"
		 "break lines, no needless parentheses. Comments stay, and the rules mean the same. A file with\n"
		 "syntax errors is not touched. `-` goes from standard input to standard output.\n",
	.option = options,
	.noption = CLI_COUNT(options),
	.run = run,
};
