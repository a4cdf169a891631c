package pipeline

import (
	"cmp"
	"fmt"
	"slices"

	"palimpsest/stages/fold"
)

// unit is the least piece of work with a result of its own, which is kept, and not done again after a kill: row groups of the corpus
// that are folded, or texts that a model is asked about.
type unit struct {
	Groups []groupAt `json:"groups,omitempty"` // in the order of the corpus
	Model  string    `json:"model,omitempty"`  // of the texts
	First  int       `json:"first,omitempty"`  // positions of the texts: from First, before End
	End    int       `json:"end,omitempty"`

	Bytes int64 `json:"bytes"` // stored, of the groups; or of the texts
}

// groupAt is a row group of one of the corpus' objects.
type groupAt struct {
	Object int `json:"object"`
	Group  int `json:"group"`
}

const (
	// unitBytes is about how much of the corpus a unit reads, in stored bytes, where row groups are smaller: what is lost of it by a kill
	// takes a second or two, and ten thousand small objects have a hundred results instead of ten thousand.
	unitBytes = 64 << 20
	// unitText is about how much text a model is asked about in a unit, in bytes: some seconds of a small model on one core.
	unitText = 256 << 10
	// taskUnits is how many units a task has at least, where there is enough to do.
	taskUnits = 4
)

// cutUnits cuts the work of so many tasks into units: what the folds read, then what the models are asked that need not wait for the
// folds.
func (j *Job) cutUnits(tasks int) {
	if j.Config.folds() {
		j.cutCorpus(min(unitBytes, j.CorpusBytes()/int64(tasks*taskUnits)))
	}
	for _, m := range j.models {
		if m.asks() {
			j.cutTexts(m, tasks)
		}
	}
}

func (j *Job) cutCorpus(most int64) {
	var u unit
	for i, o := range j.corpus {
		for g := range o.file.Groups() {
			if o.file.GroupRows(g) == 0 {
				continue
			}
			stored, _ := o.file.Size(g, o.all()...)
			if len(u.Groups) > 0 && u.Bytes+stored > most {
				j.units = append(j.units, u)
				u = unit{}
			}
			u.Groups, u.Bytes = append(u.Groups, groupAt{i, g}), u.Bytes+stored
		}
	}
	if len(u.Groups) > 0 {
		j.units = append(j.units, u)
	}
}

func (j *Job) cutTexts(m *planned, tasks int) {
	total := int64(0)
	for _, p := range j.texts.all {
		total += askedBytes(p)
	}
	most := min(unitText, total/int64(tasks*taskUnits))
	u := unit{Model: m.Name}
	for i, p := range j.texts.all {
		n := askedBytes(p)
		if u.End > u.First && u.Bytes+n > most {
			j.units = append(j.units, u)
			u = unit{Model: m.Name, First: i}
		}
		u.End, u.Bytes = i+1, u.Bytes+n
	}
	j.units = append(j.units, u)
}

// askedBytes returns the bytes that a model is asked about: of a generation none.
func askedBytes(p *fold.Probe) int64 {
	if p.Kind == fold.Generation {
		return 0
	}
	return int64(len(p.Text))
}

// deal deals the units to tasks by their bytes, the largest first, each to the task that has least: what the folds read and what models
// are asked by themselves, since a byte of the one takes a thousand times what one of the other takes. Tasks that would have nothing
// to do are left out, but for the first.
func (j *Job) deal(tasks int) {
	dealt := make([][]int, tasks)
	for _, asked := range []bool{true, false} {
		if asked && j.Config.waits() {
			continue // the commit asks
		}
		var order []int
		for i, u := range j.units {
			if (u.Model != "") == asked {
				order = append(order, i)
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(j.units[b].Bytes, j.units[a].Bytes) })
		load := make([]int64, tasks)
		for _, i := range order {
			least := 0
			for t := range load {
				if load[t] < load[least] || load[t] == load[least] && len(dealt[t]) < len(dealt[least]) {
					least = t
				}
			}
			dealt[least], load[least] = append(dealt[least], i), load[least]+j.units[i].Bytes
		}
	}
	for _, units := range dealt {
		slices.Sort(units)
		if len(units) > 0 || len(j.tasks) == 0 {
			j.tasks = append(j.tasks, units)
		}
	}
}

// StoredBytes returns the bytes of the corpus that the units read, as stored.
func (j *Job) StoredBytes() (n int64) {
	for _, u := range j.units {
		if u.Model == "" {
			n += u.Bytes
		}
	}
	return n
}

// resultNames are the names, below the job's directory, of a unit's results: one a block of the probes for what is folded.
func (j *Job) resultNames(i int) (names []string) {
	if j.units[i].Model != "" {
		return []string{fmt.Sprintf("unit-%06d", i)}
	}
	for b := range j.blocks {
		names = append(names, foldedName(i, b))
	}
	return names
}

func foldedName(unit, block int) string { return fmt.Sprintf("unit-%06d-block-%02d", unit, block) }
