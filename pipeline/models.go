package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"palimpsest/stages/likelihood"
	"palimpsest/stages/llama"
	"palimpsest/stages/store"
)

// planned is a model of the plan: the reference, or one of the targets.
type planned struct {
	*Model
	role    string       // targetRole or referenceRole
	key     string       // in the configuration
	objects []*object    // of its columns where they are keyed by id; nil when they stand in the probes' own files
	memory  int64        // bytes that it may take, of this machine's
	file    store.Object // its weights, or the tokenizer of a server's model; zero when there is none
}

// planModels lists the models of a configuration: the reference, which targets are compared with, first.
func planModels(l *Likelihood) (models []*planned) {
	if l == nil {
		return nil
	}
	if l.Reference != nil {
		models = append(models, &planned{Model: l.Reference, role: referenceRole, key: "likelihood.reference"})
	}
	for i := range l.Target {
		key := "likelihood.target"
		if len(l.Target) > 1 {
			key = fmt.Sprintf("likelihood.target.%d", i)
		}
		models = append(models, &planned{Model: &l.Target[i], role: targetRole, key: key})
	}
	return models
}

// keyed reports whether the model's values stand in files of their own, keyed by id.
func (m *planned) keyed() bool { return len(m.URLs) > 0 }

// targets returns the models that are judged.
func (p *Plan) targets() []*planned {
	return slices.DeleteFunc(slices.Clone(p.models), func(m *planned) bool { return m.role != targetRole })
}

// modelObjects returns the objects that hold the model's values.
func (p *Plan) modelObjects(m *planned) []*object {
	return slices.DeleteFunc(p.objects(), func(o *object) bool { return o.models[m.Name] == nil })
}

// modelBytes returns the stored bytes of the model's values.
func (p *Plan) modelBytes(m *planned) (stored int64) {
	for _, s := range shards(p.modelObjects(m)) {
		n, _ := s.file.Size(s.group, s.models[m.Name].List()...)
		stored += n
	}
	return stored
}

// openModels finds the models' files, or their values in the probes' own files. A file of probes without them is not scored, as
// generations often are not; controls without them could not calibrate anything.
func (p *Plan) openModels(ctx context.Context) (err error) {
	p.models = planModels(p.Config.Likelihood)
	for _, m := range p.models {
		switch {
		case m.asks():
			err = p.findModel(ctx, m)
		case m.keyed():
			err = p.openKeyed(ctx, m)
		default:
			err = p.bindOwn(m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// findModel finds the one file of a model that is asked, if it has one here.
func (p *Plan) findModel(ctx context.Context, m *planned) error {
	url, key := m.Model.Model, m.key+".model"
	if m.Engine == httpEngine {
		url, key = m.Tokenizer, m.key+".tokenizer"
	}
	if url == "" {
		return nil
	}
	found, err := p.store.List(ctx, []string{url})
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if len(found) != 1 {
		return badUsage("%s: %s names %d objects; name one GGUF", key, redact(url), len(found))
	}
	m.file = found[0]
	if m.Engine != embeddedEngine {
		m.memory = m.file.Size
		return nil
	}
	r, err := p.store.Open(ctx, m.file)
	if err != nil {
		return err
	}
	if m.memory, err = llama.Memory(&headReader{ctx: ctx, object: r}, m.file.Size, p.llamaOptions(m)); err != nil {
		return badData("%s: %s is no model that the engine can run: %w", key, m.file.URI, err)
	}
	return nil
}

func (p *Plan) openKeyed(ctx context.Context, m *planned) (err error) {
	ids := map[string]string{"id": m.Columns["id"]}
	if m.objects, err = p.open(ctx, m.role, m.URLs, ids); err != nil {
		return err
	}
	for _, o := range m.objects {
		if err := o.bind(m); err != nil {
			return err
		}
	}
	return nil
}

// bind finds the model's columns in the object.
func (o *object) bind(m *planned) (err error) {
	mapping := maps.Clone(m.Columns)
	delete(mapping, "id")
	if o.models[m.Name], err = likelihood.Bind(o.file, mapping); err != nil {
		return badData("%s.columns: %w", m.key, err)
	}
	return nil
}

// bindOwn finds the model's columns in the files of the probes, the controls, and the corpus where probes are drawn from it.
func (p *Plan) bindOwn(m *planned) error {
	probes := slices.Concat(p.probes...)
	if p.Config.drawsFromCorpus() {
		probes = append(probes, p.corpus...)
	}
	column, found := m.Columns[likelihood.RoleLogProbs], false
	for _, o := range slices.Concat(probes, p.controls) {
		if _, err := o.file.Column(column); err != nil {
			if o.role == controlsRole {
				return badData("%s.columns.log_probs: the controls' %w", m.key, err)
			}
			continue
		}
		if err := o.bind(m); err != nil {
			return err
		}
		found = true
	}
	if !found {
		return badData("%s.columns.log_probs: no file of probes has a column %q; name one that is there, "+
			"or give the urls of a file keyed by id", m.key, column)
	}
	return nil
}

// openColumns opens the files of a model's values, where a published plan has left them closed.
func (p *Plan) openColumns(ctx context.Context, m *planned) error {
	if len(p.modelObjects(m)) > 0 {
		return nil
	}
	if m.keyed() {
		if err := p.reopen(ctx, m.objects, map[string]string{"id": m.Columns["id"]}); err != nil {
			return err
		}
		for _, o := range m.objects {
			if err := o.bind(m); err != nil {
				return err
			}
		}
		return nil
	}
	own := slices.Concat(slices.Concat(p.probes...), p.controls)
	if p.Config.drawsFromCorpus() {
		own = append(own, p.corpus...)
	}
	if err := p.reopen(ctx, own, nil); err != nil {
		return err
	}
	return p.bindOwn(m)
}
