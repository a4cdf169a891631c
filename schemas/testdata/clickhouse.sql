CREATE TABLE runs (
  run_id String COMMENT 'name of the run, and of its directory',
  logical_date Nullable(DateTime64(6, 'UTC')) COMMENT 'the date the run stands for, as configured; never the clock',
  config_sha256 String COMMENT 'digest of the resolved configuration, output and resources left out',
  program_version String COMMENT 'version of the program',
  corpus_documents Nullable(Int64) COMMENT 'documents of the corpus that were read; null when no stage reads the corpus [documents]',
  corpus_words Nullable(Int64) COMMENT 'words of the corpus that were read; null when no stage reads the corpus [words]',
  probes Int64 COMMENT 'probes, controls not counted [probes]',
  unit Nullable(String) COMMENT 'unit of overlap: words, bytes or tokens; null without ngram',
  target_model Nullable(String) COMMENT 'the model whose memorization is measured',
  reference_model Nullable(String) COMMENT 'the model it is compared with'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id)
COMMENT 'A row is the run; sorted by run_id. Palimpsest, version 1.0 of the tables.';

CREATE TABLE probes (
  run_id String COMMENT 'name of the run',
  probe_id String COMMENT 'the probe\'s id, unique within the run',
  kind String COMMENT 'generation, work or canary',
  source_uri String COMMENT 'object the probe was read from',
  source_row Int64 COMMENT 'row of that object, from 0',
  bytes Int64 COMMENT 'length of the text [bytes]',
  words Int64 COMMENT 'words of the text [words]',
  sha256 String COMMENT 'digest of the text\'s bytes',
  words_sha256 Nullable(String) COMMENT 'digest of the words\' keys joined by one space; null without words',
  utf8_valid Bool COMMENT 'whether the text is valid UTF-8',
  searchable Nullable(Bool) COMMENT 'whether the text is long enough for one span; false: no overlap can be found, whatever the corpus holds; null without ngram',
  title Nullable(String) COMMENT 'title of the work',
  author Nullable(String) COMMENT 'author of the work',
  rights_holder Nullable(String) COMMENT 'who holds rights in the text, as the probes declare it',
  license Nullable(String) COMMENT 'licence of the text, as the probes declare it',
  label Nullable(Bool) COMMENT 'known membership in the training set, for evaluation',
  text Nullable(String) COMMENT 'the text; null when it is not UTF-8 or evidence.texts is off'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, probe_id)
COMMENT 'A row is a probe; sorted by probe_id. Palimpsest, version 1.0 of the tables.';

CREATE TABLE overlap (
  run_id String COMMENT 'name of the run',
  probe_id String COMMENT 'the probe',
  n Int64 COMMENT 'length of the n-grams, in the unit of the run [words]',
  ngrams Int64 COMMENT 'n-gram positions of the probe',
  matched Int64 COMMENT 'of these, the ones inside some span',
  matched_fraction Nullable(Float64) COMMENT 'matched / ngrams; null without n-grams [fraction]',
  covered_words Int64 COMMENT 'words inside some span of at least n [words]',
  coverage Nullable(Float64) COMMENT 'covered_words / words of the probe; null without words [fraction]',
  coverage_outside_prompt Nullable(Float64) COMMENT 'the same over the words that do not repeat the probe\'s own prompt; null when a generation\'s prompt is unknown or no such word is left [fraction]'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, probe_id, n)
COMMENT 'A row is a probe and an n-gram length; sorted by probe_id, n. Palimpsest, version 1.0 of the tables.';

