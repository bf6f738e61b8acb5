/* Memory of another process. */
#include "hostile/hostile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

long memory_resident(pid_t pid)
{
    static const char field[] = "RssAnon:";
    char path[64];
    char line[256];
    long bytes = -1;
    FILE *file;

    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    file = fopen(path, "re");
    if (file == NULL)
        die("%s can't be read", path);
    while (bytes < 0 && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, field, sizeof(field) - 1) == 0)
            bytes = strtol(line + sizeof(field) - 1, NULL, 10) * 1024;
    (void)fclose(file); /* only read */
    if (bytes < 0)
        die("the server has ended");
    return bytes;
}
