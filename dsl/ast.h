/*
 * The tree that the parser builds and the compiler checks.
 *
 * All nodes live in the compilation's arena; every node has the span of its text.  Lists are singly linked through
 * `next`, in written order.  Names are NUL-ended copies without back quotes.  The parser fills everything but the
 * fields under "checked", which belong to the compiler (compiler/sema.h).
 */
#ifndef ENS_DSL_AST_H
#define ENS_DSL_AST_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/value.h"
#include "dsl/source.h"

struct ens_ident {
	const char *name; /* NULL: left out */
	struct ens_span at;
};

/* A list of names: from, to, stream names. */
struct ens_ident_list {
	struct ens_ident id;
	struct ens_ident_list *next;
};

/* ---- expressions ---------------------------------------------------------------------------------------------- */

enum ens_expr_kind {
	ENS_X_BAD,      /* had an error, which was told: nothing is known of it */
	ENS_X_LITERAL,  /* type + value */
	ENS_X_NAME,     /* name */
	ENS_X_MEMBER,   /* arg[0] . name */
	ENS_X_STAR,     /* arg[0] . *      (only as an emitted item) */
	ENS_X_INDEX,    /* arg[0] [ arg[1..] ]: an index, a filter of an aggregate's argument, or a table's key */
	ENS_X_CALL,     /* name ( arg... ) */
	ENS_X_NEG,      /* - arg[0] */
	ENS_X_NOT,      /* not arg[0] */
	ENS_X_OR, ENS_X_AND,
	ENS_X_EQ, ENS_X_NE, ENS_X_LT, ENS_X_LE, ENS_X_GT, ENS_X_GE,
	ENS_X_ADD, ENS_X_SUB, ENS_X_MUL, ENS_X_DIV, ENS_X_MOD,
	ENS_X_COALESCE, /* ?? */
	ENS_X_IN,       /* arg[0] in (arg[1..]); `ip in "net"` has one; negated */
	ENS_X_LIKE,     /* arg[0] like arg[1..]; negated */
	ENS_X_MATCHES,  /* arg[0] matches arg[1]; negated */
	ENS_X_BETWEEN,  /* arg[0] between arg[1] and arg[2]; negated */
	ENS_X_ISNULL,   /* arg[0] is null; negated: is not null */
	ENS_X_IF        /* if arg[0] then arg[1] else arg[2] */
};


struct ens_expr {
	enum ens_expr_kind kind;
	struct ens_span at;    /* the whole expression */
	struct ens_span op_at; /* the operator or name in it that a message is about */
	bool negated;          /* IN LIKE MATCHES BETWEEN ISNULL */
	uint16_t depth;        /* height of the tree from here down, at most ENS_EXPR_DEPTH_MAX: walks may recurse */
	const char *name;      /* NAME MEMBER CALL; IF that was made of v[cond] in an aggregate: v */
	struct ens_expr **arg; /* NAME that was v[cond]: the condition, uncounted */
	uint32_t narg;
	enum ens_type lit_type;   /* LITERAL; ENS_NOTYPE: null */
	struct ens_value literal; /* LITERAL; strings unescaped, in the arena */
	/* checked */
	const struct ens_expr *call; /* this stands where that function was called; NULL: as written */
	enum ens_type type;
	bool optional;         /* may be null */
	struct ens_expr_sema *sema;
};

/* ---- patterns ------------------------------------------------------------------------------------------------- */

enum ens_pat_kind {
	ENS_P_STEP, /* ref */
	ENS_P_NOT,  /* refs, for_dur */
	ENS_P_SEQ,  /* items joined by arrows; NOTs stand among them */
	ENS_P_ALT,  /* items: branches */
	ENS_P_AND   /* items: single steps */
};

enum ens_arrow {
	ENS_ARROW_NONE, /* first of its sequence */
	ENS_ARROW_NEXT, /* ,  the very next event */
	ENS_ARROW_FOLLOWED, /* ->  the next that satisfies it */
	ENS_ARROW_ANY   /* ->>  any later one */
};

/* A type or named filter with an optional condition: Login[not ok] */
struct ens_ref {
	struct ens_ident type;
	struct ens_expr *cond; /* NULL: none */
	struct ens_span at;
	struct ens_ref *next;
	/* checked */
	struct ens_ref_sema *sema;
};

struct ens_pat {
	enum ens_pat_kind kind;
	struct ens_span at;
	struct ens_ident name;      /* of a step, a named group or a named (A | B) */
	bool parens;                /* written in parentheses (a group; also around one step) */

	enum ens_arrow arrow;       /* how it is joined to the item before it */
	struct ens_span arrow_at;
	struct ens_expr *after, *within; /* limits on that arrow; NULL: none */

