/* Values to text and back: what is read, what is refused, and that what is written reads back the same. */
#include "base/text.h"

#include <CUnit/CUnit.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void suite_text(void);

/* A number from a fixed sequence. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static bool writes(void (*format)(struct ens_buf *, int64_t), int64_t v, const char *want)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	bool same;

	format(&b, v);
	same = strcmp(ens_buf_cstr(&b), want) == 0;
	if (!same)
		printf("\n  %s, not %s\n", ens_buf_cstr(&b), want);
	ens_buf_free(&b);
	return same;
}

static void utf8_is_well_formed_or_cut_where_it_is_not(void)
{
	static const struct {
		const char *text;
		size_t valid;
	} cases[] = {
		{"", 0},
		{"plain ascii text of some length", 31},
		{"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", 9},
		{"abc\x80", 3},
		{"\xC0\x80", 0},
		{"\xC1\xBF", 0},
		{"\xE0\x9F\xBF", 0},
		{"\xED\xA0\x80", 0},
		{"\xED\x9F\xBF", 3},
		{"\xF0\x8F\xBF\xBF", 0},
		{"\xF4\x90\x80\x80", 0},
		{"\xF4\x8F\xBF\xBF", 4},
		{"\xF5\x80\x80\x80", 0},
		{"12345678\xE2\x82", 8},
		{"\xE2\x28\xA1", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CU_ASSERT_EQUAL(ens_utf8_valid(cases[i].text, strlen(cases[i].text)), cases[i].valid);
	CU_ASSERT_EQUAL(ens_utf8_count("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80x", 10), 4);
}

static void integers_are_read_to_the_last_and_no_further(void)
{
	static const char *const refused[] = {"", "-", "+", "1a", " 1", "1 ", "1.0", "--1", "9223372036854775808",
					      "-9223372036854775809", "99999999999999999999", "0x10", "1e3", "1_000"};
	int64_t v = 0;

	CU_ASSERT(ens_parse_int("0", 1, &v) && v == 0);
	CU_ASSERT(ens_parse_int("+7", 2, &v) && v == 7);
	CU_ASSERT(ens_parse_int("-007", 4, &v) && v == -7);
	CU_ASSERT(ens_parse_int("9223372036854775807", 19, &v) && v == INT64_MAX);
	CU_ASSERT(ens_parse_int("-9223372036854775808", 20, &v) && v == INT64_MIN);
	CU_ASSERT(ens_parse_int("000000000000000000000000012", 27, &v) && v == 12);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CU_ASSERT_FALSE(ens_parse_int(refused[i], strlen(refused[i]), &v));
	CU_ASSERT_EQUAL(v, 12);
	CU_ASSERT(writes(ens_format_int, 0, "0"));
	CU_ASSERT(writes(ens_format_int, INT64_MIN, "-9223372036854775808"));
	CU_ASSERT(writes(ens_format_int, INT64_MAX, "9223372036854775807"));
}

static void floats_are_read_as_strtod_reads_them(void)
{
	static const char *const texts[] = {
		"0",	  "-0",	    "1",     "1.5",	"-2.25e3", ".5",	  "5.",	     "1e22",	    "1e23",
		"0.1",	  "123456789012345678", "9007199254740993", "1e308", "1.7976931348623157e308", "4.9e-324",
		"2.2250738585072011e-308", "1e-400", "0.000000000000000000000000000001234", "100000000000000000000000000",
		"3.14159265358979323846264338327950288", "1E5", "1e+5", "1e-5", "00001.5000", "0e999999999999",
		"179769313486231570000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
		"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
		"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
	};
	static const char *const refused[] = {"",  ".",	   "e5",  "1e",	 "1e+",	   "inf",   "nan",     "0x1p3",	    "1.2.3",
					      "1,5", "1 ", " 1", "1f", "1e400", "-1e999", "1e9999999999999999999", "--1"};
	double v = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		double want = strtod(texts[i], NULL);

		if (isinf(want)) {
			CU_ASSERT_FALSE(ens_parse_float(texts[i], strlen(texts[i]), &v));
			continue;
		}
		CU_ASSERT(ens_parse_float(texts[i], strlen(texts[i]), &v));
		CU_ASSERT(memcmp(&v, &want, 8) == 0);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CU_ASSERT_FALSE(ens_parse_float(refused[i], strlen(refused[i]), &v));
}

/* A tie to the last of 60,000 digits: the digit that decides is beyond what is kept. */
static void long_decimals_round_by_their_last_digit(void)
{
	static char text[60020];
	size_t head;
	double v;

	strcpy(text, "9007199254740993.");
	head = strlen(text);
	memset(text + head, '0', 60000);
	CU_ASSERT(ens_parse_float(text, head + 60000, &v));
	CU_ASSERT_EQUAL(v, 9007199254740992.0);
	text[head + 59999] = '1';
	CU_ASSERT(ens_parse_float(text, head + 60000, &v));
	CU_ASSERT_EQUAL(v, 9007199254740994.0);
	memset(text, '0', sizeof(text));
	memcpy(text + 60000, "12e-2", 5);
	CU_ASSERT(ens_parse_float(text, 60005, &v));
	CU_ASSERT_EQUAL(v, 0.12);
}

