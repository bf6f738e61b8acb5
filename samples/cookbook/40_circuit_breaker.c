/* Circuit breaker: what fails again and again is left alone for a while.
 *
 *   Prints:  failed: it is closed
 *            failed: it is open
 *            not asked: it is open
 *            after a while it is half-open
 *            answered: it is closed */
#include <stdio.h>
#include <troupe.h>

static const char *state(tr_breaker *b)
{
    const char *names[] = { "closed", "open", "half-open" };

    return names[tr_breaker_state(b)];
}

static int ask(void *is_down)
{
    int rc = tr_sleep(0.001);

    return rc < 0 ? rc : *(bool *)is_down ? TR_ECONNREFUSED : 0;
}

static int call(tr_breaker *b, bool is_down)
{
    int rc = tr_breaker_call(b, ask, &is_down);

    if (rc == TR_EOPEN)
        return printf("not asked: it is %s\n", state(b));
    if (rc == 0 || rc == TR_ECONNREFUSED)
        return printf("%s: it is %s\n", rc == 0 ? "answered" : "failed", state(b));
    return rc;
}

static int app(void *arg)
{
    tr_breaker patient = { .failures = 2, .open_for = 3600 }; /* of a server; shared by all */
    tr_breaker hasty = { .failures = 1, .open_for = 0.001 };
    int rc = 0, pass;

    (void)arg;
    for (int i = 0; rc >= 0 && i < 3; i++)
        rc = call(&patient, true);
    if (rc < 0 || (pass = tr_breaker_enter(&hasty)) < 0)
        return rc < 0 ? rc : pass;
    tr_breaker_leave(&hasty, pass, TR_ECONNREFUSED); /* where no function can be called */
    if ((rc = tr_sleep(0.01)) < 0)
        return rc;
    printf("after a while it is %s\n", state(&hasty));
    return call(&hasty, false);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
