"""One run that somebody else started: read, judged, its incidents written, and acted on if told."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agents.log_monitor import INTERVENTION, InterventionQuestion
from agents.monitoring.bandit import experience
from agents.monitoring.diagnosis import cause, explained
from agents.monitoring.ending import ended as diagnosis
from agents.monitoring.follower import Follower
from agents.monitoring.live_clock import LiveClock
from agents.monitoring.responses import ADVISORY
from desk.attach_choices import possible
from desk.attached_commands import ran, told
from labcrew.domain.experiment import Incident, Intervention
from labcrew.domain.monitoring import Action, Alarm, Attachment, Expectations, Usage
from labcrew.judgement import Judge
from labcrew.ledger import Ledger
from labcrew.ledger.leases import Lease
from labcrew.ports import Clock
from sandboxes.text import clean
from tools.followers.process import Process
from tools.followers.source import Ended, Source

ACTOR = "log_monitor"
_EVIDENCE_LINES, _EVIDENCE_LENGTH = 8, 300
_TURN_S, _DRAIN_S = 0.2, 30.0
_ONLY_WATCHED = "labcrew only watches this run: it is for you to act"

Tell = Callable[[str, dict[str, Any]], None]
"""Is told what happened: a word for it, and the record that says what."""


class AttachedRun:
    """Supervises one run. All but the person's own commands happens in the caller's thread.

    Args:
        attachment: its record, written already.
        lease: the right to watch it; every write is refused once another has it.
        source: where its output comes from.
        expected: what is known of it.
        judge: answers what to do where there is a choice.
        tell: is told of incidents, actions and the end.
        wake: has `take` called soon; from any thread.
    """

    def __init__(
        self,
        attachment: Attachment,
        lease: Lease,
        source: Source,
        ledger: Ledger,
        clock: Clock,
        expected: Expectations,
        judge: Judge,
        tell: Tell,
        wake: Callable[[], None],
    ) -> None:
        self.attachment, self.source = attachment, source
        self._lease, self._ledger, self._home_ledger = lease, ledger.fenced(lease), ledger
        self._clock, self._expected, self._judge = clock, expected, judge
        self._tell, self._wake = tell, wake
        self.incidents: list[Incident] = []
        self._known = {i.id: i for i in ledger.incidents.of(attachment.id)}
        self.over = False
        self.usage: Usage | None = None
        self._open: dict[str, _Open] = {}
        self._acting: threading.Thread | None = None
        self._acted: tuple[_Open, Intervention] | None = None
        self._stopped, self._drained = threading.Event(), threading.Event()
        self._turned = False
        self._more, self._unannounced = False, False
        self._begin()

    def _begin(self) -> None:
        self.follower = Follower(self._expected)
        self._heard = self._clock.monotonic()
        self._live = LiveClock(self._heard)

    @property
    def run(self) -> str:
        """The present run's name: the attachment's, and which restart."""
        again = self.attachment.restarts
        return f"{self.attachment.id}-R{again}" if again else self.attachment.id

    @property
    def silent_s(self) -> float:
        """Seconds since output came."""
        return self._clock.monotonic() - self._heard

    def woken(self) -> None:
        """Takes what the system told of."""
        self._unannounced = False
        self.take()

    def take(self) -> bool:
        """Reads and judges what is there; answers whether anything was."""
        self._settle()
        came, now = False, self._clock.monotonic()
        if not self._more:
            self._live.reads(now)
        until = now + _TURN_S
        for text in self.source.read():
            came = True
            self._heard = self._clock.monotonic()
            self._meet(self.follower.feed(text, self._at_s))
            if self._heard > until:  # other runs have their turn
                self._more = True
                self._wake()
                return True
        self._more = False
        self._live.has_read(self._clock.monotonic())
        if self.source.whole:
            self._live.catches_up(self._clock.monotonic())
        return came

    @property
    def _at_s(self) -> float:
        return self._live.at_s(self._clock.monotonic())

    def tick(self) -> None:
        """Lets time pass: about once a second."""
        if self._unannounced:
            self.source.unannounced()
        # Unless a wake comes for it now, nobody tells of what is written here.
        self._unannounced = not self._more and self.take() and self.source.announced
        usage = self.source.usage()
        self.usage = usage or self.usage
        self._meet(self.follower.tick(self._at_s, usage))
        if self._acting is not None:
            return
        ended = self.source.ended(self.silent_s)
        if ended is not None:
            while self.take() and self._more:
                continue
            self._end(ended)

    def look(self) -> None:
        """Judges what stands there now, to its last byte, and leaves the run."""
        while self.take() and self._more:
            continue
        self._meet(self.follower.end(self._at_s))
        self.wait()
        self.finish("left", "it was looked at once")

    def wait(self) -> None:
        """Waits for a command of the person's own that is being run."""
        while self._acting is not None:
            self._acting.join(0.05)
            self._settle()

    def _end(self, ended: Ended) -> None:
        self._meet(self.follower.end(self._at_s))
        alarm = diagnosis(ended.exit_code, ended.out_of_memory, False, tuple(self.follower.tail))
        if alarm is not None:
            self._meet((alarm,), running=False)
        if self._acting is None:
            self.finish("ended", ended.reason, ended.exit_code)

    def finish(self, status: str, outcome: str, exit_code: int | None = None) -> None:
        """Closes the record: the run has ended, or the watch leaves it."""
        self.over = True
        self._judge_restart(exit_code if status == "ended" else None)
        self._keep(
            status=status,
            outcome=outcome,
            exit_code=exit_code,
            ended_at=self._clock.now(),
            lines=self.follower.lines,
            unread=self.follower.unread,
        )
        if self.follower.failed:
            self._ledger.events.append(
                ticket=self.attachment.id,
                actor=ACTOR,
                kind="detector.failed",
                key=f"{self.run}/detectors",
                data={"run": self.run, "failed": self.follower.failed},
            )
        self._tell("ended", {"attachment": self.attachment})
        self._home_ledger.release(self._lease)

    def renew(self, ttl_s: float) -> None:
        """Keeps the lease. Raises LeaseLost."""
        self._lease = self._home_ledger.renew(self._lease, ttl_s)

    @property
    def troubled(self) -> bool:
        """Whether the run failed, or had an incident of a kind that it can't go on with."""
        code = self.attachment.exit_code
        return code not in (None, 0) or any(
            i.kind not in ADVISORY and i.trial == self.run for i in self.incidents
        )

    def _meet(self, alarms: tuple[Alarm, ...], *, running: bool = True) -> None:
        for alarm in alarms:
            # Written before anything is decided: whoever is killed now has told of it.
            incident = self._opened(alarm)
            if all(one.id != incident.id for one in self.incidents):
                self.incidents.append(incident)
            if incident.intervention is None:
                self._open[incident.id] = _Open(incident, alarm, running)
        self._answer()

    def _opened(self, alarm: Alarm) -> Incident:
        id = f"{self.run}-{alarm.kind.replace('_', '-')}"
        if (known := self._known.get(id)) is not None:
            self._tell("incident", {"incident": known})
            return known
        lines = alarm.lines[-_EVIDENCE_LINES:]
        incident = Incident(
            id=id,
            ticket=self.attachment.id,
            trial=self.run,
            kind=alarm.kind,
            evidence=tuple(clean(line)[:_EVIDENCE_LENGTH] for line in lines),
            diagnosis=clean(alarm.diagnosis),
            confidence=alarm.confidence,
            step=alarm.step,
            subject=clean(alarm.subject),
            at_s=round(self._at_s, 3),
        )
        self._ledger.incidents.put(incident, actor=ACTOR, kind="incident.opened")
        self._known[id] = incident
        self._tell("incident", {"incident": incident})
        return incident

    def _answer(self) -> None:
        """Acts on one incident after the other, the one that explains the others first."""
        attached = self.attachment
        if not attached.stop and not attached.restart:
            for one in self._open.values():
                left: Action = "continue" if one.alarm.kind in ADVISORY else "escalate"
                done = Intervention(action=left, because=_ONLY_WATCHED, by="rule")
                self._did(one.incident, done)
            self._open.clear()
        elif self._open and self._acting is None:
            main = cause([one.alarm for one in self._open.values()])
            one = next(one for one in self._open.values() if one.alarm is main)
            del self._open[one.incident.id]
            earlier = self._ledger.incidents.of(attached.id)
            progressed = self.follower.step > 0
            choices = possible(attached, main, earlier, progressed=progressed, running=one.running)
            self._acting = threading.Thread(
                target=self._act, args=(one, choices), name="labcrew-act", daemon=True
            )
            self._acting.start()

    def _explain(self, by: "_Open", done: Intervention) -> None:
        """Answers what needs nothing more: what was explained, or was of a run that is no more."""
        over = done.new_trial or done.action == "give_up"
        effects = explained(by.alarm, [one.alarm for one in self._open.values()])
        for one in list(self._open.values()):
            if one.incident.trial != by.incident.trial or not (over or one.alarm in effects):
                continue
            because = f"explained by {by.alarm.kind.replace('_', ' ')}"
            part = Intervention(
                action="continue", because=because, by="rule", part_of=by.incident.id
            )
            self._did(one.incident, part)
            del self._open[one.incident.id]

    def _act(self, one: "_Open", choices: tuple[Action, ...]) -> None:
        """In a thread of its own: a model may be asked, and the person's commands take a while."""
        try:
            self._acted = (one, self._done(one, choices))
        except Exception as error:  # whatever it is, the watch goes on and says so
            because = f"it could not be done: {error}"[:600]
            self._acted = (one, Intervention(action="escalate", because=because, by="rule"))
        finally:
            self._wake()

    def _done(self, one: "_Open", choices: tuple[Action, ...]) -> Intervention:
        """Chooses, and does it with the person's own commands; where one fails, it is for people.

        A run that could not be stopped is not started a second time beside itself.
        """
        import asyncio

        incident = one.incident
        question = InterventionQuestion(
            id=incident.id,
            kind=incident.kind,
            diagnosis=incident.diagnosis,
            evidence=incident.evidence,
            values={},
            allowed=choices,
            known=experience(incident.kind, choices, self._ledger.incidents.all()),
            explore=False,  # it is not labcrew's run to try things out on
        )
        verdict = asyncio.run(self._judge.ask(INTERVENTION, question))
        action, because = verdict.answer.action, verdict.answer.because
        attached, again, number = self.attachment, "", self.attachment.restarts + 1
        restarts, failed = action.startswith("restart"), False
        if attached.stop and (restarts or action == "give_up"):
            stopped = self._once(incident, "stop", attached.stop, action)
            because += f"; stop: {stopped['outcome']}"
            failed = one.running and stopped.get("exit_code") != 0
        if restarts and not failed:
            if attached.stop:
                # What is printed from here on is the next run's.
                self._drained.clear()
                self._stopped.set()
                self._wake()
                self._drained.wait(_DRAIN_S)
            started = self._once(incident, "restart", attached.restart, action)
            because += f"; restart: {started['outcome']}"
            failed = started.get("exit_code") != 0
            if not failed:
                again = f"{attached.id}-R{number}"
                self._new_process(str(started["said"]))
        return Intervention(
            action="escalate" if failed else action,
            because=because,
            by=verdict.by,
            new_trial=again,
            explored=verdict.answer.explored,
        )

    def _once(self, incident: Incident, step: str, command: str, action: Action) -> dict[str, Any]:
        """Runs a command of the person's own once, whatever is killed; answers what came of it."""
        # Not the command: a watch that was killed may be started again with another.
        payload = {"incident": incident.id, "step": step}
        attached = self.attachment

        def perform() -> dict[str, Any]:
            earlier = self._ledger.incidents.of(attached.id)
            return ran(command, told(attached, incident, action, earlier))

        key = f"{incident.id}/{step}"
        return self._ledger.once(key, attached.id, payload, perform, lambda: _UNKNOWN)

    def _new_process(self, said: str) -> None:
        last = said.strip().rpartition("\n")[2]
        if isinstance(self.source, Process) and last.isascii() and last.isdigit():
            self.source.follow(int(last))

    def _settle(self) -> None:
        """Takes over what the acting thread did, in this thread."""
        if self._stopped.is_set():
            self._stopped.clear()
            self._turn()
            self._turned = True
            self._drained.set()
        if self._acted is None:
            return
        (one, done), self._acted, self._acting = self._acted, None, None
        self._did(one.incident, done)
        if done.new_trial and done.new_trial != self.run:  # there was no moment between the two
            self._turn()
        if done.new_trial:
            self.source.again()
        elif self._turned:  # there is no next run
            self._keep(restarts=self.attachment.restarts - 1)
        self._turned = False
        self._explain(one, done)
        self._answer()

    def _turn(self) -> None:
        """Ends the record of the present run and begins the next one's."""
        for text in self.source.read():  # the last words of the run that was ended
            self.follower.feed(text, self._at_s)
        place = self.source.place
        self._judge_restart(None)
        self._keep(restarts=self.attachment.restarts + 1, file=place.file, offset=place.offset)
        self._begin()

    def _did(self, incident: Incident, done: Intervention) -> None:
        written = incident.model_copy(update={"intervention": done})
        self._ledger.incidents.put(written, actor=ACTOR, kind="incident.answered")
        self._known[incident.id] = written
        self.incidents[:] = [written if i.id == incident.id else i for i in self.incidents]
        self._tell("action", {"incident": written})

    def _judge_restart(self, exit_code: int | None) -> None:
        """Writes whether the restart that made the present run helped; unknown stays unknown."""
        for incident in self._ledger.incidents.of(self.attachment.id):
            done = incident.intervention
            if done is None or done.new_trial != self.run or done.helped is not None:
                continue
            bad = any(i.trial == self.run and i.kind not in ADVISORY for i in self.incidents)
            helped = False if bad else True if exit_code == 0 else None
            score = None if helped is None else float(helped)
            closed = done.model_copy(update={"helped": helped, "score": score})
            self._ledger.incidents.put(
                incident.model_copy(update={"intervention": closed}),
                actor=ACTOR,
                kind="incident.closed",
            )

    def _keep(self, **changes: object) -> None:
        self.attachment = self.attachment.model_copy(update=changes)
        self._ledger.attachments.put(self.attachment, actor=ACTOR, kind="attachment.changed")


@dataclass(frozen=True)
class _Open:
    """An incident that isn't answered yet."""

    incident: Incident
    alarm: Alarm
    running: bool


_UNKNOWN = {
    "outcome": "not known: the watch was killed while it ran, and it is not run twice",
    "said": "",
}
