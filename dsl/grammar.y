/*
 * The grammar of the rule language: the whole of it, LALR(1) without a conflict and without precedence declarations
 * (lemon fails the build on a conflict).
 *
 * It parses one unit at a time: a declaration, or a clause of a rule.  parse.c cuts the file at the words that begin
 * units (they are the H_ tokens), so that a mistake in one unit cannot spoil another, and puts rules together from
 * their clauses.  Line ends come as NEWLINE only inside braces, where they separate; elsewhere parse.c takes them out.
 * All other words are names unless the state asks for the word (%fallback).  Actions build nodes and do nothing else.
 * BAD is no token of the text: parse.c puts it where a field, item, line or condition was that had an error.
 * Tested by tests/lang and tests/unit/test_parse.c.
 */
%name ens_grammar
%token_prefix ENS_TK_
%token_type {struct ens_token}
%extra_context {struct ens_parser *p}
%default_type {struct ens_expr *}
%start_symbol unit
%stack_size 8000

%include {
#include "dsl/nodes.h"

#include <assert.h>

/* Lemon's frame around the actions. */
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"

#define YYNOERRORRECOVERY 1
#define NO_IDENT ((struct ens_ident){NULL, ENS_NO_SPAN})

static struct ens_span join(struct ens_span a, struct ens_span b)
{
	return ens_span_join(a, b);
}

static struct ens_exprs two(struct ens_parser *p, struct ens_expr *a, struct ens_expr *b)
{
	struct ens_exprs l = ens_exprs_add(p, (struct ens_exprs){0}, a);

	return b ? ens_exprs_add(p, l, b) : l;
}
}

%syntax_error {
	/* parse.c asks ens_grammar_takes before it gives a token, and words the error itself. */
	(void)TOKEN;
	assert(yymajor < 0);
}

%stack_overflow {
	ens_too_deep(p, p->at);
}

%token BAD.

%fallback IDENT ACCEPT AFTER ALL ARRIVING AS AT BETWEEN BY CHANNEL COMBINATIONS CONSECUTIVE DELETE DERIVE DROP
	EMIT EMPTY EVENT EVENTS EVERY EXPECT EXPIRE FIRST FN FOR FORGET FROM GREEDY HASH HAVING HOPPING IDLE IMPORT
	IN IS JSON KEY LAST LATE LATENESS LIKE LIMIT MATCH MATCHES MAX META NEXT NONE OF ON ONCE PARAM PAST PER
	RELAXED REMOVE RESET REVISE RULE RUNNING SENT SESSION SHARDED SKIP SLIDING START TABLE TEST TIME TIMEOUT
	TIMES TO TOP TUMBLING UNIQUE UNTIL WAIT WHEN WHERE WINDOW WITHIN ZONE.

unit ::= decl(D). { p->decl = D; }
unit ::= clause(C). { p->clause = C; }

/* ---- names and types ---- */

%type name {struct ens_ident}
name(A) ::= IDENT(T). { A = ens_mk_ident(p, T); }

%type names {struct ens_idents}
names(A) ::= name(N). { A = ens_idents_add((struct ens_idents){0}, ens_mk_ident_list(p, N)); }
names(A) ::= names(L) COMMA name(N). { A = ens_idents_add(L, ens_mk_ident_list(p, N)); }

%type strings {struct ens_idents}
strings(A) ::= STRING(S). { A = ens_idents_add((struct ens_idents){0}, ens_mk_ident_list(p, ens_mk_title(p, S))); }
strings(A) ::= strings(L) COMMA STRING(S). { A = ens_idents_add(L, ens_mk_ident_list(p, ens_mk_title(p, S))); }

%type optional {bool}
optional(A) ::= . { A = false; }
optional(A) ::= QUEST. { A = true; }

%type type {struct ens_type_spec}
type(A) ::= name(N) optional(Q). { A = ens_mk_type(p, N, NO_IDENT, N.at, Q); }
type(A) ::= name(N) LP name(U) RP(E) optional(Q). { A = ens_mk_type(p, N, U, join(N.at, E.at), Q); }
type(A) ::= name(N) LB RB(E) optional(Q). {
	A = ens_mk_type(p, N, NO_IDENT, join(N.at, E.at), Q);
	ens_not_yet(p, A.at, "a list as a field's type");
}

/* ---- declarations ---- */

