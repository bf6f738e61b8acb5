/* When a loop is in a slow step: the reckoning alone. */
#include <troupe/check.h>

#include "observe/steps.h"
#include "support/suite.h"

#define MS UINT64_C(1000000)

/* A loop whose stretch begins at 1,000 ms, and in which 100 ms are slow. */
enum { START = 1000, SLOW = 100 };

static tr__step step;
static tr__view view;

static void begin(void)
{
    tr__step_init(&step, SLOW * MS);
    view = (tr__view){ .now_ns = START * MS, .start_ns = START * MS, .is_runnable = true };
    ck_assert_int_eq(tr__step_look(&step, &view), TR__STEP_FINE);
}

/* Look again, so many milliseconds later, of which its thread had a core for some, and then waited
 * for one. */
static tr__finding look_after(unsigned ms, unsigned cpu_ms, unsigned queue_ms)
{
    view.now_ns += ms * MS;
    view.cpu_ns += cpu_ms * MS;
    view.queue_ns += queue_ms * MS;
    return tr__step_look(&step, &view);
}

/* The thread answers at once: so much credit is left of 64, and it is in a call since then. */
static tr__finding answer_from(int32_t credit, unsigned ms_ago)
{
    tr__moment moment = { .now_ns = view.now_ns,
                          .since_ns = view.now_ns - ms_ago * MS,
                          .start_ns = view.start_ns,
                          .credit = credit,
                          .credit_then = 64 };

    return tr__step_answer(&step, &moment);
}

static tr__finding answer(int32_t credit)
{
    return answer_from(credit, 0);
}

START_TEST(step_that_is_not_old_is_fine)
{
    begin();
    ck_assert_int_eq(look_after(50, 50, 0), TR__STEP_FINE);
    ck_assert_int_eq(look_after(49, 49, 0), TR__STEP_FINE);
}
END_TEST

START_TEST(step_is_slow_if_its_stretch_is_old_and_nothing_has_ended_in_it)
{
    begin();
    ck_assert_int_eq(look_after(30, 30, 0), TR__STEP_FINE);
    ck_assert_int_eq(look_after(90, 90, 0), TR__STEP_ASK);
    ck_assert_int_eq(answer(64), TR__STEP_SLOW);
    ck_assert_uint_eq(step.age_ns, 120 * MS);
    ck_assert_uint_eq(step.cpu_used_ns, 90 * MS);
    ck_assert_uint_eq(step.watched_ns, 90 * MS);
}
END_TEST

START_TEST(many_short_steps_in_an_old_stretch_are_fine)
{
    int32_t credit = 63;

    begin();
    (void)look_after(30, 30, 0);
    ck_assert_int_eq(look_after(90, 90, 0), TR__STEP_ASK);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(answer(credit--), TR__STEP_FINE);
        ck_assert_int_eq(look_after(99, 99, 0), TR__STEP_FINE);
        ck_assert_int_eq(look_after(2, 2, 0), TR__STEP_ASK);
    }
}
END_TEST

START_TEST(step_that_began_late_in_its_stretch_counts_from_when_it_was_seen)
{
    begin();
    (void)look_after(120, 120, 0);
    ck_assert_int_eq(answer(40), TR__STEP_FINE);
    ck_assert_int_eq(look_after(110, 110, 0), TR__STEP_ASK);
    ck_assert_int_eq(answer(40), TR__STEP_SLOW);
    ck_assert_uint_eq(step.age_ns, 110 * MS);
}
END_TEST

START_TEST(step_that_is_in_a_call_counts_from_when_that_began)
{
    begin();
    (void)look_after(150, 150, 0);
    ck_assert_int_eq(answer_from(40, 110), TR__STEP_SLOW);
    ck_assert_uint_eq(step.age_ns, 110 * MS);
}
END_TEST

START_TEST(slow_step_is_reported_again_when_it_has_taken_twice_as_long)
{
    begin();
    (void)look_after(120, 120, 0);
    ck_assert_int_eq(answer(64), TR__STEP_SLOW);
    ck_assert_int_eq(look_after(60, 60, 0), TR__STEP_FINE);
    ck_assert_int_eq(look_after(50, 50, 0), TR__STEP_ASK);
    ck_assert_int_eq(answer(64), TR__STEP_FINE);
    ck_assert_int_eq(look_after(105, 105, 0), TR__STEP_ASK);
    ck_assert_int_eq(answer(64), TR__STEP_SLOW);
    ck_assert_uint_eq(step.age_ns, 335 * MS);
}
END_TEST

START_TEST(slow_step_behind_another_in_one_stretch_is_found)
{
    begin();
    (void)look_after(120, 120, 0);
    ck_assert_int_eq(answer(64), TR__STEP_SLOW);
    ck_assert_int_eq(look_after(105, 105, 0), TR__STEP_ASK);
    ck_assert_int_eq(answer(63), TR__STEP_OVER);
    ck_assert_int_eq(look_after(105, 105, 0), TR__STEP_ASK);
    ck_assert_int_eq(answer(63), TR__STEP_SLOW);
}
END_TEST

