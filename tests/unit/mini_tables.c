/* Builds table files for tests: each section grows in a buffer of its own; mini_finish lays them out. */
#include "tests/unit/mini_tables.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const size_t record_size[ENS_T_NSECTION] = {
#define X(name, record) sizeof(record),
	ENS_TABLES_SECTIONS(X)
#undef X
};

uint32_t mini_put(struct mini *m, enum ens_t_section_id id, const void *record, size_t record_bytes)
{
	size_t at = m->section[id].len;

	ens_buf_add(&m->section[id], record, record_bytes);
	return (uint32_t)(at / record_size[id]);
}

struct ens_t_str mini_text(struct mini *m, const char *s)
{
	struct ens_t_str str = {(uint32_t)m->section[ENS_T_SECTION_bytes].len, (uint32_t)strlen(s)};

	ens_buf_add(&m->section[ENS_T_SECTION_bytes], s, str.len);
	return str;
}

struct ens_t_list mini_source(struct mini *m, const char *name)
{
	struct ens_t_str s = mini_text(m, name);

	return (struct ens_t_list){PUT(m, source, ens_t_str, {s.off, s.len}), 1};
}

struct ens_t_list mini_indices(struct mini *m, ...)
{
	struct ens_t_list l = {(uint32_t)(m->section[ENS_T_SECTION_index].len / 4), 0};
	va_list ap;

	va_start(ap, m);
	for (uint32_t x; (x = va_arg(ap, uint32_t)) != ENS_NONE; l.count++)
		ens_buf_add(&m->section[ENS_T_SECTION_index], &x, 4);
	va_end(ap);
	return l;
}

uint32_t mini_int(struct mini *m, enum ens_type type, int64_t v)
{
	return PUT(m, constant, ens_t_const, {.type = (uint8_t)type, .bits = (uint64_t)v});
}

uint32_t mini_float(struct mini *m, double v)
{
	struct ens_t_const k = {.type = ENS_FLOAT};

	memcpy(&k.bits, &v, 8);
	return mini_put(m, ENS_T_SECTION_constant, &k, sizeof(k));
}

uint32_t mini_string(struct mini *m, const char *s)
{
	struct ens_t_str str = mini_text(m, s);

	return PUT(m, constant, ens_t_const, {.type = ENS_STRING, .len = str.len, .bits = str.off});
}

static uint32_t put_address(struct mini *m, const uint8_t bytes[16], uint32_t len)
{
	size_t at = m->section[ENS_T_SECTION_bytes].len;

	ens_buf_add(&m->section[ENS_T_SECTION_bytes], bytes, 16);
	return PUT(m, constant, ens_t_const, {.type = ENS_IP, .len = len, .bits = at});
}

uint32_t mini_network(struct mini *m, const char *cidr)
{
	uint8_t bytes[16] = {0};
	unsigned bits = 0;

	if (!ens_parse_cidr(cidr, strlen(cidr), bytes, &bits))
		abort();
	return put_address(m, bytes, bits);
}

uint32_t mini_address(struct mini *m, const char *ip)
{
	uint8_t bytes[16] = {0};

	if (!ens_parse_ip(ip, strlen(ip), bytes))
		abort();
	return put_address(m, bytes, 16);
}

uint32_t mini_null(struct mini *m)
{
	return PUT(m, constant, ens_t_const, {.type = ENS_NOTYPE, .null = ENS_NULL});
}

struct mini_code mini_program(struct mini *m, enum ens_type type, uint32_t event_type, uint32_t rule)
{
	return (struct mini_code){
		.m = m,
		.program = {.code = {(uint32_t)(m->section[ENS_T_SECTION_insn].len / sizeof(struct ens_t_insn)), 0},
			    .event_type = event_type,
			    .rule = rule,
			    .nreg = 8,
			    .type = (uint8_t)type}};
}

static void add_insn(struct mini_code *k, const struct ens_t_insn *i)
{
	mini_put(k->m, ENS_T_SECTION_insn, i, sizeof(*i));
	k->program.code.count++;
}

void mini_op(struct mini_code *k, enum ens_op op, unsigned fn, unsigned dst, unsigned a, unsigned b)
{
	add_insn(k, &(struct ens_t_insn){.op = (uint8_t)op, .fn = (uint8_t)fn, .dst = (uint16_t)dst, .a = (uint16_t)a,
					 .b = (uint16_t)b});
}

void mini_opi(struct mini_code *k, enum ens_op op, unsigned dst, uint32_t index)
{
	add_insn(k, &(struct ens_t_insn){.op = (uint8_t)op, .dst = (uint16_t)dst, .index = index});
}

