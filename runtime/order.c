/*
 * Event time: one order for the events of all streams of a group of rules.
 *
 * A stream's frontier is its newest event time - lateness, or one tick behind its watermark: the earliest time that is
 * still in time.  Of a group's streams, let (m, p) be the least frontier and the first stream that has it.  Exactly
 * the events that sort at or before (m, p) by (time, stream) can go to the engine: each other stream has passed their
 * time, or reached it and sorts behind.  What has to wait is copied once, however many groups it waits in, and stands
 * in a queue (runtime/queue.h) for each of them, ordered by (time, stream, arrival); entries of one stream arrive in the
 * order of their IDs.
 *
 * Guarantee: a group's events reach the engine in that order, and deadlines between them, for every interleaving of the
 * streams.  Cost: an event that needs not wait (one stream, no lateness) costs a comparison for each group; one that
 * waits, a copy and the queue's few moves.  Tested by tests/unit/test_order.c.
 */
#include "runtime/order.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/heap.h"
#include "runtime/queue.h"

#define UNREAD INT64_MIN /* frontier of a stream of which nothing was read */
#define FETCH_AHEAD 16u  /* events before its turn the copy of a waiting one is fetched, */
#define EXPECT_AHEAD 8u  /* and the engine told of it */

/* An event that waits, with its values and their bytes behind it. */
struct held {
	struct held *older, *newer; /* of its stream */
	int64_t before_us;          /* its stream's frontier before it was read */
	size_t size_bytes;
	uint32_t ngroup;            /* in which it waits */
	struct ens_event ev;
	struct ens_value value[];
};

struct group {
	struct ens_t_list streams;  /* of the tables; not used when single */
	struct ens_queue queue;     /* of struct held */
	int64_t least_us;           /* (m, p) */
	uint32_t least_stream;
	int64_t advanced_us;        /* the watermark that the engine has been told */
	bool has_released, skipping;
	struct ens_order_position released;
	struct ens_order_position skip; /* events read again are not released again up to here */
};

struct stream {
	int64_t frontier_us;
	int64_t before_us;          /* the frontier before the event at hand */
	int64_t lateness_us;
	struct ens_t_list groups;   /* in `group_of` */
	struct held *oldest, *newest;
	bool rereading;
	struct ens_entry_id reread; /* the last entry that was read before */
};

struct ens_order {
	const struct ens_tables *t;
	struct ens_engine *engine;
	bool single, by_arrival;
	struct stream *stream;
	struct group *group;
	uint32_t nstream, ngroup;
	uint32_t *group_of;         /* groups by stream */
	struct ens_heap memory;
	int64_t *judge_us;          /* single: the earliest time in time by stream of the tables */
	struct ens_unique *unique;  /* NULL: no type asks for it */
	uint64_t nheld, max_held, arrivals;
	struct ens_order_counts counts;
	struct ens_order_type_counts *of_type;
};

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

static void find_lateness(struct ens_order *o)
{
	for (uint32_t i = 0; i < o->t->nstream; i++) {
		struct stream *s = &o->stream[o->single ? 0 : i];

		if (o->t->stream[i].lateness_us > s->lateness_us)
			s->lateness_us = o->t->stream[i].lateness_us;
	}
}

static bool group_reads(const struct ens_order *o, uint32_t group, uint32_t stream)
{
	const struct ens_t_list streams = o->t->group[group].streams;
	uint32_t i;

	if (o->single)
		return true;
	for (i = 0; i < streams.count; i++)
		if (o->t->index[streams.first + i] == stream)
			return true;
	return false;
}

/* Groups by stream, in ascending order. */
static bool find_groups(struct ens_order *o)
{
	size_t total = o->single ? o->ngroup : 0;
	uint32_t s, g, n = 0;

	for (g = 0; !o->single && g < o->ngroup; g++)
		total += o->t->group[g].streams.count;
	o->group_of = calloc(total + 1, sizeof(*o->group_of));
	if (!o->group_of)
		return false;
	for (s = 0; s < o->nstream; s++) {
		o->stream[s].groups.first = n;
		for (g = 0; g < o->ngroup; g++)
			if (group_reads(o, g, s))
				o->group_of[n++] = g;
		o->stream[s].groups.count = n - o->stream[s].groups.first;
	}
	assert(n <= total);
	return true;
}

