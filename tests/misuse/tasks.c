/* Misuse of tasks, scopes and blocks that the compiler has to refuse. See tests/house/misuse. */
#include <troupe.h>

struct work_args {
    const char *name;
    int count;
};

static int work(void *arg)
{
    const struct work_args *a = arg;

    return a->count;
}

static int plain(void *arg)
{
    (void)arg;
    return 0;
}

static void clean_up(void *arg)
{
    (void)arg;
}

int misuse(tr_task *t, tr_future *f, int *counter);
int misuse(tr_task *t, tr_future *f, int *counter)
{
    int rc = tr_task_spawn(&t, plain, NULL);

    rc += tr_task_spawn_on(&t, TR_LOOP(1), plain, NULL);
    rc += tr_task_spawn_with(&t, plain, NULL, &(tr_task_options){ .name = "x" });
    TR_DEFER(clean_up, counter);
    TR_SCOPE(s, &rc) {
        tr_go(s, work, .name = "x", .count = 1);
        tr_go_on(s, TR_LOOP(1), work, .name = "x");
        tr_scope_spawn(s, plain, NULL);
    }
    TR_DEADLINE(1.0, &rc) {
        rc = tr_await(f);
    }
    TR_SHIELD(TR_FOREVER) {
        (void)tr_task_wait(t, 1.0);
    }

#ifdef CASE_1 /* wants: incompatible type|incomplete|undefined|invalid use|invalid application */
    /* a task without a struct of arguments */
    TR_SCOPE(s, &rc) {
        tr_go(s, plain);
    }
#endif
#ifdef CASE_2 /* wants: no member named|designator .*does not refer */
    TR_SCOPE(s, &rc) {
        tr_go(s, work, .nam = "x");
    }
#endif
#ifdef CASE_3 /* wants: integer from pointer|incompatible pointer to integer */
    TR_SCOPE(s, &rc) {
        tr_go(s, work, .count = "x");
    }
#endif
#ifdef CASE_4 /* wants: incompatible pointer type|incompatible function pointer */
    /* a function that returns nothing is no task */
    rc += tr_task_spawn(&t, clean_up, NULL);
#endif
#ifdef CASE_5 /* wants: incompatible pointer type|incompatible function pointer */
    /* a deferred call returns nothing */
    TR_DEFER(plain, counter);
#endif
#ifdef CASE_6 /* wants: undeclared */
    /* a scope is known in its block alone */
    TR_SCOPE(s, &rc) {
    }
    (void)tr_scope_join(s);
#endif
#ifdef CASE_7 /* wants: undeclared */
    TR_SCOPE(s, &rc)
        tr_go(s, work, .count = 1);
    tr_go(s, work, .count = 2);
#endif
#ifdef CASE_8 /* wants: incompatible pointer type */
    /* a future is no task */
    rc += tr_task_wait(f, 1.0);
#endif
#ifdef CASE_9 /* wants: incompatible pointer type */
    rc += tr_await(t);
#endif
#ifdef CASE_10 /* wants: incompatible pointer type */
    rc += tr_task_spawn(t, plain, NULL);
#endif
#ifdef CASE_11 /* wants: integer to pointer|pointer from integer|incompatible integer */
    TR_SCOPE(s, rc) {
    }
#endif
#ifdef CASE_12 /* wants: incompatible type */
    /* swapped */
    TR_DEADLINE(&rc, 1.0) {
    }
#endif
#ifdef CASE_13 /* wants: too few arguments|expected expression */
    /* for how long? */
    TR_SHIELD() {
    }
#endif
#ifdef CASE_14 /* wants: no member named .stack.|designator .stack. does not refer */
    rc += tr_task_spawn_with(&t, plain, NULL, &(tr_task_options){ .stack = 1 });
#endif
#ifdef CASE_15 /* wants: incompatible pointer type */
    rc += tr_task_spawn_with(&t, plain, NULL, &(tr_config){ .loops = 1 });
#endif
#ifdef CASE_16 /* wants: too few arguments|expected expression */
    rc += tr_sleep();
#endif
    return rc;
}
