/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the event macros mean while trace headers are read for their layout.
 *
 * Included once, after linux/tracepoint.h and linux/trace_events.h, before the
 * trace headers. Each event then leaves three marks in the object:
 *
 *   a function __tpinfo_args_EVENT with the event's parameters, whose DWARF
 *   tells their names and types;
 *
 *   a struct trace_event_raw_CLASS with the record, as the kernel's own stage 1
 *   lays it out (include/trace/stages/stage1_struct_define.h);
 *
 *   text in section tpinfo_events that ties them together: 'E', event, class,
 *   system, file, each ended by NUL. A class leaves 'C', its name, NUL, and the
 *   size of its record as an unsigned long, so that the compiler's own sizeof
 *   can be held against the DWARF.
 *
 * A unit that includes this may first define, to leave out what does not
 * compile:
 *
 *   __TPINFO_NO_ARGS_event   1    keep the event, give up its arguments
 *   __TPINFO_NO_RECORD_class 1    keep the class, give up its record
 *   __TPINFO_NAMES_ONLY      1    both, for all events until it is undefined
 */

/* __TPINFO_ON(flag): 1 when flag is defined as 1, else 0. */
#define __TPINFO_ON(flag) __TPINFO_ON_(flag)
#define __TPINFO_ON_(value) __TPINFO_ON__(__TPINFO_PAD_##value)
#define __TPINFO_ON__(pad) __TPINFO_SECOND(pad 1, 0, 0)
#define __TPINFO_PAD_1 0,
#define __TPINFO_SECOND(a, b, ...) b

#define __TPINFO_JOIN(a, b, c) __TPINFO_JOIN_(a, b, c)
#define __TPINFO_JOIN_(a, b, c) a##b##c
#define __TPINFO_TEXT(text...) __TPINFO_TEXT_(text)
#define __TPINFO_TEXT_(text...) #text

/*
 * Nobody calls the functions: gcc would spend a tenth of its time on optimising
 * their empty bodies. The unit as a whole is optimised, because inline
 * functions of the kernel do not compile otherwise ("impossible constraint").
 */
#ifdef __clang__
#define __TPINFO_AS_IS
#else
#define __TPINFO_AS_IS __attribute__((optimize(0)))
#endif

/* The three marks. Suffix 00: nothing was given up. */
#define __TPINFO_ARGS_00(name, proto...)				\
	__TPINFO_AS_IS void __tpinfo_args_##name(proto) { }
