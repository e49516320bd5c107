/*
 * The matches that an event completes, one by one, in order, of a cell of a shared rule (runtime/shared.h).
 *
 * First back: from the nodes that the event made, all nodes that lead to one of them are marked, by position, the last
 * first; marked are only nodes that a live start reaches.  Then forth, depth first over what is marked, position by position:
 * each event that can be first, each that can follow it.  That is the order of semantics.md section 3, and no way taken is
 * in vain: what comes first is listed first, and the listing can stop anywhere.  As long as one way only leads to an event
 * the match is walked event by event.  From where more do, all that the events can be are steps with places and edges: matches
 * over the same events, which differ in the steps that took them, are listed together, in the order of the entries that led
 * there.  Along the way each match's slots are made from its nodes' values, those of the beginning once for all that go on
 * from it, and none where a step keeps nothing.
 * Cost: marking, once the nodes that are in a match (and, where a match may leave out steps, dead ones between them);
 * listing, the events in which a match differs from the one before, and reporting it; what is over the ceiling is only
 * counted, without a walk where all ways are free.  Rooms stay while they are small.
 * Nothing recurses.  Tested by tests/unit/test_shared.c, tests/conformance.
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/shared.h"
#include "runtime/match.h"

/* A node from which the match can be complete. */
struct mark {
	const struct ens_shared_node *node;
	uint64_t pos;      /* the node's */
	uint32_t point;
	uint32_t state;    /* the point's */
	uint32_t way, nway;/* out of the point */
	bool plain;        /* that is one way only, to all that come later */
	uint32_t only;     /* plain: its entry in `next` */
	uint64_t ends;     /* how many ways lead to the end from there; room->all_free */
	uint32_t higher;   /* the mark of the same point with the next later position, or ENS_NONE */
	uint32_t next;     /* in room->next: for each way out of the point the mark with the earliest position behind it */
};

/* Of a point while marking. */
struct front {
	uint64_t need;     /* nodes from that position on may lead to a marked one */
	uint32_t left;     /* nodes of its list that were not looked at: the first ones */
	uint32_t last;     /* the mark made last, or ENS_NONE */
	uint64_t ends;     /* of its marks together */
};

/* An event of the match that is made; the first of all stands for the start.  Where it leads to next: for each way out of its
 * point there is a cursor. */
struct event {
	struct ens_link link;
	const struct mark *mark;
	uint32_t cursor;   /* of a plain mark */
	uint32_t made;     /* the event, this or one before, in whose partial the slots are as they are behind this one */
	bool owns;         /* the slots in its own partial are users of what they keep */
};

/* Where an event can be taken in more than one way: the events behind it stand at certain positions, and which steps they are
 * can differ.  A step has all that the event can be, the edges that lead there from the step before, and where its places
 * lead to next. */
struct step {
	uint32_t place, nplace;
	uint32_t edge, nedge;
	uint32_t cursor, ncursor;
	uint32_t taken;    /* edge of the match that is made */
};

struct place {
	uint32_t mark;     /* ENS_NONE: the start */
	uint32_t cursor;   /* for each way out the mark that is next there, or ENS_NONE */
	bool useful;       /* it leads to the end by the steps behind it */
};

/* In the order of `from`, then of ways. */
struct edge {
	uint32_t from, to; /* places of the step before, and of the step */
	uint32_t way;
};

#define ROOM_KEPT 8192u /* marks or events: some hundred KiB */

