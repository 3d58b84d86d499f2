package cli

import (
	"encoding/json"
	"io"
)

// PrintJSON writes one object a line.
func PrintJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// NotNil makes an empty list of none, for JSON.
func NotNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
