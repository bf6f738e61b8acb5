/* Misuse of messages that the compiler has to refuse, with installed headers, too. See
 * tests/house/misuse. */
#include <troupe.h>

TR_MESSAGE(balance)
{
    int64_t cents;
};
TR_MESSAGE(other)
{
    char c[16];
};
TR_REQUEST(deposit, balance)
{
    int64_t cents;
};

int misuse(tr_pid to, tr_msg *msg, tr_self *self);
int misuse(tr_pid to, tr_msg *msg, tr_self *self)
{
    const struct deposit *right = tr_as(msg, deposit);
    int rc = right != NULL && tr_is(msg, other);

    rc += tr_send(to, deposit, .cents = 5);
    rc += tr_request(self, to, 1.0, 0, deposit, .cents = 5);

#ifdef CASE_1 /* wants: has no member named .cent.|field designator .cent. does not refer */
    rc += tr_send(to, deposit, .cent = 5);
#endif
#ifdef CASE_2 /* wants: tr_answer_of_balance */
    /* not a request */
    rc += tr_request(self, to, 1.0, 0, balance, .cents = 5);
#endif
#ifdef CASE_3 /* wants: incompatible pointer type */
    const struct other *wrong = tr_as(msg, deposit);

    rc += wrong != NULL;
#endif
#ifdef CASE_4 /* wants: tr_type_nosuch */
    rc += tr_send(to, nosuch);
#endif
#ifdef CASE_5 /* wants: incompatible type */
    /* swapped */
    rc += tr_request(self, 1.0, to, 0, deposit, .cents = 5);
#endif
#ifdef CASE_6 /* wants: discards .?const.? qualifier|discards qualifiers */
    struct deposit *writable = tr_as(msg, deposit);

    rc += writable != NULL;
#endif
#ifdef CASE_7 /* wants: read-only|const-qualified */
    tr_as(msg, deposit)->cents = 3;
#endif
    return rc;
}
