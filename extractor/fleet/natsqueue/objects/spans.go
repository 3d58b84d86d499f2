package objects

import (
	"fmt"
	"strings"
)

// placesKey is where a description says which messages of the stream hold the
// content: "12-51,60-60".
const placesKey = "tpinfo-places"

// span is a range of messages.
type span struct{ first, last uint64 }

func extend(spans []span, seq uint64) []span {
	if n := len(spans); n > 0 && spans[n-1].last+1 == seq {
		spans[n-1].last = seq
		return spans
	}
	return append(spans, span{seq, seq})
}

func spell(spans []span) string {
	words := make([]string, len(spans))
	for i, s := range spans {
		words[i] = fmt.Sprintf("%d-%d", s.first, s.last)
	}
	return strings.Join(words, ",")
}

func parseSpans(text string) ([]span, error) {
	if text == "" {
		return nil, nil
	}
	var spans []span
	total := uint64(0)
	for word := range strings.SplitSeq(text, ",") {
		var s span
		if n, err := fmt.Sscanf(word, "%d-%d", &s.first, &s.last); n != 2 || err != nil || s.last < s.first || s.last+1 == 0 || s.last-s.first > MaxSize/chunk {
			return nil, fmt.Errorf("places %q", text)
		}
		if total += s.last - s.first + 1; total > MaxSize/chunk {
			return nil, fmt.Errorf("places %q", text)
		}
		spans = append(spans, s)
	}
	return spans, nil
}
