/*
 * Lexer: one longest-match automaton over the whole text in memory, which ends with a NUL.
 *
 * Near misses (`==`, `1.5s`, '...', `//`) have rules of their own, because only here it is known what was meant.
 * Guarantee: ens_lex always moves on or returns the end; every byte belongs to one token, blank, comment or message.
 * Cost: linear in the text.  Tested by tests/unit/test_lexer.c and tests/lang/lex*.test.
 */
#include "dsl/lexer.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "dsl/grammar.h"
#include "dsl/hints.h"
#include "dsl/words.h"

#define SHOWN_MAX 40 /* bytes of the user's text quoted in a message */

void ens_lexer_init(struct ens_lexer *lx, struct ens_arena *arena, struct ens_diag *diag, uint32_t file)
{
	const struct ens_source *src = &diag->sources->file[file];

	*lx = (struct ens_lexer){.arena = arena, .diag = diag, .text = src->text, .cur = src->text,
				 .end = src->text + src->len, .file = file, .line_start = true};
	assert(*lx->end == '\0');
	if (src->len >= 3 && memcmp(src->text, "\xEF\xBB\xBF", 3) == 0)
		lx->cur += 3; /* a byte order mark, as some editors write */
}

void ens_lexer_init_part(struct ens_lexer *lx, struct ens_arena *arena, struct ens_diag *diag, uint32_t file,
			 uint32_t base, const char *text, size_t len)
{
	*lx = (struct ens_lexer){.arena = arena, .diag = diag, .text = text, .cur = text, .end = text + len,
				 .file = file, .base = base};
	assert(*lx->end == '\0');
}

static struct ens_span span(const struct ens_lexer *lx, const char *from, const char *to)
{
	return (struct ens_span){lx->file, lx->base + (uint32_t)(from - lx->text), (uint32_t)(to - from)};
}

/* The user's text for a message: its length, cut at a character's end. */
static int shown(const char *from, const char *to)
{
	size_t len = (size_t)(to - from);

	return (int)(len <= SHOWN_MAX ? len : ens_utf8_valid(from, SHOWN_MAX));
}

/* ---- doc comments --------------------------------------------------------------------------------------------- */

/* The text of the `##` lines between two places, joined by line ends. */
static const char *doc_text(struct ens_lexer *lx)
{
	char *text = ens_arena_alloc(lx->arena, (size_t)(lx->doc_to - lx->doc_from) + 1);
	const char *p = lx->doc_from;
	size_t len = 0;

	if (!text)
		return NULL;
	while (p < lx->doc_to) {
		const char *nl = memchr(p, '\n', (size_t)(lx->doc_to - p));
		const char *stop = nl ? nl : lx->doc_to;

		p += strspn(p, " \t\r");
		if (p < stop && stop - p >= 2 && p[0] == '#' && p[1] == '#' && p[2] != '#') {
			p += p[2] == ' ' ? 3 : 2;
			if (len)
				text[len++] = '\n';
			while (stop > p && strchr(" \t\r", stop[-1]))
				stop--;
			if (stop > p)
				memcpy(text + len, p, (size_t)(stop - p));
			len += stop > p ? (size_t)(stop - p) : 0;
		}
		p = nl ? nl + 1 : lx->doc_to;
	}
	text[len] = '\0';
	return text;
}

static void keep_doc(struct ens_lexer *lx, const char *from)
{
	if (!lx->line_start)
		return; /* behind something: a comment like any other */
	if (!lx->doc_from)
		lx->doc_from = from;
	lx->doc_to = lx->cur;
}

/* ---- tokens --------------------------------------------------------------------------------------------------- */

static struct ens_token token(struct ens_lexer *lx, const char *from, int code)
{
	struct ens_token tok = {.code = code, .at = span(lx, from, lx->cur), .first = lx->line_start};

	tok.damage = lx->lost ? ENS_LOST : ENS_UNDAMAGED;
	lx->lost = false;
	if (code == ENS_TK_NEWLINE) {
		lx->line_start = true;
		return tok;
	}
	lx->line_start = false;
	if (lx->doc_from) {
		tok.doc = doc_text(lx);
		lx->doc_from = NULL;
	}
	return tok;
}

static void damage(struct ens_token *tok, enum ens_damage how)
{
	if (tok->damage < how)
		tok->damage = how;
}

static struct ens_token identifier(struct ens_lexer *lx, const char *from, int code)
{
	struct ens_token tok = token(lx, from, code);

