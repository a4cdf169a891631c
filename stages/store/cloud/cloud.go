// Package cloud makes s3://, gs:// and azblob:// known to package store. It is imported for its effect, by commands only: the
// SDKs behind it take minutes to build.
package cloud

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob://
	_ "gocloud.dev/blob/gcsblob"   // gs://
	_ "gocloud.dev/blob/s3blob"    // s3://
	"gocloud.dev/gcerrors"
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
		Listed:        s3Listed,
		Code:          s3Code,
		Refused:       s3Refused,
		Expired:       s3Expired,
		Unconditional: s3Unconditional,
		Remedy: "check endpoint, region and credentials (AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE, " +
			"or ?endpoint=...&region=... in the URL), and whether these have expired",
	})
	store.Register("gs", store.Driver{
		Version:   gsVersion,
		Condition: gsCondition,
		Observed:  gsObserved,
		Listed:    gsListed,
		Refused:   gsRefused,
		Expired:   gsExpired,
		Remedy:    "check the credentials (GOOGLE_APPLICATION_CREDENTIALS, or gcloud auth application-default login)",
	})
	store.Register("azblob", store.Driver{
		Version:   func(a *blob.Attributes) string { return a.ETag },
		Condition: azureCondition,
		Observed:  azureObserved,
		Listed:    azureListed,
		Refused:   azureRefused,
		Expired:   azureExpired,
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

func s3Observed(r *blob.Reader) (string, int64) {
	var out s3.GetObjectOutput
	if !r.As(&out) {
		return "", -1
	}
	return aws.ToString(out.ETag), start(out.ContentRange)
}

// start returns the first byte of an answer with that Content-Range; without one it begins with the object.
func start(contentRange *string) int64 {
	if contentRange == nil {
		return 0
	}
	rest, _ := strings.CutPrefix(*contentRange, "bytes ")
	first, _, _ := strings.Cut(rest, "-")
	if n, err := strconv.ParseInt(first, 10, 64); err == nil {
		return n
	}
	return -1
}

func s3Listed(o *blob.ListObject) string {
	var entry types.Object
	if !o.As(&entry) {
		return ""
	}
	return quoted(aws.ToString(entry.ETag))
}

// quoted is an ETag as headers have it: listings give some without quotes.
func quoted(tag string) string {
	if tag == "" || strings.HasPrefix(tag, `"`) || strings.HasPrefix(tag, `W/`) {
		return tag
	}
	return `"` + tag + `"`
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

func gsObserved(r *blob.Reader) (string, int64) {
	var in *storage.Reader
	if !r.As(&in) || in.Attrs.Generation == 0 {
		return "", -1
	}
	return strconv.FormatInt(in.Attrs.Generation, 10), in.Attrs.StartOffset
}

func gsListed(o *blob.ListObject) string {
	var attrs storage.ObjectAttrs
	if !o.As(&attrs) || attrs.Generation == 0 {
		return ""
	}
	return strconv.FormatInt(attrs.Generation, 10)
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

func azureObserved(r *blob.Reader) (string, int64) {
	var out azblob.DownloadStreamResponse
	if !r.As(&out) || out.ETag == nil {
		return "", -1
	}
	return string(*out.ETag), start(out.ContentRange)
}

func azureListed(o *blob.ListObject) string {
	var entry container.BlobItem
	if !o.As(&entry) || entry.Properties == nil || entry.Properties.ETag == nil {
		return ""
	}
	return quoted(string(*entry.Properties.ETag))
}

func forbids(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// s3Code: s3blob takes every error for a missing bucket whose words hold "301" somewhere, as the ids that S3 gives requests do now and
// then. A redirect to another region, which it means, has that status.
func s3Code(err error) gcerrors.ErrorCode {
	code := gcerrors.Code(err)
	var answer interface{ HTTPStatusCode() int }
	if code != gcerrors.NotFound || !errors.As(err, &answer) {
		return code
	}
	switch status := answer.HTTPStatusCode(); {
	case status == http.StatusNotFound, status == http.StatusMovedPermanently:
		return gcerrors.NotFound
	case status == http.StatusPreconditionFailed:
		return gcerrors.FailedPrecondition
	case forbids(status):
		return gcerrors.PermissionDenied
	}
	return gcerrors.Unknown
}

// s3Refused: an answer to HEAD has no words, so that an expired token is a plain 400 there.
func s3Refused(err error) bool {
	var answer interface{ HTTPStatusCode() int }
	var code smithy.APIError
	return errors.As(err, &answer) && forbids(answer.HTTPStatusCode()) || s3Expired(err) ||
		errors.As(err, &code) && code.ErrorCode() == "BadRequest"
}

// s3Expired knows the codes by which S3 says so, most of them with status 400
// (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
func s3Expired(err error) bool {
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.ErrorCode() {
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken":
		return true
	}
	return false
}

func s3Unconditional(err error) bool {
	var answer interface{ HTTPStatusCode() int }
	return errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusNotImplemented
}

func gsRefused(err error) bool {
	var answer *googleapi.Error
	return errors.As(err, &answer) && forbids(answer.Code)
}

// gsExpired: a token that is unknown or past its time is 401, one that does not allow something 403.
func gsExpired(err error) bool {
	var answer *googleapi.Error
	return errors.As(err, &answer) && answer.Code == http.StatusUnauthorized
}

func azureRefused(err error) bool {
	var answer *azcore.ResponseError
	return errors.As(err, &answer) && forbids(answer.StatusCode)
}

// azureExpired knows tokens past their time, which are 401, and signatures, which are 403 with words.
func azureExpired(err error) bool {
	var answer *azcore.ResponseError
	return errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized ||
		answer.StatusCode == http.StatusForbidden && strings.Contains(answer.Error(), "Signature not valid in the specified time frame"))
}
