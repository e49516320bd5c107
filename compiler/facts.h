/*
 * What must be so where conditions hold: for each field or computed expression the values that are left to it.
 *
 * Conditions are added one by one; all are to be true of one event in one match at once.  When they can't be, `clash`
 * says which.  Everything is certain: what is not understood, or beyond a bound below, is left out, which only makes
 * fewer things certain.  Three-valued logic is kept to: a condition that is null does not hold, and its negation
 * neither. Cost: linear in the conditions' sizes, with a bounded factor.
 */
#ifndef ENS_COMPILER_FACTS_H
#define ENS_COMPILER_FACTS_H

#include "compiler/sema.h"
#include "compiler/values.h"

#define ENS_FACTS_MAX 32u    /* terms, relations, conditions of one place that are kept in mind */
#define ENS_FACTS_CHOICES 8u /* `or`s of one place that are not about one term */
#define ENS_FACTS_TRIES 32u  /* combinations of their sides that are tried, for one place */
#define ENS_FACTS_WORK 500u  /* conditions that are looked at for one place */

/* A condition that said something of a term. */
struct ens_why {
	const struct ens_expr *expr, *root; /* and the condition that it was added with */
	struct ens_values values;           /* that it leaves by itself */
	const struct ens_why *before;
};

struct ens_fact {
	const struct ens_expr *term;
	uint32_t key; /* the term is this part of the rule's key; else ENS_NONE */
	struct ens_values values;
	const struct ens_why *why; /* NULL: nothing was said of it */
};

/* Two terms of one type compared: the orders that are left between a and b. */
struct ens_relation {
	const struct ens_expr *a, *b;
	unsigned order; /* ENS_LESS | ENS_EQUAL | ENS_GREATER */
	const struct ens_expr *why, *root;
};

enum { ENS_LESS = 1, ENS_EQUAL = 2, ENS_GREATER = 4 };

/* An expression that is to be true, or false. */
struct ens_claim {
	const struct ens_expr *expr;
	bool truth;
	const struct ens_expr *said; /* what asks for it: the expression, or the `not` around it */
};

struct ens_facts {
	struct ens_arena *arena;          /* of its memory; may run out: then less is certain */
	const struct ens_rule_sema *rule; /* NULL: none */
	const struct ens_decl *hand;      /* type of the event at hand; NULL: none */
	struct ens_fact fact[ENS_FACTS_MAX];
	struct ens_relation relation[ENS_FACTS_MAX];
	struct ens_claim held[ENS_FACTS_MAX]; /* conditions as they are written, `and`s taken apart */
	struct ens_claim choice[ENS_FACTS_CHOICES];
	const struct ens_expr *choice_root[ENS_FACTS_CHOICES];
	uint32_t nfact, nrelation, nheld, nchoice, work;
	uint32_t *tries;             /* combinations that may still be tried, of all places together */
	const struct ens_expr *root; /* the condition that is being added */
	/* They can't all hold: this one, and, if there is one, this one before it; each in the condition that was added. */
	bool clash, clash_of_many; /* it goes with each of the others, but not with all of them together */
	const struct ens_expr *clash_at, *clash_in, *clash_other, *clash_other_in;
};

void ens_facts_init(struct ens_facts *f, struct ens_arena *arena, uint32_t *tries, const struct ens_rule_sema *rule,
		    const struct ens_decl *hand);
/* e is true. */
void ens_facts_add(struct ens_facts *f, const struct ens_expr *e);
/* Part k of the key is one of these. */
void ens_facts_add_key(struct ens_facts *f, uint32_t k, struct ens_values values);
/* Tries the sides of the `or`s; then `clash` is final. */
void ens_facts_settle(struct ens_facts *f);
/* True if e must be true where all that was added is. */
bool ens_facts_imply(struct ens_facts *f, const struct ens_expr *e);
/* What is left to part k of the key, or NULL: nothing was said of it. */
const struct ens_fact *ens_facts_key(const struct ens_facts *f, uint32_t k);
/* True if e is an `or` that holds for every value, though no side of it does by itself. */
bool ens_facts_always(struct ens_facts *f, const struct ens_expr *e);
/* True if both say the same of the same, wherever they stand in one rule. */
bool ens_expr_same(const struct ens_expr *a, const struct ens_expr *b);

#endif