	tok.s = from;
	tok.len = tok.at.len;
	if (tok.len > ENS_STRING_LITERAL_MAX_BYTES) {
		ens_diag_add(lx->diag, ENS_E_STRING_LIMIT, tok.at, "a name of %u bytes: at most %u", tok.len,
			     ENS_STRING_LITERAL_MAX_BYTES);
		damage(&tok, ENS_DOUBTFUL);
		tok.len = 1;
	}
	return tok;
}

/* `any text`; the cursor is behind the first back quote. */
static struct ens_token quoted_name(struct ens_lexer *lx, const char *from)
{
	const char *text = lx->cur;
	size_t len = strcspn(text, "`\r\n");
	bool ended = text[len] == '`';
	struct ens_token tok;

	lx->cur = text + len + ended;
	tok = token(lx, from, ENS_TK_IDENT);
	tok.quoted = true;
	tok.s = text;
	tok.len = (uint32_t)len;
	if (!ended)
		ens_diag_add(lx->diag, ENS_E_QUOTED_NAME, tok.at, "this name has no closing back quote on its line");
	else if (len == 0)
		ens_diag_add(lx->diag, ENS_E_QUOTED_NAME, tok.at, "a name in back quotes needs at least one character");
	else if (len > ENS_STRING_LITERAL_MAX_BYTES)
		ens_diag_add(lx->diag, ENS_E_STRING_LIMIT, tok.at, "a name of %zu bytes: at most %u", len,
			     ENS_STRING_LITERAL_MAX_BYTES);
	else
		return tok;
	damage(&tok, ended ? ENS_DOUBTFUL : ENS_LOST);
	tok.len = 1;
	tok.s = "?";
	return tok;
}

/* ---- numbers -------------------------------------------------------------------------------------------------- */

static bool add_digit(int64_t *n, char c)
{
	int64_t digit = c - '0';

	if (*n > (INT64_MAX - digit) / 10)
		return false;
	*n = *n * 10 + digit;
	return true;
}

static struct ens_token int_literal(struct ens_lexer *lx, const char *from)
{
	struct ens_token tok = token(lx, from, ENS_TK_INT);
	int64_t n = 0;

	for (const char *p = from; p < lx->cur; p++) {
		if (*p == '_' || add_digit(&n, *p))
			continue;
		ens_diag_add(lx->diag, ENS_E_NUMBER_RANGE, tok.at,
			     "%.*s does not fit in 64 bits: the largest int is %" PRId64, shown(from, lx->cur), from,
			     INT64_MAX);
		damage(&tok, ENS_DOUBTFUL);
		n = 1;
		break;
	}
	tok.i = n;
	return tok;
}

static struct ens_token float_literal(struct ens_lexer *lx, const char *from)
{
	struct ens_token tok = token(lx, from, ENS_TK_FLOAT);
	struct ens_buf digits = ENS_BUF_EMPTY;

	for (const char *p = from; p < lx->cur; p++)
		if (*p != '_')
			ens_buf_addc(&digits, *p);
	tok.f = 1;
	if (digits.failed) {
		lx->arena->failed = true;
	} else if (!ens_parse_float(digits.data, digits.len, &tok.f)) {
		ens_diag_add(lx->diag, ENS_E_NUMBER_RANGE, tok.at, "%.*s is beyond the largest float, about 1.8e308",
			     shown(from, lx->cur), from);
		damage(&tok, ENS_DOUBTFUL);
	}
	ens_buf_free(&digits);
	return tok;
}

/* Microseconds of the unit at *p, which is moved behind it; 0: none. */
static int64_t unit_us(const char **p)
{
	static const struct {
		const char name[3];
		int64_t us;
	} unit[] = {{"us", 1},         {"ms", 1000},        {"s", 1000000},       {"m", 60000000},
		    {"h", 3600000000}, {"d", 86400000000}, {"w", 604800000000}};

	for (size_t i = 0; i < sizeof(unit) / sizeof(*unit); i++) {
		size_t len = strlen(unit[i].name);

		if (strncmp(*p, unit[i].name, len) == 0) {
			*p += len;
			return unit[i].us;
		}
	}
	return 0;
}

static struct ens_token duration_literal(struct ens_lexer *lx, const char *from)
{
	struct ens_token tok = token(lx, from, ENS_TK_DURATION);
	int64_t sum = 0;

