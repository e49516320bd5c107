/*
 * Numbers from the thread that works to the one that answers.
 *
 * There are three arrays of numbers: the worker's, the published one, and the server's.  Publishing and looking copy one
 * onto the next under a mutex, which is held for that long and no longer; names are in the tables, which do not change.
 * Cost: for each number some nanoseconds once a second; nothing where nobody listens.
 * Tested by tests/cli/http.sh and tests/redis/http.sh.
 */
#define _GNU_SOURCE
#include "runtime/io/monitor.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/io/clock.h"
#include "runtime/io/log.h"

#define PUBLISH_US 1000000
#define TROUBLE_US 2000000 /* longer than the longest pause between two tries (runtime/io/redis_conn.c) */

struct ens_monitor {
	const struct ens_tables *t;
	struct ens_monitor_options options;
	struct ens_ceilings *ceilings;
	int64_t due_us, trouble_us;       /* trouble_us 0: there was none */
	uint64_t retries, connects;
	struct ens_http *http;            /* NULL: nobody listens; then there are no numbers */
	struct ens_metrics metrics;
	int64_t *number;                  /* the worker's */
	int64_t *seen;                    /* the server's */
	pthread_mutex_t mutex;            /* of the next two */
	int64_t *published;
	int64_t published_us;
	atomic_int readiness;             /* enum ens_readiness */
};

/* ---- pages: in the server's thread --------------------------------------------------------------------------------- */

static const char *const readiness_text[] = {
	[ENS_READY] = "ready",
	[ENS_STARTING] = "not ready: it is starting",
	[ENS_NOT_CONNECTED] = "not ready: Redis can't be reached, or refuses",
	[ENS_NO_LEASE] = "not ready: another worker has the lease of the job",
	[ENS_BEHIND] = "not ready: reading is behind by more than 10 s",
};

static void look(struct ens_monitor *m)
{
	const int readiness = atomic_load(&m->readiness);
	int64_t published_us;

	pthread_mutex_lock(&m->mutex);
	memcpy(m->seen, m->published, m->metrics.n * sizeof(*m->seen));
	published_us = m->published_us;
	pthread_mutex_unlock(&m->mutex);
	m->seen[ens_metrics_at(&m->metrics, ENS_METRIC_READY, 0, 0)] = readiness == ENS_READY;
	m->seen[ens_metrics_at(&m->metrics, ENS_METRIC_AGE, 0, 0)] = ens_clock_us() - published_us;
}

static int64_t seen(const struct ens_monitor *m, enum ens_metric metric, uint32_t i)
{
	return m->seen[ens_metrics_at(&m->metrics, metric, i, 0)];
}

/* In a column of its own; seconds where `seconds`. */
static void add_cell(struct ens_buf *b, int64_t n, bool seconds)
{
	struct ens_buf cell = ENS_BUF_EMPTY;

	if (n == ENS_METRIC_NOTHING)
		ens_buf_adds(&cell, "-");
	else if (seconds)
		ens_metrics_seconds(&cell, n);
	else
		ens_buf_addf(&cell, "%" PRId64, n);
	ens_buf_addf(b, "%20s", ens_buf_cstr(&cell));
	ens_buf_free(&cell);
}

static int64_t sum(const struct ens_monitor *m, enum ens_metric metric, uint32_t i, unsigned nreason)
{
	int64_t n = 0;

	for (unsigned k = 0; k < nreason; k++) {
		const int64_t one = m->seen[ens_metrics_at(&m->metrics, metric, i, k)];

		n += one == ENS_METRIC_NOTHING ? 0 : one;
	}
	return n;
}

static void add_streams(const struct ens_monitor *m, struct ens_buf *b)
{
	ens_buf_addf(b, "\n%20s%20s%20s%20s  %s\n", "entries", "dead letters", "lag (s)", "watermark", "stream");
	for (uint32_t i = 0; i < m->metrics.nstream; i++) {
		const int64_t watermark_us = seen(m, ENS_METRIC_WATERMARK, i);

		add_cell(b, seen(m, ENS_METRIC_ENTRIES, i), false);
		add_cell(b, sum(m, ENS_METRIC_LETTERS, i, ENS_NREJECT), false);
		add_cell(b, seen(m, ENS_METRIC_LAG, i), true);
		add_cell(b, watermark_us, true);
		ens_buf_adds(b, "  ");
		ens_buf_add_visible(b, m->metrics.stream[i], strlen(m->metrics.stream[i]));
		ens_buf_addc(b, '\n');
	}
}

