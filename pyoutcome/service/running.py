"""A keeper put together from its configuration, and run until it is stopped."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread, current_thread, main_thread
from typing import TYPE_CHECKING, Any

from pyoutcome.chain.courier import Courier
from pyoutcome.chain.outbox import Outbox
from pyoutcome.database import open_database
from pyoutcome.index import EventIndex
from pyoutcome.service.alerts import Herald
from pyoutcome.service.configuration import Http, Setup
from pyoutcome.service.homes import Homes
from pyoutcome.service.inbox import Inbox
from pyoutcome.service.keeper import Keeper
from pyoutcome.service.letterbox import Letterbox
from pyoutcome.service.letterboxes import open_letterbox
from pyoutcome.service.logs import Redactor, say
from pyoutcome.service.naming import own_name
from pyoutcome.service.sending import Dispatch, Exchange, alert_channels
from pyoutcome.settlement.outgoing import Outgoing
from pyoutcome.settlement.patience import Patience
from pyoutcome.settlement.state import KeeperState
from pyoutcome.workspace.parties import Password

if TYPE_CHECKING:
    from pyoutcome.chain.network import Network


@contextmanager
def open_keeper(setup: Setup, password: Password) -> Iterator[tuple[Keeper, Dispatch]]:
    """A keeper and what sends for it, as the configuration says; everything is given back at the end.

    StoreError for the database, SettlementError ``secret-missing``, ``address-taken``; EvidenceError
    ``remote-extra-missing``, ``storage-failed`` for an inbox in an object store.
    """
    given = setup.configuration
    engine = open_database(setup.database)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        state = KeeperState(engine, own_name())
        outgoing = Outgoing(state)
        patience = Patience(given.attempts)
        homes = Homes(password, given.open_at_once)
        stack.callback(homes.close)
        herald = Herald(outgoing, alert_channels(setup))

        def courier_of(network: Network) -> Courier:
            return Courier(network, Outbox(engine, network.identity()), confirmations=given.confirmations)

        keeper = Keeper(
            setup,
            state,
            homes,
            herald,
            courier_of=courier_of,
            index_of=lambda network: EventIndex(engine, network),
            exchange=Exchange(outgoing, homes),
        )
        # Known from the start: what is posted before the first round is not turned away.
        homes.kept.update({kept.name: kept for kept in setup.agreements()})
        box = None if setup.inbox is None else open_letterbox(setup.inbox)
        if box is not None:
            keeper.inbox = Inbox(box, state, herald, homes.desk_of, lambda: homes.kept, patience)
        if given.http is not None:
            stack.enter_context(_serving(setup, given.http, box, keeper, outgoing))
        yield keeper, Dispatch(setup, outgoing, patience)


@contextmanager
def _serving(setup: Setup, http: Http, box: Letterbox | None, keeper: Keeper, outgoing: Outgoing) -> Iterator[None]:
    from pyoutcome.service.metrics import Figures
    from pyoutcome.service.web import Door, Keys, serving

    door = Door(box, Keys.read(setup, http), http.most_bytes, Figures(keeper, outgoing))
    with serving(door.app(), http):
        yield


def run_keeper(setup: Setup, password: Password, *, once: bool = False, wake: bool = False) -> None:
    """Runs a keeper until SIGTERM or SIGINT, or with ``once`` until nothing can be done now.

    ``wake``: what is parked or given up is tried again first.
    """
    with open_keeper(setup, password) as (keeper, dispatch):
        say("started", owner=keeper.state.owner)
        if wake:
            say("woken", periods=keeper.state.wake_parked(), outgoing=dispatch.outgoing.retry())
        sender = Thread(target=dispatch.run, name="sending", daemon=True)
        if not once:
            sender.start()
        try:
            with stopping(keeper.stop):
                keeper.run(once=once)
        finally:
            dispatch.stop()
            if not once:
                sender.join()
        while once and dispatch.flush():
            pass  # what is left is due later
        say("stopped", rounds=keeper.rounds)


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT end the run at a safe point; a second one ends the process as usual."""
    if current_thread() is not main_thread():
        yield
        return
    before: dict[int, Any] = {}

    def stop_once(number: int, _: object) -> None:
        signal.signal(number, before[number])
        say("stopping", signal=signal.Signals(number).name)
        stop()

    for number in (int(signal.SIGTERM), int(signal.SIGINT)):
        before[number] = signal.signal(number, stop_once)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def hide_secrets(setup: Setup, redactor: Redactor) -> None:
    """Tells the log's filter every secret the configuration names, and the keystores' passwords. SettlementError."""
    given = setup.configuration
    http, webhook, mail = given.http, given.alerts.webhook, given.alerts.mail
    named = [key.key for key in (http.keys.values() if http else ())]
    named += [webhook.url, webhook.secret] if webhook else []
    named += [each for each in (mail.user, mail.password) if each] if mail else []
    for duties in (*given.agreements.values(), *given.workspaces):
        named += [target.key for target in duties.exchange if target.key]
    for name in named:
        redactor.hide(setup.secret(name))
    for name, value in os.environ.items():
        if name.startswith("PYOUTCOME_PASSWORD_"):
            redactor.hide(value)
