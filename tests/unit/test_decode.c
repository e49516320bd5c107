/*
 * Entries to events: choice of the type, conversions by source, every reason to refuse, hostile entries.
 */
#include "runtime/decode.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "tests/unit/hand_tables.h"

void suite_decode(void);

static struct hand hand;
static struct ens_decoder *decoder;
static struct ens_batch batch;

static struct ens_raw_field text(const char *name, const char *value)
{
	return (struct ens_raw_field){.name = name, .name_len = (uint32_t)strlen(name), .s = value,
				      .len = (uint32_t)strlen(value), .kind = ENS_RAW_TEXT};
}

static struct ens_raw_field string(const char *name, const char *value)
{
	struct ens_raw_field f = text(name, value);

	f.kind = ENS_RAW_STRING;
	return f;
}

static struct ens_raw_field other(const char *name, const char *value)
{
	struct ens_raw_field f = text(name, value);

	f.kind = ENS_RAW_OTHER;
	return f;
}

static struct ens_raw_field number(const char *name, enum ens_raw_kind kind, int64_t i)
{
	return (struct ens_raw_field){.name = name, .name_len = (uint32_t)strlen(name), .kind = kind, .i = i};
}

static struct ens_raw_field fraction(const char *name, const char *s)
{
	return (struct ens_raw_field){.name = name, .name_len = (uint32_t)strlen(name), .kind = ENS_RAW_FLOAT, .s = s,
				      .len = (uint32_t)strlen(s), .f = strtod(s, NULL)};
}

/*
 * Stream 0: All (one field of each type; all optional but `user`).  Stream 1: Low and High, told apart by the raw field
 * `kind`; stream 2: Timed, with a time field.  Stream 3: Change and Note, each the JSON object in the field `payload`.
 * Stream 4: Sent, whose clock is corrected by `sent`.
 */
static void make_tables(void)
{
	uint32_t s;

	hand_init(&hand);
	s = hand_stream(&hand, "all");
	hand_type(&hand, "All", s);
	hand_field(&hand, "user", "user", ENS_STRING, false);
	hand_field(&hand, "n", "n", ENS_INT, true);
	hand_field(&hand, "x", "x", ENS_FLOAT, true);
	hand_field(&hand, "ok", "ok", ENS_BOOL, true);
	hand_field(&hand, "at", "at", ENS_TIME, true);
	hand_field(&hand, "took", "took", ENS_DURATION, true);
	hand_field(&hand, "ip", "source.ip", ENS_IP, true);
	s = hand_stream(&hand, "levels");
	hand_type(&hand, "Low", s);
	hand_field(&hand, "v", "v", ENS_INT, false);
	hand.type[1].nraw = 1;
	hand_where(&hand, hand_field(&hand, "kind", "kind", ENS_STRING, true), "low");
	hand_type(&hand, "High", s);
	hand_field(&hand, "v", "v", ENS_STRING, false);
	hand.type[2].nraw = 1;
	hand_where(&hand, hand_field(&hand, "kind", "kind", ENS_STRING, true), "high");
	s = hand_stream(&hand, "timed");
	hand_type(&hand, "Timed", s);
	hand.type[3].time_field = hand_field(&hand, "t", "t", ENS_TIME, false);
	hand_field(&hand, "event", "event", ENS_STRING, true);
	s = hand_stream(&hand, "cdc");
	hand_type(&hand, "Change", s);
	hand.type[4].json = hand_str(&hand, "payload");
	hand_field(&hand, "id", "after.id", ENS_INT, false);
	hand_source(&hand, "before.id");
	hand_field(&hand, "city", "after.address.city", ENS_STRING, true);
	hand_field(&hand, "op", "op", ENS_STRING, true);
	hand_field(&hand, "table", "source.table", ENS_STRING, true);
	hand_type(&hand, "Note", s);
	hand.type[5].json = hand.type[4].json;
	hand_field(&hand, "text", "text", ENS_STRING, false);
	s = hand_stream(&hand, "sent");
	hand_type(&hand, "Sent", s);
	hand.type[6].time_field = hand_field(&hand, "t", "t", ENS_TIME, false);
	hand.type[6].sent_field = hand_field(&hand, "sent", "sent", ENS_TIME, false);
	(void)hand_done(&hand);
}

static void open_decoder(const char *event_field)
{
	const struct ens_decoder_options o = {.event_field = event_field, .max_skew_us = 300000000};
	struct ens_error err;

	make_tables();
	CU_ASSERT_EQUAL_FATAL(ens_decoder_open(&hand.t, &o, &decoder, &err), ENS_OK);
	ens_batch_init(&batch);
}

static void close_decoder(void)
{
	ens_decoder_close(decoder);
	ens_batch_free(&batch);
}

static void decode(uint32_t stream, bool from_file, const struct ens_raw_field *field, uint32_t n)
{
	const struct ens_entry e = {.id = {.ms = 1000, .seq = 1, .stream = stream}, .field = field, .nfield = n,
				    .time_us = 1000000, .from_file = from_file};

	ens_batch_reset(&batch);
	CU_ASSERT_EQUAL(ens_decode(decoder, &e, &batch), ENS_OK);
	CU_ASSERT_EQUAL(batch.entries, 1);
	CU_ASSERT_EQUAL(batch.nevent + batch.nreject + batch.skipped, 1);
}

