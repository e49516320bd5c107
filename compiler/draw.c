/*
 * Drawings of a pattern graph: a node for each step, one for the start, one for the complete match; an edge for each
 * way to go on, numbered in the order in which they are tried where there are several.
 *
 * What a node or an edge says is put together once, as lines of plain text; each format only escapes and places it.
 * Forks are edges side by side with one number.  Cost: linear in the graph.  Tested by tests/cli/graph.sh.
 */
#include "compiler/draw.h"

#include <string.h>

#include "compiler/sema.h"

struct drawing {
	const struct ens_decl *rule;
	const struct ens_graph *g;
	uint32_t first;            /* state that is drawn first: a window has no start */
	struct ens_buf *out, text; /* text: of the node or edge at hand, lines separated by line breaks */
	size_t head;               /* of an edge's text: bytes of its number and arrow */
};

/* ---- what a node says -------------------------------------------------------------------------------------------- */

static void node_text(struct drawing *d, const struct ens_pat *step)
{
	struct ens_buf *t = &d->text;

	ens_buf_clear(t);
	if (step->name.name)
		ens_buf_addf(t, "%s: ", step->name.name);
	ens_ref_write(step->ref, t);
	for (const struct ens_cond *c = step->sema->conds; c; c = c->next) {
		ens_buf_adds(t, "\nwhere ");
		ens_expr_write(c->expr, t);
	}
	for (const struct ens_ref *ref = ens_pat_repetition(step)->until; ref; ref = ref->next) {
		ens_buf_adds(t, "\nuntil ");
		ens_ref_write(ref, t);
	}
}

/* ---- what an edge says ------------------------------------------------------------------------------------------- */

/* A word at the beginning of one more line. */
static struct ens_buf *line(struct drawing *d, const char *word)
{
	if (d->text.len)
		ens_buf_addc(&d->text, '\n');
	ens_buf_adds(&d->text, word);
	return &d->text;
}

static void who(struct drawing *d, const struct ens_pat *p)
{
	if (p->name.name)
		ens_buf_adds(&d->text, p->name.name);
	else if (p->kind == ENS_P_STEP)
		ens_ref_write(p->ref, &d->text);
	else
		ens_buf_adds(&d->text, p->kind == ENS_P_AND ? "all parts" : "the group");
}

static void guard(struct drawing *d, const struct ens_g_op *o)
{
	switch (o->kind) {
	case ENS_T_AT_LEAST:
	case ENS_T_BELOW:
		line(d, "if ");
		who(d, o->loop);
		if (o->mask)
			ens_buf_adds(&d->text, " taken");
		else
			ens_buf_addf(&d->text, " %s %u times", o->kind == ENS_T_BELOW ? "fewer than" : "at least", o->n);
		break;
	case ENS_T_LACKS:
		line(d, "if not taken yet");
		break;
	case ENS_T_HOLDS:
		ens_expr_write(o->expr, line(d, "if "));
		break;
	case ENS_T_SET:
	case ENS_T_ADD:
	case ENS_T_MARK:
	case ENS_T_CLEAR:
		break;
	}
}

static void absence(struct drawing *d, const struct ens_g_absence *a)
{
	line(d, a->kind == ENS_T_VERY_NEXT ? ", not " : "not ");
	ens_ref_write(a->ref, &d->text);
	if (a->for_dur) {
		ens_buf_adds(&d->text, " for ");
		ens_expr_write(a->for_dur, &d->text);
	} else if (a->kind == ENS_T_SCOPE) {
		ens_buf_adds(&d->text, " until the scope ends");
	}
}

/* `number`: its place among the ways to go on; 0: the only one. */
static void edge_text(struct drawing *d, uint32_t from, const struct ens_g_entry *e, uint32_t number)
{
	static const char *const arrow[] = {[ENS_T_NEXT] = ",", [ENS_T_FOLLOWED] = "->", [ENS_T_ANY] = "->>"};
	const bool sign = e->kind == ENS_T_TAKE && from > 0;

	ens_buf_clear(&d->text);
	if (number)
		ens_buf_addf(&d->text, sign ? "%u: %s" : "%u:%s", number, sign ? arrow[e->arrow] : "");
	else if (sign)
		ens_buf_adds(&d->text, arrow[e->arrow]);
	d->head = d->text.len;
	if (e->after)
		ens_expr_write(e->after, line(d, "after "));
	if (e->within)
		ens_expr_write(e->within, line(d, "within "));
	for (const struct ens_g_op *o = e->guards; o; o = o->next)
		guard(d, o);
	for (const struct ens_g_absence *a = from == 0 ? d->g->leads : e->absences; a; a = a->next)
		absence(d, a);
}

