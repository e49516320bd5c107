/*
 * One run on Redis, from options to the end: job, engine, order, source and sink are opened, tied to the worker, and
 * closed.
 * Tested by tests/redis.
 */
#define _GNU_SOURCE
#include "runtime/io/redis_run.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/io/clock.h"
#include "runtime/io/log.h"
#include "runtime/io/monitor.h"
#include "runtime/io/redis_reply.h"
#include "runtime/io/redis_sink.h"
#include "runtime/io/redis_source.h"

#define COMMIT_ENTRIES 5000u
#define BLOCK_US 50000
#define READ_SIZE_MAX 100000u

struct run {
	const struct ens_tables *tables;
	const struct ens_redis_options *options;
	struct ens_redis_env env;
	struct ens_redis_job job;
	struct ens_redis_source *source;
	struct ens_redis_sink *sink;
	struct ens_worker worker;
	const char **stream;           /* names of the tables' streams, in `bytes` */
	struct ens_buf bytes, title;
};

static struct ens_redis_options with_defaults(const struct ens_redis_options *given)
{
	struct ens_redis_options o = *given;

	o.from = o.from ? o.from : "start";
	o.read_size = o.read_size ? o.read_size : 1000;
	o.commit_interval_us = o.commit_interval_us ? o.commit_interval_us : 5000;
	o.ahead = o.ahead ? o.ahead : 100000;
	o.dead_max = o.dead_max ? o.dead_max : 100000;
	return o;
}

/* ---- the clock --------------------------------------------------------------------------------------------------- */

static int64_t now_us(void *self)
{
	(void)self;
	return ens_clock_us();
}

static void wait_for_either(void *self, int64_t at_most_us, bool source_too)
{
	struct run *r = self;
	struct pollfd p[2];
	nfds_t n = 0;

	if (r->job.conn)
		p[n++] = (struct pollfd){.fd = ens_redis_fd(r->job.conn), .events = POLLIN};
	if (source_too && ens_redis_source_fd(r->source) >= 0)
		p[n++] = (struct pollfd){.fd = ens_redis_source_fd(r->source), .events = POLLIN};
	(void)poll(p, n, at_most_us <= 0 ? 0 : (int)((at_most_us + 999) / 1000));
}

/* ---- who watches ------------------------------------------------------------------------------------------------- */

static void say(void *user, const char *line)
{
	(void)user;
	ens_log_warn("%s", line);
}

static bool name_streams(struct run *r)
{
	const struct ens_tables *t = r->tables;
	size_t at = 0;

	r->stream = calloc((size_t)t->nstream + 1, sizeof(*r->stream));
	for (uint32_t i = 0; i < t->nstream; i++) {
		ens_buf_add(&r->bytes, t->bytes + t->stream[i].name.off, t->stream[i].name.len);
		ens_buf_addc(&r->bytes, '\0');
	}
	ens_buf_addf(&r->title, "job %s", r->options->job);
	if (!r->stream || r->bytes.failed || r->title.failed)
		return false;
	for (uint32_t i = 0; i < t->nstream; i++) {
		r->stream[i] = r->bytes.data + at;
		at += t->stream[i].name.len + 1;
	}
	return true;
}

static enum ens_status open_monitor(struct run *r, struct ens_error *err)
{
	if (!name_streams(r))
		return ens_fail(err, ENS_ENOMEM, "out of memory");

	const struct ens_monitor_options o = {.http = r->options->http, .title = ens_buf_cstr(&r->title), .say = say,
					      .stream = r->stream, .nstream = r->tables->nstream};

	const enum ens_status status = ens_monitor_open(r->tables, &o, &r->env.monitor, err);

	if (status == ENS_OK) {
		ens_monitor_set(r->env.monitor, ENS_METRIC_RETRIES, 0, 0, 0);
		ens_monitor_set(r->env.monitor, ENS_METRIC_CONNECTS, 0, 0, 0);
	}
	return status;
}

static void set(struct run *r, enum ens_metric metric, uint32_t stream, uint64_t n)
{
	ens_monitor_set(r->env.monitor, metric, stream, 0, (int64_t)n);
}

