/*
 * Remedies by table: a row fits by what could come here (the parser's own tables are asked), what stands here and what
 * stood before; the first that fits wins, so the special ones come first.  Where none fits, a declaration or clause of a
 * fixed form is shown as it should be.
 * Cost: one pass over the rows, only for a message.  Tested by tests/lang/newcomers.test.
 */
#include "dsl/hints.h"

#include <string.h>

#include "dsl/grammar.h"
#include "dsl/nodes.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

bool ens_same_word(struct ens_words a, const char *b)
{
	for (size_t i = 0; i < a.len; i++, b++) {
		char c = a.s[i] >= 'A' && a.s[i] <= 'Z' ? (char)(a.s[i] - 'A' + 'a') : a.s[i];

		if (c != *b || c == '\0')
			return false;
	}
	return *b == '\0';
}

/* `list`: words with one blank between them. */
static bool one_of(struct ens_words word, const char *list)
{
	while (*list) {
		size_t len = strcspn(list, " ");
		char one[24] = "";

		memcpy(one, list, len < sizeof(one) ? len : sizeof(one) - 1);
		if (ens_same_word(word, one))
			return true;
		list += len + (list[len] == ' ');
	}
	return false;
}

const char *ens_hint_unit(struct ens_words word)
{
	static const char *const units[][2] = {
		{"us", "us usec usecs microsecond microseconds"},
		{"ms", "ms msec msecs milli millis millisecond milliseconds"},
		{"s", "s sec secs second seconds"},
		{"m", "m min mins minute minutes"},
		{"h", "h hr hrs hour hours"},
		{"d", "d day days"},
		{"w", "w wk week weeks"},
	};

	for (size_t i = 0; i < COUNT(units); i++)
		if (one_of(word, units[i][1]))
			return units[i][0];
	return NULL;
}

int ens_hint_declares(struct ens_words word)
{
	static const struct {
		const char *words;
		int code;
	} declares[] = {
		{"events stream schema define create struct type record input source class", ENS_TK_H_EVENT},
		{"var let const set parameter", ENS_TK_H_PARAM},
		{"function def func", ENS_TK_H_FN},
	};

	for (size_t i = 0; i < COUNT(declares); i++)
		if (one_of(word, declares[i].words))
			return declares[i].code;
	return 0;
}

const char *ens_hint_line(struct ens_words word)
{
	static const char *const lines[][2] = {
		{"select insert measures output return then alert print notify send into",
		 "what is told stands in `emit TYPE { name: value }`"},
		{"sequence pattern every begin seq detect find followed followedby matching match_recognize detection",
		 "what is looked for stands in `match a: TypeA -> b: TypeB`"},
		{"define", "an event is declared by `event NAME from \"stream\" { ... }`; a step's condition stands in "
			   "its brackets, `a: A[n > 3]`"},
		{"filter condition conditions if and or when",
		 "conditions stand in a step's brackets, `match a: TypeA[n > 3]`, or in a clause `where`"},
		{"partition group keyby by per groupby partitionby", "to look at each user by itself write `key user`"},
		{"order", "events come in the order of their time anyway"},
		{"timeframe maxspan during for window", "how long a match may take stands in `within 5m`"},
		{"timeout", "how long a match may take stands in `within 5m`, what is told when that is over in `on timeout "
			    "emit TYPE { name: value }`"},
		{"after", "what a match uses up stands in `skip past last`; the least time before a step behind its arrow, as in "
			  "`-> after 5s B`"},
		{"revise empty zone forget", "it stands behind the kind of the window, on the same line, as in `window tumbling 1d "
					    "zone \"Europe/Berlin\"`"},
		{"events stream schema define create struct type record input source class",
		 "what events look like stands in `event NAME from \"stream\" { field: type }`"},
		{"var let const set", "a value by its name is `param NAME: int = 5`"},
		{"function def func", "a function is `fn NAME(x) = ...`"},
		{"include require use using package", "another file is read by `import \"FILE.ens\"`"},
		{"description title name", "a rule's title stands behind its name: `rule NAME \"title\"`"},
		{"severity tags level author",
		 "what is copied to each emission stands in `meta { severity: \"high\" }`"},
	};

	for (size_t i = 0; i < COUNT(lines); i++)
		if (one_of(word, lines[i][0]))
			return lines[i][1];
	return NULL;
}

/* A row fits if all fit that are given; 0 and NULL are not. */
struct row {
	int can, cannot; /* token codes: could come here, could not */
	int unit, open, last, found;
	const char *last_words, *found_words;
	const char *remedy;
};

#define STEPS "steps are joined by `->` (later), `,` (directly after) or `->>` (any later one)"
#define OPERATOR "between two values stands an operator, as in `n = 3`"
#define CASTS "values are converted by `int(x)`, `float(x)`, `string(x)` and `time(x)`"
#define BOOLS "a bool stands alone, as in `ok` and `not ok`"
#define CHOICE "a choice is written `if CONDITION then A else B`"
#define NOT_ASSIGNED "values are compared with `=`; nothing can be assigned"
#define INDEX "an index names one event: `a[1]` is the first, `a[-1]` the last"
#define NAMES "a name has letters, digits and _, others stand in back quotes: `my-name`"
#define TYPES                                                                                                          \
	"types are bool, int, float, string, time, duration and ip; one that may be missing ends in `?`, as in `int?`"
#define UNTIL "here stands a type, with its condition in brackets, as in `A[n > 3]`"
#define INPUT "an input's name stands before a colon, as in `from a: A`"
#define FILTER "a named filter is one type with its condition: `event NAME = TYPE[condition]`"
#define JOINED "a duration is written in one, as in 1h30m"
#define FIELDS "fields are separated by commas or line ends"

