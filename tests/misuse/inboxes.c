/* Misuse of inboxes, bytes and the runtime that the compiler has to refuse. See
 * tests/house/misuse. */
#include <troupe.h>

TR_MESSAGE(balance)
{
    int64_t cents;
};
TR_REQUEST(deposit, balance)
{
    int64_t cents;
};

int misuse(tr_inbox *in, tr_pid to, tr_bytes *bytes, void (*fn)(void *arg));
int misuse(tr_inbox *in, tr_pid to, tr_bytes *bytes, void (*fn)(void *arg))
{
    tr_msg *msg;
    int rc = tr_inbox_receive(in, &msg, TR_FOREVER);
    const char *data = tr_bytes_data(bytes);

    rc += tr_inbox_request(in, to, 1.0, 7, deposit, .cents = 5);
    rc += data != NULL && tr_post(TR_LOOP(0), fn, NULL);

#ifdef CASE_1 /* wants: tr_answer_of_balance */
    rc += tr_inbox_request(in, to, 1.0, 7, balance, .cents = 5);
#endif
#ifdef CASE_2 /* wants: incompatible pointer type */
    /* an inbox is no self */
    rc += tr_request(in, to, 1.0, 7, deposit, .cents = 5);
#endif
#ifdef CASE_3 /* wants: incompatible type */
    /* an inbox is no pid */
    rc += tr_send(in, balance, .cents = 5);
#endif
#ifdef CASE_4 /* wants: incompatible pointer type */
    rc += tr_inbox_receive(in, msg, 1.0);
#endif
#ifdef CASE_5 /* wants: discards .?const.? qualifier|discards qualifiers */
    char *writable = tr_bytes_data(bytes);

    rc += writable != NULL;
#endif
#ifdef CASE_6 /* wants: incompatible pointer type */
    rc += tr_bytes_new(bytes, data, 1);
#endif
#ifdef CASE_7 /* wants: incompatible|makes integer|makes pointer|pointer to integer */
    /* swapped */
    rc += tr_post(fn, TR_LOOP(0), NULL);
#endif
#ifdef CASE_8 /* wants: incompatible pointer type|incompatible function pointer */
    rc += tr_on_signal(2, fn, NULL);
#endif
#ifdef CASE_9 /* wants: incompatible pointer type|incompatible function pointer */
    rc += tr_on_dead_letter((void (*)(void *))fn, NULL);
#endif
#ifdef CASE_10 /* wants: incompatible type */
    rc += tr_start((tr_config){ .loops = 1 });
#endif
#ifdef CASE_11 /* wants: has no member named .threads.|designator .threads. does not refer */
    rc += tr_start(&(tr_config){ .threads = 1 });
#endif
    return rc;
}
