/* The answers to TIME and XREAD from bytes, whole and in pieces, well-formed and hostile; addresses; verdicts on
 * errors. */
#include <CUnit/CUnit.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/io/redis_conn.h"
#include "runtime/io/redis_reply.h"
#include "tests/unit/hand_tables.h"

#define TIME_BYTES "*2\r\n$10\r\n1700000000\r\n$6\r\n123456\r\n"

static struct hand hand;
static const struct ens_tables *tables;
static struct ens_decoder *decoder;
static struct ens_redis_reader *reader;
static struct ens_batch batch;
static struct ens_entry_at after[2], counted[2];

static void open_reader(void)
{
	const struct ens_decoder_options o = {.max_skew_us = -1};
	struct ens_error err;
	uint32_t in, other;

	hand_init(&hand);
	in = hand_stream(&hand, "in");
	other = hand_stream(&hand, "other");
	hand_type(&hand, "A", in);
	hand_field(&hand, "n", "n", ENS_INT, false);
	hand_field(&hand, "s", "s", ENS_STRING, true);
	hand_type(&hand, "B", other);
	hand_field(&hand, "x", "x", ENS_FLOAT, false);
	tables = hand_done(&hand);
	ens_batch_init(&batch);
	memset(after, 0, sizeof(after));
	memset(counted, 0, sizeof(counted));
	CU_ASSERT_EQUAL_FATAL(ens_decoder_open(tables, &o, &decoder, &err), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_redis_reader_open(tables, decoder, &reader, &err), ENS_OK);
}

static void close_reader(void)
{
	ens_redis_reader_close(reader);
	ens_decoder_close(decoder);
	ens_batch_free(&batch);
	reader = NULL;
	decoder = NULL;
}

/* Feeds the bytes in pieces of the given size, each from memory of its own, so that a look beyond is seen. */
static enum ens_status feed(const char *bytes, size_t len, size_t piece, bool *complete)
{
	enum ens_status status = ENS_OK;
	struct ens_error err;

	CU_ASSERT_EQUAL_FATAL(ens_redis_reader_restart(reader, &err), ENS_OK);
	ens_redis_reader_begin(reader, after, counted);
	*complete = false;
	for (size_t at = 0; at < len && status == ENS_OK && !*complete; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		char *copy = malloc(n);

		CU_ASSERT_FATAL(copy != NULL);
		memcpy(copy, bytes + at, n);
		status = ens_redis_reader_feed(reader, copy, n, complete, &err);
		free(copy);
	}
	if (status == ENS_OK && *complete)
		CU_ASSERT_EQUAL(ens_redis_reader_decode(reader, &batch, &err), ENS_OK);
	return status;
}

/* What was read, in words. */
static void describe(struct ens_buf *out)
{
	const struct ens_redis_read *r = ens_redis_reader_result(reader);

	ens_buf_addf(out, "at %" PRId64 "%s%s", r->server_us, r->nothing ? " nothing" : "", r->error);
	for (uint32_t i = 0; i < batch.nevent; i++) {
		const struct ens_event *e = &batch.event[i];

		ens_buf_addf(out, " [%u %" PRIu64 "-%" PRIu64 " #%" PRIu64 " @%" PRId64, e->id.stream, e->id.ms,
			     e->id.seq, r->entry[i], e->time_us);
		if (e->type == 0 && e->value[1].null == ENS_SET)
			ens_buf_addf(out, " %" PRId64 " %.*s]", e->value[0].i, (int)e->value[1].len, e->value[1].s);
		else if (e->type == 0)
			ens_buf_addf(out, " %" PRId64 "]", e->value[0].i);
		else
			ens_buf_addf(out, " %g]", e->value[0].f);
	}
	for (uint32_t i = 0; i < batch.nreject; i++)
		ens_buf_addf(out, " {%s %" PRIu64 "-%" PRIu64 "}", ens_reject_code(batch.reject[i].reason),
			     batch.reject[i].id.ms, batch.reject[i].id.seq);
	for (uint32_t i = 0; i < tables->nstream; i++)
		ens_buf_addf(out, " %" PRIu64 "/%" PRIu64 " to %" PRIu64 "-%" PRIu64, r->entries[i], r->all_entries[i],
			     r->last[i].ms, r->last[i].seq);
}

