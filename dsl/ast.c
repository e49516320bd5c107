/*
 * The tree as text: expressions as the language writes them, everything else one node a line.
 *
 * Guarantee: what ens_expr_write writes parses to the same tree.  Recursion is bounded by the tree's height, which the
 * parser bounds.  Tested by tests/lang/ast*.test and tests/unit/test_parse.c.
 */
#include "dsl/ast.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "dsl/words.h"

/* ---- expressions ---------------------------------------------------------------------------------------------- */

/* How tightly an expression holds together: an operand below what its place asks for needs parentheses. */
enum level {
	LEVEL_IF,
	LEVEL_OR,
	LEVEL_AND,
	LEVEL_NOT,
	LEVEL_COMPARE,
	LEVEL_COALESCE,
	LEVEL_ADD,
	LEVEL_MUL,
	LEVEL_UNARY,
	LEVEL_POSTFIX
};

static const struct {
	enum level level;
	const char *sign; /* of operators with two sides; alone where it is the operand that differs */
} expr_row[] = {
	[ENS_X_BAD] = {LEVEL_POSTFIX, NULL},
	[ENS_X_LITERAL] = {LEVEL_POSTFIX, NULL},
	[ENS_X_NAME] = {LEVEL_POSTFIX, NULL},
	[ENS_X_MEMBER] = {LEVEL_POSTFIX, NULL},
	[ENS_X_STAR] = {LEVEL_POSTFIX, NULL},
	[ENS_X_INDEX] = {LEVEL_POSTFIX, NULL},
	[ENS_X_CALL] = {LEVEL_POSTFIX, NULL},
	[ENS_X_NEG] = {LEVEL_UNARY, "-"},
	[ENS_X_NOT] = {LEVEL_NOT, "not "},
	[ENS_X_OR] = {LEVEL_OR, " or "},
	[ENS_X_AND] = {LEVEL_AND, " and "},
	[ENS_X_EQ] = {LEVEL_COMPARE, " = "},
	[ENS_X_NE] = {LEVEL_COMPARE, " != "},
	[ENS_X_LT] = {LEVEL_COMPARE, " < "},
	[ENS_X_LE] = {LEVEL_COMPARE, " <= "},
	[ENS_X_GT] = {LEVEL_COMPARE, " > "},
	[ENS_X_GE] = {LEVEL_COMPARE, " >= "},
	[ENS_X_ADD] = {LEVEL_ADD, " + "},
	[ENS_X_SUB] = {LEVEL_ADD, " - "},
	[ENS_X_MUL] = {LEVEL_MUL, " * "},
	[ENS_X_DIV] = {LEVEL_MUL, " / "},
	[ENS_X_MOD] = {LEVEL_MUL, " % "},
	[ENS_X_COALESCE] = {LEVEL_COALESCE, " ?? "},
	[ENS_X_IN] = {LEVEL_COMPARE, "in "},
	[ENS_X_LIKE] = {LEVEL_COMPARE, "like "},
	[ENS_X_MATCHES] = {LEVEL_COMPARE, "matches "},
	[ENS_X_BETWEEN] = {LEVEL_COMPARE, "between "},
	[ENS_X_ISNULL] = {LEVEL_COMPARE, "is null"},
	[ENS_X_IF] = {LEVEL_IF, NULL},
};

static void write_expr(const struct ens_expr *e, int at_least, struct ens_buf *out);

static void write_string(const char *s, size_t len, struct ens_buf *out)
{
	ens_buf_addc(out, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			ens_buf_addf(out, "\\%c", c);
		else if (c == '\n')
			ens_buf_adds(out, "\\n");
		else if (c == '\r')
			ens_buf_adds(out, "\\r");
		else if (c == '\t')
			ens_buf_adds(out, "\\t");
		else if (c < 0x20 || c == 0x7f)
			ens_buf_addf(out, "\\x%02X", c);
		else
			ens_buf_addc(out, (char)c);
	}
	ens_buf_addc(out, '"');
}

