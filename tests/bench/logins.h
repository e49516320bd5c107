/*
 * A made-up login stream, the same for every measurement: event i is a pure function of i.
 *
 * `nkey` addresses; nine of ten events are ordinary people (one failure in ten), one of ten belongs to one of nkey / 100
 * attackers, who fail nine times out of ten.  So about one event in a hundred completes the brute-force rule.
 */
#ifndef ENS_TESTS_BENCH_LOGINS_H
#define ENS_TESTS_BENCH_LOGINS_H

#include <stdbool.h>
#include <stdint.h>

struct login {
	uint32_t ip;      /* number of the address; the address itself is 10.a.b.c */
	uint32_t user;
	uint32_t agent;
	uint32_t port;
	bool ok;
};

static inline uint64_t login_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static inline struct login login_at(uint64_t i, uint32_t nkey)
{
	const uint64_t r = login_mix(i);
	const bool attack = (r & 0xff) < 26;
	const uint32_t nattacker = nkey / 100 > 0 ? nkey / 100 : 1;
	const uint32_t pick = (uint32_t)(r >> 32);
	const uint32_t luck = (uint32_t)(r >> 8) & 0xff;

	return (struct login){
		.ip = attack ? pick % nattacker : pick % nkey,
		.user = pick % 5003,
		.agent = (uint32_t)(r >> 16) & 7,
		.port = (uint32_t)(r >> 19) & 0x7fff,
		.ok = attack ? luck < 26 : luck >= 26,
	};
}

#define LOGINS_RULES \
	"event Login from \"bench:logins\" { user: string, ip: ip, ok: bool, agent: string, port: int }\n" \
	"rule brute_force\n" \
	"  key     ip\n" \
	"  match   fail: Login[not ok]{5,} -> hit: Login[ok]\n" \
	"  within  1m\n" \
	"  emit    BruteForce to \"bench:alerts\" { ip, user: hit.user, tries: count(fail) }\n"

#endif
