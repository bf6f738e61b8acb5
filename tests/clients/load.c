/* Many clients at once, which count exactly what becomes of each request while the server ends.
 *
 *     load PLAIN_PORT TLS_PORT CA_FILE PID ANSWERS
 *
 * When there have been so many answers, PID is sent SIGTERM. Clients go on until nobody listens any
 * more. Then all is told in one line; status 1 says that something was lost:
 *
 * - a request without an answer, on a connection that was open, of which no earlier answer had said
 *   that it was the last;
 * - a connection that was reset, or cut within an answer or a handshake. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { TOGETHER = 16, BODY = 32 * 1024, EACH = 3, PATIENCE_S = 60 };

static uint16_t ports[2];
static pid_t server;
static long wanted; /* answers, until it is sent the signal */
static SSL_CTX *tls_context;
static atomic_long answered, answered_late, refused, lost;
static atomic_bool is_ending;

typedef struct conn {
    const char *kind;
    int fd;
    SSL *ssl; /* NULL: plain */
    char in[4096];
    size_t have;
} conn;

static void lose(const conn *c, const char *what)
{
    if (atomic_fetch_add(&lost, 1) < 10)
        fprintf(stderr, "lost: %s%s: %s (%s)\n", c->kind, c->ssl != NULL ? " by TLS" : "", what,
                strerror(errno));
}

/* ---- connections ---- */

/* false: nobody listens there. */
static bool dial(conn *c, bool is_tls)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons(ports[is_tls]),
                              .sin_addr = { htonl(INADDR_LOOPBACK) } };
    struct timeval patience = { .tv_sec = PATIENCE_S };
    int on = 1;

    c->have = 0;
    c->ssl = NULL;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    (void)setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return true;
    if (errno == ECONNREFUSED && atomic_load(&is_ending))
        atomic_fetch_add(&refused, 1);
    else
        lose(c, "could not connect");
    close(c->fd);
    return false;
}

static bool shake_hands(conn *c)
{
    c->ssl = SSL_new(tls_context);
    (void)SSL_set_fd(c->ssl, c->fd);
    (void)SSL_set1_host(c->ssl, "localhost");
    if (SSL_connect(c->ssl) == 1)
        return true;
    lose(c, ERR_reason_error_string(ERR_peek_last_error()) ?: "handshake");
    ERR_clear_error();
    return false;
}

static void hang_up(conn *c)
{
    SSL_free(c->ssl);
    close(c->fd);
}

static bool put(const conn *c, const char *data, size_t bytes)
{
    if (c->ssl != NULL)
        return SSL_write(c->ssl, data, (int)bytes) == (int)bytes;
    return send(c->fd, data, bytes, MSG_NOSIGNAL) == (ssize_t)bytes;
}

