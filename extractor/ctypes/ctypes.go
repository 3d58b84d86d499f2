// Package ctypes spells C's base types as the kernel's sources do. Compilers
// spell them each in their own way in debug information: "long unsigned int"
// (gcc, and so BTF), "unsigned long" (clang).
package ctypes

// spellings maps what gcc and clang write as DW_AT_name of a base type to C as
// the kernel writes it. Names that are not in it are spelled alike by all.
var spellings = map[string]string{
	"short int":              "short",
	"signed short":           "short",
	"short unsigned int":     "unsigned short",
	"signed int":             "int",
	"unsigned":               "unsigned int",
	"long int":               "long",
	"signed long":            "long",
	"long unsigned int":      "unsigned long",
	"long long int":          "long long",
	"signed long long":       "long long",
	"long long unsigned int": "unsigned long long",
	"__int128 unsigned":      "unsigned __int128",
	"bool":                   "_Bool",
	"__ARRAY_SIZE_TYPE__":    "unsigned long",
	"sizetype":               "unsigned long",
	"ssizetype":              "long",
}

// BaseName is the C spelling of a base type that debug information calls name.
func BaseName(name string) string {
	if s, ok := spellings[name]; ok {
		return s
	}
	return name
}
