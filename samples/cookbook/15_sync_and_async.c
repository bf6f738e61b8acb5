/* Mixing sync and async: a task calls what blocks, and that, on its thread, calls a task.
 *
 *   Prints:  article 7, and the postage: 75 */
#include <stdio.h>
#include <troupe.h>

static int fetch_price(void *article)
{
    int rc = tr_sleep(0.01);

    return rc < 0 ? rc : 10 * *(int *)article;
}

static int make_bill(void *article) /* an ordinary function, that may block */
{
    int price = tr_call_from_thread(TR_LOOP_ANY, 60, fetch_price, article);

    return price < 0 ? price : price + 5; /* this thread, which is the pool's, has waited for it */
}

static int app(void *article)
{
    int bill = tr_to_thread(make_bill, article);

    return bill < 0 ? bill : printf("article %d, and the postage: %d\n", *(int *)article, bill);
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, &(int){ 7 }, NULL);
}
