CREATE TABLE runs (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run, and of its directory'),
  logical_date TIMESTAMP OPTIONS (description = 'the date the run stands for, as configured; never the clock'),
  config_sha256 STRING NOT NULL OPTIONS (description = 'digest of the resolved configuration, output and resources left out'),
  program_version STRING NOT NULL OPTIONS (description = 'version of the program'),
  corpus_documents INT64 OPTIONS (description = 'documents of the corpus that were read; null when no stage reads the corpus [documents]'),
  corpus_words INT64 OPTIONS (description = 'words of the corpus that were read; null when no stage reads the corpus [words]'),
  probes INT64 NOT NULL OPTIONS (description = 'probes, controls not counted [probes]'),
  unit STRING OPTIONS (description = 'unit of overlap: words, bytes or tokens; null without ngram'),
  target_model STRING OPTIONS (description = 'the model whose memorization is measured'),
  reference_model STRING OPTIONS (description = 'the model it is compared with')
)
CLUSTER BY run_id
OPTIONS (description = 'A row is the run; sorted by run_id. Palimpsest, version 1.0 of the tables.');

CREATE TABLE probes (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  probe_id STRING NOT NULL OPTIONS (description = 'the probe\'s id, unique within the run'),
  kind STRING NOT NULL OPTIONS (description = 'generation, work or canary'),
  source_uri STRING NOT NULL OPTIONS (description = 'object the probe was read from'),
  source_row INT64 NOT NULL OPTIONS (description = 'row of that object, from 0'),
  bytes INT64 NOT NULL OPTIONS (description = 'length of the text [bytes]'),
  words INT64 NOT NULL OPTIONS (description = 'words of the text [words]'),
  sha256 STRING NOT NULL OPTIONS (description = 'digest of the text\'s bytes'),
  words_sha256 STRING OPTIONS (description = 'digest of the words\' keys joined by one space; null without words'),
  utf8_valid BOOL NOT NULL OPTIONS (description = 'whether the text is valid UTF-8'),
  searchable BOOL OPTIONS (description = 'whether the text is long enough for one span; false: no overlap can be found, whatever the corpus holds; null without ngram'),
  title STRING OPTIONS (description = 'title of the work'),
  author STRING OPTIONS (description = 'author of the work'),
  rights_holder STRING OPTIONS (description = 'who holds rights in the text, as the probes declare it'),
  license STRING OPTIONS (description = 'licence of the text, as the probes declare it'),
  label BOOL OPTIONS (description = 'known membership in the training set, for evaluation'),
  text STRING OPTIONS (description = 'the text; null when it is not UTF-8 or evidence.texts is off')
)
CLUSTER BY run_id, probe_id
OPTIONS (description = 'A row is a probe; sorted by probe_id. Palimpsest, version 1.0 of the tables.');

CREATE TABLE overlap (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  probe_id STRING NOT NULL OPTIONS (description = 'the probe'),
  n INT64 NOT NULL OPTIONS (description = 'length of the n-grams, in the unit of the run [words]'),
  ngrams INT64 NOT NULL OPTIONS (description = 'n-gram positions of the probe'),
  matched INT64 NOT NULL OPTIONS (description = 'of these, the ones inside some span'),
  matched_fraction FLOAT64 OPTIONS (description = 'matched / ngrams; null without n-grams [fraction]'),
  covered_words INT64 NOT NULL OPTIONS (description = 'words inside some span of at least n [words]'),
  coverage FLOAT64 OPTIONS (description = 'covered_words / words of the probe; null without words [fraction]'),
  coverage_outside_prompt FLOAT64 OPTIONS (description = 'the same over the words that do not repeat the probe\'s own prompt; null when a generation\'s prompt is unknown or no such word is left [fraction]')
)
CLUSTER BY run_id, probe_id, n
OPTIONS (description = 'A row is a probe and an n-gram length; sorted by probe_id, n. Palimpsest, version 1.0 of the tables.');

