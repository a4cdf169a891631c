package pipeline

import (
	"strconv"

	"palimpsest/stages/fold"
)

// checkTokens reports columns of tokens that nothing reads, and texts that nothing cuts.
func (l *loader) checkTokens(c *Config) {
	inTokens := c.Ngram != nil && c.Ngram.unit() == fold.Tokens
	cutter := inTokens && l.given("ngram.tokenizer")
	source := func(key string, columns map[string]string) {
		for _, role := range tokenRoles {
			if columns[role] != "" && !inTokens {
				l.problem(join(key, role), "is read in unit tokens alone; set ngram.unit: tokens, or remove the role")
			}
		}
		if !inTokens {
			return
		}
		const remedy = "or give ngram.tokenizer the URL of a GGUF whose tokenizer it is"
		switch {
		case columns[tokenIDsRole] == "" && columns[byteOffsetsRole] != "":
			l.problem(join(key, byteOffsetsRole), "is of use with token_ids only; name that column too, or remove this one")
		case cutter:
		case columns[tokenIDsRole] == "":
			l.problem(join(key, tokenIDsRole), "required in unit tokens; name the column of the texts' token ids, %s", remedy)
		case columns[byteOffsetsRole] == "":
			l.problem(join(key, byteOffsetsRole), "required beside token_ids; name the column that says where the tokens begin in the text, %s",
				remedy)
		}
		if columns["prompt"] != "" && columns[promptIDsRole] == "" && !cutter {
			l.problem(join(key, promptIDsRole), "required beside prompt in unit tokens; name the column of the prompts' token ids, %s", remedy)
		}
	}
	if c.Corpus != nil {
		source("corpus.columns", c.Corpus.Columns)
	}
	for i, s := range c.Probes {
		key := "probes"
		if l.given("probes.0") {
			key = join(key, strconv.Itoa(i))
		}
		switch {
		case s.From == "":
			source(join(key, "columns"), s.Columns)
		case s.From == fromModel && inTokens && !cutter:
			l.problem(join(key, "from"), "what a model writes is cut by ngram.tokenizer in unit tokens; give the URL of the model's GGUF")
		}
	}
	if c.Controls != nil {
		source("controls.columns", c.Controls.Columns)
	}
}
