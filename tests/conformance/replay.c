/*
 * The same events, taken in other ways, must give the same emissions byte for byte: one by one, in random batches, without
 * what is done ahead of time, without the index of rules, with one of waiting matches from the first on, near every limit, and with a save and a load of all state between
 * any two events.
 *
 *   replay RULES EVENTS AT-END    a rule or table file, a file of events, hold or flush
 *   replay <LIST                  a case a line, tabs between the three
 *
 * After each event the state has the same bytes in all ways that are compared, though in one it was never loaded and in
 * another it is nothing but; and takes as much memory, but for other indexes.  At the end of time nothing is left, in any way.  Prints what differs
 * and "N passed, N failed"; what can't be compiled or run (yet) is only counted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "compiler/compile.h"
#include "runtime/emission.h"
#include "runtime/io/file_source.h"
#include "runtime/state.h"

#define BLOCK_BYTES 4096u
#define ALL UINT32_MAX

/* A way to take the events. */
struct way {
	const char *name;
	uint32_t batch;      /* events read at a time; 0: random */
	bool reload;         /* state is saved and loaded after each event */
	bool streams;        /* as a server's streams, each with its own time, not as a file */
	bool tight;          /* small limits */
	bool no_lookahead, no_index;
	bool no_shared;      /* option no_shared_matches: another state then, and the same emissions */
	uint32_t index_from; /* option index_waiting_from: other memory then, and the same state */
	int against;         /* the way whose emissions it must have; -1: its own are what others are compared with */
};

static const struct way ways[] = {
	{.name = "plain", .batch = ALL, .against = -1},
	{.name = "one by one, nothing ahead of time", .batch = 1, .no_lookahead = true, .against = 0},
	{.name = "rules without index", .batch = ALL, .no_index = true, .against = 0},
	{.name = "random batches", .against = 0},
	{.name = "saved and loaded", .reload = true, .against = 0},
	{.name = "streams", .batch = ALL, .streams = true, .against = -1},
	{.name = "streams, saved and loaded", .batch = 1, .streams = true, .reload = true, .against = 5},
	{.name = "no shared matches", .batch = ALL, .no_shared = true, .against = 0},
	{.name = "no shared matches, saved and loaded", .batch = 1, .no_shared = true, .reload = true, .against = 7},
	{.name = "waiting matches indexed", .batch = ALL, .index_from = 1, .against = 0},
	{.name = "waiting matches indexed, saved and loaded", .batch = 1, .index_from = 1, .reload = true, .against = 9},
	{.name = "waiting matches indexed, no shared matches", .batch = ALL, .index_from = 1, .no_shared = true, .against = 7},
	{.name = "near limits", .batch = ALL, .tight = true, .against = -1},
	{.name = "near limits, saved and loaded", .batch = 1, .tight = true, .reload = true, .against = 12},
	{.name = "near limits, waiting matches indexed", .batch = ALL, .tight = true, .index_from = 1, .against = 12},
};
#define NWAY (sizeof ways / sizeof *ways)

/* What a run gave. */
struct outcome {
	struct ens_buf text;     /* emissions */
	struct ens_buf hash;     /* of the state after each event */
	struct ens_buf memory;   /* that it takes: 8 bytes each, too */
};

struct run {
	const struct ens_tables *t;
	const struct way *way;
	struct ens_engine *engine;
	struct ens_order *order;
	struct ens_decoder *decoder;
	struct ens_file_source *source;
	struct ens_batch batch;
	int64_t last_us;
	bool ended, muted;
	uint64_t seed;
	struct ens_buf state;
	struct outcome *out;
};

static struct ens_error why;
static unsigned passed, failed, skipped;

static void require(enum ens_status st, const char *what)
{
	if (st == ENS_OK)
		return;
	printf("FAILED %s: %s\n", what, why.text);
	exit(1);
}

static uint32_t below(struct run *r, uint32_t n)
{
	r->seed = r->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((r->seed >> 33) % n);
}

/* ---- a run ---------------------------------------------------------------------------------------------------------- */

static enum ens_status write_down(void *user, const struct ens_emission *e)
{
	struct run *r = user;

	if (!r->muted)
		ens_emission_json(r->t, e, true, &r->out->text);
	return r->out->text.failed ? ENS_ENOMEM : ENS_OK;
}

