/*
 * Rule files in, tables out: what every verb that takes rules does first.
 *
 * Rule text is read whole, at most ENS_FILE_MAX_BYTES of it, whatever kind of file it comes from; a table file is mapped
 * read-only and verified before anyone looks into it.  Tested by tests/cli/check.sh, compile.sh and tables.sh.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "tools/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "compiler/compile.h"
#include "compiler/dump.h"
#include "compiler/sema.h"
#include "dsl/parse.h"

void cli_rules_open(struct cli_rules *r, const struct cli_rule_options *options)
{
	*r = (struct cli_rules){.map = MAP_FAILED, .options = options};
	ens_arena_init(&r->arena, ENS_COMPILE_MAX_BYTES);
	ens_sources_init(&r->sources, &r->arena);
	ens_diag_init(&r->diag, &r->arena, &r->sources);
	r->diag.verdict = options ? options->verdict : NULL;
}

void cli_rules_close(struct cli_rules *r)
{
	if (r->map != MAP_FAILED)
		munmap(r->map, r->map_bytes);
	ens_buf_free(&r->bytes);
	ens_buf_free(&r->graph);
	for (uint32_t i = 0; i < r->npath; i++)
		free(r->path[i]);
	free(r->path);
	ens_arena_free(&r->arena);
}

static enum cli_exit no_memory(void)
{
	cli_say("no memory");
	return CLI_INTERNAL;
}

/* ---- options ------------------------------------------------------------------------------------------------------ */

static enum cli_exit take_set(const struct cli_verb *verb, struct cli_rule_options *o, const char *value)
{
	const char *equals = strchr(value, '=');

	if (!equals || equals == value)
		return cli_usage_error(verb, "--set %s: write it as NAME=VALUE, for example --set threshold=8", value);

	struct ens_setting *bigger = realloc(o->set, (o->nset + 1) * sizeof *bigger);

	if (!bigger)
		return no_memory();
	o->set = bigger;

	char *name = strndup(value, (size_t)(equals - value));

	if (!name)
		return no_memory();
	o->set[o->nset++] = (struct ens_setting){name, equals + 1};
	return CLI_DONE;
}

static enum cli_exit take_folder(struct cli_rule_options *o, const char *folder)
{
	const char **bigger = realloc(o->allow, (o->nallow + 1) * sizeof *bigger);

	if (!bigger)
		return no_memory();
	o->allow = bigger;
	o->allow[o->nallow++] = folder;
	return CLI_DONE;
}

static enum cli_exit take_verdict(const struct cli_verb *verb, const char *code, bool deny, uint8_t verdict[ENS_NCODE])
{
	const char *option = deny ? "deny" : "allow";
	enum ens_code c;

	if (!ens_code_find(code, &c))
		return cli_usage_error(verb, "--%s %s: there is no such warning; they have codes like W0201", option, code);
	if (ens_code_severity(c) == ENS_ERROR && deny)
		return cli_usage_error(verb, "--deny %s: that is an error already", code);
	if (ens_code_severity(c) == ENS_ERROR)
		return cli_usage_error(verb, "--allow %s: that is an error, and only warnings can be left out", code);
	verdict[c] = deny ? ENS_VERDICT_DENY : ENS_VERDICT_ALLOW;
	return CLI_DONE;
}

enum cli_exit cli_rule_options_take(const struct cli_verb *verb, int which, const char *value, struct cli_rule_options *o)
{
	switch (which) {
	case CLI_RULE_SET:
		return take_set(verb, o, value);
	case CLI_RULE_ALLOW_IMPORT:
		return take_folder(o, value);
	default:
		return take_verdict(verb, value, which == CLI_RULE_DENY, o->verdict);
	}
}

void cli_rule_options_free(struct cli_rule_options *o)
{
	free(o->allow);
	for (size_t i = 0; i < o->nset; i++)
		free((char *)o->set[i].name);
	free(o->set);
	*o = (struct cli_rule_options){0};
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

static enum cli_exit read_all(int fd, const char *name, struct ens_buf *out)
{
	char chunk[65536];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof chunk);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			cli_say("%s can't be read: %s", name, strerror(errno));
			return CLI_ENV;
		}
		if (n == 0)
			return out->failed ? no_memory() : CLI_DONE;
		ens_buf_add(out, chunk, (size_t)n);
		if (out->failed || out->len > ENS_FILE_MAX_BYTES)
			return out->failed ? no_memory() : CLI_DONE; /* ens_sources_add says that it is too large */
	}
}

