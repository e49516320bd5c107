/*
 * The explanation of a rule: what it takes in, how a match goes step by step, which matches are reported, what is kept; or
 * which events its windows have.
 *
 * Everything is read off the checked tree, the graph and the sizes of the runtime, nothing is guessed from the text, so
 * that what is told here is what happens.  A paragraph is put together in `line`, then wrapped.
 * Cost: linear in the graph.  Tested by tests/cli/explain.sh.
 */
#include "compiler/explain.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "compiler/code.h"

#define WIDTH 100u

struct explain {
	const struct ens_rule_sema *r;
	const struct ens_graph *g;
	const struct ens_rule_cost *cost;
	struct ens_buf *out, line;
};

/* ---- paragraphs ------------------------------------------------------------------------------------------------- */

/* Prints the line wrapped at blanks; what follows the first line of an item stands two columns further in. */
static void flush(struct explain *x, unsigned indent, bool item)
{
	const char *s = x->line.data, *end = s + x->line.len;
	size_t column = 0;

	while (s < end) {
		const char *blank = memchr(s, ' ', (size_t)(end - s));
		const size_t len = (size_t)((blank ? blank : end) - s), chars = ens_utf8_count(s, len);

		if (column && column + 1 + chars > WIDTH) {
			ens_buf_addc(x->out, '\n');
			column = 0;
		}
		if (!column) {
			column = indent + (item && s != x->line.data ? 2 : 0);
			ens_buf_addf(x->out, "%*s", (int)column, "");
		} else {
			ens_buf_addc(x->out, ' ');
			column++;
		}
		ens_buf_add_visible(x->out, s, len);
		column += chars;
		s += len + (blank != NULL);
	}
	ens_buf_addc(x->out, '\n');
	x->out->failed |= x->line.failed;
	ens_buf_clear(&x->line);
}

static void heading(struct explain *x, const char *text)
{
	ens_buf_addf(x->out, "\n%s\n", text);
}

static void item(struct explain *x, unsigned level)
{
	flush(x, 2 + 2 * level, true);
}

