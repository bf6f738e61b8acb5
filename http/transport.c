/* Bytes of a connection: as they are, or by TLS. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "http/connection.h"
#include "net/system.h"

/* ---- as they are ---- */

static ssize_t send_parts(tr__http_conn *conn)
{
    const tr__tail *tail = &conn->tail;
    struct iovec parts[2] = { { conn->out.bytes + conn->out.begin, tr__buffer_count(&conn->out) } };

    if (tail->data == NULL)
        return tr__sys_send(conn->watcher.fd, parts[0].iov_base, parts[0].iov_len);
    parts[1] = (struct iovec){ tail->data + tail->sent, tail->bytes - tail->sent };
    return tr__sys_sendmsg(conn->watcher.fd, &(struct msghdr){ .msg_iov = parts, .msg_iovlen = 2 });
}

static size_t plain_unsent(const tr__http_conn *conn)
{
    return tr__buffer_count(&conn->out) + (conn->tail.bytes - conn->tail.sent);
}

static void take_sent(tr__http_conn *conn, size_t bytes)
{
    size_t first = tr__buffer_count(&conn->out);

    if (first > bytes)
        first = bytes;
    tr__buffer_take(&conn->out, first);
    conn->tail.sent += bytes - first;
    if (conn->tail.data == NULL || conn->tail.sent < conn->tail.bytes)
        return;
    if (conn->tail.drop != NULL)
        conn->tail.drop(conn->tail.data);
    conn->tail = (tr__tail){ 0 };
}

static int send_plain(tr__http_conn *conn)
{
    while (plain_unsent(conn) > 0) {
        ssize_t count = send_parts(conn);

        if (count < 0)
            return (int)count;
        take_sent(conn, (size_t)count);
    }
    return 0;
}

/* ---- by TLS ---- */

enum { CIPHER_MOST = 64 * 1024, PIECE = 16 * 1024 };

/* 0 when no ciphertext is left. */
static int send_cipher(tr__http_conn *conn)
{
    size_t bytes;
    const char *cipher;

    while ((cipher = tr__tls_outgoing(conn->tls, &bytes)), bytes > 0) {
        ssize_t count = tr__sys_send(conn->watcher.fd, cipher, bytes);

        if (count < 0)
            return (int)count;
        tr__tls_sent(conn->tls, (size_t)count);
    }
    return 0;
}

/* Encrypt the next of what is to go out. */
static int encrypt_some(tr__http_conn *conn)
{
    bool is_tail = tr__buffer_count(&conn->out) == 0;
    const char *data =
        is_tail ? conn->tail.data + conn->tail.sent : conn->out.bytes + conn->out.begin;
    size_t bytes = is_tail ? conn->tail.bytes - conn->tail.sent : tr__buffer_count(&conn->out);
    int rc;

    if (bytes > PIECE)
        bytes = PIECE;
    rc = tr__tls_write(conn->tls, data, bytes);
    if (rc == 0)
        take_sent(conn, bytes);
    return rc;
}

static int send_tls(tr__http_conn *conn)
{
    int rc = send_cipher(conn);

    while (rc == 0 && plain_unsent(conn) > 0) {
        size_t waits = 0;

        while (rc == 0 && plain_unsent(conn) > 0 && waits < CIPHER_MOST) {
            rc = encrypt_some(conn);
            (void)tr__tls_outgoing(conn->tls, &waits);
        }
        if (rc == 0)
            rc = send_cipher(conn);
    }
    return rc;
}

/* Take in what there is: how much; 0 at the end. */
static ssize_t feed(tr__http_conn *conn)
{
    size_t bytes;
    char *room = tr__tls_room(conn->tls, &bytes);
    ssize_t count;

    if (room == NULL)
        return TR_ENOMEM;
    count = tr__sys_recv(conn->watcher.fd, room, bytes);
    tr__tls_fed(conn->tls, count > 0 ? (size_t)count : 0);
    return count;
}

static int shake_hands(tr__http_conn *conn)
{
    int rc = tr__tls_handshake(conn->tls);
    int sent = send_cipher(conn); /* an alert, too */

    conn->is_handshaken = rc == 0;
    return rc != 0 ? rc : sent == -EAGAIN ? 0 : sent;
}

static ssize_t receive_tls(tr__http_conn *conn, void *buffer, size_t bytes)
{
    for (;;) {
        ssize_t count = conn->is_handshaken ? 0 : shake_hands(conn);

        if (count == 0) {
            count = tr__tls_read(conn->tls, buffer, bytes);
            (void)send_cipher(conn); /* an answer; where it can't go out now, it waits */
        }
        if (count != -EAGAIN)
            return count;
        count = feed(conn);
        if (count <= 0)
            return count;
    }
}

/* ---- either ---- */

ssize_t tr__conn_receive(tr__http_conn *conn, void *buffer, size_t bytes)
{
    if (conn->tls != NULL)
        return receive_tls(conn, buffer, bytes);
    return tr__sys_recv(conn->watcher.fd, buffer, bytes);
}

int tr__conn_send(tr__http_conn *conn)
{
    return conn->tls != NULL ? send_tls(conn) : send_plain(conn);
}

size_t tr__conn_unsent(const tr__http_conn *conn)
{
    size_t cipher = 0;

    if (conn->tls != NULL)
        (void)tr__tls_outgoing(conn->tls, &cipher);
    return plain_unsent(conn) + cipher;
}

void tr__conn_end(tr__http_conn *conn)
{
    if (conn->tls != NULL) {
        tr__tls_end(conn->tls);
        (void)send_cipher(conn); /* as a courtesy: it closes in any case */
    }
    (void)tr__sys_shutdown(conn->watcher.fd, SHUT_WR); /* not connected any more: it is closed */
}
