/*
 * Files as input: NDJSON and CSV whole, in blocks of any size, hostile; whole runs with their output and reports.
 */
#define _POSIX_C_SOURCE 200809L

#include "runtime/io/file_run.h"

#include <CUnit/CUnit.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "tests/unit/hand_tables.h"
#include "runtime/io/file_source.h"
#include "runtime/json.h"

void suite_files(void);

/* ---- helpers ---------------------------------------------------------------------------------------------------- */

static char path[64];

/* A temporary file with these bytes; its name ends in `extension`. */
static const char *write_file(const char *bytes, size_t len, const char *extension)
{
	FILE *f;

	(void)snprintf(path, sizeof(path), "/tmp/ensue-test-%d%s", (int)getpid(), extension);
	f = fopen(path, "wb");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fwrite(bytes, 1, len, f), len);
	(void)fclose(f);
	return path;
}

/* One line of text for each answer of the source. */
static void describe_entry(struct ens_buf *b, enum ens_status st, const struct ens_entry *e,
			   enum ens_reject_reason reason, const struct ens_error *err)
{
	uint32_t i;

	if (st == ENS_EINPUT) {
		ens_buf_addf(b, "%d! %s: %s\n", (int)e->id.ms, ens_reject_code(reason), err->text);
		return;
	}
	ens_buf_addf(b, "%d:", (int)e->id.ms);
	for (i = 0; i < e->nfield; i++) {
		const struct ens_raw_field *f = &e->field[i];

		ens_buf_addf(b, " %.*s=", (int)f->name_len, f->name);
		if (f->kind == ENS_RAW_TEXT || f->kind == ENS_RAW_STRING || f->kind == ENS_RAW_OTHER)
			ens_buf_addf(b, "%s%.*s%s", f->kind == ENS_RAW_OTHER ? "<" : "'", (int)f->len, f->s,
				     f->kind == ENS_RAW_OTHER ? ">" : "'");
		else if (f->kind == ENS_RAW_INT)
			ens_buf_addf(b, "%lld", (long long)f->i);
		else if (f->kind == ENS_RAW_FLOAT)
			ens_buf_addf(b, "%g", f->f);
		else
			ens_buf_adds(b, f->kind == ENS_RAW_NULL ? "null" : f->i ? "true" : "false");
	}
	ens_buf_addc(b, '\n');
}

static void read_all(const char *name, size_t block_bytes, struct ens_buf *b)
{
	struct ens_file_source *s;
	enum ens_reject_reason reason;
	struct ens_error err = {""};
	struct ens_entry e;
	enum ens_status st;

	CU_ASSERT_EQUAL_FATAL(ens_file_source_open(name, block_bytes, NULL, &s, &err), ENS_OK);
	while ((st = ens_file_source_next(s, &e, &reason, &err)) == ENS_OK || st == ENS_EINPUT)
		describe_entry(b, st, &e, reason, &err);
	if (st != ENS_EEND)
		ens_buf_addf(b, "failed: %s\n", strstr(err.text, ": ") ? strstr(err.text, ": ") + 2 : err.text);
	ens_file_source_close(s);
}

/* The same answers whatever the blocks. */
static void expect_bytes(const char *bytes, size_t len, const char *extension, const char *expected)
{
	static const size_t block[] = {1, 2, 3, 7, 64, 4096, (size_t)1 << 20};
	size_t i;

	write_file(bytes, len, extension);
	for (i = 0; i < sizeof(block) / sizeof(*block); i++) {
		struct ens_buf b = ENS_BUF_EMPTY;

		read_all(path, block[i], &b);
		if (strcmp(ens_buf_cstr(&b), expected) != 0) {
			printf("\n  blocks of %zu\n  expected: %s\n  got:      %s\n", block[i], expected,
			       ens_buf_cstr(&b));
			CU_FAIL("other entries were expected");
		}
		ens_buf_free(&b);
	}
	(void)unlink(path);
}

