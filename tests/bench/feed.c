/*
 * Writes the login stream as Redis commands for `redis-cli --pipe`: `feed ENTRIES KEYS`.
 *
 * Entry IDs are given: 20 entries a millisecond from a fixed time, so that two million entries are 100 seconds of event
 * time whatever the machine.  The last six entries are an attack from 192.0.2.1, whose detection says that all was read.
 *
 * `feed ENTRIES KEYS DISORDER_US`: the same as NDJSON, with a time field `at` that is up to so much before the entry's place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/logins.h"

#define FIRST_MS 1767600000000u
#define PER_MS 20u

static void argument(const char *s)
{
	printf("$%zu\r\n%s\r\n", strlen(s), s);
}

static void entry(uint64_t i, const char *user, const char *ip, const char *ok, uint32_t agent, uint32_t port)
{
	static const char *const names[] = {"XADD", "bench:logins", "user", "ip", "ok", "agent", "port"};
	char id[48], number[16], name[16];

	snprintf(id, sizeof id, "%llu-%llu", (unsigned long long)(FIRST_MS + i / PER_MS), (unsigned long long)(i % PER_MS + 1));
	snprintf(name, sizeof name, "agent-%u", agent);
	snprintf(number, sizeof number, "%u", port);
	printf("*13\r\n");
	argument(names[0]);
	argument(names[1]);
	argument(id);
	argument(names[2]);
	argument(user);
	argument(names[3]);
	argument(ip);
	argument(names[4]);
	argument(ok);
	argument(names[5]);
	argument(name);
	argument(names[6]);
	argument(number);
}

static void line(uint64_t i, uint32_t nkey, uint64_t disorder_us)
{
	const struct login l = login_at(i, nkey);
	const uint64_t back_us = disorder_us ? login_mix(~i) % disorder_us : 0;

	printf("{\"user\":\"user-%u\",\"ip\":\"10.%u.%u.%u\",\"ok\":%s,\"agent\":\"agent-%u\",\"port\":%u,\"at\":%llu}\n", l.user,
	       l.ip >> 16 & 255, l.ip >> 8 & 255, l.ip & 255, l.ok ? "true" : "false", l.agent, l.port,
	       (unsigned long long)(FIRST_MS * UINT64_C(1000) + i * 1000 / PER_MS - back_us));
}

int main(int argc, char **argv)
{
	const uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	const uint32_t nkey = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	char user[24], ip[32];

	if (n < 6 || nkey == 0) {
		fprintf(stderr, "usage: feed ENTRIES KEYS [DISORDER_US]\n");
		return 2;
	}
	if (argc > 3) {
		for (uint64_t i = 0; i < n; i++)
			line(i, nkey, strtoull(argv[3], NULL, 10));
		return fflush(stdout) != 0;
	}
	for (uint64_t i = 0; i < n - 6; i++) {
		const struct login l = login_at(i, nkey);

		snprintf(user, sizeof user, "user-%u", l.user);
		snprintf(ip, sizeof ip, "10.%u.%u.%u", l.ip >> 16 & 255, l.ip >> 8 & 255, l.ip & 255);
		entry(i, user, ip, l.ok ? "1" : "0", l.agent, l.port);
	}
	for (uint64_t i = n - 6; i < n; i++)
		entry(i, "last", "192.0.2.1", i == n - 1 ? "1" : "0", 0, 0);
	return fflush(stdout) != 0;
}