#define __TPINFO_ARGS_01(name, proto...)
#define __TPINFO_ARGS_10(name, proto...)
#define __TPINFO_ARGS_11(name, proto...)
#define __TPINFO_ARGS(name, proto...)					\
	__TPINFO_JOIN(__TPINFO_ARGS_, __TPINFO_ON(__TPINFO_NO_ARGS_##name), \
		      __TPINFO_ON(__TPINFO_NAMES_ONLY))(name, proto)

#define __TPINFO_RECORD_00(name, fields...)				\
	struct trace_event_raw_##name {					\
		struct trace_entry ent;					\
		fields							\
		char __data[];						\
	};								\
	static const struct {						\
		char text[sizeof("C\0" #name)];				\
		unsigned long size;					\
	} __attribute__((packed)) __tpinfo_class_##name			\
	__attribute__((used, section("tpinfo_events"), aligned(1))) =	\
		{ "C\0" #name, sizeof(struct trace_event_raw_##name) };
#define __TPINFO_RECORD_01(name, fields...)
#define __TPINFO_RECORD_10(name, fields...)
#define __TPINFO_RECORD_11(name, fields...)
#define __TPINFO_RECORD(name, fields...)				\
	__TPINFO_JOIN(__TPINFO_RECORD_, __TPINFO_ON(__TPINFO_NO_RECORD_##name), \
		      __TPINFO_ON(__TPINFO_NAMES_ONLY))(name, fields)

#define __TPINFO_EVENT(name, class)					\
	static const char __tpinfo_event_##name[]			\
	__attribute__((used, section("tpinfo_events"), aligned(1))) =	\
		"E\0" #name "\0" #class "\0"				\
		__TPINFO_TEXT(TRACE_SYSTEM) "\0" __FILE__;

/*
 * From 6.16 a bare DECLARE_TRACE(name) makes a tracepoint called name_tp, and
 * DECLARE_TRACE_EVENT one called name (include/linux/tracepoint.h).
 */
#ifdef DECLARE_TRACE_EVENT
#define __TPINFO_BARE(name, proto...)					\
	__TPINFO_ARGS(name##_tp, proto) __TPINFO_EVENT(name##_tp, )
#else
#define __TPINFO_BARE(name, proto...)					\
	__TPINFO_ARGS(name, proto) __TPINFO_EVENT(name, )
#endif

/* The vocabulary of trace headers: how their parts pass through. */
#undef PARAMS
#undef TP_PROTO
#undef TP_ARGS
#undef TP_CONDITION
#undef TP_STRUCT__entry
#undef TP_fast_assign
#undef TP_perf_assign
#undef TP_printk
#define PARAMS(args...) args
#define TP_PROTO(args...) args
#define TP_ARGS(args...)
#define TP_CONDITION(args...)
#define TP_STRUCT__entry(args...) args
#define TP_fast_assign(args...)
#define TP_perf_assign(args...)
#define TP_printk(fmt, args...)

/* Classes. */
#undef DECLARE_EVENT_CLASS
#undef DECLARE_EVENT_CLASS_NOP
#undef DECLARE_EVENT_SYSCALL_CLASS
#define DECLARE_EVENT_CLASS(name, proto, args, tstruct, assign, print)	\
	__TPINFO_RECORD(name, tstruct)
#define DECLARE_EVENT_SYSCALL_CLASS(name, proto, args, tstruct, assign, print) \
	__TPINFO_RECORD(name, tstruct)
#define DECLARE_EVENT_CLASS_NOP(name, proto, args, tstruct, assign, print)

/* Events of a class. */
#undef DEFINE_EVENT
#undef DEFINE_EVENT_FN
#undef DEFINE_EVENT_PRINT
#undef DEFINE_EVENT_CONDITION
#undef DEFINE_EVENT_WRITABLE
#undef DEFINE_EVENT_NOP
#undef DECLARE_EVENT_NOP
#define DEFINE_EVENT(class, name, proto, args)				\
	__TPINFO_ARGS(name, proto) __TPINFO_EVENT(name, class)
#define DEFINE_EVENT_FN(class, name, proto, args, reg, unreg)		\
	DEFINE_EVENT(class, name, PARAMS(proto), )
#define DEFINE_EVENT_PRINT(class, name, proto, args, print)		\
	DEFINE_EVENT(class, name, PARAMS(proto), )
#define DEFINE_EVENT_CONDITION(class, name, proto, args, cond)		\
	DEFINE_EVENT(class, name, PARAMS(proto), )
#define DEFINE_EVENT_WRITABLE(class, name, proto, args, size)		\
	DEFINE_EVENT(class, name, PARAMS(proto), )
#define DEFINE_EVENT_NOP(class, name, proto, args)
#define DECLARE_EVENT_NOP(name, proto, args)

/* An event that is its own class. */
#undef TRACE_EVENT
#undef TRACE_EVENT_FN
#undef TRACE_EVENT_FN_COND
#undef TRACE_EVENT_CONDITION
#undef TRACE_EVENT_SYSCALL
#undef TRACE_EVENT_MAP
#undef TRACE_EVENT_NOP
#undef TRACE_EVENT_FLAGS
#undef TRACE_EVENT_PERF_PERM
#define TRACE_EVENT(name, proto, args, tstruct, assign, print)		\
	__TPINFO_RECORD(name, tstruct) DEFINE_EVENT(name, name, PARAMS(proto), )
#define TRACE_EVENT_FN(name, proto, args, tstruct, assign, print, reg, unreg) \
	TRACE_EVENT(name, PARAMS(proto), , PARAMS(tstruct), , )
#define TRACE_EVENT_FN_COND(name, proto, args, cond, tstruct, assign, print, \
			    reg, unreg)					\
	TRACE_EVENT(name, PARAMS(proto), , PARAMS(tstruct), , )
#define TRACE_EVENT_CONDITION(name, proto, args, cond, tstruct, assign, print) \
	TRACE_EVENT(name, PARAMS(proto), , PARAMS(tstruct), , )
#define TRACE_EVENT_SYSCALL(name, proto, args, tstruct, assign, print, reg, \
			    unreg)					\
	TRACE_EVENT(name, PARAMS(proto), , PARAMS(tstruct), , )
#define TRACE_EVENT_MAP(name, map, proto, args, tstruct, assign, print)	\
	TRACE_EVENT(name, PARAMS(proto), , PARAMS(tstruct), , )
#define TRACE_EVENT_NOP(name, proto, args, tstruct, assign, print)
#define TRACE_EVENT_FLAGS(name, value)
#define TRACE_EVENT_PERF_PERM(name, expr...)

/* Tracepoints without a record. */
#undef DECLARE_TRACE
#undef DECLARE_TRACE_CONDITION
#undef DECLARE_TRACE_SYSCALL
#undef DECLARE_TRACE_WRITABLE
#undef DECLARE_TRACE_NOARGS
#undef DECLARE_TRACE_EVENT
#undef DECLARE_TRACE_EVENT_CONDITION
#undef DECLARE_TRACE_EVENT_SYSCALL
#define DECLARE_TRACE(name, proto, args) __TPINFO_BARE(name, proto)
#define DECLARE_TRACE_CONDITION(name, proto, args, cond) __TPINFO_BARE(name, proto)
#define DECLARE_TRACE_SYSCALL(name, proto, args) __TPINFO_BARE(name, proto)
#define DECLARE_TRACE_WRITABLE(name, proto, args, size) __TPINFO_BARE(name, proto)
#define DECLARE_TRACE_NOARGS(name) __TPINFO_BARE(name, void)
#define DECLARE_TRACE_EVENT(name, proto, args)				\
	__TPINFO_ARGS(name, proto) __TPINFO_EVENT(name, )
#define DECLARE_TRACE_EVENT_CONDITION(name, proto, args, cond)		\
	DECLARE_TRACE_EVENT(name, PARAMS(proto), )
#define DECLARE_TRACE_EVENT_SYSCALL(name, proto, args)			\
	DECLARE_TRACE_EVENT(name, PARAMS(proto), )

/* Enum values exported to user space: nothing to lay out. */
#undef TRACE_DEFINE_ENUM
#undef TRACE_DEFINE_SIZEOF
#define TRACE_DEFINE_ENUM(value)
#define TRACE_DEFINE_SIZEOF(type)

/*
 * Assertions lay out nothing, and one about a type of unknown size must not
 * fail the header.
 */
#undef static_assert
#undef BUILD_BUG_ON
#undef BUILD_BUG_ON_MSG
#define static_assert(args...)
#define _Static_assert(args...)
#define BUILD_BUG_ON(condition)
#define BUILD_BUG_ON_MSG(condition, message)

#include "tpinfo_fields.h"
