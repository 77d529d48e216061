"""A second implementation of docs/wire-format.md, to show that the page is enough.

Reads the vectors beside it: every message that has a meaning must be understood in the same way, and every other one
must be refused. Built on public libraries alone: cbor2, cryptography (Ed25519) and hashlib.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install cbor2 cryptography
    /tmp/venv/bin/python tests/vectors/verify.py
"""

import hashlib
import json
import sys
from decimal import Decimal
from pathlib import Path

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_TIME = 253402300799999
MAX_SEQ = 2**53 - 1
MAX_ENERGY = 10**9
MAX_PRICE = 10**6
MAX_DURATION = 366 * 24 * 3600 * 1000
MAX_BYTES = {"entry": 65536, "governance": 196608, "gossip": 262144, "message": 1310720}
MAX_WORD_BYTES = 1024


class Refused(Exception):
    """The bytes are not a message; the text says why."""


def require(holds, why):
    if not holds:
        raise Refused(why)


# CBOR, section 1


def decode(data):
    """One deterministic item and nothing after it: what is encoded again must give the same bytes."""
    try:
        value = cbor2.loads(data)
        again = cbor2.dumps(value, canonical=True)
    except Exception as error:
        raise Refused(f"not CBOR: {error!r}") from error
    require(again == data, "not the deterministic encoding")
    return value


def unsigned(value, limit, least=0):
    require(type(value) is int and least <= value <= limit, f"a number from {least} to {limit}, not {value!r}")
    return value


def integer(value, limit):
    return unsigned(value, limit, -limit)


def octets(value, limit):
    require(type(value) is bytes and len(value) <= limit, f"at most {limit} bytes")
    return value


def hash32(value):
    require(type(value) is bytes and len(value) == 32, "32 bytes")
    return value.hex()


def array(value, least, most=None):
    most = least if most is None else most
    require(isinstance(value, (list, tuple)) and least <= len(value) <= most, f"an array of {least} to {most} items")
    return value


def fields(value, required, optional=()):
    require(type(value) is dict and all(type(key) is int for key in value), "a map with numbers as keys")
    require(set(required) <= set(value) <= set(required) | set(optional), f"keys {sorted(value)}")
    return value


def time(value):
    return unsigned(value, MAX_TIME)


def seq(value):
    return unsigned(value, MAX_SEQ)


def energy(value):
    return unsigned(value, MAX_ENERGY, 1)


def price(value):
    return integer(value, MAX_PRICE)


def duration(value, least=0):
    return unsigned(value, MAX_DURATION, least)


def side(value):
    return ["buy", "sell"][unsigned(value, 1)]


def name(value, least):
    require(type(value) is str and least <= len(value.encode()) <= 64, f"a name of {least} to 64 bytes")
    require(not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in value), "no control characters")
    return value


def incarnation(value):
    opened, nonce = array(value, 2)
    return {"opened": time(opened), "nonce": unsigned(nonce, 2**64 - 1)}


def log(value):
    author, opened = array(value, 2)
    return {"author": hash32(author), "incarnation": incarnation(opened)}


def head(value):
    where, number, entry_id = array(value, 3)
    return {"log": log(where), "seq": seq(number), "id": hash32(entry_id)}


def order_id(value):
    entry_id, index = array(value, 2)
    return f"{hash32(entry_id)}:{unsigned(index, 65535)}"


def log_order(where):
    return (where["author"], where["incarnation"]["opened"], where["incarnation"]["nonce"])


def ascending(items, order, what):
    require(all(order(a) < order(b) for a, b in zip(items, items[1:])), f"{what} ascending, each once")
    return items


# Ed25519, section 2

P = 2**255 - 19
SMALL_ORDER_Y = {
    0,
    1,
    P - 1,
    int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"),
    int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little"),
}


def y_of(point):
    return (int.from_bytes(point, "little") & (2**255 - 1)) % P