/* The least frontier of the group's streams, and the first stream that has it. */
static void find_least(const struct ens_order *o, struct group *g)
{
	uint32_t i;

	if (o->single) {
		g->least_us = o->stream[0].frontier_us;
		g->least_stream = 0;
		return;
	}
	g->least_us = INT64_MAX;
	g->least_stream = UINT32_MAX;
	for (i = 0; i < g->streams.count; i++) {
		const uint32_t s = o->t->index[g->streams.first + i];

		if (g->least_stream == UINT32_MAX || o->stream[s].frontier_us < g->least_us) {
			g->least_us = o->stream[s].frontier_us;
			g->least_stream = s;
		}
	}
}

void ens_order_ties_by_arrival(struct ens_order *o)
{
	o->by_arrival = true;
}

enum ens_status ens_order_open(const struct ens_tables *t, struct ens_engine *engine, bool single,
			       struct ens_order **out, struct ens_error *err)
{
	struct ens_order *o = calloc(1, sizeof(*o));
	enum ens_status st;
	uint32_t i;

	if (!o)
		return ens_fail(err, ENS_ENOMEM, "no memory to put events in order");
	o->t = t;
	o->engine = engine;
	o->single = single;
	o->nstream = single ? 1 : t->nstream;
	o->ngroup = t->ngroup;
	o->max_held = ENS_ORDER_BUFFERED_MAX;
	ens_heap_init(&o->memory);
	o->stream = calloc((size_t)o->nstream + 1, sizeof(*o->stream));
	o->group = calloc((size_t)o->ngroup + 1, sizeof(*o->group));
	o->judge_us = single ? calloc((size_t)t->nstream + 1, sizeof(*o->judge_us)) : NULL;
	o->of_type = calloc((size_t)t->ntype + 1, sizeof(*o->of_type));
	if (!o->stream || !o->group || !o->of_type || (single && !o->judge_us) || !find_groups(o)) {
		ens_order_close(o);
		return ens_fail(err, ENS_ENOMEM, "no memory to put events in order");
	}
	st = ens_unique_open(t, ENS_UNIQUE_MAX, &o->unique, err);
	if (st != ENS_OK) {
		ens_order_close(o);
		return st;
	}
	for (i = 0; i < o->nstream; i++)
		o->stream[i].frontier_us = UNREAD;
	for (i = 0; single && i < t->nstream; i++)
		o->judge_us[i] = UNREAD;
	find_lateness(o);
	for (i = 0; i < o->ngroup; i++) {
		o->group[i].streams = t->group[i].streams;
		o->group[i].advanced_us = INT64_MIN;
		find_least(o, &o->group[i]);
	}
	*out = o;
	return ENS_OK;
}

void ens_order_close(struct ens_order *o)
{
	uint32_t i;

	if (!o)
		return;
	for (i = 0; o->stream && i < o->nstream; i++) {
		while (o->stream[i].oldest) {
			struct held *h = o->stream[i].oldest;

			o->stream[i].oldest = h->newer;
			ens_heap_free(&o->memory, h, h->size_bytes);
		}
	}
	for (i = 0; o->group && i < o->ngroup; i++)
		ens_queue_free(&o->group[i].queue);
	ens_unique_close(o->unique);
	free(o->judge_us);
	free(o->of_type);
	ens_heap_close(&o->memory);
	free(o->stream);
	free(o->group);
	free(o->group_of);
	free(o);
}

/* ---- events that wait ------------------------------------------------------------------------------------------- */

static struct held *hold(struct ens_order *o, uint32_t stream, const struct ens_event *ev)
{
	const struct ens_t_list fields = o->t->type[ev->type].fields;
	size_t size = sizeof(struct held) + fields.count * sizeof(struct ens_value);
	struct stream *s = &o->stream[stream];
	struct held *h;
	char *bytes;
	uint32_t i;

	for (i = 0; i < fields.count; i++)
		if (ens_type_is_bytes((enum ens_type)o->t->field[fields.first + i].type) &&
		    ev->value[i].null == ENS_SET)
			size += ev->value[i].len;
	h = ens_heap_alloc(&o->memory, size);
	if (!h)
		return NULL;
	*h = (struct held){.size_bytes = size, .older = s->newest, .before_us = s->before_us, .ev = *ev};
	h->ev.value = h->value;
	bytes = (char *)(h->value + fields.count);
	for (i = 0; i < fields.count; i++) {
		struct ens_value *v = &h->value[i];

		*v = ev->value[i];
		if (!ens_type_is_bytes((enum ens_type)o->t->field[fields.first + i].type) || v->null != ENS_SET)
			continue;
		if (v->len)
			memcpy(bytes, v->s, v->len);
		v->s = bytes;
		bytes += v->len;
	}
	if (s->newest)
		s->newest->newer = h;
	else
		s->oldest = h;
	s->newest = h;
	o->nheld++;
	return h;
}

