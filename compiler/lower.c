/*
 * Lowering: from a checked pattern to its graph.
 *
 * Idea: Glushkov's position automaton (V. M. Glushkov, The abstract theory of automata, 1961), one state for each step
 * as written, with counters for repetitions, so `{1,100000}` costs what `{1,2}` costs.  The entries of a state are
 * found by walking: up the tree from the step to whatever may follow it, and down into what may begin there.  The walk
 * visits the alternatives in the order of semantics.md section 4, so the order of entries is the order of trying.
 * On the way it gathers what an entry needs: counter checks and exit guards where a repetition is left, counter
 * settings where one is entered, absences that stand on the way.
 *
 * Guarantee: at most ENS_ENTRIES_MAX entries a state, or a message.  Cost: linear in the entries made.
 * Tested by tests/lang/sema*.test (graph dumps) and, by its results, tests/conformance.
 */
#include "compiler/sema.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"

#define UNRESOLVED UINT32_MAX /* branch_end of an entry whose branch is still being built */
#define NO_COUNTER UINT32_MAX

/* The pattern tree with the links that the walk needs. */
struct node {
	const struct ens_pat *pat;
	struct node *up;
	struct node **kid;
	uint32_t nkid;
	uint32_t place;        /* among its parent's items */
	uint32_t rounds;       /* counter of its repetition, or NO_COUNTER: nobody has to count */
	uint32_t mask;         /* AND: counter whose bits are the parts taken */
	uint32_t state;        /* STEP */
	uint32_t min, max;     /* of the repetition; min is 0 or 1 where a round may be empty */
	uint32_t owed;         /* rounds that are begun before it is left: they may be empty, but rather take, or pass absences; 0: none */
	bool skippable;        /* may be left out altogether */
};

/* What has been passed on the way from one event to the next. */
struct path {
	struct ens_g_op *guards, *actions;
	struct ens_g_op *clears; /* the rounds begun, also those that were passed without an event */
	struct ens_g_absence *absences;
	uint32_t nabsence;
	const struct node *again; /* the repetition that goes round again: its inner contiguity is the arrow of its first step */
	bool empty;            /* an optional group was entered, and nothing of it taken */
	bool from_start;       /* there is no event before: nothing limits or watches the way */
};

struct lowering {
	struct ens_arena *arena;
	struct ens_diag *diag;
	struct ens_graph *graph;
	struct node *root;
	struct ens_g_entry *entry; /* list under construction */
	uint32_t nentry, cap;
	uint32_t depth, forks;
	uint32_t load;             /* checks, settings and absences of all entries so far */
	bool last;                 /* `match last`, which asks for complete rounds up to the least number of each repetition */
	bool too_many, overloaded, nomem;
};

struct beginning;
static void begin(struct lowering *w, struct node *n, struct path p, const struct node *joint);
static void begin_item(struct lowering *w, struct node *s, uint32_t i, struct path p, const struct beginning *b);
static void follow(struct lowering *w, struct node *n, struct path p);
static void follow_up(struct lowering *w, struct node *n, struct path p);

/* ---- tree ------------------------------------------------------------------------------------------------------- */

static bool body_skippable(const struct node *n)
{
	bool all = true, any = false;

	if (n->pat->kind == ENS_P_STEP || n->pat->kind == ENS_P_AND)
		return false;
	for (uint32_t i = 0; i < n->nkid; i++) {
		if (n->kid[i]->pat->kind == ENS_P_NOT)
			continue;
		all &= n->kid[i]->skippable;
		any |= n->kid[i]->skippable;
	}
	return n->pat->kind == ENS_P_ALT ? any : all;
}

/* Of what may all be left out: is there something that is rather taken? */
static bool prefers_taking(const struct node *n)
{
	for (uint32_t i = 0; i < n->nkid; i++)
		if (n->kid[i]->pat->kind != ENS_P_NOT && (n->kid[i]->pat->greedy || prefers_taking(n->kid[i])))
			return true;
	return false;
}

