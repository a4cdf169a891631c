CREATE TABLE runs (
  run_id text NOT NULL,
  logical_date timestamp(6) with time zone,
  config_sha256 text NOT NULL,
  program_version text NOT NULL,
  corpus_documents bigint,
  corpus_words bigint,
  probes bigint NOT NULL,
  unit text,
  target_model text,
  reference_model text
);
CREATE INDEX ON runs (run_id);
COMMENT ON TABLE runs IS 'A row is the run; sorted by run_id. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN runs.run_id IS 'name of the run, and of its directory';
COMMENT ON COLUMN runs.logical_date IS 'the date the run stands for, as configured; never the clock';
COMMENT ON COLUMN runs.config_sha256 IS 'digest of the resolved configuration, output and resources left out';
COMMENT ON COLUMN runs.program_version IS 'version of the program';
COMMENT ON COLUMN runs.corpus_documents IS 'documents of the corpus that were read; null when no stage reads the corpus [documents]';
COMMENT ON COLUMN runs.corpus_words IS 'words of the corpus that were read; null when no stage reads the corpus [words]';
COMMENT ON COLUMN runs.probes IS 'probes, controls not counted [probes]';
COMMENT ON COLUMN runs.unit IS 'unit of overlap: words, bytes or tokens; null without ngram';
COMMENT ON COLUMN runs.target_model IS 'the model whose memorization is measured';
COMMENT ON COLUMN runs.reference_model IS 'the model it is compared with';

CREATE TABLE probes (
  run_id text NOT NULL,
  probe_id text NOT NULL,
  kind text NOT NULL,
  source_uri text NOT NULL,
  source_row bigint NOT NULL,
  bytes bigint NOT NULL,
  words bigint NOT NULL,
  sha256 text NOT NULL,
  words_sha256 text,
  utf8_valid boolean NOT NULL,
  searchable boolean,
  title text,
  author text,
  rights_holder text,
  license text,
  label boolean,
  text text
);
CREATE INDEX ON probes (run_id, probe_id);
COMMENT ON TABLE probes IS 'A row is a probe; sorted by probe_id. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN probes.run_id IS 'name of the run';
COMMENT ON COLUMN probes.probe_id IS 'the probe''s id, unique within the run';
COMMENT ON COLUMN probes.kind IS 'generation, work or canary';
COMMENT ON COLUMN probes.source_uri IS 'object the probe was read from';
COMMENT ON COLUMN probes.source_row IS 'row of that object, from 0';
COMMENT ON COLUMN probes.bytes IS 'length of the text [bytes]';
COMMENT ON COLUMN probes.words IS 'words of the text [words]';
COMMENT ON COLUMN probes.sha256 IS 'digest of the text''s bytes';
COMMENT ON COLUMN probes.words_sha256 IS 'digest of the words'' keys joined by one space; null without words';
COMMENT ON COLUMN probes.utf8_valid IS 'whether the text is valid UTF-8';
COMMENT ON COLUMN probes.searchable IS 'whether the text is long enough for one span; false: no overlap can be found, whatever the corpus holds; null without ngram';
COMMENT ON COLUMN probes.title IS 'title of the work';
COMMENT ON COLUMN probes.author IS 'author of the work';
COMMENT ON COLUMN probes.rights_holder IS 'who holds rights in the text, as the probes declare it';
COMMENT ON COLUMN probes.license IS 'licence of the text, as the probes declare it';
COMMENT ON COLUMN probes.label IS 'known membership in the training set, for evaluation';
COMMENT ON COLUMN probes.text IS 'the text; null when it is not UTF-8 or evidence.texts is off';

CREATE TABLE overlap (
  run_id text NOT NULL,
  probe_id text NOT NULL,
  n bigint NOT NULL,
  ngrams bigint NOT NULL,
  matched bigint NOT NULL,
  matched_fraction double precision,
  covered_words bigint NOT NULL,
  coverage double precision,
  coverage_outside_prompt double precision
);
CREATE INDEX ON overlap (run_id, probe_id, n);
COMMENT ON TABLE overlap IS 'A row is a probe and an n-gram length; sorted by probe_id, n. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN overlap.run_id IS 'name of the run';
COMMENT ON COLUMN overlap.probe_id IS 'the probe';
COMMENT ON COLUMN overlap.n IS 'length of the n-grams, in the unit of the run [words]';
COMMENT ON COLUMN overlap.ngrams IS 'n-gram positions of the probe';
COMMENT ON COLUMN overlap.matched IS 'of these, the ones inside some span';
COMMENT ON COLUMN overlap.matched_fraction IS 'matched / ngrams; null without n-grams [fraction]';
COMMENT ON COLUMN overlap.covered_words IS 'words inside some span of at least n [words]';
COMMENT ON COLUMN overlap.coverage IS 'covered_words / words of the probe; null without words [fraction]';
COMMENT ON COLUMN overlap.coverage_outside_prompt IS 'the same over the words that do not repeat the probe''s own prompt; null when a generation''s prompt is unknown or no such word is left [fraction]';