def is_usable_key(key):
    """On the curve -x^2 + y^2 = 1 + d x^2 y^2, and not of small order."""
    y = y_of(key)
    d = -121665 * pow(121666, P - 2, P)
    x_squared = (y * y - 1) * pow(d * y * y + 1, P - 2, P) % P
    return y not in SMALL_ORDER_Y and pow(x_squared, (P - 1) // 2, P) == 1


def is_good(key, signature, text):
    if y_of(key) in SMALL_ORDER_Y or y_of(signature[:32]) in SMALL_ORDER_Y:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


# COSE_Sign1, section 2


def open_one(data, limit):
    require(len(data) <= limit, "too long")
    message = decode(data)
    require(isinstance(message, cbor2.CBORTag) and message.tag == 18, "tag 18")
    protected, unprotected, payload, signature = array(message.value, 4)
    require(protected == bytes.fromhex("a10127") and unprotected == {}, "headers")
    require(type(payload) is bytes and type(signature) is bytes and len(signature) == 64, "payload and signature")
    return payload, signature


def parse(kind, data):
    """What a statement says, with its id and signer, and whether its signature is good."""
    payload, signature = open_one(data, MAX_BYTES.get(kind, MAX_WORD_BYTES))
    says, signer = STATEMENTS[kind](decode(payload))
    text = cbor2.dumps(["Signature1", bytes.fromhex("a10127"), f"wattswap/1/{kind}".encode(), payload])
    says |= {"id": hashlib.sha256(payload).hexdigest(), "signer": signer}
    return says, is_good(bytes.fromhex(signer), signature, text)


# Statements, section 3


def entry(value):
    value = fields(value, [0, 1, 2, 3, 5, 6], [4])
    says = {
        "community": hash32(value[0]),
        "log": log([value[1], value[2]]),
        "seq": seq(value[3]),
        "prev": hash32(value[4]) if 4 in value else None,
        "at": time(value[5]),
    }
    require((says["prev"] is None) == (says["seq"] == 0), "prev if and only if seq is above 0")
    says["ops"] = [op(item, says) for item in array(value[6], 1, 384)]
    return says, says["log"]["author"]


def op(value, holder):
    kind = unsigned(array(value, 1, 7)[0], 3)
    items = array(value, [7, 3, 3, 2][kind])[1:]
    return [place, cancel, fill, seal][kind](items, holder)


def place(items, _):
    return {
        "place": {
            "slot": time(items[0]),
            "side": side(items[1]),
            "quantity": energy(items[2]),
            "price": price(items[3]),
            "expires_at": time(items[4]),
            "charter": hash32(items[5]),
        }
    }


def cancel(items, _):
    return {"cancel": {"order": order_id(items[0]), "leaves": unsigned(items[1], MAX_ENERGY)}}


def fill(items, holder):
    taken, taker_signed = parse("proposal", octets(items[0], MAX_WORD_BYTES))
    agreed, maker_signed = parse("acceptance", octets(items[1], MAX_WORD_BYTES))
    parties = [taken["taker"]["author"], taken["maker"]["author"]]
    require(taken["community"] == holder["community"], "a fill of the same community")
    require(holder["log"]["author"] in parties, "a fill in the log of one who traded")
    require(agreed["proposal"] == taken["id"], "an acceptance of this proposal")
    answering = {"author": agreed["maker"], "incarnation": agreed["incarnation"]}
    require(answering == taken["maker"], "an acceptance from the log that was asked")
    require(agreed["quantity"] <= taken["up_to"], "no more than was proposed")
    return {"fill": {"both_signed": taker_signed and maker_signed, "proposal": taken, "acceptance": agreed}}


def seal(items, holder):
    sealed = head(items[0])
    require(sealed["log"]["author"] == holder["log"]["author"], "a seal of an own log")
    require(log_order(sealed["log"]) < log_order(holder["log"]), "a seal of an older log")
    return {"seal": sealed}


def beacon(value):
    value = fields(value, [0, 1, 2, 5], [3, 4])
    require((3 in value) == (4 in value), "seq and id, or neither")
    says = {
        "community": hash32(value[0]),
        "log": log([value[1], value[2]]),
        "last": {"seq": seq(value[3]), "id": hash32(value[4])} if 3 in value else None,
        "at": time(value[5]),
    }
    return says, says["log"]["author"]


def proposal(value):
    value = fields(value, [key for key in range(14) if key != 9], [9])
    says = {
        "community": hash32(value[0]),
        "charter": hash32(value[1]),
        "slot": time(value[2]),
        "side": side(value[3]),
        "taker": log([value[4], value[5]]),
        "maker": log([value[6], value[7]]),
        "order": order_id(value[8]),
        "own_order": order_id(value[9]) if 9 in value else None,
        "up_to": energy(value[10]),
        "price": price(value[11]),
        "nonce": unsigned(value[12], 2**64 - 1),
        "expires_at": time(value[13]),
    }
    require(says["taker"]["author"] != says["maker"]["author"], "two parties")
    return says, says["taker"]["author"]


def acceptance(value):
    value = fields(value, range(7))
    says = {
        "proposal": hash32(value[0]),
        "maker": hash32(value[1]),
        "quantity": energy(value[2]),
        "filled_total": energy(value[3]),
        "incarnation": incarnation(value[4]),
        "seq": seq(value[5]),
        "at": time(value[6]),
    }
    require(says["quantity"] <= says["filled_total"], "a total with this fill")
    return says, says["maker"]


def refusal(value):
    value = fields(value, range(4))
    says = {
        "proposal": hash32(value[0]),
        "maker": hash32(value[1]),
        "incarnation": incarnation(value[2]),
        "at": time(value[3]),
    }
    return says, says["maker"]


STATEMENTS = {
    "entry": entry,
    "beacon": beacon,
    "proposal": proposal,
    "acceptance": acceptance,
    "refusal": refusal,
}


# Governance, section 4


def governance(data):
    require(len(data) <= MAX_BYTES["governance"], "too long")
    message = decode(data)
    require(isinstance(message, cbor2.CBORTag) and message.tag == 98, "tag 98")
    protected, unprotected, payload, signatures = array(message.value, 4)
    require(protected == b"" and unprotected == {} and type(payload) is bytes, "headers and payload")
    signers = [signer(item, payload) for item in array(signatures, 1, 15)]
    ascending(signers, lambda signer: signer[0], "signers")
    value = fields(decode(payload), [0, 2, 3], [1])
    says = {
        "id": hashlib.sha256(payload).hexdigest(),
        "good_signers": [key for key, good in signers if good],
        "height": seq(value[0]),
        "prev": hash32(value[1]) if 1 in value else None,
        "at": time(value[2]),
    }
    require((says["prev"] is None) == (says["height"] == 0), "prev if and only if height is above 0")
    kind, what = array(value[3], 2)
    says["act"] = [charter, seals][unsigned(kind, 1)](what)
    return says


def signer(value, payload):
    protected, unprotected, signature = array(value, 3)
    start = bytes.fromhex("a20127045820")
    require(type(protected) is bytes and len(protected) == 38 and protected.startswith(start), "a signer's header")
    require(unprotected == {} and type(signature) is bytes and len(signature) == 64, "a signature")
    key = protected[len(start) :]
    text = cbor2.dumps(["Signature", b"", protected, b"wattswap/1/governance", payload])
    return key.hex(), is_good(key, signature, text)


def seals(value):
    return {"seals": ascending([head(item) for item in array(value, 1, 256)], lambda one: log_order(one["log"]), "seals")}


def charter(value):
    value = fields(value, range(7))
    members = [member(item) for item in array(value[3], 1, 1000)]
    operators = [key(item) for item in array(value[4], 1, 15)]
    says = {
        "rules": unsigned(value[0], 65535, 1),
        "name": name(value[1], 1),
        "shape": shape(value[2]),
        "members": ascending(members, lambda one: one["key"], "members"),
        "operators": ascending(operators, lambda one: one, "operators"),
        "proposal_lifetime": duration(value[5], 1),
        "clock_skew": duration(value[6]),
    }
    require(says["proposal_lifetime"] >= 2 * says["clock_skew"], "a lifetime of twice the skew")
    return {"charter": says}


def key(value):
    require(type(value) is bytes and len(value) == 32 and is_usable_key(value), "a key that can sign")
    return value.hex()


def member(value):
    public, called, imports, exports = array(value, 4)
    watts = 2**32 - 1
    return {
        "key": key(public),
        "name": name(called, 0),
        "import": unsigned(imports, watts),
        "export": unsigned(exports, watts),
    }


def shape(value):
    value = fields(value, range(11))
    currency, tick = value[0], value[5]
    require(type(currency) is str and len(currency) == 3, "a currency of three letters")
    require(all("A" <= letter <= "Z" for letter in currency), "a currency of capital letters")
    require(type(tick) is Decimal, "a price tick that is a decimal fraction")
    sign, digits, exponent = tick.as_tuple()
    mantissa = int("".join(map(str, digits)))
    require(not sign and 1 <= mantissa <= 10**6 and -9 <= exponent <= 0, "a price tick within bounds")
    require(exponent == 0 or mantissa % 10 != 0, "a normalised price tick")
    says = {
        "id": hashlib.sha256(cbor2.dumps(value, canonical=True)).hexdigest(),
        "currency": currency,
        "slot_length": duration(value[1], 1),
        "delivery_time": duration(value[2], 1),
        "opening": duration(value[3]),
        "gate": integer(value[4], MAX_DURATION),
        "price_tick": f"{tick:f}",
        "quantity_tick": energy(value[6]),
        "smallest_fill": energy(value[7]),
        "floor": price(value[8]),
        "cap": price(value[9]),
        "fees": [fee(item) for item in array(value[10], 0, 8)],
    }
    open_for = says["opening"] + says["slot_length"] + says["gate"]
    require(open_for > 0 and open_for // says["slot_length"] <= 4096, "a sound time to be open")
    require(says["smallest_fill"] % says["quantity_tick"] == 0, "a smallest fill in whole ticks")
    require(says["floor"] <= says["cap"], "a floor not above the cap")
    return says


def fee(value):
    called, payer, per_kwh = array(value, 3)
    return {"name": name(called, 1), "payer": side(payer), "per_kwh": price(per_kwh)}


# Messages, section 5


def gossip(data):
    require(len(data) <= MAX_BYTES["gossip"], "too long")
    kind, what = array(decode(data), 2)
    kind = ["entry", "beacon", "proof", "governance"][unsigned(kind, 3)]
    if kind == "proof":
        return {kind: proof(what)}
    return {kind: octets(what, MAX_BYTES.get(kind, MAX_WORD_BYTES)).hex()}


def message(data):
    require(len(data) <= MAX_BYTES["message"], "too long")
    value = array(decode(data), 1, 5)
    kind, reads = MESSAGES[unsigned(value[0], len(MESSAGES) - 1)]
    items = array(value, 1 + len(reads))[1:]
    says = {what: read(item) for (what, read), item in zip(reads.items(), items)}
    if not says:
        return {kind: None}
    return {kind: says["it"] if list(says) == ["it"] else says}


def newest(value):
    height, record = array(value, 2)
    return {"height": seq(height), "id": hash32(record)}


def heads(value):
    return ascending([head(item) for item in array(value, 0, 8000)], lambda one: log_order(one["log"]), "heads")


def texts(least, most, longest):
    return lambda value: [octets(item, longest).hex() for item in array(value, least, most)]


def entries(value):
    said = texts(0, 256, MAX_BYTES["entry"])(value)
    require(sum(map(len, said)) // 2 <= 524288, "a range that is not too long")
    return said


def word(value):
    return octets(value, MAX_WORD_BYTES).hex()


def answered(proposal, acceptance):
    return {"proposal": word(proposal), "acceptance": word(acceptance)}


def proof(value):
    require(isinstance(value, list) and value, "a proof")
    kind = unsigned(value[0], 7)
    words = value[1:]
    require(len(words) == [2, 2, 2, 2, 3, 4, 3, 1][kind], "as many items as this kind of proof has")
    chain = texts(1, 257, MAX_BYTES["entry"])
    if kind == 0:
        return {"fork": {"one": chain(words[0]), "other": chain(words[1])}}
    if kind == 1:
        return {"broken_beacon": {"beacon": word(words[0]), "entry": chain(words[1])}}
    if kind == 2:
        return {"two_acceptances": {"one": word(words[0]), "other": word(words[1])}}
    if kind == 3:
        return {"accepted_and_refused": {"acceptance": word(words[0]), "refusal": word(words[1])}}
    if kind == 4:
        return {"overfilled": {"placed": chain(words[0]), "answered": answered(*words[1:])}}
    if kind == 5:
        return {"given_twice": {"one": answered(*words[:2]), "other": answered(*words[2:])}}
    if kind == 6:
        return {"accepted_after_cancel": {"cancelled": chain(words[0]), "answered": answered(*words[1:])}}
    return {"too_many_logs": texts(17, 17, MAX_BYTES["entry"])(words[0])}


def proofs(value):
    return [proof(item) for item in array(value, 0, 16)]


MESSAGES = [
    ("summary", {"community": hash32, "governance": newest, "heads": hash32, "convicted": hash32}),
    ("get_heads", {}),
    ("heads", {"it": heads}),
    ("get_range", {"log": log, "from": seq, "count": lambda value: unsigned(value, 256, 1)}),
    ("range", {"log": log, "from": seq, "entries": entries}),
    ("get_governance", {"from": seq}),
    ("governance", {"it": texts(0, 4, MAX_BYTES["governance"])}),
    ("get_proofs", {}),
    ("proofs", {"it": proofs}),
    ("proposal", {"it": word}),
    ("acceptance", {"it": word}),
    ("refusal", {"it": word}),
    ("too_late", {"proposal": hash32, "beacon": word}),
    ("get_beacon", {}),
    ("beacon", {"it": word}),
    ("clock", {"it": time}),
]


# The vectors, section 8


def read(kind, data):
    if kind in STATEMENTS:
        says, good = parse(kind, data)
        require(good, "bad signature")
        return says
    return {"governance": governance, "gossip": gossip, "message": message}[kind](data)


def check(kind, vector):
    """Why the vector is not treated as it should be, or nothing."""
    data = bytes.fromhex(vector["hex"]) + bytes(vector.get("followed_by_zeros", 0))
    try:
        says = read(kind, data)
    except Refused as refusal:
        if "--verbose" in sys.argv:
            print(f"{kind} {vector['name']} ({vector.get('refused')}): {refusal}")
        return None if "refused" in vector else f"refused: {refusal}"
    if "refused" in vector:
        return f"understood as {says}"
    return None if says == vector["says"] else f"understood as {says}, not {vector['says']}"


def main():
    understood = refused = wrong = 0
    for path in sorted(Path(__file__).parent.glob("*.json")):
        for vector in json.loads(path.read_text()):
            problem = check(path.stem, vector)
            if problem:
                wrong += 1
                print(f"{path.stem} {vector['name']} ({vector['about']}): {problem}")
            elif "refused" in vector:
                refused += 1
            else:
                understood += 1
    print(f"{understood} understood, {refused} refused, {wrong} wrong")
    return 1 if wrong or not understood else 0


if __name__ == "__main__":
    sys.exit(main())
