"""Fetching from servers that cut, lie, refuse, redirect and forget."""

from __future__ import annotations

import random
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firstlight.config import Settings
from firstlight.digest import Digest, of_bytes
from firstlight.errors import ArtefactError, DigestError, NetworkError, UsageError
from firstlight.net import Download, Fetcher
from firstlight.pipconfig import PipSettings
from firstlight.store import Store
from web_server import Page, Site, serving

BODY = random.Random(1).randbytes(3_000_000)
DIGEST = of_bytes(BODY)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store")


def fetcher(store: Store, **settings: object) -> Fetcher:
    values: dict[str, object] = {"home": store.root, **settings}
    return Fetcher(
        Settings(store=store.root, **values),  # type: ignore[arg-type]
        store,
        retries=3,
        pause=0.01,
        timeout=5,
    )


def fetch(store: Store, *urls: str, size: int | None = len(BODY)) -> bytes:
    path = fetcher(store).fetch(urls, digest=DIGEST, size=size, name="big.whl")
    return path.read_bytes()


def leftovers(store: Store) -> list[str]:
    blobs = [path.name for path in (store.root / "blobs/sha256").iterdir()]
    temporary = [
        path.name
        for path in (store.root / "tmp").iterdir()
        if not path.name.endswith(".lock")
    ]
    return blobs + temporary


class TestResuming:
    def test_continues_after_a_cut_where_it_stopped(self, site: Site, store: Store):
        site.pages["/a"] = Page(BODY, cuts=[1_000_000, 500_000])
        assert fetch(store, site.url("/a")) == BODY
        assert site.ranges("/a") == [None, "bytes=1000000-", "bytes=1500000-"]

    def test_skips_what_it_has_when_the_server_ignores_ranges(self, site, store):
        site.pages["/a"] = Page(BODY, cuts=[1_000_000], ranges=False)
        assert fetch(store, site.url("/a")) == BODY

    def test_outlives_many_cuts_as_long_as_it_gets_on(self, site, store):
        body = BODY * 4
        site.pages["/a"] = Page(body, cuts=[1_100_000] * 10)
        path = fetcher(store).fetch(
            [site.url("/a")], digest=of_bytes(body), size=len(body), name="a"
        )
        assert path.stat().st_size == len(body)

    def test_goes_on_at_the_next_address(self, site, store):
        site.pages["/a"] = Page(BODY, cuts=[100_000, 0, 0, 0, 0, 0])
        site.pages["/b"] = Page(BODY)
        assert fetch(store, site.url("/a"), site.url("/b")) == BODY
        assert site.ranges("/b") == ["bytes=100000-"]

    def test_starts_anew_when_the_part_before_the_cut_was_wrong(self, site, store):
        site.pages["/a"] = Page(bytes(len(BODY)), cuts=[100_000, 0, 0, 0, 0, 0])
        site.pages["/b"] = Page(BODY)
        assert fetch(store, site.url("/a"), site.url("/b")) == BODY
        assert site.ranges("/b") == ["bytes=100000-", None]

    def test_gives_up_on_a_server_that_sends_nothing(self, site, store):
        site.pages["/a"] = Page(BODY, cuts=[0] * 9)
        with pytest.raises(NetworkError, match=r"big\.whl.*connection was cut"):
            fetch(store, site.url("/a"))
        assert leftovers(store) == []
        assert len(site.requests) == 4

    def test_a_complete_file_without_size_survives_a_cut_at_its_end(self, site, store):
        site.pages["/a"] = Page(BODY, announced=len(BODY) + 5)
        site.pages["/b"] = Page(BODY)
        assert fetch(store, site.url("/a"), site.url("/b"), size=None) == BODY


