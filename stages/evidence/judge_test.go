package evidence_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
	"palimpsest/stages/model"
)

func ptr[T any](v T) *T { return &v }

// searched is a corpus in which every stage ran and nothing was found.
func searched() evidence.Corpus {
	return evidence.Corpus{Hashed: true, Searched: true, Searchable: true, Unit: fold.Words, MinWords: 13, MinBytes: 60,
		LongestOutsidePrompt: ptr[int64](0)}
}

func TestCorpusGrade(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*evidence.Corpus)
		grade  string
		reason string
	}{
		{"exact", func(c *evidence.Corpus) { c.Exact, c.ExactWords = 3, 3 }, "exact", "3 corpus documents hold exactly this text."},
		{"exact once, and by words", func(c *evidence.Corpus) { c.Exact, c.ExactWords, c.Spans = 1, 2, 1 }, "exact",
			"1 corpus document holds exactly this text, and 1 more holds the same words."},
		{"exact by words", func(c *evidence.Corpus) { c.ExactWords, c.Near = 1234, ptr[int64](2000) }, "exact",
			"1,234 corpus documents hold exactly these words; case, punctuation or spacing differ."},
		{"near", func(c *evidence.Corpus) {
			c.Near, c.Spans, c.Contained = ptr[int64](1), 1, &evidence.Containment{DocumentID: "d", Coverage: .95}
		}, "near_duplicate", "1 corpus document is a near duplicate of this text."},
		{"contained", func(c *evidence.Corpus) {
			c.Spans, c.Documents, c.Longest, c.Contained = 1, 1, 80, &evidence.Containment{DocumentID: "book#7", Coverage: .9999}
		}, "contained", "Corpus document book#7 holds 99.9 % of this text word for word."},
		{"overlap", func(c *evidence.Corpus) { c.Spans, c.Documents, c.Longest = 2, 5, 21 }, "overlap",
			"5 corpus documents share 2 different runs with this text, the longest of 21 words."},
		{"overlap once", func(c *evidence.Corpus) {
			c.Spans, c.Documents, c.Longest, c.Contained = 1, 1, 13, &evidence.Containment{DocumentID: "d", Coverage: .89}
		}, "overlap", "1 corpus document shares a run with this text, the longest of 13 words."},
		{"none", func(c *evidence.Corpus) {}, "none",
			"The corpus holds no exact duplicate of this text and no run of at least 13 words and 60 bytes of it."},
		{"none, near too", func(c *evidence.Corpus) { c.Near = ptr[int64](0) }, "none",
			"The corpus holds no exact or near duplicate of this text and no run of at least 13 words and 60 bytes of it."},
		{"none by ngram", func(c *evidence.Corpus) { c.Hashed, c.MinBytes = false, 0 }, "none",
			"The corpus holds no run of at least 13 words of this text."},
		{"none by hash", func(c *evidence.Corpus) { c.Searched = false }, "none",
			"The corpus holds no exact duplicate of this text; shared passages were not looked for."},
		{"none in bytes", func(c *evidence.Corpus) { c.Hashed, c.Unit, c.MinWords, c.MinBytes = false, fold.Bytes, 0, 50 }, "none",
			"The corpus holds no run of at least 50 bytes of this text."},
		{"none in tokens", func(c *evidence.Corpus) { c.Hashed, c.Unit, c.MinWords, c.MinBytes = false, fold.Tokens, 50, 0 }, "none",
			"The corpus holds no run of at least 50 tokens of this text."},
		{"too short", func(c *evidence.Corpus) { c.Searchable = false }, "not_assessed",
			"The text is shorter than 13 words or 60 bytes: only exact duplicates were looked for, and there is none."},
		{"too short, yet exact", func(c *evidence.Corpus) { c.Searchable, c.Exact, c.ExactWords = false, 1, 1 }, "exact",
			"1 corpus document holds exactly this text."},
		{"too short, no hash", func(c *evidence.Corpus) { c.Searchable, c.Hashed = false, false }, "not_assessed",
			"The text is shorter than 13 words or 60 bytes, the shortest run that is looked for."},
		{"nothing ran", func(c *evidence.Corpus) { *c = evidence.Corpus{} }, "not_assessed", "No corpus was searched."},
	} {
		corpus := searched()
		c.change(&corpus)
		if grade, reason := corpus.Grade(); grade != c.grade || reason != c.reason {
			t.Errorf("%s: %s, %q; want %s, %q", c.name, grade, reason, c.grade, c.reason)
		}
	}
}

