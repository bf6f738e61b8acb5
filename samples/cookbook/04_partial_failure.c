/* Partial failure: wait for all, and use what there is.
 *
 *   Prints:  index.html: 10 bytes
 *            missing.html: No such file or directory
 *            news: 4 bytes */
#include <stdio.h>
#include <string.h>
#include <troupe.h>

static int fetch(void *url)
{
    int rc = tr_sleep(0.01);

    if (rc < 0)
        return rc;
    return strcmp(url, "missing.html") == 0 ? -ENOENT : (int)strlen(url);
}

static int app(void *arg)
{
    char *urls[] = { "index.html", "missing.html", "news" };
    tr_future *pages[3];
    int rc = 0, ended, n = 0;

    (void)arg;
    while (n < 3 && (rc = tr_submit(&pages[n], TR_LOOP_ANY, fetch, urls[n])) >= 0)
        n++;
    ended = tr_gather(pages, n, TR_GATHER_ALL); /* each has its own end */
    for (int i = 0; i < n; i++) {
        int size = tr_future_status(pages[i]);
        if (size < 0)
            printf("%s: %s\n", urls[i], tr_strerror(size));
        else
            printf("%s: %d bytes\n", urls[i], size);
        tr_future_unref(pages[i]);
    }
    return rc < 0 ? rc : ended;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
