/*
 * What SystemTap's own runtime prints, for tests to compare with. Compiled
 * with -I /usr/share/systemtap/runtime; what those files need of the kernel is
 * stood in for here. A request is a line, its answer a line in hexadecimal:
 *
 *	f FORMAT STARS WIDTH PRECISION l|c|s ARGUMENT   (strings in hexadecimal)
 *	h log|linear START STOP WIDTH COUNT VALUE...
 *	q TEXT LIMIT QUOTED
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint32_t u32;
struct context;

#define noinline
#define fallthrough __attribute__((fallthrough))
#define likely(x) (x)
#define unlikely(x) (x)
#define PAGE_SIZE 4096
#define MAXSTRINGLEN 128
#define STAP_VERSION(a, b) (((a) << 8) + (b))
#define STAP_COMPAT_VERSION STAP_VERSION(4, 8)
#define max(a, b) ((a) > (b) ? (a) : (b))
#define min_t(t, a, b) ((t)(a) < (t)(b) ? (t)(a) : (t)(b))
#define clamp(v, lo, hi) ({ __typeof__(v) v_ = (v); v_ < (lo) ? (lo) : v_ > (hi) ? (hi) : v_; })
#define clamp_t(t, v, lo, hi) clamp((t)(v), (t)(lo), (t)(hi))
#define to_oct_digit(c) ((c) + '0')
#define do_div(n, base) ({ uint64_t r_ = (n) % (base); (n) /= (base); (int)r_; })
#define kread(p) (*(p))
#define uread(p) (*(p))
#define STP_USER_DS 1
#define STP_KERNEL_DS 0
#define _stp_deref_nofault(v, size, p, seg) ((v) = *(p), 0)
#define _stp_div64(e, a, b) ((b) ? (a) / (b) : 0)
#define _stp_runtime_get_context() ((struct context *)1)
#define _stp_print_trylock_irqsave(f) 0
#define _stp_print_unlock_irqrestore(f)
#define _stp_reserve_bytes(n) NULL
#define _stp_unreserve_bytes(n)
#define _stp_error(...)
#define _stp_warn(...)
#define _stp_print_flush()
#define strlcpy(d, s, n) snprintf(d, n, "%s", s)

#define _STP_PRINT_H_ /* print.h is the kernel's side */
#define STP_BUFFER_SIZE 8192
#define _TRANSPORT_TRANSPORT_H_
#include "vsprintf.h"
#include "stat.h"
static int _stp_snprintf(char *buf, size_t size, const char *fmt, ...);
#include "vsprintf.c"
#include "stat-common.c"
#include "stp_string.c"

static char out[1 << 16];

static size_t unhex(const char *hex, char *to)
{
	size_t n = 0;
	unsigned c;

	if (*hex == '-')
		hex++; /* stands before every string, so that none is empty */
	for (; sscanf(hex, "%2x", &c) == 1; hex += 2)
		to[n++] = c;
	to[n] = 0;
	return n;
}

static void answer(size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%02x", (unsigned char)out[i]);
	puts("");
}

static int format(const char *fmt, int stars, int w, int p, char kind, char *text, int64_t n)
{
#define CALL(arg) \
	(stars == 0 ? _stp_snprintf(out, sizeof(out), fmt, arg) : \
	 stars == 1 ? _stp_snprintf(out, sizeof(out), fmt, w, arg) : \
		      _stp_snprintf(out, sizeof(out), fmt, w, p, arg))
	switch (kind) {
	case 's':
		return CALL(text);
	case 'c':
		return CALL((int)n);
	default:
		return CALL(n);
	}
}

static void histogram(void)
{
	static union { stat_data sd; char room[1 << 14]; } u;
	struct _Hist h = { 0 };
	char kind[16];
	int count;
	long long v;

	memset(&u, 0, sizeof(u));
	if (scanf("%15s %d %d %d %d", kind, &h.start, &h.stop, &h.interval, &count) != 5)
		exit(1);
	h.type = strcmp(kind, "log") ? HIST_LINEAR : HIST_LOG;
	h.buckets = h.type == HIST_LOG ? HIST_LOG_BUCKETS :
		_stp_stat_calc_buckets(h.stop, h.start, h.interval);
	while (count-- > 0 && scanf("%lld", &v) == 1)
		__stp_stat_add(&h, &u.sd, v, 1, 1, 1, 1, 0);
	out[0] = 0;
	_stp_stat_print_histogram_buf(out, sizeof(out), &h, &u.sd);
	answer(strlen(out));
}

int main(void)
{
	static char a[1 << 14], b[1 << 14], fmt[1 << 14], text[1 << 14];
	char what, kind;
	int stars, w, p;

	while (scanf(" %c", &what) == 1) {
		switch (what) {
		case 'f':
			if (scanf("%s %d %d %d %c %s", a, &stars, &w, &p, &kind, b) != 6)
				return 1;
			unhex(a, fmt);
			unhex(b, text);
			memset(out, 0, sizeof(out));
			answer(format(fmt, stars, w, p, kind, text, strtoll(b, NULL, 10)));
			break;
		case 'h':
			histogram();
			break;
		case 'q':
			if (scanf("%s %d %d", a, &w, &p) != 3)
				return 1;
			unhex(a, text);
			_stp_text_str(out, text, 0, w, p, 0, 0);
			answer(strlen(out));
			break;
		default:
			return 1;
		}
	}
	return 0;
}
