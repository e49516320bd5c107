/*
 * `ensue dead`: what a job could not use, and putting it back.
 *
 * This file understands the command line and prints; tools/dead.c reads letters and puts entries back.
 * Tested by tests/redis/dead.sh and tests/cli/usage.sh.
 */
#include "tools/cli.h"

#include <hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tools/dead.h"

#define SHOWN_DEFAULT 20
#define REASONS_MAX 32u /* told apart in a sum; others are "other" */

enum { OPT_REDIS, OPT_JOB, OPT_REASON, OPT_KEY, OPT_LIMIT, OPT_ALL, OPT_PASSWORD_FILE };

static const struct cli_option options[] = {
	[OPT_REDIS] = {"redis", 0, "URL", "ENSUE_REDIS", "the server:\nredis://[[user]:password@]host[:port][/db]\n"
							 "or unix:///path/to/socket[?db=N]"},
	[OPT_JOB] = {"job", 0, "NAME", "ENSUE_JOB", "the letters of this job (list: of all)"},
	[OPT_REASON] = {"reason", 0, "CODE", NULL, "only letters with this _reason, for example late"},
	[OPT_KEY] = {"key", 0, "KEY", NULL, "the letters in this stream, for example one that\n`late to` names"},
	[OPT_LIMIT] = {"limit", 0, "N", NULL, "list: print the newest N (20)"},
	[OPT_ALL] = {"all", 0, NULL, NULL, "replay: all of them"},
	[OPT_PASSWORD_FILE] = {"password-file", 0, "FILE", "ENSUE_PASSWORD_FILE",
			       "the first line of this file is Redis's password"},
};

struct dead_args {
	const char *url, *job, *reason, *key, *password_file;
	int64_t limit;
	bool all;
};

struct reason {
	char name[32];
	uint64_t n;
};

/* One pass over the letters. */
struct pass {
	const struct dead_args *args;
	struct dead_box box;
	char *const *id;     /* letters that are asked for; nid 0: all */
	int nid;
	bool *met;           /* per id */
	struct ens_buf out;
	uint64_t n, back, cut;
	struct reason reason[REASONS_MAX];
	uint32_t nreason;
};

/* ---- choosing ----------------------------------------------------------------------------------------------------- */

static bool is_text(const struct dead_text *t, const char *s)
{
	return strlen(s) == t->len && memcmp(t->s, s, t->len) == 0;
}

static bool wanted(struct pass *p, const struct dead_letter *l)
{
	bool any = p->nid == 0;

	if (p->args->reason && !is_text(&l->reason, p->args->reason))
		return false;
	for (int i = 0; i < p->nid; i++)
		if (is_text(&l->letter, p->id[i]))
			any = p->met[i] = true;
	return any;
}

/* ---- printing ----------------------------------------------------------------------------------------------------- */

static void add(struct ens_buf *b, const struct dead_text *t)
{
	ens_buf_add_visible(b, t->s, t->len);
}

static enum ens_status flush(struct pass *p, struct ens_error *err)
{
	if (p->out.failed)
		return ens_fail(err, ENS_ENOMEM, "no memory");
	if (p->out.len && fwrite(p->out.data, 1, p->out.len, stdout) != p->out.len)
		return ens_fail(err, ENS_EENV, "standard output could not be written");
	ens_buf_clear(&p->out);
	return ENS_OK;
}

static void count(struct pass *p, const struct dead_letter *l)
{
	uint32_t i = 0;

	p->n++;
	while (i < p->nreason && !is_text(&l->reason, p->reason[i].name))
		i++;
	if (i == p->nreason) {
		if (i == REASONS_MAX || l->reason.len >= sizeof p->reason->name)
			return;
		memcpy(p->reason[i].name, l->reason.s, l->reason.len);
		p->nreason++;
	}
	p->reason[i].n++;
}

/* ID REASON STREAM ENTRY FIELD: DETAIL */
static enum ens_status list_letter(void *user, const struct dead_letter *l, struct ens_error *err)
{
	struct pass *p = user;
	struct ens_buf *b = &p->out;

	if (!wanted(p, l))
		return ENS_OK;
	count(p, l);
	if (p->n > (uint64_t)p->args->limit)
		return ENS_OK;
	add(b, &l->letter);
	ens_buf_adds(b, "  ");
	if (!p->args->job && !p->args->key) {
		const struct dead_text job = dead_job(l->key);

		add(b, &job);
		ens_buf_adds(b, "  ");
	}
	add(b, &l->reason);
	ens_buf_adds(b, "  ");
	add(b, &l->stream);
	if (l->entry.len) {
		ens_buf_addc(b, ' ');
		add(b, &l->entry);
	}
	ens_buf_adds(b, "  ");
	if (l->field.len) {
		add(b, &l->field);
		ens_buf_adds(b, ": ");
	}
	add(b, &l->detail);
	ens_buf_addc(b, '\n');
	return flush(p, err);
}

