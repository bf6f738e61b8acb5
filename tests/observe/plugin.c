/* An object that test_blocking.c loads while debug mode runs. */
#include <unistd.h>

extern int plugin_nap(void);
extern void *plugin_entry(void);

static int naps;

/* Something comes behind the call: else the compiler jumps there, and nobody calls it. */
int plugin_nap(void)
{
    int rc = usleep(10);

    naps++;
    return rc;
}

void *plugin_entry(void)
{
    return (void *)(__UINTPTR_TYPE__)usleep;
}
