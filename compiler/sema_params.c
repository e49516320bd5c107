/*
 * Parameters: their values, what `--set` makes of them, and literals in the place of their names.
 *
 * A parameter's value is one literal, with a sign if it is a number.  Where its name means it, the name's node becomes
 * that literal, so that everything behind the checker sees only literals.  Tested by tests/lang/params.test and
 * tests/cli/params.sh.
 */
#include "compiler/sema.h"

#include <string.h>

#include "base/text.h"
#include "compiler/sema_private.h"

#define CANDIDATES_MAX 256u

struct ens_decl *ens_sema_find_param(struct ens_sema *s, const char *name)
{
	uint32_t i = name ? ens_map_find_name(&s->param_map, name) : ENS_MAP_NONE;

	return i == ENS_MAP_NONE ? NULL : s->decl[i];
}

bool ens_sema_put_param(struct ens_sema *s, struct ens_expr *e)
{
	struct ens_decl *p = e && e->kind == ENS_X_NAME ? ens_sema_find_param(s, e->name) : NULL;
	const struct ens_expr *value = p ? p->sema->value : NULL;

	if (!p)
		return false;
	p->sema->used = true;
	if (!value) /* wrong, told where it is declared */
		return true;
	e->kind = ENS_X_LITERAL;
	e->lit_type = e->type = value->lit_type;
	e->literal = value->literal;
	e->optional = false;
	e->sema = NULL;
	if (e->lit_type == ENS_IP) {
		e->sema = ens_arena_zalloc(s->arena, sizeof *e->sema);
		if (e->sema) {
			e->sema->value = value->literal;
			e->sema->index = 128; /* an address, no network */
		}
	}
	return true;
}

/* ---- values ----------------------------------------------------------------------------------------------------- */

static const char *example_of(enum ens_type t)
{
	static const char *const example[ENS_NTYPE] = {
		[ENS_BOOL] = "true or false", [ENS_INT] = "a whole number, such as 5", [ENS_FLOAT] = "a number, such as 0.5",
		[ENS_STRING] = "a string, such as \"text\"", [ENS_TIME] = "a time, such as \"2026-01-05T08:00:00Z\"",
		[ENS_DURATION] = "a duration, such as 30s", [ENS_IP] = "an address, such as \"192.0.2.7\"",
	};

	return example[t];
}

/* A text as a value of a type of which the language has no literals, or of any type for `--set`. */
static bool from_text(struct ens_sema *s, enum ens_type type, const char *text, size_t len, struct ens_value *out)
{
	uint8_t bytes[16];
	bool truth;

	*out = (struct ens_value){.null = ENS_SET};
	switch (type) {
	case ENS_BOOL:
		truth = len == 4 && memcmp(text, "true", 4) == 0;
		out->i = truth;
		return truth || (len == 5 && memcmp(text, "false", 5) == 0);
	case ENS_INT:
		return ens_parse_int(text, len, &out->i) && out->i != INT64_MIN;
	case ENS_FLOAT:
		return ens_parse_float(text, len, &out->f);
	case ENS_DURATION: /* with its unit: a bare number is a slip, but for 0 */
		return len && ((text[len - 1] >= 'a' && text[len - 1] <= 'z')) &&
		       ens_parse_duration(text, len, &out->i) && out->i != INT64_MIN;
	case ENS_TIME:
		return memchr(text, 'T', len) && ens_parse_time(text, len, ENS_UNIT_AUTO, &out->i);
	case ENS_IP:
		if (!ens_parse_ip(text, len, bytes))
			return false;
		out->s = ens_arena_strndup(s->arena, (const char *)bytes, 16);
		out->len = 16;
		return out->s != NULL;
	default:
		out->s = ens_arena_strndup(s->arena, text, len);
		out->len = (uint32_t)len;
		return out->s != NULL && ens_utf8_valid(text, len) == len;
	}
}

