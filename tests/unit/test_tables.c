/* Table files: a valid one is opened, a damaged one refused by name, and no byte string does harm. */
#include "runtime/tables.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/program.h"
#include "tests/unit/mini_tables.h"

void suite_tables(void);

/* The sample as a file that may be changed: its view, made before the change, says where the records are. */
struct change {
	char *bytes;
	size_t len;
	struct ens_tables t;
};

static struct change begin_change(void)
{
	struct change c;
	struct ens_error err = {{0}};

	c.bytes = mini_sample(&c.len);
	if (ens_tables_open(c.bytes, c.len, &c.t, &err) != ENS_OK)
		printf("\n  %s\n", err.text);
	CU_ASSERT_FATAL(ens_tables_open(c.bytes, c.len, &c.t, &err) == ENS_OK);
	return c;
}

/* The file, sealed anew, is refused with a reason that begins like `want`. */
/* `want`: the invariant's number, a colon, and what the text begins with. */
static bool refused_with(const char *text, const char *want)
{
	const char *what = strstr(want, ": ") + 2;
	char number[32];

	snprintf(number, sizeof(number), "(invariant %.*s)", (int)(what - 2 - want), want);
	return strncmp(text, what, strlen(what)) == 0 && strcmp(text + strlen(text) - strlen(number), number) == 0;
}

static void end_change(struct change *c, const char *want)
{
	struct ens_error err = {{0}};
	struct ens_tables t;

	ens_tables_seal(c->bytes, c->len);
	CU_ASSERT_EQUAL(ens_tables_open(c->bytes, c->len, &t, &err), ENS_EINPUT);
	if (!refused_with(err.text, want))
		printf("\n  \"%s\", not \"%s\"\n", err.text, want);
	CU_ASSERT(refused_with(err.text, want));
	free(c->bytes);
}

/* Sets one member of one record of the sample and expects the refusal. */
#define REFUSED(place, value, want)                                                                          \
	do {                                                                                                 \
		struct change changed = begin_change();                                                      \
		const __typeof__(changed.t.place) v = value;                                                 \
		memcpy(changed.bytes + ((const char *)&changed.t.place - changed.bytes), &v, sizeof(v));     \
		end_change(&changed, want);                                                                  \
	} while (0)
#define LIST(first, count) ((struct ens_t_list){first, count})
#define STR(off, len) ((struct ens_t_str){off, len})

/* Some value of a type; text and address borrow from a heap block of their size, so that reading beyond it is seen. */
static struct ens_value some_value(uint8_t type, const char *block)
{
	struct ens_value v = {.i = 1};

	if (type == ENS_FLOAT)
		v.f = 1.5;
	if (type == ENS_STRING || type == ENS_IP) {
		v.s = block;
		v.len = 16;
	}
	return v;
}

/* Runs every program over values of the types that the tables state. */
static void run_all(struct ens_context *c)
{
	const struct ens_tables *t = c->tables;
	char *block = malloc(16);

	CU_ASSERT_PTR_NOT_NULL_FATAL(block);
	memcpy(block, "aaaaaaaaaaaa\x01\x02\x03\x04", 16);
	for (uint32_t p = 0; p < t->nprogram; p++) {
		const struct ens_t_program *g = &t->program[p];
		struct ens_value *value = calloc(t->nfield + 1, sizeof(*value)), *slot = calloc(t->nslot + 1, sizeof(*slot));
		struct ens_value *key = calloc(t->nkeypart + 1, sizeof(*key)), result;
		struct ens_event event = {.type = g->event_type, .id = {1, 2, g->event_type}, .time_us = 5, .value = value};

		if (g->event_type != ENS_NONE)
			for (uint32_t i = 0; i < t->type[g->event_type].fields.count; i++)
				value[i] = some_value(t->field[t->type[g->event_type].fields.first + i].type, block);
		if (g->rule != ENS_NONE) {
			const struct ens_t_rule *rule = &t->rule[g->rule];
			const struct ens_t_list parts = t->keygroup[rule->keygroup].parts;

			for (uint32_t i = 0; i < rule->slots.count; i++)
				slot[i] = some_value(t->slot[rule->slots.first + i].type, block);
			for (uint32_t i = 0; i < parts.count; i++)
				key[i] = some_value(t->keypart[parts.first + i].type, block);
		}
		c->event = g->event_type != ENS_NONE ? &event : NULL;
		c->slot = g->rule != ENS_NONE ? slot : NULL;
		c->key = g->rule != ENS_NONE ? key : NULL;
		result = ens_program_run(c, p);
		if (!result.null && ens_type_is_bytes((enum ens_type)g->type))
			CU_ASSERT(ens_value_compare((enum ens_type)g->type, &result, &result) == 0);
		ens_program_reset(c);
		free(value);
		free(slot);
		free(key);
	}
	free(block);
}

