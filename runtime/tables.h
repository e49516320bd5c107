/*
 * The rule tables: the contract between compiler and runtime.
 *
 * A table file is a header, a directory of sections, and the sections: arrays of fixed-size little-endian records,
 * 8-byte aligned, without pointers.  References are indices into another section ("a list" is first + count into it);
 * ENS_NONE is the one "none".  Texts are (offset, length) into the bytes section.  The compiler writes them, the runtime
 * maps them read-only and never changes them.
 *
 * ens_tables_open verifies everything that the runtime relies on; it either refuses a byte string with the number of
 * the broken invariant or returns a view that is safe to run:
 *   T1  magic, version, size and checksum are right; the directory names every section once, inside the file, 8-byte
 *       aligned, with our record size.
 *   T2  every text lies inside the bytes section and is UTF-8.
 *   T3  every list lies inside the section it refers to; every index is smaller than its section's count, or ENS_NONE
 *       where that is allowed; lists and texts may overlap, but all together cost at most 64 steps a byte of the file.
 *   T4  enumerations and flags have known values; counts stay under the limits of base/limits.h; slots of strings and
 *       addresses begin as null.
 *   T5  programs: see runtime/program.h (types, registers, forward jumps, an end that returns); they share no code.
 *   T6  patterns: targets are states of the rule; forks nest and are closed; branch ends point forward inside the list;
 *       an accept is not inside a fork nor in state 0; counters and slots are those of the rule; state 0 is the start and
 *       nobody's target; types of steps, `until`, `reset on` and absences are inputs of the rule; SCOPE absences stand only
 *       on accepts and in `leads`, UNTIL_NEXT never on accepts; there are at most as many counters as ops and entries.  A
 *       rule with a window has no entries, leads, scope, selection, skip or resets but for a running one's.
 *   T7  keys: every input of a rule gives one field of equal type to each part of its key group, and is no table.
 *   T8  groups: each rule is in exactly one; its inputs' types and its tables come from the group's streams, or its inputs
 *       are derived by rules of the group, each in a lower layer.
 *   T9  emissions: the fields that are meta stand behind the others; only TIMEOUT ones may be of partial matches; a DERIVE
 *       names a derived type and gives each of its fields at most once, in its type; a list is what one slot holds.
 *   T10 computed fields: their programs read only fields before them, and nothing else of the event; raw fields are not
 *       computed.
 *   T11 kinds: streams hold events and tables; derived types have no streams, and only declared fields, none of them
 *       computed; each table type has one table record, whose key is among its fields.
 *   T12 accumulators: COLLECT goes into slots that hold something, the other captures into slots that do not; programs read
 *       what a slot holds only by the instruction for it.
 * compiler/emit.c asserts the same list before it hands tables out.  Tested by tests/unit/test_tables.c and the fuzzer.
 */
#ifndef ENS_RUNTIME_TABLES_H
#define ENS_RUNTIME_TABLES_H

#include <stddef.h>

#include "base/status.h"
#include "base/value.h"

#define ENS_TABLES_MAGIC "ENSC\r\n\x1a\n" /* 8 bytes: a text-mode copy breaks it visibly */
#define ENS_TABLES_VERSION 5u
#define ENS_NONE UINT32_MAX

/* What matching means; part of the job's identity.  Changes when the same tables would give other emissions. */
#define ENS_SEMANTICS_VERSION 1u

struct ens_t_str {
	uint32_t off, len;
};

struct ens_t_list {
	uint32_t first, count;
};

/* A stream that the rules read, in the order in which the rule files name them. */
struct ens_t_stream {
	struct ens_t_str name;
	struct ens_t_list types; /* index section: the types its entries may have, in order of declaration */
	int64_t lateness_us;     /* an entry may be so much older than the newest and still be put in order */
	int64_t idle_us;         /* after so long without an entry it no longer holds the watermark back */
};

