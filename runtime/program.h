/*
 * Programs: expressions as the runtime evaluates them.
 *
 * A program is straight code over registers r0 .. nreg-1, with forward jumps only, ending in RET; so it ends after at
 * most `ncode` steps.  Registers hold values whose types the verifier works out: invariant T5 is
 *   - every register is written before it is read on every path; operand types are what the instruction wants; where two
 *     paths meet, a register that is read later has one type;
 *   - indices are inside their sections (fields: of event_type; slots, key parts and tables: of the rule's; programs that
 *     name no type or rule use none); a slot that holds more than a value (T12) is read by its own instruction;
 *   - jumps go forward and inside; every RET is of the program's type (or null of any type) and the last instruction is
 *     one; nreg <= ENS_REGISTERS_MAX; at most ENS_PROGRAM_MAX_INSNS instructions; programs do not share code.
 * A constant of type ENS_NOTYPE is null of any type and goes wherever a value of some type may.
 * Null: arithmetic, comparisons and functions give null if an operand is null; `and or not` are three-valued.
 * Overflow and division by zero give null and are counted in the context.
 *
 * Strings made by functions live in the context's scratch until ens_program_reset; string values loaded from events,
 * slots, keys and constants are borrowed from there.
 */
#ifndef ENS_RUNTIME_PROGRAM_H
#define ENS_RUNTIME_PROGRAM_H

#include "base/arena.h"
#include "base/buf.h"
#include "runtime/event.h"
#include "runtime/tables.h"

/*
 * X(name, operands, effect)   d: dst register, a b: registers, i: index, f: the `fn` byte
 * `T` stands for any type, the same throughout a row.
 */
#define ENS_OPS(X) \
	X(CONST, "d i", "d = constant i") \
	X(FIELD, "d i", "d = field i of the event at hand") \
	X(EVENT_TIME, "d", "d = time of the event at hand (time)") \
	X(EVENT_ID, "d", "d = ID of the event at hand (string)") \
	X(EVENT_STREAM, "d", "d = name of its stream (string)") \
	X(SLOT, "d i", "d = slot i of the match") \
	X(KEY, "d i", "d = part i of the key") \
	X(LOOKUP, "d a b", "d = lookup b: of the row whose key is in registers a .. (as many as the table's key has); null if there is none") \
	X(DISTINCT, "d i", "d = how many different values slot i holds (int)") \
	X(PERCENTILE, "d i", "d = the percentile d (float, 0 .. 100) of the values that slot i holds (float); null of none") \
	X(LIST, "d i", "d = the values that slot i holds (list)") \
	X(STEP, "d", "d = the step that had to come next (string)") \
	X(MOVE, "d a", "d = a") \
	X(AND, "d a b", "three-valued and of two bools") \
	X(OR, "d a b", "three-valued or of two bools") \
	X(NOT, "d a", "three-valued not of a bool") \
	X(COMPARE, "d a b f", "bool: a f b; f is enum ens_compare; both of one type (EQ NE only for bool and ip)") \
	X(IS_NULL, "d a", "bool, never null") \
	X(TO_FLOAT, "d a", "float of an int") \
	X(ADD, "d a b", "int+int, float+float, time+duration, duration+duration") \
	X(SUB, "d a b", "int-int, float-float, time-time (duration), time-duration, duration-duration") \
	X(MUL, "d a b", "int*int, float*float, duration*int, duration*float") \
	X(DIV, "d a b", "float/float, duration/duration: float; int operands are converted first") \
	X(MOD, "d a b", "int%int, float%float: sign of the dividend") \
	X(NEG, "d a", "int, float, duration") \
	X(IN, "d a b", "bool: a is in set b (equal to a member; ip: in one of the networks); null as SQL says") \
	X(LIKE, "d a b", "bool: string a is like a glob of set b (* ?), whole string, by code points") \
	X(MATCHES, "d a b", "bool: pattern b is found in string a") \
	X(CALL, "d a b f", "d = function f (runtime/function.def) of b arguments in registers a .. a+b-1") \
	X(JUMP, "i", "go to instruction i of this program") \
	X(JUMP_FALSE, "d i", "go to i if the bool in register d is false (not if null)") \
	X(JUMP_TRUE, "d i", "go to i if the bool in register d is true") \
	X(JUMP_UNLESS, "d i", "go to i unless the bool in register d is true (so also if null)") \
	X(JUMP_SET, "d i", "go to i if register d is not null") \
	X(RET, "d", "the result is register d")