CREATE TABLE spans (
  run_id String COMMENT 'name of the run',
  probe_id String COMMENT 'the probe',
  span_index Int64 COMMENT 'position among the probe\'s spans, from 0, in order of the text',
  word_start Int64 COMMENT 'first word of the span in the probe [words]',
  word_end Int64 COMMENT 'word after the last [words]',
  words Int64 COMMENT 'length of the span [words]',
  byte_start Int64 COMMENT 'first byte of the span in the probe\'s text [bytes]',
  byte_end Int64 COMMENT 'byte after the last [bytes]',
  prompt_words Nullable(Int64) COMMENT 'words of the span that repeat the probe\'s own prompt; null when a generation\'s prompt is unknown [words]',
  documents Int64 COMMENT 'distinct corpus documents that contain the span; exact, whatever is listed [documents]',
  occurrences Int64 COMMENT 'positions of the corpus at which the span stands, overlapping ones counted; exact',
  rarity_bits Float64 COMMENT '-log2(documents / corpus documents) [bits]',
  max_word_matches Int64 COMMENT 'largest number, over the span\'s words, of matches in any documents that cover the word; high for boilerplate',
  text Nullable(String) COMMENT 'the span in the probe\'s own spelling; null when it is not UTF-8 or evidence.texts is off'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, probe_id, span_index)
COMMENT 'A row is a maximal span of a probe that the corpus holds; sorted by probe_id, span_index. Palimpsest, version 1.0 of the tables.';

CREATE TABLE span_sources (
  run_id String COMMENT 'name of the run',
  probe_id String COMMENT 'the probe',
  span_index Int64 COMMENT 'the span',
  document_id String COMMENT 'id of the document, or object#row without ids',
  document_uri String COMMENT 'object the document stands in',
  document_row Int64 COMMENT 'row of that object, from 0',
  byte_start Int64 COMMENT 'first byte of the span\'s first occurrence in the document\'s text [bytes]',
  byte_end Int64 COMMENT 'byte after its last [bytes]',
  url Nullable(String) COMMENT 'address of the document, as the corpus declares it',
  license Nullable(String) COMMENT 'licence of the document, as the corpus declares it',
  rights_holder Nullable(String) COMMENT 'who holds rights in the document, as the corpus declares it',
  opt_out Nullable(String) COMMENT 'reservation against text and data mining, as the corpus declares it',
  reservation Nullable(String) COMMENT 'what all signals that the corpus recorded come to: reserved, not_reserved, conflicting, not_expressed (recorded, and saying neither) or unknown (none recorded); null when no signal is mapped',
  reservation_rule Nullable(String) COMMENT 'the signals that decided it, like tdm_meta over tdm_file'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, probe_id, span_index, document_id, document_uri, document_row)
COMMENT 'A row is a span and a document that holds it; sorted by probe_id, span_index, document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.';

CREATE TABLE matches (
  run_id String COMMENT 'name of the run',
  probe_id String COMMENT 'the probe',
  document_id String COMMENT 'id of the document, or object#row without ids',
  document_uri String COMMENT 'object the document stands in',
  document_row Int64 COMMENT 'row of that object, from 0',
  relation String COMMENT 'the first that holds of exact, exact_words, near_duplicate, probe_in_document, document_in_probe, overlaps',
  jaccard Nullable(Float64) COMMENT 'Jaccard similarity of the sets of 5-word shingles, of near-duplicates and so of texts with the same words; null for other documents, which are below the threshold, and when near-duplicates were not looked for [fraction]',
  covered_words Nullable(Int64) COMMENT 'probe words in the union of its matches with this document; null without ngram [words]',
  probe_coverage Nullable(Float64) COMMENT 'covered_words / words of the probe [fraction]',
  document_coverage Nullable(Float64) COMMENT 'document words in the union of the matches / words of the document [fraction]',
  longest_words Nullable(Int64) COMMENT 'longest match with this document; null without ngram [words]',
  near_verbatim_recall Nullable(Float64) COMMENT 'nv-recall: words in passages that the two have nearly word for word, 100 equal words or more each, as a share of the probe\'s words, or of the document\'s where the probe is a generation; words whatever the unit of the run; null unless ngram.near_verbatim asks for it, and without words [fraction]',
  url Nullable(String) COMMENT 'address of the document, as the corpus declares it',
  license Nullable(String) COMMENT 'licence of the document, as the corpus declares it',
  rights_holder Nullable(String) COMMENT 'who holds rights in the document, as the corpus declares it',
  opt_out Nullable(String) COMMENT 'reservation against text and data mining, as the corpus declares it',
  reservation Nullable(String) COMMENT 'what all signals that the corpus recorded come to: reserved, not_reserved, conflicting, not_expressed (recorded, and saying neither) or unknown (none recorded); null when no signal is mapped',
  reservation_rule Nullable(String) COMMENT 'the signals that decided it, like tdm_meta over tdm_file'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, probe_id, document_id, document_uri, document_row)