class TestVerifying:
    def test_refuses_altered_bytes(self, site, store):
        site.pages["/a"] = Page(bytes(len(BODY)))
        with pytest.raises(DigestError, match=r"big\.whl.*not sha256") as caught:
            fetch(store, site.url("/a"))
        assert caught.value.hint
        assert leftovers(store) == []

    @pytest.mark.parametrize("chunked", [False, True])
    def test_refuses_a_file_that_is_too_long(self, site, store, chunked):
        site.pages["/a"] = Page(BODY + b"x", chunked=chunked)
        with pytest.raises(DigestError, match=r"big\.whl: .* not 3000000 as locked"):
            fetch(store, site.url("/a"))
        assert leftovers(store) == []

    @pytest.mark.parametrize("chunked", [False, True])
    def test_refuses_a_truncated_file(self, site, store, chunked):
        site.pages["/a"] = Page(BODY[:-1], chunked=chunked)
        with pytest.raises(DigestError, match="has 2999999 bytes"):
            fetch(store, site.url("/a"))

    def test_takes_the_good_mirror_after_a_bad_one(self, site, store):
        site.pages["/bad"] = Page(b"no such file, says the captive portal")
        site.pages["/b"] = Page(BODY)
        assert fetch(store, site.url("/bad"), site.url("/b")) == BODY

    def test_asks_nobody_for_what_the_store_has(self, site, store):
        store.put(BODY)
        assert fetch(store, site.url("/a")) == BODY
        assert site.requests == []


class TestRefusals:
    def test_names_every_address_that_failed(self, site, store):
        with pytest.raises(NetworkError, match="none of its 2 addresses") as caught:
            fetch(store, site.url("/a"), site.url("/b"))
        assert [f.message.split(": ")[1] for f in caught.value.findings] == [
            "the server answers 404 Not Found"
        ] * 2

    def test_a_missing_file_is_not_asked_for_again(self, site, store):
        with pytest.raises(NetworkError):
            fetch(store, site.url("/a"))
        assert len(site.requests) == 1

    @pytest.mark.parametrize("status", [429, 500, 502, 503])
    def test_asks_again_after_a_passing_failure(self, site, store, status):
        site.pages["/a"] = Page(BODY, statuses=[status, status])
        assert fetch(store, site.url("/a")) == BODY

    def test_waits_as_long_as_the_server_asks(self, site, store):
        site.pages["/a"] = Page(
            BODY, statuses=[503], headers={"Retry-After": "1", "X-Other": "1"}
        )
        start = time.monotonic()
        assert fetch(store, site.url("/a")) == BODY
        assert 1 <= time.monotonic() - start < 3

    def test_says_that_nobody_listens(self, store):
        with pytest.raises(NetworkError, match="refuses the connection"):
            fetcher(store).get("http://127.0.0.1:9/x")

    @pytest.mark.parametrize("url", ["ftp://h/x", "http://[::1", "http:///x", "data:,"])
    def test_refuses_what_is_no_address(self, store, url):
        with pytest.raises(NetworkError):
            fetcher(store).get(url)


class TestSmallFiles:
    def test_returns_the_bytes(self, site, store):
        site.pages["/a?b=1"] = Page(b"index")
        assert fetcher(store).get(site.url("/a?b=1#x")) == b"index"

    def test_absent_is_none_but_a_broken_server_is_an_error(self, site, store):
        site.pages["/broken"] = Page(statuses=[500] * 9)
        assert fetcher(store).get_or_none(site.url("/a")) is None
        with pytest.raises(NetworkError, match="500"):
            fetcher(store).get_or_none(site.url("/broken"))

    def test_refuses_more_than_the_limit(self, site, store):
        site.pages["/a"] = Page(BODY)
        with pytest.raises(ArtefactError, match="larger than"):
            fetcher(store).get(site.url("/a"), limit=1000)

    def test_reads_again_after_a_cut(self, site, store):
        site.pages["/a"] = Page(b"index", cuts=[2])
        assert fetcher(store).get(site.url("/a")) == b"index"


