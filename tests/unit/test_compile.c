/*
 * The compiler as a whole: rule texts to tables that the runtime accepts; sharing; many rules; no memory.
 * What it says and how single constructs are compiled is in tests/lang.
 */
#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "compiler/compile.h"
#include "compiler/dump.h"
#include "compiler/map.h"
#include "runtime/program.h"

void suite_compile(void);

struct run {
	struct ens_arena arena;
	struct ens_sources sources;
	struct ens_diag diag;
	struct ens_buf bytes;
	struct ens_tables tables;
	enum ens_status status;
};

/* Compiles the texts together, within a budget of memory besides themselves (0: the usual one). */
static void compile_within(struct run *r, const char *const *text, uint32_t ntext, size_t budget)
{
	uint32_t file[4] = {0};
	struct ens_error err;

	*r = (struct run){0};
	ens_arena_init(&r->arena, 0);
	ens_sources_init(&r->sources, &r->arena);
	r->status = ENS_OK;
	for (uint32_t i = 0; i < ntext && r->status == ENS_OK; i++)
		r->status = ens_sources_add(&r->sources, "t.ens", text[i], strlen(text[i]), &file[i]);
	r->arena.budget_bytes = budget ? r->arena.used_bytes + budget : ens_compile_budget(&r->sources);
	ens_diag_init(&r->diag, &r->arena, &r->sources);
	if (r->status == ENS_OK)
		r->status = ens_compile(&r->arena, &r->diag, file, ntext, NULL, &r->bytes, NULL);
	if (r->status == ENS_OK)
		CU_ASSERT_EQUAL(ens_tables_open(r->bytes.data, r->bytes.len, &r->tables, &err), ENS_OK);
}

static void compile(struct run *r, const char *text)
{
	compile_within(r, &text, 1, 0);
}

static void done(struct run *r)
{
	ens_buf_free(&r->bytes);
	ens_arena_free(&r->arena);
}

static const char sample[] =
	"event Login from \"auth:logins\" { user: string, ip: ip, ok: bool, n: int }\n"
	"event Failed = Login[not ok]\n"
	"param most: int = 100\n"
	"fn few(steps) = count(steps) < most\n"
	"rule brute_force \"Five failed logins, then a success\"\n"
	"  key     ip\n"
	"  match   fail: Failed{5,} -> hit: Login[ok and user = last(fail).user]\n"
	"  where   sum(fail.n) > 5 and hit.ip in (\"10.0.0.0/8\", \"fc00::/7\")\n"
	"  within  1m\n"
	"  having  few(fail)\n"
	"  emit    BruteForce to \"alerts\" { ip, user: hit.user, tries: count(fail), avg: avg(fail.n) }\n";

/* ---- tests ------------------------------------------------------------------------------------------------------ */

static void a_rule_becomes_tables_that_the_runtime_accepts(void)
{
	struct run r;

	compile(&r, sample);
	CU_ASSERT_EQUAL_FATAL(r.status, ENS_OK);
	CU_ASSERT_EQUAL(r.diag.nerror + r.diag.nwarning, 0);
	CU_ASSERT_EQUAL(r.tables.nrule, 1);
	CU_ASSERT_EQUAL(r.tables.nstate, 3);
	CU_ASSERT_EQUAL(r.tables.nkeypart, 1);
	CU_ASSERT_EQUAL(r.tables.rule[0].scope_amount, 60000000);
	CU_ASSERT_EQUAL(r.tables.keypart[0].type, ENS_IP);
	done(&r);
}

static void the_same_text_gives_the_same_bytes(void)
{
	struct run a, b;

	compile(&a, sample);
	compile(&b, sample);
	CU_ASSERT_EQUAL_FATAL(a.status, ENS_OK);
	CU_ASSERT_EQUAL(a.bytes.len, b.bytes.len);
	CU_ASSERT(memcmp(a.bytes.data, b.bytes.data, a.bytes.len) == 0);
	done(&a);
	done(&b);
}

