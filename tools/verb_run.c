/*
 * `ensue run`: rules on Redis Streams (`--redis --job`) or on files (`--input`).
 *
 * This file understands the command line and hands over to runtime/io; the two kinds of source exclude each other.  The
 * first SIGTERM or SIGINT asks the run to end in order, the second ends the process at once.
 * Tested by tests/cli/run.sh, tests/cli/summary.sh, tests/cli/usage.sh and tests/redis.
 */
#define _POSIX_C_SOURCE 200809L
#include "tools/cli.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "runtime/io/file_run.h"
#include "runtime/io/http.h"
#include "runtime/io/redis_run.h"
#include "tools/summary.h"

#define JOB_MAX_BYTES 64
#define READ_SIZE_MAX 100000
#define GIVE_UP_US 60000000
#define MAX_SKEW_US 300000000
#define AHEAD_MAX 500000

/* X(symbol, name, letter, value's name, variable, help); the ones between REDIS and DEAD_MAX are for Redis alone */
#define OPTIONS(X) \
	X(REDIS, "redis", 0, "URL", "ENSUE_REDIS", \
	  "read streams of this server and write to it:\nredis://[[user]:password@]host[:port][/db]\n" \
	  "or unix:///path/to/socket[?db=N]") \
	X(JOB, "job", 0, "NAME", "ENSUE_JOB", \
	  "the name under which the job keeps how far it is") \
	X(PASSWORD_FILE, "password-file", 0, "FILE", "ENSUE_PASSWORD_FILE", \
	  "the first line of this file is Redis's password") \
	X(FROM, "from", 0, "WHERE", "ENSUE_FROM", \
	  "a new job begins at: start (default), now, an entry ID,\nor a time") \
	X(GIVE_UP, "give-up", 0, "DURATION", "ENSUE_GIVE_UP", \
	  "end when Redis could not be reached for so long (1m)") \
	X(MAX_SKEW, "max-skew", 0, "DURATION", "ENSUE_MAX_SKEW", \
	  "an event's time may be ahead of its entry's by that (5m)") \
	X(AHEAD, "ahead", 0, "N", "ENSUE_AHEAD", \
	  "events that may wait for a slower stream before the streams\nthat are ahead are not read meanwhile (100000)") \
	X(READ_SIZE, "read-size", 0, "N", "ENSUE_READ_SIZE", \
	  "entries of one stream in one read (1000)") \
	X(COMMIT_INTERVAL, "commit-interval", 0, "DURATION", "ENSUE_COMMIT_INTERVAL", \
	  "progress without emissions is written that often (5ms)") \
	X(DEAD_MAX, "dead-max", 0, "N", "ENSUE_DEAD_MAX", \
	  "dead letters kept, about (100000)") \
	X(MAX_EMISSIONS, "max-emissions", 0, "N", "ENSUE_MAX_EMISSIONS", \
	  "emissions of one rule at one event; what is beyond is\ndropped and counted (10000)") \
	X(INPUT, "input", 0, "FILE", NULL, \
	  "read NDJSON or CSV from this file (- is standard input)\nand print emissions as NDJSON; may be given more than\n" \
	  "once: the inputs are merged by time") \
	X(RULES, "rules", 'e', "TEXT", NULL, \
	  "these are the rules, or more of them; given more than once,\neach is a line") \
	X(AT_END, "at-end", 0, "WHAT", NULL, \
	  "when the inputs have ended: flush (default), time goes to\nits end; or hold, it stands still at the last event") \
	X(EVENT_FIELD, "event-field", 0, "NAME", NULL, \
	  "the member that names an event's type in an input\n(default: event, else _event)") \
	X(DEAD, "dead", 0, "FILE", NULL, \
	  "write the entries of the inputs that can't be used, with the\nreason, as NDJSON into this file") \
	X(HTTP, "http", 0, "ADDRESS:PORT", "ENSUE_HTTP", \
	  "serve /metrics, /healthz, /readyz and a status page there,\nfor example 127.0.0.1:9464 (port 0: one that is free)") \
	X(NO_PROVENANCE, "no-provenance", 0, NULL, NULL, \
	  "leave `_events` out of emissions") \
	X(NO_SHARED_MATCHES, "no-shared-matches", 0, NULL, NULL, \
	  "keep each partial match by itself, even where those of a rule\ncould share their events: slower, with the same emissions") \
	X(INDEX_WAITING_FROM, "index-waiting-from", 0, "N", NULL, \
	  "where a step says `x = a.x`, find what waits by its value from\nso many partial matches under one key on (16)") \
	X(SUMMARY, "summary", 0, NULL, NULL, \
	  "at the end, say of each rule what it took in and how far\nits matches came (files: told anyway if nothing came out)") \
	X(NO_SUMMARY, "no-summary", 0, NULL, NULL, \
	  "don't say why nothing came out") \
	X(QUIET, "quiet", 'q', NULL, NULL, \
	  "say nothing but what went wrong")

