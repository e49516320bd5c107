/*
 * Partial matches that nothing ends: in a rule without a scope, a state from which it is possible to wait without end.
 *
 * An entry ends by itself if it is `,` (the very next event decides) or has a `within`; a state ends by itself if all
 * of its entries do, or if the pattern is complete there, at once or at a deadline. Cost: linear in the
 * graph.  Tested by tests/lang/check_forever.test.
 */
#include "compiler/check.h"

bool ens_state_waits(const struct ens_g_state *s, enum ens_select select)
{
	bool open = false, watched = false; /* ways that stay open; some of them with absences */

	for (uint32_t i = 0; i < s->nentry; i++) {
		const struct ens_g_entry *e = &s->entry[i];

		/* What stands before is a greedy repetition; it keeps an absence behind it from nothing. */
		if (e->kind == ENS_T_ACCEPT && !e->guards && select != ENS_SELECT_ALL)
			return e->absences ? watched : open;
		if (e->kind != ENS_T_TAKE || e->arrow == ENS_T_NEXT || e->within)
			continue;
		open = true;
		watched |= e->absences != NULL;
	}
	return open;
}

void ens_check_forever(struct ens_check *c, const struct ens_rule_sema *r, const struct ens_graph *g)
{
	struct ens_message *m;
	bool waits = false;

	for (uint32_t i = 1; i < g->nstate && r->scope == ENS_T_UNBOUNDED; i++)
		waits |= ens_state_waits(&g->state[i], r->match->select);
	if (!waits)
		return;
	m = ens_diag_add(c->s->diag, ENS_W_FOREVER, r->match->word_at, "a partial match of rule `%s` can wait for ever",
			 r->decl->name.name);
	ens_diag_remedy(c->s->diag, m, "bound it: `within 5m`, `within 100 events` or `within session 30m`");
}
