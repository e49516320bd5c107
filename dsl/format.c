/*
 * The canonical form of a rule file.
 *
 * Idea: the tokens are the truth, the tree only says what they are (format_tokens.h).  So literals stay as they are
 * written, a construct that has no node yet is laid out all the same, and nothing can be lost on the way.  A file is
 * units: declarations and the clauses of rules.  A unit stands on one line where it fits and no comment is within;
 * else its block goes one item a line, or its line breaks behind its loosest operators.  A line only breaks where the
 * language lets it: behind an operator or comma, and never before a word that could begin a clause.
 * Guarantee: every token and comment is written once, and the result is parsed again and gives the same tree, clauses
 * sorted, or there is no result; formatting it again changes nothing.  Cost: linear in the text, three parses at most.
 * Tested by tests/cli/fmt.sh.
 */
#include "dsl/format.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "dsl/format_tokens.h"
#include "dsl/grammar.h"
#include "dsl/parse.h"
#include "dsl/words.h"

#define DECL_COLUMNS 100  /* of declarations: beyond, one field a line */
#define RULE_COLUMNS 140  /* of clauses and the lines of tests: what they emit is read across */
#define INDENT 2
#define CLAUSE_COLUMNS 8  /* the longest clause word and two blanks */
#define NCLAUSE (ENS_C_META + 1)

struct writer {
	const struct ens_fmt_text *t;
	struct ens_buf *out;
	size_t col, limit;
	uint32_t ntoken, ncomment; /* written */
	bool fresh;     /* nothing on this line yet */
	bool commented; /* the line ends with a comment */
};

/* ---- characters and comments ---------------------------------------------------------------------------------- */

static void blanks(struct writer *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ens_buf_addc(w->out, ' ');
	w->col += n;
}

static void new_line(struct writer *w, size_t indent)
{
	if (w->out->len > 0)
		ens_buf_addc(w->out, '\n');
	w->col = 0;
	w->fresh = true;
	w->commented = false;
	blanks(w, indent);
}

/* An empty line before the one to come, but not at the beginning of everything. */
static void empty_line(struct writer *w)
{
	if (w->out->len > 0)
		ens_buf_addc(w->out, '\n');
}

static void put_text(struct writer *w, uint32_t off, uint32_t len)
{
	ens_buf_add(w->out, w->t->text + off, len);
	w->fresh = false;
}

/* A comment on a line of its own.  One that stood behind something must not become a doc comment by that. */
static void put_own_comment(struct writer *w, const struct ens_fmt_comment *c, size_t indent)
{
	const char *text = w->t->text + c->off;
	bool doc = c->len >= 2 && text[1] == '#' && !(c->len > 2 && text[2] == '#');

	new_line(w, indent);
	if (doc && !c->own_line) {
		ens_buf_addc(w->out, '#');
		put_text(w, c->off + 2, c->len - 2);
	} else {
		put_text(w, c->off, c->len);
	}
	w->commented = true;
	w->ncomment++;
}

/* Behind what stands on the line. */
static void put_end_comment(struct writer *w, const struct ens_fmt_comment *c)
{
	blanks(w, 2);
	put_text(w, c->off, c->len);
	w->commented = true;
	w->ncomment++;
}

/* The comments from `from` on up to `end`; with `empty_lines`, those of the text between them are kept. */
static void put_comments(struct writer *w, uint32_t from, uint32_t end, size_t indent, bool empty_lines)
{
	for (uint32_t i = from; i < end; i++) {
		const struct ens_fmt_comment *c = &w->t->comment[i];

		if (!c->own_line && !w->commented && !w->fresh) {
			put_end_comment(w, c);
			continue;
		}
		if (c->blank && empty_lines)
			empty_line(w);
		put_own_comment(w, c, indent);
		empty_lines = true;
	}
}

static uint32_t comments_end(const struct writer *w, uint32_t i)
{
	return ens_fmt_comments_end(w->t, i);
}

static bool has_comments(const struct writer *w, uint32_t i)
{
	return w->t->token[i].comment < comments_end(w, i);
}

/* ---- tokens on lines ------------------------------------------------------------------------------------------ */

