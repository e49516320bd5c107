/*
 * Rules over rules: in which order derived events come, what they remember, and that nothing of them stays.
 */
#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "compiler/compile.h"
#include "runtime/emission.h"
#include "runtime/engine.h"

void suite_layers(void);

#define FIRST_US INT64_C(1767600000000000)
#define SECOND INT64_C(1000000)

struct play {
	struct ens_arena arena;
	struct ens_buf bytes;
	struct ens_tables tables;
	struct ens_engine *engine;
	struct ens_buf log;       /* of each emission its first field, and a blank */
	uint8_t id[16];           /* of the latest emission */
	uint32_t nevent;          /* and what it says of its entries */
	struct ens_entry_id event[8];
	uint64_t n;               /* events pushed */
	uint32_t fail_after;      /* emissions; 0: never */
};

static enum ens_status note(void *user, const struct ens_emission *e)
{
	struct play *p = user;
	const struct ens_t_out *out = &p->tables.out[p->tables.emit[e->emit].outs.first];
	const struct ens_entry_id *event;

	if (out->type == ENS_STRING && e->out[0].null == ENS_SET)
		ens_buf_add(&p->log, e->out[0].s, e->out[0].len);
	else if (e->out[0].null != ENS_SET)
		ens_buf_adds(&p->log, "null");
	else
		ens_buf_addf(&p->log, "%lld", (long long)e->out[0].i);
	ens_buf_addc(&p->log, ' ');
	CU_ASSERT_EQUAL_FATAL(ens_emission_identify(e, p->id), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_emission_list(e, &event, &p->nevent), ENS_OK);
	memcpy(p->event, event, (p->nevent < 8 ? p->nevent : 8) * sizeof *event);
	return p->fail_after && !--p->fail_after ? ENS_EENV : ENS_OK;
}

static struct play *begin(const char *rules, struct ens_engine_options options)
{
	struct play *p = calloc(1, sizeof *p);
	struct ens_buf text = ENS_BUF_EMPTY;
	struct ens_sources sources;
	struct ens_diag diag;
	struct ens_error err = {""};
	uint32_t file = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	ens_arena_init(&p->arena, 0);
	ens_sources_init(&sources, &p->arena);
	ens_diag_init(&diag, &p->arena, &sources);
	ens_buf_adds(&text, "event E from \"in\" { key: int, what: string }\n");
	ens_buf_adds(&text, rules);
	CU_ASSERT_EQUAL_FATAL(ens_sources_add(&sources, "t.ens", text.data, text.len, &file), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_compile(&p->arena, &diag, &file, 1, NULL, &p->bytes, NULL), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_tables_open(p->bytes.data, p->bytes.len, &p->tables, &err), ENS_OK);
	options.sink = (struct ens_emission_sink){note, p};
	CU_ASSERT_EQUAL_FATAL(ens_engine_open(&p->tables, &options, &p->engine, &err), ENS_OK);
	ens_buf_free(&text);
	return p;
}

static void end(struct play *p)
{
	ens_engine_close(p->engine);
	ens_buf_free(&p->bytes);
	ens_buf_free(&p->log);
	ens_arena_free(&p->arena);
	free(p);
}

static enum ens_status push(struct play *p, int64_t at_s, int64_t key, const char *what)
{
	struct ens_value value[2] = {{.i = key}, {.s = what, .len = (uint32_t)strlen(what)}};
	const struct ens_event ev = {.id = {.ms = ++p->n}, .time_us = FIRST_US + at_s * SECOND, .value = value};

	return ens_engine_push(p->engine, 0, &ev);
}

static void push_all(struct play *p, int64_t at_s, const char *names)
{
	for (const char *c = names; *c; c++) {
		const char what[2] = {*c, '\0'};

		CU_ASSERT_EQUAL_FATAL(push(p, at_s++, 0, what), ENS_OK);
	}
}

static void all_over(struct play *p)
{
	CU_ASSERT_EQUAL(ens_engine_advance(p->engine, 0, INT64_MAX), ENS_OK);
	CU_ASSERT_TRUE(ens_engine_idle(p->engine));
	CU_ASSERT_EQUAL(ens_engine_bytes(p->engine), 0);
}

