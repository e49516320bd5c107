/*
 * Memory in blocks of ENS_PAGES_BYTES, on large pages where the system has them: what is looked at in no order finds
 * its way through far fewer entries of the processor's page table caches.  Only for what fills such blocks: a page is
 * resident as a whole.
 */
#ifndef ENS_BASE_PAGES_H
#define ENS_BASE_PAGES_H

#include <stddef.h>

#define ENS_PAGES_BYTES ((size_t)2 << 20)

/* At least len_bytes, not cleared, aligned to ENS_PAGES_BYTES; free() gives it back.  NULL without memory. */
void *ens_pages_alloc(size_t len_bytes);

#endif
