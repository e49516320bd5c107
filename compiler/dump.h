/*
 * Tables as text, every section, programs disassembled: for `--dump tables`, `ensue explain` and tests.  (The graph's text
 * form is ens_graph_dump, compiler/graph.h.)
 */
#ifndef ENS_COMPILER_DUMP_H
#define ENS_COMPILER_DUMP_H

#include "base/buf.h"
#include "runtime/tables.h"

void ens_tables_dump(const struct ens_tables *t, struct ens_buf *out);

#endif