func TestGenerations(t *testing.T) {
	for _, c := range []struct {
		name   string
		prompt *string
		change func(*evidence.Corpus)
		grade  string
		reason string
	}{
		{"verbatim", ptr("Once"), func(c *evidence.Corpus) {
			c.LongestOutsidePrompt, c.OutsidePromptBytes = ptr[int64](50), 250
		}, "verbatim",
			"The output repeats, outside its prompt, a run of 50 words (250 bytes) of the corpus word for word."},
		{"verbatim, unprompted", ptr(""), func(c *evidence.Corpus) { c.LongestOutsidePrompt, c.OutsidePromptBytes = ptr[int64](90), 600 },
			"verbatim", "The output repeats, unprompted, a run of at least 50 words and 600 bytes of the corpus word for word; the longest run has 90 words."},
		{"49 words", ptr("Once"), func(c *evidence.Corpus) { c.LongestOutsidePrompt, c.OutsidePromptBytes = ptr[int64](49), 400 }, "none",
			"The longest run that the output repeats of the corpus, outside its prompt, has 49 words (400 bytes); verbatim takes 50 words and 250 bytes."},
		{"50 words of 249 bytes", ptr("Once"), func(c *evidence.Corpus) {
			c.LongestOutsidePrompt, c.OutsidePromptBytes = ptr[int64](50), 249
		}, "none",
			"The longest run that the output repeats of the corpus, outside its prompt, has 50 words (249 bytes); verbatim takes 50 words and 250 bytes."},
		{"249 bytes", ptr("Once"), func(c *evidence.Corpus) { c.LongestOutsidePrompt, c.OutsidePromptBytes = ptr[int64](60), 249 }, "none",
			"The longest run that the output repeats of the corpus, outside its prompt, has 60 words, and the largest of at least 50 words has 249 bytes; " +
				"verbatim takes 50 words and 250 bytes."},
		{"bytes", ptr("Once"), func(c *evidence.Corpus) {
			c.Unit, c.LongestOutsidePrompt, c.OutsidePromptBytes = fold.Bytes, ptr[int64](250), 250
		}, "verbatim", "The output repeats, outside its prompt, a run of 250 bytes of the corpus word for word."},
		{"tokens", ptr("Once"), func(c *evidence.Corpus) {
			c.Unit, c.LongestOutsidePrompt, c.OutsidePromptBytes = fold.Tokens, ptr[int64](50), 90
		}, "verbatim", "The output repeats, outside its prompt, a run of 50 tokens (90 bytes) of the corpus word for word."},
		{"many tokens", ptr("Once"), func(c *evidence.Corpus) {
			c.Unit, c.LongestOutsidePrompt, c.OutsidePromptBytes = fold.Tokens, ptr[int64](64), 300
		}, "verbatim", "The output repeats, outside its prompt, a run of 64 tokens of the corpus word for word."},
		{"49 tokens", ptr("Once"), func(c *evidence.Corpus) {
			c.Unit, c.LongestOutsidePrompt, c.OutsidePromptBytes = fold.Tokens, ptr[int64](49), 400
		}, "none",
			"The longest run that the output repeats of the corpus, outside its prompt, has 49 tokens (400 bytes); verbatim takes 50 tokens."},
		{"nothing", ptr("Once"), func(c *evidence.Corpus) {}, "none",
			"The output repeats, outside its prompt, no run of at least 13 words and 60 bytes of the corpus."},
		{"nearly verbatim", ptr("Once"), func(c *evidence.Corpus) {
			c.LongestOutsidePrompt, c.OutsidePromptBytes, c.NearVerbatim = ptr[int64](49), 400, &evidence.Passage{DocumentID: "d1", Words: 1200}
		}, "near_verbatim",
			"The output has, outside its prompt, a passage nearly word for word as corpus document d1 has it: 1,200 words of it are the same, in the " +
				"same order."},
		{"both", ptr(""), func(c *evidence.Corpus) {
			c.LongestOutsidePrompt, c.OutsidePromptBytes, c.NearVerbatim = ptr[int64](50), 250, &evidence.Passage{DocumentID: "d1", Words: 100}
		}, "verbatim", "The output repeats, unprompted, a run of 50 words (250 bytes) of the corpus word for word."},
		{"no passage", ptr("Once"), func(c *evidence.Corpus) { c.NearVerbatim = &evidence.Passage{} }, "none",
			"The output repeats, outside its prompt, no run of at least 13 words and 60 bytes of the corpus; no listed document has 100 words of a " +
				"passage of it nearly word for word."},
		{"unknown prompt, nearly verbatim", nil, func(c *evidence.Corpus) {
			c.LongestOutsidePrompt, c.OutsidePromptBytes, c.NearVerbatim = nil, 0, &evidence.Passage{}
		}, "not_assessed", "The prompt is unknown, so what the output repeats of the corpus may have been given to the model."},
		{"unknown prompt", nil, func(c *evidence.Corpus) { c.LongestOutsidePrompt, c.OutsidePromptBytes = nil, 0 }, "not_assessed",
			"The prompt is unknown, so what the output repeats of the corpus may have been given to the model."},
		{"no ngram", ptr(""), func(c *evidence.Corpus) { c.Searched = false }, "not_assessed",
			"The corpus was not searched for runs of this output."},
		{"too short", ptr(""), func(c *evidence.Corpus) { c.Searchable = false }, "not_assessed",
			"The output is shorter than 13 words or 60 bytes, the shortest run that is looked for."},
	} {
		corpus := searched()
		c.change(&corpus)
		// However likely the model finds its own output, and whatever the controls, it is not graded by that.
		s := evidence.Subject{Probe: &fold.Probe{ID: "g", Kind: fold.Generation, Prompt: c.prompt}, Corpus: corpus, Target: scored(-1)}
		row := evidence.Judge(evidence.Options{}, []evidence.Subject{s}, controls(nil, 100, -50)).Row(0)
		if row.ModelGrade != c.grade || row.ModelReason != c.reason {
			t.Errorf("%s: %s, %q; want %s, %q", c.name, row.ModelGrade, row.ModelReason, c.grade, c.reason)
		}
		if row.PValue != nil || row.QValue != nil || row.Exposure != nil || row.Family != nil || row.ScoreName != nil {
			t.Errorf("%s: a generation was tested: %+v", c.name, row)
		}
		if (row.LongestOutsidePrompt == nil) != (c.prompt == nil || !corpus.Searched) {
			t.Errorf("%s: longest_outside_prompt %v", c.name, row.LongestOutsidePrompt)
		}
	}
}

