package remote

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// sendScript puts its standard input into a program's file, whole or not at
// all, and prints the file's name. Its arguments are the folder, or nothing
// for a new one, the SHA-256 and the size in bytes. A sender that vanishes
// ends the input early, and the size shows it.
const sendScript = `umask 077; d=$1; ` +
	`if [ -z "$d" ]; then d=$(mktemp -d "${TMPDIR:-/tmp}/tpinfo.XXXXXX") || exit 1; new=$d; fi; ` +
	`f=$d/tprun-$2; t=$f.$$; trap "rm -f \"\$t\"; [ -z \"\$new\" ] || rm -rf \"\$new\"" EXIT; ` +
	`cat >"$t" || exit 1; n=$(wc -c <"$t"); ` +
	`if [ "$n" -ne "$3" ]; then echo "$n of $3 bytes came through" >&2; exit 1; fi; ` +
	`if command -v sha256sum >/dev/null 2>&1; then s=$(sha256sum <"$t"); ` +
	`if [ "${s%% *}" != "$2" ]; then echo "the bytes that came through are others" >&2; exit 1; fi; fi; ` +
	`chmod 700 "$t" && mv "$t" "$f" || exit 1; new=; ` +
	`find "$d" -name "tprun-*" -mtime +30 -exec rm -f {} +; printf "tpinfo:%s %s\n" sent "$f"`

// send brings tprun to the host unless it is there, and says where it is.
func (h *Host) send(ctx context.Context) (file string, err error) {
	tprun, err := h.opts.Tprun(h.facts.Arch)
	if err != nil {
		return "", fmt.Errorf("%v needs a tprun for %s: %w", h.address, h.facts.Arch, err)
	}
	sum := sha256.Sum256(tprun)
	digest := hex.EncodeToString(sum[:])
	h.sending.Lock()
	defer h.sending.Unlock()
	if h.facts.has(digest, len(tprun)) {
		return h.facts.cache + "/tprun-" + digest, nil
	}
	h.say("%v: sending tprun, %.1f MB", h.address, float64(len(tprun))/1e6)
	size := strconv.Itoa(len(tprun))
	cmd := h.command(ctx, false, "exec "+quoteAll([]string{"sh", "-c", sendScript, "sh", h.facts.cache, digest, size}))
	cmd.Stdin = bytes.NewReader(tprun)
	answer, err := h.step(ctx, cmd)
	if err != nil {
		where := h.facts.cache
		if where == "" {
			where = "a temporary folder"
		}
		return "", fmt.Errorf("send tprun to %s: %w", where, err)
	}
	for line := range strings.Lines(answer) {
		if file, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), mark+"sent "); ok {
			if h.facts.cache != "" {
				h.facts.have[digest] = digest
			}
			return file, nil
		}
	}
	return "", fmt.Errorf("send tprun to %v: it does not say where it put it", h.address)
}
