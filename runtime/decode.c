/*
 * From entries to typed events.
 *
 * Every name that a declared field reads is a symbol.  One pass over the entry's fields turns names into symbols: each
 * place remembers the name that stood there in the entry before (per stream and, since types differ in their number of
 * fields, per number modulo 4), so that a steady stream costs one comparison per field; only where it differs is the
 * name looked up.  Then the type is chosen, and its fields are converted by going through its declaration; a symbol
 * says where in the entry its value is.  Values borrow the entry's bytes until the event is certain; then they are
 * copied into the batch, all fields of an event in one block.
 *
 * A field that is read from several names, from inside a JSON object, or of an event that is one (`json FIELD`) has ways:
 * places to look, one after the other.  All others have one symbol, and pay nothing for these.
 *
 * Guarantee: linear in the entry's bytes plus the number of types that may take it, whatever the entry looks like;
 * every entry ends as an event, a reject or a count.  Tested by tests/unit/test_decode.c.
 */
#include "runtime/decode.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "runtime/members.h"
#include "runtime/names.h"

#define REJECT_TEXT_MAX_BYTES 1024u /* runtime.md section 6: values of dead letters are cut there */
#define QUOTE_MAX_BYTES 60u         /* of a bad value in a detail */
#define SOURCES_SHOWN_MAX 4u        /* names that a field is read from, in a detail */
#define LAYOUTS 4u
#define PLACES_MAX 256u             /* names remembered of one entry; those behind are looked up */
#define UNREAD_NAME_MAX_BYTES 24u   /* remembered names of fields that nothing reads; longer ones are looked up */

/* ---- batch ------------------------------------------------------------------------------------------------------ */

const char *ens_reject_code(enum ens_reject_reason r)
{
	static const char *const code[ENS_NREJECT] = {
		[ENS_REJECT_NO_TYPE] = "no_type",
		[ENS_REJECT_MISSING_FIELD] = "missing_field",
		[ENS_REJECT_BAD_VALUE] = "bad_value",
		[ENS_REJECT_TOO_LARGE] = "too_large",
		[ENS_REJECT_NOT_UTF8] = "not_utf8",
		[ENS_REJECT_DUPLICATE_FIELD] = "duplicate_field",
		[ENS_REJECT_BAD_ENTRY] = "bad_entry",
		[ENS_REJECT_LATE] = "late",
		[ENS_REJECT_FUTURE] = "future",
		[ENS_REJECT_BAD_TIME] = "bad_time",
	};

	assert(r < ENS_NREJECT);
	return code[r];
}

void ens_batch_init(struct ens_batch *b)
{
	*b = (struct ens_batch){.nevent = 0};
	ens_arena_init(&b->arena, 0);
}

/* The capacities stay: the next round's arrays are made in that size at once. */
void ens_batch_reset(struct ens_batch *b)
{
	ens_arena_reset(&b->arena);
	b->event = NULL;
	b->reject = NULL;
	b->nevent = b->nreject = 0;
	b->skipped = b->entries = 0;
}

void ens_batch_free(struct ens_batch *b)
{
	ens_arena_free(&b->arena);
	ens_batch_init(b);
}

/* An array of `count` elements that has room for one more, in the arena; NULL without memory. */
static void *grow_array(struct ens_arena *a, void *old, uint32_t count, uint32_t *cap, size_t size)
{
	uint32_t new_cap = *cap < 64 ? 64 : *cap;
	void *grown;

	if (old && count < *cap)
		return old;
	if (old)
		new_cap = new_cap > UINT32_MAX / 2 ? UINT32_MAX : new_cap * 2;
	if (new_cap <= count)
		return NULL;
	grown = ens_arena_alloc(a, (size_t)new_cap * size);
	if (!grown)
		return NULL;
	if (count)
		memcpy(grown, old, count * size);
	*cap = new_cap;
	return grown;
}

static struct ens_event *add_event(struct ens_batch *b)
{
	struct ens_event *grown = grow_array(&b->arena, b->event, b->nevent, &b->event_cap, sizeof(*b->event));

	if (!grown)
		return NULL;
	b->event = grown;
	return &b->event[b->nevent++];
}

static uint32_t cut_len(uint32_t len, bool *cut)
{
	if (len <= REJECT_TEXT_MAX_BYTES)
		return len;
	*cut = true;
	return REJECT_TEXT_MAX_BYTES;
}

/* The entry's own fields, for the dead letter.  False without memory. */
static bool copy_raw(struct ens_batch *b, const struct ens_entry *entry, struct ens_reject *r)
{
	const uint32_t n = entry->nfield < ENS_FIELDS_MAX ? entry->nfield : ENS_FIELDS_MAX;
	struct ens_raw_field *raw;
	uint32_t i;

	if (n == 0)
		return true;
	raw = ens_arena_alloc(&b->arena, n * sizeof(*raw));
	if (!raw)
		return false;
	r->cut = n < entry->nfield;
	for (i = 0; i < n; i++) {
		const struct ens_raw_field *from = &entry->field[i];

		raw[i] = *from;
		raw[i].name_len = cut_len(from->name_len, &r->cut);
		raw[i].name = ens_arena_strndup(&b->arena, from->name, raw[i].name_len);
		if (!raw[i].name)
			return false;
		if (!from->s)
			continue;
		raw[i].len = cut_len(from->len, &r->cut);
		raw[i].s = ens_arena_strndup(&b->arena, from->s, raw[i].len);
		if (!raw[i].s)
			return false;
	}
	r->raw = raw;
	r->nraw = n;
	return true;
}

static enum ens_status add_reject(struct ens_batch *b, enum ens_reject_reason reason, const struct ens_entry *entry,
				  const char *field, size_t field_len, const char *detail)
{
	struct ens_reject r = {.reason = reason, .id = entry->id};
	struct ens_reject *grown;
	bool cut = false;

	r.detail = ens_arena_strndup(&b->arena, detail, strlen(detail));
	if (!r.detail || !copy_raw(b, entry, &r))
		return ENS_ENOMEM;
	if (field) {
		r.field = ens_arena_strndup(&b->arena, field, cut_len((uint32_t)field_len, &cut));
		if (!r.field)
			return ENS_ENOMEM;
	}
	grown = grow_array(&b->arena, b->reject, b->nreject, &b->reject_cap, sizeof(r));
	if (!grown)
		return ENS_ENOMEM;
	b->reject = grown;
	b->reject[b->nreject++] = r;
	return ENS_OK;
}

enum ens_status ens_batch_reject(struct ens_batch *b, enum ens_reject_reason reason, const struct ens_entry *entry,
				 const char *field, const char *fmt, ...)
{
	char detail[ENS_ERROR_MAX];
	va_list ap;

	va_start(ap, fmt);
	if (vsnprintf(detail, sizeof(detail), fmt, ap) < 0)
		detail[0] = '\0';
	va_end(ap);
	return add_reject(b, reason, entry, field, field ? strlen(field) : 0, detail);
}

/* ---- decoder ---------------------------------------------------------------------------------------------------- */

/* What stood at a place of the entry before. */
struct place {
	uint32_t symbol;                      /* ENS_NONE: nothing reads it, and its name is `unread` */
	uint32_t len;                         /* of the name; UINT32_MAX: nothing is known */
	char unread[UNREAD_NAME_MAX_BYTES];
};

struct layout {
	struct place *place;
	uint32_t nplace;
};

/* Where the entry at hand has a symbol. */
struct seen {
	uint64_t entry;  /* number of the entry that has it */
	uint32_t raw;    /* field of the entry, the first of that name */
	bool twice;
};

