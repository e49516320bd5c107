/* Time zones: names, what clocks show around their changes, and when they show it. */
#include "runtime/zone.h"

#include <CUnit/CUnit.h>
#include <string.h>

#include "base/text.h"

void suite_zone(void);

#define HOUR_US INT64_C(3600000000)

static int64_t utc(int64_t year, uint32_t month, uint32_t day, int64_t hour, int64_t minute)
{
	return ens_civil_days(year, month, day) * 24 * HOUR_US + hour * HOUR_US + minute * (HOUR_US / 60);
}

static bool has_zones(void)
{
	return ens_zone_known("Europe/Berlin", 13);
}

/* The clocks of `zone` are `ahead` minutes of UTC at `us`, and are called `name`. */
static void shows(const char *zone, int64_t us, int64_t ahead, const char *name)
{
	struct ens_zone_clock clock = {0};

	CU_ASSERT_FATAL(ens_zone_at(zone, strlen(zone), us, &clock));
	CU_ASSERT_EQUAL(clock.ahead_us, ahead * 60000000);
	CU_ASSERT_STRING_EQUAL(clock.name, name);
}

/* The clocks of `zone` show `local` at `us` (first). */
static void shown(const char *zone, int64_t local, int64_t us)
{
	int64_t found = -1;

	CU_ASSERT(ens_zone_time(zone, strlen(zone), local, &found));
	CU_ASSERT_EQUAL(found, us);
}

static void utc_is_always_known(void)
{
	CU_ASSERT(ens_zone_known("UTC", 3));
	shows("UTC", 0, 0, "UTC");
	shows("UTC", INT64_C(-1), 0, "UTC");
	shown("UTC", utc(2026, 1, 5, 8, 0) + 123456, utc(2026, 1, 5, 8, 0) + 123456);
	shown("UTC", INT64_C(-1), INT64_C(-1));
}

static void names_stay_in_their_folder(void)
{
	static const char *const name[] = {
		"", "/", "Europe", "Europe/", "/usr/share/zoneinfo/Europe/Berlin", "../zoneinfo/Europe/Berlin",
		"Europe/../Europe/Berlin", "Europe//Berlin", "Europe/Berlin ", "localtime", "posixrules", "posix/UTC",
		"right/UTC", "file:/etc/passwd", "libc:localtime", "Fixed/UTC+01:00:00", "Europe/Berl\xc3\xadn", "utc2", "tzdata.zi",
		"zone.tab", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

	for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
		struct ens_zone_clock clock;
		int64_t us;

		CU_ASSERT_FALSE(ens_zone_known(name[i], strlen(name[i])));
		CU_ASSERT_FALSE(ens_zone_at(name[i], strlen(name[i]), 0, &clock));
		CU_ASSERT_FALSE(ens_zone_time(name[i], strlen(name[i]), 0, &us));
	}
	CU_ASSERT_FALSE(ens_zone_known("UTC\0x", 5));
}

static void clocks_are_put_forward(void)
{
	if (!has_zones())
		return;
	shows("Europe/Berlin", utc(2026, 3, 29, 0, 59), 60, "CET");
	shows("Europe/Berlin", utc(2026, 3, 29, 1, 0) - 1, 60, "CET");
	shows("Europe/Berlin", utc(2026, 3, 29, 1, 0), 120, "CEST");
	shown("Europe/Berlin", utc(2026, 3, 29, 1, 59), utc(2026, 3, 29, 0, 59));
	shown("Europe/Berlin", utc(2026, 3, 29, 2, 0), utc(2026, 3, 29, 1, 0)); /* never shown: the jump */
	shown("Europe/Berlin", utc(2026, 3, 29, 2, 30) + 7, utc(2026, 3, 29, 1, 0));
	shown("Europe/Berlin", utc(2026, 3, 29, 3, 0) + 7, utc(2026, 3, 29, 1, 0) + 7);
	shown("America/Sao_Paulo", utc(2018, 11, 4, 0, 0), utc(2018, 11, 4, 3, 0)); /* a day without its midnight */
}

static void clocks_are_put_back(void)
{
	if (!has_zones())
		return;
	shows("Europe/Berlin", utc(2026, 10, 25, 0, 59), 120, "CEST");
	shows("Europe/Berlin", utc(2026, 10, 25, 1, 0), 60, "CET");
	shown("Europe/Berlin", utc(2026, 10, 25, 2, 30), utc(2026, 10, 25, 0, 30)); /* shown twice: the first */
	shown("Europe/Berlin", utc(2026, 10, 25, 3, 0), utc(2026, 10, 25, 2, 0));
	shows("Australia/Lord_Howe", utc(2026, 4, 4, 14, 59), 660, "+11"); /* by half an hour */
	shows("Australia/Lord_Howe", utc(2026, 4, 4, 15, 0), 630, "+1030");
}

static void zones_of_all_kinds(void)
{
	if (!has_zones())
		return;
	for (int round = 0; round < 3; round++) { /* one after the other, so that none stands in for another */
		shows("Asia/Kathmandu", utc(2026, 1, 1, 0, 0), 345, "+0545");
		shows("America/New_York", utc(2026, 1, 1, 0, 0), -300, "EST");
		shows("America/Argentina/Buenos_Aires", utc(2026, 1, 1, 0, 0), -180, "-03");
		shows("Etc/GMT+5", utc(2026, 1, 1, 0, 0), -300, "-05");
		shows("America/Port-au-Prince", utc(2026, 1, 1, 0, 0), -300, "EST");
	}
	shows("Europe/Berlin", utc(2126, 7, 1, 0, 0), 120, "CEST"); /* by the rule that goes on */
	shows("Europe/Berlin", utc(1900, 7, 1, 0, 0), 60, "CET");
}

static void times_at_the_ends(void)
{
	struct ens_zone_clock clock;
	int64_t us;

	if (!has_zones())
		return;
	CU_ASSERT(ens_zone_at("Europe/Berlin", 13, INT64_MAX, &clock));
	CU_ASSERT(ens_zone_at("Europe/Berlin", 13, INT64_MIN, &clock));
	CU_ASSERT_FALSE(ens_zone_time("America/New_York", 16, INT64_MAX, &us));
	CU_ASSERT_FALSE(ens_zone_time("Asia/Tokyo", 10, INT64_MIN, &us));
}

void suite_zone(void)
{
	CU_pSuite s = CU_add_suite("zone", NULL, NULL);

	CU_add_test(s, "UTC is always known", utc_is_always_known);
	CU_add_test(s, "names stay in their folder", names_stay_in_their_folder);
	CU_add_test(s, "clocks are put forward", clocks_are_put_forward);
	CU_add_test(s, "clocks are put back", clocks_are_put_back);
	CU_add_test(s, "zones of all kinds", zones_of_all_kinds);
	CU_add_test(s, "times at the ends", times_at_the_ends);
}
