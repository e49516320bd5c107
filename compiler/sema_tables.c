/*
 * Tables, and looking rows up in them.
 *
 * A table takes all that an event type takes (sema_events.c); here are its key and `delete when`.  A look-up,
 * `Account[card].country`, reads the match: what it gives depends on when it is asked, so it is never part of what is judged
 * once for each entry.  It is null where there is no row, so its type is always optional.
 * Tested by tests/lang/lookups.test and tests/cli/lookups.sh.
 */
#include "compiler/sema.h"

#include <string.h>

#include "base/limits.h"
#include "compiler/sema_private.h"

#define CANDIDATES_MAX 256u

/* ---- declarations ----------------------------------------------------------------------------------------------- */

static size_t field_names(const struct ens_decl *table, const char **out)
{
	size_t n = 0;

	for (uint32_t i = 0; i < table->sema->nfield && n < CANDIDATES_MAX; i++)
		out[n++] = table->sema->field[i].name;
	return n;
}

/* The field that a part of the key names; ENS_MAP_NONE: it can't be one, which is said. */
static uint32_t key_field(struct ens_sema *s, const struct ens_decl *table, const struct ens_ident *id)
{
	const struct ens_decl_sema *d = table->sema;
	const uint32_t i = ens_map_find_name(&d->field_map, id->name);
	const char *candidate[CANDIDATES_MAX];
	struct ens_message *m;

	if (i == ENS_MAP_NONE) {
		m = ens_diag_add(s->diag, ENS_E_UNKNOWN_FIELD, id->at, "`%s` has no field `%s`", table->name.name, id->name);
		ens_sema_offer(s, m, id->name, "its fields", candidate, field_names(table, candidate));
		return ENS_MAP_NONE;
	}
	if (d->field[i].type == ENS_BADTYPE)
		return ENS_MAP_NONE; /* which was told */
	if (d->field[i].optional) {
		m = ens_diag_add(s->diag, ENS_E_TABLE, id->at, "`%s` may be missing, but every row needs its key", id->name);
		ens_diag_second(s->diag, m, d->field[i].at, "declared here");
		ens_diag_remedy(s->diag, m, "declare it without `?`");
		return ENS_MAP_NONE;
	}
	if (d->field[i].type == ENS_FLOAT) {
		m = ens_diag_add(s->diag, ENS_E_TABLE, id->at, "`%s` is a float, and floats make no key", id->name);
		ens_diag_second(s->diag, m, d->field[i].at, "declared here");
		ens_diag_remedy(s->diag, m, "use a string or int");
		return ENS_MAP_NONE;
	}
	return i;
}

/* Already a part of the key, which is said? */
static bool is_twice(struct ens_sema *s, const struct ens_decl *table, const struct ens_ident *id, uint32_t field)
{
	for (uint32_t k = 0; k < table->sema->nkey; k++)
		if (table->sema->key[k] == field) {
			ens_diag_add(s->diag, ENS_E_TABLE, id->at, "`%s` is given twice in this key", id->name);
			return true;
		}
	return false;
}

static void table_key(struct ens_sema *s, struct ens_decl *table)
{
	struct ens_decl_sema *d = table->sema;
	uint32_t n = 0;

	for (const struct ens_ident_list *l = table->keys; l; l = l->next)
		n++;
	d->key = ens_arena_alloc(s->arena, (n + 1) * sizeof(uint32_t));
	for (const struct ens_ident_list *l = table->keys; l && d->key; l = l->next) {
		if (d->nkey == ENS_TABLE_KEY_MAX) {
			ens_diag_add(s->diag, ENS_E_TOO_MANY, l->id.at, "the key of a table has at most %u parts", ENS_TABLE_KEY_MAX);
			return;
		}

		const uint32_t i = key_field(s, table, &l->id);

		if (i == ENS_MAP_NONE)
			d->key_wrong = true;
		else if (!is_twice(s, table, &l->id, i))
			d->key[d->nkey++] = i;
	}
}

void ens_sema_delete_when(struct ens_sema *s, struct ens_decl *type, const struct ens_option *o)
{
	struct ens_view v = {.s = s, .hand = type};

	if (type->kind != ENS_D_TABLE) {
		struct ens_message *m = ens_diag_add(s->diag, ENS_E_TABLE, o->at,
						     "`delete when` takes rows out of a table, and `%s` is an event", type->name.name);

		ens_diag_remedy(s->diag, m, "to take only some entries say `where`; for the latest row of each key, `table %s`",
				type->name.name);
		return;
	}
	if (o->value && ens_sema_condition(&v, o->value))
		type->sema->delete_when = o->value;
}

void ens_sema_table(struct ens_sema *s, struct ens_decl *table)
{
	if (table->keys)
		table_key(s, table);
}

