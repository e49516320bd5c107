/*
 * Messages: collected, then sorted by place and rendered as text with marked source lines, or as JSON.
 *
 * At most STORED_MAX are kept (the rest is only counted), so that a hostile file cannot fill memory with messages; an
 * equal message at an equal place is kept once.  What comes from the user's file is shown with control characters and
 * bad bytes as \xHH, tabs as spaces, and lines wider than LINE_WIDTH cut around the place.
 * Tested by tests/lang and tests/unit/test_parse.c.
 */
#include "dsl/diag.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "dsl/allow.h"

#define STORED_MAX 1000u
#define TEXT_MAX 1024     /* bytes of one message's text */
#define LINE_WIDTH 110u   /* columns of source shown */
#define LINE_BEFORE 40u   /* characters kept before the place when a line is cut at its start */
#define TAB_WIDTH 4u
#define NAME_MAX_NEAR 64u /* longer names have no near ones */

static const struct {
	const char *name;
	enum ens_severity severity;
} code_row[ENS_NCODE] = {
#define X(symbol, code, severity, title) {code, severity},
#include "dsl/diag.def"
#undef X
};

/* What a caller gets that adds a message which is not kept: it may write to it, nobody reads it. */
static _Thread_local struct ens_message scratch;

const char *ens_code_name(enum ens_code c)
{
	assert(c < ENS_NCODE);
	return code_row[c].name;
}

enum ens_severity ens_code_severity(enum ens_code c)
{
	assert(c < ENS_NCODE);
	return code_row[c].severity;
}

bool ens_code_find(const char *name, enum ens_code *out)
{
	for (int i = 0; i < ENS_NCODE; i++)
		if (strcmp(code_row[i].name, name) == 0) {
			*out = (enum ens_code)i;
			return true;
		}
	return false;
}

void ens_diag_init(struct ens_diag *d, struct ens_arena *arena, const struct ens_sources *sources)
{
	*d = (struct ens_diag){.arena = arena, .sources = sources, .work = ENS_NO_SPAN};
}

static char *format_text(struct ens_diag *d, const char *fmt, va_list ap)
{
	char text[TEXT_MAX];
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	size_t len = n < 0 ? 0 : (size_t)n;

	if (len >= sizeof(text))
		len = ens_utf8_valid(text, sizeof(text) - 1);
	return ens_arena_strndup(d->arena, text, len);
}

static bool same_span(struct ens_span a, struct ens_span b)
{
	return a.file == b.file && a.off == b.off && a.len == b.len;
}

static bool is_known(const struct ens_diag *d, enum ens_code code, struct ens_span at, const char *text)
{
	for (uint32_t i = d->nmsg; i-- > 0;)
		if (d->msg[i].code == code && same_span(d->msg[i].at, at) && strcmp(d->msg[i].text, text) == 0)
			return true;
	return false;
}

/* ---- verdicts on warnings ---------------------------------------------------------------------------------------- */

static bool has_place(const struct ens_diag *d, struct ens_span at)
{
	return at.file != ENS_NO_FILE && d->sources && at.file < d->sources->nfile;
}

/* The comments of a file, read when they are first asked for; NULL without memory. */
static const struct ens_allow *allow_of(struct ens_diag *d, uint32_t file)
{
	if (file >= d->nallow) {
		const struct ens_allow **bigger = ens_arena_zalloc(d->arena, d->sources->nfile * sizeof *bigger);

		if (!bigger)
			return NULL;
		if (d->nallow)
			memcpy(bigger, d->allow, d->nallow * sizeof *bigger);
		d->allow = bigger;
		d->nallow = d->sources->nfile;
	}
	if (!d->allow[file])
		d->allow[file] = ens_allow_read(d->arena, &d->sources->file[file]);
	return d->allow[file];
}

static enum ens_verdict verdict_on(struct ens_diag *d, enum ens_code code, struct ens_span at)
{
	const struct ens_allow *a;

