/* Whole files: read, change, and replace at once.
 *
 *   Prints:  run 1, run 2, run 3
 *            the old one: run 1, run 2
 *            the new one has 19 bytes */
#include <stdio.h>
#include <string.h>
#include <troupe/net.h>

static int add_run(const char *path, int number)
{
    char *old = NULL, text[100];
    size_t bytes = 0;
    int rc = tr_file_load(&old, &bytes, path, 50); /* TR_ETOOLARGE: more than these */

    if (rc < 0 && rc != TR_ENOENT) /* the first time there is none */
        return rc;
    bytes = (size_t)snprintf(text, sizeof(text), "%s%srun %d", bytes > 0 ? old : "",
                             bytes > 0 ? ", " : "", number);
    tr_file_data_free(old);
    return tr_file_save(path, text, bytes, 0); /* whoever reads it meets the old or the new */
}

static int show(const char *what, const char *path)
{
    char *text;
    size_t bytes;
    int rc = tr_file_load(&text, &bytes, path, 1000);

    if (rc == 0)
        printf("%s%.*s\n", what, (int)bytes, text);
    tr_file_data_free(text);
    return rc;
}

static int app(void *arg)
{
    struct stat known;
    int rc = 0;

    (void)arg;
    for (int i = 1; rc == 0 && i <= 2; i++)
        rc = add_run("runs.txt", i);
    if (rc == 0)
        rc = tr_rename("runs.txt", "runs.old");
    for (int i = 1; rc == 0 && i <= 3; i++)
        rc = add_run("runs.txt", i);
    if (rc < 0 || (rc = show("", "runs.txt")) < 0 || (rc = show("the old one: ", "runs.old")) < 0 ||
        (rc = tr_stat(&known, "runs.txt")) < 0)
        return rc;
    printf("the new one has %d bytes\n", (int)known.st_size);
    return (rc = tr_unlink("runs.old")) < 0 ? rc : tr_unlink("runs.txt");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
