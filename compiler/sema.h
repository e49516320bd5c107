/*
 * What the compiler knows about the tree after checking it, hung onto its nodes (`sema` members of dsl/ast.h).
 *
 * Written by compiler/sema_*.c, one concern each, read by lower.c, code.c, emit.c and dump.c.  Everything lives in the
 * compilation's arena.  When there were no errors, every expression that matters has its type, every name its meaning.
 */
#ifndef ENS_COMPILER_SEMA_H
#define ENS_COMPILER_SEMA_H

#include "compiler/compile.h"
#include "compiler/graph.h"
#include "compiler/map.h"

/* ---- declarations ----------------------------------------------------------------------------------------------- */

/* A field of an event type.  Raw ones (behind the declared) are those that only the type's `where` reads. */
struct ens_field_sema {
	const char *name;
	enum ens_type type;
	enum ens_time_unit unit;
	bool optional;
	struct ens_span at;
	struct ens_expr *computed; /* NULL: the entry has it */
	const struct ens_ident_list *source; /* under one of these names; NULL: its own */
};

/* A call in a function's body of another function of the rule files. */
struct ens_fn_call {
	struct ens_decl *fn;
	struct ens_span at;
	struct ens_fn_call *next;
};

/* A `derive` of a rule. */
struct ens_derivation {
	struct ens_decl *rule;
	const struct ens_clause *clause;
	struct ens_decl *type;              /* NULL: it has a name that is taken */
	const struct ens_emit_sema *emit;   /* once its rule is checked; NULL: its fields are not known */
	struct ens_derivation *next;        /* of the type */
	struct ens_derivation *next_of_rule;
};

struct ens_decl_list {
	struct ens_decl *decl;
	struct ens_decl_list *next;
};

struct ens_decl_sema {
	bool used;
	/* EVENT TABLE */
	bool derived;                  /* by rules: declared nowhere, its fields are those that they give */
	bool unknown;                  /* derived, but its fields could not be told: the reason was said */
	struct ens_derivation *derivations, **derivations_end; /* in the order of the files */
	struct ens_decl_list *takers, **takers_end;  /* of a derived type: the rules that take it in */
	const struct ens_decl *last_taker;
	struct ens_decl_list *filters; /* of a derived type: those that stand on it */
	uint32_t index;                /* among the event types and tables, in order of declaration; RULE: among the rules */
	uint32_t table_index; /* among those that the tables hold (emit.c), ENS_NONE: its streams are not read */
	struct ens_map field_map;      /* name to index in field */
	struct ens_field_sema *field;
	uint32_t nfield, nraw, cap;    /* declared, raw behind them, room */
	uint32_t time_field;           /* ENS_NONE: the entry's own time */
	uint32_t sent_field, shard_field, unique_field; /* ENS_NONE: not given */
	int64_t unique_us;
	const struct ens_option *lateness, *idle; /* NULL: not given; else `us` below is theirs */
	int64_t lateness_us, idle_us;
	int64_t most_late_us;          /* the most of its streams' lateness, whichever type says it */
	enum ens_t_late late;
	const char *late_stream;       /* TO */
	/* TABLE: all that an EVENT has, and */
	uint32_t *key;                 /* among its fields */
	uint32_t nkey;
	bool key_wrong;                /* which was said */
	struct ens_expr *delete_when;  /* NULL: rows stay */
	uint32_t record;               /* in the tables' section of that name */
	const struct ens_rule_sema *looked_up_by; /* the latest rule that does */
	/* PARAM */
	struct ens_expr *value;        /* a literal; NULL: there was an error */
	/* FILTER */
	struct ens_decl *type;         /* the event type below it; NULL: there was an error */
	struct ens_decl *base;         /* what it narrows: a type or another filter */
	uint32_t depth;                /* filters below it, itself included; FN: functions below it in a row */
	bool visiting, done;           /* FN, too */
	bool never;                    /* FILTER, EVENT: no event satisfies its condition, which was said */
	/* FN */
	struct ens_fn_call *calls;
	/* RULE */
	struct ens_rule_sema *rule;
	struct ens_derivation *derives; /* one for each `derive` */
	uint32_t layer;                /* 0: takes in no derived type; else above all rules that derive what it takes in */
	/* TEST */
	struct ens_test *test;         /* compiler/tests.h; NULL: something was wrong */
};

