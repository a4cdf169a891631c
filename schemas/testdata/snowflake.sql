CREATE TABLE runs (
  run_id VARCHAR NOT NULL COMMENT 'name of the run, and of its directory',
  logical_date TIMESTAMP_LTZ(6) COMMENT 'the date the run stands for, as configured; never the clock',
  config_sha256 VARCHAR NOT NULL COMMENT 'digest of the resolved configuration, output and resources left out',
  program_version VARCHAR NOT NULL COMMENT 'version of the program',
  corpus_documents NUMBER(19, 0) COMMENT 'documents of the corpus that were read; null when no stage reads the corpus [documents]',
  corpus_words NUMBER(19, 0) COMMENT 'words of the corpus that were read; null when no stage reads the corpus [words]',
  probes NUMBER(19, 0) NOT NULL COMMENT 'probes, controls not counted [probes]',
  unit VARCHAR COMMENT 'unit of overlap: words, bytes or tokens; null without ngram',
  target_model VARCHAR COMMENT 'the model whose memorization is measured',
  reference_model VARCHAR COMMENT 'the model it is compared with'
)
COMMENT = 'A row is the run; sorted by run_id. Palimpsest, version 1.0 of the tables.';

CREATE TABLE probes (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  probe_id VARCHAR NOT NULL COMMENT 'the probe\'s id, unique within the run',
  kind VARCHAR NOT NULL COMMENT 'generation, work or canary',
  source_uri VARCHAR NOT NULL COMMENT 'object the probe was read from',
  source_row NUMBER(19, 0) NOT NULL COMMENT 'row of that object, from 0',
  bytes NUMBER(19, 0) NOT NULL COMMENT 'length of the text [bytes]',
  words NUMBER(19, 0) NOT NULL COMMENT 'words of the text [words]',
  sha256 VARCHAR NOT NULL COMMENT 'digest of the text\'s bytes',
  words_sha256 VARCHAR COMMENT 'digest of the words\' keys joined by one space; null without words',
  utf8_valid BOOLEAN NOT NULL COMMENT 'whether the text is valid UTF-8',
  searchable BOOLEAN COMMENT 'whether the text is long enough for one span; false: no overlap can be found, whatever the corpus holds; null without ngram',
  title VARCHAR COMMENT 'title of the work',
  author VARCHAR COMMENT 'author of the work',
  rights_holder VARCHAR COMMENT 'who holds rights in the text, as the probes declare it',
  license VARCHAR COMMENT 'licence of the text, as the probes declare it',
  label BOOLEAN COMMENT 'known membership in the training set, for evaluation',
  text VARCHAR COMMENT 'the text; null when it is not UTF-8 or evidence.texts is off'
)
COMMENT = 'A row is a probe; sorted by probe_id. Palimpsest, version 1.0 of the tables.';

CREATE TABLE overlap (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  probe_id VARCHAR NOT NULL COMMENT 'the probe',
  n NUMBER(19, 0) NOT NULL COMMENT 'length of the n-grams, in the unit of the run [words]',
  ngrams NUMBER(19, 0) NOT NULL COMMENT 'n-gram positions of the probe',
  matched NUMBER(19, 0) NOT NULL COMMENT 'of these, the ones inside some span',
  matched_fraction FLOAT COMMENT 'matched / ngrams; null without n-grams [fraction]',
  covered_words NUMBER(19, 0) NOT NULL COMMENT 'words inside some span of at least n [words]',
  coverage FLOAT COMMENT 'covered_words / words of the probe; null without words [fraction]',
  coverage_outside_prompt FLOAT COMMENT 'the same over the words that do not repeat the probe\'s own prompt; null when a generation\'s prompt is unknown or no such word is left [fraction]'
)
COMMENT = 'A row is a probe and an n-gram length; sorted by probe_id, n. Palimpsest, version 1.0 of the tables.';

