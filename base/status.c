/*
 * Failures in words.  The text is always NUL-ended, one line, and never ends inside a UTF-8 character that it cut.
 * Tested by tests/unit/test_base.c.
 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Drops the last character if the cut at the buffer's end left only some of its bytes. */
static void mend_cut_end(char *s)
{
	size_t len = strlen(s);
	size_t start = len;
	size_t want = 1;
	unsigned char lead;

	while (start > 0 && len - start < 3 && ((unsigned char)s[start - 1] & 0xC0) == 0x80)
		start--;
	if (start == 0)
		return;
	lead = (unsigned char)s[--start];
	if (lead >= 0xF0)
		want = 4;
	else if (lead >= 0xE0)
		want = 3;
	else if (lead >= 0xC0)
		want = 2;
	if (want > len - start)
		s[start] = '\0';
}

enum ens_status ens_fail(struct ens_error *err, enum ens_status status, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!err)
		return status;
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n < 0)
		err->text[0] = '\0';
	else if ((size_t)n >= sizeof(err->text))
		mend_cut_end(err->text);
	for (char *p = err->text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return status;
}