	for (const char *p = from; p < lx->cur;) {
		int64_t n = 0, us;
		bool fits = true;

		for (; *p == '_' || (*p >= '0' && *p <= '9'); p++)
			fits = fits && (*p == '_' || add_digit(&n, *p));
		us = unit_us(&p);
		assert(us > 0);
		if (fits && n <= (INT64_MAX - sum) / us) {
			sum += n * us;
			continue;
		}
		ens_diag_add(lx->diag, ENS_E_NUMBER_RANGE, tok.at,
			     "%.*s does not fit in 64 bits of microseconds (about 292,000 years)", shown(from, lx->cur),
			     from);
		damage(&tok, ENS_DOUBTFUL);
		sum = 1;
		break;
	}
	tok.i = sum;
	return tok;
}

/* "1500ms" for 1.5s, if the fraction comes out whole in one of the smaller units; else NULL. */
static const char *whole_duration(struct ens_lexer *lx, const char *from)
{
	static const struct {
		const char *name;
		int64_t us;
	} smaller[] = {{"d", 86400000000}, {"h", 3600000000}, {"m", 60000000}, {"s", 1000000}, {"ms", 1000}, {"us", 1}};
	struct ens_buf b = ENS_BUF_EMPTY;
	const char *p = from;
	const char *text = NULL;
	int64_t n = 0, scale = 1, us;

	for (bool behind = false; *p == '.' || (*p >= '0' && *p <= '9'); p++) {
		if (*p == '.')
			behind = true;
		else if (!add_digit(&n, *p) || (behind && (scale *= 10) > 1000000))
			return NULL;
	}
	us = unit_us(&p);
	if (us == 0 || p != lx->cur || n > INT64_MAX / us || n * us % scale)
		return NULL;
	n = n * us / scale;
	for (size_t i = 0; i < sizeof(smaller) / sizeof(*smaller) && !text; i++) {
		if (smaller[i].us > us || n % smaller[i].us)
			continue;
		ens_buf_addf(&b, "%" PRId64 "%s", n / smaller[i].us, smaller[i].name);
		text = ens_arena_strndup(lx->arena, ens_buf_cstr(&b), b.len);
	}
	ens_buf_free(&b);
	return text;
}

static bool is_unit(const char *p, const char *end)
{
	return unit_us(&p) && p == end;
}

/* A number and letters that are no unit: 5min, 1.5s, 12abc, 1_. */
static struct ens_token bad_number(struct ens_lexer *lx, const char *from)
{
	const char *letters = from + strspn(from, "0123456789._");
	bool fraction = memchr(from, '.', (size_t)(letters - from)) && is_unit(letters, lx->cur);
	struct ens_token tok = token(lx, from, fraction || letters < lx->cur ? ENS_TK_DURATION : ENS_TK_INT);
	struct ens_message *m;

	damage(&tok, ENS_DOUBTFUL);
	tok.i = 1;
	if (fraction) {
		const char *whole = whole_duration(lx, from);

		m = ens_diag_add(lx->diag, ENS_E_DURATION_FRACTION, tok.at, "a duration has no fraction: %.*s",
				 shown(from, lx->cur), from);
		if (whole)
			ens_diag_remedy(lx->diag, m, "write %s", whole);
		return tok;
	}
	m = ens_diag_add(lx->diag, ENS_E_NUMBER, tok.at, "%.*s is neither a number nor a duration",
			 shown(from, lx->cur), from);
	const struct ens_words unit = {letters, (size_t)(lx->cur - letters)};

	if (unit.len == 1 && *letters == 'M')
		ens_diag_remedy(lx->diag, m, "a minute is 1m, a month about 30d, a million 1_000_000");
	else if (ens_hint_unit(unit))
		ens_diag_remedy(lx->diag, m, "write %.*s%s", shown(from, letters), from, ens_hint_unit(unit));
	else if (ens_same_word(unit, "mo") || ens_same_word(unit, "month") || ens_same_word(unit, "months") ||
		 ens_same_word(unit, "y") || ens_same_word(unit, "year") || ens_same_word(unit, "years"))
		ens_diag_remedy(lx->diag, m, "months and years are not all equally long: write days, such as 30d or 365d");
	else if (ens_same_word(unit, "k"))
		ens_diag_remedy(lx->diag, m, "write %.*s_000", shown(from, letters), from);
	else if (ens_same_word(unit, "x"))
		ens_diag_remedy(lx->diag, m, "in a test so many events are `%.*s times TYPE { ... }`, in a pattern `A{%.*s}`",
				shown(from, letters), from, shown(from, letters), from);
	else if (letters < lx->cur)
		ens_diag_remedy(lx->diag, m, "units are us, ms, s, m, h, d and w, joined as in 1h30m; a name does not begin with a digit");
	else
		ens_diag_remedy(lx->diag, m, "_ stands between two digits, as in 1_000_000");
	return tok;
}