struct ens_shared_room {
	struct mark *mark;
	uint32_t nmark, mark_cap;
	struct mark start; /* point 0 */
	uint32_t *next;
	uint32_t nnext, next_cap;
	struct front front[ENS_SHARED_POINTS_MAX];
	uint64_t ahead[ENS_SHARED_POINTS_MAX]; /* by list: position of the node to look at next; 0: none is left that may lead anywhere */
	uint64_t low[ENS_SHARED_WAYS_MAX]; /* by way: marked nodes can be reached from that position on; UINT64_MAX: none */
	struct event *event;
	uint32_t *next_mark; /* cursors of the events whose marks are not plain, `width` each */
	char *partial;     /* by event */
	uint32_t nowner, event_cap, width; /* events that may own something are not behind event `nowner` */
	bool changes[ENS_SHARED_WAYS_MAX]; /* by way: who takes it has other slots than before, or none before */
	bool free[ENS_SHARED_WAYS_MAX];    /* by way: it leads to all that come later */
	bool all_free;
	struct step *step;
	struct place *place;
	struct edge *edge;
	uint32_t step_cap, place_cap, edge_cap;
	uint32_t *cursor;
	uint32_t cursor_cap;
};

void ens_shared_room_free(struct ens_shared_room *m)
{
	if (!m)
		return;
	free(m->mark);
	free(m->next);
	free(m->event);
	free(m->next_mark);
	free(m->partial);
	free(m->step);
	free(m->place);
	free(m->edge);
	free(m->cursor);
	free(m);
}

static bool grow(void **list, uint32_t n, uint32_t *cap, size_t size)
{
	const uint32_t bigger = n < 32 ? 64 : n * 2;
	void *moved = n < UINT32_MAX / 4 ? realloc(*list, bigger * size) : NULL;

	if (!moved)
		return false;
	*list = moved;
	*cap = bigger;
	return true;
}

/* Room for n; false: no memory. */
#define ROOM_FOR(list, n, cap) ((n) <= (cap) || grow((void **)(void *)&(list), (n), &(cap), sizeof *(list)))

/* ---- back ----------------------------------------------------------------------------------------------------------- */

struct listing {
	struct ens_cell *c;
	struct ens_rule *r;
	const struct ens_shared_plan *plan;
	struct ens_shared_room *m;
	const struct ens_shared_list *list;
	int64_t floor;
	struct ens_saying saying;
	uint64_t most, looks; /* matches that are looked at, and that will still be */
	bool counting;     /* they are only counted: the event has all the emissions it may have */
};

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

static bool mark_node(struct listing *w, const struct ens_shared_node *n, uint32_t at)
{
	struct ens_shared_room *m = w->m;
	const struct ens_t_list out = w->plan->point[at].out;

	if (!ROOM_FOR(m->mark, m->nmark + 1, m->mark_cap) || !ROOM_FOR(m->next, m->nnext + out.count, m->next_cap))
		return false;
	struct mark *mark = &m->mark[m->nmark++];

	*mark = (struct mark){
		.node = n, .pos = n->pos, .point = at, .state = w->plan->point[at].state, .way = out.first, .nway = out.count,
		.plain = out.count == 1 && m->free[out.first], .higher = m->front[at].last, .next = m->nnext};
	for (uint32_t k = out.first; k < out.first + out.count; k++) {
		const struct front *to = &m->front[w->plan->way[k].to];

		m->next[m->nnext++] = m->low[k] <= n->pos ? to->last : ENS_NONE;
		mark->ends = sum(mark->ends, to->ends);
	}
	if (out.count)
		mark->only = m->next[m->nnext - out.count];
	return true;
}

/* How many of the first `n` nodes of the list stand before `pos`. */
static uint32_t count_before(const struct ens_shared_list *l, uint32_t node_bytes, uint32_t n, uint64_t pos)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		const uint32_t mid = low + (high - low) / 2;

		if (ens_shared_node_at(l, node_bytes, mid)->pos < pos)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static uint64_t last_left(const struct listing *w, const struct ens_shared_point *q, const struct front *f)
{
	return f->left ? ens_shared_node_at(&w->list[q->list], q->node_bytes, f->left - 1)->pos : 0;
}

static void look_ahead(struct listing *w, const struct ens_shared_point *q, const struct front *f)
{
	const uint64_t pos = last_left(w, q, f);

	w->m->ahead[q->list] = pos >= f->need ? pos : 0;
}