/* The node that all leads to: the complete match, or the window that the inputs come into. */
static void last_text(struct drawing *d)
{
	const struct ens_window_sema *over = d->rule->sema->rule->over;

	ens_buf_clear(&d->text);
	ens_buf_adds(&d->text, over ? "window " : "match");
	if (over)
		ens_window_write(over, &d->text);
}

/* Calls back for each edge of a state, its text in d->text; target ENS_NONE: the match is complete, or the window. */
static void edges(struct drawing *d, uint32_t from, void (*each)(struct drawing *d, uint32_t from, uint32_t to))
{
	const struct ens_g_state *s = &d->g->state[from];
	uint32_t number = 0, level = 0;
	const bool several = s->nentry > 1;

	if (d->rule->sema->rule->over) {
		ens_buf_clear(&d->text);
		each(d, from, ENS_NONE);
	}
	for (uint32_t i = 0; i < s->nentry; i++) {
		const struct ens_g_entry *e = &s->entry[i];

		if (e->kind == ENS_T_FORK && level++ == 0)
			number++;
		if (e->kind == ENS_T_FORK_END)
			level--;
		if (e->kind != ENS_T_TAKE && e->kind != ENS_T_ACCEPT)
			continue;
		number += level == 0;
		edge_text(d, from, e, several ? number : 0);
		each(d, from, e->kind == ENS_T_TAKE ? e->target : ENS_NONE);
	}
}

/* Back quotes make any text a name, but a drawing has no control characters. */
static void add_char(struct ens_buf *out, char c)
{
	if ((unsigned char)c < 0x20 || c == 0x7f)
		ens_buf_add_visible(out, &c, 1);
	else
		ens_buf_addc(out, c);
}

/* ---- Graphviz ---------------------------------------------------------------------------------------------------- */

/* A string of its language; each line ends in \l, so that it stands at the left, unless it is the only one. */
static void dot_string(struct ens_buf *out, const struct ens_buf *text)
{
	const bool lines = text->len && memchr(text->data, '\n', text->len);

	ens_buf_addc(out, '"');
	for (size_t i = 0; i < text->len; i++) {
		if (text->data[i] == '\n') {
			ens_buf_adds(out, "\\l");
			continue;
		}
		if (text->data[i] == '"' || text->data[i] == '\\')
			ens_buf_addc(out, '\\');
		add_char(out, text->data[i]);
	}
	ens_buf_adds(out, lines ? "\\l\"" : "\"");
}

static void dot_edge(struct drawing *d, uint32_t from, uint32_t to)
{
	ens_buf_addf(d->out, "  s%u -> ", from);
	if (to == ENS_NONE)
		ens_buf_adds(d->out, "match");
	else
		ens_buf_addf(d->out, "s%u", to);
	if (d->text.len) {
		ens_buf_adds(d->out, " [label=");
		dot_string(d->out, &d->text);
		ens_buf_addc(d->out, ']');
	}
	ens_buf_adds(d->out, ";\n");
}

static void dot(struct drawing *d)
{
	ens_buf_adds(&d->text, d->rule->name.name);
	ens_buf_adds(d->out, "digraph ");
	dot_string(d->out, &d->text);
	ens_buf_addf(d->out, " {\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n"
			     "  edge [fontname=\"sans-serif\", fontsize=11];\n"
			     "%s",
		     d->first ? "" : "  s0 [shape=circle, label=\"start\"];\n");
	ens_buf_adds(d->out, d->first ? "  match [shape=box, label=" : "  match [shape=doublecircle, label=");
	last_text(d);
	dot_string(d->out, &d->text);
	ens_buf_adds(d->out, "];\n");
	for (uint32_t i = 1; i < d->g->nstate; i++) {
		ens_buf_addf(d->out, "  s%u [label=", i);
		node_text(d, d->g->state[i].step);
		dot_string(d->out, &d->text);
		ens_buf_adds(d->out, "];\n");
	}
	for (uint32_t i = d->first; i < d->g->nstate; i++)
		edges(d, i, dot_edge);
	ens_buf_adds(d->out, "}\n");
}

/* ---- Mermaid ----------------------------------------------------------------------------------------------------- */

