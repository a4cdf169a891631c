package schemas

// Likelihood is a row of likelihood: the scores of one text under one model (methods, section 4).
type Likelihood struct {
	RunID              string   `parquet:"run_id" doc:"name of the run"`
	ProbeID            string   `parquet:"probe_id" doc:"the probe or control"`
	Control            bool     `parquet:"control" doc:"whether the text is a control"`
	ControlGroup       *string  `parquet:"control_group" doc:"group of texts that the probe is ranked against"`
	Model              string   `parquet:"model" doc:"name of the model"`
	Role               string   `parquet:"role" doc:"target or reference"`
	Engine             string   `parquet:"engine" doc:"where the log-probabilities come from"`
	Tokens             int64    `parquet:"tokens" unit:"tokens" doc:"tokens of the text, BOS not counted"`
	ScoredTokens       int64    `parquet:"scored_tokens" unit:"tokens" doc:"tokens with a log-probability"`
	BOS                bool     `parquet:"bos" doc:"whether the first token was scored, given a beginning-of-sequence token"`
	Bytes              *int64   `parquet:"bytes" unit:"bytes" doc:"UTF-8 bytes of the scored tokens; null when the first token is not scored and its length is unknown"`
	LogProb            *float64 `parquet:"log_prob" unit:"nats" doc:"sum of the log-probabilities; higher is more member-like; null when an engine clamped one"`
	BitsPerByte        *float64 `parquet:"bits_per_byte" unit:"bits per byte" doc:"-log2 P / bytes; lower is more member-like"`
	Perplexity         *float64 `parquet:"perplexity" doc:"exp(-mean log-probability); lower is more member-like"`
	MinK               *float64 `parquet:"min_k" unit:"nats" doc:"mean of the lowest 20 % of the log-probabilities; higher is more member-like"`
	MinKPP             *float64 `parquet:"min_k_pp" unit:"standard deviations" doc:"mean of the lowest 20 % of the standardised log-probabilities; higher is more member-like; null without moments"`
	ZlibBytes          *int64   `parquet:"zlib_bytes" unit:"bytes" doc:"length of the text's zlib stream"`
	ZlibImplementation *string  `parquet:"zlib_implementation" doc:"the deflate implementation and level that made it"`
	ZstdBytes          *int64   `parquet:"zstd_bytes" unit:"bytes" doc:"length of the text's zstd frame"`
	ZstdImplementation *string  `parquet:"zstd_implementation" doc:"the implementation and level that made it"`
	XZBytes            *int64   `parquet:"xz_bytes" unit:"bytes" doc:"length of the text's xz stream; about 50 of them are its format's"`
	XZImplementation   *string  `parquet:"xz_implementation" doc:"the implementation that made it"`
	ZlibRatio          *float64 `parquet:"zlib_ratio" doc:"-log2 P / (8 * zlib_bytes); lower is more member-like"`
	LowercaseRatio     *float64 `parquet:"lowercase_ratio" doc:"log_prob of the lower-cased text / log_prob; null without a second pass"`
	ReferenceLogRatio  *float64 `parquet:"reference_log_ratio" unit:"nats per byte" doc:"(log_prob - the reference's) / bytes over the same bytes; higher is more member-like"`
	MemorizedBits      *float64 `parquet:"memorized_bits" unit:"bits" doc:"log2 max(P, P of the reference) - log2 P of the reference; above 0 on unseen text too, so read it beside the controls'"`
	PriorLift          *float64 `parquet:"prior_lift" unit:"nats" doc:"log-probability of the suffix after its own prefix less that after other prefixes; null without a second pass"`
}

