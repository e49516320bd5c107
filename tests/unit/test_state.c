/*
 * Saved state: what goes on from it, what bytes it has, and what is refused.  Events of two streams that wait for each other,
 * late, repeated and with texts, for rules of every kind; tests/conformance/replay takes the cases of the matcher.
 */
#include "runtime/state.h"

#include <CUnit/CUnit.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "compiler/compile.h"
#include "runtime/emission.h"
#include "runtime/state_code.h"

void suite_state(void);

#define FIRST_MS INT64_C(1767600000000)
#define LOG_MAX 20000
#define HEADER sizeof(struct ens_state_header)

static const char rules[] =
	"event A from \"one\" { t: time(ms), k: string?, n: int, x: float?, s: string?, ip: ip? } time t lateness 1s unique n for 1s\n"
	"event B from \"two\" { t: time(ms), k: string?, n: int, x: float?, s: string?, ip: ip? } time t lateness 3s\n"
	"rule first\n  key k?\n  match a: A -> b: B[n > a.n]+ greedy -> not A for 2s\n  within 10s\n"
	"  limit 1 per 5s by last(b).s\n  emit M { s: a.s, ip: last(b).ip, sum: sum(b.x), at: a.t }\n  on timeout emit T { waits: step() }\n"
	"rule all\n  match all a: A ->> b: (A | B){1,3} combinations ->> c: B[x > avg(b.x)]\n  within 6 events\n  skip to next\n"
	"  limit 2 per 2s\n  emit M { s: b[2].s, n: count(b), low: min(b.s) }\n"
	"rule newest\n  key k?\n  match last (a: A[n < 3] & b: B) -> c: (A | B){2,3}\n  within session 4s max 9s\n"
	"  having first(c).n != 2 once\n  emit M { s: a.s }\n"
	"rule quiet\n  key n\n  match not B for 3s -> a: A -> b: B\n  within 1m\n  emit M { s: b.s, x: b.x }\n"
	"rule low\n  key k?\n  match a: A -> b: B\n  within 5s\n  derive D { k: a.k, n: a.n, s: b.s }\n"
	"rule twice\n  match x: D ->> y: D[n != x.n]\n  within 20s\n  emit P { s: x.s, n: count() }\n"
	"rule gathers\n  key k?\n  match all a: A ->> b: (A | B){1,4} combinations -> c: B[n > 2 and count_distinct(b.s) < 3]\n"
	"  where count_distinct(b.n) > 1\n  within 4s\n  emit G { l: list(b.s), i: set(b.ip), x: set(b.x), p: percentile(b.x, 50),\n"
	"    q: percentile(b.n, 90), d: count_distinct(b.s) }\n"
	"rule shared\n  key k?\n  match all a: A ->> b: (A | B){1,2} -> not A[n = 4] -> c: B[n > 2]\n  within 6 events\n"
	"  emit S { s: b[-1].s, ip: a.ip, n: count(b), x: c.x, l: list(b.s) }\n"
	"rule spans\n  key n\n  match all a: A ->> b: (A | B)+ until B[n = 3], c: B\n  within 5s\n  skip all\n"
	"  having count(b) != 2 once\n  emit T { s: first(b).s, at: a.t }\n"
	"rule both\n  key k?\n  match all x: (D | A) -> not B[n = 4] for 1s\n  within 20s\n  emit Q { n: x.n }\n";

/* The same but for one number. */
static const char other_rules[] = "event A from \"one\" { n: int }\nrule r\n  match A\n  emit M {}\n";

struct compiled {
	struct ens_arena arena;
	struct ens_buf bytes;
	struct ens_tables t;
};

struct bench {
	const struct ens_tables *t;
	struct ens_engine_options options;
	struct ens_engine *engine;
	struct ens_order *order;
	uint64_t id[LOG_MAX][2]; /* identities of the emissions, in order */
	uint64_t suppressed[LOG_MAX];
	uint64_t said[LOG_MAX];  /* hashes of their texts */
	uint32_t nid;
	struct ens_buf text;
	bool single;             /* as files: one order for all streams */
	uint64_t seed, n;
	int64_t now_ms;
};