%type decl {struct ens_decl *}
decl(A) ::= H_IMPORT(W) STRING(S). { A = ens_mk_decl(p, ENS_D_IMPORT, W, NO_IDENT); A->title = ens_mk_title(p, S); }
decl(A) ::= H_PARAM(W) name(N) COLON type(T) EQ expr(E). {
	A = ens_mk_decl(p, ENS_D_PARAM, W, N);
	A->type = T.type;
	A->type_at = T.at;
	A->expr = E;
	if (T.optional)
		ens_not_yet(p, T.at, "a parameter that may be null");
}
decl(A) ::= H_EVENT(W) name(N) EQ ref(R). { A = ens_mk_decl(p, ENS_D_FILTER, W, N); A->ref = R; }
decl(A) ::= head(H). { A = ens_head_end(p, H, false); }
decl(A) ::= body(B). { A = B.decl; A->options = B.options.first; }
decl(A) ::= H_FN(W) name(N) LP RP EQ expr(E). { A = ens_mk_decl(p, ENS_D_FN, W, N); A->expr = E; }
decl(A) ::= H_FN(W) name(N) LP names(L) RP EQ expr(E). {
	A = ens_mk_decl(p, ENS_D_FN, W, N);
	A->params = L.first;
	A->expr = E;
}
decl(A) ::= H_RULE(W) name(N). { A = ens_mk_decl(p, ENS_D_RULE, W, N); }
decl(A) ::= H_RULE(W) name(N) STRING(S). { A = ens_mk_decl(p, ENS_D_RULE, W, N); A->title = ens_mk_title(p, S); }
decl(A) ::= H_TEST(W) STRING(S) FOR names(L) LC lines(B) RC. {
	A = ens_mk_decl(p, ENS_D_TEST, W, NO_IDENT);
	A->title = ens_mk_title(p, S);
	A->params = L.first;
	A->lines = B.first;
}

%type head {struct ens_decl *}
head(A) ::= H_EVENT(W) name(N). { A = ens_mk_decl(p, ENS_D_EVENT, W, N); }
head(A) ::= H_TABLE(W) name(N). { A = ens_mk_decl(p, ENS_D_TABLE, W, N); }
head(A) ::= head(D) from(W) strings(S). { A = D; ens_head_streams(p, D, W, S, false); }
head(A) ::= head(D) TO(W) strings(S). { A = D; ens_head_streams(p, D, W.at, S, true); }
head(A) ::= head(D) where(W) expr(E). { A = D; ens_head_where(p, D, W, E); }
head(A) ::= head(D) JSON(W) name(N). { A = D; ens_head_json(p, D, W.at, N); }
head(A) ::= head(D) key(W) names(L). { A = D; ens_head_keys(p, D, W, L); }

/* In an event's head these words may also begin a line. */
%type from {struct ens_span}
from(A) ::= FROM(T). { A = T.at; }
from(A) ::= H_FROM(T). { A = T.at; }
%type where {struct ens_span}
where(A) ::= WHERE(T). { A = T.at; }
where(A) ::= H_WHERE(T). { A = T.at; }
%type key {struct ens_span}
key(A) ::= KEY(T). { A = T.at; }
key(A) ::= H_KEY(T). { A = T.at; }

%type body {struct ens_body}
body(A) ::= head(H) LC fields(L) RC. {
	A = (struct ens_body){.decl = ens_head_end(p, H, true)};
	A.decl->fields = L.first;
}
body(A) ::= body(B) option(O). { A = B; A.options = ens_options_add(B.options, O); }

separator ::= COMMA.
separator ::= NEWLINE.

%type fields {struct ens_fields}
fields(A) ::= . { A = (struct ens_fields){0}; }
fields(A) ::= field_list(L). { A = L; }
fields(A) ::= field_list(L) COMMA. { A = L; }
%type field_list {struct ens_fields}
field_list(A) ::= field(F). { A = ens_fields_add((struct ens_fields){0}, F); }
field_list(A) ::= field_list(L) separator field(F). { A = ens_fields_add(L, F); }
field_list(A) ::= BAD(T). { A = ens_bad_field(p, (struct ens_fields){0}, T); }
field_list(A) ::= field_list(L) separator BAD(T). { A = ens_bad_field(p, L, T); }

%type field {struct ens_field *}
field(A) ::= IDENT(N) COLON type(T) computed(E) alias(S). { A = ens_mk_field(p, N, T, E, S.first); }
computed(A) ::= . { A = NULL; }
computed(A) ::= EQ expr(E). { A = E; }
%type alias {struct ens_idents}
alias(A) ::= . { A = (struct ens_idents){0}; }
alias(A) ::= AS or_strings(L). { A = L; }
%type or_strings {struct ens_idents}
or_strings(A) ::= STRING(S). { A = ens_idents_add((struct ens_idents){0}, ens_mk_ident_list(p, ens_mk_title(p, S))); }
or_strings(A) ::= or_strings(L) OR STRING(S). { A = ens_idents_add(L, ens_mk_ident_list(p, ens_mk_title(p, S))); }

%type option {struct ens_option *}
option(A) ::= TIME(W) name(N). { A = ens_mk_option(p, ENS_O_TIME, W.at, N, NULL); }
option(A) ::= TIME(W) name(N) SENT name(M). { A = ens_mk_option(p, ENS_O_TIME, W.at, N, NULL); A->name2 = M; }
option(A) ::= LATENESS(W) value(V). { A = ens_mk_option(p, ENS_O_LATENESS, W.at, NO_IDENT, V); }
option(A) ::= LATE(W) DROP. { A = ens_mk_option(p, ENS_O_LATE, W.at, NO_IDENT, NULL); A->late = 'd'; }
option(A) ::= LATE(W) ACCEPT. { A = ens_mk_option(p, ENS_O_LATE, W.at, NO_IDENT, NULL); A->late = 'a'; }
option(A) ::= LATE(W) TO STRING(S). {
	A = ens_mk_option(p, ENS_O_LATE, W.at, ens_mk_title(p, S), NULL);
	A->late = 't';
}
option(A) ::= IDLE(W) value(V). { A = ens_mk_option(p, ENS_O_IDLE, W.at, NO_IDENT, V); }
option(A) ::= SHARDED(W) BY name(N). { A = ens_mk_option(p, ENS_O_SHARDED, W.at, N, NULL); }
option(A) ::= UNIQUE(W) name(N) FOR value(V). { A = ens_mk_option(p, ENS_O_UNIQUE, W.at, N, V); }
option(A) ::= DELETE(W) WHEN expr(E). { A = ens_mk_option(p, ENS_O_DELETE, W.at, NO_IDENT, E); }

