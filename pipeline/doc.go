// Package pipeline says how work is scheduled: it turns a configuration into a plan, and a plan into a published run.
//
// A Config is one YAML file with its defaults filled in. A Plan is that configuration with its inputs opened and nothing read but
// their footers: the objects at their versions, the row groups to read, the memory it takes. What cannot fit, or names columns
// that are not there, is refused here, before any work. The run's name, unless it is given, is a digest of configuration and
// inputs.
//
// A shard is one row group of one object: the unit of work and of quarantine. Row groups are fetched ahead, within what
// resources.memory leaves beside the texts and their index, and handed to the workers in any order.
//
// A partial is what the folds (package fold) make of some documents. A worker folds a shard into a partial of its own and merges
// it into the total only when the shard was read to its end. So a corrupt row group leaves nothing behind: it is listed among the
// failures and dropped whole, or ends the run, as on_bad_input says. Merging is commutative and associative, so that neither the
// number of workers nor the order in which they finish can change a result.
//
// Run does a job's units itself, Shard those of a task of an array, and a Worker those that an engine hands it one by one, such as Apache
// Beam. Their results are the same objects with the same bytes. An engine may also combine what units know of each text, by key, before
// the commit.
//
// When the corpus is folded and the models' values are scored, the judgement goes once over the probes in order of their ids and
// writes the tables to a local directory. The Manifest says what the run was made of (the configuration, every input with its
// version and the digests of the column chunks that were read), what it made (every file with its digest), and what was left
// out. It names no time and no host: equal runs have equal manifests.
//
// Publishing is a commit in three steps: the tables, then manifest.json, then _SUCCESS, which holds the manifest's digest. A reader
// that sees a _SUCCESS that matches sees a whole run; anything else is an incomplete run, which the next attempt writes over. A
// complete run is never done again, and never overwritten by one of another configuration.
package pipeline