/* 1.000.000, or an address without its quotes. */
static struct ens_token unquoted(struct ens_lexer *lx, const char *from, const char *what, const char *rest);

static struct ens_token points(struct ens_lexer *lx, const char *from)
{
	struct ens_buf digits = ENS_BUF_EMPTY;
	struct ens_token tok;
	const char *p = from;

	while (p < lx->cur) {
		size_t n = strspn(p, "0123456789");

		if (p > from && n != 3)
			break;
		ens_buf_addf(&digits, "%s%.*s", p > from ? "_" : "", (int)(n < 20 ? n : 20), p);
		p += n + (p + n < lx->cur && p[n] == '.');
	}
	if (p < lx->cur || digits.len > 24 || strspn(from, "0123456789.") < (size_t)(lx->cur - from)) {
		ens_buf_free(&digits);
		return unquoted(lx, from, "an address or a network", "");
	}
	tok = token(lx, from, ENS_TK_INT);
	damage(&tok, ENS_DOUBTFUL);
	ens_diag_remedy(lx->diag,
			ens_diag_add(lx->diag, ENS_E_NUMBER, tok.at, "%.*s is not a number", shown(from, lx->cur), from),
			"digits are parted by _, as in %s", ens_buf_cstr(&digits));
	ens_buf_free(&digits);
	return tok;
}

/* What has no quotes, but would be right with them: a date, an address. */
static struct ens_token unquoted(struct ens_lexer *lx, const char *from, const char *what, const char *rest)
{
	struct ens_token tok = token(lx, from, ENS_TK_STRING);
	struct ens_message *m =
		ens_diag_add(lx->diag, ENS_E_NUMBER, tok.at, "%.*s is not a number", shown(from, lx->cur), from);

	ens_diag_remedy(lx->diag, m, "write %s as a string: \"%.*s%s\"", what, shown(from, lx->cur), from, rest);
	damage(&tok, ENS_DOUBTFUL);
	tok.s = "";
	return tok;
}

/* ---- strings -------------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static char *put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
	} else if (c < 0x800) {
		*out++ = (char)(0xC0 | c >> 6);
		*out++ = (char)(0x80 | (c & 0x3F));
	} else if (c < 0x10000) {
		*out++ = (char)(0xE0 | c >> 12);
		*out++ = (char)(0x80 | (c >> 6 & 0x3F));
		*out++ = (char)(0x80 | (c & 0x3F));
	} else {
		*out++ = (char)(0xF0 | c >> 18);
		*out++ = (char)(0x80 | (c >> 12 & 0x3F));
		*out++ = (char)(0x80 | (c >> 6 & 0x3F));
		*out++ = (char)(0x80 | (c & 0x3F));
	}
	return out;
}

/* \xHH; p is at the x.  Returns the place behind the escape. */
static const char *hex_escape(struct ens_lexer *lx, const char *p, char **out)
{
	int high = hex_digit(p[1]);
	int low = high < 0 ? -1 : hex_digit(p[2]);
	struct ens_message *m;

	if (low < 0) {
		p += high < 0 ? 1 : 2;
		ens_diag_add(lx->diag, ENS_E_ESCAPE, span(lx, p - (high < 0 ? 2 : 3), p),
			     "\\x needs two hexadecimal digits");
		return p;
	}
	p += 3;
	if (high < 8) {
		*(*out)++ = (char)(high << 4 | low);
		return p;
	}
	m = ens_diag_add(lx->diag, ENS_E_ESCAPE, span(lx, p - 4, p), "\\x%X%X would make text that is not UTF-8",
			 (unsigned)high, (unsigned)low);
	ens_diag_remedy(lx->diag, m, "for the character U+%04X write \\u{%X}", (unsigned)(high << 4 | low),
			(unsigned)(high << 4 | low));
	return p;
}

/* \u{...}; p is at the u. */
static const char *unicode_escape(struct ens_lexer *lx, const char *p, char **out)
{
	const char *from = p - 1;
	uint32_t c = 0;
	int n = 0;

	if (*++p == '{')
		for (p++; hex_digit(*p) >= 0; p++, n++)
			c = c < 0x1000000 ? c << 4 | (uint32_t)hex_digit(*p) : c;
	if (n == 0 || *p != '}') {
		ens_diag_add(lx->diag, ENS_E_ESCAPE, span(lx, from, p),
			     "\\u needs hexadecimal digits in braces, as in \\u{E9}");
		return p;
	}
	p++;
	if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000))
		ens_diag_add(lx->diag, ENS_E_ESCAPE, span(lx, from, p), "there is no character U+%04X", c);
	else
		*out = put_utf8(*out, c);
	return p;
}

