/*
 * Invariant T5: abstract interpretation of one program over the types of its registers.
 *
 * Jumps go forward only, so one pass in order sees every path: at a jump the types so far are met with those that wait
 * at its target, and at the target they are met with those that fall through.  A register is a type, null of any type,
 * not written, or of several types; the last two may not be read.  What waits at a target is freed when the pass gets
 * there.  Cost: O(instructions + jumps * nreg) time, at most one byte for each register and open target.
 * Tested by tests/unit/test_program.c and tests/unit/test_tables.c.
 */
#include "runtime/program_private.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* Beside enum ens_type, in a register. */
enum { MIXED = 0xFE, UNWRITTEN = 0xFF };

struct frame {
	struct frame *next_free;
	uint8_t type[];
};

struct checker {
	const struct ens_tables *t;
	const struct ens_t_program *program;
	const struct ens_t_insn *code;
	uint32_t ncode, p, at; /* at: the instruction looked at */
	struct ens_operands *operands;
	struct ens_error *err;
	bool live;             /* a path leads here */
	uint8_t *reg;          /* types of the registers here, nreg */
	struct frame **waiting;/* by target, ncode; NULL without jumps */
	struct frame *spare;
	bool failed;
};

static void bad_insn(struct checker *c, const char *fmt, ...) ENS_PRINTF(2, 3);
static void bad_insn(struct checker *c, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!c->failed)
		(void)ens_fail(c->err, ENS_EINPUT, "program %u: instruction %u: %s (invariant T5)", c->p, c->at, text);
	c->failed = true;
}

/* ---- registers -------------------------------------------------------------------------------------------------- */

static uint8_t read_reg(struct checker *c, uint32_t r)
{
	if (r >= c->program->nreg) {
		bad_insn(c, "register %u of %u", r, c->program->nreg);
		return ENS_NOTYPE;
	}
	if (c->reg[r] == UNWRITTEN)
		bad_insn(c, "register %u is read but not written on every path", r);
	else if (c->reg[r] == MIXED)
		bad_insn(c, "register %u has one type on one path and another on another", r);
	return c->reg[r];
}

static void write_reg(struct checker *c, uint32_t r, uint8_t type)
{
	if (r >= c->program->nreg)
		bad_insn(c, "register %u of %u", r, c->program->nreg);
	else
		c->reg[r] = type;
}

/* A register that must be of `type`. */
static void want_reg(struct checker *c, uint32_t r, enum ens_type type)
{
	uint8_t have = read_reg(c, r);

	if (!c->failed && have != ENS_NOTYPE && have != type)
		bad_insn(c, "register %u is %s, not %s", r, ens_type_name(have), ens_type_name(type));
}

static uint8_t meet(uint8_t x, uint8_t y)
{
	if (x == y)
		return x;
	if (x == UNWRITTEN || y == UNWRITTEN)
		return UNWRITTEN;
	if (x == ENS_NOTYPE)
		return y;
	if (y == ENS_NOTYPE)
		return x;
	return MIXED;
}

static void meet_all(uint8_t *into, const uint8_t *other, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		into[i] = meet(into[i], other[i]);
}

/* ---- jumps ------------------------------------------------------------------------------------------------------ */

static struct frame *take_frame(struct checker *c)
{
	struct frame *f = c->spare;

	if (f)
		c->spare = f->next_free;
	else
		f = malloc(sizeof(*f) + c->program->nreg);
	return f;
}

/* False without memory. */
static bool jump_to(struct checker *c, uint32_t target)
{
	struct frame *f;

	if (target <= c->at || target >= c->ncode) {
		bad_insn(c, "a jump to %u, which is not a later instruction of the %u", target, c->ncode);
		return true;
	}
	if (!c->waiting) {
		c->waiting = calloc(c->ncode, sizeof(struct frame *));
		if (!c->waiting)
			return false;
	}
	f = c->waiting[target];
	if (f) {
		meet_all(f->type, c->reg, c->program->nreg);
		return true;
	}
	f = take_frame(c);
	if (!f)
		return false;
	memcpy(f->type, c->reg, c->program->nreg);
	c->waiting[target] = f;
	return true;
}

/* The types with which jumps arrive at this instruction. */
static void arrive(struct checker *c)
{
	struct frame *f = c->waiting ? c->waiting[c->at] : NULL;

	if (!f)
		return;
	if (c->live)
		meet_all(c->reg, f->type, c->program->nreg);
	else
		memcpy(c->reg, f->type, c->program->nreg);
	c->live = true;
	c->waiting[c->at] = NULL;
	f->next_free = c->spare;
	c->spare = f;
}

