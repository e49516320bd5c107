/*
 * Who watches a run from outside: its numbers over HTTP, and the log where something was dropped.
 *
 * The thread that works gathers the numbers, once a second, and publishes them as a copy; the server's thread knows only
 * that copy.  Except where it is said all calls are for the thread that works.  Times are those of runtime/io/clock.h.
 */
#ifndef ENS_RUNTIME_IO_MONITOR_H
#define ENS_RUNTIME_IO_MONITOR_H

#include "runtime/engine.h"
#include "runtime/io/http.h"
#include "runtime/io/metrics.h"
#include "runtime/order.h"

/* Whether the run does what it is for. */
enum ens_readiness {
	ENS_READY,
	ENS_STARTING,
	ENS_NOT_CONNECTED, /* Redis can't be reached, or refuses */
	ENS_NO_LEASE,      /* another worker has the job */
	ENS_BEHIND         /* reading is behind by more than ENS_BEHIND_US */
};
#define ENS_BEHIND_US INT64_C(10000000)

struct ens_monitor_options {
	const struct ens_http_address *http; /* NULL: nobody listens */
	const char *title;                   /* what is run, for the status page; borrowed */
	const char *const *stream;           /* names for the label `stream`, each once; borrowed */
	uint32_t nstream;
	void (*say)(void *user, const char *line); /* a line for the log */
	void *user;
};

struct ens_monitor;

/* `t` must outlive it.  ENS_EENV: nothing can listen there; ENS_ENOMEM. */
enum ens_status ens_monitor_open(const struct ens_tables *t, const struct ens_monitor_options *o, struct ens_monitor **out,
				 struct ens_error *err) ENS_MUST_CHECK;
void ens_monitor_close(struct ens_monitor *m); /* NULL is fine */

/* A try failed, or another worker is waited for: `what` holds until ens_monitor_publish says something else, two seconds or
 * more from now.  `m` NULL is fine. */
void ens_monitor_trouble(struct ens_monitor *m, enum ens_readiness what);
void ens_monitor_retried(struct ens_monitor *m);   /* counted; NULL is fine */
void ens_monitor_connected(struct ens_monitor *m); /* counted; NULL is fine */

/* Until the numbers are to be gathered again, a second after the last time; 0 or less: now. */
int64_t ens_monitor_left_us(const struct ens_monitor *m);
/* Sets a number that the caller knows; where and what as ens_metrics_at says. */
void ens_monitor_set(struct ens_monitor *m, enum ens_metric metric, uint32_t i, unsigned reason, int64_t value);
/* Gathers those of engine and order, and says what was dropped; `last`: at the end of the run, all that was not said yet. */
void ens_monitor_gather(struct ens_monitor *m, const struct ens_engine *engine, const struct ens_order *order, bool last);
/* Publishes what was set and gathered. */
void ens_monitor_publish(struct ens_monitor *m, enum ens_readiness readiness);

#endif
