"""Records pacts with pact-python, as its users do: `record.py DIRECTORY` writes one for each version and kind."""

import json
import sys
import urllib.request
import xml.etree.ElementTree
from pathlib import Path

from pact import Pact, generate, match


def call(method, url, body=None, headers=()):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers))
    with urllib.request.urlopen(request, timeout=20) as response:
        return response.status, response.read()


def order(version):
    """What is expected of an order: every matcher that the version has."""
    body = {
        "id": match.like(7),
        "total": match.like(1200),
        "currency": match.regex("EUR", regex="^[A-Z]{3}$"),
        "lines": match.each_like({"title": match.like("logo")}, min=1),
    }
    if version != "V2":
        body |= {
            "total": match.int(1200),
            "rate": match.decimal(1.5),
            "weight": match.number(3),
            "open": match.bool(True),
            "note": match.includes("paid"),
            "coupon": match.none(),
            "created": match.datetime("2026-02-03T04:05:06", format="%Y-%m-%dT%H:%M:%S"),
            "day": match.date("2026-02-03", format="%Y-%m-%d"),
            "trace": match.uuid("018f4f6e-0000-7000-8000-000000000001"),
        }
    if version == "V4":
        body |= {
            "tags": match.array_containing([match.like("urgent"), match.int(3)]),
            "prices": match.each_value_matches({"EUR": 1200}, rules=match.int(1)),
            "by_code": match.each_key_matches({"A1": True}, rules=match.regex("A1", regex="^[A-Z][0-9]$")),
        }
    return body


def http(version, directory):
    pact = Pact("python-web", "shop").with_specification(version)
    reading = pact.upon_receiving(f"reading an order in {version}")
    if version == "V2":
        reading.given("an order exists").with_request("GET", "/orders/7")
        path, headers = "/orders/7", {}
    else:
        # The path and the token are what the provider's state says they are.
        reading.given("an order exists", {"number": 7, "owner": "ada"})
        reading.with_request(
            "GET", match.regex("/orders/7", regex="^/orders/[0-9]+$")
        ).with_generators({"path": {"type": "ProviderState", "expression": "/orders/${id}"}}, "Request")
        reading.with_header("Authorization", match.regex("Bearer example", regex="^Bearer .+$"))
        reading.with_generators(
            {"header": {"Authorization": {"type": "ProviderState", "expression": "Bearer ${token}"}}}, "Request"
        )
        path, headers = "/orders/7", {"Authorization": "Bearer mine"}
    reading.with_query_parameters({"full": "yes"})
    reading.will_respond_with(200).with_header("X-Page", match.regex("1", regex="^[0-9]+$"))
    reading.with_body(order(version), "application/json")

    creating = pact.upon_receiving(f"creating an order in {version}")
    creating.with_request("POST", "/orders").with_body({"gig": match.like("g-1")}, "application/json")
    creating.will_respond_with(201).with_body({"id": match.like(8)}, "application/json")

    listing = pact.upon_receiving(f"the price list in {version}")
    listing.with_request("GET", "/prices").will_respond_with(200)
    listing.with_body("<prices><price>1200</price></prices>", "application/xml")

    with pact.serve() as server:
        status, read = call("GET", f"{server.url}{path}?full=yes", headers=headers)
        assert status == 200 and json.loads(read)["lines"][0]["title"] == "logo", read
        status, created = call(
            "POST", f"{server.url}/orders", {"gig": "mine"}, {"Content-Type": "application/json"}
        )
        assert status == 201 and json.loads(created)["id"] == 8, created
        _, prices = call("GET", f"{server.url}/prices")
        assert xml.etree.ElementTree.fromstring(prices).findtext("price") == "1200", prices
    pact.write_file(directory / f"http-{version}")


def messages(version, directory):
    pact = Pact("python-mail", "shop").with_specification(version)
    paid = pact.upon_receiving(f"an order was paid in {version}", "Async")
    paid.given("a paid order exists", {"number": 7})
    paid.with_body({"order": match.like(7), "total": match.int(1200)}, "application/json")
    paid.with_metadata({"type": "shop.order-paid.v1", "id": match.regex("1", regex="^[0-9]+$")})

    def handle(body, metadata):
        assert json.loads(body)["total"] == 1200 and metadata["type"] == "shop.order-paid.v1", (body, metadata)

    pact.verify(handle, "Async")
    pact.write_file(directory / f"messages-{version}")


def main(directory):
    for version in ["V2", "V3", "V4"]:
        http(version, directory)
    for version in ["V3", "V4"]:
        messages(version, directory)


main(Path(sys.argv[1]))
