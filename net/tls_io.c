/* Streams of TLS: the engine over a descriptor. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <troupe/task.h>

#include "base/log.h"
#include "base/seam.h"
#include "net/address.h"
#include "net/system.h"
#include "net/tls_engine.h"
#include "net/tls_io.h"
#include "runtime/task.h"

enum {
    PIECE = 16 * 1024,      /* that is encrypted at once: a record */
    CIPHER_MOST = 64 * 1024 /* that may wait to go out */
};

static tr__tls *engine_of(const tr_io *io)
{
    return io->secret;
}

/* ---- the kind ---- */

/* 0 when no ciphertext is left. */
static int send_cipher(tr_io *io)
{
    size_t bytes;
    const char *cipher;

    while ((cipher = tr__tls_outgoing(engine_of(io), &bytes)), bytes > 0) {
        struct iovec part = { (void *)(uintptr_t)cipher, bytes };
        ssize_t count = tr__io_plain_write(io, &part, 1);

        if (count < 0)
            return (int)count;
        tr__tls_sent(engine_of(io), (size_t)count);
    }
    return 0;
}

/* Take in what there is: how much. The transport's end is a cut, for goodbye was not said. */
static ssize_t receive_cipher(tr_io *io)
{
    size_t bytes;
    char *room = tr__tls_room(engine_of(io), &bytes);
    ssize_t count;

    if (room == NULL)
        return TR_ENOMEM;
    count = tr__io_plain_read(io, room, bytes);
    tr__tls_fed(engine_of(io), count > 0 ? (size_t)count : 0);
    return count == 0 ? TR_EEND : count;
}

static ssize_t try_read(tr_io *io, void *buffer, size_t bytes)
{
    for (;;) {
        ssize_t count = tr__tls_read(engine_of(io), buffer, bytes);
        int sent = send_cipher(io); /* an answer to a key update, or an alert */

        if (count != -EAGAIN)
            return count;
        if (sent < 0 && sent != -EAGAIN)
            return sent;
        count = receive_cipher(io);
        if (count < 0)
            return count;
    }
}

static ssize_t try_write(tr_io *io, const struct iovec *parts, int count)
{
    size_t bytes = parts->iov_len < PIECE ? parts->iov_len : PIECE;
    size_t waits;
    int rc;

    (void)count;
    (void)tr__tls_outgoing(engine_of(io), &waits);
    if (waits >= CIPHER_MOST && (rc = send_cipher(io)) < 0)
        return rc;
    rc = tr__tls_write(engine_of(io), parts->iov_base, bytes);
    return rc < 0 ? rc : (ssize_t)bytes;
}

static bool holds_back(const tr_io *io)
{
    size_t bytes;

    (void)tr__tls_outgoing(engine_of(io), &bytes);
    return bytes > 0;
}

static int try_end(tr_io *io)
{
    tr__tls_end(engine_of(io));
    return send_cipher(io);
}

/* Goodbye, if it can go out at once. */
static void fini(tr_io *io)
{
    tr__tls_free(engine_of(io));
}

static void part(tr_io *io)
{
    tr__tls_end(engine_of(io));
    (void)send_cipher(io); /* as a courtesy: it closes in any case */
}

static const tr__io_kind tls_kind = {
    .awaits_in = "data by TLS",
    .awaits_out = "room, for TLS",
    .try_read = try_read,
    .try_write = try_write,
    .try_flush = send_cipher,
    .holds_back = holds_back,
    .try_end = try_end,
    .part = part,
    .fini = fini,
};

void tr__io_become_tls(tr_io *io, tr__tls *tls)
{
    io->kind = &tls_kind;
    io->secret = tls;
    io->is_dry = false;
}

/* ---- the handshake, in a task ---- */

static int await(tr_io *io, tr__way *way)
{
    return tr__ready_await(&io->ready, way, "a TLS handshake");
}

static int send_all_cipher(tr_io *io)
{
    int rc;

    while ((rc = send_cipher(io)) == -EAGAIN)
        if ((rc = await(io, &io->ready.out)) < 0)
            return rc;
    return rc;
}

static int shake_hands(tr_io *io)
{
    for (;;) {
        int shaken = tr__tls_handshake(engine_of(io));
        int rc = send_all_cipher(io); /* an alert, too */
        ssize_t count;

        if (shaken != -EAGAIN)
            return shaken < 0 ? shaken : rc;
        if (rc < 0)
            return rc;
        while ((count = receive_cipher(io)) == -EAGAIN)
            if ((rc = await(io, &io->ready.in)) < 0)
                return rc;
        if (count < 0)
            return (int)count;
    }
}

