/*
 * The clock for waiting and timeouts, and random bits.  Event time never comes from here: ticks are made from the Redis
 * server's clock.
 */
#ifndef ENS_RUNTIME_IO_CLOCK_H
#define ENS_RUNTIME_IO_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

int64_t ens_clock_us(void);            /* monotonic, never 0 */
void ens_clock_sleep(int64_t len_us);  /* returns early on a signal */

/* Bytes from the system's random source. */
enum ens_status ens_random(void *out, size_t len_bytes, struct ens_error *err) ENS_MUST_CHECK;

#endif