/* p is behind the backslash, before `end`. */
static const char *escape(struct ens_lexer *lx, const char *p, const char *end, char **out)
{
	static const char known[] = "\"\\nrt", made[] = "\"\\\n\r\t";
	const char *k = strchr(known, *p);
	const char *next = p + 1;
	struct ens_message *m;

	if (k && *p) {
		*(*out)++ = made[k - known];
		return next;
	}
	if (*p == 'x')
		return hex_escape(lx, p, out);
	if (*p == 'u')
		return unicode_escape(lx, p, out);
	while (next < end && ((unsigned char)*next & 0xC0) == 0x80)
		next++;
	m = ens_diag_add(lx->diag, ENS_E_ESCAPE, span(lx, p - 1, next), "there is no escape \\%.*s", (int)(next - p),
			 p);
	ens_diag_remedy(lx->diag, m, "escapes are \\\" \\\\ \\n \\r \\t \\xHH \\u{...}; for a backslash write \\\\");
	return next;
}

/* The end of the string's text: its closing quote, or the end of its line. */
static const char *string_end(const char *p, char quote)
{
	for (; *p != quote && *p != '\n' && *p != '\0'; p++) {
		if (*p == '\r' && p[1] == '\n')
			break;
		if (*p == '\\' && p[1] != '\0' && p[1] != '\n' && p[1] != '\r')
			p++;
	}
	return p;
}

static void unescape(struct ens_lexer *lx, struct ens_token *tok, const char *from, const char *end)
{
	uint32_t nerror = lx->diag->nerror;
	char *text, *out;

	tok->s = "";
	if (from == end)
		return;
	text = out = ens_arena_alloc(lx->arena, (size_t)(end - from) + 1);
	if (!text)
		return;
	for (const char *p = from; p < end;) {
		if (*p == '\\' && p + 1 < end)
			p = escape(lx, p + 1, end, &out);
		else
			*out++ = *p++;
	}
	*out = '\0';
	if (lx->diag->nerror > nerror)
		damage(tok, ENS_DOUBTFUL);
	if (out - text > (ptrdiff_t)ENS_STRING_LITERAL_MAX_BYTES) {
		ens_diag_add(lx->diag, ENS_E_STRING_LIMIT, tok->at, "a string of %td bytes: at most %u", out - text,
			     ENS_STRING_LITERAL_MAX_BYTES);
		damage(tok, ENS_DOUBTFUL);
		return;
	}
	tok->s = text;
	tok->len = (uint32_t)(out - text);
}

const char *ens_unescape(struct ens_arena *arena, const char *from, const char *end, uint32_t *len)
{
	struct ens_diag nobody = {.arena = arena};
	struct ens_lexer lx = {.arena = arena, .diag = &nobody, .text = from, .cur = from, .end = end};
	struct ens_token tok = {0};

	unescape(&lx, &tok, from, end);
	*len = tok.len;
	return arena->failed ? NULL : tok.s;
}

/* Whether the line before ended in a string that was not closed, and the quote here is the one that was to close it: behind
 * it, up to `end`, come signs that close and separate. */
static bool closes_line_before(const struct ens_lexer *lx, const char *quote, const char *end)
{
	const char *p = quote;

	if (quote + 1 + strspn(quote + 1, " \t,)]}") < end)
		return false;
	while (lx->unclosed && p > lx->unclosed && p[-1] != '\n')
		p--;
	return lx->unclosed && p - 1 == lx->unclosed;
}

/* The cursor is behind the opening quote. */
static struct ens_token string_literal(struct ens_lexer *lx, const char *from, char quote)
{
	const char *text = lx->cur;
	const char *end = string_end(text, quote);
	bool ended = *end == quote;
	struct ens_token tok;

	lx->cur = end + ended;
	tok = token(lx, from, ENS_TK_STRING);
	if (!ended)
		damage(&tok, ENS_LOST);
	if (quote == '\'') {
		struct ens_message *m =
			ens_diag_add(lx->diag, ENS_E_SPELLING, tok.at, "strings are written in double quotes");

		if (ended)
			ens_diag_remedy(lx->diag, m, "write \"%.*s\"", shown(text, end), text);
	} else if (!ended && closes_line_before(lx, from, end)) {
		lx->unclosed = NULL;
	} else if (!ended) {
		lx->unclosed = end + (*end == '\r');

		struct ens_message *m = ens_diag_add(lx->diag, ENS_E_STRING_END, tok.at,
						     "this string has no closing quote on its line");

		ens_diag_remedy(lx->diag, m, "for a quote within a string write \\\", for a line end \\n");
	}
	unescape(lx, &tok, text, end);
	return tok;
}

