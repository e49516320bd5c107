/*
 * Text forms of graph and tables: one line a thing, indices as the format has them, so that a dump can be compared.
 * Tested by tests/lang (graphs, tables).
 */
#include "compiler/dump.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "compiler/graph.h"
#include "compiler/sema.h"
#include "runtime/program.h"

static const char *arrow_text(uint32_t a)
{
	return a == ENS_T_NEXT ? "," : a == ENS_T_ANY ? "->>" : "->";
}

static const char *const absence_text[] = {"until next", "very next", "timed", "until the scope ends"};

/* ---- graph ------------------------------------------------------------------------------------------------------ */

void ens_ref_write(const struct ens_ref *r, struct ens_buf *out)
{
	ens_buf_adds(out, r->type.name);
	if (r->cond) {
		ens_buf_addc(out, '[');
		ens_expr_write(r->cond, out);
		ens_buf_addc(out, ']');
	}
}

static void graph_op(const struct ens_g_op *o, struct ens_buf *out)
{
	switch (o->kind) {
	case ENS_T_AT_LEAST:
		ens_buf_addf(out, " if c%u >= %u", o->counter, o->n);
		break;
	case ENS_T_BELOW:
		ens_buf_addf(out, " if c%u < %u", o->counter, o->n);
		break;
	case ENS_T_LACKS:
		ens_buf_addf(out, " if c%u lacks %x", o->counter, o->n);
		break;
	case ENS_T_HOLDS:
		ens_buf_adds(out, " if ");
		ens_expr_write(o->expr, out);
		break;
	case ENS_T_SET:
		ens_buf_addf(out, " c%u = %u", o->counter, o->n);
		break;
	case ENS_T_ADD:
		ens_buf_addf(out, " c%u + 1 to %u", o->counter, o->n);
		break;
	case ENS_T_MARK:
		ens_buf_addf(out, " c%u marks %x", o->counter, o->n);
		break;
	case ENS_T_CLEAR:
		ens_buf_adds(out, " clear round");
		break;
	}
}

static void graph_absences(const struct ens_g_absence *a, struct ens_buf *out)
{
	for (; a; a = a->next) {
		ens_buf_addf(out, " not(%s) ", absence_text[a->kind]);
		ens_ref_write(a->ref, out);
		if (a->for_dur) {
			ens_buf_adds(out, " for ");
			ens_expr_write(a->for_dur, out);
		}
		if (a->new_round)
			ens_buf_adds(out, " in the new round");
	}
}

static void graph_entry(const struct ens_g_entry *e, uint32_t i, struct ens_buf *out)
{
	static const char *const kind[] = {"take", "accept", "fork", "end"};

	ens_buf_addf(out, "  %u %s", i, kind[e->kind]);
	if (e->kind == ENS_T_TAKE)
		ens_buf_addf(out, " %s %u%s%s%s", arrow_text(e->arrow), e->target,
			     e->flags & ENS_T_GREEDY ? " greedy" : "", e->flags & ENS_T_AGAIN ? " again" : "",
			     e->flags & ENS_T_EMPTY ? " empty" : "");
	ens_buf_addf(out, " else %u", e->branch_end);
	if (e->leave_end)
		ens_buf_addf(out, " left to %u", e->leave_end);
	if (e->after) {
		ens_buf_adds(out, " after ");
		ens_expr_write(e->after, out);
	}
	if (e->within) {
		ens_buf_adds(out, " within ");
		ens_expr_write(e->within, out);
	}
	for (const struct ens_g_op *o = e->guards; o; o = o->next)
		graph_op(o, out);
	for (const struct ens_g_op *o = e->actions; o; o = o->next)
		graph_op(o, out);
	graph_absences(e->absences, out);
	ens_buf_addc(out, '\n');
}

