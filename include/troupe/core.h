/* What every other header stands on: version, error codes, time, log. */
#ifndef TROUPE_CORE_H
#define TROUPE_CORE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TR_API __attribute__((visibility("default")))

/* 0xMMmmpp of the headers that a program was compiled with. */
#define TR_VERSION_NUM 0x000100
#define TR_VERSION     "0.1.0"

/* The version of the library that is linked, "MAJOR.MINOR.PATCH".
 * Ownership: static storage.
 * Threads:   any. */
TR_API const char *tr_version(void);

/* Every error code: X(name, value, sentence). Codes of errno keep their number, negated; troupe's
 * own begin below -20000, and none is a multiple of 256, so that none turns into exit status 0. */
#define TR_ERRORS(X)                                                                               \
    X(TR_ENOMEM, -ENOMEM, "out of memory")                                                         \
    X(TR_EINVAL, -EINVAL, "an argument is invalid")                                                \
    X(TR_EAGAIN, -EAGAIN, "not possible just now; try again")                                      \
    X(TR_ETIMEDOUT, -ETIMEDOUT, "the time limit has passed")                                       \
    X(TR_ECANCELED, -ECANCELED, "cancelled")                                                       \
    X(TR_EBUSY, -EBUSY, "in use")                                                                  \
    X(TR_EDEADLK, -EDEADLK, "it would wait for itself")                                            \
    X(TR_EPERM, -EPERM, "not permitted to the caller")                                             \
    X(TR_EPIPE, -EPIPE, "it has been closed")                                                      \
    X(TR_EEXIST, -EEXIST, "it exists already")                                                     \
    X(TR_EALREADY, -EALREADY, "it has been done already")                                          \
    X(TR_ECONNREFUSED, -ECONNREFUSED, "nobody listens there")                                      \
    X(TR_ECONNRESET, -ECONNRESET, "the other side has reset the connection")                       \
    X(TR_EADDRINUSE, -EADDRINUSE, "the address is in use")                                         \
    X(TR_ENOENT, -ENOENT, "No such file or directory")                                             \
    X(TR_EMFILE, -EMFILE, "the process has too many open descriptors")                             \
    X(TR_ENOSPC, -ENOSPC, "no space is left on the device")                                        \
    X(TR_EIO, -EIO, "the device has failed to read or write")                                      \
    X(TR_EDEAD, -20001, "the actor has ended, or never was")                                       \
    X(TR_EUNHANDLED, -20002, "the actor does not handle this message")                             \
    X(TR_EWRONGPLACE, -20003, "this function can't be called from here")                           \
    X(TR_EFULL, -20004, "the mailbox, or queue, is full")                                          \
    X(TR_ESHUTDOWN, -20005, "the runtime is stopping or not started")                              \
    X(TR_EPROTO, -20006, "the answer is of another type than the request declares")                \
    X(TR_EFORKED, -20007, "this process was forked after the runtime started")                     \
    X(TR_ESTOPPED, -20008, "the actor was asked to stop")                                          \
    X(TR_EKILLED, -20009, "the actor was killed")                                                  \
    X(TR_ELIMIT, -20010, "a limit of the runtime has been reached")                                \
    X(TR_EUNREADY, -20011, "the task has ended without a word that it is ready")                   \
    X(TR_EOPEN, -20012, "the circuit breaker is open: it has failed too often lately")             \
    X(TR_EBROKEN, -20013, "the barrier was broken")                                                \
    X(TR_EEND, -20014, "the other side has ended the stream before all had come")                  \
    X(TR_ETOOLARGE, -20015, "what came is larger than allowed")                                    \
    X(TR_ESYNTAX, -20016, "what came is malformed")                                                \
    X(TR_ENONAME, -20017, "there is no such name, or it has no address")                           \
    X(TR_ERESOLVE, -20018, "the name could not be looked up")                                      \
    X(TR_ETLS, -20019, "the TLS connection has failed")                                            \
    X(TR_ECERTIFICATE, -20020, "the certificate of the other side is not trusted")                 \
    X(TR_EVALUE, -20021, "a value is not as it was declared")                                      \
    X(TR_ESTATUS, -20022, "the server has answered with an error")                                 \
    X(TR_EREDIRECTS, -20023, "the server sends us where we do not go")                             \
    X(TR_EPROXY, -20024, "the proxy refuses")                                                      \
    X(TR_ESQL, -20025, "the SQL statement is wrong, or its values are too few or too many")        \
    X(TR_ECONSTRAINT, -20026, "a constraint of the database forbids it")                           \
    X(TR_ECORRUPT, -20027, "the file is damaged, or no database")                                  \
    X(TR_EMIGRATION, -20028, "the database was made by another version of the program")

#define TR__ERROR_CONSTANT(name, value, sentence) name = (value),
enum tr_error { TR_ERRORS(TR__ERROR_CONSTANT) TR__ERROR_END = 0 };
#undef TR__ERROR_CONSTANT

/* A handler's result for a message that it does not know. */
#define TR_UNHANDLED TR_EUNHANDLED

/* A sentence for a code: troupe's own, or that of errno.
 * Ownership: static storage, or the calling thread's until its next call.
 * Threads:   any.
 * Errors:    none; an unknown code has a sentence, too. */
TR_API const char *tr_strerror(int code);

/* The name of a code, such as "TR_EDEAD"; "TR_OK" for 0 and more, "TR_E?" for an unknown one.
 * Ownership: static storage.
 * Threads:   any. */
TR_API const char *tr_err_name(int code);

/* Time limits are seconds. A limit of 0 or less has already passed: what can be done at once is
 * done. NaN is TR_EINVAL. */
#define TR_FOREVER (__builtin_inf())

typedef enum tr_log_level {
    TR_LOG_ERROR = 1, /* something was lost or refused that should not have been */
    TR_LOG_WARN = 2,  /* needs a look: dead letters, slow shutdown */
    TR_LOG_INFO = 3,
    TR_LOG_DEBUG = 4
} tr_log_level;

/* Receives each line, without a newline. It may be called on any thread, also on a loop: it must
 * not block for long, and must not call troupe. */
typedef void (*tr_log_fn)(void *ctx, tr_log_level level, const char *line);

/* Send the log to fn from now on; NULL restores the default, which writes warnings and errors to
 * stderr (TROUPE_LOG=off|error|warn|info|debug changes how much).
 * Ownership: ctx stays the caller's, and must live until another hook is set and the runtime has
 *            stopped.
 * Threads:   any; best before tr_start. */
TR_API void tr_log_set(tr_log_fn fn, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
