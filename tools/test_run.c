/*
 * One test: its lines in order, each event typed and pushed, time moved, emissions kept until a line expects them.
 *
 * No decoder and no clock: each line's time is that of all streams, so that what may still come late (`lateness`) is waited
 * for (runtime/order.h).  After each line time stands at the line's end, and everything due by then has been emitted.  Where a rule looks for a leading absence, it watches from the start of the test.  The first
 * line that fails ends the test; where an emission did not come, the lines run once more, looking at partial matches
 * (runtime/inspect.h), so that tests that pass pay nothing for it.  Cost: that of the engine, and of one look at each emission.
 * Tested by tests/cli/test_verb.sh.
 */
#include "tools/test_run.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/order.h"
#include "tools/how_far.h"

#define ARENA_MAX_BYTES ((size_t)512 << 20)
#define SHOWN_MAX_BYTES 200 /* of one value in a message */

/* An emission that a rule of the test made. */
struct emitted {
	const struct ens_t_emit *emit;
	int64_t end_us;
	uint64_t suppressed;
	const struct ens_value *out;
};

struct run {
	struct test_runner *r;
	const struct ens_tables *t;
	const struct ens_test *test;
	struct ens_engine *engine;
	struct ens_order *order;
	struct emitted *list;
	size_t n, cap, next;           /* those before `next` were expected */
	uint64_t events;               /* pushed so far: numbers their entries */
	int64_t now_us, moved_us;      /* streams have come to moved_us; at first before all time */
	struct test_result *out;
	const struct ens_test_step *missed; /* what this line expected did not come */
	struct ens_inspector *looking; /* one for each rule of the test: the second run, up to `missed`; else NULL */
	enum ens_status status;        /* why the run as such failed */
	struct ens_error *err;
};

/* ---- results ---------------------------------------------------------------------------------------------------- */

/* The buffer's text in the arena; frees the buffer. */
static const char *keep_text(struct run *w, struct ens_buf *b)
{
	const char *kept = b->failed ? NULL : ens_arena_strndup(&w->r->arena, b->data ? b->data : "", b->len);

	ens_buf_free(b);
	if (!kept)
		w->status = ENS_ENOMEM;
	return kept ? kept : "";
}

/* The sentence of a failure; frees the buffer.  Always false. */
static bool failed(struct run *w, struct ens_span at, struct ens_buf *message)
{
	w->out->passed = false;
	w->out->at = at;
	w->out->message = keep_text(w, message);
	return false;
}

static bool broken(struct run *w, enum ens_status st)
{
	w->status = st;
	return st == ENS_OK;
}

/* As the language writes it, cut if it is long. */
static const char *shown(struct run *w, enum ens_type type, enum ens_type element, const struct ens_value *v)
{
	struct ens_buf b = ENS_BUF_EMPTY;

	if (v->null != ENS_SET)
		ens_buf_adds(&b, "null");
	else if (type == ENS_DURATION)
		ens_format_duration(&b, v->i);
	else if (type == ENS_LIST)
		ens_format_list(&b, element, v);
	else
		ens_format_json(&b, type, v);
	if (!b.failed && b.len > SHOWN_MAX_BYTES) {
		b.len = ens_utf8_valid(b.data, SHOWN_MAX_BYTES);
		ens_buf_adds(&b, "...");
	}
	return keep_text(w, &b);
}

static void add_name(const struct run *w, struct ens_buf *b, struct ens_t_str name)
{
	ens_buf_addc(b, '`');
	ens_buf_add(b, w->t->bytes + name.off, name.len);
	ens_buf_addc(b, '`');
}

/* "`Alert` that came at 9s" without the words between */
static void add_emitted(const struct run *w, struct ens_buf *b, const char *between, const struct emitted *e)
{
	add_name(w, b, e->emit->type);
	ens_buf_adds(b, between);
	ens_format_duration(b, e->end_us - w->test->start_us);
}

