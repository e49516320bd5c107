# awk -f places.awk places.txt: each place into files place-NNN*.ens, with everything put there that may stand there.
# (Several files, eight texts in each, so that there is room for all messages.)
# A fill stands in the places of its own kind and of the wider ones: primary, operand, coalesced, negation, expr; value by itself.
BEGIN { level["primary"] = 1; level["operand"] = 2; level["coalesced"] = 3; level["negation"] = 4; level["expr"] = 5 }
$1 == "fill" { n++; kind[n] = $2; text[n] = substr($0, length("fill " $2 " ") + 1) }
$1 == "place" || $1 == "text" {
	out = sprintf("place-%03d.ens", ++places)
	where = $1 == "text" ? substr($0, 6) : substr($0, length("place " $2 " ") + 1)
	gsub(/\\n/, "\n", where)
	filled = 0
	if ($1 == "text")
		print (where ~ /^ / ? "rule r\n" : "") where > out
	for (i = 1; i <= n && $1 == "place"; i++)
		if (kind[i] == $2 || (kind[i] in level && $2 in level && level[kind[i]] <= level[$2])) {
			one = where
			gsub(/@/, text[i], one)
			if (++filled % 8 == 1) {
				close(out)
				out = sprintf("place-%03d-%d.ens", places, filled / 8 + 1)
				if (where ~ /^ /)
					print "rule r" > out
			}
			print one > out
		}
	close(out)
}
