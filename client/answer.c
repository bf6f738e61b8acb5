/* Heads of answers. The head is looked for line by line, as it comes: each line ends with CR LF,
 * and none is folded. Once it is whole it is copied into a reply, and taken apart there: so nothing
 * moves any more that points into it.
 *
 * Nothing is guessed: an answer whose end could be seen in two ways is refused (RFC 9112, 6.3), for
 * what follows it would be taken for the next one. */
#include <string.h>
#include <troupe/task.h>

#include "base/seam.h"
#include "client/exchange.h"
#include "http/extension.h"

enum {
    INTERIM_MOST = 16, /* answers of 1xx, before the real one */
    STATUS_LINE = 12   /* "HTTP/1.1 200", at least */
};

/* How far a head has come. */
typedef struct head {
    size_t line;     /* where its last line begins */
    size_t searched; /* no line ends before this */
    size_t lines;    /* that are whole, the status line included */
    size_t bytes;    /* of the whole head; 0: it is not whole */
} head;

/* ---- finding its end ---- */

static bool begins_well(const char *at, size_t count)
{
    static const char begin[] = "HTTP/1.";

    return memcmp(at, begin, count < sizeof(begin) - 1 ? count : sizeof(begin) - 1) == 0;
}

static int scan(head *h, const char *at, size_t count)
{
    const char *end;

    if (!begins_well(at, count))
        return TR_ESYNTAX;
    while (h->searched < count &&
           (end = memchr(at + h->searched, '\n', count - h->searched)) != NULL) {
        size_t bytes = (size_t)(end - at) - h->line;

        if (bytes == 0 || end[-1] != '\r' || at[h->line] == ' ' || at[h->line] == '\t')
            return TR_ESYNTAX;
        h->line = h->searched = (size_t)(end - at) + 1;
        if (bytes == 1) {
            h->bytes = h->line;
            return 0;
        }
        h->lines++;
    }
    h->searched = count;
    return 0;
}

ssize_t tr__conn_fill(tr__client_conn *conn)
{
    ssize_t count;

    if (!tr__conns_lend(conn->room, &conn->in))
        return TR_ENOMEM;
    count = tr_read(conn->io, conn->in.bytes + conn->in.end, conn->in.capacity - conn->in.end);
    if (count > 0) {
        conn->in.end += (size_t)count;
        conn->is_heard = true;
    }
    return count;
}

/* Let a whole head stand in the buffer. */
static int hear_one(tr__client_conn *conn, head *h)
{
    const size_t most = conn->room->client->config.head_bytes_most;

    *h = (head){ 0 };
    for (;;) {
        size_t count = tr__buffer_count(&conn->in);
        ssize_t more;
        int rc = count > 0 ? scan(h, conn->in.bytes + conn->in.begin, count) : 0;

        if (rc < 0)
            return rc;
        if (h->bytes > most || (h->bytes == 0 && count > most))
            return TR_ETOOLARGE;
        if (h->bytes > 0)
            return 0;
        more = tr__conn_fill(conn);
        if (more <= 0)
            return more == 0 ? TR_EEND : (int)more;
    }
}

/* Its status; below 0: it has none. */
static int status_of(const char *at, size_t bytes)
{
    int status = 0;

    if (bytes < STATUS_LINE + 2 || (at[7] != '0' && at[7] != '1') || at[8] != ' ')
        return TR_ESYNTAX;
    for (int i = 9; i < STATUS_LINE; i++) {
        if (!tr__is_digit(at[i]))
            return TR_ESYNTAX;
        status = status * 10 + (at[i] - '0');
    }
    if (at[STATUS_LINE] != ' ' && at[STATUS_LINE] != '\r')
        return TR_ESYNTAX;
    return status >= 100 ? status : TR_ESYNTAX;
}

/* The head of an answer that is not only the promise of one. Another protocol is one for those who
 * have asked for it. */
static int hear(tr__client_conn *conn, head *h, int *status, bool may_upgrade)
{
    for (int i = 0; i < INTERIM_MOST; i++) {
        int rc = hear_one(conn, h);

        if (rc < 0)
            return rc;
        *status = status_of(conn->in.bytes + conn->in.begin, h->bytes);
        if ((*status == 101 && !may_upgrade) || *status < 0)
            return TR_ESYNTAX;
        if (*status >= 200 || *status == 101)
            return 0;
        tr__buffer_take(&conn->in, h->bytes);
    }
    return TR_ETOOLARGE;
}

/* ---- taking it apart ---- */

static bool take_line(tr__reply_line *line, char *at, size_t bytes)
{
    tr__slice all = { at, bytes };
    size_t colon = tr__slice_index(all, ':');

    if (colon == bytes)
        return false;
    line->name = tr__slice_head(all, colon);
    line->value = tr__slice_trim(tr__slice_tail(all, colon + 1));
    if (!tr__header_name_is_valid(line->name) || !tr__header_value_is_valid(line->value))
        return false;
    line->known = tr__header_known(line->name);
    at[colon] = 0;
    at[line->value.at + line->value.bytes - at] = 0; /* on a blank, or the line's CR */
    return true;
}

