/*
 * Text to tree.  Bad text gives messages and a tree of what could be understood (recovery at the next field, item, test
 * line or condition's end, else at clause and declaration words), so that the compiler can go on looking; the caller
 * decides by diag->nerror.
 */
#ifndef ENS_DSL_PARSE_H
#define ENS_DSL_PARSE_H

#include "dsl/ast.h"
#include "dsl/diag.h"

/* Parses file `file` of diag->sources and appends its declarations to `ast`.  ENS_OK also when there were messages;
 * ENS_ENOMEM when the arena's budget is used up. */
enum ens_status ens_parse(struct ens_arena *arena, struct ens_diag *diag, uint32_t file, struct ens_ast *ast) ENS_MUST_CHECK;

/*
 * One expression that stands in file `file` from `base` on; `text` (NUL-ended) is as long there.  NULL: an error was told,
 * or the arena has failed.
 */
struct ens_expr *ens_parse_expr(struct ens_arena *arena, struct ens_diag *diag, uint32_t file, uint32_t base,
				const char *text, size_t len);

#endif