static bool is_plain_name(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

	return len > 0 && name[len] == '\0' && !(name[0] >= '0' && name[0] <= '9') &&
	       ens_word_role(ens_word_code(name, len)) != ENS_WORD_RESERVED;
}

static void write_name(const char *name, struct ens_buf *out)
{
	const char *quote = is_plain_name(name) ? "" : "`";

	ens_buf_adds(out, quote);
	ens_buf_adds(out, name);
	ens_buf_adds(out, quote);
}

static void write_literal(const struct ens_expr *e, struct ens_buf *out)
{
	struct ens_buf text = ENS_BUF_EMPTY;

	if (e->literal.null || e->lit_type == ENS_NOTYPE) {
		ens_buf_adds(out, "null");
		return;
	}
	switch (e->lit_type) {
	case ENS_BOOL:
		ens_buf_adds(out, e->literal.i ? "true" : "false");
		break;
	case ENS_INT:
		ens_format_int(out, e->literal.i);
		break;
	case ENS_FLOAT:
		ens_format_float(out, e->literal.f);
		break;
	case ENS_DURATION:
		ens_format_duration(out, e->literal.i);
		break;
	case ENS_STRING:
		write_string(e->literal.s, e->literal.len, out);
		break;
	default: /* times and addresses, which a string became */
		ens_format_text(&text, e->lit_type, &e->literal);
		write_string(ens_buf_cstr(&text), text.len, out);
		ens_buf_free(&text);
		break;
	}
}

int ens_expr_level(const struct ens_expr *e)
{
	bool negative = e->kind == ENS_X_LITERAL && !e->literal.null &&
			(((e->lit_type == ENS_INT || e->lit_type == ENS_DURATION) && e->literal.i < 0) ||
			 (e->lit_type == ENS_FLOAT && e->literal.f < 0));

	return negative ? LEVEL_UNARY : (int)expr_row[e->kind].level;
}

int ens_expr_arg_level(const struct ens_expr *e, uint32_t i)
{
	int level = (int)expr_row[e->kind].level;

	switch (e->kind) {
	case ENS_X_MEMBER:
	case ENS_X_STAR:
	case ENS_X_INDEX:
		return i == 0 ? LEVEL_POSTFIX : LEVEL_IF;
	case ENS_X_CALL:
	case ENS_X_IF:
		return LEVEL_IF;
	case ENS_X_NEG:
	case ENS_X_NOT:
		return level;
	case ENS_X_IN:
	case ENS_X_LIKE:
		return i == 0 || e->narg == 2 ? LEVEL_COALESCE : LEVEL_IF;
	default: /* all but comparisons group to the left */
		return level == LEVEL_COMPARE ? LEVEL_COALESCE : level + (i > 0);
	}
}

static void write_arg(const struct ens_expr *e, uint32_t i, struct ens_buf *out)
{
	write_expr(e->arg[i], ens_expr_arg_level(e, i), out);
}

static void write_list(const struct ens_expr *e, uint32_t from, struct ens_buf *out)
{
	for (uint32_t i = from; i < e->narg; i++) {
		ens_buf_adds(out, i > from ? ", " : "");
		write_arg(e, i, out);
	}
}

/* in, like, matches, between, is: the word and what stands right of it. */
static void write_word_compare(const struct ens_expr *e, struct ens_buf *out)
{
	write_arg(e, 0, out);
	if (e->kind == ENS_X_ISNULL) {
		ens_buf_adds(out, e->negated ? " is not null" : " is null");
		return;
	}
	ens_buf_adds(out, e->negated ? " not " : " ");
	ens_buf_adds(out, expr_row[e->kind].sign);
	if (e->kind == ENS_X_BETWEEN) {
		write_arg(e, 1, out);
		ens_buf_adds(out, " and ");
		write_arg(e, 2, out);
	} else if (e->narg == 2) {
		write_arg(e, 1, out);
	} else {
		ens_buf_addc(out, '(');
		write_list(e, 1, out);
		ens_buf_addc(out, ')');
	}
}