CREATE TABLE spans (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  probe_id VARCHAR NOT NULL COMMENT 'the probe',
  span_index NUMBER(19, 0) NOT NULL COMMENT 'position among the probe\'s spans, from 0, in order of the text',
  word_start NUMBER(19, 0) NOT NULL COMMENT 'first word of the span in the probe [words]',
  word_end NUMBER(19, 0) NOT NULL COMMENT 'word after the last [words]',
  words NUMBER(19, 0) NOT NULL COMMENT 'length of the span [words]',
  byte_start NUMBER(19, 0) NOT NULL COMMENT 'first byte of the span in the probe\'s text [bytes]',
  byte_end NUMBER(19, 0) NOT NULL COMMENT 'byte after the last [bytes]',
  prompt_words NUMBER(19, 0) COMMENT 'words of the span that repeat the probe\'s own prompt; null when a generation\'s prompt is unknown [words]',
  documents NUMBER(19, 0) NOT NULL COMMENT 'distinct corpus documents that contain the span; exact, whatever is listed [documents]',
  occurrences NUMBER(19, 0) NOT NULL COMMENT 'positions of the corpus at which the span stands, overlapping ones counted; exact',
  rarity_bits FLOAT NOT NULL COMMENT '-log2(documents / corpus documents) [bits]',
  max_word_matches NUMBER(19, 0) NOT NULL COMMENT 'largest number, over the span\'s words, of matches in any documents that cover the word; high for boilerplate',
  text VARCHAR COMMENT 'the span in the probe\'s own spelling; null when it is not UTF-8 or evidence.texts is off'
)
COMMENT = 'A row is a maximal span of a probe that the corpus holds; sorted by probe_id, span_index. Palimpsest, version 1.0 of the tables.';

CREATE TABLE span_sources (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  probe_id VARCHAR NOT NULL COMMENT 'the probe',
  span_index NUMBER(19, 0) NOT NULL COMMENT 'the span',
  document_id VARCHAR NOT NULL COMMENT 'id of the document, or object#row without ids',
  document_uri VARCHAR NOT NULL COMMENT 'object the document stands in',
  document_row NUMBER(19, 0) NOT NULL COMMENT 'row of that object, from 0',
  byte_start NUMBER(19, 0) NOT NULL COMMENT 'first byte of the span\'s first occurrence in the document\'s text [bytes]',
  byte_end NUMBER(19, 0) NOT NULL COMMENT 'byte after its last [bytes]',
  url VARCHAR COMMENT 'address of the document, as the corpus declares it',
  license VARCHAR COMMENT 'licence of the document, as the corpus declares it',
  rights_holder VARCHAR COMMENT 'who holds rights in the document, as the corpus declares it',
  opt_out VARCHAR COMMENT 'reservation against text and data mining, as the corpus declares it',
  reservation VARCHAR COMMENT 'what all signals that the corpus recorded come to: reserved, not_reserved, conflicting, not_expressed (recorded, and saying neither) or unknown (none recorded); null when no signal is mapped',
  reservation_rule VARCHAR COMMENT 'the signals that decided it, like tdm_meta over tdm_file'
)
COMMENT = 'A row is a span and a document that holds it; sorted by probe_id, span_index, document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.';

CREATE TABLE matches (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  probe_id VARCHAR NOT NULL COMMENT 'the probe',
  document_id VARCHAR NOT NULL COMMENT 'id of the document, or object#row without ids',
  document_uri VARCHAR NOT NULL COMMENT 'object the document stands in',
  document_row NUMBER(19, 0) NOT NULL COMMENT 'row of that object, from 0',
  relation VARCHAR NOT NULL COMMENT 'the first that holds of exact, exact_words, near_duplicate, probe_in_document, document_in_probe, overlaps',
  jaccard FLOAT COMMENT 'Jaccard similarity of the sets of 5-word shingles, of near-duplicates and so of texts with the same words; null for other documents, which are below the threshold, and when near-duplicates were not looked for [fraction]',
  covered_words NUMBER(19, 0) COMMENT 'probe words in the union of its matches with this document; null without ngram [words]',
  probe_coverage FLOAT COMMENT 'covered_words / words of the probe [fraction]',
  document_coverage FLOAT COMMENT 'document words in the union of the matches / words of the document [fraction]',
  longest_words NUMBER(19, 0) COMMENT 'longest match with this document; null without ngram [words]',
  near_verbatim_recall FLOAT COMMENT 'nv-recall: words in passages that the two have nearly word for word, 100 equal words or more each, as a share of the probe\'s words, or of the document\'s where the probe is a generation; words whatever the unit of the run; null unless ngram.near_verbatim asks for it, and without words [fraction]',
  url VARCHAR COMMENT 'address of the document, as the corpus declares it',
  license VARCHAR COMMENT 'licence of the document, as the corpus declares it',
  rights_holder VARCHAR COMMENT 'who holds rights in the document, as the corpus declares it',
  opt_out VARCHAR COMMENT 'reservation against text and data mining, as the corpus declares it',
  reservation VARCHAR COMMENT 'what all signals that the corpus recorded come to: reserved, not_reserved, conflicting, not_expressed (recorded, and saying neither) or unknown (none recorded); null when no signal is mapped',
  reservation_rule VARCHAR COMMENT 'the signals that decided it, like tdm_meta over tdm_file'
)
COMMENT = 'A row is a probe and a document that match; sorted by probe_id, document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.';

