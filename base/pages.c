/*
 * A hint to the kernel (madvise), which is free to have no large pages to give.  Tested by tests/unit/test_base.c.
 */
#define _DEFAULT_SOURCE
#include "base/pages.h"

#include <stdint.h>
#include <stdlib.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

void *ens_pages_alloc(size_t len_bytes)
{
	const size_t rest = len_bytes % ENS_PAGES_BYTES, len = rest ? len_bytes + (ENS_PAGES_BYTES - rest) : len_bytes;
	void *p = len >= len_bytes ? aligned_alloc(ENS_PAGES_BYTES, len) : NULL;

#ifdef MADV_HUGEPAGE
	if (p)
		(void)madvise(p, len, MADV_HUGEPAGE);
#endif
	return p;
}