/* Every name and value on a line of its own. */
static enum ens_status show_letter(void *user, const struct dead_letter *l, struct ens_error *err)
{
	struct pass *p = user;
	struct ens_buf *b = &p->out;

	if (!wanted(p, l))
		return ENS_OK;
	if (p->n++)
		ens_buf_addc(b, '\n');
	ens_buf_adds(b, "letter ");
	add(b, &l->letter);
	ens_buf_adds(b, " in ");
	ens_buf_add_visible(b, l->key, strlen(l->key));
	ens_buf_addc(b, '\n');
	for (size_t i = 0; i + 1 < l->pairs->elements; i += 2) {
		const struct redisReply *name = l->pairs->element[i], *value = l->pairs->element[i + 1];

		if (i + 2 == l->own && name->len == 4 && memcmp(name->str, "_own", 4) == 0)
			continue; /* ours: how many follow */
		ens_buf_adds(b, "  ");
		ens_buf_add_visible(b, name->str, name->len);
		ens_buf_adds(b, ": ");
		ens_buf_add_visible(b, value->str, value->len);
		ens_buf_addc(b, '\n');
	}
	return flush(p, err);
}

static enum ens_status replay_letter(void *user, const struct dead_letter *l, struct ens_error *err)
{
	struct pass *p = user;
	enum dead_outcome outcome;
	enum ens_status st;

	if (!wanted(p, l))
		return ENS_OK;
	st = dead_replay(&p->box, l, &outcome, err);
	if (st != ENS_OK)
		return st;
	p->n += outcome != DEAD_GONE;
	p->back += outcome == DEAD_BACK;
	p->cut += outcome == DEAD_CUT;
	if (outcome == DEAD_CUT)
		cli_say("letter %.*s stays: its entry is no longer in its stream, and it has only part of it", (int)l->letter.len,
			l->letter.s);
	return ENS_OK;
}

/* ---- what to do --------------------------------------------------------------------------------------------------- */

static enum cli_exit failed_with(enum ens_status st, const struct ens_error *err)
{
	cli_say("%s", err->text[0] ? err->text : "no memory");
	return cli_exit_of(st);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* "5 dead letters: 3 late, 2 bad_value; the newest 2 are shown" */
static void add_sum(struct pass *p)
{
	struct ens_buf *b = &p->out;
	uint64_t told = 0;

	ens_buf_addf(b, "%llu dead letter%s", (unsigned long long)p->n, plural(p->n));
	for (uint32_t i = 0; i < p->nreason; i++) {
		ens_buf_addf(b, "%s%llu ", i ? ", " : ": ", (unsigned long long)p->reason[i].n);
		ens_buf_add_visible(b, p->reason[i].name, strlen(p->reason[i].name));
		told += p->reason[i].n;
	}
	if (told < p->n)
		ens_buf_addf(b, "%s%llu other", p->nreason ? ", " : ": ", (unsigned long long)(p->n - told));
	if (p->n > (uint64_t)p->args->limit)
		ens_buf_addf(b, "; the newest %lld %s shown", (long long)p->args->limit, p->args->limit == 1 ? "is" : "are");
	ens_buf_addc(b, '\n');
}

/* Says which of the IDs there are not. */
static enum cli_exit unmet(const struct pass *p)
{
	enum cli_exit code = CLI_DONE;

	for (int i = 0; i < p->nid; i++)
		if (!p->met[i]) {
			cli_say("there is no dead letter %s%s%s%s", p->id[i], p->args->reason ? " with the reason `" : "",
				p->args->reason ? p->args->reason : "", p->args->reason ? "`" : "");
			code = CLI_ENV;
		}
	return code;
}

static enum cli_exit list(struct pass *p, struct ens_error *err)
{
	enum ens_status st = dead_walk(&p->box, true, list_letter, p, err);

	if (st != ENS_OK)
		return failed_with(st, err);
	add_sum(p);
	st = flush(p, err);
	return st == ENS_OK ? CLI_DONE : failed_with(st, err);
}

static enum cli_exit show(struct pass *p, struct ens_error *err)
{
	const enum ens_status st = dead_walk(&p->box, false, show_letter, p, err);

	return st == ENS_OK ? unmet(p) : failed_with(st, err);
}

static enum cli_exit replay(struct pass *p, struct ens_error *err)
{
	const enum ens_status st = dead_walk(&p->box, false, replay_letter, p, err);
	enum cli_exit code;

