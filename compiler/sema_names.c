/*
 * Names of declarations: what is declared, twice or not at all, what a type name means, which filters go in circles.
 * One map a kind of name, so each look-up is O(1).  Tested by tests/lang/sema_names.test.
 */
#include "compiler/sema.h"

#include <string.h>

#include "base/limits.h"
#include "compiler/sema_private.h"

#define CANDIDATES_MAX 1000u /* names looked through for a likely slip */
#define OFFERED_MAX 8u       /* names listed where none is near */
#define SUGGESTIONS_MAX (4 * ENS_MESSAGES_MAX)

void ens_sema_not_yet(struct ens_sema *s, struct ens_span at, const char *what)
{
	ens_diag_add(s->diag, ENS_E_NOT_YET, at, "%s not supported yet", what);
}

/* Looking for likely slips costs; when messages are beyond reading it is not done. */
const char *ens_sema_nearest(struct ens_sema *s, const char *name, const char *const *candidate, size_t n)
{
	return s->diag->nerror > SUGGESTIONS_MAX ? NULL : ens_diag_nearest(name, candidate, n);
}

void ens_sema_suggest(struct ens_sema *s, struct ens_message *m, const char *name, const char *const *candidate,
		      size_t n)
{
	const char *near = ens_sema_nearest(s, name, candidate, n);

	if (near)
		ens_diag_remedy(s->diag, m, "did you mean `%s`?", near);
}

void ens_sema_offer(struct ens_sema *s, struct ens_message *m, const char *name, const char *what,
		    const char *const *candidate, size_t n)
{
	struct ens_buf list = ENS_BUF_EMPTY;

	ens_sema_suggest(s, m, name, candidate, n);
	for (size_t i = 0; i < n && n <= OFFERED_MAX; i++)
		ens_buf_addf(&list, "%s`%s`", i == 0 ? "" : i + 1 == n ? " and " : ", ", candidate[i]);
	if (!m->remedy && list.len)
		ens_diag_remedy(s->diag, m, "%s: %s", what, ens_buf_cstr(&list));
	ens_buf_free(&list);
}

/* Enters d under its name; says so if there was one before. */
static void declare(struct ens_sema *s, struct ens_map *map, uint32_t i, const char *what)
{
	struct ens_decl *d = s->decl[i];

	if (!d->name.name)
		return;

	uint32_t *place = ens_map_at_name(map, d->name.name);

	if (!place)
		return;
	if (*place == ENS_MAP_NONE) {
		*place = i;
		return;
	}
	if (d->broken || s->decl[*place]->broken)
		return; /* the name may not be all of what was meant */

	if (s->decl[*place]->kind == ENS_D_TABLE)
		what = "types";

	struct ens_message *m = ens_diag_add(s->diag, ENS_E_DUPLICATE, d->name.at, "there are two %s called `%s`", what,
					     d->name.name);

	ens_diag_second(s->diag, m, s->decl[*place]->name.at, "the first one is here");
	ens_diag_remedy(s->diag, m, "give one of them another name");
	if (d->kind == ENS_D_EVENT || d->kind == ENS_D_TABLE)
		s->decl[*place]->broken = true; /* which of them a field is looked for in is not known */
}

static void enter(struct ens_sema *s, uint32_t i)
{
	struct ens_decl *d = s->decl[i];

	switch (d->kind) {
	case ENS_D_IMPORT:
		s->imports |= d->broken;
		break;
	case ENS_D_PARAM:
		declare(s, &s->param_map, i, "parameters");
		break;
	case ENS_D_FN:
		declare(s, &s->fn_map, i, "functions");
		break;
	case ENS_D_TABLE:
		d->sema->index = s->ntype;
		s->type[s->ntype++] = d;
		declare(s, &s->type_map, i, "types");
		break;
	case ENS_D_TEST:
		break; /* has a title, no name */
	case ENS_D_EVENT:
		d->sema->index = s->ntype;
		s->type[s->ntype++] = d;
		declare(s, &s->type_map, i, "event types");
		break;
	case ENS_D_FILTER:
		declare(s, &s->type_map, i, "event types");
		break;
	case ENS_D_OUTPUT:
		declare(s, &s->output_map, i, "output types");
		break;
	case ENS_D_RULE:
		d->sema->index = s->nrule;
		s->rule[s->nrule++] = d;
		declare(s, &s->rule_map, i, "rules");
		break;
	}
}