/* Columns of the tokens a .. b - 1 on one line. */
static size_t flat_columns(const struct writer *w, uint32_t a, uint32_t b)
{
	const struct ens_fmt_token *last = &w->t->token[b - 1];

	return last->from + last->width - w->t->token[a].from;
}

static bool comments_within(const struct writer *w, uint32_t a, uint32_t b)
{
	return w->t->token[a + 1 < b ? a + 1 : b].comment < w->t->token[b].comment;
}

static bool fits(const struct writer *w, uint32_t a, uint32_t b)
{
	return !comments_within(w, a, b) && w->col + flat_columns(w, a, b) <= w->limit;
}

/* The comments before token i, in the middle of something; it goes on on the next line. */
static void put_inner_comments(struct writer *w, uint32_t i, size_t indent)
{
	if (!has_comments(w, i))
		return;
	put_comments(w, w->t->token[i].comment, comments_end(w, i), indent, false);
	new_line(w, indent);
}

/* Writes one token, with its comments if it is not the first of what is being written. */
static void put_token(struct writer *w, uint32_t i, bool inner, size_t indent)
{
	const struct ens_fmt_token *n = &w->t->token[i];

	if (inner)
		put_inner_comments(w, i, indent);
	if (inner && !w->fresh) {
		bool comma = n->flags & ENS_FF_ITEM && !(n[-1].flags & ENS_FF_BLOCK);

		if (comma)
			ens_buf_addc(w->out, ',');
		w->col += comma;
		blanks(w, n->space);
	}
	put_text(w, n->off, n->len);
	w->col += n->width;
	w->ntoken++;
}

/* Whether a line may end before token i.  There a word that begins clauses would be taken for one. */
static bool may_break(const struct writer *w, uint32_t i)
{
	return w->t->token[i - 1].join != ENS_FJ_NONE && !ens_word_hard(w->t->token[i].code);
}

/* The loosest joint of a line outside its brackets; sums only break where a line is full. */
static uint8_t loosest(const struct writer *w, uint32_t a, uint32_t b)
{
	uint8_t join = ENS_FJ_NONE;

	for (uint32_t i = a + 1; i < b; i++) {
		const struct ens_fmt_token *before = &w->t->token[i - 1];

		if (before->depth == w->t->token[a].depth && may_break(w, i) && before->join != ENS_FJ_SUM &&
		    (join == ENS_FJ_NONE || before->join < join))
			join = before->join;
	}
	return join;
}

static size_t columns_to_break(const struct writer *w, uint32_t i, uint32_t b)
{
	uint32_t end = i + 1;

	while (end < b && !may_break(w, end))
		end++;
	return flat_columns(w, i, end) + 1;
}

/* Writes the tokens a .. b - 1 from the current column on: on one line, or broken behind each of the loosest joints, and
 * behind others where that is still too long.  The first token's comments are the caller's. */
static void put_run(struct writer *w, uint32_t a, uint32_t b, size_t indent)
{
	bool one_line = a < b && fits(w, a, b);
	uint8_t join = a < b && !one_line ? loosest(w, a, b) : ENS_FJ_NONE;

	for (uint32_t i = a; i < b; i++) {
		const struct ens_fmt_token *before = &w->t->token[i > a ? i - 1 : a];
		bool in_brackets = w->t->token[i].depth > w->t->token[a].depth;

		if (i > a && !one_line && !has_comments(w, i) && may_break(w, i)) {
			if (before->join == join && before->depth == w->t->token[a].depth)
				new_line(w, indent);
			else if (w->col + columns_to_break(w, i, b) > w->limit)
				new_line(w, indent + INDENT);
		}
		put_token(w, i, i > a, in_brackets ? indent + INDENT : indent);
	}
}

/* Ends the line before token i with the comments before it, and begins the next one. */
static void lead(struct writer *w, uint32_t i, size_t comment_indent, size_t indent, bool empty_lines)
{
	put_comments(w, w->t->token[i].comment, comments_end(w, i), comment_indent, empty_lines);
	if (w->t->token[i].blank && (empty_lines || w->commented) && w->t->token[i].code != ENS_TK_RC)
		empty_line(w);
	new_line(w, indent);
}