COMMENT 'A row is a probe and a document that match; sorted by probe_id, document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.';

CREATE TABLE documents (
  run_id String COMMENT 'name of the run',
  document_id String COMMENT 'id of the document, or object#row without ids',
  document_uri String COMMENT 'object the document stands in',
  document_row Int64 COMMENT 'row of that object, from 0',
  sha256 String COMMENT 'digest of the document\'s text',
  words_sha256 Nullable(String) COMMENT 'digest of the words\' keys joined by one space; null without words',
  words Int64 COMMENT 'words of the document [words]',
  probes Int64 COMMENT 'distinct probes found in the document, or that it is a duplicate of, exact or near [probes]',
  longest_words Nullable(Int64) COMMENT 'longest match with any probe; null without ngram [words]'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, document_id, document_uri, document_row)
COMMENT 'A row is a corpus document with any hit; sorted by document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.';

CREATE TABLE signatures (
  run_id String COMMENT 'name of the run',
  document_id String COMMENT 'id of the document, or object#row without ids',
  document_uri String COMMENT 'object the document stands in',
  document_row Int64 COMMENT 'row of that object, from 0',
  profile String COMMENT 'library and permutations whose bits the signature has: hash.minhash; only signatures of one profile compare',
  shingles Int64 COMMENT 'distinct 5-word shingles of the document; one of fewer than 5 words has a single shingle, all of them',
  signature String COMMENT 'the values in hexadecimal, each with the same number of digits (datasketch 8, datatrove 16), the most significant first',
  bands Int64 COMMENT 'bands of the signature, at its start; documents that agree in one are candidates for near-duplicates',
  band_digits Int64 COMMENT 'digits of a band: band k, from 0, is substr(signature, 1 + k * band_digits, band_digits)'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, document_id, document_uri, document_row)
COMMENT 'A row is a corpus document with words; sorted by document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.';

CREATE TABLE likelihood (
  run_id String COMMENT 'name of the run',
  probe_id String COMMENT 'the probe or control',
  control Bool COMMENT 'whether the text is a control',
  control_group Nullable(String) COMMENT 'group of texts that the probe is ranked against',
  model String COMMENT 'name of the model',
  role String COMMENT 'target or reference',
  engine String COMMENT 'where the log-probabilities come from',
  tokens Int64 COMMENT 'tokens of the text, BOS not counted [tokens]',
  scored_tokens Int64 COMMENT 'tokens with a log-probability [tokens]',
  bos Bool COMMENT 'whether the first token was scored, given a beginning-of-sequence token',
  bytes Nullable(Int64) COMMENT 'UTF-8 bytes of the scored tokens; null when the first token is not scored and its length is unknown [bytes]',
  log_prob Nullable(Float64) COMMENT 'sum of the log-probabilities; higher is more member-like; null when an engine clamped one [nats]',
  bits_per_byte Nullable(Float64) COMMENT '-log2 P / bytes; lower is more member-like [bits per byte]',
  perplexity Nullable(Float64) COMMENT 'exp(-mean log-probability); lower is more member-like',
  min_k Nullable(Float64) COMMENT 'mean of the lowest 20 % of the log-probabilities; higher is more member-like [nats]',
  min_k_pp Nullable(Float64) COMMENT 'mean of the lowest 20 % of the standardised log-probabilities; higher is more member-like; null without moments [standard deviations]',
  zlib_bytes Nullable(Int64) COMMENT 'length of the text\'s zlib stream [bytes]',
  zlib_implementation Nullable(String) COMMENT 'the deflate implementation and level that made it',
  zstd_bytes Nullable(Int64) COMMENT 'length of the text\'s zstd frame [bytes]',
  zstd_implementation Nullable(String) COMMENT 'the implementation and level that made it',
  xz_bytes Nullable(Int64) COMMENT 'length of the text\'s xz stream; about 50 of them are its format\'s [bytes]',
  xz_implementation Nullable(String) COMMENT 'the implementation that made it',
  zlib_ratio Nullable(Float64) COMMENT '-log2 P / (8 * zlib_bytes); lower is more member-like',
  lowercase_ratio Nullable(Float64) COMMENT 'log_prob of the lower-cased text / log_prob; null without a second pass',
  reference_log_ratio Nullable(Float64) COMMENT '(log_prob - the reference\'s) / bytes over the same bytes; higher is more member-like [nats per byte]',
  memorized_bits Nullable(Float64) COMMENT 'log2 max(P, P of the reference) - log2 P of the reference; above 0 on unseen text too, so read it beside the controls\' [bits]',
  prior_lift Nullable(Float64) COMMENT 'log-probability of the suffix after its own prefix less that after other prefixes; null without a second pass [nats]'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, control, probe_id, role, model)