/* It waits in one group less. */
static void let_go(struct ens_order *o, struct held *h)
{
	struct stream *s = &o->stream[o->single ? 0 : h->ev.id.stream];

	assert(h->ngroup > 0);
	if (--h->ngroup)
		return;
	if (h->older)
		h->older->newer = h->newer;
	else
		s->oldest = h->newer;
	if (h->newer)
		h->newer->older = h->older;
	else
		s->newest = h->older;
	ens_heap_free(&o->memory, h, h->size_bytes);
	o->nheld--;
}

/* ---- release ---------------------------------------------------------------------------------------------------- */

static bool can_go(const struct group *g, int64_t time_us, uint32_t stream)
{
	if (g->least_us == UNREAD)
		return false;
	return time_us < g->least_us || (time_us == g->least_us && stream <= g->least_stream);
}

static enum ens_status hand_over(struct ens_order *o, uint32_t group, const struct ens_event *ev)
{
	struct group *g = &o->group[group];

	g->released = (struct ens_order_position){.time_us = ev->time_us, .id = ev->id};
	g->has_released = true;
	return ens_engine_push(o->engine, group, ev);
}

/* Takes the first out of the queue and hands it over. */
static enum ens_status release_first(struct ens_order *o, uint32_t group, const struct ens_queue_item *first)
{
	struct held *h = first->what;
	enum ens_status st;

	ens_queue_drop_first(&o->group[group].queue);
	st = hand_over(o, group, &h->ev);
	let_go(o, h);
	return st;
}

/* What will be released soon is fetched, and the engine told. */
static void look_ahead(const struct ens_order *o, uint32_t group)
{
	const struct ens_queue *q = &o->group[group].queue;
	const struct ens_queue_item *soon = ens_queue_soon(q, FETCH_AHEAD);

	if (soon) {
		__builtin_prefetch(soon->what);
		__builtin_prefetch((const char *)soon->what + 64);
		__builtin_prefetch((const char *)soon->what + 128);
	}
	soon = ens_queue_soon(q, EXPECT_AHEAD);
	if (soon)
		ens_engine_expect(o->engine, group, &((const struct held *)soon->what)->ev);
}

/* Releases what can go and, if `before` is given, sorts before it. */
static enum ens_status release(struct ens_order *o, uint32_t group, const struct ens_queue_item *before)
{
	struct group *g = &o->group[group];
	const struct ens_queue_item *first;
	enum ens_status st = ens_queue_first(&g->queue, &first);

	while (st == ENS_OK && first && can_go(g, first->time_us, first->stream) &&
	       (!before || ens_queue_before(first, before))) {
		look_ahead(o, group);
		st = release_first(o, group, first);
		if (st == ENS_OK)
			st = ens_queue_first(&g->queue, &first);
	}
	return st;
}

/* Tells the engine how far time has come, if anything is due. */
static enum ens_status advance(struct ens_order *o, uint32_t group)
{
	struct group *g = &o->group[group];
	int64_t watermark;

	if (g->least_us == UNREAD)
		return ENS_OK;
	watermark = g->least_us == INT64_MAX ? INT64_MAX : g->least_us - 1;
	if (watermark <= g->advanced_us)
		return ENS_OK;
	g->advanced_us = watermark;
	if (ens_engine_next_due(o->engine, group) > watermark)
		return ENS_OK;
	return ens_engine_advance(o->engine, group, watermark);
}

static void raise_frontier(struct ens_order *o, uint32_t stream, int64_t frontier_us)
{
	struct stream *s = &o->stream[stream];
	uint32_t i;

	if (frontier_us <= s->frontier_us)
		return;
	s->frontier_us = frontier_us;
	for (i = 0; i < s->groups.count; i++) {
		struct group *g = &o->group[o->group_of[s->groups.first + i]];

		if (g->least_stream == stream)
			find_least(o, g);
	}
}

/* ---- push ------------------------------------------------------------------------------------------------------- */

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_ids(const struct ens_entry_id *a, const struct ens_entry_id *b)
{
	const int by_ms = compare_u64(a->ms, b->ms);

	return by_ms ? by_ms : compare_u64(a->seq, b->seq);
}