static struct ens_buf *say(struct explain *x, const char *text)
{
	ens_buf_adds(&x->line, text);
	return &x->line;
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static void say_expr(struct explain *x, const struct ens_expr *e)
{
	say(x, "`");
	ens_expr_write(e, &x->line);
	say(x, "`");
}

static void say_times(struct explain *x, uint32_t n)
{
	if (n == 1)
		say(x, "once");
	else
		ens_buf_addf(&x->line, "%u times", n);
}

static void say_refs(struct explain *x, const struct ens_g_absence *a)
{
	ens_ref_write(a->ref, &x->line);
}

static const struct ens_pat *first_step(const struct ens_pat *p)
{
	while (p->kind != ENS_P_STEP && p->nitem)
		p = p->item[p->kind == ENS_P_SEQ && p->item[0]->kind == ENS_P_NOT && p->nitem > 1 ? 1 : 0];
	return p;
}

/* A step or group as one speaks of it. */
static void say_who(struct explain *x, const struct ens_pat *p)
{
	if (p->name.name)
		ens_buf_addf(say(x, "`"), "%s`", p->name.name);
	else if (p->kind == ENS_P_STEP)
		ens_ref_write(p->ref, &x->line);
	else {
		say(x, p->kind == ENS_P_AND ? "the parts of the `&` with " : "the group of ");
		if (first_step(p)->kind == ENS_P_STEP)
			say_who(x, first_step(p));
	}
}

/* The event that a step waits for, with what `where` gives to it. */
static void say_event(struct explain *x, const struct ens_pat *step)
{
	const char *join = " that satisfies ";

	ens_ref_write(step->ref, &x->line);
	for (const struct ens_cond *c = step->sema->conds; c; c = c->next) {
		say(x, join);
		say_expr(x, c->expr);
		join = " and ";
	}
}

static void say_bytes(struct explain *x, uint32_t n)
{
	ens_buf_addf(&x->line, "%u bytes", n);
}

/* ---- what it takes in -------------------------------------------------------------------------------------------- */

static void say_span(struct explain *x, const char *before, int64_t us, const char *behind)
{
	ens_format_duration(say(x, before), us);
	say(x, behind);
}

/* What the type's options, and those of its streams, do to an event on its way in. */
static void say_options(struct explain *x, const struct ens_decl *type)
{
	const struct ens_decl_sema *d = type->sema;

	if (d->most_late_us)
		say_span(x, "; what comes at most ", d->most_late_us, " late is put in order");
	if (d->late == ENS_T_LATE_DROP)
		say(x, "; what is too late is dropped");
	else if (d->late == ENS_T_LATE_ACCEPT)
		say(x, "; what is too late is taken as the earliest that is not");
	else if (d->late == ENS_T_LATE_TO)
		ens_buf_add_json(say(x, "; what is too late goes to "), d->late_stream, strlen(d->late_stream));
	if (d->sent_field != ENS_NONE)
		ens_buf_addf(&x->line, "; its clock is corrected by `%s`", d->field[d->sent_field].name);
	if (d->unique_field != ENS_NONE) {
		ens_buf_addf(&x->line, "; one with the same `%s` as another", d->field[d->unique_field].name);
		say_span(x, " within ", d->unique_us, " is dropped");
	}
}

/* One of a list of rules: "the rule `a`", or "the rules `a`, `b` and `c`" over all calls. */
static void say_rule_of(struct explain *x, const struct ens_decl *rule, bool first, bool last)
{
	if (first)
		say(x, last ? "the rule " : "the rules ");
	ens_buf_addf(&x->line, "%s`%s`", first ? "" : last ? " and " : ", ", rule->name.name);
}

/* A rule that derives a type twice stands there once: its clauses follow each other. */
static void say_derivers(struct explain *x, const struct ens_derivation *d)
{
	const struct ens_derivation *first = d;

	while (d) {
		const struct ens_derivation *next = d->next;

		while (next && next->rule == d->rule)
			next = next->next;
		say_rule_of(x, d->rule, d == first, !next);
		d = next;
	}
}

static void say_takers(struct explain *x, const struct ens_decl_list *t)
{
	const struct ens_decl_list *first = t;

	for (; t; t = t->next)
		say_rule_of(x, t->decl, t == first, !t->next);
	if (!first)
		say(x, "no rule");
}

static void say_streams(struct explain *x, const struct ens_decl *type)
{
	for (const struct ens_ident_list *s = type->streams; s; s = s->next) {
		say(x, s == type->streams ? ", from " : " and ");
		ens_buf_add_json(&x->line, s->id.name, strlen(s->id.name));
	}
}

static void say_input(struct explain *x, const struct ens_input_sema *in)
{
	ens_buf_addf(&x->line, "- %s", in->type->name.name);
	for (uint32_t i = 0; !in->all && i < in->nfilter; i++) {
		say(x, i ? " or " : ", only ");
		ens_ref_write(in->filter[i], &x->line);
	}
	say_streams(x, in->type);
	say_options(x, in->type);
	if (in->type->sema->derived) {
		say(x, ", derived by ");
		say_derivers(x, in->type->sema->derivations);
	}
	item(x, 0);
}

static void say_table(struct explain *x, const struct ens_decl *table)
{
	const struct ens_decl_sema *d = table->sema;

	ens_buf_addf(&x->line, "- %s by its key ", table->name.name);
	for (uint32_t i = 0; i < d->nkey; i++)
		ens_buf_addf(&x->line, "%s`%s`", i ? (i + 1 < d->nkey ? ", " : " and ") : "", d->field[d->key[i]].name);
	say_streams(x, table);
	if (d->delete_when) {
		say(x, "; a change for which ");
		say_expr(x, d->delete_when);
		say(x, " holds takes the row away");
	}
	say_options(x, table);
	item(x, 0);
}

/* The tables, in the order in which the rule names them. */
static void lookups(struct explain *x)
{
	if (!x->r->ntable)
		return;
	heading(x, "It looks up");
	for (uint32_t i = 0; i < x->r->ntable; i++)
		say_table(x, x->r->table[i]);
	say(x, "What it finds is the latest row of that key when it looks; where there is none, null.");
	flush(x, 2, false);
}

/* Of a window: its inputs by the names that they have. */
static void say_window_input(struct explain *x, const struct ens_pat *input)
{
	const struct ens_decl *type = input->ref->sema->type;

	say(x, "- ");
	if (input->name.name)
		ens_buf_addf(&x->line, "`%s`: ", input->name.name);
	ens_ref_write(input->ref, &x->line);
	say_streams(x, type);
	say_options(x, type);
	item(x, 0);
}

static void inputs(struct explain *x)
{
	const struct ens_rule_sema *r = x->r;

	heading(x, "It takes in");
	for (uint32_t i = 0; !r->over && i < r->ninput; i++)
		say_input(x, &r->input[i]);
	for (uint32_t i = 1; r->over && i <= r->nstep; i++)
		say_window_input(x, r->step[i]);
	if (!r->nkey) {
		say(x, "It has no key: all events share one state.");
		flush(x, 2, false);
		return;
	}
	say(x, "Each value of ");
	for (uint32_t i = 0; i < r->nkey; i++)
		ens_buf_addf(&x->line, "%s`%s`", i ? (i + 1 < r->nkey ? ", " : " and ") : "", r->keys[i].name);
	say(x, " has a state of its own; events of others do not disturb it. ");
	for (uint32_t i = 0; i < r->nkey; i++)
		ens_buf_addf(&x->line, r->keys[i].null_ok ? "A null `%s` is a value like any other. "
							  : "An event without `%s` is not for this rule. ",
			     r->keys[i].name);
	flush(x, 2, false);
}

/* ---- how a match goes -------------------------------------------------------------------------------------------- */

static void say_guard(struct explain *x, const struct ens_g_op *o)
{
	switch (o->kind) {
	case ENS_T_AT_LEAST:
		say(x, o->mask ? ", once all of " : ", once ");
		say_who(x, o->loop);
		say(x, o->mask ? " are taken" : o->loop->kind == ENS_P_STEP ? " was taken " : " was gone through ");
		if (!o->mask)
			say_times(x, o->n);
		break;
	case ENS_T_BELOW:
		say(x, ", as long as ");
		say_who(x, o->loop);
		say(x, o->loop->kind == ENS_P_STEP ? " was taken fewer than " : " was begun fewer than ");
		ens_buf_addf(&x->line, "%u times", o->n);
		break;
	case ENS_T_LACKS:
		say(x, ", if it is not taken yet");
		break;
	case ENS_T_HOLDS:
		say(x, ", where ");
		say_expr(x, o->expr);
		say(x, " holds");
		break;
	case ENS_T_SET:
	case ENS_T_ADD:
	case ENS_T_MARK:
	case ENS_T_CLEAR:
		break;
	}
}

static void say_absences_between(struct explain *x, const struct ens_g_absence *a)
{
	for (; a; a = a->next) {
		if (a->kind == ENS_T_VERY_NEXT) {
			say(x, ", unless the very next event is ");
			say_refs(x, a);
			continue;
		}
		say(x, a->kind == ENS_T_TIMED ? ", after " : ", with no ");
		if (a->kind == ENS_T_TIMED) {
			say_expr(x, a->for_dur);
			say(x, " without ");
		}
		say_refs(x, a);
		say(x, a->kind == ENS_T_TIMED ? "" : " on the way");
	}
}

static void say_limits(struct explain *x, const struct ens_g_entry *e)
{
	if (e->after) {
		say(x, ", at least ");
		say_expr(x, e->after);
	}
	if (e->within) {
		say(x, e->after ? " and at most " : ", at most ");
		say_expr(x, e->within);
	}
	if (e->after || e->within)
		say(x, " after the event before");
}

static void say_take(struct explain *x, const struct ens_g_entry *e, bool start)
{
	const struct ens_pat *step = x->g->state[e->target].step;

	if (start)
		say(x, "- ");
	else if (e->arrow == ENS_T_NEXT)
		say(x, "- as the very next event: ");
	else
		say(x, e->arrow == ENS_T_ANY ? "- any later " : "- the next ");
	say_event(x, step);
	if (step->name.name)
		ens_buf_addf(&x->line, ", as `%s`", step->name.name);
	say(x, e->flags & ENS_T_AGAIN ? " once more" : "");
	say_limits(x, e);
	for (const struct ens_g_op *o = e->guards; o; o = o->next)
		say_guard(x, o);
	say_absences_between(x, e->absences);
	const struct ens_ref *until = e->flags & ENS_T_AGAIN ? ens_pat_repetition(step)->until : NULL;

	for (const struct ens_ref *ref = until; ref; ref = ref->next) {
		say(x, ref == until ? ", until " : " or ");
		ens_ref_write(ref, &x->line);
		say(x, ref->next ? "" : " comes");
	}
}

static void say_scope_end(struct explain *x)
{
	switch (x->r->scope) {
	case ENS_T_TIME:
		ens_format_duration(&x->line, x->r->scope_amount);
		say(x, " after its first event");
		break;
	case ENS_T_EVENTS:
		ens_buf_addf(&x->line, "at the end of its %lld events", (long long)x->r->scope_amount);
		break;
	case ENS_T_SESSION:
		say(x, "when the session ends");
		break;
	case ENS_T_UNBOUNDED:
		break;
	}
}

/* `held`: a greedy repetition stands before it. */
static void say_accept(struct explain *x, const struct ens_g_entry *e, bool held)
{
	say(x, held ? "- when it can take no more, the match is complete" : "- the match is complete");
	if (!e->absences && !held)
		say(x, " at once");
	for (const struct ens_g_absence *a = e->absences; a; a = a->next) {
		say(x, a == e->absences ? " " : ", and ");
		if (a->kind == ENS_T_VERY_NEXT) {
			say(x, "when one more event comes and it is not ");
		} else if (a->kind == ENS_T_TIMED) {
			say(x, "when ");
			say_expr(x, a->for_dur);
			say(x, " have passed without ");
		} else {
			say_scope_end(x);
			say(x, " if there was no ");
		}
		say_refs(x, a);
	}
	for (const struct ens_g_op *o = e->guards; o; o = o->next)
		say_guard(x, o);
}

static void say_state(struct explain *x, uint32_t state)
{
	const struct ens_g_state *s = &x->g->state[state];
	unsigned level = 0;
	bool greedy = false;

	for (uint32_t i = 0; i < s->nentry; i++) {
		const struct ens_g_entry *e = &s->entry[i];

		switch (e->kind) {
		case ENS_T_TAKE:
			say_take(x, e, state == 0);
			greedy |= (e->flags & ENS_T_GREEDY) != 0;
			break;
		case ENS_T_ACCEPT:
			say_accept(x, e, greedy);
			break;
		case ENS_T_FORK:
			say(x, "- each of these that fits, side by side:");
			item(x, level++);
			continue;
		case ENS_T_FORK_END:
			level--;
			continue;
		}
		item(x, level);
	}
}

static void leads(struct explain *x)
{
	for (const struct ens_g_absence *a = x->g->leads; a; a = a->next) {
		say(x, "Only where there was no ");
		say_refs(x, a);
		if (a->kind == ENS_T_TIMED) {
			say(x, " during ");
			say_expr(x, a->for_dur);
			say(x, " before.");
		} else {
			say(x, " since the session began.");
		}
		flush(x, 2, false);
	}
}

static uint32_t takes(const struct ens_g_state *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->nentry; i++)
		n += s->entry[i].kind == ENS_T_TAKE;
	return n;
}

