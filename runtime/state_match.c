/*
 * The engine's part of saved state: clocks, periods of limits, keys with their cells, partial matches and what these share.
 *
 * What follows from the rest is not written but worked out again: counts of users, points, hashes, what is waited for
 * (though a match may still be looked at for the sake of ways that have closed, and then close others: that is written).
 * Events that several partial matches of a cell took are written once, with the first of them; so are texts and containers
 * (runtime/collect.h) that several slots keep, and what derived events are made of, wherever these are: loaded state takes
 * as much memory as it took before.  Deadlines are written as they are set; what is due earlier by what was loaded is due
 * then.
 *
 * Guarantee: whatever the bytes are, after ens_engine_load the engine can be used if it succeeded, and closed if not; what
 * is built hangs on the engine from the beginning.  Nothing recurses.  Cost: linear in the state, and sorting its keys.
 * Tested by tests/unit/test_state.c, tests/conformance/replay.sh and the fuzzer (state).
 */
#include "runtime/state_match.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "runtime/collect.h"
#include "runtime/match.h"

/* ---- writing -------------------------------------------------------------------------------------------------------- */

struct saver {
	const struct ens_engine *e;
	struct ens_state_out *out;
	struct ens_seen links;    /* of the cell at hand, by number */
	struct ens_seen texts;    /* those that are shared */
	struct ens_seen collected; /* likewise */
	struct ens_seen below;    /* of derived events that several matches took */
	struct ens_seen ranks;    /* of partials, where the rule is near a limit: their places by start */
	uint32_t nlink;
	bool links_shared;        /* several partials of the cell may have taken the same events */
	const struct ens_link **path; /* of the partial at hand, newest first */
	uint32_t path_cap;
	struct ens_cell **cell;   /* of the key at hand: room for one of each rule */
	bool no_memory;
};

/* Of texts and containers. */
enum text_kind { OWN = ENS_UNSET + 1, FIRST_OF_MANY, AGAIN }; /* behind enum ens_nullness */

static void put(struct saver *s, struct ens_seen *seen, const void *what, uint32_t number)
{
	if (!ens_seen_put(seen, what, number))
		s->no_memory = true;
}

static void save_text(struct saver *s, const struct ens_value *slot)
{
	const struct ens_blob *b = ens_blob_of(slot);
	const uint32_t known = b->refs > 1 ? ens_seen_get(&s->texts, b) : ENS_NONE;

	if (known != ENS_NONE) {
		ens_out_number(s->out, AGAIN);
		ens_out_number(s->out, known);
		return;
	}
	ens_out_number(s->out, b->refs > 1 ? FIRST_OF_MANY : OWN);
	ens_out_text(s->out, b->bytes, b->len);
	if (b->refs > 1)
		put(s, &s->texts, b, s->texts.n);
}

static void save_values(struct saver *s, const struct ens_collected *c)
{
	const struct ens_value list = ens_collected_list(c), *v = (const struct ens_value *)(const void *)list.s;

	ens_out_number(s->out, c->n);
	for (uint32_t i = 0; i < c->n; i++)
		if (ens_type_is_bytes((enum ens_type)c->type))
			save_text(s, &v[i]);
		else
			ens_out_scalar(s->out, (enum ens_type)c->type, &v[i]);
	ens_out_number(s->out, c->beyond);
	if (c->beyond && c->holds == ENS_T_DISTINCT)
		ens_out_text(s->out, (const char *)ens_collected_registers(c), ENS_REGISTERS);
}

/* Keys as differences. */
static void save_sketch(struct saver *s, const struct ens_collected *c)
{
	const struct ens_bucket *b = ens_collected_buckets(c);

	ens_out_number(s->out, c->n);
	ens_out_number(s->out, c->shift);
	for (uint32_t i = 0; i < c->n; i++) {
		ens_out_number(s->out, b[i].key - (i ? b[i - 1].key : 0));
		ens_out_number(s->out, b[i].count);
	}
	ens_out_scalar(s->out, ENS_FLOAT, &(struct ens_value){.f = c->least});
	ens_out_scalar(s->out, ENS_FLOAT, &(struct ens_value){.f = c->most});
}

static void save_collected(struct saver *s, const struct ens_value *slot)
{
	const struct ens_collected *c = ens_collected_of(slot);
	const uint32_t known = c && c->refs > 1 ? ens_seen_get(&s->collected, c) : ENS_NONE;

	if (known != ENS_NONE) {
		ens_out_number(s->out, AGAIN);
		ens_out_number(s->out, known);
		return;
	}
	ens_out_number(s->out, !c ? slot->null : c->refs > 1 ? FIRST_OF_MANY : OWN);
	if (!c)
		return;
	if (c->holds == ENS_T_SKETCH)
		save_sketch(s, c);
	else
		save_values(s, c);
	if (c->refs > 1)
		put(s, &s->collected, c, s->collected.n);
}

static void save_slots(struct saver *s, const struct ens_rule *r, const struct ens_value *slot)
{
	const struct ens_t_slot *t = &s->e->tables->slot[r->t->slots.first];

	for (uint32_t i = 0; i < r->t->slots.count; i++) {
		if (t[i].holds != ENS_T_VALUE)
			save_collected(s, &slot[i]);
		else if (ens_type_is_bytes(t[i].type) && !slot[i].null)
			save_text(s, &slot[i]);
		else
			ens_out_scalar(s->out, t[i].type, &slot[i]);
	}
}

/* The links that p does not share with those written before, into s->path.  Returns where the others begin. */
static const struct ens_link *find_path(struct saver *s, const struct ens_partial *p, uint32_t *n)
{
	const struct ens_link *l = p->taken;

	for (*n = 0; l && (!s->links_shared || ens_seen_get(&s->links, l) == ENS_NONE); l = l->before) {
		if (*n == s->path_cap) {
			const uint32_t cap = *n ? *n * 2 : 64;
			const struct ens_link **bigger = realloc(s->path, cap * sizeof *bigger);

			if (!bigger) {
				s->no_memory = true;
				return NULL;
			}
			s->path = bigger;
			s->path_cap = cap;
		}
		s->path[(*n)++] = l;
	}
	return l;
}

enum derived_kind { DERIVED, DERIVED_FIRST_OF_MANY, DERIVED_AGAIN }; /* behind the numbers of streams */