CREATE TABLE spans (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  probe_id STRING NOT NULL OPTIONS (description = 'the probe'),
  span_index INT64 NOT NULL OPTIONS (description = 'position among the probe\'s spans, from 0, in order of the text'),
  word_start INT64 NOT NULL OPTIONS (description = 'first word of the span in the probe [words]'),
  word_end INT64 NOT NULL OPTIONS (description = 'word after the last [words]'),
  words INT64 NOT NULL OPTIONS (description = 'length of the span [words]'),
  byte_start INT64 NOT NULL OPTIONS (description = 'first byte of the span in the probe\'s text [bytes]'),
  byte_end INT64 NOT NULL OPTIONS (description = 'byte after the last [bytes]'),
  prompt_words INT64 OPTIONS (description = 'words of the span that repeat the probe\'s own prompt; null when a generation\'s prompt is unknown [words]'),
  documents INT64 NOT NULL OPTIONS (description = 'distinct corpus documents that contain the span; exact, whatever is listed [documents]'),
  occurrences INT64 NOT NULL OPTIONS (description = 'positions of the corpus at which the span stands, overlapping ones counted; exact'),
  rarity_bits FLOAT64 NOT NULL OPTIONS (description = '-log2(documents / corpus documents) [bits]'),
  max_word_matches INT64 NOT NULL OPTIONS (description = 'largest number, over the span\'s words, of matches in any documents that cover the word; high for boilerplate'),
  text STRING OPTIONS (description = 'the span in the probe\'s own spelling; null when it is not UTF-8 or evidence.texts is off')
)
CLUSTER BY run_id, probe_id, span_index
OPTIONS (description = 'A row is a maximal span of a probe that the corpus holds; sorted by probe_id, span_index. Palimpsest, version 1.0 of the tables.');

CREATE TABLE span_sources (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  probe_id STRING NOT NULL OPTIONS (description = 'the probe'),
  span_index INT64 NOT NULL OPTIONS (description = 'the span'),
  document_id STRING NOT NULL OPTIONS (description = 'id of the document, or object#row without ids'),
  document_uri STRING NOT NULL OPTIONS (description = 'object the document stands in'),
  document_row INT64 NOT NULL OPTIONS (description = 'row of that object, from 0'),
  byte_start INT64 NOT NULL OPTIONS (description = 'first byte of the span\'s first occurrence in the document\'s text [bytes]'),
  byte_end INT64 NOT NULL OPTIONS (description = 'byte after its last [bytes]'),
  url STRING OPTIONS (description = 'address of the document, as the corpus declares it'),
  license STRING OPTIONS (description = 'licence of the document, as the corpus declares it'),
  rights_holder STRING OPTIONS (description = 'who holds rights in the document, as the corpus declares it'),
  opt_out STRING OPTIONS (description = 'reservation against text and data mining, as the corpus declares it'),
  reservation STRING OPTIONS (description = 'what all signals that the corpus recorded come to: reserved, not_reserved, conflicting, not_expressed (recorded, and saying neither) or unknown (none recorded); null when no signal is mapped'),
  reservation_rule STRING OPTIONS (description = 'the signals that decided it, like tdm_meta over tdm_file')
)
CLUSTER BY run_id, probe_id, span_index, document_id
OPTIONS (description = 'A row is a span and a document that holds it; sorted by probe_id, span_index, document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.');

CREATE TABLE matches (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  probe_id STRING NOT NULL OPTIONS (description = 'the probe'),
  document_id STRING NOT NULL OPTIONS (description = 'id of the document, or object#row without ids'),
  document_uri STRING NOT NULL OPTIONS (description = 'object the document stands in'),
  document_row INT64 NOT NULL OPTIONS (description = 'row of that object, from 0'),
  relation STRING NOT NULL OPTIONS (description = 'the first that holds of exact, exact_words, near_duplicate, probe_in_document, document_in_probe, overlaps'),
  jaccard FLOAT64 OPTIONS (description = 'Jaccard similarity of the sets of 5-word shingles, of near-duplicates and so of texts with the same words; null for other documents, which are below the threshold, and when near-duplicates were not looked for [fraction]'),
  covered_words INT64 OPTIONS (description = 'probe words in the union of its matches with this document; null without ngram [words]'),
  probe_coverage FLOAT64 OPTIONS (description = 'covered_words / words of the probe [fraction]'),
  document_coverage FLOAT64 OPTIONS (description = 'document words in the union of the matches / words of the document [fraction]'),
  longest_words INT64 OPTIONS (description = 'longest match with this document; null without ngram [words]'),
  near_verbatim_recall FLOAT64 OPTIONS (description = 'nv-recall: words in passages that the two have nearly word for word, 100 equal words or more each, as a share of the probe\'s words, or of the document\'s where the probe is a generation; words whatever the unit of the run; null unless ngram.near_verbatim asks for it, and without words [fraction]'),
  url STRING OPTIONS (description = 'address of the document, as the corpus declares it'),
  license STRING OPTIONS (description = 'licence of the document, as the corpus declares it'),
  rights_holder STRING OPTIONS (description = 'who holds rights in the document, as the corpus declares it'),
  opt_out STRING OPTIONS (description = 'reservation against text and data mining, as the corpus declares it'),
  reservation STRING OPTIONS (description = 'what all signals that the corpus recorded come to: reserved, not_reserved, conflicting, not_expressed (recorded, and saying neither) or unknown (none recorded); null when no signal is mapped'),
  reservation_rule STRING OPTIONS (description = 'the signals that decided it, like tdm_meta over tdm_file')
)
CLUSTER BY run_id, probe_id, document_id, document_uri
OPTIONS (description = 'A row is a probe and a document that match; sorted by probe_id, document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.');

