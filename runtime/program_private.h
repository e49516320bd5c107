/*
 * Between program.c (runs programs), program_check.c (works out their types), program_needs.c (what they need to be true) and
 * function.c (the functions).
 */
#ifndef ENS_RUNTIME_PROGRAM_PRIVATE_H
#define ENS_RUNTIME_PROGRAM_PRIVATE_H

#include "runtime/program.h"

/* The types of an instruction's register operands; ENS_NOTYPE: null of any type, or there is none. */
struct ens_operands {
	uint8_t a, b;
	uint8_t reached; /* 0: no path leads to the instruction */
};

/* As ens_program_verify; also writes one record for each instruction to `operands` (NULL: not wanted). */
enum ens_status ens_program_types(const struct ens_tables *t, uint32_t p, struct ens_operands *operands,
				  struct ens_error *err) ENS_MUST_CHECK;

/* The constant as programs see it; bytes are the tables'. */
struct ens_value ens_const_value(const struct ens_tables *t, const struct ens_t_const *k);

/* Function f of the arguments, none of them null but for coalesce, as the verifier accepts them. */
struct ens_value ens_function_call(struct ens_context *c, enum ens_function f, const struct ens_value *arg, unsigned narg);

/* `len` bytes of scratch for a string value; NULL (and counted): longer than a value may be, or the budget is used up. */
char *ens_scratch(struct ens_context *c, size_t len);

static inline struct ens_value ens_null(void)
{
	return (struct ens_value){.null = ENS_NULL};
}

static inline struct ens_value ens_of_int(int64_t i)
{
	return (struct ens_value){.i = i};
}

/* Null and counted if x is not finite. */
static inline struct ens_value ens_of_float(struct ens_context *c, double x)
{
	struct ens_value v = {.f = x};

	if (!__builtin_isfinite(x)) {
		v.i = 0;
		v.null = ENS_NULL;
		c->nulled++;
	}
	return v;
}

static inline struct ens_value ens_lost(struct ens_context *c)
{
	c->nulled++;
	return ens_null();
}

static inline struct ens_value ens_of_bytes(const char *s, size_t len)
{
	return (struct ens_value){.s = s, .len = (uint32_t)len};
}

#endif
