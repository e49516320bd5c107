/*
 * A rule file as the formatter sees it: its tokens in order with the comments between them, and what the tree knows
 * about them.  Private to dsl/ (format.c, format_tokens.c).
 */
#ifndef ENS_DSL_FORMAT_TOKENS_H
#define ENS_DSL_FORMAT_TOKENS_H

#include "dsl/ast.h"

enum ens_fmt_flag {
	ENS_FF_UNIT = 1 << 0,   /* first of a declaration or clause */
	ENS_FF_ITEM = 1 << 1,   /* first of a field or item in braces */
	ENS_FF_LINE = 1 << 2,   /* first of a test's line */
	ENS_FF_OPTION = 1 << 3, /* first of an option of an event or table */
	ENS_FF_CALLEE = 1 << 4, /* the parenthesis behind it belongs to it */
	ENS_FF_UNARY = 1 << 5,  /* a sign */
	ENS_FF_BLOCK = 1 << 6,  /* a brace around fields, items or lines */
	ENS_FF_DROP = 1 << 7    /* a separator or needless parenthesis: left out */
};

/* Where a line may break behind a token, from loose to tight. */
enum ens_fmt_join { ENS_FJ_NONE, ENS_FJ_LIST, ENS_FJ_OR, ENS_FJ_AND, ENS_FJ_SUM };

struct ens_fmt_token {
	int code;
	uint32_t off, len;
	uint32_t width;       /* columns */
	uint32_t comment;     /* the first comment before it; the last is before the next token's first */
	uint32_t match;       /* of a bracket: the other one */
	uint16_t depth;       /* brackets open around it */
	uint8_t flags;        /* enum ens_fmt_flag */
	uint8_t join;         /* enum ens_fmt_join */
	bool space;           /* a blank before it, unless it begins a line */
	bool blank;           /* an empty line just before it */
	bool first;           /* of its line in the text */
	size_t from;          /* columns from the text's beginning, all on one line */
};

struct ens_fmt_comment {
	uint32_t off, len;
	uint32_t col;  /* from 0 */
	bool own_line; /* nothing but blanks before it */
	bool blank;    /* an empty line before it */
};

struct ens_fmt_text {
	struct ens_arena *arena;
	struct ens_diag *diag;
	uint32_t file;
	const char *text;
	struct ens_fmt_token *token; /* ntoken of them, and the end, which has the comments behind the last one */
	uint32_t ntoken;
	struct ens_fmt_comment *comment;
	uint32_t ncomment;
};

/* Fills everything from a file that parsed without an error and its tree.  ENS_ENOMEM: the arena's
 * budget is used up. */
enum ens_status ens_fmt_load(struct ens_fmt_text *t, const struct ens_ast *ast) ENS_MUST_CHECK;

/* The token at that place of the text or the first behind it. */
uint32_t ens_fmt_find(const struct ens_fmt_text *t, uint32_t off);

/* The comments before token i are first .. end - 1. */
static inline uint32_t ens_fmt_comments_end(const struct ens_fmt_text *t, uint32_t i)
{
	return i < t->ntoken ? t->token[i + 1].comment : t->ncomment;
}

#endif
