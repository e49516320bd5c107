/*
 * Block input, and entries out of it.
 *
 * One buffer per input: what is not used yet is moved to its beginning when more is read.  It grows to one block beyond
 * the longest line allowed and no further: a longer line is dropped piece by piece while its end is looked for.
 * Cost: every byte is read once and moved at most once per block.  Tested by tests/unit/test_files.c.
 */
#define _GNU_SOURCE

#include "runtime/io/file_source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "runtime/io/clock.h"
#include "runtime/io/csv.h"
#include "runtime/members.h"

#define STOP_CHECK_MS 250

/* ---- input ------------------------------------------------------------------------------------------------------ */

static enum ens_status cannot_read(const char *name, int error, struct ens_error *err)
{
	return ens_fail(err, ENS_EENV, "cannot read %s: %s", strcmp(name, "-") == 0 ? "standard input" : name,
			strerror(error));
}

enum ens_status ens_input_open(const char *name, size_t block_bytes, const volatile sig_atomic_t *stop,
			       struct ens_input_file *out, struct ens_error *err)
{
	struct ens_input_file in = {.name = name, .fd = STDIN_FILENO, .block_bytes = block_bytes, .stop = stop};
	struct stat status;

	if (strcmp(name, "-") != 0) {
		in.fd = open(name, O_RDONLY | O_CLOEXEC);
		if (in.fd < 0)
			return cannot_read(name, errno, err);
		in.own_fd = true;
	}
	if (fstat(in.fd, &status) != 0 || S_ISDIR(status.st_mode)) {
		int error = S_ISDIR(status.st_mode) ? EISDIR : errno;

		if (in.own_fd)
			(void)close(in.fd);
		return cannot_read(name, error, err);
	}
	in.regular = S_ISREG(status.st_mode);
	*out = in;
	return ENS_OK;
}

void ens_input_close(struct ens_input_file *in)
{
	if (in->own_fd)
		(void)close(in->fd);
	free(in->data);
	*in = (struct ens_input_file){.fd = -1};
}

/* Room for a block (and what may be read behind it) after what is not used yet. */
static bool make_room(struct ens_input_file *in)
{
	const size_t rest = in->len - in->pos;
	const size_t want = rest + in->block_bytes + ENS_INPUT_PADDING_BYTES;
	char *grown;

	if (in->pos && rest)
		memmove(in->data, in->data + in->pos, rest);
	in->pos = 0;
	in->len = rest;
	if (want <= in->cap)
		return true;
	grown = realloc(in->data, want + want / 2);
	if (!grown)
		return false;
	in->data = grown;
	in->cap = want + want / 2;
	return true;
}

/* A signal between the look at `stop` and read() would be seen only after the next input: so wait in short turns. */
static void wait_for_input(const struct ens_input_file *in)
{
	struct pollfd p = {.fd = in->fd, .events = POLLIN};

	if (in->regular || !in->stop)
		return;
	while (!*in->stop && poll(&p, 1, STOP_CHECK_MS) == 0)
		;
}

enum ens_status ens_input_more(struct ens_input_file *in, struct ens_error *err)
{
	ssize_t n;

	if (in->ended)
		return ENS_EEND;
	if (!make_room(in))
		return ens_fail(err, ENS_ENOMEM, "no memory to read %s", in->name);
	do {
		wait_for_input(in);
		if (in->stop && *in->stop) {
			in->ended = true;
			return ENS_EEND;
		}
		n = read(in->fd, in->data + in->len, in->block_bytes);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return cannot_read(in->name, errno, err);
	in->len += (size_t)n;
	in->read_bytes += (uint64_t)n;
	memset(in->data + in->len, 0, ENS_INPUT_PADDING_BYTES);
	in->ended = n == 0;
	return in->ended ? ENS_EEND : ENS_OK;
}

bool ens_input_would_wait(const struct ens_input_file *in)
{
	struct pollfd p = {.fd = in->fd, .events = POLLIN};

	if (in->regular || in->ended)
		return false;
	if (in->len > in->pos && memchr(in->data + in->pos, '\n', in->len - in->pos))
		return false;
	return poll(&p, 1, 0) == 0;
}

/* In turns as above; true also if the input is to end. */
static bool wait_for_more(const struct ens_input_file *in, int64_t at_most_us)
{
	struct pollfd p = {.fd = in->fd, .events = POLLIN};
	const int64_t until_us = ens_clock_us() + at_most_us;
	int64_t left_us = at_most_us;

	while (left_us > 0 && !(in->stop && *in->stop)) {
		if (poll(&p, 1, left_us < STOP_CHECK_MS * 1000 ? (int)(left_us / 1000) + 1 : STOP_CHECK_MS) != 0)
			return true;
		left_us = until_us - ens_clock_us();
	}
	return left_us > 0;
}

/* ---- NDJSON lines ----------------------------------------------------------------------------------------------- */

struct ens_file_source {
	struct ens_input_file in;
	char *name;
	bool known;                     /* the format is */
	enum ens_input_format format;
	struct ens_csv *csv;
	struct ens_json_parser *json;
	struct ens_raw_field *field;    /* NDJSON: ENS_FIELDS_MAX of them */
	uint64_t line;                  /* NDJSON: number of the line before */
};

/*
 * The next line without its line end.  ENS_ELIMIT: it was too long and has been passed over.  The last line may lack
 * its line end.
 */
static enum ens_status next_line(struct ens_input_file *in, const char **line, size_t *len, struct ens_error *err)
{
	bool too_long = false;
	size_t searched = 0;

