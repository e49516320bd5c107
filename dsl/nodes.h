/*
 * What the grammar's actions call: they build nodes in the compilation's arena and say what the grammar alone can't.
 * Private to dsl/ (grammar.y, nodes.c, parse.c).
 *
 * No function here returns NULL: without memory it gives a spare node (the arena's `failed` is then set, and the parser
 * stops after the token at hand), so that actions need no checks.
 */
#ifndef ENS_DSL_NODES_H
#define ENS_DSL_NODES_H

#include "dsl/ast.h"
#include "dsl/diag.h"
#include "dsl/lexer.h"

#define ENS_SPARE_BYTES 1024

/* Parsing of one file.  The grammar parses one unit at a time: a clause, or a declaration (of a rule its first line). */
struct ens_parser {
	struct ens_arena *arena;
	struct ens_diag *diag;
	struct ens_decl *decl;     /* the unit's result: one of the two */
	struct ens_clause *clause;
	struct ens_span at;        /* the token at hand */
	bool spoiled;              /* an error was told that leaves the unit's node without its meaning */
	bool incomplete;           /* a part that had an error was left out; what is there stands */
	bool fatal;                /* nested too deeply: give up the file */
	_Alignas(16) unsigned char spare[ENS_SPARE_BYTES];
};

/* Lists under construction. */
#define LIST(name, type) \
	struct name { \
		struct type *first, *last; \
	}; \
	static inline struct name name##_add(struct name l, struct type *n) \
	{ \
		if (l.last) \
			l.last->next = n; \
		else \
			l.first = n; \
		l.last = n; \
		return l; \
	}

/* Expressions and patterns end as arrays; until then they hang on these. */
struct ens_expr_link {
	struct ens_expr *expr;
	struct ens_expr_link *next;
};
struct ens_pat_link {
	struct ens_pat *pat;
	struct ens_pat_link *next;
};

LIST(ens_idents, ens_ident_list)
LIST(ens_fields, ens_field)
LIST(ens_options, ens_option)
LIST(ens_keys, ens_key)
LIST(ens_sources_list, ens_key_source)
LIST(ens_inputs, ens_input)
LIST(ens_refs, ens_ref)
LIST(ens_items, ens_item)
LIST(ens_lines, ens_test_line)
LIST(ens_links, ens_expr_link)
LIST(ens_pat_links, ens_pat_link)
#undef LIST

struct ens_exprs {
	struct ens_links list;
	uint32_t n;
};

enum ens_joint { ENS_JOINT_NONE, ENS_JOINT_ARROW, ENS_JOINT_ALT, ENS_JOINT_AND };

/* The items of a pattern so far, and what joins them. */
struct ens_pats {
	struct ens_pat_links list;
	uint32_t n;
	enum ens_joint joint;
	bool mixed; /* told */
};

struct ens_connector {
	enum ens_joint joint;
	enum ens_arrow arrow;
	struct ens_span at;
	struct ens_expr *after, *within;
};

struct ens_quant {
	bool written;
	struct ens_expr *min, *max; /* max NULL: no bound */
	struct ens_span at;
};

/* Behind a repetition. */
struct ens_mods {
	enum ens_arrow inner;
	struct ens_span inner_at, greedy_at, until_at;
	bool greedy;
	struct ens_ref *until;
};

struct ens_type_spec {
	enum ens_type type;
	enum ens_time_unit unit;
	bool optional;
	struct ens_span at;
};

/* An event or table behind its fields. */
struct ens_body {
	struct ens_decl *decl;
	struct ens_options options;
};

struct ens_to {
	enum ens_target target;
	struct ens_expr *name;
};

struct ens_when {
	struct ens_expr *at, *arriving, *times, *every;
	struct ens_span from; /* its first token; ENS_NO_SPAN: nothing written */
};

/* Names and literals. */
struct ens_ident ens_mk_ident(struct ens_parser *p, struct ens_token t);
struct ens_ident ens_mk_title(struct ens_parser *p, struct ens_token string); /* a string where no NUL may be */
struct ens_ident_list *ens_mk_ident_list(struct ens_parser *p, struct ens_ident id);
struct ens_type_spec ens_mk_type(struct ens_parser *p, struct ens_ident name, struct ens_ident unit, struct ens_span at,
				 bool optional);