/* An event type, a table, or a type that rules derive. */
struct ens_t_type {
	struct ens_t_str name;
	struct ens_t_list streams; /* index section */
	struct ens_t_list fields;  /* field section: the declared ones, then `nraw` raw ones (string, optional) that only `where` reads */
	uint32_t nraw;
	uint32_t time_field;       /* among fields, of type time and not optional; ENS_NONE: the entry's own time */
	uint32_t where;            /* program of type bool over this type's fields, or ENS_NONE */
	uint32_t sent_field;       /* like time_field: the device's time of sending, which corrects its clock; or ENS_NONE */
	uint32_t shard_field;      /* its stream is one of several, split by this field; or ENS_NONE */
	uint32_t unique_field;     /* what repeats a value of this field within unique_us is dropped; or ENS_NONE */
	int64_t unique_us;
	struct ens_t_str json;     /* the entry's field that holds the event as a JSON object; empty: the entry is the event */
	struct ens_t_str late_stream; /* TO */
	uint8_t kind;              /* enum ens_t_type_kind */
	uint8_t late;              /* enum ens_t_late */
	uint8_t spare[6];
};

enum ens_t_type_kind { ENS_T_EVENT = 0, ENS_T_TABLE = 1, ENS_T_DERIVED = 2 };
/* What becomes of an event that comes too late even for the stream's lateness. */
enum ens_t_late {
	ENS_T_LATE_DEAD = 0,   /* nothing is said: to the dead letters, but with the time of its entry's ID accepted */
	ENS_T_LATE_DROP = 1,   /* counted, forgotten */
	ENS_T_LATE_ACCEPT = 2, /* taken with the earliest time that is still in time */
	ENS_T_LATE_TO = 3      /* written to late_stream */
};

struct ens_t_field {
	struct ens_t_str name;   /* as rules say it */
	struct ens_t_list sources; /* source section: as the entry has it; the first that is there is read */
	uint8_t type;            /* enum ens_type */
	uint8_t optional;        /* 0, 1 */
	uint8_t unit;            /* enum ens_time_unit */
	uint8_t spare;
	uint32_t program;        /* computed, from fields before it in its type; ENS_NONE: the entry has it */
};

/* The latest row per key of a change stream. */
struct ens_t_table {
	uint32_t type;           /* of kind TABLE */
	uint32_t delete_when;    /* program of type bool over the change: the row goes; or ENS_NONE */
	struct ens_t_list key;   /* index section: its key's fields (among the type's) */
};

/* A field of a table's row, as programs ask for it. */
struct ens_t_lookup {
	uint32_t table;
	uint32_t field;          /* among the fields of the table's type */
};

struct ens_t_const {
	uint8_t type;  /* enum ens_type; ENS_NOTYPE: null of any type */
	uint8_t null;  /* enum ens_nullness */
	uint8_t spare[2];
	uint32_t len;  /* of bytes; for networks (ENS_IP in a set): bits of the prefix */
	uint64_t bits; /* int64, double, or offset in the bytes section */
};

/* Constants that `in` and `like` compare with. */
struct ens_t_set {
	struct ens_t_list consts; /* const section, all of one type or null */
};

/* See runtime/program.h. */
struct ens_t_program {
	struct ens_t_list code;  /* insn section */
	uint32_t event_type;     /* type of the event at hand that it reads; ENS_NONE: it reads none */
	uint32_t rule;           /* rule whose slots and key it reads; ENS_NONE: it reads none (it is unary) */
	uint16_t nreg;
	uint8_t type;            /* of its result */
	uint8_t spare[5];
};

struct ens_t_insn {
	uint8_t op;              /* enum ens_op */
	uint8_t fn;              /* function or comparison it names, else 0 */
	uint16_t dst;
	union {
		struct {
			uint16_t a, b;   /* registers */
		};
		uint32_t index;          /* constant, field, slot, key part, set, pattern, lookup, or a jump's target */
	};
};

/* A condition on one event alone; each distinct one is here once and is evaluated at most once per event. */
struct ens_t_predicate {
	uint32_t type;           /* event type */
	uint32_t program;        /* unary, of type bool */
};

/* Rules of one group whose keys have the same parts share a key group. */
struct ens_t_keygroup {
	struct ens_t_list parts; /* keypart section; count 0: no key */
};

struct ens_t_keypart {
	struct ens_t_str name;
	uint8_t type;            /* enum ens_type, not float */
	uint8_t null_ok;
	uint8_t spare[6];
};

/* A type that a rule takes in; at most one record for each type. */
struct ens_t_input {
	uint32_t type;
	uint32_t filter;         /* predicate, or ENS_NONE: every event of the type */
	struct ens_t_list key;   /* index section: per key part the field (among the type's fields) */
};

/* Rules that read the same streams see the same order of events and share clock and timers. */
struct ens_t_group {
	struct ens_t_list streams; /* index section, ascending */
	struct ens_t_list rules;   /* index section, ascending */
};

