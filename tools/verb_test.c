/*
 * `ensue test`: runs the test blocks of rule files.
 *
 * Each file is compiled for itself, as its imports make it; folders are gone through by name.  A file that does not
 * compile counts as one failure.  Rules that can't be run yet are left out with their tests, which is said; so those of
 * the others can be run.  What failed is printed at once, as text or JSON; a JUnit file is written at the end.
 * Tested by tests/cli/test_verb.sh.
 */
#define _POSIX_C_SOURCE 200809L
#include "tools/cli.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "runtime/supported.h"
#include "tools/test_run.h"

#define FOLDERS_MAX 64 /* inside one another */

enum { OPT_RUN, OPT_JUNIT, OPT_FORMAT, OPT_RULES };

static const struct cli_option options[] = {
	[OPT_RUN] = {"run", 0, "PATTERN", NULL, "only tests whose title has this text in it, or is like it:\n"
						"* stands for any text, ? for one character"},
	[OPT_JUNIT] = {"junit", 0, "FILE", NULL, "write the results to this file as JUnit XML"},
	[OPT_FORMAT] = {"format", 0, "FORMAT", NULL, "how results are printed: text (default) or json,\n"
						     "an object a line for each test"},
	CLI_RULE_OPTIONS,
};

struct tests {
	struct cli_rule_options options;
	const char *pattern, *junit;
	bool json;
	struct ens_buf xml;            /* the suites so far */
	uint64_t passed, failed;       /* files that do not compile are among the failed */
	uint64_t uncompiled;
	uint64_t suite_tests, suite_failed, suite_errors; /* of the file at hand */
	enum cli_exit code;            /* the worst so far */
};

static void worse(struct tests *t, enum cli_exit code)
{
	if (code > t->code)
		t->code = code;
}

/* ---- what is printed -------------------------------------------------------------------------------------------- */

/* Text and attributes: markup escaped; what XML can't hold becomes a question mark. */
static void add_xml(struct ens_buf *b, const char *s)
{
	for (; *s; s++) {
		const unsigned char c = (unsigned char)*s;

		if (c == '&')
			ens_buf_adds(b, "&amp;");
		else if (c == '<')
			ens_buf_adds(b, "&lt;");
		else if (c == '>')
			ens_buf_adds(b, "&gt;");
		else if (c == '"')
			ens_buf_adds(b, "&quot;");
		else if (c < 32 && c != '\n')
			ens_buf_addc(b, '?');
		else
			ens_buf_addc(b, *s);
	}
}

static size_t width(const char *s)
{
	return ens_utf8_count(s, strlen(s));
}

static void add_cell(struct ens_buf *b, const char *s, size_t to)
{
	ens_buf_adds(b, s);
	for (size_t n = width(s); n < to; n++)
		ens_buf_addc(b, ' ');
}

/* Side by side, in columns; what differs has a mark in front. */
static void add_rows(struct ens_buf *b, const struct test_result *r)
{
	size_t name = 0, expected = strlen("expected");
	const size_t from = b->len;

	for (uint32_t i = 0; i < r->nrow; i++) {
		size_t n = width(r->row[i].name), e = width(r->row[i].expected);

		name = n > name ? n : name;
		expected = e > expected ? e : expected;
	}
	if (!r->nrow)
		return;
	ens_buf_adds(b, "    ");
	add_cell(b, "", name + 2);
	add_cell(b, "expected", expected + 2);
	ens_buf_adds(b, "got\n");
	for (uint32_t i = 0; i < r->nrow && b->len > from; i++) {
		ens_buf_adds(b, r->row[i].differs ? "  ! " : "    ");
		add_cell(b, r->row[i].name, name + 2);
		add_cell(b, r->row[i].expected, r->row[i].got[0] ? expected + 2 : 0);
		ens_buf_adds(b, r->row[i].got);
		while (b->len > from && b->data[b->len - 1] == ' ')
			b->len--;
		ens_buf_addc(b, '\n');
	}
}

static void add_place(struct ens_buf *b, const struct cli_rules *rules, struct ens_span at)
{
	const struct ens_place p = ens_sources_place(&rules->sources, at);

	ens_buf_addf(b, "%s:%u:%u", rules->sources.file[at.file].name, p.line, p.col);
}

