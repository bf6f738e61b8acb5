/* hello_task: a program whose main function is a task, and a task that it starts and awaits.
 *
 * A task is an ordinary function on a stack of its own. Where it awaits, here in tr_sleep, its loop
 * goes on with others (asyncio: async def and asyncio.run; Go: a goroutine, but siblings on one
 * loop never run at the same time, so they share plain data without locks). Arguments go in by a
 * struct of the task's name with _args behind it, and results come out by a pointer in it.
 *
 *   Build:   cc hello_task.c $(pkg-config --cflags --libs troupe)
 *   Run:     ./a.out [NAME]...
 *   Prints:  hello, Ann
 *            hello, Bob
 *            6 letters in all */
#include <stdio.h>
#include <string.h>
#include <troupe.h>

struct greet_args {
    const char *name;
    double after; /* seconds */
    size_t *letters;
};

static int greet(void *arg)
{
    const struct greet_args *a = arg;
    int rc = tr_sleep(a->after); /* suspends this task, not its loop */

    if (rc < 0)
        return rc; /* TR_ECANCELED: Ctrl-C, or the other one has failed; clean up and go */
    *a->letters += strlen(a->name);
    return printf("hello, %s\n", a->name);
}

static int app(void *arg)
{
    char *const *names = arg;
    size_t letters = 0;
    int rc;

    TR_SCOPE(greetings, &rc) { /* ends when its tasks have; rc: 0, or the first failure */
        for (int i = 0; names[i]; i++)
            tr_go(greetings, greet, .name = names[i], .after = 0.01 * i, .letters = &letters);
    }
    if (rc >= 0)
        printf("%zu letters in all\n", letters);
    return rc;
}

int main(int argc, char **argv)
{
    char *ann_and_bob[] = { "Ann", "Bob", NULL };

    return tr_main(argc, argv, app, argc > 1 ? argv + 1 : ann_and_bob, NULL);
}