static void write_postfix(const struct ens_expr *e, struct ens_buf *out)
{
	if (e->kind == ENS_X_CALL) {
		write_name(e->name, out);
		ens_buf_addc(out, '(');
		write_list(e, 0, out);
		ens_buf_addc(out, ')');
		return;
	}
	if (e->kind == ENS_X_MEMBER && e->arg[0]->kind == ENS_X_NAME && e->arg[0]->at.len &&
	    e->arg[0]->at.off == e->at.off && e->arg[0]->at.len == e->at.len) {
		write_name(e->name, out); /* the step was not written */
		return;
	}
	write_arg(e, 0, out);
	if (e->kind == ENS_X_INDEX) {
		ens_buf_addc(out, '[');
		write_list(e, 1, out);
		ens_buf_addc(out, ']');
	} else {
		ens_buf_addc(out, '.');
		if (e->kind == ENS_X_STAR)
			ens_buf_addc(out, '*');
		else
			write_name(e->name, out);
	}
}

static void write_narrowing(const struct ens_expr *cond, struct ens_buf *out)
{
	ens_buf_addc(out, '[');
	write_expr(cond, LEVEL_IF, out);
	ens_buf_addc(out, ']');
}

/* What an aggregate over v[cond] ranges over: v itself, or the fields of v in an expression. */
static void write_narrowed(const struct ens_expr *e, struct ens_buf *out)
{
	if (e->arg[1]->kind == ENS_X_LITERAL) {
		write_name(e->name, out);
		write_narrowing(e->arg[0], out);
	} else {
		write_arg(e, 1, out);
	}
}

static void write_bare(const struct ens_expr *e, struct ens_buf *out)
{
	switch (e->kind) {
	case ENS_X_BAD:
		ens_buf_adds(out, "...");
		break;
	case ENS_X_LITERAL:
		write_literal(e, out);
		break;
	case ENS_X_NAME:
		write_name(e->name, out);
		if (e->arg)
			write_narrowing(e->arg[0], out);
		break;
	case ENS_X_MEMBER:
	case ENS_X_STAR:
	case ENS_X_INDEX:
	case ENS_X_CALL:
		write_postfix(e, out);
		break;
	case ENS_X_NEG:
	case ENS_X_NOT:
		ens_buf_adds(out, expr_row[e->kind].sign);
		write_arg(e, 0, out);
		break;
	case ENS_X_IN:
	case ENS_X_LIKE:
	case ENS_X_MATCHES:
	case ENS_X_BETWEEN:
	case ENS_X_ISNULL:
		write_word_compare(e, out);
		break;
	case ENS_X_IF:
		if (e->name) {
			write_narrowed(e, out);
			break;
		}
		ens_buf_adds(out, "if ");
		write_arg(e, 0, out);
		ens_buf_adds(out, " then ");
		write_arg(e, 1, out);
		ens_buf_adds(out, " else ");
		write_arg(e, 2, out);
		break;
	default: /* two sides */
		write_arg(e, 0, out);
		ens_buf_adds(out, expr_row[e->kind].sign);
		write_arg(e, 1, out);
		break;
	}
}

static void write_expr(const struct ens_expr *e, int at_least, struct ens_buf *out)
{
	bool parens = ens_expr_level(e) < at_least;

	if (parens)
		ens_buf_addc(out, '(');
	write_bare(e, out);
	if (parens)
		ens_buf_addc(out, ')');
}

void ens_expr_write(const struct ens_expr *e, struct ens_buf *out)
{
	write_expr(e, LEVEL_IF, out);
}

/* ---- nodes ---------------------------------------------------------------------------------------------------- */