void ens_graph_dump(const struct ens_graph *g, struct ens_buf *out)
{
	if (g->leads) {
		ens_buf_adds(out, "leads");
		graph_absences(g->leads, out);
		ens_buf_addc(out, '\n');
	}
	for (uint32_t i = 0; i < g->nstate; i++) {
		const struct ens_pat *step = g->state[i].step;

		ens_buf_addf(out, "state %u", i);
		if (!step)
			ens_buf_adds(out, " start");
		else {
			ens_buf_addc(out, ' ');
			if (step->name.name)
				ens_buf_addf(out, "%s: ", step->name.name);
			ens_ref_write(step->ref, out);
			for (const struct ens_ref *ref = ens_pat_repetition(step)->until; ref; ref = ref->next) {
				ens_buf_adds(out, " until ");
				ens_ref_write(ref, out);
			}
		}
		ens_buf_addc(out, '\n');
		for (uint32_t k = 0; k < g->state[i].nentry; k++)
			graph_entry(&g->state[i].entry[k], k, out);
	}
}

/* ---- tables: small things ---------------------------------------------------------------------------------------- */

struct dump {
	const struct ens_tables *t;
	struct ens_buf *out;
};

static void text(const struct dump *d, struct ens_t_str s)
{
	ens_buf_add_json(d->out, d->t->bytes + s.off, s.len);
}

static void name(const struct dump *d, struct ens_t_str s)
{
	ens_buf_add_visible(d->out, d->t->bytes + s.off, s.len);
}

static void indices(const struct dump *d, const char *what, struct ens_t_list l)
{
	ens_buf_addf(d->out, " %s", what);
	for (uint32_t i = 0; i < l.count; i++)
		ens_buf_addf(d->out, "%s%u", i ? "," : " ", d->t->index[l.first + i]);
}

static void optional(const struct dump *d, const char *what, uint32_t i)
{
	if (i != ENS_NONE)
		ens_buf_addf(d->out, " %s %u", what, i);
}

static void constant(const struct dump *d, const struct ens_t_const *c, bool network)
{
	struct ens_value v = {0};

	if (c->null != ENS_SET) {
		ens_buf_addf(d->out, "null %s", ens_type_name((enum ens_type)c->type));
		return;
	}
	if (ens_type_is_bytes((enum ens_type)c->type)) {
		v.s = d->t->bytes + c->bits;
		v.len = c->type == ENS_IP ? 16 : c->len;
	} else {
		memcpy(&v.i, &c->bits, sizeof v.i);
	}
	if (c->type == ENS_DURATION)
		ens_format_duration(d->out, v.i);
	else
		ens_format_json(d->out, (enum ens_type)c->type, &v);
	if (network)
		ens_buf_addf(d->out, "/%u", c->len);
}

static void set(const struct dump *d, uint32_t i)
{
	struct ens_t_list l = d->t->set[i].consts;

	ens_buf_addc(d->out, '(');
	for (uint32_t k = 0; k < l.count; k++) {
		const struct ens_t_const *c = &d->t->constant[l.first + k];

		if (k)
			ens_buf_adds(d->out, ", ");
		constant(d, c, c->type == ENS_IP && c->null == ENS_SET);
	}
	ens_buf_addc(d->out, ')');
}

/* ---- tables: programs -------------------------------------------------------------------------------------------- */

#define NCOMPARE 6

/* What no path of the program leads to was not verified: are there the things that it names? */
static bool names_things(const struct ens_tables *t, const struct ens_t_program *p, const struct ens_t_insn *in)
{
	switch (in->op) {
	case ENS_OP_CONST:
		return in->index < t->nconstant;
	case ENS_OP_FIELD:
		return p->event_type != ENS_NONE && in->index < t->type[p->event_type].fields.count;
	case ENS_OP_COMPARE:
		return in->fn < NCOMPARE;
	case ENS_OP_IN:
	case ENS_OP_LIKE:
		return in->b < t->nset;
	case ENS_OP_MATCHES:
		return in->b < t->npattern;
	case ENS_OP_LOOKUP:
		return in->b < t->nlookup;
	case ENS_OP_CALL:
		return in->fn < ENS_NFUNCTION;
	default:
		return true;
	}
}