/* ---- blocks --------------------------------------------------------------------------------------------------- */

/* The first block of the tokens a .. b - 1; b: none. */
static uint32_t find_block(const struct writer *w, uint32_t a, uint32_t b)
{
	while (a < b && !(w->t->token[a].flags & ENS_FF_BLOCK))
		a++;
	return a;
}

/* The next token with one of these flags behind i, at most `end`. */
static uint32_t next_flagged(const struct writer *w, uint32_t i, uint32_t end, unsigned flags)
{
	do
		i++;
	while (i < end && !(w->t->token[i].flags & flags));
	return i;
}

/* The widest field name of a block: their colons stand in one column. */
static uint32_t name_columns(const struct writer *w, uint32_t open, uint32_t close)
{
	uint32_t most = 0;

	for (uint32_t i = next_flagged(w, open, close, ENS_FF_ITEM); i < close;
	     i = next_flagged(w, i, close, ENS_FF_ITEM))
		if (w->t->token[i].width > most)
			most = w->t->token[i].width;
	return most;
}

/* Fields or items, one a line, and the closing brace. */
static void put_items(struct writer *w, uint32_t open, size_t indent, bool fields)
{
	uint32_t close = w->t->token[open].match, end;
	uint32_t columns = fields ? name_columns(w, open, close) : 0;

	for (uint32_t i = next_flagged(w, open, close, ENS_FF_ITEM); i < close; i = end) {
		bool first = w->t->token[i - 1].flags & ENS_FF_BLOCK;
		uint32_t from = i;

		end = next_flagged(w, i, close, ENS_FF_ITEM);
		lead(w, i, indent + INDENT, indent + INDENT, !first);
		if (fields && !has_comments(w, i + 1)) {
			put_token(w, i, false, 0);
			blanks(w, columns - w->t->token[i].width + 1);
			put_token(w, ++from, false, 0);
			put_inner_comments(w, ++from, indent + 3 * INDENT);
			blanks(w, w->fresh ? 0 : 1);
		}
		put_run(w, from, end, indent + 3 * INDENT);
	}
	lead(w, close, indent + INDENT, indent, false);
	put_token(w, close, false, 0);
}

/* Tokens with at most one block: on one line if they fit, else with the block's items on lines of their own. */
static void put_with_block(struct writer *w, uint32_t a, uint32_t b, size_t indent, size_t run_indent)
{
	uint32_t open = find_block(w, a, b);
	uint32_t close = open < b ? w->t->token[open].match : b;

	if (open == b || fits(w, a, b) || (close == open + 1 && !has_comments(w, close))) {
		put_run(w, a, b, run_indent);
		return;
	}
	put_run(w, a, open + 1, run_indent);
	put_items(w, open, indent, false);
	for (uint32_t i = close + 1; i < b; i++)
		put_token(w, i, true, run_indent);
}

/* ---- declarations --------------------------------------------------------------------------------------------- */

/* The options of an event behind its fields: on the line of the brace if they fit, else each on its own. */
static void put_options(struct writer *w, uint32_t close, uint32_t b)
{
	if (close + 1 == b)
		return;
	if (!comments_within(w, close, b) && w->col + 1 + flat_columns(w, close + 1, b) <= w->limit) {
		for (uint32_t i = close + 1; i < b; i++)
			put_token(w, i, true, 0);
		return;
	}
	for (uint32_t i = close + 1, end; i < b; i = end) {
		end = next_flagged(w, i, b, ENS_FF_OPTION);
		lead(w, i, INDENT, INDENT, false);
		put_run(w, i, end, 2 * INDENT);
	}
}

static void put_event(struct writer *w, uint32_t a, uint32_t b)
{
	uint32_t open = find_block(w, a, b);

	if (open == b || fits(w, a, b)) {
		put_run(w, a, b, INDENT);
		return;
	}
	put_run(w, a, open + 1, INDENT);
	if (open + 1 == w->t->token[open].match && !has_comments(w, open + 1))
		put_token(w, open + 1, true, 0);
	else
		put_items(w, open, 0, true);
	put_options(w, w->t->token[open].match, b);
}

