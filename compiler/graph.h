/*
 * The pattern graph: a rule's pattern as an automaton over its steps, between the checked tree and the tables.
 *
 * One state per step as written (Glushkov's construction with counters for repetitions), state 0 being the start.  A
 * state's entries are the ways to go on in the order of semantics.md section 4, exactly as runtime/tables.h describes
 * them; here they still hold expressions of the tree instead of programs.  compiler/lower.c builds it, compiler/emit.c
 * turns it into tables, compiler/dump.c prints it.
 */
#ifndef ENS_COMPILER_GRAPH_H
#define ENS_COMPILER_GRAPH_H

#include "dsl/ast.h"
#include "dsl/diag.h"
#include "runtime/tables.h"

/* A counter check, a mask check or an exit guard; or what an entry does when it is taken. */
struct ens_g_op {
	enum ens_t_op_kind kind;
	uint32_t counter;               /* all kinds but HOLDS and CLEAR */
	uint32_t n;
	uint32_t least;                 /* ADD, `match last`: the rounds that the repetition needs, as written; else 0 */
	bool mask;                      /* the counter is a set: bit i: part i of the `&` was taken */
	const struct ens_expr *expr;    /* HOLDS */
	const struct ens_pat *loop;     /* all kinds but HOLDS: the repetition or `&` that is counted; CLEAR: the repeated
					 * group whose round begins: its round's slots are cleared */
	struct ens_g_op *next;
};

/* One `not REF` on the way; several references of one `not` are several absences. */
struct ens_g_absence {
	enum ens_t_absence_kind kind;
	const struct ens_ref *ref;
	const struct ens_expr *for_dur; /* TIMED */
	bool new_round;                 /* it stands behind where a new round of a group begins */
	struct ens_g_absence *next;
};

struct ens_g_entry {
	enum ens_t_entry_kind kind;
	enum ens_t_arrow arrow;
	uint32_t flags;                 /* enum ens_t_entry_flags */
	uint32_t target;                /* TAKE: state */
	uint32_t branch_end;
	uint32_t leave_end;             /* TAKE, GREEDY: entries behind it and before this one leave its repetition */
	const struct ens_expr *after, *within;
	struct ens_g_op *guards, *actions;
	struct ens_g_absence *absences;
};

struct ens_g_state {
	const struct ens_pat *step;     /* NULL: the start */
	struct ens_g_entry *entry;
	uint32_t nentry;
};

struct ens_graph {
	struct ens_g_state *state;
	uint32_t nstate;
	uint32_t ncounter;
	struct ens_g_absence *leads;    /* absences before the first step */
};

/* What lowering asks the checker (compiler/sema.c): the exit guards of a repetition, its bounds as numbers. */
struct ens_g_guard {
	const struct ens_expr *expr;
	struct ens_g_guard *next;
};

/*
 * Builds the graph of one checked pattern in `arena`; of a window: its inputs as states without entries.  Messages for what only the graph shows (too many ways to go on, a
 * pattern that can be complete without an event).  ENS_ERULES if there were any, ENS_ENOMEM.
 */
enum ens_status ens_lower(struct ens_arena *arena, struct ens_diag *diag, const struct ens_decl *rule,
			  const struct ens_pat *pattern, struct ens_graph *out) ENS_MUST_CHECK;

/* Can a partial match stay in this state for ever, but for the scope?  (check_forever.c) */
bool ens_state_waits(const struct ens_g_state *s, enum ens_select select);

/* One line a state, one an entry: for tests and --dump graph. */
void ens_graph_dump(const struct ens_graph *g, struct ens_buf *out);
/* A reference as the language writes it: Login[not ok] */
void ens_ref_write(const struct ens_ref *ref, struct ens_buf *out);

#endif
