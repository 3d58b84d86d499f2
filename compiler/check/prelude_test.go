package check_test

import (
	"testing"

	"github.com/tpinfo/tpinfo/compiler/check/checktest"
)

// All of the prelude can be compiled.
func TestPrelude(t *testing.T) {
	checktest.WantLines(t, checktest.On(`p = task_current(); println(ppid(), pexecname(), euid(), egid(), task_state(p), task_cpu(p), task_prio(p), task_nice(p), task_uid(p), task_gid(p), task_tid(p), task_execname(p), is_myproc(), task_start_time(p));
println(gettimeofday_us(), gettimeofday_ms(), gettimeofday_s(), ktime_get_us(), local_clock_ms(), cpu_clock_s(0), isdigit("1"));
println(user_char(p), user_short(p), user_ushort(p), user_int(p), user_long(p), user_ulong(p), user_int8(p), user_uint8(p), user_int16(p), user_uint16(p), user_int32(p), user_uint32(p), user_int64(p), user_uint64(p), user_string_nofault(p), user_string_n_nofault(p, 8));
ansi_clear_screen(); ansi_set_color(1); ansi_set_color2(1, 2); ansi_set_color3(1, 2, 3); ansi_reset_color(); ansi_new_line(); ansi_cursor_move(1, 2); ansi_cursor_hide(); ansi_cursor_save(); ansi_cursor_restore(); ansi_cursor_show()`),
		"function task_nice(task:long) long", "return(sub(load(task + 44 s4), 120))", "return(load(load(task + 144 u8) + 20 u4))", "fact struct thread_info.cpu at 12 size 4: u32")
	wholePrelude(t, checktest.New())
}
