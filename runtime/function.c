/*
 * The functions of the language (runtime/function.def): each a pure function of its arguments.
 *
 * Null arguments never get here but for coalesce.  Numbers that do not fit, and strings longer than a value may be or
 * than the scratch budget has room for, are null and counted.  exp log pow and the trigonometry of km go through the
 * long double forms and are rounded once, so that processors agree.  Strings are UTF-8; a result that is part of an
 * argument borrows its bytes.  Every function is linear in its arguments, but the searches of contains, replace and
 * split_part, which are O(text * sought) at worst.
 * lower and upper map one letter to one letter of the same length: ASCII, Latin-1, Latin Extended-A, Greek, Cyrillic and
 * Armenian; other letters, and those whose other case is of another length (sharp s, dotless i), stay as they are.
 * Tested by tests/unit/test_program.c.
 */
#include "runtime/program_private.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/limits.h"
#include "base/text.h"
#include "runtime/zone.h"

#define US_PER_SECOND INT64_C(1000000)
#define EARTH_RADIUS_KM 6371.0088L /* mean radius */
#define RADIANS_PER_DEGREE 0.017453292519943295769236907684886L

/* The bytes of a string, never NULL. */
static inline const char *bytes_of(const struct ens_value *v)
{
	return v->len > 0 ? v->s : "";
}

static struct ens_value copy_bytes(struct ens_context *c, const char *s, size_t len)
{
	char *room = ens_scratch(c, len);

	if (!room)
		return ens_null();
	if (len > 0)
		memcpy(room, s, len);
	return ens_of_bytes(room, len);
}

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

/* n to a multiple of 10^-places, half to even. */
static struct ens_value round_int(struct ens_context *c, int64_t n, int64_t places)
{
	int64_t unit = 1, rest, down, up;

	if (places >= 0)
		return ens_of_int(n);
	if (places < -19)
		return ens_of_int(0);
	if (places == -19) /* one unit would not fit: only half of one or more would need it, and that is beyond int */
		return n > INT64_C(5000000000000000000) || n < INT64_C(-5000000000000000000) ? ens_lost(c) : ens_of_int(0);
	for (; places < 0; places++)
		unit *= 10;
	rest = n % unit;
	down = n - rest; /* towards 0 */
	if (rest < 0)
		rest = -rest;
	if (rest < unit - rest || (rest == unit - rest && down / unit % 2 == 0))
		return ens_of_int(down);
	if (__builtin_add_overflow(down, n < 0 ? -unit : unit, &up))
		return ens_lost(c);
	return ens_of_int(up);
}

static struct ens_value int_of_float(struct ens_context *c, double x)
{
	x = trunc(x);
	return x >= -0x1p63 && x < 0x1p63 ? ens_of_int((int64_t)x) : ens_lost(c);
}

static struct ens_value abs_int(struct ens_context *c, int64_t n)
{
	return n == INT64_MIN ? ens_lost(c) : ens_of_int(n < 0 ? -n : n);
}

/* Which of the arguments is the least, or the greatest; the first of equals. */
static struct ens_value extreme(enum ens_type type, const struct ens_value *arg, unsigned narg, int sign)
{
	unsigned best = 0;

	for (unsigned i = 1; i < narg; i++)
		if (ens_value_compare(type, &arg[i], &arg[best]) * (long)sign > 0)
			best = i;
	return arg[best];
}

/* Haversine formula. */
static double distance_km(const struct ens_value *arg)
{
	long double lat1 = arg[0].f * RADIANS_PER_DEGREE, lat2 = arg[2].f * RADIANS_PER_DEGREE;
	long double half_lat = sinl((lat2 - lat1) / 2);
	long double half_lon = sinl((arg[3].f * RADIANS_PER_DEGREE - arg[1].f * RADIANS_PER_DEGREE) / 2);
	long double h = half_lat * half_lat + cosl(lat1) * cosl(lat2) * half_lon * half_lon;

	return (double)(2 * EARTH_RADIUS_KM * asinl(sqrtl(h < 1 ? h : 1)));
}

