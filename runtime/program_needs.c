/*
 * What a condition needs to be true.
 *
 * For each field that a program reads it is followed once under the assumption that the field equals none of the constants
 * that the program compares it with: then such a comparison is false or null, and of everything else nothing is known.  If no
 * path ends in what may be true, one of those constants is needed.  So for a field and a slot of the match that the program
 * compares with each other, under the assumption that they are not equal.  That covers `and`, `or`, `in`, `not` and whatever the
 * compiler makes of them, as one rule.  Programs that may lose a result on such a path (overflow, a function) are left alone:
 * losses are counted, and not to run them would change the count.
 * Jumps go forward only, so one pass in order sees every path; what is known of registers is joined where paths meet.
 * Cost: O(fields * instructions * registers), all three bounded; programs beyond that are not read.
 * Tested by tests/unit/test_dispatch.c, tests/unit/test_waiting.c.
 */
#include "runtime/program_needs.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/program_private.h"

#define INSNS_MAX 256u
#define REGISTERS_MAX 16u

/* What a register may hold; what is no bool may be anything. */
enum { MAYBE_FALSE = 1, MAYBE_NULL = 2, MAYBE_TRUE = 4, ANYTHING = 7 };

enum origin { UNKNOWN, A_FIELD, A_CONST, MINUS_CONST, A_SLOT };

struct known {
	uint8_t truth;
	uint8_t origin; /* enum origin */
	bool to_float;  /* A_FIELD, A_SLOT: an int, as a float */
	uint32_t index; /* of the field, constant or slot */
};

struct ens_needs_reader {
	const struct ens_tables *t;
	const struct ens_t_program *program;
	/* What is being read, under the assumption that it is not met; both NULL: what there is to read. */
	struct ens_need *need;
	const struct ens_equality *equality;
	struct ens_equality seen[ENS_EQUALITIES_MAX];
	uint32_t nseen;
	bool none;              /* it is no need */
	bool reached[INSNS_MAX];
	struct known at[INSNS_MAX][REGISTERS_MAX]; /* before each instruction */
};

/* ---- three-valued logic on what is possible -------------------------------------------------------------------------- */

static uint8_t truth_not(uint8_t a)
{
	return (uint8_t)((a & MAYBE_NULL) | (a & MAYBE_FALSE ? MAYBE_TRUE : 0) | (a & MAYBE_TRUE ? MAYBE_FALSE : 0));
}

static uint8_t truth_and(uint8_t a, uint8_t b)
{
	uint8_t truth = (a | b) & MAYBE_FALSE;

	if (a & b & MAYBE_TRUE)
		truth |= MAYBE_TRUE;
	if ((a | b) & MAYBE_NULL && a & ~MAYBE_FALSE && b & ~MAYBE_FALSE)
		truth |= MAYBE_NULL;
	return truth;
}

static uint8_t truth_of_const(const struct ens_t_const *k)
{
	if (k->type == ENS_NOTYPE || k->null)
		return MAYBE_NULL;
	return k->type != ENS_BOOL ? ANYTHING : k->bits ? MAYBE_TRUE : MAYBE_FALSE;
}

/* ---- comparisons with constants -------------------------------------------------------------------------------------- */

static bool is_const(const struct known *k)
{
	return k->origin == A_CONST || k->origin == MINUS_CONST;
}

/* One more value that the field is assumed not to have. */
static void add_value(struct ens_needs_reader *r, uint32_t constant, bool minus)
{
	const struct ens_t_const *k = &r->t->constant[constant];
	struct ens_value v = ens_const_value(r->t, k);

	if (v.null)
		return;
	if (minus && k->type == ENS_FLOAT)
		v.f = -v.f;
	else if (minus)
		v.i = -v.i;
	if (r->need->n == ENS_NEED_VALUES_MAX || k->type != r->need->type)
		r->none = true;
	else
		r->need->value[r->need->n++] = v;
}

static bool is_our_field(const struct ens_needs_reader *r, const struct known *k)
{
	return k->origin == A_FIELD && !k->to_float && k->index == r->need->field;
}

static bool same_equality(const struct ens_equality *a, const struct ens_equality *b)
{
	return a->field == b->field && a->slot == b->slot && a->field_to_float == b->field_to_float &&
	       a->slot_to_float == b->slot_to_float;
}

/* A field and a slot are compared. */
static uint8_t truth_of_equality(struct ens_needs_reader *r, const struct known *field, const struct known *slot)
{
	const struct ens_t_field *f = &r->t->field[r->t->type[r->program->event_type].fields.first + field->index];
	const struct ens_equality q = {.field = field->index, .slot = slot->index, .field_to_float = field->to_float,
				       .slot_to_float = slot->to_float, .type = field->to_float ? ENS_FLOAT : f->type};
	uint32_t i = 0;

	if (r->equality)
		return same_equality(&q, r->equality) ? MAYBE_FALSE | MAYBE_NULL : ANYTHING;
	while (i < r->nseen && !same_equality(&q, &r->seen[i]))
		i++;
	if (i == r->nseen && i < ENS_EQUALITIES_MAX)
		r->seen[r->nseen++] = q;
	return ANYTHING;
}