CREATE TABLE documents (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  document_id STRING NOT NULL OPTIONS (description = 'id of the document, or object#row without ids'),
  document_uri STRING NOT NULL OPTIONS (description = 'object the document stands in'),
  document_row INT64 NOT NULL OPTIONS (description = 'row of that object, from 0'),
  sha256 STRING NOT NULL OPTIONS (description = 'digest of the document\'s text'),
  words_sha256 STRING OPTIONS (description = 'digest of the words\' keys joined by one space; null without words'),
  words INT64 NOT NULL OPTIONS (description = 'words of the document [words]'),
  probes INT64 NOT NULL OPTIONS (description = 'distinct probes found in the document, or that it is a duplicate of, exact or near [probes]'),
  longest_words INT64 OPTIONS (description = 'longest match with any probe; null without ngram [words]')
)
CLUSTER BY run_id, document_id, document_uri, document_row
OPTIONS (description = 'A row is a corpus document with any hit; sorted by document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.');

CREATE TABLE signatures (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  document_id STRING NOT NULL OPTIONS (description = 'id of the document, or object#row without ids'),
  document_uri STRING NOT NULL OPTIONS (description = 'object the document stands in'),
  document_row INT64 NOT NULL OPTIONS (description = 'row of that object, from 0'),
  profile STRING NOT NULL OPTIONS (description = 'library and permutations whose bits the signature has: hash.minhash; only signatures of one profile compare'),
  shingles INT64 NOT NULL OPTIONS (description = 'distinct 5-word shingles of the document; one of fewer than 5 words has a single shingle, all of them'),
  signature STRING NOT NULL OPTIONS (description = 'the values in hexadecimal, each with the same number of digits (datasketch 8, datatrove 16), the most significant first'),
  bands INT64 NOT NULL OPTIONS (description = 'bands of the signature, at its start; documents that agree in one are candidates for near-duplicates'),
  band_digits INT64 NOT NULL OPTIONS (description = 'digits of a band: band k, from 0, is substr(signature, 1 + k * band_digits, band_digits)')
)
CLUSTER BY run_id, document_id, document_uri, document_row
OPTIONS (description = 'A row is a corpus document with words; sorted by document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.');

