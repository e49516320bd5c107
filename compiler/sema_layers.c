/*
 * Rules over rules: types that rules derive, who makes them for whom, and the order in which rules can be checked.
 *
 * From names alone: a graph with the rules, the event types and the streams that rules write to, an edge from each to
 * what it needs.  One depth-first walk gives the order (what is needed comes first), the layers, and the circles, which
 * are errors.  A derived type's fields are known once the rules that derive it are checked.  Cost: linear in the text;
 * the walk does not recurse.  Tested by tests/lang/derive.test.
 */
#include "compiler/sema.h"

#include <string.h>

#include "base/limits.h"
#include "compiler/sema_private.h"

#define SHOWN_MAX 8u /* rules of a circle that its message names */

/* ---- names ------------------------------------------------------------------------------------------------------ */

static void name_taken(struct ens_sema *s, const struct ens_clause *c, const struct ens_decl *d)
{
	const char *what = d->kind == ENS_D_FILTER  ? "a filter"
			   : d->kind == ENS_D_TABLE ? "a table"
						    : "an event type that streams hold";
	struct ens_message *m = ens_diag_add(s->diag, ENS_E_DERIVED, c->name.at,
					     "`%s` is derived here, but it is %s", c->name.name, what);

	ens_diag_second(s->diag, m, d->name.at, "declared here");
	ens_diag_remedy(s->diag, m, "derive under another name: a derived type is declared by nothing but `derive`");
}

/* The type that the clause derives, new if no rule did before; NULL if it can't be. */
static struct ens_decl *derived_type(struct ens_sema *s, const struct ens_decl *rule, const struct ens_clause *c)
{
	uint32_t *place = ens_map_at_name(&s->type_map, c->name.name);
	struct ens_decl *d;

	if (!place)
		return NULL;
	if (*place != ENS_MAP_NONE) {
		d = s->decl[*place];
		if (d->sema->derived)
			return d;
		name_taken(s, c, d);
		return NULL;
	}
	d = ens_arena_zalloc(s->arena, sizeof *d);
	if (!d || !ens_sema_of_decl(s, d))
		return NULL;
	d->kind = ENS_D_EVENT;
	d->at = c->at;
	d->word_at = c->word_at;
	d->name = c->name;
	d->imported = rule->imported;
	d->sema->derived = true;
	d->sema->derivations_end = &d->sema->derivations;
	d->sema->takers_end = &d->sema->takers;
	d->sema->index = s->ntype;
	s->type[s->ntype++] = d;
	*place = s->ndecl;
	s->decl[s->ndecl++] = d;
	return d;
}

static void derivations_of(struct ens_sema *s, struct ens_decl *rule)
{
	struct ens_derivation **end = &rule->sema->derives;
	bool says = false;

	for (const struct ens_clause *c = rule->clauses; c && !s->arena->failed; c = c->next) {
		says |= c->kind == ENS_C_EMIT || c->kind == ENS_C_DERIVE || c->kind == ENS_C_ON_TIMEOUT;
		if (c->kind != ENS_C_DERIVE)
			continue;

		struct ens_derivation *d = ens_arena_zalloc(s->arena, sizeof *d);

		if (!d)
			return;
		*d = (struct ens_derivation){.rule = rule, .clause = c};
		*end = d;
		end = &d->next_of_rule;
		if (c->name.name && c->name.name[0])
			d->type = derived_type(s, rule, c);
		if (d->type) {
			*d->type->sema->derivations_end = d;
			d->type->sema->derivations_end = &d->next;
		}
	}
	s->lost_output |= rule->broken && !says;
}

void ens_sema_derived_names(struct ens_sema *s)
{
	for (uint32_t i = 0; i < s->nrule && !s->arena->failed; i++)
		derivations_of(s, s->rule[i]);
}

/* ---- the graph -------------------------------------------------------------------------------------------------- */

struct edge {
	uint32_t to;         /* node: what is needed */
	struct ens_span at;  /* where that is said: a rule's `derive` or `emit`; else ENS_NO_SPAN */
	struct edge *next;
};

enum colour { UNSEEN = 0, OPEN, DONE };

struct node {
	struct edge *edge, **end;
	enum colour colour;
	uint32_t place;      /* OPEN: on the stack */
	uint32_t layer;
};

struct visit {
	uint32_t node;
	const struct edge *edge, *next; /* gone along; to be next */
};

/* Nodes: rules, types, streams that rules write to and types come from. */
struct layers {
	struct ens_sema *s;
	struct node *node;
	uint32_t nnode;
	struct ens_map stream_map; /* name to node */
	const char **stream;       /* by node; NULL: a rule or type */
	struct visit *stack;
	uint32_t depth;
};

