/*
 * A rule's graph as a drawing: Graphviz, Mermaid, or characters.
 */
#ifndef ENS_COMPILER_DRAW_H
#define ENS_COMPILER_DRAW_H

#include "compiler/graph.h"

enum ens_draw { ENS_DRAW_ASCII, ENS_DRAW_DOT, ENS_DRAW_MERMAID };

/* Appends the drawing of the graph of a rule that was compiled without errors. */
void ens_graph_draw(const struct ens_decl *rule, const struct ens_graph *g, enum ens_draw how, struct ens_buf *out);

#endif