CREATE TABLE documents (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  document_id VARCHAR NOT NULL COMMENT 'id of the document, or object#row without ids',
  document_uri VARCHAR NOT NULL COMMENT 'object the document stands in',
  document_row NUMBER(19, 0) NOT NULL COMMENT 'row of that object, from 0',
  sha256 VARCHAR NOT NULL COMMENT 'digest of the document\'s text',
  words_sha256 VARCHAR COMMENT 'digest of the words\' keys joined by one space; null without words',
  words NUMBER(19, 0) NOT NULL COMMENT 'words of the document [words]',
  probes NUMBER(19, 0) NOT NULL COMMENT 'distinct probes found in the document, or that it is a duplicate of, exact or near [probes]',
  longest_words NUMBER(19, 0) COMMENT 'longest match with any probe; null without ngram [words]'
)
COMMENT = 'A row is a corpus document with any hit; sorted by document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.';

CREATE TABLE signatures (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  document_id VARCHAR NOT NULL COMMENT 'id of the document, or object#row without ids',
  document_uri VARCHAR NOT NULL COMMENT 'object the document stands in',
  document_row NUMBER(19, 0) NOT NULL COMMENT 'row of that object, from 0',
  profile VARCHAR NOT NULL COMMENT 'library and permutations whose bits the signature has: hash.minhash; only signatures of one profile compare',
  shingles NUMBER(19, 0) NOT NULL COMMENT 'distinct 5-word shingles of the document; one of fewer than 5 words has a single shingle, all of them',
  signature VARCHAR NOT NULL COMMENT 'the values in hexadecimal, each with the same number of digits (datasketch 8, datatrove 16), the most significant first',
  bands NUMBER(19, 0) NOT NULL COMMENT 'bands of the signature, at its start; documents that agree in one are candidates for near-duplicates',
  band_digits NUMBER(19, 0) NOT NULL COMMENT 'digits of a band: band k, from 0, is substr(signature, 1 + k * band_digits, band_digits)'
)
COMMENT = 'A row is a corpus document with words; sorted by document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.';

