/*
 * Text to tokens.
 *
 * A token is a span of the text and, for literals, its value; codes are the grammar's (ENS_TK_..., 0 at the end).
 * Comments and blanks are skipped, a line end is ENS_TK_NEWLINE.  Whatever is wrong in the text is reported here, once,
 * and a token that makes sense in its place is returned, so that the parser has nothing to add.
 */
#ifndef ENS_DSL_LEXER_H
#define ENS_DSL_LEXER_H

#include <stdbool.h>

#include "dsl/diag.h"

#define ENS_TK_END 0

/* What an error that was told here leaves of the text around it. */
enum ens_damage {
	ENS_UNDAMAGED,
	ENS_DOUBTFUL, /* the value is made up: what depends on it should not be judged */
	ENS_LOST      /* text may be missing: a syntax error behind it may be none */
};

struct ens_token {
	int code;
	struct ens_span at;
	bool first;      /* nothing but blanks before it on its line */
	bool quoted;     /* an identifier in back quotes */
	enum ens_damage damage; /* by errors in it or just before it */
	uint32_t len;    /* of s */
	union {
		int64_t i;     /* INT; DURATION in microseconds */
		double f;      /* FLOAT */
		const char *s; /* STRING unescaped, IDENT without quotes; NUL-ended for STRING only, in arena or text */
	};
	const char *doc; /* the doc comment before it, in the arena; NULL: none */
};

struct ens_lexer {
	struct ens_arena *arena;
	struct ens_diag *diag;
	const char *text, *cur, *end;
	const char *doc_from, *doc_to; /* doc comment lines waiting for their token */
	uint32_t file;
	uint32_t base; /* of `text` in the file */
	bool line_start;
	bool lost; /* text was passed over since the last token */
	bool merging; /* the first mark of a merge was told, the others are to come */
	const char *unclosed; /* end of the line whose string was never closed, which was told; NULL: there was none */
};

/* The text must be UTF-8 without NUL bytes, NUL-ended: the parser checks that first. */
void ens_lexer_init(struct ens_lexer *lx, struct ens_arena *arena, struct ens_diag *diag, uint32_t file);
/* The same for a part of the file that begins at `base`, or for a text of that length that stands for it. */
void ens_lexer_init_part(struct ens_lexer *lx, struct ens_arena *arena, struct ens_diag *diag, uint32_t file,
			 uint32_t base, const char *text, size_t len);
/* What a string's text between its quotes means; its escapes are right.  NULL without memory. */
const char *ens_unescape(struct ens_arena *arena, const char *from, const char *end, uint32_t *len);
struct ens_token ens_lex(struct ens_lexer *lx);

#endif
