/*
 * Emissions as text: order of members, nulls, keys, provenance; JSON and pairs.
 */
#include "runtime/emission.h"

#include <CUnit/CUnit.h>

#include "tests/unit/hand_tables.h"

void suite_emission(void);

static struct hand hand;
static const struct ens_entry_id entries[2] = {{1767600000000, 3, 0}, {1767600000001, 0, 0}};
static const struct ens_value outs[4] = {
	{.s = "a\"b", .len = 3}, {.i = -5}, {.null = ENS_NULL}, {.i = 1500000},
};
static const struct ens_value key[2] = {{.s = "ann", .len = 3}, {.i = 7}};

static uint32_t nentry;

static enum ens_status identify(const struct ens_emission *e, uint8_t id[16])
{
	(void)e;
	for (uint8_t i = 0; i < 16; i++)
		id[i] = (uint8_t)(i * 17);
	return ENS_OK;
}

static enum ens_status list(const struct ens_emission *e, const struct ens_entry_id **event, uint32_t *n)
{
	(void)e;
	*event = entries;
	*n = nentry;
	return ENS_OK;
}

static enum ens_status no_memory_to_identify(const struct ens_emission *e, uint8_t id[16])
{
	(void)e;
	(void)id;
	return ENS_ENOMEM;
}

static enum ens_status no_memory_to_list(const struct ens_emission *e, const struct ens_entry_id **event, uint32_t *n)
{
	(void)e;
	(void)event;
	(void)n;
	return ENS_ENOMEM;
}

static struct ens_emission make(bool with_key)
{
	static const struct {
		const char *name;
		enum ens_type type;
	} out[4] = {{"user", ENS_STRING}, {"n", ENS_INT}, {"x", ENS_FLOAT}, {"took", ENS_DURATION}};
	static const struct ens_emission_source source = {identify, list};
	struct ens_emission e = {.out = outs, .key = key, .start_us = 0, .end_us = 1000001, .source = &source};
	uint32_t streams[1] = {0}, i;

	hand_init(&hand);
	hand_stream(&hand, "in");
	hand_type(&hand, "In", 0);
	hand_rule(&hand, "Found", hand_group(&hand, streams, 1), 0, ENS_NONE, 0);
	for (i = 0; i < 4; i++)
		hand.out[i] = (struct ens_t_out){.name = hand_str(&hand, out[i].name), .type = (uint8_t)out[i].type};
	hand.emit[0].outs.count = 4;
	hand.keygroup[0].parts.count = with_key ? 2 : 0;
	hand.keypart[0] = (struct ens_t_keypart){.name = hand_str(&hand, "user"), .type = ENS_STRING};
	hand.keypart[1] = (struct ens_t_keypart){.name = hand_str(&hand, "shop"), .type = ENS_INT};
	nentry = 2;
	return e;
}

static void expect_json(const struct ens_emission *e, bool provenance, const char *expected)
{
	struct ens_buf b = ENS_BUF_EMPTY;

	ens_emission_json(&hand.t, e, provenance, &b);
	CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&b), expected);
	ens_buf_free(&b);
}

#define HEAD "{\"_event\":\"Found\",\"user\":\"a\\\"b\",\"n\":-5,\"x\":null,\"took\":1.5,\"_rule\":\"Found\"," \
	     "\"_id\":\"00112233445566778899aabbccddeeff\","
#define TIMES "\"_start\":\"1970-01-01T00:00:00.000000Z\",\"_end\":\"1970-01-01T00:00:01.000001Z\""

static void json_has_its_order(void)
{
	struct ens_emission e = make(true);

	expect_json(&e, true, HEAD "\"_key\":{\"user\":\"ann\",\"shop\":7}," TIMES
		    ",\"_events\":[\"1767600000000-3\",\"1767600000001-0\"]}\n");
	expect_json(&e, false, HEAD "\"_key\":{\"user\":\"ann\",\"shop\":7}," TIMES "}\n");
	e = make(false);
	e.from_file = true;
	expect_json(&e, true, HEAD TIMES ",\"_events\":[1767600000000,1767600000001]}\n");
	e.suppressed = 41;
	expect_json(&e, true, HEAD TIMES ",\"_suppressed\":41,\"_events\":[1767600000000,1767600000001]}\n");
	e.suppressed = 0;
	nentry = 0;
	expect_json(&e, true, HEAD TIMES ",\"_events\":[]}\n");
}