/* The same in every chunking. */
static void reads_as(const char *bytes, size_t len, const char *expected)
{
	struct ens_buf seen = ENS_BUF_EMPTY;

	for (size_t piece = 1; piece <= len; piece++) {
		bool complete;

		CU_ASSERT_EQUAL(feed(bytes, len, piece, &complete), ENS_OK);
		CU_ASSERT_FATAL(complete);
		ens_buf_clear(&seen);
		describe(&seen);
		CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&seen), expected);
		if (strcmp(ens_buf_cstr(&seen), expected) != 0) {
			printf("\nin pieces of %zu: %s\n", piece, ens_buf_cstr(&seen));
			break;
		}
	}
	ens_buf_free(&seen);
}

#define READS_AS(text, expected) reads_as(text, sizeof(text) - 1, expected)

static void entries_of_two_streams_become_events(void)
{
	open_reader();
	READS_AS(TIME_BYTES "*2\r\n"
			    "*2\r\n$2\r\nin\r\n*2\r\n"
			    "*2\r\n$3\r\n5-1\r\n*4\r\n$1\r\nn\r\n$2\r\n17\r\n$1\r\ns\r\n$3\r\nabc\r\n"
			    "*2\r\n$3\r\n5-2\r\n*4\r\n$1\r\ns\r\n$0\r\n\r\n$1\r\nn\r\n$2\r\n-1\r\n"
			    "*2\r\n$5\r\nother\r\n*2\r\n"
			    "*2\r\n$3\r\n7-0\r\n*2\r\n$1\r\nx\r\n$3\r\n1.5\r\n"
			    "*2\r\n$3\r\n8-0\r\n*2\r\n$1\r\nx\r\n$3\r\none\r\n",
		 "at 1700000000123456 [0 5-1 #1 @5000 17 abc] [0 5-2 #2 @5000 -1 ] [1 7-0 #1 @7000 1.5] {bad_value "
		 "8-0} 2/2 to 5-2 2/2 to 8-0");
	READS_AS(TIME_BYTES "*1\r\n*2\r\n$5\r\nother\r\n*1\r\n*2\r\n$3\r\n7-0\r\n*2\r\n$1\r\nx\r\n$1\r\n2\r\n",
		 "at 1700000000123456 [1 7-0 #1 @7000 2] 0/0 to 0-0 1/1 to 7-0");
	close_reader();
}

static void nothing_and_errors_are_answers_too(void)
{
	open_reader();
	READS_AS(TIME_BYTES "*-1\r\n", "at 1700000000123456 nothing 0/0 to 0-0 0/0 to 0-0");
	READS_AS(TIME_BYTES "$-1\r\n", "at 1700000000123456 nothing 0/0 to 0-0 0/0 to 0-0");
	READS_AS(TIME_BYTES "-LOADING wait\r\n", "at 1700000000123456LOADING wait 0/0 to 0-0 0/0 to 0-0");
	READS_AS("-NOPERM time\r\n-NOPERM xread\r\n", "at 0NOPERM time 0/0 to 0-0 0/0 to 0-0");
	close_reader();
}

static void entries_of_before_do_not_count(void)
{
	open_reader();
	after[0] = (struct ens_entry_at){5, 0};
	counted[0] = (struct ens_entry_at){5, 1};
	READS_AS(TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*2\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nn\r\n$1\r\n1\r\n*2\r\n$"
			    "3\r\n5-2\r\n*2\r\n$1\r\nn\r\n$1\r\n2\r\n",
		 "at 1700000000123456 [0 5-1 #0 @5000 1] [0 5-2 #1 @5000 2] 1/2 to 5-2 0/0 to 0-0");
	close_reader();
}

static void an_id_beyond_time_is_a_dead_letter(void)
{
	open_reader();
	READS_AS(TIME_BYTES
		 "*1\r\n*2\r\n$2\r\nin\r\n*1\r\n*2\r\n$22\r\n18446744073709551615-7\r\n*2\r\n$1\r\nn\r\n$1\r\n1\r\n",
		 "at 1700000000123456 {bad_time 18446744073709551615-7} 1/1 to 18446744073709551615-7 0/0 to 0-0");
	close_reader();
}

