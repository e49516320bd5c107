/*
 * `ensue explain`: what rules do, in sentences; the text is made by compiler/explain.c.
 * Tested by tests/cli/explain.sh.
 */
#include "tools/cli.h"

#include <string.h>

#include "compiler/explain.h"

static enum cli_exit explain_rule(struct cli_rules *r, const struct ens_decl *rule, struct ens_buf *out)
{
	struct ens_graph graph;
	struct ens_rule_cost cost;
	enum cli_exit code = cli_rule_graph(r, rule, &graph);

	if (code != CLI_DONE)
		return code;
	if (ens_tables_rule_cost(&r->tables, cli_rule_index(r, rule), &cost) != ENS_OK) {
		cli_say("no memory");
		return CLI_INTERNAL;
	}
	ens_explain_rule(rule, &graph, &cost, out);
	return CLI_DONE;
}

static const struct cli_option options[] = {CLI_RULE_OPTIONS};

static enum cli_exit take(const struct cli_verb *verb, int index, const char *value, void *to)
{
	return cli_rule_options_take(verb, index, value, to);
}

static enum cli_exit explain(const struct cli_rule_options *rules, char *file, const char *only)
{
	struct ens_buf out = ENS_BUF_EMPTY;
	const struct ens_decl *one = NULL;
	struct cli_rules r;

	cli_rules_open(&r, rules);
	enum cli_exit code = cli_rules_one_file(&r, file);

	if (code == CLI_DONE && only)
		code = cli_rule_named(&r, file, only, &one);
	for (const struct ens_decl *d = r.ast.decls; d && code == CLI_DONE; d = d->next) {
		if (d->kind != ENS_D_RULE || (one && d != one))
			continue;
		if (out.len)
			ens_buf_adds(&out, "\n\n");
		code = explain_rule(&r, d, &out);
	}
	if (code == CLI_DONE)
		code = cli_write(stdout, &out);
	ens_buf_free(&out);
	cli_rules_close(&r);
	return code;
}

static enum cli_exit explain_operands(const struct cli_verb *verb, char **word, int n, void *to)
{
	if (!n)
		return cli_usage_error(verb, "no rule file is given");
	if (n > 2)
		return cli_usage_error(verb, "there are too many words: it takes a file and, if wanted, a rule's name");
	return explain(to, word[0], n == 2 ? word[1] : NULL);
}

static enum cli_exit run(const struct cli_verb *verb, int argc, char **argv)
{
	const struct cli_taker taker = {take, explain_operands};
	struct cli_rule_options rules = {0};
	enum cli_exit code = cli_take(verb, argc, argv, &taker, &rules);

	cli_rule_options_free(&rules);
	return code;
}

const struct cli_verb verb_explain = {
	.name = "explain",
	.summary = "say in plain sentences what rules do, and what they cost",
	.usage = "FILE [RULE] " CLI_RULE_USAGE,
	.about = "For each rule of the file, or the one that is named: what it takes in, what it waits for after each\n"
		 "step, what may come between, how long a match may take, which matches are reported, what ends one,\n"
		 "what is kept for each key and each partial match, for how long, and what bounds it.\n",
	.option = options,
	.noption = CLI_COUNT(options),
	.run = run,
};
