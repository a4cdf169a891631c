// Objects fills and empties a bucket of any of the stores, by the same drivers that the program uses:
//
//	objects create BUCKET_URL        makes the container (Azure only: elsewhere a bucket is a directory of the server's)
//	objects put BUCKET_URL DIR       uploads the files under DIR, each under its path
//	objects get BUCKET_URL DIR       downloads every object to its path under DIR
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

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob"
	_ "gocloud.dev/blob/gcsblob"
	_ "gocloud.dev/blob/s3blob"
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
	case len(args) == 3 && args[0] == "put":
		return with(ctx, args[1], func(b *blob.Bucket) error { return put(ctx, b, args[2]) })
	case len(args) == 3 && args[0] == "get":
		return with(ctx, args[1], func(b *blob.Bucket) error { return get(ctx, b, args[2]) })
	}
	return errors.New("usage: objects create BUCKET_URL | put BUCKET_URL DIR | get BUCKET_URL DIR")
}

// create makes the container of an azblob URL of the local emulator.
func create(ctx context.Context, bucket string) error {
	u, err := url.Parse(bucket)
	if err != nil {
		return err
	}
	account := os.Getenv("AZURE_STORAGE_ACCOUNT")
	key, err := azblob.NewSharedKeyCredential(account, os.Getenv("AZURE_STORAGE_KEY"))
	if err != nil {
		return err
	}
	service := fmt.Sprintf("%s://%s/%s", u.Query().Get("protocol"), u.Query().Get("domain"), account)
	client, err := azblob.NewClientWithSharedKeyCredential(service, key, nil)
	if err != nil {
		return err
	}
	_, err = client.CreateContainer(ctx, u.Host, nil)
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
