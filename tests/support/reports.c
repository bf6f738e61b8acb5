/* An inbox that actors and tasks report to. */
#include "support/reports.h"

tr_inbox *kit_reports;
tr_pid kit_reports_pid;

void kit_reports_begin(void)
{
    kit_reports = kit_inbox();
    kit_reports_pid = tr_inbox_pid(kit_reports);
}

void kit_reports_end(void)
{
    tr_inbox_free(kit_reports);
}

int kit_report(int64_t a, int64_t b)
{
    return tr_send(kit_reports_pid, kit_value, .a = a, .b = b);
}

int64_t kit_expect_report(int64_t a)
{
    return kit_expect_value(kit_reports, a);
}
