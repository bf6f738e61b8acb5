/* Answers of a server, read strictly (RFC 9112): what is malformed ends the process. */
#ifndef TR_TESTS_FUZZ_ANSWERS_H
#define TR_TESTS_FUZZ_ANSWERS_H

#include "http/slice.h"

enum { FUZZ_ANSWER_BYTES = 256 * 1024 };

typedef struct fuzz_reply {
    int status;
    bool is_cut;     /* there is no more of it, although it said so */
    bool is_closing; /* nothing follows */
    bool is_gzip;
    bool has_length;
    tr__slice body; /* without chunks; lent until the next one is read */
} fuzz_reply;

/* The next one, which is for HEAD or not; false: nothing is left. One whose body lasts until the
 * connection ends takes all. */
bool fuzz_read_reply(tr__slice *text, bool is_head, fuzz_reply *out);

#endif