static void insn(const struct dump *d, const struct ens_t_program *p, uint32_t i)
{
	static const char *const op[] = {
#define X(opname, operands, effect) #opname,
		ENS_OPS(X)
#undef X
	};
	static const char *const compare[NCOMPARE] = {"=", "!=", "<", "<=", ">", ">="};
	const struct ens_t_insn *in = &d->t->insn[p->code.first + i];

	ens_buf_addf(d->out, "  %u %s", i, op[in->op]);
	if (!names_things(d->t, p, in)) {
		ens_buf_adds(d->out, " never reached\n");
		return;
	}
	switch (in->op) {
	case ENS_OP_JUMP:
		ens_buf_addf(d->out, " %u", in->index);
		break;
	case ENS_OP_JUMP_FALSE:
	case ENS_OP_JUMP_TRUE:
	case ENS_OP_JUMP_UNLESS:
	case ENS_OP_JUMP_SET:
		ens_buf_addf(d->out, " r%u %u", in->dst, in->index);
		break;
	case ENS_OP_CONST:
		ens_buf_addf(d->out, " r%u ", in->dst);
		constant(d, &d->t->constant[in->index], false);
		break;
	case ENS_OP_FIELD:
		ens_buf_addf(d->out, " r%u ", in->dst);
		name(d, d->t->field[d->t->type[p->event_type].fields.first + in->index].name);
		break;
	case ENS_OP_LOOKUP: {
		const struct ens_t_lookup *l = &d->t->lookup[in->b];
		const struct ens_t_type *type = &d->t->type[d->t->table[l->table].type];

		ens_buf_addf(d->out, " r%u ", in->dst);
		name(d, type->name);
		ens_buf_addf(d->out, "[r%u..].", in->a);
		name(d, d->t->field[type->fields.first + l->field].name);
		break;
	}
	case ENS_OP_SLOT:
	case ENS_OP_KEY:
	case ENS_OP_DISTINCT:
	case ENS_OP_PERCENTILE:
	case ENS_OP_LIST:
		ens_buf_addf(d->out, " r%u %u", in->dst, in->index);
		break;
	case ENS_OP_COMPARE:
		ens_buf_addf(d->out, " r%u r%u %s r%u", in->dst, in->a, compare[in->fn], in->b);
		break;
	case ENS_OP_IN:
	case ENS_OP_LIKE:
		ens_buf_addf(d->out, " r%u r%u ", in->dst, in->a);
		set(d, in->b);
		break;
	case ENS_OP_MATCHES:
		ens_buf_addf(d->out, " r%u r%u ", in->dst, in->a);
		text(d, d->t->pattern[in->b]);
		break;
	case ENS_OP_CALL:
		ens_buf_addf(d->out, " r%u %s r%u..%u", in->dst, ens_function_table[in->fn].name, in->a, in->b);
		break;
	case ENS_OP_EVENT_TIME:
	case ENS_OP_EVENT_ID:
	case ENS_OP_EVENT_STREAM:
	case ENS_OP_STEP:
	case ENS_OP_RET:
		ens_buf_addf(d->out, " r%u", in->dst);
		break;
	case ENS_OP_MOVE:
	case ENS_OP_NOT:
	case ENS_OP_NEG:
	case ENS_OP_IS_NULL:
	case ENS_OP_TO_FLOAT:
		ens_buf_addf(d->out, " r%u r%u", in->dst, in->a);
		break;
	default:
		ens_buf_addf(d->out, " r%u r%u r%u", in->dst, in->a, in->b);
	}
	ens_buf_addc(d->out, '\n');
}

static void programs(const struct dump *d)
{
	for (uint32_t i = 0; i < d->t->nprogram; i++) {
		const struct ens_t_program *p = &d->t->program[i];

		ens_buf_addf(d->out, "program %u %s registers %u", i, ens_type_name((enum ens_type)p->type), p->nreg);
		optional(d, "type", p->event_type);
		optional(d, "rule", p->rule);
		ens_buf_addc(d->out, '\n');
		for (uint32_t k = 0; k < p->code.count; k++)
			insn(d, p, k);
	}
	for (uint32_t i = 0; i < d->t->npredicate; i++)
		ens_buf_addf(d->out, "predicate %u type %u program %u\n", i, d->t->predicate[i].type,
			     d->t->predicate[i].program);
}

/* ---- tables: types, groups --------------------------------------------------------------------------------------- */