static struct ens_value hash_bytes(const void *bytes, size_t len)
{
	return ens_of_int((int64_t)(XXH3_64bits(bytes, len) & (uint64_t)INT64_MAX));
}

static struct ens_value hash_value(enum ens_function f, const struct ens_value *v)
{
	double x = 0;

	if (f == ENS_FN_HASH_S || f == ENS_FN_HASH_P)
		return hash_bytes(bytes_of(v), v->len);
	if (f != ENS_FN_HASH_F)
		return hash_bytes(&v->i, sizeof(v->i));
	if (v->f < 0 || v->f > 0) /* one zero */
		x = v->f;
	return hash_bytes(&x, sizeof(x));
}

static struct ens_value call_number(struct ens_context *c, enum ens_function f, const struct ens_value *arg)
{
	switch (f) {
	case ENS_FN_ABS_I:
	case ENS_FN_ABS_D:
		return abs_int(c, arg[0].i);
	case ENS_FN_ABS_F:
		return ens_of_float(c, fabs(arg[0].f));
	case ENS_FN_FLOOR_F:
		return ens_of_float(c, floor(arg[0].f));
	case ENS_FN_CEIL_F:
		return ens_of_float(c, ceil(arg[0].f));
	case ENS_FN_ROUND_F:
		return ens_of_float(c, rint(arg[0].f));
	case ENS_FN_ROUND_II:
		return round_int(c, arg[0].i, arg[1].i);
	case ENS_FN_ROUND_FI:
		return ens_of_float(c, ens_round_places(arg[0].f, arg[1].i));
	case ENS_FN_SQRT:
		return ens_of_float(c, sqrt(arg[0].f));
	case ENS_FN_LOG:
		return ens_of_float(c, (double)logl(arg[0].f));
	case ENS_FN_EXP:
		return ens_of_float(c, (double)expl(arg[0].f));
	case ENS_FN_POW:
		return ens_of_float(c, (double)powl(arg[0].f, arg[1].f));
	case ENS_FN_KM:
		return ens_of_float(c, distance_km(arg));
	case ENS_FN_INT_F:
		return int_of_float(c, arg[0].f);
	case ENS_FN_SECONDS:
		return ens_of_float(c, (double)arg[0].i / 1e6);
	case ENS_FN_MINUTES:
		return ens_of_float(c, (double)arg[0].i / 60e6);
	case ENS_FN_HOURS:
		return ens_of_float(c, (double)arg[0].i / 3600e6);
	default: /* floor, ceil, round of an int; conversions to the type that it is */
		return arg[0];
	}
}

/* ---- upper and lower case --------------------------------------------------------------------------------------- */

/* Letters of two bytes: upper case from .. to, lower case `shift` further; shift 1: pairs, upper case first. */
static const struct {
	uint16_t from, to;
	int16_t shift;
} case_range[] = {
	{0x00C0, 0x00D6, 32}, {0x00D8, 0x00DE, 32}, /* Latin-1 */
	{0x0100, 0x012E, 1},  {0x0132, 0x0136, 1},  {0x0139, 0x0147, 1},  {0x014A, 0x0176, 1},  {0x0178, 0x0178, -121},
	{0x0179, 0x017D, 1}, /* Latin Extended-A */
	{0x0386, 0x0386, 38}, {0x0388, 0x038A, 37}, {0x038C, 0x038C, 64}, {0x038E, 0x038F, 63}, {0x0391, 0x03A1, 32},
	{0x03A3, 0x03AB, 32}, /* Greek */
	{0x0400, 0x040F, 80}, {0x0410, 0x042F, 32}, {0x0460, 0x0480, 1},  {0x048A, 0x04BE, 1},  {0x04C0, 0x04C0, 15},
	{0x04C1, 0x04CD, 1},  {0x04D0, 0x052E, 1},  /* Cyrillic */
	{0x0531, 0x0556, 48},                       /* Armenian */
};

