/* What middleware is made of; request ids. */
#include "http/middleware.h"

#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "http/message.h"

typedef struct kept {
    void (*fini)(void *options);
    _Alignas(16) char options[];
} kept;

static void drop_kept(void *options)
{
    kept *k = TR__CONTAINER_OF(options, kept, options);

    if (k->fini != NULL)
        k->fini(options);
    tr__free(k);
}

tr_http_middleware tr__middleware(int (*fn)(tr_http_request *req, tr_http_response *res,
                                            tr_http_next *next, void *ctx),
                                  const void *options, size_t bytes, void (*fini)(void *options))
{
    kept *k = tr__alloc_zeroed(sizeof(*k) + bytes);

    if (k == NULL)
        return tr__no_middleware(TR_ENOMEM);
    k->fini = fini;
    memcpy(k->options, options, bytes);
    return (tr_http_middleware){ .fn = fn, .ctx = k->options, .drop = drop_kept };
}

bool tr__copy_option(const char **text)
{
    if (*text == NULL)
        return true;
    *text = tr__copy_string(*text);
    return *text != NULL;
}

/* ---- request ids ---- */

enum { ID_MOST = 64, UUID_BYTES = 36 };

static const char id_key;

static bool is_id(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    size_t bytes = strlen(text);

    return bytes > 0 && bytes <= ID_MOST && strspn(text, allowed) == bytes;
}

/* A UUID, version 4 (RFC 9562, 5.4). */
static void make_id(char text[UUID_BYTES + 1])
{
    uint64_t high = (tr__dice() & ~UINT64_C(0xf000)) | UINT64_C(0x4000);
    uint64_t low = (tr__dice() & ~(UINT64_C(3) << 62)) | (UINT64_C(2) << 62);

    (void)snprintf(text, UUID_BYTES + 1, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
                   (unsigned)(high >> 16) & 0xffff, (unsigned)high & 0xffff, (unsigned)(low >> 48),
                   (unsigned long long)(low & UINT64_C(0xffffffffffff)));
}

static int give_id(tr_http_request *req, tr_http_response *res, tr_http_next *next, void *ctx)
{
    const char *given = tr_http_header(req, "X-Request-Id");
    char made[UUID_BYTES + 1];
    char *id;
    int rc;

    (void)ctx;
    if (given == NULL || !is_id(given)) {
        make_id(made);
        given = made;
    }
    id = tr__arena_copy(&req->arena, given, strlen(given));
    if (id == NULL)
        return TR_ENOMEM;
    rc = tr_http_set_value(req, &id_key, id, NULL);
    if (rc == 0)
        rc = tr_http_set_header(res, "X-Request-Id", id);
    return rc < 0 ? rc : tr_http_next_call(next);
}

tr_http_middleware tr_http_request_id(void)
{
    return (tr_http_middleware){ .fn = give_id };
}

const char *tr_http_id(const tr_http_request *req)
{
    const char *id = tr_http_value(req, &id_key);

    return id != NULL ? id : "";
}
