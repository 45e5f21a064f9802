"""Verify an export of the audit trail without Onhand: standard library only, written from docs/audit.md alone.

python auditor.py FILE [--blocks FILE] [--head NUMBER:DIGEST]
"""

import argparse
import csv
import json
import sys
from hashlib import sha256
from pathlib import Path

FIELDS = ["id", "recorded_at", "entity_id", "actor", "actor_name", "user_id", "action", "subject", "before", "after", "reason", "policy_version"]  # fmt: skip


def prefixed(texts):
    return b"".join(
        b"\xff\xff\xff\xff" if text is None else len(text.encode()).to_bytes(4, "big") + text.encode() for text in texts
    )


def digest_of(block):
    names = ["format", "number", "after_id", "last_id", "count", "sealed_at", "root", "previous"]
    return sha256(prefixed(None if block[name] is None else str(block[name]) for name in names)).hexdigest()


def root_of(leaves):
    return sha256(b"".join(id_.to_bytes(8, "big") + bytes.fromhex(leaf) for id_, leaf in leaves)).hexdigest()


def unescaped(cell):
    return None if cell == "" else cell.removeprefix("'")


def read(path, blocks_path):
    if blocks_path:
        with Path(blocks_path).open(encoding="utf-8") as lines:
            blocks = [json.loads(line) for line in lines]
        with Path(path).open(encoding="utf-8", newline="") as lines:
            rows = [{k: unescaped(v) for k, v in row.items()} for row in csv.DictReader(lines)]
        return blocks, [{**row, "block": row["block"] and int(row["block"])} for row in rows]
    with Path(path).open(encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    return [one for one in found if one["type"] == "block"], [one for one in found if one["type"] == "row"]


def faults(blocks, rows, head):
    before, leaves = None, {}
    for block in blocks:
        if digest_of(block) != block["digest"]:
            yield f"block {block['number']} is not what its digest covers"
        if before and (block["previous"], block["number"]) != (before["digest"], before["number"] + 1):
            yield f"block {block['number']} does not follow the one before"
        if "leaves" in block:
            if (root_of(block["leaves"]), len(block["leaves"])) != (block["root"], block["count"]):
                yield f"block {block['number']} does not have the rows it covers"
            leaves[block["number"]] = dict(map(tuple, block["leaves"]))
        before = block
    for row in rows:
        leaf = sha256(prefixed(row[name] for name in FIELDS)).hexdigest()
        if row["block"] is not None and leaves.get(row["block"], {}).get(int(row["id"])) != leaf:
            yield f"row {row['id']} is not as block {row['block']} sealed it"
    if head and head not in [f"{block['number']}:{block['digest']}" for block in blocks]:
        yield f"the chain does not lead to {head}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--blocks")
    parser.add_argument("--head")
    asked = parser.parse_args()
    found = list(faults(*read(asked.file, asked.blocks), asked.head))
    print("\n".join(found) or "as it was sealed")
    sys.exit(bool(found))
