package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
)

// Local files are written here and not by the driver: its exclusive writers look and then rename, so that of two that race both win
// (gocloud.dev/blob/fileblob, the writer's Close), and it syncs nothing.

// writeFile writes a local file whole: a temporary file beside it is filled, synced, and gets the name. Readers see the old file or
// the new one. With exclusive a file that is there stays, and written is false. Missing directories are made.
//
// A process that is killed leaves a temporary file behind, whose name begins with a dot: patterns pass over it.
func writeFile(ctx context.Context, path string, c content, exclusive bool, alive alive) (written bool, err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return false, err
	}
	name := filepath.Join(dir, fmt.Sprintf(".palimpsest-%016x.tmp", rand.Uint64()))
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return false, err
	}
	defer os.Remove(name) // after a rename there is nothing of that name
	_, err = io.Copy(f, c.reader(ctx, func(error) {}, alive))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return false, err
	}
	if exclusive {
		err = linkFile(name, path)
	} else {
		err = os.Rename(name, path)
	}
	if errors.Is(err, fs.ErrExist) && exclusive {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := syncDirectory(dir); err != nil {
		return false, err
	}
	return true, nil
}

// linkFile gives a file a second name unless that is taken, or its only one where the file system has no links.
func linkFile(name, path string) error {
	err := os.Link(name, path)
	if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EPERM) { // Linux answers EPERM for file systems without links
		return err
	}
	if _, err := os.Lstat(path); err == nil {
		return fs.ErrExist
	}
	return os.Rename(name, path)
}

// syncDirectory makes the names in a directory last. File systems that cannot sync one keep names by other means.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