static bool float_writes(double v, const char *want)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	bool same;

	ens_format_float(&b, v);
	same = strcmp(ens_buf_cstr(&b), want) == 0;
	if (!same)
		printf("\n  %s, not %s\n", ens_buf_cstr(&b), want);
	ens_buf_free(&b);
	return same;
}

static void floats_are_written_short_and_read_back_the_same(void)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	uint64_t state = 88172645463325252u;

	CU_ASSERT(float_writes(3, "3.0"));
	CU_ASSERT(float_writes(0, "0.0"));
	CU_ASSERT(float_writes(-0.0, "-0.0"));
	CU_ASSERT(float_writes(0.1, "0.1"));
	CU_ASSERT(float_writes(0.1 + 0.2, "0.30000000000000004"));
	CU_ASSERT(float_writes(-1234.5, "-1234.5"));
	CU_ASSERT(float_writes(100000, "100000.0"));
	CU_ASSERT(float_writes(1e15, "1000000000000000.0"));
	CU_ASSERT(float_writes(1e16, "1e16"));
	CU_ASSERT(float_writes(1.5e300, "1.5e300"));
	CU_ASSERT(float_writes(0.00001, "0.00001"));
	CU_ASSERT(float_writes(1.25e-7, "1.25e-7"));
	CU_ASSERT(float_writes(5e-324, "5e-324"));
	CU_ASSERT(float_writes(DBL_MAX, "1.7976931348623157e308"));
	CU_ASSERT(float_writes(0x1p-44, "5.684341886080802e-14"));
	for (int i = 0; i < 20000; i++) {
		uint64_t bits = next_random(&state);
		double v, back = 0;

		memcpy(&v, &bits, 8);
		if (!isfinite(v))
			continue;
		ens_buf_clear(&b);
		ens_format_float(&b, v);
		CU_ASSERT_FATAL(ens_parse_float(b.data, b.len, &back));
		CU_ASSERT_FATAL(memcmp(&v, &back, 8) == 0);
		CU_ASSERT_FATAL(strtod(ens_buf_cstr(&b), NULL) == v);
	}
	ens_buf_free(&b);
}

static void rounding_to_places_is_half_to_even_on_the_exact_value(void)
{
	CU_ASSERT_EQUAL(ens_round_places(2.5, 0), 2);
	CU_ASSERT_EQUAL(ens_round_places(3.5, 0), 4);
	CU_ASSERT_EQUAL(ens_round_places(-2.5, 0), -2);
	CU_ASSERT_EQUAL(ens_round_places(0.125, 2), 0.12);
	CU_ASSERT_EQUAL(ens_round_places(0.375, 2), 0.38);
	CU_ASSERT_EQUAL(ens_round_places(1.115, 2), 1.11); /* 1.115 is a little less */
	CU_ASSERT_EQUAL(ens_round_places(2.675, 2), 2.67);
	CU_ASSERT_EQUAL(ens_round_places(1234.5, -2), 1200);
	CU_ASSERT_EQUAL(ens_round_places(50, -2), 0);
	CU_ASSERT_EQUAL(ens_round_places(51, -2), 100);
	CU_ASSERT_EQUAL(ens_round_places(0.5, 0), 0);
	CU_ASSERT_EQUAL(ens_round_places(0.6, 0), 1);
	CU_ASSERT_EQUAL(ens_round_places(9.99, 1), 10);
	CU_ASSERT_EQUAL(ens_round_places(0.1, 30), 0.1);
	CU_ASSERT_EQUAL(ens_round_places(1e300, INT64_MIN), 0);
	CU_ASSERT_EQUAL(ens_round_places(1e-300, INT64_MAX), 1e-300);
}