/* ---- operands that are indices ---------------------------------------------------------------------------------- */

static uint8_t bad_index(struct checker *c, const char *what, uint32_t index, uint32_t count)
{
	bad_insn(c, "%s %u of %u", what, index, count);
	return ENS_NOTYPE;
}

static bool needs_event(struct checker *c)
{
	if (c->program->event_type != ENS_NONE)
		return true;
	bad_insn(c, "reads an event, but the program has none");
	return false;
}

static bool needs_rule(struct checker *c)
{
	if (c->program->rule != ENS_NONE)
		return true;
	bad_insn(c, "reads a match, but the program belongs to no rule");
	return false;
}

static uint8_t const_type(struct checker *c, uint32_t i)
{
	const struct ens_t_const *k;

	if (i >= c->t->nconstant)
		return bad_index(c, "constant", i, c->t->nconstant);
	k = &c->t->constant[i];
	if (k->type == ENS_IP && !k->null && k->len != 16)
		bad_insn(c, "constant %u is a network, not an address", i);
	return k->type;
}

static uint8_t field_type(struct checker *c, uint32_t i)
{
	const struct ens_t_list *fields;

	if (!needs_event(c))
		return ENS_NOTYPE;
	fields = &c->t->type[c->program->event_type].fields;
	if (i >= fields->count)
		return bad_index(c, "field", i, fields->count);
	return c->t->field[fields->first + i].type;
}

/* Slot i of the rule, or NULL if it was said that there is none. */
static const struct ens_t_slot *slot(struct checker *c, uint32_t i)
{
	const struct ens_t_list *slots;

	if (!needs_rule(c))
		return NULL;
	slots = &c->t->rule[c->program->rule].slots;
	if (i < slots->count)
		return &c->t->slot[slots->first + i];
	bad_index(c, "slot", i, slots->count);
	return NULL;
}

static uint8_t slot_type(struct checker *c, uint32_t i)
{
	const struct ens_t_slot *s = slot(c, i);

	if (!s)
		return ENS_NOTYPE;
	if (s->holds != ENS_T_VALUE)
		bad_insn(c, "slot %u holds more than a value", i);
	return s->type;
}

/* The slot holds what the instruction reads. */
static void want_holding(struct checker *c, uint32_t i, enum ens_t_holds a, enum ens_t_holds b)
{
	const struct ens_t_slot *s = slot(c, i);

	if (s && s->holds != a && s->holds != b)
		bad_insn(c, "slot %u does not hold what is read of it", i);
}

static uint8_t lookup_type(struct checker *c, const struct ens_t_insn *in)
{
	const struct ens_t_lookup *l;
	const struct ens_t_table *table;
	const struct ens_t_field *field;
	struct ens_t_list tables;
	uint32_t k = 0;

	if (!needs_rule(c))
		return ENS_NOTYPE;
	if (in->b >= c->t->nlookup)
		return bad_index(c, "lookup", in->b, c->t->nlookup);
	l = &c->t->lookup[in->b];
	table = &c->t->table[l->table];
	field = c->t->field + c->t->type[table->type].fields.first;
	tables = c->t->rule[c->program->rule].tables;
	while (k < tables.count && c->t->index[tables.first + k] != l->table)
		k++;
	if (k == tables.count)
		bad_insn(c, "looks up table %u, which is not the rule's", l->table);
	for (k = 0; k < table->key.count && !c->failed; k++)
		want_reg(c, in->a + k, (enum ens_type)field[c->t->index[table->key.first + k]].type);
	return field[l->field].type;
}

static uint8_t key_type(struct checker *c, uint32_t i)
{
	const struct ens_t_list *parts;

	if (!needs_rule(c))
		return ENS_NOTYPE;
	parts = &c->t->keygroup[c->t->rule[c->program->rule].keygroup].parts;
	if (i >= parts->count)
		return bad_index(c, "key part", i, parts->count);
	return c->t->keypart[parts->first + i].type;
}

/* The set's constants are all of `type` (or null); ENS_NOTYPE: of any one type. */
static void check_set(struct checker *c, uint32_t i, uint8_t type)
{
	const struct ens_t_list *list;

	if (i >= c->t->nset) {
		bad_index(c, "set", i, c->t->nset);
		return;
	}
	/* The tables' check has seen to it that all have one type: the first that has one says which. */
	list = &c->t->set[i].consts;
	for (uint32_t k = 0; k < list->count; k++) {
		uint8_t have = c->t->constant[list->first + k].type;

		if (have == ENS_NOTYPE)
			continue;
		if (type != ENS_NOTYPE && have != type)
			bad_insn(c, "set %u holds %s, not %s", i, ens_type_name(have), ens_type_name(type));
		return;
	}
}

