/*
 * Rules with `window`: the window's numbers, the inputs that `from` names, `where`, and clauses that make no sense there.
 *
 * To the rest of the checker the inputs are steps that each take any number of events, in any order, so that what is said
 * of repeated steps (aggregates, first, last, indexes, what is remembered) holds for inputs too.  A conjunct of `where`
 * is a filter of single events: it is joined to the brackets of the input it names, or of every input if it names none.
 * Cost: linear, but for conjuncts that go to every input.  Tested by tests/lang/windows.test.
 */
#include "compiler/sema.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "compiler/sema_private.h"

#define DAY_US INT64_C(86400000000)

/* A conjunct of `where`. */
struct filter {
	const struct ens_expr *expr;
	struct ens_pat *input;    /* NULL: every input */
	struct ens_expr **copy;   /* of every input its own, as far as it has one */
	struct filter *next;
};

struct windowing {
	struct ens_sema *s;
	struct ens_rule_sema *r;
	struct filter *filter, **filter_end;
	struct ens_expr **own;    /* of every input what was written in its brackets, or NULL */
};

/* ---- numbers ---------------------------------------------------------------------------------------------------- */

/* A length or number of the window: a literal or a parameter, more than nothing.  False: it was said what is wrong. */
static bool number(struct windowing *w, struct ens_expr *e, enum ens_type want, int64_t *out)
{
	struct ens_message *m;

	if (!e || (ens_sema_put_param(w->s, e) && e->kind == ENS_X_NAME) || (e->kind == ENS_X_NAME && w->s->imports))
		return false;
	if (e->kind != ENS_X_LITERAL || e->lit_type != want) {
		m = ens_diag_add(w->s->diag, ENS_E_WINDOW, e->at, "here stands a %s, or a parameter that is one",
				 want == ENS_DURATION ? "duration, such as 5m" : "number of events");
		if (want == ENS_DURATION && e->kind == ENS_X_LITERAL && e->lit_type == ENS_INT)
			ens_diag_remedy(w->s->diag, m, "write it with its unit, such as %llds",
					(long long)e->literal.i);
		else if (want == ENS_INT && e->kind == ENS_X_LITERAL && e->lit_type == ENS_DURATION)
			ens_diag_remedy(w->s->diag, m, "windows of time are `tumbling`, `hopping`, `sliding` or `session`");
		return false;
	}
	if (e->literal.i <= 0) {
		ens_diag_add(w->s->diag, ENS_E_WINDOW, e->at,
			     want == ENS_DURATION ? "here stands a length of time longer than 0s" : "here stands a number of at least 1");
		return false;
	}
	*out = e->literal.i;
	return true;
}

static void longer_hop(struct windowing *w, const struct ens_clause *c, const char *unit)
{
	struct ens_message *m = ens_diag_add(w->s->diag, ENS_E_WINDOW, c->expr2->at,
					     "what comes between one window and the next would be in none");

	ens_diag_second(w->s->diag, m, c->expr->at, "a window is shorter than `every`");
	ens_diag_remedy(w->s->diag, m, "`every` is at most the %s of the window", unit);
}

static void hopping(struct windowing *w, const struct ens_clause *c, struct ens_window_sema *x)
{
	if (!number(w, c->expr, ENS_DURATION, &x->size) || !number(w, c->expr2, ENS_DURATION, &x->every))
		return;
	if (x->every > x->size)
		longer_hop(w, c, "length");
	else if (x->size / x->every > ENS_HOPS_MAX)
		ens_diag_add(w->s->diag, ENS_E_WINDOW, c->expr2->at,
			     "every event would lie in %lld windows, which is more than %d",
			     (long long)(x->size / x->every), ENS_HOPS_MAX);
}

