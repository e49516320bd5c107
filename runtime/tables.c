/*
 * Opens rule tables: a view without copies, after every invariant of runtime/tables.h has been verified.
 *
 * The checksum tells damage, not malice: whoever makes a file can compute it, so nothing after it trusts it.  Three
 * passes: each record of each section alone (T2, T3, T4); each program (T5); what rules, groups and keys say about each
 * other (T6, T7, T8), which relies on the lists and indices that the first pass has seen.
 * Cost: linear in the file.  Lists may share elements, so that what is looked at through them could grow with the square
 * of the size; `work` counts it and a file that needs more than WORK_PER_BYTE for each byte is refused (T3).  Memory: a
 * few words for each type, stream, rule and set.
 * Tested by tests/unit/test_tables.c.
 */
#include "runtime/tables.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/limits.h"
#include "base/text.h"
#include "runtime/program.h"

#define WORK_PER_BYTE 64u
#define BYTES_PER_WORK 8u /* of text */

struct check {
	struct ens_tables *t;
	struct ens_error *err;
	const char *what;   /* the record looked at: "rule" 4 */
	uint32_t index;
	uint64_t work, work_max;
	enum ens_status status;
	uint32_t *type_mark, *stream_mark; /* by type and stream: who named it last, + 1 */
	uint32_t *type_group;              /* by derived type: of the rules that take it in */
	uint32_t *set_nulls;               /* by set: nulls before the first constant that has a type */
};

/* ---- saying what is wrong --------------------------------------------------------------------------------------- */

static bool bad(struct check *c, int invariant, const char *fmt, ...) ENS_PRINTF(3, 4);
static bool bad(struct check *c, int invariant, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	if (c->status != ENS_OK)
		return false;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->status = ens_fail(c->err, ENS_EINPUT, "%s %u: %s (invariant T%d)", c->what, c->index, text,
			     invariant);
	return false;
}

static void look_at(struct check *c, const char *what, uint32_t index)
{
	c->what = what;
	c->index = index;
}

static bool spend(struct check *c, uint64_t work)
{
	c->work += work;
	return c->work <= c->work_max || bad(c, 3, "too many lists and texts lie on top of each other");
}

/* ---- T2, T3: texts, lists, indices ------------------------------------------------------------------------------ */

static bool check_text(struct check *c, const char *name, uint64_t off, uint32_t len)
{
	if (off > c->t->nbytes || len > c->t->nbytes - off)
		return bad(c, 2, "%s lies outside the bytes", name);
	if (len > ENS_STRING_LITERAL_MAX_BYTES)
		return bad(c, 4, "%s is longer than %u bytes", name, ENS_STRING_LITERAL_MAX_BYTES);
	if (!spend(c, 1 + len / BYTES_PER_WORK))
		return false;
	if (ens_utf8_valid(c->t->bytes + off, len) != len)
		return bad(c, 2, "%s is not UTF-8", name);
	return true;
}

static bool check_str(struct check *c, const char *name, struct ens_t_str s)
{
	return check_text(c, name, s.off, s.len);
}

/* The list lies in a section of `count` records. */
static bool check_list(struct check *c, const char *name, struct ens_t_list l, uint32_t count)
{
	if (l.first > count || l.count > count - l.first)
		return bad(c, 3, "%s list ends outside its section", name);
	return spend(c, 1 + (uint64_t)l.count);
}

static bool check_index(struct check *c, const char *name, uint32_t i, uint32_t count)
{
	return i < count || bad(c, 3, "%s %u of %u", name, i, count);
}

static bool check_index_or_none(struct check *c, const char *name, uint32_t i, uint32_t count)
{
	return i == ENS_NONE || check_index(c, name, i, count);
}

/* A list in the index section, whose elements number records of a section of `count`. */
static bool check_indices(struct check *c, const char *name, struct ens_t_list l, uint32_t count, bool ascending)
{
	const uint32_t *x;

	if (!check_list(c, name, l, c->t->nindex))
		return false;
	x = c->t->index + l.first;
	for (uint32_t i = 0; i < l.count; i++) {
		if (!check_index(c, name, x[i], count))
			return false;
		if (ascending && i > 0 && x[i] <= x[i - 1])
			return bad(c, 3, "%s list is not ascending", name);
	}
	return true;
}

/* ---- T4: enumerations ------------------------------------------------------------------------------------------- */

static bool check_enum(struct check *c, const char *name, uint32_t value, uint32_t count)
{
	return value < count || bad(c, 4, "%s has the unknown value %u", name, value);
}

static bool check_type_code(struct check *c, uint32_t type)
{
	return (type != ENS_NOTYPE && type < ENS_LIST) || bad(c, 4, "its type has the unknown value %u", type);
}

static bool check_const(struct check *c, const struct ens_t_const *k, bool unset_ok)
{
	double x;

	if (!check_enum(c, "a constant's type", k->type, ENS_LIST) ||
	    !check_enum(c, "a constant's nullness", k->null, unset_ok ? ENS_UNSET + 1u : ENS_NULL + 1u))
		return false;
	if (k->null != ENS_SET)
		return true;
	switch (k->type) {
	case ENS_NOTYPE:
		return bad(c, 4, "a constant has a value but no type");
	case ENS_BOOL:
		return k->bits <= 1 || bad(c, 4, "a bool is neither 0 nor 1");
	case ENS_FLOAT:
		memcpy(&x, &k->bits, 8);
		return isfinite(x) || bad(c, 4, "a float is not finite");
	case ENS_STRING:
		return check_text(c, "a string", k->bits, k->len);
	case ENS_IP:
		if (k->bits > c->t->nbytes || c->t->nbytes - k->bits < 16)
			return bad(c, 2, "an address lies outside the bytes");
		return k->len <= 128 || bad(c, 4, "a network of %u bits", k->len);
	default:
		return true;
	}
}

/* ---- each section alone ----------------------------------------------------------------------------------------- */

static bool check_stream(struct check *c, const struct ens_t_stream *s)
{
	if (s->name.len == 0)
		return bad(c, 4, "its name is empty");
	if (s->lateness_us < 0 || s->idle_us < 0)
		return bad(c, 4, "its lateness, or what makes it idle, is negative");
	return check_str(c, "its name", s->name) && check_indices(c, "type", s->types, c->t->ntype, false);
}

static bool check_declared(struct check *c, const struct ens_t_type *y, const char *name, uint32_t field)
{
	return check_index_or_none(c, name, field, y->fields.count - y->nraw);
}

static bool check_type_options(struct check *c, const struct ens_t_type *y)
{
	if (y->unique_us < 0)
		return bad(c, 4, "values are unique for a negative time");
	if (y->kind == ENS_T_DERIVED && (y->streams.count || y->nraw || y->where != ENS_NONE || y->json.len))
		return bad(c, 11, "it is derived, but read from a stream");
	return check_str(c, "its JSON field", y->json) && check_str(c, "its stream of late events", y->late_stream) &&
	       check_enum(c, "its kind", y->kind, ENS_T_DERIVED + 1u) &&
	       check_enum(c, "its lateness", y->late, ENS_T_LATE_TO + 1u) &&
	       (y->late != ENS_T_LATE_TO || y->late_stream.len || bad(c, 4, "late events go to a stream without a name")) &&
	       check_declared(c, y, "sent field", y->sent_field) && check_declared(c, y, "shard field", y->shard_field) &&
	       check_declared(c, y, "unique field", y->unique_field);
}