#define DECODE(stream, from_file, ...) \
	decode(stream, from_file, (const struct ens_raw_field[]){__VA_ARGS__}, \
	       (uint32_t)(sizeof((const struct ens_raw_field[]){__VA_ARGS__}) / sizeof(struct ens_raw_field)))

static void expect_reject(enum ens_reject_reason reason, const char *field, const char *detail)
{
	CU_ASSERT_EQUAL_FATAL(batch.nreject, 1);
	CU_ASSERT_EQUAL(batch.reject[0].reason, reason);
	if (field) {
		CU_ASSERT_PTR_NOT_NULL_FATAL(batch.reject[0].field);
		CU_ASSERT_STRING_EQUAL(batch.reject[0].field, field);
	} else {
		CU_ASSERT_PTR_NULL(batch.reject[0].field);
	}
	if (!strstr(batch.reject[0].detail, detail)) {
		printf("\n  detail: %s\n", batch.reject[0].detail);
		CU_FAIL("another detail was expected");
	}
}

static const struct ens_value *taken(uint32_t type)
{
	CU_ASSERT_EQUAL_FATAL(batch.nevent, 1);
	CU_ASSERT_EQUAL(batch.event[0].type, type);
	return batch.event[0].value;
}

static void text_is_read_by_type(void)
{
	const struct ens_value *v;

	open_decoder(NULL);
	DECODE(0, false, text("ip", "unread"), text("user", "ann"), text("n", "-12"), text("x", "2.5"),
	       text("ok", "Yes"), text("at", "1970-01-01T00:00:01Z"), text("took", "1m30s"),
	       text("source.ip", "10.0.0.1"));
	v = taken(0);
	CU_ASSERT(v[0].len == 3 && memcmp(v[0].s, "ann", 3) == 0);
	CU_ASSERT_EQUAL(v[1].i, -12);
	CU_ASSERT_EQUAL(v[2].f, 2.5);
	CU_ASSERT_EQUAL(v[3].i, 1);
	CU_ASSERT_EQUAL(v[4].i, 1000000);
	CU_ASSERT_EQUAL(v[5].i, 90000000);
	CU_ASSERT(v[6].len == 16 && v[6].s[12] == 10 && v[6].s[15] == 1);
	CU_ASSERT_EQUAL(batch.event[0].time_us, 1000000);
	DECODE(0, false, text("user", ""), text("n", ""), text("x", ""));
	v = taken(0);
	CU_ASSERT(v[0].null == ENS_SET && v[0].len == 0);
	CU_ASSERT(v[1].null == ENS_NULL && v[2].null == ENS_NULL && v[3].null == ENS_NULL);
	close_decoder();
}

static void json_is_read_by_kind(void)
{
	const struct ens_value *v;

	open_decoder(NULL);
	DECODE(0, true, string("event", "All"), string("user", "ann"), number("n", ENS_RAW_INT, 7),
	       number("x", ENS_RAW_INT, 3), number("ok", ENS_RAW_BOOL, 1), number("at", ENS_RAW_INT, 1700000000),
	       fraction("took", "0.5"), string("source.ip", "::1"));
	v = taken(0);
	CU_ASSERT_EQUAL(v[1].i, 7);
	CU_ASSERT_EQUAL(v[2].f, 3.0);
	CU_ASSERT_EQUAL(v[3].i, 1);
	CU_ASSERT_EQUAL(v[4].i, 1700000000000000);
	CU_ASSERT_EQUAL(v[5].i, 500000);
	DECODE(0, true, string("event", "All"), string("user", "ann"), number("n", ENS_RAW_NULL, 0), fraction("x", "1.5"),
	       other("x2", "[1]"), string("took", "90s"), string("at", "1970-01-01T00:00:01Z"));
	v = taken(0);
	CU_ASSERT_EQUAL(v[1].null, ENS_NULL);
	CU_ASSERT_EQUAL(v[4].i, 1000000);
	CU_ASSERT_EQUAL(v[5].i, 90000000);
	DECODE(0, true, string("event", "All"), string("user", "a"), other("x", "123456789012345678901"));
	CU_ASSERT_DOUBLE_EQUAL(taken(0)[2].f, 123456789012345678901.0, 1e6);
	close_decoder();
}

/* What a text source says with the same digits. */
static void fractions_of_a_microsecond_are_cut_in_json_too(void)
{
	static const char *const digits[] = {"1767600000.1234567", "1767600000.9999999", "1.7676e9", "1767600000123.4569", "0.0000019"};

	open_decoder(NULL);
	for (size_t i = 0; i < sizeof(digits) / sizeof(digits[0]); i++) {
		const struct ens_value *v;
		int64_t at_us, took_us;

		DECODE(0, true, string("event", "All"), string("user", "a"), fraction("at", digits[i]), fraction("took", digits[i]));
		v = taken(0);
		at_us = v[4].i;
		took_us = v[5].i;
		DECODE(0, true, text("event", "All"), text("user", "a"), text("at", digits[i]), text("took", digits[i]));
		v = taken(0);
		CU_ASSERT_EQUAL(at_us, v[4].i);
		CU_ASSERT_EQUAL(took_us, v[5].i);
	}
	DECODE(0, true, string("event", "All"), string("user", "a"), fraction("at", "1767600000.9999999"));
	CU_ASSERT_EQUAL(taken(0)[4].i, INT64_C(1767600000999999));
	close_decoder();
}

