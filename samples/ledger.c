/* ledger: accounts, and transfers between them that are not lost: a service that real clients use.
 *
 *    HTTP (a task for each request)        account/17, account/23 ...: actors, found by name
 *      |                                     what each has, in memory; they end when nobody asks
 *      |  GET /accounts/:id  ---- tr_ask --------> answered without a disk
 *      |
 *      |  POST /transfers ---- tr_db_write ---->  the database's own thread
 *      |       awaits                              both postings and the key, or nothing; what
 *      |                                           comes at the same time shares one fsync
 *      |       <-------- it is on disk -----------
 *      |       tells both actors, and the feed
 *      |
 *      |  GET /events ---- a room of WebSockets, and server-sent events: postings in their order,
 *      |                   from the database, from wherever somebody has left off
 *      |  POST /login ---- scrypt, on the CPU pool, while the loops go on
 *      +  GET /            a page on which balances move
 *
 * What has to hold, and stands in ledger/store.h: the money is always all there; a transfer that
 * was answered 200 is on disk, whole, once, whatever happens then. `GET /audit` looks whether that
 * is so, and so does the start. ledger/drive.py kills it under load, and compares.
 *
 *   Build:   cc -O2 -Iledger ledger.c ledger/[a-z]*.c \
 *               $(pkg-config --cflags --libs troupe-net troupe-db libcrypto)
 *   Run:     ./ledger --accounts 16            then open http://127.0.0.1:8080/
 *            curl --json '{"from":1,"to":2,"cents":500}' -H 'Idempotency-Key: rent-may' \
 *                 http://127.0.0.1:8080/transfers
 *   Prints:  listening on 127.0.0.1:8080
 *
 * In ledger/: service.c puts it together; store.c is the database, accounts.c the actors,
 * transfers.c the heart; routes.c, login.c, feed.c, metrics.c and page.c are what their names
 * say. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <troupe/db.h>
#include <troupe/net.h>

#include "ledger/options.h"
#include "ledger/service.h"

static struct options options;
static struct service service;

/* ---- what it says ---- */

/* For who has started it: a person, or a program that reads JSON. */
static void tell(const struct options *o, const char *address)
{
    printf(o->json ? "{\"listening\":\"%s\"}\n" : "listening on %s\n", address);
    fflush(stdout);
}

/* What can be done about it; "": nothing but to look. */
static const char *advice(int rc)
{
    switch (rc) {
    case TR_ENOENT:
    case -EISDIR:
    case -EACCES:
    case -EROFS:
    case TR_EOPEN:
        return ". Give a file that may be written, in a folder that is there";
    case TR_ECORRUPT:
        return ". Give another file, or move this one away";
    case TR_EBUSY:
        return ". Another program writes into it: end that";
    case TR_ENOSPC:
        return ". Make room on its disk";
    default:
        return "";
    }
}

static void explain_db(int rc)
{
    fprintf(stderr, "ledger: --db %s: %s; %s%s.\n", options.db, tr_strerror(rc), tr_db_why(),
            advice(rc));
}

static void explain_listen(int rc)
{
    fprintf(stderr,
            "ledger: --listen %s: %s. Give an address of this machine, and a port that is free, "
            "like 127.0.0.1:8081; or port 0, and it says which.\n",
            options.listen, tr_strerror(rc));
}

/* ---- the program ---- */

/* What accounts have is in the memory of one ledger: so there is one on a database. SQLite's locks
 * are those of fcntl, which have nothing to do with flock; but they would go when any descriptor of
 * the file is closed, so this one stays as long as the program. What can't be opened, the
 * database explains. */
static bool is_alone(const char *db)
{
    int fd = strcmp(db, ":memory:") == 0 ? -1 : open(db, O_RDWR | O_CREAT | O_CLOEXEC, 0644);

    return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

static int app(void *unused)
{
    int rc = service_begin(&service, &options), ended;

    (void)unused;
    if (rc < 0 && rc != TR_ECANCELED && !service.is_wrong)
        explain_db(rc);
    if (rc == 0) {
        rc = service_serve(&service, tell);
        if (rc < 0 && rc != TR_ECANCELED && !service.is_listening)
            explain_listen(rc);
    }
    ended = service_end(&service);
    return rc < 0 && rc != TR_ECANCELED ? rc : ended;
}

int main(int argc, char **argv)
{
    options_read(&options, argc, argv);
    if (!is_alone(options.db)) {
        fprintf(stderr,
                "ledger: --db %s: another ledger serves it. End that, or give another file.\n",
                options.db);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* a line is whole, whoever reads it */
    return tr_main(argc, argv, app, NULL, &(tr_config){ .loops = options.loops });
}
