/* Server-sent events (the HTML standard, 9.2). */
#include <stdio.h>
#include <string.h>

#include "base/seam.h"
#include "http/message.h"
#include "http/utf8.h"

int tr_http_events(tr_http_response *res)
{
    int rc = tr_http_set_header(res, "Cache-Control", "no-store");

    if (rc == 0)
        rc = tr_http_set_header(res, "X-Accel-Buffering", "no"); /* proxies of nginx's kind */
    if (rc == 0)
        rc = tr_http_begin(res, 200, "text/event-stream", -1);
    return rc < 0 ? rc : tr_http_flush(res);
}

/* A name or an id stands in one line. */
static bool is_line(const char *text)
{
    return text == NULL || strpbrk(text, "\r\n") == NULL;
}

/* A field for each line of its text; any of CR, LF and CRLF ends one. */
static int write_lines(tr_http_response *res, const char *field, const char *text)
{
    size_t bytes;
    int rc = 0;

    do {
        bytes = strcspn(text, "\r\n");
        rc = tr_http_write(res, field, strlen(field));
        if (rc == 0)
            rc = tr_http_write(res, text, bytes);
        if (rc == 0)
            rc = tr_http_write(res, "\n", 1);
        text += bytes;
        if (text[0] == '\r' && text[1] == '\n')
            text++;
    } while (rc == 0 && *text++ != 0);
    return rc;
}

int tr_http_event(tr_http_response *res, const char *event, const char *id, const char *data)
{
    int rc = 0;

    if (res == NULL || data == NULL || !is_line(event) || !is_line(id) ||
        !tr__utf8_is_valid(data, strlen(data)))
        return TR_EINVAL;
    if (event != NULL)
        rc = write_lines(res, "event: ", event);
    if (rc == 0 && id != NULL)
        rc = write_lines(res, "id: ", id);
    if (rc == 0)
        rc = write_lines(res, "data: ", data);
    if (rc == 0)
        rc = tr_http_write(res, "\n", 1);
    return rc < 0 ? rc : tr_http_flush(res);
}

int tr_http_event_retry(tr_http_response *res, double seconds)
{
    char line[48];
    int bytes;
    int rc;

    if (res == NULL || !(seconds >= 0 && seconds < 1e9))
        return TR_EINVAL;
    bytes = snprintf(line, sizeof(line), "retry: %.0f\n\n", seconds * 1000);
    rc = tr_http_write(res, line, (size_t)bytes);
    return rc < 0 ? rc : tr_http_flush(res);
}

int tr_http_event_idle(tr_http_response *res)
{
    int rc = tr_http_write(res, ":\n\n", 3);

    return rc < 0 ? rc : tr_http_flush(res);
}

const char *tr_http_last_event_id(tr_http_request *req)
{
    const char *id = tr_http_header(req, "Last-Event-ID");

    return id != NULL ? id : "";
}
