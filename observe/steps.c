/* Slow steps. */
#include "observe/steps.h"

void tr__step_init(tr__step *step, uint64_t slow_ns)
{
    *step = (tr__step){ .slow_ns = slow_ns };
}

static void begin_stretch(tr__step *step, uint64_t start_ns)
{
    *step = (tr__step){
        .slow_ns = step->slow_ns,
        .start_ns = start_ns,
        .since_ns = start_ns,
        .due_ns = step->slow_ns,
    };
}

/* 0 if it has not: two figures are not of quite the same moment. */
static uint64_t passed(uint64_t since_ns, uint64_t now_ns)
{
    return now_ns > since_ns ? now_ns - since_ns : 0;
}

bool tr__step_wants_figures(const tr__step *step, const tr__view *view)
{
    return !view->is_resting && passed(view->start_ns, view->now_ns) >= step->slow_ns / 4;
}

static void take_figures(tr__step *step, const tr__view *view)
{
    if (!step->is_suspect) {
        step->is_suspect = true;
        step->cpu_ns = view->cpu_ns;
        step->queue_ns = view->queue_ns;
        step->suspect_ns = view->now_ns;
        step->was_runnable = false;
        step->waited_ns = 0;
    }
    if (step->was_runnable && view->is_runnable)
        step->waited_ns +=
            passed(view->cpu_ns - step->looked_cpu_ns, passed(step->looked_ns, view->now_ns));
    step->was_runnable = view->is_runnable;
    step->looked_ns = view->now_ns;
    step->looked_cpu_ns = view->cpu_ns;
    step->cpu_used_ns = view->cpu_ns - step->cpu_ns;
    step->queue_used_ns = view->queue_ns - step->queue_ns;
    if (step->queue_used_ns < step->waited_ns)
        step->queue_used_ns = step->waited_ns;
    step->watched_ns = passed(step->suspect_ns, view->now_ns);
}

static tr__finding end_stretch(tr__step *step, const tr__view *view)
{
    bool is_over = step->is_reported;
    uint64_t age_ns = passed(step->since_ns, view->now_ns);

    begin_stretch(step, view->start_ns);
    step->age_ns = age_ns;
    return is_over ? TR__STEP_OVER : TR__STEP_FINE;
}

tr__finding tr__step_look(tr__step *step, const tr__view *view)
{
    if (view->start_ns != step->start_ns || (view->is_resting && step->is_reported))
        return end_stretch(step, view);
    if (!tr__step_wants_figures(step, view))
        return TR__STEP_FINE;
    take_figures(step, view);
    step->age_ns = passed(step->since_ns, view->now_ns);
    if (step->age_ns < step->slow_ns || passed(step->asked_ns, view->now_ns) < step->slow_ns)
        return TR__STEP_FINE;
    if (step->age_ns >= step->queue_used_ns + step->slow_ns) {
        step->asked_ns = view->now_ns;
        return TR__STEP_ASK;
    }
    if (step->queue_used_ns < step->slow_ns || step->queue_used_ns < 2 * step->starved_ns)
        return TR__STEP_FINE;
    step->starved_ns = step->queue_used_ns;
    return TR__STEP_STARVED;
}

/* Another step than we had known of: it has begun since. */
static tr__finding begin_step(tr__step *step, const tr__moment *answer)
{
    bool is_over = step->is_reported;

    step->age_ns = passed(step->since_ns, answer->now_ns);
    step->since_ns = answer->since_ns;
    step->credit = answer->credit;
    step->has_credit = true;
    step->due_ns = step->slow_ns;
    step->is_reported = false;
    step->is_suspect = false;
    return is_over ? TR__STEP_OVER : TR__STEP_FINE;
}

tr__finding tr__step_answer(tr__step *step, const tr__moment *answer)
{
    if (answer->is_resting || answer->start_ns != step->start_ns)
        return TR__STEP_FINE; /* it has gone on meanwhile: the next look sees it */
    if (!step->has_credit) {
        step->has_credit = true;
        step->credit = answer->credit_then;
    }
    if (answer->credit != step->credit && begin_step(step, answer) == TR__STEP_OVER)
        return TR__STEP_OVER;
    step->age_ns = passed(step->since_ns, answer->now_ns);
    if (step->age_ns < step->due_ns)
        return TR__STEP_FINE;
    step->due_ns = 2 * step->age_ns;
    step->is_reported = true;
    return TR__STEP_SLOW;
}

bool tr__step_unanswered(tr__step *step)
{
    if (step->age_ns < step->due_ns)
        return false;
    step->due_ns = 2 * step->age_ns;
    step->is_reported = true;
    return true;
}