CREATE TABLE spans (
  run_id text NOT NULL,
  probe_id text NOT NULL,
  span_index bigint NOT NULL,
  word_start bigint NOT NULL,
  word_end bigint NOT NULL,
  words bigint NOT NULL,
  byte_start bigint NOT NULL,
  byte_end bigint NOT NULL,
  prompt_words bigint,
  documents bigint NOT NULL,
  occurrences bigint NOT NULL,
  rarity_bits double precision NOT NULL,
  max_word_matches bigint NOT NULL,
  text text
);
CREATE INDEX ON spans (run_id, probe_id, span_index);
COMMENT ON TABLE spans IS 'A row is a maximal span of a probe that the corpus holds; sorted by probe_id, span_index. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN spans.run_id IS 'name of the run';
COMMENT ON COLUMN spans.probe_id IS 'the probe';
COMMENT ON COLUMN spans.span_index IS 'position among the probe''s spans, from 0, in order of the text';
COMMENT ON COLUMN spans.word_start IS 'first word of the span in the probe [words]';
COMMENT ON COLUMN spans.word_end IS 'word after the last [words]';
COMMENT ON COLUMN spans.words IS 'length of the span [words]';
COMMENT ON COLUMN spans.byte_start IS 'first byte of the span in the probe''s text [bytes]';
COMMENT ON COLUMN spans.byte_end IS 'byte after the last [bytes]';
COMMENT ON COLUMN spans.prompt_words IS 'words of the span that repeat the probe''s own prompt; null when a generation''s prompt is unknown [words]';
COMMENT ON COLUMN spans.documents IS 'distinct corpus documents that contain the span; exact, whatever is listed [documents]';
COMMENT ON COLUMN spans.occurrences IS 'positions of the corpus at which the span stands, overlapping ones counted; exact';
COMMENT ON COLUMN spans.rarity_bits IS '-log2(documents / corpus documents) [bits]';
COMMENT ON COLUMN spans.max_word_matches IS 'largest number, over the span''s words, of matches in any documents that cover the word; high for boilerplate';
COMMENT ON COLUMN spans.text IS 'the span in the probe''s own spelling; null when it is not UTF-8 or evidence.texts is off';

CREATE TABLE span_sources (
  run_id text NOT NULL,
  probe_id text NOT NULL,
  span_index bigint NOT NULL,
  document_id text NOT NULL,
  document_uri text NOT NULL,
  document_row bigint NOT NULL,
  byte_start bigint NOT NULL,
  byte_end bigint NOT NULL,
  url text,
  license text,
  rights_holder text,
  opt_out text,
  reservation text,
  reservation_rule text
);
CREATE INDEX ON span_sources (run_id, probe_id, span_index, document_id, document_uri, document_row);
COMMENT ON TABLE span_sources IS 'A row is a span and a document that holds it; sorted by probe_id, span_index, document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN span_sources.run_id IS 'name of the run';
COMMENT ON COLUMN span_sources.probe_id IS 'the probe';
COMMENT ON COLUMN span_sources.span_index IS 'the span';
COMMENT ON COLUMN span_sources.document_id IS 'id of the document, or object#row without ids';
COMMENT ON COLUMN span_sources.document_uri IS 'object the document stands in';
COMMENT ON COLUMN span_sources.document_row IS 'row of that object, from 0';
COMMENT ON COLUMN span_sources.byte_start IS 'first byte of the span''s first occurrence in the document''s text [bytes]';
COMMENT ON COLUMN span_sources.byte_end IS 'byte after its last [bytes]';
COMMENT ON COLUMN span_sources.url IS 'address of the document, as the corpus declares it';
COMMENT ON COLUMN span_sources.license IS 'licence of the document, as the corpus declares it';
COMMENT ON COLUMN span_sources.rights_holder IS 'who holds rights in the document, as the corpus declares it';
COMMENT ON COLUMN span_sources.opt_out IS 'reservation against text and data mining, as the corpus declares it';
COMMENT ON COLUMN span_sources.reservation IS 'what all signals that the corpus recorded come to: reserved, not_reserved, conflicting, not_expressed (recorded, and saying neither) or unknown (none recorded); null when no signal is mapped';
COMMENT ON COLUMN span_sources.reservation_rule IS 'the signals that decided it, like tdm_meta over tdm_file';

CREATE TABLE matches (
  run_id text NOT NULL,
  probe_id text NOT NULL,
  document_id text NOT NULL,
  document_uri text NOT NULL,
  document_row bigint NOT NULL,
  relation text NOT NULL,
  jaccard double precision,
  covered_words bigint,
  probe_coverage double precision,
  document_coverage double precision,
  longest_words bigint,
  near_verbatim_recall double precision,
  url text,
  license text,
  rights_holder text,
  opt_out text,
  reservation text,
  reservation_rule text
);
CREATE INDEX ON matches (run_id, probe_id, document_id, document_uri, document_row);
COMMENT ON TABLE matches IS 'A row is a probe and a document that match; sorted by probe_id, document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN matches.run_id IS 'name of the run';
COMMENT ON COLUMN matches.probe_id IS 'the probe';
COMMENT ON COLUMN matches.document_id IS 'id of the document, or object#row without ids';
COMMENT ON COLUMN matches.document_uri IS 'object the document stands in';
COMMENT ON COLUMN matches.document_row IS 'row of that object, from 0';
COMMENT ON COLUMN matches.relation IS 'the first that holds of exact, exact_words, near_duplicate, probe_in_document, document_in_probe, overlaps';
COMMENT ON COLUMN matches.jaccard IS 'Jaccard similarity of the sets of 5-word shingles, of near-duplicates and so of texts with the same words; null for other documents, which are below the threshold, and when near-duplicates were not looked for [fraction]';
COMMENT ON COLUMN matches.covered_words IS 'probe words in the union of its matches with this document; null without ngram [words]';
COMMENT ON COLUMN matches.probe_coverage IS 'covered_words / words of the probe [fraction]';
COMMENT ON COLUMN matches.document_coverage IS 'document words in the union of the matches / words of the document [fraction]';
COMMENT ON COLUMN matches.longest_words IS 'longest match with this document; null without ngram [words]';
COMMENT ON COLUMN matches.near_verbatim_recall IS 'nv-recall: words in passages that the two have nearly word for word, 100 equal words or more each, as a share of the probe''s words, or of the document''s where the probe is a generation; words whatever the unit of the run; null unless ngram.near_verbatim asks for it, and without words [fraction]';
COMMENT ON COLUMN matches.url IS 'address of the document, as the corpus declares it';
COMMENT ON COLUMN matches.license IS 'licence of the document, as the corpus declares it';
COMMENT ON COLUMN matches.rights_holder IS 'who holds rights in the document, as the corpus declares it';
COMMENT ON COLUMN matches.opt_out IS 'reservation against text and data mining, as the corpus declares it';
COMMENT ON COLUMN matches.reservation IS 'what all signals that the corpus recorded come to: reserved, not_reserved, conflicting, not_expressed (recorded, and saying neither) or unknown (none recorded); null when no signal is mapped';
COMMENT ON COLUMN matches.reservation_rule IS 'the signals that decided it, like tdm_meta over tdm_file';

