/* What it takes a disk to keep what was appended to a file: as SQLite does it for each
 * transaction. */
#include "exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_BYTES 4096

int disk(const char *path, int seconds)
{
    static const char page[PAGE_BYTES];
    struct crew crew = { 0 };
    double end = clock_now() + seconds;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        die("%s: %s", path, strerror(errno));
    for (double now = clock_now(); now < end;) {
        double begun = now;

        if (write(fd, page, PAGE_BYTES) != PAGE_BYTES || fdatasync(fd))
            die("%s: %s", path, strerror(errno));
        now = clock_now();
        sample_add(&crew, now - begun);
    }
    (void)close(fd);
    (void)unlink(path);
    samples_sort(&crew);
    printf("syncs %zu p50 %.0f p99 %.0f\n", crew.samples, latency_us(&crew, 0.5),
           latency_us(&crew, 0.99));
    free(crew.latencies);
    return 0;
}
