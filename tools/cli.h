/*
 * What the verbs of the `ensue` command share: exit codes, options by table, rule files, messages.
 *
 * A verb is one row of the table in tools/ensue.c and one file.  Its options are a table too: the same rows drive the
 * parsing, the `ENSUE_*` variables and `--help`, so that these cannot disagree.  Messages for people go to standard
 * error and begin with "ensue: " or a file's name; standard output carries only what was asked for.
 */
#ifndef ENS_TOOLS_CLI_H
#define ENS_TOOLS_CLI_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "compiler/graph.h"
#include "compiler/compile.h"
#include "dsl/ast.h"
#include "dsl/diag.h"
#include "runtime/tables.h"

enum cli_exit {
	CLI_DONE = 0,
	CLI_RULES = 1,    /* the rules are wrong */
	CLI_USAGE = 2,    /* the command line is wrong */
	CLI_ENV = 3,      /* the environment: Redis, files, permissions */
	CLI_INTERNAL = 4  /* our own mistake, or no memory */
};

/* One option of a verb. */
struct cli_option {
	const char *name;  /* without the dashes */
	char letter;       /* 0: none */
	const char *arg;   /* name of its value for the help; NULL: it takes none */
	const char *env;   /* variable that gives the value when the option is not there; NULL: none */
	const char *help;  /* one or more lines, separated by newlines */
};

struct cli_verb {
	const char *name;
	const char *summary;  /* one line for the list of verbs */
	const char *usage;    /* what follows "ensue NAME " */
	const char *about;    /* paragraphs for --help, ending in a newline */
	const struct cli_option *option;
	int noption;
	enum cli_exit (*run)(const struct cli_verb *verb, int argc, char **argv);
};

#define CLI_COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

extern const struct cli_verb verb_check, verb_fmt, verb_compile, verb_test, verb_run, verb_demo;
extern const struct cli_verb verb_explain, verb_graph, verb_list, verb_new, verb_infer, verb_dead;

/* ---- options ------------------------------------------------------------------------------------------------------ */

enum cli_next {
	CLI_OPTION,   /* `index` and `value` are set */
	CLI_OPERANDS, /* no more options: argv[args->first .. argc - 1] are the operands */
	CLI_HELP,     /* --help was asked for and has been printed: the verb returns CLI_DONE */
	CLI_BAD       /* a message has been printed: the verb returns CLI_USAGE */
};

/* Goes through the options of one command line; one at a time.  Options and operands may be mixed; `--` ends options. */
struct cli_args {
	const struct cli_verb *verb;
	int argc;
	char **argv;
	int first;         /* operand, after CLI_OPERANDS */
	int index;         /* row of verb->option */
	const char *value; /* NULL: the option takes none */
	bool *given;       /* per option; for the variables */
	int env_at;
	void *long_options;
	char *letters;
};

/* False without memory. */
bool cli_args_begin(struct cli_args *a, const struct cli_verb *verb, int argc, char **argv);
enum cli_next cli_args_next(struct cli_args *a);
void cli_args_end(struct cli_args *a);

/* What a verb makes of its command line: each option in turn, then the operands.  Another code than CLI_DONE ends it. */
struct cli_taker {
	enum cli_exit (*option)(const struct cli_verb *verb, int index, const char *value, void *to); /* NULL: the verb has none */
	enum cli_exit (*operands)(const struct cli_verb *verb, char **operand, int n, void *to);
};
enum cli_exit cli_take(const struct cli_verb *verb, int argc, char **argv, const struct cli_taker *t, void *to);
/* Takes the value of --format: *json is false for text, true for json. */
enum cli_exit cli_take_format(const struct cli_verb *verb, const char *value, bool *json);

/* "ensue VERB: TEXT" and where to read more, to standard error. */
enum cli_exit cli_usage_error(const struct cli_verb *verb, const char *fmt, ...) ENS_PRINTF(2, 3);
/* "ensue: TEXT" to standard error. */
void cli_say(const char *fmt, ...) ENS_PRINTF(1, 2);
void cli_help(const struct cli_verb *verb, FILE *to);

/* Does the word look like the code of a message, such as E0203?  Prints its page; CLI_USAGE if there is none. */
bool cli_is_code(const char *word);
enum cli_exit cli_help_code(const char *word);

enum cli_exit cli_exit_of(enum ens_status status);

/* ---- rules -------------------------------------------------------------------------------------------------------- */

/* What all verbs that take rules have: the last rows of their tables, in this order. */
enum { CLI_RULE_SET, CLI_RULE_ALLOW_IMPORT, CLI_RULE_DENY, CLI_RULE_ALLOW };
#define CLI_RULE_OPTIONS \
	{"set", 0, "NAME=VALUE", NULL, \
	 "the value of a parameter that the rules declare; may be\ngiven more than once"}, \
	{"allow-import", 0, "DIR", NULL, \
	 "a folder that files may be imported from, besides that of\nthe first rule file; may be given more than once"}, \
	{"deny", 0, "CODE", NULL, \
	 "this warning is an error, for example --deny W0201;\nmay be given more than once"}, \
	{"allow", 0, "CODE", NULL, "this warning is not told; may be given more than once"}
