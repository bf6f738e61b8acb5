/* Signals of the process, as a stream.
 *
 *     tr_stream *signals tr_cleanup_stream = NULL;
 *     int rc = tr_signals(&signals, SIGHUP, SIGUSR1, 0);
 *     TR_FOREACH(int, signo, signals)
 *         if (signo == SIGHUP)
 *             reload();
 *
 * or beside other things, with tr_case_next(signals, &signo) as a case of tr_select. */
#ifndef TROUPE_SIGNALS_H
#define TROUPE_SIGNALS_H

#include <troupe/stream.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Make a stream of signals' numbers (int): tr_signals(&stream, SIGHUP, SIGUSR1, 0). From now on,
 * until it is closed or freed, they do nothing else; what they did before is restored when nobody
 * listens to them any more. Several streams may have the same signal: each hears of it, and so does
 * tr_on_signal. One that comes again before it was taken comes once, as POSIX has it. The stream
 * ends when the runtime stops. (SIGINT and SIGTERM cancel the task of tr_run and tr_main all the
 * same, unless tr_config.signals forbids.) *out is NULL on error.
 * Ownership: the caller's, until tr_stream_free.
 * Threads:   tasks, foreign threads; handlers and callbacks of loop 0.
 * Errors:    TR_EINVAL a signal that can't be caught, or none; TR_ENOMEM; TR_ESHUTDOWN;
 *            TR_EFORKED; TR_EWRONGPLACE. */
TR_API int tr_signals(tr_stream **out, ... /* 0 */);

#ifdef __cplusplus
}
#endif
#endif
