/* The key table against a plain array: keys come and go in any order, none is lost or confused with another. */
#include "runtime/keys.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <string.h>

void suite_keys(void);

static const struct ens_t_keypart parts[] = {
	{.type = ENS_STRING}, {.type = ENS_INT, .null_ok = 1}, {.type = ENS_BOOL}, {.type = ENS_IP}};
static const struct ens_t_keygroup groups[] = {{.parts = {0, 4}}, {.parts = {0, 0}}};
static const uint32_t fields[] = {0, 1, 2, 3};

static struct ens_tables tables(void)
{
	return (struct ens_tables){.keypart = parts, .nkeypart = 4, .keygroup = groups, .nkeygroup = 2};
}

/* The n-th of many different keys; texts that only differ in where one part ends and the next begins among them. */
static void nth(unsigned n, char text[32], char ip[16], struct ens_value v[4])
{
	memset(v, 0, 4 * sizeof *v);
	v[0].s = text;
	v[0].len = (uint32_t)snprintf(text, 32, "k%u", n / 4);
	v[1].i = n;
	v[1].null = n % 3 == 0 ? ENS_NULL : ENS_SET;
	v[2].i = n % 2;
	memset(ip, (int)(n % 7), 16);
	memcpy(ip, &n, sizeof n);
	v[3].s = ip;
	v[3].len = 16;
}

static void keys_come_and_go(void)
{
	enum { N = 3000 };
	static struct ens_key *have[N];
	struct ens_tables t = tables();
	struct ens_heap heap;
	struct ens_keys k;
	struct ens_value v[4], back[4];
	char text[32], ip[16];
	unsigned seed = 7, live = 0;
	bool valid;

	ens_heap_init(&heap);
	CU_ASSERT_EQUAL_FATAL(ens_keys_open(&k, &t, 0, &heap, 99), ENS_OK);
	for (int step = 0; step < 200000; step++) {
		seed = seed * 1664525u + 1013904223u;
		unsigned n = (seed >> 8) % N;

		nth(n, text, ip, v);
		CU_ASSERT_EQUAL_FATAL(ens_keys_encode(&k, fields, v, &valid), ENS_OK);
		CU_ASSERT_TRUE_FATAL(valid);
		CU_ASSERT_PTR_EQUAL_FATAL(ens_keys_find(&k), have[n]);
		if (have[n]) {
			ens_keys_decode(&k, have[n], back);
			CU_ASSERT(back[0].len == v[0].len && !memcmp(back[0].s, text, v[0].len));
			CU_ASSERT(back[1].null == v[1].null && (v[1].null || back[1].i == v[1].i));
			CU_ASSERT(back[2].i == v[2].i && !memcmp(back[3].s, ip, 16));
			ens_keys_drop(&k, have[n]);
			have[n] = NULL;
			live--;
		} else {
			have[n] = ens_keys_make(&k, n % 100);
			CU_ASSERT_PTR_NOT_NULL_FATAL(have[n]);
			memset(ens_key_room(have[n]), 0xee, n % 100);
			live++;
		}
		CU_ASSERT_EQUAL_FATAL(k.count, live);
	}
	ens_keys_close(&k);
	CU_ASSERT_EQUAL(heap.used_bytes, 0);
	ens_heap_close(&heap);
}

static void a_null_part_is_no_key_unless_it_may_be(void)
{
	struct ens_tables t = tables();
	struct ens_heap heap;
	struct ens_keys k;
	struct ens_value v[4];
	char text[32], ip[16];
	bool valid;

	ens_heap_init(&heap);
	CU_ASSERT_EQUAL_FATAL(ens_keys_open(&k, &t, 0, &heap, 1), ENS_OK);
	nth(1, text, ip, v);
	v[0].null = ENS_NULL;
	CU_ASSERT_EQUAL(ens_keys_encode(&k, fields, v, &valid), ENS_OK);
	CU_ASSERT_FALSE(valid);
	nth(3, text, ip, v);
	CU_ASSERT_EQUAL(ens_keys_encode(&k, fields, v, &valid), ENS_OK);
	CU_ASSERT_TRUE(valid);
	ens_keys_close(&k);
	ens_heap_close(&heap);
}

static void no_key_is_one_key(void)
{
	struct ens_tables t = tables();
	struct ens_heap heap;
	struct ens_keys k;
	bool valid;

	ens_heap_init(&heap);
	CU_ASSERT_EQUAL_FATAL(ens_keys_open(&k, &t, 1, &heap, 1), ENS_OK);
	CU_ASSERT_EQUAL(ens_keys_encode(&k, NULL, NULL, &valid), ENS_OK);
	CU_ASSERT_TRUE(valid);
	CU_ASSERT_PTR_NULL(ens_keys_find(&k));
	struct ens_key *key = ens_keys_make(&k, 0);

	CU_ASSERT_PTR_EQUAL(ens_keys_find(&k), key);
	ens_keys_close(&k);
	ens_heap_close(&heap);
}

void suite_keys(void)
{
	CU_pSuite s = CU_add_suite("keys", NULL, NULL);

	CU_add_test(s, "keys come and go", keys_come_and_go);
	CU_add_test(s, "a null part is no key unless it may be", a_null_part_is_no_key_unless_it_may_be);
	CU_add_test(s, "no key is one key", no_key_is_one_key);
}
