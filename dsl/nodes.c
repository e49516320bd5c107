/*
 * Node constructors for the grammar's actions, and the few errors that it can't say itself.
 *
 * Without memory every node is the spare one, whatever its type was before: so functions that follow pointers in their
 * arguments look at the arena's `failed` first.
 * Guarantee: never NULL (see nodes.h); expressions are at most ENS_EXPR_DEPTH_MAX high, so that walks may recurse.
 * Each constructor is O(1) but for those that turn a finished list into an array.
 * Tested by tests/unit/test_parse.c and tests/lang.
 */
#include "dsl/nodes.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "dsl/grammar.h"

static_assert(sizeof(struct ens_decl) <= ENS_SPARE_BYTES, "every node fits the spare one");
static_assert(sizeof(struct ens_clause) <= ENS_SPARE_BYTES, "every node fits the spare one");
static_assert(sizeof(struct ens_pat) <= ENS_SPARE_BYTES, "every node fits the spare one");

static void *node(struct ens_parser *p, size_t len)
{
	void *n = ens_arena_zalloc(p->arena, len);

	if (n)
		return n;
	assert(len <= ENS_SPARE_BYTES && p->arena->failed);
	memset(p->spare, 0, sizeof(p->spare));
	return p->spare;
}

static bool no_memory(const struct ens_parser *p)
{
	return p->arena->failed;
}

static struct ens_span join(struct ens_span a, struct ens_span b)
{
	return ens_span_join(a, b);
}

void ens_too_deep(struct ens_parser *p, struct ens_span at)
{
	if (!p->fatal)
		ens_diag_add(p->diag, ENS_E_NESTING, at, "more than %d levels inside one another", ENS_NESTING_MAX);
	p->fatal = true;
}

void ens_not_yet(struct ens_parser *p, struct ens_span at, const char *what)
{
	ens_diag_add(p->diag, ENS_E_NOT_YET, at, "%s is not supported yet", what);
}

void ens_twice(struct ens_parser *p, struct ens_span at, const char *what)
{
	ens_diag_remedy(p->diag, ens_diag_add(p->diag, ENS_E_OPTION, at, "%s is given twice", what), "leave one of them out");
}

/* ---- names and literals --------------------------------------------------------------------------------------- */

struct ens_ident ens_mk_ident(struct ens_parser *p, struct ens_token t)
{
	const char *name = ens_arena_strndup(p->arena, t.s, t.len);

	return (struct ens_ident){name ? name : "", t.at};
}

struct ens_ident ens_mk_title(struct ens_parser *p, struct ens_token string)
{
	if (memchr(string.s, '\0', string.len))
		ens_diag_add(p->diag, ENS_E_ESCAPE, string.at, "a NUL character cannot stand in this string");
	return (struct ens_ident){string.s, string.at};
}

struct ens_ident_list *ens_mk_ident_list(struct ens_parser *p, struct ens_ident id)
{
	struct ens_ident_list *l = node(p, sizeof(*l));

	l->id = id;
	return l;
}

static enum ens_time_unit unit_of(struct ens_parser *p, struct ens_ident unit)
{
	static const char *const name[] = {
		[ENS_UNIT_S] = "s", [ENS_UNIT_MS] = "ms", [ENS_UNIT_US] = "us", [ENS_UNIT_NS] = "ns"};
	struct ens_message *m;

	for (int i = ENS_UNIT_S; i <= ENS_UNIT_NS; i++)
		if (strcmp(unit.name, name[i]) == 0)
			return (enum ens_time_unit)i;
	m = ens_diag_add(p->diag, ENS_E_TYPE_NAME, unit.at, "there is no unit `%s` of times", unit.name);
	ens_diag_remedy(p->diag, m, "units of times are s, ms, us and ns");
	return ENS_UNIT_AUTO;
}

static const char *const type_name[] = {"bool", "int", "float", "string", "time", "duration", "ip"};
static const enum ens_type type_of_name[] = {ENS_BOOL, ENS_INT, ENS_FLOAT, ENS_STRING, ENS_TIME, ENS_DURATION, ENS_IP};
static const char *const foreign_type[][2] = {
	{"integer", "int"},	{"long", "int"},	{"bigint", "int"},	{"int64", "int"},	{"int32", "int"},
	{"uint", "int"},	{"short", "int"},	{"smallint", "int"},	{"double", "float"},	{"number", "float"},
	{"decimal", "float"},	{"real", "float"},	{"numeric", "float"},	{"float64", "float"},	{"str", "string"},
	{"text", "string"},	{"varchar", "string"},	{"char", "string"},	{"uuid", "string"},	{"keyword", "string"},
	{"boolean", "bool"},	{"timestamp", "time"},	{"datetime", "time"},	{"date", "time"},	{"interval", "duration"},
	{"inet", "ip"},		{"cidr", "ip"},		{"ipv4", "ip"},		{"ipv6", "ip"},		{"ipaddr", "ip"},
};

