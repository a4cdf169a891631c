package schemas

import "time"

// Run is a row of runs: the one run that a directory of tables comes from.
type Run struct {
	RunID           string     `parquet:"run_id" doc:"name of the run, and of its directory"`
	LogicalDate     *time.Time `parquet:"logical_date,timestamp(microsecond)" doc:"the date the run stands for, as configured; never the clock"`
	ConfigSHA256    string     `parquet:"config_sha256" doc:"digest of the resolved configuration, output and resources left out"`
	ProgramVersion  string     `parquet:"program_version" doc:"version of the program"`
	CorpusDocuments *int64     `parquet:"corpus_documents" unit:"documents" doc:"documents of the corpus that were read; null when no stage reads the corpus"`
	CorpusWords     *int64     `parquet:"corpus_words" unit:"words" doc:"words of the corpus that were read; null when no stage reads the corpus"`
	Probes          int64      `parquet:"probes" unit:"probes" doc:"probes, controls not counted"`
	Unit            *string    `parquet:"unit" doc:"unit of overlap: words, bytes or tokens; null without ngram"`
	TargetModel     *string    `parquet:"target_model" doc:"the model whose memorization is measured"`
	ReferenceModel  *string    `parquet:"reference_model" doc:"the model it is compared with"`
}

// Probe is a row of probes.
type Probe struct {
	RunID        string  `parquet:"run_id" doc:"name of the run"`
	ProbeID      string  `parquet:"probe_id" doc:"the probe's id, unique within the run"`
	Kind         string  `parquet:"kind" doc:"generation, work or canary"`
	SourceURI    string  `parquet:"source_uri" doc:"object the probe was read from"`
	SourceRow    int64   `parquet:"source_row" doc:"row of that object, from 0"`
	Bytes        int64   `parquet:"bytes" unit:"bytes" doc:"length of the text"`
	Words        int64   `parquet:"words" unit:"words" doc:"words of the text"`
	SHA256       string  `parquet:"sha256" doc:"digest of the text's bytes"`
	WordsSHA256  *string `parquet:"words_sha256" doc:"digest of the words' keys joined by one space; null without words"`
	UTF8Valid    bool    `parquet:"utf8_valid" doc:"whether the text is valid UTF-8"`
	Searchable   *bool   `parquet:"searchable" doc:"whether the text is long enough for one span; false: no overlap can be found, whatever the corpus holds; null without ngram"`
	Title        *string `parquet:"title" doc:"title of the work"`
	Author       *string `parquet:"author" doc:"author of the work"`
	RightsHolder *string `parquet:"rights_holder" doc:"who holds rights in the text, as the probes declare it"`
	License      *string `parquet:"license" doc:"licence of the text, as the probes declare it"`
	Label        *bool   `parquet:"label" doc:"known membership in the training set, for evaluation"`
	Text         *string `parquet:"text" doc:"the text; null when it is not UTF-8 or evidence.texts is off"`
}

// The tables of the run itself.
var (
	Runs   = define[Run]("runs", "the run", "run_id")
	Probes = define[Probe]("probes", "a probe", "probe_id")
)
