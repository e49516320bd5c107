/*
 * Steps that are never taken and repetitions that never go on, because something else takes the event before them.
 *
 * Outside `match all` the entries of a state are tried in order and the first that takes the event is followed.  So
 * an entry is in the shadow of one before it that takes every event that it would take: one without limits, absences
 * and guards of its own, of the same type, whose conditions follow from the other's (facts.h).  A pattern that is
 * complete puts everything behind it into the shadow.  What is reached only by entries in the shadow is never taken.
 * Of two branches of `|` that take the same event both are gone into, and of what completes the left one is reported.
 * Cost: a bounded number of comparisons a step.  Tested by tests/lang/check_branches.test.
 */
#include "compiler/check.h"

#include <assert.h>

#include "base/limits.h"

#define BEFORE_MAX 16u /* entries that are kept in mind as those before */
#define PAIRS_MIN 256u /* comparisons of conditions: these, and so many more a step */
#define PAIRS_PER_STEP 4u

enum shade { LIGHT, ROUND_SHADOW, SHADOW };

/* A repetition and whether it ever goes round again. */
struct loop {
	const struct ens_pat *pat;
	const struct ens_pat *by; /* what takes the event instead; NULL: the pattern is complete */
	bool again, shadowed;
};

struct shadows {
	struct ens_check *c;
	const struct ens_rule_sema *r;
	const struct ens_graph *g;
	uint32_t pairs;
	uint8_t **shade;            /* by state, entry: enum shade */
	const struct ens_pat ***by; /* and who throws it; NULL: the pattern is complete */
	bool *reached;              /* by state */
	bool *named;                /* by step: a condition speaks of it; NULL: not looked at yet */
};

/* ---- does one step take all that another does? ------------------------------------------------------------------ */

static bool follows(struct ens_facts *f, const struct ens_expr *e)
{
	return !e || ens_facts_imply(f, e);
}

/* Every event that `narrow` takes, at any point of a match, `wide` would take as well. */
static bool takes_all_of(struct shadows *w, const struct ens_pat *wide, const struct ens_pat *narrow)
{
	struct ens_facts *f = &w->c->facts;

	if (wide->ref->sema->type != narrow->ref->sema->type || ens_pat_repetition(wide)->until || !w->pairs)
		return false;
	w->pairs--;
	ens_check_gather(w->c, f, w->r, narrow->ref, narrow);
	ens_facts_settle(f);
	if (f->clash) /* told */
		return false;
	for (const struct ens_decl *d = wide->ref->sema->decl; d && d->kind == ENS_D_FILTER; d = d->sema->base)
		if (d->ref && !follows(f, d->ref->cond))
			return false;
	if (!follows(f, wide->ref->cond))
		return false;
	for (const struct ens_cond *c = wide->sema->conds; c; c = c->next)
		if (c->nother || !follows(f, c->expr))
			return false;
	return true;
}

/* ---- shadows ---------------------------------------------------------------------------------------------------- */

/* Its only guard, if that is a count of rounds; NULL also without guards. */
static const struct ens_pat *counted(const struct ens_g_entry *e)
{
	const struct ens_g_op *o = e->guards;

	return o && !o->next && o->kind == ENS_T_AT_LEAST && !o->mask ? o->loop : NULL;
}

/* May it throw a shadow?  Only if nothing but its step's conditions decides, or the count of a repetition's rounds. */
static bool throws(const struct ens_g_entry *e)
{
	if (e->absences || e->after || e->within || (e->guards && !counted(e)))
		return false;
	return e->kind == ENS_T_ACCEPT || (e->kind == ENS_T_TAKE && e->arrow != ENS_T_ANY);
}

/* The repetition that the entry goes round again, from the state of `from`; NULL: it does not. */
static const struct ens_pat *round_again(const struct shadows *w, const struct ens_pat *from,
					 const struct ens_g_entry *e)
{
	if (!from || e->kind != ENS_T_TAKE)
		return NULL;
	if (e->flags & ENS_T_AGAIN)
		return ens_pat_repetition(w->g->state[e->target].step);
	for (const struct ens_g_op *o = e->actions; o; o = o->next)
		if (o->kind == ENS_T_CLEAR && ens_pat_contains(o->loop, from))
			return o->loop;
	return NULL;
}

