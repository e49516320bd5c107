/*
 * Programs: one walk over the checked expression, results in registers by depth.
 *
 * The expression at depth k leaves its value in register k and uses those above, so a register is always written before
 * it is read and has one type where paths meet.  `and`, `or`, `if`, `??` jump over what need not be computed; jumps go
 * forward only.  A key is read as the field it comes from where an event is at hand, so that conditions on keys stay
 * conditions on one event.  Cost: linear in the expression.  Tested by tests/lang/tables.test.
 */
#include "compiler/code.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "runtime/program.h"

struct writer {
	struct ens_coder *c;
	const struct ens_decl *hand;
	struct ens_buf code;         /* struct ens_t_insn */
	uint32_t nreg;
	bool reads_event, reads_match, too_large;
};

static void value(struct writer *w, const struct ens_expr *e, enum ens_type want, uint32_t d);

/* ---- instructions ----------------------------------------------------------------------------------------------- */

static uint32_t here(const struct writer *w)
{
	return (uint32_t)(w->code.len / sizeof(struct ens_t_insn));
}

static uint32_t put(struct writer *w, struct ens_t_insn i)
{
	uint32_t at = here(w);

	if (at >= ENS_PROGRAM_MAX_INSNS - 1)
		w->too_large = true;
	else
		ens_buf_add(&w->code, &i, sizeof i);
	return at;
}

static uint32_t with_index(struct writer *w, enum ens_op op, uint32_t d, uint32_t index)
{
	return put(w, (struct ens_t_insn){.op = (uint8_t)op, .dst = (uint16_t)d, .index = index});
}

static void with_regs(struct writer *w, enum ens_op op, uint32_t d, uint32_t a, uint32_t b, uint32_t fn)
{
	if (a > UINT16_MAX || b > UINT16_MAX)
		w->too_large = true;
	put(w, (struct ens_t_insn){
		       .op = (uint8_t)op, .fn = (uint8_t)fn, .dst = (uint16_t)d, .a = (uint16_t)a, .b = (uint16_t)b});
}

/* Lets the jump at `at` go to the next instruction. */
static void land(struct writer *w, uint32_t at)
{
	if (at < here(w))
		((struct ens_t_insn *)(void *)w->code.data)[at].index = here(w);
}

static bool use(struct writer *w, uint32_t d)
{
	if (d >= ENS_REGISTERS_MAX) {
		w->too_large = true;
		return false;
	}
	if (d >= w->nreg)
		w->nreg = d + 1;
	return true;
}

/* ---- leaves ----------------------------------------------------------------------------------------------------- */

static void constant(struct writer *w, enum ens_type type, struct ens_value v, uint32_t d)
{
	struct ens_build *b = w->c->build;

	with_index(w, ENS_OP_CONST, d, ens_build_const(b, ens_build_value(b, type, &v)));
}

static void null_constant(struct writer *w, enum ens_type type, uint32_t d)
{
	constant(w, type, (struct ens_value){.null = ENS_NULL}, d);
}

static struct ens_value as_type(const struct ens_expr *e, enum ens_type want)
{
	struct ens_value v = e->sema ? e->sema->value : e->literal;

	v.null = ENS_SET;
	if (e->type == ENS_NOTYPE)
		v = (struct ens_value){.null = ENS_NULL};
	else if (e->type == ENS_INT && want == ENS_FLOAT)
		v = (struct ens_value){.f = (double)e->literal.i};
	return v;
}

static void field(struct writer *w, const char *name, uint32_t d)
{
	struct ens_field_ref f = ens_type_field(w->hand, name);
	uint32_t i = ens_map_find_name(&w->hand->sema->field_map, name);

	w->reads_event = true;
	if (i != ENS_MAP_NONE) /* declared or, in the type's own `where`, raw */
		with_index(w, ENS_OP_FIELD, d, i);
	else if (f.kind == ENS_FIELD_TIME)
		with_index(w, ENS_OP_EVENT_TIME, d, 0);
	else
		with_index(w, f.kind == ENS_FIELD_ID ? ENS_OP_EVENT_ID : ENS_OP_EVENT_STREAM, d, 0);
}