static void bools_are_words(void)
{
	static const char *const yes[] = {"true", "1", "t", "yes", "TRUE", "Yes", "T"};
	static const char *const no[] = {"false", "0", "f", "no", "False", "NO"};
	static const char *const refused[] = {"", "y", "n", "2", "on", "tru", "truee", "\x14", "falsE ", "01"};
	bool v = false;

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		CU_ASSERT(ens_parse_bool(yes[i], strlen(yes[i]), &v) && v);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		CU_ASSERT(ens_parse_bool(no[i], strlen(no[i]), &v) && !v);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CU_ASSERT_FALSE(ens_parse_bool(refused[i], strlen(refused[i]), &v));
}

static bool time_is(const char *text, enum ens_time_unit unit, int64_t want)
{
	int64_t us = -1;
	bool same = ens_parse_time(text, strlen(text), unit, &us) && us == want;

	if (!same)
		printf("\n  %s gives %lld\n", text, (long long)us);
	return same;
}

/* What is said of a date that is no time; what is none is not said anything of. */
static void wrong_dates_are_told_why(void)
{
	static const char *const told[][2] = {
		{"2026-01-05", "it has no time of day"},
		{"2026-01-05T08:00Z", "it does not begin as 2026-01-05T08:00:00 does"},
		{"2026-01-05X08:00:00Z", "it does not begin as 2026-01-05T08:00:00 does"},
		{"2026-02-30T08:00:00Z", "there is no such day"},
		{"20x6-01-05T08:00:00Z", "there is no such day"},
		{"2026-01-05T24:00:00Z", "there is no such time of day"},
		{"2026-01-05T08:00:61Z", "there is no such time of day"},
		{"2026-01-05T08:00:60Z", "a leap second ends a day in UTC"},
		{"2026-01-05T23:59:60+01:00", "a leap second ends a day in UTC"},
		{"2026-01-05T08:00:00", "it has no zone, such as Z or +01:00"},
		{"2026-01-05T08:00:00.5", "it has no zone, such as Z or +01:00"},
		{"2026-01-05T08:00:00.Z", "there are no digits behind its point"},
		{"2026-01-05T08:00:00.", "there are no digits behind its point"},
		{"2026-01-05T08:00:00,5Z", "its zone is neither Z nor +hh:mm"},
		{"2026-01-05T08:00:00+0100", "its zone is neither Z nor +hh:mm"},
		{"2026-01-05T08:00:00+24:00", "its zone is neither Z nor +hh:mm"},
		{"2026-01-05T08:00:00+01:60", "its zone is neither Z nor +hh:mm"},
		{"2026-01-05T08:00:00 CET", "its zone is neither Z nor +hh:mm"},
	};
	static const char *const other[] = {"", "x", "2026-01-0", "nan", "20260105T080000Z", "1767600000", "2026-01-05T08:00:00+14:00",
					    "2026-01-05T08:00:00-12:00", "2016-12-31T23:59:60Z", "2017-01-01T00:59:60+01:00"};
	int64_t us;

	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
		const char *text = told[i][0], *fault = ens_time_fault(text, strlen(text));

		CU_ASSERT_FALSE(ens_parse_time(text, strlen(text), ENS_UNIT_AUTO, &us));
		CU_ASSERT_PTR_NOT_NULL_FATAL(fault);
		CU_ASSERT_STRING_EQUAL(fault, told[i][1]);
	}
	for (size_t i = 0; i < sizeof(other) / sizeof(*other); i++)
		CU_ASSERT_PTR_NULL(ens_time_fault(other[i], strlen(other[i])));
}