/* The group had this event before the restart. */
static bool had_before(const struct group *g, const struct ens_event *ev)
{
	if (!g->skipping)
		return false;
	if (ev->time_us != g->skip.time_us)
		return ev->time_us < g->skip.time_us;
	if (ev->id.stream != g->skip.id.stream)
		return ev->id.stream < g->skip.id.stream;
	return compare_ids(&ev->id, &g->skip.id) <= 0;
}

static int64_t minus_lateness(int64_t time_us, int64_t lateness_us)
{
	return time_us < INT64_MIN + 1 + lateness_us ? INT64_MIN + 1 : time_us - lateness_us;
}

/* True if the stream's event is one that was read before a restart. */
static bool read_before(struct stream *s, const struct ens_event *ev)
{
	if (s->rereading && compare_ids(&ev->id, &s->reread) > 0)
		s->rereading = false;
	return s->rereading;
}

/* As many events wait as may.  Releases what comes before this one; true if it would still have to wait beside them. */
static enum ens_status check_room(struct ens_order *o, const struct stream *s, const struct ens_queue_item *w, bool *full)
{
	bool must_wait = false;
	uint32_t i;

	for (i = 0; i < s->groups.count; i++) {
		const uint32_t group = o->group_of[s->groups.first + i];
		const enum ens_status st = release(o, group, w);

		if (st != ENS_OK)
			return st;
		must_wait |= !can_go(&o->group[group], w->time_us, w->stream);
	}
	*full = must_wait && o->nheld >= o->max_held;
	return ENS_OK;
}

/* Hands the event to one group, or has it wait there; w->what is its copy, made when it is first needed. */
static enum ens_status offer(struct ens_order *o, uint32_t group, const struct ens_event *ev, struct ens_queue_item *w)
{
	struct group *g = &o->group[group];
	enum ens_status st = ENS_OK;

	if (g->queue.nitem)
		st = release(o, group, w);
	if (st != ENS_OK)
		return st;
	if (can_go(g, w->time_us, w->stream)) {
		st = hand_over(o, group, ev);
	} else {
		struct held *h = w->what ? w->what : hold(o, o->single ? 0 : ev->id.stream, ev);

		if (!h)
			return ENS_ENOMEM;
		w->what = h;
		h->ngroup++;
		if (ens_queue_add(&g->queue, w) != ENS_OK) {
			let_go(o, h);
			return ENS_ENOMEM;
		}
	}
	if (st == ENS_OK && g->queue.nitem)
		st = release(o, group, NULL);
	/*
	 * An event that was handed over made the engine fire what is due before its time: all that is due, if time
	 * is there.
	 */
	if (st == ENS_OK && (w->what || g->least_us > w->time_us))
		st = advance(o, group);
	return st;
}

/*
 * An entry that is read again, and a group that lacks it, but is already beyond its time: what was stored did not fit
 * together.  To the engine it would be an event out of order.
 */
static bool cannot_be_made_up(const struct ens_order *o, const struct stream *s, const struct ens_event *ev)
{
	uint32_t i;

	for (i = 0; i < s->groups.count; i++) {
		const struct group *g = &o->group[o->group_of[s->groups.first + i]];

		if (!had_before(g, ev) && (ev->time_us <= g->advanced_us ||
					   (g->has_released && ev->time_us < g->released.time_us)))
			return true;
	}
	return false;
}

void ens_order_expect(const struct ens_order *o, const struct ens_event *ev)
{
	const struct stream *s = &o->stream[o->single ? 0 : ev->id.stream];

	for (uint32_t i = 0; i < s->groups.count; i++)
		ens_engine_expect(o->engine, o->group_of[s->groups.first + i], ev);
}

/* The earliest time at which the event would be in time. */
static int64_t earliest(const struct ens_order *o, const struct ens_event *ev)
{
	const int64_t all_us = o->stream[o->single ? 0 : ev->id.stream].frontier_us;

	return o->single && o->judge_us[ev->id.stream] > all_us ? o->judge_us[ev->id.stream] : all_us;
}

/* Is it a repeat, or late?  One that is late and accepted gets its time.  `again`: it was counted before the restart. */
static enum ens_order_verdict judge(struct ens_order *o, struct ens_event *ev, bool again)
{
	const struct ens_t_type *type = &o->t->type[ev->type];
	const int64_t earliest_us = earliest(o, ev);

