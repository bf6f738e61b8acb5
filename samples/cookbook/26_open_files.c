/* Open files: a file of records, in which each can be read and changed at its place.
 *
 *   Prints:  account 2 has 250
 *            of 3 accounts the first has 100
 *            2 are left */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <troupe/net.h>

typedef struct account {
    int64_t number;
    int64_t cents;
} account;

static void close_file(void *f)
{
    (void)tr_file_close(f);
}

static int change(tr_file *f, uint64_t number, int64_t cents)
{
    uint64_t at = (number - 1) * sizeof(account);
    account a;
    ssize_t bytes = tr_file_read_at(f, &a, sizeof(a), at);
    int rc;

    if (bytes != sizeof(a)) /* fewer: the file ends there */
        return bytes < 0 ? (int)bytes : TR_EEND;
    a.cents += cents;
    if ((rc = tr_file_write_at(f, &a, sizeof(a), at)) < 0 || (rc = tr_file_datasync(f)) < 0)
        return rc; /* it may be on the disk in part */
    return printf("account %d has %d\n", (int)a.number, (int)a.cents);
}

static int use(tr_file *f)
{
    const account all[] = { { 1, 100 }, { 2, 200 }, { 3, 300 } };
    struct stat known;
    account first;
    int rc = tr_file_write(f, all, sizeof(all)); /* all of it, at the file's position */

    if (rc < 0 || (rc = change(f, 2, 50)) < 0 || (rc = tr_file_stat(f, &known)) < 0)
        return rc;
    if ((rc = (int)tr_file_seek(f, 0, SEEK_SET)) < 0 ||
        (rc = (int)tr_file_read(f, &first, sizeof(first))) < 0)
        return rc;
    printf("of %d accounts the first has %d\n", (int)(known.st_size / (int)sizeof(account)),
           (int)first.cents);
    (void)posix_fadvise(tr_file_fd(f), 0, 0, POSIX_FADV_RANDOM); /* what has no call of its own */
    if ((rc = tr_file_truncate(f, 2 * sizeof(account))) < 0 || (rc = tr_file_sync(f)) < 0)
        return rc;
    return printf("2 are left\n");
}

static int app(void *arg)
{
    tr_file *f;
    int rc = tr_file_open(&f, "accounts", O_RDWR | O_CREAT | O_TRUNC, 0600);

    (void)arg;
    if (rc < 0)
        return rc;
    TR_DEFER(close_file, f);
    return use(f);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