static void wrong_json_kinds_are_refused(void)
{
	static const struct {
		const char *field;
		struct ens_raw_field raw;
	} bad[] = {
		{"user", {.name = "user", .name_len = 4, .kind = ENS_RAW_INT, .i = 5}},
		{"n", {.name = "n", .name_len = 1, .kind = ENS_RAW_FLOAT, .f = 5}},
		{"n", {.name = "n", .name_len = 1, .kind = ENS_RAW_STRING, .s = "5", .len = 1}},
		{"n", {.name = "n", .name_len = 1, .kind = ENS_RAW_OTHER, .s = "99999999999999999999", .len = 20}},
		{"x", {.name = "x", .name_len = 1, .kind = ENS_RAW_STRING, .s = "5", .len = 1}},
		{"x", {.name = "x", .name_len = 1, .kind = ENS_RAW_OTHER, .s = "[5]", .len = 3}},
		{"ok", {.name = "ok", .name_len = 2, .kind = ENS_RAW_STRING, .s = "true", .len = 4}},
		{"ok", {.name = "ok", .name_len = 2, .kind = ENS_RAW_INT, .i = 1}},
		{"at", {.name = "at", .name_len = 2, .kind = ENS_RAW_STRING, .s = "1700000000", .len = 10}},
		{"at", {.name = "at", .name_len = 2, .kind = ENS_RAW_BOOL, .i = 1}},
		{"took", {.name = "took", .name_len = 4, .kind = ENS_RAW_STRING, .s = "90", .len = 2}},
		{"took", {.name = "took", .name_len = 4, .kind = ENS_RAW_INT, .i = INT64_MAX}},
		{"ip", {.name = "source.ip", .name_len = 9, .kind = ENS_RAW_STRING, .s = "10.0.0.256", .len = 10}},
	};
	size_t i;

	open_decoder(NULL);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		DECODE(0, true, string("event", "All"), bad[i].raw);
		if (batch.nreject == 1 && batch.reject[0].reason == ENS_REJECT_MISSING_FIELD) {
			/* `user` is missing first, by order of declaration; with it the bad field shows. */
			DECODE(0, true, string("event", "All"), string("user", "ann"), bad[i].raw);
		}
		expect_reject(ENS_REJECT_BAD_VALUE, bad[i].field, " is not a");
	}
	close_decoder();
}

static void each_fault_has_its_reason(void)
{
	open_decoder(NULL);
	DECODE(0, false, text("n", "1"));
	expect_reject(ENS_REJECT_MISSING_FIELD, "user", "missing");
	DECODE(0, true, string("event", "All"), number("user", ENS_RAW_NULL, 0));
	expect_reject(ENS_REJECT_MISSING_FIELD, "user", "null");
	DECODE(0, false, text("user", "u"), text("n", "abc"));
	expect_reject(ENS_REJECT_BAD_VALUE, "n", "\"abc\" is not an int");
	DECODE(0, false, text("user", "u"), text("source.ip", "1.2.3"));
	expect_reject(ENS_REJECT_BAD_VALUE, "ip", "it is read from \"source.ip\"");
	DECODE(0, false, text("user", "u"), text("n", "1"), text("n", "1"));
	expect_reject(ENS_REJECT_DUPLICATE_FIELD, "n", "more than once");
	DECODE(0, false, text("user", "u\xff"));
	expect_reject(ENS_REJECT_NOT_UTF8, "user", "UTF-8");
	DECODE(0, false, text("user", "u"), text("n", "\x1b[1m\n"));
	expect_reject(ENS_REJECT_BAD_VALUE, "n", "\\x1B[1m\\n");
	DECODE(2, false, text("t", "1970-01-01T00:10:00Z"));
	expect_reject(ENS_REJECT_FUTURE, "t", "--max-skew");
	DECODE(2, false, text("t", "1970-01-01T00:05:00Z"));
	CU_ASSERT_EQUAL(taken(3)[0].i, 300000000);
	CU_ASSERT_EQUAL(batch.event[0].time_us, 300000000);
	close_decoder();
}

/* The time of what was decoded last, which is one event. */
static int64_t time_of_event(void)
{
	CU_ASSERT_EQUAL_FATAL(batch.nevent, 1);
	return batch.event[0].time_us;
}

