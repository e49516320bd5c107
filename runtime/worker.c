/*
 * The loop: a batch is taken, matched, and committed together with what it brought.
 *
 * What makes a restart exact:
 *   W1  A commit is made only between two events, and carries all emissions and dead letters since the one before; so
 *       its progress lies neither ahead of nor behind what has been emitted.  (A sink may have to send a part of very
 *       many emissions of one event ahead: runtime/io/redis_sink.c.)
 *   W2  `read` is the last entry processed of a stream.  Entries that still wait for others (runtime/order.h) are not
 *       lost: `resume` lies before the oldest of them, with the watermark of that place, and the released position of
 *       each group says which of the entries between `resume` and `read` its rules have had.  A group's events are
 *       released in one ascending order, and an event taken later sorts behind all released before; so what is read
 *       again after a restart, judged late or in time as before, and sorts behind the released position is exactly
 *       what waited.  Entries up to `read` are not counted or dead-lettered a second time.
 *   W3  At most one commit is under way; the next one is made when it is known what became of it.
 * So when the rules' partial matches are empty, stopping at any instruction neither loses nor doubles an emission.
 * (Ticks are not replayed: an event that only a tick made late, and that is read again, is taken.)
 *
 * Reading stops while the sink is behind by more than a commit: a slow output holds the input back, memory stays
 * bounded.
 * Tested by tests/unit/test_worker.c (a simulated source, sink and clock) and tests/redis.
 */
#include "runtime/worker.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/letter.h"

#define POLL_US 5000       /* between reads while a deadline is near */
#define COARSE_US 150000 /* a blocked read may come back that late: idle Redis looks at its timers ten times a second */
#define LONGEST_WAIT_US 100000
#define HELD_BACK 4u       /* commits' worth of entries that may be processed beyond the one under way */

/* What the loop remembers of a stream. */
struct stream_state {
	bool entry_time;           /* its events have the time of their entry IDs */
	bool ended;                /* was read to its end last time */
	struct ens_entry_at before;/* entries up to there were processed before the restart */
	struct ens_entry_at at;    /* the last entry processed since */
	struct ens_entry_at closed;/* `at` as it was at the end of the read before */
	uint64_t count;            /* the stream's count then */
	bool came;                 /* the last read had entries of it */
	int64_t seen_us;           /* server's clock when an entry last came; 0: none did, see loop.begun_us */
	int64_t stood_us;          /* the watermark then, or when the stream last followed others; INT64_MIN: none */
	int64_t stood_at_us;       /* server's clock at that time */
	int64_t newest_us;         /* time of its newest event; INT64_MIN: none was read */
	int64_t newest_at_us;      /* server's clock when that came; 0: in the read at hand */
};

struct loop {
	struct ens_worker *w;
	struct stream_state *stream;
	bool *pause;
	bool *silent;              /* at the last read: without an entry for its idle time */
	int64_t begun_us;          /* server's clock at the first read; 0: none yet */
	int64_t server_us;         /* its clock before the last read, and ours then */
	int64_t server_seen_us;
	int64_t read_due_us;       /* our clock: the next read is to be sent then */
	uint64_t uncommitted;      /* entries, or other reasons for a commit */
	int64_t commit_due_us;
	struct ens_buf text;       /* of late events */
};

/* ---- progress ---------------------------------------------------------------------------------------------------- */

enum ens_status ens_progress_init(const struct ens_tables *t, struct ens_progress *out)
{
	struct ens_progress p = {.nstream = t->nstream, .ngroup = t->ngroup};

	p.stream = calloc((size_t)t->nstream + 1, sizeof(*p.stream));
	p.group = calloc((size_t)t->ngroup + 1, sizeof(*p.group));
	if (!p.stream || !p.group) {
		ens_progress_free(&p);
		return ENS_ENOMEM;
	}
	for (uint32_t i = 0; i < p.nstream; i++)
		p.stream[i].watermark_us = INT64_MIN;
	*out = p;
	return ENS_OK;
}