/* ---- clauses ---- */

/* A duration or count: a literal, a parameter's name, or any expression in parentheses. */
value(A) ::= literal(E). { A = E; }
value(A) ::= IDENT(T). { A = ens_mk_name(p, ens_mk_ident(p, T)); }
value(A) ::= LP(B) expr(E) RP(C). { A = ens_mk_parens(E, B.at, C.at); }

%type clause {struct ens_clause *}
clause(A) ::= H_FROM(W) inputs(L). { A = ens_mk_clause(p, ENS_C_FROM, W); A->inputs = L.first; }
clause(A) ::= H_KEY(W) keys(L). { A = ens_mk_clause(p, ENS_C_KEY, W); A->keys = L.first; }
clause(A) ::= H_MATCH(W) pattern(P). { A = ens_mk_clause(p, ENS_C_MATCH, W); A->pattern = P; }
clause(A) ::= H_MATCH(W) LAST(S) pattern(P). {
	A = ens_mk_clause(p, ENS_C_MATCH, W);
	A->pattern = P;
	A->select = ENS_SELECT_LAST;
	A->select_at = S.at;
}
clause(A) ::= H_MATCH(W) ALL(S) pattern(P). {
	A = ens_mk_clause(p, ENS_C_MATCH, W);
	A->pattern = P;
	A->select = ENS_SELECT_ALL;
	A->select_at = S.at;
}
clause(A) ::= H_WHERE(W) expr(E). { A = ens_mk_clause(p, ENS_C_WHERE, W); A->expr = E; }
clause(A) ::= H_HAVING(W) expr(E). { A = ens_mk_clause(p, ENS_C_HAVING, W); A->expr = E; }
clause(A) ::= H_HAVING(W) expr(E) ONCE. { A = ens_mk_clause(p, ENS_C_HAVING, W); A->expr = E; A->once = true; }
clause(A) ::= H_WITHIN(W) value(V). { A = ens_mk_clause(p, ENS_C_WITHIN, W); A->scope = ENS_SCOPE_TIME; A->expr = V; }
clause(A) ::= H_WITHIN(W) value(V) EVENTS. {
	A = ens_mk_clause(p, ENS_C_WITHIN, W);
	A->scope = ENS_SCOPE_EVENTS;
	A->expr = V;
}
clause(A) ::= H_WITHIN(W) SESSION value(V). {
	A = ens_mk_clause(p, ENS_C_WITHIN, W);
	A->scope = ENS_SCOPE_SESSION;
	A->expr = V;
}
clause(A) ::= H_WITHIN(W) SESSION value(V) MAX value(X). {
	A = ens_mk_clause(p, ENS_C_WITHIN, W);
	A->scope = ENS_SCOPE_SESSION;
	A->expr = V;
	A->expr2 = X;
}
clause(A) ::= window(C). { A = ens_window_end(p, C); }
clause(A) ::= H_SKIP(W) NONE. { A = ens_mk_clause(p, ENS_C_SKIP, W); A->skip = ENS_SKIP_NONE; }
clause(A) ::= H_SKIP(W) ALL. { A = ens_mk_clause(p, ENS_C_SKIP, W); A->skip = ENS_SKIP_ALL; }
clause(A) ::= H_SKIP(W) PAST LAST. { A = ens_mk_clause(p, ENS_C_SKIP, W); A->skip = ENS_SKIP_PAST_LAST; }
clause(A) ::= H_SKIP(W) TO NEXT. { A = ens_mk_clause(p, ENS_C_SKIP, W); A->skip = ENS_SKIP_TO_NEXT; }
clause(A) ::= H_SKIP(W) TO FIRST name(N). {
	A = ens_mk_clause(p, ENS_C_SKIP, W);
	A->skip = ENS_SKIP_TO_FIRST;
	A->name = N;
}
clause(A) ::= H_SKIP(W) TO LAST name(N). {
	A = ens_mk_clause(p, ENS_C_SKIP, W);
	A->skip = ENS_SKIP_TO_LAST;
	A->name = N;
}
clause(A) ::= H_RESET(W) ON(O) any_ref(R). {
	A = ens_mk_clause(p, ENS_C_RESET, W);
	A->word_at = join(W.at, O.at);
	A->ref = R;
}
clause(A) ::= H_LIMIT(W) value(N) PER value(D). { A = ens_mk_clause(p, ENS_C_LIMIT, W); A->expr = N; A->expr2 = D; }
clause(A) ::= H_LIMIT(W) value(N) PER value(D) BY expr(E). {
	A = ens_mk_clause(p, ENS_C_LIMIT, W);
	A->expr = N;
	A->expr2 = D;
	A->expr3 = E;
}
clause(A) ::= emit(C). { A = C; }
clause(A) ::= H_DERIVE(W) name(N) block(L). {
	A = ens_mk_clause(p, ENS_C_DERIVE, W);
	A->name = N;
	A->items = L.first;
}
clause(A) ::= H_META(W) block(L). { A = ens_mk_clause(p, ENS_C_META, W); A->items = L.first; }