CREATE TABLE likelihood (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  probe_id VARCHAR NOT NULL COMMENT 'the probe or control',
  control BOOLEAN NOT NULL COMMENT 'whether the text is a control',
  control_group VARCHAR COMMENT 'group of texts that the probe is ranked against',
  model VARCHAR NOT NULL COMMENT 'name of the model',
  role VARCHAR NOT NULL COMMENT 'target or reference',
  engine VARCHAR NOT NULL COMMENT 'where the log-probabilities come from',
  tokens NUMBER(19, 0) NOT NULL COMMENT 'tokens of the text, BOS not counted [tokens]',
  scored_tokens NUMBER(19, 0) NOT NULL COMMENT 'tokens with a log-probability [tokens]',
  bos BOOLEAN NOT NULL COMMENT 'whether the first token was scored, given a beginning-of-sequence token',
  bytes NUMBER(19, 0) COMMENT 'UTF-8 bytes of the scored tokens; null when the first token is not scored and its length is unknown [bytes]',
  log_prob FLOAT COMMENT 'sum of the log-probabilities; higher is more member-like; null when an engine clamped one [nats]',
  bits_per_byte FLOAT COMMENT '-log2 P / bytes; lower is more member-like [bits per byte]',
  perplexity FLOAT COMMENT 'exp(-mean log-probability); lower is more member-like',
  min_k FLOAT COMMENT 'mean of the lowest 20 % of the log-probabilities; higher is more member-like [nats]',
  min_k_pp FLOAT COMMENT 'mean of the lowest 20 % of the standardised log-probabilities; higher is more member-like; null without moments [standard deviations]',
  zlib_bytes NUMBER(19, 0) COMMENT 'length of the text\'s zlib stream [bytes]',
  zlib_implementation VARCHAR COMMENT 'the deflate implementation and level that made it',
  zstd_bytes NUMBER(19, 0) COMMENT 'length of the text\'s zstd frame [bytes]',
  zstd_implementation VARCHAR COMMENT 'the implementation and level that made it',
  xz_bytes NUMBER(19, 0) COMMENT 'length of the text\'s xz stream; about 50 of them are its format\'s [bytes]',
  xz_implementation VARCHAR COMMENT 'the implementation that made it',
  zlib_ratio FLOAT COMMENT '-log2 P / (8 * zlib_bytes); lower is more member-like',
  lowercase_ratio FLOAT COMMENT 'log_prob of the lower-cased text / log_prob; null without a second pass',
  reference_log_ratio FLOAT COMMENT '(log_prob - the reference\'s) / bytes over the same bytes; higher is more member-like [nats per byte]',
  memorized_bits FLOAT COMMENT 'log2 max(P, P of the reference) - log2 P of the reference; above 0 on unseen text too, so read it beside the controls\' [bits]',
  prior_lift FLOAT COMMENT 'log-probability of the suffix after its own prefix less that after other prefixes; null without a second pass [nats]'
)
COMMENT = 'A row is a probe or control and a model; sorted by control, probe_id, role, model. Palimpsest, version 1.0 of the tables.';

CREATE TABLE compression (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  model VARCHAR NOT NULL COMMENT 'name of the model',
  role VARCHAR NOT NULL COMMENT 'target or reference',
  control BOOLEAN NOT NULL COMMENT 'whether the texts are controls',
  slice VARCHAR NOT NULL COMMENT 'which of them: all, those of a kind (kind=work), a control group, and either by copies in the corpus',
  texts NUMBER(19, 0) NOT NULL COMMENT 'texts whose bits and bytes are both known [texts]',
  bytes NUMBER(19, 0) NOT NULL COMMENT 'UTF-8 bytes of their scored tokens [bytes]',
  model_bits FLOAT NOT NULL COMMENT '-log2 P of the texts under the model, which an arithmetic coder attains [bits]',
  zlib_bytes NUMBER(19, 0) NOT NULL COMMENT 'length of the texts\' zlib streams [bytes]',
  zstd_bytes NUMBER(19, 0) NOT NULL COMMENT 'length of their zstd frames [bytes]',
  xz_bytes NUMBER(19, 0) NOT NULL COMMENT 'length of their xz streams [bytes]',
  bits_per_byte FLOAT NOT NULL COMMENT 'model_bits / bytes [bits per byte]',
  zlib_bits_per_byte FLOAT NOT NULL COMMENT '8 * zlib_bytes / bytes [bits per byte]',
  zstd_bits_per_byte FLOAT NOT NULL COMMENT '8 * zstd_bytes / bytes [bits per byte]',
  xz_bits_per_byte FLOAT NOT NULL COMMENT '8 * xz_bytes / bytes [bits per byte]',
  raw_rate FLOAT NOT NULL COMMENT 'compressed size / size: model_bits / 8 / bytes',
  model_bytes NUMBER(19, 0) COMMENT 'size of the model\'s file; null when unknown [bytes]',
  adjusted_rate FLOAT COMMENT '(model_bytes + model_bits / 8) / bytes: the rate with the model counted in',
  distinct_texts NUMBER(19, 0) COMMENT 'texts with memorized_bits, of those with the same words one; generations are left out; null under a reference [texts]',
  memorized_bits FLOAT COMMENT 'sum of their memorized_bits; above 0 on unseen text too [bits]',
  controlled_texts NUMBER(19, 0) COMMENT 'distinct texts whose control group has controls with memorized_bits [texts]',
  controls_mean FLOAT COMMENT 'mean memorized_bits of the controls of a text\'s control group, averaged over the controlled texts [bits]',
  memorized_bits_net FLOAT COMMENT 'memorized_bits of the controlled texts - controlled_texts * controls_mean: what is memorised beyond what unseen text shows; null without controls [bits]',
  capacity_bits FLOAT COMMENT '3.6 * parameters, an estimate of what a model can memorise; null when their number is unknown [bits]'
)
COMMENT = 'A row is a model and a slice of the probes or of the controls; sorted by role, model, control, slice. Palimpsest, version 1.0 of the tables.';

