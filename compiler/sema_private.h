/*
 * Between the files of the checker (sema_*.c) only.
 *
 * Order of work, see ens_sema_check: declarations by name (sema_names.c), who derives what
 * for whom (sema_layers.c), parameters (sema_params.c), strings with
 * expressions in them (sema_strings.c); functions, after
 * which there are no calls of them left (sema_functions.c); event types and their conditions
 * (sema_events.c), their options (sema_options.c), keys of tables (sema_tables.c); then each rule: its clauses
 * (sema_rule.c), what it takes in and its key (sema_keys.c), the window (sema_window.c) or the pattern's form
 * (sema_pattern.c), its conditions (sema_where.c, sema_types.c), its other clauses (sema_clauses.c), what it emits
 * (sema_emit.c), `having`, which may name that (sema_items.c); then the tests (sema_test.c).
 */
#ifndef ENS_COMPILER_SEMA_PRIVATE_H
#define ENS_COMPILER_SEMA_PRIVATE_H

#include "compiler/sema.h"

/* Type of an expression in which an error was found and told: nothing more is said about it. */
#define ENS_BADTYPE ENS_NTYPE

/* What an expression may see from where it stands. */
struct ens_view {
	struct ens_sema *s;
	struct ens_rule_sema *rule;    /* NULL: a declaration's condition */
	struct ens_decl *hand;         /* type of the event at hand, or NULL */
	const struct ens_pat *place;   /* where in the pattern; NULL: behind all of it */
	bool behind;                   /* behind `place`, not in front of it */
	const struct ens_pat *self;    /* the step whose event is at hand */
	bool until;                    /* the event at hand ends the repetition of `place` */
	bool where;                    /* in `where`: the event at hand counts for its step */
	bool input;                    /* filters what comes into a window: the event at hand is one of `self` */
	bool computing;                /* a field of `hand`: only those before it are there */
	bool raw;                      /* unknown names are raw fields of `hand` */
	bool no_match;                 /* of the rule only its keys are known: no match is at hand */
	bool partial;                  /* `on timeout`: behind any step but the first */
	struct ens_reach *over;       /* inside an aggregate's argument: the step it ranges over, found on the way */
	bool ranged;                   /* inside an aggregate's argument */
	bool items;                    /* names of emitted items mean their values */
	const struct ens_expr *alone;  /* an emitted item's value: it may be a list */
};

/* sema.c */
bool ens_sema_of_decl(struct ens_sema *s, struct ens_decl *d); /* gives it an empty d->sema; false without memory */

/* sema_names.c */
void ens_sema_names(struct ens_sema *s);
struct ens_decl *ens_sema_find_type(struct ens_sema *s,
				    struct ens_ident id); /* EVENT or FILTER; says so if there is none */
struct ens_decl *ens_sema_find_any_type(struct ens_sema *s, struct ens_ident id); /* or TABLE */
bool ens_sema_resolve_ref(struct ens_sema *s, struct ens_ref *ref);           /* fills ref->sema */
void ens_sema_unused(struct ens_sema *s);
const char *ens_sema_nearest(struct ens_sema *s, const char *name, const char *const *candidate, size_t n); /* or NULL */
void ens_sema_suggest(struct ens_sema *s, struct ens_message *m, const char *name, const char *const *candidate,
		      size_t n);
/* The same; where none is near and there are few, they are listed: "WHAT: `a` and `b`". */
void ens_sema_offer(struct ens_sema *s, struct ens_message *m, const char *name, const char *what,
		    const char *const *candidate, size_t n);
void ens_sema_not_yet(struct ens_sema *s, struct ens_span at, const char *what); /* "WHAT is not supported yet" */

/* sema_layers.c */
void ens_sema_derived_names(struct ens_sema *s); /* a type for each name that is derived */
void ens_sema_layers(struct ens_sema *s);        /* fills s->order */
void ens_sema_derived_type(struct ens_sema *s, struct ens_decl *type); /* its fields, once its rules are checked */

/* sema_params.c */
void ens_sema_params(struct ens_sema *s);
struct ens_decl *ens_sema_find_param(struct ens_sema *s, const char *name); /* or NULL */
/* If e is the name of a parameter it becomes its literal, or stays a name if the parameter is wrong.  False: it is not. */
bool ens_sema_put_param(struct ens_sema *s, struct ens_expr *e);

/* sema_strings.c */
void ens_sema_strings(struct ens_sema *s); /* strings with braces in what is emitted become calls of concat */

/* sema_functions.c */
void ens_sema_functions(struct ens_sema *s);
struct ens_decl *ens_sema_find_function(struct ens_sema *s, const char *name); /* of the rule files, or NULL */

/* sema_events.c */
void ens_sema_events(struct ens_sema *s);
uint32_t ens_type_raw_field(struct ens_sema *s, struct ens_decl *type, const char *name, struct ens_span at);

/* sema_options.c */
void ens_sema_options(struct ens_sema *s, struct ens_decl *type); /* once its fields are known */
void ens_sema_stream_options(struct ens_sema *s);                 /* what the types of one stream say together */

/* sema_tables.c */
void ens_sema_table(struct ens_sema *s, struct ens_decl *table); /* its key, once its fields are known */
void ens_sema_delete_when(struct ens_sema *s, struct ens_decl *type, const struct ens_option *o);
struct ens_decl *ens_sema_find_table(const struct ens_sema *s, const char *name); /* or NULL */
void ens_sema_table_as_event(struct ens_sema *s, struct ens_ident id, const struct ens_decl *table); /* says it is none */
/* TABLE[KEY...].FIELD, where TABLE is a table and no step. */
enum ens_type ens_sema_lookup(struct ens_view *v, struct ens_expr *e);
/* TABLE or TABLE.FIELD, and what is in brackets but no look-up: say what is wrong. */
enum ens_type ens_sema_whole_table(struct ens_view *v, const struct ens_expr *name, const char *field);
enum ens_type ens_sema_no_rows(struct ens_view *v, const struct ens_expr *index);
void ens_sema_warn_hidden_table(struct ens_view *v, const struct ens_expr *name); /* the name is a step's */