static enum cli_exit open_file(const char *name, int *fd)
{
	struct stat st;

	*fd = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	if (*fd < 0) {
		cli_say("%s can't be read: %s", name, strerror(errno));
		return CLI_ENV;
	}
	if (*fd == STDIN_FILENO || fstat(*fd, &st) != 0 || !S_ISDIR(st.st_mode))
		return CLI_DONE;
	cli_say("%s is a folder: name a file in it", name);
	close(*fd);
	return CLI_ENV;
}

static enum cli_exit add_text(struct cli_rules *r, const char *name, const struct ens_buf *text, uint32_t *file)
{
	if (ens_tables_recognise(text->data, text->len)) {
		cli_say("%s is a compiled table file: this needs rule text (.ens)", name);
		return CLI_RULES;
	}
	switch (ens_sources_add(&r->sources, name, text->data ? text->data : "", text->len, file)) {
	case ENS_OK:
		return CLI_DONE;
	case ENS_ELIMIT:
		cli_say("%s is larger than %u MiB, the most a rule file may have: split it", name, ENS_FILE_MAX_BYTES >> 20);
		return CLI_RULES;
	default:
		return no_memory();
	}
}

/* Takes the path, which may be NULL. */
static bool keep_path(struct cli_rules *r, uint32_t file, char *path)
{
	char **bigger = realloc(r->path, (file + 1) * sizeof *bigger);

	if (!bigger) {
		free(path);
		return false;
	}
	r->path = bigger;
	while (r->npath < file)
		r->path[r->npath++] = NULL;
	r->path[r->npath++] = path;
	return true;
}

enum cli_exit cli_rules_read(struct cli_rules *r, const char *name, uint32_t *file)
{
	struct ens_buf text = ENS_BUF_EMPTY;
	int fd;
	enum cli_exit code = open_file(name, &fd);

	if (code != CLI_DONE)
		return code;
	code = read_all(fd, name, &text);
	if (code == CLI_DONE)
		code = add_text(r, name, &text, file);
	if (code == CLI_DONE && !keep_path(r, *file, fd == STDIN_FILENO ? NULL : realpath(name, NULL)))
		code = no_memory();
	if (fd != STDIN_FILENO)
		close(fd);
	ens_buf_free(&text);
	return code;
}

/* ---- imports ------------------------------------------------------------------------------------------------------ */

/* "DIR/PATH", DIR that of the file `of`, or PATH alone. */
static void join_path(struct ens_buf *out, const char *of, const char *path)
{
	const char *slash = strrchr(of, '/');

	if (slash && path[0] != '/')
		ens_buf_add(out, of, (size_t)(slash + 1 - of));
	ens_buf_add(out, path, strlen(path) + 1);
}

/* True if `path` is below the folder; both may be relative, links are followed. */
static bool is_below(const char *folder, const char *path)
{
	char *real = realpath(folder, NULL);
	size_t len = real ? strlen(real) : 0;
	bool below;

	while (len > 0 && real[len - 1] == '/') /* the root */
		len--;
	below = real && strncmp(path, real, len) == 0 && path[len] == '/';
	free(real);
	return below;
}

static bool may_import(const struct cli_rules *r, const char *path)
{
	struct ens_buf folder = ENS_BUF_EMPTY;
	bool may;

	join_path(&folder, r->first, ".");
	may = !folder.failed && is_below(folder.data, path);
	ens_buf_free(&folder);
	for (size_t i = 0; r->options && i < r->options->nallow && !may; i++)
		may = is_below(r->options->allow[i], path);
	return may;
}