static const struct row pattern_rows[] = {
	{.last = ENS_TK_COLON, .found = ENS_TK_INT, .remedy = "a number of events stands in braces, as in `A{3}`"},
	{.last = ENS_TK_COLON, .found = ENS_TK_STAR, .remedy = "a step has a type; any of several is `(A | B)`"},
	{.can = ENS_TK_FOR, .found_words = "during in over until within for_", .remedy = "how long there must be none is said by `for`, as in `not B for 5m`"},
	{.can = ENS_TK_ARROW, .found_words = "at exactly atleast min max times", .remedy = "how many events is said in braces, as in `A{3}`, `A{3,}` or `A{,5}`"},
	{.last_words = "-> ->> ,", .found_words = "-> ->> ,", .can = ENS_TK_NOT, .cannot = ENS_TK_STRING, .remedy = "one arrow stands between two steps: leave the other out"},
	{.last_words = "-> ->> ,", .found = ENS_TK_RP, .can = ENS_TK_NOT, .cannot = ENS_TK_STRING, .remedy = "an arrow leads to a step: leave it out, or say what comes behind it"},
	{.last = ENS_TK_DURATION, .found = ENS_TK_ARROW, .can = ENS_TK_IDENT, .cannot = ENS_TK_ARROW, .remedy = "a limit stands between its arrow and the step, without a second arrow: `-> within 5m B`"},
	{.last = ENS_TK_DURATION, .can = ENS_TK_IDENT, .cannot = ENS_TK_ARROW, .remedy = "behind a limit stands its step, on the same line, as in `-> within 5m B`; how long the match may take is a clause `within 5m` on a line of its own"},
	{.last = ENS_TK_PIPE, .found = ENS_TK_GT, .remedy = STEPS},
	{.last_words = "where", .can = ENS_TK_ARROW, .remedy = "conditions stand in brackets, as in `A[n > 3]`, or in a clause `where`"},
	{.open = ENS_TK_LB, .found_words = "=>", .remedy = "\"at least\" is written `>=`; a condition speaks of the event at hand by its fields' names, as in `A[n > 3]`"},
	{.last = ENS_TK_H_MATCH, .found = ENS_TK_ARROW, .remedy = "a pattern begins with a step, as in `a: A -> b: B`"},
	{.last_words = "first earliest newest latest longest",
	 .can = ENS_TK_ARROW,
	 .found = ENS_TK_IDENT,
	 .remedy = "`match` tells the one that started first, `match last` for each end the one that started last, `match all` every one"},
	{.open = ENS_TK_LC, .unit = ENS_TK_H_MATCH, .remedy = "repetitions are ? * + {3} {3,} {3,5} {,5}"},
	{.found = ENS_TK_DURATION, .remedy = "a limit on the way to a step is `-> within 5m B`, the time of an absence `not B for 5m`"},
	{.can = ENS_TK_OF, .remedy = "a repetition stands behind its step, as in `A{5}`"},
	{.can = ENS_TK_ARROW,
	 .last_words = "every each any",
	 .remedy = "`match` looks for one match after the other by itself, `match all` for every one"},
	{.can = ENS_TK_ARROW,
	 .last_words = "sequence sequences pattern begin seq",
	 .remedy = "a sequence is written `a: TypeA[condition] -> b: TypeB`; what it is kept apart by stands in a "
		   "clause `key`"},
	{.can = ENS_TK_ARROW, .cannot = ENS_TK_PLUS, .last = ENS_TK_IDENT, .found = ENS_TK_EQ, .remedy = UNTIL},
	{.can = ENS_TK_ARROW, .last = ENS_TK_RC, .found = ENS_TK_COLON, .remedy = "a step's name stands before its type, the number of events behind it, as in `a: A{3}`"},
	{.can = ENS_TK_ARROW, .found = ENS_TK_EQ, .remedy = "a step's name stands before a colon, as in `a: A`"},
	{.can = ENS_TK_ARROW,
	 .found = ENS_TK_LP,
	 .last = ENS_TK_IDENT,
	 .remedy = "a condition stands in brackets, as in `A[n > 3]`, a number of events in braces, as in `A{3}`"},
	{.can = ENS_TK_ARROW, .found = ENS_TK_INT, .remedy = "a number of events stands in braces, as in `A{3}`"},
	{.can = ENS_TK_ARROW, .found_words = "x2 x3 x4 x5 x10", .remedy = "a number of events stands in braces, as in `A{3}`"},
	{.can = ENS_TK_ARROW,
	 .cannot = ENS_TK_LB,
	 .last = ENS_TK_IDENT,
	 .found = ENS_TK_DOT,
	 .remedy = "a duration from the match stands in parentheses, as in `not B for (a.due)`"},
	{.unit = ENS_TK_H_MATCH,
	 .can = ENS_TK_LP,
	 .cannot = ENS_TK_ARROW,
	 .last = ENS_TK_IDENT,
	 .found = ENS_TK_DOT,
	 .remedy = "a duration from the match stands in parentheses, as in `-> within (a.due) B`"},
	{.can = ENS_TK_ARROW,
	 .cannot = ENS_TK_PLUS,
	 .last = ENS_TK_IDENT,
	 .found = ENS_TK_COLON,
	 .remedy = "what stands behind `until` has no name: no event is taken for it"},
	{.can = ENS_TK_ARROW,
	 .found = ENS_TK_DOT,
	 .remedy = "a pattern has no calls: " STEPS ", conditions stand in brackets, as in `A[n > 3]`"},
	{.can = ENS_TK_ARROW, .found_words = "as", .remedy = "a step's name stands before it, as in `a: A`"},
	{.can = ENS_TK_ARROW,
	 .found = ENS_TK_QUEST,
	 .remedy = "a repetition is left as soon as the next step can be taken, without a sign for it"},
	{.can = ENS_TK_ARROW,
	 .cannot = ENS_TK_PLUS,
	 .last_words = "greedy relaxed consecutive combinations",
	 .remedy = "the repetition stands before this word, as in `A+ greedy`"},
	{.can = ENS_TK_ARROW,
	 .cannot = ENS_TK_PLUS,
	 .last = ENS_TK_IDENT,
	 .found_words = "> < >= <= = !=",
	 .remedy = UNTIL},
	{.can = ENS_TK_PIPE,
	 .cannot = ENS_TK_ARROW,
	 .open = ENS_TK_LP,
	 .last = ENS_TK_IDENT,
	 .found_words = "> < >= <= = !=",
	 .remedy = UNTIL},
	{.can = ENS_TK_ARROW,
	 .cannot = ENS_TK_PLUS,
	 .found = ENS_TK_PLUS,
	 .remedy = "one repetition is enough; to repeat the repeated put it in parentheses, as in `(A{5})+`"},
	{.can = ENS_TK_ARROW,
	 .cannot = ENS_TK_PLUS,
	 .found = ENS_TK_STAR,
	 .remedy = "one repetition is enough; to repeat the repeated put it in parentheses, as in `(A{5})*`"},
	{.can = ENS_TK_ARROW,
	 .cannot = ENS_TK_PLUS,
	 .found = ENS_TK_LC,
	 .remedy = "one repetition is enough; to repeat the repeated put it in parentheses, as in `(A+){5}`"},
	{.can = ENS_TK_ARROW, .last_words = "no without absent never missing", .remedy = "an absence is written `-> not B`"},
	{.can = ENS_TK_ARROW,
	 .last = ENS_TK_IDENT,
	 .found = ENS_TK_IDENT,
	 .found_words = "then followed followedby next before",
	 .remedy = STEPS},
	{.can = ENS_TK_ARROW,
	 .last = ENS_TK_IDENT,
	 .found = ENS_TK_IDENT,
	 .remedy = "a step's name stands before a colon, as in `a: A`; " STEPS},
	{.can = ENS_TK_ARROW, .found = ENS_TK_IDENT, .remedy = STEPS},
	{.can = ENS_TK_ARROW, .found = ENS_TK_THEN, .remedy = STEPS},
	{.can = ENS_TK_ARROW, .found = ENS_TK_GT, .remedy = STEPS},
	{.can = ENS_TK_ARROW, .last = ENS_TK_IDENT, .found = ENS_TK_MINUS, .remedy = STEPS "; " NAMES},
	{.can = ENS_TK_ARROW, .found = ENS_TK_MINUS, .remedy = STEPS},
	{.can = ENS_TK_ARROW, .found = ENS_TK_LT, .remedy = STEPS},
	{.can = ENS_TK_ARROW,
	 .found = ENS_TK_AND,
	 .remedy = "both, in any order, are written `(A & B)`; one after the other `A -> B`"},
	{.can = ENS_TK_ARROW, .found = ENS_TK_OR, .remedy = "one of two is written `(A | B)`"},
	{.can = ENS_TK_ARROW,
	 .cannot = ENS_TK_PLUS,
	 .last = ENS_TK_RC,
	 .found = ENS_TK_LB,
	 .remedy = "the condition stands before the repetition, as in `A[n > 3]{3}`"},
	{.can = ENS_TK_ARROW, .found = ENS_TK_LB, .remedy = "conditions are joined by `and` in one pair of brackets"},
	{.can = ENS_TK_ARROW, .found = ENS_TK_LP, .remedy = STEPS},
	{.can = ENS_TK_ARROW, .found = ENS_TK_NOT, .remedy = STEPS ", and `not` stands behind one: `-> not B`"},
	{.can = ENS_TK_IDENT,
	 .cannot = ENS_TK_STRING,
	 .found = ENS_TK_LB,
	 .remedy = "a step is a type, then its condition in brackets: `a: A[n > 3]`"},
};

