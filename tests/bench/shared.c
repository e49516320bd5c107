/*
 * Matches that share their events (runtime/shared.h), on events in memory, and the same with a partial match for each.
 *
 *   shared EVENTS ROUNDS [NAME]     the workloads whose name has this in it
 *
 * The stream: N + 6 types, of which the pattern names the first N, uniform and independent; positions count all of them.
 * Events come in batches of a thousand, as a decoder hands them out; the clock stands still while they are made.  Each
 * line: M events/s of processor time, the best of ROUNDS, of both ways in turn, the second with as many events as it gets
 * done in about a second; of these both must have the same emissions, but where the second ran into its ceiling of partial
 * matches and dropped some (*).  An event has a thousand emissions at most.  Where a count is given, the first million events
 * must have as many: other engines were measured with this stream and have these counts.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler/compile.h"
#include "runtime/engine.h"

#define BATCH 1000u
#define NFIELD 4
#define GAP_MS 10
#define EMISSIONS_MAX 1000
#define CHECKED 1000000u /* events that a given count is of */

struct workload {
	const char *name;
	const char *match;    /* over E0 .. */
	const char *window, *skip; /* NULL: without */
	uint32_t types;
	uint64_t emissions;   /* of the first CHECKED events; 0: not known */
	uint64_t slow_events;
	uint32_t keys;         /* 0: no key */
};

#define SEQ3 "all a: E0 ->> b: E1 ->> c: E2"
#define SEQ5 "all a: E0 ->> b: E1 ->> c: E2 ->> d: E3 ->> e: E4"
#define SEQ9 SEQ5 " ->> f: E5 ->> g: E6 ->> h: E7 ->> i: E8"

static const struct workload workloads[] = {
	{"B1 sequence of 3, 100 events, skip all", SEQ3, "100 events", "all", 9, 185392, 300000, 0},
	{"B1 sequence of 5, 100 events, skip all", SEQ5, "100 events", "all", 11, 692853, 100000, 0},
	{"B1 sequence of 9, 100 events, skip all", SEQ9, "100 events", "all", 15, 927441, 20000, 0},
	{"B1 sequence of 9, 1000 events, skip all", SEQ9, "1000 events", "all", 15, 0, 5000, 0},
	{"B2 nothing completes, 100 events", "all a: E0 ->> b: E1 ->> c: Never", "100 events", "none", 9, 0, 100000, 0},
	{"B2 nothing completes, 1000 events", "all a: E0 ->> b: E1 ->> c: Never", "1000 events", "none", 9, 0, 10000, 0},
	{"B2 nothing completes, 100000 events", "all a: E0 ->> b: E1 ->> c: Never", "100000 events", "none", 9, 0, 3000, 0},
	{"B3 E0 ->> E1+ ->> E2, skip all", "all a: E0 ->> b: E1+ ->> c: E2", "100 events", "all", 9, 0, 30000, 0},
	{"B3 E0 ->> (E1 | E2) ->> E3, skip all", "all a: E0 ->> (b: E1 | c: E2) ->> d: E3", "100 events", "all", 10, 0, 100000, 0},
	{"B3 conditions, skip all", "all a: E0[v < 100] ->> b: E1[v < 100] ->> c: E2[v < 100]", "100 events", "all", 9, 0, 300000, 0},
	{"B4 sequence of 3, 100 keys, 10 s, skip none", SEQ3, "10s", "none", 9, 0, 300000, 100},
	{"B4 sequence of 3, 10000 keys, 1000 s, skip none", SEQ3, "1000s", "none", 9, 0, 300000, 10000},
	{"B4 sequence of 3, 100000 keys, 1000 s, skip none", SEQ3, "1000s", "none", 9, 0, 300000, 100000},
	{"B5 sequence of 3, skip none", SEQ3, "100 events", "none", 9, 0, 50000, 0},
	{"B5 sequence of 5, skip none", SEQ5, "100 events", "none", 11, 0, 5000, 0},
	{"B15 E0+ -> Never, 100 open", "a: E0+ -> b: Never", "500 events", NULL, 5, 0, 100000, 0},
	{"B15 E0+ -> Never, 10000 open", "a: E0+ -> b: Never", "50000 events", NULL, 5, 0, 3000, 0},
	{"B15 E0+ -> Never, 200000 open", "a: E0+ -> b: Never", NULL, NULL, 5, 0, 3000, 0},
	{"B15 E0{5,} -> E1 -> Never, 1000 open", "a: E0{5,} -> b: E1 -> c: Never", "5000 events", NULL, 5, 0, 10000, 0},
	{"B15 E0{5,} -> E1 -> Never, 100000 open", "a: E0{5,} -> b: E1 -> c: Never", "500000 events", NULL, 5, 0, 3000, 0},
	{"E0{5,} -> E1, what is open is used up", "a: E0{5,} -> b: E1", "5000 events", NULL, 5, 0, 100000, 0},
};

