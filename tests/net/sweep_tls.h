/* Sweeps over TLS, in which OpenSSL's own memory fails, too: each of its allocations asks whether
 * it is the one. What must hold: a context, a connection, or a record is made, or there is a code;
 * nobody is trusted who would not be otherwise; and all works when there is memory again. */
#ifndef TR_TESTS_SWEEP_TLS_H
#define TR_TESTS_SWEEP_TLS_H

#include <troupe/net.h>

#include "net/sweep_openssl.h"
#include "support/sweep.h"

#define EXPECT MUST
#include "net/certificates.h"

/* ---- two sides ---- */

static certificates files;

typedef struct wrap_args {
    tr_io **io;
    tr_tls *tls;
    int *rc;
} wrap_args;

static bool has_begun; /* the server's task: it has a stack */

static inline int wrap_server(void *arg)
{
    wrap_args *a = arg;

    has_begun = true;
    *a->rc = tr_tls_wrap_server(a->io, a->tls);
    return 0;
}

/* Shake hands over a pair. The first error of either side; streams are NULL, then. */
static inline int shake(tr_io **server, tr_io **client, tr_tls *by, tr_tls *with, const char *host)
{
    int server_rc = TR_ENOMEM; /* where its task does not begin */
    wrap_args args = { server, by, &server_rc };
    tr_task *task;
    int rc = tr_socketpair(server, client);

    if (rc < 0)
        return rc;
    has_begun = false;
    rc = tr_task_spawn(&task, wrap_server, &args);
    if (rc == 0) {
        TR_DEADLINE(5, &rc) {
            rc = tr_tls_wrap_client(client, with, host);
        }
        MUST(rc != TR_ETIMEDOUT || !has_begun);
        (void)tr_task_wait(task, TR_FOREVER); /* its result is server_rc */
        tr_task_unref(task);
    }
    if (rc == 0)
        rc = server_rc;
    if (rc < 0) {
        (void)tr_close(*server); /* NULL, where it has failed itself */
        (void)tr_close(*client);
        *server = *client = NULL;
    }
    return rc;
}

static inline int exchange(tr_io *from, tr_io *to, const char *text, size_t bytes)
{
    static char heard[20000];
    int rc = tr_write_all(from, text, bytes);

    if (rc == 0)
        rc = tr_read_exact(to, heard, bytes);
    if (rc == 0)
        MUST(memcmp(heard, text, bytes) == 0);
    return rc;
}

static inline int part(tr_io *server, tr_io *client, int rc)
{
    char byte;
    int closed = tr_close(client);

    if (rc == 0)
        rc = closed;
    if (rc == 0)
        rc = (int)tr_read(server, &byte, 1); /* goodbye is heard, or it was cut */
    closed = tr_close(server);
    return rc < 0 ? rc : closed;
}

/* OpenSSL does not always say that it was memory it lacked, but that it can't read the file. */
static inline int made(int rc)
{
    return rc == TR_ESYNTAX && has_struck() ? TR_ENOMEM : rc;
}

static inline int make_server(tr_tls **out, const char *name, const tr_tls_options *more)
{
    tr_tls_options options = more != NULL ? *more : (tr_tls_options){ 0 };
    char certificate[32], key[32];
    int rc;

    (void)snprintf(certificate, sizeof(certificate), "%s.pem", name);
    (void)snprintf(key, sizeof(key), "%s.key", name);
    options.certificate = file_of(&files, certificate);
    options.key = file_of(&files, key);
    rc = tr_tls_server_new(out, &options);
    MUST((rc == 0) == (*out != NULL));
    return made(rc);
}

static inline int make_client(tr_tls **out, const tr_tls_options *more)
{
    tr_tls_options options = more != NULL ? *more : (tr_tls_options){ 0 };
    int rc;

    options.authorities = file_of(&files, "good.pem");
    rc = tr_tls_client_new(out, &options);
    MUST((rc == 0) == (*out != NULL));
    return made(rc);
}

/* ---- the program ---- */

typedef struct tls_program {
    uint64_t share;       /* of all calls, one of so many is tried; 0: each */
    int (*prepare)(void); /* without a fault; NULL: nothing */
    int (*attempt)(void); /* what is swept */
    void (*clean_up)(void);
} tls_program;

static const tls_program *program;

/* Codes of an error of the machine's; and, as OpenSSL takes an authority that it could not look up
 * for one that there is not, that the other side is not trusted. */
static inline bool is_expected(int rc)
{
    return rc == TR_ENOMEM || rc == TR_EMFILE || rc == TR_ETLS || rc == TR_EEND ||
           rc == TR_ECONNRESET || rc == TR_EPIPE || rc == TR_EAGAIN || rc == -EIO ||
           rc == TR_ECERTIFICATE || (rc == TR_ETIMEDOUT && !has_begun);
}

static int root(void *unused)
{
    int rc = program->prepare != NULL ? program->prepare() : 0;

    (void)unused;
    MUST(rc == 0 || has_struck()); /* there was no memory for what the program needs first */
    sweep_begins();
    rc = program->attempt();
    sweep_ends();
    if (rc < 0 && !(has_struck() && is_expected(rc)))
        (void)fprintf(stderr, "gave %d (%s)\n", rc, tr_err_name(rc));
    MUST(rc == 0 || (has_struck() && is_expected(rc)));
    if (rc < 0) {
        rc = program->attempt();
        if (rc < 0)
            (void)fprintf(stderr, "still gives %d (%s)\n", rc, tr_err_name(rc));
    }
    MUST(rc == 0);
    if (program->clean_up != NULL)
        program->clean_up();
    return 0;
}

static void run(void *unused)
{
    int rc = tr_run(root, unused, &(tr_config){ .loops = 1, .signals = -1 });

    MUST(rc == 0 || has_struck());
}

static inline void sweep_tls(const tls_program *what)
{
    program = what;
    sweep_now.share = what->share > 0 ? what->share : 1;
    sweep_with_openssl(run);
}

static inline void begin_files(void)
{
    begin_certificates(&files);
    make_certificate(&files, "leaf", "localhost", "DNS:localhost,IP:127.0.0.1", 30, &files.good);
    make_certificate(&files, "alice", "alice", "email:alice@example.org", 30, &files.good);
    make_certificate(&files, "other", "other", "DNS:www.example.org", 30, &files.good);
    make_certificate(&files, "own", "localhost", "DNS:localhost", 30, NULL);
}

#endif
