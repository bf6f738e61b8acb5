/* Broadcast: all who listen hear all; who is too slow is told how many he missed.
 *
 *   Prints:  quick heard 1 2 3 4 5
 *            slow missed 3, and heard 4 5 */
#include <stdio.h>
#include <troupe.h>

enum { KEPT = 2 };

struct listen_args {
    tr_subscription *prices;
    char *heard; /* room for what comes */
};

static int listen(void *arg)
{
    const struct listen_args *a = arg;
    int price, rc, length = 0;

    while ((rc = tr_subscription_receive(a->prices, &price, NULL)) == 0)
        length += snprintf(a->heard + length, 16, " %d", price);
    return rc == TR_EPIPE ? 0 : rc; /* it was closed, and all was received */
}

static int send_prices(tr_broadcast *b)
{
    int rc = 0;

    for (int price = 1; rc >= 0 && price <= 5; price++)
        if ((rc = tr_broadcast_send(b, &price)) >= 0) /* it waits for nobody */
            rc = tr_sleep(0.001);
    return rc < 0 ? rc : tr_broadcast_close(b);
}

static int tell_slow(tr_subscription *slow)
{
    uint64_t missed;
    int first, second, rc = tr_subscription_receive(slow, &first, &missed);

    if (rc < 0 || (rc = tr_subscription_receive(slow, &second, NULL)) < 0)
        return rc;
    return printf("slow missed %d, and heard %d %d\n", (int)missed, first, second);
}

static int broadcast(tr_broadcast *b, tr_subscription *quick, tr_subscription *slow)
{
    char heard[100] = "";
    int rc, sent = 0;

    TR_SCOPE(s, &rc) {
        tr_go(s, listen, .prices = quick, .heard = heard);
        if ((sent = send_prices(b)) < 0)
            (void)tr_scope_cancel(s);
    }
    if (rc < 0 || sent < 0)
        return rc < 0 ? rc : sent;
    printf("quick heard%s\n", heard);
    return tell_slow(slow);
}

static int app(void *arg)
{
    tr_broadcast *b;
    tr_subscription *quick = NULL, *slow = NULL;
    int rc = tr_broadcast_new(&b, sizeof(int), KEPT);

    (void)arg;
    if (rc == 0 && (rc = tr_broadcast_subscribe(&quick, b)) == 0 &&
        (rc = tr_broadcast_subscribe(&slow, b)) == 0)
        rc = broadcast(b, quick, slow);
    tr_subscription_free(quick);
    tr_subscription_free(slow);
    (void)tr_broadcast_free(b); /* nobody has subscribed any more */
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
