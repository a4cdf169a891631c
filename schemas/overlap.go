package schemas

// Overlap is a row of overlap: how much of a probe the corpus holds, at one n-gram length.
type Overlap struct {
	RunID                 string   `parquet:"run_id" doc:"name of the run"`
	ProbeID               string   `parquet:"probe_id" doc:"the probe"`
	N                     int64    `parquet:"n" unit:"words" doc:"length of the n-grams, in the unit of the run"`
	Ngrams                int64    `parquet:"ngrams" doc:"n-gram positions of the probe"`
	Matched               int64    `parquet:"matched" doc:"of these, the ones inside some span"`
	MatchedFraction       *float64 `parquet:"matched_fraction" unit:"fraction" doc:"matched / ngrams; null without n-grams"`
	CoveredWords          int64    `parquet:"covered_words" unit:"words" doc:"words inside some span of at least n"`
	Coverage              *float64 `parquet:"coverage" unit:"fraction" doc:"covered_words / words of the probe; null without words"`
	CoverageOutsidePrompt *float64 `parquet:"coverage_outside_prompt" unit:"fraction" doc:"the same over the words that do not repeat the probe's own prompt; null when a generation's prompt is unknown or no such word is left"`
}

// Span is a row of spans: a longest run of the probe that the corpus holds word for word.
type Span struct {
	RunID          string  `parquet:"run_id" doc:"name of the run"`
	ProbeID        string  `parquet:"probe_id" doc:"the probe"`
	SpanIndex      int64   `parquet:"span_index" doc:"position among the probe's spans, from 0, in order of the text"`
	WordStart      int64   `parquet:"word_start" unit:"words" doc:"first word of the span in the probe"`
	WordEnd        int64   `parquet:"word_end" unit:"words" doc:"word after the last"`
	Words          int64   `parquet:"words" unit:"words" doc:"length of the span"`
	ByteStart      int64   `parquet:"byte_start" unit:"bytes" doc:"first byte of the span in the probe's text"`
	ByteEnd        int64   `parquet:"byte_end" unit:"bytes" doc:"byte after the last"`
	PromptWords    *int64  `parquet:"prompt_words" unit:"words" doc:"words of the span that repeat the probe's own prompt; null when a generation's prompt is unknown"`
	Documents      int64   `parquet:"documents" unit:"documents" doc:"distinct corpus documents that contain the span; exact, whatever is listed"`
	Occurrences    int64   `parquet:"occurrences" doc:"positions of the corpus at which the span stands, overlapping ones counted; exact"`
	RarityBits     float64 `parquet:"rarity_bits" unit:"bits" doc:"-log2(documents / corpus documents)"`
	MaxWordMatches int64   `parquet:"max_word_matches" doc:"largest number, over the span's words, of matches in any documents that cover the word; high for boilerplate"`
	Text           *string `parquet:"text" doc:"the span in the probe's own spelling; null when it is not UTF-8 or evidence.texts is off"`
}

// SpanSource is a row of span_sources: a document that holds a span, listed up to ngram.max_sources.
type SpanSource struct {
	RunID           string  `parquet:"run_id" doc:"name of the run"`
	ProbeID         string  `parquet:"probe_id" doc:"the probe"`
	SpanIndex       int64   `parquet:"span_index" doc:"the span"`
	DocumentID      string  `parquet:"document_id" doc:"id of the document, or object#row without ids"`
	DocumentURI     string  `parquet:"document_uri" doc:"object the document stands in"`
	DocumentRow     int64   `parquet:"document_row" doc:"row of that object, from 0"`
	ByteStart       int64   `parquet:"byte_start" unit:"bytes" doc:"first byte of the span's first occurrence in the document's text"`
	ByteEnd         int64   `parquet:"byte_end" unit:"bytes" doc:"byte after its last"`
	URL             *string `parquet:"url" doc:"address of the document, as the corpus declares it"`
	License         *string `parquet:"license" doc:"licence of the document, as the corpus declares it"`
	RightsHolder    *string `parquet:"rights_holder" doc:"who holds rights in the document, as the corpus declares it"`
	OptOut          *string `parquet:"opt_out" doc:"reservation against text and data mining, as the corpus declares it"`
	Reservation     *string `parquet:"reservation" doc:"what all signals that the corpus recorded come to: reserved, not_reserved, conflicting, not_expressed (recorded, and saying neither) or unknown (none recorded); null when no signal is mapped"`
	ReservationRule *string `parquet:"reservation_rule" doc:"the signals that decided it, like tdm_meta over tdm_file"`
}