/* Does leaving all of it out pass an absence? */
static bool passes_not(const struct node *n)
{
	if (n->pat->kind != ENS_P_SEQ || !body_skippable(n))
		return false;
	for (uint32_t i = 0; i < n->nkid; i++)
		if (n->kid[i]->pat->kind == ENS_P_NOT || passes_not(n->kid[i]))
			return true;
	return false;
}

static struct node *plant(struct lowering *w, const struct ens_pat *pat, struct node *up, uint32_t place)
{
	struct node *n = ens_arena_zalloc(w->arena, sizeof *n);

	if (!n)
		return NULL;
	n->pat = pat;
	n->up = up;
	n->place = place;
	n->rounds = n->mask = NO_COUNTER;
	if (pat->kind == ENS_P_NOT)
		return n;
	n->nkid = pat->nitem;
	n->kid = ens_arena_zalloc(w->arena, (pat->nitem + 1) * sizeof(struct node *));
	if (!n->kid)
		return NULL;
	for (uint32_t i = 0; i < pat->nitem; i++)
		if (!(n->kid[i] = plant(w, pat->item[i], n, i)))
			return NULL;
	n->min = pat->sema->min;
	n->max = pat->sema->max;
	if (body_skippable(n)) { /* empty rounds can make up any number that is missing */
		n->skippable = true;
		if (n->min > 1 && pat->kind == ENS_P_SEQ && (prefers_taking(n) || passes_not(n)))
			n->owed = n->min;
		n->min = n->min ? 1 : 0;
	}
	n->skippable |= n->min == 0;
	if (n->min > 1 || n->owed || (n->max != UINT32_MAX && n->max > 1) || (w->last && n->min > 0 && n->max > 1))
		n->rounds = w->graph->ncounter++;
	if (pat->kind == ENS_P_AND)
		n->mask = w->graph->ncounter++;
	if (pat->kind == ENS_P_STEP) {
		n->state = pat->sema->step;
		assert(n->state > 0);
		if (n->state >= w->graph->nstate)
			w->graph->nstate = n->state + 1;
	}
	return n;
}

/* The node whose arrow and limits lead into n: n itself, or the group that begins with it.  NULL: n begins the pattern. */
static const struct node *leading(const struct node *n)
{
	while (n && n->pat->arrow == ENS_ARROW_NONE)
		n = n->up;
	return n;
}

/* ---- gathering -------------------------------------------------------------------------------------------------- */

/* n more are written down: entries share nothing. */
static void bear(struct lowering *w, uint32_t n)
{
	w->load += n;
	if (w->load > ENS_WAY_OPS_MAX)
		w->overloaded = w->too_many = true;
}

static struct ens_g_op *op_append(struct lowering *w, struct ens_g_op *list, struct ens_g_op what)
{
	/* Paths branch and share their beginnings, so the list is copied, not extended. */
	struct ens_g_op *head = NULL, **end = &head;

	for (const struct ens_g_op *o = list;; o = o->next) {
		struct ens_g_op *copy = ens_arena_alloc(w->arena, sizeof *copy);

		if (!copy) {
			w->nomem = true;
			return list;
		}
		*copy = o ? *o : what;
		copy->next = NULL;
		bear(w, 1);
		*end = copy;
		end = &copy->next;
		if (!o)
			return head;
	}
}

static void watch(struct lowering *w, struct path *p, const struct ens_pat *not)
{
	enum ens_t_absence_kind kind = not->for_dur ? ENS_T_TIMED
				       : not->arrow == ENS_ARROW_NEXT ? ENS_T_VERY_NEXT : ENS_T_UNTIL_NEXT;

	for (const struct ens_ref *r = not->ref; r; r = r->next) {
		struct ens_g_absence *a = ens_arena_zalloc(w->arena, sizeof *a);

		if (!a) {
			w->nomem = true;
			return;
		}
		*a = (struct ens_g_absence){.kind = kind, .ref = r, .for_dur = not->for_dur,
					    .new_round = p->clears != NULL, .next = p->absences};
		p->absences = a;
		p->nabsence++;
	}
}

