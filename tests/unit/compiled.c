/*
 * Tables and engines from rule text.
 */
#include "tests/unit/compiled.h"

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compile.h"

void compile_rules(const char *text, struct compiled *out)
{
	struct ens_arena arena;
	struct ens_sources sources;
	struct ens_diag diag;
	uint32_t file = 0;

	memset(out, 0, sizeof *out);
	ens_arena_init(&arena, 0);
	ens_sources_init(&sources, &arena);
	ens_diag_init(&diag, &arena, &sources);
	CU_ASSERT_EQUAL_FATAL(ens_sources_add(&sources, "t.ens", text, strlen(text), &file), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_compile(&arena, &diag, &file, 1, NULL, &out->bytes, NULL), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_tables_open(out->bytes.data, out->bytes.len, &out->t, NULL), ENS_OK);
	ens_arena_free(&arena);
}

void compile_behind(const char *declarations, const char *rules, struct compiled *out)
{
	struct ens_buf text = ENS_BUF_EMPTY;

	ens_buf_adds(&text, declarations);
	ens_buf_adds(&text, rules);
	compile_rules(ens_buf_cstr(&text), out);
	ens_buf_free(&text);
}

void discard_compiled(struct compiled *c)
{
	ens_buf_free(&c->bytes);
}

static enum ens_status note(void *user, const struct ens_emission *e)
{
	struct noted *n = user;
	uint8_t id[16];

	if (ens_emission_identify(e, id) != ENS_OK)
		return ENS_ENOMEM;
	ens_buf_add(&n->said, &e->rule, sizeof e->rule);
	ens_buf_add(&n->said, id, sizeof id);
	return n->said.failed ? ENS_ENOMEM : ENS_OK;
}

struct noted *open_noted(const char *declarations, const char *rules, struct ens_engine_options o)
{
	struct noted *n = calloc(1, sizeof *n);
	struct ens_error err = {""};

	CU_ASSERT_PTR_NOT_NULL_FATAL(n);
	compile_behind(declarations, rules, &n->c);
	o.sink = (struct ens_emission_sink){note, n};
	CU_ASSERT_EQUAL_FATAL(ens_engine_open(&n->c.t, &o, &n->engine, &err), ENS_OK);
	return n;
}

void noted_are_same(const struct noted *a, const struct noted *b)
{
	CU_ASSERT_EQUAL(a->said.len, b->said.len);
	CU_ASSERT(a->said.len == b->said.len && !memcmp(a->said.data, b->said.data, a->said.len));
	CU_ASSERT_EQUAL(ens_engine_nulled(a->engine), ens_engine_nulled(b->engine));
	for (uint32_t i = 0; i < a->c.t.nrule; i++) {
		struct ens_rule_stats x, y;

		ens_engine_rule_stats(a->engine, i, &x);
		ens_engine_rule_stats(b->engine, i, &y);
		CU_ASSERT_EQUAL(memcmp(&x, &y, sizeof x), 0);
	}
}

void close_noted(struct noted *n)
{
	ens_engine_close(n->engine);
	discard_compiled(&n->c);
	ens_buf_free(&n->said);
	free(n);
}