static bool check_type(struct check *c, const struct ens_t_type *y)
{
	if (!check_str(c, "its name", y->name) || !check_indices(c, "stream", y->streams, c->t->nstream, false) ||
	    !check_list(c, "field", y->fields, c->t->nfield) ||
	    !check_index_or_none(c, "program", y->where, c->t->nprogram))
		return false;
	if (y->fields.count > ENS_FIELDS_MAX)
		return bad(c, 4, "more than %u fields", ENS_FIELDS_MAX);
	if (y->nraw > y->fields.count)
		return bad(c, 4, "more raw fields than fields");
	return check_type_options(c, y) && check_declared(c, y, "time field", y->time_field);
}

/* What a type says about its fields, once they have been looked at. */
static bool check_type_fields(struct check *c, const struct ens_t_type *y)
{
	const struct ens_t_field *f = c->t->field + y->fields.first;

	for (uint32_t i = y->fields.count - y->nraw; i < y->fields.count; i++)
		if (f[i].type != ENS_STRING || !f[i].optional)
			return bad(c, 4, "raw field %u is not an optional string", i);
		else if (f[i].program != ENS_NONE)
			return bad(c, 10, "raw field %u is computed", i);
	for (uint32_t i = 0; y->kind == ENS_T_DERIVED && i < y->fields.count; i++)
		if (f[i].program != ENS_NONE)
			return bad(c, 11, "field %u of a derived type is computed", i);
	if ((y->time_field != ENS_NONE && (f[y->time_field].type != ENS_TIME || f[y->time_field].optional)) ||
	    (y->sent_field != ENS_NONE && (f[y->sent_field].type != ENS_TIME || f[y->sent_field].optional)))
		return bad(c, 4, "its time field is not of type time, or is optional");
	return true;
}

/* The decoder looks at each name that the field is read from. */
static bool check_sources(struct check *c, struct ens_t_list l)
{
	if (l.count == 0)
		return bad(c, 4, "it is read from nowhere");
	if (!check_list(c, "source", l, c->t->nsource))
		return false;
	for (uint32_t i = 0; i < l.count; i++) {
		const uint32_t len = c->t->source[l.first + i].len; /* not checked yet */

		if (!spend(c, 1 + (len < ENS_STRING_LITERAL_MAX_BYTES ? len : ENS_STRING_LITERAL_MAX_BYTES) / BYTES_PER_WORK))
			return false;
	}
	return true;
}

static bool check_field(struct check *c, const struct ens_t_field *f)
{
	return check_str(c, "its name", f->name) && check_sources(c, f->sources) &&
	       check_type_code(c, f->type) && check_enum(c, "optional", f->optional, 2) &&
	       check_index_or_none(c, "program", f->program, c->t->nprogram) &&
	       check_enum(c, "its unit", f->unit, ENS_UNIT_NS + 1u);
}

static bool check_source(struct check *c, const struct ens_t_str *s)
{
	return check_str(c, "it", *s);
}

/* The records of one table type are found by T11. */
static bool check_table(struct check *c, const struct ens_t_table *x)
{
	const struct ens_t_type *y;

	if (!check_index(c, "type", x->type, c->t->ntype))
		return false;
	y = &c->t->type[x->type];
	if (y->kind != ENS_T_TABLE)
		return bad(c, 11, "its type is not a table's");
	if (x->key.count == 0 || x->key.count > ENS_LIST_MAX)
		return bad(c, 4, "a key of %u fields", x->key.count);
	return check_indices(c, "key", x->key, y->fields.count - y->nraw, false) &&
	       check_index_or_none(c, "program", x->delete_when, c->t->nprogram);
}

static bool check_lookup(struct check *c, const struct ens_t_lookup *x)
{
	const struct ens_t_type *y;

	if (!check_index(c, "table", x->table, c->t->ntable))
		return false;
	y = &c->t->type[c->t->table[x->table].type];
	return check_index(c, "field", x->field, y->fields.count - y->nraw);
}

static bool check_constant(struct check *c, const struct ens_t_const *k)
{
	return check_const(c, k, false);
}

/* All constants are of one type or null. */
static bool check_set(struct check *c, const struct ens_t_set *s)
{
	uint8_t type = ENS_NOTYPE;

	if (!check_list(c, "constant", s->consts, c->t->nconstant))
		return false;
	for (uint32_t i = 0; i < s->consts.count; i++) {
		uint8_t have = c->t->constant[s->consts.first + i].type;

		if (have != ENS_NOTYPE && type != ENS_NOTYPE && have != type)
			return bad(c, 4, "its constants are not all of one type");
		if (type == ENS_NOTYPE && have == ENS_NOTYPE)
			c->set_nulls[c->index]++;
		if (have != ENS_NOTYPE)
			type = have;
	}
	return true;
}

static bool check_pattern(struct check *c, const struct ens_t_str *s)
{
	return check_str(c, "it", *s);
}

static bool check_predicate(struct check *c, const struct ens_t_predicate *p)
{
	return check_index(c, "type", p->type, c->t->ntype) && check_index(c, "program", p->program, c->t->nprogram);
}

static bool check_keygroup(struct check *c, const struct ens_t_keygroup *g)
{
	if (g->parts.count > ENS_FIELDS_MAX)
		return bad(c, 4, "more than %u parts", ENS_FIELDS_MAX);
	return check_list(c, "part", g->parts, c->t->nkeypart);
}

static bool check_keypart(struct check *c, const struct ens_t_keypart *k)
{
	if (k->type == ENS_FLOAT)
		return bad(c, 4, "a key of floats");
	return check_str(c, "its name", k->name) && check_type_code(c, k->type) &&
	       check_enum(c, "null_ok", k->null_ok, 2);
}

static bool check_input(struct check *c, const struct ens_t_input *i)
{
	if (!check_index(c, "type", i->type, c->t->ntype) ||
	    !check_index_or_none(c, "predicate", i->filter, c->t->npredicate))
		return false;
	return check_indices(c, "key", i->key, c->t->type[i->type].fields.count, false);
}

static bool check_group(struct check *c, const struct ens_t_group *g)
{
	return check_indices(c, "stream", g->streams, c->t->nstream, true) &&
	       check_indices(c, "rule", g->rules, c->t->nrule, true);
}

static bool check_rule_lists(struct check *c, const struct ens_t_rule *r)
{
	const struct ens_tables *t = c->t;

	return check_list(c, "input", r->inputs, t->ninput) && check_list(c, "slot", r->slots, t->nslot) &&
	       check_list(c, "state", r->states, t->nstate) && check_list(c, "lead", r->leads, t->nabsence) &&
	       check_list(c, "emit", r->emits, t->nemit) && check_list(c, "reset", r->resets, t->nref) &&
	       check_indices(c, "skip state", r->skip_states, r->states.count, false) &&
	       check_indices(c, "table", r->tables, t->ntable, true);
}