// Compression is a row of compression: what the texts of a slice take under one model and under general compressors, text by text
// (Delétang et al., arXiv 2309.10668), and what the model has memorised of them (Morris et al., arXiv 2505.24832).
type Compression struct {
	RunID           string   `parquet:"run_id" doc:"name of the run"`
	Model           string   `parquet:"model" doc:"name of the model"`
	Role            string   `parquet:"role" doc:"target or reference"`
	Control         bool     `parquet:"control" doc:"whether the texts are controls"`
	Slice           string   `parquet:"slice" doc:"which of them: all, those of a kind (kind=work), a control group, and either by copies in the corpus"`
	Texts           int64    `parquet:"texts" unit:"texts" doc:"texts whose bits and bytes are both known"`
	Bytes           int64    `parquet:"bytes" unit:"bytes" doc:"UTF-8 bytes of their scored tokens"`
	ModelBits       float64  `parquet:"model_bits" unit:"bits" doc:"-log2 P of the texts under the model, which an arithmetic coder attains"`
	ZlibBytes       int64    `parquet:"zlib_bytes" unit:"bytes" doc:"length of the texts' zlib streams"`
	ZstdBytes       int64    `parquet:"zstd_bytes" unit:"bytes" doc:"length of their zstd frames"`
	XZBytes         int64    `parquet:"xz_bytes" unit:"bytes" doc:"length of their xz streams"`
	BitsPerByte     float64  `parquet:"bits_per_byte" unit:"bits per byte" doc:"model_bits / bytes"`
	ZlibPerByte     float64  `parquet:"zlib_bits_per_byte" unit:"bits per byte" doc:"8 * zlib_bytes / bytes"`
	ZstdPerByte     float64  `parquet:"zstd_bits_per_byte" unit:"bits per byte" doc:"8 * zstd_bytes / bytes"`
	XZPerByte       float64  `parquet:"xz_bits_per_byte" unit:"bits per byte" doc:"8 * xz_bytes / bytes"`
	RawRate         float64  `parquet:"raw_rate" doc:"compressed size / size: model_bits / 8 / bytes"`
	ModelBytes      *int64   `parquet:"model_bytes" unit:"bytes" doc:"size of the model's file; null when unknown"`
	AdjustedRate    *float64 `parquet:"adjusted_rate" doc:"(model_bytes + model_bits / 8) / bytes: the rate with the model counted in"`
	DistinctTexts   *int64   `parquet:"distinct_texts" unit:"texts" doc:"texts with memorized_bits, of those with the same words one; generations are left out; null under a reference"`
	MemorizedBits   *float64 `parquet:"memorized_bits" unit:"bits" doc:"sum of their memorized_bits; above 0 on unseen text too"`
	ControlledTexts *int64   `parquet:"controlled_texts" unit:"texts" doc:"distinct texts whose control group has controls with memorized_bits"`
	ControlsMean    *float64 `parquet:"controls_mean" unit:"bits" doc:"mean memorized_bits of the controls of a text's control group, averaged over the controlled texts"`
	MemorizedNet    *float64 `parquet:"memorized_bits_net" unit:"bits" doc:"memorized_bits of the controlled texts - controlled_texts * controls_mean: what is memorised beyond what unseen text shows; null without controls"`
	CapacityBits    *float64 `parquet:"capacity_bits" unit:"bits" doc:"3.6 * parameters, an estimate of what a model can memorise; null when their number is unknown"`
}

// Token is a row of tokens: one token's log-probability.
type Token struct {
	RunID            string   `parquet:"run_id" doc:"name of the run"`
	ProbeID          string   `parquet:"probe_id" doc:"the probe"`
	Model            string   `parquet:"model" doc:"name of the target model"`
	TokenIndex       int64    `parquet:"token_index" unit:"tokens" doc:"position in the text, from 0"`
	TokenID          *int64   `parquet:"token_id" doc:"the token's id in the model's vocabulary"`
	ByteStart        *int64   `parquet:"byte_start" unit:"bytes" doc:"first byte of the token in the text"`
	ByteEnd          *int64   `parquet:"byte_end" unit:"bytes" doc:"byte after its last"`
	LogProb          *float64 `parquet:"log_prob" unit:"nats" doc:"log-probability given the tokens before it"`
	Rank             *int64   `parquet:"rank" doc:"rank among the vocabulary, 1 for the likeliest"`
	ReferenceLogProb *float64 `parquet:"reference_log_prob" unit:"nats" doc:"the reference's, where its tokens are the same"`
}