/* Where the type begins in a test's line that gives an event; the line's beginning if nothing is before it, its end if
 * it gives none. */
static uint32_t event_type(const struct writer *w, const struct ens_test_line *l, uint32_t end)
{
	return l->kind == ENS_L_EVENT ? ens_fmt_find(w->t, l->type.at.off) : end;
}

/* The column of the types in a test: behind the longest `at 9s`. */
static size_t type_column(const struct writer *w, const struct ens_decl *d)
{
	size_t most = 0;

	for (const struct ens_test_line *l = d->lines; l; l = l->next) {
		uint32_t a = ens_fmt_find(w->t, l->at.off);
		uint32_t type = event_type(w, l, a);
		size_t columns = type > a && !comments_within(w, a, type) ? flat_columns(w, a, type) + 2 : 0;

		if (columns > most)
			most = columns;
	}
	return most;
}

static void put_test_line(struct writer *w, const struct ens_test_line *l, uint32_t a, uint32_t b, size_t column)
{
	uint32_t type = event_type(w, l, a);
	size_t from = w->col;

	if (l->kind == ENS_L_EVENT && !comments_within(w, a, type) && !(type > a && has_comments(w, type))) {
		if (type > a)
			put_run(w, a, type, 2 * INDENT);
		if (w->col < from + column)
			blanks(w, from + column - w->col);
		a = type;
	}
	put_with_block(w, a, b, INDENT, 2 * INDENT);
}

static void put_test(struct writer *w, const struct ens_decl *d, uint32_t a, uint32_t b)
{
	uint32_t open = find_block(w, a, b), close = w->t->token[open].match;
	size_t column = type_column(w, d);

	put_run(w, a, open + 1, INDENT);
	for (const struct ens_test_line *l = d->lines; l; l = l->next) {
		uint32_t from = ens_fmt_find(w->t, l->at.off);

		lead(w, from, INDENT, INDENT, l != d->lines);
		put_test_line(w, l, from, next_flagged(w, from, close, ENS_FF_LINE), column);
	}
	lead(w, close, INDENT, 0, false);
	put_token(w, close, false, 0);
}

/* ---- rules ---------------------------------------------------------------------------------------------------- */

/* The place of the clause that begins with token i: the order of enum ens_clause_kind is that of the canonical form. */
static enum ens_clause_kind clause_place(const struct writer *w, uint32_t i)
{
	static const struct {
		int code;
		enum ens_clause_kind kind;
	} row[] = {{ENS_TK_FROM, ENS_C_FROM},     {ENS_TK_KEY, ENS_C_KEY},       {ENS_TK_MATCH, ENS_C_MATCH},
		   {ENS_TK_WHERE, ENS_C_WHERE},   {ENS_TK_WITHIN, ENS_C_WITHIN}, {ENS_TK_WINDOW, ENS_C_WINDOW},
		   {ENS_TK_TOP, ENS_C_WINDOW},    {ENS_TK_HAVING, ENS_C_HAVING}, {ENS_TK_SKIP, ENS_C_SKIP},
		   {ENS_TK_RESET, ENS_C_RESET},   {ENS_TK_LIMIT, ENS_C_LIMIT},   {ENS_TK_EMIT, ENS_C_EMIT},
		   {ENS_TK_DERIVE, ENS_C_DERIVE}, {ENS_TK_ON, ENS_C_ON_TIMEOUT}};

	for (size_t k = 0; k < sizeof(row) / sizeof(*row); k++)
		if (row[k].code == w->t->token[i].code)
			return row[k].kind;
	assert(w->t->token[i].code == ENS_TK_META);
	return ENS_C_META;
}

/* The comment behind a unit, on its last line, belongs to it; those before the next unit begin behind that. */
static uint32_t behind_end_comment(const struct writer *w, uint32_t b)
{
	uint32_t first = w->t->token[b].comment;

	return first < comments_end(w, b) && !w->t->comment[first].own_line ? first + 1 : first;
}

