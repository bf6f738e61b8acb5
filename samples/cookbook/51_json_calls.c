/* JSON calls: a struct goes out, and one comes back, checked.
 *
 *   Prints:  201: 3 of tea cost 7.5
 *            422: it may not be so
 *            the answer is no receipt: /total is required */
#include <stdio.h>
#include <troupe/net.h>

struct order {
    char *item;
    int64_t count;
};
struct receipt {
    char *item;
    double total;
};

TR_DECLARE(order, TR_TEXT(order, item, .required = true), TR_INTEGER(order, count, TR_AT_LEAST(1)));
TR_DECLARE(receipt, TR_TEXT(receipt, item), TR_NUMBER(receipt, total, .required = true));

static int take_order(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const struct order *o = tr_http_body_as(req);
    struct receipt receipt = { o->item, 2.5 * (double)o->count };

    (void)ctx;
    return tr_http_answer(res, 201, &tr_declared_receipt, &receipt);
}

static int order(tr_http_client *client, int64_t count)
{
    tr_http_reply *reply tr_cleanup_reply = NULL;
    struct order order = { "tea", count };
    struct receipt r;
    const tr_problem *problem;
    int rc = tr_http_fetch(
        &reply, client,
        &(tr_http_call){
            .url = "/orders", .json = &tr_declared_order, .value = &order, .timeout = 5 });

    if (rc < 0)
        return rc;
    if (tr_http_reply_check(reply) < 0)
        printf("%d: it may not be so\n", tr_http_reply_status(reply));
    rc = tr_http_reply_parse(reply, receipt, &r);
    if (rc == 0)
        return printf("201: %d of %s cost %g\n", (int)count, r.item, r.total);
    if (rc != TR_EVALUE)
        return rc;
    problem = tr_parsed_problems(tr_http_reply_parsed(reply), &(size_t){ 0 });
    return printf("the answer is no receipt: %s %s\n", problem->where, problem->what);
}

static int visit(void *srv)
{
    tr_http_client *client tr_cleanup_client = NULL;
    char base[100];
    int rc = tr_http_await_ready(srv);

    if (rc < 0)
        return rc;
    (void)snprintf(base, sizeof(base), "http://127.0.0.1:%d", tr_http_port(srv));
    rc = tr_http_client_new(&client, &(tr_http_client_config){ .base = base, .proxy = "" });
    if (rc < 0 || (rc = order(client, 3)) < 0 || (rc = order(client, 0)) < 0)
        return rc;
    tr_http_stop(srv);
    return 0;
}

static int app(void *arg)
{
    tr_http_server *srv;
    int rc = tr_http_server_new(&srv, &(tr_http_config){ .listen = "127.0.0.1:0" }), served = 0;

    (void)arg;
    if (rc < 0)
        return rc;
    tr_http_route_with(srv, "POST", "/orders", take_order, NULL,
                       &(tr_http_route_options){ .body = &tr_declared_order });
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
