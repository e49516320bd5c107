/* Arena, buffer and failure texts: bounds, alignment, and what happens without memory. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/pages.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

void suite_base(void);

static void arena_blocks_are_aligned_and_do_not_overlap(void)
{
	struct ens_arena a;
	unsigned char *block[300];

	ens_arena_init(&a, 0);
	for (size_t i = 0; i < 300; i++) {
		size_t len = i * i % 7000;

		block[i] = ens_arena_alloc(&a, len);
		CU_ASSERT_PTR_NOT_NULL_FATAL(block[i]);
		CU_ASSERT_EQUAL((uintptr_t)block[i] % 16, 0);
		memset(block[i], (int)(i % 251), len);
	}
	for (size_t i = 0; i < 300; i++)
		for (size_t k = 0; k < i * i % 7000; k++)
			CU_ASSERT_FATAL(block[i][k] == i % 251);
	CU_ASSERT_FALSE(a.failed);
	ens_arena_free(&a);
	CU_ASSERT_EQUAL(a.used_bytes, 0);
}

static void arena_ends_at_its_budget(void)
{
	struct ens_arena a;
	unsigned n = 0;

	ens_arena_init(&a, 1600);
	while (ens_arena_alloc(&a, 16))
		n++;
	CU_ASSERT_EQUAL(n, 100);
	CU_ASSERT_TRUE(a.failed && a.over_budget);
	CU_ASSERT_EQUAL(a.used_bytes, 1600);
	ens_arena_reset(&a);
	CU_ASSERT_FALSE(a.failed || a.over_budget);
	CU_ASSERT_PTR_NOT_NULL(ens_arena_zalloc(&a, 1600));
	CU_ASSERT_PTR_NULL(ens_arena_alloc(&a, 0)); /* even nothing takes a place */
	ens_arena_free(&a);
}

static void arena_refuses_sizes_that_wrap(void)
{
	struct ens_arena a;

	ens_arena_init(&a, 0);
	CU_ASSERT_PTR_NULL(ens_arena_alloc(&a, SIZE_MAX));
	CU_ASSERT_PTR_NULL(ens_arena_alloc(&a, SIZE_MAX - 20));
	CU_ASSERT_PTR_NULL(ens_arena_strndup(&a, "x", SIZE_MAX));
	CU_ASSERT_TRUE(a.failed);
	ens_arena_free(&a);
}

static void arena_keeps_its_largest_chunk(void)
{
	struct ens_arena a;
	void *kept;

	ens_arena_init(&a, 0);
	CU_ASSERT_PTR_NOT_NULL(ens_arena_alloc(&a, 10));
	CU_ASSERT_PTR_NOT_NULL(ens_arena_alloc(&a, 1 << 20));
	ens_arena_reset(&a);
	kept = a.head;
	CU_ASSERT_PTR_NOT_NULL(ens_arena_alloc(&a, 1 << 20));
	CU_ASSERT_PTR_EQUAL(a.head, kept);
	ens_arena_free(&a);
	CU_ASSERT_PTR_NULL(a.head);
}

static void arena_clears_and_copies(void)
{
	struct ens_arena a;
	const char *copy;
	const char *zero;

	ens_arena_init(&a, 0);
	memset(ens_arena_alloc(&a, 4000), 0xFF, 4000);
	ens_arena_reset(&a);
	zero = ens_arena_zalloc(&a, 100);
	for (int i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(zero[i], 0);
	copy = ens_arena_strndup(&a, "abcdef", 3);
	CU_ASSERT_STRING_EQUAL(copy, "abc");
	CU_ASSERT_STRING_EQUAL(ens_arena_strndup(&a, NULL, 0), "");
	ens_arena_free(&a);
}

static void buf_grows(void)
{
	struct ens_buf b = ENS_BUF_EMPTY;

	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&b), "");
	for (int i = 0; i < 1000; i++) {
		ens_buf_addc(&b, 'x');
		ens_buf_add(&b, "yz", 2);
		ens_buf_adds(&b, "!");
	}
	CU_ASSERT_EQUAL(b.len, 4000);
	CU_ASSERT_EQUAL(strlen(ens_buf_cstr(&b)), 4000);
	ens_buf_clear(&b);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&b), "");
	ens_buf_free(&b);
	CU_ASSERT_PTR_NULL(b.data);
}

static void buf_formats_beyond_its_room(void)
{
	struct ens_buf b = ENS_BUF_EMPTY;
	char wide[3000];

	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	ens_buf_addf(&b, "<%s>%d", wide, 42);
	CU_ASSERT_EQUAL(b.len, 3003);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&b) + 3000, ">42");
	ens_buf_free(&b);
}

