"""What waits for a unit, page by page (Query.work, docs/PROTOCOL.md 3.6), over the wire, while others publish.

What each page must hold is worked out here from what was published: the tasks that are open then, in the order of their
dossiers' opening and in a dossier of the log, from where the page before it ended.
"""
import random
import shutil
import tempfile
import threading
import unittest

from wici_client import Refused
from world import World, letter, new_id, referral

LARGEST = 200  # tasks in one answer, docs/LIMITS.md WORK_MAX
WORKER, PAPER = "ops-sw", "papier"


class Asked:
    """The questions put to one unit, as its list should have them."""

    def __init__(self):
        self.dossiers = []  # in the order of their opening
        self.tasks = []     # [dossier's place, seq of the act, seq of the record that asks, kind, event id], open ones

    def add(self, dossier, seq, kind, event_id):
        """A task; its dossier is new, or known."""
        if dossier not in self.dossiers:
            self.dossiers.append(dossier)
        self.tasks.append((self.dossiers.index(dossier), seq, kind, event_id))

    def ordered(self):
        """The open tasks as they have to be told."""
        return sorted(self.tasks)

    def close(self, event_id):
        """That record asks nothing any more."""
        self.tasks = [task for task in self.tasks if task[3] != event_id]


class Work(unittest.TestCase):
    """One broker; each test asks a unit of its own, whose list is all that it was ever asked."""

    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="wici-work-")
        cls.world = World(cls.root)
        cls.wire = cls.world.wici.wire
        cls.units = 0

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()  # it has to end cleanly
        shutil.rmtree(cls.root)

    def setUp(self):
        Work.units += 1
        self.unit = f"sp12-{Work.units}"
        with self.world.session("admin") as admin:
            self.world.enrol(admin, self.unit, "sp12", ["SCH"])
        self.asked = Asked()
        self.worker = self.world.client(WORKER, "worker")
        self.school = self.world.client(self.unit, "school")
        for client in (self.worker, self.school):
            client.hello()

    def tearDown(self):
        self.worker.close()
        self.school.close()

    # ---- doing

    def publish(self, client, *events):
        """Publishes events that must be taken; their (seq, event id)."""
        answers = client.publish(*events)
        for answer in answers:
            self.assertEqual(answer.WhichOneof("outcome"), "receipt", answer)
        return [(answer.receipt.seq, answer.event_id) for answer in answers]

    def question(self, dossier, **header):
        """An event that asks something, without a date to answer by."""
        return self.world.event(WORKER, "INFO_REQUESTED", dossier,
                                {"info_requested_s0": {"request_id": new_id(), "requested_on": "2026-03-02"}},
                                {"info_requested_s6": {"question": "x"}}, **header)

    def ask(self, dossier, count=1):
        """The worker asks the school so many things in that dossier."""
        for seq, event_id in self.publish(self.worker, *(self.question(dossier, to=[self.unit]) for _ in range(count))):
            self.asked.add(dossier, seq, "QUESTION", event_id)

    def answer(self, task):
        """The school answers that question."""
        dossier = self.asked.dossiers[task[0]]
        self.publish(self.school, self.world.event(self.unit, "INFO_PROVIDED", dossier, *letter("Tak."), to=[WORKER],
                                                   causation_id=task[3]))
        self.asked.close(task[3])

    def recall(self, task):
        """The worker takes the question back, and the school has that to confirm."""
        dossier = self.asked.dossiers[task[0]]
        (seq, event_id), = self.publish(self.worker, self.world.event(
            WORKER, "INFO_REQUESTED", dossier,
            {"info_requested_s0": {"request_id": new_id(), "requested_on": "2026-03-02"}},
            corrects_event_id=task[3], correction="ENTERED_IN_ERROR"))
        self.asked.close(task[3])
        self.asked.add(dossier, seq, "RECALL", event_id)

    def page(self, client, after=None, **asked):
        """One page, from the beginning or from where another ended."""
        if after is not None:
            asked.update(from_seq=after.next_seq, from_item=after.next_item, from_served=after.next_served,
                         from_made=after.next_made)
        return client.query(work=self.wire.WorkQuery(**asked))

    def pages(self, client, **asked):
        """All pages of a list that nobody changes; anew from the first, as long as an erasure makes the list anew."""
        for _ in range(16):
            try:
                return self.pages_once(client, **asked)
            except Refused as refused:
                self.assertEqual(refused.code, "E_LIST_CHANGED")
        return self.fail("the list is made anew without end")

    def pages_once(self, client, **asked):
        """All pages; an erasure that is under way may end that."""
        pages = [self.page(client, **asked)]
        while pages[-1].next_seq or pages[-1].next_served:
            self.assertLess(len(pages), 1000, "the list does not end")
            pages.append(self.page(client, pages[-1], **asked))
        return pages

    @staticmethod
    def told(page):
        """What a page tells: (seq, kind, event id)."""
        return [(item.seq, item.kind, item.event_id) for item in page.items]

    @staticmethod
    def want(tasks):
        """The same of tasks."""
        return [task[1:] for task in tasks]

    # ---- what must hold

    def test_all_pages_are_one_list_however_large_they_are(self):
        for _ in range(5):
            self.ask(new_id(), 51)
        want = self.want(self.asked.ordered())
        self.assertEqual(len(want), 255)
        for largest in (1, 2, 50, 51, 52, LARGEST):
            pages = self.pages(self.school, max=largest)
            self.assertEqual([task for page in pages for task in self.told(page)], want)
            self.assertEqual([len(page.items) for page in pages[:-1]], [largest] * (len(pages) - 1))
        for asked in ({}, {"max": LARGEST + 1}, {"max": 2 ** 32 - 1}):
            self.assertEqual([len(page.items) for page in self.pages(self.school, **asked)], [LARGEST, 55])

    def test_a_place_that_was_never_told_is_the_next_that_there_is(self):
        self.ask(new_id(), 3)
        self.ask(new_id(), 3)
        want = self.want(self.asked.ordered())
        opened = [self.asked.tasks[0][1], self.asked.tasks[3][1]]
        made = self.page(self.school, max=1).next_made
        for item in (5000, 2 ** 32 - 1):
            page = self.school.query(work=self.wire.WorkQuery(from_seq=opened[0], from_item=item, from_made=made))
            self.assertEqual(self.told(page), want[3:])
        for seq in (opened[0] + 1, opened[1]):
            page = self.school.query(work=self.wire.WorkQuery(from_seq=seq))
            self.assertEqual(self.told(page), want[3:])
        page = self.school.query(work=self.wire.WorkQuery(from_seq=2 ** 63))
        self.assertEqual((self.told(page), page.next_seq), ([], 0))

    def happen(self, chance):
        """Something that changes the list: asked anew, in a dossier of its own or not, answered, taken back."""
        questions = [task for task in self.asked.tasks if task[2] == "QUESTION"]
        what = chance.randrange(4)
        if what == 0 or not questions:
            self.ask(new_id(), chance.randrange(1, 4))
        elif what == 1:
            self.ask(chance.choice(self.asked.dossiers), chance.randrange(1, 3))
        elif what == 2:
            self.answer(chance.choice(questions))
        else:
            self.recall(chance.choice(questions))

    def test_a_page_goes_on_exactly_where_the_last_one_ended_whatever_is_published_between(self):
        told = 0
        for seed in range(8):
            chance = random.Random(seed)
            self.ask(new_id(), 4)
            self.ask(new_id(), 4)
            largest, page, place = chance.randrange(1, 4), None, (0, 0)
            for number in range(2000):
                page = self.page(self.school, page, max=largest)
                tasks = [task for task in self.asked.ordered() if task[:2] >= place]
                self.assertEqual(self.told(page), self.want(tasks[:largest]), f"seed {seed}")
                told += len(page.items)
                if len(tasks) <= largest:
                    break
                place = tasks[largest][:2]
                for _ in range(chance.randrange(4) if number < 40 else 0):  # or the list grows faster than it is read
                    self.happen(chance)
            self.assertEqual((page.next_seq, page.next_item, page.next_served), (0, 0, 0), f"seed {seed}")
        self.assertGreater(told, 200)

    def test_what_waits_throughout_is_told_once_while_another_publishes_without_a_pause(self):
        for _ in range(4):
            self.ask(new_id(), 20)
        lasting = {task[3] for task in self.asked.tasks[::2]}
        passing = [task for task in self.asked.tasks if task[3] not in lasting]
        want, stop, failed = [task[1:] for task in self.asked.ordered() if task[3] in lasting], threading.Event(), []

        def publish():
            try:
                while not stop.is_set() or passing:
                    self.ask(self.asked.dossiers[0])
                    if passing:
                        self.answer(passing.pop(0))
            except (Refused, AssertionError) as error:
                failed.append(error)

        with self.world.session(self.unit, "reads") as reader:
            thread = threading.Thread(target=publish)
            thread.start()
            lists = []
            while passing and not failed:
                lists.append([task for page in self.pages(reader, max=3) for task in self.told(page)])
            stop.set()
            thread.join()
        self.assertEqual(failed, [])
        self.assertGreater(len(lists), 1)
        for tasks in lists:
            self.assertEqual([task for task in tasks if task[2] in lasting], want)
            self.assertEqual(len(set(tasks)), len(tasks))

    def test_the_pages_go_over_from_the_units_own_work_to_that_of_the_agency_it_serves(self):
        with self.world.session("admin") as admin:
            self.world.command(admin, "SYS_EXTERNAL_ENROLLED", sys_external_enrolled_s0={
                "agency_id": PAPER, "name": "Przedszkole", "kinds": ["SCHOOL"], "served_by": self.unit,
                "channel": "PAPER"})
        self.ask(new_id(), 3)
        papers = []
        for _ in range(2):
            dossier = new_id()
            papers += [(dossier, *one) for one in self.publish(
                self.worker, *(self.to_agency(self.question(dossier)) for _ in range(2)))]
        # Each is to be printed, and the agency owes an answer.
        want = self.want(self.asked.ordered()) + [(seq, kind, event_id) for _, seq, event_id in papers
                                                  for kind in ("OUTSIDE", "QUESTION")]
        pages = self.pages(self.school, max=2)
        self.assertEqual([task for page in pages for task in self.told(page)], want)
        self.assertTrue(any(page.next_served for page in pages))
        # One that was told is handed over in between: the others come all the same.
        page = self.page(self.school, max=4)
        self.assertEqual(self.told(page), want[:4])
        dossier, _, event_id = papers[0]
        self.publish(self.school, self.world.event(
            self.unit, "SYS_DELIVERED_OUTSIDE", dossier, {"sys_delivered_outside_s0": {
                "event": event_id, "agency": PAPER, "channel": "PAPER", "delivered_on": "2026-03-03"}},
            causation_id=event_id))
        self.assertEqual(self.told(self.page(self.school, page)), want[4:])

    def test_a_step_that_an_answer_announces_is_on_the_list_of_who_serves_the_agency_on_paper(self):
        paper, keyed = f"asysta-{self.unit}", f"fa-{self.unit}"
        with self.world.session("admin") as admin:
            self.world.command(admin, "SYS_EXTERNAL_ENROLLED", sys_external_enrolled_s0={
                "agency_id": paper, "name": "Asystenci", "kinds": ["ASSISTANCE_ORG"], "served_by": self.unit,
                "channel": "PAPER"})
            self.world.enrol(admin, keyed, "ops", ["FA"])

        def answer(dossier, whose, **header):
            event = self.world.event(WORKER, "REFERRAL_ANSWERED", dossier, {"referral_answered_s0": {
                "referral_id": new_id(), "outcome": "TAKEN_UP", "answered_on": "2026-03-02"}}, {"referral_answered_s6": {
                    "status": "accepted", "next_action": {"unit": whose, "due": "2026-03-20"}}}, **header)
            if not header:
                wire_header = self.world.wici.header(event)
                wire_header.to.add(agency=whose)
                event.header = wire_header.SerializeToString()
            return self.publish(self.worker, event)[0]

        steps = {}
        for whose, header in ((paper, {}), (keyed, {"to": [keyed]}), (keyed, {"to": [self.unit]})):
            dossier = new_id()
            self.publish(self.school, self.world.event(self.unit, "REFERRAL_SUBMITTED", dossier, *referral(), to=[WORKER]))
            steps.setdefault(whose, (*answer(dossier, whose, **header), dossier))
        told = [(item.seq, item.due, item.agency) for item in self.page(self.school).items if item.kind == "STEP"]
        self.assertEqual(told, [(steps[paper][0], "2026-03-20", paper)])
        with self.world.session(keyed) as client:
            items = self.page(client).items
            self.assertEqual([(item.seq, item.kind, item.due, item.agency) for item in items],
                             [(steps[keyed][0], "STEP", "2026-03-20", "")])  # not the one that another was given
        seq, _, dossier = steps[paper]
        self.publish(self.school, self.world.event(
            self.unit, "INFO_PROVIDED", dossier, *letter("Byli u rodziny."), to=[WORKER], actor={
                "on_behalf_of": paper, "channel": "PAPER", "received_on": "2026-03-10"}))
        self.assertEqual([item for item in self.page(self.school).items if item.kind == "STEP"], [])

    # ---- where the places themselves moved

    def case_with_referrals(self, count):
        """A case that took up so many referrals: an erasure of one takes what it left in the case, too."""
        case, referrals = new_id(), [new_id() for _ in range(count)]
        self.publish(self.worker, self.world.event(WORKER, "CASE_OPENED", case, {"case_opened_s0": {
            "opened_on": "2026-03-02", "proceeding_started_on": "2026-03-02", "gmina": "3261011"}}, {
                "subjects": ["osoba-1"], "case_opened_s1": {"household": [{"person_ref": "osoba-1", "relation": "syn"}]}},
            {"case_opened_s6": {"path": "ORDINARY"}}))
        for one in referrals:
            self.publish(self.school, self.world.event(self.unit, "REFERRAL_SUBMITTED", one, *referral(), to=[WORKER]))
            self.publish(self.worker, self.world.event(WORKER, "CASE_LINKED", case, {"case_linked_s0": {
                "kind": "REFERRAL_OF", "other_dossier": one}}, {"case_linked_s6": {"reason": "x"}}))
        return case, referrals

    def refused_as_changed(self, client, page):
        """The next page is refused: its place is of a list that is no more."""
        with self.assertRaises(Refused) as caught:
            self.page(client, page, max=2)
        self.assertEqual((caught.exception.code, caught.exception.path), ("E_LIST_CHANGED", "query.work.fromMade"))

    def test_after_an_erasure_the_next_page_is_refused_and_asked_anew_the_list_is_whole(self):
        case, referrals = self.case_with_referrals(3)
        self.ask(case, 6)
        want = self.want(self.asked.ordered())
        for one in referrals[:2]:
            page = self.page(self.school, max=2)
            self.assertEqual(self.told(page), want[:2])
            self.world.erase(one)
            self.refused_as_changed(self.school, page)
            self.refused_as_changed(self.school, page)
            self.assertEqual([task for page in self.pages(self.school, max=2) for task in self.told(page)], want)

    def test_deadlines_are_asked_for_anew_after_an_erasure_too(self):
        case, referrals = self.case_with_referrals(1)
        for day in ("2026-03-10", "2026-03-11", "2026-03-12"):
            event = self.world.event(WORKER, "INFO_REQUESTED", case, {"info_requested_s0": {
                "request_id": new_id(), "requested_on": "2026-03-02", "answer_by": day}},
                                     {"info_requested_s6": {"question": "x"}}, to=[self.unit])
            self.publish(self.worker, event)
        page = self.school.query(clocks=self.wire.ClocksQuery(max=1))
        self.assertNotEqual(page.next_mark, 0)
        going_on = {"from_seq": page.next_seq, "from_mark": page.next_mark, "from_made": page.next_made}
        self.assertEqual([clock.due for clock in self.school.query(
            clocks=self.wire.ClocksQuery(**going_on)).clocks], ["2026-03-11", "2026-03-12"])
        self.world.erase(referrals[0])
        with self.assertRaises(Refused) as caught:
            self.school.query(clocks=self.wire.ClocksQuery(**going_on))
        self.assertEqual((caught.exception.code, caught.exception.path), ("E_LIST_CHANGED", "query.clocks.fromMade"))
        self.assertEqual([clock.due for clock in self.school.query(clocks=self.wire.ClocksQuery()).clocks],
                         ["2026-03-10", "2026-03-11", "2026-03-12"])

    def test_a_page_of_a_broker_that_started_anew_is_refused(self):
        self.ask(new_id(), 5)
        page = self.page(self.school, max=2)
        self.world.stop()
        self.world.broker.start()
        for client in (self.worker, self.school):
            client.close()
        self.worker, self.school = self.world.client(WORKER, "worker"), self.world.client(self.unit, "school")
        for client in (self.worker, self.school):
            client.hello()
        self.refused_as_changed(self.school, page)
        self.assertEqual([task for page in self.pages(self.school, max=2) for task in self.told(page)],
                         self.want(self.asked.ordered()))

    def to_agency(self, event):
        """The same event, addressed to the agency without the system."""
        header = self.world.wici.header(event)
        header.to.add(agency=PAPER)
        event.header = header.SerializeToString()
        return event


if __name__ == "__main__":
    unittest.main(verbosity=2)
