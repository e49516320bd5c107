/*
 * The targets by name, and what several of them need.
 */
#include "tests/fuzz/targets/targets.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compile.h"
#include "runtime/decode.h"

const struct fuzz_target fuzz_targets[] = {
	{"rules", fuzz_rules},
	{"tables", fuzz_tables},
	{"lines", fuzz_lines},
	{"reply", fuzz_reply},
	{"state", fuzz_state},
	{NULL, NULL},
};

const struct fuzz_target *fuzz_target(const char *name)
{
	for (const struct fuzz_target *t = fuzz_targets; t->name; t++)
		if (strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

void fuzz_require(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "does not hold: %s\n", what);
	abort();
}

struct ens_tables fuzz_compile(const char *text, struct ens_buf *bytes)
{
	struct ens_arena arena;
	struct ens_sources sources;
	struct ens_diag diag;
	struct ens_tables t;
	struct ens_error err = {""};
	uint32_t file;

	ens_arena_init(&arena, 0);
	ens_sources_init(&sources, &arena);
	ens_diag_init(&diag, &arena, &sources);
	fuzz_require(ens_sources_add(&sources, "target.ens", text, strlen(text), &file) == ENS_OK, "the rules are read");
	fuzz_require(ens_compile(&arena, &diag, &file, 1, NULL, bytes, NULL) == ENS_OK, "the target's rules compile");
	fuzz_require(ens_tables_open(bytes->data, bytes->len, &t, &err) == ENS_OK, "the target's tables are valid");
	ens_arena_free(&arena);
	return t;
}

static void describe_value(enum ens_type type, const struct ens_value *v, struct ens_buf *out)
{
	if (v->null != ENS_SET)
		ens_buf_adds(out, " null");
	else if (ens_type_is_bytes(type))
		ens_buf_addc(out, ' '), ens_buf_add_visible(out, v->s, v->len);
	else if (type == ENS_FLOAT)
		ens_buf_addf(out, " %a", v->f);
	else
		ens_buf_addf(out, " %" PRId64, v->i);
}

void fuzz_describe(const struct ens_tables *t, const struct ens_batch *b, struct ens_buf *out)
{
	for (uint32_t i = 0; i < b->nevent; i++) {
		const struct ens_event *e = &b->event[i];
		const struct ens_t_type *type = &t->type[e->type];

		ens_buf_addf(out, "event %u %" PRIu64 "-%" PRIu64 " %" PRId64, e->type, e->id.ms, e->id.seq, e->time_us);
		for (uint32_t f = 0; f < type->fields.count; f++)
			describe_value((enum ens_type)t->field[type->fields.first + f].type, &e->value[f], out);
		ens_buf_addc(out, '\n');
	}
	for (uint32_t i = 0; i < b->nreject; i++) {
		const struct ens_reject *r = &b->reject[i];

		ens_buf_addf(out, "%s %" PRIu64 "-%" PRIu64 " %s %s %u\n", ens_reject_code(r->reason), r->id.ms, r->id.seq,
			     r->detail, r->field ? r->field : "", r->nraw);
	}
	ens_buf_addf(out, "entries %" PRIu64 " skipped %" PRIu64 "\n", b->entries, b->skipped);
}