CREATE TABLE tokens (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  probe_id VARCHAR NOT NULL COMMENT 'the probe',
  model VARCHAR NOT NULL COMMENT 'name of the target model',
  token_index NUMBER(19, 0) NOT NULL COMMENT 'position in the text, from 0 [tokens]',
  token_id NUMBER(19, 0) COMMENT 'the token\'s id in the model\'s vocabulary',
  byte_start NUMBER(19, 0) COMMENT 'first byte of the token in the text [bytes]',
  byte_end NUMBER(19, 0) COMMENT 'byte after its last [bytes]',
  log_prob FLOAT COMMENT 'log-probability given the tokens before it [nats]',
  rank NUMBER(19, 0) COMMENT 'rank among the vocabulary, 1 for the likeliest',
  reference_log_prob FLOAT COMMENT 'the reference\'s, where its tokens are the same [nats]'
)
COMMENT = 'A row is a token of a probe; sorted by probe_id, model, token_index. Palimpsest, version 1.0 of the tables.';

CREATE TABLE windows (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  probe_id VARCHAR NOT NULL COMMENT 'the probe',
  model VARCHAR NOT NULL COMMENT 'name of the target model',
  window_index NUMBER(19, 0) NOT NULL COMMENT 'position among the probe\'s windows, from 0',
  prefix_tokens NUMBER(19, 0) NOT NULL COMMENT 'tokens that the suffix\'s probability is conditioned on, BOS not counted [tokens]',
  suffix_tokens NUMBER(19, 0) NOT NULL COMMENT 'tokens of the suffix [tokens]',
  byte_start NUMBER(19, 0) COMMENT 'first byte of the window in the text; null without token offsets [bytes]',
  suffix_byte_start NUMBER(19, 0) COMMENT 'first byte of the suffix [bytes]',
  byte_end NUMBER(19, 0) COMMENT 'byte after the window\'s last [bytes]',
  log_p FLOAT COMMENT 'log-probability of the suffix after the prefix, full softmax; null where the columns hold it only after a longer prefix [nats]',
  log_p_top_k FLOAT COMMENT 'the same when sampling from the k likeliest tokens; null when unknown or when a token lies outside them [nats]',
  top_k_excluded BOOLEAN COMMENT 'whether a suffix token lies outside the k likeliest, so that top-k sampling never gives the suffix; null when unknown',
  greedy BOOLEAN COMMENT 'whether every suffix token is the model\'s own first choice; null without ranks',
  draws_for_p50 NUMBER(19, 0) COMMENT 'samples needed to see the suffix once with probability .5; null above 2^53 [draws]',
  draws_for_p90 NUMBER(19, 0) COMMENT 'the same with probability .9 [draws]',
  prior_log_p FLOAT COMMENT 'log of the suffix\'s mean probability after other prefixes; null when it was not asked [nats]'
)
COMMENT = 'A row is an extraction window of a probe; sorted by probe_id, model, window_index. Palimpsest, version 1.0 of the tables.';