static void derived_events_stand_behind_their_cause(void)
{
	struct play *p = begin("rule seen\n  match s: (E | X | Y | Z)\n  emit Seen { what: s.what }\n"
			       "rule y\n  match e: E\n  derive Y { what: \"y\" }\n"
			       "rule x\n  match e: E\n  derive X { what: \"x1{e.what}\" }\n  derive X { what: \"x2\" }\n"
			       "rule z\n  match x: X\n  derive Z { what: \"z({x.what})\" }\n",
			       (struct ens_engine_options){0});

	push_all(p, 0, "ab");
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&p->log), "a y x1a z(x1a) x2 z(x2) b y x1b z(x1b) x2 z(x2) ");
	all_over(p);
	end(p);
}

/* At one time: events, then the deadlines of a layer, what they derive, the deadlines of the layer above. */
static void deadlines_go_by_time_then_layer(void)
{
	struct play *p = begin("rule seen\n  match s: (E | X | Y)\n  emit Seen { what: s.what }\n"
			       "rule y\n  match e: E[what = \"b\"] -> not X for 8s\n  derive Y { what: \"y\" }\n"
			       "rule spoilt\n  match e: X -> not Y for 2s\n  emit Spoilt { what: \"spoilt\" }\n"
			       "rule x\n  match e: E[what = \"a\"] -> not E for 4s\n  derive X { what: \"x\" }\n"
			       "rule two\n  match e: X -> not X for 5s\n  emit Two { what: \"two\" }\n",
			       (struct ens_engine_options){0});

	push_all(p, 0, "a");
	CU_ASSERT_EQUAL(ens_engine_advance(p->engine, 0, FIRST_US + 4 * SECOND), ENS_OK);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&p->log), "a x ");
	/* the event at 8 s comes before the deadline at 9 s, which comes before the event at 10 s */
	push_all(p, 8, "b");
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&p->log), "a x spoilt b ");
	CU_ASSERT_EQUAL(push(p, 10, 0, "c"), ENS_OK);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&p->log), "a x spoilt b two c ");
	CU_ASSERT_EQUAL(push(p, 16, 0, "a"), ENS_OK);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&p->log), "a x spoilt b two c a "); /* its deadline is then, too */
	all_over(p);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&p->log), "a x spoilt b two c a y x spoilt two ");
	end(p);
}

/* x is derived at the deadline at which `not X for 4s` would be complete: it comes first. */
static void a_deadline_below_comes_before_one_above(void)
{
	struct play *p = begin("rule high\n  match e: E[what = \"a\"] -> not X for 4s\n  emit High { what: \"high\" }\n"
			       "rule low\n  match e: E[what = \"a\"] -> not E for 4s\n  derive X { what: \"x\" }\n",
			       (struct ens_engine_options){0});

	push_all(p, 0, "a");
	push_all(p, 10, "a");
	push_all(p, 12, "b");
	all_over(p);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&p->log), "high ");
	end(p);
}

static const char pairs[] = "rule top\n  key key\n  match a: Pair -> b: Pair -> c: E[what = \"c\"]\n  within 1h\n"
			    "  emit Top { what: \"{a.what}+{b.what}\", nothing: a.nothing ?? 7 }\n"
			    "rule pair\n  key key\n  match a: E[what = \"a\"] -> b: E[what = \"b\"]\n  within 1h\n"
			    "  derive Pair { key, what: \"{a.what}{b.what}\" }\n"
			    "rule never\n  match a: E[what = \"never\"]\n  derive Pair { key: a.key, what: \"\", nothing: 1 }\n";

static void emissions_name_the_entries_below(void)
{
	struct play *p = begin(pairs, (struct ens_engine_options){0});

	push_all(p, 0, "axbabxc");
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&p->log), "ab+ab ");
	CU_ASSERT_EQUAL_FATAL(p->nevent, 5);
	for (uint32_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(p->event[i].ms, ((uint64_t[]){1, 3, 4, 5, 7})[i]);
	CU_ASSERT_EQUAL(p->event[4].stream, 0);
	all_over(p);
	end(p);
}

/* Numbers of derived events differ with what else is open; identities do not. */
static void identities_do_not_depend_on_what_else_there_is(void)
{
	uint8_t id[2][16];

	for (int other = 0; other < 2; other++) {
		struct play *p = begin(pairs, (struct ens_engine_options){.seed = (uint64_t)other});

		for (int64_t key = 1; other && key < 200; key++) {
			push(p, 0, key, "a");
			push(p, 0, key, "b");
		}
		p->n = 1000;
		push_all(p, 1, "ababc");
		CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&p->log), "ab+ab ");
		memcpy(id[other], p->id, 16);
		CU_ASSERT_EQUAL(p->event[0].ms, 1001);
		all_over(p);
		end(p);
	}
	CU_ASSERT_EQUAL(memcmp(id[0], id[1], 16), 0);
}