CREATE TABLE likelihood (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  probe_id STRING NOT NULL OPTIONS (description = 'the probe or control'),
  control BOOL NOT NULL OPTIONS (description = 'whether the text is a control'),
  control_group STRING OPTIONS (description = 'group of texts that the probe is ranked against'),
  model STRING NOT NULL OPTIONS (description = 'name of the model'),
  role STRING NOT NULL OPTIONS (description = 'target or reference'),
  engine STRING NOT NULL OPTIONS (description = 'where the log-probabilities come from'),
  tokens INT64 NOT NULL OPTIONS (description = 'tokens of the text, BOS not counted [tokens]'),
  scored_tokens INT64 NOT NULL OPTIONS (description = 'tokens with a log-probability [tokens]'),
  bos BOOL NOT NULL OPTIONS (description = 'whether the first token was scored, given a beginning-of-sequence token'),
  bytes INT64 OPTIONS (description = 'UTF-8 bytes of the scored tokens; null when the first token is not scored and its length is unknown [bytes]'),
  log_prob FLOAT64 OPTIONS (description = 'sum of the log-probabilities; higher is more member-like; null when an engine clamped one [nats]'),
  bits_per_byte FLOAT64 OPTIONS (description = '-log2 P / bytes; lower is more member-like [bits per byte]'),
  perplexity FLOAT64 OPTIONS (description = 'exp(-mean log-probability); lower is more member-like'),
  min_k FLOAT64 OPTIONS (description = 'mean of the lowest 20 % of the log-probabilities; higher is more member-like [nats]'),
  min_k_pp FLOAT64 OPTIONS (description = 'mean of the lowest 20 % of the standardised log-probabilities; higher is more member-like; null without moments [standard deviations]'),
  zlib_bytes INT64 OPTIONS (description = 'length of the text\'s zlib stream [bytes]'),
  zlib_implementation STRING OPTIONS (description = 'the deflate implementation and level that made it'),
  zstd_bytes INT64 OPTIONS (description = 'length of the text\'s zstd frame [bytes]'),
  zstd_implementation STRING OPTIONS (description = 'the implementation and level that made it'),
  xz_bytes INT64 OPTIONS (description = 'length of the text\'s xz stream; about 50 of them are its format\'s [bytes]'),
  xz_implementation STRING OPTIONS (description = 'the implementation that made it'),
  zlib_ratio FLOAT64 OPTIONS (description = '-log2 P / (8 * zlib_bytes); lower is more member-like'),
  lowercase_ratio FLOAT64 OPTIONS (description = 'log_prob of the lower-cased text / log_prob; null without a second pass'),
  reference_log_ratio FLOAT64 OPTIONS (description = '(log_prob - the reference\'s) / bytes over the same bytes; higher is more member-like [nats per byte]'),
  memorized_bits FLOAT64 OPTIONS (description = 'log2 max(P, P of the reference) - log2 P of the reference; above 0 on unseen text too, so read it beside the controls\' [bits]'),
  prior_lift FLOAT64 OPTIONS (description = 'log-probability of the suffix after its own prefix less that after other prefixes; null without a second pass [nats]')
)
CLUSTER BY run_id, control, probe_id, role
OPTIONS (description = 'A row is a probe or control and a model; sorted by control, probe_id, role, model. Palimpsest, version 1.0 of the tables.');

CREATE TABLE compression (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  model STRING NOT NULL OPTIONS (description = 'name of the model'),
  role STRING NOT NULL OPTIONS (description = 'target or reference'),
  control BOOL NOT NULL OPTIONS (description = 'whether the texts are controls'),
  slice STRING NOT NULL OPTIONS (description = 'which of them: all, those of a kind (kind=work), a control group, and either by copies in the corpus'),
  texts INT64 NOT NULL OPTIONS (description = 'texts whose bits and bytes are both known [texts]'),
  bytes INT64 NOT NULL OPTIONS (description = 'UTF-8 bytes of their scored tokens [bytes]'),
  model_bits FLOAT64 NOT NULL OPTIONS (description = '-log2 P of the texts under the model, which an arithmetic coder attains [bits]'),
  zlib_bytes INT64 NOT NULL OPTIONS (description = 'length of the texts\' zlib streams [bytes]'),
  zstd_bytes INT64 NOT NULL OPTIONS (description = 'length of their zstd frames [bytes]'),
  xz_bytes INT64 NOT NULL OPTIONS (description = 'length of their xz streams [bytes]'),
  bits_per_byte FLOAT64 NOT NULL OPTIONS (description = 'model_bits / bytes [bits per byte]'),
  zlib_bits_per_byte FLOAT64 NOT NULL OPTIONS (description = '8 * zlib_bytes / bytes [bits per byte]'),
  zstd_bits_per_byte FLOAT64 NOT NULL OPTIONS (description = '8 * zstd_bytes / bytes [bits per byte]'),
  xz_bits_per_byte FLOAT64 NOT NULL OPTIONS (description = '8 * xz_bytes / bytes [bits per byte]'),
  raw_rate FLOAT64 NOT NULL OPTIONS (description = 'compressed size / size: model_bits / 8 / bytes'),
  model_bytes INT64 OPTIONS (description = 'size of the model\'s file; null when unknown [bytes]'),
  adjusted_rate FLOAT64 OPTIONS (description = '(model_bytes + model_bits / 8) / bytes: the rate with the model counted in'),
  distinct_texts INT64 OPTIONS (description = 'texts with memorized_bits, of those with the same words one; generations are left out; null under a reference [texts]'),
  memorized_bits FLOAT64 OPTIONS (description = 'sum of their memorized_bits; above 0 on unseen text too [bits]'),
  controlled_texts INT64 OPTIONS (description = 'distinct texts whose control group has controls with memorized_bits [texts]'),
  controls_mean FLOAT64 OPTIONS (description = 'mean memorized_bits of the controls of a text\'s control group, averaged over the controlled texts [bits]'),
  memorized_bits_net FLOAT64 OPTIONS (description = 'memorized_bits of the controlled texts - controlled_texts * controls_mean: what is memorised beyond what unseen text shows; null without controls [bits]'),
  capacity_bits FLOAT64 OPTIONS (description = '3.6 * parameters, an estimate of what a model can memorise; null when their number is unknown [bits]')
)
CLUSTER BY run_id, role, model, control
OPTIONS (description = 'A row is a model and a slice of the probes or of the controls; sorted by role, model, control, slice. Palimpsest, version 1.0 of the tables.');