/* from */
%type inputs {struct ens_inputs}
inputs(A) ::= input(I). { A = ens_inputs_add((struct ens_inputs){0}, I); }
inputs(A) ::= inputs(L) COMMA input(I). { A = ens_inputs_add(L, I); }
%type input {struct ens_input *}
input(A) ::= ref(R). { A = ens_mk_input(p, NO_IDENT, R); }
input(A) ::= name(N) COLON ref(R). { A = ens_mk_input(p, N, R); }

/* key */
%type keys {struct ens_keys}
keys(A) ::= a_key(K). { A = ens_keys_add((struct ens_keys){0}, K); }
keys(A) ::= keys(L) COMMA a_key(K). { A = ens_keys_add(L, K); }
%type a_key {struct ens_key *}
a_key(A) ::= name(N) optional(Q). { A = ens_mk_key(p, N, Q, NULL); }
a_key(A) ::= name(N) optional(Q) COLON key_sources(S) optional(R). { A = ens_mk_key(p, N, Q || R, S.first); }
a_key(A) ::= key_sources(S) optional(Q). { A = ens_mk_key(p, NO_IDENT, Q, S.first); }
%type key_sources {struct ens_sources_list}
key_sources(A) ::= name(T) DOT name(F). {
	A = ens_sources_list_add((struct ens_sources_list){0}, ens_mk_key_source(p, T, F));
}
key_sources(A) ::= key_sources(L) EQ name(T) DOT name(F). { A = ens_sources_list_add(L, ens_mk_key_source(p, T, F)); }

/* window; its options in any order */
%type window {struct ens_clause *}
window(A) ::= H_WINDOW(W) TUMBLING value(V). {
	A = ens_mk_clause(p, ENS_C_WINDOW, W);
	A->window = ENS_W_TUMBLING;
	A->expr = V;
}
window(A) ::= H_WINDOW(W) HOPPING value(V). {
	A = ens_mk_clause(p, ENS_C_WINDOW, W);
	A->window = ENS_W_HOPPING;
	A->expr = V;
}
window(A) ::= H_WINDOW(W) SLIDING value(V). {
	A = ens_mk_clause(p, ENS_C_WINDOW, W);
	A->window = ENS_W_SLIDING;
	A->expr = V;
}
window(A) ::= H_WINDOW(W) SESSION value(V). {
	A = ens_mk_clause(p, ENS_C_WINDOW, W);
	A->window = ENS_W_SESSION;
	A->expr = V;
}
window(A) ::= H_WINDOW(W) value(V) EVENTS. {
	A = ens_mk_clause(p, ENS_C_WINDOW, W);
	A->window = ENS_W_EVENTS;
	A->expr = V;
}
window(A) ::= H_WINDOW(W) RUNNING. { A = ens_mk_clause(p, ENS_C_WINDOW, W); A->window = ENS_W_RUNNING; }
window(A) ::= window(C) ZONE(W) value(V). { A = C; ens_window_option(p, C, ENS_WO_ZONE, W.at, V); }
window(A) ::= window(C) EMPTY(W). { A = C; ens_window_option(p, C, ENS_WO_EMPTY, W.at, NULL); }
window(A) ::= window(C) EVERY(W) value(V). { A = C; ens_window_option(p, C, ENS_WO_EVERY, W.at, V); }
window(A) ::= window(C) MAX(W) value(V). { A = C; ens_window_option(p, C, ENS_WO_MAX, W.at, V); }
window(A) ::= window(C) REVISE(W) value(V). { A = C; ens_window_option(p, C, ENS_WO_REVISE, W.at, V); }
window(A) ::= window(C) FORGET(W) AFTER value(V). { A = C; ens_window_option(p, C, ENS_WO_FORGET, W.at, V); }
window(A) ::= window(C) TOP(W) value BY expr(E). { A = C; ens_not_yet(p, join(W.at, E->at), "`top N by`"); }