static struct path leave(struct lowering *w, const struct node *n, struct path p, bool taken)
{
	if (taken && n->rounds != NO_COUNTER && (n->min > 1 || (w->last && n->min > 0)))
		p.guards = op_append(w, p.guards,
				     (struct ens_g_op){.kind = ENS_T_AT_LEAST, .counter = n->rounds, .loop = n->pat,
						       .n = n->min});
	for (const struct ens_g_guard *g = n->pat->sema->exit_guards; g; g = g->next)
		p.guards = op_append(w, p.guards, (struct ens_g_op){.kind = ENS_T_HOLDS, .expr = g->expr});
	return p;
}

/* A round of n begins: the names in a repeated group mean events of this round. */
static struct path new_round(struct lowering *w, const struct node *n, struct path p)
{
	if (n->pat->kind != ENS_P_STEP && n->max > 1) {
		const struct ens_g_op clear = {.kind = ENS_T_CLEAR, .loop = n->pat};

		p.actions = op_append(w, p.actions, clear);
		p.clears = op_append(w, p.clears, clear);
	}
	return p;
}

/* The first round of n begins. */
static struct path entered(struct lowering *w, const struct node *n, struct path p)
{
	if (n->rounds != NO_COUNTER)
		p.actions = op_append(w, p.actions, (struct ens_g_op){.kind = ENS_T_SET, .counter = n->rounds,
								      .loop = n->pat, .n = 1});
	return new_round(w, n, p);
}

static struct ens_g_entry *push_entry(struct lowering *w, enum ens_t_entry_kind kind)
{
	if (w->nentry == ENS_ENTRIES_MAX)
		w->too_many = true;
	if (w->too_many || w->nomem)
		return NULL;
	if (!ens_arena_grow(w->arena, &w->entry, w->nentry, &w->cap, sizeof *w->entry)) {
		w->nomem = true;
		return NULL;
	}
	struct ens_g_entry *e = &w->entry[w->nentry++];

	*e = (struct ens_g_entry){.kind = kind, .branch_end = UNRESOLVED};
	return e;
}

static void resolve(struct lowering *w, uint32_t from, uint32_t end)
{
	for (uint32_t i = from; i < w->nentry; i++)
		if (w->entry[i].branch_end == UNRESOLVED)
			w->entry[i].branch_end = end;
}

/* The entries from `from` up to `mid` take the step of a greedy repetition; those made since leave it. */
static void left_by(struct lowering *w, uint32_t from, uint32_t mid)
{
	for (uint32_t i = from; i < mid && mid < w->nentry; i++)
		if (w->entry[i].kind == ENS_T_TAKE)
			w->entry[i].leave_end = w->nentry;
}

/* ---- the walk --------------------------------------------------------------------------------------------------- */

static enum ens_t_arrow arrow_of(enum ens_arrow a)
{
	return a == ENS_ARROW_NEXT ? ENS_T_NEXT : a == ENS_ARROW_ANY ? ENS_T_ANY : ENS_T_FOLLOWED;
}

/* An absence behind where a round begins looks at a round without events: so must the entry's actions leave it, also where
 * the round was passed. */
static void look_behind(struct lowering *w, struct ens_g_entry *e, struct path p)
{
	const struct ens_g_absence *a = e->absences;

	while (a && !a->new_round)
		a = a->next;
	for (const struct ens_g_op *c = a ? p.clears : NULL; c; c = c->next) {
		const struct ens_g_op *o = e->actions;

		while (o && (o->kind != ENS_T_CLEAR || o->loop != c->loop))
			o = o->next;
		if (!o)
			e->actions = op_append(w, e->actions, *c);
	}
}