/* ---- operators -------------------------------------------------------------------------------------------------- */

#define PAIR(a, b) ((unsigned)(a) * ENS_NTYPE + (unsigned)(b))

/* Result of an arithmetic operator, ENS_NTYPE if there is none for these types. */
static unsigned arithmetic_type(uint8_t op, uint8_t a, uint8_t b)
{
	switch (PAIR(a, b)) {
	case PAIR(ENS_INT, ENS_INT):
		return op == ENS_OP_DIV ? ENS_NTYPE : ENS_INT;
	case PAIR(ENS_FLOAT, ENS_FLOAT):
		return ENS_FLOAT;
	case PAIR(ENS_TIME, ENS_DURATION):
		return op == ENS_OP_ADD || op == ENS_OP_SUB ? ENS_TIME : ENS_NTYPE;
	case PAIR(ENS_DURATION, ENS_TIME):
		return op == ENS_OP_ADD ? ENS_TIME : ENS_NTYPE;
	case PAIR(ENS_TIME, ENS_TIME):
		return op == ENS_OP_SUB ? ENS_DURATION : ENS_NTYPE;
	case PAIR(ENS_DURATION, ENS_DURATION):
		return op == ENS_OP_ADD || op == ENS_OP_SUB ? ENS_DURATION : op == ENS_OP_DIV ? ENS_FLOAT : ENS_NTYPE;
	case PAIR(ENS_DURATION, ENS_INT):
	case PAIR(ENS_DURATION, ENS_FLOAT):
	case PAIR(ENS_INT, ENS_DURATION):
	case PAIR(ENS_FLOAT, ENS_DURATION):
		return op == ENS_OP_MUL ? ENS_DURATION : ENS_NTYPE;
	default:
		return ENS_NTYPE;
	}
}

/* With null of any type on one side the result is null, so of any type too. */
static void check_arithmetic(struct checker *c, const struct ens_t_insn *i)
{
	uint8_t a = read_reg(c, i->a), b = read_reg(c, i->b);
	unsigned type = ENS_NOTYPE;

	if (c->failed)
		return;
	if (a != ENS_NOTYPE && b != ENS_NOTYPE)
		type = arithmetic_type(i->op, a, b);
	if (type == ENS_NTYPE)
		bad_insn(c, "no such operation between %s and %s", ens_type_name(a), ens_type_name(b));
	else
		write_reg(c, i->dst, (uint8_t)type);
}

static void check_negate(struct checker *c, const struct ens_t_insn *i)
{
	uint8_t a = read_reg(c, i->a);

	if (!c->failed && a != ENS_NOTYPE && a != ENS_INT && a != ENS_FLOAT && a != ENS_DURATION)
		bad_insn(c, "%s has no negative", ens_type_name(a));
	write_reg(c, i->dst, a);
}

static void check_compare(struct checker *c, const struct ens_t_insn *i)
{
	uint8_t a = read_reg(c, i->a), b = read_reg(c, i->b);
	uint8_t type = a == ENS_NOTYPE ? b : a;

	if (i->fn >= ENS_NCMP)
		bad_insn(c, "comparison %u", i->fn);
	else if (!c->failed && a != b && a != ENS_NOTYPE && b != ENS_NOTYPE)
		bad_insn(c, "compares %s with %s", ens_type_name(a), ens_type_name(b));
	else if (type == ENS_LIST)
		bad_insn(c, "compares lists");
	else if (i->fn > ENS_CMP_NE && (type == ENS_BOOL || type == ENS_IP))
		bad_insn(c, "%s has no order", ens_type_name(type));
	write_reg(c, i->dst, ENS_BOOL);
}

static uint8_t letter_type(char letter)
{
	static const char letters[] = "?bifstdp"; /* in the order of enum ens_type */
	const char *p = strchr(letters, letter);

	assert(p);
	return (uint8_t)(p - letters);
}

