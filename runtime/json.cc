/*
 * JSON objects through simdjson's on-demand parser (its first stage finds quotes, structure and bad UTF-8 with vector
 * instructions; it is chosen for the processor at run time).
 *
 * On-demand checks only what is looked at, so every member is looked at here: words and numbers byte by byte against
 * their grammar, arrays and objects by a validator with a stack of bits, whose depth is bounded.  Strings without a
 * backslash are borrowed from the text; others are unescaped into the parser's buffer.
 * Guarantee: a text is taken exactly when it is one JSON object within the limits.  Cost: linear in the text; no
 * allocation per text once the parser has grown.  Tested by tests/unit/test_files.c and tests/unit/test_decode.c.
 */
#include "runtime/json.h"

#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include <simdjson.h>

namespace ondemand = simdjson::ondemand;

struct ens_json_parser {
	ondemand::parser parser;
	ens_json_member *member = nullptr;
	size_t max_bytes = 0, max_members = 0;
	unsigned max_depth = 0;
};

namespace {

const char *const not_json = "is not valid JSON";
const char *const not_object = "is not a JSON object";

bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::string_view trim(std::string_view s)
{
	while (!s.empty() && is_space(s.back()))
		s.remove_suffix(1);
	return s;
}

/* Length of the JSON number that s begins with; 0: none.  *whole: it has no fraction and no exponent. */
size_t number_length(std::string_view s, bool *whole)
{
	size_t i = 0, from;

	*whole = true;
	if (i < s.size() && s[i] == '-')
		i++;
	from = i;
	while (i < s.size() && is_digit(s[i]))
		i++;
	if (i == from || (s[from] == '0' && i - from > 1))
		return 0;
	if (i < s.size() && s[i] == '.') {
		*whole = false;
		from = ++i;
		while (i < s.size() && is_digit(s[i]))
			i++;
		if (i == from)
			return 0;
	}
	if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
		*whole = false;
		i++;
		if (i < s.size() && (s[i] == '+' || s[i] == '-'))
			i++;
		from = i;
		while (i < s.size() && is_digit(s[i]))
			i++;
		if (i == from)
			return 0;
	}
	return i;
}

/* Length of the JSON string that s begins with, quotes included; 0: none. */
size_t string_length(std::string_view s)
{
	size_t i = 1;

	if (s.empty() || s[0] != '"')
		return 0;
	while (i < s.size() && s[i] != '"') {
		if (static_cast<unsigned char>(s[i]) < 0x20)
			return 0;
		if (s[i] != '\\') {
			i++;
			continue;
		}
		if (i + 1 >= s.size())
			return 0;
		if (s[i + 1] == 'u') {
			if (i + 5 >= s.size() || !is_hex(s[i + 2]) || !is_hex(s[i + 3]) || !is_hex(s[i + 4]) ||
			    !is_hex(s[i + 5]))
				return 0;
			i += 6;
		} else if (std::memchr("\"\\/bfnrt", s[i + 1], 8)) {
			i += 2;
		} else {
			return 0;
		}
	}
	return i < s.size() ? i + 1 : 0;
}

size_t scalar_length(std::string_view s)
{
	bool whole;

	if (s.substr(0, 4) == "true" || s.substr(0, 4) == "null")
		return 4;
	if (s.substr(0, 5) == "false")
		return 5;
	return s[0] == '"' ? string_length(s) : number_length(s, &whole);
}

/*
 * Is s one whole JSON array or object, not nested deeper than max_depth (at most 64)?
 * Bit d - 1 of `objects` says whether level d is an object.
 */
