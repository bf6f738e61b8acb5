"""OpenSSL's s_client: versions, names, ALPN, sessions, certificates that are exchanged."""

import http.client
import re
import subprocess

from service import PATIENCE, run, sign


def connect(service, *arguments, port=None, asked="GET / HTTP/1.0\r\n\r\n", status=0):
    """What s_client says of a connection, and what it has heard."""
    return run("openssl", "s_client", "-connect", f"127.0.0.1:{port or service.tls_port}",
               "-CAfile", service.folder / "ca.pem", "-verify_return_error", "-ign_eof", *arguments,
               input=asked, status=status)


def check_versions(service):
    for version in "-tls1_2", "-tls1_3":
        told = connect(service, version)
        number = version.replace("-tls", "").replace("_", ".")
        assert f"TLSv{number}, Cipher is" in told and "hello, secretly" in told, told
    told = connect(service, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", status=1)
    assert "Cipher is (NONE)" in told, told


def check_names(service):
    for name, subject in ("localhost", "server"), ("other.test", "other"), ("no.test", "server"):
        told = connect(service, "-servername", name)
        assert f"subject=CN = {subject}\n" in told, told
    told = connect(service, "-noservername")
    assert "subject=CN = server\n" in told, told


def check_protocols(service):
    assert "ALPN protocol: http/1.1" in connect(service, "-alpn", "h2,http/1.1")
    assert "No ALPN negotiated" in connect(service, "-alpn", "h2")


def check_sessions_are_resumed(service):
    kept = service.folder / "session"
    for version in "-tls1_2", "-tls1_3":
        assert re.search(r"^New, TLSv", connect(service, version, "-sess_out", kept), re.M)
        told = connect(service, version, "-sess_in", kept)
        assert re.search(r"^Reused, TLSv", told, re.M) and "hello, secretly" in told, told


def check_reconnecting(service):
    told = connect(service, "-tls1_2", "-reconnect")
    assert len(re.findall(r"^Reused, TLSv1.2", told, re.M)) == 5, told


def check_certificates_of_clients(service):
    def mine(name):
        return "-cert", service.folder / f"{name}.pem", "-key", service.folder / f"{name}.key"

    told = connect(service, *mine("client"), port=service.mutual_port)
    assert "hello, secretly" in told and "Acceptable client certificate CA names\nCN = ca\n" in told, told
    for arguments in (), mine("intruder"):
        told = connect(service, "-tls1_2", *arguments, port=service.mutual_port, status=1)
        assert "hello" not in told, told


def check_renegotiation_is_refused(service):
    peer = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{service.tls_port}",
                             "-tls1_2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
    peer.stdin.write(b"R\n")  # and no end of it, which would end the connection
    peer.stdin.flush()
    told = peer.stdout.read()
    assert b"RENEGOTIATING" in told and b"no renegotiation" in told, told
    peer.stdin.close()
    peer.stdout.close()
    assert peer.wait(PATIENCE) != 0


def check_certificates_are_exchanged(service):
    """While it serves."""
    sign(service.folder, "server", "renewed", "DNS:localhost,IP:127.0.0.1")
    peer = http.client.HTTPConnection("127.0.0.1", service.port, timeout=PATIENCE)
    peer.request("POST", "/reload")
    assert peer.getresponse().status == 204
    peer.close()
    assert "subject=CN = renewed\n" in connect(service)
