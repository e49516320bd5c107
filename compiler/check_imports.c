/*
 * Imports that bring nothing that is used: neither the file nor those that it imports have a rule, a test, or a
 * declaration that something uses.
 *
 * Cost: linear in the declarations, times the depth of the imports.  Tested by tests/cli/imports.sh.
 */
#include "compiler/check.h"

static bool counts(const struct ens_decl *d)
{
	return d->sema->used || d->kind == ENS_D_RULE || d->kind == ENS_D_TEST;
}

void ens_check_imports(struct ens_check *c)
{
	struct ens_sema *s = c->s;
	uint32_t nfile = s->diag->sources->nfile;
	bool *useful = ens_arena_zalloc(&c->scratch, nfile + 1);
	struct ens_message *m;

	for (uint32_t i = 0; useful && i < s->ndecl; i++)
		useful[s->decl[i]->at.file] |= s->decl[i]->kind != ENS_D_IMPORT && counts(s->decl[i]);
	for (bool more = useful; more;) { /* a file is as useful as those that it imports */
		more = false;
		for (uint32_t i = s->ndecl; i-- > 0;) {
			const struct ens_decl *d = s->decl[i];

			if (d->kind != ENS_D_IMPORT || !useful[d->file] || useful[d->at.file])
				continue;
			useful[d->at.file] = more = true;
		}
	}
	for (uint32_t i = 0; useful && s->nrule && i < s->ndecl; i++) {
		const struct ens_decl *d = s->decl[i];

		if (d->kind != ENS_D_IMPORT || d->imported || useful[d->file])
			continue;
		m = ens_diag_add(s->diag, ENS_W_UNUSED, d->title.at, "nothing that this file declares is used");
		ens_diag_remedy(s->diag, m, "leave the import out");
	}
}
