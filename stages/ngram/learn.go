package ngram

import (
	"cmp"
	"slices"

	"palimpsest/stages/fold"

	"github.com/zeebo/xxh3"
)

// What is worth remembering shows in the matches of a document. A licence header ends where the matches with hundreds of probes end, and
// what comes next, the top of a page say, begins where those with others begin. Such a place is a joint: many matches end or begin there,
// and few go on across it, which will be own matches of every document with both passages. The stretches between joints are the passages.
// Cut elsewhere they come back less often, and the results are the same.

// event is where a match begins or ends.
type event struct {
	at     int64
	begins bool
}

// joint is a place where texts are put together: in words, the space between them.
type joint struct {
	at      int64
	ends    int // matches that end or begin there
	crossed int // matches that go on
	beyond  int // most matches at one place between this joint and the next
}

const (
	worth     = 2   // matches that make a joint, and a stretch of text worth remembering
	crossings = 8   // matches that end or begin at a joint, to each that goes on, at least
	mostVain  = 128 // documents that are let pass after a lesson in vain, at most
)

// learn remembers what the document at hand has in common with the probes, cut at its joints: stretches that were met before. Of documents
// with own matches many have some that never come back: so each time that nothing is learned, more of them are let pass before the next.
func (m *matcher) learn() {
	if len(m.matches) < worth || len(m.matches)*bytesPerInner > m.room/2 {
		return
	}
	if m.memory.skip > 0 {
		m.memory.skip--
		return
	}
	if m.study() {
		m.memory.vain = 0
	} else {
		m.memory.vain = min(2*m.memory.vain+1, mostVain)
	}
	m.memory.skip = m.memory.vain
}

// study reports whether a stretch of the document is remembered now.
func (m *matcher) study() (found bool) {
	m.joined = m.appendAll(m.joined[:0])
	joints := m.jointsOf(m.joined)
	for i, j := range joints {
		if i+1 == len(joints) || j.beyond < worth {
			continue
		}
		to := joints[i+1].at
		if m.config.Unit != fold.Bytes {
			to++
		}
		if to-j.at < int64(max(m.least, m.Gram+m.Every)) {
			continue
		}
		stretch := m.text[j.at:to]
		if m.memory.passages[string(stretch)] != nil {
			continue
		}
		h := xxh3.Hash(stretch)
		if s := &m.memory.seen[h%uint64(len(m.memory.seen))]; *s != h {
			*s = h
			continue
		}
		if p := m.solve(stretch); !m.stopped && len(p.matches) >= worth && p.size() <= m.room/2 {
			m.keep(p)
			found = true
		}
	}
	return found
}

// jointsOf returns the joints of a document with these matches.
func (m *matcher) jointsOf(matches []match) []joint {
	lead := int64(1) // a passage begins with a space
	if m.config.Unit == fold.Bytes {
		lead = 0
	}
	m.events = m.events[:0]
	for _, x := range matches {
		m.events = append(m.events, event{x.from - lead, true}, event{x.to, false})
	}
	slices.SortFunc(m.events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	m.joints = m.joints[:0]
	open := 0
	for rest := m.events; len(rest) > 0; {
		n, begin := 0, 0
		for ; n < len(rest) && rest[n].at == rest[0].at; n++ {
			if rest[n].begins {
				begin++
			}
		}
		j := joint{at: rest[0].at, crossed: open - (n - begin), ends: n}
		rest = rest[n:]
		open = j.crossed + begin
		k := len(m.joints) - 1
		if j.ends >= worth && j.crossed*crossings <= j.ends {
			switch {
			case k < 0 || j.at-m.joints[k].at >= int64(m.least):
				m.joints = append(m.joints, j)
				k++
			case j.crossed < m.joints[k].crossed || j.crossed == m.joints[k].crossed && j.ends > m.joints[k].ends:
				m.joints[k] = j // of joints close to each other the better one
			}
		}
		if k >= 0 {
			m.joints[k].beyond = max(m.joints[k].beyond, open)
		}
	}
	return m.joints
}
