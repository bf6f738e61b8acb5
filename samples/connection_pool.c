/* connection_pool: a few connections that many tasks share, on all loops.
 *
 * asyncio's Semaphore, Lock and Condition, and what goes well with them:
 *   - a semaphore counts the connections that are free: who finds none waits for his turn, as long
 *     as he likes;
 *   - a mutex guards the list of them, for a few instructions (TR_LOCKED);
 *   - tr_once lets whoever gets a connection first open it, while others wait;
 *   - a limiter spares the server: 1000 queries a second, and 10 at once;
 *   - a condition tells the program that all queries have been answered.
 * A task that is cancelled at any of these gives back what it has: try Ctrl-C.
 *
 *   Build:   cc connection_pool.c $(pkg-config --cflags --libs troupe) -pthread
 *   Prints:  30 queries were answered
 *            a query that waits 10 ms at most: TR_ETIMEDOUT */
#include <stdio.h>
#include <troupe.h>

enum { SIZE = 3, QUERIES = 30 };

typedef struct connection {
    tr_once opened;
} connection;

static connection all[SIZE];
static connection *idle[SIZE] = { &all[0], &all[1], &all[2] }; /* guarded by the lock */
static int idle_count = SIZE;
static int answered; /* so is this */
static tr_mutex lock;
static tr_cond changed;
static tr_semaphore free_ones = TR_SEMAPHORE_INIT(SIZE);
static tr_limiter rate = TR_LIMITER_INIT(1000, 10);

static int check_out(connection **out, double patience)
{
    int rc = tr_semaphore_acquire_for(&free_ones, patience);

    if (rc < 0)
        return rc;
    TR_LOCKED(&rc, &lock)
    {
        *out = idle[--idle_count];
        return 0;
    }
    (void)tr_semaphore_release(&free_ones); /* cancelled in between */
    return rc;
}

static void check_in(void *c)
{
    TR_SHIELD(TR_FOREVER) /* also by one who is cancelled */
        TR_LOCKED(NULL, &lock)
        {
            idle[idle_count++] = c;
        }
    (void)tr_semaphore_release(&free_ones);
}

static int open_connection(void *c)
{
    (void)c;
    return tr_sleep(0.002); /* if it fails, the next who gets this connection tries again */
}

struct query_args {
    double patience;
};

static int query(void *arg)
{
    connection *c;
    int rc = check_out(&c, ((const struct query_args *)arg)->patience);

    if (rc < 0)
        return rc;
    TR_DEFER(check_in, c); /* however this ends */
    if ((rc = tr_once_run(&c->opened, open_connection, c)) < 0 ||
        (rc = tr_limiter_acquire(&rate)) < 0 || (rc = tr_sleep(0.001)) < 0)
        return rc;
    TR_LOCKED(&rc, &lock)
    {
        answered++;
        rc = tr_cond_notify_all(&changed);
    }
    return rc;
}

static bool all_are_answered(void *unused)
{
    (void)unused;
    return answered == QUERIES;
}

static int app(void *arg)
{
    connection *mine[SIZE];
    int rc, got = 0;

    TR_SCOPE(s, &rc) {
        for (int i = 0; i < QUERIES; i++)
            tr_go_on(s, TR_LOOP(i % tr_loop_count()), query, .patience = TR_FOREVER);
        TR_LOCKED(NULL, &lock)
        {
            if (tr_cond_wait_until(&changed, &lock, all_are_answered, arg, TR_FOREVER) == 0)
                printf("%d queries were answered\n", answered);
        }
    }
    while (rc >= 0 && got < SIZE)
        if ((rc = check_out(&mine[got], TR_FOREVER)) == 0)
            got++; /* so that nobody else gets one */
    if (rc >= 0)
        printf("a query that waits 10 ms at most: %s\n",
               tr_err_name(query(&(struct query_args){ .patience = 0.01 })));
    while (got > 0)
        check_in(mine[--got]);
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
