/*
 * Values to text and back.
 *
 * Numbers are read digit by digit; only floats that need more than 53 bits or a power of ten beyond 10^22 go to strtod,
 * as digits and exponent without a decimal point, and printf gives only digits and exponents: so nothing depends on the
 * locale (and the program never calls setlocale).  Every function is linear in its text, allocates nothing but the
 * formatters' buffer, and reads no byte outside the range it is given.
 * ens_parse_int, _bool, _time and ens_utf8_valid are on the decoder's path for each event.
 * Tested by tests/unit/test_text.c.
 */
#include "base/text.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_SECOND INT64_C(1000000)
#define SECONDS_PER_DAY INT64_C(86400)

const char *ens_type_name(enum ens_type t)
{
	static const char *const name[ENS_NTYPE] = {"null", "bool", "int", "float", "string", "time", "duration", "ip", "list"};

	return (unsigned)t < ENS_NTYPE ? name[t] : "?";
}

static inline bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

static inline unsigned digit_of(char c)
{
	return (unsigned)(unsigned char)(c - '0');
}

/* ---- UTF-8 ------------------------------------------------------------------------------------------------------ */

/* Length of the one well-formed character at s, 0 if there is none. */
static size_t utf8_char(const unsigned char *s, size_t len)
{
	unsigned lo = 0x80, hi = 0xBF;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return 0;
	n = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	if (len < n)
		return 0;
	if (s[0] == 0xE0)
		lo = 0xA0; /* overlong */
	else if (s[0] == 0xED)
		hi = 0x9F; /* surrogates */
	else if (s[0] == 0xF0)
		lo = 0x90; /* overlong */
	else if (s[0] == 0xF4)
		hi = 0x8F; /* beyond U+10FFFF */
	if (s[1] < lo || s[1] > hi)
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	return n;
}

size_t ens_utf8_valid(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t i = 0;

	while (i < len) {
		size_t n;
		uint64_t word;

		if (len - i >= 8) {
			memcpy(&word, u + i, 8);
			if ((word & UINT64_C(0x8080808080808080)) == 0) {
				i += 8;
				continue;
			}
		}
		n = utf8_char(u + i, len - i);
		if (n == 0)
			return i;
		i += n;
	}
	return i;
}

size_t ens_utf8_count(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xC0) != 0x80;
	return n;
}

/* ---- integers --------------------------------------------------------------------------------------------------- */

/* One or more digits as an unsigned number. */
static bool parse_uint(const char *s, size_t len, uint64_t *out)
{
	uint64_t v = 0;
	size_t i = 0;

	if (len == 0)
		return false;
	if (len > 19) {
		while (i < len && s[i] == '0')
			i++;
		if (len - i > 19) /* 10^19 is beyond any signed 64-bit number */
			return false;
	}
	for (; i < len; i++) {
		if (!is_digit(s[i]))
			return false;
		v = v * 10 + digit_of(s[i]);
	}
	*out = v;
	return true;
}

bool ens_parse_int(const char *s, size_t len, int64_t *out)
{
	bool minus = false;
	uint64_t v;

	if (len > 0 && (s[0] == '-' || s[0] == '+')) {
		minus = s[0] == '-';
		s++;
		len--;
	}
	if (!parse_uint(s, len, &v) || v > (uint64_t)INT64_MAX + minus)
		return false;
	*out = (int64_t)(minus ? 0 - v : v);
	return true;
}

void ens_format_int(struct ens_buf *b, int64_t v)
{
	char text[20];
	char *p = text + sizeof(text);
	uint64_t n = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	if (v < 0)
		*--p = '-';
	ens_buf_add(b, p, (size_t)(text + sizeof(text) - p));
}

/* ---- decimal numbers -------------------------------------------------------------------------------------------- */

/*
 * A decimal number as it was written: value = digits * 10^exp10.  D: ndigit <= DIGITS_MAX; the first digit is not 0
 * unless ndigit is 0 (the value is 0).  768 digits decide how any number rounds to a double if a further one, not 0,
 * says whether there was more.
 */
#define DIGITS_MAX 800

