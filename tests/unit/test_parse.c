/* The parser on whole files: words as names, round trips, limits, memory, and how messages are rendered. */
#include "dsl/parse.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "dsl/words.h"

void suite_parse(void);

struct bench {
	struct ens_arena arena;
	struct ens_sources sources;
	struct ens_diag diag;
	struct ens_ast ast;
	struct ens_buf out;
	enum ens_status status;
};

static void parse_bytes(struct bench *b, const char *text, size_t len, size_t budget)
{
	uint32_t file;

	memset(b, 0, sizeof(*b));
	ens_arena_init(&b->arena, budget);
	ens_sources_init(&b->sources, &b->arena);
	ens_diag_init(&b->diag, &b->arena, &b->sources);
	b->status = ens_sources_add(&b->sources, "t.ens", text, len, &file);
	if (b->status == ENS_OK)
		b->status = ens_parse(&b->arena, &b->diag, file, &b->ast);
}

static void parse(struct bench *b, const char *text)
{
	parse_bytes(b, text, strlen(text), 0);
	CU_ASSERT_EQUAL(b->status, ENS_OK);
}

static void tear_down(struct bench *b)
{
	ens_buf_free(&b->out);
	ens_arena_free(&b->arena);
}

static const char *said(struct bench *b)
{
	ens_buf_clear(&b->out);
	ens_diag_render_text(&b->diag, &b->out);
	return ens_buf_cstr(&b->out);
}

static void says(const char *text, const char *want)
{
	struct bench b;

	parse(&b, text);
	CU_ASSERT_STRING_EQUAL(said(&b), want);
	tear_down(&b);
}

/* Puts `word` in for each @ of the template. */
static void fill_in(struct ens_buf *out, const char *template, const char *word)
{
	for (; *template; template++) {
		if (*template == '@')
			ens_buf_adds(out, word);
		else
			ens_buf_addc(out, *template);
	}
}

static void every_word_that_is_not_reserved_can_be_a_name(void)
{
	static const char text[] =
		"event @ from \"s\" { @: int, x: int = @ + 1 as \"@\" } time @ sent @ sharded by @ unique @ for @\n"
		"rule @\n"
		"  from @: T, @\n"
		"  key @, @: T.@ = T.@\n"
		"  match @: T[@ > 1 and @.@ is null and @ in (@, @) and not @ or @ between @ and @]+ until @ -> within "
		"@ @: T{@,@} -> not T for @\n"
		"  where @ = 1 and @(@) + @[@] > 2\n"
		"  having @ once\n"
		"  reset on @\n"
		"  skip to first @\n"
		"  limit @ per @ by @\n"
		"  emit @ { @, x: @, @: @, @.* }\n"
		"  derive @ { @ }\n"
		"test \"x\" for @ {\n"
		"  expect @\n"
		"}\n"
		"fn @(@) = @\n"
		"param @: int = @\n";
	static const enum ens_word_role roles[] = {ENS_WORD_SOFT, ENS_WORD_CLAUSE, ENS_WORD_DECL};
	const char *words[100];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		n += ens_words_of_role(roles[i], words + n, sizeof(words) / sizeof(*words) - n);
	CU_ASSERT(n > 70);
	for (size_t i = 0; i < n; i++) {
		struct ens_buf filled = ENS_BUF_EMPTY;
		struct bench b;

		fill_in(&filled, text, words[i]);
		parse(&b, ens_buf_cstr(&filled));
		CU_ASSERT_STRING_EQUAL(said(&b), "");
		CU_ASSERT_EQUAL(b.ast.ndecl, 5);
		ens_buf_free(&filled);
		tear_down(&b);
	}
}

