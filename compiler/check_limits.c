/*
 * The least time and the fewest events that a pattern takes, against the scope of its rule and the limits of its
 * arrows.
 *
 * Going through the pattern once, with what may be left out left out, of branches the shorter one, of repetitions the
 * least count: `after` and `not ... for` along the way add up.  Durations that come from the match count as 0, so
 * what is said is certain.  Tested by tests/lang/check_limits.test.
 */
#include "base/text.h"
#include "compiler/check.h"

/* What a part of the pattern takes at least. */
struct least {
	int64_t lead_us; /* from the event before it to its first: 0 where there is none before */
	int64_t us;      /* from its first event to its last */
	int64_t owed_us; /* and so long an absence behind it goes on into what follows */
	int64_t events;
};

struct limits {
	struct ens_check *c;
	const struct ens_rule_sema *r;
};

static int64_t plus(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t times(int64_t a, uint32_t n)
{
	int64_t product;

	return __builtin_mul_overflow(a, (int64_t)n, &product) ? INT64_MAX : product;
}

/* A literal's microseconds; 0: there is none, or it comes from the match. */
static int64_t length_us(const struct ens_expr *e)
{
	bool known = e && e->kind == ENS_X_LITERAL && e->lit_type == ENS_DURATION && e->literal.i > 0;

	return known ? e->literal.i : 0;
}

/* `after` on the arrow that leads to p. */
static int64_t after_us(const struct ens_pat *p)
{
	while (p && p->arrow == ENS_ARROW_NONE)
		p = p->sema->up;
	return p ? length_us(p->after) : 0;
}

static struct ens_buf duration_text(int64_t us)
{
	struct ens_buf text = ENS_BUF_EMPTY;

	ens_format_duration(&text, us);
	return text;
}

/* Directly behind an absence: what it leads to must come within less. */
static void check_arrow(const struct limits *l, const struct ens_pat * not, const struct ens_pat *p)
{
	int64_t none_us = length_us(not ->for_dur), within_us = length_us(p->within);
	struct ens_message *m;

	if (!none_us || !p->within || p->within->kind != ENS_X_LITERAL || none_us < within_us)
		return;
	m = ens_diag_add(l->c->s->diag, ENS_E_LIMIT_RANGE, p->within->at,
			 "no event can come within this time: the `not` before it lasts as long");
	ens_diag_second(l->c->s->diag, m, not ->for_dur->at, "none may come for so long");
}

static struct least least_of(const struct limits *l, const struct ens_pat *p);

static int64_t more(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t fewer(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static struct least sequence(const struct limits *l, const struct ens_pat *p)
{
	struct least all = {0};
	int64_t owed_us = 0;

	for (uint32_t i = 0; i < p->nitem; i++) {
		const struct ens_pat *item = p->item[i];
		struct least one;

		if (item->kind == ENS_P_NOT) {
			owed_us = more(owed_us, length_us(item->for_dur));
			continue;
		}
		for (uint32_t k = i; k > 0 && p->item[k - 1]->kind == ENS_P_NOT && !item->sema->first; k--)
			check_arrow(l, p->item[k - 1], item);
		if (item->sema->nullable)
			continue;
		one = least_of(l, item);
		one.lead_us = more(one.lead_us, owed_us);
		if (all.events)
			all.us = plus(all.us, one.lead_us);
		else
			all.lead_us = one.lead_us;
		all.us = plus(all.us, one.us);
		all.events = plus(all.events, one.events);
		owed_us = one.owed_us;
	}
	all.owed_us = owed_us;
	return all;
}

static struct least choice(const struct limits *l, const struct ens_pat *p)
{
	struct least all = {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};

	for (uint32_t i = 0; i < p->nitem; i++) {
		struct least one = least_of(l, p->item[i]);

		all.lead_us = fewer(all.lead_us, one.lead_us);
		all.us = fewer(all.us, one.us);
		all.owed_us = fewer(all.owed_us, one.owed_us);
		all.events = fewer(all.events, one.events);
	}
	return all;
}

static struct least round_of(const struct limits *l, const struct ens_pat *p)
{
	int64_t after = after_us(p);

	switch (p->kind) {
	case ENS_P_SEQ:
		return sequence(l, p);
	case ENS_P_ALT:
		return choice(l, p);
	case ENS_P_AND:
		return (struct least){.lead_us = after, .us = times(after, p->nitem - 1), .events = p->nitem};
	default:
		return (struct least){.lead_us = after, .events = 1};
	}
}

/* Rounds are joined by what leads into the first, and by what the one before leaves owed. */
static struct least least_of(const struct limits *l, const struct ens_pat *p)
{
	struct least all = round_of(l, p);
	const struct least one = all;

	if (p->sema->min < 2)
		return all;
	all.us = plus(all.us, times(plus(one.us, more(one.lead_us, one.owed_us)), p->sema->min - 1));
	all.events = times(all.events, p->sema->min);
	return all;
}

static void too_long(const struct limits *l, int64_t us, const struct ens_expr *scope, const char *what)
{
	struct ens_buf least = duration_text(us);
	struct ens_message *m =
		ens_diag_add(l->c->s->diag, ENS_E_LIMIT_RANGE, scope->at,
			     "the pattern takes at least %s, longer than %s, so the rule `%s` never matches",
			     ens_buf_cstr(&least), what, l->r->decl->name.name);

	ens_diag_second(l->c->s->diag, m, l->r->pattern->at, "its `after` and `not ... for` add up");
	ens_diag_remedy(l->c->s->diag, m, "let the rule take at least %s, or the steps less", ens_buf_cstr(&least));
	ens_buf_free(&least);
}

void ens_check_limits(struct ens_check *c, const struct ens_rule_sema *r)
{
	const struct limits l = {c, r};
	const struct least all = least_of(&l, r->pattern);
	struct ens_message *m;

	if (!r->within || !r->within->expr || all.us == INT64_MAX)
		return;
	if (r->scope == ENS_T_TIME && plus(all.us, all.owed_us) > r->scope_amount)
		too_long(&l, plus(all.us, all.owed_us), r->within->expr, "the rule's scope");
	if (r->scope == ENS_T_SESSION && r->session_max_us >= 0 && r->within->expr2 && all.us > r->session_max_us)
		too_long(&l, all.us, r->within->expr2, "a session may last");
	if (r->scope == ENS_T_EVENTS && all.events > r->scope_amount) {
		m = ens_diag_add(
			c->s->diag, ENS_E_SCOPE, r->within->expr->at,
			"the pattern takes at least %lld events, more than these, so the rule `%s` never matches",
			(long long)all.events, r->decl->name.name);
		ens_diag_second(c->s->diag, m, r->pattern->at, "the pattern");
		ens_diag_remedy(c->s->diag, m, "give the rule at least `within %lld events`", (long long)all.events);
	}
}