struct decimal {
	bool minus;
	bool whole; /* written without point and exponent */
	bool more;  /* a digit other than 0 was left out */
	uint32_t ndigit;
	int64_t exp10;
	char digit[DIGITS_MAX];
};

static void add_digit(struct decimal *d, char c, bool fraction)
{
	if (d->ndigit == 0 && c == '0') {
		d->exp10 -= fraction;
		return;
	}
	if (d->ndigit == DIGITS_MAX) {
		d->more |= c != '0';
		d->exp10 += !fraction;
		return;
	}
	d->digit[d->ndigit++] = c;
	d->exp10 -= fraction;
}

/* [+-] digits with at most one point among, before or behind them, optional exponent. */
static bool parse_decimal(const char *s, size_t len, struct decimal *d)
{
	size_t i = 0;
	bool fraction = false, any = false, minus = false;
	int64_t exp = 0;

	d->minus = d->more = false;
	d->ndigit = 0;
	d->exp10 = 0;
	if (i < len && (s[i] == '-' || s[i] == '+'))
		d->minus = s[i++] == '-';
	for (; i < len; i++) {
		if (is_digit(s[i])) {
			any = true;
			add_digit(d, s[i], fraction);
		} else if (s[i] == '.' && !fraction) {
			fraction = true;
		} else {
			break;
		}
	}
	if (!any)
		return false;
	d->whole = !fraction && i == len;
	if (i == len)
		return true;
	if (s[i] != 'e' && s[i] != 'E')
		return false;
	if (++i < len && (s[i] == '-' || s[i] == '+'))
		minus = s[i++] == '-';
	if (i == len)
		return false;
	for (; i < len; i++) {
		if (!is_digit(s[i]))
			return false;
		if (exp < INT64_C(1) << 40) /* beyond any length of digits that could make up for it */
			exp = exp * 10 + digit_of(s[i]);
	}
	d->exp10 += minus ? -exp : exp;
	return true;
}

/* Correctly rounded; infinite when it is too large. */
static double decimal_to_double(const struct decimal *d)
{
	static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
				       1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	char text[DIGITS_MAX + 32];
	double v = 0;
	uint64_t m = 0;
	int64_t exp10 = d->exp10;

	if (d->ndigit > 0 && d->ndigit <= 15 && exp10 >= -22 && exp10 <= 22) {
		for (uint32_t i = 0; i < d->ndigit; i++)
			m = m * 10 + digit_of(d->digit[i]);
		/* Both are exact, so the one operation rounds correctly. */
		v = exp10 < 0 ? (double)m / power[-exp10] : (double)m * power[exp10];
	} else if (d->ndigit > 0) {
		char *p = text;

		memcpy(p, d->digit, d->ndigit);
		p += d->ndigit;
		if (d->more) {
			*p++ = '1';
			exp10--;
		}
		exp10 = exp10 > 99999 ? 99999 : exp10 < -99999 ? -99999 : exp10;
		snprintf(p, 16, "e%d", (int)exp10);
		v = strtod(text, NULL);
	}
	return d->minus ? -v : v;
}

bool ens_parse_float(const char *s, size_t len, double *out)
{
	struct decimal d;
	double v;

	if (!parse_decimal(s, len, &d))
		return false;
	v = decimal_to_double(&d);
	if (!isfinite(v))
		return false;
	*out = v;
	return true;
}

/* The `ndigit` (1 .. 18) significant digits of a finite v >= 0, correctly rounded: v ~ d.ddd * 10^*exp10. */
static void double_digits(double v, int ndigit, char digit[18], int *exp10)
{
	char text[48];
	const char *p = text;
	int n = 0;

	assert(ndigit >= 1 && ndigit <= 18);
	snprintf(text, sizeof(text), "%.*e", ndigit - 1, v);
	for (; *p && *p != 'e'; p++) /* whatever the decimal point is, it is no digit */
		if (is_digit(*p) && n < ndigit)
			digit[n++] = *p;
	*exp10 = *p ? (int)strtol(p + 1, NULL, 10) : 0;
}

static double digits_to_double(const char *digit, int ndigit, int exp10)
{
	struct decimal d = {.exp10 = exp10 - (ndigit - 1)};

	for (int i = 0; i < ndigit; i++)
		add_digit(&d, digit[i], false);
	return decimal_to_double(&d);
}