/* sema_sources.c */
void ens_sema_source(struct ens_sema *s, const struct ens_field *f); /* what a field is read from */

/* sema_rule.c */
void ens_sema_rule(struct ens_sema *s, struct ens_decl *rule);

/* sema_clauses.c */
void ens_sema_scope(struct ens_sema *s, struct ens_rule_sema *r);
void ens_sema_clauses(struct ens_sema *s, struct ens_rule_sema *r); /* once the pattern and its conditions are checked */
/* A literal or a parameter: a duration (us) or a whole number, at least `least`; false: it was said what is wrong. */
bool ens_sema_amount(struct ens_sema *s, struct ens_expr *e, enum ens_type want, int64_t least, const char *too_small,
		     int64_t *out);
bool ens_pat_opens(const struct ens_pat *p); /* its first event is the first of every match */

/* sema_window.c */
void ens_sema_window(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_clause *where); /* all but what it emits */

/* sema_zone.c */
bool ens_sema_zone(struct ens_sema *s, struct ens_expr *e); /* is the name of a time zone, or it was said */

/* sema_keys.c */
void ens_sema_resets(struct ens_sema *s, struct ens_rule_sema *r); /* the types of `reset on` are inputs */
void ens_sema_take_in(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_ref *ref); /* as `from` names it */
void ens_sema_inputs(struct ens_sema *s, struct ens_rule_sema *r);
void ens_sema_keys(struct ens_sema *s, struct ens_rule_sema *r);

/* sema_pattern.c */
void ens_sema_pattern(struct ens_sema *s, struct ens_rule_sema *r);
void ens_sema_pattern_ends(struct ens_sema *s, struct ens_rule_sema *r); /* what depends on the scope */
enum ens_arrow ens_pat_arrow(const struct ens_pat *p); /* the arrow into it; NONE: it is first */
enum ens_arrow ens_pat_inner(const struct ens_pat *p); /* that joins its own events or rounds */

/* sema_scope.c */
bool ens_sema_target(struct ens_view *v, const struct ens_name *name, struct ens_reach *out, bool *may_lack);
bool ens_sema_before(struct ens_view *v, struct ens_reach *out, bool *may_lack);
bool ens_pat_repeats(const struct ens_pat *p);
const struct ens_pat *ens_pat_common(const struct ens_pat *a, const struct ens_pat *b);

/* sema_types.c */
enum ens_type ens_sema_expr(struct ens_view *v, struct ens_expr *e);
const char *ens_sema_taker(const struct ens_view *v); /* what takes events: "step", or with a window "input" */
bool ens_sema_condition(struct ens_view *v, struct ens_expr *e);            /* is a bool, or it was said */
bool ens_sema_duration(struct ens_view *v, struct ens_expr *e);             /* is a duration, or it was said */
struct ens_field_ref ens_sema_target_field(struct ens_view *v, const struct ens_reach *t, const char *name,
					   struct ens_span at);
/* sema_literals.c */
bool ens_sema_coerce(struct ens_view *v, struct ens_expr *e,
		     enum ens_type want); /* a string literal becomes an address, a time */
bool ens_sema_network(struct ens_view *v, struct ens_expr *e);
const struct ens_name *ens_sema_find_step(const struct ens_view *v, const char *name); /* or a group; or NULL */
/* sema_index.c */
bool ens_sema_nth(struct ens_view *v, struct ens_expr *index, int32_t *nth); /* of STEP[N]; false: it was said what is wrong */
bool ens_sema_narrow(struct ens_view *v, struct ens_expr *call); /* takes conditions out of an aggregate's argument */
/* sema_calls.c */
enum ens_type ens_sema_call(struct ens_view *v, struct ens_expr *e);
bool ens_sema_is_aggregate(const struct ens_expr *e);
bool ens_sema_is_aggregate_name(const char *name);
bool ens_sema_is_builtin(const char *name); /* a word of the language that can be called */
void ens_sema_unknown_function(struct ens_sema *s, const struct ens_expr *call);

/* sema_collect.c */
enum ens_type ens_sema_count_all(struct ens_view *v, struct ens_expr *e);  /* count() */
bool ens_sema_collects(struct ens_view *v, struct ens_expr *e, enum ens_aggregate what); /* false: it was said why it can't */
const char *ens_sema_type_name(const struct ens_expr *e);                  /* "list of int", else as ens_type_name */

/* sema_items.c */
bool ens_sema_item(struct ens_view *v, struct ens_expr *e); /* the name of an emitted item becomes its value; false: it is none */
void ens_sema_hidden_item(struct ens_view *v, const struct ens_expr *e, const char *what);

/* sema_where.c */
void ens_sema_where(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_clause *where);
void ens_sema_brackets(struct ens_sema *s, struct ens_rule_sema *r);
struct ens_expr *ens_expr_clone(struct ens_arena *arena, const struct ens_expr *e); /* unchecked; NULL: no memory */

/* sema_emit.c */
const char *ens_sema_stream(struct ens_sema *s, const struct ens_clause *c); /* that an emission goes to; NULL: none */
void ens_sema_emits(struct ens_sema *s, struct ens_rule_sema *r);

/* sema_test.c */
enum ens_status ens_sema_tests(struct ens_sema *s) ENS_MUST_CHECK; /* test blocks; once all rules are checked */

#endif