/* ---- rules ------------------------------------------------------------------------------------------------------ */

struct ens_t_rule {
	struct ens_t_str name, title;
	uint32_t group, keygroup;
	struct ens_t_list inputs;  /* input section */
	uint8_t select;            /* enum ens_t_select */
	uint8_t scope;             /* enum ens_t_scope */
	uint8_t skip;              /* enum ens_t_skip */
	uint8_t having_once;       /* 0, 1: `having` lets a match or window through only when it was false the time before */
	uint32_t ncounter;         /* 32-bit counters of a partial match, all 0 at its start */
	int64_t scope_amount;      /* microseconds, or events */
	int64_t session_max_us;    /* -1: none */
	struct ens_t_list slots;   /* slot section */
	struct ens_t_list states;  /* state section; the first is the start */
	struct ens_t_list leads;   /* absence section: absences before the first step (kind TIMED or SCOPE) */
	struct ens_t_list emits;   /* emit section */
	struct ens_t_list skip_states; /* index section: TO_FIRST, TO_LAST: states (relative) whose events are X */
	struct ens_t_list resets;  /* ref section: any of them drops all partial matches of the key but those it started */
	struct ens_t_list tables;  /* index section, ascending: tables that its programs look up */
	uint32_t having;           /* program of type bool without event, or ENS_NONE */
	uint32_t window;           /* the rule is a window over its inputs; ENS_NONE: a pattern */
	uint32_t layer;            /* 0: takes in no derived type; else above all rules that derive what it takes in */
	uint32_t limit_by;         /* program without event, or ENS_NONE: per key only */
	int64_t limit_count;       /* emissions let through in limit_us; 0: no limit */
	int64_t limit_us;
};

enum ens_t_select { ENS_T_ONE = 0, ENS_T_LAST = 1, ENS_T_ALL = 2 };
enum ens_t_scope { ENS_T_UNBOUNDED = 0, ENS_T_TIME = 1, ENS_T_EVENTS = 2, ENS_T_SESSION = 3 };
enum ens_t_skip {
	ENS_T_SKIP_DEFAULT = 0, ENS_T_SKIP_NONE = 1, ENS_T_SKIP_TO_NEXT = 2, ENS_T_SKIP_PAST_LAST = 3,
	ENS_T_SKIP_TO_FIRST = 4, ENS_T_SKIP_TO_LAST = 5, ENS_T_SKIP_ALL = 6
};

/* An event of a type that satisfies a condition: what ends a repetition or resets a key. */
struct ens_t_ref {
	uint32_t type;
	uint32_t predicate;        /* or ENS_NONE */
	uint32_t condition;        /* program over the event, the key and (`until`) the match, or ENS_NONE */
	uint32_t spare;
};

/*
 * A window.  Its rule's states from 1 on are the inputs as named in `from`: they have no entries, and their captures say
 * what each event of the window adds to the slots (empty before the first); every event goes to each state that takes it.
 */
struct ens_t_window {
	uint8_t kind;              /* enum ens_t_window_kind */
	uint8_t empty;             /* 0, 1: also windows without events are emitted, for keys seen */
	uint8_t spare[6];
	struct ens_t_str zone;     /* TUMBLING: an IANA name; empty: UTC */
	int64_t size;              /* microseconds; SESSION: gap; EVENTS: number; RUNNING: 0 */
	int64_t every;             /* HOPPING: microseconds; EVENTS: number, 0: blocks */
	int64_t max_us;            /* SESSION; -1: none */
	int64_t forget_us;         /* RUNNING: a key without events for so long is forgotten; -1: never */
	int64_t revise_us;         /* late events change a closed window for so long; 0: never */
};

enum ens_t_window_kind {
	ENS_T_TUMBLING = 0, ENS_T_HOPPING = 1, ENS_T_SLIDING = 2, ENS_T_SESSIONS = 3, ENS_T_COUNTED = 4, ENS_T_RUNNING = 5
};

/* A slot: what a partial match remembers (a field of a step, a count, a sum ...). */
struct ens_t_slot {
	struct ens_t_const init;
	uint8_t type;            /* enum ens_type; the slot after a SUM of floats is its compensation */
	uint8_t holds;           /* enum ens_t_holds; type is that of the values collected */
	uint8_t spare[6];
};

enum ens_t_holds {
	ENS_T_VALUE = 0,
	ENS_T_LIST = 1,     /* values in the order of their events, capped */
	ENS_T_DISTINCT = 2, /* different values, in the order in which each came first, capped; beyond that an estimate of their number */
	ENS_T_SKETCH = 3    /* of ints or floats: their distribution, within a stated error */
};

