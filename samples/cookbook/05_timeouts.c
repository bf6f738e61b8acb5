/* Timeouts: a limit of a call, and one around all that a function does.
 *
 *   Prints:  index.html: fetched
 *            news: took too long
 *            no time left for the archive */
#include <stdio.h>
#include <troupe.h>

static int fetch(const char *url, double seconds, double limit)
{
    int rc = 0;

    TR_DEADLINE(limit, &rc) {
        rc = tr_sleep(seconds);
    } /* TR_ETIMEDOUT: this limit has passed; TR_ECANCELED: it comes from further outside */
    if (rc == TR_ETIMEDOUT)
        return printf("%s: took too long\n", url);
    return rc < 0 ? rc : printf("%s: fetched\n", url);
}

static int app(void *arg)
{
    int rc = 0;

    (void)arg;
    if ((rc = fetch("index.html", 0.01, 60)) < 0 || (rc = fetch("news", 60, 0.01)) < 0)
        return rc;
    TR_DEADLINE(0.01, &rc) {
        rc = fetch("archive", 60, 60);
    }
    return rc == TR_ETIMEDOUT ? printf("no time left for the archive\n") : rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
