/* See followers.h. */
#include "samples/ledger/followers.h"

#include <inttypes.h>
#include <string.h>
#include <troupe/sim.h>

#define AGAIN_SECONDS 0.2

struct batch {
    int64_t last;
    struct posting *postings;
    size_t postings_count;
};
TR_DECLARE(batch, TR_INTEGER(batch, last, .required = true),
           TR_ITEMS(batch, postings, posting, .required = true));

/* 0: there was no memory to read it. */
static int is_read(const follower *f, int rc)
{
    MUST(rc == 0 || (rc == TR_ENOMEM && f->weather->is_out_of_memory));
    return rc == 0;
}

static bool stays(const follower *f)
{
    return !f->is_fickle || tr_sim_random() % 6 != 0;
}

/* ---- a WebSocket ---- */

static int take_batch(follower *f, const tr_ws_message *m)
{
    tr_parsed *parsed tr_cleanup_parsed = NULL;
    struct batch b;

    if (!is_read(f, tr_declared_parse(&parsed, batch, &b, m->data, m->bytes, NULL)))
        return TR_ENOMEM;
    for (size_t i = 0; i < b.postings_count; i++)
        books_see(&f->record, &b.postings[i]);
    MUST(b.postings_count == 0 || b.last == b.postings[b.postings_count - 1].id);
    return 0;
}

static int follow_once(follower *f)
{
    char url[80];
    tr_ws_message m;
    tr_ws *ws;
    int rc;

    (void)snprintf(url, sizeof(url), "ws://" ADDRESS "/events?after=%" PRId64, f->record.last);
    rc = tr_ws_connect(&ws, url, NULL, NULL);
    if (rc < 0)
        return rc;
    f->connections++;
    while ((rc = tr_ws_receive(ws, &m)) > 0 && take_batch(f, &m) == 0 && stays(f))
        continue;
    (void)tr_ws_close(ws, 0, NULL); /* as far as there is somebody */
    return rc;
}

int follow_by_websocket(void *arg)
{
    while (follow_once(arg) != TR_ECANCELED)
        if (tr_sleep(AGAIN_SECONDS) < 0)
            break;
    return 0;
}

/* ---- an EventSource ---- */

/* One event, which is whole: lines of "name: value". */
static int take_event(follower *f, char *event)
{
    const char *data = strstr(event, "data: ");
    tr_parsed *parsed tr_cleanup_parsed = NULL;
    struct posting p;

    if (data == NULL)
        return 0; /* it says only that it is there */
    data += strlen("data: ");
    if (!is_read(f, tr_declared_parse(&parsed, posting, &p, data, strcspn(data, "\n"), NULL)))
        return TR_ENOMEM;
    books_see(&f->record, &p);
    return 0;
}

/* Take the events that have come to their end; what is left is moved to the front. */
static int take_events(follower *f, char *text, size_t *bytes)
{
    char *at = text, *end;
    int rc = 0;

    text[*bytes] = 0;
    while (rc == 0 && (end = strstr(at, "\n\n")) != NULL) {
        *end = 0;
        rc = take_event(f, at);
        at = end + 2;
    }
    *bytes -= (size_t)(at - text);
    memmove(text, at, *bytes);
    return rc;
}

static int read_events(follower *f, tr_http_reply *reply)
{
    char text[4096];
    size_t bytes = 0;
    ssize_t rc;

    do {
        MUST(bytes < sizeof(text) - 1);
        rc = tr_http_reply_read(reply, text + bytes, sizeof(text) - 1 - bytes);
        bytes += rc > 0 ? (size_t)rc : 0;
        if (rc > 0 && take_events(f, text, &bytes) < 0)
            rc = TR_ENOMEM;
    } while (rc > 0 && stays(f));
    return rc < 0 ? (int)rc : 0;
}

static int listen_once(follower *f)
{
    tr_http_reply *reply tr_cleanup_reply = NULL;
    char last[40];
    int rc;

    (void)snprintf(last, sizeof(last), "Last-Event-ID: %" PRId64, f->record.last);
    rc = tr_http_fetch(&reply, f->client,
                       &(tr_http_call){ .url = "/events",
                                        .streams = true,
                                        .headers = (const char *const[]){ last, NULL } });
    if (rc < 0)
        return rc;
    if (tr_http_reply_status(reply) != 200) {
        MUST(tr_http_reply_status(reply) >= 500 || tr_http_reply_status(reply) == 408);
        return 0;
    }
    f->connections++;
    return read_events(f, reply);
}

int follow_by_events(void *arg)
{
    while (listen_once(arg) != TR_ECANCELED)
        if (tr_sleep(AGAIN_SECONDS) < 0)
            break;
    return 0;
}