static void the_sample_is_opened_and_runs(void)
{
	struct change c = begin_change();
	struct ens_context context;
	struct ens_error err = {{0}};
	char print[33];

	CU_ASSERT_EQUAL(c.t.nrule, 1);
	CU_ASSERT_EQUAL(memcmp(c.t.bytes + c.t.rule[0].name.off, "sample", 6), 0);
	CU_ASSERT(ens_tables_recognise(c.bytes, c.len));
	ens_tables_fingerprint(&c.t, print);
	CU_ASSERT_EQUAL(strspn(print, "0123456789abcdef"), 32);
	CU_ASSERT_FATAL(ens_context_init(&context, &c.t, &err) == ENS_OK);
	run_all(&context);
	ens_context_free(&context);
	free(c.bytes);
}

static void what_is_not_a_table_file_is_told_apart(void)
{
	static _Alignas(8) const char text[200] = "event Login from \"a\" {}";
	struct change c = begin_change();
	struct ens_tables t;
	struct ens_error err = {{0}};

	CU_ASSERT_FALSE(ens_tables_recognise(text, sizeof(text)));
	CU_ASSERT_FALSE(ens_tables_recognise(text, 0));
	CU_ASSERT_EQUAL(ens_tables_open(text, sizeof(text), &t, &err), ENS_EINPUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "not a table file"));
	CU_ASSERT_EQUAL(ens_tables_open(c.bytes, 20, &t, &err), ENS_EINPUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cut short"));
	CU_ASSERT_EQUAL(ens_tables_open(c.bytes, c.len - 8, &t, &err), ENS_EINPUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cut short"));
	c.bytes[4] = '\n';
	CU_ASSERT_EQUAL(ens_tables_open(c.bytes, c.len, &t, &err), ENS_EINPUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "text mode"));
	c.bytes[4] = '\r';
	c.bytes[8]++;
	CU_ASSERT_EQUAL(ens_tables_open(c.bytes, c.len, &t, &err), ENS_EINPUT);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "version 5"));
	free(c.bytes);
}

/* Every single flipped bit, behind the header and in it, is noticed. */
static void each_flipped_bit_is_noticed(void)
{
	struct change c = begin_change();
	struct ens_tables t;

	for (size_t i = 0; i < c.len; i++) {
		c.bytes[i] ^= (char)(1 << i % 8);
		CU_ASSERT_EQUAL(ens_tables_open(c.bytes, c.len, &t, NULL), ENS_EINPUT);
		c.bytes[i] ^= (char)(1 << i % 8);
	}
	CU_ASSERT_EQUAL(ens_tables_open(c.bytes, c.len, &t, NULL), ENS_OK);
	free(c.bytes);
}

static void the_directory_is_checked(void)
{
	for (unsigned id = 0; id < ENS_T_NSECTION; id++)
		for (int what = 0; what < 5; what++) {
			struct change c = begin_change();
			struct ens_t_section *s =
				(struct ens_t_section *)(void *)(c.bytes + sizeof(struct ens_t_header)) + id;

			if (what == 0)
				s->off = 0;
			else if (what == 1)
				s->off = c.len + 8;
			else if (what == 2)
				s->off += 1;
			else if (what == 3)
				s->count = UINT32_MAX;
			else
				s->record_bytes++;
			end_change(&c, "T1: section ");
		}
}