static void add_rules(const struct ens_monitor *m, struct ens_buf *b)
{
	ens_buf_addf(b, "\n%20s%20s%20s%20s  %s\n", "emissions", "partial matches", "keys", "dropped", "rule");
	for (uint32_t i = 0; i < m->t->nrule; i++) {
		const struct ens_t_str name = m->t->rule[i].name;

		add_cell(b, seen(m, ENS_METRIC_EMITTED, i), false);
		add_cell(b, seen(m, ENS_METRIC_PARTIALS, i), false);
		add_cell(b, seen(m, ENS_METRIC_KEYS, i), false);
		add_cell(b, sum(m, ENS_METRIC_DROPPED, i, ENS_NCEILING), false);
		ens_buf_adds(b, "  ");
		ens_buf_add_visible(b, m->t->bytes + name.off, name.len);
		ens_buf_addc(b, '\n');
	}
}

static void add_status(const struct ens_monitor *m, struct ens_buf *b)
{
	ens_buf_adds(b, "Ensue, ");
	ens_buf_add_visible(b, m->options.title, strlen(m->options.title));
	ens_buf_addf(b, "\n%s\nnumbers of ", readiness_text[atomic_load(&m->readiness)]);
	ens_metrics_seconds(b, seen(m, ENS_METRIC_AGE, 0));
	ens_buf_adds(b, " s ago; /metrics has all of them\n");
	add_streams(m, b);
	add_rules(m, b);
}

static unsigned page(void *user, const char *path, struct ens_buf *body)
{
	struct ens_monitor *m = user;
	const int readiness = atomic_load(&m->readiness);

	if (strcmp(path, "/healthz") == 0) {
		ens_buf_adds(body, "ok\n");
		return 200;
	}
	if (strcmp(path, "/readyz") == 0) {
		ens_buf_addf(body, "%s\n", readiness_text[readiness]);
		return readiness == ENS_READY ? 200 : 503;
	}
	if (strcmp(path, "/") != 0 && strcmp(path, "/metrics") != 0) {
		ens_buf_adds(body, "there are /, /metrics, /healthz and /readyz\n");
		return 404;
	}
	look(m);
	if (path[1])
		ens_metrics_text(&m->metrics, m->seen, body);
	else
		add_status(m, body);
	return 200;
}

/* ---- numbers ------------------------------------------------------------------------------------------------------- */

int64_t ens_monitor_left_us(const struct ens_monitor *m)
{
	return m->due_us - ens_clock_us();
}

void ens_monitor_set(struct ens_monitor *m, enum ens_metric metric, uint32_t i, unsigned reason, int64_t value)
{
	if (m->http)
		m->number[ens_metrics_at(&m->metrics, metric, i, reason)] = value;
}

static void set_count(struct ens_monitor *m, enum ens_metric metric, uint32_t i, uint64_t n)
{
	ens_monitor_set(m, metric, i, 0, (int64_t)n);
}

static void gather_rule(struct ens_monitor *m, const struct ens_engine *e, uint32_t i)
{
	struct ens_rule_stats s;

	ens_engine_rule_stats(e, i, &s);
	set_count(m, ENS_METRIC_CONCERNED, i, s.concerned);
	set_count(m, ENS_METRIC_STARTED, i, s.started);
	set_count(m, ENS_METRIC_MATCHED, i, s.matched);
	set_count(m, ENS_METRIC_REFUSED, i, s.refused);
	set_count(m, ENS_METRIC_TIMED_OUT, i, s.timed_out);
	set_count(m, ENS_METRIC_EMITTED, i, s.emitted);
	set_count(m, ENS_METRIC_SUPPRESSED, i, s.suppressed);
	set_count(m, ENS_METRIC_PARTIALS, i, s.partials);
	set_count(m, ENS_METRIC_KEYS, i, s.keys);
	for (unsigned k = 0; k < ENS_NCEILING; k++)
		ens_monitor_set(m, ENS_METRIC_DROPPED, i, k, (int64_t)ens_ceiling_dropped(&s, k));
}

/* Types that come out of a stream; those that rules derive. */
static void gather_type(struct ens_monitor *m, const struct ens_engine *e, const struct ens_order *o, uint32_t i)
{
	const struct ens_order_type_counts c = ens_order_type_counts(o, i);

	if (m->t->type[i].streams.count) {
		set_count(m, ENS_METRIC_TAKEN, i, c.taken);
		set_count(m, ENS_METRIC_LATE, i, c.late);
		set_count(m, ENS_METRIC_ACCEPTED, i, c.accepted);
		set_count(m, ENS_METRIC_REPEATED, i, c.repeated);
	} else {
		set_count(m, ENS_METRIC_DERIVED, i, ens_engine_derived(e, i));
	}
}

