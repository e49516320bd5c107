/*
 * What was probably meant where something can't stand: the remedies of syntax errors, for those who come from another
 * language or half remember this one.
 */
#ifndef ENS_DSL_HINTS_H
#define ENS_DSL_HINTS_H

#include "dsl/lexer.h"

/* A piece of the user's text. */
struct ens_words {
	const char *s;
	size_t len;
};

/* A token that the grammar would not take, and where. */
struct ens_mistake {
	void *grammar;         /* as it is before the token */
	int unit;              /* code of the first token of the declaration or clause */
	int open;              /* innermost open bracket's code; 0: none */
	int last, found;       /* codes of the token before it and of itself */
	struct ens_words last_text, found_text;
};

/* The remedy, static; NULL: nothing comes to mind. */
const char *ens_hint(const struct ens_mistake *m);
/* The unit of durations that a word of everyday means: "m" for "minutes"; NULL: none. */
const char *ens_hint_unit(struct ens_words word);
/* The hard code of the declaration that a word of another language begins, as `type` or `const`; 0: none. */
int ens_hint_declares(struct ens_words word);
/* What to write in place of a first word of a line that another language has; NULL: it is known of none. */
const char *ens_hint_line(struct ens_words word);
bool ens_same_word(struct ens_words a, const char *b); /* case not counted */

#endif
