/*
 * Inferring declarations: for each field the set of types that every value so far would be decoded as.
 *
 * A set is bits of enum ens_type; each value narrows it (runtime/decode.c says what is taken as what: in JSON a string is
 * never a number; in Redis and CSV everything is a text).  At the end the narrowest type that is left is taken, in the
 * order of `preferred`.  Texts like 007 stay strings: as numbers they would lose their zeros.  Numbers are times only if
 * the field's name says so and all of them lie between 1990 and 2100 in one unit.  Members of objects are fields that are
 * read by their path: `user_id: int as "user.id"`.
 * Cost: linear in the entries; memory in the number of different fields.  Tested by tests/cli/infer.sh.
 */
#include "tools/infer.h"

#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "compiler/map.h"
#include "dsl/ast.h"
#include "runtime/members.h"

#define BIT(type) (1u << (type))
#define ALL_TYPES (BIT(ENS_NTYPE) - 1 - BIT(ENS_NOTYPE))
#define TYPES_MAX 100u                 /* event types told apart in one input; more are no names of types */
#define FIELDS_MAX (ENS_FIELDS_MAX - 1u) /* room for the raw field that names the type */
#define NAME_MAX_BYTES 200u
#define OBJECTS_MAX 32u                /* looked into in one field of an entry */
#define EARLIEST_S 631152000.0         /* 1990 */
#define LATEST_S 4102444800.0          /* 2100 */

struct field {
	const char *name;
	const char *path;           /* it is a member of an object, and this leads to it; NULL: it is the entry's own */
	bool can_be_name;
	unsigned types;             /* that take every value so far */
	uint32_t seen, null, empty; /* entries that have it; with a null; with an empty text */
	uint32_t objects;           /* with an object */
	uint32_t last;              /* number of the latest entry that has it */
	double low, high;           /* of the numbers */
};

struct type {
	const char *name;           /* NULL: the entries name none */
	const char *member;         /* that names it */
	struct ens_map map;         /* name to index */
	struct field **field;
	uint32_t nfield, cap, nentry;
	bool too_many;
};

struct infer {
	struct ens_arena *arena;
	bool redis;
	struct ens_json_parser *json; /* of objects in entries; NULL: there was none yet */
	struct ens_map map;         /* name of a type to index */
	struct type type[TYPES_MAX];
	uint32_t ntype, taken, entries;
};

struct infer *infer_begin(struct ens_arena *arena, bool redis)
{
	struct infer *w = ens_arena_zalloc(arena, sizeof *w);

	if (!w)
		return NULL;
	w->arena = arena;
	w->redis = redis;
	ens_map_init(&w->map, arena);
	return w;
}

void infer_end(struct infer *w)
{
	if (w)
		ens_json_parser_close(w->json);
}

uint32_t infer_taken(const struct infer *w)
{
	return w->taken;
}

