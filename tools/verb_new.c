/*
 * `ensue new`: a rule file with tests, and sample events to begin with, which work at once.
 *
 * Nothing that exists is overwritten: both files are made with O_EXCL, and the first is taken back if the second can't
 * be.  Tested by tests/cli/new.sh.
 */
#define _POSIX_C_SOURCE 200809L
#include "tools/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "dsl/words.h"

#define NAME_MAX_BYTES 64

/* NAME stands for the rule's name. */
static const char rules_text[] =
	"# Try it:  ensue run NAME.ens --input NAME.ndjson\n"
	"#     or:  ensue test NAME.ens\n"
	"\n"
	"## What an event looks like, and the stream that it comes from.\n"
	"event Login from \"logins\" { user: string, ip: ip, ok: bool, time: time }\n"
	"\n"
	"rule NAME \"Three failed logins, then a success, of one user inside a minute\"\n"
	"  key     user\n"
	"  match   fail: Login[not ok]{3,} -> hit: Login[ok]\n"
	"  within  1m\n"
	"  emit    Alert to \"alerts\" { user, ip: hit.ip, tries: count(fail), since: first(fail).time }\n"
	"\n"
	"test \"a success after three failures\" for NAME {\n"
	"  3 times every 1s  Login { user: \"bob\", ip: \"192.0.2.7\", ok: false }\n"
	"  at 9s             Login { user: \"bob\", ip: \"192.0.2.7\", ok: true }\n"
	"  expect Alert { user: \"bob\", tries: 3 }\n"
	"}\n"
	"\n"
	"test \"two failures are a slip\" for NAME {\n"
	"  2 times every 1s  Login { user: \"ann\", ip: \"198.51.100.4\", ok: false }\n"
	"  at 4s             Login { user: \"ann\", ip: \"198.51.100.4\", ok: true }\n"
	"  expect none\n"
	"}\n";

static const char sample_text[] =
	"{\"user\": \"ann\", \"ip\": \"198.51.100.4\", \"ok\": false, \"time\": \"2026-01-05T08:00:00Z\"}\n"
	"{\"user\": \"bob\", \"ip\": \"192.0.2.7\", \"ok\": false, \"time\": \"2026-01-05T08:00:01Z\"}\n"
	"{\"user\": \"bob\", \"ip\": \"192.0.2.7\", \"ok\": false, \"time\": \"2026-01-05T08:00:03Z\"}\n"
	"{\"user\": \"ann\", \"ip\": \"198.51.100.4\", \"ok\": true, \"time\": \"2026-01-05T08:00:04Z\"}\n"
	"{\"user\": \"bob\", \"ip\": \"192.0.2.7\", \"ok\": false, \"time\": \"2026-01-05T08:00:05Z\"}\n"
	"{\"user\": \"bob\", \"ip\": \"192.0.2.7\", \"ok\": true, \"time\": \"2026-01-05T08:00:09Z\"}\n";

/* A name of the language without back quotes; it is part of file names, too. */
static bool valid_name(const char *name)
{
	const size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

	return len > 0 && len <= NAME_MAX_BYTES && !name[len] && !(name[0] >= '0' && name[0] <= '9')
	       && ens_word_role(ens_word_code(name, len)) != ENS_WORD_RESERVED;
}

static int create(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0 && errno == EEXIST)
		cli_say("%s exists already, and nothing is overwritten: choose another name, or move it away", path);
	else if (fd < 0)
		cli_say("%s can't be made: %s", path, strerror(errno));
	return fd;
}

static bool write_and_close(int fd, const char *path, const struct ens_buf *text)
{
	FILE *f = fdopen(fd, "w");
	bool ok = f && fwrite(text->data, 1, text->len, f) == text->len;
	int error = errno;

	if (f && fclose(f) != 0) {
		ok = false;
		error = errno;
	} else if (!f) {
		close(fd);
	}
	if (!ok)
		cli_say("%s can't be written: %s", path, strerror(error));
	return ok;
}

static void fill_in(struct ens_buf *out, const char *text, const char *name)
{
	for (const char *hole; (hole = strstr(text, "NAME")); text = hole + 4) {
		ens_buf_add(out, text, (size_t)(hole - text));
		ens_buf_adds(out, name);
	}
	ens_buf_adds(out, text);
}

static enum cli_exit write_both(const char *rules_path, const char *sample_path, const struct ens_buf *rules,
				const struct ens_buf *sample)
{
	const int first = create(rules_path);
	const int second = first >= 0 ? create(sample_path) : -1;

	if (first < 0)
		return CLI_ENV;
	if (second < 0) {
		close(first);
		unlink(rules_path);
		return CLI_ENV;
	}
	const bool wrote_first = write_and_close(first, rules_path, rules);
	const bool wrote_second = write_and_close(second, sample_path, sample);

	if (wrote_first && wrote_second)
		return CLI_DONE;
	unlink(rules_path);
	unlink(sample_path);
	return CLI_ENV;
}

static enum cli_exit make(const char *name)
{
	struct ens_buf rules = ENS_BUF_EMPTY, sample = ENS_BUF_EMPTY;
	char rules_path[NAME_MAX_BYTES + 8], sample_path[NAME_MAX_BYTES + 8];
	enum cli_exit code = CLI_INTERNAL;

	snprintf(rules_path, sizeof rules_path, "%s.ens", name);
	snprintf(sample_path, sizeof sample_path, "%s.ndjson", name);
	fill_in(&rules, rules_text, name);
	ens_buf_adds(&sample, sample_text);
	if (rules.failed || sample.failed)
		cli_say("no memory");
	else
		code = write_both(rules_path, sample_path, &rules, &sample);
	if (code == CLI_DONE)
		fprintf(stderr, "%s and %s are written; try\n  ensue run %s --input %s\n  ensue test %s\n", rules_path,
			sample_path, rules_path, sample_path, rules_path);
	ens_buf_free(&rules);
	ens_buf_free(&sample);
	return code;
}

static enum cli_exit make_operands(const struct cli_verb *verb, char **word, int n, void *to)
{
	(void)to;
	if (n != 1)
		return cli_usage_error(verb, "it takes one name, for the rule and its files");
	if (!valid_name(word[0]))
		return cli_usage_error(verb, "`%s` can't be the name: it has 1 to %d letters, digits and `_`, begins with no "
					     "digit, and is no reserved word",
				       word[0], NAME_MAX_BYTES);
	return make(word[0]);
}

static enum cli_exit run(const struct cli_verb *verb, int argc, char **argv)
{
	const struct cli_taker taker = {.operands = make_operands};

	return cli_take(verb, argc, argv, &taker, NULL);
}

const struct cli_verb verb_new = {
	.name = "new",
	.summary = "write a rule file and sample events to begin with",
	.usage = "NAME",
	.about = "Writes NAME.ens, with an event, a rule and its tests, and NAME.ndjson, with events to try it on, into the\n"
		 "current folder. Nothing that exists is overwritten.\n",
	.run = run,
};