static const struct row expression_rows[] = {
	{.can = ENS_TK_NIL, .cannot = ENS_TK_INT, .found = ENS_TK_TRUE, .remedy = BOOLS},
	{.can = ENS_TK_NIL, .cannot = ENS_TK_INT, .found = ENS_TK_FALSE, .remedy = BOOLS},
	{.can = ENS_TK_BETWEEN, .cannot = ENS_TK_PLUS, .found = ENS_TK_NIL, .remedy = "write `is not null`"},
	{.last = ENS_TK_MATCHES, .found = ENS_TK_SLASH, .remedy = "a regular expression is a string, as in `s matches \"a+b\"`"},
	{.can = ENS_TK_PLUS, .last = ENS_TK_STRING, .found = ENS_TK_STRING, .remedy = "a string stands in one pair of quotes; a quote within it is \\\""},
	{.last = ENS_TK_LIKE, .found = ENS_TK_NOT, .remedy = "`not` stands before it, as in `s not like \"a*\"`"},
	{.last = ENS_TK_IN, .found = ENS_TK_NOT, .remedy = "`not` stands before it, as in `n not in (1, 2)`"},
	{.last = ENS_TK_MATCHES, .found = ENS_TK_NOT, .remedy = "`not` stands before it, as in `not s matches \"a+\"`"},
	{.unit = ENS_TK_H_MATCH,
	 .last = ENS_TK_LB,
	 .found = ENS_TK_RB,
	 .remedy = "where there is no condition, leave the brackets out"},
	{.unit = ENS_TK_H_FN,
	 .found = ENS_TK_COLON,
	 .remedy = "arguments have no types, as in `fn pace(km, h) = km / h`"},
	{.can = ENS_TK_RP, .open = ENS_TK_LP, .found = ENS_TK_COLON, .remedy = "is a `)` missing before this?"},
	{.can = ENS_TK_RP, .open = ENS_TK_LP, .found = ENS_TK_RB, .remedy = "is a `)` missing before this?"},
	{.can = ENS_TK_RB, .open = ENS_TK_LB, .found = ENS_TK_RP, .remedy = "is a `]` missing before this?"},
	{.can = ENS_TK_RB, .open = ENS_TK_LB, .found = ENS_TK_ARROW, .remedy = "is a `]` missing before this?"},
	{.can = ENS_TK_RP,
	 .cannot = ENS_TK_COMMA,
	 .open = ENS_TK_LP,
	 .unit = ENS_TK_H_EVENT,
	 .found = ENS_TK_COMMA,
	 .remedy = "a type has one unit or none; what values it may have can't be said in it"},
	{.can = ENS_TK_PLUS, .found_words = "as", .open = ENS_TK_LP, .remedy = CASTS},
	{.can = ENS_TK_PLUS, .last = ENS_TK_RP, .found = ENS_TK_IDENT, .open = ENS_TK_LB, .remedy = CASTS},
	{.can = ENS_TK_THEN, .found = ENS_TK_STRING, .remedy = CHOICE},
	{.can = ENS_TK_THEN, .found = ENS_TK_INT, .remedy = CHOICE},
	{.can = ENS_TK_THEN, .found = ENS_TK_IDENT, .remedy = CHOICE},
	{.can = ENS_TK_PLUS, .last_words = "case", .found_words = "when", .remedy = CHOICE},
	{.can = ENS_TK_PLUS, .found = ENS_TK_IF, .remedy = CHOICE},
	{.can = ENS_TK_STRING,
	 .cannot = ENS_TK_PLUS,
	 .found = ENS_TK_IF,
	 .remedy = "an `if` behind an operator stands in parentheses, as in `1 + (if n > 3 then 1 else 0)`"},
	{.can = ENS_TK_PLUS, .last = ENS_TK_IDENT, .open = ENS_TK_LP, .found_words = "where when having filter", .remedy = "an aggregate is narrowed by a condition in brackets, as in `count(a[n > 3])`"},
	{.can = ENS_TK_PLUS, .found_words = "=>", .remedy = "\"at least\" is written `>=`"},
	{.can = ENS_TK_PLUS, .last_words = "count", .found = ENS_TK_IDENT, .remedy = "write `count_distinct(a.FIELD)`"},
	{.can = ENS_TK_PLUS, .last_words = "distinct", .found = ENS_TK_IDENT, .remedy = "write `count_distinct(a.FIELD)`"},
	{.can = ENS_TK_PLUS, .last_words = "return", .found = ENS_TK_IDENT, .remedy = "leave `return` out"},
	{.can = ENS_TK_PLUS, .last_words = "interval", .found = ENS_TK_INT, .remedy = "a duration is written in one, as in 5m"},
	{.can = ENS_TK_PLUS, .last_words = "f", .found = ENS_TK_STRING, .remedy = "in what is emitted every string takes values in braces, without a sign before it"},
	{.can = ENS_TK_PLUS, .found_words = "mod", .remedy = "the rest of a division is `n % 2`"},
	{.can = ENS_TK_PLUS, .found_words = "div", .remedy = "write `/`; the whole part is `floor(a / b)`"},
	{.can = ENS_TK_PLUS, .found_words = "xor", .remedy = "of two conditions one and not the other is `a != b`"},
	{.can = ENS_TK_STRING, .cannot = ENS_TK_PLUS, .last = ENS_TK_STAR, .found = ENS_TK_STAR, .remedy = "a power is written `pow(x, y)`"},
	{.can = ENS_TK_STRING, .cannot = ENS_TK_PLUS, .last = ENS_TK_PLUS, .found = ENS_TK_PLUS, .remedy = NOT_ASSIGNED},
	{.can = ENS_TK_STRING, .last = ENS_TK_IN, .found = ENS_TK_LC, .remedy = "a list stands in parentheses, as in `n in (1, 2, 3)`"},
	{.can = ENS_TK_STRING, .last = ENS_TK_LP, .found = ENS_TK_RP, .open = ENS_TK_LP, .remedy = "a list has at least one value, as in `n in (1, 2, 3)`"},
	{.can = ENS_TK_STRING,
	 .last = ENS_TK_COLON,
	 .open = ENS_TK_LC,
	 .found = ENS_TK_LB,
	 .remedy = "a list is made of a step's values by `list(a.FIELD)`; other values are emitted by names of their own"},
	{.can = ENS_TK_STRING,
	 .last = ENS_TK_COLON,
	 .open = ENS_TK_LC,
	 .found = ENS_TK_LC,
	 .remedy = "a value has no parts: emit them by names of their own"},
	{.unit = ENS_TK_H_TEST, .can = ENS_TK_STRING, .last = ENS_TK_COLON, .found_words = "> < >= <= = !=", .remedy = "what is expected is a value: they are compared for equality"},
	{.can = ENS_TK_STRING, .cannot = ENS_TK_PLUS, .found = ENS_TK_DOT, .remedy = "a number begins with a digit, as in `0.5`"},
	{.last = ENS_TK_DOT, .found = ENS_TK_RB, .can = ENS_TK_IDENT, .remedy = "behind the point stands a field's name, or a digit: `5.0`"},
	{.last = ENS_TK_PERCENT, .can = ENS_TK_STRING, .cannot = ENS_TK_PLUS, .remedy = "`%` is the rest of a division; 5 percent are `0.05`"},
	{.can = ENS_TK_ONCE, .last_words = "once", .remedy = "`once` stands behind the condition, as in `having n > 3 once`"},
	{.unit = ENS_TK_H_WHERE, .can = ENS_TK_PLUS, .found = ENS_TK_COMMA, .remedy = "conditions are joined by `and`"},
	{.unit = ENS_TK_H_HAVING, .can = ENS_TK_PLUS, .cannot = ENS_TK_COMMA, .found = ENS_TK_COMMA, .remedy = "conditions are joined by `and`"},
	{.can = ENS_TK_PLUS, .found = ENS_TK_COLON, .last = ENS_TK_IDENT, .open = ENS_TK_LB, .unit = ENS_TK_H_EMIT, .remedy = INDEX},
	{.can = ENS_TK_RB, .last = ENS_TK_INT, .found = ENS_TK_COLON, .open = ENS_TK_LB, .unit = ENS_TK_H_EMIT, .remedy = INDEX},
	{.can = ENS_TK_PLUS, .last = ENS_TK_INT, .found = ENS_TK_COLON, .remedy = "a time is a string, as in \"2026-01-05T08:00:00Z\"; an hour is compared as in `hour(t) >= 22`"},
	{.can = ENS_TK_RP,
	 .cannot = ENS_TK_COMMA,
	 .open = ENS_TK_LP,
	 .found = ENS_TK_COMMA,
	 .remedy = "a list in parentheses stands behind `in`; a range is written `between 1 and 5`"},
	{.last_words = "where",
	 .open = ENS_TK_LB,
	 .remedy = "a condition in brackets begins without a word, as in `A[n > 3]`"},
	{.can = ENS_TK_ELSE, .found_words = "elsif elif elseif", .remedy = "write `else if`"},
	{.can = ENS_TK_ELSE, .remedy = "an `if` needs its `else`, for instance `else null`"},
	{.can = ENS_TK_PLUS, .found = ENS_TK_QUEST, .remedy = CHOICE "; what is missing is replaced as in `x ?? 0`"},
	{.can = ENS_TK_NIL,
	 .cannot = ENS_TK_INT,
	 .found_words = "nil none undefined missing unknown na",
	 .remedy = "a value that is missing is `null`"},
	{.can = ENS_TK_NIL,
	 .cannot = ENS_TK_INT,
	 .found_words = "empty blank",
	 .remedy = "a value that is missing is `null`; a text without characters is `\"\"`"},
	{.can = ENS_TK_NIL,
	 .cannot = ENS_TK_INT,
	 .last = ENS_TK_NOT,
	 .remedy = "`is not` stands before `null` only: compare with `!=`"},
	{.can = ENS_TK_NIL, .cannot = ENS_TK_INT, .remedy = "`is` stands before `null` only: compare with `=`"},
	{.can = ENS_TK_BETWEEN,
	 .cannot = ENS_TK_PLUS,
	 .remedy = "that two values differ is written `!=`; another `not` stands before the whole comparison"},
	{.can = ENS_TK_AND, .cannot = ENS_TK_OR, .remedy = "as in `x between 1 and 5`"},
	{.can = ENS_TK_PLUS,
	 .last = ENS_TK_IDENT,
	 .found = ENS_TK_LP,
	 .remedy = "a function is called with its values in parentheses: `lower(s)`, not `s.lower()`"},
	{.can = ENS_TK_COMMA,
	 .open = ENS_TK_LC,
	 .found_words = "as",
	 .remedy = "a value's name stands before it, as in `n: a.n`"},
	{.can = ENS_TK_PLUS,
	 .found = ENS_TK_COLON,
	 .open = ENS_TK_LB,
	 .remedy = NOT_ASSIGNED},
	{.can = ENS_TK_PLUS, .found = ENS_TK_COMMA, .open = ENS_TK_LB, .remedy = "conditions are joined by `and`; a list stands in parentheses, as in `n in (1, 2, 3)`"},
	{.can = ENS_TK_PLUS, .found_words = "greater more above over larger bigger", .remedy = "write `>`"},
	{.can = ENS_TK_PLUS, .found_words = "less lower below under smaller", .remedy = "write `<`"},
	{.last = ENS_TK_STRING, .found = ENS_TK_COLON, .open = ENS_TK_LC, .remedy = "a name has no quotes"},
	{.can = ENS_TK_PLUS,
	 .found_words = "starts ends begins contains starts_with ends_with startswith endswith",
	 .remedy = "it is a function: `contains(s, \"x\")`, `starts_with(s, \"x\")`, `ends_with(s, \"x\")`"},
	{.can = ENS_TK_PLUS, .found_words = "equals equal eq equalto", .remedy = "write `=`"},
	{.can = ENS_TK_PLUS,
	 .found_words = "regexp rlike regex ilike similar",
	 .remedy = "a regular expression is written `s matches \"a+b\"`"},
	{.can = ENS_TK_PLUS, .found_words = "isnull exists missing", .remedy = "write `is null` or `is not null`"},
	{.can = ENS_TK_STRING,
	 .cannot = ENS_TK_PLUS,
	 .last = ENS_TK_IN,
	 .found = ENS_TK_LB,
	 .remedy = "a list stands in parentheses, as in `n in (1, 2, 3)`"},
	{.can = ENS_TK_MINUS,
	 .cannot = ENS_TK_PLUS,
	 .last = ENS_TK_LP,
	 .found = ENS_TK_STAR,
	 .remedy = "`count()` counts all events, `count(a)` those that the step `a` took"},
	{.last = ENS_TK_NOT, .found = ENS_TK_EQ, .remedy = "that two values differ is written `!=`; a field called `not` stands in back quotes"},
	{.last = ENS_TK_IF, .found = ENS_TK_EQ, .remedy = "a field called `if` stands in back quotes"},
	{.can = ENS_TK_STRING,
	 .cannot = ENS_TK_PLUS,
	 .found = ENS_TK_EQ,
	 .remedy = "values are compared with `=` alone; nothing can be assigned"},
	{.can = ENS_TK_STRING,
	 .cannot = ENS_TK_PLUS,
	 .open = ENS_TK_LC,
	 .found = ENS_TK_STAR,
	 .remedy = "all fields of a step are `a.*`"},
	{.last = ENS_TK_DOT, .found = ENS_TK_DOT, .remedy = "a range is written `n between 1 and 5`"},
	{.can = ENS_TK_COMMA, .open = ENS_TK_LC, .found = ENS_TK_IDENT, .remedy = FIELDS},
	{.can = ENS_TK_PLUS,
	 .last = ENS_TK_IDENT,
	 .found = ENS_TK_IDENT,
	 .remedy = "between two values stands an operator; a function's values stand in parentheses, as in `lower(s)`"},
	{.can = ENS_TK_PLUS, .found = ENS_TK_INT, .remedy = OPERATOR},
	{.can = ENS_TK_PLUS, .found = ENS_TK_FLOAT, .remedy = OPERATOR},
	{.can = ENS_TK_PLUS, .found = ENS_TK_STRING, .remedy = OPERATOR},
	{.can = ENS_TK_PLUS, .found = ENS_TK_DURATION, .remedy = OPERATOR},
};