static bool is_named(const struct run *w, struct ens_t_str name, const char *text)
{
	return strlen(text) == name.len && memcmp(w->t->bytes + name.off, text, name.len) == 0;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

static const char zero_address[16];

static struct ens_value zero_of(enum ens_type type, bool optional)
{
	struct ens_value v = {.null = optional ? ENS_NULL : ENS_SET};

	if (type == ENS_FLOAT)
		v.f = 0.0;
	if (ens_type_is_bytes(type))
		v.s = zero_address;
	if (type == ENS_IP)
		v.len = 16;
	return v;
}

static bool bad_value(struct run *w, const struct ens_test_item *item, const struct ens_value *v)
{
	struct ens_buf b = ENS_BUF_EMPTY;

	ens_buf_addf(&b, "`%s` ", item->name);
	if (v->null != ENS_SET)
		ens_buf_adds(&b, "is null here, and its type allows none");
	else
		ens_buf_addf(&b, "would be %s, which is no %s", shown(w, ENS_STRING, ENS_NOTYPE, v),
			     item->type == ENS_IP ? "address" : "time");
	return failed(w, item->at, &b);
}

/* A text that was put together, as the address or time that it says. */
static bool read_spelled(struct run *w, const struct ens_test_item *item, struct ens_value *v)
{
	const struct ens_value text = *v;
	uint8_t *bytes;
	int64_t us;

	if (text.null != ENS_SET)
		return true;
	if (item->type == ENS_TIME) {
		*v = (struct ens_value){.i = 0};
		if (!memchr(text.s, 'T', text.len) || !ens_parse_time(text.s, text.len, ENS_UNIT_AUTO, &us))
			return bad_value(w, item, &text);
		v->i = us;
		return true;
	}
	bytes = ens_arena_alloc(&w->r->values.scratch, 16);
	if (!bytes)
		return broken(w, ENS_ENOMEM);
	if (!ens_parse_ip(text.s, text.len, bytes))
		return bad_value(w, item, &text);
	*v = (struct ens_value){.s = (const char *)bytes, .len = 16};
	return true;
}

/* The item's value for the i-th event of its line; borrowed until the values' context is reset. */
static bool value_of(struct run *w, const struct ens_test_item *item, uint32_t i, struct ens_value *out)
{
	const struct ens_value counter = {.i = i};
	const struct ens_event hand = {.value = &counter};

	w->r->values.event = &hand;
	*out = ens_program_run(&w->r->values, item->program);
	w->r->values.event = NULL;
	if (item->spelled && !read_spelled(w, item, out))
		return false;
	return out->null == ENS_SET || item->optional || bad_value(w, item, out);
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

static bool pushed(struct run *w, enum ens_status st)
{
	if (st == ENS_ELIMIT && !w->err->text[0])
		(void)ens_fail(w->err, st, "more than %u events wait to be put in order", ENS_ORDER_BUFFERED_MAX);
	return broken(w, st);
}

static void look(struct run *w)
{
	for (uint32_t i = 0; w->looking && i < w->test->nrule; i++)
		ens_inspect_after(&w->looking[i], NULL, w->now_us);
}

static void look_before(void *user, uint32_t group, const struct ens_event *ev)
{
	struct run *w = user;

	for (uint32_t i = 0; i < w->test->nrule; i++)
		if (w->t->rule[w->test->rule[i]].group == group)
			ens_inspect_before(&w->looking[i], ev);
}

static void look_after(void *user, uint32_t group, const struct ens_event *ev)
{
	struct run *w = user;

	for (uint32_t i = 0; i < w->test->nrule; i++)
		if (w->t->rule[w->test->rule[i]].group == group)
			ens_inspect_after(&w->looking[i], ev, ev->time_us);
}

/* Time has come to now_us: what is older than a stream's lateness can't come by it any more. */
static bool move_time(struct run *w)
{
	enum ens_status st = ENS_OK;

	if (w->now_us == w->moved_us)
		return true;
	w->moved_us = w->now_us;
	for (uint32_t i = 0; i < w->t->nstream && st == ENS_OK; i++) {
		int64_t earliest_us;

		if (!__builtin_sub_overflow(w->now_us, w->t->stream[i].lateness_us, &earliest_us) && earliest_us > INT64_MIN)
			st = ens_order_tick(w->order, i, earliest_us - 1);
	}
	return pushed(w, st);
}

/* An event comes by the first stream of its type, to everyone who reads that. */
static bool push(struct run *w, struct ens_event *ev)
{
	const struct ens_t_list *streams = &w->t->type[ev->type].streams;
	enum ens_order_verdict verdict;

	if (!streams->count)
		return true;
	ev->id = (struct ens_entry_id){.ms = ++w->events, .stream = w->t->index[streams->first]};
	if (ev->time_us < w->now_us) /* it comes late, perhaps too late */
		return move_time(w) && pushed(w, ens_order_push(w->order, ev, &verdict));
	/* Before time moves, so that a look at the partial matches sees what it meets. */
	return pushed(w, ens_order_push(w->order, ev, &verdict)) && move_time(w);
}

static bool advance(struct run *w)
{
	if (!move_time(w) || !pushed(w, ens_order_stand(w->order)))
		return false;
	look(w);
	return true;
}

static bool fill(struct run *w, const struct ens_test_step *step, uint32_t i, int64_t time_us, struct ens_value *value)
{
	const struct ens_decl_sema *type = step->type->sema;

	for (uint32_t f = 0; f < type->nfield + type->nraw; f++)
		value[f] = zero_of(type->field[f].type, type->field[f].optional);
	if (type->time_field != ENS_NONE)
		value[type->time_field].i = time_us;
	for (uint32_t k = 0; k < step->nitem; k++)
		if (!value_of(w, &step->item[k], i, &value[step->item[k].field]))
			return false;
	return true;
}

/* Computed fields, as the decoder does it: each from the ones before it.  Null where that may not be: the type's zero. */
static void compute(struct run *w, const struct ens_event *ev, struct ens_value *value)
{
	const struct ens_t_list fields = w->t->type[ev->type].fields;

	w->r->computing.event = ev;
	for (uint32_t i = 0; i < fields.count; i++) {
		const struct ens_t_field *f = &w->t->field[fields.first + i];

		if (f->program == ENS_NONE)
			continue;
		value[i] = ens_program_run(&w->r->computing, f->program);
		if (value[i].null && !f->optional)
			value[i] = zero_of((enum ens_type)f->type, false);
	}
	w->r->computing.event = NULL;
}

static bool event_line(struct run *w, const struct ens_test_step *step)
{
	const struct ens_decl_sema *type = step->type->sema;
	struct ens_value *value = ens_arena_alloc(&w->r->arena, (type->nfield + type->nraw + 1) * sizeof *value);
	bool ok = value ? true : broken(w, ENS_ENOMEM);

	for (uint32_t i = 1; i <= step->times && ok; i++) {
		struct ens_event ev = {.type = type->table_index, .from_file = true, .value = value};

		ev.time_us = step->time_us + (i - 1) * step->every_us;
		w->now_us = step->arrives_us + (i - 1) * step->every_us;
		ok = fill(w, step, i, ev.time_us, value);
		if (ok && ev.type != ENS_NONE) {
			compute(w, &ev, value);
			ok = push(w, &ev);
		}
		ens_program_reset(&w->r->values);
		ens_program_reset(&w->r->computing);
	}
	return ok && advance(w);
}

/* ---- emissions -------------------------------------------------------------------------------------------------- */

static bool counts(const struct run *w, uint32_t rule)
{
	for (uint32_t i = 0; i < w->test->nrule; i++)
		if (w->test->rule[i] == rule)
			return true;
	return false;
}

static struct ens_value copied(struct ens_arena *a, enum ens_type type, const struct ens_value *v)
{
	struct ens_value copy = *v;

	if (v->null == ENS_SET && ens_type_is_bytes(type))
		copy.s = ens_arena_strndup(a, v->s, v->len);
	return copy;
}

static struct ens_value copied_list(struct ens_arena *a, enum ens_type element, const struct ens_value *list)
{
	const struct ens_value *from = (const struct ens_value *)(const void *)list->s;
	struct ens_value *to = ens_arena_alloc(a, (list->len + (size_t)1) * sizeof *to);

	for (uint32_t i = 0; to && i < list->len; i++)
		to[i] = copied(a, element, &from[i]);
	return (struct ens_value){.s = (const char *)to, .len = list->len, .null = list->null};
}

static bool room(struct run *w)
{
	size_t cap = w->cap ? 2 * w->cap : 16;
	struct emitted *bigger = w->n < w->cap ? w->list : realloc(w->list, cap * sizeof *bigger);

	if (!bigger)
		return false;
	if (w->n == w->cap)
		w->cap = cap;
	w->list = bigger;
	return true;
}

static enum ens_status on_emission(void *user, const struct ens_emission *e)
{
	struct run *w = user;
	const struct ens_t_emit *emit = &w->t->emit[e->emit];
	struct ens_value *out;

	if (!counts(w, e->rule))
		return ENS_OK;
	out = ens_arena_alloc(&w->r->arena, (emit->outs.count + 1) * sizeof *out);
	if (!out || !room(w))
		return ENS_ENOMEM;
	for (uint32_t i = 0; i < emit->outs.count; i++) {
		const struct ens_t_out *o = &w->t->out[emit->outs.first + i];

		out[i] = o->type == ENS_LIST ? copied_list(&w->r->arena, (enum ens_type)o->element, &e->out[i])
					     : copied(&w->r->arena, (enum ens_type)o->type, &e->out[i]);
	}
	w->list[w->n++] = (struct emitted){.emit = emit, .end_us = e->end_us, .suppressed = e->suppressed, .out = out};
	return w->r->arena.failed ? ENS_ENOMEM : ENS_OK;
}

/* ---- expectations ----------------------------------------------------------------------------------------------- */

/* The emission's value of that name; ENS_NONE: it has none. */
static uint32_t find_out(const struct run *w, const struct emitted *e, const char *name)
{
	for (uint32_t i = 0; e && i < e->emit->outs.count; i++)
		if (is_named(w, w->t->out[e->emit->outs.first + i].name, name))
			return i;
	return ENS_NONE;
}

static bool equal(enum ens_type type, const struct ens_value *a, const struct ens_value *b)
{
	if (a->null != ENS_SET || b->null != ENS_SET)
		return a->null != ENS_SET && b->null != ENS_SET;
	return ens_value_compare(type, a, b) == 0;
}

/* Does the emission (NULL: none came) have the item's value?  Both as text if `row` is wanted. */
static bool compare(struct run *w, const struct ens_test_item *item, const struct emitted *e, bool *same, struct test_row *row)
{
	const bool held = strcmp(item->name, "_suppressed") == 0;
	const struct ens_value suppressed = {.i = e ? (int64_t)e->suppressed : 0, .null = e && e->suppressed ? ENS_SET : ENS_NULL};
	const uint32_t i = held ? ENS_NONE : find_out(w, e, item->name);
	const struct ens_value null = {.null = ENS_NULL};
	const struct ens_value *got = held ? &suppressed : i == ENS_NONE ? &null : &e->out[i];
	struct ens_value want;

	if (!value_of(w, item, 1, &want))
		return false;
	*same = e && equal(item->type, &want, got);
	if (row)
		*row = (struct test_row){.name = item->name,
					 .expected = shown(w, item->type, ENS_NOTYPE, &want),
					 .got = e ? shown(w, item->type, ENS_NOTYPE, got) : "",
					 .differs = !*same};
	ens_program_reset(&w->r->values);
	return true;
}

static bool is_item(const struct ens_test_step *step, const char *name)
{
	for (uint32_t i = 0; step && i < step->nitem; i++)
		if (strcmp(step->item[i].name, name) == 0)
			return true;
	return false;
}

/* What was expected (NULL: nothing) and what came (NULL: nothing) side by side; then what else came with it. */
static void side_by_side(struct run *w, const struct ens_test_step *step, const struct emitted *e)
{
	const uint32_t nitem = step ? step->nitem : 0, nout = e ? e->emit->outs.count : 0;
	struct test_row *row = ens_arena_zalloc(&w->r->arena, (nitem + nout + 1) * sizeof *row);
	bool same;

	if (!row)
		return;
	w->out->row = row;
	for (uint32_t i = 0; i < nitem; i++)
		if (compare(w, &step->item[i], e, &same, &row[w->out->nrow]))
			w->out->nrow++;
	for (uint32_t i = 0; i < nout; i++) {
		const struct ens_t_out *o = &w->t->out[e->emit->outs.first + i];
		const char *name = ens_arena_strndup(&w->r->arena, w->t->bytes + o->name.off, o->name.len);

		if (name && !is_item(step, name))
			row[w->out->nrow++] = (struct test_row){
				.name = name, .expected = "",
				.got = shown(w, (enum ens_type)o->type, (enum ens_type)o->element, &e->out[i])};
	}
}

static bool fits(struct run *w, const struct ens_test_step *step, const struct emitted *e, bool *fit)
{
	*fit = is_named(w, e->emit->type, step->line->type.name);
	for (uint32_t i = 0; i < step->nitem && *fit; i++)
		if (!compare(w, &step->item[i], e, fit, NULL))
			return false;
	return true;
}

static bool say_other(struct run *w, const struct ens_test_step *step, const struct emitted *e)
{
	const bool type = is_named(w, e->emit->type, step->line->type.name);
	struct ens_buf b = ENS_BUF_EMPTY;

	side_by_side(w, step, e);
	if (type) {
		ens_buf_adds(&b, "the ");
		add_emitted(w, &b, " that came at ", e);
		ens_buf_adds(&b, " is not the one expected");
	} else {
		ens_buf_addf(&b, "expected `%s`, but ", step->line->type.name);
		add_emitted(w, &b, " came at ", e);
	}
	return failed(w, step->line->at, &b);
}

static bool say_nothing(struct run *w, const struct ens_test_step *step, uint32_t came)
{
	struct ens_buf b = ENS_BUF_EMPTY;

	side_by_side(w, step, NULL);
	if (came)
		ens_buf_addf(&b, "expected %u `%s`, but only %u came", step->times, step->line->type.name, came);
	else
		ens_buf_addf(&b, "expected `%s`, but nothing came", step->line->type.name);
	w->missed = step;
	return failed(w, step->line->at, &b);
}

static bool expect_line(struct run *w, const struct ens_test_step *step)
{
	for (uint32_t i = 0; i < step->times; i++) {
		bool fit = false;

		if (w->next == w->n)
			return say_nothing(w, step, i);
		if (!fits(w, step, &w->list[w->next], &fit))
			return false;
		if (!fit)
			return say_other(w, step, &w->list[w->next]);
		w->next++;
	}
	return true;
}

static bool expect_none(struct run *w, struct ens_span at, const char *before)
{
	const struct emitted *e = w->next < w->n ? &w->list[w->next] : NULL;
	struct ens_buf b = ENS_BUF_EMPTY;

	if (!e)
		return true;
	side_by_side(w, NULL, e);
	ens_buf_adds(&b, before);
	add_emitted(w, &b, " came at ", e);
	if (w->n - w->next > 1)
		ens_buf_addf(&b, ", and %zu more behind it", w->n - w->next - 1);
	return failed(w, at, &b);
}

/* ---- a test ----------------------------------------------------------------------------------------------------- */

static bool run_step(struct run *w, const struct ens_test_step *step)
{
	switch (step->line->kind) {
	case ENS_L_EVENT:
		return event_line(w, step);
	case ENS_L_EXPECT:
		return expect_line(w, step);
	case ENS_L_EXPECT_NONE:
		return expect_none(w, step->line->at, "expected none, but ");
	default:
		w->now_us = step->time_us;
		return advance(w);
	}
}

static enum ens_status begin(struct run *w, const struct ens_engine_options *options)
{
	const struct ens_engine_watch watch = {.before = look_before, .after = look_after, .user = w};
	enum ens_status st = ens_engine_open(w->t, options, &w->engine, w->err);

	if (st == ENS_OK)
		st = ens_order_open(w->t, w->engine, false, &w->order, w->err);
	if (st != ENS_OK)
		return st;
	ens_order_ties_by_arrival(w->order);
	if (w->looking)
		ens_engine_watch(w->engine, &watch);
	w->moved_us = INT64_MIN;
	w->now_us = w->test->start_us;
	for (uint32_t g = 0; g < w->t->ngroup; g++)
		ens_engine_set_watch_start(w->engine, g, w->now_us);
	for (uint32_t i = 0; w->looking && i < w->test->nrule && st == ENS_OK; i++)
		st = ens_inspect_begin(&w->looking[i], w->engine, w->test->rule[i]);
	return st;
}

static void end(struct run *w)
{
	for (uint32_t i = 0; w->looking && i < w->test->nrule; i++)
		ens_inspect_end(&w->looking[i]);
	ens_order_close(w->order);
	ens_engine_close(w->engine);
}

static void run_steps(struct run *w)
{
	for (uint32_t i = 0; i < w->test->nstep; i++)
		if (!run_step(w, &w->test->step[i]))
			return;
	w->out->passed = expect_none(w, w->test->decl->title.at, "no line expects what came: ");
}

/* ---- how far the rules came ------------------------------------------------------------------------------------- */

static bool could_make(const struct run *w, const struct ens_t_rule *r, const char *type)
{
	for (uint32_t k = 0; k < r->emits.count; k++)
		if (is_named(w, w->t->emit[r->emits.first + k].type, type))
			return true;
	return false;
}

/* What the rules that could have made what did not come did. */
static void how_far(struct run *w)
{
	struct ens_buf b = ENS_BUF_EMPTY;

	for (uint32_t i = 0; i < w->test->nrule; i++) {
		const struct ens_t_rule *r = &w->t->rule[w->test->rule[i]];
		const struct how_far h = {.tables = w->t, .rule = r, .written = w->test->rule_decl[i]->sema->rule,
					  .since_start = true, .start_us = w->test->start_us};
		struct ens_rule_stats s;

		if (!could_make(w, r, w->missed->line->type.name))
			continue;
		ens_engine_rule_stats(w->engine, w->test->rule[i], &s);
		add_name(w, &b, r->name);
		ens_buf_addf(&b, ": %llu begun, %llu complete, %llu emitted, %llu still open\n", (unsigned long long)s.started,
			     (unsigned long long)s.matched, (unsigned long long)s.emitted, (unsigned long long)s.partials);
		how_far_add_test(&h, &w->looking[i].found, &b);
	}
	w->out->rules = keep_text(w, &b);
}

static enum ens_status ignore_emission(void *user, const struct ens_emission *e)
{
	(void)user;
	(void)e;
	return ENS_OK;
}

/* The lines before the one whose emission did not come once more, looking at each partial match. */
static void look_again(struct run *first)
{
	const struct ens_engine_options options = {.no_shared_matches = true, .sink = {.emit = ignore_emission}};
	struct run w = {.r = first->r, .t = first->t, .test = first->test, .out = first->out, .err = first->err,
			.missed = first->missed};

	w.looking = ens_arena_zalloc(&w.r->arena, (w.test->nrule + 1) * sizeof *w.looking);
	w.status = w.looking ? begin(&w, &options) : ENS_ENOMEM;
	for (const struct ens_test_step *s = w.test->step; s < w.missed && w.status == ENS_OK; s++)
		if (s->line->kind == ENS_L_EVENT || s->line->kind == ENS_L_WAIT)
			(void)run_step(&w, s);
	if (w.status == ENS_OK)
		how_far(&w);
	first->status = w.status;
	end(&w);
}

void test_runner_init(struct test_runner *r, const struct ens_tables *tables)
{
	*r = (struct test_runner){.tables = tables};
	ens_arena_init(&r->arena, ARENA_MAX_BYTES);
}

void test_runner_free(struct test_runner *r)
{
	if (r->open) {
		ens_context_free(&r->values);
		ens_context_free(&r->computing);
	}
	ens_arena_free(&r->arena);
}

enum ens_status test_run(struct test_runner *r, const struct ens_test *test, struct test_result *out, struct ens_error *err)
{
	struct run w = {.r = r, .t = r->tables, .test = test, .out = out, .err = err};
	const struct ens_engine_options options = {.sink = {.emit = on_emission, .user = &w}};

	ens_arena_reset(&r->arena);
	*out = (struct test_result){.message = "", .rules = ""};
	if (!r->open) {
		w.status = ens_context_init(&r->values, test->values, err);
		if (w.status == ENS_OK && (w.status = ens_context_init(&r->computing, r->tables, err)) != ENS_OK)
			ens_context_free(&r->values);
		r->open = w.status == ENS_OK;
	}
	if (w.status == ENS_OK)
		w.status = begin(&w, &options);
	if (w.status == ENS_OK)
		run_steps(&w);
	end(&w);
	if (w.missed && w.status == ENS_OK)
		look_again(&w);
	free(w.list);
	if (r->arena.failed || w.status == ENS_ENOMEM)
		return ens_fail(err, ENS_ENOMEM, "no memory, or what its rules emit needs more than %zu MiB", ARENA_MAX_BYTES >> 20);
	return w.status;
}