static void begin_line(struct ens_buf *out, unsigned indent, const char *word)
{
	for (unsigned i = 0; i < indent; i++)
		ens_buf_adds(out, "  ");
	ens_buf_adds(out, word);
}

static void end_line(struct ens_buf *out)
{
	ens_buf_addc(out, '\n');
}

/* " word EXPR", nothing for NULL. */
static void add_expr(struct ens_buf *out, const char *word, const struct ens_expr *e)
{
	if (!e)
		return;
	ens_buf_adds(out, word);
	write_expr(e, LEVEL_IF, out);
}

static void add_ident(struct ens_buf *out, const char *word, struct ens_ident id)
{
	if (!id.name)
		return;
	ens_buf_adds(out, word);
	write_name(id.name, out);
}

static void add_string(struct ens_buf *out, const char *word, const char *s)
{
	if (!s)
		return;
	ens_buf_adds(out, word);
	write_string(s, strlen(s), out);
}

static void add_names(struct ens_buf *out, const char *word, const struct ens_ident_list *l, bool strings)
{
	for (; l; l = l->next) {
		if (strings)
			add_string(out, word, l->id.name);
		else
			add_ident(out, word, l->id);
		word = ", ";
	}
}

/* A reference as the language writes it; several joined by " | ". */
static void add_refs(struct ens_buf *out, const char *word, const struct ens_ref *r)
{
	for (; r; r = r->next) {
		add_ident(out, word, r->type);
		if (r->cond) {
			add_expr(out, "[", r->cond);
			ens_buf_addc(out, ']');
		}
		word = " | ";
	}
}

static void add_items(struct ens_buf *out, unsigned indent, const struct ens_item *i)
{
	for (; i; i = i->next) {
		begin_line(out, indent, "");
		add_ident(out, "", i->name);
		add_expr(out, i->name.name ? ": " : "", i->value);
		end_line(out);
	}
}

/* ---- patterns ------------------------------------------------------------------------------------------------- */

static const char *arrow_sign(enum ens_arrow a)
{
	static const char *const sign[] = {
		[ENS_ARROW_NONE] = "", [ENS_ARROW_NEXT] = ",", [ENS_ARROW_FOLLOWED] = "->", [ENS_ARROW_ANY] = "->>"};

	return sign[a];
}

static void add_repetition(struct ens_buf *out, const struct ens_pat *p)
{
	static const char *const inner[] = {[ENS_ARROW_NONE] = "",
					    [ENS_ARROW_NEXT] = " consecutive",
					    [ENS_ARROW_FOLLOWED] = " relaxed",
					    [ENS_ARROW_ANY] = " combinations"};

	if (!p->quantified)
		return;
	add_expr(out, " {", p->min);
	ens_buf_addc(out, ',');
	add_expr(out, "", p->max);
	ens_buf_addc(out, '}');
	ens_buf_adds(out, inner[p->inner]);
	ens_buf_adds(out, p->greedy ? " greedy" : "");
	add_refs(out, " until ", p->until);
}

static void add_pattern(struct ens_buf *out, unsigned indent, const struct ens_pat *p)
{
	static const char *const word[] = {[ENS_P_STEP] = "step",
					   [ENS_P_NOT] = "not",
					   [ENS_P_SEQ] = "seq",
					   [ENS_P_ALT] = "alt",
					   [ENS_P_AND] = "and"};

	begin_line(out, indent, arrow_sign(p->arrow));
	add_expr(out, " after ", p->after);
	add_expr(out, " within ", p->within);
	ens_buf_adds(out, p->arrow != ENS_ARROW_NONE ? " " : "");
	ens_buf_adds(out, word[p->kind]);
	ens_buf_adds(out, p->parens ? " ()" : "");
	add_ident(out, " ", p->name);
	ens_buf_adds(out, p->name.name ? ":" : "");
	if (p->kind == ENS_P_STEP || p->kind == ENS_P_NOT)
		add_refs(out, " ", p->ref);
	add_expr(out, " for ", p->for_dur);
	add_repetition(out, p);
	end_line(out);
	for (uint32_t i = 0; i < p->nitem; i++)
		add_pattern(out, indent + 1, p->item[i]);
}

