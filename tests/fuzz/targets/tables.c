/*
 * Table files: any bytes under the right version and checksum.  Promise: refused with a reason, or safe to print and to run.
 */
#include "tests/fuzz/targets/targets.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/dump.h"

void fuzz_tables(const uint8_t *data, size_t len_bytes)
{
	/* of exactly this size, so that a look beyond is seen */
	void *bytes = malloc(len_bytes ? len_bytes : 1);
	const uint32_t version = ENS_TABLES_VERSION;
	struct ens_tables t;
	struct ens_error err = {""};
	struct ens_buf dump = ENS_BUF_EMPTY;

	fuzz_require(bytes != NULL, "there is memory");
	if (len_bytes)
		memcpy(bytes, data, len_bytes);
	if (len_bytes >= sizeof(struct ens_t_header)) {
		memcpy((char *)bytes + offsetof(struct ens_t_header, version), &version, sizeof version);
		ens_tables_seal(bytes, len_bytes);
	}
	if (ens_tables_open(bytes, len_bytes, &t, &err) == ENS_OK) {
		ens_tables_dump(&t, &dump);
		ens_buf_free(&dump);
		fuzz_play(&t, len_bytes);
	} else {
		fuzz_require(err.text[0] != '\0', "a refusal has a reason");
	}
	free(bytes);
}