	ens_buf_addf(&p->out, "%llu of %llu put back into their streams\n", (unsigned long long)p->back,
		     (unsigned long long)p->n);
	code = cli_write(stdout, &p->out);
	if (st != ENS_OK)
		return failed_with(st, err);
	if (code == CLI_DONE)
		code = unmet(p);
	return code == CLI_DONE && p->cut ? CLI_ENV : code;
}

static enum cli_exit work(const struct cli_verb *verb, enum cli_exit (*what)(struct pass *, struct ens_error *), struct pass *p)
{
	struct ens_redis_address address = {0};
	struct ens_error err = {""};
	enum ens_status st;

	if (ens_redis_address_parse(p->args->url, p->args->password_file, &address, &err) != ENS_OK)
		return cli_usage_error(verb, "%s", err.text[0] ? err.text : "no memory");
	st = dead_open(&p->box, &address, &err);
	if (st == ENS_OK)
		st = p->args->key ? dead_take(&p->box, p->args->key, &err) : dead_find(&p->box, p->args->job, &err);
	const enum cli_exit code = st == ENS_OK ? what(p, &err) : failed_with(st, &err);

	dead_close(&p->box);
	ens_redis_address_free(&address);
	return code;
}

/* ---- command line ------------------------------------------------------------------------------------------------- */

static enum cli_exit take(const struct cli_verb *verb, int index, const char *value, void *to)
{
	struct dead_args *out = to;

	switch (index) {
	case OPT_REDIS:
		out->url = value;
		break;
	case OPT_JOB:
		out->job = value;
		break;
	case OPT_REASON:
		out->reason = value;
		break;
	case OPT_KEY:
		out->key = value;
		break;
	case OPT_LIMIT:
		if (!ens_parse_int(value, strlen(value), &out->limit) || out->limit < 0)
			return cli_usage_error(verb, "--limit %s: it is a number of letters", value);
		break;
	case OPT_ALL:
		out->all = true;
		break;
	case OPT_PASSWORD_FILE:
		out->password_file = value;
		break;
	}
	return CLI_DONE;
}

/* What only the whole of the command line can tell. */
static enum cli_exit judge(const struct cli_verb *verb, const struct dead_args *a, const char *word, int nid)
{
	const bool is_list = strcmp(word, "list") == 0, is_replay = strcmp(word, "replay") == 0;

	if (!is_list && !is_replay && strcmp(word, "show") != 0)
		return cli_usage_error(verb, "`%s` is none of list, show, replay", word);
	if (!a->url)
		return cli_usage_error(verb, "say where they are: --redis URL");
	if (!is_list && !a->job && !a->key)
		return cli_usage_error(verb, "say whose they are: --job NAME (or --key KEY)");
	if (is_list && nid)
		return cli_usage_error(verb, "list takes no letters; show does");
	if (!is_list && !nid && !a->reason && !(is_replay && a->all))
		return cli_usage_error(verb, "say which letters: their IDs, or --reason CODE%s", is_replay ? ", or --all" : "");
	if (a->all && (nid || a->reason || !is_replay))
		return cli_usage_error(verb, "--all goes with replay, and with no choice of letters");
	return CLI_DONE;
}

static enum cli_exit do_it(const struct cli_verb *verb, char **word, int n, void *to)
{
	const struct dead_args *args = to;
	struct pass p = {.args = args};
	enum cli_exit code;

	if (n == 0)
		return cli_usage_error(verb, "say what to do: list, show or replay");
	code = judge(verb, args, word[0], n - 1);
	if (code != CLI_DONE)
		return code;
	p.id = word + 1;
	p.nid = n - 1;
	p.met = calloc((size_t)n, sizeof *p.met);
	if (!p.met) {
		cli_say("no memory");
		return CLI_INTERNAL;
	}
	code = work(verb, strcmp(word[0], "list") == 0 ? list : strcmp(word[0], "show") == 0 ? show : replay, &p);
	ens_buf_free(&p.out);
	free(p.met);
	return code;
}

static enum cli_exit run(const struct cli_verb *verb, int argc, char **argv)
{
	const struct cli_taker taker = {take, do_it};
	struct dead_args args = {.limit = SHOWN_DEFAULT};

	return cli_take(verb, argc, argv, &taker, &args);
}

const struct cli_verb verb_dead = {
	.name = "dead",
	.summary = "list, show and put back what a job could not use",
	.usage = "(list | show [ID]... | replay [ID]...) --redis URL [--job NAME] [OPTION]...",
	.about = "A job on Redis sets aside what it can't use, with the reason: its dead letters.\n"
		 "list prints a line for each, the newest first, and how many there are of each reason; show prints\n"
		 "letters whole; replay puts their entries back at the end of their streams, once what was wrong with\n"
		 "them or with the rules is mended, and removes the letters.\n",
	.option = options,
	.noption = CLI_COUNT(options),
	.run = run,
};