static void expect(const char *text, const char *extension, const char *expected)
{
	expect_bytes(text, strlen(text), extension, expected);
}

/* ---- NDJSON ----------------------------------------------------------------------------------------------------- */

static void json_lines_are_entries(void)
{
	expect("", ".ndjson", "");
	expect("\n\n", ".ndjson", "");
	expect("{\"a\":1,\"b\":\"x\",\"c\":true,\"d\":null,\"e\":1.5}\n", ".ndjson",
	       "1: a=1 b='x' c=true d=null e=1.5\n");
	expect("{\"a\":1}", ".ndjson", "1: a=1\n");
	expect(" \t\r\n{ \"a\" : 1 } \r\n\r\n{}\n", ".ndjson", "2: a=1\n4:\n");
	expect("\xEF\xBB\xBF{\"a\":1}\n", ".jsonl", "1: a=1\n");
	expect("{\"a\":\"x\\\"\\u00e4\\n\",\"b\\\"\":\"\"}\n", ".ndjson", "1: a='x\"\xc3\xa4\n' b\"=''\n");
	expect("{\"a\":[1, {\"b\":[]}] ,\"c\":{\"d\":\"}\"}}\n", ".ndjson",
	       "1: a=<[1, {\"b\":[]}]> c=<{\"d\":\"}\"}>\n");
	expect("{\"a\":1,\"a\":2}\n", ".ndjson", "1: a=1 a=2\n");
}

static void json_numbers_keep_their_kind(void)
{
	expect("{\"a\":9223372036854775807,\"b\":-9223372036854775808,\"c\":9223372036854775808,\"d\":-0,\"e\":1e2}\n",
	       ".ndjson", "1: a=9223372036854775807 b=-9223372036854775808 c=<9223372036854775808> d=0 e=100\n");
	expect("{\"a\":1e400,\"b\":-1.5E-3,\"c\":123456789012345678}\n", ".ndjson",
	       "1: a=<1e400> b=-0.0015 c=123456789012345678\n");
	expect("{\"a\":01}\n{\"a\":1.}\n{\"a\":.5}\n{\"a\":+1}\n{\"a\":-}\n{\"a\":1e}\n{\"a\":NaN}\n{\"a\":0x1}\n{"
	       "\"a\":1}\n",
	       ".ndjson",
	       "1! bad_entry: the line is not valid JSON\n2! bad_entry: the line is not valid JSON\n"
	       "3! bad_entry: the line is not valid JSON\n4! bad_entry: the line is not valid JSON\n"
	       "5! bad_entry: the line is not valid JSON\n6! bad_entry: the line is not valid JSON\n"
	       "7! bad_entry: the line is not valid JSON\n8! bad_entry: the line is not valid JSON\n9: a=1\n");
}