	if (ens_code_severity(code) != ENS_WARNING)
		return ENS_VERDICT_NONE;
	if (has_place(d, at) && (a = allow_of(d, at.file)) && ens_allow_has(a, at.off, code))
		return ENS_VERDICT_ALLOW;
	return d->verdict ? (enum ens_verdict)d->verdict[code] : ENS_VERDICT_NONE;
}

struct ens_message *ens_diag_add(struct ens_diag *d, enum ens_code code, struct ens_span at, const char *fmt, ...)
{
	const char *text = NULL;
	bool error = ens_code_severity(code) == ENS_ERROR;
	const enum ens_verdict verdict = verdict_on(d, code, at);
	struct ens_message *m = &scratch;
	va_list ap;

	if (verdict == ENS_VERDICT_ALLOW)
		return &scratch;
	if (d->nmsg < STORED_MAX) {
		va_start(ap, fmt);
		text = format_text(d, fmt, ap);
		va_end(ap);
		if (text && is_known(d, code, at, text))
			return &scratch;
	}
	if (text && ens_arena_grow(d->arena, &d->msg, d->nmsg, &d->cap, sizeof *d->msg))
		m = &d->msg[d->nmsg++];
	*m = (struct ens_message){.code = code, .denied = verdict == ENS_VERDICT_DENY, .at = at, .text = text,
				  .second = ENS_NO_SPAN};
	if (error)
		d->nerror++;
	else if (verdict == ENS_VERDICT_DENY)
		d->ndenied++;
	else
		d->nwarning++;
	return m;
}

void ens_diag_remedy(struct ens_diag *d, struct ens_message *m, const char *fmt, ...)
{
	va_list ap;

	if (m == &scratch)
		return;
	va_start(ap, fmt);
	m->remedy = format_text(d, fmt, ap);
	va_end(ap);
}

void ens_diag_second(struct ens_diag *d, struct ens_message *m, struct ens_span at, const char *fmt, ...)
{
	va_list ap;

	if (m == &scratch)
		return;
	va_start(ap, fmt);
	m->second_text = format_text(d, fmt, ap);
	m->second = at;
	va_end(ap);
}

/* ---- order ---------------------------------------------------------------------------------------------------- */

