/* What debug mode has found, for people: one line in the log, and the place. */
#ifndef TR_OBSERVE_REPORT_H
#define TR_OBSERVE_REPORT_H

/* A warning; `place` is in the program's text: after a call, or NULL: it is not known. */
__attribute__((format(printf, 2, 3))) void tr__report(const void *place, const char *format, ...);

#endif
