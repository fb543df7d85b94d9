"""Who may publish what, and the code of each refusal, for every role and type: tried in a dossier where the unit is
pending, in one that is not its own, and in one that does not exist."""
from cells_plan import AUTHOR, AUTHORS, NO_MARK, OURS, PAPER, Dossier, Mark

ROLE = ("E_ROLE", "header.actor.role")
APPROVER = ("E_ROLE", "header.actor.personRef")  # not registered
DOSSIER = ("E_DOSSIER", "header.dossierId")
ORDER = ("E_ORDER", "header.dossierId")
NO_REQUEST = ("E_NO_REQUEST", "header.causationId")

# What the policy's p stands for; see broker/core/conditions.c, which this does not share.
FREE = {"FA": "referral.submitted referral.completed case.safety_concern_raised court.insight_requested",
        "SW": "court.opinion_delivered", "DIR": "court.opinion_delivered", "IC": "court.insight_requested",
        "OSL": "consent.granted consent.withdrawn referral.forwarded", "MUN": "consent.granted consent.withdrawn",
        "SVC": "referral.forwarded"}
OFF = {"FA": "ipus.agreed ipus.updated ipus.concluded", "OUS": "ipus.approved"}
MEETINGS = {"IC": ("IPUS_TALK", "FIRST_CONTACT"), "OUS": ("IPUS_COORDINATORS", "IPUS_TALK"),
            "IDT": ("INTERDISCIPLINARY_TEAM", "CHILD_REVIEW"), "FCC": ("CHILD_REVIEW", "DIAGNOSTIC_GROUP"),
            "CCF": ("CHILD_REVIEW", "CONSULTATION")}
# In this order a unit stays able to write in its dossier: what makes it the holder, then what ends its waiting.
LAST = ["info.provided", "case.safety_concern_answered", "case.linked", "referral.completed"]


class Attempt:
    """One way of publishing: where, with which values and paper, and the refusal it has to meet; None: it is taken."""

    def __init__(self, dossier, refusal=None, paper=None, extra=(), **values):
        self.dossier, self.refusal, self.paper, self.extra, self.values = dossier, refusal, paper, extra, values


