package cloud_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"palimpsest/stages/store"
	_ "palimpsest/stages/store/cloud"
	"palimpsest/stages/store/storetest"
)

// serve starts an S3 server in the process with one bucket and returns its parameters. wrap may put itself before it.
func serve(t *testing.T, wrap func(http.Handler) http.Handler) string {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "testkey")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "testsecret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	var h http.Handler = &storetest.S3{}
	if wrap != nil {
		h = wrap(h)
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return "?endpoint=" + server.URL + "&use_path_style=true&region=us-east-1"
}

func open(t *testing.T) *store.Store {
	s := store.New()
	t.Cleanup(func() { s.Close() })
	return s
}

func TestS3(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (*store.Store, string) {
		return open(t), "s3://bucket" + serve(t, nil)
	})
	t.Run("BelowAPrefix", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) (*store.Store, string) {
			return open(t), "s3://bucket/evidence" + serve(t, nil)
		})
	})
	// The driver takes an error whose words hold "301" for a missing bucket, as ids of requests do by chance.
	t.Run("IdsLikeARedirect", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) (*store.Store, string) {
			return open(t), "s3://bucket" + serve(t, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Amz-Request-Id", "A301B")
					h.ServeHTTP(w, r)
				})
			})
		})
	})
}

func put(t *testing.T, s *store.Store, bucket, key, text string) store.Object {
	t.Helper()
	b, err := s.Bucket(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.WriteAll(t.Context(), key, []byte(text), nil); err != nil {
		t.Fatal(err)
	}
	o, err := s.List(t.Context(), []string{strings.Replace(bucket, "?", "/"+key+"?", 1)})
	if err != nil {
		t.Fatal(err)
	}
	return o[0]
}

// TestS3SendsTheCondition: every range read carries If-Match, and an answer of 412 is a changed object.
func TestS3SendsTheCondition(t *testing.T) {
	var refused atomic.Int32
	params := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if match := r.Header.Get("If-Match"); match != "" && r.Method == http.MethodGet {
				head := httptest.NewRecorder()
				h.ServeHTTP(head, httptest.NewRequest(http.MethodHead, r.URL.Path, nil))
				if head.Header().Get("ETag") != match {
					refused.Add(1)
					w.WriteHeader(http.StatusPreconditionFailed)
					io.WriteString(w, `<Error><Code>PreconditionFailed</Code><Message>changed</Message></Error>`)
					return
				}
			}
			h.ServeHTTP(w, r)
		})
	})
	s := open(t)
	o := put(t, s, "s3://bucket"+params, "a.parquet", "first")
	if o.URI != "s3://bucket/a.parquet" || o.Size != 5 || o.Version == "" {
		t.Errorf("listed %+v", o)
	}
	r, err := s.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 5)
	if err := r.ReadRange(t.Context(), p, 0); err != nil || string(p) != "first" {
		t.Fatalf("%q, %v", p, err)
	}
	put(t, s, "s3://bucket"+params, "a.parquet", "other")
	if err := r.ReadRange(t.Context(), p, 0); !errors.Is(err, store.ErrChanged) {
		t.Errorf("got %v", err)
	}
	if refused.Load() != 1 {
		t.Errorf("refused %d reads, want 1: a changed object is not tried again", refused.Load())
	}
}

// TestS3ReadsOnAfterABrokenAnswer: what was received of a range is kept, the rest is asked for again.
func TestS3ReadsOnAfterABrokenAnswer(t *testing.T) {
	var reads atomic.Int32
	params := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && r.Header.Get("Range") != "" && reads.Add(1) == 1 {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				for k, v := range rec.Header() {
					w.Header()[k] = v
				}
				w.WriteHeader(rec.Code)
				w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
				panic(http.ErrAbortHandler)
			}
			h.ServeHTTP(w, r)
		})
	})
	s := open(t)
	text := strings.Repeat("0123456789", 10_000)
	o := put(t, s, "s3://bucket"+params, "a.parquet", text)
	r, err := s.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, len(text))
	if err := r.ReadRange(t.Context(), p, 0); err != nil || string(p) != text {
		t.Fatalf("%v", err)
	}
	if reads.Load() < 2 {
		t.Errorf("%d reads, want at least 2", reads.Load())
	}
}

func TestS3Refusals(t *testing.T) {
	t.Run("forbidden", func(t *testing.T) {
		var asked atomic.Int32
		params := serve(t, func(http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				w.WriteHeader(http.StatusForbidden)
				if r.Method != http.MethodHead {
					io.WriteString(w, `<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>`)
				}
			})
		})
		for _, pattern := range []string{"s3://bucket/a.parquet", "s3://bucket/*.parquet"} {
			_, err := open(t).List(t.Context(), []string{pattern + params})
			if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "credentials") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: got %v", pattern, err)
			}
		}
		if asked.Load() != 2 {
			t.Errorf("asked %d times, want 2: a refusal is not tried again", asked.Load())
		}
	})
	t.Run("no such bucket", func(t *testing.T) {
		params := serve(t, nil)
		_, err := open(t).List(t.Context(), []string{"s3://nowhere/*.parquet" + params})
		if !errors.Is(err, store.ErrMissing) || !strings.Contains(err.Error(), "s3://nowhere") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("bad parameter", func(t *testing.T) {
		serve(t, nil)
		_, err := open(t).List(t.Context(), []string{"s3://bucket/*.parquet?endpiont=x"})
		if !errors.Is(err, store.ErrURL) || !strings.Contains(err.Error(), "endpiont") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("unreachable", func(t *testing.T) {
		if testing.Short() {
			t.Skip("the SDK's own retries take seconds")
		}
		serve(t, nil)
		_, err := open(t).List(t.Context(), []string{"s3://bucket/*.parquet?endpoint=http://127.0.0.1:1&use_path_style=true&region=us-east-1"})
		if !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "s3://bucket") ||
			!strings.Contains(err.Error(), "check endpoint") || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v", err)
		}
	})
}