static const struct row other_rows[] = {
	{.unit = ENS_TK_H_KEY, .last = ENS_TK_IDENT, .found_words = "as", .remedy = "a key's name stands before a colon, as in `key who: Login.user = Order.customer`"},
	{.unit = ENS_TK_H_KEY, .last_words = "by on", .remedy = "as in `key user`"},
	{.unit = ENS_TK_H_KEY, .last = ENS_TK_IDENT, .found = ENS_TK_IDENT, .remedy = "the parts of a key are separated by commas, as in `key user, host`"},
	{.unit = ENS_TK_H_KEY, .last = ENS_TK_IDENT, .found = ENS_TK_LP, .remedy = "a key is a field; one that is computed is declared in the event, as in `name: string = lower(user)`"},
	{.unit = ENS_TK_H_KEY, .last = ENS_TK_H_KEY, .found = ENS_TK_LB, .remedy = "the parts of a key stand without brackets, as in `key user, host`"},
	{.unit = ENS_TK_H_KEY, .last = ENS_TK_H_KEY, .found = ENS_TK_LP, .remedy = "the parts of a key stand without brackets, as in `key user, host`"},
	{.unit = ENS_TK_H_KEY, .last = ENS_TK_IDENT, .found = ENS_TK_AND, .remedy = "the parts of a key are separated by commas, as in `key user, host`"},
	{.unit = ENS_TK_H_KEY, .found = ENS_TK_ARROW, .remedy = "the fields of several types are joined by `=`, as in `key user: Login.user = Order.customer`"},
	{.unit = ENS_TK_H_KEY, .last = ENS_TK_IDENT, .can = ENS_TK_DOT, .cannot = ENS_TK_COMMA, .remedy = "behind the colon stands the field of each type, as in `key user: Login.user = Order.customer`; a field that all have is `key user`"},
	{.unit = ENS_TK_H_FROM, .last_words = "every pattern sequence", .remedy = "what is looked for stands in `match a: A -> b: B`"},
	{.unit = ENS_TK_H_FROM, .last = ENS_TK_IDENT, .found = ENS_TK_EQ, .remedy = INPUT},
	{.unit = ENS_TK_H_FROM, .last = ENS_TK_IDENT, .found = ENS_TK_IDENT, .remedy = INPUT},
	{.unit = ENS_TK_H_FROM, .last = ENS_TK_IDENT, .found_words = "as", .remedy = INPUT},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LC, .last_words = "time", .found_words = "s ms us ns sec seconds millis milliseconds", .remedy = "the unit stands in parentheses, as in `time(ms)`"},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LC, .found_words = "default", .remedy = "a field has no default: declare it with `?` and say `x ?? 0` where it is used"},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LC, .last_words = "optional nullable maybe required", .remedy = "a field that may be missing has a `?` behind its type, as in `k: int?`; others are always there"},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LB, .last = ENS_TK_LB, .remedy = TYPES},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LC, .last = ENS_TK_COLON, .found = ENS_TK_LC, .remedy = "what is nested is read by its path, as in `name: string as \"user.name\"`"},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LC, .can = ENS_TK_COLON, .found = ENS_TK_EQ, .remedy = "a computed field has a type, too, as in `n: int = len(name)`"},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LC, .last = ENS_TK_STRING, .found = ENS_TK_EQ, .remedy = "a field is read or computed: leave `as` out, or the expression"},
	{.unit = ENS_TK_H_EVENT, .last = ENS_TK_JSON, .remedy = "behind `json` stands the entry's field that holds the object, as in `json payload { ... }`"},
	{.unit = ENS_TK_H_EVENT, .last = ENS_TK_IDENT, .can = ENS_TK_LB, .cannot = ENS_TK_RC, .remedy = FILTER},
	{.unit = ENS_TK_H_EVENT, .last = ENS_TK_RB, .cannot = ENS_TK_RC, .remedy = FILTER},
	{.unit = ENS_TK_H_EVENT, .last = ENS_TK_IDENT, .can = ENS_TK_H_FROM, .found = ENS_TK_COLON, .remedy = "write `event NAME from \"stream\" { ... }`, or for a named filter `event NAME = TYPE[condition]`"},
	{.unit = ENS_TK_H_EVENT, .can = ENS_TK_LATENESS, .found_words = "watermark delay delayed allowed_lateness grace tolerance", .remedy = "how late an event may come is `lateness 5s`"},
	{.unit = ENS_TK_H_EVENT, .can = ENS_TK_LATENESS, .found_words = "timestamp ts rowtime event_time eventtime", .remedy = "which field is the event's time is said by `time FIELD`"},
	{.unit = ENS_TK_H_EVENT, .last = ENS_TK_LATE, .found = ENS_TK_DURATION, .remedy = "how late an event may come is `lateness 5s`; `late drop`, `late accept` and `late to \"stream\"` say what becomes of later ones"},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LC, .can = ENS_TK_COLON, .last = ENS_TK_IDENT, .found = ENS_TK_COMMA, .remedy = "a field has a type, as in `user: string`"},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LC, .can = ENS_TK_COLON, .last = ENS_TK_IDENT, .found = ENS_TK_RC, .remedy = "a field has a type, as in `user: string`"},
	{.unit = ENS_TK_H_EVENT, .can = ENS_TK_LATENESS, .found = ENS_TK_COMMA, .remedy = "options stand without commas, as in `time at lateness 5s`"},
	{.unit = ENS_TK_H_EVENT, .last_words = "from", .found = ENS_TK_LB, .remedy = "several streams stand without brackets: `from \"a\", \"b\"`"},
	{.unit = ENS_TK_H_EVENT, .last_words = "from", .found = ENS_TK_LP, .remedy = "several streams stand without brackets: `from \"a\", \"b\"`"},
	{.unit = ENS_TK_H_EVENT, .last = ENS_TK_IDENT, .can = ENS_TK_H_FROM, .found = ENS_TK_IDENT, .remedy = "write `event NAME from \"stream\" { ... }`, or for a named filter `event NAME = TYPE[condition]`"},
	{.unit = ENS_TK_H_EVENT, .last_words = "lateness idle", .found = ENS_TK_EQ, .remedy = "an option's value stands behind it without a sign, as in `lateness 5s`"},
	{.unit = ENS_TK_H_EVENT, .last_words = "time", .found = ENS_TK_EQ, .can = ENS_TK_IDENT, .remedy = "an option's value stands behind it without a sign, as in `time at`"},
	{.unit = ENS_TK_H_EVENT, .can = ENS_TK_LATENESS, .last = ENS_TK_IDENT, .found_words = "s ms us ns sec seconds millis milliseconds", .remedy = "the unit stands in the field's type, as in `at: time(ms)`"},
	{.unit = ENS_TK_H_EVENT, .last = ENS_TK_IDENT, .can = ENS_TK_H_FROM, .found = ENS_TK_DOT, .remedy = NAMES},
	{.unit = ENS_TK_H_RULE, .last = ENS_TK_IDENT, .found = ENS_TK_DOT, .remedy = NAMES},
	{.unit = ENS_TK_H_PARAM, .can = ENS_TK_COLON, .found = ENS_TK_EQ, .remedy = "a parameter has a type: `param threshold: int = 5`"},
	{.unit = ENS_TK_H_PARAM, .open = ENS_TK_LP, .found = ENS_TK_COMMA, .remedy = "a parameter is one literal; a list stands where it is used, as in `n in (1, 2, 3)`"},
	{.unit = ENS_TK_H_PARAM, .can = ENS_TK_EQ, .cannot = ENS_TK_PLUS, .remedy = "a parameter has a value, which `--set` may replace: `param threshold: int = 5`"},
	{.unit = ENS_TK_H_EVENT, .last = ENS_TK_DELETE, .remedy = "as in `delete when closed`"},
	{.unit = ENS_TK_H_EVENT, .found_words = "primary unique", .cannot = ENS_TK_LATENESS, .remedy = "the key of a table is `key FIELD`, before its fields"},
	{.unit = ENS_TK_H_FN, .last = ENS_TK_IDENT, .found = ENS_TK_EQ, .can = ENS_TK_LP, .remedy = "a function has arguments, as in `fn half(x) = x / 2`; a value by its name is `param NAME: int = 5`"},
	{.unit = ENS_TK_H_EMIT, .can = ENS_TK_EXPIRE, .found_words = "ttl expires expiry expiration timeout", .remedy = "how long a hash is kept is `expire 1d`"},
	{.unit = ENS_TK_H_EMIT, .can = ENS_TK_EXPIRE, .found_words = "to", .remedy = "where it goes stands before the braces, as in `emit TYPE to \"stream\" { name: value }`"},
	{.unit = ENS_TK_H_EMIT, .can = ENS_TK_LC, .found = ENS_TK_COMMA, .remedy = "one type goes to one place: for another write a second `emit`"},
	{.unit = ENS_TK_H_EMIT, .last = ENS_TK_STRING, .can = ENS_TK_LC, .found_words = "to and", .remedy = "one type goes to one place: for another write a second `emit`"},
	{.open = ENS_TK_LC, .last = ENS_TK_COLON, .found = ENS_TK_RC, .can = ENS_TK_STRING, .remedy = "behind the colon stands a value, as in `n: 5`"},
	{.open = ENS_TK_LC, .last = ENS_TK_COLON, .found = ENS_TK_COMMA, .can = ENS_TK_STRING, .remedy = "behind the colon stands a value, as in `n: 5`"},
	{.last = ENS_TK_COMMA, .found = ENS_TK_COMMA, .remedy = "one comma is enough: leave the other out"},
	{.open = ENS_TK_LC, .can = ENS_TK_COLON, .cannot = ENS_TK_LC, .last = ENS_TK_IDENT, .found = ENS_TK_IDENT, .remedy = "between a name and its value stands a colon, as in `n: a.n`; " FIELDS},
	{.open = ENS_TK_LC, .can = ENS_TK_COLON, .cannot = ENS_TK_LC, .last = ENS_TK_IDENT, .found = ENS_TK_INT, .remedy = "between a name and its value stands a colon, as in `n: 5`"},
	{.open = ENS_TK_LC, .can = ENS_TK_COLON, .cannot = ENS_TK_LC, .last = ENS_TK_IDENT, .found = ENS_TK_STRING, .remedy = "between a name and its value stands a colon, as in `user: \"ann\"`"},
	{.unit = ENS_TK_H_EMIT, .can = ENS_TK_EXPIRE, .found_words = "if when where unless having", .remedy = "which matches are emitted is said by a clause `having CONDITION`"},
	{.unit = ENS_TK_H_WITHIN, .last = ENS_TK_DURATION, .found = ENS_TK_DURATION, .remedy = JOINED},
	{.unit = ENS_TK_H_WITHIN, .last = ENS_TK_DURATION, .found = ENS_TK_PLUS, .remedy = JOINED},
	{.unit = ENS_TK_H_WITHIN, .last = ENS_TK_H_WITHIN, .found = ENS_TK_MINUS, .remedy = "a length has no sign, as in `within 5m`"},
	{.unit = ENS_TK_H_WITHIN, .found_words = "* + - / %", .remedy = "nothing is computed here: a length is a literal, as in `within 10m`, or a parameter of its own"},
	{.unit = ENS_TK_H_WITHIN, .last = ENS_TK_INT, .found = ENS_TK_COLON, .remedy = JOINED},
	{.unit = ENS_TK_H_WINDOW, .last = ENS_TK_DURATION, .found = ENS_TK_DURATION, .remedy = JOINED},
	{.unit = ENS_TK_H_WINDOW, .last = ENS_TK_H_WINDOW, .found = ENS_TK_DURATION, .remedy = "say which kind: `tumbling 5m`, `hopping 5m every 1m`, `sliding 5m` or `session 5m`"},
	{.unit = ENS_TK_H_WINDOW, .last_words = "running forget", .found = ENS_TK_DURATION, .remedy = "as in `window running` or `window running forget after 30d`"},
	{.unit = ENS_TK_H_WINDOW, .last = ENS_TK_INT, .found_words = "event events", .cannot = ENS_TK_EVENTS, .remedy = "a window of so many events is `window 100 events`, at each event `window 100 events every 1`"},
	{.unit = ENS_TK_H_LIMIT, .can = ENS_TK_PLUS, .found = ENS_TK_COMMA, .remedy = "`by` takes one value; those of the key are counted apart anyway"},
	{.unit = ENS_TK_H_LIMIT, .last = ENS_TK_DURATION, .found_words = "per for each every", .remedy = "values of the key are counted apart anyway, those of another expression by `by`, as in `limit 1 per 10m by a.host`"},
	{.unit = ENS_TK_H_RESET, .last = ENS_TK_IDENT, .found_words = "or and , |", .remedy = "several stand in parentheses, as in `reset on (Logout | Close)`"},
	{.unit = ENS_TK_H_RESET, .last = ENS_TK_RB, .found_words = "or and , |", .remedy = "several stand in parentheses, as in `reset on (Logout | Close)`"},
	{.unit = ENS_TK_H_TEST, .last_words = "at", .found = ENS_TK_PLUS, .remedy = "times count from the start of the test, as in `at 5s TYPE { ... }`"},
	{.unit = ENS_TK_H_TEST, .last_words = "start", .can = ENS_TK_STRING, .remedy = "as in `start \"2026-01-05T08:00:00Z\"`"},
	{.unit = ENS_TK_H_TEST, .last_words = "times", .found = ENS_TK_IDENT, .can = ENS_TK_LC, .remedy = "how many are expected stands alone, as in `expect 2 TYPE`"},
	{.unit = ENS_TK_H_TEST, .last_words = "at", .found = ENS_TK_DURATION, .can = ENS_TK_LC, .remedy = "`at` stands first, as in `at 9s 3 times every 1s TYPE { ... }`"},
	{.unit = ENS_TK_H_TEST, .last_words = "arriving", .found = ENS_TK_DURATION, .remedy = "`arriving` stands behind `at`, as in `at 9s arriving 20s TYPE { ... }`"},
	{.unit = ENS_TK_H_TEST, .last_words = "expect", .found = ENS_TK_IDENT, .can = ENS_TK_LC, .remedy = "what is expected has no time of its own: `wait 5s` on the line before lets time pass"},
	{.unit = ENS_TK_H_TEST, .can = ENS_TK_EXPECT, .found = ENS_TK_PLUS, .remedy = "times count from the start of the test, as in `at 5s TYPE { ... }`"},
	{.last = ENS_TK_ARROWANY, .found = ENS_TK_GT, .remedy = STEPS},
	{.unit = ENS_TK_H_TEST, .last_words = "no not nothing", .remedy = "that nothing is emitted is `expect none`"},
	{.unit = ENS_TK_H_TEST, .found_words = "not no", .remedy = "that nothing is emitted is `expect none`"},
	{.unit = ENS_TK_H_TEST, .last = ENS_TK_WAIT, .remedy = "as in `wait 30m`"},
	{.unit = ENS_TK_H_TEST,
	 .open = ENS_TK_LC,
	 .can = ENS_TK_LC,
	 .found = ENS_TK_LP,
	 .remedy = "fields stand in braces: `A { n: 1 }`"},
	{.unit = ENS_TK_H_TEST,
	 .open = ENS_TK_LC,
	 .can = ENS_TK_NEWLINE,
	 .cannot = ENS_TK_COMMA,
	 .remedy = "lines of a test are `at 9s TYPE { ... }`, `3 times every 1s TYPE { ... }`, `wait 30m`, `expect "
		   "TYPE { ... }` and `expect none`"},
	{.unit = ENS_TK_H_TEST, .open = ENS_TK_LC, .can = ENS_TK_ARRIVING, .remedy = "as in `at 9s TYPE { ... }`"},
	{.unit = ENS_TK_H_EVENT,
	 .can = ENS_TK_LC,
	 .found = ENS_TK_LP,
	 .remedy = "fields stand in braces: `{ user: string }`"},
	{.unit = ENS_TK_H_EVENT,
	 .can = ENS_TK_LC,
	 .found_words = "time lateness late idle sharded unique",
	 .remedy = "options stand behind the braces"},
	{.unit = ENS_TK_H_EVENT,
	 .open = ENS_TK_LC,
	 .found = ENS_TK_QUEST,
	 .can = ENS_TK_COLON,
	 .remedy = "the `?` of a field that may be missing stands behind its type, as in `k: int?`"},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LC, .found = ENS_TK_MINUS, .can = ENS_TK_COLON, .remedy = NAMES},
	{.unit = ENS_TK_H_EVENT,
	 .last = ENS_TK_LATE,
	 .remedy = "as in `late drop`, `late accept` or `late to \"stream\"`"},
	{.unit = ENS_TK_H_EVENT, .last = ENS_TK_SHARDED, .remedy = "as in `sharded by id`"},
	{.unit = ENS_TK_H_EVENT, .can = ENS_TK_FOR, .remedy = "as in `unique id for 10m`"},
	{.unit = ENS_TK_H_EVENT,
	 .last = ENS_TK_RB,
	 .found = ENS_TK_OR,
	 .remedy = FILTER},
	{.unit = ENS_TK_H_WINDOW,
	 .found = ENS_TK_SLASH,
	 .remedy = "a zone's name is a string, as in `zone \"Europe/Berlin\"`"},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LC, .found = ENS_TK_NOT, .remedy = TYPES},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LC, .found = ENS_TK_PIPE, .remedy = TYPES},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LC, .found = ENS_TK_LT, .remedy = TYPES},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LC, .found = ENS_TK_LB, .remedy = TYPES},
	{.unit = ENS_TK_H_EVENT, .open = ENS_TK_LP, .found = ENS_TK_INT, .remedy = "a type has no size"},
	{.last = ENS_TK_IDENT, .found = ENS_TK_MINUS, .cannot = ENS_TK_SLASH, .remedy = NAMES},
	{.can = ENS_TK_LATENESS, .found_words = "key from to where json", .remedy = "this stands before the braces"},
	{.can = ENS_TK_LATENESS, .remedy = "options are `time`, `lateness`, `late`, `idle`, `sharded by` and `unique`"},
	{.unit = ENS_TK_H_RULE,
	 .last = ENS_TK_H_RULE,
	 .found = ENS_TK_STRING,
	 .remedy = "a rule has a name before its title: `rule my_rule \"my rule\"`"},
	{.unit = ENS_TK_H_RULE,
	 .found = ENS_TK_LC,
	 .remedy = "a rule has no braces: its clauses stand on the lines below it"},
};

