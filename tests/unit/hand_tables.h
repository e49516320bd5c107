/*
 * Rule tables put together by hand, for tests of what is around the engine (decoder, order, files): types with fields,
 * conditions of the form "field = text", rules that report every event of a type, or the absence of another after it.
 */
#ifndef ENS_TESTS_HAND_TABLES_H
#define ENS_TESTS_HAND_TABLES_H

#include <assert.h>
#include <string.h>

#include "runtime/program.h"
#include "runtime/tables.h"

struct hand {
	struct ens_tables t;
	char bytes[4096];
	uint32_t nbytes;
	uint32_t index[256];
	struct ens_t_stream stream[8];
	struct ens_t_type type[8];
	struct ens_t_field field[64];
	struct ens_t_str source[64];
	struct ens_t_const constant[8];
	struct ens_t_program program[8];
	struct ens_t_insn insn[64];
	struct ens_t_keygroup keygroup[2];
	struct ens_t_keypart keypart[4];
	struct ens_t_input input[16];
	struct ens_t_group group[8];
	struct ens_t_rule rule[8];
	struct ens_t_state state[16];
	struct ens_t_entry entry[16];
	struct ens_t_absence absence[8];
	struct ens_t_emit emit[8];
	struct ens_t_out out[16];
	struct ens_t_slot slot[1];       /* none, but not at address 0: a view has no null sections */
	struct ens_t_op op[1];
	struct ens_t_capture capture[1];
	struct ens_t_ref ref[1];
};

static inline struct ens_t_str hand_str(struct hand *m, const char *s)
{
	const struct ens_t_str r = {m->nbytes, (uint32_t)strlen(s)};

	assert(m->nbytes + r.len <= sizeof(m->bytes));
	memcpy(m->bytes + m->nbytes, s, r.len);
	m->nbytes += r.len;
	return r;
}

static inline void hand_init(struct hand *m)
{
	memset(m, 0, sizeof(*m));
	m->t.bytes = m->bytes;
	m->t.index = m->index;
	m->t.stream = m->stream;
	m->t.type = m->type;
	m->t.field = m->field;
	m->t.source = m->source;
	m->t.constant = m->constant;
	m->t.program = m->program;
	m->t.insn = m->insn;
	m->t.slot = m->slot;
	m->t.op = m->op;
	m->t.capture = m->capture;
	m->t.ref = m->ref;
	m->t.keygroup = m->keygroup;
	m->t.keypart = m->keypart;
	m->t.input = m->input;
	m->t.group = m->group;
	m->t.rule = m->rule;
	m->t.state = m->state;
	m->t.entry = m->entry;
	m->t.absence = m->absence;
	m->t.emit = m->emit;
	m->t.out = m->out;
	m->t.nkeygroup = 1;
}

static inline uint32_t hand_stream(struct hand *m, const char *name)
{
	m->stream[m->t.nstream].name = hand_str(m, name);
	return m->t.nstream++;
}

static inline uint32_t hand_type(struct hand *m, const char *name, uint32_t stream)
{
	struct ens_t_type *t = &m->type[m->t.ntype];

	*t = (struct ens_t_type){.name = hand_str(m, name), .time_field = ENS_NONE, .where = ENS_NONE,
				 .sent_field = ENS_NONE, .shard_field = ENS_NONE, .unique_field = ENS_NONE};
	t->fields.first = m->t.nfield;
	t->streams = (struct ens_t_list){m->t.nindex, 1};
	m->index[m->t.nindex++] = stream;
	return m->t.ntype++;
}

/* A field of the last type. */
static inline uint32_t hand_field(struct hand *m, const char *name, const char *source, enum ens_type type,
				  bool optional)
{
	struct ens_t_type *t = &m->type[m->t.ntype - 1];

	m->source[m->t.nsource] = hand_str(m, source);
	m->field[m->t.nfield++] = (struct ens_t_field){.program = ENS_NONE, .name = hand_str(m, name), .sources = {m->t.nsource++, 1},
						       .type = (uint8_t)type, .optional = optional};
	return t->fields.count++;
}

/* One more name that the field added last is read from. */
static inline void hand_source(struct hand *m, const char *source)
{
	m->source[m->t.nsource++] = hand_str(m, source);
	m->field[m->t.nfield - 1].sources.count++;
}

