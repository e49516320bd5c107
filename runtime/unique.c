/*
 * A hash table of values with their times, each in a list of its type and stream in the order in which they were taken,
 * from whose beginning what is not needed is removed.  Nodes are numbers into one array, so growing it moves nothing else.
 *
 * A value is needed as long as a repeat of it can come, and as long as an entry that it made a repeat may be read again after a
 * restart: that one would be taken otherwise.  What is read again begins with the first entry that is needed, so this is
 * looked for from the newest back; only when as much has happened as there is to look at.
 *
 * Guarantee: of the events with one value that come within `unique_us` of each other exactly the first to be read is no
 * repeat, as long as no more values are held than may.  Cost: a hash and a look at one chain for each event; O(1) amortised
 * to forget.  Tested by tests/unit/test_unique.c.
 */
#include "runtime/unique.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define NONE UINT32_MAX
#define FIRST_NODES 256u
#define CREDIT 8u /* values that are looked at, on average, each time that it is tidied */

struct node {
	uint64_t hash[2];
	int64_t time_us, before_us;
	struct id { uint64_t ms, seq; } id, last_repeat; /* last_repeat 0-0: none */
	uint32_t list;
	uint32_t chain;        /* next of its bucket, or of the free nodes */
	uint32_t older, newer; /* of its list */
};

/* The values of one type that came by one stream. */
struct list {
	uint32_t oldest, newest;
	int64_t unique_us;
	uint32_t stream, held;
	uint32_t credit; /* for looking through the list */
};

struct ens_unique {
	const struct ens_tables *t;
	struct list *list;
	uint32_t *first_list; /* by type: one list for each of its streams follows */
	uint32_t nlist;
	struct node *node;
	uint32_t *bucket;
	uint32_t cap, used, unused, held, max; /* cap: of nodes and buckets, a power of 2; unused: chain of freed nodes */
	uint64_t forgotten;
};

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static bool make_lists(struct ens_unique *u)
{
	const struct ens_tables *t = u->t;
	uint32_t n = 0;

	u->first_list = calloc((size_t)t->ntype + 1, sizeof(*u->first_list));
	for (uint32_t i = 0; u->first_list && i < t->ntype; i++) {
		u->first_list[i] = n;
		n += t->type[i].unique_field != ENS_NONE ? t->type[i].streams.count : 0;
	}
	u->nlist = n;
	u->list = calloc((size_t)n + 1, sizeof(*u->list));
	for (uint32_t i = 0; u->first_list && u->list && i < t->ntype; i++)
		for (uint32_t k = 0; t->type[i].unique_field != ENS_NONE && k < t->type[i].streams.count; k++)
			u->list[u->first_list[i] + k] =
				(struct list){.oldest = NONE, .newest = NONE, .unique_us = t->type[i].unique_us,
					      .stream = t->index[t->type[i].streams.first + k]};
	return u->first_list && u->list;
}

enum ens_status ens_unique_open(const struct ens_tables *t, uint32_t max, struct ens_unique **out, struct ens_error *err)
{
	struct ens_unique *u;
	bool any = false;

	*out = NULL;
	for (uint32_t i = 0; i < t->ntype; i++)
		any |= t->type[i].unique_field != ENS_NONE;
	if (!any)
		return ENS_OK;
	u = calloc(1, sizeof(*u));
	if (u) {
		u->t = t;
		u->max = max;
		u->unused = NONE;
	}
	if (!u || !make_lists(u)) {
		ens_unique_close(u);
		return ens_fail(err, ENS_ENOMEM, "no memory to tell repeated events");
	}
	*out = u;
	return ENS_OK;
}