CREATE TABLE tokens (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  probe_id STRING NOT NULL OPTIONS (description = 'the probe'),
  model STRING NOT NULL OPTIONS (description = 'name of the target model'),
  token_index INT64 NOT NULL OPTIONS (description = 'position in the text, from 0 [tokens]'),
  token_id INT64 OPTIONS (description = 'the token\'s id in the model\'s vocabulary'),
  byte_start INT64 OPTIONS (description = 'first byte of the token in the text [bytes]'),
  byte_end INT64 OPTIONS (description = 'byte after its last [bytes]'),
  log_prob FLOAT64 OPTIONS (description = 'log-probability given the tokens before it [nats]'),
  rank INT64 OPTIONS (description = 'rank among the vocabulary, 1 for the likeliest'),
  reference_log_prob FLOAT64 OPTIONS (description = 'the reference\'s, where its tokens are the same [nats]')
)
CLUSTER BY run_id, probe_id, model, token_index
OPTIONS (description = 'A row is a token of a probe; sorted by probe_id, model, token_index. Palimpsest, version 1.0 of the tables.');

CREATE TABLE windows (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  probe_id STRING NOT NULL OPTIONS (description = 'the probe'),
  model STRING NOT NULL OPTIONS (description = 'name of the target model'),
  window_index INT64 NOT NULL OPTIONS (description = 'position among the probe\'s windows, from 0'),
  prefix_tokens INT64 NOT NULL OPTIONS (description = 'tokens that the suffix\'s probability is conditioned on, BOS not counted [tokens]'),
  suffix_tokens INT64 NOT NULL OPTIONS (description = 'tokens of the suffix [tokens]'),
  byte_start INT64 OPTIONS (description = 'first byte of the window in the text; null without token offsets [bytes]'),
  suffix_byte_start INT64 OPTIONS (description = 'first byte of the suffix [bytes]'),
  byte_end INT64 OPTIONS (description = 'byte after the window\'s last [bytes]'),
  log_p FLOAT64 OPTIONS (description = 'log-probability of the suffix after the prefix, full softmax; null where the columns hold it only after a longer prefix [nats]'),
  log_p_top_k FLOAT64 OPTIONS (description = 'the same when sampling from the k likeliest tokens; null when unknown or when a token lies outside them [nats]'),
  top_k_excluded BOOL OPTIONS (description = 'whether a suffix token lies outside the k likeliest, so that top-k sampling never gives the suffix; null when unknown'),
  greedy BOOL OPTIONS (description = 'whether every suffix token is the model\'s own first choice; null without ranks'),
  draws_for_p50 INT64 OPTIONS (description = 'samples needed to see the suffix once with probability .5; null above 2^53 [draws]'),
  draws_for_p90 INT64 OPTIONS (description = 'the same with probability .9 [draws]'),
  prior_log_p FLOAT64 OPTIONS (description = 'log of the suffix\'s mean probability after other prefixes; null when it was not asked [nats]')
)
CLUSTER BY run_id, probe_id, model, window_index
OPTIONS (description = 'A row is an extraction window of a probe; sorted by probe_id, model, window_index. Palimpsest, version 1.0 of the tables.');

CREATE TABLE extraction (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  probe_id STRING NOT NULL OPTIONS (description = 'the probe'),
  model STRING NOT NULL OPTIONS (description = 'name of the target model'),
  tau_permille INT64 NOT NULL OPTIONS (description = 'least probability of a suffix that counts, times 1000: 1, 10, 100 and 500 [thousandths]'),
  windows INT64 NOT NULL OPTIONS (description = 'windows that the probe was cut into'),
  tested INT64 NOT NULL OPTIONS (description = 'of these, the ones whose suffix has a probability or is known to be greedy or not'),
  greedy INT64 NOT NULL OPTIONS (description = 'of these, the ones whose suffix is the model\'s first choice token by token, whatever tau'),
  extracted INT64 NOT NULL OPTIONS (description = 'windows whose suffix has at least that probability, full softmax'),
  extracted_top_k INT64 NOT NULL OPTIONS (description = 'the same when sampling from the k likeliest tokens'),
  coverage FLOAT64 OPTIONS (description = 'share of the probe\'s characters inside the suffixes of these windows, full softmax; null without token offsets [fraction]'),
  coverage_top_k FLOAT64 OPTIONS (description = 'the same when sampling from the k likeliest tokens [fraction]')
)
CLUSTER BY run_id, probe_id, model, tau_permille
OPTIONS (description = 'A row is a probe, a model and a least probability; sorted by probe_id, model, tau_permille. Palimpsest, version 1.0 of the tables.');

