# corpus.awk writes JSON lines below dir: probes.jsonl with so many texts, and so many files of documents of words drawn at random, every
# seventh of which holds a probe's text.
function drawn(n,   s) {
	for (s = "w" int(rand() * 40000); n > 1; n--) s = s " w" int(rand() * 40000)
	return s
}
BEGIN {
	srand(1)
	for (i = 0; i < probes; i++) {
		text[i] = drawn(40)
		printf "{\"id\":\"p%04d\",\"text\":\"%s\"}\n", i, text[i] > (dir "/probes.jsonl")
	}
	for (f = 0; f < files; f++)
		for (d = 0; d < documents; d++) {
			t = drawn(300)
			if (d % 7 == 0) t = t " " text[int(rand() * probes)] " " drawn(20)
			printf "{\"id\":\"d%02d-%04d\",\"text\":\"%s\"}\n", f, d, t > sprintf("%s/corpus-%02d.jsonl", dir, f)
		}
}