#define CLI_RULE_USAGE "[--set NAME=VALUE] [--allow-import DIR] [--deny CODE] [--allow CODE]"

/* How `check` and `compile` say what they found; the text of --dump goes on behind `more`. */
#define CLI_FORMAT_OPTION \
	{"format", 0, "FORMAT", NULL, "how messages are printed: text (default, to standard error)\nor json (to standard output)"}
#define CLI_DUMP_OPTION(more) \
	{"dump", 0, "WHAT", NULL, "print what the compiler made of the rules:\nast (the tree), graph (the automata) or tables" more}

/* What the command line says about rules.  Begins zeroed. */
struct cli_rule_options {
	struct ens_setting *set;
	size_t nset;
	const char **allow; /* folders */
	size_t nallow;
	uint8_t verdict[ENS_NCODE]; /* enum ens_verdict */
	const char *const *leave_out; /* rules, see ens_compile_options; borrowed */
	size_t nleave_out;
};

/* Takes the value of one of CLI_RULE_OPTIONS. */
enum cli_exit cli_rule_options_take(const struct cli_verb *verb, int which, const char *value, struct cli_rule_options *o);
void cli_rule_options_free(struct cli_rule_options *o);

/* Rule files and text, compiled; or one table file, verified.  Everything in it lives until cli_rules_close. */
struct cli_rules {
	const struct cli_rule_options *options;
	struct ens_arena arena;
	struct ens_sources sources;
	struct ens_diag diag;
	const struct ens_buf *text; /* rules of the command line, behind those of the files; NULL: none */
	struct ens_ast ast;
	struct ens_buf bytes;      /* tables made from rule text */
	struct ens_buf graph;      /* text form of the automata, if asked for */
	char **path;               /* per file of `sources`: where it really is; NULL: standard input */
	uint32_t npath;
	const char *first;         /* the first rule file */
	void *map;                 /* table file, mapped read-only */
	size_t map_bytes;
	bool compiled;             /* `tables` is valid */
	struct ens_tables tables;
};

/* The options are borrowed; NULL: none. */
void cli_rules_open(struct cli_rules *r, const struct cli_rule_options *options);
void cli_rules_close(struct cli_rules *r);
/* Reads one rule file ("-": standard input) without looking into it; messages are printed. */
enum cli_exit cli_rules_read(struct cli_rules *r, const char *name, uint32_t *file);
/* Reads and compiles rule files ("-": standard input).  Messages stay in r->diag; CLI_RULES if there are errors.  With
 * `graph`, r->graph is filled.  Table files are refused as such. */
enum cli_exit cli_rules_compile(struct cli_rules *r, char *const *file, int nfile, bool graph);
/* Reads and parses them only: r->ast is there, nothing of it checked. */
enum cli_exit cli_rules_parse(struct cli_rules *r, char *const *file, int nfile);
/* As cli_rules_compile, but a single file may be a table file, and messages are printed as text. */
enum cli_exit cli_rules_load(struct cli_rules *r, char *const *file, int nfile);
/* The messages in r->diag: text to standard error, or JSON to standard output. */
enum cli_exit cli_rules_messages(const struct cli_rules *r, bool json);

/* One file of rule text for a verb that looks at rules: as cli_rules_compile, and messages are printed if there are errors. */
enum cli_exit cli_rules_one_file(struct cli_rules *r, char *file);
/* A rule by its name; CLI_RULES with a message if there is none. */
enum cli_exit cli_rule_named(struct cli_rules *r, const char *file, const char *name, const struct ens_decl **out);
/* Of a rule of the tree that was compiled: its graph (in r's arena), its place in the tables. */
enum cli_exit cli_rule_graph(struct cli_rules *r, const struct ens_decl *rule, struct ens_graph *out);
uint32_t cli_rule_index(const struct cli_rules *r, const struct ens_decl *rule);

/* Writes all of a buffer and closes the file, whatever happens; -1 is a file that could not be opened, told from errno. */
enum cli_exit cli_write_and_close(int fd, const char *name, const struct ens_buf *bytes);
/* Puts a file with that content in the place of what is there, whole or not at all; `mode` is its permissions. */
enum cli_exit cli_replace_file(const char *name, const struct ens_buf *bytes, mode_t mode);

/* Writes all of a buffer; CLI_ENV with a message if that can't be done. */
enum cli_exit cli_write(FILE *to, struct ens_buf *text);

/* Appends the difference between two texts as `diff -u` writes it; nothing if there is none. */
void cli_diff(const char *name, const char *a, size_t a_bytes, const char *b, size_t b_bytes, struct ens_buf *out);

/* What --dump names. */
enum cli_dump { CLI_DUMP_NONE, CLI_DUMP_AST, CLI_DUMP_GRAPH, CLI_DUMP_TABLES };
/* Takes the value of --dump. */
enum cli_exit cli_take_dump(const struct cli_verb *verb, const char *value, enum cli_dump *out);
enum cli_exit cli_dump(struct cli_rules *r, enum cli_dump what);

#endif