static void span(const struct dump *d, const char *word, int64_t us)
{
	ens_buf_adds(d->out, word);
	ens_format_duration(d->out, us);
}

static void type_options(const struct dump *d, const struct ens_t_type *t)
{
	static const char *const late[] = {[ENS_T_LATE_DROP] = " late drop", [ENS_T_LATE_ACCEPT] = " late accept",
					   [ENS_T_LATE_TO] = " late to "};

	optional(d, "sent", t->sent_field);
	if (t->late != ENS_T_LATE_DEAD)
		ens_buf_adds(d->out, late[t->late]);
	if (t->late == ENS_T_LATE_TO)
		text(d, t->late_stream);
	optional(d, "sharded by", t->shard_field);
	optional(d, "unique", t->unique_field);
	if (t->unique_field != ENS_NONE)
		span(d, " for ", t->unique_us);
}

/* Nothing where it is read from its own name. */
static void sources(const struct dump *d, const struct ens_t_field *f)
{
	const struct ens_t_str *from = &d->t->source[f->sources.first];

	if (f->sources.count == 1 && from->off == f->name.off && from->len == f->name.len)
		return;
	for (uint32_t i = 0; i < f->sources.count; i++) {
		ens_buf_adds(d->out, i ? " or " : " as ");
		text(d, from[i]);
	}
}

static void types(const struct dump *d)
{
	static const char *const unit[] = {"", "(s)", "(ms)", "(us)", "(ns)"};

	for (uint32_t i = 0; i < d->t->nstream; i++) {
		ens_buf_addf(d->out, "stream %u ", i);
		text(d, d->t->stream[i].name);
		indices(d, "types", d->t->stream[i].types);
		if (d->t->stream[i].lateness_us)
			span(d, " lateness ", d->t->stream[i].lateness_us);
		if (d->t->stream[i].idle_us != ENS_IDLE_DEFAULT_US)
			span(d, " idle ", d->t->stream[i].idle_us);
		ens_buf_addc(d->out, '\n');
	}
	for (uint32_t i = 0; i < d->t->ntype; i++) {
		const struct ens_t_type *t = &d->t->type[i];

		ens_buf_addf(d->out, "type %u ", i);
		name(d, t->name);
		if (t->kind == ENS_T_DERIVED)
			ens_buf_adds(d->out, " derived");
		else
			indices(d, "streams", t->streams);
		optional(d, "time", t->time_field);
		type_options(d, t);
		optional(d, "where", t->where);
		if (t->json.len) {
			ens_buf_adds(d->out, " json ");
			text(d, t->json);
		}
		ens_buf_addc(d->out, '\n');
		for (uint32_t k = 0; k < t->fields.count; k++) {
			const struct ens_t_field *f = &d->t->field[t->fields.first + k];

			ens_buf_addf(d->out, "  %u ", k);
			name(d, f->name);
			ens_buf_addf(d->out, ": %s%s%s%s", ens_type_name((enum ens_type)f->type), unit[f->unit],
				     f->optional ? "?" : "", k >= t->fields.count - t->nraw ? " raw" : "");
			sources(d, f);
			if (f->program != ENS_NONE)
				ens_buf_addf(d->out, " program %u", f->program);
			ens_buf_addc(d->out, '\n');
		}
	}
}

static void tables(const struct dump *d)
{
	for (uint32_t i = 0; i < d->t->ntable; i++) {
		ens_buf_addf(d->out, "table %u type %u", i, d->t->table[i].type);
		indices(d, "key", d->t->table[i].key);
		optional(d, "delete when", d->t->table[i].delete_when);
		ens_buf_addc(d->out, '\n');
	}
}

static void groups(const struct dump *d)
{
	for (uint32_t i = 0; i < d->t->nkeygroup; i++) {
		struct ens_t_list l = d->t->keygroup[i].parts;

		ens_buf_addf(d->out, "keygroup %u", i);
		for (uint32_t k = 0; k < l.count; k++) {
			const struct ens_t_keypart *p = &d->t->keypart[l.first + k];

			ens_buf_adds(d->out, k ? ", " : " ");
			name(d, p->name);
			ens_buf_addf(d->out, ": %s%s", ens_type_name((enum ens_type)p->type), p->null_ok ? "?" : "");
		}
		ens_buf_addc(d->out, '\n');
	}
	for (uint32_t i = 0; i < d->t->ngroup; i++) {
		ens_buf_addf(d->out, "group %u", i);
		indices(d, "streams", d->t->group[i].streams);
		indices(d, "rules", d->t->group[i].rules);
		ens_buf_addc(d->out, '\n');
	}
}

