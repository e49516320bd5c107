/*
 * Files that the command writes: whole or not at all.
 *
 * The new content is written beside the file and renamed, so that whoever reads sees the old one or the new one.
 * Tested by tests/cli/compile.sh and fmt.sh.
 */
#define _POSIX_C_SOURCE 200809L
#include "tools/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum cli_exit can_not_write(const char *name)
{
	cli_say("%s can't be written: %s", name, strerror(errno));
	return CLI_ENV;
}

enum cli_exit cli_write_and_close(int fd, const char *name, const struct ens_buf *bytes)
{
	size_t at = 0;

	if (fd < 0)
		return can_not_write(name);
	while (at < bytes->len) {
		ssize_t n = write(fd, bytes->data + at, bytes->len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			enum cli_exit code = can_not_write(name);

			close(fd);
			return code;
		}
		at += (size_t)n;
	}
	return close(fd) == 0 ? CLI_DONE : can_not_write(name);
}

enum cli_exit cli_replace_file(const char *name, const struct ens_buf *bytes, mode_t mode)
{
	struct ens_buf temp = ENS_BUF_EMPTY;

	ens_buf_addf(&temp, "%s.XXXXXX", name);
	ens_buf_addc(&temp, '\0');
	if (temp.failed) {
		cli_say("no memory");
		return CLI_INTERNAL;
	}
	const int fd = mkstemp(temp.data);
	enum cli_exit code = cli_write_and_close(fd, name, bytes);

	if (code == CLI_DONE && (chmod(temp.data, mode) != 0 || rename(temp.data, name) != 0))
		code = can_not_write(name);
	if (code != CLI_DONE && fd >= 0)
		unlink(temp.data);
	ens_buf_free(&temp);
	return code;
}