/* The fewest digits that read back as v; returns their number.  Doubles of 15 digits or fewer come back from 15 digits
 * unchanged but for zeros at the end; only subnormal ones have fewer digits than their nearest 15-digit text. */
static int shortest_digits(double v, char digit[18], int *exp10)
{
	int n = v < DBL_MIN ? 1 : 15;

	for (;; n++) {
		double_digits(v, n, digit, exp10);
		if (n == 17 || digits_to_double(digit, n, *exp10) == v)
			break;
		/* Above a power of two, doubles are twice as far apart as below: the next text up may do. */
		if (n == 16 && digit[n - 1] != '9') {
			digit[n - 1]++;
			if (digits_to_double(digit, n, *exp10) == v)
				break;
		}
	}
	while (n > 1 && digit[n - 1] == '0')
		n--;
	return n;
}

static void add_zeros(struct ens_buf *b, int n)
{
	while (n-- > 0)
		ens_buf_addc(b, '0');
}

void ens_format_float(struct ens_buf *b, double v)
{
	char digit[18];
	int n, exp10;

	if (!isfinite(v)) { /* no such values; were there one, it would be null */
		ens_buf_adds(b, "null");
		return;
	}
	if (signbit(v))
		ens_buf_addc(b, '-');
	n = shortest_digits(fabs(v), digit, &exp10);
	if (exp10 < -5 || exp10 > 15) {
		ens_buf_addc(b, digit[0]);
		if (n > 1)
			ens_buf_addc(b, '.');
		ens_buf_add(b, digit + 1, (size_t)n - 1);
		ens_buf_addc(b, 'e');
		ens_format_int(b, exp10);
	} else if (exp10 < 0) {
		ens_buf_adds(b, "0.");
		add_zeros(b, -exp10 - 1);
		ens_buf_add(b, digit, (size_t)n);
	} else {
		int whole = exp10 + 1 < n ? exp10 + 1 : n;

		ens_buf_add(b, digit, (size_t)whole);
		add_zeros(b, exp10 + 1 - n);
		ens_buf_addc(b, '.');
		ens_buf_add(b, digit + whole, (size_t)(n - whole));
		if (n == whole)
			ens_buf_addc(b, '0');
	}
}

double ens_round_places(double v, int64_t places)
{
	char digit[18];
	double x = fabs(v);
	int exp10;
	int64_t n;

	if (x == 0 || !isfinite(v) || places > 400)
		return v;
	if (places < -400)
		return copysign(0.0, v);
	double_digits(x, 18, digit, &exp10);
	n = exp10 + 1 + places; /* significant digits that stay */
	if (n > 17)
		return v; /* 17 digits tell every double from its neighbours */
	if (n < 0)
		return copysign(0.0, v);
	if (n == 0) /* the result is 0 or one unit of the last place; the tie goes to 0, which is even */
		return copysign(x > digits_to_double("5", 1, exp10) ? digits_to_double("1", 1, exp10 + 1) : 0.0, v);
	double_digits(x, (int)n, digit, &exp10);
	return copysign(digits_to_double(digit, (int)n, exp10), v);
}

/* ---- bool ------------------------------------------------------------------------------------------------------- */

static bool same_word(const char *s, const char *lower, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((s[i] | 0x20) != lower[i])
			return false;
	return true;
}

bool ens_parse_bool(const char *s, size_t len, bool *out)
{
	bool v;

	if (len == 1 && (s[0] == '1' || s[0] == '0'))
		v = s[0] == '1';
	else if (len == 1 && (same_word(s, "t", 1) || same_word(s, "f", 1)))
		v = (s[0] | 0x20) == 't';
	else if (len == 4 && same_word(s, "true", 4))
		v = true;
	else if (len == 5 && same_word(s, "false", 5))
		v = false;
	else if (len == 3 && same_word(s, "yes", 3))
		v = true;
	else if (len == 2 && same_word(s, "no", 2))
		v = false;
	else
		return false;
	*out = v;
	return true;
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* Years that begin in March keep the leap day last; 400 of them are 146,097 days. */
int64_t ens_civil_days(int64_t year, uint32_t month, uint32_t day)
{
	static const uint16_t before_month[12] = {306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275};
	int64_t y = month <= 2 ? year - 1 : year;

	assert(month >= 1 && month <= 12);
	return y * 365 + floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400) + before_month[month - 1] + day - 1 -
	       719468;
}

