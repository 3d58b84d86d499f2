package natsqueue

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tpinfo/tpinfo/extractor/fleet"
	"github.com/tpinfo/tpinfo/fixtures/natsserver"
)

func TestAddresses(t *testing.T) {
	for _, c := range []struct{ text, urls, where string }{
		{"nats://q:4222", "nats://q:4222", "nats://q:4222"},
		{"q", "nats://q", "nats://q"},
		{"nats://a:1, nats://b:2", "nats://a:1,nats://b:2", "nats://a:1,nats://b:2"},
		{"tls://me:secret@q/", "tls://me:secret@q/", "tls://q"},
		{"", "", ""},
		{"http://q", "", ""},
		{"nats://me:secret@", "", ""},
		{"nats://me:secret@q/path", "", ""},
		{"nats://me:secret?@q", "", ""},
		{"nats://me:secret#@q", "", ""},
		{"nats://me:sec%zzret@q", "", ""},
		{"nats://me:sec/r@et@q", "", ""},
		{"nats://me:sec%2Fr%40et@q", "nats://me:sec%2Fr%40et@q", "nats://q"},
	} {
		urls, where, err := addresses(c.text)
		if urls != c.urls || where != c.where || (err != nil) != (c.urls == "") {
			t.Errorf("%q: %q, %q, %v", c.text, urls, where, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error tells the password: %v", c.text, err)
		}
	}
}

// What keeps somebody from a queue is said with the address, without the
// password, and with what to do.
func TestCannotConnect(t *testing.T) {
	t.Parallel()
	gone := natsserver.StartWith(t, "")
	gone.Kill()
	free := strings.TrimPrefix(gone.URL, "nats://")
	locked := natsserver.StartWith(t, `jetstream { store_dir: `+quote(t.TempDir())+` }
authorization { user: fleet, password: "right/@,?#%:" }`)
	host := strings.TrimPrefix(locked.URL, "nats://")
	cert, key := certificate(t)
	secure := natsserver.StartWith(t, `jetstream { store_dir: `+quote(t.TempDir())+` }
tls { cert_file: `+quote(cert)+`, key_file: `+quote(key)+` }`)
	secureHost := strings.TrimPrefix(secure.URL, "nats://")
	plain := natsserver.StartWith(t, "")
	for _, c := range []struct {
		name   string
		server Server
		says   []string
	}{
		{"nobody there", Server{URL: "nats://u:secret@" + free}, []string{"queue nats://" + free + " cannot be reached", "nats-server -js"}},
		{"no user", Server{URL: locked.URL}, []string{"lets nobody in", "--queue-creds"}},
		{"wrong password", Server{URL: "nats://fleet:secret@" + host}, []string{"queue nats://" + host + " lets nobody in", "USER:PASSWORD"}},
		{"no JetStream", Server{URL: plain.URL}, []string{"without JetStream", "nats-server -js"}},
		{"unknown authority", Server{URL: "tls://" + secureHost}, []string{"certificate", "--queue-ca"}},
		{"TLS, and the server has none", Server{URL: "tls://" + host}, []string{"TLS", "nats://"}},
		{"no such credentials", Server{URL: plain.URL, Creds: "/nowhere/me.creds"}, []string{"--queue-creds /nowhere/me.creds: no such file"}},
		{"no such authority", Server{URL: plain.URL, CA: "/nowhere/ca.pem"}, []string{"--queue-ca /nowhere/ca.pem: no such file"}},
	} {
		q, err := Connect(context.Background(), c.server, slog.New(slog.DiscardHandler))
		if err == nil {
			q.Close()
			t.Errorf("%s: it connects", c.name)
			continue
		}
		for _, want := range c.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %q", c.name, err, want)
			}
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells the password: %v", c.name, err)
		}
	}
	for _, server := range []Server{
		{URL: "nats://fleet:right%2F%40%2C%3F%23%25:@" + host},
		{URL: "tls://" + secureHost, CA: cert},
	} {
		connectWith(t, server).Close()
	}
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

// certificate makes one for loopback that signs itself.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "queue"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// A store that takes no package says so; one that is only filled for a while
// is waited for.
func TestFull(t *testing.T) {
	t.Parallel()
	tasks := makeTasks(t, t.TempDir(), 30)
	s := natsserver.Start(t, "max_file_store: 500KB")
	q := connect(t, s.URL)
	err := (&Coordinator{Queue: q}).Run(context.Background(), tasks, func(fleet.Result) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "is full") || !strings.Contains(err.Error(), "max_file_store") {
		t.Errorf("error %v", err)
	}
	s = natsserver.Start(t, "max_file_store: 1500KB")
	work(t, &Worker{Queue: connect(t, s.URL), Build: (&builder{takes: 5 * time.Millisecond}).Build})
	c := &Coordinator{Queue: connect(t, s.URL)}
	runTasks(t, c, tasks)
	if c.Window != 0 {
		t.Errorf("another run has a window of %d bytes", c.Window)
	}
}

// The window bounds what lies on the server.
func TestWindow(t *testing.T) {
	t.Parallel()
	s := natsserver.Start(t, "")
	tasks := makeTasks(t, t.TempDir(), 10)
	q := connect(t, s.URL)
	most := 0
	work(t, &Worker{Queue: connect(t, s.URL), Build: func(ctx context.Context, task fleet.Task, at Building) fleet.Result {
		time.Sleep(20 * time.Millisecond)
		info, err := q.tasks.Info(ctx)
		if err != nil {
			panic(err)
		}
		most = max(most, int(info.State.Msgs))
		return (&builder{}).Build(ctx, task, at)
	}})
	// The shared package and three others.
	runTasks(t, &Coordinator{Queue: q, Window: 600_000 + 3*40_000}, tasks)
	if most != 3 {
		t.Errorf("%d tasks were queued at once, and there is room for the packages of 3", most)
	}
}

// What is wrong with an address is said without what may be a password.
func TestWrongAddress(t *testing.T) {
	for text, want := range map[string]string{
		"http://q":                "not http://",
		"https://me:secret@q":     "not https://",
		"nats://me:secret/more@q": "%2F for /",
		"nats://me:sec%ret@q":     "%25 for %",
		"me:secret/more@q":        "%40 for @",
		"nats://q/path":           "HOST[:PORT]",
		"nats://a, ftp://b":       "not ftp://",
		"nats://me:secret,more@q": "%2C for a comma",
	} {
		_, _, err := addresses(text)
		if !errors.Is(err, ErrAddress) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
