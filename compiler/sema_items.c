/*
 * Names of emitted items in `having`: `having n >= 100 and rate > 0.05` means the values that `emit` calls so.
 *
 * The name takes the item's checked expression as it is: nothing is copied, since both stand behind the whole match.
 * Keys and parameters come first; `on timeout` is not about complete matches.  Cost: linear in the items a name.  Tested by tests/lang/items.test.
 */
#include "compiler/sema.h"

#include <string.h>

#include "compiler/sema_private.h"

/* The item at or behind *emit, *out; NULL: no further one. */
static const struct ens_out_sema *next_item(const struct ens_rule_sema *r, const char *name, uint32_t *emit, uint32_t *out)
{
	for (; *emit < r->nemit; (*emit)++, *out = 0)
		for (; r->emit[*emit].kind != ENS_T_TIMEOUT && *out < r->emit[*emit].nout; (*out)++)
			if (strcmp(r->emit[*emit].out[*out].name, name) == 0 && !r->emit[*emit].out[*out].meta)
				return &r->emit[*emit].out[(*out)++];
	return NULL;
}

static void say_several(struct ens_view *v, const struct ens_expr *e, const struct ens_out_sema *first,
			const struct ens_out_sema *other)
{
	struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_UNKNOWN_NAME, e->at,
					     "`%s` could be either of two emitted values", e->name);

	ens_diag_second(v->s->diag, m, other->at, "one is here");
	ens_diag_remedy(v->s->diag, m, "give one of them another name, or write what is meant instead of `%s`", first->name);
}

static void say_list(struct ens_view *v, const struct ens_expr *e, const struct ens_out_sema *item)
{
	struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_AGGREGATE, e->at, "`%s` is a %s, not one value", e->name,
					     ens_sema_type_name(item->expr));

	ens_diag_second(v->s->diag, m, item->at, "emitted here");
	ens_diag_remedy(v->s->diag, m, "for the number of its values use `count_distinct(...)` or `count(...)`");
}

bool ens_sema_item(struct ens_view *v, struct ens_expr *e)
{
	uint32_t emit = 0, out = 0;
	const struct ens_out_sema *item = v->items ? next_item(v->rule, e->name, &emit, &out) : NULL, *other;
	const struct ens_span at = e->at;

	if (!item)
		return false;
	while ((other = next_item(v->rule, e->name, &emit, &out)))
		if (!ens_expr_same_text(item->expr, other->expr)) {
			say_several(v, e, item, other);
			return true;
		}
	if (item->expr->type == ENS_LIST) {
		say_list(v, e, item);
		return true;
	}
	*e = *item->expr;
	e->at = e->op_at = at;
	return true;
}

void ens_sema_hidden_item(struct ens_view *v, const struct ens_expr *e, const char *what)
{
	uint32_t emit = 0, out = 0;
	const struct ens_out_sema *item = v->items ? next_item(v->rule, e->name, &emit, &out) : NULL;
	struct ens_message *m;

	if (!item || (item->expr->name && strcmp(item->expr->name, e->name) == 0 &&
		      (item->expr->kind == ENS_X_NAME || item->expr->kind == ENS_X_LITERAL)))
		return; /* the item is the key or parameter itself */
	m = ens_diag_add(v->s->diag, ENS_W_HIDING, e->at, "`%s` is the %s here, not the emitted item of that name", e->name,
			 what);
	ens_diag_second(v->s->diag, m, item->at, "the item is here");
	ens_diag_remedy(v->s->diag, m, "give the item another name");
}
