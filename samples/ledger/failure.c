/* See failure.h. */
#include "failure.h"

#include <inttypes.h>
#include <stdio.h>
#include <troupe/db.h>

static const struct reason {
    int rc;
    int seconds;
    const char *sentence;
} reasons[] = {
    { TR_EBUSY, 1, "Another program has locked the database. Nothing was done." },
    { TR_ENOSPC, 10, "The disk is full. Nothing was done." },
    { TR_EIO, 10, "The disk has failed to read or write. Nothing was done." },
    { TR_EFULL, 1, "Too many wait for the database. Nothing was done." },
    { TR_ETIMEDOUT, 2, "The database takes too long." },
    { TR_ENOMEM, 1, "There is no memory left. Nothing was done." },
    { TR_ESHUTDOWN, 1, "The ledger is being stopped. Nothing was done." },
    { TR_EPIPE, 1, "The ledger is being stopped. Nothing was done." },
};

int failure_busy(tr_http_response *res, int seconds, const char *reason)
{
    char after[16];
    int rc;

    (void)snprintf(after, sizeof(after), "%d", seconds);
    rc = tr_http_set_header(res, "Retry-After", after);
    return rc < 0 ? rc : tr_http_problem(res, 503, "%s", reason);
}

int failure_answer(tr_http_response *res, int rc)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].rc == rc)
            return failure_busy(res, reasons[i].seconds, reasons[i].sentence);
    return rc;
}

int failure_number(tr_http_response *res, const char *name, int64_t least, int64_t most)
{
    return most == INT64_MAX
               ? tr_http_problem(res, 400, "%s has to be a whole number, at least %" PRId64 ".",
                                 name, least)
               : tr_http_problem(res, 400,
                                 "%s has to be a whole number from %" PRId64 " to %" PRId64 ".",
                                 name, least, most);
}
