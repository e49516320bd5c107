/*
 * A run without Redis: files in, NDJSON out.
 *
 * Every input is read ahead by one batch of decoded events; a heap of inputs, by the time of their next event, says
 * which goes on.  With one input that is a straight loop.  Why merging by the next events' times and one common order
 * is right: when an event comes out of the merge, every other input's next event is at least as late, so an event that
 * is in time in its own input is in time in the merged one, and the other way round. Cost: a comparison per event and
 * O(log inputs); memory: a batch and a block for each input. Tested by tests/unit/test_files.c.
 */
#define _GNU_SOURCE

#include "runtime/io/file_run.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/text.h"
#include "runtime/emission.h"
#include "runtime/engine.h"
#include "runtime/io/file_source.h"
#include "runtime/io/log.h"
#include "runtime/io/monitor.h"
#include "runtime/letter.h"
#include "runtime/order.h"
#include "runtime/worker.h"

#define BATCH_ENTRIES 2048u
#define BATCH_BYTES ((size_t)512 << 10)          /* an entry more may be in it */
#define OUT_BYTES ((size_t)64 << 10)             /* written when as much is there */
#define BLOCK_OF_MANY_BYTES ((size_t)128 << 10)  /* with several inputs each has a smaller block */
#define TOLD_IN_FULL 10u                         /* of each reason */
#define OTHERS_LOOKED_AT 1000u                   /* skipped entries, for the types that they name */

struct feed {
	struct ens_file_source *source;
	struct ens_batch batch;
	uint32_t next;      /* event of the batch */
	uint32_t place;     /* on the command line */
	uint32_t stream;    /* in run.stream: that of its name */
	int64_t last_us;    /* time of the last event; before the first: the epoch */
	bool ended;
};

struct run {
	const struct ens_tables *t;
	const struct ens_file_options *o;
	FILE *log;
	struct ens_decoder *decoder;
	struct ens_engine *engine;
	struct ens_order *order;
	struct feed *feed;
	struct feed **heap; /* feeds that have an event, by the time of it */
	size_t nfeed, nheap;
	struct ens_buf out;
	bool reader_gone;   /* of the output */
	FILE *dead;         /* NULL: not wanted */
	struct ens_buf letter, text;
	uint32_t noted;     /* skipped entries whose type was looked at */
	const char **stream; /* names of the inputs, each once */
	struct ens_stream_stats *of_stream;
	uint32_t nstream;
	struct ens_monitor *monitor;
	struct ens_file_counts counts;
	bool begun;         /* the hooks know of it */
	struct ens_error *err;
};

/* ---- output ----------------------------------------------------------------------------------------------------- */

static enum ens_status wait_for_output(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, -1) >= 0 || errno == EINTR ? ENS_OK : ENS_EENV;
}

/* ENS_EEND: nobody reads it any more. */
static enum ens_status flush(struct run *r)
{
	size_t done = 0;

	while (done < r->out.len) {
		const ssize_t n = write(r->o->out_fd, r->out.data + done, r->out.len - done);

		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EPIPE) {
			r->reader_gone = true;
			return ENS_EEND;
		} else if (errno == EAGAIN) {
			if (wait_for_output(r->o->out_fd) != ENS_OK)
				return ens_fail(r->err, ENS_EENV, "cannot write the output: %s", strerror(errno));
		} else if (errno != EINTR) {
			return ens_fail(r->err, ENS_EENV, "cannot write the output: %s", strerror(errno));
		}
	}
	ens_buf_clear(&r->out);
	return ENS_OK;
}

static enum ens_status on_emission(void *user, const struct ens_emission *e)
{
	struct run *r = user;

	r->counts.emitted++;
	if (r->o->look_only)
		return ENS_OK;
	ens_emission_json(r->t, e, !r->o->no_provenance, &r->out);
	if (r->out.failed)
		return ens_fail(r->err, ENS_ENOMEM, "no memory for the output");
	return r->out.len >= OUT_BYTES ? flush(r) : ENS_OK;
}