static void key(struct writer *w, uint32_t part, uint32_t d)
{
	const struct ens_input_sema *in = w->hand ? ens_rule_input(w->c->rule, w->hand) : NULL;

	if (in) {
		w->reads_event = true;
		with_index(w, ENS_OP_FIELD, d, in->key_field[part]);
		return;
	}
	w->reads_match = true;
	with_index(w, ENS_OP_KEY, d, part);
}

static void slot(struct writer *w, const struct ens_slot *s, uint32_t d)
{
	w->reads_match = true;
	with_index(w, ENS_OP_SLOT, d, s ? s->index : 0);
}

static void step(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	const struct ens_slot *s = ens_slot_of_step(w->c->rule, e);

	if (s && s->kind == ENS_SLOT_BACK) {
		w->reads_match = true;
		with_index(w, ENS_OP_SLOT, d, s->index + (uint32_t)-e->sema->nth - 1);
	} else {
		slot(w, s, d);
	}
}

/* Its key in registers from d on. */
static void lookup(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	const struct ens_decl_sema *table = e->sema->table->sema;

	for (uint32_t i = 0; i < table->nkey; i++)
		value(w, e->arg[0]->arg[i + 1], table->field[table->key[i]].type, d + i);
	w->reads_match = true;
	with_regs(w, ENS_OP_LOOKUP, d, d, ens_build_lookup(w->c->build, table->record, e->sema->index), 0);
}

/* ---- calls ------------------------------------------------------------------------------------------------------ */

/* avg: the sum by the count, null for none (which is no division by zero that anyone should hear of). */
static void average(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	const struct ens_slot *sum = ens_slot_of_aggregate(w->c->rule, e, ENS_SLOT_SUM);
	const struct ens_slot *count = ens_slot_of_aggregate(w->c->rule, e, ENS_SLOT_COUNT);
	uint32_t none, end;

	if (!use(w, d + 2))
		return;
	slot(w, count, d + 1);
	constant(w, ENS_INT, (struct ens_value){.i = 0}, d + 2);
	with_regs(w, ENS_OP_COMPARE, d, d + 1, d + 2, ENS_CMP_GT);
	none = with_index(w, ENS_OP_JUMP_UNLESS, d, 0);
	slot(w, sum, d);
	if (sum && sum->type == ENS_INT)
		with_regs(w, ENS_OP_TO_FLOAT, d, d, 0, 0);
	with_regs(w, ENS_OP_TO_FLOAT, d + 1, d + 1, 0, 0);
	with_regs(w, ENS_OP_DIV, d, d, d + 1, 0);
	end = with_index(w, ENS_OP_JUMP, 0, 0);
	land(w, none);
	null_constant(w, ENS_FLOAT, d);
	land(w, end);
}

/* stddev: the root of the spread by the count less one, null for fewer than two. */
static void deviation(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	const struct ens_slot *spread = ens_slot_of_aggregate(w->c->rule, e, ENS_SLOT_SPREAD);
	uint32_t few, end;

	if (!use(w, d + 2))
		return;
	slot(w, spread ? spread->count : NULL, d + 1);
	constant(w, ENS_INT, (struct ens_value){.i = 1}, d + 2);
	with_regs(w, ENS_OP_COMPARE, d, d + 1, d + 2, ENS_CMP_GT);
	few = with_index(w, ENS_OP_JUMP_UNLESS, d, 0);
	with_regs(w, ENS_OP_SUB, d + 1, d + 1, d + 2, 0);
	with_regs(w, ENS_OP_TO_FLOAT, d + 1, d + 1, 0, 0);
	slot(w, spread, d);
	with_regs(w, ENS_OP_DIV, d, d, d + 1, 0);
	with_regs(w, ENS_OP_CALL, d, d, 1, ENS_FN_SQRT);
	end = with_index(w, ENS_OP_JUMP, 0, 0);
	land(w, few);
	null_constant(w, ENS_FLOAT, d);
	land(w, end);
}

