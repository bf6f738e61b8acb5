/* Contexts of TLS: certificates, rules, sessions.
 *
 * All that is read from files is in a set, which is made anew and exchanged when files are read
 * again; a connection keeps the SSL_CTX that it was made of. A lock guards the set and the
 * sessions; it is held for the look only.
 *
 * Sessions of clients are kept by host, each for one connection (RFC 8446, C.4). */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/list.h"
#include "base/log.h"
#include "base/seam.h"
#include "base/threads.h"
#include "net/system.h"
#include "net/tls_context.h"

enum { SESSIONS_MOST = 256, SESSIONS_EACH = 4, HOST_BYTES = 256, PROTOCOLS_BYTES = 256 };

/* A certificate, and for whom. */
typedef struct identity {
    struct identity *next;
    char *host; /* NULL: whoever asks */
    char *certificate, *key;
    SSL_CTX *ssl;
} identity;

typedef struct session {
    tr__list link;
    char host[HOST_BYTES];
    SSL_SESSION *ssl;
} session;

struct tr_tls {
    uint32_t refs; /* shared */
    bool is_server;
    tr_tls_options options;                   /* its texts are copies */
    unsigned char protocols[PROTOCOLS_BYTES]; /* as ALPN has them */
    unsigned protocol_bytes;
    pthread_mutex_t files; /* who reads files has it */
    pthread_mutex_t lock;
    identity *identities; /* the first is for whoever asks */
    tr__list sessions;    /* the oldest first */
    size_t session_count;
};

/* ---- errors ---- */

bool tr__tls_was_starved(void)
{
    bool was_starved = false;
    unsigned long error;

    while ((error = ERR_get_error()) != 0)
        was_starved |= ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
    return was_starved;
}

static int complain(const char *what, const char *path)
{
    unsigned long error = ERR_peek_error();
    bool was_starved = tr__tls_was_starved();
    char text[160] = "";
    int rc = was_starved                         ? TR_ENOMEM
             : ERR_GET_LIB(error) == ERR_LIB_SYS ? -ERR_GET_REASON(error)
                                                 : TR_ESYNTAX;

    ERR_error_string_n(error, text, sizeof(text));
    tr__log(TR_LOG_ERROR, "tls: can't use %s %s: %s", what, path,
            rc == TR_ESYNTAX ? text : tr_strerror(rc));
    return rc;
}

/* ---- one SSL_CTX ---- */

static int load_identity(SSL_CTX *ssl, const char *certificate, const char *key)
{
    ERR_clear_error();
    if (certificate == NULL)
        return 0;
    if (SSL_CTX_use_certificate_chain_file(ssl, certificate) != 1)
        return complain("certificate", certificate);
    if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1)
        return complain("key", key);
    if (SSL_CTX_check_private_key(ssl) != 1)
        return complain("key, for it is another certificate's:", key);
    return 0;
}

/* Clients are told who may have signed theirs. */
static int tell_authorities(SSL_CTX *ssl, const char *path)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(path);

    if (names == NULL)
        return complain("authorities", path);
    SSL_CTX_set_client_CA_list(ssl, names);
    return 0;
}

/* What a certificate may be used for, OpenSSL finds out when it is first met, and keeps; also that it
 * had no memory for that: then nobody would be trusted for its sake any more. So let it find out
 * now. */
static int look_at_authorities(SSL_CTX *ssl)
{
    const STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ssl));

    for (int i = 0; i < sk_X509_OBJECT_num(all); i++) {
        X509 *certificate = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i));

        if (certificate != NULL)
            (void)X509_check_purpose(certificate, -1, 0); /* one that is bad vouches for nobody */
    }
    return tr__tls_was_starved() ? TR_ENOMEM : 0;
}

static int load_default_authorities(SSL_CTX *ssl)
{
    return SSL_CTX_set_default_verify_paths(ssl) == 1 ? look_at_authorities(ssl) : TR_ENOMEM;
}