/* False: the tables can't be run yet. */
static bool open_engine(struct run *r)
{
	struct ens_engine_options o = {.seed = below(r, UINT32_MAX), .no_lookahead = r->way->no_lookahead,
				       .no_index = r->way->no_index, .no_shared_matches = r->way->no_shared,
				       .index_waiting_from = r->way->index_from,
				       .sink = {write_down, r}};
	enum ens_status st;

	if (r->way->tight) {
		o.keys_per_rule = 2;
		o.partials_per_key = 4;
		o.partials_per_rule = 5;
		o.emissions_per_event = 3;
	}
	st = ens_engine_open(r->t, &o, &r->engine, &why);
	if (st == ENS_ERULES)
		return false;
	require(st, "open the engine");
	require(ens_order_open(r->t, r->engine, !r->way->streams, &r->order, &why), "open the order");
	return true;
}

static void close_engine(struct run *r)
{
	ens_order_close(r->order);
	ens_engine_close(r->engine);
	r->order = NULL;
	r->engine = NULL;
}

static void note_state(struct run *r)
{
	uint64_t hash, bytes;

	ens_buf_clear(&r->state);
	require(ens_state_save(r->engine, r->order, &r->state), "save the state");
	hash = XXH3_64bits(r->state.data, r->state.len);
	bytes = ens_engine_bytes(r->engine);
	ens_buf_add(&r->out->hash, &hash, sizeof hash);
	ens_buf_add(&r->out->memory, &bytes, sizeof bytes);
	if (!r->way->reload)
		return;
	close_engine(r);
	(void)open_engine(r);
	require(ens_state_load(r->engine, r->order, r->state.data, r->state.len, &why), "load the state");
}

static void read_batch(struct run *r)
{
	const uint32_t n = r->way->batch ? r->way->batch : 1 + below(r, 5);

	ens_batch_reset(&r->batch);
	while (r->batch.entries < n && !r->ended) {
		const uint32_t before = r->batch.nevent;
		enum ens_reject_reason reason;
		struct ens_entry entry;
		enum ens_status st = ens_file_source_next(r->source, &entry, &reason, &why);

		if (st == ENS_EEND)
			r->ended = true;
		if (st == ENS_EEND || st == ENS_EINPUT)
			continue;
		require(st, "read an event");
		entry.time_us = r->last_us;
		require(ens_decode(r->decoder, &entry, &r->batch), "decode an event");
		if (r->batch.nevent > before)
			r->last_us = r->batch.event[before].time_us;
	}
}

static void push_batch(struct run *r)
{
	for (uint32_t i = 0; i < r->batch.nevent; i++) {
		enum ens_order_verdict verdict;

		if (r->batch.nevent - i > ENS_ENGINE_LOOKAHEAD)
			ens_order_expect(r->order, &r->batch.event[i + ENS_ENGINE_LOOKAHEAD]);
		require(ens_order_push(r->order, &r->batch.event[i], &verdict), "push an event");
		note_state(r);
	}
}

/* At the end of time: is anything left?  What `having ... once` remembers of a key has no end. */
static bool check_empty(struct run *r)
{
	bool once = false;

	r->muted = true;
	for (uint32_t g = 0; g < r->t->ngroup; g++)
		require(ens_engine_advance(r->engine, g, INT64_MAX), "advance to the end of time");
	for (uint32_t i = 0; i < r->t->nrule; i++) {
		struct ens_rule_stats s;

		ens_engine_rule_stats(r->engine, i, &s);
		once |= r->t->rule[i].having_once;
		if (s.partials || (s.keys && !r->t->rule[i].having_once)) {
			printf("left at the end of time: %" PRIu64 " matches, %" PRIu64 " keys\n", s.partials, s.keys);
			return false;
		}
	}
	if (!once && (ens_engine_bytes(r->engine) || !ens_engine_idle(r->engine))) {
		printf("left at the end of time: %" PRIu64 " bytes\n", ens_engine_bytes(r->engine));
		return false;
	}
	return true;
}

/* 0: it can't be run yet; -1: something is left at the end; 1: done. */
static int take(const struct ens_tables *t, const struct way *way, const char *events, bool flush, struct outcome *out)
{
	const struct ens_decoder_options decoder = {.max_skew_us = -1};
	struct run r = {.t = t, .way = way, .seed = XXH3_64bits(events, strlen(events)), .out = out};
	bool empty = true;

	if (!open_engine(&r))
		return 0;
	ens_batch_init(&r.batch);
	require(ens_file_source_open(events, BLOCK_BYTES, NULL, &r.source, &why), "open the events");
	require(ens_decoder_open(t, &decoder, &r.decoder, &why), "open the decoder");
	while (!r.ended) {
		read_batch(&r);
		push_batch(&r);
	}
	require(ens_order_end(r.order, flush), "end the events");
	empty = check_empty(&r);
	close_engine(&r);
	ens_decoder_close(r.decoder);
	ens_file_source_close(r.source);
	ens_batch_free(&r.batch);
	ens_buf_free(&r.state);
	return empty ? 1 : -1;
}