static void times_are_rfc3339_or_epoch_numbers(void)
{
	static const char *const refused[] = {
		"", "now", "2026-01-05", "2026-01-05T08:00:00", "2026-13-05T08:00:00Z", "2026-02-29T08:00:00Z",
		"2026-01-05T24:00:00Z", "2026-01-05T08:60:00Z", "2026-01-05T08:00:61Z", "2026-01-05T08:00:60Z",
		"2026-01-05T08:00:00.Z", "2026-01-05T08:00:00+01", "2026-01-05T08:00:00+0100", "2026-01-05T08:00:00ZZ",
		"2026-01-00T08:00:00Z", "20x6-01-05T08:00:00Z", "2026-01-05T08:00:00.123456+25:00", "9e99", "1e", "12:00",
		"2026-01-05X08:00:00Z",
	};
	const int64_t t = INT64_C(1767600000000000); /* 2026-01-05T08:00:00Z */
	int64_t us;

	CU_ASSERT(time_is("2026-01-05T08:00:00Z", ENS_UNIT_AUTO, t));
	CU_ASSERT(time_is("2026-01-05t08:00:00z", ENS_UNIT_S, t));
	CU_ASSERT(time_is("2026-01-05 08:00:00.5Z", ENS_UNIT_AUTO, t + 500000));
	CU_ASSERT(time_is("2026-01-05T09:30:00.1234567+01:30", ENS_UNIT_AUTO, t + 123456));
	CU_ASSERT(time_is("2026-01-05T00:00:00-08:00", ENS_UNIT_AUTO, t));
	CU_ASSERT(time_is("2024-02-29T00:00:00Z", ENS_UNIT_AUTO, INT64_C(1709164800000000)));
	CU_ASSERT(time_is("1969-12-31T23:59:59.999999Z", ENS_UNIT_AUTO, -1));
	CU_ASSERT(time_is("0000-01-01T00:00:00Z", ENS_UNIT_AUTO, INT64_C(-62167219200000000)));
	CU_ASSERT(time_is("9999-12-31T23:59:59.999999Z", ENS_UNIT_AUTO, INT64_C(253402300799999999)));
	CU_ASSERT(time_is("2016-12-31T23:59:60Z", ENS_UNIT_AUTO, INT64_C(1483228800000000)));
	CU_ASSERT(time_is("1767600000", ENS_UNIT_AUTO, t));
	CU_ASSERT(time_is("1767600000000", ENS_UNIT_AUTO, t));
	CU_ASSERT(time_is("1767600000000000", ENS_UNIT_AUTO, t));
	CU_ASSERT(time_is("1767600000000000000", ENS_UNIT_AUTO, t));
	CU_ASSERT(time_is("1767600000.1234569", ENS_UNIT_AUTO, t + 123456));
	CU_ASSERT(time_is("1767600000000.5", ENS_UNIT_AUTO, t + 500));
	CU_ASSERT(time_is("1.7676e9", ENS_UNIT_AUTO, t));
	CU_ASSERT(time_is("5", ENS_UNIT_MS, 5000));
	CU_ASSERT(time_is("5", ENS_UNIT_US, 5));
	CU_ASSERT(time_is("5999", ENS_UNIT_NS, 5));
	CU_ASSERT(time_is("-1", ENS_UNIT_NS, -1));
	CU_ASSERT(time_is("-0.0000001", ENS_UNIT_S, -1));
	CU_ASSERT(time_is("-1.5", ENS_UNIT_S, -1500000));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CU_ASSERT_FALSE(ens_parse_time(refused[i], strlen(refused[i]), ENS_UNIT_AUTO, &us));
	CU_ASSERT_FALSE(ens_parse_time("9223372036854775", 16, ENS_UNIT_S, &us));
	CU_ASSERT_FALSE(ens_time_from_int(INT64_MAX, ENS_UNIT_MS, &us));
	CU_ASSERT(ens_time_from_int(INT64_MIN, ENS_UNIT_AUTO, &us) && us == INT64_C(-9223372036854776));
}

static void times_are_written_in_utc_and_read_back_the_same(void)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	uint64_t state = 4711;

	CU_ASSERT(writes(ens_format_time, INT64_C(1767600000000000), "2026-01-05T08:00:00.000000Z"));
	CU_ASSERT(writes(ens_format_time, -1, "1969-12-31T23:59:59.999999Z"));
	CU_ASSERT(writes(ens_format_time, INT64_C(253402300800000000), "+10000-01-01T00:00:00.000000Z"));
	CU_ASSERT(writes(ens_format_time, INT64_C(-62167219200000001), "-0001-12-31T23:59:59.999999Z"));
	CU_ASSERT(writes(ens_format_time, INT64_MIN, "-290308-12-21T19:59:05.224192Z"));
	CU_ASSERT(writes(ens_format_time, INT64_MAX, "+294247-01-10T04:00:54.775807Z"));
	for (int i = 0; i < 20000; i++) {
		int64_t us = (int64_t)(next_random(&state) % UINT64_C(253402300800000000)), back = 0;

		ens_buf_clear(&b);
		ens_format_time(&b, us);
		CU_ASSERT_FATAL(ens_parse_time(b.data, b.len, ENS_UNIT_AUTO, &back));
		CU_ASSERT_FATAL(us == back);
	}
	ens_buf_free(&b);
}

