/*
 * The form of a letter: what is said of the entry first, then the number of its own fields and those, so that they may have
 * any names.  Tested by tests/redis/dead.sh and tests/cli/run.sh.
 */
#include "runtime/letter.h"

#include <string.h>

#include "base/text.h"

#define VALUE_MAX_BYTES 1024u

/* Offsets into `text` instead of pointers: it may still move. */
static uint32_t format_fields(const struct ens_tables *t, const struct ens_event *ev, struct ens_buf *text,
			      struct ens_raw_field *raw, bool *cut)
{
	const struct ens_t_type *type = &t->type[ev->type];
	uint32_t n = 0;

	for (uint32_t i = 0; i < type->fields.count - type->nraw; i++) {
		const struct ens_t_field *f = &t->field[type->fields.first + i];
		const size_t from = text->len;

		if (ev->value[i].null != ENS_SET || f->program != ENS_NONE) /* computed ones are not the entry's */
			continue;
		if (n == ENS_LETTER_FIELDS_MAX) {
			*cut = true;
			break;
		}

		const struct ens_t_str name = t->source[f->sources.first];

		ens_format_text(text, (enum ens_type)f->type, &ev->value[i]);
		raw[n] = (struct ens_raw_field){.name = t->bytes + name.off, .name_len = name.len, .kind = ENS_RAW_TEXT};
		raw[n].i = (int64_t)from;
		raw[n++].len = (uint32_t)(text->len - from);
	}
	return n;
}

/* How late it is, and the name of the field that says so; each is ended by NUL.  Returns where the name begins. */
static size_t add_detail(const struct ens_tables *t, const struct ens_event *ev, int64_t earliest_us, struct ens_buf *b)
{
	const struct ens_t_type *type = &t->type[ev->type];
	size_t field;

	ens_buf_adds(b, "the event's time, ");
	ens_format_time(b, ev->time_us);
	if (ev->time_us < earliest_us) {
		ens_buf_adds(b, ", is before ");
		ens_format_time(b, earliest_us);
		ens_buf_adds(b, ", the earliest that is still in time");
	} else {
		ens_buf_adds(b, ", has passed for the rules that it concerns");
	}
	ens_buf_addc(b, '\0');
	field = b->len;
	if (type->time_field != ENS_NONE) {
		const struct ens_t_str name = t->field[type->fields.first + type->time_field].name;

		ens_buf_add(b, t->bytes + name.off, name.len);
	}
	ens_buf_addc(b, '\0');
	return field;
}

enum ens_status ens_letter_late(const struct ens_tables *t, const struct ens_event *ev, int64_t earliest_us, struct ens_buf *text,
				struct ens_raw_field *raw, struct ens_reject *out)
{
	const struct ens_t_type *type = &t->type[ev->type];
	size_t field;

	*out = (struct ens_reject){.reason = ENS_REJECT_LATE, .id = ev->id, .raw = raw};
	out->cut = type->where != ENS_NONE || type->json.len > 0 || t->stream[ev->id.stream].types.count > 1;
	ens_buf_clear(text);
	field = add_detail(t, ev, earliest_us, text);
	out->nraw = format_fields(t, ev, text, raw, &out->cut);
	if (text->failed)
		return ENS_ENOMEM;
	out->detail = text->data;
	out->field = type->time_field != ENS_NONE ? text->data + field : NULL;
	for (uint32_t i = 0; i < out->nraw; i++) {
		raw[i].s = text->data + raw[i].i;
		if (raw[i].len > VALUE_MAX_BYTES) {
			raw[i].len = VALUE_MAX_BYTES;
			out->cut = true;
		}
	}
	return ENS_OK;
}

/* ---- as JSON ---------------------------------------------------------------------------------------------------- */

static void add_text(struct ens_buf *b, const char *name, const char *s, size_t len)
{
	ens_buf_addf(b, "%c\"%s\":", b->len && b->data[b->len - 1] != '\n' ? ',' : '{', name);
	ens_buf_add_json(b, s, ens_utf8_valid(s, len));
}

static void add_value(struct ens_buf *b, const struct ens_raw_field *f)
{
	switch (f->kind) {
	case ENS_RAW_INT:
		ens_format_int(b, f->i);
		break;
	case ENS_RAW_FLOAT:
		ens_format_float(b, f->f);
		break;
	case ENS_RAW_BOOL:
		ens_buf_adds(b, f->i ? "true" : "false");
		break;
	case ENS_RAW_NULL:
		ens_buf_adds(b, "null");
		break;
	default: /* JSON inside as its text: it may have been cut */
		ens_buf_add_json(b, f->s, ens_utf8_valid(f->s, f->len));
	}
}

void ens_letter_json(struct ens_buf *b, const struct ens_reject *r, const char *source, const struct ens_t_str *to,
		     const struct ens_tables *t)
{
	const char *code = ens_reject_code(r->reason);

	add_text(b, "_reason", code, strlen(code));
	add_text(b, "_detail", r->detail, strlen(r->detail));
	add_text(b, "_stream", source, strlen(source));
	ens_buf_addf(b, ",\"_id\":%llu", (unsigned long long)r->id.ms);
	if (r->field)
		add_text(b, "_field", r->field, strlen(r->field));
	if (r->cut)
		ens_buf_adds(b, ",\"_cut\":true");
	if (to)
		add_text(b, "_to", t->bytes + to->off, to->len);
	ens_buf_addf(b, ",\"_own\":%u", (unsigned)r->nraw);
	for (uint32_t i = 0; i < r->nraw; i++) {
		ens_buf_addc(b, ',');
		ens_buf_add_json(b, r->raw[i].name, ens_utf8_valid(r->raw[i].name, r->raw[i].name_len));
		ens_buf_addc(b, ':');
		add_value(b, &r->raw[i]);
	}
	ens_buf_adds(b, "}\n");
}
