/* Signals: as a stream, to read settings again, say.
 *
 *   Prints:  the settings are read again */
#include <signal.h>
#include <stdio.h>
#include <troupe/net.h>
#include <unistd.h>

static int answer_signals(tr_stream *signals)
{
    TR_FOREACH(int, signo, signals)
    {
        printf("%s\n", signo == SIGHUP ? "the settings are read again" : "all is well");
        break; /* here; else it would go on */
    }
    return tr_stream_status(signals);
}

static int app(void *arg)
{
    tr_stream *signals tr_cleanup_stream = NULL;
    int rc = tr_signals(&signals, SIGHUP, SIGUSR1, 0); /* beside them others, or one alone */

    (void)arg;
    if (rc < 0)
        return rc;
    (void)kill(getpid(), SIGHUP); /* as the command `kill -HUP` does */
    return answer_signals(signals);
}

int main(int argc, char **argv)
{
    (void)signal(SIGHUP, SIG_IGN); /* before it listens, and afterwards: else it would end by it */
    return tr_main(argc, argv, app, NULL, NULL);
}
