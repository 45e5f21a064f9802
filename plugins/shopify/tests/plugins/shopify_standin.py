"""A Shopify shop on this host: its Admin API by a real GraphQL engine, over a schema cut from Shopify's own.

What it keeps to is what Shopify's pages say: `inventorySetQuantities` takes all of a call or nothing, compares with
`changeFromQuantity` (which must be given), wants `@idempotent`, answers the same key from memory, and refuses a key whose
attempt failed; questions cost points out of a bucket that refills. Its clock stands still until a test puts it forward.
"""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from graphql import build_schema, execute, parse, validate

SCHEMA = build_schema('''
directive @idempotent(key: String!) on FIELD
type Query {
  locations(first: Int, after: String, includeInactive: Boolean): LocationConnection!
  inventoryItems(first: Int, after: String, query: String): InventoryItemConnection!
  inventoryItem(id: ID!): InventoryItem
  nodes(ids: [ID!]!): [Node]!
}
type Mutation { inventorySetQuantities(input: InventorySetQuantitiesInput!): InventorySetQuantitiesPayload }
interface Node { id: ID! }
type Location implements Node { id: ID! name: String! isActive: Boolean! }
type ProductVariant implements Node { id: ID! }
type InventoryQuantity { name: String! quantity: Int! }
type InventoryLevel { quantities(names: [String!]!): [InventoryQuantity!]! }
type InventoryItem implements Node { id: ID! sku: String variant: ProductVariant inventoryLevel(locationId: ID!): InventoryLevel }
type PageInfo { hasNextPage: Boolean! endCursor: String }
type LocationConnection { nodes: [Location!]! pageInfo: PageInfo! }
type InventoryItemConnection { nodes: [InventoryItem!]! pageInfo: PageInfo! }
input InventoryQuantityInput { inventoryItemId: ID! locationId: ID! quantity: Int! changeFromQuantity: Int }
input InventorySetQuantitiesInput {
  name: String! reason: String! referenceDocumentUri: String quantities: [InventoryQuantityInput!]!
}
type InventoryAdjustmentGroup { id: ID! }
type InventorySetQuantitiesUserError { code: String field: [String!] message: String! }
type InventorySetQuantitiesPayload {
  inventoryAdjustmentGroup: InventoryAdjustmentGroup
  userErrors: [InventorySetQuantitiesUserError!]!
}
''')  # fmt: skip
PAGE = 2
SET_COST = 10


def number(gid):
    return int(gid.rpartition("/")[2])


