/* Background tasks: what goes on while the program does something else, and that it waits for.
 *
 *   Prints:  Ann: thank you
 *            Bob: thank you
 *            mail to Ann: sent
 *            mail to Bob: sent
 *            all mail is sent */
#include <stdio.h>
#include <troupe.h>

struct send_mail_args {
    const char *to;
    double seconds;
};

static int send_mail(void *arg)
{
    const struct send_mail_args *a = arg; /* a copy, the task's own */
    int rc = tr_sleep(a->seconds);

    return rc < 0 ? rc : printf("mail to %s: sent\n", a->to);
}

static int app(void *arg)
{
    const char *names[] = { "Ann", "Bob" };
    int rc;

    (void)arg;
    TR_SCOPE(background, &rc) {
        for (int i = 0; i < 2; i++) {
            tr_go(background, send_mail, .to = names[i], .seconds = 0.01 * (i + 1));
            printf("%s: thank you\n", names[i]);
        }
    } /* here it waits for what was started inside */
    return rc < 0 ? rc : printf("all mail is sent\n");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
