/* Regular expressions of declared texts, on PCRE2. A pattern is compiled when it is first needed,
 * once, by whichever thread comes first, and lasts as long as the process. What a pattern may cost
 * is bounded: a text on which it takes more steps does not match. */
#ifndef TR_HTTP_PATTERN_H
#define TR_HTTP_PATTERN_H

#include <troupe/declare.h>

/* Whether a valid UTF-8 text matches, somewhere in it: 1, 0.
 * Errors: TR_EINVAL pattern is no regular expression; TR_ENOMEM. */
int tr__pattern_matches(struct tr__pattern_cache *cache, const char *pattern, const char *text,
                        size_t bytes);

#endif