CREATE TABLE documents (
  run_id text NOT NULL,
  document_id text NOT NULL,
  document_uri text NOT NULL,
  document_row bigint NOT NULL,
  sha256 text NOT NULL,
  words_sha256 text,
  words bigint NOT NULL,
  probes bigint NOT NULL,
  longest_words bigint
);
CREATE INDEX ON documents (run_id, document_id, document_uri, document_row);
COMMENT ON TABLE documents IS 'A row is a corpus document with any hit; sorted by document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN documents.run_id IS 'name of the run';
COMMENT ON COLUMN documents.document_id IS 'id of the document, or object#row without ids';
COMMENT ON COLUMN documents.document_uri IS 'object the document stands in';
COMMENT ON COLUMN documents.document_row IS 'row of that object, from 0';
COMMENT ON COLUMN documents.sha256 IS 'digest of the document''s text';
COMMENT ON COLUMN documents.words_sha256 IS 'digest of the words'' keys joined by one space; null without words';
COMMENT ON COLUMN documents.words IS 'words of the document [words]';
COMMENT ON COLUMN documents.probes IS 'distinct probes found in the document, or that it is a duplicate of, exact or near [probes]';
COMMENT ON COLUMN documents.longest_words IS 'longest match with any probe; null without ngram [words]';

CREATE TABLE signatures (
  run_id text NOT NULL,
  document_id text NOT NULL,
  document_uri text NOT NULL,
  document_row bigint NOT NULL,
  profile text NOT NULL,
  shingles bigint NOT NULL,
  signature text NOT NULL,
  bands bigint NOT NULL,
  band_digits bigint NOT NULL
);
CREATE INDEX ON signatures (run_id, document_id, document_uri, document_row);
COMMENT ON TABLE signatures IS 'A row is a corpus document with words; sorted by document_id, document_uri, document_row. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN signatures.run_id IS 'name of the run';
COMMENT ON COLUMN signatures.document_id IS 'id of the document, or object#row without ids';
COMMENT ON COLUMN signatures.document_uri IS 'object the document stands in';
COMMENT ON COLUMN signatures.document_row IS 'row of that object, from 0';
COMMENT ON COLUMN signatures.profile IS 'library and permutations whose bits the signature has: hash.minhash; only signatures of one profile compare';
COMMENT ON COLUMN signatures.shingles IS 'distinct 5-word shingles of the document; one of fewer than 5 words has a single shingle, all of them';
COMMENT ON COLUMN signatures.signature IS 'the values in hexadecimal, each with the same number of digits (datasketch 8, datatrove 16), the most significant first';
COMMENT ON COLUMN signatures.bands IS 'bands of the signature, at its start; documents that agree in one are candidates for near-duplicates';
COMMENT ON COLUMN signatures.band_digits IS 'digits of a band: band k, from 0, is substr(signature, 1 + k * band_digits, band_digits)';