static void counted(struct windowing *w, const struct ens_clause *c, struct ens_window_sema *x)
{
	int64_t most = c->expr2 ? ENS_LAST_EVENTS_MAX : ENS_REPEAT_MAX;

	if (!number(w, c->expr, ENS_INT, &x->size) || (c->expr2 && !number(w, c->expr2, ENS_INT, &x->every)))
		return;
	if (x->every > x->size)
		longer_hop(w, c, "number of events");
	else if (x->size > most)
		ens_diag_add(w->s->diag, ENS_E_WINDOW, c->expr->at, "a window has at most %lld events%s", (long long)most,
			     c->expr2 ? " where they overlap" : "");
}

static void tumbling(struct windowing *w, const struct ens_clause *c, struct ens_window_sema *x)
{
	struct ens_message *m;

	if (c->zone && ens_sema_zone(w->s, c->zone))
		x->zone = c->zone->literal.s;
	x->empty = c->once;
	if (c->expr4 && !c->once) {
		m = ens_diag_add(w->s->diag, ENS_E_WINDOW, c->expr4->at,
				 "without `empty` nothing is kept of a key that has no events");
		ens_diag_remedy(w->s->diag, m, "leave `forget after` out, or add `empty`");
	}
	if (!number(w, c->expr, ENS_DURATION, &x->size) || !c->zone || x->size % DAY_US == 0 || DAY_US % x->size == 0)
		return;
	m = ens_diag_add(w->s->diag, ENS_E_WINDOW, c->expr->at,
			 "with `zone` a window is a number of days, or a part that goes evenly into a day");
	ens_diag_second(w->s->diag, m, c->zone->at, "the zone is given here");
	ens_diag_remedy(w->s->diag, m, "such as 1d, 1w, 8h or 15m; or leave `zone` out");
}

static void numbers(struct windowing *w, const struct ens_clause *c, struct ens_window_sema *x)
{
	static const enum ens_t_window_kind kind[] = {
		[ENS_W_TUMBLING] = ENS_T_TUMBLING, [ENS_W_HOPPING] = ENS_T_HOPPING, [ENS_W_SLIDING] = ENS_T_SLIDING,
		[ENS_W_SESSION] = ENS_T_SESSIONS,  [ENS_W_EVENTS] = ENS_T_COUNTED,  [ENS_W_RUNNING] = ENS_T_RUNNING,
	};

	x->kind = kind[c->window];
	x->max_us = x->forget_us = -1;
	switch (x->kind) {
	case ENS_T_TUMBLING:
		tumbling(w, c, x);
		break;
	case ENS_T_HOPPING:
		hopping(w, c, x);
		break;
	case ENS_T_COUNTED:
		counted(w, c, x);
		break;
	case ENS_T_SESSIONS:
		number(w, c->expr, ENS_DURATION, &x->size);
		number(w, c->expr2, ENS_DURATION, &x->max_us);
		break;
	case ENS_T_SLIDING:
		number(w, c->expr, ENS_DURATION, &x->size);
		break;
	case ENS_T_RUNNING:
		break;
	}
	number(w, c->expr3, ENS_DURATION, &x->revise_us);
	number(w, c->expr4, ENS_DURATION, &x->forget_us);
}

void ens_window_write(const struct ens_window_sema *x, struct ens_buf *out)
{
	static const char *const word[] = {
		[ENS_T_TUMBLING] = "tumbling ", [ENS_T_HOPPING] = "hopping ", [ENS_T_SLIDING] = "sliding ",
		[ENS_T_SESSIONS] = "session ",  [ENS_T_COUNTED] = "",         [ENS_T_RUNNING] = "running",
	};

	ens_buf_adds(out, word[x->kind]);
	if (x->kind == ENS_T_COUNTED)
		ens_buf_addf(out, "%lld events", (long long)x->size);
	else if (x->kind != ENS_T_RUNNING)
		ens_format_duration(out, x->size);
	if (x->zone) {
		ens_buf_adds(out, " zone ");
		ens_buf_add_json(out, x->zone, strlen(x->zone));
	}
	ens_buf_adds(out, x->every ? " every " : "");
	if (x->every && x->kind == ENS_T_COUNTED)
		ens_buf_addf(out, "%lld", (long long)x->every);
	else if (x->every)
		ens_format_duration(out, x->every);
	ens_buf_adds(out, x->max_us >= 0 ? " max " : "");
	if (x->max_us >= 0)
		ens_format_duration(out, x->max_us);
	ens_buf_adds(out, x->empty ? " empty" : "");
	ens_buf_adds(out, x->forget_us >= 0 ? " forget after " : "");
	if (x->forget_us >= 0)
		ens_format_duration(out, x->forget_us);
	ens_buf_adds(out, x->revise_us ? " revise " : "");
	if (x->revise_us)
		ens_format_duration(out, x->revise_us);
}

