/* Context managers: a connection that is closed whichever way its function is left.
 *
 *   Prints:  quick: opened
 *            quick: answered
 *            quick: closed
 *            broken: opened
 *            broken: closed
 *            broken: was reset
 *            slow: opened
 *            slow: closed
 *            slow: took too long */
#include <stdio.h>
#include <string.h>
#include <troupe.h>

static int open_connection(const char *host)
{
    int rc = tr_sleep(0.01);

    return rc < 0 ? rc : printf("%s: opened\n", host);
}

static void close_connection(void *host)
{
    (void)tr_sleep(0.01); /* to say goodbye: it may await, also when the task is cancelled */
    printf("%s: closed\n", (const char *)host);
}

static int ask(char *host, double seconds, double limit)
{
    int rc = open_connection(host);

    if (rc < 0)
        return rc; /* it was not opened, and is not closed */
    TR_DEFER(close_connection, host);
    TR_DEADLINE(limit, &rc) {
        rc = tr_sleep(seconds);
    }
    if (rc < 0)
        return rc;
    return strcmp(host, "broken") == 0 ? -ECONNRESET : printf("%s: answered\n", host);
}

static int app(void *arg)
{
    int rc = ask("quick", 0.01, 60);

    (void)arg;
    if (rc >= 0 && (rc = ask("broken", 0.01, 60)) == -ECONNRESET)
        rc = printf("broken: was reset\n");
    if (rc >= 0 && (rc = ask("slow", 60, 0.01)) == TR_ETIMEDOUT)
        rc = printf("slow: took too long\n");
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
