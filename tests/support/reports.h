/* An inbox of the test's that its actors and tasks report to. */
#ifndef TR_TESTS_REPORTS_H
#define TR_TESTS_REPORTS_H

#include "support/kit.h"

extern tr_inbox *kit_reports;
/* Its pid, also when it is gone. */
extern tr_pid kit_reports_pid;

/* By the test's thread, while the runtime runs; and before it stops, or afterwards. */
void kit_reports_begin(void);
void kit_reports_end(void);

/* By anybody: send it a kit_value. */
int kit_report(int64_t a, int64_t b);
/* The next report must have that a; its b is returned. */
int64_t kit_expect_report(int64_t a);

#endif