/* The first rule that emits events of that type, if there is one. */
static const struct ens_decl *emitter(const struct ens_sema *s, const char *type)
{
	for (uint32_t i = 0; i < s->nrule; i++)
		for (const struct ens_clause *c = s->rule[i]->clauses; c; c = c->next)
			if ((c->kind == ENS_C_EMIT || c->kind == ENS_C_ON_TIMEOUT) && c->name.name &&
			    strcmp(c->name.name, type) == 0)
				return s->rule[i];
	return NULL;
}

static void unknown_type(struct ens_sema *s, struct ens_ident id)
{
	if (s->imports || s->lost_output)
		return; /* it may be there */

	struct ens_message *m;
	uint32_t output = ens_map_find_name(&s->output_map, id.name);

	if (output != ENS_MAP_NONE) {
		m = ens_diag_add(s->diag, ENS_E_UNKNOWN_TYPE, id.at, "`%s` is only emitted, rules can't take it in",
				 id.name);
		ens_diag_second(s->diag, m, s->decl[output]->name.at, "declared here");
		ens_diag_remedy(s->diag, m,
				"`derive %s { ... }` makes it for other rules; to read it back from its stream, declare `event %s from \"STREAM\" { ... }`",
				id.name, id.name);
		return;
	}
	m = ens_diag_add(s->diag, ENS_E_UNKNOWN_TYPE, id.at, "there is no event type `%s`", id.name);

	const char *candidate[CANDIDATES_MAX];
	size_t n = 0;

	for (uint32_t i = 0; i < s->ndecl && n < CANDIDATES_MAX && s->diag->nerror <= SUGGESTIONS_MAX; i++)
		if ((s->decl[i]->kind == ENS_D_EVENT || s->decl[i]->kind == ENS_D_FILTER) && s->decl[i]->name.name)
			candidate[n++] = s->decl[i]->name.name;
	ens_sema_suggest(s, m, id.name, candidate, n);
	if (!m->remedy && s->diag->nerror <= SUGGESTIONS_MAX && emitter(s, id.name))
		ens_diag_remedy(s->diag, m, "rule `%s` emits it, for readers of streams; for other rules write `derive %s { ... }`",
				emitter(s, id.name)->name.name, id.name);
	else if (!m->remedy)
		ens_diag_remedy(s->diag, m, "declare it: `event %s from \"STREAM\" { ... }`", id.name);
}

struct ens_decl *ens_sema_find_any_type(struct ens_sema *s, struct ens_ident id)
{
	if (!id.name || !id.name[0]) /* an error of syntax, told */
		return NULL;

	uint32_t i = ens_map_find_name(&s->type_map, id.name);

	if (i == ENS_MAP_NONE) {
		unknown_type(s, id);
		return NULL;
	}
	s->decl[i]->sema->used = true;
	return s->decl[i];
}

struct ens_decl *ens_sema_find_type(struct ens_sema *s, struct ens_ident id)
{
	struct ens_decl *d = ens_sema_find_any_type(s, id);

	if (!d || d->kind != ENS_D_TABLE)
		return d;
	ens_sema_table_as_event(s, id, d);
	return NULL;
}

static void say_circle(struct ens_sema *s, struct ens_decl *d)
{
	struct ens_buf chain = ENS_BUF_EMPTY;
	struct ens_decl *x = d;

	do {
		ens_buf_addf(&chain, "`%s` = ", x->name.name);
		x = x->sema->base;
	} while (x && x != d && chain.len < 400);
	ens_buf_addf(&chain, "`%s`", d->name.name);
	ens_diag_remedy(s->diag,
			ens_diag_add(s->diag, ENS_E_FILTER_CIRCLE, d->name.at, "the filter `%s` is made of itself: %s", d->name.name,
				     ens_buf_cstr(&chain)),
			"let one of them name an event type, `event %s = TYPE[condition]`", d->name.name);
	ens_buf_free(&chain);
}

