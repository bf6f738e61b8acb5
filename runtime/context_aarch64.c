/* The jump between contexts on AArch64. */
#include "runtime/context.h"

#ifdef TR__CONTEXT_AARCH64

#include <stddef.h>
#include <stdint.h>

_Static_assert(offsetof(tr__context, sp) == 0 && offsetof(tr__context, pc) == 8 &&
                   offsetof(tr__context, fp) == 16 && offsetof(tr__context, base) == 24,
               "as below");

/* Where a new context goes on: entry and arg are on its stack. */
__attribute__((visibility("hidden"))) extern void tr__context_trampoline(void);

/* tr__context_jump(x0: from, x1: to, x9: where from goes on). It is jumped to, so its caller is at
 * x9, and has the same stack pointer.
 *
 * For unwinders there is a caller at each instruction. Until all is saved it is in the registers;
 * then it is *x0, whatever the registers hold (the escapes say, in DWARF's words: the CFA, that is
 * sp, is at x0, x30 at x0 + 8, x29 at x0 + 16, x19 at x0 + 24); and when x0 becomes x1, it is the
 * caller that goes on. So no moment is neither the one nor the other.
 *
 * The trampoline has no caller: unwinding ends there. x29 is 0, for those that follow frame
 * pointers. It jumps to entry, as on x86-64. */
#ifdef TR__ASAN
#define BEGIN "b tr__context_begin\n"
#else
#define BEGIN                                                                                      \
    "mov x16, x0\n\t"                                                                              \
    "mov x0, x1\n\t"                                                                               \
    "br x16\n"
#endif

__asm__(".text\n"
        ".p2align 4\n"
        ".globl tr__context_jump\n"
        ".hidden tr__context_jump\n"
        ".type tr__context_jump, %function\n"
        "tr__context_jump:\n\t"
        ".cfi_startproc\n\t"
        ".cfi_def_cfa sp, 0\n\t"
        ".cfi_register x30, x9\n\t"
        "mov x10, sp\n\t"
        "stp x10, x9, [x0]\n\t"
        "stp x29, x19, [x0, #16]\n\t"
        ".cfi_escape 0x0f, 3, 0x70, 0, 0x06\n\t"
        ".cfi_escape 0x10, 30, 2, 0x70, 8\n\t"
        ".cfi_escape 0x10, 29, 2, 0x70, 16\n\t"
        ".cfi_escape 0x10, 19, 2, 0x70, 24\n\t"
        "mov x0, x1\n\t"
        "ldp x10, x9, [x0]\n\t"
        "ldp x29, x19, [x0, #16]\n\t"
        "mov sp, x10\n\t"
        "br x9\n\t"
        ".cfi_endproc\n"
        ".size tr__context_jump, . - tr__context_jump\n"
        ".p2align 4\n"
        ".globl tr__context_trampoline\n"
        ".hidden tr__context_trampoline\n"
        ".type tr__context_trampoline, %function\n"
        "tr__context_trampoline:\n\t"
        ".cfi_startproc\n\t"
        ".cfi_undefined x30\n\t"
        "hint 36\n\t" /* bti j */
        "ldp x0, x1, [sp], #16\n\t"
        "adr x30, 1f\n\t" BEGIN "1:\n\t"
        "brk 1\n\t"
        ".cfi_endproc\n"
        ".size tr__context_trampoline, . - tr__context_trampoline\n");

#undef BEGIN

void tr__context_prepare(tr__context *context, void *low, void *top, void (*entry)(void *arg),
                         void *arg)
{
    uintptr_t *at = top;

    (void)low;
    *--at = (uintptr_t)arg;
    *--at = (uintptr_t)entry;
    context->sp = at;
    context->pc = (void *)(uintptr_t)tr__context_trampoline;
    context->fp = NULL;
    context->base = NULL;
}

#endif