bool ens_is_type_name(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(type_name) / sizeof(*type_name); i++)
		if (strlen(type_name[i]) == len && memcmp(type_name[i], name, len) == 0)
			return true;
	for (size_t i = 0; i < sizeof(foreign_type) / sizeof(*foreign_type); i++)
		if (strlen(foreign_type[i][0]) == len && memcmp(foreign_type[i][0], name, len) == 0)
			return true;
	return false;
}

struct ens_type_spec ens_mk_type(struct ens_parser *p, struct ens_ident name, struct ens_ident unit, struct ens_span at,
				 bool optional)
{
	struct ens_type_spec t = {.type = ENS_NOTYPE, .unit = ENS_UNIT_AUTO, .optional = optional, .at = at};
	const char *near = NULL;
	struct ens_message *m;

	for (size_t i = 0; i < sizeof(type_name) / sizeof(*type_name); i++)
		if (strcmp(name.name, type_name[i]) == 0)
			t.type = type_of_name[i];
	if (t.type != ENS_NOTYPE && unit.name && t.type != ENS_TIME)
		ens_diag_add(p->diag, ENS_E_TYPE_NAME, unit.at, "only `time` has a unit");
	else if (t.type != ENS_NOTYPE && unit.name)
		t.unit = unit_of(p, unit);
	if (t.type != ENS_NOTYPE)
		return t;
	for (size_t i = 0; i < sizeof(foreign_type) / sizeof(*foreign_type); i++)
		if (strcmp(name.name, foreign_type[i][0]) == 0)
			near = foreign_type[i][1];
	if (!near)
		near = ens_diag_nearest(name.name, type_name, sizeof(type_name) / sizeof(*type_name));
	m = ens_diag_add(p->diag, ENS_E_TYPE_NAME, name.at, "there is no type `%s`", name.name);
	if (near)
		ens_diag_remedy(p->diag, m, "did you mean `%s`?", near);
	else
		ens_diag_remedy(p->diag, m, "types are bool, int, float, string, time, duration and ip");
	return t;
}

/* ---- expressions ---------------------------------------------------------------------------------------------- */

/* An expression with room for narg arguments. */
static struct ens_expr *expr(struct ens_parser *p, enum ens_expr_kind kind, struct ens_span at, struct ens_span op_at,
			     uint32_t narg)
{
	struct ens_expr *e;

	if (narg <= 3) {
		e = node(p, sizeof(*e) + narg * sizeof(*e->arg));
		e->arg = narg ? (struct ens_expr **)(e + 1) : NULL;
	} else {
		e = node(p, sizeof(*e));
		e->arg = ens_arena_zalloc(p->arena, narg * sizeof(*e->arg));
	}
	e->kind = kind;
	e->at = at;
	e->op_at = op_at;
	e->narg = e->arg ? narg : 0;
	e->depth = 1;
	return e;
}

/* Puts the argument in its place; the one spot where trees grow higher. */
static void set_arg(struct ens_parser *p, struct ens_expr *e, uint32_t i, struct ens_expr *a)
{
	if (no_memory(p))
		return;
	assert(i < e->narg);
	e->arg[i] = a;
	if (a->depth < e->depth)
		return;
	e->depth = (uint16_t)(a->depth + 1);
	if (e->depth <= ENS_EXPR_DEPTH_MAX || p->fatal)
		return;
	ens_diag_add(p->diag, ENS_E_NESTING, e->op_at,
		     "more than %d operators and calls inside one another in one expression", ENS_EXPR_DEPTH_MAX);
	p->fatal = true;
}

static void set_args(struct ens_parser *p, struct ens_expr *e, uint32_t from, struct ens_exprs args)
{
	struct ens_expr_link *l = args.list.first;

	if (no_memory(p))
		return;
	for (uint32_t i = 0; i < args.n; i++, l = l->next)
		set_arg(p, e, from + i, l->expr);
}

struct ens_exprs ens_exprs_add(struct ens_parser *p, struct ens_exprs l, struct ens_expr *e)
{
	struct ens_expr_link *link = node(p, sizeof(*link));

	link->expr = e;
	l.list = ens_links_add(l.list, link);
	l.n++;
	return l;
}