static void put_clause(struct writer *w, uint32_t a, uint32_t b)
{
	put_comments(w, behind_end_comment(w, a), comments_end(w, a), INDENT, false);
	new_line(w, INDENT);
	put_token(w, a, false, 0);
	/* `on timeout emit` are three words of one clause */
	blanks(w, w->t->token[a].code == ENS_TK_ON ? 1 : CLAUSE_COLUMNS - w->t->token[a].width);
	put_inner_comments(w, a + 1, INDENT + CLAUSE_COLUMNS);
	put_with_block(w, a + 1, b, INDENT, INDENT + CLAUSE_COLUMNS);
	put_comments(w, w->t->token[b].comment, behind_end_comment(w, b), INDENT, false);
}

/* Sorted clauses, those of one kind in written order. */
static void put_clauses(struct writer *w, uint32_t a, uint32_t b)
{
	for (int kind = 0; kind < NCLAUSE; kind++)
		for (uint32_t i = a, end; i < b; i = end) {
			end = next_flagged(w, i, b, ENS_FF_UNIT);
			if ((int)clause_place(w, i) == kind)
				put_clause(w, i, end);
		}
}

/* ---- the file ------------------------------------------------------------------------------------------------- */

static uint32_t source_column(const struct writer *w, uint32_t i)
{
	uint32_t off = w->t->token[i].off, col = 0;

	while (col < off && w->t->text[off - col - 1] != '\n')
		col++;
	return i < w->t->ntoken ? col : 0;
}

/* A comment behind a rule's last clause is the rule's if it is indented further than what follows, at `col`. */
static bool belongs_to_rule(const struct writer *w, const struct ens_fmt_comment *c, uint32_t col)
{
	return c->own_line && c->col > col && strncmp(w->t->text + c->off, "##", 2) != 0;
}

/* What stands between two declarations.  Empty lines stay, each run of them one; `apart`: there is one in any case. */
static void put_between(struct writer *w, uint32_t next, bool behind_rule, bool apart)
{
	uint32_t c = behind_end_comment(w, next), end = comments_end(w, next), col = source_column(w, next);

	for (; behind_rule && c < end && belongs_to_rule(w, &w->t->comment[c], col); c++)
		put_own_comment(w, &w->t->comment[c], INDENT);
	for (uint32_t i = c; i < end; i++)
		apart = apart && !w->t->comment[i].blank;
	apart = apart && !w->t->token[next].blank;
	for (; c < end; c++) {
		if (w->t->comment[c].blank || apart)
			empty_line(w);
		apart = false;
		put_own_comment(w, &w->t->comment[c], 0);
	}
	if (next == w->t->ntoken)
		return;
	if (w->t->token[next].blank || apart)
		empty_line(w);
	new_line(w, 0);
}

static bool is_one_line(struct writer *w, const struct ens_decl *d, uint32_t a, uint32_t b)
{
	w->col = 0;
	return d->kind != ENS_D_RULE && d->kind != ENS_D_TEST && fits(w, a, b);
}

static void put_decl(struct writer *w, const struct ens_decl *d, uint32_t a, uint32_t b)
{
	uint32_t head_end = d->kind == ENS_D_RULE ? next_flagged(w, a, b, ENS_FF_UNIT) : b;

	if (d->kind == ENS_D_TEST)
		put_test(w, d, a, b);
	else if (d->kind == ENS_D_EVENT || d->kind == ENS_D_TABLE)
		put_event(w, a, b);
	else
		put_run(w, a, head_end, INDENT);
	put_comments(w, w->t->token[head_end].comment, behind_end_comment(w, head_end), 0, false);
	put_clauses(w, head_end, b);
}

static void put_file(struct writer *w, const struct ens_ast *ast)
{
	bool apart = false, behind_rule = false;

	for (const struct ens_decl *d = ast->decls; d; d = d->next) {
		uint32_t a = ens_fmt_find(w->t, d->at.off);
		uint32_t b = d->next ? ens_fmt_find(w->t, d->next->at.off) : w->t->ntoken;
		bool one_line;

		w->limit = d->kind == ENS_D_EVENT || d->kind == ENS_D_TABLE ? DECL_COLUMNS : RULE_COLUMNS;
		one_line = is_one_line(w, d, a, b);
		put_between(w, a, behind_rule, apart || !one_line);
		put_decl(w, d, a, b);
		apart = !one_line;
		behind_rule = d->kind == ENS_D_RULE;
	}
	put_between(w, w->t->ntoken, behind_rule, false);
	ens_buf_addc(w->out, '\n');
}