static void gather_stream(struct run *r, uint32_t i)
{
	const struct ens_stream_stats *s = &r->worker.of_stream[i];

	set(r, ENS_METRIC_ENTRIES, i, s->entries);
	set(r, ENS_METRIC_BYTES, i, s->bytes);
	set(r, ENS_METRIC_SKIPPED, i, s->skipped);
	for (unsigned k = ENS_REJECT_NO_TYPE + 1; k < ENS_NREJECT; k++)
		ens_monitor_set(r->env.monitor, ENS_METRIC_LETTERS, i, k, (int64_t)s->dead[k]);
	ens_monitor_set(r->env.monitor, ENS_METRIC_WATERMARK, i, 0, ens_order_watermark(r->worker.order, i));
	ens_monitor_set(r->env.monitor, ENS_METRIC_LAG, i, 0, s->lag_us);
	set(r, ENS_METRIC_IDLE, i, s->silent);
	set(r, ENS_METRIC_SILENCES, i, s->silences);
	set(r, ENS_METRIC_TICKS, i, s->ticks);
	set(r, ENS_METRIC_AHEAD, i, s->ahead_of_clock);
}

static enum ens_readiness readiness(const struct run *r)
{
	if (!r->worker.stats.reads)
		return ENS_STARTING;
	for (uint32_t i = 0; i < r->tables->nstream; i++)
		if (r->worker.of_stream[i].lag_us > ENS_BEHIND_US)
			return ENS_BEHIND;
	return ENS_READY;
}

static void gather(struct run *r, bool last)
{
	const struct ens_redis_sink_stats s = ens_redis_sink_stats(r->sink);

	for (uint32_t i = 0; i < r->tables->nstream; i++)
		gather_stream(r, i);
	set(r, ENS_METRIC_READS, 0, r->worker.stats.reads);
	set(r, ENS_METRIC_COMMITS, 0, s.commits);
	set(r, ENS_METRIC_PARKED, 0, s.parked);
	ens_monitor_gather(r->env.monitor, r->worker.engine, r->worker.order, last);
	ens_monitor_publish(r->env.monitor, readiness(r));
}

static void on_turn(void *self)
{
	struct run *r = self;

	if (ens_monitor_left_us(r->env.monitor) <= 0)
		gather(r, false);
}

/* ---- where a stream begins --------------------------------------------------------------------------------------- */

static enum ens_status ask_server(struct run *r, const char *command, const char *argument,
				  const struct ens_t_str *stream, struct redisReply **out, struct ens_error *err)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	enum ens_status status;

	ens_resp_begin(&b, argument ? 3 : 2);
	ens_resp_text(&b, command);
	if (argument)
		ens_resp_text(&b, argument);
	ens_resp_arg(&b, r->tables->bytes + stream->off, stream->len);
	status = ens_redis_call(r->job.conn, &b, out, err);
	ens_buf_free(&b);
	if (status == ENS_OK && (*out)->type == REDIS_REPLY_ERROR && strstr((*out)->str, "no such key") == NULL) {
		status = ens_redis_refused(&r->env, "looking at the streams", (*out)->str, err);
		ens_redis_free(*out);
	}
	return status;
}

/* `--from now`: behind the newest entry, also if that was deleted. */
static enum ens_status find_end(struct run *r, const struct ens_t_str *stream, struct ens_entry_at *out,
				struct ens_error *err)
{
	struct redisReply *info = NULL;
	enum ens_status status = ask_server(r, "XINFO", "STREAM", stream, &info, err);

	if (status != ENS_OK)
		return status;
	*out = (struct ens_entry_at){0, 0}; /* the stream is not there yet */
	for (size_t i = 0; info->type == REDIS_REPLY_ARRAY && i + 1 < info->elements; i += 2) {
		const struct redisReply *name = info->element[i], *value = info->element[i + 1];

		if (name->type == REDIS_REPLY_STRING && value->type == REDIS_REPLY_STRING &&
		    strcmp(name->str, "last-generated-id") == 0 && !ens_entry_id_parse(value->str, value->len, out))
			status = ens_fail(err, ENS_EENV, "Redis gave a strange answer to XINFO STREAM");
	}
	ens_redis_free(info);
	return status;
}