/* What failed and why, without the title. */
static void add_reason(struct ens_buf *b, const struct cli_rules *rules, const struct test_result *r)
{
	add_place(b, rules, r->at);
	ens_buf_addf(b, ": %s\n", r->message);
	add_rows(b, r);
	for (const char *s = r->rules; *s; s = strchr(s, '\n') + 1) {
		ens_buf_adds(b, "    ");
		ens_buf_add(b, s, (size_t)(strchr(s, '\n') - s + 1));
	}
}

static void add_json_text(struct ens_buf *b, const char *before, const char *s)
{
	ens_buf_adds(b, before);
	ens_buf_add_json(b, s, strlen(s));
}

static void add_json_reason(struct ens_buf *b, const struct cli_rules *rules, const struct test_result *r)
{
	const struct ens_place p = ens_sources_place(&rules->sources, r->at);

	ens_buf_addf(b, ",\"failure\":{\"line\":%u,\"col\":%u", p.line, p.col);
	add_json_text(b, ",\"message\":", r->message);
	ens_buf_adds(b, ",\"fields\":[");
	for (uint32_t i = 0; i < r->nrow; i++) {
		add_json_text(b, i ? ",{\"name\":" : "{\"name\":", r->row[i].name);
		add_json_text(b, ",\"expected\":", r->row[i].expected);
		add_json_text(b, ",\"got\":", r->row[i].got);
		ens_buf_addf(b, ",\"differs\":%s}", r->row[i].differs ? "true" : "false");
	}
	add_json_text(b, "],\"rules\":", r->rules);
	ens_buf_addc(b, '}');
}

static void print_json(const struct cli_rules *rules, const struct ens_decl *d, const struct test_result *r,
		       struct ens_buf *b)
{
	const char *before = ",\"rules\":[";

	add_json_text(b, "{\"file\":", rules->sources.file[d->at.file].name);
	ens_buf_addf(b, ",\"line\":%u", ens_sources_place(&rules->sources, d->at).line);
	add_json_text(b, ",\"title\":", d->title.name);
	for (const struct ens_ident_list *l = d->params; l; l = l->next) {
		add_json_text(b, before, l->id.name);
		before = ",";
	}
	ens_buf_addf(b, "],\"passed\":%s", r->passed ? "true" : "false");
	if (!r->passed)
		add_json_reason(b, rules, r);
	ens_buf_adds(b, "}\n");
}

static void print_text(const struct cli_rules *rules, const struct ens_decl *d, const struct test_result *r,
		       struct ens_buf *b)
{
	if (r->passed)
		return;
	ens_buf_adds(b, "FAILED ");
	ens_buf_add_visible(b, d->title.name, strlen(d->title.name));
	ens_buf_addc(b, '\n');
	add_reason(b, rules, r);
	ens_buf_addc(b, '\n');
}

/* ---- JUnit ------------------------------------------------------------------------------------------------------ */

/* `what`: failure or error; `text` is freed. */
static void add_problem(struct ens_buf *xml, const char *what, const char *message, struct ens_buf *text)
{
	ens_buf_addf(xml, ">\n      <%s message=\"", what);
	add_xml(xml, message);
	ens_buf_adds(xml, "\">");
	add_xml(xml, ens_buf_cstr(text));
	ens_buf_addf(xml, "</%s>\n    </testcase>\n", what);
	ens_buf_free(text);
}

static void begin_case(struct ens_buf *xml, const char *file, const char *name)
{
	ens_buf_adds(xml, "    <testcase classname=\"");
	add_xml(xml, file);
	ens_buf_adds(xml, "\" name=\"");
	add_xml(xml, name);
	ens_buf_addc(xml, '"');
}

static void add_case(struct ens_buf *xml, const struct cli_rules *rules, const struct ens_decl *d,
		     const struct test_result *r)
{
	struct ens_buf text = ENS_BUF_EMPTY;

	begin_case(xml, rules->sources.file[d->at.file].name, d->title.name);
	if (r->passed) {
		ens_buf_adds(xml, "/>\n");
		return;
	}
	add_reason(&text, rules, r);
	add_problem(xml, "failure", r->message, &text);
}