static int load_authorities(SSL_CTX *ssl, const tr_tls *tls)
{
    const char *path = tls->options.authorities;
    int rc;

    ERR_clear_error();
    if (path == NULL)
        return tls->is_server ? 0 : load_default_authorities(ssl);
    if (tr__sys_is_folder(path) ? SSL_CTX_load_verify_dir(ssl, path) != 1
                                : SSL_CTX_load_verify_file(ssl, path) != 1)
        return complain("authorities", path);
    rc = look_at_authorities(ssl);
    if (rc == 0 && tls->is_server && !tr__sys_is_folder(path))
        rc = tell_authorities(ssl, path);
    return rc;
}

static void set_verification(SSL_CTX *ssl, const tr_tls *tls)
{
    int mode = SSL_VERIFY_PEER;

    if (tls->is_server && tls->options.authorities == NULL)
        mode = SSL_VERIFY_NONE;
    else if (tls->is_server && tls->options.requires_certificate)
        mode = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    else if (!tls->is_server && tls->options.is_unverified)
        mode = SSL_VERIFY_NONE;
    SSL_CTX_set_verify(ssl, mode, NULL);
}

/* The first of ours that the client knows; none is no error (RFC 7301 would let us refuse). */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                           const unsigned char *in, unsigned in_bytes, void *arg)
{
    const tr_tls *tls = arg;
    unsigned char *chosen;

    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_bytes, tls->protocols, tls->protocol_bytes, in,
                              in_bytes) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* "*.example.org" stands for one label. */
static bool is_for(const identity *id, const char *host)
{
    const char *dot;

    if (id->host == NULL)
        return false;
    if (strcasecmp(id->host, host) == 0)
        return true;
    dot = strchr(host, '.');
    return strncmp(id->host, "*.", 2) == 0 && dot != NULL && dot != host &&
           strcasecmp(id->host + 1, dot) == 0;
}

