/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included right after the kernel's kconfig.h: the configuration speaks of the
 * compiler that built the kernel, and this takes back what the compiler at
 * hand does not have. Each line names the first release with the feature
 * (gcc.gnu.org and clang.llvm.org release notes).
 */

#ifdef __clang__
#define __TPINFO_GCC(major) 0
#define __TPINFO_CLANG(major) (__clang_major__ >= (major))
#else
#define __TPINFO_GCC(major) (__GNUC__ >= (major))
#define __TPINFO_CLANG(major) 0
#endif

/* typeof_unqual of C23 */
#if !__TPINFO_GCC(14) && !__TPINFO_CLANG(19)
#undef CONFIG_CC_HAS_TYPEOF_UNQUAL
#undef USE_TYPEOF_UNQUAL
#endif

/* __attribute__((counted_by)), on flexible arrays and on pointers */
#if !__TPINFO_GCC(15) && !__TPINFO_CLANG(18)
#undef CONFIG_CC_HAS_COUNTED_BY
#endif
#if !__TPINFO_GCC(16) && !__TPINFO_CLANG(22)
#undef CONFIG_CC_HAS_COUNTED_BY_PTR
#endif

/* __attribute__((assume)) */
#if !__TPINFO_GCC(13) && !__TPINFO_CLANG(19)
#undef CONFIG_CC_HAS_ASSUME
#endif

/* named address spaces for per-CPU data: gcc only */
#ifdef __clang__
#undef CONFIG_CC_HAS_NAMED_AS
#undef CONFIG_USE_X86_SEG_SUPPORT
#endif

/* __builtin_counted_by_ref */
#if !__TPINFO_GCC(15) && !__TPINFO_CLANG(22)
#undef CONFIG_CC_HAS_BUILTIN_COUNTED_BY_REF
#endif

/* asm goto with outputs: gcc 11, clang 11 */
#if !__TPINFO_GCC(11) && !__TPINFO_CLANG(11)
#undef CONFIG_CC_HAS_ASM_GOTO_OUTPUT
#undef CONFIG_CC_HAS_ASM_GOTO_TIED_OUTPUT
#endif

/*
 * gcc loses the members of a transparent union in its debug information, and
 * the attribute changes calls only.
 */
#define __transparent_union__ __unused__

#undef __TPINFO_GCC
#undef __TPINFO_CLANG