CREATE TABLE generations (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  probe_id STRING NOT NULL OPTIONS (description = 'the continuation, as a probe'),
  model STRING NOT NULL OPTIONS (description = 'the model that wrote it'),
  work_id STRING NOT NULL OPTIONS (description = 'the probe whose beginning is the prompt'),
  prompt_tokens INT64 NOT NULL OPTIONS (description = 'tokens of the prompt, BOS not counted [tokens]'),
  prompt_byte_start INT64 NOT NULL OPTIONS (description = 'first byte of the prompt in the work [bytes]'),
  prompt_byte_end INT64 NOT NULL OPTIONS (description = 'byte after its last, where the continuation begins [bytes]'),
  sampling STRING NOT NULL OPTIONS (description = 'greedy, or top_k: from the likeliest tokens in proportion to their probabilities'),
  top_k INT64 NOT NULL OPTIONS (description = 'how many of the likeliest tokens; 1 for greedy [tokens]'),
  draw INT64 NOT NULL OPTIONS (description = 'number of the draw, from 0'),
  draws INT64 NOT NULL OPTIONS (description = 'draws of this prompt: the denominator; 1 for greedy'),
  seed INT64 OPTIONS (description = 'seed of the draw, as a signed number; null for greedy'),
  tokens INT64 OPTIONS (description = 'tokens that the model wrote; null, as same_tokens and extracted are, when the server gives text alone [tokens]'),
  asked INT64 NOT NULL OPTIONS (description = 'tokens that it was asked for; fewer come when it ends the text [tokens]'),
  log_prob FLOAT64 OPTIONS (description = 'of what it wrote, full softmax; null when the engine does not say [nats]'),
  same_tokens INT64 OPTIONS (description = 'how many tokens it begins with that are the work\'s own continuation [tokens]'),
  extracted BOOL OPTIONS (description = 'whether all tokens asked for are the work\'s own')
)
CLUSTER BY run_id, probe_id
OPTIONS (description = 'A row is a continuation that a target model was asked for; sorted by probe_id. Palimpsest, version 1.0 of the tables.');

CREATE TABLE canaries (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  probe_id STRING NOT NULL OPTIONS (description = 'the canary'),
  model STRING NOT NULL OPTIONS (description = 'name of the target model'),
  canary_null STRING OPTIONS (description = 'how it was made: slot, shuffle or sibling; null for a found sentence, which has no null'),
  tokens INT64 NOT NULL OPTIONS (description = 'tokens of the text, BOS not counted [tokens]'),
  log_prob FLOAT64 OPTIONS (description = 'log-probability of the whole text [nats]'),
  reference_log_prob FLOAT64 OPTIONS (description = 'the same under the reference model [nats]'),
  exact_documents INT64 OPTIONS (description = 'corpus documents with the same bytes; null without hash [documents]'),
  span_documents INT64 OPTIONS (description = 'corpus documents with at least one qualifying match; null without ngram [documents]'),
  permutations INT64 OPTIONS (description = 'orders of its words that were scored; null when none were asked for'),
  permutation_rank INT64 OPTIONS (description = 'its rank among itself and these, 1 for the likeliest; a description: a sentence is likelier than its words in disorder under any model'),
  control_group STRING OPTIONS (description = 'the controls it is ranked among'),
  controls INT64 NOT NULL OPTIONS (description = 'number of these controls with a log-probability, N'),
  control_rank INT64 OPTIONS (description = 'its rank among itself and these, 1 for the likeliest; null without controls'),
  p_value FLOAT64 OPTIONS (description = 'control_rank / (N + 1); null unless canary_null declares that the controls are its null [probability]'),
  exposure FLOAT64 OPTIONS (description = 'log2(N + 1) - log2(control_rank); null like p_value [bits]')
)
CLUSTER BY run_id, probe_id, model
OPTIONS (description = 'A row is a canary and a target model; sorted by probe_id, model. Palimpsest, version 1.0 of the tables.');

