/*
 * The pipeline, top-down: parse (with what is imported), names and types and checks, lower, emit.
 * Each arrow is one module with one header.  Tested by tests/unit/test_compile.c and tests/lang.
 */
#include "compiler/compile.h"

#include <string.h>

#include "base/limits.h"
#include "compiler/check.h"
#include "compiler/emit.h"
#include "compiler/imports.h"
#include "compiler/sema.h"

#define MESSAGE_BYTES ((size_t)512 << 10) /* a message and the list of all of them, anew */

static void check_has_rule(struct ens_diag *diag, const struct ens_sema *s, const uint32_t *files, uint32_t nfile)
{
	struct ens_message *m;

	if (s->nrule || diag->nerror || !nfile)
		return;
	m = ens_diag_add(diag, ENS_E_CLAUSE_MISSING, (struct ens_span){files[nfile - 1], 0, 0},
			 "there is no rule here, so nothing could ever be found");
	ens_diag_remedy(diag, m, "add one: `rule NAME` with `match` and `emit`");
}

/* The graph of every rule, and all checks; messages for what only the graph shows. */
static enum ens_status lower_all(struct ens_sema *s, struct ens_check *check, struct ens_graph *graph, struct ens_buf *dump)
{
	bool wrong = false;

	ens_check_declarations(check);
	for (uint32_t i = 0; i < s->nrule; i++) {
		struct ens_rule_sema *r = s->rule[i]->sema->rule;
		enum ens_status st;

		if (!r || !r->ok)
			continue;
		s->diag->work = s->rule[i]->name.at;
		ens_check_rule(check, r);
		st = ens_lower(s->arena, s->diag, s->rule[i], r->pattern, &graph[i]);
		if (st == ENS_ERULES)
			wrong = true;
		else if (st != ENS_OK)
			return st;
		else
			ens_check_graph(check, r, &graph[i]);
		if (st == ENS_OK && dump) {
			ens_buf_addf(dump, "rule %s\n", s->rule[i]->name.name);
			ens_graph_dump(&graph[i], dump);
		}
	}
	return wrong || s->diag->nerror ? ENS_ERULES : ENS_OK;
}

size_t ens_compile_budget(const struct ens_sources *sources)
{
	size_t budget = ENS_COMPILE_BASE_BYTES;

	for (uint32_t i = 0; i < sources->nfile; i++)
		budget += (size_t)sources->file[i].len * ENS_COMPILE_BYTES_PER_BYTE;
	return budget < ENS_COMPILE_MAX_BYTES ? budget : ENS_COMPILE_MAX_BYTES;
}

/* Not the system has no memory, but the rules want more than they are given: an error of theirs, for which there is room. */
static enum ens_status say_over_budget(struct ens_arena *arena, struct ens_diag *diag)
{
	const size_t budget = arena->budget_bytes;
	struct ens_message *m;

	arena->failed = arena->over_budget = false;
	arena->budget_bytes = arena->used_bytes + MESSAGE_BYTES;
	m = ens_diag_add(diag, ENS_E_TOO_LARGE, diag->work, "the rules need more than the %zu MiB that text of their size is given to compile",
			 budget >> 20);
	ens_diag_remedy(diag, m, "fewer steps and alternatives in one rule, or files that are compiled by themselves");
	arena->budget_bytes = budget;
	return arena->failed ? ENS_ENOMEM : ENS_ERULES;
}

static bool is_left_out(const struct ens_compile_options *options, const char *rule)
{
	for (size_t i = 0; rule && i < options->nleave_out; i++)
		if (strcmp(options->leave_out[i], rule) == 0)
			return true;
	return false;
}

static void leave_out(struct ens_ast *ast, const struct ens_compile_options *options)
{
	for (struct ens_decl **d = &ast->decls; *d;) {
		bool out = (*d)->kind == ENS_D_RULE && is_left_out(options, (*d)->name.name);

		for (const struct ens_ident_list *l = (*d)->kind == ENS_D_TEST ? (*d)->params : NULL; l; l = l->next)
			out |= is_left_out(options, l->id.name);
		if (out)
			*d = (*d)->next;
		else
			d = &(*d)->next;
	}
}

static enum ens_status compile(struct ens_arena *arena, struct ens_diag *diag, const uint32_t *files, uint32_t nfile,
			       const struct ens_compile_options *options, struct ens_ast *ast_out,
			       struct ens_buf *tables_out, struct ens_buf *graph_dump)
{
	struct ens_ast ast = {0};
	struct ens_sema sema;
	struct ens_check *check;
	struct ens_graph *graph;
	enum ens_status st;

	st = ens_parse_all(arena, diag, files, nfile, options, &ast);
	if (options->nleave_out)
		leave_out(&ast, options);
	if (ast_out)
		*ast_out = ast;
	if (st != ENS_OK)
		return st;

	diag->work = ENS_NO_SPAN;
	st = ens_sema_check(&sema, arena, diag, &ast, options);
	if (st != ENS_OK)
		return st;
	check_has_rule(diag, &sema, files, nfile);

	graph = ens_arena_zalloc(arena, (sema.nrule + 1) * sizeof *graph);
	check = ens_arena_alloc(arena, sizeof *check);
	if (!graph || !check)
		return ENS_ENOMEM;
	ens_check_init(check, &sema);
	st = lower_all(&sema, check, graph, graph_dump);
	ens_check_free(check);
	if (st != ENS_OK)
		return st;

	diag->work = ENS_NO_SPAN;
	return ens_emit_tables(&sema, graph, tables_out);
}

enum ens_status ens_compile_with(struct ens_arena *arena, struct ens_diag *diag, const uint32_t *files, uint32_t nfile,
				 const struct ens_compile_options *options, struct ens_ast *ast_out,
				 struct ens_buf *tables_out, struct ens_buf *graph_dump)
{
	enum ens_status st = compile(arena, diag, files, nfile, options, ast_out, tables_out, graph_dump);

	return st == ENS_ENOMEM && arena->over_budget ? say_over_budget(arena, diag) : st;
}

enum ens_status ens_compile(struct ens_arena *arena, struct ens_diag *diag, const uint32_t *files, uint32_t nfile,
			    struct ens_ast *ast_out, struct ens_buf *tables_out, struct ens_buf *graph_dump)
{
	const struct ens_compile_options none = {0};

	return ens_compile_with(arena, diag, files, nfile, &none, ast_out, tables_out, graph_dump);
}
