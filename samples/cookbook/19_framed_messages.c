/* Framed messages: the length of each before it, as many protocols have it.
 *
 *   Prints:  tea
 *            two pots of coffee */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <troupe/net.h>

static int send_message(tr_io *io, char *text)
{
    uint32_t length = htonl((uint32_t)strlen(text));
    struct iovec parts[] = { { &length, sizeof(length) }, { text, strlen(text) } };

    return tr_writev_all(io, parts, 2); /* as one: no copy, and one call of the system */
}

/* 1, or 0 where the stream ends between two messages; within one that is an error. */
static int receive_message(tr_io *io, char *text, size_t room)
{
    const char *next;
    ssize_t there = tr_peek(io, &next, 1);
    uint32_t length;
    int rc;

    if (there <= 0)
        return (int)there;
    if ((rc = tr_read_exact(io, &length, sizeof(length))) < 0)
        return rc;
    length = ntohl(length);
    if (length >= room)
        return TR_ETOOLARGE; /* never believe it */
    text[length] = 0;
    rc = length > 0 ? tr_read_exact(io, text, length) : 0;
    return rc < 0 ? rc : 1;
}

static int talk(void *io)
{
    char *orders[] = { "tea", "two pots of coffee" };
    int rc = 0;

    for (int i = 0; rc == 0 && i < 2; i++)
        rc = send_message(io, orders[i]);
    return rc == 0 ? tr_close_write(io) : rc;
}

static int app(void *arg)
{
    tr_io *one tr_cleanup_io = NULL;
    tr_io *other tr_cleanup_io = NULL;
    char text[100];
    int rc = tr_socketpair(&one, &other), more = 0;

    (void)arg;
    if (rc < 0)
        return rc;
    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, talk, one);
        while ((more = receive_message(other, text, sizeof(text))) > 0)
            printf("%s\n", text);
        if (more < 0)
            (void)tr_scope_cancel(s); /* nobody reads any more: it would write for ever */
    }
    return rc < 0 ? rc : more;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