CREATE TABLE likelihood (
  run_id text NOT NULL,
  probe_id text NOT NULL,
  control boolean NOT NULL,
  control_group text,
  model text NOT NULL,
  role text NOT NULL,
  engine text NOT NULL,
  tokens bigint NOT NULL,
  scored_tokens bigint NOT NULL,
  bos boolean NOT NULL,
  bytes bigint,
  log_prob double precision,
  bits_per_byte double precision,
  perplexity double precision,
  min_k double precision,
  min_k_pp double precision,
  zlib_bytes bigint,
  zlib_implementation text,
  zstd_bytes bigint,
  zstd_implementation text,
  xz_bytes bigint,
  xz_implementation text,
  zlib_ratio double precision,
  lowercase_ratio double precision,
  reference_log_ratio double precision,
  memorized_bits double precision,
  prior_lift double precision
);
CREATE INDEX ON likelihood (run_id, control, probe_id, role, model);
COMMENT ON TABLE likelihood IS 'A row is a probe or control and a model; sorted by control, probe_id, role, model. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN likelihood.run_id IS 'name of the run';
COMMENT ON COLUMN likelihood.probe_id IS 'the probe or control';
COMMENT ON COLUMN likelihood.control IS 'whether the text is a control';
COMMENT ON COLUMN likelihood.control_group IS 'group of texts that the probe is ranked against';
COMMENT ON COLUMN likelihood.model IS 'name of the model';
COMMENT ON COLUMN likelihood.role IS 'target or reference';
COMMENT ON COLUMN likelihood.engine IS 'where the log-probabilities come from';
COMMENT ON COLUMN likelihood.tokens IS 'tokens of the text, BOS not counted [tokens]';
COMMENT ON COLUMN likelihood.scored_tokens IS 'tokens with a log-probability [tokens]';
COMMENT ON COLUMN likelihood.bos IS 'whether the first token was scored, given a beginning-of-sequence token';
COMMENT ON COLUMN likelihood.bytes IS 'UTF-8 bytes of the scored tokens; null when the first token is not scored and its length is unknown [bytes]';
COMMENT ON COLUMN likelihood.log_prob IS 'sum of the log-probabilities; higher is more member-like; null when an engine clamped one [nats]';
COMMENT ON COLUMN likelihood.bits_per_byte IS '-log2 P / bytes; lower is more member-like [bits per byte]';
COMMENT ON COLUMN likelihood.perplexity IS 'exp(-mean log-probability); lower is more member-like';
COMMENT ON COLUMN likelihood.min_k IS 'mean of the lowest 20 % of the log-probabilities; higher is more member-like [nats]';
COMMENT ON COLUMN likelihood.min_k_pp IS 'mean of the lowest 20 % of the standardised log-probabilities; higher is more member-like; null without moments [standard deviations]';
COMMENT ON COLUMN likelihood.zlib_bytes IS 'length of the text''s zlib stream [bytes]';
COMMENT ON COLUMN likelihood.zlib_implementation IS 'the deflate implementation and level that made it';
COMMENT ON COLUMN likelihood.zstd_bytes IS 'length of the text''s zstd frame [bytes]';
COMMENT ON COLUMN likelihood.zstd_implementation IS 'the implementation and level that made it';
COMMENT ON COLUMN likelihood.xz_bytes IS 'length of the text''s xz stream; about 50 of them are its format''s [bytes]';
COMMENT ON COLUMN likelihood.xz_implementation IS 'the implementation that made it';
COMMENT ON COLUMN likelihood.zlib_ratio IS '-log2 P / (8 * zlib_bytes); lower is more member-like';
COMMENT ON COLUMN likelihood.lowercase_ratio IS 'log_prob of the lower-cased text / log_prob; null without a second pass';
COMMENT ON COLUMN likelihood.reference_log_ratio IS '(log_prob - the reference''s) / bytes over the same bytes; higher is more member-like [nats per byte]';
COMMENT ON COLUMN likelihood.memorized_bits IS 'log2 max(P, P of the reference) - log2 P of the reference; above 0 on unseen text too, so read it beside the controls'' [bits]';
COMMENT ON COLUMN likelihood.prior_lift IS 'log-probability of the suffix after its own prefix less that after other prefixes; null without a second pass [nats]';

CREATE TABLE compression (
  run_id text NOT NULL,
  model text NOT NULL,
  role text NOT NULL,
  control boolean NOT NULL,
  slice text NOT NULL,
  texts bigint NOT NULL,
  bytes bigint NOT NULL,
  model_bits double precision NOT NULL,
  zlib_bytes bigint NOT NULL,
  zstd_bytes bigint NOT NULL,
  xz_bytes bigint NOT NULL,
  bits_per_byte double precision NOT NULL,
  zlib_bits_per_byte double precision NOT NULL,
  zstd_bits_per_byte double precision NOT NULL,
  xz_bits_per_byte double precision NOT NULL,
  raw_rate double precision NOT NULL,
  model_bytes bigint,
  adjusted_rate double precision,
  distinct_texts bigint,
  memorized_bits double precision,
  controlled_texts bigint,
  controls_mean double precision,
  memorized_bits_net double precision,
  capacity_bits double precision
);
CREATE INDEX ON compression (run_id, role, model, control, slice);
COMMENT ON TABLE compression IS 'A row is a model and a slice of the probes or of the controls; sorted by role, model, control, slice. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN compression.run_id IS 'name of the run';
COMMENT ON COLUMN compression.model IS 'name of the model';
COMMENT ON COLUMN compression.role IS 'target or reference';
COMMENT ON COLUMN compression.control IS 'whether the texts are controls';
COMMENT ON COLUMN compression.slice IS 'which of them: all, those of a kind (kind=work), a control group, and either by copies in the corpus';
COMMENT ON COLUMN compression.texts IS 'texts whose bits and bytes are both known [texts]';
COMMENT ON COLUMN compression.bytes IS 'UTF-8 bytes of their scored tokens [bytes]';
COMMENT ON COLUMN compression.model_bits IS '-log2 P of the texts under the model, which an arithmetic coder attains [bits]';
COMMENT ON COLUMN compression.zlib_bytes IS 'length of the texts'' zlib streams [bytes]';
COMMENT ON COLUMN compression.zstd_bytes IS 'length of their zstd frames [bytes]';
COMMENT ON COLUMN compression.xz_bytes IS 'length of their xz streams [bytes]';
COMMENT ON COLUMN compression.bits_per_byte IS 'model_bits / bytes [bits per byte]';
COMMENT ON COLUMN compression.zlib_bits_per_byte IS '8 * zlib_bytes / bytes [bits per byte]';
COMMENT ON COLUMN compression.zstd_bits_per_byte IS '8 * zstd_bytes / bytes [bits per byte]';
COMMENT ON COLUMN compression.xz_bits_per_byte IS '8 * xz_bytes / bytes [bits per byte]';
COMMENT ON COLUMN compression.raw_rate IS 'compressed size / size: model_bits / 8 / bytes';
COMMENT ON COLUMN compression.model_bytes IS 'size of the model''s file; null when unknown [bytes]';
COMMENT ON COLUMN compression.adjusted_rate IS '(model_bytes + model_bits / 8) / bytes: the rate with the model counted in';
COMMENT ON COLUMN compression.distinct_texts IS 'texts with memorized_bits, of those with the same words one; generations are left out; null under a reference [texts]';
COMMENT ON COLUMN compression.memorized_bits IS 'sum of their memorized_bits; above 0 on unseen text too [bits]';
COMMENT ON COLUMN compression.controlled_texts IS 'distinct texts whose control group has controls with memorized_bits [texts]';
COMMENT ON COLUMN compression.controls_mean IS 'mean memorized_bits of the controls of a text''s control group, averaged over the controlled texts [bits]';
COMMENT ON COLUMN compression.memorized_bits_net IS 'memorized_bits of the controlled texts - controlled_texts * controls_mean: what is memorised beyond what unseen text shows; null without controls [bits]';
COMMENT ON COLUMN compression.capacity_bits IS '3.6 * parameters, an estimate of what a model can memorise; null when their number is unknown [bits]';