static void steps(struct explain *x)
{
	heading(x, takes(&x->g->state[0]) > 1 ? "A match begins with the first of these that fits"
					      : "A match begins with each");
	say_state(x, 0);
	leads(x);
	for (uint32_t i = 1; i < x->g->nstate; i++) {
		ens_buf_adds(x->out, "\n");
		say(x, "After ");
		say_who(x, x->g->state[i].step);
		if (takes(&x->g->state[i]) == 0)
			say(x, ":");
		else
			say(x, takes(&x->g->state[i]) > 1 ? " it waits for these, tried in this order:" : " it waits for:");
		flush(x, 0, false);
		say_state(x, i);
	}
}

/* ---- contiguity, boundaries ---------------------------------------------------------------------------------------- */

struct traits {
	bool next, followed, any, forks, within, absence, until;
	bool deadline, later;  /* what completes a match may be a deadline, an event that is not part of it */
	bool forever; /* some state can be waited in without end, but for the scope */
};

static struct traits traits_of(const struct ens_rule_sema *r, const struct ens_graph *g)
{
	struct traits t = {0};

	for (uint32_t s = 0; s < g->nstate; s++) {
		t.forever |= s > 0 && ens_state_waits(&g->state[s], r->match->select);
		for (uint32_t i = 0; i < g->state[s].nentry; i++) {
			const struct ens_g_entry *e = &g->state[s].entry[i];
			const bool take = e->kind == ENS_T_TAKE;

			t.next |= s > 0 && take && e->arrow == ENS_T_NEXT;
			t.followed |= s > 0 && take && e->arrow == ENS_T_FOLLOWED;
			t.any |= take && e->arrow == ENS_T_ANY;
			t.forks |= e->kind == ENS_T_FORK;
			t.within |= e->within != NULL;
			t.absence |= e->absences != NULL;
			t.deadline |= take && e->flags & ENS_T_GREEDY;
			t.later |= take && e->flags & ENS_T_GREEDY;
			for (const struct ens_g_absence *a = e->kind == ENS_T_ACCEPT ? e->absences : NULL; a; a = a->next) {
				t.deadline |= a->kind != ENS_T_VERY_NEXT;
				t.later |= a->kind == ENS_T_VERY_NEXT;
			}
			t.until |= take && e->flags & ENS_T_AGAIN && ens_pat_repetition(g->state[e->target].step)->until;
		}
	}
	return t;
}

