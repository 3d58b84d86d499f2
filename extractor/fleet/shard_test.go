package fleet

import (
	"fmt"
	"testing"

	"github.com/tpinfo/tpinfo/extractor/kpkg"
)

func TestParseShard(t *testing.T) {
	for _, test := range []struct {
		text, env string
		want      Shard
		err       string
	}{
		{text: "1/4", want: Shard{1, 4}},
		{text: "4/4", want: Shard{4, 4}},
		{text: "1/1", want: Shard{1, 1}},
		{text: "auto/3", env: "0", want: Shard{1, 3}},
		{text: "auto/3", env: "2", want: Shard{3, 3}},
		{text: "0/4", err: `shard "0/4": the part is 1 to 4`},
		{text: "5/4", err: `shard "5/4": the part is 1 to 4`},
		{text: "x/4", err: `shard "x/4": the part is 1 to 4`},
		{text: "4", err: `shard "4": it is I/N, such as 1/4 to 4/4, or auto/N`},
		{text: "1/0", err: `shard "1/0": it is I/N, such as 1/4 to 4/4, or auto/N`},
		{text: "1/-2", err: `shard "1/-2": it is I/N, such as 1/4 to 4/4, or auto/N`},
		{text: "auto/3", err: `shard "auto/3": JOB_COMPLETION_INDEX is not set; a Kubernetes job sets it with completionMode: Indexed, elsewhere give the index, such as 1/3`},
		{text: "auto/3", env: "3", err: `shard "auto/3": JOB_COMPLETION_INDEX is "3", and counts from 0 to 2: give as many parts as the job has completions`},
		{text: "auto/3", env: "one", err: `shard "auto/3": JOB_COMPLETION_INDEX is "one", and counts from 0 to 2: give as many parts as the job has completions`},
	} {
		got, err := ParseShard(test.text, func(name string) string {
			if name != "JOB_COMPLETION_INDEX" {
				t.Errorf("asks for %s", name)
			}
			return test.env
		})
		said := ""
		if err != nil {
			said = err.Error()
		}
		if got != test.want || said != test.err {
			t.Errorf("%q with %q: %v %q, want %v %q", test.text, test.env, got, said, test.want, test.err)
		}
	}
}

// Every kernel is in exactly one part, with those that share its packages, and
// no part is left without a fair share.
func TestShardsDeal(t *testing.T) {
	const groups, flavours = 100, 3
	for _, count := range []int{1, 2, 3, 5, 8} {
		sizes := make([]int, count+1)
		for g := range groups {
			in := 0
			for f := range flavours {
				set := kpkg.Set{Headers: []kpkg.Package{{Digest: fmt.Sprintf("own %d %d", g, f)}, {Digest: fmt.Sprintf("common %d", g)}}}
				found := 0
				for i := 1; i <= count; i++ {
					if (Shard{i, count}).has(group(set)) {
						found = found*100 + i
					}
				}
				if found < 1 || found > count {
					t.Fatalf("of %d parts, kernel %d.%d is in %d", count, g, f, found)
				}
				if in != 0 && in != found {
					t.Fatalf("of %d parts, kernels that share a package are in %d and %d", count, in, found)
				}
				in = found
			}
			sizes[in]++
		}
		for i := 1; i <= count; i++ {
			if sizes[i] < groups/count/3 {
				t.Errorf("part %d of %d has %d of %d groups", i, count, sizes[i], groups)
			}
		}
	}
	set := kpkg.Set{Headers: []kpkg.Package{{Digest: "own"}}}
	if !(Shard{}).has(group(set)) {
		t.Error("without parts, a kernel is in none")
	}
}
