/*
 * The log: one write per line, so that lines of several processes do not mix.
 *
 * Guarantee: whatever a server, an entry or a key's name contains, a line stays one line and no control character
 * reaches the terminal.  Lines are cut at LINE_MAX_BYTES.
 * Tested by tests/redis (the texts) by way of `ensue run`.
 */
#include "runtime/io/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "runtime/io/clock.h"

#define LINE_MAX_BYTES 2048
#define OFTEN_US 60000000

static bool only_failures;

void ens_log_quiet(bool quiet)
{
	only_failures = quiet;
}

static void put_line(const char *text, uint64_t left_out)
{
	struct ens_buf line = ENS_BUF_EMPTY;
	size_t len = 0;
	size_t done = 0;

	while (text[len])
		len++;
	ens_buf_adds(&line, "ensue: ");
	ens_buf_add_visible(&line, text, len);
	if (left_out > 0)
		ens_buf_addf(&line, " (and %llu like it)", (unsigned long long)left_out);
	ens_buf_addc(&line, '\n');
	while (!line.failed && done < line.len) {
		ssize_t n = write(STDERR_FILENO, line.data + done, line.len - done);

		if (n <= 0)
			break; /* nobody listens: not worth stopping for */
		done += (size_t)n;
	}
	ens_buf_free(&line);
}

static void put(uint64_t left_out, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void put(uint64_t left_out, const char *fmt, va_list ap)
{
	char text[LINE_MAX_BYTES];

	if (vsnprintf(text, sizeof(text), fmt, ap) >= 0)
		put_line(text, left_out);
}

void ens_log_info(const char *fmt, ...)
{
	va_list ap;

	if (only_failures)
		return;
	va_start(ap, fmt);
	put(0, fmt, ap);
	va_end(ap);
}

void ens_log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(0, fmt, ap);
	va_end(ap);
}

void ens_log_often(struct ens_log_often *o, const char *fmt, ...)
{
	int64_t now_us = ens_clock_us();
	va_list ap;

	if (o->printed_us != 0 && now_us - o->printed_us < OFTEN_US) {
		o->left_out++;
		return;
	}
	va_start(ap, fmt);
	put(o->left_out, fmt, ap);
	va_end(ap);
	o->printed_us = now_us;
	o->left_out = 0;
}
