/* The feed of postings, by WebSocket and as server-sent events at GET /events.
 *
 * What is told comes from the database, in the order of the commits, without a gap, whatever
 * becomes of those who were to tell of it: a posting's id is the place in the feed. Whoever commits
 * only says that there is something new. So somebody who was away (?after=ID, or Last-Event-ID)
 * gets what he has missed, and one who is slow holds nobody up.
 *
 *     commit ---> news (tr_watch) ---+---> publish, a task: reads what is new, some 50 times
 *                                    |         a second, and sends it to a room: encoded once
 *                                    |         for all WebSockets
 *                                    +---> a task for each EventSource: reads and sends for itself
 */
#ifndef LEDGER_FEED_H
#define LEDGER_FEED_H

#include <troupe/db.h>
#include <troupe/net.h>

struct feed {
    tr_db *db;
    tr_watch *news; /* int64_t: the last transfer that somebody told of */
    tr_room *room;
    tr_mutex joining; /* holds `sent`, and the room, still */
    int64_t sent;     /* the last posting that the room was sent */
};

/* Begin where the database is. It must not be moved from then on. */
int feed_init(struct feed *feed, tr_db *db);
void feed_fini(struct feed *feed);

/* A transfer has been committed. It never waits. */
void feed_tell(struct feed *feed, int64_t transfer);

/* A task, of tr_go(scope, feed_publish, .feed = ...): until it is cancelled. */
struct feed_publish_args {
    struct feed *feed;
};
int feed_publish(void *arg);

/* GET /events. Returns 0, or the error of adding it. */
int feed_routes(struct feed *feed, tr_http_server *srv);

#endif