/* An entry that takes the step n.  `joint`: the node whose arrow leads there; where it is the repetition that goes round
 * again, its inner contiguity counts.  An arrow into the very first event joins nothing, but `->>` still leaves the other
 * ways to begin open. */
static void take(struct lowering *w, struct node *n, struct path p, const struct node *joint, bool again)
{
	const struct ens_pat *of = ens_pat_repetition(n->pat);
	struct ens_g_entry *e = push_entry(w, ENS_T_TAKE);

	if (!e)
		return;
	e->target = n->state;
	e->arrow = ENS_T_FOLLOWED;
	e->flags = (of->greedy ? ENS_T_GREEDY : 0u) | (again || (p.again && p.again->pat == of) ? ENS_T_AGAIN : 0u) |
		   (p.empty ? ENS_T_EMPTY : 0u);
	e->guards = p.guards;
	e->actions = p.actions;

	const struct node *in = joint ? leading(joint) : NULL;

	if (in)
		e->arrow = arrow_of(in->pat->arrow);
	if (joint && joint == p.again && joint->pat->inner != ENS_ARROW_NONE)
		e->arrow = arrow_of(joint->pat->inner);
	if (p.from_start)
		return;
	e->absences = p.absences;
	bear(w, p.nabsence);
	look_behind(w, e, p);
	if (in) {
		e->after = in->pat->after;
		e->within = in->pat->within;
	}
}

/* A sequence that is being begun: it has taken nothing yet. */
struct beginning {
	const struct node *joint;        /* whose arrow leads into its first step */
	const struct beginning *outer;   /* of the sequence it stands in, if that is being begun too */
	bool may_be_empty;               /* passing all of it by is a way to go on behind it, which is not to enter it: */
	struct ens_g_op *actions;        /* what was done up to it */
	const struct path *left;         /* a further round that may be empty: the way on if it is */
};

/* What may be next from item i of the sequence s on.  `b`: s is being begun (else NULL: it has taken something).  A step
 * behind left-out ones keeps its own arrow. */
static void begin_from(struct lowering *w, struct node *s, uint32_t i, struct path p, const struct beginning *b)
{
	if (++w->depth > 4 * ENS_ENTRIES_MAX)
		w->too_many = true;
	while (i < s->nkid && s->kid[i]->pat->kind == ENS_P_NOT) {
		watch(w, &p, s->kid[i]->pat);
		i++;
	}
	if (w->too_many || w->nomem) {
		/* told once, by the caller of the walk */
	} else if (i < s->nkid) {
		begin_item(w, s, i, p, b);
	} else if (!b) {
		follow(w, s, p);
	} else if (b->left) {
		struct path left = *b->left;

		left.absences = p.absences; /* those of the empty round are passed, too */
		left.nabsence = p.nabsence;
		left.clears = p.clears;
		left.empty |= p.empty;
		follow_up(w, s, left);
	} else if (b->may_be_empty) {
		struct path by = leave(w, s, p, false);

		by.actions = b->actions;
		by.empty |= s->min == 0;
		begin_from(w, s->up, s->place + 1, by, b->outer);
	}
	w->depth--;
}

/* Item i and, where it may be left out, what follows it: first that, then the item; greedy: the other way round.  A group
 * that is not optional itself but made of what may be left out: its items have the say.  So they have in one that is
 * optional, where absences stand among them: to take it without events is not the same as to leave it out. */
