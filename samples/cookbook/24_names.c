/* Names: from a name to addresses, to a service, and back; here without anybody to ask.
 *
 *   Prints:  localhost is at 127.0.0.1:80
 *            printer.example is at 192.0.2.7:631
 *            nobody knows who answers calls at example.org: as a rule, port 5060
 *            192.0.2.7 has no name */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <troupe/net.h>

static int show(const char *host, uint16_t port)
{
    tr_address *addresses;
    char text[128];
    size_t count;
    int rc = tr_resolve(&addresses, &count, host, port,
                        &(tr_resolve_options){ .family = AF_INET }); /* NULL: of both */

    if (rc < 0)
        return rc; /* TR_ENONAME there is none; TR_ERESOLVE it could not be asked for */
    rc = tr_address_format(&addresses[0], text, sizeof(text)); /* the best one */
    tr_resolve_free(addresses);
    return rc < 0 ? rc : printf("%s is at %s\n", host, text);
}

static int show_service(void)
{
    tr_service *services;
    size_t count;
    int rc = tr_resolve_services(&services, &count, "_sip._udp.example.org");

    if (rc == TR_ENONAME || rc == TR_ERESOLVE)
        return printf("nobody knows who answers calls at example.org: as a rule, port 5060\n");
    if (rc == 0)
        printf("calls are answered by %s:%d\n", services[0].host, services[0].port);
    tr_resolve_services_free(services);
    return rc;
}

static int show_name(const char *numeric)
{
    tr_address address;
    char name[254];
    int rc = tr_address_parse(&address, numeric);

    if (rc == 0)
        rc = tr_resolve_name(name, sizeof(name), &address);
    if (rc == TR_ENONAME || rc == TR_ERESOLVE)
        return printf("%.*s has no name\n", (int)strcspn(numeric, ":"), numeric);
    return rc < 0 ? rc : printf("%s says that it is %s\n", numeric, name);
}

static int app(void *arg)
{
    const tr_dns_options here = {
        .hosts_file = "hosts", .servers = "127.0.0.1:1", .timeout = 0.1, .tries = 1
    };
    int rc = tr_file_save("hosts", "192.0.2.7 printer.example\n", 26, 0);

    (void)arg;
    if (rc == 0) /* without this it is /etc/hosts, and the servers of /etc/resolv.conf */
        rc = tr_dns_configure(&here);
    if (rc < 0 || (rc = show("localhost", 80)) < 0 || (rc = show("printer.example", 631)) < 0 ||
        (rc = show_service()) < 0)
        return rc;
    tr_dns_flush(); /* a network was left, say: what was remembered may be wrong now */
    return show_name("192.0.2.7:0");
}

int main(int argc, char **argv)
{
    return tr_main(argc, argv, app, NULL, NULL);
}