uint32_t mini_end(struct mini_code *k)
{
	return mini_put(k->m, ENS_T_SECTION_program, &k->program, sizeof(k->program));
}

char *mini_finish(struct mini *m, size_t *len_bytes)
{
	const size_t head = sizeof(struct ens_t_header) + ENS_T_NSECTION * sizeof(struct ens_t_section);
	struct ens_t_header h = {.version = ENS_TABLES_VERSION, .nsection = ENS_T_NSECTION};
	struct ens_t_section dir[ENS_T_NSECTION];
	size_t len = head;
	char *file;

	for (unsigned i = 0; i < ENS_T_NSECTION; i++) {
		dir[i] = (struct ens_t_section){.off = len,
						.count = (uint32_t)(m->section[i].len / record_size[i]),
						.record_bytes = (uint32_t)record_size[i]};
		len = (len + m->section[i].len + 7) / 8 * 8;
	}
	file = calloc(1, len);
	if (!file)
		abort();
	memcpy(h.magic, ENS_TABLES_MAGIC, 8);
	memcpy(file, &h, sizeof(h));
	memcpy(file + sizeof(h), dir, sizeof(dir));
	for (unsigned i = 0; i < ENS_T_NSECTION; i++) {
		if (m->section[i].len > 0)
			memcpy(file + dir[i].off, m->section[i].data, m->section[i].len);
		ens_buf_free(&m->section[i]);
	}
	ens_tables_seal(file, len);
	*len_bytes = len;
	return file;
}

/* ---- the sample ------------------------------------------------------------------------------------------------- */

static uint32_t field_is_set(struct mini *m, uint32_t type, uint32_t field)
{
	struct mini_code k = mini_program(m, ENS_BOOL, type, ENS_NONE);

	mini_opi(&k, ENS_OP_FIELD, 0, field);
	mini_op(&k, ENS_OP_IS_NULL, 0, 1, 0, 0);
	mini_op(&k, ENS_OP_NOT, 0, 2, 1, 0);
	mini_opi(&k, ENS_OP_RET, 2, 0);
	return mini_end(&k);
}

/* field > slot, or true if the slot is null */
static uint32_t field_beats_slot(struct mini *m, uint32_t type, uint32_t field, uint32_t slot, uint32_t yes)
{
	struct mini_code k = mini_program(m, ENS_BOOL, type, 0);

	mini_opi(&k, ENS_OP_SLOT, 0, slot);
	mini_opi(&k, ENS_OP_CONST, 2, yes);
	mini_opi(&k, ENS_OP_JUMP_SET, 0, 4);
	mini_opi(&k, ENS_OP_JUMP, 0, 6);
	mini_opi(&k, ENS_OP_FIELD, 1, field);
	mini_op(&k, ENS_OP_COMPARE, ENS_CMP_GT, 2, 1, 0);
	mini_opi(&k, ENS_OP_RET, 2, 0);
	return mini_end(&k);
}

static uint32_t load(struct mini *m, enum ens_op op, enum ens_type type, uint32_t event_type, uint32_t index)
{
	struct mini_code k = mini_program(m, type, event_type, 0);

	mini_opi(&k, op, 0, index);
	mini_opi(&k, ENS_OP_RET, 0, 0);
	return mini_end(&k);
}

static void put_types(struct mini *m, uint32_t where)
{
	struct ens_t_list fields = {0, 0};

	fields.first = PUT(m, field, ens_t_field,
			   {.program = ENS_NONE, .name = mini_text(m, "user"), .sources = mini_source(m, "user"), .type = ENS_STRING});
	PUT(m, field, ens_t_field,
	    {.program = ENS_NONE, .name = mini_text(m, "n"), .sources = mini_source(m, "n"), .type = ENS_INT, .optional = 1});
	PUT(m, field, ens_t_field, {.program = ENS_NONE, .name = mini_text(m, "x"), .sources = mini_source(m, "x"), .type = ENS_FLOAT});
	PUT(m, field, ens_t_field,
	    {.program = ENS_NONE, .name = mini_text(m, "at"), .sources = mini_source(m, "at"), .type = ENS_TIME, .unit = ENS_UNIT_MS});
	PUT(m, field, ens_t_field,
	    {.program = ENS_NONE, .name = mini_text(m, "raw"), .sources = mini_source(m, "raw"), .type = ENS_STRING, .optional = 1});
	fields.count = 5;
	PUT(m, stream, ens_t_stream, {.name = mini_text(m, "a"), .lateness_us = 5, .types = mini_indices(m, 0, ENS_NONE)});
	PUT(m, stream, ens_t_stream, {.name = mini_text(m, "b"), .types = mini_indices(m, 1, ENS_NONE)});
	PUT(m, type, ens_t_type,
	    {.name = mini_text(m, "A"), .streams = mini_indices(m, 0, ENS_NONE), .fields = fields, .nraw = 1,
	     .time_field = 3, .where = where, .sent_field = ENS_NONE, .shard_field = ENS_NONE,
	     .unique_field = ENS_NONE});
	fields.count = 3;
	PUT(m, type, ens_t_type,
	    {.name = mini_text(m, "B"), .streams = mini_indices(m, 1, ENS_NONE), .fields = fields, .time_field = ENS_NONE,
	     .where = ENS_NONE, .sent_field = ENS_NONE, .shard_field = ENS_NONE, .unique_field = ENS_NONE});
	PUT(m, keypart, ens_t_keypart, {.name = mini_text(m, "user"), .type = ENS_STRING, .null_ok = 1});
	PUT(m, keygroup, ens_t_keygroup, {.parts = {0, 1}});
}

