/*
 * `ensue graph`: the automaton of a rule as a drawing (compiler/draw.c); SVG by Graphviz's `dot`.
 *
 * `dot` reads the drawing from an unnamed temporary file, which can't fill up or block as a pipe could, and writes to our
 * standard output.  Tested by tests/cli/graph.sh.
 */
#define _POSIX_C_SOURCE 200809L
#include "tools/cli.h"

#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compiler/draw.h"

extern char **environ;

enum { OPT_FORMAT, OPT_RULES };

static const struct cli_option options[] = {
	[OPT_FORMAT] = {"format", 0, "FORMAT", NULL, "ascii (default), dot (Graphviz), mermaid, or svg, which needs\n"
						     "Graphviz to be installed"},
	CLI_RULE_OPTIONS,
};

struct graph_args {
	struct cli_rule_options rules;
	int format;
};

static const struct {
	const char *name;
	enum ens_draw how;
	bool svg;
} formats[] = {
	{"ascii", ENS_DRAW_ASCII, false},
	{"dot", ENS_DRAW_DOT, false},
	{"mermaid", ENS_DRAW_MERMAID, false},
	{"svg", ENS_DRAW_DOT, true},
};

/* ---- Graphviz ---------------------------------------------------------------------------------------------------- */

static enum cli_exit wait_for_dot(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) {
			cli_say("Graphviz's `dot` was lost: %s", strerror(errno));
			return CLI_ENV;
		}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return CLI_DONE;
	cli_say("Graphviz's `dot` failed; `--format dot` prints what it was given");
	return CLI_ENV;
}

static enum cli_exit spawn_dot(FILE *drawing)
{
	char *const argv[] = {(char[]){"dot"}, (char[]){"-Tsvg"}, NULL};
	posix_spawn_file_actions_t actions;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions) != 0) {
		cli_say("no memory");
		return CLI_INTERNAL;
	}
	int failed = posix_spawn_file_actions_adddup2(&actions, fileno(drawing), STDIN_FILENO);

	if (!failed)
		failed = posix_spawnp(&pid, "dot", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (!failed)
		return wait_for_dot(pid);
	if (failed == ENOENT)
		cli_say("SVG is drawn by Graphviz's `dot`, which is not installed: install the package graphviz, or use "
			"--format dot, mermaid or ascii");
	else
		cli_say("Graphviz's `dot` can't be run: %s", strerror(failed));
	return CLI_ENV;
}

static enum cli_exit write_svg(struct ens_buf *drawing)
{
	FILE *f = tmpfile();

	if (!f) {
		cli_say("a temporary file can't be made: %s", strerror(errno));
		return CLI_ENV;
	}
	enum cli_exit code = cli_write(f, drawing);

	if (code == CLI_DONE && (fflush(f) != 0 || fseek(f, 0, SEEK_SET) != 0)) {
		cli_say("a temporary file can't be written: %s", strerror(errno));
		code = CLI_ENV;
	}
	if (code == CLI_DONE)
		code = spawn_dot(f);
	fclose(f);
	return code;
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static enum cli_exit the_only_rule(const struct cli_verb *verb, const struct cli_rules *r, const struct ens_decl **out)
{
	if (r->tables.nrule != 1)
		return cli_usage_error(verb, "the file has %u rules: name the one to draw", r->tables.nrule);
	for (const struct ens_decl *d = r->ast.decls; d; d = d->next)
		if (d->kind == ENS_D_RULE)
			*out = d;
	return CLI_DONE;
}

static enum cli_exit draw(const struct cli_verb *verb, const struct graph_args *args, char *file, const char *name)
{
	struct ens_buf out = ENS_BUF_EMPTY;
	const struct ens_decl *rule = NULL;
	struct ens_graph graph;
	struct cli_rules r;

	cli_rules_open(&r, &args->rules);
	enum cli_exit code = cli_rules_one_file(&r, file);

	if (code == CLI_DONE)
		code = name ? cli_rule_named(&r, file, name, &rule) : the_only_rule(verb, &r, &rule);
	if (code == CLI_DONE)
		code = cli_rule_graph(&r, rule, &graph);
	if (code == CLI_DONE) {
		ens_graph_draw(rule, &graph, formats[args->format].how, &out);
		code = formats[args->format].svg ? write_svg(&out) : cli_write(stdout, &out);
	}
	ens_buf_free(&out);
	cli_rules_close(&r);
	return code;
}

static bool take_format(const char *value, int *out)
{
	for (int i = 0; i < CLI_COUNT(formats); i++)
		if (strcmp(value, formats[i].name) == 0) {
			*out = i;
			return true;
		}
	return false;
}

static enum cli_exit take(const struct cli_verb *verb, int index, const char *value, void *to)
{
	struct graph_args *out = to;

	if (index >= OPT_RULES)
		return cli_rule_options_take(verb, index - OPT_RULES, value, &out->rules);
	if (!take_format(value, &out->format))
		return cli_usage_error(verb, "--format %s: it is one of ascii, dot, mermaid, svg", value);
	return CLI_DONE;
}

static enum cli_exit draw_operands(const struct cli_verb *verb, char **word, int n, void *to)
{
	if (!n)
		return cli_usage_error(verb, "no rule file is given");
	if (n > 2)
		return cli_usage_error(verb, "there are too many words: it takes a file and a rule's name");
	return draw(verb, to, word[0], n == 2 ? word[1] : NULL);
}

static enum cli_exit run(const struct cli_verb *verb, int argc, char **argv)
{
	const struct cli_taker taker = {take, draw_operands};
	struct graph_args args = {0};
	enum cli_exit code = cli_take(verb, argc, argv, &taker, &args);

	cli_rule_options_free(&args.rules);
	return code;
}

const struct cli_verb verb_graph = {
	.name = "graph",
	.summary = "draw the automaton of a rule",
	.usage = "FILE [RULE] [--format ascii|dot|mermaid|svg] " CLI_RULE_USAGE,
	.about = "Draws what a rule waits for: a node for each step, an edge for each way to go on, numbered in the\n"
		 "order in which they are tried. RULE may be left out where the file has one rule.\n",
	.option = options,
	.noption = CLI_COUNT(options),
	.run = run,
};
