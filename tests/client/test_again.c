/* Trying again: what is, when, and for how long. */
#include <errno.h>
#include <math.h>

#include "client/again.h"
#include "http/date.h"
#include "support/kit.h"
#include "sync/retry.h"

enum { NOW_S = 784111777 }; /* Sun, 06 Nov 1994 08:49:37 GMT */

/* Without chance. */
static tr__again begin(int attempts, void *call, bool (*judge)(int error, void *arg))
{
    tr_retry_policy policy = {
        .attempts = attempts,
        .first_delay = 1,
        .jitter = -1,
        .longest_delay = 10,
        .is_transient = judge,
    };
    tr_retry_policy full;
    tr__again again;

    ck_assert_int_eq(tr__retry_read_policy(&full, &policy, sizeof(policy)), 0);
    tr__again_begin(&again, &full, call);
    return again;
}

static bool is_tried_after(int error)
{
    tr__again again = begin(2, NULL, NULL);
    double wait;

    return tr__again_after_error(&again, error, TR_FOREVER, &wait);
}

START_TEST(what_may_go_better_is_tried_again)
{
    static const int transient[] = { TR_ECONNREFUSED, TR_ECONNRESET, TR_EPIPE,      TR_EEND,
                                     TR_ETIMEDOUT,    TR_ERESOLVE,   -EHOSTUNREACH, -ENETUNREACH };
    static const int lasting[] = { TR_ECANCELED, TR_ENONAME,    TR_ECERTIFICATE, TR_ETLS,
                                   TR_ESYNTAX,   TR_ETOOLARGE,  TR_ENOMEM,       TR_EINVAL,
                                   TR_EPROXY,    TR_EREDIRECTS, TR_ESHUTDOWN };

    for (size_t i = 0; i < sizeof(transient) / sizeof(transient[0]); i++)
        ck_assert(is_tried_after(transient[i]));
    for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++)
        ck_assert(!is_tried_after(lasting[i]));
}
END_TEST

START_TEST(delays_grow_until_attempts_run_out)
{
    static const double delays[] = { 1, 2, 4, 8, 10, 10 };
    tr__again again = begin(7, NULL, NULL);
    double wait;

    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        ck_assert(tr__again_after_error(&again, TR_EEND, TR_FOREVER, &wait));
        ck_assert_double_eq(wait, delays[i]);
    }
    ck_assert(!tr__again_after_error(&again, TR_EEND, TR_FOREVER, &wait));
}
END_TEST

START_TEST(without_a_policy_there_is_one_attempt)
{
    tr__again again;
    double wait;

    tr__again_begin(&again, NULL, NULL);
    ck_assert(!tr__again_after_error(&again, TR_ECONNREFUSED, TR_FOREVER, &wait));
    ck_assert(!tr__again_after_status(&again, 503, (tr__slice){ 0 }, NOW_S, TR_FOREVER, &wait));
}
END_TEST

START_TEST(four_statuses_ask_for_another_attempt)
{
    int count = 0;

    for (int status = 100; status < 600; status++) {
        tr__again again = begin(2, NULL, NULL);
        double wait;

        count += tr__again_after_status(&again, status, (tr__slice){ 0 }, NOW_S, TR_FOREVER, &wait);
    }
    ck_assert_int_eq(count, 4);
}
END_TEST

static double wait_after(const char *retry_after, double left)
{
    tr__again again = begin(2, NULL, NULL);
    double wait;

    return tr__again_after_status(&again, 503, tr__slice_of(retry_after), NOW_S, left, &wait) ? wait
                                                                                              : -1;
}

START_TEST(what_the_server_asks_for_is_heeded)
{
    ck_assert_double_eq(wait_after("5", TR_FOREVER), 5);
    ck_assert_double_eq(wait_after(" 10 ", TR_FOREVER), 10);
    ck_assert_double_eq(wait_after("0", TR_FOREVER), 1); /* the policy's is more */
    ck_assert_double_eq(wait_after("Sun, 06 Nov 1994 08:49:44 GMT", TR_FOREVER), 7);
    ck_assert_double_eq(wait_after("Sun, 06 Nov 1994 08:49:30 GMT", TR_FOREVER), 1);
    ck_assert_double_eq(wait_after("soon", TR_FOREVER), 1);
    ck_assert_double_eq(wait_after("-5", TR_FOREVER), 1);
    ck_assert_double_eq(wait_after("5.5", TR_FOREVER), 1);
    ck_assert_double_eq(wait_after("", TR_FOREVER), 1);
}
END_TEST

START_TEST(nobody_waits_for_longer_than_he_would)
{
    ck_assert_double_eq(wait_after("11", TR_FOREVER), -1);
    ck_assert_double_eq(wait_after("99999999999999999999999999", TR_FOREVER), -1);
    ck_assert_double_eq(wait_after("5", 4), -1);
    ck_assert_double_eq(wait_after("5", 5), -1);
    ck_assert_double_eq(wait_after("5", 6), 5);
    ck_assert_double_eq(wait_after("", 0.5), -1);
}
END_TEST

static bool only_syntax(int error, void *arg)
{
    *(int *)arg = error;
    return error == TR_ESYNTAX;
}

START_TEST(a_policy_may_judge_by_itself)
{
    int asked = 0;
    tr__again again = begin(3, &asked, only_syntax);
    double wait;

    ck_assert(tr__again_after_error(&again, TR_ESYNTAX, TR_FOREVER, &wait));
    ck_assert(!tr__again_after_error(&again, TR_ECONNREFUSED, TR_FOREVER, &wait));
    ck_assert_int_eq(asked, TR_ECONNREFUSED);
    ck_assert(!tr__again_after_status(&again, 503, (tr__slice){ 0 }, NOW_S, TR_FOREVER, &wait));
    ck_assert_int_eq(asked, TR_ESTATUS);
    ck_assert(!tr__again_after_error(&again, TR_ECANCELED, TR_FOREVER, &wait));
    ck_assert_int_eq(asked, TR_ESTATUS); /* of that nobody is asked */
}
END_TEST

START_TEST(methods_that_may_be_repeated_are_those_of_the_standard)
{
    ck_assert(tr__again_may_repeat("GET") && tr__again_may_repeat("HEAD") &&
              tr__again_may_repeat("PUT") && tr__again_may_repeat("DELETE") &&
              tr__again_may_repeat("OPTIONS") && tr__again_may_repeat("TRACE"));
    ck_assert(!tr__again_may_repeat("POST") && !tr__again_may_repeat("PATCH") &&
              !tr__again_may_repeat("get") && !tr__again_may_repeat(""));
}
END_TEST

KIT_MAIN("client/again", what_may_go_better_is_tried_again, delays_grow_until_attempts_run_out,
         without_a_policy_there_is_one_attempt, four_statuses_ask_for_another_attempt,
         what_the_server_asks_for_is_heeded, nobody_waits_for_longer_than_he_would,
         a_policy_may_judge_by_itself, methods_that_may_be_repeated_are_those_of_the_standard)
