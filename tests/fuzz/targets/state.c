/*
 * Saved state: any bytes under a right header.  The first byte says how many made-up events come before the state that is
 * tampered with; then operations of four bytes: where (two bytes), what (put, add to, insert, cut out) and with what.  First
 * byte 255: what follows is a whole body.  Promise: refused with a reason, or safe to go on from; and what was accepted is
 * saved as bytes that give the same state again.
 */
#include "tests/fuzz/targets/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/emission.h"
#include "runtime/state.h"

#define EMISSIONS_MAX 2000u
#define EVENTS_MAX 100u
#define AFTERWARDS 20u
#define WHOLE_BODY 255u

static const char rules[] =
	"event A from \"one\" { t: time(ms), k: string?, n: int, x: float?, s: string?, ip: ip? } time t lateness 1s unique n for 1s\n"
	"event B from \"two\" { t: time(ms), k: string?, n: int, x: float?, s: string?, ip: ip? } time t lateness 3s\n"
	"rule first\n  key k?\n  match a: A -> b: B[n > a.n]+ greedy -> not A for 2s\n  within 10s\n"
	"  limit 1 per 5s by last(b).s\n  emit M { s: a.s, ip: last(b).ip, sum: sum(b.x), at: a.t }\n  on timeout emit T { waits: step() }\n"
	"rule all\n  match all a: A ->> b: (A | B)+ combinations ->> c: B[x > avg(b.x)]\n  within 6 events\n  skip to next\n"
	"  emit M { s: b[2].s, n: count(b), low: min(b.s) }\n"
	"rule newest\n  key k?\n  match last (a: A[n < 3] & b: B) -> c: (A | B){2,3}\n  within session 4s max 9s\n"
	"  having first(c).n != 2 once\n  emit M { s: a.s }\n"
	"rule quiet\n  key n\n  match not B for 3s -> a: A -> b: B\n  emit M { s: b.s }\n"
	"rule gathers\n  key k?\n  match all a: A ->> b: (A | B){1,4} combinations -> c: B\n  where count_distinct(b.n) > 1\n"
	"  within 20s\n  emit G { l: list(b.s), i: set(b.ip), x: set(b.x), p: percentile(b.x, 50), q: percentile(b.n, 90) }\n"
	"rule until\n  key k?\n  match a: A -> (b: B -> c: A+ until B[n = 3]){1,2} -> within 2s (d: B | e: A[n = 4])\n"
	"  reset on A[n = 0]\n  emit M { s: a.s, ip: a.ip }\n"
	"rule low\n  key k?\n  match a: A -> b: B\n  within 5s\n  derive D { k: a.k, n: a.n, s: b.s }\n"
	"rule twice\n  match x: D ->> y: D[n != x.n]\n  within 20s\n  emit P { s: x.s, n: count() }\n"
	"rule shared\n  key k?\n  match all a: A ->> b: (A | B){1,2} -> not A[n = 4] -> c: B[n > 2]\n  within 6 events\n"
	"  emit S { s: b[-1].s, ip: a.ip, n: count(b), x: c.x, l: list(b.s) }\n"
	"rule spans\n  key n\n  match all a: A ->> b: (A | B)+ until B[n = 3], c: B\n  within 5s\n  skip all\n"
	"  having count(b) != 2 once\n  emit T { s: first(b).s, at: a.t }\n"
	"rule both\n  key k?\n  match all x: (D | A) -> not B[n = 4] for 1s\n  within 20s\n  emit Q { n: x.n }\n";

struct pair {
	const struct ens_tables *t;
	struct ens_engine *engine;
	struct ens_order *order;
	struct ens_buf out;
	uint64_t seed;
	uint32_t emitted;
	int64_t now_ms;
	uint64_t n;
};

static uint32_t below(struct pair *p, uint32_t n)
{
	p->seed = p->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((p->seed >> 33) % n);
}

static enum ens_status write_down(void *user, const struct ens_emission *e)
{
	struct pair *p = user;

	ens_buf_clear(&p->out);
	ens_emission_json(p->t, e, true, &p->out);
	return ++p->emitted < EMISSIONS_MAX ? ENS_OK : ENS_ELIMIT;
}

static void open_pair(struct pair *p, const struct ens_tables *t)
{
	const struct ens_engine_options o = {.partials_per_key = 8, .partials_per_rule = 16, .keys_per_rule = 6,
					       .sink = {write_down, p}};
	struct ens_error err = {""};

	*p = (struct pair){.t = t, .now_ms = 1767600000000};
	fuzz_require(ens_engine_open(t, &o, &p->engine, &err) == ENS_OK, "the engine opens");
	fuzz_require(ens_order_open(t, p->engine, false, &p->order, &err) == ENS_OK, "the order opens");
}

static void close_pair(struct pair *p)
{
	ens_order_close(p->order);
	ens_engine_close(p->engine);
	ens_buf_free(&p->out);
}