struct symbol {
	const char *name;
	uint32_t len;
};

/* The objects (members.h) that a field with this symbol is read as. */
struct roots {
	uint32_t object;              /* in paths; ENS_NONE: it is in none */
	uint32_t text_object;         /* by `json`; ENS_NONE */
	uint32_t root_of;             /* type that has it among its roots, the latest; ENS_NONE: none */
};

/* A place to look for a field: one of the two. */
struct way {
	uint32_t symbol;              /* of the entry's own field; ENS_NONE: */
	uint32_t member;              /* of an object in the entry */
};

/* Field symbols from here on number the fields that have ways. */
#define HAS_WAYS 0x80000000u

/* What types with `json` or paths need before their fields are looked for. */
struct deep {
	struct ens_t_list roots;      /* in d->root: symbols of fields that are objects */
	uint32_t type;
	uint32_t json;                /* symbol of the field that the event is in; ENS_NONE: the entry is the event */
	uint32_t event;               /* that object's member that may name the type */
};

/* Why a candidate's field has no value. */
struct failure {
	enum ens_reject_reason reason;
	uint32_t field;               /* in the tables */
	const struct ens_raw_field *raw; /* NULL: it is missing */
	const char *why;              /* what is wrong with the JSON that it is in; NULL: nothing */
	bool whole;                   /* not the field, but the object that `json` names */
};

struct ens_decoder {
	const struct ens_tables *t;
	int64_t max_skew_us;
	struct ens_names symbols, types;
	struct symbol *symbol;
	uint32_t nsymbol;
	struct seen *seen;            /* by symbol */
	uint64_t entry;               /* number of the entry at hand, from 1 */
	uint32_t *field_symbol;       /* by field of the tables; HAS_WAYS + number in field_ways */
	struct ens_members *members;  /* NULL: no type has `json` or paths, and none of what follows is there */
	struct ens_t_list *field_ways;/* in way */
	struct way *way;
	struct roots *roots;          /* by symbol */
	struct deep *deep;            /* by type */
	uint32_t *root;
	uint32_t nfield_ways, nway, nroot;
	uint32_t event_symbol, event_symbol2, time_symbol; /* event_symbol2: files only; ENS_NONE: none */
	uint32_t *all_types, nall;    /* what entries can be: not what rules derive */
	uint32_t without_where;       /* the only type that takes everything; ENS_NONE: there are none or several */
	struct layout *layout;        /* LAYOUTS for each stream, then for files */
	struct ens_value *value;      /* of the candidate at hand, borrowing from the entry */
	char (*room)[16];             /* addresses of the candidate at hand */
	struct ens_arena text;        /* JSON scalars as text, for conditions on raw fields */
	struct ens_context context;
	bool has_context;
};

static uint32_t add_symbol(struct ens_decoder *d, const char *name, uint32_t len)
{
	uint32_t number = ens_names_add(&d->symbols, 0, name, len, d->nsymbol);

	if (number == d->nsymbol && d->roots)
		d->roots[number] = (struct roots){ENS_NONE, ENS_NONE, ENS_NONE};
	if (number == d->nsymbol)
		d->symbol[d->nsymbol++] = (struct symbol){.name = name, .len = len};
	return number;
}

static const char *text_at(const struct ens_decoder *d, struct ens_t_str s)
{
	return d->t->bytes + s.off;
}

/* How many names, members and ways the tables can need. */
struct sizes {
	size_t symbols, members, ways;
	uint32_t max_fields;
	bool programs, deep;
};

static size_t count_dots(const struct ens_decoder *d, struct ens_t_str s)
{
	const char *p = text_at(d, s), *end = p + s.len;
	size_t n = 0;

	while ((p = memchr(p, '.', (size_t)(end - p)))) {
		p++;
		n++;
	}
	return n;
}

static void count_field(const struct ens_decoder *d, const struct ens_t_field *f, struct sizes *n)
{
	n->programs |= f->program != ENS_NONE;
	n->deep |= f->sources.count > 1;
	for (uint32_t i = 0; i < f->sources.count; i++) {
		const size_t dots = count_dots(d, d->t->source[f->sources.first + i]);

		n->deep |= dots > 0;
		n->symbols += 2;
		n->members += 3 + 2 * dots;
		n->ways += 2;
	}
}

static struct sizes count_all(const struct ens_decoder *d)
{
	const struct ens_tables *t = d->t;
	struct sizes n = {.symbols = 3};

	for (uint32_t i = 0; i < t->ntype; i++) {
		if (t->type[i].fields.count > n.max_fields)
			n.max_fields = t->type[i].fields.count;
		n.programs |= t->type[i].where != ENS_NONE;
		n.deep |= t->type[i].json.len > 0;
		n.symbols++;
		n.members += 2;
	}
	for (uint32_t i = 0; i < t->nfield; i++)
		count_field(d, &t->field[i], &n);
	return n;
}

static bool alloc_arrays(struct ens_decoder *d, const struct sizes *n)
{
	const struct ens_tables *t = d->t;

	d->symbol = calloc(n->symbols, sizeof(*d->symbol));
	d->seen = calloc(n->symbols, sizeof(*d->seen));
	d->field_symbol = calloc((size_t)t->nfield + 1, sizeof(*d->field_symbol));
	d->all_types = calloc((size_t)t->ntype + 1, sizeof(*d->all_types));
	d->layout = calloc(((size_t)t->nstream + 1) * LAYOUTS, sizeof(*d->layout));
	d->value = calloc((size_t)n->max_fields + 1, sizeof(*d->value));
	d->room = calloc((size_t)n->max_fields + 1, sizeof(*d->room));
	if (n->deep) {
		d->members = ens_members_open(n->members);
		d->field_ways = calloc((size_t)t->nfield + 1, sizeof(*d->field_ways));
		d->way = calloc(n->ways + 1, sizeof(*d->way));
		d->roots = calloc(n->symbols, sizeof(*d->roots));
		d->deep = calloc((size_t)t->ntype + 1, sizeof(*d->deep));
		d->root = calloc(n->ways + t->ntype + 1, sizeof(*d->root));
		if (!d->members || !d->field_ways || !d->way || !d->roots || !d->deep || !d->root)
			return false;
	}
	return d->symbol && d->seen && d->field_symbol && d->all_types && d->layout && d->value && d->room &&
	       ens_names_open(&d->symbols, n->symbols) && ens_names_open(&d->types, t->ntype);
}

/* ---- where fields are found ------------------------------------------------------------------------------------- */

static void add_way(struct ens_decoder *d, uint32_t symbol, uint32_t member)
{
	d->way[d->nway++] = (struct way){.symbol = symbol, .member = member};
}

/* The type's list of roots is the last one. */
static void add_root(struct ens_decoder *d, struct deep *deep, uint32_t symbol)
{
	if (d->roots[symbol].root_of == deep->type)
		return;
	d->roots[symbol].root_of = deep->type;
	d->root[d->nroot++] = symbol;
	deep->roots.count++;
}

