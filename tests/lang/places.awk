# awk -f places.awk places.txt: each place into a file place-NNN.ens, with everything put there that may stand there.
# A fill stands in the places of its own kind and of the wider ones: primary, operand, coalesced, negation, expr; value by itself.
BEGIN { level["primary"] = 1; level["operand"] = 2; level["coalesced"] = 3; level["negation"] = 4; level["expr"] = 5 }
$1 == "fill" { n++; kind[n] = $2; text[n] = substr($0, length("fill " $2 " ") + 1) }
$1 == "place" || $1 == "text" {
	out = sprintf("place-%03d.ens", ++places)
	where = $1 == "text" ? substr($0, 6) : substr($0, length("place " $2 " ") + 1)
	gsub(/\\n/, "\n", where)
	if (where ~ /^ /)
		print "rule r" > out
	if ($1 == "text")
		print where > out
	for (i = 1; i <= n && $1 == "place"; i++)
		if (kind[i] == $2 || (kind[i] in level && $2 in level && level[kind[i]] <= level[$2])) {
			one = where
			gsub(/@/, text[i], one)
			print one > out
		}
	close(out)
}