struct ens_expr *ens_mk_literal(struct ens_parser *p, struct ens_token t)
{
	struct ens_expr *e = expr(p, ENS_X_LITERAL, t.at, t.at, 0);

	if (t.damage)
		return ens_mk_bad(p, t.at);
	switch (t.code) {
	case ENS_TK_INT:
	case ENS_TK_DURATION:
		e->lit_type = t.code == ENS_TK_INT ? ENS_INT : ENS_DURATION;
		e->literal.i = t.i;
		break;
	case ENS_TK_FLOAT:
		e->lit_type = ENS_FLOAT;
		e->literal.f = t.f;
		break;
	case ENS_TK_STRING:
		e->lit_type = ENS_STRING;
		e->literal.s = t.s;
		e->literal.len = t.len;
		break;
	case ENS_TK_NIL:
		e->lit_type = ENS_NOTYPE;
		e->literal.null = ENS_NULL;
		break;
	default:
		assert(t.code == ENS_TK_TRUE || t.code == ENS_TK_FALSE);
		e->lit_type = ENS_BOOL;
		e->literal.i = t.code == ENS_TK_TRUE;
		break;
	}
	return e;
}

struct ens_expr *ens_mk_bad(struct ens_parser *p, struct ens_span at)
{
	p->incomplete = true;
	return expr(p, ENS_X_BAD, at, at, 0);
}

struct ens_expr *ens_mk_count(struct ens_parser *p, int64_t n, struct ens_span at)
{
	struct ens_expr *e = expr(p, ENS_X_LITERAL, at, at, 0);

	e->lit_type = ENS_INT;
	e->literal.i = n;
	return e;
}

struct ens_expr *ens_mk_name(struct ens_parser *p, struct ens_ident name)
{
	struct ens_expr *e = expr(p, ENS_X_NAME, name.at, name.at, 0);

	e->name = name.name;
	return e;
}

struct ens_expr *ens_mk_unary(struct ens_parser *p, enum ens_expr_kind kind, struct ens_span op, struct ens_expr *a)
{
	struct ens_expr *e = expr(p, kind, join(op, a->at), op, 1);

	set_arg(p, e, 0, a);
	return e;
}

struct ens_expr *ens_mk_binary(struct ens_parser *p, enum ens_expr_kind kind, struct ens_expr *a, struct ens_span op,
			       struct ens_expr *b)
{
	struct ens_expr *e = expr(p, kind, join(a->at, b->at), op, 2);

	set_arg(p, e, 0, a);
	set_arg(p, e, 1, b);
	return e;
}

struct ens_expr *ens_mk_if(struct ens_parser *p, struct ens_span op, struct ens_expr *a, struct ens_expr *b,
			   struct ens_expr *c)
{
	struct ens_expr *e = expr(p, ENS_X_IF, join(op, c->at), op, 3);

	set_arg(p, e, 0, a);
	set_arg(p, e, 1, b);
	set_arg(p, e, 2, c);
	return e;
}

struct ens_expr *ens_mk_member(struct ens_parser *p, struct ens_expr *a, struct ens_ident name)
{
	struct ens_expr *e = expr(p, ENS_X_MEMBER, join(a->at, name.at), name.at, 1);

	e->name = name.name;
	set_arg(p, e, 0, a);
	return e;
}

struct ens_expr *ens_mk_star(struct ens_parser *p, struct ens_expr *a, struct ens_span star)
{
	struct ens_expr *e = expr(p, ENS_X_STAR, join(a->at, star), star, 1);

	set_arg(p, e, 0, a);
	return e;
}

struct ens_expr *ens_mk_call(struct ens_parser *p, struct ens_ident name, struct ens_exprs args, struct ens_span close)
{
	struct ens_expr *e = expr(p, ENS_X_CALL, join(name.at, close), name.at, args.n);

	e->name = name.name;
	set_args(p, e, 0, args);
	return e;
}

struct ens_expr *ens_mk_index(struct ens_parser *p, struct ens_expr *a, struct ens_exprs args, struct ens_span open,
			      struct ens_span close)
{
	struct ens_expr *e = expr(p, ENS_X_INDEX, join(a->at, close), join(open, close), args.n + 1);

	set_arg(p, e, 0, a);
	set_args(p, e, 1, args);
	return e;
}

struct ens_expr *ens_mk_parens(struct ens_expr *e, struct ens_span open, struct ens_span close)
{
	e->at = join(open, close);
	return e;
}

struct ens_expr *ens_mk_tail(struct ens_parser *p, enum ens_expr_kind kind, struct ens_span op, bool negated,
			     struct ens_exprs right, struct ens_span end)
{
	struct ens_expr *e = expr(p, kind, join(op, end), op, right.n + 1);