static enum shade shadow_of(struct shadows *w, const struct ens_pat *from, const struct ens_g_entry *before,
			    const struct ens_g_entry *e)
{
	const struct ens_pat *count = counted(before);

	if (count && count != round_again(w, from, e))
		return LIGHT;
	if (before->kind == ENS_T_TAKE &&
	    ((before->arrow == ENS_T_NEXT && e->arrow != ENS_T_NEXT) ||
	     !takes_all_of(w, w->g->state[before->target].step, w->g->state[e->target].step)))
		return LIGHT;
	return count ? ROUND_SHADOW : SHADOW;
}

/* The entries of one state that those behind them may be in the shadow of. */
struct before {
	uint32_t entry[BEFORE_MAX];
	bool hidden[BEFORE_MAX]; /* stands in another branch of a fork that is still open */
	uint32_t n;
	uint32_t fork[ENS_FORK_DEPTH_MAX], branch_end[ENS_FORK_DEPTH_MAX], depth;
};

static void hide_from(struct before *b, uint32_t from, bool hidden)
{
	for (uint32_t i = from; i < b->n; i++)
		b->hidden[i] = hidden;
}

static void pass(struct before *b, const struct ens_g_state *s, uint32_t i)
{
	const struct ens_g_entry *e = &s->entry[i];

	if (e->kind == ENS_T_FORK_END) {
		if (b->depth)
			hide_from(b, b->fork[--b->depth], false);
		return;
	}
	if (b->depth && i >= b->branch_end[b->depth - 1]) {
		hide_from(b, b->fork[b->depth - 1], true);
		b->branch_end[b->depth - 1] = e->branch_end;
	}
	if (e->kind == ENS_T_FORK && b->depth < ENS_FORK_DEPTH_MAX) {
		b->fork[b->depth] = b->n;
		b->branch_end[b->depth++] = 0;
	}
}

static void shade_state(struct shadows *w, const struct ens_g_state *s, uint8_t *shade, const struct ens_pat **by)
{
	struct before b = {.n = 0};

	for (uint32_t i = 0; i < s->nentry; i++) {
		const struct ens_g_entry *e = &s->entry[i];

		pass(&b, s, i);
		for (uint32_t k = 0; k < b.n && e->kind == ENS_T_TAKE && shade[i] != SHADOW; k++) {
			const struct ens_g_entry *before = &s->entry[b.entry[k]];
			enum shade one = b.hidden[k] ? LIGHT : shadow_of(w, s->step, before, e);

			if (one <= shade[i])
				continue;
			shade[i] = (uint8_t)one;
			by[i] = before->kind == ENS_T_TAKE ? w->g->state[before->target].step : NULL;
		}
		/* Behind others a complete pattern waits for them. */
		if (b.n < BEFORE_MAX && throws(e) &&
		    (e->kind == ENS_T_TAKE || (i == 0 && w->r->match->select == ENS_SELECT_ONE))) {
			b.hidden[b.n] = false;
			b.entry[b.n++] = i;
		}
	}
}

/* The states that can be reached, from the start on. */
static void reach(struct shadows *w, uint32_t *todo)
{
	uint32_t n = 0;

	todo[n++] = 0;
	w->reached[0] = true;
	while (n > 0) {
		const uint32_t at = todo[--n];
		const struct ens_g_state *s = &w->g->state[at];

		for (uint32_t i = 0; i < s->nentry; i++) {
			const uint32_t target = s->entry[i].target;

			if (s->entry[i].kind != ENS_T_TAKE || w->shade[at][i] == SHADOW || w->reached[target])
				continue;
			w->reached[target] = true;
			todo[n++] = target;
		}
	}
}

/* ---- saying it -------------------------------------------------------------------------------------------------- */

