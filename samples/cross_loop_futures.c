/* cross_loop_futures: futures that cross loops and threads.
 *
 * A future is a result that comes later (asyncio: Future; Go: a channel of capacity 1 that is used
 * once). Whoever has a reference may resolve it, from any thread, and whoever waits goes on where
 * it is at home: a task on its loop, a callback on the loop that it named. Here
 *   - a future of loop 0 is resolved on loop 1, and by a thread that knows of no loop;
 *   - that thread starts a task on loop 1 and blocks until it has ended: tr_submit, tr_future_wait
 *     (asyncio: run_coroutine_threadsafe);
 *   - tr_future_then calls a function on loop 1 when a future has ended (add_done_callback).
 *
 *   Build:   cc cross_loop_futures.c $(pkg-config --cflags --libs troupe) -pthread
 *   Prints:  loop 0 awaits loop 1: "made on loop 1"
 *            loop 0 awaits a thread: "made on a thread"
 *            a thread waits for a task on loop 1: 42
 *            loop 1 is called when loop 0 is done: TR_ETIMEDOUT */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>

/* The future owns the copy, and frees it with free, unless somebody takes it. */
static int resolve_with(tr_future *f, const char *text)
{
    return tr_future_resolve(f, strdup(text), free);
}

struct resolver_args {
    tr_future *promise;
};

static int resolver(void *arg)
{
    const struct resolver_args *a = arg;

    return resolve_with(a->promise, tr_loop_current() == TR_LOOP(1) ? "made on loop 1" : "lost");
}

static int await_other_loop(void)
{
    tr_future *f;
    int rc = tr_future_new(&f);

    if (rc < 0)
        return rc;
    TR_SCOPE(s, &rc) {
        tr_go_on(s, TR_LOOP(1), resolver, .promise = f); /* a sibling that runs elsewhere */
        if (tr_await(f) >= 0)
            printf("loop 0 awaits loop 1: \"%s\"\n", (const char *)tr_future_peek(f));
    }
    tr_future_unref(f);
    return rc;
}

/* ---- a foreign thread ---- */

static int compute(void *arg)
{
    int *number = arg;
    int rc = tr_sleep(0.01);

    *number = tr_loop_current() == TR_LOOP(1) ? 42 : 0;
    return rc;
}

static void *run_thread(void *arg)
{
    tr_future *promise = arg, *task;
    int number = 0, rc = resolve_with(promise, "made on a thread");

    if (rc >= 0)
        rc = tr_submit(&task, TR_LOOP(1), compute, &number);
    if (rc >= 0) {
        rc = tr_future_wait(task, TR_FOREVER); /* number is on this stack: wait without a limit */
        tr_future_unref(task);
    }
    printf("a thread waits for a task on loop 1: %d\n", rc < 0 ? rc : number);
    return NULL;
}

static int join(void *arg)
{
    return -pthread_join(*(pthread_t *)arg, NULL);
}

static int await_thread(void)
{
    pthread_t thread;
    tr_future *f;
    int rc = tr_future_new(&f);

    if (rc >= 0)
        rc = -pthread_create(&thread, NULL, run_thread, f);
    if (rc < 0)
        return rc;
    if (tr_await(f) >= 0)
        printf("loop 0 awaits a thread: \"%s\"\n", (const char *)tr_future_peek(f));
    TR_SHIELD(TR_FOREVER) /* the thread needs the future, also after Ctrl-C */
    {
        rc = tr_to_thread(join, &thread); /* which blocks: not on a loop */
    }
    tr_future_unref(f);
    return rc;
}

/* ---- a callback on another loop ---- */

static void on_end(tr_future *f, int status, void *arg)
{
    (void)f;
    printf("loop %d is called when loop 0 is done: %s\n", tr_loop_current() - TR_LOOP(0),
           tr_err_name(status));
    (void)tr_future_resolve(arg, NULL, NULL); /* app may go on */
}

static int call_back(void)
{
    tr_future *work, *called;
    int rc = tr_future_new(&called);

    if (rc >= 0 && (rc = tr_future_new(&work)) >= 0) {
        rc = tr_future_then(work, TR_LOOP(1), on_end, called);
        (void)tr_future_fail(work, TR_ETIMEDOUT);
        rc = rc < 0 ? rc : tr_await(called);
        tr_future_unref(work);
    }
    tr_future_unref(called);
    return rc;
}

static int app(void *arg)
{
    int rc = await_other_loop();

    (void)arg;
    if (rc >= 0)
        rc = await_thread();
    return rc < 0 ? rc : call_back();
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, &(tr_config){ .loops = 2 });
}
