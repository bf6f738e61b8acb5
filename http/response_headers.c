/* Headers of answers, cookies among them. */
#include <string.h>

#include "http/connection.h"
#include "http/cookie.h"
#include "http/header_name.h"
#include "http/response.h"

static bool is_own(tr__slice name)
{
    static const char *const own[] = { "Content-Length", "Transfer-Encoding", "Connection", "Date",
                                       "Content-Type" };

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (tr__slice_is_ignoring_case(name, own[i]))
            return true;
    return false;
}

/* The line of a name in what is to go out; NULL. *bytes: of the line. */
static char *find_line(const tr_http_response *res, tr__slice name, size_t *bytes)
{
    const tr__buffer *lines = &res->lines;
    char *at = tr__buffer_count(lines) > 0 ? lines->bytes + lines->begin : NULL;
    char *end = tr__buffer_count(lines) > 0 ? lines->bytes + lines->end : NULL;

    while (at != end) {
        char *next = (char *)memchr(at, '\n', (size_t)(end - at)) + 1; /* each line has one */

        if ((size_t)(next - at) > name.bytes && at[name.bytes] == ':' &&
            strncasecmp(at, name.at, name.bytes) == 0) {
            *bytes = (size_t)(next - at);
            return at;
        }
        at = next;
    }
    return NULL;
}

static void remove_lines(tr_http_response *res, tr__slice name)
{
    size_t bytes;
    char *at;

    while ((at = find_line(res, name, &bytes)) != NULL) {
        char *end = res->lines.bytes + res->lines.end;

        memmove(at, at + bytes, (size_t)(end - at - (ptrdiff_t)bytes));
        res->lines.end -= bytes;
    }
}

void tr__response_forget_content(tr_http_response *res)
{
    static const char *const names[] = { "Content-Encoding",    "Content-Range", "Content-Language",
                                         "Content-Disposition", "ETag",          "Last-Modified" };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        remove_lines(res, (tr__slice){ names[i], strlen(names[i]) });
}

static int check_line(const tr_http_response *res, const char *name, const char *value)
{
    if (res == NULL || name == NULL ||
        !tr__header_name_is_valid((tr__slice){ name, strlen(name) }) ||
        is_own((tr__slice){ name, strlen(name) }))
        return TR_EINVAL;
    if (value != NULL && !tr__header_value_is_valid((tr__slice){ value, strlen(value) }))
        return TR_EINVAL;
    return res->stage == TR__ANSWER_OUT ? TR_EALREADY : 0;
}

static int append_line(tr_http_response *res, const char *name, const char *value)
{
    size_t name_bytes = strlen(name);
    size_t value_bytes = strlen(value);
    char *at;

    if (!tr__buffer_reserve(&res->lines, name_bytes + value_bytes + 4))
        return TR_ENOMEM;
    at = res->lines.bytes + res->lines.end;
    at = tr__put(at, name, name_bytes);
    at = TR__PUT(at, ": ");
    at = tr__put(at, value, value_bytes);
    (void)TR__PUT(at, "\r\n");
    res->lines.end += name_bytes + value_bytes + 4;
    return 0;
}

int tr_http_set_header(tr_http_response *res, const char *name, const char *value)
{
    int rc = check_line(res, name, value);

    if (rc < 0)
        return rc;
    remove_lines(res, (tr__slice){ name, strlen(name) });
    return value != NULL ? append_line(res, name, value) : 0;
}

int tr_http_add_header(tr_http_response *res, const char *name, const char *value)
{
    int rc = value == NULL ? TR_EINVAL : check_line(res, name, value);

    return rc < 0 ? rc : append_line(res, name, value);
}

tr__slice tr__response_header(const tr_http_response *res, const char *name)
{
    size_t name_bytes = strlen(name);
    size_t bytes;
    const char *line = tr__buffer_count(&res->lines) > 0
                           ? find_line(res, (tr__slice){ name, name_bytes }, &bytes)
                           : NULL;

    if (line == NULL)
        return (tr__slice){ NULL, 0 };
    return (tr__slice){ line + name_bytes + 2, bytes - name_bytes - 4 };
}

const char *tr_http_answer_header(const tr_http_response *res, const char *name)
{
    tr_http_request *req;
    const char *copy;
    tr__slice value;

    if (res == NULL || name == NULL)
        return NULL;
    if (strcasecmp(name, "Content-Type") == 0)
        return res->type;
    value = tr__response_header(res, name);
    if (value.at == NULL)
        return NULL;
    req = tr__request_of((tr_http_response *)(uintptr_t)res);
    copy = tr__arena_copy(&req->arena, value.at, value.bytes);
    return copy != NULL ? copy : tr__request_lose(req, TR_ENOMEM);
}

/* ---- cookies ---- */

int tr__http_set_cookie(tr_http_response *res, const char *name, const char *value,
                        const tr_http_cookie_options *options, size_t options_size)
{
    tr_http_cookie_options all = { 0 };
    tr__cookie_options inside;
    char *text;
    int rc;

    if (res == NULL || name == NULL || value == NULL || options_size > sizeof(all))
        return TR_EINVAL;
    if (options != NULL)
        memcpy(&all, options, options_size);
    inside = (tr__cookie_options){
        .path = all.path,
        .domain = all.domain,
        .max_age = all.max_age,
        .is_script_seen = all.is_script_seen,
        .is_insecure = all.is_insecure,
        .is_partitioned = all.is_partitioned,
        .same_site = all.same_site,
    };
    text = tr__arena_take(&tr__request_of(res)->arena, TR__COOKIE_BYTES); /* too much for a stack */
    if (text == NULL)
        return TR_ENOMEM;
    rc = tr__cookie_format(name, value, &inside, tr_http_is_secure(tr__request_of(res)), text,
                           TR__COOKIE_BYTES);
    return rc < 0 ? rc : tr_http_add_header(res, "Set-Cookie", text);
}
