/* Certificates, made when a test begins, in a folder of their own: by OpenSSL, with keys on a
 * curve, for they take a millisecond. */
#ifndef TR_TESTS_CERTIFICATES_H
#define TR_TESTS_CERTIFICATES_H

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Who has signed, and with what. */
typedef struct authority {
    X509 *certificate;
    EVP_PKEY *key;
} authority;

typedef struct certificates {
    char folder[64];
    char paths[32][96]; /* of all files, to be removed */
    int count;
    authority good;
    long serial;
} certificates;

static inline const char *path_in(certificates *c, const char *name, const char *suffix)
{
    char path[sizeof(c->paths[0])];

    (void)snprintf(path, sizeof(path), "%s/%s%s", c->folder, name, suffix);
    return memcpy(c->paths[c->count++], path, sizeof(path));
}

static inline void add_extension(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

    EXPECT(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* days: from now, until which it is good. names: "DNS:localhost,IP:127.0.0.1"; NULL: an
 * authority. */
static inline authority sign(certificates *c, const char *subject, const char *names, int days,
                             const authority *by)
{
    authority made = { X509_new(), EVP_EC_gen("P-256") };
    X509_NAME *name = X509_NAME_new();
    const authority *signer = by != NULL ? by : &made;

    EXPECT(made.certificate != NULL && made.key != NULL && name != NULL);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)subject, -1, -1,
                               0);
    X509_set_version(made.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), ++c->serial);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), -10L * 24 * 3600);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), days * 24L * 3600);
    X509_set_subject_name(made.certificate, name);
    X509_set_issuer_name(made.certificate,
                         by != NULL ? X509_get_subject_name(by->certificate) : name);
    X509_set_pubkey(made.certificate, made.key);
    if (names != NULL)
        add_extension(made.certificate, NID_subject_alt_name, names);
    else
        add_extension(made.certificate, NID_basic_constraints, "critical,CA:TRUE");
    EXPECT(X509_sign(made.certificate, signer->key, EVP_sha256()) > 0);
    X509_NAME_free(name);
    return made;
}

static inline void write_certificate(certificates *c, const char *name, const authority *a)
{
    FILE *file = fopen(path_in(c, name, ".pem"), "w");

    EXPECT(file != NULL && PEM_write_X509(file, a->certificate) == 1 && fclose(file) == 0);
    file = fopen(path_in(c, name, ".key"), "w");
    EXPECT(file != NULL && PEM_write_PrivateKey(file, a->key, NULL, NULL, 0, NULL, NULL) == 1);
    EXPECT(fclose(file) == 0);
}

static inline void free_authority(authority *a)
{
    X509_free(a->certificate);
    EVP_PKEY_free(a->key);
}

/* Make one, in files NAME.pem and NAME.key. by: NULL, itself. */
static inline void make_certificate(certificates *c, const char *file, const char *subject,
                                    const char *names, int days, const authority *by)
{
    authority made = sign(c, subject, names, days, by);

    write_certificate(c, file, &made);
    free_authority(&made);
}

/* The path of a file of them: lent until the next call. */
static inline const char *file_of(const certificates *c, const char *name)
{
    static char paths[8][96];
    static int next;
    char *path = paths[next++ % 8];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", c->folder, name);
    return path;
}

/* An authority, in good.pem. */
static inline void begin_certificates(certificates *c)
{
    memset(c, 0, sizeof(*c));
    (void)snprintf(c->folder, sizeof(c->folder), "/tmp/troupe_tls.XXXXXX");
    EXPECT(mkdtemp(c->folder) != NULL);
    c->good = sign(c, "the authority", NULL, 30, NULL);
    write_certificate(c, "good", &c->good);
}

static inline void end_certificates(certificates *c)
{
    for (int i = 0; i < c->count; i++)
        (void)unlink(c->paths[i]); /* one that was written twice is there once */
    EXPECT(rmdir(c->folder) == 0);
    free_authority(&c->good);
}

#endif