/* What can be read as a time, but is none an event can have; and what can't be read. */
static void times_have_bounds(void)
{
	static const char *const outside[] = {"-1", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00+00:01",
					      "9999-12-31T23:59:60Z", "9999-12-31T23:59:59-00:01"},
				 *const none[] = {"nan", "NaN", "inf", "-Infinity", "1e999", "0x10", "2026-02-30T00:00:00Z",
						  "2026-01-05T08:00:00", "2026-01-05T08:00:00+0100", "2026-01-05T08:00:00+24:00",
						  "2026-01-05T08:00:00+01:60", "2026-01-05T08:00:00 CET", "2026-01-05T08:00:60Z"};

	open_decoder(NULL);
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++) {
		DECODE(2, false, text("t", outside[i]));
		expect_reject(ENS_REJECT_BAD_TIME, "t", "before 1970 or after 9999");
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		DECODE(2, true, string("event", "Timed"), string("t", none[i]));
		expect_reject(ENS_REJECT_BAD_VALUE, "t", "is not a time");
	}
	DECODE(2, false, text("t", ""));
	expect_reject(ENS_REJECT_MISSING_FIELD, "t", "null");
	DECODE(2, true, string("event", "Timed"), string("t", "9999-12-31T23:59:59.999999Z"));
	CU_ASSERT_EQUAL(time_of_event(), INT64_C(253402300799999999));
	DECODE(2, true, string("event", "Timed"), string("t", "1970-01-01T00:00:00Z"));
	CU_ASSERT_EQUAL(time_of_event(), 0);
	DECODE(2, true, string("event", "Timed"), string("t", "2016-12-31T23:59:60.5Z"));
	CU_ASSERT_EQUAL(time_of_event(), INT64_C(1483228800500000));
	DECODE(2, true, string("event", "Timed"), string("t", "2026-01-05T12:00:00-23:59"));
	CU_ASSERT_EQUAL(time_of_event(), INT64_C(1767700740000000));
	close_decoder();
}

static void decode_at(int64_t entry_us, bool from_file, const char *t, const char *sent)
{
	const struct ens_raw_field f[3] = {text("t", t), text("sent", sent), text("event", "Sent")};
	const struct ens_entry e = {.id = {.ms = 1, .stream = 4}, .time_us = entry_us, .field = f, .nfield = 3,
				    .from_file = from_file};

	ens_batch_reset(&batch);
	CU_ASSERT_EQUAL(ens_decode(decoder, &e, &batch), ENS_OK);
}

/* Received at 1,000,000 s. */
static void a_wrong_clock_is_put_right(void)
{
	const int64_t received = INT64_C(1000000000000);

	open_decoder(NULL);
	decode_at(received, false, "400", "410"); /* a clock of long ago: 10 s before it was received */
	CU_ASSERT_EQUAL(time_of_event(), received - 10000000);
	CU_ASSERT_EQUAL(batch.event[0].value[0].i, 400000000); /* the field stays as it was */
	decode_at(received, false, "99999000000", "99999000010"); /* one that is ahead by 3,000 years is no `future` one */
	CU_ASSERT_EQUAL(time_of_event(), received - 10000000);
	decode_at(received, false, "2000", "1000");
	expect_reject(ENS_REJECT_FUTURE, "t", "--max-skew");
	decode_at(received, false, "0", "1000001");
	expect_reject(ENS_REJECT_BAD_TIME, "t", "put right");
	decode_at(INT64_MAX, false, "1", "0");
	expect_reject(ENS_REJECT_BAD_TIME, "t", "put right");
	decode_at(received, true, "400", "410"); /* a file has no time of receipt */
	CU_ASSERT_EQUAL(time_of_event(), 400000000);
	close_decoder();
}

static void the_entrys_fields_are_kept_and_cut(void)
{
	char *big = malloc(5001);
	const struct ens_reject *r;

	open_decoder(NULL);
	memset(big, 'b', 5000);
	big[5000] = '\0';
	DECODE(0, false, text("n", "zzz"), text("user", "u"), text("extra", big));
	memset(big, 'c', 5000);
	r = &batch.reject[0];
	CU_ASSERT_EQUAL_FATAL(r->nraw, 3);
	CU_ASSERT(r->raw[0].len == 3 && memcmp(r->raw[0].s, "zzz", 3) == 0);
	CU_ASSERT(r->raw[2].len == 1024 && r->raw[2].s[1023] == 'b');
	CU_ASSERT(r->cut);
	CU_ASSERT_EQUAL(r->id.ms, 1000);
	close_decoder();
	free(big);
}