/* ---- a case --------------------------------------------------------------------------------------------------------- */

static bool read_file(const char *path, struct ens_buf *into)
{
	FILE *f = fopen(path, "rb");
	char chunk[4096];
	size_t n;

	if (!f) {
		perror(path);
		return false;
	}
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		ens_buf_add(into, chunk, n);
	(void)fclose(f);
	return true;
}

/* False: the rules are wrong, or need what can't be compiled yet. */
static bool compile(const char *path, struct ens_buf *bytes)
{
	struct ens_buf text = ENS_BUF_EMPTY;
	struct ens_arena arena;
	struct ens_sources sources;
	struct ens_diag diag;
	uint32_t file;
	bool done;

	if (!read_file(path, &text))
		exit(1);
	if (ens_tables_recognise(text.data, text.len)) {
		*bytes = text;
		return true;
	}
	ens_arena_init(&arena, 0);
	ens_sources_init(&sources, &arena);
	ens_diag_init(&diag, &arena, &sources);
	done = ens_sources_add(&sources, path, text.data, text.len, &file) == ENS_OK &&
	       ens_compile(&arena, &diag, &file, 1, NULL, bytes, NULL) == ENS_OK;
	ens_arena_free(&arena);
	ens_buf_free(&text);
	return done;
}

static bool same(const struct ens_buf *a, const struct ens_buf *b)
{
	return a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len));
}

/* After how many events the states differ first. */
static size_t first_difference(const struct ens_buf *a, const struct ens_buf *b)
{
	size_t i = 0;

	while (i < a->len && i < b->len && !memcmp(a->data + i, b->data + i, 8))
		i += 8;
	return i / 8 + 1;
}

static bool compare(const struct way *way, const struct outcome *got, const struct outcome *expected)
{
	const struct way *other = &ways[way->against];

	if (!same(&got->text, &expected->text)) {
		printf("%s: other emissions\n%.*sinstead of\n%.*s", way->name, (int)got->text.len,
		       got->text.data ? got->text.data : "", (int)expected->text.len,
		       expected->text.data ? expected->text.data : "");
		return false;
	}
	if (way->no_shared == other->no_shared && !same(&got->hash, &expected->hash)) {
		printf("%s: another state after event %zu\n", way->name, first_difference(&got->hash, &expected->hash));
		return false;
	}
	if (way->no_shared == other->no_shared && way->index_from == other->index_from &&
	    !same(&got->memory, &expected->memory)) {
		printf("%s: other memory after event %zu\n", way->name, first_difference(&got->memory, &expected->memory));
		return false;
	}
	return true;
}

static void try_case(const char *rules, const char *events, bool flush)
{
	struct ens_buf bytes = ENS_BUF_EMPTY;
	struct outcome out[NWAY] = {0};
	struct ens_tables t;
	bool good = true;
	int done = 1;

	if (!compile(rules, &bytes)) {
		skipped++;
		return;
	}
	require(ens_tables_open(bytes.data, bytes.len, &t, &why), "open the tables");
	for (size_t i = 0; i < NWAY && done; i++) {
		done = take(&t, &ways[i], events, flush, &out[i]);
		if (done < 0)
			printf("%s\n", ways[i].name);
		good &= done >= 0;
		if (done && ways[i].against >= 0)
			good &= compare(&ways[i], &out[i], &out[ways[i].against]);
	}
	for (size_t i = 0; i < NWAY; i++) {
		ens_buf_free(&out[i].text);
		ens_buf_free(&out[i].hash);
		ens_buf_free(&out[i].memory);
	}
	ens_buf_free(&bytes);
	if (!good)
		printf("FAILED %s %s %s\n", rules, events, flush ? "flush" : "hold");
	*(!done ? &skipped : good ? &passed : &failed) += 1;
}

static void try_line(char *line)
{
	const char *rules = strtok(line, "\t"), *events = strtok(NULL, "\t"), *at_end = strtok(NULL, "\t\n");

	if (!rules || !events || !at_end) {
		fprintf(stderr, "a line of the list has three parts, tabs between them: RULES EVENTS AT-END\n");
		exit(2);
	}
	try_case(rules, events, !strcmp(at_end, "flush"));
}

int main(int argc, char **argv)
{
	char line[8192];

	if (argc == 4)
		try_case(argv[1], argv[2], !strcmp(argv[3], "flush"));
	else
		while (fgets(line, sizeof line, stdin))
			try_line(line);
	printf("%u passed, %u failed, %u not compiled or run\n", passed, failed, skipped);
	return failed || !passed;
}