/* A name is first that of a field (or member) as it stands, dots and all; then a path. */
static void learn_source(struct ens_decoder *d, struct deep *deep, const char *name, uint32_t len)
{
	const char *dot = memchr(name, '.', len);
	uint32_t first, part;

	if (deep->json != ENS_NONE) {
		const uint32_t object = d->roots[deep->json].text_object;

		add_way(d, ENS_NONE, ens_members_add(d->members, object, name, len));
		if (dot)
			add_way(d, ENS_NONE, ens_members_path(d->members, object, name, len));
		return;
	}
	add_way(d, add_symbol(d, name, len), ENS_NONE);
	if (!dot)
		return;
	part = (uint32_t)(dot - name);
	first = add_symbol(d, name, part);
	if (d->roots[first].object == ENS_NONE)
		d->roots[first].object = ens_members_root(d->members, false);
	add_root(d, deep, first);
	add_way(d, ENS_NONE, ens_members_path(d->members, d->roots[first].object, dot + 1, len - part - 1));
}

static void learn_field(struct ens_decoder *d, struct deep *deep, uint32_t field)
{
	const struct ens_t_list sources = d->t->field[field].sources;
	const struct ens_t_str source = d->t->source[sources.first];
	const char *name = text_at(d, source);
	const uint32_t first = d->nway;

	if (d->field_symbol[field] != ENS_NONE) /* tables from elsewhere may give a field to two types */
		return;
	if (!d->members || (sources.count == 1 && deep->json == ENS_NONE && !memchr(name, '.', source.len))) {
		d->field_symbol[field] = add_symbol(d, name, source.len);
		return;
	}
	for (uint32_t i = 0; i < sources.count; i++)
		learn_source(d, deep, text_at(d, d->t->source[sources.first + i]), d->t->source[sources.first + i].len);
	d->field_symbol[field] = HAS_WAYS + d->nfield_ways;
	d->field_ways[d->nfield_ways++] = (struct ens_t_list){first, d->nway - first};
}

static void learn_type(struct ens_decoder *d, uint32_t type, const char *event_name)
{
	const struct ens_t_type *t = &d->t->type[type];
	struct deep none = {.json = ENS_NONE}, *deep = d->members ? &d->deep[type] : &none;

	if (d->members) {
		*deep = (struct deep){.roots = {d->nroot, 0}, .type = type, .json = ENS_NONE};
		if (t->json.len) {
			struct roots *json;

			deep->json = add_symbol(d, text_at(d, t->json), t->json.len);
			json = &d->roots[deep->json];
			if (json->text_object == ENS_NONE)
				json->text_object = ens_members_root(d->members, true);
			deep->event = ens_members_add(d->members, json->text_object, event_name, (uint32_t)strlen(event_name));
		}
	}
	for (uint32_t i = 0; i < t->fields.count; i++)
		learn_field(d, deep, t->fields.first + i);
}

static void learn_names(struct ens_decoder *d, const struct ens_decoder_options *o)
{
	const struct ens_tables *t = d->t;
	const char *event_name = o->event_field ? o->event_field : "event";
	uint32_t nwithout = 0, i;

	for (i = 0; i < t->nfield; i++)
		d->field_symbol[i] = ENS_NONE;
	for (i = 0; i < t->ntype; i++)
		learn_type(d, i, event_name);
	d->event_symbol = add_symbol(d, event_name, (uint32_t)strlen(event_name));
	d->event_symbol2 = o->event_field ? ENS_NONE : add_symbol(d, "_event", 6);
	d->time_symbol = add_symbol(d, "time", 4);
	d->without_where = ENS_NONE;
	for (i = 0; i < t->ntype; i++) {
		if (t->type[i].kind == ENS_T_DERIVED)
			continue;
		d->all_types[d->nall++] = i;
		ens_names_add(&d->types, 0, text_at(d, t->type[i].name), t->type[i].name.len, i);
		if (t->type[i].where == ENS_NONE)
			d->without_where = nwithout++ ? ENS_NONE : i;
	}
}

enum ens_status ens_decoder_open(const struct ens_tables *t, const struct ens_decoder_options *o,
				 struct ens_decoder **out, struct ens_error *err)
{
	struct ens_decoder *d = calloc(1, sizeof(*d));
	enum ens_status st = ENS_OK;
	struct sizes n;

	if (!d)
		return ens_fail(err, ENS_ENOMEM, "no memory for the decoder");
	d->t = t;
	d->max_skew_us = o->max_skew_us;
	ens_arena_init(&d->text, 0);
	n = count_all(d);
	if (!alloc_arrays(d, &n))
		st = ens_fail(err, ENS_ENOMEM, "no memory for the decoder");
	else
		learn_names(d, o);
	if (st == ENS_OK && n.programs) {
		st = ens_context_init(&d->context, t, err);
		d->has_context = st == ENS_OK;
	}
	if (st != ENS_OK) {
		ens_decoder_close(d);
		return st;
	}
	*out = d;
	return ENS_OK;
}

void ens_decoder_close(struct ens_decoder *d)
{
	size_t i;

	if (!d)
		return;
	if (d->has_context)
		ens_context_free(&d->context);
	for (i = 0; d->layout && i < ((size_t)d->t->nstream + 1) * LAYOUTS; i++)
		free(d->layout[i].place);
	ens_arena_free(&d->text);
	ens_names_close(&d->symbols);
	ens_names_close(&d->types);
	ens_members_close(d->members);
	free(d->field_ways);
	free(d->way);
	free(d->roots);
	free(d->deep);
	free(d->root);
	free(d->symbol);
	free(d->seen);
	free(d->field_symbol);
	free(d->all_types);
	free(d->layout);
	free(d->value);
	free(d->room);
	free(d);
}

/* ---- names of the entry to symbols ------------------------------------------------------------------------------ */

/* Room for the places of an entry of n fields; the places are as many as could be remembered. */
static void grow_layout(struct layout *l, uint32_t n)
{
	const uint32_t want = n < PLACES_MAX ? n : PLACES_MAX;
	struct place *grown;
	uint32_t i;

	if (want <= l->nplace)
		return;
	grown = realloc(l->place, want * sizeof(*grown));
	if (!grown)
		return; /* slower, not wrong */
	for (i = l->nplace; i < want; i++)
		grown[i].len = UINT32_MAX;
	l->place = grown;
	l->nplace = want;
}

/* Rare; inlined into the loop over the fields it costs every entry. */
__attribute__((noinline)) static uint32_t look_up(struct ens_decoder *d, struct place *p, const struct ens_raw_field *raw)
{
	const uint32_t symbol = ens_names_get(&d->symbols, 0, raw->name, raw->name_len);

	if (!p)
		return symbol;
	p->symbol = symbol;
	p->len = raw->name_len;
	if (symbol == ENS_NONE) {
		if (raw->name_len <= UNREAD_NAME_MAX_BYTES)
			memcpy(p->unread, raw->name, raw->name_len);
		else
			p->len = UINT32_MAX;
	}
	return symbol;
}

static uint32_t symbol_at(struct ens_decoder *d, struct layout *l, uint32_t i, const struct ens_raw_field *raw)
{
	struct place *p = i < l->nplace ? &l->place[i] : NULL;

	if (p && p->len == raw->name_len) {
		const char *expected = p->symbol == ENS_NONE ? p->unread : d->symbol[p->symbol].name;

		if (memcmp(expected, raw->name, raw->name_len) == 0)
			return p->symbol;
	}
	return look_up(d, p, raw);
}

/*
 * Fills `seen`; *too_large is the field whose value is over the limit, or ENS_NONE.  False: the whole entry is too
 * large.
 */
