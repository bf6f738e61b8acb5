/* Attributes that give a variable's value back at the end of its block, whichever way that is left:
 *
 *     tr_future *f tr_cleanup_future = NULL;
 *
 * The variable must be set from the beginning; NULL is allowed, and says later on that its value
 * has gone elsewhere. Several in one block are given back in the reverse order. */
#ifndef TROUPE_CLEANUP_H
#define TROUPE_CLEANUP_H

#include <troupe/bytes.h>
#include <troupe/future.h>
#include <troupe/inbox.h>
#include <troupe/message.h>
#include <troupe/pool.h>
#include <troupe/queue.h>
#include <troupe/stream.h>
#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline void tr__cleanup_future(tr_future **at)
{
    tr_future_unref(*at);
}
static inline void tr__cleanup_task(tr_task **at)
{
    tr_task_unref(*at);
}
static inline void tr__cleanup_bytes(tr_bytes **at)
{
    tr_bytes_unref(*at);
}
static inline void tr__cleanup_msg(tr_msg **at)
{
    tr_msg_free(*at);
}
static inline void tr__cleanup_inbox(tr_inbox **at)
{
    tr_inbox_free(*at);
}
static inline void tr__cleanup_queue(tr_queue **at)
{
    (void)tr_queue_free(*at); /* it is not freed while somebody waits */
}
static inline void tr__cleanup_stream(tr_stream **at)
{
    (void)tr_stream_free(*at); /* it awaits the end of its generator */
}
static inline void tr__cleanup_pool(tr_pool **at)
{
    (void)tr_pool_free(*at); /* it awaits the pool's jobs */
}

#define tr_cleanup_future TR__CLEANUP(tr__cleanup_future) /* tr_future_unref */
#define tr_cleanup_task   TR__CLEANUP(tr__cleanup_task)   /* tr_task_unref */
#define tr_cleanup_bytes  TR__CLEANUP(tr__cleanup_bytes)  /* tr_bytes_unref */
#define tr_cleanup_msg    TR__CLEANUP(tr__cleanup_msg)    /* tr_msg_free */
#define tr_cleanup_inbox  TR__CLEANUP(tr__cleanup_inbox)  /* tr_inbox_free */
#define tr_cleanup_queue  TR__CLEANUP(tr__cleanup_queue)  /* tr_queue_free */
#define tr_cleanup_stream TR__CLEANUP(tr__cleanup_stream) /* tr_stream_free: it may await */
#define tr_cleanup_pool   TR__CLEANUP(tr__cleanup_pool)   /* tr_pool_free: it may await */

#ifdef __cplusplus
}
#endif
#endif
