/*
 * Table files put together by hand, record by record, for tests that must not depend on the compiler.
 */
#ifndef ENS_TESTS_UNIT_MINI_TABLES_H
#define ENS_TESTS_UNIT_MINI_TABLES_H

#include "base/buf.h"
#include "runtime/program.h"
#include "runtime/tables.h"

struct mini {
	struct ens_buf section[ENS_T_NSECTION];
};

/* Appends one record to a section; returns its index. */
uint32_t mini_put(struct mini *m, enum ens_t_section_id id, const void *record, size_t record_bytes);
#define PUT(m, section, record, ...) mini_put(m, ENS_T_SECTION_##section, &(struct record)__VA_ARGS__, sizeof(struct record))
struct ens_t_str mini_text(struct mini *m, const char *s);
/* A list of the index section, ended by ENS_NONE in the arguments. */
struct ens_t_list mini_indices(struct mini *m, ...);
/* The one name that a field is read from. */
struct ens_t_list mini_source(struct mini *m, const char *name);

uint32_t mini_int(struct mini *m, enum ens_type type, int64_t v);
uint32_t mini_float(struct mini *m, double v);
uint32_t mini_string(struct mini *m, const char *s);
uint32_t mini_network(struct mini *m, const char *cidr); /* an address is a network of 128 bits */
uint32_t mini_address(struct mini *m, const char *ip);
uint32_t mini_null(struct mini *m);

/* Code: starts a program, appends instructions to it, ends it (returns its index). */
struct mini_code {
	struct mini *m;
	struct ens_t_program program;
};
struct mini_code mini_program(struct mini *m, enum ens_type type, uint32_t event_type, uint32_t rule);
void mini_op(struct mini_code *k, enum ens_op op, unsigned fn, unsigned dst, unsigned a, unsigned b);
void mini_opi(struct mini_code *k, enum ens_op op, unsigned dst, uint32_t index);
uint32_t mini_end(struct mini_code *k);

/* The finished, sealed file, 8-byte aligned, malloc'ed; frees the builder. */
char *mini_finish(struct mini *m, size_t *len_bytes);

/*
 * A small valid file with one of everything: two streams, two types, a rule with a fork, a repetition, absences, guards,
 * captures and two emitted fields.
 */
char *mini_sample(size_t *len_bytes);

#endif