CREATE TABLE extraction (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  probe_id VARCHAR NOT NULL COMMENT 'the probe',
  model VARCHAR NOT NULL COMMENT 'name of the target model',
  tau_permille NUMBER(19, 0) NOT NULL COMMENT 'least probability of a suffix that counts, times 1000: 1, 10, 100 and 500 [thousandths]',
  windows NUMBER(19, 0) NOT NULL COMMENT 'windows that the probe was cut into',
  tested NUMBER(19, 0) NOT NULL COMMENT 'of these, the ones whose suffix has a probability or is known to be greedy or not',
  greedy NUMBER(19, 0) NOT NULL COMMENT 'of these, the ones whose suffix is the model\'s first choice token by token, whatever tau',
  extracted NUMBER(19, 0) NOT NULL COMMENT 'windows whose suffix has at least that probability, full softmax',
  extracted_top_k NUMBER(19, 0) NOT NULL COMMENT 'the same when sampling from the k likeliest tokens',
  coverage FLOAT COMMENT 'share of the probe\'s characters inside the suffixes of these windows, full softmax; null without token offsets [fraction]',
  coverage_top_k FLOAT COMMENT 'the same when sampling from the k likeliest tokens [fraction]'
)
COMMENT = 'A row is a probe, a model and a least probability; sorted by probe_id, model, tau_permille. Palimpsest, version 1.0 of the tables.';

CREATE TABLE generations (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  probe_id VARCHAR NOT NULL COMMENT 'the continuation, as a probe',
  model VARCHAR NOT NULL COMMENT 'the model that wrote it',
  work_id VARCHAR NOT NULL COMMENT 'the probe whose beginning is the prompt',
  prompt_tokens NUMBER(19, 0) NOT NULL COMMENT 'tokens of the prompt, BOS not counted [tokens]',
  prompt_byte_start NUMBER(19, 0) NOT NULL COMMENT 'first byte of the prompt in the work [bytes]',
  prompt_byte_end NUMBER(19, 0) NOT NULL COMMENT 'byte after its last, where the continuation begins [bytes]',
  sampling VARCHAR NOT NULL COMMENT 'greedy, or top_k: from the likeliest tokens in proportion to their probabilities',
  top_k NUMBER(19, 0) NOT NULL COMMENT 'how many of the likeliest tokens; 1 for greedy [tokens]',
  draw NUMBER(19, 0) NOT NULL COMMENT 'number of the draw, from 0',
  draws NUMBER(19, 0) NOT NULL COMMENT 'draws of this prompt: the denominator; 1 for greedy',
  seed NUMBER(19, 0) COMMENT 'seed of the draw, as a signed number; null for greedy',
  tokens NUMBER(19, 0) COMMENT 'tokens that the model wrote; null, as same_tokens and extracted are, when the server gives text alone [tokens]',
  asked NUMBER(19, 0) NOT NULL COMMENT 'tokens that it was asked for; fewer come when it ends the text [tokens]',
  log_prob FLOAT COMMENT 'of what it wrote, full softmax; null when the engine does not say [nats]',
  same_tokens NUMBER(19, 0) COMMENT 'how many tokens it begins with that are the work\'s own continuation [tokens]',
  extracted BOOLEAN COMMENT 'whether all tokens asked for are the work\'s own'
)
COMMENT = 'A row is a continuation that a target model was asked for; sorted by probe_id. Palimpsest, version 1.0 of the tables.';

CREATE TABLE canaries (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  probe_id VARCHAR NOT NULL COMMENT 'the canary',
  model VARCHAR NOT NULL COMMENT 'name of the target model',
  canary_null VARCHAR COMMENT 'how it was made: slot, shuffle or sibling; null for a found sentence, which has no null',
  tokens NUMBER(19, 0) NOT NULL COMMENT 'tokens of the text, BOS not counted [tokens]',
  log_prob FLOAT COMMENT 'log-probability of the whole text [nats]',
  reference_log_prob FLOAT COMMENT 'the same under the reference model [nats]',
  exact_documents NUMBER(19, 0) COMMENT 'corpus documents with the same bytes; null without hash [documents]',
  span_documents NUMBER(19, 0) COMMENT 'corpus documents with at least one qualifying match; null without ngram [documents]',
  permutations NUMBER(19, 0) COMMENT 'orders of its words that were scored; null when none were asked for',
  permutation_rank NUMBER(19, 0) COMMENT 'its rank among itself and these, 1 for the likeliest; a description: a sentence is likelier than its words in disorder under any model',
  control_group VARCHAR COMMENT 'the controls it is ranked among',
  controls NUMBER(19, 0) NOT NULL COMMENT 'number of these controls with a log-probability, N',
  control_rank NUMBER(19, 0) COMMENT 'its rank among itself and these, 1 for the likeliest; null without controls',
  p_value FLOAT COMMENT 'control_rank / (N + 1); null unless canary_null declares that the controls are its null [probability]',
  exposure FLOAT COMMENT 'log2(N + 1) - log2(control_rank); null like p_value [bits]'
)
COMMENT = 'A row is a canary and a target model; sorted by probe_id, model. Palimpsest, version 1.0 of the tables.';

