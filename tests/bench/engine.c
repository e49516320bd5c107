/*
 * The engine alone, on events in memory, with the brute-force rule.
 *
 *   engine speed EVENTS KEYS     events/s; what is measured is pushing decoded events: conditions, keys, matching
 *   engine plain EVENTS KEYS     the same without look-ahead (option no_lookahead)
 *   engine small EVENTS KEYS     the same on pages of the usual size (option no_large_pages)
 *   engine memory EVENTS KEYS    resident memory as the events go by, ten lines
 *   engine order EVENTS KEYS     the same events in order of their time, and out of order so that a million of them wait to be
 *                                put in order (runtime/order.h), in turn: events/s, the best of each, and their ratio
 *   engine rules EVENTS KEYS     1, 10, 100, 1,000 and 10,000 rules for different users, each event concerning 10 of them
 *                                (or the one): time to compile and open them, memory of the engine, time an event with and
 *                                without index, the best of three rounds in turn
 *   engine waiting EVENTS        1,000, 10,000 and 100,000 partial matches open under one key, each waiting for its own value:
 *                                time an event with and without the index of them, the best of three rounds in turn
 *   engine absences KEYS         an absence on each of that many keys is open, then each is due: events/s
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
#include "runtime/order.h"
#include "tests/bench/logins.h"

#define BATCH 1000u
#define NFIELD 5
#define NUSER 5003
#define NAGENT 8
#define FIRST_US 1767600000000000
#define STEP_US 50
#define ORDER_ROUNDS 3
#define RULES_ROUNDS 3
#define WAITING_ROUNDS 3
#define WAITING_LOOKS UINT64_C(100000000) /* how many of them are looked at in a round without index, about */
#define CONCERNED 10u /* rules by each event */
#define LATENESS_US INT64_C(99000000) /* half of that, at 20 events a millisecond, is what waits: 990,000 */

/* One batch of decoded events, and the texts their values borrow. */
struct batch {
	struct ens_event event[BATCH];
	struct ens_value value[BATCH][NFIELD];
	char ip[BATCH][16];
	char user[NUSER][16], agent[NAGENT][16];
	uint32_t nkey, nuser;
	int64_t disorder_us; /* events come up to so much after others that are later */
};

static uint64_t emissions;

static enum ens_status count(void *user, const struct ens_emission *e)
{
	(void)user;
	(void)e;
	emissions++;
	return ENS_OK;
}

/* Processor time: what is compared is the work, also beside other programs. */
static double spent_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
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
	b->nuser = NUSER;
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
	const int64_t back_us = b->disorder_us ? (int64_t)(login_mix(~at) % (uint64_t)b->disorder_us) : 0;
	const int64_t time_us = FIRST_US + (int64_t)(at * STEP_US) - back_us;

	memcpy(b->ip[i], ip, 16);
	const char *user = b->user[l.user % b->nuser];

	v[0] = (struct ens_value){.s = user, .len = (uint32_t)strlen(user)};
	v[1] = (struct ens_value){.s = b->ip[i], .len = 16};
	v[2] = (struct ens_value){.i = l.ok};
	v[3] = (struct ens_value){.s = b->agent[l.agent], .len = 7};
	v[4] = (struct ens_value){.i = l.port};
	b->event[i] = (struct ens_event){
		.id = {.ms = (uint64_t)at / 20, .seq = at % 20}, .time_us = time_us, .value = v};
}

/* Pushes events [from, to) of the stream; adds the time that took to *spent. */
static enum ens_status push(struct ens_engine *e, struct batch *b, uint64_t from, uint64_t to, double *spent)
{
	enum ens_status st = ENS_OK;