static enum ens_type letter_type(char c)
{
	switch (c) {
	case 'b': return ENS_BOOL;
	case 'i': return ENS_INT;
	case 'f': return ENS_FLOAT;
	case 's': return ENS_STRING;
	case 't': return ENS_TIME;
	case 'd': return ENS_DURATION;
	default: return ENS_IP;
	}
}

static void function(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	const char *args = ens_function_table[e->sema->index].arguments;
	size_t last = strlen(args);

	if (last && args[last - 1] == '*')
		last--;
	for (uint32_t i = 0; i < e->narg; i++)
		value(w, e->arg[i], letter_type(args[i < last ? i : last - 1]), d + i);
	with_regs(w, ENS_OP_CALL, d, d, e->narg, e->sema->index);
}

/* The first of the arguments that is not null. */
static void first_set(struct writer *w, const struct ens_expr *e, enum ens_type type, uint32_t d)
{
	uint32_t previous = UINT32_MAX;

	/* Each jump goes to the next one, which jumps on: chains are short and the code has one pass. */
	for (uint32_t i = 0; i < e->narg; i++) {
		uint32_t jump = UINT32_MAX;

		value(w, e->arg[i], type, d);
		if (previous != UINT32_MAX)
			land(w, previous);
		if (i + 1 < e->narg)
			jump = with_index(w, ENS_OP_JUMP_SET, d, 0);
		previous = jump;
	}
}

/* Of what a slot collected: how many different values, the values, a percentile of them. */
static void collected(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	static const struct {
		enum ens_slot_kind kind;
		enum ens_op op;
	} row[] = {
		[ENS_A_COUNT_DISTINCT] = {ENS_SLOT_DISTINCT, ENS_OP_DISTINCT},
		[ENS_A_LIST] = {ENS_SLOT_LIST, ENS_OP_LIST},
		[ENS_A_SET] = {ENS_SLOT_DISTINCT, ENS_OP_LIST},
		[ENS_A_PERCENTILE] = {ENS_SLOT_SKETCH, ENS_OP_PERCENTILE},
	};
	const enum ens_aggregate what = e->sema->aggregate;
	const struct ens_slot *s = ens_slot_of_aggregate(w->c->rule, e, row[what].kind);

	if (what == ENS_A_PERCENTILE)
		constant(w, ENS_FLOAT, (struct ens_value){.f = e->sema->percent}, d);
	w->reads_match = true;
	with_index(w, row[what].op, d, s ? s->index : 0);
}

static void call(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	if (e->sema->mean == ENS_MEAN_FUNCTION)
		function(w, e, d);
	else if (e->sema->mean == ENS_MEAN_COALESCE)
		first_set(w, e, e->type, d);
	else if (e->sema->aggregate == ENS_A_AVG)
		average(w, e, d);
	else if (e->sema->aggregate == ENS_A_STDDEV)
		deviation(w, e, d);
	else if (e->sema->aggregate >= ENS_A_COUNT_DISTINCT)
		collected(w, e, d);
	else {
		static const enum ens_slot_kind kind[] = {
			[ENS_A_COUNT] = ENS_SLOT_COUNT, [ENS_A_SUM] = ENS_SLOT_SUM, [ENS_A_MIN] = ENS_SLOT_MIN,
			[ENS_A_MAX] = ENS_SLOT_MAX, [ENS_A_FIRST] = ENS_SLOT_FIRST, [ENS_A_LAST] = ENS_SLOT_LATEST,
		};

		slot(w,
		     ens_slot_of_aggregate(w->c->rule, e,
					   e->sema->counts_events ? ENS_SLOT_EVENTS : kind[e->sema->aggregate]),
		     d);
	}
}

/* ---- operators -------------------------------------------------------------------------------------------------- */