/* Declarations and clauses of a fixed form, for mistakes outside their brackets. */
static const struct {
	int unit;
	const char *form;
} forms[] = {
	{ENS_TK_H_IMPORT, "as in `import \"common.ens\"`"},
	{ENS_TK_H_PARAM, "as in `param threshold: int = 5`"},
	{ENS_TK_H_EVENT, "as in `event Login from \"logins\" { user: string, ok: bool }`"},
	{ENS_TK_H_TABLE, "as in `table Account from \"accounts\" key id { id: string, owner: string }`"},
	{ENS_TK_H_FN, "as in `fn pace(km, h) = km / h`"},
	{ENS_TK_H_RULE, "as in `rule my_rule \"my rule\"`"},
	{ENS_TK_H_TEST, "as in `test \"title\" for RULE { ... }`"},
	{ENS_TK_H_FROM, "as in `from Login, Order[total > 5]`"},
	{ENS_TK_H_KEY, "as in `key user` or `key user: Login.user = Order.customer`"},
	{ENS_TK_H_WHERE, "as in `where b.n > a.n`"},
	{ENS_TK_H_HAVING, "as in `having count(a) > 3`"},
	{ENS_TK_H_WITHIN, "as in `within 5m`, `within 20 events` or `within session 30m`"},
	{ENS_TK_H_WINDOW, "as in `window tumbling 5m`, `window hopping 5m every 1m` or `window 100 events`"},
	{ENS_TK_H_SKIP,
	 "`skip none`, `skip to next`, `skip past last`, `skip to first NAME`, `skip to last NAME` or `skip all`"},
	{ENS_TK_H_RESET, "as in `reset on Logout`"},
	{ENS_TK_H_LIMIT, "as in `limit 1 per 10m`"},
	{ENS_TK_H_EMIT, "as in `emit TYPE to \"stream\" { name: value }`"},
	{ENS_TK_H_DERIVE, "as in `derive TYPE { name: value }`"},
	{ENS_TK_H_ON, "as in `on timeout emit TYPE { name: value }`"},
	{ENS_TK_H_META, "as in `meta { severity: \"high\" }`"},
};

