/*
 * The `ensue` command: finds the verb in a table and runs it.
 *
 * To add a verb: one file tools/verb_NAME.c that exports a `struct cli_verb`, and a row in `verbs`.
 * Tested by tests/cli/usage.sh.
 */
#include "tools/cli.h"

#include <signal.h>
#include <string.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unversioned"
#endif

static const struct cli_verb *const verbs[] = {&verb_check, &verb_fmt, &verb_compile, &verb_test, &verb_run, &verb_explain,
					 &verb_graph, &verb_list, &verb_new, &verb_infer, &verb_dead, &verb_demo};

static void version(void)
{
	printf("ensue %s (tables version %u, semantics version %u)\n", PACKAGE_VERSION, ENS_TABLES_VERSION,
	       ENS_SEMANTICS_VERSION);
}

static void overview(FILE *to)
{
	fputs("Ensue finds patterns in streams of events.\n"
	      "\n"
	      "usage: ensue VERB [OPTION]... [FILE]...\n"
	      "\n",
	      to);
	for (int i = 0; i < CLI_COUNT(verbs); i++)
		fprintf(to, "  %-9s %s\n", verbs[i]->name, verbs[i]->summary);
	fputs("  help      this page; `ensue help VERB` is the same as `ensue VERB --help`;\n"
	      "            `ensue help E0203` explains the message of that code\n"
	      "  version   the version\n"
	      "\n"
	      "Start with `ensue demo`, which needs nothing but a redis-server to be installed.\n"
	      "Exit codes: 0 done, 1 the rules are wrong, 2 wrong usage, 3 the environment (Redis, files), 4 internal error.\n",
	      to);
}

static const struct cli_verb *find(const char *name)
{
	for (int i = 0; i < CLI_COUNT(verbs); i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];
	return NULL;
}

static enum cli_exit unknown_verb(const char *name)
{
	const char *known[CLI_COUNT(verbs) + 2];
	int n = 0;

	for (int i = 0; i < CLI_COUNT(verbs); i++)
		known[n++] = verbs[i]->name;
	known[n++] = "help";
	known[n++] = "version";
	const char *near = ens_diag_nearest(name, known, (size_t)n);

	cli_say("there is no verb `%s`%s%s%s", name, near ? ": did you mean `" : "", near ? near : "", near ? "`?" : "");
	fputs("Verbs:", stderr);
	for (int i = 0; i < n; i++)
		fprintf(stderr, " %s", known[i]);
	fputs("; `ensue help` says what they do.\n", stderr);
	return CLI_USAGE;
}

static enum cli_exit help(int argc, char **argv)
{
	if (argc < 2) {
		overview(stdout);
		return CLI_DONE;
	}
	if (cli_is_code(argv[1]))
		return cli_help_code(argv[1]);
	const struct cli_verb *verb = find(argv[1]);

	if (verb) {
		cli_help(verb, stdout);
		return CLI_DONE;
	}
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "version") == 0) {
		overview(stdout);
		return CLI_DONE;
	}
	return unknown_verb(argv[1]);
}

static enum cli_exit dispatch(int argc, char **argv)
{
	const char *word = argv[1];

	if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return help(argc - 1, argv + 1);
	if (strcmp(word, "version") == 0 || strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		version();
		return CLI_DONE;
	}
	if (word[0] == '-') {
		cli_say("`%s` stands before the verb: write `ensue VERB [OPTION]... [FILE]...`, for example `ensue check rules.ens`",
			word);
		return CLI_USAGE;
	}
	const struct cli_verb *verb = find(word);

	return verb ? verb->run(verb, argc - 1, argv + 1) : unknown_verb(word);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		overview(stderr);
		return CLI_USAGE;
	}
	signal(SIGPIPE, SIG_IGN); /* a reader that left is a failed write, told as such */
	enum cli_exit code = dispatch(argc, argv);

	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (code == CLI_DONE) {
			cli_say("standard output could not be written");
			code = CLI_ENV;
		}
	}
	return (int)code;
}
