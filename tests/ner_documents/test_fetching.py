import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from ner_documents import fetching
from ner_documents.fetching import FetchError, fetch_page, is_public
from ner_documents.reading import ReadOptions, read

LIMITS = {"max_bytes": 100_000, "seconds": 5.0}


ANSWERS = {
    "good": {"body": b"<p>Mary</p>"},
    "moved": {"status": 302, "Location": "/good"},
    "loop": {"status": 302, "Location": "/loop"},
    "inside": {"status": 302, "Location": "http://169.254.169.254/latest/meta-data/"},
    "file": {"status": 302, "Location": "file:///etc/passwd"},
    "russian": {"body": "<p>Привет, Мария".encode("cp1251"), "kind": "text/html; charset=windows-1251"},
    "large": {"body": b"x" * 200_000},
    "image": {"body": b"GIF89a", "kind": "image/gif"},
    "zipped": {"body": b"\x1f\x8b", "Content-Encoding": "gzip"},
    "missing": {"status": 404},
}


class Site(BaseHTTPRequestHandler):
    """Answers by path, and remembers the Host header it was asked with."""

    hosts: ClassVar[list[str]] = []

    def do_GET(self):
        Site.hosts.append(self.headers["Host"])
        called = self.path.strip("/").partition("/")[0]
        if called in ANSWERS:
            self.answer(**ANSWERS[called])
        else:
            getattr(self, f"page_{called}")()

    def answer(self, body=b"", kind="text/html; charset=utf-8", status=200, **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def page_cut(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "500")
        self.end_headers()
        self.wfile.write(b"<p>Mary lives in")
        self.close_connection = True

    def page_drip(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            pass

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()


def get(site, path, host="example.test", **changes):
    """Fetch as if the test's server were a public host named example.test."""
    port = site.server_address[1]
    options = LIMITS | {
        "resolver": lambda name, _: ["127.0.0.1"] if name == "example.test" else [name],
        "allowed": lambda address: address == "127.0.0.1" or is_public(address),
        "ports": {port, 80},
    }
    return fetch_page(f"http://{host}:{port}/{path}", **(options | changes))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:7f00:1::", "not an address", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_that_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
        "http://2130706433/", "http://0x7f.1/", "http://127.1/", "http://169.254.169.254/latest/",
    ],
)  # fmt: skip
def test_this_machine_and_its_network_are_refused(url):
    with pytest.raises(FetchError, match=r"not on the public internet|could not be looked up"):
        fetch_page(url, **LIMITS)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://example.org/", "not a web address"),
        ("file:///etc/passwd", "not a web address"),
        ("http://", "not a web address"),
        ("http://[broken/", "not a web address"),
        ("http://user:secret@example.org/", "user name"),
        ("http://user@example.org/", "user name"),
        ("http://example.org:25/", "port 25"),
        ("http://example.org:99999/", "not a web address"),
    ],
)
def test_addresses_that_are_not_for_web_pages(url, reason):
    with pytest.raises(FetchError, match=reason):
        fetch_page(url, resolver=lambda *_: ["93.184.215.14"], **LIMITS)


def test_a_name_with_one_private_address_among_public_ones_is_refused():
    with pytest.raises(FetchError, match="not on the public internet"):
        fetch_page("http://example.org/", resolver=lambda *_: ["93.184.215.14", "10.0.0.1"], **LIMITS)


def test_a_page_is_fetched_under_its_own_name(site):
    Site.hosts.clear()
    page = get(site, "moved")
    assert (page.suffix, page.content) == (".html", b"<p>Mary</p>")
    assert page.url.endswith("/good")
    assert Site.hosts == [f"example.test:{site.server_address[1]}"] * 2


def test_the_encoding_that_the_server_names_is_kept(site):
    page = get(site, "russian")
    assert page.charset == "cp1251"
    options = ReadOptions(encoding=page.charset)
    (document,) = read(f"page{page.suffix}", options, content=page.content)
    assert document.text == "Привет, Мария"


def test_a_page_that_breaks_off_is_said(site):
    with pytest.raises(FetchError, match="broke off after 16 of 500 bytes"):
        get(site, "cut")


def test_the_name_is_looked_up_once_for_each_request(site):
    """A second look-up could lead elsewhere (DNS rebinding); the connection goes where the check looked."""
    asked = []

    def resolver(name, _):
        asked.append(name)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    assert get(site, "good", resolver=resolver).content == b"<p>Mary</p>"
    assert asked == ["example.test"]


def test_the_second_host_of_a_redirect_is_checked_too(site):
    with pytest.raises(FetchError, match=r"169\.254\.169\.254: is not on the public internet"):
        get(site, "inside")
    with pytest.raises(FetchError, match="not a web address"):
        get(site, "file")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("loop", "more than 5 redirects"),
        ("large", r"larger than 0\.1 MB"),
        ("image", "type image/gif"),
        ("zipped", "compressed"),
        ("missing", "404"),
    ],
)
def test_what_is_not_a_readable_page_is_refused(site, path, reason):
    with pytest.raises(FetchError, match=reason):
        get(site, path)


def test_a_server_that_drips_is_left(site):
    with pytest.raises(FetchError, match="took too long"):
        get(site, "drip", seconds=0.3)


def test_an_unreachable_server_is_an_error_for_people(site):
    with pytest.raises(FetchError, match=r"could not be fetched|took too long"):
        fetch_page(
            "http://example.test:9/",
            resolver=lambda *_: ["127.0.0.1"],
            allowed=lambda _: True,
            ports={9},
            **LIMITS,
        )


def test_names_of_other_scripts_are_looked_up_as_punycode():
    asked = []

    def resolver(name, _):
        asked.append(name)
        return []

    with pytest.raises(FetchError):
        fetch_page("bücher.example/a b?q=ü", resolver=resolver, **LIMITS)
    assert asked == ["xn--bcher-kva.example"]


def test_the_real_resolver_knows_this_machine():
    assert "127.0.0.1" in fetching.resolve("localhost", 80) or "::1" in fetching.resolve("localhost", 80)