CREATE TABLE tuning (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  probe_id STRING NOT NULL OPTIONS (description = 'the probe'),
  model STRING NOT NULL OPTIONS (description = 'the tuned model'),
  base_model STRING NOT NULL OPTIONS (description = 'the model it was tuned from'),
  bytes INT64 OPTIONS (description = 'bytes of the text that both models scored [bytes]'),
  log_prob_delta FLOAT64 OPTIONS (description = 'log-probability under the tuned model less that under the base model, same bytes [nats]'),
  bits_per_byte_delta FLOAT64 OPTIONS (description = 'bits per byte saved by tuning, same bytes [bits per byte]'),
  base_max_p FLOAT64 OPTIONS (description = 'greatest p_z of the probe\'s windows under the base model [probability]'),
  max_p FLOAT64 OPTIONS (description = 'the same under the tuned model [probability]'),
  base_model_grade STRING NOT NULL OPTIONS (description = 'what the base model gives back, as in evidence'),
  model_grade STRING NOT NULL OPTIONS (description = 'what the tuned model gives back')
)
CLUSTER BY run_id, probe_id, model
OPTIONS (description = 'A row is a probe and a tuned model; sorted by probe_id, model. Palimpsest, version 1.0 of the tables.');

CREATE TABLE evidence (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  probe_id STRING NOT NULL OPTIONS (description = 'the probe'),
  kind STRING NOT NULL OPTIONS (description = 'generation, work or canary'),
  model STRING OPTIONS (description = 'the target model; null when none was named'),
  corpus_grade STRING NOT NULL OPTIONS (description = 'what the corpus holds: exact, near_duplicate, contained, overlap, none or not_assessed'),
  corpus_reason STRING NOT NULL OPTIONS (description = 'why, in a sentence'),
  model_grade STRING NOT NULL OPTIONS (description = 'what the model gives back: verbatim, extractable, near_verbatim, elevated, none or not_assessed'),
  model_reason STRING NOT NULL OPTIONS (description = 'why, in a sentence'),
  distinctiveness STRING OPTIONS (description = 'of the best span: common, quotation, public_domain or distinctive; null without spans'),
  longest_span_words INT64 OPTIONS (description = 'longest span; null without ngram [words]'),
  longest_outside_prompt INT64 OPTIONS (description = 'longest run inside a span that does not repeat the prompt; null when a generation\'s prompt is unknown [words]'),
  coverage FLOAT64 OPTIONS (description = 'share of the probe\'s words inside some span [fraction]'),
  creativity_index FLOAT64 OPTIONS (description = 'sum of 1 - coverage(L) for L = 5..12; null unless the unit is words, min_words <= 5 and min_bytes = 0'),
  spans INT64 OPTIONS (description = 'spans of the probe'),
  documents INT64 OPTIONS (description = 'corpus documents with at least one qualifying match [documents]'),
  exact_documents INT64 OPTIONS (description = 'corpus documents with the same bytes; null without hash [documents]'),
  exact_words_documents INT64 OPTIONS (description = 'corpus documents with the same words, those with the same bytes included [documents]'),
  near_documents INT64 OPTIONS (description = 'near-duplicate corpus documents, those with the same words included; null when they were not looked for [documents]'),
  max_p FLOAT64 OPTIONS (description = 'greatest p_z of the probe\'s windows [probability]'),
  extractable_coverage FLOAT64 OPTIONS (description = 'share of the characters inside the suffix of a window with p_z >= .001 [fraction]'),
  memorized_bits FLOAT64 OPTIONS (description = 'unintended memorisation; read it beside the controls\' [bits]'),
  exposure FLOAT64 OPTIONS (description = 'log2(N+1) - log2(rank) among the controls; canaries with a declared null only [bits]'),
  score_name STRING OPTIONS (description = 'the one score declared for the test'),
  score FLOAT64 OPTIONS (description = 'its value'),
  p_value FLOAT64 OPTIONS (description = '(1 + controls scoring at least as member-like) / (N + 1); null for generations and without controls [probability]'),
  q_value FLOAT64 OPTIONS (description = 'Benjamini-Hochberg over the family [probability]'),
  family STRING OPTIONS (description = 'the family that the q-value was computed in'),
  control_group STRING OPTIONS (description = 'the controls the probe was ranked against'),
  controls INT64 OPTIONS (description = 'number of these controls, N'),
  label BOOL OPTIONS (description = 'known membership')
)
CLUSTER BY run_id, probe_id
OPTIONS (description = 'A row is a probe and the target model; sorted by probe_id, model. Palimpsest, version 1.0 of the tables.');