/*
 * A state of the automaton: "the step was taken last".  One per step of the pattern as written (repetitions are
 * counters, not copies); state 0 is "nothing taken yet".  Its entries are the ways to go on, in the order in which
 * they are tried (semantics.md section 4).
 */
struct ens_t_state {
	struct ens_t_str name;   /* the step's name, or empty */
	struct ens_t_str label;  /* its name, else its type as written: what step() says */
	uint32_t type;           /* event type of the step; state 0: ENS_NONE */
	uint32_t predicate;      /* unary condition (named filters and `from` conditions included), or ENS_NONE */
	uint32_t condition;      /* program that looks at the match too, or ENS_NONE; judged after the predicate holds */
	struct ens_t_list entries;  /* entry section */
	struct ens_t_list captures; /* capture section: done in order when the step takes an event */
	struct ens_t_list untils;   /* ref section: events that end a repeated step */
	uint32_t spare;
};

enum ens_t_entry_kind {
	ENS_T_TAKE = 0,    /* take the event at hand into state `target` */
	ENS_T_ACCEPT = 1,  /* the pattern is complete */
	ENS_T_FORK = 2,    /* several branches follow, each a list of its own, each is gone into */
	ENS_T_FORK_END = 3 /* closes the innermost FORK */
};

enum ens_t_arrow { ENS_T_NEXT = 1, ENS_T_FOLLOWED = 2, ENS_T_ANY = 3 }; /* `,` `->` `->>` */

enum ens_t_entry_flags {
	ENS_T_GREEDY = 1,  /* TAKE: stands before others because its repetition is greedy */
	ENS_T_AGAIN = 2,   /* TAKE: the state's step once more (not the first event of its repetition): `until` closes it */
	ENS_T_EMPTY = 4    /* TAKE: its way passes an optional group without taking anything of it; the entry that leaves the group
	                    * out stands before it, and where both take an event that is one way */
};

/*
 * One way to go on.  Entries of a state are tried in order; one that takes the event (arrow other than ANY) ends the
 * list it stands in: the try goes on at `branch_end`.
 *   Outside forks branch_end is the number of entries.  Inside a fork it is the entry where the next branch begins, or
 *   the FORK_END.  At FORK_END: if any branch took the event, the fork as a whole took it, and the try goes on at the
 *   branch_end of the FORK entry; else after the FORK_END.
 *   An ANY entry that takes the event leaves the partial match as it was beside the one that took it; that one goes on
 *   down the list at the same event.
 * An entry is dead until the next event is taken once a guard does not hold, its arrow is NEXT and the very next event
 * was not taken by it, `within` has passed, an absence was violated, or `until` closed it.  A partial match whose
 * entries are all dead dies.
 */
struct ens_t_entry {
	uint8_t kind;
	uint8_t arrow;           /* TAKE */
	uint8_t flags;
	uint8_t spare;
	uint32_t target;         /* TAKE: state of the rule (relative), not 0 */
	uint32_t branch_end;     /* relative to the list */
	uint32_t leave_end;      /* TAKE, GREEDY: the entries behind it and before this one leave its repetition; 0: none does */
	int64_t after_us;        /* TAKE: -1: none */
	int64_t within_us;
	uint32_t after_program;  /* durations from the match (type duration, null: never satisfied), or ENS_NONE */
	uint32_t within_program;
	struct ens_t_list guards;   /* op section, guard kinds: judged when the state is entered */
	struct ens_t_list actions;  /* op section, action kinds: done before the captures when it takes an event */
	struct ens_t_list absences; /* absence section: on watch on the way to the target (or, ACCEPT, at the end) */
};

enum ens_t_op_kind {
	/* guards */
	ENS_T_AT_LEAST = 0,  /* counter reg >= n */
	ENS_T_BELOW = 1,     /* counter reg < n */
	ENS_T_LACKS = 2,     /* counter reg has no bit of mask n */
	ENS_T_HOLDS = 3,     /* program n (bool, no event) is true: exit guard */
	/* actions */
	ENS_T_SET = 4,       /* counter reg = n */
	ENS_T_ADD = 5,       /* counter reg += 1, at most n (saturates: beyond n nobody can tell) */
	ENS_T_MARK = 6,      /* counter reg |= n */
	ENS_T_CLEAR = 7      /* slots reg .. reg + n - 1 back to their initial values: a new round of a group */
};

