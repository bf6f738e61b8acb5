/* The jump between contexts on x86-64. */
#include "runtime/context.h"

#ifdef TR__CONTEXT_X86_64

#include <stddef.h>
#include <stdint.h>

_Static_assert(offsetof(tr__context, sp) == 0 && offsetof(tr__context, pc) == 8 &&
                   offsetof(tr__context, fp) == 16 && offsetof(tr__context, base) == 24,
               "as below");

/* Where a new context goes on: entry and arg are on its stack. */
__attribute__((visibility("hidden"))) extern void tr__context_trampoline(void);

/* tr__context_jump(rdi: from, rsi: to, rax: where from goes on). It is jumped to, so its caller is
 * at rax, and has the same stack pointer.
 *
 * For unwinders there is a caller at each instruction. Until all is saved it is in the registers;
 * then it is *rdi, whatever the registers hold (the escapes say, in DWARF's words: the CFA, that is
 * rsp, is at rdi, rip at rdi + 8, rbp at rdi + 16, rbx at rdi + 24); and when rdi becomes rsi, it
 * is the caller that goes on. So no moment is neither the one nor the other.
 *
 * The trampoline has no caller: unwinding ends there. rbp is 0, for those that follow frame
 * pointers. It jumps to entry, and pushes itself a return address, which is never used: a call
 * would leave one in the processor's predictor, too, and each return of the context that goes on
 * when this one has ended would be mispredicted (20 ns for a task that is awaited). */
#ifdef TR__ASAN
#define BEGIN "jmp tr__context_begin\n"
#else
#define BEGIN                                                                                      \
    "movq %rdi, %rax\n\t"                                                                          \
    "movq %rsi, %rdi\n\t"                                                                          \
    "jmpq *%rax\n"
#endif

__asm__(".text\n"
        ".p2align 4\n"
        ".globl tr__context_jump\n"
        ".hidden tr__context_jump\n"
        ".type tr__context_jump, @function\n"
        "tr__context_jump:\n\t"
        ".cfi_startproc\n\t"
        ".cfi_def_cfa rsp, 0\n\t"
        ".cfi_register rip, rax\n\t"
        "movq %rsp, 0(%rdi)\n\t"
        "movq %rax, 8(%rdi)\n\t"
        "movq %rbp, 16(%rdi)\n\t"
        "movq %rbx, 24(%rdi)\n\t"
        ".cfi_escape 0x0f, 3, 0x75, 0, 0x06\n\t"
        ".cfi_escape 0x10, 16, 2, 0x75, 8\n\t"
        ".cfi_escape 0x10, 6, 2, 0x75, 16\n\t"
        ".cfi_escape 0x10, 3, 2, 0x75, 24\n\t"
        "movq %rsi, %rdi\n\t"
        "movq 0(%rdi), %rsp\n\t"
        "movq 16(%rdi), %rbp\n\t"
        "movq 24(%rdi), %rbx\n\t"
        "jmpq *8(%rdi)\n\t"
        ".cfi_endproc\n"
        ".size tr__context_jump, . - tr__context_jump\n"
        ".p2align 4\n"
        ".globl tr__context_trampoline\n"
        ".hidden tr__context_trampoline\n"
        ".type tr__context_trampoline, @function\n"
        "tr__context_trampoline:\n\t"
        ".cfi_startproc\n\t"
        ".cfi_undefined rip\n\t"
        "endbr64\n\t"
        "popq %rdi\n\t"
        "popq %rsi\n\t"
        "leaq 1f(%rip), %rax\n\t"
        "pushq %rax\n\t" BEGIN "1:\n\t"
        "ud2\n\t"
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