/* Of a type or named filter that is referred to. */
struct ens_ref_sema {
	struct ens_decl *decl; /* EVENT or FILTER as named */
	struct ens_decl *type; /* EVENT */
};

/* ---- patterns --------------------------------------------------------------------------------------------------- */

/* A condition that `where` gives to a step. */
struct ens_cond {
	struct ens_expr *expr;
	struct ens_pat **others;       /* in an `&`: it counts only once all these parts are taken */
	uint32_t nother;
	struct ens_cond *next;
};

/* Of a pattern node. */
struct ens_pat_sema {
	uint32_t min, max;              /* of its repetition as numbers; 1, 1 without one; max UINT32_MAX: no bound */
	bool nullable;                  /* may be left out: min 0, or made of what may be */
	/* On a repeated step or group: conjuncts of `where` that must hold where it is left. */
	struct ens_g_guard *exit_guards;
	uint32_t step;                  /* STEP: its number in the rule from 1, in written order = its state in the graph */
	struct ens_pat *up;             /* NULL: the whole pattern */
	uint32_t place;                 /* among up's items */
	uint32_t depth;
	bool first, last, end;          /* nothing is taken before it; nothing must be, can be taken behind it */
	uint32_t enter, leave;          /* of a walk: it contains x if enter <= x->enter && x->leave <= leave */
	struct ens_cond *conds, **conds_end; /* STEP: what `where` adds to its brackets */
	struct ens_name *named;         /* the name that means this step or group, or NULL */
	/* slots.c */
	struct ens_slot *slots, **slots_end; /* a repeated group: what belongs to one round */
	uint32_t first_slot, nslot;     /* the slots of a round, nested groups inside */
	struct ens_keep *keeps, **keeps_end; /* STEP: what is remembered when it takes an event */
};

/* What a name in a pattern means. */
struct ens_name {
	const char *name;
	struct ens_span at;             /* where it was given first */
	struct ens_pat **pat;           /* its steps, in written order; several: `x: (A | B)`, or given in several branches */
	uint32_t npat, cap;
	struct ens_pat *root;           /* the step, the named choice or group; else the choice around the steps */
	bool group;                     /* a group: only count(g) */
};

/* The steps that an expression at some place means by a name. */
struct ens_reach {
	struct ens_pat *const *pat;
	uint32_t npat;
	const struct ens_pat *root;
	const struct ens_pat *scope;    /* the repeated group whose round is meant; NULL: the whole match */
	bool repeated;                  /* more than one event inside that scope */
};

/* ---- expressions ------------------------------------------------------------------------------------------------ */

/* Where a field is found in events of one type. */
enum ens_field_kind { ENS_FIELD_NONE, ENS_FIELD_DECLARED, ENS_FIELD_TIME, ENS_FIELD_ID, ENS_FIELD_STREAM };

struct ens_field_ref {
	enum ens_field_kind kind;
	uint32_t index; /* DECLARED */
	enum ens_type type;
	bool optional;
};

enum ens_mean {
	ENS_MEAN_NOTHING,
	ENS_MEAN_FIELD,     /* NAME, or MEMBER of the step at hand: a field of the event at hand */
	ENS_MEAN_KEY,       /* NAME: part `index` of the key */
	ENS_MEAN_STEP,      /* MEMBER: a field of what a step took; `which` of its events */
	ENS_MEAN_PREV,      /* MEMBER: a field of the event taken before */
	ENS_MEAN_AGGREGATE, /* CALL: over the events of `target` */
	ENS_MEAN_LOOKUP,    /* MEMBER: field `index` of the row of `table` whose key stands in arg[0] (from arg[0]->arg[1] on) */
	ENS_MEAN_FUNCTION,  /* CALL: row `index` of runtime/function.def */
	ENS_MEAN_COALESCE,  /* CALL */
	ENS_MEAN_STEP_NAME  /* CALL: the step that had to come next */
};

