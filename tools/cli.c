/*
 * Options by table: getopt_long does the parsing, the table gives it its rows, the help and the variables.
 *
 * Order of precedence: option over variable over default.  Variables come out of cli_args_next like options, after the
 * command line's own; a verb cannot tell them apart.  Tested by tests/cli/usage.sh.
 */
#include "tools/cli.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HELP_CODE 1000   /* long options have the codes OPTION_CODE + row */
#define OPTION_CODE 1001

void cli_say(const char *fmt, ...)
{
	va_list ap;

	fputs("ensue: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

enum cli_exit cli_usage_error(const struct cli_verb *verb, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "ensue %s: ", verb->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nusage: ensue %s %s\n`ensue %s --help` says more.\n", verb->name, verb->usage, verb->name);
	return CLI_USAGE;
}

/* The option's text after its first line is indented to the column where the first began. */
static void help_option(const struct cli_option *o, FILE *to)
{
	char left[64];
	const int column = 24;
	int len;

	if (o->letter)
		len = snprintf(left, sizeof left, "  -%c, --%s%s%s", o->letter, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
	else
		len = snprintf(left, sizeof left, "      --%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
	fputs(left, to);
	if (len >= column - 1)
		fprintf(to, "\n%*s", column, "");
	else
		fprintf(to, "%*s", column - len, "");
	for (const char *s = o->help; *s; s++) {
		fputc(*s, to);
		if (*s == '\n')
			fprintf(to, "%*s", column, "");
	}
	if (o->env)
		fprintf(to, "\n%*s(or the variable %s)", column, "", o->env);
	fputc('\n', to);
}

void cli_help(const struct cli_verb *verb, FILE *to)
{
	fprintf(to, "usage: ensue %s %s\n\n%s\n", verb->name, verb->usage, verb->about);
	for (int i = 0; i < verb->noption; i++)
		help_option(&verb->option[i], to);
	fputs("  -h, --help            this page\n", to);
}

bool cli_args_begin(struct cli_args *a, const struct cli_verb *verb, int argc, char **argv)
{
	const size_t n = (size_t)verb->noption;
	struct option *lo = calloc(n + 2, sizeof *lo);
	char *letters = calloc(2 * n + 4, 1);
	char *p = letters;

	*a = (struct cli_args){.verb = verb, .argc = argc, .argv = argv, .long_options = lo, .letters = letters};
	a->given = calloc(n + 1, sizeof *a->given);
	if (!lo || !letters || !a->given) {
		cli_args_end(a);
		cli_say("no memory");
		return false;
	}
	*p++ = ':'; /* report a missing value apart from an unknown option */
	*p++ = 'h';
	for (size_t i = 0; i < n; i++) {
		const struct cli_option *o = &verb->option[i];

		lo[i] = (struct option){o->name, o->arg ? required_argument : no_argument, NULL, OPTION_CODE + (int)i};
		if (o->letter) {
			*p++ = o->letter;
			if (o->arg)
				*p++ = ':';
		}
	}
	lo[n] = (struct option){"help", no_argument, NULL, HELP_CODE};
	optind = 1;
	opterr = 0;
	return true;
}

void cli_args_end(struct cli_args *a)
{
	free(a->long_options);
	free(a->letters);
	free(a->given);
	a->long_options = NULL;
	a->letters = NULL;
	a->given = NULL;
}

static enum cli_next unknown_option(const struct cli_args *a)
{
	/* getopt has gone past a long option, but stays within a group of letters */
	const char *word = optopt ? NULL : a->argv[optind - 1];
	const char *known[64];
	size_t n = 0;

	if (!word) {
		if (optopt >= HELP_CODE) { /* a known long option with a value it does not take */
			cli_usage_error(a->verb, "%s takes no value", a->argv[optind - 1]);
			return CLI_BAD;
		}
		cli_usage_error(a->verb, "there is no option `-%c`", optopt);
		return CLI_BAD;
	}
	for (int i = 0; i < a->verb->noption && n < 63; i++)
		known[n++] = a->verb->option[i].name;
	known[n++] = "help";
	const char *near = ens_diag_nearest(word + 2, known, n);

	if (near)
		cli_usage_error(a->verb, "there is no option `%s`: did you mean `--%s`?", word, near);
	else
		cli_usage_error(a->verb, "there is no option `%s`", word);
	return CLI_BAD;
}

static enum cli_next missing_value(const struct cli_args *a)
{
	for (int i = 0; i < a->verb->noption; i++) {
		const struct cli_option *o = &a->verb->option[i];

		if (optopt == OPTION_CODE + i || (o->letter && optopt == o->letter)) {
			cli_usage_error(a->verb, "--%s needs a value: --%s %s", o->name, o->name, o->arg);
			return CLI_BAD;
		}
	}
	return CLI_BAD;
}

static enum cli_next from_environment(struct cli_args *a)
{
	for (; a->env_at < a->verb->noption; a->env_at++) {
		const struct cli_option *o = &a->verb->option[a->env_at];
		const char *value = o->env && !a->given[a->env_at] ? getenv(o->env) : NULL;

		if (value && *value) {
			a->index = a->env_at++;
			a->value = value;
			return CLI_OPTION;
		}
	}
	return CLI_OPERANDS;
}

enum cli_next cli_args_next(struct cli_args *a)
{
	if (a->first)
		return from_environment(a);
	int code = getopt_long(a->argc, a->argv, a->letters, a->long_options, NULL);

	if (code == -1) {
		a->first = optind;
		return from_environment(a);
	}
	if (code == ':')
		return missing_value(a);
	if (code == '?')
		return unknown_option(a);
	if (code == 'h' || code == HELP_CODE) {
		cli_help(a->verb, stdout);
		return CLI_HELP;
	}
	a->index = code - OPTION_CODE;
	for (int i = 0; code < HELP_CODE && i < a->verb->noption; i++)
		if (a->verb->option[i].letter == code)
			a->index = i;
	a->value = optarg;
	a->given[a->index] = true;
	return CLI_OPTION;
}

enum cli_exit cli_exit_of(enum ens_status status)
{
	switch (status) {
	case ENS_OK:
	case ENS_EEND:
		return CLI_DONE;
	case ENS_ERULES:
		return CLI_RULES;
	case ENS_EINPUT:
	case ENS_ELIMIT:
	case ENS_EENV:
	case ENS_EFENCED:
		return CLI_ENV;
	case ENS_ENOMEM:
	case ENS_EBUG:
		break;
	}
	return CLI_INTERNAL;
}
enum cli_exit cli_take(const struct cli_verb *verb, int argc, char **argv, const struct cli_taker *t, void *to)
{
	struct cli_args a;
	enum cli_exit code = CLI_DONE;
	bool more = true;

	if (!cli_args_begin(&a, verb, argc, argv))
		return CLI_INTERNAL;
	while (more && code == CLI_DONE) {
		switch (cli_args_next(&a)) {
		case CLI_HELP:
			more = false;
			break;
		case CLI_BAD:
			code = CLI_USAGE;
			break;
		case CLI_OPERANDS:
			code = t->operands(verb, argv + a.first, argc - a.first, to);
			more = false;
			break;
		case CLI_OPTION:
			code = t->option(verb, a.index, a.value, to);
			break;
		}
	}
	cli_args_end(&a);
	return code;
}

enum cli_exit cli_take_format(const struct cli_verb *verb, const char *value, bool *json)
{
	*json = strcmp(value, "json") == 0;
	if (!*json && strcmp(value, "text") != 0)
		return cli_usage_error(verb, "--format %s: it is one of text, json", value);
	return CLI_DONE;
}

