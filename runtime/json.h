/*
 * JSON objects, through simdjson: a line of a file, or what a field of an entry holds.
 *
 * A text is refused with a reason when it is no JSON object, nests deeper than ENS_JSON_DEPTH_MAX, has more than
 * ENS_FIELDS_MAX members, or is not UTF-8.  Members are those of the object itself; arrays and objects among them are
 * checked and handed on as texts.  Members of a name that came before are handed on: who reads them judges.
 */
#ifndef ENS_RUNTIME_JSON_H
#define ENS_RUNTIME_JSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that may be read behind a text (their content is anything). */
#define ENS_JSON_PADDING_BYTES 64u

/* A member, as runtime/decode.h has it (this header is read by C++ as well and stands alone). */
enum ens_json_kind { ENS_JSON_STRING, ENS_JSON_INT, ENS_JSON_FLOAT, ENS_JSON_BOOL, ENS_JSON_NULL, ENS_JSON_OTHER };

struct ens_json_member {
	const char *name;
	size_t name_len;
	const char *s; /* STRING: unescaped; FLOAT, OTHER: the text of a number, array or object */
	size_t len;
	int64_t i;     /* INT, BOOL */
	double f;      /* FLOAT */
	enum ens_json_kind kind;
};

enum ens_json_result {
	ENS_JSON_OK,
	ENS_JSON_BAD,        /* no JSON object */
	ENS_JSON_NOT_UTF8,
	ENS_JSON_TOO_LARGE,  /* too many members or too deep */
	ENS_JSON_NO_MEMORY
};

struct ens_json_parser;
struct ens_json_parser *ens_json_parser_open(size_t max_bytes, size_t max_members,
					     unsigned max_depth); /* NULL: no memory */
void ens_json_parser_close(struct ens_json_parser *p);

/*
 * Parses one text of `len` bytes (at most max_bytes), behind which ENS_JSON_PADDING_BYTES may be read.  Members are borrowed
 * from the parser and the text until the next call.  BAD, NOT_UTF8, TOO_LARGE: *why says what the text does, "is not valid
 * JSON", as a static text.
 */
enum ens_json_result ens_json_parse(struct ens_json_parser *p, const char *text, size_t len,
				    const struct ens_json_member **member, size_t *nmember, const char **why);

#ifdef __cplusplus
}
#endif

#endif
