package render

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tpinfo/tpinfo/compiler/ir"
	"github.com/tpinfo/tpinfo/fixtures/tier"
)

// systemtap compiles SystemTap's own runtime as a program of this machine and
// returns what it answers; testdata/systemtap.c says what it can be asked.
func systemtap(t *testing.T, requests []string) []string {
	t.Helper()
	const runtime = "/usr/share/systemtap/runtime"
	tier.NeedTool(t, "gcc", "gcc")
	tier.NeedTool(t, "stap", "systemtap")
	program := filepath.Join(t.TempDir(), "systemtap")
	if text, err := exec.Command("gcc", "-w", "-o", program, "-I", runtime, "testdata/systemtap.c").CombinedOutput(); err != nil {
		tier.Skip(t, "SystemTap's runtime is not the one of version 4.8: %s", text)
	}
	cmd := exec.Command(program)
	cmd.Stdin = strings.NewReader(strings.Join(requests, "\n") + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var answers []string
	for lines := bufio.NewScanner(strings.NewReader(string(out))); lines.Scan(); {
		answer, err := hex.DecodeString(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, string(answer))
	}
	if len(answers) != len(requests) {
		t.Fatalf("%d answers to %d requests", len(answers), len(requests))
	}
	return answers
}

func hexed(s string) string { return "-" + hex.EncodeToString([]byte(s)) }

var numbers = []int64{0, 1, -1, 7, 8, 255, -256, 1 << 40, math.MaxInt64, math.MinInt64, 97, '\n', '\'', '\\', 200}

var texts = []string{"", "a", "hello, world", "tab\there", "caf\xc3\xa9", "\xff\xfe", "\"quoted\" \\", "\x01\x7f", "\U0001F600!"}

func TestFormatIsSystemTaps(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var requests, formats, got []string
	for range 4000 {
		part := ir.Part{
			Verb:  rune("diuxXocspb"[random.IntN(10)]),
			Minus: random.IntN(3) == 0, Plus: random.IntN(4) == 0, Space: random.IntN(4) == 0,
			Alt: random.IntN(3) == 0, Zero: random.IntN(3) == 0,
			Width: random.IntN(24) - 8, Prec: random.IntN(16) - 6,
		}
		format := "%"
		for _, flag := range []struct {
			on   bool
			text string
		}{{part.Minus, "-"}, {part.Plus, "+"}, {part.Space, " "}, {part.Alt, "#"}, {part.Zero, "0"}} {
			if flag.on {
				format += flag.text
			}
		}
		stars := random.IntN(3)
		width, prec := random.IntN(40)-20, random.IntN(14)-3
		var site ir.Site
		var values []Value
		star := func(n int) {
			site.Slots = append(site.Slots, ir.Slot{Type: ir.Long, Size: 8})
			values = append(values, Value{Type: ir.Long, Int: int64(n)})
		}
		switch {
		case stars > 0:
			format, part.Width = format+"*", ir.FromSlot
			star(width)
		case part.Width > 0:
			format += fmt.Sprint(part.Width)
		default:
			part.Width = ir.NoNumber
		}
		switch {
		case stars > 1:
			format, part.Prec = format+".*", ir.FromSlot
			star(prec)
		case part.Prec >= 0:
			format += fmt.Sprintf(".%d", part.Prec)
		default:
			part.Prec = ir.NoNumber
		}
		kind, argument, value := "l", "", Value{Type: ir.Long}
		switch part.Verb {
		case 's':
			value = Value{Type: ir.String, Str: texts[random.IntN(len(texts))]}
			kind, argument = "s", hexed(value.Str)
			format += "s"
		default:
			value.Int = numbers[random.IntN(len(numbers))]
			argument = fmt.Sprint(value.Int)
			if part.Verb == 'c' {
				kind = "c"
			}
			if strings.ContainsRune("diuxXo", part.Verb) {
				format += "ll"
			}
			format += string(part.Verb)
		}
		site.Slots = append(site.Slots, ir.Slot{Type: value.Type, Size: 128})
		site.Parts = []ir.Part{{Text: "<"}, part, {Text: ">"}}
		p := &Printer{Order: binary.NativeEndian}
		text, err := p.Format(nil, &site, append(values, value))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(text))
		formats = append(formats, fmt.Sprintf("%s with %d, %d, %q", format, width, prec, argument))
		requests = append(requests, fmt.Sprintf("f %s %d %d %d %s %s", hexed("<"+format+">"), stars, width, prec, kind, argument))
	}
	wrong := 0
	for i, want := range systemtap(t, requests) {
		if got[i] != want {
			if wrong++; wrong < 20 {
				t.Errorf("%s prints %q; SystemTap %q", formats[i], got[i], want)
			}
		}
	}
}

func TestHistogramIsSystemTaps(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var requests, got []string
	for range 400 {
		kind, a := "log", &ir.Aggregate{Log: true}
		if random.IntN(2) == 0 {
			kind, a = "linear", &ir.Aggregate{Linear: true, Start: random.Int64N(200) - 100, Width: random.Int64N(20) + 1}
			a.Stop = a.Start + a.Width*random.Int64N(60) + random.Int64N(a.Width)
		}
		buckets := make([]uint64, max(a.Buckets(), ir.LogBuckets))[:ir.LogBuckets]
		if kind == "linear" {
			buckets = make([]uint64, a.Buckets())
		}
		count := random.IntN(300) + 1
		spread := random.IntN(60)
		request := fmt.Sprintf("h %s %d %d %d %d", kind, a.Start, a.Stop, a.Width, count)
		for range count {
			n := random.Int64() >> (3 + spread)
			if random.IntN(1+random.IntN(20)) == 0 {
				n = -n / 3
			}
			request += fmt.Sprint(" ", n)
			if kind == "linear" {
				buckets[linear(a, n)]++
			} else {
				buckets[logarithmic(n)]++
			}
		}
		text, err := Histogram(nil, a, kind, buckets)
		if err != nil {
			t.Fatal(err)
		}
		got, requests = append(got, string(text)), append(requests, request)
	}
	for i, want := range systemtap(t, requests) {
		if got[i] != want {
			t.Fatalf("%s prints\n%s\nSystemTap\n%s", requests[i], got[i], want)
		}
	}
}

// The buckets as their rows describe them; package eval has those in use.
func logarithmic(n int64) int {
	if n < 0 {
		return ir.LogZero - bits.Len64(-uint64(n))
	}
	return ir.LogZero + bits.Len64(uint64(n))
}

func linear(a *ir.Aggregate, n int64) int64 {
	if n < a.Start {
		return 0
	}
	return min((n-a.Start)/a.Width+1, int64(a.Buckets()-1))
}

func TestQuoteIsSystemTaps(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var requests, got []string
	for range 2000 {
		text := ""
		for len(text) < random.IntN(80) {
			text += texts[random.IntN(len(texts))]
		}
		limit, quoted := 1+random.IntN(100), random.IntN(2)
		requests = append(requests, fmt.Sprintf("q %s %d %d", hexed(text), limit, quoted))
		got = append(got, Quote(text, limit, quoted == 1))
	}
	for i, want := range systemtap(t, requests) {
		if got[i] != want {
			t.Errorf("%s is %q; SystemTap %q", requests[i], got[i], want)
		}
	}
}
