/* Wait for whichever comes first of several things, and take exactly that one.
 *
 *     int which;
 *     int rc = tr_select(&which, tr_case_get(orders, &order), tr_case_event(&stop),
 *                        tr_case_sleep(1.0));
 *     switch (which) {
 *     case 0: ... rc is what tr_queue_get would have returned ...
 */
#ifndef TROUPE_SELECT_H
#define TROUPE_SELECT_H

#include <troupe/future.h>
#include <troupe/queue.h>
#include <troupe/event.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One thing to wait for: made by one of the functions below, used once. */
typedef struct tr_case {
    const struct tr__case_kind *tr__kind; /* NULL: it can't be waited for */
    int tr__error;
    void *tr__source;
    void *tr__place;
    double tr__seconds;
    uint64_t tr__opaque[24];
} tr_case;

/* An item of a queue: as tr_queue_get. The item stays the caller's place.
 * Threads: any, as all that makes cases. */
TR_API tr_case tr_case_get(tr_queue *q, void *item);
/* Room in a queue: as tr_queue_put. The item must last until tr_select returns. */
TR_API tr_case tr_case_put(tr_queue *q, const void *item);
/* The end of a future: as tr_await. It is neither cancelled nor consumed. */
TR_API tr_case tr_case_future(tr_future *f);
/* As tr_event_wait. */
TR_API tr_case tr_case_event(tr_event *e);
/* There are others: tr_case_next (stream.h), tr_case_receive (inbox.h). */

/* So many seconds; 0 or less: only if none of the others is ready at once. NaN is TR_EINVAL. */
TR_API tr_case tr_case_sleep(double seconds);

/* Await the first of n cases that is ready, and take it: its number comes in *which, and its own
 * result is returned. Where several are ready, each is as likely as the others. If it is none,
 * *which is -1.
 * Threads: tasks.
 * Errors:  those of the case that was taken (TR_ENOMEM there was no memory to wait for a future of
 *          another loop); without one: TR_ECANCELED, TR_EWRONGPLACE, TR_EINVAL. */
TR_API int tr_select_from(int *which, tr_case *cases, size_t n);

/* The same for cases that are listed: tr_select(&which, case, case, ...). */
#ifndef __cplusplus
#define tr_select(which, ...)                                                                      \
    tr_select_from((which), (__extension__(tr_case[]){ __VA_ARGS__ }),                             \
                   sizeof((tr_case[]){ __VA_ARGS__ }) / sizeof(tr_case))
#else
extern "C++" {
template <size_t n> static inline int tr__select_listed(int *which, tr_case (&&cases)[n])
{
    return tr_select_from(which, cases, n);
}
}
#define tr_select(which, ...) tr__select_listed((which), { __VA_ARGS__ })
#endif

#ifdef __cplusplus
}
#endif
#endif