static void logic(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	bool and = e->kind == ENS_X_AND;
	uint32_t end;

	value(w, e->arg[0], ENS_BOOL, d);
	end = with_index(w, and ? ENS_OP_JUMP_FALSE : ENS_OP_JUMP_TRUE, d, 0);
	value(w, e->arg[1], ENS_BOOL, d + 1);
	with_regs(w, and ? ENS_OP_AND : ENS_OP_OR, d, d, d + 1, 0);
	land(w, end);
}

/* The one type in which arguments from .. of e meet; nulls take it. */
static enum ens_type common(const struct ens_expr *e, uint32_t from)
{
	enum ens_type type = ENS_NOTYPE;

	for (uint32_t i = from; i < e->narg; i++)
		if (type == ENS_NOTYPE || (type == ENS_INT && e->arg[i]->type == ENS_FLOAT))
			type = e->arg[i]->type;
	return type;
}

static void compare(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	enum ens_type type = common(e, 0);

	value(w, e->arg[0], type, d);
	value(w, e->arg[1], type, d + 1);
	with_regs(w, ENS_OP_COMPARE, d, d, d + 1, (uint32_t)e->kind - (uint32_t)ENS_X_EQ);
}

static void negate_if(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	if (e->negated)
		with_regs(w, ENS_OP_NOT, d, d, 0, 0);
}

static void between(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	enum ens_type type = common(e, 0);

	if (!use(w, d + 2))
		return;
	value(w, e->arg[0], type, d + 1);
	value(w, e->arg[1], type, d + 2);
	with_regs(w, ENS_OP_COMPARE, d, d + 1, d + 2, ENS_CMP_GE);
	value(w, e->arg[2], type, d + 2);
	with_regs(w, ENS_OP_COMPARE, d + 1, d + 1, d + 2, ENS_CMP_LE);
	with_regs(w, ENS_OP_AND, d, d, d + 1, 0);
	negate_if(w, e, d);
}

static bool is_fixed(const struct ens_expr *e)
{
	return e->kind == ENS_X_LITERAL || (e->kind == ENS_X_NEG && e->arg[0]->kind == ENS_X_LITERAL);
}

/* A literal of a set, with its sign. */
static struct ens_t_const member(struct writer *w, const struct ens_expr *e, enum ens_type type)
{
	const struct ens_expr *lit = e->kind == ENS_X_NEG ? e->arg[0] : e;
	struct ens_value v = as_type(lit, type);

	if (e != lit && !v.null) {
		if (type == ENS_FLOAT)
			v.f = -v.f;
		else
			v.i = -v.i; /* a literal is not negative by itself */
	}

	struct ens_t_const c = ens_build_value(w->c->build, type, &v);

	if (type == ENS_IP && !v.null)
		c.len = lit->sema->index; /* bits of the prefix */
	return c;
}

static void in_set(struct writer *w, const struct ens_expr *e, enum ens_type type, uint32_t d)
{
	uint32_t n = e->narg - 1;
	struct ens_t_const *c = ens_arena_alloc(w->c->build->arena, n * sizeof *c);

	if (!c)
		return;
	for (uint32_t i = 0; i < n; i++)
		c[i] = member(w, e->arg[i + 1], type);
	with_regs(w, e->kind == ENS_X_LIKE ? ENS_OP_LIKE : ENS_OP_IN, d, d, ens_build_set(w->c->build, c, n), 0);
}

/* No value to compare with. */
static bool is_network(const struct ens_expr *e)
{
	return e->kind == ENS_X_LITERAL && e->type == ENS_IP && e->sema && e->sema->index < 128;
}

