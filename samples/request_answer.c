/* request_answer: a client actor asks a bank account actor, in all the ways that an ask can end.
 *
 * This is Erlang's gen_server:call without the waiting, or asyncio's `await account.deposit(500)`
 * cut at the await. tr_request returns at once. Later the client gets exactly one message: the
 * answer, or a tr_request_failed with an error. The tag, a number of the client's choice, says
 * which request it belongs to. Which answer a request may get is declared with it: a wrong one is
 * TR_EPROTO.
 *
 * The account shows the other side: tr_reply, tr_reply_error (a refusal is no crash: the actor
 * lives on), and answering later, when another message has made it possible (tr_take_asker,
 * tr_answer).
 *
 *   Build:   cc request_answer.c $(pkg-config --cflags --libs troupe)
 *   Prints:  deposit 5.00: the balance is 5.00
 *            deposit -1.00: failed, an argument is invalid
 *            get: the balance is 5.00
 *            deposit 5.00: the balance is 10.00
 *            wait for 10.00: the balance is 10.00
 *            wait for 1000.00: failed, the time limit has passed
 *            get from a closed account: failed, the actor has ended, or never was
 *
 * The last one is a dead letter, as is any message that reaches no actor. The log does not mention
 * it, since the asker is told.
 *
 * A real handler would not print: output may block, and the loop's other actors wait meanwhile. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <troupe.h>

/* ---- what the two talk about; in a larger program, a header ---- */

TR_MESSAGE(account_balance)
{
    int64_t cents;
};
TR_REQUEST(account_deposit, account_balance)
{
    int64_t cents;
};
TR_QUERY(account_get, account_balance);
TR_REQUEST(account_wait_for, account_balance) /* answered when there are so many cents */
{
    int64_t cents;
};

/* ---- the account ---- */

typedef struct {
    int64_t cents;
    int64_t awaited_cents;
    tr_asker waiting; /* who waits for awaited_cents; zeroed, as all state is at first: nobody */
} account;

static int answer_waiting(account *a)
{
    tr_asker who = a->waiting;

    if (tr_asker_is_none(who) || a->cents < a->awaited_cents)
        return 0;
    a->waiting = (tr_asker){ 0 };
    return tr_answer(who, account_balance, .cents = a->cents);
}

static int deposit(tr_self *self, account *a, int64_t cents)
{
    int rc;

    if (cents <= 0)
        return tr_reply_error(self, TR_EINVAL);
    a->cents += cents;
    rc = tr_reply(self, account_balance, .cents = a->cents);
    return rc < 0 ? rc : answer_waiting(a);
}

static int wait_for(tr_self *self, account *a, int64_t cents)
{
    if (!tr_asker_is_none(a->waiting))
        return tr_reply_error(self, TR_EBUSY);
    a->awaited_cents = cents;
    a->waiting = tr_take_asker(self);
    return answer_waiting(a);
}

static int account_receive(tr_self *self, void *state, tr_msg *msg)
{
    account *a = state;
    const struct account_deposit *d;
    const struct account_wait_for *w;

    if ((d = tr_as(msg, account_deposit)))
        return deposit(self, a, d->cents);
    if ((w = tr_as(msg, account_wait_for)))
        return wait_for(self, a, w->cents);
    if (tr_is(msg, account_get))
        return tr_reply(self, account_balance, .cents = a->cents);
    return TR_UNHANDLED;
}

/* Whoever was taken and not answered would wait for its whole time limit: say that we close. To one
 * that has given up already, this does nothing. */
static void account_stop(tr_self *self, void *state, int reason)
{
    account *a = state;

    (void)self;
    if (!tr_asker_is_none(a->waiting))
        (void)tr_answer_error(a->waiting, reason < 0 ? reason : TR_EDEAD); /* nobody left to tell */
}

static const tr_actor_class account_class = {
    .name = "account",
    .state_size = sizeof(account),
    .receive = account_receive,
    .stop = account_stop,
};

/* ---- the client: one request after the other ---- */

TR_NOTICE(client_start);
TR_MESSAGE(client_finished)
{
    int reason;
};

/* The tags of the requests. */
enum { DEPOSIT = 1, DEPOSIT_NOTHING, GET, DEPOSIT_AGAIN, WAIT_FOR, WAIT_IN_VAIN, GET_FROM_DEAD };