/* What leads to a node that was marked is looked at now. */
static void lead_back(struct listing *w, uint32_t mark)
{
	struct ens_shared_room *m = w->m;
	const struct ens_shared_node *n = m->mark[mark].node;
	const struct ens_shared_point *to = &w->plan->point[m->mark[mark].point];

	m->front[m->mark[mark].point].last = mark;
	m->front[m->mark[mark].point].ends = sum(m->front[m->mark[mark].point].ends, m->mark[mark].ends);
	for (uint32_t i = to->in.first; i < to->in.first + to->in.count; i++) {
		const uint32_t k = w->plan->in[i], from = w->plan->way[k].from;
		const uint64_t since = ens_shared_since(&w->plan->way[k], n);
		struct front *f = &m->front[from];

		if (from == 0 || since >= n->pos)
			continue;
		if (since < m->low[k])
			m->low[k] = since;
		if (since >= f->need)
			continue; /* so it was looked at before: what is left stands before n */
		const struct ens_shared_point *q = &w->plan->point[from];

		f->need = since;
		if (last_left(w, q, f) >= n->pos)
			f->left = count_before(&w->list[q->list], q->node_bytes, f->left, n->pos);
		look_ahead(w, q, f);
	}
}

/* A live start reaches it, and it leads to a marked node. */
static bool leads_there(const struct listing *w, const struct ens_shared_point *q, const struct ens_shared_node *n)
{
	if (n->reach < w->floor)
		return false;
	for (uint32_t k = q->out.first; k < q->out.first + q->out.count; k++)
		if (w->m->low[k] <= n->pos)
			return true;
	return false;
}

/* The next position to look at, from the last to the first; 0: none. */
static uint64_t next_position(const struct listing *w)
{
	uint64_t best = 0;

	for (uint32_t i = 0; i < w->plan->nlist; i++)
		if (w->m->ahead[i] > best)
			best = w->m->ahead[i];
	return best;
}

static bool mark_all(struct listing *w)
{
	struct ens_shared_room *m = w->m;
	uint32_t done = 0;
	uint64_t pos;

	m->nmark = m->nnext = 0;
	for (uint32_t i = 0; i < w->plan->npoint; i++)
		m->front[i] = (struct front){.need = UINT64_MAX, .last = ENS_NONE};
	for (uint32_t i = 0; i < w->plan->nlist; i++) {
		m->front[w->plan->of_list[i]].left = w->list[i].n;
		m->ahead[i] = 0;
	}
	for (uint32_t k = 0; k < w->plan->nway; k++)
		m->low[k] = UINT64_MAX;
	for (uint32_t i = 0; i < w->plan->nfresh; i++)
		if (w->plan->point[w->plan->fresh_point[i]].accepts && !mark_node(w, ens_shared_fresh(w->plan, i), w->plan->fresh_point[i]))
			return false;
	for (uint32_t i = 0; i < m->nmark; i++)
		m->mark[i].ends = 1;
	for (;;) {
		/* What one event is at several points does not lead from one to another. */
		for (; done < m->nmark; done++)
			lead_back(w, done);
		pos = next_position(w);
		if (!pos)
			return true;
		for (uint32_t i = 0; i < w->plan->nlist; i++) {
			const uint32_t at = w->plan->of_list[i];
			const struct ens_shared_point *q = &w->plan->point[at];
			struct front *f = &m->front[at];

			if (m->ahead[i] != pos)
				continue;
			f->left--;
			look_ahead(w, q, f);
			const struct ens_shared_node *n = ens_shared_node_at(&w->list[i], q->node_bytes, f->left);

			if (leads_there(w, q, n) && !mark_node(w, n, at))
				return false;
		}
	}
}

/* ---- forth ---------------------------------------------------------------------------------------------------------- */