static void in(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	enum ens_type type = common(e, 0);
	bool fixed = true;

	for (uint32_t i = 1; i < e->narg; i++)
		fixed &= is_fixed(e->arg[i]);
	if (fixed) {
		value(w, e->arg[0], type, d);
		in_set(w, e, type, d);
		negate_if(w, e, d);
		return;
	}
	/* x = a or x = b or ...: null as `or` has it. */
	if (!use(w, d + 2))
		return;
	value(w, e->arg[0], type, d + 1);
	for (uint32_t i = 1; i < e->narg; i++) {
		const uint32_t to = i == 1 ? d : d + 2;

		if (is_network(e->arg[i])) {
			const struct ens_t_const network = member(w, e->arg[i], type);

			with_regs(w, ENS_OP_IN, to, d + 1, ens_build_set(w->c->build, &network, 1), 0);
		} else {
			value(w, e->arg[i], type, d + 2);
			with_regs(w, ENS_OP_COMPARE, to, d + 1, d + 2, ENS_CMP_EQ);
		}
		if (i > 1)
			with_regs(w, ENS_OP_OR, d, d, d + 2, 0);
	}
	negate_if(w, e, d);
}

static void arithmetic(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	static const enum ens_op op[] = {
		[ENS_X_ADD - ENS_X_ADD] = ENS_OP_ADD, [ENS_X_SUB - ENS_X_ADD] = ENS_OP_SUB,
		[ENS_X_MUL - ENS_X_ADD] = ENS_OP_MUL, [ENS_X_DIV - ENS_X_ADD] = ENS_OP_DIV,
		[ENS_X_MOD - ENS_X_ADD] = ENS_OP_MOD,
	};
	const struct ens_expr *a = e->arg[0], *b = e->arg[1];
	bool number = e->type == ENS_FLOAT && a->type != ENS_DURATION;
	/* Factors and summands change places where the instruction wants one order: durations and times first. */
	bool swap = (e->kind == ENS_X_MUL && b->type == ENS_DURATION) ||
		    (e->kind == ENS_X_ADD && a->type == ENS_DURATION && b->type == ENS_TIME);

	value(w, a, number ? ENS_FLOAT : a->type, d);
	value(w, b, number ? ENS_FLOAT : b->type, d + 1);
	with_regs(w, op[e->kind - ENS_X_ADD], d, swap ? d + 1 : d, swap ? d : d + 1, 0);
}

static void choose(struct writer *w, const struct ens_expr *e, enum ens_type type, uint32_t d)
{
	uint32_t otherwise, end;

	value(w, e->arg[0], ENS_BOOL, d);
	otherwise = with_index(w, ENS_OP_JUMP_UNLESS, d, 0);
	value(w, e->arg[1], type, d);
	end = with_index(w, ENS_OP_JUMP, 0, 0);
	land(w, otherwise);
	value(w, e->arg[2], type, d);
	land(w, end);
}

static void is_null(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	value(w, e->arg[0], e->arg[0]->type == ENS_NOTYPE ? ENS_BOOL : e->arg[0]->type, d);
	with_regs(w, ENS_OP_IS_NULL, d, d, 0, 0);
	negate_if(w, e, d);
}

static void operator(struct writer *w, const struct ens_expr *e, uint32_t d)
{
	switch (e->kind) {
	case ENS_X_AND:
	case ENS_X_OR:
		logic(w, e, d);
		break;
	case ENS_X_NOT:
		value(w, e->arg[0], ENS_BOOL, d);
		with_regs(w, ENS_OP_NOT, d, d, 0, 0);
		break;
	case ENS_X_NEG:
		value(w, e->arg[0], e->type, d);
		with_regs(w, ENS_OP_NEG, d, d, 0, 0);
		break;
	case ENS_X_BETWEEN:
		between(w, e, d);
		break;
	case ENS_X_COALESCE:
		first_set(w, e, e->type, d);
		break;
	case ENS_X_IF:
		choose(w, e, e->type, d);
		break;
	case ENS_X_IN:
		in(w, e, d);
		break;
	case ENS_X_LIKE:
		value(w, e->arg[0], ENS_STRING, d);
		in_set(w, e, ENS_STRING, d);
		negate_if(w, e, d);
		break;
	case ENS_X_MATCHES:
		value(w, e->arg[0], ENS_STRING, d);
		with_regs(w, ENS_OP_MATCHES, d, d,
			  ens_build_pattern(w->c->build, e->arg[1]->literal.s, e->arg[1]->literal.len), 0);
		negate_if(w, e, d);
		break;
	case ENS_X_ISNULL:
		is_null(w, e, d);
		break;
	case ENS_X_EQ:
	case ENS_X_NE:
	case ENS_X_LT:
	case ENS_X_LE:
	case ENS_X_GT:
	case ENS_X_GE:
		compare(w, e, d);
		break;
	default:
		arithmetic(w, e, d);
	}
}

