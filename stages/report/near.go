package report

import "palimpsest/stages/fold"

// nearDuplicates counts the probes that corpus documents nearly equal, where they were looked for.
type nearDuplicates struct {
	looked    int64 // probes
	near      int64 // with a near-duplicate
	only      int64 // with one, and no document of the same words
	documents int64 // near-duplicates that do not have the same words, over all probes
}

func (n *nearDuplicates) add(p *probe) {
	if p.NearDocuments == nil || p.Kind == fold.Generation {
		return
	}
	n.looked++
	same := int64(0)
	if p.ExactWordsDocuments != nil {
		same = *p.ExactWordsDocuments
	}
	if *p.NearDocuments > 0 {
		n.near++
		if same == 0 {
			n.only++
		}
	}
	n.documents += max(*p.NearDocuments-same, 0)
}

func (n *nearDuplicates) write(p *page) {
	if n.looked == 0 {
		return
	}
	p.wrapped("  ", "Near-duplicates: "+thousands(n.near)+" of "+thousands(n.looked)+" works and canaries "+pick(n.near, "has", "have")+
		" one, "+thousands(n.only)+" of them without a document of the same words; "+count(n.documents, "document")+" "+
		pick(n.documents, "is", "are")+" nearly and not wholly the same.")
}
