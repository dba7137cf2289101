"""Work that ends when its client leaves, and the task that goes on afterwards."""

from __future__ import annotations

import asyncio

import pytest

from streaming.disconnect import ClientGoneError, UntilClientLeaves


async def leaves():
    return {"type": "http.disconnect"}


async def stays():
    await asyncio.sleep(60)


def test_a_client_that_leaves_ends_what_is_being_waited_for():
    async def run():
        async with asyncio.timeout(1), UntilClientLeaves(leaves):
            await asyncio.sleep(60)

    with pytest.raises(ClientGoneError):
        asyncio.run(run())


def test_after_a_client_left_its_task_is_not_a_cancelled_one():
    async def run():
        with pytest.raises(ClientGoneError):
            async with UntilClientLeaves(leaves):
                await asyncio.sleep(60)
        task = asyncio.current_task()
        # A task group ends a parent that is being cancelled.
        async with asyncio.TaskGroup() as group:
            later = group.create_task(asyncio.sleep(0.01, "done"))
        return task.cancelling(), later.result()

    assert asyncio.run(run()) == (0, "done")


def test_a_cancellation_from_outside_stays_one():
    async def work():
        async with UntilClientLeaves(stays):
            await asyncio.sleep(60)

    async def run():
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


def test_a_time_limit_inside_stays_a_time_limit():
    async def run():
        async with UntilClientLeaves(stays), asyncio.timeout(0.01):
            await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        asyncio.run(run())
