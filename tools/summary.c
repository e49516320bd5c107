/*
 * The summary of a run: counters first, then, for rules that emitted nothing, what the inspectors of the second reading saw.
 *
 * Cost: nothing in the run itself but its end; the second reading is that of the engine, and of at most ENS_INSPECT_BUDGET
 * steps of looking for each rule, and it ends after LOOKED_MAX looks.  Tested by tests/cli/summary.sh.
 */
#include "tools/summary.h"

#include <string.h>

#include "tools/how_far.h"

#define ARENA_MAX_BYTES ((size_t)256 << 20)
#define RULES_MAX 10u /* that are told of unasked */
#define TYPES_MAX 8u  /* that are named in one line */
#define LOOKED_MAX UINT64_C(100000000) /* events times rules: some ten seconds */

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

static void find_written(struct summary *s)
{
	uint32_t n = 0;

	for (const struct ens_decl *d = s->rules->ast.decls; d && n < s->tables->nrule; d = d->next)
		if (d->kind == ENS_D_RULE)
			s->written[n++] = d->sema->rule;
}

enum ens_status summary_open(struct summary *s, const struct cli_rules *rules)
{
	const struct ens_tables *t = &rules->tables;

	*s = (struct summary){.rules = rules, .tables = t, .text = ENS_BUF_EMPTY};
	ens_arena_init(&s->arena, ARENA_MAX_BYTES);
	s->written = ens_arena_zalloc(&s->arena, (t->nrule + 1) * sizeof *s->written);
	s->type_name = ens_arena_zalloc(&s->arena, (t->ntype + 1) * sizeof *s->type_name);
	s->stats = ens_arena_zalloc(&s->arena, (t->nrule + 1) * sizeof *s->stats);
	s->type = ens_arena_zalloc(&s->arena, (t->ntype + 1) * sizeof *s->type);
	s->looks = ens_arena_zalloc(&s->arena, (t->nrule + 1) * sizeof *s->looks);
	if (s->arena.failed)
		return ENS_ENOMEM;
	for (uint32_t i = 0; i < t->ntype; i++)
		s->type_name[i] = ens_arena_strndup(&s->arena, t->bytes + t->type[i].name.off, t->type[i].name.len);
	find_written(s);
	return s->arena.failed ? ENS_ENOMEM : ENS_OK;
}

void summary_close(struct summary *s)
{
	ens_buf_free(&s->text);
	ens_arena_free(&s->arena);
}

/* ---- watching --------------------------------------------------------------------------------------------------- */

static void count(void *user, const struct ens_engine *engine, const struct ens_order *order)
{
	struct summary *s = user;

	for (uint32_t i = 0; i < s->tables->nrule; i++)
		ens_engine_rule_stats(engine, i, &s->stats[i]);
	for (uint32_t i = 0; i < s->tables->ntype; i++)
		s->type[i] = ens_order_type_counts(order, i);
	for (uint32_t i = 0; i < s->tables->ntype; i++)
		s->type[i].taken += ens_engine_derived(engine, i);
	s->ended = true;
}

struct ens_run_hooks summary_counting(struct summary *s)
{
	return (struct ens_run_hooks){.end = count, .user = s};
}

static bool emits(const struct summary *s, const struct ens_t_rule *r, enum ens_t_emit_kind kind)
{
	for (uint32_t i = 0; i < r->emits.count; i++)
		if (s->tables->emit[r->emits.first + i].kind == kind)
			return true;
	return false;
}

/* Nothing came out of the rule, nor into another. */
static bool is_silent(const struct summary *s, uint32_t rule)
{
	const struct ens_rule_stats *c = &s->stats[rule];

	return !c->emitted &&
	       !(emits(s, &s->tables->rule[rule], ENS_T_DERIVE) && c->matched > c->refused + c->suppressed);
}

bool summary_nothing_came(const struct summary *s)
{
	for (uint32_t i = 0; i < s->tables->nrule; i++)
		if (s->stats[i].emitted)
			return false;
	return s->ended;
}

static void look_before(void *user, uint32_t group, const struct ens_event *ev)
{
	struct summary *s = user;

	for (uint32_t i = 0; i < s->nlooks; i++)
		if (s->tables->rule[s->looks[i]].group == group)
			ens_inspect_before(&s->looking[s->looks[i]], ev);
}