static void texts_are_checked(void)
{
	struct change c = begin_change();

	memcpy(c.bytes + (c.t.bytes - c.bytes) + c.t.rule[0].title.off, "\xff", 1);
	end_change(&c, "T2: rule 0: its title is not UTF-8");
	REFUSED(stream[0].name, STR(0, 1u << 30), "T2: stream 0: its name lies outside the bytes");
	REFUSED(stream[0].name, STR(UINT32_MAX, 1), "T2: stream 0: its name lies outside the bytes");
	REFUSED(stream[0].name.len, 0, "T4: stream 0: its name is empty");
	REFUSED(source[2], STR(UINT32_MAX, UINT32_MAX), "T2: source 2: it lies outside the bytes");
	REFUSED(constant[1].bits, UINT64_MAX, "T2: constant 1: a string lies outside the bytes");
	REFUSED(constant[3].bits, UINT64_MAX - 8, "T2: constant 3: an address lies outside the bytes");
	REFUSED(pattern[0].off, 1u << 20, "T2: pattern 0: it lies outside the bytes");
}

static void lists_and_indices_are_checked(void)
{
	REFUSED(stream[1].types, LIST(0, 1000), "T3: stream 1: type list ends outside its section");
	REFUSED(type[0].streams, LIST(UINT32_MAX, 2), "T3: type 0: stream list ends outside its section");
	REFUSED(type[0].fields, LIST(1, 5), "T3: type 0: field list ends outside its section");
	REFUSED(index[0], 7, "T3: stream 0: type 7 of 2");
	REFUSED(type[0].time_field, 4, "T3: type 0: time field 4 of 4");
	REFUSED(type[1].where, 100, "T3: type 1: program 100 of 8");
	REFUSED(set[0].consts, LIST(2, 100), "T3: set 0: constant list ends outside its section");
	REFUSED(predicate[0].program, 8, "T3: predicate 0: program 8 of 8");
	REFUSED(predicate[0].type, ENS_NONE, "T3: predicate 0: type");
	REFUSED(keygroup[0].parts, LIST(1, 1), "T3: key group 0: part list ends outside its section");
	REFUSED(input[0].filter, 1, "T3: input 0: predicate 1 of 1");
	REFUSED(input[1].type, 2, "T3: input 1: type 2 of 2");
	REFUSED(group[0].rules, LIST(0, 2), "T3: group 0: rule 1 of 1");
	REFUSED(group[0].streams, LIST(4, 3), "T3: group 0: stream list is not ascending");
	REFUSED(rule[0].states, LIST(1, 3), "T3: rule 0: state list ends outside its section");
	REFUSED(rule[0].leads, LIST(3, 1), "T3: rule 0: lead list ends outside its section");
	REFUSED(rule[0].keygroup, 1, "T3: rule 0: key group 1 of 1");
	REFUSED(rule[0].having, 9, "T3: rule 0: having program 9 of 8");
	REFUSED(state[1].entries, LIST(8, 9), "T3: state 1: entry list ends outside its section");
	REFUSED(ref[0].condition, 9, "T3: reference 0: condition 9 of 8");
	REFUSED(entry[7].guards, LIST(4, 1), "T3: entry 7: guard list ends outside its section");
	REFUSED(entry[7].absences, LIST(0, 4), "T3: entry 7: absence list ends outside its section");
	REFUSED(op[1].n, 8, "T3: op 1: program 8 of 8");
	REFUSED(capture[0].program, ENS_NONE, "T3: capture 0: program");
	REFUSED(emit[0].outs, LIST(1, 2), "T3: emit 0: field list ends outside its section");
	REFUSED(out[1].program, 50, "T3: emitted field 1: program 50 of 8");
}