static void contiguity(struct explain *x, const struct traits *t)
{
	heading(x, "What comes between");
	if (t->followed) {
		say(x, "- \"the next\": events in between that do not fit are ignored; the first that fits is taken.");
		item(x, 0);
	}
	if (t->next) {
		say(x, "- \"the very next event\" is the next one that the rule takes in for this key; if it does not fit, "
		       "that way is closed.");
		item(x, 0);
	}
	if (t->any) {
		say(x, "- \"any later\": taking one leaves the partial match waiting for another, too.");
		item(x, 0);
	}
	if (!t->followed && !t->next && !t->any) {
		say(x, "- Nothing: a match has one event.");
		item(x, 0);
	}
}

static void boundaries(struct explain *x)
{
	heading(x, "How long it may take");
	switch (x->r->scope) {
	case ENS_T_TIME:
		say(x, "The last event is at most ");
		ens_format_duration(&x->line, x->r->scope_amount);
		say(x, " after the first, exactly that included (`within`).");
		break;
	case ENS_T_EVENTS:
		ens_buf_addf(&x->line, "All of it lies among %lld events that the rule takes in for the key, its first and its "
				       "last included (`within ... events`).",
			     (long long)x->r->scope_amount);
		break;
	case ENS_T_SESSION:
		say(x, "All of it lies in one session of the key: it ends when more than ");
		ens_format_duration(&x->line, x->r->scope_amount);
		say(x, " pass without an event that the rule takes in; a gap of exactly that still belongs to it.");
		if (x->r->session_max_us >= 0) {
			say(x, " A session lasts at most ");
			ens_format_duration(&x->line, x->r->session_max_us);
			say(x, ".");
		}
		break;
	case ENS_T_UNBOUNDED:
		say(x, "It has no `within`: the limits of its steps are the only ones.");
		break;
	}
	flush(x, 2, false);
}

/* ---- which matches, what ends one ---------------------------------------------------------------------------------- */

