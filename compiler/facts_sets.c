/*
 * Conditions as sets of values: what it takes that a condition about one term and literals is true.
 *
 * `and`, `or` and `not` are worked out on the sets, for true and for false apart, as three-valued logic has it; so
 * such conditions are understood exactly.  Two terms compared leave a set of orders.  Anything else of type bool is a
 * term by itself, with the values true and false.  Tested by tests/lang/check_conditions.test.
 */
#include <math.h>
#include <string.h>

#include "compiler/facts_private.h"

#define LIST_MAX 256u                /* longer lists are not looked into */
#define EXACT_INT 9007199254740992.0 /* 2^53: integers up to here are floats */

/* ---- terms ------------------------------------------------------------------------------------------------------ */

static bool same_value(const struct ens_expr *a, const struct ens_expr *b)
{
	if (a->type != b->type || a->lit_type != b->lit_type || a->literal.null != b->literal.null)
		return false;
	if (a->literal.null || a->lit_type == ENS_NOTYPE)
		return true;
	if (ens_type_is_bytes(a->lit_type))
		return a->literal.len == b->literal.len &&
		       (!a->literal.len || memcmp(a->literal.s, b->literal.s, a->literal.len) == 0);
	return memcmp(&a->literal.i, &b->literal.i, sizeof a->literal.i) == 0;
}

static bool same_reach(const struct ens_reach *a, const struct ens_reach *b)
{
	if (!a->npat || a->npat != b->npat || a->scope != b->scope || a->root != b->root)
		return false;
	for (uint32_t i = 0; i < a->npat; i++)
		if (a->pat[i] != b->pat[i])
			return false;
	return true;
}

