/*
 * The canonical form of a rule file: the same tokens, comments included, laid out in one way.
 */
#ifndef ENS_DSL_FORMAT_H
#define ENS_DSL_FORMAT_H

#include "dsl/diag.h"

/* Appends the canonical form of file `file` of diag->sources.  Only line breaks, blanks, the order of a rule's clauses,
 * separators between fields and parentheses that change nothing differ from the text; every comment stays.  Formatting
 * the result again gives the same.
 *
 * What the compiler answers with "not supported yet" is laid out like the rest.  Any other error in the text: ENS_ERULES,
 * the messages are in `diag`, and nothing is appended.  ENS_EBUG: the result would not have been read like the text, so
 * there is none. */
enum ens_status ens_format(struct ens_arena *arena, struct ens_diag *diag, uint32_t file, struct ens_buf *out) ENS_MUST_CHECK;

#endif