/* One entry with `nfield` fields whose values have `value_len` bytes. */
static void add_big_entry(struct ens_buf *b, unsigned nfield, unsigned value_len)
{
	ens_buf_adds(b, TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*1\r\n*2\r\n$3\r\n5-1\r\n");
	ens_buf_addf(b, "*%u\r\n", 2 * nfield);
	for (unsigned i = 0; i < nfield; i++) {
		ens_buf_addf(b, "$5\r\nf%04u\r\n$%u\r\n", i % 10000, value_len);
		for (unsigned k = 0; k < value_len; k++)
			ens_buf_addc(b, 'v');
		ens_buf_adds(b, "\r\n");
	}
}

static void what_is_too_large_is_a_dead_letter(void)
{
	static const struct {
		unsigned nfield, value_len;
	} sizes[] = {{1025, 1}, {5000, 1}, {1, 65537}, {20, 60000}, {1, 3000000}, {1024, 1100}};

	open_reader();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		static const size_t pieces[] = {1000, 65536, 10000000};
		struct ens_buf b = ENS_BUF_EMPTY;

		add_big_entry(&b, sizes[i].nfield, sizes[i].value_len);
		for (size_t k = 0; k < sizeof(pieces) / sizeof(*pieces); k++) {
			bool complete;

			CU_ASSERT_EQUAL(feed(b.data, b.len, pieces[k], &complete), ENS_OK);
			CU_ASSERT_FATAL(complete);
			CU_ASSERT_EQUAL(batch.nevent, 0);
			CU_ASSERT_FATAL(batch.nreject == 1);
			CU_ASSERT_STRING_EQUAL(ens_reject_code(batch.reject[0].reason), "too_large");
			CU_ASSERT(batch.reject[0].cut || sizes[i].value_len == 1);
			CU_ASSERT(sizes[i].value_len > 1 ||
				  strstr(batch.reject[0].detail, "more than the 1024 fields allowed"));
		}
		ens_buf_free(&b);
	}
	close_reader();
}

/* Refused, in every chunking; never a crash. */
static void is_refused(const char *bytes, size_t len)
{
	for (size_t piece = 1; piece <= len; piece++) {
		bool complete;
		enum ens_status status = feed(bytes, len, piece, &complete);

		CU_ASSERT_EQUAL(status, ENS_EINPUT);
		if (status != ENS_EINPUT) {
			printf("\nnot refused in pieces of %zu: %.*s\n", piece, (int)len, bytes);
			return;
		}
	}
}

static void other_shapes_are_refused(void)
{
	static const char *const shapes[] = {
		"HTTP/1.1 400 Bad Request\r\n\r\n",
		"+OK\r\n",
		":1\r\n",
		"*3\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n",
		"*2\r\n$1\r\nx\r\n$1\r\n1\r\n",
		"*2\r\n$20\r\n99999999999999999999\r\n$1\r\n1\r\n",
		"*2\r\n*2\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n",
		"*-1\r\n",
		TIME_BYTES "*0\r\n",
		TIME_BYTES "+OK\r\n",
		TIME_BYTES ":7\r\n",
		TIME_BYTES "$2\r\nin\r\n",
		TIME_BYTES "*3\r\n",
		TIME_BYTES "*2147483648\r\n",
		TIME_BYTES "*1\r\n$2\r\nin\r\n",
		TIME_BYTES "*1\r\n*1\r\n",
		TIME_BYTES "*1\r\n*2\r\n*0\r\n",
		TIME_BYTES "*1\r\n*2\r\n$3\r\nfoo\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n$1\r\nx\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*0\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*2147483647\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*-1\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*1\r\n*3\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*1\r\n*2\r\n$1\r\n5\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*1\r\n*2\r\n$3\r\n0-0\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*1\r\n*2\r\n:5\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*1\r\n*2\r\n$3\r\n5-1\r\n*3\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*1\r\n*2\r\n$3\r\n5-1\r\n*-1\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$-1\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n*0\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n-ERR\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nn\r\n:5\r\n",
		TIME_BYTES
		"*1\r\n*2\r\n$2\r\nin\r\n*2\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nn\r\n$1\r\n1\r\n*2\r\n$3\r\n5-1\r\n",
		TIME_BYTES
		"*2\r\n*2\r\n$5\r\nother\r\n*1\r\n*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nx\r\n$1\r\n1\r\n*2\r\n$2\r\nin\r\n",
		TIME_BYTES "*1\r\n*2\r\n$2\r\nin\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
	};

	open_reader();
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		is_refused(shapes[i], strlen(shapes[i]));
	close_reader();
}

