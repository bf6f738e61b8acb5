/* Sending files: from the disk to a socket, without a copy.
 *
 *   Prints:  9 bytes of the file: Dear all, */
#include <fcntl.h>
#include <stdio.h>
#include <troupe/net.h>

static int send_file(void *arg)
{
    tr_io *io = arg;
    tr_file *f;
    int rc = tr_file_open(&f, "letter", O_RDONLY, 0);
    ssize_t sent;

    if (rc < 0)
        return rc;
    rc = tr_write_all(io, "9 bytes of the file: ", 21); /* it goes behind this */
    sent = rc < 0 ? rc : tr_sendfile(io, f, 0, 9);      /* SIZE_MAX: to the file's end */
    (void)tr_file_close(f);
    return sent < 0 ? (int)sent : tr_close_write(io);
}

static int app(void *arg)
{
    tr_io *one tr_cleanup_io = NULL;
    tr_io *other tr_cleanup_io = NULL;
    char text[100];
    int rc = tr_file_save("letter", "Dear all, ...", 13, 0);
    ssize_t bytes = 0, more = 0;

    (void)arg;
    if (rc < 0 || (rc = tr_socketpair(&one, &other)) < 0)
        return rc;
    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, send_file, one);
        while ((more = tr_read(other, text + bytes, sizeof(text) - (size_t)bytes)) > 0)
            bytes += more;
    }
    if (rc < 0 || more < 0)
        return rc < 0 ? rc : (int)more;
    return printf("%.*s\n", (int)bytes, text);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
