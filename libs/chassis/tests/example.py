"""A small service on the chassis, as a team would write one: boxes with labels, kept in memory."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from flask import Flask
from marshmallow.fields import List, Nested
from marshmallow.validate import Length

from chassis import fields, web
from chassis.api import ADMIN, ANYONE, UNSIGNED, Answer, Api, Call, page_of
from chassis.assertions import Signer, Verifier, generate_key
from chassis.clock import utc_now
from chassis.errors import Conflict, NotFound
from chassis.ids import new_id
from chassis.paging import Page, encode_cursor
from chassis.settings import ProcessSettings
from chassis.trust import TrustBundle

USER = "0193b0c0-0000-7000-8000-000000000001"
LABEL = "^[A-Z]{3}-[0-9]{1,4}$"


class NoSuchBox(NotFound):
    code = "no_such_box"
    title = "There is no such box"


class NameTaken(Conflict):
    code = "name_taken"
    title = "Another box has this name"


class PartView(fields.Body):
    label = fields.Pattern(LABEL, maximum=8, required=True)
    count = fields.Integer(1, 1000, required=True)


class BoxView(fields.Body):
    id = fields.Id(required=True)
    name = fields.Text(required=True)
    note = fields.Text(minimum=0, required=True, allow_none=True)
    parts = List(Nested(PartView), required=True)
    made_at = fields.Timestamp(required=True)


class MakeBox(fields.Body):
    name = fields.Text(maximum=40, required=True)
    note = fields.Text(minimum=0, maximum=200, load_default=None, allow_none=True)
    parts = List(Nested(PartView), required=True, validate=Length(1, 5))


class LabelPath(fields.Body):
    label = fields.Pattern(LABEL, maximum=8, required=True)


class Sign(fields.Body):
    grant = fields.Pattern("^(one|two)$", maximum=3, required=True)
    email = fields.Email(required=True)
    times = fields.QueryInteger(1, 9, load_default=1)


class SignView(fields.Body):
    grant = fields.Text(required=True)


@dataclass
class Box:
    id: uuid.UUID
    name: str
    note: str | None
    parts: list[dict]
    made_at: datetime = field(default_factory=utc_now)


def build_api(verifier: Verifier, boxes: dict[uuid.UUID, Box]) -> Api:
    api = Api("boxes", "1.0", verifier)

    @api.get("/api/v1/boxes", query=fields.PageQuery, answer=page_of(BoxView), caller=ANYONE)
    def list_boxes(call: Call):
        after, limit = call.query["cursor"], call.query["limit"]
        found = sorted(
            (box for box in boxes.values() if after is None or box.id < after), key=lambda box: box.id
        )
        page = found[::-1][:limit]
        return Page(page, encode_cursor(page[-1].id) if len(found) > limit else None)

    @api.post("/api/v1/boxes", body=MakeBox, answer=BoxView, status=201, idempotent=True, errors=(NameTaken,))
    def make_box(call: Call):
        if any(box.name == call.body["name"] for box in boxes.values()):
            raise NameTaken()
        box = Box(new_id(), **call.body)
        boxes[box.id] = box
        return box

    @api.get("/api/v1/boxes/<uuid:box_id>", answer=BoxView, errors=(NoSuchBox,))
    def get_box(call: Call, box_id: uuid.UUID):
        if box_id not in boxes:
            raise NoSuchBox()
        return boxes[box_id]

    @api.delete("/api/v1/boxes/<uuid:box_id>", caller=ADMIN, errors=(NoSuchBox,))
    def remove_box(call: Call, box_id: uuid.UUID):
        if boxes.pop(box_id, None) is None:
            raise NoSuchBox()

    add_others(api, boxes)
    return api


def add_others(api: Api, boxes: dict[uuid.UUID, Box]) -> None:
    @api.put("/api/v1/labels/<label>", path=LabelPath, body=PartView, answer=PartView, also=(201,))
    def put_label(call: Call, label: str):
        return Answer({**call.body, "label": label}, status=201, headers={"ETag": '"1"'})

    @api.post("/api/v1/sign", form=Sign, answer=SignView, caller=UNSIGNED)
    def sign(call: Call):
        return {"grant": call.body["grant"]}

    @api.get("/api/v1/fault", answer=SignView)
    def fault(call: Call):
        """Fail, if there are no boxes."""
        return {"grant": "one" if boxes else boxes["none"]}

    @api.get("/api/v1/audit", answer=SignView, issuers=("auditor",))
    def audit(call: Call):
        return {"grant": str(call.user_id)[:3]}


@dataclass
class Example:
    """The app, the signers of its two issuers, and what it holds."""

    settings: ProcessSettings
    verifier: Verifier
    app: Flask
    gateway: Signer
    auditor: Signer
    boxes: dict[uuid.UUID, Box]

    def headers(self, *roles: str, user: str | None = USER, signer: Signer | None = None) -> dict[str, str]:
        token = (signer or self.gateway).sign("boxes", user, {"roles": list(roles)})
        return {"Authorization": f"Bearer {token}"}


def build(settings: ProcessSettings | None = None) -> Example:
    settings = settings or ProcessSettings(trust_bundle_file=Path("unused"), signing_key_file=Path("unused"))
    keys = {issuer: generate_key(issuer) for issuer in ("gateway", "auditor")}
    verifier = Verifier(TrustBundle({"keys": [public for _, public in keys.values()]}), "boxes")
    boxes: dict[uuid.UUID, Box] = {}
    app = web.create_flask("boxes", settings)
    build_api(verifier, boxes).init_app(app)
    gateway, auditor = (Signer(private, issuer) for issuer, (private, _) in keys.items())
    return Example(settings, verifier, app, gateway, auditor, boxes)