static bool is_rule(const struct layers *l, uint32_t node)
{
	return node < l->s->nrule;
}

static uint32_t node_of_type(const struct layers *l, const struct ens_decl *type)
{
	return l->s->nrule + type->sema->index;
}

static void add_edge(struct layers *l, uint32_t from, uint32_t to, struct ens_span at)
{
	struct edge *e = ens_arena_alloc(l->s->arena, sizeof *e);
	struct node *n = &l->node[from];

	if (!e)
		return;
	*e = (struct edge){to, at, NULL};
	if (!n->end)
		n->end = &n->edge;
	*n->end = e;
	n->end = &e->next;
}

/* The node of a stream that some rule writes to; ENS_NONE without memory. */
static uint32_t node_of_stream(struct layers *l, const char *name)
{
	uint32_t *place = ens_map_at_name(&l->stream_map, name);

	if (!place)
		return ENS_NONE;
	if (*place == ENS_MAP_NONE) {
		*place = l->nnode;
		l->stream[l->nnode++] = name;
	}
	return *place;
}

/* A rule takes in what `ref` names. */
static void takes_in(struct layers *l, uint32_t rule, const struct ens_ref *ref)
{
	struct ens_sema *s = l->s;
	uint32_t i = ref->type.name && ref->type.name[0] ? ens_map_find_name(&s->type_map, ref->type.name) : ENS_MAP_NONE;
	struct ens_decl *d = i == ENS_MAP_NONE ? NULL : s->decl[i], *type = d && d->kind == ENS_D_FILTER ? d->sema->type : d;
	struct ens_decl_list *t;

	if (!type || type->kind != ENS_D_EVENT)
		return;
	add_edge(l, rule, node_of_type(l, type), ENS_NO_SPAN);
	if (!type->sema->derived || type->sema->last_taker == s->rule[rule])
		return;
	t = ens_arena_alloc(s->arena, sizeof *t);
	if (!t)
		return;
	*t = (struct ens_decl_list){s->rule[rule], NULL};
	*type->sema->takers_end = t;
	type->sema->takers_end = &t->next;
	type->sema->last_taker = s->rule[rule];
}

static void pattern_takes_in(struct layers *l, uint32_t rule, const struct ens_pat *p)
{
	for (const struct ens_ref *ref = p->ref; ref; ref = ref->next)
		takes_in(l, rule, ref);
	for (const struct ens_ref *ref = p->until; ref; ref = ref->next)
		takes_in(l, rule, ref);
	for (uint32_t i = 0; i < p->nitem; i++)
		pattern_takes_in(l, rule, p->item[i]);
}

static void edges_of_rule(struct layers *l, uint32_t rule)
{
	for (const struct ens_clause *c = l->s->rule[rule]->clauses; c; c = c->next) {
		const char *stream = c->kind == ENS_C_EMIT || c->kind == ENS_C_ON_TIMEOUT ? ens_sema_stream(l->s, c) : NULL;
		uint32_t node = stream ? node_of_stream(l, stream) : ENS_NONE;

		for (const struct ens_input *i = c->inputs; i; i = i->next)
			if (i->ref)
				takes_in(l, rule, i->ref);
		for (const struct ens_ref *ref = c->ref; ref; ref = ref->next)
			takes_in(l, rule, ref);
		if (c->pattern)
			pattern_takes_in(l, rule, c->pattern);
		if (node != ENS_NONE)
			add_edge(l, node, rule, c->target_name ? c->target_name->at : c->name.at);
	}
}

/* Streams are known once all rules have been looked at. */
static void edges_of_type(struct layers *l, const struct ens_decl *type)
{
	for (const struct ens_derivation *d = type->sema->derivations; d; d = d->next)
		add_edge(l, node_of_type(l, type), d->rule->sema->index, d->clause->name.at);
	for (const struct ens_ident_list *i = type->streams; i; i = i->next) {
		uint32_t node = ens_map_find_name(&l->stream_map, i->id.name);

		if (node != ENS_MAP_NONE)
			add_edge(l, node_of_type(l, type), node, ENS_NO_SPAN);
	}
}