static void check_call(struct checker *c, const struct ens_t_insn *i)
{
	const char *want;

	if (i->fn >= ENS_NFUNCTION) {
		bad_insn(c, "function %u", i->fn);
		return;
	}
	want = ens_function_table[i->fn].arguments;
	for (uint32_t k = 0; k < i->b && !c->failed; k++) {
		if (*want == '\0') {
			bad_insn(c, "%s with %u arguments", ens_function_table[i->fn].name, i->b);
			return;
		}
		want_reg(c, (uint32_t)i->a + k, letter_type(*want));
		if (want[1] != '*')
			want++;
	}
	if (i->b == 0 || (*want != '\0' && want[1] != '*'))
		bad_insn(c, "%s with %u arguments", ens_function_table[i->fn].name, i->b);
	write_reg(c, i->dst, (uint8_t)ens_function_table[i->fn].result);
}

/* Loads and tests; false: not one of them. */
static bool check_load(struct checker *c, const struct ens_t_insn *i)
{
	switch (i->op) {
	case ENS_OP_CONST:
		write_reg(c, i->dst, const_type(c, i->index));
		return true;
	case ENS_OP_FIELD:
		write_reg(c, i->dst, field_type(c, i->index));
		return true;
	case ENS_OP_EVENT_TIME:
		if (needs_event(c))
			write_reg(c, i->dst, ENS_TIME);
		return true;
	case ENS_OP_EVENT_ID:
	case ENS_OP_EVENT_STREAM:
		if (needs_event(c))
			write_reg(c, i->dst, ENS_STRING);
		return true;
	case ENS_OP_SLOT:
		write_reg(c, i->dst, slot_type(c, i->index));
		return true;
	case ENS_OP_KEY:
		write_reg(c, i->dst, key_type(c, i->index));
		return true;
	case ENS_OP_MOVE:
		write_reg(c, i->dst, read_reg(c, i->a));
		return true;
	case ENS_OP_LOOKUP:
		write_reg(c, i->dst, lookup_type(c, i));
		return true;
	case ENS_OP_DISTINCT:
		want_holding(c, i->index, ENS_T_DISTINCT, ENS_T_DISTINCT);
		write_reg(c, i->dst, ENS_INT);
		return true;
	case ENS_OP_PERCENTILE:
		want_holding(c, i->index, ENS_T_SKETCH, ENS_T_SKETCH);
		want_reg(c, i->dst, ENS_FLOAT);
		write_reg(c, i->dst, ENS_FLOAT);
		return true;
	case ENS_OP_LIST:
		want_holding(c, i->index, ENS_T_LIST, ENS_T_DISTINCT);
		write_reg(c, i->dst, ENS_LIST);
		return true;
	case ENS_OP_STEP:
		if (needs_rule(c))
			write_reg(c, i->dst, ENS_STRING);
		return true;
	default:
		return false;
	}
}

static void check_operator(struct checker *c, const struct ens_t_insn *i)
{
	switch (i->op) {
	case ENS_OP_AND:
	case ENS_OP_OR:
		want_reg(c, i->b, ENS_BOOL);
		/* fall through */
	case ENS_OP_NOT:
		want_reg(c, i->a, ENS_BOOL);
		break;
	case ENS_OP_IS_NULL:
		(void)read_reg(c, i->a);
		break;
	case ENS_OP_IN:
		check_set(c, i->b, read_reg(c, i->a));
		break;
	case ENS_OP_LIKE:
		want_reg(c, i->a, ENS_STRING);
		check_set(c, i->b, ENS_STRING);
		break;
	case ENS_OP_MATCHES:
		want_reg(c, i->a, ENS_STRING);
		if (i->b >= c->t->npattern)
			bad_index(c, "pattern", i->b, c->t->npattern);
		break;
	default:
		bad_insn(c, "operation %u is not known", i->op);
		return;
	}
	write_reg(c, i->dst, ENS_BOOL);
}

static void check_return(struct checker *c, const struct ens_t_insn *i)
{
	uint8_t type = read_reg(c, i->dst);

	if (!c->failed && type != ENS_NOTYPE && type != c->program->type)
		bad_insn(c, "returns %s, but the program is %s", ens_type_name(type), ens_type_name(c->program->type));
	c->live = false;
}