COMMENT 'A row is a probe or control and a model; sorted by control, probe_id, role, model. Palimpsest, version 1.0 of the tables.';

CREATE TABLE compression (
  run_id String COMMENT 'name of the run',
  model String COMMENT 'name of the model',
  role String COMMENT 'target or reference',
  control Bool COMMENT 'whether the texts are controls',
  slice String COMMENT 'which of them: all, those of a kind (kind=work), a control group, and either by copies in the corpus',
  texts Int64 COMMENT 'texts whose bits and bytes are both known [texts]',
  bytes Int64 COMMENT 'UTF-8 bytes of their scored tokens [bytes]',
  model_bits Float64 COMMENT '-log2 P of the texts under the model, which an arithmetic coder attains [bits]',
  zlib_bytes Int64 COMMENT 'length of the texts\' zlib streams [bytes]',
  zstd_bytes Int64 COMMENT 'length of their zstd frames [bytes]',
  xz_bytes Int64 COMMENT 'length of their xz streams [bytes]',
  bits_per_byte Float64 COMMENT 'model_bits / bytes [bits per byte]',
  zlib_bits_per_byte Float64 COMMENT '8 * zlib_bytes / bytes [bits per byte]',
  zstd_bits_per_byte Float64 COMMENT '8 * zstd_bytes / bytes [bits per byte]',
  xz_bits_per_byte Float64 COMMENT '8 * xz_bytes / bytes [bits per byte]',
  raw_rate Float64 COMMENT 'compressed size / size: model_bits / 8 / bytes',
  model_bytes Nullable(Int64) COMMENT 'size of the model\'s file; null when unknown [bytes]',
  adjusted_rate Nullable(Float64) COMMENT '(model_bytes + model_bits / 8) / bytes: the rate with the model counted in',
  distinct_texts Nullable(Int64) COMMENT 'texts with memorized_bits, of those with the same words one; generations are left out; null under a reference [texts]',
  memorized_bits Nullable(Float64) COMMENT 'sum of their memorized_bits; above 0 on unseen text too [bits]',
  controlled_texts Nullable(Int64) COMMENT 'distinct texts whose control group has controls with memorized_bits [texts]',
  controls_mean Nullable(Float64) COMMENT 'mean memorized_bits of the controls of a text\'s control group, averaged over the controlled texts [bits]',
  memorized_bits_net Nullable(Float64) COMMENT 'memorized_bits of the controlled texts - controlled_texts * controls_mean: what is memorised beyond what unseen text shows; null without controls [bits]',
  capacity_bits Nullable(Float64) COMMENT '3.6 * parameters, an estimate of what a model can memorise; null when their number is unknown [bits]'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, role, model, control, slice)