static void limits_are_kept(void)
{
	static struct ens_raw_field many[ENS_FIELDS_MAX + 1];
	char (*name)[8] = calloc(ENS_FIELDS_MAX + 1, sizeof(*name));
	char *big = calloc(1, ENS_VALUE_MAX_BYTES + 2);
	uint32_t i;

	open_decoder(NULL);
	memset(big, 'x', ENS_VALUE_MAX_BYTES + 1);
	for (i = 0; i <= ENS_FIELDS_MAX; i++) {
		(void)snprintf(name[i], sizeof(name[i]), "f%u", (unsigned)i);
		many[i] = text(name[i], "v");
	}
	many[ENS_FIELDS_MAX - 1] = text("user", "last");
	decode(0, false, many, ENS_FIELDS_MAX);
	CU_ASSERT_EQUAL(taken(0)[0].len, 4);
	decode(0, false, many, ENS_FIELDS_MAX + 1);
	expect_reject(ENS_REJECT_TOO_LARGE, NULL, "more than the 1024 fields");
	DECODE(0, false, text("user", big));
	expect_reject(ENS_REJECT_TOO_LARGE, "user", "65537 bytes");
	DECODE(0, false, text("user", big + 1));
	CU_ASSERT_EQUAL(taken(0)[0].len, ENS_VALUE_MAX_BYTES);
	for (i = 0; i < 17; i++)
		many[i].s = big + 1, many[i].len = ENS_VALUE_MAX_BYTES;
	decode(0, false, many, ENS_FIELDS_MAX);
	expect_reject(ENS_REJECT_TOO_LARGE, NULL, "1048576 bytes");
	close_decoder();
	free(big);
	free(name);
}

static void where_and_the_event_member_choose_the_type(void)
{
	open_decoder(NULL);
	DECODE(1, false, text("v", "5"), text("kind", "low"));
	CU_ASSERT_EQUAL(taken(1)[0].i, 5);
	DECODE(1, false, text("v", "abc"), text("kind", "high"));
	CU_ASSERT_EQUAL(taken(2)[0].len, 3);
	DECODE(1, false, text("v", "abc"), text("kind", "low"));
	expect_reject(ENS_REJECT_BAD_VALUE, "v", "\"abc\" is not an int");
	DECODE(1, false, text("v", "5"), text("kind", "middle"));
	CU_ASSERT_EQUAL(batch.skipped, 1);
	DECODE(1, false, text("v", "5"));
	CU_ASSERT_EQUAL(batch.skipped, 1);
	DECODE(1, false, text("v", "5"), text("kind", "low"), text("event", "High"));
	CU_ASSERT_EQUAL(batch.skipped, 1);
	DECODE(1, false, text("v", "5"), text("kind", "high"), text("event", "High"));
	CU_ASSERT_EQUAL(taken(2)[0].len, 1);
	DECODE(1, false, text("user", "u"), text("event", "All"));
	CU_ASSERT_EQUAL(batch.skipped, 1);
	DECODE(1, false, text("event", "Low"), text("event", "High"), text("v", "5"), text("kind", "low"));
	expect_reject(ENS_REJECT_DUPLICATE_FIELD, "event", "more than once");
	/* A type that declares the field has both. */
	DECODE(2, false, text("event", "Timed"), text("t", "1"));
	CU_ASSERT_EQUAL(taken(3)[1].len, 5);
	close_decoder();
}

static void an_undecided_where_is_a_reject(void)
{
	open_decoder(NULL);
	/* The condition looks at `kind`, which cannot be read. */
	DECODE(1, false, text("v", "5"), text("kind", "\xff"));
	expect_reject(ENS_REJECT_NOT_UTF8, "kind", "UTF-8");
	DECODE(1, true, string("event", "Low"), number("v", ENS_RAW_INT, 5), number("kind", ENS_RAW_INT, 3));
	CU_ASSERT_EQUAL(batch.skipped, 1);
	close_decoder();
}

static void files_name_the_type(void)
{
	open_decoder(NULL);
	DECODE(0, true, string("_event", "All"), string("user", "ann"));
	taken(0);
	DECODE(0, true, string("_event", "Timed"), string("event", "All"), string("user", "ann"));
	taken(0);
	DECODE(0, true, string("event", "Other"), string("user", "ann"));
	CU_ASSERT_EQUAL(batch.skipped, 1);
	DECODE(0, true, string("kind", "low"), number("v", ENS_RAW_INT, 5));
	CU_ASSERT_EQUAL(batch.event[0].id.stream, 1);
	taken(1);
	DECODE(0, true, string("user", "ann"));
	expect_reject(ENS_REJECT_BAD_ENTRY, NULL, "no member \"event\"");
	close_decoder();
	open_decoder("what");
	DECODE(0, true, string("event", "Timed"), string("what", "All"), string("user", "ann"));
	taken(0);
	close_decoder();
}

static void times_of_lines(void)
{
	open_decoder(NULL);
	DECODE(0, true, string("event", "All"), string("user", "a"), string("time", "1970-01-01T00:00:09Z"));
	taken(0);
	CU_ASSERT_EQUAL(batch.event[0].time_us, 9000000);
	DECODE(0, true, string("event", "All"), string("user", "a"), number("time", ENS_RAW_INT, 9));
	taken(0);
	CU_ASSERT_EQUAL(batch.event[0].time_us, 9000000);
	DECODE(0, true, string("event", "All"), string("user", "a"));
	taken(0);
	CU_ASSERT_EQUAL(batch.event[0].time_us, 1000000);
	DECODE(0, true, string("event", "All"), string("user", "a"), string("time", "noon"));
	expect_reject(ENS_REJECT_BAD_VALUE, "time", "not a time");
	/* Redis entries have their ID's time, whatever their members. */
	DECODE(0, false, text("user", "a"), text("time", "noon"));
	taken(0);
	CU_ASSERT_EQUAL(batch.event[0].time_us, 1000000);
	close_decoder();
}