CREATE TABLE tokens (
  run_id text NOT NULL,
  probe_id text NOT NULL,
  model text NOT NULL,
  token_index bigint NOT NULL,
  token_id bigint,
  byte_start bigint,
  byte_end bigint,
  log_prob double precision,
  rank bigint,
  reference_log_prob double precision
);
CREATE INDEX ON tokens (run_id, probe_id, model, token_index);
COMMENT ON TABLE tokens IS 'A row is a token of a probe; sorted by probe_id, model, token_index. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN tokens.run_id IS 'name of the run';
COMMENT ON COLUMN tokens.probe_id IS 'the probe';
COMMENT ON COLUMN tokens.model IS 'name of the target model';
COMMENT ON COLUMN tokens.token_index IS 'position in the text, from 0 [tokens]';
COMMENT ON COLUMN tokens.token_id IS 'the token''s id in the model''s vocabulary';
COMMENT ON COLUMN tokens.byte_start IS 'first byte of the token in the text [bytes]';
COMMENT ON COLUMN tokens.byte_end IS 'byte after its last [bytes]';
COMMENT ON COLUMN tokens.log_prob IS 'log-probability given the tokens before it [nats]';
COMMENT ON COLUMN tokens.rank IS 'rank among the vocabulary, 1 for the likeliest';
COMMENT ON COLUMN tokens.reference_log_prob IS 'the reference''s, where its tokens are the same [nats]';

CREATE TABLE windows (
  run_id text NOT NULL,
  probe_id text NOT NULL,
  model text NOT NULL,
  window_index bigint NOT NULL,
  prefix_tokens bigint NOT NULL,
  suffix_tokens bigint NOT NULL,
  byte_start bigint,
  suffix_byte_start bigint,
  byte_end bigint,
  log_p double precision,
  log_p_top_k double precision,
  top_k_excluded boolean,
  greedy boolean,
  draws_for_p50 bigint,
  draws_for_p90 bigint,
  prior_log_p double precision
);
CREATE INDEX ON windows (run_id, probe_id, model, window_index);
COMMENT ON TABLE windows IS 'A row is an extraction window of a probe; sorted by probe_id, model, window_index. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN windows.run_id IS 'name of the run';
COMMENT ON COLUMN windows.probe_id IS 'the probe';
COMMENT ON COLUMN windows.model IS 'name of the target model';
COMMENT ON COLUMN windows.window_index IS 'position among the probe''s windows, from 0';
COMMENT ON COLUMN windows.prefix_tokens IS 'tokens that the suffix''s probability is conditioned on, BOS not counted [tokens]';
COMMENT ON COLUMN windows.suffix_tokens IS 'tokens of the suffix [tokens]';
COMMENT ON COLUMN windows.byte_start IS 'first byte of the window in the text; null without token offsets [bytes]';
COMMENT ON COLUMN windows.suffix_byte_start IS 'first byte of the suffix [bytes]';
COMMENT ON COLUMN windows.byte_end IS 'byte after the window''s last [bytes]';
COMMENT ON COLUMN windows.log_p IS 'log-probability of the suffix after the prefix, full softmax; null where the columns hold it only after a longer prefix [nats]';
COMMENT ON COLUMN windows.log_p_top_k IS 'the same when sampling from the k likeliest tokens; null when unknown or when a token lies outside them [nats]';
COMMENT ON COLUMN windows.top_k_excluded IS 'whether a suffix token lies outside the k likeliest, so that top-k sampling never gives the suffix; null when unknown';
COMMENT ON COLUMN windows.greedy IS 'whether every suffix token is the model''s own first choice; null without ranks';
COMMENT ON COLUMN windows.draws_for_p50 IS 'samples needed to see the suffix once with probability .5; null above 2^53 [draws]';
COMMENT ON COLUMN windows.draws_for_p90 IS 'the same with probability .9 [draws]';
COMMENT ON COLUMN windows.prior_log_p IS 'log of the suffix''s mean probability after other prefixes; null when it was not asked [nats]';