static void begin_item(struct lowering *w, struct node *s, uint32_t i, struct path p, const struct beginning *b)
{
	struct node *k = s->kid[i];
	const struct node *joint = k->pat->arrow == ENS_ARROW_NONE && b ? b->joint : k;

	if (k->skippable && k->pat->kind == ENS_P_SEQ && (k->min > 0 || passes_not(k))) {
		const struct beginning inner = {.joint = joint, .outer = b, .may_be_empty = true, .actions = p.actions};

		if (k->min == 0)
			begin_from(w, s, i + 1, leave(w, k, p, false), b);
		begin_from(w, k, 0, entered(w, k, p), &inner);
		return;
	}
	if (k->skippable && !k->pat->greedy)
		begin_from(w, s, i + 1, leave(w, k, p, false), b);
	uint32_t from = w->nentry, mid;

	begin(w, k, p, joint);
	mid = w->nentry;
	if (k->skippable && k->pat->greedy) {
		begin_from(w, s, i + 1, leave(w, k, p, false), b);
		left_by(w, from, mid);
	}
}

static void begin_fork(struct lowering *w, struct node *n, struct path p, const struct node *joint)
{
	push_entry(w, ENS_T_FORK);
	if (++w->forks > ENS_FORK_DEPTH_MAX)
		w->too_many = true;
	for (uint32_t i = 0; i < n->nkid && !w->too_many; i++) {
		uint32_t from = w->nentry;

		begin(w, n->kid[i], p, joint);
		resolve(w, from, w->nentry);
	}
	w->forks--;
	push_entry(w, ENS_T_FORK_END);
}

/* The ways to take the first event of one round of n. */
static void round_of(struct lowering *w, struct node *n, struct path p, const struct node *joint, bool again)
{
	const struct beginning b = {.joint = joint};

	switch (n->pat->kind) {
	case ENS_P_STEP:
		take(w, n, p, joint, again);
		break;
	case ENS_P_SEQ:
		begin_from(w, n, 0, p, &b);
		break;
	case ENS_P_ALT:
		begin_fork(w, n, p, joint);
		break;
	case ENS_P_AND:
		if (n->nkid > ENS_UNORDERED_MAX)
			w->too_many = true;
		for (uint32_t i = 0; i < n->nkid && !w->too_many; i++) {
			struct path q = p;

			q.actions = op_append(w, q.actions,
					      (struct ens_g_op){.kind = ENS_T_SET, .counter = n->mask, .loop = n->pat,
								.mask = true, .n = 1u << i});
			begin(w, n->kid[i], q, joint);
		}
		break;
	case ENS_P_NOT:
		assert(false && "a not is no way to begin");
	}
}

static void begin(struct lowering *w, struct node *n, struct path p, const struct node *joint)
{
	round_of(w, n, entered(w, n, p), joint, false);
}

/* Up to how many rounds of a repetition are counted: beyond that nobody asks.  A round that has begun is one more than the
 * complete ones. */
static uint32_t rounds_told(const struct lowering *w, const struct node *n)
{
	if (n->max != UINT32_MAX)
		return n->max;
	return w->last ? n->pat->sema->min + 1 : n->owed ? n->owed : n->min;
}

/* Counts one more round of n, up to `told`. */
static struct ens_g_op *count_round(struct lowering *w, const struct node *n, struct ens_g_op *actions, uint32_t told)
{
	return op_append(w, actions,
			 (struct ens_g_op){.kind = ENS_T_ADD, .counter = n->rounds, .loop = n->pat, .n = told,
					   .least = w->last ? n->pat->sema->min : 0});
}

/* One more round of a repetition: joined by its inner contiguity, and by the limits of the arrow that led into it. */
static void again(struct lowering *w, struct node *n, struct path p)
{
	if (n->max <= 1)
		return;
	if (n->rounds != NO_COUNTER) {
		if (n->max != UINT32_MAX)
			p.guards = op_append(w, p.guards,
					     (struct ens_g_op){.kind = ENS_T_BELOW, .counter = n->rounds, .loop = n->pat,
							       .n = n->max});
		p.actions = count_round(w, n, p.actions, rounds_told(w, n));
	}
	p.again = n;
	round_of(w, n, new_round(w, n, p), n, true);
}