static bool make_graph(struct layers *l)
{
	struct ens_sema *s = l->s;
	uint32_t nclause = 0;

	for (uint32_t i = 0; i < s->nrule; i++)
		for (const struct ens_clause *c = s->rule[i]->clauses; c; c = c->next)
			nclause++;
	l->nnode = s->nrule + s->ntype;
	l->node = ens_arena_zalloc(s->arena, (l->nnode + nclause + 1) * sizeof *l->node);
	l->stream = ens_arena_zalloc(s->arena, (l->nnode + nclause + 1) * sizeof(char *));
	l->stack = ens_arena_zalloc(s->arena, (l->nnode + nclause + 1) * sizeof *l->stack);
	s->order = ens_arena_alloc(s->arena, (l->nnode + 1) * sizeof(struct ens_decl *));
	if (!l->node || !l->stream || !l->stack || !s->order)
		return false;
	ens_map_init(&l->stream_map, s->arena);
	for (uint32_t i = 0; i < s->nrule; i++)
		edges_of_rule(l, i);
	for (uint32_t i = 0; i < s->ntype; i++)
		edges_of_type(l, s->type[i]);
	return !s->arena->failed;
}

/* ---- circles ---------------------------------------------------------------------------------------------------- */

/* What the node on the stack is needed by: the one above it, of the first the last. */
static uint32_t needed_by(const struct layers *l, uint32_t first, uint32_t i)
{
	return i == first ? l->depth - 1 : i - 1;
}

static const char *rule_name(const struct layers *l, uint32_t i)
{
	const char *name = l->s->rule[l->stack[i].node]->name.name;

	return name ? name : "?";
}

/* The rule that node i, a rule, is needed by, through what `*made` says that it makes. */
static uint32_t taker(const struct layers *l, uint32_t first, uint32_t i, uint32_t *made)
{
	*made = i = needed_by(l, first, i);
	while (!is_rule(l, l->stack[i].node))
		i = needed_by(l, first, i);
	return i;
}

/* "rule `a` derives `X`, taken in by rule `b`, which emits to "s", taken in by rule `a`" */
static void say_chain(const struct layers *l, uint32_t first, uint32_t start, struct ens_buf *out)
{
	uint32_t i = start, shown = 0, made;

	ens_buf_addf(out, "rule `%s`", rule_name(l, i));
	do {
		i = taker(l, first, i, &made);
		ens_buf_adds(out, shown++ ? ", which " : " ");
		if (l->stream[l->stack[made].node]) {
			const char *stream = l->stream[l->stack[made].node];

			ens_buf_adds(out, "emits to ");
			ens_buf_add_json(out, stream, strlen(stream));
		} else {
			ens_buf_addf(out, "derives `%s`", l->s->type[l->stack[made].node - l->s->nrule]->name.name);
		}
		ens_buf_addf(out, ", taken in by rule `%s`", rule_name(l, i));
	} while (i != start && shown < SHOWN_MAX);
	if (i != start)
		ens_buf_addf(out, " and so on, back to rule `%s`", rule_name(l, start));
}

/* Where the last rule of the circle says what `start` takes in. */
static struct ens_span closing(const struct layers *l, uint32_t first, uint32_t start)
{
	uint32_t i = start, before;

	do {
		before = i;
		i = i + 1 == l->depth ? first : i + 1;
	} while (!is_rule(l, l->stack[i].node));
	return l->stack[before].edge->at;
}

/* The stack from `first` on goes round.  A rule that writes to a stream of its own (rule, type, stream) is told of where it
 * says that (sema_emit.c). */
static void circle(struct layers *l, uint32_t first)
{
	struct ens_buf chain = ENS_BUF_EMPTY;
	uint32_t start = first, made;
	struct ens_message *m;

	if (l->depth - first == 3 || l->s->diag->nerror > ENS_MESSAGES_MAX)
		return;
	while (!is_rule(l, l->stack[start].node))
		start++;
	say_chain(l, first, start, &chain);
	if (chain.failed)
		l->s->arena->failed = true;
	taker(l, first, start, &made);
	m = ens_diag_add(l->s->diag, ENS_E_CIRCLE, l->stack[made].edge->at,
			 l->depth - first == 2 ? "a rule can't take in what it causes itself: %s"
					       : "rules can't feed each other in a circle: %s",
			 ens_buf_cstr(&chain));
	if (l->depth - first > 2)
		ens_diag_second(l->s->diag, m, closing(l, first, start), "the circle closes here");
	ens_diag_remedy(l->s->diag, m,
			l->depth - first == 2 ? "derive another type, which it does not take in"
					      : "let one of them derive or emit something that none of the others takes in");
	ens_buf_free(&chain);
}

/* ---- the walk --------------------------------------------------------------------------------------------------- */

