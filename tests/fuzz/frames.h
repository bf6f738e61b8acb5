/* Frames of a WebSocket, read strictly (RFC 6455, 5; RFC 7692), slowly, and all at once. */
#ifndef TR_TESTS_FUZZ_FRAMES_H
#define TR_TESTS_FUZZ_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "http/slice.h"

enum {
    FUZZ_CONTINUATION = 0,
    FUZZ_TEXT = 1,
    FUZZ_BINARY = 2,
    FUZZ_CLOSE = 8,
    FUZZ_PING = 9,
    FUZZ_PONG = 10,
    FUZZ_EVENTS = 1024,
    FUZZ_MESSAGE_BYTES = 1 << 18
};

/* A message, whole and inflated, or a control frame. */
typedef struct fuzz_event {
    uint8_t opcode;
    tr__slice data;
    int code; /* of a goodbye; 0: it tells none */
} fuzz_event;

typedef struct fuzz_frames {
    fuzz_event events[FUZZ_EVENTS];
    size_t count;
    size_t left; /* bytes behind the last that was whole */
    bool is_malformed;
    bool is_too_large;
    bool is_cut;                   /* of the last frame no more than its header is there */
    char room[FUZZ_MESSAGE_BYTES]; /* that the events' data stands in */
    size_t used;
} fuzz_frames;

typedef struct fuzz_dialect {
    bool is_masked; /* as a client's must be, and a server's must not */
    bool is_deflating;
    size_t message_most;
} fuzz_dialect;

/* All up to the first that is malformed, or too large, or a goodbye. */
void fuzz_read_frames(tr__slice text, const fuzz_dialect *dialect, fuzz_frames *out);

#endif