ens_json_result validate_nested(std::string_view s, unsigned max_depth, const char **why)
{
	enum { VALUE, FIRST_VALUE, FIRST_KEY, KEY, AFTER } expect = VALUE; /* FIRST_: or the closing bracket */
	uint64_t objects = 0;
	unsigned depth = 0;
	size_t i = 0, n;

	*why = not_json;
	for (;;) {
		const bool in_object = depth && (objects >> (depth - 1) & 1);

		while (i < s.size() && is_space(s[i]))
			i++;
		if (i == s.size())
			return ENS_JSON_BAD;
		if (expect == AFTER && s[i] == ',') {
			expect = in_object ? KEY : VALUE;
			i++;
		} else if ((expect == AFTER || expect == FIRST_VALUE || expect == FIRST_KEY) &&
			   s[i] == (in_object ? '}' : ']')) {
			i++;
			if (--depth == 0)
				return i == s.size() ? ENS_JSON_OK : ENS_JSON_BAD;
			expect = AFTER;
		} else if (expect == AFTER) {
			return ENS_JSON_BAD;
		} else if (expect == KEY || expect == FIRST_KEY) {
			n = string_length(s.substr(i));
			for (i += n; n && i < s.size() && is_space(s[i]); i++)
				;
			if (n == 0 || i == s.size() || s[i] != ':')
				return ENS_JSON_BAD;
			i++;
			expect = VALUE;
		} else if (s[i] == '{' || s[i] == '[') {
			if (depth == max_depth) {
				*why = "has members nested deeper than 64 levels";
				return ENS_JSON_TOO_LARGE;
			}
			objects &= ~(uint64_t{1} << depth);
			objects |= uint64_t{s[i] == '{'} << depth;
			depth++;
			expect = s[i++] == '{' ? FIRST_KEY : FIRST_VALUE;
		} else {
			n = scalar_length(s.substr(i));
			if (n == 0)
				return ENS_JSON_BAD;
			i += n;
			expect = AFTER;
		}
	}
}

bool short_int(std::string_view s, int64_t *out)
{
	const bool negative = s[0] == '-';
	int64_t v = 0;

	if (s.size() > 18)
		return false;
	for (size_t i = negative; i < s.size(); i++)
		v = v * 10 + (s[i] - '0');
	*out = negative ? -v : v;
	return true;
}

ens_json_result set_number(ondemand::value &value, std::string_view token, ens_json_member *m, const char **why)
{
	bool whole;

	if (token.empty() || number_length(token, &whole) != token.size()) {
		*why = not_json;
		return ENS_JSON_BAD;
	}
	if (whole && (short_int(token, &m->i) || value.get_int64().get(m->i) == simdjson::SUCCESS)) {
		m->kind = ENS_JSON_INT;
		return ENS_JSON_OK;
	}
	m->kind = !whole && value.get_double().get(m->f) == simdjson::SUCCESS ? ENS_JSON_FLOAT : ENS_JSON_OTHER;
	m->s = token.data();
	m->len = token.size();
	return ENS_JSON_OK;
}

ens_json_result set_string(ondemand::value &value, std::string_view token, ens_json_member *m, const char **why)
{
	std::string_view text = token.substr(1);

	m->kind = ENS_JSON_STRING;
	if (!text.empty() && text.back() == '"' && !std::memchr(text.data(), '\\', text.size())) {
		text.remove_suffix(1);
	} else if (value.get_string().get(text) != simdjson::SUCCESS) {
		*why = "has a string with a bad escape, or half of a surrogate pair";
		return ENS_JSON_BAD;
	}
	m->s = text.data();
	m->len = text.size();
	return ENS_JSON_OK;
}

ens_json_result set_word(std::string_view token, ens_json_member *m, const char **why)
{
	if (token == "null") {
		m->kind = ENS_JSON_NULL;
	} else if (token == "true" || token == "false") {
		m->kind = ENS_JSON_BOOL;
		m->i = token == "true";
	} else {
		*why = not_json;
		return ENS_JSON_BAD;
	}
	return ENS_JSON_OK;
}

ens_json_result set_nested(ondemand::value &value, bool is_object, unsigned max_depth, ens_json_member *m,
			   const char **why)
{
	std::string_view text;
	simdjson::error_code error;

	if (is_object) {
		ondemand::object object;
		error = value.get_object().get(object);
		if (!error)
			error = object.raw_json().get(text);
	} else {
		ondemand::array array;
		error = value.get_array().get(array);
		if (!error)
			error = array.raw_json().get(text);
	}
	if (error) {
		*why = not_json;
		return ENS_JSON_BAD;
	}
	text = trim(text);
	m->kind = ENS_JSON_OTHER;
	m->s = text.data();
	m->len = text.size();
	return validate_nested(text, max_depth - 1, why);
}

