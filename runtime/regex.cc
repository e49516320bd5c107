/*
 * RE2 behind the C functions of runtime/program.h.
 *
 * RE2 searches in time linear in the text and within a stated memory, whatever the expression; an expression that needs
 * more to be compiled is refused.  Each expression is compiled once.
 * Tested by tests/unit/test_program.c.
 */
#include <re2/re2.h>

#include <new>

extern "C" {
#include "base/text.h"
#include "runtime/program.h"
}

struct ens_patterns {
	uint32_t count;
	RE2 **re;
};

namespace {

RE2::Options options()
{
	RE2::Options o;

	o.set_log_errors(false);
	o.set_max_mem(int64_t{8} << 20);
	return o;
}

RE2 *compile(const char *s, size_t len, struct ens_error *err)
{
	RE2 *re = new (std::nothrow) RE2(re2::StringPiece(s, len), options());

	if (!re) {
		(void)ens_fail(err, ENS_ENOMEM, "no memory for a regular expression");
		return nullptr;
	}
	if (!re->ok()) {
		(void)ens_fail(err, ENS_EINPUT, "not a regular expression: %s", re->error().c_str());
		delete re;
		return nullptr;
	}
	return re;
}

} // namespace

extern "C" struct ens_patterns *ens_patterns_open(const struct ens_tables *t, struct ens_error *err)
{
	struct ens_patterns *p = new (std::nothrow) ens_patterns{0, nullptr};

	if (p)
		p->re = new (std::nothrow) RE2 *[t->npattern + size_t{1}];
	if (!p || !p->re) {
		(void)ens_fail(err, ENS_ENOMEM, "no memory for the regular expressions");
		delete p;
		return nullptr;
	}
	for (; p->count < t->npattern; p->count++) {
		const struct ens_t_str *s = &t->pattern[p->count];

		p->re[p->count] = compile(t->bytes + s->off, s->len, err);
		if (!p->re[p->count]) {
			ens_patterns_close(p);
			return nullptr;
		}
	}
	return p;
}

extern "C" void ens_patterns_close(struct ens_patterns *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < p->count; i++)
		delete p->re[i];
	delete[] p->re;
	delete p;
}

extern "C" bool ens_patterns_find(const struct ens_patterns *p, uint32_t i, const char *s, size_t len)
{
	return RE2::PartialMatch(re2::StringPiece(len > 0 ? s : "", len), *p->re[i]);
}

extern "C" bool ens_pattern_valid(const char *s, size_t len, struct ens_error *err)
{
	RE2 *re = compile(s, len, err);

	delete re;
	return re != nullptr;
}