void ens_unique_close(struct ens_unique *u)
{
	if (!u)
		return;
	free(u->list);
	free(u->first_list);
	free(u->node);
	free(u->bucket);
	free(u);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------ */

static void add_to_chain(struct ens_unique *u, uint32_t i)
{
	uint32_t *b = &u->bucket[u->node[i].hash[0] & (u->cap - 1)];

	u->node[i].chain = *b;
	*b = i;
}

static void remove_from_chain(struct ens_unique *u, uint32_t i)
{
	uint32_t *at = &u->bucket[u->node[i].hash[0] & (u->cap - 1)];

	while (*at != i)
		at = &u->node[*at].chain;
	*at = u->node[i].chain;
}

static void remove_from_list(struct ens_unique *u, uint32_t i)
{
	const struct node *n = &u->node[i];
	struct list *l = &u->list[n->list];

	if (n->older != NONE)
		u->node[n->older].newer = n->newer;
	else
		l->oldest = n->newer;
	if (n->newer != NONE)
		u->node[n->newer].older = n->older;
	else
		l->newest = n->older;
}

static void add_to_list(struct ens_unique *u, uint32_t i)
{
	struct list *l = &u->list[u->node[i].list];

	u->node[i].older = l->newest;
	u->node[i].newer = NONE;
	if (l->newest != NONE)
		u->node[l->newest].newer = i;
	else
		l->oldest = i;
	l->newest = i;
}

static void add(struct ens_unique *u, uint32_t i)
{
	add_to_chain(u, i);
	add_to_list(u, i);
	u->held++;
	u->list[u->node[i].list].held++;
}

static void drop(struct ens_unique *u, uint32_t i)
{
	remove_from_chain(u, i);
	remove_from_list(u, i);
	u->list[u->node[i].list].held--;
	u->node[i].chain = u->unused;
	u->unused = i;
	u->held--;
}

static bool grow(struct ens_unique *u)
{
	const uint32_t cap = u->cap ? u->cap * 2 : FIRST_NODES;
	uint32_t *bucket = malloc(cap * sizeof(*bucket));
	struct node *node = realloc(u->node, cap * sizeof(*node));

	if (node)
		u->node = node;
	if (!bucket || !node) {
		free(bucket);
		return false;
	}
	free(u->bucket);
	u->bucket = bucket;
	u->cap = cap;
	memset(bucket, 0xff, cap * sizeof(*bucket)); /* NONE */
	for (uint32_t i = 0; i < u->used; i++) /* it grows only when every node is in use */
		add_to_chain(u, i);
	return true;
}

/* Of the list at hand if it has one: which is forgotten depends on nothing but the events. */
static void forget_oldest(struct ens_unique *u, uint32_t list)
{
	for (uint32_t i = 0; u->list[list].oldest == NONE && i < u->nlist; i++)
		list = i;
	drop(u, u->list[list].oldest);
	u->forgotten++;
}

static uint32_t new_node(struct ens_unique *u, uint32_t list)
{
	uint32_t i;

	if (u->held >= u->max)
		forget_oldest(u, list);
	i = u->unused;
	if (i != NONE) {
		u->unused = u->node[i].chain;
		return i;
	}
	if (u->used == u->cap && !grow(u))
		return NONE;
	return u->used++;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

/* The list of the event's type and stream, and the hash of its value.  False: it can be no repeat. */
static bool value_of(const struct ens_unique *u, const struct ens_event *ev, uint32_t *list, uint64_t hash[2])
{
	const struct ens_t_type *t = &u->t->type[ev->type];
	const struct ens_value *v;
	uint32_t k = 0;

	if (t->unique_field == ENS_NONE || ev->value[t->unique_field].null != ENS_SET)
		return false;
	while (k < t->streams.count && u->list[u->first_list[ev->type] + k].stream != ev->id.stream)
		k++;
	if (k == t->streams.count)
		return false;
	v = &ev->value[t->unique_field];
	*list = u->first_list[ev->type] + k;

	const bool bytes = ens_type_is_bytes((enum ens_type)u->t->field[t->fields.first + t->unique_field].type);
	const XXH128_hash_t h = bytes ? XXH3_128bits_withSeed(v->s, v->len, *list)
				      : XXH3_128bits_withSeed(&v->i, sizeof(v->i), *list);

	hash[0] = h.low64;
	hash[1] = h.high64;
	return true;
}

static bool is_near(int64_t a_us, int64_t b_us, int64_t within_us)
{
	const uint64_t apart = a_us > b_us ? (uint64_t)a_us - (uint64_t)b_us : (uint64_t)b_us - (uint64_t)a_us;

	return apart <= (uint64_t)within_us;
}

static bool is_before(const struct id *a, const struct id *b)
{
	return a->ms < b->ms || (a->ms == b->ms && a->seq < b->seq);
}

/* Can an event that comes from now on be a repeat of it? */
static bool is_live(const struct ens_unique *u, const struct node *n, int64_t earliest_us)
{
	return n->time_us >= earliest_us || is_near(n->time_us, earliest_us, u->list[n->list].unique_us);
}

bool ens_unique_repeats(struct ens_unique *u, const struct ens_event *ev, int64_t earliest_us)
{
	struct node *newest = NULL;
	uint64_t hash[2];
	uint32_t list;

	if (!u->cap || !value_of(u, ev, &list, hash))
		return false;
	for (uint32_t i = u->bucket[hash[0] & (u->cap - 1)]; i != NONE; i = u->node[i].chain) {
		struct node *n = &u->node[i];

		if (n->hash[0] == hash[0] && n->hash[1] == hash[1] && n->list == list &&
		    is_near(n->time_us, ev->time_us, u->list[list].unique_us) && is_live(u, n, earliest_us) &&
		    (!newest || is_before(&newest->id, &n->id)))
			newest = n;
	}
	if (newest)
		newest->last_repeat = (struct id){ev->id.ms, ev->id.seq};
	return newest != NULL;
}

/* The first entry of the list that is needed, if `first` is the first that is read again for other reasons. */
static struct id first_needed(const struct ens_unique *u, const struct list *l, int64_t earliest_us, struct id first)
{
	for (uint32_t i = l->newest; i != NONE; i = u->node[i].older) {
		const struct node *n = &u->node[i];

		if (is_before(&n->id, &first) && (is_live(u, n, earliest_us) || !is_before(&n->last_repeat, &first)))
			first = n->id;
	}
	return first;
}

enum ens_status ens_unique_note(struct ens_unique *u, const struct ens_event *ev, int64_t before_us)
{
	uint64_t hash[2];
	uint32_t list, i;

	if (!value_of(u, ev, &list, hash))
		return ENS_OK;
	i = new_node(u, list);
	if (i == NONE)
		return ENS_ENOMEM;
	u->node[i] = (struct node){.hash = {hash[0], hash[1]}, .time_us = ev->time_us, .before_us = before_us,
				   .id = {ev->id.ms, ev->id.seq}, .list = list};
	add(u, i);
	return ENS_OK;
}

/* Values of the stream; *credit: of the first list of it. */
static uint32_t held_of_stream(struct ens_unique *u, uint32_t stream, uint32_t **credit)
{
	uint32_t held = 0;

	*credit = NULL;
	for (uint32_t i = 0; i < u->nlist; i++) {
		if (u->list[i].stream != stream)
			continue;
		held += u->list[i].held;
		*credit = *credit ? *credit : &u->list[i].credit;
	}
	return held;
}

void ens_unique_tidy(struct ens_unique *u, uint32_t stream, int64_t earliest_us, const struct ens_entry_id *floor)
{
	struct id first = {UINT64_MAX, UINT64_MAX}, before;
	uint32_t *credit = NULL;
	const uint32_t held = u ? held_of_stream(u, stream, &credit) : 0;

	if (!held || (*credit += CREDIT) < held)
		return;
	*credit = 0;
	if (floor)
		first = (struct id){floor->ms, floor->seq};
	do { /* what one type's list needs may make another's needed */
		before = first;
		for (uint32_t i = 0; i < u->nlist; i++)
			if (u->list[i].stream == stream)
				first = first_needed(u, &u->list[i], earliest_us, first);
	} while (is_before(&first, &before));
	for (uint32_t i = 0; i < u->nlist; i++)
		while (u->list[i].stream == stream && u->list[i].oldest != NONE &&
		       is_before(&u->node[u->list[i].oldest].id, &first))
			drop(u, u->list[i].oldest);
}

bool ens_unique_oldest(const struct ens_unique *u, uint32_t stream, struct ens_entry_id *id, int64_t *before_us)
{
	const struct node *first = NULL;

	for (uint32_t i = 0; u && i < u->nlist; i++) {
		const struct list *l = &u->list[i];

		if (l->stream == stream && l->oldest != NONE && (!first || is_before(&u->node[l->oldest].id, &first->id)))
			first = &u->node[l->oldest];
	}
	if (!first)
		return false;
	*id = (struct ens_entry_id){.ms = first->id.ms, .seq = first->id.seq, .stream = stream};
	*before_us = first->before_us;
	return true;
}

/* ---- saved state ------------------------------------------------------------------------------------------------ */

void ens_unique_save(const struct ens_unique *u, struct ens_state_out *out)
{
	for (uint32_t i = 0; u && i < u->nlist; i++) {
		for (uint32_t k = u->list[i].oldest; k != NONE; k = u->node[k].newer) {
			const struct node *n = &u->node[k];

			ens_out_number(out, 1);
			ens_out_hash(out, n->hash);
			ens_out_time(out, n->time_us);
			ens_out_time(out, n->before_us);
			ens_out_id(out, &(struct ens_entry_id){n->id.ms, n->id.seq, u->list[i].stream});
			ens_out_id(out, &(struct ens_entry_id){n->last_repeat.ms, n->last_repeat.seq, u->list[i].stream});
		}
		ens_out_number(out, 0);
		ens_out_number(out, u->list[i].credit); /* when values are forgotten is part of what comes next */
	}
}

static bool load_node(struct ens_unique *u, uint32_t list, struct ens_state_in *in)
{
	struct node n = {.list = list};
	uint32_t i;

	ens_in_hash(in, n.hash);
	n.time_us = ens_in_time(in);
	n.before_us = ens_in_time(in);

	const struct ens_entry_id id = ens_in_id(in, u->t), last_repeat = ens_in_id(in, u->t);

	n.id = (struct id){id.ms, id.seq};
	n.last_repeat = (struct id){last_repeat.ms, last_repeat.seq};
	if (ens_in_ok(in) && (id.stream != u->list[list].stream || last_repeat.stream != id.stream))
		return ens_in_refuse(in, "a `unique` value is of another stream");
	if (ens_in_ok(in) && u->held >= u->max)
		return ens_in_refuse(in, "there are more `unique` values than are ever remembered");
	if (!ens_in_ok(in))
		return false;
	i = new_node(u, list);
	if (i == NONE)
		return ens_in_no_memory(in);
	u->node[i] = n;
	add(u, i);
	return true;
}

bool ens_unique_load(struct ens_unique *u, struct ens_state_in *in)
{
	for (uint32_t i = 0; u && i < u->nlist; i++) {
		while (ens_in_upto(in, 1, "a list of `unique` values neither goes on nor ends"))
			if (!load_node(u, i, in))
				return false;
		u->list[i].credit = ens_in_upto(in, u->max, "`unique` values have waited too long to be forgotten");
	}
	return ens_in_ok(in);
}

uint64_t ens_unique_forgotten(const struct ens_unique *u)
{
	return u ? u->forgotten : 0;
}

uint32_t ens_unique_held(const struct ens_unique *u)
{
	return u ? u->held : 0;
}