static struct compiled compiled;

static void compile(struct compiled *k, const char *text)
{
	struct ens_sources sources;
	struct ens_diag diag;
	uint32_t file = 0;

	memset(k, 0, sizeof *k);
	ens_arena_init(&k->arena, 0);
	ens_sources_init(&sources, &k->arena);
	ens_diag_init(&diag, &k->arena, &sources);
	CU_ASSERT_EQUAL_FATAL(ens_sources_add(&sources, "t.ens", text, strlen(text), &file), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_compile(&k->arena, &diag, &file, 1, NULL, &k->bytes, NULL), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_tables_open(k->bytes.data, k->bytes.len, &k->t, NULL), ENS_OK);
}

static void free_compiled(struct compiled *k)
{
	ens_buf_free(&k->bytes);
	ens_arena_free(&k->arena);
}

static enum ens_status note(void *user, const struct ens_emission *e)
{
	struct bench *b = user;
	uint8_t id[16];

	CU_ASSERT_FATAL(b->nid < LOG_MAX);
	CU_ASSERT_EQUAL_FATAL(ens_emission_identify(e, id), ENS_OK);
	memcpy(b->id[b->nid], id, sizeof id);
	b->suppressed[b->nid] = e->suppressed;
	ens_buf_clear(&b->text);
	ens_emission_json(b->t, e, true, &b->text);
	b->said[b->nid++] = XXH3_64bits(b->text.data, b->text.len);
	return ENS_OK;
}

static void open_pair(struct bench *b)
{
	b->options.sink = (struct ens_emission_sink){note, b};
	b->options.seed++; /* of hashes: must not show */
	CU_ASSERT_EQUAL_FATAL(ens_engine_open(b->t, &b->options, &b->engine, NULL), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_order_open(b->t, b->engine, b->single, &b->order, NULL), ENS_OK);
}

static void close_pair(struct bench *b)
{
	ens_order_close(b->order);
	ens_engine_close(b->engine);
}

static struct bench *open_bench_of(bool tight, bool single)
{
	struct bench *b = calloc(1, sizeof *b);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	if (!compiled.bytes.len)
		compile(&compiled, rules);
	b->t = &compiled.t;
	b->now_ms = FIRST_MS;
	b->single = single;
	if (tight)
		b->options = (struct ens_engine_options){.partials_per_key = 7, .partials_per_rule = 12, .keys_per_rule = 3};
	open_pair(b);
	return b;
}

static struct bench *open_bench(void)
{
	return open_bench_of(false, false);
}

static void close_bench(struct bench *b)
{
	close_pair(b);
	ens_buf_free(&b->text);
	free(b);
}

static uint32_t below(struct bench *b, uint32_t n)
{
	b->seed = b->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(b->seed >> 33) % n;
}

static struct ens_value text_or_null(const char *s)
{
	return s ? (struct ens_value){.s = s, .len = (uint32_t)strlen(s)} : (struct ens_value){.null = ENS_NULL};
}

