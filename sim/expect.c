/* What a test expects of its probes. */
#include <stdio.h>

#include "sim/world.h"

/* Where the test stands, and what it got. */
static _Noreturn void fail(const char *file, int line, const char *wanted, const char *got)
{
    char text[256];

    (void)snprintf(text, sizeof(text), "%s:%d: %s was expected%s", file, line, wanted, got);
    tr__sim_give_up(text);
}

static tr_msg *receive(tr_inbox *in, double timeout)
{
    tr_msg *msg;

    return tr_inbox_receive(in, &msg, timeout) == 0 ? msg : NULL;
}

const void *tr__sim_expect(tr_inbox *in, double timeout, tr_type *type, size_t size,
                           const char *file, int line)
{
    const tr_msg *msg = receive(in, timeout);
    const void *payload = msg != NULL ? tr__as(msg, type, size) : NULL;
    char got[128];

    if (payload != NULL)
        return payload;
    if (msg != NULL)
        (void)snprintf(got, sizeof(got), ", and %s came", tr_msg_name(msg));
    else
        (void)snprintf(got, sizeof(got), " within %g s, and nothing came", timeout);
    fail(file, line, type->tr__name, got);
}

void tr__sim_expect_nothing(tr_inbox *in, double seconds, const char *file, int line)
{
    const tr_msg *msg = receive(in, seconds);
    char got[128];

    if (msg == NULL)
        return;
    (void)snprintf(got, sizeof(got), ", and %s came", tr_msg_name(msg));
    fail(file, line, "nothing", got);
}
