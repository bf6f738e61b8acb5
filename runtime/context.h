/* Contexts: suspended points of execution, each on a stack of its own, and the switch between them.
 *
 * The switch is a jump, not a call: the compiler is told that every register changes, so it keeps
 * only what it still needs; the rest of the work is to exchange the stack and the two registers
 * that a compiler may insist on. No return address is pushed or popped, so the processor's
 * predictor of returns loses no step: 2.6 ns in a loop of switches, where a function that saves all
 * registers and ends in `ret` takes 8.3; and 15 ns where six returns of other functions go with
 * each switch, instead of 24.
 *
 *   low                                                     top
 *    |  free  |  frames of what runs here  |  entry, arg     |
 *             ^ sp, while suspended
 *
 * A context never changes its thread. Compilers keep addresses of thread-locals (errno, ours)
 * across a switch, which is right only because of that.
 *
 * Not switched: the floating-point control state (rounding, exceptions, flush to zero). It is the
 * thread's: who changes it restores it before the next switch. Nor the signal mask.
 *
 * Indirect branch tracking (-fcf-protection=branch, -mbranch-protection=bti) and signed return
 * addresses work. Hardware shadow stacks do not: a thread has one only, and contexts would mix
 * theirs up on it. So the jump's object file never says that it supports them (see CMakeLists.txt),
 * and the C library leaves them off.
 *
 * Unwinding works everywhere, also from a signal within the jump, and ends at
 * tr__context_trampoline.
 *
 * -DTR__CONTEXT_UCONTEXT takes ucontext, as do machines not known here: it switches the signal
 * mask, too, at the price of two system calls.
 *
 * Threads: a context belongs to the thread that made it. */
#ifndef TR_RUNTIME_CONTEXT_H
#define TR_RUNTIME_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/sanitize.h"

#if defined(TR__CONTEXT_UCONTEXT)
/* asked for */
#elif defined(__x86_64__) && defined(__LP64__)
#define TR__CONTEXT_X86_64 1
#elif defined(__aarch64__) && defined(__LP64__)
#define TR__CONTEXT_AARCH64 1
#else
#define TR__CONTEXT_UCONTEXT 1
#endif

#ifdef TR__CONTEXT_UCONTEXT
#include <ucontext.h>
#endif

typedef struct tr__context {
#ifdef TR__CONTEXT_UCONTEXT
    ucontext_t machine;
#else
    /* The jump knows these four by their place. */
    void *sp;
    void *pc;
    void *fp;   /* rbp, x29 */
    void *base; /* rbx, x19: where a compiler finds its variables once it has aligned the stack */
#endif
#ifdef TR__ASAN
    const void *low; /* the stack: [low, low + bytes) */
    size_t bytes;
    void *fake_stack; /* ASan's, while suspended */
#endif
#ifdef TR__TSAN
    void *fiber; /* TSan's */
    int fiber_uses;
#endif
} tr__context;

/* The context of the running thread itself: a loop's own stack. */
void tr__context_init_thread(tr__context *context);
void tr__context_fini_thread(tr__context *context);

/* A context that calls entry(arg) on the stack [low, top) when it is first switched to. top is
 * 16-aligned; entry must never return: it leaves with tr__context_exit. */
void tr__context_make(tr__context *context, void *low, void *top, void (*entry)(void *arg),
                      void *arg);
/* When it will not be switched to again; not from within. Only sanitizers need it. */
void tr__context_fini(tr__context *context);

/* ---- what sanitizers are told ---- */

#if defined(TR__ASAN)

#include <sanitizer/common_interface_defs.h>

static TR__ALWAYS_INLINE void tr__context_depart(tr__context *from, tr__context *to, bool last)
{
    __sanitizer_start_switch_fiber(last ? NULL : &from->fake_stack, to->low, to->bytes);
}

#if TR__SIM
void tr__sim_arrive(
    void *fake_stack); /* sim/schedule.c: the threads of a simulation are contexts, too */
#endif

static TR__ALWAYS_INLINE void tr__context_arrive(void *fake_stack)
{
#if TR__SIM
    tr__sim_arrive(fake_stack);
#else
    __sanitizer_finish_switch_fiber(fake_stack, NULL, NULL);
#endif
}

static TR__ALWAYS_INLINE void tr__context_return(tr__context *here)
{
    tr__context_arrive(here->fake_stack);
}

#elif defined(TR__TSAN)

#include <sanitizer/tsan_interface.h>