static void civil_days_count_every_day_of_four_hundred_years(void)
{
	static const uint32_t length[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t days = ens_civil_days(-200, 1, 1);
	uint32_t weekday = 0;

	for (int64_t y = -200; y < 201; y++)
		for (uint32_t m = 1; m <= 12; m++) {
			bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
			uint32_t n = length[m - 1] + (m == 2 && leap);

			for (uint32_t d = 1; d <= n; d++, days++) {
				struct ens_civil c;

				CU_ASSERT_FATAL(ens_civil_days(y, m, d) == days);
				ens_civil_from_time(days * INT64_C(86400000000) + 86399999999, &c);
				CU_ASSERT_FATAL(c.year == y && c.month == m && c.day == d && c.days == days);
				CU_ASSERT_FATAL(c.hour == 23 && c.minute == 59 && c.second == 59 && c.us == 999999);
				CU_ASSERT_FATAL(weekday == 0 || c.weekday == weekday % 7 + 1);
				weekday = c.weekday;
			}
		}
	CU_ASSERT_EQUAL(ens_civil_days(1970, 1, 1), 0);
}

static void durations_are_literals_or_seconds(void)
{
	static const struct {
		const char *text;
		int64_t us;
	} cases[] = {
		{"250us", 250},	       {"500ms", 500000},  {"5s", 5000000},  {"1m", 60000000},	  {"2h", 7200000000},
		{"1d", 86400000000},   {"1w", 604800000000}, {"1h30m", 5400000000}, {"90", 90000000}, {"0.5", 500000},
		{"-1.000001", -1000001}, {"-5s", -5000000}, {"+2", 2000000}, {"1e3", 1000000000},
		{"9223372036854775807us", INT64_MAX},	   {"-9223372036854775808us", INT64_MIN}, {"0s", 0},
	};
	static const char *const refused[] = {"", "s", "5x", "5 s", "1h30", "h1", "1.5s", "9223372036854775808us", "5S",
					      "--5s", "1mm", "99999999999999999999w", "1e30", "5s-3s"};
	int64_t v = 0;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CU_ASSERT(ens_parse_duration(cases[i].text, strlen(cases[i].text), &v) && v == cases[i].us);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CU_ASSERT_FALSE(ens_parse_duration(refused[i], strlen(refused[i]), &v));
	CU_ASSERT(writes(ens_format_duration, 0, "0s"));
	CU_ASSERT(writes(ens_format_duration, 5400000000, "1h30m"));
	CU_ASSERT(writes(ens_format_duration, 500000, "500ms"));
	CU_ASSERT(writes(ens_format_duration, -5000000, "-5s"));
	CU_ASSERT(writes(ens_format_duration, 90061001001, "1d1h1m1s1ms1us"));
	CU_ASSERT(writes(ens_format_seconds, 90000000, "90"));
	CU_ASSERT(writes(ens_format_seconds, 500000, "0.5"));
	CU_ASSERT(writes(ens_format_seconds, -1000001, "-1.000001"));
	CU_ASSERT(writes(ens_format_seconds, 0, "0"));
	CU_ASSERT(writes(ens_format_seconds, INT64_MIN, "-9223372036854.775808"));
}

static bool ip_reads_as(const char *text, const char *want)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	uint8_t ip[16];
	bool same = ens_parse_ip(text, strlen(text), ip);

	if (same) {
		ens_format_ip(&b, (const char *)ip);
		same = strcmp(ens_buf_cstr(&b), want) == 0;
	}
	if (!same)
		printf("\n  %s gives %s\n", text, ens_buf_cstr(&b));
	ens_buf_free(&b);
	return same;
}