static void add_suite(struct tests *t, const char *file, struct ens_buf *cases)
{
	ens_buf_adds(&t->xml, "  <testsuite name=\"");
	add_xml(&t->xml, file);
	ens_buf_addf(&t->xml, "\" tests=\"%llu\" failures=\"%llu\" errors=\"%llu\">\n", (unsigned long long)t->suite_tests,
		     (unsigned long long)t->suite_failed, (unsigned long long)t->suite_errors);
	ens_buf_add(&t->xml, cases->data, cases->len);
	ens_buf_adds(&t->xml, "  </testsuite>\n");
	t->xml.failed |= cases->failed;
}

static enum cli_exit write_junit(struct tests *t)
{
	struct ens_buf out = ENS_BUF_EMPTY;
	FILE *to = fopen(t->junit, "w");
	enum cli_exit code;

	if (!to) {
		cli_say("%s can't be written: %s", t->junit, strerror(errno));
		return CLI_ENV;
	}
	ens_buf_adds(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	ens_buf_addf(&out, "<testsuites tests=\"%llu\" failures=\"%llu\" errors=\"%llu\">\n",
		     (unsigned long long)(t->passed + t->failed), (unsigned long long)(t->failed - t->uncompiled),
		     (unsigned long long)t->uncompiled);
	ens_buf_add(&out, t->xml.data, t->xml.len);
	ens_buf_adds(&out, "</testsuites>\n");
	out.failed |= t->xml.failed;
	code = cli_write(to, &out);
	if (fclose(to) != 0 && code == CLI_DONE) {
		cli_say("%s could not be written: %s", t->junit, strerror(errno));
		code = CLI_ENV;
	}
	ens_buf_free(&out);
	return code;
}

/* ---- one file --------------------------------------------------------------------------------------------------- */

static bool wanted(const struct tests *t, const char *title)
{
	return !t->pattern || strstr(title, t->pattern) || fnmatch(t->pattern, title, 0) == 0;
}

static bool is_test(const struct ens_decl *d)
{
	return d->kind == ENS_D_TEST && d->at.file == 0; /* imported files are tested when they are given */
}

/* Declarations for others to import: neither rules nor tests. */
static bool nothing_to_test(const struct ens_ast *ast)
{
	for (const struct ens_decl *d = ast->decls; d; d = d->next)
		if (d->kind == ENS_D_RULE || d->kind == ENS_D_TEST || d->broken)
			return false;
	return true;
}

static enum cli_exit run_test(struct tests *t, struct test_runner *runner, const struct cli_rules *rules,
			      const struct ens_decl *d, struct ens_buf *cases)
{
	struct ens_buf out = ENS_BUF_EMPTY;
	struct ens_error err = {""};
	struct test_result r;
	enum ens_status st = test_run(runner, d->sema->test, &r, &err);
	enum cli_exit code;

	if (st != ENS_OK) {
		cli_say("the test \"%s\" could not be run: %s", d->title.name, err.text);
		return cli_exit_of(st);
	}
	if (r.passed)
		t->passed++;
	else
		t->failed++;
	t->suite_tests++;
	t->suite_failed += !r.passed;
	if (t->json)
		print_json(rules, d, &r, &out);
	else
		print_text(rules, d, &r, &out);
	code = cli_write(stdout, &out);
	ens_buf_free(&out);
	if (t->junit)
		add_case(cases, rules, d, &r);
	return code;
}

static enum cli_exit run_tests(struct tests *t, const struct cli_rules *rules, struct ens_buf *cases)
{
	enum cli_exit code = CLI_DONE;
	struct test_runner runner;

