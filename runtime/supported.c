/*
 * Which parts of the tables the engine does not do yet: one row each.
 *
 * Cost: one look at every record.  Tested by tests/cli/supported.sh.
 */
#include "runtime/supported.h"

#include "runtime/program.h"

static enum ens_status missing(const struct ens_tables *t, const char *what, struct ens_t_str name, const char *piece,
			       struct ens_error *err)
{
	return ens_fail(err, ENS_ERULES, "%s `%.*s`: %s can be checked and compiled, but not run yet", what, (int)name.len,
			t->bytes + name.off, piece);
}

static const char *of_emit(const struct ens_t_emit *e)
{
	return e->target == ENS_T_HASH ? "`to hash`" : e->target == ENS_T_CHANNEL ? "`to channel`" : NULL;
}

static const char *of_rule(const struct ens_tables *t, const struct ens_t_rule *r)
{
	if (r->window != ENS_NONE)
		return "`window`";
	if (r->tables.count)
		return "a table";
	for (uint32_t i = 0; i < r->emits.count; i++)
		if (of_emit(&t->emit[r->emits.first + i]))
			return of_emit(&t->emit[r->emits.first + i]);
	return NULL;
}

static const char *of_type(const struct ens_t_type *y)
{
	if (y->shard_field != ENS_NONE)
		return "`sharded by`";
	return NULL;
}

enum ens_status ens_rule_supported(const struct ens_tables *t, uint32_t rule, struct ens_error *err)
{
	const char *piece = of_rule(t, &t->rule[rule]);

	return piece ? missing(t, "the rule", t->rule[rule].name, piece, err) : ENS_OK;
}

enum ens_status ens_tables_supported(const struct ens_tables *t, struct ens_error *err)
{
	const char *piece;

	for (uint32_t i = 0; i < t->nrule; i++)
		if (ens_rule_supported(t, i, err) != ENS_OK)
			return ENS_ERULES;
	for (uint32_t i = 0; i < t->ntype; i++)
		if ((piece = of_type(&t->type[i])))
			return missing(t, "the event type", t->type[i].name, piece, err);
	return ENS_OK;
}
