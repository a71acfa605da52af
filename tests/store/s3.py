"""A small object store that speaks as much of S3's protocol as a lake needs, in the memory of a process of its own.

The Delta library holds the interpreter while it waits for an answer, so none of this process could give it one.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

ROOT = Path(__file__).parents[2]

MODIFIED = "2026-01-01T00:00:00.000Z"


class Bucket:
    """Objects by key, and uploads in parts that are under way."""

    def __init__(self) -> None:
        """Begin empty."""
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.lock = threading.Lock()


BUCKET = Bucket()


class Handler(BaseHTTPRequestHandler):
    """Answers requests for the one bucket of this process; paths are `/bucket/key`."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    @property
    def key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]

    @property
    def asked(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query, True).items()}

    def answer(self, code: int, body: bytes = b"", headers: dict[str, str] | None = None, size: int = -1) -> None:
        self.send_response(code)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if size < 0 else size))
        self.end_headers()
        self.wfile.write(body)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def parse_request(self) -> bool:
        """Read the head of a request; one that is not signed is refused."""
        if not super().parse_request():
            return False
        if "Authorization" not in self.headers:
            self.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            return False
        return True

    def do_PUT(self) -> None:
        data = self.body()
        with BUCKET.lock:
            if "uploadId" in self.asked:
                BUCKET.uploads[self.asked["uploadId"]][int(self.asked["partNumber"])] = data
            elif self.headers.get("If-None-Match") == "*" and self.key in BUCKET.objects:
                self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
                return
            elif "x-amz-copy-source" in self.headers:
                source = unquote(self.headers["x-amz-copy-source"]).lstrip("/").partition("/")[2]
                BUCKET.objects[self.key] = BUCKET.objects[source]
            else:
                BUCKET.objects[self.key] = data
        self.answer(200, headers={"ETag": tag(data)})

    def do_POST(self) -> None:
        data = self.body()
        with BUCKET.lock:
            if "uploads" in self.asked:
                upload = f"upload-{len(BUCKET.uploads)}"
                BUCKET.uploads[upload] = {}
                inner = f"<UploadId>{upload}</UploadId>"
                self.answer(200, f"<InitiateMultipartUploadResult>{inner}</InitiateMultipartUploadResult>".encode())
            elif "uploadId" in self.asked:
                parts = BUCKET.uploads[self.asked["uploadId"]]
                BUCKET.objects[self.key] = b"".join(parts[number] for number in sorted(parts))
                inner = f"<ETag>{tag(BUCKET.objects[self.key])}</ETag>"
                self.answer(200, f"<CompleteMultipartUploadResult>{inner}</CompleteMultipartUploadResult>".encode())
            else:  # removal of several
                gone = re.findall(r"<Key>(.*?)</Key>", data.decode())
                for key in gone:
                    BUCKET.objects.pop(unescape(key), None)
                told = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in gone)
                self.answer(200, f"<DeleteResult>{told}</DeleteResult>".encode())

    def do_DELETE(self) -> None:
        with BUCKET.lock:
            BUCKET.objects.pop(self.key, None)
        self.answer(204)

    def do_HEAD(self) -> None:
        self.give(with_body=False)

    def do_GET(self) -> None:
        if self.key:
            self.give(with_body=True)
        else:
            self.answer(200, self.listing().encode(), {"Content-Type": "application/xml"})

    def give(self, with_body: bool) -> None:
        with BUCKET.lock:
            data = BUCKET.objects.get(self.key)
        if data is None:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>" if with_body else b"")
            return
        headers = {"ETag": tag(data), "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        span = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if span is None:
            self.answer(200, data if with_body else b"", headers, len(data))
            return
        whole = len(data)
        first = int(span[1]) if span[1] else whole - int(span[2])
        last = min(int(span[2]), whole - 1) if span[1] and span[2] else whole - 1
        headers["Content-Range"] = f"bytes {first}-{last}/{whole}"
        self.answer(206, data[first : last + 1], headers)

    def listing(self) -> str:
        prefix, delimiter = self.asked.get("prefix", ""), self.asked.get("delimiter", "")
        after = self.asked.get("start-after", "")
        with BUCKET.lock:
            found = {key: data for key, data in sorted(BUCKET.objects.items()) if key.startswith(prefix)}
        folders, contents = set(), []
        for key, data in found.items():
            rest = key[len(prefix) :]
            if key <= after:
                continue
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
                continue
            size = f"<Size>{len(data)}</Size><ETag>{escape(tag(data))}</ETag>"
            contents.append(
                f"<Contents><Key>{escape(key)}</Key><LastModified>{MODIFIED}</LastModified>{size}</Contents>"
            )
        shared = "".join(
            f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in sorted(folders)
        )
        inner = f"<IsTruncated>false</IsTruncated>{''.join(contents)}{shared}"
        return f"<ListBucketResult>{inner}</ListBucketResult>"


def tag(data: bytes) -> str:
    """The entity tag of an object."""
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def serve() -> None:
    """Serve at a free port of this machine, whose number is the first line printed."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


@contextmanager
def object_store() -> Iterator[str]:
    """A store of its own; its address comes back."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.store.s3 import serve; serve()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(child.stdout.readline())}"
        finally:
            child.kill()


def contents(address: str) -> dict[str, bytes]:
    """Every object of a store."""

    def get(path: str) -> bytes:
        request = urllib.request.Request(f"{address}/fleet{path}", headers={"Authorization": "a test"})
        with urllib.request.urlopen(request) as answer:
            data: bytes = answer.read()
            return data

    keys = [unescape(key) for key in re.findall(r"<Key>(.*?)</Key>", get("/?list-type=2").decode())]
    return {key: get(f"/{quote(key)}") for key in keys}
