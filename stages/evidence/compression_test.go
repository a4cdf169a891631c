package evidence_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"palimpsest/schemas"
	"palimpsest/stages/baseline"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
)

// compressed is a probe of so many bytes and bits, with so many memorized bits.
func compressed(kind, groupName, words string, copies, bytes int64, bits, memorized float64) evidence.Compressed {
	p := &fold.Probe{Kind: kind}
	if kind == "control" {
		p.Kind, p.Control = fold.Work, true
	}
	if groupName != "" {
		p.ControlGroup = &groupName
	}
	return evidence.Compressed{
		Subject: &evidence.Subject{Probe: p, SHA256: words + "!", WordsSHA256: words, Corpus: evidence.Corpus{Hashed: true, Exact: copies}},
		Score: &likelihood.Score{LogProb: -bits * math.Ln2, Bytes: bytes, MemorizedBits: memorized,
			Compressed: &baseline.Sizes{Zlib: bytes / 2, Zstd: bytes / 4, XZ: bytes}},
	}
}

func TestCompression(t *testing.T) {
	unknown := compressed(fold.Work, "prose", "u", 0, 1000, 8, 8)
	unknown.Score.Compressed = nil
	texts := []evidence.Compressed{
		compressed(fold.Work, "prose", "a", 64, 100, 20, 180),
		compressed(fold.Work, "prose", "a", 64, 100, 20, 180), // the same words: memorised once
		compressed(fold.Work, "prose", "b", 0, 100, 200, 12),
		compressed(fold.Canary, "codes", "c", 1, 40, 40, 70), // a group without controls
		compressed(fold.Generation, "", "g", 0, 60, 6, 300),  // likely by construction
		unknown,
		compressed("control", "prose", "d", 0, 100, 220, 6),
		compressed("control", "prose", "e", 0, 100, 180, 14),
		compressed("control", "other", "f", 0, 100, 100, math.NaN()),
	}
	c := evidence.Compressor{Model: "m", Role: "target", Target: true, Bytes: 1000, Parameters: 10}
	row := func(control bool, slice string, texts, bytes int64, bits float64, distinct int64, memorized *float64,
		controlled int64, mean, net *float64,
	) schemas.Compression {
		size := float64(bytes)
		r := schemas.Compression{
			RunID: "r", Model: "m", Role: "target", Control: control, Slice: slice, Texts: texts, Bytes: bytes, ModelBits: bits,
			ZlibBytes: bytes / 2, ZstdBytes: bytes / 4, XZBytes: bytes, BitsPerByte: bits / size, ZlibPerByte: 4, ZstdPerByte: 2, XZPerByte: 8,
			RawRate: bits / 8 / size, ModelBytes: ptr[int64](1000), AdjustedRate: ptr((1000 + bits/8) / size),
			DistinctTexts: &distinct, MemorizedBits: memorized, CapacityBits: ptr(36.),
		}
		if !control {
			r.ControlledTexts, r.ControlsMean, r.MemorizedNet = &controlled, mean, net
		}
		return r
	}
	want := []schemas.Compression{
		row(false, "all", 5, 400, 286, 3, ptr(262.), 2, ptr(10.), ptr(172.)),
		row(false, "codes", 1, 40, 40, 1, ptr(70.), 0, nil, nil),
		row(false, "codes copies=1", 1, 40, 40, 1, ptr(70.), 0, nil, nil),
		row(false, "copies=0", 1, 60, 6, 0, nil, 0, nil, nil),
		row(false, "kind=canary", 1, 40, 40, 1, ptr(70.), 0, nil, nil),
		row(false, "kind=generation", 1, 60, 6, 0, nil, 0, nil, nil),
		row(false, "kind=work", 3, 300, 240, 2, ptr(192.), 2, ptr(10.), ptr(172.)),
		row(false, "prose", 3, 300, 240, 2, ptr(192.), 2, ptr(10.), ptr(172.)),
		row(false, "prose copies=0", 1, 100, 200, 1, ptr(12.), 1, ptr(10.), ptr(2.)),
		row(false, "prose copies=64-127", 2, 200, 40, 1, ptr(180.), 1, ptr(10.), ptr(170.)),
		row(true, "all", 3, 300, 500, 2, ptr(20.), 0, nil, nil),
		row(true, "other", 1, 100, 100, 0, nil, 0, nil, nil),
		row(true, "prose", 2, 200, 400, 2, ptr(20.), 0, nil, nil),
	}
	near := cmpopts.EquateApprox(1e-12, 0)
	if d := cmp.Diff(want, evidence.Compression("r", c, texts), near); d != "" {
		t.Error(d)
	}

	// A reference has bits; what is memorised is the target's. What is not known of a model is null.
	for _, r := range evidence.Compression("r", evidence.Compressor{Model: "m", Role: "reference"}, texts) {
		if r.DistinctTexts != nil || r.MemorizedBits != nil || r.MemorizedNet != nil || r.CapacityBits != nil || r.AdjustedRate != nil ||
			r.ModelBytes != nil || r.ModelBits == 0 {
			t.Errorf("got %+v", r)
		}
	}
	if rows := evidence.Compression("r", c, nil); len(rows) != 0 {
		t.Errorf("%d rows of no texts", len(rows))
	}
}