static uint8_t truth_of_compare(struct ens_needs_reader *r, const struct ens_t_insn *i, const struct known *reg)
{
	const struct known *a = &reg[i->a], *b = &reg[i->b];

	if (i->fn != ENS_CMP_EQ)
		return ANYTHING;
	if (!r->need && a->origin == A_FIELD && b->origin == A_SLOT)
		return truth_of_equality(r, a, b);
	if (!r->need && a->origin == A_SLOT && b->origin == A_FIELD)
		return truth_of_equality(r, b, a);
	if (r->need && is_our_field(r, a) && is_const(b))
		add_value(r, b->index, b->origin == MINUS_CONST);
	else if (r->need && is_our_field(r, b) && is_const(a))
		add_value(r, a->index, a->origin == MINUS_CONST);
	else
		return ANYTHING;
	return MAYBE_FALSE | MAYBE_NULL;
}

static uint8_t truth_of_in(struct ens_needs_reader *r, const struct ens_t_insn *i, const struct known *reg)
{
	const struct ens_t_list consts = r->t->set[i->b].consts;

	if (!r->need || !is_our_field(r, &reg[i->a]) || consts.count > ENS_NEED_VALUES_MAX)
		return ANYTHING;
	for (uint32_t k = 0; k < consts.count; k++) /* a network stands for many addresses */
		if (r->t->constant[consts.first + k].type == ENS_IP && r->t->constant[consts.first + k].len != 128)
			return ANYTHING;
	for (uint32_t k = 0; k < consts.count; k++) {
		add_value(r, consts.first + k, false);
		if (r->need->type == ENS_IP && r->need->n)
			r->need->value[r->need->n - 1].len = 16;
	}
	return MAYBE_FALSE | MAYBE_NULL;
}

/* ---- one pass -------------------------------------------------------------------------------------------------------- */

/* A path leads from registers `reg` to instruction `to`. */
static void lead(struct ens_needs_reader *r, const struct known *reg, uint32_t to)
{
	struct known *there = r->at[to];
	const uint32_t n = r->program->nreg;

	if (!r->reached[to]) {
		r->reached[to] = true;
		memcpy(there, reg, n * sizeof *reg);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		there[i].truth |= reg[i].truth;
		if (there[i].origin != reg[i].origin || there[i].index != reg[i].index || there[i].to_float != reg[i].to_float)
			there[i].origin = UNKNOWN;
	}
}

/* Goes to `to` if the register is one of `truths`, else on to the next instruction. */
static void branch(struct ens_needs_reader *r, struct known *reg, uint32_t at, uint16_t of, uint32_t to, uint8_t truths)
{
	const uint8_t truth = reg[of].truth;

	if ((reg[of].truth = truth & truths))
		lead(r, reg, to);
	if ((reg[of].truth = truth & (uint8_t)(ANYTHING & ~truths)))
		lead(r, reg, at + 1);
}

/* A number literal with a sign; its negative is no loss. */
static struct known minus(const struct ens_needs_reader *r, const struct known *a)
{
	if (a->origin != A_CONST)
		return (struct known){0};
	const struct ens_t_const *k = &r->t->constant[a->index];
	const bool loses = k->type != ENS_FLOAT && k->bits == (uint64_t)INT64_MIN;

	return loses ? (struct known){0} : (struct known){ANYTHING, MINUS_CONST, false, a->index};
}

static struct known as_float(const struct known *a)
{
	if (a->origin != A_FIELD && a->origin != A_SLOT)
		return (struct known){.truth = ANYTHING};
	return (struct known){ANYTHING, a->origin, true, a->index};
}

/* What instruction i leaves in its register; .truth 0: nothing is known of such an instruction. */
static struct known result_of(struct ens_needs_reader *r, const struct ens_t_insn *i, const struct known *reg)
{
	switch (i->op) {
	case ENS_OP_CONST:
		return (struct known){truth_of_const(&r->t->constant[i->index]), A_CONST, false, i->index};
	case ENS_OP_FIELD:
		return (struct known){ANYTHING, A_FIELD, false, i->index};
	case ENS_OP_SLOT:
		return (struct known){ANYTHING, A_SLOT, false, i->index};
	case ENS_OP_MOVE:
		return reg[i->a];
	case ENS_OP_AND:
		return (struct known){.truth = truth_and(reg[i->a].truth, reg[i->b].truth)};
	case ENS_OP_OR: /* not (not a and not b) */
		return (struct known){.truth = truth_not(truth_and(truth_not(reg[i->a].truth), truth_not(reg[i->b].truth)))};
	case ENS_OP_NOT:
		return (struct known){.truth = truth_not(reg[i->a].truth)};
	case ENS_OP_NEG:
		return minus(r, &reg[i->a]);
	case ENS_OP_COMPARE:
		return (struct known){.truth = truth_of_compare(r, i, reg)};
	case ENS_OP_IN:
		return (struct known){.truth = truth_of_in(r, i, reg)};
	case ENS_OP_TO_FLOAT:
		return as_float(&reg[i->a]);
	case ENS_OP_EVENT_TIME:
	case ENS_OP_EVENT_STREAM:
	case ENS_OP_KEY:
	case ENS_OP_IS_NULL:
	case ENS_OP_LIKE:
	case ENS_OP_MATCHES:
		return (struct known){.truth = ANYTHING};
	default:
		return (struct known){0};
	}
}