static void bad_lines_are_passed_over(void)
{
	static const char *const bad[] = {
		"{",
		"}",
		"{\"a\"",
		"{\"a\":",
		"{\"a\":1",
		"{\"a\":1,",
		"{\"a\":1,}",
		"{\"a\" 1}",
		"{a:1}",
		"{,}",
		"{\"a\":tru}",
		"{\"a\":truex}",
		"{\"a\":[1,2}",
		"{\"a\":[1,]}",
		"{\"a\":[,1]}",
		"{\"a\":{\"b\":}}",
		"{\"a\":{\"b\"}}",
		"{\"a\":{1:2}}",
		"{\"a\":{}}}",
		"{\"a\":\"b\"c}",
		"{\"a\":\"b\" \"c\"}",
		"{\"a\":[1 2]}",
		"{\"a\":[\"\\x\"]}",
		"{\"a\":[\"\\u12\"]}",
		"{\"a\":1} x",
		"{\"a\":1}{\"b\":2}",
		"{} {}",
		"{},",
		"hello",
		"\"a\"",
		"[1]",
		"5",
		"null",
		"{\"a\":\"\\ud800\"}",
		"{\"a\":\"\\q\"}",
		"{\"a\":1]",
		"[\"a\":1}",
		"{\"a\":[}",
		"{\"a\":]}",
		"{\"a\":1:2}",
		"{\"a\"::1}",
		"{\"a\":\"b\":{\"c\":1}}}",
		"{\"a\":\"x\ty\"}",
		"{\"a\":\"x",
	};
	struct ens_buf text = ENS_BUF_EMPTY, got = ENS_BUF_EMPTY;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ens_buf_addf(&text, "%s\n{\"good\":%d}\n", bad[i], (int)i);
	write_file(text.data, text.len, ".ndjson");
	read_all(path, 4096, &got);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "\n%d: good=%d\n", (int)(2 * i + 2), (int)i);
		CU_ASSERT_PTR_NOT_NULL(strstr(ens_buf_cstr(&got), line));
		(void)snprintf(line, sizeof(line), "%s%d! bad_entry: ", i ? "\n" : "", (int)(2 * i + 1));
		if (!strstr(ens_buf_cstr(&got), line)) {
			printf("\n  taken: %s\n", bad[i]);
			CU_FAIL("a bad line was taken");
		}
	}
	ens_buf_free(&text);
	ens_buf_free(&got);
	(void)unlink(path);
	expect("{\"a\":\"\xff\"}\n{\"a\":1}\n", ".ndjson", "1! not_utf8: the line is not UTF-8\n2: a=1\n");
	expect_bytes("{\"a\":1}\0\n\0\n{\"a\":2}\n", 19, ".ndjson",
		     "1! bad_entry: the line is not valid JSON\n2! bad_entry: the line is not a JSON object\n3: a=2\n");
}

static void nesting_has_a_bound(void)
{
	struct ens_buf text = ENS_BUF_EMPTY, got = ENS_BUF_EMPTY;
	unsigned depth, i;

	for (depth = 63; depth <= 64; depth++) {
		ens_buf_adds(&text, "{\"a\":");
		for (i = 0; i < depth; i++)
			ens_buf_addc(&text, '[');
		for (i = 0; i < depth; i++)
			ens_buf_addc(&text, ']');
		ens_buf_adds(&text, "}\n");
	}
	ens_buf_adds(&text, "{\"a\":");
	for (i = 0; i < 1000000; i++)
		ens_buf_addc(&text, '[');
	ens_buf_adds(&text, "}\n{\"a\":3}\n");
	write_file(text.data, text.len, ".ndjson");
	read_all(path, 65536, &got);
	CU_ASSERT_PTR_NOT_NULL(strstr(ens_buf_cstr(&got), "1: a=<[[["));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(ens_buf_cstr(&got), "2! too_large: the line has members nested deeper than 64 levels\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ens_buf_cstr(&got), "\n3! "));
	CU_ASSERT_PTR_NOT_NULL(strstr(ens_buf_cstr(&got), "\n4: a=3\n"));
	ens_buf_free(&text);
	ens_buf_free(&got);
	(void)unlink(path);
}

/* A line one byte too long, one of 5 MiB, and one with too many members; what follows is read. */
static void large_lines_are_passed_over(void)
{
	struct ens_buf text = ENS_BUF_EMPTY, got = ENS_BUF_EMPTY;
	unsigned i;

	for (i = 0; i < 2; i++) {
		const size_t begin = text.len, want = i ? (size_t)5 << 20 : ENS_ENTRY_MAX_BYTES + 1;

		ens_buf_adds(&text, "{\"a\":\"");
		while (text.len - begin < want - 2)
			ens_buf_addc(&text, 'x');
		ens_buf_adds(&text, "\"}\n");
	}
	ens_buf_addc(&text, '{');
	for (i = 0; i <= ENS_FIELDS_MAX; i++)
		ens_buf_addf(&text, "%s\"f%u\":1", i ? "," : "", i);
	ens_buf_adds(&text, "}\n{\"a\":4}\n");
	write_file(text.data, text.len, ".ndjson");
	for (i = 0; i < 2; i++) {
		ens_buf_clear(&got);
		read_all(path, i ? ENS_INPUT_BLOCK_BYTES : 1000, &got);
		CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&got), "1! too_large: the line is longer than 1048576 bytes\n"
				       "2! too_large: the line is longer than 1048576 bytes\n"
				       "3! too_large: the line has more than 1,024 members\n4: a=4\n");
	}
	ens_buf_free(&text);
	ens_buf_free(&got);
	(void)unlink(path);
}