static unsigned change_case(unsigned letter, bool to_lower)
{
	if (!to_lower && letter == 0x03C2) /* sigma at the end of a word */
		return 0x03A3;
	for (size_t i = 0; i < sizeof(case_range) / sizeof(case_range[0]); i++) {
		int shift = case_range[i].shift;
		int upper = to_lower ? (int)letter : (int)letter - shift;

		if (upper < case_range[i].from || upper > case_range[i].to)
			continue;
		if (shift == 1 && (upper - case_range[i].from) % 2 != 0)
			continue;
		return (unsigned)(to_lower ? upper + shift : upper);
	}
	return letter;
}

static struct ens_value call_case(struct ens_context *c, const struct ens_value *v, bool to_lower)
{
	char *room = ens_scratch(c, v->len);
	const char first = to_lower ? 'A' : 'a';

	if (!room)
		return ens_null();
	for (uint32_t i = 0; i < v->len; i++) {
		unsigned char u = (unsigned char)v->s[i];

		if ((unsigned char)(u - first) < 26) {
			room[i] = (char)(u ^ 0x20);
		} else if ((u & 0xE0) == 0xC0 && i + 1 < v->len) {
			unsigned letter = (u & 0x1Fu) << 6 | ((unsigned char)v->s[i + 1] & 0x3Fu);

			letter = change_case(letter, to_lower);
			room[i++] = (char)(0xC0 | letter >> 6);
			room[i] = (char)(0x80 | (letter & 0x3F));
		} else {
			room[i] = (char)u;
		}
	}
	return ens_of_bytes(room, v->len);
}

/* ---- strings ---------------------------------------------------------------------------------------------------- */

/* The first place of `sought` (not empty) in s .. end, or NULL. */
static const char *find_bytes(const char *s, const char *end, const char *sought, size_t len)
{
	while ((size_t)(end - s) >= len) {
		s = memchr(s, sought[0], (size_t)(end - s) - len + 1);
		if (!s)
			return NULL;
		if (memcmp(s, sought, len) == 0)
			return s;
		s++;
	}
	return NULL;
}