static uint64_t drawn;

static uint64_t mix(void)
{
	uint64_t x = drawn += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 (G. Steele, D. Lea, C. Flood, 2014) */

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static uint32_t draw(uint32_t n)
{
	return (uint32_t)((mix() >> 32) * n >> 32);
}

/* Decoded events, as many as a decoder hands out together. */
struct batch {
	struct ens_event event[BATCH];
	struct ens_value value[BATCH][NFIELD];
	uint32_t types, keys;
	uint64_t made;  /* of the stream, so far */
	int64_t ms;
};

static void make_events(struct batch *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++, b->made++) {
		const uint32_t type = draw(b->types);

		b->ms += draw(2 * GAP_MS + 1);
		b->value[i][0].i = (int64_t)b->made;
		b->value[i][1].i = b->ms;
		b->value[i][2].i = draw(b->keys);
		b->value[i][3].i = draw(1000);
		b->event[i] = (struct ens_event){
			.type = type, .id = {.ms = b->made + 1}, .from_file = true, .time_us = b->ms * 1000, .value = b->value[i]};
	}
}

/* Processor time. */
static double spent_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static enum ens_status count(void *user, const struct ens_emission *e)
{
	(void)e;
	++*(uint64_t *)user;
	return ENS_OK;
}

struct outcome {
	uint64_t emissions, checked; /* all; of the first CHECKED events */
	double s;
	bool dropped;
	double mib;
};

/* The first n events of the stream; the clock stands still while they are made. */
static enum ens_status push(struct ens_engine *e, const struct workload *w, uint64_t n, const uint64_t *emissions, struct outcome *out)
{
	struct batch *b = calloc(1, sizeof *b);
	enum ens_status st = b ? ENS_OK : ENS_ENOMEM;

	drawn = 1;
	if (b) {
		b->types = w->types;
		b->keys = w->keys ? w->keys : 100;
	}
	for (uint64_t left = n; left && st == ENS_OK;) {
		const uint32_t few = left < BATCH ? (uint32_t)left : BATCH;

		make_events(b, few);
		const double from = spent_s();

		for (uint32_t i = 0; i < few && st == ENS_OK; i++)
			st = ens_engine_push(e, 0, &b->event[i]);
		out->s += spent_s() - from;
		left -= few;
		if (n - left <= CHECKED)
			out->checked = *emissions;
	}
	out->emissions = *emissions;
	free(b);
	return st;
}

static enum ens_status play(const struct ens_tables *t, const struct workload *w, uint64_t n, bool slow, struct outcome *out)
{
	uint64_t emissions = 0;
	const struct ens_engine_options o = {.seed = 1, .no_shared_matches = slow, .emissions_per_event = EMISSIONS_MAX,
					     .sink = {count, &emissions}};
	struct ens_engine *e = NULL;
	struct ens_error err = {""};
	struct ens_rule_stats stats;
	enum ens_status st = ens_engine_open(t, &o, &e, &err);

	*out = (struct outcome){0};
	if (st != ENS_OK)
		return st;
	st = push(e, w, n, &emissions, out);
	ens_engine_rule_stats(e, 0, &stats);
	out->dropped = stats.dropped_per_key || stats.dropped_per_rule || stats.dropped_memory;
	out->mib = (double)ens_engine_bytes(e) / (1 << 20);
	ens_engine_close(e);
	return st;
}