CREATE TABLE extraction (
  run_id text NOT NULL,
  probe_id text NOT NULL,
  model text NOT NULL,
  tau_permille bigint NOT NULL,
  windows bigint NOT NULL,
  tested bigint NOT NULL,
  greedy bigint NOT NULL,
  extracted bigint NOT NULL,
  extracted_top_k bigint NOT NULL,
  coverage double precision,
  coverage_top_k double precision
);
CREATE INDEX ON extraction (run_id, probe_id, model, tau_permille);
COMMENT ON TABLE extraction IS 'A row is a probe, a model and a least probability; sorted by probe_id, model, tau_permille. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN extraction.run_id IS 'name of the run';
COMMENT ON COLUMN extraction.probe_id IS 'the probe';
COMMENT ON COLUMN extraction.model IS 'name of the target model';
COMMENT ON COLUMN extraction.tau_permille IS 'least probability of a suffix that counts, times 1000: 1, 10, 100 and 500 [thousandths]';
COMMENT ON COLUMN extraction.windows IS 'windows that the probe was cut into';
COMMENT ON COLUMN extraction.tested IS 'of these, the ones whose suffix has a probability or is known to be greedy or not';
COMMENT ON COLUMN extraction.greedy IS 'of these, the ones whose suffix is the model''s first choice token by token, whatever tau';
COMMENT ON COLUMN extraction.extracted IS 'windows whose suffix has at least that probability, full softmax';
COMMENT ON COLUMN extraction.extracted_top_k IS 'the same when sampling from the k likeliest tokens';
COMMENT ON COLUMN extraction.coverage IS 'share of the probe''s characters inside the suffixes of these windows, full softmax; null without token offsets [fraction]';
COMMENT ON COLUMN extraction.coverage_top_k IS 'the same when sampling from the k likeliest tokens [fraction]';

CREATE TABLE generations (
  run_id text NOT NULL,
  probe_id text NOT NULL,
  model text NOT NULL,
  work_id text NOT NULL,
  prompt_tokens bigint NOT NULL,
  prompt_byte_start bigint NOT NULL,
  prompt_byte_end bigint NOT NULL,
  sampling text NOT NULL,
  top_k bigint NOT NULL,
  draw bigint NOT NULL,
  draws bigint NOT NULL,
  seed bigint,
  tokens bigint,
  asked bigint NOT NULL,
  log_prob double precision,
  same_tokens bigint,
  extracted boolean
);
CREATE INDEX ON generations (run_id, probe_id);
COMMENT ON TABLE generations IS 'A row is a continuation that a target model was asked for; sorted by probe_id. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN generations.run_id IS 'name of the run';
COMMENT ON COLUMN generations.probe_id IS 'the continuation, as a probe';
COMMENT ON COLUMN generations.model IS 'the model that wrote it';
COMMENT ON COLUMN generations.work_id IS 'the probe whose beginning is the prompt';
COMMENT ON COLUMN generations.prompt_tokens IS 'tokens of the prompt, BOS not counted [tokens]';
COMMENT ON COLUMN generations.prompt_byte_start IS 'first byte of the prompt in the work [bytes]';
COMMENT ON COLUMN generations.prompt_byte_end IS 'byte after its last, where the continuation begins [bytes]';
COMMENT ON COLUMN generations.sampling IS 'greedy, or top_k: from the likeliest tokens in proportion to their probabilities';
COMMENT ON COLUMN generations.top_k IS 'how many of the likeliest tokens; 1 for greedy [tokens]';
COMMENT ON COLUMN generations.draw IS 'number of the draw, from 0';
COMMENT ON COLUMN generations.draws IS 'draws of this prompt: the denominator; 1 for greedy';
COMMENT ON COLUMN generations.seed IS 'seed of the draw, as a signed number; null for greedy';
COMMENT ON COLUMN generations.tokens IS 'tokens that the model wrote; null, as same_tokens and extracted are, when the server gives text alone [tokens]';
COMMENT ON COLUMN generations.asked IS 'tokens that it was asked for; fewer come when it ends the text [tokens]';
COMMENT ON COLUMN generations.log_prob IS 'of what it wrote, full softmax; null when the engine does not say [nats]';
COMMENT ON COLUMN generations.same_tokens IS 'how many tokens it begins with that are the work''s own continuation [tokens]';
COMMENT ON COLUMN generations.extracted IS 'whether all tokens asked for are the work''s own';

CREATE TABLE canaries (
  run_id text NOT NULL,
  probe_id text NOT NULL,
  model text NOT NULL,
  canary_null text,
  tokens bigint NOT NULL,
  log_prob double precision,
  reference_log_prob double precision,
  exact_documents bigint,
  span_documents bigint,
  permutations bigint,
  permutation_rank bigint,
  control_group text,
  controls bigint NOT NULL,
  control_rank bigint,
  p_value double precision,
  exposure double precision
);
CREATE INDEX ON canaries (run_id, probe_id, model);
COMMENT ON TABLE canaries IS 'A row is a canary and a target model; sorted by probe_id, model. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN canaries.run_id IS 'name of the run';
COMMENT ON COLUMN canaries.probe_id IS 'the canary';
COMMENT ON COLUMN canaries.model IS 'name of the target model';
COMMENT ON COLUMN canaries.canary_null IS 'how it was made: slot, shuffle or sibling; null for a found sentence, which has no null';
COMMENT ON COLUMN canaries.tokens IS 'tokens of the text, BOS not counted [tokens]';
COMMENT ON COLUMN canaries.log_prob IS 'log-probability of the whole text [nats]';
COMMENT ON COLUMN canaries.reference_log_prob IS 'the same under the reference model [nats]';
COMMENT ON COLUMN canaries.exact_documents IS 'corpus documents with the same bytes; null without hash [documents]';
COMMENT ON COLUMN canaries.span_documents IS 'corpus documents with at least one qualifying match; null without ngram [documents]';
COMMENT ON COLUMN canaries.permutations IS 'orders of its words that were scored; null when none were asked for';
COMMENT ON COLUMN canaries.permutation_rank IS 'its rank among itself and these, 1 for the likeliest; a description: a sentence is likelier than its words in disorder under any model';
COMMENT ON COLUMN canaries.control_group IS 'the controls it is ranked among';
COMMENT ON COLUMN canaries.controls IS 'number of these controls with a log-probability, N';
COMMENT ON COLUMN canaries.control_rank IS 'its rank among itself and these, 1 for the likeliest; null without controls';
COMMENT ON COLUMN canaries.p_value IS 'control_rank / (N + 1); null unless canary_null declares that the controls are its null [probability]';
COMMENT ON COLUMN canaries.exposure IS 'log2(N + 1) - log2(control_rank); null like p_value [bits]';