/* emit, derive, meta */
%type emit {struct ens_clause *}
emit(A) ::= emit_head(C) block(L). { A = C; A->items = L.first; }
emit(A) ::= emit(C) REMOVE(W) WHEN expr(E). {
	A = C;
	if (A->remove_when)
		ens_twice(p, W.at, "`remove when`");
	A->remove_when = E;
}
emit(A) ::= emit(C) EXPIRE(W) value(V). {
	A = C;
	if (A->expire)
		ens_twice(p, W.at, "`expire`");
	A->expire = V;
}
%type emit_head {struct ens_clause *}
emit_head(A) ::= H_EMIT(W) name(N) target(T). { A = ens_mk_target(ens_mk_clause(p, ENS_C_EMIT, W), N, T); }
emit_head(A) ::= H_ON(W) TIMEOUT(O) EMIT name(N) target(T). {
	A = ens_mk_target(ens_mk_clause(p, ENS_C_ON_TIMEOUT, W), N, T);
	A->word_at = join(W.at, O.at);
}
%type target {struct ens_to}
target(A) ::= . { A = (struct ens_to){ENS_TO_DEFAULT, NULL}; }
target(A) ::= TO STRING(S). { A = (struct ens_to){ENS_TO_STREAM, ens_mk_literal(p, S)}; }
target(A) ::= TO HASH STRING(S). { A = (struct ens_to){ENS_TO_HASH, ens_mk_literal(p, S)}; }
target(A) ::= TO CHANNEL STRING(S). { A = (struct ens_to){ENS_TO_CHANNEL, ens_mk_literal(p, S)}; }

%type block {struct ens_items}
block(A) ::= LC RC. { A = (struct ens_items){0}; }
block(A) ::= LC items(L) RC. { A = L; }
block(A) ::= LC items(L) COMMA RC. { A = L; }
%type items {struct ens_items}
items(A) ::= item(I). { A = ens_items_add((struct ens_items){0}, I); }
items(A) ::= items(L) separator item(I). { A = ens_items_add(L, I); }
items(A) ::= BAD(T). { A = ens_bad_item(p, (struct ens_items){0}, T); }
items(A) ::= items(L) separator BAD(T). { A = ens_bad_item(p, L, T); }
%type item {struct ens_item *}
item(A) ::= name(N) COLON expr(E). { A = ens_mk_item(p, N, E); }
item(A) ::= expr(E). { A = ens_mk_item(p, NO_IDENT, E); }
item(A) ::= postfix(E) DOT STAR(S). { A = ens_mk_item(p, NO_IDENT, ens_mk_star(p, E, S.at)); }

/* ---- patterns ---- */

%type pattern {struct ens_pat *}
pattern(A) ::= parts(L). { A = ens_mk_pattern(p, L); }

/* Any connectors side by side: that they must not be mixed is said in words, not by the grammar. */
%type parts {struct ens_pats}
parts(A) ::= part(P). { A = ens_pats_add(p, (struct ens_pats){0}, (struct ens_connector){0}, P); }
parts(A) ::= parts(L) connector(C) part(P). { A = ens_pats_add(p, L, C, P); }

%type connector {struct ens_connector}
connector(A) ::= PIPE(T). { A = (struct ens_connector){.joint = ENS_JOINT_ALT, .at = T.at}; }
connector(A) ::= AMP(T). { A = (struct ens_connector){.joint = ENS_JOINT_AND, .at = T.at}; }
connector(A) ::= arrow(C). { A = C; }
connector(A) ::= arrow(C) AFTER value(V). { A = C; A.after = V; }
connector(A) ::= arrow(C) WITHIN value(V). { A = C; A.within = V; }
connector(A) ::= arrow(C) AFTER value(V) WITHIN value(X). { A = C; A.after = V; A.within = X; }
connector(A) ::= arrow(C) WITHIN value(X) AFTER value(V). { A = C; A.after = V; A.within = X; }
%type arrow {struct ens_connector}
arrow(A) ::= ARROW(T). { A = (struct ens_connector){ENS_JOINT_ARROW, ENS_ARROW_FOLLOWED, T.at, NULL, NULL}; }
arrow(A) ::= ARROWANY(T). { A = (struct ens_connector){ENS_JOINT_ARROW, ENS_ARROW_ANY, T.at, NULL, NULL}; }
arrow(A) ::= COMMA(T). { A = (struct ens_connector){ENS_JOINT_ARROW, ENS_ARROW_NEXT, T.at, NULL, NULL}; }

%type part {struct ens_pat *}
part(A) ::= repeated(R). { A = R; }
part(A) ::= repeated(R) FOR(W) value. { A = R; ens_for_without_not(p, W.at); }
part(A) ::= NOT(W) repeated(R). { A = ens_mk_not(p, W.at, R, NULL); }
part(A) ::= NOT(W) repeated(R) FOR value(V). { A = ens_mk_not(p, W.at, R, V); }

%type repeated {struct ens_pat *}
repeated(A) ::= single(B) quantifier(Q) mods(M). { A = ens_mk_repeat(p, B, Q, M); }

%type single {struct ens_pat *}
single(A) ::= ref(R). { A = ens_mk_step(p, NO_IDENT, R); }
single(A) ::= name(N) COLON ref(R). { A = ens_mk_step(p, N, R); }
single(A) ::= LP(B) parts(L) RP(C). { A = ens_mk_group(p, NO_IDENT, L, B.at, C.at); }
single(A) ::= name(N) COLON LP(B) parts(L) RP(C). { A = ens_mk_group(p, N, L, B.at, C.at); }
single(A) ::= INT(T) OF LP(B) parts(L) RP(C). { A = ens_mk_some_of(p, T.at, ens_mk_group(p, NO_IDENT, L, B.at, C.at)); }

