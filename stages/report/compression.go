package report

import (
	"context"
	"math"
	"strings"

	"palimpsest/schemas"
)

// compressions are the rows of table compression over all probes and all controls, in its order.
type compressions []schemas.Compression

func (x *compressions) read(ctx context.Context, in Input) error {
	return readAll(ctx, in, schemas.Compressions, func(r *schemas.Compression) {
		if r.Slice == "all" {
			row := *r
			row.Model, row.Role = strings.Clone(r.Model), strings.Clone(r.Role)
			*x = append(*x, row)
		}
	})
}

func (x compressions) write(p *page) {
	if len(x) == 0 {
		return
	}
	columns := []column{
		{name: "texts", left: true}, {name: "model", left: true}, {over: "bits/byte", name: "model"}, {over: "bits/byte", name: "zlib"},
		{over: "bits/byte", name: "zstd", spare: 3}, {over: "bits/byte", name: "xz", spare: 3}, {name: "adjusted", spare: 2},
		{over: "memorized bits", name: "net", spare: 1}, {over: "memorized bits", name: "capacity", spare: 1},
	}
	var rows [][]string
	memorized := false
	for i := range x {
		r := &x[i]
		texts := count(r.Texts, "probe")
		if r.Control {
			texts = count(r.Texts, "control")
		}
		row := []string{texts, quoted(r.Model, 20), fixed(r.BitsPerByte, 2), fixed(r.ZlibPerByte, 2), fixed(r.ZstdPerByte, 2),
			fixed(r.XZPerByte, 2), none, none, none}
		if r.AdjustedRate != nil {
			row[6] = fixed(*r.AdjustedRate, 2)
		}
		if r.MemorizedNet != nil && !r.Control { // of the controls it is 0 by definition
			memorized = true
			row[7] = thousands(int64(math.Round(*r.MemorizedNet)))
			if r.CapacityBits != nil {
				row[8] = thousands(int64(math.Round(*r.CapacityBits)))
			}
		}
		rows = append(rows, row)
	}
	p.heading("Compression: what the texts take under the models and under general compressors")
	shown, _ := p.table(columns, rows)
	legend := ""
	for _, name := range shown {
		switch {
		case name == "adjusted":
			legend += " adjusted: compressed size with the model's file counted in / size."
		case name == "net" && memorized:
			legend += " net: beyond what the controls show, of the model's capacity, an estimate of 3.6 bits a parameter."
		}
	}
	p.wrapped("  ", strings.TrimSpace(legend))
}