// scorers are kept between tests, since a scorer's buffers are large.
var scorers = map[likelihood.Windows]*likelihood.Scorer{}

// scored is a text of 20 bytes and one token with that log-probability, under a reference that gives it -20.
func scored(lp float64) *likelihood.Score {
	return scoredWith(model.Scored{LogProbs: []float64{lp}}, likelihood.Windows{})
}

func scoredWith(s model.Scored, w likelihood.Windows) *likelihood.Score {
	text := []byte("a text of 20 bytes..")
	c := scorers[w]
	if c == nil {
		c, _ = likelihood.NewScorer(w)
		scorers[w] = c
	}
	target, err := c.Score(text, &s)
	if err != nil {
		panic(err)
	}
	reference, err := c.Score(text, &model.Scored{LogProbs: []float64{-20}})
	if err != nil {
		panic(err)
	}
	likelihood.Compare(target, reference)
	return target
}

// controls are n controls of a group with log-probabilities lp, lp-1, lp-2, ...
func controls(name *string, n int, lp float64) []evidence.Subject {
	out := make([]evidence.Subject, n)
	for i := range out {
		out[i] = evidence.Subject{
			Probe:  &fold.Probe{ID: fmt.Sprint("control", i), Kind: fold.Work, Control: true, ControlGroup: name},
			Target: scored(lp - float64(i)),
		}
	}
	return out
}