/* ---- where none can stand --------------------------------------------------------------------------------------- */

struct ens_decl *ens_sema_find_table(const struct ens_sema *s, const char *name)
{
	const uint32_t i = name ? ens_map_find_name(&s->type_map, name) : ENS_MAP_NONE;

	return i != ENS_MAP_NONE && s->decl[i]->kind == ENS_D_TABLE ? s->decl[i] : NULL;
}

/* `Account[account, day]`, as it is to be written. */
static void write_lookup(const struct ens_decl *table, struct ens_buf *out)
{
	ens_name_write(table->name.name, out);
	for (const struct ens_ident_list *l = table->keys; l; l = l->next) {
		ens_buf_adds(out, l == table->keys ? "[" : ", ");
		ens_name_write(l->id.name, out);
	}
	ens_buf_addc(out, ']');
}

static void remedy_lookup(struct ens_sema *s, struct ens_message *m, const char *what, const struct ens_decl *table,
			  const char *field)
{
	struct ens_buf b = ENS_BUF_EMPTY;

	write_lookup(table, &b);
	ens_diag_remedy(s->diag, m, "%s`%s.%s`", what, ens_buf_cstr(&b), field);
	ens_buf_free(&b);
}

void ens_sema_table_as_event(struct ens_sema *s, struct ens_ident id, const struct ens_decl *table)
{
	struct ens_message *m = ens_diag_add(s->diag, ENS_E_TABLE, id.at,
					     "`%s` is a table: rules look its rows up, they don't take its changes in", id.name);

	ens_diag_second(s->diag, m, table->name.at, "declared here");
	remedy_lookup(s, m, "to find changes declare an `event` of the same stream; a row is looked up by its key: ", table, "FIELD");
}

enum ens_type ens_sema_whole_table(struct ens_view *v, const struct ens_expr *name, const char *field)
{
	const struct ens_decl *table = ens_sema_find_table(v->s, name->name);
	struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_LOOKUP, name->at,
					     "`%s` is a table, and this does not say which row", name->name);

	ens_diag_second(v->s->diag, m, table->name.at, "declared here");
	remedy_lookup(v->s, m, "look it up by its key: ", table, field ? field : "FIELD");
	return ENS_BADTYPE;
}

enum ens_type ens_sema_no_rows(struct ens_view *v, const struct ens_expr *index)
{
	const struct ens_expr *base = index->arg[0];
	const char *candidate[CANDIDATES_MAX];
	struct ens_message *m;
	size_t n = 0;

	if (base->kind != ENS_X_NAME) {
		m = ens_diag_add(v->s->diag, ENS_E_LOOKUP, index->at, "this is a value, there is nothing to choose from");
		ens_diag_remedy(v->s->diag, m, "brackets stand behind the names of steps and tables");
		return ENS_BADTYPE;
	}
	if (ens_sema_find_table(v->s, base->name)) {
		m = ens_diag_add(v->s->diag, ENS_E_LOOKUP, index->at, "this is a whole row, not a value");
		ens_diag_remedy(v->s->diag, m, "name a field of it: `%s[...].FIELD`", base->name);
		return ENS_BADTYPE;
	}
	if (v->s->imports || (v->rule && v->rule->decl->names_lost))
		return ENS_BADTYPE;
	m = ens_diag_add(v->s->diag, ENS_E_UNKNOWN_NAME, base->at, "there is no %stable `%s`", v->rule ? "step and no " : "",
			 base->name);
	for (uint32_t i = 0; v->rule && i < v->rule->nname && n < CANDIDATES_MAX; i++)
		candidate[n++] = v->rule->name[i]->name;
	for (uint32_t i = 0; i < v->s->ndecl && n < CANDIDATES_MAX; i++)
		if (v->s->decl[i]->kind == ENS_D_TABLE && v->s->decl[i]->name.name)
			candidate[n++] = v->s->decl[i]->name.name;
	ens_sema_suggest(v->s, m, base->name, candidate, n);
	return ENS_BADTYPE;
}

void ens_sema_warn_hidden_table(struct ens_view *v, const struct ens_expr *name)
{
	struct ens_decl *table = ens_sema_find_table(v->s, name->name);
	struct ens_message *m;

	if (!table)
		return;
	m = ens_diag_add(v->s->diag, ENS_W_HIDING, name->at, "`%s` is the step here, not the table of that name", name->name);
	ens_diag_second(v->s->diag, m, table->name.at, "the table is declared here");
	ens_diag_remedy(v->s->diag, m, "give the step another name");
	table->sema->used = true;
}

/* ---- look-ups --------------------------------------------------------------------------------------------------- */

static void say_key(struct ens_view *v, struct ens_message *m, const struct ens_decl *table)
{
	ens_diag_second(v->s->diag, m, table->keys->id.at, "the key is declared here");
}