enum {
#define X(symbol, name, letter, arg, env, help) OPT_##symbol,
	OPTIONS(X)
#undef X
	OPT_ABOUT_RULES
};

static const struct cli_option options[] = {
#define X(symbol, name, letter, arg, env, help) {name, letter, arg, env, help},
	OPTIONS(X)
#undef X
	CLI_RULE_OPTIONS,
};

struct run_args {
	struct ens_redis_options redis;
	const char *url, *password_file;
	struct ens_redis_address address; /* of `url` */
	struct ens_http_address http;
	const char **input; /* room for one per argument */
	size_t ninput;
	const char *event_field, *dead;
	struct cli_rule_options rules;
	bool hold;
	uint32_t max_emissions;
	bool summary, no_summary;
	struct ens_buf text; /* rules of the command line */
	const char *for_redis, *for_files; /* an option of the command line that only one kind of source has; NULL: none */
};

static volatile sig_atomic_t stop_signal;

static void on_signal(int sig)
{
	if (stop_signal)
		_exit(128 + sig);
	stop_signal = sig;
}

/* ---- command line ------------------------------------------------------------------------------------------------- */

static enum cli_exit take_duration(const struct cli_verb *verb, int option, const char *value, int64_t *out)
{
	int64_t us;

	if (!ens_parse_duration(value, strlen(value), &us) || us < 0)
		return cli_usage_error(verb, "--%s %s: it is a duration, for example 30s or 5ms", options[option].name, value);
	*out = us;
	return CLI_DONE;
}

static enum cli_exit take_count(const struct cli_verb *verb, int option, const char *value, int64_t max, int64_t *out)
{
	int64_t n;

	if (!ens_parse_int(value, strlen(value), &n) || n < 1 || n > max)
		return cli_usage_error(verb, "--%s %s: it is a number from 1 to %lld", options[option].name, value,
				       (long long)max);
	*out = n;
	return CLI_DONE;
}

static enum cli_exit take_redis_option(const struct cli_verb *verb, struct run_args *args, int option, const char *value)
{
	struct ens_redis_options *o = &args->redis;
	enum cli_exit code = CLI_DONE;
	int64_t n = 0;

	switch (option) {
	case OPT_REDIS:
		args->url = value;
		break;
	case OPT_JOB:
		o->job = value;
		break;
	case OPT_PASSWORD_FILE:
		args->password_file = value;
		break;
	case OPT_FROM:
		o->from = value;
		break;
	case OPT_GIVE_UP:
		return take_duration(verb, option, value, &o->give_up_us);
	case OPT_MAX_SKEW:
		return take_duration(verb, option, value, &o->max_skew_us);
	case OPT_COMMIT_INTERVAL:
		return take_duration(verb, option, value, &o->commit_interval_us);
	case OPT_READ_SIZE:
		code = take_count(verb, option, value, READ_SIZE_MAX, &n);
		o->read_size = code == CLI_DONE ? (uint32_t)n : o->read_size;
		break;
	case OPT_AHEAD:
		code = take_count(verb, option, value, AHEAD_MAX, &n);
		o->ahead = code == CLI_DONE ? (uint64_t)n : o->ahead;
		break;
	case OPT_DEAD_MAX:
		code = take_count(verb, option, value, INT64_MAX, &n);
		o->dead_max = code == CLI_DONE ? (uint64_t)n : o->dead_max;
		break;
	}
	return code;
}

