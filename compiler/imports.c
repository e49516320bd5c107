/*
 * Imports: depth first, the files on the way kept as a chain, so that a circle can be shown.
 *
 * What reads files is the caller's (compile.h): here is no I/O.  A file counts as known from when it is opened, so each is
 * parsed once however often it is named.  Chains are at most ENS_NESTING_MAX long, files at most ENS_IMPORTS_MAX.
 * Tested by tests/cli/imports.sh and tests/unit/test_compile.c.
 */
#include "compiler/imports.h"

#include <string.h>

#include "base/limits.h"
#include "dsl/parse.h"

#define CHAIN_MAX_BYTES 400u

enum state { UNKNOWN, OPEN, DONE };

/* A file whose imports are being looked at. */
struct link {
	uint32_t file;
	uint32_t depth;
	const struct link *up;
};

struct importer {
	struct ens_arena *arena;
	struct ens_diag *diag;
	const struct ens_compile_options *options;
	uint8_t *state; /* by file */
	uint32_t cap, nimport;
	struct ens_ast *ast;
	struct ens_decl **end;
};

static enum ens_status parse_file(struct importer *im, uint32_t file, const struct link *up);

/* NULL without memory. */
static uint8_t *state_of(struct importer *im, uint32_t file)
{
	if (file >= im->cap) {
		uint32_t cap = (file + 1) * 2;
		uint8_t *bigger = ens_arena_zalloc(im->arena, cap);

		if (!bigger)
			return NULL;
		if (im->cap)
			memcpy(bigger, im->state, im->cap);
		im->state = bigger;
		im->cap = cap;
	}
	return &im->state[file];
}

static void add_chain(struct importer *im, struct ens_buf *text, const struct link *l, uint32_t from)
{
	const char *name = im->diag->sources->file[l->file].name;

	if (l->file != from && l->up)
		add_chain(im, text, l->up, from);
	if (text->len < CHAIN_MAX_BYTES)
		ens_buf_addf(text, "%.100s imports ", name);
}

static void say_circle(struct importer *im, const struct ens_decl *d, uint32_t file, const struct link *here)
{
	struct ens_buf text = ENS_BUF_EMPTY;

	add_chain(im, &text, here, file);
	ens_buf_addf(&text, "%.100s", im->diag->sources->file[file].name);

	struct ens_message *m = ens_diag_add(im->diag, ENS_E_IMPORT, d->title.at, "the files import each other in a circle: %s",
					     ens_buf_cstr(&text));

	ens_diag_remedy(im->diag, m, "put what both need into a third file, and import that one in both");
	ens_buf_free(&text);
}

static enum ens_status import(struct importer *im, struct ens_decl *d, const struct link *here)
{
	const struct ens_loader *loader = im->options->loader;
	struct ens_error err = {""};
	uint32_t file = 0;
	enum ens_status st;
	uint8_t *state;

	if (!d->title.name || !d->title.name[0])
		st = ens_fail(&err, ENS_EINPUT, "here stands the name of a file, such as \"common.ens\"");
	else if (!loader)
		st = ens_fail(&err, ENS_EINPUT, "there is nothing here that could read \"%s\"", d->title.name);
	else if (here->depth == ENS_NESTING_MAX)
		st = ens_fail(&err, ENS_ELIMIT, "more than %d files import each other here", ENS_NESTING_MAX);
	else
		st = loader->load(loader->context, here->file, d->title.name, &file, &err);
	if (st == ENS_ENOMEM)
		return st;
	if (st != ENS_OK) {
		struct ens_message *m = ens_diag_add(im->diag, ENS_E_IMPORT, d->title.at, "%s", err.text);

		if (st == ENS_EENV)
			ens_diag_remedy(im->diag, m, "a path is relative to the folder of the file that imports");
		d->broken = true;
		return ENS_OK;
	}
	d->file = file;
	state = state_of(im, file);
	if (!state)
		return ENS_ENOMEM;
	if (*state == OPEN)
		say_circle(im, d, file, here);
	if (*state != UNKNOWN)
		return ENS_OK;
	if (im->nimport++ == ENS_IMPORTS_MAX) {
		ens_diag_add(im->diag, ENS_E_IMPORT, d->title.at, "at most %d files can be imported", ENS_IMPORTS_MAX);
		d->broken = true;
		return ENS_OK;
	}
	return parse_file(im, file, here);
}

/* Parses the file and appends its declarations, each import with what it brings behind it. */
static enum ens_status parse_file(struct importer *im, uint32_t file, const struct link *up)
{
	const struct link here = {file, up ? up->depth + 1 : 1, up};
	struct ens_ast own = {.ndecl = im->ast->ndecl}; /* what is counted is counted for all files */
	uint8_t *state = state_of(im, file);
	enum ens_status st;

	if (!state)
		return ENS_ENOMEM;
	*state = OPEN;
	st = ens_parse(im->arena, im->diag, file, &own);
	im->ast->ndecl = own.ndecl;
	for (struct ens_decl *d = own.decls, *next; d && st == ENS_OK; d = next) {
		next = d->next;
		d->next = NULL;
		d->imported = up != NULL;
		*im->end = d;
		im->end = &d->next;
		if (d->kind == ENS_D_IMPORT && !d->broken)
			st = import(im, d, &here);
	}
	im->state[file] = DONE;
	return st;
}

enum ens_status ens_parse_all(struct ens_arena *arena, struct ens_diag *diag, const uint32_t *files, uint32_t nfile,
			      const struct ens_compile_options *options, struct ens_ast *ast)
{
	struct importer im = {.arena = arena, .diag = diag, .options = options, .ast = ast, .end = &ast->decls};
	enum ens_status st = ENS_OK;

	*ast = (struct ens_ast){0};
	for (uint32_t i = 0; i < nfile && st == ENS_OK; i++) {
		const uint8_t *state = state_of(&im, files[i]);

		if (!state)
			return ENS_ENOMEM;
		if (*state == UNKNOWN) /* else one before imports it */
			st = parse_file(&im, files[i], NULL);
	}
	return st;
}