/* The next made-up event; now and then time moves on without one. */
static void step(struct bench *b)
{
	static const char *const text[] = {NULL, "a", "bob", "\xC3\xA4\xC3\xB6", "", "longer than a few bytes"};
	static const int64_t ahead_ms[] = {0, 1, 300, 500, 500, 900, 2000, 6000};
	struct ens_value v[6];
	struct ens_event ev = {.type = below(b, 2), .value = v};
	enum ens_order_verdict verdict;

	memset(v, 0, sizeof v);
	b->now_ms += ahead_ms[below(b, 8)];
	ev.id = (struct ens_entry_id){.ms = (uint64_t)FIRST_MS + ++b->n, .seq = b->n % 3, .stream = ev.type};
	ev.time_us = (b->now_ms - (below(b, 3) ? 0 : below(b, 3500))) * 1000;
	v[0].i = ev.time_us;
	v[1] = text_or_null(text[below(b, 4)]);
	v[2].i = below(b, 5);
	v[3].f = below(b, 9) / 2.0;
	v[4] = text_or_null(text[below(b, 6)]);
	v[5] = below(b, 2) ? (struct ens_value){.s = "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", .len = 16} : text_or_null(NULL);
	CU_ASSERT_EQUAL_FATAL(ens_order_push(b->order, &ev, &verdict), ENS_OK);
	if (b->single)
		return;
	if (below(b, 10) == 0) {
		const uint32_t stream = below(b, 2);
		const bool silent[] = {stream == 0, stream == 1};

		CU_ASSERT_EQUAL_FATAL(ens_order_idle(b->order, stream, silent), ENS_OK);
	}
	if (below(b, 30) == 0)
		CU_ASSERT_EQUAL_FATAL(ens_order_tick(b->order, below(b, 2), b->now_ms * 1000 - 2000000), ENS_OK);
}

static void save(const struct bench *b, struct ens_buf *into)
{
	ens_buf_clear(into);
	CU_ASSERT_EQUAL_FATAL(ens_state_save(b->engine, b->order, into), ENS_OK);
}

static enum ens_status load(struct bench *b, const struct ens_buf *from, struct ens_error *err)
{
	close_pair(b);
	open_pair(b);
	return ens_state_load(b->engine, b->order, from->data, from->len, err);
}

