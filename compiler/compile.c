/*
 * The pipeline, top-down: parse (with what is imported), names and types and checks, lower, emit.
 * Each arrow is one module with one header.  Tested by tests/unit/test_compile.c and tests/lang.
 */
#include "compiler/compile.h"

#include "compiler/emit.h"
#include "compiler/imports.h"
#include "compiler/sema.h"

static void check_has_rule(struct ens_diag *diag, const struct ens_sema *s, const uint32_t *files, uint32_t nfile)
{
	struct ens_message *m;

	if (s->nrule || diag->nerror || !nfile)
		return;
	m = ens_diag_add(diag, ENS_E_CLAUSE_MISSING, (struct ens_span){files[nfile - 1], 0, 0},
			 "there is no rule here, so nothing could ever be found");
	ens_diag_remedy(diag, m, "add one: `rule NAME` with `match` and `emit`");
}

/* The graph of every rule; messages for what only the graph shows. */
static enum ens_status lower_all(struct ens_sema *s, struct ens_graph *graph, struct ens_buf *dump)
{
	bool wrong = false;

	for (uint32_t i = 0; i < s->nrule; i++) {
		const struct ens_rule_sema *r = s->rule[i]->sema->rule;
		enum ens_status st;

		if (!r || !r->ok)
			continue;
		st = ens_lower(s->arena, s->diag, s->rule[i], r->pattern, &graph[i]);
		if (st == ENS_ERULES)
			wrong = true;
		else if (st != ENS_OK)
			return st;
		else if (dump) {
			ens_buf_addf(dump, "rule %s\n", s->rule[i]->name.name);
			ens_graph_dump(&graph[i], dump);
		}
	}
	return wrong || s->diag->nerror ? ENS_ERULES : ENS_OK;
}

enum ens_status ens_compile(struct ens_arena *arena, struct ens_diag *diag, const uint32_t *files, uint32_t nfile,
			    struct ens_ast *ast_out, struct ens_buf *tables_out, struct ens_buf *graph_dump)
{
	const struct ens_compile_options none = {0};

	return ens_compile_with(arena, diag, files, nfile, &none, ast_out, tables_out, graph_dump);
}

enum ens_status ens_compile_with(struct ens_arena *arena, struct ens_diag *diag, const uint32_t *files, uint32_t nfile,
				 const struct ens_compile_options *options, struct ens_ast *ast_out,
				 struct ens_buf *tables_out, struct ens_buf *graph_dump)
{
	struct ens_ast ast = {0};
	struct ens_sema sema;
	struct ens_graph *graph;
	enum ens_status st;

	st = ens_parse_all(arena, diag, files, nfile, options, &ast);
	if (ast_out)
		*ast_out = ast;
	if (st != ENS_OK)
		return st;

	st = ens_sema_check(&sema, arena, diag, &ast, options);
	if (st != ENS_OK)
		return st;
	check_has_rule(diag, &sema, files, nfile);

	graph = ens_arena_zalloc(arena, (sema.nrule + 1) * sizeof *graph);
	if (!graph)
		return ENS_ENOMEM;
	st = lower_all(&sema, graph, graph_dump);
	if (st != ENS_OK)
		return st;

	return ens_emit_tables(&sema, graph, tables_out);
}