/* Fields at other places, missing, more and less: always the same event. */
static void places_may_change(void)
{
	struct ens_raw_field f[12];
	unsigned round, i, k;

	open_decoder(NULL);
	srand(7);
	for (round = 0; round < 2000; round++) {
		uint32_t n = 0;

		f[n++] = text("user", "ann");
		f[n++] = text("n", "42");
		for (i = 0; i < round % 9; i++)
			f[n++] = text(i & 1 ? "a field with a long name that nothing reads" : "extra", "?");
		for (i = n - 1; i > 0; i--) {
			struct ens_raw_field swap = f[i];

			k = (unsigned)rand() % (i + 1);
			f[i] = f[k];
			f[k] = swap;
		}
		decode(0, false, f, n);
		CU_ASSERT_FATAL(batch.nevent == 1 && batch.event[0].value[1].i == 42 &&
				batch.event[0].value[0].len == 3);
	}
	close_decoder();
}

/* Values live in the batch, not where they were read from; many events make it grow. */
static void events_own_their_bytes(void)
{
	char buffer[32];
	struct ens_entry e = {.id = {.ms = 1}, .nfield = 1};
	uint32_t i;

	open_decoder(NULL);
	for (i = 0; i < 1000; i++) {
		struct ens_raw_field f;

		(void)snprintf(buffer, sizeof(buffer), "user%u", (unsigned)i);
		f = text("user", buffer);
		e.field = &f;
		CU_ASSERT_EQUAL(ens_decode(decoder, &e, &batch), ENS_OK);
	}
	memset(buffer, 0, sizeof(buffer));
	CU_ASSERT_EQUAL_FATAL(batch.nevent, 1000);
	CU_ASSERT(batch.event[999].value[0].len == 7 && memcmp(batch.event[999].value[0].s, "user999", 7) == 0);
	CU_ASSERT(memcmp(batch.event[0].value[0].s, "user0", 5) == 0);
	close_decoder();
}

/* ---- JSON inside entries ---------------------------------------------------------------------------------------- */

static bool is_text(const struct ens_value *v, const char *want)
{
	return v->null == ENS_SET && v->len == strlen(want) && memcmp(v->s, want, v->len) == 0;
}

static void json_in_a_field_is_the_event(void)
{
	const struct ens_value *v;

	open_decoder(NULL);
	DECODE(3, false, text("id", "9"), text("op", "outside"),
	       text("payload", " {\"after\": {\"id\": 7, \"address\": {\"city\": \"D\\u00fcren\"}}, \"op\":\"c\"} "));
	v = taken(4);
	CU_ASSERT_EQUAL(v[0].i, 7);
	CU_ASSERT(is_text(&v[1], "D\xc3\xbcren"));
	CU_ASSERT(is_text(&v[2], "c"));
	CU_ASSERT_EQUAL(v[3].null, ENS_NULL);
	/* In a file the field may hold the object itself, or its text. */
	DECODE(0, true, string("event", "Change"), other("payload", "{\"after\":{\"id\":8}}"));
	CU_ASSERT_EQUAL(taken(4)[0].i, 8);
	DECODE(0, true, string("event", "Change"), string("payload", "{\"after\":{\"id\":9}}"));
	CU_ASSERT_EQUAL(taken(4)[0].i, 9);
	close_decoder();
}

static void the_first_that_is_there_is_read(void)
{
	open_decoder(NULL);
	DECODE(3, false, text("payload", "{\"before\":{\"id\":1},\"after\":{\"id\":2}}"));
	CU_ASSERT_EQUAL(taken(4)[0].i, 2);
	DECODE(3, false, text("payload", "{\"before\":{\"id\":1},\"after\":null}"));
	CU_ASSERT_EQUAL(taken(4)[0].i, 1);
	DECODE(3, false, text("payload", "{\"before\":{\"id\":1},\"after\":{\"id\":null}}"));
	CU_ASSERT_EQUAL(taken(4)[0].i, 1);
	DECODE(3, false, text("payload", "{\"before\":{\"id\":1},\"after\":[{\"id\":3}]}"));
	CU_ASSERT_EQUAL(taken(4)[0].i, 1);
	DECODE(3, false, text("payload", "{\"before\":{\"id\":1},\"after\":{\"id\":\"2\"}}"));
	expect_reject(ENS_REJECT_BAD_VALUE, "id", "\"2\" is not an int (it is read from \"after.id\" or \"before.id\" of the object in \"payload\")");
	DECODE(3, false, text("payload", "{\"before\":{},\"after\":3}"));
	expect_reject(ENS_REJECT_MISSING_FIELD, "id", "the field is missing");
	close_decoder();
}

