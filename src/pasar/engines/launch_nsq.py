"""NSQ from the variables `NSQ*`: adopted, or our own nsqd and nsqlookupd."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from pasar.engines.decisions import (
    Decision,
    Named,
    Whose,
    is_loopback,
    joined,
    own_or_ours,
    split,
)
from pasar.engines.errors import EngineError
from pasar.engines.nsq_login import greet_nsqd
from pasar.engines.nsqd import NsqDaemon, nsqd, nsqlookupd
from pasar.engines.parts import Starter, bind_address
from pasar.engines.ports import USUAL


async def launch_nsq(starter: Starter, binaries: Path) -> None:
    """Adopt the nsqd that is named, or start ours with a nsqlookupd of its own."""
    given = starter.given
    host, port = split("NSQD_ADDR", given.get("NSQD_ADDR", f"localhost:{USUAL['NSQD_ADDR'][0]}"))
    named = Named(
        engine="nsqd",
        variable="NSQD_ADDR",
        host=host,
        port=port,
        is_set=bool({"NSQD_ADDR", "NSQ_LOOKUPD_ADDR"} & given.keys()),
        greet=partial(greet_nsqd, host, port),
    )
    decision = await own_or_ours(named)
    if decision.whose is Whose.EXTERNAL:
        starter.adopt("nsqd", named, decision)
        starter.found |= _reach(given, named)
    else:
        await _start_ours(starter, binaries, named, decision)


def _reach(given: Mapping[str, str], named: Named) -> dict[str, str]:
    """Without nsqlookupd consumers dial nsqd alone, so none is made up."""
    known = {
        "NSQD_ADDR": joined(named.host, named.port),
        "NSQD_HTTP_ADDR": joined(named.host, named.port + 1),
    }
    variables = (*known, "NSQ_LOOKUPD_ADDR")
    return known | {variable: given[variable] for variable in variables if variable in given}


async def _start_ours(starter: Starter, binaries: Path, named: Named, decision: Decision) -> None:
    given = starter.given
    exactly = decision.whose is Whose.OURS_EXACTLY_THERE
    host = bind_address(named.host)
    lookupd = await starter.start(
        "nsqlookupd",
        decision,
        host,
        {"NSQ_LOOKUPD_ADDR": _lookupd_port(given, named), "NSQLOOKUPD_TCP": None},
        lambda ports: _nsqlookupd(starter, binaries, host, ports),
    )
    http = given.get("NSQD_HTTP_ADDR")
    http_port = split("NSQD_HTTP_ADDR", http)[1] if http else named.port + 1 if exactly else None
    lookupd_tcp = joined(host, lookupd["NSQLOOKUPD_TCP"])
    broker = await starter.start(
        "nsqd",
        decision,
        host,
        {"NSQD_ADDR": named.port if exactly else None, "NSQD_HTTP_ADDR": http_port},
        lambda ports: _nsqd(starter, binaries, host, lookupd_tcp, ports),
    )
    for variable, at in (*broker.items(), ("NSQ_LOOKUPD_ADDR", lookupd["NSQ_LOOKUPD_ADDR"])):
        starter.found[variable] = joined(host, at)


def _lookupd_port(given: Mapping[str, str], named: Named) -> int | None:
    if "NSQ_LOOKUPD_ADDR" not in given:
        return None
    host, port = split("NSQ_LOOKUPD_ADDR", given["NSQ_LOOKUPD_ADDR"])
    if not is_loopback(host):
        raise EngineError(
            f"NSQ_LOOKUPD_ADDR={host}:{port} is another machine's, but no nsqd answers at {named}"
        )
    return port


def _nsqlookupd(starter: Starter, binaries: Path, host: str, ports: Mapping[str, int]) -> NsqDaemon:
    return nsqlookupd(
        binaries=binaries,
        log=starter.directory.log("nsqlookupd"),
        host=host,
        tcp_port=ports["NSQLOOKUPD_TCP"],
        http_port=ports["NSQ_LOOKUPD_ADDR"],
    )


def _nsqd(
    starter: Starter, binaries: Path, host: str, lookupd_tcp: str, ports: Mapping[str, int]
) -> NsqDaemon:
    return nsqd(
        binaries=binaries,
        folder=starter.directory.path,
        log=starter.directory.log("nsqd"),
        host=host,
        tcp_port=ports["NSQD_ADDR"],
        http_port=ports["NSQD_HTTP_ADDR"],
        lookupd_tcp=lookupd_tcp,
    )
