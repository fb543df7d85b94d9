"""A broker in a temporary directory, with agencies and units that the administrator enrolled through Wici itself.

Shared by test_client.py, transcript.py and tests/crash/ledger.py. WICI_BIN names the folder of the programs,
WICI_SOURCE that of the sources.
"""
import datetime
import hashlib
import os
import sys
import uuid

import wici_client

SOURCE = os.environ.get("WICI_SOURCE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(SOURCE, "tests", "golden"))
from play import Broker  # pylint: disable=wrong-import-position

AGENCIES = {  # agency: (name, kinds)
    "ops": ("Ośrodek Pomocy Społecznej", ["OPS"]),  # the operator's, enrolled by wicid init
    "sp12": ("Szkoła Podstawowa nr 12", ["SCHOOL"]),
    "sad": ("Sąd Rejonowy, Wydział Rodzinny", ["COURT"]),
    "nadzor": ("Wydział Nadzoru", ["AUDIT"]),
}
UNITS = {  # unit: (agency, roles)
    "ops-sw": ("ops", ["SW"]),
    "ops-sw2": ("ops", ["SW"]),
    "sp12-pedagog": ("sp12", ["SCH"]),
    "sad-rodzinny": ("sad", ["CT"]),
    "audyt": ("nadzor", ["AUD"]),
}


def now():
    """The time as events carry it."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id():
    """An id for a dossier or a referral."""
    return str(uuid.uuid4())


class World:
    """A running broker and the units that may talk to it."""

    def __init__(self, root, agencies=AGENCIES, units=UNITS, operator="ops"):
        self.wici = wici_client.Protocol(os.path.join(SOURCE, "proto"))
        self.broker = Broker(os.environ["WICI_BIN"], root, operator, {**AGENCIES, **agencies}[operator][0])
        self.broker.start()
        self.units = {"admin": (operator, ["ADM"]), **units}
        self.keys = {unit: wici_client.new_key() for unit in units}
        self.keys["admin"] = wici_client.read_key(f"{root}/admin.key")
        with self.session("admin") as admin:
            for agency, (name, kinds) in agencies.items():
                if agency != operator:
                    self.command(admin, "SYS_AGENCY_ENROLLED", sys_agency_enrolled_s0={
                        "agency_id": agency, "name": name, "kinds": kinds})
            for unit, (agency, roles) in units.items():
                self.enrol(admin, unit, agency, roles)

    def stop(self):
        """Ends the broker; it has to end cleanly."""
        self.broker.stop()

    def client(self, unit, session="", keys=None, **kwargs):
        """A connection of that unit which has not said Hello."""
        return wici_client.Client(self.wici, self.broker.endpoint, self.broker.server_key, keys or self.keys[unit],
                                  session, **kwargs)

    def session(self, unit, session="", known=None, **kwargs):
        """A connection of that unit that has said Hello."""
        return wici_client.session(self.wici, self.broker.endpoint, self.broker.server_key, self.keys[unit], session,
                                   known=known, **kwargs)

    def event(self, unit, event_type, dossier, *sections, **header):
        """An event by that unit, in its first role."""
        agency, roles = self.units[unit]
        if "to" in header:
            header["to"] = [{"unit": to} for to in header["to"]]
        if dossier:
            header["dossier_id"] = dossier
        actor = {"agency": agency, "unit": unit, "role": roles[0], **header.pop("actor", {})}
        return self.wici.make_event({"type": event_type, "schema_version": 1, "occurred_at": now(), **header,
                                     "actor": actor}, *sections)

    def command(self, client, event_type, unit="admin", dossier=None, **section):
        """Publishes a sys.* event; it has to be taken."""
        answer = client.publish(self.event(unit, event_type, dossier, section))[0]
        if answer.WhichOneof("outcome") != "receipt":
            raise AssertionError(f"{event_type}: {answer}")
        return answer.receipt

    def enrol(self, admin, unit, agency, roles):
        """Enrols a unit with the key it has here."""
        self.units[unit] = (agency, roles)
        self.keys.setdefault(unit, wici_client.new_key())
        return self.command(admin, "SYS_UNIT_ENROLLED", sys_unit_enrolled_s0={
            "unit_id": unit, "agency_id": agency, "name": unit, "roles": roles, "key": self.keys[unit][0]})

    def erase(self, dossier):
        """Orders an erasure and waits for its end."""
        with self.session("admin", "erases") as admin:
            done = admin.query(erase=self.wici.wire.EraseQuery(
                dossiers=[dossier], reason="COURT_ORDER", order_sha256=hashlib.sha256(b"order").hexdigest()))
        if not done.done:
            raise AssertionError(f"the erasure of {dossier} has not ended: {done}")


def referral(number="", **marks):
    """Sections of a referral.submitted: S0, S1, S5 and S6; marks go to the S6."""
    return ({"referral_submitted_s0": {"referral_id": new_id(), "information_received_on": "2026-03-02"}},
            {"subjects": ["osoba-1"], "referral_submitted_s1": {"persons": [
                {"person_ref": "osoba-1", "relation": "syn"}]}},
            {"subjects": ["osoba-1"], "referral_submitted_s5": {"violence_reasons": f"POWODY-S5{number}"}},
            {"subjects": ["osoba-1"], **marks, "referral_submitted_s6": {
                "paper_kind": "INFORMATION", "service": "OTHER", "source_kind": "SCHOOL",
                "reason_text": f"OPIS-S6{number}"}})


def letter(text):
    """Sections of an info.provided."""
    return ({"info_provided_s0": {"provided_on": "2026-03-02"}},
            {"info_provided_s6": {"doc_kind": "INFORMATION", "text": text}})
