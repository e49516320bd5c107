# docs/messages.md as rows of a C table: {"E0203", "its page as plain text"}, for `ensue help E0203`.  POSIX awk.
# An example that declares no input event gets the page's common events in front, so that it is complete.

function row_end() {
	if (code != "")
		print "},"
	code = ""
}

# A line of the page as a string of C.  (By characters: what gsub makes of backslashes differs between awks.)
function add(text,    i, c, out) {
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		out = out (c == "\\" || c == "\"" ? "\\" : "") c
	}
	print "\t\"" out "\\n\""
}

# [text](target) becomes text
function unlinked(text,    link, name) {
	while (match(text, /\[[^]]*\]\([^)]*\)/)) {
		link = substr(text, RSTART, RLENGTH)
		name = substr(link, 2, index(link, "]") - 2)
		text = substr(text, 1, RSTART - 1) name substr(text, RSTART + RLENGTH)
	}
	return text
}

function example(    i) {
	add(kind == "sh" ? "For example what these commands print:" : "For example:")
	add("")
	for (i = 1; i <= nevent && kind == "ens" && !declares; i++)
		add("    " event[i])
	for (i = 1; i <= nline; i++)
		add(line[i] == "" ? "" : "    " line[i])
}

/^```/ && !open {
	open = 1
	nline = declares = 0
	kind = substr($1, 4)
	events = $0 == "```ens events"
	next
}
/^```/ {
	open = 0
	if (code != "")
		example()
	next
}
open && events { event[++nevent] = $0; next }
open {
	line[++nline] = $0
	if ($0 ~ /^event .* from /)
		declares = 1
	next
}
/^### [EW][0-9][0-9][0-9][0-9]: / {
	row_end()
	code = substr($2, 1, 5)
	print "{\"" code "\","
	add(substr($0, 5))
	next
}
/^##/ { row_end() }
code != "" { add(unlinked($0)) }
END { row_end() }