/* ---- tables: rules ----------------------------------------------------------------------------------------------- */

static void ops(const struct dump *d, const char *what, struct ens_t_list l)
{
	for (uint32_t i = 0; i < l.count; i++) {
		const struct ens_t_op *o = &d->t->op[l.first + i];

		ens_buf_addf(d->out, " %s", what);
		switch ((enum ens_t_op_kind)o->kind) {
		case ENS_T_AT_LEAST:
			ens_buf_addf(d->out, " c%u >= %u", o->reg, o->n);
			break;
		case ENS_T_BELOW:
			ens_buf_addf(d->out, " c%u < %u", o->reg, o->n);
			break;
		case ENS_T_LACKS:
			ens_buf_addf(d->out, " c%u lacks %x", o->reg, o->n);
			break;
		case ENS_T_HOLDS:
			ens_buf_addf(d->out, " program %u", o->n);
			break;
		case ENS_T_SET:
			ens_buf_addf(d->out, " c%u = %u", o->reg, o->n);
			break;
		case ENS_T_ADD:
			ens_buf_addf(d->out, " c%u + 1 to %u", o->reg, o->n);
			if (o->least)
				ens_buf_addf(d->out, " of at least %u", o->least);
			break;
		case ENS_T_MARK:
			ens_buf_addf(d->out, " c%u marks %x", o->reg, o->n);
			break;
		case ENS_T_CLEAR:
			ens_buf_addf(d->out, " clear s%u..%u", o->reg, o->reg + o->n - 1);
			break;
		}
	}
}

static void time_limit(const struct dump *d, const char *what, int64_t us, uint32_t program)
{
	if (us >= 0) {
		ens_buf_addf(d->out, " %s ", what);
		ens_format_duration(d->out, us);
	}
	if (program != ENS_NONE)
		ens_buf_addf(d->out, " %s program %u", what, program);
}

static void absences(const struct dump *d, struct ens_t_list l)
{
	for (uint32_t i = 0; i < l.count; i++) {
		const struct ens_t_absence *a = &d->t->absence[l.first + i];

		ens_buf_addf(d->out, " not(%s) type %u", absence_text[a->kind], a->type);
		optional(d, "predicate", a->predicate);
		optional(d, "condition", a->condition);
		time_limit(d, "for", a->for_us, a->for_program);
		if (a->new_round)
			ens_buf_adds(d->out, " in the new round");
	}
}

static void entry(const struct dump *d, const struct ens_t_entry *e, uint32_t i)
{
	static const char *const kind[] = {"take", "accept", "fork", "end"};

	ens_buf_addf(d->out, "    %u %s", i, kind[e->kind]);
	if (e->kind == ENS_T_TAKE)
		ens_buf_addf(d->out, " %s %u%s%s%s", arrow_text(e->arrow), e->target,
			     e->flags & ENS_T_GREEDY ? " greedy" : "", e->flags & ENS_T_AGAIN ? " again" : "",
			     e->flags & ENS_T_EMPTY ? " empty" : "");
	ens_buf_addf(d->out, " else %u", e->branch_end);
	if (e->leave_end)
		ens_buf_addf(d->out, " left to %u", e->leave_end);
	time_limit(d, "after", e->after_us, e->after_program);
	time_limit(d, "within", e->within_us, e->within_program);
	ops(d, "if", e->guards);
	ops(d, "do", e->actions);
	absences(d, e->absences);
	ens_buf_addc(d->out, '\n');
}