static void look_after(void *user, uint32_t group, const struct ens_event *ev)
{
	struct summary *s = user;
	bool go_on = false;

	for (uint32_t i = 0; i < s->nlooks; i++) {
		struct ens_inspector *looking = &s->looking[s->looks[i]];

		if (s->tables->rule[s->looks[i]].group == group)
			ens_inspect_after(looking, ev, ev->time_us);
		go_on |= !looking->found.gave_up;
	}
	s->looked += s->nlooks;
	if (!go_on || s->looked >= LOOKED_MAX || (s->asked_to_stop && *s->asked_to_stop))
		s->stop = 1;
}

static void stop_looking(struct summary *s)
{
	for (uint32_t i = 0; i < s->nlooks; i++)
		ens_inspect_end(&s->looking[s->looks[i]]);
	s->nlooks = 0;
}

static enum ens_status begin_looking(void *user, struct ens_engine *engine, struct ens_order *order)
{
	struct summary *s = user;
	const struct ens_engine_watch watch = {.before = look_before, .after = look_after, .user = s};
	enum ens_status st = ENS_OK;

	(void)order;
	s->looking = ens_arena_zalloc(&s->arena, (s->tables->nrule + 1) * sizeof *s->looking);
	if (!s->looking)
		return ENS_ENOMEM;
	for (uint32_t i = 0; i < s->tables->nrule && st == ENS_OK && (s->of_all || i < RULES_MAX); i++) {
		if (!is_silent(s, i) || s->tables->rule[i].window != ENS_NONE)
			continue;
		s->looks[s->nlooks++] = i;
		st = ens_inspect_begin(&s->looking[i], engine, i);
	}
	if (st != ENS_OK)
		stop_looking(s);
	else
		ens_engine_watch(engine, &watch);
	return st;
}

static void end_looking(void *user, const struct ens_engine *engine, const struct ens_order *order)
{
	struct summary *s = user;

	(void)engine;
	(void)order;
	summary_write(s);
	stop_looking(s);
}

/* The rule's inspector; NULL: nobody looked at it. */
static const struct ens_inspector *inspector_of(const struct summary *s, uint32_t rule)
{
	for (uint32_t i = 0; i < s->nlooks; i++)
		if (s->looks[i] == rule)
			return &s->looking[rule];
	return NULL;
}

struct ens_run_hooks summary_looking(struct summary *s, const volatile sig_atomic_t *asked_to_stop)
{
	s->asked_to_stop = asked_to_stop;
	return (struct ens_run_hooks){.begin = begin_looking, .end = end_looking, .user = s};
}

/* ---- events ------------------------------------------------------------------------------------------------------- */

static void add_n(struct ens_buf *b, uint64_t n, const char *one, const char *many)
{
	ens_buf_addf(b, "%llu %s", (unsigned long long)n, n == 1 ? one : many);
}

static bool takes_in(const struct summary *s, const struct ens_t_rule *r, uint32_t type)
{
	for (uint32_t i = 0; i < r->inputs.count; i++)
		if (s->tables->input[r->inputs.first + i].type == type)
			return true;
	return false;
}

static uint64_t count_taken(const struct summary *s, const struct ens_t_rule *r, bool of_rule)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < s->tables->ntype; i++)
		if (takes_in(s, r, i) == of_rule)
			n += s->type[i].taken;
	return n;
}

/* "9 `Login`, 3 `Pay`": those that came, of the rule's types or of the others. */
static void add_taken(const struct summary *s, const struct ens_t_rule *r, bool of_rule, struct ens_buf *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->tables->ntype; i++) {
		if (!s->type[i].taken || takes_in(s, r, i) != of_rule || n++ > TYPES_MAX)
			continue;
		ens_buf_adds(b, n > 1 ? ", " : "");
		if (n > TYPES_MAX)
			ens_buf_adds(b, "...");
		else
			ens_buf_addf(b, "%llu `%s`", (unsigned long long)s->type[i].taken, s->type_name[i]);
	}
}

/* "`Login`, `Pay`": the rule's types. */
static void add_inputs(const struct summary *s, const struct ens_t_rule *r, struct ens_buf *b)
{
	for (uint32_t i = 0; i < r->inputs.count && i <= TYPES_MAX; i++) {
		ens_buf_adds(b, i ? ", " : "");
		if (i == TYPES_MAX)
			ens_buf_adds(b, "...");
		else
			ens_buf_addf(b, "`%s`", s->type_name[s->tables->input[r->inputs.first + i].type]);
	}
}

