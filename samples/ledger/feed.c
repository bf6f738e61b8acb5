/* See feed.h. */
#include "feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "store.h"

enum { BATCH = 200 };        /* postings that are read at once */
#define GATHER_SECONDS  0.02 /* in which news gather: so a feed is at most so late */
#define SILENCE_SECONDS 15.0 /* after which an EventSource is told that we are there */
#define RETRY_SECONDS   1.0

/* A message of a WebSocket. */
struct batch {
    int64_t last; /* the id of the last one: with ?after= it goes on from here */
    struct posting *postings;
    size_t postings_count;
};
TR_DECLARE(batch, TR_INTEGER(batch, last), TR_ITEMS(batch, postings, posting));

int feed_init(struct feed *feed, tr_db *db)
{
    int64_t last;
    int rc = store_last_transfer(db, &last);

    *feed = (struct feed){ .db = db, .sent = 2 * last };
    if (rc == 0)
        rc = tr_watch_new(&feed->news, sizeof(last), &last);
    return rc == 0 ? tr_room_new(&feed->room) : rc;
}

void feed_fini(struct feed *feed)
{
    (void)tr_watch_free(feed->news); /* nobody waits any more */
    tr_room_unref(feed->room);
}

/* Tasks of several loops tell of theirs in any order. That is no harm: what has a smaller number
 * was committed before, so who reads from the last one on finds it. */
void feed_tell(struct feed *feed, int64_t transfer)
{
    (void)tr_watch_set(feed->news, &transfer); /* where it is closed, nobody listens any more */
}

/* The last posting that is known of. */
static int64_t newest(struct feed *feed)
{
    int64_t transfer = 0;

    (void)tr_watch_get(feed->news, &transfer, NULL); /* it is there */
    return 2 * transfer;
}

/* ---- batches ---- */

/* Read what comes behind `*last`, as the text of a message: the caller's, by free. NULL: nothing
 * new. */
static int read_batch(struct feed *feed, int64_t *last, char **text, size_t *bytes)
{
    tr_db_rows *rows tr_cleanup_rows = NULL;
    struct batch b = { .last = *last };
    ssize_t length;
    int rc = store_postings(feed->db, *last, -1, BATCH, &rows, &b.postings, &b.postings_count);

    *text = NULL;
    if (rc < 0 || b.postings_count == 0)
        return rc;
    b.last = b.postings[b.postings_count - 1].id;
    length = tr_declared_write(batch, &b, NULL, 0);
    if (length < 0)
        return (int)length;
    *text = malloc((size_t)length + 1);
    if (*text == NULL)
        return TR_ENOMEM;
    (void)tr_declared_write(batch, &b, *text, (size_t)length + 1); /* it fits */
    *bytes = (size_t)length;
    *last = b.last;
    return 0;
}

/* Send all that is new to whom it is for; what could not be sent is still new. */
static int send_new(struct feed *feed, int64_t *last,
                    int (*send)(void *to, const char *text, size_t bytes, int64_t last), void *to)
{
    bool is_new;
    int rc;

    do {
        int64_t end = *last;
        size_t bytes = 0;
        char *text;

        rc = read_batch(feed, &end, &text, &bytes);
        is_new = rc == 0 && text != NULL;
        if (is_new)
            rc = send(to, text, bytes, end);
        free(text);
        if (rc >= 0)
            *last = end;
    } while (rc >= 0 && is_new);
    return rc;
}

/* ---- the room ----
 *
 * What it is sent next is what comes behind feed->sent. Who has read for himself as far as that
 * joins, and misses nothing, nor sees anything before what comes in front of it; so both look at it
 * under a lock. What he has read beyond it comes again: ids tell. */

static int send_to_room(void *arg, const char *text, size_t bytes, int64_t last)
{
    struct feed *feed = arg;
    int rc = tr_lock(&feed->joining);

    if (rc < 0)
        return rc;
    rc = tr_room_send(feed->room, TR_WS_TEXT, text, bytes);
    if (rc >= 0)
        feed->sent = last;
    (void)tr_unlock(&feed->joining); /* it is ours */
    return rc;
}

/* While nobody listens nothing is read. */
static int send_news_to_room(struct feed *feed)
{
    int64_t last;
    bool is_heard;
    int rc = tr_lock(&feed->joining);

    if (rc < 0)
        return rc;
    is_heard = tr_room_size(feed->room) > 0;
    last = newest(feed);
    if (is_heard || last < feed->sent)
        last = feed->sent;
    feed->sent = last;
    (void)tr_unlock(&feed->joining); /* it is ours */
    return is_heard ? send_new(feed, &last, send_to_room, feed) : 0;
}

/* An error (a locked database) is none for those who listen: what could not be read is read the
 * next time. */
