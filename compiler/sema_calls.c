/*
 * Calls: functions by name and argument types (rows of runtime/function.def), aggregates over a step's events.
 * min and max of one argument are aggregates, of several functions.  Tested by tests/lang/sema_calls.test.
 */
#include "compiler/sema.h"

#include <string.h>

#include "compiler/sema_private.h"
#include "dsl/hints.h"
#include "runtime/program.h"

static const struct {
	const char *name;
	enum ens_aggregate what;
} aggregate_row[] = {
	{"count", ENS_A_COUNT}, {"sum", ENS_A_SUM}, {"avg", ENS_A_AVG}, {"min", ENS_A_MIN},
	{"max", ENS_A_MAX}, {"first", ENS_A_FIRST}, {"last", ENS_A_LAST}, {"stddev", ENS_A_STDDEV},
	{"count_distinct", ENS_A_COUNT_DISTINCT}, {"list", ENS_A_LIST}, {"set", ENS_A_SET},
	{"percentile", ENS_A_PERCENTILE},
};
#define NAGGREGATE (sizeof aggregate_row / sizeof aggregate_row[0])

#define DECLARED_MAX 256u /* functions of the rule files looked through for a likely slip */

static enum ens_aggregate aggregate_of(const struct ens_expr *e)
{
	for (size_t i = 0; i < NAGGREGATE; i++)
		if (strcmp(e->name, aggregate_row[i].name) == 0) {
			bool both = aggregate_row[i].what == ENS_A_MIN || aggregate_row[i].what == ENS_A_MAX;

			return both && e->narg > 1 ? ENS_A_NONE : aggregate_row[i].what;
		}
	return ENS_A_NONE;
}

bool ens_sema_is_aggregate_name(const char *name)
{
	for (size_t i = 0; i < NAGGREGATE; i++)
		if (strcmp(aggregate_row[i].name, name) == 0)
			return true;
	return false;
}

bool ens_sema_is_aggregate(const struct ens_expr *e)
{
	return e->kind == ENS_X_CALL && aggregate_of(e) != ENS_A_NONE;
}

/* ---- functions -------------------------------------------------------------------------------------------------- */

static enum ens_type letter_type(char c)
{
	static const char letters[] = "bifstdp";
	const char *p = strchr(letters, c);

	return p && c ? (enum ens_type)((unsigned)ENS_BOOL + (unsigned)(p - letters)) : ENS_BADTYPE;
}

/* The type that a row wants for argument i, ENS_BADTYPE when it takes no such argument. */
static enum ens_type wanted(const char *args, uint32_t i)
{
	size_t len = strlen(args);

	if (len >= 2 && args[len - 1] == '*' && i >= len - 2)
		return letter_type(args[len - 2]);
	return i < len ? letter_type(args[i]) : ENS_BADTYPE;
}

static bool takes_count(const char *args, uint32_t n)
{
	size_t len = strlen(args);

	return len && args[len - 1] == '*' ? n >= len - 1 : n == len;
}

/* strictness 0: types as they are; 1: ints become floats; 2: string literals become addresses and times too. */
static bool fits(const struct ens_expr *e, const char *args, int strictness)
{
	if (!takes_count(args, e->narg))
		return false;
	for (uint32_t i = 0; i < e->narg; i++) {
		enum ens_type want = wanted(args, i), t = e->arg[i]->type;

		if (t == want || t == ENS_NOTYPE || (strictness >= 1 && t == ENS_INT && want == ENS_FLOAT))
			continue;
		if (strictness >= 2 && t == ENS_STRING && e->arg[i]->kind == ENS_X_LITERAL &&
		    (want == ENS_TIME || want == ENS_IP))
			continue;
		return false;
	}
	return true;
}

static bool one_is(const struct ens_expr *e, enum ens_type type)
{
	for (uint32_t i = 0; i < e->narg; i++)
		if (e->arg[i]->type == type)
			return true;
	return false;
}

