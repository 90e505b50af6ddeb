"""What `labcrew doctor` says of the engine, in plain words."""

from datetime import UTC, datetime, timedelta

from labcrew.settings import SandboxSettings
from sandboxes.offers import Offer, offers
from tests.sandboxes.fixtures import Workshop


def said(settings: SandboxSettings | None = None, moved_s: float = 0) -> dict[str, Offer]:
    now = datetime.now(UTC) + timedelta(seconds=moved_s)
    return {offer.name: offer for offer in offers(settings or SandboxSettings(), now)}


def test_what_the_engine_offers_is_told(workshop: Workshop) -> None:
    told = said()
    assert {"storage", "limits", "isolation", "runtime", "workspaces", "clock", "GPU"} <= set(told)
    assert told["workspaces"].detail == "capped in size and files; loop devices work"
    assert "memory and process limits work" in told["limits"].detail
    assert "runc" in told["runtime"].detail
    assert told["clock"].state == "ok"
    # What it tried is gone.
    volumes = workshop.sandboxes.client.volumes()["Volumes"] or []
    assert not [item["Name"] for item in volumes if "labcrew-doctor" in item["Name"]]


def test_what_a_setting_weakens_or_asks_in_vain_is_told(workshop: Workshop) -> None:
    told = said(SandboxSettings(runtime="no-such-runtime", volumes="plain"), moved_s=3600)
    assert told["runtime"].state == "problem"
    assert "no-such-runtime" in told["runtime"].detail
    assert (told["workspaces"].state, told["clock"].state) == ("warning", "warning")
    assert "3600 s behind" in told["clock"].detail
