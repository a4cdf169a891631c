package schemas

// Lineage is a row of lineage: an edge of the graph that leads from works to what models put out (methods, section 8), with the evidence
// that it rests on and the basis that is claimed for it. It states declarations and findings. It draws no legal conclusion.
type Lineage struct {
	RunID         string  `parquet:"run_id" doc:"name of the run"`
	SourceKind    string  `parquet:"source_kind" doc:"work, corpus_document, corpus, tuning_corpus, synthetic_corpus, model, tuned_model or output"`
	SourceID      string  `parquet:"source_id" doc:"probe_id of a work or output, document_id of a document, name of a corpus or model"`
	TargetKind    string  `parquet:"target_kind" doc:"like source_kind"`
	TargetID      string  `parquet:"target_id" doc:"like source_id"`
	Relation      string  `parquet:"relation" doc:"contains: the target, or much of it, stands in the source; matches: an output repeats the document; generated_from: the model wrote the corpus; else what the source is to the target, as declared: copy, derivative or, by default, undetermined"`
	Basis         string  `parquet:"basis" doc:"claimed for the use of the source, of a match for the use of the document: authorization, tdm_art3, tdm_art4, fair_use_claim, sui_generis_consent, public_domain, unknown (declared to be), or none (none recorded)"`
	BasisRef      *string `parquet:"basis_ref" doc:"what the claim refers to: a contract, an address; of a document or work the licence that is declared"`
	Jurisdiction  *string `parquet:"jurisdiction" doc:"under whose law the basis is claimed, like DE, US-CA or EU, as declared"`
	OptOut        *string `parquet:"opt_out" doc:"of edges from or to a document: its reservation against text and data mining; null elsewhere and when no signal is mapped"`
	Grade         string  `parquet:"grade" doc:"declared: the configuration says so and nothing here shows it; measured: the run made or compared both; else what was found, a relation of matches or a model_grade"`
	EvidenceTable *string `parquet:"evidence_table" doc:"table with the rows that show it; null when it is declared alone"`
	EvidenceKey   *string `parquet:"evidence_key" doc:"which rows: JSON, an object of key columns and their values"`
}

// Lineages is the table of edges.
var Lineages = define[Lineage]("lineage", "an edge from works to outputs, with its evidence",
	"source_kind", "source_id", "target_kind", "target_id", "relation", "evidence_table", "evidence_key")
