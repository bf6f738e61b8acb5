/* Where a thread is: return addresses, taken in a signal's handler or in a call that blocks, and
 * their names, found later, on the watcher's thread. */
#ifndef TR_OBSERVE_BACKTRACE_H
#define TR_OBSERVE_BACKTRACE_H

#include <stdbool.h>
#include <stddef.h>

#define TR__FRAMES_MAX 24

typedef struct tr__trace {
    int count;
    bool is_exact; /* the first is where the thread was; else it is a return address, as the rest */
    void *frame[TR__FRAMES_MAX];
} tr__trace;

/* Let the unwinder load what it needs: it allocates only now. */
void tr__trace_prepare(void);

/* The frames of this thread, from the one whose address is `from` outward: where a signal has
 * struck (is_exact), or where a function returns to; NULL: all. Async-signal-safe. */
void tr__trace_take(tr__trace *trace, void *from, bool is_exact);

/* Write the names, innermost first, to a text that is long enough for at least one: ends with 0.
 * It runs a program, and may take a while.
 * Threads: the watcher's. */
void tr__trace_write(const tr__trace *trace, char *text, size_t text_bytes);

#endif