COMMENT 'A row is a model and a slice of the probes or of the controls; sorted by role, model, control, slice. Palimpsest, version 1.0 of the tables.';

CREATE TABLE tokens (
  run_id String COMMENT 'name of the run',
  probe_id String COMMENT 'the probe',
  model String COMMENT 'name of the target model',
  token_index Int64 COMMENT 'position in the text, from 0 [tokens]',
  token_id Nullable(Int64) COMMENT 'the token\'s id in the model\'s vocabulary',
  byte_start Nullable(Int64) COMMENT 'first byte of the token in the text [bytes]',
  byte_end Nullable(Int64) COMMENT 'byte after its last [bytes]',
  log_prob Nullable(Float64) COMMENT 'log-probability given the tokens before it [nats]',
  rank Nullable(Int64) COMMENT 'rank among the vocabulary, 1 for the likeliest',
  reference_log_prob Nullable(Float64) COMMENT 'the reference\'s, where its tokens are the same [nats]'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, probe_id, model, token_index)
COMMENT 'A row is a token of a probe; sorted by probe_id, model, token_index. Palimpsest, version 1.0 of the tables.';

CREATE TABLE windows (
  run_id String COMMENT 'name of the run',
  probe_id String COMMENT 'the probe',
  model String COMMENT 'name of the target model',
  window_index Int64 COMMENT 'position among the probe\'s windows, from 0',
  prefix_tokens Int64 COMMENT 'tokens that the suffix\'s probability is conditioned on, BOS not counted [tokens]',
  suffix_tokens Int64 COMMENT 'tokens of the suffix [tokens]',
  byte_start Nullable(Int64) COMMENT 'first byte of the window in the text; null without token offsets [bytes]',
  suffix_byte_start Nullable(Int64) COMMENT 'first byte of the suffix [bytes]',
  byte_end Nullable(Int64) COMMENT 'byte after the window\'s last [bytes]',
  log_p Nullable(Float64) COMMENT 'log-probability of the suffix after the prefix, full softmax; null where the columns hold it only after a longer prefix [nats]',
  log_p_top_k Nullable(Float64) COMMENT 'the same when sampling from the k likeliest tokens; null when unknown or when a token lies outside them [nats]',
  top_k_excluded Nullable(Bool) COMMENT 'whether a suffix token lies outside the k likeliest, so that top-k sampling never gives the suffix; null when unknown',
  greedy Nullable(Bool) COMMENT 'whether every suffix token is the model\'s own first choice; null without ranks',
  draws_for_p50 Nullable(Int64) COMMENT 'samples needed to see the suffix once with probability .5; null above 2^53 [draws]',
  draws_for_p90 Nullable(Int64) COMMENT 'the same with probability .9 [draws]',
  prior_log_p Nullable(Float64) COMMENT 'log of the suffix\'s mean probability after other prefixes; null when it was not asked [nats]'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, probe_id, model, window_index)
COMMENT 'A row is an extraction window of a probe; sorted by probe_id, model, window_index. Palimpsest, version 1.0 of the tables.';

CREATE TABLE extraction (
  run_id String COMMENT 'name of the run',
  probe_id String COMMENT 'the probe',
  model String COMMENT 'name of the target model',
  tau_permille Int64 COMMENT 'least probability of a suffix that counts, times 1000: 1, 10, 100 and 500 [thousandths]',
  windows Int64 COMMENT 'windows that the probe was cut into',
  tested Int64 COMMENT 'of these, the ones whose suffix has a probability or is known to be greedy or not',
  greedy Int64 COMMENT 'of these, the ones whose suffix is the model\'s first choice token by token, whatever tau',
  extracted Int64 COMMENT 'windows whose suffix has at least that probability, full softmax',
  extracted_top_k Int64 COMMENT 'the same when sampling from the k likeliest tokens',
  coverage Nullable(Float64) COMMENT 'share of the probe\'s characters inside the suffixes of these windows, full softmax; null without token offsets [fraction]',
  coverage_top_k Nullable(Float64) COMMENT 'the same when sampling from the k likeliest tokens [fraction]'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, probe_id, model, tau_permille)
