/* Locks: what must hold across an await is guarded by one, also between tasks of one loop.
 *
 *   Prints:  without a lock: 1
 *            with a lock: 10 */
#include <stdio.h>
#include <troupe.h>

struct counter {
    tr_mutex lock; /* one of zeros is ready */
    int value;
};

static int add(void *arg)
{
    struct counter *c = arg;
    int value = c->value;
    int rc = tr_yield(); /* here the others do the same */

    c->value = value + 1;
    return rc;
}

static int add_locked(void *arg)
{
    struct counter *c = arg;
    int rc;

    TR_LOCKED(&rc, &c->lock)
    {
        return add(c); /* the lock is given back */
    }
    return rc;
}

static int count(const char *title, tr_task_fn fn)
{
    struct counter counter = { 0 };
    int rc;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 10; i++)
            tr_scope_spawn(s, fn, &counter);
    }
    return rc < 0 ? rc : printf("%s: %d\n", title, counter.value);
}

static int app(void *arg)
{
    int rc = count("without a lock", add);

    (void)arg;
    return rc < 0 ? rc : count("with a lock", add_locked);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