static bool is_reading(const struct ens_needs_reader *r)
{
	return r->need || r->equality;
}

static void pass_insn(struct ens_needs_reader *r, const struct ens_t_insn *i, uint32_t at)
{
	struct known *reg = r->at[at];

	switch (i->op) {
	case ENS_OP_JUMP:
		lead(r, reg, i->index);
		return;
	case ENS_OP_JUMP_FALSE:
		branch(r, reg, at, i->dst, i->index, MAYBE_FALSE);
		return;
	case ENS_OP_JUMP_TRUE:
		branch(r, reg, at, i->dst, i->index, MAYBE_TRUE);
		return;
	case ENS_OP_JUMP_UNLESS:
		branch(r, reg, at, i->dst, i->index, MAYBE_FALSE | MAYBE_NULL);
		return;
	case ENS_OP_JUMP_SET:
		branch(r, reg, at, i->dst, i->index, MAYBE_FALSE | MAYBE_TRUE);
		return;
	case ENS_OP_RET:
		r->none |= is_reading(r) && reg[i->dst].truth & MAYBE_TRUE;
		return;
	default:
		reg[i->dst] = result_of(r, i, reg);
		r->none |= is_reading(r) && !reg[i->dst].truth;
		if (!reg[i->dst].truth)
			reg[i->dst].truth = ANYTHING;
		if (!r->none)
			lead(r, reg, at + 1);
	}
}

/* Follows the program.  True: under what is assumed it is not true, and loses nothing. */
static bool follow(struct ens_needs_reader *r)
{
	const struct ens_t_list code = r->program->code;

	r->none = false;
	memset(r->reached, 0, code.count * sizeof *r->reached);
	r->reached[0] = true;
	for (uint32_t i = 0; i < r->program->nreg; i++)
		r->at[0][i] = (struct known){.truth = ANYTHING};
	for (uint32_t i = 0; i < code.count && !r->none; i++)
		if (r->reached[i])
			pass_insn(r, &r->t->insn[code.first + i], i);
	return !r->none;
}

/* Is one of the constants that need->field is compared with needed?  Fills them in. */
static bool is_need(struct ens_needs_reader *r, struct ens_need *need)
{
	r->need = need;
	r->equality = NULL;
	need->n = 0;
	return follow(r);
}

static bool is_equality_need(struct ens_needs_reader *r, const struct ens_equality *q)
{
	r->need = NULL;
	r->equality = q;
	return follow(r);
}

static bool is_too_large(const struct ens_t_program *p)
{
	return p->code.count > INSNS_MAX || p->nreg > REGISTERS_MAX || p->event_type == ENS_NONE;
}

uint32_t ens_program_equalities(struct ens_needs_reader *r, uint32_t program, struct ens_equality out[ENS_EQUALITIES_MAX])
{
	uint32_t n = 0;

	r->program = &r->t->program[program];
	r->need = NULL;
	r->equality = NULL;
	r->nseen = 0;
	if (is_too_large(r->program))
		return 0;
	(void)follow(r);
	for (uint32_t i = 0; i < r->nseen; i++)
		if (is_equality_need(r, &r->seen[i]))
			out[n++] = r->seen[i];
	return n;
}

uint32_t ens_program_needs(struct ens_needs_reader *r, uint32_t program, struct ens_need out[ENS_NEED_FIELDS_MAX])
{
	const struct ens_t_program *p = r->program = &r->t->program[program];
	uint32_t asked[ENS_NEED_FIELDS_MAX], nasked = 0, n = 0;

	if (is_too_large(p) || p->rule != ENS_NONE)
		return 0;
	for (uint32_t i = 0; i < p->code.count && nasked < ENS_NEED_FIELDS_MAX; i++) {
		const struct ens_t_insn *from = &r->t->insn[p->code.first + i];
		bool known = from->op != ENS_OP_FIELD;

		for (uint32_t k = 0; k < nasked && !known; k++)
			known = asked[k] == from->index;
		if (!known)
			asked[nasked++] = from->index;
	}
	for (uint32_t k = 0; k < nasked; k++) {
		const struct ens_t_type *type = &r->t->type[p->event_type];

		out[n].field = asked[k];
		out[n].type = r->t->field[type->fields.first + asked[k]].type;
		n += is_need(r, &out[n]);
	}
	return n;
}

struct ens_needs_reader *ens_needs_open(const struct ens_tables *t)
{
	struct ens_needs_reader *r = calloc(1, sizeof *r);

	if (r)
		r->t = t;
	return r;
}

void ens_needs_close(struct ens_needs_reader *r)
{
	free(r);
}