	test_runner_init(&runner, &rules->tables);
	for (const struct ens_decl *d = rules->ast.decls; d && code == CLI_DONE; d = d->next)
		if (is_test(d) && wanted(t, d->title.name))
			code = run_test(t, &runner, rules, d, cases);
	test_runner_free(&runner);
	return code;
}

/* ---- rules that can't be run yet -------------------------------------------------------------------------------- */

/* How many of the tests that are wanted name the rule. */
static uint32_t count_tests(const struct tests *t, const struct cli_rules *rules, const char *rule)
{
	uint32_t n = 0;

	for (const struct ens_decl *d = rules->ast.decls; d; d = d->next)
		for (const struct ens_ident_list *l = is_test(d) && wanted(t, d->title.name) ? d->params : NULL; l; l = l->next)
			n += strcmp(l->id.name, rule) == 0;
	return n;
}

/* The names of the rules that can't be run, in the arena of `rules`; which and why is said.  NULL without memory. */
static const char **unsupported(struct tests *t, struct cli_rules *rules, const char *file, size_t *n)
{
	const char **name = ens_arena_alloc(&rules->arena, (rules->tables.nrule + 1) * sizeof *name);

	*n = 0;
	for (uint32_t i = 0; name && i < rules->tables.nrule; i++) {
		const struct ens_t_str s = rules->tables.rule[i].name;
		struct ens_error err = {""};

		if (ens_rule_supported(&rules->tables, i, &err) == ENS_OK)
			continue;
		name[*n] = ens_arena_strndup(&rules->arena, rules->tables.bytes + s.off, s.len);
		if (!name[*n])
			return NULL;

		const uint32_t ntest = count_tests(t, rules, name[*n]);

		cli_say("%s: %s%s", file, err.text, ntest ? "; its tests are left out" : "");
		if (ntest)
			worse(t, CLI_RULES);
		(*n)++;
	}
	return name;
}

/* Runs the tests of the rules that can be run. */
static enum cli_exit run_others(struct tests *t, struct cli_rules *all, char *file, struct ens_buf *cases)
{
	struct cli_rule_options others = t->options;
	struct cli_rules rules;
	enum cli_exit code;

	others.leave_out = unsupported(t, all, file, &others.nleave_out);
	if (!others.leave_out) {
		cli_say("no memory");
		return CLI_INTERNAL;
	}
	if (others.nleave_out == all->tables.nrule)
		return CLI_DONE;
	cli_rules_open(&rules, &others);
	code = cli_rules_compile(&rules, &file, 1, false);
	if (code == CLI_DONE)
		code = run_tests(t, &rules, cases);
	else if (code == CLI_RULES)
		cli_say("%s: no test is run, since other rules take in what those derive", file);
	cli_rules_close(&rules);
	return code;
}

static bool has_tests(const struct tests *t, const struct cli_rules *rules)
{
	for (const struct ens_decl *d = rules->ast.decls; d; d = d->next)
		if (is_test(d) && wanted(t, d->title.name))
			return true;
	return false;
}

/* Standard input can't be read twice. */
static bool must_leave_out(const struct tests *t, const struct cli_rules *rules, const char *file)
{
	struct ens_error err = {""};

	return strcmp(file, "-") != 0 && has_tests(t, rules) && ens_tables_supported(&rules->tables, &err) != ENS_OK;
}

/* A file whose rules are wrong: one failure. */
static enum cli_exit does_not_compile(struct tests *t, const struct cli_rules *rules, const char *file,
				      struct ens_buf *cases)
{
	struct ens_buf out = ENS_BUF_EMPTY, text = ENS_BUF_EMPTY;
	enum cli_exit code;