/* A derived event's own number is one inside the engine: what it is made of is written instead. */
static void save_derived(struct saver *s, const struct ens_entry_id *id)
{
	const struct ens_below *b = s->e->layers.below[id->ms];
	const uint32_t known = b->refs > 1 ? ens_seen_get(&s->below, b) : ENS_NONE, streams = s->e->tables->nstream;

	if (known != ENS_NONE) {
		ens_out_number(s->out, streams + DERIVED_AGAIN);
		ens_out_number(s->out, known);
		return;
	}
	ens_out_number(s->out, streams + (b->refs > 1 ? DERIVED_FIRST_OF_MANY : DERIVED));
	ens_out_hash(s->out, b->id);
	ens_out_number(s->out, b->nevent);
	for (uint32_t i = 0; i < b->nevent; i++)
		ens_out_id(s->out, &b->event[i]);
	if (b->refs > 1)
		put(s, &s->below, b, s->below.n);
}

/* Oldest first, positions as differences. */
static void save_taken(struct saver *s, const struct ens_partial *p)
{
	uint32_t n;
	const struct ens_link *shared = find_path(s, p, &n);
	uint64_t pos = shared ? shared->pos : 0;

	if (s->links_shared)
		ens_out_number(s->out, shared ? ens_seen_get(&s->links, shared) + 1 : 0);
	ens_out_number(s->out, n);
	while (n-- > 0) {
		const struct ens_link *l = s->path[n];

		ens_out_number(s->out, l->pos - pos);
		ens_out_number(s->out, l->state);
		if (l->id.stream == ENS_DERIVED_STREAM)
			save_derived(s, &l->id);
		else
			ens_out_id(s->out, &l->id);
		pos = l->pos;
		if (s->links_shared)
			put(s, &s->links, l, s->nlink);
		s->nlink++;
	}
}

static uint32_t dead_words(const struct ens_rule *r, const struct ens_partial *p)
{
	return (r->state[p->state].entries.count + 63) / 64;
}

/* What its open entries wait for. */
static uint64_t wanted_by(const struct ens_rule *r, const struct ens_partial *p)
{
	uint64_t wanted = r->t->scope == ENS_T_EVENTS ? ENS_EVERY_EVENT : 0;
	uint32_t n;
	const struct ens_t_entry *list = ens_partial_entries(r, p, &n);

	for (uint32_t i = 0; i < n; i++)
		if (list[i].kind <= ENS_T_ACCEPT && !ens_entry_is_dead(p, i))
			wanted |= r->mask[r->mask_at[p->state] + i];
	return wanted;
}

enum partial_flag { REPORTED = 1, COVERED = 2, WANTED_MORE = 4, ALL_FLAGS = 7 };

static void save_partial(struct saver *s, const struct ens_rule *r, struct ens_partial *p)
{
	const uint32_t *counter = ens_partial_counters(r, p);
	const uint64_t more = p->wanted & ~wanted_by(r, p);

	assert(!p->expired && !p->stillborn);
	save_taken(s, p);
	ens_out_number(s->out, (p->reported ? REPORTED : 0u) | (p->covered ? COVERED : 0u) | (more ? WANTED_MORE : 0u));
	ens_out_time(s->out, p->start_us);
	ens_out_time(s->out, p->last_us);
	ens_out_number(s->out, p->state);
	for (uint32_t i = 0; i < dead_words(r, p); i++)
		ens_out_number(s->out, p->dead[i]);
	for (uint32_t i = 0; i < r->t->ncounter; i++)
		ens_out_number(s->out, counter[i]);
	save_slots(s, r, ens_partial_slots(r, p));
	if (more)
		ens_out_number(s->out, more);
	if (r->listed)
		ens_out_number(s->out, ens_seen_get(&s->ranks, p));
}

static void save_partials(struct saver *s, const struct ens_rule *r, struct ens_partial *first)
{
	uint32_t n = 0;

	for (const struct ens_partial *p = first; p; p = p->next)
		n++;
	ens_out_number(s->out, n);
	for (struct ens_partial *p = first; p; p = p->next)
		save_partial(s, r, p);
}

static void save_nodes(struct saver *s, const struct ens_rule *r, const struct ens_shared_point *q, const struct ens_shared_list *l)
{
	const struct ens_t_list captures = r->state[q->state].captures;
	uint64_t pos = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		const struct ens_shared_node *n = ens_shared_node_at(l, q->node_bytes, i);
		const struct ens_value *v = ens_shared_values(q, n);

		ens_out_number(s->out, n->pos - pos);
		for (uint32_t k = 0; k < captures.count; k++) {
			const enum ens_type type = ens_shared_value_type(r, &s->e->tables->capture[captures.first + k]);

			if (ens_type_is_bytes(type) && !v[k].null)
				save_text(s, &v[k]);
			else
				ens_out_scalar(s->out, type, &v[k]);
		}
		ens_out_id(s->out, &n->id);
		ens_out_time(s->out, n->time_us);
		ens_out_signed(s->out, n->reach);
		for (uint32_t k = 0; k < q->nsince; k++)
			ens_out_number(s->out, n->pos - n->since[k]);
		pos = n->pos;
	}
}

/* What a cell of a shared rule keeps: runtime/shared.h.  How far ways are open follows from it, but for what events closed. */
static void save_kept(struct saver *s, struct ens_cell *c)
{
	const struct ens_rule *r = c->rule;
	const struct ens_shared_plan *plan = r->shared;
	struct ens_shared_cell *a = ens_cell_shared(c);

	ens_out_signed(s->out, a->newest);
	ens_out_signed(s->out, a->floor);
	for (uint32_t k = 0; k < plan->ngate; k++)
		if (ens_shared_gate_closes(plan, k))
			ens_out_number(s->out, ens_shared_opens(a)[k].since);
	for (uint32_t i = 0; i < plan->nlist; i++) {
		const struct ens_shared_list *l = &ens_shared_lists(plan, a)[i];

		ens_out_number(s->out, l->n);
		if (l->n)
			ens_out_number(s->out, (uint64_t)__builtin_ctz(l->cap));
		save_nodes(s, r, &plan->point[plan->of_list[i]], l);
	}
}

enum cell_flag { IN_KEY = 1, TIMER = 2, SESSION = 4, TOLD = 8, HAVING_HELD = 16, ALL_CELL_FLAGS = 31 };

