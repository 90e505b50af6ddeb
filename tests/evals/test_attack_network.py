"""The battery's network part on this machine's engine."""

from evals.attacks.battery import attack
from evals.attacks.network.part import NETWORK
from evals.attacks.network.stage import Stage
from evals.attacks.table import complaints
from evals.lab import bare_bench
from sandboxes.client import connect


def test_nothing_gets_out_over_the_network() -> None:
    with bare_bench() as bench:
        report = attack(bench, [NETWORK])
    assert complaints(report) == []
    assert report.passed
    situations = {finding.probe.partition(":")[0] for finding in report.parts[0].findings}
    assert situations == {"none", "hosts", "install", "dockerfile"}


def test_the_control_knocks_at_nothing_outside_this_machine() -> None:
    client = connect()
    stage = Stage(client, "home", other="172.17.0.9", gateway="172.17.0.1")
    told = stage.settings("none", "direct", control=True)
    client.close()
    assert {told[name] for name in ("outside", "metadata", "other")} == {"172.17.0.9"}
    assert told["outside6"] == "::ffff:172.17.0.9"
    assert {"metadata-ipv6", "broadcast", "multicast", "multicast-ipv6"} <= set(told["skip"])
