/* Calls that block a loop, by where they are called from: each place is reported once, by the
 * watcher, and counted from then on. */
#ifndef TR_OBSERVE_SITES_H
#define TR_OBSERVE_SITES_H

#include "observe/watched.h"

typedef struct tr__blocking_call {
    const char *name;
    const char *instead; /* what to use */
    int fd;              /* -1: none */
    void *place;         /* where it returns to */
} tr__blocking_call;

/* 0, or TR_ENOMEM. */
int tr__sites_open(void);
void tr__sites_close(void);

/* On a loop's thread: it is about to block. *trace is where. */
void tr__sites_note(tr__watched *watched, const tr__blocking_call *call, tr__trace *trace);

/* The watcher's: log the places that are new, unless their loop has been reported often enough in
 * this second; the last time all of them, and how often each was called. */
void tr__sites_report(bool is_last);

#endif