COMMENT 'A row is a probe, a model and a least probability; sorted by probe_id, model, tau_permille. Palimpsest, version 1.0 of the tables.';

CREATE TABLE generations (
  run_id String COMMENT 'name of the run',
  probe_id String COMMENT 'the continuation, as a probe',
  model String COMMENT 'the model that wrote it',
  work_id String COMMENT 'the probe whose beginning is the prompt',
  prompt_tokens Int64 COMMENT 'tokens of the prompt, BOS not counted [tokens]',
  prompt_byte_start Int64 COMMENT 'first byte of the prompt in the work [bytes]',
  prompt_byte_end Int64 COMMENT 'byte after its last, where the continuation begins [bytes]',
  sampling String COMMENT 'greedy, or top_k: from the likeliest tokens in proportion to their probabilities',
  top_k Int64 COMMENT 'how many of the likeliest tokens; 1 for greedy [tokens]',
  draw Int64 COMMENT 'number of the draw, from 0',
  draws Int64 COMMENT 'draws of this prompt: the denominator; 1 for greedy',
  seed Nullable(Int64) COMMENT 'seed of the draw, as a signed number; null for greedy',
  tokens Nullable(Int64) COMMENT 'tokens that the model wrote; null, as same_tokens and extracted are, when the server gives text alone [tokens]',
  asked Int64 COMMENT 'tokens that it was asked for; fewer come when it ends the text [tokens]',
  log_prob Nullable(Float64) COMMENT 'of what it wrote, full softmax; null when the engine does not say [nats]',
  same_tokens Nullable(Int64) COMMENT 'how many tokens it begins with that are the work\'s own continuation [tokens]',
  extracted Nullable(Bool) COMMENT 'whether all tokens asked for are the work\'s own'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, probe_id)
COMMENT 'A row is a continuation that a target model was asked for; sorted by probe_id. Palimpsest, version 1.0 of the tables.';

CREATE TABLE canaries (
  run_id String COMMENT 'name of the run',
  probe_id String COMMENT 'the canary',
  model String COMMENT 'name of the target model',
  canary_null Nullable(String) COMMENT 'how it was made: slot, shuffle or sibling; null for a found sentence, which has no null',
  tokens Int64 COMMENT 'tokens of the text, BOS not counted [tokens]',
  log_prob Nullable(Float64) COMMENT 'log-probability of the whole text [nats]',
  reference_log_prob Nullable(Float64) COMMENT 'the same under the reference model [nats]',
  exact_documents Nullable(Int64) COMMENT 'corpus documents with the same bytes; null without hash [documents]',
  span_documents Nullable(Int64) COMMENT 'corpus documents with at least one qualifying match; null without ngram [documents]',
  permutations Nullable(Int64) COMMENT 'orders of its words that were scored; null when none were asked for',
  permutation_rank Nullable(Int64) COMMENT 'its rank among itself and these, 1 for the likeliest; a description: a sentence is likelier than its words in disorder under any model',
  control_group Nullable(String) COMMENT 'the controls it is ranked among',
  controls Int64 COMMENT 'number of these controls with a log-probability, N',
  control_rank Nullable(Int64) COMMENT 'its rank among itself and these, 1 for the likeliest; null without controls',
  p_value Nullable(Float64) COMMENT 'control_rank / (N + 1); null unless canary_null declares that the controls are its null [probability]',
  exposure Nullable(Float64) COMMENT 'log2(N + 1) - log2(control_rank); null like p_value [bits]'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, probe_id, model)
COMMENT 'A row is a canary and a target model; sorted by probe_id, model. Palimpsest, version 1.0 of the tables.';