/* Entries that no type took, by the type that they name. */
static void add_other(const struct summary *s, const struct ens_t_rule *r, const char *other, struct ens_buf *b)
{
	const char *near;
	bool declared = false;

	for (uint32_t i = 0; i < s->tables->ntype; i++)
		declared |= strcmp(s->type_name[i], other) == 0;
	ens_buf_adds(b, "  entries name the type `");
	ens_buf_add_visible(b, other, strlen(other));
	if (declared) {
		ens_buf_adds(b, "`, but its `where` leaves them out\n");
		return;
	}
	near = ens_diag_nearest(other, s->type_name, s->tables->ntype);
	ens_buf_adds(b, "`, which no rule takes in");
	for (uint32_t i = 0; near && i < s->tables->ntype; i++)
		if (s->type_name[i] == near && takes_in(s, r, i))
			ens_buf_addf(b, ": did you mean `%s`?", near);
	ens_buf_addc(b, '\n');
}

static void add_none_came(const struct summary *s, const struct ens_t_rule *r, struct ens_buf *b)
{
	uint64_t rejected = 0;

	ens_buf_adds(b, "  no event of its types came (");
	add_inputs(s, r, b);
	ens_buf_addc(b, ')');
	if (count_taken(s, r, false)) {
		ens_buf_adds(b, "; what came: ");
		add_taken(s, r, false, b);
	}
	ens_buf_addc(b, '\n');
	if (!s->files)
		return;
	for (uint32_t i = 0; i < ENS_NREJECT; i++)
		rejected += s->files->rejected[i];
	if (rejected)
		ens_buf_addf(b, "  %llu of %llu entries were rejected\n", (unsigned long long)rejected,
			     (unsigned long long)s->files->entries);
	for (uint32_t i = 0; i < s->files->nother; i++)
		add_other(s, r, s->files->other[i], b);
}

static void add_not_taken(const struct summary *s, const struct ens_t_rule *r, struct ens_buf *b)
{
	for (uint32_t i = 0; i < s->tables->ntype; i++) {
		if (!takes_in(s, r, i))
			continue;
		if (s->type[i].late)
			ens_buf_addf(b, "  not taken, as too late: %llu `%s`\n", (unsigned long long)s->type[i].late,
				     s->type_name[i]);
		if (s->type[i].repeated)
			ens_buf_addf(b, "  not taken, as repeats (`unique`): %llu `%s`\n",
				     (unsigned long long)s->type[i].repeated, s->type_name[i]);
	}
}

static void add_keyless(const struct summary *s, const struct ens_t_rule *r, uint64_t n, struct ens_buf *b)
{
	const struct ens_t_list *parts = &s->tables->keygroup[r->keygroup].parts;
	const struct how_far h = {.tables = s->tables, .rule = r};

	ens_buf_addf(b, "  %llu of them %s no key, as ", (unsigned long long)n, n == 1 ? "has" : "have");
	for (uint32_t k = 0; k < parts->count; k++) {
		ens_buf_adds(b, k ? " or " : "");
		how_far_add_name(&h, s->tables->keypart[parts->first + k].name, b);
	}
	ens_buf_adds(b, " is null: they are for no match\n");
}

static void add_events(const struct summary *s, uint32_t rule, const struct ens_inspector *i, struct ens_buf *b)
{
	const struct ens_t_rule *r = &s->tables->rule[rule];
	const struct ens_rule_stats *c = &s->stats[rule];
	const uint64_t n = count_taken(s, r, true);

	ens_buf_adds(b, "  ");
	add_n(b, n, "event came", "events came");
	ens_buf_adds(b, " (");
	add_taken(s, r, true, b);
	ens_buf_addc(b, ')');
	if (i && !i->found.gave_up && !s->stop && s->tables->keygroup[r->keygroup].parts.count) {
		ens_buf_adds(b, i->nkey == ENS_INSPECT_KEYS_MAX ? " for more than " : " for ");
		add_n(b, i->nkey, "key", "keys");
	}
	if (c->concerned < n && r->window == ENS_NONE)
		ens_buf_addf(b, ", %llu of them such as the pattern asks for", (unsigned long long)c->concerned);
	if (r->window == ENS_NONE) {
		ens_buf_adds(b, "; ");
		add_n(b, c->started, "match began", "matches began");
		ens_buf_addf(b, ", %llu complete", (unsigned long long)c->matched);
	}
	ens_buf_addc(b, '\n');
	if (i && i->filtered)
		ens_buf_addf(b, "  `from` leaves %llu of them out\n", (unsigned long long)i->filtered);
	if (i && i->keyless)
		add_keyless(s, r, i->keyless, b);
}