static void written_expressions_read_back_the_same(void)
{
	static const char *const exprs[] = {
		"a + b * c - d",
		"(a + b) * c",
		"a - (b - c)",
		"-(-a)",
		"-a.b[1].c",
		"not (a and b)",
		"not a = b",
		"(not a) = b",
		"a or b and c",
		"(a or b) and c",
		"a ?? b ?? c",
		"a ?? (b ?? c)",
		"a ?? b + c = d",
		"(a ?? b) + c",
		"if a then b else if c then d else e",
		"(if a then b else c) + 1",
		"if if a then b else c then d else e",
		"x in (1, 2)",
		"x not in (1, 2, null)",
		"ip in \"10.0.0.0/8\"",
		"s like (\"a*\", \"b\")",
		"s not like \"a\"",
		"s matches \"^x\"",
		"x not between 1 + 1 and 2 * 3",
		"x is not null and y is null",
		"(a = b) = (c < d)",
		"last(a).f + a[-1].f",
		"count(v[status >= 500]) / count()",
		"T[x, y].z",
		"`odd name` + `not`",
		"\"\\x01\\\"\\\\\"",
		"1h30m + 250us",
		"1.5 + 1e300",
		"true and not false",
		"a % (b % c)",
		"a / b / c",
		"- 1 - -1",
		"f(a, g(b))[1]",
	};

	for (size_t i = 0; i < sizeof(exprs) / sizeof(*exprs); i++) {
		struct ens_buf text = ENS_BUF_EMPTY, again = ENS_BUF_EMPTY;
		struct bench b, b2;

		ens_buf_addf(&text, "rule r\nwhere %s\n", exprs[i]);
		parse(&b, ens_buf_cstr(&text));
		CU_ASSERT_EQUAL_FATAL(b.diag.nerror, 0);
		ens_buf_clear(&text);
		ens_buf_adds(&text, "rule r\nwhere ");
		ens_expr_write(b.ast.decls->clauses->expr, &text);
		parse(&b2, ens_buf_cstr(&text));
		CU_ASSERT_EQUAL_FATAL(b2.diag.nerror, 0);
		ens_buf_adds(&again, "rule r\nwhere ");
		ens_expr_write(b2.ast.decls->clauses->expr, &again);
		CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&text), ens_buf_cstr(&again));
		CU_ASSERT_EQUAL(b.ast.decls->clauses->expr->kind, b2.ast.decls->clauses->expr->kind);
		CU_ASSERT_EQUAL(b.ast.decls->clauses->expr->depth, b2.ast.decls->clauses->expr->depth);
		ens_buf_free(&text);
		ens_buf_free(&again);
		tear_down(&b);
		tear_down(&b2);
	}
}

static void parentheses_are_written_only_where_they_are_needed(void)
{
	struct bench b;
	struct ens_buf text = ENS_BUF_EMPTY;

	parse(&b, "rule r\nwhere ((a) + ((b * c))) - (d) = (e) and ((f)) or (not (g))");
	ens_expr_write(b.ast.decls->clauses->expr, &text);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&text), "a + b * c - d = e and f or not g");
	ens_buf_free(&text);
	tear_down(&b);
}

static void a_clause_spans_what_was_written(void)
{
	struct bench b;
	const struct ens_clause *c;

	parse(&b, "rule r\n  match a: A[x = 1]{3} -> (b: B)\n  where (x + 1) * 2 = 3\n");
	c = b.ast.decls->clauses;
	CU_ASSERT_EQUAL(c->at.off, 9);
	CU_ASSERT_EQUAL(c->at.len, strlen("match a: A[x = 1]{3} -> (b: B)"));
	CU_ASSERT_EQUAL(c->pattern->nitem, 2);
	CU_ASSERT_EQUAL(c->pattern->item[0]->at.len, strlen("a: A[x = 1]{3}"));
	CU_ASSERT_EQUAL(c->pattern->item[0]->ref->at.len, strlen("A[x = 1]"));
	CU_ASSERT_EQUAL(c->pattern->item[1]->at.len, strlen("(b: B)"));
	CU_ASSERT_EQUAL(c->next->expr->at.len, strlen("(x + 1) * 2 = 3"));
	CU_ASSERT_EQUAL(c->next->expr->op_at.len, 1);
	CU_ASSERT_EQUAL(b.ast.decls->at.len,
			strlen("rule r\n  match a: A[x = 1]{3} -> (b: B)\n  where (x + 1) * 2 = 3"));
	tear_down(&b);
}