static bool right_count(struct ens_view *v, const struct ens_expr *index, const struct ens_decl *table)
{
	const uint32_t given = index->narg - 1, wanted = table->sema->nkey;
	struct ens_message *m;

	if (given == wanted)
		return true;
	m = ens_diag_add(v->s->diag, ENS_E_LOOKUP, index->at, "the key of `%s` has %u part%s, here %s %u", table->name.name, wanted,
			 wanted == 1 ? "" : "s", given == 1 ? "is" : "are", given);
	say_key(v, m, table);
	remedy_lookup(v->s, m, "write ", table, "FIELD");
	return false;
}

/* A row is found by the whole of its key and by nothing else. */
static bool key_part(struct ens_view *v, struct ens_expr *e, const struct ens_decl *table, uint32_t part)
{
	const struct ens_field_sema *f = &table->sema->field[table->sema->key[part]];
	const enum ens_type t = ens_sema_expr(v, e);
	struct ens_message *m;

	if (t == ENS_BADTYPE || t == f->type)
		return t != ENS_BADTYPE;
	if (t == ENS_NOTYPE) {
		m = ens_diag_add(v->s->diag, ENS_E_NULL, e->at, "no row has a null in its key");
		say_key(v, m, table);
		return false;
	}
	if (ens_sema_coerce(v, e, f->type) || e->type == ENS_BADTYPE)
		return e->type != ENS_BADTYPE;
	m = ens_diag_add(v->s->diag, ENS_E_LOOKUP, e->at, "`%s` is looked up by `%s`, which is of type %s; this is of type %s",
			 table->name.name, f->name, ens_type_name(f->type), ens_type_name(t));
	say_key(v, m, table);
	if (t == ENS_BOOL)
		ens_diag_remedy(v->s->diag, m, "rows are found by their key only, not by conditions");
	else if (f->type == ENS_STRING || f->type == ENS_INT || f->type == ENS_TIME)
		ens_diag_remedy(v->s->diag, m, "convert it: `%s[%s(...)]`", table->name.name, ens_type_name(f->type));
	return false;
}

static void unknown_field(struct ens_view *v, const struct ens_expr *e, const struct ens_decl *table)
{
	const char *candidate[CANDIDATES_MAX];
	struct ens_message *m;

	if (table->broken)
		return;
	m = ens_diag_add(v->s->diag, ENS_E_UNKNOWN_FIELD, e->op_at, "`%s` has no field `%s`", table->name.name, e->name);
	ens_diag_second(v->s->diag, m, table->name.at, "`%s` is declared here", table->name.name);
	ens_sema_offer(v->s, m, e->name, "its fields", candidate, field_names(table, candidate));
}

/* The rule looks the table up. */
static void note_table(struct ens_view *v, struct ens_decl *table)
{
	struct ens_rule_sema *r = v->rule;

	if (table->sema->looked_up_by == r)
		return;
	table->sema->looked_up_by = r;
	if (!ens_arena_grow(v->s->arena, &r->table, r->ntable, &r->cap_table, sizeof(struct ens_decl *)))
		return;
	r->table[r->ntable++] = table;
}

enum ens_type ens_sema_lookup(struct ens_view *v, struct ens_expr *e)
{
	struct ens_expr *index = e->arg[0];
	struct ens_decl *table = ens_sema_find_table(v->s, index->arg[0]->name);
	struct ens_field_ref f;
	bool ok;

	table->sema->used = true;
	if (!v->rule || v->input) {
		struct ens_message *m = ens_diag_add(v->s->diag, ENS_E_LOOKUP, index->at,
						     "no table can be looked up here: this is judged for each event by itself, before any rule");

		ens_diag_remedy(v->s->diag, m,
				v->input ? "look it up in `having` or `emit`"
					 : "look it up in the rule: in a step's brackets, in `where`, `having` or `emit`");
		return ENS_BADTYPE;
	}
	if (table->broken || table->sema->key_wrong || !table->sema->nkey)
		return ENS_BADTYPE; /* which was told */
	ok = right_count(v, index, table);
	for (uint32_t i = 0; ok && i < table->sema->nkey; i++)
		ok &= key_part(v, index->arg[i + 1], table, i);
	f = ens_type_field(table, e->name);
	if (f.kind != ENS_FIELD_DECLARED)
		unknown_field(v, e, table);
	e->sema = ens_arena_zalloc(v->s->arena, sizeof *e->sema);
	if (!ok || f.kind != ENS_FIELD_DECLARED || !e->sema)
		return ENS_BADTYPE;
	e->sema->mean = ENS_MEAN_LOOKUP;
	e->sema->field = e->name;
	e->sema->index = f.index;
	e->sema->table = table;
	e->optional = true;
	note_table(v, table);
	return f.type;
}