void ens_monitor_gather(struct ens_monitor *m, const struct ens_engine *engine, const struct ens_order *order, bool last)
{
	const int64_t now_us = ens_clock_us();
	const struct ens_order_counts c = ens_order_counts(order);

	m->due_us = now_us + PUBLISH_US;
	ens_ceilings_tell(m->ceilings, engine, now_us, last, m->options.say, m->options.user);
	if (!m->http)
		return;
	for (uint32_t i = 0; i < m->t->nrule; i++)
		gather_rule(m, engine, i);
	for (uint32_t i = 0; i < m->t->ntype; i++)
		gather_type(m, engine, order, i);
	set_count(m, ENS_METRIC_WAITING, 0, ens_order_buffered(order));
	set_count(m, ENS_METRIC_UNIQUE, 0, c.remembered);
	set_count(m, ENS_METRIC_FORGOTTEN, 0, c.forgotten);
	set_count(m, ENS_METRIC_STATE_BYTES, 0, ens_engine_bytes(engine));
	set_count(m, ENS_METRIC_NULLED, 0, ens_engine_nulled(engine));
}

static void publish(struct ens_monitor *m)
{
	if (!m->http)
		return;
	pthread_mutex_lock(&m->mutex);
	memcpy(m->published, m->number, m->metrics.n * sizeof(*m->number));
	m->published_us = ens_clock_us();
	pthread_mutex_unlock(&m->mutex);
}

void ens_monitor_publish(struct ens_monitor *m, enum ens_readiness readiness)
{
	if (!m->trouble_us || ens_clock_us() - m->trouble_us > TROUBLE_US)
		atomic_store(&m->readiness, (int)readiness);
	publish(m);
}

/* ---- trouble ------------------------------------------------------------------------------------------------------- */

/* The run may hear nothing else for as long as it lasts, so what is counted here is published here. */
void ens_monitor_trouble(struct ens_monitor *m, enum ens_readiness what)
{
	if (!m)
		return;
	m->trouble_us = ens_clock_us();
	atomic_store(&m->readiness, (int)what);
	publish(m);
}

void ens_monitor_retried(struct ens_monitor *m)
{
	if (!m)
		return;
	set_count(m, ENS_METRIC_RETRIES, 0, ++m->retries);
	ens_monitor_trouble(m, ENS_NOT_CONNECTED);
}

void ens_monitor_connected(struct ens_monitor *m)
{
	if (m)
		set_count(m, ENS_METRIC_CONNECTS, 0, ++m->connects);
}

/* ---- opening and closing ------------------------------------------------------------------------------------------- */

static enum ens_status open_server(struct ens_monitor *m, struct ens_error *err)
{
	const struct ens_http_pages pages = {.page = page, .user = m};
	struct ens_buf line = ENS_BUF_EMPTY;
	enum ens_status status;

	ens_metrics_init(&m->metrics, m->t, m->options.stream, m->options.nstream);
	m->number = ens_metrics_numbers(&m->metrics);
	m->published = ens_metrics_numbers(&m->metrics);
	m->seen = ens_metrics_numbers(&m->metrics);
	if (!m->number || !m->published || !m->seen)
		return ens_fail(err, ENS_ENOMEM, "no memory for the numbers of the run");
	m->published_us = ens_clock_us();
	status = ens_http_open(m->options.http, &pages, &m->http, err);
	if (status != ENS_OK)
		return status;
	ens_buf_addf(&line, strchr(m->options.http->host, ':') ? "status and metrics at http://[%s]:%u/" : "status and metrics at http://%s:%u/",
		     m->options.http->host, (unsigned)ens_http_port(m->http));
	ens_log_info("%s", ens_buf_cstr(&line));
	ens_buf_free(&line);
	return ENS_OK;
}

enum ens_status ens_monitor_open(const struct ens_tables *t, const struct ens_monitor_options *o, struct ens_monitor **out,
				 struct ens_error *err)
{
	struct ens_monitor *m = calloc(1, sizeof(*m));
	enum ens_status status = ENS_OK;

	if (!m)
		return ens_fail(err, ENS_ENOMEM, "no memory to watch the run");
	m->t = t;
	m->options = *o;
	m->due_us = ens_clock_us() + PUBLISH_US;
	atomic_init(&m->readiness, ENS_STARTING);
	pthread_mutex_init(&m->mutex, NULL);
	m->ceilings = ens_ceilings_open(t);
	if (!m->ceilings)
		status = ens_fail(err, ENS_ENOMEM, "no memory to watch the run");
	if (status == ENS_OK && o->http)
		status = open_server(m, err);
	if (status != ENS_OK) {
		ens_monitor_close(m);
		return status;
	}
	*out = m;
	return ENS_OK;
}

void ens_monitor_close(struct ens_monitor *m)
{
	if (!m)
		return;
	ens_http_close(m->http);
	pthread_mutex_destroy(&m->mutex);
	ens_ceilings_close(m->ceilings);
	free(m->number);
	free(m->published);
	free(m->seen);
	free(m);
}