static void a_dump_shows_every_rule(void)
{
	struct run r;
	struct ens_buf text = ENS_BUF_EMPTY;

	compile(&r, sample);
	CU_ASSERT_EQUAL_FATAL(r.status, ENS_OK);
	ens_tables_dump(&r.tables, &text);
	CU_ASSERT_PTR_NOT_NULL(strstr(ens_buf_cstr(&text), "rule 0 brute_force"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ens_buf_cstr(&text), "\"10.0.0.0\"/104"));
	ens_buf_free(&text);
	done(&r);
}

static void errors_leave_no_tables(void)
{
	struct run r;

	compile(&r, "event A from \"a\" { n: int }\nrule r\n  match B\n  emit T {}\n");
	CU_ASSERT_EQUAL(r.status, ENS_ERULES);
	CU_ASSERT_EQUAL(r.diag.nerror, 1);
	CU_ASSERT_EQUAL(r.bytes.len, 0);
	done(&r);
}

static void warnings_leave_tables(void)
{
	struct run r;

	compile(&r, "event A from \"a\" { n: int }\nrule r\n  match A -> A\n  emit T {}\n");
	CU_ASSERT_EQUAL(r.status, ENS_OK);
	CU_ASSERT_EQUAL(r.diag.nwarning, 1);
	CU_ASSERT(r.bytes.len > 0);
	done(&r);
}

static void several_files_are_one_table(void)
{
	const char *const text[] = {
		"event A from \"a\" { n: int }\nrule one\n  match A[n > 1]\n  emit T {}\n",
		"event B from \"b\", \"a2\" { n: int }\nrule two\n  match A[n > 1] -> B\n  within 1m\n  emit T {}\n",
	};
	struct run r;

	compile_within(&r, text, 2, 0);
	CU_ASSERT_EQUAL_FATAL(r.status, ENS_OK);
	CU_ASSERT_EQUAL(r.tables.nrule, 2);
	CU_ASSERT_EQUAL(r.tables.nstream, 3);
	CU_ASSERT_EQUAL(r.tables.ngroup, 2);
	CU_ASSERT_EQUAL(r.tables.npredicate, 1); /* equal conditions of both rules */
	done(&r);
}

/* Texts by their names: "a" is file 0 and so on. */
struct shelf {
	struct run *run;
	const char *text[3];
	uint32_t file[3], nload;
	bool there[3];
};

static enum ens_status load_from_shelf(void *context, uint32_t from, const char *path, uint32_t *file,
				       struct ens_error *err)
{
	struct shelf *s = context;
	uint32_t i = (uint32_t)(path[0] - 'a');

	(void)from;
	if (i > 2 || path[1])
		return ens_fail(err, ENS_EENV, "there is no %s", path);
	if (!s->there[i]) {
		enum ens_status st =
			ens_sources_add(&s->run->sources, path, s->text[i], strlen(s->text[i]), &s->file[i]);

		if (st != ENS_OK)
			return st;
		s->nload++;
	}
	s->there[i] = true;
	*file = s->file[i];
	return ENS_OK;
}

static void compile_shelf(struct run *r, struct shelf *s, bool loader)
{
	const struct ens_loader with = {s, load_from_shelf};
	const struct ens_setting set = {"n", "7"};
	const struct ens_compile_options o = {.loader = loader ? &with : NULL, .setting = &set, .nsetting = 1};
	uint32_t file;
	struct ens_error err = {""};

	*r = (struct run){0};
	s->run = r;
	ens_arena_init(&r->arena, ENS_COMPILE_MAX_BYTES);
	ens_sources_init(&r->sources, &r->arena);
	ens_diag_init(&r->diag, &r->arena, &r->sources);
	CU_ASSERT_EQUAL_FATAL(load_from_shelf(s, 0, "a", &file, &err), ENS_OK);
	r->status = ens_compile_with(&r->arena, &r->diag, &file, 1, &o, NULL, &r->bytes, NULL);
}

