// Package cloud makes s3://, gs:// and azblob:// known to package store. It is imported for its effect, by commands only: the
// SDKs behind it take minutes to build.
package cloud

import (
	"errors"
	"net/http"
	"strconv"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/gcsblob"   // gs://
	_ "gocloud.dev/blob/s3blob"    // s3://
	"google.golang.org/api/googleapi"

	"palimpsest/stages/store"
)

// errType says that a driver hides its request behind a type other than the one this package was written for.
var errType = errors.New("the driver's request has an unknown type: the read cannot be pinned to a version")

func init() {
	store.Register("s3", store.Driver{
		// Without these the SDK asks for checksums that most stores beside AWS do not keep, and logs a line for each range read.
		Params: map[string]string{
			"response_checksum_validation": "when_required",
			"request_checksum_calculation": "when_required",
		},
		Version:       func(a *blob.Attributes) string { return a.ETag },
		Condition:     s3Condition,
		Observed:      s3Observed,
		Refused:       s3Refused,
		Unconditional: s3Unconditional,
		Remedy: "check endpoint, region and credentials (AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE, " +
			"or ?endpoint=...&region=... in the URL)",
	})
	store.Register("gs", store.Driver{
		Version:   gsVersion,
		Condition: gsCondition,
		Observed:  gsObserved,
		Refused:   gsRefused,
		Remedy:    "check the credentials (GOOGLE_APPLICATION_CREDENTIALS, or gcloud auth application-default login)",
	})
	store.Register("azblob", store.Driver{
		Version:   func(a *blob.Attributes) string { return a.ETag },
		Condition: azureCondition,
		Observed:  azureObserved,
		Refused:   azureRefused,
		Remedy:    "check account and credentials (AZURE_STORAGE_ACCOUNT, AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN)",
	})
}

func s3Condition(as func(any) bool, version string) error {
	var in *s3.GetObjectInput
	if !as(&in) {
		return errType
	}
	in.IfMatch = &version
	return nil
}

func s3Observed(r *blob.Reader) string {
	var out s3.GetObjectOutput
	if !r.As(&out) || out.ETag == nil {
		return ""
	}
	return *out.ETag
}

func gsVersion(a *blob.Attributes) string {
	var attrs storage.ObjectAttrs
	if !a.As(&attrs) {
		return a.ETag
	}
	return strconv.FormatInt(attrs.Generation, 10)
}

func gsCondition(as func(any) bool, version string) error {
	generation, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		return err
	}
	var handle **storage.ObjectHandle
	if !as(&handle) {
		return errType
	}
	*handle = (*handle).Generation(generation)
	return nil
}

func gsObserved(r *blob.Reader) string {
	var in *storage.Reader
	if !r.As(&in) || in.Attrs.Generation == 0 {
		return ""
	}
	return strconv.FormatInt(in.Attrs.Generation, 10)
}

func azureCondition(as func(any) bool, version string) error {
	var opts *azblob.DownloadStreamOptions
	if !as(&opts) {
		return errType
	}
	tag := azcore.ETag(version)
	opts.AccessConditions = &azblob.AccessConditions{ModifiedAccessConditions: &azblob.ModifiedAccessConditions{IfMatch: &tag}}
	return nil
}

func azureObserved(r *blob.Reader) string {
	var out azblob.DownloadStreamResponse
	if !r.As(&out) || out.ETag == nil {
		return ""
	}
	return string(*out.ETag)
}

func forbids(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

func s3Refused(err error) bool {
	var answer interface{ HTTPStatusCode() int }
	return errors.As(err, &answer) && forbids(answer.HTTPStatusCode())
}

func s3Unconditional(err error) bool {
	var answer interface{ HTTPStatusCode() int }
	return errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusNotImplemented
}

func gsRefused(err error) bool {
	var answer *googleapi.Error
	return errors.As(err, &answer) && forbids(answer.Code)
}

func azureRefused(err error) bool {
	var answer *azcore.ResponseError
	return errors.As(err, &answer) && forbids(answer.StatusCode)
}
