/* Middleware: who asks? (RFC 7617, RFC 6750) */
#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "http/base64.h"
#include "http/message.h"
#include "http/middleware.h"
#include "net/digest.h"

typedef struct auth {
    char *challenge; /* WWW-Authenticate */
    tr_http_check_password check_password;
    tr_http_check_token check_token;
    void *ctx;
} auth;

static const char user_key;

/* ---- the user ---- */

int tr_http_set_user(tr_http_request *req, const char *user)
{
    char *copy;

    if (req == NULL || user == NULL)
        return TR_EINVAL;
    copy = tr__arena_copy(&req->arena, user, strlen(user));
    return copy == NULL ? TR_ENOMEM : tr_http_set_value(req, &user_key, copy, NULL);
}

const char *tr_http_user(const tr_http_request *req)
{
    const char *user = tr_http_value(req, &user_key);

    return user != NULL ? user : "";
}

bool tr_http_equals(const char *a, const char *b)
{
    unsigned char one[TR__SHA256_BYTES];
    unsigned char other[TR__SHA256_BYTES];

    if (a == NULL || b == NULL)
        return false;
    /* Digests have one length: so the texts' own do not show either. */
    return tr__digest_sha256(a, strlen(a), one) == 0 &&
           tr__digest_sha256(b, strlen(b), other) == 0 &&
           tr__secret_equals(one, other, sizeof(one));
}

/* ---- credentials ---- */

/* What stands behind the scheme; NULL: it is another one. */
static const char *credentials(tr_http_request *req, const char *scheme)
{
    const char *header = tr_http_header(req, "Authorization");
    size_t bytes = strlen(scheme);

    if (header == NULL || strncasecmp(header, scheme, bytes) != 0 || header[bytes] != ' ')
        return NULL;
    return header + bytes + strspn(header + bytes, " ");
}

/* 1, 0, or an error, as the check's. */
static int check_password(tr_http_request *req, const auth *a)
{
    const char *encoded = credentials(req, "Basic");
    size_t bytes = encoded != NULL ? strlen(encoded) : 0;
    char *user = encoded != NULL ? tr__arena_take(&req->arena, bytes + 1) : NULL;
    ssize_t count;
    char *colon;
    int rc;

    if (user == NULL)
        return encoded == NULL ? 0 : TR_ENOMEM;
    count = tr__base64_decode((tr__slice){ encoded, bytes }, user, bytes);
    if (count < 0 || memchr(user, 0, (size_t)count) != NULL)
        return 0;
    user[count] = 0;
    colon = strchr(user, ':');
    if (colon == NULL)
        return 0;
    *colon = 0;
    rc = a->check_password(req, user, colon + 1, a->ctx);
    if (rc > 0 && tr_http_user(req)[0] == 0)
        rc = tr_http_set_user(req, user) < 0 ? TR_ENOMEM : 1;
    return rc;
}

static int check_token(tr_http_request *req, const auth *a)
{
    const char *token = credentials(req, "Bearer");

    return token == NULL || token[0] == 0 ? 0 : a->check_token(req, token, a->ctx);
}

static int authenticate(tr_http_request *req, tr_http_response *res, tr_http_next *next, void *ctx)
{
    const auth *a = ctx;
    int rc = a->check_password != NULL ? check_password(req, a) : check_token(req, a);

    if (rc > 0)
        return tr_http_next_call(next);
    if (rc < 0)
        return rc;
    rc = tr_http_set_header(res, "WWW-Authenticate", a->challenge);
    return rc < 0 ? rc : tr_http_problem(res, 401, "say who you are");
}

static void fini(void *arg)
{
    tr__free(((auth *)arg)->challenge);
}

/* The realm stands in quotes: it must not have any. */
static tr_http_middleware make(const char *scheme, const char *realm, const char *rest, auth a)
{
    tr_http_middleware made;
    size_t bytes = realm != NULL ? strlen(realm) + 64 : 0;

    if (realm == NULL || strpbrk(realm, "\"\\\r\n") != NULL ||
        (a.check_password == NULL && a.check_token == NULL))
        return tr__no_middleware(TR_EINVAL);
    a.challenge = tr__alloc(bytes);
    if (a.challenge == NULL)
        return tr__no_middleware(TR_ENOMEM);
    (void)snprintf(a.challenge, bytes, "%s realm=\"%s\"%s", scheme, realm, rest);
    made = tr__middleware(authenticate, &a, sizeof(a), fini);
    if (made.error != 0)
        fini(&a);
    return made;
}

tr_http_middleware tr_http_basic(const char *realm, tr_http_check_password check, void *ctx)
{
    return make("Basic", realm, ", charset=\"UTF-8\"",
                (auth){ .check_password = check, .ctx = ctx });
}

tr_http_middleware tr_http_bearer(const char *realm, tr_http_check_token check, void *ctx)
{
    return make("Bearer", realm, "", (auth){ .check_token = check, .ctx = ctx });
}
