/* gather_retry: several sources at once, some of which fail for a while.
 *
 * tr_gather waits for all (asyncio: gather; JavaScript: Promise.all). The first failure counts;
 * what still runs is cancelled, and has ended when it returns. With TR_GATHER_ALL each has its own
 * status (Promise.allSettled). tr_retry calls a function again, after delays that grow.
 *
 *   Build:   cc gather_retry.c $(pkg-config --cflags --libs troupe)
 *   Prints:  all or nothing: TR_EAGAIN; weather TR_ECANCELED, news TR_EAGAIN, prices TR_ECANCELED
 *            what there is: TR_OK; weather TR_OK, news TR_EAGAIN, prices TR_OK
 *            with retries: TR_OK; weather TR_OK, news TR_OK, prices TR_OK
 *            news was asked 5 times, weather 3 times */
#include <stdio.h>
#include <troupe.h>

enum { SOURCES = 3 };

struct source {
    const char *name;
    int failures, calls; /* left; so far */
    double seconds;      /* that an answer takes */
};

static int fetch(void *arg)
{
    struct source *s = arg;

    s->calls++;
    if (s->failures-- > 0)
        return TR_EAGAIN;
    return tr_sleep(s->seconds); /* TR_ECANCELED: it is not needed any more */
}

static int fetch_again(void *source)
{
    return tr_retry(fetch, source, &(tr_retry_policy){ .attempts = 4, .first_delay = 0.01 });
}

/* Run fn for each source, and print how each has ended. */
static int fetch_all(const char *title, struct source *sources, tr_task_fn fn, unsigned flags)
{
    tr_future *fs[SOURCES] = { NULL };
    size_t n = 0;
    int rc;

    while (n < SOURCES && tr_submit(&fs[n], TR_LOOP_ANY, fn, &sources[n]) == 0)
        n++;
    rc = tr_gather(fs, n, flags);
    printf("%s: %s", title, tr_err_name(rc));
    for (int i = 0; i < SOURCES; i++) {
        printf("%s %s %s", i == 0 ? ";" : ",", sources[i].name,
               tr_err_name(tr_future_status(fs[i])));
        tr_future_unref(fs[i]);
    }
    printf("\n");
    return rc;
}

static int app(void *arg)
{
    struct source sources[SOURCES] = { { "weather", 0, 0, 1e6 },
                                       { "news", 4, 0, 0.01 },
                                       { "prices", 0, 0, 1e6 } };
    int rc = 0;

    (void)arg;
    (void)fetch_all("all or nothing", sources, fetch, 0); /* the news fail */
    sources[0].seconds = sources[2].seconds = 0.01;
    (void)fetch_all("what there is", sources, fetch, TR_GATHER_ALL);
    TR_DEADLINE(60, &rc) {
        rc = fetch_all("with retries", sources, fetch_again, 0);
    }
    printf("news was asked %d times, weather %d times\n", sources[1].calls, sources[0].calls);
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