static void bytes_that_are_no_text_are_one_error(void)
{
	struct bench b;

	parse_bytes(&b, "rule r\n  where s = \"\xC3\xA9 \xFF\"\n", 25, 0);
	CU_ASSERT_STRING_EQUAL(said(&b), "t.ens:2:16: error E0001: byte FF is not UTF-8\n"
					 "   2 |   where s = \"\xC3\xA9 \\xFF\"\n"
					 "     |                ^^^^\n"
					 "   = help: save the file as UTF-8\n");
	tear_down(&b);
	parse_bytes(&b, "rule r\0\n", 8, 0);
	CU_ASSERT_STRING_EQUAL(said(&b), "t.ens:1:7: error E0002: a NUL byte: this is not a text file\n"
					 "   1 | rule r\\x00\n"
					 "     |       ^^^^\n"
					 "   = help: rules are text; if this is, save the file as UTF-8\n");
	tear_down(&b);
	says("", "t.ens:1:1: error E0101: the file has no declarations\n"
		 "   = help: `ensue new NAME` writes a rule file to begin with\n");
	says(" \n\n# comment\n", "t.ens:1:1: error E0101: the file has no declarations\n"
				   "   = help: `ensue new NAME` writes a rule file to begin with\n");
}

static void control_characters_are_shown_not_sent(void)
{
	says("rule r\n  where \x1b[31m = 1\n",
	     "t.ens:2:9: error E0003: \\x1B means nothing outside strings and comments\n"
	     "   2 |   where \\x1B[31m = 1\n"
	     "     |         ^^^^\n"
	     "   = help: delete it\n");
}

static void a_line_with_carriage_return_is_shown_without(void)
{
	says("rule r\r\n  limit 1\r\n", "t.ens:2:10: error E0103: the `limit` clause ends too early: expected `per`\n"
				       "   2 |   limit 1\n"
				       "     |          ^\n"
				       "   = help: as in `limit 1 per 10m`\n");
}

static char *repeated(const char *head, const char *part, size_t n)
{
	size_t head_len = strlen(head), len = strlen(part);
	char *text = malloc(head_len + n * len + 1);

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memcpy(text, head, head_len);
	for (size_t i = 0; i < n; i++)
		memcpy(text + head_len + i * len, part, len);
	text[head_len + n * len] = '\0';
	return text;
}

static void endless_nesting_is_one_error(void)
{
	static const char *const parts[] = {"(",    "((", "not ", "- ", "if a then ",
					    "a + ", "a.", "f(",   "a[", "(a or not b = c ?? d + e * -"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		char *text = repeated("rule r\n  where ", parts[i], 1000000 / strlen(parts[i]));
		struct bench b;

		parse(&b, text);
		CU_ASSERT_EQUAL_FATAL(b.diag.nerror, 1);
		CU_ASSERT_EQUAL(b.diag.msg[0].code, ENS_E_NESTING);
		CU_ASSERT_TRUE(b.ast.decls->broken);
		free(text);
		tear_down(&b);
	}
}

static void many_errors_are_counted_but_not_kept(void)
{
	char *text = repeated("", "$", 100000);
	struct bench b;
	size_t lines = 0;

	parse(&b, text);
	CU_ASSERT_EQUAL(b.diag.nerror, 100000);
	CU_ASSERT(b.diag.nmsg <= 1000);
	for (const char *p = said(&b); *p; p++)
		lines += *p == '\n';
	CU_ASSERT_EQUAL(lines, 4 * ENS_MESSAGES_MAX + 1); /* each with its line, mark and remedy */
	CU_ASSERT_PTR_NOT_NULL(strstr(said(&b), "\n... and 99950 more\n"));
	free(text);
	tear_down(&b);
}