enum ens_op {
#define X(name, operands, effect) ENS_OP_##name,
	ENS_OPS(X)
#undef X
	ENS_NOP
};

enum ens_compare { ENS_CMP_EQ, ENS_CMP_NE, ENS_CMP_LT, ENS_CMP_LE, ENS_CMP_GT, ENS_CMP_GE, ENS_NCMP };

/*
 * Functions: rows of runtime/function.def,
 *   X(symbol, "name", "argument types", result)
 * one row for each combination of types; a type letter each: b i f s t d p (ip), lower case required, `*` after the
 * last one: one or more of it.  The compiler finds the row by name and argument types (int converts to float when no
 * row takes it as it is).  All give null when an argument is null, but coalesce.
 */
enum ens_function {
#define X(symbol, name, arguments, result) ENS_FN_##symbol,
#include "runtime/function.def"
#undef X
	ENS_NFUNCTION
};

struct ens_function_info {
	const char *name, *arguments;
	enum ens_type result;
};
extern const struct ens_function_info ens_function_table[ENS_NFUNCTION];

struct ens_patterns; /* the compiled regular expressions of some tables */
struct ens_translated;     /* the programs of some tables, with the types worked out */

/* What a program runs in.  Made once per thread; event, slot and key are set before each run (NULL where the program reads none). */
struct ens_context {
	const struct ens_tables *tables;
	struct ens_patterns *patterns;
	struct ens_translated *code;
	const struct ens_event *event;
	const struct ens_value *slot; /* of the partial match, its first slot */
	const struct ens_value *key;  /* parts of the key */
	struct ens_value step;        /* what STEP answers */
	bool approx;                  /* set by programs that read what is cut or an estimate; cleared by who asks */
	struct ens_value *reg;        /* ENS_REGISTERS_MAX */
	struct ens_arena scratch;     /* strings made by functions */
	struct ens_buf text;          /* where functions put a string together */
	uint64_t nulled;              /* results lost to overflow and division by zero */
};

enum ens_status ens_context_init(struct ens_context *c, const struct ens_tables *t, struct ens_error *err) ENS_MUST_CHECK;
void ens_context_free(struct ens_context *c);

/* Runs program p (an index); the value's bytes are valid until ens_program_reset or until what it borrows from goes. */
struct ens_value ens_program_run(struct ens_context *c, uint32_t p);
/* A condition: true only if the result is true. */
bool ens_program_holds(struct ens_context *c, uint32_t p);
/* Frees the strings made since the last call. */
void ens_program_reset(struct ens_context *c);

/* Invariant T5 of program p; the reason in err. */
enum ens_status ens_program_verify(const struct ens_tables *t, uint32_t p, struct ens_error *err) ENS_MUST_CHECK;

/* Total order and equality of two non-null values of one type (strings by bytes; -0.0 equals 0.0). */
int ens_value_compare(enum ens_type type, const struct ens_value *a, const struct ens_value *b);

/* RE2 behind a C header (runtime/regex.cc). */
struct ens_patterns *ens_patterns_open(const struct ens_tables *t, struct ens_error *err);
void ens_patterns_close(struct ens_patterns *p);
bool ens_patterns_find(const struct ens_patterns *p, uint32_t i, const char *s, size_t len);
/* For the compiler: is this a regular expression that RE2 takes?  The reason in err. */
bool ens_pattern_valid(const char *s, size_t len, struct ens_error *err);

#endif
