/*
 * Event time: one order for the events of all streams of a group of rules.
 *
 * A stream's frontier is its newest event time - lateness, or one tick behind its watermark: the earliest time that is
 * still in time.  Of a group's streams, let (m, p) be the least frontier and the first stream that has it.  Exactly
 * the events that sort at or before (m, p) by (time, stream) can go to the engine: each other stream has passed their
 * time, or reached it and sorts behind.  What has to wait is packed (runtime/packed.h), once for all groups it
 * waits in, and stands in a queue (runtime/queue.h) for each of them, ordered by (time, stream, arrival); entries of one
 * stream arrive in the order of their IDs.
 *
 * Guarantee: a group's events reach the engine in that order, and deadlines between them, for every interleaving of the
 * streams.  Cost: an event that needs not wait (one stream, no lateness) costs a comparison for each group; one that
 * waits, a copy and the queue's few moves.  Tested by tests/unit/test_order.c.
 */
#include "runtime/order.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/packed.h"
#include "runtime/queue.h"

#define UNREAD INT64_MIN /* frontier of a stream of which nothing was read */
#define FETCH_AHEAD 32u  /* events before its turn the copy of a waiting one is fetched, */
#define EXPECT_AHEAD ENS_ENGINE_LOOKAHEAD /* and unpacked, and the engine told of it */
#define UNPACKED (2 * EXPECT_AHEAD)       /* that many are kept, by their place in a run of the queue; a power of 2 */
#define NO_TIE UINT64_MAX

/* Of an event that waits, what outlives it until all before it have gone. */
struct mark {
	uint64_t ms, seq;
	int64_t before_us;          /* its stream's frontier before it was read */
};

/* An event that waits, as the engine takes it. */
struct unpacked {
	uint64_t tie;               /* whose it is, or NO_TIE; no two events have the same, so it need not be cleared */
	uint64_t place;             /* among those of its stream that have waited */
	struct ens_event event;     /* texts are borrowed from what waits */
	struct ens_value *value;    /* room for those of any type */
};