	e->negated = negated;
	set_args(p, e, 1, right);
	return e;
}

struct ens_expr *ens_mk_compare(struct ens_parser *p, struct ens_expr *left, struct ens_expr *tail)
{
	tail->at = join(left->at, tail->at);
	set_arg(p, tail, 0, left);
	return tail;
}

struct ens_expr *ens_mk_chained(struct ens_parser *p, struct ens_expr *left, struct ens_expr *tail)
{
	struct ens_message *m = ens_diag_add(p->diag, ENS_E_CHAINED, tail->op_at, "comparisons can't be chained");

	ens_diag_remedy(p->diag, m, "join two comparisons with `and`, or compare one's result in parentheses");
	return ens_mk_bad(p, join(left->at, tail->at));
}

/* ---- patterns ------------------------------------------------------------------------------------------------- */

struct ens_ref *ens_mk_ref(struct ens_parser *p, struct ens_ident type, struct ens_expr *cond, struct ens_span at)
{
	struct ens_ref *r = node(p, sizeof(*r));

	r->type = type;
	r->cond = cond;
	r->at = at;
	return r;
}

struct ens_pat *ens_mk_step(struct ens_parser *p, struct ens_ident name, struct ens_ref *ref)
{
	struct ens_pat *pat = node(p, sizeof(*pat));

	pat->kind = ENS_P_STEP;
	pat->name = name;
	pat->ref = ref;
	pat->at = name.name ? join(name.at, ref->at) : ref->at;
	return pat;
}

struct ens_pats ens_pats_add(struct ens_parser *p, struct ens_pats l, struct ens_connector c, struct ens_pat *pat)
{
	struct ens_pat_link *link = node(p, sizeof(*link));
	struct ens_message *m;

	if (l.n == 1)
		l.joint = c.joint;
	if (l.n > 0 && l.joint != c.joint && !l.mixed) {
		m = ens_diag_add(p->diag, ENS_E_MIXED_PATTERN, c.at, "arrows, `|` and `&` can't stand side by side");
		ens_diag_remedy(p->diag, m, "say with parentheses which parts belong together, as in A -> (B | C)");
		l.mixed = true;
		p->spoiled = true;
	}
	pat->arrow = c.arrow;
	pat->arrow_at = c.joint == ENS_JOINT_ARROW ? c.at : ENS_NO_SPAN;
	pat->after = c.after;
	pat->within = c.within;
	link->pat = pat;
	l.list = ens_pat_links_add(l.list, link);
	l.n++;
	return l;
}

static enum ens_pat_kind kind_of(enum ens_joint joint)
{
	switch (joint) {
	case ENS_JOINT_ALT:
		return ENS_P_ALT;
	case ENS_JOINT_AND:
		return ENS_P_AND;
	default:
		return ENS_P_SEQ;
	}
}

/* The items under one node, also when there is but one. */
static struct ens_pat *compound(struct ens_parser *p, struct ens_pats l)
{
	struct ens_pat *pat = node(p, sizeof(*pat));
	struct ens_pat_link *link = l.list.first;

	if (no_memory(p))
		return pat;
	pat->kind = kind_of(l.joint);
	pat->arrow_at = pat->quant_at = pat->inner_at = pat->greedy_at = ENS_NO_SPAN;
	pat->name.at = ENS_NO_SPAN;
	pat->at = join(l.list.first->pat->at, l.list.last->pat->at);
	pat->item = ens_arena_alloc(p->arena, l.n * sizeof(*pat->item));
	if (!pat->item)
		return pat;
	pat->nitem = l.n;
	for (uint32_t i = 0; i < l.n; i++, link = link->next)
		pat->item[i] = link->pat;
	return pat;
}

struct ens_pat *ens_mk_pattern(struct ens_parser *p, struct ens_pats l)
{
	return l.n == 1 && !no_memory(p) ? l.list.first->pat : compound(p, l);
}

struct ens_pat *ens_mk_group(struct ens_parser *p, struct ens_ident name, struct ens_pats l, struct ens_span open,
			     struct ens_span close)
{
	struct ens_pat *pat = l.list.first->pat;

	if (no_memory(p))
		return compound(p, l);
	/* Parentheses around a single part are its own, unless they give it a second name or could give it a second
	 * repetition. */
	if (l.n > 1 || pat->quantified || (name.name && pat->name.name))
		pat = compound(p, l);
	if (name.name && pat->kind == ENS_P_NOT) {
		ens_diag_add(p->diag, ENS_E_BAD_NOT, name.at, "a negated step has no name: no event is taken for it");
		p->spoiled = true;
	} else if (name.name) {
		pat->name = name;
	}
	pat->parens = true;
	pat->at = join(name.name ? name.at : open, close);
	return pat;
}

