/* The one hook that all log lines go through. */
#ifndef TR_BASE_LOG_H
#define TR_BASE_LOG_H

#include <troupe/core.h>

#include "base/compiler.h"

/* Format a line and give it to the hook, or to stderr when there is none. Long lines are cut.
 * Threads: any. Cold: it takes a lock. */
__attribute__((format(printf, 2, 3))) TR__SHARED void tr__log(tr_log_level level,
                                                              const char *format, ...);

/* Log why the process can't go on, and abort it. */
_Noreturn void tr__die(const char *why) TR__COLD;

#endif