void ens_progress_free(struct ens_progress *p)
{
	free(p->stream);
	free(p->group);
	*p = (struct ens_progress){0};
}

static bool at_or_before(uint64_t ms, uint64_t seq, struct ens_entry_at at)
{
	return ms < at.ms || (ms == at.ms && seq <= at.seq);
}

static struct ens_entry_at just_before(const struct ens_entry_id *id)
{
	if (id->seq > 0)
		return (struct ens_entry_at){id->ms, id->seq - 1};
	return id->ms > 0 ? (struct ens_entry_at){id->ms - 1, UINT64_MAX} : (struct ens_entry_at){0, 0};
}

/*
 * Brings everything but `read` and `count`, which are kept as entries are processed, up to date.  As long as entries
 * from before the restart have not been read again, `resume` lies before them, and what was released then still counts.
 */
static void gather_progress(struct loop *l)
{
	struct ens_worker *w = l->w;
	struct ens_progress *p = &w->progress;

	for (uint32_t i = 0; i < p->nstream; i++) {
		struct ens_entry_id oldest;

		p->stream[i].known = true;
		p->stream[i].watermark_us = ens_order_stored_watermark(w->order, i);
		p->stream[i].resume = ens_order_oldest(w->order, i, &oldest) ? just_before(&oldest) : l->stream[i].at;
	}
	for (uint32_t i = 0; i < p->ngroup; i++) {
		struct ens_group_progress *g = &p->group[i];

		g->released |= ens_order_released(w->order, i, &g->position);
		g->watching |= ens_engine_watch_start(w->engine, i, &g->watch_start_us);
	}
}

/* Sets order and engine to where the job stood. */
static void restore_progress(struct loop *l)
{
	struct ens_worker *w = l->w;
	const struct ens_progress *p = &w->progress;

	for (uint32_t i = 0; i < p->nstream; i++) {
		struct ens_entry_id read = {p->stream[i].read.ms, p->stream[i].read.seq, i};

		l->stream[i].before = p->stream[i].read;
		l->stream[i].at = l->stream[i].closed = p->stream[i].resume;
		l->stream[i].count = p->stream[i].count;
		l->stream[i].stood_us = p->stream[i].watermark_us;
		if (p->stream[i].watermark_us != INT64_MIN)
			ens_order_set_watermark(w->order, i, p->stream[i].watermark_us);
		ens_order_reread(w->order, i, &read);
	}
	for (uint32_t i = 0; i < p->ngroup; i++) {
		if (p->group[i].released)
			ens_order_set_released(w->order, i, &p->group[i].position);
		if (p->group[i].watching)
			ens_engine_set_watch_start(w->engine, i, p->group[i].watch_start_us);
	}
}

/* ---- commits ----------------------------------------------------------------------------------------------------- */

static enum ens_status commit(struct loop *l, struct ens_error *err)
{
	struct ens_worker *w = l->w;

	gather_progress(l);
	l->uncommitted = 0;
	return w->sink.commit(w->sink.self, &w->progress, err);
}

/* Commits what there is, waiting for the commit under way first. */
static enum ens_status commit_now(struct loop *l, struct ens_error *err)
{
	struct ens_worker *w = l->w;
	bool idle;
	enum ens_status status = w->sink.settle(w->sink.self, true, &idle, err);

	return status == ENS_OK ? commit(l, err) : status;
}

static enum ens_status commit_if_due(struct loop *l, bool *idle, struct ens_error *err)
{
	struct ens_worker *w = l->w;
	enum ens_status status = w->sink.settle(w->sink.self, false, idle, err);

	if (status != ENS_OK || !*idle)
		return status;
	if (!w->sink.pending(w->sink.self) && l->uncommitted < w->options.commit_entries &&
	    (l->uncommitted == 0 || w->clock.now_us(w->clock.self) < l->commit_due_us))
		return ENS_OK;
	*idle = false;
	return commit(l, err);
}