static bool same(const struct ens_buf *a, const struct ens_buf *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

static void same_emissions(const struct bench *a, const struct bench *b)
{
	CU_ASSERT_EQUAL_FATAL(a->nid, b->nid);
	CU_ASSERT_EQUAL(memcmp(a->id, b->id, a->nid * sizeof *a->id), 0);
	CU_ASSERT_EQUAL(memcmp(a->said, b->said, a->nid * sizeof *a->said), 0);
	CU_ASSERT_EQUAL(memcmp(a->suppressed, b->suppressed, a->nid * sizeof *a->suppressed), 0);
}

/* ---- going on ------------------------------------------------------------------------------------------------------- */

/* One bench goes on, the other is saved and loaded again and again. */
static void play_both(bool tight, bool single, uint32_t events, uint32_t every)
{
	struct bench *a = open_bench_of(tight, single), *b = open_bench_of(tight, single);
	struct ens_buf here = ENS_BUF_EMPTY, there = ENS_BUF_EMPTY;
	uint64_t waited = 0, held_back = 0;

	for (uint32_t i = 1; i <= events; i++) {
		step(a);
		step(b);
		waited += ens_order_buffered(a->order);
		if (i % every)
			continue;
		save(a, &here);
		save(b, &there);
		CU_ASSERT_FATAL(same(&here, &there));
		CU_ASSERT_EQUAL_FATAL(load(b, &there, NULL), ENS_OK);
		CU_ASSERT_EQUAL_FATAL(ens_engine_bytes(a->engine), ens_engine_bytes(b->engine));
		CU_ASSERT_EQUAL(ens_order_buffered(a->order), ens_order_buffered(b->order));
	}
	CU_ASSERT_EQUAL(ens_order_end(a->order, true), ENS_OK);
	CU_ASSERT_EQUAL(ens_order_end(b->order, true), ENS_OK);
	same_emissions(a, b);
	for (uint32_t i = 0; i < a->nid; i++)
		held_back += a->suppressed[i];
	CU_ASSERT(a->nid > events / 10); /* there was something to lose */
	CU_ASSERT(waited > events);
	CU_ASSERT(held_back > 0);
	close_bench(a);
	close_bench(b);
	ens_buf_free(&here);
	ens_buf_free(&there);
}

static void what_is_saved_again_and_again_goes_on(void)
{
	play_both(false, false, 1500, 1);
	play_both(false, false, 1500, 7);
	play_both(false, true, 1500, 1);
}

static void near_limits_the_same_goes_first(void)
{
	play_both(true, false, 1500, 1);
	play_both(true, false, 1500, 5);
}

static void one_save_at_any_point_changes_nothing(void)
{
	enum { EVENTS = 150 };
	struct bench *plain = open_bench();
	struct ens_buf state = ENS_BUF_EMPTY;

	for (uint32_t i = 0; i < EVENTS; i++)
		step(plain);
	CU_ASSERT_EQUAL(ens_order_end(plain->order, true), ENS_OK);
	for (uint32_t at = 0; at <= EVENTS; at++) {
		struct bench *b = open_bench();

		for (uint32_t i = 0; i < EVENTS; i++) {
			if (i == at) {
				save(b, &state);
				CU_ASSERT_EQUAL_FATAL(load(b, &state, NULL), ENS_OK);
			}
			step(b);
		}
		CU_ASSERT_EQUAL(ens_order_end(b->order, true), ENS_OK);
		same_emissions(plain, b);
		close_bench(b);
	}
	close_bench(plain);
	ens_buf_free(&state);
}

/* Without an order: events are pushed by somebody else. */
static void an_engine_alone_is_saved_too(void)
{
	struct bench *b = open_bench();
	struct ens_buf state = ENS_BUF_EMPTY, again = ENS_BUF_EMPTY;
	struct ens_error err = {""};
	struct ens_engine *e;

	for (uint32_t i = 0; i < 100; i++)
		step(b);
	CU_ASSERT_EQUAL(ens_state_save(b->engine, NULL, &state), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_engine_open(b->t, &b->options, &e, NULL), ENS_OK);
	CU_ASSERT_EQUAL(ens_state_load(e, NULL, state.data, state.len, NULL), ENS_OK);
	CU_ASSERT_EQUAL(ens_state_save(e, NULL, &again), ENS_OK);
	CU_ASSERT(same(&state, &again));
	CU_ASSERT_EQUAL(load(b, &state, &err), ENS_EINPUT);
	CU_ASSERT_STRING_EQUAL(err.text, "the saved state cannot be loaded: it was saved without events that wait (at byte 49)");
	ens_engine_close(e);
	close_bench(b);
	ens_buf_free(&state);
	ens_buf_free(&again);
}

/* Two events and a text for each of many keys: what is saved is mostly that. */
static void state_is_compact(void)
{
	enum { KEYS = 1000, AT_MOST = 48 };
	static const char pairs[] = "event A from \"one\" { k: int, s: string }\n"
				    "rule r\n  key k\n  match a: A -> A[s != a.s] -> A[s = a.s]\n  within 1h\n  emit M { s: a.s }\n";
	struct ens_engine_options o = {.sink = {note, NULL}};
	struct ens_buf state = ENS_BUF_EMPTY;
	struct ens_rule_stats s;
	struct compiled k;
	struct ens_engine *e;

	compile(&k, pairs);
	CU_ASSERT_EQUAL_FATAL(ens_engine_open(&k.t, &o, &e, NULL), ENS_OK);
	for (uint32_t i = 0; i < 2 * KEYS; i++) {
		const struct ens_value v[2] = {{.i = 1000000 + i % KEYS}, text_or_null(i < KEYS ? "some text" : "other")};
		const struct ens_event ev = {.id = {.ms = (uint64_t)FIRST_MS + i}, .time_us = (FIRST_MS + i) * 1000, .value = v};

		CU_ASSERT_EQUAL_FATAL(ens_engine_push(e, 0, &ev), ENS_OK);
	}
	CU_ASSERT_EQUAL(ens_state_save(e, NULL, &state), ENS_OK);
	ens_engine_rule_stats(e, 0, &s);
	CU_ASSERT_EQUAL(s.partials, 2 * KEYS);
	CU_ASSERT(state.len < (size_t)s.partials * AT_MOST);
	ens_engine_close(e);
	free_compiled(&k);
	ens_buf_free(&state);
}

/* One step takes so many values that lists are cut, different ones estimated and distributions made of buckets. */
static void large_collections_come_back(void)
{
	static const char collecting[] =
		"event A from \"one\" { n: int, s: string, x: float }\n"
		"rule r\n  match A[n = 1] -> a: A[n > 0]+ -> b: A[n = 0]\n  within 1d\n"
		"  emit M { n: count_distinct(a.n), l: list(a.n), s: set(a.s), d: count_distinct(a.s), p: percentile(a.n, 50),\n"
		"    q: percentile(a.x, 50), r: percentile(a[n > 5].n, 90) }\n";
	static const int64_t stops[] = {1, 999, 1001, 3000, 6000};
	struct bench *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
	struct ens_buf here = ENS_BUF_EMPTY, there = ENS_BUF_EMPTY;
	struct compiled k;
	int64_t n = 0;

	CU_ASSERT_FATAL(a && b);
	compile(&k, collecting);
	a->t = b->t = &k.t;
	open_pair(a);
	open_pair(b);
	for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
		while (n <= stops[i] && n < stops[4]) {
			char text[16];
			const uint32_t len = (uint32_t)snprintf(text, sizeof text, "%lld", (long long)n % 1500);

			n++;
			const struct ens_value v[3] = {{.i = n}, {.s = text, .len = len}, {.f = ldexp((double)n, (int)(n % 1000) - 500)}};
			const struct ens_event ev = {.id = {.ms = (uint64_t)n}, .time_us = FIRST_MS * 1000, .value = v};

			CU_ASSERT_EQUAL_FATAL(ens_engine_push(a->engine, 0, &ev), ENS_OK);
			CU_ASSERT_EQUAL_FATAL(ens_engine_push(b->engine, 0, &ev), ENS_OK);
		}
		ens_buf_clear(&here);
		ens_buf_clear(&there);
		CU_ASSERT_EQUAL_FATAL(ens_state_save(a->engine, NULL, &here), ENS_OK);
		CU_ASSERT_EQUAL_FATAL(ens_state_save(b->engine, NULL, &there), ENS_OK);
		CU_ASSERT_FATAL(same(&here, &there));
		close_pair(b);
		open_pair(b);
		CU_ASSERT_EQUAL_FATAL(ens_state_load(b->engine, NULL, there.data, there.len, NULL), ENS_OK);
		CU_ASSERT_EQUAL(ens_engine_bytes(a->engine), ens_engine_bytes(b->engine));
	}
	for (struct bench *x = a;; x = b) {
		const struct ens_value v[3] = {{.i = 0}, {.s = "", .len = 0}, {.f = 0}};
		const struct ens_event ev = {.id = {.ms = 7000}, .time_us = FIRST_MS * 1000, .value = v};

		CU_ASSERT_EQUAL_FATAL(ens_engine_push(x->engine, 0, &ev), ENS_OK);
		CU_ASSERT_EQUAL(x->nid, 1);
		CU_ASSERT_PTR_NOT_NULL(strstr(ens_buf_cstr(&x->text), "\"_approx\":[\"n\",\"l\",\"s\",\"d\",\"q\"]"));
		if (x == b)
			break;
	}
	same_emissions(a, b);
	close_bench(a);
	close_bench(b);
	free_compiled(&k);
	ens_buf_free(&here);
	ens_buf_free(&there);
}