	if (o->unique && ens_unique_repeats(o->unique, ev)) {
		o->counts.repeated += !again;
		o->of_type[ev->type].repeated += !again;
		return ENS_ORDER_REPEATED;
	}
	if (ev->time_us >= earliest_us)
		return ENS_ORDER_TAKEN;
	if (type->late != ENS_T_LATE_ACCEPT &&
	    (type->late != ENS_T_LATE_DEAD || ev->from_file || type->time_field != ENS_NONE)) {
		o->counts.late += !again;
		o->of_type[ev->type].late += !again;
		return ENS_ORDER_LATE;
	}
	ev->time_us = earliest_us;
	o->counts.accepted += !again;
	return ENS_ORDER_TAKEN;
}

static void raise_judge(struct ens_order *o, const struct ens_event *ev)
{
	const uint32_t s = ev->id.stream;
	const int64_t us = minus_lateness(ev->time_us, o->t->stream[s].lateness_us);

	if (us > o->judge_us[s])
		o->judge_us[s] = us;
}

static enum ens_status take(struct ens_order *o, const struct ens_event *ev, bool again)
{
	const uint32_t stream = o->single ? 0 : ev->id.stream;
	struct stream *s = &o->stream[stream];
	struct ens_queue_item w = {.time_us = ev->time_us, .arrival = o->arrivals++, .stream = o->by_arrival ? 0 : stream};
	enum ens_status st = ENS_OK;
	bool full = false;

	s->before_us = s->frontier_us;
	raise_frontier(o, stream, minus_lateness(ev->time_us, s->lateness_us));
	if (o->single)
		raise_judge(o, ev);
	if (o->nheld >= o->max_held)
		st = check_room(o, s, &w, &full);
	if (st == ENS_OK && full)
		st = ENS_ELIMIT;
	for (uint32_t i = 0; st == ENS_OK && i < s->groups.count; i++) {
		const uint32_t group = o->group_of[s->groups.first + i];

		if (!again || !had_before(&o->group[group], ev))
			st = offer(o, group, ev, &w);
	}
	return st;
}

enum ens_status ens_order_push(struct ens_order *o, const struct ens_event *event, enum ens_order_verdict *verdict)
{
	struct stream *s = &o->stream[o->single ? 0 : event->id.stream];
	struct ens_event ev = *event;
	const bool again = read_before(s, event);
	enum ens_status st = ENS_OK;

	assert(event->id.stream < o->t->nstream);
	*verdict = judge(o, &ev, again);
	if (*verdict == ENS_ORDER_TAKEN && again && cannot_be_made_up(o, s, &ev))
		*verdict = ENS_ORDER_LATE;
	if (*verdict != ENS_ORDER_TAKEN)
		return ENS_OK;
	st = take(o, &ev, again);
	if (st == ENS_OK)
		o->of_type[ev.type].taken += !again;
	if (st == ENS_OK && o->unique)
		st = ens_unique_note(o->unique, event, earliest(o, event), s->before_us);
	return st;
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

enum ens_status ens_order_tick(struct ens_order *o, uint32_t stream, int64_t watermark_us)
{
	const int64_t frontier = watermark_us == INT64_MAX ? INT64_MAX : watermark_us + 1;
	const struct stream *s = &o->stream[stream];
	enum ens_status st = ENS_OK;
	uint32_t i;

	assert(stream < o->nstream);
	if (frontier <= s->frontier_us)
		return ENS_OK;
	raise_frontier(o, stream, frontier);
	for (i = 0; st == ENS_OK && i < s->groups.count; i++) {
		const uint32_t group = o->group_of[s->groups.first + i];

		st = release(o, group, NULL);
		if (st == ENS_OK)
			st = advance(o, group);
	}
	return st;
}

enum ens_status ens_order_stand(struct ens_order *o)
{
	enum ens_status st = ENS_OK;

	for (uint32_t g = 0; st == ENS_OK && g < o->ngroup; g++)
		if (o->group[g].least_us != UNREAD)
			st = ens_engine_advance(o->engine, g, o->group[g].least_us);
	return st;
}

/* The least frontier of the group's other streams; UNREAD if it has none. */
static int64_t least_without(const struct ens_order *o, const struct group *g, uint32_t stream)
{
	int64_t least = INT64_MAX;
	bool any = false;
	uint32_t i;

	for (i = 0; !o->single && i < g->streams.count; i++) {
		const uint32_t s = o->t->index[g->streams.first + i];

		if (s == stream)
			continue;
		any = true;
		if (o->stream[s].frontier_us < least)
			least = o->stream[s].frontier_us;
	}
	return any ? least : UNREAD;
}

enum ens_status ens_order_idle(struct ens_order *o, uint32_t stream)
{
	const struct stream *s = &o->stream[stream];
	int64_t best = UNREAD;
	uint32_t i;

