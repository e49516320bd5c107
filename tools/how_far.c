/*
 * What an inspector (runtime/inspect.h) saw, in words: steps and conditions as they were written, where rule text is there.
 *
 * Tested by tests/cli/test_verb.sh and tests/cli/summary.sh.
 */
#include "tools/how_far.h"

#include <string.h>

#include "base/text.h"
#include "compiler/code.h"

#define WAYS_MAX 6 /* that are told of one state */

void how_far_add_name(const struct how_far *h, struct ens_t_str name, struct ens_buf *b)
{
	ens_buf_addc(b, '`');
	ens_buf_add_visible(b, h->tables->bytes + name.off, name.len);
	ens_buf_addc(b, '`');
}

static const struct ens_t_state *state_of(const struct how_far *h, uint32_t state)
{
	return &h->tables->state[h->rule->states.first + state];
}

static const struct ens_pat *step_of(const struct how_far *h, uint32_t state)
{
	return h->written && state <= h->written->nstep ? h->written->step[state] : NULL;
}

/* "line 7", "line 7 (2026-...)", "9s" */
static void add_event(const struct how_far *h, const struct ens_entry_id *id, int64_t time_us, struct ens_buf *b)
{
	if (h->since_start) {
		ens_format_duration(b, time_us - h->start_us);
		return;
	}
	if (id->stream >= h->tables->nstream) { /* derived */
		ens_format_time(b, time_us);
		return;
	}
	ens_buf_addf(b, "line %llu", (unsigned long long)id->ms);
	if (h->with_times) {
		ens_buf_adds(b, " (");
		ens_format_time(b, time_us);
		ens_buf_addc(b, ')');
	}
}

