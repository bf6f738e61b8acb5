/* Contexts: what is the same on every machine. */
#include "runtime/context.h"

#include <stdint.h>

#include "base/assert.h"
#include "base/threads.h"

/* ---- what sanitizers are told ---- */

#if defined(TR__ASAN)

static void describe_thread(tr__context *context)
{
    tr__thread_stack(&context->low, &context->bytes);
}

static void describe(tr__context *context, const char *low, const char *top)
{
    context->low = low;
    context->bytes = (size_t)(top - low);
}

static void forget(tr__context *context)
{
    (void)context;
}

static void forget_thread(void)
{
}

#elif defined(TR__TSAN)

/* TSan has room for some 8,000 fibers, and takes some milliseconds to make one: so each is
 * used again. But TSan never learns that the functions which ran at an exit are over, and its
 * record of them grows with each use: so not too often. */
enum { FIBER_USES = 100, IDLE_MAX = 256 };

typedef struct idle_fiber {
    void *fiber;
    int uses;
} idle_fiber;

static _Thread_local idle_fiber idle[IDLE_MAX];
static _Thread_local int idle_count;

static void describe_thread(tr__context *context)
{
    context->fiber = __tsan_get_current_fiber();
}

static void describe(tr__context *context, const char *low, const char *top)
{
    (void)low;
    (void)top;
    if (idle_count > 0) {
        context->fiber = idle[--idle_count].fiber;
        context->fiber_uses = idle[idle_count].uses + 1;
    } else {
        context->fiber = __tsan_create_fiber(0);
        context->fiber_uses = 1;
    }
}

static void forget(tr__context *context)
{
    if (context->fiber_uses < FIBER_USES && idle_count < IDLE_MAX)
        idle[idle_count++] = (idle_fiber){ context->fiber, context->fiber_uses };
    else
        __tsan_destroy_fiber(context->fiber);
    context->fiber = NULL;
}

static void forget_thread(void)
{
    while (idle_count > 0)
        __tsan_destroy_fiber(idle[--idle_count].fiber);
}

#else

static void describe_thread(tr__context *context)
{
    (void)context;
}

static void describe(tr__context *context, const char *low, const char *top)
{
    (void)context;
    (void)low;
    (void)top;
}

static void forget(tr__context *context)
{
    (void)context;
}

static void forget_thread(void)
{
}

#endif

/* ---- contexts ---- */

void tr__context_init_thread(tr__context *context)
{
    describe_thread(context);
}

void tr__context_fini_thread(tr__context *context)
{
    (void)context;
    forget_thread();
}

void tr__context_make(tr__context *context, void *low, void *top, void (*entry)(void *arg),
                      void *arg)
{
    TR_DCHECK((uintptr_t)top % 16 == 0);
    describe(context, low, top);
    tr__context_prepare(context, low, top, entry, arg);
}

void tr__context_fini(tr__context *context)
{
    forget(context);
}

_Noreturn void tr__context_begin(void (*entry)(void *arg), void *arg)
{
    tr__context_arrive(NULL);
    entry(arg);
    TR_ASSERT(!"a context's entry never returns");
    __builtin_unreachable();
}
