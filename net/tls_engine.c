/* The engine: OpenSSL between two buffers. */
#include "net/tls_engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "base/threads.h"
#include "net/io.h"
#include "net/tls_context.h"

enum {
    ROOM = 16 * 1024,     /* for what comes, at one time */
    OUT_MOST = 512 * 1024 /* that may wait to go out: more than anybody writes at once */
};

struct tr__tls {
    SSL *ssl;
    tr_tls *context;
    tr__buffer in;   /* ciphertext that was not understood yet */
    tr__buffer out;  /* that is to go out */
    bool is_starved; /* there was no memory for it */
    bool has_ended;
    char *peer;
    char protocol[64];
    char error[160];
};

/* ---- a BIO between the buffers ---- */

static int bio_read(BIO *bio, char *data, int bytes)
{
    tr__tls *tls = BIO_get_data(bio);
    size_t count = tr__buffer_count(&tls->in);

    BIO_clear_retry_flags(bio);
    if (count == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (count > (size_t)bytes)
        count = (size_t)bytes;
    memcpy(data, tls->in.bytes + tls->in.begin, count);
    tr__buffer_take(&tls->in, count);
    return (int)count;
}

static int bio_write(BIO *bio, const char *data, int bytes)
{
    tr__tls *tls = BIO_get_data(bio);

    BIO_clear_retry_flags(bio);
    if (tr__buffer_count(&tls->out) + (size_t)bytes > OUT_MOST)
        return -1;
    if (!tr__buffer_reserve(&tls->out, (size_t)bytes)) {
        tls->is_starved = true;
        return -1;
    }
    memcpy(tls->out.bytes + tls->out.end, data, (size_t)bytes);
    tls->out.end += (size_t)bytes;
    return bytes;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP ? 1 : 0;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static pthread_mutex_t method_lock = PTHREAD_MUTEX_INITIALIZER;
static BIO_METHOD *method; /* as long as the process; NULL: it was not made yet */

/* Where there is no memory now, there may be some later. */
static BIO_METHOD *method_of_all(void)
{
    BIO_METHOD *made;

    tr__mutex_lock(&method_lock);
    if (method == NULL) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "troupe");
        if (method != NULL) {
            (void)BIO_meth_set_read(method, bio_read); /* these only store it */
            (void)BIO_meth_set_write(method, bio_write);
            (void)BIO_meth_set_ctrl(method, bio_control);
            (void)BIO_meth_set_create(method, bio_create);
        }
    }
    made = method;
    tr__mutex_unlock(&method_lock);
    return made;
}

static BIO *new_bio(tr__tls *tls)
{
    BIO_METHOD *ours = method_of_all();
    BIO *bio = ours != NULL ? BIO_new(ours) : NULL;

    if (bio != NULL)
        BIO_set_data(bio, tls);
    return bio;
}

/* ---- making ---- */

static bool is_address(const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

/* Whom the certificate must be for; who is asked for by name is told which. */
static int set_host(tr__tls *tls, const char *host)
{
    X509_VERIFY_PARAM *rules = SSL_get0_param(tls->ssl);

    if (is_address(host))
        return X509_VERIFY_PARAM_set1_ip_asc(rules, host) == 1 ? 0 : TR_ENOMEM;
    if (host[0] == 0 || strlen(host) > TLSEXT_MAXLEN_host_name)
        return TR_EINVAL;
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(rules, host, 0) != 1 ||
        SSL_set_tlsext_host_name(tls->ssl, host) != 1)
        return TR_ENOMEM;
    return 0;
}

static void resume(tr__tls *tls, const char *host)
{
    SSL_SESSION *session = tr__tls_session_take(tls->context, host);

    if (session == NULL)
        return;
    (void)SSL_set_session(tls->ssl, session); /* else it is a full handshake */
    SSL_SESSION_free(session);
}

static int open_engine(tr__tls *tls, bool is_server, const char *host)
{
    BIO *bio;
    int rc;

    tls->ssl = tr__tls_context_connection(tls->context, host);
    bio = tls->ssl != NULL ? new_bio(tls) : NULL;
    if (bio == NULL)
        return TR_ENOMEM;
    SSL_set_bio(tls->ssl, bio, bio);
    if (is_server) {
        SSL_set_accept_state(tls->ssl);
        return 0;
    }
    SSL_set_connect_state(tls->ssl);
    rc = set_host(tls, host);
    if (rc == 0)
        resume(tls, host);
    return rc;
}

int tr__tls_new(tr__tls **out, tr_tls *context, bool is_server, const char *host)
{
    tr__tls *tls;
    int rc;

    *out = NULL;
    if (is_server != tr__tls_context_is_server(context) || (!is_server && host == NULL))
        return TR_EINVAL;
    tls = tr__alloc_zeroed(sizeof(*tls));
    if (tls == NULL)
        return TR_ENOMEM;
    tls->context = tr_tls_ref(context);
    ERR_clear_error();
    rc = open_engine(tls, is_server, host);
    ERR_clear_error();
    if (rc < 0) {
        tr__tls_free(tls);
        return rc;
    }
    *out = tls;
    return 0;
}

void tr__tls_free(tr__tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->ssl); /* with its BIO; NULL is fine */
    tr__buffer_free(&tls->in);
    tr__buffer_free(&tls->out);
    tr_tls_unref(tls->context);
    tr__free(tls->peer);
    tr__free(tls);
}

/* ---- ciphertext ---- */

/* One that idles has no buffers. */
static void shrink(tr__buffer *buffer)
{
    if (tr__buffer_count(buffer) == 0)
        tr__buffer_free(buffer);
}

