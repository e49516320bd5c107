/*
 * Where a field comes from: `as "after.id" or "before.id"`.
 *
 * A name is that of a field or member as it stands; one with dots is then also a path into the objects of the entry, so
 * every part of it has to be a name.  Tested by tests/lang/sources.test and tests/cli/json.sh.
 */
#include "compiler/sema.h"

#include <string.h>

#include "base/limits.h"
#include "compiler/sema_private.h"

static uint32_t count_parts(const char *name)
{
	uint32_t n = 1;

	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
		n++;
	return n;
}

/* a..b, .a, a. and nothing at all */
static bool has_empty_part(const char *name)
{
	const size_t len = strlen(name);

	return len == 0 || name[0] == '.' || name[len - 1] == '.' || strstr(name, "..");
}

static void check_source(struct ens_sema *s, const struct ens_ident *id)
{
	struct ens_message *m;

	if (!id->name)
		return;
	if (has_empty_part(id->name)) {
		m = ens_diag_add(s->diag, ENS_E_SOURCE, id->at,
				 id->name[0] ? "a part of this path is empty" : "a field can't be read from a name that is empty");
		ens_diag_remedy(s->diag, m, "write the name that the field has in the entry, `as \"source.name\"`: a dot leads to a member");
	} else if (count_parts(id->name) > ENS_JSON_DEPTH_MAX) {
		ens_diag_add(s->diag, ENS_E_SOURCE, id->at, "this path has %u parts: nothing is nested deeper than %d levels",
			     count_parts(id->name), ENS_JSON_DEPTH_MAX);
	}
}

void ens_sema_source(struct ens_sema *s, const struct ens_field *f)
{
	uint32_t n = 0;

	if (f->source && f->computed)
		ens_diag_add(s->diag, ENS_E_OPTION, f->source->id.at, "a computed field is not read from the entry");
	for (const struct ens_ident_list *l = f->computed ? NULL : f->source; l; l = l->next) {
		if (n++ == ENS_LIST_MAX) {
			ens_diag_add(s->diag, ENS_E_TOO_MANY, l->id.at, "a field is read from at most %d names", ENS_LIST_MAX);
			return;
		}
		check_source(s, &l->id);
	}
}