static const char *const question[] = {
    [DEPOSIT] = "deposit 5.00",
    [DEPOSIT_NOTHING] = "deposit -1.00",
    [GET] = "get",
    [DEPOSIT_AGAIN] = "deposit 5.00",
    [WAIT_FOR] = "wait for 10.00",
    [WAIT_IN_VAIN] = "wait for 1000.00",
    [GET_FROM_DEAD] = "get from a closed account",
};

typedef struct {
    tr_pid account;
    tr_pid parent; /* hears of our end */
} client;

static int client_init(tr_self *self, void *state, const void *args)
{
    (void)self;
    *(client *)state = *(const client *)args;
    return 0;
}

/* The first waits until the second has been made: so the answers come in the other order. */
static int wait_and_deposit(tr_self *self, const client *c)
{
    int rc = tr_request(self, c->account, 5.0, WAIT_FOR, account_wait_for, .cents = 1000);

    if (rc < 0)
        return rc;
    return tr_request(self, c->account, 5.0, DEPOSIT_AGAIN, account_deposit, .cents = 500);
}

static int answered(tr_self *self, const client *c, uint64_t tag, int64_t cents)
{
    printf("%s: the balance is %" PRId64 ".%02" PRId64 "\n", question[tag], cents / 100,
           cents % 100);
    switch (tag) {
    case DEPOSIT:
        return tr_request(self, c->account, 5.0, DEPOSIT_NOTHING, account_deposit, .cents = -100);
    case GET:
        return wait_and_deposit(self, c);
    case WAIT_FOR:
        return tr_request(self, c->account, 0.1, WAIT_IN_VAIN, account_wait_for, .cents = 100000);
    default:
        return 0; /* DEPOSIT_AGAIN: the answer to WAIT_FOR comes next */
    }
}

static int failed(tr_self *self, const client *c, const struct tr_request_failed *f)
{
    int rc;

    printf("%s: failed, %s\n", question[f->tag], tr_strerror(f->error));
    switch (f->tag) {
    case DEPOSIT_NOTHING:
        return tr_request(self, c->account, 5.0, GET, account_get);
    case WAIT_IN_VAIN:
        rc = tr_stop(c->account);
        return rc < 0 ? rc : tr_request(self, c->account, 5.0, GET_FROM_DEAD, account_get);
    case GET_FROM_DEAD:
        return tr_exit(self, 0);
    default:
        return tr_fail(self, f->error); /* this one should have been answered */
    }
}

static int client_receive(tr_self *self, void *state, tr_msg *msg)
{
    const client *c = state;
    const struct account_balance *b;
    const struct tr_request_failed *f;

    if (tr_is(msg, client_start))
        return tr_request(self, c->account, 5.0, DEPOSIT, account_deposit, .cents = 500);
    if ((b = tr_as(msg, account_balance)))
        return answered(self, c, tr_msg_tag(msg), b->cents);
    if ((f = tr_as(msg, tr_request_failed)))
        return failed(self, c, f);
    return TR_UNHANDLED;
}

/* Called however the client ends, so the parent is sure to hear of it. */
static void client_stop(tr_self *self, void *state, int reason)
{
    const client *c = state;

    (void)self;
    (void)tr_send(c->parent, client_finished, .reason = reason); /* a failure is a dead letter */
}

static const tr_actor_class client_class = {
    .name = "client",
    .state_size = sizeof(client),
    .args_size = sizeof(client),
    .init = client_init,
    .receive = client_receive,
    .stop = client_stop,
};

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "request_answer: %s: %s\n", what, tr_strerror(rc));
        exit(EXIT_FAILURE);
    }
}

int main(void)
{
    tr_inbox *inbox = NULL;
    client args = { 0 };
    tr_pid someone;
    tr_msg *msg = NULL;
    const struct client_finished *end;

    check(tr_start(NULL), "tr_start");
    check(tr_inbox_new(&inbox, 0), "tr_inbox_new");
    args.parent = tr_inbox_pid(inbox);
    check(tr_spawn(&args.account, &account_class, NULL), "tr_spawn account");
    check(tr_spawn(&someone, &client_class, &args), "tr_spawn client");
    check(tr_send(someone, client_start), "tr_send");

    check(tr_inbox_receive(inbox, &msg, 10.0), "tr_inbox_receive");
    if ((end = tr_as(msg, client_finished)))
        check(end->reason, "the client failed");
    tr_inbox_free(inbox);
    check(tr_shutdown(0), "tr_shutdown");
    return EXIT_SUCCESS;
}