/* What a reported match takes with it. */
static void uses_up(struct explain *x, const struct traits *t)
{
	static const char *const skip[] = {
		[ENS_T_SKIP_NONE] = "nothing else is dropped", [ENS_T_SKIP_TO_NEXT] = "the others that started at the same event are dropped",
		[ENS_T_SKIP_PAST_LAST] = "the others that started at or before its last event are dropped",
		[ENS_T_SKIP_TO_FIRST] = "the others that started before the first event of ",
		[ENS_T_SKIP_TO_LAST] = "the others that started before the last event of ",
		[ENS_T_SKIP_ALL] = "all that complete at the same event are reported, then every partial match of the key is dropped"};
	const struct ens_rule_sema *r = x->r;

	if (r->skip_kind) {
		ens_buf_addf(&x->line, "- Of a reported match (`skip`), %s", skip[r->skip_kind]);
		if (r->skip->name.name)
			ens_buf_addf(&x->line, "`%s` in it are dropped", r->skip->name.name);
		say(x, ".");
	} else if (r->match->select == ENS_SELECT_ALL) {
		say(x, "- It uses nothing up: an event can be in any number of matches.");
	} else if (r->match->select == ENS_SELECT_LAST) {
		say(x, "- A match drops only itself.");
	} else {
		say(x, "- It uses its events up: every partial match that started at or before its last event");
		say(x, t->deadline ? ", or up to the deadline that completes it," : "");
		say(x, t->later ? ", or before a later event that completes it," : "");
		say(x, " is dropped.");
	}
}

static void resets(struct explain *x)
{
	const struct ens_clause *c = x->r->reset;

	if (!c)
		return;
	say(x, "- ");
	for (const struct ens_ref *ref = c->ref; ref; ref = ref->next) {
		say(x, ref == c->ref ? "" : " or ");
		ens_ref_write(ref, &x->line);
	}
	say(x, " ends them all (`reset on`): it is first matched like any other event, then every partial match of its key but "
	       "one that it started is dropped.");
	item(x, 0);
}

static void limit(struct explain *x)
{
	const struct ens_rule_sema *r = x->r;

	if (!r->limit)
		return;
	ens_buf_addf(&x->line, "- At most %lld %s told within ", (long long)r->limit_count, r->limit_count == 1 ? "is" : "are");
	ens_format_duration(&x->line, r->limit_us);
	say(x, " (`limit`)");
	if (r->nkey)
		say(x, " for each key");
	if (r->limit->expr3) {
		say(x, r->nkey ? " and each value of " : " for each value of ");
		say_expr(x, r->limit->expr3);
	}
	say(x, ", counted from the first; the next one says how many were held back (`_suppressed`).");
	item(x, 0);
}

static void selection(struct explain *x, const struct traits *t)
{
	heading(x, "Which matches it reports");
	switch (x->r->match->select) {
	case ENS_SELECT_ONE:
		say(x, "- One at a time (`match`): every event that fits the beginning starts a partial match, also while others "
		       "are open; of those that complete at one moment the one that started first is reported.");
		break;
	case ENS_SELECT_LAST:
		say(x, "- The newest (`match last`): every event that fits the beginning starts a partial match; of those that "
		       "wait for the same things only the one that got there last is kept. All that complete are reported.");
		break;
	case ENS_SELECT_ALL:
		say(x, "- Every one (`match all`): all starts, all counts of a repetition, all branches and all choices of "
		       "`->>`; each is reported when it completes.");
		break;
	}
	item(x, 0);
	uses_up(x, t);
	item(x, 0);
	if (x->r->match->select == ENS_SELECT_ONE && (t->forks || t->any)) {
		say(x, "- One start can have several partial matches side by side; the leftmost that completes is reported.");
		item(x, 0);
	}
	resets(x);
	limit(x);
}

static void ends(struct explain *x, const struct traits *t)
{
	const bool uses_up = x->r->skip_kind ? x->r->skip_kind != ENS_T_SKIP_NONE : x->r->match->select == ENS_SELECT_ONE;

	heading(x, "A partial match ends when");
	say(x, uses_up ? "- it is complete, or a reported match uses its events up" : "- it is complete");
	item(x, 0);
	if (x->r->scope != ENS_T_UNBOUNDED) {
		say(x, "- its scope is over: ");
		say_scope_end(x);
		item(x, 0);
	}
	if (t->next || t->within || t->absence || t->until) {
		say(x, "- every way to go on is closed, by");
		say(x, t->next ? " a very next event that does not fit," : "");
		say(x, t->within ? " a time limit that has passed," : "");
		say(x, t->absence ? " an event that must not come," : "");
		say(x, t->until ? " the end of a repetition (`until`)," : "");
		x->line.len--;
		item(x, 0);
	}
}

/* ---- what it writes ------------------------------------------------------------------------------------------------ */

