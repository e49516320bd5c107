/*
 * Every fixed bound, with its reason and what happens there.  Settings with a default that a user may change are in
 * the headers of the modules that read them.
 */
#ifndef ENS_BASE_LIMITS_H
#define ENS_BASE_LIMITS_H

/* Rule text.  Beyond each: one message, exit 1. */
#define ENS_FILE_MAX_BYTES (16u << 20)      /* a rule file is read whole */
#define ENS_STRING_LITERAL_MAX_BYTES 65536u /* as long as a value may be */
#define ENS_NESTING_MAX 256                 /* parser stack and tree walks are recursive: bounds the C stack */
#define ENS_EXPR_DEPTH_MAX 1000             /* operators chained or nested in one expression: its tree is walked recursively */
#define ENS_MESSAGES_MAX 50                 /* more is noise */
#define ENS_COMPILE_BASE_BYTES ((size_t)64 << 20) /* memory of one compilation: so much, */
#define ENS_COMPILE_BYTES_PER_BYTE 96u            /* and so much for each byte of rule text, */
#define ENS_COMPILE_MAX_BYTES ((size_t)1 << 30)   /* but no more than this */
#define ENS_UNIT_MAX_BYTES ((size_t)32 << 20)     /* of it, the tree of one declaration or clause */
#define ENS_DECLS_MAX 65536                       /* declarations of one compilation */
#define ENS_CLAUSES_MAX 1024                      /* clauses of one rule */
#define ENS_INDEX_MAX 64                     /* of a[N] and a[-N]: the last N events are remembered in every partial match */
#define ENS_HOPS_MAX 10000                   /* windows that one event lies in */
#define ENS_LAST_EVENTS_MAX 1000000          /* of `window N events every M`: the last N are kept */
#define ENS_COLLECTED_MAX 1000               /* values of one `list` or `set`; beyond, `count_distinct` estimates */
#define ENS_IMPORTS_MAX 1000                 /* files that rule files import: each is read and kept whole */
#define ENS_ARGUMENTS_MAX 64                /* of a function of the rule files: their names are looked for one by one */
#define ENS_EXPANSION_MAX 10000             /* nodes that one call of such a function is written out to */
#define ENS_EXPANSION_ALL_MAX 400000        /* nodes that all of them are: some 100 bytes each, with what is known of them */
#define ENS_REPEAT_MAX 1000000000           /* counters are 32 bits */
#define ENS_FORK_DEPTH_MAX 32               /* alternatives within alternatives that one step can begin */
#define ENS_UNORDERED_MAX 31                /* parts of one `&`: bits of a counter */
#define ENS_STEPS_MAX 10000               /* steps, groups and absences of one pattern: some checks look at pairs of them */
#define ENS_LIST_MAX 1024                 /* parts of a key, inputs of a `from`, streams of an event type */
#define ENS_TABLE_KEY_MAX 64u               /* fields of a table's key: a look-up needs so many registers */
#define ENS_TEST_TIMES_MAX 1000000        /* events, or expected emissions, of one line of a test */
#define ENS_IDLE_DEFAULT_US 10000000        /* `idle` of a stream that says nothing: 10 s */
#define ENS_ENTRIES_MAX 1024                /* ways to go on from one point of a pattern */
#define ENS_WAY_OPS_MAX 1000000             /* absences, checks and settings on all ways of one pattern: some 40 bytes each */

/* Events.  Beyond each: dead letter. */
#define ENS_FIELDS_MAX 1024
#define ENS_VALUE_MAX_BYTES 65536u
#define ENS_ENTRY_MAX_BYTES (1u << 20)
#define ENS_JSON_DEPTH_MAX 64
#define ENS_EVENT_TIME_MAX_US INT64_C(253402300799999999) /* events are from 1970 to the end of 9999, UTC */

#define ENS_BELOW_MAX 10000u /* entries that a derived event, or an emission over one, names as its own: the first taken */

/* Programs. */
#define ENS_REGISTERS_MAX 256 /* of one expression; deeper expressions are refused by the compiler */
#define ENS_PROGRAM_MAX_INSNS 65536u /* bounds the memory that checking one program takes; longer ones likewise */

#endif