// Match is a row of matches: a probe and one document that holds much of it.
type Match struct {
	RunID              string   `parquet:"run_id" doc:"name of the run"`
	ProbeID            string   `parquet:"probe_id" doc:"the probe"`
	DocumentID         string   `parquet:"document_id" doc:"id of the document, or object#row without ids"`
	DocumentURI        string   `parquet:"document_uri" doc:"object the document stands in"`
	DocumentRow        int64    `parquet:"document_row" doc:"row of that object, from 0"`
	Relation           string   `parquet:"relation" doc:"the first that holds of exact, exact_words, near_duplicate, probe_in_document, document_in_probe, overlaps"`
	Jaccard            *float64 `parquet:"jaccard" unit:"fraction" doc:"Jaccard similarity of the sets of 5-word shingles, of near-duplicates and so of texts with the same words; null for other documents, which are below the threshold, and when near-duplicates were not looked for"`
	CoveredWords       *int64   `parquet:"covered_words" unit:"words" doc:"probe words in the union of its matches with this document; null without ngram"`
	ProbeCoverage      *float64 `parquet:"probe_coverage" unit:"fraction" doc:"covered_words / words of the probe"`
	DocumentCoverage   *float64 `parquet:"document_coverage" unit:"fraction" doc:"document words in the union of the matches / words of the document"`
	LongestWords       *int64   `parquet:"longest_words" unit:"words" doc:"longest match with this document; null without ngram"`
	NearVerbatimRecall *float64 `parquet:"near_verbatim_recall" unit:"fraction" doc:"nv-recall: words in passages that the two have nearly word for word, 100 equal words or more each, as a share of the probe's words, or of the document's where the probe is a generation; words whatever the unit of the run; null unless ngram.near_verbatim asks for it, and without words"`
	URL                *string  `parquet:"url" doc:"address of the document, as the corpus declares it"`
	License            *string  `parquet:"license" doc:"licence of the document, as the corpus declares it"`
	RightsHolder       *string  `parquet:"rights_holder" doc:"who holds rights in the document, as the corpus declares it"`
	OptOut             *string  `parquet:"opt_out" doc:"reservation against text and data mining, as the corpus declares it"`
	Reservation        *string  `parquet:"reservation" doc:"what all signals that the corpus recorded come to: reserved, not_reserved, conflicting, not_expressed (recorded, and saying neither) or unknown (none recorded); null when no signal is mapped"`
	ReservationRule    *string  `parquet:"reservation_rule" doc:"the signals that decided it, like tdm_meta over tdm_file"`
}

// Document is a row of documents: a corpus document in which anything was found.
type Document struct {
	RunID        string  `parquet:"run_id" doc:"name of the run"`
	DocumentID   string  `parquet:"document_id" doc:"id of the document, or object#row without ids"`
	DocumentURI  string  `parquet:"document_uri" doc:"object the document stands in"`
	DocumentRow  int64   `parquet:"document_row" doc:"row of that object, from 0"`
	SHA256       string  `parquet:"sha256" doc:"digest of the document's text"`
	WordsSHA256  *string `parquet:"words_sha256" doc:"digest of the words' keys joined by one space; null without words"`
	Words        int64   `parquet:"words" unit:"words" doc:"words of the document"`
	Probes       int64   `parquet:"probes" unit:"probes" doc:"distinct probes found in the document, or that it is a duplicate of, exact or near"`
	LongestWords *int64  `parquet:"longest_words" unit:"words" doc:"longest match with any probe; null without ngram"`
}

// The tables of what the corpus holds.
var (
	Overlaps    = define[Overlap]("overlap", "a probe and an n-gram length", "probe_id", "n")
	Spans       = define[Span]("spans", "a maximal span of a probe that the corpus holds", "probe_id", "span_index")
	SpanSources = define[SpanSource]("span_sources", "a span and a document that holds it", "probe_id", "span_index", "document_id", "document_uri", "document_row")
	Matches     = define[Match]("matches", "a probe and a document that match", "probe_id", "document_id", "document_uri", "document_row")
	Documents   = define[Document]("documents", "a corpus document with any hit", "document_id", "document_uri", "document_row")
)