static void addresses_are_read_and_written_as_rfc5952(void)
{
	static const char *const refused[] = {
		"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", "1..2.3", "::1::", "1:2:3:4:5:6:7", ":", ":::",
		"1:2:3:4:5:6:7:8:9", "12345::", "::g", "1:2:3:4:5:6:7::8:9", "fe80::1%eth0", "[::1]", "::1.2.3", "1.2.3.4:80",
		"1:", ":1", "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:6:7:", "0000.0.0.0",
	};
	uint8_t ip[16];

	CU_ASSERT(ip_reads_as("192.0.2.7", "192.0.2.7"));
	CU_ASSERT(ip_reads_as("::ffff:192.0.2.7", "192.0.2.7"));
	CU_ASSERT(ip_reads_as("::FFFF:C000:0207", "192.0.2.7"));
	CU_ASSERT(ip_reads_as("::", "::"));
	CU_ASSERT(ip_reads_as("::1", "::1"));
	CU_ASSERT(ip_reads_as("1::", "1::"));
	CU_ASSERT(ip_reads_as("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"));
	CU_ASSERT(ip_reads_as("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"));
	CU_ASSERT(ip_reads_as("1:0:0:2:0:0:0:3", "1:0:0:2::3"));
	CU_ASSERT(ip_reads_as("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"));
	CU_ASSERT(ip_reads_as("64:ff9b::1.2.3.4", "64:ff9b::102:304"));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CU_ASSERT_FALSE(ens_parse_ip(refused[i], strlen(refused[i]), ip));
}

static void networks_count_bits_in_the_long_form(void)
{
	static const char *const refused[] = {"",	  "10.0.0.0/33", "10.0.0.0/",	 "10.0.0.0/08", "10.0.0.0/8/8",
					      "::/129", "/8",		 "10.0.0.0/-1", "10.0.0.0/1000"};
	uint8_t ip[16];
	unsigned bits;

	CU_ASSERT(ens_parse_cidr("10.1.2.3/8", 10, ip, &bits) && bits == 104);
	CU_ASSERT(memcmp(ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\0", 16) == 0);
	CU_ASSERT(ens_parse_cidr("fc00::/7", 8, ip, &bits) && bits == 7);
	CU_ASSERT(ens_parse_cidr("0.0.0.0/0", 9, ip, &bits) && bits == 96);
	CU_ASSERT(ens_parse_cidr("::1", 3, ip, &bits) && bits == 128);
	CU_ASSERT(ens_parse_cidr("10.0.0.1", 8, ip, &bits) && bits == 128);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		CU_ASSERT_FALSE(ens_parse_cidr(refused[i], strlen(refused[i]), ip, &bits));
}

static void an_empty_text_is_null_but_for_strings(void)
{
	char room[16];
	struct ens_value v;

	for (int type = ENS_BOOL; type < ENS_NTYPE; type++) {
		CU_ASSERT(ens_parse_value((enum ens_type)type, ENS_UNIT_AUTO, "", 0, room, &v));
		CU_ASSERT_EQUAL(v.null, type == ENS_STRING ? ENS_SET : ENS_NULL);
		if (type != ENS_STRING)
			CU_ASSERT_FALSE(ens_parse_value((enum ens_type)type, ENS_UNIT_AUTO, "?", 1, room, &v));
	}
	CU_ASSERT(ens_parse_value(ENS_IP, ENS_UNIT_AUTO, "::1", 3, room, &v) && v.s == room && v.len == 16);
}

static bool shows(enum ens_type type, const char *text, const char *json)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	char room[16];
	struct ens_value v;
	bool same = ens_parse_value(type, ENS_UNIT_AUTO, text, strlen(text), room, &v);

	ens_format_json(&b, type, &v);
	same = same && strcmp(ens_buf_cstr(&b), json) == 0;
	if (!same)
		printf("\n  %s gives %s\n", text, ens_buf_cstr(&b));
	ens_buf_free(&b);
	return same;
}

static void values_are_written_as_json(void)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	struct ens_value null = {.null = ENS_UNSET};

	CU_ASSERT(shows(ENS_BOOL, "yes", "true"));
	CU_ASSERT(shows(ENS_INT, "-5", "-5"));
	CU_ASSERT(shows(ENS_FLOAT, "5", "5.0"));
	CU_ASSERT(shows(ENS_STRING, "a\"b", "\"a\\\"b\""));
	CU_ASSERT(shows(ENS_TIME, "0", "\"1970-01-01T00:00:00.000000Z\""));
	CU_ASSERT(shows(ENS_DURATION, "1m30s", "90"));
	CU_ASSERT(shows(ENS_IP, "::ffff:1.2.3.4", "\"1.2.3.4\""));
	CU_ASSERT(shows(ENS_INT, "", "null"));
	ens_format_text(&b, ENS_INT, &null);
	CU_ASSERT_EQUAL(b.len, 0);
	CU_ASSERT_STRING_EQUAL(ens_type_name(ENS_IP), "ip");
	CU_ASSERT_STRING_EQUAL(ens_type_name(ENS_NOTYPE), "null");
	ens_buf_free(&b);
}