/* ---- near misses ---------------------------------------------------------------------------------------------- */

static struct ens_token respell(struct ens_lexer *lx, const char *from, int code, const char *right)
{
	struct ens_token tok = token(lx, from, code);
	struct ens_message *m = ens_diag_add(lx->diag, ENS_E_SPELLING, tok.at, "%.*s is not an operator here",
					     (int)tok.at.len, from);

	ens_diag_remedy(lx->diag, m, "write %s", right);
	return tok;
}

static void bad_comment(struct ens_lexer *lx, const char *from, const char *mark_end, const char *comment_end)
{
	struct ens_message *m =
		ens_diag_add(lx->diag, ENS_E_SPELLING, span(lx, from, mark_end), "a comment begins with #");

	ens_diag_remedy(lx->diag, m, "write # in place of %.*s, on each of its lines", (int)(mark_end - from), from);
	lx->cur = comment_end;
}

/* Signs that typesetting programs put in place of ours. */
static const struct typographic {
	const char *text, *right; /* NULL: nothing */
	int code;
} typographic[] = {{"\u2014>", "->", ENS_TK_ARROW}, {"\u2013>", "->", ENS_TK_ARROW},
		   {"\u2192", "->", ENS_TK_ARROW}, {"\u2264", "<=", ENS_TK_LE}, {"\u2265", ">=", ENS_TK_GE},
		   {"\u2260", "!=", ENS_TK_NE},    {"\u2212", "-", ENS_TK_MINUS}, {"\u00D7", "*", ENS_TK_STAR},
		   {"\u200B", NULL, 0},           {"\u200C", NULL, 0},          {"\u200D", NULL, 0},
		   {"\u200E", NULL, 0},           {"\uFEFF", NULL, 0},          {"\u00AD", NULL, 0},
		   {"\u00A0", "a space", 0},      {"\u201C", "\"", ENS_TK_STRING}, {"\u201D", "\"", ENS_TK_STRING},
		   {"\u201E", "\"", ENS_TK_STRING}, {"\u00AB", "\"", ENS_TK_STRING}, {"\u00BB", "\"", ENS_TK_STRING}, {"\u2018", "\"", ENS_TK_STRING}, {"\u2019", "\"", ENS_TK_STRING}};

static const struct typographic *find_typographic(const char *p)
{
	for (size_t i = 0; i < sizeof(typographic) / sizeof(*typographic); i++)
		if (strncmp(p, typographic[i].text, strlen(typographic[i].text)) == 0)
			return &typographic[i];
	return NULL;
}

/* The end of a string in typographic quotes: behind the next such quote, or the end of the line. */
static const char *typographic_end(const char *p)
{
	for (; *p != '\n' && *p != '\0'; p++) {
		const struct typographic *t = (unsigned char)*p >= 0x80 ? find_typographic(p) : NULL;

		if (t && t->code == ENS_TK_STRING)
			return p + strlen(t->text);
	}
	return p;
}

