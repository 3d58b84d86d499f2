package remote

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// address is what an ssh:// URL names. Host may be an alias of the user's ssh
// configuration.
type address struct {
	user, host string // user is empty for ssh's own choice
	port       int    // 0 for ssh's own choice
}

// A host and a user become words of a command line, and of the shell commands
// in which ssh's configuration mentions them (ProxyCommand, Match exec), so
// they hold no character that any of these could take for its own.
var (
	hostForm = regexp.MustCompile(`^[A-Za-z0-9_.:][A-Za-z0-9_.:%-]*$`)
	userForm = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.@+-]*$`)
)

// ErrAddress is the error of a URL that names no host.
var ErrAddress = errors.New("want ssh://[user@]host[:port]")

func parseAddress(text string) (address, error) {
	bad := func(why string) (address, error) {
		return address{}, fmt.Errorf("remote %q: %s; %w", text, why, ErrAddress)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		if e := (*url.Error)(nil); errors.As(err, &e) {
			err = e.Err // the text is quoted already
		}
		return bad(err.Error())
	case u.Scheme != "ssh":
		return bad("not an ssh URL")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return bad("something follows the host")
	case !hostForm.MatchString(u.Hostname()):
		return bad(fmt.Sprintf("%q is no host name", u.Hostname()))
	}
	a := address{host: u.Hostname()}
	if u.User != nil {
		a.user = u.User.Username()
		if _, secret := u.User.Password(); secret {
			return address{}, fmt.Errorf("remote %q: a password does not belong here; ssh asks for it, or takes a key", u.Redacted())
		}
		if !userForm.MatchString(a.user) {
			return bad(fmt.Sprintf("%q is no user name", a.user))
		}
	}
	if p := u.Port(); p != "" {
		if a.port, err = strconv.Atoi(p); err != nil || a.port < 1 || a.port > 65535 {
			return bad(fmt.Sprintf("%q is no port", p))
		}
	}
	return a, nil
}

// String is the address as messages name it.
func (a address) String() string {
	s := a.host
	if a.user != "" {
		s = a.user + "@" + s
	}
	if a.port != 0 {
		s += " port " + strconv.Itoa(a.port)
	}
	return s
}

// words are the address as ssh's arguments.
func (a address) words() []string {
	var w []string
	if a.port != 0 {
		w = append(w, "-p", strconv.Itoa(a.port))
	}
	if a.user != "" {
		w = append(w, "-l", a.user)
	}
	return append(w, "--", a.host)
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:=,@%+-]+$`)

// quote makes one word of s for the user's login shell on the host, whether a
// POSIX shell, csh or fish. What these read differently inside single quotes,
// they all read alike after a backslash outside.
func quote(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.NewReplacer("'", `'\''`, `\`, `'\\'`, "!", `'\!'`).Replace(s) + "'"
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return strings.Join(quoted, " ")
}
