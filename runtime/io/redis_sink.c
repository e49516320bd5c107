/*
 * The writing side of a run: a queue of emissions, and one commit under way.
 *
 * A commit is one command, kept whole until its fate is known.  The answer OK or ALREADY settles it.  An error that
 * passes (BUSY, OOM ...) sends the same bytes again.  A lost answer is found out about with a new lease, which fences
 * the old command wherever it still is: if the head is at the commit with our chain it was made, if it is one before
 * with our chain it was not and is sent again under the new owner; anything else is not ours and ends the run.
 * chain(n) = XXH3-128 of chain(n-1), journal record n and the bytes of its emissions; the owner is not part of it.
 *
 * Emissions of one event stay in one commit, however many they are, up to QUEUE_MAX_ARGS and QUEUE_MAX_BYTES (Redis
 * takes a million arguments).  What goes beyond that is sent ahead, with the progress of the commit before: a crash
 * just then may double or lose some of them.  It takes some ten thousand emissions at once, which only deadlines of as
 * many partial matches make.
 * Tested by tests/redis.
 */
#include "runtime/io/redis_sink.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "runtime/emission.h"
#include "runtime/io/clock.h"
#include "runtime/io/log.h"

#define COMMIT_EMISSIONS 1000u /* a commit should not hold the server for longer than about a millisecond */
#define COMMIT_BYTES ((size_t)1 << 20)
#define QUEUE_MAX_ARGS 400000u
#define QUEUE_MAX_BYTES ((size_t)64 << 20)
#define JOURNAL_KEPT 1000u                  /* records; nothing replays them yet */
#define DEAD_PAIRS_MAX 1000u                /* own fields of a dead letter; Lua unpacks some 8,000 values at most */

enum flight { NOTHING, COMMIT, RENEWAL };

struct ens_redis_sink {
	struct ens_redis_job *job;
	struct ens_redis_sink_options options;
	struct ens_error *err;
	struct ens_progress last;       /* of the last commit sent */
	struct ens_buf queue;           /* arguments of emissions, as the server wants them */
	size_t queued_args;
	uint32_t queued;                /* emissions and dead letters */
	struct ens_emission_fields fields;
	enum flight flight;
	struct ens_buf command;         /* the commit under way */
	size_t owner_at;                /* where the owner stands in it */
	char chain[ENS_REDIS_HEX + 1];  /* its chain */
	uint32_t flight_emissions;
	int64_t deadline_us;            /* its answer is lost if it isn't there by then */
	struct ens_redis_patience patience;
	struct ens_buf head, record, scratch;
	struct ens_redis_sink_stats stats;
	struct ens_log_often parked_often, missing_often, dead_often;
};

/* ---- the queue --------------------------------------------------------------------------------------------------- */

static enum ens_status settle(void *self, bool wait, bool *idle, struct ens_error *err);
static enum ens_status commit(void *self, const struct ens_progress *p, struct ens_error *err);

static void queue_begin(struct ens_redis_sink *s, uint32_t key, size_t npair)
{
	ens_resp_number(&s->queue, key + 1u); /* Lua counts from 1 */
	ens_resp_number(&s->queue, 2 * npair);
	s->queued_args += 2 + 2 * npair;
	s->queued++;
}

/* More than one command may have: this much goes ahead with the progress of the commit before. */
static enum ens_status send_ahead(struct ens_redis_sink *s)
{
	bool idle;
	enum ens_status status = settle(s, true, &idle, s->err);

	return status == ENS_OK ? commit(s, &s->last, s->err) : status;
}

static enum ens_status emit(void *user, const struct ens_emission *e)
{
	struct ens_redis_sink *s = user;
	const struct ens_tables *t = s->job->tables;

	ens_emission_fields_clear(&s->fields);
	if (ens_emission_pairs(t, e, s->options.provenance, &s->fields) != ENS_OK)
		return ens_fail(s->err, ENS_ENOMEM, "out of memory for an emission");
	queue_begin(s, s->job->emit_key[e->emit], s->fields.nslice / 2);
	for (size_t i = 0; i < s->fields.nslice; i++)
		ens_resp_arg(&s->queue, s->fields.bytes.data + s->fields.slice[i].off, s->fields.slice[i].len);
	s->stats.emissions++;
	if (s->queue.failed)
		return ens_fail(s->err, ENS_ENOMEM, "out of memory for emissions");
	return s->queued_args > QUEUE_MAX_ARGS || s->queue.len > QUEUE_MAX_BYTES ? send_ahead(s) : ENS_OK;
}

