/* Directories: made, looked through, and removed with all that is in them.
 *
 *   Prints:  photos/2026/cat.jpg: 5 bytes
 *            2 directories
 *            photos is gone */
#include <stdio.h>
#include <troupe/net.h>

static int make(void)
{
    int rc = tr_mkdir_all("photos/2026", 0);

    if (rc == 0)
        rc = tr_mkdir("photos/empty", 0700);
    return rc < 0 ? rc : tr_file_save("photos/2026/cat.jpg", "meow!", 5, 0);
}

static int show_files(const char *path)
{
    tr_stream *entries tr_cleanup_stream = NULL;
    int rc = tr_directory_walk(&entries, path, NULL); /* with all below, a few entries ahead */

    if (rc < 0)
        return rc;
    TR_FOREACH(tr_directory_entry, e, entries)
    {
        if (S_ISREG(e.mode))
            printf("%s: %d bytes\n", e.path, (int)e.bytes);
    }
    return tr_stream_status(entries); /* why it has ended */
}

/* How many directories are in this one. */
static int count(const char *path)
{
    tr_stream *entries tr_cleanup_stream = NULL;
    int found = 0, rc = tr_directory_list(&entries, path);

    if (rc < 0)
        return rc;
    TR_FOREACH(tr_directory_entry, e, entries)
    {
        found += S_ISDIR(e.mode);
    }
    return (rc = tr_stream_status(entries)) < 0 ? rc : found;
}

static int app(void *arg)
{
    int rc = make(), found;

    (void)arg;
    if (rc < 0 || (rc = show_files("photos")) < 0 || (found = count("photos")) < 0)
        return rc < 0 ? rc : found;
    printf("%d directories\n", found);
    if ((rc = tr_unlink("photos/2026/cat.jpg")) < 0 || (rc = tr_rmdir("photos/2026")) < 0 ||
        (rc = tr_rmdir("photos/empty")) < 0 || (rc = tr_rmdir("photos")) < 0)
        return rc;
    return printf("photos is gone\n");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
