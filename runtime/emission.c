/*
 * A complex event as text.
 *
 * Both forms walk the emission once, in the fixed order of runtime.md section 6, and append.  Values are formatted by
 * base/text.h, so that what one rule emits another can read.  Cost: linear in the text; no allocation once the buffers
 * have grown.  Tested by tests/unit/test_emission.c.
 */
#include "runtime/emission.h"

#include <stdlib.h>

#include "base/text.h"

static const struct ens_t_emit *emit_of(const struct ens_tables *t, const struct ens_emission *e)
{
	return &t->emit[e->emit];
}

static const struct ens_t_keygroup *keygroup_of(const struct ens_tables *t, const struct ens_emission *e)
{
	return &t->keygroup[t->rule[e->rule].keygroup];
}

static void add_text(const struct ens_tables *t, struct ens_t_str s, struct ens_buf *b)
{
	ens_buf_add(b, t->bytes + s.off, s.len);
}

static void add_json_text(const struct ens_tables *t, struct ens_t_str s, struct ens_buf *b)
{
	ens_buf_add_json(b, t->bytes + s.off, s.len);
}

static void add_identity(const struct ens_emission *e, struct ens_buf *b)
{
	static const char digit[] = "0123456789abcdef";
	uint8_t id[16];
	char text[32];
	unsigned i;

	if (ens_emission_identify(e, id) != ENS_OK) {
		b->failed = true;
		return;
	}
	for (i = 0; i < 16; i++) {
		text[2 * i] = digit[id[i] >> 4];
		text[2 * i + 1] = digit[id[i] & 15];
	}
	ens_buf_add(b, text, sizeof(text));
}

static void add_u64(struct ens_buf *b, uint64_t v)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + (int)(v % 10));
		v /= 10;
	} while (v);
	ens_buf_add(b, text + at, sizeof(text) - at);
}

static void add_key_json(const struct ens_tables *t, const struct ens_emission *e, struct ens_buf *b)
{
	const struct ens_t_list parts = keygroup_of(t, e)->parts;
	uint32_t i;

	ens_buf_addc(b, '{');
	for (i = 0; i < parts.count; i++) {
		const struct ens_t_keypart *part = &t->keypart[parts.first + i];

		if (i)
			ens_buf_addc(b, ',');
		add_json_text(t, part->name, b);
		ens_buf_addc(b, ':');
		ens_format_json(b, (enum ens_type)part->type, &e->key[i]);
	}
	ens_buf_addc(b, '}');
}

static void add_events_json(const struct ens_emission *e, struct ens_buf *b)
{
	const struct ens_entry_id *event;
	uint32_t i, n;

	if (ens_emission_list(e, &event, &n) != ENS_OK) {
		b->failed = true;
		return;
	}
	ens_buf_addc(b, '[');
	for (i = 0; i < n; i++) {
		if (i)
			ens_buf_addc(b, ',');
		if (e->from_file) {
			add_u64(b, event[i].ms);
			continue;
		}
		ens_buf_addc(b, '"');
		add_u64(b, event[i].ms);
		ens_buf_addc(b, '-');
		add_u64(b, event[i].seq);
		ens_buf_addc(b, '"');
	}
	ens_buf_addc(b, ']');
}

static void add_time_json(struct ens_buf *b, const char *member, int64_t us)
{
	ens_buf_adds(b, member);
	ens_format_time(b, us);
	ens_buf_addc(b, '"');
}

/* How many of the fields are not meta: those stand behind `_events`. */
static uint32_t plain_fields(const struct ens_tables *t, const struct ens_t_emit *emit)
{
	uint32_t n = emit->outs.count;

	while (n > 0 && t->out[emit->outs.first + n - 1].meta)
		n--;
	return n;
}

static void add_value_json(const struct ens_t_out *out, const struct ens_value *v, struct ens_buf *into)
{
	if (out->type == ENS_LIST)
		ens_format_list(into, (enum ens_type)out->element, v);
	else
		ens_format_json(into, (enum ens_type)out->type, v);
}

static void add_approx_json(const struct ens_tables *t, const struct ens_emission *e, struct ens_buf *into)
{
	const struct ens_t_list outs = emit_of(t, e)->outs;
	char before = '[';

	for (uint32_t i = 0; i < outs.count; i++) {
		if (!e->approx[i])
			continue;
		ens_buf_addc(into, before);
		add_json_text(t, t->out[outs.first + i].name, into);
		before = ',';
	}
	ens_buf_addc(into, ']');
}

static void add_fields_json(const struct ens_tables *t, const struct ens_emission *e, uint32_t from, uint32_t to,
			    struct ens_buf *into)
{
	const struct ens_t_emit *emit = emit_of(t, e);

	for (uint32_t i = from; i < to; i++) {
		const struct ens_t_out *out = &t->out[emit->outs.first + i];

		ens_buf_addc(into, ',');
		add_json_text(t, out->name, into);
		ens_buf_addc(into, ':');
		add_value_json(out, &e->out[i], into);
	}
}