/* ---- matches ------------------------------------------------------------------------------------------------------ */

static void add_having(const struct summary *s, uint32_t rule, struct ens_buf *b)
{
	const struct ens_rule_stats *c = &s->stats[rule];
	const struct ens_rule_sema *w = s->written[rule];

	if (!c->refused)
		return;
	ens_buf_adds(b, "  held back by `having");
	if (w && w->having && w->having->expr) {
		ens_buf_addc(b, ' ');
		ens_expr_write(w->having->expr, b);
		ens_buf_adds(b, w->having->once ? " once" : "");
	}
	ens_buf_addf(b, "`: %llu of ", (unsigned long long)c->refused);
	add_n(b, c->matched, "complete match\n", "complete matches\n");
}

static void add_held_back(const struct summary *s, uint32_t rule, struct ens_buf *b)
{
	const struct ens_rule_stats *c = &s->stats[rule];
	const struct ens_t_rule *r = &s->tables->rule[rule];

	add_having(s, rule, b);
	if (c->suppressed) {
		ens_buf_adds(b, "  held back by `limit`: ");
		add_n(b, c->suppressed, "match or timeout\n", "matches and timeouts\n");
	}
	if (c->timed_out) {
		ens_buf_adds(b, "  ");
		add_n(b, c->timed_out, "partial match timed out (`on timeout`)\n", "partial matches timed out (`on timeout`)\n");
	}
	if (c->matched > c->refused + c->suppressed && !c->emitted && emits(s, r, ENS_T_TIMEOUT))
		ens_buf_adds(b, "  complete matches emit nothing: the rule only has `on timeout`\n");
	if (c->partials && (s->hold || !s->files)) {
		ens_buf_adds(b, "  ");
		if (c->shared)
			add_n(b, c->partials, "event is kept for matches that are open", "events are kept for matches that are open");
		else
			add_n(b, c->partials, "partial match is still open", "partial matches are still open");
		ens_buf_adds(b, s->files ? ": time stands still at the last event (`--at-end hold`)\n" : "\n");
	}
}

static void add_rule(const struct summary *s, uint32_t rule, struct ens_buf *b)
{
	const struct ens_t_rule *r = &s->tables->rule[rule];
	const struct ens_inspector *i = inspector_of(s, rule);
	const struct how_far h = {.tables = s->tables, .rule = r, .written = s->written[rule], .with_times = s->several};

	ens_buf_adds(b, "ensue: rule ");
	how_far_add_name(&h, r->name, b);
	if (s->stats[rule].emitted) {
		ens_buf_adds(b, ": ");
		add_n(b, s->stats[rule].emitted, "emission\n", "emissions\n");
	} else {
		ens_buf_adds(b, is_silent(s, rule) ? " emitted nothing\n" : ": events for other rules\n");
	}
	if (!count_taken(s, r, true))
		add_none_came(s, r, b);
	else
		add_events(s, rule, i, b);
	add_not_taken(s, r, b);
	add_held_back(s, rule, b);
	if (i && (i->found.gave_up || s->stop))
		ens_buf_addf(b, "  that is too much to look at: what follows is of the first %llu events\n",
			     (unsigned long long)i->events);
	if (i && i->events && !s->stats[rule].matched)
		how_far_add_run(&h, i, b);
}

void summary_write(struct summary *s)
{
	uint32_t n = 0, left_out = 0;

	ens_buf_clear(&s->text);
	if (s->files && !s->files->entries) {
		ens_buf_adds(&s->text, "ensue: there is nothing in the input\n");
		return;
	}
	for (uint32_t i = 0; i < s->tables->nrule; i++) {
		if (s->of_all || n++ < RULES_MAX)
			add_rule(s, i, &s->text);
		else
			left_out++;
	}
	if (left_out)
		ens_buf_addf(&s->text, "ensue: nor did %u more rules emit anything; --summary tells of each\n", left_out);
}