enum ens_which { ENS_ONLY, ENS_FIRST, ENS_LAST, ENS_NTH };

enum ens_aggregate {
	ENS_A_NONE, ENS_A_COUNT, ENS_A_SUM, ENS_A_AVG, ENS_A_MIN, ENS_A_MAX, ENS_A_FIRST, ENS_A_LAST,
	ENS_A_STDDEV, ENS_A_COUNT_DISTINCT, ENS_A_LIST, ENS_A_SET, ENS_A_PERCENTILE
};

struct ens_expr_sema {
	enum ens_mean mean;
	const char *field;              /* FIELD STEP PREV */
	struct ens_decl *table;         /* LOOKUP */
	uint32_t index;                 /* KEY FUNCTION LOOKUP; a literal network: bits of its prefix */
	struct ens_value value;         /* a string literal that stands for an address or time (NOTHING): that */
	enum ens_which which;           /* STEP */
	int32_t nth;                    /* of ENS_NTH: from 2, or from -2 backwards */
	enum ens_aggregate aggregate;   /* AGGREGATE; its argument is arg[0], unless it counts events or rounds */
	bool counts_events;             /* count(a), count(g), count() */
	double percent;                 /* PERCENTILE: 0 .. 100 */
	struct ens_reach target;       /* STEP AGGREGATE; PREV: the steps that may come before */
};

/* ---- rules ------------------------------------------------------------------------------------------------------ */

struct ens_key_sema {
	const char *name;
	enum ens_type type;
	bool null_ok;
};

/* A type that the rule takes in. */
struct ens_input_sema {
	struct ens_decl *type;
	const struct ens_ref **filter;  /* an event of any of them is taken in; none: every event */
	uint32_t nfilter, cap;
	bool all;
	uint32_t *key_field;            /* per part of the key, among the type's fields */
	struct ens_span at;             /* where the rule names it first */
};

struct ens_out_sema {
	const char *name;
	struct ens_expr *expr;
	struct ens_span at;
	bool meta; /* these stand behind the others */
};

struct ens_emit_sema {
	enum ens_t_emit_kind kind;
	const char *type;
	bool unknown;                   /* the type of a field could not be told */
	struct ens_decl *derives;       /* DERIVE: the type; NULL: its name is taken */
	enum ens_t_target target;
	const char *stream;             /* STREAM */
	struct ens_expr *name;          /* HASH CHANNEL; its literal is the name as written */
	struct ens_expr *remove_when;   /* HASH; or NULL */
	int64_t expire_us;              /* HASH; 0: it stays */
	struct ens_out_sema *out;
	uint32_t nout, cap;
};

/* Of a rule with `window`; numbers as in struct ens_t_window. */
struct ens_window_sema {
	enum ens_t_window_kind kind;
	bool empty;
	const char *zone; /* NULL: UTC */
	int64_t size, every, max_us, forget_us, revise_us;
};