/* A round that is owed: what it rather takes comes before leaving the repetition, which is to pass the round by. */
static void owed_round(struct lowering *w, struct node *n, struct path p)
{
	const struct path left = leave(w, n, p, true);
	const struct beginning b = {.joint = n, .left = &left};

	p.actions = count_round(w, n, p.actions, n->owed);
	p.again = n;
	begin_from(w, n, 0, new_round(w, n, p), &b);
}

static void follow_up(struct lowering *w, struct node *n, struct path p)
{
	struct node *up = n->up;

	if (!up) {
		struct ens_g_entry *e = push_entry(w, ENS_T_ACCEPT);

		if (!e)
			return;
		e->guards = p.guards;
		bear(w, p.nabsence);
		for (struct ens_g_absence *a = p.absences; a; a = a->next) {
			struct ens_g_absence *copy = ens_arena_alloc(w->arena, sizeof *copy);

			if (!copy) {
				w->nomem = true;
				return;
			}
			*copy = *a; /* nothing follows it: an untimed absence lasts until the scope ends */
			if (copy->kind == ENS_T_UNTIL_NEXT)
				copy->kind = ENS_T_SCOPE;
			copy->next = e->absences;
			e->absences = copy;
		}
		look_behind(w, e, p);
		return;
	}
	switch (up->pat->kind) {
	case ENS_P_SEQ:
		begin_from(w, up, n->place + 1, p, NULL);
		break;
	case ENS_P_ALT:
		follow(w, up, p);
		break;
	case ENS_P_AND:
		for (uint32_t i = 0; i < up->nkid; i++) {
			struct path q = p;

			if (i == n->place)
				continue;
			q.guards = op_append(w, q.guards,
					     (struct ens_g_op){.kind = ENS_T_LACKS, .counter = up->mask, .loop = up->pat,
								.mask = true, .n = 1u << i});
			q.actions = op_append(w, q.actions,
					      (struct ens_g_op){.kind = ENS_T_MARK, .counter = up->mask, .loop = up->pat,
								.mask = true, .n = 1u << i});
			begin(w, up->kid[i], q, up);
		}
		p.guards = op_append(w, p.guards, (struct ens_g_op){.kind = ENS_T_AT_LEAST, .counter = up->mask,
								    .loop = up->pat, .mask = true,
								    .n = (1u << up->nkid) - 1});
		follow(w, up, p);
		break;
	case ENS_P_STEP:
	case ENS_P_NOT:
		assert(false && "steps have no items");
	}
}

/* A round of n is over: leave it for what follows, or go round again; greedy: the other way round. */
static void follow(struct lowering *w, struct node *n, struct path p)
{
	if (++w->depth > 4 * ENS_ENTRIES_MAX)
		w->too_many = true;
	if (!w->too_many && !w->nomem) {
		if (n->owed) {
			struct path q = p;

			q.guards = op_append(w, q.guards,
					     (struct ens_g_op){.kind = ENS_T_BELOW, .counter = n->rounds, .loop = n->pat, .n = n->owed});
			owed_round(w, n, q);
			p.guards = op_append(w, p.guards,
					     (struct ens_g_op){.kind = ENS_T_AT_LEAST, .counter = n->rounds, .loop = n->pat, .n = n->owed});
		}
		uint32_t from = w->nentry, mid;

		if (n->pat->greedy)
			again(w, n, p);
		mid = w->nentry;
		follow_up(w, n, leave(w, n, p, true));
		if (n->pat->greedy)
			left_by(w, from, mid);
		else
			again(w, n, p);
	}
	w->depth--;
}

/* ---- states ----------------------------------------------------------------------------------------------------- */

static void finish_state(struct lowering *w, uint32_t state, const struct ens_pat *step)
{
	struct ens_g_state *s = &w->graph->state[state];

	resolve(w, 0, w->nentry);
	s->step = step;
	s->entry = w->entry;
	s->nentry = w->nentry;
	w->entry = NULL;
	w->nentry = w->cap = 0;
}