static void buf_without_memory_stays_as_it_was(void)
{
	struct ens_buf b = ENS_BUF_EMPTY;

	ens_buf_adds(&b, "abc");
	CU_ASSERT_FALSE(ens_buf_reserve(&b, SIZE_MAX));
	CU_ASSERT_TRUE(b.failed);
	ens_buf_adds(&b, "def");
	ens_buf_addf(&b, "%d", 1);
	CU_ASSERT_EQUAL(b.len, 3);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&b), "");
	ens_buf_free(&b);
}

static void check_json(const char *s, size_t len, const char *want)
{
	struct ens_buf b = ENS_BUF_EMPTY;

	ens_buf_add_json(&b, s, len);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&b), want);
	ens_buf_free(&b);
}

static void buf_writes_json_strings(void)
{
	check_json("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
	check_json("\n\r\t\x01\x7f", 5, "\"\\n\\r\\t\\u0001\\u007f\"");
	check_json("a\0b", 3, "\"a\\u0000b\"");
	check_json("\xC3\xA9\xF0\x9F\x98\x80", 6, "\"\xC3\xA9\xF0\x9F\x98\x80\"");
	check_json("a\xFF\xC3", 3, "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
	check_json("", 0, "\"\"");
}

static void check_visible(const char *s, const char *want)
{
	struct ens_buf b = ENS_BUF_EMPTY;

	ens_buf_add_visible(&b, s, strlen(s));
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&b), want);
	ens_buf_free(&b);
}

static void buf_shows_control_characters(void)
{
	check_visible("a\tb\nc\rd", "a\\tb\\nc\\rd");
	check_visible("\x1b[31m\x7f", "\\x1B[31m\\x7F");
	check_visible("\xC2\x9B" "31m \xC2\xA0", "\\x9B31m \xC2\xA0");
	check_visible("gr\xC3\xBC\xFFn", "gr\xC3\xBC\\xFFn");
}

static void failures_are_one_line_and_whole_characters(void)
{
	struct ens_error err;
	char long_text[2 * ENS_ERROR_MAX];

	CU_ASSERT_EQUAL(ens_fail(&err, ENS_EINPUT, "line %d\nof\t%s", 3, "x"), ENS_EINPUT);
	CU_ASSERT_STRING_EQUAL(err.text, "line 3?of?x");
	CU_ASSERT_EQUAL(ens_fail(NULL, ENS_EENV, "nobody listens"), ENS_EENV);
	for (size_t i = 0; i + 1 < sizeof(long_text); i++)
		long_text[i] = i % 2 ? '\xA9' : '\xC3';
	long_text[sizeof(long_text) - 1] = '\0';
	(void)ens_fail(&err, ENS_EINPUT, "%s", long_text);
	CU_ASSERT_EQUAL(strlen(err.text), ENS_ERROR_MAX - 2); /* 511 bytes would end inside a character */
	(void)ens_fail(&err, ENS_EINPUT, "x%s", long_text);
	CU_ASSERT_EQUAL(strlen(err.text), ENS_ERROR_MAX - 1);
}

static void large_pages_are_memory(void)
{
	static const size_t sizes[] = {1, ENS_PAGES_BYTES, ENS_PAGES_BYTES + 1};

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		char *p = ens_pages_alloc(sizes[i]);

		CU_ASSERT_PTR_NOT_NULL_FATAL(p);
		CU_ASSERT_EQUAL((uintptr_t)p % ENS_PAGES_BYTES, 0);
		memset(p, 'x', sizes[i]);
		free(p);
	}
	CU_ASSERT_PTR_NULL(ens_pages_alloc(SIZE_MAX));
}

void suite_base(void)
{
	CU_pSuite s = CU_add_suite("base", NULL, NULL);

	CU_add_test(s, "arena: blocks are aligned and do not overlap", arena_blocks_are_aligned_and_do_not_overlap);
	CU_add_test(s, "arena: it ends at its budget", arena_ends_at_its_budget);
	CU_add_test(s, "arena: sizes that wrap are refused", arena_refuses_sizes_that_wrap);
	CU_add_test(s, "arena: a reset keeps the largest chunk", arena_keeps_its_largest_chunk);
	CU_add_test(s, "arena: cleared memory and copies", arena_clears_and_copies);
	CU_add_test(s, "buffer: it grows", buf_grows);
	CU_add_test(s, "buffer: formatted text beyond its room", buf_formats_beyond_its_room);
	CU_add_test(s, "buffer: without memory it stays as it was", buf_without_memory_stays_as_it_was);
	CU_add_test(s, "buffer: JSON strings", buf_writes_json_strings);
	CU_add_test(s, "buffer: control characters are shown", buf_shows_control_characters);
	CU_add_test(s, "pages: they are memory", large_pages_are_memory);
	CU_add_test(s, "failures are one line and whole characters", failures_are_one_line_and_whole_characters);
}
