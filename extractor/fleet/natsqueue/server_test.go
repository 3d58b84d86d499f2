package natsqueue

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tpinfo/tpinfo/fixtures/tier"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a nats-server process.
type server struct {
	t    testing.TB
	args []string
	url  string
	log  string // its file

	mu  sync.Mutex
	cmd *exec.Cmd
}

// serve starts a server on loopback with a store of its own. config is more of
// its configuration.
func serve(t testing.TB, config string) *server {
	t.Helper()
	dir := t.TempDir()
	port := freePorts(t, 1)[0]
	return launch(t, dir, port, fmt.Sprintf("listen: 127.0.0.1:%d\njetstream { store_dir: %q, %s }\n", port, filepath.Join(dir, "store"), config))
}

// plainServer starts one with exactly this configuration beside its address.
func plainServer(t testing.TB, config string) *server {
	t.Helper()
	port := freePorts(t, 1)[0]
	return launch(t, t.TempDir(), port, fmt.Sprintf("listen: 127.0.0.1:%d\n%s\n", port, config))
}

// serveCluster starts three nodes that know each other.
func serveCluster(t testing.TB) []*server {
	t.Helper()
	ports := freePorts(t, 6)
	var routes []string
	for _, p := range ports[3:] {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", p))
	}
	var all []*server
	for i := range 3 {
		dir := t.TempDir()
		all = append(all, launch(t, dir, ports[i], fmt.Sprintf(
			"server_name: n%d\nlisten: 127.0.0.1:%d\njetstream { store_dir: %q }\ncluster { name: c, listen: 127.0.0.1:%d, routes: [%s] }\n",
			i, ports[i], filepath.Join(dir, "store"), ports[3+i], strings.Join(routes, ", "))))
	}
	return all
}

func launch(t testing.TB, dir string, port int, config string) *server {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin") // where Debian has it
	tier.NeedTool(t, "nats-server", "nats-server")
	path := filepath.Join(dir, "nats.conf")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, args: []string{"-c", path}, url: fmt.Sprintf("nats://127.0.0.1:%d", port), log: filepath.Join(dir, "log")}
	s.start()
	t.Cleanup(s.kill)
	t.Cleanup(func() {
		if text, err := os.ReadFile(s.log); err == nil && t.Failed() {
			t.Logf("%s:\n%s", s.url, text)
		}
	})
	return s
}

// start starts the process, again after kill, and waits until it listens.
func (s *server) start() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.Command("nats-server", s.args...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for range 500 {
		if c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "nats://")); err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	text, _ := os.ReadFile(s.log)
	s.t.Fatalf("nats-server does not listen:\n%s", text)
}

// kill ends the process as a power failure would.
func (s *server) kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

func freePorts(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func urls(servers []*server) string {
	var all []string
	for _, s := range servers {
		all = append(all, s.url)
	}
	return strings.Join(all, ",")
}

// patience makes the tests quick.
const patience = 2 * time.Second

func connect(t testing.TB, url string) *Queue { return connectWith(t, Server{URL: url}) }

func connectWith(t testing.TB, s Server) *Queue {
	t.Helper()
	if s.Patience == 0 {
		s.Patience = patience
	}
	q, err := Connect(context.Background(), s, slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	return q
}

// testWriter shows the log of a test that fails.
type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Log(string(bytes.TrimSpace(p)))
	}
	return len(p), nil
}
