/* Watching files: settings are read again when they change.
 *
 *   Prints:  colour=red
 *            colour=blue */
#include <stdio.h>
#include <string.h>
#include <troupe/net.h>

static const char path[] = "settings.ini";

static int show(void)
{
    char *text;
    size_t bytes;
    int rc = tr_file_load(&text, &bytes, path, 1000);

    if (rc == 0)
        printf("%s", text);
    tr_file_data_free(text);
    return rc;
}

static int edit(void *text) /* somebody else, with an editor */
{
    return tr_file_save(path, text, strlen(text), 0);
}

static int follow(tr_stream *events)
{
    int rc = 0;

    TR_FOREACH(tr_watch_event, e, events)
    {
        if (e.kind == TR_WATCH_REMOVED)
            continue; /* until there is another */
        rc = show();
        break; /* here; else it would go on */
    }
    return rc < 0 ? rc : tr_stream_status(events);
}

static int app(void *arg)
{
    tr_stream *events tr_cleanup_stream = NULL;
    int rc = edit("colour=red\n"), followed = 0;

    (void)arg;
    if (rc == 0)
        rc = tr_watch(&events, path, NULL); /* first, so that nothing escapes */
    if (rc < 0 || (rc = show()) < 0)
        return rc;
    TR_SCOPE(s, &rc) {
        tr_scope_spawn(s, edit, "colour=blue\n");
        followed = follow(events);
    }
    return rc < 0 ? rc : followed;
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