static void values_are_checked(void)
{
	REFUSED(type[0].nraw, 6, "T4: type 0: more raw fields than fields");
	REFUSED(type[0].nraw, 2, "T3: type 0: time field 3 of 3");
	REFUSED(type[1].nraw, 1, "T4: type 1: raw field 2 is not an optional string");
	REFUSED(type[0].time_field, 1, "T4: type 0: its time field is not of type time");
	REFUSED(type[0].kind, 3, "T4: type 0: its kind has the unknown value 3");
	REFUSED(type[0].late, 4, "T4: type 0: its lateness has the unknown value 4");
	REFUSED(type[0].late, ENS_T_LATE_TO, "T4: type 0: late events go to a stream without a name");
	REFUSED(type[0].unique_us, -1, "T4: type 0: values are unique for a negative time");
	REFUSED(type[0].sent_field, 4, "T3: type 0: sent field 4 of 4");
	REFUSED(type[0].sent_field, 1, "T4: type 0: its time field is not of type time, or is optional");
	REFUSED(type[0].kind, ENS_T_DERIVED, "T11: type 0: it is derived, but read from a stream");
	REFUSED(type[0].kind, ENS_T_TABLE, "T7: rule 0: input 0 is a table");
	REFUSED(field[1].sources.count, 0, "T4: field 1: it is read from nowhere");
	REFUSED(slot[0].holds, 4, "T4: slot 0: what it holds has the unknown value 4");
	REFUSED(slot[4].holds, ENS_T_SKETCH, "T12: slot 4: the distribution of what has none");
	REFUSED(slot[1].holds, ENS_T_LIST, "T12: slot 1: it collects, but begins with a value");
	REFUSED(slot[0].holds, ENS_T_LIST, "T5: program 1: instruction 0: slot 0 holds more than a value");
	REFUSED(rule[0].skip, 7, "T4: rule 0: skip has the unknown value 7");
	REFUSED(rule[0].having_once, 2, "T4: rule 0: once has the unknown value 2");
	REFUSED(rule[0].layer, 1, "T4: rule 0: its layer is higher than there are rules");
	REFUSED(rule[0].limit_us, -1, "T4: rule 0: its limit is negative");
	REFUSED(rule[0].window, 0, "T3: rule 0: window 0 of 0");
	REFUSED(rule[0].limit_by, 1000, "T3: rule 0: limit program 1000 of 8");
	REFUSED(rule[0].resets, LIST(0, 2), "T3: rule 0: reset list ends outside its section");
	REFUSED(ref[0].type, 2, "T3: reference 0: type 2 of 2");
	REFUSED(emit[0].kind, 3, "T4: emit 0: its kind has the unknown value 3");
	REFUSED(emit[0].target, ENS_T_HASH, "T9: emit 0: it goes nowhere");
	REFUSED(emit[0].kind, ENS_T_DERIVE, "T9: emit 0: it derives no type, or one although it is none to derive");
	REFUSED(emit[0].expire_us, -1, "T4: emit 0: it expires before it is there");
	REFUSED(out[0].element, ENS_INT,
		"T9: rule 0: emission 0: field 0 is a list of nothing, or has elements without being one");
	REFUSED(stream[0].lateness_us, -1, "T4: stream 0: its lateness, or what makes it idle, is negative");
	REFUSED(field[0].type, ENS_NTYPE, "T4: field 0: its type has the unknown value 9");
	REFUSED(field[0].type, ENS_NOTYPE, "T4: field 0: its type has the unknown value 0");
	REFUSED(field[0].optional, 2, "T4: field 0: optional has the unknown value 2");
	REFUSED(field[0].unit, 5, "T4: field 0: its unit has the unknown value 5");
	REFUSED(constant[0].bits, 2, "T4: constant 0: a bool is neither 0 nor 1");
	REFUSED(constant[0].null, ENS_UNSET, "T4: constant 0: a constant's nullness has the unknown value 2");
	REFUSED(constant[2].null, ENS_SET, "T4: constant 2: a constant has a value but no type");
	REFUSED(constant[2].type, ENS_INT, "T4: set 0: its constants are not all of one type");
	REFUSED(constant[3].len, 129, "T4: constant 3: a network of 129 bits");
	REFUSED(keypart[0].type, ENS_FLOAT, "T4: key part 0: a key of floats");
	REFUSED(rule[0].select, 3, "T4: rule 0: select has the unknown value 3");
	REFUSED(rule[0].scope, 4, "T4: rule 0: scope has the unknown value 4");
	REFUSED(rule[0].scope_amount, -1, "T4: rule 0: its scope is negative");
	REFUSED(rule[0].ncounter, UINT32_MAX, "T4: rule 0: it has more counters than anything counts with");
	REFUSED(rule[0].states, LIST(0, 0), "T4: rule 0: it has no states");
	REFUSED(slot[0].init.type, ENS_STRING, "T4: slot 0: its initial value has another type");
	REFUSED(slot[2].init.bits, UINT64_C(0x7ff0000000000000), "T4: slot 2: a float is not finite");
	REFUSED(slot[0], ((struct ens_t_slot){.init = {.type = ENS_STRING}, .type = ENS_STRING}),
		"T4: slot 0: its initial value is a string: it can only begin as null");
	REFUSED(entry[0].kind, 4, "T4: entry 0: its kind has the unknown value 4");
	REFUSED(entry[0].arrow, 0, "T4: entry 0: it takes an event without an arrow");
	REFUSED(entry[0].flags, 8, "T4: entry 0: its flags has the unknown value 8");
	REFUSED(entry[0].within_us, INT64_MIN, "T4: entry 0: a limit is negative");
	REFUSED(op[0].kind, 8, "T4: op 0: its kind has the unknown value 8");
	REFUSED(absence[0].kind, 4, "T4: absence 0: its kind has the unknown value 4");
	REFUSED(absence[1].for_program, ENS_NONE, "T4: absence 1: it is timed, but without a duration");
	REFUSED(capture[0].kind, 10, "T4: capture 0: its kind has the unknown value 10");
	REFUSED(capture[0].kind, ENS_T_SHIFT, "T4: capture 0: it keeps 0 values");
	REFUSED(capture[1].n, 1, "T4: capture 1: it keeps 1 values");
	REFUSED(out[0].type, ENS_NTYPE, "T4: emitted field 0: its type has the unknown value 9");
}