CREATE TABLE tuning (
  run_id String COMMENT 'name of the run',
  probe_id String COMMENT 'the probe',
  model String COMMENT 'the tuned model',
  base_model String COMMENT 'the model it was tuned from',
  bytes Nullable(Int64) COMMENT 'bytes of the text that both models scored [bytes]',
  log_prob_delta Nullable(Float64) COMMENT 'log-probability under the tuned model less that under the base model, same bytes [nats]',
  bits_per_byte_delta Nullable(Float64) COMMENT 'bits per byte saved by tuning, same bytes [bits per byte]',
  base_max_p Nullable(Float64) COMMENT 'greatest p_z of the probe\'s windows under the base model [probability]',
  max_p Nullable(Float64) COMMENT 'the same under the tuned model [probability]',
  base_model_grade String COMMENT 'what the base model gives back, as in evidence',
  model_grade String COMMENT 'what the tuned model gives back'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, probe_id, model)
COMMENT 'A row is a probe and a tuned model; sorted by probe_id, model. Palimpsest, version 1.0 of the tables.';

CREATE TABLE evidence (
  run_id String COMMENT 'name of the run',
  probe_id String COMMENT 'the probe',
  kind String COMMENT 'generation, work or canary',
  model Nullable(String) COMMENT 'the target model; null when none was named',
  corpus_grade String COMMENT 'what the corpus holds: exact, near_duplicate, contained, overlap, none or not_assessed',
  corpus_reason String COMMENT 'why, in a sentence',
  model_grade String COMMENT 'what the model gives back: verbatim, extractable, near_verbatim, elevated, none or not_assessed',
  model_reason String COMMENT 'why, in a sentence',
  distinctiveness Nullable(String) COMMENT 'of the best span: common, quotation, public_domain or distinctive; null without spans',
  longest_span_words Nullable(Int64) COMMENT 'longest span; null without ngram [words]',
  longest_outside_prompt Nullable(Int64) COMMENT 'longest run inside a span that does not repeat the prompt; null when a generation\'s prompt is unknown [words]',
  coverage Nullable(Float64) COMMENT 'share of the probe\'s words inside some span [fraction]',
  creativity_index Nullable(Float64) COMMENT 'sum of 1 - coverage(L) for L = 5..12; null unless the unit is words, min_words <= 5 and min_bytes = 0',
  spans Nullable(Int64) COMMENT 'spans of the probe',
  documents Nullable(Int64) COMMENT 'corpus documents with at least one qualifying match [documents]',
  exact_documents Nullable(Int64) COMMENT 'corpus documents with the same bytes; null without hash [documents]',
  exact_words_documents Nullable(Int64) COMMENT 'corpus documents with the same words, those with the same bytes included [documents]',
  near_documents Nullable(Int64) COMMENT 'near-duplicate corpus documents, those with the same words included; null when they were not looked for [documents]',
  max_p Nullable(Float64) COMMENT 'greatest p_z of the probe\'s windows [probability]',
  extractable_coverage Nullable(Float64) COMMENT 'share of the characters inside the suffix of a window with p_z >= .001 [fraction]',
  memorized_bits Nullable(Float64) COMMENT 'unintended memorisation; read it beside the controls\' [bits]',
  exposure Nullable(Float64) COMMENT 'log2(N+1) - log2(rank) among the controls; canaries with a declared null only [bits]',
  score_name Nullable(String) COMMENT 'the one score declared for the test',
  score Nullable(Float64) COMMENT 'its value',
  p_value Nullable(Float64) COMMENT '(1 + controls scoring at least as member-like) / (N + 1); null for generations and without controls [probability]',
  q_value Nullable(Float64) COMMENT 'Benjamini-Hochberg over the family [probability]',
  family Nullable(String) COMMENT 'the family that the q-value was computed in',
  control_group Nullable(String) COMMENT 'the controls the probe was ranked against',
  controls Nullable(Int64) COMMENT 'number of these controls, N',
  label Nullable(Bool) COMMENT 'known membership'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, probe_id)
