/*
 * Comments that silence warnings: `# allow W0201`, also several codes and a reason (`# allow W0201, W0203: sensors never end`),
 * on the line before the one that the warning is about.  Comment lines between them do not matter.
 */
#ifndef ENS_DSL_ALLOW_H
#define ENS_DSL_ALLOW_H

#include "dsl/diag.h"

/* One line of a file about which some warnings are silent. */
struct ens_allow_line {
	uint32_t from, to;                    /* byte offsets */
	uint8_t code[(ENS_NCODE + 7) / 8];    /* bits */
};

struct ens_allow {
	struct ens_allow_line *line;          /* by place */
	uint32_t n, cap;
};

/* Finds the comments of a file; NULL without memory.  Cost: one pass over its text. */
const struct ens_allow *ens_allow_read(struct ens_arena *arena, const struct ens_source *source);
/* Is the warning silent at this offset?  Cost: a binary search. */
bool ens_allow_has(const struct ens_allow *a, uint32_t off, enum ens_code code);

#endif
