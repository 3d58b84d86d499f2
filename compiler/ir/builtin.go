package ir

// Side says where a built-in function can run.
type Side uint8

// The sides.
const (
	InKernel Side = 1 << iota
	InUser
	Anywhere = InKernel | InUser
)

// Function is a built-in function as a Builtin node calls it. What the language
// offers beyond these is written in the language itself (check's prelude).
type Function struct {
	Params []Type
	Result Type
	Sides  Side
	// Size of a String result in bytes with its NUL; 0 means StringSize.
	Size int
	// Steady: the same all through one run of a handler.
	Steady bool
}

func function(sides Side, result Type, params ...Type) Function {
	return Function{Params: params, Result: result, Sides: sides}
}

func steady(f Function) Function { f.Steady = true; return f }

func sized(f Function, size int) Function { f.Size = size; return f }

// ShownBy reports whether a function can be a Render's Call: it runs in user
// space alone, and makes a text of one value.
func ShownBy(f Function) bool {
	return f.Sides == InUser && len(f.Params) == 1 && f.Result == String
}

// Functions returns the built-in functions by name. In user space those about
// a process tell of the process that runs the probes.
func Functions() map[string]Function {
	return map[string]Function{
		"pid":      steady(function(Anywhere, Long)),
		"tid":      steady(function(Anywhere, Long)),
		"uid":      steady(function(Anywhere, Long)),
		"gid":      steady(function(Anywhere, Long)),
		"cpu":      steady(function(Anywhere, Long)),
		"target":   steady(function(Anywhere, Long)),
		"execname": steady(sized(function(Anywhere, String), 16)),
		// The address of the task_struct that runs; kernel side.
		"task_current": steady(function(InKernel, Long)),

		"ktime_get_ns":    function(Anywhere, Long), // CLOCK_MONOTONIC
		"gettimeofday_ns": function(Anywhere, Long), // CLOCK_REALTIME
		"jiffies":         function(Anywhere, Long),
		"get_cycles":      function(InUser, Long),
		"randint":         function(Anywhere, Long, Long),            // 0 to n-1
		"ctime":           sized(function(InUser, String, Long), 32), // seconds since 1970, in UTC
		"tz_ctime":        sized(function(InUser, String, Long), 40), // the same in local time

		"strlen":        function(Anywhere, Long, String),
		"substr":        function(Anywhere, String, String, Long, Long), // text, start, length
		"stringat":      function(Anywhere, Long, String, Long),
		"isinstr":       function(Anywhere, Long, String, String), // 1 when the second is in the first
		"strtol":        function(Anywhere, Long, String, Long),   // base
		"str_replace":   function(InUser, String, String, String, String),
		"tokenize":      function(InUser, String, String, String), // "" goes on with the text before
		"text_str":      function(InUser, String, String),         // escapes what is not printable
		"string_quoted": function(InUser, String, String),
		"syscall_name":  sized(function(InUser, String, Long), 32),
		"symname":       function(InUser, String, Long), // of a kernel address
		"symdata":       function(InUser, String, Long), // with offset and module
		"module_name":   function(InUser, String),
		"system":        function(InUser, Void, String), // only with --allow-system

		// The id of the kernel stack in StackMap, negative when there is
		// none. print_backtrace is a Print with a %s slot whose Render.Stack
		// tells so.
		"stackid": function(InKernel, Long),
	}
}
