/*
 * Types and values: the common coin of decoder, programs, matcher and sinks.
 *
 * A value does not say its type: whoever reads it knows it from the tables.
 *   bool      .i is 0 or 1
 *   int       .i
 *   float     .f, never NaN and never infinite (such results are null)
 *   string    .s, .len bytes of UTF-8, not NUL-ended
 *   time      .i, microseconds since 1970-01-01T00:00:00Z
 *   duration  .i, microseconds
 *   list      .s points to an array of .len values (struct ens_value) of one type, none null; only emissions hold one
 *   ip        .s, .len = 16: the IPv6 form; IPv4 is mapped (::ffff:a.b.c.d), so equal addresses have equal bytes
 * Bytes behind .s are borrowed: the header of the struct that holds the value says until when.
 */
#ifndef ENS_BASE_VALUE_H
#define ENS_BASE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

enum ens_type {
	ENS_NOTYPE = 0, /* the literal null, and what had an error */
	ENS_BOOL,
	ENS_INT,
	ENS_FLOAT,
	ENS_STRING,
	ENS_TIME,
	ENS_DURATION,
	ENS_IP,
	ENS_LIST,
	ENS_NTYPE
};

enum ens_nullness {
	ENS_SET = 0,   /* there is a value */
	ENS_NULL = 1,  /* null */
	ENS_UNSET = 2  /* null, and never assigned: a slot before its first event */
};

struct ens_value {
	union {
		int64_t i;
		double f;
		const char *s;
	};
	uint32_t len;
	uint8_t null; /* enum ens_nullness */
	uint8_t spare[3];
};

/* What a number in a field of type time says (`time(ms)`); AUTO: RFC 3339, or an epoch number whose unit is
 * guessed from its size: below 1e11 seconds, below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds. */
enum ens_time_unit { ENS_UNIT_AUTO = 0, ENS_UNIT_S, ENS_UNIT_MS, ENS_UNIT_US, ENS_UNIT_NS };

static inline bool ens_type_is_bytes(enum ens_type t)
{
	return t == ENS_STRING || t == ENS_IP;
}

/* "bool", "int", ...; "null" for ENS_NOTYPE. */
const char *ens_type_name(enum ens_type t);

#endif
