"""Python's http.client and ssl: versions, sessions, ALPN, certificates, bodies."""

import http.client
import json
import socket
import ssl

from service import PATIENCE


def context(service, **limits):
    made = ssl.create_default_context(cafile=service.folder / "ca.pem")
    for name, value in limits.items():
        setattr(made, name, value)
    return made


def shake_hands(service, how, port=None, name="localhost", session=None):
    """A connection by TLS, and a socket that is closed with it."""
    plain = socket.create_connection(("127.0.0.1", port or service.tls_port), PATIENCE)
    return how.wrap_socket(plain, server_hostname=name, session=session)


def ask(tls):
    """An answer, whose connection is kept."""
    tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    told = b""
    while not told.endswith(b"hello, secretly\n"):
        piece = tls.recv(1000)
        assert piece, told
        told += piece


def check_versions(service):
    for version, name in (ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3"):
        how = context(service, minimum_version=version, maximum_version=version)
        with shake_hands(service, how) as tls:
            assert tls.version() == name, tls.version()
            ask(tls)


def check_old_versions_are_refused(service):
    how = context(service, minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
    how.set_ciphers("ALL:@SECLEVEL=0")  # so that it is the server who refuses
    try:
        shake_hands(service, how).close()
    except ssl.SSLError as error:
        assert error.reason == "TLSV1_ALERT_PROTOCOL_VERSION", error
    else:
        raise AssertionError("TLS 1.1 was accepted")


def check_sessions_are_resumed(service):
    for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        how = context(service, minimum_version=version, maximum_version=version)
        with shake_hands(service, how) as tls:
            ask(tls)  # with version 1.3 the ticket comes behind the handshake
            assert not tls.session_reused
            session = tls.session
        with shake_hands(service, how, session=session) as tls:
            assert tls.session_reused, version
            ask(tls)


def check_protocols(service):
    for offered, agreed in (["h2", "http/1.1"], "http/1.1"), (["h2"], None):
        how = context(service)
        how.set_alpn_protocols(offered)
        with shake_hands(service, how) as tls:
            assert tls.selected_alpn_protocol() == agreed, tls.selected_alpn_protocol()
            ask(tls)


def check_names(service):
    with shake_hands(service, context(service), name="other.test") as tls:
        assert tls.getpeercert()["subject"] == ((("commonName", "other"),),)
    try:
        shake_hands(service, context(service), name="elsewhere.test").close()
    except ssl.SSLCertVerificationError as error:
        assert "elsewhere.test" in str(error), error
    else:
        raise AssertionError("a certificate of somebody else's was trusted")


def check_certificates_of_clients(service):
    def ask_as(name):
        how = context(service)
        if name:
            how.load_cert_chain(service.folder / f"{name}.pem", service.folder / f"{name}.key")
        with shake_hands(service, how, service.mutual_port) as tls:
            ask(tls)

    ask_as("client")
    for name, reason in (None, "CERTIFICATE_REQUIRED"), ("intruder", "UNKNOWN_CA"):
        try:
            ask_as(name)
        except ssl.SSLError as error:
            assert reason in error.reason, error
        else:
            raise AssertionError(f"{name} was let in")


def check_connections_are_kept(service):
    for peer in (http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE),
                 http.client.HTTPSConnection("localhost", service.tls_port, timeout=PATIENCE,
                                             context=context(service))):
        ports = set()
        for _ in range(100):
            peer.request("GET", "/")
            answer = peer.getresponse()
            assert answer.status == 200 and answer.read().startswith(b"hello, ")
            ports.add(peer.sock.getsockname()[1])
        assert len(ports) == 1, ports
        peer.close()


def check_bodies(service):
    peer = http.client.HTTPSConnection("localhost", service.tls_port, timeout=PATIENCE,
                                       context=context(service))
    data = bytes(range(256)) * 2000
    peer.request("POST", "/echo", data, {"Content-Type": "application/x-a"})
    answer = peer.getresponse()
    assert answer.headers["Content-Type"] == "application/x-a" and answer.read() == data
    peer.request("POST", "/echo", (data[i:i + 7000] for i in range(0, len(data), 7000)),
                 encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert peer.getresponse().read() == data
    peer.request("HEAD", "/files/data")
    answer = peer.getresponse()
    assert answer.headers["Content-Length"] == "100000" and answer.read() == b""
    peer.close()


def check_orders(service):
    peer = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
    for order, status in ({"name": "tea", "pieces": 3}, 201), ({"pieces": 1000}, 422):
        peer.request("POST", "/orders", json.dumps(order), {"Content-Type": "application/json"})
        answer = peer.getresponse()
        told = json.load(answer)
        assert answer.status == status, (answer.status, told)
    assert sorted(e["where"] for e in told["errors"]) == ["/name", "/pieces"], told
    peer.close()