static void say_emission(struct explain *x, const struct ens_emit_sema *e)
{
	say(x, e->kind == ENS_T_TIMEOUT ? "- when time is up for a partial match (`on timeout`): " : "- ");
	say(x, e->type);
	if (e->kind == ENS_T_DERIVE) {
		say(x, ", as an event for ");
		say_takers(x, e->derives->sema->takers);
	} else if (e->target == ENS_T_STREAM) {
		say(x, " to ");
		ens_buf_add_json(&x->line, e->stream, strlen(e->stream));
	} else {
		say(x, e->target == ENS_T_HASH ? " to the hash " : " to the channel ");
		ens_buf_add_json(&x->line, e->name->literal.s, e->name->literal.len);
	}
	for (uint32_t k = 0; k < e->nout; k++)
		ens_buf_addf(&x->line, "%s%s", k ? ", " : ", with ", e->out[k].name);
	if (e->remove_when) {
		say(x, "; the hash is removed instead when ");
		say_expr(x, e->remove_when);
	}
	if (e->expire_us) {
		say(x, "; it expires ");
		ens_format_duration(&x->line, e->expire_us);
		say(x, " after it was written last");
	}
}

static void output(struct explain *x)
{
	heading(x, "Then it writes");
	for (uint32_t i = 0; i < x->r->nemit; i++) {
		say_emission(x, &x->r->emit[i]);
		item(x, 0);
	}
	if (x->r->having) {
		say(x, "but only if ");
		say_expr(x, x->r->having->expr);
		say(x, x->r->having->once ? " holds and did not the time before for the key (`having ... once`)" : " holds (`having`)");
		say(x, x->r->over ? "." : "; the match has used its events up either way.");
		flush(x, 2, false);
	}
}

/* ---- what is kept -------------------------------------------------------------------------------------------------- */

/* Of an expression, with what stands behind it. */
static void say_slot_of(struct explain *x, const struct ens_slot *s)
{
	static const struct {
		const char *before, *behind;
	} text[] = {
		[ENS_SLOT_COUNT] = {"count of ", ""},
		[ENS_SLOT_SUM] = {"sum of ", ""},
		[ENS_SLOT_MIN] = {"smallest ", ""},
		[ENS_SLOT_MAX] = {"largest ", ""},
		[ENS_SLOT_FIRST] = {"first ", ""},
		[ENS_SLOT_LATEST] = {"latest ", ""},
		[ENS_SLOT_MEAN] = {"mean of ", ""},
		[ENS_SLOT_SPREAD] = {"how far ", " spread around it"},
		[ENS_SLOT_LIST] = {"every ", ""},
		[ENS_SLOT_DISTINCT] = {"the different values of ", ""},
		[ENS_SLOT_SKETCH] = {"how ", " are distributed"},
	};

	say(x, text[s->kind].before);
	say_expr(x, s->arg);
	say(x, text[s->kind].behind);
	if (s->kind == ENS_SLOT_LIST || s->kind == ENS_SLOT_DISTINCT)
		ens_buf_addf(&x->line, ", at most %d", ENS_COLLECTED_MAX);
}

static void say_slot(struct explain *x, const struct ens_slot *s)
{
	switch (s->kind) {
	case ENS_SLOT_FIELD:
		ens_buf_addf(&x->line, "`%s`", s->field);
		break;
	case ENS_SLOT_FIRST_FIELD:
		ens_buf_addf(&x->line, "`%s` of the first one", s->field);
		break;
	case ENS_SLOT_NTH:
		ens_buf_addf(&x->line, "`%s` of number %u", s->field, s->nth);
		break;
	case ENS_SLOT_BACK:
		ens_buf_addf(&x->line, "`%s` of the last %u", s->field, s->nth);
		break;
	case ENS_SLOT_TAKEN:
		say(x, "whether it was taken");
		break;
	case ENS_SLOT_EVENTS:
		say(x, "how many there were");
		break;
	case ENS_SLOT_ALL:
		say(x, "how many events there were in all");
		break;
	case ENS_SLOT_ROUNDS:
		say(x, "how many rounds there were");
		break;
	case ENS_SLOT_ROUND:
		say(x, "whether the round has begun");
		break;
	default:
		say_slot_of(x, s);
	}
}

static void kept_values(struct explain *x)
{
	for (uint32_t i = 0; i < x->r->nstep; i++) {
		const struct ens_pat *step = x->g->state[i + 1].step;

		for (const struct ens_keep *k = step->sema->keeps; k; k = k->next) {
			if (k == step->sema->keeps) {
				say(x, "- of ");
				say_who(x, step);
				say(x, ": ");
			} else {
				say(x, ", ");
			}
			say_slot(x, k->slot);
		}
		if (step->sema->keeps)
			item(x, 1);
	}
}