static bool check_rule(struct check *c, const struct ens_t_rule *r)
{
	const struct ens_tables *t = c->t;

	if (!check_str(c, "its name", r->name) || !check_str(c, "its title", r->title) ||
	    !check_index(c, "group", r->group, t->ngroup) || !check_index(c, "key group", r->keygroup, t->nkeygroup) ||
	    !check_index_or_none(c, "having program", r->having, t->nprogram) || !check_rule_lists(c, r) ||
	    !check_enum(c, "select", r->select, ENS_T_ALL + 1u) ||
	    !check_enum(c, "scope", r->scope, ENS_T_SESSION + 1u) ||
	    !check_enum(c, "skip", r->skip, ENS_T_SKIP_ALL + 1u) || !check_enum(c, "once", r->having_once, 2) ||
	    !check_index_or_none(c, "window", r->window, t->nwindow) ||
	    !check_index_or_none(c, "limit program", r->limit_by, t->nprogram))
		return false;
	if (r->layer >= t->nrule)
		return bad(c, 4, "its layer is higher than there are rules");
	if (r->limit_count < 0 || r->limit_us < 0)
		return bad(c, 4, "its limit is negative");
	if (r->states.count == 0)
		return bad(c, 4, "it has no states");
	if (r->scope_amount < (r->scope == ENS_T_EVENTS) || r->session_max_us < -1)
		return bad(c, 4, "its scope is negative, or of no events");
	if (r->ncounter > (uint64_t)t->nop + t->nentry)
		return bad(c, 4, "it has more counters than anything counts with");
	return true;
}

static bool check_window(struct check *c, const struct ens_t_window *x)
{
	if (!check_enum(c, "its kind", x->kind, ENS_T_RUNNING + 1u) || !check_enum(c, "empty", x->empty, 2) ||
	    !check_str(c, "its zone", x->zone))
		return false;
	if (x->size < (x->kind != ENS_T_RUNNING) || x->every < (x->kind == ENS_T_HOPPING) || x->max_us < -1 ||
	    x->forget_us < -1 || x->revise_us < 0)
		return bad(c, 4, "a length of it is zero or negative");
	return true;
}

static bool check_ref(struct check *c, const struct ens_t_ref *x)
{
	return check_index(c, "type", x->type, c->t->ntype) &&
	       check_index_or_none(c, "predicate", x->predicate, c->t->npredicate) &&
	       check_index_or_none(c, "condition", x->condition, c->t->nprogram);
}

static bool check_slot(struct check *c, const struct ens_t_slot *s)
{
	if (!check_enum(c, "what it holds", s->holds, ENS_T_SKETCH + 1u))
		return false;
	if (s->holds == ENS_T_SKETCH && s->type != ENS_INT && s->type != ENS_FLOAT)
		return bad(c, 12, "the distribution of what has none");
	if (s->holds && s->init.null == ENS_SET)
		return bad(c, 12, "it collects, but begins with a value");
	if (!check_type_code(c, s->type) || !check_const(c, &s->init, true))
		return false;
	if (s->init.type != ENS_NOTYPE && s->init.type != s->type)
		return bad(c, 4, "its initial value has another type");
	/* what a slot of these types holds belongs to the engine */
	return !ens_type_is_bytes(s->init.type) || s->init.null ||
	       bad(c, 4, "its initial value is a %s: it can only begin as null", ens_type_name(s->init.type));
}

static bool check_state(struct check *c, const struct ens_t_state *s)
{
	const struct ens_tables *t = c->t;

	if (s->entries.count > ENS_ENTRIES_MAX)
		return bad(c, 4, "more than %u entries", ENS_ENTRIES_MAX);
	return check_str(c, "its name", s->name) && check_str(c, "its label", s->label) &&
	       check_index_or_none(c, "type", s->type, t->ntype) &&
	       check_index_or_none(c, "predicate", s->predicate, t->npredicate) &&
	       check_index_or_none(c, "condition", s->condition, t->nprogram) &&
	       check_list(c, "entry", s->entries, t->nentry) && check_list(c, "capture", s->captures, t->ncapture) &&
	       check_list(c, "until", s->untils, t->nref);
}

static bool check_entry(struct check *c, const struct ens_t_entry *e)
{
	const struct ens_tables *t = c->t;

	if (!check_enum(c, "its kind", e->kind, ENS_T_FORK_END + 1u) ||
	    !check_enum(c, "its arrow", e->arrow, ENS_T_ANY + 1u) ||
	    !check_enum(c, "its flags", e->flags, (ENS_T_GREEDY | ENS_T_AGAIN | ENS_T_EMPTY) + 1u))
		return false;
	if (e->kind == ENS_T_TAKE && e->arrow == 0)
		return bad(c, 4, "it takes an event without an arrow");
	if (e->after_us < -1 || e->within_us < -1)
		return bad(c, 4, "a limit is negative");
	return check_index_or_none(c, "program", e->after_program, t->nprogram) &&
	       check_index_or_none(c, "program", e->within_program, t->nprogram) &&
	       check_list(c, "guard", e->guards, t->nop) && check_list(c, "action", e->actions, t->nop) &&
	       check_list(c, "absence", e->absences, t->nabsence);
}

static bool check_op(struct check *c, const struct ens_t_op *o)
{
	return check_enum(c, "its kind", o->kind, ENS_T_CLEAR + 1u) &&
	       (o->kind != ENS_T_HOLDS || check_index(c, "program", o->n, c->t->nprogram));
}

static bool check_absence(struct check *c, const struct ens_t_absence *a)
{
	const struct ens_tables *t = c->t;

	if (!check_enum(c, "its kind", a->kind, ENS_T_SCOPE + 1u) || !check_index(c, "type", a->type, t->ntype) ||
	    !check_index_or_none(c, "predicate", a->predicate, t->npredicate) ||
	    !check_index_or_none(c, "condition", a->condition, t->nprogram) ||
	    !check_index_or_none(c, "program", a->for_program, t->nprogram) ||
	    !check_enum(c, "its new round", a->new_round, 2))
		return false;
	if (a->for_us < -1)
		return bad(c, 4, "its duration is negative");
	return a->kind != ENS_T_TIMED || a->for_us >= 0 || a->for_program != ENS_NONE ||
	       bad(c, 4, "it is timed, but without a duration");
}

static bool check_capture(struct check *c, const struct ens_t_capture *k)
{
	if (k->kind == ENS_T_SHIFT ? k->n == 0 || k->n > ENS_INDEX_MAX : k->n != 0)
		return bad(c, 4, "it keeps %u values", k->n);
	return check_enum(c, "its kind", k->kind, ENS_T_COLLECT + 1u) &&
	       check_index(c, "program", k->program, c->t->nprogram);
}

static bool check_emit(struct check *c, const struct ens_t_emit *e)
{
	if (e->outs.count > ENS_FIELDS_MAX)
		return bad(c, 4, "more than %u fields", ENS_FIELDS_MAX);
	if (e->expire_us < 0)
		return bad(c, 4, "it expires before it is there");
	if (e->kind == ENS_T_DERIVE ? e->derives == ENS_NONE : e->derives != ENS_NONE)
		return bad(c, 9, "it derives no type, or one although it is none to derive");
	if (e->kind != ENS_T_DERIVE && (e->target == ENS_T_STREAM ? !e->stream.len : e->name == ENS_NONE))
		return bad(c, 9, "it goes nowhere");
	return check_str(c, "its type", e->type) && check_str(c, "its stream", e->stream) &&
	       check_enum(c, "its kind", e->kind, ENS_T_TIMEOUT + 1u) &&
	       check_enum(c, "its target", e->target, ENS_T_CHANNEL + 1u) &&
	       check_index_or_none(c, "derived type", e->derives, c->t->ntype) &&
	       check_index_or_none(c, "program", e->name, c->t->nprogram) &&
	       check_index_or_none(c, "program", e->remove_when, c->t->nprogram) &&
	       check_list(c, "field", e->outs, c->t->nout);
}