static void push(struct pair *p)
{
	static const char *const text[] = {"", "a", "bob", "\xC3\xA4\xC3\xB6", "longer than a few bytes"};
	static const int64_t step_ms[] = {0, 1, 500, 500, 1000, 1000, 3000, 12000};
	struct ens_value v[6];
	const uint32_t type = below(p, 2), s = below(p, 5), k = below(p, 4);
	struct ens_event ev = {.type = type, .id = {.ms = ++p->n, .stream = type}, .value = v};
	enum ens_order_verdict verdict;

	memset(v, 0, sizeof v);
	p->now_ms += step_ms[below(p, 8)];
	ev.time_us = (p->now_ms - (below(p, 4) ? 0 : below(p, 3000))) * 1000;
	v[0].i = ev.time_us;
	v[1] = k ? (struct ens_value){.s = text[k], .len = (uint32_t)strlen(text[k])} : (struct ens_value){.null = ENS_NULL};
	v[2].i = below(p, 5);
	v[3].f = below(p, 9) / 2.0;
	v[4] = s ? (struct ens_value){.s = text[s], .len = (uint32_t)strlen(text[s])} : (struct ens_value){.null = ENS_NULL};
	v[5] = s % 2 ? (struct ens_value){.s = "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", .len = 16} : (struct ens_value){.null = ENS_NULL};
	if (ens_order_push(p->order, &ev, &verdict) != ENS_OK)
		p->n = UINT64_MAX; /* enough was emitted */
}

static void push_some(struct pair *p, uint32_t n)
{
	for (uint32_t i = 0; i < n && p->n != UINT64_MAX; i++)
		push(p);
}

/* One operation on the body, which begins behind the header. */
static void tamper(struct ens_buf *b, const uint8_t op[4])
{
	const size_t header = sizeof(struct ens_state_header);
	const size_t at = header + (op[0] | (size_t)op[1] << 8) % (b->len - header);
	char *p = b->data + at;

	switch (op[2] % 4) {
	case 0:
		*p = (char)op[3];
		break;
	case 1:
		*p = (char)((unsigned char)*p + op[3]);
		break;
	case 2:
		ens_buf_addc(b, 0);
		p = b->data + at;
		memmove(p + 1, p, b->len - at - 1);
		*p = (char)op[3];
		break;
	default:
		if (b->len > header + 1) {
			memmove(p, p + 1, b->len - at - 1);
			b->len--;
		}
		break;
	}
}

static void save(const struct pair *p, struct ens_buf *into)
{
	fuzz_require(ens_state_save(p->engine, p->order, into) == ENS_OK, "what was loaded can be saved");
}

static bool load(struct pair *p, const struct ens_buf *b)
{
	struct ens_error err = {""};
	const bool loaded = ens_state_load(p->engine, p->order, b->data, b->len, &err) == ENS_OK;

	fuzz_require(loaded || err.text[0] != '\0', "a refusal has a reason");
	return loaded;
}

/* What was accepted is saved, loaded and saved again, and taken on from. */
static void go_on(struct pair *p)
{
	struct ens_buf once = ENS_BUF_EMPTY, again = ENS_BUF_EMPTY;
	struct pair other;

	save(p, &once);
	open_pair(&other, p->t);
	fuzz_require(load(&other, &once), "what was saved is loaded");
	save(&other, &again);
	fuzz_require(once.len == again.len && !memcmp(once.data, again.data, once.len), "the same state has the same bytes");
	fuzz_require(ens_engine_bytes(p->engine) == ens_engine_bytes(other.engine), "the same state takes the same memory");
	close_pair(&other);
	ens_buf_free(&once);
	ens_buf_free(&again);
	push_some(p, AFTERWARDS);
	fuzz_require(p->n == UINT64_MAX || ens_order_end(p->order, true) == ENS_OK || p->emitted >= EMISSIONS_MAX, "time ends");
}

void fuzz_state(const uint8_t *data, size_t len_bytes)
{
	static struct ens_buf bytes;
	static struct ens_tables t;
	struct ens_buf state = ENS_BUF_EMPTY;
	const unsigned events = len_bytes ? data[0] : 0;
	struct pair p;

	if (!bytes.len)
		t = fuzz_compile(rules, &bytes);
	open_pair(&p, &t);
	push_some(&p, events % EVENTS_MAX);
	if (events == WHOLE_BODY) {
		ens_buf_add(&state, &(struct ens_state_header){0}, sizeof(struct ens_state_header));
		ens_buf_add(&state, data + 1, len_bytes - 1);
	} else if (p.n != UINT64_MAX) {
		save(&p, &state);
		for (size_t i = 1; i + 4 <= len_bytes; i += 4)
			tamper(&state, data + i);
	}
	close_pair(&p);
	if (!state.len)
		return;
	ens_state_seal(&t, state.data, state.len);
	open_pair(&p, &t);
	if (load(&p, &state))
		go_on(&p);
	close_pair(&p);
	ens_buf_free(&state);
}
