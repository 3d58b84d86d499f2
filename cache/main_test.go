package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// childEnv makes this test binary a program that puts kernels into the cache
// that it names, for the tests that kill such a program.
const childEnv = "TPINFO_TEST_CHILD"

// editionsEnv makes that program put these editions of large, once each, and
// end.
const editionsEnv = "TPINFO_TEST_EDITIONS"

// mergeEnv makes that program merge this file again and again, with other
// kernels removed in between.
const mergeEnv = "TPINFO_TEST_MERGE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		run := putForever
		if os.Getenv(editionsEnv) != "" {
			run = putEditions
		}
		if os.Getenv(mergeEnv) != "" {
			run = mergeForever
		}
		if err := run(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

func putEditions(path string) (err error) {
	db, err := Open(context.Background(), path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, word := range strings.Fields(os.Getenv(editionsEnv)) {
		edition, err := strconv.Atoi(word)
		if err != nil {
			return err
		}
		if _, err := db.Put(context.Background(), large(edition)); err != nil {
			return err
		}
	}
	return nil
}

// putForever puts kernels, many and large enough that it is always in the
// middle of something.
func putForever(path string) error {
	ctx := context.Background()
	db, err := Open(ctx, path)
	if err != nil {
		return err
	}
	fmt.Println("open")
	for n := 0; ; n++ {
		if _, err := db.Put(ctx, large(os.Getpid()*1000+n)); err != nil {
			return err
		}
		fmt.Println("put")
		if n%3 == 2 {
			if err := db.Remove(ctx, large(os.Getpid()*1000+n-1).Kernel.ID); err != nil {
				return err
			}
			if _, err := db.GC(ctx, GCRequest{}); err != nil {
				return err
			}
		}
	}
}

// mergeForever merges what the environment names, and takes one kernel of it
// out again.
func mergeForever(path string) error {
	ctx := context.Background()
	db, err := Open(ctx, path)
	if err != nil {
		return err
	}
	fmt.Println("open")
	for n := 0; ; n++ {
		if _, err := db.Merge(ctx, os.Getenv(mergeEnv)); err != nil {
			return err
		}
		fmt.Println("merged")
		if err := db.Remove(ctx, large(n%mergedKernels).Kernel.ID); err != nil {
			return err
		}
		if _, err := db.GC(ctx, GCRequest{}); err != nil {
			return err
		}
	}
}