static bool is_space(char ch)
{
	return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

static struct ens_value trim(const struct ens_value *v)
{
	const char *s = bytes_of(v), *end = s + v->len;

	while (s < end && is_space(*s))
		s++;
	while (end > s && is_space(end[-1]))
		end--;
	return ens_of_bytes(s, (size_t)(end - s));
}

/* s moved on by `n` characters, at most to end. */
static const char *skip_chars(const char *s, const char *end, int64_t n)
{
	for (; n > 0 && s < end; n--)
		do
			s++;
		while (s < end && ((unsigned char)*s & 0xC0) == 0x80);
	return s;
}

/* The characters at places from .. from + count - 1, counted from 1; places outside have none.  Null for count < 0. */
static struct ens_value substr(const struct ens_value *v, int64_t from, int64_t count)
{
	const char *s = bytes_of(v), *end = s + v->len, *stop;
	int64_t behind; /* the place after the last one wanted */

	if (count < 0)
		return ens_null();
	if (__builtin_add_overflow(from, count, &behind))
		behind = INT64_MAX;
	if (from < 1)
		from = 1;
	if (behind <= from)
		return ens_of_bytes(s, 0);
	s = skip_chars(s, end, from - 1);
	stop = skip_chars(s, end, behind - from);
	return ens_of_bytes(s, (size_t)(stop - s));
}

static bool has_at(const struct ens_value *text, uint32_t off, const struct ens_value *sought)
{
	return sought->len == 0 || memcmp(text->s + off, sought->s, sought->len) == 0;
}

static bool contains(const struct ens_value *text, const struct ens_value *sought)
{
	const char *s = bytes_of(text);

	return sought->len == 0 || find_bytes(s, s + text->len, sought->s, sought->len) != NULL;
}

/* What was put together in c->text, as a value. */
static struct ens_value finish_text(struct ens_context *c)
{
	return c->text.failed ? ens_lost(c) : copy_bytes(c, c->text.data, c->text.len);
}

/* Long results are given up where they pass the limit, before they take memory. */
static bool too_long(const struct ens_context *c)
{
	return c->text.failed || c->text.len > ENS_VALUE_MAX_BYTES;
}

static struct ens_value replace(struct ens_context *c, const struct ens_value *arg)
{
	const char *s = bytes_of(&arg[0]), *end = s + arg[0].len, *found;

	if (arg[1].len == 0)
		return arg[0];
	ens_buf_clear(&c->text);
	while (!too_long(c) && (found = find_bytes(s, end, arg[1].s, arg[1].len)) != NULL) {
		ens_buf_add(&c->text, s, (size_t)(found - s));
		ens_buf_add(&c->text, bytes_of(&arg[2]), arg[2].len);
		s = found + arg[1].len;
	}
	ens_buf_add(&c->text, s, (size_t)(end - s));
	return finish_text(c);
}

static struct ens_value concat(struct ens_context *c, const struct ens_value *arg, unsigned narg)
{
	ens_buf_clear(&c->text);
	for (unsigned i = 0; i < narg && !too_long(c); i++)
		ens_buf_add(&c->text, bytes_of(&arg[i]), arg[i].len);
	return finish_text(c);
}

static int64_t count_parts(const char *s, const char *end, const struct ens_value *separator)
{
	int64_t n = 1;

	if (separator->len == 0)
		return 1;
	while ((s = find_bytes(s, end, separator->s, separator->len)) != NULL) {
		s += separator->len;
		n++;
	}
	return n;
}

/* Part n between separators, from 1 (from the end: -1); empty where there is none; null for n = 0. */
static struct ens_value split_part(const struct ens_value *text, const struct ens_value *separator, int64_t n)
{
	const char *s = bytes_of(text), *end = s + text->len, *stop;

	if (n == 0)
		return ens_null();
	if (n < 0)
		n += count_parts(s, end, separator) + 1;
	if (n < 1)
		return ens_of_bytes(s, 0);
	for (;; n--) {
		stop = separator->len > 0 ? find_bytes(s, end, separator->s, separator->len) : NULL;
		if (n == 1)
			return ens_of_bytes(s, (size_t)((stop ? stop : end) - s));
		if (!stop)
			return ens_of_bytes(end, 0);
		s = stop + separator->len;
	}
}

static struct ens_value call_string(struct ens_context *c, enum ens_function f, const struct ens_value *arg,
				    unsigned narg)
{
	switch (f) {
	case ENS_FN_LOWER:
	case ENS_FN_UPPER:
		return call_case(c, &arg[0], f == ENS_FN_LOWER);
	case ENS_FN_LEN:
		return ens_of_int((int64_t)ens_utf8_count(bytes_of(&arg[0]), arg[0].len));
	case ENS_FN_TRIM:
		return trim(&arg[0]);
	case ENS_FN_SUBSTR_SI:
		return substr(&arg[0], arg[1].i, INT64_MAX);
	case ENS_FN_SUBSTR_SII:
		return substr(&arg[0], arg[1].i, arg[2].i);
	case ENS_FN_STARTS_WITH:
		return ens_of_int(arg[0].len >= arg[1].len && has_at(&arg[0], 0, &arg[1]));
	case ENS_FN_ENDS_WITH:
		return ens_of_int(arg[0].len >= arg[1].len && has_at(&arg[0], arg[0].len - arg[1].len, &arg[1]));
	case ENS_FN_CONTAINS:
		return ens_of_int(contains(&arg[0], &arg[1]));
	case ENS_FN_REPLACE:
		return replace(c, arg);
	case ENS_FN_SPLIT_PART:
		return split_part(&arg[0], &arg[1], arg[2].i);
	default:
		return concat(c, arg, narg);
	}
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

static int64_t modulo(int64_t a, int64_t b)
{
	int64_t m = a % b;

	return m < 0 ? m + b : m;
}

static bool is_word(const struct ens_value *v, const char *word)
{
	return v->len == strlen(word) && memcmp(v->s, word, v->len) == 0;
}

/* The zone whose clocks are meant; s NULL: UTC. */
struct zone {
	const char *s;
	size_t len;
};

/* What the zone's clocks show at t; false: there is no such zone, or it shows what is no time. */
static bool clock_of(const struct zone *z, int64_t t, struct ens_zone_clock *clock, int64_t *local)
{
	*clock = (struct ens_zone_clock){0, "UTC"};
	return (!z->s || ens_zone_at(z->s, z->len, t, clock)) && !__builtin_add_overflow(t, clock->ahead_us, local);
}

/* The start of the day `days` there, null and counted if that is before all times. */
static struct ens_value start_of_day(struct ens_context *c, const struct zone *z, int64_t days)
{
	int64_t us;

	if (__builtin_mul_overflow(days, 86400 * US_PER_SECOND, &us) || (z->s && !ens_zone_time(z->s, z->len, us, &us)))
		return ens_lost(c);
	return ens_of_int(us);
}

/* The start of the unit that t lies in; weeks begin on Monday.  Null if the unit is not known.  Of an hour that clocks
 * show twice each is its own. */
static struct ens_value date_trunc(struct ens_context *c, const struct ens_value *unit, int64_t t, const struct zone *z)
{
	static const struct {
		const char *name;
		int64_t us;
	} fixed[] = {{"second", US_PER_SECOND}, {"minute", 60 * US_PER_SECOND}, {"hour", 3600 * US_PER_SECOND}};
	struct ens_zone_clock clock;
	struct ens_civil civil;
	int64_t local;

	if (!clock_of(z, t, &clock, &local))
		return ens_lost(c);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		int64_t start;

		if (!is_word(unit, fixed[i].name))
			continue;
		return __builtin_sub_overflow(t, modulo(local, fixed[i].us), &start) ? ens_lost(c) : ens_of_int(start);
	}
	ens_civil_from_time(local, &civil);
	if (is_word(unit, "day"))
		return start_of_day(c, z, civil.days);
	if (is_word(unit, "week"))
		return start_of_day(c, z, civil.days - (civil.weekday - 1));
	if (is_word(unit, "month"))
		return start_of_day(c, z, ens_civil_days(civil.year, civil.month, 1));
	if (is_word(unit, "quarter"))
		return start_of_day(c, z, ens_civil_days(civil.year, (civil.month - 1) / 3 * 3 + 1, 1));
	if (is_word(unit, "year"))
		return start_of_day(c, z, ens_civil_days(civil.year, 1, 1));
	return ens_null();
}

static const char *const month_name[12] = {"January", "February", "March",     "April",   "May",      "June",
					   "July",    "August",   "September", "October", "November", "December"};
static const char *const weekday_name[7] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
					    "Friday", "Saturday", "Sunday"};

