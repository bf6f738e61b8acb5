/* When is a loop in a slow step? Plain reckoning, without threads, clocks or signals.
 *
 * A step is what a loop does without coming back to itself: an activation (a task between two
 * awaits; a handler, with up to 15 more before the actor looks at the clock), the calls that were
 * posted to it and have come at once, or a guest's callbacks. A stretch lies between two looks of
 * the loop at the clock: usually 20 us, and then many activations; or one slow step.
 *
 *     stretch   |--- a --- b --- c ------------------------------->
 *     looks of the watcher         ^         ^         ^         ^
 *                                  seen      asked     due: the same credit: c is slow
 *
 * The watcher sees from outside when a stretch began, but not how many activations have ended in
 * it. So it asks the loop's own thread, by a signal, once the stretch is old enough, and again each
 * time that as much has passed: if the credit is that of the beginning, it has been one step since
 * then; else the step counts from this answer on, and is slow if the credit is still the same when
 * the next one comes. A step is reported when it is found slow, and again when it has taken twice
 * as long. */
#ifndef TR_OBSERVE_STEPS_H
#define TR_OBSERVE_STEPS_H

#include <stdbool.h>
#include <stdint.h>

/* What can be seen of a loop from outside. */
typedef struct tr__view {
    uint64_t now_ns;
    uint64_t start_ns; /* when the stretch began */
    bool is_resting;   /* it waits in the kernel for something to do */
    uint64_t cpu_ns;   /* that its thread has used */
    uint64_t queue_ns; /* that its thread has waited for a core before it got one; 0: not known */
    bool is_runnable;  /* its thread has a core, or waits for one */
} tr__view;

/* What its thread answers. */
typedef struct tr__moment {
    uint64_t now_ns;
    uint64_t since_ns; /* the step has lasted since then at least: now, or when a call began */
    uint64_t start_ns;
    bool is_resting;
    int32_t credit;      /* now */
    int32_t credit_then; /* when the stretch began */
} tr__moment;

typedef enum tr__finding {
    TR__STEP_FINE,
    TR__STEP_ASK,     /* it may be slow: ask the thread */
    TR__STEP_SLOW,    /* of an answer: it is */
    TR__STEP_STARVED, /* it is old, but its thread has had no core */
    TR__STEP_OVER     /* one that was found slow has ended */
} tr__finding;

typedef struct tr__step {
    uint64_t slow_ns; /* what is slow */
    /* The stretch. */
    uint64_t start_ns;
    bool is_suspect; /* it was old enough for the figures below to be taken */
    uint64_t cpu_ns, queue_ns, suspect_ns;
    /* The system tells of waiting for a core only when it is over. Until then: the time between two
     * looks at which it was runnable, but for what it has used of a core. */
    bool was_runnable;
    uint64_t looked_ns, looked_cpu_ns, waited_ns;
    uint64_t starved_ns; /* reported when it had waited so long for a core; 0: not */
    /* The step, as far as it is known. */
    uint64_t since_ns;
    bool has_credit;
    int32_t credit;
    uint64_t asked_ns; /* when its thread was asked last; 0: not yet */
    uint64_t due_ns;   /* the age at which the next report is due */
    bool is_reported;
    /* For reports. */
    uint64_t age_ns;        /* at least; of a step that began with its stretch, quite exactly */
    uint64_t cpu_used_ns;   /* since it was first suspect */
    uint64_t queue_used_ns; /* likewise, of waiting for a core */
    uint64_t watched_ns;    /* how long that is */
} tr__step;

void tr__step_init(tr__step *step, uint64_t slow_ns);
/* Whether a look at it is old enough to be worth the figures of its thread. */
bool tr__step_wants_figures(const tr__step *step, const tr__view *view);
/* A look. */
tr__finding tr__step_look(tr__step *step, const tr__view *view);
/* An answer, to a question that TR__STEP_ASK has led to. */
tr__finding tr__step_answer(tr__step *step, const tr__moment *answer);
/* There is none, for too long: it is taken for one step. true: it is to be reported. */
bool tr__step_unanswered(tr__step *step);

#endif