static void say_arguments(struct ens_view *v, const struct ens_expr *e)
{
	struct ens_buf has = ENS_BUF_EMPTY, wants = ENS_BUF_EMPTY;
	unsigned shown = 0;

	for (uint32_t i = 0; i < e->narg; i++)
		ens_buf_addf(&has, "%s%s", i ? ", " : "", ens_type_name(e->arg[i]->type));
	for (size_t i = 0; i < ENS_NFUNCTION && shown < 8; i++) {
		if (strcmp(ens_function_table[i].name, e->name) != 0)
			continue;
		ens_buf_addf(&wants, "%s%s(", shown++ ? ", " : "", e->name);
		for (uint32_t k = 0; ens_function_table[i].arguments[k] && ens_function_table[i].arguments[k] != '*';
		     k++)
			ens_buf_addf(&wants, "%s%s", k ? ", " : "",
				     ens_type_name(letter_type(ens_function_table[i].arguments[k])));
		ens_buf_adds(&wants, strchr(ens_function_table[i].arguments, '*') ? ", ...)" : ")");
	}

	struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_ARGUMENTS, e->at, "`%s` does not take (%s)", e->name,
					     ens_buf_cstr(&has));

	if (e->narg == 1 && e->arg[0]->kind == ENS_X_LITERAL && e->arg[0]->type == ENS_INT &&
	    strstr(ens_buf_cstr(&wants), "(duration)")) {
		const char unit = e->name[0] == 's' ? 's' : e->name[0] == 'm' ? 'm' : 'h';

		ens_diag_remedy(v->s->diag, m, "it takes a duration; %lld %s are written `%lld%c`", (long long)e->arg[0]->literal.i, e->name,
				(long long)e->arg[0]->literal.i, unit);
		ens_buf_free(&has);
		ens_buf_free(&wants);
		return;
	}
	ens_diag_remedy(v->s->diag, m, "it takes %s%s%s", ens_buf_cstr(&wants),
			one_is(e, ENS_IP) ? "; whether an address is in a network is `ip in \"10.0.0.0/8\"`" : "",
			strstr(ens_buf_cstr(&wants), "string") && !strstr(ens_buf_cstr(&wants), "int") && (one_is(e, ENS_INT) || one_is(e, ENS_FLOAT))
				? "; string(x) turns a number into a string" : "");
	ens_buf_free(&has);
	ens_buf_free(&wants);
}

bool ens_sema_is_builtin(const char *name)
{
	for (size_t i = 0; i < ENS_NFUNCTION; i++)
		if (strcmp(ens_function_table[i].name, name) == 0)
			return true;
	return ens_sema_is_aggregate_name(name) || strcmp(name, "step") == 0;
}