struct ens_pat *ens_mk_some_of(struct ens_parser *p, struct ens_span from, struct ens_pat *group)
{
	ens_not_yet(p, join(from, group->at), "`N of (A & B & C)`");
	return group;
}

void ens_mod_inner(struct ens_parser *p, struct ens_mods *m, enum ens_arrow inner, struct ens_span at)
{
	if (m->inner != ENS_ARROW_NONE)
		ens_diag_add(p->diag, ENS_E_OPTION, at, "one of `relaxed`, `consecutive` and `combinations` is enough");
	m->inner = inner;
	m->inner_at = at;
}

void ens_mod_greedy(struct ens_parser *p, struct ens_mods *m, struct ens_span at)
{
	if (m->greedy)
		ens_twice(p, at, "`greedy`");
	m->greedy = true;
	m->greedy_at = at;
}

void ens_mod_until(struct ens_parser *p, struct ens_mods *m, struct ens_ref *ref, struct ens_span at)
{
	if (m->until)
		ens_twice(p, at, "`until`");
	m->until = ref;
	m->until_at = at;
}

static void check_repetition(struct ens_parser *p, struct ens_mods m)
{
	struct ens_span at = m.inner != ENS_ARROW_NONE ? m.inner_at : m.greedy ? m.greedy_at : m.until_at;
	struct ens_message *msg;

	if (m.inner == ENS_ARROW_NONE && !m.greedy && !m.until)
		return;
	msg = ens_diag_add(p->diag, ENS_E_NO_REPETITION, at,
			   "this belongs behind a repetition, and none is written here");
	ens_diag_remedy(p->diag, msg, "repetitions are ? * + {3} {3,} {3,5} {,5}");
	p->spoiled = true;
}

struct ens_pat *ens_mk_repeat(struct ens_parser *p, struct ens_pat *pat, struct ens_quant q, struct ens_mods m)
{
	if (!q.written) {
		pat->quant_at = pat->inner_at = pat->greedy_at = ENS_NO_SPAN;
		check_repetition(p, m);
		return pat;
	}
	if (pat->kind == ENS_P_NOT) {
		ens_diag_add(p->diag, ENS_E_BAD_NOT, q.at, "a negated step has no repetition");
		p->spoiled = true;
	}
	pat->quantified = true;
	pat->min = q.min;
	pat->max = q.max;
	pat->quant_at = q.at;
	pat->inner = m.inner;
	pat->inner_at = m.inner != ENS_ARROW_NONE ? m.inner_at : ENS_NO_SPAN;
	pat->greedy = m.greedy;
	pat->greedy_at = m.greedy ? m.greedy_at : ENS_NO_SPAN;
	pat->until = m.until;
	pat->at = join(pat->at, q.at);
	return pat;
}

void ens_for_without_not(struct ens_parser *p, struct ens_span word)
{
	struct ens_message *m = ens_diag_add(p->diag, ENS_E_BAD_NOT, word, "`for` belongs to a `not`");

	ens_diag_remedy(p->diag, m,
			"an absence is written `not B for 30s`; a limit on the way to a step is `-> within 30s B`");
	p->spoiled = true;
}

static void bad_negation(struct ens_parser *p, const struct ens_pat *pat)
{
	struct ens_message *m;

	p->spoiled = true;
	if (pat->name.name) {
		m = ens_diag_add(p->diag, ENS_E_BAD_NOT, pat->name.at,
				 "a negated step has no name: no event is taken for it");
		ens_diag_remedy(p->diag, m, "leave `%s:` out", pat->name.name);
	} else if (pat->quantified) {
		m = ens_diag_add(p->diag, ENS_E_BAD_NOT, pat->quant_at, "a negated step has no repetition");
		ens_diag_remedy(p->diag, m, "`not B` already means: none");
	} else {
		m = ens_diag_add(p->diag, ENS_E_BAD_NOT, pat->at, "`not` stands before one step or `(B | C)`");
		ens_diag_remedy(p->diag, m, "several absences are written one after the other: -> not B -> not C");
	}
}

static bool is_plain_step(const struct ens_pat *pat)
{
	return pat->kind == ENS_P_STEP && !pat->name.name && !pat->quantified;
}