static void kept_how_long(struct explain *x, const struct traits *t)
{
	say(x, x->r->nkey ? "A key is forgotten with its last partial match" : "All is forgotten with the last partial match");
	say(x, x->r->scope == ENS_T_SESSION ? " and the end of its session" : "");
	for (const struct ens_g_absence *a = x->g->leads; a; a = a->next)
		if (a->kind == ENS_T_TIMED) {
			say(x, ", and ");
			say_expr(x, a->for_dur);
			say(x, " after its last ");
			say_refs(x, a);
		}
	say(x, x->r->having && x->r->having->once ? ", and not while its `having` held the last time" : "");
	say(x, "; a partial match lives ");
	switch (x->r->scope) {
	case ENS_T_TIME:
		say(x, "at most ");
		ens_format_duration(&x->line, x->r->scope_amount);
		say(x, ".");
		break;
	case ENS_T_EVENTS:
		ens_buf_addf(&x->line, "for at most %lld events of its key, however long they take to come.",
			     (long long)x->r->scope_amount);
		break;
	case ENS_T_SESSION:
		say(x, "at most as long as its session.");
		break;
	case ENS_T_UNBOUNDED:
		say(x, t->forever ? "for ever if what it waits for never comes: give the rule a `within`."
				  : "no longer than the limits of its steps allow.");
		break;
	}
	flush(x, 2, false);
}

static bool collects(const struct ens_rule_sema *r)
{
	for (uint32_t i = 0; i < r->nslot; i++)
		if (r->slot[i]->kind == ENS_SLOT_LIST || r->slot[i]->kind == ENS_SLOT_DISTINCT || r->slot[i]->kind == ENS_SLOT_SKETCH)
			return true;
	return false;
}

static void kept_partials(struct explain *x)
{
	say(x, "- for each partial match: ");
	say_bytes(x, x->cost->partial_bytes);
	ens_buf_addf(&x->line, ", and %u for each event taken%s", x->cost->event_bytes,
		     x->cost->first_event_inside ? " after the first" : "");
	item(x, 0);
}

/* Partial matches share their events. */
static void kept_events(struct explain *x)
{
	const struct ens_rule_cost *c = x->cost;

	if (!c->node_bytes_max)
		return; /* one step is all there is */
	say(x, "- for each event that a step took, once, however many partial matches it is in: ");
	if (c->node_bytes_min < c->node_bytes_max)
		ens_buf_addf(&x->line, "%u to ", c->node_bytes_min);
	say_bytes(x, c->node_bytes_max);
	say(x, ", with the room beside it at most twice that");
	item(x, 0);
}

static void kept(struct explain *x, const struct traits *t)
{
	const struct ens_rule_cost *c = x->cost;

	heading(x, "What it keeps");
	say(x, x->r->nkey ? "- for each key, while anything is open: " : "- for all events together, while anything is open: ");
	say_bytes(x, c->cell_bytes);
	if (x->r->nkey)
		ens_buf_addf(&x->line, ", and %u for the key itself, which rules with the same key share", c->key_bytes);
	item(x, 0);
	if (c->shared)
		kept_events(x);
	else
		kept_partials(x);
	if (c->period_bytes) {
		ens_buf_addf(say(x, "- for each period of `limit`: "), "%u bytes, until it ends, or, where it held something back, ",
			     c->period_bytes);
		ens_format_duration(&x->line, x->r->limit_us);
		say(x, " longer");
		item(x, 0);
	}
	ens_buf_addf(say(x, "- for each text or address that is kept: its length and "), "%u bytes",
		     c->text_bytes);
	item(x, 0);
	if (collects(x->r) && !c->shared) {
		ens_buf_addf(say(x, "- for what an aggregate collects: "), "%u bytes, and for each value up to %u more, at least %u in all",
			     c->collected_bytes, 2 * c->value_bytes, 4 * c->value_bytes);
		item(x, 0);
	}
	if (x->r->nslot) {
		say(x, c->shared ? "Of its events it remembers what makes, in a match:"
				 : "A partial match remembers, besides which events it took:");
		flush(x, 2, false);
		kept_values(x);
	}
	kept_how_long(x, t);
	ens_buf_addf(&x->line, "It is bounded by %u keys", c->keys_max);
	if (c->shared)
		ens_buf_addf(&x->line, " and %u such events in all", c->partials_max);
	else
		ens_buf_addf(&x->line, ", %u partial matches a key and %u in all", c->partials_per_key_max, c->partials_max);
	say(x, "; beyond that, what started first is dropped and counted.");
	flush(x, 2, false);
}

/* ---- windows ------------------------------------------------------------------------------------------------------- */