COMMENT 'A row is a probe and the target model; sorted by probe_id, model. Palimpsest, version 1.0 of the tables.';

CREATE TABLE lineage (
  run_id String COMMENT 'name of the run',
  source_kind String COMMENT 'work, corpus_document, corpus, tuning_corpus, synthetic_corpus, model, tuned_model or output',
  source_id String COMMENT 'probe_id of a work or output, document_id of a document, name of a corpus or model',
  target_kind String COMMENT 'like source_kind',
  target_id String COMMENT 'like source_id',
  relation String COMMENT 'contains: the target, or much of it, stands in the source; matches: an output repeats the document; generated_from: the model wrote the corpus; else what the source is to the target, as declared: copy, derivative or, by default, undetermined',
  basis String COMMENT 'claimed for the use of the source, of a match for the use of the document: authorization, tdm_art3, tdm_art4, fair_use_claim, sui_generis_consent, public_domain, unknown (declared to be), or none (none recorded)',
  basis_ref Nullable(String) COMMENT 'what the claim refers to: a contract, an address; of a document or work the licence that is declared',
  jurisdiction Nullable(String) COMMENT 'under whose law the basis is claimed, like DE, US-CA or EU, as declared',
  opt_out Nullable(String) COMMENT 'of edges from or to a document: its reservation against text and data mining; null elsewhere and when no signal is mapped',
  grade String COMMENT 'declared: the configuration says so and nothing here shows it; measured: the run made or compared both; else what was found, a relation of matches or a model_grade',
  evidence_table Nullable(String) COMMENT 'table with the rows that show it; null when it is declared alone',
  evidence_key Nullable(String) COMMENT 'which rows: JSON, an object of key columns and their values'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, source_kind, source_id, target_kind, target_id, relation)
COMMENT 'A row is an edge from works to outputs, with its evidence; sorted by source_kind, source_id, target_kind, target_id, relation, evidence_table, evidence_key. Palimpsest, version 1.0 of the tables.';

CREATE TABLE evaluation (
  run_id String COMMENT 'name of the run',
  model String COMMENT 'the target model',
  score String COMMENT 'the score',
  slice String COMMENT 'which probes: all, a control group, and members by copies in the corpus',
  members Int64 COMMENT 'labelled members with the score [probes]',
  non_members Int64 COMMENT 'labelled non-members with the score [probes]',
  auroc Nullable(Float64) COMMENT 'probability that a member scores more member-like than a non-member, ties half',
  auroc_low Nullable(Float64) COMMENT 'lower end of its 95 % interval (Newcombe\'s method 5)',
  auroc_high Nullable(Float64) COMMENT 'upper end',
  tpr_at_1_fpr Nullable(Float64) COMMENT 'share of members above the threshold that 1 % of non-members pass; null with fewer than 100 non-members [fraction]',
  tpr_at_5_fpr Nullable(Float64) COMMENT 'the same at 5 %; null with fewer than 20 [fraction]',
  blind_auroc Nullable(Float64) COMMENT 'mean, over five folds of the slice\'s probes, of the AUROC of a logistic regression on word counts and length that never asks a model; works and near-duplicates are in one fold; null when some fold lacks members or non-members (five of each, apart in work and text, are the least), or above 128 MiB of labelled texts',
  blind_difference_low Nullable(Float64) COMMENT 'lower end of the 95 % interval, by Student\'s t over the folds, of the score\'s AUROC less the baseline\'s on the same probes; null like blind_auroc, or when in some fold no member or no non-member has the score',
  beats_blind Nullable(Bool) COMMENT 'whether that is above 0; false is a flag: the score shows no more than the words of the texts themselves do'
)
ENGINE = MergeTree
PARTITION BY run_id
ORDER BY (run_id, model, score, slice)
COMMENT 'A row is a target model, a score and a slice of the labelled probes; sorted by model, score, slice. Palimpsest, version 1.0 of the tables.';