static void more_than_was_asked_is_refused(void)
{
	static const char bytes[] = TIME_BYTES "*-1\r\n+OK\r\n";
	bool complete;

	open_reader();
	CU_ASSERT_EQUAL(feed(bytes, sizeof(bytes) - 1, sizeof(bytes), &complete), ENS_EINPUT);
	close_reader();
}

/* Any damage to a good answer ends in an answer or a refusal. */
static void damaged_answers_do_no_harm(void)
{
	static const char good[] = TIME_BYTES
		"*1\r\n*2\r\n$2\r\nin\r\n*2\r\n"
		"*2\r\n$3\r\n5-1\r\n*4\r\n$1\r\nn\r\n$2\r\n17\r\n$1\r\ns\r\n$3\r\nabc\r\n"
		"*2\r\n$3\r\n5-2\r\n*2\r\n$1\r\nn\r\n$1\r\n1\r\n";
	static const char replacements[] = "*$:+-0129\r\n\0\xff";
	char bytes[sizeof(good)];
	unsigned random = 1;

	open_reader();
	for (unsigned round = 0; round < 20000; round++) {
		size_t len = sizeof(good) - 1;
		bool complete;
		enum ens_status status;

		memcpy(bytes, good, sizeof(good));
		for (unsigned k = 0; k <= round % 3; k++) {
			random = random * 1103515245u + 12345u;
			bytes[(random >> 8) % len] = replacements[(random >> 20) % (sizeof(replacements) - 1)];
		}
		status = feed(bytes, len, 1 + round % 50, &complete);
		CU_ASSERT(status == ENS_OK || status == ENS_EINPUT || status == ENS_ENOMEM);
	}
	close_reader();
}