%type ref {struct ens_ref *}
ref(A) ::= name(N). { A = ens_mk_ref(p, N, NULL, N.at); }
ref(A) ::= name(N) LB expr(E) RB(C). { A = ens_mk_ref(p, N, E, join(N.at, C.at)); }
ref(A) ::= name(N) LB BAD(T) RB(C). { A = ens_mk_ref(p, N, ens_mk_bad(p, T.at), join(N.at, C.at)); }

%type any_ref {struct ens_ref *}
any_ref(A) ::= ref(R). { A = R; }
any_ref(A) ::= LP refs(L) RP. { A = L.first; }
%type refs {struct ens_refs}
refs(A) ::= ref(R). { A = ens_refs_add((struct ens_refs){0}, R); }
refs(A) ::= refs(L) PIPE ref(R). { A = ens_refs_add(L, R); }

%type quantifier {struct ens_quant}
quantifier(A) ::= . { A = (struct ens_quant){0}; }
quantifier(A) ::= QUEST(T). { A = (struct ens_quant){true, ens_mk_count(p, 0, T.at), ens_mk_count(p, 1, T.at), T.at}; }
quantifier(A) ::= STAR(T). { A = (struct ens_quant){true, ens_mk_count(p, 0, T.at), NULL, T.at}; }
quantifier(A) ::= PLUS(T). { A = (struct ens_quant){true, ens_mk_count(p, 1, T.at), NULL, T.at}; }
quantifier(A) ::= LC(B) count(N) RC(C). { A = (struct ens_quant){true, N, N, join(B.at, C.at)}; }
quantifier(A) ::= LC(B) count(N) COMMA RC(C). { A = (struct ens_quant){true, N, NULL, join(B.at, C.at)}; }
quantifier(A) ::= LC(B) count(N) COMMA count(M) RC(C). { A = (struct ens_quant){true, N, M, join(B.at, C.at)}; }
quantifier(A) ::= LC(B) COMMA count(M) RC(C). {
	A = (struct ens_quant){true, ens_mk_count(p, 0, B.at), M, join(B.at, C.at)};
}
count(A) ::= INT(T). { A = ens_mk_literal(p, T); }
count(A) ::= IDENT(T). { A = ens_mk_name(p, ens_mk_ident(p, T)); }

%type mods {struct ens_mods}
mods(A) ::= . { A = (struct ens_mods){0}; }
mods(A) ::= mods(M) RELAXED(T). { A = M; ens_mod_inner(p, &A, ENS_ARROW_FOLLOWED, T.at); }
mods(A) ::= mods(M) CONSECUTIVE(T). { A = M; ens_mod_inner(p, &A, ENS_ARROW_NEXT, T.at); }
mods(A) ::= mods(M) COMBINATIONS(T). { A = M; ens_mod_inner(p, &A, ENS_ARROW_ANY, T.at); }
mods(A) ::= mods(M) GREEDY(T). { A = M; ens_mod_greedy(p, &A, T.at); }
mods(A) ::= mods(M) UNTIL(T) any_ref(R). { A = M; ens_mod_until(p, &A, R, T.at); }

/* ---- tests ---- */

%type lines {struct ens_lines}
lines(A) ::= . { A = (struct ens_lines){0}; }
lines(A) ::= line_list(L). { A = L; }
%type line_list {struct ens_lines}
line_list(A) ::= line(L). { A = ens_lines_add((struct ens_lines){0}, L); }
line_list(A) ::= line_list(B) NEWLINE line(L). { A = ens_lines_add(B, L); }
line_list(A) ::= BAD. { A = (struct ens_lines){0}; p->incomplete = true; }
line_list(A) ::= line_list(B) NEWLINE BAD. { A = B; p->incomplete = true; }

%type line {struct ens_test_line *}
line(A) ::= START(W) STRING(S). {
	A = ens_mk_line(p, ENS_L_START, join(W.at, S.at));
	A->at_time = ens_mk_literal(p, S);
}
line(A) ::= WAIT(W) value(V). { A = ens_mk_line(p, ENS_L_WAIT, join(W.at, V->at)); A->at_time = V; }
line(A) ::= when(T) name(N) optional_block(L). { A = ens_mk_event_line(p, T, N, L.first); }
line(A) ::= EXPECT(W) NONE(S). { A = ens_mk_line(p, ENS_L_EXPECT_NONE, join(W.at, S.at)); }
line(A) ::= EXPECT(W) name(N) optional_block(L). {
	A = ens_mk_line(p, ENS_L_EXPECT, join(W.at, N.at));
	A->type = N;
	A->items = L.first;
}
line(A) ::= EXPECT(W) times(C) name(N) optional_block(L). {
	A = ens_mk_line(p, ENS_L_EXPECT, join(W.at, N.at));
	A->times = C;
	A->type = N;
	A->items = L.first;
}
%type optional_block {struct ens_items}
optional_block(A) ::= . { A = (struct ens_items){0}; }
optional_block(A) ::= block(L). { A = L; }

