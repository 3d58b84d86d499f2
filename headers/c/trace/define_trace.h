/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands for the kernel's trace/define_trace.h, which every trace header
 * includes at its end, outside its guard. Where CREATE_TRACE_POINTS is
 * defined, as in the one source file that instantiates the header, the kernel
 * reads the header again from here to generate code; this reads it again for
 * its layout, with the macros of tpinfo_events.h. Which header that is, and
 * what follows, goes exactly the kernel's way.
 */

#ifdef CREATE_TRACE_POINTS

/* Prevent recursion */
#undef CREATE_TRACE_POINTS

#include <linux/stringify.h>
#include <linux/tracepoint.h>
#include <linux/trace_events.h>
#include "../tpinfo_events.h"

#undef TRACE_INCLUDE
#undef __TRACE_INCLUDE

#ifndef TRACE_INCLUDE_FILE
# define TRACE_INCLUDE_FILE TRACE_SYSTEM
# define UNDEF_TRACE_INCLUDE_FILE
#endif

#ifndef TRACE_INCLUDE_PATH
# define __TRACE_INCLUDE(system) <trace/events/system.h>
# define UNDEF_TRACE_INCLUDE_PATH
#else
# define __TRACE_INCLUDE(system) __stringify(TRACE_INCLUDE_PATH/system.h)
#endif

# define TRACE_INCLUDE(system) __TRACE_INCLUDE(system)

#define TRACE_HEADER_MULTI_READ

#include TRACE_INCLUDE(TRACE_INCLUDE_FILE)

#undef TRACE_HEADER_MULTI_READ

/* Only undef what was defined in this file */
#ifdef UNDEF_TRACE_INCLUDE_FILE
# undef TRACE_INCLUDE_FILE
# undef UNDEF_TRACE_INCLUDE_FILE
#endif

#ifdef UNDEF_TRACE_INCLUDE_PATH
# undef TRACE_INCLUDE_PATH
# undef UNDEF_TRACE_INCLUDE_PATH
#endif

/* The kernel's own meaning again, for whatever comes behind. */
#include "../tpinfo_end.h"
#include <linux/tracepoint.h>

/* There may be more headers to instantiate */
#define CREATE_TRACE_POINTS

#endif /* CREATE_TRACE_POINTS */