func work(id string, lp float64, name *string) evidence.Subject {
	return evidence.Subject{Probe: &fold.Probe{ID: id, Kind: fold.Work, ControlGroup: name}, Corpus: searched(), Target: scored(lp)}
}

func TestWorksAgainstControls(t *testing.T) {
	letters := ptr("letters")
	probes := []evidence.Subject{work("far above", -1, letters), work("tie with the third", -12, letters),
		work("below all", -500, letters),
		work("another group", -1, nil), {Probe: &fold.Probe{ID: "not scored", Kind: fold.Work, ControlGroup: letters}}}
	j := evidence.Judge(evidence.Options{RunID: "r", Model: "m"}, probes, controls(letters, 99, -10))
	for i, want := range []struct {
		p      *float64
		grade  string
		reason string
	}{
		{ptr(.01), "elevated", "Its reference_log_ratio is more member-like than that of all 99 controls (p = 0.01, q = 0.03); " +
			"no window of prefix and suffix was cut from this text."},
		{ptr(.04), "none", "No window of prefix and suffix was cut from this text; its reference_log_ratio is more member-like than that " +
			"of 96 of 99 controls (p = 0.04, q = 0.06)."},
		{ptr(1.), "none", "No window of prefix and suffix was cut from this text; its reference_log_ratio is more member-like than that " +
			"of none of 99 controls (p = 1, q = 1)."},
		{nil, "not_assessed", "No window of prefix and suffix was cut from this text; " +
			"there are no controls without a group to rank it among; the only group is letters."},
		{nil, "not_assessed", "The text was not scored by a model."},
	} {
		row := j.Row(i)
		if row.ModelGrade != want.grade || row.ModelReason != want.reason {
			t.Errorf("%s: %s, %q; want %s, %q", row.ProbeID, row.ModelGrade, row.ModelReason, want.grade, want.reason)
		}
		if diff := cmp.Diff(want.p, row.PValue); diff != "" {
			t.Errorf("%s: p: %s", row.ProbeID, diff)
		}
		if (row.PValue == nil) != (row.QValue == nil) || (row.PValue == nil) != (row.Family == nil) {
			t.Errorf("%s: %+v", row.ProbeID, row)
		}
	}
	row := j.Row(0)
	if *row.ScoreName != "reference_log_ratio" || *row.Score != 19./20 || *row.Controls != 99 || *row.ControlGroup != "letters" ||
		*row.Family != `run_id=r model=m kind=work score=reference_log_ratio control_group="letters"` || *row.Model != "m" || row.Exposure != nil {
		t.Errorf("got %+v", row)
	}
	want := []evidence.Family{{Name: *row.Family, Model: "m", Kind: "work", Score: "reference_log_ratio", Group: letters,
		Controls: 99, Tests: 3, Elevated: 1, LeastP: .01, Needed: 1}}
	if diff := cmp.Diff(want, j.Families); diff != "" {
		t.Error(diff)
	}
}

