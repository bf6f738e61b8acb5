/* libh2o with its own event loop, and a handler in C. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <h2o.h>

#define HOUR_MS (UINT64_C(3600) * 1000)

static h2o_globalconf_t config;
static h2o_context_t context;
static h2o_accept_ctx_t accepting;

static int hello(h2o_handler_t *handler, h2o_req_t *req)
{
    static h2o_generator_t generator;
    h2o_iovec_t body = { H2O_STRLIT("Hello, World!") };

    (void)handler;
    req->res.status = 200;
    req->res.reason = "OK";
    req->res.content_length = body.len;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("text/plain"));
    h2o_start_response(req, &generator);
    h2o_send(req, &body, 1, H2O_SEND_STATE_FINAL);
    return 0;
}

static void on_accept(h2o_socket_t *listener, const char *error)
{
    h2o_socket_t *s;

    if (error)
        return;
    while ((s = h2o_evloop_socket_accept(listener)))
        h2o_accept(&accepting, s);
}

static h2o_socket_t *listen_at(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int yes = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
        bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 4096)) {
        perror("h2o");
        exit(1);
    }
    return h2o_evloop_socket_create(context.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
}

int main(int argc, char **argv)
{
    h2o_hostconf_t *host;
    h2o_pathconf_t *path;

    (void)signal(SIGPIPE, SIG_IGN); /* can't fail */
    h2o_config_init(&config);
    config.http1.req_timeout = HOUR_MS;
    host = h2o_config_register_host(&config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    path = h2o_config_register_path(host, "/", 0);
    h2o_create_handler(path, sizeof(h2o_handler_t))->on_req = hello;
    h2o_context_init(&context, h2o_evloop_create(), &config);
    accepting = (h2o_accept_ctx_t){ .ctx = &context, .hosts = config.hosts };
    h2o_socket_read_start(listen_at(argc > 1 ? atoi(argv[1]) : 8080), on_accept);
    while (h2o_evloop_run(context.loop, INT32_MAX) == 0)
        ;
}
