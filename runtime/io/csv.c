/*
 * CSV, read in one pass over the input's block.
 *
 * A record is scanned once, byte by byte; its columns are kept as offsets from its beginning, which stay right when
 * the input reads on and moves its data.  Doubled quotes are halved in place.  Guarantee: memory is bounded by one
 * record of ENS_ENTRY_MAX_BYTES and ENS_FIELDS_MAX columns.  Cost: linear; no allocation per record. Tested by
 * tests/unit/test_files.c.
 */
#include "runtime/io/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

struct column {
	size_t off, len; /* from the record's beginning */
};

struct ens_csv {
	struct column *column;        /* of the record at hand, ENS_FIELDS_MAX of them */
	struct ens_raw_field *field;  /* as many; the names are those of the header */
	char *header;                 /* the names' bytes */
	uint32_t ncolumn;             /* of the header */
	bool has_header;
	uint64_t record;              /* number of the record at hand */
};

/* The scan of one record. */
struct scan {
	size_t at;         /* from the record's beginning */
	uint32_t ncolumn;  /* more than ENS_FIELDS_MAX are counted, not kept */
	const char *bad;   /* what is wrong with it */
	bool too_large, blank;
};

enum ens_status ens_csv_open(struct ens_csv **out)
{
	struct ens_csv *c = calloc(1, sizeof(*c));

	if (!c)
		return ENS_ENOMEM;
	c->column = calloc(ENS_FIELDS_MAX, sizeof(*c->column));
	c->field = calloc(ENS_FIELDS_MAX, sizeof(*c->field));
	if (!c->column || !c->field) {
		ens_csv_close(c);
		return ENS_ENOMEM;
	}
	*out = c;
	return ENS_OK;
}

void ens_csv_close(struct ens_csv *c)
{
	if (!c)
		return;
	free(c->column);
	free(c->field);
	free(c->header);
	free(c);
}

/* ENS_OK: there is a byte at s->at.  ENS_EEND: the input ends there. */
static enum ens_status need_byte(struct ens_input_file *in, const struct scan *s, struct ens_error *err)
{
	while (in->pos + s->at >= in->len) {
		enum ens_status st = ens_input_more(in, err);

		if (st != ENS_OK)
			return st;
	}
	return ENS_OK;
}

static char byte_at(const struct ens_input_file *in, const struct scan *s)
{
	return in->data[in->pos + s->at];
}

/* Up to the comma or line end; the bytes are kept as they are. */
static enum ens_status scan_plain(struct ens_input_file *in, struct scan *s, struct ens_error *err)
{
	enum ens_status st;

	while ((st = need_byte(in, s, err)) == ENS_OK) {
		const char *from = in->data + in->pos + s->at, *p = from, *end = in->data + in->len;

		while (p < end && *p != ',' && *p != '\n')
			p++;
		s->at += (size_t)(p - from);
		if (p < end)
			return ENS_OK;
		if (s->at > ENS_ENTRY_MAX_BYTES) {
			s->too_large = true;
			return ENS_OK;
		}
	}
	return st;
}

/* From behind the opening quote to behind the closing one; doubled quotes are halved: the text ends at *end. */
static enum ens_status scan_quoted(struct ens_input_file *in, struct scan *s, size_t *end, struct ens_error *err)
{
	size_t to = s->at;
	enum ens_status st;

	while ((st = need_byte(in, s, err)) == ENS_OK) {
		char c = byte_at(in, s);

		s->at++;
		if (c == '"') {
			*end = to;
			st = need_byte(in, s, err);
			if (st != ENS_OK || byte_at(in, s) != '"')
				return st;
			s->at++;
		}
		in->data[in->pos + to++] = c;
		if (s->at > ENS_ENTRY_MAX_BYTES) {
			s->too_large = true;
			return ENS_OK;
		}
	}
	if (st == ENS_EEND) {
		s->bad = "a quote is opened and never closed";
		*end = to;
	}
	return st;
}

/* One column, up to its comma or line end.  ENS_EEND: the input ends with it. */
static enum ens_status scan_column(struct ens_csv *c, struct ens_input_file *in, struct scan *s, struct ens_error *err)
{
	size_t from = s->at, end = 0, behind;
	enum ens_status st = need_byte(in, s, err);
	const bool quoted = st == ENS_OK && byte_at(in, s) == '"';

	if (quoted) {
		from = ++s->at;
		st = scan_quoted(in, s, &end, err);
	}
	behind = s->at;
	if (st == ENS_OK && !s->too_large)
		st = scan_plain(in, s, err);
	if (st != ENS_OK && st != ENS_EEND)
		return st;
	if (s->at > behind && in->data[in->pos + s->at - 1] == '\r' && (st == ENS_EEND || byte_at(in, s) == '\n')) {
		if (quoted && s->at - behind > 1)
			s->bad = "text follows a closing quote";
		else if (!quoted)
			end = s->at - 1;
	} else if (!quoted) {
		end = s->at;
	} else if (s->at > behind) {
		s->bad = "text follows a closing quote";
	}
	if (s->ncolumn < ENS_FIELDS_MAX)
		c->column[s->ncolumn] = (struct column){.off = from, .len = end - from};
	s->blank = s->ncolumn == 0 && !quoted && end == from;
	s->ncolumn++;
	return st;
}