static void note_uncommitted(struct loop *l, uint64_t n)
{
	struct ens_worker *w = l->w;

	if (n > 0 && l->uncommitted == 0)
		l->commit_due_us = w->clock.now_us(w->clock.self) + w->options.commit_interval_us;
	l->uncommitted += n;
}

/* ---- entries ----------------------------------------------------------------------------------------------------- */

static enum ens_status send_dead(struct loop *l, const struct ens_reject *r, struct ens_error *err)
{
	struct ens_worker *w = l->w;

	if (at_or_before(r->id.ms, r->id.seq, l->stream[r->id.stream].before)) {
		w->stats.again++;
		return ENS_OK;
	}
	w->stats.dead++;
	w->of_stream[r->id.stream].dead[r->reason]++;
	return w->sink.dead(w->sink.self, r, err);
}

/* A late event as a dead letter, or to its own stream. */
static enum ens_status write_late(struct loop *l, const struct ens_event *ev, struct ens_error *err)
{
	struct ens_worker *w = l->w;
	struct ens_raw_field raw[ENS_LETTER_FIELDS_MAX];
	struct ens_reject r;

	if (ens_letter_late(w->tables, ev, ens_order_earliest(w->order, ev), &l->text, raw, &r) != ENS_OK)
		return ens_fail(err, ENS_ENOMEM, "out of memory");
	if (w->tables->type[ev->type].late != ENS_T_LATE_TO)
		return send_dead(l, &r, err);
	w->stats.late_to++;
	return w->sink.late(w->sink.self, &r, ev->type, err);
}

static enum ens_status send_late(struct loop *l, const struct ens_event *ev, struct ens_error *err)
{
	if (at_or_before(ev->id.ms, ev->id.seq, l->stream[ev->id.stream].before)) {
		l->w->stats.again++;
		return ENS_OK;
	}
	if (l->w->tables->type[ev->type].late == ENS_T_LATE_DROP) {
		l->w->stats.late_dropped++;
		return ENS_OK;
	}
	return write_late(l, ev, err);
}

static enum ens_status engine_failed(enum ens_status status, struct ens_error *err)
{
	if (err->text[0] != '\0')
		return status; /* the sink's own words */
	if (status == ENS_ENOMEM)
		return ens_fail(err, status, "out of memory for partial matches");
	if (status == ENS_ELIMIT)
		return ens_fail(err, status,
				"too many events wait for older ones; the lateness of a stream spans more than fit "
				"into memory");
	return ens_fail(err, status, "the engine failed");
}

static enum ens_status process_event(struct loop *l, const struct ens_event *ev, uint64_t count, struct ens_error *err)
{
	struct ens_worker *w = l->w;
	struct ens_stream_progress *p = &w->progress.stream[ev->id.stream];
	enum ens_order_verdict verdict;
	enum ens_status status = ens_order_push(w->order, ev, &verdict);

	if (status != ENS_OK)
		return engine_failed(status, err);
	if (verdict == ENS_ORDER_LATE)
		status = send_late(l, ev, err);
	l->stream[ev->id.stream].at = (struct ens_entry_at){ev->id.ms, ev->id.seq};
	if (ev->time_us > l->stream[ev->id.stream].newest_us) {
		l->stream[ev->id.stream].newest_us = ev->time_us;
		l->stream[ev->id.stream].newest_at_us = 0;
	}
	if (!at_or_before(ev->id.ms, ev->id.seq, p->read)) {
		p->read = (struct ens_entry_at){ev->id.ms, ev->id.seq};
		p->count = count;
	}
	if (status == ENS_OK && w->sink.full(w->sink.self))
		status = commit_now(l, err);
	return status;
}