/* Which events a window has, and when it is complete. */
static void say_window(struct explain *x)
{
	const struct ens_window_sema *w = x->r->over;
	struct ens_buf *line = &x->line;

	switch (w->kind) {
	case ENS_T_TUMBLING:
		ens_format_duration(say(x, "Time is cut into windows of "), w->size);
		ens_buf_addf(line, " each, by the clocks of %s, that follow one another; weeks begin on Monday. ", w->zone ? w->zone : "UTC");
		say(x, "A window has the events from its start up to, but not including, its end, and is complete when time has reached that.");
		break;
	case ENS_T_HOPPING:
		ens_format_duration(say(x, "A window lasts "), w->size);
		ens_format_duration(say(x, ", and one begins every "), w->every);
		ens_buf_addf(line, " of the clock in UTC: an event lies in up to %lld of them. It is complete when time has reached its end.",
			     (long long)((w->size + w->every - 1) / w->every));
		break;
	case ENS_T_SLIDING:
		ens_format_duration(say(x, "At each event it looks at the events of the last "), w->size);
		say(x, " up to that one, which is included.");
		break;
	case ENS_T_SESSIONS:
		ens_format_duration(say(x, "A window lasts as long as the next event comes within "), w->size);
		say(x, " of the one before");
		if (w->max_us >= 0)
			ens_format_duration(say(x, ", and no longer than "), w->max_us);
		say(x, ". It is complete when that time has passed without one.");
		break;
	case ENS_T_COUNTED:
		if (w->every)
			ens_buf_addf(line, "Each time that %lld more events have come, it looks at the last %lld.",
				     (long long)w->every, (long long)w->size);
		else
			ens_buf_addf(line, "%lld events that follow one another are a window; it is complete with the last of them.",
				     (long long)w->size);
		break;
	case ENS_T_RUNNING:
		say(x, "At each event it looks at all events since the first");
		say(x, x->r->nkey ? " of the key." : ".");
		break;
	}
	flush(x, 2, false);
}

static void window_options(struct explain *x)
{
	const struct ens_window_sema *w = x->r->over;

	if (w->kind == ENS_T_TUMBLING || w->kind == ENS_T_HOPPING) {
		say(x, w->empty ? "- Windows without events are told, too" : "- Windows without events are not told.");
		say(x, w->empty && x->r->nkey ? ", for every key that was seen (`empty`)." : w->empty ? " (`empty`)." : "");
		item(x, 0);
	}
	if (w->forget_us >= 0) {
		ens_format_duration(say(x, "- What has had no events for "), w->forget_us);
		say(x, " is forgotten.");
		item(x, 0);
	}
	if (w->revise_us) {
		ens_format_duration(say(x, "- Events that come up to "), w->revise_us);
		say(x, " too late change a window that is complete; it is told again, with the same `_id` and the next `_revision`.");
		item(x, 0);
	}
}

static void window_begins_anew(struct explain *x)
{
	const struct ens_clause *c = x->r->reset;

	if (!c)
		return;
	say(x, "- After ");
	for (const struct ens_ref *ref = c->ref; ref; ref = ref->next) {
		say(x, ref == c->ref ? "" : " or ");
		ens_ref_write(ref, &x->line);
	}
	say(x, x->r->nkey ? " the window of its key begins anew (`reset on`)." : " the window begins anew (`reset on`).");
	item(x, 0);
}

static void kept_for_window(struct explain *x)
{
	const struct ens_window_sema *w = x->r->over;
	const bool each = w->kind == ENS_T_SLIDING || (w->kind == ENS_T_COUNTED && w->every);

	heading(x, "What it keeps");
	if (x->r->nslot) {
		say(x, each ? "Of each event of the window what these are made of:" : "Of each window that is not complete:");
		flush(x, 2, false);
		kept_values(x);
	}
	say(x, w->kind == ENS_T_RUNNING && w->forget_us < 0 ? "It is kept for ever"
	       : w->empty && w->forget_us < 0		   ? "Which keys there were is kept for ever"
	       : w->kind == ENS_T_COUNTED && !w->every	   ? "It is kept until the window has all its events, however long they take to come"
	       : w->kind == ENS_T_COUNTED		   ? "It is kept for ever"
	       : w->kind == ENS_T_SLIDING		   ? "It is forgotten when the last of its events is no longer in the window"
							   : "It is forgotten when the window is complete");
	if (w->revise_us)
		ens_format_duration(say(x, ", and the time for late ones, "), w->revise_us);
	say(x, ". What that costs is told once windows can be run.");
	flush(x, 2, false);
}

static void explain_window(struct explain *x)
{
	heading(x, "Its windows");
	say_window(x);
	window_options(x);
	window_begins_anew(x);
	limit(x);
	output(x);
	kept_for_window(x);
}

static void explain_pattern(struct explain *x)
{
	const struct traits t = traits_of(x->r, x->g);

	steps(x);
	contiguity(x, &t);
	boundaries(x);
	selection(x, &t);
	ends(x, &t);
	output(x);
	kept(x, &t);
}

void ens_explain_rule(const struct ens_decl *rule, const struct ens_graph *g, const struct ens_rule_cost *cost,
		      struct ens_buf *out)
{
	struct explain x = {.r = rule->sema->rule, .g = g, .cost = cost, .out = out};

	ens_buf_adds(out, "rule ");
	ens_buf_add_visible(out, rule->name.name, strlen(rule->name.name));
	if (rule->title.name) {
		ens_buf_addc(out, ' ');
		ens_buf_add_json(out, rule->title.name, strlen(rule->title.name));
	}
	ens_buf_addc(out, '\n');
	inputs(&x);
	lookups(&x);
	if (x.r->over)
		explain_window(&x);
	else
		explain_pattern(&x);
	ens_buf_free(&x.line);
}