/* ---- who watches ------------------------------------------------------------------------------------------------- */

static void say(void *user, const char *line)
{
	const struct run *r = user;

	(void)fprintf(r->log, "ensue: %s\n", line);
}

/* Inputs of one name count together. */
static uint32_t stream_of(struct run *r, const char *input)
{
	const char *name = ens_file_source_label(input);

	for (uint32_t i = 0; i < r->nstream; i++)
		if (strcmp(r->stream[i], name) == 0)
			return i;
	r->stream[r->nstream] = name;
	return r->nstream++;
}

static enum ens_status open_monitor(struct run *r)
{
	const struct ens_http_address *http = r->o->look_only ? NULL : r->o->http;
	struct ens_monitor_options o = {.http = http, .title = "files", .say = say, .user = r};

	r->stream = calloc(r->o->ninput + 1, sizeof(*r->stream));
	r->of_stream = calloc(r->o->ninput + 1, sizeof(*r->of_stream));
	if (!r->stream || !r->of_stream)
		return ENS_ENOMEM;
	for (size_t i = 0; i < r->o->ninput; i++)
		(void)stream_of(r, r->o->input[i]);
	o.stream = r->stream;
	o.nstream = r->nstream;
	if (http)
		ens_log_quiet(r->o->quiet);
	return ens_monitor_open(r->t, &o, &r->monitor, r->err);
}

static void gather_stream(struct run *r, uint32_t i)
{
	const struct ens_stream_stats *s = &r->of_stream[i];
	uint64_t bytes = 0;

	for (size_t k = 0; k < r->nfeed; k++)
		if (r->feed[k].stream == i)
			bytes += ens_file_source_bytes(r->feed[k].source);
	ens_monitor_set(r->monitor, ENS_METRIC_ENTRIES, i, 0, (int64_t)s->entries);
	ens_monitor_set(r->monitor, ENS_METRIC_BYTES, i, 0, (int64_t)bytes);
	ens_monitor_set(r->monitor, ENS_METRIC_SKIPPED, i, 0, (int64_t)s->skipped);
	for (unsigned k = ENS_REJECT_NO_TYPE + 1; k < ENS_NREJECT; k++)
		ens_monitor_set(r->monitor, ENS_METRIC_LETTERS, i, k, (int64_t)s->dead[k]);
	ens_monitor_set(r->monitor, ENS_METRIC_WATERMARK, i, 0, ens_order_watermark(r->order, 0));
}

static void gather(struct run *r, bool last)
{
	for (uint32_t i = 0; i < r->nstream; i++)
		gather_stream(r, i);
	ens_monitor_gather(r->monitor, r->engine, r->order, last);
	ens_monitor_publish(r->monitor, ENS_READY);
}

/* The numbers are not older than a second when the feed (NULL: none) has to be waited for. */
static void watch(struct run *r, struct feed *f)
{
	int64_t left_us = ens_monitor_left_us(r->monitor);

	if (left_us <= 0 || (f && !ens_file_source_wait(f->source, left_us)))
		gather(r, false);
}

/* ---- reports ---------------------------------------------------------------------------------------------------- */

static void tell_reject(struct run *r, const struct feed *f, enum ens_reject_reason reason, uint64_t line,
			const char *field, const char *detail)
{
	const uint64_t n = ++r->counts.rejected[reason];
	struct ens_buf b = ENS_BUF_EMPTY;

	if (r->o->quiet || r->o->look_only || n > TOLD_IN_FULL)
		return;
	ens_buf_adds(&b, "ensue: ");
	ens_buf_add_visible(&b, ens_file_source_name(f->source), strlen(ens_file_source_name(f->source)));
	ens_buf_addf(&b, ":%" PRIu64 ": %s: ", line, ens_reject_code(reason));
	if (field) {
		ens_buf_add_visible(&b, field, strlen(field));
		ens_buf_adds(&b, ": ");
	}
	ens_buf_add_visible(&b, detail, strlen(detail));
	if (n == TOLD_IN_FULL)
		ens_buf_adds(&b, " (more of this kind will only be counted)");
	(void)fprintf(r->log, "%s\n", ens_buf_cstr(&b));
	ens_buf_free(&b);
}