static bool is_word(const char *s, const char *word)
{
	return strcmp(s, word) == 0;
}

/* An entry ID (that entry is the first read) or a time. */
static enum ens_status parse_from(const char *from, struct ens_entry_at *out, struct ens_error *err)
{
	int64_t us;

	if (!ens_entry_id_parse(from, strlen(from), out)) {
		if (!ens_parse_time(from, strlen(from), ENS_UNIT_AUTO, &us) || us < 0)
			return ens_fail(err, ENS_EINPUT,
					"--from %s is not understood: it is start, now, an entry ID such as "
					"1700000000000-0, or a "
					"time such as 2026-01-05T08:00:00Z",
					from);
		*out = (struct ens_entry_at){(uint64_t)us / 1000, 0};
	}
	if (out->seq > 0)
		out->seq--;
	else if (out->ms > 0)
		*out = (struct ens_entry_at){out->ms - 1, UINT64_MAX};
	return ENS_OK;
}

static enum ens_status begin_stream(struct run *r, uint32_t i, struct ens_error *err)
{
	struct ens_stream_progress *s = &r->worker.progress.stream[i];
	const char *from = r->options->from;
	enum ens_status status = ENS_OK;

	if (is_word(from, "now"))
		status = find_end(r, &r->tables->stream[i].name, &s->resume, err);
	else if (!is_word(from, "start"))
		status = parse_from(from, &s->resume, err);
	s->read = s->resume;
	return status;
}

/* One line: the stream, where reading begins, and how much there is. */
static enum ens_status tell_stream(struct run *r, uint32_t i, struct ens_error *err)
{
	const struct ens_stream_progress *s = &r->worker.progress.stream[i];
	const struct ens_t_str *name = &r->tables->stream[i].name;
	const char *text = r->tables->bytes + name->off;
	struct redisReply *reply = NULL;
	enum ens_status status = ask_server(r, "XLEN", NULL, name, &reply, err);
	long long len;

	if (status != ENS_OK)
		return status;
	len = reply->type == REDIS_REPLY_INTEGER ? reply->integer : 0;
	if (s->resume.ms == 0 && s->resume.seq == 0)
		ens_log_info("reading %.*s from its start (%lld entries so far)", (int)name->len, text, len);
	else
		ens_log_info("reading %.*s behind %llu-%llu (%lld entries in all, %llu processed)", (int)name->len,
			     text, (unsigned long long)s->resume.ms, (unsigned long long)s->resume.seq, len,
			     (unsigned long long)s->count);
	ens_redis_free(reply);
	return ENS_OK;
}

static enum ens_status check_source_type(struct run *r, uint32_t i, struct ens_error *err)
{
	const struct ens_t_str *name = &r->tables->stream[i].name;
	struct redisReply *reply = NULL;
	enum ens_status status = ask_server(r, "TYPE", NULL, name, &reply, err);

	if (status != ENS_OK)
		return status;
	if (reply->type == REDIS_REPLY_STATUS && !is_word(reply->str, "stream") && !is_word(reply->str, "none"))
		status = ens_fail(err, ENS_EENV, "the key %.*s is a %s, but the rules read it as a stream",
				  (int)name->len, r->tables->bytes + name->off, reply->str);
	ens_redis_free(reply);
	return status;
}

static enum ens_status place_streams(struct run *r, struct ens_error *err)
{
	enum ens_status status = ENS_OK;

	for (uint32_t i = 0; i < r->tables->nstream && status == ENS_OK; i++) {
		if (!r->worker.progress.stream[i].known)
			status = begin_stream(r, i, err);
		if (status == ENS_OK)
			status = tell_stream(r, i, err);
	}
	return status;
}

/* ---- opening and closing ----------------------------------------------------------------------------------------- */

static enum ens_status check_options(const struct ens_redis_options *o, const struct ens_tables *t,
				     struct ens_error *err)
{
	struct ens_entry_at at;