/* Functions of other languages, and what they are here. */
static const char *const foreign[][2] = {
	{"length", "write `len(s)`"},          {"lenght", "write `len(s)`"},         {"size", "write `len(s)`"},
	{"char_length", "write `len(s)`"},     {"substring", "write `substr(s, from, count)`"},
	{"tolower", "write `lower(s)`"},       {"to_lower", "write `lower(s)`"},     {"lcase", "write `lower(s)`"},
	{"toupper", "write `upper(s)`"},       {"to_upper", "write `upper(s)`"},     {"ucase", "write `upper(s)`"},
	{"median", "write `percentile(a.FIELD, 50)`"},
	{"average", "write `avg(a.FIELD)`"},   {"mean", "write `avg(a.FIELD)`"},     {"cnt", "write `count(a)`"},
	{"distinct", "write `count_distinct(a.FIELD)`"},                     {"dcount", "write `count_distinct(a.FIELD)`"},
	{"distinct_count", "write `count_distinct(a.FIELD)`"},               {"collect", "write `list(a.FIELD)`"},
	{"array_agg", "write `list(a.FIELD)`"},                              {"stdev", "write `stddev(a.FIELD)`"},
	{"ifnull", "write `x ?? 0`"},          {"nvl", "write `x ?? 0`"},            {"isnull", "write `x is null`"},
	{"power", "write `pow(x, y)`"},        {"ceiling", "write `ceil(x)`"},       {"ln", "write `log(x)`"},
	{"startswith", "write `starts_with(s, \"x\")`"},                     {"endswith", "write `ends_with(s, \"x\")`"},
	{"indexof", "write `contains(s, \"x\")`"},                           {"instr", "write `contains(s, \"x\")`"},
	{"regexp", "write `s matches \"a+b\"`"},                             {"cidrmatch", "write `ip in \"10.0.0.0/8\"`"},
	{"iif", "write `if CONDITION then A else B`"},                       {"tostring", "write `string(x)`"},
	{"to_string", "write `string(x)`"},    {"now", "there is no clock in rules: say the time of an event, as in `a.time`"},
	{"strlen", "write `len(s)`"},          {"substr_count", "write `contains(s, \"x\")`"},
	{"tolowercase", "write `lower(s)`"},   {"touppercase", "write `upper(s)`"},  {"strip", "write `trim(s)`"},
	{"regex", "write `s matches \"a+b\"`"},                              {"regexp_like", "write `s matches \"a+b\"`"},
	{"rlike", "write `s matches \"a+b\"`"},                              {"match_regex", "write `s matches \"a+b\"`"},
	{"wildcard", "write `s like \"a*b\"`"},                              {"inrange", "write `ip in \"10.0.0.0/8\"`"},
	{"mod", "write `x % y`"},              {"iff", "write `if CONDITION then A else B`"},
	{"isnotnull", "write `x is not null`"},                              {"exists", "write `x is not null`"},
	{"cast", "values are converted by `int(x)`, `float(x)`, `string(x)` and `time(x)`"},
	{"range", "a range is written `n between 1 and 5`"},                 {"str", "write `string(x)`"},
	{"parseint", "write `int(s)`"},        {"parsefloat", "write `float(s)`"},   {"to_timestamp", "write `time(s)`"},
	{"lag", "the event before is `prev`, as in `prev.n`"},               {"prev", "the event before is `prev`, as in `prev.n`"},
	{"previous", "the event before is `prev`, as in `prev.n`"},          {"next", "no rule sees what is still to come: name a later step, and look back from it"},
	{"uuid", "each emission has an `_id` of its own"},
	{"random", "one in twenty by its value is `hash(x) % 100 < 5`"},     {"rand", "one in twenty by its value is `hash(x) % 100 < 5`"},
	{"env", "a value from outside is `param NAME: int = 5` and `--set NAME=8`"},
	{"lookup", "what is looked up by a key is a table: `Account[id].owner`"},
	{"lead", "no rule sees what is still to come: name a later step, and look back from it"},
	{"quantile", "write `percentile(a.FIELD, 95)`"},                     {"percentile_cont", "write `percentile(a.FIELD, 95)`"},
	{"p50", "write `percentile(a.FIELD, 50)`"},                          {"p90", "write `percentile(a.FIELD, 90)`"},
	{"p95", "write `percentile(a.FIELD, 95)`"},                          {"p99", "write `percentile(a.FIELD, 99)`"},
	{"distance", "write `km(lat1, lon1, lat2, lon2)`"},                  {"haversine", "write `km(lat1, lon1, lat2, lon2)`"},
	{"datediff", "two times are subtracted, as in `b.time - a.time`"},   {"timestampdiff", "two times are subtracted, as in `b.time - a.time`"},
	{"dayofweek", "write `weekday(t)`"},   {"date", "write `date_trunc(\"day\", t)`"},
	{"strftime", "write `format_time(t, \"%F\")`"},                      {"variance", "write `pow(stddev(a.FIELD), 2)`"},
	{"current_timestamp", "there is no clock in rules: say the time of an event, as in `a.time`"},
};

void ens_sema_unknown_function(struct ens_sema *s, const struct ens_expr *e)
{
	const char *candidate[ENS_NFUNCTION + NAGGREGATE + DECLARED_MAX];
	size_t n = 0;

	if (ens_sema_find_function(s, e->name) || s->imports)
		return; /* what is wrong with it was told */

	struct ens_message *m = ens_diag_add(s->diag, ENS_E_UNKNOWN_FUNCTION, e->op_at.len ? e->op_at : e->at,
					     "there is no function `%s`", e->name);

	for (size_t i = 0; i < ENS_NFUNCTION; i++)
		if (!i || strcmp(ens_function_table[i].name, ens_function_table[i - 1].name) != 0)
			candidate[n++] = ens_function_table[i].name;
	for (size_t i = 0; i < NAGGREGATE; i++)
		candidate[n++] = aggregate_row[i].name;
	for (uint32_t i = 0, k = 0; i < s->ndecl && s->fn_map.n && k < DECLARED_MAX; i++)
		if (s->decl[i]->kind == ENS_D_FN && s->decl[i]->name.name) {
			candidate[n++] = s->decl[i]->name.name;
			k++;
		}
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		if (ens_same_word((struct ens_words){e->name, strlen(e->name)}, foreign[i][0])) {
			ens_diag_remedy(s->diag, m, "%s", foreign[i][1]);
			return;
		}
	ens_sema_suggest(s, m, e->name, candidate, n);
	if (!m->remedy)
		ens_diag_remedy(s->diag, m, "look for it among the functions of the language, or declare it: `fn %s(x) = ...`", e->name);
}