static enum ens_status write_letter(struct run *r, const struct feed *f, const struct ens_reject *x, const struct ens_t_str *to)
{
	if (!r->dead)
		return ENS_OK;
	ens_buf_clear(&r->letter);
	ens_letter_json(&r->letter, x, ens_file_source_name(f->source), to, r->t);
	if (r->letter.failed)
		return ens_fail(r->err, ENS_ENOMEM, "no memory for a dead letter");
	if (fwrite(r->letter.data, 1, r->letter.len, r->dead) != r->letter.len)
		return ens_fail(r->err, ENS_EENV, "cannot write %s: %s", r->o->dead, strerror(errno));
	return ENS_OK;
}

static enum ens_status tell_rejects(struct run *r, const struct feed *f)
{
	enum ens_status st = ENS_OK;
	uint32_t i;

	for (i = 0; i < f->batch.nreject && st == ENS_OK; i++) {
		const struct ens_reject *x = &f->batch.reject[i];

		r->of_stream[f->stream].dead[x->reason]++;
		tell_reject(r, f, x->reason, x->id.ms, x->field, x->detail);
		st = write_letter(r, f, x, NULL);
	}
	r->counts.skipped += f->batch.skipped;
	r->of_stream[f->stream].skipped += f->batch.skipped;
	return st;
}

static enum ens_status reject_late(struct run *r, const struct feed *f, const struct ens_event *ev)
{
	const struct ens_t_type *type = &r->t->type[ev->type];
	struct ens_raw_field raw[ENS_LETTER_FIELDS_MAX];
	struct ens_reject x;

	r->of_stream[f->stream].dead[ENS_REJECT_LATE] += type->late != ENS_T_LATE_TO;
	if (ens_letter_late(r->t, ev, ens_order_earliest(r->order, ev), &r->text, raw, &x) != ENS_OK)
		return ens_fail(r->err, ENS_ENOMEM, "no memory for a dead letter");
	tell_reject(r, f, ENS_REJECT_LATE, ev->id.ms, x.field, x.detail);
	return write_letter(r, f, &x, type->late == ENS_T_LATE_TO ? &type->late_stream : NULL);
}

static void tell_count(struct run *r, uint64_t n, const char *what)
{
	if (n)
		(void)fprintf(r->log, "ensue: %" PRIu64 " %s\n", n, what);
}