struct ens_pat *ens_mk_not(struct ens_parser *p, struct ens_span op, struct ens_pat *pat, struct ens_expr *for_dur)
{
	struct ens_pat *neg = node(p, sizeof(*neg));
	bool list = pat->kind == ENS_P_ALT && !pat->name.name && !pat->quantified;
	struct ens_pat **item = list ? pat->item : &pat;
	uint32_t n = list ? pat->nitem : 1;
	struct ens_refs refs = {0};

	if (no_memory(p))
		return neg;
	neg->kind = ENS_P_NOT;
	neg->at = join(op, for_dur ? for_dur->at : pat->at);
	neg->name.at = neg->quant_at = neg->inner_at = neg->greedy_at = ENS_NO_SPAN;
	neg->for_dur = for_dur;
	for (uint32_t i = 0; i < n; i++) {
		if (is_plain_step(item[i]))
			refs = ens_refs_add(refs, item[i]->ref);
		else
			bad_negation(p, item[i]);
	}
	neg->ref = refs.first;
	return neg;
}

/* ---- clauses -------------------------------------------------------------------------------------------------- */

struct ens_clause *ens_mk_clause(struct ens_parser *p, enum ens_clause_kind kind, struct ens_token word)
{
	struct ens_clause *c = node(p, sizeof(*c));

	c->kind = kind;
	c->at = c->word_at = word.at;
	c->select_at = ENS_NO_SPAN;
	return c;
}

struct ens_key_source *ens_mk_key_source(struct ens_parser *p, struct ens_ident type, struct ens_ident field)
{
	struct ens_key_source *s = node(p, sizeof(*s));

	s->type = type;
	s->field = field;
	return s;
}

struct ens_key *ens_mk_key(struct ens_parser *p, struct ens_ident name, bool null_ok, struct ens_key_source *source)
{
	struct ens_key *k = node(p, sizeof(*k));
	const struct ens_key_source *last = source;

	if (no_memory(p))
		return k;
	k->name = name;
	k->null_ok = null_ok;
	k->source = source;
	k->at = name.name ? name.at : source->type.at;
	while (last && last->next)
		last = last->next;
	if (last)
		k->at = join(k->at, last->field.at);
	return k;
}

struct ens_input *ens_mk_input(struct ens_parser *p, struct ens_ident name, struct ens_ref *ref)
{
	struct ens_input *i = node(p, sizeof(*i));

	i->name = name;
	i->ref = ref;
	return i;
}

struct ens_item *ens_mk_item(struct ens_parser *p, struct ens_ident name, struct ens_expr *value)
{
	struct ens_item *i = node(p, sizeof(*i));
	struct ens_message *m;

	if (no_memory(p))
		return i;
	i->name = name;
	i->value = value;
	i->at = name.name ? join(name.at, value->at) : value->at;
	if (!name.name && value->kind == ENS_X_EQ && value->arg[0]->kind == ENS_X_NAME) {
		m = ens_diag_add(p->diag, ENS_E_UNNAMED_ITEM, value->op_at, "a name and its value have a colon between them");
		ens_diag_remedy(p->diag, m, "write `%s: ...`", value->arg[0]->name);
		i->name = (struct ens_ident){value->arg[0]->name, value->arg[0]->at};
		i->value = value->arg[1];
		return i;
	}
	if (!name.name && value->kind != ENS_X_NAME && value->kind != ENS_X_STAR) {
		m = ens_diag_add(p->diag, ENS_E_UNNAMED_ITEM, value->at, "this value has no name");
		if (value->kind >= ENS_X_NE && value->kind <= ENS_X_GE && value->arg[0]->kind == ENS_X_NAME) {
			ens_diag_remedy(p->diag, m, "write `NAME: ...`; in a test the value that is expected, as in `%s: 5`",
					value->arg[0]->name);
			return i;
		}
		ens_diag_remedy(
			p->diag, m, "write `name: ...`%s%s%s", value->kind == ENS_X_MEMBER ? ", for instance `" : "",
			value->kind == ENS_X_MEMBER ? value->name : "", value->kind == ENS_X_MEMBER ? ": ...`" : "");
	}
	return i;
}

struct ens_fields ens_bad_field(struct ens_parser *p, struct ens_fields l, struct ens_token name)
{
	const struct ens_type_spec unknown = {.type = ENS_NOTYPE, .at = name.at};

	if (name.len)
		return ens_fields_add(l, ens_mk_field(p, name, unknown, NULL, NULL));
	p->spoiled = true;
	return l;
}

struct ens_items ens_bad_item(struct ens_parser *p, struct ens_items l, struct ens_token name)
{
	struct ens_expr *bad = ens_mk_bad(p, name.at);