// Window is a row of windows: a prefix and the suffix that the model may give back after it (methods, section 5).
type Window struct {
	RunID           string   `parquet:"run_id" doc:"name of the run"`
	ProbeID         string   `parquet:"probe_id" doc:"the probe"`
	Model           string   `parquet:"model" doc:"name of the target model"`
	WindowIndex     int64    `parquet:"window_index" doc:"position among the probe's windows, from 0"`
	PrefixTokens    int64    `parquet:"prefix_tokens" unit:"tokens" doc:"tokens that the suffix's probability is conditioned on, BOS not counted"`
	SuffixTokens    int64    `parquet:"suffix_tokens" unit:"tokens" doc:"tokens of the suffix"`
	ByteStart       *int64   `parquet:"byte_start" unit:"bytes" doc:"first byte of the window in the text; null without token offsets"`
	SuffixByteStart *int64   `parquet:"suffix_byte_start" unit:"bytes" doc:"first byte of the suffix"`
	ByteEnd         *int64   `parquet:"byte_end" unit:"bytes" doc:"byte after the window's last"`
	LogP            *float64 `parquet:"log_p" unit:"nats" doc:"log-probability of the suffix after the prefix, full softmax; null where the columns hold it only after a longer prefix"`
	LogPTopK        *float64 `parquet:"log_p_top_k" unit:"nats" doc:"the same when sampling from the k likeliest tokens; null when unknown or when a token lies outside them"`
	TopKExcluded    *bool    `parquet:"top_k_excluded" doc:"whether a suffix token lies outside the k likeliest, so that top-k sampling never gives the suffix; null when unknown"`
	Greedy          *bool    `parquet:"greedy" doc:"whether every suffix token is the model's own first choice; null without ranks"`
	DrawsForP50     *int64   `parquet:"draws_for_p50" unit:"draws" doc:"samples needed to see the suffix once with probability .5; null above 2^53"`
	DrawsForP90     *int64   `parquet:"draws_for_p90" unit:"draws" doc:"the same with probability .9"`
	PriorLogP       *float64 `parquet:"prior_log_p" unit:"nats" doc:"log of the suffix's mean probability after other prefixes; null when it was not asked"`
}

// Extraction is a row of extraction: how much of a probe the model gives back with at least a probability (methods, section 5).
type Extraction struct {
	RunID         string   `parquet:"run_id" doc:"name of the run"`
	ProbeID       string   `parquet:"probe_id" doc:"the probe"`
	Model         string   `parquet:"model" doc:"name of the target model"`
	TauPermille   int64    `parquet:"tau_permille" unit:"thousandths" doc:"least probability of a suffix that counts, times 1000: 1, 10, 100 and 500"`
	Windows       int64    `parquet:"windows" doc:"windows that the probe was cut into"`
	Tested        int64    `parquet:"tested" doc:"of these, the ones whose suffix has a probability or is known to be greedy or not"`
	Greedy        int64    `parquet:"greedy" doc:"of these, the ones whose suffix is the model's first choice token by token, whatever tau"`
	Extracted     int64    `parquet:"extracted" doc:"windows whose suffix has at least that probability, full softmax"`
	ExtractedTopK int64    `parquet:"extracted_top_k" doc:"the same when sampling from the k likeliest tokens"`
	Coverage      *float64 `parquet:"coverage" unit:"fraction" doc:"share of the probe's characters inside the suffixes of these windows, full softmax; null without token offsets"`
	CoverageTopK  *float64 `parquet:"coverage_top_k" unit:"fraction" doc:"the same when sampling from the k likeliest tokens"`
}

// Generation is a row of generations: one continuation that a target model wrote when it was prompted with the beginning of a work. It
// is a probe of its own, so what the corpus holds of it stands under its probe_id in the other tables.
type Generation struct {
	RunID           string   `parquet:"run_id" doc:"name of the run"`
	ProbeID         string   `parquet:"probe_id" doc:"the continuation, as a probe"`
	Model           string   `parquet:"model" doc:"the model that wrote it"`
	WorkID          string   `parquet:"work_id" doc:"the probe whose beginning is the prompt"`
	PromptTokens    int64    `parquet:"prompt_tokens" unit:"tokens" doc:"tokens of the prompt, BOS not counted"`
	PromptByteStart int64    `parquet:"prompt_byte_start" unit:"bytes" doc:"first byte of the prompt in the work"`
	PromptByteEnd   int64    `parquet:"prompt_byte_end" unit:"bytes" doc:"byte after its last, where the continuation begins"`
	Sampling        string   `parquet:"sampling" doc:"greedy, or top_k: from the likeliest tokens in proportion to their probabilities"`
	TopK            int64    `parquet:"top_k" unit:"tokens" doc:"how many of the likeliest tokens; 1 for greedy"`
	Draw            int64    `parquet:"draw" doc:"number of the draw, from 0"`
	Draws           int64    `parquet:"draws" doc:"draws of this prompt: the denominator; 1 for greedy"`
	Seed            *int64   `parquet:"seed" doc:"seed of the draw, as a signed number; null for greedy"`
	Tokens          *int64   `parquet:"tokens" unit:"tokens" doc:"tokens that the model wrote; null, as same_tokens and extracted are, when the server gives text alone"`
	Asked           int64    `parquet:"asked" unit:"tokens" doc:"tokens that it was asked for; fewer come when it ends the text"`
	LogProb         *float64 `parquet:"log_prob" unit:"nats" doc:"of what it wrote, full softmax; null when the engine does not say"`
	SameTokens      *int64   `parquet:"same_tokens" unit:"tokens" doc:"how many tokens it begins with that are the work's own continuation"`
	Extracted       *bool    `parquet:"extracted" doc:"whether all tokens asked for are the work's own"`
}