/* The literal of a declaration, with its sign, as a value of the parameter's type. */
static bool from_literal(struct ens_sema *s, enum ens_type type, const struct ens_expr *e, struct ens_value *out)
{
	bool minus = e->kind == ENS_X_NEG;
	const struct ens_expr *lit = minus ? e->arg[0] : e;

	if (lit->kind != ENS_X_LITERAL)
		return false;
	*out = lit->literal;
	out->null = ENS_SET;
	if (lit->lit_type == ENS_STRING && (type == ENS_TIME || type == ENS_IP))
		return !minus && from_text(s, type, lit->literal.s, lit->literal.len, out);
	if (lit->lit_type == ENS_INT && type == ENS_FLOAT)
		out->f = (double)lit->literal.i;
	else if (lit->lit_type != type)
		return false;
	if (!minus)
		return true;
	if (type == ENS_FLOAT)
		out->f = -out->f;
	else
		out->i = -out->i; /* a literal is not negative by itself */
	return type == ENS_INT || type == ENS_FLOAT || type == ENS_DURATION;
}

static void set_value(struct ens_sema *s, struct ens_decl *p, struct ens_value v)
{
	struct ens_expr *value = ens_arena_zalloc(s->arena, sizeof *value);

	if (!value)
		return;
	*value = (struct ens_expr){.kind = ENS_X_LITERAL, .at = p->at, .op_at = p->at, .lit_type = p->type, .literal = v};
	p->sema->value = value;
}

static void declared_value(struct ens_sema *s, struct ens_decl *p)
{
	struct ens_value v;
	struct ens_message *m;

	if (p->broken || !p->expr || p->type == ENS_NOTYPE)
		return;
	if (from_literal(s, p->type, p->expr, &v)) {
		set_value(s, p, v);
		return;
	}
	m = ens_diag_add(s->diag, ENS_E_PARAM, p->expr->at, "this is no value for the parameter `%s` of type %s",
			 p->name.name, ens_type_name(p->type));
	ens_diag_remedy(s->diag, m, "write %s", example_of(p->type));
}

/* ---- --set ------------------------------------------------------------------------------------------------------ */

static void say_unknown(struct ens_sema *s, const char *name)
{
	const char *candidate[CANDIDATES_MAX];
	size_t n = 0;
	struct ens_message *m =
		ens_diag_add(s->diag, ENS_E_PARAM, ENS_NO_SPAN, "--set %s: no rule file declares a parameter of that name", name);

	for (uint32_t i = 0; i < s->ndecl && n < CANDIDATES_MAX; i++)
		if (s->decl[i]->kind == ENS_D_PARAM && s->decl[i]->name.name)
			candidate[n++] = s->decl[i]->name.name;
	ens_sema_offer(s, m, name, "parameters", candidate, n);
}

static void set_from_outside(struct ens_sema *s, const struct ens_setting *set)
{
	struct ens_decl *p = ens_sema_find_param(s, set->name);
	struct ens_message *m;
	struct ens_value v;

	if (!p) {
		if (!s->imports) /* else it may be there */
			say_unknown(s, set->name);
		return;
	}
	if (p->broken || p->type == ENS_NOTYPE)
		return;
	if (from_text(s, p->type, set->value, strlen(set->value), &v)) {
		set_value(s, p, v);
		return;
	}
	m = ens_diag_add(s->diag, ENS_E_PARAM, ENS_NO_SPAN, "--set %s=%s: this is no value of type %s", set->name,
			 set->value, ens_type_name(p->type));
	ens_diag_second(s->diag, m, p->name.at, "the parameter is declared here");
	ens_diag_remedy(s->diag, m, "give %s%s", example_of(p->type),
			p->type == ENS_STRING || p->type == ENS_TIME || p->type == ENS_IP ? ", without the quotes" : "");
}

void ens_sema_params(struct ens_sema *s)
{
	for (uint32_t i = 0; i < s->ndecl && !s->arena->failed; i++)
		if (s->decl[i]->kind == ENS_D_PARAM)
			declared_value(s, s->decl[i]);
	for (size_t i = 0; i < s->nsetting && !s->arena->failed; i++)
		set_from_outside(s, &s->setting[i]);
}
