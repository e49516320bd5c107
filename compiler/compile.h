/*
 * The compiler: rule files to one table file.
 */
#ifndef ENS_COMPILER_COMPILE_H
#define ENS_COMPILER_COMPILE_H

#include "dsl/ast.h"
#include "dsl/diag.h"

/* What the arena of a compilation of these texts is to have: in proportion to them, so that a small text cannot take much. */
size_t ens_compile_budget(const struct ens_sources *sources);
/* A parameter's value from outside the rule files: --set NAME=VALUE. */
struct ens_setting {
	const char *name, *value;
};

/*
 * Reads what a rule file imports: the compiler itself does no I/O.  `load` gives the index in diag->sources of the file that
 * `path` means in the file `from`: the same index for the same file, whatever it is called.  When it can't, it says why in
 * `err`, with the path in it; ENS_ENOMEM ends the compilation.
 */
struct ens_loader {
	void *context;
	enum ens_status (*load)(void *context, uint32_t from, const char *path, uint32_t *file, struct ens_error *err);
};

struct ens_compile_options {
	const struct ens_loader *loader;   /* NULL: nothing can be imported */
	const struct ens_setting *setting; /* of one name the last counts */
	size_t nsetting;
	const char *const *leave_out;      /* names of rules that are passed over, with the tests that name them */
	size_t nleave_out;
};

/*
 * Compiles the files (indices in diag->sources) together.  Everything but the outputs lives in `arena`.
 *
 * ENS_OK: `tables_out` holds the tables; there may be warnings in `diag`.  ENS_ERULES: there are errors in `diag`,
 * `tables_out` is as it was.  A budget that is used up is such an error.  ENS_ENOMEM: no memory; as before.
 * ast_out (NULL: not wanted): the tree of what was parsed, also on ENS_ERULES.
 * graph_dump (NULL: not wanted): the pattern graphs as text are appended, for each rule that has one.
 */
enum ens_status ens_compile(struct ens_arena *arena, struct ens_diag *diag, const uint32_t *files, uint32_t nfile,
			    struct ens_ast *ast_out, struct ens_buf *tables_out,
			    struct ens_buf *graph_dump) ENS_MUST_CHECK;
/* The same with options. */
enum ens_status ens_compile_with(struct ens_arena *arena, struct ens_diag *diag, const uint32_t *files, uint32_t nfile,
				 const struct ens_compile_options *options, struct ens_ast *ast_out,
				 struct ens_buf *tables_out, struct ens_buf *graph_dump) ENS_MUST_CHECK;

#endif
