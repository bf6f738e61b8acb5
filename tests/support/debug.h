/* What tests of debug mode share: a runtime in it, reports that are waited for, and steps that last
 * until they have been reported. */
#ifndef TR_TESTS_DEBUG_H
#define TR_TESTS_DEBUG_H

#include "base/sanitize.h"
#include "support/kit.h"

/* Whether reports have files and lines. ThreadSanitizer lets handlers of signals wait until the
 * thread calls it, and the place is that of the call, then; with it, and under valgrind, addr2line
 * can't be run. Emulators of other machines run programs whose files this machine's addr2line can't
 * read. */
bool kit_places_are_exact(void);

/* Whether a handler runs as soon as its signal has come. */
#if defined(TR__TSAN)
enum { KIT_SIGNALS_ARE_PROMPT = 0 };
#else
enum { KIT_SIGNALS_ARE_PROMPT = 1 };
#endif

/* What is slow, in milliseconds: short, so that tests don't take long; no test needs it to be
 * so. */
enum { KIT_SLOW_MS = 20 };

void kit_start_debug(int loops);

/* Wait until it is in the log. */
void kit_await_log(const char *text);
/* A line of the log that contains both must be there; the second is a place, and counts only where
 * places are exact. */
void kit_expect_line(const char *what, const char *place);

/* The log must not contain it. */
void kit_expect_no_line(const char *what);

/* A step that does not end before the text is in the log: call it on a loop. */
void kit_step_until_logged(const char *text);

#endif
