/* Blocking work: offload, to_thread.
 *
 * offload: 64 tasks on one loop each let a pool's thread run one tiny job after the other, so that
 * 64 are in flight. to_thread: one task does; an operation is the way there and back. */
#include "bench.h"

enum { IN_FLIGHT = 64, CLIENTS_MOST = 1024 };

typedef struct client {
    int64_t share; /* jobs that it has run */
    int64_t sum;
    int rc;
} client;

typedef struct offload {
    int64_t n;
    int clients;
    client client[CLIENTS_MOST];
} offload;

typedef struct job {
    int64_t in;
    int64_t out;
} job;

/* As the peers': it can't be optimized away. */
static int run_job(void *arg)
{
    job *j = arg;

    *(volatile int64_t *)&j->out = j->in + 1;
    return 0;
}

static int run_client(void *arg)
{
    client *c = arg;
    int64_t i;

    for (i = 0; i < c->share && c->rc == 0; i++) {
        job j = { .in = i };

        c->rc = tr_to_thread(run_job, &j);
        c->sum += j.out - i;
    }
    return c->rc;
}

static int run_clients(void *arg)
{
    offload *o = arg;
    int i, rc = 0;

    TR_SCOPE(s, &rc) {
        for (i = 0; i < o->clients; i++) {
            o->client[i].share = o->n / o->clients + (i < o->n % o->clients);
            (void)tr_scope_spawn(s, run_client, &o->client[i]); /* a failure is the scope's */
        }
    }
    return rc;
}

static int measure(bench_context *context, int clients)
{
    offload o = { .n = context->options->n, .clients = clients };
    int64_t sum = 0;
    tr_future *f;
    int i, rc;

    bench_begin(context);
    rc = tr_submit(&f, TR_LOOP(0), run_clients, &o);
    if (rc == 0)
        rc = tr_future_wait(f, TR_FOREVER);
    bench_end(context, (double)o.n);
    tr_future_unref(f);
    if (rc < 0)
        return bench_fail(context, "%s", tr_strerror(rc));
    for (i = 0; i < clients; i++)
        sum += o.client[i].sum;
    return sum == o.n ? 0 : bench_fail(context, "the sum is %lld", (long long)sum);
}

int bench_offload(bench_context *context)
{
    return measure(context, IN_FLIGHT);
}

int bench_to_thread(bench_context *context)
{
    return measure(context, 1);
}