static bool is_word(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Text with characters beyond ASCII, outside strings and comments; false: nothing is left of it to return. */
static bool foreign_text(struct ens_lexer *lx, const char *from, struct ens_token *tok)
{
	const struct typographic *t = NULL;
	const char *p = from;
	struct ens_message *m;

	for (; p < lx->cur && !(t = find_typographic(p)); p++)
		;
	if (p > from) { /* a name, up to a sign within */
		lx->cur = p;
		*tok = identifier(lx, from, ens_word_code(from, (size_t)(p - from)));
		if (ens_utf8_count(from, (size_t)(p - from)) == (size_t)(p - from))
			return true;
		m = ens_diag_add(lx->diag, ENS_E_BAD_CHAR, tok->at,
				 "a name has only the letters A-Z a-z, digits and _");
		ens_diag_remedy(lx->diag, m, "put other names in back quotes: `%.*s`", shown(from, p), from);
		damage(tok, ENS_DOUBTFUL);
		return true;
	}
	assert(t);
	lx->cur = from + strlen(t->text);
	if (t->code == ENS_TK_STRING)
		lx->cur = typographic_end(lx->cur);
	if (t->code) {
		*tok = token(lx, from, t->code);
		if (t->code == ENS_TK_STRING)
			damage(tok, ENS_LOST);
	}
	if (t->right)
		m = ens_diag_add(lx->diag, ENS_E_BAD_CHAR, span(lx, from, lx->cur), "%.*s is not a sign of the language",
				 (int)strlen(t->text), from);
	else
		m = ens_diag_add(lx->diag, ENS_E_BAD_CHAR, span(lx, from, lx->cur), "an invisible character stands here");
	if (!t->right && from > lx->text && is_word(from[-1]) && is_word(*lx->cur))
		lx->lost = true; /* two words, which were one */
	ens_diag_remedy(lx->diag, m, "%s%s", t->right ? "write " : "delete it", t->right ? t->right : "");
	tok->s = t->code == ENS_TK_STRING ? "" : NULL;
	return t->code != 0;
}

static void bad_char(struct ens_lexer *lx, const char *from)
{
	struct ens_message *m =
		ens_diag_add(lx->diag, ENS_E_BAD_CHAR, span(lx, from, lx->cur),
			     "%.*s means nothing outside strings and comments", shown(from, lx->cur), from);
	bool at_start = lx->line_start;

	lx->lost = true;
	if (*from == '$' && lx->cur < lx->end && *lx->cur >= '0' && *lx->cur <= '9')
		ens_diag_remedy(lx->diag, m, "a number has no currency: leave it out");
	else if (*from == '$' || (*from == '@' && !at_start))
		ens_diag_remedy(lx->diag, m, "a name has no sign before it");
	else if (*from == '@')
		ens_diag_remedy(lx->diag, m, "there are no annotations: a rule has a title, `rule NAME \"title\"`, and `meta`");
	else if (*from == '^')
		ens_diag_remedy(lx->diag, m, "a power is written `pow(x, y)`");
	else if (*from == '~' && lx->cur < lx->end && *lx->cur == '>')
		ens_diag_remedy(lx->diag, m, "write ->");
	else if (*from == '~')
		ens_diag_remedy(lx->diag, m, "a regular expression is written `s matches \"a+b\"`");
	else if (*from == '\\')
		ens_diag_remedy(lx->diag, m, "a line goes on by itself inside brackets and behind an operator, an arrow or a comma");
	else if ((unsigned char)*from < ' ' || *from == '\x7F')
		ens_diag_remedy(lx->diag, m, "delete it");
}

/* <<<<<<< and the lines that follow it: one message is about all three. */
static void merge_mark(struct ens_lexer *lx, const char *from)
{
	bool told = lx->merging;

	lx->merging = *from != '>';
	if (told)
		return;
	ens_diag_remedy(lx->diag,
			ens_diag_add(lx->diag, ENS_E_BAD_CHAR, span(lx, from, from + 7), "a merge left its marks here"),
			"keep one version of the lines, and delete those that begin with <<<<<<<, ======= and >>>>>>>");
}

/* ``` of a text in Markdown. */
static void fence(struct ens_lexer *lx, const char *from)
{
	ens_diag_remedy(lx->diag,
			ens_diag_add(lx->diag, ENS_E_BAD_CHAR, span(lx, from, from + 3), "``` is no part of the rules"),
			"delete the line");
}

/* The end of a line in other languages: taken for one here. */
static struct ens_token semicolon(struct ens_lexer *lx, const char *from)
{
	struct ens_token tok = token(lx, from, ENS_TK_NEWLINE);
	struct ens_message *m = ens_diag_add(lx->diag, ENS_E_SPELLING, tok.at, "no ; stands here");

	ens_diag_remedy(lx->diag, m, "a line end is enough");
	return tok;
}

/* ---- the automaton -------------------------------------------------------------------------------------------- */

struct ens_token ens_lex(struct ens_lexer *lx)
{
	const char *from, *marker;
	struct ens_token tok;

	for (;;) {
		from = lx->cur;
		/*!re2c
		re2c:flags:input = custom;
		re2c:api:style = free-form;
		re2c:define:YYCTYPE = "unsigned char";
		re2c:define:YYPEEK = "(unsigned char)*lx->cur";
		re2c:define:YYSKIP = "lx->cur++;";
		re2c:define:YYBACKUP = "marker = lx->cur;";
		re2c:define:YYRESTORE = "lx->cur = marker;";
		re2c:yyfill:enable = 0;

		digit = [0-9];
		letter = [A-Za-z_];
		word = [A-Za-z0-9_];
		foreign = [\x80-\xFF];
		rest = [^\n\x00]*;
		int = digit+ ("_" digit+)*;
		exponent = [eE] [+\-]? digit+;
		float = int "." int exponent? | int exponent;
		date = ("19" | "20") digit digit "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | [12] digit | "3" [01]);
		duration = (int ("us" | "ms" | [smhdw]))+;

		[ \t\r]+ { continue; }
		"\n" { return token(lx, from, ENS_TK_NEWLINE); }
		"\x00" {
			assert(from == lx->end);
			lx->cur = from; /* asked again, the end comes again */
			return token(lx, from, ENS_TK_END);
		}
		"#" rest {
			if (from[1] == '#' && from[2] != '#')
				keep_doc(lx, from);
			continue;
		}

		letter word* { return identifier(lx, from, ens_word_code(from, (size_t)(lx->cur - from))); }
		"`" { return quoted_name(lx, from); }
		"```" rest { fence(lx, from); continue; }
		("<<<<<<<" | "|||||||" | "=======" | ">>>>>>>") rest { merge_mark(lx, from); continue; }
		["'] { return string_literal(lx, from, *from); }

		int { return int_literal(lx, from); }
		float { return float_literal(lx, from); }
		duration { return duration_literal(lx, from); }
		int word+ | int "." int word+ { return bad_number(lx, from); }
		int "." int ("." int)+ ("/" int)? { return points(lx, from); }
		date { return unquoted(lx, from, "a time", "T00:00:00Z"); }
		date "T" [0-9:.]+ ("Z" | [+\-] [0-9:]+)? { return unquoted(lx, from, "a time", ""); }

		"(" { return token(lx, from, ENS_TK_LP); }
		")" { return token(lx, from, ENS_TK_RP); }
		"[" { return token(lx, from, ENS_TK_LB); }
		"]" { return token(lx, from, ENS_TK_RB); }
		"{" { return token(lx, from, ENS_TK_LC); }
		"}" { return token(lx, from, ENS_TK_RC); }
		"," { return token(lx, from, ENS_TK_COMMA); }
		":" { return token(lx, from, ENS_TK_COLON); }
		"." { return token(lx, from, ENS_TK_DOT); }
		"=" { return token(lx, from, ENS_TK_EQ); }
		"!=" { return token(lx, from, ENS_TK_NE); }
		"<" { return token(lx, from, ENS_TK_LT); }
		"<=" { return token(lx, from, ENS_TK_LE); }
		">" { return token(lx, from, ENS_TK_GT); }
		">=" { return token(lx, from, ENS_TK_GE); }
		"+" { return token(lx, from, ENS_TK_PLUS); }
		"-" { return token(lx, from, ENS_TK_MINUS); }
		"*" { return token(lx, from, ENS_TK_STAR); }
		"/" { return token(lx, from, ENS_TK_SLASH); }
		"%" { return token(lx, from, ENS_TK_PERCENT); }
		"?" { return token(lx, from, ENS_TK_QUEST); }
		"??" { return token(lx, from, ENS_TK_COALESCE); }
		"->" { return token(lx, from, ENS_TK_ARROW); }
		"->>" { return token(lx, from, ENS_TK_ARROWANY); }
		"|" { return token(lx, from, ENS_TK_PIPE); }
		"&" { return token(lx, from, ENS_TK_AMP); }

		";" { return semicolon(lx, from); }
		"==" | "===" { return respell(lx, from, ENS_TK_EQ, "="); }
		"<>" | "!==" { return respell(lx, from, ENS_TK_NE, "!="); }
		"=<" { return respell(lx, from, ENS_TK_LE, "<="); }
		":=" { return respell(lx, from, ENS_TK_EQ, "="); }
		"&&" { return respell(lx, from, ENS_TK_AND, "and"); }
		"||" { return respell(lx, from, ENS_TK_OR, "or"); }
		"=>" { return respell(lx, from, ENS_TK_ARROW, "->"); }
		"!" { return respell(lx, from, ENS_TK_NOT, "not"); }
		"//" { bad_comment(lx, from, lx->cur, lx->cur + strcspn(lx->cur, "\n")); continue; }
		"--" [ \t] { bad_comment(lx, from, from + 2, lx->cur + strcspn(lx->cur, "\n")); continue; }
		"/*" {
			const char *stop = strstr(lx->cur, "*/");

			bad_comment(lx, from, lx->cur, stop ? stop + 2 : lx->end);
			continue;
		}
		(letter | foreign) (word | foreign)* {
			if (foreign_text(lx, from, &tok))
				return tok;
			continue;
		}
		* { bad_char(lx, from); continue; }
		*/
	}
}