static bool fits(const struct row *r, const struct ens_mistake *m)
{
	int unit = m->unit == ENS_TK_H_TABLE ? ENS_TK_H_EVENT : m->unit; /* a table takes all that an event takes */

	return (!r->unit || r->unit == unit) && (!r->open || r->open == m->open) && (!r->last || r->last == m->last) &&
	       (!r->found || r->found == m->found) && (!r->last_words || one_of(m->last_text, r->last_words)) &&
	       (!r->found_words || one_of(m->found_text, r->found_words)) &&
	       (!r->can || ens_grammar_takes(m->grammar, r->can) == 1) &&
	       (!r->cannot || !ens_grammar_takes(m->grammar, r->cannot));
}

static const char *find(const struct row *row, size_t n, const struct ens_mistake *m)
{
	for (size_t i = 0; i < n; i++)
		if (fits(&row[i], m))
			return row[i].remedy;
	return NULL;
}

const char *ens_hint(const struct ens_mistake *m)
{
	const char *remedy = NULL;

	if (!m->open && (m->found == ENS_TK_RP || m->found == ENS_TK_RB || m->found == ENS_TK_RC))
		return "no bracket is open here";
	if (m->last == ENS_TK_INT && m->found == ENS_TK_IDENT && ens_hint_unit(m->found_text))
		return "a duration is written without a blank, as in 5m; units are us, ms, s, m, h, d and w";
	if (m->unit == ENS_TK_H_MATCH)
		remedy = find(pattern_rows, COUNT(pattern_rows), m);
	if (!remedy)
		remedy = find(other_rows, COUNT(other_rows), m);
	if (!remedy)
		remedy = find(expression_rows, COUNT(expression_rows), m);
	for (size_t i = 0; i < COUNT(forms) && !remedy && !m->open; i++)
		if (forms[i].unit == m->unit && !ens_grammar_takes(m->grammar, ENS_TK_SLASH))
			remedy = forms[i].form;
	return remedy;
}