%type when {struct ens_when}
when(A) ::= at_time(W). { A = W; }
when(A) ::= at_time(W) times(N) TIMES. { A = W; A.times = N; if (A.from.file == ENS_NO_FILE) A.from = N->at; }
when(A) ::= at_time(W) times(N) TIMES EVERY value(V). {
	A = W;
	A.times = N;
	A.every = V;
	if (A.from.file == ENS_NO_FILE)
		A.from = N->at;
}
%type at_time {struct ens_when}
at_time(A) ::= . { A = (struct ens_when){.from = ENS_NO_SPAN}; }
at_time(A) ::= AT(W) value(V). { A = (struct ens_when){.at = V, .from = W.at}; }
at_time(A) ::= AT(W) value(V) ARRIVING value(R). { A = (struct ens_when){.at = V, .arriving = R, .from = W.at}; }
times(A) ::= INT(T). { A = ens_mk_literal(p, T); }
times(A) ::= LP(B) expr(E) RP(C). { A = ens_mk_parens(E, B.at, C.at); }

/* ---- expressions, from loose to tight ---- */

expr(A) ::= disjunction(E). { A = E; }
expr(A) ::= IF(W) expr(C) THEN expr(T) ELSE expr(E). { A = ens_mk_if(p, W.at, C, T, E); }

disjunction(A) ::= conjunction(E). { A = E; }
disjunction(A) ::= disjunction(L) OR(O) conjunction(R). { A = ens_mk_binary(p, ENS_X_OR, L, O.at, R); }
conjunction(A) ::= negation(E). { A = E; }
conjunction(A) ::= conjunction(L) AND(O) negation(R). { A = ens_mk_binary(p, ENS_X_AND, L, O.at, R); }
negation(A) ::= comparison(E). { A = E; }
negation(A) ::= NOT(O) negation(E). { A = ens_mk_unary(p, ENS_X_NOT, O.at, E); }

comparison(A) ::= coalesced(E). { A = E; }
comparison(A) ::= compared(E). { A = E; }
compared(A) ::= coalesced(L) tail(T). { A = ens_mk_compare(p, L, T); }
compared(A) ::= compared(L) tail(T). { A = ens_mk_chained(p, L, T); }

/* The operator and right side of a comparison. */
tail(A) ::= EQ(O) coalesced(R). { A = ens_mk_tail(p, ENS_X_EQ, O.at, false, two(p, R, NULL), R->at); }
tail(A) ::= NE(O) coalesced(R). { A = ens_mk_tail(p, ENS_X_NE, O.at, false, two(p, R, NULL), R->at); }
tail(A) ::= LT(O) coalesced(R). { A = ens_mk_tail(p, ENS_X_LT, O.at, false, two(p, R, NULL), R->at); }
tail(A) ::= LE(O) coalesced(R). { A = ens_mk_tail(p, ENS_X_LE, O.at, false, two(p, R, NULL), R->at); }
tail(A) ::= GT(O) coalesced(R). { A = ens_mk_tail(p, ENS_X_GT, O.at, false, two(p, R, NULL), R->at); }
tail(A) ::= GE(O) coalesced(R). { A = ens_mk_tail(p, ENS_X_GE, O.at, false, two(p, R, NULL), R->at); }
tail(A) ::= negatable(T). { A = T; }
tail(A) ::= NOT(O) negatable(T). { A = T; A->negated = true; A->op_at = join(O.at, A->op_at); }
tail(A) ::= IS(O) NIL(N). { A = ens_mk_tail(p, ENS_X_ISNULL, O.at, false, (struct ens_exprs){0}, N.at); }
tail(A) ::= IS(O) NOT NIL(N). { A = ens_mk_tail(p, ENS_X_ISNULL, O.at, true, (struct ens_exprs){0}, N.at); }

negatable(A) ::= IN(O) coalesced(R). { A = ens_mk_tail(p, ENS_X_IN, O.at, false, two(p, R, NULL), R->at); }
negatable(A) ::= IN(O) LP list(L) RP(C). { A = ens_mk_tail(p, ENS_X_IN, O.at, false, L, C.at); }
negatable(A) ::= LIKE(O) coalesced(R). { A = ens_mk_tail(p, ENS_X_LIKE, O.at, false, two(p, R, NULL), R->at); }
negatable(A) ::= LIKE(O) LP list(L) RP(C). { A = ens_mk_tail(p, ENS_X_LIKE, O.at, false, L, C.at); }
negatable(A) ::= MATCHES(O) coalesced(R). { A = ens_mk_tail(p, ENS_X_MATCHES, O.at, false, two(p, R, NULL), R->at); }
negatable(A) ::= BETWEEN(O) coalesced(L) AND coalesced(H). {
	A = ens_mk_tail(p, ENS_X_BETWEEN, O.at, false, two(p, L, H), H->at);
}
/* Two or more: one in parentheses is an expression like any other. */
%type list {struct ens_exprs}
list(A) ::= expr(E) COMMA expr(F). { A = two(p, E, F); }
list(A) ::= list(L) COMMA expr(E). { A = ens_exprs_add(p, L, E); }

