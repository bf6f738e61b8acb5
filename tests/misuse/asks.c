/* Misuse of asks, and of actors that await, that the compiler has to refuse. See
 * tests/house/misuse. */
#include <troupe.h>

TR_MESSAGE(balance)
{
    int64_t cents;
};
TR_MESSAGE(label)
{
    char text[40];
};
TR_REQUEST(deposit, balance)
{
    int64_t cents;
};
TR_QUERY(look, label);

static int receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)state;
    (void)msg;
    return tr_reply(self, balance, .cents = 5);
}

const tr_actor_class misuse_class = {
    .name = "x",
    .receive = receive,
    .awaits = true,
#ifdef CASE_1 /* wants: has no member named .stop_limit.|designator .stop_limit. does not refer */
    .stop_limit = 1.0,
#endif
    .stop_timeout = 1.0,
};

int misuse(tr_pid to, tr_self *self, tr_future *f, tr_inbox *in);
int misuse(tr_pid to, tr_self *self, tr_future *f, tr_inbox *in)
{
    struct balance b;
    struct label text;
    void *anything = &b;
    int rc = tr_ask(&b, to, 1.0, deposit, .cents = 5);

    rc += tr_ask(&text, to, 1.0, look);
    rc += tr_ask(NULL, to, 1.0, look);
    rc += tr_ask(anything, to, 1.0, deposit, 5);
    rc += tr_ask_future(&f, to, 1.0, deposit, .cents = 5);
    rc += tr_inbox_new(&in, 5) + tr_asker_is_none(tr_take_asker(self));

#ifdef CASE_2 /* wants: out must point to the answer that look declares */
    rc += tr_ask(&b, to, 1.0, look);
#endif
#ifdef CASE_3 /* wants: out must point to the answer that deposit declares */
    /* the request for its answer */
    struct deposit d;

    rc += tr_ask(&d, to, 1.0, deposit, .cents = 5);
#endif
#ifdef CASE_4 /* wants: out must point to the answer|incompatible type */
    /* the answer itself */
    rc += tr_ask(b, to, 1.0, deposit, .cents = 5);
#endif
#ifdef CASE_5 /* wants: out must point to the answer that deposit declares */
    const struct balance *read_only = &b;

    rc += tr_ask(read_only, to, 1.0, deposit, .cents = 5);
#endif
#ifdef CASE_6 /* wants: out must point to the answer that deposit declares */
    int64_t cents;

    rc += tr_ask(&cents, to, 1.0, deposit, .cents = 5);
#endif
#ifdef CASE_7 /* wants: tr_answer_of_balance */
    /* a message that is no request */
    rc += tr_ask(&b, to, 1.0, balance, .cents = 5);
#endif
#ifdef CASE_8 /* wants: tr_answer_of_balance */
    rc += tr_ask_future(&f, to, 1.0, balance, .cents = 5);
#endif
#ifdef CASE_9 /* wants: tr_type_nosuch|tr_answer_of_nosuch */
    rc += tr_ask(NULL, to, 1.0, nosuch);
#endif
#ifdef CASE_10 /* wants: too few arguments|undeclared|requires at least|tr_answer_of_ */
    /* the time limit is forgotten */
    rc += tr_ask(&b, to, deposit, .cents = 5);
#endif
#ifdef CASE_11 /* wants: incompatible type */
    /* an asker is no pid */
    rc += tr_ask(&b, tr_take_asker(self), 1.0, deposit, .cents = 5);
#endif
#ifdef CASE_12 /* wants: incompatible type */
    rc += tr_ask(&b, 7, 1.0, deposit, .cents = 5);
#endif
#ifdef CASE_13 /* wants: incompatible type|out must point */
    /* the limit before the pid */
    rc += tr_ask(&b, 1.0, to, deposit, .cents = 5);
#endif
#ifdef CASE_14 /* wants: excess elements */
    rc += tr_ask(&b, to, 1.0, deposit, 5, 6);
#endif
#ifdef CASE_15 /* wants: has no member named .pence.|field designator .pence. does not refer */
    rc += tr_ask(&b, to, 1.0, deposit, .pence = 5);
#endif
#ifdef CASE_16 /* wants: incompatible pointer type */
    /* the future itself */
    rc += tr_ask_future(f, to, 1.0, deposit, .cents = 5);
#endif
#ifdef CASE_17 /* wants: incompatible pointer type */
    /* the answer comes as the future's value */
    rc += tr_ask_future(&b, to, 1.0, deposit, .cents = 5);
#endif
#ifdef CASE_18 /* wants: incompatible type */
    rc += tr_ask_future(&f, self, 1.0, deposit, .cents = 5);
#endif
#ifdef CASE_19 /* wants: incompatible pointer type */
    /* an inbox is no future */
    rc += tr_await(in);
#endif
#ifdef CASE_20 /* wants: incompatible pointer type */
    rc += tr_inbox_new(in, 5);
#endif
#ifdef CASE_21 /* wants: incompatible type */
    /* an actor can't be awaited */
    rc += tr_await(to);
#endif
    return rc;
}