static void a_name_with_dots_is_a_name_first(void)
{
	const struct ens_value *v;

	open_decoder(NULL);
	DECODE(3, false, text("payload", "{\"source\":{\"table\":\"inner\"},\"source.table\":\"outer\",\"after.id\":5}"));
	v = taken(4);
	CU_ASSERT_EQUAL(v[0].i, 5);
	CU_ASSERT(is_text(&v[3], "outer"));
	DECODE(0, true, string("event", "All"), string("user", "u"), other("source", "{\"ip\":\"10.0.0.9\"}"));
	v = taken(0);
	CU_ASSERT(v[6].len == 16 && v[6].s[15] == 9);
	DECODE(0, true, string("event", "All"), string("user", "u"), other("source", "{\"ip\":\"10.0.0.9\"}"),
	       string("source.ip", "10.0.0.8"));
	CU_ASSERT_EQUAL(taken(0)[6].s[15], 8);
	/* Without `json` a text is a text. */
	DECODE(0, false, text("user", "u"), text("source", "{\"ip\":\"10.0.0.9\"}"));
	CU_ASSERT_EQUAL(taken(0)[6].null, ENS_NULL);
	close_decoder();
}

static void the_object_names_its_type(void)
{
	open_decoder(NULL);
	DECODE(3, false, text("payload", "{\"event\":\"Note\",\"text\":\"hello\"}"));
	CU_ASSERT(is_text(&taken(5)[0], "hello"));
	DECODE(3, false, text("payload", "{\"event\":\"Change\",\"after\":{\"id\":1}}"));
	taken(4);
	DECODE(3, false, text("payload", "{\"event\":\"Low\",\"text\":\"hello\"}"));
	CU_ASSERT_EQUAL(batch.skipped, 1);
	DECODE(0, true, other("payload", "{\"event\":\"Note\",\"text\":\"hello\"}"));
	taken(5);
	/* The entry's own name counts more. */
	DECODE(3, false, text("event", "Note"), text("payload", "{\"event\":\"Change\",\"text\":\"hello\"}"));
	taken(5);
	close_decoder();
}

static void bad_json_in_a_field(void)
{
	static const struct {
		const char *text;
		enum ens_reject_reason reason;
		const char *field, *detail;
	} bad[] = {
		{"{\"after\":{\"id\":1}", ENS_REJECT_BAD_ENTRY, "payload", "the text is not valid JSON"},
		{"nonsense", ENS_REJECT_BAD_ENTRY, "payload", "the text is not"},
		{"[1]", ENS_REJECT_BAD_ENTRY, "payload", "the text is not a JSON object"},
		{"{} {}", ENS_REJECT_BAD_ENTRY, "payload", "the text has something behind its object"},
		{"{\"op\":\"\xff\"}", ENS_REJECT_NOT_UTF8, "payload", "the text is not UTF-8"},
		{"", ENS_REJECT_MISSING_FIELD, "payload", "the field is missing or null, and the event is the JSON object in it"},
		{"{\"after\":{\"id\":1,\"id\":2}}", ENS_REJECT_DUPLICATE_FIELD, "id", "more than once"},
		{"{\"after\":{\"id\":1},\"after\":{}}", ENS_REJECT_DUPLICATE_FIELD, "id", "more than once"},
		{"{\"after\":{\"id\":1,\"x\":\"\\ud800\"}}", ENS_REJECT_BAD_ENTRY, "id",
		 "what it is read from has a string with a bad escape"},
		{"{\"after\":{\"id\":1.5}}", ENS_REJECT_BAD_VALUE, "id", "1.5 is not an int"},
	};

	open_decoder(NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		DECODE(3, false, text("payload", bad[i].text));
		expect_reject(bad[i].reason, bad[i].field, bad[i].detail);
	}
	DECODE(3, false, text("other", "1"));
	expect_reject(ENS_REJECT_MISSING_FIELD, "payload", "missing");
	DECODE(3, false, text("payload", "{\"after\":{\"id\":1}}"), text("payload", "{}"));
	expect_reject(ENS_REJECT_DUPLICATE_FIELD, "payload", "more than once");
	DECODE(0, true, string("event", "Change"), number("payload", ENS_RAW_INT, 3));
	expect_reject(ENS_REJECT_BAD_ENTRY, "payload", "the text is not a JSON object");
	close_decoder();
}