char *tr__tls_room(tr__tls *tls, size_t *bytes)
{
    if (!tr__buffer_reserve(&tls->in, ROOM))
        return NULL;
    *bytes = tls->in.capacity - tls->in.end;
    return tls->in.bytes + tls->in.end;
}

void tr__tls_fed(tr__tls *tls, size_t bytes)
{
    tls->in.end += bytes;
    shrink(&tls->in);
}

const char *tr__tls_outgoing(const tr__tls *tls, size_t *bytes)
{
    *bytes = tr__buffer_count(&tls->out);
    return tls->out.bytes + tls->out.begin;
}

void tr__tls_sent(tr__tls *tls, size_t bytes)
{
    tr__buffer_take(&tls->out, bytes);
    shrink(&tls->out);
}

/* ---- what OpenSSL says ---- */

/* It is the other side's certificate that is not good, or that it does not have. */
static bool is_about_certificate(unsigned long error)
{
    return ERR_GET_LIB(error) == ERR_LIB_SSL &&
           (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED ||
            ERR_GET_REASON(error) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE);
}

static int fail(tr__tls *tls)
{
    long verified = SSL_get_verify_result(tls->ssl);
    unsigned long error = ERR_peek_last_error();
    bool is_certificate = is_about_certificate(error);
    bool was_starved =
        tr__tls_was_starved() || tls->is_starved || verified == X509_V_ERR_OUT_OF_MEM;

    if (is_certificate && verified != X509_V_OK)
        (void)snprintf(tls->error, sizeof(tls->error), "%s",
                       X509_verify_cert_error_string(verified));
    else if (error != 0)
        ERR_error_string_n(error, tls->error, sizeof(tls->error));
    tls->is_starved = false;
    if (was_starved)
        return TR_ENOMEM;
    return is_certificate ? TR_ECERTIFICATE : TR_ETLS;
}

/* What a call that returned so means. */
static int outcome(tr__tls *tls, int returned)
{
    switch (SSL_get_error(tls->ssl, returned)) {
    case SSL_ERROR_NONE:
        return 0;
    case SSL_ERROR_WANT_READ:
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        tls->has_ended = true;
        return 0;
    default:
        return fail(tls);
    }
}

int tr__tls_handshake(tr__tls *tls)
{
    int rc;

    ERR_clear_error();
    rc = outcome(tls, SSL_do_handshake(tls->ssl));
    shrink(&tls->in);
    return rc;
}

ssize_t tr__tls_read(tr__tls *tls, void *buffer, size_t bytes)
{
    int count;
    int rc;

    ERR_clear_error();
    count = SSL_read(tls->ssl, buffer, bytes > INT_MAX ? INT_MAX : (int)bytes);
    if (count > 0)
        return count;
    rc = outcome(tls, count);
    shrink(&tls->in);
    return rc;
}

bool tr__tls_has_pending(const tr__tls *tls)
{
    return tr__buffer_count(&tls->in) > 0 || SSL_pending(tls->ssl) > 0;
}

int tr__tls_write(tr__tls *tls, const void *data, size_t bytes)
{
    const char *at = data;

    ERR_clear_error();
    while (bytes > 0) {
        int some = bytes > INT_MAX ? INT_MAX : (int)bytes;
        int count = SSL_write(tls->ssl, at, some);

        if (count <= 0) {
            int rc = outcome(tls, count);

            /* It never waits: there is no renegotiation, and the buffer takes all. */
            return rc == -EAGAIN || rc == 0 ? TR_EPIPE : rc;
        }
        at += count;
        bytes -= (size_t)count;
    }
    return 0;
}

void tr__tls_end(tr__tls *tls)
{
    ERR_clear_error();
    if ((SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN) == 0 && SSL_is_init_finished(tls->ssl))
        (void)SSL_shutdown(tls->ssl); /* a courtesy: the connection ends in any case */
    ERR_clear_error();
}

/* ---- what was agreed on ---- */

const char *tr__tls_version(const tr__tls *tls)
{
    return SSL_get_version(tls->ssl);
}

const char *tr__tls_protocol(tr__tls *tls)
{
    const unsigned char *name;
    unsigned bytes;

    SSL_get0_alpn_selected(tls->ssl, &name, &bytes);
    (void)snprintf(tls->protocol, sizeof(tls->protocol), "%.*s", (int)bytes,
                   bytes > 0 ? (const char *)name : "");
    return tls->protocol;
}

bool tr__tls_is_resumed(const tr__tls *tls)
{
    return SSL_session_reused(tls->ssl) == 1;
}

static char *subject_of(const X509 *certificate)
{
    BIO *text = BIO_new(BIO_s_mem());
    char *copy = NULL;
    char *data;
    long bytes;

    if (text != NULL &&
        X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0) {
        bytes = BIO_get_mem_data(text, &data);
        copy = tr__alloc((size_t)bytes + 1);
        if (copy != NULL) {
            memcpy(copy, data, (size_t)bytes);
            copy[bytes] = 0;
        }
    }
    BIO_free(text);
    return copy;
}

const char *tr__tls_peer(tr__tls *tls)
{
    X509 *certificate = tls->peer == NULL ? SSL_get0_peer_certificate(tls->ssl) : NULL;

    if (certificate != NULL && SSL_get_verify_result(tls->ssl) == X509_V_OK &&
        SSL_get_verify_mode(tls->ssl) != SSL_VERIFY_NONE)
        tls->peer = subject_of(certificate);
    return tls->peer != NULL ? tls->peer : "";
}

const char *tr__tls_error(const tr__tls *tls)
{
    return tls->error;
}