	t->failed++;
	t->uncompiled++;
	t->suite_tests++;
	t->suite_errors++;
	ens_diag_render_text(&rules->diag, &text);
	if (t->json) {
		add_json_text(&out, "{\"file\":", file);
		ens_buf_adds(&out, ",\"passed\":false,\"messages\":");
		ens_diag_render_json(&rules->diag, &out);
		for (size_t i = 0; i < out.len; i++)
			if (out.data[i] == '\n') /* inside texts they are escaped: what remains is layout */
				out.data[i] = ' ';
		ens_buf_adds(&out, "}\n");
	} else {
		ens_buf_addf(&out, "FAILED %s does not compile\n", file);
		ens_buf_add(&out, text.data, text.len);
		ens_buf_addc(&out, '\n');
	}
	code = cli_write(stdout, &out);
	ens_buf_free(&out);
	begin_case(cases, file, "compiles");
	add_problem(cases, "error", "the file does not compile", &text);
	return code;
}

static void test_file(struct tests *t, char *file)
{
	struct ens_buf cases = ENS_BUF_EMPTY;
	struct cli_rules rules;
	enum cli_exit code;

	t->suite_tests = t->suite_failed = t->suite_errors = 0;
	cli_rules_open(&rules, &t->options);
	code = cli_rules_compile(&rules, &file, 1, false);
	if (code == CLI_DONE && must_leave_out(t, &rules, file))
		code = run_others(t, &rules, file, &cases);
	else if (code == CLI_DONE)
		code = run_tests(t, &rules, &cases);
	else if (code == CLI_RULES && nothing_to_test(&rules.ast) && rules.ast.decls)
		code = CLI_DONE;
	else if (code == CLI_RULES && rules.diag.nmsg)
		code = does_not_compile(t, &rules, file, &cases);
	worse(t, code);
	if (t->junit && t->suite_tests)
		add_suite(t, file, &cases);
	ens_buf_free(&cases);
	cli_rules_close(&rules);
}

/* ---- files and folders ------------------------------------------------------------------------------------------ */

static int choose(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static bool is_rules(const char *name)
{
	const size_t len = strlen(name);

	return len > 4 && strcmp(name + len - 4, ".ens") == 0;
}

static void test_folder(struct tests *t, const char *folder, int depth);

/* What lies in a folder: rule files and further folders; links to folders are not followed. */
static void test_entry(struct tests *t, const char *folder, const char *name, int depth)
{
	const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";
	struct ens_buf path = ENS_BUF_EMPTY;
	struct stat st;

	ens_buf_addf(&path, "%s%s%s", folder, slash, name);
	ens_buf_addc(&path, '\0');
	if (path.failed) {
		cli_say("no memory");
		worse(t, CLI_INTERNAL);
	} else if (lstat(path.data, &st) == 0 && S_ISDIR(st.st_mode)) {
		test_folder(t, path.data, depth + 1);
	} else if (is_rules(name)) {
		test_file(t, path.data);
	}
	ens_buf_free(&path);
}

static void test_folder(struct tests *t, const char *folder, int depth)
{
	struct dirent **entry;
	int n = depth < FOLDERS_MAX ? scandir(folder, &entry, choose, alphasort) : -1;

	if (n < 0) {
		cli_say("%s can't be read: %s", folder, depth < FOLDERS_MAX ? strerror(errno) : "too many folders inside one another");
		worse(t, CLI_ENV);
		return;
	}
	for (int i = 0; i < n; i++) {
		test_entry(t, folder, entry[i]->d_name, depth);
		free(entry[i]);
	}
	free(entry);
}

static enum cli_exit test_all(struct tests *t, char **operand, int n)
{
	for (int i = 0; i < n; i++) {
		struct stat st;

		if (strcmp(operand[i], "-") != 0 && stat(operand[i], &st) == 0 && S_ISDIR(st.st_mode))
			test_folder(t, operand[i], 0);
		else
			test_file(t, operand[i]);
	}
	if (t->junit)
		worse(t, write_junit(t));
	if (t->passed + t->failed == 0 && t->code == CLI_DONE)
		fprintf(stderr, "no tests%s\n", t->pattern ? " with such a title" : "");
	else if (!t->json)
		printf("%llu passed, %llu failed\n", (unsigned long long)t->passed, (unsigned long long)t->failed);
	if (t->failed)
		worse(t, CLI_RULES);
	return t->code;
}

/* ---- the verb --------------------------------------------------------------------------------------------------- */

static enum cli_exit take(const struct cli_verb *verb, int index, const char *value, void *to)
{
	struct tests *out = to;

	switch (index) {
	case OPT_RUN:
		out->pattern = value;
		return CLI_DONE;
	case OPT_JUNIT:
		out->junit = value;
		return CLI_DONE;
	case OPT_FORMAT:
		return cli_take_format(verb, value, &out->json);
	default:
		return cli_rule_options_take(verb, index - OPT_RULES, value, &out->options);
	}
}

static enum cli_exit test(const struct cli_verb *verb, char **name, int n, void *to)
{
	return n ? test_all(to, name, n) : cli_usage_error(verb, "no rule file or folder is given");
}

static enum cli_exit run(const struct cli_verb *verb, int argc, char **argv)
{
	const struct cli_taker taker = {take, test};
	struct tests t = {0};
	enum cli_exit code = cli_take(verb, argc, argv, &taker, &t);

	ens_buf_free(&t.xml);
	cli_rule_options_free(&t.options);
	return code;
}

const struct cli_verb verb_test = {
	.name = "test",
	.summary = "run the tests in rule files",
	.usage = "[--run PATTERN] [--junit FILE] [--format text|json] " CLI_RULE_USAGE " FILE|DIR...",
	.about = "Runs the `test` blocks of the rule files, and of those (*.ens) in the folders, each file for itself,\n"
		 "in event time: nothing waits. What fails is printed with what was expected and what came.\n"
		 "Exit code 0: all passed, or there are none; 1: a test failed or a file does not compile.\n",
	.option = options,
	.noption = CLI_COUNT(options),
	.run = run,
};
