/*
 * Growing byte buffer: doubles, so that appending costs amortised O(1) per byte.
 *
 * Guarantee: after a failed reservation nothing more is appended and the bytes so far stay valid.
 * Tested by tests/unit/test_base.c.
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define BUF_MIN_BYTES ((size_t)64)

void ens_buf_free(struct ens_buf *b)
{
	free(b->data);
	*b = ENS_BUF_EMPTY;
}

bool ens_buf_reserve(struct ens_buf *b, size_t more_bytes)
{
	size_t need, cap;
	char *data;

	if (b->failed)
		return false;
	if (more_bytes <= b->cap - b->len)
		return true;
	if (more_bytes > SIZE_MAX / 2 - b->len)
		goto fail;
	need = b->len + more_bytes;
	cap = b->cap < BUF_MIN_BYTES ? BUF_MIN_BYTES : b->cap;
	while (cap < need)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data)
		goto fail;
	b->data = data;
	b->cap = cap;
	return true;
fail:
	b->failed = true;
	return false;
}

void ens_buf_add(struct ens_buf *b, const void *bytes, size_t len_bytes)
{
	if (len_bytes == 0 || !ens_buf_reserve(b, len_bytes))
		return;
	memcpy(b->data + b->len, bytes, len_bytes);
	b->len += len_bytes;
}

void ens_buf_addc(struct ens_buf *b, char c)
{
	ens_buf_add(b, &c, 1);
}

void ens_buf_adds(struct ens_buf *b, const char *cstr)
{
	ens_buf_add(b, cstr, strlen(cstr));
}

void ens_buf_addf(struct ens_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	if (!ens_buf_reserve(b, BUF_MIN_BYTES))
		return;
	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(b->data + b->len, b->cap - b->len, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->failed = true;
	} else if ((size_t)n < b->cap - b->len) {
		b->len += (size_t)n;
	} else if (ens_buf_reserve(b, (size_t)n + 1)) {
		(void)vsnprintf(b->data + b->len, b->cap - b->len, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

static void add_json_ascii(struct ens_buf *b, unsigned char c)
{
	switch (c) {
	case '"':
		ens_buf_adds(b, "\\\"");
		break;
	case '\\':
		ens_buf_adds(b, "\\\\");
		break;
	case '\n':
		ens_buf_adds(b, "\\n");
		break;
	case '\r':
		ens_buf_adds(b, "\\r");
		break;
	case '\t':
		ens_buf_adds(b, "\\t");
		break;
	default:
		ens_buf_addf(b, "\\u%04x", c);
		break;
	}
}

static bool json_plain(unsigned char c)
{
	return c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

void ens_buf_add_json(struct ens_buf *b, const char *s, size_t len_bytes)
{
	size_t i = 0;

	ens_buf_addc(b, '"');
	while (i < len_bytes) {
		size_t good_end = i + ens_utf8_valid(s + i, len_bytes - i);

		while (i < good_end) {
			size_t from = i;

			while (i < good_end && json_plain((unsigned char)s[i]))
				i++;
			ens_buf_add(b, s + from, i - from);
			if (i < good_end)
				add_json_ascii(b, (unsigned char)s[i++]);
		}
		if (i < len_bytes) {
			ens_buf_adds(b, "\xEF\xBF\xBD");
			i++;
		}
	}
	ens_buf_addc(b, '"');
}

/* C1 control characters are two bytes in UTF-8; terminals obey them as they do ESC. */
static bool is_c1(const char *s, size_t left)
{
	return left >= 2 && (unsigned char)s[0] == 0xC2 && (unsigned char)s[1] < 0xA0;
}

void ens_buf_add_visible(struct ens_buf *b, const char *s, size_t len_bytes)
{
	size_t i = 0;

	while (i < len_bytes) {
		size_t good_end = i + ens_utf8_valid(s + i, len_bytes - i);

		for (; i < good_end; i++) {
			unsigned char c = (unsigned char)s[i];

			if (c == '\n')
				ens_buf_adds(b, "\\n");
			else if (c == '\t')
				ens_buf_adds(b, "\\t");
			else if (c == '\r')
				ens_buf_adds(b, "\\r");
			else if (c < 0x20 || c == 0x7f)
				ens_buf_addf(b, "\\x%02X", c);
			else if (is_c1(s + i, good_end - i))
				ens_buf_addf(b, "\\x%02X", (unsigned char)s[++i]);
			else
				ens_buf_addc(b, (char)c);
		}
		if (i < len_bytes)
			ens_buf_addf(b, "\\x%02X", (unsigned char)s[i++]);
	}
}

const char *ens_buf_cstr(struct ens_buf *b)
{
	if (!ens_buf_reserve(b, 1))
		return "";
	b->data[b->len] = '\0';
	return b->data;
}