static bool check_out(struct check *c, const struct ens_t_out *o)
{
	return check_enum(c, "its meta flag", o->meta, 2) && check_str(c, "its name", o->name) &&
	       check_enum(c, "its type", o->type, ENS_NTYPE) && check_enum(c, "its element", o->element, ENS_LIST) &&
	       check_index(c, "program", o->program, c->t->nprogram);
}

/* X(section, name of a record, check).  The programs' check is T5. */
#define CHECKED_SECTIONS(X)                            \
	X(stream, "stream", check_stream)              \
	X(type, "type", check_type)                    \
	X(field, "field", check_field)                 \
	X(type, "type", check_type_fields)             \
	X(source, "source", check_source)              \
	X(table, "table", check_table)                 \
	X(lookup, "lookup", check_lookup)              \
	X(constant, "constant", check_constant)        \
	X(set, "set", check_set)                       \
	X(pattern, "pattern", check_pattern)           \
	X(predicate, "predicate", check_predicate)     \
	X(keypart, "key part", check_keypart)          \
	X(keygroup, "key group", check_keygroup)       \
	X(input, "input", check_input)                 \
	X(group, "group", check_group)                 \
	X(rule, "rule", check_rule)                    \
	X(window, "window", check_window)              \
	X(ref, "reference", check_ref)                 \
	X(slot, "slot", check_slot)                    \
	X(state, "state", check_state)                 \
	X(entry, "entry", check_entry)                 \
	X(op, "op", check_op)                          \
	X(absence, "absence", check_absence)           \
	X(capture, "capture", check_capture)           \
	X(emit, "emit", check_emit)                    \
	X(out, "emitted field", check_out)

static void check_sections(struct check *c)
{
#define X(section, name, function)                                                          \
	for (uint32_t i = 0; c->status == ENS_OK && i < c->t->n##section; i++) {            \
		look_at(c, name, i);                                                        \
		if (!function(c, &c->t->section[i]))                                        \
			return;                                                             \
	}
	CHECKED_SECTIONS(X)
#undef X
}

/* ---- T5: programs ----------------------------------------------------------------------------------------------- */

/* Checking `in` and `like` looks for the set's type behind its nulls. */
static uint64_t program_work(const struct check *c, const struct ens_t_program *p)
{
	uint64_t work = 1 + (uint64_t)p->code.count * (1 + p->nreg / 16u);

	for (uint32_t i = 0; i < p->code.count; i++) {
		const struct ens_t_insn *insn = &c->t->insn[p->code.first + i];

		if ((insn->op == ENS_OP_IN || insn->op == ENS_OP_LIKE) && insn->b < c->t->nset)
			work += c->set_nulls[insn->b];
	}
	return work;
}

static void check_programs(struct check *c)
{
	uint64_t code = 0;

	for (uint32_t i = 0; i < c->t->nprogram; i++) {
		const struct ens_t_program *p = &c->t->program[i];

		look_at(c, "program", i);
		if (!check_list(c, "instruction", p->code, c->t->ninsn))
			return;
		code += p->code.count;
		if (code > c->t->ninsn) {
			(void)bad(c, 5, "it shares code with others");
			return;
		}
		if (!spend(c, program_work(c, p)))
			return;
		c->status = ens_program_verify(c->t, i, c->err);
		if (c->status != ENS_OK)
			return;
	}
}

/*
 * Does program p, used where `rule` (ENS_NONE: none) and the event type `event` (ENS_NONE: no event) are at hand, read
 * nothing else, and is its result of `type`?
 */
static bool check_use(struct check *c, const char *name, uint32_t p, uint32_t rule, uint32_t event, uint8_t type)
{
	const struct ens_t_program *g = &c->t->program[p];

	if (g->event_type != ENS_NONE && g->event_type != event)
		return bad(c, 5, "%s reads an event of another type, or one where there is none", name);
	if (g->rule != ENS_NONE && g->rule != rule)
		return bad(c, 5, "%s reads the match of another rule, or one where there is none", name);
	if (g->type != type && g->type != ENS_NOTYPE)
		return bad(c, 5, "%s gives %s, not %s", name, ens_type_name(g->type), ens_type_name(type));
	return true;
}

static bool check_use_or_none(struct check *c, const char *name, uint32_t p, uint32_t rule, uint32_t event, uint8_t type)
{
	return p == ENS_NONE || check_use(c, name, p, rule, event, type);
}

/* A predicate of that event type. */
static bool check_predicate_use(struct check *c, const char *name, uint32_t p, uint32_t event)
{
	return p == ENS_NONE || c->t->predicate[p].type == event || bad(c, 6, "%s is of another event type", name);
}

/* T10: the program of field `k` can run when the fields before it have their values. */
static bool check_computed(struct check *c, uint32_t type, uint32_t k, const struct ens_t_field *f)
{
	const struct ens_t_list code = c->t->program[f->program].code;

	if (!check_use(c, "a computed field", f->program, ENS_NONE, type, f->type) || !spend(c, code.count))
		return false;
	for (uint32_t i = 0; i < code.count; i++) {
		const struct ens_t_insn *in = &c->t->insn[code.first + i];

		if (in->op == ENS_OP_EVENT_TIME || in->op == ENS_OP_EVENT_ID || in->op == ENS_OP_EVENT_STREAM ||
		    (in->op == ENS_OP_FIELD && in->index >= k))
			return bad(c, 10, "field %u is computed from what comes after it", k);
	}
	return true;
}

static bool check_computed_fields(struct check *c, uint32_t type)
{
	const struct ens_t_list fields = c->t->type[type].fields;
	const struct ens_t_field *f = c->t->field + fields.first;

	for (uint32_t k = 0; k < fields.count; k++)
		if (f[k].program != ENS_NONE && !check_computed(c, type, k, &f[k]))
			return false;
	return true;
}

static void check_unary(struct check *c)
{
	const struct ens_tables *t = c->t;

	for (uint32_t i = 0; i < t->ntype; i++) {
		look_at(c, "type", i);
		if (!check_use_or_none(c, "its where", t->type[i].where, ENS_NONE, i, ENS_BOOL) ||
		    !check_computed_fields(c, i))
			return;
	}
	for (uint32_t i = 0; i < t->npredicate; i++) {
		look_at(c, "predicate", i);
		if (!check_use(c, "it", t->predicate[i].program, ENS_NONE, t->predicate[i].type, ENS_BOOL))
			return;
	}
	for (uint32_t i = 0; i < t->ninput; i++) {
		look_at(c, "input", i);
		if (!check_predicate_use(c, "its filter", t->input[i].filter, t->input[i].type))
			return;
	}
}