/* The first of mark `at` and those behind it to which way k leads from position `pos`. */
static uint32_t led_to_open(const struct listing *w, uint32_t k, uint64_t pos, uint32_t at)
{
	const struct ens_shared_way *way = &w->plan->way[k];

	for (; at != ENS_NONE; at = w->m->mark[at].higher) {
		const struct ens_shared_node *n = w->m->mark[at].node;
		const uint64_t since = ens_shared_since(way, n);

		if (since == n->pos)
			continue; /* it did not take that event */
		return way->from == 0 || since <= pos ? at : ENS_NONE;
	}
	return ENS_NONE;
}

static inline uint32_t led_to(const struct listing *w, uint32_t k, uint64_t pos, uint32_t at)
{
	return w->m->free[k] ? at : led_to_open(w, k, pos, at);
}

/* ---- a match -------------------------------------------------------------------------------------------------------- */

static struct ens_partial *partial_at(const struct listing *w, uint32_t n)
{
	return (struct ens_partial *)(void *)(w->m->partial + (size_t)n * w->r->partial_bytes);
}

static uint32_t *cursors_of(const struct listing *w, uint32_t n)
{
	return &w->m->next_mark[(size_t)n * w->m->width];
}

/* Room for event n, which there is none for; links lead on to where they are now. */
static bool room_for_event(struct listing *w, uint32_t n)
{
	struct ens_shared_room *m = w->m;
	uint32_t cap = m->event_cap, cursor_cap = cap, partial_cap = cap;

	if (!grow((void **)(void *)&m->next_mark, n + 1, &cursor_cap, m->width * sizeof *m->next_mark) ||
	    !grow((void **)(void *)&m->partial, n + 1, &partial_cap, w->r->partial_bytes) ||
	    !grow((void **)(void *)&m->event, n + 1, &cap, sizeof *m->event))
		return false;
	m->event[0].mark = &m->start;
	for (uint32_t i = 1; i < cap; i++) {
		m->event[i].link.before = i > 1 ? &m->event[i - 1].link : NULL;
		m->event[i].link.refs = 1;
		if (i >= m->event_cap)
			m->event[i].owns = false;
	}
	m->event_cap = cap;
	return true;
}

static void capture(struct listing *w, struct ens_partial *p, const struct ens_shared_point *q, const struct ens_shared_node *n)
{
	struct ens_rule *r = w->r;
	const struct ens_tables *t = r->engine->tables;
	const struct ens_t_list captures = r->state[q->state].captures;
	const struct ens_value *v = ens_shared_values(q, n);

	r->engine->context.slot = ens_partial_slots(r, p);
	for (uint32_t i = 0; i < captures.count; i++) {
		const struct ens_t_capture *k = &t->capture[captures.first + i];

		if (t->program[k->program].rule == ENS_NONE)
			ens_slots_add(r, p, k, v[i]);
		else
			ens_slots_capture(r, p, k);
	}
}

/* The slots as they are behind event n. */
static void make(struct listing *w, uint32_t n, uint32_t way)
{
	struct ens_rule *r = w->r;
	struct ens_shared_room *m = w->m;
	const struct ens_tables *t = r->engine->tables;
	const struct ens_t_list actions = t->entry[w->plan->way[way].entry].actions;
	struct event *event = &m->event[n];
	const struct mark *first = m->event[1].mark;
	struct ens_partial *p = partial_at(w, n);

	p->cell = w->c;
	p->start_us = first->node->time_us;
	p->start_pos = first->pos;
	memcpy(ens_partial_slots(r, p), n > 1 ? ens_partial_slots(r, partial_at(w, event[-1].made)) : r->initial,
	       r->t->slots.count * sizeof(struct ens_value));
	event->made = n;
	event->owns = w->plan->counted;
	if (n > m->nowner)
		m->nowner = n;
	if (n > 1 && event->owns)
		ens_slots_share(r, p);
	for (uint32_t i = 0; i < actions.count; i++)
		if (t->op[actions.first + i].kind == ENS_T_CLEAR)
			ens_slots_reset(r, ens_partial_slots(r, p), t->op[actions.first + i].reg, t->op[actions.first + i].n);
	capture(w, p, &w->plan->point[event->mark->point], event->mark->node);
}

