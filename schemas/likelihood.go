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

// The tables of what the model finds likely.
var (
	Likelihoods  = define[Likelihood]("likelihood", "a probe or control and a model", "control", "probe_id", "role", "model")
	Compressions = define[Compression]("compression", "a model and a slice of the probes or of the controls", "role", "model", "control", "slice")
	Tokens       = define[Token]("tokens", "a token of a probe", "probe_id", "model", "token_index")
	Windows      = define[Window]("windows", "an extraction window of a probe", "probe_id", "model", "window_index")
)
