/* High-water marks. */
#include "observe/marks.h"

#include <string.h>

#include "base/log.h"
#include "base/seam.h"
#include "base/threads.h"
#include "runtime/task.h"

enum {
    MARKS = 256, /* names; what comes beyond them shares the last */
    NAME_BYTES = 48,
    PAGES_AT_ONCE = 256,
    WARN_PERCENT = 75
};

static const char others[] = "(others)";

typedef struct mark {
    char name[NAME_BYTES]; /* cut if need be; empty: unused */
    size_t used;           /* of the fullest */
    size_t bytes;          /* the size of that one's stack, without its guard */
    uint64_t tasks;
} mark;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static mark *marks; /* NULL: closed */

int tr__marks_open(void)
{
    mark *table = tr__alloc_zeroed(MARKS * sizeof(*table));

    tr__mutex_lock(&lock);
    marks = table;
    tr__mutex_unlock(&lock);
    return table != NULL ? 0 : TR_ENOMEM;
}

void tr__marks_close(void)
{
    tr__mutex_lock(&lock);
    tr__free(marks);
    marks = NULL;
    tr__mutex_unlock(&lock);
}

/* ---- one stack ---- */

/* The lowest byte of [low, top) that may have been used: all below is zero. */
static char *lowest_used(char *low, const char *top)
{
    uintptr_t *word = (uintptr_t *)(void *)low;

    while (word < (const uintptr_t *)(const void *)top && *word == 0)
        word++;
    return (char *)word;
}

/* The first page with memory behind it in [low, top); low, if the system does not tell. */
static char *lowest_page(char *low, char *top)
{
    size_t page = tr__page_bytes();
    unsigned char resident[PAGES_AT_ONCE];

    for (char *at = low; at < top; at += PAGES_AT_ONCE * page) {
        size_t pages = ((size_t)(top - at) + page - 1) / page;

        pages = pages < PAGES_AT_ONCE ? pages : PAGES_AT_ONCE;
        if (!tr__pages_resident(at, pages * page, resident))
            return at;
        for (size_t i = 0; i < pages; i++)
            if (resident[i] & 1)
                return at + i * page;
    }
    return top;
}

/* ---- the table ---- */

/* With the lock held. */
static mark *mark_of(const char *name)
{
    for (int i = 0; i < MARKS - 1; i++) {
        if (marks[i].name[0] == '\0')
            (void)snprintf(marks[i].name, NAME_BYTES, "%s", name);
        if (strncmp(marks[i].name, name, NAME_BYTES - 1) == 0)
            return &marks[i];
    }
    (void)snprintf(marks[MARKS - 1].name, NAME_BYTES, "%s", others);
    return &marks[MARKS - 1];
}

/* Whether it is fuller than that one, of the size of its stack. */
static bool is_fuller(size_t used, size_t bytes, const mark *than)
{
    return than->bytes == 0 ||
           (double)used / (double)bytes > (double)than->used / (double)than->bytes;
}

static void note(const char *name, size_t used, size_t bytes)
{
    mark *m;

    tr__mutex_lock(&lock);
    if (marks != NULL) {
        m = mark_of(name);
        m->tasks++;
        if (is_fuller(used, bytes, m)) {
            m->used = used;
            m->bytes = bytes;
        }
    }
    tr__mutex_unlock(&lock);
}

void tr__marks_take(tr__stack *stack)
{
    const tr_task *task;
    char *at;

    if (tr__valgrind_listens())
        return;
    tr__memory_unpoison(stack->low, (size_t)(stack->top - stack->low));
    task = tr__fiber_on(stack)->root.task;
    at = lowest_used(lowest_page(stack->low, stack->top), stack->top);
    note(task->name[0] != '\0' ? task->name : "(no name)", (size_t)(stack->top - at),
         (size_t)(stack->top - stack->low));
    memset(at, 0, (size_t)(stack->top - at));
    tr__memory_poison(stack->low, (size_t)(stack->top - stack->low));
}

/* ---- reports ---- */

static unsigned percent(const mark *m)
{
    return (unsigned)(m->used * 100 / m->bytes);
}

/* A copy of the i-th; false: there is none. */
static bool copy_mark(int i, mark *copy)
{
    bool is_there;

    tr__mutex_lock(&lock);
    is_there = marks != NULL && i < MARKS && marks[i].name[0] != '\0';
    if (is_there)
        *copy = marks[i];
    tr__mutex_unlock(&lock);
    return is_there;
}

void tr__marks_warn(void)
{
    mark m;

    for (int i = 0; i < MARKS; i++)
        if (copy_mark(i, &m) && percent(&m) > WARN_PERCENT)
            tr__log(TR_LOG_WARN,
                    "task '%s' has used %zu of its stack's %zu bytes (%u%%): spawn it with a "
                    "larger .stack_bytes",
                    m.name, m.used, m.bytes, percent(&m));
}

void tr__marks_print(FILE *out)
{
    bool is_printed[MARKS] = { false };
    mark m;

    for (;;) {
        mark fullest;
        int best = -1;

        for (int i = 0; i < MARKS; i++)
            if (!is_printed[i] && copy_mark(i, &m) &&
                (best < 0 || is_fuller(m.used, m.bytes, &fullest))) {
                fullest = m;
                best = i;
            }
        if (best < 0)
            return;
        is_printed[best] = true;
        (void)fprintf(out, "stack %3u%%  %zu of %zu bytes  tasks %llu  %s\n", percent(&fullest),
                      fullest.used, fullest.bytes, (unsigned long long)fullest.tasks, fullest.name);
    }
}
