/* Backtraces by the C library's unwinder. */
#include "observe/backtrace.h"

#include <execinfo.h>
#include <stdio.h>
#include <string.h>

#include "observe/symbols.h"

/* Above the frame that is asked for: the handler's own, and the kernel's. */
enum { INNER_FRAMES = 8 };

void tr__trace_prepare(void)
{
    void *frame[1];

    (void)backtrace(frame, 1); /* only to have it load its library */
}

void tr__trace_take(tr__trace *trace, void *from, bool is_exact)
{
    void *all[TR__FRAMES_MAX + INNER_FRAMES];
    int count = backtrace(all, TR__FRAMES_MAX + INNER_FRAMES);
    int first = 0;

    while (from != NULL && first < count && all[first] != from)
        first++;
    trace->is_exact = is_exact;
    trace->count = 0;
    if (first == count) /* code without unwind tables: what is known for sure */
        trace->frame[trace->count++] = from;
    while (first < count && trace->count < TR__FRAMES_MAX)
        trace->frame[trace->count++] = all[first++];
}

/* What is the library's own, below all that users write, says nothing. */
static bool is_bottom(const char *name)
{
    static const char *const functions[] = { "tr__loop_main", "tr__context_", "task_main" };
    static const char *const files[] = { "(runtime/loop.c:", "(actors/dispatch.c:" };

    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (strncmp(name, functions[i], strlen(functions[i])) == 0)
            return true;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        if (strstr(name, files[i]) != NULL)
            return true;
    return false;
}

void tr__trace_write(const tr__trace *trace, char *text, size_t text_bytes)
{
    static const char cut[] = " < ...";
    size_t room = text_bytes - sizeof(cut);
    size_t length = 0;
    void *pc[TR__FRAMES_MAX];

    for (int i = 0; i < trace->count; i++) /* a return address may be the next function's */
        pc[i] = (char *)trace->frame[i] - (i > 0 || !trace->is_exact);
    tr__symbols_find(pc, trace->count);
    text[0] = '\0';
    for (int i = 0; i < trace->count; i++) {
        const char *name = tr__symbol_of(pc[i]);
        size_t bytes = strlen(name) + 3;

        if (i > 0 && is_bottom(name))
            break;
        if (length + bytes > room) {
            (void)snprintf(text + length, sizeof(cut), "%s", length > 0 ? cut : "...");
            break;
        }
        length += (size_t)snprintf(text + length, text_bytes - length, "%s%s",
                                   length > 0 ? " < " : "", name);
    }
}
