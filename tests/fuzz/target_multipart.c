/* Target multipart: bodies of forms, which must mean the same however they are cut. */
/* Bytes: where it is cut twice, how many parts are allowed; and the body. In it, 0x01 stands for a
 * delimiter's line, and 0x02 for a head, so that a fuzzer need not find those by itself. */
#include "fuzz/fuzz.h"

#include <string.h>

#include "http/multipart.h"

enum { TOLD_BYTES = 1 << 16, BODY_BYTES = 1 << 15 };

typedef struct told {
    char text[TOLD_BYTES];
    size_t bytes;
    size_t data_bytes;
    bool is_open; /* a part has begun and not ended */
    size_t parts;
} told;

static void tell(told *t, tr__slice what)
{
    EXPECT(t->bytes + what.bytes + 1 <= sizeof(t->text));
    if (what.at == NULL)
        return;
    memcpy(t->text + t->bytes, what.at, what.bytes);
    t->bytes += what.bytes;
}

static int on_begin(void *context, const tr__part *part)
{
    told *t = context;

    EXPECT(!t->is_open && part->name.at != NULL);
    t->is_open = true;
    t->parts++;
    tell(t, tr__slice_of("<"));
    tell(t, part->name);
    tell(t, tr__slice_of(part->filename.at != NULL ? "|f" : "|-"));
    tell(t, part->filename);
    tell(t, tr__slice_of(part->type.at != NULL ? "|t" : "|-"));
    tell(t, part->type);
    tell(t, tr__slice_of(">"));
    return 0;
}

static int on_data(void *context, const char *at, size_t bytes)
{
    told *t = context;

    EXPECT(t->is_open && bytes > 0);
    t->data_bytes += bytes;
    tell(t, (tr__slice){ at, bytes });
    return 0;
}

static int on_end(void *context)
{
    told *t = context;

    EXPECT(t->is_open);
    t->is_open = false;
    tell(t, tr__slice_of("!"));
    return 0;
}

static const tr__multipart_events events = { on_begin, on_data, on_end };

/* Feed a piece that nothing may be read beside of. */
static void feed(tr__multipart *m, tr__slice body)
{
    char *copy = malloc(body.bytes > 0 ? body.bytes : 1);

    EXPECT(copy != NULL);
    if (body.bytes > 0)
        memcpy(copy, body.at, body.bytes);
    (void)tr__multipart_feed(m, copy, body.bytes);
    free(copy);
}

static int run(told *t, tr__slice body, size_t most, const size_t *cuts, size_t step)
{
    static tr__multipart m;

    t->bytes = t->data_bytes = t->parts = 0;
    t->is_open = false;
    EXPECT(tr__multipart_init(&m, tr__slice_of("b"), most, &events, t) == 0);
    if (step > 0) {
        for (size_t i = 0; i < body.bytes; i += step)
            feed(&m, (tr__slice){ body.at + i, body.bytes - i < step ? body.bytes - i : step });
    } else {
        feed(&m, tr__slice_head(body, cuts[0]));
        feed(&m, (tr__slice){ body.at + cuts[0], cuts[1] - cuts[0] });
        feed(&m, tr__slice_tail(body, cuts[1]));
    }
    EXPECT(t->parts <= most && t->data_bytes <= body.bytes);
    return tr__multipart_end(&m);
}

static size_t expand(fuzz_input *in, char *body)
{
    static const char delimiter[] = "\r\n--b\r\n";
    static const char head[] = "Content-Disposition: form-data; name=\"";
    size_t bytes = 0;

    while (in->left > 0 && bytes + sizeof(head) < BODY_BYTES) {
        uint8_t c = fuzz_byte(in);
        tr__slice piece = { c == 1 ? delimiter : head,
                            c == 1 ? sizeof(delimiter) - 1 : sizeof(head) - 1 };

        if (c == 1 || c == 2) {
            memcpy(body + bytes, piece.at, piece.bytes);
            bytes += piece.bytes;
        } else {
            body[bytes++] = (char)c;
        }
    }
    return bytes;
}

void fuzz_target(fuzz_input *in)
{
    static told whole;
    static told cut;
    static char text[BODY_BYTES];
    size_t cuts[2] = { fuzz_byte(in), fuzz_byte(in) };
    size_t most = fuzz_byte(in) % 8;
    tr__slice body = { text, 0 };
    int rc, rc_cut;

    body.bytes = expand(in, text);
    cuts[1] = cuts[1] < body.bytes ? cuts[1] : body.bytes;
    cuts[0] = cuts[0] < cuts[1] ? cuts[0] : cuts[1];
    rc = run(&whole, body, most, (const size_t[]){ 0, 0 }, 0);
    EXPECT(rc == 0 || rc == TR_ESYNTAX || rc == TR_ETOOLARGE);
    EXPECT(rc != 0 || !whole.is_open);
    for (size_t step = 0; step < 4; step++) {
        rc_cut = run(&cut, body, most, cuts, step);
        EXPECT(rc_cut == rc && cut.parts == whole.parts);
        /* Of a body that is refused, more or less of the data before that may have come. */
        EXPECT(rc != 0 || tr__slice_equals((tr__slice){ cut.text, cut.bytes },
                                           (tr__slice){ whole.text, whole.bytes }));
    }
}
