/*
 * Input files: the first byte says the format (odd: CSV) and the size of the blocks in which the rest is read; readers,
 * then the decoder.  Promise: the same events and rejects as when it is read in one block.
 */
#define _GNU_SOURCE
#include "tests/fuzz/targets/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/decode.h"
#include "runtime/io/csv.h"
#include "runtime/io/file_source.h"

static const char rules[] =
	"event All from \"all\" { user: string, n: int?, x: float?, ok: bool?, at: time?, took: duration?, ip: ip? }\n"
	"event Low from \"levels\" where kind = \"low\" { v: int }\n"
	"event High from \"levels\" where kind = \"high\" { v: string?, unit: time(ms)? }\n"
	"event Timed from \"timed\" { t: time } time t\n"
	"event Change from \"cdc\" where `source.table` = \"a\" or op != \"d\" json payload\n"
	"  { id: int? as \"after.id\" or \"before.id\", city: string? as \"after.address.city\" }\n"
	"event Deep from \"deep\" where kind = \"deep\" { x: string as \"a.b.c.d\" or \"a.b\" or \"x\", n: int? as \"b.n\" }\n"
	"rule r\n  match All | Low | High | Timed | Change | Deep\n  emit M {}\n";

/* The file's bytes under a name that readers can open; in front of lines one that shows that they are NDJSON. */
static int make_file(const uint8_t *data, size_t len, bool csv, char name[64])
{
	int fd = memfd_create("lines", 0);

	fuzz_require(fd >= 0 && (csv || write(fd, "{}\n", 3) == 3), "a file in memory");
	for (size_t done = 0; done < len;) {
		ssize_t n = write(fd, data + done, len - done);

		fuzz_require(n > 0, "it can be written");
		done += (size_t)n;
	}
	(void)snprintf(name, 64, "/proc/self/fd/%d", fd);
	return fd;
}

/* One of the two readers.  A file source goes by the content for the format: see make_file. */
struct reader {
	struct ens_file_source *source;
	struct ens_csv *csv;
	struct ens_input_file in;
};

static struct reader open_reader(const char *name, bool csv, size_t block_bytes)
{
	struct reader r = {0};
	struct ens_error err = {""};

	if (csv)
		fuzz_require(ens_input_open(name, block_bytes, NULL, &r.in, &err) == ENS_OK && ens_csv_open(&r.csv) == ENS_OK,
			     "the file opens");
	else
		fuzz_require(ens_file_source_open(name, block_bytes, NULL, &r.source, &err) == ENS_OK, "the file opens");
	return r;
}

static void close_reader(struct reader *r)
{
	if (r->csv)
		ens_input_close(&r->in);
	ens_csv_close(r->csv);
	ens_file_source_close(r->source);
}

static void read_file(const struct ens_tables *t, struct ens_decoder *decoder, struct reader r, struct ens_buf *out)
{
	struct ens_batch batch;
	struct ens_entry entry;
	enum ens_reject_reason reason = ENS_REJECT_BAD_ENTRY;
	struct ens_error err = {""};
	enum ens_status st;

	ens_batch_init(&batch);
	for (;;) {
		st = r.csv ? ens_csv_next(r.csv, &r.in, &entry, &reason, &err)
			   : ens_file_source_next(r.source, &entry, &reason, &err);
		if (st != ENS_OK && st != ENS_EINPUT)
			break;
		entry.time_us = (int64_t)entry.id.ms;
		if (st == ENS_OK)
			st = ens_decode(decoder, &entry, &batch);
		else
			st = ens_batch_reject(&batch, reason, &entry, NULL, "%s", err.text);
		fuzz_require(st == ENS_OK, "every entry becomes something");
	}
	fuzz_require(st == ENS_EEND || (st == ENS_EENV && err.text[0]), "it ends, or says why it can't be read");
	fuzz_describe(t, &batch, out);
	ens_buf_addf(out, "%s\n", st == ENS_EEND ? "end" : "a bad header");
	ens_batch_free(&batch);
	close_reader(&r);
}

void fuzz_lines(const uint8_t *data, size_t len_bytes)
{
	static struct ens_buf tables_bytes;
	static struct ens_tables t;
	static struct ens_decoder *decoder;
	struct ens_buf whole = ENS_BUF_EMPTY, blocks = ENS_BUF_EMPTY;
	struct ens_error err = {""};
	char name[64];
	bool csv;
	int fd;

	if (len_bytes == 0)
		return;
	csv = data[0] & 1;
	if (!decoder) {
		t = fuzz_compile(rules, &tables_bytes);
		fuzz_require(ens_decoder_open(&t, &(struct ens_decoder_options){.max_skew_us = -1}, &decoder, &err) == ENS_OK,
			     "the decoder opens");
	}
	fd = make_file(data + 1, len_bytes - 1, csv, name);
	read_file(&t, decoder, open_reader(name, csv, ENS_INPUT_BLOCK_BYTES), &whole);
	read_file(&t, decoder, open_reader(name, csv, 1u + data[0]), &blocks);
	fuzz_require(!whole.failed && !blocks.failed, "there is memory");
	fuzz_require(whole.len == blocks.len && memcmp(whole.data, blocks.data, whole.len) == 0,
		     "blocks of another size give the same events");
	ens_buf_free(&whole);
	ens_buf_free(&blocks);
	(void)close(fd);
}
