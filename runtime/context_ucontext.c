/* Contexts on machines whose own jump nobody has written yet. */
#include "runtime/context.h"

#ifdef TR__CONTEXT_UCONTEXT

#include <stdint.h>

#include "base/assert.h"

/* makecontext hands on ints only: two a pointer. */
static void begin(unsigned entry_high, unsigned entry_low, unsigned arg_high, unsigned arg_low)
{
    uint64_t entry = (uint64_t)entry_high << 32 | entry_low;
    uint64_t arg = (uint64_t)arg_high << 32 | arg_low;

    tr__context_begin((void (*)(void *))(uintptr_t)entry, (void *)(uintptr_t)arg);
}

void tr__context_prepare(tr__context *context, void *low, void *top, void (*entry)(void *arg),
                         void *arg)
{
    uint64_t entry_bits = (uintptr_t)entry;
    uint64_t arg_bits = (uintptr_t)arg;

    TR_ASSERT(getcontext(&context->machine) == 0);
    context->machine.uc_link = NULL;
    context->machine.uc_stack.ss_sp = low;
    context->machine.uc_stack.ss_size = (size_t)((char *)top - (char *)low);
    makecontext(&context->machine, (void (*)(void))begin, 4, (unsigned)(entry_bits >> 32),
                (unsigned)entry_bits, (unsigned)(arg_bits >> 32), (unsigned)arg_bits);
}

#endif