/* ---- whether it is the same ----------------------------------------------------------------------------------- */

static bool has_errors(const struct ens_diag *diag)
{
	for (uint32_t i = 0; i < diag->nmsg; i++)
		if (ens_code_severity(diag->msg[i].code) == ENS_ERROR && diag->msg[i].code != ENS_E_NOT_YET)
			return true;
	return false;
}

static void sort_clauses(struct ens_decl *d)
{
	struct ens_clause *first[NCLAUSE] = {NULL}, **end[NCLAUSE], **to = &d->clauses;

	for (int k = 0; k < NCLAUSE; k++)
		end[k] = &first[k];
	for (struct ens_clause *c = d->clauses; c; c = c->next) {
		*end[c->kind] = c;
		end[c->kind] = &c->next;
	}
	for (int k = 0; k < NCLAUSE; k++) {
		*end[k] = NULL;
		*to = first[k];
		if (first[k])
			to = end[k];
	}
}

/* The tree as text, with what may differ made equal: the order of clauses, and what is doc comment and what only is one. */
static void write_tree(struct ens_ast *ast, struct ens_buf *out)
{
	for (struct ens_decl *d = ast->decls; d; d = d->next) {
		d->doc = NULL;
		for (struct ens_field *f = d->fields; f; f = f->next)
			f->doc = NULL;
		sort_clauses(d);
	}
	ens_ast_dump(ast, out);
}

/* Parses what was made and compares it with the tree of the text. */
static enum ens_status compare(const struct ens_buf *made, const struct ens_buf *tree)
{
	struct ens_arena arena;
	struct ens_sources sources;
	struct ens_diag diag;
	struct ens_ast ast = {0};
	struct ens_buf again = ENS_BUF_EMPTY;
	uint32_t file;

	ens_arena_init(&arena, ENS_COMPILE_MAX_BYTES);
	ens_sources_init(&sources, &arena);
	ens_diag_init(&diag, &arena, &sources);
	enum ens_status st = ens_sources_add(&sources, "-", made->data, made->len, &file);

	if (st == ENS_OK)
		st = ens_parse(&arena, &diag, file, &ast);
	if (st == ENS_OK) {
		write_tree(&ast, &again);
		if (again.failed)
			st = ENS_ENOMEM;
		else if (has_errors(&diag) || again.len != tree->len || memcmp(again.data, tree->data, tree->len) != 0)
			st = ENS_EBUG;
	}
	ens_buf_free(&again);
	ens_arena_free(&arena);
	return st;
}

static enum ens_status layout(struct ens_fmt_text *t, struct ens_ast *ast, struct ens_buf *made)
{
	struct writer w = {.t = t, .out = made};
	struct ens_buf tree = ENS_BUF_EMPTY;
	enum ens_status st = ens_fmt_load(t, ast);

	if (st != ENS_OK)
		return st;
	put_file(&w, ast);
	if (w.ntoken != t->ntoken || w.ncomment != t->ncomment)
		return ENS_EBUG;
	write_tree(ast, &tree);
	st = made->failed || tree.failed ? ENS_ENOMEM : compare(made, &tree);
	ens_buf_free(&tree);
	return st;
}

enum ens_status ens_format(struct ens_arena *arena, struct ens_diag *diag, uint32_t file, struct ens_buf *out)
{
	struct ens_fmt_text t = {.arena = arena, .diag = diag, .file = file};
	struct ens_ast ast = {0};
	struct ens_buf made = ENS_BUF_EMPTY;
	enum ens_status st = ens_parse(arena, diag, file, &ast);

	if (st != ENS_OK)
		return st;
	if (has_errors(diag))
		return ENS_ERULES;
	st = layout(&t, &ast, &made);
	if (st == ENS_OK)
		ens_buf_add(out, made.data, made.len);
	ens_buf_free(&made);
	return st == ENS_OK && out->failed ? ENS_ENOMEM : st;
}