	return name.len ? ens_items_add(l, ens_mk_item(p, ens_mk_ident(p, name), bad)) : l;
}

struct ens_clause *ens_mk_target(struct ens_clause *c, struct ens_ident type, struct ens_to to)
{
	c->name = type;
	c->target = to.target;
	c->target_name = to.name;
	return c;
}

static bool set_once(struct ens_expr **slot, struct ens_expr *value)
{
	bool twice = *slot != NULL;

	*slot = value;
	return !twice;
}

void ens_window_option(struct ens_parser *p, struct ens_clause *c, enum ens_window_option o, struct ens_span at,
		       struct ens_expr *value)
{
	static const struct {
		const char *word, *belongs;
		unsigned kinds; /* bits of enum ens_window */
	} row[] = {
		[ENS_WO_ZONE] = {"`zone`", "`window tumbling`", 1u << ENS_W_TUMBLING},
		[ENS_WO_EMPTY] = {"`empty`", "`window tumbling`", 1u << ENS_W_TUMBLING},
		[ENS_WO_EVERY] = {"`every`", "`window hopping` and `window N events`", 1u << ENS_W_HOPPING | 1u << ENS_W_EVENTS},
		[ENS_WO_MAX] = {"`max`", "`window session`", 1u << ENS_W_SESSION},
		[ENS_WO_REVISE] = {"`revise`", "`window tumbling`, `hopping` and `session`",
				   1u << ENS_W_TUMBLING | 1u << ENS_W_HOPPING | 1u << ENS_W_SESSION},
		[ENS_WO_FORGET] = {"`forget after`", "`window running` and `window tumbling ... empty`",
				   1u << ENS_W_RUNNING | 1u << ENS_W_TUMBLING},
	};
	bool first = true;

	if (no_memory(p))
		return;
	if (!(row[o].kinds >> c->window & 1)) {
		struct ens_message *m = ens_diag_add(p->diag, ENS_E_OPTION, at, "%s does not belong to this kind of window",
						     row[o].word);

		ens_diag_remedy(p->diag, m, "it goes with %s", row[o].belongs);
		return;
	}
	switch (o) {
	case ENS_WO_ZONE:
		first = set_once(&c->zone, value);
		break;
	case ENS_WO_EMPTY:
		first = !c->once;
		c->once = true;
		break;
	case ENS_WO_EVERY:
	case ENS_WO_MAX:
		first = set_once(&c->expr2, value);
		break;
	case ENS_WO_REVISE:
		first = set_once(&c->expr3, value);
		break;
	case ENS_WO_FORGET:
		first = set_once(&c->expr4, value);
		break;
	}
	if (!first)
		ens_twice(p, at, row[o].word);
}

struct ens_clause *ens_window_end(struct ens_parser *p, struct ens_clause *c)
{
	struct ens_message *m;

	if (no_memory(p))
		return c;
	if (c->window == ENS_W_HOPPING && !c->expr2) {
		m = ens_diag_add(p->diag, ENS_E_ENDS_EARLY, c->word_at, "a hopping window needs `every`");
		ens_diag_remedy(p->diag, m, "as in: window hopping 5m every 1m");
	}
	return c;
}

/* ---- declarations --------------------------------------------------------------------------------------------- */

struct ens_decl *ens_mk_decl(struct ens_parser *p, enum ens_decl_kind kind, struct ens_token word,
			     struct ens_ident name)
{
	struct ens_decl *d = node(p, sizeof(*d));

	d->kind = kind;
	d->at = d->word_at = word.at;
	d->name = name;
	d->doc = word.doc;
	d->type_at = ENS_NO_SPAN;
	return d;
}

struct ens_field *ens_mk_field(struct ens_parser *p, struct ens_token name, struct ens_type_spec type,
			       struct ens_expr *computed, struct ens_ident_list *source)
{
	struct ens_field *f = node(p, sizeof(*f));

	f->name = ens_mk_ident(p, name);
	f->type = type.type;
	f->unit = type.unit;
	f->optional = type.optional;
	f->type_at = type.at;
	f->computed = computed;
	f->source = source;
	f->at = join(name.at, computed ? computed->at : type.at);
	f->doc = name.doc;
	return f;
}

struct ens_option *ens_mk_option(struct ens_parser *p, enum ens_option_kind kind, struct ens_span at,
				 struct ens_ident name, struct ens_expr *value)
{
	struct ens_option *o = node(p, sizeof(*o));

	o->kind = kind;
	o->at = at;
	o->name = name;
	o->value = value;
	return o;
}