static void add_text_pair(struct ens_redis_sink *s, const char *name, const char *value)
{
	ens_resp_text(&s->queue, name);
	ens_resp_text(&s->queue, value);
}

/*
 * runtime.md section 6: reason, detail, where it was; then, behind their number, the entry's own fields, so that those
 * may have any names.
 */
static void queue_letter(struct ens_redis_sink *s, uint32_t key, const struct ens_reject *r)
{
	const struct ens_tables *t = s->job->tables;
	const struct ens_t_str stream = t->stream[r->id.stream].name;
	const uint32_t own = r->nraw < DEAD_PAIRS_MAX ? r->nraw : DEAD_PAIRS_MAX;
	const bool cut = r->cut || own < r->nraw;

	queue_begin(s, key, 5u + (r->field ? 1u : 0u) + (cut ? 1u : 0u) + own);
	add_text_pair(s, "_reason", ens_reject_code(r->reason));
	add_text_pair(s, "_detail", r->detail);
	ens_resp_text(&s->queue, "_stream");
	ens_resp_arg(&s->queue, t->bytes + stream.off, stream.len);
	ens_buf_clear(&s->scratch);
	ens_entry_id_format(&s->scratch, (struct ens_entry_at){r->id.ms, r->id.seq});
	add_text_pair(s, "_id", ens_buf_cstr(&s->scratch));
	if (r->field)
		add_text_pair(s, "_field", r->field);
	if (cut)
		add_text_pair(s, "_cut", "true");
	ens_resp_text(&s->queue, "_own");
	ens_resp_number(&s->queue, own);
	for (uint32_t i = 0; i < own; i++) {
		ens_resp_arg(&s->queue, r->raw[i].name, r->raw[i].name_len);
		ens_resp_arg(&s->queue, r->raw[i].s, r->raw[i].len);
	}
	ens_log_often(&s->dead_often, "entry %s of %.*s goes to %s (%.*s): %s%s%s", ens_buf_cstr(&s->scratch),
		      (int)stream.len, t->bytes + stream.off, key == ENS_REDIS_DEAD ? "the dead letters" : "the late ones",
		      (int)s->job->key[key].len, s->job->key[key].s, r->field ? r->field : "", r->field ? ": " : "",
		      r->detail);
}

static enum ens_status letter_status(const struct ens_redis_sink *s, struct ens_error *err)
{
	return s->queue.failed || s->scratch.failed ? ens_fail(err, ENS_ENOMEM, "out of memory for dead letters") : ENS_OK;
}

static enum ens_status dead(void *self, const struct ens_reject *r, struct ens_error *err)
{
	struct ens_redis_sink *s = self;

	queue_letter(s, ENS_REDIS_DEAD, r);
	return letter_status(s, err);
}

static enum ens_status late(void *self, const struct ens_reject *r, uint32_t type, struct ens_error *err)
{
	struct ens_redis_sink *s = self;

	queue_letter(s, s->job->late_key[type], r);
	return letter_status(s, err);
}

static bool pending(void *self)
{
	const struct ens_redis_sink *s = self;

	return s->queued > 0;
}

static bool full(void *self)
{
	const struct ens_redis_sink *s = self;

	return s->queued >= COMMIT_EMISSIONS || s->queue.len >= COMMIT_BYTES;
}

/* ---- a commit's bytes -------------------------------------------------------------------------------------------- */

static size_t add_pair(struct ens_buf *b, const char *name, const char *value)
{
	ens_resp_text(b, name);
	ens_resp_text(b, value);
	return 2;
}

/* The job's identity and progress.  Returns the number of arguments. */
static size_t build_head(struct ens_redis_sink *s, const struct ens_progress *p)
{
	char fingerprint[33];
	size_t n = 0;

	ens_tables_fingerprint(s->job->tables, fingerprint);
	ens_buf_clear(&s->head);
	n += add_pair(&s->head, "format", "1");
	n += add_pair(&s->head, "tables", fingerprint);
	return n + ens_redis_job_add_progress(s->job, p, &s->head);
}

