/*
 * Sections of the table file: appending, keeping equal things once, and the file's layout.
 *
 * Order in every section is that of first use, so equal rules give equal bytes.  Tested by tests/unit/test_compile.c.
 */
#include "compiler/build.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"

void ens_build_init(struct ens_build *b, struct ens_arena *arena)
{
	*b = (struct ens_build){.arena = arena};
	ens_map_init(&b->texts, arena);
	ens_map_init(&b->constants, arena);
	ens_map_init(&b->sets, arena);
	ens_map_init(&b->patterns, arena);
	ens_map_init(&b->programs, arena);
	ens_map_init(&b->predicates, arena);
	ens_map_init(&b->keygroups, arena);
	ens_map_init(&b->lookups, arena);
}

void ens_build_free(struct ens_build *b)
{
#define X(name, record) ens_buf_free(&b->name);
	ENS_TABLES_SECTIONS(X)
#undef X
}

/* The sections count towards the arena's budget. */
static void append(struct ens_build *b, struct ens_buf *section, const void *bytes, size_t len)
{
	const size_t budget = b->arena->budget_bytes, most = budget ? budget : ENS_COMPILE_MAX_BYTES;

	if (b->len_bytes + len + b->arena->used_bytes > most) {
		b->arena->failed = b->arena->over_budget = true;
		b->failed = true;
		return;
	}
	b->len_bytes += len;
	ens_buf_add(section, bytes, len);
	b->failed |= section->failed;
}

uint32_t ens_build_add(struct ens_build *b, struct ens_buf *section, const void *record, size_t len)
{
	size_t i = section->len / len;

	append(b, section, record, len);
	return b->failed ? 0 : (uint32_t)i;
}

/* The place of the key's index: the index itself, or ENS_MAP_NONE when it has to be added.  NULL: no memory. */
static uint32_t *known(struct ens_build *b, struct ens_map *map, const void *key, size_t len)
{
	uint32_t *place = ens_map_at(map, key, len);

	if (!place)
		b->failed = true;
	return place;
}

struct ens_t_str ens_build_text(struct ens_build *b, const char *s, size_t len)
{
	uint32_t *place;

	if (!len)
		return (struct ens_t_str){0};
	place = known(b, &b->texts, s, len);
	if (!place)
		return (struct ens_t_str){0};
	if (*place == ENS_MAP_NONE) {
		*place = (uint32_t)b->bytes.len;
		append(b, &b->bytes, s, len);
	}
	return (struct ens_t_str){*place, (uint32_t)len};
}

struct ens_t_str ens_build_name(struct ens_build *b, const char *name)
{
	return ens_build_text(b, name, strlen(name));
}

uint32_t ens_build_const(struct ens_build *b, struct ens_t_const c)
{
	uint32_t *place = known(b, &b->constants, &c, sizeof c);

	if (!place)
		return 0;
	if (*place == ENS_MAP_NONE)
		*place = ens_build_add(b, &b->constant, &c, sizeof c);
	return *place;
}

struct ens_t_const ens_build_value(struct ens_build *b, enum ens_type type, const struct ens_value *v)
{
	struct ens_t_const c = {.type = (uint8_t)type, .null = v->null};

	if (v->null)
		return c;
	if (ens_type_is_bytes(type)) {
		c.len = v->len;
		c.bits = ens_build_text(b, v->s, v->len).off;
	} else if (type == ENS_FLOAT) {
		memcpy(&c.bits, &v->f, sizeof c.bits);
	} else {
		c.bits = (uint64_t)v->i;
	}
	return c;
}

uint32_t ens_build_set(struct ens_build *b, const struct ens_t_const *c, uint32_t n)
{
	uint32_t *place = known(b, &b->sets, c, n * sizeof *c);
	struct ens_t_set set = {{ens_build_count(&b->constant, sizeof *c), n}};

	if (!place)
		return 0;
	if (*place != ENS_MAP_NONE)
		return *place;
	for (uint32_t i = 0; i < n; i++)
		ens_build_add(b, &b->constant, &c[i], sizeof *c);
	*place = ens_build_add(b, &b->set, &set, sizeof set);
	return *place;
}

uint32_t ens_build_pattern(struct ens_build *b, const char *s, size_t len)
{
	uint32_t *place = known(b, &b->patterns, s, len);
	struct ens_t_str text = ens_build_text(b, s, len);

	if (!place)
		return 0;
	if (*place == ENS_MAP_NONE)
		*place = ens_build_add(b, &b->pattern, &text, sizeof text);
	return *place;
}

uint32_t ens_build_program(struct ens_build *b, struct ens_t_program head, const struct ens_t_insn *code, uint32_t n)
{
	struct ens_buf key = ENS_BUF_EMPTY;
	uint32_t *place;

	head.code = (struct ens_t_list){0, n};
	ens_buf_add(&key, &head, sizeof head);
	ens_buf_add(&key, code, n * sizeof *code);
	place = key.failed ? NULL : known(b, &b->programs, key.data, key.len);
	b->failed |= key.failed;
	ens_buf_free(&key);
	if (!place)
		return 0;
	if (*place != ENS_MAP_NONE)
		return *place;
	head.code.first = ens_build_count(&b->insn, sizeof *code);
	for (uint32_t i = 0; i < n; i++)
		ens_build_add(b, &b->insn, &code[i], sizeof *code);
	*place = ens_build_add(b, &b->program, &head, sizeof head);
	return *place;
}

uint32_t ens_build_predicate(struct ens_build *b, uint32_t type, uint32_t program)
{
	struct ens_t_predicate p = {type, program};
	uint32_t *place = known(b, &b->predicates, &p, sizeof p);

	if (!place)
		return 0;
	if (*place == ENS_MAP_NONE)
		*place = ens_build_add(b, &b->predicate, &p, sizeof p);
	return *place;
}

uint32_t ens_build_lookup(struct ens_build *b, uint32_t table, uint32_t field)
{
	const struct ens_t_lookup x = {table, field};
	uint32_t *place = known(b, &b->lookups, &x, sizeof x);

	if (!place)
		return 0;
	if (*place == ENS_MAP_NONE)
		*place = ens_build_add(b, &b->lookup, &x, sizeof x);
	return *place;
}

/* ---- the file --------------------------------------------------------------------------------------------------- */

static void pad(struct ens_buf *out)
{
	static const char zero[8];

	ens_buf_add(out, zero, (8 - out->len % 8) % 8);
}

enum ens_status ens_build_finish(struct ens_build *b, struct ens_buf *out)
{
	struct ens_t_header header = {.version = ENS_TABLES_VERSION, .nsection = ENS_T_NSECTION};
	struct ens_t_section dir[ENS_T_NSECTION] = {0};
	size_t start = out->len;

	assert(start == 0);
	if (b->failed || b->arena->failed)
		return ENS_ENOMEM;
	memcpy(header.magic, ENS_TABLES_MAGIC, sizeof header.magic);
	ens_buf_add(out, &header, sizeof header);
	ens_buf_add(out, dir, sizeof dir);
#define X(name, record)                                                                                                \
	pad(out);                                                                                                      \
	dir[ENS_T_SECTION_##name] =                                                                                    \
		(struct ens_t_section){out->len, ens_build_count(&b->name, sizeof(record)), sizeof(record)};           \
	ens_buf_add(out, b->name.data, b->name.len);
	ENS_TABLES_SECTIONS(X)
#undef X
	pad(out);
	if (out->failed)
		return ENS_ENOMEM;
	memcpy(out->data + sizeof header, dir, sizeof dir);
	ens_tables_seal(out->data, out->len);
	return ENS_OK;
}