static void captures(const struct dump *d, struct ens_t_list l)
{
	static const char *const kind[] = {"keep", "keep first", "first", "latest", "count", "sum", "min", "max", "shift", "collect"};

	for (uint32_t i = 0; i < l.count; i++) {
		const struct ens_t_capture *c = &d->t->capture[l.first + i];

		ens_buf_addf(d->out, "    s%u %s", c->slot, kind[c->kind]);
		if (c->kind == ENS_T_SHIFT)
			ens_buf_addf(d->out, " to s%u", c->slot + c->n - 1);
		ens_buf_addf(d->out, " program %u\n", c->program);
	}
}

static void refs(const struct dump *d, const char *what, struct ens_t_list l)
{
	for (uint32_t i = 0; i < l.count; i++) {
		const struct ens_t_ref *x = &d->t->ref[l.first + i];

		ens_buf_addf(d->out, " %s type %u", what, x->type);
		optional(d, "predicate", x->predicate);
		optional(d, "condition", x->condition);
	}
}

static void state(const struct dump *d, const struct ens_t_state *s, uint32_t i)
{
	ens_buf_addf(d->out, "  state %u", i);
	if (s->name.len) {
		ens_buf_addc(d->out, ' ');
		name(d, s->name);
	}
	optional(d, "type", s->type);
	optional(d, "predicate", s->predicate);
	optional(d, "condition", s->condition);
	refs(d, "until", s->untils);
	ens_buf_addc(d->out, '\n');
	captures(d, s->captures);
	for (uint32_t k = 0; k < s->entries.count; k++)
		entry(d, &d->t->entry[s->entries.first + k], k);
}

static void scope(const struct dump *d, const struct ens_t_rule *r)
{
	switch ((enum ens_t_scope)r->scope) {
	case ENS_T_UNBOUNDED:
		return;
	case ENS_T_TIME:
		time_limit(d, "within", r->scope_amount, ENS_NONE);
		return;
	case ENS_T_EVENTS:
		ens_buf_addf(d->out, " within %lld events", (long long)r->scope_amount);
		return;
	case ENS_T_SESSION:
		time_limit(d, "session", r->scope_amount, ENS_NONE);
		time_limit(d, "max", r->session_max_us, ENS_NONE);
	}
}

static void inputs_and_slots(const struct dump *d, const struct ens_t_rule *r)
{
	static const char *const holds[] = {[ENS_T_VALUE] = "", [ENS_T_LIST] = "list of ",
					    [ENS_T_DISTINCT] = "different ", [ENS_T_SKETCH] = "distribution of "};

	for (uint32_t k = 0; k < r->inputs.count; k++) {
		const struct ens_t_input *in = &d->t->input[r->inputs.first + k];

		ens_buf_addf(d->out, "  input type %u", in->type);
		optional(d, "filter", in->filter);
		if (in->key.count)
			indices(d, "key", in->key);
		ens_buf_addc(d->out, '\n');
	}
	for (uint32_t k = 0; k < r->slots.count; k++) {
		const struct ens_t_slot *s = &d->t->slot[r->slots.first + k];

		ens_buf_addf(d->out, "  slot s%u %s%s", k, holds[s->holds], ens_type_name((enum ens_type)s->type));
		if (s->init.null == ENS_SET) {
			ens_buf_adds(d->out, " = ");
			constant(d, &s->init, false);
		}
		ens_buf_addc(d->out, '\n');
	}
}

static void emit_head(const struct dump *d, const struct ens_t_emit *e)
{
	ens_buf_adds(d->out, e->kind == ENS_T_DERIVE    ? "  derive "
			     : e->kind == ENS_T_TIMEOUT ? "  on timeout emit "
							: "  emit ");
	name(d, e->type);
	if (e->kind == ENS_T_DERIVE) {
		ens_buf_addf(d->out, " type %u", e->derives);
	} else if (e->target == ENS_T_STREAM) {
		ens_buf_adds(d->out, " to ");
		text(d, e->stream);
	} else {
		ens_buf_addf(d->out, " to %s program %u", e->target == ENS_T_HASH ? "hash" : "channel", e->name);
		optional(d, "remove when program", e->remove_when);
		if (e->expire_us) {
			ens_buf_adds(d->out, " expire ");
			ens_format_duration(d->out, e->expire_us);
		}
	}
	ens_buf_addc(d->out, '\n');
}

