/* Write buffers: many small writes go out together, and a slow reader holds up the writer.
 *
 *   Prints:  1000 numbers came, the last was 999 */
#include <stdio.h>
#include <stdlib.h>
#include <troupe/net.h>

enum { NUMBERS = 1000 };

static int write_numbers(void *arg)
{
    tr_io *out = arg;
    char line[16];
    int rc = tr_io_set_water(out, 1024, 256);

    for (int i = 0; rc == 0 && i < NUMBERS; i++) /* waits at 1024 bytes until they are 256 */
        rc = tr_write(out, line, (size_t)snprintf(line, sizeof(line), "%d\n", i));
    if (rc == 0)
        rc = tr_flush(out); /* all have gone out; or the error that came meanwhile */
    return rc < 0 ? rc : tr_close_write(out);
}

static int read_numbers(tr_io *in)
{
    const char *line;
    ssize_t bytes;
    int count = 0, last = 0, rc = 0;

    while (rc == 0 && (bytes = tr_read_until(in, &line, "\n", 16)) > 0) {
        last = (int)strtol(line, NULL, 10);
        rc = ++count % 100 == 0 ? tr_sleep(0.001) : 0; /* it is slow */
    }
    if (rc < 0 || bytes < 0)
        return rc < 0 ? rc : (int)bytes;
    return printf("%d numbers came, the last was %d\n", count, last);
}

static int app(void *arg)
{
    tr_io *in tr_cleanup_io = NULL;
    tr_io *out tr_cleanup_io = NULL;
    int rc = tr_pipe(&in, &out), rest = 0;

    (void)arg;
    if (rc < 0)
        return rc;
    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, write_numbers, out);
        if ((rest = read_numbers(in)) < 0)
            (void)tr_scope_cancel(s); /* else it would wait for a reader for ever */
    }
    return rc < 0 ? rc : rest;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