/* `{"after":{"id":1},"op":"xxx...","deep":[[[...]]]}` of a given size. */
static void limits_of_json(void)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	struct ens_raw_field f;

	open_decoder(NULL);
	for (uint32_t size = ENS_VALUE_MAX_BYTES; size <= ENS_VALUE_MAX_BYTES + 1; size++) {
		ens_buf_clear(&b);
		ens_buf_adds(&b, "{\"after\":{\"id\":1},\"unread\":\"");
		for (uint32_t i = 0; i < 3 * ENS_VALUE_MAX_BYTES; i++)
			ens_buf_addc(&b, 'u');
		ens_buf_adds(&b, "\",\"op\":\"");
		for (uint32_t i = 0; i < size; i++)
			ens_buf_addc(&b, 'x');
		ens_buf_adds(&b, "\"}");
		f = text("payload", ens_buf_cstr(&b));
		decode(3, false, &f, 1);
		if (size == ENS_VALUE_MAX_BYTES)
			CU_ASSERT_EQUAL(taken(4)[2].len, ENS_VALUE_MAX_BYTES)
		else
			expect_reject(ENS_REJECT_TOO_LARGE, "op", "has more than 65536 bytes");
	}
	f = text("user", ens_buf_cstr(&b)); /* no object to anyone */
	decode(0, false, &f, 1);
	expect_reject(ENS_REJECT_TOO_LARGE, "user", "65536 are allowed");
	for (uint32_t depth = ENS_JSON_DEPTH_MAX - 1; depth <= ENS_JSON_DEPTH_MAX; depth++) {
		ens_buf_clear(&b);
		ens_buf_adds(&b, "{\"after\":{\"id\":1},\"deep\":");
		for (uint32_t i = 0; i < depth; i++)
			ens_buf_addc(&b, '[');
		for (uint32_t i = 0; i < depth; i++)
			ens_buf_addc(&b, ']');
		ens_buf_addc(&b, '}');
		f = text("payload", ens_buf_cstr(&b));
		decode(3, false, &f, 1);
		if (depth < ENS_JSON_DEPTH_MAX)
			taken(4);
		else
			expect_reject(ENS_REJECT_TOO_LARGE, "payload", "the text has members nested deeper than 64 levels");
	}
	ens_buf_free(&b);
	close_decoder();
}

static void random_entries_end_somehow(void)
{
	static const char *const names[] = {"user",   "n",    "x", "ok", "at",   "took", "source.ip", "event",
					    "_event", "kind", "v", "t",  "time", "",     "other", "payload", "source"};
	static const char *const values[] = {"",         "1",        "-1.5e300",
					     "true",     "All",      "Low",
					     "High",     "Timed",    "low",
					     "high",     "\xc3\x28", "2026-01-05T08:00:00Z",
					     "10.0.0.1", "1h",       "99999999999999999999",
					     "{\"after\":{\"id\":1,\"address\":{\"city\":\"x\"}}}",
					     "{\"ip\":\"::1\"}", "{\"event\":\"Note\",\"text\":\"\\n\"}"};
	static const char *const floats[] = {"0.5", "-1.5e300", "1e-400", "1767600000.1234567", "99999999999999999999.0"};
	unsigned round, i;

	open_decoder(NULL);
	srand(11);
	for (round = 0; round < 20000; round++) {
		struct ens_raw_field f[8];
		uint32_t n = (uint32_t)rand() % 9;

		for (i = 0; i < n; i++) {
			f[i] = text(names[(size_t)rand() % 17], values[(size_t)rand() % 18]);
			f[i].kind = (enum ens_raw_kind)(rand() % 7);
			if (f[i].kind == ENS_RAW_FLOAT) {
				f[i] = fraction(f[i].name, floats[(size_t)rand() % 5]);
			} else if (f[i].kind >= ENS_RAW_INT && f[i].kind <= ENS_RAW_NULL) {
				f[i].s = NULL;
				f[i].len = 0;
				f[i].i = f[i].kind == ENS_RAW_BOOL ? rand() & 1 : rand();
			}
		}
		decode((uint32_t)rand() % 4, rand() & 1, f, n);
	}
	close_decoder();
}

void suite_decode(void)
{
	CU_pSuite s = CU_add_suite("decode", NULL, NULL);

	CU_add_test(s, "text is read by the type of its field", text_is_read_by_type);
	CU_add_test(s, "JSON scalars are read by kind and type", json_is_read_by_kind);
	CU_add_test(s, "fractions of a microsecond are cut in JSON, too", fractions_of_a_microsecond_are_cut_in_json_too);
	CU_add_test(s, "JSON of another kind is refused", wrong_json_kinds_are_refused);
	CU_add_test(s, "each fault has its reason", each_fault_has_its_reason);
	CU_add_test(s, "the entry's fields are kept, values cut", the_entrys_fields_are_kept_and_cut);
	CU_add_test(s, "limits are kept", limits_are_kept);
	CU_add_test(s, "where and the event member choose the type", where_and_the_event_member_choose_the_type);
	CU_add_test(s, "a where that cannot be judged is a reject", an_undecided_where_is_a_reject);
	CU_add_test(s, "files name the type in the line", files_name_the_type);
	CU_add_test(s, "lines have times", times_of_lines);
	CU_add_test(s, "times have bounds", times_have_bounds);
	CU_add_test(s, "a wrong clock is put right", a_wrong_clock_is_put_right);
	CU_add_test(s, "fields may change places", places_may_change);
	CU_add_test(s, "events own their bytes", events_own_their_bytes);
	CU_add_test(s, "JSON in a field is the event", json_in_a_field_is_the_event);
	CU_add_test(s, "the first name that is there is read", the_first_that_is_there_is_read);
	CU_add_test(s, "a name with dots is a name first, then a path", a_name_with_dots_is_a_name_first);
	CU_add_test(s, "the object names its type", the_object_names_its_type);
	CU_add_test(s, "bad JSON in a field is a reject", bad_json_in_a_field);
	CU_add_test(s, "limits of JSON in a field", limits_of_json);
	CU_add_test(s, "random entries end as event, reject or count", random_entries_end_somehow);
}