/* The last type's `where`: field (of type string) = text. */
static inline void hand_where(struct hand *m, uint32_t field, const char *text)
{
	const struct ens_t_str s = hand_str(m, text);
	struct ens_t_insn *in = &m->insn[m->t.ninsn];

	m->constant[m->t.nconstant] = (struct ens_t_const){.type = ENS_STRING, .len = s.len, .bits = s.off};
	in[0] = (struct ens_t_insn){.op = ENS_OP_FIELD, .dst = 0, .index = field};
	in[1] = (struct ens_t_insn){.op = ENS_OP_CONST, .dst = 1, .index = m->t.nconstant++};
	in[2] = (struct ens_t_insn){.op = ENS_OP_COMPARE, .fn = ENS_CMP_EQ, .dst = 2};
	in[2].a = 0;
	in[2].b = 1;
	in[3] = (struct ens_t_insn){.op = ENS_OP_RET, .dst = 2};
	m->program[m->t.nprogram] = (struct ens_t_program){.code = {m->t.ninsn, 4}, .event_type = m->t.ntype - 1,
							   .rule = ENS_NONE, .nreg = 3, .type = ENS_BOOL};
	m->t.ninsn += 4;
	m->type[m->t.ntype - 1].where = m->t.nprogram++;
}

/* A group that reads the n streams. */
static inline uint32_t hand_group(struct hand *m, const uint32_t *streams, uint32_t n)
{
	m->group[m->t.ngroup].streams = (struct ens_t_list){m->t.nindex, n};
	memcpy(m->index + m->t.nindex, streams, n * sizeof(*streams));
	m->t.nindex += n;
	return m->t.ngroup++;
}

static inline struct ens_t_entry hand_entry(enum ens_t_entry_kind kind)
{
	return (struct ens_t_entry){.kind = (uint8_t)kind, .arrow = ENS_T_FOLLOWED, .branch_end = 1, .after_us = -1,
				    .within_us = -1, .after_program = ENS_NONE, .within_program = ENS_NONE};
}

static inline void hand_input(struct hand *m, struct ens_t_rule *r, uint32_t type)
{
	m->input[m->t.ninput++] = (struct ens_t_input){.type = type, .filter = ENS_NONE};
	r->inputs.count++;
}

/*
 * Every event of `type` is reported, as emission type `name`: at once, or (absent not ENS_NONE) if no event of type
 * `absent` comes within for_us after it.  Rules of one group are added one after the other.
 */
static inline uint32_t hand_rule(struct hand *m, const char *name, uint32_t group, uint32_t type, uint32_t absent,
				 int64_t for_us)
{
	struct ens_t_rule *r = &m->rule[m->t.nrule];
	const struct ens_t_state none = {.type = ENS_NONE,
					 .predicate = ENS_NONE,
					 .condition = ENS_NONE,
					};
	struct ens_t_entry *e = &m->entry[m->t.nentry];

	*r = (struct ens_t_rule){.name = hand_str(m, name), .group = group, .window = ENS_NONE, .limit_by = ENS_NONE,
				 .session_max_us = -1, .having = ENS_NONE};
	r->inputs.first = m->t.ninput;
	hand_input(m, r, type);
	if (absent != ENS_NONE && absent != type)
		hand_input(m, r, absent);
	r->states = (struct ens_t_list){m->t.nstate, 2};
	m->state[m->t.nstate] = none;
	m->state[m->t.nstate].entries = (struct ens_t_list){m->t.nentry, 1};
	m->state[m->t.nstate + 1] = none;
	m->state[m->t.nstate + 1].type = type;
	m->state[m->t.nstate + 1].entries = (struct ens_t_list){m->t.nentry + 1, 1};
	m->t.nstate += 2;
	e[0] = hand_entry(ENS_T_TAKE);
	e[0].target = 1;
	e[1] = hand_entry(ENS_T_ACCEPT);
	if (absent != ENS_NONE) {
		e[1].absences = (struct ens_t_list){m->t.nabsence, 1};
		m->absence[m->t.nabsence++] = (struct ens_t_absence){.kind = ENS_T_TIMED, .type = absent,
			.predicate = ENS_NONE, .condition = ENS_NONE, .for_us = for_us, .for_program = ENS_NONE};
	}
	m->t.nentry += 2;
	r->emits = (struct ens_t_list){m->t.nemit, 1};
	m->emit[m->t.nemit++] = (struct ens_t_emit){.type = hand_str(m, name), .stream = hand_str(m, "alerts"),
						    .derives = ENS_NONE, .name = ENS_NONE, .remove_when = ENS_NONE};
	if (m->group[group].rules.count == 0)
		m->group[group].rules.first = m->t.nindex;
	m->index[m->t.nindex++] = m->t.nrule;
	m->group[group].rules.count++;
	return m->t.nrule++;
}

/* Streams learn their types: call it when all types are there. */
static inline const struct ens_tables *hand_done(struct hand *m)
{
	uint32_t s, i;

	for (s = 0; s < m->t.nstream; s++) {
		m->stream[s].types.first = m->t.nindex;
		for (i = 0; i < m->t.ntype; i++)
			if (m->index[m->type[i].streams.first] == s)
				m->index[m->t.nindex++] = i;
		m->stream[s].types.count = m->t.nindex - m->stream[s].types.first;
	}
	assert(m->t.nindex <= 256);
	return &m->t;
}

#endif