/* ---- clauses ---------------------------------------------------------------------------------------------------- */

static void refuse(struct windowing *w, const struct ens_clause *c, const char *why, const char *remedy)
{
	ens_diag_remedy(w->s->diag, ens_diag_add(w->s->diag, ENS_E_WINDOW_CLAUSE, c->word_at, "%s", why), "%s", remedy);
}

static void revised(struct windowing *w, const struct ens_clause *derive)
{
	struct ens_message *m = ens_diag_add(w->s->diag, ENS_E_WINDOW_CLAUSE, w->r->window->expr3->at,
					     "a window that derives can't be revised: other rules have used what it said");

	ens_diag_second(w->s->diag, m, derive->word_at, "`derive` is here");
	ens_diag_remedy(w->s->diag, m, "leave `revise` out, or use `emit`");
}

static void clauses(struct windowing *w)
{
	for (const struct ens_clause *c = w->r->decl->clauses; c; c = c->next) {
		if (c->kind == ENS_C_WITHIN)
			refuse(w, c, "`within` bounds a match, and a window says itself how long it is",
			       c->scope == ENS_SCOPE_SESSION ? "leave it out: sessions are `window session 30m`"
							     : "leave it out, or say it of the window: `window sliding 5m`");
		else if (c->kind == ENS_C_SKIP)
			refuse(w, c, "`skip` says what a match uses up, and a window uses nothing up", "leave it out");
		else if (c->kind == ENS_C_ON_TIMEOUT)
			refuse(w, c, "a window has no partial matches that could time out", "`emit` tells of each window");
		else if (c->kind == ENS_C_RESET && w->r->window->window != ENS_W_RUNNING)
			refuse(w, c, "`reset on` begins a running window anew, and this one ends by itself",
			       "leave it out, or use `window running`");
		else if (c->kind == ENS_C_DERIVE && w->r->window->expr3)
			revised(w, c);
	}
}

/* ---- inputs ----------------------------------------------------------------------------------------------------- */

static void give_name(struct windowing *w, struct ens_pat *p)
{
	struct ens_message *m;
	uint32_t *place;
	struct ens_name *n;

	if (!p->name.name)
		return;
	if (strcmp(p->name.name, "prev") == 0) {
		m = ens_diag_add(w->s->diag, ENS_E_STEP_NAME, p->name.at, "`prev` already means the event taken before");
		ens_diag_remedy(w->s->diag, m, "give the input another name");
		return;
	}
	place = ens_map_at_name(&w->r->name_map, p->name.name);
	if (!place)
		return;
	if (*place != ENS_MAP_NONE) {
		m = ens_diag_add(w->s->diag, ENS_E_STEP_NAME, p->name.at, "`%s` is the name of another input already",
				 p->name.name);
		ens_diag_second(w->s->diag, m, w->r->name[*place]->at, "given here");
		ens_diag_remedy(w->s->diag, m, "give one of them another name");
		return;
	}
	n = ens_arena_zalloc(w->s->arena, sizeof *n);
	if (!n || !(n->pat = ens_arena_alloc(w->s->arena, sizeof(struct ens_pat *))))
		return;
	n->name = p->name.name;
	n->at = p->name.at;
	n->root = n->pat[0] = p;
	n->npat = n->cap = 1;
	p->sema->named = n;
	*place = w->r->nname;
	w->r->name[w->r->nname++] = n;
}