static void ids_are_two_numbers(void)
{
	static const char *const bad[] = {"",
					  "-",
					  "1",
					  "1-",
					  "-1",
					  "1-1 ",
					  " 1-1",
					  "+1-1",
					  "1--1",
					  "1-1-1",
					  "18446744073709551616-0",
					  "0-18446744073709551616",
					  "1-x",
					  "0x1-1"};
	struct ens_entry_at id;

	CU_ASSERT(ens_entry_id_parse("18446744073709551615-18446744073709551615", 41, &id));
	CU_ASSERT(id.ms == UINT64_MAX && id.seq == UINT64_MAX);
	CU_ASSERT(ens_entry_id_parse("0-0", 3, &id) && id.ms == 0 && id.seq == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CU_ASSERT_FALSE(ens_entry_id_parse(bad[i], strlen(bad[i]), &id));
}

static const char *null_as_dash(const char *s)
{
	return s ? s : "-";
}

static void addresses_are_taken_apart(void)
{
	static const struct {
		const char *url, *parts; /* kind host port user password database; NULL: refused */
	} cases[] = {
		{"redis://localhost", "tcp localhost 6379 - - 0"},
		{"redis://", "tcp localhost 6379 - - 0"},
		{"redis://h:1/2", "tcp h 1 - - 2"},
		{"redis://h/", "tcp h 6379 - - 0"},
		{"redis://u:p@h:6380", "tcp h 6380 u p 0"},
		{"redis://:p@h", "tcp h 6379 - p 0"},
		{"redis://p@h", "tcp h 6379 - p 0"},
		{"redis://u:p%40%3a%2F@h/15", "tcp h 6379 u p@:/ 15"},
		{"redis://u:a@b@h", "tcp h 6379 u a@b 0"},
		{"redis://[::1]:7000", "tcp ::1 7000 - - 0"},
		{"redis://[::1]", "tcp ::1 6379 - - 0"},
		{"unix:///run/redis.sock", "unix /run/redis.sock 0 - - 0"},
		{"unix:///a%20b?db=3", "unix /a b 0 - - 3"},
		{"unix://rel", NULL},
		{"unix://", NULL},
		{"unix:///x?da=1", NULL},
		{"unix:///x?db=", NULL},
		{"redis://h:0", NULL},
		{"redis://h:65536", NULL},
		{"redis://h:x", NULL},
		{"redis://h:", NULL},
		{"redis://h/x", NULL},
		{"redis://h/-1", NULL},
		{"redis://h?db=1", NULL},
		{"redis://u:%0@h", NULL},
		{"redis://u:%00@h", NULL},
		{"redis://u:%zz@h", NULL},
		{"redis://[::1", NULL},
		{"redis://[::1]x", NULL},
		{"rediss://h", NULL},
		{"http://h", NULL},
		{"h:6379", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ens_redis_address a;
		struct ens_error err = {""};
		char parts[300];
		enum ens_status status = ens_redis_address_parse(cases[i].url, NULL, &a, &err);

		CU_ASSERT_EQUAL(status, cases[i].parts ? ENS_OK : ENS_EINPUT);
		if (status != ENS_OK) {
			CU_ASSERT(err.text[0] != '\0');
			continue;
		}
		(void)snprintf(parts, sizeof(parts), "%s %s %d %s %s %d", a.is_unix ? "unix" : "tcp", a.host, a.port,
			       null_as_dash(a.user), null_as_dash(a.password), a.db);
		CU_ASSERT_STRING_EQUAL(parts, cases[i].parts);
		if (a.password && a.password[0] != '\0' && strlen(a.password) > 1)
			CU_ASSERT_PTR_NULL(strstr(a.shown, a.password));
		ens_redis_address_free(&a);
	}
}

static void errors_are_told_apart(void)
{
	CU_ASSERT_EQUAL(ens_redis_judge("LOADING Redis is loading"), ENS_REDIS_RETRY);
	CU_ASSERT_EQUAL(ens_redis_judge("BUSY script"), ENS_REDIS_RETRY);
	CU_ASSERT_EQUAL(ens_redis_judge("OOM command not allowed"), ENS_REDIS_RETRY);
	CU_ASSERT_EQUAL(ens_redis_judge("MISCONF disk"), ENS_REDIS_RETRY);
	CU_ASSERT_EQUAL(ens_redis_judge("BUSYGROUP name exists"), ENS_REDIS_STOP);
	CU_ASSERT_EQUAL(ens_redis_judge("READONLY replica"), ENS_REDIS_RECONNECT);
	CU_ASSERT_EQUAL(ens_redis_judge("UNBLOCKED gone"), ENS_REDIS_RECONNECT);
	CU_ASSERT_EQUAL(ens_redis_judge("NOSCRIPT"), ENS_REDIS_NOSCRIPT);
	CU_ASSERT_EQUAL(ens_redis_judge("WRONGTYPE"), ENS_REDIS_STOP);
	CU_ASSERT_EQUAL(ens_redis_judge(""), ENS_REDIS_STOP);
}

void suite_redis_reply(void);

void suite_redis_reply(void)
{
	CU_pSuite s = CU_add_suite("redis_reply", NULL, NULL);

	CU_add_test(s, "entries of two streams become events, in any chunking", entries_of_two_streams_become_events);
	CU_add_test(s, "nothing and errors are answers too", nothing_and_errors_are_answers_too);
	CU_add_test(s, "entries read before the restart do not count", entries_of_before_do_not_count);
	CU_add_test(s, "an ID beyond what a time can be is a dead letter", an_id_beyond_time_is_a_dead_letter);
	CU_add_test(s, "what is too large is a dead letter", what_is_too_large_is_a_dead_letter);
	CU_add_test(s, "other shapes are refused", other_shapes_are_refused);
	CU_add_test(s, "more than was asked is refused", more_than_was_asked_is_refused);
	CU_add_test(s, "damaged answers do no harm", damaged_answers_do_no_harm);
	CU_add_test(s, "entry IDs are two numbers", ids_are_two_numbers);
	CU_add_test(s, "addresses are taken apart", addresses_are_taken_apart);
	CU_add_test(s, "errors are told apart", errors_are_told_apart);
}