coalesced(A) ::= sum(E). { A = E; }
coalesced(A) ::= coalesced(L) COALESCE(O) sum(R). { A = ens_mk_binary(p, ENS_X_COALESCE, L, O.at, R); }
sum(A) ::= product(E). { A = E; }
sum(A) ::= sum(L) PLUS(O) product(R). { A = ens_mk_binary(p, ENS_X_ADD, L, O.at, R); }
sum(A) ::= sum(L) MINUS(O) product(R). { A = ens_mk_binary(p, ENS_X_SUB, L, O.at, R); }
product(A) ::= unary(E). { A = E; }
product(A) ::= product(L) STAR(O) unary(R). { A = ens_mk_binary(p, ENS_X_MUL, L, O.at, R); }
product(A) ::= product(L) SLASH(O) unary(R). { A = ens_mk_binary(p, ENS_X_DIV, L, O.at, R); }
product(A) ::= product(L) PERCENT(O) unary(R). { A = ens_mk_binary(p, ENS_X_MOD, L, O.at, R); }
unary(A) ::= postfix(E). { A = E; }
unary(A) ::= MINUS(O) unary(E). { A = ens_mk_unary(p, ENS_X_NEG, O.at, E); }

postfix(A) ::= primary(E). { A = E; }
postfix(A) ::= postfix(E) DOT name(N). { A = ens_mk_member(p, E, N); }
postfix(A) ::= postfix(E) LB(B) exprs(L) RB(C). { A = ens_mk_index(p, E, L, B.at, C.at); }
primary(A) ::= literal(E). { A = E; }
primary(A) ::= TRUE(T). { A = ens_mk_literal(p, T); }
primary(A) ::= FALSE(T). { A = ens_mk_literal(p, T); }
primary(A) ::= NIL(T). { A = ens_mk_literal(p, T); }
primary(A) ::= IDENT(T). { A = ens_mk_name(p, ens_mk_ident(p, T)); }
primary(A) ::= LP(B) expr(E) RP(C). { A = ens_mk_parens(E, B.at, C.at); }
primary(A) ::= name(N) LP RP(C). { A = ens_mk_call(p, N, (struct ens_exprs){0}, C.at); }
primary(A) ::= name(N) LP exprs(L) RP(C). { A = ens_mk_call(p, N, L, C.at); }
literal(A) ::= INT(T). { A = ens_mk_literal(p, T); }
literal(A) ::= FLOAT(T). { A = ens_mk_literal(p, T); }
literal(A) ::= STRING(T). { A = ens_mk_literal(p, T); }
literal(A) ::= DURATION(T). { A = ens_mk_literal(p, T); }

%type exprs {struct ens_exprs}
exprs(A) ::= expr(E). { A = two(p, E, NULL); }
exprs(A) ::= exprs(L) COMMA expr(E). { A = ens_exprs_add(p, L, E); }

%code {
/* How many states a probe may push above the real stack: each reduction pushes one, and only chains of empty rules
 * pile up; the grammar has few of those in a row. */
#define PROBE_MAX 32

int ens_grammar_ntoken(void)
{
	return YYNTOKEN;
}

int ens_grammar_takes(void *g, int code)
{
	const yyParser *parser = g;
	const yyStackEntry *real = parser->yytos; /* what is left of the real stack, and above it: */
	YYACTIONTYPE above[PROBE_MAX];
	int n = 0;

	for (;;) {
		YYACTIONTYPE state = n ? above[n - 1] : real->stateno;
		YYACTIONTYPE action = state;
		int as_name = 0;

		if (state <= YY_MAX_SHIFT) {
			action = yy_find_shift_action((YYCODETYPE)code, state);
			as_name = yyFallback[code] && yy_lookahead[yy_shift_ofst[state] + code] != code;
		}
		if (action == YY_ERROR_ACTION)
			return 0;
		if (action <= YY_MAX_SHIFTREDUCE || action == YY_ACCEPT_ACTION)
			return as_name ? 2 : 1;
		action = (YYACTIONTYPE)(action - YY_MIN_REDUCE);
		for (int pop = -yyRuleInfoNRhs[action]; pop > 0; pop--) {
			if (n)
				n--;
			else
				real--;
		}
		assert(real >= parser->yystack);
		assert(n < PROBE_MAX);
		state = n ? above[n - 1] : real->stateno;
		above[n++] = yy_find_reduce_action(state, (YYCODETYPE)yyRuleInfoLhs[action]);
	}
}

static bool opens(const yyStackEntry *e)
{
	return e->major == ENS_TK_LP || e->major == ENS_TK_LB || e->major == ENS_TK_LC;
}

int ens_grammar_recover(void *g, uint32_t depth)
{
	yyParser *parser = g;
	yyStackEntry *const top = parser->yytos;
	uint32_t open = 0;

	for (const yyStackEntry *e = parser->yystack + 1; e <= top; e++)
		open += opens(e);
	for (; parser->yytos > parser->yystack && (open > depth || !ens_grammar_takes(g, ENS_TK_BAD)); parser->yytos--)
		open -= opens(parser->yytos);
	if (parser->yytos == parser->yystack) {
		parser->yytos = top;
		return -1;
	}
	return (int)open;
}
}
