/* Misuse of actors, pids, timers and owned messages that the compiler has to refuse. See
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
TR_MESSAGE_OWNING(parcel, misuse_parcel_drop)
{
    void *thing;
};

void misuse_parcel_drop(struct parcel *payload)
{
    payload->thing = NULL;
}

#ifdef CASE_1 /* wants: conflicting types for|conflicting types */
/* a drop function of another signature */
TR_MESSAGE_OWNING(crate, misuse_crate_drop)
{
    void *thing;
};
int misuse_crate_drop(struct crate *payload);
#endif
#ifdef CASE_2 /* wants: conflicting types for|conflicting types */
/* a drop function of another message */
TR_MESSAGE_OWNING(chest, misuse_chest_drop)
{
    void *thing;
};
void misuse_chest_drop(struct parcel *payload);
#endif
#ifdef CASE_3 /* wants: undeclared|tr_type_unknown */
/* an answer that is not declared before */
TR_REQUEST(ask_unknown, unknown)
{
    int64_t a;
};
#endif
#ifdef CASE_4 /* wants: redefinition of */
/* two messages of one name in a file */
TR_MESSAGE(label)
{
    int64_t a;
};
#endif

static int receive(tr_self *self, void *state, tr_msg *msg)
{
    (void)self;
    (void)state;
    (void)msg;
    return 0;
}

#ifdef CASE_5 /* wants: incompatible pointer type|incompatible function pointer */
static int receive_without_state(tr_self *self, tr_msg *msg)
{
    (void)self;
    (void)msg;
    return 0;
}

const tr_actor_class misuse_class = { .name = "x", .receive = receive_without_state };
#else
const tr_actor_class misuse_class = { .name = "x", .receive = receive };
#endif

int misuse(tr_pid to, tr_msg *msg, tr_self *self, const struct label *text);
int misuse(tr_pid to, tr_msg *msg, tr_self *self, const struct label *text)
{
    struct parcel *taken = tr_take(msg, parcel);
    tr_asker who = tr_take_asker(self);
    tr_pid pid = TR_PID_NONE;
    int rc = taken != NULL && tr_pid_eq(pid, to);

    rc += tr_send_value(to, label, text);
    rc += tr_send_after(self, 1.0, 0, balance, .cents = 5);
    rc += tr_reply(self, balance, .cents = 5);
    rc += tr_answer(who, balance, .cents = 5);
    rc += tr_spawn(&pid, &misuse_class, NULL);

#ifdef CASE_6 /* wants: not compatible with any */
    /* the struct of another message */
    rc += tr_send_value(to, balance, text);
#endif
#ifdef CASE_7 /* wants: incompatible pointer type */
    struct balance *wrong = tr_take(msg, parcel);

    rc += wrong != NULL;
#endif
#ifdef CASE_8 /* wants: invalid initializer|incompatible type */
    tr_pid forged = 7;

    rc += tr_stop(forged);
#endif
#ifdef CASE_9 /* wants: incompatible type */
    rc += tr_stop(7);
#endif
#ifdef CASE_10 /* wants: incompatible type|invalid operands */
    rc += pid == to;
#endif
#ifdef CASE_11 /* wants: incompatible type */
    /* swapped */
    rc += tr_send_msg(msg, to);
#endif
#ifdef CASE_12 /* wants: incompatible type */
    /* forward has the message first */
    rc += tr_forward(to, msg);
#endif
#ifdef CASE_13 /* wants: incompatible|pointer from integer|without a cast|integer to pointer */
    /* a string for a number */
    rc += tr_send(to, balance, .cents = "five");
#endif
#ifdef CASE_14 /* wants: excess elements */
    rc += tr_send(to, balance, 1, 2);
#endif
#ifdef CASE_15 /* wants: incompatible pointer type */
    /* the state is no self */
    rc += tr_send_after(&pid, 1.0, 0, balance, .cents = 5);
#endif
#ifdef CASE_16 /* wants: too few arguments|too many arguments|undeclared|requires */
    /* the key is forgotten */
    rc += tr_send_after(self, 1.0, balance, .cents = 5);
#endif
#ifdef CASE_17 /* wants: incompatible type */
    /* a pid is no asker */
    rc += tr_answer(to, balance, .cents = 5);
#endif
#ifdef CASE_18 /* wants: incompatible pointer type|incompatible function pointer */
    rc += tr_become(self, misuse_parcel_drop);
#endif
#ifdef CASE_19 /* wants: incompatible pointer type */
    /* the class for the pid */
    rc += tr_spawn(&misuse_class, &misuse_class, NULL);
#endif
#ifdef CASE_20 /* wants: incompatible type|incompatible pointer type|makes pointer */
    rc += tr_spawn(pid, &misuse_class, NULL);
#endif
#ifdef CASE_21 /* wants: tr_type_nosuch */
    rc += tr_take(msg, nosuch) != NULL;
#endif
#ifdef CASE_22 /* wants: discards .?const.? qualifier|discards qualifiers */
    tr_msg_free((const tr_msg *)msg);
#endif
#ifdef CASE_23 /* wants: incompatible pointer type */
    /* the wrong payload of the right request */
    const struct balance *answer = tr_as(msg, deposit);

    rc += answer != NULL;
#endif
#ifdef CASE_24 /* wants: too few arguments|requires at least|undeclared */
    /* the type is forgotten */
    rc += tr_reply(self, .cents = 5);
#endif
    return rc;
}
