package storetest

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// S3 is a store that speaks as much of the S3 protocol as the program uses, in memory, with any credentials: objects, ranges, uploads
// in parts, listings, and the conditions If-Match on reads and If-None-Match on writes, which test servers tend to leave out. Its
// buckets need not be made.
type S3 struct {
	mu      sync.Mutex
	objects map[string]map[string]S3Object // by bucket and key
	uploads map[string]*s3Upload
	serial  int
}

// S3Object is an object as the server holds it.
type S3Object struct {
	Content io.ReaderAt
	Size    int64
	Tag     string // ETag, in quotes
}

type s3Upload struct {
	bucket, key string
	parts       map[int][]byte
}

// Set puts an object into a bucket.
func (s *S3) Set(bucket, key string, o S3Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(bucket, key, o)
}

func (s *S3) set(bucket, key string, o S3Object) {
	if s.objects == nil {
		s.objects = map[string]map[string]S3Object{}
	}
	if s.objects[bucket] == nil {
		s.objects[bucket] = map[string]S3Object{}
	}
	s.objects[bucket][key] = o
}

// Object returns an object of a bucket.
func (s *S3) Object(bucket, key string) (S3Object, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, ok := s.objects[bucket][key]
	return o, ok
}

// Keys returns the keys of a bucket that begin with prefix, sorted.
func (s *S3) Keys(bucket, prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := slices.Sorted(maps.Keys(s.objects[bucket]))
	return slices.DeleteFunc(keys, func(k string) bool { return !strings.HasPrefix(k, prefix) })
}

// Delete removes an object.
func (s *S3) Delete(bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects[bucket], key)
}

// InMemory returns an object that holds data.
func InMemory(data []byte) S3Object {
	sum := md5.Sum(data)
	return S3Object{bytes.NewReader(data), int64(len(data)), `"` + hex.EncodeToString(sum[:]) + `"`}
}

func (s *S3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	switch {
	case key == "" && r.Method == http.MethodGet:
		s.list(w, bucket, q.Get("prefix"), q.Get("continuation-token"), q.Get("max-keys"))
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		s.get(w, r, bucket, key)
	case r.Method == http.MethodPut && q.Has("uploadId"):
		s.part(w, r, q.Get("uploadId"), q.Get("partNumber"))
	case r.Method == http.MethodPut:
		s.put(w, r, bucket, key)
	case r.Method == http.MethodPost && q.Has("uploads"):
		s.begin(w, bucket, key)
	case r.Method == http.MethodPost && q.Has("uploadId"):
		s.complete(w, r, q.Get("uploadId"))
	case r.Method == http.MethodDelete:
		s.mu.Lock()
		defer s.mu.Unlock()
		if id := q.Get("uploadId"); id != "" {
			delete(s.uploads, id)
		} else {
			delete(s.objects[bucket], key)
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		S3Error(w, r, http.StatusNotImplemented, "NotImplemented")
	}
}

// S3Error answers a request with an error of the protocol.
func S3Error(w http.ResponseWriter, r *http.Request, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>this is a test</Message></Error>", code)
	}
}

func (s *S3) get(w http.ResponseWriter, r *http.Request, bucket, key string) {
	o, ok := s.Object(bucket, key)
	if !ok {
		S3Error(w, r, http.StatusNotFound, "NoSuchKey")
		return
	}
	if match := r.Header.Get("If-Match"); match != "" && match != o.Tag {
		S3Error(w, r, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	w.Header().Set("ETag", o.Tag)
	w.Header().Set("Content-Type", "application/octet-stream")
	// ServeContent does the ranges.
	http.ServeContent(w, r, "", time.Unix(1_700_000_000, 0), io.NewSectionReader(o.Content, 0, o.Size))
}

func (s *S3) put(w http.ResponseWriter, r *http.Request, bucket, key string) {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		S3Error(w, r, http.StatusBadRequest, "IncompleteBody")
		return
	}
	s.commit(w, r, bucket, key, InMemory(data))
}

// commit makes an object visible, unless the request has a condition that forbids it.
func (s *S3) commit(w http.ResponseWriter, r *http.Request, bucket, key string, o S3Object) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.objects[bucket][key]; taken && r.Header.Get("If-None-Match") == "*" {
		S3Error(w, r, http.StatusPreconditionFailed, "PreconditionFailed")
		return false
	}
	s.set(bucket, key, o)
	w.Header().Set("ETag", o.Tag)
	return true
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(v) // the client may have gone
}

func (s *S3) begin(w http.ResponseWriter, bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	id := strconv.Itoa(s.serial)
	if s.uploads == nil {
		s.uploads = map[string]*s3Upload{}
	}
	s.uploads[id] = &s3Upload{bucket, key, map[int][]byte{}}
	answer(w, struct {
		XMLName               xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket, Key, UploadId string
	}{Bucket: bucket, Key: key, UploadId: id})
}

func (s *S3) part(w http.ResponseWriter, r *http.Request, id, number string) {
	data, err := io.ReadAll(r.Body)
	n, nerr := strconv.Atoi(number)
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uploads[id]
	if err != nil || nerr != nil || u == nil {
		S3Error(w, r, http.StatusBadRequest, "InvalidPart")
		return
	}
	u.parts[n] = data
	w.Header().Set("ETag", InMemory(data).Tag)
}

func (s *S3) complete(w http.ResponseWriter, r *http.Request, id string) {
	s.mu.Lock()
	u := s.uploads[id]
	s.mu.Unlock()
	if u == nil {
		S3Error(w, r, http.StatusNotFound, "NoSuchUpload")
		return
	}
	var data []byte
	for _, n := range slices.Sorted(maps.Keys(u.parts)) {
		data = append(data, u.parts[n]...)
	}
	o := InMemory(data)
	o.Tag = fmt.Sprintf(`%s-%d"`, strings.TrimSuffix(o.Tag, `"`), len(u.parts))
	if s.commit(w, r, u.bucket, u.key, o) {
		answer(w, struct {
			XMLName           xml.Name `xml:"CompleteMultipartUploadResult"`
			Bucket, Key, ETag string
		}{Bucket: u.bucket, Key: u.key, ETag: o.Tag})
	}
}

func (s *S3) list(w http.ResponseWriter, bucket, prefix, after, most string) {
	type entry struct {
		Key, LastModified, ETag string
		Size                    int64
	}
	result := struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Name                  string
		IsTruncated           bool
		NextContinuationToken string  `xml:",omitempty"`
		Contents              []entry `xml:"Contents"`
	}{Name: bucket}
	limit, err := strconv.Atoi(most)
	if err != nil || limit > 1000 {
		limit = 1000
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(s.objects[bucket])) {
		if !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		if len(result.Contents) == limit {
			result.IsTruncated, result.NextContinuationToken = true, result.Contents[limit-1].Key
			break
		}
		o := s.objects[bucket][key]
		result.Contents = append(result.Contents, entry{key, "2026-01-01T00:00:00.000Z", o.Tag, o.Size})
	}
	answer(w, result)
}
