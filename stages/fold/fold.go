// Package fold holds the one idea of Palimpsest and the values that its stages share.
//
// Everything the corpus tells about the probes is a fold: start from nothing, add documents in any order, merge partial results
// in any order, get the same answer.
//
//	state := zero(probes)
//	state.Add(document)  // any order
//	state.Merge(other)   // commutative and associative
//
// ngram, hash and match are three such folds over the same stream of documents. From that one property follow sharding across
// goroutines, quarantine of a corrupt row group (its partial state is dropped whole), resuming after a kill, and array jobs:
// each is only another way to schedule Add and Merge. A fold takes no flags, reads no clock, draws no random numbers and starts
// no goroutines. Its state costs memory only for the probes that were touched, and is handed on as one record for each of these (Writer):
// a function of the documents, whatever was folded before them.
package fold

// Fold is the state of one fold. A state is used by one goroutine at a time.
type Fold[S any] interface {
	// Add takes one document in. The document and all its bytes are valid only during the call.
	Add(*Document)
	// Merge takes in another state over the same probes, which must not be used afterwards.
	Merge(S)
}
