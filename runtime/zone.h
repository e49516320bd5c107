/*
 * Time zones by their IANA names, as the system's tzdata has them: what its clocks show, and when they show it.
 *
 * Names are letters, digits and `_ + - /`, such as Europe/Berlin; "UTC" is always known.  Names that depend on the machine
 * (localtime) and those that count leap seconds (right/...) are not.  A zone is read when it is asked for first, and kept
 * until the process ends.  Safe to call from several threads.  Built without cctz, no zone but UTC is known.
 */
#ifndef ENS_RUNTIME_ZONE_H
#define ENS_RUNTIME_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENS_ZONE_NAME_MAX_BYTES 64

/* What its clocks show at some time. */
struct ens_zone_clock {
	int64_t ahead_us;  /* of UTC; west of it negative */
	const char *name;  /* such as CET or CEST; kept as long as the zone */
};

bool ens_zone_known(const char *name, size_t len);
/* False: there is no such zone. */
bool ens_zone_at(const char *name, size_t len, int64_t us, struct ens_zone_clock *out);
/* When its clocks show `local_us` (microseconds as if they showed UTC): the first time of two where they are put back, the
 * moment of the jump where they are put forward over it.  False: there is no such zone, or no time for it. */
bool ens_zone_time(const char *name, size_t len, int64_t local_us, int64_t *us);

#endif
