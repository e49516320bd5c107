/*
 * For each rule and reason: how much was told, and when.  Cost: a comparison for each, a few times a second at most.
 * Tested by tests/cli/http.sh, tests/cli/run.sh and tests/redis/http.sh.
 */
#include "runtime/io/ceilings.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"

#define OFTEN_US 60000000

struct told {
	uint64_t n;
	int64_t at_us; /* meaningful if n */
};

struct ens_ceilings {
	const struct ens_tables *t;
	struct told told[]; /* by rule and reason */
};

const char *ens_ceiling_reason(enum ens_ceiling c)
{
	static const char *const reason[ENS_NCEILING] = {
#define X(reason, member, words) #reason,
		ENS_CEILINGS(X)
#undef X
	};

	return reason[c];
}

uint64_t ens_ceiling_dropped(const struct ens_rule_stats *s, enum ens_ceiling c)
{
	const uint64_t n[ENS_NCEILING] = {
#define X(reason, member, words) s->member,
		ENS_CEILINGS(X)
#undef X
	};

	return n[c];
}

struct ens_ceilings *ens_ceilings_open(const struct ens_tables *t)
{
	struct ens_ceilings *c = calloc(1, sizeof(*c) + (size_t)t->nrule * ENS_NCEILING * sizeof(struct told));

	if (c)
		c->t = t;
	return c;
}

void ens_ceilings_close(struct ens_ceilings *c)
{
	free(c);
}

void ens_ceilings_tell(struct ens_ceilings *c, const struct ens_engine *e, int64_t now_us, bool all,
		       void (*say)(void *user, const char *line), void *user)
{
	static const char *const words[ENS_NCEILING] = {
#define X(reason, member, words) words,
		ENS_CEILINGS(X)
#undef X
	};
	struct ens_buf line = ENS_BUF_EMPTY;

	for (uint32_t i = 0; i < c->t->nrule; i++) {
		const struct ens_t_str name = c->t->rule[i].name;
		struct ens_rule_stats s;

		ens_engine_rule_stats(e, i, &s);
		for (unsigned k = 0; k < ENS_NCEILING; k++) {
			struct told *told = &c->told[(size_t)i * ENS_NCEILING + k];
			const uint64_t n = ens_ceiling_dropped(&s, k);

			if (n <= told->n || (told->n && !all && now_us - told->at_us < OFTEN_US))
				continue;
			*told = (struct told){n, now_us};
			ens_buf_clear(&line);
			ens_buf_adds(&line, "rule ");
			ens_buf_add_visible(&line, c->t->bytes + name.off, name.len);
			ens_buf_addf(&line, ": %" PRIu64 " %s", n, words[k]);
			say(user, ens_buf_cstr(&line));
		}
	}
	ens_buf_free(&line);
}