static void disown(struct listing *w, uint32_t n)
{
	if (w->m->event[n].owns)
		ens_slots_release(w->r, partial_at(w, n));
	w->m->event[n].owns = false;
}

/* The match as it is with its events before event n takes the mark by the way. */
static inline bool take(struct listing *w, uint32_t n, const struct mark *mark, uint32_t way)
{
	struct ens_shared_room *m = w->m;

	if (n >= m->event_cap && !room_for_event(w, n))
		return false;
	struct event *event = &m->event[n];

	event->mark = mark;
	event->link.id = mark->node->id;
	event->link.pos = mark->pos;
	event->link.state = mark->state;
	if (event->owns)
		disown(w, n);
	event->made = event[-1].made;
	if (m->changes[way] && !w->counting) {
		make(w, n, way);
		return w->r->engine->failed == ENS_OK;
	}
	return true;
}

/* What is only counted need not be walked where all ways are free. */
static void count_rest(struct listing *w)
{
	struct ens_rule *r = w->r;
	const struct ens_t_list out = w->plan->point[0].out;
	uint64_t all = 0;

	for (uint32_t k = out.first; k < out.first + out.count; k++)
		all = sum(all, w->m->front[w->plan->way[k].to].ends);
	const uint64_t left = all - (w->most - w->looks), n = left < w->looks ? left : w->looks;

	r->stats.matched += n;
	r->stats.dropped_emissions += n * r->t->emits.count;
	w->looks = 0;
}

/* The match whose last event is n. */
static inline void report(struct listing *w, uint32_t n)
{
	struct ens_rule *r = w->r;
	struct event *event = &w->m->event[n];

	w->looks--;
	if (w->counting) {
		r->stats.matched++;
		r->stats.dropped_emissions += r->t->emits.count;
		return;
	}
	struct ens_partial *p = partial_at(w, event->made);

	p->taken = &event->link;
	p->ntaken = n;
	if (r->one && p->start_pos < w->c->pos)
		r->shared->begun = 0; /* an earlier start has used up the event */
	ens_saying_match(&w->saying, p);
	/* `having ... once` and `limit` want to see each. */
	w->counting = r->emitted_now == r->engine->options.emissions_per_event && r->t->having == ENS_NONE && !r->t->limit_count;
	if (w->counting && w->m->all_free)
		count_rest(w);
}

/* ---- events that can be taken in several ways ----------------------------------------------------------------------- */

static struct ens_t_list ways_out(const struct listing *w, const struct place *at)
{
	return w->plan->point[at->mark == ENS_NONE ? 0 : w->m->mark[at->mark].point].out;
}

/* The step can go on: where each way out of its places leads first. */
static bool set_cursors(struct listing *w, struct step *step)
{
	struct ens_shared_room *m = w->m;
	uint32_t n = step->cursor;

	for (uint32_t i = step->place; i < step->place + step->nplace; i++) {
		const struct mark *from = m->place[i].mark == ENS_NONE ? NULL : &m->mark[m->place[i].mark];
		const struct ens_t_list out = ways_out(w, &m->place[i]);

		if (!ROOM_FOR(m->cursor, n + out.count, m->cursor_cap))
			return false;
		m->place[i].cursor = n;
		for (uint32_t k = 0; k < out.count; k++)
			m->cursor[n++] = led_to(w, out.first + k, from ? from->pos : 0,
						from ? m->next[from->next + k] : m->front[w->plan->way[out.first + k].to].last);
	}
	step->ncursor = n - step->cursor;
	return true;
}

