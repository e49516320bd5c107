/*
 * Files to one tree: the rule files, and what they import, each once.
 */
#ifndef ENS_COMPILER_IMPORTS_H
#define ENS_COMPILER_IMPORTS_H

#include "compiler/compile.h"

/*
 * Parses the files in order; what one imports stands where its `import` does.  A file that cannot be imported is a message
 * at that place, and its declaration is broken.  ENS_OK also when there were messages; ENS_ENOMEM.
 */
enum ens_status ens_parse_all(struct ens_arena *arena, struct ens_diag *diag, const uint32_t *files, uint32_t nfile,
			      const struct ens_compile_options *options, struct ens_ast *ast) ENS_MUST_CHECK;

#endif