CREATE TABLE lineage (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  source_kind STRING NOT NULL OPTIONS (description = 'work, corpus_document, corpus, tuning_corpus, synthetic_corpus, model, tuned_model or output'),
  source_id STRING NOT NULL OPTIONS (description = 'probe_id of a work or output, document_id of a document, name of a corpus or model'),
  target_kind STRING NOT NULL OPTIONS (description = 'like source_kind'),
  target_id STRING NOT NULL OPTIONS (description = 'like source_id'),
  relation STRING NOT NULL OPTIONS (description = 'contains: the target, or much of it, stands in the source; matches: an output repeats the document; generated_from: the model wrote the corpus; else what the source is to the target, as declared: copy, derivative or, by default, undetermined'),
  basis STRING NOT NULL OPTIONS (description = 'claimed for the use of the source, of a match for the use of the document: authorization, tdm_art3, tdm_art4, fair_use_claim, sui_generis_consent, public_domain, unknown (declared to be), or none (none recorded)'),
  basis_ref STRING OPTIONS (description = 'what the claim refers to: a contract, an address; of a document or work the licence that is declared'),
  jurisdiction STRING OPTIONS (description = 'under whose law the basis is claimed, like DE, US-CA or EU, as declared'),
  opt_out STRING OPTIONS (description = 'of edges from or to a document: its reservation against text and data mining; null elsewhere and when no signal is mapped'),
  grade STRING NOT NULL OPTIONS (description = 'declared: the configuration says so and nothing here shows it; measured: the run made or compared both; else what was found, a relation of matches or a model_grade'),
  evidence_table STRING OPTIONS (description = 'table with the rows that show it; null when it is declared alone'),
  evidence_key STRING OPTIONS (description = 'which rows: JSON, an object of key columns and their values')
)
CLUSTER BY run_id, source_kind, source_id, target_kind
OPTIONS (description = 'A row is an edge from works to outputs, with its evidence; sorted by source_kind, source_id, target_kind, target_id, relation, evidence_table, evidence_key. Palimpsest, version 1.0 of the tables.');

CREATE TABLE evaluation (
  run_id STRING NOT NULL OPTIONS (description = 'name of the run'),
  model STRING NOT NULL OPTIONS (description = 'the target model'),
  score STRING NOT NULL OPTIONS (description = 'the score'),
  slice STRING NOT NULL OPTIONS (description = 'which probes: all, a control group, and members by copies in the corpus'),
  members INT64 NOT NULL OPTIONS (description = 'labelled members with the score [probes]'),
  non_members INT64 NOT NULL OPTIONS (description = 'labelled non-members with the score [probes]'),
  auroc FLOAT64 OPTIONS (description = 'probability that a member scores more member-like than a non-member, ties half'),
  auroc_low FLOAT64 OPTIONS (description = 'lower end of its 95 % interval (Newcombe\'s method 5)'),
  auroc_high FLOAT64 OPTIONS (description = 'upper end'),
  tpr_at_1_fpr FLOAT64 OPTIONS (description = 'share of members above the threshold that 1 % of non-members pass; null with fewer than 100 non-members [fraction]'),
  tpr_at_5_fpr FLOAT64 OPTIONS (description = 'the same at 5 %; null with fewer than 20 [fraction]'),
  blind_auroc FLOAT64 OPTIONS (description = 'mean, over five folds of the slice\'s probes, of the AUROC of a logistic regression on word counts and length that never asks a model; works and near-duplicates are in one fold; null when some fold lacks members or non-members (five of each, apart in work and text, are the least), or above 128 MiB of labelled texts'),
  blind_difference_low FLOAT64 OPTIONS (description = 'lower end of the 95 % interval, by Student\'s t over the folds, of the score\'s AUROC less the baseline\'s on the same probes; null like blind_auroc, or when in some fold no member or no non-member has the score'),
  beats_blind BOOL OPTIONS (description = 'whether that is above 0; false is a flag: the score shows no more than the words of the texts themselves do')
)
CLUSTER BY run_id, model, score, slice
OPTIONS (description = 'A row is a target model, a score and a slice of the labelled probes; sorted by model, score, slice. Palimpsest, version 1.0 of the tables.');