/* ---- clauses -------------------------------------------------------------------------------------------------- */

static void add_inputs(struct ens_buf *out, unsigned indent, const struct ens_input *i)
{
	for (; i; i = i->next) {
		begin_line(out, indent, "input");
		add_ident(out, " ", i->name);
		ens_buf_adds(out, i->name.name ? ":" : "");
		add_refs(out, " ", i->ref);
		end_line(out);
	}
}

static void add_keys(struct ens_buf *out, unsigned indent, const struct ens_key *k)
{
	for (; k; k = k->next) {
		const char *word = ": ";

		begin_line(out, indent, "part ");
		add_ident(out, "", k->name);
		ens_buf_adds(out, k->null_ok ? "?" : "");
		for (const struct ens_key_source *s = k->source; s; s = s->next) {
			add_ident(out, word, s->type);
			add_ident(out, ".", s->field);
			word = " = ";
		}
		end_line(out);
	}
}

static void add_scope(struct ens_buf *out, const struct ens_clause *c)
{
	add_expr(out, c->scope == ENS_SCOPE_SESSION ? " session " : " ", c->expr);
	ens_buf_adds(out, c->scope == ENS_SCOPE_EVENTS ? " events" : "");
	add_expr(out, " max ", c->expr2);
}

static void add_window(struct ens_buf *out, const struct ens_clause *c)
{
	static const char *const word[] = {[ENS_W_TUMBLING] = " tumbling", [ENS_W_HOPPING] = " hopping",
					   [ENS_W_SLIDING] = " sliding",   [ENS_W_SESSION] = " session",
					   [ENS_W_EVENTS] = " events",     [ENS_W_RUNNING] = " running"};

	ens_buf_adds(out, word[c->window]);
	add_expr(out, " ", c->expr);
	add_expr(out, " zone ", c->zone);
	ens_buf_adds(out, c->once ? " empty" : "");
	add_expr(out, c->window == ENS_W_SESSION ? " max " : " every ", c->expr2);
	add_expr(out, " revise ", c->expr3);
	add_expr(out, " forget after ", c->expr4);
}

static void add_emission(struct ens_buf *out, const struct ens_clause *c)
{
	static const char *const to[] = {[ENS_TO_DEFAULT] = "", [ENS_TO_STREAM] = " to ", [ENS_TO_HASH] = " to hash ",
					 [ENS_TO_CHANNEL] = " to channel "};

	add_ident(out, " ", c->name);
	add_expr(out, to[c->target], c->target_name);
	add_expr(out, " remove when ", c->remove_when);
	add_expr(out, " expire ", c->expire);
}

static void add_clause_head(struct ens_buf *out, const struct ens_clause *c)
{
	static const char *const select[] = {
		[ENS_SELECT_ONE] = "", [ENS_SELECT_LAST] = " last", [ENS_SELECT_ALL] = " all"};
	static const char *const skip[] = {[ENS_SKIP_DEFAULT] = "",      [ENS_SKIP_NONE] = " none",
					   [ENS_SKIP_TO_NEXT] = " to next",   [ENS_SKIP_PAST_LAST] = " past last",
					   [ENS_SKIP_TO_FIRST] = " to first", [ENS_SKIP_TO_LAST] = " to last",
					   [ENS_SKIP_ALL] = " all"};

	switch (c->kind) {
	case ENS_C_MATCH:
		ens_buf_adds(out, select[c->select]);
		break;
	case ENS_C_WHERE:
	case ENS_C_HAVING:
		add_expr(out, " ", c->expr);
		ens_buf_adds(out, c->once ? " once" : "");
		break;
	case ENS_C_WITHIN:
		add_scope(out, c);
		break;
	case ENS_C_WINDOW:
		add_window(out, c);
		break;
	case ENS_C_SKIP:
		ens_buf_adds(out, skip[c->skip]);
		add_ident(out, " ", c->name);
		break;
	case ENS_C_RESET:
		add_refs(out, " ", c->ref);
		break;
	case ENS_C_LIMIT:
		add_expr(out, " ", c->expr);
		add_expr(out, " per ", c->expr2);
		add_expr(out, " by ", c->expr3);
		break;
	case ENS_C_EMIT:
	case ENS_C_DERIVE:
	case ENS_C_ON_TIMEOUT:
		add_emission(out, c);
		break;
	case ENS_C_FROM:
	case ENS_C_KEY:
	case ENS_C_META:
		break;
	}
}