	struct ens_ref *ref;        /* STEP: one; NOT: one or more */
	struct ens_expr *for_dur;   /* NOT: NULL: untimed */

	bool quantified;            /* ? * + {...} was written */
	struct ens_expr *min, *max; /* literals or names of parameters; max NULL: no bound */
	struct ens_span quant_at;
	enum ens_arrow inner;       /* relaxed -> FOLLOWED, consecutive -> NEXT, combinations -> ANY; NONE: left out */
	struct ens_span inner_at;
	bool greedy;
	struct ens_span greedy_at;
	struct ens_ref *until;      /* NULL: none */

	struct ens_pat **item;      /* SEQ ALT AND */
	uint32_t nitem;
	/* checked */
	struct ens_pat_sema *sema;
};

/* ---- declarations --------------------------------------------------------------------------------------------- */

enum ens_decl_kind {
	ENS_D_IMPORT,
	ENS_D_PARAM,
	ENS_D_EVENT,  /* an input type: streams, fields */
	ENS_D_OUTPUT, /* event NAME to "stream" */
	ENS_D_FILTER, /* event NAME = Type[cond] */
	ENS_D_TABLE,
	ENS_D_FN,
	ENS_D_RULE,
	ENS_D_TEST
};

struct ens_field {
	struct ens_ident name;
	enum ens_type type;
	enum ens_time_unit unit;    /* of a time field */
	bool optional;
	struct ens_span type_at;
	struct ens_expr *computed;  /* = EXPR; NULL: none */
	struct ens_ident_list *source; /* as "a" or "b"; NULL: its own name */
	struct ens_span at;
	const char *doc;            /* NULL: none */
	struct ens_field *next;
};

enum ens_option_kind {
	ENS_O_TIME,      /* name [, name2 after `sent`] */
	ENS_O_LATENESS,  /* value */
	ENS_O_LATE,      /* late: 'd' drop, 'a' accept, 't' to name */
	ENS_O_IDLE,      /* value */
	ENS_O_SHARDED,   /* name */
	ENS_O_UNIQUE,    /* name, value */
	ENS_O_DELETE     /* value (tables) */
};

struct ens_option {
	enum ens_option_kind kind;
	struct ens_span at;
	struct ens_ident name, name2;
	char late;
	struct ens_expr *value;
	struct ens_option *next;
};

/* key user, ip: Login.src = Flow.addr, user? */
struct ens_key_source {
	struct ens_ident type, field; /* Login . src */
	struct ens_key_source *next;
};

struct ens_key {
	struct ens_ident name;          /* NULL name: that of the first source's field */
	bool null_ok;                   /* written with ? */
	struct ens_key_source *source;  /* NULL: the field `name` in every type */
	struct ens_span at;
	struct ens_key *next;
};

/* from A, B[cond]   from r: Ride */
struct ens_input {
	struct ens_ident name;
	struct ens_ref *ref;
	struct ens_input *next;
};

enum ens_clause_kind {
	ENS_C_FROM, ENS_C_KEY, ENS_C_MATCH, ENS_C_WHERE, ENS_C_WITHIN, ENS_C_WINDOW, ENS_C_HAVING, ENS_C_SKIP,
	ENS_C_RESET, ENS_C_LIMIT, ENS_C_EMIT, ENS_C_DERIVE, ENS_C_ON_TIMEOUT, ENS_C_META
};

enum ens_select { ENS_SELECT_ONE, ENS_SELECT_LAST, ENS_SELECT_ALL };
enum ens_scope { ENS_SCOPE_NONE, ENS_SCOPE_TIME, ENS_SCOPE_EVENTS, ENS_SCOPE_SESSION };
enum ens_skip { ENS_SKIP_DEFAULT, ENS_SKIP_NONE, ENS_SKIP_TO_NEXT, ENS_SKIP_PAST_LAST, ENS_SKIP_TO_FIRST, ENS_SKIP_TO_LAST, ENS_SKIP_ALL };
enum ens_window { ENS_W_TUMBLING, ENS_W_HOPPING, ENS_W_SLIDING, ENS_W_SESSION, ENS_W_EVENTS, ENS_W_RUNNING };
enum ens_target { ENS_TO_DEFAULT, ENS_TO_STREAM, ENS_TO_HASH, ENS_TO_CHANNEL };

/* name: EXPR  |  name  |  step.* */
struct ens_item {
	struct ens_ident name;   /* NULL: `value` is a NAME or a STAR and names itself */
	struct ens_expr *value;
	struct ens_span at;
	struct ens_item *next;
};

