/*
 * A root's text is copied to where simdjson may read behind it, and parsed; wanted members are kept, and those that are
 * objects with wanted members of their own are parsed in turn, from a list: nothing recurses.
 *
 * Guarantee: each object is read at most once for an entry, so that the work is the text's length for each level of the
 * longest path; memory is that of the text, of strings with escapes, and of the wanted members.
 * Tested by tests/unit/test_decode.c, tests/cli/json.sh and the fuzzer (lines).
 */
#include "runtime/members.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "runtime/names.h"

#define NONE UINT32_MAX

struct member {
	uint32_t in;       /* object */
	uint32_t object;   /* the object that it is, if others want members of it; or NONE */
	uint64_t entry;    /* that it was seen in last */
	bool twice, too_large;
	struct ens_raw_field value;
};

struct object {
	uint32_t member;   /* that it is; NONE: a root */
	bool text;         /* a root: also read from a text */
	uint64_t entry;    /* that it was read from last */
	const char *why;   /* NULL: it is fine */
	enum ens_reject_reason reason;
	const char *s;     /* to be parsed */
	uint32_t len;
};

struct ens_members {
	struct ens_names names;
	struct member *member;
	struct object *object;
	uint32_t *todo;    /* objects to be parsed */
	uint32_t nmember, nobject, ntodo;
	size_t max;
	uint64_t entry;    /* at hand, from 1 */
	struct ens_json_parser *parser;
	struct ens_arena text;
};

/* ---- what is wanted --------------------------------------------------------------------------------------------- */

struct ens_members *ens_members_open(size_t max)
{
	struct ens_members *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	ens_arena_init(&m->text, 0);
	m->max = max;
	m->member = calloc(max + 1, sizeof(*m->member));
	m->object = calloc(max + 1, sizeof(*m->object));
	m->todo = calloc(max + 1, sizeof(*m->todo));
	m->parser = ens_json_parser_open(ENS_ENTRY_MAX_BYTES, ENS_FIELDS_MAX, ENS_JSON_DEPTH_MAX);
	if (!m->member || !m->object || !m->todo || !m->parser || !ens_names_open(&m->names, max)) {
		ens_members_close(m);
		return NULL;
	}
	return m;
}

void ens_members_close(struct ens_members *m)
{
	if (!m)
		return;
	ens_json_parser_close(m->parser);
	ens_names_close(&m->names);
	ens_arena_free(&m->text);
	free(m->member);
	free(m->object);
	free(m->todo);
	free(m);
}

static uint32_t add_object(struct ens_members *m, uint32_t member, bool text)
{
	assert(m->nobject < m->max);
	m->object[m->nobject] = (struct object){.member = member, .text = text};
	return m->nobject++;
}

uint32_t ens_members_root(struct ens_members *m, bool text)
{
	return add_object(m, NONE, text);
}

uint32_t ens_members_add(struct ens_members *m, uint32_t object, const char *name, uint32_t len)
{
	const uint32_t number = ens_names_add(&m->names, object, name, len, m->nmember);

	if (number == m->nmember) {
		assert(m->nmember < m->max);
		m->member[m->nmember++] = (struct member){.in = object, .object = NONE, .value = {.name = name, .name_len = len}};
	}
	return number;
}

uint32_t ens_members_path(struct ens_members *m, uint32_t object, const char *path, uint32_t len)
{
	const char *dot;

	while ((dot = memchr(path, '.', len))) {
		const uint32_t part = (uint32_t)(dot - path), member = ens_members_add(m, object, path, part);

		if (m->member[member].object == NONE)
			m->member[member].object = add_object(m, member, false);
		object = m->member[member].object;
		path = dot + 1;
		len -= part + 1;
	}
	return ens_members_add(m, object, path, len);
}

/* ---- one entry -------------------------------------------------------------------------------------------------- */

void ens_members_begin(struct ens_members *m)
{
	m->entry++;
	if (m->text.used_bytes)
		ens_arena_reset(&m->text);
}

static void want(struct ens_members *m, uint32_t object, const char *s, uint32_t len)
{
	struct object *o = &m->object[object];

	o->entry = m->entry;
	o->why = NULL;
	o->s = s;
	o->len = len;
	m->todo[m->ntodo++] = object;
}