static void imports_are_asked_for_once_and_stand_in_their_place(void)
{
	struct shelf s = {.text = {"import \"b\"\nimport \"c\"\nrule r\n  match B[x > n] -> C[x > n]\n  within 1m\n  emit T {}\n",
				   "import \"c\"\nparam n: int = 1\nevent B from \"s\" { x: int }\n",
				   "event C from \"s\" where x > n { x: int }\n"}};
	struct run r;

	compile_shelf(&r, &s, true);
	CU_ASSERT_EQUAL_FATAL(r.status, ENS_OK);
	CU_ASSERT_EQUAL(s.nload, 3);
	CU_ASSERT_EQUAL(r.diag.nwarning, 0); /* C comes before B, which takes all */
	done(&r);
	s.nload = 0;
	memset(s.there, 0, sizeof s.there);
	compile_shelf(&r, &s, false);
	CU_ASSERT_EQUAL(r.status, ENS_ERULES);
	CU_ASSERT_EQUAL(r.diag.nerror, 2); /* the two imports, nothing that hangs on them */
	done(&r);
}

/* What the compiler makes of a computed field is changed so that it would read itself. */
static void a_field_computed_from_itself_is_refused(void)
{
	struct run r;
	struct ens_error err = {""};
	struct ens_tables t;
	struct ens_t_insn *first;

	compile(&r, "event A from \"s\" { a: int, b: int = a }\nrule r\n  match A\n  emit T {}\n");
	CU_ASSERT_EQUAL_FATAL(r.status, ENS_OK);
	first = (struct ens_t_insn *)(uintptr_t)&r.tables.insn[r.tables.program[r.tables.field[1].program].code.first];
	CU_ASSERT_EQUAL(first->op, ENS_OP_FIELD);
	first->index = 1;
	ens_tables_seal(r.bytes.data, r.bytes.len);
	CU_ASSERT_EQUAL(ens_tables_open(r.bytes.data, r.bytes.len, &t, &err), ENS_EINPUT);
	CU_ASSERT_STRING_EQUAL(err.text, "type 0: field 1 is computed from what comes after it (invariant T10)");
	done(&r);
}

static void streams_that_no_rule_reads_are_left_out(void)
{
	struct run r;

	compile(&r, "event A from \"a\" { n: int }\nevent B from \"b\" { n: int }\nevent C from \"c\" { n: int }\n"
		    "rule r\n  match B\n  emit T {}\n");
	CU_ASSERT_EQUAL_FATAL(r.status, ENS_OK);
	CU_ASSERT_EQUAL(r.tables.nstream, 1);
	CU_ASSERT_EQUAL(r.tables.ntype, 1);
	done(&r);
}

static void counted_repetitions_do_not_grow_the_tables(void)
{
	struct run small, large;

	compile(&small, "event A from \"a\" { n: int }\nrule r\n  match A{1,2} -> A\n  within 1m\n  emit T {}\n");
	compile(&large, "event A from \"a\" { n: int }\nrule r\n  match A{1,100000} -> A\n  within 1m\n  emit T {}\n");
	CU_ASSERT_EQUAL_FATAL(small.status, ENS_OK);
	CU_ASSERT_EQUAL_FATAL(large.status, ENS_OK);
	CU_ASSERT_EQUAL(small.bytes.len, large.bytes.len);
	done(&small);
	done(&large);
}

static void many_rules_share_what_is_equal(void)
{
	struct ens_buf text = ENS_BUF_EMPTY;
	const char *cstr;
	struct run r;

	ens_buf_adds(&text, "event A from \"a\" { k: string, n: int }\n");
	for (int i = 0; i < 2000; i++)
		ens_buf_addf(&text,
			     "rule r%d\n  key k\n  match a: A[n > %d] -> b: A[n > a.n]\n  within 1m\n  emit T { k, n: "
			     "b.n }\n",
			     i, i % 10);
	cstr = ens_buf_cstr(&text);
	compile_within(&r, &cstr, 1, 0);
	CU_ASSERT_EQUAL_FATAL(r.status, ENS_OK);
	CU_ASSERT_EQUAL(r.tables.nrule, 2000);
	CU_ASSERT_EQUAL(r.tables.npredicate, 10);
	CU_ASSERT_EQUAL(r.tables.nkeygroup, 1);
	CU_ASSERT_EQUAL(r.tables.ngroup, 1);
	CU_ASSERT(r.arena.used_bytes < 2000 * 20000u);
	done(&r);
	ens_buf_free(&text);
}

