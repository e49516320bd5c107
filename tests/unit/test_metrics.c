/* Numbers as text for Prometheus: names of all kinds, numbers that are not there. */
#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/decode.h"
#include "runtime/io/metrics.h"
#include "tests/unit/hand_tables.h"

static void seconds_are_exact(void)
{
	static const struct {
		int64_t us;
		const char *text;
	} cases[] = {{0, "0.000000"},
		     {1, "0.000001"},
		     {-1, "-0.000001"},
		     {253402300799999999, "253402300799.999999"},
		     {INT64_MAX, "9223372036854.775807"},
		     {INT64_MIN, "-9223372036854.775808"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ens_buf b = ENS_BUF_EMPTY;

		ens_metrics_seconds(&b, cases[i].us);
		CU_ASSERT_STRING_EQUAL(ens_buf_cstr(&b), cases[i].text);
		ens_buf_free(&b);
	}
}

static void names_are_escaped_and_what_is_not_there_is_left_out(void)
{
	static const char *const name[] = {"a \"quoted\" \\ one\n", "\xff\xc3(\xe2\x82\xac", ""};
	struct ens_buf b = ENS_BUF_EMPTY;
	struct ens_metrics m;
	struct hand hand;
	int64_t *number;

	hand_init(&hand);
	ens_metrics_init(&m, hand_done(&hand), name, 3);
	number = ens_metrics_numbers(&m);
	CU_ASSERT_PTR_NOT_NULL_FATAL(number);
	ens_metrics_text(&m, number, &b);
	CU_ASSERT_EQUAL(b.len, 0);
	number[ens_metrics_at(&m, ENS_METRIC_LAG, 0, 0)] = 1500000;
	number[ens_metrics_at(&m, ENS_METRIC_LAG, 2, 0)] = 0;
	number[ens_metrics_at(&m, ENS_METRIC_LETTERS, 1, ENS_REJECT_BAD_TIME)] = 7;
	number[ens_metrics_at(&m, ENS_METRIC_STATE_BYTES, 0, 0)] = INT64_MAX;
	ens_metrics_text(&m, number, &b);
	CU_ASSERT_PTR_NOT_NULL(strstr(ens_buf_cstr(&b), "\nensue_stream_lag_seconds{stream=\"a \\\"quoted\\\" \\\\ one\\n\"} 1.500000\n"
							"ensue_stream_lag_seconds{stream=\"\"} 0.000000\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ens_buf_cstr(&b), "ensue_dead_letters_total{stream=\"\xef\xbf\xbd\xef\xbf\xbd(\xe2\x82\xac\","
							"reason=\"bad_time\"} 7\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(ens_buf_cstr(&b), "# HELP ensue_state_bytes Bytes of partial matches, keys and what they keep.\n"
							"# TYPE ensue_state_bytes gauge\nensue_state_bytes 9223372036854775807\n"));
	CU_ASSERT_PTR_NULL(strstr(ens_buf_cstr(&b), "ensue_entries_read_total"));
	free(number);
	ens_buf_free(&b);
}

void suite_metrics(void);

void suite_metrics(void)
{
	CU_pSuite s = CU_add_suite("metrics", NULL, NULL);

	CU_add_test(s, "seconds are exact", seconds_are_exact);
	CU_add_test(s, "names are escaped, and what is not there is left out", names_are_escaped_and_what_is_not_there_is_left_out);
}
