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

/* What of a rule's clauses is not there yet; the rest of the rule is checked all the same. */
struct seen {
	const struct ens_clause *where;
	const struct ens_clause *first[ENS_C_META + 1];
	bool later; /* something not supported yet: what is missing may be there */
};

static void say_later(struct ens_sema *s, const struct ens_clause *c, struct seen *seen)
{
	switch (c->kind) {
	case ENS_C_WINDOW:
		ens_sema_not_yet(s, c->word_at, "`window` is");
		break;
	case ENS_C_SKIP:
		ens_sema_not_yet(s, c->word_at, "`skip` is");
		break;
	case ENS_C_RESET:
		ens_sema_not_yet(s, c->word_at, "`reset on` is");
		break;
	case ENS_C_LIMIT:
		ens_sema_not_yet(s, c->word_at, "`limit` is");
		break;
	case ENS_C_DERIVE:
		ens_sema_not_yet(s, c->word_at, "`derive` is");
		break;
	case ENS_C_ON_TIMEOUT:
		ens_sema_not_yet(s, c->word_at, "`on timeout` is");
		break;
	default:
		return;
	}
	seen->later = true;
}

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
			continue;
		}
		if (!seen->first[c->kind])
			seen->first[c->kind] = c;
		say_later(s, c, seen);
	}
	r->from = seen->first[ENS_C_FROM];
	r->key = seen->first[ENS_C_KEY];
	r->match = seen->first[ENS_C_MATCH];
	r->within = seen->first[ENS_C_WITHIN];
	r->having = seen->first[ENS_C_HAVING];
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
	}
	if (!seen->first[ENS_C_EMIT] && !seen->first[ENS_C_DERIVE] && !seen->first[ENS_C_ON_TIMEOUT]) {
		m = ens_diag_add(s->diag, ENS_E_CLAUSE_MISSING, r->decl->name.at, "the rule `%s` emits nothing",
				 r->decl->name.name);
		ens_diag_remedy(s->diag, m, "say what to tell: `emit TYPE { name: value }`");
	}
}

/* ---- scope ------------------------------------------------------------------------------------------------------ */

/* The literal of a scope, or a parameter: a duration (us) or a count. */
static bool amount(struct ens_sema *s, struct ens_expr *e, enum ens_type want, int64_t least, int64_t *out)
{
	const char *what = want == ENS_DURATION ? "a duration, such as 5m" : "a number of events";

	if (!e || (ens_sema_put_param(s, e) && e->kind == ENS_X_NAME) || (e->kind == ENS_X_NAME && s->imports))
		return false;
	if (e->kind != ENS_X_LITERAL || e->lit_type != want) {
		struct ens_message *m = ens_diag_add(s->diag, ENS_E_SCOPE, e->at, "here stands %s", what);

		if (want == ENS_DURATION && e->kind == ENS_X_LITERAL && e->lit_type == ENS_INT)
			ens_diag_remedy(s->diag, m,
					"a number of seconds is `within %lds`, a number of events `within %ld events`",
					(long)e->literal.i, (long)e->literal.i);
		return false;
	}
	if (e->literal.i < least) {
		ens_diag_add(s->diag, ENS_E_SCOPE, e->at,
			     want == ENS_INT ? "a match has at least one event"
			     : least	     ? "a session needs a gap longer than 0s"
					     : "how long it may take can't be negative");
		return false;
	}
	*out = e->literal.i;
	return true;
}

static void scope(struct ens_sema *s, struct ens_rule_sema *r)
{
	const struct ens_clause *c = r->within;

	r->session_max_us = -1;
	if (!c)
		return;
	switch (c->scope) {
	case ENS_SCOPE_TIME:
		r->scope = ENS_T_TIME;
		amount(s, c->expr, ENS_DURATION, 0, &r->scope_amount);
		break;
	case ENS_SCOPE_EVENTS:
		r->scope = ENS_T_EVENTS;
		amount(s, c->expr, ENS_INT, 1, &r->scope_amount);
		break;
	case ENS_SCOPE_SESSION:
		r->scope = ENS_T_SESSION;
		if (amount(s, c->expr, ENS_DURATION, 1, &r->scope_amount) && c->expr2)
			amount(s, c->expr2, ENS_DURATION, 0, &r->session_max_us);
		break;
	case ENS_SCOPE_NONE:
		break;
	}
}

static void having(struct ens_sema *s, struct ens_rule_sema *r)
{
	struct ens_view v = {.s = s, .rule = r, .items = true};

	if (!r->having || !r->having->expr)
		return;
	if (r->having->once)
		ens_sema_not_yet(s, r->having->word_at, "`having ... once` is");
	ens_sema_condition(&v, r->having->expr);
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
	scope(s, r);
	if (!r->match || !r->match->pattern) {
		r->ok = false;
		return;
	}
	if (r->match->select != ENS_SELECT_ONE)
		ens_sema_not_yet(s, r->match->select_at,
				 r->match->select == ENS_SELECT_ALL ? "`match all` is" : "`match last` is");
	r->pattern = r->match->pattern;
	ens_sema_pattern(s, r);
	if (s->arena->failed || !r->pattern) {
		r->ok = false;
		return;
	}
	ens_sema_inputs(s, r);
	/* With an unknown type every look at a field would be guesswork. */
	if (r->ok) {
		ens_sema_keys(s, r);
		ens_sema_pattern_ends(s, r);
		ens_sema_brackets(s, r);
		if (seen.where && seen.where->expr)
			ens_sema_where(s, r, seen.where);
		ens_sema_emits(s, r);
		having(s, r); /* it may name what is emitted */
	}
	r->ok = s->diag->nerror == before;
}