/* ---- what is refused ------------------------------------------------------------------------------------------------ */

static struct bench *after(uint32_t events, struct ens_buf *state)
{
	struct bench *b = open_bench();

	for (uint32_t i = 0; i < events; i++)
		step(b);
	save(b, state);
	return b;
}

static void refused(struct bench *b, const struct ens_buf *state, const char *why)
{
	struct ens_error err = {""};

	CU_ASSERT_EQUAL(load(b, state, &err), ENS_EINPUT);
	CU_ASSERT_STRING_EQUAL(err.text, why);
}

static void damage_is_found_anywhere(void)
{
	struct ens_buf state = ENS_BUF_EMPTY;
	struct bench *b = after(300, &state);
	const size_t len = state.len;

	for (size_t i = 0; i < len; i++) {
		struct ens_error err = {""};

		state.data[i] ^= (char)(1 << i % 8);
		CU_ASSERT_EQUAL(load(b, &state, &err), ENS_EINPUT);
		CU_ASSERT(err.text[0] != '\0');
		state.data[i] ^= (char)(1 << i % 8);
		state.len = i;
		CU_ASSERT_EQUAL(load(b, &state, NULL), ENS_EINPUT);
		state.len = len;
	}
	CU_ASSERT_EQUAL(load(b, &state, NULL), ENS_OK);
	close_bench(b);
	ens_buf_free(&state);
}

