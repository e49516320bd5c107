/*
 * `ensue help E0123`: the page of a message, from docs/messages.md, which the build makes part of the command.
 *
 * That every code of dsl/diag.def has a page, under the same title, and that every example shows its code is tested by
 * tests/cli/help.sh and tests/docs.
 */
#include "tools/cli.h"

#include <ctype.h>
#include <string.h>

static const struct {
	const char *code, *text;
} pages[] = {
#include "tools/messages.h"
};

bool cli_is_code(const char *word)
{
	const char letter = (char)toupper((unsigned char)word[0]);

	return (letter == 'E' || letter == 'W') && word[1] && strspn(word + 1, "0123456789") == strlen(word + 1);
}

enum cli_exit cli_help_code(const char *word)
{
	for (int i = 0; i < CLI_COUNT(pages); i++)
		if (toupper((unsigned char)word[0]) == pages[i].code[0] && strcmp(word + 1, pages[i].code + 1) == 0) {
			fputs(pages[i].text, stdout);
			return CLI_DONE;
		}
	cli_say("there is no message `%s`; codes look like %s and %s", word, pages[0].code, pages[CLI_COUNT(pages) - 1].code);
	return CLI_USAGE;
}
