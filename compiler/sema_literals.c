/*
 * String literals that stand for addresses, networks and times: typed by what they stand beside.
 * The node keeps its text; its type and sema->value are those of what it stands for.  Tested by tests/lang/sema_types.test.
 */
#include "compiler/sema.h"

#include <string.h>

#include "base/text.h"
#include "compiler/sema_private.h"

static bool set_value(struct ens_view *v, struct ens_expr *e, enum ens_type type, struct ens_value value, uint32_t bits)
{
	e->sema = ens_arena_zalloc(v->s->arena, sizeof *e->sema);
	if (!e->sema)
		return false;
	e->sema->value = value;
	e->sema->index = bits;
	e->type = type;
	return true;
}

static bool set_address(struct ens_view *v, struct ens_expr *e, const uint8_t bytes[16], unsigned bits)
{
	const char *copy = ens_arena_strndup(v->s->arena, (const char *)bytes, 16);

	return copy && set_value(v, e, ENS_IP, (struct ens_value){.s = copy, .len = 16}, bits);
}

static void say_bad(struct ens_view *v, struct ens_expr *e, const char *what, const char *example)
{
	struct ens_buf shown = ENS_BUF_EMPTY;
	struct ens_message *m;

	ens_buf_add_visible(&shown, e->literal.s, e->literal.len < 100 ? e->literal.len : 100);
	m = ens_diag_add(v->s->diag, ENS_E_LITERAL, e->at, "\"%s\" is no %s", ens_buf_cstr(&shown), what);
	ens_diag_remedy(v->s->diag, m, "write it like %s", example);
	ens_buf_free(&shown);
	e->type = ENS_BADTYPE;
}

bool ens_sema_network(struct ens_view *v, struct ens_expr *e)
{
	uint8_t bytes[16];
	unsigned bits;

	if (!ens_parse_cidr(e->literal.s, e->literal.len, bytes, &bits)) {
		say_bad(v, e, "address or network", "\"10.0.0.0/8\", \"192.0.2.7\" or \"fc00::/7\"");
		return false;
	}
	return set_address(v, e, bytes, bits);
}

static bool coerce_literal(struct ens_view *v, struct ens_expr *e, enum ens_type want)
{
	uint8_t bytes[16];
	int64_t us;

	if (want == ENS_IP) {
		if (!ens_parse_ip(e->literal.s, e->literal.len, bytes)) {
			say_bad(v, e, "address", memchr(e->literal.s, '/', e->literal.len)
							 ? "\"192.0.2.7\" or \"2001:db8::1\"; for a network say `in`"
							 : "\"192.0.2.7\" or \"2001:db8::1\"");
			return false;
		}
		return set_address(v, e, bytes, 128);
	}
	/* An epoch number as a string would be a guess; only the full form counts. */
	if (!memchr(e->literal.s, 'T', e->literal.len) ||
	    !ens_parse_time(e->literal.s, e->literal.len, ENS_UNIT_AUTO, &us)) {
		say_bad(v, e, "time", "\"2026-01-05T08:00:00Z\"");
		return false;
	}
	return set_value(v, e, ENS_TIME, (struct ens_value){.i = us}, 0);
}

bool ens_sema_coerce(struct ens_view *v, struct ens_expr *e, enum ens_type want)
{
	if (e->type == want || e->type == ENS_NOTYPE)
		return true;
	if (e->type != ENS_STRING || (want != ENS_IP && want != ENS_TIME))
		return false;
	if (e->kind == ENS_X_LITERAL)
		return coerce_literal(v, e, want);
	if (e->kind != ENS_X_IF && e->kind != ENS_X_COALESCE)
		return false;
	for (uint32_t i = e->kind == ENS_X_IF ? 1 : 0; i < e->narg; i++) {
		if (ens_sema_coerce(v, e->arg[i], want))
			continue;
		if (e->arg[i]->type == ENS_BADTYPE)
			e->type = ENS_BADTYPE;
		return false;
	}
	e->type = want;
	return true;
}