static void tell_summary(struct run *r)
{
	const struct ens_order_counts order = ens_order_counts(r->order);
	uint64_t rejected = 0;
	const char *comma = "";
	unsigned i;

	gather(r, true);
	for (i = 0; i < ENS_NREJECT; i++)
		rejected += r->counts.rejected[i];
	if (rejected) {
		(void)fprintf(r->log, "ensue: %" PRIu64 " of %" PRIu64 " entries were rejected (", rejected,
			      r->counts.entries);
		for (i = 0; i < ENS_NREJECT; i++) {
			if (!r->counts.rejected[i])
				continue;
			(void)fprintf(r->log, "%s%s %" PRIu64, comma, ens_reject_code((enum ens_reject_reason)i),
				      r->counts.rejected[i]);
			comma = ", ";
		}
		(void)fprintf(r->log, "); %" PRIu64 " are of no type that the rules declare\n", r->counts.skipped);
	} else if (r->counts.skipped && r->counts.skipped == r->counts.entries) {
		(void)fprintf(r->log, "ensue: none of the %" PRIu64 " entries is of a type that the rules declare\n",
			      r->counts.entries);
	}
	tell_count(r, r->counts.repeated, "events were repeats and dropped (`unique`)");
	tell_count(r, r->counts.late_dropped, "events were late and dropped (`late drop`)");
	tell_count(r, order.accepted, "events were late and taken all the same (`late accept`)");
	tell_count(r, order.forgotten, "values of `unique` fields were forgotten early: too many at a time");
	(void)fflush(r->log);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static bool is_called(const struct ens_raw_field *f, const char *name)
{
	return f->name_len == strlen(name) && memcmp(f->name, name, f->name_len) == 0;
}

/* Which type the entry names that no type of the rules took: for the first few. */
static void note_other(struct run *r, const struct ens_entry *entry)
{
	struct ens_file_counts *c = &r->counts;
	const struct ens_raw_field *name = NULL;
	const char *member = r->o->event_field ? r->o->event_field : "event";

	if (c->nother == ENS_FILE_OTHERS_MAX || r->noted == OTHERS_LOOKED_AT)
		return;
	r->noted++;
	for (uint32_t i = 0; i < entry->nfield && !name; i++)
		if (is_called(&entry->field[i], member) || (!r->o->event_field && is_called(&entry->field[i], "_event")))
			name = &entry->field[i];
	if (!name || (name->kind != ENS_RAW_TEXT && name->kind != ENS_RAW_STRING) || !name->len)
		return;

	const size_t len = ens_utf8_valid(name->s, name->len < ENS_FILE_OTHER_BYTES ? name->len : ENS_FILE_OTHER_BYTES);

	for (uint32_t i = 0; i < c->nother; i++)
		if (strlen(c->other[i]) == len && memcmp(c->other[i], name->s, len) == 0)
			return;
	memcpy(c->other[c->nother], name->s, len);
	c->other[c->nother++][len] = '\0';
}

/* One entry or bad line into the batch.  ENS_EEND: there is no more. */
static enum ens_status read_entry(struct run *r, struct feed *f)
{
	const uint32_t nevent = f->batch.nevent;
	const uint64_t skipped = f->batch.skipped;
	enum ens_reject_reason reason;
	struct ens_error why = {""};
	struct ens_entry entry;
	enum ens_status st = ens_file_source_next(f->source, &entry, &reason, &why);

	if (st == ENS_EEND)
		return st;
	if (st == ENS_EINPUT) {
		f->batch.entries++;
		return ens_batch_reject(&f->batch, reason, &entry, NULL, "%s", why.text);
	}
	if (st != ENS_OK)
		return ens_fail(r->err, st, "%s", why.text);
	entry.time_us = f->last_us;
	st = ens_decode(r->decoder, &entry, &f->batch);
	if (f->batch.skipped > skipped)
		note_other(r, &entry);
	if (st == ENS_OK && f->batch.nevent > nevent)
		f->last_us = f->batch.event[nevent].time_us;
	return st;
}

/*
 * The feed's next batch: until it is full, the input has ended, or the next entry would have to be waited for.  All
 * emissions so far are out before it waits.
 */
static enum ens_status read_batch(struct run *r, struct feed *f)
{
	enum ens_status st = ENS_OK;

	ens_batch_reset(&f->batch);
	f->next = 0;
	const bool waits = ens_file_source_would_wait(f->source);

	if (waits && r->out.len)
		st = flush(r);
	if (waits && r->dead)
		(void)fflush(r->dead); /* what could not be written is told when it is closed */
	watch(r, waits ? f : NULL);
	while (st == ENS_OK && f->batch.entries < BATCH_ENTRIES && f->batch.arena.used_bytes < BATCH_BYTES) {
		if (f->batch.entries && ens_file_source_would_wait(f->source))
			break;
		st = read_entry(r, f);
		if (st == ENS_EEND) {
			f->ended = true;
			st = ENS_OK;
			break;
		}
	}
	r->counts.entries += f->batch.entries;
	r->of_stream[f->stream].entries += f->batch.entries;
	const enum ens_status told = tell_rejects(r, f);

	return st == ENS_OK ? told : st;
}

/* Reads until the feed has an event at hand or has ended. */
static enum ens_status read_on(struct run *r, struct feed *f)
{
	enum ens_status st = ENS_OK;

	while (st == ENS_OK && f->next == f->batch.nevent && !f->ended)
		st = read_batch(r, f);
	return st;
}

/* ---- merging ---------------------------------------------------------------------------------------------------- */

static bool goes_before(const struct feed *a, const struct feed *b)
{
	const int64_t x = a->batch.event[a->next].time_us, y = b->batch.event[b->next].time_us;

	return x != y ? x < y : a->place < b->place;
}

static void sift_down(struct run *r, size_t i)
{
	struct feed *f = r->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= r->nheap)
			break;
		if (child + 1 < r->nheap && goes_before(r->heap[child + 1], r->heap[child]))
			child++;
		if (!goes_before(r->heap[child], f))
			break;
		r->heap[i] = r->heap[child];
		i = child;
	}
	r->heap[i] = f;
}

