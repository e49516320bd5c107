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

enum { OPT_SET, OPT_ALLOW_IMPORT, OPT_OUT, OPT_FORMAT, OPT_DUMP, OPT_DENY, OPT_ALLOW };

static const struct cli_option options[] = {
	[OPT_SET] = {"set", 0, "NAME=VALUE", NULL, CLI_HELP_SET},
	[OPT_ALLOW_IMPORT] = {"allow-import", 0, "DIR", NULL, CLI_HELP_ALLOW_IMPORT},
	[OPT_OUT] = {"output", 'o', "FILE", NULL, "where the tables go, for example rules.ensc"},
	[OPT_FORMAT] = {"format", 0, "FORMAT", NULL, "how messages are printed: text (default, to standard error)\n"
						     "or json (to standard output)"},
	[OPT_DUMP] = {"dump", 0, "WHAT", NULL, "print what the compiler made of the rules:\n"
					       "ast (the tree), graph (the automata) or tables;\n"
					       "then --output may be left out"},
	[OPT_DENY] = CLI_DENY,
	[OPT_ALLOW] = CLI_ALLOW,
};

struct compile_args {
	struct cli_rule_options rules;
	const char *out;
	bool json;
	enum cli_dump dump;
	uint8_t verdict[ENS_NCODE];
};

static enum cli_exit parse(const struct cli_verb *verb, struct cli_args *a, struct compile_args *out, bool *go_on)
{
	*go_on = false;
	for (;;) {
		switch (cli_args_next(a)) {
		case CLI_HELP:
			return CLI_DONE;
		case CLI_BAD:
			return CLI_USAGE;
		case CLI_OPERANDS:
			if (a->first == a->argc)
				return cli_usage_error(verb, "no rule file is given");
			if (!out->out && out->dump == CLI_DUMP_NONE)
				return cli_usage_error(verb, "say where the tables go: -o rules.ensc");
			*go_on = true;
			return CLI_DONE;
		case CLI_OPTION:
			break;
		}
		enum cli_exit code = CLI_DONE;

		if (a->index == OPT_SET)
			code = cli_rule_options_set(verb, &out->rules, a->value);
		else if (a->index == OPT_ALLOW_IMPORT)
			code = cli_rule_options_allow(&out->rules, a->value);
		else if (a->index == OPT_DENY || a->index == OPT_ALLOW)
			code = cli_take_verdict(verb, a->value, a->index == OPT_DENY, out->verdict);
		else if (a->index == OPT_OUT)
			out->out = a->value;
		else if (a->index == OPT_DUMP && !cli_dump_parse(a->value, &out->dump))
			return cli_usage_error(verb, "--dump %s: it is one of ast, graph, tables", a->value);
		else if (a->index == OPT_FORMAT && strcmp(a->value, "text") != 0 && strcmp(a->value, "json") != 0)
			return cli_usage_error(verb, "--format %s: it is one of text, json", a->value);
		else if (a->index == OPT_FORMAT)
			out->json = strcmp(a->value, "json") == 0;
		if (code != CLI_DONE)
			return code;
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

static enum cli_exit compile(const struct compile_args *args, char *const *file, int nfile)
{
	struct cli_rules r;

	cli_rules_open(&r);
	r.diag.verdict = args->verdict;
	r.options = &args->rules;
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
	struct compile_args args = {0};
	struct cli_args a;
	bool go_on = false;

	if (!cli_args_begin(&a, verb, argc, argv))
		return CLI_INTERNAL;
	enum cli_exit code = parse(verb, &a, &args, &go_on);

	if (go_on)
		code = compile(&args, argv + a.first, argc - a.first);
	cli_rule_options_free(&args.rules);
	cli_args_end(&a);
	return code;
}

const struct cli_verb verb_compile = {
	.name = "compile",
	.summary = "turn rule files into one table file",
	.usage = "FILE... -o OUT.ensc [--set NAME=VALUE] [--allow-import DIR] [--format text|json] [--dump ast|graph|tables]",
	.about = "Compiles the rule files together into one table file. `ensue run` takes it like the rules\n"
		 "themselves; a machine that runs tables needs no rule text. `-` is standard input.\n",
	.option = options,
	.noption = CLI_COUNT(options),
	.run = run,
};