/* Hours and minutes ahead of UTC: +0130 */
static void add_ahead(struct ens_buf *b, int64_t us)
{
	const int64_t minutes = (us < 0 ? -us : us) / (60 * US_PER_SECOND);

	ens_buf_addf(b, "%c%02lld%02lld", us < 0 ? '-' : '+', (long long)(minutes / 60), (long long)(minutes % 60));
}

/* One conversion of format_time; false if it is not known. */
static bool add_part(struct ens_buf *b, char what, int64_t t, const struct ens_civil *c, const struct ens_zone_clock *clock)
{
	switch (what) {
	case 'Y':
		ens_buf_addf(b, "%04lld", (long long)c->year);
		return true;
	case 'y':
		ens_buf_addf(b, "%02u", (unsigned)modulo(c->year, 100));
		return true;
	case 'm':
		ens_buf_addf(b, "%02u", c->month);
		return true;
	case 'd':
		ens_buf_addf(b, "%02u", c->day);
		return true;
	case 'H':
		ens_buf_addf(b, "%02u", c->hour);
		return true;
	case 'M':
		ens_buf_addf(b, "%02u", c->minute);
		return true;
	case 'S':
		ens_buf_addf(b, "%02u", c->second);
		return true;
	case 'f':
		ens_buf_addf(b, "%06u", c->us);
		return true;
	case 'F':
		ens_buf_addf(b, "%04lld-%02u-%02u", (long long)c->year, c->month, c->day);
		return true;
	case 'T':
		ens_buf_addf(b, "%02u:%02u:%02u", c->hour, c->minute, c->second);
		return true;
	case 'j':
		ens_buf_addf(b, "%03lld", (long long)(c->days - ens_civil_days(c->year, 1, 1) + 1));
		return true;
	case 'u':
		ens_buf_addf(b, "%u", c->weekday);
		return true;
	case 'a':
		ens_buf_add(b, weekday_name[c->weekday - 1], 3);
		return true;
	case 'A':
		ens_buf_adds(b, weekday_name[c->weekday - 1]);
		return true;
	case 'b':
		ens_buf_add(b, month_name[c->month - 1], 3);
		return true;
	case 'B':
		ens_buf_adds(b, month_name[c->month - 1]);
		return true;
	case 's':
		ens_format_int(b, t / US_PER_SECOND - (t % US_PER_SECOND < 0));
		return true;
	case 'z':
		add_ahead(b, clock->ahead_us);
		return true;
	case 'Z':
		ens_buf_adds(b, clock->name);
		return true;
	case '%':
		ens_buf_addc(b, '%');
		return true;
	default:
		return false;
	}
}