/* ---- T6: patterns ----------------------------------------------------------------------------------------------- */

/* One rule under check. */
struct rule_check {
	struct check *c;
	const struct ens_t_rule *rule;
	uint32_t r;
	uint32_t state, entry; /* relative */
};

static bool bad_entry(const struct rule_check *k, const char *what)
{
	return bad(k->c, 6, "state %u: entry %u: %s", k->state, k->entry, what);
}

/* Events of this type reach the rule. */
static bool check_taken_in(const struct rule_check *k, const char *name, uint32_t type)
{
	return k->c->type_mark[type] == k->r + 1 ||
	       bad(k->c, 6, "state %u: %s is of a type that is not an input", k->state, name);
}

static bool check_counter(const struct rule_check *k, const struct ens_t_op *o)
{
	return o->reg < k->rule->ncounter || bad_entry(k, "a counter that the rule does not have");
}

static bool check_guards(const struct rule_check *k, struct ens_t_list list)
{
	for (uint32_t i = 0; i < list.count; i++) {
		const struct ens_t_op *o = &k->c->t->op[list.first + i];

		if (o->kind > ENS_T_HOLDS)
			return bad_entry(k, "an action among the guards");
		if (o->kind == ENS_T_HOLDS ? !check_use(k->c, "a guard", o->n, k->r, ENS_NONE, ENS_BOOL)
					   : !check_counter(k, o))
			return false;
	}
	return true;
}

static bool check_actions(const struct rule_check *k, struct ens_t_list list)
{
	uint32_t nslot = k->rule->slots.count;

	for (uint32_t i = 0; i < list.count; i++) {
		const struct ens_t_op *o = &k->c->t->op[list.first + i];

		if (o->kind <= ENS_T_HOLDS)
			return bad_entry(k, "a guard among the actions");
		if (o->kind == ENS_T_CLEAR) {
			if (o->reg > nslot || o->n > nslot - o->reg)
				return bad_entry(k, "it clears slots that the rule does not have");
		} else if (!check_counter(k, o)) {
			return false;
		}
	}
	return true;
}

static bool check_absences(const struct rule_check *k, struct ens_t_list list, unsigned kinds)
{
	struct check *c = k->c;

	for (uint32_t i = 0; i < list.count; i++) {
		const struct ens_t_absence *a = &c->t->absence[list.first + i];

		if (!(kinds >> a->kind & 1))
			return bad_entry(k, "an absence of a kind that cannot stand here");
		if (!check_taken_in(k, "an absence", a->type) ||
		    !check_predicate_use(c, "an absence's predicate", a->predicate, a->type) ||
		    !check_use_or_none(c, "an absence's condition", a->condition, k->r, a->type, ENS_BOOL) ||
		    !check_use_or_none(c, "an absence's duration", a->for_program, k->r, ENS_NONE, ENS_DURATION))
			return false;
	}
	return true;
}

#define KIND(kind) (1u << ENS_T_##kind)

static bool check_way(const struct rule_check *k, const struct ens_t_entry *e)
{
	unsigned kinds = e->kind == ENS_T_ACCEPT ? KIND(VERY_NEXT) | KIND(TIMED) | KIND(SCOPE)
						 : KIND(UNTIL_NEXT) | KIND(VERY_NEXT) | KIND(TIMED);

	if (e->kind == ENS_T_TAKE && (e->target == 0 || e->target >= k->rule->states.count))
		return bad_entry(k, "its target is not a state of the rule, or is the start");
	return check_guards(k, e->guards) && check_actions(k, e->actions) && check_absences(k, e->absences, kinds) &&
	       check_use_or_none(k->c, "an after limit", e->after_program, k->r, ENS_NONE, ENS_DURATION) &&
	       check_use_or_none(k->c, "a within limit", e->within_program, k->r, ENS_NONE, ENS_DURATION);
}

/*
 * Forks nest: end[d] is where the branch at hand of the d-th open fork ends (the place of the fork itself: none has
 * begun).  end[0] stands for the whole list.
 */
struct forks {
	uint32_t end[ENS_FORK_DEPTH_MAX + 1];
	uint32_t depth;
};

/* A branch ends where the next one begins or the fork ends, so no fork inside it is open there. */
static bool check_branch(const struct rule_check *k, struct forks *f, const struct ens_t_entry *e)
{
	uint32_t i = k->entry;
	bool new_branch = f->depth > 0 && f->end[f->depth] == i;

	if (f->depth > 0 && i >= f->end[f->depth - 1])
		return bad_entry(k, "a fork goes on behind the branch that it stands in");
	if (e->kind == ENS_T_FORK_END) {
		if (!new_branch)
			return bad_entry(k, "it ends a fork in the middle of a branch, or none is open");
		f->depth--;
		return true;
	}
	if (e->kind == ENS_T_ACCEPT && (f->depth > 0 || k->state == 0))
		return bad_entry(k, "the pattern is complete inside a fork, or before it has begun");
	if (new_branch) {
		if (e->branch_end <= i || e->branch_end >= f->end[f->depth - 1])
			return bad_entry(k, "its branch does not end further on, inside its fork");
		f->end[f->depth] = e->branch_end;
	}
	if (e->branch_end != f->end[f->depth])
		return bad_entry(k, "its branch ends elsewhere than the others' of its branch");
	if (e->leave_end && (e->leave_end <= i || e->leave_end > f->end[0] || !(e->flags & ENS_T_GREEDY)))
		return bad_entry(k, "what leaves its repetition is not behind it, or it has none");
	if (e->kind == ENS_T_FORK) {
		if (f->depth == ENS_FORK_DEPTH_MAX)
			return bad_entry(k, "too many forks inside each other");
		f->end[++f->depth] = i + 1;
	}
	return true;
}

static bool check_entries(struct rule_check *k, const struct ens_t_state *s)
{
	const struct ens_t_entry *e = k->c->t->entry + s->entries.first;
	struct forks f = {.end = {s->entries.count}};

	for (k->entry = 0; k->entry < s->entries.count; k->entry++) {
		const struct ens_t_entry *x = &e[k->entry];

		if (!spend(k->c, 1 + (uint64_t)x->guards.count + x->actions.count + x->absences.count) ||
		    !check_branch(k, &f, x) || !check_way(k, x))
			return false;
	}
	return f.depth == 0 || bad(k->c, 6, "state %u: a fork is not closed", k->state);
}

/* Does a capture of this kind go with a slot of this type? */
static bool capture_fits(uint32_t kind, uint8_t type)
{
	switch (kind) {
	case ENS_T_COUNT:
		return type == ENS_INT;
	case ENS_T_SUM:
		return type == ENS_INT || type == ENS_FLOAT || type == ENS_DURATION;
	case ENS_T_MIN:
	case ENS_T_MAX:
		return type != ENS_BOOL && type != ENS_IP;
	default:
		return true;
	}
}

/* The slots of a SHIFT are there and have one type. */
static bool check_shift(struct rule_check *k, const struct ens_t_capture *x)
{
	const struct ens_t_slot *slot = k->c->t->slot + k->rule->slots.first;

	if (!spend(k->c, x->n))
		return false;
	if (x->n > k->rule->slots.count - x->slot)
		return bad(k->c, 6, "state %u: it shifts slots that the rule does not have", k->state);
	for (uint32_t i = 1; i < x->n; i++)
		if (slot[x->slot + i].holds || slot[x->slot + i].type != slot[x->slot].type)
			return bad(k->c, 6, "state %u: it shifts slots of two types", k->state);
	return true;
}