	for (i = 0; i < s->groups.count; i++) {
		const int64_t least = least_without(o, &o->group[o->group_of[s->groups.first + i]], stream);

		if (least > best)
			best = least;
	}
	return best == UNREAD ? ENS_OK : ens_order_tick(o, stream, best - 1);
}

static enum ens_status release_all(struct ens_order *o, uint32_t group)
{
	const struct ens_queue_item *first;
	enum ens_status st = ens_queue_first(&o->group[group].queue, &first);

	while (st == ENS_OK && first) {
		look_ahead(o, group);
		st = release_first(o, group, first);
		if (st == ENS_OK)
			st = ens_queue_first(&o->group[group].queue, &first);
	}
	return st;
}

enum ens_status ens_order_end(struct ens_order *o, bool flush)
{
	enum ens_status st = ENS_OK;
	uint32_t g;

	for (g = 0; st == ENS_OK && g < o->ngroup; g++) {
		st = release_all(o, g);
		if (st != ENS_OK)
			break;
		if (flush)
			st = ens_engine_advance(o->engine, g, INT64_MAX);
		else if (o->group[g].has_released)
			st = ens_engine_advance(o->engine, g, o->group[g].released.time_us);
	}
	return st;
}

/* ---- where we are ----------------------------------------------------------------------------------------------- */

int64_t ens_order_watermark(const struct ens_order *o, uint32_t stream)
{
	const int64_t frontier = o->stream[stream].frontier_us;

	return frontier == UNREAD || frontier == INT64_MAX ? frontier : frontier - 1;
}

void ens_order_set_watermark(struct ens_order *o, uint32_t stream, int64_t watermark_us)
{
	if (watermark_us > INT64_MIN)
		raise_frontier(o, stream, watermark_us == INT64_MAX ? INT64_MAX : watermark_us + 1);
}

uint64_t ens_order_buffered(const struct ens_order *o)
{
	return o->nheld;
}

void ens_order_set_limit(struct ens_order *o, uint64_t max_buffered)
{
	o->max_held = max_buffered;
}

struct ens_order_counts ens_order_counts(const struct ens_order *o)
{
	struct ens_order_counts c = o->counts;

	c.forgotten = ens_unique_forgotten(o->unique);
	return c;
}

struct ens_order_type_counts ens_order_type_counts(const struct ens_order *o, uint32_t type)
{
	return o->of_type[type];
}

/* Where reading the stream has to begin again, and its frontier before that entry was read.  False: behind the last entry. */
static bool begins_again(const struct ens_order *o, uint32_t stream, struct ens_entry_id *id, int64_t *before_us)
{
	const struct held *oldest = o->stream[stream].oldest;
	struct ens_entry_id noted;
	int64_t noted_before_us;
	const bool any = ens_unique_oldest(o->unique, stream, o->stream[stream].frontier_us, &noted, &noted_before_us);

	if (oldest && (!any || compare_ids(&oldest->ev.id, &noted) <= 0)) {
		*id = oldest->ev.id;
		*before_us = oldest->before_us;
		return true;
	}
	if (any) {
		*id = noted;
		*before_us = noted_before_us;
	}
	return any;
}

bool ens_order_oldest(const struct ens_order *o, uint32_t stream, struct ens_entry_id *out)
{
	int64_t before_us;

	return begins_again(o, stream, out, &before_us);
}

int64_t ens_order_stored_watermark(const struct ens_order *o, uint32_t stream)
{
	struct ens_entry_id id;
	int64_t before_us;

	if (!begins_again(o, stream, &id, &before_us))
		return ens_order_watermark(o, stream);
	return before_us == UNREAD ? UNREAD : before_us - 1;
}

bool ens_order_released(const struct ens_order *o, uint32_t group, struct ens_order_position *out)
{
	if (!o->group[group].has_released)
		return false;
	*out = o->group[group].released;
	return true;
}

void ens_order_reread(struct ens_order *o, uint32_t stream, const struct ens_entry_id *last_read)
{
	o->stream[stream].rereading = true;
	o->stream[stream].reread = *last_read;
}

void ens_order_set_released(struct ens_order *o, uint32_t group, const struct ens_order_position *pos)
{
	o->group[group].skipping = true;
	o->group[group].skip = *pos;
}