@dataclass
class Shop:
    """The shop: `levels` are what is available by (inventory item, location); `calls` what it was asked, in order."""

    items: dict = field(default_factory=dict)  # inventory item -> SKU
    locations: dict = field(default_factory=dict)  # location -> name
    levels: dict = field(default_factory=dict)
    calls: list = field(default_factory=list)
    moods: list = field(default_factory=list)  # what the next calls meet: "drop", "drop_after", a status, or None
    bucket: float = 2_000.0
    bucket_max: float = 2_000.0
    restore_rate: float = 100.0
    tokens: set = field(default_factory=lambda: {"shpat_test"})
    client: tuple = ("client", "only for tests")
    bought: int = 0
    known: dict = field(default_factory=dict)  # idempotency key -> (what was asked, what was answered or None)
    domain: str = ""

    def wait(self, seconds):
        """Put its clock forward."""
        self.bucket = min(self.bucket_max, self.bucket + seconds * self.restore_rate)

    def sets(self):
        """What inventorySetQuantities was asked: per call its key, and (item, location, quantity, compared with)."""
        return [
            (given["key"], [
                (number(one["inventoryItemId"]), number(one["locationId"]), one["quantity"], one["changeFromQuantity"])
                for one in given["input"]["quantities"]
            ])
            for text, given in self.calls if "inventorySetQuantities" in text
        ]  # fmt: skip

    def answer(self, text, variables):
        """Answer a question, as (status, document)."""
        document = parse(text)
        faults = validate(SCHEMA, document)
        if faults:
            return {"errors": [{"message": str(one), "extensions": {"code": "undefinedField"}} for one in faults]}
        is_mutation = "inventorySetQuantities" in text
        cost = SET_COST if is_mutation else 2 + 3 * text.count("inventoryLevel(")
        spent = {"requestedQueryCost": cost, "actualQueryCost": None if cost > self.bucket else cost}
        if cost <= self.bucket:
            self.bucket -= cost
        spent["throttleStatus"] = {
            "maximumAvailable": self.bucket_max, "currentlyAvailable": self.bucket, "restoreRate": self.restore_rate,
        }  # fmt: skip
        if spent["actualQueryCost"] is None:
            told = {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]}
        elif is_mutation and "@idempotent" not in text:
            told = {
                "errors": [{"message": "The @idempotent directive is required", "extensions": {"code": "BAD_REQUEST"}}]
            }
        else:
            self.variables = variables
            done = execute(
                SCHEMA,
                document,
                root_value=self,
                variable_values=variables,
                type_resolver=lambda value, *_: value["kind"],
            )
            assert not done.errors, done.errors
            told = {"data": done.data}
        return {**told, "extensions": {"cost": spent}}

    # Resolvers: graphql calls what its root has under a field's name.

    def locations_(self):
        return [{"kind": "Location", "id": f"gid://shopify/Location/{one}", "name": name, "isActive": True}
                for one, name in sorted(self.locations.items())]  # fmt: skip

    def item(self, one):
        return {
            "kind": "InventoryItem", "id": f"gid://shopify/InventoryItem/{one}", "sku": self.items[one],
            "variant": {"kind": "ProductVariant", "id": f"gid://shopify/ProductVariant/{one + 1_000}"},
            "inventoryLevel": lambda info, locationId: self.level(one, number(locationId)),  # noqa: N803
        }  # fmt: skip

    def level(self, item, location):
        held = self.levels.get((item, location))
        if held is None:
            return None
        return {"quantities": lambda info, names: [{"name": name, "quantity": held} for name in names]}

    def nodes(self, info, ids):
        return [self.item(number(one)) if number(one) in self.items else None for one in ids]

    def inventoryItem(self, info, id):  # noqa: N802, A002
        return self.item(number(id)) if number(id) in self.items else None

    def inventoryItems(self, info, first, after=None, query=None):  # noqa: N802
        found = [one for one, sku in sorted(self.items.items()) if query is None or f"sku:'{sku}'" in query]
        return self.page([self.item(one) for one in found], after)

    def page(self, nodes, after):
        start = int(after or 0)
        end = start + PAGE
        return {"nodes": nodes[start:end], "pageInfo": {"hasNextPage": end < len(nodes), "endCursor": str(end)}}

    def inventorySetQuantities(self, info, input):  # noqa: N802, A002
        key = self.variables["key"]
        if key in self.known:
            before, answered = self.known[key]
            if before != input:
                return refused("IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
            return answered or refused("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")
        errors = [error for n, one in enumerate(input["quantities"]) for error in self.faults(n, one)]
        assert len(input["quantities"]) <= 250
        if errors:
            self.known[key] = (input, None)
            return {"inventoryAdjustmentGroup": None, "userErrors": errors}
        for one in input["quantities"]:
            self.levels[number(one["inventoryItemId"]), number(one["locationId"])] = one["quantity"]
        done = {
            "inventoryAdjustmentGroup": {"id": f"gid://shopify/InventoryAdjustmentGroup/{len(self.known) + 1}"},
            "userErrors": [],
        }
        self.known[key] = (input, done)
        return done

    def faults(self, n, one):
        place = (number(one["inventoryItemId"]), number(one["locationId"]))
        where = ["input", "quantities", str(n)]
        if place[0] not in self.items:
            yield {"code": "INVALID_INVENTORY_ITEM", "field": [*where, "inventoryItemId"], "message": "no such item"}
        elif place[1] not in self.locations:
            yield {"code": "INVALID_LOCATION", "field": [*where, "locationId"], "message": "no such location"}
        elif place not in self.levels:
            yield {"code": "ITEM_NOT_STOCKED_AT_LOCATION", "field": [*where, "locationId"], "message": "not stocked"}
        elif "changeFromQuantity" not in one:
            yield {"code": None, "field": where, "message": "changeFromQuantity must be given"}
        elif one["changeFromQuantity"] not in (None, self.levels[place]):
            yield {"code": "CHANGE_FROM_QUANTITY_STALE", "field": [*where, "changeFromQuantity"], "message": "stale"}


def refused(code):
    return {"inventoryAdjustmentGroup": None, "userErrors": [{"code": code, "field": None, "message": code.lower()}]}


def _locations(shop, info, first, after=None, includeInactive=False):  # noqa: N803
    return shop.page(shop.locations_(), after)


SCHEMA.query_type.fields["locations"].resolve = _locations


class Door(BaseHTTPRequestHandler):
    def do_POST(self):
        shop, body = self.server.shop, self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/admin/oauth/access_token":
            return self.tell(*buy(shop, parse_qs(body.decode())))
        if self.headers["X-Shopify-Access-Token"] not in shop.tokens:
            return self.tell(401, {"errors": "[API] Invalid API key or access token"})
        if not self.path.startswith("/admin/api/2026-") or not self.path.endswith("/graphql.json"):
            return self.tell(404, {"errors": "Not Found"})
        asked = json.loads(body)
        shop.calls.append((asked["query"], asked["variables"]))
        mood = shop.moods.pop(0) if shop.moods else None
        if isinstance(mood, int):
            return self.tell(mood, {"errors": "no"}, {"Retry-After": "7"} if mood == 429 else {})
        document = None if mood == "drop" else shop.answer(asked["query"], asked["variables"])
        if mood in ("drop", "drop_after"):
            self.close_connection = True
            return None
        return self.tell(200, document)

    def tell(self, status, document, headers=()):
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **dict(headers),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def buy(shop, form):
    if (form["client_id"][0], form["client_secret"][0]) != shop.client or form["grant_type"] != ["client_credentials"]:
        return 400, {"error": "invalid_client"}
    shop.bought += 1
    token = f"bought-{shop.bought}"
    shop.tokens.add(token)
    return 200, {"access_token": token, "scope": "write_inventory", "expires_in": 86_399}


def open_shop():
    """Open a shop; return it and what closes it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.shop = Shop()
    server.shop.domain = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()

    def close():
        server.shutdown()
        thread.join()
        server.server_close()

    return server.shop, close
