/*
 * Values to text and back: numbers, times, durations, addresses, UTF-8.
 *
 * Parsers take a byte range, accept nothing but a whole, valid text, and return false for anything else (overflow
 * included).  Formatters append to a buffer.  None looks at the locale.
 */
#ifndef ENS_BASE_TEXT_H
#define ENS_BASE_TEXT_H

#include "base/buf.h"
#include "base/value.h"

/* Length of the well-formed UTF-8 prefix of s; equal to len when all of it is well formed (no surrogates, no overlong forms). */
size_t ens_utf8_valid(const char *s, size_t len);
/* Number of code points in well-formed UTF-8. */
size_t ens_utf8_count(const char *s, size_t len);

bool ens_parse_int(const char *s, size_t len, int64_t *out);    /* [+-]digits */
bool ens_parse_float(const char *s, size_t len, double *out);   /* decimal, optional exponent; finite results only; no hex, inf, nan */
bool ens_parse_bool(const char *s, size_t len, bool *out);      /* true false 1 0 t f yes no, any case */
/* RFC 3339 (date-time with zone; fraction cut to microseconds), else an epoch number (integer or with a fraction) in `unit`. */
bool ens_parse_time(const char *s, size_t len, enum ens_time_unit unit, int64_t *out_us);
/* What is wrong with a date that is no time; NULL: it is one, or does not look like a date. */
const char *ens_time_fault(const char *s, size_t len);
bool ens_time_from_int(int64_t n, enum ens_time_unit unit, int64_t *out_us); /* false on overflow */
/* A literal of the language (1h30m, 500ms; units us ms s m h d w), else a number of seconds (may have a sign and a fraction). */
bool ens_parse_duration(const char *s, size_t len, int64_t *out_us);
bool ens_parse_ip(const char *s, size_t len, uint8_t out[16]);  /* dotted IPv4 or IPv6, no port, no zone; IPv4 comes out mapped */
/* "10.0.0.0/8", "fc00::/7"; a bare address is a network of one.  bits counts in the 16-byte form (IPv4 /8 gives 104). */
bool ens_parse_cidr(const char *s, size_t len, uint8_t out[16], unsigned *bits);

/* One value of a text source by its type (runtime.md: decimal numbers, bool words, RFC 3339 or epoch, ...).  An empty
 * text is null for every type but string.  String values borrow `s`; an address is written into ip_room (16 bytes,
 * borrowed by the value).  False: the text is not of that type. */
bool ens_parse_value(enum ens_type type, enum ens_time_unit unit, const char *s, size_t len, char ip_room[16],
		     struct ens_value *out);

/* A time in parts, in UTC (proleptic Gregorian calendar). */
struct ens_civil {
	int64_t year;                  /* 1 BC is 0 */
	int64_t days;                  /* since 1970-01-01 */
	uint32_t month, day;           /* from 1 */
	uint32_t weekday;              /* 1 = Monday .. 7 = Sunday */
	uint32_t hour, minute, second;
	uint32_t us;                   /* within the second */
};
void ens_civil_from_time(int64_t us, struct ens_civil *out);
int64_t ens_civil_days(int64_t year, uint32_t month, uint32_t day); /* since 1970-01-01; |year| at most 300,000 */

/* v rounded half to even at that many decimal places (negative: tens, hundreds ...), judged on its exact value. */
double ens_round_places(double v, int64_t places);

void ens_format_int(struct ens_buf *b, int64_t v);
void ens_format_float(struct ens_buf *b, double v);      /* shortest text that reads back the same; 3.0 gives "3.0" */
void ens_format_time(struct ens_buf *b, int64_t us);     /* 2026-01-05T08:00:00.000000Z; years outside 0..9999 still print */
void ens_format_duration(struct ens_buf *b, int64_t us); /* as the language writes it: 1h30m, 500ms, 0s, -5s */
void ens_format_seconds(struct ens_buf *b, int64_t us);  /* a number of seconds: 90, 0.5, -1.000001 */
void ens_format_ip(struct ens_buf *b, const char bytes[16]); /* mapped IPv4 as dotted; IPv6 as RFC 5952 */

/* As JSON (null, numbers, strings, times and addresses as strings, durations as seconds) and as plain text (the same
 * without quotes and escapes; null gives nothing: the caller leaves such fields out). */
void ens_format_json(struct ens_buf *b, enum ens_type type, const struct ens_value *v);
void ens_format_text(struct ens_buf *b, enum ens_type type, const struct ens_value *v);
void ens_format_list(struct ens_buf *b, enum ens_type element, const struct ens_value *list); /* a JSON array; or null */

#endif