static void every_budget_of_memory_ends_well(void)
{
	const char *text = sample;
	size_t budget = 512;
	unsigned rounds = 0, placed = 0;
	struct run r;

	for (;; budget += 256, rounds++) {
		compile_within(&r, &text, 1, budget);
		if (r.status == ENS_OK)
			break;
		CU_ASSERT_EQUAL_FATAL(r.status, ENS_ERULES);
		CU_ASSERT_EQUAL(r.diag.nerror, 1);
		CU_ASSERT_EQUAL(r.diag.msg[r.diag.nmsg - 1].code, ENS_E_TOO_LARGE);
		placed += r.diag.msg[r.diag.nmsg - 1].at.file == 0;
		CU_ASSERT_EQUAL(r.bytes.len, 0);
		done(&r);
	}
	CU_ASSERT(placed > rounds / 2); /* what is done for a unit or rule is said there */
	done(&r);
}

static void a_deep_pattern_and_a_long_one_are_compiled_or_refused(void)
{
	struct ens_buf text = ENS_BUF_EMPTY;
	const char *cstr;
	struct run r;

	ens_buf_adds(&text, "event A from \"a\" { n: int }\nrule r\n  match ");
	for (int i = 0; i < 100; i++)
		ens_buf_adds(&text, "(A -> ");
	ens_buf_adds(&text, "A");
	for (int i = 0; i < 100; i++)
		ens_buf_adds(&text, ")");
	for (int i = 0; i < 2000; i++)
		ens_buf_adds(&text, " -> A[n > 5]?");
	ens_buf_adds(&text, "\n  within 1m\n  emit T {}\n");
	cstr = ens_buf_cstr(&text);
	compile_within(&r, &cstr, 1, 0);
	CU_ASSERT_EQUAL(r.status, ENS_ERULES); /* too many ways to go on */
	CU_ASSERT_EQUAL(r.diag.nerror, 1);
	done(&r);
	ens_buf_free(&text);
}

/* Each step may be left out, so the ways to those behind it pass all absences in between: their number is cubic. */
static void many_absences_between_optional_steps_are_refused_soon(void)
{
	struct ens_buf text = ENS_BUF_EMPTY;
	const char *cstr;
	struct run r;

	ens_buf_adds(&text, "event A from \"a\" { n: int }\nrule r\n  match A");
	for (int i = 0; i < 900; i++)
		ens_buf_addf(&text, " -> not A[n = %d] -> A[n = %d]?", i, -i);
	ens_buf_adds(&text, " -> A[n > 5]\n  within 1m\n  emit T {}\n");
	cstr = ens_buf_cstr(&text);
	compile_within(&r, &cstr, 1, (size_t)64 << 20);
	CU_ASSERT_EQUAL(r.status, ENS_ERULES);
	CU_ASSERT_EQUAL(r.diag.nerror, 1);
	done(&r);
	ens_buf_free(&text);
}

