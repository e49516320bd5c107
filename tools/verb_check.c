/*
 * `ensue check`: compiles rule files and says what is wrong with them.
 *
 * Each file is checked for itself if it is alone; several are checked together, as `run` would take them.
 * Tested by tests/cli/check.sh; the messages themselves by tests/lang.
 */
#include "tools/cli.h"

#include <string.h>

enum { OPT_FORMAT, OPT_DUMP, OPT_QUIET, OPT_RULES };

static const struct cli_option options[] = {
	[OPT_FORMAT] = CLI_FORMAT_OPTION,
	[OPT_DUMP] = CLI_DUMP_OPTION(""),
	[OPT_QUIET] = {"quiet", 'q', NULL, NULL, "say nothing if there is nothing wrong"},
	CLI_RULE_OPTIONS,
};

struct check_args {
	struct cli_rule_options rules;
	bool json, quiet;
	enum cli_dump dump;
};

static enum cli_exit take(const struct cli_verb *verb, int index, const char *value, void *to)
{
	struct check_args *out = to;

	switch (index) {
	case OPT_DUMP:
		return cli_take_dump(verb, value, &out->dump);
	case OPT_FORMAT:
		return cli_take_format(verb, value, &out->json);
	case OPT_QUIET:
		out->quiet = true;
		return CLI_DONE;
	default:
		return cli_rule_options_take(verb, index - OPT_RULES, value, &out->rules);
	}
}

static uint32_t count_rules(const struct ens_ast *ast)
{
	uint32_t n = 0;

	for (const struct ens_decl *d = ast->decls; d; d = d->next)
		n += d->kind == ENS_D_RULE;
	return n;
}

/* "a.ens, b.ens: 3 rules, no problems" */
static void sum_up(const struct cli_rules *r, char *const *file, int nfile)
{
	const uint32_t n = count_rules(&r->ast), nerror = r->diag.nerror + r->diag.ndenied;

	for (int i = 0; i < nfile; i++)
		fprintf(stderr, "%s%s", i ? ", " : "", strcmp(file[i], "-") == 0 ? "standard input" : file[i]);
	fprintf(stderr, ": %u rule%s, ", n, n == 1 ? "" : "s");
	if (nerror + r->diag.nwarning == 0)
		fputs("no problems\n", stderr);
	else if (nerror == 0)
		fprintf(stderr, "%u warning%s\n", r->diag.nwarning, r->diag.nwarning == 1 ? "" : "s");
	else
		fprintf(stderr, "%u error%s\n", nerror, nerror == 1 ? "" : "s");
}

static enum cli_exit check(const struct cli_verb *verb, char **file, int nfile, void *to)
{
	const struct check_args *args = to;
	struct cli_rules r;

	if (!nfile)
		return cli_usage_error(verb, "no rule file is given");

	cli_rules_open(&r, &args->rules);
	enum cli_exit code = cli_rules_compile(&r, file, nfile, args->dump == CLI_DUMP_GRAPH);
	const bool looked = code == CLI_DONE || r.diag.nmsg > 0; /* else: the files could not even be read */
	enum cli_exit said = looked ? cli_rules_messages(&r, args->json) : code;

	if (args->dump != CLI_DUMP_NONE && (code == CLI_DONE || (looked && args->dump == CLI_DUMP_AST)))
		said = cli_dump(&r, args->dump);
	else if (looked && !args->json && !args->quiet)
		sum_up(&r, file, nfile);
	cli_rules_close(&r);
	return code != CLI_DONE ? code : said;
}

static enum cli_exit run(const struct cli_verb *verb, int argc, char **argv)
{
	const struct cli_taker taker = {take, check};
	struct check_args args = {0};
	enum cli_exit code = cli_take(verb, argc, argv, &taker, &args);

	cli_rule_options_free(&args.rules);
	return code;
}

const struct cli_verb verb_check = {
	.name = "check",
	.summary = "say what is wrong with rule files",
	.usage = "[--format text|json] [--dump ast|graph|tables] [--quiet] " CLI_RULE_USAGE " FILE...",
	.about = "Compiles the rule files together, as `ensue run` would, and prints every problem with its\n"
		 "code, place and, where there is one, a remedy. `-` is standard input.\n"
		 "Exit code 0: no errors (there may be warnings); 1: there are errors.\n",
	.option = options,
	.noption = CLI_COUNT(options),
	.run = run,
};