class TestLocalFiles:
    def test_imports_a_file_url_with_escapes_and_fragment(self, tmp_path, store):
        path = tmp_path / "my wheels+ü.whl"
        path.write_bytes(BODY)
        url = f"{path.as_uri()}#sha256={DIGEST.removeprefix('sha256:')}"
        assert "%20" in url
        assert fetch(store, url) == BODY

    def test_imports_a_path(self, tmp_path, store):
        (tmp_path / "a.whl").write_bytes(BODY)
        assert fetch(store, str(tmp_path / "a.whl")) == BODY

    def test_an_altered_local_file_is_refused(self, tmp_path, store):
        (tmp_path / "a.whl").write_bytes(BODY[:-1] + b"!")
        with pytest.raises(DigestError, match=r"big\.whl"):
            fetch(store, str(tmp_path / "a.whl"))

    def test_an_absent_local_file_is_named(self, tmp_path, store):
        with pytest.raises(NetworkError, match=r"nothere\.whl"):
            fetch(store, str(tmp_path / "nothere.whl"))
        assert fetcher(store).get_or_none(str(tmp_path / "nothere")) is None


class TestCredentials:
    def test_come_from_the_url_and_stay_out_of_messages(self, site, store):
        site.pages["/a"] = Page(b"ok", login="me:s3cr:t")
        assert fetcher(store).get(site.url("/a", "me:s3cr%3At")) == b"ok"
        with pytest.raises(NetworkError) as caught:
            fetcher(store).get(site.url("/b?token=hidden", "me:s3cret"))
        assert "s3cret" not in caught.value.message
        assert "hidden" not in caught.value.message

    def test_come_from_netrc(self, site, store):
        (store.root / ".netrc").write_text("machine 127.0.0.1 login me password pw\n")
        (store.root / ".netrc").chmod(0o600)
        site.pages["/a"] = Page(b"ok", login="me:pw")
        assert fetcher(store).get(site.url("/a")) == b"ok"

    def test_of_an_index_serve_its_files_too(self, site, store):
        site.pages["/files/a"] = Page(b"ok", login="me:pw")
        pip = PipSettings(index_url=site.url("/simple", "me:pw"))
        assert fetcher(store, pip=pip).get(site.url("/files/a")) == b"ok"

    def test_of_a_named_index_come_from_the_environment(self, site, store):
        site.pages["/files/a"] = Page(b"ok", login="me:pw")
        environ = {
            "UV_INDEX_OUR_OWN_USERNAME": "me",
            "UV_INDEX_OUR_OWN_PASSWORD": "pw",
        }
        get = fetcher(
            store, environ=environ, indexes={"our-own": site.url("/simple")}
        ).get
        assert get(site.url("/files/a")) == b"ok"

    def test_a_refusal_says_where_to_put_them(self, site, store):
        site.pages["/a"] = Page(b"ok", login="me:pw")
        with pytest.raises(NetworkError, match="401") as caught:
            fetcher(store).get(site.url("/a"))
        assert "netrc" in caught.value.hint

    def test_are_kept_on_the_same_server(self, site, store):
        site.pages["/a"] = Page(redirect="/b")
        site.pages["/b"] = Page(b"ok", login="me:pw")
        assert fetcher(store).get(site.url("/a", "me:pw")) == b"ok"

    def test_are_not_sent_to_another_host(self, site, store):
        with serving() as other:
            other.pages["/b"] = Page(b"ok")
            site.pages["/a"] = Page(redirect=other.url("/b"))
            assert fetcher(store).get(site.url("/a", "me:pw")) == b"ok"
            assert "Authorization" in site.requests[0][1]
            assert "Authorization" not in other.requests[0][1]


class TestRedirects:
    def test_ends_a_circle(self, site, store):
        site.pages["/a"] = Page(redirect="/a")
        with pytest.raises(NetworkError, match="redirects"):
            fetcher(store).get(site.url("/a"))

    @pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://h/x"])
    def test_never_leads_to_another_kind_of_place(self, site, store, target):
        site.pages["/a"] = Page(redirect=target)
        with pytest.raises(NetworkError, match="not be safe"):
            fetcher(store).get(site.url("/a"))