/* The earliest position that the step leads to; UINT64_MAX: none is left. */
static uint64_t earliest(const struct listing *w, const struct step *step)
{
	const uint32_t *cursor = &w->m->cursor[step->cursor];
	uint64_t pos = UINT64_MAX;

	for (uint32_t i = 0; i < step->ncursor; i++)
		if (cursor[i] != ENS_NONE && w->m->mark[cursor[i]].pos < pos)
			pos = w->m->mark[cursor[i]].pos;
	return pos;
}

/* The place of the step that is this mark; it may be new.  ENS_NONE: no memory. */
static uint32_t place_of(struct ens_shared_room *m, struct step *step, uint32_t mark)
{
	for (uint32_t i = 0; i < step->nplace; i++)
		if (m->place[step->place + i].mark == mark)
			return i;
	if (!ROOM_FOR(m->place, step->place + step->nplace + 1, m->place_cap))
		return ENS_NONE;
	m->place[step->place + step->nplace] = (struct place){.mark = mark};
	return step->nplace++;
}

/* Step `at` + 1: all that step `at` leads to at the position, which it has led to then. */
static bool go_to(struct listing *w, uint32_t at, uint64_t pos)
{
	struct ens_shared_room *m = w->m;

	const struct step *from = &m->step[at];
	struct step *to = &m->step[at + 1];

	*to = (struct step){.place = from->place + from->nplace, .edge = from->edge + from->nedge, .cursor = from->cursor + from->ncursor};
	for (uint32_t i = 0; i < from->nplace; i++) {
		const uint32_t mark = m->place[from->place + i].mark, cursors = m->place[from->place + i].cursor;
		const struct ens_t_list out = ways_out(w, &m->place[from->place + i]);

		for (uint32_t k = 0; k < out.count; k++) {
			uint32_t *cursor = &m->cursor[cursors + k];

			if (*cursor == ENS_NONE || m->mark[*cursor].pos != pos)
				continue;
			const uint32_t place = place_of(m, to, *cursor);

			if (place == ENS_NONE || !ROOM_FOR(m->edge, to->edge + to->nedge + 1, m->edge_cap))
				return false;
			m->edge[to->edge + to->nedge++] = (struct edge){.from = i, .to = place, .way = out.first + k};
			*cursor = led_to(w, out.first + k, mark == ENS_NONE ? 0 : m->mark[mark].pos, m->mark[*cursor].higher);
		}
	}
	return true;
}

/* Of the steps behind `made`, up to the last: which places lead to the end by the steps as they are. */
static void find_useful(struct listing *w, uint32_t made, uint32_t last)
{
	struct ens_shared_room *m = w->m;

	for (uint32_t i = 0; i < m->step[last].nplace; i++)
		m->place[m->step[last].place + i].useful = true;
	for (uint32_t s = last; s > made + 1; s--) {
		const struct step *step = &m->step[s], *before = &m->step[s - 1];

		for (uint32_t i = 0; i < before->nplace; i++)
			m->place[before->place + i].useful = false;
		for (uint32_t i = step->edge; i < step->edge + step->nedge; i++)
			if (m->place[step->place + m->edge[i].to].useful)
				m->place[before->place + m->edge[i].from].useful = true;
	}
}

/* All matches over the events of the steps up to `last`, of which the first `made` are made. */
static bool list_ways(struct listing *w, uint32_t made, uint32_t last)
{
	struct ens_shared_room *m = w->m;
	uint32_t s = made + 1;

	find_useful(w, made, last);
	m->step[s].taken = m->step[s].edge;
	while (s > made && w->looks && w->r->engine->failed == ENS_OK) {
		struct step *step = &m->step[s];
		const struct step *before = &m->step[s - 1];
		const uint32_t from = s == made + 1 ? 0 : m->edge[before->taken].to, end = step->edge + step->nedge;

		while (step->taken < end &&
		       (m->edge[step->taken].from != from || !m->place[step->place + m->edge[step->taken].to].useful))
			step->taken++;
		if (step->taken == end) {
			if (--s > made)
				m->step[s].taken++;
			continue;
		}
		const struct edge *edge = &m->edge[step->taken];

		if (!take(w, s, &m->mark[m->place[step->place + edge->to].mark], edge->way))
			return false;
		if (s < last) {
			s++;
			m->step[s].taken = m->step[s].edge;
		} else {
			report(w, s);
			step->taken++;
		}
	}
	return true;
}