static TR__ALWAYS_INLINE void tr__context_depart(tr__context *from, tr__context *to, bool last)
{
    (void)from;
    (void)last;
    __tsan_switch_to_fiber(to->fiber, 0); /* 0: what from did happens before what to does */
}

static TR__ALWAYS_INLINE void tr__context_arrive(void *fake_stack)
{
    (void)fake_stack;
}

static TR__ALWAYS_INLINE void tr__context_return(tr__context *here)
{
    (void)here;
}

#else

static TR__ALWAYS_INLINE void tr__context_depart(tr__context *from, tr__context *to, bool last)
{
    (void)from;
    (void)to;
    (void)last;
}

static TR__ALWAYS_INLINE void tr__context_arrive(void *fake_stack)
{
    (void)fake_stack;
}

static TR__ALWAYS_INLINE void tr__context_return(tr__context *here)
{
    (void)here;
}

#endif

/* ---- the jump ---- */

#if defined(TR__CONTEXT_X86_64)

#ifdef __AVX512F__
#define TR__CONTEXT_WIDE                                                                           \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",    \
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6",  \
        "k7"
#else
#define TR__CONTEXT_WIDE
#endif

/* To tr__context_jump (context_x86_64.c) with from, to, and where to go on. Nothing is pushed: what
 * stands below the stack pointer may be the caller's (the red zone). */
static TR__ALWAYS_INLINE void tr__context_swap(tr__context *from, tr__context *to)
{
    __asm__ volatile("leaq 1f(%%rip), %%rax\n\t"
                     "jmp tr__context_jump\n"
                     "1:\n\t"
                     "endbr64"
                     : "+D"(from), "+S"(to)
                     :
                     : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)",
                       "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)", "cc",
                       "memory" TR__CONTEXT_WIDE);
}

#undef TR__CONTEXT_WIDE

#elif defined(TR__CONTEXT_AARCH64)

#ifdef __ARM_FEATURE_SVE
#define TR__CONTEXT_WIDE                                                                           \
    , "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13",      \
        "p14", "p15"
#else
#define TR__CONTEXT_WIDE
#endif

/* To tr__context_jump (context_aarch64.c) with from, to, and where to go on. `hint 36` is `bti j`,
 * for assemblers that don't know it. */
static TR__ALWAYS_INLINE void tr__context_swap(tr__context *from, tr__context *to)
{
    register tr__context *x0 __asm__("x0") = from;
    register tr__context *x1 __asm__("x1") = to;

    __asm__ volatile("adr x9, 1f\n\t"
                     "b tr__context_jump\n"
                     "1:\n\t"
                     "hint 36"
                     : "+r"(x0), "+r"(x1)
                     :
                     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
                       "x14", "x15", "x16", "x17", "x18", "x20", "x21", "x22", "x23", "x24", "x25",
                       "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",
                       "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18",
                       "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29",
                       "v30", "v31", "cc", "memory" TR__CONTEXT_WIDE);
}

#undef TR__CONTEXT_WIDE

#else

static inline void tr__context_swap(tr__context *from, tr__context *to)
{
    (void)swapcontext(&from->machine, &to->machine); /* can't fail: the stack is there already */
}

#endif

#ifdef TR__CONTEXT_UCONTEXT
/* The C library does not say. */
static TR__ALWAYS_INLINE const void *tr__context_frames(const tr__context *context)
{
    return context;
}
#else
/* The innermost frame of one that does not run: a hint of what it will touch first. */
static TR__ALWAYS_INLINE const void *tr__context_frames(const tr__context *context)
{
    return context->sp;
}
#endif

/* Save the present point in *from, and go on at *to. */
static TR__ALWAYS_INLINE void tr__context_switch(tr__context *from, tr__context *to)
{
    tr__context_depart(from, to, false);
    tr__context_swap(from, to);
    tr__context_return(from);
}

/* The same for the last time: *from is never switched to again. */
static TR__ALWAYS_INLINE void tr__context_exit(tr__context *from, tr__context *to)
{
    tr__context_depart(from, to, true);
    tr__context_swap(from, to);
}

/* ---- inside ---- */

/* The first function on each stack. */
_Noreturn void tr__context_begin(void (*entry)(void *arg), void *arg);
/* Lay out the stack, and let the machine's part of the context begin with entry(arg). */
void tr__context_prepare(tr__context *context, void *low, void *top, void (*entry)(void *arg),
                         void *arg);

#endif
