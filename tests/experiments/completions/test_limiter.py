from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

import pytest

from experiments.completions.limiter import EndpointLimiter


class _Clockwork(selectors.SelectSelector):
    """Waits by moving the loop's time on, so that minutes of a test take no time."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout:
            self.now += timeout
        return super().select(0)


def in_its_own_time(main: Coroutine[Any, Any, Any]) -> Any:
    clockwork = _Clockwork()
    loop = asyncio.SelectorEventLoop(clockwork)
    loop.time = lambda: clockwork.now  # type: ignore[method-assign]
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()


def now() -> float:
    return asyncio.get_running_loop().time()


def test_no_more_calls_are_out_than_allowed():
    async def main() -> int:
        limiter, most = EndpointLimiter(4), 0

        async def call() -> None:
            nonlocal most
            async with limiter.slot():
                most = max(most, limiter.out)
                await asyncio.sleep(1)

        await asyncio.gather(*(call() for _ in range(20)))
        return most

    assert in_its_own_time(main()) == 4


def test_it_waits_and_never_rejects():
    async def main() -> float:
        limiter = EndpointLimiter(2)

        async def call() -> None:
            async with limiter.slot():
                await asyncio.sleep(1)

        await asyncio.gather(*(call() for _ in range(20)))
        return now()

    assert in_its_own_time(main()) == pytest.approx(10)


def test_slots_go_in_the_order_of_asking():
    async def main() -> list[int]:
        limiter, order = EndpointLimiter(1), []

        async def call(number: int) -> None:
            async with limiter.slot():
                order.append(number)
                await asyncio.sleep(0.1)

        await asyncio.gather(*(call(n) for n in range(8)))
        return order

    assert in_its_own_time(main()) == list(range(8))


def test_nobody_starts_before_the_time_that_the_endpoint_named():
    async def main() -> list[float]:
        limiter, starts = EndpointLimiter(8), []
        limiter.rate_limited(5, started_at=now())

        async def call() -> None:
            async with limiter.slot():
                starts.append(now())

        await asyncio.gather(*(call() for _ in range(12)))
        return starts

    assert all(start >= 5 for start in in_its_own_time(main()))


def test_a_rate_limit_without_a_time_pauses_for_a_second():
    async def main() -> float:
        limiter = EndpointLimiter(8)
        limiter.rate_limited(None, started_at=now())
        return limiter.pause_s()

    assert in_its_own_time(main()) == 1.0


def test_the_width_shrinks_once_for_calls_of_one_round():
    async def main() -> float:
        limiter = EndpointLimiter(64)
        began = now()
        await asyncio.sleep(0.1)
        for _ in range(30):
            limiter.rate_limited(1, started_at=began)
        return limiter.width

    assert in_its_own_time(main()) == pytest.approx(64 * 0.8)


def test_the_width_never_falls_below_one():
    async def main() -> float:
        limiter = EndpointLimiter(2)
        for _ in range(20):
            limiter.rate_limited(0, started_at=now())
            await asyncio.sleep(1)
        return limiter.width

    assert in_its_own_time(main()) == 1.0


def test_the_width_grows_back_by_one_a_round():
    async def main() -> float:
        limiter = EndpointLimiter(100)
        limiter.rate_limited(0, started_at=now())
        for _ in range(80):
            limiter.succeeded()
        return limiter.width

    assert in_its_own_time(main()) == pytest.approx(81, abs=0.1)


def test_a_cancelled_wait_gives_its_place_to_the_next():
    async def main() -> tuple[int, int]:
        limiter = EndpointLimiter(1)

        async def call() -> None:
            async with limiter.slot():
                await asyncio.sleep(10)

        tasks = [asyncio.create_task(call()) for _ in range(3)]
        await asyncio.sleep(1)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return limiter.out, limiter.waiting()

    assert in_its_own_time(main()) == (0, 0)


def test_a_call_that_is_cancelled_gives_its_slot_back():
    async def main() -> int:
        limiter = EndpointLimiter(1)

        async def call() -> None:
            async with limiter.slot():
                await asyncio.sleep(10)

        task = asyncio.create_task(call())
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return limiter.out

    assert in_its_own_time(main()) == 0


def test_a_slot_that_comes_in_the_moment_of_cancellation_is_not_lost():
    async def main() -> int:
        limiter = EndpointLimiter(1)
        holder = limiter.slot()
        await holder.__aenter__()

        async def call() -> None:
            async with limiter.slot():
                await asyncio.sleep(1)

        waiting = asyncio.create_task(call())
        await asyncio.sleep(1)
        await holder.__aexit__(None, None, None)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        async with limiter.slot():
            return limiter.out

    assert in_its_own_time(main()) == 1


def test_an_endpoint_needs_a_slot():
    with pytest.raises(ValueError, match="at least one"):
        EndpointLimiter(0)


def throughput(*, rps: int, latency_s: float, width: int, items: int) -> tuple[float, int]:
    """Answers a second against a server that refuses what is over ``rps`` in each second, and how many it refused."""

    async def main() -> tuple[float, int]:
        limiter, refused = EndpointLimiter(width), 0
        window = [-1, 0]

        def admitted() -> bool:
            second = int(now())
            window[:] = [second, window[1] + 1] if window[0] == second else [second, 1]
            return window[1] <= rps

        async def item() -> None:
            nonlocal refused
            while True:
                async with limiter.slot():
                    started = now()
                    is_admitted = admitted()
                    await asyncio.sleep(latency_s if is_admitted else 0.01)
                    if is_admitted:
                        limiter.succeeded()
                        return
                    refused += 1
                    limiter.rate_limited(1.0 - now() % 1.0, started_at=started)

        await asyncio.gather(*(item() for _ in range(items)))
        return items / now(), refused

    return in_its_own_time(main())


@pytest.mark.parametrize(("rps", "latency_s"), [(20, 0.05), (20, 0.5), (100, 0.3)])
def test_it_keeps_four_fifths_of_the_providers_limit(rps: int, latency_s: float):
    rate, refused = throughput(rps=rps, latency_s=latency_s, width=64, items=rps * 30)

    assert rate >= 0.8 * rps
    assert refused < rps * 30