static void emits(const struct dump *d, const struct ens_t_rule *r)
{
	for (uint32_t k = 0; k < r->emits.count; k++) {
		const struct ens_t_emit *e = &d->t->emit[r->emits.first + k];

		emit_head(d, e);
		for (uint32_t o = 0; o < e->outs.count; o++) {
			const struct ens_t_out *x = &d->t->out[e->outs.first + o];

			ens_buf_adds(d->out, "    ");
			name(d, x->name);
			ens_buf_addf(d->out, ": %s", ens_type_name((enum ens_type)x->type));
			if (x->type == ENS_LIST)
				ens_buf_addf(d->out, " of %s", ens_type_name((enum ens_type)x->element));
			ens_buf_addf(d->out, " program %u%s", x->program, x->meta ? " meta" : "");
			optional(d, "field", x->field);
			ens_buf_addc(d->out, '\n');
		}
	}
}

static void limit(const struct dump *d, const struct ens_t_rule *r)
{
	if (!r->limit_count)
		return;
	ens_buf_addf(d->out, " limit %lld", (long long)r->limit_count);
	time_limit(d, "per", r->limit_us, ENS_NONE);
	optional(d, "by", r->limit_by);
}

static void window(const struct dump *d, uint32_t i)
{
	static const char *const kind[] = {"tumbling", "hopping", "sliding", "session", "events", "running"};
	const struct ens_t_window *x;

	if (i == ENS_NONE)
		return;
	x = &d->t->window[i];
	ens_buf_addf(d->out, " window %s", kind[x->kind]);
	if (x->kind == ENS_T_COUNTED)
		ens_buf_addf(d->out, " %lld every %lld", (long long)x->size, (long long)x->every);
	else if (x->kind != ENS_T_RUNNING)
		time_limit(d, "of", x->size, ENS_NONE);
	if (x->kind == ENS_T_HOPPING)
		time_limit(d, "every", x->every, ENS_NONE);
	if (x->zone.len) {
		ens_buf_adds(d->out, " zone ");
		text(d, x->zone);
	}
	ens_buf_adds(d->out, x->empty ? " empty" : "");
	time_limit(d, "max", x->max_us, ENS_NONE);
	time_limit(d, "forget after", x->forget_us, ENS_NONE);
	time_limit(d, "revise", x->revise_us ? x->revise_us : -1, ENS_NONE);
}

static void rules(const struct dump *d)
{
	static const char *const select[] = {"", " last", " all"};
	static const char *const skip[] = {"default", "none", "to next", "past last", "to first", "to last", "all"};

	for (uint32_t i = 0; i < d->t->nrule; i++) {
		const struct ens_t_rule *r = &d->t->rule[i];

		ens_buf_addf(d->out, "rule %u ", i);
		name(d, r->name);
		if (r->title.len) {
			ens_buf_addc(d->out, ' ');
			text(d, r->title);
		}
		ens_buf_addf(d->out, " group %u keygroup %u counters %u", r->group, r->keygroup, r->ncounter);
		if (r->layer)
			ens_buf_addf(d->out, " layer %u", r->layer);
		scope(d, r);
		window(d, r->window);
		ens_buf_adds(d->out, select[r->select]);
		optional(d, "having", r->having);
		ens_buf_adds(d->out, r->having_once ? " once" : "");
		if (r->skip)
			ens_buf_addf(d->out, " skip %s", skip[r->skip]);
		if (r->skip_states.count)
			indices(d, "states", r->skip_states);
		refs(d, "reset", r->resets);
		limit(d, r);
		if (r->tables.count)
			indices(d, "tables", r->tables);
		ens_buf_addc(d->out, '\n');
		inputs_and_slots(d, r);
		if (r->leads.count) {
			ens_buf_adds(d->out, "  leads");
			absences(d, r->leads);
			ens_buf_addc(d->out, '\n');
		}
		for (uint32_t k = 0; k < r->states.count; k++)
			state(d, &d->t->state[r->states.first + k], k);
		emits(d, r);
	}
}

void ens_tables_dump(const struct ens_tables *t, struct ens_buf *out)
{
	const struct dump d = {t, out};

	types(&d);
	tables(&d);
	groups(&d);
	programs(&d);
	rules(&d);
}
