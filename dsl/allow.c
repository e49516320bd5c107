/*
 * Which warnings the comments of a file silence, by line.
 *
 * A file is read once, when the first warning about it comes; each line that such comments stand before is one record, so
 * a hostile file costs what its text costs, however many comments and warnings it has.  Tested by tests/lang/allow.test.
 */
#include "dsl/allow.h"

#include <string.h>

/* A comment's codes, gathered until the line comes that they are about. */
struct reading {
	struct ens_arena *arena;
	struct ens_allow *out;
	uint8_t code[(ENS_NCODE + 7) / 8];
	bool any;
};

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

static void take_codes(struct reading *r, const char *p, const char *end)
{
	for (;;) {
		char name[8];
		size_t len = 0;
		enum ens_code code;

		while (p < end && (*p == ' ' || *p == '\t' || *p == ','))
			p++;
		while (p + len < end && len < sizeof name - 1 && strchr("EW0123456789", p[len])) {
			name[len] = p[len];
			len++;
		}
		name[len] = '\0';
		if (!ens_code_find(name, &code) || ens_code_severity(code) != ENS_WARNING)
			return;
		r->code[code / 8] |= (uint8_t)(1u << code % 8);
		r->any = true;
		p += len;
	}
}

static bool take_comment(struct reading *r, const char *p, const char *end)
{
	if (p == end || *p != '#')
		return false;
	p = skip_blanks(p + 1, end);
	if ((size_t)(end - p) > 6 && memcmp(p, "allow", 5) == 0 && (p[5] == ' ' || p[5] == '\t'))
		take_codes(r, p + 6, end);
	return true;
}

static bool add(struct reading *r, uint32_t from, uint32_t to)
{
	struct ens_allow *a = r->out;

	if (!ens_arena_grow(r->arena, &a->line, a->n, &a->cap, sizeof *a->line))
		return false;
	struct ens_allow_line *l = &a->line[a->n++];

	*l = (struct ens_allow_line){.from = from, .to = to};
	memcpy(l->code, r->code, sizeof l->code);
	memset(r->code, 0, sizeof r->code);
	r->any = false;
	return true;
}

const struct ens_allow *ens_allow_read(struct ens_arena *arena, const struct ens_source *source)
{
	struct reading r = {.arena = arena, .out = ens_arena_zalloc(arena, sizeof *r.out)};
	const char *end = source->text + source->len;

	for (const char *p = source->text; r.out && p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		const char *stop = nl ? nl : end;

		if (!take_comment(&r, skip_blanks(p, stop), stop) && r.any
		    && !add(&r, (uint32_t)(p - source->text), (uint32_t)(stop - source->text)))
			return NULL;
		p = stop + 1;
	}
	return r.out;
}

bool ens_allow_has(const struct ens_allow *a, uint32_t off, enum ens_code code)
{
	uint32_t low = 0, high = a->n;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (a->line[middle].to < off)
			low = middle + 1;
		else
			high = middle;
	}
	return low < a->n && a->line[low].from <= off && a->line[low].code[code / 8] >> code % 8 & 1;
}
