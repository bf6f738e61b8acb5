/* Producer and consumers: a queue that holds so many, waiting until all is done, and an end.
 *
 *   Prints:  sold for 210 */
#include <stdio.h>
#include <troupe.h>

struct consume_args {
    tr_queue *orders;
    int *sales; /* shared without a lock: all are on one loop */
};

static int consume(void *arg)
{
    const struct consume_args *a = arg;
    int rc, price;

    while ((rc = tr_queue_get(a->orders, &price)) == 0) {
        if (tr_sleep(0.001) >= 0) /* the work; if it is cancelled, so is what comes next */
            *a->sales += price;
        (void)tr_queue_task_done(a->orders); /* once for each: it can't fail */
    }
    return rc == TR_EPIPE ? 0 : rc; /* closed, and empty: that is the end */
}

static int produce(void *orders)
{
    int rc = 0;

    for (int price = 1; price <= 20 && rc >= 0; price++)
        rc = tr_queue_put(orders, &price); /* waits while it is full */
    if (rc >= 0)
        rc = tr_queue_join(orders);
    return rc < 0 ? rc : tr_queue_close(orders);
}

static int app(void *arg)
{
    tr_queue *orders tr_cleanup_queue = NULL;
    int sales = 0, rc = tr_queue_new(&orders, sizeof(int), 4, NULL);

    (void)arg;
    if (rc < 0)
        return rc;
    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, produce, orders);
        for (int i = 0; i < 3; i++)
            tr_go(s, consume, .orders = orders, .sales = &sales);
    }
    return rc < 0 ? rc : printf("sold for %d\n", sales);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
