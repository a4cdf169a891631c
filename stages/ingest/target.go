package ingest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"palimpsest/stages/store"
)

// target is where the output goes: a file that is renamed from a temporary one beside it, or an object that is uploaded from one.
type target struct {
	local string // path of the file; empty for an object

	bucket, key string // URL of the bucket with its parameters, and the object's key in it
	url         string
	store       *store.Store
	ownStore    bool

	file      *os.File // the temporary file
	published bool
}

var (
	objectURL = regexp.MustCompile(`^([a-z][a-z0-9+.-]*://[^/?]*)/(.*)$`)
	urlParams = regexp.MustCompile(`\?[A-Za-z_]+=[^?]*$`)
)

func newTarget(output string, s *store.Store) (*target, error) {
	name, params := output, ""
	if urlScheme.MatchString(output) {
		if at := urlParams.FindStringIndex(output); at != nil {
			name, params = output[:at[0]], output[at[0]:]
		}
	}
	switch {
	case output == "":
		return nil, badUsage("no output: name a file that ends in .parquet")
	case path.Ext(name) != ".parquet":
		return nil, badUsage("output %s: the last argument is the file to write, and its name ends in .parquet", output)
	case strings.HasPrefix(name, "file:///"):
		return &target{local: name[len("file://"):]}, nil
	case !urlScheme.MatchString(output):
		return &target{local: output}, nil
	}
	m := objectURL.FindStringSubmatch(name)
	if m == nil {
		return nil, badUsage("output %s: an object's URL is like s3://bucket/folder/name.parquet", output)
	}
	return &target{bucket: m[1] + params, key: m[2], url: name, store: s}, nil
}

// create makes the temporary file.
func (t *target) create(ctx context.Context) (*os.File, error) {
	var err error
	if t.local == "" {
		if t.store == nil {
			t.store = store.New()
			t.ownStore = true
		}
		// Asks nothing of the store yet, but finds a URL that cannot be right before the work is done.
		if _, err := t.store.Bucket(ctx, t.bucket); err != nil {
			return nil, err
		}
		if t.file, err = os.CreateTemp("", "palimpsest-*.parquet"); err != nil {
			return nil, fmt.Errorf("write %s: %w", t.url, err)
		}
		return t.file, nil
	}
	if info, err := os.Stat(t.local); err == nil && !info.Mode().IsRegular() {
		return nil, badUsage("output %s: it is there and is not a regular file: choose another name", t.local)
	}
	dir, name := filepath.Split(t.local)
	if info, err := os.Stat(filepath.Clean(dir)); err != nil || !info.IsDir() {
		return nil, badUsage("output %s: there is no folder %s: make it first", t.local, filepath.Clean(dir))
	}
	// Unlike os.CreateTemp, with the permissions that the user's mask leaves.
	temporary := filepath.Join(dir, "."+name+"."+rand.Text())
	if t.file, err = os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666); err != nil {
		return nil, fmt.Errorf("write %s: %w", t.local, err)
	}
	return t.file, nil
}

// publish puts the finished file in its place.
func (t *target) publish(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("write %s%s: %w", t.local, t.url, context.Cause(ctx))
	}
	if t.local == "" {
		return t.store.Upload(ctx, t.bucket, t.key, t.file.Name(), "application/vnd.apache.parquet")
	}
	if err := t.file.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", t.local, err)
	}
	if err := os.Rename(t.file.Name(), t.local); err != nil {
		return fmt.Errorf("write %s: %w", t.local, err)
	}
	t.published = true
	return nil
}

// discard closes the temporary file, and removes it unless it is the output now.
func (t *target) discard() {
	if t.ownStore {
		_ = t.store.Close() // what was written, was written whole
	}
	if t.file == nil {
		return
	}
	t.file.Close()
	if !t.published {
		os.Remove(t.file.Name())
	}
}
