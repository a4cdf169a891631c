package schemas

// Evidence is a row of evidence: the two grades of a probe, each with its reason, and the figures they rest on (methods,
// section 7).
type Evidence struct {
	RunID                string   `parquet:"run_id" doc:"name of the run"`
	ProbeID              string   `parquet:"probe_id" doc:"the probe"`
	Kind                 string   `parquet:"kind" doc:"generation, work or canary"`
	Model                *string  `parquet:"model" doc:"the target model; null when none was named"`
	CorpusGrade          string   `parquet:"corpus_grade" doc:"what the corpus holds: exact, near_duplicate, contained, overlap, none or not_assessed"`
	CorpusReason         string   `parquet:"corpus_reason" doc:"why, in a sentence"`
	ModelGrade           string   `parquet:"model_grade" doc:"what the model gives back: verbatim, extractable, near_verbatim, elevated, none or not_assessed"`
	ModelReason          string   `parquet:"model_reason" doc:"why, in a sentence"`
	Distinctiveness      *string  `parquet:"distinctiveness" doc:"of the best span: common, quotation, public_domain or distinctive; null without spans"`
	LongestSpanWords     *int64   `parquet:"longest_span_words" unit:"words" doc:"longest span; null without ngram"`
	LongestOutsidePrompt *int64   `parquet:"longest_outside_prompt" unit:"words" doc:"longest run inside a span that does not repeat the prompt; null when a generation's prompt is unknown"`
	Coverage             *float64 `parquet:"coverage" unit:"fraction" doc:"share of the probe's words inside some span"`
	CreativityIndex      *float64 `parquet:"creativity_index" doc:"sum of 1 - coverage(L) for L = 5..12; null unless the unit is words, min_words <= 5 and min_bytes = 0"`
	Spans                *int64   `parquet:"spans" doc:"spans of the probe"`
	Documents            *int64   `parquet:"documents" unit:"documents" doc:"corpus documents with at least one qualifying match"`
	ExactDocuments       *int64   `parquet:"exact_documents" unit:"documents" doc:"corpus documents with the same bytes; null without hash"`
	ExactWordsDocuments  *int64   `parquet:"exact_words_documents" unit:"documents" doc:"corpus documents with the same words, those with the same bytes included"`
	NearDocuments        *int64   `parquet:"near_documents" unit:"documents" doc:"near-duplicate corpus documents, those with the same words included; null when they were not looked for"`
	MaxP                 *float64 `parquet:"max_p" unit:"probability" doc:"greatest p_z of the probe's windows"`
	ExtractableCoverage  *float64 `parquet:"extractable_coverage" unit:"fraction" doc:"share of the characters inside the suffix of a window with p_z >= .001"`
	MemorizedBits        *float64 `parquet:"memorized_bits" unit:"bits" doc:"unintended memorisation; read it beside the controls'"`
	Exposure             *float64 `parquet:"exposure" unit:"bits" doc:"log2(N+1) - log2(rank) among the controls; canaries with a declared null only"`
	ScoreName            *string  `parquet:"score_name" doc:"the one score declared for the test"`
	Score                *float64 `parquet:"score" doc:"its value"`
	PValue               *float64 `parquet:"p_value" unit:"probability" doc:"(1 + controls scoring at least as member-like) / (N + 1); null for generations and without controls"`
	QValue               *float64 `parquet:"q_value" unit:"probability" doc:"Benjamini-Hochberg over the family"`
	Family               *string  `parquet:"family" doc:"the family that the q-value was computed in"`
	ControlGroup         *string  `parquet:"control_group" doc:"the controls the probe was ranked against"`
	Controls             *int64   `parquet:"controls" doc:"number of these controls, N"`
	Label                *bool    `parquet:"label" doc:"known membership"`
}

// Evaluation is a row of evaluation: how well one score tells the labelled members of a slice from non-members.
type Evaluation struct {
	RunID              string   `parquet:"run_id" doc:"name of the run"`
	Model              string   `parquet:"model" doc:"the target model"`
	Score              string   `parquet:"score" doc:"the score"`
	Slice              string   `parquet:"slice" doc:"which probes: all, a control group, and members by copies in the corpus"`
	Members            int64    `parquet:"members" unit:"probes" doc:"labelled members with the score"`
	NonMembers         int64    `parquet:"non_members" unit:"probes" doc:"labelled non-members with the score"`
	AUROC              *float64 `parquet:"auroc" doc:"probability that a member scores more member-like than a non-member, ties half"`
	AUROCLow           *float64 `parquet:"auroc_low" doc:"lower end of its 95 % interval (Newcombe's method 5)"`
	AUROCHigh          *float64 `parquet:"auroc_high" doc:"upper end"`
	TPRAt1FPR          *float64 `parquet:"tpr_at_1_fpr" unit:"fraction" doc:"share of members above the threshold that 1 % of non-members pass; null with fewer than 100 non-members"`
	TPRAt5FPR          *float64 `parquet:"tpr_at_5_fpr" unit:"fraction" doc:"the same at 5 %; null with fewer than 20"`
	BlindAUROC         *float64 `parquet:"blind_auroc" doc:"mean, over five folds of the slice's probes, of the AUROC of a logistic regression on word counts and length that never asks a model; works and near-duplicates are in one fold; null when some fold lacks members or non-members (five of each, apart in work and text, are the least), or above 128 MiB of labelled texts"`
	BlindDifferenceLow *float64 `parquet:"blind_difference_low" doc:"lower end of the 95 % interval, by Student's t over the folds, of the score's AUROC less the baseline's on the same probes; null like blind_auroc, or when in some fold no member or no non-member has the score"`
	BeatsBlind         *bool    `parquet:"beats_blind" doc:"whether that is above 0; false is a flag: the score shows no more than the words of the texts themselves do"`
}

// The tables of the judgement.
var (
	Evidences   = define[Evidence]("evidence", "a probe and the target model", "probe_id", "model")
	Evaluations = define[Evaluation]("evaluation", "a target model, a score and a slice of the labelled probes", "model", "score", "slice")
)