/* Reads a regular file (of others it is not known that they end). */
static enum ens_status read_import(const char *path, const char *named, struct ens_buf *text, struct ens_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	enum ens_status status = ENS_OK;
	char chunk[65536];
	ssize_t n = 1;

	if (fd < 0)
		return ens_fail(err, ENS_EENV, "\"%s\" can't be read: %s", named, strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		status = ens_fail(err, ENS_EENV, "\"%s\" is no regular file", named);
	while (status == ENS_OK && n != 0 && text->len <= ENS_FILE_MAX_BYTES) {
		n = read(fd, chunk, sizeof chunk);
		if (n > 0)
			ens_buf_add(text, chunk, (size_t)n);
		else if (n < 0 && errno != EINTR)
			status = ens_fail(err, ENS_EENV, "\"%s\" can't be read: %s", named, strerror(errno));
		if (text->failed)
			status = ENS_ENOMEM;
	}
	close(fd);
	if (status == ENS_OK && ens_tables_recognise(text->data, text->len))
		status = ens_fail(err, ENS_EINPUT, "\"%s\" is a compiled table file; only rule text can be imported", named);
	return status;
}

/* The file at `path`, which the rules call `named` and messages `shown`: known, or read now. */
static enum ens_status add_import(struct cli_rules *r, char *path, const char *named, const char *shown, uint32_t *file,
				  struct ens_error *err)
{
	struct ens_buf text = ENS_BUF_EMPTY;
	enum ens_status st;

	for (uint32_t i = 0; i < r->npath; i++)
		if (r->path[i] && strcmp(r->path[i], path) == 0) {
			*file = i;
			free(path);
			return ENS_OK;
		}
	st = read_import(path, named, &text, err);
	if (st == ENS_OK)
		st = ens_sources_add(&r->sources, shown, text.data ? text.data : "", text.len, file);
	if (st == ENS_OK)
		r->arena.budget_bytes = ens_compile_budget(&r->sources);
	if (st == ENS_ELIMIT)
		(void)ens_fail(err, st, "\"%s\" is larger than %u MiB, the most a rule file may have: split it", named,
			       ENS_FILE_MAX_BYTES >> 20);
	if (st != ENS_OK)
		free(path);
	else if (!keep_path(r, *file, path))
		st = ENS_ENOMEM;
	ens_buf_free(&text);
	return st;
}

static enum ens_status load_import(void *context, uint32_t from, const char *path, uint32_t *file, struct ens_error *err)
{
	struct cli_rules *r = context;
	struct ens_buf name = ENS_BUF_EMPTY;
	enum ens_status st = ENS_ENOMEM;
	char *found;

	join_path(&name, r->sources.file[from].name, path);
	if (!name.failed) {
		found = realpath(name.data, NULL);
		if (!found) {
			st = ens_fail(err, ENS_EENV, "\"%s\" can't be read: %s", path, strerror(errno));
		} else if (!may_import(r, found)) {
			st = ens_fail(err, ENS_EENV,
				      "\"%s\" lies outside the folder of the first rule file; --allow-import DIR lets files of other folders in",
				      path);
			free(found);
		} else {
			st = add_import(r, found, path, name.data, file, err);
		}
	}
	ens_buf_free(&name);
	return st;
}

/* ---- compiling ---------------------------------------------------------------------------------------------------- */

/* Opens the tables that were just made: what `run` will read is what the verifier has accepted. */
static enum cli_exit open_made(struct cli_rules *r)
{
	struct ens_error err = {""};

	if (ens_tables_open(r->bytes.data, r->bytes.len, &r->tables, &err) != ENS_OK) {
		cli_say("internal error: the tables made from these rules are not valid: %s", err.text);
		return CLI_INTERNAL;
	}
	r->compiled = true;
	return CLI_DONE;
}

/* The files, then the text of the command line, if there is one. */
static enum cli_exit read_sources(struct cli_rules *r, char *const *file, int nfile, uint32_t **index, uint32_t *n)
{
	enum cli_exit code = CLI_DONE;

	*index = ens_arena_alloc(&r->arena, sizeof **index * ((size_t)nfile + 1));
	*n = 0;
	if (!*index)
		return no_memory();
	for (int i = 0; i < nfile && code == CLI_DONE; i++)
		code = cli_rules_read(r, file[i], &(*index)[(*n)++]);
	if (code == CLI_DONE && r->text && r->text->failed)
		return no_memory();
	if (code == CLI_DONE && r->text && r->text->len)
		code = add_text(r, "-e", r->text, &(*index)[(*n)++]);
	return code;
}

static enum cli_exit too_much(void)
{
	cli_say("the rules need more than %zu MiB to compile: split them", ENS_COMPILE_MAX_BYTES >> 20);
	return CLI_RULES;
}

enum cli_exit cli_rules_parse(struct cli_rules *r, char *const *file, int nfile)
{
	uint32_t *index, n;
	enum cli_exit code = read_sources(r, file, nfile, &index, &n);

	for (uint32_t i = 0; i < n && code == CLI_DONE; i++)
		if (ens_parse(&r->arena, &r->diag, index[i], &r->ast) != ENS_OK)
			code = too_much();
	return code == CLI_DONE && r->diag.nerror ? CLI_RULES : code;
}

enum cli_exit cli_rules_compile(struct cli_rules *r, char *const *file, int nfile, bool graph)
{
	uint32_t *index, n;
	enum cli_exit code = read_sources(r, file, nfile, &index, &n);

	if (code != CLI_DONE)
		return code;

	const struct ens_loader loader = {r, load_import};
	struct ens_compile_options options = {.loader = &loader};

	r->arena.budget_bytes = ens_compile_budget(&r->sources);
	r->first = nfile ? file[0] : "-";
	if (r->options) {
		options.setting = r->options->set;
		options.nsetting = r->options->nset;
		options.leave_out = r->options->leave_out;
		options.nleave_out = r->options->nleave_out;
	}
	switch (ens_compile_with(&r->arena, &r->diag, index, n, &options, &r->ast, &r->bytes, graph ? &r->graph : NULL)) {
	case ENS_OK:
		code = open_made(r);
		return code == CLI_DONE && r->diag.ndenied ? CLI_RULES : code;
	case ENS_ERULES:
		return CLI_RULES;
	case ENS_ENOMEM:
		return no_memory();
	default:
		cli_say("internal error while compiling");
		return CLI_INTERNAL;
	}
}

/* True if the file begins like a table file; then it is mapped. */
static enum cli_exit map_tables(struct cli_rules *r, const char *name, bool *is_tables)
{
	char head[8];
	struct stat st;
	int fd;

	*is_tables = false;
	if (strcmp(name, "-") == 0)
		return CLI_DONE;
	enum cli_exit code = open_file(name, &fd);

	if (code != CLI_DONE)
		return code;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		ssize_t n = pread(fd, head, sizeof head, 0);

		*is_tables = n > 0 && ens_tables_recognise(head, (size_t)n);
	}
	if (*is_tables) {
		r->map_bytes = (size_t)st.st_size;
		r->map = mmap(NULL, r->map_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
		if (r->map == MAP_FAILED) {
			cli_say("%s can't be mapped: %s", name, strerror(errno));
			code = CLI_ENV;
		}
	}
	close(fd);
	return code;
}

/* A name that promises tables over a content that has none: say that, rather than what a parser thinks of the bytes. */
static bool named_like_tables(const char *name)
{
	const size_t len = strlen(name);

	return len > 5 && strcmp(name + len - 5, ".ensc") == 0;
}

static enum cli_exit load_tables(struct cli_rules *r, const char *name)
{
	struct ens_error err = {""};

	if (ens_tables_open(r->map, r->map_bytes, &r->tables, &err) != ENS_OK) {
		cli_say("%s is refused: %s", name, err.text);
		return CLI_RULES;
	}
	r->compiled = true;
	return CLI_DONE;
}

enum cli_exit cli_rules_load(struct cli_rules *r, char *const *file, int nfile)
{
	for (int i = 0; i < nfile; i++) {
		bool is_tables;
		enum cli_exit code = map_tables(r, file[i], &is_tables);

		if (code != CLI_DONE)
			return code;
		if (!is_tables && named_like_tables(file[i])) {
			cli_say("%s is refused: it is named like a table file, but `ensue compile` did not make it", file[i]);
			return CLI_RULES;
		}
		if (!is_tables)
			continue;
		if (nfile > 1 || (r->text && r->text->len)) {
			cli_say("%s is a table file: it stands alone; to run several rule files give them all as text, or compile them into one",
				file[i]);
			return CLI_USAGE;
		}
		if (r->options && r->options->nset > 0) {
			cli_say("%s is a table file: --set has its place where it is compiled", file[i]);
			return CLI_USAGE;
		}
		return load_tables(r, file[i]);
	}
	enum cli_exit code = cli_rules_compile(r, file, nfile, false);
	enum cli_exit said = cli_rules_messages(r, false);

	return code != CLI_DONE ? code : said;
}

enum cli_exit cli_rules_one_file(struct cli_rules *r, char *file)
{
	const enum cli_exit code = cli_rules_compile(r, &file, 1, false);

	if (code == CLI_RULES && r->diag.nmsg > 0)
		cli_rules_messages(r, false);
	return code;
}

static enum cli_exit no_such_rule(struct cli_rules *r, const char *file, const char *name)
{
	const char *near = NULL;
	const char **known = ens_arena_alloc(&r->arena, (r->tables.nrule + 1) * sizeof *known);
	uint32_t n = 0;

	for (const struct ens_decl *d = r->ast.decls; d && known; d = d->next)
		if (d->kind == ENS_D_RULE && n < r->tables.nrule)
			known[n++] = d->name.name;
	near = known ? ens_diag_nearest(name, known, n) : NULL;
	if (near)
		cli_say("%s has no rule `%s`: did you mean `%s`?", file, name, near);
	else
		cli_say("%s has no rule `%s`; `ensue list %s` shows what it has", file, name, file);
	return CLI_RULES;
}

enum cli_exit cli_rule_named(struct cli_rules *r, const char *file, const char *name, const struct ens_decl **out)
{
	for (const struct ens_decl *d = r->ast.decls; d; d = d->next)
		if (d->kind == ENS_D_RULE && strcmp(d->name.name, name) == 0) {
			*out = d;
			return CLI_DONE;
		}
	return no_such_rule(r, file, name);
}

enum cli_exit cli_rule_graph(struct cli_rules *r, const struct ens_decl *rule, struct ens_graph *out)
{
	const enum ens_status st = ens_lower(&r->arena, &r->diag, rule, rule->sema->rule->pattern, out);

	return st == ENS_OK ? CLI_DONE : st == ENS_ENOMEM ? no_memory() : CLI_INTERNAL;
}

uint32_t cli_rule_index(const struct cli_rules *r, const struct ens_decl *rule)
{
	uint32_t i = 0;

	for (const struct ens_decl *d = r->ast.decls; d != rule; d = d->next)
		i += d->kind == ENS_D_RULE;
	return i;
}

enum cli_exit cli_rules_messages(const struct cli_rules *r, bool json)
{
	struct ens_buf out = ENS_BUF_EMPTY;

	if (json)
		ens_diag_render_json(&r->diag, &out);
	else
		ens_diag_render_text(&r->diag, &out);
	enum cli_exit code = cli_write(json ? stdout : stderr, &out);

	ens_buf_free(&out);
	return code;
}

enum cli_exit cli_write(FILE *to, struct ens_buf *text)
{
	if (text->failed)
		return no_memory();
	if (text->len > 0 && fwrite(text->data, 1, text->len, to) != text->len) {
		cli_say("the output could not be written: %s", strerror(errno));
		return CLI_ENV;
	}
	return CLI_DONE;
}

enum cli_exit cli_take_dump(const struct cli_verb *verb, const char *value, enum cli_dump *out)
{
	static const char *const names[] = {NULL, "ast", "graph", "tables"};

	for (int i = 1; i < CLI_COUNT(names); i++)
		if (strcmp(value, names[i]) == 0) {
			*out = (enum cli_dump)i;
			return CLI_DONE;
		}
	return cli_usage_error(verb, "--dump %s: it is one of ast, graph, tables", value);
}

enum cli_exit cli_dump(struct cli_rules *r, enum cli_dump what)
{
	struct ens_buf out = ENS_BUF_EMPTY;
	enum cli_exit code = CLI_DONE;

	if (what == CLI_DUMP_AST)
		ens_ast_dump(&r->ast, &out);
	else if (what == CLI_DUMP_TABLES && r->compiled)
		ens_tables_dump(&r->tables, &out);
	else if (what == CLI_DUMP_GRAPH)
		return cli_write(stdout, &r->graph);
	code = cli_write(stdout, &out);
	ens_buf_free(&out);
	return code;
}