static bool is_new(struct ens_parser *p, struct ens_span word, const void *before, const char *what)
{
	if (before)
		ens_twice(p, word, what);
	return !before;
}

void ens_head_streams(struct ens_parser *p, struct ens_decl *d, struct ens_span word, struct ens_idents streams,
		      bool out)
{
	if (no_memory(p))
		return;
	if (d->kind == ENS_D_TABLE && out) {
		ens_diag_add(p->diag, ENS_E_OPTION, word, "a table has no `to`");
		return;
	}
	if (d->streams && out != (d->kind == ENS_D_OUTPUT)) {
		ens_diag_add(p->diag, ENS_E_OPTION, word,
			     "an event type is read `from` streams or written `to` one, not both");
		p->spoiled = true;
		return;
	}
	if (!is_new(p, word, d->streams, out ? "`to`" : "`from`"))
		return;
	d->streams = streams.first;
	if (out)
		d->kind = ENS_D_OUTPUT;
}

void ens_head_where(struct ens_parser *p, struct ens_decl *d, struct ens_span word, struct ens_expr *where)
{
	if (is_new(p, word, d->where, "`where`"))
		d->where = where;
}

void ens_head_json(struct ens_parser *p, struct ens_decl *d, struct ens_span word, struct ens_ident field)
{
	if (is_new(p, word, d->json.name, "`json`"))
		d->json = field;
}

void ens_head_keys(struct ens_parser *p, struct ens_decl *d, struct ens_span word, struct ens_idents keys)
{
	struct ens_message *m;

	if (no_memory(p))
		return;
	if (d->kind != ENS_D_TABLE) {
		m = ens_diag_add(p->diag, ENS_E_OPTION, word, "an event type has no `key`: its rules have");
		ens_diag_remedy(p->diag, m, "for the latest row of each key write `table %s`", d->name.name);
	} else if (is_new(p, word, d->keys, "`key`")) {
		d->keys = keys.first;
	}
}

/* What the head must have, by kind. */
struct ens_decl *ens_head_end(struct ens_parser *p, struct ens_decl *d, bool has_fields)
{
	const char *word = d->kind == ENS_D_TABLE ? "table" : "event";
	struct ens_message *m = NULL;

	if (p->spoiled || no_memory(p))
		return d;
	if (!d->streams) {
		m = ens_diag_add(p->diag, ENS_E_DECL_FORM, d->name.at, "`%s` comes from nowhere", d->name.name);
		ens_diag_remedy(p->diag, m, "say which stream it is read from: %s %s from \"stream\" { ... }", word,
				d->name.name);
	} else if (d->kind == ENS_D_OUTPUT && (has_fields || d->where || d->json.name)) {
		m = ens_diag_add(p->diag, ENS_E_DECL_FORM, d->name.at,
				 "an output type has only a name and its streams");
		ens_diag_remedy(p->diag, m, "its fields are those that rules emit");
	} else if (d->kind == ENS_D_OUTPUT && d->streams->next) {
		m = ens_diag_add(p->diag, ENS_E_DECL_FORM, d->streams->next->id.at,
				 "an output type goes to one stream");
	} else if (d->kind != ENS_D_OUTPUT && !has_fields) {
		m = ens_diag_add(p->diag, ENS_E_DECL_FORM, d->name.at, "`%s` has no fields", d->name.name);
		ens_diag_remedy(p->diag, m, "list them in braces: { user: string, ok: bool }");
	} else if (d->kind == ENS_D_TABLE && !d->keys) {
		m = ens_diag_add(p->diag, ENS_E_DECL_FORM, d->name.at, "the table `%s` has no key", d->name.name);
		ens_diag_remedy(p->diag, m, "write `key FIELD` before its fields");
	}
	if (m)
		p->spoiled = true;
	return d;
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

struct ens_test_line *ens_mk_line(struct ens_parser *p, enum ens_test_line_kind kind, struct ens_span at)
{
	struct ens_test_line *l = node(p, sizeof(*l));

	l->kind = kind;
	l->at = at;
	return l;
}

struct ens_test_line *ens_mk_event_line(struct ens_parser *p, struct ens_when when, struct ens_ident type,
					struct ens_item *items)
{
	struct ens_span at = when.from.file == ENS_NO_FILE ? type.at : join(when.from, type.at);
	struct ens_test_line *l = ens_mk_line(p, ENS_L_EVENT, at);

	l->at_time = when.at;
	l->arriving = when.arriving;
	l->times = when.times;
	l->every = when.every;
	l->type = type;
	l->items = items;
	return l;
}