uint32_t infer_left_out(const struct infer *w)
{
	return w->entries - w->taken;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* Digits that are written as we would write them: 7 and -7, not 007, +7 or -0. */
static bool plain_int(const char *s, size_t len, int64_t *out)
{
	struct ens_buf again = ENS_BUF_EMPTY;

	if (!ens_parse_int(s, len, out))
		return false;
	ens_format_int(&again, *out);
	const bool same = again.len == len && memcmp(again.data, s, len) == 0;

	ens_buf_free(&again);
	return same;
}

static unsigned types_of_string(const char *s, size_t len)
{
	unsigned types = BIT(ENS_STRING);
	uint8_t ip[16];
	int64_t us;

	if (len > 4 && s[4] == '-' && ens_parse_time(s, len, ENS_UNIT_AUTO, &us))
		types |= BIT(ENS_TIME);
	if (ens_parse_ip(s, len, ip))
		types |= BIT(ENS_IP);
	if (len > 1 && s[len - 1] >= 'a' && s[len - 1] <= 'z' && ens_parse_duration(s, len, &us))
		types |= BIT(ENS_DURATION);
	return types;
}

/* A text of Redis or CSV. */
static unsigned types_of_text(const char *s, size_t len, double *number)
{
	unsigned types = types_of_string(s, len);
	const bool zeros = len > 1 && (s[0] == '0' || (s[0] == '-' && s[1] == '0')) && !memchr(s, '.', len);
	int64_t i;
	bool b;

	if (plain_int(s, len, &i))
		types |= BIT(ENS_INT);
	if (!zeros && s[0] != '+' && ens_parse_float(s, len, number))
		types |= BIT(ENS_FLOAT);
	if (ens_parse_bool(s, len, &b))
		types |= BIT(ENS_BOOL);
	return types;
}

static unsigned types_of(const struct ens_raw_field *raw, double *number)
{
	switch (raw->kind) {
	case ENS_RAW_TEXT:
		return types_of_text(raw->s, raw->len, number);
	case ENS_RAW_STRING:
		return types_of_string(raw->s, raw->len);
	case ENS_RAW_INT:
		*number = (double)raw->i;
		return BIT(ENS_INT) | BIT(ENS_FLOAT);
	case ENS_RAW_FLOAT:
		*number = raw->f;
		return BIT(ENS_FLOAT);
	case ENS_RAW_BOOL:
		return BIT(ENS_BOOL);
	case ENS_RAW_OTHER: /* an integer of more than 64 bits, or an array or object */
		return ens_parse_float(raw->s, raw->len, number) ? BIT(ENS_FLOAT) : 0;
	case ENS_RAW_NULL:
		break;
	}
	return ALL_TYPES;
}

static bool is_object(const struct ens_raw_field *raw)
{
	return raw->kind == ENS_RAW_OTHER && raw->len && raw->s[0] == '{';
}

static void take_value(struct field *f, const struct ens_raw_field *raw)
{
	double number = 0;

	f->seen++;
	f->objects += is_object(raw);
	if (raw->kind == ENS_RAW_NULL) {
		f->null++;
		return;
	}
	if (raw->kind == ENS_RAW_TEXT && raw->len == 0) {
		f->empty++;
		return;
	}
	const unsigned types = types_of(raw, &number);
	const bool first = f->seen - f->null - f->empty == 1;

	f->types &= types;
	if (!(types & BIT(ENS_FLOAT)))
		return;
	if (first || number < f->low)
		f->low = number;
	if (first || number > f->high)
		f->high = number;
}

/* ---- entries ----------------------------------------------------------------------------------------------------- */

/* Can the text be a name between back quotes? */
static bool can_be_name(const char *s, size_t len)
{
	if (len == 0 || len > NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f || s[i] == '`')
			return false;
	return true;
}

/* user.id as a name: user_id */
static const char *name_of_path(struct ens_arena *arena, const char *path)
{
	char *name = ens_arena_strndup(arena, path, strlen(path));

	for (char *p = name; p && *p; p++)
		if (*p == '.')
			*p = '_';
	return name;
}

static struct field *field_named(struct infer *w, struct type *t, const struct ens_raw_field *raw, bool inside)
{
	uint32_t *place = ens_map_at(&t->map, raw->name, raw->name_len);
	struct field *f;

	if (!place)
		return NULL;
	if (*place != ENS_MAP_NONE)
		return t->field[*place];
	if (t->nfield == t->cap) {
		const uint32_t cap = t->cap ? t->cap * 2 : 16;
		struct field **bigger = ens_arena_alloc(w->arena, cap * sizeof(struct field *));

		if (!bigger)
			return NULL;
		if (t->nfield)
			memcpy(bigger, t->field, t->nfield * sizeof(struct field *));
		t->field = bigger;
		t->cap = cap;
	}
	f = ens_arena_zalloc(w->arena, sizeof *f);
	if (!f)
		return NULL;
	f->name = ens_arena_strndup(w->arena, raw->name, raw->name_len);
	if (f->name && inside) {
		f->path = f->name;
		f->name = name_of_path(w->arena, f->path);
	}
	if (!f->name)
		return NULL;
	f->can_be_name = can_be_name(raw->name, raw->name_len);
	f->types = ALL_TYPES;
	*place = t->nfield;
	t->field[t->nfield++] = f;
	return f;
}

static bool is_utf8(const struct ens_entry *entry)
{
	for (uint32_t i = 0; i < entry->nfield; i++) {
		const struct ens_raw_field *raw = &entry->field[i];

		if (ens_utf8_valid(raw->name, raw->name_len) != raw->name_len)
			return false;
		if (raw->kind == ENS_RAW_TEXT && ens_utf8_valid(raw->s, raw->len) != raw->len)
			return false;
	}
	return true;
}

static const struct ens_raw_field *member_named(const struct ens_entry *entry, const char *name)
{
	for (uint32_t i = 0; i < entry->nfield; i++)
		if (entry->field[i].name_len == strlen(name) && memcmp(entry->field[i].name, name, strlen(name)) == 0)
			return &entry->field[i];
	return NULL;
}

/* The member that names the type, as runtime/decode.c finds it. */
static const struct ens_raw_field *naming_member(const struct infer *w, const struct ens_entry *entry)
{
	const struct ens_raw_field *raw = member_named(entry, "event");

	if (!raw && !w->redis)
		raw = member_named(entry, "_event");
	return raw && (raw->kind == ENS_RAW_NULL || (raw->kind == ENS_RAW_TEXT && raw->len == 0)) ? NULL : raw;
}

/* The type that the entry is of; NULL: it can't be declared, or there is no memory (*failed). */
static struct type *type_of(struct infer *w, const struct ens_entry *entry, bool *failed)
{
	const struct ens_raw_field *named = naming_member(w, entry);

	if (named && ((named->kind != ENS_RAW_TEXT && named->kind != ENS_RAW_STRING) || !can_be_name(named->s, named->len)))
		return NULL;
	uint32_t *place = ens_map_at(&w->map, named ? named->s : "", named ? named->len : 0);

	if (!place) {
		*failed = true;
		return NULL;
	}
	if (*place != ENS_MAP_NONE)
		return &w->type[*place];
	if (w->ntype == TYPES_MAX)
		return NULL;
	struct type *t = &w->type[w->ntype];

	*t = (struct type){.name = named ? ens_arena_strndup(w->arena, named->s, named->len) : NULL,
			   .member = named ? ens_arena_strndup(w->arena, named->name, named->name_len) : NULL};
	*failed = named && (!t->name || !t->member);
	ens_map_init(&t->map, w->arena);
	*place = w->ntype++;
	return *failed ? NULL : t;
}

/* A field, or a member whose name is its path.  False without memory. */
static bool take_field(struct infer *w, struct type *t, const struct ens_raw_field *raw, bool inside)
{
	struct field *f;

	if (t->nfield == FIELDS_MAX && ens_map_find(&t->map, raw->name, raw->name_len) == ENS_MAP_NONE) {
		t->too_many = true;
		return true;
	}
	f = field_named(w, t, raw, inside);
	if (!f)
		return false;
	if (f->last != w->entries) { /* twice in one entry: the first counts */
		f->last = w->entries;
		take_value(f, raw);
	}
	return true;
}

/* Objects that are still to be looked into, and the paths to them. */
struct objects {
	struct {
		const char *s;
		uint32_t len;
		char path[NAME_MAX_BYTES + 1];
	} at[OBJECTS_MAX];
	uint32_t n;
};

/* `prefix`: the path to where it is, or NULL.  Names that no path can have are left out. */
static bool join_path(char path[NAME_MAX_BYTES + 1], const char *prefix, const char *name, size_t len)
{
	const size_t before = prefix ? strlen(prefix) + 1 : 0;

	if (!can_be_name(name, len) || memchr(name, '.', len) || before + len > NAME_MAX_BYTES)
		return false;
	if (prefix) {
		memmove(path, prefix, before - 1);
		path[before - 1] = '.';
	}
	memcpy(path + before, name, len);
	path[before + len] = '\0';
	return true;
}

static void want_object(struct objects *o, const char *path, const struct ens_raw_field *raw)
{
	if (o->n == OBJECTS_MAX)
		return;
	o->at[o->n].s = raw->s;
	o->at[o->n].len = raw->len;
	memmove(o->at[o->n].path, path, strlen(path) + 1);
	o->n++;
}

/* The members of an object of a file's line, and of those in it.  False without memory. */
static bool take_members(struct infer *w, struct type *t, const struct ens_raw_field *object)
{
	struct objects todo = {.n = 0};
	const struct ens_json_member *member;
	char prefix[NAME_MAX_BYTES + 1], path[NAME_MAX_BYTES + 1];
	const char *why;
	size_t nmember;

	if (!w->json)
		w->json = ens_json_parser_open(ENS_ENTRY_MAX_BYTES, ENS_FIELDS_MAX, ENS_JSON_DEPTH_MAX);
	if (!w->json)
		return false;
	if (join_path(path, NULL, object->name, object->name_len))
		want_object(&todo, path, object);
	while (todo.n) {
		const uint32_t last = --todo.n;

		strcpy(prefix, todo.at[last].path);
		if (ens_json_parse(w->json, todo.at[last].s, todo.at[last].len, &member, &nmember, &why) != ENS_JSON_OK)
			continue; /* a bad escape inside */
		for (size_t i = 0; i < nmember; i++) {
			struct ens_raw_field raw;

			if (!join_path(path, prefix, member[i].name, member[i].name_len))
				continue;
			raw.name = path;
			raw.name_len = (uint32_t)strlen(path);
			ens_raw_from_json(&raw, &member[i]);
			if (!take_field(w, t, &raw, true))
				return false;
			if (is_object(&raw))
				want_object(&todo, path, &raw);
		}
	}
	return true;
}

bool infer_entry(struct infer *w, const struct ens_entry *entry)
{
	bool failed = false;
	struct type *t = is_utf8(entry) ? type_of(w, entry, &failed) : NULL;

	w->entries++;
	if (!t)
		return !failed;
	w->taken++;
	t->nentry++;
	for (uint32_t i = 0; i < entry->nfield; i++) {
		const struct ens_raw_field *raw = &entry->field[i];

		if (t->member && raw->name_len == strlen(t->member) && memcmp(raw->name, t->member, raw->name_len) == 0)
			continue;
		if (!take_field(w, t, raw, false) || (is_object(raw) && !take_members(w, t, raw)))
			return false;
	}
	return true;
}

/* ---- decisions --------------------------------------------------------------------------------------------------- */

static bool ends_in(const char *s, const char *end)
{
	const size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

static bool sounds_like_time(const char *name)
{
	char low[NAME_MAX_BYTES + 1];
	size_t n = 0;

	for (; name[n] && n < NAME_MAX_BYTES; n++)
		low[n] = (char)tolower((unsigned char)name[n]);
	low[n] = '\0';
	return ends_in(low, "time") || ends_in(low, "timestamp") || ends_in(low, "_at") || ends_in(name, "At")
	       || ends_in(low, "_ts") || strcmp(low, "ts") == 0 || strcmp(low, "at") == 0 || strcmp(low, "date") == 0
	       || strcmp(low, "epoch") == 0;
}

/* The unit in which a number is a time of our days; ENS_UNIT_AUTO: in none. */
static enum ens_time_unit unit_of(double n)
{
	static const struct {
		enum ens_time_unit unit;
		double per_s;
	} units[] = {{ENS_UNIT_S, 1}, {ENS_UNIT_MS, 1e3}, {ENS_UNIT_US, 1e6}, {ENS_UNIT_NS, 1e9}};

	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (n >= EARLIEST_S * units[i].per_s && n <= LATEST_S * units[i].per_s)
			return units[i].unit;
	return ENS_UNIT_AUTO;
}

/* ENS_NOTYPE: no type takes all its values. */
static enum ens_type decide(const struct field *f, enum ens_time_unit *unit)
{
	static const enum ens_type preferred[] = {ENS_INT, ENS_FLOAT, ENS_BOOL, ENS_TIME, ENS_IP, ENS_DURATION, ENS_STRING};

	*unit = ENS_UNIT_AUTO;
	if (f->seen == f->null + f->empty)
		return ENS_STRING;
	if (f->types & BIT(ENS_FLOAT) && sounds_like_time(f->name) && unit_of(f->low) == unit_of(f->high))
		*unit = unit_of(f->low);
	if (*unit != ENS_UNIT_AUTO)
		return ENS_TIME;
	for (size_t i = 0; i < sizeof preferred / sizeof *preferred; i++)
		if (f->types & BIT(preferred[i]))
			return preferred[i];
	return ENS_NOTYPE;
}

static bool is_optional(const struct type *t, const struct field *f, enum ens_type type)
{
	return f->seen < t->nentry || f->null || (f->empty && type != ENS_STRING);
}

/* A member is called after its path, `user_id`, unless another field is called so: then it is called as its path. */
static const char *name_of(const struct type *t, const struct field *f)
{
	for (uint32_t i = 0; f->path && i < t->nfield; i++)
		if (t->field[i] != f && strcmp(t->field[i]->name, f->name) == 0)
			return f->path;
	return f->name;
}

/* The field that the type's events have their time in, if it has to be said: a file has no other. */
static const char *time_field(const struct infer *w, const struct type *t)
{
	const char *found = NULL;
	enum ens_time_unit unit;

	if (w->redis)
		return NULL;
	for (uint32_t i = 0; i < t->nfield; i++) {
		const struct field *f = t->field[i];

		if (decide(f, &unit) != ENS_TIME || is_optional(t, f, ENS_TIME) || !f->can_be_name)
			continue;
		if (found || strcmp(f->name, "time") == 0)
			return NULL;
		found = name_of(t, f);
	}
	return found;
}

/* ---- the text ---------------------------------------------------------------------------------------------------- */

static void write_literal(const char *text, struct ens_buf *out)
{
	ens_buf_addc(out, '"');
	for (const char *s = text; *s; s++) {
		if (*s == '"' || *s == '\\')
			ens_buf_addc(out, '\\');
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			ens_buf_addf(out, "\\x%02x", (unsigned char)*s);
		else
			ens_buf_addc(out, *s);
	}
	ens_buf_addc(out, '"');
}

static void write_field(const struct type *t, const struct field *f, struct ens_buf *out)
{
	static const char *const units[] = {"", "(s)", "(ms)", "(us)", "(ns)"};
	enum ens_time_unit unit;
	const enum ens_type type = decide(f, &unit);
	const char *name = name_of(t, f);
	const size_t len = strlen(name);

	if (f->objects && f->objects == f->seen - f->null)
		return; /* its members are there */
	if (type == ENS_NOTYPE || !f->can_be_name) {
		ens_buf_adds(out, "  # left out: ");
		ens_buf_add_visible(out, name, len < NAME_MAX_BYTES ? len : ens_utf8_valid(name, NAME_MAX_BYTES));
		ens_buf_adds(out, type == ENS_NOTYPE ? ", no type takes all its values (a list, an object, or a mixture)\n"
						     : ", which can't be a name\n");
		return;
	}
	ens_buf_adds(out, "  ");
	ens_name_write(name, out);
	ens_buf_addf(out, ": %s%s%s", ens_type_name(type), units[unit], is_optional(t, f, type) ? "?" : "");
	if (f->path && name != f->path) {
		ens_buf_adds(out, " as ");
		write_literal(f->path, out);
	}
	ens_buf_addc(out, '\n');
}

/* A name of a type after a stream or file, "auth:failed-logins" gives FailedLogins, that no other type has. */
static void write_type_name(const struct infer *w, const char *stream, struct ens_buf *out)
{
	const size_t before = out->len;
	bool begins = true;

	for (const char *s = stream; *s; s++)
		if ((*s == ':' || *s == '/' || *s == '}') && s[1])
			stream = s + 1;
	for (const char *s = stream; *s && out->len - before < NAME_MAX_BYTES; s++) {
		const bool digit = *s >= '0' && *s <= '9', letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');

		if (digit && out->len == before)
			ens_buf_addc(out, 'E');
		if (digit || letter)
			ens_buf_addc(out, (char)(begins ? toupper((unsigned char)*s) : *s));
		begins = !digit && !letter;
	}
	if (out->len == before)
		ens_buf_adds(out, "Event");
	while (ens_map_find(&w->map, out->data + before, out->failed ? 0 : out->len - before) != ENS_MAP_NONE && !out->failed)
		ens_buf_adds(out, "Other");
}

static void write_type(const struct infer *w, const struct type *t, const char *stream, struct ens_buf *out)
{
	const char *time = time_field(w, t);

	ens_buf_adds(out, "event ");
	if (t->name)
		ens_name_write(t->name, out);
	else
		write_type_name(w, stream, out);
	ens_buf_adds(out, " from ");
	write_literal(stream, out);
	if (t->name && w->ntype > 1) {
		ens_buf_addf(out, " where %s = ", t->member);
		write_literal(t->name, out);
	}
	ens_buf_adds(out, " {\n");
	for (uint32_t i = 0; i < t->nfield; i++)
		write_field(t, t->field[i], out);
	if (t->too_many)
		ens_buf_addf(out, "  # and more than these %u fields, which is the most there can be\n", FIELDS_MAX);
	ens_buf_addc(out, '}');
	if (time) {
		ens_buf_adds(out, " time ");
		ens_name_write(time, out);
	}
	ens_buf_addc(out, '\n');
}

/* Types that the entries name first: the one without a name takes what is left. */
void infer_write(const struct infer *w, const char *stream, struct ens_buf *out)
{
	for (int unnamed = 0; unnamed < 2; unnamed++)
		for (uint32_t i = 0; i < w->ntype; i++)
			if ((w->type[i].name == NULL) == unnamed)
				write_type(w, &w->type[i], stream, out);
}
