/* Messages that own something, and count how often they were dropped. */
#include "support/parcels.h"

#include "support/actors.h"

uint32_t kit_drops;

void kit_parcel_drop(struct kit_parcel *payload)
{
    (void)payload;
    kit_count(&kit_drops);
}

void kit_crate_drop(struct kit_crate *payload)
{
    (void)payload;
    kit_count(&kit_drops);
}
