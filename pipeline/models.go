package pipeline

import (
	"context"
	"maps"
	"slices"

	"palimpsest/stages/likelihood"
)

// model returns the configuration of that role; nil when there is none.
func (p *Plan) model(role string) *Model {
	switch l := p.Config.Likelihood; {
	case l == nil:
		return nil
	case role == referenceRole:
		return l.Reference
	default:
		return &l.Target
	}
}

// keyed reports whether the model's values stand in files of their own, keyed by id.
func (p *Plan) keyed(role string) bool { return len(p.model(role).URLs) > 0 }

// modelObjects returns the objects that hold the model's values.
func (p *Plan) modelObjects(role string) []*object {
	return slices.DeleteFunc(p.objects(), func(o *object) bool { return o.models[role] == nil })
}

// modelBytes returns the stored bytes of the model's values.
func (p *Plan) modelBytes(role string) (stored int64) {
	for _, s := range shards(p.modelObjects(role)) {
		n, _ := s.file.Size(s.group, s.models[role].List()...)
		stored += n
	}
	return stored
}

// openModels opens the files of the models' values, or finds the values in the probes' own files. A file of probes without them is
// not scored, as generations often are not; controls without them could not calibrate anything.
func (p *Plan) openModels(ctx context.Context) (err error) {
	for _, m := range []struct {
		role    string
		objects *[]*object
	}{{targetRole, &p.target}, {referenceRole, &p.reference}} {
		model := p.model(m.role)
		if model == nil {
			continue
		}
		if !p.keyed(m.role) {
			if err := p.bindOwn(m.role, model); err != nil {
				return err
			}
			continue
		}
		ids := map[string]string{"id": model.Columns["id"]}
		if *m.objects, err = p.open(ctx, m.role, model.URLs, ids); err != nil {
			return err
		}
		for _, o := range *m.objects {
			if err := o.bind(m.role, model); err != nil {
				return err
			}
		}
	}
	return nil
}

// bind finds the model's columns in the object.
func (o *object) bind(role string, m *Model) (err error) {
	mapping := maps.Clone(m.Columns)
	delete(mapping, "id")
	if o.models[role], err = likelihood.Bind(o.file, mapping); err != nil {
		return badData("likelihood.%s.columns: %w", role, err)
	}
	return nil
}

// bindOwn finds the model's columns in the files of the probes, the controls, and the corpus where probes are drawn from it.
func (p *Plan) bindOwn(role string, m *Model) error {
	probes := slices.Concat(p.probes...)
	if p.Config.drawsFromCorpus() {
		probes = append(probes, p.corpus...)
	}
	column, found := m.Columns[likelihood.RoleLogProbs], false
	for _, o := range slices.Concat(probes, p.controls) {
		if _, err := o.file.Column(column); err != nil {
			if o.role == controlsRole {
				return badData("likelihood.%s.columns.log_probs: the controls' %w", role, err)
			}
			continue
		}
		if err := o.bind(role, m); err != nil {
			return err
		}
		found = true
	}
	if !found {
		return badData("likelihood.%s.columns.log_probs: no file of probes has a column %q; name one that is there, "+
			"or give the urls of a file keyed by id", role, column)
	}
	return nil
}