/* ---- CSV -------------------------------------------------------------------------------------------------------- */

static void csv_records_are_entries(void)
{
	expect("", ".csv", "");
	expect("a,b\n", ".csv", "");
	expect("a,b\n1,x\n2,\n", ".csv", "1: a='1' b='x'\n2: a='2' b=''\n");
	expect("a,b\r\n1,x\r\n\r\n2,y", ".csv", "1: a='1' b='x'\n2: a='2' b='y'\n");
	expect("a,b\r\n1,x\r", ".csv", "1: a='1' b='x'\n");
	expect("\xEF\xBB\xBF\"a\",\"b, c\"\n1,2\n", ".CSV", "1: a='1' b, c='2'\n");
	expect("a,b\n\"x\"\"y\",\"1\n2\r\n3\"\n,\n\"\",\"\"\n", ".csv",
	       "1: a='x\"y' b='1\n2\r\n3'\n2: a='' b=''\n3: a='' b=''\n");
	expect("a\n5\" disk\n \"x\"\n", ".csv", "1: a='5\" disk'\n2: a=' \"x\"'\n");
	expect("a,b\n1,\"x\"\r\n\"1\",2", ".csv", "1: a='1' b='x'\n2: a='1' b='2'\n");
}

static void bad_records_are_passed_over(void)
{
	expect("a,b\n1\n1,2,3\n1,2\n", ".csv",
	       "1! bad_entry: the record has 1 columns, the header has 2\n"
	       "2! bad_entry: the record has 3 columns, the header has 2\n3: a='1' b='2'\n");
	expect("a,b\n\"x\"y,2\n\"x\"\ry,2\n1,2\n", ".csv",
	       "1! bad_entry: text follows a closing quote\n2! bad_entry: text follows a closing quote\n3: a='1' "
	       "b='2'\n");
	expect("a,b\n1,2\n\"x,2\n1,2\n", ".csv", "1: a='1' b='2'\n2! bad_entry: a quote is opened and never closed\n");
	expect("a,b,a\n1,2,3\n", ".csv", "failed: the CSV file has two columns named \"a\"\n");
	expect("a,\"b\n", ".csv",
	       "failed: the header line of the CSV file is wrong: a quote is opened and never closed\n");
	expect("a,,\n1,2,3\n", ".csv", "1: a='1' ='2' ='3'\n");
}

/* A lost quote costs one record of 1 MiB, not the rest of the file. */
static void a_lost_quote_is_survived(void)
{
	struct ens_buf text = ENS_BUF_EMPTY, got = ENS_BUF_EMPTY;
	unsigned i;

	ens_buf_adds(&text, "a,b\n1,2\n\"lost,2\n");
	for (i = 0; i < 700000; i++)
		ens_buf_adds(&text, "3,4\n");
	for (i = 0; i < 2; i++) {
		write_file(text.data, text.len, ".csv");
		ens_buf_clear(&got);
		read_all(path, i ? ENS_INPUT_BLOCK_BYTES : 4099, &got);
		CU_ASSERT_PTR_NOT_NULL(
			strstr(ens_buf_cstr(&got), "\n2! too_large: the record is longer than 1048576 bytes"));
		CU_ASSERT_PTR_NOT_NULL(strstr(ens_buf_cstr(&got), "\n400000: a='3' b='4'\n"));
	}
	ens_buf_free(&text);
	ens_buf_free(&got);
	(void)unlink(path);
}