static void finish(struct layers *l, uint32_t node)
{
	struct ens_sema *s = l->s;
	struct node *n = &l->node[node];
	struct ens_decl *type = node >= s->nrule && node < s->nrule + s->ntype ? s->type[node - s->nrule] : NULL;

	n->colour = DONE;
	for (const struct edge *e = n->edge; e; e = e->next)
		if (l->node[e->to].layer > n->layer)
			n->layer = l->node[e->to].layer;
	if (is_rule(l, node)) {
		s->rule[node]->sema->layer = n->layer;
		s->order[s->norder++] = s->rule[node];
	} else if (type && type->sema->derived) {
		n->layer++;
		s->order[s->norder++] = type;
	} else {
		n->layer = 0;
	}
}

static void push(struct layers *l, uint32_t node)
{
	l->node[node].colour = OPEN;
	l->node[node].place = l->depth;
	l->stack[l->depth++] = (struct visit){.node = node, .next = l->node[node].edge};
}

static void walk(struct layers *l, uint32_t root)
{
	if (l->node[root].colour != UNSEEN)
		return;
	push(l, root);
	while (l->depth && !l->s->arena->failed) {
		struct visit *v = &l->stack[l->depth - 1];

		v->edge = v->next;
		if (!v->edge) {
			finish(l, v->node);
			l->depth--;
			continue;
		}
		v->next = v->edge->next;
		if (l->node[v->edge->to].colour == UNSEEN)
			push(l, v->edge->to);
		else if (l->node[v->edge->to].colour == OPEN)
			circle(l, l->node[v->edge->to].place);
	}
}

static void list_filters(struct ens_sema *s)
{
	for (uint32_t i = s->ndecl; i-- > 0;) {
		struct ens_decl *type = s->decl[i]->kind == ENS_D_FILTER ? s->decl[i]->sema->type : NULL;
		struct ens_decl_list *f = type && type->sema->derived ? ens_arena_alloc(s->arena, sizeof *f) : NULL;

		if (!f)
			continue;
		*f = (struct ens_decl_list){s->decl[i], type->sema->filters};
		type->sema->filters = f;
	}
}

void ens_sema_layers(struct ens_sema *s)
{
	struct layers l = {.s = s};

	if (s->arena->failed || !make_graph(&l))
		return;
	list_filters(s);
	for (uint32_t i = 0; i < s->nrule + s->ntype; i++)
		walk(&l, i);
}

/* ---- fields ----------------------------------------------------------------------------------------------------- */

/* The place of the field among the type's; ENS_NONE if there is no room. */
static uint32_t field_of(struct ens_sema *s, struct ens_decl *type, const struct ens_out_sema *out)
{
	struct ens_decl_sema *d = type->sema;
	uint32_t *place = ens_map_at_name(&d->field_map, out->name);

	if (!place)
		return ENS_NONE;
	if (*place != ENS_MAP_NONE)
		return *place;
	if (d->nfield == ENS_FIELDS_MAX) {
		ens_diag_add(s->diag, ENS_E_TOO_MANY, out->at, "with this field `%s` has more than %d", type->name.name,
			     ENS_FIELDS_MAX);
		return ENS_NONE;
	}
	if (!ens_arena_grow(s->arena, &d->field, d->nfield, &d->cap, sizeof *d->field))
		return ENS_NONE;
	*place = d->nfield;
	d->field[d->nfield] = (struct ens_field_sema){.name = out->name, .type = out->expr->type, .at = out->at};
	return d->nfield++;
}

/* Fields that not all rules give, or that may be null in one of them, may be missing. */
static void merge_fields(struct ens_sema *s, struct ens_decl *type)
{
	uint32_t given[ENS_FIELDS_MAX] = {0}, nderivation = 0;

	for (const struct ens_derivation *d = type->sema->derivations; d; d = d->next, nderivation++) {
		for (uint32_t i = 0; i < d->emit->nout; i++) {
			uint32_t f = field_of(s, type, &d->emit->out[i]);

			if (f == ENS_NONE)
				return;
			given[f]++;
			type->sema->field[f].optional |= d->emit->out[i].expr->optional;
		}
	}
	for (uint32_t f = 0; f < type->sema->nfield; f++)
		type->sema->field[f].optional |= given[f] < nderivation;
}

void ens_sema_derived_type(struct ens_sema *s, struct ens_decl *type)
{
	for (const struct ens_derivation *d = type->sema->derivations; d; d = d->next)
		type->sema->unknown |= !d->emit || d->emit->unknown;
	if (type->sema->unknown)
		return;
	merge_fields(s, type);
	for (const struct ens_decl_list *f = type->sema->filters; f && !s->arena->failed; f = f->next) {
		struct ens_view v = {.s = s, .hand = type};

		if (f->decl->ref && f->decl->ref->cond)
			ens_sema_condition(&v, f->decl->ref->cond);
	}
}
