/*
 * What a rule does, in sentences for the person who wrote it.
 */
#ifndef ENS_COMPILER_EXPLAIN_H
#define ENS_COMPILER_EXPLAIN_H

#include "compiler/graph.h"

/* Appends the explanation of a rule that was compiled without errors: its checked tree, its graph, what it costs. */
void ens_explain_rule(const struct ens_decl *rule, const struct ens_graph *g, const struct ens_rule_cost *cost,
		      struct ens_buf *out);

#endif
