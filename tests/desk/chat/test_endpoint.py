"""The chat over a real endpoint's protocol: native tools, and words as they come."""

from desk.chat.building import coordinator
from desk.web.access import Caller
from desk.wiring import Opened
from evals.chat.home import fill
from evals.endpoint import Calls, Reply, Says, endpoint
from labcrew.settings import Settings
from tests.desk.models.scripted import settings

ADA = Caller(name="ada", role="approver")
ASKS = Calls((("status", {"tickets": ["T-002"]}),))


async def said(opened: Opened, *script: Reply, text: str) -> tuple[str, str, list[str]]:
    with endpoint(*script) as served:
        model = settings(served.base_url, retries=0, timeout_s=120)
        with_model = Opened(
            opened.home, Settings(models={"coordinator": model}), opened.ledger, opened.clock
        )
        talking = coordinator(with_model)
        heard: list[str] = []
        thread = talking.threads.open("ada").id
        reply = await talking.say(thread, text, ADA, say=heard.append)
        told = " ".join([reply.text, *(s.text for s in reply.statements)])
        return reply.by, told, heard


async def test_it_is_asked_with_tools_and_heard_as_it_speaks(opened: Opened) -> None:
    fill(opened)
    words = "T-002 is running.\nIt is at 98.7 percent.\nMore stands below.\n"
    by, told, heard = await said(opened, ASKS, Says(words), text="how is T-002?")
    assert by == "model:test-model"
    assert "98.7" not in told
    assert "T-002 is running." in told
    assert "98.7" not in "".join(heard)
    assert "T-002 is running. " in heard