static bool find_symbols(struct ens_decoder *d, const struct ens_entry *entry, uint32_t *too_large)
{
	const size_t stream = entry->from_file ? d->t->nstream : entry->id.stream;
	struct layout *l = &d->layout[stream * LAYOUTS + entry->nfield % LAYOUTS];
	uint64_t total = 0;
	uint32_t i;

	d->entry++;
	*too_large = ENS_NONE;
	if (entry->nfield > l->nplace)
		grow_layout(l, entry->nfield);
	for (i = 0; i < entry->nfield; i++) {
		const struct ens_raw_field *raw = &entry->field[i];
		const uint32_t symbol = symbol_at(d, l, i, raw);

		if (raw->s) {
			total += raw->len;
			if (raw->len > ENS_VALUE_MAX_BYTES && *too_large == ENS_NONE)
				*too_large = i;
		}
		total += raw->name_len;
		if (symbol == ENS_NONE)
			continue;
		if (d->seen[symbol].entry == d->entry)
			d->seen[symbol].twice = true;
		else
			d->seen[symbol] = (struct seen){.entry = d->entry, .raw = i};
	}
	return total <= ENS_ENTRY_MAX_BYTES;
}

/* A field that types read as a JSON object may be as long as an entry, its members may not: the first from field i on
 * whose value is too large, or ENS_NONE. */
static uint32_t first_too_large(const struct ens_decoder *d, const struct ens_entry *entry, uint32_t i)
{
	for (; i < entry->nfield; i++) {
		const struct ens_raw_field *raw = &entry->field[i];
		uint32_t symbol;

		if (!raw->s || raw->len <= ENS_VALUE_MAX_BYTES)
			continue;
		symbol = d->roots ? ens_names_get(&d->symbols, 0, raw->name, raw->name_len) : ENS_NONE;
		if (symbol == ENS_NONE || (d->roots[symbol].object == ENS_NONE && d->roots[symbol].text_object == ENS_NONE))
			return i;
	}
	return ENS_NONE;
}

