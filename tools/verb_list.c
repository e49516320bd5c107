/*
 * `ensue list`: what rule files declare, one line each, with places that editors understand.
 *
 * It reads, parses and looks at names only: a file of events alone can be listed, and rules that are not right yet.
 * Tested by tests/cli/list.sh.
 */
#include "tools/cli.h"

#include <string.h>

#include "compiler/sema.h"

struct listing {
	const struct ens_sources *sources;
	struct ens_buf out;
	struct ens_span last; /* where line was counted to */
	uint32_t line;
};

/* Things are listed in the order in which they stand, so that lines are counted once. */
static uint32_t line_of(struct listing *l, struct ens_span at)
{
	const struct ens_source *s = &l->sources->file[at.file];
	uint32_t from = l->last.off;

	if (at.file != l->last.file || at.off < from) {
		from = 0;
		l->line = 1;
	}
	for (const char *p = s->text + from; (p = memchr(p, '\n', (size_t)(s->text + at.off - p))); p++)
		l->line++;
	l->last = at;
	return l->line;
}

/* "FILE:LINE: KIND NAME" */
static void begin(struct listing *l, struct ens_span at, const char *kind, const char *name)
{
	const char *file = l->sources->file[at.file].name;

	ens_buf_add_visible(&l->out, file, strlen(file));
	ens_buf_addf(&l->out, ":%u: %s ", line_of(l, at), kind);
	ens_buf_add_visible(&l->out, name, strlen(name));
}

static void end(struct listing *l, const char *doc)
{
	if (doc) {
		ens_buf_adds(&l->out, "  # ");
		ens_buf_add_visible(&l->out, doc, strcspn(doc, "\n"));
	}
	ens_buf_addc(&l->out, '\n');
}

static void streams(struct listing *l, const char *word, const struct ens_ident_list *s)
{
	for (; s; s = s->next, word = ", ") {
		ens_buf_adds(&l->out, word);
		ens_buf_add_json(&l->out, s->id.name, strlen(s->id.name));
	}
}

static void list_output(struct listing *l, const struct ens_decl *rule, const struct ens_clause *c)
{
	static const char *const to[] = {[ENS_TO_DEFAULT] = "", [ENS_TO_STREAM] = " to ", [ENS_TO_HASH] = " to hash ",
					 [ENS_TO_CHANNEL] = " to channel "};

	if (!c->name.name)
		return;
	begin(l, c->name.at, "output", c->name.name);
	ens_buf_adds(&l->out, c->kind == ENS_C_DERIVE ? " derived" : to[c->target]);
	if (c->target_name)
		ens_expr_write(c->target_name, &l->out);
	ens_buf_adds(&l->out, c->kind == ENS_C_ON_TIMEOUT ? " on timeout, by " : ", by ");
	ens_buf_add_visible(&l->out, rule->name.name, strlen(rule->name.name));
	end(l, NULL);
}

static void list_rule(struct listing *l, const struct ens_decl *d)
{
	begin(l, d->name.at, "rule", d->name.name);
	if (d->title.name) {
		ens_buf_addc(&l->out, ' ');
		ens_buf_add_json(&l->out, d->title.name, strlen(d->title.name));
	}
	if (d->sema->layer)
		ens_buf_addf(&l->out, " in layer %u", d->sema->layer);
	end(l, d->doc);
	for (const struct ens_clause *c = d->clauses; c; c = c->next)
		if (c->kind == ENS_C_EMIT || c->kind == ENS_C_DERIVE || c->kind == ENS_C_ON_TIMEOUT)
			list_output(l, d, c);
}

static void list_decl(struct listing *l, const struct ens_decl *d)
{
	switch (d->kind) {
	case ENS_D_EVENT:
	case ENS_D_TABLE:
		begin(l, d->name.at, d->kind == ENS_D_EVENT ? "event" : "table", d->name.name);
		streams(l, " from ", d->streams);
		end(l, d->doc);
		break;
	case ENS_D_OUTPUT:
		begin(l, d->name.at, "output", d->name.name);
		streams(l, " to ", d->streams);
		end(l, d->doc);
		break;
	case ENS_D_FILTER:
		begin(l, d->name.at, "filter", d->name.name);
		ens_buf_adds(&l->out, " = ");
		ens_ref_write(d->ref, &l->out);
		end(l, d->doc);
		break;
	case ENS_D_RULE:
		list_rule(l, d);
		break;
	case ENS_D_PARAM:
	case ENS_D_FN:
		begin(l, d->name.at, d->kind == ENS_D_PARAM ? "param" : "fn", d->name.name);
		end(l, d->doc);
		break;
	case ENS_D_TEST:
		begin(l, d->at, "test", d->title.name);
		end(l, d->doc);
		break;
	case ENS_D_IMPORT:
		begin(l, d->at, "import", d->title.name);
		end(l, d->doc);
		break;
	}
}

/* Rules over rules; what is wrong with names is for `ensue check` to say. */
static enum ens_status find_layers(struct cli_rules *r)
{
	struct ens_sema sema;
	struct ens_diag unsaid;

	ens_diag_init(&unsaid, &r->arena, &r->sources);
	return ens_sema_outline(&sema, &r->arena, &unsaid, &r->ast);
}

/* Nothing is compiled, so they change nothing; but scripts can give all verbs the same. */
static const struct cli_option options[] = {CLI_RULE_OPTIONS};

static enum cli_exit take(const struct cli_verb *verb, int index, const char *value, void *to)
{
	return cli_rule_options_take(verb, index, value, to);
}

static enum cli_exit list(char *const *file, int nfile)
{
	struct cli_rules r;

	cli_rules_open(&r, NULL);
	struct listing l = {.sources = &r.sources, .last = ENS_NO_SPAN};
	enum cli_exit code = cli_rules_parse(&r, file, nfile);

	if (find_layers(&r) != ENS_OK) {
		cli_say("no memory");
		cli_rules_close(&r);
		return CLI_INTERNAL;
	}
	for (const struct ens_decl *d = r.ast.decls; d; d = d->next)
		if (!d->broken)
			list_decl(&l, d);
	const enum cli_exit wrote = cli_write(stdout, &l.out);

	if (r.diag.nmsg > 0)
		cli_rules_messages(&r, false);
	ens_buf_free(&l.out);
	cli_rules_close(&r);
	return code != CLI_DONE ? code : wrote;
}

static enum cli_exit list_operands(const struct cli_verb *verb, char **file, int nfile, void *to)
{
	(void)to;
	return nfile ? list(file, nfile) : cli_usage_error(verb, "no rule file is given");
}

static enum cli_exit run(const struct cli_verb *verb, int argc, char **argv)
{
	const struct cli_taker taker = {take, list_operands};
	struct cli_rule_options rules = {0};
	enum cli_exit code = cli_take(verb, argc, argv, &taker, &rules);

	cli_rule_options_free(&rules);
	return code;
}

const struct cli_verb verb_list = {
	.name = "list",
	.summary = "list what rule files declare, with places",
	.usage = CLI_RULE_USAGE " FILE...",
	.about = "One line for each event, filter, rule and output (tables, parameters, functions, tests and imports\n"
		 "too): FILE:LINE: what it is, its name, where it comes from or goes to, its title or comment; of a rule that\n"
		 "takes in what others derive, its layer (1: those that it takes in from take in none themselves).\n"
		 "The files need not be free of errors, as long as they can be read as rules; `-` is standard input.\n"
		 "The options, which are those of `ensue run`, change nothing in what is listed.\n",
	.option = options,
	.noption = CLI_COUNT(options),
	.run = run,
};
