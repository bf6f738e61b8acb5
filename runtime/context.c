/* Contexts: what is the same on every machine. */
#include "runtime/context.h"

#include <stdint.h>

#include "base/assert.h"
#include "base/atomic.h"
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

/* TSan has room for some 8,000 fibers, and takes milliseconds and a megabyte to make one: so each
 * is used again, by its own thread: what it knows of that one's past would hide another one's
 * races. But TSan never learns that the functions which ran at an exit are over, and its record of
 * them grows with each use: so not too often. What is idle takes the room of other threads' fibers.
 */
enum { FIBER_USES = 100, IDLE_MAX = 2048, IDLE_MAX_IN_ALL = 3072 };

typedef struct idle_fiber {
    void *fiber;
    int uses;
} idle_fiber;

static _Thread_local idle_fiber idle[IDLE_MAX];
static _Thread_local int idle_count;
static uint64_t idle_in_all;

static void change_idle(int by)
{
    idle_count += by;
    /* relaxed: a count that publishes nothing; an order would hide races from TSan. */
    (void)tr__add_relaxed_u64(&idle_in_all, (uint64_t)by);
}

static bool may_be_idle(const tr__context *context)
{
    /* relaxed: a few more or less do no harm. */
    return tr__load_relaxed_u64(&idle_in_all) < IDLE_MAX_IN_ALL && idle_count < IDLE_MAX &&
           context->fiber_uses < FIBER_USES;
}

static void describe_thread(tr__context *context)
{
    context->fiber = __tsan_get_current_fiber();
}

static void describe(tr__context *context, const char *low, const char *top)
{
    (void)low;
    (void)top;
    if (idle_count > 0) {
        change_idle(-1);
        context->fiber = idle[idle_count].fiber;
        context->fiber_uses = idle[idle_count].uses + 1;
    } else {
        context->fiber = __tsan_create_fiber(0);
        context->fiber_uses = 1;
    }
}

static void forget(tr__context *context)
{
    if (may_be_idle(context)) {
        idle[idle_count] = (idle_fiber){ context->fiber, context->fiber_uses };
        change_idle(1);
    } else {
        __tsan_destroy_fiber(context->fiber);
    }
    context->fiber = NULL;
}

static void forget_thread(void)
{
    while (idle_count > 0) {
        change_idle(-1);
        __tsan_destroy_fiber(idle[idle_count].fiber);
    }
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
