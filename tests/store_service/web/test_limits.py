"""Which bucket is charged, and what the client is told (contract section 4, D29, D31)."""

import httpx

from tests.fakes.clock import HeldClock
from tests.store_service.web.toy import BUYER_ID, TOY, ToyShop, as_user, error_of

GOOD = {"name": "top", "pieces": 1}
RESET = int(HeldClock().now().timestamp()) + 60


async def test_an_admitted_request_tells_its_bucket() -> None:
    async with ToyShop(public=60).client() as client:
        response = await client.get("/toys")

    assert rate_headers(response) == (60, 59, RESET)


async def test_a_refused_request_says_when_to_come_again() -> None:
    shop = ToyShop(public=1)
    async with shop.client() as client:
        await client.get("/toys")
        response = await client.get("/toys")

    assert error_of(response) == (429, "RATE_LIMITED", "rate limit exceeded")
    assert rate_headers(response) == (1, 0, RESET)
    assert response.headers["Retry-After"] == "60"
    assert len(shop.toys.calls) == 1


async def test_a_request_that_fails_after_the_limiter_tells_its_bucket_too() -> None:
    async with ToyShop(public=60).client() as client:
        crash = await client.get("/crash")
        bad = await client.post("/toys", content=b"garbage")

    assert crash.status_code == 500
    assert rate_headers(crash) == (60, 59, RESET)
    assert bad.status_code == 400
    assert rate_headers(bad) == (10, 9, RESET)


async def test_requests_that_met_no_limiter_carry_no_rate_headers() -> None:
    async with ToyShop().client() as client:
        answers = [
            await client.get("/health"),
            await client.get("/unknown"),
            await client.patch("/toys"),
            await client.put(f"/toys/{TOY}"),
            await client.put(f"/toys/{TOY}", headers=as_user("admin")),
        ]

    assert [answer.status_code for answer in answers] == [200, 404, 405, 401, 403]
    assert all(rate_headers(answer) is None for answer in answers)


async def test_login_is_asked_first_and_public_not_charged_when_it_refuses() -> None:
    shop = ToyShop(login=1, public=60)
    async with shop.client() as client:
        first = await client.post("/toys", json=GOOD)
        second = await client.post("/toys", json=GOOD)

    assert (first.status_code, second.status_code) == (201, 429)
    assert shop.limiter.charged == {"login:192.0.2.1": 1, "public:192.0.2.1": 1}
    assert rate_headers(second) == (1, 0, RESET)


async def test_of_two_buckets_the_tighter_is_reported() -> None:
    shop = ToyShop(login=10, public=3)
    async with shop.client() as client:
        reported = [rate_headers(await client.post("/toys", json=GOOD)) for _ in range(4)]

    assert reported == [(3, 2, RESET), (3, 1, RESET), (3, 0, RESET), (3, 0, RESET)]


async def test_the_refusing_bucket_is_reported_even_beside_one_that_is_just_used_up() -> None:
    shop = ToyShop(login=2, public=1)
    async with shop.client() as client:
        await client.post("/toys", json=GOOD)
        refused = await client.post("/toys", json=GOOD)

    assert refused.status_code == 429
    assert rate_headers(refused) == (1, 0, RESET)


async def test_a_protected_route_is_charged_to_the_user_and_renewal_to_the_address() -> None:
    shop = ToyShop()
    async with shop.client() as client:
        await client.put(f"/toys/{TOY}", json=GOOD, headers=as_user("buyer"))
        await client.post("/renewals", headers=as_user("buyer"))

    assert shop.limiter.charged == {f"auth:{BUYER_ID}": 1, "auth:192.0.2.1": 1}


async def test_addresses_of_one_ipv6_network_share_a_bucket() -> None:
    shop = ToyShop()
    for peer in ("2001:db8:0:7::1", "2001:db8:0:7::2", "2001:db8:0:8::1"):
        async with shop.client(peer) as client:
            await client.get("/toys")

    assert shop.limiter.charged == {"public:2001:db8:0:7::/64": 2, "public:2001:db8:0:8::/64": 1}


async def test_d30_h51_inventing_forwarded_addresses_gains_nothing() -> None:
    shop = ToyShop(public=3, trusted="10.0.0.0/8")
    async with shop.client("10.0.0.1") as proxy:
        answers = [
            await proxy.get("/toys", headers={"X-Forwarded-For": f"198.51.100.{i}, 203.0.113.9"})
            for i in range(5)
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert shop.limiter.charged == {"public:203.0.113.9": 3}


async def test_a_limit_of_zero_is_off() -> None:
    shop = ToyShop(public=0, login=0)
    async with shop.client() as client:
        answers = [await client.post("/toys", json=GOOD) for _ in range(20)]

    assert {answer.status_code for answer in answers} == {201}
    assert rate_headers(answers[0]) is None
    assert shop.limiter.charged == {}


async def test_d29_h23_without_redis_public_and_auth_are_open() -> None:
    shop = ToyShop(public=1, auth=1)
    shop.limiter.away = True
    async with shop.client() as client:
        answers = [await client.get("/toys") for _ in range(3)]
        answers += [
            await client.put(f"/toys/{TOY}", json=GOOD, headers=as_user("buyer")) for _ in range(3)
        ]

    assert {answer.status_code for answer in answers} == {200}
    assert rate_headers(answers[0]) is None


async def test_d29_h23_without_redis_login_keeps_this_process_share_of_its_limit() -> None:
    shop = ToyShop(login=10)
    shop.limiter.away = True
    async with shop.client() as client:
        answers = [await client.post("/toys", json=GOOD) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [201, 201, 429, 429]
    assert rate_headers(answers[0]) == (2, 1, RESET)


async def test_a_small_login_limit_leaves_each_process_at_least_one() -> None:
    shop = ToyShop(login=1)
    shop.limiter.away = True
    async with shop.client() as client:
        answers = [await client.post("/toys", json=GOOD) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 429]


def rate_headers(response: httpx.Response) -> tuple[int, int, int] | None:
    found = [name for name in response.headers if name.startswith("x-ratelimit-")]
    if not found:
        return None
    return (
        int(response.headers["X-RateLimit-Limit"]),
        int(response.headers["X-RateLimit-Remaining"]),
        int(response.headers["X-RateLimit-Reset"]),
    )
