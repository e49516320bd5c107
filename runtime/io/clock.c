/*
 * The system's monotonic clock, sleeping and random bits.  Tested through the users: runtime/io/redis_*.c.
 */
#define _GNU_SOURCE
#include "runtime/io/clock.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

int64_t ens_clock_us(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
		return 1;
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + 1;
}

void ens_clock_sleep(int64_t len_us)
{
	struct timespec len;

	if (len_us <= 0)
		return;
	len.tv_sec = (time_t)(len_us / 1000000);
	len.tv_nsec = (long)(len_us % 1000000) * 1000;
	(void)nanosleep(&len, NULL);
}

enum ens_status ens_random(void *out, size_t len_bytes, struct ens_error *err)
{
	unsigned char *at = out;
	size_t done = 0;

	while (done < len_bytes) {
		ssize_t n = getrandom(at + done, len_bytes - done, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ens_fail(err, ENS_EENV, "the system gives no random numbers");
		done += (size_t)n;
	}
	return ENS_OK;
}
