/*
 * Tables from rule text.
 */
#include "tests/unit/compiled.h"

#include <CUnit/CUnit.h>
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

void discard_compiled(struct compiled *c)
{
	ens_buf_free(&c->bytes);
}