CREATE TABLE tuning (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  probe_id VARCHAR NOT NULL COMMENT 'the probe',
  model VARCHAR NOT NULL COMMENT 'the tuned model',
  base_model VARCHAR NOT NULL COMMENT 'the model it was tuned from',
  bytes NUMBER(19, 0) COMMENT 'bytes of the text that both models scored [bytes]',
  log_prob_delta FLOAT COMMENT 'log-probability under the tuned model less that under the base model, same bytes [nats]',
  bits_per_byte_delta FLOAT COMMENT 'bits per byte saved by tuning, same bytes [bits per byte]',
  base_max_p FLOAT COMMENT 'greatest p_z of the probe\'s windows under the base model [probability]',
  max_p FLOAT COMMENT 'the same under the tuned model [probability]',
  base_model_grade VARCHAR NOT NULL COMMENT 'what the base model gives back, as in evidence',
  model_grade VARCHAR NOT NULL COMMENT 'what the tuned model gives back'
)
COMMENT = 'A row is a probe and a tuned model; sorted by probe_id, model. Palimpsest, version 1.0 of the tables.';

CREATE TABLE evidence (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  probe_id VARCHAR NOT NULL COMMENT 'the probe',
  kind VARCHAR NOT NULL COMMENT 'generation, work or canary',
  model VARCHAR COMMENT 'the target model; null when none was named',
  corpus_grade VARCHAR NOT NULL COMMENT 'what the corpus holds: exact, near_duplicate, contained, overlap, none or not_assessed',
  corpus_reason VARCHAR NOT NULL COMMENT 'why, in a sentence',
  model_grade VARCHAR NOT NULL COMMENT 'what the model gives back: verbatim, extractable, near_verbatim, elevated, none or not_assessed',
  model_reason VARCHAR NOT NULL COMMENT 'why, in a sentence',
  distinctiveness VARCHAR COMMENT 'of the best span: common, quotation, public_domain or distinctive; null without spans',
  longest_span_words NUMBER(19, 0) COMMENT 'longest span; null without ngram [words]',
  longest_outside_prompt NUMBER(19, 0) COMMENT 'longest run inside a span that does not repeat the prompt; null when a generation\'s prompt is unknown [words]',
  coverage FLOAT COMMENT 'share of the probe\'s words inside some span [fraction]',
  creativity_index FLOAT COMMENT 'sum of 1 - coverage(L) for L = 5..12; null unless the unit is words, min_words <= 5 and min_bytes = 0',
  spans NUMBER(19, 0) COMMENT 'spans of the probe',
  documents NUMBER(19, 0) COMMENT 'corpus documents with at least one qualifying match [documents]',
  exact_documents NUMBER(19, 0) COMMENT 'corpus documents with the same bytes; null without hash [documents]',
  exact_words_documents NUMBER(19, 0) COMMENT 'corpus documents with the same words, those with the same bytes included [documents]',
  near_documents NUMBER(19, 0) COMMENT 'near-duplicate corpus documents, those with the same words included; null when they were not looked for [documents]',
  max_p FLOAT COMMENT 'greatest p_z of the probe\'s windows [probability]',
  extractable_coverage FLOAT COMMENT 'share of the characters inside the suffix of a window with p_z >= .001 [fraction]',
  memorized_bits FLOAT COMMENT 'unintended memorisation; read it beside the controls\' [bits]',
  exposure FLOAT COMMENT 'log2(N+1) - log2(rank) among the controls; canaries with a declared null only [bits]',
  score_name VARCHAR COMMENT 'the one score declared for the test',
  score FLOAT COMMENT 'its value',
  p_value FLOAT COMMENT '(1 + controls scoring at least as member-like) / (N + 1); null for generations and without controls [probability]',
  q_value FLOAT COMMENT 'Benjamini-Hochberg over the family [probability]',
  family VARCHAR COMMENT 'the family that the q-value was computed in',
  control_group VARCHAR COMMENT 'the controls the probe was ranked against',
  controls NUMBER(19, 0) COMMENT 'number of these controls, N',
  label BOOLEAN COMMENT 'known membership'
)
COMMENT = 'A row is a probe and the target model; sorted by probe_id, model. Palimpsest, version 1.0 of the tables.';

