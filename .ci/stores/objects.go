// Objects fills and empties a bucket of any of the stores, by the same drivers that the program uses:
//
//	objects create BUCKET_URL        makes the container (Azure only: elsewhere a bucket is a directory of the server's)
//	objects put BUCKET_URL DIR       uploads the files under DIR, each under its path
//	objects get BUCKET_URL DIR       downloads every object to its path under DIR
//	objects public BUCKET_URL        lets everybody read and write (S3 only)
//	objects sas BUCKET_URL           prints a signature that allows all of the container for an hour (Azure only)
//	objects faults ADDRESS SERVER    passes what comes to the address on to a server, with faults, until it is killed
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob"
	_ "gocloud.dev/blob/gcsblob"
	_ "gocloud.dev/blob/s3blob"

	"palimpsest/stages/store/storetest"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "objects:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 2 && args[0] == "create":
		return create(ctx, args[1])
	case len(args) == 2 && args[0] == "public":
		return with(ctx, args[1], func(b *blob.Bucket) error { return public(ctx, b, args[1]) })
	case len(args) == 2 && args[0] == "sas":
		return signature(args[1])
	case len(args) == 3 && args[0] == "faults":
		// Not Unranged: the range is signed.
		faults := &storetest.Faults{Seed: 1, Latency: time.Millisecond, Unavailable: .05, Reset: .05, Truncate: .02, Slow: .05, Lost: .05}
		return faults.Proxy(args[1], args[2])
	case len(args) == 3 && args[0] == "put":
		return with(ctx, args[1], func(b *blob.Bucket) error { return put(ctx, b, args[2]) })
	case len(args) == 3 && args[0] == "get":
		return with(ctx, args[1], func(b *blob.Bucket) error { return get(ctx, b, args[2]) })
	}
	return errors.New("usage: objects create BUCKET_URL | put BUCKET_URL DIR | get BUCKET_URL DIR | " +
		"public BUCKET_URL | sas BUCKET_URL | faults ADDRESS SERVER")
}

// create makes the container of an azblob URL of the local emulator.
func create(ctx context.Context, bucket string) error {
	client, name, err := azure(bucket)
	if err != nil {
		return err
	}
	_, err = client.CreateContainer(ctx, name, nil)
	return err
}

// azure returns a client of the local emulator, and the name of the container.
func azure(bucket string) (*azblob.Client, string, error) {
	u, err := url.Parse(bucket)
	if err != nil {
		return nil, "", err
	}
	account := os.Getenv("AZURE_STORAGE_ACCOUNT")
	key, err := azblob.NewSharedKeyCredential(account, os.Getenv("AZURE_STORAGE_KEY"))
	if err != nil {
		return nil, "", err
	}
	service := fmt.Sprintf("%s://%s/%s", u.Query().Get("protocol"), u.Query().Get("domain"), account)
	client, err := azblob.NewClientWithSharedKeyCredential(service, key, nil)
	return client, u.Host, err
}

func signature(bucket string) error {
	client, name, err := azure(bucket)
	if err != nil {
		return err
	}
	all := sas.ContainerPermissions{Read: true, Add: true, Create: true, Write: true, Delete: true, List: true}
	signed, err := client.ServiceClient().NewContainerClient(name).GetSASURL(all, time.Now().Add(time.Hour), nil)
	if err != nil {
		return err
	}
	u, err := url.Parse(signed)
	if err == nil {
		_, err = fmt.Println(u.RawQuery)
	}
	return err
}

func public(ctx context.Context, b *blob.Bucket, bucket string) error {
	u, err := url.Parse(bucket)
	if err != nil {
		return err
	}
	var client *s3.Client
	if !b.As(&client) {
		return errors.New("not a bucket of S3")
	}
	policy := fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*",
		"Resource": ["arn:aws:s3:::%[1]s", "arn:aws:s3:::%[1]s/*"]}]}`, u.Host)
	_, err = client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &u.Host, Policy: &policy})
	return err
}

func with(ctx context.Context, bucket string, do func(*blob.Bucket) error) error {
	b, err := blob.OpenBucket(ctx, bucket)
	if err != nil {
		return err
	}
	return errors.Join(do(b), b.Close())
}

func put(ctx context.Context, b *blob.Bucket, dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		key, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return b.Upload(ctx, filepath.ToSlash(key), f, &blob.WriterOptions{ContentType: "application/octet-stream"})
	})
}

func get(ctx context.Context, b *blob.Bucket, dir string) error {
	for list := b.List(nil); ; {
		o, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		content, err := b.ReadAll(ctx, o.Key)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(o.Key))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
}