	while (from < to && st == ENS_OK) {
		const uint32_t n = to - from < BATCH ? (uint32_t)(to - from) : BATCH;

		for (uint32_t i = 0; i < n; i++)
			make_event(b, i, from + i);
		const double start = spent_s();

		for (uint32_t i = 0; i < n && st == ENS_OK; i++) {
			if (i + ENS_ENGINE_LOOKAHEAD < n)
				ens_engine_expect(e, 0, &b->event[i + ENS_ENGINE_LOOKAHEAD]);
			st = ens_engine_push(e, 0, &b->event[i]);
		}
		*spent += spent_s() - start;
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

/* As push, but by way of the order. */
static enum ens_status push_in_order(struct ens_order *o, struct batch *b, uint64_t n, double *spent, uint64_t *waited)
{
	enum ens_status st = ENS_OK;
	uint64_t from = 0;

	while (from < n && st == ENS_OK) {
		const uint32_t count = n - from < BATCH ? (uint32_t)(n - from) : BATCH;

		for (uint32_t i = 0; i < count; i++)
			make_event(b, i, from + i);
		const double start = spent_s();

		for (uint32_t i = 0; i < count && st == ENS_OK; i++) {
			enum ens_order_verdict verdict;

			if (!b->disorder_us && i + ENS_ENGINE_LOOKAHEAD < count)
				ens_order_expect(o, &b->event[i + ENS_ENGINE_LOOKAHEAD]);
			st = ens_order_push(o, &b->event[i], &verdict);
			if (st == ENS_OK && verdict != ENS_ORDER_TAKEN)
				st = ENS_EBUG;
		}
		*spent += spent_s() - start;
		if (ens_order_buffered(o) > *waited)
			*waited = ens_order_buffered(o);
		from += count;
	}
	const double start = spent_s();

	if (st == ENS_OK)
		st = ens_order_end(o, false);
	*spent += spent_s() - start;
	return st;
}

/* One pass with an engine of its own; events/s. */
static enum ens_status order_pass(const struct ens_tables *t, struct batch *b, uint64_t n, double *rate, uint64_t *waited)
{
	const struct ens_engine_options options = {.seed = 1, .sink = {.emit = count}};
	struct ens_engine *e = NULL;
	struct ens_order *o = NULL;
	struct ens_error err = {""};
	double s = 0;
	enum ens_status st = ens_engine_open(t, &options, &e, &err);

	emissions = 0;
	*waited = 0;
	if (st == ENS_OK)
		st = ens_order_open(t, e, false, &o, &err);
	if (st == ENS_OK)
		st = push_in_order(o, b, n, &s, waited);
	*rate = (double)n / s;
	ens_order_close(o);
	ens_engine_close(e);
	return st;
}

/* `t` has no lateness, `late` as much as the disorder.  Both in turn, the best of each: other programs disturb either. */
static enum ens_status order(const struct ens_tables *t, const struct ens_tables *late, struct batch *b, uint64_t n)
{
	double sorted = 0, mixed = 0, rate;
	uint64_t waited = 0, emitted = 0;
	enum ens_status st = ENS_OK;

	for (int round = 0; round < ORDER_ROUNDS && st == ENS_OK; round++) {
		b->disorder_us = 0;
		st = order_pass(t, b, n, &rate, &waited);
		emitted = emissions;
		sorted = rate > sorted ? rate : sorted;
		b->disorder_us = LATENESS_US;
		if (st == ENS_OK)
			st = order_pass(late, b, n, &rate, &waited);
		mixed = rate > mixed ? rate : mixed;
	}
	printf("order: %.2f M events/s in order of time, %llu emissions\n", sorted / 1e6, (unsigned long long)emitted);
	printf("order: %.2f M events/s out of order, %llu waiting at most, %llu emissions; ratio %.2f\n", mixed / 1e6,
	       (unsigned long long)waited, (unsigned long long)emissions, mixed / sorted);
	return st;
}

/* The sum of a first event of each key, and of the deadlines of all. */
static enum ens_status absences(struct ens_engine *e, uint32_t nkey)
{
	struct ens_value v[1];
	double start = spent_s(), opened, ended;
	enum ens_status st = ENS_OK;

	for (uint32_t i = 0; i < nkey && st == ENS_OK; i++) {
		const struct ens_event ev = {.id = {.ms = i}, .time_us = FIRST_US + (int64_t)i * STEP_US, .value = v};

		if (i + ENS_ENGINE_LOOKAHEAD < nkey) { /* as whoever hands out events in batches does */
			v[0] = (struct ens_value){.i = (int64_t)(login_mix(i + ENS_ENGINE_LOOKAHEAD) >> 1)};
			ens_engine_expect(e, 0, &ev);
		}
		v[0] = (struct ens_value){.i = (int64_t)(login_mix(i) >> 1)};
		st = ens_engine_push(e, 0, &ev);
	}
	opened = spent_s();
	printf("absences: %u open, %.1f MiB of state, %.2f M events/s\n", nkey, (double)ens_engine_bytes(e) / (1 << 20),
	       nkey / (opened - start) / 1e6);
	if (st == ENS_OK)
		st = ens_engine_advance(e, 0, INT64_MAX);
	ended = spent_s();
	printf("absences: %llu due, %.2f M a second; events and deadlines together: %.2f M events/s\n",
	       (unsigned long long)emissions, nkey / (ended - opened) / 1e6, nkey / (ended - start) / 1e6);
	return st;
}

static const char logins[] = LOGINS_RULES;
static const char late_logins[] =
	"event Login from \"bench:logins\" { user: string, ip: ip, ok: bool, agent: string, port: int } lateness 99s\n"
	"rule brute_force\n"
	"  key     ip\n"
	"  match   fail: Login[not ok]{5,} -> hit: Login[ok]\n"
	"  within  1m\n"
	"  emit    BruteForce to \"bench:alerts\" { ip, user: hit.user, tries: count(fail) }\n";
static const char beats[] =
	"event Beat from \"bench:beats\" { device: int }\n"
	"rule silent\n"
	"  key     device\n"
	"  match   b: Beat -> not Beat for 10m\n"
	"  emit    Silent to \"bench:silent\" { device, since: b.time }\n";

static enum ens_status compile(const char *rules, struct ens_arena *arena, struct ens_buf *bytes, struct ens_tables *tables)
{
	struct ens_sources sources;
	struct ens_diag diag;
	struct ens_ast ast = {0};
	uint32_t file = 0;
	enum ens_status st;

	ens_arena_init(arena, 0);
	ens_sources_init(&sources, arena);
	ens_diag_init(&diag, arena, &sources);
	st = ens_sources_add(&sources, "logins.ens", rules, strlen(rules), &file);
	if (st == ENS_OK)
		st = ens_compile(arena, &diag, &file, 1, &ast, bytes, NULL);
	if (st == ENS_OK)
		st = ens_tables_open(bytes->data, bytes->len, tables, NULL);
	return st;
}

/* ---- many rules ------------------------------------------------------------------------------------------------------- */

/* Rules for so many users that each has CONCERNED of them. */
static void add_rules(struct ens_buf *text, uint32_t nrule)
{
	ens_buf_adds(text, "event Login from \"bench:logins\" { user: string, ip: ip, ok: bool, agent: string, port: int }\n");
	for (uint32_t i = 0; i < nrule; i++)
		ens_buf_addf(text,
			     "rule r%u\n"
			     "  key     ip\n"
			     "  match   fail: Login[user = \"user-%u\" and not ok and port > %u]{5,} -> hit: Login[user = \"user-%u\" and ok]\n"
			     "  within  1m\n"
			     "  emit    Seen to \"bench:alerts\" { ip, tries: count(fail) }\n",
			     i, i / CONCERNED, i % CONCERNED, i / CONCERNED);
}

/* What one number of rules costs. */
struct rules_cost {
	double compile_s, open_s, event_ns, plain_ns; /* plain: without index */
	double mib;                                   /* of the opened engine */
};

static enum ens_status rules_pass(const struct ens_tables *t, struct batch *b, uint64_t n, bool no_index,
				  struct rules_cost *cost)
{
	const struct ens_engine_options options = {
		.seed = 1, .no_index = no_index, .sink = {.emit = count}, .keys_per_rule = 2000000, .partials_per_rule = 2000000};
	struct ens_engine *e = NULL;
	struct ens_error err = {""};
	double s = 0;
	const double before_mib = resident_mib(), start = spent_s();
	enum ens_status st = ens_engine_open(t, &options, &e, &err);
	double *event_ns = no_index ? &cost->plain_ns : &cost->event_ns;

	cost->open_s = spent_s() - start;
	if (resident_mib() - before_mib > cost->mib) /* later rounds use memory of the first */
		cost->mib = resident_mib() - before_mib;
	emissions = 0;
	if (st == ENS_OK)
		st = push(e, b, 0, n, &s);
	ens_engine_close(e);
	if (!(*event_ns > 0) || s * 1e9 / (double)n < *event_ns)
		*event_ns = s * 1e9 / (double)n;
	return st;
}

static enum ens_status rules_of(uint32_t nrule, struct batch *b, uint64_t n, struct rules_cost *cost)
{
	struct ens_buf text = ENS_BUF_EMPTY, bytes = ENS_BUF_EMPTY;
	struct ens_arena arena;
	struct ens_tables t;
	const double start = spent_s();

	add_rules(&text, nrule);
	enum ens_status st = compile(ens_buf_cstr(&text), &arena, &bytes, &t);

	cost->compile_s = spent_s() - start;
	b->nuser = nrule > CONCERNED ? nrule / CONCERNED : 1;
	for (int round = 0; round < RULES_ROUNDS && st == ENS_OK; round++) {
		/* Without index 10,000 rules take their time. */
		st = rules_pass(&t, b, n < CONCERNED * n / nrule ? n : CONCERNED * n / nrule, true, cost);
		if (st == ENS_OK)
			st = rules_pass(&t, b, n, false, cost);
	}
	b->nuser = NUSER;
	ens_buf_free(&text);
	ens_buf_free(&bytes);
	ens_arena_free(&arena);
	return st;
}

static enum ens_status rules(struct batch *b, uint64_t n)
{
	enum ens_status st = ENS_OK;
	double at_ten = 0;

	for (uint32_t nrule = 1; nrule <= 10000 && st == ENS_OK; nrule *= 10) {
		struct rules_cost cost = {0};

		st = rules_of(nrule, b, n, &cost);
		if (nrule == CONCERNED)
			at_ten = cost.event_ns;
		printf("rules: %5u: compiled in %.3f s, opened in %.3f s, %.1f MiB, %.0f ns an event (%.0f without index), %llu emissions",
		       nrule, cost.compile_s, cost.open_s, cost.mib, cost.event_ns, cost.plain_ns, (unsigned long long)emissions);
		if (at_ten > 0)
			printf("; %.2f of 10 rules'", cost.event_ns / at_ten);
		printf("\n");
	}
	return st;
}

/* ---- many partial matches ----------------------------------------------------------------------------------------------- */

static const char places[] = "event Asked from \"bench:asked\" { x: int, y: int }\n"
			     "event Given from \"bench:given\" { x: int, y: int }\n"
			     "rule answered\n"
			     "  match   a: Asked -> b: Given[x = a.x and y > a.y]\n"
			     "  skip    none\n"
			     "  within  %us\n"
			     "  emit    Answered to \"bench:answered\" { x: a.x }\n";

/* An event in two starts a partial match, which ends after `open` more of them; the other is for one that is open, and one in
 * 16 of these completes it. */
static void make_place(uint64_t at, uint32_t open, struct ens_event *ev, struct ens_value v[2])
{
	const bool given = at % 2;
	const uint64_t asked = at / 2, of = given && asked >= open ? asked - login_mix(at) % open : asked;

	v[0] = (struct ens_value){.i = (int64_t)(login_mix(of) >> 1)};
	v[1] = (struct ens_value){.i = given && login_mix(~at) % 16 == 0 ? 2 : 1};
	*ev = (struct ens_event){.type = given, .id = {.ms = at}, .time_us = FIRST_US + (int64_t)(at * 500000), .value = v};
}

/* Fills the key, then measures n events. */
static enum ens_status waiting_pass(const struct ens_tables *t, uint32_t open, uint64_t n, bool no_index, double *event_ns,
				    uint64_t *bytes)
{
	const struct ens_engine_options options = {.seed = 1, .partials_per_key = 2 * open, .partials_per_rule = 2 * open,
						   .index_waiting_from = no_index ? UINT32_MAX : 0, .sink = {.emit = count}};
	static struct ens_event ev[BATCH];
	static struct ens_value value[BATCH][2];
	struct ens_engine *e = NULL;
	double s = 0;
	enum ens_status st = ens_engine_open(t, &options, &e, NULL);
	const uint64_t filled = 2 * (uint64_t)open;

	for (uint64_t at = 0; at < filled && st == ENS_OK; at += 2) {
		make_place(at, open, &ev[0], value[0]);
		st = ens_engine_push(e, 0, &ev[0]);
	}
	emissions = 0;
	for (uint64_t at = filled; at < filled + n && st == ENS_OK; at += BATCH) {
		for (uint32_t i = 0; i < BATCH; i++)
			make_place(at + i, open, &ev[i], value[i]);
		const double start = spent_s();

		for (uint32_t i = 0; i < BATCH && st == ENS_OK; i++)
			st = ens_engine_push(e, 0, &ev[i]);
		s += spent_s() - start;
	}
	if (st == ENS_OK)
		*bytes = ens_engine_bytes(e);
	ens_engine_close(e);
	if (!(*event_ns > 0) || s * 1e9 / (double)n < *event_ns)
		*event_ns = s * 1e9 / (double)n;
	return st;
}

static enum ens_status waiting(uint64_t n)
{
	enum ens_status st = ENS_OK;

	n = (n + BATCH - 1) / BATCH * BATCH;
	for (uint32_t open = 1000; open <= 100000 && st == ENS_OK; open *= 10) {
		struct ens_buf text = ENS_BUF_EMPTY, bytes = ENS_BUF_EMPTY;
		struct ens_arena arena;
		struct ens_tables t;
		double with_ns = 0, without_ns = 0;
		uint64_t with = 0, without = 0;
		const uint64_t few = WAITING_LOOKS / open < n ? WAITING_LOOKS / open : n;

		ens_buf_addf(&text, places, open);
		st = compile(ens_buf_cstr(&text), &arena, &bytes, &t);
		for (int round = 0; round < WAITING_ROUNDS && st == ENS_OK; round++) {
			st = waiting_pass(&t, open, few, true, &without_ns, &without);
			if (st == ENS_OK)
				st = waiting_pass(&t, open, n, false, &with_ns, &with);
		}
		printf("waiting: %6u open: %.0f ns an event (%.2f M events/s), %.0f without index; %.1f MiB, %.1f without; %llu emissions\n",
		       open, with_ns, 1e3 / with_ns, without_ns, (double)with / (1 << 20), (double)without / (1 << 20),
		       (unsigned long long)emissions);
		ens_buf_free(&text);
		ens_buf_free(&bytes);
		ens_arena_free(&arena);
	}
	return st;
}

static enum ens_status measure(const char *what, uint64_t n, uint32_t nkey, const struct ens_tables *tables,
			       const struct ens_tables *late, struct ens_error *err)
{
	const struct ens_engine_options options = {
		.seed = 1, .no_lookahead = strcmp(what, "plain") == 0,
		.no_large_pages = strcmp(what, "small") == 0, .sink = {.emit = count}, .keys_per_rule = 2000000,
		.partials_per_rule = 2000000};
	struct batch *batch = new_batch(nkey);
	struct ens_engine *engine = NULL;
	enum ens_status st = batch ? ens_engine_open(tables, &options, &engine, err) : ENS_ENOMEM;

	if (st == ENS_OK && strcmp(what, "memory") == 0)
		st = memory(engine, batch, n);
	else if (st == ENS_OK && strcmp(what, "order") == 0)
		st = order(tables, late, batch, n);
	else if (st == ENS_OK && strcmp(what, "rules") == 0)
		st = rules(batch, n);
	else if (st == ENS_OK && strcmp(what, "waiting") == 0)
		st = waiting(n);
	else if (st == ENS_OK && strcmp(what, "absences") == 0)
		st = absences(engine, nkey);
	else if (st == ENS_OK)
		st = speed(options.no_lookahead	    ? "engine without look-ahead"
			   : options.no_large_pages ? "engine on small pages"
						    : "engine",
			   engine, batch, n);
	ens_engine_close(engine);
	free(batch);
	return st;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	const bool is_absences = strcmp(what, "absences") == 0;
	const uint64_t n = is_absences ? 1 : argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	const char *key_text = is_absences && argc > 2 ? argv[2] : argc > 3 ? argv[3] : strcmp(what, "waiting") ? "0" : "1";
	const uint32_t nkey = (uint32_t)strtoul(key_text, NULL, 10);
	struct ens_arena arena, late_arena;
	struct ens_buf bytes = ENS_BUF_EMPTY, late_bytes = ENS_BUF_EMPTY;
	struct ens_tables tables, late;
	struct ens_error err = {""};
	enum ens_status st, late_st;

	if (n == 0 || nkey == 0 || nkey >= 1 << 24) {
		fprintf(stderr, "usage: engine speed|plain|small|memory|order|rules EVENTS KEYS, engine waiting EVENTS, or "
				"engine absences KEYS\n");
		return 2;
	}
	st = compile(is_absences ? beats : logins, &arena, &bytes, &tables);
	late_st = compile(late_logins, &late_arena, &late_bytes, &late);
	if (st == ENS_OK && (st = late_st) == ENS_OK)
		st = measure(what, n, nkey, &tables, &late, &err);
	if (st != ENS_OK)
		fprintf(stderr, "engine: failed (%d) %s\n", (int)st, err.text);
	ens_buf_free(&bytes);
	ens_buf_free(&late_bytes);
	ens_arena_free(&arena);
	ens_arena_free(&late_arena);
	return st != ENS_OK;
}