struct ens_rule_sema {
	struct ens_decl *decl;
	const struct ens_clause *from, *key, *match, *window, *within, *having, *skip, *reset, *limit;
	struct ens_pat *pattern;        /* with a window: a choice of its inputs, each a step that takes any number of events */
	struct ens_window_sema *over;   /* NULL: a pattern */
	struct ens_pat **step;          /* by number, from 1 */
	uint32_t nstep;
	struct ens_name **name;
	uint32_t nname;
	struct ens_map name_map;
	struct ens_input_sema *input;
	uint32_t ninput, cap_input;
	struct ens_decl **table;        /* that it looks up */
	uint32_t ntable, cap_table;
	struct ens_map input_map;       /* index of the type to input */
	struct ens_key_sema *keys;
	uint32_t nkey;
	enum ens_t_scope scope;
	int64_t scope_amount, session_max_us; /* -1: none */
	enum ens_t_skip skip_kind;
	uint32_t *skip_state, nskip_state; /* TO_FIRST, TO_LAST: the steps meant */
	int64_t limit_count, limit_us;  /* 0: no limit */
	struct ens_emit_sema *emit;
	uint32_t nemit;
	struct ens_map slot_map;        /* slots.c: what is remembered, by what it is */
	struct ens_slot **slot;
	uint32_t nslot, cap_slot;       /* distinct ones; in the tables a sum of floats takes two */
	struct ens_slot *slots, **slots_end; /* of the whole match */
	bool ok;                        /* nothing wrong was found */
};

/* What the types of one stream say of it: the first option of its kind, or NULL. */
struct ens_stream_sema {
	const struct ens_decl *lateness, *idle; /* the types that say them */
	bool timed;                    /* a type has a time field */
};

/* All that was declared. */
struct ens_sema {
	struct ens_arena *arena;
	struct ens_diag *diag;
	struct ens_ast *ast;
	struct ens_map type_map;        /* name of an event type, filter or table to index in decl */
	struct ens_map output_map, rule_map;
	struct ens_map param_map;
	const struct ens_setting *setting;
	size_t nsetting;
	struct ens_map fn_map;
	uint32_t expanded;              /* nodes that calls of functions were written out to */
	bool imports;                   /* an import was not read: any name may come from there */
	struct ens_map emitted_map;     /* output type "\0" field to its type and place (sema_emit.c) */
	struct ens_out_sema **emitted;
	uint32_t nemitted, cap_emitted;
	struct ens_decl **decl;         /* all declarations, in order */
	uint32_t ndecl;
	struct ens_decl **type;         /* event types and tables, in order */
	uint32_t ntype;
	struct ens_map stream_map;      /* name of a stream to its place in `stream`, in the order of naming */
	struct ens_stream_sema *stream;
	uint32_t nstream;
	struct ens_decl **rule;
	uint32_t nrule;
	struct ens_decl **order;        /* rules and derived types, each behind what it needs to know of others */
	uint32_t norder;
	bool lost_output;               /* a rule's syntax error may hide what it derives */
};

/*
 * Checks the tree: names, types, patterns, keys, outputs.  Messages go to `diag`; ENS_OK also when there were some.
 * `options`: the values of parameters that are not those of the files.  ENS_ENOMEM without memory.
 */
enum ens_status ens_sema_check(struct ens_sema *s, struct ens_arena *arena, struct ens_diag *diag, struct ens_ast *ast,
			       const struct ens_compile_options *options) ENS_MUST_CHECK;

/* Names and layers alone, of rules that need not be right: what `ensue list` shows.  Messages go to `diag`. */
enum ens_status ens_sema_outline(struct ens_sema *s, struct ens_arena *arena, struct ens_diag *diag,
				 struct ens_ast *ast) ENS_MUST_CHECK;

/* A window as the language writes it, behind its word. */
void ens_window_write(const struct ens_window_sema *x, struct ens_buf *out);
/* The field `name` of events of `type`: declared, else implied. */
struct ens_field_ref ens_type_field(const struct ens_decl *type, const char *name);
/* Of a list the type of its values, else ENS_NOTYPE. */
enum ens_type ens_expr_element(const struct ens_expr *e);
/* What the rule takes in of a type, or NULL. */
struct ens_input_sema *ens_rule_input(const struct ens_rule_sema *r, const struct ens_decl *type);
/* What a step is repeated as: itself, or the repeated choice of single steps, x: (A | B)+, that it stands in. */
const struct ens_pat *ens_pat_repetition(const struct ens_pat *step);
/* True if x is n or inside it. */
bool ens_pat_contains(const struct ens_pat *n, const struct ens_pat *x);

#endif