static struct ens_pat *new_pat(struct windowing *w, enum ens_pat_kind kind, uint32_t enter, uint32_t leave)
{
	struct ens_pat *p = ens_arena_zalloc(w->s->arena, sizeof *p);

	if (!p || !(p->sema = ens_arena_zalloc(w->s->arena, sizeof *p->sema)))
		return NULL;
	p->kind = kind;
	p->sema->enter = enter;
	p->sema->leave = leave;
	p->sema->max = UINT32_MAX;
	p->sema->nullable = true;
	p->sema->conds_end = &p->sema->conds;
	return p;
}

/* Input i as a step that takes any number of events. */
static bool input(struct windowing *w, const struct ens_input *in, uint32_t i)
{
	struct ens_pat *p = new_pat(w, ENS_P_STEP, 2 * i + 1, 2 * i + 2);

	if (!p)
		return false;
	p->at = in->ref->at;
	p->name = in->name;
	p->ref = in->ref;
	p->sema->up = w->r->pattern;
	p->sema->place = i;
	p->sema->depth = 1;
	p->sema->step = i + 1;
	w->r->pattern->item[i] = w->r->step[i + 1] = p;
	w->own[i] = in->ref->cond;
	give_name(w, p);
	return true;
}

/* The inputs as branches of one choice: the whole "pattern" of the window.  False: it was said what is wrong. */
static bool inputs(struct windowing *w)
{
	struct ens_rule_sema *r = w->r;
	uint32_t n = 0;

	for (const struct ens_input *in = r->from->inputs; in; in = in->next) {
		if (!in->ref || !ens_sema_resolve_ref(w->s, in->ref))
			r->ok = false;
		n++;
	}
	if (n > ENS_LIST_MAX)
		ens_diag_add(w->s->diag, ENS_E_TOO_MANY, r->from->word_at, "there are at most %d inputs of a rule",
			     ENS_LIST_MAX);
	if (!r->ok || !n || n > ENS_LIST_MAX)
		return false;
	ens_map_init(&r->name_map, w->s->arena);
	ens_map_init(&r->input_map, w->s->arena);
	r->pattern = new_pat(w, ENS_P_ALT, 0, 2 * n + 1);
	r->step = ens_arena_zalloc(w->s->arena, (n + 1) * sizeof(struct ens_pat *));
	r->name = ens_arena_zalloc(w->s->arena, n * sizeof(struct ens_name *));
	w->own = ens_arena_zalloc(w->s->arena, n * sizeof(struct ens_expr *));
	if (!r->pattern || !r->step || !r->name || !w->own)
		return false;
	r->pattern->item = ens_arena_zalloc(w->s->arena, n * sizeof(struct ens_pat *));
	if (!r->pattern->item)
		return false;
	r->pattern->nitem = r->nstep = n;
	n = 0;
	for (const struct ens_input *in = r->from->inputs; in; in = in->next)
		if (!input(w, in, n++))
			return false;
	return true;
}

/* ---- where ------------------------------------------------------------------------------------------------------ */

/* What a conjunct names. */
struct named {
	struct windowing *w;
	const struct ens_expr *aggregate;   /* the first one in it */
	const struct ens_name *first, *other; /* inputs */
	const struct ens_expr *bare;        /* a field that some input has, but not all */
	const struct ens_decl *with, *without;
};

static bool is_key(const struct ens_rule_sema *r, const char *name)
{
	for (const struct ens_key *k = r->key ? r->key->keys : NULL; k; k = k->next)
		if (k->name.name && strcmp(k->name.name, name) == 0)
			return true;
	return false;
}

/* A bare name is a field that all inputs have, unless it is something else. */
static void look_at_bare(struct named *n, const struct ens_expr *e)
{
	const struct ens_decl *with = NULL, *without = NULL;

	for (uint32_t i = 1; i <= n->w->r->nstep; i++) {
		const struct ens_decl *type = n->w->r->step[i]->ref->sema->type;

		if (ens_type_field(type, e->name).kind == ENS_FIELD_NONE)
			without = type;
		else
			with = type;
	}
	if (!with || !without || n->bare || is_key(n->w->r, e->name) || ens_sema_find_param(n->w->s, e->name))
		return;
	n->bare = e;
	n->with = with;
	n->without = without;
}