/* By place; messages without one come first.  Those of one place stay in the order in which they were found. */
static int compare_places(const void *pa, const void *pb)
{
	const struct ens_message *a = *(const struct ens_message *const *)pa;
	const struct ens_message *b = *(const struct ens_message *const *)pb;
	uint64_t ka = (uint64_t)(a->at.file + 1u) << 32 | a->at.off;
	uint64_t kb = (uint64_t)(b->at.file + 1u) << 32 | b->at.off;

	if (ka != kb)
		return ka < kb ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* The messages to show, sorted; NULL without memory.  The caller frees the array. */
static const struct ens_message **sorted(const struct ens_diag *d, uint32_t *n)
{
	const struct ens_message **order = malloc((d->nmsg ? d->nmsg : 1) * sizeof(*order));

	if (!order)
		return NULL;
	for (uint32_t i = 0; i < d->nmsg; i++)
		order[i] = &d->msg[i];
	qsort(order, d->nmsg, sizeof(*order), compare_places);
	*n = d->nmsg < ENS_MESSAGES_MAX ? d->nmsg : ENS_MESSAGES_MAX;
	return order;
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

/* Appends the character at p as it is shown; returns its bytes, and the columns it takes in *width. */
static size_t show_char(struct ens_buf *out, const char *p, size_t left, uint32_t col, uint32_t *width)
{
	unsigned char c = (unsigned char)*p;
	size_t len = 1, before = out->len;

	if (c == '\t') {
		*width = TAB_WIDTH - col % TAB_WIDTH;
		ens_buf_add(out, "        ", *width);
		return 1;
	}
	while (len < left && len < 4 && ((unsigned char)p[len] & 0xC0) == 0x80)
		len++;
	if (c >= 0x80 && (c < 0xC0 || ens_utf8_valid(p, len) != len))
		len = 1; /* a bad byte, shown by itself */
	ens_buf_add_visible(out, p, len);
	*width = out->len - before == len && len > 0 ? 1 : (uint32_t)(out->len - before);
	return len;
}

/* Where to begin showing a line so that `off` is seen. */
static size_t cut_start(const struct ens_place *pl, size_t off)
{
	size_t at = off, chars = 0;

	while (at > 0 && chars < LINE_WIDTH - LINE_BEFORE) {
		at--;
		chars += ((unsigned char)pl->line_text[at] & 0xC0) != 0x80;
	}
	if (at == 0)
		return 0;
	for (at = off, chars = 0; at > 0 && chars < LINE_BEFORE;) {
		at--;
		chars += ((unsigned char)pl->line_text[at] & 0xC0) != 0x80;
	}
	while (at > 0 && ((unsigned char)pl->line_text[at] & 0xC0) == 0x80)
		at--;
	return at;
}

static void add_carets(struct ens_buf *out, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < from; i++)
		ens_buf_addc(out, ' ');
	do
		ens_buf_addc(out, '^');
	while (++from < to);
	ens_buf_addc(out, '\n');
}

/* The source line and the line with carets.  A span over several lines is marked to the end of its first one. */
static void add_source_line(struct ens_buf *out, const struct ens_source *src, struct ens_span at, struct ens_place pl)
{
	size_t off = (size_t)(src->text + at.off - pl.line_text);
	size_t i = cut_start(&pl, off);
	uint32_t col = 0, from = UINT32_MAX, to = 0, width;

	if (pl.line_len == 0 || (at.off == 0 && at.len == 0)) /* nothing to show, or the file as a whole is meant */
		return;
	ens_buf_addf(out, "%4u | ", pl.line);
	if (i > 0) {
		ens_buf_adds(out, "...");
		col = 3;
	}
	while (i < pl.line_len && col < LINE_WIDTH) {
		if (i >= off && from == UINT32_MAX)
			from = col;
		i += show_char(out, pl.line_text + i, pl.line_len - i, col, &width);
		col += width;
		if (i <= off + at.len)
			to = col;
	}
	if (i < pl.line_len)
		ens_buf_adds(out, "...");
	if (from == UINT32_MAX)
		from = col;
	ens_buf_addf(out, "\n%*s | ", pl.line > 9999 ? snprintf(NULL, 0, "%u", pl.line) : 4, "");
	add_carets(out, from, to);
}

static void add_place(struct ens_buf *out, const struct ens_diag *d, struct ens_span at, const struct ens_place *pl)
{
	const char *name = d->sources->file[at.file].name;

	ens_buf_add_visible(out, name, strlen(name));
	ens_buf_addf(out, ":%u:%u: ", pl->line, pl->col);
}

/* "FILE:LINE:COL: HEAD: text" and the marked line. */
static void add_part(struct ens_buf *out, const struct ens_diag *d, struct ens_span at, const char *head,
		     const char *text)
{
	struct ens_place pl = {0};

	if (has_place(d, at)) {
		pl = ens_sources_place(d->sources, at);
		add_place(out, d, at, &pl);
	}
	ens_buf_adds(out, head);
	ens_buf_adds(out, ": ");
	ens_buf_add_visible(out, text, strlen(text));
	ens_buf_addc(out, '\n');
	if (has_place(d, at))
		add_source_line(out, &d->sources->file[at.file], at, pl);
}

static const char *severity_word(const struct ens_message *m)
{
	return ens_code_severity(m->code) == ENS_ERROR || m->denied ? "error" : "warning";
}

static void add_message(struct ens_buf *out, const struct ens_diag *d, const struct ens_message *m)
{
	char head[32];

	(void)snprintf(head, sizeof(head), "%s %s", severity_word(m), ens_code_name(m->code));
	add_part(out, d, m->at, head, m->text);
	if (m->second_text)
		add_part(out, d, m->second, "note", m->second_text);
	if (m->remedy) {
		ens_buf_adds(out, "   = help: ");
		ens_buf_add_visible(out, m->remedy, strlen(m->remedy));
		ens_buf_addc(out, '\n');
	}
}

void ens_diag_render_text(const struct ens_diag *d, struct ens_buf *out)
{
	uint32_t n = 0, total = d->nerror + d->nwarning + d->ndenied;
	const struct ens_message **order = sorted(d, &n);

	if (!order) {
		out->failed = true;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		add_message(out, d, order[i]);
	if (total > n)
		ens_buf_addf(out, "... and %u more\n", total - n);
	free(order);
}

/* ---- JSON ----------------------------------------------------------------------------------------------------- */

/* The members that say where; end_line and end_col are those of the first character behind the span. */
static void add_json_place(struct ens_buf *out, const struct ens_diag *d, struct ens_span at)
{
	struct ens_span end = {at.file, at.off + at.len, 0};
	struct ens_place a, b;
	const char *name;

	if (!has_place(d, at))
		return;
	a = ens_sources_place(d->sources, at);
	b = ens_sources_place(d->sources, end);
	name = d->sources->file[at.file].name;
	ens_buf_adds(out, "\"file\":");
	ens_buf_add_json(out, name, strlen(name));
	ens_buf_addf(out, ",\"line\":%u,\"col\":%u,\"end_line\":%u,\"end_col\":%u,", a.line, a.col, b.line, b.col);
}

static void add_json_message(struct ens_buf *out, const struct ens_diag *d, const struct ens_message *m)
{
	ens_buf_addf(out, "{\"code\":\"%s\",\"severity\":\"%s\",", ens_code_name(m->code), severity_word(m));
	add_json_place(out, d, m->at);
	ens_buf_adds(out, "\"text\":");
	ens_buf_add_json(out, m->text, strlen(m->text));
	if (m->second_text) {
		ens_buf_adds(out, ",\"second\":{");
		add_json_place(out, d, m->second);
		ens_buf_adds(out, "\"text\":");
		ens_buf_add_json(out, m->second_text, strlen(m->second_text));
		ens_buf_addc(out, '}');
	}
	if (m->remedy) {
		ens_buf_adds(out, ",\"remedy\":");
		ens_buf_add_json(out, m->remedy, strlen(m->remedy));
	}
	ens_buf_addc(out, '}');
}

void ens_diag_render_json(const struct ens_diag *d, struct ens_buf *out)
{
	uint32_t n = 0;
	const struct ens_message **order = sorted(d, &n);

	if (!order) {
		out->failed = true;
		return;
	}
	ens_buf_addc(out, '[');
	for (uint32_t i = 0; i < n; i++) {
		ens_buf_adds(out, i ? ",\n " : "");
		add_json_message(out, d, order[i]);
	}
	ens_buf_adds(out, "]\n");
	free(order);
}

/* ---- near names ----------------------------------------------------------------------------------------------- */

static unsigned char lower(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edit distance, case not counted; two neighbours exchanged count as one edit (optimal string alignment). */
static unsigned distance(const char *a, size_t na, const char *b, size_t nb)
{
	unsigned row[3][NAME_MAX_NEAR + 1];
	unsigned *before = row[0], *last = row[1], *now = row[2];

	assert(na <= NAME_MAX_NEAR && nb <= NAME_MAX_NEAR);
	for (size_t j = 0; j <= nb; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		unsigned *spare = before;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned differ = lower(a[i - 1]) != lower(b[j - 1]);

			now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + differ);
			if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
			    lower(a[i - 2]) == lower(b[j - 1]) && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[nb];
}

const char *ens_diag_nearest(const char *name, const char *const *candidate, size_t n)
{
	size_t len = strlen(name);
	unsigned best = len <= 4 ? 2 : len <= 8 ? 3 : 4; /* one above what is allowed */
	const char *nearest = NULL;

	if (len > NAME_MAX_NEAR)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t clen = strlen(candidate[i]);
		unsigned d;

		if (clen > NAME_MAX_NEAR || strcmp(candidate[i], name) == 0)
			continue;
		d = distance(name, len, candidate[i], clen);
		if (d < best && d < clen && d < len) {
			best = d;
			nearest = candidate[i];
		}
	}
	return nearest;
}
