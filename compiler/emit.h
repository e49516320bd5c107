/*
 * Checked rules and their graphs to table bytes (runtime/tables.h).
 */
#ifndef ENS_COMPILER_EMIT_H
#define ENS_COMPILER_EMIT_H

#include "compiler/sema.h"

/*
 * Writes the tables of all rules; graph[i] belongs to s->rule[i].  ENS_ERULES: an expression was too large (said in
 * s->diag); ENS_ENOMEM.  `out` must be empty.
 */
enum ens_status ens_emit_tables(struct ens_sema *s, const struct ens_graph *graph, struct ens_buf *out) ENS_MUST_CHECK;

#endif