static void save_cell(struct saver *s, struct ens_cell *c)
{
	const struct ens_rule *r = c->rule;
	const struct ens_record *rec = ens_cell_record(c);
	const bool told = rec && rec->told_us != INT64_MIN;

	ens_seen_clear(&s->links);
	s->nlink = 0;
	s->links_shared = r->branches;
	ens_out_number(s->out, r->index);
	ens_out_number(s->out, ((void *)c == ens_key_room(c->key) ? IN_KEY : 0u) | (ens_timer_is_set(&c->timer) ? TIMER : 0u) |
				       (c->in_session ? SESSION : 0u) | (told ? TOLD : 0u) |
				       (rec && rec->having_held ? HAVING_HELD : 0u));
	ens_out_number(s->out, c->pos);
	if (ens_timer_is_set(&c->timer))
		ens_out_time(s->out, c->timer.deadline_us);
	if (c->in_session) {
		ens_out_time(s->out, ens_cell_session(c)->start_us);
		ens_out_time(s->out, ens_cell_session(c)->last_us);
	}
	if (told)
		ens_out_time(s->out, rec->told_us);
	for (uint32_t i = 0; i < r->t->leads.count; i++)
		ens_out_time(s->out, c->lead_us[i]);
	save_partials(s, r, c->first);
	if (rec)
		save_partials(s, r, rec->held);
	if (r->shared)
		save_kept(s, c);
}

/* Which rule the key was made for: the one whose cell it has in its room, else the first whose cells are as large. */
static uint32_t rule_of_room(const struct saver *s, const struct ens_keys *k, const struct ens_key *key)
{
	uint32_t i = 0;

	for (const struct ens_cell *c = key->cells; c; c = c->next)
		if ((const void *)c == ens_key_room((struct ens_key *)(uintptr_t)key))
			return c->rule->index;
	while (i < s->e->tables->nrule && (s->e->rule[i].keys != k || s->e->rule[i].cell_bytes != key->room))
		i++;
	assert(i < s->e->tables->nrule);
	return i;
}

static int by_rule(const void *a, const void *b)
{
	const struct ens_cell *x = *(struct ens_cell *const *)a, *y = *(struct ens_cell *const *)b;

	return (x->rule->index > y->rule->index) - (x->rule->index < y->rule->index);
}

static void save_key(struct saver *s, const struct ens_keys *k, const struct ens_key *key, uint64_t before)
{
	uint32_t n = 0;

	ens_out_number(s->out, key->order - before);
	ens_out_number(s->out, rule_of_room(s, k, key));
	ens_out_text(s->out, key->bytes, key->len);
	for (struct ens_cell *c = key->cells; c; c = c->next)
		s->cell[n++] = c;
	qsort(s->cell, n, sizeof(struct ens_cell *), by_rule);
	ens_out_number(s->out, n);
	for (uint32_t i = 0; i < n; i++)
		save_cell(s, s->cell[i]);
}

static int by_order(const void *a, const void *b)
{
	const struct ens_key *x = *(const struct ens_key *const *)a, *y = *(const struct ens_key *const *)b;

	return (x->order > y->order) - (x->order < y->order);
}

static void save_keys(struct saver *s, const struct ens_keys *k)
{
	const struct ens_key **key = malloc((k->count + 1) * sizeof *key);
	uint64_t n = 0;

	if (!key) {
		s->no_memory = true;
		return;
	}
	for (uint64_t i = 0; i <= k->mask; i++) {
		const struct ens_key *at = ens_keys_at(k, i);

		if (at)
			key[n++] = at;
	}
	qsort(key, n, sizeof *key, by_order);
	ens_out_number(s->out, k->next_order);
	ens_out_number(s->out, n);
	for (uint64_t i = 0; i < n; i++)
		save_key(s, k, key[i], i ? key[i - 1]->order : 0);
	free(key);
}

static void save_group(const struct ens_group *g, struct ens_state_out *out)
{
	ens_out_number(out, (g->started ? 1u : 0u) | (g->watch_set ? 2u : 0u));
	ens_out_time(out, g->now_us);
	ens_out_time(out, g->last_us);
	ens_out_time(out, g->watch_start_us);
	ens_out_time(out, g->limit_due_us);
	ens_out_time(out, ens_wheel_now(&g->wheel));
}

static void save_rule(struct saver *s, const struct ens_rule *r)
{
	uint32_t rank = 0;

	if (r->t->limit_count)
		ens_limit_save(&r->limit, s->out);
	ens_out_number(s->out, r->shared != NULL);
	ens_out_number(s->out, r->listed);
	for (const struct ens_partial *p = r->listed ? r->oldest : NULL; p; p = p->newer)
		put(s, &s->ranks, p, rank++);
}