	if (!ens_redis_job_name_valid(o->job))
		return ens_fail(err, ENS_EINPUT,
				"--job takes a name of at most 64 letters, digits, dots, dashes and underscores");
	if (o->read_size == 0 || o->read_size > READ_SIZE_MAX)
		return ens_fail(err, ENS_EINPUT, "--read-size takes a number from 1 to %u", READ_SIZE_MAX);
	if (o->commit_interval_us < 0 || o->give_up_us < 0)
		return ens_fail(err, ENS_EINPUT, "durations can't be negative");
	if (t->nstream == 0)
		return ens_fail(err, ENS_EINPUT, "the rules read no stream");
	if (is_word(o->from, "start") || is_word(o->from, "now"))
		return ENS_OK;
	return parse_from(o->from, &at, err);
}

/* A server that is not there is said at once; one that is loading its data is waited for. */
static enum ens_status connect_first(struct run *r, struct ens_error *err)
{
	struct ens_redis_patience patience = {0};
	enum ens_status status;

	do {
		status = ens_redis_job_connect(&r->job, err);
	} while (status == ENS_EEND && !*r->options->stop && ens_redis_wait(&r->env, &patience, err) == ENS_OK);
	r->env.starting = false;
	return status;
}

static enum ens_status open_job(struct run *r, struct ens_error *err)
{
	enum ens_status status = ens_redis_job_init(&r->job, &r->env, r->tables, r->options->job, err);

	if (status == ENS_OK)
		status = connect_first(r, err);
	for (uint32_t i = 0; i < r->tables->nstream && status == ENS_OK; i++)
		status = check_source_type(r, i, err);
	if (status == ENS_OK)
		status = ens_redis_job_start(&r->job, &r->worker.progress, err);
	if (status == ENS_OK)
		status = place_streams(r, err);
	return status == ENS_EEND && !*r->options->stop ? ENS_EENV : status;
}

static enum ens_status open_rest(struct run *r, struct ens_error *err)
{
	const struct ens_redis_options *o = r->options;
	const struct ens_redis_source_options source = {.read_size = o->read_size, .max_skew_us = o->max_skew_us};
	const struct ens_redis_sink_options sink = {.provenance = !o->no_provenance, .dead_max = o->dead_max};
	struct ens_engine_options engine = {.emissions_per_event = o->max_emissions, .no_shared_matches = o->no_shared_matches,
					    .index_waiting_from = o->index_waiting_from};
	struct ens_worker *w = &r->worker;
	enum ens_status status = ens_redis_sink_open(&r->job, &sink, &w->progress, &r->sink, err);

	if (status == ENS_OK)
		status = ens_redis_source_open(&r->env, r->tables, &source, &w->progress, &r->source, err);
	if (status == ENS_OK)
		status = ens_random(&engine.seed, sizeof(engine.seed), err);
	if (status == ENS_OK) {
		engine.sink = ens_redis_sink_emissions(r->sink);
		status = ens_engine_open(r->tables, &engine, &w->engine, err);
	}
	if (status == ENS_OK)
		status = ens_order_open(r->tables, w->engine, false, &w->order, err);
	if (status != ENS_OK)
		return status;
	w->tables = r->tables;
	w->source = ens_redis_source_interface(r->source);
	w->sink = ens_redis_sink_interface(r->sink);
	w->clock = (struct ens_clock){.self = r, .now_us = now_us, .wait = wait_for_either, .turn = on_turn};
	w->options = (struct ens_worker_options){
		.commit_interval_us = o->commit_interval_us,
		.commit_entries = COMMIT_ENTRIES,
		.block_us = BLOCK_US,
		.ahead = o->ahead,
		.stop = o->stop,
	};
	return ENS_OK;
}