class TestProxies:
    def test_are_used_and_bypassed(self, site, store):
        site.pages["http://example.invalid/a"] = Page(b"by proxy")
        site.pages["/a"] = Page(b"direct")
        environ = {"http_proxy": site.url(""), "NO_PROXY": "127.0.0.0/8,.local"}
        get = fetcher(store, environ=environ).get
        assert get("http://example.invalid/a") == b"by proxy"
        assert get(site.url("/a")) == b"direct"

    def test_get_their_own_credentials(self, site, store):
        site.pages["http://example.invalid/a"] = Page(b"by proxy")
        get = fetcher(store, environ={"ALL_PROXY": site.url("", "me:pw")}).get
        assert get("http://example.invalid/a") == b"by proxy"
        assert site.requests[0][1]["Proxy-Authorization"].startswith("Basic ")

    def test_of_an_unknown_kind_are_refused(self, store):
        environ = {"ALL_PROXY": "socks5://127.0.0.1:1"}
        with pytest.raises(UsageError, match="socks5"):
            fetcher(store, environ=environ).get("http://example.invalid/a")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of a company's own, as a bundle that also holds its key."""
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run(
        ["openssl", *words.split(), *names, *files], check=True, capture_output=True
    )
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


@pytest.fixture
def secure_site(certificate: Path) -> Iterator[Site]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(context) as site:
        site.pages["/a"] = Page(b"ok")
        yield site


class TestCertificates:
    def test_of_the_bundle_are_trusted(self, secure_site, store, certificate):
        get = fetcher(store, certificate=str(certificate)).get
        assert get(secure_site.url("/a")) == b"ok"

    def test_of_nobody_known_are_refused_with_a_way_out(self, secure_site, store):
        with pytest.raises(NetworkError, match="certificate is not trusted") as caught:
            fetcher(store).get(secure_site.url("/a"))
        assert "SSL_CERT_FILE" in caught.value.hint
        assert secure_site.requests == []

    def test_of_a_host_pip_trusts_are_not_checked(self, secure_site, store):
        pip = PipSettings(trusted_hosts=("127.0.0.1",))
        assert fetcher(store, pip=pip).get(secure_site.url("/a")) == b"ok"

    def test_do_not_let_a_redirect_fall_back_to_plain_http(
        self, site, secure_site, store, certificate
    ):
        site.pages["/b"] = Page(b"altered")
        secure_site.pages["/a"] = Page(redirect=site.url("/b"))
        with pytest.raises(NetworkError, match="not be safe"):
            fetcher(store, certificate=str(certificate)).get(secure_site.url("/a"))
        assert site.requests == []

    def test_a_server_without_any_is_told(self, site, store):
        site.pages["/a"] = Page(b"plain")
        with pytest.raises(NetworkError, match="does not speak TLS"):
            fetcher(store).get(site.url("/a").replace("http:", "https:"))
        assert site.requests == []

    def test_an_unreadable_bundle_is_named(self, store):
        with pytest.raises(UsageError, match=r"nothere\.pem"):
            fetcher(store, certificate="/nothere.pem").get("https://127.0.0.1:9/")