/* text is the head's copy. */
static int take_lines(tr_http_reply *reply, char *text, size_t bytes)
{
    char *end = memchr(text, '\n', bytes);
    char *at = end + 1;

    if (!tr__header_value_is_valid((tr__slice){ text, (size_t)(end - 1 - text) }))
        return TR_ESYNTAX;
    for (size_t i = 0; i < reply->line_count; i++) {
        end = memchr(at, '\n', bytes - (size_t)(at - text));
        if (!take_line(&reply->lines[i], at, (size_t)(end - 1 - at)))
            return TR_ESYNTAX;
        at = end + 1;
    }
    return 0;
}

static tr_http_reply *make_reply(const tr__client_call *call, const head *h, char **text)
{
    size_t lines = h->lines - 1;
    size_t url = call->url.origin.bytes + strlen(call->url.target) + 1;
    size_t before = sizeof(tr_http_reply) + lines * sizeof(tr__reply_line);
    tr_http_reply *reply = tr__alloc(before + h->bytes + url);

    if (reply == NULL)
        return NULL;
    memset(reply, 0, sizeof(*reply));
    reply->client = tr_http_client_ref(call->client);
    reply->line_count = lines;
    reply->lines = (tr__reply_line *)(void *)(reply + 1);
    reply->due_ns = call->due_ns;
    *text = (char *)reply + before;
    reply->url = *text + h->bytes;
    memcpy(reply->url, call->url.text, url);
    return reply;
}

/* ---- where its body ends ---- */

static bool says(const tr_http_reply *reply, tr__known known, tr__slice token)
{
    for (size_t i = 0; i < reply->line_count; i++)
        if (reply->lines[i].known == known && tr__tokens_have(reply->lines[i].value.at, ",", token))
            return true;
    return false;
}

static int frame(const tr_http_reply *reply, bool is_head, tr__client_conn *conn)
{
    size_t codings, lengths;
    tr__slice coding = tr__reply_known(reply, TR__KNOWN_TRANSFER_ENCODING, &codings);
    tr__slice length = tr__reply_known(reply, TR__KNOWN_CONTENT_LENGTH, &lengths);

    conn->framing = TR__FRAMING_NONE;
    conn->keeps_alive =
        conn->is_sent &&
        (reply->minor == 1 ? !says(reply, TR__KNOWN_CONNECTION, (tr__slice){ "close", 5 })
                           : says(reply, TR__KNOWN_CONNECTION, (tr__slice){ "keep-alive", 10 }));
    if (codings + lengths > 1 || (codings > 0 && reply->minor == 0) ||
        (codings > 0 && !tr__slice_is_ignoring_case(coding, "chunked")) ||
        (lengths > 0 && !tr__slice_to_u64(length, INT64_MAX, &conn->left)))
        return TR_ESYNTAX;
    if (is_head || reply->status == 204 || reply->status == 304)
        return 0;
    if (codings > 0) {
        tr__body_begin_chunks(conn);
    } else if (lengths > 0) {
        conn->framing = conn->left > 0 ? TR__FRAMING_LENGTH : TR__FRAMING_NONE;
    } else {
        conn->framing = TR__FRAMING_TO_END;
        conn->keeps_alive = false;
    }
    return 0;
}

/* Nothing of HTTP comes any more: the connection belongs to the reply, and then to who takes it. */
static int frame_upgraded(const tr_http_reply *reply, const tr__client_call *call,
                          tr__client_conn *conn)
{
    conn->framing = TR__FRAMING_NONE;
    conn->keeps_alive = false;
    if (!conn->is_sent || call->given.upgrade == NULL)
        return TR_ESYNTAX;
    return says(reply, TR__KNOWN_UPGRADE, tr__slice_of(call->given.upgrade)) ? 0 : TR_ESYNTAX;
}

/* ---- all of it ---- */

static int make(tr_http_reply **out, const tr__client_call *call, tr__client_conn *conn,
                const head *h, int status)
{
    char *text;
    int rc;

    *out = make_reply(call, h, &text);
    if (*out == NULL)
        return TR_ENOMEM;
    memcpy(text, conn->in.bytes + conn->in.begin, h->bytes);
    tr__buffer_take(&conn->in, h->bytes);
    (*out)->status = status;
    (*out)->minor = text[7] - '0';
    rc = take_lines(*out, text, h->bytes);
    if (rc == 0 && status == 101)
        rc = frame_upgraded(*out, call, conn);
    else if (rc == 0)
        rc = frame(*out, call->is_head, conn);
    if (rc < 0) {
        tr_http_reply_free(*out);
        *out = NULL;
    }
    return rc;
}

int tr__answer_head(tr_http_reply **out, const tr__client_call *call, tr__client_conn *conn)
{
    const double seconds = call->client->config.head_timeout;
    int status = 0;
    head h;
    int rc = 0;

    *out = NULL;
    TR_DEADLINE(seconds, &rc) {
        rc = hear(conn, &h, &status, call->given.upgrade != NULL);
    }
    return rc < 0 ? rc : make(out, call, conn, &h, status);
}