/* ---- all matches ---------------------------------------------------------------------------------------------------- */

/* All matches that go on from event n, where more than one way leads, to events at that position.  Steps count as events do:
 * n is the first. */
static bool list_group(struct listing *w, uint32_t n, uint64_t pos)
{
	struct ens_engine *e = w->r->engine;
	struct ens_shared_room *m = w->m;
	const struct mark *mark = m->event[n].mark;
	const uint32_t nway = mark->nway;
	uint32_t at = n;

	if (!ROOM_FOR(m->step, n + 1, m->step_cap) || !ROOM_FOR(m->place, 1, m->place_cap) || !ROOM_FOR(m->cursor, nway, m->cursor_cap))
		return false;
	m->step[n] = (struct step){.nplace = 1, .ncursor = nway};
	m->place[0] = (struct place){.mark = n ? (uint32_t)(mark - m->mark) : ENS_NONE};
	memcpy(m->cursor, cursors_of(w, n), nway * sizeof *m->cursor);
	while (e->failed == ENS_OK && w->looks) {
		if (!ROOM_FOR(m->step, at + 2, m->step_cap) || !go_to(w, at, pos))
			return false;
		if (pos != w->c->pos) {
			at++;
			if (!set_cursors(w, &m->step[at]))
				return false;
		} else if (!list_ways(w, n, at + 1)) {
			return false;
		}
		while (at > n && (pos = earliest(w, &m->step[at])) == UINT64_MAX)
			at--;
		if (at == n)
			break;
	}
	memcpy(cursors_of(w, n), m->cursor, nway * sizeof *m->cursor);
	return true;
}

/* The way, among n, by which the cursors lead to the earliest event next; ENS_NONE: they lead on no more.  `alone`: no other
 * leads to that event. */
static uint32_t next_way(const struct mark *mark, const uint32_t *cursor, uint32_t n, bool *alone)
{
	uint64_t best = UINT64_MAX;
	uint32_t way = ENS_NONE;

	*alone = true;
	for (uint32_t i = 0; i < n; i++) {
		const uint64_t pos = cursor[i] == ENS_NONE ? UINT64_MAX : mark[cursor[i]].pos;

		if (pos < best)
			way = i;
		*alone = pos < best || (*alone && pos != best);
		best = pos < best ? pos : best;
	}
	return way;
}

/* The match has no event; where it can begin. */
static bool begin(struct listing *w)
{
	struct ens_shared_room *m = w->m;
	const struct ens_t_list out = w->plan->point[0].out;

	if (!m->event_cap && !room_for_event(w, 0))
		return false;
	m->start = (struct mark){.way = out.first, .nway = out.count};
	for (uint32_t k = 0; k < out.count; k++)
		cursors_of(w, 0)[k] = led_to(w, out.first + k, 0, m->front[w->plan->way[out.first + k].to].last);
	return true;
}

/* Where event n leads first. */
static inline void lead_on(struct listing *w, uint32_t n)
{
	const struct ens_shared_room *m = w->m;
	const struct mark *at = m->event[n].mark;

	if (at->plain) {
		m->event[n].cursor = at->only;
		return;
	}
	uint32_t *cursor = cursors_of(w, n);

	for (uint32_t k = 0; k < at->nway; k++)
		cursor[k] = led_to(w, at->way + k, at->pos, m->next[at->next + k]);
}