static bool precedes(const struct ens_entry_id *a, const struct ens_entry_id *b)
{
	if (a->stream != b->stream)
		return a->stream < b->stream;
	return a->ms < b->ms || (a->ms == b->ms && a->seq < b->seq);
}

/* All of the read's entries of stream i are processed, those that gave no event too. */
static void close_stream(struct loop *l, const struct ens_read *read, uint32_t i)
{
	const struct ens_stream_read *r = &read->stream[i];
	struct ens_stream_progress *p = &l->w->progress.stream[i];
	struct stream_state *s = &l->stream[i];

	if (!at_or_before(r->last.ms, r->last.seq, p->read))
		p->read = r->last;
	p->count = s->count + r->entries;
	s->count = p->count;
	s->came = r->last.ms != s->closed.ms || r->last.seq != s->closed.seq;
	s->at = s->closed = r->last;
}

/* Events and rejects in the order in which they were read.  W1: a commit in the middle has the dead letters up to there,
 * and says of the streams whose entries are all processed that they are. */
static enum ens_status process_batch(struct loop *l, const struct ens_read *read, struct ens_error *err)
{
	struct ens_worker *w = l->w;
	const struct ens_batch *b = read->batch;
	enum ens_status status = ENS_OK;
	uint32_t nreject = 0, stream = 0;

	for (uint32_t i = 0; i < b->nevent && status == ENS_OK; i++) {
		const struct ens_event *ev = &b->event[i];

		if (b->nevent - i > ENS_ENGINE_LOOKAHEAD)
			ens_order_expect(w->order, ev + ENS_ENGINE_LOOKAHEAD);
		while (status == ENS_OK && nreject < b->nreject && precedes(&b->reject[nreject].id, &ev->id))
			status = send_dead(l, &b->reject[nreject++], err);
		for (; status == ENS_OK && stream < ev->id.stream; stream++)
			close_stream(l, read, stream);
		if (status == ENS_OK) /* the stream's count as it was before this read, and its entries since */
			status = process_event(l, ev, l->stream[stream].count + read->entry[i], err);
	}
	while (status == ENS_OK && nreject < b->nreject)
		status = send_dead(l, &b->reject[nreject++], err);
	for (; status == ENS_OK && stream < w->progress.nstream; stream++)
		close_stream(l, read, stream);
	return status;
}