static void content_tells_the_format(void)
{
	expect("a,b\n1,2\n", "", "1: a='1' b='2'\n");
	expect("\n {\"a\":1}\n", ".log", "2: a=1\n");
	expect("[1]\n", "", "1! bad_entry: the line is not a JSON object\n");
	expect("", "", "");
	write_file("garbage\n{\"a\":1}\n", 16, "");
	{
		struct ens_buf b = ENS_BUF_EMPTY;

		read_all(path, 4096, &b);
		CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&b), "1! bad_entry: the line is not a JSON object\n2: a=1\n");
		ens_buf_free(&b);
	}
	(void)unlink(path);
}

static void what_cannot_be_read_is_said(void)
{
	struct ens_file_source *s;
	struct ens_error err;

	CU_ASSERT_EQUAL(ens_file_source_open("/nonexistent/x", 4096, NULL, &s, &err), ENS_EENV);
	CU_ASSERT_STRING_EQUAL(err.text, "cannot read /nonexistent/x: No such file or directory");
	CU_ASSERT_EQUAL(ens_file_source_open("/tmp", 4096, NULL, &s, &err), ENS_EENV);
	CU_ASSERT_STRING_EQUAL(err.text, "cannot read /tmp: Is a directory");
}

static void mutations_are_survived(void)
{
	static const char *const seed[] = {
		"{\"event\":\"Login\",\"time\":\"2026-01-05T08:00:00Z\",\"user\":\"a\\n\\u00e4\",\"n\":[1,{\"x\":null}]"
		",\"ok\":false}\n"
		"{\"event\":\"Login\",\"v\":-1.5e3,\"o\":{\"p\":[[],{}]}}\n{}\n",
		"a,b,c\r\n1,\"x, \"\"y\"\"\nz\",3\r\n\r\n,,\n\"\",\"a\",b\n",
	};
	static const char odd[] = "{}[]\",:\\\n\r0 -e.u\xff\xc3\0tn";
	unsigned round, i;

	srand(3);
	for (round = 0; round < 4000; round++) {
		const bool csv = round & 1;
		char text[256];
		size_t len = strlen(seed[csv]);
		struct ens_buf b = ENS_BUF_EMPTY;

		memcpy(text, seed[csv], len);
		for (i = 0; i < 1 + round % 4; i++) {
			const size_t at = (size_t)rand() % len;

			if (rand() % 4 == 0) {
				memmove(text + at, text + at + 1, len - at - 1);
				len--;
			} else {
				text[at] = odd[(size_t)rand() % (sizeof(odd) - 1)];
			}
		}
		write_file(text, len, csv ? ".csv" : ".ndjson");
		read_all(path, 1 + (size_t)rand() % 200, &b);
		CU_ASSERT_FALSE(b.failed);
		ens_buf_free(&b);
	}
	(void)unlink(path);
}

/* ---- runs ------------------------------------------------------------------------------------------------------- */

static struct hand hand;

/* Type A {user, n} with rule seen (each), rule silent (no A for 10 s); B {v} in another stream, without a rule. */
static void make_tables(int64_t lateness_us)
{
	const uint32_t streams[1] = {0};
	uint32_t g;

	hand_init(&hand);
	hand_type(&hand, "A", hand_stream(&hand, "a"));
	hand_field(&hand, "user", "user", ENS_STRING, false);
	hand_field(&hand, "n", "n", ENS_INT, true);
	hand.stream[0].lateness_us = lateness_us;
	hand_type(&hand, "B", hand_stream(&hand, "b"));
	hand_field(&hand, "v", "v", ENS_INT, true);
	g = hand_group(&hand, streams, 1);
	hand_rule(&hand, "seen", g, 0, ENS_NONE, 0);
	hand_rule(&hand, "silent", g, 0, 0, 10000000);
	(void)hand_done(&hand);
}