/* The entry's field of that symbol, or NULL. */
static const struct ens_raw_field *raw_of(const struct ens_decoder *d, const struct ens_entry *entry, uint32_t symbol)
{
	if (symbol == ENS_NONE || d->seen[symbol].entry != d->entry)
		return NULL;
	return &entry->field[d->seen[symbol].raw];
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

static bool set_int(struct ens_value *v, int64_t i)
{
	*v = (struct ens_value){.i = i};
	return true;
}

static bool set_float(struct ens_value *v, double f)
{
	*v = (struct ens_value){.f = f};
	return true;
}

static bool set_bytes(struct ens_value *v, const char *s, uint32_t len)
{
	*v = (struct ens_value){.s = s, .len = len};
	return true;
}

/* JSON strings hold dates, not epoch numbers: those are numbers there. */
static bool time_from_json(const struct ens_raw_field *raw, enum ens_time_unit unit, int64_t *us)
{
	switch (raw->kind) {
	case ENS_RAW_STRING:
		return raw->len > 4 && raw->s[4] == '-' && ens_parse_time(raw->s, raw->len, unit, us);
	case ENS_RAW_INT:
		return ens_time_from_int(raw->i, unit, us);
	case ENS_RAW_FLOAT:
		return ens_parse_time(raw->s, raw->len, unit, us);
	default:
		return false;
	}
}

static bool duration_from_json(const struct ens_raw_field *raw, int64_t *us)
{
	char last;

	switch (raw->kind) {
	case ENS_RAW_STRING:
		last = raw->len ? raw->s[raw->len - 1] : '0';
		return last >= 'a' && last <= 'z' && ens_parse_duration(raw->s, raw->len, us);
	case ENS_RAW_INT:
		return ens_time_from_int(raw->i, ENS_UNIT_S, us);
	case ENS_RAW_FLOAT:
		return ens_parse_duration(raw->s, raw->len, us);
	default:
		return false;
	}
}

static bool float_from_json(const struct ens_raw_field *raw, struct ens_value *v)
{
	double f;

	switch (raw->kind) {
	case ENS_RAW_INT:
		return set_float(v, (double)raw->i);
	case ENS_RAW_FLOAT:
		return set_float(v, raw->f);
	case ENS_RAW_OTHER: /* an integer of more than 64 bits is a good float */
		return ens_parse_float(raw->s, raw->len, &f) && set_float(v, f);
	default:
		return false;
	}
}

static bool value_from_json(const struct ens_t_field *f, const struct ens_raw_field *raw, char room[16],
			    struct ens_value *v)
{
	int64_t us;

	switch ((enum ens_type)f->type) {
	case ENS_BOOL:
		return raw->kind == ENS_RAW_BOOL && set_int(v, raw->i != 0);
	case ENS_INT:
		return raw->kind == ENS_RAW_INT && set_int(v, raw->i);
	case ENS_FLOAT:
		return float_from_json(raw, v);
	case ENS_STRING:
		return raw->kind == ENS_RAW_STRING && set_bytes(v, raw->s, raw->len);
	case ENS_TIME:
		return time_from_json(raw, (enum ens_time_unit)f->unit, &us) && set_int(v, us);
	case ENS_DURATION:
		return duration_from_json(raw, &us) && set_int(v, us);
	case ENS_IP:
		return raw->kind == ENS_RAW_STRING && ens_parse_ip(raw->s, raw->len, (uint8_t *)room) &&
		       set_bytes(v, room, 16);
	default:
		return false;
	}
}

/* A JSON scalar as text, for conditions on fields that are not declared.  NULL s: no memory. */
static struct ens_value text_of_scalar(struct ens_decoder *d, const struct ens_raw_field *raw)
{
	struct ens_value v = {.null = ENS_NULL};
	struct ens_buf b = ENS_BUF_EMPTY;

	if (raw->kind == ENS_RAW_INT)
		ens_format_int(&b, raw->i);
	else if (raw->kind == ENS_RAW_FLOAT)
		ens_format_float(&b, raw->f);
	else
		ens_buf_adds(&b, raw->i ? "true" : "false");
	if (!b.failed)
		v = (struct ens_value){.s = ens_arena_strndup(&d->text, b.data, b.len), .len = (uint32_t)b.len};
	ens_buf_free(&b);
	if (!v.s)
		v = (struct ens_value){.null = ENS_NULL};
	return v;
}

static bool convert_undeclared(struct ens_decoder *d, const struct ens_raw_field *raw, struct ens_value *v)
{
	switch (raw->kind) {
	case ENS_RAW_TEXT:
	case ENS_RAW_STRING:
	case ENS_RAW_OTHER:
		return set_bytes(v, raw->s, raw->len);
	case ENS_RAW_INT:
	case ENS_RAW_FLOAT:
	case ENS_RAW_BOOL:
		*v = text_of_scalar(d, raw);
		return true;
	case ENS_RAW_NULL:
		break;
	}
	*v = (struct ens_value){.null = ENS_NULL};
	return true;
}

/* A field that the entry does not have: `ev` has those before it. */
static bool compute_field(struct ens_decoder *d, const struct ens_event *ev, uint32_t index, uint32_t i,
			  struct failure *why)
{
	const struct ens_t_field *f = &d->t->field[index];

	*why = (struct failure){.reason = ENS_REJECT_MISSING_FIELD, .field = index};
	d->context.event = ev;
	d->value[i] = ens_program_run(&d->context, f->program);
	d->context.event = NULL;
	return d->value[i].null == ENS_SET || f->optional;
}

/* What the entry has on one way to a field: *raw NULL: nothing.  False: see *why. */
static bool go_way(const struct ens_decoder *d, const struct ens_entry *entry, const struct way *w,
		   const struct ens_raw_field **raw, struct failure *why)
{
	struct ens_member found = {.raw = NULL};

	*raw = NULL;
	if (w->symbol != ENS_NONE) {
		*raw = raw_of(d, entry, w->symbol);
		why->reason = ENS_REJECT_DUPLICATE_FIELD;
		return !*raw || !d->seen[w->symbol].twice;
	}
	switch (ens_members_get(d->members, w->member, &found)) {
	case ENS_MEMBER_ABSENT:
		break;
	case ENS_MEMBER_THERE:
		*raw = found.raw;
		break;
	case ENS_MEMBER_TWICE:
		why->reason = ENS_REJECT_DUPLICATE_FIELD;
		return false;
	case ENS_MEMBER_WRONG:
		why->reason = found.reason;
		why->why = found.why;
		return false;
	}
	return true;
}

static bool is_null(const struct ens_t_field *f, const struct ens_raw_field *raw)
{
	return raw->kind == ENS_RAW_NULL || (raw->kind == ENS_RAW_TEXT && raw->len == 0 && f->type != ENS_STRING);
}

/* The first of its ways on which there is something that is not null; *raw: that, or a null, or NULL.  False: see *why. */
static bool find_on_ways(const struct ens_decoder *d, const struct ens_entry *entry, uint32_t index,
			 const struct ens_raw_field **raw, struct failure *why)
{
	const struct ens_t_list ways = d->field_ways[d->field_symbol[index] - HAS_WAYS];
	const struct ens_raw_field *found;

	*raw = NULL;
	*why = (struct failure){.field = index};
	for (uint32_t k = 0; k < ways.count; k++) {
		if (!go_way(d, entry, &d->way[ways.first + k], &found, why))
			return false;
		if (found)
			*raw = found;
		if (found && !is_null(&d->t->field[index], found))
			break;
	}
	return true;
}

/* Written only now, since hardly any field fails. */
static bool fail(struct failure *why, enum ens_reject_reason reason, uint32_t index, const struct ens_raw_field *raw)
{
	*why = (struct failure){.reason = reason, .field = index, .raw = raw};
	return false;
}

/* Field `i` of the type (in the tables: `index`).  False: see *why; the value is null then. */
static bool convert_field(struct ens_decoder *d, const struct ens_entry *entry, uint32_t index, bool declared,
			  uint32_t i, struct failure *why)
{
	const struct ens_t_field *f = &d->t->field[index];
	const uint32_t symbol = d->field_symbol[index];
	const struct ens_raw_field *raw;
	struct ens_value *v = &d->value[i];
	enum ens_reject_reason reason = ENS_REJECT_BAD_VALUE;
	bool good;

	*v = (struct ens_value){.null = ENS_NULL};
	if (symbol >= HAS_WAYS) {
		if (!find_on_ways(d, entry, index, &raw, why))
			return false;
		if (!raw)
			return f->optional || fail(why, ENS_REJECT_MISSING_FIELD, index, NULL);
	} else {
		const struct seen *seen = &d->seen[symbol];

		if (seen->entry != d->entry)
			return f->optional || fail(why, ENS_REJECT_MISSING_FIELD, index, NULL);
		raw = &entry->field[seen->raw];
		if (seen->twice)
			return fail(why, ENS_REJECT_DUPLICATE_FIELD, index, raw);
	}
	if (!declared)
		good = convert_undeclared(d, raw, v);
	else if (raw->kind == ENS_RAW_TEXT)
		good = ens_parse_value((enum ens_type)f->type, (enum ens_time_unit)f->unit, raw->s, raw->len,
				       d->room[i], v);
	else if (raw->kind == ENS_RAW_NULL)
		good = true;
	else
		good = value_from_json(f, raw, d->room[i], v);
	if (good && v->null != ENS_SET)
		return f->optional || fail(why, ENS_REJECT_MISSING_FIELD, index, raw);
	if (good && f->type == ENS_STRING) {
		good = ens_utf8_valid(v->s, v->len) == v->len;
		reason = ENS_REJECT_NOT_UTF8;
		if (good && v->len > ENS_VALUE_MAX_BYTES && declared) { /* it is an object to others: see first_too_large */
			good = false;
			reason = ENS_REJECT_TOO_LARGE;
		}
	}
	if (good)
		return true;
	*v = (struct ens_value){.null = ENS_NULL};
	return fail(why, reason, index, raw);
}

/* ---- objects in the entry --------------------------------------------------------------------------------------- */

/* Reads what the type's fields are found in.  False without memory. */
static bool read_objects(struct ens_decoder *d, const struct ens_entry *entry, uint32_t type)
{
	const struct deep *deep = &d->deep[type];

	if (deep->json != ENS_NONE)
		return ens_members_read(d->members, d->roots[deep->json].text_object, raw_of(d, entry, deep->json));
	for (uint32_t i = 0; i < deep->roots.count; i++) {
		const uint32_t symbol = d->root[deep->roots.first + i];

		if (!ens_members_read(d->members, d->roots[symbol].object, raw_of(d, entry, symbol)))
			return false;
	}
	return true;
}

/* Is the object that the event of this type would be fine?  If not, *why. */
static bool whole_is_fine(const struct ens_decoder *d, const struct ens_entry *entry, uint32_t type, struct failure *why)
{
	const uint32_t json = d->deep[type].json;
	const struct ens_raw_field *raw;

	if (json == ENS_NONE)
		return true;
	raw = raw_of(d, entry, json);
	*why = (struct failure){.whole = true, .raw = raw, .field = d->t->type[type].fields.first};
	if (!raw || raw->kind == ENS_RAW_NULL || (raw->kind == ENS_RAW_TEXT && raw->len == 0))
		why->reason = ENS_REJECT_MISSING_FIELD;
	else if (d->seen[json].twice)
		why->reason = ENS_REJECT_DUPLICATE_FIELD;
	else
		why->why = ens_members_wrong(d->members, d->roots[json].text_object, &why->reason);
	return why->reason == ENS_REJECT_NO_TYPE;
}

/* ---- one candidate ---------------------------------------------------------------------------------------------- */

enum verdict {
	TAKEN,     /* the entry is of this type */
	FAILED,    /* it is of this type, but not well-formed */
	UNDECIDED, /* it might be, but what `where` looks at is not well-formed */
	OTHER      /* it is not of this type */
};

static bool where_is_null(struct ens_decoder *d, uint32_t program)
{
	return ens_program_run(&d->context, program).null != ENS_SET;
}

/* The time that an event's fields say.  The device's clock is put right by what the time at which it sent the event is off
 * from that in the entry's ID; a file has no such time.  INT64_MIN: none that fits. */
static int64_t time_of_fields(const struct ens_decoder *d, const struct ens_entry *entry, const struct ens_t_type *t)
{
	int64_t off_us, us = d->value[t->time_field].i;

	if (t->sent_field == ENS_NONE || entry->from_file)
		return us;
	if (__builtin_sub_overflow(entry->time_us, d->value[t->sent_field].i, &off_us) ||
	    __builtin_add_overflow(us, off_us, &us))
		return INT64_MIN;
	return us;
}

/* Converts the entry as an event of `type` into d->value.  FAILED and UNDECIDED: *why is the first reason. */
static enum verdict try_type(struct ens_decoder *d, const struct ens_entry *entry, uint32_t type, struct failure *why)
{
	const struct ens_t_type *t = &d->t->type[type];
	const uint32_t ndeclared = t->fields.count - t->nraw;
	struct ens_event ev = {.type = type, .id = entry->id, .from_file = entry->from_file, .value = d->value};
	enum verdict verdict;
	bool good = !d->members || whole_is_fine(d, entry, type, why);
	struct failure f;
	uint32_t i;

	if (!good && t->where == ENS_NONE)
		return FAILED;
	for (i = 0; i < t->fields.count; i++) {
		const uint32_t index = t->fields.first + i;

		if (d->t->field[index].program == ENS_NONE ? convert_field(d, entry, index, i < ndeclared, i, &f)
							   : compute_field(d, &ev, index, i, &f))
			continue;
		if (!good)
			continue;
		good = false;
		*why = f;
		if (t->where == ENS_NONE)
			return FAILED;
	}
	if (t->where == ENS_NONE)
		return TAKEN;
	ev.time_us = t->time_field == ENS_NONE || d->value[t->time_field].null ||
				     (t->sent_field != ENS_NONE && d->value[t->sent_field].null)
			     ? entry->time_us
			     : time_of_fields(d, entry, t);
	if (entry->from_file)
		ev.id.stream = t->streams.count ? d->t->index[t->streams.first] : 0;
	d->context.event = &ev;
	if (ens_program_holds(&d->context, t->where))
		verdict = good ? TAKEN : FAILED;
	else if (!good && why->reason != ENS_REJECT_MISSING_FIELD && where_is_null(d, t->where))
		verdict = UNDECIDED;
	else
		verdict = OTHER;
	d->context.event = NULL;
	return verdict;
}

/* ---- why not ---------------------------------------------------------------------------------------------------- */

/* The value as a person would recognise it, cut, without control characters. */
static void quote(struct ens_buf *b, const struct ens_raw_field *raw)
{
	const bool quoted = raw->kind == ENS_RAW_TEXT || raw->kind == ENS_RAW_STRING;
	const uint32_t len = raw->len < QUOTE_MAX_BYTES ? raw->len : QUOTE_MAX_BYTES;

	switch (raw->kind) {
	case ENS_RAW_INT:
		ens_format_int(b, raw->i);
		break;
	case ENS_RAW_FLOAT:
		ens_format_float(b, raw->f);
		break;
	case ENS_RAW_BOOL:
		ens_buf_adds(b, raw->i ? "true" : "false");
		break;
	case ENS_RAW_NULL:
		ens_buf_adds(b, "null");
		break;
	case ENS_RAW_TEXT:
	case ENS_RAW_STRING:
	case ENS_RAW_OTHER:
		if (quoted)
			ens_buf_addc(b, '"');
		ens_buf_add_visible(b, raw->s, len);
		if (len < raw->len)
			ens_buf_adds(b, "...");
		if (quoted)
			ens_buf_addc(b, '"');
		break;
	}
}

static const char *with_article(enum ens_type type)
{
	switch (type) {
	case ENS_BOOL:
		return "a bool (true or false)";
	case ENS_INT:
		return "an int";
	case ENS_FLOAT:
		return "a float";
	case ENS_STRING:
		return "a string";
	case ENS_TIME:
		return "a time (RFC 3339 or an epoch number)";
	case ENS_DURATION:
		return "a duration (such as 90s, or a number of seconds)";
	case ENS_IP:
		return "an IP address";
	default:
		return "a value";
	}
}

/* What is wrong with a text that should be a time, where that can be told. */
static void describe_time(const struct ens_raw_field *raw, struct ens_buf *b)
{
	const bool text = raw->kind == ENS_RAW_TEXT || raw->kind == ENS_RAW_STRING;
	const char *fault = text ? ens_time_fault(raw->s, raw->len) : NULL;
	double number;

	if (!fault && raw->kind == ENS_RAW_STRING && ens_parse_float(raw->s, raw->len, &number))
		fault = "in JSON a number stands without quotes";
	if (fault)
		ens_buf_addf(b, ": %s", fault);
}

static void describe(const struct ens_decoder *d, const struct failure *why, struct ens_buf *b)
{
	const struct ens_t_field *f = &d->t->field[why->field];

	if (why->why) {
		ens_buf_addf(b, "%s %s", why->whole ? "the text" : "what it is read from", why->why);
		return;
	}
	switch (why->reason) {
	case ENS_REJECT_MISSING_FIELD:
		ens_buf_adds(b, why->whole	       ? "the field is missing or null, and the event is the JSON object in it"
				: f->program != ENS_NONE ? "what is computed for the field is null, but it is not optional"
				: why->raw ? "the field is null, but it is not optional"
					 : "the field is missing, but it is not optional");
		break;
	case ENS_REJECT_DUPLICATE_FIELD:
		ens_buf_adds(b, "the field is there more than once");
		break;
	case ENS_REJECT_NOT_UTF8:
		ens_buf_adds(b, "the text is not UTF-8");
		break;
	case ENS_REJECT_TOO_LARGE:
		ens_buf_addf(b, "the value has more than %u bytes", ENS_VALUE_MAX_BYTES);
		break;
	default:
		assert(why->reason == ENS_REJECT_BAD_VALUE && why->raw);
		quote(b, why->raw);
		ens_buf_addf(b, " is not %s", with_article((enum ens_type)f->type));
		if (f->type == ENS_TIME)
			describe_time(why->raw, b);
		break;
	}
}

/* ` (it is read from "a.b" or "c" of the object in "payload")`; nothing where that is its own name. */
static void describe_sources(const struct ens_decoder *d, const struct ens_t_type *t, const struct ens_t_field *f,
			     struct ens_buf *b)
{
	const struct ens_t_str *source = &d->t->source[f->sources.first];

	if (f->program != ENS_NONE || (f->sources.count == 1 && !t->json.len && source->len == f->name.len &&
				       memcmp(text_at(d, *source), text_at(d, f->name), f->name.len) == 0))
		return;
	for (uint32_t i = 0; i < f->sources.count && i < SOURCES_SHOWN_MAX; i++) {
		ens_buf_adds(b, i ? "\" or \"" : " (it is read from \"");
		ens_buf_add_visible(b, text_at(d, source[i]), source[i].len < QUOTE_MAX_BYTES ? source[i].len : QUOTE_MAX_BYTES);
	}
	ens_buf_adds(b, f->sources.count > SOURCES_SHOWN_MAX ? "\" or others" : "\"");
	if (t->json.len) {
		ens_buf_adds(b, " of the object in \"");
		ens_buf_add_visible(b, text_at(d, t->json), t->json.len < QUOTE_MAX_BYTES ? t->json.len : QUOTE_MAX_BYTES);
		ens_buf_addc(b, '"');
	}
	ens_buf_addc(b, ')');
}

static enum ens_status reject_field(struct ens_decoder *d, const struct ens_entry *entry, uint32_t type,
				    const struct failure *why, struct ens_batch *into)
{
	const struct ens_t_type *t = &d->t->type[type];
	const struct ens_t_field *f = &d->t->field[why->field];
	const struct ens_t_str name = why->whole ? t->json : f->name;
	struct ens_buf b = ENS_BUF_EMPTY;
	enum ens_status st;

	describe(d, why, &b);
	if (!why->whole)
		describe_sources(d, t, f, &b);
	st = add_reject(into, why->reason, entry, text_at(d, name), name.len, ens_buf_cstr(&b));
	ens_buf_free(&b);
	return st;
}

/* A field of the entry itself, whether declared or not. */
static enum ens_status reject_raw(enum ens_reject_reason reason, const struct ens_entry *entry,
				  const struct ens_raw_field *raw, const char *detail, struct ens_batch *into)
{
	return add_reject(into, reason, entry, raw->name, raw->name_len, detail);
}

/* ---- the event -------------------------------------------------------------------------------------------------- */

/* Files: an event whose type has no time field takes the member `time`.  False: it is there, and is no time. */
static bool time_of_line(const struct ens_decoder *d, const struct ens_entry *entry, const struct ens_t_type *t,
			 int64_t *us)
{
	const struct ens_raw_field *raw = raw_of(d, entry, d->time_symbol);
	uint32_t i;

	if (!raw || raw->kind == ENS_RAW_NULL || (raw->kind == ENS_RAW_TEXT && raw->len == 0))
		return true;
	if (!d->seen[d->time_symbol].twice) {
		if (raw->kind == ENS_RAW_TEXT ? ens_parse_time(raw->s, raw->len, ENS_UNIT_AUTO, us)
					      : time_from_json(raw, ENS_UNIT_AUTO, us))
			return true;
	}
	/* A type that declares the member as something else may have anything there. */
	for (i = 0; i < t->fields.count - t->nraw; i++)
		if (d->field_symbol[t->fields.first + i] == d->time_symbol)
			return true;
	return false;
}

static enum ens_status copy_values(struct ens_decoder *d, const struct ens_t_type *t, struct ens_batch *into,
				   const struct ens_value **out)
{
	const uint32_t n = t->fields.count, ndeclared = n - t->nraw;
	size_t len = n * sizeof(struct ens_value);
	struct ens_value *value;
	char *bytes;
	uint32_t i;

	for (i = 0; i < ndeclared; i++)
		if (ens_type_is_bytes((enum ens_type)d->t->field[t->fields.first + i].type))
			len += d->value[i].len;
	value = ens_arena_alloc(&into->arena, len);
	if (!value)
		return ENS_ENOMEM;
	bytes = (char *)(value + n);
	for (i = 0; i < ndeclared; i++) {
		value[i] = d->value[i];
		if (value[i].null != ENS_SET ||
		    !ens_type_is_bytes((enum ens_type)d->t->field[t->fields.first + i].type))
			continue;
		if (value[i].len)
			memcpy(bytes, value[i].s, value[i].len);
		value[i].s = bytes;
		bytes += value[i].len;
	}
	for (; i < n; i++) /* only `where` reads them */
		value[i] = (struct ens_value){.null = ENS_NULL};
	*out = value;
	return ENS_OK;
}

static enum ens_status reject_time(const struct ens_decoder *d, const struct ens_entry *entry, const struct ens_t_type *t,
				   struct ens_batch *into)
{
	const struct ens_t_str none = {0, 0},
			       name = t->time_field == ENS_NONE ? none : d->t->field[t->fields.first + t->time_field].name;

	return add_reject(into, ENS_REJECT_BAD_TIME, entry, name.len ? d->t->bytes + name.off : NULL, name.len,
			  t->sent_field == ENS_NONE || entry->from_file
				  ? "the event's time is before 1970 or after 9999"
				  : "the event's time, put right by the time at which it was sent, is before 1970 or after 9999");
}

static enum ens_status reject_future(const struct ens_decoder *d, const struct ens_entry *entry, const struct ens_t_type *t,
				     int64_t time_us, struct ens_batch *into)
{
	const struct ens_t_str name = d->t->field[t->fields.first + t->time_field].name; /* else the time is the entry's own */
	struct ens_buf b = ENS_BUF_EMPTY;
	enum ens_status st;

	ens_buf_adds(&b, "the event's time, ");
	ens_format_time(&b, time_us);
	ens_buf_adds(&b, ", is further ahead of its entry ID, ");
	ens_format_time(&b, entry->time_us);
	ens_buf_adds(&b, ", than --max-skew allows");
	st = add_reject(into, ENS_REJECT_FUTURE, entry, text_at(d, name), name.len, ens_buf_cstr(&b));
	ens_buf_free(&b);
	return st;
}

/* The member `time` of a line. */
static enum ens_status reject_line_time(const struct ens_decoder *d, const struct ens_entry *entry, struct ens_batch *into)
{
	const struct ens_raw_field *raw = raw_of(d, entry, d->time_symbol);
	struct ens_buf b = ENS_BUF_EMPTY;
	enum ens_status st;

	if (d->seen[d->time_symbol].twice)
		return reject_raw(ENS_REJECT_DUPLICATE_FIELD, entry, raw, "the field is there more than once", into);
	quote(&b, raw);
	ens_buf_addf(&b, " is not %s", with_article(ENS_TIME));
	describe_time(raw, &b);
	st = reject_raw(ENS_REJECT_BAD_VALUE, entry, raw, ens_buf_cstr(&b), into);
	ens_buf_free(&b);
	return st;
}

/* d->value has the fields of an event of `type`. */
static enum ens_status take(struct ens_decoder *d, const struct ens_entry *entry, uint32_t type, struct ens_batch *into)
{
	const struct ens_t_type *t = &d->t->type[type];
	struct ens_event ev = {.type = type, .id = entry->id, .from_file = entry->from_file, .time_us = entry->time_us};
	enum ens_status st;
	struct ens_event *slot;

	if (t->time_field != ENS_NONE)
		ev.time_us = time_of_fields(d, entry, t);
	else if (entry->from_file && !time_of_line(d, entry, t, &ev.time_us))
		return reject_line_time(d, entry, into);
	if (ev.time_us < 0 || ev.time_us > ENS_EVENT_TIME_MAX_US)
		return reject_time(d, entry, t, into);
	if (entry->from_file)
		ev.id.stream = t->streams.count ? d->t->index[t->streams.first] : 0;
	else if (d->max_skew_us >= 0 && entry->time_us < INT64_MAX - d->max_skew_us &&
		 ev.time_us > entry->time_us + d->max_skew_us)
		return reject_future(d, entry, t, ev.time_us, into);
	st = copy_values(d, t, into, &ev.value);
	if (st != ENS_OK)
		return st;
	slot = add_event(into);
	if (!slot)
		return ENS_ENOMEM;
	*slot = ev;
	return ENS_OK;
}

/* ---- the type --------------------------------------------------------------------------------------------------- */

/* The member that names the type; *present: there is one. */
static const struct ens_raw_field *event_member(const struct ens_decoder *d, const struct ens_entry *entry,
						uint32_t *symbol)
{
	const struct ens_raw_field *raw;

	*symbol = d->event_symbol;
	raw = raw_of(d, entry, d->event_symbol);
	if (!raw && entry->from_file) {
		*symbol = d->event_symbol2;
		raw = raw_of(d, entry, d->event_symbol2);
	}
	if (raw && (raw->kind == ENS_RAW_NULL || (raw->kind == ENS_RAW_TEXT && raw->len == 0)))
		raw = NULL;
	return raw;
}

static bool stream_has_type(const struct ens_tables *t, uint32_t stream, uint32_t type)
{
	const struct ens_t_list streams = t->type[type].streams;
	uint32_t i;

	for (i = 0; i < streams.count; i++)
		if (t->index[streams.first + i] == stream)
			return true;
	return false;
}

static enum ens_status conclude(struct ens_decoder *d, const struct ens_entry *entry, uint32_t type,
				enum verdict verdict, const struct failure *why, struct ens_batch *into)
{
	if (verdict == TAKEN)
		return take(d, entry, type, into);
	if (verdict == FAILED || verdict == UNDECIDED)
		return reject_field(d, entry, type, why, into);
	into->skipped++;
	return ENS_OK;
}

/* The type as an event of which the entry is looked at; its objects are read.  ENS_ENOMEM; else *verdict, *why. */
static enum ens_status look_as(struct ens_decoder *d, const struct ens_entry *entry, uint32_t type, enum verdict *verdict,
			       struct failure *why)
{
	if (d->members && !read_objects(d, entry, type))
		return ENS_ENOMEM;
	*verdict = try_type(d, entry, type, why);
	return ENS_OK;
}

static enum ens_status decode_named(struct ens_decoder *d, const struct ens_entry *entry,
				    const struct ens_raw_field *name, struct ens_batch *into)
{
	struct failure why = {.reason = ENS_REJECT_NO_TYPE};
	enum ens_status st = ENS_OK;
	enum verdict verdict = OTHER;
	uint32_t type = ENS_NONE;

	if (name->kind == ENS_RAW_STRING || name->kind == ENS_RAW_TEXT)
		type = ens_names_get(&d->types, 0, name->s, name->len);
	if (type != ENS_NONE && (entry->from_file || stream_has_type(d->t, entry->id.stream, type)))
		st = look_as(d, entry, type, &verdict, &why);
	return st == ENS_OK ? conclude(d, entry, type, verdict, &why, into) : st;
}

enum naming { UNNAMED, NAMED, NAMED_OTHERWISE };

/* Does the object that an event of this type is in name its type?  ENS_ENOMEM. */
static enum ens_status name_inside(struct ens_decoder *d, const struct ens_entry *entry, uint32_t type, enum naming *naming)
{
	struct ens_member found;

	*naming = UNNAMED;
	if (d->deep[type].json == ENS_NONE)
		return ENS_OK;
	if (!read_objects(d, entry, type))
		return ENS_ENOMEM;
	if (ens_members_get(d->members, d->deep[type].event, &found) != ENS_MEMBER_THERE || found.raw->kind == ENS_RAW_NULL)
		return ENS_OK;
	*naming = found.raw->kind == ENS_RAW_STRING && ens_names_get(&d->types, 0, found.raw->s, found.raw->len) == type
			  ? NAMED
			  : NAMED_OTHERWISE;
	return ENS_OK;
}

/* The candidates of an entry that does not name its type. */
struct search {
	struct failure why, undecided;
	uint32_t undecided_type;
	bool ambiguous, done; /* done: an event or a reject came of it */
};

/* Is the entry an event of this type?  In a file, where types of several streams are mixed, a type that neither a name
 * nor a `where` tells apart has to wait. */
static enum ens_status search_type(struct ens_decoder *d, const struct ens_entry *entry, uint32_t type, struct search *s,
				   struct ens_batch *into)
{
	const bool mixed = entry->from_file && d->nall > 1;
	enum verdict verdict;
	enum naming naming = UNNAMED;
	enum ens_status st = d->members ? name_inside(d, entry, type, &naming) : ENS_OK;

	if (st != ENS_OK || naming == NAMED_OTHERWISE)
		return st;
	if (mixed && naming == UNNAMED && d->t->type[type].where == ENS_NONE) {
		s->ambiguous = d->without_where == ENS_NONE;
		return ENS_OK;
	}
	st = look_as(d, entry, type, &verdict, &s->why);
	if (st != ENS_OK)
		return st;
	if (verdict == TAKEN || verdict == FAILED) {
		s->done = true;
		return conclude(d, entry, type, verdict, &s->why, into);
	}
	if (verdict == UNDECIDED && s->undecided_type == ENS_NONE) {
		s->undecided_type = type;
		s->undecided = s->why;
	}
	return ENS_OK;
}

/* In a file a type without a `where` takes what no other takes, if it is the only one. */
static enum ens_status take_the_rest(struct ens_decoder *d, const struct ens_entry *entry, struct search *s,
				     struct ens_batch *into)
{
	enum verdict verdict;
	enum naming naming = UNNAMED;
	enum ens_status st = d->members ? name_inside(d, entry, d->without_where, &naming) : ENS_OK;

	if (st == ENS_OK && naming != NAMED_OTHERWISE)
		st = look_as(d, entry, d->without_where, &verdict, &s->why);
	if (st != ENS_OK || naming == NAMED_OTHERWISE)
		return st;
	s->done = true;
	return conclude(d, entry, d->without_where, verdict, &s->why, into);
}

/* The first declared type whose `where` holds. */
static enum ens_status decode_unnamed(struct ens_decoder *d, const struct ens_entry *entry, struct ens_batch *into)
{
	const struct ens_t_list of_stream = entry->from_file ? (struct ens_t_list){.count = d->nall}
							     : d->t->stream[entry->id.stream].types;
	const uint32_t *types = entry->from_file ? d->all_types : d->t->index + of_stream.first;
	struct search s = {.why = {.reason = ENS_REJECT_NO_TYPE}, .undecided_type = ENS_NONE};
	enum ens_status st = ENS_OK;

	for (uint32_t i = 0; i < of_stream.count && st == ENS_OK && !s.done; i++)
		st = search_type(d, entry, types[i], &s, into);
	if (st == ENS_OK && !s.done && entry->from_file && d->nall > 1 && d->without_where != ENS_NONE)
		st = take_the_rest(d, entry, &s, into);
	if (st != ENS_OK || s.done)
		return st;
	if (s.undecided_type != ENS_NONE)
		return conclude(d, entry, s.undecided_type, UNDECIDED, &s.undecided, into);
	if (s.ambiguous)
		return ens_batch_reject(
			into, ENS_REJECT_BAD_ENTRY, entry, NULL,
			"it does not say of which type it is: no member \"%.*s\", and the rules declare several",
			(int)d->symbol[d->event_symbol].len, d->symbol[d->event_symbol].name);
	into->skipped++;
	return ENS_OK;
}

enum ens_status ens_decode(struct ens_decoder *d, const struct ens_entry *entry, struct ens_batch *into)
{
	const struct ens_raw_field *name;
	uint32_t too_large, symbol;

	assert(entry->from_file || entry->id.stream < d->t->nstream);
	into->entries++;
	if (d->text.used_bytes)
		ens_arena_reset(&d->text);
	if (d->members)
		ens_members_begin(d->members);
	if (d->has_context)
		ens_program_reset(&d->context); /* not before the values are copied: computed ones may stand there */
	if (entry->nfield > ENS_FIELDS_MAX)
		/* Who read it may have stopped counting. */
		return ens_batch_reject(into, ENS_REJECT_TOO_LARGE, entry, NULL, "it has more than the %d fields allowed",
					ENS_FIELDS_MAX);
	if (!find_symbols(d, entry, &too_large))
		return ens_batch_reject(into, ENS_REJECT_TOO_LARGE, entry, NULL,
					"it is longer than the %u bytes allowed", ENS_ENTRY_MAX_BYTES);
	if (too_large != ENS_NONE)
		too_large = first_too_large(d, entry, too_large);
	if (too_large != ENS_NONE) {
		char detail[80];

		(void)snprintf(detail, sizeof(detail), "the value has %u bytes; %u are allowed",
			       (unsigned)entry->field[too_large].len, ENS_VALUE_MAX_BYTES);
		return reject_raw(ENS_REJECT_TOO_LARGE, entry, &entry->field[too_large], detail, into);
	}
	name = event_member(d, entry, &symbol);
	if (!name)
		return decode_unnamed(d, entry, into);
	if (d->seen[symbol].twice)
		return reject_raw(ENS_REJECT_DUPLICATE_FIELD, entry, name, "the field is there more than once", into);
	return decode_named(d, entry, name, into);
}