/* 0: it has ended properly. */
static ssize_t get(conn *c, void *data, size_t bytes)
{
    int count;

    if (c->ssl == NULL)
        return recv(c->fd, data, bytes, 0);
    count = SSL_read(c->ssl, data, (int)bytes);
    if (count > 0)
        return count;
    return SSL_get_error(c->ssl, count) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

/* ---- answers ---- */

typedef enum outcome {
    GONE,     /* something was lost, and it has been said */
    ANSWERED, /* and it may go on */
    TOLD      /* answered, and that was the last one */
} outcome;

static outcome look_at_end(conn *c)
{
    char byte;

    if (get(c, &byte, 1) != 0) {
        lose(c, "no proper end after the last answer");
        return GONE;
    }
    return TOLD;
}

/* Fill in until the answer that begins there has come: its bytes; 0: it did not. */
static size_t gather(conn *c)
{
    for (;;) {
        char *end;
        ssize_t count;

        c->in[c->have] = 0;
        end = strstr(c->in, "\r\n\r\n");
        if (end != NULL) {
            const char *length = strstr(c->in, "Content-Length: ");
            size_t bytes = (size_t)(end + 4 - c->in);

            bytes += length != NULL && length < end ? strtoul(length + 16, NULL, 10) : 0;
            if (bytes <= c->have)
                return bytes;
        }
        errno = 0;
        count = get(c, c->in + c->have, sizeof(c->in) - 1 - c->have);
        if (count <= 0) {
            lose(c, count < 0 ? "reset" : c->have > 0 ? "cut" : "not answered");
            return 0;
        }
        c->have += (size_t)count;
    }
}

static outcome hear(conn *c, bool is_last)
{
    size_t bytes = gather(c);
    bool is_told;

    if (bytes == 0)
        return GONE;
    if (strncmp(c->in, "HTTP/1.1 200 ", 13) != 0) {
        lose(c, "another status than 200");
        return GONE;
    }
    is_told = memmem(c->in, bytes, "Connection: close", 17) != NULL;
    memmove(c->in, c->in + bytes, c->have - bytes);
    c->have -= bytes;
    atomic_fetch_add(&answered, 1);
    if (atomic_load(&is_ending))
        atomic_fetch_add(&answered_late, 1);
    if (!is_told)
        return ANSWERED;
    if (!is_last || c->have > 0) {
        lose(c, "told of the end with requests left");
        return GONE;
    }
    return look_at_end(c);
}

/* ---- what they ask ---- */

#define HELLO "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* What cannot be sent was not heard, either. */
static outcome ask(conn *c, const char *request)
{
    if (put(c, request, strlen(request)))
        return hear(c, true);
    lose(c, "could not send");
    return GONE;
}

static outcome ask_for_hello(conn *c)
{
    return ask(c, HELLO);
}

static outcome ask_once(conn *c)
{
    return ask(c, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
}

static outcome ask_and_wait(conn *c)
{
    return ask(c, "GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

static outcome ask_rarely(conn *c)
{
    usleep(50 * 1000);
    return ask(c, HELLO);
}

static outcome ask_slowly(conn *c)
{
    if (!put(c, HELLO, 20)) {
        lose(c, "could not send");
        return GONE;
    }
    usleep(5000);
    return ask(c, &HELLO[20]);
}

static outcome ask_together(conn *c)
{
    char all[TOGETHER * sizeof(HELLO)] = "";
    outcome heard = ANSWERED;

    for (size_t i = 0; i < TOGETHER; i++)
        memcpy(all + i * (sizeof(HELLO) - 1), HELLO, sizeof(HELLO) - 1);
    if (!put(c, all, strlen(all))) {
        lose(c, "could not send");
        return GONE;
    }
    for (int i = 0; heard == ANSWERED && i < TOGETHER; i++)
        heard = hear(c, i == TOGETHER - 1);
    return heard;
}

static outcome post(conn *c)
{
    static const char body[BODY];
    char head[128];

    (void)snprintf(head, sizeof(head),
                   "PUT /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", BODY);
    if (!put(c, head, strlen(head)) || !put(c, body, BODY / 2)) {
        lose(c, "could not send");
        return GONE;
    }
    usleep(5000);
    if (!put(c, body, BODY / 2)) {
        lose(c, "could not send the rest");
        return GONE;
    }
    return hear(c, true);
}

/* ---- clients ---- */

typedef struct kind {
    const char *name;
    outcome (*ask)(conn *c);
    bool is_tls;
    useconds_t pause_us; /* between connecting and shaking hands */
} kind;

static const kind kinds[] = {
    { "fresh", ask_once, false, 0 },
    { "kept", ask_for_hello, false, 0 },
    { "pipelined", ask_together, false, 0 },
    { "waiting", ask_and_wait, false, 0 },
    { "rare", ask_rarely, false, 0 },
    { "slow", ask_slowly, false, 0 },
    { "posting", post, false, 0 },
    { "fresh", ask_once, true, 0 },
    { "kept", ask_for_hello, true, 0 },
    { "pipelined", ask_together, true, 0 },
    { "posting", post, true, 0 },
    { "late handshake", ask_once, true, 300 * 1000 },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static void *be_a_client(void *arg)
{
    const kind *k = arg;
    conn c = { .kind = k->name };

    while (dial(&c, k->is_tls)) {
        outcome heard = ANSWERED;

        if (k->is_tls && k->pause_us > 0)
            usleep(k->pause_us);
        if (k->is_tls && !shake_hands(&c))
            heard = GONE;
        while (heard == ANSWERED)
            heard = k->ask(&c);
        hang_up(&c);
    }
    return NULL;
}

static bool prepare(char **argv)
{
    ports[0] = (uint16_t)strtol(argv[1], NULL, 10);
    ports[1] = (uint16_t)strtol(argv[2], NULL, 10);
    server = (pid_t)strtol(argv[4], NULL, 10);
    wanted = strtol(argv[5], NULL, 10);
    tls_context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(tls_context, SSL_VERIFY_PEER, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes */
    return SSL_CTX_load_verify_file(tls_context, argv[3]) == 1;
}

int main(int argc, char **argv)
{
    pthread_t clients[KINDS * EACH];

    if (argc != 6 || !prepare(argv)) {
        fprintf(stderr, "usage: %s PLAIN_PORT TLS_PORT CA_FILE PID ANSWERS\n", argv[0]);
        return 2;
    }
    alarm(PATIENCE_S);
    for (int i = 0; i < KINDS * EACH; i++)
        if (pthread_create(&clients[i], NULL, be_a_client, (void *)&kinds[i % KINDS]) != 0)
            return 2;
    while (atomic_load(&answered) < wanted && atomic_load(&lost) == 0)
        usleep(1000);
    atomic_store(&is_ending, true);
    kill(server, SIGTERM);
    for (int i = 0; i < KINDS * EACH; i++)
        pthread_join(clients[i], NULL);
    SSL_CTX_free(tls_context);
    printf("%ld answers, %ld of them after the signal; %ld clients refused; %ld lost\n", answered,
           answered_late, refused, lost);
    return lost == 0 ? 0 : 1;
}