static enum ens_status start_feeds(struct run *r)
{
	enum ens_status st = ENS_OK;
	size_t i;

	for (i = 0; st == ENS_OK && i < r->nfeed; i++) {
		st = read_on(r, &r->feed[i]);
		if (st == ENS_OK && r->feed[i].next < r->feed[i].batch.nevent)
			r->heap[r->nheap++] = &r->feed[i];
	}
	for (i = r->nheap / 2; st == ENS_OK && i-- > 0;)
		sift_down(r, i);
	return st;
}

static enum ens_status push(struct run *r, const struct feed *f, const struct ens_event *ev)
{
	enum ens_order_verdict verdict;
	enum ens_status st;

	if (f->batch.nevent - f->next > ENS_ENGINE_LOOKAHEAD)
		ens_order_expect(r->order, ev + ENS_ENGINE_LOOKAHEAD);
	st = ens_order_push(r->order, ev, &verdict);
	if (st == ENS_ELIMIT)
		return ens_fail(r->err, st,
				"more than %u events wait to be put in order: the lateness is too long for this input",
				ENS_ORDER_BUFFERED_MAX);
	if (st != ENS_OK)
		return st;
	if (verdict == ENS_ORDER_TAKEN)
		r->counts.events++;
	else if (verdict == ENS_ORDER_REPEATED)
		r->counts.repeated++;
	else if (r->t->type[ev->type].late == ENS_T_LATE_DROP)
		r->counts.late_dropped++;
	else
		return reject_late(r, f, ev);
	return ENS_OK;
}

/* Until the end of all inputs. */
static enum ens_status pump(struct run *r)
{
	enum ens_status st = start_feeds(r);

	while (st == ENS_OK && r->nheap) {
		struct feed *f = r->heap[0];

		do {
			st = push(r, f, &f->batch.event[f->next]);
			f->next++;
		} while (st == ENS_OK && f->next < f->batch.nevent && r->nheap == 1);
		if (st == ENS_OK)
			st = read_on(r, f);
		if (st == ENS_OK && f->next == f->batch.nevent) {
			r->heap[0] = r->heap[--r->nheap];
			if (r->nheap == 0)
				break;
		}
		if (st == ENS_OK)
			sift_down(r, 0);
	}
	return st;
}

/* ---- the run ---------------------------------------------------------------------------------------------------- */

static enum ens_status open_run(struct run *r)
{
	const struct ens_decoder_options decoder = {.event_field = r->o->event_field, .max_skew_us = -1};
	const struct ens_engine_options engine = {.emissions_per_event = r->o->max_emissions,
						  .no_shared_matches = r->o->no_shared_matches || r->o->look_only,
						  .index_waiting_from = r->o->index_waiting_from,
						  .sink = {.emit = on_emission, .user = r}};
	const size_t block = r->o->ninput > 1 ? BLOCK_OF_MANY_BYTES : ENS_INPUT_BLOCK_BYTES;
	enum ens_status st = ENS_OK;
	size_t i;

