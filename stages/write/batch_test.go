package write

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/parquet-go/parquet-go"

	"palimpsest/schemas"
)

// Of many batches, written at once and by way of the disk or not, the committed ones are in the table, whole and in order; the others
// are not.
func TestBatch(t *testing.T) {
	for _, budget := range []int{batchBudget, 2000, 1} {
		d := NewDir(t.TempDir(), "r", nil)
		s, err := OpenSpool(d, schemas.Documents)
		if err != nil {
			t.Fatal(err)
		}
		s.sorter.budget = 3 * budget
		var want []string
		for worker := range 4 {
			for group := range 10 {
				for i := range 20 {
					if id := fmt.Sprint(worker, "-", group, "-", i); group%3 != 1 {
						want = append(want, id)
					}
				}
			}
		}
		slices.Sort(want)
		var wg sync.WaitGroup
		for worker := range 4 {
			wg.Go(func() {
				b := s.Batch()
				b.budget = budget
				for group := range 10 {
					for i := range 20 {
						row := schemas.Document{DocumentID: fmt.Sprint(worker, "-", group, "-", i)}
						if err := b.Write(&row); err != nil {
							t.Error(err)
						}
					}
					if group%3 == 1 {
						b.Reset()
					} else if err := b.Commit(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		outputs, err := s.Close(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range outputs {
			if o.Format == Parquet {
				rows, err := parquet.ReadFile[schemas.Document](d.Path(o))
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range rows {
					got = append(got, r.DocumentID)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("budget %d: %d rows %.8q..., want %d %.8q...", budget, len(got), got, len(want), want)
		}
		if err := s.Batch().Commit(); err == nil {
			t.Error("a batch was taken after close")
		}
	}
}