static bool check_captures(struct rule_check *k, const struct ens_t_state *s)
{
	struct check *c = k->c;
	const struct ens_t_slot *slot = c->t->slot + k->rule->slots.first;

	for (uint32_t i = 0; i < s->captures.count; i++) {
		const struct ens_t_capture *x = &c->t->capture[s->captures.first + i];
		uint8_t type;

		if (x->slot >= k->rule->slots.count)
			return bad(c, 6, "state %u: it captures into a slot that the rule does not have", k->state);
		type = slot[x->slot].type;
		if ((x->kind == ENS_T_COLLECT) != (slot[x->slot].holds != ENS_T_VALUE))
			return bad(c, 12, "state %u: a capture and what its slot holds do not fit", k->state);
		if (!capture_fits(x->kind, type))
			return bad(c, 6, "state %u: a capture that cannot be of type %s", k->state, ens_type_name(type));
		if (x->kind == ENS_T_SUM && type == ENS_FLOAT &&
		    (x->slot + 1 == k->rule->slots.count || slot[x->slot + 1].type != ENS_FLOAT || slot[x->slot + 1].holds))
			return bad(c, 6, "state %u: a sum of floats without its compensation", k->state);
		if (x->kind == ENS_T_SHIFT && !check_shift(k, x))
			return false;
		if (x->kind == ENS_T_COUNT) /* of whatever is not null */
			type = c->t->program[x->program].type;
		if (!check_use(c, "a capture", x->program, k->r, s->type, type))
			return false;
	}
	return true;
}

static bool check_refs(struct rule_check *k, const char *name, struct ens_t_list l)
{
	struct check *c = k->c;

	for (uint32_t i = 0; i < l.count; i++) {
		const struct ens_t_ref *x = &c->t->ref[l.first + i];

		if (!spend(c, 1) || !check_taken_in(k, name, x->type) ||
		    !check_predicate_use(c, "a predicate", x->predicate, x->type) ||
		    !check_use_or_none(c, "a condition", x->condition, k->r, x->type, ENS_BOOL))
			return false;
	}
	return true;
}

static bool check_until(struct rule_check *k, const struct ens_t_state *s)
{
	return check_refs(k, "its until", s->untils);
}

static bool check_step(struct rule_check *k, const struct ens_t_state *s)
{
	struct check *c = k->c;

	if (k->state == 0)
		return (s->type == ENS_NONE && s->predicate == ENS_NONE && s->condition == ENS_NONE &&
			s->captures.count == 0 && s->untils.count == 0) ||
		       bad(c, 6, "state 0 is not the start");
	if (s->type == ENS_NONE)
		return bad(c, 6, "state %u takes events of no type", k->state);
	return check_taken_in(k, "it", s->type) &&
	       check_predicate_use(c, "a step's predicate", s->predicate, s->type) &&
	       check_use_or_none(c, "a step's condition", s->condition, k->r, s->type, ENS_BOOL);
}

static bool check_rule_states(struct rule_check *k)
{
	struct check *c = k->c;

	for (k->state = 0; k->state < k->rule->states.count; k->state++) {
		const struct ens_t_state *s = &c->t->state[k->rule->states.first + k->state];

		if (!spend(c, 1 + (uint64_t)s->entries.count + s->captures.count) || !check_step(k, s) ||
		    !check_until(k, s) || !check_captures(k, s) || !check_entries(k, s))
			return false;
	}
	k->state = k->entry = 0;
	for (uint32_t i = 0; i < k->rule->leads.count; i++) {
		const struct ens_t_absence *a = &c->t->absence[k->rule->leads.first + i];

		if (a->kind == ENS_T_TIMED && a->for_us < 0)
			return bad(c, 6, "absence %u before the first step has no constant duration", i);
	}
	return check_absences(k, k->rule->leads, KIND(TIMED) | KIND(SCOPE));
}

/* T6: a window has inputs, and nothing of a pattern. */
static bool check_window_rule(struct rule_check *k)
{
	const struct ens_t_rule *r = k->rule;

	for (uint32_t s = 0; s < r->states.count; s++)
		if (k->c->t->state[r->states.first + s].entries.count || k->c->t->state[r->states.first + s].untils.count)
			return bad(k->c, 6, "state %u: an input of a window has ways to go on", s);
	if (r->scope != ENS_T_UNBOUNDED || r->select != ENS_T_ONE || r->skip || r->leads.count || r->ncounter ||
	    (r->resets.count && k->c->t->window[r->window].kind != ENS_T_RUNNING))
		return bad(k->c, 6, "a window with parts of a pattern");
	return true;
}

/* T9, of one field of a derived event. */
static bool check_derived_field(struct rule_check *k, const struct ens_t_emit *e, const struct ens_t_out *out)
{
	struct check *c = k->c;
	const struct ens_t_list fields = c->t->type[e->derives].fields;

	if (out->meta)
		return true;
	if (out->field >= fields.count)
		return bad(c, 9, "it gives a field that the derived type does not have");
	return out->type == c->t->field[fields.first + out->field].type || bad(c, 9, "it gives a derived field another type");
}

/* A list comes straight from the slot that collected it, of values of that type. */
static bool check_list_field(struct rule_check *k, const struct ens_t_out *out)
{
	const struct ens_tables *t = k->c->t;
	const struct ens_t_program *p = &t->program[out->program];
	const struct ens_t_insn *in = &t->insn[p->code.first];

	if (p->type == ENS_NOTYPE)
		return true;
	return (p->code.count == 2 && in[0].op == ENS_OP_LIST && t->slot[k->rule->slots.first + in[0].index].type == out->element) ||
	       bad(k->c, 9, "a list whose elements are not what its slot holds");
}

static bool check_emit_programs(struct rule_check *k, const struct ens_t_emit *e)
{
	struct check *c = k->c;

	if (e->kind == ENS_T_TIMEOUT && k->rule->window != ENS_NONE)
		return bad(c, 9, "a window without partial matches tells of their timeout");
	if (e->kind == ENS_T_DERIVE && c->t->type[e->derives].kind != ENS_T_DERIVED)
		return bad(c, 9, "it derives a type that is none to derive");
	return check_use_or_none(c, "a target's name", e->name, k->r, ENS_NONE, ENS_STRING) &&
	       check_use_or_none(c, "its `remove when`", e->remove_when, k->r, ENS_NONE, ENS_BOOL);
}