/* False without memory. */
static bool keep(struct ens_members *m, const struct object *o, struct member *k, const struct ens_json_member *found)
{
	struct ens_raw_field *v = &k->value;
	const bool inside = found->len == 0 || (found->s >= o->s && found->s < o->s + o->len);

	if (k->entry == m->entry) {
		k->twice = true;
		return true;
	}
	k->entry = m->entry;
	k->twice = false;
	ens_raw_from_json(v, found);
	k->too_large = found->kind == ENS_JSON_STRING && found->len > ENS_VALUE_MAX_BYTES;
	if (v->s && !inside && !k->too_large)
		v->s = ens_arena_strndup(&m->text, v->s, v->len); /* it had escapes, and stands in the parser */
	else if (k->too_large)
		v->s = NULL;
	if (k->object != NONE && v->kind == ENS_RAW_OTHER && v->s[0] == '{')
		want(m, k->object, v->s, v->len);
	return !m->text.failed;
}

static bool parse(struct ens_members *m, uint32_t object)
{
	struct object *o = &m->object[object];
	const struct ens_json_member *member;
	enum ens_json_result result;
	size_t nmember;

	result = ens_json_parse(m->parser, o->s, o->len, &member, &nmember, &o->why);
	if (result == ENS_JSON_NO_MEMORY)
		return false;
	if (result != ENS_JSON_OK) {
		o->reason = ens_reject_from_json(result);
		return true;
	}
	o->why = NULL;
	for (size_t i = 0; i < nmember; i++) {
		const uint32_t k = member[i].name_len > UINT32_MAX
					   ? NONE
					   : ens_names_get(&m->names, object, member[i].name, (uint32_t)member[i].name_len);

		if (k != NONE && !keep(m, o, &m->member[k], &member[i]))
			return false;
	}
	return true;
}

static bool parse_all(struct ens_members *m)
{
	while (m->ntodo)
		if (!parse(m, m->todo[--m->ntodo])) {
			m->ntodo = 0;
			return false;
		}
	return true;
}

bool ens_members_read(struct ens_members *m, uint32_t root, const struct ens_raw_field *raw)
{
	struct object *o = &m->object[root];
	bool object, text;
	char *copy;

	if (o->entry == m->entry)
		return true;
	o->entry = m->entry;
	o->why = NULL;
	if (!raw || raw->kind == ENS_RAW_NULL || (raw->kind == ENS_RAW_TEXT && raw->len == 0))
		return true;
	object = raw->kind == ENS_RAW_OTHER && raw->len && raw->s[0] == '{';
	text = o->text && (raw->kind == ENS_RAW_TEXT || raw->kind == ENS_RAW_STRING);
	if (!object && !text) {
		o->why = o->text ? "is not a JSON object" : NULL;
		o->reason = ENS_REJECT_BAD_ENTRY;
		return true;
	}
	copy = ens_arena_alloc(&m->text, (size_t)raw->len + ENS_JSON_PADDING_BYTES);
	if (!copy)
		return false;
	if (raw->len)
		memcpy(copy, raw->s, raw->len);
	memset(copy + raw->len, 0, ENS_JSON_PADDING_BYTES);
	want(m, root, copy, raw->len);
	return parse_all(m);
}

const char *ens_members_wrong(const struct ens_members *m, uint32_t root, enum ens_reject_reason *reason)
{
	const struct object *o = &m->object[root];

	if (o->entry != m->entry || !o->why)
		return NULL;
	*reason = o->reason;
	return o->why;
}

enum ens_member_state ens_members_get(const struct ens_members *m, uint32_t member, struct ens_member *out)
{
	const struct member *k = &m->member[member], *up = k;

	for (;;) {
		const struct object *o = &m->object[up->in];

		if (up->entry == m->entry && up->twice)
			return ENS_MEMBER_TWICE;
		if (o->entry == m->entry && o->why) {
			out->reason = o->reason;
			out->why = o->why;
			return ENS_MEMBER_WRONG;
		}
		if (o->member == NONE)
			break;
		up = &m->member[o->member];
	}
	if (k->entry != m->entry)
		return ENS_MEMBER_ABSENT;
	if (k->too_large) {
		out->reason = ENS_REJECT_TOO_LARGE;
		out->why = "has more than 65536 bytes";
		return ENS_MEMBER_WRONG;
	}
	out->raw = &k->value;
	return ENS_MEMBER_THERE;
}