static void add_time(const struct how_far *h, int64_t us, struct ens_buf *b)
{
	if (h->since_start)
		ens_format_duration(b, us - h->start_us);
	else
		ens_format_time(b, us);
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

/* "`hit: Login[ok]`" */
static void add_step(const struct how_far *h, uint32_t state, struct ens_buf *b)
{
	const struct ens_t_state *s = state_of(h, state);
	const struct ens_pat *step = step_of(h, state);

	if (!step) {
		how_far_add_name(h, s->label, b);
		return;
	}
	ens_buf_addc(b, '`');
	if (step->name.name)
		ens_buf_addf(b, "%s: ", step->name.name);
	ens_buf_adds(b, step->ref->type.name);
	if (step->ref->cond) {
		ens_buf_addc(b, '[');
		ens_expr_write(step->ref->cond, b);
		ens_buf_addc(b, ']');
	}
	ens_buf_addc(b, '`');
}

/* Are all parts of it judged with the match, or all without? */
static bool is_all(const struct ens_expr *e, bool of_match)
{
	if (e->kind == ENS_X_AND)
		return is_all(e->arg[0], of_match) && is_all(e->arg[1], of_match);
	return ens_reads_match(e) == of_match;
}

/* The parts of it that are judged with the match, or without; returns how many it names. */
static uint32_t add_condition(struct ens_buf *b, const struct ens_expr *e, bool of_match)
{
	if (!e)
		return 0;
	if (!is_all(e, of_match)) {
		if (e->kind != ENS_X_AND)
			return 0;

		const uint32_t n = add_condition(b, e->arg[0], of_match);

		return n + add_condition(b, e->arg[1], of_match);
	}
	ens_buf_adds(b, " `");
	ens_expr_write(e, b);
	ens_buf_addc(b, '`');
	return 1;
}

/* What does not hold: of the conditions that look at the event alone, or of those that look at the match. */
static void add_conditions(const struct how_far *h, uint32_t state, bool of_match, struct ens_buf *b)
{
	const struct ens_pat *step = step_of(h, state);
	struct ens_buf list = ENS_BUF_EMPTY;
	uint32_t n;

	if (!step) {
		ens_buf_adds(b, of_match ? "a condition that looks at the match does not hold"
					 : "its condition on the event does not hold");
		return;
	}
	n = add_condition(&list, step->ref->cond, of_match);
	for (const struct ens_cond *c = step->sema->conds; c; c = c->next)
		n += add_condition(&list, c->expr, of_match);
	if (!of_match && step->ref->sema->decl->kind == ENS_D_FILTER) {
		ens_buf_addf(&list, " the filter `%s`", step->ref->type.name);
		n++;
	}
	ens_buf_adds(b, n > 1 ? "these do not all hold:" : "this does not hold:");
	ens_buf_add(b, list.data, list.len);
	b->failed |= list.failed;
	ens_buf_free(&list);
}

static void add_why(const struct how_far *h, const struct ens_inspect_try *t, struct ens_buf *b)
{
	static const char *const words[ENS_NWHY] = {
		[ENS_WHY_MANY] = "the repetition has had its most",
		[ENS_WHY_GUARD] = "what `where` asks of the repetition before it does not hold",
		[ENS_WHY_EARLY] = "its `after` is not over",
		[ENS_WHY_LATE] = "the `within` of its arrow is over",
		[ENS_WHY_SCOPE] = "the rule's `within` is over",
		[ENS_WHY_NOT_NEXT] = "another event came between",
		[ENS_WHY_SILENCE] = "the time of the `not` before it is not over",
		[ENS_WHY_BROKEN] = "this event is one that a `not` before it forbids",
		[ENS_WHY_CLOSED] = "what came before has closed the way",
		[ENS_WHY_LEAD] = "what the `not` before it forbids had come, or was not watched for long enough",
		[ENS_WHY_USED] = "the match that it completes uses it up",
	};

	if (t->why == ENS_WHY_PREDICATE || t->why == ENS_WHY_CONDITION)
		add_conditions(h, t->state, t->why == ENS_WHY_CONDITION, b);
	else if (t->why == ENS_WHY_FEW)
		ens_buf_addf(b, "the repetition before it has %u of %u", t->has, t->needs);
	else if (t->why == ENS_WHY_BROKEN && !t->state)
		ens_buf_adds(b, "this event is one that the `not` at its end forbids");
	else
		ens_buf_adds(b, words[t->why]);
}

/* ---- the furthest ------------------------------------------------------------------------------------------------- */

/* " and took 4 fail, hit" */
static void add_taken(const struct how_far *h, const struct ens_inspection *f, struct ens_buf *b)
{
	ens_buf_adds(b, " and took ");
	for (uint32_t i = 0; i < f->nrun; i++) {
		const struct ens_t_state *s = state_of(h, f->run[i].state);
		const struct ens_pat *step = step_of(h, f->run[i].state);

		ens_buf_adds(b, i ? ", " : "");
		if (f->run[i].count > 1)
			ens_buf_addf(b, "%u ", f->run[i].count);
		if (step)
			ens_buf_adds(b, step->name.name ? step->name.name : step->ref->type.name);
		else
			ens_buf_add_visible(b, h->tables->bytes + s->label.off, s->label.len);
	}
}

static void add_end(const struct how_far *h, const struct ens_inspection *f, struct ens_buf *b)
{
	static const char *const words[] = {
		[ENS_END_MATCHED] = " a match had used it up",
		[ENS_END_SCOPE] = " the rule's `within` was over",
		[ENS_END_RESET] = " `reset on` dropped it",
		[ENS_END_DROPPED] = " it was dropped: there were too many partial matches",
		[ENS_END_OTHER] = " it was over",
	};

	if (f->end == ENS_END_OPEN)
		return;
	ens_buf_adds(b, "; at ");
	add_time(h, f->ended_us, b);
	ens_buf_adds(b, words[f->end]);
}

static void add_furthest(const struct how_far *h, const struct ens_inspection *f, struct ens_buf *b)
{
	if (!f->ntaken)
		return;
	ens_buf_adds(b, "  the furthest");
	if (f->key[0]) {
		ens_buf_adds(b, " (");
		ens_buf_add_visible(b, f->key, strlen(f->key));
		ens_buf_addc(b, ')');
	}
	ens_buf_adds(b, " began at ");
	add_event(h, &f->start, f->start_us, b);
	add_taken(h, f, b);
	add_end(h, f, b);
	ens_buf_addc(b, '\n');
}

static void add_tries(const struct how_far *h, const struct ens_inspection *f, struct ens_buf *b)
{
	for (uint32_t i = 0; i < f->ntried; i++) {
		const struct ens_inspect_try *t = &f->tried[i];

		if (t->why == ENS_WHY_TAKEN)
			continue;
		ens_buf_adds(b, "  at ");
		add_event(h, &t->id, t->time_us, b);
		if (t->state) {
			ens_buf_adds(b, " not taken as ");
			add_step(h, t->state, b);
		} else {
			ens_buf_adds(b, " not complete");
		}
		ens_buf_adds(b, ": ");
		add_why(h, t, b);
		ens_buf_addc(b, '\n');
	}
}

void how_far_add_test(const struct how_far *h, const struct ens_inspection *f, struct ens_buf *b)
{
	if (f->gave_up) {
		ens_buf_adds(b, "  there are too many partial matches to look at each\n");
		return;
	}
	add_furthest(h, f, b);
	if (f->end != ENS_END_MATCHED)
		add_tries(h, f, b);
}

/* ---- what stopped them -------------------------------------------------------------------------------------------- */

/* The most frequent reason of a way, of equals what was judged later; *total: events that it did not take. */
static enum ens_inspect_why most_often(const struct ens_inspect_row *row, uint64_t *total)
{
	enum ens_inspect_why most = ENS_WHY_TAKEN;

	*total = 0;
	for (unsigned k = 0; row && k < ENS_NWHY; k++) {
		*total += row->of[k].count;
		if (row->of[k].count >= row->of[most].count)
			most = (enum ens_inspect_why)k;
	}
	return most;
}

/* "the rule's `within` is over", how often, and an event that it happened to */
static void add_stopped(const struct how_far *h, const struct ens_inspect_row *row, struct ens_buf *b)
{
	uint64_t total;
	const enum ens_inspect_why most = most_often(row, &total);
	const struct ens_inspect_try *first = &row->of[most].first;

	ens_buf_addf(b, "; %llu %s not taken, ", (unsigned long long)total, total == 1 ? "event was" : "events were");
	if (row->of[most].count < total)
		ens_buf_addf(b, "%llu of them, ", (unsigned long long)row->of[most].count);
	ens_buf_adds(b, total == 1 ? "" : "such as ");
	add_event(h, &first->id, first->time_us, b);
	ens_buf_adds(b, ": ");
	add_why(h, first, b);
	ens_buf_addc(b, '\n');
}

static void add_way(const struct how_far *h, const struct ens_inspect_way *way, bool begins, struct ens_buf *b)
{
	uint64_t total;

	(void)most_often(way->row, &total);
	if (!total && !way->state)
		return; /* nothing stood against the end: it was complete, or its time had not come */
	ens_buf_adds(b, begins ? "  a match begins with " : "  matches that came as far waited for ");
	if (way->state)
		add_step(h, way->state, b);
	else
		ens_buf_adds(b, "their end");
	if (total) {
		add_stopped(h, way->row, b);
		return;
	}
	ens_buf_adds(b, ", but no ");
	how_far_add_name(h, h->tables->type[state_of(h, way->state)->type].name, b);
	ens_buf_adds(b, begins ? " came\n" : " came for them\n");
}

void how_far_add_run(const struct how_far *h, const struct ens_inspector *i, struct ens_buf *b)
{
	const struct ens_inspection *f = &i->found;
	struct ens_inspect_way way[WAYS_MAX];
	uint32_t n;

	add_furthest(h, f, b);
	if (f->end == ENS_END_MATCHED)
		return;
	n = ens_inspect_ways(i, f->ntaken ? f->state : 0, way, WAYS_MAX);
	for (uint32_t k = 0; k < n; k++)
		add_way(h, &way[k], !f->ntaken, b);
}
