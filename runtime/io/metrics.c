/*
 * The numbers of a run as text for Prometheus.
 *
 * Guarantee: whatever rules, streams and inputs are called, the text is valid: label values are escaped, and made UTF-8 if
 * they are not.  No value of a field is ever part of it.
 * Tested by tests/unit/test_metrics.c, tests/cli/http.sh and tests/redis/http.sh (with a strict parser, and promtool where
 * it is installed).
 */
#include "runtime/io/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/decode.h"

enum kind { COUNTER, GAUGE };
enum by { RUN, STREAM, TYPE, RULE, LETTER, CEILING };
enum unit { ONE, SECONDS };

static const struct {
	const char *name, *help;
	enum kind kind;
	enum by by;
	enum unit unit;
} metrics[ENS_NMETRIC] = {
#define X(symbol, name, type, by, unit, help) {name, help, type, by, unit},
#include "runtime/io/metrics.def"
#undef X
};

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static uint32_t how_many(const struct ens_metrics *m, enum by by)
{
	switch (by) {
	case STREAM:
	case LETTER:
		return m->nstream;
	case TYPE:
		return m->t->ntype;
	case RULE:
	case CEILING:
		return m->t->nrule;
	case RUN:
		break;
	}
	return 1;
}

static unsigned reasons(enum by by)
{
	return by == LETTER ? ENS_NREJECT : by == CEILING ? ENS_NCEILING : 1;
}

void ens_metrics_init(struct ens_metrics *m, const struct ens_tables *t, const char *const *stream, uint32_t nstream)
{
	*m = (struct ens_metrics){.t = t, .stream = stream, .nstream = nstream};
	for (unsigned i = 0; i < ENS_NMETRIC; i++) {
		m->first[i] = m->n;
		m->n += (size_t)how_many(m, metrics[i].by) * reasons(metrics[i].by);
	}
}

int64_t *ens_metrics_numbers(const struct ens_metrics *m)
{
	int64_t *number = calloc(m->n, sizeof(*number));

	for (size_t i = 0; number && i < m->n; i++)
		number[i] = ENS_METRIC_NOTHING;
	return number;
}

size_t ens_metrics_at(const struct ens_metrics *m, enum ens_metric metric, uint32_t i, unsigned reason)
{
	return m->first[metric] + (size_t)i * reasons(metrics[metric].by) + reason;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void add_escaped(struct ens_buf *b, const char *s, size_t len)
{
	while (len) {
		const size_t good = ens_utf8_valid(s, len);

		for (size_t i = 0; i < good; i++) {
			if (s[i] == '\n')
				ens_buf_adds(b, "\\n");
			else if (s[i] == '\\' || s[i] == '"')
				ens_buf_addf(b, "\\%c", s[i]);
			else
				ens_buf_addc(b, s[i]);
		}
		s += good;
		len -= good;
		if (len) { /* a byte that is not UTF-8 */
			ens_buf_adds(b, "\xef\xbf\xbd");
			s++;
			len--;
		}
	}
}

static void add_label(struct ens_buf *b, const char *name, const char *value, size_t len)
{
	ens_buf_addf(b, "%c%s=\"", b->data[b->len - 1] == '"' ? ',' : '{', name);
	add_escaped(b, value, len);
	ens_buf_addc(b, '"');
}

static void add_labels(const struct ens_metrics *m, enum by by, uint32_t i, unsigned reason, struct ens_buf *b)
{
	const struct ens_t_str *name = by == TYPE ? &m->t->type[i].name : by == RULE || by == CEILING ? &m->t->rule[i].name : NULL;
	const char *code;

	if (by == RUN || b->failed)
		return;
	if (name)
		add_label(b, by == TYPE ? "type" : "rule", m->t->bytes + name->off, name->len);
	else
		add_label(b, "stream", m->stream[i], strlen(m->stream[i]));
	if (by == LETTER || by == CEILING) {
		code = by == LETTER ? ens_reject_code((enum ens_reject_reason)reason) : ens_ceiling_reason((enum ens_ceiling)reason);
		add_label(b, "reason", code, strlen(code));
	}
	ens_buf_addc(b, '}');
}

void ens_metrics_seconds(struct ens_buf *b, int64_t us)
{
	const uint64_t size = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;

	ens_buf_addf(b, "%s%" PRIu64 ".%06" PRIu64, us < 0 ? "-" : "", size / 1000000, size % 1000000);
}

static void add_metric(const struct ens_metrics *m, enum ens_metric metric, const int64_t *number, struct ens_buf *b)
{
	const enum by by = metrics[metric].by;
	const unsigned nreason = reasons(by);
	const size_t n = (size_t)how_many(m, by) * nreason;
	bool told = false;

	for (size_t i = 0; i < n; i++) {
		if (number[m->first[metric] + i] == ENS_METRIC_NOTHING)
			continue;
		if (!told)
			ens_buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", metrics[metric].name, metrics[metric].help,
				     metrics[metric].name, metrics[metric].kind == COUNTER ? "counter" : "gauge");
		told = true;
		ens_buf_adds(b, metrics[metric].name);
		add_labels(m, by, (uint32_t)(i / nreason), (unsigned)(i % nreason), b);
		ens_buf_addc(b, ' ');
		if (metrics[metric].unit == SECONDS)
			ens_metrics_seconds(b, number[m->first[metric] + i]);
		else
			ens_buf_addf(b, "%" PRId64, number[m->first[metric] + i]);
		ens_buf_addc(b, '\n');
	}
}

void ens_metrics_text(const struct ens_metrics *m, const int64_t *number, struct ens_buf *out)
{
	for (unsigned i = 0; i < ENS_NMETRIC; i++)
		add_metric(m, (enum ens_metric)i, number, out);
}