// A probe without a group is told of the groups that there are: its source may only lack the column.
func TestNoControls(t *testing.T) {
	for _, c := range []struct {
		groups []string
		own    *string
		want   string
	}{
		{nil, nil, "there are no controls to rank it among."},
		{[]string{"b", "a"}, nil, "there are no controls without a group to rank it among; the groups are a, b."},
		{[]string{"g", "f", "e", "d", "c", "b"}, nil, "there are no controls without a group to rank it among; the groups are b, c, d, e, f and 1 more."},
		{[]string{"b", "a"}, ptr("c"), "there are no controls of group c to rank it among."},
	} {
		var all []evidence.Subject
		for _, g := range c.groups {
			all = append(all, controls(&g, 2, -10)...)
		}
		row := evidence.Judge(evidence.Options{}, []evidence.Subject{work("w", -1, c.own)}, all).Row(0)
		if row.ModelGrade != "not_assessed" || !strings.HasSuffix(row.ModelReason, c.want) {
			t.Errorf("%v: %s, %q, want %q", c.groups, row.ModelGrade, row.ModelReason, c.want)
		}
	}
}

func TestFewControlsCannotElevate(t *testing.T) {
	probes := []evidence.Subject{work("w", -1, nil)}
	row := evidence.Judge(evidence.Options{}, probes, controls(nil, 18, -50)).Row(0)
	if row.ModelGrade != "not_assessed" || !strings.Contains(row.ModelReason,
		"with 18 controls p cannot fall below 0.0526; at least 19 are needed") {
		t.Errorf("%s: %q", row.ModelGrade, row.ModelReason)
	}
	if row.PValue == nil || *row.PValue != 1./19 {
		t.Errorf("p = %v", row.PValue)
	}
	if row := evidence.Judge(evidence.Options{}, probes, controls(nil, 19, -50)).Row(0); row.ModelGrade != "elevated" {
		t.Errorf("19 controls: %s: %q", row.ModelGrade, row.ModelReason)
	}
}

func TestDeclaredScore(t *testing.T) {
	noReference := func(s evidence.Subject) evidence.Subject {
		score := *s.Target
		score.ReferenceLogRatio, score.MemorizedBits = math.NaN(), math.NaN()
		s.Target = &score
		return s
	}
	fit := controls(nil, 19, -50)
	unreferenced := controls(nil, 19, -50)
	for i := range unreferenced {
		unreferenced[i] = noReference(unreferenced[i])
	}
	for _, c := range []struct {
		name, configured string
		probe            evidence.Subject
		controls         []evidence.Subject
		want             string
		p                bool
	}{
		{"default", "", work("w", -1, nil), fit, "reference_log_ratio", true},
		{"controls lack the reference", "", work("w", -1, nil), unreferenced, "min_k", true},
		{"probe lacks the reference", "", noReference(work("w", -1, nil)), fit, "min_k", true},
		{"no controls", "", work("w", -1, nil), nil, "reference_log_ratio", false},
		{"configured", "bits_per_byte", work("w", -1, nil), fit, "bits_per_byte", true},
		{"configured but undefined", "min_k_pp", work("w", -1, nil), fit, "min_k_pp", false},
		{"not a score", "charm", work("w", -1, nil), fit, "charm", false},
	} {
		row := evidence.Judge(evidence.Options{Score: c.configured}, []evidence.Subject{c.probe}, c.controls).Row(0)
		if *row.ScoreName != c.want || (row.PValue != nil) != c.p {
			t.Errorf("%s: score %s, p %v; want %s, %v", c.name, *row.ScoreName, row.PValue, c.want, c.p)
		}
		if c.p && *row.PValue != .05 {
			t.Errorf("%s: p = %v, want .05 whichever way the score points", c.name, *row.PValue)
		}
	}
}