static bool same_name(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The same meaning; what is not known here means nothing. */
static bool same_meaning(const struct ens_expr_sema *a, const struct ens_expr_sema *b)
{
	if (!a || !b || a->mean != b->mean || !same_name(a->field, b->field))
		return false;
	switch (a->mean) {
	case ENS_MEAN_FIELD:
	case ENS_MEAN_COALESCE:
		return true;
	case ENS_MEAN_KEY:
	case ENS_MEAN_FUNCTION:
		return a->index == b->index;
	case ENS_MEAN_STEP:
		return a->which == b->which && a->nth == b->nth && same_reach(&a->target, &b->target);
	case ENS_MEAN_PREV:
		return same_reach(&a->target, &b->target);
	case ENS_MEAN_AGGREGATE:
		return a->aggregate == b->aggregate && a->counts_events == b->counts_events &&
		       same_reach(&a->target, &b->target);
	default:
		return false;
	}
}

bool ens_expr_same(const struct ens_expr *a, const struct ens_expr *b)
{
	if (a == b)
		return true;
	if (a->kind == ENS_X_LITERAL && b->kind == ENS_X_LITERAL)
		return same_value(a, b);
	if (a->type != b->type)
		return false;
	if (a->kind == ENS_X_NAME || a->kind == ENS_X_MEMBER) /* a.x of the event at hand is x */
		return (b->kind == ENS_X_NAME || b->kind == ENS_X_MEMBER) && same_meaning(a->sema, b->sema);
	if (a->kind != b->kind || a->negated != b->negated || a->narg != b->narg)
		return false;
	if (a->kind == ENS_X_CALL) {
		if (!same_meaning(a->sema, b->sema))
			return false;
		if (a->sema->mean == ENS_MEAN_AGGREGATE && a->sema->counts_events)
			return true;
	} else if (a->kind == ENS_X_INDEX || a->kind == ENS_X_STAR) {
		return false;
	}
	for (uint32_t i = 0; i < a->narg; i++)
		if (!ens_expr_same(a->arg[i], b->arg[i]))
			return false;
	return true;
}

uint32_t ens_key_of(const struct ens_facts *f, const struct ens_expr *e)
{
	const struct ens_expr_sema *x = e->sema;
	const struct ens_decl *type = NULL;
	const struct ens_input_sema *in;
	struct ens_field_ref ref;

	if (!f->rule || !x || (e->kind != ENS_X_NAME && e->kind != ENS_X_MEMBER))
		return ENS_NONE;
	if (x->mean == ENS_MEAN_KEY)
		return x->index;
	if (x->mean == ENS_MEAN_FIELD)
		type = f->hand;
	else if (x->mean == ENS_MEAN_STEP && !e->optional && x->target.npat == 1)
		type = x->target.pat[0]->ref->sema->type;
	in = type ? ens_rule_input(f->rule, type) : NULL;
	if (!in || !in->key_field || !x->field)
		return ENS_NONE;
	ref = ens_type_field(type, x->field);
	for (uint32_t k = 0; ref.kind == ENS_FIELD_DECLARED && k < f->rule->nkey; k++)
		if (in->key_field[k] == ref.index)
			return k;
	return ENS_NONE;
}

bool ens_same_term(const struct ens_facts *f, const struct ens_expr *a, const struct ens_expr *b)
{
	uint32_t k = ens_key_of(f, a);

	return k != ENS_NONE ? k == ens_key_of(f, b) : ens_expr_same(a, b);
}

/* ---- literals --------------------------------------------------------------------------------------------------- */

/* A constant expression's value, for a comparison in `type`; `bits` of an address: of its prefix. */
struct constant {
	struct ens_value v;
	uint32_t bits;
};

static bool literal(const struct ens_expr *e, enum ens_type type, struct constant *out)
{
	bool stands_for = e->lit_type == ENS_STRING && (e->type == ENS_IP || e->type == ENS_TIME);

	if (e->lit_type == ENS_NOTYPE || e->literal.null)
		return false;
	out->v = (stands_for || e->lit_type == ENS_IP) && e->sema ? e->sema->value : e->literal;
	out->bits = e->type == ENS_IP && e->sema ? e->sema->index : 128;
	if (type == ENS_FLOAT && e->lit_type == ENS_INT)
		out->v.f = (double)e->literal.i;
	else if (e->type != type && e->lit_type != type)
		return false;
	if (type == ENS_IP)
		return (stands_for || e->lit_type == ENS_IP) && out->v.len == 16 && out->bits <= 128;
	return type != ENS_TIME || !stands_for || e->sema;
}

static bool calculate(enum ens_expr_kind op, enum ens_type type, struct ens_value a, struct ens_value b,
		      struct ens_value *out)
{
	*out = (struct ens_value){.null = ENS_SET};
	if (type == ENS_FLOAT) {
		out->f = op == ENS_X_ADD ? a.f + b.f : op == ENS_X_SUB ? a.f - b.f : a.f * b.f;
		return isfinite(out->f);
	}
	if (op == ENS_X_ADD)
		return !__builtin_add_overflow(a.i, b.i, &out->i);
	if (op == ENS_X_SUB)
		return !__builtin_sub_overflow(a.i, b.i, &out->i);
	return !__builtin_mul_overflow(a.i, b.i, &out->i);
}

/* False: not constant, or without a value. */
static bool constant(const struct ens_expr *e, enum ens_type type, struct constant *out)
{
	struct constant a, b;

	out->bits = 128;
	switch (e->kind) {
	case ENS_X_LITERAL:
		return literal(e, type, out);
	case ENS_X_NEG:
		if (!constant(e->arg[0], type, &a) || (type != ENS_INT && type != ENS_FLOAT && type != ENS_DURATION))
			return false;
		out->v = a.v;
		if (type == ENS_FLOAT)
			out->v.f = -a.v.f;
		return type == ENS_FLOAT || !__builtin_sub_overflow(0, a.v.i, &out->v.i);
	case ENS_X_ADD:
	case ENS_X_SUB:
	case ENS_X_MUL: /* of one type throughout */
		if ((e->type != ENS_INT && e->type != ENS_FLOAT) || (type != e->type && type != ENS_FLOAT))
			return false;
		if (!constant(e->arg[0], e->type, &a) || !constant(e->arg[1], e->type, &b) ||
		    !calculate(e->kind, e->type, a.v, b.v, &out->v))
			return false;
		if (type != e->type)
			out->v.f = (double)out->v.i;
		return true;
	default:
		return false;
	}
}

/* ---- conditions as sets ----------------------------------------------------------------------------------------- */

static struct ens_meaning fixed(bool truth)
{
	return (struct ens_meaning){.kind = ENS_FIXED, .truth = truth};
}

static struct ens_meaning one_of(const struct ens_expr *term, struct ens_values values)
{
	return (struct ens_meaning){.kind = ENS_ONE_OF, .term = term, .values = values};
}

static struct ens_values point(struct ens_arena *a, int op, enum ens_type type, const struct constant *c)
{
	if (type == ENS_IP && c->bits < 128)
		return ens_values_network(a, c->v.s, c->bits);
	if (ens_type_is_bytes(type))
		return ens_values_order_bytes(a, op, c->v.s, c->v.len);
	return ens_values_order(a, op, type == ENS_FLOAT ? ens_values_float(c->v.f) : c->v.i);
}

/* An int compared with a float: as floats; beyond 2^53 several ints are one float. */
static struct ens_values point_int(struct ens_arena *a, int op, double f)
{
	bool whole = f == floor(f);
	struct ens_values everything = ens_values_all(false);

	everything.exact = false;
	if (fabs(f) >= EXACT_INT)
		return everything;
	if (op == 0)
		return whole ? ens_values_order(a, 0, (int64_t)f) : ens_values_none();
	if (op < 0)
		return whole ? ens_values_order(a, op, (int64_t)f) : ens_values_order(a, -1, (int64_t)floor(f));
	return whole ? ens_values_order(a, op, (int64_t)f) : ens_values_order(a, 1, (int64_t)ceil(f));
}

/* `term op c`, the comparison being one in `type`. */
static struct ens_values against(struct ens_arena *a, const struct ens_expr *term, int op, enum ens_type type,
				 const struct constant *c)
{
	return type == ENS_FLOAT && term->type == ENS_INT ? point_int(a, op, c->v.f) : point(a, op, type, c);
}

static enum ens_type common_type(const struct ens_expr *e, uint32_t from)
{
	enum ens_type t = e->arg[from]->type;

	for (uint32_t i = from; i < e->narg; i++)
		if (e->arg[i]->type == ENS_FLOAT)
			t = ENS_FLOAT;
	return t;
}

/* lower(x) has no capitals, upper(x) no small letters. */
static bool wrong_case(const struct ens_expr *term, const struct ens_value *v)
{
	const char *name =
		term->kind == ENS_X_CALL && term->sema && term->sema->mean == ENS_MEAN_FUNCTION ? term->name : "";
	char from = strcmp(name, "lower") == 0 ? 'A' : strcmp(name, "upper") == 0 ? 'a' : 0;

	for (uint32_t i = 0; from && i < v->len; i++)
		if (v->s[i] >= from && v->s[i] <= from + 25)
			return true;
	return false;
}

/* Less, equal, greater as the orders that an operator lets through. */
static unsigned order_of(enum ens_expr_kind op, bool truth)
{
	unsigned o = op == ENS_X_EQ   ? ENS_EQUAL
		     : op == ENS_X_NE ? ENS_LESS | ENS_GREATER
		     : op == ENS_X_LT ? ENS_LESS
		     : op == ENS_X_LE ? ENS_LESS | ENS_EQUAL
		     : op == ENS_X_GT ? ENS_GREATER
				      : ENS_GREATER | ENS_EQUAL;

	return truth ? o : 7u & ~o;
}

unsigned ens_mirrored(unsigned order)
{
	return (order & ENS_EQUAL) | (order & ENS_LESS ? ENS_GREATER : 0u) | (order & ENS_GREATER ? ENS_LESS : 0u);
}

static struct ens_values by_order(struct ens_arena *a, const struct ens_expr *term, unsigned order, enum ens_type type,
				  const struct constant *c)
{
	struct ens_values v = ens_values_none();

	if ((order & ENS_EQUAL) && type == ENS_STRING && wrong_case(term, &c->v))
		order &= (unsigned)~ENS_EQUAL;
	if (order == (ENS_LESS | ENS_GREATER))
		return ens_values_others(a, against(a, term, 0, type, c));
	if (order & ENS_LESS)
		return against(a, term, order & ENS_EQUAL ? -1 : -2, type, c);
	if (order & ENS_GREATER)
		return against(a, term, order & ENS_EQUAL ? 1 : 2, type, c);
	return order ? against(a, term, 0, type, c) : v;
}

static bool is_truth(const struct ens_expr *e)
{
	return e->kind == ENS_X_LITERAL && e->lit_type == ENS_BOOL;
}

static struct ens_meaning comparison(struct ens_facts *f, const struct ens_expr *e, bool truth)
{
	const struct ens_expr *a = e->arg[0], *b = e->arg[1];
	enum ens_type type = common_type(e, 0);
	unsigned order = order_of(e->kind, truth);
	struct constant ca, cb;
	bool fa, fb;

	if (a->type == ENS_BOOL && (is_truth(a) || is_truth(b))) /* ok = true, ok != false */
		return ens_meaning_of(f, is_truth(b) ? a : b,
				      ((is_truth(b) ? b : a)->literal.i != 0) == (order == ENS_EQUAL));
	fa = constant(a, type, &ca);
	fb = constant(b, type, &cb);
	if (fa && fb) {
		struct ens_values x = point(f->arena, 0, type, &ca), y = by_order(f->arena, a, order, type, &cb);

		if (type == ENS_FLOAT) /* both as floats, also where one is written as an int */
			y = order == (ENS_LESS | ENS_GREATER)
				    ? ens_values_others(f->arena, point(f->arena, 0, type, &cb))
				    : point(f->arena,
					    order == ENS_LESS      ? -2
					    : order == ENS_EQUAL   ? 0
					    : order == ENS_GREATER ? 2
					    : order & ENS_LESS     ? -1
								   : 1,
					    type, &cb);
		return fixed(ens_values_within(x, y));
	}
	if (fb)
		return one_of(a, by_order(f->arena, a, order, type, &cb));
	if (fa)
		return one_of(b, by_order(f->arena, b, ens_mirrored(order), type, &ca));
	if (ens_same_term(f, a, b))
		return one_of(a, order & ENS_EQUAL ? ens_values_all(false) : ens_values_none());
	return (struct ens_meaning){.kind = ENS_ORDERED, .term = a, .term2 = b, .order = order};
}

/* A bool of which nothing more is known: a term by itself. */
static struct ens_meaning opaque(struct ens_facts *f, const struct ens_expr *e, bool truth)
{
	return one_of(e, ens_values_order(f->arena, 0, truth));
}

static struct ens_meaning between(struct ens_facts *f, const struct ens_expr *e, bool truth)
{
	enum ens_type type = common_type(e, 0);
	struct constant least, most;
	struct ens_values v;

	if (!constant(e->arg[1], type, &least) || !constant(e->arg[2], type, &most))
		return opaque(f, e, truth);
	v = ens_values_both(f->arena, against(f->arena, e->arg[0], 1, type, &least),
			    against(f->arena, e->arg[0], -1, type, &most));
	return one_of(e->arg[0], truth == e->negated ? ens_values_others(f->arena, v) : v);
}

/* The union of what the members let through; halves are put together, so that long lists stay cheap. */
static struct ens_values members(struct ens_facts *f, const struct ens_expr *e, uint32_t from, uint32_t to,
				 struct ens_values (*one)(struct ens_facts *, const struct ens_expr *, uint32_t))
{
	if (to - from == 1)
		return one(f, e, from);

	uint32_t middle = from + (to - from) / 2;
	struct ens_values low = members(f, e, from, middle, one);

	return ens_values_either(f->arena, low, members(f, e, middle, to, one));
}

static struct ens_values equal_to(struct ens_facts *f, const struct ens_expr *e, uint32_t i)
{
	enum ens_type type = common_type(e, 0);
	struct constant c;

	if (!constant(e->arg[i], type, &c)) /* null: equal to nothing */
		return ens_values_none();
	return by_order(f->arena, e->arg[0], ENS_EQUAL, type, &c);
}

static struct ens_meaning in(struct ens_facts *f, const struct ens_expr *e, bool truth)
{
	enum ens_type type = common_type(e, 0);
	bool has_null = false;
	struct constant c;
	struct ens_values v;

	if (e->narg < 2 || e->narg > LIST_MAX + 1)
		return opaque(f, e, truth);
	for (uint32_t i = 1; i < e->narg; i++) {
		bool null = e->arg[i]->kind == ENS_X_LITERAL && e->arg[i]->lit_type == ENS_NOTYPE;

		has_null |= null;
		if (!null && !constant(e->arg[i], type, &c))
			return opaque(f, e, truth);
	}
	v = members(f, e, 1, e->narg, equal_to);
	if (truth != e->negated)
		return one_of(e->arg[0], v);
	return one_of(e->arg[0], has_null ? ens_values_none() : ens_values_others(f->arena, v));
}

/* What a pattern of `like` lets through, as far as its beginning tells. */
static struct ens_values like_one(struct ens_facts *f, const struct ens_expr *e, uint32_t i)
{
	const char *s = e->arg[i]->literal.s;
	uint32_t len = e->arg[i]->literal.len, n = 0;
	struct ens_values v;

	while (n < len && s[n] != '*' && s[n] != '?')
		n++;
	if (n == len)
		return ens_values_order_bytes(f->arena, 0, s, len);
	v = ens_values_prefix(f->arena, s, n);
	v.exact = v.exact && n + 1 == len && s[n] == '*';
	return v;
}

static struct ens_meaning like(struct ens_facts *f, const struct ens_expr *e, bool truth)
{
	struct ens_values v;

	if (e->narg < 2 || e->narg > LIST_MAX + 1)
		return opaque(f, e, truth);
	for (uint32_t i = 1; i < e->narg; i++)
		if (e->arg[i]->kind != ENS_X_LITERAL || e->arg[i]->lit_type != ENS_STRING)
			return opaque(f, e, truth);
	v = members(f, e, 1, e->narg, like_one);
	return one_of(e->arg[0], truth != e->negated ? v : ens_values_others(f->arena, v));
}

static struct ens_meaning joined(struct ens_facts *f, const struct ens_expr *e, bool truth)
{
	bool all = (e->kind == ENS_X_AND) == truth;
	struct ens_meaning a = ens_meaning_of(f, e->arg[0], truth), b = ens_meaning_of(f, e->arg[1], truth);

	if (a.kind == ENS_FIXED)
		return a.truth == all ? b : a;
	if (b.kind == ENS_FIXED)
		return b.truth == all ? a : b;
	if (a.kind != ENS_ONE_OF || b.kind != ENS_ONE_OF || !ens_same_term(f, a.term, b.term))
		return (struct ens_meaning){.kind = ENS_MANY};
	return one_of(a.term, all ? ens_values_both(f->arena, a.values, b.values)
				  : ens_values_either(f->arena, a.values, b.values));
}

struct ens_meaning ens_meaning_of(struct ens_facts *f, const struct ens_expr *e, bool truth)
{
	if (f->work++ > ENS_FACTS_WORK)
		return opaque(f, e, truth);
	switch (e->kind) {
	case ENS_X_NOT:
		return ens_meaning_of(f, e->arg[0], !truth);
	case ENS_X_LITERAL:
		return fixed(e->lit_type == ENS_BOOL && (e->literal.i != 0) == truth);
	case ENS_X_AND:
	case ENS_X_OR:
		return joined(f, e, truth);
	case ENS_X_EQ:
	case ENS_X_NE:
	case ENS_X_LT:
	case ENS_X_LE:
	case ENS_X_GT:
	case ENS_X_GE:
		return comparison(f, e, truth);
	case ENS_X_BETWEEN:
		return between(f, e, truth);
	case ENS_X_IN:
		return in(f, e, truth);
	case ENS_X_LIKE:
		return like(f, e, truth);
	case ENS_X_ISNULL:
		return one_of(e->arg[0], truth == e->negated ? ens_values_all(false) : ens_values_null());
	default:
		return opaque(f, e, truth);
	}
}