class TestRanges:
    @pytest.mark.parametrize("ranges", [True, False])
    def test_reads_at_any_place(self, site, store, ranges):
        site.pages["/a"] = Page(BODY, ranges=ranges)
        with fetcher(store).open_range(site.url("/a")) as stream:
            assert stream.seek(0, 2) == len(BODY)
            stream.seek(-10, 2)
            assert stream.read() == BODY[-10:]
            stream.seek(999_990)
            assert stream.read(100_000) == BODY[999_990:1_099_990]
            stream.seek(0)
            assert stream.read() == BODY
        if ranges:
            assert None not in site.ranges("/a")

    def test_asks_for_little_when_little_is_read(self, site, store):
        site.pages["/a"] = Page(BODY * 3)
        with fetcher(store).open_range(site.url("/a")) as stream:
            stream.seek(5_000_000)
            stream.read(10)
        assert len(site.requests) == 2

    def test_an_empty_file_is_empty(self, site, store):
        site.pages["/a"] = Page(b"")
        with fetcher(store).open_range(site.url("/a")) as stream:
            assert stream.read() == b""

    def test_notices_that_the_file_changed(self, site, store):
        site.pages["/a"] = Page(BODY)
        with fetcher(store).open_range(site.url("/a")) as stream:
            site.pages["/a"] = Page(BODY[:-1])
            with pytest.raises(ArtefactError, match="changed on the server"):
                stream.read(10)

    def test_repeats_a_range_that_was_cut(self, site, store):
        site.pages["/a"] = Page(BODY)
        with fetcher(store).open_range(site.url("/a")) as stream:
            site.pages["/a"].cuts = [1000]
            assert stream.read() == BODY

    def test_a_local_file_needs_no_ranges(self, tmp_path, store):
        (tmp_path / "a").write_bytes(BODY)
        with fetcher(store).open_range((tmp_path / "a").as_uri()) as stream:
            assert stream.read() == BODY


def downloads(site: Site, count: int) -> list[Download]:
    items = []
    for number in range(count):
        body = random.Random(number).randbytes(50_000)
        site.pages[f"/{number}"] = Page(body)
        items.append(
            Download(
                urls=(site.url(f"/{number}"),),
                digest=of_bytes(body),
                size=len(body),
                name=f"{number}.whl",
            )
        )
    return items


class TestMany:
    def test_fetches_all_of_them(self, site, store):
        items = downloads(site, 30)
        fetcher(store).fetch_all([*items, *items])
        assert all(store.has(item.digest, item.size) for item in items)
        assert len(site.requests) == 30

    def test_nothing_to_fetch_is_fine(self, store):
        fetcher(store).fetch_all([])

    def test_the_first_error_stops_the_others_at_once(self, site, store):
        items = downloads(site, 3)
        site.pages["/0"] = Page(endless=threading.Event())
        site.pages["/1"] = Page(bytes(50_000))
        endless = Download(urls=items[0].urls, digest=DIGEST, size=None, name="endless")
        start = time.monotonic()
        with pytest.raises(DigestError, match=r"1\.whl"):
            fetcher(store).fetch_all([endless, *items[1:]])
        assert time.monotonic() - start < 2
        assert not store.has(DIGEST)
        assert not any(name.startswith("blob-") for name in leftovers(store))

    def test_two_fetchers_ask_once_for_the_same_file(self, site, store):
        (item,) = downloads(site, 1)
        threads = [
            threading.Thread(target=fetcher(store).fetch_all, args=([item],))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert store.has(item.digest)
        assert len(site.requests) == 1


def test_no_address_at_all_is_told(store: Store):
    with pytest.raises(NetworkError, match="no address is known"):
        fetcher(store).fetch([], digest=Digest(DIGEST), size=1, name="a.whl")


def test_ctrl_c_ends_downloads_at_once(site: Site, store: Store):
    site.pages["/a"] = Page(endless=threading.Event())
    script = (
        "import sys; from pathlib import Path\n"
        "from firstlight.config import Settings\n"
        "from firstlight.net import Download, Fetcher\n"
        "from firstlight.store import Store\n"
        "store = Store(Path(sys.argv[1])); settings = Settings(store=store.root)\n"
        "Fetcher(settings, store).fetch_all([Download(urls=(sys.argv[2],), name='a',"
        " digest=sys.argv[3], size=None)])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, store.root, site.url("/a"), DIGEST],
        stderr=subprocess.PIPE,
        text=True,
    )
    while not site.requests:
        time.sleep(0.01)
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=10)
    assert time.monotonic() - start < 3
    assert "KeyboardInterrupt" in told
    assert not any(name.startswith("blob-") for name in leftovers(store))