	r->feed = calloc(r->o->ninput + 1, sizeof(*r->feed));
	r->heap = calloc(r->o->ninput + 1, sizeof(struct feed *));
	if (!r->feed || !r->heap)
		return ENS_ENOMEM;
	st = open_monitor(r);
	if (st != ENS_OK)
		return st;
	if (r->o->dead && !(r->dead = fopen(r->o->dead, "we")))
		return ens_fail(r->err, ENS_EENV, "cannot write %s: %s", r->o->dead, strerror(errno));
	for (i = 0; st == ENS_OK && i < r->o->ninput; i++) {
		ens_batch_init(&r->feed[i].batch);
		r->feed[i].place = (uint32_t)i;
		r->feed[i].stream = stream_of(r, r->o->input[i]);
		r->nfeed = i + 1;
		st = ens_file_source_open(r->o->input[i], block, r->o->stop, &r->feed[i].source, r->err);
	}
	if (st == ENS_OK)
		st = ens_decoder_open(r->t, &decoder, &r->decoder, r->err);
	if (st == ENS_OK)
		st = ens_engine_open(r->t, &engine, &r->engine, r->err);
	if (st == ENS_OK)
		st = ens_order_open(r->t, r->engine, true, &r->order, r->err);
	return st;
}

static void close_run(struct run *r)
{
	size_t i;

	ens_order_close(r->order);
	if (r->engine)
		ens_engine_close(r->engine);
	ens_decoder_close(r->decoder);
	for (i = 0; i < r->nfeed; i++) {
		ens_file_source_close(r->feed[i].source);
		ens_batch_free(&r->feed[i].batch);
	}
	ens_monitor_close(r->monitor);
	free(r->stream);
	free(r->of_stream);
	free(r->feed);
	free(r->heap);
	ens_buf_free(&r->out);
	ens_buf_free(&r->letter);
	ens_buf_free(&r->text);
}

/* The end of the letters is written. */
static enum ens_status close_dead(struct run *r)
{
	const bool good = !r->dead || fclose(r->dead) == 0;

	r->dead = NULL;
	return good ? ENS_OK : ens_fail(r->err, ENS_EENV, "cannot write %s: %s", r->o->dead, strerror(errno));
}

static enum ens_status work(struct run *r)
{
	enum ens_status st = open_run(r);
	bool stopped;

	if (st == ENS_OK && r->o->hooks.begin)
		st = r->o->hooks.begin(r->o->hooks.user, r->engine, r->order);
	if (st != ENS_OK)
		return st;
	r->begun = true;
	st = pump(r);
	stopped = r->o->stop && *r->o->stop;
	if (st == ENS_OK)
		st = ens_order_end(r->order, r->o->at_end_flush && !stopped);
	if (!r->reader_gone) {
		/* What was found before a failure is said all the same. */
		const enum ens_status written = flush(r);

		if (st == ENS_OK)
			st = written;
	}
	if (!r->o->look_only)
		tell_summary(r);
	return st;
}

enum ens_status ens_run_files(const struct ens_tables *t, const struct ens_file_options *o, struct ens_error *err)
{
	struct ens_error own = {""};
	struct run r = {.t = t, .o = o, .log = o->log ? o->log : stderr, .err = err ? err : &own};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction before;
	enum ens_status st;

	r.err->text[0] = '\0';
	(void)sigaction(SIGPIPE, &ignore, &before);
	st = work(&r);
	if (r.begun && o->hooks.end)
		o->hooks.end(o->hooks.user, r.engine, r.order);

	const enum ens_status closed = close_dead(&r);

	if (st == ENS_OK)
		st = closed;
	if (r.reader_gone)
		st = ENS_OK;
	if (st == ENS_ENOMEM && !r.err->text[0])
		(void)ens_fail(r.err, st, "no memory");
	if (o->counts)
		*o->counts = r.counts;
	close_run(&r);
	(void)sigaction(SIGPIPE, &before, NULL);
	return st;
}