static void add_clause(struct ens_buf *out, unsigned indent, const struct ens_clause *c)
{
	static const char *const word[] = {[ENS_C_FROM] = "from",
					   [ENS_C_KEY] = "key",
					   [ENS_C_MATCH] = "match",
					   [ENS_C_WHERE] = "where",
					   [ENS_C_WITHIN] = "within",
					   [ENS_C_WINDOW] = "window",
					   [ENS_C_HAVING] = "having",
					   [ENS_C_SKIP] = "skip",
					   [ENS_C_RESET] = "reset on",
					   [ENS_C_LIMIT] = "limit",
					   [ENS_C_EMIT] = "emit",
					   [ENS_C_DERIVE] = "derive",
					   [ENS_C_ON_TIMEOUT] = "on timeout emit",
					   [ENS_C_META] = "meta"};

	begin_line(out, indent, word[c->kind]);
	add_clause_head(out, c);
	end_line(out);
	add_inputs(out, indent + 1, c->inputs);
	add_keys(out, indent + 1, c->keys);
	if (c->pattern)
		add_pattern(out, indent + 1, c->pattern);
	add_items(out, indent + 1, c->items);
}

/* ---- declarations --------------------------------------------------------------------------------------------- */

static void add_doc(struct ens_buf *out, unsigned indent, const char *doc)
{
	if (!doc)
		return;
	begin_line(out, indent, "doc");
	add_string(out, " ", doc);
	end_line(out);
}

static void add_type(struct ens_buf *out, enum ens_type type, enum ens_time_unit unit, bool optional)
{
	static const char *const name[] = {[ENS_UNIT_AUTO] = "", [ENS_UNIT_S] = "(s)", [ENS_UNIT_MS] = "(ms)",
					   [ENS_UNIT_US] = "(us)", [ENS_UNIT_NS] = "(ns)"};

	ens_buf_adds(out, type == ENS_NOTYPE ? "?" : ens_type_name(type));
	ens_buf_adds(out, name[unit]);
	ens_buf_adds(out, optional ? "?" : "");
}

static void add_field(struct ens_buf *out, unsigned indent, const struct ens_field *f)
{
	const char *word = " as ";

	begin_line(out, indent, "field");
	add_ident(out, " ", f->name);
	ens_buf_adds(out, ": ");
	add_type(out, f->type, f->unit, f->optional);
	add_expr(out, " = ", f->computed);
	for (const struct ens_ident_list *l = f->source; l; l = l->next) {
		add_string(out, word, l->id.name);
		word = " or ";
	}
	end_line(out);
	add_doc(out, indent + 1, f->doc);
}

static void add_option(struct ens_buf *out, unsigned indent, const struct ens_option *o)
{
	static const char *const word[] = {[ENS_O_TIME] = "time",           [ENS_O_LATENESS] = "lateness",
					   [ENS_O_LATE] = "late",           [ENS_O_IDLE] = "idle",
					   [ENS_O_SHARDED] = "sharded by",  [ENS_O_UNIQUE] = "unique",
					   [ENS_O_DELETE] = "delete when"};

	begin_line(out, indent, "option ");
	ens_buf_adds(out, word[o->kind]);
	if (o->kind == ENS_O_LATE)
		ens_buf_adds(out, o->late == 'd' ? " drop" : o->late == 'a' ? " accept" : " to");
	if (o->kind == ENS_O_LATE)
		add_string(out, " ", o->name.name);
	else
		add_ident(out, " ", o->name);
	add_ident(out, " sent ", o->name2);
	add_expr(out, o->kind == ENS_O_UNIQUE ? " for " : " ", o->value);
	end_line(out);
}

