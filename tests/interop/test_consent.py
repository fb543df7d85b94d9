"""A consent is withdrawn when the tie to the dossier where it was entered has been taken back: whoever was given
sections on it is told, live or when it comes back, and is given no more of them."""
import shutil
import tempfile
import unittest

from world import AGENCIES, UNITS, World, new_id, referral

PROVIDERS = ("poradnia-1", "poradnia-2")


class Consent(unittest.TestCase):
    """An office, a school that refers a family, and two units of a counselling centre that are told of it."""

    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="wici-consent-")
        self.world = World(self.root, agencies={**AGENCIES, "poradnia": ("Poradnia", ["COUNSELLING"])},
                           units={**UNITS, **{unit: ("poradnia", ["SVC"]) for unit in PROVIDERS}})

    def tearDown(self):
        self.world.stop()  # it has to end cleanly
        shutil.rmtree(self.root)

    def say(self, event_type, dossier, *sections, unit="ops-sw", **header):
        """An event that must be taken: its id and seq."""
        with self.world.session(unit, "say") as client:
            answer = client.publish(self.world.event(unit, event_type, dossier, *sections, **header))[0]
            self.assertEqual(answer.WhichOneof("outcome"), "receipt", answer)
            return answer.event_id, answer.receipt.seq

    def classes(self, delivery):
        """The classes of the sections that came with it."""
        return sorted(section_id % 10 for section_id in self.world.wici.sections(delivery))

    def take_up(self, letter, case):
        """The school refers the family, the office opens a case and takes the referral up: the event that ties them."""
        self.say("REFERRAL_SUBMITTED", letter, *referral(), unit="sp12-pedagog", to=["ops-sw"])
        self.say("CASE_OPENED", case,
                 {"case_opened_s0": {"opened_on": "2026-03-02", "proceeding_started_on": "2026-03-02", "gmina": "326101"}},
                 {"case_opened_s1": {"household": [{"person_ref": "osoba-1"}]}}, {"case_opened_s6": {"path": "ORDINARY"}})
        return self.say("CASE_LINKED", case, {"case_linked_s0": {"kind": "REFERRAL_OF", "other_dossier": letter}})[0]

    def test_a_withdrawal_reaches_whom_sections_were_given_while_the_dossiers_were_tied(self):
        letter, case, consent = new_id(), new_id(), new_id()
        online, offline = (self.world.client(unit, "work") for unit in PROVIDERS)
        link = self.take_up(letter, case)
        self.say("CONSENT_GRANTED", letter, {"consent_granted_s0": {"consent_id": consent, "given_on": "2026-03-02"}},
                 {"consent_granted_s1": {"given_by": {"person_ref": "osoba-1"}}},
                 {"consent_granted_s6": {"kind": "DATA_SHARING"}})
        for reader in (online, offline):
            reader.hello()
            reader.subscribe(1, cursor="work", from_seq=1)
        _, shared = self.say("INFO_PROVIDED", case, {"info_provided_s0": {"provided_on": "2026-03-03"}},
                             {"subjects": ["osoba-1"], "info_provided_s6": {"doc_kind": "INFORMATION", "text": "OPIS"}},
                             to=PROVIDERS, consent_ref=consent)
        for reader in (online, offline):
            came = reader.deliveries_to(1, shared)[-1]
            self.assertEqual((came.seq, self.classes(came)), (shared, [0, 6]))
            reader.ack(1, shared)
            reader.query(status=self.world.wici.wire.StatusQuery())  # so the Ack has been taken
        offline.close()
        self.say("CASE_LINKED", case, {"case_linked_s0": {"kind": "REFERRAL_OF", "other_dossier": letter}},
                 corrects_event_id=link, correction="ENTERED_IN_ERROR")
        _, withdrawn = self.say(
            "CONSENT_WITHDRAWN", letter, {"consent_withdrawn_s0": {"consent_id": consent, "withdrawn_on": "2026-03-05"}},
            {"consent_withdrawn_s1": {"by": {"person_ref": "osoba-1"}}},
            {"consent_withdrawn_s6": {"effect": "STOP_SHARING"}})
        with self.world.session(PROVIDERS[1], "work") as back:
            back.subscribe(1, cursor="work")
            for reader in (online, back):
                came = [d for d in reader.deliveries_to(1, withdrawn) if d.seq == withdrawn]
                self.assertEqual([self.classes(d) for d in came], [[0]])
                again = [d for d in reader.read_all(1) if d.seq == shared]
                self.assertEqual([self.classes(d) for d in again], [[0]])
        online.close()


if __name__ == "__main__":
    unittest.main()
