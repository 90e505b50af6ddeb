"""Tricks on an install's proxy: more of the index than its pages and the files they name."""

from knock import Probes, Targets  # type: ignore[import-not-found]
from proxied import HTTP, OTHER, send, tunnel_to  # type: ignore[import-not-found]


def probes(to: Targets) -> Probes:
    """The proxy of an install: more of the index than its pages and files."""
    made: Probes = {}
    for name, tried, path in (
        ("index-parent", "a path above the index", "/index/0/../private/{mark}"),
        ("index-parent-escaped", "the same with percent signs", "/index/0/%2e%2e/private/{mark}"),
        ("index-parent-slash", "the same with an escaped slash", "/index/0/..%2fprivate%2f{mark}"),
        ("index-deeper", "a path below a project's page", "/index/0/hostile/{mark}/x"),
        ("index-query", "a query at the index", "/index/0/hostile/?{mark}"),
        ("index-fragment", "a fragment at the index", "/index/0/hostile/#{mark}"),
        ("index-authority", "another host as a path", "/index/0//other.attack.test/{mark}"),
        ("index-unknown", "an index that is not there", "/index/7/{mark}"),
        ("index-negative", "an index with a sign", "/index/-1/{mark}"),
        ("file-guessed", "a file that no page named", "/file/" + "a" * 32 + "/{mark}"),
        ("file-parent", "a path above a file", "/file/" + "a" * 32 + "/../{mark}"),
    ):
        made[name] = (
            f"ask the index's proxy for {tried}",
            lambda n=name, p=path: send(to, n, f"GET {p}{HTTP}127.0.0.1", b""),
        )
    for name, tried, head in (
        (
            "index-write",
            "change something at the index",
            "POST /index/0/{mark} HTTP/1.1\r\nContent-Length: 0",
        ),
        (
            "index-absolute",
            "the index's host over plain HTTP",
            f"GET http://{to.other}:8081/{{mark}}{HTTP}{to.other}:8081",
        ),
        (
            "index-other-host",
            "another host over plain HTTP",
            f"GET {OTHER}/{{mark}}{HTTP}other.attack.test:8080",
        ),
    ):
        made[name] = (tried, lambda n=name, h=head: send(to, n, h, b""))
    made["index-tunnel"] = (
        "a tunnel to the index itself",
        lambda: tunnel_to(to, "index-tunnel", f"{to.other}:8081"),
    )
    made["index-tunnel-other"] = (
        "a tunnel to another host",
        lambda: tunnel_to(to, "index-tunnel-other", "other.attack.test:8080"),
    )
    return made
