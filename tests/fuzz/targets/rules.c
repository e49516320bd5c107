/*
 * Rule text: the whole front end, and what it makes.  Promises: messages or tables; tables that the compiler hands out
 * are accepted by the verifier and run; what is refused has an error that says why.  One text in eight is compiled within
 * some small budget of memory.
 */
#include "tests/fuzz/targets/targets.h"

#include "compiler/compile.h"
#include "compiler/dump.h"


static uint64_t hash(const uint8_t *data, size_t len)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < len; i++)
		h = (h ^ data[i]) * UINT64_C(1099511628211);
	return h;
}

/* Of the arena. */
static size_t budget_of(const struct ens_sources *sources, uint64_t seed)
{
	return seed % 8 == 0 ? sources->arena->used_bytes + (seed >> 8) % 100000 : ens_compile_budget(sources);
}

static void run_tables(const struct ens_buf *bytes, uint64_t seed)
{
	struct ens_tables t;
	struct ens_error err = {""};
	struct ens_buf dump = ENS_BUF_EMPTY;

	fuzz_require(ens_tables_open(bytes->data, bytes->len, &t, &err) == ENS_OK, err.text);
	ens_tables_dump(&t, &dump);
	ens_buf_free(&dump);
	fuzz_play(&t, seed);
}

void fuzz_rules(const uint8_t *data, size_t len_bytes)
{
	struct ens_arena arena;
	struct ens_sources sources;
	struct ens_diag diag;
	struct ens_ast ast = {0};
	struct ens_buf bytes = ENS_BUF_EMPTY, text = ENS_BUF_EMPTY;
	uint32_t file;
	enum ens_status st;

	ens_arena_init(&arena, 0);
	ens_sources_init(&sources, &arena);
	ens_diag_init(&diag, &arena, &sources);
	if (ens_sources_add(&sources, "rules.ens", (const char *)data, len_bytes, &file) == ENS_OK) {
		arena.budget_bytes = budget_of(&sources, hash(data, len_bytes));
		st = ens_compile(&arena, &diag, &file, 1, &ast, &bytes, &text);
		fuzz_require(st == ENS_OK || st == ENS_ERULES, "compiling ends as its header says");
		fuzz_require((st == ENS_ERULES) == (diag.nerror > 0), "a refusal has a message");
		if (st == ENS_OK)
			run_tables(&bytes, hash(data, len_bytes));
		ens_ast_dump(&ast, &text);
		ens_diag_render_text(&diag, &text);
		ens_diag_render_json(&diag, &text);
		fuzz_require(!text.failed, "there is memory for the messages");
	}
	ens_buf_free(&text);
	ens_buf_free(&bytes);
	ens_arena_free(&arena);
}
