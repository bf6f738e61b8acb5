/* Limited calls: many of them, and a semaphore that says how many at once.
 *
 *   Prints:  at most 3 calls at once */
#include <stdio.h>
#include <troupe.h>

struct server {
    tr_semaphore permits;
    int calls, most;
};

static int call(void *arg)
{
    struct server *s = arg;
    int rc = tr_semaphore_acquire(&s->permits);

    if (rc < 0)
        return rc;
    if (++s->calls > s->most)
        s->most = s->calls;
    rc = tr_sleep(0.01);
    s->calls--;
    (void)tr_semaphore_release(&s->permits); /* one that was taken: it can't fail */
    return rc;
}

static int app(void *arg)
{
    struct server server = { .permits = TR_SEMAPHORE_INIT(3) };
    int rc;

    (void)arg;
    TR_SCOPE(calls, &rc) {
        for (int i = 0; i < 9; i++)
            tr_scope_spawn(calls, call, &server);
    }
    return rc < 0 ? rc : printf("at most %d calls at once\n", server.most);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
