/* Basic await: a function that awaits is an ordinary function; whoever calls it awaits, too.
 *
 *   Prints:  fetching index.html
 *            10 bytes */
#include <stdio.h>
#include <string.h>
#include <troupe.h>

static int fetch(const char *url)
{
    printf("fetching %s\n", url);
    int rc = tr_sleep(0.01); /* here others run; below 0: somebody wants this task to end */
    return rc < 0 ? rc : (int)strlen(url);
}

static int app(void *url)
{
    int size = fetch(url);
    return size < 0 ? size : printf("%d bytes\n", size);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, "index.html", NULL);
}