/* What was done: per source the entries from where to where and how many, watermarks moved, number of emissions. */
static size_t build_record(struct ens_redis_sink *s, const struct ens_progress *p)
{
	const struct ens_tables *t = s->job->tables;
	char fingerprint[33];
	size_t n = 0;

	ens_tables_fingerprint(t, fingerprint);
	ens_buf_clear(&s->record);
	n += add_pair(&s->record, "tables", fingerprint);
	for (uint32_t i = 0; i < p->nstream; i++) {
		const struct ens_stream_progress *now = &p->stream[i], *before = &s->last.stream[i];

		if (now->read.ms == before->read.ms && now->read.seq == before->read.seq &&
		    now->watermark_us == before->watermark_us)
			continue;
		ens_buf_clear(&s->scratch);
		ens_buf_adds(&s->scratch, "in:");
		ens_buf_add(&s->scratch, t->bytes + t->stream[i].name.off, t->stream[i].name.len);
		ens_resp_arg(&s->record, s->scratch.data, s->scratch.len);
		ens_buf_clear(&s->scratch);
		ens_entry_id_format(&s->scratch, before->read);
		ens_buf_addc(&s->scratch, ' ');
		ens_entry_id_format(&s->scratch, now->read);
		ens_buf_addf(&s->scratch, " %llu %lld", (unsigned long long)(now->count - before->count),
			     (long long)now->watermark_us);
		ens_resp_arg(&s->record, s->scratch.data, s->scratch.len);
		n += 2;
	}
	ens_resp_text(&s->record, "emissions");
	ens_resp_number(&s->record, s->queued);
	return n + 2;
}

static void hash_chain(struct ens_redis_sink *s)
{
	XXH3_state_t *state = XXH3_createState();
	XXH128_hash_t h;

	if (!state) {
		s->command.failed = true;
		return;
	}
	XXH3_128bits_reset(state);
	XXH3_128bits_update(state, s->job->chain, strlen(s->job->chain));
	XXH3_128bits_update(state, s->record.data, s->record.len);
	if (s->queue.len > 0)
		XXH3_128bits_update(state, s->queue.data, s->queue.len);
	h = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	(void)snprintf(s->chain, sizeof(s->chain), "%016llx%016llx", (unsigned long long)h.high64,
		       (unsigned long long)h.low64);
}