class Publishing:
    """The attempts of every unit, added to the probes of a plan."""

    def __init__(self, plan, policy):
        self.plan, self.policy, self.attempts = plan, policy, 0
        self.provided = plan.provider()

    def attempt(self, unit, name, tried, sections=None):
        """Adds one attempt."""
        sections = sections or self.plan.base(name, **tried.values) + list(tried.extra)
        linked = self.known[1] if tried.dossier is self.known[0] else self.known[0]
        event = self.plan.event(unit, name, tried.dossier, sections, paper=tried.paper, linked=linked,
                                cause=None, corrects=None)
        if tried.refusal is None:
            self.plan.count(event)
        self.plan.probes.append((unit, event, tried.refusal))
        self.attempts += 1

    def conditional(self, unit, name):
        """For a cell with p: how it is refused, and how it is taken (None: never)."""
        role, (own, untouched) = unit.role, self.known
        where = Dossier() if name == "case.opened" else own
        if role == "INT" or (role == "SW" and name in ("court.order_issued", "court.opinion_requested")):
            status = {"status": "cancelled"} if name == "referral.completed" else {}
            unmet = [Attempt(where, ("E_BEHALF", "header.actor.onBehalfOf"), **status),
                     Attempt(where, ("E_BEHALF", "header.actor.channel"), {"on_behalf_of": "x"}, **status),
                     Attempt(where, ("E_BEHALF", "header.actor.receivedOn"),
                             {"on_behalf_of": "x", "channel": "PAPER"}, **status)]
            if status:
                unmet.append(Attempt(where, ROLE, PAPER, status="completed"))
            return unmet, Attempt(where, None, PAPER, **status)
        if name in OFF.get(role, "").split():
            unmet = APPROVER if role == "OUS" else ROLE
            return [Attempt(where, unmet)], None
        if name == "referral.answered" or name in FREE.get(role, "").split():
            return [], Attempt(where)
        if (role, name) == ("FA", "case.opened"):
            return [Attempt(where, ROLE)], Attempt(where, extra=[(4, NO_MARK, {"entitlement": "LOSS"})])
        if (role, name) == ("IC", "case.opened"):
            return [Attempt(where, ROLE), Attempt(where, ROLE, path="BOTH")], Attempt(where, path="IPUS")
        if (role, name) == ("IC", "case.closed"):
            return [Attempt(where, ROLE)], Attempt(self.plan.pending(units=[unit], path="IPUS"))
        if name == "case.plan_updated":
            return [Attempt(where, ROLE, plan_kind="WORK_PLAN")], Attempt(where, plan_kind="CHILD_AID_PLAN")
        if name == "case.linked":
            return [Attempt(untouched, ROLE)], Attempt(own)  # its holder by then
        if name == "case.worker_set":
            mate = unit.id.replace("u-", "b-")
            allowed = mate if role in ("DIR", "HEAD") else unit.id
            refused = AUTHOR if role in ("DIR", "HEAD") else mate
            return [Attempt(where, ROLE, unit=refused)], Attempt(where, unit=allowed)
        if name == "meeting.agreements_issued":
            return [Attempt(untouched, ROLE)], Attempt(own)  # it wrote here before
        if name.startswith("meeting."):
            kind, other = MEETINGS[role]
            return [Attempt(where, ROLE, kind=other)], Attempt(where, kind=kind)
        if name == "ipus.service_reported":
            return [Attempt(where, ROLE)], Attempt(self.provided)
        raise ValueError(f"p of {role} in {name} is not known here")

    def marked(self, unit, name, tried):
        """Lists of sections that are all meant for others: the author is given them all the same."""
        marks = [Mark((OURS,), not_to=(unit.id,)), Mark(only_for=(AUTHORS,))]
        kind = {"kind": tried.values["kind"]} if name.startswith("meeting.") and "kind" in tried.values else {}
        for sections in self.plan.chunks(name, marks, tried.extra, **tried.values):
            yield [(cls, mark, {**values, **kind} if cls == 6 else values) for cls, mark, values in sections]

    def cell(self, unit, name):
        """The attempts for one role and type."""
        publish = self.policy.cells[name, unit.role].publish
        own, opens = self.known[0], bool(self.plan.types.opens[name])
        foreign = self.plan.elsewhere
        if not publish:
            for dossier in (own, foreign, Dossier()):
                self.attempt(unit, name, Attempt(dossier, ROLE))
            return
        unmet, met = [], Attempt(Dossier() if name == "case.opened" else own)
        if name == "case.safety_concern_answered":
            met.values["outcome"] = "TAKEN_UP"
        if name == "case.worker_set" and unit.role in ("DIR", "HEAD"):
            publish = "p"  # only for their own agency, whatever the matrix says
        if publish == "p":
            unmet, met = self.conditional(unit, name)
        for tried in unmet:
            self.attempt(unit, name, tried)
        if met is None:
            self.attempt(unit, name, Attempt(foreign, unmet[0].refusal))
            return
        self.attempt(unit, name, Attempt(foreign, DOSSIER, met.paper, met.extra, **met.values))
        unknown = NO_REQUEST if name == "court.opinion_delivered" else None if opens else DOSSIER
        self.attempt(unit, name, Attempt(Dossier(), unknown, met.paper, met.extra, **met.values))
        if name == "case.opened":
            self.attempt(unit, name, Attempt(own, ORDER, met.paper, met.extra, **met.values))
        for sections in self.marked(unit, name, met):
            if name == "case.opened":
                met.dossier = Dossier()
            self.attempt(unit, name, met, sections)

    def unit(self, unit):
        """Every type, by one unit; then what its key does not let it be."""
        self.known = self.plan.pending(units=[unit]), self.plan.pending(units=[unit])
        self.plan.write("court.opinion_requested", self.known[0])  # that the unit may answer
        names = [name for name in self.plan.types.classes if name not in LAST] + LAST
        for name in names:
            self.cell(unit, name)
        for other, refusal in ((self.plan.author, ("E_ACTOR", "header.actor.agency")),
                               (type(unit)(unit.id.replace("u-", "b-"), unit.agency, unit.role),
                                ("E_ACTOR", "header.actor.unit"))):
            event = self.plan.event(other, "info.requested", self.known[0], self.plan.base("info.requested"))
            self.plan.probes.append((unit, event, refusal))
        claimed = "SW" if unit.role != "SW" else "HEAD"
        event = self.plan.event(unit, "info.requested", self.known[0], self.plan.base("info.requested"), role=claimed)
        self.plan.probes.append((unit, event, ROLE))

    def writers(self, dossier, may):
        """Every unit asks something in this dossier; `may` are those whose relation lets them write."""
        self.known = dossier, self.plan.elsewhere
        for unit in self.plan.units:
            refusal = ROLE if unit.role == "AUD" else None if unit in may else DOSSIER
            self.attempt(unit, "info.requested", Attempt(dossier, refusal, PAPER if unit.role == "INT" else None))
