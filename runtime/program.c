/*
 * Runs programs.
 *
 * Tables say what an instruction does but not on which types; ens_context_init works the types out once (the verifier's
 * pass) and translates each program into instructions of its own that know: ADD of integers, ADD of floats, and so on.
 * Constants become values, sets become sorted arrays (networks: disjoint ranges), so that `in` costs O(log n).  The
 * translation takes 16 bytes for each instruction and constant.
 * Running takes one pass of the loop for each instruction, allocates nothing but strings that functions make, and
 * touches only registers that the verifier has seen written.  `like` costs O(text) for patterns with one `*` at most and
 * O(text * pattern) at worst.
 * Tested by tests/unit/test_program.c.
 */
#include "runtime/program_private.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "runtime/collect.h"

#define SCRATCH_MAX_BYTES ((size_t)16 << 20)
#define REGISTER_MASK (ENS_REGISTERS_MAX - 1u) /* operands that are no registers point somewhere too; none reads there */

const struct ens_function_info ens_function_table[ENS_NFUNCTION] = {
#define X(symbol, name, arguments, result) {name, arguments, result},
#include "runtime/function.def"
#undef X
};

/* Operations with their types; I: bool, int, time, duration; F: float; B: string, ip; D: duration. */
enum operation {
	DO_CONST,
	DO_FIELD,
	DO_EVENT_TIME,
	DO_EVENT_ID,
	DO_EVENT_STREAM,
	DO_SLOT,
	DO_KEY,
	DO_DISTINCT,
	DO_PERCENTILE,
	DO_LIST,
	DO_STEP,
	DO_MOVE,
	DO_NULL,
	DO_AND,
	DO_OR,
	DO_NOT,
	DO_EQ_I, /* six comparisons each, in the order of enum ens_compare */
	DO_NE_I,
	DO_LT_I,
	DO_LE_I,
	DO_GT_I,
	DO_GE_I,
	DO_EQ_F,
	DO_NE_F,
	DO_LT_F,
	DO_LE_F,
	DO_GT_F,
	DO_GE_F,
	DO_EQ_B,
	DO_NE_B,
	DO_LT_B,
	DO_LE_B,
	DO_GT_B,
	DO_GE_B,
	DO_IS_NULL,
	DO_TO_FLOAT,
	DO_ADD_I,
	DO_ADD_F,
	DO_SUB_I,
	DO_SUB_F,
	DO_MUL_I,
	DO_MUL_F,
	DO_MUL_DF,
	DO_DIV_F,
	DO_DIV_D,
	DO_MOD_I,
	DO_MOD_F,
	DO_NEG_I,
	DO_NEG_F,
	DO_IN_I,
	DO_IN_F,
	DO_IN_S,
	DO_IN_IP,
	DO_LIKE,
	DO_MATCHES,
	DO_CALL,
	DO_JUMP,
	DO_JUMP_FALSE,
	DO_JUMP_TRUE,
	DO_JUMP_UNLESS,
	DO_JUMP_SET,
	DO_RET,
	/* Whole programs in one step: a field against a constant. */
	DO_FIELD_EQ_B,
	DO_FIELD_COMPARE_I,
	DO_FIELD_COMPARE_F
};

struct range {
	uint8_t first[16], last[16];
};

/* Members without nulls.  For `in`: sorted, without duplicates; for `like`: as written. */
struct set {
	uint32_t n;
	bool has_null;
	const struct ens_value *member;
	const struct range *range; /* of networks, ascending and disjoint */
};

struct insn {
	uint8_t op; /* enum operation */
	uint8_t fn; /* CALL: enum ens_function; FIELD_COMPARE: enum ens_compare */
	uint16_t dst;
	union {
		struct {
			uint16_t a, b;
		};
		uint32_t index;
	};
	union {
		const struct ens_value *value;
		const struct set *set;
	};
};

struct ens_translated {
	struct ens_arena arena; /* of all that follows */
	const struct insn **start; /* by program: its instructions */
	struct ens_value *constant;
	struct set *in, *like;  /* by set */
};

/* ---- comparing -------------------------------------------------------------------------------------------------- */

