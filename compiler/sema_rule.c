/*
 * One rule: its clauses, each once, its scope, then everything else in the order in which it can be known.
 * Tested by tests/lang/sema_rule.test.
 */
#include "compiler/sema.h"

#include "compiler/sema_private.h"

static const char *const clause_name[] = {
	[ENS_C_FROM] = "from", [ENS_C_KEY] = "key", [ENS_C_MATCH] = "match", [ENS_C_WHERE] = "where",
	[ENS_C_WITHIN] = "within", [ENS_C_WINDOW] = "window", [ENS_C_HAVING] = "having", [ENS_C_SKIP] = "skip",
	[ENS_C_RESET] = "reset", [ENS_C_LIMIT] = "limit", [ENS_C_EMIT] = "emit", [ENS_C_DERIVE] = "derive",
	[ENS_C_ON_TIMEOUT] = "on timeout", [ENS_C_META] = "meta",
};

struct seen {
	const struct ens_clause *where;
	const struct ens_clause *first[ENS_C_META + 1];
};

static bool may_repeat(enum ens_clause_kind k)
{
	return k == ENS_C_EMIT || k == ENS_C_DERIVE || k == ENS_C_ON_TIMEOUT;
}

static void collect(struct ens_sema *s, struct ens_rule_sema *r, struct seen *seen)
{
	for (const struct ens_clause *c = r->decl->clauses; c; c = c->next) {
		if (seen->first[c->kind] && !may_repeat(c->kind)) {
			struct ens_message *m = ens_diag_add(s->diag, ENS_E_CLAUSE_TWICE, c->word_at,
							     "`%s` is given twice in this rule", clause_name[c->kind]);

			ens_diag_second(s->diag, m, seen->first[c->kind]->word_at, "the first one is here");
			if (c->kind == ENS_C_WHERE || c->kind == ENS_C_HAVING)
				ens_diag_remedy(s->diag, m, "join the conditions with `and`");
			else
				ens_diag_remedy(s->diag, m, c->kind == ENS_C_MATCH
								     ? "either of two is `match (A | B)`; another pattern is another rule"
								     : "keep the one that is meant");
			continue;
		}
		if (!seen->first[c->kind])
			seen->first[c->kind] = c;
	}
	r->from = seen->first[ENS_C_FROM];
	r->key = seen->first[ENS_C_KEY];
	r->match = seen->first[ENS_C_MATCH];
	r->window = r->match ? NULL : seen->first[ENS_C_WINDOW];
	r->within = seen->first[ENS_C_WITHIN];
	r->having = seen->first[ENS_C_HAVING];
	r->skip = seen->first[ENS_C_SKIP];
	r->reset = seen->first[ENS_C_RESET];
	r->limit = seen->first[ENS_C_LIMIT];
	seen->where = seen->first[ENS_C_WHERE];
}

static void say_missing(struct ens_sema *s, const struct ens_rule_sema *r, const struct seen *seen)
{
	struct ens_message *m;

	if (r->decl->broken)
		return;
	if (!r->match && !seen->first[ENS_C_WINDOW]) {
		m = ens_diag_add(s->diag, ENS_E_CLAUSE_MISSING, r->decl->name.at, "the rule `%s` has no `match`",
				 r->decl->name.name);
		ens_diag_remedy(s->diag, m, "say what to look for: `match a: Type[condition] -> b: Type`");
	} else if (r->match && seen->first[ENS_C_WINDOW]) {
		m = ens_diag_add(s->diag, ENS_E_CLAUSE_TWICE, seen->first[ENS_C_WINDOW]->word_at,
				 "a rule has `match` or `window`, not both");
		ens_diag_second(s->diag, m, r->match->word_at, "`match` is here");
		ens_diag_remedy(s->diag, m, "leave one of them out: `match` looks for a pattern, `window` computes over many events");
	}
	if (!seen->first[ENS_C_EMIT] && !seen->first[ENS_C_DERIVE] && !seen->first[ENS_C_ON_TIMEOUT]) {
		m = ens_diag_add(s->diag, ENS_E_CLAUSE_MISSING, r->decl->name.at, "the rule `%s` emits nothing",
				 r->decl->name.name);
		ens_diag_remedy(s->diag, m, "say what to tell: `emit TYPE { name: value }`");
	}
}

static void having(struct ens_sema *s, struct ens_rule_sema *r)
{
	struct ens_view v = {.s = s, .rule = r, .items = true};

	if (r->having && r->having->expr)
		ens_sema_condition(&v, r->having->expr);
}

/* What a rule with `match` looks for. */
static void pattern(struct ens_sema *s, struct ens_rule_sema *r, const struct ens_clause *where)
{
	if (!r->match || !r->match->pattern) {
		r->ok = false;
		return;
	}
	r->pattern = r->match->pattern;
	ens_sema_pattern(s, r);
	if (s->arena->failed || !r->pattern) {
		r->ok = false;
		return;
	}
	ens_sema_inputs(s, r);
	/* With an unknown type every look at a field would be guesswork. */
	if (!r->ok)
		return;
	ens_sema_keys(s, r);
	ens_sema_pattern_ends(s, r);
	ens_sema_brackets(s, r);
	if (where && where->expr)
		ens_sema_where(s, r, where);
}

void ens_sema_rule(struct ens_sema *s, struct ens_decl *rule)
{
	struct ens_rule_sema *r = ens_arena_zalloc(s->arena, sizeof *r);
	struct seen seen = {0};
	uint32_t before = s->diag->nerror;

	s->diag->work = rule->name.at;
	if (!r)
		return;
	*r = (struct ens_rule_sema){.decl = rule, .ok = true};
	rule->sema->rule = r;
	rule->sema->used = true;
	collect(s, r, &seen);
	say_missing(s, r, &seen);
	if (r->window) {
		ens_sema_window(s, r, seen.where);
	} else {
		ens_sema_scope(s, r);
		pattern(s, r, seen.where);
	}
	if (!r->ok || s->arena->failed) /* without memory what was found out so far is not whole */
		return;
	ens_sema_clauses(s, r);
	ens_sema_emits(s, r);
	having(s, r); /* it may name what is emitted */
	r->ok = s->diag->nerror == before;
}