static void every_budget_ends_in_a_status(void)
{
	static const char text[] = "## doc\nevent A from \"a\" where x = 1 { x: int, s: string = lower(y) as \"q\" or "
				   "\"r\" } time t late to \"l\"\n"
				   "rule r \"t\"\n  from a: A, B\n  key k, m: A.x = B.y\n  match a: A[x in (1, 2, 3, "
				   "4)]+ until (A | B) -> not (A | B) for 5s -> (c: A | d: B)\n"
				   "  window tumbling 1m zone \"UTC\" empty\n  emit X to \"s\" { a, b: if x then y "
				   "else z, count(q) }\n  where a < b < c\n"
				   "test \"t\" for r {\n  5 times every 1s A { x: 1 }\n  expect X { y: 2 }\n}\n";
	size_t budget = 64;

	for (;; budget += 48) {
		struct bench b;

		parse_bytes(&b, text, sizeof(text) - 1, budget);
		if (b.status == ENS_OK) {
			CU_ASSERT_EQUAL(b.diag.nerror, 2);
			tear_down(&b);
			break;
		}
		CU_ASSERT_EQUAL_FATAL(b.status, ENS_ENOMEM);
		tear_down(&b);
	}
	CU_ASSERT(budget > 5000);
}

static void files_are_bounded(void)
{
	struct bench b;

	parse_bytes(&b, "", (size_t)ENS_FILE_MAX_BYTES + 1, 0);
	CU_ASSERT_EQUAL(b.status, ENS_ELIMIT);
	tear_down(&b);
}

static void two_files_make_one_tree(void)
{
	struct bench b;
	uint32_t file;

	parse(&b, "event A from \"a\" {}\n");
	CU_ASSERT_EQUAL(ens_sources_add(&b.sources, "u.ens", "event B from \"b\" {}\nrule\n", 25, &file), ENS_OK);
	CU_ASSERT_EQUAL(ens_parse(&b.arena, &b.diag, file, &b.ast), ENS_OK);
	CU_ASSERT_EQUAL(b.ast.ndecl, 2);
	CU_ASSERT_STRING_EQUAL(b.ast.decls->next->name.name, "B");
	CU_ASSERT_STRING_EQUAL(said(&b), "u.ens:2:5: error E0103: this `rule` ends too early: expected a name\n"
					 "   2 | rule\n"
					 "     |     ^\n"
					 "   = help: as in `rule my_rule \"my rule\"`\n");
	tear_down(&b);
}

static void messages_as_json(void)
{
	struct bench b;
	struct ens_message *m;

	parse(&b, "rule \"x\"\n");
	m = ens_diag_add(&b.diag, ENS_E_SYNTAX, (struct ens_span){0, 0, 9}, "a \"quoted\" %s", "text");
	ens_diag_second(&b.diag, m, (struct ens_span){0, 5, 3}, "here");
	ens_diag_remedy(&b.diag, m, "mend it");
	ens_diag_render_json(&b.diag, &b.out);
	CU_ASSERT_STRING_EQUAL(
		ens_buf_cstr(&b.out),
		"[{\"code\":\"E0102\",\"severity\":\"error\",\"file\":\"t.ens\",\"line\":1,\"col\":1,\"end_line\":2,"
		"\"end_col\":1,"
		"\"text\":\"a \\\"quoted\\\" "
		"text\",\"second\":{\"file\":\"t.ens\",\"line\":1,\"col\":6,\"end_line\":1,\"end_col\":9,"
		"\"text\":\"here\"},\"remedy\":\"mend it\"},\n"
		" {\"code\":\"E0102\",\"severity\":\"error\",\"file\":\"t.ens\",\"line\":1,\"col\":6,\"end_line\":1,"
		"\"end_col\":9,"
		"\"text\":\"expected a name, found a string\",\"remedy\":\"a rule has a name before its title: "
		"`rule my_rule \\\"my rule\\\"`\"}]\n");
	tear_down(&b);
}

