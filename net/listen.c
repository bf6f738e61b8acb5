/* Listeners that tasks accept from. */
#include <errno.h>
#include <string.h>
#include <troupe/task.h>

#include "base/log.h"
#include "base/seam.h"
#include "net/io.h"
#include "net/listener.h"
#include "net/system.h"

static const double RETRY_S = 0.1; /* when there are no descriptors */

struct tr_listener {
    tr__ready ready;
    tr__socket_file file;
    char address[TR__ADDRESS_TEXT];
    bool is_accepting;
    uint8_t streak; /* connections that it has not waited for, in a row */
    bool is_closed;
};

static int open_listener(tr_listener *l, const char *address, const tr_listen_options *options)
{
    int fd = tr__listen_socket(address, options, &l->file);
    int rc = fd < 0 ? fd : tr__address_of_socket(fd, l->address);

    if (rc == 0)
        rc = tr__ready_open(&l->ready, fd);
    if (rc < 0)
        tr__listen_end(fd, &l->file);
    return rc;
}

int tr__listen(tr_listener **out, const char *address, const tr_listen_options *options,
               size_t options_size)
{
    tr_listen_options all = { 0 };
    tr_listener *l;
    int rc;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    if (address == NULL || options_size > sizeof(all))
        return TR_EINVAL;
    if (tr__loop_here() == NULL)
        return TR_EWRONGPLACE;
    if (options != NULL)
        memcpy(&all, options, options_size);
    l = tr__alloc_zeroed(sizeof(*l));
    if (l == NULL)
        return TR_ENOMEM;
    rc = open_listener(l, address, &all);
    if (rc < 0) {
        tr__free(l);
        return rc;
    }
    *out = l;
    return 0;
}

/* The next descriptor. */
static int accept_next(tr_listener *l)
{
    bool has_said_so = false;
    int rc = tr__ready_take_turns(&l->ready, &l->streak);

    while (rc == 0) {
        tr_address from;
        int fd = tr__sys_accept(l->ready.fd, &from.tr__storage, &from.tr__bytes);

        if (fd >= 0)
            return fd;
        if (fd == -EAGAIN) {
            l->streak = 0;
            rc = tr__ready_await(&l->ready, &l->ready.in, "a connection");
        } else if (tr__accept_is_starved(fd)) {
            if (!has_said_so)
                tr__log(TR_LOG_WARN, "net: can't accept at %s just now: %s", l->address,
                        tr_strerror(fd));
            has_said_so = true;
            rc = tr_sleep(RETRY_S);
        } else {
            rc = tr_yield(); /* whoever that was has given up */
        }
        if (rc == 0 && l->ready.net == NULL)
            rc = TR_EPIPE;
    }
    return rc;
}

int tr_accept(tr_io **out, tr_listener *l)
{
    int rc;
    int fd;

    if (out == NULL)
        return TR_EINVAL;
    *out = NULL;
    rc = l == NULL ? TR_EINVAL : tr__ready_check(&l->ready);
    if (rc < 0)
        return rc;
    if (l->is_accepting)
        return TR_EBUSY;
    l->is_accepting = true;
    fd = accept_next(l);
    l->is_accepting = false;
    if (l->is_closed)
        tr__free(l);
    if (fd < 0)
        return fd;
    rc = tr__io_new(out, fd, true);
    if (rc < 0)
        tr__sys_close(fd);
    return rc;
}

const char *tr_listener_address(const tr_listener *l)
{
    return l != NULL ? l->address : "";
}

int tr_listener_port(const tr_listener *l)
{
    tr_address address;

    return l != NULL && tr_address_parse(&address, l->address) == 0 ? tr_address_port(&address) : 0;
}

int tr_listener_close(tr_listener *l)
{
    if (l == NULL)
        return 0;
    if (l->ready.net != NULL && l->ready.net->loop != tr__loop_here())
        return TR_EWRONGPLACE;
    tr__listen_end(tr__ready_take(&l->ready), &l->file); /* which its loop may have closed */
    l->is_closed = true;
    if (!l->is_accepting)
        tr__free(l);
    return 0;
}