struct ens_t_op {
	uint32_t kind;
	uint32_t reg;
	uint32_t n;
	uint32_t least; /* ADD, `match last`: the rounds that the repetition needs, as written; else 0 */
};

enum ens_t_absence_kind {
	ENS_T_UNTIL_NEXT = 0, /* -> not B: none between the event before and the one that the entry takes */
	ENS_T_VERY_NEXT = 1,  /* , not B: the very next event is not one (ACCEPT: it must come, and not be one) */
	ENS_T_TIMED = 2,      /* -> not B for D: none up to D after the event before, and the next later than that; in
	                       * `leads`: none within D before the first step, and the watch at least that old */
	ENS_T_SCOPE = 3       /* ACCEPT: -> not B at the end: none until the scope ends; in `leads`: none since the session began */
};

struct ens_t_absence {
	uint32_t kind;
	uint32_t type;
	uint32_t predicate;   /* or ENS_NONE */
	uint32_t condition;   /* program over the event and the match, or ENS_NONE */
	int64_t for_us;       /* TIMED: -1: for_program */
	uint32_t for_program; /* duration from the match (null: it can't be complete), or ENS_NONE */
	uint32_t new_round;   /* 1: its programs look at the slots as the entry's CLEAR actions leave them; 0: as they are */
};

enum ens_t_capture_kind {
	ENS_T_KEEP = 0,       /* slot = value */
	ENS_T_KEEP_FIRST = 1, /* slot = value if it is unset (a null is kept too) */
	ENS_T_FIRST = 2,      /* slot = value if it is null */
	ENS_T_LATEST = 3,     /* slot = value if that is not null */
	ENS_T_COUNT = 4,      /* slot += 1 if the value is not null (slot: int); overflow makes it null for good */
	ENS_T_SUM = 5,        /* slot += value if not null; int: overflow makes it null for good; float: compensated (Neumaier) in slot + 1 */
	ENS_T_MIN = 6,        /* slot = the smaller; numbers, times, durations, strings (by bytes) */
	ENS_T_MAX = 7,
	ENS_T_SHIFT = 8,      /* slots slot + 1 .. slot + n - 1 = those before them, slot = value: the last n values */
	ENS_T_COLLECT = 9     /* into what the slot holds, if the value is not null */
};

struct ens_t_capture {
	uint32_t kind;
	uint32_t slot;        /* of the rule (relative) */
	uint32_t program;     /* over the event taken and the match as the captures before this one left it */
	uint32_t n;           /* SHIFT: 1 .. ENS_INDEX_MAX; else 0 */
};

/* What a rule says when it has found something. */
struct ens_t_emit {
	struct ens_t_str type;    /* name of the output type */
	struct ens_t_str stream;  /* STREAM; else empty */
	struct ens_t_list outs;   /* out section */
	uint8_t kind;             /* enum ens_t_emit_kind */
	uint8_t target;           /* enum ens_t_target */
	uint8_t spare[2];
	uint32_t derives;         /* DERIVE: the type; else ENS_NONE */
	uint32_t name;            /* HASH, CHANNEL: program of type string over the match; else ENS_NONE */
	uint32_t remove_when;     /* HASH: program of type bool: the key goes instead; or ENS_NONE */
	int64_t expire_us;        /* HASH: 0: it stays */
};

enum ens_t_emit_kind {
	ENS_T_EMIT = 0,    /* a complete match, or a window */
	ENS_T_DERIVE = 1,  /* the same, as an event for other rules */
	ENS_T_TIMEOUT = 2  /* a partial match that its scope or an arrow's `within` ended */
};
enum ens_t_target { ENS_T_STREAM = 0, ENS_T_HASH = 1, ENS_T_CHANNEL = 2 };

struct ens_t_out {
	struct ens_t_str name;
	uint32_t program;         /* over the match; no event */
	uint32_t field;           /* DERIVE: among the derived type's; else ENS_NONE */
	uint8_t type;             /* enum ens_type */
	uint8_t element;          /* of a list: enum ens_type; else ENS_NOTYPE */
	uint8_t meta;             /* 0, 1: written behind all other members */
	uint8_t spare[5];
};

