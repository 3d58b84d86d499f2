package bundle

import (
	"bytes"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// tool runs a program that makes keys.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// Keys that openssl makes sign, and openssl finds the signature right.
func TestOpenSSL(t *testing.T) {
	tier.NeedTool(t, "openssl", "openssl")
	dir := t.TempDir()
	private, public := filepath.Join(dir, "key.pem"), filepath.Join(dir, "key.pub")
	tool(t, "openssl", "genpkey", "-algorithm", "ed25519", "-out", private)
	tool(t, "openssl", "pkey", "-in", private, "-pubout", "-out", public)
	key, err := ReadPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := ReadPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, key, []byte("payload"))
	if got, err := read(file, trusted); err != nil || string(got) != "payload" {
		t.Fatalf("%q (%v)", got, err)
	}
	lines := strings.SplitAfterN(string(file), "\n", 4)
	_, sig, _ := strings.Cut(strings.TrimSpace(lines[2]), " ed25519:")
	_, sig, _ = strings.Cut(sig, " ")
	raw, err := base64.StdEncoding.DecodeString(sig)
	if err != nil {
		t.Fatal(err)
	}
	signed, signature := filepath.Join(dir, "signed"), filepath.Join(dir, "signature")
	for path, data := range map[string][]byte{signed: []byte(lines[0] + lines[1]), signature: raw} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := tool(t, "openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", signed, "-sigfile", signature)
	if !strings.Contains(out, "Signature Verified Successfully") {
		t.Errorf("openssl says: %s", out)
	}
	for _, test := range []struct{ args, says string }{
		{"genpkey -algorithm x25519", "another kind of key"},
		{"genpkey -algorithm rsa", "another kind of key"},
		{"genrsa -traditional", "another kind of key"},
		{"genpkey -algorithm ed25519 -aes256 -pass pass:secret", "a passphrase protects it"},
	} {
		path := filepath.Join(dir, "other.pem")
		tool(t, "openssl", append(strings.Fields(test.args), "-out", path)...)
		if _, err := ReadPrivateKey(path); err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), path) {
			t.Errorf("openssl %s: %v, want it to say %q", test.args, err, test.says)
		}
	}
	if _, err := ReadPrivateKey(public); err == nil || !strings.Contains(err.Error(), "the public key, which cannot sign") {
		t.Errorf("a public key to sign: %v", err)
	}
	if _, err := ReadPublicKey(private); err == nil || !strings.Contains(err.Error(), "it is a PRIVATE KEY") || !strings.Contains(err.Error(), "openssl pkey") {
		t.Errorf("a private key to verify: %v", err)
	}
}

// OpenSSH's keys will do too.
func TestOpenSSH(t *testing.T) {
	tier.NeedTool(t, "ssh-keygen", "openssh-client")
	dir := t.TempDir()
	path := filepath.Join(dir, "id_ed25519")
	tool(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path)
	key, err := ReadPrivateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := ReadPublicKey(path + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read(write(t, key, []byte("payload")), trusted); err != nil || string(got) != "payload" {
		t.Errorf("%q (%v)", got, err)
	}
	locked := filepath.Join(dir, "locked")
	tool(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", locked)
	if _, err := ReadPrivateKey(locked); err == nil || !strings.Contains(err.Error(), "a passphrase protects it") {
		t.Errorf("a key with a passphrase: %v", err)
	}
	rsa := filepath.Join(dir, "rsa")
	tool(t, "ssh-keygen", "-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", rsa)
	if _, err := ReadPublicKey(rsa + ".pub"); err == nil || !strings.Contains(err.Error(), "another kind of key") {
		t.Errorf("an RSA key: %v", err)
	}
}

func TestNoKey(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("not a key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, bytes.Repeat([]byte{'x'}, maxKey+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		filepath.Join(dir, "nothing"): "no such file",
		dir:                           "no file with a key",
		large:                         "no file with a key",
		text:                          "PEM",
	} {
		if _, err := ReadPrivateKey(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("private key %s: %v, want it to say %q", path, err, says)
		}
		if _, err := ReadPublicKey(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("public key %s: %v, want it to say %q", path, err, says)
		}
	}
}
