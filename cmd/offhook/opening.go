package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"offhook/store"
)

// opening says of a data directory that cannot be used what to do about it,
// where the store leaves that open.
func opening(err error, cfg *Config) error {
	const elsewhere = "or choose another place with the setting data_dir"
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrDamaged):
		return fmt.Errorf("%w: have the disk looked at, move %s away, and put a backup in its place (offhook restore)", err, cfg.DataDir)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: make the file system writable, %s", err, elsewhere)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: let the user that offhook runs as (uid %d) write to %s, %s", err, os.Getuid(), cfg.DataDir, elsewhere)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: make room on the disk of %s, %s", err, cfg.DataDir, elsewhere)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w: %s must be a directory, or not be there yet; move what is there, %s", err, cfg.DataDir, elsewhere)
	}
	return err
}