static bool check_rule_emits(struct rule_check *k)
{
	struct check *c = k->c;
	const struct ens_tables *t = c->t;

	for (uint32_t i = 0; i < k->rule->emits.count; i++) {
		const struct ens_t_emit *e = &t->emit[k->rule->emits.first + i];

		if (!spend(c, 1 + (uint64_t)e->outs.count) || !check_emit_programs(k, e))
			return false;
		for (uint32_t o = 0; o < e->outs.count; o++) {
			const struct ens_t_out *out = &t->out[e->outs.first + o];

			if (!check_use(c, "an emitted field", out->program, k->r, ENS_NONE, out->type))
				return false;
			if ((out->type == ENS_LIST) != (out->element != ENS_NOTYPE))
				return bad(c, 9, "emission %u: field %u is a list of nothing, or has elements without being one", i, o);
			if (out->type == ENS_LIST && !check_list_field(k, out))
				return false;
			if (e->kind == ENS_T_DERIVE && !check_derived_field(k, e, out))
				return false;
			if (o > 0 && out[-1].meta && !out->meta)
				return bad(c, 9, "emission %u: field %u stands behind meta ones", i, o);
		}
	}
	return check_use_or_none(c, "its having", k->rule->having, k->r, ENS_NONE, ENS_BOOL) &&
	       (k->rule->limit_by == ENS_NONE ||
		check_use(c, "its limit", k->rule->limit_by, k->r, ENS_NONE, t->program[k->rule->limit_by].type)) &&
	       check_refs(k, "a reset", k->rule->resets) && (k->rule->window == ENS_NONE || check_window_rule(k));
}

/* ---- T7, T8: keys and groups ------------------------------------------------------------------------------------ */

/* T7; marks the types of the inputs. */
static bool check_rule_inputs(struct check *c, const struct ens_t_rule *rule, uint32_t r)
{
	const struct ens_tables *t = c->t;
	const struct ens_t_list *parts = &t->keygroup[rule->keygroup].parts;

	for (uint32_t i = 0; i < rule->inputs.count; i++) {
		const struct ens_t_input *in = &t->input[rule->inputs.first + i];
		const struct ens_t_field *field = t->field + t->type[in->type].fields.first;

		if (c->type_mark[in->type] == r + 1)
			return bad(c, 7, "two inputs of one type");
		c->type_mark[in->type] = r + 1;
		if (t->type[in->type].kind == ENS_T_TABLE)
			return bad(c, 7, "input %u is a table", i);
		if (in->key.count != parts->count)
			return bad(c, 7, "input %u has %u key fields for %u key parts", i, in->key.count, parts->count);
		if (!spend(c, 1 + (uint64_t)parts->count))
			return false;
		for (uint32_t k = 0; k < parts->count; k++)
			if (field[t->index[in->key.first + k]].type != t->keypart[parts->first + k].type)
				return bad(c, 7, "input %u: key part %u has another type", i, k);
	}
	return true;
}

/* The type comes from streams of the rule's group, which are marked. */
static bool check_type_streams(struct check *c, const struct ens_t_rule *rule, uint32_t type)
{
	const struct ens_t_list l = c->t->type[type].streams;

	if (!spend(c, 1 + (uint64_t)l.count))
		return false;
	for (uint32_t s = 0; s < l.count; s++)
		if (c->stream_mark[c->t->index[l.first + s]] != rule->group + 1)
			return bad(c, 8, "type %u comes from a stream that its group does not read", type);
	return true;
}

/* T8: what a rule takes in and looks up. */
static bool check_rule_streams(struct check *c, const struct ens_t_rule *rule)
{
	const struct ens_tables *t = c->t;

	for (uint32_t i = 0; i < rule->inputs.count; i++)
		if (!check_type_streams(c, rule, t->input[rule->inputs.first + i].type))
			return false;
	for (uint32_t i = 0; i < rule->tables.count; i++)
		if (!check_type_streams(c, rule, t->table[t->index[rule->tables.first + i]].type))
			return false;
	return true;
}

/* T8: who takes in a derived type is of the group of those that derive it, in a higher layer. */
static bool check_layers(struct check *c)
{
	const struct ens_tables *t = c->t;

	memset(c->type_mark, 0, t->ntype * sizeof *c->type_mark);
	for (uint32_t r = 0; r < t->nrule; r++)
		for (uint32_t i = 0; i < t->rule[r].inputs.count; i++) {
			const uint32_t type = t->input[t->rule[r].inputs.first + i].type;

			/* mark: the lowest layer that takes it in, plus one */
			if (t->type[type].kind == ENS_T_DERIVED &&
			    (!c->type_mark[type] || t->rule[r].layer + 1 < c->type_mark[type]))
				c->type_mark[type] = t->rule[r].layer + 1;
			if (t->type[type].kind == ENS_T_DERIVED)
				c->type_group[type] = t->rule[r].group;
		}
	for (uint32_t r = 0; r < t->nrule; r++) {
		const struct ens_t_rule *rule = &t->rule[r];

		look_at(c, "rule", r);
		for (uint32_t i = 0; i < rule->inputs.count; i++) {
			const uint32_t type = t->input[rule->inputs.first + i].type;

			if (t->type[type].kind == ENS_T_DERIVED && c->type_group[type] != rule->group)
				return bad(c, 8, "rules of two groups take in the derived type %u", type);
		}
		for (uint32_t i = 0; i < rule->emits.count; i++) {
			const uint32_t type = t->emit[rule->emits.first + i].derives;

			if (type == ENS_NONE || !c->type_mark[type])
				continue;
			if (c->type_group[type] != rule->group || rule->layer + UINT64_C(1) >= c->type_mark[type])
				return bad(c, 8, "it derives for a rule of another group, or not of a higher layer");
		}
	}
	return true;
}

/* T11: one record a table type. */
static bool check_tables(struct check *c)
{
	const struct ens_tables *t = c->t;
	uint32_t ntype = 0;

	memset(c->type_mark, 0, t->ntype * sizeof *c->type_mark);
	for (uint32_t i = 0; i < t->ntable; i++) {
		look_at(c, "table", i);
		if (c->type_mark[t->table[i].type]++)
			return bad(c, 11, "its type has another one");
		if (!check_use_or_none(c, "its `delete when`", t->table[i].delete_when, ENS_NONE, t->table[i].type, ENS_BOOL))
			return false;
	}
	for (uint32_t i = 0; i < t->ntype; i++)
		ntype += t->type[i].kind == ENS_T_TABLE;
	return ntype == t->ntable || bad(c, 11, "%u types of tables, %u tables", ntype, t->ntable);
}

/* Each rule is in one group: the groups' lists ascend, name rules that name them, and are as long as the rules together. */
static bool check_groups(struct check *c)
{
	const struct ens_tables *t = c->t;
	uint64_t nrule = 0;

	for (uint32_t g = 0; g < t->ngroup; g++) {
		const struct ens_t_group *group = &t->group[g];

		look_at(c, "group", g);
		for (uint32_t i = 0; i < group->streams.count; i++)
			c->stream_mark[t->index[group->streams.first + i]] = g + 1;
		nrule += group->rules.count;
		for (uint32_t i = 0; i < group->rules.count; i++) {
			const struct ens_t_rule *rule = &t->rule[t->index[group->rules.first + i]];

			if (rule->group != g)
				return bad(c, 8, "it lists a rule of another group");
			if (!spend(c, 1 + (uint64_t)rule->inputs.count) || !check_rule_streams(c, rule))
				return false;
		}
	}
	look_at(c, "rule", t->nrule);
	return nrule == t->nrule || bad(c, 8, "the groups list %llu rules", (unsigned long long)nrule);
}