/* As if somebody had meant it.  True: it was accepted. */
static bool is_safe(struct bench *b, struct ens_buf *state)
{
	struct ens_error err = {""};

	ens_state_seal(b->t, state->data, state->len);
	if (load(b, state, &err) != ENS_OK) {
		CU_ASSERT(err.text[0] != '\0');
		return false;
	}
	for (uint32_t i = 0; i < 5; i++)
		step(b);
	CU_ASSERT_EQUAL(ens_order_end(b->order, true), ENS_OK);
	b->nid = 0;
	return true;
}

static void damage_under_a_right_checksum_is_safe(void)
{
	static const unsigned char change[] = {1, 2, 0x7f, 0x80, 0xff};
	struct ens_buf state = ENS_BUF_EMPTY;
	struct bench *b = after(120, &state);
	const size_t len = state.len;
	unsigned accepted = 0, turned_down = 0;

	for (size_t i = HEADER; i < len; i++)
		for (size_t k = 0; k < sizeof change; k++) {
			state.data[i] ^= (char)change[k];
			*(is_safe(b, &state) ? &accepted : &turned_down) += 1;
			state.data[i] ^= (char)change[k];
		}
	CU_ASSERT(accepted > 0);
	CU_ASSERT(turned_down > accepted / 4);
	for (size_t i = HEADER; i < len; i++) {
		state.len = i;
		CU_ASSERT_FALSE(is_safe(b, &state));
	}
	close_bench(b);
	ens_buf_free(&state);
}

static void state_of_something_else_is_refused(void)
{
	struct ens_buf state = ENS_BUF_EMPTY;
	struct bench *b = after(20, &state);
	struct ens_state_header *h = (struct ens_state_header *)(void *)state.data;
	struct ens_error err = {""};
	struct compiled other;
	struct ens_engine *e;

	compile(&other, other_rules);
	CU_ASSERT_EQUAL_FATAL(ens_engine_open(&other.t, &b->options, &e, NULL), ENS_OK);
	CU_ASSERT_EQUAL(ens_state_load(e, NULL, state.data, state.len, &err), ENS_EINPUT);
	CU_ASSERT_EQUAL(strncmp(err.text, "the saved state cannot be loaded: it was saved with other rules (", 65), 0);
	ens_engine_close(e);
	free_compiled(&other);
	h->version = 7;
	refused(b, &state, "the saved state cannot be loaded: its format is version 7, this ensue knows version 2");
	h->version = ENS_STATE_VERSION;
	h->semantics = 7;
	refused(b, &state, "the saved state cannot be loaded: it was saved under version 7 of what matching means, this ensue has "
			   "version 1");
	h->semantics = ENS_SEMANTICS_VERSION;
	h->checksum++;
	refused(b, &state, "the saved state cannot be loaded: it is damaged, its checksum is wrong");
	h->checksum--;
	h->magic[0] = 'X';
	refused(b, &state, "the saved state cannot be loaded: these bytes are no state that ensue has saved");
	h->magic[0] = 'E';
	CU_ASSERT_EQUAL(load(b, &state, NULL), ENS_OK);
	ens_buf_addc(&state, 0);
	ens_state_seal(b->t, state.data, state.len);
	CU_ASSERT_EQUAL(load(b, &state, &err), ENS_EINPUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "more follows than belongs to it (at byte "));
	close_bench(b);
	ens_buf_free(&state);
}

