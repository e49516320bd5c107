/*
 * cctz behind the C functions of runtime/zone.h.
 *
 * cctz reads a zone once and looks up a time by binary search in its changes, behind a lock for the list of zones; the
 * zone asked for last is kept by each thread, so that the usual case takes none.  Tested by tests/unit/test_zone.c.
 */
extern "C" {
#include "runtime/zone.h"
}

#include <cstring>

namespace {

const int64_t us_per_second = 1000000;

bool begins(const char *name, size_t len, const char *with)
{
	return len >= std::strlen(with) && std::memcmp(name, with, std::strlen(with)) == 0;
}

bool is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Not a path out of the zones' folder, and the same on every machine. */
bool is_name(const char *name, size_t len)
{
	if (!len || len > ENS_ZONE_NAME_MAX_BYTES || begins(name, len, "right/") || begins(name, len, "posix") ||
	    begins(name, len, "localtime"))
		return false;
	for (size_t i = 0; i < len; i++) {
		const bool first = i == 0 || name[i - 1] == '/';

		if (!is_letter(name[i]) && (first || !(name[i] >= '0' && name[i] <= '9')) &&
		    (first || (name[i] != '_' && name[i] != '+' && name[i] != '-' && name[i] != '/')))
			return false;
	}
	return true;
}

bool is_utc(const char *name, size_t len)
{
	return len == 3 && std::memcmp(name, "UTC", 3) == 0;
}

} // namespace

#ifdef ENS_ZONES

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>

#include <chrono>
#include <string>

namespace {

using seconds_point = cctz::time_point<cctz::seconds>;

int64_t floor_seconds(int64_t us)
{
	return us / us_per_second - (us % us_per_second < 0);
}

bool find(const char *name, size_t len, cctz::time_zone *out)
{
	thread_local std::string last;
	thread_local cctz::time_zone last_zone;

	if (!is_name(name, len))
		return false;
	if (last.size() != len || std::memcmp(last.data(), name, len) != 0) {
		cctz::time_zone zone;

		if (!cctz::load_time_zone(std::string(name, len), &zone))
			return false;
		last.assign(name, len);
		last_zone = zone;
	}
	*out = last_zone;
	return true;
}

} // namespace

extern "C" bool ens_zone_at(const char *name, size_t len, int64_t us, struct ens_zone_clock *out)
{
	cctz::time_zone zone;

	if (!find(name, len, &zone))
		return false;

	const cctz::time_zone::absolute_lookup at = zone.lookup(seconds_point(cctz::seconds(floor_seconds(us))));

	out->ahead_us = int64_t{at.offset} * us_per_second;
	out->name = at.abbr;
	return true;
}

extern "C" bool ens_zone_time(const char *name, size_t len, int64_t local_us, int64_t *us)
{
	cctz::time_zone zone;

	if (!find(name, len, &zone))
		return false;

	const int64_t second = floor_seconds(local_us);
	const cctz::civil_second civil = cctz::civil_second() + second; /* of 1970-01-01 */
	const cctz::time_zone::civil_lookup at = zone.lookup(civil);
	const bool skipped = at.kind == cctz::time_zone::civil_lookup::SKIPPED;
	const int64_t found = (skipped ? at.trans : at.pre).time_since_epoch().count();

	return !__builtin_mul_overflow(found, us_per_second, us) &&
	       !__builtin_add_overflow(*us, skipped ? 0 : local_us - second * us_per_second, us);
}

#else

extern "C" bool ens_zone_at(const char *name, size_t len, int64_t, struct ens_zone_clock *out)
{
	*out = {0, "UTC"};
	return is_name(name, len) && is_utc(name, len);
}

extern "C" bool ens_zone_time(const char *name, size_t len, int64_t local_us, int64_t *us)
{
	*us = local_us;
	return is_name(name, len) && is_utc(name, len);
}

#endif

extern "C" bool ens_zone_known(const char *name, size_t len)
{
	struct ens_zone_clock clock;

	return is_utc(name, len) || ens_zone_at(name, len, 0, &clock);
}