static void programs_and_their_uses_are_checked(void)
{
	REFUSED(program[0].code, LIST(0, 7), "T5: program 0");
	REFUSED(program[1].code, LIST(0, 1000), "T3: program 1: instruction list ends outside its section");
	REFUSED(program[7].code, LIST(0, 6), "T5: program 7: it shares code with others");
	REFUSED(program[0].nreg, 257, "T5: program 0: it has no registers, or too many");
	REFUSED(program[0].event_type, ENS_NONE, "T5: program 0: instruction 0: reads an event");
	REFUSED(program[0].event_type, 1, "T5: program 0: instruction 0: field 4 of 3");
	REFUSED(program[1].rule, ENS_NONE, "T5: program 1: instruction 0: reads a match");
	REFUSED(program[1].rule, 1, "T5: program 1: its rule is not there");
	REFUSED(type[0].where, 1, "T5: type 0: its where reads the match");
	REFUSED(type[0].where, 2, "T5: type 0: its where reads the match");
	REFUSED(type[1].where, 0, "T5: type 1: its where reads an event of another type");
	REFUSED(predicate[0].program, 1, "T5: predicate 0: it reads the match");
	REFUSED(rule[0].having, 5, "T5: rule 0: its having gives string, not bool");
	REFUSED(rule[0].having, 1, "T5: rule 0: its having reads an event");
	REFUSED(state[1].condition, 2, "T5: rule 0: a step's condition gives int, not bool");
	REFUSED(entry[7].within_program, 6, "T5: rule 0: a within limit gives bool, not duration");
	REFUSED(absence[1].for_program, 1, "T5: rule 0: an absence's duration reads an event");
	REFUSED(op[1].n, 5, "T5: rule 0: a guard gives string, not bool");
	REFUSED(capture[1].program, 3, "T5: rule 0: a capture gives float, not int");
	REFUSED(out[0].program, 4, "T5: rule 0: an emitted field gives duration, not string");
}