static void check_rules(struct check *c)
{
	for (uint32_t r = 0; r < c->t->nrule; r++) {
		const struct ens_t_rule *rule = &c->t->rule[r];
		struct rule_check k = {.c = c, .rule = rule, .r = r};

		look_at(c, "rule", r);
		if (!spend(c, 1 + (uint64_t)rule->inputs.count + rule->states.count + rule->leads.count +
				      rule->emits.count) ||
		    !check_rule_inputs(c, rule, r) || !check_rule_states(&k) || !check_rule_emits(&k))
			return;
	}
	if (check_groups(c) && check_layers(c))
		(void)check_tables(c);
}

/* ---- T1: the file ----------------------------------------------------------------------------------------------- */

static uint64_t body_checksum(const char *bytes, size_t len)
{
	return XXH3_64bits(bytes + sizeof(struct ens_t_header), len - sizeof(struct ens_t_header));
}

static XXH128_hash_t body_fingerprint(const char *bytes, size_t len)
{
	return XXH3_128bits(bytes + sizeof(struct ens_t_header), len - sizeof(struct ens_t_header));
}

int ens_tables_recognise(const void *bytes, size_t len_bytes)
{
	return len_bytes >= 4 && memcmp(bytes, ENS_TABLES_MAGIC, 4) == 0;
}

static enum ens_status check_header(const char *bytes, size_t len, struct ens_error *err)
{
	const struct ens_t_header *h = (const void *)bytes;
	const size_t least = sizeof(*h) + ENS_T_NSECTION * sizeof(struct ens_t_section);
	XXH128_hash_t fingerprint;

	if (!ens_tables_recognise(bytes, len))
		return ens_fail(err, ENS_EINPUT, "this is not a table file; one is made by `ensue compile` (invariant T1)");
	if (len < sizeof(*h))
		return ens_fail(err, ENS_EINPUT, "the table file is cut short: it ends inside its header (invariant T1)");
	if (memcmp(h->magic, ENS_TABLES_MAGIC, sizeof(h->magic)) != 0)
		return ens_fail(err, ENS_EINPUT, "the table file was changed on the way, as by a copy in text mode (invariant T1)");
	if (h->version != ENS_TABLES_VERSION)
		return ens_fail(err, ENS_EINPUT, "the table file has version %u, this program reads version %u: "
				"compile the rules again (invariant T1)", h->version, ENS_TABLES_VERSION);
	if (h->len_bytes > len)
		return ens_fail(err, ENS_EINPUT, "the table file is cut short: %llu bytes of %llu (invariant T1)",
				(unsigned long long)len, (unsigned long long)h->len_bytes);
	if (h->len_bytes < len)
		return ens_fail(err, ENS_EINPUT, "there are %llu bytes behind the end of the table file (invariant T1)",
				(unsigned long long)(len - h->len_bytes));
	if (h->nsection != ENS_T_NSECTION || len < least)
		return ens_fail(err, ENS_EINPUT, "the table file has %u sections in %llu bytes, not %u in %llu or more (invariant T1)",
				h->nsection, (unsigned long long)len, (unsigned)ENS_T_NSECTION,
				(unsigned long long)least);
	fingerprint = body_fingerprint(bytes, len);
	if (h->checksum != body_checksum(bytes, len) || h->fingerprint[0] != fingerprint.low64 ||
	    h->fingerprint[1] != fingerprint.high64)
		return ens_fail(err, ENS_EINPUT, "the table file is damaged: its checksum is wrong (invariant T1)");
	return ENS_OK;
}

/* Section `id` as the directory has it; NULL if it is not where it should be or not of our records. */
static const void *find_section(const char *bytes, size_t len, unsigned id, size_t record_bytes, uint32_t *count)
{
	const struct ens_t_section *s = (const struct ens_t_section *)(const void *)(bytes + sizeof(struct ens_t_header)) + id;
	const size_t body = sizeof(struct ens_t_header) + ENS_T_NSECTION * sizeof(*s);

	if (s->record_bytes != record_bytes || s->off % 8 != 0 || s->off < body || s->off > len ||
	    s->count > (len - s->off) / record_bytes)
		return NULL;
	*count = s->count;
	return bytes + s->off;
}

static enum ens_status find_sections(struct ens_tables *t, struct ens_error *err)
{
#define X(name, record)                                                                                             \
	t->name = find_section(t->base, t->len_bytes, ENS_T_SECTION_##name, sizeof(record), &t->n##name);           \
	if (!t->name || t->n##name == ENS_NONE)                                                                     \
		return ens_fail(err, ENS_EINPUT,                                                                    \
				"section " #name " is not aligned, not inside the file, or not of %u-byte records "    \
				"(invariant T1)",                                                                   \
				(unsigned)sizeof(record));
	ENS_TABLES_SECTIONS(X)
#undef X
	return ENS_OK;
}

/* ---- all of it -------------------------------------------------------------------------------------------------- */

static enum ens_status verify(struct ens_tables *t, struct ens_error *err)
{
	struct check c = {.t = t, .err = err, .status = ENS_OK, .work_max = (uint64_t)t->len_bytes * WORK_PER_BYTE};

	c.type_mark = calloc(t->ntype + (size_t)1, sizeof(uint32_t));
	c.type_group = calloc(t->ntype + (size_t)1, sizeof(uint32_t));
	c.stream_mark = calloc(t->nstream + (size_t)1, sizeof(uint32_t));
	c.set_nulls = calloc(t->nset + (size_t)1, sizeof(uint32_t));
	if (!c.type_mark || !c.type_group || !c.stream_mark || !c.set_nulls)
		c.status = ens_fail(err, ENS_ENOMEM, "no memory to check the tables");
	if (c.status == ENS_OK)
		check_sections(&c);
	if (c.status == ENS_OK)
		check_programs(&c);
	if (c.status == ENS_OK)
		check_unary(&c);
	if (c.status == ENS_OK)
		check_rules(&c);
	free(c.type_mark);
	free(c.type_group);
	free(c.stream_mark);
	free(c.set_nulls);
	return c.status;
}

enum ens_status ens_tables_open(const void *bytes, size_t len_bytes, struct ens_tables *out, struct ens_error *err)
{
	struct ens_tables t = {.header = bytes, .base = bytes, .len_bytes = len_bytes};
	enum ens_status st;

	assert((uintptr_t)bytes % 8 == 0);
	st = check_header(bytes, len_bytes, err);
	if (st == ENS_OK)
		st = find_sections(&t, err);
	if (st == ENS_OK)
		st = verify(&t, err);
	if (st == ENS_OK)
		*out = t;
	return st;
}

void ens_tables_seal(void *bytes, size_t len_bytes)
{
	struct ens_t_header *h = bytes;
	XXH128_hash_t fingerprint;

	assert(len_bytes >= sizeof(*h));
	fingerprint = body_fingerprint(bytes, len_bytes);
	h->len_bytes = len_bytes;
	h->checksum = body_checksum(bytes, len_bytes);
	h->fingerprint[0] = fingerprint.low64;
	h->fingerprint[1] = fingerprint.high64;
}

void ens_tables_fingerprint(const struct ens_tables *t, char out[33])
{
	snprintf(out, 33, "%016llx%016llx", (unsigned long long)t->header->fingerprint[1],
		 (unsigned long long)t->header->fingerprint[0]);
}
