/*
 * What the fuzzer (tests/fuzz/fuzz.c) and the replay of its finds (tests/fuzz/replay.c) call: a target takes any bytes
 * and returns; a broken promise ends the process through abort().
 */
#ifndef ENS_TESTS_FUZZ_TARGETS_H
#define ENS_TESTS_FUZZ_TARGETS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "runtime/tables.h"

struct fuzz_target {
	const char *name;
	void (*run)(const uint8_t *data, size_t len_bytes);
};

extern const struct fuzz_target fuzz_targets[]; /* ends with a name of NULL */
const struct fuzz_target *fuzz_target(const char *name); /* NULL: there is none */

void fuzz_rules(const uint8_t *data, size_t len_bytes);
void fuzz_tables(const uint8_t *data, size_t len_bytes);
void fuzz_lines(const uint8_t *data, size_t len_bytes);
void fuzz_reply(const uint8_t *data, size_t len_bytes);
void fuzz_state(const uint8_t *data, size_t len_bytes);

/* Says what did not hold and aborts. */
void fuzz_require(int holds, const char *what);

/* Made-up events, always the same for the same seed, through an engine on these tables, up to the end of time. */
void fuzz_play(const struct ens_tables *t, uint64_t seed);

/* Compiles a rule text that is right, for the targets that need some tables.  The caller frees the bytes. */
struct ens_tables fuzz_compile(const char *text, struct ens_buf *bytes);

/* A batch in words, to be compared. */
struct ens_batch;
void fuzz_describe(const struct ens_tables *t, const struct ens_batch *b, struct ens_buf *out);

#endif