static void say_never_taken(struct shadows *w, const struct ens_pat *step, const struct ens_pat *by)
{
	struct ens_diag *diag = w->c->s->diag;
	bool greedy = by && ens_pat_repetition(by)->greedy;
	struct ens_message *m = ens_diag_add(
		diag, ENS_W_NEVER_TAKEN, step->at, "this step is never taken: %s",
		!by      ? "the pattern is complete before it"
		: greedy ? "the greedy repetition before it takes every event that it would take, and goes on for ever"
			 : "another step takes every event that it would take, and is tried first");

	if (by)
		ens_diag_second(diag, m, by->at, greedy ? "the repetition" : "the other step");
	ens_diag_remedy(diag, m, "%s",
			!by      ? "what may be left out is left as soon as possible: leave it out, or say `greedy`"
			: greedy ? "give the repetition a maximum or `until`, or leave `greedy` out"
				 : "what may be left out is left as soon as possible: give it a condition that the "
				   "other has not, or say `greedy`");
}

static void say_never_repeats(struct shadows *w, const struct loop *l)
{
	struct ens_diag *diag = w->c->s->diag;
	const uint32_t least = l->pat->sema->min > 1 ? l->pat->sema->min : 1;
	struct ens_message *m = ens_diag_add(diag, ENS_W_NEVER_REPEATS, l->pat->quant_at,
					     "this repetition never goes beyond %u: %s", least,
					     l->by ? "what follows takes each further event first"
						   : "then the pattern is complete, and `match` reports it at once");

	if (l->by)
		ens_diag_second(diag, m, l->by->at, "this takes it");
	ens_diag_remedy(
		diag, m, "%s",
		l->by ? "a repetition is left as soon as the next step can be taken: narrow that one, or say `greedy`"
		      : "say `greedy` to wait for the longest, or in `where` what is to hold at the end");
}

/* What goes round again, and what would. */
static void note_round(struct loop *loop, uint32_t *n, uint32_t max, const struct ens_pat *pat, enum shade shade,
		       const struct ens_pat *by)
{
	uint32_t i;

	for (i = 0; i < *n && loop[i].pat != pat; i++)
		;
	if (i == max)
		return;
	if (i == *n)
		loop[(*n)++] = (struct loop){.pat = pat};
	if (shade == LIGHT) {
		loop[i].again = true;
	} else {
		loop[i].shadowed = true;
		loop[i].by = by;
	}
}

static void report(struct shadows *w)
{
	struct loop *loop = ens_arena_alloc(&w->c->scratch, 64 * sizeof *loop);
	bool *told = ens_arena_zalloc(&w->c->scratch, w->g->nstate);
	uint32_t nloop = 0;

	for (uint32_t at = 0; loop && told && at < w->g->nstate; at++) {
		const struct ens_g_state *s = &w->g->state[at];

		for (uint32_t i = 0; i < s->nentry && w->reached[at]; i++) {
			const struct ens_g_entry *e = &s->entry[i];
			const struct ens_pat *again = round_again(w, s->step, e);

			if (e->kind != ENS_T_TAKE)
				continue;
			if (again)
				note_round(loop, &nloop, 64, again, w->shade[at][i], w->by[at][i]);
			if (w->shade[at][i] != SHADOW || w->reached[e->target] || told[e->target])
				continue;
			told[e->target] = true;
			say_never_taken(w, w->g->state[e->target].step, w->by[at][i]);
		}
	}
	for (uint32_t i = 0; loop && i < nloop; i++)
		if (loop[i].shadowed && !loop[i].again && loop[i].pat->sema->max > loop[i].pat->sema->min &&
		    loop[i].pat->sema->max > 1)
			say_never_repeats(w, &loop[i]);
}

void ens_check_shadows(struct ens_check *c, const struct ens_rule_sema *r, const struct ens_graph *g)
{
	struct shadows w = {.c = c, .r = r, .g = g, .pairs = PAIRS_MIN + PAIRS_PER_STEP * g->nstate};
	uint32_t *todo;

	if (r->match->select == ENS_SELECT_ALL || r->skip)
		return;
	ens_arena_reset(&c->scratch);
	w.shade = ens_arena_alloc(&c->scratch, g->nstate * sizeof(uint8_t *));
	w.by = ens_arena_alloc(&c->scratch, g->nstate * sizeof(const struct ens_pat **));
	w.reached = ens_arena_zalloc(&c->scratch, g->nstate);
	todo = ens_arena_alloc(&c->scratch, (g->nstate + 1) * sizeof *todo);
	if (!w.shade || !w.by || !w.reached || !todo)
		return;
	for (uint32_t i = 0; i < g->nstate; i++) {
		w.shade[i] = ens_arena_zalloc(&c->scratch, g->state[i].nentry + 1);
		w.by[i] = ens_arena_zalloc(&c->scratch, (g->state[i].nentry + 1) * sizeof(const struct ens_pat *));
		if (!w.shade[i] || !w.by[i])
			return;
		shade_state(&w, &g->state[i], w.shade[i], w.by[i]);
	}
	reach(&w, todo);
	report(&w);
}