CREATE TABLE tuning (
  run_id text NOT NULL,
  probe_id text NOT NULL,
  model text NOT NULL,
  base_model text NOT NULL,
  bytes bigint,
  log_prob_delta double precision,
  bits_per_byte_delta double precision,
  base_max_p double precision,
  max_p double precision,
  base_model_grade text NOT NULL,
  model_grade text NOT NULL
);
CREATE INDEX ON tuning (run_id, probe_id, model);
COMMENT ON TABLE tuning IS 'A row is a probe and a tuned model; sorted by probe_id, model. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN tuning.run_id IS 'name of the run';
COMMENT ON COLUMN tuning.probe_id IS 'the probe';
COMMENT ON COLUMN tuning.model IS 'the tuned model';
COMMENT ON COLUMN tuning.base_model IS 'the model it was tuned from';
COMMENT ON COLUMN tuning.bytes IS 'bytes of the text that both models scored [bytes]';
COMMENT ON COLUMN tuning.log_prob_delta IS 'log-probability under the tuned model less that under the base model, same bytes [nats]';
COMMENT ON COLUMN tuning.bits_per_byte_delta IS 'bits per byte saved by tuning, same bytes [bits per byte]';
COMMENT ON COLUMN tuning.base_max_p IS 'greatest p_z of the probe''s windows under the base model [probability]';
COMMENT ON COLUMN tuning.max_p IS 'the same under the tuned model [probability]';
COMMENT ON COLUMN tuning.base_model_grade IS 'what the base model gives back, as in evidence';
COMMENT ON COLUMN tuning.model_grade IS 'what the tuned model gives back';

CREATE TABLE evidence (
  run_id text NOT NULL,
  probe_id text NOT NULL,
  kind text NOT NULL,
  model text,
  corpus_grade text NOT NULL,
  corpus_reason text NOT NULL,
  model_grade text NOT NULL,
  model_reason text NOT NULL,
  distinctiveness text,
  longest_span_words bigint,
  longest_outside_prompt bigint,
  coverage double precision,
  creativity_index double precision,
  spans bigint,
  documents bigint,
  exact_documents bigint,
  exact_words_documents bigint,
  near_documents bigint,
  max_p double precision,
  extractable_coverage double precision,
  memorized_bits double precision,
  exposure double precision,
  score_name text,
  score double precision,
  p_value double precision,
  q_value double precision,
  family text,
  control_group text,
  controls bigint,
  label boolean
);
CREATE INDEX ON evidence (run_id, probe_id);
COMMENT ON TABLE evidence IS 'A row is a probe and the target model; sorted by probe_id, model. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN evidence.run_id IS 'name of the run';
COMMENT ON COLUMN evidence.probe_id IS 'the probe';
COMMENT ON COLUMN evidence.kind IS 'generation, work or canary';
COMMENT ON COLUMN evidence.model IS 'the target model; null when none was named';
COMMENT ON COLUMN evidence.corpus_grade IS 'what the corpus holds: exact, near_duplicate, contained, overlap, none or not_assessed';
COMMENT ON COLUMN evidence.corpus_reason IS 'why, in a sentence';
COMMENT ON COLUMN evidence.model_grade IS 'what the model gives back: verbatim, extractable, near_verbatim, elevated, none or not_assessed';
COMMENT ON COLUMN evidence.model_reason IS 'why, in a sentence';
COMMENT ON COLUMN evidence.distinctiveness IS 'of the best span: common, quotation, public_domain or distinctive; null without spans';
COMMENT ON COLUMN evidence.longest_span_words IS 'longest span; null without ngram [words]';
COMMENT ON COLUMN evidence.longest_outside_prompt IS 'longest run inside a span that does not repeat the prompt; null when a generation''s prompt is unknown [words]';
COMMENT ON COLUMN evidence.coverage IS 'share of the probe''s words inside some span [fraction]';
COMMENT ON COLUMN evidence.creativity_index IS 'sum of 1 - coverage(L) for L = 5..12; null unless the unit is words, min_words <= 5 and min_bytes = 0';
COMMENT ON COLUMN evidence.spans IS 'spans of the probe';
COMMENT ON COLUMN evidence.documents IS 'corpus documents with at least one qualifying match [documents]';
COMMENT ON COLUMN evidence.exact_documents IS 'corpus documents with the same bytes; null without hash [documents]';
COMMENT ON COLUMN evidence.exact_words_documents IS 'corpus documents with the same words, those with the same bytes included [documents]';
COMMENT ON COLUMN evidence.near_documents IS 'near-duplicate corpus documents, those with the same words included; null when they were not looked for [documents]';
COMMENT ON COLUMN evidence.max_p IS 'greatest p_z of the probe''s windows [probability]';
COMMENT ON COLUMN evidence.extractable_coverage IS 'share of the characters inside the suffix of a window with p_z >= .001 [fraction]';
COMMENT ON COLUMN evidence.memorized_bits IS 'unintended memorisation; read it beside the controls'' [bits]';
COMMENT ON COLUMN evidence.exposure IS 'log2(N+1) - log2(rank) among the controls; canaries with a declared null only [bits]';
COMMENT ON COLUMN evidence.score_name IS 'the one score declared for the test';
COMMENT ON COLUMN evidence.score IS 'its value';
COMMENT ON COLUMN evidence.p_value IS '(1 + controls scoring at least as member-like) / (N + 1); null for generations and without controls [probability]';
COMMENT ON COLUMN evidence.q_value IS 'Benjamini-Hochberg over the family [probability]';
COMMENT ON COLUMN evidence.family IS 'the family that the q-value was computed in';
COMMENT ON COLUMN evidence.control_group IS 'the controls the probe was ranked against';
COMMENT ON COLUMN evidence.controls IS 'number of these controls, N';
COMMENT ON COLUMN evidence.label IS 'known membership';

