/*
 * From checked expressions to programs, and what a match must remember for them.
 *
 * For each rule: ens_slots_find over every expression first, then ens_slots_place, then programs may be made.
 */
#ifndef ENS_COMPILER_CODE_H
#define ENS_COMPILER_CODE_H

#include "compiler/build.h"
#include "compiler/sema.h"

/* ---- slots.c: what is remembered -------------------------------------------------------------------------------- */

enum ens_slot_kind {
	ENS_SLOT_FIELD,   /* a field of the (last) event of the steps */
	ENS_SLOT_FIRST_FIELD, /* of their first event */
	ENS_SLOT_TAKEN,   /* true once one of them is taken */
	ENS_SLOT_EVENTS,  /* how many events they took */
	ENS_SLOT_ROUNDS,  /* rounds begun of a group; its steps count, the first of each round by the next */
	ENS_SLOT_ROUND,   /* true once this round has begun */
	ENS_SLOT_COUNT, ENS_SLOT_SUM, ENS_SLOT_MIN, ENS_SLOT_MAX, ENS_SLOT_FIRST, ENS_SLOT_LATEST, /* of an expression */
	ENS_SLOT_NTH,     /* a field of their event `nth` */
	ENS_SLOT_BACK,    /* of their last `nth` events, the last one first: so many slots */
	ENS_SLOT_MEAN, ENS_SLOT_SPREAD, /* of an expression: the mean, and the sum of the squares of what they differ from it */
	ENS_SLOT_ALL,     /* how many events were taken in all */
	ENS_SLOT_LIST, ENS_SLOT_DISTINCT, ENS_SLOT_SKETCH /* of an expression: what enum ens_t_holds says */
};

struct ens_slot {
	enum ens_slot_kind kind;
	enum ens_type type;
	const char *field;             /* FIELD FIRST_FIELD */
	const struct ens_expr *arg;    /* of an expression: over the event taken */
	const struct ens_slot *round;  /* ROUNDS: tells whether this round was counted */
	const struct ens_slot *count;  /* NTH: EVENTS; MEAN SPREAD: COUNT */
	const struct ens_slot *mean;   /* SPREAD */
	uint32_t nth;
	uint32_t index;                /* among the rule's slots */
	struct ens_slot *next;         /* of the same scope */
};

/* A slot that is written when a step takes an event, in the order of slots. */
struct ens_keep {
	const struct ens_slot *slot;
	struct ens_keep *next;
};

/* Makes the slots that an expression needs. */
void ens_slots_find(struct ens_arena *arena, struct ens_rule_sema *r, const struct ens_expr *e);
/* The slot that says whether a part of an `&` is taken. */
void ens_slots_find_taken(struct ens_arena *arena, struct ens_rule_sema *r, struct ens_pat *step);
/* Numbers them: those of the match first, then each repeated group's in one piece, and hangs them on the steps. */
void ens_slots_place(struct ens_rule_sema *r);
/* Slots that were found before; never NULL unless memory ran out. */
const struct ens_slot *ens_slot_of_step(const struct ens_rule_sema *r, const struct ens_expr *e);
const struct ens_slot *ens_slot_of_aggregate(const struct ens_rule_sema *r, const struct ens_expr *e,
					     enum ens_slot_kind kind);
const struct ens_slot *ens_slot_of_taken(const struct ens_rule_sema *r, struct ens_pat *step);
/* How many slots of the tables the rule has. */
uint32_t ens_slots_count(const struct ens_rule_sema *r);

/* ---- code.c: programs ------------------------------------------------------------------------------------------- */

/* One condition of several that must all hold. */
struct ens_part {
	const struct ens_expr *expr;         /* or: */
	const struct ens_input_sema *input;  /* the rule takes the event in */
	struct ens_pat *const *others;       /* counts only once these are taken */
	uint32_t nother;
};

struct ens_coder {
	struct ens_build *build;
	struct ens_diag *diag;
	const struct ens_rule_sema *rule;    /* NULL: a declaration */
	uint32_t rule_index;
	bool brackets_count;                 /* inputs were given in `from`: their brackets count */
};

/* True if it looks at the match, not only at the event at hand. */
bool ens_reads_match(const struct ens_expr *e);
/* A program of the expression as type `want`; hand: type of the event at hand or NULL. */
uint32_t ens_code_value(struct ens_coder *c, const struct ens_decl *hand, const struct ens_expr *e, enum ens_type want);
/* A program of type bool that is true if all parts hold; ENS_NONE without parts. */
uint32_t ens_code_parts(struct ens_coder *c, const struct ens_decl *hand, const struct ens_part *part, uint32_t n);
/* A program that is true, or null where the input takes the event in; `in` NULL: true. */
uint32_t ens_code_unless(struct ens_coder *c, const struct ens_decl *hand, const struct ens_input_sema *in);
/* The program of a capture into the slot, for events of type `hand`. */
uint32_t ens_code_capture(struct ens_coder *c, const struct ens_decl *hand, const struct ens_slot *slot);

#endif