/* Of this language, or of another that ens_mk_type knows the right name for. */
bool ens_is_type_name(const char *name, size_t len);

/* Expressions. */
struct ens_expr *ens_mk_literal(struct ens_parser *p, struct ens_token t);
struct ens_expr *ens_mk_bad(struct ens_parser *p, struct ens_span at); /* in the place of one that had an error */
struct ens_expr *ens_mk_count(struct ens_parser *p, int64_t n, struct ens_span at); /* an int that is not in the text */
struct ens_expr *ens_mk_name(struct ens_parser *p, struct ens_ident name);
struct ens_expr *ens_mk_unary(struct ens_parser *p, enum ens_expr_kind kind, struct ens_span op, struct ens_expr *a);
struct ens_expr *ens_mk_binary(struct ens_parser *p, enum ens_expr_kind kind, struct ens_expr *a, struct ens_span op,
			       struct ens_expr *b);
struct ens_expr *ens_mk_if(struct ens_parser *p, struct ens_span op, struct ens_expr *a, struct ens_expr *b,
			   struct ens_expr *c);
struct ens_expr *ens_mk_member(struct ens_parser *p, struct ens_expr *a, struct ens_ident name);
struct ens_expr *ens_mk_star(struct ens_parser *p, struct ens_expr *a, struct ens_span star);
struct ens_expr *ens_mk_call(struct ens_parser *p, struct ens_ident name, struct ens_exprs args, struct ens_span close);
struct ens_expr *ens_mk_index(struct ens_parser *p, struct ens_expr *a, struct ens_exprs args, struct ens_span open,
			      struct ens_span close);
struct ens_expr *ens_mk_parens(struct ens_expr *e, struct ens_span open, struct ens_span close);
struct ens_exprs ens_exprs_add(struct ens_parser *p, struct ens_exprs l, struct ens_expr *e);

/* A comparison without its left side (arg[0] is open), and what completes it. */
struct ens_expr *ens_mk_tail(struct ens_parser *p, enum ens_expr_kind kind, struct ens_span op, bool negated,
			     struct ens_exprs right, struct ens_span end);
struct ens_expr *ens_mk_compare(struct ens_parser *p, struct ens_expr *left, struct ens_expr *tail);
struct ens_expr *ens_mk_chained(struct ens_parser *p, struct ens_expr *left, struct ens_expr *tail); /* an error */

/* Patterns. */
struct ens_ref *ens_mk_ref(struct ens_parser *p, struct ens_ident type, struct ens_expr *cond, struct ens_span at);
struct ens_pat *ens_mk_step(struct ens_parser *p, struct ens_ident name, struct ens_ref *ref);
struct ens_pat *ens_mk_group(struct ens_parser *p, struct ens_ident name, struct ens_pats l, struct ens_span open,
			     struct ens_span close);
struct ens_pat *ens_mk_some_of(struct ens_parser *p, struct ens_span from,
			       struct ens_pat *group); /* not supported yet */
struct ens_pat *ens_mk_repeat(struct ens_parser *p, struct ens_pat *pat, struct ens_quant q, struct ens_mods m);
struct ens_pat *ens_mk_not(struct ens_parser *p, struct ens_span op, struct ens_pat *pat, struct ens_expr *for_dur);
void ens_for_without_not(struct ens_parser *p, struct ens_span word); /* an error */
struct ens_pats ens_pats_add(struct ens_parser *p, struct ens_pats l, struct ens_connector c, struct ens_pat *pat);
struct ens_pat *ens_mk_pattern(struct ens_parser *p, struct ens_pats l);
void ens_mod_inner(struct ens_parser *p, struct ens_mods *m, enum ens_arrow inner, struct ens_span at);
void ens_mod_greedy(struct ens_parser *p, struct ens_mods *m, struct ens_span at);
void ens_mod_until(struct ens_parser *p, struct ens_mods *m, struct ens_ref *ref, struct ens_span at);

