/*
 * `ensue infer`: declarations of event types from entries of a file or a Redis stream.
 *
 * The entries are read by tools/infer_sources.c and judged by tools/infer.c.
 * Tested by tests/cli/infer.sh and tests/redis/infer.sh.
 */
#include "tools/cli.h"

#include <string.h>

#include "base/limits.h"
#include "base/text.h"
#include "runtime/io/redis_conn.h"
#include "tools/infer.h"

enum { OPT_REDIS, OPT_PASSWORD_FILE };

static const struct cli_option options[] = {
	[OPT_REDIS] = {"redis", 0, "URL", NULL, "it is a stream of this server, not a file"},
	[OPT_PASSWORD_FILE] = {"password-file", 0, "FILE", "ENSUE_PASSWORD_FILE", "the first line of this file is Redis's password"},
};

static enum cli_exit failed_with(enum ens_status st, const struct ens_error *err)
{
	cli_say("%s", err->text[0] ? err->text : "no memory");
	return cli_exit_of(st);
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

struct infer_args {
	const char *url, *password_file, *source;
};

/* The name of a file as that of a stream: "logs/logins.ndjson" gives logins. */
static void stream_of_file(const char *file, struct ens_buf *out)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file, *dot = strrchr(base, '.');
	const size_t len = dot && dot > base ? (size_t)(dot - base) : strlen(base);

	if (strcmp(file, "-") == 0 || len == 0)
		ens_buf_adds(out, "events");
	else
		ens_buf_add(out, base, len);
}

static enum cli_exit say_it(const struct infer_args *args, const struct infer *w)
{
	struct ens_buf out = ENS_BUF_EMPTY, stream = ENS_BUF_EMPTY;

	if (infer_taken(w) == 0) {
		cli_say("%s has no entry that could be declared, so there is nothing to say about it", args->source);
		return CLI_ENV;
	}
	if (args->url)
		ens_buf_adds(&stream, args->source);
	else
		stream_of_file(args->source, &stream);
	ens_buf_addf(&out, "# Inferred from %u entr%s: look through it.\n", infer_taken(w), infer_taken(w) == 1 ? "y" : "ies");
	infer_write(w, ens_buf_cstr(&stream), &out);
	out.failed |= stream.failed;
	const enum cli_exit code = cli_write(stdout, &out);

	ens_buf_free(&out);
	ens_buf_free(&stream);
	return code;
}

static enum cli_exit look(const struct cli_verb *verb, const struct infer_args *args)
{
	struct ens_redis_address address = {0};
	struct ens_error err = {""};
	struct ens_arena arena;

	if (args->url && ens_redis_address_parse(args->url, args->password_file, &address, &err) != ENS_OK)
		return cli_usage_error(verb, "%s", err.text[0] ? err.text : "no memory");
	ens_arena_init(&arena, ENS_COMPILE_MAX_BYTES);
	struct infer *w = infer_begin(&arena, args->url != NULL);
	struct infer_bad bad = {0};
	const enum ens_status st = !w ? ENS_ENOMEM
				   : args->url ? infer_stream(w, &address, args->source, &err)
					       : infer_file(w, args->source, &bad, &err);
	enum cli_exit code = st == ENS_OK ? CLI_DONE : failed_with(st, &err);

	if (bad.n)
		cli_say("%u of the entries can't be read and were left out; the first is line %llu: %s", bad.n,
			(unsigned long long)bad.first_line, bad.why.text);
	if (code == CLI_DONE && infer_left_out(w))
		cli_say("%u of the entries were left out: they are not UTF-8, or their `event` can't name a type, or there are too "
			"many types",
			infer_left_out(w));
	if (code == CLI_DONE)
		code = say_it(args, w);
	infer_end(w);
	ens_arena_free(&arena);
	ens_redis_address_free(&address);
	return code;
}

static enum cli_exit take(const struct cli_verb *verb, int index, const char *value, void *to)
{
	struct infer_args *out = to;

	(void)verb;
	*(index == OPT_REDIS ? &out->url : &out->password_file) = value;
	return CLI_DONE;
}

static enum cli_exit look_at(const struct cli_verb *verb, char **word, int n, void *to)
{
	struct infer_args *args = to;

	if (n != 1)
		return cli_usage_error(verb, "it takes one file, or one stream with --redis URL");
	args->source = word[0];
	if (ens_utf8_valid(args->source, strlen(args->source)) != strlen(args->source) || !args->source[0])
		return cli_usage_error(verb, "the name is empty or not UTF-8, so no rule could name it");
	return look(verb, args);
}

static enum cli_exit run(const struct cli_verb *verb, int argc, char **argv)
{
	const struct cli_taker taker = {take, look_at};
	struct infer_args args = {0};

	return cli_take(verb, argc, argv, &taker, &args);
}

const struct cli_verb verb_infer = {
	.name = "infer",
	.summary = "write event declarations from what a file or stream holds",
	.usage = "FILE | STREAM --redis URL [--password-file FILE]",
	.about = "Looks at up to 1,000 entries of an NDJSON or CSV file (`-`: standard input), or at the newest ones\n"
		 "of a Redis stream, and prints the declaration of their event types: the narrowest type for each\n"
		 "field that takes all values seen, with `?` where it may be missing. Look through it before use: what\n"
		 "did not occur could not be seen.\n",
	.option = options,
	.noption = CLI_COUNT(options),
	.run = run,
};