/* Each line is there only if there is something to say. */
static void tell_time(const struct run *r)
{
	const struct ens_worker_stats *w = &r->worker.stats;
	const struct ens_order_counts c = ens_order_counts(r->worker.order);
	uint64_t silences = 0, ahead = 0;

	for (uint32_t i = 0; i < r->tables->nstream; i++) {
		silences += r->worker.of_stream[i].silences;
		ahead += r->worker.of_stream[i].ahead_of_clock;
	}
	if (c.late + c.accepted > 0)
		ens_log_info("late events: %llu (%llu taken all the same, %llu dropped, %llu to streams of their own)",
			     (unsigned long long)(c.late + c.accepted), (unsigned long long)c.accepted,
			     (unsigned long long)w->late_dropped, (unsigned long long)w->late_to);
	if (c.repeated > 0)
		ens_log_info("repeats dropped (`unique`): %llu", (unsigned long long)c.repeated);
	if (c.forgotten > 0)
		ens_log_warn("values of `unique` fields forgotten early, as more than %u would have been held: %llu",
			     ENS_UNIQUE_MAX, (unsigned long long)c.forgotten);
	if (silences > 0)
		ens_log_info("streams without an entry for their idle time: %llu times", (unsigned long long)silences);
	if (ahead > 0)
		ens_log_warn("reads that brought IDs ahead of the server's clock: %llu; time has gone on to them",
			     (unsigned long long)ahead);
}

static void tell_end(struct run *r)
{
	const struct ens_worker_stats *w = &r->worker.stats;
	struct ens_redis_sink_stats s;

	if (!r->sink)
		return;
	s = ens_redis_sink_stats(r->sink);
	ens_log_info("job %s ends: %llu entries, %llu events, %llu emissions, %llu dead letters, %llu entries of no "
		     "type, %llu commits",
		     r->options->job, (unsigned long long)w->entries, (unsigned long long)w->events,
		     (unsigned long long)s.emissions, (unsigned long long)(w->dead + s.parked),
		     (unsigned long long)w->skipped, (unsigned long long)s.commits);
	tell_time(r);
	gather(r, true);
}

static void close_all(struct run *r)
{
	if (r->worker.order)
		ens_order_close(r->worker.order);
	if (r->worker.engine)
		ens_engine_close(r->worker.engine);
	ens_redis_source_close(r->source);
	ens_redis_sink_close(r->sink);
	ens_redis_job_free(&r->job);
	ens_progress_free(&r->worker.progress);
	free(r->worker.of_stream);
	ens_monitor_close(r->env.monitor);
	free(r->stream);
	ens_buf_free(&r->bytes);
	ens_buf_free(&r->title);
}

enum ens_status ens_run_redis(const struct ens_tables *tables, const struct ens_redis_options *options,
			      struct ens_error *err)
{
	const struct ens_redis_options o = with_defaults(options);
	struct run r = {.tables = tables, .options = &o};
	enum ens_status status = check_options(&o, tables, err);

	if (status != ENS_OK)
		return status;
	err->text[0] = '\0';
	ens_log_quiet(o.quiet);
	r.env = (struct ens_redis_env){
		.address = o.address, .give_up_us = o.give_up_us, .stop = o.stop, .starting = true};
	status = ens_progress_init(tables, &r.worker.progress);
	r.worker.of_stream = calloc((size_t)tables->nstream + 1, sizeof(*r.worker.of_stream));
	if (!r.worker.of_stream)
		status = ENS_ENOMEM;
	if (status == ENS_OK)
		status = open_monitor(&r, err);
	if (status == ENS_OK)
		status = open_job(&r, err);
	if (status == ENS_OK)
		status = open_rest(&r, err);
	if (status == ENS_OK && o.hooks.begin)
		status = o.hooks.begin(o.hooks.user, r.worker.engine, r.worker.order);
	if (status == ENS_OK) {
		ens_log_info("job %s runs on %s", o.job, o.address->shown);
		status = ens_worker_run(&r.worker, err);
		tell_end(&r);
		if (o.hooks.end)
			o.hooks.end(o.hooks.user, r.worker.engine, r.worker.order);
	}
	if (status != ENS_EFENCED)
		ens_redis_job_release(&r.job);
	if (status == ENS_EEND) /* asked to stop before it began */
		status = ENS_OK;
	close_all(&r);
	return status;
}