/* ---- branches of `|` -------------------------------------------------------------------------------------------- */

static void note_named(struct shadows *w, const struct ens_expr *e)
{
	if (!e)
		return;
	if (e->sema && (e->sema->mean == ENS_MEAN_STEP || e->sema->mean == ENS_MEAN_AGGREGATE))
		for (uint32_t i = 0; i < e->sema->target.npat; i++)
			w->named[e->sema->target.pat[i]->sema->step] = true;
	for (uint32_t i = 0; i < e->narg; i++)
		note_named(w, e->arg[i]);
}

static void note_all_named(struct shadows *w, const struct ens_pat *p)
{
	note_named(w, p->after);
	note_named(w, p->within);
	note_named(w, p->for_dur);
	for (const struct ens_ref *ref = p->ref; ref; ref = ref->next)
		note_named(w, ref->cond);
	if (p->until)
		note_named(w, p->until->cond);
	for (const struct ens_cond *c = p->sema->conds; c; c = c->next)
		note_named(w, c->expr);
	for (const struct ens_g_guard *g = p->sema->exit_guards; g; g = g->next)
		note_named(w, g->expr);
	for (uint32_t i = 0; i < p->nitem; i++)
		note_all_named(w, p->item[i]);
}

/* Nothing later in the match depends on which of the two was taken. */
static bool interchangeable(struct shadows *w, const struct ens_pat *a, const struct ens_pat *b)
{
	if (a->sema->named == b->sema->named)
		return true;
	if (!w->named) {
		w->named = ens_arena_zalloc(&w->c->scratch, w->r->nstep + 1);
		if (!w->named)
			return false;
		note_all_named(w, w->r->pattern);
	}
	return !w->named[a->sema->step] && !w->named[b->sema->step];
}

static bool plain(const struct ens_pat *p)
{
	return p->kind == ENS_P_STEP && !p->quantified;
}

static void say_never_reported(struct shadows *w, const struct ens_pat *left, const struct ens_pat *right)
{
	struct ens_diag *diag = w->c->s->diag;
	struct ens_message *m =
		ens_diag_add(diag, ENS_W_NEVER_TAKEN, right->at,
			     "this branch is never reported: the one before it takes every event that it would take");

	ens_diag_second(diag, m, left->at, "of two branches that match the left one is reported");
	ens_diag_remedy(diag, m,
			takes_all_of(w, right, left) ? "leave one of them out" : "put the narrower condition first");
}

/* Of the branches that one takes the events of the first is told: moving that one mends all. */
static void compare_branches(struct shadows *w, const struct ens_pat *p)
{
	bool told[BEFORE_MAX] = {false};

	for (uint32_t i = 1; p->kind == ENS_P_ALT && i < p->nitem; i++)
		for (uint32_t k = 0; k < i && k < BEFORE_MAX; k++) {
			const struct ens_pat *left = p->item[k], *right = p->item[i];

			if (told[k] || !plain(left) || !plain(right) ||
			    left->ref->sema->type != right->ref->sema->type || !takes_all_of(w, left, right) ||
			    !interchangeable(w, left, right))
				continue;
			told[k] = true;
			say_never_reported(w, left, right);
			break;
		}
	for (uint32_t i = 0; i < p->nitem; i++)
		compare_branches(w, p->item[i]);
}

void ens_check_branches(struct ens_check *c, const struct ens_rule_sema *r)
{
	struct shadows w = {.c = c, .r = r, .pairs = PAIRS_MIN + PAIRS_PER_STEP * r->nstep};

	if (r->match->select == ENS_SELECT_ONE && !r->skip)
		compare_branches(&w, r->pattern);
}
