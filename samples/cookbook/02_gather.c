/* Gather: the same for each item of an array, all at once.
 *
 *   Prints:  fetching index.html
 *            fetching logo.png
 *            fetching news
 *            index.html: 10 bytes
 *            logo.png: 8 bytes
 *            news: 4 bytes */
#include <stdio.h>
#include <string.h>
#include <troupe.h>

struct page {
    const char *url;
    size_t bytes;
};

static int fetch(void *arg)
{
    struct page *page = arg; /* what goes in, and what comes out */

    printf("fetching %s\n", page->url);
    int rc = tr_sleep(0.01);
    page->bytes = strlen(page->url);
    return rc;
}

static int app(void *arg)
{
    struct page pages[] = { { "index.html", 0 }, { "logo.png", 0 }, { "news", 0 } };
    int rc = tr_map(pages, 3, sizeof(*pages), 0, fetch); /* the first failure ends all */

    (void)arg;
    for (int i = 0; rc >= 0 && i < 3; i++)
        printf("%s: %zu bytes\n", pages[i].url, pages[i].bytes);
    return rc;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