/* As strftime in the C locale, with %f for microseconds.  Null for what is not known. */
static struct ens_value format_time(struct ens_context *c, int64_t t, const struct ens_value *format, const struct zone *z)
{
	const char *s = bytes_of(format);
	struct ens_zone_clock clock;
	struct ens_civil civil;
	int64_t local;

	if (!clock_of(z, t, &clock, &local))
		return ens_lost(c);
	ens_civil_from_time(local, &civil);
	ens_buf_clear(&c->text);
	for (uint32_t i = 0; i < format->len && !too_long(c); i++) {
		if (s[i] != '%')
			ens_buf_addc(&c->text, s[i]);
		else if (++i == format->len || !add_part(&c->text, s[i], t, &civil, &clock))
			return ens_null();
	}
	return finish_text(c);
}

static struct ens_value call_time(struct ens_context *c, enum ens_function f, const struct ens_value *arg, unsigned narg)
{
	const bool zoned = f >= ENS_FN_HOUR_IN;
	const struct zone z = {zoned ? bytes_of(&arg[narg - 1]) : NULL, zoned ? arg[narg - 1].len : 0};
	struct ens_zone_clock clock;
	struct ens_civil civil;
	int64_t local;

	if (f == ENS_FN_DATE_TRUNC || f == ENS_FN_DATE_TRUNC_IN)
		return date_trunc(c, &arg[0], arg[1].i, &z);
	if (f == ENS_FN_FORMAT_TIME || f == ENS_FN_FORMAT_TIME_IN)
		return format_time(c, arg[0].i, &arg[1], &z);
	if (!clock_of(&z, arg[0].i, &clock, &local))
		return ens_lost(c);
	ens_civil_from_time(local, &civil);
	switch (f) {
	case ENS_FN_HOUR:
	case ENS_FN_HOUR_IN:
		return ens_of_int(civil.hour);
	case ENS_FN_MINUTE:
	case ENS_FN_MINUTE_IN:
		return ens_of_int(civil.minute);
	case ENS_FN_WEEKDAY:
	case ENS_FN_WEEKDAY_IN:
		return ens_of_int(civil.weekday);
	default:
		return ens_of_int(civil.day);
	}
}

