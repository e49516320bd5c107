/*
 * The checker's order of work: declarations first, then each rule on its own, behind those that derive what it takes
 * in, then the tests.
 * Each step is one file; what they say to each other is in sema_private.h.  Tested by tests/lang/sema*.test.
 */
#include "compiler/sema.h"

#include "compiler/sema_private.h"

bool ens_sema_of_decl(struct ens_sema *s, struct ens_decl *d)
{
	d->sema = ens_arena_zalloc(s->arena, sizeof *d->sema);
	if (!d->sema)
		return false;
	d->sema->time_field = d->sema->table_index = ENS_NONE;
	d->sema->sent_field = d->sema->shard_field = d->sema->unique_field = ENS_NONE;
	return true;
}

static bool list_declarations(struct ens_sema *s)
{
	uint32_t n = 0;

	for (struct ens_decl *d = s->ast->decls; d; d = d->next) {
		n++;
		for (const struct ens_clause *c = d->clauses; c; c = c->next)
			n += c->kind == ENS_C_DERIVE; /* may be a type of its own */
	}
	s->decl = ens_arena_alloc(s->arena, (n + 1) * sizeof(struct ens_decl *));
	s->type = ens_arena_alloc(s->arena, (n + 1) * sizeof(struct ens_decl *));
	s->rule = ens_arena_alloc(s->arena, (n + 1) * sizeof(struct ens_decl *));
	if (!s->decl || !s->type || !s->rule)
		return false;
	for (struct ens_decl *d = s->ast->decls; d; d = d->next) {
		if (!ens_sema_of_decl(s, d))
			return false;
		s->decl[s->ndecl++] = d;
	}
	return true;
}

static bool begin(struct ens_sema *s, struct ens_arena *arena, struct ens_diag *diag, struct ens_ast *ast)
{
	*s = (struct ens_sema){.arena = arena, .diag = diag, .ast = ast};
	ens_map_init(&s->type_map, arena);
	ens_map_init(&s->output_map, arena);
	ens_map_init(&s->rule_map, arena);
	ens_map_init(&s->param_map, arena);
	ens_map_init(&s->fn_map, arena);
	ens_map_init(&s->emitted_map, arena);
	return list_declarations(s);
}

enum ens_status ens_sema_outline(struct ens_sema *s, struct ens_arena *arena, struct ens_diag *diag, struct ens_ast *ast)
{
	if (!begin(s, arena, diag, ast))
		return ENS_ENOMEM;
	ens_sema_names(s);
	ens_sema_layers(s);
	return arena->failed ? ENS_ENOMEM : ENS_OK;
}

enum ens_status ens_sema_check(struct ens_sema *s, struct ens_arena *arena, struct ens_diag *diag, struct ens_ast *ast,
			       const struct ens_compile_options *options)
{
	if (!begin(s, arena, diag, ast))
		return ENS_ENOMEM;
	s->setting = options->setting;
	s->nsetting = options->nsetting;
	ens_sema_names(s);
	ens_sema_layers(s);
	ens_sema_params(s);
	ens_sema_strings(s);
	ens_sema_functions(s);
	ens_sema_events(s);
	for (uint32_t i = 0; i < s->norder && !arena->failed; i++) {
		if (s->order[i]->kind == ENS_D_RULE)
			ens_sema_rule(s, s->order[i]);
		else
			ens_sema_derived_type(s, s->order[i]);
	}
	if (!arena->failed)
		diag->work = ENS_NO_SPAN;

	enum ens_status st = arena->failed ? ENS_ENOMEM : ens_sema_tests(s);

	if (st != ENS_OK)
		return st;
	ens_sema_unused(s);
	return arena->failed ? ENS_ENOMEM : ENS_OK;
}
