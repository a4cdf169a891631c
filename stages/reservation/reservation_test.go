package reservation_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"palimpsest/stages/reservation"
)

type signals map[reservation.Signal]string

func (s signals) decide() reservation.Decision {
	return reservation.Decide(func(x reservation.Signal) *string {
		if v, ok := s[x]; ok {
			return &v
		}
		return nil
	})
}

func TestDecide(t *testing.T) {
	for _, c := range []struct {
		signals     signals
		state, rule string
	}{
		{signals{}, "unknown", "no signal recorded"},
		{signals{"tdm_header": ""}, "not_expressed", "nothing in tdm_header"},
		{signals{"tdm_file": "2", "robots": "allow"}, "not_expressed", "nothing in tdm_file, robots"},
		{signals{"opt_out": "see the website"}, "not_expressed", "nothing in opt_out"},

		{signals{"opt_out": "Yes"}, "reserved", "opt_out"},
		{signals{"opt_out": "opt-out"}, "reserved", "opt_out"},
		{signals{"opt_out": "false"}, "not_reserved", "opt_out"},
		{signals{"opt_out": "not reserved"}, "not_reserved", "opt_out"},
		{signals{"opt_out": "conflicting", "tdm_meta": "1"}, "conflicting", "opt_out"},
		{signals{"opt_out": "unknown", "tdm_meta": "1"}, "reserved", "tdm_meta"},

		{signals{"tdm_file": "1"}, "reserved", "tdm_file"},
		{signals{"tdm_file": "1", "tdm_header": "0"}, "not_reserved", "tdm_header over tdm_file"},
		{signals{"tdm_file": "0", "tdm_header": "0", "tdm_meta": " 1 "}, "reserved", "tdm_meta over tdm_header and tdm_file"},
		{signals{"tdm_file": "0", "tdm_header": "yes"}, "not_reserved", "tdm_file"}, // an error counts as unset
		{signals{"tdm_file": "1", "tdm_meta": "1"}, "reserved", "tdm_meta"},

		{signals{"robots": "Disallow"}, "reserved", "robots"},
		{signals{"robots_meta": "noindex, NoAI"}, "reserved", "robots_meta"},
		{signals{"robots_meta": "otherbot: noimageai"}, "reserved", "robots_meta"},
		{signals{"robots_meta": "otherbot:noai"}, "reserved", "robots_meta"},
		{signals{"robots_meta": "noindex, nofollow"}, "not_expressed", "nothing in robots_meta"}, // not to be found is not not to be mined
		{signals{"robots": "allow", "tdm_header": "1"}, "reserved", "tdm_header"},

		{signals{"opt_out": "1", "tdm_header": "1", "robots": "disallow"}, "reserved", "opt_out, tdm_header, robots"},
		{signals{"tdm_header": "0", "robots": "disallow"}, "conflicting", "tdm_header not_reserved, robots reserved"},
		{
			signals{"opt_out": "no", "tdm_meta": "1", "tdm_file": "0"}, "conflicting",
			"opt_out not_reserved, tdm_meta over tdm_file reserved",
		},
	} {
		if got, want := c.signals.decide(), (reservation.Decision{State: c.state, Rule: c.rule}); got != want {
			t.Errorf("%v: %q, not %q", c.signals, got, want)
		}
	}
}

// TestRules shows what holds of any signals: that a signal is added never turns a reservation into its opposite without its being told.
func TestRules(t *testing.T) {
	states := []string{
		reservation.Reserved, reservation.NotReserved, reservation.Conflicting, reservation.NotExpressed, reservation.Unknown,
	}
	protocol := []reservation.Signal{reservation.Meta, reservation.Header, reservation.File}
	rapid.Check(t, func(r *rapid.T) {
		value := rapid.SampledFrom([]string{"", "0", "1", "2", "yes", "no", "allow", "disallow", "noai", "noindex", "x"})
		some := signals(rapid.MapOf(rapid.SampledFrom(reservation.Signals()), value).Draw(r, "signals"))
		before := some.decide()
		if !slices.Contains(states, before.State) || before.Rule == "" {
			r.Fatalf("%v: %+v", some, before)
		}
		if (before.State == reservation.Unknown) != (len(some) == 0) {
			r.Fatalf("%v: %+v", some, before)
		}
		more := signals{}
		for s, v := range some {
			more[s] = v
		}
		s := rapid.SampledFrom(reservation.Signals()).Draw(r, "another")
		if _, there := some[s]; there || slices.Contains(protocol, s) {
			return
		}
		more[s] = value.Draw(r, "its value")
		after := more.decide()
		opposite := map[string]string{reservation.Reserved: reservation.NotReserved, reservation.NotReserved: reservation.Reserved}
		if other := opposite[before.State]; other != "" && after.State == other || before.State == reservation.Conflicting && after != before &&
			after.State != reservation.Conflicting {
			r.Fatalf("%v: %+v; with %s %q: %+v", some, before, s, more[s], after)
		}
	})
}