CREATE TABLE lineage (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  source_kind VARCHAR NOT NULL COMMENT 'work, corpus_document, corpus, tuning_corpus, synthetic_corpus, model, tuned_model or output',
  source_id VARCHAR NOT NULL COMMENT 'probe_id of a work or output, document_id of a document, name of a corpus or model',
  target_kind VARCHAR NOT NULL COMMENT 'like source_kind',
  target_id VARCHAR NOT NULL COMMENT 'like source_id',
  relation VARCHAR NOT NULL COMMENT 'contains: the target, or much of it, stands in the source; matches: an output repeats the document; generated_from: the model wrote the corpus; else what the source is to the target, as declared: copy, derivative or, by default, undetermined',
  basis VARCHAR NOT NULL COMMENT 'claimed for the use of the source, of a match for the use of the document: authorization, tdm_art3, tdm_art4, fair_use_claim, sui_generis_consent, public_domain, unknown (declared to be), or none (none recorded)',
  basis_ref VARCHAR COMMENT 'what the claim refers to: a contract, an address; of a document or work the licence that is declared',
  jurisdiction VARCHAR COMMENT 'under whose law the basis is claimed, like DE, US-CA or EU, as declared',
  opt_out VARCHAR COMMENT 'of edges from or to a document: its reservation against text and data mining; null elsewhere and when no signal is mapped',
  grade VARCHAR NOT NULL COMMENT 'declared: the configuration says so and nothing here shows it; measured: the run made or compared both; else what was found, a relation of matches or a model_grade',
  evidence_table VARCHAR COMMENT 'table with the rows that show it; null when it is declared alone',
  evidence_key VARCHAR COMMENT 'which rows: JSON, an object of key columns and their values'
)
COMMENT = 'A row is an edge from works to outputs, with its evidence; sorted by source_kind, source_id, target_kind, target_id, relation, evidence_table, evidence_key. Palimpsest, version 1.0 of the tables.';

CREATE TABLE evaluation (
  run_id VARCHAR NOT NULL COMMENT 'name of the run',
  model VARCHAR NOT NULL COMMENT 'the target model',
  score VARCHAR NOT NULL COMMENT 'the score',
  slice VARCHAR NOT NULL COMMENT 'which probes: all, a control group, and members by copies in the corpus',
  members NUMBER(19, 0) NOT NULL COMMENT 'labelled members with the score [probes]',
  non_members NUMBER(19, 0) NOT NULL COMMENT 'labelled non-members with the score [probes]',
  auroc FLOAT COMMENT 'probability that a member scores more member-like than a non-member, ties half',
  auroc_low FLOAT COMMENT 'lower end of its 95 % interval (Newcombe\'s method 5)',
  auroc_high FLOAT COMMENT 'upper end',
  tpr_at_1_fpr FLOAT COMMENT 'share of members above the threshold that 1 % of non-members pass; null with fewer than 100 non-members [fraction]',
  tpr_at_5_fpr FLOAT COMMENT 'the same at 5 %; null with fewer than 20 [fraction]',
  blind_auroc FLOAT COMMENT 'mean, over five folds of the slice\'s probes, of the AUROC of a logistic regression on word counts and length that never asks a model; works and near-duplicates are in one fold; null when some fold lacks members or non-members (five of each, apart in work and text, are the least), or above 128 MiB of labelled texts',
  blind_difference_low FLOAT COMMENT 'lower end of the 95 % interval, by Student\'s t over the folds, of the score\'s AUROC less the baseline\'s on the same probes; null like blind_auroc, or when in some fold no member or no non-member has the score',
  beats_blind BOOLEAN COMMENT 'whether that is above 0; false is a flag: the score shows no more than the words of the texts themselves do'
)
COMMENT = 'A row is a target model, a score and a slice of the labelled probes; sorted by model, score, slice. Palimpsest, version 1.0 of the tables.';

