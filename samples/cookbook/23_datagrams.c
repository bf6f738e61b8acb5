/* Datagrams: each comes whole or not at all, so that one asks again.
 *
 *   Prints:  somebody asks: what time is it?
 *            it is late, at a port of 127.0.0.1 that is known now */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <troupe/net.h>

enum { TRIES = 5, MOST = 512 };

static int serve(void *u)
{
    char question[MOST];
    tr_address from;
    ssize_t bytes = tr_udp_receive(u, question, sizeof(question), &from);

    if (bytes < 0)
        return (int)bytes;
    printf("somebody asks: %.*s\n", (int)bytes, question);
    return tr_udp_send(u, &from, "it is late", 10);
}

static int ask(const tr_address *server, char *answer)
{
    tr_udp *u tr_cleanup_udp = NULL;
    int rc = tr_udp_open(&u, "127.0.0.1:0", NULL);

    if (rc == 0)
        rc = tr_udp_connect(u, server); /* so that it hears from nobody else */
    for (int i = 0; rc == 0 && i < TRIES; i++) {
        if ((rc = tr_udp_send(u, NULL, "what time is it?", 16)) < 0)
            break;
        TR_DEADLINE(1, &rc) {
            rc = (int)tr_udp_receive(u, answer, MOST, NULL);
        }
        if (rc != TR_ETIMEDOUT)
            break;
        rc = i + 1 < TRIES ? 0 : rc; /* one of the two was lost */
    }
    return rc;
}

static int app(void *arg)
{
    tr_udp *u tr_cleanup_udp = NULL;
    char answer[MOST], text[128];
    tr_address address;
    int rc = tr_udp_open(&u, "127.0.0.1:0", NULL), bytes = 0;

    (void)arg;
    if (rc == 0) /* "127.0.0.1:40123" */
        rc = tr_address_parse(&address, tr_udp_address(u));
    if (rc < 0)
        return rc;
    (void)setsockopt(tr_udp_fd(u), SOL_SOCKET, SO_RCVBUF, &(int){ 1 << 20 }, sizeof(int));
    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, serve, u);
        if ((bytes = ask(&address, answer)) < 0)
            (void)tr_scope_cancel(s);
    }
    if (rc < 0 || bytes < 0 || (rc = tr_address_format(&address, text, sizeof(text))) < 0)
        return rc < 0 ? rc : bytes;
    return printf("%.*s, at a port of %.*s that is %s\n", bytes, answer, (int)strcspn(text, ":"),
                  text, tr_address_port(&address) > 0 ? "known now" : "0");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