START_TEST(end_of_a_slow_step_is_told_with_its_length)
{
    begin();
    (void)look_after(120, 120, 0);
    (void)answer(64);
    view.start_ns = (START + 300) * MS;
    ck_assert_int_eq(look_after(190, 190, 0), TR__STEP_OVER);
    ck_assert_uint_eq(step.age_ns, 310 * MS);
    ck_assert_int_eq(look_after(10, 10, 0), TR__STEP_FINE);
}
END_TEST

START_TEST(end_of_a_step_that_was_not_slow_is_not_told)
{
    begin();
    (void)look_after(90, 90, 0);
    view.start_ns = (START + 95) * MS;
    ck_assert_int_eq(look_after(10, 10, 0), TR__STEP_FINE);
}
END_TEST

START_TEST(loop_that_rests_is_in_no_step)
{
    begin();
    view.is_resting = true;
    ck_assert_int_eq(look_after(1000, 0, 0), TR__STEP_FINE);
}
END_TEST

START_TEST(slow_step_is_over_when_its_loop_rests)
{
    begin();
    (void)look_after(120, 120, 0);
    (void)answer(64);
    view.is_resting = true;
    ck_assert_int_eq(look_after(10, 10, 0), TR__STEP_OVER);
}
END_TEST

START_TEST(answer_from_another_stretch_or_from_rest_says_nothing)
{
    tr__moment moment = { .credit = 64, .credit_then = 64 };

    begin();
    (void)look_after(120, 120, 0);
    moment.now_ns = view.now_ns;
    moment.start_ns = view.start_ns + 1;
    ck_assert_int_eq(tr__step_answer(&step, &moment), TR__STEP_FINE);
    moment.start_ns = view.start_ns;
    moment.is_resting = true;
    ck_assert_int_eq(tr__step_answer(&step, &moment), TR__STEP_FINE);
}
END_TEST

START_TEST(loop_without_a_core_is_starved_and_not_slow)
{
    begin();
    (void)look_after(30, 1, 29);
    ck_assert_int_eq(look_after(80, 1, 79), TR__STEP_FINE);
    ck_assert_int_eq(look_after(30, 1, 29), TR__STEP_STARVED);
    ck_assert_uint_eq(step.queue_used_ns, 108 * MS);
    ck_assert_int_eq(look_after(30, 1, 29), TR__STEP_FINE);
    ck_assert_int_eq(look_after(100, 1, 99), TR__STEP_STARVED);
}
END_TEST

START_TEST(wait_for_a_core_counts_also_while_it_lasts)
{
    begin();
    (void)look_after(30, 30, 0);
    (void)look_after(60, 1, 0); /* the system tells of it only when it is over */
    ck_assert_int_eq(look_after(60, 1, 0), TR__STEP_STARVED);
}
END_TEST

START_TEST(wait_in_a_call_is_not_one_for_a_core)
{
    begin();
    view.is_runnable = false;
    (void)look_after(30, 1, 0);
    ck_assert_int_eq(look_after(90, 0, 0), TR__STEP_ASK);
    ck_assert_int_eq(answer(64), TR__STEP_SLOW);
}
END_TEST

START_TEST(step_that_had_a_core_for_long_enough_is_slow_however_long_it_waited)
{
    begin();
    (void)look_after(30, 1, 29);
    ck_assert_int_eq(look_after(200, 70, 130), TR__STEP_ASK);
    ck_assert_int_eq(answer(64), TR__STEP_SLOW);
}
END_TEST

START_TEST(step_without_an_answer_is_reported_as_rarely)
{
    begin();
    (void)look_after(120, 120, 0);
    ck_assert(tr__step_unanswered(&step));
    ck_assert_int_eq(look_after(105, 105, 0), TR__STEP_ASK);
    ck_assert(!tr__step_unanswered(&step));
    ck_assert_int_eq(look_after(105, 105, 0), TR__STEP_ASK);
    ck_assert(tr__step_unanswered(&step));
}
END_TEST

SUITE_MAIN("observe/steps", step_that_is_not_old_is_fine,
           step_is_slow_if_its_stretch_is_old_and_nothing_has_ended_in_it,
           many_short_steps_in_an_old_stretch_are_fine,
           step_that_began_late_in_its_stretch_counts_from_when_it_was_seen,
           step_that_is_in_a_call_counts_from_when_that_began,
           slow_step_is_reported_again_when_it_has_taken_twice_as_long,
           slow_step_behind_another_in_one_stretch_is_found,
           end_of_a_slow_step_is_told_with_its_length, end_of_a_step_that_was_not_slow_is_not_told,
           loop_that_rests_is_in_no_step, slow_step_is_over_when_its_loop_rests,
           answer_from_another_stretch_or_from_rest_says_nothing,
           loop_without_a_core_is_starved_and_not_slow, wait_for_a_core_counts_also_while_it_lasts,
           wait_in_a_call_is_not_one_for_a_core,
           step_that_had_a_core_for_long_enough_is_slow_however_long_it_waited,
           step_without_an_answer_is_reported_as_rarely)