static struct ens_expr_sema *new_sema(struct ens_view *v, struct ens_expr *e, enum ens_mean what)
{
	e->sema = ens_arena_zalloc(v->s->arena, sizeof *e->sema);
	if (e->sema)
		e->sema->mean = what;
	return e->sema;
}

/* coalesce(a, b, ...) is a ?? b ?? ...: any one type. */
static enum ens_type coalesce_type(struct ens_view *v, struct ens_expr *e)
{
	enum ens_type type = ENS_NOTYPE;

	e->optional = true;
	for (uint32_t i = 0; i < e->narg; i++) {
		enum ens_type t = e->arg[i]->type;

		e->optional &= e->arg[i]->optional;
		if (type == ENS_NOTYPE || (type == ENS_INT && t == ENS_FLOAT) ||
		    (type == ENS_STRING && (t == ENS_IP || t == ENS_TIME)))
			type = t;
	}
	for (uint32_t i = 0; i < e->narg; i++) {
		enum ens_type t = e->arg[i]->type;

		if (t == type || t == ENS_NOTYPE || (t == ENS_INT && type == ENS_FLOAT) ||
		    ens_sema_coerce(v, e->arg[i], type))
			continue;
		if (e->arg[i]->type != ENS_BADTYPE)
			say_arguments(v, e);
		return ENS_BADTYPE;
	}
	if (!e->narg)
		say_arguments(v, e);
	if (!e->narg || !new_sema(v, e, ENS_MEAN_COALESCE))
		return ENS_BADTYPE;
	return type;
}

/* `a`, `a.x`: as an aggregate takes it. */
static bool is_of_step(struct ens_view *v, const struct ens_expr *e)
{
	const struct ens_expr *base = e->kind == ENS_X_MEMBER ? e->arg[0] : e;

	return base->kind == ENS_X_NAME && ens_sema_find_step(v, base->name);
}

static bool is_text(const struct ens_expr *e)
{
	return e->kind == ENS_X_LITERAL && e->lit_type == ENS_STRING;
}

/* The unit of date_trunc; says so if it is a literal that is none. */
static bool known_unit(struct ens_view *v, const struct ens_expr *e)
{
	static const char *const units[] = {"second", "minute", "hour", "day", "week", "month", "quarter", "year"};
	const struct ens_expr *unit = e->narg ? e->arg[0] : NULL;
	struct ens_message *m;

	if (!unit || strcmp(e->name, "date_trunc") != 0 || !is_text(unit))
		return true;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strlen(units[i]) == unit->literal.len && memcmp(units[i], unit->literal.s, unit->literal.len) == 0)
			return true;
	m = ens_diag_add(v->s->diag, ENS_E_LITERAL, unit->at, "a time is cut to no such unit");
	ens_diag_remedy(v->s->diag, m, "units are \"second\", \"minute\", \"hour\", \"day\", \"week\", \"month\", \"quarter\" and \"year\"");
	return false;
}

/* The format of format_time: `%` and a letter for each part; says so if it is a literal with others, or of Java's. */
static bool known_format(struct ens_view *v, const struct ens_expr *e)
{
	static const char letters[] = "YmdHMSyjuaAbBFTfszZ%";
	const struct ens_expr *format = e->narg > 1 ? e->arg[1] : NULL;
	const char *s, *bad = NULL;
	bool any = false, java = false;

	if (!format || strcmp(e->name, "format_time") != 0 || !is_text(format))
		return true;
	s = format->literal.s;
	for (size_t i = 0; i < format->literal.len && !bad; i++) {
		java |= i > 0 && s[i] == 'y' && s[i - 1] == 'y';
		if (s[i] != '%')
			continue;
		any = true;
		bad = i + 1 < format->literal.len && s[i + 1] && strchr(letters, s[i + 1]) ? NULL : "this format has a `%` without a part of the time";
		i++;
	}
	if (java && !any)
		bad = "this format has no parts of the time";
	if (!bad)
		return true;
	ens_diag_remedy(v->s->diag, ens_diag_add(v->s->diag, ENS_E_LITERAL, format->at, "%s", bad),
			"they are written as in \"%%Y-%%m-%%d %%H:%%M:%%S\"; the sign itself is %%%%");
	return false;
}