CREATE TABLE lineage (
  run_id text NOT NULL,
  source_kind text NOT NULL,
  source_id text NOT NULL,
  target_kind text NOT NULL,
  target_id text NOT NULL,
  relation text NOT NULL,
  basis text NOT NULL,
  basis_ref text,
  jurisdiction text,
  opt_out text,
  grade text NOT NULL,
  evidence_table text,
  evidence_key text
);
CREATE INDEX ON lineage (run_id, source_kind, source_id, target_kind, target_id, relation);
COMMENT ON TABLE lineage IS 'A row is an edge from works to outputs, with its evidence; sorted by source_kind, source_id, target_kind, target_id, relation, evidence_table, evidence_key. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN lineage.run_id IS 'name of the run';
COMMENT ON COLUMN lineage.source_kind IS 'work, corpus_document, corpus, tuning_corpus, synthetic_corpus, model, tuned_model or output';
COMMENT ON COLUMN lineage.source_id IS 'probe_id of a work or output, document_id of a document, name of a corpus or model';
COMMENT ON COLUMN lineage.target_kind IS 'like source_kind';
COMMENT ON COLUMN lineage.target_id IS 'like source_id';
COMMENT ON COLUMN lineage.relation IS 'contains: the target, or much of it, stands in the source; matches: an output repeats the document; generated_from: the model wrote the corpus; else what the source is to the target, as declared: copy, derivative or, by default, undetermined';
COMMENT ON COLUMN lineage.basis IS 'claimed for the use of the source, of a match for the use of the document: authorization, tdm_art3, tdm_art4, fair_use_claim, sui_generis_consent, public_domain, unknown (declared to be), or none (none recorded)';
COMMENT ON COLUMN lineage.basis_ref IS 'what the claim refers to: a contract, an address; of a document or work the licence that is declared';
COMMENT ON COLUMN lineage.jurisdiction IS 'under whose law the basis is claimed, like DE, US-CA or EU, as declared';
COMMENT ON COLUMN lineage.opt_out IS 'of edges from or to a document: its reservation against text and data mining; null elsewhere and when no signal is mapped';
COMMENT ON COLUMN lineage.grade IS 'declared: the configuration says so and nothing here shows it; measured: the run made or compared both; else what was found, a relation of matches or a model_grade';
COMMENT ON COLUMN lineage.evidence_table IS 'table with the rows that show it; null when it is declared alone';
COMMENT ON COLUMN lineage.evidence_key IS 'which rows: JSON, an object of key columns and their values';

CREATE TABLE evaluation (
  run_id text NOT NULL,
  model text NOT NULL,
  score text NOT NULL,
  slice text NOT NULL,
  members bigint NOT NULL,
  non_members bigint NOT NULL,
  auroc double precision,
  auroc_low double precision,
  auroc_high double precision,
  tpr_at_1_fpr double precision,
  tpr_at_5_fpr double precision,
  blind_auroc double precision,
  blind_difference_low double precision,
  beats_blind boolean
);
CREATE INDEX ON evaluation (run_id, model, score, slice);
COMMENT ON TABLE evaluation IS 'A row is a target model, a score and a slice of the labelled probes; sorted by model, score, slice. Palimpsest, version 1.0 of the tables.';
COMMENT ON COLUMN evaluation.run_id IS 'name of the run';
COMMENT ON COLUMN evaluation.model IS 'the target model';
COMMENT ON COLUMN evaluation.score IS 'the score';
COMMENT ON COLUMN evaluation.slice IS 'which probes: all, a control group, and members by copies in the corpus';
COMMENT ON COLUMN evaluation.members IS 'labelled members with the score [probes]';
COMMENT ON COLUMN evaluation.non_members IS 'labelled non-members with the score [probes]';
COMMENT ON COLUMN evaluation.auroc IS 'probability that a member scores more member-like than a non-member, ties half';
COMMENT ON COLUMN evaluation.auroc_low IS 'lower end of its 95 % interval (Newcombe''s method 5)';
COMMENT ON COLUMN evaluation.auroc_high IS 'upper end';
COMMENT ON COLUMN evaluation.tpr_at_1_fpr IS 'share of members above the threshold that 1 % of non-members pass; null with fewer than 100 non-members [fraction]';
COMMENT ON COLUMN evaluation.tpr_at_5_fpr IS 'the same at 5 %; null with fewer than 20 [fraction]';
COMMENT ON COLUMN evaluation.blind_auroc IS 'mean, over five folds of the slice''s probes, of the AUROC of a logistic regression on word counts and length that never asks a model; works and near-duplicates are in one fold; null when some fold lacks members or non-members (five of each, apart in work and text, are the least), or above 128 MiB of labelled texts';
COMMENT ON COLUMN evaluation.blind_difference_low IS 'lower end of the 95 % interval, by Student''s t over the folds, of the score''s AUROC less the baseline''s on the same probes; null like blind_auroc, or when in some fold no member or no non-member has the score';
COMMENT ON COLUMN evaluation.beats_blind IS 'whether that is above 0; false is a flag: the score shows no more than the words of the texts themselves do';

