/*
 * Messages of the compiler, collected as data and rendered by this module alone.
 *
 * A message has a code (E0123, W0201: `dsl/diag.def` lists them all, one row each), a span, a text in the user's words, an
 * optional second span with a note ("declared here"), and, where there is one, a remedy ("did you mean `user`?").
 * Messages come out sorted by file and place; at most ENS_MESSAGES_MAX are printed; an equal message at an equal place
 * is kept once.
 */
#ifndef ENS_DSL_DIAG_H
#define ENS_DSL_DIAG_H

#include <stdbool.h>

#include "base/buf.h"
#include "dsl/source.h"

enum ens_severity { ENS_ERROR, ENS_WARNING };

/* ENS_E0001 ... from diag.def: X(symbol, "E0001", severity, "title") */
enum ens_code {
#define X(symbol, code, severity, title) symbol,
#include "dsl/diag.def"
#undef X
	ENS_NCODE
};

/* What is made of a warning: as it is, silent, an error. */
enum ens_verdict { ENS_VERDICT_NONE, ENS_VERDICT_ALLOW, ENS_VERDICT_DENY };

struct ens_message {
	enum ens_code code;
	bool denied;            /* a warning that counts as an error */
	struct ens_span at;
	const char *text;
	struct ens_span second; /* ENS_NO_SPAN: none */
	const char *second_text;
	const char *remedy;     /* NULL: none */
};

struct ens_diag {
	struct ens_arena *arena;
	const struct ens_sources *sources;
	struct ens_message *msg;
	uint32_t nmsg, cap, nerror, nwarning;
	struct ens_span work; /* what the compiler is at, should there be no room to go on; ENS_NO_SPAN: nothing in particular */
	uint32_t ndenied;       /* warnings that count as errors; in neither of the two above, so that checks go on behind them */
	const uint8_t *verdict; /* by code: enum ens_verdict; counts for warnings; NULL: none.  A comment in the file comes first */
	const struct ens_allow **allow; /* by file: its comments that silence warnings (dsl/allow.h); NULL: not read yet */
	uint32_t nallow;
};

void ens_diag_init(struct ens_diag *d, struct ens_arena *arena, const struct ens_sources *sources);

/* Adds a message and returns it, so that the caller may add more to it; never NULL (out of memory gives a scratch message). */
struct ens_message *ens_diag_add(struct ens_diag *d, enum ens_code code, struct ens_span at, const char *fmt, ...) ENS_PRINTF(4, 5);
void ens_diag_remedy(struct ens_diag *d, struct ens_message *m, const char *fmt, ...) ENS_PRINTF(3, 4);
void ens_diag_second(struct ens_diag *d, struct ens_message *m, struct ens_span at, const char *fmt, ...) ENS_PRINTF(4, 5);

const char *ens_code_name(enum ens_code c); /* "E0001" */
bool ens_code_find(const char *name, enum ens_code *out);
enum ens_severity ens_code_severity(enum ens_code c);

/* FILE:LINE:COL: error E0001: text / source line / carets under the span / note / help.  Tabs kept aligned, wide lines cut around the span. */
void ens_diag_render_text(const struct ens_diag *d, struct ens_buf *out);
/* An array of objects: code, severity, file, line, col, end_line, end_col, text, second {...}, remedy. */
void ens_diag_render_json(const struct ens_diag *d, struct ens_buf *out);

/* Of `n` candidate names the one closest to `name` by edit distance, if close enough to be a likely slip; else NULL. */
const char *ens_diag_nearest(const char *name, const char *const *candidate, size_t n);

#endif