static void files_and_streams_are_not_the_same(void)
{
	struct ens_buf state = ENS_BUF_EMPTY;
	struct bench *b = after(20, &state);
	struct ens_error err = {""};

	close_pair(b);
	CU_ASSERT_EQUAL_FATAL(ens_engine_open(b->t, &b->options, &b->engine, NULL), ENS_OK);
	CU_ASSERT_EQUAL_FATAL(ens_order_open(b->t, b->engine, true, &b->order, NULL), ENS_OK);
	CU_ASSERT_EQUAL(ens_state_load(b->engine, b->order, state.data, state.len, &err), ENS_EINPUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "in another way: of files, a server, or a test"));
	close_bench(b);
	ens_buf_free(&state);
}

/* ---- numbers and values --------------------------------------------------------------------------------------------- */

static void numbers_come_back(void)
{
	static const uint64_t number[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX - 1, UINT64_MAX};
	static const int64_t us[] = {0, INT64_MIN, 5, INT64_MAX, -7, 1767600000000000, INT64_MIN + 1, INT64_MAX - 1, 0};
	struct ens_buf bytes = ENS_BUF_EMPTY;
	struct ens_state_out out = {.bytes = &bytes};

	for (size_t i = 0; i < sizeof number / sizeof *number; i++)
		ens_out_number(&out, number[i]);
	for (size_t i = 0; i < sizeof us / sizeof *us; i++) {
		ens_out_time(&out, us[i]);
		ens_out_signed(&out, us[i]);
	}
	struct ens_state_in in = {.begin = bytes.data, .at = bytes.data, .end = bytes.data + bytes.len};

	for (size_t i = 0; i < sizeof number / sizeof *number; i++)
		CU_ASSERT_EQUAL(ens_in_number(&in), number[i]);
	for (size_t i = 0; i < sizeof us / sizeof *us; i++) {
		CU_ASSERT_EQUAL(ens_in_time(&in), us[i]);
		CU_ASSERT_EQUAL(ens_in_signed(&in), us[i]);
	}
	CU_ASSERT(ens_in_ok(&in) && in.at == in.end);
	CU_ASSERT_EQUAL(ens_in_number(&in), 0);
	CU_ASSERT_STRING_EQUAL(in.wrong, "it ends too early");
	ens_buf_free(&bytes);
}

static void values_come_back(void)
{
	const struct {
		enum ens_type type;
		struct ens_value v;
	} k[] = {
		{ENS_BOOL, {.i = 1}}, {ENS_INT, {.i = INT64_MIN}}, {ENS_FLOAT, {.f = -DBL_MIN}}, {ENS_FLOAT, {.f = -0.0}},
		{ENS_STRING, {.s = "\xC3\xA4", .len = 2}}, {ENS_STRING, {.s = "", .len = 0}}, {ENS_TIME, {.i = -1}},
		{ENS_IP, {.s = "0123456789abcdef", .len = 16}}, {ENS_STRING, {.null = ENS_UNSET}}, {ENS_INT, {.null = ENS_NULL}},
	};
	struct ens_buf bytes = ENS_BUF_EMPTY;
	struct ens_state_out out = {.bytes = &bytes};

	for (size_t i = 0; i < sizeof k / sizeof *k; i++)
		ens_out_value(&out, k[i].type, &k[i].v);
	ens_out_value(&out, ENS_FLOAT, &(struct ens_value){.f = (double)NAN});
	struct ens_state_in in = {.begin = bytes.data, .at = bytes.data, .end = bytes.data + bytes.len};

	for (size_t i = 0; i < sizeof k / sizeof *k; i++) {
		const struct ens_value v = ens_in_value(&in, k[i].type);

		CU_ASSERT_EQUAL(v.null, k[i].v.null);
		if (ens_type_is_bytes(k[i].type) && !v.null)
			CU_ASSERT(v.len == k[i].v.len && !memcmp(v.s, k[i].v.s, v.len));
		if (!ens_type_is_bytes(k[i].type) && !v.null)
			CU_ASSERT_EQUAL(v.i, k[i].v.i);
	}
	CU_ASSERT_EQUAL(ens_in_value(&in, ENS_FLOAT).null, ENS_NULL);
	CU_ASSERT(ens_in_ok(&in) && in.at == in.end);
	ens_buf_free(&bytes);
}

