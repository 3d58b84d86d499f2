package fleet

import (
	"fmt"
	"hash/fnv"
	"io"
	"strconv"
	"strings"

	"github.com/tpinfo/tpinfo/extractor/kpkg"
)

// Shard is one of several equal parts of a fleet: the zero value is all of it.
// A kernel's part follows from its packages alone, whatever else was found, so
// that machines which see the same packages share them without talking.
type Shard struct{ Index, Count int } // Index from 1 to Count

// ParseShard reads "2/5", the second of five parts. "auto/5" takes its index
// from JOB_COMPLETION_INDEX, which Kubernetes sets in each pod of an indexed
// job and counts from 0; getenv is os.Getenv.
func ParseShard(s string, getenv func(string) string) (Shard, error) {
	const variable = "JOB_COMPLETION_INDEX"
	before, after, ok := strings.Cut(s, "/")
	count, err := strconv.Atoi(after)
	if !ok || err != nil || count < 1 {
		return Shard{}, fmt.Errorf("shard %q: it is I/N, such as 1/4 to 4/4, or auto/N", s)
	}
	if before == "auto" {
		text := getenv(variable)
		index, err := strconv.Atoi(text)
		switch {
		case text == "":
			return Shard{}, fmt.Errorf("shard %q: %s is not set; a Kubernetes job sets it with completionMode: Indexed, elsewhere give the index, such as 1/%d", s, variable, count)
		case err != nil || index < 0 || index >= count:
			return Shard{}, fmt.Errorf("shard %q: %s is %q, and counts from 0 to %d: give as many parts as the job has completions", s, variable, text, count-1)
		}
		return Shard{index + 1, count}, nil
	}
	index, err := strconv.Atoi(before)
	if err != nil || index < 1 || index > count {
		return Shard{}, fmt.Errorf("shard %q: the part is 1 to %d", s, count)
	}
	return Shard{index, count}, nil
}

// has reports whether what name stands for is in this part.
func (s Shard) has(name string) bool {
	if s.Count <= 1 {
		return true
	}
	h := fnv.New64a()
	io.WriteString(h, name)
	// FNV's lowest bits alone are a poor hash.
	sum := h.Sum64()
	return int((sum^sum>>32)%uint64(s.Count)) == s.Index-1
}

// group names what a set shares with others: the packages behind the
// flavour's own. Sets of one group are built next to each other, on one
// machine.
func group(set kpkg.Set) string {
	switch {
	case set.Tree != "":
		return set.Tree
	case len(set.Headers) > 1:
		return set.Headers[1].Digest
	case len(set.Headers) == 1:
		return set.Headers[0].Digest
	}
	return set.Release
}