void ens_emission_json(const struct ens_tables *t, const struct ens_emission *e, bool provenance, struct ens_buf *into)
{
	const struct ens_t_emit *emit = emit_of(t, e);
	const uint32_t plain = plain_fields(t, emit);

	ens_buf_adds(into, "{\"_event\":");
	add_json_text(t, emit->type, into);
	add_fields_json(t, e, 0, plain, into);
	ens_buf_adds(into, ",\"_rule\":");
	add_json_text(t, t->rule[e->rule].name, into);
	ens_buf_adds(into, ",\"_id\":\"");
	add_identity(e, into);
	ens_buf_addc(into, '"');
	if (keygroup_of(t, e)->parts.count) {
		ens_buf_adds(into, ",\"_key\":");
		add_key_json(t, e, into);
	}
	add_time_json(into, ",\"_start\":\"", e->start_us);
	add_time_json(into, ",\"_end\":\"", e->end_us);
	if (e->suppressed) {
		ens_buf_adds(into, ",\"_suppressed\":");
		add_u64(into, e->suppressed);
	}
	if (e->approx) {
		ens_buf_adds(into, ",\"_approx\":");
		add_approx_json(t, e, into);
	}
	if (provenance) {
		ens_buf_adds(into, ",\"_events\":");
		add_events_json(e, into);
	}
	add_fields_json(t, e, plain, emit->outs.count, into);
	ens_buf_adds(into, "}\n");
}

void ens_emission_fields_clear(struct ens_emission_fields *f)
{
	ens_buf_clear(&f->bytes);
	f->nslice = 0;
}

void ens_emission_fields_free(struct ens_emission_fields *f)
{
	ens_buf_free(&f->bytes);
	free(f->slice);
	*f = (struct ens_emission_fields){.bytes = ENS_BUF_EMPTY};
}

static bool reserve_slices(struct ens_emission_fields *f, size_t more)
{
	size_t cap = f->slice_cap ? f->slice_cap : 64;
	struct ens_slice *grown;

	while (cap - f->nslice < more)
		cap *= 2;
	if (cap == f->slice_cap)
		return true;
	grown = realloc(f->slice, cap * sizeof(*grown));
	if (!grown)
		return false;
	f->slice = grown;
	f->slice_cap = cap;
	return true;
}

/* What was appended since `from` is one slice. */
static void close_slice(struct ens_emission_fields *f, size_t from)
{
	f->slice[f->nslice++] = (struct ens_slice){.off = from, .len = f->bytes.len - from};
}

static void add_name(struct ens_emission_fields *f, const char *name)
{
	size_t from = f->bytes.len;

	ens_buf_adds(&f->bytes, name);
	close_slice(f, from);
}

static void add_text_pair(const struct ens_tables *t, struct ens_emission_fields *f, const char *name,
			  struct ens_t_str s)
{
	size_t from;

	add_name(f, name);
	from = f->bytes.len;
	add_text(t, s, &f->bytes);
	close_slice(f, from);
}

static void add_out_pair(const struct ens_tables *t, struct ens_emission_fields *f, const struct ens_t_out *out,
			 const struct ens_value *v)
{
	size_t from = f->bytes.len;

	add_text(t, out->name, &f->bytes);
	close_slice(f, from);
	from = f->bytes.len;
	if (out->type == ENS_LIST)
		ens_format_list(&f->bytes, (enum ens_type)out->element, v);
	else
		ens_format_text(&f->bytes, (enum ens_type)out->type, v);
	close_slice(f, from);
}

static void add_field_pairs(const struct ens_tables *t, const struct ens_emission *e, uint32_t from, uint32_t to,
			    struct ens_emission_fields *f)
{
	const struct ens_t_emit *emit = emit_of(t, e);

	for (uint32_t i = from; i < to; i++)
		if (e->out[i].null == ENS_SET)
			add_out_pair(t, f, &t->out[emit->outs.first + i], &e->out[i]);
}

static void add_time_pair(struct ens_emission_fields *f, const char *name, int64_t us)
{
	size_t from;

	add_name(f, name);
	from = f->bytes.len;
	ens_format_time(&f->bytes, us);
	close_slice(f, from);
}

enum ens_status ens_emission_pairs(const struct ens_tables *t, const struct ens_emission *e, bool provenance,
				   struct ens_emission_fields *into)
{
	const struct ens_t_emit *emit = emit_of(t, e);
	const size_t nslice_before = into->nslice, len_before = into->bytes.len;
	const uint32_t plain = plain_fields(t, emit);
	size_t from;

	/* `_event _rule _id _key _start _end _suppressed _approx _events` and the fields, a name and a value each. */
	if (!reserve_slices(into, 2 * ((size_t)emit->outs.count + 9)))
		return ENS_ENOMEM;
	add_text_pair(t, into, "_event", emit->type);
	add_field_pairs(t, e, 0, plain, into);
	add_text_pair(t, into, "_rule", t->rule[e->rule].name);
	add_name(into, "_id");
	from = into->bytes.len;
	add_identity(e, &into->bytes);
	close_slice(into, from);
	if (keygroup_of(t, e)->parts.count) {
		add_name(into, "_key");
		from = into->bytes.len;
		add_key_json(t, e, &into->bytes);
		close_slice(into, from);
	}
	add_time_pair(into, "_start", e->start_us);
	add_time_pair(into, "_end", e->end_us);
	if (e->suppressed) {
		add_name(into, "_suppressed");
		from = into->bytes.len;
		add_u64(&into->bytes, e->suppressed);
		close_slice(into, from);
	}
	if (e->approx) {
		add_name(into, "_approx");
		from = into->bytes.len;
		add_approx_json(t, e, &into->bytes);
		close_slice(into, from);
	}
	if (provenance) {
		add_name(into, "_events");
		from = into->bytes.len;
		add_events_json(e, &into->bytes);
		close_slice(into, from);
	}
	add_field_pairs(t, e, plain, emit->outs.count, into);
	if (into->bytes.failed) {
		into->nslice = nslice_before;
		into->bytes.len = len_before;
		into->bytes.failed = false;
		return ENS_ENOMEM;
	}
	return ENS_OK;
}

const char *ens_emission_stream(const struct ens_tables *t, const struct ens_emission *e, size_t *len_bytes)
{
	const struct ens_t_str name = emit_of(t, e)->stream;

	*len_bytes = name.len;
	return t->bytes + name.off;
}
