package likelihood

import (
	"slices"

	"palimpsest/schemas"
	"palimpsest/stages/model"
)

// TokenRows returns a text's rows of tokens. Both Scored must have passed Check; reference may be nil. The reference's values are
// given only where its tokens are known to be the same. The columns that say whose the rows are (run_id, probe_id, model) are the
// caller's to fill.
func TokenRows(text []byte, target, reference *model.Scored) []schemas.Token {
	if reference != nil && !sameTokens(target, reference) {
		reference = nil
	}
	rows := make([]schemas.Token, len(target.LogProbs))
	for t := range rows {
		row := &rows[t]
		row.TokenIndex = int64(t)
		row.LogProb = number(target.LogProbs[t])
		if target.TokenIDs != nil {
			id := target.TokenIDs[t]
			row.TokenID = &id
		}
		if target.Offsets != nil {
			row.ByteStart, row.ByteEnd = count(target.Offsets[t]), count(byteEnd(text, target.Offsets, t))
		}
		if target.Ranks != nil && target.Ranks[t] > 0 {
			row.Rank = count(target.Ranks[t])
		}
		if reference != nil {
			row.ReferenceLogProb = number(reference.LogProbs[t])
		}
	}
	return rows
}

// sameTokens reports whether two models are known to have cut the text into the same tokens: by their bytes, else by their ids.
// Ids alone could belong to two vocabularies, but then they do not agree over a whole text.
func sameTokens(a, b *model.Scored) bool {
	switch {
	case len(a.LogProbs) != len(b.LogProbs):
		return false
	case a.Offsets != nil && b.Offsets != nil:
		return slices.Equal(a.Offsets, b.Offsets)
	case a.TokenIDs != nil && b.TokenIDs != nil:
		return slices.Equal(a.TokenIDs, b.TokenIDs)
	}
	return false
}