static void wrong_values_are_refused(void)
{
	static const struct {
		enum ens_type type;
		const char *bytes;
		size_t len;
	} k[] = {
		{ENS_INT, "\3", 1}, {ENS_BOOL, "\0\4", 2}, {ENS_FLOAT, "\0\0\0\0\0\0\0\xf0\x7f", 9}, {ENS_FLOAT, "\0\0\0\0", 4},
		{ENS_STRING, "\0\1\xff", 3}, {ENS_STRING, "\0\2a", 3}, {ENS_IP, "\0\4abcd", 6}, {ENS_STRING, "\0", 1},
		{ENS_INT, "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\2", 11}, {ENS_INT, "\0\xff", 2}, {ENS_STRING, "", 0},
		{ENS_STRING, "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1", 11},
	};

	for (size_t i = 0; i < sizeof k / sizeof *k; i++) {
		struct ens_state_in in = {.begin = k[i].bytes, .at = k[i].bytes, .end = k[i].bytes + k[i].len};
		const struct ens_value v = ens_in_value(&in, k[i].type);

		CU_ASSERT(!ens_in_ok(&in) && v.null == ENS_NULL);
	}
}

static void what_was_seen_is_known(void)
{
	static char at[3000];
	struct ens_seen s = {0};

	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < sizeof at; i++) {
			CU_ASSERT_EQUAL(ens_seen_get(&s, &at[i]), ENS_NONE);
			CU_ASSERT(ens_seen_put(&s, &at[i], i * 2));
		}
		for (uint32_t i = 0; i < sizeof at; i++)
			CU_ASSERT_EQUAL(ens_seen_get(&s, &at[i]), i * 2);
		ens_seen_clear(&s);
	}
	ens_seen_free(&s);
}

static int tear_down(void)
{
	if (compiled.bytes.len)
		free_compiled(&compiled);
	return 0;
}

void suite_state(void)
{
	CU_pSuite s = CU_add_suite("state", NULL, tear_down);

	CU_add_test(s, "what is saved again and again goes on", what_is_saved_again_and_again_goes_on);
	CU_add_test(s, "near limits the same goes first", near_limits_the_same_goes_first);
	CU_add_test(s, "one save at any point changes nothing", one_save_at_any_point_changes_nothing);
	CU_add_test(s, "an engine alone is saved too", an_engine_alone_is_saved_too);
	CU_add_test(s, "state is compact", state_is_compact);
	CU_add_test(s, "large collections come back", large_collections_come_back);
	CU_add_test(s, "damage is found anywhere", damage_is_found_anywhere);
	CU_add_test(s, "damage under a right checksum is safe", damage_under_a_right_checksum_is_safe);
	CU_add_test(s, "state of something else is refused", state_of_something_else_is_refused);
	CU_add_test(s, "files and streams are not the same", files_and_streams_are_not_the_same);
	CU_add_test(s, "numbers come back", numbers_come_back);
	CU_add_test(s, "values come back", values_come_back);
	CU_add_test(s, "wrong values are refused", wrong_values_are_refused);
	CU_add_test(s, "what was seen is known", what_was_seen_is_known);
}
