/* What requests are there in a connection's bytes? A reader of its own, slow and strict (RFC 9112),
 * beside which a server must not understand anything: whoever reads requests that another one does
 * not see can be made to answer smuggled ones. It may be stricter than a server, never laxer. */
#ifndef TR_TESTS_FUZZ_REQUESTS_H
#define TR_TESTS_FUZZ_REQUESTS_H

#include "http/slice.h"

enum { FUZZ_REQUESTS = 128, FUZZ_BODY_BYTES = 8192 };

typedef struct fuzz_request {
    tr__slice method;
    tr__slice target;
    bool is_whole; /* else its head is, and its body is cut, or malformed */
    char body[FUZZ_BODY_BYTES];
    size_t body_bytes;
} fuzz_request;

/* Those that are well-formed, up to the first that is not: how many. They point into text. */
size_t fuzz_read_requests(tr__slice text, fuzz_request *out, size_t most);

#endif