static enum ens_type function_type(struct ens_view *v, struct ens_expr *e)
{
	bool known = false, bad = false;

	for (size_t i = 0; i < ENS_NFUNCTION; i++)
		known |= strcmp(ens_function_table[i].name, e->name) == 0;
	for (uint32_t i = 0; i < e->narg; i++) {
		if (!known && is_of_step(v, e->arg[i]))
			continue; /* right for what may have been meant */
		bad |= ens_sema_expr(v, e->arg[i]) == ENS_BADTYPE;
		e->optional |= e->arg[i]->optional;
	}
	if (!known) {
		ens_sema_unknown_function(v->s, e);
		return ENS_BADTYPE;
	}
	if (bad)
		return ENS_BADTYPE;
	if (strcmp(e->name, "coalesce") == 0)
		return coalesce_type(v, e);
	for (int strictness = 0; strictness <= 2; strictness++)
		for (size_t i = 0; i < ENS_NFUNCTION; i++) {
			if (strcmp(ens_function_table[i].name, e->name) != 0 ||
			    !fits(e, ens_function_table[i].arguments, strictness))
				continue;
			for (uint32_t k = 0; k < e->narg && strictness == 2; k++)
				if (e->arg[k]->type == ENS_STRING &&
				    wanted(ens_function_table[i].arguments, k) != ENS_STRING &&
				    !ens_sema_coerce(v, e->arg[k], wanted(ens_function_table[i].arguments, k)))
					return ENS_BADTYPE;

			struct ens_expr_sema *x = new_sema(v, e, ENS_MEAN_FUNCTION);

			if (!x)
				return ENS_BADTYPE;
			x->index = (uint32_t)i;
			if (i >= ENS_FN_HOUR_IN && i <= ENS_FN_FORMAT_TIME_IN &&
			    !ens_sema_zone(v->s, e->arg[e->narg - 1]))
				return ENS_BADTYPE;
			if (!known_unit(v, e) || !known_format(v, e))
				return ENS_BADTYPE;
			return ens_function_table[i].result;
		}
	say_arguments(v, e);
	return ENS_BADTYPE;
}

/* ---- aggregates ------------------------------------------------------------------------------------------------- */

static enum ens_type aggregate_error(struct ens_view *v, struct ens_span at, const char *text, const char *remedy,
				     const char *name)
{
	struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_AGGREGATE, at, text, name);

	if (remedy)
		ens_diag_remedy(v->s->diag, m, remedy, name);
	return ENS_BADTYPE;
}

/* In `where` the event at hand counts for its step, so of a single step there is nothing to aggregate. */
static bool is_single_at_hand(const struct ens_view *v, const struct ens_reach *t)
{
	return v->where && v->self && !t->repeated && ens_pat_contains(t->root, v->self);
}

/* An aggregate over a step that surely took one event: probably the step was to be repeated. */
static void warn_single(struct ens_view *v, const struct ens_expr *e, const struct ens_reach *t, enum ens_aggregate what)
{
	struct ens_message *m;

	if (t->repeated || v->partial || v->rule->over || e->call || e->arg[0]->kind == ENS_X_IF)
		return;
	for (const struct ens_pat *p = t->root; p && p != t->scope; p = p->sema->up)
		if (p->quantified || p->kind == ENS_P_ALT || (p->sema->up && p->sema->up->kind == ENS_P_ALT))
			return;
	if (what == ENS_A_COUNT)
		m = ens_diag_add(v->s->diag, ENS_W_SINGLE, e->at, "the step takes a single event, so there is nothing to count");
	else
		m = ens_diag_add(v->s->diag, ENS_W_SINGLE, e->at, "the step takes a single event, so `%s` has one value to look at",
				 e->name);
	ens_diag_second(v->s->diag, m, t->root->at, "it is not repeated");
	ens_diag_remedy(v->s->diag, m, what == ENS_A_COUNT ? "repeat the step, as in `A{3}` or `A+`"
							   : "name the field itself, or repeat the step, as in `A{3}` or `A+`");
}

