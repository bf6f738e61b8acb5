/* Many calls: at once, over a few connections, and again where a server is busy.
 *
 *   Prints:  10 calls, 10 answers, 3 connections
 *            a busy server: 200 in the end */
#include <stdio.h>
#include <string.h>
#include <troupe/net.h>

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    (void)ctx;
    return tr_http_text(res, 200, "hello, %s", tr_http_param(req, "name"));
}

static int busy(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int *asked = ctx;

    (void)req;
    return ++*asked < 3 ? tr_http_problem(res, 503, "come again") : tr_http_text(res, 200, "well");
}

struct ask_args {
    tr_http_client *client;
    int *answers;
};

static int ask(void *arg)
{
    const struct ask_args *a = arg;
    tr_http_reply *reply tr_cleanup_reply = NULL;
    int rc = tr_http_fetch(&reply, a->client, &(tr_http_call){ .url = "/hello/Ann" });

    *a->answers += rc == 0 && strcmp(tr_http_reply_text(reply), "hello, Ann") == 0;
    return rc;
}

static int ask_busy(tr_http_client *client)
{
    static const tr_retry_policy policy = { .attempts = 3, .first_delay = 0.01 };
    tr_http_reply *reply tr_cleanup_reply = NULL;
    int rc = tr_http_fetch(&reply, client, &(tr_http_call){ .url = "/busy", .retry = &policy });

    return rc < 0 ? rc : printf("a busy server: %d in the end\n", tr_http_reply_status(reply));
}

static int visit(void *srv)
{
    tr_http_client *client tr_cleanup_client = NULL;
    char base[100];
    int rc = tr_http_await_ready(srv), answers = 0;

    if (rc < 0)
        return rc;
    (void)snprintf(base, sizeof(base), "http://127.0.0.1:%d", tr_http_port(srv));
    rc = tr_http_client_new(
        &client, &(tr_http_client_config){ .base = base, .proxy = "", .connections_each = 3 });
    if (rc < 0)
        return rc;
    TR_SCOPE(all, &rc) {
        for (int i = 0; i < 10; i++)
            tr_go(all, ask, .client = client, .answers = &answers);
    }
    if (rc < 0 || (rc = printf("10 calls, %d answers, 3 connections\n", answers)) < 0)
        return rc;
    rc = ask_busy(client);
    tr_http_stop(srv);
    return rc;
}

static int app(void *arg)
{
    tr_http_server *srv;
    const tr_http_config config = { .listen = "127.0.0.1:0", .loops = 1 };
    int asked = 0, served = 0, rc = tr_http_server_new(&srv, &config);

    (void)arg;
    if (rc < 0)
        return rc;
    tr_http_route(srv, "GET", "/hello/:name", hello, NULL);
    tr_http_route(srv, "GET", "/busy", busy, &asked);
    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, visit, srv);
        served = tr_http_serve(srv);
    }
    return rc < 0 ? rc : served;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
