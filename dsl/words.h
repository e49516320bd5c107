/*
 * The words and signs of the language by their token codes: which words are keywords where, and what tokens are called
 * in messages.  The list of words is words.def.
 */
#ifndef ENS_DSL_WORDS_H
#define ENS_DSL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum ens_word_role { ENS_WORD_NONE, ENS_WORD_SOFT, ENS_WORD_RESERVED, ENS_WORD_CLAUSE, ENS_WORD_DECL };

/* The code of a word of the language (never the hard one of a line's first word), else ENS_TK_IDENT. */
int ens_word_code(const char *s, size_t len);
enum ens_word_role ens_word_role(int code); /* of a soft or hard code; NONE: no word */
int ens_word_hard(int code);                /* the hard code of a clause or declaration word, else 0 */

const char *ens_word_text(int code);        /* "" if it is no word */

/* All words of a role, for suggestions; at most `cap`.  Returns their number. */
size_t ens_words_of_role(enum ens_word_role role, const char **out, size_t cap);

/* How a message calls a token: `match`, `->`, a name, a number. */
const char *ens_token_name(int code);

#endif