static int choose_identity(SSL *ssl, int *alert, void *arg)
{
    const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    tr_tls *tls = arg;
    bool is_chosen = true;

    if (host == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    tr__mutex_lock(&tls->lock);
    for (const identity *id = tls->identities; id != NULL; id = id->next)
        if (is_for(id, host)) {
            is_chosen = SSL_set_SSL_CTX(ssl, id->ssl) != NULL;
            break;
        }
    tr__mutex_unlock(&tls->lock);
    if (is_chosen)
        return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_INTERNAL_ERROR; /* another certificate than its own would not be trusted */
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int keep_session(SSL *ssl, SSL_SESSION *ssl_session);

/* Nobody is at hand to be asked for the passphrase of a key: such a key is refused. */
/* NOLINTNEXTLINE(readability-non-const-parameter): as OpenSSL has it */
static int no_passphrase(char *buffer, int bytes, int is_writing, void *arg)
{
    (void)buffer;
    (void)bytes;
    (void)is_writing;
    (void)arg;
    return -1;
}

static int set_rules(SSL_CTX *ssl, tr_tls *tls)
{
    static const unsigned char id[] = "troupe";

    (void)SSL_CTX_set_min_proto_version(ssl,
                                        tls->options.is_1_3_only ? TLS1_3_VERSION : TLS1_2_VERSION);
    (void)SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE);
    (void)SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    if (SSL_CTX_set_app_data(ssl, tls) != 1) /* without it, a session would have nowhere to go */
        return TR_ENOMEM;
    SSL_CTX_set_default_passwd_cb(ssl, no_passphrase);
    set_verification(ssl, tls);
    if (tls->is_server) {
        (void)SSL_CTX_set_session_id_context(ssl, id, sizeof(id) - 1);
        (void)SSL_CTX_set_tlsext_servername_callback(ssl, choose_identity);
        (void)SSL_CTX_set_tlsext_servername_arg(ssl, tls);
        if (tls->protocol_bytes > 0)
            SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, tls);
        return 0;
    }
    (void)SSL_CTX_set_session_cache_mode(ssl,
                                         SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(ssl, keep_session);
    if (tls->protocol_bytes > 0 &&
        SSL_CTX_set_alpn_protos(ssl, tls->protocols, tls->protocol_bytes) != 0)
        return TR_ENOMEM;
    return 0;
}

static int make_ssl(SSL_CTX **out, tr_tls *tls, const char *certificate, const char *key)
{
    SSL_CTX *ssl = SSL_CTX_new(tls->is_server ? TLS_server_method() : TLS_client_method());
    int rc = ssl == NULL ? TR_ENOMEM : set_rules(ssl, tls);

    if (rc == 0)
        rc = load_authorities(ssl, tls);
    if (rc == 0)
        rc = load_identity(ssl, certificate, key);
    if (rc < 0) {
        SSL_CTX_free(ssl); /* NULL is fine */
        ssl = NULL;
    }
    *out = ssl;
    return rc;
}

/* ---- identities ---- */

static void free_identities(identity *id)
{
    while (id != NULL) {
        identity *next = id->next;

        SSL_CTX_free(id->ssl);
        tr__free(id->host);
        tr__free(id->certificate);
        tr__free(id->key);
        tr__free(id);
        id = next;
    }
}

static bool copy(char **out, const char *text)
{
    *out = text != NULL ? tr__copy_string(text) : NULL;
    return text == NULL || *out != NULL;
}

static int new_identity(identity **out, tr_tls *tls, const char *host, const char *certificate,
                        const char *key)
{
    identity *id = tr__alloc_zeroed(sizeof(*id));
    int rc = id == NULL || !copy(&id->host, host) || !copy(&id->certificate, certificate) ||
                     !copy(&id->key, key)
                 ? TR_ENOMEM
                 : make_ssl(&id->ssl, tls, certificate, key);

    *out = NULL;
    if (rc < 0) {
        free_identities(id);
        return rc;
    }
    *out = id;
    return 0;
}

int tr_tls_add_certificate(tr_tls *tls, const char *host, const char *certificate, const char *key)
{
    identity *id;
    identity **last;
    int rc;

    if (tls == NULL || !tls->is_server || host == NULL || host[0] == 0 || certificate == NULL ||
        key == NULL)
        return TR_EINVAL;
    tr__mutex_lock(&tls->files);
    rc = new_identity(&id, tls, host, certificate, key);
    if (rc == 0) {
        tr__mutex_lock(&tls->lock);
        for (last = &tls->identities; *last != NULL; last = &(*last)->next)
            ;
        *last = id;
        tr__mutex_unlock(&tls->lock);
    }
    tr__mutex_unlock(&tls->files);
    return rc;
}

/* All of them anew, in the same order. Nobody else changes them: the caller has `files`. */
static int read_again(tr_tls *tls, identity **out)
{
    identity **last = out;
    int rc = 0;

    *out = NULL;
    for (const identity *id = tls->identities; rc == 0 && id != NULL; id = id->next) {
        rc = new_identity(last, tls, id->host, id->certificate, id->key);
        if (rc == 0)
            last = &(*last)->next;
    }
    if (rc < 0) {
        free_identities(*out);
        *out = NULL;
    }
    return rc;
}

static void free_session(session *s)
{
    SSL_SESSION_free(s->ssl);
    tr__free(s);
}

static void free_sessions(tr__list *sessions)
{
    tr__list *node;

    while ((node = tr__list_take_first(sessions)) != NULL)
        free_session(TR__CONTAINER_OF(node, session, link));
}

int tr_tls_reload(tr_tls *tls)
{
    identity *fresh;
    identity *old;
    tr__list sessions;
    int rc;

    if (tls == NULL)
        return TR_EINVAL;
    tr__mutex_lock(&tls->files);
    rc = read_again(tls, &fresh);
    if (rc < 0) {
        tr__mutex_unlock(&tls->files);
        return rc;
    }
    tr__list_init(&sessions);
    tr__mutex_lock(&tls->lock);
    old = tls->identities;
    tls->identities = fresh;
    /* What was verified by other authorities is not resumed. */
    if (!tr__list_is_empty(&tls->sessions))
        tr__list_move(&sessions, &tls->sessions);
    tls->session_count = 0;
    tr__mutex_unlock(&tls->lock);
    tr__mutex_unlock(&tls->files);
    free_identities(old);
    free_sessions(&sessions);
    return 0;
}

/* ---- contexts ---- */

/* "http/1.1 acme" as ALPN has it: a byte of length before each. */
static bool set_protocols(tr_tls *tls, const char *text)
{
    while (text != NULL && *text != 0) {
        size_t bytes = strcspn(text, " ");

        if (bytes > UINT8_MAX || tls->protocol_bytes + bytes + 1 > PROTOCOLS_BYTES)
            return false;
        if (bytes > 0) {
            tls->protocols[tls->protocol_bytes++] = (unsigned char)bytes;
            memcpy(tls->protocols + tls->protocol_bytes, text, bytes);
            tls->protocol_bytes += (unsigned)bytes;
        }
        text += bytes + (text[bytes] == ' ');
    }
    return true;
}

static void free_context(tr_tls *tls)
{
    free_identities(tls->identities);
    free_sessions(&tls->sessions);
    (void)pthread_mutex_destroy(&tls->lock); /* nobody has these */
    (void)pthread_mutex_destroy(&tls->files);
    tr__free((void *)(uintptr_t)tls->options.authorities);
    tr__free(tls);
}

static int make(tr_tls **out, bool is_server, const tr_tls_options *options)
{
    tr_tls *tls = tr__alloc_zeroed(sizeof(*tls));
    char *authorities;
    int rc;

    if (tls == NULL)
        return TR_ENOMEM;
    tls->refs = 1;
    tls->is_server = is_server;
    tls->options = *options;
    (void)pthread_mutex_init(&tls->lock,
                             NULL); /* these can't fail on Linux: nothing is allocated */
    (void)pthread_mutex_init(&tls->files, NULL);
    tr__list_init(&tls->sessions);
    tls->options.authorities = NULL;
    rc = copy(&authorities, options->authorities) ? 0 : TR_ENOMEM;
    tls->options.authorities = authorities;
    if (rc == 0 && !set_protocols(tls, options->protocols))
        rc = TR_EINVAL;
    if (rc == 0)
        rc = new_identity(&tls->identities, tls, NULL, options->certificate, options->key);
    if (rc < 0) {
        free_context(tls);
        return rc;
    }
    *out = tls;
    return 0;
}

static int make_checked(tr_tls **out, bool is_server, const tr_tls_options *options,
                        size_t options_size)
{
    tr_tls_options all = { 0 };

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (options_size > sizeof(all))
        return TR_EINVAL;
    if (options != NULL)
        memcpy(&all, options, options_size);
    if ((all.certificate == NULL) != (all.key == NULL) ||
        (is_server && (all.certificate == NULL || all.is_unverified ||
                       (all.requires_certificate && all.authorities == NULL))) ||
        (!is_server && all.requires_certificate))
        return TR_EINVAL;
    return make(out, is_server, &all);
}

int tr__tls_server_new(tr_tls **out, const tr_tls_options *options, size_t options_size)
{
    return make_checked(out, true, options, options_size);
}

int tr__tls_client_new(tr_tls **out, const tr_tls_options *options, size_t options_size)
{
    return make_checked(out, false, options, options_size);
}

tr_tls *tr_tls_ref(tr_tls *tls)
{
    /* ordered, although relaxed would do: who refers to it already has it. */
    if (tls != NULL)
        (void)tr__add_ordered_u32(&tls->refs, 1);
    return tls;
}

void tr_tls_unref(tr_tls *tls)
{
    /* ordered: what others did with it comes before it is freed; pairs with itself. */
    if (tls != NULL && tr__add_ordered_u32(&tls->refs, UINT32_MAX) == 1)
        free_context(tls);
}

/* ---- for the engine ---- */

bool tr__tls_context_is_server(const tr_tls *context)
{
    return context->is_server;
}

SSL *tr__tls_context_connection(tr_tls *context, const char *host)
{
    SSL *ssl;

    tr__mutex_lock(&context->lock);
    ssl = SSL_new(context->identities->ssl);
    tr__mutex_unlock(&context->lock);
    if (ssl != NULL && host != NULL) {
        char *kept = OPENSSL_strdup(host); /* for keep_session; it goes with the connection */

        if (kept == NULL || SSL_set_ex_data(ssl, tr__tls_host_index(), kept) != 1) {
            OPENSSL_free(kept);
            SSL_free(ssl);
            return NULL;
        }
    }
    return ssl;
}

/* ---- sessions of clients ---- */

static void free_host(void *parent, void *host, CRYPTO_EX_DATA *data, int index, long number,
                      void *pointer)
{
    (void)parent;
    (void)data;
    (void)index;
    (void)number;
    (void)pointer;
    OPENSSL_free(host);
}

static pthread_mutex_t host_lock = PTHREAD_MUTEX_INITIALIZER;
static int host_index = -1; /* of a connection's host among what an SSL carries; -1: none yet */

/* Where there is no memory now, there may be some later. */
int tr__tls_host_index(void)
{
    int index;

    tr__mutex_lock(&host_lock);
    if (host_index < 0)
        host_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_host);
    index = host_index;
    tr__mutex_unlock(&host_lock);
    return index;
}