void ens_civil_from_time(int64_t us, struct ens_civil *out)
{
	int64_t seconds = floor_div(us, US_PER_SECOND);
	int64_t days = floor_div(seconds, SECONDS_PER_DAY);
	uint32_t in_day = (uint32_t)(seconds - days * SECONDS_PER_DAY);
	int64_t from_march = days + 719468; /* since 0000-03-01 */
	int64_t era = floor_div(from_march, 146097);
	uint32_t in_era = (uint32_t)(from_march - era * 146097);
	uint32_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	uint32_t in_year = in_era - (year * 365 + year / 4 - year / 100);
	uint32_t month = (in_year * 5 + 2) / 153; /* 0 = March: five months are 153 days */

	out->us = (uint32_t)(us % US_PER_SECOND + (us % US_PER_SECOND < 0 ? US_PER_SECOND : 0));
	out->days = days;
	out->day = in_year - (month * 153 + 2) / 5 + 1;
	out->month = month < 10 ? month + 3 : month - 9;
	out->year = era * 400 + year + (out->month <= 2);
	out->weekday = (uint32_t)(days + 3 - floor_div(days + 3, 7) * 7) + 1; /* 1970-01-01 was a Thursday */
	out->hour = in_day / 3600;
	out->minute = in_day / 60 % 60;
	out->second = in_day % 60;
}

/* Two digits at s as a number; 100 or more if they are not. */
static inline unsigned two_digits(const char *s)
{
	unsigned hi = digit_of(s[0]), lo = digit_of(s[1]);

	return hi > 9 || lo > 9 ? 100 : hi * 10 + lo;
}