static inline int compare_bytes(const struct ens_value *a, const struct ens_value *b)
{
	uint32_t n = a->len < b->len ? a->len : b->len;
	int order = n > 0 ? memcmp(a->s, b->s, n) : 0;

	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

static inline bool equal_bytes(const struct ens_value *a, const struct ens_value *b)
{
	return a->len == b->len && (a->len == 0 || memcmp(a->s, b->s, a->len) == 0);
}

int ens_value_compare(enum ens_type type, const struct ens_value *a, const struct ens_value *b)
{
	if (ens_type_is_bytes(type))
		return compare_bytes(a, b);
	if (type == ENS_FLOAT)
		return (a->f > b->f) - (a->f < b->f);
	return (a->i > b->i) - (a->i < b->i);
}

/* ---- sets ------------------------------------------------------------------------------------------------------- */

struct ens_value ens_const_value(const struct ens_tables *t, const struct ens_t_const *k)
{
	struct ens_value v = {0};

	if (k->type == ENS_NOTYPE || k->null)
		return ens_null();
	if (ens_type_is_bytes(k->type)) {
		v.s = t->bytes + k->bits;
		v.len = k->len;
	} else {
		memcpy(&v.i, &k->bits, 8);
	}
	return v;
}

static int order_ints(const void *a, const void *b)
{
	return ens_value_compare(ENS_INT, a, b);
}

static int order_floats(const void *a, const void *b)
{
	return ens_value_compare(ENS_FLOAT, a, b);
}

static int order_strings(const void *a, const void *b)
{
	return compare_bytes(a, b);
}

static int order_ranges(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return memcmp(x->first, y->first, 16);
}

/* All addresses that share the first `bits` bits with `address`. */
static struct range network_range(const char *address, uint32_t bits)
{
	struct range r;

	memcpy(r.first, address, 16);
	for (uint32_t i = 0; i < 16; i++) {
		uint32_t keep = bits >= (i + 1) * 8 ? 8 : bits <= i * 8 ? 0 : bits - i * 8;
		uint8_t host = (uint8_t)(0xFFu >> keep);

		r.first[i] &= (uint8_t)~host;
		r.last[i] = r.first[i] | host;
	}
	return r;
}

/* Networks nest or are apart; what begins inside the one kept before lies in it. */
static bool build_ranges(struct ens_translated *code, struct set *s)
{
	struct range *r = ens_arena_alloc(&code->arena, sizeof(*r) * (s->n + (size_t)1));
	uint32_t n = 0;

	if (!r)
		return false;
	for (uint32_t i = 0; i < s->n; i++)
		r[i] = network_range(s->member[i].s, s->member[i].len);
	qsort(r, s->n, sizeof(*r), order_ranges);
	for (uint32_t i = 0; i < s->n; i++) {
		if (n > 0 && memcmp(r[i].first, r[n - 1].last, 16) <= 0) {
			if (memcmp(r[i].last, r[n - 1].last, 16) > 0)
				memcpy(r[n - 1].last, r[i].last, 16);
			continue;
		}
		r[n++] = r[i];
	}
	s->range = r;
	s->n = n;
	return true;
}

/* Type of a set's members; ENS_NOTYPE: all are null, or there is none. */
static enum ens_type set_type(const struct ens_tables *t, const struct ens_t_list *consts)
{
	for (uint32_t i = 0; i < consts->count; i++)
		if (t->constant[consts->first + i].type != ENS_NOTYPE)
			return t->constant[consts->first + i].type;
	return ENS_NOTYPE;
}

/* The set for `in` or `like`, made when the first program asks for it. */
static const struct set *get_set(struct ens_translated *code, const struct ens_tables *t, uint32_t index, bool like)
{
	const struct ens_t_list *consts = &t->set[index].consts;
	struct set *s = like ? &code->like[index] : &code->in[index];
	enum ens_type type = set_type(t, consts);
	struct ens_value *member;

	if (s->member)
		return s;
	member = ens_arena_alloc(&code->arena, sizeof(*member) * (consts->count + (size_t)1));
	if (!member)
		return NULL;
	for (uint32_t i = 0; i < consts->count; i++) {
		struct ens_value v = ens_const_value(t, &t->constant[consts->first + i]);

		if (v.null)
			s->has_null = true;
		else
			member[s->n++] = v;
	}
	s->member = member;
	if (like || s->n == 0)
		return s;
	if (type == ENS_IP)
		return build_ranges(code, s) ? s : NULL;
	qsort(member, s->n, sizeof(*member),
	      type == ENS_STRING ? order_strings : type == ENS_FLOAT ? order_floats : order_ints);
	return s;
}

/* Where x is or would be among the sorted members: the number of those that are smaller. */
#define DEFINE_LOOKUP(name, smaller, equal)                                  \
	static bool name(const struct set *s, const struct ens_value *x)     \
	{                                                                    \
		uint32_t lo = 0, hi = s->n;                                  \
                                                                             \
		while (lo < hi) {                                            \
			uint32_t mid = lo + (hi - lo) / 2;                   \
			const struct ens_value *m = &s->member[mid];         \
                                                                             \
			if (smaller)                                         \
				lo = mid + 1;                                \
			else                                                 \
				hi = mid;                                    \
		}                                                            \
		if (lo == s->n)                                              \
			return false;                                        \
		const struct ens_value *m = &s->member[lo];                  \
		return equal;                                                \
	}
DEFINE_LOOKUP(has_int, m->i < x->i, m->i == x->i)
DEFINE_LOOKUP(has_float, m->f < x->f, m->f <= x->f)
DEFINE_LOOKUP(has_string, compare_bytes(m, x) < 0, equal_bytes(m, x))

static bool has_address(const struct set *s, const struct ens_value *x)
{
	uint32_t lo = 0, hi = s->n; /* ranges that begin at or before x */

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (memcmp(s->range[mid].first, x->s, 16) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 && memcmp(x->s, s->range[lo - 1].last, 16) <= 0;
}

/* ---- like ------------------------------------------------------------------------------------------------------- */

static inline size_t char_len(const char *s, const char *end)
{
	size_t n = 1;

	while (s + n < end && ((unsigned char)s[n] & 0xC0) == 0x80)
		n++;
	return n;
}

/* Matches a piece of a pattern without `*` at s; returns where it ends, NULL if it does not match. */
static const char *match_piece(const char *piece, const char *piece_end, bool wild, const char *s, const char *end)
{
	if (!wild) {
		size_t n = (size_t)(piece_end - piece);

		return (size_t)(end - s) >= n && memcmp(s, piece, n) == 0 ? s + n : NULL;
	}
	for (; piece < piece_end; piece++) {
		if (s == end)
			return NULL;
		if (*piece == '?')
			s += char_len(s, end);
		else if (*piece == *s)
			s++;
		else
			return NULL;
	}
	return s;
}

/* The first place at or after s where the piece matches; its end, or NULL. */
static const char *find_piece(const char *piece, const char *piece_end, bool wild, const char *s, const char *end)
{
	while (s <= end) {
		const char *after;

		if (*piece != '?') {
			s = s < end ? memchr(s, *piece, (size_t)(end - s)) : NULL;
			if (!s)
				return NULL;
		}
		after = match_piece(piece, piece_end, wild, s, end);
		if (after)
			return after;
		if (s == end)
			return NULL;
		s += char_len(s, end);
	}
	return NULL;
}

/* Does the piece match so that it ends at the text's end, beginning at or after s? */
static bool match_tail(const char *piece, const char *piece_end, bool wild, const char *s, const char *end)
{
	const char *from = end;
	size_t chars = ens_utf8_count(piece, (size_t)(piece_end - piece));

	for (; chars > 0; chars--) {
		if (from == s)
			return false;
		do
			from--;
		while (from > s && ((unsigned char)*from & 0xC0) == 0x80);
	}
	return match_piece(piece, piece_end, wild, from, end) == end;
}

/*
 * The pieces between the stars, each at the first place where it fits: a later place could not make more of the rest
 * fit.  The piece before the first star stands at the start, the one behind the last at the end.
 */
static bool is_like(const struct ens_value *text, const struct ens_value *pattern)
{
	const char *p = pattern->s, *p_end = p + pattern->len;
	const char *s = text->len > 0 ? text->s : "", *end = s + text->len;
	bool anchored = true;

	for (;;) {
		size_t left = (size_t)(p_end - p);
		const char *star = left > 0 ? memchr(p, '*', left) : NULL, *piece_end = star ? star : p_end;
		bool wild = piece_end > p && memchr(p, '?', (size_t)(piece_end - p));

		if (!star) {
			if (anchored)
				return match_piece(p, piece_end, wild, s, end) == end;
			return match_tail(p, piece_end, wild, s, end);
		}
		if (anchored)
			s = match_piece(p, piece_end, wild, s, end);
		else if (piece_end > p)
			s = find_piece(p, piece_end, wild, s, end);
		if (!s)
			return false;
		anchored = false;
		p = star + 1;
	}
}

static bool like_any(const struct set *s, const struct ens_value *text)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (is_like(text, &s->member[i]))
			return true;
	return false;
}

/* ---- strings made on the way ------------------------------------------------------------------------------------ */

char *ens_scratch(struct ens_context *c, size_t len)
{
	char *room = len <= ENS_VALUE_MAX_BYTES ? ens_arena_alloc(&c->scratch, len > 0 ? len : 1) : NULL;

	if (!room)
		c->nulled++;
	return room;
}

/* "ms-seq", for files the line number. */
static struct ens_value event_id(struct ens_context *c)
{
	const struct ens_event *e = c->event;
	char text[48], *room;
	int n;

	if (e->from_file)
		n = snprintf(text, sizeof(text), "%llu", (unsigned long long)e->id.ms);
	else
		n = snprintf(text, sizeof(text), "%llu-%llu", (unsigned long long)e->id.ms,
			     (unsigned long long)e->id.seq);
	room = ens_scratch(c, (size_t)n);
	if (!room)
		return ens_null();
	memcpy(room, text, (size_t)n);
	return ens_of_bytes(room, (size_t)n);
}

/* Null if the stream is not known (files). */
static struct ens_value event_stream(struct ens_context *c)
{
	const struct ens_tables *t = c->tables;
	uint32_t s = c->event->id.stream;

	return s < t->nstream ? ens_of_bytes(t->bytes + t->stream[s].name.off, t->stream[s].name.len) : ens_null();
}

/* ---- arithmetic ------------------------------------------------------------------------------------------------- */

static struct ens_value modulo_int(struct ens_context *c, int64_t a, int64_t b)
{
	if (b == 0)
		return ens_lost(c);
	return ens_of_int(b == -1 ? 0 : a % b); /* INT64_MIN % -1 would trap */
}

/* duration * float, to the nearest microsecond, half to even. */
static struct ens_value scale_duration(struct ens_context *c, int64_t us, double by)
{
	double x = rint((double)us * by);

	return x >= -0x1p63 && x < 0x1p63 ? ens_of_int((int64_t)x) : ens_lost(c);
}

static inline bool compare_holds(enum ens_compare how, int order)
{
	switch (how) {
	case ENS_CMP_EQ:
		return order == 0;
	case ENS_CMP_NE:
		return order != 0;
	case ENS_CMP_LT:
		return order < 0;
	case ENS_CMP_LE:
		return order <= 0;
	case ENS_CMP_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

static struct ens_value call(struct ens_context *c, const struct insn *i)
{
	const struct ens_value *arg = c->reg + i->a;

	if (i->fn < ENS_FN_COALESCE_B || i->fn > ENS_FN_COALESCE_P)
		for (uint32_t k = 0; k < i->b; k++)
			if (arg[k].null)
				return ens_null();
	return ens_function_call(c, (enum ens_function)i->fn, arg, i->b);
}

/* What the slot has collected; NULL: nothing. */
static const struct ens_collected *collected(struct ens_context *c, const struct insn *i)
{
	const struct ens_collected *k = ens_collected_of(&c->slot[i->index]);

	c->approx |= ens_collected_approx(k);
	return k;
}

/* ---- the loop --------------------------------------------------------------------------------------------------- */

/*
 * Results are written member by member into their register, never as a choice between two structs: that would be put
 * together on the stack byte by byte and read back whole, which stalls.
 */
#define SET_NULL (*to = (struct ens_value){.null = ENS_NULL})
#define SET_INT(x) (*to = (struct ens_value){.i = (x)})
#define SET_FLOAT(x) (*to = (struct ens_value){.f = (x)})

static inline void set_result(struct ens_context *c, struct ens_value *to, double x)
{
	if (isfinite(x)) {
		SET_FLOAT(x);
	} else {
		SET_NULL;
		c->nulled++;
	}
}

#define COMPARE(name, holds)                  \
	case name:                            \
		if (a->null | b->null)        \
			SET_NULL;             \
		else                          \
			SET_INT(holds);       \
		break;
#define COMPARE_CASES(suffix, less, same)            \
	COMPARE(DO_EQ_##suffix, same(a, b))          \
	COMPARE(DO_NE_##suffix, !same(a, b))         \
	COMPARE(DO_LT_##suffix, less(a, b))          \
	COMPARE(DO_LE_##suffix, !less(b, a))         \
	COMPARE(DO_GT_##suffix, less(b, a))          \
	COMPARE(DO_GE_##suffix, !less(a, b))

#define LESS_I(x, y) ((x)->i < (y)->i)
#define SAME_I(x, y) ((x)->i == (y)->i)
#define LESS_F(x, y) ((x)->f < (y)->f)
#define SAME_F(x, y) ((x)->f <= (y)->f && (x)->f >= (y)->f)
#define LESS_B(x, y) (compare_bytes(x, y) < 0)

#define CHECKED(builtin)                             \
	do {                                         \
		int64_t x;                           \
		if (a->null | b->null) {             \
			SET_NULL;                    \
		} else if (builtin(a->i, b->i, &x)) { \
			SET_NULL;                    \
			c->nulled++;                 \
		} else {                             \
			SET_INT(x);                  \
		}                                    \
	} while (0)
#define FLOATING(x)                                  \
	do {                                         \
		if (a->null | b->null)               \
			SET_NULL;                    \
		else                                 \
			set_result(c, to, x);        \
	} while (0)
#define MEMBER(found)                                \
	do {                                         \
		if (a->null)                         \
			SET_NULL;                    \
		else if (found)                      \
			SET_INT(1);                  \
		else if (i->set->has_null)           \
			SET_NULL;                    \
		else                                 \
			SET_INT(0);                  \
	} while (0)
#define FIELD_AGAINST(holds)                         \
	do {                                         \
		a = &c->event->value[i->index];      \
		b = i->value;                        \
		if (a->null)                         \
			SET_NULL;                    \
		else                                 \
			SET_INT(holds);              \
		return to;                           \
	} while (0)

/* Where the result is: a register. */
static const struct ens_value *run(struct ens_context *c, uint32_t p)
{
	const struct insn *const start = c->code->start[p];
	struct ens_value *const r = c->reg;

	/* Ends: jumps go forward and the last instruction is RET. */
	for (const struct insn *i = start;; i++) {
		struct ens_value *to = &r[i->dst];
		const struct ens_value *a = &r[i->a & REGISTER_MASK], *b = &r[i->b & REGISTER_MASK];

		switch ((enum operation)i->op) {
		case DO_CONST:
			*to = *i->value;
			break;
		case DO_FIELD:
			*to = c->event->value[i->index];
			break;
		case DO_EVENT_TIME:
			SET_INT(c->event->time_us);
			break;
		case DO_EVENT_ID:
			*to = event_id(c);
			break;
		case DO_EVENT_STREAM:
			*to = event_stream(c);
			break;
		case DO_SLOT: /* a null that was never assigned is a null like any other outside the slots */
			*to = c->slot[i->index];
			to->null = to->null != 0;
			break;
		case DO_KEY:
			*to = c->key[i->index];
			break;
		case DO_DISTINCT:
			SET_INT(ens_collected_distinct(collected(c, i)));
			break;
		case DO_PERCENTILE:
			if (!to->null)
				*to = ens_collected_percentile(collected(c, i), to->f);
			break;
		case DO_LIST:
			*to = ens_collected_list(collected(c, i));
			break;
		case DO_STEP:
			*to = c->step;
			break;
		case DO_MOVE:
			*to = *a;
			break;
		case DO_NULL:
			SET_NULL;
			break;
		case DO_AND:
			if ((!a->null && !a->i) || (!b->null && !b->i))
				SET_INT(0);
			else if (a->null | b->null)
				SET_NULL;
			else
				SET_INT(1);
			break;
		case DO_OR:
			if ((!a->null && a->i) || (!b->null && b->i))
				SET_INT(1);
			else if (a->null | b->null)
				SET_NULL;
			else
				SET_INT(0);
			break;
		case DO_NOT:
			if (a->null)
				SET_NULL;
			else
				SET_INT(!a->i);
			break;
		COMPARE_CASES(I, LESS_I, SAME_I)
		COMPARE_CASES(F, LESS_F, SAME_F)
		COMPARE_CASES(B, LESS_B, equal_bytes)
		case DO_IS_NULL:
			SET_INT(a->null != 0);
			break;
		case DO_TO_FLOAT:
			if (a->null)
				SET_NULL;
			else
				SET_FLOAT((double)a->i);
			break;
		case DO_ADD_I:
			CHECKED(__builtin_add_overflow);
			break;
		case DO_ADD_F:
			FLOATING(a->f + b->f);
			break;
		case DO_SUB_I:
			CHECKED(__builtin_sub_overflow);
			break;
		case DO_SUB_F:
			FLOATING(a->f - b->f);
			break;
		case DO_MUL_I:
			CHECKED(__builtin_mul_overflow);
			break;
		case DO_MUL_F:
			FLOATING(a->f * b->f);
			break;
		case DO_MUL_DF:
			*to = a->null | b->null ? ens_null() : scale_duration(c, a->i, b->f);
			break;
		case DO_DIV_F: /* by zero: infinite or NaN, so null and counted; likewise below */
			FLOATING(b->f != 0 ? a->f / b->f : (double)INFINITY);
			break;
		case DO_DIV_D:
			FLOATING(b->i != 0 ? (double)a->i / (double)b->i : (double)INFINITY);
			break;
		case DO_MOD_I:
			*to = a->null | b->null ? ens_null() : modulo_int(c, a->i, b->i);
			break;
		case DO_MOD_F:
			FLOATING(b->f != 0 ? fmod(a->f, b->f) : (double)INFINITY);
			break;
		case DO_NEG_I:
			*to = a->null ? ens_null() : a->i == INT64_MIN ? ens_lost(c) : ens_of_int(-a->i);
			break;
		case DO_NEG_F:
			if (a->null)
				SET_NULL;
			else
				SET_FLOAT(-a->f);
			break;
		case DO_IN_I:
			MEMBER(has_int(i->set, a));
			break;
		case DO_IN_F:
			MEMBER(has_float(i->set, a));
			break;
		case DO_IN_S:
			MEMBER(has_string(i->set, a));
			break;
		case DO_IN_IP:
			MEMBER(has_address(i->set, a));
			break;
		case DO_LIKE:
			MEMBER(like_any(i->set, a));
			break;
		case DO_MATCHES:
			if (a->null)
				SET_NULL;
			else
				SET_INT(ens_patterns_find(c->patterns, i->b, a->s, a->len));
			break;
		case DO_CALL:
			*to = call(c, i);
			break;
		case DO_JUMP_FALSE:
			if (!to->null && !to->i)
				i = start + i->index - 1;
			break;
		case DO_JUMP_TRUE:
			if (!to->null && to->i)
				i = start + i->index - 1;
			break;
		case DO_JUMP_UNLESS:
			if (to->null || !to->i)
				i = start + i->index - 1;
			break;
		case DO_JUMP_SET:
			if (!to->null)
				i = start + i->index - 1;
			break;
		case DO_JUMP:
			i = start + i->index - 1;
			break;
		case DO_RET:
			return to;
		case DO_FIELD_EQ_B:
			FIELD_AGAINST(equal_bytes(a, b) == (i->fn == ENS_CMP_EQ));
		case DO_FIELD_COMPARE_I:
			FIELD_AGAINST(compare_holds((enum ens_compare)i->fn, (a->i > b->i) - (a->i < b->i)));
		case DO_FIELD_COMPARE_F:
			FIELD_AGAINST(compare_holds((enum ens_compare)i->fn, (a->f > b->f) - (a->f < b->f)));
		}
	}
}

struct ens_value ens_program_run(struct ens_context *c, uint32_t p)
{
	const struct insn *i = c->code->start[p];
	const struct ens_value *v;

	/* What is captured is most often a field as it is, what is emitted a slot. */
	if (i[0].op == DO_FIELD && i[1].op == DO_RET && i[1].dst == i[0].dst)
		v = &c->event->value[i->index];
	else if (i[0].op == DO_SLOT && i[1].op == DO_RET && i[1].dst == i[0].dst)
		v = &c->slot[i->index];
	else
		v = run(c, p);
	/* As a whole: what is put together from parts is slow to load. */
	return v->null ? (struct ens_value){.null = ENS_NULL} : *v;
}

bool ens_program_holds(struct ens_context *c, uint32_t p)
{
	const struct ens_value *v = run(c, p);

	return !v->null && v->i;
}

/* ---- translation ------------------------------------------------------------------------------------------------ */

/* 0: like integers, 1: floats, 2: bytes. */
static unsigned kind_of(uint8_t type)
{
	return type == ENS_FLOAT ? 1 : ens_type_is_bytes(type) ? 2 : 0;
}

static uint8_t arithmetic_operation(uint8_t op, uint8_t a, uint8_t b)
{
	bool f = a == ENS_FLOAT && b == ENS_FLOAT;

	if (a == ENS_NOTYPE || b == ENS_NOTYPE)
		return DO_NULL;
	switch (op) {
	case ENS_OP_ADD:
		return f ? DO_ADD_F : DO_ADD_I;
	case ENS_OP_SUB:
		return f ? DO_SUB_F : DO_SUB_I;
	case ENS_OP_MUL:
		return f ? DO_MUL_F : a == ENS_FLOAT || b == ENS_FLOAT ? DO_MUL_DF : DO_MUL_I;
	case ENS_OP_DIV:
		return f ? DO_DIV_F : DO_DIV_D;
	default:
		return f ? DO_MOD_F : DO_MOD_I;
	}
}

static uint8_t in_operation(enum ens_type type)
{
	switch (type) {
	case ENS_FLOAT:
		return DO_IN_F;
	case ENS_STRING:
		return DO_IN_S;
	case ENS_IP:
		return DO_IN_IP;
	default:
		return DO_IN_I;
	}
}

/* Operations that are the same for all types. */
static uint8_t plain_operation(uint8_t op)
{
	static const uint8_t table[ENS_NOP] = {
		[ENS_OP_CONST] = DO_CONST,
		[ENS_OP_FIELD] = DO_FIELD,
		[ENS_OP_EVENT_TIME] = DO_EVENT_TIME,
		[ENS_OP_EVENT_ID] = DO_EVENT_ID,
		[ENS_OP_EVENT_STREAM] = DO_EVENT_STREAM,
		[ENS_OP_SLOT] = DO_SLOT,
		[ENS_OP_KEY] = DO_KEY,
		[ENS_OP_LOOKUP] = DO_NULL, /* of these the engine opens no tables: runtime/supported.c */
		[ENS_OP_DISTINCT] = DO_DISTINCT,
		[ENS_OP_PERCENTILE] = DO_PERCENTILE,
		[ENS_OP_LIST] = DO_LIST,
		[ENS_OP_STEP] = DO_STEP,
		[ENS_OP_MOVE] = DO_MOVE,
		[ENS_OP_AND] = DO_AND,
		[ENS_OP_OR] = DO_OR,
		[ENS_OP_NOT] = DO_NOT,
		[ENS_OP_IS_NULL] = DO_IS_NULL,
		[ENS_OP_TO_FLOAT] = DO_TO_FLOAT,
		[ENS_OP_LIKE] = DO_LIKE,
		[ENS_OP_MATCHES] = DO_MATCHES,
		[ENS_OP_CALL] = DO_CALL,
		[ENS_OP_JUMP] = DO_JUMP,
		[ENS_OP_JUMP_FALSE] = DO_JUMP_FALSE,
		[ENS_OP_JUMP_TRUE] = DO_JUMP_TRUE,
		[ENS_OP_JUMP_UNLESS] = DO_JUMP_UNLESS,
		[ENS_OP_JUMP_SET] = DO_JUMP_SET,
		[ENS_OP_RET] = DO_RET,
	};

	return table[op];
}

static uint8_t operation_of(const struct ens_t_insn *from, const struct ens_operands *o)
{
	switch (from->op) {
	case ENS_OP_COMPARE:
		if (o->a == ENS_NOTYPE || o->b == ENS_NOTYPE)
			return DO_NULL;
		return (uint8_t)(DO_EQ_I + from->fn + kind_of(o->a) * ENS_NCMP);
	case ENS_OP_ADD:
	case ENS_OP_SUB:
	case ENS_OP_MUL:
	case ENS_OP_DIV:
	case ENS_OP_MOD:
		return arithmetic_operation(from->op, o->a, o->b);
	case ENS_OP_NEG:
		return o->a == ENS_NOTYPE ? DO_NULL : o->a == ENS_FLOAT ? DO_NEG_F : DO_NEG_I;
	case ENS_OP_IN:
		return o->a == ENS_NOTYPE ? DO_NULL : in_operation(o->a);
	default:
		return plain_operation(from->op);
	}
}

/* False without memory. */
static bool translate_insn(struct ens_translated *code, const struct ens_tables *t, const struct ens_t_insn *from,
			   const struct ens_operands *o, struct insn *to)
{
	*to = (struct insn){.op = operation_of(from, o), .fn = from->fn, .dst = from->dst & REGISTER_MASK, .index = from->index};
	if (to->op == DO_CONST)
		to->value = &code->constant[from->index];
	if (to->op == DO_LIKE || (to->op >= DO_IN_I && to->op <= DO_IN_IP)) {
		to->set = get_set(code, t, from->b, to->op == DO_LIKE);
		if (!to->set)
			return false;
	}
	if (to->op == DO_MUL_DF && o->a == ENS_FLOAT) { /* the duration first */
		to->a = from->b;
		to->b = from->a;
	}
	return true;
}

/* FIELD x; CONST y; COMPARE x y; RET as one instruction: the commonest condition. */
static void fuse_comparison(struct insn *i)
{
	uint8_t op;

	if (i[0].op != DO_FIELD || i[1].op != DO_CONST || i[2].op < DO_EQ_I || i[2].op > DO_GE_B || i[3].op != DO_RET ||
	    i[0].dst == i[1].dst || i[2].a != i[0].dst || i[2].b != i[1].dst || i[2].dst != i[3].dst || i[1].value->null)
		return;
	if (i[2].op >= DO_EQ_B) {
		if (i[2].op > DO_NE_B)
			return;
		op = DO_FIELD_EQ_B;
	} else {
		op = i[2].op >= DO_EQ_F ? DO_FIELD_COMPARE_F : DO_FIELD_COMPARE_I;
	}
	i[0].op = op;
	i[0].fn = i[2].fn;
	i[0].dst = i[2].dst;
	i[0].value = i[1].value;
}

static enum ens_status translate_program(struct ens_translated *code, const struct ens_tables *t, uint32_t p,
					 struct ens_operands *operands, struct ens_error *err)
{
	const struct ens_t_list *list = &t->program[p].code;
	struct insn *to;
	enum ens_status st = ens_program_types(t, p, operands, err);

	if (st != ENS_OK)
		return st;
	to = ens_arena_alloc(&code->arena, sizeof(*to) * list->count);
	for (uint32_t i = 0; to && i < list->count; i++) {
		if (!operands[i].reached)
			to[i] = (struct insn){.op = DO_NULL};
		else if (!translate_insn(code, t, &t->insn[list->first + i], &operands[i], &to[i]))
			break;
	}
	if (code->arena.failed)
		return ens_fail(err, ENS_ENOMEM, "no memory for the programs of the rules");
	if (list->count == 4)
		fuse_comparison(to);
	code->start[p] = to;
	return ENS_OK;
}

static struct ens_translated *make_code(const struct ens_tables *t)
{
	struct ens_translated *code = malloc(sizeof(*code));

	if (!code)
		return NULL;
	*code = (struct ens_translated){0};
	ens_arena_init(&code->arena, 0);
	code->start = ens_arena_alloc(&code->arena, sizeof(*code->start) * (t->nprogram + (size_t)1));
	code->constant = ens_arena_alloc(&code->arena, sizeof(*code->constant) * (t->nconstant + (size_t)1));
	code->in = ens_arena_zalloc(&code->arena, sizeof(*code->in) * (t->nset + (size_t)1));
	code->like = ens_arena_zalloc(&code->arena, sizeof(*code->like) * (t->nset + (size_t)1));
	if (code->arena.failed) {
		ens_arena_free(&code->arena);
		free(code);
		return NULL;
	}
	for (uint32_t i = 0; i < t->nconstant; i++)
		code->constant[i] = ens_const_value(t, &t->constant[i]);
	return code;
}

static enum ens_status translate(struct ens_context *c, const struct ens_tables *t, struct ens_error *err)
{
	struct ens_operands *operands = malloc(sizeof(*operands) * ENS_PROGRAM_MAX_INSNS);
	enum ens_status st = ENS_OK;

	c->code = operands ? make_code(t) : NULL;
	if (!c->code)
		st = ens_fail(err, ENS_ENOMEM, "no memory for the programs of the rules");
	for (uint32_t p = 0; st == ENS_OK && p < t->nprogram; p++)
		st = translate_program(c->code, t, p, operands, err);
	free(operands);
	return st;
}

enum ens_status ens_context_init(struct ens_context *c, const struct ens_tables *t, struct ens_error *err)
{
	enum ens_status st;

	*c = (struct ens_context){.tables = t};
	ens_arena_init(&c->scratch, SCRATCH_MAX_BYTES);
	c->reg = calloc(ENS_REGISTERS_MAX, sizeof(*c->reg));
	st = c->reg ? translate(c, t, err) : ens_fail(err, ENS_ENOMEM, "no memory for the programs of the rules");
	if (st == ENS_OK) {
		c->patterns = ens_patterns_open(t, err);
		if (!c->patterns)
			st = ENS_EINPUT;
	}
	if (st != ENS_OK)
		ens_context_free(c);
	return st;
}

void ens_context_free(struct ens_context *c)
{
	if (c->patterns)
		ens_patterns_close(c->patterns);
	if (c->code) {
		ens_arena_free(&c->code->arena);
		free(c->code);
	}
	ens_arena_free(&c->scratch);
	ens_buf_free(&c->text);
	free(c->reg);
	*c = (struct ens_context){0};
}

void ens_program_reset(struct ens_context *c)
{
	if (c->scratch.used_bytes > 0 || c->scratch.failed)
		ens_arena_reset(&c->scratch);
}
