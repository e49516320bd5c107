/*
 * Names of time zones: literals or parameters, and known, so that a slip is told when the rules are checked.
 * Tested by tests/cli/zones.sh.
 */
#include "compiler/sema.h"

#include "compiler/sema_private.h"
#include "runtime/zone.h"

bool ens_sema_zone(struct ens_sema *s, struct ens_expr *e)
{
	struct ens_message *m;

	if (ens_sema_put_param(s, e) && e->kind == ENS_X_NAME)
		return false; /* the parameter is wrong, which was told */
	if (e->kind == ENS_X_NAME && s->imports)
		return false;
	if (e->kind != ENS_X_LITERAL || e->lit_type != ENS_STRING) {
		m = ens_diag_add(s->diag, ENS_E_ZONE, e->at, "a time zone is given by its name as a text, or by a parameter");
		ens_diag_remedy(s->diag, m, "such as \"Europe/Berlin\"; which one can't depend on an event");
		return false;
	}
	if (ens_zone_known(e->literal.s, e->literal.len))
		return true;
	m = ens_diag_add(s->diag, ENS_E_ZONE, e->at, "no such time zone is known");
	if (ens_zone_known("Europe/Berlin", 13))
		ens_diag_remedy(s->diag, m, "zones are called as in the IANA's list, by continent and city: \"Europe/Berlin\"");
	else
		ens_diag_remedy(s->diag, m, "this build, or this system, knows \"UTC\" only: zones need the library cctz and the package tzdata");
	return false;
}
