/* Places of the program, by number: the callers that debug mode remembers. There are few, for each
 * stands in the program's text; so they are kept as long as the process.
 *
 * Threads: any. */
#ifndef TR_OBSERVE_PLACES_H
#define TR_OBSERVE_PLACES_H

#include <stdint.h>

/* From 2 on; 0: there are too many. */
uint32_t tr__place_number(const void *place);
const void *tr__place_of(uint32_t number); /* NULL for 0 */

#endif
