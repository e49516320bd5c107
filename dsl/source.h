/*
 * Source map: the texts of a compilation, and places in them.
 *
 * A span is (file, byte offset, length): 12 bytes, carried by every token, node and message.  Lines and columns are
 * computed when a message is rendered.  Columns count code points from 1.
 */
#ifndef ENS_DSL_SOURCE_H
#define ENS_DSL_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

struct ens_span {
	uint32_t file; /* index in the source map, ENS_NO_FILE where there is no place */
	uint32_t off, len;
};

#define ENS_NO_FILE UINT32_MAX
#define ENS_NO_SPAN ((struct ens_span){ENS_NO_FILE, 0, 0})

struct ens_source {
	const char *name; /* as the user wrote it; "-" for standard input */
	const char *text; /* NUL-ended, owned by the arena */
	uint32_t len;
};

struct ens_sources {
	struct ens_arena *arena;
	struct ens_source *file;
	uint32_t nfile, cap;
};

struct ens_place {
	uint32_t line, col;           /* from 1; col in code points */
	const char *line_text;        /* not NUL-ended */
	uint32_t line_len;            /* bytes, without the line end */
};

void ens_sources_init(struct ens_sources *s, struct ens_arena *arena);
/* Copies the text.  ENS_ELIMIT beyond ENS_FILE_MAX_BYTES. */
enum ens_status ens_sources_add(struct ens_sources *s, const char *name, const char *text, size_t len_bytes, uint32_t *file) ENS_MUST_CHECK;
struct ens_place ens_sources_place(const struct ens_sources *s, struct ens_span at);

/* The span from the start of a to the end of b (same file). */
static inline struct ens_span ens_span_join(struct ens_span a, struct ens_span b)
{
	a.len = b.off + b.len - a.off;
	return a;
}

#endif
