/*
 * What a condition needs to be true: a field of its event that has one of a few constants, or the value of a slot of the match.
 *
 * Read from programs as they are (T5 verified), so it holds whatever compiler wrote them.
 */
#ifndef ENS_RUNTIME_PROGRAM_NEEDS_H
#define ENS_RUNTIME_PROGRAM_NEEDS_H

#include "runtime/tables.h"

#define ENS_NEED_VALUES_MAX 64u /* of one field; what compares it with more is not read */
#define ENS_NEED_FIELDS_MAX 8u  /* of one program; further ones are not looked at */

/* Unless `field` has one of the values, the program is not true, and running it loses nothing (ens_context.nulled). */
struct ens_need {
	uint32_t field;                     /* among the fields of the program's event type */
	uint8_t type;                       /* enum ens_type, of the field */
	uint32_t n;                         /* 0: it is never true */
	struct ens_value value[ENS_NEED_VALUES_MAX]; /* not null, maybe one twice; bytes are the tables' */
};

struct ens_needs_reader;

struct ens_needs_reader *ens_needs_open(const struct ens_tables *t); /* NULL: no memory */
void ens_needs_close(struct ens_needs_reader *r);

#define ENS_EQUALITIES_MAX 8u /* of one program; further ones are not looked at */

/* Unless the field and the slot have equal values, none of them null, the program is not true, and running it loses nothing. */
struct ens_equality {
	uint32_t field;                     /* among the fields of the program's event type */
	uint32_t slot;                      /* of the rule, one that holds a value */
	uint8_t type;                       /* enum ens_type: as what they are compared */
	bool field_to_float, slot_to_float; /* an int, to be compared as a float */
};

/* Such equalities of a program of type bool over event and match; returns how many. */
uint32_t ens_program_equalities(struct ens_needs_reader *r, uint32_t program, struct ens_equality out[ENS_EQUALITIES_MAX]);

/* The needs of a unary program of type bool, each alone enough to leave it; returns how many. */
uint32_t ens_program_needs(struct ens_needs_reader *r, uint32_t program, struct ens_need out[ENS_NEED_FIELDS_MAX]);

#endif