// Without a beginning-of-sequence token and without offsets no score over the text's bytes exists, the reference's least of all:
// the test falls back on a score that does, and the tables name it.
func TestScoreFallsBackOnWhatExists(t *testing.T) {
	subject := func(lp float64, control bool) evidence.Subject {
		s := work("w", -1, nil)
		s.Probe.Control = control
		s.Target = scoredWith(model.Scored{LogProbs: []float64{math.NaN(), lp, lp}}, likelihood.Windows{})
		return s
	}
	var fit []evidence.Subject
	for i := range 19 {
		fit = append(fit, subject(-10-float64(i), true))
	}
	j := evidence.Judge(evidence.Options{RunID: "r"}, []evidence.Subject{subject(-1, false)}, fit)
	row := j.Row(0)
	if *row.ScoreName != "min_k" || row.PValue == nil || *row.PValue != .05 || len(j.Families) != 1 || j.Families[0].Score != "min_k" {
		t.Errorf("%+v, families %+v", row, j.Families)
	}
	declared := evidence.Options{Score: "reference_log_ratio"}
	if row := evidence.Judge(declared, []evidence.Subject{subject(-1, false)}, fit).Row(0); row.PValue != nil || row.Score != nil {
		t.Errorf("the score that was asked for is replaced: %+v", row)
	}
}

func TestExtractableWorks(t *testing.T) {
	tokens := []int64{1, 2, 3, 4}
	w := likelihood.Windows{Prefix: 2, Suffix: 2, Stride: 1, TopK: 40}
	for _, c := range []struct {
		name   string
		s      model.Scored
		grade  string
		reason string
	}{
		{"likely", model.Scored{LogProbs: []float64{-9, -9, -.5, -.5}, TokenIDs: tokens}, "extractable",
			"Given the 2 tokens before them, the model gives back 2 tokens of this text with p = 0.368."},
		{"likely and greedy", model.Scored{LogProbs: []float64{-9, -9, -.5, -.5}, TokenIDs: tokens, Ranks: []int64{9,
			9, 1, 1}}, "extractable",
			"Given the 2 tokens before them, the model gives back 2 tokens of this text with p = 0.368, each of them its first choice."},
		{"greedy alone", model.Scored{LogProbs: []float64{-9, -9, -5, -5}, TokenIDs: tokens, Ranks: []int64{9, 9, 1,
			1}}, "extractable",
			"Given the 2 tokens before them, each of 2 tokens of this text is the model's first choice (p = 4.54e-05, 1 in 22,026)."},
		{"neither", model.Scored{LogProbs: []float64{-9, -9, -5, -5}, TokenIDs: tokens, Ranks: []int64{9, 9, 1, 2}}, "none",
			"No window is given back (1 window tested, the likeliest suffix having p = 4.54e-05, 1 in 22,026); there are no controls to rank it among."},
		{"no ids", model.Scored{LogProbs: []float64{-9, -9, -.5, -.5}}, "not_assessed",
			"1 window would be given back, but without token ids it is unknown whether the suffix only repeats its prefix; " +
				"there are no controls to rank it among."},
	} {
		s := work("w", -1, nil)
		s.Target = scoredWith(c.s, w)
		row := evidence.Judge(evidence.Options{}, []evidence.Subject{s}, nil).Row(0)
		if row.ModelGrade != c.grade || row.ModelReason != c.reason {
			t.Errorf("%s: %s, %q; want %s, %q", c.name, row.ModelGrade, row.ModelReason, c.grade, c.reason)
		}
		if row.MaxP == nil || row.MemorizedBits == nil {
			t.Errorf("%s: %+v", c.name, row)
		}
	}
}

// A window that may be given back is never reported as none, whatever the other windows and the rank show.
func TestWindowsWithoutTokenIDs(t *testing.T) {
	w := likelihood.Windows{Prefix: 1, Suffix: 2, Stride: 3, TopK: 40, Context: likelihood.ContextText}
	lps := []float64{-9, -.5, -.5, -9, -9, -9} // a likely window, and an unlikely one
	subject := func(lps []float64, ids []int64) evidence.Subject {
		s := work("w", -1, nil)
		s.Target = scoredWith(model.Scored{LogProbs: lps, TokenIDs: ids}, w)
		return s
	}
	const untold = "1 window would be given back, but without token ids it is unknown whether the suffix only repeats its prefix; "
	for _, c := range []struct {
		name     string
		probe    evidence.Subject
		controls []evidence.Subject
		grade    string
		reason   string
	}{
		{"no rank", subject(lps, nil), nil, "not_assessed", untold},
		{"ranked low", subject(lps, nil), controls(nil, 99, 0), "not_assessed", untold + "its reference_log_ratio is more"},
		{"ranked high", subject(lps, nil), controls(nil, 99, -100), "elevated", "; " + untold[:len(untold)-2]},
		{"ids", subject(lps, []int64{1, 2, 3, 4, 5, 6}), nil, "extractable", ""},
		{"nothing likely", subject([]float64{-9, -9, -9, -9, -9, -9}, nil), nil, "none", "2 windows tested"},
	} {
		row := evidence.Judge(evidence.Options{}, []evidence.Subject{c.probe}, c.controls).Row(0)
		if row.ModelGrade != c.grade || !strings.Contains(strings.ToLower(row.ModelReason), strings.ToLower(c.reason)) {
			t.Errorf("%s: %s, %q; want %s, %q", c.name, row.ModelGrade, row.ModelReason, c.grade, c.reason)
		}
	}
}

