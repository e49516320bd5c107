/*
 * Members of JSON objects inside an entry: what `json FIELD` and `as "a.b.c"` read.
 *
 * An object is a field of the entry (a root, which the decoder knows by its name) or a member of another object.  Which
 * members are wanted is said once; then, entry by entry, a root is read when a type wants it, at most once, and all wanted
 * members in it are there.  Values are borrowed until the next entry.
 */
#ifndef ENS_RUNTIME_MEMBERS_H
#define ENS_RUNTIME_MEMBERS_H

#include "runtime/decode.h"
#include "runtime/json.h"

struct ens_members;

/* Room for so many members and roots together.  NULL without memory. */
struct ens_members *ens_members_open(size_t max);
void ens_members_close(struct ens_members *m);

/* An object that is a field of the entry; `text`: also where the field holds it as text.  Gives the object's number. */
uint32_t ens_members_root(struct ens_members *m, bool text);
/* The member of that name, as it is.  Gives its number. */
uint32_t ens_members_add(struct ens_members *m, uint32_t object, const char *name, uint32_t len);
/* The member at the end of a path, whose parts are joined by dots. */
uint32_t ens_members_path(struct ens_members *m, uint32_t object, const char *path, uint32_t len);

/* Another entry begins. */
void ens_members_begin(struct ens_members *m);
/* Reads the root from the entry's field (NULL: the entry has none); once for an entry.  False without memory. */
bool ens_members_read(struct ens_members *m, uint32_t root, const struct ens_raw_field *raw);

/* NULL: the root is an object, or is not there; else what is wrong with it, as in "the text is not valid JSON". */
const char *ens_members_wrong(const struct ens_members *m, uint32_t root, enum ens_reject_reason *reason);

enum ens_member_state {
	ENS_MEMBER_ABSENT,
	ENS_MEMBER_THERE,
	ENS_MEMBER_TWICE,  /* it, or an object that it is in, is there more than once */
	ENS_MEMBER_WRONG   /* what it is in, or its own value, can't be taken: *reason and *why */
};

struct ens_member {
	const struct ens_raw_field *raw; /* THERE */
	enum ens_reject_reason reason;   /* WRONG */
	const char *why;
};

enum ens_member_state ens_members_get(const struct ens_members *m, uint32_t member, struct ens_member *out);

/* ---- JSON as entries have it ------------------------------------------------------------------------------------ */

/* Field by field: a copy of the whole would wait for its parts to be written.  The name is the caller's. */
static inline void ens_raw_from_json(struct ens_raw_field *raw, const struct ens_json_member *m)
{
	static const enum ens_raw_kind kind[] = {
		[ENS_JSON_STRING] = ENS_RAW_STRING, [ENS_JSON_INT] = ENS_RAW_INT,   [ENS_JSON_FLOAT] = ENS_RAW_FLOAT,
		[ENS_JSON_BOOL] = ENS_RAW_BOOL,     [ENS_JSON_NULL] = ENS_RAW_NULL, [ENS_JSON_OTHER] = ENS_RAW_OTHER,
	};

	raw->kind = kind[m->kind];
	raw->s = m->s;
	raw->len = (uint32_t)m->len;
	if (m->kind == ENS_JSON_FLOAT)
		raw->f = m->f;
	else
		raw->i = m->i;
}

static inline enum ens_reject_reason ens_reject_from_json(enum ens_json_result result)
{
	return result == ENS_JSON_NOT_UTF8   ? ENS_REJECT_NOT_UTF8
	       : result == ENS_JSON_TOO_LARGE ? ENS_REJECT_TOO_LARGE
					      : ENS_REJECT_BAD_ENTRY;
}

#endif
