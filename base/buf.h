/*
 * Growing byte buffer.  Appends never fail loudly: when memory runs out `failed` is set, further appends do nothing,
 * and the owner checks once before using the bytes.  The data is not NUL-ended; ens_buf_cstr makes it so.
 */
#ifndef ENS_BASE_BUF_H
#define ENS_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct ens_buf {
	char *data;
	size_t len, cap;
	bool failed;
};

#define ENS_BUF_EMPTY ((struct ens_buf){0})

void ens_buf_free(struct ens_buf *b);
static inline void ens_buf_clear(struct ens_buf *b)
{
	b->len = 0;
	b->failed = false;
}
bool ens_buf_reserve(struct ens_buf *b, size_t more_bytes); /* room for that many more; false (and failed) without memory */
void ens_buf_add(struct ens_buf *b, const void *bytes, size_t len_bytes);
void ens_buf_addc(struct ens_buf *b, char c);
void ens_buf_adds(struct ens_buf *b, const char *cstr);
void ens_buf_addf(struct ens_buf *b, const char *fmt, ...) ENS_PRINTF(2, 3);
/* Appends bytes as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void ens_buf_add_json(struct ens_buf *b, const char *s, size_t len_bytes);
/* Appends text with control characters as \n, \t, \xHH, for terminals and logs. */
void ens_buf_add_visible(struct ens_buf *b, const char *s, size_t len_bytes);
const char *ens_buf_cstr(struct ens_buf *b); /* the data NUL-ended, valid until the next append; "" when failed */

#endif