static bool valid_date(unsigned year, unsigned month, unsigned day)
{
	static const uint8_t length[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month >= 1 && month <= 12 && day >= 1 && day <= length[month - 1] + (unsigned)(leap && month == 2);
}

/* "Z" or "+hh:mm" as the whole rest of the text. */
static bool parse_zone(const char *s, size_t len, int64_t *out_seconds)
{
	unsigned hour, minute;

	if (len == 1 && (s[0] | 0x20) == 'z') {
		*out_seconds = 0;
		return true;
	}
	if (len != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':')
		return false;
	hour = two_digits(s + 1);
	minute = two_digits(s + 4);
	if (hour > 23 || minute > 59)
		return false;
	*out_seconds = (int64_t)(hour * 3600 + minute * 60) * (s[0] == '-' ? -1 : 1);
	return true;
}

/* Second 60 is there at the end of some days in UTC; it is taken on any. */
static bool ends_a_day(int64_t seconds)
{
	return floor_div(seconds, SECONDS_PER_DAY) * SECONDS_PER_DAY == seconds;
}

/* s has the shape of a date (something, then '-' at 4 and 7); the rest is checked here.  NULL: good; else what is wrong. */
static const char *parse_rfc3339(const char *s, size_t len, int64_t *out_us)
{
	unsigned century, year, month, day, hour, minute, second;
	int64_t us = 0, zone, seconds;
	size_t i = 19;

	if (len == 10)
		return "it has no time of day";
	if (len < 19 || ((s[10] | 0x20) != 't' && s[10] != ' ') || s[13] != ':' || s[16] != ':')
		return "it does not begin as 2026-01-05T08:00:00 does";
	century = two_digits(s);
	year = two_digits(s + 2);
	month = two_digits(s + 5);
	day = two_digits(s + 8);
	hour = two_digits(s + 11);
	minute = two_digits(s + 14);
	second = two_digits(s + 17);
	if (century > 99 || year > 99 || !valid_date(century * 100 + year, month, day))
		return "there is no such day";
	if (hour > 23 || minute > 59 || second > 60)
		return "there is no such time of day";
	year += century * 100;
	if (i < len && s[i] == '.') {
		int64_t unit = US_PER_SECOND / 10;

		if (++i == len || !is_digit(s[i]))
			return "there are no digits behind its point";
		for (; i < len && is_digit(s[i]); i++, unit /= 10)
			us += unit * digit_of(s[i]);
	}
	if (i == len)
		return "it has no zone, such as Z or +01:00";
	if (!parse_zone(s + i, len - i, &zone))
		return "its zone is neither Z nor +hh:mm";
	seconds = ens_civil_days(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second - zone;
	if (second == 60 && !ends_a_day(seconds))
		return "a leap second ends a day in UTC";
	*out_us = seconds * US_PER_SECOND + us;
	return NULL;
}

static bool is_dated(const char *s, size_t len)
{
	return len >= 10 && s[4] == '-' && s[7] == '-';
}

const char *ens_time_fault(const char *s, size_t len)
{
	int64_t us;

	return is_dated(s, len) ? parse_rfc3339(s, len, &us) : NULL;
}

static enum ens_time_unit guess_unit(uint64_t magnitude)
{
	if (magnitude < UINT64_C(100000000000))
		return ENS_UNIT_S;
	if (magnitude < UINT64_C(100000000000000))
		return ENS_UNIT_MS;
	if (magnitude < UINT64_C(100000000000000000))
		return ENS_UNIT_US;
	return ENS_UNIT_NS;
}

bool ens_time_from_int(int64_t n, enum ens_time_unit unit, int64_t *out_us)
{
	if (unit == ENS_UNIT_AUTO)
		unit = guess_unit(n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
	if (unit == ENS_UNIT_NS) {
		*out_us = floor_div(n, 1000);
		return true;
	}
	return !__builtin_mul_overflow(n, unit == ENS_UNIT_S ? US_PER_SECOND : unit == ENS_UNIT_MS ? 1000 : 1, out_us);
}

/* A decimal number of units of 10^-scale microseconds (seconds: scale -6, nanoseconds: 3), cut downwards. */
static bool decimal_to_us(const struct decimal *d, int scale, int64_t *out_us)
{
	int64_t last = d->exp10 - scale; /* the last digit counts 10^last microseconds */
	uint64_t v = 0;
	bool cut = d->more;

	for (uint32_t i = 0; i < d->ndigit; i++) {
		if (last + (int64_t)(d->ndigit - 1 - i) < 0) {
			cut |= d->digit[i] != '0';
		} else if (v >= UINT64_C(1) << 60) {
			return false;
		} else {
			v = v * 10 + digit_of(d->digit[i]);
		}
	}
	for (; last > 0 && v > 0; last--) {
		if (v >= UINT64_C(1) << 60)
			return false;
		v *= 10;
	}
	v += d->minus && cut;
	if (v > (uint64_t)INT64_MAX)
		return false;
	*out_us = d->minus ? -(int64_t)v : (int64_t)v;
	return true;
}

bool ens_parse_time(const char *s, size_t len, enum ens_time_unit unit, int64_t *out_us)
{
	static const int8_t scale[] = {[ENS_UNIT_S] = -6, [ENS_UNIT_MS] = -3, [ENS_UNIT_US] = 0, [ENS_UNIT_NS] = 3};
	struct decimal d;
	int64_t n;

	if (is_dated(s, len))
		return parse_rfc3339(s, len, out_us) == NULL;
	if (ens_parse_int(s, len, &n))
		return ens_time_from_int(n, unit, out_us);
	if (!parse_decimal(s, len, &d) || d.whole)
		return false;
	if (unit == ENS_UNIT_AUTO) {
		double v = fabs(decimal_to_double(&d));

		unit = guess_unit(v < 1e18 ? (uint64_t)v : UINT64_MAX);
	}
	return decimal_to_us(&d, scale[unit], out_us);
}

/* `n` with at least `width` digits. */
static void add_padded(struct ens_buf *b, uint64_t n, int width)
{
	char text[24];
	char *p = text + sizeof(text);

	for (; n > 0 || width > 0; n /= 10, width--)
		*--p = (char)('0' + n % 10);
	ens_buf_add(b, p, (size_t)(text + sizeof(text) - p));
}

void ens_format_time(struct ens_buf *b, int64_t us)
{
	struct ens_civil c;

	ens_civil_from_time(us, &c);
	if (c.year < 0)
		ens_buf_addc(b, '-');
	else if (c.year > 9999)
		ens_buf_addc(b, '+');
	add_padded(b, (uint64_t)(c.year < 0 ? -c.year : c.year), 4);
	ens_buf_addc(b, '-');
	add_padded(b, c.month, 2);
	ens_buf_addc(b, '-');
	add_padded(b, c.day, 2);
	ens_buf_addc(b, 'T');
	add_padded(b, c.hour, 2);
	ens_buf_addc(b, ':');
	add_padded(b, c.minute, 2);
	ens_buf_addc(b, ':');
	add_padded(b, c.second, 2);
	ens_buf_addc(b, '.');
	add_padded(b, c.us, 6);
	ens_buf_addc(b, 'Z');
}

/* ---- durations -------------------------------------------------------------------------------------------------- */

static const struct {
	char name[3];
	uint64_t us;
} duration_unit[] = {
	{"w", UINT64_C(604800000000)}, {"d", UINT64_C(86400000000)}, {"h", UINT64_C(3600000000)},
	{"m", UINT64_C(60000000)},     {"s", UINT64_C(1000000)},     {"ms", 1000},
	{"us", 1},
};
#define NDURATION_UNIT (sizeof(duration_unit) / sizeof(duration_unit[0]))

/* The unit that the letters at s name; NDURATION_UNIT: none. */
static size_t find_unit(const char *s, size_t len)
{
	for (size_t u = 0; u < NDURATION_UNIT; u++)
		if (strlen(duration_unit[u].name) == len && memcmp(duration_unit[u].name, s, len) == 0)
			return u;
	return NDURATION_UNIT;
}

/* Numbers with units, one behind the other, without a sign. */
static bool parse_units(const char *s, size_t len, uint64_t *out_us)
{
	uint64_t sum = 0;
	size_t i = 0;

	while (i < len) {
		size_t digits = i, letters, u;
		uint64_t n;

		while (i < len && is_digit(s[i]))
			i++;
		letters = i;
		while (i < len && !is_digit(s[i]))
			i++;
		u = find_unit(s + letters, i - letters);
		if (u == NDURATION_UNIT || !parse_uint(s + digits, letters - digits, &n) ||
		    __builtin_mul_overflow(n, duration_unit[u].us, &n) || __builtin_add_overflow(sum, n, &sum))
			return false;
	}
	*out_us = sum;
	return len > 0;
}

bool ens_parse_duration(const char *s, size_t len, int64_t *out_us)
{
	struct decimal d;
	uint64_t us;
	bool minus = len > 0 && s[0] == '-', sign = len > 0 && (minus || s[0] == '+');

	if (len > 0 && (s[len - 1] | 0x20) >= 'a') {
		if (!parse_units(s + sign, len - sign, &us) || us > (uint64_t)INT64_MAX + minus)
			return false;
		*out_us = (int64_t)(minus ? 0 - us : us);
		return true;
	}
	return parse_decimal(s, len, &d) && decimal_to_us(&d, -6, out_us);
}

void ens_format_duration(struct ens_buf *b, int64_t us)
{
	uint64_t left = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;

	if (us < 0)
		ens_buf_addc(b, '-');
	if (us == 0)
		ens_buf_adds(b, "0s");
	for (size_t u = 0; u < NDURATION_UNIT; u++) {
		uint64_t n = left / duration_unit[u].us;

		if (n == 0)
			continue;
		add_padded(b, n, 1);
		ens_buf_adds(b, duration_unit[u].name);
		left -= n * duration_unit[u].us;
	}
}

void ens_format_seconds(struct ens_buf *b, int64_t us)
{
	uint64_t n = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;
	uint64_t fraction = n % 1000000;
	int width = 6;

	if (us < 0)
		ens_buf_addc(b, '-');
	add_padded(b, n / 1000000, 1);
	if (fraction == 0)
		return;
	for (; fraction % 10 == 0; fraction /= 10)
		width--;
	ens_buf_addc(b, '.');
	add_padded(b, fraction, width);
}

/* ---- addresses -------------------------------------------------------------------------------------------------- */

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

/* "a.b.c.d": four numbers up to 255 without leading zeros. */
static bool parse_ipv4(const char *s, size_t len, uint8_t out[4])
{
	size_t i = 0;

	for (int part = 0; part < 4; part++) {
		size_t start = i;
		unsigned v = 0;

		if (part > 0 && (i == len || s[i++] != '.'))
			return false;
		start = i;
		for (; i < len && i - start < 3 && is_digit(s[i]); i++)
			v = v * 10 + digit_of(s[i]);
		if (i == start || v > 255 || (s[start] == '0' && i - start > 1))
			return false;
		out[part] = (uint8_t)v;
	}
	return i == len;
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to 4 hexadecimal digits at s; returns how many. */
static size_t parse_hex_group(const char *s, size_t len, unsigned *out)
{
	size_t n = 0;

	for (*out = 0; n < len && n < 4 && hex_value(s[n]) >= 0; n++)
		*out = *out * 16 + (unsigned)hex_value(s[n]);
	return n;
}

static bool parse_ipv6(const char *s, size_t len, uint8_t out[16])
{
	uint8_t bytes[16] = {0};
	size_t i = 0, n = 0, gap = SIZE_MAX; /* n: bytes so far; gap: where "::" stood */

	if (len >= 2 && s[0] == ':' && s[1] == ':') {
		gap = 0;
		i = 2;
	}
	while (i < len) {
		unsigned group;
		size_t digits;

		if (n == 16)
			return false;
		digits = parse_hex_group(s + i, len - i, &group);
		if (digits == 0)
			return false;
		if (i + digits < len && s[i + digits] == '.') {
			if (n > 12 || !parse_ipv4(s + i, len - i, bytes + n))
				return false;
			n += 4;
			break;
		}
		bytes[n++] = (uint8_t)(group >> 8);
		bytes[n++] = (uint8_t)group;
		i += digits;
		if (i == len)
			break;
		if (s[i++] != ':' || i == len)
			return false;
		if (s[i] == ':') {
			if (gap != SIZE_MAX)
				return false;
			gap = n;
			i++;
		}
	}
	if (gap == SIZE_MAX ? n != 16 : n > 14)
		return false;
	memset(out, 0, 16);
	gap = gap == SIZE_MAX ? n : gap;
	memcpy(out, bytes, gap);
	memcpy(out + 16 - (n - gap), bytes + gap, n - gap);
	return true;
}

bool ens_parse_ip(const char *s, size_t len, uint8_t out[16])
{
	uint8_t v4[4];

	if (len == 0 || len > 45)
		return false;
	if (memchr(s, ':', len))
		return parse_ipv6(s, len, out);
	if (!parse_ipv4(s, len, v4))
		return false;
	memcpy(out, mapped_prefix, 12);
	memcpy(out + 12, v4, 4);
	return true;
}

bool ens_parse_cidr(const char *s, size_t len, uint8_t out[16], unsigned *bits)
{
	const char *slash = len > 0 ? memchr(s, '/', len) : NULL;
	size_t address_len = slash ? (size_t)(slash - s) : len;
	size_t n = slash ? len - address_len - 1 : 0;
	bool v6 = address_len > 0 && memchr(s, ':', address_len);
	uint8_t address[16];
	uint64_t v = 128;

	if (!ens_parse_ip(s, address_len, address))
		return false;
	if (slash) {
		if (n > 3 || !parse_uint(slash + 1, n, &v) || (n > 1 && slash[1] == '0') || v > (v6 ? 128 : 32))
			return false;
		v += v6 ? 0 : 96;
	}
	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = v >= (i + 1) * 8 ? 8 : v <= i * 8 ? 0 : (unsigned)v - i * 8;

		out[i] = (uint8_t)(address[i] & (0xFF00u >> keep));
	}
	*bits = (unsigned)v;
	return true;
}

/* The longest run of two or more zero groups, the first of equal ones: [*from, *to); empty if there is none. */
static void longest_zeros(const unsigned group[8], int *from, int *to)
{
	*from = *to = 8;
	for (int i = 0; i < 8; i++) {
		int end = i;

		while (end < 8 && group[end] == 0)
			end++;
		if (end - i >= 2 && end - i > *to - *from) {
			*from = i;
			*to = end;
		}
		if (end > i)
			i = end;
	}
}

void ens_format_ip(struct ens_buf *b, const char bytes[16])
{
	uint8_t u[16];
	unsigned group[8];
	int from, to;

	memcpy(u, bytes, 16);
	if (memcmp(u, mapped_prefix, 12) == 0) {
		ens_buf_addf(b, "%u.%u.%u.%u", u[12], u[13], u[14], u[15]);
		return;
	}
	for (int i = 0; i < 8; i++)
		group[i] = (unsigned)u[i * 2] << 8 | u[i * 2 + 1];
	longest_zeros(group, &from, &to);
	for (int i = 0; i < 8; i++) {
		if (i == from) {
			ens_buf_adds(b, "::");
			i = to - 1;
			continue;
		}
		if (i > 0 && i != to)
			ens_buf_addc(b, ':');
		ens_buf_addf(b, "%x", group[i]);
	}
}

/* ---- by type ---------------------------------------------------------------------------------------------------- */

bool ens_parse_value(enum ens_type type, enum ens_time_unit unit, const char *s, size_t len, char ip_room[16],
		     struct ens_value *out)
{
	struct ens_value v = {0};
	uint8_t address[16];
	bool b = false, ok = true;

	if (len == 0 && type != ENS_STRING) {
		v.null = ENS_NULL;
		*out = v;
		return true;
	}
	switch (type) {
	case ENS_BOOL:
		ok = ens_parse_bool(s, len, &b);
		v.i = b;
		break;
	case ENS_INT:
		ok = ens_parse_int(s, len, &v.i);
		break;
	case ENS_FLOAT:
		ok = ens_parse_float(s, len, &v.f);
		break;
	case ENS_STRING:
		ok = len <= UINT32_MAX;
		v.s = s;
		v.len = (uint32_t)len;
		break;
	case ENS_TIME:
		ok = ens_parse_time(s, len, unit, &v.i);
		break;
	case ENS_DURATION:
		ok = ens_parse_duration(s, len, &v.i);
		break;
	case ENS_IP:
		ok = ens_parse_ip(s, len, address);
		if (ok)
			memcpy(ip_room, address, 16);
		v.s = ip_room;
		v.len = 16;
		break;
	default:
		return false;
	}
	if (ok)
		*out = v;
	return ok;
}

void ens_format_text(struct ens_buf *b, enum ens_type type, const struct ens_value *v)
{
	if (v->null)
		return;
	switch (type) {
	case ENS_BOOL:
		ens_buf_adds(b, v->i ? "true" : "false");
		break;
	case ENS_INT:
		ens_format_int(b, v->i);
		break;
	case ENS_FLOAT:
		ens_format_float(b, v->f);
		break;
	case ENS_STRING:
		ens_buf_add(b, v->s, v->len);
		break;
	case ENS_TIME:
		ens_format_time(b, v->i);
		break;
	case ENS_DURATION:
		ens_format_seconds(b, v->i);
		break;
	case ENS_IP:
		ens_format_ip(b, v->s);
		break;
	default:
		break;
	}
}

void ens_format_json(struct ens_buf *b, enum ens_type type, const struct ens_value *v)
{
	bool quoted = type == ENS_TIME || type == ENS_IP;

	if (v->null || type == ENS_NOTYPE) {
		ens_buf_adds(b, "null");
		return;
	}
	if (type == ENS_STRING) {
		ens_buf_add_json(b, v->s, v->len);
		return;
	}
	if (quoted)
		ens_buf_addc(b, '"');
	ens_format_text(b, type, v);
	if (quoted)
		ens_buf_addc(b, '"');
}

void ens_format_list(struct ens_buf *b, enum ens_type element, const struct ens_value *list)
{
	const struct ens_value *v = (const struct ens_value *)(const void *)list->s;

	if (list->null) {
		ens_buf_adds(b, "null");
		return;
	}
	ens_buf_addc(b, '[');
	for (uint32_t i = 0; i < list->len; i++) {
		if (i)
			ens_buf_addc(b, ',');
		ens_format_json(b, element, &v[i]);
	}
	ens_buf_addc(b, ']');
}