static void patterns_are_checked(void)
{
	REFUSED(state[0].type, 0, "T6: rule 0: state 0 is not the start");
	REFUSED(state[2].type, ENS_NONE, "T6: rule 0: state 2 takes events of no type");
	REFUSED(state[2].predicate, 0, "T6: rule 0: a step's predicate is of another event type");
	REFUSED(rule[0].inputs, LIST(0, 1), "T6: rule 0: state 1: an absence is of a type that is not an input");
	REFUSED(rule[0].inputs, LIST(1, 1), "T6: rule 0: state 1: it is of a type that is not an input");
	REFUSED(entry[0].target, 0, "T6: rule 0: state 0: entry 0: its target is not a state");
	REFUSED(entry[0].target, 3, "T6: rule 0: state 0: entry 0: its target is not a state");
	REFUSED(entry[0].branch_end, 0, "T6: rule 0: state 0: entry 0: its branch ends elsewhere");
	REFUSED(entry[0].leave_end, 1, "T6: rule 0: state 0: entry 0: what leaves its repetition is not behind it, or it has none");
	REFUSED(entry[1].branch_end, 8, "T6: rule 0: state 1: entry 0: its branch ends elsewhere");
	REFUSED(entry[1].kind, ENS_T_FORK_END, "T6: rule 0: state 1: entry 0: it ends a fork in the middle");
	REFUSED(entry[2].branch_end, 3, "T6: rule 0: state 1: entry 2: its branch does not end further on");
	REFUSED(entry[2].branch_end, 7, "T6: rule 0: state 1: entry 5: its branch ends elsewhere");
	REFUSED(entry[4].branch_end, 5, "T6: rule 0: state 1: entry 4: it ends a fork in the middle");
	REFUSED(entry[3].branch_end, 2, "T6: rule 0: state 1: entry 2: its branch does not end further on");
	REFUSED(entry[3].branch_end, 6, "T6: rule 0: state 1: entry 2: its branch does not end further on");
	REFUSED(entry[0].kind, ENS_T_ACCEPT, "T6: rule 0: state 0: entry 0: the pattern is complete inside a fork, or before");
	REFUSED(entry[8].kind, ENS_T_ACCEPT, "T6: rule 0: state 1: entry 7: the pattern is complete inside a fork");
	REFUSED(state[1].entries, LIST(1, 7), "T6: rule 0: state 1: entry 0: its branch ends elsewhere");
	REFUSED(entry[9].guards, LIST(2, 1), "T6: rule 0: state 1: entry 8: an action among the guards");
	REFUSED(entry[9].actions, LIST(0, 1), "T6: rule 0: state 1: entry 8: a guard among the actions");
	REFUSED(op[0].reg, 1, "T6: rule 0: state 1: entry 6: a counter that the rule does not have");
	REFUSED(op[3].n, 6, "T6: rule 0: state 1: entry 8: it clears slots that the rule does not have");
	REFUSED(absence[0].kind, ENS_T_SCOPE, "T6: rule 0: state 1: entry 6: an absence of a kind that cannot stand here");
	REFUSED(rule[0].leads, LIST(1, 1), "T6: rule 0: absence 0 before the first step has no constant duration");
	REFUSED(rule[0].leads, LIST(0, 1), "T6: rule 0: state 0: entry 0: an absence of a kind that cannot stand here");
	REFUSED(capture[0].slot, 5, "T6: rule 0: state 1: it captures into a slot that the rule does not have");
	REFUSED(capture[1], ((struct ens_t_capture){ENS_T_SHIFT, 4, changed.t.capture[1].program, 2}),
		"T6: rule 0: state 1: it shifts slots that the rule does not have");
	REFUSED(capture[1], ((struct ens_t_capture){ENS_T_SHIFT, 1, changed.t.capture[1].program, 2}),
		"T6: rule 0: state 1: it shifts slots of two types");
	REFUSED(capture[1], ((struct ens_t_capture){ENS_T_SHIFT, 1, changed.t.capture[1].program, 65}),
		"T4: capture 1: it keeps 65 values");
	REFUSED(capture[2].slot, 2, "T6: rule 0: state 1: a capture that cannot be of type float");
	REFUSED(capture[0].slot, 3, "T6: rule 0: state 1: a sum of floats without its compensation");
}

static void keys_and_groups_are_checked(void)
{
	REFUSED(input[1].type, 0, "T7: rule 0: two inputs of one type");
	REFUSED(input[0].key, LIST(0, 0), "T7: rule 0: input 0 has 0 key fields for 1 key parts");
	REFUSED(keypart[0].type, ENS_INT, "T5: program 5");
	REFUSED(index[4], 1, "T7: rule 0: input 0: key part 0 has another type");
	REFUSED(group[0].streams, LIST(0, 1), "T8: group 0: type 1 comes from a stream that its group does not read");
	REFUSED(group[0].rules, LIST(0, 0), "T8: rule 1: the groups list 0 rules");
}

static void computed_fields_are_checked(void)
{
	REFUSED(field[1].program, 50, "T3: field 1: program 50 of 8");
	REFUSED(field[4].program, 0, "T10: type 0: raw field 4 is computed");
	REFUSED(field[0].program, 3, "T5: type 0: a computed field reads the match");
	REFUSED(field[0].program, changed.t.predicate[0].program, "T5: type 0: a computed field gives bool, not string");
}