bool ens_engine_save(const struct ens_engine *e, struct ens_state_out *out)
{
	struct saver s = {.e = e, .out = out, .cell = malloc((e->tables->nrule + 1u) * sizeof(struct ens_cell *))};

	if (!s.cell)
		return false;
	assert(!e->layers.pending);
	ens_out_number(out, e->from_file);
	for (uint32_t i = 0; i < e->tables->ngroup; i++)
		save_group(&e->group[i], out);
	for (uint32_t i = 0; i < e->tables->nrule; i++)
		save_rule(&s, &e->rule[i]);
	for (uint32_t i = 0; i < e->tables->nkeygroup; i++)
		save_keys(&s, &e->keys[i]);
	free(s.path);
	free(s.cell);
	ens_seen_free(&s.links);
	ens_seen_free(&s.texts);
	ens_seen_free(&s.collected);
	ens_seen_free(&s.below);
	ens_seen_free(&s.ranks);
	return !s.no_memory;
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

/* A link that others may share, and how many events it and those before it are. */
struct known_link {
	struct ens_link *link;
	uint32_t ntaken;
};

/* A partial of a rule that is near a limit, and its place by start. */
struct ranked {
	struct ens_partial *p;
	uint32_t rank;
};

struct loader {
	struct ens_engine *e;
	struct ens_state_in *in;
	struct known_link *link;  /* of the cell at hand, if shared */
	uint32_t nlink, link_cap;
	struct ens_blob **text;
	uint32_t ntext, text_cap;
	struct ens_collected **collected;
	uint32_t ncollected, collected_cap;
	struct ens_entry_id *derived; /* that several matches took, as they are numbered now */
	uint32_t nderived, derived_cap;
	struct ens_entry_id *entry;   /* of the derived event at hand */
	uint32_t entry_cap;
	struct ranked *ranked;
	uint32_t nranked, ranked_cap;
	bool *listed;             /* by rule */
};

/* Room for one more; NULL: no memory. */
static void *more(struct loader *l, void *list, uint32_t n, uint32_t *cap, size_t size)
{
	if (n < *cap)
		return list;
	const uint32_t bigger = n ? n * 2 : 64;
	void *moved = n < UINT32_MAX / 4 ? realloc(list, bigger * size) : NULL;

	if (!moved) {
		(void)ens_in_no_memory(l->in);
		return NULL;
	}
	*cap = bigger;
	return moved;
}

static bool note_link(struct loader *l, struct ens_link *link, uint32_t ntaken)
{
	struct known_link *list = more(l, l->link, l->nlink, &l->link_cap, sizeof *list);

	if (!list)
		return false;
	l->link = list;
	l->link[l->nlink++] = (struct known_link){link, ntaken};
	return true;
}

static bool note_text(struct loader *l, struct ens_blob *b)
{
	struct ens_blob **list = more(l, l->text, l->ntext, &l->text_cap, sizeof(struct ens_blob *));

	if (!list)
		return false;
	l->text = list;
	l->text[l->ntext++] = b;
	return true;
}

static bool note_collected(struct loader *l, struct ens_collected *c)
{
	struct ens_collected **list = more(l, l->collected, l->ncollected, &l->collected_cap, sizeof(struct ens_collected *));

	if (!list)
		return false;
	l->collected = list;
	l->collected[l->ncollected++] = c;
	return true;
}

static bool note_rank(struct loader *l, struct ens_partial *p, uint32_t rank)
{
	struct ranked *list = more(l, l->ranked, l->nranked, &l->ranked_cap, sizeof *list);

	if (!list)
		return false;
	l->ranked = list;
	l->ranked[l->nranked++] = (struct ranked){p, rank};
	return true;
}

/* The slot holds nothing yet. */
static bool load_text(struct loader *l, enum ens_type type, uint32_t kind, struct ens_value *slot)
{
	struct ens_blob *b;
	uint32_t len;

	if (kind == AGAIN) {
		const uint32_t known = ens_in_upto(l->in, UINT32_MAX, "a shared text is not there");

		if (ens_in_ok(l->in) && (known >= l->ntext || (type == ENS_IP && l->text[known]->len != 16)))
			(void)ens_in_refuse(l->in, "a shared text is not there");
		if (!ens_in_ok(l->in))
			return false;
		b = l->text[known];
		b->refs++;
	} else {
		const char *s = ens_in_text(l->in, type, &len);

		if (!ens_in_ok(l->in))
			return false;
		b = ens_blob_make(&l->e->heap, s, len);
		if (!b)
			return ens_in_no_memory(l->in);
	}
	*slot = (struct ens_value){.s = b->bytes, .len = b->len};
	return kind != FIRST_OF_MANY || note_text(l, b);
}

/* How it is there, if not as null. */
static uint32_t load_kind(struct loader *l)
{
	const uint32_t kind = ens_in_upto(l->in, AGAIN, "a value is neither there nor null");

	if (kind == ENS_SET)
		(void)ens_in_refuse(l->in, "a text or a collection is not said to be shared or not");
	return kind;
}

/* One more for the container, which the slot holds. */
static bool load_collected_value(struct loader *l, const struct ens_t_slot *t, struct ens_value *slot)
{
	const enum ens_type type = (enum ens_type)t->type;
	struct ens_collected *c = ens_collected_of(slot);
	struct ens_value v;

	if (!ens_type_is_bytes(type)) {
		v = ens_in_scalar(l->in, type);
	} else {
		const uint32_t kind = load_kind(l);

		v = (struct ens_value){.null = ENS_NULL};
		if (ens_in_ok(l->in) && kind >= OWN && !load_text(l, type, kind, &v))
			return false;
	}
	if (v.null)
		return ens_in_refuse(l->in, "a null was collected");

	const uint32_t before = c ? c->n : 0;
	const bool added = ens_collected_add(&l->e->heap, &c, (enum ens_t_holds)t->holds, type, &v);

	if (ens_type_is_bytes(type))
		ens_blob_release(&l->e->heap, ens_blob_of(&v));
	if (c)
		*slot = (struct ens_value){.s = (const char *)c};
	if (!added)
		return ens_in_no_memory(l->in);
	return c->n == before + 1 || ens_in_refuse(l->in, "values are collected twice, or more of them than ever are");
}

static bool load_values(struct loader *l, const struct ens_t_slot *t, struct ens_value *slot)
{
	struct ens_state_in *in = l->in;
	const uint32_t n = ens_in_upto(in, ENS_COLLECTED_MAX, "more values are collected than ever are");
	const char *registers = NULL;
	uint32_t len = 0;

	for (uint32_t i = 0; i < n && ens_in_ok(in); i++)
		if (!load_collected_value(l, t, slot))
			return false;
	if (ens_in_ok(in) && !n)
		(void)ens_in_refuse(in, "a collection has nothing in it");
	if (!ens_in_upto(in, 1, "there were more values than are collected, or not, nothing else"))
		return ens_in_ok(in);
	if (t->holds == ENS_T_DISTINCT)
		registers = ens_in_bytes(in, &len);
	if (ens_in_ok(in) && ((t->holds == ENS_T_DISTINCT && len != ENS_REGISTERS) ||
			      !ens_collected_exceed(ens_collected_of(slot), (const uint8_t *)registers)))
		(void)ens_in_refuse(in, "there can't have been more values than are collected");
	return ens_in_ok(in);
}

static bool load_sketch(struct loader *l, const struct ens_t_slot *t, struct ens_value *slot)
{
	struct ens_state_in *in = l->in;
	const uint32_t n = ens_in_upto(in, ENS_BUCKETS_MAX, "a distribution has more parts than ever one has");
	const uint32_t shift = ens_in_upto(in, 63, "a distribution has no such parts");
	struct ens_collected *c =
		ens_in_ok(in) ? ens_collected_sketch(&l->e->heap, (enum ens_type)t->type, (uint8_t)shift, n) : NULL;

	if (!c)
		return ens_in_no_memory(in);
	*slot = (struct ens_value){.s = (const char *)c};

	struct ens_bucket *b = ens_collected_buckets(c);

	for (uint32_t i = 0; i < n && ens_in_ok(in); i++) {
		b[i].key = ens_in_number(in) + (i ? b[i - 1].key : 0);
		b[i].count = ens_in_number(in);
	}

	const struct ens_value least = ens_in_scalar(in, ENS_FLOAT), most = ens_in_scalar(in, ENS_FLOAT);

	c->least = least.f;
	c->most = most.f;
	if (ens_in_ok(in) && (least.null || most.null || !ens_collected_sketch_is_valid(c)))
		(void)ens_in_refuse(in, "a distribution is none");
	return ens_in_ok(in);
}

/* Into a slot that holds nothing yet. */
static bool load_collected(struct loader *l, const struct ens_t_slot *t, struct ens_value *slot)
{
	const uint32_t kind = load_kind(l);

	if (!ens_in_ok(l->in))
		return false;
	if (kind < OWN) {
		slot->null = (uint8_t)kind;
		return true;
	}
	if (kind == AGAIN) {
		const uint32_t known = ens_in_upto(l->in, UINT32_MAX, "a shared collection is not there");

		if (ens_in_ok(l->in) && (known >= l->ncollected || l->collected[known]->holds != t->holds ||
					 l->collected[known]->type != t->type))
			(void)ens_in_refuse(l->in, "a shared collection is not there");
		if (!ens_in_ok(l->in))
			return false;
		l->collected[known]->refs++;
		*slot = (struct ens_value){.s = (const char *)l->collected[known]};
		return true;
	}
	if (!(t->holds == ENS_T_SKETCH ? load_sketch(l, t, slot) : load_values(l, t, slot)))
		return false;
	return kind != FIRST_OF_MANY || note_collected(l, ens_collected_of(slot));
}

static bool load_slots(struct loader *l, const struct ens_rule *r, struct ens_value *slot)
{
	const struct ens_t_slot *t = &l->e->tables->slot[r->t->slots.first];
	uint32_t kind;

	for (uint32_t i = 0; i < r->t->slots.count && ens_in_ok(l->in); i++) {
		if (t[i].holds != ENS_T_VALUE) {
			if (!load_collected(l, &t[i], &slot[i]))
				return false;
			continue;
		}
		if (!ens_type_is_bytes(t[i].type)) {
			slot[i] = ens_in_scalar(l->in, t[i].type);
			continue;
		}
		kind = load_kind(l);
		if (!ens_in_ok(l->in))
			return false;
		if (kind < OWN)
			slot[i] = (struct ens_value){.null = (uint8_t)kind};
		else if (!load_text(l, t[i].type, kind, &slot[i]))
			return false;
	}
	return ens_in_ok(l->in);
}

/* p begins with events that another partial of the cell took. */
static bool load_shared(struct loader *l, struct ens_partial *p)
{
	const uint32_t known = ens_in_upto(l->in, UINT32_MAX, "shared events are not there");

	if (!ens_in_ok(l->in) || !known)
		return ens_in_ok(l->in);
	if (known > l->nlink)
		return ens_in_refuse(l->in, "shared events are not there");
	p->taken = l->link[known - 1].link;
	p->taken->refs++;
	p->ntaken = l->link[known - 1].ntaken;
	return true;
}

static bool note_derived(struct loader *l, const struct ens_entry_id *id)
{
	struct ens_entry_id *list = more(l, l->derived, l->nderived, &l->derived_cap, sizeof *list);

	if (!list)
		return false;
	l->derived = list;
	l->derived[l->nderived++] = *id;
	return true;
}

/* One user of what it makes is the loader. */
static bool load_below(struct loader *l, struct ens_entry_id *id)
{
	struct ens_state_in *in = l->in;
	uint64_t identity[2];
	uint32_t n;

	ens_in_hash(in, identity);
	n = ens_in_upto(in, ENS_BELOW_MAX, "a derived event is made of more entries than are ever kept");
	for (uint32_t i = 0; i < n && ens_in_ok(in); i++) {
		struct ens_entry_id *list = more(l, l->entry, i, &l->entry_cap, sizeof *list);

		if (!list)
			return false;
		l->entry = list;
		l->entry[i] = ens_in_id(in, l->e->tables);
	}
	if (!ens_in_ok(in))
		return false;
	return ens_layers_make_below(l->e, identity, l->entry, n, id) == ENS_OK || ens_in_no_memory(in);
}

/* The ID of the next event taken.  *made: it is a derived event's, and what that is made of has the loader as a user. */
static bool load_id(struct loader *l, const struct ens_rule *r, struct ens_entry_id *id, bool *made)
{
	struct ens_state_in *in = l->in;
	const uint32_t streams = l->e->tables->nstream;
	const uint32_t stream = ens_in_upto(in, streams + DERIVED_AGAIN, "an entry is of a stream that does not exist");

	*made = false;
	if (ens_in_ok(in) && stream < streams)
		*id = ens_in_id_of(in, stream);
	if (!ens_in_ok(in) || stream < streams)
		return ens_in_ok(in);
	if (!r->t->layer)
		return ens_in_refuse(in, "a derived event was taken by a rule that is above no other");
	if (stream == streams + DERIVED_AGAIN) {
		const uint32_t known = ens_in_upto(in, UINT32_MAX, "a shared event is not there");

		if (ens_in_ok(in) && known >= l->nderived)
			(void)ens_in_refuse(in, "a shared event is not there");
		if (ens_in_ok(in))
			*id = l->derived[known];
		return ens_in_ok(in);
	}
	*made = load_below(l, id);
	return *made && (stream == streams + DERIVED || note_derived(l, id));
}

/* p takes the next event that is written. */
static bool load_link(struct loader *l, const struct ens_rule *r, struct ens_partial *p, uint64_t *pos)
{
	struct ens_state_in *in = l->in;
	const uint64_t further = ens_in_number(in);
	const uint32_t state = ens_in_upto(in, UINT32_MAX, "an event was taken by a step that does not exist");
	struct ens_entry_id id;
	bool made, taken;

	if (ens_in_ok(in) && (!state || state >= r->t->states.count))
		(void)ens_in_refuse(in, "an event was taken by a step that does not exist");
	if (ens_in_ok(in) && (!further || further > p->cell->pos - *pos || p->ntaken >= INT32_MAX))
		(void)ens_in_refuse(in, "events are not in the order in which they came");
	if (!ens_in_ok(in))
		return false;
	*pos += further;
	taken = load_id(l, r, &id, &made) && (ens_partial_extend(p, &id, *pos, state) || ens_in_no_memory(in));
	if (made)
		ens_layers_release(l->e, &id);
	return taken && (!r->branches || note_link(l, p->taken, p->ntaken));
}

static bool load_taken(struct loader *l, const struct ens_rule *r, struct ens_partial *p)
{
	if (r->branches && !load_shared(l, p))
		return false;

	uint64_t n = ens_in_number(l->in), pos = p->taken ? p->taken->pos : 0;

	for (; n > 0 && ens_in_ok(l->in); n--)
		if (!load_link(l, r, p, &pos))
			return false;
	if (ens_in_ok(l->in) && !p->taken)
		return ens_in_refuse(l->in, "a match has begun without an event");
	return ens_in_ok(l->in);
}

static bool load_dead(struct loader *l, const struct ens_rule *r, struct ens_partial *p)
{
	const uint32_t n = r->state[p->state].entries.count;

	for (uint32_t i = 0; i < dead_words(r, p); i++)
		p->dead[i] = ens_in_number(l->in);
	if (n % 64 && p->dead[n / 64] >> n % 64)
		return ens_in_refuse(l->in, "more ways of a step are closed than it has");
	return ens_in_ok(l->in);
}

/* p is among the live partials of its cell, with nothing taken and nothing kept. */
static bool load_partial(struct loader *l, const struct ens_rule *r, struct ens_partial *p)
{
	struct ens_state_in *in = l->in;
	uint32_t *counter = ens_partial_counters(r, p);

	if (!load_taken(l, r, p))
		return false;

	const struct ens_link *first = p->taken;
	const uint32_t flags = ens_in_upto(in, ALL_FLAGS, "a match has flags that are not known");

	while (first->before)
		first = first->before;
	p->start_pos = first->pos;
	p->last_pos = p->taken->pos;
	p->reported = flags & REPORTED;
	p->covered = flags & COVERED;
	p->start_us = ens_in_time(in);
	p->last_us = ens_in_time(in);

	const uint32_t state = ens_in_upto(in, r->t->states.count - 1, "a match is at a step that does not exist");

	if (ens_in_ok(in) && !state)
		(void)ens_in_refuse(in, "a match is at a step that does not exist");
	if (!ens_in_ok(in))
		return false;
	p->state = state;
	if (!load_dead(l, r, p))
		return false;
	for (uint32_t i = 0; i < r->t->ncounter; i++)
		counter[i] = ens_in_upto(in, UINT32_MAX, "a counter has more than 32 bits");
	if (!load_slots(l, r, ens_partial_slots(r, p)))
		return false;
	if (r->point_at)
		ens_partial_locate(r, p);
	p->wanted = wanted_by(r, p);
	if (flags & WANTED_MORE)
		p->wanted |= ens_in_number(in);
	return !l->listed[r->index] || note_rank(l, p, ens_in_upto(in, UINT32_MAX, "a match has no place among the others"));
}

/* A new partial, the last of the live ones. */
static struct ens_partial *new_partial(struct loader *l, struct ens_rule *r, struct ens_cell *c)
{
	struct ens_partial *p = ens_heap_alloc(&l->e->heap, r->partial_bytes);

	if (!p) {
		(void)ens_in_no_memory(l->in);
		return NULL;
	}
	memset(p, 0, r->partial_bytes);
	memcpy(ens_partial_slots(r, p), r->initial, r->t->slots.count * sizeof *r->initial);
	p->cell = c;
	p->prev = c->last;
	*(p->prev ? &p->prev->next : &c->first) = p;
	c->last = p;
	if (r->waiting)
		ens_cell_waiting(c)->nlive++;
	c->npartial++;
	r->stats.partials++;
	return p;
}

static bool load_partials(struct loader *l, struct ens_rule *r, struct ens_cell *c, bool held)
{
	uint64_t before = 0;

	for (uint64_t n = ens_in_number(l->in); n > 0 && ens_in_ok(l->in); n--) {
		struct ens_partial *p = c->npartial < UINT32_MAX / 2 ? new_partial(l, r, c) : NULL;

		if (!p)
			return ens_in_no_memory(l->in);
		if (!load_partial(l, r, p))
			return false;
		if (p->start_pos < before)
			return ens_in_refuse(l->in, "matches are not in the order of their beginning");
		before = p->start_pos;
		if (held) {
			ens_partial_detach(p);
			ens_partial_hold(p);
		} else {
			c->wanted |= p->wanted;
		}
	}
	return ens_in_ok(l->in);
}

/* Values of a node that has none yet. */
static bool load_node_values(struct loader *l, const struct ens_rule *r, const struct ens_shared_point *q, struct ens_value *v)
{
	const struct ens_t_list captures = r->state[q->state].captures;

	for (uint32_t k = 0; k < captures.count; k++)
		v[k] = (struct ens_value){.null = ENS_NULL};
	for (uint32_t k = 0; k < captures.count && ens_in_ok(l->in); k++) {
		const enum ens_type type = ens_shared_value_type(r, &l->e->tables->capture[captures.first + k]);
		uint32_t kind;

		if (!ens_type_is_bytes(type)) {
			v[k] = ens_in_scalar(l->in, type);
			continue;
		}
		kind = load_kind(l);
		if (ens_in_ok(l->in) && kind >= OWN && !load_text(l, type, kind, &v[k]))
			return false;
	}
	return ens_in_ok(l->in);
}

/* What leads by a way to a node does not lead to later ones any more once it was closed: listing relies on that to go no way
 * in vain.  `since`: how far the ways into the point were open last. */
static bool since_fits(const struct ens_shared_plan *plan, struct ens_shared_cell *a, const struct ens_shared_point *q,
		       const struct ens_shared_node *n, uint64_t *since)
{
	for (uint32_t i = q->in.first; i < q->in.first + q->in.count; i++) {
		const struct ens_shared_way *w = &plan->way[plan->in[i]];
		const uint64_t now = w->since_at == ENS_NONE ? n->pos : n->since[w->since_at];

		if (w->from == 0 || w->arrow == ENS_T_NEXT || now == n->pos)
			continue; /* nothing closes it, or it did not take the event */
		if (now < since[w->since_at] || now > ens_shared_opens(a)[w->gate].since)
			return false;
		since[w->since_at] = now;
	}
	return true;
}

/* The next node of a list, behind the one at *pos. */
static bool load_node(struct loader *l, struct ens_cell *c, uint32_t list, uint64_t *pos, uint64_t *since)
{
	struct ens_state_in *in = l->in;
	const struct ens_rule *r = c->rule;
	const struct ens_shared_point *q = &r->shared->point[r->shared->of_list[list]];
	const uint64_t further = ens_in_number(in);

	if (ens_in_ok(in) && (!further || further > c->pos - *pos))
		return ens_in_refuse(in, "events are not in the order in which they came");
	struct ens_shared_node *n = ens_in_ok(in) ? ens_shared_append(c, list) : NULL;

	if (!n)
		return ens_in_no_memory(in);
	memset(n, 0, q->node_bytes);
	if (!load_node_values(l, r, q, ens_shared_values(q, n)))
		return false;
	n->pos = *pos += further;
	n->id = ens_in_id(in, l->e->tables);
	n->time_us = ens_in_time(in);
	n->reach = ens_in_signed(in);
	for (uint32_t k = 0; k < q->nsince && ens_in_ok(in); k++) {
		const uint64_t before = ens_in_number(in);

		if (before > n->pos)
			return ens_in_refuse(in, "events are not in the order in which they came");
		n->since[k] = n->pos - before;
	}
	if (ens_in_ok(in) && n->reach == INT64_MAX)
		return ens_in_refuse(in, "a match has begun at the end of time");
	if (ens_in_ok(in) && !since_fits(r->shared, ens_cell_shared(c), q, n, since))
		return ens_in_refuse(in, "what an event has closed is open again");
	ens_shared_lead_on(c, list, n);
	return ens_in_ok(in);
}

static bool load_nodes(struct loader *l, struct ens_cell *c, uint32_t list)
{
	struct ens_state_in *in = l->in;
	const uint32_t n = ens_in_upto(in, UINT32_MAX / 4, "more events are kept than ever are");
	uint64_t pos = 0, since[ENS_SHARED_WAYS_MAX] = {0};

	if (!n || !ens_in_ok(in))
		return ens_in_ok(in);
	/* It has room for so many as it had: never less than it needs, nor eight times as much and more. */
	const uint32_t cap = 1u << ens_in_upto(in, 30, "events are kept in more room than ever is there");

	if (ens_in_ok(in) && (cap < n || (cap > 8 && cap / 8 >= n)))
		return ens_in_refuse(in, "events are kept in more room than ever is there, or in less than they need");
	if (ens_in_ok(in) && n > (size_t)(in->end - in->at))
		return ens_in_refuse(in, "more events are kept than follow");
	if (!ens_in_ok(in) || !ens_shared_list_room(c, list, cap))
		return ens_in_no_memory(in);
	for (uint32_t i = 0; i < n; i++)
		if (!load_node(l, c, list, &pos, since))
			return false;
	return true;
}

static bool load_kept(struct loader *l, struct ens_cell *c)
{
	struct ens_state_in *in = l->in;
	const struct ens_shared_plan *plan = c->rule->shared;
	struct ens_shared_cell *a = ens_cell_shared(c);

	if (ens_in_ok(in) && c->pos > INT64_MAX / 2)
		return ens_in_refuse(in, "a key had more events than can be");
	a->newest = ens_in_signed(in);
	a->floor = ens_in_signed(in);
	for (uint32_t k = 0; k < plan->ngate; k++)
		if (ens_shared_gate_closes(plan, k) && (ens_shared_opens(a)[k].since = ens_in_number(in)) > c->pos)
			return ens_in_refuse(in, "an event that has closed a way has not come");
	for (uint32_t i = 0; i < plan->nlist && ens_in_ok(in); i++)
		(void)load_nodes(l, c, i);
	return ens_in_ok(in);
}

/* Could the rule have left such a cell? */
static bool flags_fit(const struct ens_rule *r, const struct ens_key *key, uint32_t flags)
{
	if ((flags & IN_KEY) && key->room != r->cell_bytes)
		return false;
	if ((flags & SESSION) && r->t->scope != ENS_T_SESSION)
		return false;
	return r->record_at || !(flags & (TOLD | HAVING_HELD));
}

/* A cell of the key without anything in it, or NULL. */
static struct ens_cell *new_cell(struct loader *l, struct ens_rule *r, struct ens_key *key, bool in_key)
{
	struct ens_cell *c = in_key ? ens_key_room(key) : ens_heap_alloc(&l->e->heap, r->cell_bytes);

	if (!c) {
		(void)ens_in_no_memory(l->in);
		return NULL;
	}
	memset(c, 0, r->cell_bytes);
	c->next = key->cells;
	c->key = key;
	c->rule = r;
	if (r->shared)
		ens_shared_open_cell(c);
	key->cells = c;
	r->stats.keys++;
	return c;
}

static bool load_cell(struct loader *l, struct ens_rule *r, struct ens_key *key, bool *in_key)
{
	struct ens_state_in *in = l->in;
	const uint32_t flags = ens_in_upto(in, ALL_CELL_FLAGS, "what is kept for a key has flags that are not known");

	if (ens_in_ok(in) && (!flags_fit(r, key, flags) || ((flags & IN_KEY) && *in_key)))
		(void)ens_in_refuse(in, "what is kept for a key is not what its rule keeps");
	*in_key |= flags & IN_KEY;

	struct ens_cell *c = ens_in_ok(in) ? new_cell(l, r, key, flags & IN_KEY) : NULL;
	struct ens_record *rec = c ? ens_cell_record(c) : NULL;
	int64_t due_us = INT64_MAX;

	if (!c)
		return false;
	l->nlink = 0;
	c->pos = ens_in_number(in);
	if (flags & TIMER)
		due_us = ens_in_time(in);
	c->in_session = flags & SESSION;
	if (c->in_session) {
		ens_cell_session(c)->start_us = ens_in_time(in);
		ens_cell_session(c)->last_us = ens_in_time(in);
	}
	if (rec)
		*rec = (struct ens_record){.told_us = flags & TOLD ? ens_in_time(in) : INT64_MIN,
					   .having_held = flags & HAVING_HELD};
	for (uint32_t i = 0; i < r->t->leads.count; i++)
		c->lead_us[i] = ens_in_time(in);
	if (!ens_in_ok(in) || !load_partials(l, r, c, false) || (rec && !load_partials(l, r, c, true)))
		return false;
	if (r->shared && c->npartial)
		return ens_in_refuse(in, "matches that share what they have in common are also kept one by one");
	if (r->shared && !load_kept(l, c))
		return false;
	if (ens_match_empty(c))
		return ens_in_refuse(in, "nothing is kept for a key");
	if (flags & TIMER)
		ens_wheel_add(&r->group->wheel, &c->timer, due_us);
	ens_match_rearm(c); /* M3 */
	if (r->waiting)
		ens_waiting_settle(c);
	return true;
}

static bool load_cells(struct loader *l, const struct ens_keys *k, struct ens_key *key)
{
	uint32_t from = 0;
	bool in_key = false;
	uint64_t n = ens_in_number(l->in);

	ens_keys_decode(k, key, l->e->key_value); /* deadlines may come from the key */
	l->e->context.key = l->e->key_value;

	for (; n > 0 && ens_in_ok(l->in); n--) {
		const uint32_t i = ens_in_upto(l->in, UINT32_MAX, "a rule does not exist");

		if (ens_in_ok(l->in) && (i < from || i >= l->e->tables->nrule || l->e->rule[i].keys != k))
			return ens_in_refuse(l->in, "the rules of a key are not those that it has, in their order");
		if (!ens_in_ok(l->in) || !load_cell(l, &l->e->rule[i], key, &in_key))
			return false;
		from = i + 1;
	}
	return ens_in_ok(l->in) && (key->cells || ens_in_refuse(l->in, "nothing is kept for a key"));
}

static bool load_key(struct loader *l, struct ens_keys *k, uint64_t order)
{
	struct ens_state_in *in = l->in;
	const uint32_t made_for = ens_in_upto(in, UINT32_MAX, "a rule does not exist");
	uint32_t len;
	const char *bytes = ens_in_bytes(in, &len);
	struct ens_key *key;

	if (ens_in_ok(in) && (made_for >= l->e->tables->nrule || l->e->rule[made_for].keys != k))
		(void)ens_in_refuse(in, "a key was made for a rule that has other keys");
	if (!ens_in_ok(in))
		return false;
	if (ens_keys_restore(k, bytes, len, order, (uint32_t)l->e->rule[made_for].cell_bytes, &key) != ENS_OK)
		return ens_in_no_memory(in);
	return key ? load_cells(l, k, key) : ens_in_refuse(in, "a key is none, or is there twice, or is newer than the newest");
}

static bool load_keys(struct loader *l, struct ens_keys *k)
{
	uint64_t order = 0;

	k->next_order = ens_in_number(l->in);

	const uint64_t n = ens_in_number(l->in);

	for (uint64_t i = 0; i < n && ens_in_ok(l->in); i++) {
		const uint64_t further = ens_in_number(l->in);

		if (ens_in_ok(l->in) && ((i && !further) || further > UINT64_MAX - order))
			return ens_in_refuse(l->in, "keys are not in the order in which they were made");
		order += further;
		if (!ens_in_ok(l->in) || !load_key(l, k, order))
			return false;
	}
	return ens_in_ok(l->in);
}

static void load_group(struct ens_group *g, struct ens_state_in *in)
{
	const uint32_t flags = ens_in_upto(in, 3, "a group of rules has flags that are not known");

	g->started = flags & 1;
	g->watch_set = flags & 2;
	g->now_us = ens_in_time(in);
	g->last_us = ens_in_time(in);
	g->watch_start_us = ens_in_time(in);
	g->limit_due_us = ens_in_time(in);
	ens_wheel_init(&g->wheel, ens_in_time(in));
}

static bool load_rule(struct loader *l, struct ens_rule *r)
{
	if (r->t->limit_count) {
		if (!ens_limit_load(&r->limit, &l->e->heap, l->in))
			return false;

		const int64_t due_us = ens_limit_due(&r->limit);

		if (due_us < r->group->limit_due_us)
			r->group->limit_due_us = due_us;
	}
	if (ens_in_upto(l->in, 1, "the matches of a rule share what they have in common or not, nothing else") != (r->shared != NULL) &&
	    ens_in_ok(l->in))
		return ens_in_refuse(l->in, r->shared ? "the matches of a rule were kept one by one" : "the matches of a rule were kept together");
	l->listed[r->index] = ens_in_upto(l->in, 1, "a rule is near a limit or not, nothing else");
	return ens_in_ok(l->in);
}

/* ---- near a limit --------------------------------------------------------------------------------------------------- */

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	const uint32_t i = x->p->cell->rule->index, j = y->p->cell->rule->index;

	return i != j ? (i < j ? -1 : 1) : (x->rank > y->rank) - (x->rank < y->rank);
}