/* A record too large: everything up to and with the next line end is dropped. */
static enum ens_status skip_line(struct ens_input_file *in, struct ens_error *err)
{
	for (;;) {
		const char *nl = in->len > in->pos ? memchr(in->data + in->pos, '\n', in->len - in->pos) : NULL;
		enum ens_status st;

		if (nl) {
			in->pos = (size_t)(nl - in->data) + 1;
			return ENS_OK;
		}
		in->pos = in->len;
		st = ens_input_more(in, err);
		if (st != ENS_OK)
			return st == ENS_EEND ? ENS_OK : st;
	}
}

/*
 * One record that is not blank: its columns are offsets from *begin, which lies in front of in->pos.  ENS_EEND: there
 * is none.
 */
static enum ens_status scan_record(struct ens_csv *c, struct ens_input_file *in, struct scan *s, size_t *begin,
				   struct ens_error *err)
{
	enum ens_status st;

	do {
		*s = (struct scan){.at = 0};
		st = need_byte(in, s, err);
		if (st != ENS_OK)
			return st;
		for (;;) {
			st = scan_column(c, in, s, err);
			if (st != ENS_OK || s->too_large || byte_at(in, s) == '\n')
				break;
			s->at++; /* the comma */
			if (s->at > ENS_ENTRY_MAX_BYTES) {
				s->too_large = true;
				break;
			}
		}
		if (st != ENS_OK && st != ENS_EEND)
			return st;
		if (s->too_large) {
			in->pos += s->at;
			*begin = in->pos;
			return skip_line(in, err);
		}
		*begin = in->pos;
		in->pos += s->at + (st == ENS_OK ? 1 : 0);
	} while (s->blank && s->ncolumn == 1);
	return ENS_OK;
}

static enum ens_status bad_header(const struct ens_input_file *in, const char *why, struct ens_error *err)
{
	return ens_fail(err, ENS_EENV, "%s: the header line of the CSV file is wrong: %s", in->name, why);
}

static int compare_names(const void *a, const void *b)
{
	const struct ens_raw_field *x = *(const struct ens_raw_field *const *)a,
				   *y = *(const struct ens_raw_field *const *)b;

	if (x->name_len != y->name_len)
		return x->name_len < y->name_len ? -1 : 1;
	return x->name_len ? memcmp(x->name, y->name, x->name_len) : 0;
}

static enum ens_status check_names(struct ens_csv *c, const struct ens_input_file *in, struct ens_error *err)
{
	const struct ens_raw_field *sorted[ENS_FIELDS_MAX];
	uint32_t i;

	for (i = 0; i < c->ncolumn; i++)
		sorted[i] = &c->field[i];
	qsort(sorted, c->ncolumn, sizeof(*sorted), compare_names);
	for (i = 1; i < c->ncolumn; i++)
		if (sorted[i]->name_len && compare_names(&sorted[i - 1], &sorted[i]) == 0)
			return ens_fail(err, ENS_EENV, "%s: the CSV file has two columns named \"%.*s\"", in->name,
					sorted[i]->name_len > 100 ? 100 : (int)sorted[i]->name_len, sorted[i]->name);
	return ENS_OK;
}

static enum ens_status read_header(struct ens_csv *c, struct ens_input_file *in, struct ens_error *err)
{
	struct scan s;
	size_t begin;
	enum ens_status st = scan_record(c, in, &s, &begin, err);
	uint32_t i;

	if (st != ENS_OK)
		return st;
	if (s.too_large)
		return bad_header(in, "it is longer than 1 MiB", err);
	if (s.bad)
		return bad_header(in, s.bad, err);
	if (s.ncolumn > ENS_FIELDS_MAX)
		return bad_header(in, "it has more than 1,024 columns", err);
	c->header = malloc(s.at + 1);
	if (!c->header)
		return ens_fail(err, ENS_ENOMEM, "no memory for the CSV header");
	memcpy(c->header, in->data + begin, s.at);
	for (i = 0; i < s.ncolumn; i++)
		c->field[i] = (struct ens_raw_field){.name = c->header + c->column[i].off,
						     .name_len = (uint32_t)c->column[i].len,
						     .kind = ENS_RAW_TEXT};
	c->ncolumn = s.ncolumn;
	c->has_header = true;
	return check_names(c, in, err);
}

enum ens_status ens_csv_next(struct ens_csv *c, struct ens_input_file *in, struct ens_entry *out,
			     enum ens_reject_reason *reason, struct ens_error *err)
{
	enum ens_status st = ENS_OK;
	struct scan s;
	size_t begin;
	uint32_t i;

	if (!c->has_header)
		st = read_header(c, in, err);
	if (st == ENS_OK)
		st = scan_record(c, in, &s, &begin, err);
	if (st != ENS_OK)
		return st;
	*out = (struct ens_entry){.id = {.ms = ++c->record}, .field = c->field, .from_file = true};
	if (s.too_large) {
		*reason = ENS_REJECT_TOO_LARGE;
		return ens_fail(err, ENS_EINPUT, "the record is longer than %u bytes (a quote without end?)",
				ENS_ENTRY_MAX_BYTES);
	}
	for (i = 0; i < s.ncolumn && i < c->ncolumn; i++) {
		c->field[i].s = in->data + begin + c->column[i].off;
		c->field[i].len = (uint32_t)c->column[i].len;
	}
	out->nfield = i;
	*reason = ENS_REJECT_BAD_ENTRY;
	if (s.bad)
		return ens_fail(err, ENS_EINPUT, "%s", s.bad);
	if (s.ncolumn != c->ncolumn)
		return ens_fail(err, ENS_EINPUT, "the record has %u columns, the header has %u", (unsigned)s.ncolumn,
				(unsigned)c->ncolumn);
	return ENS_OK;
}
