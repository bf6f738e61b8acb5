/* What the watcher says of a loop's slow steps, a line each: as many in a second as its quota
 * allows; the others are counted. */
#ifndef TR_OBSERVE_STEP_REPORTS_H
#define TR_OBSERVE_STEP_REPORTS_H

#include "observe/watched.h"

/* It is in a slow step, and there. */
void tr__report_slow(tr__watched *watched, const tr__sample *sample);
/* It is in one, but its thread does not answer to the signal; 0: none was free. */
void tr__report_unanswered(tr__watched *watched, int signo);
/* It does nothing, since its thread gets no core. */
void tr__report_starved(tr__watched *watched);
/* The slow step has ended. */
void tr__report_over(tr__watched *watched);

#endif