static void expect_pair(const struct ens_emission_fields *f, size_t i, const char *name, const char *value)
{
	const struct ens_slice n = f->slice[2 * i], v = f->slice[2 * i + 1];

	CU_ASSERT(n.len == strlen(name) && memcmp(f->bytes.data + n.off, name, n.len) == 0);
	CU_ASSERT(v.len == strlen(value) && memcmp(f->bytes.data + v.off, value, v.len) == 0);
}

static void meta_stands_behind_everything(void)
{
	const struct ens_emission e = make(true);
	struct ens_emission_fields f = {.nslice = 0};

	hand.out[2].meta = hand.out[3].meta = 1;
	expect_json(&e, true,
		    "{\"_event\":\"Found\",\"user\":\"a\\\"b\",\"n\":-5,\"_rule\":\"Found\","
		    "\"_id\":\"00112233445566778899aabbccddeeff\",\"_key\":{\"user\":\"ann\",\"shop\":7}," TIMES
		    ",\"_events\":[\"1767600000000-3\",\"1767600000001-0\"],\"x\":null,\"took\":1.5}\n");
	CU_ASSERT_EQUAL_FATAL(ens_emission_pairs(&hand.t, &e, true, &f), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(f.nslice, 20);
	expect_pair(&f, 2, "n", "-5");
	expect_pair(&f, 3, "_rule", "Found");
	expect_pair(&f, 9, "took", "1.5");
	CU_ASSERT_EQUAL_FATAL(ens_emission_pairs(&hand.t, &e, false, &f), ENS_OK);
	CU_ASSERT_EQUAL(f.nslice, 38);
	expect_pair(&f, 18, "took", "1.5");
	ens_emission_fields_free(&f);
}

static void what_was_held_back_stands_before_events(void)
{
	struct ens_emission e = make(true);
	struct ens_emission_fields f = {.nslice = 0};

	e.suppressed = UINT64_MAX;
	CU_ASSERT_EQUAL_FATAL(ens_emission_pairs(&hand.t, &e, true, &f), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(f.nslice, 22);
	expect_pair(&f, 8, "_end", "1970-01-01T00:00:01.000001Z");
	expect_pair(&f, 9, "_suppressed", "18446744073709551615");
	expect_pair(&f, 10, "_events", "[\"1767600000000-3\",\"1767600000001-0\"]");
	ens_emission_fields_free(&f);
}

static void lists_are_arrays_and_approx_names_fields(void)
{
	static const struct ens_value text[2] = {{.s = "a\"b", .len = 3}, {.s = "", .len = 0}};
	const struct ens_value out[4] = {
		{.s = (const char *)text, .len = 2}, {.i = 1200}, {.s = NULL, .len = 0}, {.null = ENS_NULL}};
	const bool approx[4] = {false, true, false, true};
	struct ens_emission e = make(false);
	struct ens_emission_fields f = {.nslice = 0};

	for (int i = 0; i < 4; i += 2) {
		hand.out[i].type = ENS_LIST;
		hand.out[i].element = ENS_STRING;
	}
	e.out = out;
	e.approx = approx;
	expect_json(&e, true,
		    "{\"_event\":\"Found\",\"user\":[\"a\\\"b\",\"\"],\"n\":1200,\"x\":[],\"took\":null,\"_rule\":\"Found\","
		    "\"_id\":\"00112233445566778899aabbccddeeff\"," TIMES ",\"_approx\":[\"n\",\"took\"],"
		    "\"_events\":[\"1767600000000-3\",\"1767600000001-0\"]}\n");
	CU_ASSERT_EQUAL_FATAL(ens_emission_pairs(&hand.t, &e, true, &f), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(f.nslice, 20);
	expect_pair(&f, 1, "user", "[\"a\\\"b\",\"\"]");
	expect_pair(&f, 3, "x", "[]");
	expect_pair(&f, 8, "_approx", "[\"n\",\"took\"]");
	ens_emission_fields_free(&f);
}

static void pairs_leave_nulls_out(void)
{
	const struct ens_emission e = make(true);
	struct ens_emission_fields f = {.nslice = 0};
	unsigned round;
	size_t len;

	CU_ASSERT_EQUAL_FATAL(ens_emission_pairs(&hand.t, &e, true, &f), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(f.nslice, 20);
	expect_pair(&f, 0, "_event", "Found");
	expect_pair(&f, 1, "user", "a\"b");
	expect_pair(&f, 2, "n", "-5");
	expect_pair(&f, 3, "took", "1.5");
	expect_pair(&f, 4, "_rule", "Found");
	expect_pair(&f, 5, "_id", "00112233445566778899aabbccddeeff");
	expect_pair(&f, 6, "_key", "{\"user\":\"ann\",\"shop\":7}");
	expect_pair(&f, 7, "_start", "1970-01-01T00:00:00.000000Z");
	expect_pair(&f, 8, "_end", "1970-01-01T00:00:01.000001Z");
	expect_pair(&f, 9, "_events", "[\"1767600000000-3\",\"1767600000001-0\"]");
	CU_ASSERT_EQUAL(ens_emission_pairs(&hand.t, &e, false, &f), ENS_OK);
	CU_ASSERT_EQUAL(f.nslice, 38);
	expect_pair(&f, 18, "_end", "1970-01-01T00:00:01.000001Z");
	for (round = 0; round < 100; round++)
		CU_ASSERT_EQUAL(ens_emission_pairs(&hand.t, &e, true, &f), ENS_OK);
	expect_pair(&f, 19, "_event", "Found");
	ens_emission_fields_clear(&f);
	CU_ASSERT_EQUAL(f.nslice, 0);
	ens_emission_fields_free(&f);
	CU_ASSERT(strncmp(ens_emission_stream(&hand.t, &e, &len), "alerts", 6) == 0);
	CU_ASSERT_EQUAL(len, 6);
}

static void what_no_memory_is_left_for_is_not_said(void)
{
	static const struct ens_emission_source source[2] = {{no_memory_to_identify, list}, {identify, no_memory_to_list}};
	struct ens_emission e = make(true);
	struct ens_emission_fields f = {.nslice = 0};
	struct ens_buf b = ENS_BUF_EMPTY;

	CU_ASSERT_EQUAL_FATAL(ens_emission_pairs(&hand.t, &e, true, &f), ENS_OK);
	for (int i = 0; i < 2; i++) {
		e.source = &source[i];
		ens_buf_clear(&b);
		ens_emission_json(&hand.t, &e, true, &b);
		CU_ASSERT(b.failed);
		b.failed = false;
		CU_ASSERT_EQUAL(ens_emission_pairs(&hand.t, &e, true, &f), ENS_ENOMEM);
		CU_ASSERT_EQUAL(f.nslice, 20);
	}
	/* Nobody asks for the entries. */
	CU_ASSERT_EQUAL(ens_emission_pairs(&hand.t, &e, false, &f), ENS_OK);
	CU_ASSERT_EQUAL(f.nslice, 38);
	ens_buf_free(&b);
	ens_emission_fields_free(&f);
}

void suite_emission(void)
{
	CU_pSuite s = CU_add_suite("emission", NULL, NULL);

	CU_add_test(s, "the JSON line has its members in order", json_has_its_order);
	CU_add_test(s, "meta stands behind everything", meta_stands_behind_everything);
	CU_add_test(s, "lists are arrays, `_approx` names fields", lists_are_arrays_and_approx_names_fields);
	CU_add_test(s, "pairs are text and leave nulls out", pairs_leave_nulls_out);
	CU_add_test(s, "what was held back stands before events", what_was_held_back_stands_before_events);
	CU_add_test(s, "what no memory is left for is not said", what_no_memory_is_left_for_is_not_said);
}