/* Puts the partials of each rule that is near a limit into their list. */
static bool load_lists(struct loader *l)
{
	struct ens_partial **list = malloc((l->nranked + 1u) * sizeof(struct ens_partial *));
	uint32_t at = 0;

	if (!list)
		return ens_in_no_memory(l->in);
	if (l->nranked)
		qsort(l->ranked, l->nranked, sizeof *l->ranked, by_rank);
	for (uint32_t i = 0; i < l->e->tables->nrule; i++) {
		uint32_t n = 0;

		if (!l->listed[i])
			continue;
		for (; at < l->nranked && l->ranked[at].p->cell->rule == &l->e->rule[i]; at++)
			if (l->ranked[at].rank == n)
				list[n++] = l->ranked[at].p;
		if (n != l->e->rule[i].stats.partials)
			(void)ens_in_refuse(l->in, "matches near a limit have no order");
		else
			ens_match_list(&l->e->rule[i], list, n);
	}
	free(list);
	return ens_in_ok(l->in);
}

static void load_all(struct loader *l)
{
	struct ens_engine *e = l->e;

	e->from_file = ens_in_upto(l->in, 1, "events come from files or not, nothing else");
	for (uint32_t i = 0; i < e->tables->ngroup && ens_in_ok(l->in); i++)
		load_group(&e->group[i], l->in);
	for (uint32_t i = 0; i < e->tables->nrule && ens_in_ok(l->in); i++)
		(void)load_rule(l, &e->rule[i]);
	for (uint32_t i = 0; i < e->tables->nkeygroup && ens_in_ok(l->in); i++)
		(void)load_keys(l, &e->keys[i]);
	if (ens_in_ok(l->in))
		(void)load_lists(l);
	ens_program_reset(&e->context);
}

bool ens_engine_load(struct ens_engine *e, struct ens_state_in *in)
{
	struct loader l = {.e = e, .in = in, .listed = calloc(e->tables->nrule + 1u, sizeof *l.listed)};

	if (!l.listed)
		return ens_in_no_memory(in);
	load_all(&l);
	free(l.link);
	free(l.text);
	free(l.collected);
	free(l.derived);
	free(l.entry);
	free(l.ranked);
	free(l.listed);
	return ens_in_ok(in);
}