/* The oldest of a host that has SESSIONS_EACH, or else of all, where there are too many. */
static tr__list *take_surplus(tr_tls *tls, const char *host)
{
    session *oldest = NULL;
    size_t count = 0;

    for (tr__list *node = tls->sessions.prev; node != &tls->sessions; node = node->prev) {
        session *s = TR__CONTAINER_OF(node, session, link);

        if (strcmp(s->host, host) == 0 && ++count > SESSIONS_EACH)
            oldest = s;
    }
    if (oldest == NULL && tls->session_count <= SESSIONS_MOST)
        return NULL;
    tls->session_count--;
    if (oldest == NULL)
        return tr__list_take_first(&tls->sessions);
    tr__list_remove(&oldest->link);
    return &oldest->link;
}

/* Called by OpenSSL when the server has given a ticket. 1: the session is ours. */
static int keep_session(SSL *ssl, SSL_SESSION *ssl_session)
{
    tr_tls *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    const char *host = SSL_get_ex_data(ssl, tr__tls_host_index());
    session *kept =
        host != NULL && strlen(host) < HOST_BYTES ? tr__alloc_zeroed(sizeof(*kept)) : NULL;
    tr__list *oldest;

    if (kept == NULL)
        return 0;                                               /* better none than no connection */
    (void)snprintf(kept->host, sizeof(kept->host), "%s", host); /* it fits */
    kept->ssl = ssl_session;
    tr__mutex_lock(&tls->lock);
    tr__list_append(&tls->sessions, &kept->link);
    tls->session_count++;
    oldest = take_surplus(tls, host);
    tr__mutex_unlock(&tls->lock);
    if (oldest != NULL)
        free_session(TR__CONTAINER_OF(oldest, session, link));
    return 1;
}

SSL_SESSION *tr__tls_session_take(tr_tls *context, const char *host)
{
    SSL_SESSION *ssl = NULL;
    session *found = NULL;

    tr__mutex_lock(&context->lock);
    for (tr__list *node = context->sessions.prev; node != &context->sessions; node = node->prev) {
        session *s = TR__CONTAINER_OF(node, session, link);

        if (strcmp(s->host, host) == 0) {
            found = s;
            tr__list_remove(&s->link);
            context->session_count--;
            break;
        }
    }
    tr__mutex_unlock(&context->lock);
    if (found != NULL) {
        ssl = found->ssl;
        tr__free(found);
    }
    return ssl;
}
