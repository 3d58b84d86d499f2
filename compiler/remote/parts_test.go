package remote

import (
	"errors"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tpinfo/tpinfo"
)

func TestParseAddress(t *testing.T) {
	for _, c := range []struct {
		url  string
		want []string
	}{
		{"ssh://host", []string{"--", "host"}},
		{"ssh://root@host:2222", []string{"-p", "2222", "-l", "root", "--", "host"}},
		{"ssh://a.b+c@my_alias/", []string{"-l", "a.b+c", "--", "my_alias"}},
		{"ssh://[fe80::1%25eth0]:22", []string{"-p", "22", "--", "fe80::1%eth0"}},
	} {
		a, err := parseAddress(c.url)
		if diff := cmp.Diff(c.want, a.words()); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", c.url, err, diff)
		}
	}
	for _, c := range []struct{ url, says string }{
		{"host", "not an ssh URL"},
		{"http://host", "not an ssh URL"},
		{"ssh:host", "something follows the host"},
		{"ssh://", `"" is no host name`},
		{"ssh://-oProxyCommand=id", `"-oProxyCommand=id" is no host name`},
		{"ssh://$(id)", "is no host name"},
		{"ssh://a%20b", "invalid URL escape"},
		{"ssh://-l@host", `"-l" is no user name`},
		{"ssh://a;b@host", `"a;b" is no user name`},
		{"ssh://a%60id%60@host", "is no user name"},
		{"ssh://host:0", `"0" is no port`},
		{"ssh://host:70000", `"70000" is no port`},
		{"ssh://host:x", "invalid port"},
		{"ssh://host/path", "something follows the host"},
		{"ssh://host?x", "something follows the host"},
	} {
		if _, err := parseAddress(c.url); !errors.Is(err, ErrAddress) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %q", c.url, err, c.says)
		}
	}
	_, err := parseAddress("ssh://user:secret@host")
	if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "a password does not belong here") {
		t.Errorf("a password gave %v", err)
	}
}

// What is accepted can neither be an option nor reach a shell.
func FuzzParseAddress(f *testing.F) {
	f.Add("ssh://user@host:22")
	f.Add("ssh://[::1%25eth0]:1")
	f.Add("ssh://-oX@-oY")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAddress(text)
		if err != nil {
			return
		}
		if a.host == "" || strings.HasPrefix(a.host, "-") || strings.HasPrefix(a.user, "-") ||
			strings.ContainsAny(a.host+a.user, "'\"`$\\;&|<>(){}*?[]#!~ \t\r\n\x00") || a.port < 0 || a.port > 65535 {
			t.Errorf("%q was accepted as %+v", text, a)
		}
	})
}

var hostileWords = []string{"", "plain-1.2", "it's", `a\b`, `\`, `\\'`, "!", "a!b!", "$HOME `id` $(id)", "*?[a]~{b,c}", "a\tb", "é ⊕", "-n", "%d", "#x"}

// Every shell that is here reads a quoted word as the word.
func TestQuote(t *testing.T) {
	for _, shell := range []string{"sh", "dash", "bash", "zsh", "csh", "tcsh", "fish", "busybox"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			continue
		}
		t.Run(shell, func(t *testing.T) {
			args := []string{"-c", "printf '%s|' " + quoteAll(hostileWords)}
			if shell == "busybox" {
				args = append([]string{"sh"}, args...)
			}
			out, err := exec.Command(path, args...).CombinedOutput()
			if want := strings.Join(hostileWords, "|") + "|"; string(out) != want || err != nil {
				t.Errorf("%v: got %q, want %q", err, out, want)
			}
		})
	}
}

func FuzzQuote(f *testing.F) {
	for _, w := range hostileWords {
		f.Add(w)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if strings.Contains(word, "\x00") {
			return // no argument of any program
		}
		out, err := exec.Command("sh", "-c", "printf %s "+quote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q was read as %q: %v", word, out, err)
		}
	})
}

const answer = `Welcome to the host!
tpinfo:system Linux
tpinfo:release 6.12.1-rt
tpinfo:machine s390x
tpinfo:user op
tpinfo:capabilities 000000c000000000
tpinfo:sudo yes
tpinfo:cache /home/o p/.cache/tpinfo
tpinfo:tprun aa aa  -
tpinfo:tprun bb 17
tpinfo:tprun cc dd  -
tpinfo:end ` + `
`

func TestParseFacts(t *testing.T) {
	f, err := parseFacts(answer)
	if err != nil {
		t.Fatal(err)
	}
	want := Facts{Release: "6.12.1-rt", Machine: "s390x", Arch: "s390", ByteOrder: tpinfo.BigEndian, User: "op", Capable: true, Sudo: true,
		cache: "/home/o p/.cache/tpinfo", have: map[string]string{"aa": "aa", "bb": "17", "cc": "dd"}}
	if diff := cmp.Diff(want, f, cmp.AllowUnexported(Facts{})); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		digest string
		size   int
		want   bool
	}{{"aa", 1, true}, {"bb", 17, true}, {"bb", 18, false}, {"cc", 1, false}, {"ee", 1, false}} {
		if f.has(c.digest, c.size) != c.want {
			t.Errorf("has %s of %d bytes: %v", c.digest, c.size, !c.want)
		}
	}
	for _, c := range []struct{ from, to, says string }{
		{"system Linux", "system FreeBSD", "it runs FreeBSD"},
		{"machine s390x", "machine vax", "its architecture vax is not known here"},
		{"tpinfo:end", "", errAnswer.Error()},
		{"release", "other", errAnswer.Error()},
		{"000000c000000000", "many", `capabilities "many"`},
	} {
		if _, err := parseFacts(strings.Replace(answer, c.from, c.to, 1)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %q", c.to, err, c.says)
		}
	}
}

func TestCapabilities(t *testing.T) {
	for set, want := range map[string]bool{
		"0000000000000000": false, "000001ffffffffff": true, "0000000000200000": true,
		"0000008000000000": false, "0000004000000000": false, "000000c000000000": true,
	} {
		f, err := parseFacts(strings.Replace(answer, "000000c000000000", set, 1))
		if err != nil || f.Capable != want {
			t.Errorf("capabilities %s: %v, %v; want %v", set, f.Capable, err, want)
		}
	}
}

// An answer either gives what the compiler needs or an error.
func FuzzParseFacts(f *testing.F) {
	f.Add(answer)
	f.Add("tpinfo:end")
	f.Fuzz(func(t *testing.T, text string) {
		facts, err := parseFacts(text)
		if err == nil && (facts.Release == "" || facts.Arch == "" || facts.ByteOrder == "") {
			t.Errorf("%q gives %+v", text, facts)
		}
	})
}

// The scripts are words that every login shell takes: one line, and no quote
// of the kind that encloses them.
func TestScripts(t *testing.T) {
	scripts := map[string]string{"facts": factsScript, "send": sendScript, "cleaning": cleaningScript}
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		if strings.ContainsAny(scripts[name], "\n'") {
			t.Errorf("the %s script has a line end or a quote", name)
		}
		if out, err := exec.Command("sh", "-n", "-c", scripts[name]).CombinedOutput(); err != nil {
			t.Errorf("the %s script: %s", name, out)
		}
	}
	out, err := exec.Command("sh", "-c", factsScript).Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseFacts(string(out)); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}
