/* See tunnel.h. */
#include "tunnel.h"

#include <stdlib.h>

enum { PIECE = 16 * 1024 };

struct tunnel {
    double idle_timeout;
    unsigned long moves; /* of either direction */
};

struct pump_args {
    struct tunnel *tunnel;
    tr_io *from, *to;
};

/* How many bytes; 0: the end. Who says nothing while the other one speaks is not idle. */
static int read_some(const struct pump_args *p, char *piece)
{
    unsigned long before;
    int rc;

    do {
        before = p->tunnel->moves;
        TR_DEADLINE(p->tunnel->idle_timeout, &rc) {
            rc = (int)tr_read(p->from, piece, PIECE);
        }
    } while (rc == TR_ETIMEDOUT && p->tunnel->moves != before);
    return rc;
}

static int write_some(const struct pump_args *p, const char *piece, int bytes)
{
    int rc;

    p->tunnel->moves++;
    TR_DEADLINE(p->tunnel->idle_timeout, &rc) {
        rc = tr_write_all(p->to, piece, (size_t)bytes);
    }
    return rc;
}

/* One direction: the next piece is read when the last one has gone. */
static int pump(void *arg)
{
    const struct pump_args *p = arg;
    char *piece = malloc(PIECE);
    int rc = piece == NULL ? TR_ENOMEM : 1;

    while (rc > 0 && (rc = read_some(p, piece)) > 0) {
        rc = write_some(p, piece, rc);
        if (rc == 0)
            rc = 1;
    }
    free(piece);
    return rc < 0 ? rc : tr_close_write(p->to);
}

int tunnel_pass(tr_io *one, tr_io *other, double idle_timeout)
{
    struct tunnel t = { .idle_timeout = idle_timeout };
    int rc;

    TR_SCOPE(both, &rc) {
        tr_go(both, pump, .tunnel = &t, .from = one, .to = other);
        tr_go(both, pump, .tunnel = &t, .from = other, .to = one);
    }
    return rc;
}
