/* A task that overflows its stack is named before the process dies of it.
 *
 * A fault in the guard of the stack that runs on the thread writes a line to stderr; then what was
 * set for the signal before is set again, and the fault happens again: so a core dump, a debugger
 * and the program's own crash handler see it where it was. Every other fault is the business of
 * what was set before, as if nothing stood in between.
 *
 * Sanitizers report such faults themselves: built with one, these functions do nothing. */
#ifndef TR_RUNTIME_OVERFLOW_H
#define TR_RUNTIME_OVERFLOW_H

#include <stdbool.h>

#include "runtime/stack.h"

/* What runs on this thread; false: nothing that has a stack of ours. Async-signal-safe. */
typedef bool (*tr__overflow_find)(const tr__stack **stack, const char **name);

/* When the runtime starts, and when it stops: one at a time. 0; it can't fail. */
int tr__overflow_open(tr__overflow_find find);
/* A handler that was set over ours since stays, and may go on calling ours. */
void tr__overflow_close(void);

/* A stack for the handler on one thread, as there is no room on the one that overflowed. 0, or
 * TR_ENOMEM. *out may be NULL: none is needed. */
int tr__overflow_stack_new(void **out);
void tr__overflow_stack_free(void *stack);
/* On the thread, where it starts and ends. */
void tr__overflow_enter_thread(void *stack);
void tr__overflow_leave_thread(void *stack);

#endif