/* X(section name, record type): order is the directory's order. */
#define ENS_TABLES_SECTIONS(X) \
	X(bytes, char) \
	X(index, uint32_t) \
	X(stream, struct ens_t_stream) \
	X(type, struct ens_t_type) \
	X(field, struct ens_t_field) \
	X(source, struct ens_t_str) /* names of fields in entries; one with dots is a path, too */ \
	X(table, struct ens_t_table) \
	X(lookup, struct ens_t_lookup) \
	X(constant, struct ens_t_const) \
	X(set, struct ens_t_set) \
	X(pattern, struct ens_t_str) /* regular expressions, RE2 syntax */ \
	X(program, struct ens_t_program) \
	X(insn, struct ens_t_insn) \
	X(predicate, struct ens_t_predicate) \
	X(keygroup, struct ens_t_keygroup) \
	X(keypart, struct ens_t_keypart) \
	X(input, struct ens_t_input) \
	X(group, struct ens_t_group) \
	X(rule, struct ens_t_rule) \
	X(window, struct ens_t_window) \
	X(ref, struct ens_t_ref) \
	X(slot, struct ens_t_slot) \
	X(state, struct ens_t_state) \
	X(entry, struct ens_t_entry) \
	X(op, struct ens_t_op) \
	X(absence, struct ens_t_absence) \
	X(capture, struct ens_t_capture) \
	X(emit, struct ens_t_emit) \
	X(out, struct ens_t_out)

enum ens_t_section_id {
#define X(name, record) ENS_T_SECTION_##name,
	ENS_TABLES_SECTIONS(X)
#undef X
	ENS_T_NSECTION
};

struct ens_t_header {
	char magic[8];
	uint32_t version;
	uint32_t nsection;
	uint64_t len_bytes;       /* of the whole file */
	uint64_t checksum;        /* XXH3-64 of everything behind the header */
	uint64_t fingerprint[2];  /* XXH3-128 of everything behind the header: the identity of these tables */
};

struct ens_t_section {
	uint64_t off;
	uint32_t count;
	uint32_t record_bytes;
};

/* A verified view.  Points into the bytes it was opened on, which must outlive it and not change. */
struct ens_tables {
	const struct ens_t_header *header;
	const char *base;
	size_t len_bytes;
#define X(name, record) const record *name; uint32_t n##name;
	ENS_TABLES_SECTIONS(X)
#undef X
};

/*
 * Verifies `len_bytes` bytes at `bytes` (8-byte aligned) and makes a view of them.  ENS_EINPUT with the reason in `err`
 * for anything that is not a table file of this version, is cut short, damaged, or breaks an invariant.
 */
enum ens_status ens_tables_open(const void *bytes, size_t len_bytes, struct ens_tables *out, struct ens_error *err) ENS_MUST_CHECK;

/* Computes checksum and fingerprint of a finished file of `len_bytes` bytes and writes them and the length into its header. */
void ens_tables_seal(void *bytes, size_t len_bytes);

/* The fingerprint as 32 hexadecimal digits and a NUL. */
void ens_tables_fingerprint(const struct ens_tables *t, char out[33]);

/* True if the bytes begin like a table file (to tell .ensc from .ens). */
int ens_tables_recognise(const void *bytes, size_t len_bytes);

/* What this runtime keeps for one rule, in bytes, and its limits.  Texts (strings in a key or a slot) come on top, each as
 * long as it is. */
struct ens_rule_cost {
	uint32_t key_bytes;       /* a key with its place in the table; once for all rules whose keys have the same parts */
	uint32_t cell_bytes;      /* what the rule keeps for one key besides its partial matches */
	uint32_t partial_bytes;   /* a partial match */
	uint32_t event_bytes;     /* each event that it took */
	bool first_event_inside;  /* but the first, which lies in the partial match */
	uint32_t period_bytes;    /* a period of its `limit`; 0: it has none */
	uint32_t text_bytes;      /* what a kept text takes besides its own length */
	uint32_t collected_bytes, value_bytes; /* what an aggregate collects, and each place for a value, 4 and then powers of two */
	bool shared;              /* no partial matches, but each event that a step took, once (runtime/shared.h): */
	uint32_t node_bytes_min, node_bytes_max; /* so much each, by step */
	uint32_t keys_max, partials_per_key_max, partials_max; /* of the rule, by default; beyond: what started first goes */
};

/* ENS_ENOMEM: *out is not filled. */
enum ens_status ens_tables_rule_cost(const struct ens_tables *t, uint32_t rule, struct ens_rule_cost *out) ENS_MUST_CHECK;

#endif