/* The value of e as type `want`, into register d. */
static void value(struct writer *w, const struct ens_expr *e, enum ens_type want, uint32_t d)
{
	if (w->too_large || !use(w, d))
		return;
	if (e->kind == ENS_X_LITERAL) {
		constant(w, want, as_type(e, want), d);
		return;
	}
	if (e->type == ENS_NOTYPE) { /* if and ?? of nulls only */
		null_constant(w, want, d);
		return;
	}
	switch (e->sema ? e->sema->mean : ENS_MEAN_NOTHING) {
	case ENS_MEAN_FIELD:
		field(w, e->sema->field, d);
		break;
	case ENS_MEAN_KEY:
		key(w, e->sema->index, d);
		break;
	case ENS_MEAN_STEP:
	case ENS_MEAN_PREV:
		step(w, e, d);
		break;
	case ENS_MEAN_LOOKUP:
		lookup(w, e, d);
		break;
	case ENS_MEAN_AGGREGATE:
	case ENS_MEAN_FUNCTION:
	case ENS_MEAN_COALESCE:
		call(w, e, d);
		break;
	case ENS_MEAN_STEP_NAME:
		w->reads_match = true;
		with_index(w, ENS_OP_STEP, d, 0);
		break;
	case ENS_MEAN_NOTHING:
		operator(w, e, d);
		break;
	}
	if (e->type == ENS_INT && want == ENS_FLOAT)
		with_regs(w, ENS_OP_TO_FLOAT, d, d, 0, 0);
}

/* ---- whole programs --------------------------------------------------------------------------------------------- */

static uint32_t finish(struct writer *w, enum ens_type type, struct ens_span at)
{
	struct ens_t_program head = {
		.event_type = w->reads_event ? w->hand->sema->table_index : ENS_NONE,
		.rule = w->reads_match ? w->c->rule_index : ENS_NONE,
		.nreg = (uint16_t)w->nreg,
		.type = (uint8_t)type,
	};
	uint32_t p = 0;

	put(w, (struct ens_t_insn){.op = ENS_OP_RET, .dst = 0});
	if (w->too_large)
		ens_diag_add(w->c->diag, ENS_E_TOO_DEEP, at,
			     "this expression is too large: it needs more than %d registers, %u steps or 65536 lists",
			     ENS_REGISTERS_MAX, ENS_PROGRAM_MAX_INSNS);
	else if (w->code.failed)
		w->c->build->failed = true;
	else
		p = ens_build_program(w->c->build, head, (const struct ens_t_insn *)(const void *)w->code.data,
				      here(w));
	ens_buf_free(&w->code);
	return p;
}

uint32_t ens_code_value(struct ens_coder *c, const struct ens_decl *hand, const struct ens_expr *e, enum ens_type want)
{
	struct writer w = {.c = c, .hand = hand};

	value(&w, e, want, 0);
	return finish(&w, want, e->at);
}

bool ens_reads_match(const struct ens_expr *e)
{
	enum ens_mean mean = e->sema ? e->sema->mean : ENS_MEAN_NOTHING;

	if (mean == ENS_MEAN_STEP || mean == ENS_MEAN_PREV || mean == ENS_MEAN_AGGREGATE || mean == ENS_MEAN_LOOKUP)
		return true;
	for (uint32_t i = 0; i < e->narg; i++)
		if (ens_reads_match(e->arg[i]))
			return true;
	return false;
}