/* Whatever the bytes, parsers stay inside them and accept only what reads back as the same value. */
static void random_bytes_never_go_wrong(void)
{
	static const char alphabet[] = "0123456789+-.eE:/TtZzsmhdwuabcf \xC3\xA4";
	struct ens_buf b = ENS_BUF_EMPTY;
	uint64_t state = 99;

	for (int i = 0; i < 50000; i++) {
		size_t len = next_random(&state) % 24;
		char *text = malloc(len > 0 ? len : 1), room[16], again[16];

		for (size_t k = 0; k < len; k++)
			text[k] = alphabet[next_random(&state) % (sizeof(alphabet) - 1)];
		for (int type = ENS_BOOL; type < ENS_NTYPE; type++) {
			struct ens_value v, back;

			if (!ens_parse_value((enum ens_type)type, ENS_UNIT_AUTO, text, len, room, &v) || v.null)
				continue;
			ens_buf_clear(&b);
			ens_format_text(&b, (enum ens_type)type, &v);
			if (type == ENS_TIME && (b.data[0] == '+' || b.data[0] == '-'))
				continue; /* years beyond RFC 3339 */
			CU_ASSERT(ens_parse_value((enum ens_type)type, ENS_UNIT_AUTO, b.data, b.len, again, &back) || b.len == 0);
			CU_ASSERT(b.len == 0 || (ens_type_is_bytes((enum ens_type)type)
							 ? v.len == back.len && memcmp(v.s, back.s, v.len) == 0
							 : v.i == back.i));
		}
		free(text);
	}
	ens_buf_free(&b);
}

void suite_text(void)
{
	CU_pSuite s = CU_add_suite("text", NULL, NULL);

	CU_add_test(s, "UTF-8 is well formed, or cut where it is not", utf8_is_well_formed_or_cut_where_it_is_not);
	CU_add_test(s, "integers are read to the last and no further", integers_are_read_to_the_last_and_no_further);
	CU_add_test(s, "floats are read as strtod reads them", floats_are_read_as_strtod_reads_them);
	CU_add_test(s, "long decimals round by their last digit", long_decimals_round_by_their_last_digit);
	CU_add_test(s, "floats are written short and read back the same", floats_are_written_short_and_read_back_the_same);
	CU_add_test(s, "rounding to places is half to even on the exact value",
		    rounding_to_places_is_half_to_even_on_the_exact_value);
	CU_add_test(s, "bools are words", bools_are_words);
	CU_add_test(s, "times are RFC 3339 or epoch numbers", times_are_rfc3339_or_epoch_numbers);
	CU_add_test(s, "wrong dates are told why", wrong_dates_are_told_why);
	CU_add_test(s, "times are written in UTC and read back the same", times_are_written_in_utc_and_read_back_the_same);
	CU_add_test(s, "civil days count every day of four hundred years", civil_days_count_every_day_of_four_hundred_years);
	CU_add_test(s, "durations are literals or seconds", durations_are_literals_or_seconds);
	CU_add_test(s, "addresses are read and written as RFC 5952", addresses_are_read_and_written_as_rfc5952);
	CU_add_test(s, "networks count bits in the long form", networks_count_bits_in_the_long_form);
	CU_add_test(s, "an empty text is null but for strings", an_empty_text_is_null_but_for_strings);
	CU_add_test(s, "values are written as JSON", values_are_written_as_json);
	CU_add_test(s, "random bytes never go wrong", random_bytes_never_go_wrong);
}