static void an_entry_that_made_two_is_named_once(void)
{
	struct play *p = begin("rule top\n  match a: X -> b: X\n  within 1h\n  emit Top { what: b.what }\n"
			       "rule low\n  match e: E\n  derive X { what: \"x\" }\n  derive X { what: \"y\" }\n",
			       (struct ens_engine_options){0});

	push_all(p, 0, "a");
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&p->log), "y ");
	CU_ASSERT_EQUAL(p->nevent, 1);
	CU_ASSERT_EQUAL(p->event[0].ms, 1);
	all_over(p);
	end(p);
}

static void a_derived_event_names_so_many_entries(void)
{
	struct play *p = begin("rule top\n  match a: X -> e: E[what = \"z\"]\n  within 1h\n  emit Top { n: a.n }\n"
			       "rule low\n  match s: E[what = \"s\"] -> e: E[what = \"a\"]{10010}\n  within 1h\n  derive X { n: count(e) }\n",
			       (struct ens_engine_options){0});

	CU_ASSERT_EQUAL(ENS_BELOW_MAX, 10000);
	push_all(p, 0, "s");
	for (int i = 0; i < 10010; i++)
		CU_ASSERT_EQUAL(push(p, 0, 0, "a"), ENS_OK);
	push_all(p, 0, "z");
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&p->log), "10010 ");
	CU_ASSERT_EQUAL(p->nevent, ENS_BELOW_MAX);
	CU_ASSERT_EQUAL(p->event[7].ms, 8);
	all_over(p);
	end(p);
}

/* Matches that only the end completes are events for the rules above, whose deadlines then pass. */
static void the_end_of_time_goes_up_the_layers(void)
{
	struct play *p = begin("rule top\n  match l: Last -> not Last for 1m\n  emit Top { n: l.n }\n"
			       "rule low\n  match e: E+ greedy until E[what = \"z\"]\n  derive Last { n: count(e) }\n",
			       (struct ens_engine_options){0});

	push_all(p, 0, "abc");
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&p->log), "");
	all_over(p);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&p->log), "3 ");
	end(p);
}

/* Many keys, many open matches over derived events, few allowed: what is dropped takes what is below along. */
static void nothing_stays(void)
{
	struct play *p = begin(pairs, (struct ens_engine_options){.partials_per_rule = 50, .keys_per_rule = 40});
	uint64_t seed = 1;

	for (int i = 0; i < 20000; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		const char what[2] = {(char)('a' + (seed >> 60) % 3), '\0'};

		CU_ASSERT_EQUAL_FATAL(push(p, i / 4, (int64_t)(seed >> 40) % 100, what), ENS_OK);
	}
	CU_ASSERT(p->log.len > 100);
	all_over(p);
	end(p);
}

static void a_sink_that_fails_leaves_derived_events_behind(void)
{
	struct play *p = begin("rule seen\n  match s: (X | Y)\n  emit Seen { what: s.what }\n"
			       "rule x\n  match e: E\n  derive X { what: \"x\" }\n  derive Y { what: \"y\" }\n",
			       (struct ens_engine_options){0});

	p->fail_after = 1;
	CU_ASSERT_EQUAL(push(p, 0, 0, "a"), ENS_EENV);
	CU_ASSERT_EQUAL(push(p, 0, 0, "a"), ENS_EENV);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&p->log), "x ");
	end(p);
}

void suite_layers(void)
{
	CU_pSuite s = CU_add_suite("layers", NULL, NULL);

	CU_add_test(s, "derived events stand behind their cause", derived_events_stand_behind_their_cause);
	CU_add_test(s, "deadlines go by time, then layer", deadlines_go_by_time_then_layer);
	CU_add_test(s, "a deadline below comes before one above", a_deadline_below_comes_before_one_above);
	CU_add_test(s, "emissions name the entries below", emissions_name_the_entries_below);
	CU_add_test(s, "identities do not depend on what else there is", identities_do_not_depend_on_what_else_there_is);
	CU_add_test(s, "an entry that made two is named once", an_entry_that_made_two_is_named_once);
	CU_add_test(s, "a derived event names so many entries", a_derived_event_names_so_many_entries);
	CU_add_test(s, "the end of time goes up the layers", the_end_of_time_goes_up_the_layers);
	CU_add_test(s, "nothing stays", nothing_stays);
	CU_add_test(s, "a sink that fails leaves derived events behind", a_sink_that_fails_leaves_derived_events_behind);
}