// Canary is a row of canaries: where a sentence stands among others, and in the corpus (methods, section 6). Only a rank among
// controls whose making was declared is a test; the rest describes.
type Canary struct {
	RunID            string   `parquet:"run_id" doc:"name of the run"`
	ProbeID          string   `parquet:"probe_id" doc:"the canary"`
	Model            string   `parquet:"model" doc:"name of the target model"`
	CanaryNull       *string  `parquet:"canary_null" doc:"how it was made: slot, shuffle or sibling; null for a found sentence, which has no null"`
	Tokens           int64    `parquet:"tokens" unit:"tokens" doc:"tokens of the text, BOS not counted"`
	LogProb          *float64 `parquet:"log_prob" unit:"nats" doc:"log-probability of the whole text"`
	ReferenceLogProb *float64 `parquet:"reference_log_prob" unit:"nats" doc:"the same under the reference model"`
	ExactDocuments   *int64   `parquet:"exact_documents" unit:"documents" doc:"corpus documents with the same bytes; null without hash"`
	SpanDocuments    *int64   `parquet:"span_documents" unit:"documents" doc:"corpus documents with at least one qualifying match; null without ngram"`
	Permutations     *int64   `parquet:"permutations" doc:"orders of its words that were scored; null when none were asked for"`
	PermutationRank  *int64   `parquet:"permutation_rank" doc:"its rank among itself and these, 1 for the likeliest; a description: a sentence is likelier than its words in disorder under any model"`
	ControlGroup     *string  `parquet:"control_group" doc:"the controls it is ranked among"`
	Controls         int64    `parquet:"controls" doc:"number of these controls with a log-probability, N"`
	ControlRank      *int64   `parquet:"control_rank" doc:"its rank among itself and these, 1 for the likeliest; null without controls"`
	PValue           *float64 `parquet:"p_value" unit:"probability" doc:"control_rank / (N + 1); null unless canary_null declares that the controls are its null"`
	Exposure         *float64 `parquet:"exposure" unit:"bits" doc:"log2(N + 1) - log2(control_rank); null like p_value"`
}

// Tuning is a row of tuning: what tuning a base model changed for one probe. Positive differences mean that the tuned model finds the
// text likelier.
type Tuning struct {
	RunID            string   `parquet:"run_id" doc:"name of the run"`
	ProbeID          string   `parquet:"probe_id" doc:"the probe"`
	Model            string   `parquet:"model" doc:"the tuned model"`
	BaseModel        string   `parquet:"base_model" doc:"the model it was tuned from"`
	Bytes            *int64   `parquet:"bytes" unit:"bytes" doc:"bytes of the text that both models scored"`
	LogProbDelta     *float64 `parquet:"log_prob_delta" unit:"nats" doc:"log-probability under the tuned model less that under the base model, same bytes"`
	BitsPerByteDelta *float64 `parquet:"bits_per_byte_delta" unit:"bits per byte" doc:"bits per byte saved by tuning, same bytes"`
	BaseMaxP         *float64 `parquet:"base_max_p" unit:"probability" doc:"greatest p_z of the probe's windows under the base model"`
	MaxP             *float64 `parquet:"max_p" unit:"probability" doc:"the same under the tuned model"`
	BaseModelGrade   string   `parquet:"base_model_grade" doc:"what the base model gives back, as in evidence"`
	ModelGrade       string   `parquet:"model_grade" doc:"what the tuned model gives back"`
}

// The tables of what the model finds likely.
var (
	Likelihoods  = define[Likelihood]("likelihood", "a probe or control and a model", "control", "probe_id", "role", "model")
	Compressions = define[Compression]("compression", "a model and a slice of the probes or of the controls", "role", "model", "control", "slice")
	Tokens       = define[Token]("tokens", "a token of a probe", "probe_id", "model", "token_index")
	Windows      = define[Window]("windows", "an extraction window of a probe", "probe_id", "model", "window_index")
	Extractions  = define[Extraction]("extraction", "a probe, a model and a least probability", "probe_id", "model", "tau_permille")
	Generations  = define[Generation]("generations", "a continuation that a target model was asked for", "probe_id")
	Canaries     = define[Canary]("canaries", "a canary and a target model", "probe_id", "model")
	Tunings      = define[Tuning]("tuning", "a probe and a tuned model", "probe_id", "model")
)