struct group {
	struct ens_t_list streams;  /* of the tables; not used when single */
	struct ens_queue queue;     /* of struct ens_packed */
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
	struct mark *mark;          /* of the places first_mark to end_mark, each at its place modulo cap_mark, a power of 2 */
	uint64_t *gone;             /* a bit for each: it waits no longer */
	uint64_t first_mark, end_mark, cap_mark;
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
	struct ens_packer packer;
	struct unpacked unpacked[UNPACKED];
	struct ens_value *room;     /* for values: of what is unpacked for a moment, then of `unpacked` */
	int64_t *judge_us;          /* single: the earliest time in time by stream of the tables */
	struct ens_unique *unique;  /* NULL: no type asks for it */
	uint64_t nheld, max_held, arrivals;
	unsigned arrival_bits;      /* of a tie in the queues: the number of its arrival; its stream stands above */
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

static int64_t greatest_lateness(const struct ens_tables *t)
{
	int64_t greatest_us = 0;

	for (uint32_t i = 0; i < t->nstream; i++)
		if (t->stream[i].lateness_us > greatest_us)
			greatest_us = t->stream[i].lateness_us;
	return greatest_us;
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

/* No number up to n is more than that many bits long; 1 to 32. */
static unsigned bits_of(uint32_t n)
{
	return 32 - (unsigned)__builtin_clz(n | 1);
}

static bool open_ahead(struct ens_order *o)
{
	ens_packer_open(&o->packer, o->t, greatest_lateness(o->t));
	o->room = calloc((UNPACKED + 1) * ((size_t)o->packer.nvalue + 1), sizeof *o->room);
	for (uint32_t i = 0; o->room && i < UNPACKED; i++)
		o->unpacked[i] = (struct unpacked){.tie = NO_TIE,
						   .value = o->room + (i + 1) * (size_t)o->packer.nvalue};
	return o->room;
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
	o->arrival_bits = 64 - bits_of(o->nstream);
	o->stream = calloc((size_t)o->nstream + 1, sizeof(*o->stream));
	o->group = calloc((size_t)o->ngroup + 1, sizeof(*o->group));
	o->judge_us = single ? calloc((size_t)t->nstream + 1, sizeof(*o->judge_us)) : NULL;
	o->of_type = calloc((size_t)t->ntype + 1, sizeof(*o->of_type));
	if (!o->stream || !o->group || !o->of_type || (single && !o->judge_us) || !find_groups(o) ||
	    !open_ahead(o)) {
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

static void free_held(void *user, const struct ens_queue_item *item)
{
	struct ens_order *o = user;
	struct ens_packed *h = item->what;

	if (--h->users == 0)
		ens_packed_free(&o->packer, h);
}

void ens_order_close(struct ens_order *o)
{
	uint32_t i;

	if (!o)
		return;
	for (i = 0; o->group && i < o->ngroup; i++)
		ens_queue_each(&o->group[i].queue, free_held, o);
	for (i = 0; o->stream && i < o->nstream; i++) {
		free(o->stream[i].mark);
		free(o->stream[i].gone);
	}
	for (i = 0; o->group && i < o->ngroup; i++)
		ens_queue_free(&o->group[i].queue);
	ens_unique_close(o->unique);
	free(o->judge_us);
	free(o->of_type);
	ens_packer_close(&o->packer);
	free(o->room);
	free(o->stream);
	free(o->group);
	free(o->group_of);
	free(o);
}

/* ---- events that wait ------------------------------------------------------------------------------------------- */

/* Twice as many: each stays at its place, or goes as far behind it as there were. */
static bool more_marks(struct stream *s)
{
	const uint64_t had = s->cap_mark, cap = had ? had * 2 : 64;
	struct mark *mark = realloc(s->mark, cap * sizeof(*mark));
	uint64_t *gone;

	if (!mark)
		return false;
	s->mark = mark;
	gone = realloc(s->gone, cap / 8);
	if (!gone)
		return false;
	s->gone = gone;
	for (uint64_t i = s->first_mark; i < s->end_mark; i++) {
		const uint64_t from = i & (had - 1), to = i & (cap - 1);

		if (from == to)
			continue;
		mark[to] = mark[from];
		gone[to / 64] &= ~(UINT64_C(1) << to % 64);
		gone[to / 64] |= (gone[from / 64] >> from % 64 & 1) << to % 64;
	}
	s->cap_mark = cap;
	return true;
}

/* The event gets the next place. */
static bool add_mark(struct stream *s, const struct ens_event *ev, uint64_t *place)
{
	uint64_t at;

	if (s->end_mark - s->first_mark == s->cap_mark && !more_marks(s))
		return false;
	*place = s->end_mark++;
	at = *place & (s->cap_mark - 1);
	s->mark[at] = (struct mark){.ms = ev->id.ms, .seq = ev->id.seq, .before_us = s->before_us};
	s->gone[at / 64] &= ~(UINT64_C(1) << at % 64);
	return true;
}

static void remove_mark(struct stream *s, uint64_t place)
{
	uint64_t at = place & (s->cap_mark - 1);

	s->gone[at / 64] |= UINT64_C(1) << at % 64;
	if (place != s->first_mark)
		return;
	for (at = s->first_mark & (s->cap_mark - 1); s->first_mark < s->end_mark && s->gone[at / 64] >> at % 64 & 1;
	     at = s->first_mark & (s->cap_mark - 1))
		s->first_mark++;
}

/* It gets the next place among those of its stream that have waited.  NULL: no memory. */
static struct ens_packed *hold(struct ens_order *o, struct stream *s, const struct ens_event *ev)
{
	struct ens_packed *h;
	uint64_t place;

	if (!add_mark(s, ev, &place))
		return NULL;
	h = ens_pack(&o->packer, ev, place);
	if (h)
		o->nheld++;
	else
		s->end_mark--;
	return h;
}

static struct stream *stream_of(const struct ens_order *o, const struct ens_event *ev)
{
	return &o->stream[o->single ? 0 : ev->id.stream];
}

/* What decides between events of one time: the stream, then the arrival. */
static uint64_t next_tie(struct ens_order *o, uint32_t stream)
{
	return (o->by_arrival ? 0 : (uint64_t)stream << o->arrival_bits) | o->arrivals++;
}

static uint32_t stream_of_tie(const struct ens_order *o, const struct ens_queue_item *item)
{
	return (uint32_t)(item->tie >> o->arrival_bits);
}

/* It waits in one group less; `place` among those of its stream. */
static void let_go(struct ens_order *o, struct ens_packed *h, struct stream *s, uint64_t place)
{
	assert(h->users > 0);
	if (--h->users)
		return;
	remove_mark(s, place);
	ens_packed_free(&o->packer, h);
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

/* Where the event that comes n after the first is kept while it is unpacked: only a place, it may be another's. */
static struct unpacked *unpacked_at(struct ens_order *o, uint32_t group, size_t n)
{
	return &o->unpacked[(o->group[group].queue.head + n) % UNPACKED];
}

static void unpack(const struct ens_order *o, const struct ens_queue_item *item, struct unpacked *u)
{
	u->tie = item->tie;
	u->event.time_us = item->time_us;
	u->place = ens_unpack(&o->packer, item->what, u->value, &u->event);
}

/* Takes the first out of the queue and hands it over. */
static enum ens_status release_first(struct ens_order *o, uint32_t group, const struct ens_queue_item *first)
{
	struct ens_packed *h = first->what;
	struct unpacked *u = unpacked_at(o, group, 0);
	enum ens_status st;

	if (u->tie != first->tie)
		unpack(o, first, u);
	ens_queue_drop_first(&o->group[group].queue);
	st = hand_over(o, group, &u->event);
	let_go(o, h, stream_of(o, &u->event), u->place);
	return st;
}

static void fetch(const struct ens_queue_item *item)
{
	const char *h = item->what;

	__builtin_prefetch(h, 1); /* its bytes are borrowed, then it is freed, and used again */
	__builtin_prefetch(h + 64, 1);
}

/* What will be released soon is fetched, and the engine told. */
static void look_ahead(struct ens_order *o, uint32_t group)
{
	const struct ens_queue *q = &o->group[group].queue;
	const struct ens_queue_item *soon;

	for (size_t n = 1; ens_queue_turned(q) && n < FETCH_AHEAD && (soon = ens_queue_soon(q, n)); n++)
		fetch(soon);
	soon = ens_queue_soon(q, FETCH_AHEAD);
	if (soon)
		fetch(soon);
	soon = ens_queue_soon(q, EXPECT_AHEAD);

	struct unpacked *u = unpacked_at(o, group, EXPECT_AHEAD);

	if (soon && u->tie != soon->tie) {
		const struct stream *s;

		unpack(o, soon, u);
		s = stream_of(o, &u->event);
		__builtin_prefetch(&s->gone[(u->place & (s->cap_mark - 1)) / 64], 1);
		ens_engine_expect(o->engine, group, &u->event);
	}
}

static enum ens_status release_some(struct ens_order *o, uint32_t group, const struct ens_queue_item *before)
{
	struct group *g = &o->group[group];
	const struct ens_queue_item *first;
	enum ens_status st = ens_queue_first(&g->queue, &first);

	while (st == ENS_OK && first && can_go(g, first->time_us, stream_of_tie(o, first)) &&
	       (!before || ens_queue_before(first, before))) {
		look_ahead(o, group);
		st = release_first(o, group, first);
		if (st == ENS_OK)
			st = ens_queue_first(&g->queue, &first);
	}
	return st;
}

/* Releases what can go and, if `before` is given, sorts before it. */
static enum ens_status release(struct ens_order *o, uint32_t group, const struct ens_queue_item *before)
{
	const struct group *g = &o->group[group];

	return !g->queue.nitem || g->queue.least_us > g->least_us ? ENS_OK : release_some(o, group, before);
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
		must_wait |= !can_go(&o->group[group], w->time_us, stream_of_tie(o, w));
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
	if (can_go(g, w->time_us, stream_of_tie(o, w))) {
		st = hand_over(o, group, ev);
	} else {
		struct ens_packed *h = w->what;

		if (h)
			h->users++;
		else
			w->what = h = hold(o, stream_of(o, ev), ev);
		if (!h)
			return ENS_ENOMEM;
		if (ens_queue_add(&g->queue, w) != ENS_OK) {
			struct ens_event copy;

			let_go(o, h, stream_of(o, ev), ens_unpack(&o->packer, h, o->room, &copy));
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

	for (uint32_t i = 0; i < s->groups.count; i++) {
		const uint32_t group = o->group_of[s->groups.first + i];

		if (!o->group[group].queue.nitem) /* else others come before it: look_ahead */
			ens_engine_expect(o->engine, group, ev);
	}
}

/* The oldest entry of the stream that still waits.  False: none does. */
static bool oldest_waiting(const struct stream *s, uint32_t stream, struct ens_entry_id *id, int64_t *before_us)
{
	const struct mark *m;

	if (s->first_mark == s->end_mark)
		return false;
	m = &s->mark[s->first_mark & (s->cap_mark - 1)];
	*id = (struct ens_entry_id){.ms = m->ms, .seq = m->seq, .stream = stream};
	*before_us = m->before_us;
	return true;
}

static void forget_repeats(struct ens_order *o, uint32_t stream)
{
	const struct stream *s = &o->stream[o->single ? 0 : stream];
	struct ens_entry_id floor;
	int64_t before_us;
	const bool waits = oldest_waiting(s, stream, &floor, &before_us);

	ens_unique_tidy(o->unique, stream, o->single && o->judge_us[stream] > s->frontier_us ? o->judge_us[stream] : s->frontier_us,
			waits ? &floor : NULL);
}

int64_t ens_order_earliest(const struct ens_order *o, const struct ens_event *ev)
{
	const int64_t all_us = o->stream[o->single ? 0 : ev->id.stream].frontier_us;

	return o->single && o->judge_us[ev->id.stream] > all_us ? o->judge_us[ev->id.stream] : all_us;
}

/* Is it a repeat, or late?  One that is late and accepted gets another time.  `again`: it was counted before the restart. */
static enum ens_order_verdict judge(struct ens_order *o, const struct ens_event *ev, bool again, int64_t *time_us)
{
	const struct ens_t_type *type = &o->t->type[ev->type];
	const int64_t earliest_us = ens_order_earliest(o, ev);

	if (o->unique && ens_unique_repeats(o->unique, ev, earliest_us)) {
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
	*time_us = earliest_us;
	o->counts.accepted += !again;
	o->of_type[ev->type].accepted += !again;
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
	struct ens_queue_item w = {.time_us = ev->time_us, .tie = next_tie(o, stream)};
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

/* A repeat is dropped, but its stream has come as far as it says.  (What merges files goes by every event, too.) */
static enum ens_status pass_repeat(struct ens_order *o, const struct ens_event *ev)
{
	const uint32_t stream = o->single ? 0 : ev->id.stream;

	if (o->single)
		raise_judge(o, ev);
	return ens_order_tick(o, stream, minus_lateness(ev->time_us, o->stream[stream].lateness_us) - 1);
}

enum ens_status ens_order_push(struct ens_order *o, const struct ens_event *event, enum ens_order_verdict *verdict)
{
	struct stream *s = &o->stream[o->single ? 0 : event->id.stream];
	const struct ens_event *ev = event;
	struct ens_event moved;
	const bool again = read_before(s, event);
	int64_t time_us = event->time_us;
	enum ens_status st = ENS_OK;

	assert(event->id.stream < o->t->nstream);
	*verdict = judge(o, event, again, &time_us);
	if (*verdict == ENS_ORDER_REPEATED)
		return pass_repeat(o, event);
	if (time_us != event->time_us) {
		moved = *event;
		moved.time_us = time_us;
		ev = &moved;
	}
	if (*verdict == ENS_ORDER_TAKEN && again && cannot_be_made_up(o, s, ev))
		*verdict = ENS_ORDER_LATE;
	if (*verdict != ENS_ORDER_TAKEN)
		return ENS_OK;
	st = take(o, ev, again);
	if (st == ENS_OK)
		o->of_type[ev->type].taken += !again;
	if (st == ENS_OK && o->unique)
		st = ens_unique_note(o->unique, event, s->before_us);
	if (st == ENS_OK && o->unique)
		forget_repeats(o, event->id.stream);
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
	forget_repeats(o, stream);
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

/* The least frontier of the group's streams that are not silent; UNREAD if all are. */
static int64_t least_without(const struct ens_order *o, const struct group *g, const bool *silent)
{
	int64_t least = INT64_MAX;
	bool any = false;

	for (uint32_t i = 0; i < g->streams.count; i++) {
		const uint32_t s = o->t->index[g->streams.first + i];

		if (silent[s])
			continue;
		any = true;
		if (o->stream[s].frontier_us < least)
			least = o->stream[s].frontier_us;
	}
	return any ? least : UNREAD;
}

enum ens_status ens_order_idle(struct ens_order *o, uint32_t stream, const bool *silent)
{
	const struct stream *s = &o->stream[stream];
	int64_t best = UNREAD;

	for (uint32_t i = 0; !o->single && i < s->groups.count; i++) {
		const int64_t least = least_without(o, &o->group[o->group_of[s->groups.first + i]], silent);

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

int64_t ens_order_next_waiting(const struct ens_order *o, uint32_t group)
{
	const struct ens_queue *q = &o->group[group].queue;

	return q->nitem ? q->least_us : INT64_MAX;
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
	c.remembered = o->unique ? ens_unique_held(o->unique) : 0;
	return c;
}

struct ens_order_type_counts ens_order_type_counts(const struct ens_order *o, uint32_t type)
{
	return o->of_type[type];
}

/* Where reading the stream has to begin again, and its frontier before that entry was read.  False: behind the last entry. */
static bool begins_again(const struct ens_order *o, uint32_t stream, struct ens_entry_id *id, int64_t *before_us)
{
	const bool waits = oldest_waiting(&o->stream[stream], stream, id, before_us);
	struct ens_entry_id noted;
	int64_t noted_before_us;

	if (ens_unique_oldest(o->unique, stream, &noted, &noted_before_us) && (!waits || compare_ids(&noted, id) < 0)) {
		*id = noted;
		*before_us = noted_before_us;
		return true;
	}
	return waits;
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

/* ---- saved state ------------------------------------------------------------------------------------------------ */

/* An event that waits in one group. */
struct waiting {
	const struct ens_packed *held;
	int64_t time_us;
	uint64_t arrival;
	uint32_t group;
};

static int by_arrival(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;
	const int order = compare_u64(x->arrival, y->arrival);

	return order ? order : compare_u64(x->group, y->group);
}

struct waiting_list {
	struct waiting *item;
	size_t n;
	uint32_t group; /* whose queue is gone through */
	unsigned arrival_bits;
};

static void add_waiting(void *user, const struct ens_queue_item *item)
{
	struct waiting_list *l = user;
	const uint64_t arrival = item->tie & ((UINT64_C(1) << l->arrival_bits) - 1);

	l->item[l->n++] = (struct waiting){item->what, item->time_us, arrival, l->group};
}

/* All that wait, by arrival: those of one event follow each other.  NULL: no memory. */
static struct waiting *list_waiting(const struct ens_order *o, size_t *n)
{
	struct waiting_list l = {.arrival_bits = o->arrival_bits};
	size_t total = 0;

	for (uint32_t g = 0; g < o->ngroup; g++)
		total += o->group[g].queue.nitem;
	l.item = malloc((total + 1) * sizeof(*l.item));
	for (; l.item && l.group < o->ngroup; l.group++)
		ens_queue_each(&o->group[l.group].queue, add_waiting, &l);
	if (l.item)
		qsort(l.item, l.n, sizeof(*l.item), by_arrival);
	*n = l.n;
	return l.item;
}

static struct mark *mark_of(const struct stream *s, uint64_t place)
{
	return &s->mark[place & (s->cap_mark - 1)];
}

static void save_event(const struct ens_order *o, const struct waiting *w, struct ens_state_out *out)
{
	struct ens_event ev = {.time_us = w->time_us};
	const uint64_t place = ens_unpack(&o->packer, w->held, o->room, &ev);
	const struct ens_t_list fields = o->t->type[ev.type].fields;

	ens_out_number(out, ev.type);
	ens_out_id(out, &ev.id);
	ens_out_number(out, ev.from_file);
	ens_out_time(out, mark_of(stream_of(o, &ev), place)->before_us);
	ens_out_time(out, ev.time_us);
	for (uint32_t i = 0; i < fields.count; i++)
		ens_out_value(out, (enum ens_type)o->t->field[fields.first + i].type, &ev.value[i]);
}

/* Events in the order of their arrival, which numbers them anew. */
static void save_waiting(const struct ens_order *o, struct ens_state_out *out)
{
	size_t n, next;
	struct waiting *list = list_waiting(o, &n);

	if (!list)
		out->bytes->failed = true;
	ens_out_number(out, o->nheld);
	for (size_t i = 0; list && i < n; i = next) {
		for (next = i + 1; next < n && list[next].held == list[i].held; next++)
			;
		save_event(o, &list[i], out);
		ens_out_number(out, next - i);
		for (size_t k = i; k < next; k++)
			ens_out_number(out, list[k].group);
	}
	free(list);
}

static void save_position(const struct ens_order_position *p, struct ens_state_out *out)
{
	ens_out_time(out, p->time_us);
	ens_out_id(out, &p->id);
}

void ens_order_save(const struct ens_order *o, struct ens_state_out *out)
{
	ens_out_number(out, (o->single ? 1u : 0u) | (o->by_arrival ? 2u : 0u));
	for (uint32_t i = 0; i < o->nstream; i++) {
		ens_out_time(out, o->stream[i].frontier_us);
		ens_out_number(out, o->stream[i].rereading);
		if (o->stream[i].rereading)
			ens_out_id(out, &o->stream[i].reread);
	}
	for (uint32_t i = 0; i < o->ngroup; i++) {
		const struct group *g = &o->group[i];

		ens_out_time(out, g->advanced_us);
		ens_out_number(out, (g->has_released ? 1u : 0u) | (g->skipping ? 2u : 0u));
		if (g->has_released)
			save_position(&g->released, out);
		if (g->skipping)
			save_position(&g->skip, out);
	}
	for (uint32_t i = 0; o->single && i < o->t->nstream; i++)
		ens_out_time(out, o->judge_us[i]);
	save_waiting(o, out);
	ens_unique_save(o->unique, out);
}

static struct ens_order_position load_position(const struct ens_order *o, struct ens_state_in *in)
{
	const int64_t time_us = ens_in_time(in);

	return (struct ens_order_position){.time_us = time_us, .id = ens_in_id(in, o->t)};
}

static void load_clocks(struct ens_order *o, struct ens_state_in *in)
{
	const uint32_t kind = ens_in_upto(in, 3, "its streams are put in order in a way that is not known");

	if ((kind & 1) != o->single || kind >> 1 != o->by_arrival)
		(void)ens_in_refuse(in, "its streams were put in order in another way: of files, a server, or a test");
	for (uint32_t i = 0; i < o->nstream; i++) {
		o->stream[i].frontier_us = ens_in_time(in);
		o->stream[i].rereading = ens_in_upto(in, 1, "a stream is read again or not, nothing else");
		if (o->stream[i].rereading)
			o->stream[i].reread = ens_in_id(in, o->t);
	}
	for (uint32_t i = 0; i < o->ngroup; i++) {
		struct group *g = &o->group[i];
		uint32_t flags;

		g->advanced_us = ens_in_time(in);
		flags = ens_in_upto(in, 3, "a group of rules has flags that are not known");
		g->has_released = flags & 1;
		g->skipping = flags & 2;
		if (g->has_released)
			g->released = load_position(o, in);
		if (g->skipping)
			g->skip = load_position(o, in);
		find_least(o, g);
		if (ens_in_ok(in) && ens_engine_now(o->engine, i) > g->least_us)
			(void)ens_in_refuse(in, "the time of some rules is ahead of their streams");
	}
	for (uint32_t i = 0; o->single && i < o->t->nstream; i++)
		o->judge_us[i] = ens_in_time(in);
}

static bool type_comes_by(const struct ens_tables *t, const struct ens_t_type *type, uint32_t stream)
{
	for (uint32_t i = 0; i < type->streams.count; i++)
		if (t->index[type->streams.first + i] == stream)
			return true;
	return false;
}

/* Its values are in *value, which the caller frees; their bytes are borrowed. */
static bool load_event(const struct ens_order *o, struct ens_event *ev, int64_t *before_us, struct ens_value **value,
		       struct ens_state_in *in)
{
	*value = NULL;
	ev->type = ens_in_upto(in, UINT32_MAX, "an event has a type that does not exist");
	ev->id = ens_in_id(in, o->t);
	ev->from_file = ens_in_upto(in, 1, "an event comes from a file or not, nothing else");
	*before_us = ens_in_time(in);
	ev->time_us = ens_in_time(in);
	if (ens_in_ok(in) && (ev->type >= o->t->ntype || !type_comes_by(o->t, &o->t->type[ev->type], ev->id.stream)))
		(void)ens_in_refuse(in, "an event has a type that does not come by its stream");
	if (!ens_in_ok(in))
		return false;

	const struct ens_t_list fields = o->t->type[ev->type].fields;
	const struct ens_t_field *f = &o->t->field[fields.first];

	if ((size_t)(in->end - in->at) < fields.count)
		return ens_in_refuse(in, "it ends too early");
	*value = calloc(fields.count + 1u, sizeof(**value));
	if (!*value)
		return ens_in_no_memory(in);
	for (uint32_t i = 0; i < fields.count; i++) {
		(*value)[i] = ens_in_value(in, (enum ens_type)f[i].type);
		if (ens_in_ok(in) && (*value)[i].null && !f[i].optional)
			(void)ens_in_refuse(in, "an event lacks a field that is not optional");
	}
	ev->value = *value;
	return ens_in_ok(in);
}

static bool waits_in(const struct ens_order *o, const struct stream *s, uint32_t group)
{
	for (uint32_t i = 0; i < s->groups.count; i++)
		if (o->group_of[s->groups.first + i] == group)
			return true;
	return false;
}

/* The groups in which h waits, ascending. */
static bool load_places(struct ens_order *o, struct ens_packed *h, const struct ens_event *ev, struct ens_state_in *in)
{
	const uint32_t stream = o->single ? 0 : ev->id.stream;
	const struct ens_queue_item w = {.time_us = ev->time_us, .tie = next_tie(o, stream), .what = h};
	const uint32_t n = ens_in_upto(in, o->ngroup, "an event waits in more groups than there are");
	uint32_t from = 0;

	if (ens_in_ok(in) && !n)
		return ens_in_refuse(in, "an event waits nowhere");
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t g = ens_in_upto(in, UINT32_MAX, "an event waits where its stream is not read");

		if (ens_in_ok(in) && (g < from || g >= o->ngroup || !waits_in(o, &o->stream[stream], g)))
			(void)ens_in_refuse(in, "an event waits where its stream is not read");
		if (ens_in_ok(in) && w.time_us < ens_engine_now(o->engine, g))
			(void)ens_in_refuse(in, "an event waits whose time has passed");
		if (!ens_in_ok(in))
			return false;
		if (ens_queue_add(&o->group[g].queue, &w) != ENS_OK)
			return ens_in_no_memory(in);
		h->users++;
		from = g + 1;
	}
	return ens_in_ok(in);
}

static bool load_waiting(struct ens_order *o, struct ens_state_in *in)
{
	for (uint64_t n = ens_in_number(in); n > 0 && ens_in_ok(in); n--) {
		struct ens_event ev;
		struct ens_value *value;
		int64_t before_us;
		struct ens_packed *h = NULL;
		struct stream *s = NULL;

		if (load_event(o, &ev, &before_us, &value, in)) {
			s = stream_of(o, &ev);
			h = hold(o, s, &ev);
			if (!h)
				(void)ens_in_no_memory(in);
		}
		free(value);
		if (!h)
			return false;
		h->users = 0;
		mark_of(s, s->end_mark - 1)->before_us = before_us;
		if (!load_places(o, h, &ev, in)) {
			if (!h->users) /* nothing knows of it */
				ens_packed_free(&o->packer, h);
			return false;
		}
	}
	return ens_in_ok(in);
}

bool ens_order_load(struct ens_order *o, struct ens_state_in *in)
{
	load_clocks(o, in);
	return ens_in_ok(in) && load_waiting(o, in) && ens_unique_load(o->unique, in);
}