/* One condition into register 0, or-ed branches of an input each as a chain of its filters' conditions. */
static void filter_chain(struct writer *w, const struct ens_decl *d, bool *any, uint32_t *out, uint32_t *nout,
			 uint32_t cap)
{
	for (; d && d->kind == ENS_D_FILTER; d = d->sema->base) {
		if (!d->ref->cond)
			continue;
		if (*any && *nout < cap)
			out[(*nout)++] = with_index(w, ENS_OP_JUMP_UNLESS, 0, 0);
		value(w, d->ref->cond, ENS_BOOL, 0);
		*any = true;
	}
}

/* True in register 0 if the rule takes the event in by one of its filters. */
static void taken_in(struct writer *w, const struct ens_input_sema *in)
{
	uint32_t out[ENS_NESTING_MAX + 1], done = UINT32_MAX;

	for (uint32_t i = 0; i < in->nfilter; i++) {
		const struct ens_ref *ref = in->filter[i];
		uint32_t nout = 0;
		bool any = false;

		filter_chain(w, ref->sema->decl, &any, out, &nout, ENS_NESTING_MAX);
		if (w->c->brackets_count && ref->cond) {
			if (any)
				out[nout++] = with_index(w, ENS_OP_JUMP_UNLESS, 0, 0);
			value(w, ref->cond, ENS_BOOL, 0);
			any = true;
		}
		if (!any) /* a filter that lets everything through */
			constant(w, ENS_BOOL, (struct ens_value){.i = 1}, 0);
		for (uint32_t k = 0; k < nout; k++)
			land(w, out[k]);
		if (done != UINT32_MAX)
			land(w, done);
		done = i + 1 < in->nfilter ? with_index(w, ENS_OP_JUMP_TRUE, 0, 0) : UINT32_MAX;
	}
}

static void part(struct writer *w, const struct ens_part *p)
{
	uint32_t waiting[ENS_UNORDERED_MAX], n = 0;

	use(w, 0);
	if (p->input) {
		taken_in(w, p->input);
		return;
	}
	for (uint32_t i = 0; i < p->nother && i < ENS_UNORDERED_MAX; i++) {
		slot(w, ens_slot_of_taken(w->c->rule, p->others[i]), 0);
		with_regs(w, ENS_OP_IS_NULL, 0, 0, 0, 0);
		waiting[n++] = with_index(w, ENS_OP_JUMP_TRUE, 0, 0);
	}
	value(w, p->expr, ENS_BOOL, 0);
	for (uint32_t i = 0; i < n; i++)
		land(w, waiting[i]);
}

uint32_t ens_code_parts(struct ens_coder *c, const struct ens_decl *hand, const struct ens_part *list, uint32_t n)
{
	struct writer w = {.c = c, .hand = hand};
	uint32_t *out;

	if (!n)
		return ENS_NONE;
	out = ens_arena_alloc(c->build->arena, n * sizeof *out);
	if (!out)
		return ENS_NONE;
	for (uint32_t i = 0; i < n; i++) {
		part(&w, &list[i]);
		if (i + 1 < n)
			out[i] = with_index(&w, ENS_OP_JUMP_UNLESS, 0, 0);
	}
	for (uint32_t i = 0; i + 1 < n; i++)
		land(&w, out[i]);
	return finish(&w, ENS_BOOL, list[0].expr ? list[0].expr->at : ENS_NO_SPAN);
}

uint32_t ens_code_unless(struct ens_coder *c, const struct ens_decl *hand, const struct ens_input_sema *in)
{
	struct writer w = {.c = c, .hand = hand};
	uint32_t other = UINT32_MAX, end;

	use(&w, 0);
	if (in) {
		taken_in(&w, in);
		other = with_index(&w, ENS_OP_JUMP_UNLESS, 0, 0);
		null_constant(&w, ENS_BOOL, 0);
		end = with_index(&w, ENS_OP_JUMP, 0, 0);
		land(&w, other);
	}
	constant(&w, ENS_BOOL, (struct ens_value){.i = 1}, 0);
	if (in)
		land(&w, end);
	return finish(&w, ENS_BOOL, in ? in->filter[0]->at : ENS_NO_SPAN);
}