/* Clauses and declarations. */
struct ens_clause *ens_mk_clause(struct ens_parser *p, enum ens_clause_kind kind, struct ens_token word);
struct ens_key *ens_mk_key(struct ens_parser *p, struct ens_ident name, bool null_ok, struct ens_key_source *source);
struct ens_key_source *ens_mk_key_source(struct ens_parser *p, struct ens_ident type, struct ens_ident field);
struct ens_input *ens_mk_input(struct ens_parser *p, struct ens_ident name, struct ens_ref *ref);
struct ens_item *ens_mk_item(struct ens_parser *p, struct ens_ident name, struct ens_expr *value);
/* In the place of a field or item that had an error; the token's text is its name, if that is known. */
struct ens_fields ens_bad_field(struct ens_parser *p, struct ens_fields l, struct ens_token name);
struct ens_items ens_bad_item(struct ens_parser *p, struct ens_items l, struct ens_token name);
struct ens_clause *ens_mk_target(struct ens_clause *c, struct ens_ident type, struct ens_to to);
struct ens_decl *ens_mk_decl(struct ens_parser *p, enum ens_decl_kind kind, struct ens_token word,
			     struct ens_ident name);
struct ens_field *ens_mk_field(struct ens_parser *p, struct ens_token name, struct ens_type_spec type,
			       struct ens_expr *computed, struct ens_ident_list *source);
struct ens_option *ens_mk_option(struct ens_parser *p, enum ens_option_kind kind, struct ens_span at,
				 struct ens_ident name, struct ens_expr *value);
struct ens_test_line *ens_mk_line(struct ens_parser *p, enum ens_test_line_kind kind, struct ens_span at);
struct ens_test_line *ens_mk_event_line(struct ens_parser *p, struct ens_when when, struct ens_ident type,
					struct ens_item *items);

/* The parts of an event's or table's head: each once, in the right kind of declaration. */
void ens_head_streams(struct ens_parser *p, struct ens_decl *d, struct ens_span word, struct ens_idents streams,
		      bool out);
void ens_head_where(struct ens_parser *p, struct ens_decl *d, struct ens_span word, struct ens_expr *where);
void ens_head_json(struct ens_parser *p, struct ens_decl *d, struct ens_span word, struct ens_ident field);
void ens_head_keys(struct ens_parser *p, struct ens_decl *d, struct ens_span word, struct ens_idents keys);
struct ens_decl *ens_head_end(struct ens_parser *p, struct ens_decl *d, bool has_fields);

/* An option of a window: that it belongs to this kind and is given once. */
enum ens_window_option { ENS_WO_ZONE, ENS_WO_EMPTY, ENS_WO_EVERY, ENS_WO_MAX, ENS_WO_REVISE, ENS_WO_FORGET };
void ens_window_option(struct ens_parser *p, struct ens_clause *c, enum ens_window_option o, struct ens_span at,
		       struct ens_expr *value);
struct ens_clause *ens_window_end(struct ens_parser *p, struct ens_clause *c);

void ens_too_deep(struct ens_parser *p, struct ens_span at); /* an error that ends the file */
void ens_not_yet(struct ens_parser *p, struct ens_span at, const char *what);
void ens_twice(struct ens_parser *p, struct ens_span at, const char *what);

/* The grammar (grammar.y). */
void *ens_grammarAlloc(void *(*alloc)(size_t), struct ens_parser *p);
void ens_grammarInit(void *g, struct ens_parser *p);
void ens_grammarFree(void *g, void (*dealloc)(void *));
void ens_grammar(void *g, int code, struct ens_token t);
/* Whether this token could come next: 0 no, 1 as itself, 2 as a name.  Changes nothing. */
int ens_grammar_takes(void *g, int code);
int ens_grammar_ntoken(void); /* codes are below this */
/* Takes back what was given of the innermost field, item, line or condition that no more than `depth` brackets are around,
 * so that ENS_TK_BAD can come in its place.  How many brackets are open then; -1: it is in none of these, and nothing was
 * changed. */
int ens_grammar_recover(void *g, uint32_t depth);

/* Says in words what could come next: "a name, `(` or the end of the line"; nothing when that is too much to say. */
void ens_expected(void *g, struct ens_buf *out);

#endif