static void mermaid_string(struct ens_buf *out, const struct ens_buf *text)
{
	ens_buf_addc(out, '"');
	for (size_t i = 0; i < text->len; i++) {
		const char c = text->data[i];

		if (c == '\n')
			ens_buf_adds(out, "<br/>");
		else if (strchr("\"#<>&`\\;", c))
			ens_buf_addf(out, "#%d;", c);
		else
			add_char(out, c);
	}
	ens_buf_addc(out, '"');
}

static void mermaid_edge(struct drawing *d, uint32_t from, uint32_t to)
{
	ens_buf_addf(d->out, "  s%u -->", from);
	if (d->text.len) {
		ens_buf_addc(d->out, '|');
		mermaid_string(d->out, &d->text);
		ens_buf_addc(d->out, '|');
	}
	if (to == ENS_NONE)
		ens_buf_adds(d->out, " match\n");
	else
		ens_buf_addf(d->out, " s%u\n", to);
}

static void mermaid(struct drawing *d)
{
	ens_buf_adds(d->out, d->first ? "flowchart TD\n" : "flowchart TD\n  s0((\"start\"))\n");
	for (uint32_t i = 1; i < d->g->nstate; i++) {
		ens_buf_addf(d->out, "  s%u(", i);
		node_text(d, d->g->state[i].step);
		mermaid_string(d->out, &d->text);
		ens_buf_adds(d->out, ")\n");
	}
	ens_buf_adds(d->out, d->first ? "  match[" : "  match(((");
	last_text(d);
	mermaid_string(d->out, &d->text);
	ens_buf_adds(d->out, d->first ? "]\n" : ")))\n");
	for (uint32_t i = d->first; i < d->g->nstate; i++)
		edges(d, i, mermaid_edge);
}

/* ---- characters -------------------------------------------------------------------------------------------------- */

static void on_one_line(struct drawing *d, const char *join)
{
	for (size_t i = 0; i < d->text.len; i++) {
		if (d->text.data[i] == '\n')
			ens_buf_adds(d->out, i == d->head ? " " : join);
		else
			add_char(d->out, d->text.data[i]);
	}
}

static bool goes_down(const struct drawing *d, uint32_t from, uint32_t to)
{
	return to == (from + 1 < d->g->nstate ? from + 1 : ENS_NONE);
}

/* The edges that do not lead to the node drawn below stand at the side. */
static void ascii_side_edge(struct drawing *d, uint32_t from, uint32_t to)
{
	if (goes_down(d, from, to))
		return;
	ens_buf_adds(d->out, "     |-- ");
	on_one_line(d, ", ");
	if (d->text.len)
		ens_buf_addc(d->out, ' ');
	if (to == ENS_NONE)
		ens_buf_adds(d->out, d->first ? "--> window\n" : "--> match\n");
	else
		ens_buf_addf(d->out, "--> [%u]\n", to);
}

static void ascii_down_edge(struct drawing *d, uint32_t from, uint32_t to)
{
	if (!goes_down(d, from, to))
		return;
	ens_buf_adds(d->out, "     |");
	if (d->text.len)
		ens_buf_addc(d->out, ' ');
	on_one_line(d, ", ");
	ens_buf_adds(d->out, "\n     v\n");
}

static void ascii(struct drawing *d)
{
	for (uint32_t i = d->first; i < d->g->nstate; i++) {
		ens_buf_addf(d->out, "[%u] ", i);
		if (i == 0) {
			ens_buf_adds(d->out, "start");
		} else {
			node_text(d, d->g->state[i].step);
			on_one_line(d, " ");
		}
		ens_buf_addc(d->out, '\n');
		edges(d, i, ascii_side_edge);

		const size_t before = d->out->len;

		edges(d, i, ascii_down_edge);
		if (d->out->len == before) /* nothing leads from this one to the next */
			ens_buf_addc(d->out, '\n');
	}
	last_text(d);
	on_one_line(d, " ");
	ens_buf_addc(d->out, '\n');
}

void ens_graph_draw(const struct ens_decl *rule, const struct ens_graph *g, enum ens_draw how, struct ens_buf *out)
{
	struct drawing d = {.rule = rule, .g = g, .first = rule->sema->rule->over != NULL, .out = out};

	if (how == ENS_DRAW_DOT)
		dot(&d);
	else if (how == ENS_DRAW_MERMAID)
		mermaid(&d);
	else
		ascii(&d);
	out->failed |= d.text.failed;
	ens_buf_free(&d.text);
}