int feed_publish(void *arg)
{
    struct feed *feed = ((const struct feed_publish_args *)arg)->feed;
    int64_t transfer;
    uint64_t version = 1;
    int rc = 0;

    while (rc != TR_ECANCELED) {
        rc = tr_watch_changed_for(feed->news, &transfer, &version,
                                  rc < 0 ? RETRY_SECONDS : TR_FOREVER);
        if (rc != TR_ECANCELED)
            rc = send_news_to_room(feed);
        if (rc != TR_ECANCELED && tr_sleep(GATHER_SECONDS) == TR_ECANCELED)
            rc = TR_ECANCELED;
    }
    (void)tr_watch_close(feed->news); /* those who follow end: the server need not wait for them */
    return rc;
}

static int send_to_socket(void *ws, const char *text, size_t bytes, int64_t last)
{
    (void)last;
    return tr_ws_send(ws, TR_WS_TEXT, text, bytes);
}

static int catch_up_and_join(struct feed *feed, tr_ws *ws, int64_t last)
{
    bool has_joined = false;
    int rc = 0;

    while (rc >= 0 && !has_joined) {
        rc = send_new(feed, &last, send_to_socket, ws);
        if (rc >= 0)
            rc = tr_lock(&feed->joining);
        if (rc < 0)
            break;
        has_joined = last >= feed->sent;
        if (has_joined)
            rc = tr_room_join(feed->room, ws);
        (void)tr_unlock(&feed->joining); /* it is ours */
    }
    return rc;
}

/* ---- who listens ---- */

/* From where on: what the client says, or from now on. */
static int begin_at(struct feed *feed, tr_http_request *req, int64_t *last)
{
    const char *seen = tr_http_last_event_id(req);
    char *end = NULL;
    int rc;

    *last = newest(feed);
    if (seen[0] != 0) {
        *last = strtoll(seen, &end, 10);
        return *end == 0 && *last >= 0 ? 0 : TR_EINVAL;
    }
    rc = tr_http_query_int(req, "after", last);
    if (rc == TR_ENOENT)
        return 0;
    return rc == 0 && *last < 0 ? TR_EINVAL : rc;
}

/* It is told first where it begins. */
static int follow(tr_ws *ws, tr_http_request *req, void *arg)
{
    struct feed *feed = arg;
    tr_ws_message m;
    int64_t last;
    int rc = begin_at(feed, req, &last);

    if (rc == 0)
        rc = tr_ws_text(ws, "{\"last\":%" PRId64 ",\"postings\":[]}", last);
    if (rc >= 0)
        rc = catch_up_and_join(feed, ws, last);
    while (rc >= 0 && (rc = tr_ws_receive(ws, &m)) > 0)
        continue; /* it has nothing to say */
    return rc;
}

struct events {
    tr_http_response *res;
    struct feed *feed;
    int64_t last;
};

static int send_event(tr_http_response *res, const struct posting *p)
{
    char id[24], text[256 + MEMO_MOST * 6];

    if (tr_declared_write(posting, p, text, sizeof(text)) >= (ssize_t)sizeof(text))
        return TR_ETOOLARGE; /* a memo has at most so many characters */
    (void)snprintf(id, sizeof(id), "%" PRId64, p->id);
    return tr_http_event(res, "posting", id, text);
}

/* 1: there was something new. */
static int send_events(struct events *e)
{
    tr_db_rows *rows tr_cleanup_rows = NULL;
    struct posting *list;
    size_t count;
    int rc = store_postings(e->feed->db, e->last, -1, BATCH, &rows, &list, &count);

    for (size_t i = 0; rc == 0 && i < count; i++) {
        rc = send_event(e->res, &list[i]);
        e->last = list[i].id;
    }
    return rc < 0 ? rc : count > 0;
}

/* What ends it is no fault: the client has gone, or the ledger is being stopped. */
static int get_events(tr_http_request *req, tr_http_response *res, struct feed *feed)
{
    struct events e = { .res = res, .feed = feed };
    int64_t transfer;
    uint64_t version = 0;
    int rc;

    if (begin_at(feed, req, &e.last) < 0)
        return failure_number(res, "after, or Last-Event-ID,", 0, INT64_MAX);
    rc = tr_http_events(res);
    while (rc >= 0) {
        rc = tr_watch_changed_for(feed->news, &transfer, &version, SILENCE_SECONDS);
        if (rc == TR_ETIMEDOUT)
            rc = tr_http_event_idle(res);
        while (rc == 0 && (rc = send_events(&e)) > 0)
            rc = 0;
        if (rc == 0)
            rc = tr_sleep(GATHER_SECONDS);
    }
    return rc == TR_EPIPE || rc == TR_ECONNRESET ? 0 : rc;
}

/* A browser's EventSource and its WebSocket ask for the same place: who wants to switch says so. */
static int choose(tr_http_request *req, tr_http_response *res, tr_http_next *next, void *feed)
{
    return tr_http_header(req, "Upgrade") != NULL ? tr_http_next_call(next)
                                                  : get_events(req, res, feed);
}

int feed_routes(struct feed *feed, tr_http_server *srv)
{
    tr_http_server *group;
    int rc = tr_http_group(&group, srv, "");

    if (rc == 0)
        rc = tr_http_use(group, (tr_http_middleware){ .fn = choose, .ctx = feed });
    return rc < 0 ? rc : tr_http_websocket(group, "/events", follow, feed, NULL);
}