	for (;;) {
		const char *from = in->data ? in->data + in->pos : NULL;
		const char *nl = in->len - in->pos > searched
				 ? memchr(from + searched, '\n', in->len - in->pos - searched) : NULL;
		enum ens_status st;

		if (nl) {
			*line = from;
			*len = (size_t)(nl - from);
			in->pos += *len + 1;
			return too_long || *len > ENS_ENTRY_MAX_BYTES ? ENS_ELIMIT : ENS_OK;
		}
		searched = in->len - in->pos;
		if (too_long || searched > ENS_ENTRY_MAX_BYTES) {
			too_long = true;
			in->pos = in->len;
			searched = 0;
		}
		st = ens_input_more(in, err);
		if (st == ENS_EEND && (too_long || in->len > in->pos)) {
			*line = in->data + in->pos;
			*len = in->len - in->pos;
			in->pos = in->len;
			return too_long || *len > ENS_ENTRY_MAX_BYTES ? ENS_ELIMIT : ENS_OK;
		}
		if (st != ENS_OK)
			return st;
	}
}

static bool blank(const char *line, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

static enum ens_status bad_line(enum ens_json_result result, const char *why, enum ens_reject_reason *reason,
				struct ens_error *err)
{
	if (result == ENS_JSON_NO_MEMORY)
		return ens_fail(err, ENS_ENOMEM, "no memory to parse a line");
	*reason = ens_reject_from_json(result);
	return ens_fail(err, ENS_EINPUT, "the line %s", why);
}

static enum ens_status next_object(struct ens_file_source *s, struct ens_entry *out, enum ens_reject_reason *reason,
				   struct ens_error *err)
{
	const struct ens_json_member *member;
	enum ens_json_result result;
	const char *line, *why;
	size_t len, nmember, i;
	enum ens_status st;

	do {
		st = next_line(&s->in, &line, &len, err);
		if (st != ENS_OK && st != ENS_ELIMIT)
			return st;
		s->line++;
	} while (st == ENS_OK && (len == 0 || (line[0] != '{' && blank(line, len))));
	*out = (struct ens_entry){.id = {.ms = s->line}, .field = s->field, .from_file = true};
	if (st == ENS_ELIMIT) {
		*reason = ENS_REJECT_TOO_LARGE;
		return ens_fail(err, ENS_EINPUT, "the line is longer than %u bytes", ENS_ENTRY_MAX_BYTES);
	}
	result = ens_json_parse(s->json, line, len, &member, &nmember, &why);
	if (result != ENS_JSON_OK)
		return bad_line(result, why, reason, err);
	for (i = 0; i < nmember; i++) {
		s->field[i].name = member[i].name;
		s->field[i].name_len = (uint32_t)member[i].name_len;
		ens_raw_from_json(&s->field[i], &member[i]);
	}
	out->nfield = (uint32_t)nmember;
	return ENS_OK;
}

/* ---- source ----------------------------------------------------------------------------------------------------- */

static bool has_extension(const char *name, const char *extension)
{
	const size_t n = strlen(name), m = strlen(extension);

	return n > m && strcasecmp(name + n - m, extension) == 0;
}

static bool format_by_name(const char *name, enum ens_input_format *format)
{
	if (has_extension(name, ".csv"))
		*format = ENS_INPUT_CSV;
	else if (has_extension(name, ".ndjson") || has_extension(name, ".jsonl") || has_extension(name, ".json"))
		*format = ENS_INPUT_NDJSON;
	else
		return false;
	return true;
}

/* NDJSON if the first line that is not blank, or any line of what was read first, begins like JSON. */
static enum ens_input_format format_by_content(const char *s, size_t len)
{
	bool at_start = true, first = true;
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] == '\n') {
			at_start = true;
		} else if (at_start && s[i] != ' ' && s[i] != '\t' && s[i] != '\r') {
			if (s[i] == '{' || (first && s[i] == '['))
				return ENS_INPUT_NDJSON;
			first = at_start = false;
		}
	}
	return first ? ENS_INPUT_NDJSON : ENS_INPUT_CSV;
}

