/* Forms, inside: see tr_http_form. */
#ifndef TR_HTTP_FORM_H
#define TR_HTTP_FORM_H

#include "http/message.h"

typedef struct tr__form tr__form;

/* Close the files of a request's form; NULL is allowed. */
void tr__form_free(tr__form *form);

#endif