static void look(struct named *n, const struct ens_expr *e)
{
	const bool member = (e->kind == ENS_X_MEMBER || e->kind == ENS_X_INDEX) && e->arg[0]->kind == ENS_X_NAME;
	const uint32_t i = member ? ens_map_find_name(&n->w->r->name_map, e->arg[0]->name) : ENS_MAP_NONE;

	if (ens_sema_is_aggregate(e) && !n->aggregate)
		n->aggregate = e;
	if (e->kind == ENS_X_NAME)
		look_at_bare(n, e);
	if (i != ENS_MAP_NONE && !n->first)
		n->first = n->w->r->name[i];
	else if (i != ENS_MAP_NONE && n->first != n->w->r->name[i] && !n->other)
		n->other = n->w->r->name[i];
	for (uint32_t k = member; k < e->narg; k++)
		look(n, e->arg[k]);
}

static const struct ens_name *name_of_type(const struct ens_rule_sema *r, const struct ens_decl *type)
{
	for (uint32_t i = 0; i < r->nname; i++)
		if (r->name[i]->pat[0]->ref->sema->type == type)
			return r->name[i];
	return NULL;
}

/* False: it was said why this filters no event. */
static bool filters(struct windowing *w, const struct named *n, const struct ens_expr *e)
{
	struct ens_diag *diag = w->s->diag;
	struct ens_message *m;

	if (n->aggregate) {
		m = ens_diag_add(diag, ENS_E_WHERE, n->aggregate->at,
				 "`where` lets single events into the window, and `%s` is of many", n->aggregate->name);
		ens_diag_remedy(diag, m, "what the window has in all is judged by `having`");
	} else if (n->other) {
		m = ens_diag_add(diag, ENS_E_WHERE, e->at,
				 "each event comes into the window by itself, and this is about two: `%s` and `%s`",
				 n->first->name, n->other->name);
		ens_diag_remedy(diag, m, "compare what the window has of them in `having`; to find pairs of events use `match`");
	} else if (n->bare && !n->first) {
		const struct ens_name *name = name_of_type(w->r, n->with);

		m = ens_diag_add(diag, ENS_E_WHERE, n->bare->at, "`%s` is no field of `%s`, which this is to filter too",
				 n->bare->name, n->without->name.name);
		ens_diag_remedy(diag, m, name ? "say which input is meant: `%s.%s`" : "give the input a name, `x: %s`, and say `x.%s`",
				name ? name->name : n->with->name.name, n->bare->name);
	} else {
		return true;
	}
	return false;
}

static void split(struct windowing *w, const struct ens_expr *e)
{
	struct named n = {.w = w};
	struct filter *f;

	if (e->kind == ENS_X_AND) {
		split(w, e->arg[0]);
		split(w, e->arg[1]);
		return;
	}
	look(&n, e);
	if (!filters(w, &n, e))
		return;
	f = ens_arena_zalloc(w->s->arena, sizeof *f);
	if (!f || !(f->copy = ens_arena_zalloc(w->s->arena, w->r->nstep * sizeof(struct ens_expr *))))
		return;
	f->expr = e;
	f->input = n.first ? n.first->root : NULL;
	*w->filter_end = f;
	w->filter_end = &f->next;
}

/* A span with both in it: messages look for places inside.  What a function was written out to may be of another file. */
static struct ens_span around(struct ens_span a, struct ens_span b)
{
	const uint32_t off = a.off < b.off ? a.off : b.off;
	const uint32_t end = a.off + a.len > b.off + b.len ? a.off + a.len : b.off + b.len;

	return a.file == b.file ? (struct ens_span){a.file, off, end - off} : a;
}

/* Joined by `and`, checked part by part. */
static struct ens_expr *joined(struct windowing *w, struct ens_expr *a, struct ens_expr *b)
{
	struct ens_expr *e = a ? ens_arena_zalloc(w->s->arena, sizeof *e) : b;