static void build_command(struct ens_redis_sink *s, const struct ens_progress *p)
{
	struct ens_redis_job *j = s->job;
	size_t nhead = build_head(s, p);
	size_t nrecord = build_record(s, p);
	struct ens_buf *b = &s->command;

	ens_buf_clear(b);
	hash_chain(s);
	nrecord += add_pair(&s->record, "chain", s->chain);
	ens_redis_job_begin(j, ENS_REDIS_COMMIT, 7 + 1 + nhead + 1 + nrecord + s->queued_args, b);
	s->owner_at = b->len + 5; /* behind $32 CR LF */
	ens_resp_text(b, j->owner);
	ens_resp_number(b, j->commit + 1);
	ens_resp_text(b, j->chain);
	ens_resp_text(b, s->chain);
	ens_resp_number(b, ENS_REDIS_LEASE_US / 1000);
	ens_resp_number(b, s->options.dead_max);
	ens_resp_number(b, JOURNAL_KEPT);
	ens_resp_number(b, nhead);
	ens_buf_add(b, s->head.data, s->head.len);
	ens_resp_number(b, nrecord);
	ens_buf_add(b, s->record.data, s->record.len);
	ens_buf_add(b, s->queue.data, s->queue.len);
	b->failed |= s->head.failed || s->record.failed || s->scratch.failed || s->queue.failed;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static enum ens_status send_flight(struct ens_redis_sink *s, struct ens_error *err)
{
	struct ens_redis_job *j = s->job;

	s->deadline_us = ens_clock_us() + ENS_REDIS_TIMEOUT_US;
	if (s->flight == COMMIT) {
		memcpy(s->command.data + s->owner_at, j->owner, ENS_REDIS_HEX);
		return ens_redis_send(j->conn, &s->command, err);
	}
	ens_buf_clear(&s->scratch);
	ens_redis_job_begin(j, ENS_REDIS_RENEW, 2, &s->scratch);
	ens_resp_text(&s->scratch, j->owner);
	ens_resp_number(&s->scratch, ENS_REDIS_LEASE_US / 1000);
	return ens_redis_send(j->conn, &s->scratch, err);
}

static void settled(struct ens_redis_sink *s)
{
	if (s->flight == COMMIT) {
		s->job->commit++;
		strcpy(s->job->chain, s->chain);
		s->stats.commits++;
	}
	s->flight = NOTHING;
	s->job->renewed_us = ens_clock_us();
	s->patience = (struct ens_redis_patience){0};
}

static enum ens_status diverged(const struct ens_redis_sink *s, struct ens_error *err)
{
	return ens_fail(
		err, ENS_EENV,
		"the state of job %s on Redis is not the one this worker wrote (the server may have lost its newest "
		"writes, or another worker wrote): stopped; start it again to go on from what is there",
		s->job->name);
}

/* The connection is gone, with or without a commit under way: see the head of this file.  ENS_EEND: gone again. */
static enum ens_status recover_once(struct ens_redis_sink *s, struct ens_error *err)
{
	struct ens_redis_job *j = s->job;
	char chain[ENS_REDIS_HEX + 1];
	uint64_t commit_now;
	enum ens_status status = ens_redis_job_recover(j, &commit_now, chain, err);

	if (status != ENS_OK)
		return status;
	if (s->flight == COMMIT && commit_now == j->commit + 1 && strcmp(chain, s->chain) == 0) {
		settled(s);
		return ENS_OK;
	}
	if (commit_now != j->commit || strcmp(chain, j->chain) != 0)
		return diverged(s, err);
	if (s->flight == COMMIT)
		return send_flight(s, err);
	s->flight = NOTHING; /* the lease has just been renewed */
	return ENS_OK;
}

static enum ens_status recover(struct ens_redis_sink *s, struct ens_error *err)
{
	enum ens_status status;

	do {
		status = recover_once(s, err);
	} while (status == ENS_EEND);
	return status;
}

/* ENS_OK: sent again. */
static enum ens_status refused(struct ens_redis_sink *s, const char *error, struct ens_error *err)
{
	enum ens_status status;

	switch (ens_redis_judge(error)) {
	case ENS_REDIS_RETRY:
		(void)ens_fail(err, ENS_EEND, "Redis at %s does not take a commit now: %s", s->job->env->address->shown,
			       error);
		status = ens_redis_wait(s->job->env, &s->patience, err);
		return status == ENS_OK ? send_flight(s, err) : status;
	case ENS_REDIS_RECONNECT:
		return ens_fail(err, ENS_EEND, "Redis at %s does not take a commit: %s", s->job->env->address->shown,
				error);
	case ENS_REDIS_NOSCRIPT:
		status = ens_redis_job_load_scripts(s->job, err);
		return status == ENS_OK ? send_flight(s, err) : status;
	case ENS_REDIS_STOP:
		break;
	}
	return ens_redis_refused(s->job->env, "a commit", error, err);
}

static bool is_text(const struct redisReply *r, size_t i, const char **out)
{
	if (r->type != REDIS_REPLY_ARRAY || i >= r->elements || r->element[i]->type != REDIS_REPLY_STRING)
		return false;
	*out = r->element[i]->str;
	return true;
}

/* A key of ours is not the stream it should be.  Somebody deleted it: it is made again, and the same commit sent. */
static enum ens_status mend_key(struct ens_redis_sink *s, const struct redisReply *r, struct ens_error *err)
{
	const char *key = "", *kind = "";
	enum ens_status status;

	if (!is_text(r, 1, &key) || !is_text(r, 2, &kind) || strcmp(kind, "none") != 0)
		return ens_fail(err, ENS_EENV, "the key %s is to be a stream, but it is a %s now", key, kind);
	ens_log_often(&s->missing_often, "the stream %s was deleted; it is created again", key);
	status = ens_redis_job_prepare(s->job, err);
	return status == ENS_OK ? send_flight(s, err) : status;
}

static void note_parked(struct ens_redis_sink *s, const struct redisReply *r)
{
	const char *why = "";

	if (r->elements < 3 || r->element[1]->type != REDIS_REPLY_INTEGER || r->element[1]->integer <= 0 ||
	    !is_text(r, 2, &why))
		return;
	s->stats.parked += (uint64_t)r->element[1]->integer;
	ens_log_often(&s->parked_often,
		      "%lld emissions could not be appended and are among the dead letters (%.*s): %s",
		      r->element[1]->integer, (int)s->job->key[ENS_REDIS_DEAD].len, s->job->key[ENS_REDIS_DEAD].s, why);
}

static enum ens_status judge_answer(struct ens_redis_sink *s, const struct redisReply *r, struct ens_error *err)
{
	const char *word = "";

	if (r->type == REDIS_REPLY_ERROR)
		return refused(s, r->str, err);
	if (!is_text(r, 0, &word))
		return ens_fail(err, ENS_EENV, "Redis at %s gave a strange answer to a commit",
				s->job->env->address->shown);
	if (strcmp(word, "OK") == 0 || strcmp(word, "ALREADY") == 0) {
		note_parked(s, r);
		settled(s);
		return ENS_OK;
	}
	if (strcmp(word, "FENCED") == 0)
		return ens_redis_job_fenced(s->job, err);
	if (strcmp(word, "GONE") == 0)
		return ens_redis_job_gone(s->job, err);
	if (strcmp(word, "KEY") == 0)
		return mend_key(s, r, err);
	return diverged(s, err);
}

/* Looks for the answer of what is under way. */
static enum ens_status poll_answer(struct ens_redis_sink *s, int64_t wait_us, struct ens_error *err)
{
	struct redisReply *reply = NULL;
	enum ens_status status = s->job->conn ? ens_redis_answer(s->job->conn, wait_us, &reply, err) : ENS_EEND;

	if (status == ENS_OK && reply)
		status = judge_answer(s, reply, err);
	else if (status == ENS_OK && ens_clock_us() > s->deadline_us)
		status = ens_fail(err, ENS_EEND, "Redis at %s does not answer", s->job->env->address->shown);
	ens_redis_free(reply);
	return status == ENS_EEND ? recover(s, err) : status;
}

/* ---- the interface ----------------------------------------------------------------------------------------------- */

static enum ens_status renew(struct ens_redis_sink *s, struct ens_error *err)
{
	enum ens_status status;

	s->flight = RENEWAL;
	status = s->job->conn ? send_flight(s, err) : ENS_EEND;
	return status == ENS_EEND ? recover(s, err) : status;
}

static enum ens_status settle(void *self, bool wait, bool *idle, struct ens_error *err)
{
	struct ens_redis_sink *s = self;
	enum ens_status status = ENS_OK;

	if (s->flight == NOTHING && ens_clock_us() - s->job->renewed_us > ENS_REDIS_RENEW_US)
		status = renew(s, err);
	if (status == ENS_OK && s->flight != NOTHING)
		status = poll_answer(s, 0, err);
	while (status == ENS_OK && wait && s->flight != NOTHING)
		status = poll_answer(s, 100000, err);
	*idle = s->flight == NOTHING;
	return status;
}

static enum ens_status commit(void *self, const struct ens_progress *p, struct ens_error *err)
{
	struct ens_redis_sink *s = self;
	enum ens_status status;

	build_command(s, p);
	if (s->command.failed)
		return ens_fail(err, ENS_ENOMEM, "out of memory for a commit");
	if (p != &s->last) {
		memcpy(s->last.stream, p->stream, p->nstream * sizeof(*p->stream));
		memcpy(s->last.group, p->group, p->ngroup * sizeof(*p->group));
	}
	ens_buf_clear(&s->queue);
	s->queued = 0;
	s->queued_args = 0;
	s->flight = COMMIT;
	status = s->job->conn ? send_flight(s, err) : ENS_EEND;
	return status == ENS_EEND ? recover(s, err) : status;
}

enum ens_status ens_redis_sink_open(struct ens_redis_job *job, const struct ens_redis_sink_options *options,
				    const struct ens_progress *start, struct ens_redis_sink **out,
				    struct ens_error *err)
{
	struct ens_redis_sink *s = calloc(1, sizeof(*s));

	if (!s || ens_progress_init(job->tables, &s->last) != ENS_OK) {
		free(s);
		return ens_fail(err, ENS_ENOMEM, "out of memory");
	}
	s->job = job;
	s->options = *options;
	s->err = err;
	memcpy(s->last.stream, start->stream, start->nstream * sizeof(*start->stream));
	memcpy(s->last.group, start->group, start->ngroup * sizeof(*start->group));
	*out = s;
	return ENS_OK;
}

void ens_redis_sink_close(struct ens_redis_sink *s)
{
	if (!s)
		return;
	ens_progress_free(&s->last);
	ens_emission_fields_free(&s->fields);
	ens_buf_free(&s->queue);
	ens_buf_free(&s->command);
	ens_buf_free(&s->head);
	ens_buf_free(&s->record);
	ens_buf_free(&s->scratch);
	free(s);
}

struct ens_sink ens_redis_sink_interface(struct ens_redis_sink *s)
{
	return (struct ens_sink){
		.self = s, .dead = dead, .late = late, .pending = pending, .full = full, .commit = commit, .settle = settle};
}

struct ens_emission_sink ens_redis_sink_emissions(struct ens_redis_sink *s)
{
	return (struct ens_emission_sink){.emit = emit, .user = s};
}

struct ens_redis_sink_stats ens_redis_sink_stats(const struct ens_redis_sink *s)
{
	return s->stats;
}
