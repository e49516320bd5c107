/*
 * The engine alone, on events in memory, with the brute-force rule.
 *
 *   engine speed EVENTS KEYS     events/s; what is measured is pushing decoded events: conditions, keys, matching
 *   engine plain EVENTS KEYS     the same without look-ahead (option no_lookahead)
 *   engine memory EVENTS KEYS    resident memory as the events go by, ten lines
 *
 * Events come in batches of a thousand, as a decoder hands them out, 20 a millisecond of event time.  The clock stands still
 * while a batch is made.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "compiler/compile.h"
#include "runtime/engine.h"
#include "tests/bench/logins.h"

#define BATCH 1000u
#define NFIELD 5
#define NUSER 5003
#define NAGENT 8
#define FIRST_US 1767600000000000
#define STEP_US 50

/* One batch of decoded events, and the texts their values borrow. */
struct batch {
	struct ens_event event[BATCH];
	struct ens_value value[BATCH][NFIELD];
	char ip[BATCH][16];
	char user[NUSER][16], agent[NAGENT][16];
	uint32_t nkey;
};

static uint64_t emissions;

static enum ens_status count(void *user, const struct ens_emission *e)
{
	(void)user;
	(void)e;
	emissions++;
	return ENS_OK;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double resident_mib(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*u %lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static struct batch *new_batch(uint32_t nkey)
{
	struct batch *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	b->nkey = nkey;
	for (int i = 0; i < NUSER; i++)
		snprintf(b->user[i], sizeof b->user[i], "user-%d", i);
	for (int i = 0; i < NAGENT; i++)
		snprintf(b->agent[i], sizeof b->agent[i], "agent-%d", i);
	return b;
}

/* Event `at` of the stream into place i of the batch. */
static void make_event(struct batch *b, uint32_t i, uint64_t at)
{
	const struct login l = login_at(at, b->nkey);
	const unsigned char ip[16] = {[10] = 0xff, 0xff, 10, (unsigned char)(l.ip >> 16), (unsigned char)(l.ip >> 8),
				      (unsigned char)l.ip};
	struct ens_value *v = b->value[i];
	const int64_t time_us = FIRST_US + (int64_t)(at * STEP_US);

	memcpy(b->ip[i], ip, 16);
	v[0] = (struct ens_value){.s = b->user[l.user], .len = (uint32_t)strlen(b->user[l.user])};
	v[1] = (struct ens_value){.s = b->ip[i], .len = 16};
	v[2] = (struct ens_value){.i = l.ok};
	v[3] = (struct ens_value){.s = b->agent[l.agent], .len = 7};
	v[4] = (struct ens_value){.i = l.port};
	b->event[i] = (struct ens_event){
		.id = {.ms = (uint64_t)time_us / 1000, .seq = at % 20}, .time_us = time_us, .value = v};
}

/* Pushes events [from, to) of the stream; adds the time that took to *spent_s. */
static enum ens_status push(struct ens_engine *e, struct batch *b, uint64_t from, uint64_t to, double *spent_s)
{
	enum ens_status st = ENS_OK;

	while (from < to && st == ENS_OK) {
		const uint32_t n = to - from < BATCH ? (uint32_t)(to - from) : BATCH;

		for (uint32_t i = 0; i < n; i++)
			make_event(b, i, from + i);
		const double start = now_s();

		for (uint32_t i = 0; i < n && st == ENS_OK; i++) {
			if (i + ENS_ENGINE_LOOKAHEAD < n)
				ens_engine_expect(e, 0, &b->event[i + ENS_ENGINE_LOOKAHEAD]);
			st = ens_engine_push(e, 0, &b->event[i]);
		}
		*spent_s += now_s() - start;
		from += n;
	}
	return st;
}

static enum ens_status speed(const char *what, struct ens_engine *e, struct batch *b, uint64_t n)
{
	double s = 0;
	enum ens_status st = push(e, b, 0, n, &s);

	printf("%s: %.2f M events/s (%llu events, %u keys, %llu emissions, %.2f s)\n", what, (double)n / s / 1e6,
	       (unsigned long long)n, b->nkey, (unsigned long long)emissions, s);
	return st;
}

static enum ens_status memory(struct ens_engine *e, struct batch *b, uint64_t n)
{
	enum ens_status st = ENS_OK;
	double s = 0;

	printf("memory: %u keys, `within 1m`\n", b->nkey);
	for (uint64_t part = 0; part < 10 && st == ENS_OK; part++) {
		st = push(e, b, n / 10 * part, n / 10 * (part + 1), &s);
		printf("  after %9llu events: %6.1f MiB resident, %6.1f MiB of them state\n",
		       (unsigned long long)(n / 10 * (part + 1)), resident_mib(), (double)ens_engine_bytes(e) / (1 << 20));
	}
	return st;
}

static enum ens_status compile(struct ens_arena *arena, struct ens_buf *bytes, struct ens_tables *tables)
{
	struct ens_sources sources;
	struct ens_diag diag;
	struct ens_ast ast = {0};
	uint32_t file = 0;
	enum ens_status st;

	ens_arena_init(arena, 0);
	ens_sources_init(&sources, arena);
	ens_diag_init(&diag, arena, &sources);
	st = ens_sources_add(&sources, "logins.ens", LOGINS_RULES, strlen(LOGINS_RULES), &file);
	if (st == ENS_OK)
		st = ens_compile(arena, &diag, &file, 1, &ast, bytes, NULL);
	if (st == ENS_OK)
		st = ens_tables_open(bytes->data, bytes->len, tables, NULL);
	return st;
}

int main(int argc, char **argv)
{
	const uint64_t n = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	const uint32_t nkey = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
	const bool is_memory = argc > 1 && strcmp(argv[1], "memory") == 0;
	struct ens_arena arena;
	struct ens_buf bytes = ENS_BUF_EMPTY;
	struct ens_tables tables;
	struct ens_engine_options options = {
		.seed = 1, .no_lookahead = argc > 1 && strcmp(argv[1], "plain") == 0, .sink = {.emit = count}};
	struct ens_engine *engine = NULL;
	struct ens_error err = {""};
	struct batch *batch = nkey > 0 ? new_batch(nkey) : NULL;
	enum ens_status st;

	if (n == 0 || nkey == 0 || nkey >= 1 << 24) {
		fprintf(stderr, "usage: engine speed|plain|memory EVENTS KEYS\n");
		return 2;
	}
	st = batch ? compile(&arena, &bytes, &tables) : ENS_ENOMEM;
	if (st == ENS_OK)
		st = ens_engine_open(&tables, &options, &engine, &err);
	if (st == ENS_OK)
		st = is_memory ? memory(engine, batch, n) : speed(options.no_lookahead ? "engine without look-ahead" : "engine", engine, batch, n);
	if (st != ENS_OK)
		fprintf(stderr, "engine: failed (%d) %s\n", (int)st, err.text);
	ens_engine_close(engine);
	free(batch);
	ens_buf_free(&bytes);
	ens_arena_free(&arena);
	return st != ENS_OK;
}
