/* The matcher's memory: blocks do not overlap, are used again, and are counted. */
#include "runtime/heap.h"

#include <CUnit/CUnit.h>
#include <string.h>

void suite_heap(void);

static const size_t sizes[] = {0, 1, 15, 16, 17, 100, 512, 2047, 2048, 2049, 100000};

#define NSIZE (sizeof sizes / sizeof *sizes)

static void blocks_do_not_overlap_and_are_counted(void)
{
	struct ens_heap h;
	unsigned char *block[NSIZE * 50];
	const size_t n = NSIZE * 50;

	ens_heap_init(&h);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < n; i++) {
			block[i] = ens_heap_alloc(&h, sizes[i % NSIZE]);
			CU_ASSERT_PTR_NOT_NULL_FATAL(block[i]);
			CU_ASSERT_EQUAL((uintptr_t)block[i] % 16, 0);
			memset(block[i], (int)(i % 251), sizes[i % NSIZE]);
		}
		CU_ASSERT(h.used_bytes >= 50 * 100000);
		for (size_t i = 0; i < n; i++) {
			for (size_t k = 0; k < sizes[i % NSIZE]; k++)
				CU_ASSERT_FATAL(block[i][k] == i % 251);
			ens_heap_free(&h, block[i], sizes[i % NSIZE]);
		}
		CU_ASSERT_EQUAL(h.used_bytes, 0);
	}
	ens_heap_close(&h);
}

/* Twice as much as a heap takes in small slabs, with large pages and without. */
static void a_large_heap_is_as_a_small_one(void)
{
	enum { BLOCK = 1008, N = 2 * ENS_HEAP_SMALL_BYTES / BLOCK };
	static unsigned char *block[N];

	for (int no_large_pages = 0; no_large_pages < 2; no_large_pages++) {
		struct ens_heap h;

		ens_heap_init(&h);
		h.no_large_pages = no_large_pages;
		for (int round = 0; round < 2; round++) {
			for (size_t i = 0; i < N; i++) {
				block[i] = ens_heap_alloc(&h, BLOCK);
				CU_ASSERT_PTR_NOT_NULL_FATAL(block[i]);
				CU_ASSERT_EQUAL_FATAL((uintptr_t)block[i] % 16, 0);
				memset(block[i], (int)(i % 251), BLOCK);
			}
			CU_ASSERT_EQUAL(h.used_bytes, (uint64_t)N * BLOCK);
			for (size_t i = 0; i < N; i++) {
				CU_ASSERT_FATAL(block[i][0] == i % 251 && block[i][BLOCK - 1] == i % 251);
				ens_heap_free(&h, block[i], BLOCK);
			}
			CU_ASSERT_EQUAL(h.used_bytes, 0);
		}
		ens_heap_close(&h);
	}
}

static void freeing_nothing_is_harmless(void)
{
	struct ens_heap h;

	ens_heap_init(&h);
	ens_heap_free(&h, NULL, 64);
	CU_ASSERT_EQUAL(h.used_bytes, 0);
	ens_heap_close(&h);
}

void suite_heap(void)
{
	CU_pSuite s = CU_add_suite("heap", NULL, NULL);

	CU_add_test(s, "blocks do not overlap and are counted", blocks_do_not_overlap_and_are_counted);
	CU_add_test(s, "a large heap is as a small one", a_large_heap_is_as_a_small_one);
	CU_add_test(s, "freeing nothing is harmless", freeing_nothing_is_harmless);
}
