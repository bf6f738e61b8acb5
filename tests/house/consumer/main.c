/* What a user of the installed library might write first: an actor that is asked by main.
 * The exit status says whether all went well. */
#include <stdio.h>
#include <string.h>

#include <troupe.h>

TR_MESSAGE(sum)
{
    int64_t value;
};
TR_REQUEST(add, sum)
{
    int64_t value;
};
TR_MESSAGE(start)
{
    tr_pid adder;
    tr_pid observer;
};

static int adder_receive(tr_self *self, void *state, tr_msg *msg)
{
    int64_t *total = state;
    const struct add *add = tr_as(msg, add);

    if (add == NULL)
        return TR_UNHANDLED;
    *total += add->value;
    return tr_reply(self, sum, .value = *total);
}

static const tr_actor_class adder_class = {
    .name = "adder",
    .state_size = sizeof(int64_t),
    .receive = adder_receive,
};

/* Asks the adder, and passes its answer on to the observer. */
static int asker_receive(tr_self *self, void *state, tr_msg *msg)
{
    struct start *about = state;
    const struct sum *sum = tr_as(msg, sum);

    if (sum != NULL)
        return tr_send(about->observer, sum, .value = sum->value);
    if (tr_as(msg, start) == NULL)
        return TR_UNHANDLED;
    *about = *tr_as(msg, start);
    return tr_request(self, about->adder, 10.0, 0, add, .value = 42);
}

static const tr_actor_class asker_class = {
    .name = "asker",
    .state_size = sizeof(struct start),
    .receive = asker_receive,
};

static int ask(void)
{
    tr_inbox *inbox = NULL;
    tr_pid adder, asker;
    tr_msg *msg = NULL;
    int64_t got = -1;

    if (tr_inbox_new(&inbox, 0) != 0)
        return 1;
    if (tr_spawn(&adder, &adder_class, NULL) == 0 && tr_spawn(&asker, &asker_class, NULL) == 0 &&
        tr_send(asker, start, .adder = adder, .observer = tr_inbox_pid(inbox)) == 0 &&
        tr_inbox_receive(inbox, &msg, 10.0) == 0 && tr_as(msg, sum) != NULL)
        got = tr_as(msg, sum)->value;
    tr_inbox_free(inbox);
    return got == 42 ? 0 : 1;
}

int main(void)
{
    int failed;

    if (strcmp(tr_version(), TR_VERSION) != 0 || tr_start(NULL) != 0)
        return 1;
    failed = ask();
    if (tr_shutdown(10.0) != 0)
        failed = 1;
    printf("troupe %s: %s\n", tr_version(), failed ? "FAILED" : "ok");
    return failed;
}