static enum ens_status open_format(struct ens_file_source *s, struct ens_error *err)
{
	enum ens_status st = ENS_OK;

	if (s->format == ENS_INPUT_CSV) {
		st = ens_csv_open(&s->csv);
	} else {
		s->json = ens_json_parser_open(ENS_ENTRY_MAX_BYTES, ENS_FIELDS_MAX, ENS_JSON_DEPTH_MAX);
		s->field = calloc(ENS_FIELDS_MAX, sizeof(*s->field));
		if (!s->json || !s->field)
			st = ENS_ENOMEM;
	}
	return st == ENS_OK ? ENS_OK : ens_fail(err, st, "no memory to read %s", s->name);
}

/* The first block: the format, and the byte order mark away.  An empty input has a format too. */
static enum ens_status begin(struct ens_file_source *s, struct ens_error *err)
{
	enum ens_status st = ENS_OK;

	while (st == ENS_OK && s->in.len < 3)
		st = ens_input_more(&s->in, err);
	if (st != ENS_OK && st != ENS_EEND)
		return st;
	if (s->in.len >= 3 && memcmp(s->in.data, "\xEF\xBB\xBF", 3) == 0)
		s->in.pos = 3;
	if (!format_by_name(s->name, &s->format))
		s->format = format_by_content(s->in.data + s->in.pos, s->in.len - s->in.pos);
	s->known = true;
	return open_format(s, err);
}

enum ens_status ens_file_source_open(const char *name, size_t block_bytes, const volatile sig_atomic_t *stop,
				     struct ens_file_source **out, struct ens_error *err)
{
	struct ens_file_source *s = calloc(1, sizeof(*s));
	enum ens_status st;

	if (s)
		s->name = strdup(name);
	if (!s || !s->name) {
		free(s);
		return ens_fail(err, ENS_ENOMEM, "no memory to read %s", name);
	}
	s->in.fd = -1;
	st = ens_input_open(s->name, block_bytes, stop, &s->in, err);
	if (st != ENS_OK) {
		ens_file_source_close(s);
		return st;
	}
	*out = s;
	return ENS_OK;
}

void ens_file_source_close(struct ens_file_source *s)
{
	if (!s)
		return;
	ens_input_close(&s->in);
	ens_csv_close(s->csv);
	ens_json_parser_close(s->json);
	free(s->field);
	free(s->name);
	free(s);
}

enum ens_status ens_file_source_next(struct ens_file_source *s, struct ens_entry *out, enum ens_reject_reason *reason,
				     struct ens_error *err)
{
	if (!s->known) {
		enum ens_status st = begin(s, err);

		if (st != ENS_OK)
			return st;
	}
	if (s->format == ENS_INPUT_CSV)
		return ens_csv_next(s->csv, &s->in, out, reason, err);
	return next_object(s, out, reason, err);
}

bool ens_file_source_would_wait(const struct ens_file_source *s)
{
	return ens_input_would_wait(&s->in);
}

const char *ens_file_source_label(const char *input)
{
	return strcmp(input, "-") == 0 ? "standard input" : input;
}

bool ens_file_source_wait(const struct ens_file_source *s, int64_t at_most_us)
{
	return !ens_input_would_wait(&s->in) || wait_for_more(&s->in, at_most_us);
}

uint64_t ens_file_source_bytes(const struct ens_file_source *s)
{
	return s->in.read_bytes;
}

const char *ens_file_source_name(const struct ens_file_source *s)
{
	return ens_file_source_label(s->name);
}
