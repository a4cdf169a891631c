// Package pipeline says how work is scheduled: it turns a configuration into a plan, and a plan into a published run.
//
// A Config is one YAML file with its defaults filled in. A Plan is that configuration with its inputs opened and nothing read but
// their footers: the objects at their versions, the row groups to read, the memory it takes. What cannot fit, or names columns
// that are not there, is refused here, before any work. The run's name, unless it is given, is a digest of configuration and
// inputs.
//
// A Job is a plan whose texts are loaded and whose work is cut into units: row groups of the corpus that are folded, texts that a model is
// asked about. Units are dealt to tasks by their bytes. What a task has to know is published with the plan: plan.json, the texts, the
// indexes over them.
//
// A partial is what the folds (package fold) make of some documents. A worker folds a row group into a partial of its own, and merges it
// into its unit's only when the row group was read to its end. So a corrupt row group leaves nothing behind: it is listed among the
// failures and dropped whole, or ends the run, as on_bad_input says. The last row group of a unit writes the unit's result, one object
// under a name that follows from the plan: records of what is known of each probe, and rows of documents. Its bytes are a function of the
// plan, whatever the workers, so that a task may run twice, at once, or die anywhere; a result that is there is not made again.
// What a model answers need not be the same twice: of its results the first that is written counts.
//
// Commit reads the results of all units once, sorts their records by probe on disk, and goes over the probes in order of their ids: it
// merges what the units know of one, takes the findings out, and forgets it. Memory grows with the probes, not with the corpus or the
// number of units. The Manifest says what the run was made of (the configuration, every input with its version and the digests of the
// column chunks that were read), what it made (every file with its digest), and what was left out. It names no time and no host: equal
// runs have equal manifests.
//
// Publishing is a commit in three steps: the tables, then manifest.json, which is written once and never over another, then _SUCCESS,
// which holds the manifest's digest. A reader that sees a _SUCCESS that matches sees a whole run; anything else is an incomplete run, which
// the next attempt goes on with if it is of the same program, configuration and inputs, or else begins anew. A complete run is never done
// again, and never overwritten by one of another configuration.
//
// Run does all that in one process, Shard a task of an array, and a Worker the units that an engine hands it one by one, such as Apache
// Beam, which may also combine what units know of each text, by key, before the commit. The tables are the same bytes.
package pipeline
