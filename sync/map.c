/* tr_map: a scope, whose children stand in line for their turn before they are started. */
#include <troupe/gather.h>
#include <troupe/sync.h>

#include "runtime/task.h"

typedef struct mapping {
    tr_task_fn fn;
    tr_semaphore places; /* for those that run */
} mapping;

typedef struct errand {
    mapping *m;
    void *item;
} errand;

static int run_item(void *arg)
{
    const errand *e = arg;
    int rc = e->m->fn(e->item);

    /* Who starts the next one does not run before this one's failure, if it is one, is known. */
    (void)tr_semaphore_release(&e->m->places); /* it was taken */
    return rc;
}

static int start_next(tr_scope *s, mapping *m, void *item, const char *name)
{
    const errand e = { m, item };
    int rc = tr_semaphore_acquire(&m->places);

    return rc < 0 ? rc : tr__scope_spawn(s, TR_LOOP_ANY, run_item, &e, sizeof(e), name);
}

int tr__map(void *items, size_t n, size_t item_bytes, size_t limit, tr_task_fn fn, const char *name)
{
    mapping m = { fn, TR_SEMAPHORE_INIT(limit > 0 && limit < n ? limit : n) };
    int rc;

    if (fn == NULL || (n > 0 && (items == NULL || item_bytes == 0)))
        return TR_EINVAL;
    if (tr__task_here() == NULL)
        return TR_EWRONGPLACE;
    TR_SCOPE(s, &rc) {
        for (size_t i = 0; i < n; i++)
            if (start_next(s, &m, (char *)items + i * item_bytes, name) < 0)
                break; /* the scope knows why */
    }
    return rc;
}