static enum ens_type count_of(struct ens_view *v, struct ens_expr *e, const struct ens_name *name)
{
	struct ens_expr_sema *x = e->sema;
	bool may_lack;

	if (!ens_sema_target(v, name, &x->target, &may_lack)) {
		struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_NOT_TAKEN, e->arg[0]->at,
						     "the step `%s` is not taken yet here", name->name);

		ens_diag_second(v->s->diag, m, name->at, "it comes later");
		ens_diag_remedy(v->s->diag, m, "put the condition on `%s`, which sees the steps before it", name->name);
		return ENS_BADTYPE;
	}
	if (is_single_at_hand(v, &x->target))
		return aggregate_error(v, e->at, "`%s` is a single event here, there is nothing to count",
				       "name its fields: `%s.FIELD`", name->name);
	if (!name->group)
		warn_single(v, e, &x->target, ENS_A_COUNT);
	x->counts_events = true;
	return ENS_INT;
}

static enum ens_type result_type(struct ens_view *v, const struct ens_expr *e, enum ens_aggregate what, enum ens_type t)
{
	bool number = t == ENS_INT || t == ENS_FLOAT;
	struct ens_message *m;

	switch (what) {
	case ENS_A_COUNT:
	case ENS_A_COUNT_DISTINCT:
		return ENS_INT;
	case ENS_A_LIST:
	case ENS_A_SET:
		return ENS_LIST;
	case ENS_A_SUM:
	case ENS_A_AVG:
	case ENS_A_STDDEV:
	case ENS_A_PERCENTILE:
		if (number)
			return what == ENS_A_SUM ? t : ENS_FLOAT;
		m = ens_diag_add(v->s->diag, ENS_E_TYPES, e->arg[0]->at, "`%s` needs numbers, this is of type %s",
				 e->name, ens_type_name(t));
		if (t == ENS_DURATION)
			ens_diag_remedy(v->s->diag, m, "use seconds(d), a number");
		else if (t == ENS_STRING)
			ens_diag_remedy(v->s->diag, m, "use float(s) or int(s)");
		else if (t == ENS_TIME)
			ens_diag_remedy(v->s->diag, m, "times have `min` and `max`; a length is `last(a).time - first(a).time`");
		else if (t == ENS_BOOL)
			ens_diag_remedy(v->s->diag, m, "how many it holds for is `count(a[ok])`");
		else
			ens_diag_remedy(v->s->diag, m, "how many different ones there are is `count_distinct(a.FIELD)`");
		return ENS_BADTYPE;
	case ENS_A_MIN:
	case ENS_A_MAX:
		if (t != ENS_BOOL && t != ENS_IP)
			return t;
		m = ens_diag_add(v->s->diag, ENS_E_TYPES, e->arg[0]->at, "values of type %s have no order, so no %s",
				 ens_type_name(t), e->name);
		ens_diag_remedy(v->s->diag, m, t == ENS_BOOL ? "how many it holds for is `count(a[ok])`"
							     : "those that there are is `set(a.FIELD)`, the last one `last(a).FIELD`");
		return ENS_BADTYPE;
	default:
		return t;
	}
}

static enum ens_type over_expression(struct ens_view *v, struct ens_expr *e, enum ens_aggregate what)
{
	struct ens_view inner = *v;
	struct ens_reach over = {0};

	inner.ranged = true;
	inner.over = &over;

	enum ens_type t = ens_sema_expr(&inner, e->arg[0]);

	if (t == ENS_BADTYPE)
		return t;
	if (!over.npat)
		return v->rule->over ? aggregate_error(v, e->arg[0]->at,
						       "`%s` ranges over the events of an input, and this names none",
						       "name a field of an input: `%s(INPUT.FIELD)`", e->name)
				     : aggregate_error(v, e->arg[0]->at,
						       "`%s` ranges over the events of a step, and this names none",
						       "name a field of a step: `%s(STEP.FIELD)`", e->name);
	if (is_single_at_hand(v, &over))
		return aggregate_error(v, e->at, "`%s` is over a step that takes a single event",
				       "name the field itself, without `%s`", e->name);
	if (t == ENS_NOTYPE)
		return aggregate_error(v, e->arg[0]->at, "`%s` of null is always null", NULL, e->name);
	warn_single(v, e, &over, what);
	e->sema->target = over;
	e->optional = what != ENS_A_COUNT && what != ENS_A_SUM && what != ENS_A_COUNT_DISTINCT && what != ENS_A_LIST &&
		      what != ENS_A_SET;
	return result_type(v, e, what, t);
}

