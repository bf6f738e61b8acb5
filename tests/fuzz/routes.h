/* A server with a bit of everything, and what its handlers have been asked. */
#ifndef TR_TESTS_FUZZ_ROUTES_H
#define TR_TESTS_FUZZ_ROUTES_H

#include <troupe/net.h>

enum { FUZZ_ASKED = 128, FUZZ_TARGET_BYTES = 512, FUZZ_KEPT_BYTES = 8192 };

/* What a handler got to see. */
typedef struct fuzz_asked {
    char method[32];
    char target[FUZZ_TARGET_BYTES];
    char body[FUZZ_KEPT_BYTES];
    size_t body_bytes;
    bool has_whole_body; /* it was read to its end */
    bool is_failing;     /* half-way through the answer */
    int status;          /* that was answered; 0: none */
} fuzz_asked;

typedef struct fuzz_log {
    fuzz_asked asked[FUZZ_ASKED];
    size_t count;
} fuzz_log;

/* Of the requests since somebody has set its count to 0. */
extern fuzz_log fuzz_asked_for;

/* Add all routes, and what stands around them. */
void fuzz_add_routes(tr_http_server *srv);

#endif