static void put_states(struct mini *m, uint32_t predicate, uint32_t condition, uint32_t capture_n, uint32_t capture_x,
		       uint32_t holds, uint32_t duration)
{
	const struct ens_t_list none = {0, 0};
	struct ens_t_list guards = {PUT(m, op, ens_t_op, {.kind = ENS_T_AT_LEAST, .reg = 0, .n = 2}), 2};
	struct ens_t_list actions, absences;

	PUT(m, op, ens_t_op, {.kind = ENS_T_HOLDS, .n = holds});
	actions.first = PUT(m, op, ens_t_op, {.kind = ENS_T_ADD, .reg = 0, .n = 5});
	PUT(m, op, ens_t_op, {.kind = ENS_T_CLEAR, .reg = 0, .n = 2});
	actions.count = 2;
	absences.first = PUT(m, absence, ens_t_absence,
			     {.kind = ENS_T_UNTIL_NEXT, .type = 1, .predicate = ENS_NONE, .condition = ENS_NONE, .for_us = -1,
			      .for_program = ENS_NONE});
	absences.count = 1;
	PUT(m, absence, ens_t_absence,
	    {.kind = ENS_T_TIMED, .type = 0, .predicate = predicate, .condition = condition, .for_us = -1,
	     .for_program = duration});
	PUT(m, absence, ens_t_absence,
	    {.kind = ENS_T_TIMED, .type = 0, .predicate = predicate, .condition = ENS_NONE, .for_us = 5000000,
	     .for_program = ENS_NONE});
#define TAKE(to, end, within, ...)                                                                                         \
	PUT(m, entry, ens_t_entry,                                                                                  \
	    {.kind = ENS_T_TAKE, .arrow = ENS_T_FOLLOWED, .target = to, .branch_end = end, .after_us = -1,          \
	     .within_us = -1, .after_program = ENS_NONE, .within_program = within, __VA_ARGS__})
#define OTHER(k, end, ...)                                                                                          \
	PUT(m, entry, ens_t_entry,                                                                                  \
	    {.kind = k, .branch_end = end, .after_us = -1, .within_us = -1, .after_program = ENS_NONE,              \
	     .within_program = ENS_NONE, __VA_ARGS__})
	TAKE(1, 1, ENS_NONE, .guards = none);
	/* state 1: a fork of two branches (the first of which forks again), itself again, the end */
	OTHER(ENS_T_FORK, 9, .guards = none);
	OTHER(ENS_T_FORK, 6, .guards = none);
	TAKE(2, 3, ENS_NONE, .guards = none);
	TAKE(1, 4, ENS_NONE, .guards = none);
	OTHER(ENS_T_FORK_END, 0, .guards = none);
	TAKE(2, 6, ENS_NONE, .guards = none);
	TAKE(2, 7, duration, .absences = absences, .guards = guards);
	OTHER(ENS_T_FORK_END, 0, .guards = none);
	TAKE(1, 9, ENS_NONE, .actions = actions, .flags = ENS_T_AGAIN);
	/* state 2: complete, if a while passes without an A */
	OTHER(ENS_T_ACCEPT, 1, .absences = {absences.first + 1, 1});
	PUT(m, capture, ens_t_capture, {.kind = ENS_T_SUM, .slot = 2, .program = capture_x});
	PUT(m, capture, ens_t_capture, {.kind = ENS_T_LATEST, .slot = 0, .program = capture_n});
	PUT(m, capture, ens_t_capture, {.kind = ENS_T_COUNT, .slot = 1, .program = capture_x});
	PUT(m, state, ens_t_state,
	    {.type = ENS_NONE, .predicate = ENS_NONE, .condition = ENS_NONE, .entries = {0, 1}});
	PUT(m, state, ens_t_state,
	    {.name = mini_text(m, "first"), .type = 0, .predicate = predicate, .condition = condition, .entries = {1, 9},
	     .captures = {0, 3},
	     .untils = {PUT(m, ref, ens_t_ref, {.type = 0, .predicate = predicate, .condition = condition}), 1}});
	PUT(m, state, ens_t_state,
	    {.name = mini_text(m, "second"), .type = 1, .predicate = ENS_NONE, .condition = ENS_NONE, .entries = {10, 1}});
#undef TAKE
#undef OTHER
}

