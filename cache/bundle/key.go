package bundle

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/crypto/ssh"
)

// Name is what people tell a public key by: "ed25519:" and its first 8 bytes
// in hexadecimal.
func Name(key ed25519.PublicKey) string { return "ed25519:" + hex.EncodeToString(key[:8]) }

// maxKey bounds a key's file.
const maxKey = 64 << 10

// ReadPrivateKey reads an Ed25519 key: PEM as "openssl genpkey -algorithm
// ed25519" writes it (PKCS#8, RFC 8410), or OpenSSH's own form. Keys that a
// passphrase protects are not read.
func ReadPrivateKey(path string) (ed25519.PrivateKey, error) {
	data, err := readKey(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	var key any
	switch {
	case block == nil:
		err = errors.New("it is no PEM")
	case block.Type == "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case block.Type == "PUBLIC KEY":
		err = errors.New("it is the public key, which cannot sign")
	default:
		key, err = ssh.ParseRawPrivateKey(data)
	}
	var locked *ssh.PassphraseMissingError
	switch {
	case block != nil && block.Type == "ENCRYPTED PRIVATE KEY" || errors.As(err, &locked):
		err = errors.New("a passphrase protects it; tpinfo takes keys without")
	case err == nil:
		if k, ok := key.(*ed25519.PrivateKey); ok {
			return *k, nil
		}
		if k, ok := key.(ed25519.PrivateKey); ok {
			return k, nil
		}
		err = fmt.Errorf("it is another kind of key (%T)", key)
	}
	return nil, fmt.Errorf("private key %s: %w; 'openssl genpkey -algorithm ed25519' makes one", path, err)
}

// ReadPublicKey reads the public half: PEM as "openssl pkey -pubout" writes it,
// or the line of OpenSSH.
func ReadPublicKey(path string) (ed25519.PublicKey, error) {
	data, err := readKey(path)
	if err != nil {
		return nil, err
	}
	var key any
	if block, _ := pem.Decode(data); block != nil {
		if block.Type != "PUBLIC KEY" {
			err = fmt.Errorf("it is a %s", block.Type)
		} else {
			key, err = x509.ParsePKIXPublicKey(block.Bytes)
		}
	} else {
		key, err = openSSH(data)
	}
	if err == nil {
		if k, ok := key.(ed25519.PublicKey); ok {
			return k, nil
		}
		err = fmt.Errorf("it is another kind of key (%T)", key)
	}
	return nil, fmt.Errorf("public key %s: %w; 'openssl pkey -in PRIVATE -pubout' gives that of a private one", path, err)
}

func openSSH(line []byte) (crypto.PublicKey, error) {
	key, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		return nil, errors.New("it is neither PEM nor a line of OpenSSH")
	}
	if k, ok := key.(ssh.CryptoPublicKey); ok {
		return k.CryptoPublicKey(), nil
	}
	return nil, fmt.Errorf("it is another kind of key (%s)", key.Type())
}

func readKey(path string) ([]byte, error) {
	st, err := os.Stat(path)
	var at *fs.PathError
	switch {
	case errors.As(err, &at):
		return nil, fmt.Errorf("key %s: %w", path, at.Err)
	case err != nil:
		return nil, fmt.Errorf("key %s: %w", path, err)
	case !st.Mode().IsRegular() || st.Size() > maxKey:
		return nil, fmt.Errorf("key %s: that is no file with a key", path)
	}
	return os.ReadFile(path)
}
