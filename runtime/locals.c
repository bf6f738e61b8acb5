#include "runtime/locals.h"

#include "base/atomic.h"
#include "base/seam.h"

/* A value, shared by the tables in which it stands. */
typedef struct value {
    uint32_t references;
    void *value;
    void (*drop)(void *value);
} value;

typedef struct binding {
    const tr_local *key;
    value *value;
} binding;

struct tr__locals {
    uint32_t references; /* tasks, of whichever loop */
    uint32_t count;
    binding bindings[];
};

static void ref(uint32_t *references)
{
    (void)tr__add_ordered_u32(references, 1); /* ordered: a counter */
}

/* true: it was the last. */
static bool unref(uint32_t *references)
{
    /* ordered: the last one sees all that was done with it. */
    return tr__add_ordered_u32(references, -1U) == 1;
}

static void unref_value(value *v)
{
    if (!unref(&v->references))
        return;
    if (v->drop != NULL)
        v->drop(v->value);
    tr__free(v);
}

tr__locals *tr__locals_ref(tr__locals *locals)
{
    ref(&locals->references);
    return locals;
}

void tr__locals_unref(tr__locals *locals)
{
    if (!unref(&locals->references))
        return;
    for (uint32_t i = 0; i < locals->count; i++)
        unref_value(locals->bindings[i].value);
    tr__free(locals);
}

static const binding *find(const tr__locals *in, const tr_local *key)
{
    for (uint32_t i = 0; in != NULL && i < in->count; i++)
        if (in->bindings[i].key == key)
            return &in->bindings[i];
    return NULL;
}

/* A table with all that was there, and room for one more. */
static tr__locals *copy_without(const tr__locals *old, const tr_local *key)
{
    uint32_t count = old != NULL ? old->count : 0;
    tr__locals *copy = tr__alloc(sizeof(*copy) + (count + 1) * sizeof(binding));

    if (copy == NULL)
        return NULL;
    copy->references = 1;
    copy->count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (old->bindings[i].key != key) {
            copy->bindings[copy->count++] = old->bindings[i];
            ref(&old->bindings[i].value->references);
        }
    return copy;
}

static value *make_value(void *at, void (*drop)(void *value))
{
    value *v = tr__alloc(sizeof(*v));

    if (v != NULL)
        *v = (value){ .references = 1, .value = at, .drop = drop };
    return v;
}

static int bind(tr_task *task, const tr_local *key, void *at, void (*drop)(void *value))
{
    tr__locals *old = task->locals;
    value *v = make_value(at, drop);
    tr__locals *copy = v != NULL ? copy_without(old, key) : NULL;

    if (copy == NULL) {
        tr__free(v);
        return TR_ENOMEM;
    }
    copy->bindings[copy->count++] = (binding){ key, v };
    task->locals = copy;
    if (old != NULL)
        tr__locals_unref(old);
    return 0;
}

int tr_local_set(const tr_local *key, void *at, void (*drop)(void *value))
{
    tr_task *task = tr__task_here();
    int rc = TR_EINVAL;

    if (key != NULL)
        rc = task != NULL ? bind(task, key, at, drop) : TR_EWRONGPLACE;
    if (rc < 0 && drop != NULL)
        drop(at);
    return rc;
}

void *tr_local_get(const tr_local *key)
{
    const tr_task *task = tr__task_here();
    const binding *found = task != NULL ? find(task->locals, key) : NULL;

    return found != NULL ? found->value->value : NULL;
}
