/*
 * Source map.  Places are found by scanning: only messages ask for them, and at most ENS_MESSAGES_MAX are printed, so
 * that no line table is kept.  Cost of a place: the bytes of the file before it.
 * Tested by tests/unit/test_parse.c and tests/lang.
 */
#include "dsl/source.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"

void ens_sources_init(struct ens_sources *s, struct ens_arena *arena)
{
	*s = (struct ens_sources){.arena = arena};
}

enum ens_status ens_sources_add(struct ens_sources *s, const char *name, const char *text, size_t len_bytes,
				uint32_t *file)
{
	char *name_copy, *text_copy;

	if (len_bytes > ENS_FILE_MAX_BYTES)
		return ENS_ELIMIT;
	if (!ens_arena_grow(s->arena, &s->file, s->nfile, &s->cap, sizeof *s->file))
		return ENS_ENOMEM;
	name_copy = ens_arena_strndup(s->arena, name, strlen(name));
	text_copy = ens_arena_strndup(s->arena, text, len_bytes);
	if (!name_copy || !text_copy)
		return ENS_ENOMEM;
	s->file[s->nfile] = (struct ens_source){name_copy, text_copy, (uint32_t)len_bytes};
	*file = s->nfile++;
	return ENS_OK;
}

/* Code points from p to end; bytes that are not UTF-8 count as one each or belong to the one before. */
static uint32_t count_columns(const char *p, const char *end)
{
	uint32_t n = 0;

	for (; p < end; p++)
		n += ((unsigned char)*p & 0xC0) != 0x80;
	return n;
}

struct ens_place ens_sources_place(const struct ens_sources *s, struct ens_span at)
{
	const struct ens_source *src;
	const char *p, *line, *nl;
	struct ens_place place = {.line = 1};

	assert(at.file < s->nfile);
	src = &s->file[at.file];
	assert(at.off <= src->len);
	p = src->text + at.off;
	for (line = src->text; (nl = memchr(line, '\n', (size_t)(p - line))); line = nl + 1)
		place.line++;
	nl = memchr(p, '\n', (size_t)(src->text + src->len - p));
	if (!nl)
		nl = src->text + src->len;
	if (nl > line && nl[-1] == '\r')
		nl--;
	place.line_text = line;
	place.line_len = (uint32_t)(nl - line);
	place.col = 1 + count_columns(line, p);
	return place;
}