struct outcome {
	enum ens_status st;
	struct ens_error err;
	struct ens_file_counts counts;
	char out[8192], log[8192];
};

static void slurp(FILE *f, char *into, size_t size)
{
	size_t n;

	rewind(f);
	n = fread(into, 1, size - 1, f);
	into[n] = '\0';
	(void)fclose(f);
}

static void run(const char *const *input, size_t n, bool flush, struct outcome *o)
{
	FILE *out = tmpfile(), *log = tmpfile();
	const struct ens_file_options options = {.input = input,
						 .ninput = n,
						 .at_end_flush = flush,
						 .out_fd = fileno(out),
						 .log = log,
						 .counts = &o->counts};

	o->st = ens_run_files(&hand.t, &options, &o->err);
	slurp(out, o->out, sizeof(o->out));
	slurp(log, o->log, sizeof(o->log));
}

/* "seen 1;silent 3;": emission types and their first entries. */
static void expect_emissions(const struct outcome *o, const char *expected)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	const char *at = o->out;

	while ((at = strstr(at, "{\"_event\":\""))) {
		const char *events = strstr(at, "\"_events\":[");

		at += 11;
		ens_buf_add(&b, at, strcspn(at, "\""));
		ens_buf_addf(&b, " %d;", events ? atoi(events + 11) : -1);
	}
	if (strcmp(ens_buf_cstr(&b), expected) != 0) {
		printf("\n  expected: %s\n  got:      %s\n", expected, ens_buf_cstr(&b));
		CU_FAIL("other emissions were expected");
	}
	ens_buf_free(&b);
}

static void run_text(const char *text, bool flush, struct outcome *o)
{
	const char *input[1];

	input[0] = write_file(text, strlen(text), ".ndjson");
	run(input, 1, flush, o);
	(void)unlink(path);
}

static const char lines[] = "{\"event\":\"A\",\"time\":1,\"user\":\"ann\"}\n"
			    "{\"event\":\"B\",\"time\":2,\"v\":5}\n"
			    "{\"event\":\"A\",\"time\":3,\"user\":\"bob\"}\n"
			    "{\"event\":\"C\",\"time\":4}\n"
			    "{\"event\":\"A\",\"time\":20,\"user\":\"cid\"}\n";

static void a_run_prints_emissions(void)
{
	struct outcome o;

	make_tables(0);
	run_text(lines, false, &o);
	CU_ASSERT_EQUAL(o.st, ENS_OK);
	expect_emissions(&o, "seen 1;seen 3;silent 3;seen 5;");
	CU_ASSERT_STRING_EQUAL(o.log, "");
	CU_ASSERT(o.counts.entries == 5 && o.counts.events == 4 && o.counts.skipped == 1 && o.counts.emitted == 4);
	run_text(lines, true, &o);
	expect_emissions(&o, "seen 1;seen 3;silent 3;seen 5;silent 5;");
}