static void note_read(struct loop *l, const struct ens_read *read)
{
	struct ens_worker *w = l->w;
	uint64_t entries = 0;

	for (uint32_t i = 0; i < w->progress.nstream; i++) {
		entries += read->stream[i].entries;
		w->of_stream[i].entries += read->stream[i].entries;
		w->of_stream[i].bytes += read->stream[i].bytes;
		w->of_stream[i].skipped += read->stream[i].skipped;
	}
	w->stats.reads++;
	w->stats.entries += entries;
	w->stats.events += read->batch->nevent;
	w->stats.skipped += read->batch->skipped;
	note_uncommitted(l, entries);
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

static bool is_silent(const struct loop *l, uint32_t stream)
{
	const struct stream_state *s = &l->stream[stream];
	int64_t since_us = s->seen_us != 0 ? s->seen_us : l->begun_us;

	return !s->entry_time && s->ended && l->server_us - since_us >= l->w->tables->stream[stream].idle_us;
}

/* True if a group that reads the stream also reads one that is not silent. */
static bool has_company(const struct loop *l, uint32_t stream)
{
	const struct ens_tables *t = l->w->tables;

	for (uint32_t g = 0; g < t->ngroup; g++) {
		const uint32_t *member = t->index + t->group[g].streams.first;
		bool mine = false;
		bool active = false;

		for (uint32_t i = 0; i < t->group[g].streams.count; i++) {
			mine |= member[i] == stream;
			active |= !l->silent[member[i]];
		}
		if (mine && active)
			return true;
	}
	return false;
}

static void find_silent(struct loop *l)
{
	for (uint32_t i = 0; i < l->w->tables->nstream; i++) {
		struct ens_stream_stats *stats = &l->w->of_stream[i];

		l->silent[i] = is_silent(l, i);
		stats->silences += l->silent[i] && !stats->silent;
		stats->silent = l->silent[i];
	}
}

/* How far the stream's watermark is ahead of the server's clock where all streams are silent: time goes on from where it
 * stood, with the newest event of all of them, or where the stream stood if that is later.  INT64_MIN: nothing was read. */
static int64_t silent_offset(const struct loop *l, uint32_t stream)
{
	const struct ens_tables *t = l->w->tables;
	const struct stream_state *s = &l->stream[stream];
	int64_t best_us = INT64_MIN, us;

	if (s->stood_us != INT64_MIN && !__builtin_sub_overflow(s->stood_us, s->stood_at_us, &us))
		best_us = us;
	for (uint32_t g = 0; g < t->ngroup; g++) {
		const uint32_t *member = t->index + t->group[g].streams.first;
		bool mine = false;
		int64_t newest_us = INT64_MIN;

		for (uint32_t i = 0; i < t->group[g].streams.count; i++) {
			const struct stream_state *m = &l->stream[member[i]];

			mine |= member[i] == stream;
			if (m->newest_us != INT64_MIN && !__builtin_sub_overflow(m->newest_us, m->newest_at_us, &us) &&
			    us > newest_us)
				newest_us = us;
		}
		if (mine && !__builtin_sub_overflow(newest_us, t->stream[stream].lateness_us + 1, &us) && us > best_us)
			best_us = us;
	}
	return best_us;
}

/* A stream's tick by the server's clock at the end of a read (semantics.md section 6).  Entries that come later have IDs of
 * the millisecond of `server_us` or later ones, so everything before that millisecond is known. */
static enum ens_status tick_stream(struct loop *l, uint32_t i)
{
	struct stream_state *s = &l->stream[i];
	int64_t offset_us, now_us;

	if (s->entry_time)
		return s->ended ? ens_order_tick(l->w->order, i, l->server_us / 1000 * 1000 - 1) : ENS_OK;
	if (!l->silent[i] || has_company(l, i))
		return ENS_OK;
	offset_us = silent_offset(l, i);
	if (offset_us == INT64_MIN || __builtin_add_overflow(l->server_us, offset_us, &now_us))
		return ENS_OK;
	return ens_order_tick(l->w->order, i, now_us);
}

/* A silent stream holds nobody up: it follows those that are not. */
static enum ens_status follow(struct loop *l, uint32_t i)
{
	struct stream_state *s = &l->stream[i];
	const int64_t before_us = ens_order_watermark(l->w->order, i);
	enum ens_status status = l->silent[i] ? ens_order_idle(l->w->order, i, l->silent) : ENS_OK;

	if (ens_order_watermark(l->w->order, i) > before_us) { /* time goes on from there when the others are silent too */
		s->stood_us = ens_order_watermark(l->w->order, i);
		s->stood_at_us = l->server_us;
	}
	return status;
}

/* The server reads its clock before the entries: those that come meanwhile may be a little ahead. */
static void note_clock(struct loop *l, uint32_t i, const struct ens_read *read)
{
	if (read->server_us > 0 && l->stream[i].at.ms / 1000 > (uint64_t)(read->server_us + ENS_AHEAD_US) / 1000000)
		l->w->of_stream[i].ahead_of_clock++;
}

/* A stream that was not asked for is as far behind as it was. */
static void note_lag(struct loop *l, uint32_t i, const struct ens_stream_read *read)
{
	const uint64_t server_ms = (uint64_t)l->server_us / 1000, at_ms = l->stream[i].at.ms;

	if (read->asked)
		l->w->of_stream[i].lag_us = read->ended || at_ms >= server_ms ? 0 : (int64_t)(server_ms - at_ms) * 1000;
}

/* The server's clock when the stream's last entry came: its ID says it, between when the read was asked for and now. */
static int64_t came_at(const struct loop *l, const struct stream_state *s, const struct ens_read *read)
{
	const int64_t now_us = read->server_us + l->w->clock.now_us(l->w->clock.self) - read->asked_us;

	if (s->at.ms <= (uint64_t)read->server_us / 1000)
		return read->server_us;
	return s->at.ms < (uint64_t)now_us / 1000 ? (int64_t)s->at.ms * 1000 : now_us;
}

static enum ens_status move_time(struct loop *l, const struct ens_read *read, struct ens_error *err)
{
	struct ens_worker *w = l->w;
	enum ens_status status = ENS_OK;

	l->server_us = read->server_us;
	l->server_seen_us = read->asked_us;
	if (l->begun_us == 0) {
		l->begun_us = read->server_us;
		for (uint32_t i = 0; i < w->progress.nstream; i++)
			l->stream[i].stood_at_us = read->server_us;
	}
	for (uint32_t i = 0; i < w->progress.nstream; i++) {
		struct stream_state *s = &l->stream[i];

		s->ended = read->stream[i].asked && read->stream[i].ended;
		note_lag(l, i, &read->stream[i]);
		if (!s->came)
			continue;
		note_clock(l, i, read);
		s->stood_us = ens_order_watermark(w->order, i);
		s->seen_us = s->stood_at_us = came_at(l, s, read);
		if (s->newest_at_us == 0)
			s->newest_at_us = s->seen_us;
	}
	find_silent(l);
	for (uint32_t i = 0; i < 2 * w->progress.nstream && status == ENS_OK; i++) {
		const uint32_t stream = i % w->progress.nstream;
		const int64_t before_us = ens_order_watermark(w->order, stream);

		status = i < w->progress.nstream ? tick_stream(l, stream) : follow(l, stream);
		w->of_stream[stream].ticks += ens_order_watermark(w->order, stream) > before_us;
	}
	return status == ENS_OK ? ENS_OK : engine_failed(status, err);
}

/* A stream that has run ahead of the others is not read while many events wait: only those that hold time back are. */
static void choose_streams(struct loop *l)
{
	const struct ens_tables *t = l->w->tables;
	const struct ens_order *o = l->w->order;
	bool crowded = ens_order_buffered(o) > l->w->options.ahead;

	for (uint32_t i = 0; i < t->nstream; i++)
		l->pause[i] = crowded;
	for (uint32_t g = 0; g < t->ngroup && crowded; g++) {
		const uint32_t *member = t->index + t->group[g].streams.first;
		int64_t least_us = INT64_MAX;

		for (uint32_t i = 0; i < t->group[g].streams.count; i++)
			if (ens_order_watermark(o, member[i]) < least_us)
				least_us = ens_order_watermark(o, member[i]);
		for (uint32_t i = 0; i < t->group[g].streams.count; i++)
			if (ens_order_watermark(o, member[i]) <= least_us)
				l->pause[member[i]] = false;
	}
}

/* The server's time at which the watermark of a stream that is not silent will have come to due_us if nothing comes;
 * INT64_MIN: it has. */
static int64_t active_due_us(const struct loop *l, uint32_t i, int64_t due_us)
{
	const struct stream_state *s = &l->stream[i];
	int64_t us;

	if (ens_order_watermark(l->w->order, i) >= due_us)
		return INT64_MIN;
	if (s->entry_time) /* it is due when its millisecond is over */
		return due_us > INT64_MAX - 1000 ? INT64_MAX : due_us + 1000;
	if (!s->ended)
		return INT64_MAX; /* it is being read */
	if (__builtin_add_overflow(s->seen_us ? s->seen_us : l->begun_us, l->w->tables->stream[i].idle_us, &us))
		return INT64_MAX;
	return us; /* then it is looked at again */
}

/* The same of a silent stream beside others that are not: it follows those of the group in which it comes furthest. */
static int64_t followed_due_us(const struct loop *l, uint32_t stream, int64_t due_us)
{
	const struct ens_tables *t = l->w->tables;
	int64_t first_us = INT64_MAX;

	for (uint32_t g = 0; g < t->ngroup; g++) {
		const uint32_t *member = t->index + t->group[g].streams.first;
		int64_t last_us = INT64_MIN;
		bool mine = false, active = false;

		for (uint32_t i = 0; i < t->group[g].streams.count; i++) {
			const int64_t us = l->silent[member[i]] ? INT64_MIN : active_due_us(l, member[i], due_us);

			mine |= member[i] == stream;
			active |= !l->silent[member[i]];
			if (us > last_us)
				last_us = us;
		}
		if (mine && active && last_us < first_us)
			first_us = last_us;
	}
	return first_us;
}

/* The server's time at which the stream's watermark will have come to due_us if nothing comes; INT64_MIN: it has. */
static int64_t stream_due_us(const struct loop *l, uint32_t i, int64_t due_us)
{
	int64_t us;

	if (!l->silent[i] || ens_order_watermark(l->w->order, i) >= due_us)
		return active_due_us(l, i, due_us);
	if (has_company(l, i))
		return followed_due_us(l, i, due_us);
	us = silent_offset(l, i);
	if (us == INT64_MIN)
		return INT64_MIN; /* its groups never had an event: nothing is due */
	return __builtin_sub_overflow(due_us, us, &us) ? INT64_MAX : us;
}

/* The group's next deadline, or the time of the first event that waits for its turn. */
static int64_t group_due_us(const struct loop *l, uint32_t group)
{
	const int64_t due_us = ens_engine_next_due(l->w->engine, group);
	const int64_t waiting_us = ens_order_next_waiting(l->w->order, group);

	return due_us < waiting_us ? due_us : waiting_us;
}

/* The server's time at which its clock alone, without an entry, makes something due or lets an event go, or silence does;
 * INT64_MAX: never. */
static int64_t next_deadline_us(const struct loop *l)
{
	const struct ens_tables *t = l->w->tables;
	int64_t next_us = INT64_MAX;

	for (uint32_t g = 0; g < t->ngroup; g++) {
		const int64_t due_us = group_due_us(l, g);
		int64_t last_us = INT64_MIN;

		for (uint32_t i = 0; due_us < INT64_MAX && i < t->group[g].streams.count; i++) {
			const int64_t us = stream_due_us(l, t->index[t->group[g].streams.first + i], due_us);

			if (us > last_us)
				last_us = us;
		}
		if (due_us < INT64_MAX && last_us > INT64_MIN && last_us < next_us)
			next_us = last_us;
	}
	return next_us;
}

/* How the next read is to wait for entries: not beyond the next deadline. */
static void choose_wait(struct loop *l, struct ens_read_wish *next)
{
	const struct ens_worker *w = l->w;
	int64_t now_us = w->clock.now_us(w->clock.self);
	int64_t server_us = l->server_us + now_us - l->server_seen_us;
	int64_t due_us = next_deadline_us(l);

	next->wait_us = w->options.block_us;
	next->here = false;
	if (due_us < server_us + COARSE_US) {
		next->wait_us = due_us - server_us < 500       ? 500
				: due_us - server_us < POLL_US ? due_us - server_us
							       : POLL_US;
		next->here = true;
	}
	l->read_due_us = next->here ? now_us + next->wait_us : INT64_MAX;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static bool loop_init(struct loop *l, struct ens_worker *w)
{
	const struct ens_tables *t = w->tables;

	*l = (struct loop){.w = w};
	l->stream = calloc((size_t)t->nstream + 1, sizeof(*l->stream));
	l->pause = calloc((size_t)t->nstream + 1, sizeof(*l->pause));
	l->silent = calloc((size_t)t->nstream + 1, sizeof(*l->silent));
	if (!l->stream || !l->pause || !l->silent)
		return false;
	for (uint32_t i = 0; i < t->nstream; i++) {
		const struct ens_t_list *types = &t->stream[i].types;

		l->stream[i].entry_time = true;
		l->stream[i].newest_us = INT64_MIN;
		for (uint32_t k = 0; k < types->count; k++)
			if (t->type[t->index[types->first + k]].time_field != ENS_NONE)
				l->stream[i].entry_time = false;
		if (!w->progress.stream[i].known)
			note_uncommitted(l, 1); /* the place where the job begins is part of it */
	}
	restore_progress(l);
	return true;
}

static void loop_free(struct loop *l)
{
	free(l->stream);
	free(l->pause);
	free(l->silent);
	ens_buf_free(&l->text);
}

static enum ens_status match_read(struct loop *l, const struct ens_read *read, struct ens_error *err)
{
	enum ens_status status = process_batch(l, read, err);

	if (status != ENS_OK)
		return status;
	note_read(l, read);
	return move_time(l, read, err);
}

/* Reads and matches one batch, if there is one and the sink is not behind.  *worked: there was. */
static enum ens_status step(struct loop *l, bool sink_idle, bool *held, bool *worked, struct ens_error *err)
{
	struct ens_worker *w = l->w;
	struct ens_read_wish next = {.pause = l->pause};
	struct ens_read read;
	enum ens_status status;

	*worked = false;
	*held = !sink_idle && (w->sink.full(w->sink.self) || l->uncommitted >= HELD_BACK * w->options.commit_entries);
	if (*held) {
		l->read_due_us = INT64_MAX;
		return ENS_OK;
	}
	choose_streams(l);
	choose_wait(l, &next);
	status = w->source.take(w->source.self, &next, &read, worked, err);
	if (status == ENS_OK && *worked)
		status = match_read(l, &read, err);
	return status;
}

static int64_t idle_time_us(const struct loop *l)
{
	const struct ens_worker *w = l->w;
	int64_t now_us = w->clock.now_us(w->clock.self);
	int64_t left_us = LONGEST_WAIT_US;

	if (l->read_due_us - now_us < left_us)
		left_us = l->read_due_us - now_us;
	if (l->uncommitted > 0 && l->commit_due_us - now_us < left_us)
		left_us = l->commit_due_us > now_us ? l->commit_due_us - now_us : w->options.commit_interval_us;
	return left_us;
}

/* Asked to stop: what is processed is committed; what is read and not processed will be read again. */
static enum ens_status finish(struct loop *l, struct ens_error *err)
{
	struct ens_worker *w = l->w;
	enum ens_status status = ENS_OK;
	bool idle;

	if (l->uncommitted > 0 || w->sink.pending(w->sink.self))
		status = commit_now(l, err);
	if (status == ENS_OK)
		status = w->sink.settle(w->sink.self, true, &idle, err);
	return status;
}

enum ens_status ens_worker_run(struct ens_worker *w, struct ens_error *err)
{
	enum ens_status status = ENS_OK;
	struct loop l;

	err->text[0] = '\0';
	if (!loop_init(&l, w)) {
		loop_free(&l);
		return ens_fail(err, ENS_ENOMEM, "out of memory");
	}
	while (status == ENS_OK && !*w->options.stop) {
		bool idle = false, held = false, worked = false;

		status = commit_if_due(&l, &idle, err);
		if (status == ENS_OK)
			status = step(&l, idle, &held, &worked, err);
		if (status == ENS_OK && w->clock.turn)
			w->clock.turn(w->clock.self);
		if (status == ENS_OK && !worked)
			w->clock.wait(w->clock.self, idle_time_us(&l), !held);
	}
	if (status == ENS_OK)
		status = finish(&l, err);
	loop_free(&l);
	return status;
}
