/*
 * `ensue compile`: rule files to one table file, which `ensue run` takes like the rules themselves.
 *
 * A regular file appears whole or not at all: it is written beside its place and renamed.  Tested by tests/cli/compile.sh.
 */
#define _POSIX_C_SOURCE 200809L
#include "tools/cli.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { OPT_OUT, OPT_FORMAT, OPT_DUMP, OPT_RULES };

static const struct cli_option options[] = {
	[OPT_OUT] = {"output", 'o', "FILE", NULL, "where the tables go, for example rules.ensc"},
	[OPT_FORMAT] = CLI_FORMAT_OPTION,
	[OPT_DUMP] = CLI_DUMP_OPTION(";\nthen --output may be left out"),
	CLI_RULE_OPTIONS,
};

struct compile_args {
	struct cli_rule_options rules;
	const char *out;
	bool json;
	enum cli_dump dump;
};

static enum cli_exit take(const struct cli_verb *verb, int index, const char *value, void *to)
{
	struct compile_args *out = to;

	switch (index) {
	case OPT_DUMP:
		return cli_take_dump(verb, value, &out->dump);
	case OPT_FORMAT:
		return cli_take_format(verb, value, &out->json);
	case OPT_OUT:
		out->out = value;
		return CLI_DONE;
	default:
		return cli_rule_options_take(verb, index - OPT_RULES, value, &out->rules);
	}
}

/* A pipe, a device, a link such as /dev/stdout: what is there is written to, never replaced. */
static enum cli_exit write_through(const char *name, const struct ens_buf *bytes)
{
	const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	return cli_write_and_close(fd, name, bytes);
}

static enum cli_exit replace_file(const char *name, const struct ens_buf *bytes)
{
	const mode_t mask = umask(0);

	umask(mask);
	return cli_replace_file(name, bytes, 0666 & ~mask);
}

static enum cli_exit write_tables(const char *name, const struct ens_buf *bytes)
{
	struct stat st;
	const bool there = lstat(name, &st) == 0;

	return there && !S_ISREG(st.st_mode) ? write_through(name, bytes) : replace_file(name, bytes);
}

static enum cli_exit compile(const struct cli_verb *verb, char **file, int nfile, void *to)
{
	const struct compile_args *args = to;
	struct cli_rules r;

	if (!nfile)
		return cli_usage_error(verb, "no rule file is given");
	if (!args->out && args->dump == CLI_DUMP_NONE)
		return cli_usage_error(verb, "say where the tables go: -o rules.ensc");

	cli_rules_open(&r, &args->rules);
	enum cli_exit code = cli_rules_compile(&r, file, nfile, args->dump == CLI_DUMP_GRAPH);

	if (code == CLI_DONE || r.diag.nmsg > 0) {
		enum cli_exit said = cli_rules_messages(&r, args->json);

		code = code != CLI_DONE ? code : said;
	}
	if (code == CLI_DONE && args->dump != CLI_DUMP_NONE)
		code = cli_dump(&r, args->dump);
	if (code == CLI_DONE && args->out)
		code = write_tables(args->out, &r.bytes);
	cli_rules_close(&r);
	return code;
}

static enum cli_exit run(const struct cli_verb *verb, int argc, char **argv)
{
	const struct cli_taker taker = {take, compile};
	struct compile_args args = {0};
	enum cli_exit code = cli_take(verb, argc, argv, &taker, &args);

	cli_rule_options_free(&args.rules);
	return code;
}

const struct cli_verb verb_compile = {
	.name = "compile",
	.summary = "turn rule files into one table file",
	.usage = "FILE... -o OUT.ensc [--format text|json] [--dump ast|graph|tables] " CLI_RULE_USAGE,
	.about = "Compiles the rule files together into one table file. `ensue run` takes it like the rules\n"
		 "themselves; a machine that runs tables needs no rule text. `-` is standard input.\n",
	.option = options,
	.noption = CLI_COUNT(options),
	.run = run,
};
