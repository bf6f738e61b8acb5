/* The other file of the tests of identity: it declares types of names that a test declares, too. */
#include "support/actors.h"

/* test_type.c has private ones of these names, of the same size, elsewhere in the file. */
TR_MESSAGE(private_type)
{
    int64_t a;
};

TR_MESSAGE_NAMED(named_type, "kit.named/1")
{
    int64_t a;
};

TR_MESSAGE_NAMED(named_larger, "kit.sized/1")
{
    int64_t a;
    int64_t more[3];
};

int elsewhere_send_shared(tr_pid to, int64_t a)
{
    return tr_send(to, kit_shared, .a = a);
}

int elsewhere_send_private(tr_pid to, int64_t a)
{
    return tr_send(to, private_type, .a = a);
}

int elsewhere_send_named(tr_pid to, int64_t a)
{
    return tr_send(to, named_type, .a = a);
}

int elsewhere_send_named_larger(tr_pid to, int64_t a)
{
    return tr_send(to, named_larger, .a = a);
}