/* One instruction that a path leads to.  False without memory. */
static bool check_insn(struct checker *c, const struct ens_t_insn *i)
{
	if (check_load(c, i))
		return true;
	switch (i->op) {
	case ENS_OP_TO_FLOAT:
		want_reg(c, i->a, ENS_INT);
		write_reg(c, i->dst, ENS_FLOAT);
		return true;
	case ENS_OP_ADD:
	case ENS_OP_SUB:
	case ENS_OP_MUL:
	case ENS_OP_DIV:
	case ENS_OP_MOD:
		check_arithmetic(c, i);
		return true;
	case ENS_OP_NEG:
		check_negate(c, i);
		return true;
	case ENS_OP_COMPARE:
		check_compare(c, i);
		return true;
	case ENS_OP_CALL:
		check_call(c, i);
		return true;
	case ENS_OP_RET:
		check_return(c, i);
		return true;
	case ENS_OP_JUMP_FALSE:
	case ENS_OP_JUMP_TRUE:
	case ENS_OP_JUMP_UNLESS:
		want_reg(c, i->dst, ENS_BOOL);
		return c->failed || jump_to(c, i->index);
	case ENS_OP_JUMP_SET:
		(void)read_reg(c, i->dst);
		return c->failed || jump_to(c, i->index);
	case ENS_OP_JUMP:
		if (!jump_to(c, i->index))
			return false;
		c->live = false;
		return true;
	default:
		check_operator(c, i);
		return true;
	}
}

static void note_operands(struct checker *c, const struct ens_t_insn *i)
{
	struct ens_operands *o = &c->operands[c->at];
	uint32_t n = c->program->nreg;

	o->reached = c->live;
	o->a = c->live && i->a < n && c->reg[i->a] < ENS_NTYPE ? c->reg[i->a] : ENS_NOTYPE;
	o->b = c->live && i->b < n && c->reg[i->b] < ENS_NTYPE ? c->reg[i->b] : ENS_NOTYPE;
}

/* ---- the pass --------------------------------------------------------------------------------------------------- */

static void check_head(struct checker *c)
{
	const struct ens_t_program *g = c->program;
	const char *wrong = NULL;

	if ((uint64_t)g->code.first + g->code.count > c->t->ninsn)
		wrong = "its code is outside the instructions";
	else if (g->code.count == 0 || g->code.count > ENS_PROGRAM_MAX_INSNS)
		wrong = "it has no instructions, or too many";
	else if (g->nreg == 0 || g->nreg > ENS_REGISTERS_MAX)
		wrong = "it has no registers, or too many";
	else if (g->type >= ENS_NTYPE)
		wrong = "its result's type is not known";
	else if (g->event_type != ENS_NONE && g->event_type >= c->t->ntype)
		wrong = "its event type is not there";
	else if (g->rule != ENS_NONE && g->rule >= c->t->nrule)
		wrong = "its rule is not there";
	else if (c->t->insn[g->code.first + g->code.count - 1].op != ENS_OP_RET)
		wrong = "it does not end in a return";
	if (wrong) {
		(void)ens_fail(c->err, ENS_EINPUT, "program %u: %s (invariant T5)", c->p, wrong);
		c->failed = true;
	}
}

/* False without memory. */
static bool check_code(struct checker *c)
{
	for (c->at = 0; c->at < c->ncode && !c->failed; c->at++) {
		const struct ens_t_insn *i = &c->code[c->at];

		arrive(c);
		if (c->operands)
			note_operands(c, i);
		if (i->op >= ENS_NOP)
			bad_insn(c, "operation %u is not known", i->op);
		else if (c->live && !check_insn(c, i))
			return false;
	}
	return true;
}

enum ens_status ens_program_types(const struct ens_tables *t, uint32_t p, struct ens_operands *operands,
				  struct ens_error *err)
{
	uint8_t reg[ENS_REGISTERS_MAX];
	struct checker c = {.t = t, .p = p, .operands = operands, .err = err, .live = true, .reg = reg};
	bool memory;

	if (p >= t->nprogram)
		return ens_fail(err, ENS_EINPUT, "program %u of %u (invariant T5)", p, t->nprogram);
	c.program = &t->program[p];
	check_head(&c);
	if (c.failed)
		return ENS_EINPUT;
	c.code = t->insn + c.program->code.first;
	c.ncode = c.program->code.count;
	memset(reg, UNWRITTEN, sizeof(reg));
	memory = check_code(&c);
	for (uint32_t i = 0; c.waiting && i < c.ncode; i++)
		free(c.waiting[i]);
	free(c.waiting);
	while (c.spare) {
		struct frame *f = c.spare;

		c.spare = f->next_free;
		free(f);
	}
	if (!memory)
		return ens_fail(err, ENS_ENOMEM, "no memory to check program %u", p);
	return c.failed ? ENS_EINPUT : ENS_OK;
}

enum ens_status ens_program_verify(const struct ens_tables *t, uint32_t p, struct ens_error *err)
{
	return ens_program_types(t, p, NULL, err);
}
