/* web_hello: an HTTP API with a body that is checked, and a page that describes it.
 *
 * What FastAPI does with pydantic: a struct is declared once, and from that a request is parsed,
 * checked, and filled in; what is wrong is answered with 422 and the list of what is wrong where;
 * and /docs shows it all, and tries it. Handlers are tasks: they may await.
 *
 *   Build:   cc web_hello.c $(pkg-config --cflags --libs troupe-net)
 *   Run:     ./web_hello 127.0.0.1:8080     then open http://127.0.0.1:8080/docs
 *            curl -d '{"name":"a chair","price":25,"pieces":4}' \
 *                 -H 'Content-Type: application/json' http://127.0.0.1:8080/orders
 *   Prints:  listening on 127.0.0.1:8080 */
#include <stdio.h>
#include <string.h>
#include <troupe/net.h>

struct order {
    char *name;
    double price;
    int64_t pieces;
};

struct receipt {
    char *name;
    double total;
};

TR_DECLARE(order,
           TR_TEXT(order, name, .required = true, .max_length = 80, .about = "what it is called"),
           TR_NUMBER(order, price, .required = true, TR_MORE_THAN(0), .about = "of a piece"),
           TR_INTEGER(order, pieces, TR_AT_LEAST(1), TR_AT_MOST(100), .default_integer = 1));
TR_DECLARE(receipt, TR_TEXT(receipt, name), TR_NUMBER(receipt, total));

static int hello(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const char *greeting = tr_http_query(req, "greeting");

    (void)ctx;
    return tr_http_text(res, 200, "%s, %s!\n", greeting != NULL ? greeting : "hello",
                        tr_http_param(req, "name"));
}

static int take_order(tr_http_request *req, tr_http_response *res, void *ctx)
{
    const struct order *o = tr_http_body_as(req);
    struct receipt receipt = { .name = o->name, .total = o->price * (double)o->pieces };

    (void)ctx;
    return tr_http_answer(res, 201, &tr_declared_receipt, &receipt);
}

static int tell(void *srv)
{
    int rc = tr_http_await_ready(srv);

    if (rc == 0)
        printf("listening on %s\n", tr_http_address(srv));
    fflush(stdout);
    return rc;
}

static int serve(void *address)
{
    tr_http_server *srv = NULL;
    int rc = tr_http_server_new(
        &srv, &(tr_http_config){ .listen = address, .title = "Hello", .version = "1.0" });

    if (rc < 0)
        return rc;
    tr_http_use(srv, tr_http_log(NULL)); /* TROUPE_LOG=info shows it */
    tr_http_use(srv, tr_http_request_id());
    tr_http_use(srv, tr_http_compress(NULL));
    tr_http_health(srv, NULL, NULL);
    tr_http_route_with(srv, "GET", "/hello/:name", hello, NULL,
                       &(tr_http_route_options){ .summary = "Be greeted" });
    tr_http_route_with(srv, "POST", "/orders", take_order, NULL,
                       &(tr_http_route_options){ .body = &tr_declared_order,
                                                 .answer = &tr_declared_receipt,
                                                 .summary = "Order something" });
    tr_task_spawn(NULL, tell, srv);
    rc = tr_http_serve(srv); /* what could not be added above is returned here */
    return rc == TR_ECANCELED ? 0 : rc;
}

int main(int argc, char **argv)
{
    if (argc > 2 || (argc == 2 && strcmp(argv[1], "--help") == 0)) {
        printf("usage: %s [ADDRESS]      127.0.0.1:8080, :8080, unix:/tmp/web\n", argv[0]);
        return argc > 2 ? 2 : 0;
    }
    return tr_main(argc, argv, serve, argc == 2 ? argv[1] : "127.0.0.1:8080", NULL);
}