static enum cli_exit take_http(const struct cli_verb *verb, struct run_args *args, const char *value)
{
	struct ens_error err = {""};

	if (ens_http_address_parse(value, &args->http, &err) != ENS_OK)
		return cli_usage_error(verb, "--http %s: %s", value, err.text);
	return CLI_DONE;
}

static enum cli_exit take_option(const struct cli_verb *verb, struct run_args *args, int option, const char *value)
{
	enum cli_exit code;
	int64_t n = 0;

	switch (option) {
	case OPT_INPUT:
		args->input[args->ninput++] = value;
		break;
	case OPT_AT_END:
		if (strcmp(value, "flush") != 0 && strcmp(value, "hold") != 0)
			return cli_usage_error(verb, "--at-end %s: it is one of flush, hold", value);
		args->hold = strcmp(value, "hold") == 0;
		args->for_files = "at-end";
		break;
	case OPT_EVENT_FIELD:
		args->event_field = value;
		args->for_files = "event-field";
		break;
	case OPT_DEAD:
		args->dead = value;
		args->for_files = "dead";
		break;
	case OPT_HTTP:
		return take_http(verb, args, value);
	case OPT_NO_PROVENANCE:
		args->redis.no_provenance = true;
		break;
	case OPT_NO_SHARED_MATCHES:
		args->redis.no_shared_matches = true;
		break;
	case OPT_INDEX_WAITING_FROM:
		code = take_count(verb, option, value, UINT32_MAX, &n);
		args->redis.index_waiting_from = (uint32_t)n;
		return code;
	case OPT_SUMMARY:
		args->summary = true;
		args->no_summary = false;
		break;
	case OPT_NO_SUMMARY:
		args->summary = false;
		args->no_summary = true;
		break;
	case OPT_QUIET:
		args->redis.quiet = true;
		break;
	case OPT_MAX_EMISSIONS:
		code = take_count(verb, option, value, UINT32_MAX, &n);
		args->max_emissions = (uint32_t)n;
		return code;
	case OPT_RULES:
		ens_buf_adds(&args->text, value);
		ens_buf_addc(&args->text, '\n');
		break;
	default:
		if (option >= OPT_ABOUT_RULES)
			return cli_rule_options_take(verb, option - OPT_ABOUT_RULES, value, &args->rules);
		args->for_redis = options[option].name;
		return take_redis_option(verb, args, option, value);
	}
	return CLI_DONE;
}