func TestCanaries(t *testing.T) {
	canary := func(lp float64, null *string) evidence.Subject {
		s := work("c", lp, ptr("vault"))
		s.Probe.Kind, s.Probe.CanaryNull = fold.Canary, null
		return s
	}
	slot := ptr(fold.Slot)
	judge := func(s evidence.Subject, n int) (row string, exposure float64) {
		r := evidence.Judge(evidence.Options{Score: "zlib_ratio"}, []evidence.Subject{s}, controls(ptr("vault"), n, -10)).Row(0)
		exposure = math.NaN()
		if r.Exposure != nil {
			exposure = *r.Exposure
		}
		if (r.Exposure == nil) != (r.PValue == nil) || *r.ScoreName != "log_prob" {
			t.Errorf("got %+v", r)
		}
		return r.ModelGrade + ": " + r.ModelReason, exposure
	}
	row, e := judge(canary(-1, slot), 511)
	if e != 9 || row != "elevated: Its log_prob is more member-like than that of all 511 controls (p = 0.00195, exposure 9 bits)." {
		t.Errorf("%q, exposure %v", row, e)
	}
	row, e = judge(canary(-12.5, slot), 511) // three controls are likelier: rank 4 of 512
	if e != 7 || !strings.HasPrefix(row, "elevated: ") {
		t.Errorf("%q, exposure %v", row, e)
	}
	row, e = judge(canary(-9999, slot), 511)
	if !math.IsNaN(e) || row != "not_assessed: Its log_prob is undefined." {
		t.Errorf("%q, exposure %v", row, e)
	}
	row, e = judge(canary(-300, slot), 511)
	if !strings.HasPrefix(row, "none: Its log_prob is more member-like than that of 220 of 511 controls (p = 0.57,") || e > 1 {
		t.Errorf("%q, exposure %v", row, e)
	}
	row, e = judge(canary(-1, nil), 511)
	if !math.IsNaN(e) || row != "not_assessed: A found sentence has no null: how this canary was made is not declared." {
		t.Errorf("%q, exposure %v", row, e)
	}
	row, _ = judge(canary(-1, slot), 98)
	if row != "not_assessed: With 98 controls p cannot fall below 0.0101; at least 99 are needed." {
		t.Errorf("%q", row)
	}
	if row, _ = judge(canary(-1, slot), 99); !strings.HasPrefix(row, "elevated: ") {
		t.Errorf("%q", row)
	}
}

// Exposure at |R| = 1e6: rank 1 -> 19.931569, rank 1000 -> 9.965784 (methods, section 6).
func TestExposureOfAMillion(t *testing.T) {
	shared := make([]*likelihood.Score, 1000)
	for i := range shared {
		shared[i] = &likelihood.Score{LogProb: -float64(i) - 10}
	}
	siblings := make([]evidence.Subject, 999_999)
	for i := range siblings {
		siblings[i] = evidence.Subject{Probe: &fold.Probe{Control: true}, Target: shared[min(i, 999)]}
	}
	for lp, want := range map[float64]float64{-1: 19.931569, -1008.5: 9.965784} {
		s := work("c", -1, nil)
		s.Probe.Kind, s.Probe.CanaryNull, s.Target = fold.Canary, ptr(fold.Sibling), &likelihood.Score{LogProb: lp}
		row := evidence.Judge(evidence.Options{}, []evidence.Subject{s}, siblings).Row(0)
		if math.Abs(*row.Exposure-want) > 1e-6 {
			t.Errorf("log_prob %v: exposure %v, want %v", lp, *row.Exposure, want)
		}
	}
}

