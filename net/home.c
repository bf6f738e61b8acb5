/* Homes of descriptors. */
#include "net/home.h"

#include "base/seam.h"

static TR__THREAD_LOCAL tr__net *home;

/* Guests of a loop end here, after its actors and tasks. */
static void close_home(void *arg)
{
    tr__net *net = arg;
    tr__list *node;

    home = NULL;
    while ((node = tr__list_take_first(&net->tenants)) != NULL) {
        tr__tenant *tenant = TR__CONTAINER_OF(node, tr__tenant, link);

        tenant->evict(tenant);
    }
    tr__free(net);
}

static uint32_t run_flushes(tr__runnable *runnable, tr__loop *loop)
{
    tr__net *net = TR__CONTAINER_OF(runnable, tr__net, flush);
    tr__list *node;
    uint32_t work = 1;

    (void)loop;
    net->is_flush_due = false;
    for (; (node = tr__list_take_first(&net->flushes)) != NULL; work++) {
        tr__flush *flush = TR__CONTAINER_OF(node, tr__flush, link);

        flush->fn(flush);
    }
    return work;
}

void tr__flush_ask(tr__net *net, tr__flush *flush)
{
    if (tr__list_is_linked(&flush->link))
        return;
    tr__list_append(&net->flushes, &flush->link);
    if (net->is_flush_due)
        return;
    net->is_flush_due = true;
    tr__loop_schedule(net->loop, &net->flush);
}

static int open_home(tr__loop *loop)
{
    tr__net *net = tr__alloc_zeroed(sizeof(*net));
    int rc;

    if (net == NULL)
        return TR_ENOMEM;
    rc = tr_loop_on_close(close_home, net);
    if (rc < 0) {
        tr__free(net);
        return rc;
    }
    net->loop = loop;
    net->ev = loop->ev;
    net->flush.run = run_flushes;
    tr__list_init(&net->tenants);
    tr__list_init(&net->flushes);
    home = net;
    return 0;
}

int tr__net_here(tr__net **out)
{
    tr__loop *loop = tr__loop_here();
    int rc;

    *out = NULL;
    if (loop == NULL)
        return TR_EWRONGPLACE;
    if (home == NULL && (rc = open_home(loop)) < 0)
        return rc;
    *out = home;
    return 0;
}
