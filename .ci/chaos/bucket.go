package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/s3blob"
	"gocloud.dev/gcerrors"
)

// bucket is asked directly, not through a proxy.
type bucket struct{ *blob.Bucket }

func openBucket(ctx context.Context, server, name string) (*bucket, error) {
	b, err := blob.OpenBucket(ctx, "s3://"+name+"?use_path_style=true&region=us-east-1&endpoint="+server)
	return &bucket{b}, err
}

// keys returns the names below a prefix, without it.
func (b *bucket) keys(ctx context.Context, prefix string) (keys []string, err error) {
	for it := b.List(&blob.ListOptions{Prefix: prefix}); ; {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			return keys, nil
		}
		if err != nil {
			return nil, err
		}
		if !strings.HasSuffix(o.Key, "/") { // a directory of the server's
			keys = append(keys, strings.TrimPrefix(o.Key, prefix))
		}
	}
}

// clear removes what is below a prefix.
func (b *bucket) clear(ctx context.Context, prefix string) error {
	keys, err := b.keys(ctx, prefix)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := b.Delete(ctx, prefix+k); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return err
		}
	}
	return nil
}

// get returns an object; nil when there is none.
func (b *bucket) get(ctx context.Context, key string) ([]byte, error) {
	data, err := b.ReadAll(ctx, key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, nil
	}
	return data, err
}

// digests returns the SHA-256 of every object below a prefix.
func (b *bucket) digests(ctx context.Context, prefix string) (map[string]string, error) {
	keys, err := b.keys(ctx, prefix)
	if err != nil {
		return nil, err
	}
	all := make(map[string]string)
	for _, k := range keys {
		data, err := b.ReadAll(ctx, prefix+k)
		if err != nil {
			return nil, err
		}
		all[k] = sha256Of(data)
	}
	return all, nil
}

func sha256Of(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// whole reports whether the run below prefix has a _SUCCESS. One that has and is not what it says is an error.
func (b *bucket) whole(ctx context.Context, prefix string) (bool, error) {
	mark, err := b.get(ctx, prefix+"_SUCCESS")
	if mark == nil || err != nil {
		return false, err
	}
	data, err := b.ReadAll(ctx, prefix+"manifest.json")
	if err != nil {
		return false, fmt.Errorf("a run has a _SUCCESS: %w", err)
	}
	if string(bytes.TrimSpace(mark)) != sha256Of(data) {
		return false, errors.New("the _SUCCESS of a run does not hold the digest of its manifest")
	}
	var manifest struct {
		Outputs []struct{ Path, SHA256 string }
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return false, err
	}
	if len(manifest.Outputs) == 0 {
		return false, errors.New("the manifest of a run has no outputs")
	}
	for _, o := range manifest.Outputs {
		data, err := b.ReadAll(ctx, prefix+o.Path)
		if err != nil {
			return false, fmt.Errorf("a run has a _SUCCESS: %w", err)
		}
		if sha256Of(data) != o.SHA256 {
			return false, fmt.Errorf("a run has a _SUCCESS, and %s is not what its manifest says", o.Path)
		}
	}
	return true, nil
}

// plan is what the check needs of plan.json.
type plan struct {
	digest string
	Blocks []json.RawMessage
	Units  []struct{ Model string }
	Tasks  []json.RawMessage
}

func (b *bucket) plan(ctx context.Context, prefix string) (*plan, error) {
	data, err := b.get(ctx, prefix+"work/plan.json")
	if data == nil || err != nil {
		return nil, err
	}
	p := &plan{digest: sha256Of(data)[:16]}
	return p, json.Unmarshal(data, p)
}

// names returns the keys, below the run, that the plan names.
func (p *plan) names() map[string]bool {
	names := map[string]bool{"work/plan.json": true}
	add := func(format string, args ...any) { names["work/"+p.digest+"/"+fmt.Sprintf(format, args...)] = true }
	add("texts")
	add("outlines")
	for k := range p.Blocks {
		add("index-%02d-overlap", k)
		add("index-%02d-near", k)
	}
	for i, u := range p.Units {
		if u.Model != "" {
			add("unit-%06d", i)
			continue
		}
		for k := range p.Blocks {
			add("unit-%06d-block-%02d", i, k)
		}
	}
	return names
}

// differ says how what is there differs from what should be; "" when it does not.
func differ(got, want map[string]string) string {
	var says []string
	for _, k := range slices.Sorted(maps.Keys(want)) {
		switch {
		case got[k] == "":
			says = append(says, k+" is missing")
		case got[k] != want[k]:
			says = append(says, k+" has other bytes")
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if want[k] == "" {
			says = append(says, k+" is left over")
		}
	}
	return strings.Join(says, "; ")
}