/* What was read ahead of the plain stream is the handshake's. */
static int feed_buffered(tr_io *io, tr__tls *tls)
{
    while (tr__buffer_count(&io->in) > 0) {
        size_t count = tr__buffer_count(&io->in);
        size_t room;
        char *at = tr__tls_room(tls, &room);

        if (at == NULL)
            return TR_ENOMEM;
        if (count > room)
            count = room;
        memcpy(at, io->in.bytes + io->in.begin, count);
        tr__tls_fed(tls, count);
        tr__buffer_take(&io->in, count);
    }
    return 0;
}

/* *is_closed: somebody else has closed it meanwhile, and it is gone. */
static int wrap_checked(tr_io *io, tr_tls *context, const char *host, bool *is_closed)
{
    tr__tls *tls;
    int rc = tr__tls_new(&tls, context, host == NULL, host);

    if (rc < 0)
        return rc;
    rc = feed_buffered(io, tls);
    if (rc < 0) {
        tr__tls_free(tls);
        return rc;
    }
    tr__io_become_tls(io, tls);
    io->streak = 0; /* it does not let others run here, who might close it */
    rc = tr__io_enter(io);
    if (rc < 0)
        return rc;
    rc = shake_hands(io);
    *is_closed = io->is_closed;
    if (rc == TR_ETLS || rc == TR_ECERTIFICATE)
        tr__log(TR_LOG_INFO, "tls: the handshake with %s failed: %s",
                host != NULL ? host : tr_io_peer(io), tr__tls_error(tls));
    return (int)tr__io_leave(io, rc);
}

/* A failed one is closed, whatever it was. */
static int wrap(tr_io **at, tr_tls *context, const char *host)
{
    bool is_closed = false;
    tr_io *io = *at;
    int rc = tr__ready_check(&io->ready);

    if (rc == 0 && io->kind != &tr__io_plain)
        rc = TR_EINVAL;
    if (rc == 0 && (io->users > 0 || tr__buffer_count(&io->out) > 0))
        rc = TR_EBUSY;
    if (rc == 0)
        rc = wrap_checked(io, context, host, &is_closed);
    if (rc < 0) {
        if (!is_closed)
            (void)tr_close(io); /* on its loop, or it stays the other loop's */
        *at = NULL;
    }
    return rc;
}

int tr_tls_wrap_client(tr_io **io, tr_tls *tls, const char *host)
{
    if (io == NULL || *io == NULL || tls == NULL || host == NULL || host[0] == 0)
        return TR_EINVAL;
    return wrap(io, tls, host);
}

int tr_tls_wrap_server(tr_io **io, tr_tls *tls)
{
    if (io == NULL || *io == NULL || tls == NULL)
        return TR_EINVAL;
    return wrap(io, tls, NULL);
}

int tr__tls_connect(tr_io **out, const char *address, tr_tls *tls,
                    const tr_connect_options *options, size_t options_size)
{
    char host[TR__HOST_BYTES];
    double limit;
    uint16_t port;
    int rc = 0;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (address == NULL || tls == NULL || !tr__address_split(address, host, &port))
        return TR_EINVAL;
    limit = options != NULL && options->timeout != 0 ? options->timeout : 30;
    if (isnan(limit))
        return TR_EINVAL;
    TR_DEADLINE(limit < 0 ? TR_FOREVER : limit, &rc) {
        rc = tr__tcp_connect(out, address, options, options_size);
        if (rc == 0)
            rc = tr_tls_wrap_client(out, tls, host);
    }
    if (rc < 0 && *out != NULL) { /* the deadline passed just when all was done */
        (void)tr_close(*out);     /* on its loop */
        *out = NULL;
    }
    return rc;
}

/* ---- what was agreed on ---- */

static tr__tls *tls_of(const tr_io *io)
{
    return io != NULL && io->kind == &tls_kind ? engine_of(io) : NULL;
}

const char *tr_tls_version(const tr_io *io)
{
    return tls_of(io) != NULL ? tr__tls_version(tls_of(io)) : "";
}

const char *tr_tls_protocol(const tr_io *io)
{
    return tls_of(io) != NULL ? tr__tls_protocol(tls_of(io)) : "";
}

bool tr_tls_is_resumed(const tr_io *io)
{
    return tls_of(io) != NULL && tr__tls_is_resumed(tls_of(io));
}

const char *tr_tls_peer(tr_io *io)
{
    return tls_of(io) != NULL ? tr__tls_peer(tls_of(io)) : "";
}
