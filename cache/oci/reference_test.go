package oci

import (
	"errors"
	"strings"
	"testing"
)

const someDigest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

func TestParseReference(t *testing.T) {
	for text, want := range map[string]Reference{
		"oci://registry.example.com/kernels:stable":                        {"registry.example.com", "kernels", "stable", ""},
		"oci://localhost:5000/team/a-b/kernels:v1.2_x":                     {"localhost:5000", "team/a-b/kernels", "v1.2_x", ""},
		"oci://[::1]:5000/kernels:stable":                                  {"[::1]:5000", "kernels", "stable", ""},
		"oci://registry.example.com/kernels@" + someDigest:                 {"registry.example.com", "kernels", "", someDigest},
		"oci://registry.example.com:443/team/kernels:stable@" + someDigest: {"registry.example.com:443", "team/kernels", "stable", someDigest},
	} {
		got, err := ParseReference(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", text, got, err, want)
		}
		if got.String() != text {
			t.Errorf("%s is written %s", text, got)
		}
	}
	for text, want := range map[string]string{
		"registry.example.com/kernels:stable":          "begins with oci://",
		"https://registry.example.com/kernels:1":       "begins with oci://",
		"oci://kernels":                                "it needs a registry and a repository",
		"oci:///kernels:stable":                        "it needs a registry and a repository",
		"oci://registry.example.com/":                  "it needs a registry and a repository",
		"oci://registry.example.com/kernels":           "it has no tag: add one, as in oci://registry.example.com/kernels:stable",
		"oci://registry.example.com/Kernels:stable":    "a repository is words of lower-case letters",
		"oci://registry.example.com/kernels:":          "a tag is up to 128",
		"oci://registry.example.com/kernels:a b":       "a tag is up to 128",
		"oci://registry.example.com/kernels@latest":    "after the @ comes a digest",
		"oci://registry.example.com/kernels@sha256:12": "after the @ comes a digest",
		"oci://user:password@host/kernels:stable":      "the registry is a host name",
		"oci://a b/kernels:stable":                     "the registry is a host name",
	} {
		_, err := ParseReference(text)
		if !errors.Is(err, ErrReference) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1:5000": true, "127.9.9.9": true, "[::1]:5000": true, "[::1]": true,
		"registry.example.com": false, "localhost.example.com:5000": false, "10.0.0.1:5000": false, "[2001:db8::1]": false,
	} {
		if got := (Reference{Registry: host}).Loopback(); got != want {
			t.Errorf("%s: %v, want %v", host, got, want)
		}
	}
}

// What is understood is written as it was read, and asks one repository.
func FuzzParseReference(f *testing.F) {
	for _, s := range []string{"oci://localhost:5000/team/kernels:stable", "oci://a/b@" + someDigest, "oci://[::1]/b:1@" + someDigest, "oci://a", "oci://a/b:c@d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ref, err := ParseReference(text)
		if err != nil {
			if !errors.Is(err, ErrReference) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if ref.String() != text {
			t.Errorf("%q is written %q", text, ref)
		}
		r, err := Open(ref, Options{})
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		r.Close()
	})
}
