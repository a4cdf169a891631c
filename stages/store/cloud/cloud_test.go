package cloud

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azblob "github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"google.golang.org/api/googleapi"
)

// The drivers of gs and azblob are not called here: that takes servers. What is given to them is shown.

func TestConditions(t *testing.T) {
	var options azblob.DownloadStreamOptions
	err := azureCondition(func(i any) bool {
		p, ok := i.(**azblob.DownloadStreamOptions)
		if ok {
			*p = &options
		}
		return ok
	}, `"0x8D"`)
	if err != nil || *options.AccessConditions.ModifiedAccessConditions.IfMatch != azcore.ETag(`"0x8D"`) {
		t.Errorf("azblob: %v, %+v", err, options)
	}

	first := new(storage.Client).Bucket("b").Object("o")
	handle := first
	err = gsCondition(func(i any) bool {
		p, ok := i.(***storage.ObjectHandle)
		if ok {
			*p = &handle
		}
		return ok
	}, "17")
	if err != nil || handle == first {
		t.Errorf("gs: %v, the handle was not replaced", err)
	}
	if gsCondition(func(any) bool { return true }, `"etag"`) == nil {
		t.Error("gs: no error for a version that is no generation")
	}
	for name, condition := range map[string]func(func(any) bool, string) error{"s3": s3Condition, "gs": gsCondition, "azblob": azureCondition} {
		if err := condition(func(any) bool { return false }, "1"); !errors.Is(err, errType) {
			t.Errorf("%s: a driver with another type: %v", name, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for status, want := range map[int]bool{http.StatusForbidden: true, http.StatusUnauthorized: true, http.StatusNotFound: false, 503: false} {
		if gsRefused(fmt.Errorf("x: %w", &googleapi.Error{Code: status})) != want {
			t.Errorf("gs: %d", status)
		}
		if azureRefused(fmt.Errorf("x: %w", &azcore.ResponseError{StatusCode: status})) != want {
			t.Errorf("azblob: %d", status)
		}
	}
}
