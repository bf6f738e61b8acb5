/* Download: an answer of any size goes to a file, piece by piece.
 *
 *   Prints:  200: 70000 bytes are in the file
 *            404: there is nothing to be saved */
#include <fcntl.h>
#include <stdio.h>
#include <troupe/net.h>

static int lines(tr_http_request *req, tr_http_response *res, void *ctx)
{
    int rc = tr_http_begin(res, 200, "text/plain", -1);

    (void)req;
    (void)ctx;
    for (int i = 0; rc == 0 && i < 10000; i++)
        rc = tr_http_write(res, "a line\n", 7);
    return rc;
}

static int save(tr_http_reply *reply, const char *path)
{
    char piece[16 * 1024];
    ssize_t bytes = 0, sum = 0;
    tr_file *file;
    int rc = tr_file_open(&file, path, O_WRONLY | O_CREAT | O_TRUNC, 0600), closed;

    if (rc < 0)
        return rc;
    while (rc == 0 && (bytes = tr_http_reply_read(reply, piece, sizeof(piece))) > 0) {
        rc = tr_file_write(file, piece, (size_t)bytes);
        sum += bytes;
    }
    closed = tr_file_close(file);
    if (rc < 0 || (rc = (int)bytes) < 0 || (rc = closed) < 0) /* bytes below 0: it was cut */
        return rc;
    return printf("200: %zd bytes are in the file\n", sum);
}

static int download(tr_http_client *client, const char *url, const char *path)
{
    tr_http_reply *reply tr_cleanup_reply = NULL;
    int rc = tr_http_fetch(&reply, client, &(tr_http_call){ .url = url, .streams = true });

    if (rc < 0)
        return rc;
    if (tr_http_reply_check(reply) == 0)
        return save(reply, path);
    return printf("%d: there is nothing to be saved\n", tr_http_reply_status(reply));
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
    if (rc < 0 || (rc = download(client, "/lines", "saved.txt")) < 0 ||
        (rc = download(client, "/nothing", "nothing.txt")) < 0)
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
    tr_http_route(srv, "GET", "/lines", lines, NULL);
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
