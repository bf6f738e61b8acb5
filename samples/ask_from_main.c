/* ask_from_main: the main thread asks actors, and is asked by one.
 *
 * A thread of your own belongs to no loop. It asks through its inbox: tr_inbox_request returns at
 * once, and later the inbox gets exactly one message for each request, the answer or a
 * tr_request_failed, with the tag that the request was given. So many requests may be on their way
 * at a time, and the answers may come in any order (asyncio: gather; Go: a channel for each call;
 * Erlang: the reference of a gen_server:send_request).
 *
 * An inbox has a pid like an actor, so an actor can ask it, too. A thread has no tr_self to reply
 * with: it takes the asker from the message, tr_msg_take_asker, and answers that one, now or later.
 * And it should refuse what it does not know, as the runtime does for an actor: or else whoever
 * asked would wait in vain.
 *
 *   Build:   cc ask_from_main.c $(pkg-config --cflags --libs troupe)
 *   Prints:  main does not care for todays_special
 *            main is asked: 12 times cake for 36.00? yes
 *            2 times coffee: bill, 5.00
 *            12 times cake: bill, 36.00
 *            1 time unicorn: TR_EINVAL
 *            the clerk's opening hours: TR_EUNHANDLED
 *            1 time tea from a cook who sleeps: TR_ETIMEDOUT
 *            1 time tea from a cook who has left: TR_EDEAD */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe.h>

/* ---- what they talk about ---- */

TR_MESSAGE(bill)
{
    int64_t cents;
};
TR_REQUEST(order, bill)
{
    tr_pid customer;
    unsigned portions;
    char dish[16]; /* a short text fits into the message itself */
};
TR_MESSAGE(hours)
{
    unsigned from, to;
};
TR_QUERY(hours_wanted, hours); /* nobody here knows them */
TR_NOTICE(todays_special);

/* The clerk's own question to a customer. */
TR_MESSAGE(confirmation)
{
    bool yes;
};
TR_REQUEST(confirm, confirmation)
{
    struct order order;
    int64_t cents;
};

/* ---- the clerk: before a large order it asks back ---- */

enum { LARGE = 10, CONFIRM_TAG = 1 };

typedef struct {
    tr_asker customer; /* of the large order that waits for a yes; zeroed at first: none */
    int64_t cents;
} clerk;

static int64_t price_of(const char *dish)
{
    if (strcmp(dish, "coffee") == 0)
        return 250;
    return strcmp(dish, "cake") == 0 ? 300 : TR_EINVAL;
}

static int ask_back(tr_self *self, clerk *c, const struct order *o, int64_t cents)
{
    if (!tr_asker_is_none(c->customer))
        return tr_reply_error(self, TR_EBUSY);
    c->customer = tr_take_asker(self);
    c->cents = cents;
    return tr_request(self, o->customer, 5.0, CONFIRM_TAG, confirm, .order = *o, .cents = cents);
}

static int take_order(tr_self *self, clerk *c, const struct order *o)
{
    int64_t price = price_of(o->dish), cents = price * o->portions;
    int rc;

    if (price < 0)
        return tr_reply_error(self, TR_EINVAL);
    if (o->portions >= LARGE)
        return ask_back(self, c, o, cents);
    rc = tr_send(o->customer, todays_special); /* a clerk can't help it */
    return rc < 0 ? rc : tr_reply(self, bill, .cents = cents);
}

/* The customer has said yes (0), or no, or nothing (an error). */
static int settle(clerk *c, int error)
{
    tr_asker who = c->customer;

    c->customer = (tr_asker){ 0 };
    return error < 0 ? tr_answer_error(who, error) : tr_answer(who, bill, .cents = c->cents);
}

static int clerk_receive(tr_self *self, void *state, tr_msg *msg)
{
    clerk *c = state;
    const struct order *o;
    const struct confirmation *answer;
    const struct tr_request_failed *failed;

    if ((o = tr_as(msg, order)))
        return take_order(self, c, o);
    if ((answer = tr_as(msg, confirmation)))
        return settle(c, answer->yes ? 0 : TR_ECANCELED);
    if ((failed = tr_as(msg, tr_request_failed)))
        return settle(c, failed->error);
    return TR_UNHANDLED;
}

/* ---- a cook who sleeps: handles every message, and answers none ---- */

static int cook_receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    return 0;
}

static const tr_actor_class clerk_class = {
    .name = "clerk",
    .state_size = sizeof(clerk),
    .receive = clerk_receive,
};
static const tr_actor_class cook_class = { .name = "cook", .receive = cook_receive };

/* ---- the main thread ---- */