/* ---- conversions ------------------------------------------------------------------------------------------------ */

static struct ens_value parse(enum ens_function f, const struct ens_value *v)
{
	struct ens_value out = {0};
	const char *s = bytes_of(v);
	bool ok;

	if (f == ENS_FN_INT_S)
		ok = ens_parse_int(s, v->len, &out.i);
	else if (f == ENS_FN_FLOAT_S)
		ok = ens_parse_float(s, v->len, &out.f);
	else
		ok = ens_parse_time(s, v->len, ENS_UNIT_AUTO, &out.i);
	return ok ? out : ens_null();
}

static struct ens_value time_of_int(struct ens_context *c, int64_t n)
{
	int64_t us;

	return ens_time_from_int(n, ENS_UNIT_AUTO, &us) ? ens_of_int(us) : ens_lost(c);
}

/* A value as text, as emissions write it; but durations as the language does. */
static struct ens_value text_of(struct ens_context *c, enum ens_type type, const struct ens_value *v)
{
	ens_buf_clear(&c->text);
	if (type == ENS_DURATION)
		ens_format_duration(&c->text, v->i);
	else
		ens_format_text(&c->text, type, v);
	return finish_text(c);
}

static struct ens_value coalesce(const struct ens_value *arg, unsigned narg)
{
	for (unsigned i = 0; i < narg; i++)
		if (!arg[i].null)
			return arg[i];
	return ens_null();
}

struct ens_value ens_function_call(struct ens_context *c, enum ens_function f, const struct ens_value *arg, unsigned narg)
{
	assert(narg > 0);
	switch (f) {
	case ENS_FN_MIN_I:
	case ENS_FN_MIN_F:
	case ENS_FN_MIN_S:
	case ENS_FN_MIN_T:
	case ENS_FN_MIN_D:
		return extreme(ens_function_table[f].result, arg, narg, -1);
	case ENS_FN_MAX_I:
	case ENS_FN_MAX_F:
	case ENS_FN_MAX_S:
	case ENS_FN_MAX_T:
	case ENS_FN_MAX_D:
		return extreme(ens_function_table[f].result, arg, narg, 1);
	case ENS_FN_LOWER ... ENS_FN_CONCAT:
		return call_string(c, f, arg, narg);
	case ENS_FN_HOUR ... ENS_FN_FORMAT_TIME_IN:
		return call_time(c, f, arg, narg);
	case ENS_FN_HASH_B ... ENS_FN_HASH_P:
		return hash_value(f, &arg[0]);
	case ENS_FN_COALESCE_B ... ENS_FN_COALESCE_P:
		return coalesce(arg, narg);
	case ENS_FN_INT_S:
	case ENS_FN_FLOAT_S:
	case ENS_FN_TIME_S:
		return parse(f, &arg[0]);
	case ENS_FN_TIME_I:
		return time_of_int(c, arg[0].i);
	case ENS_FN_STRING_B:
		return text_of(c, ENS_BOOL, &arg[0]);
	case ENS_FN_STRING_I:
		return text_of(c, ENS_INT, &arg[0]);
	case ENS_FN_STRING_F:
		return text_of(c, ENS_FLOAT, &arg[0]);
	case ENS_FN_STRING_T:
		return text_of(c, ENS_TIME, &arg[0]);
	case ENS_FN_STRING_D:
		return text_of(c, ENS_DURATION, &arg[0]);
	case ENS_FN_STRING_P:
		return text_of(c, ENS_IP, &arg[0]);
	default:
		return call_number(c, f, arg);
	}
}