static void put_slots(struct mini *m)
{
	PUT(m, slot, ens_t_slot, {.init = {.type = ENS_INT, .null = ENS_UNSET}, .type = ENS_INT});
	PUT(m, slot, ens_t_slot, {.init = {.type = ENS_INT}, .type = ENS_INT});
	PUT(m, slot, ens_t_slot, {.init = {.type = ENS_FLOAT}, .type = ENS_FLOAT});
	PUT(m, slot, ens_t_slot, {.init = {.type = ENS_FLOAT}, .type = ENS_FLOAT});
	PUT(m, slot, ens_t_slot, {.init = {.type = ENS_DURATION, .bits = 1000000}, .type = ENS_DURATION});
}

char *mini_sample(size_t *len_bytes)
{
	struct mini m = {0};
	uint32_t yes = mini_int(&m, ENS_BOOL, 1), set, where, condition, holds, n, x, duration, user, predicate;
	struct mini_code k;

	set = PUT(&m, set, ens_t_set, {.consts = {mini_string(&m, "ann"), 2}});
	mini_null(&m);
	mini_network(&m, "10.0.0.0/8");
	mini_address(&m, "10.0.0.1");
	PUT(&m, pattern, ens_t_str, {mini_text(&m, "^a+").off, 3});
	k = mini_program(&m, ENS_BOOL, 0, ENS_NONE);
	mini_opi(&k, ENS_OP_FIELD, 0, 4);
	mini_op(&k, ENS_OP_MATCHES, 0, 1, 0, 0);
	mini_op(&k, ENS_OP_IN, 0, 2, 0, set);
	mini_op(&k, ENS_OP_AND, 0, 3, 1, 2);
	mini_op(&k, ENS_OP_CALL, ENS_FN_LOWER, 0, 0, 1);
	mini_opi(&k, ENS_OP_RET, 3, 0);
	where = mini_end(&k);
	condition = field_beats_slot(&m, 0, 1, 0, yes);
	n = load(&m, ENS_OP_FIELD, ENS_INT, 0, 1);
	x = load(&m, ENS_OP_FIELD, ENS_FLOAT, 0, 2);
	duration = load(&m, ENS_OP_SLOT, ENS_DURATION, ENS_NONE, 4);
	user = load(&m, ENS_OP_KEY, ENS_STRING, ENS_NONE, 0);
	holds = load(&m, ENS_OP_CONST, ENS_BOOL, ENS_NONE, yes);
	predicate = PUT(&m, predicate, ens_t_predicate, {.type = 0, .program = field_is_set(&m, 0, 1)});
	put_types(&m, where);
	PUT(&m, input, ens_t_input, {.type = 0, .filter = predicate, .key = mini_indices(&m, 0, ENS_NONE)});
	PUT(&m, input, ens_t_input, {.type = 1, .filter = ENS_NONE, .key = mini_indices(&m, 0, ENS_NONE)});
	PUT(&m, group, ens_t_group,
	    {.streams = mini_indices(&m, 0, 1, ENS_NONE), .rules = mini_indices(&m, 0, ENS_NONE)});
	put_slots(&m);
	put_states(&m, predicate, condition, n, x, holds, duration);
	PUT(&m, out, ens_t_out, {.name = mini_text(&m, "user"), .program = user, .type = ENS_STRING});
	PUT(&m, out, ens_t_out, {.name = mini_text(&m, "took"), .program = duration, .type = ENS_DURATION});
	PUT(&m, emit, ens_t_emit, {.type = mini_text(&m, "Found"), .stream = mini_text(&m, "out"), .outs = {0, 2},
	     .derives = ENS_NONE, .name = ENS_NONE, .remove_when = ENS_NONE});
	PUT(&m, rule, ens_t_rule,
	    {.name = mini_text(&m, "sample"), .title = mini_text(&m, "A sample"), .inputs = {0, 2}, .scope = ENS_T_TIME,
	     .ncounter = 1, .scope_amount = 60000000, .session_max_us = -1, .slots = {0, 5}, .states = {0, 3},
	     .leads = {2, 1}, .emits = {0, 1}, .having = holds, .window = ENS_NONE, .limit_by = ENS_NONE});
	return mini_finish(&m, len_bytes);
}