static void faults_are_reported_and_counted(void)
{
	struct ens_buf text = ENS_BUF_EMPTY;
	struct outcome o;
	unsigned i;

	make_tables(0);
	ens_buf_adds(&text, lines);
	ens_buf_adds(&text, "{\"event\":\"A\",\"time\":21,\"user\":\"x\",\"n\":\"abc\"}\n{oops}\n"
			    "{\"event\":\"A\",\"time\":19,\"user\":\"late\"}\n");
	for (i = 0; i < 30; i++)
		ens_buf_adds(&text, "{\"event\":\"A\",\"time\":22}\n");
	ens_buf_adds(&text, "{\"event\":\"A\",\"time\":23,\"user\":\"dan\"}\n");
	run_text(ens_buf_cstr(&text), false, &o);
	CU_ASSERT_EQUAL(o.st, ENS_OK);
	expect_emissions(&o, "seen 1;seen 3;silent 3;seen 5;seen 39;");
	CU_ASSERT_PTR_NOT_NULL(strstr(o.log, ".ndjson:6: bad_value: n: \"abc\" is not an int\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(o.log, ".ndjson:7: bad_entry: the line is not valid JSON\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(o.log, ".ndjson:8: late: "));
	CU_ASSERT_PTR_NOT_NULL(
		strstr(o.log, ":18: missing_field: user: the field is missing, but it is not optional (more"));
	CU_ASSERT_PTR_NULL(strstr(o.log, ":19: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(
		o.log,
		"ensue: 33 of 39 entries were rejected (missing_field 30, bad_value 1, bad_entry 1, late 1); 1 "));
	ens_buf_free(&text);
	run_text("{\"event\":\"X\"}\n", false, &o);
	CU_ASSERT_STRING_EQUAL(o.log, "ensue: none of the 1 entries is of a type that the rules declare\n");
}

static void inputs_are_merged_by_time(void)
{
	static const char a[] = "{\"event\":\"A\",\"time\":1,\"user\":\"a\"}\n"
				"{\"event\":\"A\",\"time\":5,\"user\":\"a\"}\n";
	static const char b[] = "\n\n{\"event\":\"A\",\"time\":1,\"user\":\"b\"}\n"
				"{\"event\":\"A\",\"time\":0,\"user\":\"late\"}\n"
				"{\"event\":\"A\",\"time\":4,\"user\":\"b\"}\n";
	static const char c[] = "event,time,user\nA,3,c\nA,6,c\n";
	static const char *const text[3] = {a, b, c};
	char name[3][64];
	const char *input[3];
	struct outcome o;
	size_t i;

	make_tables(0);
	for (i = 0; i < 3; i++) {
		char extension[16];

		(void)snprintf(extension, sizeof(extension), "-%d%s", (int)i, i == 2 ? ".csv" : ".ndjson");
		(void)snprintf(name[i], sizeof(name[i]), "%s", write_file(text[i], strlen(text[i]), extension));
		input[i] = name[i];
	}
	run(input, 3, false, &o);
	CU_ASSERT_EQUAL(o.st, ENS_OK);
	expect_emissions(&o, "seen 1;seen 3;seen 1;seen 5;seen 2;seen 2;");
	CU_ASSERT_PTR_NOT_NULL(strstr(o.log, "-1.ndjson:4: late: "));
	CU_ASSERT_EQUAL(o.counts.rejected[ENS_REJECT_LATE], 1);
	for (i = 0; i < 3; i++)
		(void)unlink(name[i]);
}

static void lateness_reorders_lines(void)
{
	struct outcome o;

	make_tables(2000000);
	run_text("{\"event\":\"A\",\"time\":5,\"user\":\"a\"}\n{\"event\":\"A\",\"time\":3,\"user\":\"b\"}\n"
		 "{\"event\":\"A\",\"time\":4,\"user\":\"c\"}\n{\"event\":\"A\",\"time\":2,\"user\":\"d\"}\n",
		 false, &o);
	expect_emissions(&o, "seen 2;seen 3;seen 1;");
	CU_ASSERT_EQUAL(o.counts.rejected[ENS_REJECT_LATE], 1);
}

static void a_line_without_a_time_has_that_of_the_one_before(void)
{
	struct outcome o;

	make_tables(0);
	run_text("{\"event\":\"A\",\"user\":\"a\"}\n{\"event\":\"A\",\"time\":3,\"user\":\"b\"}\n{\"event\":\"A\","
		 "\"user\":\"c\"}\n",
		 false, &o);
	expect_emissions(&o, "seen 1;seen 2;seen 3;");
	CU_ASSERT_PTR_NOT_NULL(strstr(o.out, "\"_end\":\"1970-01-01T00:00:00.000000Z\""));
	CU_ASSERT_PTR_NOT_NULL(strstr(strstr(o.out, "\"_events\":[2]"), "\"_end\":\"1970-01-01T00:00:03.000000Z\""));
}

static void a_reader_that_leaves_is_no_failure(void)
{
	struct ens_buf text = ENS_BUF_EMPTY;
	struct ens_error err;
	const char *input[1];
	int ends[2];
	unsigned i;

	make_tables(0);
	for (i = 0; i < 3000; i++)
		ens_buf_addf(&text, "{\"event\":\"A\",\"time\":%u,\"user\":\"ann\"}\n", i);
	input[0] = write_file(text.data, text.len, ".ndjson");
	CU_ASSERT_EQUAL_FATAL(pipe(ends), 0);
	(void)close(ends[0]);
	{
		const struct ens_file_options o = {.input = input, .ninput = 1, .out_fd = ends[1], .quiet = true};

		CU_ASSERT_EQUAL(ens_run_files(&hand.t, &o, &err), ENS_OK);
	}
	(void)close(ends[1]);
	ends[1] = open("/dev/full", O_WRONLY);
	if (ends[1] >= 0) {
		const struct ens_file_options o = {.input = input, .ninput = 1, .out_fd = ends[1], .quiet = true};

		CU_ASSERT_EQUAL(ens_run_files(&hand.t, &o, &err), ENS_EENV);
		CU_ASSERT_STRING_EQUAL(err.text, "cannot write the output: No space left on device");
		(void)close(ends[1]);
	}
	ens_buf_free(&text);
	(void)unlink(path);
}

static void a_stop_leaves_time_where_it_is(void)
{
	static const volatile sig_atomic_t stop = 1;
	struct ens_file_counts counts;
	struct ens_error err;
	const char *input[1];
	FILE *out = tmpfile();
	const struct ens_file_options o = {.input = input, .ninput = 1, .at_end_flush = true, .out_fd = fileno(out),
					   .stop = &stop, .counts = &counts};

	make_tables(0);
	input[0] = write_file(lines, strlen(lines), ".ndjson");
	CU_ASSERT_EQUAL(ens_run_files(&hand.t, &o, &err), ENS_OK);
	CU_ASSERT(counts.entries == 0 && counts.emitted == 0);
	(void)fclose(out);
	(void)unlink(path);
}

void suite_files(void)
{
	CU_pSuite s = CU_add_suite("files", NULL, NULL);

	CU_add_test(s, "JSON lines are entries", json_lines_are_entries);
	CU_add_test(s, "JSON numbers keep their kind", json_numbers_keep_their_kind);
	CU_add_test(s, "bad lines are passed over", bad_lines_are_passed_over);
	CU_add_test(s, "nesting has a bound", nesting_has_a_bound);
	CU_add_test(s, "large lines are passed over", large_lines_are_passed_over);
	CU_add_test(s, "CSV records are entries", csv_records_are_entries);
	CU_add_test(s, "bad CSV records are passed over", bad_records_are_passed_over);
	CU_add_test(s, "a lost quote is survived", a_lost_quote_is_survived);
	CU_add_test(s, "content tells the format", content_tells_the_format);
	CU_add_test(s, "what cannot be read is said", what_cannot_be_read_is_said);
	CU_add_test(s, "mutated files are survived", mutations_are_survived);
	CU_add_test(s, "a run prints emissions", a_run_prints_emissions);
	CU_add_test(s, "faults are reported and counted", faults_are_reported_and_counted);
	CU_add_test(s, "inputs are merged by time", inputs_are_merged_by_time);
	CU_add_test(s, "lateness reorders lines", lateness_reorders_lines);
	CU_add_test(s, "a line without a time has that of the one before",
		    a_line_without_a_time_has_that_of_the_one_before);
	CU_add_test(s, "a reader that leaves is no failure", a_reader_that_leaves_is_no_failure);
	CU_add_test(s, "a stop leaves time where it is", a_stop_leaves_time_where_it_is);
}