static void a_map_finds_what_was_put_in(void)
{
	struct ens_arena arena;
	struct ens_map map;
	char name[16];

	ens_arena_init(&arena, 0);
	ens_map_init(&map, &arena);
	CU_ASSERT_EQUAL(ens_map_find_name(&map, "x"), ENS_MAP_NONE);
	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t *place;

		snprintf(name, sizeof name, "n%u", i);
		place = ens_map_at_name(&map, name);
		CU_ASSERT_PTR_NOT_NULL_FATAL(place);
		CU_ASSERT_EQUAL(*place, ENS_MAP_NONE);
		*place = i;
	}
	for (uint32_t i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "n%u", i);
		CU_ASSERT_EQUAL(ens_map_find_name(&map, name), i);
	}
	CU_ASSERT_EQUAL(ens_map_find_name(&map, "n5000"), ENS_MAP_NONE);
	CU_ASSERT_EQUAL(ens_map_find(&map, "", 0), ENS_MAP_NONE);
	ens_arena_free(&arena);
}

/* What an emitted list is made of is what its slot holds: values have no types of their own. */
static void tables_with_lists_of_something_else_are_refused(void)
{
	struct run r;
	struct ens_error err;

	compile(&r, "event E from \"e\" { n: int, s: string }\n"
		    "rule r\n  match a: E{2}\n  within 1m\n  emit M { l: list(a.n), n: count_distinct(a.n), s: set(a.s) }\n");
	CU_ASSERT_EQUAL_FATAL(r.status, ENS_OK);
	CU_ASSERT_EQUAL_FATAL(r.tables.nout, 3);
	struct ens_t_out *out = (struct ens_t_out *)(void *)(r.bytes.data + ((const char *)r.tables.out - r.tables.base));

	out[0].element = ENS_STRING;
	ens_tables_seal(r.bytes.data, r.bytes.len);
	CU_ASSERT_EQUAL(ens_tables_open(r.bytes.data, r.bytes.len, &r.tables, &err), ENS_EINPUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "rule 0: a list whose elements are not what its slot holds (invariant T9)"));
	out[0].element = ENS_INT;
	out[2].element = ENS_INT;
	ens_tables_seal(r.bytes.data, r.bytes.len);
	CU_ASSERT_EQUAL(ens_tables_open(r.bytes.data, r.bytes.len, &r.tables, &err), ENS_EINPUT);
	out[2].element = ENS_STRING;
	ens_tables_seal(r.bytes.data, r.bytes.len);
	CU_ASSERT_EQUAL(ens_tables_open(r.bytes.data, r.bytes.len, &r.tables, &err), ENS_OK);
	done(&r);
}

void suite_compile(void)
{
	CU_pSuite s = CU_add_suite("compile", NULL, NULL);

	CU_add_test(s, "a rule becomes tables that the runtime accepts",
		    a_rule_becomes_tables_that_the_runtime_accepts);
	CU_add_test(s, "the same text gives the same bytes", the_same_text_gives_the_same_bytes);
	CU_add_test(s, "a dump shows every rule", a_dump_shows_every_rule);
	CU_add_test(s, "errors leave no tables", errors_leave_no_tables);
	CU_add_test(s, "warnings leave tables", warnings_leave_tables);
	CU_add_test(s, "several files are one table", several_files_are_one_table);
	CU_add_test(s, "imports are asked for once and stand in their place",
		    imports_are_asked_for_once_and_stand_in_their_place);
	CU_add_test(s, "a field computed from itself is refused", a_field_computed_from_itself_is_refused);
	CU_add_test(s, "streams that no rule reads are left out", streams_that_no_rule_reads_are_left_out);
	CU_add_test(s, "counted repetitions do not grow the tables", counted_repetitions_do_not_grow_the_tables);
	CU_add_test(s, "many rules share what is equal", many_rules_share_what_is_equal);
	CU_add_test(s, "every budget of memory ends well", every_budget_of_memory_ends_well);
	CU_add_test(s, "a deep pattern and a long one are compiled or refused",
		    a_deep_pattern_and_a_long_one_are_compiled_or_refused);
	CU_add_test(s, "many absences between optional steps are refused soon",
		    many_absences_between_optional_steps_are_refused_soon);
	CU_add_test(s, "tables with lists of something else are refused", tables_with_lists_of_something_else_are_refused);
	CU_add_test(s, "a map finds what was put in", a_map_finds_what_was_put_in);
}