/* Follows filters down to the event type.  Iterative: the chain may be as long as the file. */
static void resolve_filter(struct ens_sema *s, struct ens_decl *start)
{
	struct ens_decl *d = start, *type = NULL;
	uint32_t depth = 0;

	for (; d && d->kind == ENS_D_FILTER && !d->sema->done; d = d->sema->base) {
		if (d->sema->visiting) {
			say_circle(s, d);
			d = NULL;
			break;
		}
		d->sema->visiting = true;
		d->sema->base = d->ref ? ens_sema_find_type(s, d->ref->type) : NULL;
	}
	if (d) {
		type = d->kind == ENS_D_EVENT ? d : d->sema->type;
		depth = d->sema->depth;
	}
	/* The chain hangs together by base; its depths are counted from the end. */
	uint32_t len = 0;

	for (struct ens_decl *x = start; x && x->kind == ENS_D_FILTER && !x->sema->done && x->sema->visiting;
	     x = x->sema->base) {
		x->sema->visiting = false;
		x->sema->done = true;
		x->sema->type = type;
		len++;
	}
	for (struct ens_decl *x = start; x && len; x = x->sema->base, len--)
		x->sema->depth = depth + len;
	if (type && start->sema->depth > ENS_NESTING_MAX) {
		ens_diag_add(s->diag, ENS_E_FILTER_CIRCLE, start->name.at,
			     "more than %d filters stand on each other here", ENS_NESTING_MAX);
		start->sema->type = NULL;
	}
}

static void resolve_filters(struct ens_sema *s)
{
	for (uint32_t i = 0; i < s->ndecl; i++)
		if (s->decl[i]->kind == ENS_D_FILTER && !s->decl[i]->sema->done)
			resolve_filter(s, s->decl[i]);
	for (uint32_t i = 0; i < s->ndecl; i++) {
		struct ens_decl *d = s->decl[i];

		if (d->kind != ENS_D_FILTER)
			continue;
		d->sema->used = false; /* set by filters that stand on it, below, and by rules */
		if (d->sema->type && d->ref)
			ens_sema_resolve_ref(s, d->ref);
	}
}

bool ens_sema_resolve_ref(struct ens_sema *s, struct ens_ref *ref)
{
	if (ref->sema)
		return ref->sema->type != NULL;

	struct ens_decl *d = ens_sema_find_type(s, ref->type);

	ref->sema = ens_arena_zalloc(s->arena, sizeof *ref->sema);
	if (!d || !ref->sema)
		return false;
	ref->sema->decl = d;
	ref->sema->type = d->kind == ENS_D_EVENT ? d : d->sema->type;
	return ref->sema->type != NULL;
}

void ens_sema_names(struct ens_sema *s)
{
	for (uint32_t i = 0; i < s->ndecl && !s->arena->failed; i++)
		enter(s, i);
	ens_sema_derived_names(s);
	if (s->arena->failed)
		return;
	resolve_filters(s);
	for (uint32_t i = 0; i < s->ntype; i++)
		s->type[i]->sema->used = false;
	for (uint32_t i = 0; i < s->ndecl; i++)
		if (s->decl[i]->kind == ENS_D_FILTER && s->decl[i]->ref && s->decl[i]->sema->base)
			s->decl[i]->sema->base->sema->used = true;
}

void ens_sema_unused(struct ens_sema *s)
{
	if (s->diag->nerror || !s->nrule)
		return;
	for (uint32_t i = 0; i < s->ndecl; i++) {
		struct ens_decl *d = s->decl[i];
		const char *what = d->kind == ENS_D_EVENT    ? "event type"
				   : d->kind == ENS_D_TABLE  ? "table"
				   : d->kind == ENS_D_FILTER ? "filter"
				   : d->kind == ENS_D_PARAM  ? "parameter"
				   : d->kind == ENS_D_FN     ? "function"
				   : d->kind == ENS_D_OUTPUT ? "output type"
							     : NULL;

		if (d->sema->used || d->imported || !what)
			continue;
		if (d->sema->derived)
			ens_diag_remedy(s->diag,
					ens_diag_add(s->diag, ENS_W_UNUSED, d->name.at, "no rule takes in `%s`, which is derived here",
						     d->name.name),
					"for readers of streams write `emit`");
		else
			ens_diag_remedy(s->diag,
					ens_diag_add(s->diag, ENS_W_UNUSED, d->name.at, "no rule uses the %s `%s`", what, d->name.name),
					"leave it out, or look for a slip in the name by which it should be used");
	}
}