static void equal_messages_are_kept_once(void)
{
	struct bench b;
	struct ens_span at = {0, 2, 1};

	parse(&b, "rule r\n");
	for (int i = 0; i < 3; i++) {
		ens_diag_add(&b.diag, ENS_E_SYNTAX, at, "same");
		ens_diag_add(&b.diag, ENS_E_SYNTAX, ENS_NO_SPAN, "nowhere");
	}
	ens_diag_add(&b.diag, ENS_E_SYNTAX, at, "other");
	CU_ASSERT_EQUAL(b.diag.nerror, 3);
	CU_ASSERT_STRING_EQUAL(said(&b), "error E0102: nowhere\n"
					 "t.ens:1:3: error E0102: same\n   1 | rule r\n     |   ^\n"
					 "t.ens:1:3: error E0102: other\n   1 | rule r\n     |   ^\n");
	tear_down(&b);
}

static void a_span_over_lines_marks_the_first(void)
{
	struct bench b;

	parse(&b, "rule r\n  where a\n");
	ens_diag_add(&b.diag, ENS_E_SYNTAX, (struct ens_span){0, 5, 9}, "all of it");
	CU_ASSERT_STRING_EQUAL(said(&b), "t.ens:1:6: error E0102: all of it\n   1 | rule r\n     |      ^\n");
	tear_down(&b);
}

static void near_names_are_found(void)
{
	static const char *const names[] = {"user", "users", "address", "ok", "timestamp"};
	const size_t n = sizeof(names) / sizeof(*names);

	CU_ASSERT_STRING_EQUAL(ens_diag_nearest("usr", names, n), "user");
	CU_ASSERT_STRING_EQUAL(ens_diag_nearest("uesr", names, n), "user");
	CU_ASSERT_STRING_EQUAL(ens_diag_nearest("User", names, n), "user");
	CU_ASSERT_STRING_EQUAL(ens_diag_nearest("adress", names, n), "address");
	CU_ASSERT_STRING_EQUAL(ens_diag_nearest("timestmap", names, n), "timestamp");
	CU_ASSERT_PTR_NULL(ens_diag_nearest("n", names, n));
	CU_ASSERT_PTR_NULL(ens_diag_nearest("colour", names, n));
	CU_ASSERT_PTR_NULL(ens_diag_nearest("", names, n));
	CU_ASSERT_PTR_NULL(ens_diag_nearest("user", names, 0));
}

void suite_parse(void)
{
	CU_pSuite s = CU_add_suite("parse", NULL, NULL);

	CU_add_test(s, "every word that is not reserved can be a name", every_word_that_is_not_reserved_can_be_a_name);
	CU_add_test(s, "written expressions read back the same", written_expressions_read_back_the_same);
	CU_add_test(s, "parentheses only where they are needed", parentheses_are_written_only_where_they_are_needed);
	CU_add_test(s, "a clause spans what was written", a_clause_spans_what_was_written);
	CU_add_test(s, "bytes that are no text are one error", bytes_that_are_no_text_are_one_error);
	CU_add_test(s, "control characters are shown, not sent", control_characters_are_shown_not_sent);
	CU_add_test(s, "a carriage return is not shown", a_line_with_carriage_return_is_shown_without);
	CU_add_test(s, "endless nesting is one error", endless_nesting_is_one_error);
	CU_add_test(s, "many errors are counted but not kept", many_errors_are_counted_but_not_kept);
	CU_add_test(s, "every budget ends in a status", every_budget_ends_in_a_status);
	CU_add_test(s, "files are bounded", files_are_bounded);
	CU_add_test(s, "two files make one tree", two_files_make_one_tree);
	CU_add_test(s, "messages as JSON", messages_as_json);
	CU_add_test(s, "equal messages are kept once", equal_messages_are_kept_once);
	CU_add_test(s, "a span over lines marks the first", a_span_over_lines_marks_the_first);
	CU_add_test(s, "near names are found", near_names_are_found);
}
