/* A server that says what it is told, byte for byte, be it allowed or not: to each request the next
 * text, on one connection after the other. */
#ifndef TR_TESTS_SCRIPTED_H
#define TR_TESTS_SCRIPTED_H

#include <stdio.h>
#include <string.h>
#include <troupe/net.h>

#include "sync/cases.h"

typedef struct scripted {
    /* Each is an answer; one that ends with "\1" is the last of its connection, which is closed;
     * "\1" alone: it is closed without a word; and "\2" is sent, but the body is not read. */
    const char *const *answers;
    int said;        /* of them */
    int connections; /* that came */
    tr_listener *listener;
    tr_task *task;
    char url[64];
} scripted;

/* The head of a request, and the body that it announces; false: nobody asks any more. */
static inline bool scripted_hear(tr_io *io, bool reads_body)
{
    char text[4096];
    const char *head, *length;
    ssize_t bytes = tr_read_until(io, &head, "\r\n\r\n", sizeof(text) - 1);

    if (bytes <= 0)
        return false;
    memcpy(text, head, (size_t)bytes);
    text[bytes] = 0;
    length = strstr(text, "Content-Length: ");
    for (long left = length != NULL && reads_body ? strtol(length + 16, NULL, 10) : 0; left > 0;) {
        ssize_t count =
            tr_read(io, text, (size_t)left < sizeof(text) ? (size_t)left : sizeof(text));

        if (count <= 0)
            return false;
        left -= count;
    }
    return true;
}

static inline void scripted_talk(scripted *s, tr_io *io)
{
    for (const char *answer = s->answers[s->said]; answer != NULL; answer = s->answers[s->said]) {
        size_t bytes = strlen(answer);
        bool is_last = bytes > 0 && answer[bytes - 1] == '\1';
        bool is_early = bytes > 0 && answer[0] == '\2';

        if (!scripted_hear(io, !is_early))
            return;
        s->said++;
        (void)tr_write_all(io, answer + is_early, bytes - is_last - is_early);
        if (is_last)
            return;
    }
    (void)scripted_hear(io, true); /* until the client closes it */
}

static inline int scripted_serve(void *server)
{
    scripted *s = server;
    tr_io *io;
    int rc;

    while ((rc = tr_accept(&io, s->listener)) == 0) {
        s->connections++;
        scripted_talk(s, io);
        (void)tr_close(io); /* which may fail, for the client may be gone */
    }
    return 0;
}

static inline void scripted_begin(scripted *s, const char *const *answers)
{
    *s = (scripted){ .answers = answers };
    EXPECT(tr_listen(&s->listener, "127.0.0.1:0", NULL) == 0);
    (void)snprintf(s->url, sizeof(s->url), "http://%s/", tr_listener_address(s->listener));
    EXPECT(tr_task_spawn(&s->task, scripted_serve, s) == 0);
}

static inline void scripted_end(scripted *s)
{
    (void)tr_task_cancel(s->task); /* it ends at once, wherever it is */
    (void)tr_task_wait(s->task, TR_FOREVER);
    tr_task_unref(s->task);
    EXPECT(tr_listener_close(s->listener) == 0);
}

#endif