	if (!e || !a || !b)
		return e;
	e->arg = ens_arena_alloc(w->s->arena, 2 * sizeof(struct ens_expr *));
	if (!e->arg)
		return a;
	e->kind = ENS_X_AND;
	e->at = e->op_at = around(a->at, b->at);
	e->arg[0] = a;
	e->arg[1] = b;
	e->narg = 2;
	e->depth = (uint16_t)((a->depth > b->depth ? a->depth : b->depth) + 1);
	e->type = ENS_BOOL;
	e->optional = true;
	return e;
}

static void join_filters(struct windowing *w)
{
	for (uint32_t i = 0; i < w->r->nstep; i++) {
		struct ens_pat *p = w->r->step[i + 1];
		uint32_t n = 0;

		for (struct filter *f = w->filter; f && !w->s->arena->failed; f = f->next) {
			if ((f->input && f->input != p) || n++ == ENS_EXPR_DEPTH_MAX)
				continue;
			f->copy[i] = ens_expr_clone(w->s->arena, f->expr);
			p->ref->cond = joined(w, p->ref->cond, f->copy[i]);
		}
	}
}

/* What is wrong with a filter of every input is said once. */
static void check_filters(struct windowing *w)
{
	for (uint32_t i = 0; i < w->r->nstep; i++)
		if (w->own[i]) {
			struct ens_view v = {.s = w->s, .rule = w->r, .hand = w->r->step[i + 1]->ref->sema->type,
					     .self = w->r->step[i + 1], .input = true};

			ens_sema_condition(&v, w->own[i]);
		}
	for (struct filter *f = w->filter; f; f = f->next)
		for (uint32_t i = 0; i < w->r->nstep; i++) {
			struct ens_view v = {.s = w->s, .rule = w->r, .hand = w->r->step[i + 1]->ref->sema->type,
					     .self = w->r->step[i + 1], .input = true};

			if (f->copy[i] && !ens_sema_condition(&v, f->copy[i]))
				break;
		}
}

/* ---- the rule --------------------------------------------------------------------------------------------------- */

/* Keys that nothing forgets. */
static void warn_for_ever(struct windowing *w)
{
	const struct ens_window_sema *x = w->r->over;
	const bool kept = x->kind == ENS_T_RUNNING || x->empty;
	struct ens_message *m;

	if (!kept || x->forget_us >= 0 || w->r->reset || !w->r->nkey || w->s->diag->nerror)
		return;
	m = ens_diag_add(w->s->diag, ENS_W_FOREVER, w->r->window->word_at,
			 "the window of every key that was ever seen is kept for ever");
	ens_diag_remedy(w->s->diag, m, "forget keys that have no events for long: `forget after 30d`");
}

void ens_sema_window(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_clause *where)
{
	struct windowing w = {.s = s, .r = r, .filter_end = &w.filter};
	struct ens_message *m;

	r->session_max_us = -1;
	r->over = ens_arena_zalloc(s->arena, sizeof *r->over);
	if (!r->over)
		return;
	numbers(&w, r->window, r->over);
	clauses(&w);
	if (!r->from) {
		r->ok = false;
		if (r->decl->broken)
			return;
		m = ens_diag_add(s->diag, ENS_E_CLAUSE_MISSING, r->window->word_at, "a rule with `window` needs `from`");
		ens_diag_remedy(s->diag, m, "say what its windows hold, and what to call it: `from v: View`");
		return;
	}
	if (!inputs(&w)) {
		r->ok = false;
		return;
	}
	if (where && where->expr)
		split(&w, where->expr);
	join_filters(&w);
	for (uint32_t i = 1; i <= r->nstep && !s->arena->failed; i++)
		ens_sema_take_in(s, r, r->step[i]->ref);
	ens_sema_resets(s, r);
	if (s->arena->failed || !r->ok)
		return;
	ens_sema_keys(s, r);
	check_filters(&w);
	warn_for_ever(&w);
}
