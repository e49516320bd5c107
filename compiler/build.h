/*
 * Tables under construction: one growing buffer a section, and what is kept once (texts, constants, sets, patterns,
 * programs, predicates) by its bytes.
 *
 * Adding returns the index; without memory, or beyond what the format can count, `failed` is set and the index is 0:
 * the owner checks once, at the end.
 */
#ifndef ENS_COMPILER_BUILD_H
#define ENS_COMPILER_BUILD_H

#include "base/buf.h"
#include "compiler/map.h"
#include "runtime/tables.h"

struct ens_build {
	struct ens_arena *arena;
#define X(name, record) struct ens_buf name;
	ENS_TABLES_SECTIONS(X)
#undef X
	struct ens_map texts, constants, sets, patterns, programs, predicates, keygroups, lookups;
	size_t len_bytes; /* of all sections */
	bool failed;
};

void ens_build_init(struct ens_build *b, struct ens_arena *arena);
void ens_build_free(struct ens_build *b);

struct ens_t_str ens_build_text(struct ens_build *b, const char *s, size_t len_bytes);
struct ens_t_str ens_build_name(struct ens_build *b, const char *name);
uint32_t ens_build_const(struct ens_build *b, struct ens_t_const c);
/* A constant of the value; for addresses the 16 bytes. */
struct ens_t_const ens_build_value(struct ens_build *b, enum ens_type type, const struct ens_value *v);
uint32_t ens_build_set(struct ens_build *b, const struct ens_t_const *c, uint32_t n);
uint32_t ens_build_pattern(struct ens_build *b, const char *s, size_t len_bytes);
/* head.code is filled here. */
uint32_t ens_build_program(struct ens_build *b, struct ens_t_program head, const struct ens_t_insn *code, uint32_t n);
uint32_t ens_build_lookup(struct ens_build *b, uint32_t table, uint32_t field);
uint32_t ens_build_predicate(struct ens_build *b, uint32_t type, uint32_t program);

/* Appends a record to a section's buffer and returns its index; the count of records there. */
uint32_t ens_build_add(struct ens_build *b, struct ens_buf *section, const void *record, size_t len_bytes);
static inline uint32_t ens_build_count(const struct ens_buf *section, size_t record_bytes)
{
	return (uint32_t)(section->len / record_bytes);
}

/* The finished table file, sealed. */
enum ens_status ens_build_finish(struct ens_build *b, struct ens_buf *out) ENS_MUST_CHECK;

#endif