/* Part of key names, and of what people type: letters, digits, - _ . */
static bool valid_job(const char *job)
{
	const size_t len = strlen(job);

	return len > 0 && len <= JOB_MAX_BYTES &&
	       strspn(job, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == len;
}

/* What only the whole of the options can tell. */
static enum cli_exit judge(const struct cli_verb *verb, struct run_args *args)
{
	struct ens_error err = {""};

	if (args->ninput > 0 && args->for_redis)
		return cli_usage_error(verb, "--input and --%s exclude each other: a run reads files or Redis", args->for_redis);
	if (args->ninput > 0)
		return CLI_DONE;
	if (!args->url)
		return cli_usage_error(verb, "say where the events come from: --redis URL --job NAME, or --input FILE");
	if (!args->redis.job)
		return cli_usage_error(verb, "a run on Redis needs a name, under which it keeps how far it is: --job NAME");
	if (!valid_job(args->redis.job))
		return cli_usage_error(verb, "--job %s: a name has 1 to %d letters, digits, `-`, `_` and `.`", args->redis.job,
				       JOB_MAX_BYTES);
	if (args->for_files)
		return cli_usage_error(verb, "--%s goes with --input; a run on Redis has no end, names types by stream, and keeps what "
					     "it can't use (`ensue dead`)",
				       args->for_files);
	enum ens_status st = ens_redis_address_parse(args->url, args->password_file, &args->address, &err);

	if (st == ENS_EINPUT)
		return cli_usage_error(verb, "%s", err.text);
	if (st != ENS_OK)
		cli_say("%s", err.text[0] ? err.text : "no memory");
	return cli_exit_of(st);
}

static enum cli_exit parse(const struct cli_verb *verb, struct cli_args *a, struct run_args *out, bool *go_on)
{
	*go_on = false;
	for (;;) {
		enum cli_exit code;

		switch (cli_args_next(a)) {
		case CLI_HELP:
			return CLI_DONE;
		case CLI_BAD:
			return CLI_USAGE;
		case CLI_OPERANDS:
			if (a->first == a->argc && !out->text.len)
				return cli_usage_error(verb, "no rule file is given, nor rules with -e");
			code = judge(verb, out);
			*go_on = code == CLI_DONE;
			return code;
		case CLI_OPTION:
			if (a->first && out->ninput > 0)
				break; /* the variables are for Redis: they don't get in the way of --input */
			code = take_option(verb, out, a->index, a->value);
			if (code != CLI_DONE)
				return code;
		}
	}
}

/* ---- running ------------------------------------------------------------------------------------------------------ */

static void catch_signals(void)
{
	const struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: waiting calls return */

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* Can all inputs be read once more? */
static bool are_ordinary(const struct run_args *args)
{
	struct stat st;

	for (size_t i = 0; i < args->ninput; i++)
		if (strcmp(args->input[i], "-") == 0 || stat(args->input[i], &st) != 0 || !S_ISREG(st.st_mode))
			return false;
	return true;
}

/* Why nothing came out, or what was asked for; not if the run was broken off by whoever reads its output. */
static enum cli_exit tell_summary(const struct run_args *args, const struct ens_file_options *of_run, struct summary *s)
{
	struct ens_file_options o = *of_run;
	struct ens_error err = {""};

	if (!s->ended || args->no_summary || (!args->summary && (args->redis.quiet || !summary_nothing_came(s))))
		return CLI_DONE;
	s->files = of_run->counts;
	s->hold = args->hold;
	s->several = args->ninput > 1;
	s->of_all = args->summary;
	o.counts = NULL;
	o.look_only = true;
	o.stop = &s->stop;
	o.hooks = summary_looking(s, &stop_signal);
	/* A file that can't be read any more leaves the counters. */
	if (stop_signal || !are_ordinary(args) || ens_run_files(s->tables, &o, &err) != ENS_OK || !s->text.len)
		summary_write(s);
	return cli_write(stderr, &s->text);
}

static enum cli_exit run_files(const struct run_args *args, const struct cli_rules *rules)
{
	struct ens_file_counts counts;
	struct summary s;
	const struct ens_file_options o = {
		.input = args->input,
		.ninput = args->ninput,
		.at_end_flush = !args->hold,
		.event_field = args->event_field,
		.dead = args->dead,
		.no_provenance = args->redis.no_provenance,
		.no_shared_matches = args->redis.no_shared_matches,
		.index_waiting_from = args->redis.index_waiting_from,
		.out_fd = STDOUT_FILENO,
		.quiet = args->redis.quiet,
		.max_emissions = args->max_emissions,
		.http = args->http.host[0] ? &args->http : NULL,
		.stop = &stop_signal,
		.counts = &counts,
		.hooks = summary_counting(&s),
	};
	struct ens_error err = {""};
	enum cli_exit code;

	catch_signals();
	enum ens_status st = summary_open(&s, rules);

	if (st == ENS_OK)
		st = ens_run_files(&rules->tables, &o, &err);
	if (st != ENS_OK)
		cli_say("%s", err.text[0] ? err.text : "no memory");
	code = st == ENS_OK ? tell_summary(args, &o, &s) : cli_exit_of(st);
	summary_close(&s);
	return code;
}

static enum cli_exit run_redis(const struct cli_verb *verb, const struct run_args *args, const struct cli_rules *rules)
{
	struct ens_redis_options o = args->redis;
	struct ens_error err = {""};
	struct summary s;
	enum cli_exit code = CLI_DONE;

	o.address = &args->address;
	o.max_emissions = args->max_emissions;
	o.http = args->http.host[0] ? &args->http : NULL;
	o.stop = &stop_signal;
	o.hooks = summary_counting(&s);
	catch_signals();
	enum ens_status st = summary_open(&s, rules);

	if (st == ENS_OK)
		st = ens_run_redis(&rules->tables, &o, &err);
	if (st == ENS_EINPUT)
		code = cli_usage_error(verb, "%s", err.text);
	else if (st != ENS_OK)
		cli_say("%s", err.text[0] ? err.text : "no memory");
	if (s.ended && args->summary) {
		s.of_all = true;
		summary_write(&s);
		if (cli_write(stderr, &s.text) != CLI_DONE && code == CLI_DONE)
			code = CLI_ENV;
	}
	summary_close(&s);
	return code != CLI_DONE ? code : cli_exit_of(st);
}

static bool reads_stdin(char *const *name, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(name[i], "-") == 0)
			return true;
	return false;
}

static enum cli_exit run_rules(const struct cli_verb *verb, struct run_args *args, char *const *file, int nfile)
{
	struct cli_rules r;

	if (reads_stdin(file, nfile) && reads_stdin((char *const *)args->input, (int)args->ninput))
		return cli_usage_error(verb, "rules and events can't both come from standard input");
	cli_rules_open(&r, &args->rules);
	r.text = &args->text;
	enum cli_exit code = cli_rules_load(&r, file, nfile);

	if (code == CLI_DONE)
		code = args->ninput > 0 ? run_files(args, &r) : run_redis(verb, args, &r);
	cli_rules_close(&r);
	return code;
}

static enum cli_exit run(const struct cli_verb *verb, int argc, char **argv)
{
	struct run_args args = {.redis = {.give_up_us = GIVE_UP_US, .max_skew_us = MAX_SKEW_US}};
	struct cli_args a;
	bool go_on = false;

	if (!cli_args_begin(&a, verb, argc, argv))
		return CLI_INTERNAL;
	args.input = calloc((size_t)argc, sizeof *args.input);
	if (!args.input) {
		cli_args_end(&a);
		cli_say("no memory");
		return CLI_INTERNAL;
	}
	enum cli_exit code = parse(verb, &a, &args, &go_on);

	if (go_on)
		code = run_rules(verb, &args, argv + a.first, argc - a.first);
	ens_redis_address_free(&args.address);
	ens_buf_free(&args.text);
	cli_rule_options_free(&args.rules);
	free(args.input);
	cli_args_end(&a);
	return code;
}

const struct cli_verb verb_run = {
	.name = "run",
	.summary = "match events from Redis Streams or files against rules",
	.usage = "(RULES... | -e TEXT) (--redis URL --job NAME | --input FILE [--input FILE]...) [OPTION]...",
	.about = "RULES are rule files (.ens), or one table file (.ensc) made by `ensue compile`.\n"
		 "On Redis it reads the streams that the rules name and appends what it finds to the streams that\n"
		 "they emit to, until SIGTERM or Ctrl-C; started again, it goes on where it stopped.\n"
		 "On files it prints what it finds as NDJSON and ends with the inputs.\n",
	.option = options,
	.noption = CLI_COUNT(options),
	.run = run,
};
