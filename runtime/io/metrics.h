/*
 * The numbers of a run (runtime/io/metrics.def), and their text form for Prometheus (exposition format 0.0.4).
 *
 * All numbers are one array of 64-bit integers, so that a thread can take a copy of them as they were at one moment.
 */
#ifndef ENS_RUNTIME_IO_METRICS_H
#define ENS_RUNTIME_IO_METRICS_H

#include "base/buf.h"
#include "runtime/io/ceilings.h"
#include "runtime/tables.h"

enum ens_metric {
#define X(symbol, name, type, by, unit, help) ENS_METRIC_##symbol,
#include "runtime/io/metrics.def"
#undef X
	ENS_NMETRIC
};

#define ENS_METRIC_NOTHING INT64_MIN /* there is no such number (now): its line is left out */

/* Shapes and names of the numbers of one run; borrowed names. */
struct ens_metrics {
	const struct ens_tables *t;
	const char *const *stream; /* what the label `stream` says, each once */
	uint32_t nstream;
	size_t first[ENS_NMETRIC]; /* in an array of numbers: where a metric's begin */
	size_t n;                  /* length of such an array */
};

void ens_metrics_init(struct ens_metrics *m, const struct ens_tables *t, const char *const *stream, uint32_t nstream);
/* An array of numbers, each ENS_METRIC_NOTHING; freed with free().  NULL: no memory. */
int64_t *ens_metrics_numbers(const struct ens_metrics *m);

/* Where the number stands: `i`: of which stream, type or rule; `reason`: enum ens_reject_reason, enum ens_ceiling; else 0. */
size_t ens_metrics_at(const struct ens_metrics *m, enum ens_metric metric, uint32_t i, unsigned reason);

/* All that there are. */
void ens_metrics_text(const struct ens_metrics *m, const int64_t *number, struct ens_buf *out);

/* Seconds with microseconds. */
void ens_metrics_seconds(struct ens_buf *b, int64_t us);

#endif