static void add_test_line(struct ens_buf *out, unsigned indent, const struct ens_test_line *l)
{
	static const char *const word[] = {[ENS_L_START] = "start", [ENS_L_EVENT] = "event", [ENS_L_WAIT] = "wait",
					   [ENS_L_EXPECT] = "expect", [ENS_L_EXPECT_NONE] = "expect none"};

	begin_line(out, indent, word[l->kind]);
	add_ident(out, " ", l->type);
	add_expr(out, l->kind == ENS_L_EVENT ? " at " : " ", l->at_time);
	add_expr(out, " arriving ", l->arriving);
	add_expr(out, " times ", l->times);
	add_expr(out, " every ", l->every);
	end_line(out);
	add_items(out, indent + 1, l->items);
}

static const char *decl_word(enum ens_decl_kind kind)
{
	static const char *const word[] = {
		[ENS_D_IMPORT] = "import", [ENS_D_PARAM] = "param",   [ENS_D_EVENT] = "event",
		[ENS_D_OUTPUT] = "output", [ENS_D_FILTER] = "filter", [ENS_D_TABLE] = "table",
		[ENS_D_FN] = "fn",         [ENS_D_RULE] = "rule",     [ENS_D_TEST] = "test"};

	return word[kind];
}

static void add_decl(struct ens_buf *out, const struct ens_decl *d)
{
	begin_line(out, 0, decl_word(d->kind));
	ens_buf_adds(out, d->broken ? " (broken)" : "");
	add_ident(out, " ", d->name);
	add_string(out, " ", d->title.name);
	if (d->kind == ENS_D_PARAM) {
		ens_buf_adds(out, ": ");
		add_type(out, d->type, ENS_UNIT_AUTO, false);
	}
	add_names(out, d->kind == ENS_D_OUTPUT ? " to " : " from ", d->streams, true);
	add_names(out, " key ", d->keys, false);
	add_names(out, d->kind == ENS_D_TEST ? " for " : " of ", d->params, false);
	add_expr(out, " where ", d->where);
	add_ident(out, " json ", d->json);
	add_refs(out, " = ", d->ref);
	add_expr(out, " = ", d->expr);
	end_line(out);
	add_doc(out, 1, d->doc);
	for (const struct ens_field *f = d->fields; f; f = f->next)
		add_field(out, 1, f);
	for (const struct ens_option *o = d->options; o; o = o->next)
		add_option(out, 1, o);
	for (const struct ens_clause *c = d->clauses; c; c = c->next)
		add_clause(out, 1, c);
	for (const struct ens_test_line *l = d->lines; l; l = l->next)
		add_test_line(out, 1, l);
}

void ens_ast_dump(const struct ens_ast *ast, struct ens_buf *out)
{
	for (const struct ens_decl *d = ast->decls; d; d = d->next)
		add_decl(out, d);
}

void ens_name_write(const char *name, struct ens_buf *out)
{
	write_name(name, out);
}

bool ens_expr_same_text(const struct ens_expr *a, const struct ens_expr *b)
{
	struct ens_buf ta = ENS_BUF_EMPTY, tb = ENS_BUF_EMPTY;

	ens_expr_write(a, &ta);
	ens_expr_write(b, &tb);

	bool same = !ta.failed && !tb.failed && strcmp(ens_buf_cstr(&ta), ens_buf_cstr(&tb)) == 0;

	ens_buf_free(&ta);
	ens_buf_free(&tb);
	return same;
}