/* The tags, from 1 on: 0 is what a message has that is no answer. */
enum { COFFEE = 1, CAKE, UNICORN, HOURS, ASLEEP, GONE, TAGS };

static const char *const question[TAGS] = {
    [COFFEE] = "2 times coffee",
    [CAKE] = "12 times cake",
    [UNICORN] = "1 time unicorn",
    [HOURS] = "the clerk's opening hours",
    [ASLEEP] = "1 time tea from a cook who sleeps",
    [GONE] = "1 time tea from a cook who has left",
};

struct outcome {
    const char *name; /* of the answer's type */
    int error;
    int64_t cents;
};

static void check(int rc, const char *what)
{
    if (rc < 0) {
        fprintf(stderr, "ask_from_main: %s: %s\n", what, tr_strerror(rc));
        exit(EXIT_FAILURE);
    }
}

/* All at once: none of these calls waits for anybody. */
static void ask_all(tr_inbox *inbox, tr_pid counter, tr_pid asleep, tr_pid gone)
{
    tr_pid me = tr_inbox_pid(inbox);

    check(tr_inbox_request(inbox, counter, 10.0, COFFEE, order, me, 2, "coffee"), "coffee");
    check(tr_inbox_request(inbox, counter, 10.0, CAKE, order, me, 12, "cake"), "cake");
    check(tr_inbox_request(inbox, counter, 10.0, UNICORN, order, me, 1, "unicorn"), "unicorn");
    check(tr_inbox_request(inbox, counter, 10.0, HOURS, hours_wanted), "hours");
    check(tr_inbox_request(inbox, asleep, 0.1, ASLEEP, order, me, 1, "tea"), "asleep");
    check(tr_inbox_request(inbox, gone, 10.0, GONE, order, me, 1, "tea"), "gone");
}

/* What is no answer: a question to us, or something that we do not know. */
static void hear_others(tr_msg *msg)
{
    const struct confirm *c = tr_as(msg, confirm);
    bool yes = c && c->cents <= 5000;

    if (!c) {
        printf("main does not care for %s\n", tr_msg_name(msg));
        check(tr_answer_error(tr_msg_take_asker(msg), TR_EUNHANDLED), "refusing"); /* if one asks */
        return;
    }
    printf("main is asked: %u times %s for %" PRId64 ".%02" PRId64 "? %s\n", c->order.portions,
           c->order.dish, c->cents / 100, c->cents % 100, yes ? "yes" : "no");
    check(tr_answer(tr_msg_take_asker(msg), confirmation, .yes = yes), "answering");
}

/* Hear until every request has come to its end. */
static void hear_all(tr_inbox *inbox, struct outcome *outcomes)
{
    unsigned awaited = TAGS - COFFEE;

    while (awaited > 0) {
        tr_msg *msg = NULL;
        const struct bill *b;
        const struct tr_request_failed *failed;
        uint64_t tag;

        check(tr_inbox_receive(inbox, &msg, 30.0), "tr_inbox_receive");
        tag = tr_msg_tag(msg);
        if (tag == 0) {
            hear_others(msg);
            continue;
        }
        outcomes[tag].name = tr_msg_name(msg); /* the name lasts longer than the message */
        if ((b = tr_as(msg, bill)))
            outcomes[tag].cents = b->cents;
        if ((failed = tr_as(msg, tr_request_failed)))
            outcomes[tag].error = failed->error;
        awaited--;
    }
}

static void print_outcome(const char *asked, const struct outcome *o)
{
    if (o->error < 0)
        printf("%s: %s\n", asked, tr_err_name(o->error));
    else
        printf("%s: %s, %" PRId64 ".%02" PRId64 "\n", asked, o->name, o->cents / 100,
               o->cents % 100);
}

int main(void)
{
    struct outcome outcomes[TAGS] = { 0 };
    tr_inbox *inbox = NULL;
    tr_pid counter, asleep, gone;

    check(tr_start(NULL), "tr_start");
    check(tr_inbox_new(&inbox, 0), "tr_inbox_new");
    check(tr_spawn(&counter, &clerk_class, NULL), "tr_spawn clerk");
    check(tr_spawn(&asleep, &cook_class, NULL), "tr_spawn cook");
    check(tr_spawn(&gone, &cook_class, NULL), "tr_spawn another cook");
    check(tr_stop(gone), "tr_stop");

    ask_all(inbox, counter, asleep, gone);
    hear_all(inbox, outcomes);
    for (unsigned tag = COFFEE; tag < TAGS; tag++)
        print_outcome(question[tag], &outcomes[tag]);

    tr_inbox_free(inbox);
    check(tr_shutdown(0), "tr_shutdown");
    return EXIT_SUCCESS;
}