func TestScreen(t *testing.T) {
	vault := ptr("vault")
	with := func(id, sha, words string, name *string, change func(*evidence.Corpus)) evidence.Subject {
		c := searched()
		change(&c)
		return evidence.Subject{Probe: &fold.Probe{ID: id, Control: true, ControlGroup: name}, SHA256: sha, WordsSHA256: words, Corpus: c}
	}
	clean := func(*evidence.Corpus) {}
	overlaps := func(c *evidence.Corpus) { c.Spans, c.Documents, c.Longest = 1, 2, 15 }
	probes := []evidence.Subject{
		{Probe: &fold.Probe{ID: "p1", Kind: fold.Work}, SHA256: "s1", WordsSHA256: "w1"},
		{Probe: &fold.Probe{ID: "p2", Kind: fold.Work}, SHA256: "s2"},
		{Probe: &fold.Probe{ID: "p3", Kind: fold.Canary, ControlGroup: vault, CanaryNull: ptr(fold.Slot)}, SHA256: "s3", WordsSHA256: "w3"},
	}
	fit, removed := evidence.Screen([]evidence.Subject{
		with("clean", "a", "b", nil, clean),
		with("no words", "a0", "", nil, clean),
		with("same bytes", "s1", "w1", nil, clean),
		with("same words", "a2", "w1", nil, clean),
		with("in the corpus", "a3", "b3", nil, func(c *evidence.Corpus) { c.Exact, c.ExactWords = 1, 1 }),
		with("overlap", "a4", "b4", nil, overlaps),
		with("sibling", "a5", "b5", vault, overlaps),
		with("sibling in the corpus", "a6", "b6", vault, func(c *evidence.Corpus) { c.ExactWords = 2 }),
	}, probes)
	var ids []string
	for _, s := range fit {
		ids = append(ids, s.Probe.ID)
	}
	if diff := cmp.Diff([]string{"clean", "no words", "sibling"}, ids); diff != "" {
		t.Error(diff)
	}
	want := []evidence.Removed{
		{"same bytes", nil, "it is the text of probe p1"},
		{"same words", nil, "it has the words of probe p1"},
		{"in the corpus", nil, "1 corpus document holds exactly this text."},
		{"overlap", nil, "2 corpus documents share a run with this text, the longest of 15 words."},
		{"sibling in the corpus", vault, "2 corpus documents hold exactly these words; case, punctuation or spacing differ."},
	}
	if diff := cmp.Diff(want, removed); diff != "" {
		t.Error(diff)
	}
}

// What a probe is told does not depend on the order of probes and controls.
func TestJudgementIgnoresOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lps := rapid.SliceOfN(rapid.IntRange(1, 12), 2, 12).Draw(t, "lps")
		var probes []evidence.Subject
		for i, lp := range lps {
			probes = append(probes, work(fmt.Sprint("w", i), -float64(lp), nil))
		}
		fit := controls(nil, 9, -3)
		order := rapid.Permutation(probes).Draw(t, "order")
		shuffled := rapid.Permutation(fit).Draw(t, "controls")
		rows := map[string]any{}
		first, again := evidence.Judge(evidence.Options{}, probes, fit), evidence.Judge(evidence.Options{}, order, shuffled)
		for i := range probes {
			r := first.Row(i)
			rows[r.ProbeID] = r
		}
		for i := range order {
			r := again.Row(i)
			if diff := cmp.Diff(rows[r.ProbeID], any(r)); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}
