/* Latest value: who waits for a change gets what it is now, however often it has changed.
 *
 *   Prints:  at first 20 degrees
 *            then 23 degrees, version 4
 *            it is 23 degrees, and stays so */
#include <stdio.h>
#include <troupe.h>

static int heat(void *degrees)
{
    for (int now = 21, rc; now <= 23; now++)
        if ((rc = tr_watch_set(degrees, &now)) < 0) /* it waits for nobody */
            return rc;
    return 0;
}

static int follow(tr_watch *degrees)
{
    uint64_t version = 0; /* none was seen */
    int now, rc = tr_watch_changed(degrees, &now, &version);

    if (rc < 0)
        return rc;
    printf("at first %d degrees\n", now);
    if ((rc = tr_sleep(0.01)) < 0 || /* it is busy; meanwhile the value changes, three times */
        (rc = tr_watch_changed(degrees, &now, &version)) < 0)
        return rc;
    printf("then %d degrees, version %d\n", now, (int)version);
    (void)tr_watch_close(degrees); /* nobody will set it any more: else this would wait */
    if (tr_watch_changed(degrees, &now, &version) != TR_EPIPE ||
        (rc = tr_watch_get(degrees, &now, NULL)) < 0)
        return rc < 0 ? rc : TR_ECANCELED;
    return printf("it is %d degrees, and stays so\n", now);
}

static int app(void *arg)
{
    tr_watch *degrees;
    int rc = tr_watch_new(&degrees, sizeof(int), &(int){ 20 }), followed = 0;

    (void)arg;
    if (rc < 0)
        return rc;
    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, heat, degrees);
        followed = follow(degrees);
    }
    (void)tr_watch_free(degrees);
    return rc < 0 ? rc : followed;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