/* One clause as written.  A rule's clauses are a list in written order; the compiler says what is given twice. */
struct ens_clause {
	enum ens_clause_kind kind;
	struct ens_span at;          /* the whole clause */
	struct ens_span word_at;     /* its first word(s) */
	struct ens_input *inputs;    /* FROM */
	struct ens_key *keys;        /* KEY */
	enum ens_select select;      /* MATCH */
	struct ens_span select_at;
	struct ens_pat *pattern;     /* MATCH */
	struct ens_expr *expr;       /* WHERE HAVING; WITHIN: duration, count or session gap; LIMIT: count; WINDOW: size, count or gap */
	struct ens_expr *expr2;      /* WITHIN session / WINDOW session: max; LIMIT: per; WINDOW hopping, N events: every */
	struct ens_expr *expr3;      /* LIMIT by; WINDOW: revise */
	struct ens_expr *expr4;      /* WINDOW running: forget after */
	bool once;                   /* HAVING once; WINDOW empty */
	struct ens_expr *zone;       /* WINDOW tumbling zone */
	enum ens_scope scope;        /* WITHIN */
	enum ens_window window;      /* WINDOW */
	enum ens_skip skip;          /* SKIP */
	struct ens_ident name;       /* SKIP to first/last NAME; EMIT, DERIVE, ON_TIMEOUT: the type */
	struct ens_ref *ref;         /* RESET on: one or more */
	enum ens_target target;      /* EMIT, ON_TIMEOUT */
	struct ens_expr *target_name;/* the string after to [hash|channel] */
	struct ens_expr *remove_when, *expire; /* EMIT to hash */
	struct ens_item *items;      /* EMIT DERIVE ON_TIMEOUT META */
	struct ens_clause *next;
};

enum ens_test_line_kind { ENS_L_START, ENS_L_EVENT, ENS_L_WAIT, ENS_L_EXPECT, ENS_L_EXPECT_NONE };

struct ens_test_line {
	enum ens_test_line_kind kind;
	struct ens_span at;
	struct ens_expr *at_time, *arriving, *times, *every; /* EVENT; WAIT: at_time; EXPECT: times; START: at_time (a string) */
	struct ens_ident type;   /* EVENT EXPECT */
	struct ens_item *items;
	struct ens_test_line *next;
};

struct ens_decl {
	enum ens_decl_kind kind;
	struct ens_span at;        /* the whole declaration */
	struct ens_span word_at;   /* its first word */
	struct ens_ident name;
	const char *doc;           /* NULL: none */
	bool broken;               /* had a syntax error: what is missing may have been there; IMPORT: was not read */
	bool names_lost;           /* RULE: among it what names its steps, inputs or keys */
	bool imported;             /* of a file that another imports */
	uint32_t file;             /* IMPORT that is not broken: the file, among the sources */
	struct ens_ident_list *streams; /* EVENT, TABLE: from; OUTPUT: to; names are the strings */
	struct ens_ident_list *keys;    /* TABLE: key fields */
	struct ens_expr *where;    /* EVENT TABLE */
	struct ens_ident json;     /* EVENT TABLE: json FIELD */
	struct ens_field *fields;  /* EVENT TABLE */
	struct ens_option *options;/* EVENT TABLE */
	struct ens_ref *ref;       /* FILTER */
	struct ens_ident title;    /* RULE TEST: the string; IMPORT: the path */
	struct ens_clause *clauses;/* RULE */
	enum ens_type type;        /* PARAM */
	struct ens_span type_at;
	struct ens_ident_list *params; /* FN; TEST: rules */
	struct ens_expr *expr;     /* PARAM default; FN body */
	struct ens_test_line *lines; /* TEST */
	struct ens_decl *next;
	/* checked */
	struct ens_decl_sema *sema;
};

struct ens_ast {
	struct ens_decl *decls; /* of all files, in order */
	uint32_t ndecl;
};

/* The tree as text, one node a line, indented by two spaces a level, with the places left out: for tests and --dump ast. */
void ens_ast_dump(const struct ens_ast *ast, struct ens_buf *out);
/* One expression as the language writes it, with parentheses only where needed. */
void ens_expr_write(const struct ens_expr *e, struct ens_buf *out);
/* Are they written alike? */
bool ens_expr_same_text(const struct ens_expr *a, const struct ens_expr *b);
/* A name, in back quotes if it needs them. */
void ens_name_write(const char *name, struct ens_buf *out);
/* How tightly an expression holds together, and how tightly argument i must for it to stand without parentheses: an
 * argument of a lower level needs them. */
int ens_expr_level(const struct ens_expr *e);
int ens_expr_arg_level(const struct ens_expr *e, uint32_t i);

#endif
