/*
 * Events for tables that nobody wrote by hand: each value is a constant of the tables' own of that type half of the
 * time, so that conditions come true, else one of a few others; times go on by nothing, a little, or days.  Everything
 * that is found is written as text, so that every value that comes out is read.
 * Small limits, so that dropping what started first is tried too.  State that is saved comes back as the same bytes.
 */
#include "tests/fuzz/targets/targets.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/emission.h"
#include "runtime/engine.h"
#include "runtime/state.h"

#define FIRST_US INT64_C(1767600000000000)
#define EVENTS 48u
#define EMISSIONS_MAX 2000u

struct player {
	const struct ens_tables *t;
	uint64_t seed;
	struct ens_buf out;
	uint32_t emitted;
};

static uint32_t below(struct player *p, uint32_t n)
{
	p->seed = p->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((p->seed >> 33) % n);
}

static enum ens_status write_down(void *user, const struct ens_emission *e)
{
	struct player *p = user;

	ens_buf_clear(&p->out);
	ens_emission_json(p->t, e, true, &p->out);
	return ++p->emitted < EMISSIONS_MAX ? ENS_OK : ENS_ELIMIT;
}

/* A value of the type from the tables' constants; false: none was found. */
static bool own_constant(struct player *p, enum ens_type type, struct ens_value *v)
{
	for (uint32_t tries = 0; p->t->nconstant && tries < 8; tries++) {
		const struct ens_t_const *k = &p->t->constant[below(p, p->t->nconstant)];

		if (k->type != type || k->null != ENS_SET || type == ENS_IP)
			continue;
		if (type == ENS_STRING)
			*v = (struct ens_value){.s = p->t->bytes + k->bits, .len = k->len};
		else
			memcpy(&v->i, &k->bits, sizeof v->i);
		return true;
	}
	return false;
}

static void other_value(struct player *p, enum ens_type type, struct ens_value *v)
{
	static const char *const text[] = {"", "a", "bob", "\xC3\xA4\xC3\xB6", "10.0.0.1", "2026-01-05T08:00:00Z"};
	static const char ip[3][16] = {"\0\0\0\0\0\0\0\0\0\0\xFF\xFF\x0A\0\0\1", "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\xC0\0\2\x07", "\xFC"};
	static const int64_t number[] = {0, 1, -1, 5, 443, 1000000, INT64_MAX, INT64_MIN};
	static const double fraction[] = {0, 1, -1.5, 3.25, 1e300, -1e300, 5e-324};

	switch (type) {
	case ENS_BOOL:
		v->i = (int64_t)below(p, 2);
		break;
	case ENS_FLOAT:
		v->f = fraction[below(p, sizeof fraction / sizeof *fraction)];
		break;
	case ENS_STRING:
		v->s = text[below(p, sizeof text / sizeof *text)];
		v->len = (uint32_t)strlen(v->s);
		break;
	case ENS_IP:
		v->s = ip[below(p, 3)];
		v->len = 16;
		break;
	default:
		v->i = number[below(p, sizeof number / sizeof *number)];
		break;
	}
}

static void fill(struct player *p, const struct ens_t_type *type, struct ens_value *value)
{
	for (uint32_t f = 0; f < type->fields.count; f++) {
		const struct ens_t_field *field = &p->t->field[type->fields.first + f];

		value[f] = (struct ens_value){0};
		if (field->optional && below(p, 4) == 0)
			value[f].null = ENS_NULL;
		else if (below(p, 2) == 0 || !own_constant(p, (enum ens_type)field->type, &value[f]))
			other_value(p, (enum ens_type)field->type, &value[f]);
	}
}

static struct ens_engine *open_engine(struct player *p)
{
	const struct ens_engine_options options = {.seed = p->seed,
						   .keys_per_rule = 4,
						   .partials_per_key = 8,
						   .partials_per_rule = 16,
						   .sink = {write_down, p}};
	struct ens_engine *engine;
	struct ens_error err = {""};

	if (ens_engine_open(p->t, &options, &engine, &err) == ENS_OK)
		return engine;
	fuzz_require(err.text[0] != '\0', "a refusal has a reason");
	return NULL;
}

static void save_and_load(struct player *p, const struct ens_engine *engine)
{
	struct ens_buf once = ENS_BUF_EMPTY, again = ENS_BUF_EMPTY;
	struct ens_engine *other = open_engine(p);

	fuzz_require(other && ens_state_save(engine, NULL, &once) == ENS_OK, "the state is saved");
	fuzz_require(ens_state_load(other, NULL, once.data, once.len, NULL) == ENS_OK, "what was saved is loaded");
	fuzz_require(ens_state_save(other, NULL, &again) == ENS_OK, "what was loaded is saved");
	fuzz_require(once.len == again.len && !memcmp(once.data, again.data, once.len), "the same state has the same bytes");
	ens_engine_close(other);
	ens_buf_free(&once);
	ens_buf_free(&again);
}

static bool in_group(const struct ens_tables *t, const struct ens_t_group *g, const struct ens_t_type *type)
{
	for (uint32_t i = 0; i < type->streams.count; i++)
		for (uint32_t k = 0; k < g->streams.count; k++)
			if (t->index[type->streams.first + i] == t->index[g->streams.first + k])
				return true;
	return false;
}

/* The group's events and the end of time.  The engine may say that it has no memory, or that the sink has enough. */
static void play_group(struct player *p, struct ens_engine *engine, uint32_t group)
{
	static const int64_t step_us[] = {0, 0, 1, 1000000, 7000000, 60000000, 3600000000, 86400000000, 31536000000000};
	int64_t now_us = FIRST_US;

	for (uint32_t n = 0; n < EVENTS && p->t->ntype; n++) {
		const uint32_t at = below(p, p->t->ntype);
		const struct ens_t_type *type = &p->t->type[at];
		struct ens_value *value = calloc(type->fields.count + 1u, sizeof *value);
		struct ens_event ev = {.type = at, .id = {.ms = n + 1}, .time_us = now_us, .value = value};
		enum ens_status st = ENS_OK;

		fuzz_require(value != NULL, "there is memory");
		fill(p, type, value);
		if (type->streams.count && in_group(p->t, &p->t->group[group], type)) {
			ev.id.stream = p->t->index[type->streams.first];
			ens_engine_expect(engine, group, &ev);
			if (below(p, 4) == 0)
				st = ens_engine_advance(engine, group, now_us - 1);
			if (st == ENS_OK)
				st = ens_engine_push(engine, group, &ev);
		}
		free(value);
		if (st != ENS_OK)
			return;
		now_us += step_us[below(p, sizeof step_us / sizeof *step_us)];
	}
	save_and_load(p, engine);
	if (ens_engine_advance(engine, group, INT64_MAX) == ENS_OK)
		fuzz_require(ens_engine_next_due(engine, group) == INT64_MAX, "nothing is due after the end of time");
}

void fuzz_play(const struct ens_tables *t, uint64_t seed)
{
	struct player p = {.t = t, .seed = seed};
	struct ens_engine *engine = open_engine(&p);

	if (!engine)
		return;
	for (uint32_t g = 0; g < t->ngroup; g++)
		play_group(&p, engine, g);
	ens_engine_close(engine);
	ens_buf_free(&p.out);
}
