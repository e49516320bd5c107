/*
 * Checks of rules in which nothing is wrong, but which can't do what they seem to: warnings, and errors about times
 * that contradict each other.  A check speaks only where it is certain; where that would take too long to find out it
 * is silent.
 *
 * The order: declarations once, then each rule, then its graph.  Called by compile.c.
 */
#ifndef ENS_COMPILER_CHECK_H
#define ENS_COMPILER_CHECK_H

#include "compiler/facts.h"
#include "compiler/sema.h"

/* What the checks of one compilation have in common. */
struct ens_check {
	struct ens_sema *s;
	struct ens_arena scratch;      /* emptied for each rule; bounded, and what does not fit is not checked */
	struct ens_facts facts, other; /* too large for the stack */
	uint32_t tries;                /* see facts.h */
	bool clean;                    /* there were no errors before: names, types and conditions are what they seem */
};

void ens_check_init(struct ens_check *c, struct ens_sema *s);
void ens_check_free(struct ens_check *c);

/* Rules: only those that are `ok`.  What is no error is said only if there were none before. */
void ens_check_declarations(struct ens_check *c);
void ens_check_rule(struct ens_check *c, struct ens_rule_sema *r);
void ens_check_graph(struct ens_check *c, const struct ens_rule_sema *r, const struct ens_graph *g);

/* Between the checks: */
/* check_conditions.c: what holds of an event that `ref` lets through; `step`: and that this step takes, or NULL. */
void ens_check_gather(struct ens_check *c, struct ens_facts *f, const struct ens_rule_sema *r,
		      const struct ens_ref *ref, const struct ens_pat *step);
void ens_check_events(struct ens_check *c);
void ens_check_conditions(struct ens_check *c, const struct ens_rule_sema *r);
/* check_imports.c */
void ens_check_imports(struct ens_check *c);
/* check_limits.c */
void ens_check_limits(struct ens_check *c, const struct ens_rule_sema *r);
/* check_growth.c */
void ens_check_growth(struct ens_check *c, const struct ens_rule_sema *r);
/* check_branches.c */
void ens_check_branches(struct ens_check *c, const struct ens_rule_sema *r);
void ens_check_shadows(struct ens_check *c, const struct ens_rule_sema *r, const struct ens_graph *g);
/* check_forever.c */
void ens_check_forever(struct ens_check *c, const struct ens_rule_sema *r, const struct ens_graph *g);
/* True if the match can't be complete without the node; NULL: the whole pattern. */
bool ens_pat_mandatory(const struct ens_pat *p);

#endif