ens_json_result set_value(ondemand::value &value, unsigned max_depth, ens_json_member *m, const char **why)
{
	const std::string_view rest = value.raw_json_token(); /* up to the next token */
	const std::string_view token = trim(rest);
	const char first = token.empty() ? '\0' : token[0], next = rest.data()[rest.size()];

	/* Unread values are skipped by on-demand, which would take `"a":"b":1` for a key and go on. */
	if (first != '{' && first != '[' && next != ',' && next != '}') {
		*why = not_json;
		return ENS_JSON_BAD;
	}
	switch (first) {
	case '"':
		return set_string(value, token, m, why);
	case '{':
		return set_nested(value, true, max_depth, m, why);
	case '[':
		return set_nested(value, false, max_depth, m, why);
	case 't':
	case 'f':
	case 'n':
		return set_word(token, m, why);
	default:
		return set_number(value, token, m, why);
	}
}

/* Keys rarely have escapes: up to the first quote, if no backslash comes before it. */
bool set_name(ondemand::field &field, const char *end, ens_json_member *m)
{
	const char *from = field.key().raw();
	const void *quote = std::memchr(from, '"', static_cast<size_t>(end - from));
	std::string_view name;

	if (!quote)
		return false;
	name = std::string_view(from, static_cast<size_t>(static_cast<const char *>(quote) - from));
	if (std::memchr(name.data(), '\\', name.size()) && field.unescaped_key().get(name) != simdjson::SUCCESS)
		return false;
	m->name = name.data();
	m->name_len = name.size();
	return true;
}

ens_json_result failed(simdjson::error_code error, const char **why)
{
	switch (error) {
	case simdjson::UTF8_ERROR:
		*why = "is not UTF-8";
		return ENS_JSON_NOT_UTF8;
	case simdjson::MEMALLOC:
		return ENS_JSON_NO_MEMORY;
	case simdjson::UNCLOSED_STRING:
		*why = "is not valid JSON: a string has no end";
		return ENS_JSON_BAD;
	case simdjson::UNESCAPED_CHARS:
		*why = "is not valid JSON: a string has a control character (write \\n, \\t, \\u0000)";
		return ENS_JSON_BAD;
	case simdjson::INCORRECT_TYPE:
		*why = not_object;
		return ENS_JSON_BAD;
	default:
		*why = not_json;
		return ENS_JSON_BAD;
	}
}

} // namespace

struct ens_json_parser *ens_json_parser_open(size_t max_bytes, size_t max_members, unsigned max_depth)
{
	ens_json_parser *p = new (std::nothrow) ens_json_parser;

	if (!p)
		return nullptr;
	p->max_bytes = max_bytes;
	p->max_members = max_members;
	p->max_depth = max_depth;
	p->member = new (std::nothrow) ens_json_member[max_members];
	if (!p->member) {
		delete p;
		return nullptr;
	}
	return p;
}

void ens_json_parser_close(struct ens_json_parser *p)
{
	if (!p)
		return;
	delete[] p->member;
	delete p;
}

enum ens_json_result ens_json_parse(struct ens_json_parser *p, const char *text, size_t len,
				    const struct ens_json_member **member, size_t *nmember, const char **why)
{
	ondemand::document document;
	ondemand::object object;
	simdjson::error_code error;
	const char *rest;
	size_t n = 0;

	error = p->parser.iterate(simdjson::padded_string_view(text, len, len + simdjson::SIMDJSON_PADDING))
			.get(document);
	if (!error)
		error = document.get_object().get(object);
	if (error)
		return failed(error, why);
	for (auto item : object) {
		ens_json_result result;

		error = item.error();
		if (error)
			return failed(error == simdjson::INCORRECT_TYPE ? simdjson::TAPE_ERROR : error, why);
		ondemand::field &field = item.value_unsafe();
		if (n == p->max_members) {
			*why = "has more than 1,024 members";
			return ENS_JSON_TOO_LARGE;
		}
		p->member[n] = ens_json_member{};
		if (!set_name(field, text + len, &p->member[n]))
			return failed(simdjson::TAPE_ERROR, why);
		result = set_value(field.value(), p->max_depth, &p->member[n], why);
		if (result != ENS_JSON_OK)
			return result;
		n++;
	}
	if (document.current_location().get(rest) == simdjson::SUCCESS) {
		*why = "has something behind its object";
		return ENS_JSON_BAD;
	}
	*member = p->member;
	*nmember = n;
	return ENS_JSON_OK;
}
