/* Dates (RFC 9110, 5.6.7), in seconds since 1970, of years from 1 to 9999.
 *
 * Threads: any; no locale and no time zone plays a part. */
#ifndef TR_HTTP_DATE_H
#define TR_HTTP_DATE_H

#include "http/slice.h"

enum { TR__DATE_BYTES = 29 };

/* "Sun, 06 Nov 1994 08:49:37 GMT", and a 0. What is out of range is moved to its end. */
void tr__date_format(int64_t seconds, char text[TR__DATE_BYTES + 1]);
/* Any of the three formats. A year of two digits is the one at most 50 years after now's. false: it
 * is no date; *out is left alone. The name of the day is not compared with the date. */
bool tr__date_parse(tr__slice text, int64_t now, int64_t *out);
/* Of a year, a month from 0 (January), a day from 1, an hour, a minute and a second. false: there
 * is no such time; *out is left alone. */
bool tr__date_of_fields(const int fields[6], int64_t *out);

#endif
