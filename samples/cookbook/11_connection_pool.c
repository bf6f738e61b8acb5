/* Connection pool: a queue of those that are idle; who finds none waits for his turn.
 *
 *   Prints:  10 queries on 2 connections */
#include <stdio.h>
#include <troupe.h>

enum { CONNECTIONS = 2 };

typedef struct connection {
    tr_queue *pool;
    int queries;
} connection;

static int query(connection *c)
{
    int rc = tr_sleep(0.001);

    c->queries += rc >= 0;
    return rc;
}

static void check_in(void *arg)
{
    connection *c = arg;

    (void)tr_queue_try_put(c->pool, &c); /* it has room for all: it can't fail */
}

static int serve(void *pool)
{
    connection *c;
    int rc = tr_queue_get(pool, &c);

    if (rc < 0)
        return rc;
    TR_DEFER(check_in, c); /* however this ends */
    return query(c);
}

static int app(void *arg)
{
    tr_queue *pool tr_cleanup_queue = NULL;
    int rc = tr_queue_new(&pool, sizeof(connection *), CONNECTIONS, NULL);
    connection all[CONNECTIONS] = { { pool, 0 }, { pool, 0 } };

    (void)arg;
    if (rc < 0)
        return rc;
    for (int i = 0; i < CONNECTIONS; i++)
        check_in(&all[i]);
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 10; i++)
            tr_scope_spawn(s, serve, pool);
    }
    if (rc < 0)
        return rc;
    return printf("%d queries on %d connections\n", all[0].queries + all[1].queries, CONNECTIONS);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