static enum ens_status compile(const struct workload *w, struct ens_arena *arena, struct ens_buf *bytes, struct ens_tables *t)
{
	struct ens_buf rules = ENS_BUF_EMPTY;
	struct ens_sources sources;
	struct ens_diag diag;
	uint32_t file = 0;
	enum ens_status st;

	for (uint32_t i = 0; i < w->types; i++)
		ens_buf_addf(&rules, "event E%u from \"bench:shared\" { id: int, ts: int, key: int, v: int }\n", i);
	ens_buf_adds(&rules, "event Never from \"bench:shared\" { id: int, ts: int, key: int, v: int }\nrule bench\n  from Never");
	for (uint32_t i = 0; i < w->types; i++)
		ens_buf_addf(&rules, ", E%u", i);
	ens_buf_adds(&rules, w->keys ? "\n  key key" : "");
	ens_buf_addf(&rules, "\n  match %s\n", w->match);
	if (w->window)
		ens_buf_addf(&rules, "  within %s\n", w->window);
	if (w->skip)
		ens_buf_addf(&rules, "  skip %s\n", w->skip);
	ens_buf_adds(&rules, "  emit M to \"bench:out\" { first: first(a).id }\n");
	ens_arena_init(arena, 0);
	ens_sources_init(&sources, arena);
	ens_diag_init(&diag, arena, &sources);
	st = ens_sources_add(&sources, "all.ens", ens_buf_cstr(&rules), rules.len, &file);
	if (st == ENS_OK)
		st = ens_compile(arena, &diag, &file, 1, NULL, bytes, NULL);
	if (st == ENS_OK)
		st = ens_tables_open(bytes->data, bytes->len, t, NULL);
	ens_buf_free(&rules);
	return st;
}

/* What is wrong with the counts, or nothing. */
static const char *fault(const struct workload *w, uint64_t n, const struct outcome *all, const struct outcome *slow,
			 const struct outcome *same)
{
	if (!slow->dropped && slow->emissions != same->emissions)
		return "  WRONG: not the emissions of one by one";
	return w->emissions && n >= CHECKED && all->checked != w->emissions ? "  WRONG: not as many emissions as there are" : "";
}

static enum ens_status measure(const struct workload *w, uint64_t n, uint32_t rounds, bool *wrong)
{
	struct ens_buf bytes = ENS_BUF_EMPTY;
	struct ens_arena arena;
	struct ens_tables t;
	const uint64_t few = w->slow_events < n ? w->slow_events : n;
	struct outcome best = {0}, at, slow = {0}, same = {0};
	enum ens_status st = compile(w, &arena, &bytes, &t);

	if (st == ENS_OK)
		st = play(&t, w, few, false, &same);
	for (uint32_t i = 0; i < rounds && st == ENS_OK; i++) {
		st = play(&t, w, n, false, &at);
		if (i == 0 || at.s < best.s)
			best = at;
		if (st == ENS_OK)
			st = play(&t, w, few, true, &at);
		if (i == 0 || at.s < slow.s)
			slow = at;
	}
	if (st == ENS_OK) {
		const char *what = fault(w, n, &best, &slow, &same);

		*wrong |= *what;
		printf("%-48s %7.2f  %7.3f%s  %7.2f  %7.2f%s\n", w->name, (double)n / best.s / 1e6, (double)few / slow.s / 1e6,
		       slow.dropped ? "*" : " ", (double)best.emissions / (double)n, best.mib, what);
		fflush(stdout);
	}
	ens_buf_free(&bytes);
	ens_arena_free(&arena);
	return st;
}

int main(int argc, char **argv)
{
	const uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	const uint32_t rounds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	bool wrong = false;

	if (!n || !rounds) {
		fprintf(stderr, "usage: shared EVENTS ROUNDS [NAME]\n");
		return 2;
	}
	printf("%-48s  shared  one by one  emissions an event, MiB at the end\n", "matches, M events/s");
	for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
		if (argc > 3 && !strstr(workloads[i].name, argv[3]))
			continue;
		enum ens_status st = measure(&workloads[i], n, rounds, &wrong);

		if (st != ENS_OK) {
			fprintf(stderr, "shared: failed (%d) in %s\n", (int)st, workloads[i].name);
			return 1;
		}
	}
	return wrong;
}
