package syscalls

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const output = `
static int x = 1;
tpinfo_file "fs/open.c"
tpinfo_call "_open" { "const char *", "int", "umode_t" } { "filename", "flags", "mode" } tpinfo_end; extern long f(void);
tpinfo_call "_vhangup" { } { } tpinfo_end
tpinfo_file "kernel/signal.c"
tpinfo_call "_signal" { "int", "__sighandler_t" } { "sig", "handler" } tpinfo_end
tpinfo_undefined "kernel/signal.c" "ODD" tpinfo_end
tpinfo_prefix __x64_ tpinfo_end
tpinfo_number 2 __x64_sys_open tpinfo_end
tpinfo_number 153 __x64_sys_vhangup tpinfo_end tpinfo_number 999 __x64_compat_sys_other tpinfo_end
tpinfo_faults {
 struct syscall_metadata *sys_data = call->data;
 if (sys_data->enter_event != call) return;
 switch (nr) {
 case 1: case 2:
  sys_data->user_mask = tpinfo_bit 1; sys_data->user_arg_size = 2; break;
 case 3: sys_data->user_mask = tpinfo_bit (0) | tpinfo_bit (3); break;
 default: sys_data->user_mask = 0; return;
 }
 mask = sys_data->user_mask;
} tpinfo_end
`

func TestParse(t *testing.T) {
	got, err := parse(output)
	if err != nil {
		t.Fatal(err)
	}
	want := &answer{
		calls: []defined{
			{"open", "fs/open.c", []string{"const char *", "int", "umode_t"}, []string{"filename", "flags", "mode"}},
			{"vhangup", "fs/open.c", []string{}, []string{}},
			{"signal", "kernel/signal.c", []string{"int", "__sighandler_t"}, []string{"sig", "handler"}},
		},
		numbers:   map[string]int{"open": 2, "vhangup": 153},
		faults:    map[int]uint64{1: 2, 2: 2, 3: 9},
		undefined: [][2]string{{"kernel/signal.c", "ODD"}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(answer{}, defined{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"tpinfo_other x tpinfo_end":                                            "tpinfo_other is not expected",
		`tpinfo_call "_a" { "int" } { } tpinfo_end`:                            "1 types and 0 names",
		`tpinfo_call "_a" { "int" { } tpinfo_end`:                              `"{" in a list`,
		`tpinfo_call "_a" { "int", } { } tpinfo_end`:                           `"}" where a string belongs`,
		`tpinfo_call a { } { } tpinfo_end`:                                     `"a" where a string belongs`,
		`tpinfo_call "_a" { "int"`:                                             "tpinfo_call does not end",
		"tpinfo_number __NR_x __x64_sys_x tpinfo_end":                          `"__NR_x" where the number`,
		"tpinfo_faults { return; } tpinfo_end":                                 "no switch",
		"tpinfo_faults { switch (nr) { case __NR_write: } } tpinfo_end":        "a case",
		"tpinfo_faults { switch (nr) { case 1: user_mask = 6; } } tpinfo_end":  "a plain 6",
		"tpinfo_faults { switch (nr) { case 1: user_mask = f(); }} tpinfo_end": `"f" in the mask`,
	} {
		if _, err := parse(text); !errors.Is(err, ErrAnswer) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want one that says %q", text, err, says)
		}
	}
}

// FuzzParse holds that an answer is whole or refused.
func FuzzParse(f *testing.F) {
	f.Add(output)
	f.Add(`tpinfo_call "\x00" { "a", "b" } { "a" } tpinfo_end`)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parse(text)
		if err != nil {
			if !errors.Is(err, ErrAnswer) || a != nil {
				t.Fatalf("%v, %v", a, err)
			}
			return
		}
		for _, d := range a.calls {
			if d.name == "" || len(d.types) != len(d.names) {
				t.Errorf("half a call: %+v", d)
			}
		}
		for n := range a.faults {
			if n < 0 {
				t.Errorf("call %d", n)
			}
		}
	})
}
