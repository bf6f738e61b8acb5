"""curl: plain and by TLS, whom it trusts, connections that are kept, uploads, forms, ranges."""

import re
import zlib

from service import run


def curl(*arguments, status=0):
    return run("curl", "-sS", "--max-time", "60", *arguments, status=status)


def check_two_requests_share_a_connection(service):
    told = curl("-w", "%{num_connects} ", f"{service.url}/", f"{service.url}/")
    assert told == "hello, world\n1 hello, world\n0 ", told


def check_trust(service):
    ca = service.folder / "ca.pem"
    for version in ("--tls-max", "1.2"), ("--tlsv1.3",):
        assert curl(*version, "--cacert", ca, f"{service.tls_url}/") == "hello, secretly\n"
    curl("--cacert", service.folder / "stranger.pem", f"{service.tls_url}/", status=60)
    curl("--cacert", ca, "--connect-to", f"other.example::localhost:{service.tls_port}",
         "https://other.example/", status=60)  # it is no certificate of that host's
    told = curl("--cacert", ca, "--connect-to", f"other.test::localhost:{service.tls_port}",
                "https://other.test/")
    assert told == "hello, secretly\n", told


def check_certificates_of_clients(service):
    def ask(name, status):
        return curl("--cacert", service.folder / "ca.pem", "--cert", service.folder / f"{name}.pem",
                    "--key", service.folder / f"{name}.key", f"{service.mutual_url}/", status=status)

    assert ask("client", 0) == "hello, secretly\n"
    ask("intruder", 56)
    curl("--cacert", service.folder / "ca.pem", f"{service.mutual_url}/", status=56)


def check_uploads_wait_for_the_word(service):
    data = (service.folder / "public/data").read_bytes()
    expected = f"{len(data)} {zlib.crc32(data):08x}\n"
    for url in f"{service.url}/upload", f"{service.tls_url}/upload":
        for how in (), ("-H", "Transfer-Encoding: chunked"):
            told = curl("-v", "--stderr", "-", "--cacert", service.folder / "ca.pem", *how,
                        "-H", "Expect: 100-continue", "--expect100-timeout", "60",
                        "-T", service.folder / "public/data", url)
            assert "< HTTP/1.1 100 Continue" in told and expected in told, told[-2000:]


def check_forms(service):
    for bytes_ in 10, 5_000_000:  # in memory, and on disk
        data = b"ab\r\n" * (bytes_ // 4)
        (service.folder / "form").write_bytes(data)
        told = curl("-F", "title=a b", "-F", f"file=@{service.folder}/form;type=text/x;filename=f.txt",
                    f"{service.url}/form")
        assert told == f"a b f.txt text/x {len(data)} {zlib.crc32(data):08x}\n", told


def check_ranges(service):
    data = (service.folder / "public/data").read_bytes()
    out = service.folder / "out"
    for asked, expected in ("0-99", data[:100]), ("99000-", data[99000:]), ("-7", data[-7:]):
        status = curl("-r", asked, "-o", out, "-w", "%{http_code}", f"{service.url}/files/data")
        assert status == "206" and out.read_bytes() == expected, (asked, status)
    assert curl("-r", "100000-", "-o", out, "-w", "%{http_code}", f"{service.url}/files/data") == "416"
    out.write_bytes(data[:5000])
    curl("-C", "-", "-o", out, f"{service.url}/files/data")  # where it had been cut
    assert out.read_bytes() == data


def check_nothing_is_sent_twice(service):
    tag = re.search(r"(?im)^etag: (\S+)", curl("-I", f"{service.url}/files/data"))
    status = curl("-H", f"If-None-Match: {tag[1]}", "-o", service.folder / "out", "-w", "%{http_code}",
                  f"{service.url}/files/data")
    assert status == "304", status


def check_streams(service):
    lines = curl(f"{service.url}/numbers?count=10000").split()
    assert lines == [str(i) for i in range(10000)]
    assert lines == curl("--compressed", f"{service.url}/numbers?count=10000").split()
    told = curl(f"{service.url}/events")
    assert re.findall(r"^data: (.*)$", told, re.M) == ["a", "b", "c"], told