/* The field if just so many events were taken before, else null. */
static void nth_capture(struct writer *w, const struct ens_slot *s)
{
	uint32_t other, end;

	use(w, 1);
	slot(w, s->count, 0);
	constant(w, ENS_INT, (struct ens_value){.i = s->nth - 1}, 1);
	with_regs(w, ENS_OP_COMPARE, 0, 0, 1, ENS_CMP_EQ);
	other = with_index(w, ENS_OP_JUMP_UNLESS, 0, 0);
	field(w, s->field, 0);
	end = with_index(w, ENS_OP_JUMP, 0, 0);
	land(w, other);
	null_constant(w, s->type, 0);
	land(w, end);
}

/* B. P. Welford, 1962: with x the n-th value and d = x - mean, the mean grows by d / n and the spread by d * d * (n-1) / n.
 * A null changes nothing. */
static void welford_capture(struct writer *w, const struct ens_slot *s)
{
	uint32_t there, end;

	use(w, 4);
	value(w, s->arg, ENS_FLOAT, 0);
	there = with_index(w, ENS_OP_JUMP_SET, 0, 0);
	slot(w, s, 0);
	end = with_index(w, ENS_OP_JUMP, 0, 0);
	land(w, there);
	slot(w, s->mean ? s->mean : s, 1);
	with_regs(w, ENS_OP_SUB, 0, 0, 1, 0);             /* r0 = d */
	slot(w, s->count, 2);
	with_regs(w, ENS_OP_TO_FLOAT, 2, 2, 0, 0);        /* r2 = n - 1 */
	constant(w, ENS_FLOAT, (struct ens_value){.f = 1}, 3);
	with_regs(w, ENS_OP_ADD, 3, 2, 3, 0);             /* r3 = n */
	if (s->mean) {
		with_regs(w, ENS_OP_DIV, 2, 2, 3, 0);
		with_regs(w, ENS_OP_MUL, 2, 2, 0, 0);
		with_regs(w, ENS_OP_MUL, 0, 0, 2, 0);
	} else {
		with_regs(w, ENS_OP_DIV, 0, 0, 3, 0);
	}
	slot(w, s, 1);
	with_regs(w, ENS_OP_ADD, 0, 1, 0, 0);
	land(w, end);
}

uint32_t ens_code_capture(struct ens_coder *c, const struct ens_decl *hand, const struct ens_slot *s)
{
	struct writer w = {.c = c, .hand = hand};

	use(&w, 0);
	switch (s->kind) {
	case ENS_SLOT_NTH:
		nth_capture(&w, s);
		break;
	case ENS_SLOT_MEAN:
	case ENS_SLOT_SPREAD:
		welford_capture(&w, s);
		return finish(&w, ENS_FLOAT, s->arg->at);
	case ENS_SLOT_FIELD:
	case ENS_SLOT_FIRST_FIELD:
	case ENS_SLOT_BACK:
		field(&w, s->field, 0);
		break;
	case ENS_SLOT_TAKEN:
	case ENS_SLOT_ROUND:
	case ENS_SLOT_EVENTS:
	case ENS_SLOT_ALL:
		constant(&w, ENS_BOOL, (struct ens_value){.i = 1}, 0);
		break;
	case ENS_SLOT_ROUNDS: {
		uint32_t counted, end;

		slot(&w, s->round, 0);
		counted = with_index(&w, ENS_OP_JUMP_SET, 0, 0);
		constant(&w, ENS_BOOL, (struct ens_value){.i = 1}, 0);
		end = with_index(&w, ENS_OP_JUMP, 0, 0);
		land(&w, counted);
		null_constant(&w, ENS_BOOL, 0);
		land(&w, end);
		return finish(&w, ENS_BOOL, ENS_NO_SPAN);
	}
	default:
		value(&w, s->arg, s->arg->type, 0);
	}
	return finish(&w,
		      s->arg ? s->arg->type : s->kind == ENS_SLOT_EVENTS || s->kind == ENS_SLOT_ALL ? ENS_BOOL : s->type,
		      s->arg ? s->arg->at : ENS_NO_SPAN);
}
