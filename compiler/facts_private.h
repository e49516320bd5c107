/*
 * Between facts.c and facts_sets.c only.
 */
#ifndef ENS_COMPILER_FACTS_PRIVATE_H
#define ENS_COMPILER_FACTS_PRIVATE_H

#include "compiler/facts.h"

enum ens_meaning_kind { ENS_FIXED, ENS_ONE_OF, ENS_ORDERED, ENS_MANY };

/* What it takes that an expression is true (or false). */
struct ens_meaning {
	enum ens_meaning_kind kind;
	bool truth;                  /* ENS_FIXED: it always is, or never */
	const struct ens_expr *term; /* ENS_ONE_OF: the term is one of the values; ENS_ORDERED: compared with term2 */
	struct ens_values values;
	const struct ens_expr *term2;
	unsigned order;
};

/* What it takes that e is true (or, truth being false, that it is false: null is neither). */
struct ens_meaning ens_meaning_of(struct ens_facts *f, const struct ens_expr *e, bool truth);
/* The part of the key that e is: all events of a match have the same.  ENS_NONE: e is none. */
uint32_t ens_key_of(const struct ens_facts *f, const struct ens_expr *e);
/* True if both have the same value where one event in one match is judged. */
bool ens_same_term(const struct ens_facts *f, const struct ens_expr *a, const struct ens_expr *b);
/* The orders between b and a, given those between a and b. */
unsigned ens_mirrored(unsigned order);

#endif