static void lower_steps(struct lowering *w, struct node *n)
{
	if (n->pat->kind == ENS_P_STEP) {
		follow(w, n, (struct path){0});
		finish_state(w, n->state, n->pat);
	}
	for (uint32_t i = 0; i < n->nkid && !w->too_many; i++)
		lower_steps(w, n->kid[i]);
}

/* Absences before the first step are the rule's, not an entry's: they are watched before there is a partial match. */
static void gather_leads(struct lowering *w, const struct node *root)
{
	struct path p = {0};

	if (root->pat->kind != ENS_P_SEQ)
		return;
	for (uint32_t i = 0; i < root->nkid && root->kid[i]->pat->kind == ENS_P_NOT; i++)
		watch(w, &p, root->kid[i]->pat);
	for (struct ens_g_absence *a = p.absences; a; a = a->next)
		if (a->kind == ENS_T_UNTIL_NEXT)
			a->kind = ENS_T_SCOPE;
	w->graph->leads = p.absences;
}

static enum ens_status refuse(const struct lowering *w, const struct ens_decl *rule, const struct ens_pat *pattern)
{
	struct ens_message *m;

	if (w->overloaded) {
		m = ens_diag_add(w->diag, ENS_E_TOO_MANY_WAYS, pattern->at,
				 "the ways from step to step in the pattern of rule `%s` pass more than %d absences and repetitions",
				 rule->name.name, ENS_WAY_OPS_MAX);
		ens_diag_remedy(w->diag, m, "split the rule, or have fewer steps that may be left out beside them");
	} else {
		m = ens_diag_add(w->diag, ENS_E_TOO_MANY_WAYS, pattern->at,
				 "the pattern of rule `%s` has more than %d ways to go on from one step", rule->name.name,
				 ENS_ENTRIES_MAX);
		ens_diag_remedy(w->diag, m, "split the rule, or give one step a condition that covers several");
	}
	return ENS_ERULES;
}

/* A window has its inputs as states, and no ways from one to another. */
static enum ens_status lower_window(struct ens_arena *arena, const struct ens_rule_sema *r, struct ens_graph *out)
{
	*out = (struct ens_graph){.nstate = r->nstep + 1};
	out->state = ens_arena_zalloc(arena, out->nstate * sizeof *out->state);
	if (!out->state)
		return ENS_ENOMEM;
	for (uint32_t i = 1; i <= r->nstep; i++)
		out->state[i].step = r->step[i];
	return ENS_OK;
}

enum ens_status ens_lower(struct ens_arena *arena, struct ens_diag *diag, const struct ens_decl *rule,
			  const struct ens_pat *pattern, struct ens_graph *out)
{
	struct lowering w = {.arena = arena, .diag = diag, .graph = out};

	if (rule->sema->rule->over)
		return lower_window(arena, rule->sema->rule, out);
	w.last = rule->sema->rule->match->select == ENS_SELECT_LAST;
	*out = (struct ens_graph){.nstate = 1};
	w.root = plant(&w, pattern, NULL, 0);
	if (!w.root)
		return ENS_ENOMEM;
	if (w.root->skippable) {
		struct ens_message *m = ens_diag_add(diag, ENS_E_EMPTY_MATCH, pattern->at,
						     "the pattern of rule `%s` can be complete without any event",
						     rule->name.name);

		ens_diag_remedy(diag, m, "let it need one: say `+` for `*`, or leave the `?` of a step out");
		return ENS_ERULES;
	}
	out->state = ens_arena_zalloc(arena, out->nstate * sizeof *out->state);
	if (!out->state)
		return ENS_ENOMEM;
	gather_leads(&w, w.root);
	begin(&w, w.root, (struct path){.from_start = true}, NULL);
	finish_state(&w, 0, NULL);
	lower_steps(&w, w.root);
	if (w.too_many)
		return refuse(&w, rule, pattern);
	return w.nomem ? ENS_ENOMEM : ENS_OK;
}