static void fields_of_emissions_are_checked(void)
{
	REFUSED(out[0].meta, 2, "T4: emitted field 0: its meta flag has the unknown value 2");
	REFUSED(out[0].meta, 1, "T9: rule 0: emission 0: field 1 stands behind meta ones");
}

/* Lists that all lie on the same records would make the check quadratic. */
static void overlapping_lists_are_bounded(void)
{
	struct mini m = {0};
	struct ens_error err = {{0}};
	struct ens_tables t;
	size_t len;
	char *bytes;

	for (uint32_t i = 0; i < 20000; i++)
		mini_int(&m, ENS_INT, i);
	for (uint32_t i = 0; i < 20000; i++)
		PUT(&m, set, ens_t_set, {.consts = {0, 20000}});
	bytes = mini_finish(&m, &len);
	CU_ASSERT_EQUAL(ens_tables_open(bytes, len, &t, &err), ENS_EINPUT);
	CU_ASSERT(refused_with(err.text, "T3: set"));
	free(bytes);
}

static void no_tables_at_all_are_valid(void)
{
	struct mini m = {0};
	struct ens_tables t;
	size_t len;
	char *bytes = mini_finish(&m, &len);

	CU_ASSERT_EQUAL(ens_tables_open(bytes, len, &t, NULL), ENS_OK);
	free(bytes);
}

/* Files with random changes behind a right checksum: refused, or safe to run. */
static void random_changes_do_no_harm(void)
{
	static const uint32_t values[] = {0, 1, 2, 3, 5, 8, 16, 0xff, 0x7fffffff, 0x80000000, 0xfffffffe, ENS_NONE};
	struct change c = begin_change();
	char *copy = malloc(c.len);
	const char *rounds = getenv("ENSUE_FUZZ_ROUNDS");
	uint64_t state = 12345, opened = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
	for (long i = rounds ? atol(rounds) : 20000; i > 0; i--) {
		struct ens_context context;
		struct ens_tables t;

		memcpy(copy, c.bytes, c.len);
		for (int k = 0; k < 1 + i % 3; k++) {
			size_t at = sizeof(struct ens_t_header);

			state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
			at += (size_t)(state >> 33) % (c.len - at - 4);
			if (state >> 8 & 1)
				memcpy(copy + at / 4 * 4, &values[state >> 16 & 7] + (state >> 20 & 3), 4);
			else
				copy[at] = (char)(state >> 24 & (state >> 12 & 1 ? 7 : 255));
		}
		ens_tables_seal(copy, c.len);
		if (ens_tables_open(copy, c.len, &t, NULL) != ENS_OK)
			continue;
		opened++;
		if (ens_context_init(&context, &t, NULL) == ENS_OK) {
			run_all(&context);
			ens_context_free(&context);
		}
	}
	CU_ASSERT(opened > 0);
	free(copy);
	free(c.bytes);
}

void suite_tables(void)
{
	CU_pSuite s = CU_add_suite("tables", NULL, NULL);

	CU_add_test(s, "the sample is opened and runs", the_sample_is_opened_and_runs);
	CU_add_test(s, "what is not a table file is told apart", what_is_not_a_table_file_is_told_apart);
	CU_add_test(s, "each flipped bit is noticed", each_flipped_bit_is_noticed);
	CU_add_test(s, "the directory is checked (T1)", the_directory_is_checked);
	CU_add_test(s, "texts are checked (T2)", texts_are_checked);
	CU_add_test(s, "lists and indices are checked (T3)", lists_and_indices_are_checked);
	CU_add_test(s, "values are checked (T4)", values_are_checked);
	CU_add_test(s, "programs and their uses are checked (T5)", programs_and_their_uses_are_checked);
	CU_add_test(s, "patterns are checked (T6)", patterns_are_checked);
	CU_add_test(s, "keys and groups are checked (T7, T8)", keys_and_groups_are_checked);
	CU_add_test(s, "computed fields are checked (T3, T5, T10)", computed_fields_are_checked);
	CU_add_test(s, "fields of emissions are checked (T4, T9)", fields_of_emissions_are_checked);
	CU_add_test(s, "overlapping lists are bounded", overlapping_lists_are_bounded);
	CU_add_test(s, "no tables at all are valid", no_tables_at_all_are_valid);
	CU_add_test(s, "random changes do no harm", random_changes_do_no_harm);
}
