/* Testing with timeouts: each test is a task, and none may hang.
 *
 *   Prints:  ok test_a_page_comes
 *            ok test_a_slow_server_is_given_up */
#include <stdio.h>
#include <troupe.h>

static int fetch(double seconds)
{
    int rc = 0;

    TR_DEADLINE(0.1, &rc) {
        rc = tr_sleep(seconds);
    }
    return rc;
}

static int test_a_page_comes(void)
{
    return fetch(0);
}

static int test_a_slow_server_is_given_up(void)
{
    int rc = fetch(60);

    return rc == TR_ETIMEDOUT ? 0 : rc < 0 ? rc : TR_EINVAL; /* it was waited for */
}

static int run(const char *name, int (*test)(void))
{
    int rc = 0;

    TR_DEADLINE(60, &rc) {
        rc = test();
    }
    printf("%s %s\n", rc < 0 ? "not ok" : "ok", name);
    return rc;
}

#define RUN(test) run(#test, test)

static int app(void *arg)
{
    int rc = RUN(test_a_page_comes);

    (void)arg;
    return rc < 0 ? rc : RUN(test_a_slow_server_is_given_up);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