/* The mark that event n leads to next, by way *way, or NULL; more than one way may lead to its event: not `alone`. */
static inline const struct mark *look_on(struct listing *w, uint32_t n, uint32_t *way, bool *alone)
{
	struct event *event = &w->m->event[n];
	const struct mark *at = event->mark, *to;

	*alone = true;
	if (at->plain) {
		*way = at->way;
		if (event->cursor == ENS_NONE)
			return NULL;
		to = &w->m->mark[event->cursor];
		event->cursor = to->higher;
		return to;
	}
	uint32_t *cursor = cursors_of(w, n);
	const uint32_t k = next_way(w->m->mark, cursor, at->nway, alone);

	if (k == ENS_NONE)
		return NULL;
	*way = at->way + k;
	to = &w->m->mark[cursor[k]];
	if (*alone)
		cursor[k] = led_to(w, *way, at->pos, to->higher);
	return to;
}

static bool list_all(struct listing *w)
{
	struct ens_engine *e = w->r->engine;
	const uint64_t last = w->c->pos;
	uint32_t n = 0, way;
	bool alone;

	if (!begin(w))
		return false;
	while (e->failed == ENS_OK && w->looks) {
		const struct mark *to = look_on(w, n, &way, &alone);

		if (!to) {
			if (n-- == 0)
				break;
		} else if (!alone) {
			if (!list_group(w, n, to->pos))
				return false;
		} else if (!take(w, n + 1, to, way)) {
			return false;
		} else if (to->pos == last) {
			report(w, n + 1);
		} else {
			lead_on(w, ++n);
		}
	}
	return true;
}

static struct ens_shared_room *make_room(const struct ens_rule *r)
{
	const struct ens_shared_plan *plan = r->shared;
	const struct ens_tables *t = r->engine->tables;
	struct ens_shared_room *m = calloc(1, sizeof *m);

	for (uint32_t k = 0; m && k < plan->nway; k++) {
		const struct ens_shared_way *way = &plan->way[k];
		const struct ens_t_list actions = t->entry[way->entry].actions;

		m->free[k] = way->since_at == ENS_NONE && way->arrow != ENS_T_NEXT;
		m->all_free = m->free[k] && (k == 0 || m->all_free);
		m->changes[k] = way->from == 0 || r->state[plan->point[way->to].state].captures.count;
		for (uint32_t i = 0; i < actions.count; i++)
			m->changes[k] |= t->op[actions.first + i].kind == ENS_T_CLEAR;
	}
	for (uint32_t i = 0; m && i < plan->npoint; i++)
		if (plan->point[i].out.count > m->width)
			m->width = plan->point[i].out.count;
	return m;
}

void ens_shared_report(struct ens_cell *c, int64_t floor, int64_t end_us)
{
	struct ens_rule *r = c->rule;
	struct ens_engine *e = r->engine;
	struct ens_shared_plan *plan = r->shared;
	struct listing w = {.c = c, .r = r, .plan = plan, .list = ens_shared_lists(plan, ens_cell_shared(c)), .floor = floor,
			    .most = r->one ? 1 : (uint64_t)e->options.emissions_per_event * ENS_SHARED_LOOKS};

	w.looks = w.most;
	if (!plan->room && !(plan->room = make_room(r))) {
		e->failed = ENS_ENOMEM;
		return;
	}
	w.m = plan->room;
	e->values_stay = true;
	ens_saying_begin(&w.saying, c, end_us, false);
	if (!mark_all(&w) || !list_all(&w))
		e->failed = e->failed == ENS_OK ? ENS_ENOMEM : e->failed;
	for (; w.m->nowner; w.m->nowner--)
		disown(&w, w.m->nowner);
	e->values_stay = false;
	/* No ceiling counts it: rules whose listings were long once must not keep what these took. */
	if (w.m->mark_cap > ROOM_KEPT || w.m->event_cap > ROOM_KEPT) {
		ens_shared_room_free(plan->room);
		plan->room = NULL;
	}
}