static enum ens_type aggregate_type(struct ens_view *v, struct ens_expr *e, enum ens_aggregate what)
{
	struct ens_expr_sema *x = new_sema(v, e, ENS_MEAN_AGGREGATE);

	if (!x)
		return ENS_BADTYPE;
	x->aggregate = what;
	if (v->ranged)
		return aggregate_error(v, e->at, "`%s`: one aggregate can't stand inside another", NULL, e->name);
	if (!v->rule || v->no_match)
		return aggregate_error(v, e->at, "`%s` ranges over the events of a match, and here is none", NULL,
				       e->name);
	if (v->input)
		return aggregate_error(v, e->at, "single events are let into the window here, and `%s` is of many",
				       "what the window has in all is judged by `having`", e->name);
	if (e->narg == 0 && what == ENS_A_COUNT)
		return ens_sema_count_all(v, e);
	if (e->narg != 1 && what != ENS_A_PERCENTILE)
		return aggregate_error(v, e->at, "`%s` takes one argument",
				       what == ENS_A_COUNT ? "as in `%s(a)`, of the step `a`, or `count(a[n > 3])` of some of its events"
							   : "as in `%s(a.FIELD)`, of the step `a`, or of some of its events `a[n > 3].FIELD`",
				       e->name);
	if (!ens_sema_collects(v, e, what) || !ens_sema_narrow(v, e))
		return ENS_BADTYPE;

	struct ens_expr *arg = e->arg[0];

	if (arg->kind != ENS_X_NAME)
		return over_expression(v, e, what);

	uint32_t i = ens_map_find_name(&v->rule->name_map, arg->name);

	if (i == ENS_MAP_NONE)
		return over_expression(v, e, what);
	if (what == ENS_A_COUNT)
		return count_of(v, e, v->rule->name[i]);

	struct ens_message *m =
		ens_diag_add(v->s->diag, ENS_E_AGGREGATE, e->at, "`%s` needs a value, `%s` is a whole %s", e->name,
			     arg->name, v->rule->name[i]->group ? "group" : "event");

	if (!v->rule->name[i]->group)
		ens_diag_remedy(v->s->diag, m,
				what == ENS_A_FIRST || what == ENS_A_LAST ? "name a field of it: `%s(%s).FIELD`"
				: what == ENS_A_PERCENTILE		  ? "name a field of it: `%s(%s.FIELD, 95)`"
									  : "name a field of it: `%s(%s.FIELD)`",
				e->name, arg->name);
	return ENS_BADTYPE;
}

/* step(): the name of the step that had to come next. */
static enum ens_type step_name(struct ens_view *v, struct ens_expr *e)
{
	struct ens_message *m;

	if (e->narg) {
		m = ens_diag_add(v->s->diag, ENS_E_ARGUMENTS, e->at, "`step` takes no argument");
		ens_diag_remedy(v->s->diag, m, "say `step()`");
		return ENS_BADTYPE;
	}
	if (!v->partial || v->ranged) {
		m = ens_diag_add(v->s->diag, ENS_E_TIMEOUT, e->at, "`step()` names what a partial match still waits for, and here is none");
		ens_diag_remedy(v->s->diag, m, "use it in what `on timeout emit` tells");
		return ENS_BADTYPE;
	}
	return new_sema(v, e, ENS_MEAN_STEP_NAME) ? ENS_STRING : ENS_BADTYPE;
}

enum ens_type ens_sema_call(struct ens_view *v, struct ens_expr *e)
{
	enum ens_aggregate what = aggregate_of(e);

	if (ens_sema_find_function(v->s, e->name)) /* it could not be written out, which was told */
		return ENS_BADTYPE;
	if (strcmp(e->name, "step") == 0)
		return step_name(v, e);
	return what == ENS_A_NONE ? function_type(v, e) : aggregate_type(v, e, what);
}
