package cloud_test

import (
	"os"
	"strings"
	"testing"

	"palimpsest/stages/store"
	"palimpsest/stages/store/storetest"
)

// TestGivenStore runs the suite on a store that is already there: PALIMPSEST_STORE is the URL of a bucket, with its parameters, such
// as s3://bucket?endpoint=..., gs://bucket with STORAGE_EMULATOR_HOST, or azblob://container?localemu=true. Each test writes below a
// prefix of its own, which should not exist yet.
func TestGivenStore(t *testing.T) {
	bucket := os.Getenv("PALIMPSEST_STORE")
	if bucket == "" {
		t.Skip("PALIMPSEST_STORE names no bucket")
	}
	base, params, _ := strings.Cut(bucket, "?")
	if params != "" {
		params = "?" + params
	}
	storetest.Run(t, func(t *testing.T) (*store.Store, string) {
		return open(t), strings.TrimSuffix(base, "/") + "/" + t.Name() + params
	})
}
