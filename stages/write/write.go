// Package write turns typed rows into files: each table of package schemas as one Arrow IPC file and one Parquet file, with the
// same columns, the same rows and the same order.
//
// A directory on the local disk receives the files, laid out as they are published:
//
//	<dir>/arrow/<table>/part-00000.arrow
//	<dir>/parquet/<table>/part-00000.parquet
//
// Open takes rows that come in the order of the table's key; OpenSpool takes them in any order, from any number of goroutines,
// and sorts them on disk. Closing reads both files back and compares every row with what was written before it says that they
// are good, since object stores have no way to take back a broken object.
//
// The files are a function of the rows, the run id and the metadata alone. No time, host name, random value or library version
// is in them, and where a batch or a row group ends depends on the rows before it, never on how they arrived. The bytes do
// change with the version of the compressor, so equal bytes are promised for one build of the program.
//
// Arrow batches hold 8,192 rows and Parquet row groups 131,072, or less where the values are long: a batch ends before 32 MiB of
// values and a row group before 64 MiB, so memory stays bounded and Arrow's 32-bit offsets cannot overflow. A longer value is a
// batch and a row group of its own.
//
// Parquet is written for the widest set of readers: data pages version 1, PLAIN values, zstd, no dictionaries. Statistics need
// care, see parquet.go.
package write

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"palimpsest/schemas"
)

const (
	chunkRows = 256     // rows handed to the encoders at a time
	batchRows = 8192    // rows of an Arrow batch: a few MB of the usual row
	groupRows = 1 << 17 // rows of a Parquet row group: some 10 MB compressed, what warehouses scan well

	chunkBytes = 1 << 20
	batchBytes = 32 << 20
	groupBytes = 64 << 20

	// maxString is the longest string that a file can hold: Arrow's offsets and Parquet's page sizes are 32 bits wide.
	maxString = 2<<30 - 4<<20
)

// The formats that a table is written in.
const (
	Arrow   = "arrow"
	Parquet = "parquet"
)

// Dir is the local directory that receives the tables of one run. Its tables can be written concurrently, each once.
type Dir struct {
	path     string
	runID    string
	metadata map[string]string
}

// NewDir describes the directory at path, which is made when the first table is opened. Every row gets runID as its run_id.
// The metadata, for instance {"unit": "words"}, goes into every file beside the schema version, the table's name, the run id
// and the units of the columns, each key preceded by "palimpsest.".
func NewDir(path, runID string, metadata map[string]string) *Dir {
	return &Dir{path: path, runID: runID, metadata: maps.Clone(metadata)}
}

// Path returns the local path of an output of the directory.
func (d *Dir) Path(o Output) string { return filepath.Join(d.path, filepath.FromSlash(o.Path)) }

// Output is a finished and verified file.
type Output struct {
	Table  string `json:"table"`
	Format string `json:"format"` // Arrow or Parquet
	Path   string `json:"path"`   // relative to the directory, with slashes
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // of the file, lower-case hexadecimal
}

func output(table, format string) Output {
	return Output{Table: table, Format: format, Path: format + "/" + table + "/part-00000." + format}
}

// create makes a new file of the directory. A file that exists is an error: each table is written once.
func (d *Dir) create(path string) (*os.File, error) {
	path = filepath.Join(d.path, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
}

// keyValues returns the file metadata of a table, by key in ascending order.
func (d *Dir) keyValues(t *schemas.Table) (keys, values []string, err error) {
	all, err := Metadata(t, d.runID, d.metadata)
	for _, k := range slices.Sorted(maps.Keys(all)) {
		keys, values = append(keys, k), append(values, all[k])
	}
	return keys, values, err
}

// Metadata returns what the files of a table say of themselves: the metadata that NewDir was given, and the writer's own.
func Metadata(t *schemas.Table, runID string, given map[string]string) (map[string]string, error) {
	units, err := json.Marshal(t.Units())
	if err != nil {
		return nil, err
	}
	all := map[string]string{
		"palimpsest.schema_version": schemas.Version,
		"palimpsest.table":          t.Name,
		"palimpsest.run_id":         runID,
		"palimpsest.column_units":   string(units),
	}
	for k, v := range given {
		k = "palimpsest." + k
		if _, ok := all[k]; ok {
			return nil, fmt.Errorf("metadata key %s is the writer's own", k)
		}
		all[k] = v
	}
	return all, nil
}
