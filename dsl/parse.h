/*
 * Text to tree.  Bad text gives messages and a tree of what could be understood (recovery at clause and declaration
 * words), so that the compiler can go on looking; the caller decides by diag->nerror.
 */
#ifndef ENS_DSL_PARSE_H
#define ENS_DSL_PARSE_H

#include "dsl/ast.h"
#include "dsl/diag.h"

/* Parses file `file` of diag->sources and appends its declarations to `ast`.  ENS_OK also when there were messages;
 * ENS_ENOMEM when the arena's budget is used up. */
enum ens_status ens_parse(struct ens_arena *arena, struct ens_diag *diag, uint32_t file, struct ens_ast *ast) ENS_MUST_CHECK;

#endif
