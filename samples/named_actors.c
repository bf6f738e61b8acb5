/* named_actors: accounts that are found by name, and begin to live when somebody first asks for
 * them.
 *
 * This is Erlang's register and whereis, or Akka's entities. Tasks on all loops deposit to accounts
 * by name; whoever comes first spawns the actor, and if two come first, one of them is told
 * TR_EEXIST and finds what the other has spawned. A name goes with its actor; so the account
 * that was closed is gone, and the next deposit begins a new one.
 *
 *   Build:   cc named_actors.c $(pkg-config --cflags --libs troupe)
 *   Prints:  account/alice has 500 cents
 *            account/bob has 500 cents
 *            account/carol has 500 cents
 *            favourite has 500 cents
 *            account/alice has 7 cents */
#include <inttypes.h>
#include <stdio.h>
#include <troupe.h>

TR_MESSAGE(account_balance)
{
    int64_t cents;
};
TR_REQUEST(account_deposit, account_balance)
{
    int64_t cents;
};
TR_NOTICE(account_close);

static int account_receive(tr_self *self, void *state, tr_msg *msg)
{
    int64_t *cents = state;
    const struct account_deposit *deposit = tr_as(msg, account_deposit);

    if (deposit != NULL) {
        *cents += deposit->cents;
        return tr_reply(self, account_balance, .cents = *cents);
    }
    return tr_is(msg, account_close) ? tr_exit(self, 0) : TR_UNHANDLED;
}

static const tr_actor_class account_class = {
    .name = "account",
    .state_size = sizeof(int64_t),
    .receive = account_receive,
};

/* The actor of that name; it is spawned if there is none. */
static int find_account(tr_pid *out, const char *name)
{
    int rc;

    do {
        *out = tr_whereis(name);
        if (!tr_pid_is_none(*out))
            return 0;
        rc = tr_spawn_with(out, &account_class, NULL,
                           &(tr_spawn_options){ .place = TR_PLACE_SPREAD, .name = name });
    } while (rc == TR_EEXIST); /* somebody else was quicker */
    return rc;
}

/* What it has then. One that was closed just now is begun again. */
static int deposit(const char *name, int64_t cents, int64_t *balance)
{
    struct account_balance answer;
    tr_pid account;
    int rc;

    do {
        rc = find_account(&account, name);
        if (rc == 0)
            rc = tr_ask(&answer, account, TR_FOREVER, account_deposit, .cents = cents);
    } while (rc == TR_EDEAD);
    *balance = rc == 0 ? answer.cents : 0;
    return rc;
}

static const char *const names[] = { "account/alice", "account/bob", "account/carol" };

static int depositor(void *unused)
{
    int64_t balance;
    int rc = 0;

    (void)unused;
    for (int i = 0; rc == 0 && i < 300; i++)
        rc = deposit(names[i % 3], 1, &balance);
    return rc;
}

static int show(const char *name, int64_t more)
{
    int64_t balance;
    int rc = deposit(name, more, &balance);

    if (rc == 0)
        printf("%s has %" PRId64 " cents\n", name, balance);
    return rc;
}

static int app(void *arg)
{
    tr_pid alice;
    int rc = 0;

    (void)arg;
    TR_SCOPE(s, &rc) {
        for (int i = 0; i < 5; i++)
            tr_scope_spawn_on(s, TR_LOOP(i % tr_loop_count()), depositor, NULL);
    }
    for (int i = 0; rc == 0 && i < 3; i++)
        rc = show(names[i], 0);
    alice = tr_whereis("account/alice");
    if (rc == 0)
        rc = tr_register(alice, "favourite"); /* another name for the same actor */
    if (rc == 0)
        rc = show("favourite", 0);
    if (rc == 0)
        rc = tr_unregister("favourite");
    if (rc < 0)
        return rc;
    tr_send(alice, account_close);
    return show("account/alice", 7); /* that it has ended is what this deposit is told first */
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
