"""An individual plan of social services (golden scenario 7): application, agreement within thirty days, approval by the
director, services by two providers who each see their own row, conclusion.
"""
from town import MARIA, s

TITLE = ("An individual plan of social services (IPUS)", "Indywidualny plan usług społecznych (IPUS)")
WHO = ["osoba-4"]
OFFICE = ["cus-dir", "cus-ous"]


def row(kind, service, provider, agreed=True):
    """A row of the plan, for its provider and the office."""
    reason = {} if kind == "ipusAgreedS6" else {"reason": "NEEDS_CHANGED"}
    return s(kind, {**reason, "applicantAgreed": "YES" if agreed else "NO", "row": {
        "serviceRef": service, "programmeId": "program-1", "provider": provider, "place": "w siedzibie wykonawcy",
        "schedule": "raz w tygodniu"}}, WHO, [provider, *OFFICE])


def story(ids, day):
    """The steps, as in ordinary.py."""
    def facts(version, agreed_on):
        return {"ipusId": ids("ipus"), "version": version, "appliedOn": day(0), "agreedOn": day(agreed_on),
                "periodFrom": day(33), "periodTo": day(210), "applicationEventId": ids("referral")}

    return [
        dict(say=("reception: an application for services", "kancelaria: wniosek o usługi"),
             day=0, unit="cus-rec", type="REFERRAL_SUBMITTED", dossier="referral", name="referral", to=["cus-ic"],
             actor={"onBehalfOf": "osoba-4", "channel": "PAPER", "receivedOn": day(0)}, sections=[
                 s("referralSubmittedS0", {"referralId": ids("referral-id"), "informationReceivedOn": day(0), "appliedOn": day(0)}),
                 s("referralSubmittedS1", {"persons": [MARIA], "applicant": MARIA}, WHO),
                 s("referralSubmittedS6", {"paperKind": "APPLICATION", "service": "IPUS", "sourceKind": "FAMILY",
                                           "reasonText": "Po chorobie trudno mi samej wyjść z domu."}),
                 s("referralSubmittedS7", {"address": "ul. Polna 1, 00-000 Przykładowo"}, WHO)],
             expect={"cus-ic": "017", "cus-dir": "0167"}),
        dict(say=("the coordinator takes it up", "koordynator podejmuje wniosek"),
             day=4, unit="cus-ic", type="REFERRAL_ANSWERED", dossier="referral", cause="referral", sections=[
                 s("referralAnsweredS0", {"referralId": ids("referral-id"), "outcome": "TAKEN_UP", "answeredOn": day(4)}),
                 s("referralAnsweredS6", {"status": "accepted", "nextAction": {"unit": "cus-ic", "due": day(30)}})],
             expect={"cus-dir": "06", "cus-rec": "0"}),
        dict(say=("a case is opened", "rozpoczęcie sprawy"),
             day=5, unit="cus-ic", type="CASE_OPENED", dossier="case", sections=[
                 s("caseOpenedS0", {"openedOn": day(5), "proceedingStartedOn": day(5), "gmina": "326101"}),
                 s("caseOpenedS1", {"household": [MARIA]}, WHO),
                 s("caseOpenedS6", {"path": "IPUS"})],
             expect={"cus-dir": "016", "cus-ous": "0"}),
        dict(say=("it is tied to the application", "powiązanie z wnioskiem"),
             day=5, unit="cus-ic", type="CASE_LINKED", dossier="case", sections=[
                 s("caseLinkedS0", {"kind": "REFERRAL_OF", "otherDossier": ids("referral")}),
                 s("caseLinkedS6", {"reason": "Wniosek o usługi."})],
             expect={"cus-dir": "06"}),
        dict(say=("a plan of two months: too short", "plan na dwa miesiące: za krótki"),
             day=28, unit="cus-ic", type="IPUS_AGREED", dossier="case", refused="E_IPUS_PERIOD",
             actor={"personRef": "koordynator-1"}, sections=[
                 s("ipusAgreedS0", {**facts(1, 28), "periodTo": day(90)}),
                 s("ipusAgreedS1", {"person": MARIA}, WHO),
                 row("ipusAgreedS6", "psycholog", "poradnia-1")],
             expect={}),
        dict(say=("the plan is agreed, on day 29 of 30", "IPUS uzgodniony, w 29. dniu z 30"),
             day=29, unit="cus-ic", type="IPUS_AGREED", dossier="case", actor={"personRef": "koordynator-1"}, sections=[
                 s("ipusAgreedS0", facts(1, 29)),
                 s("ipusAgreedS1", {"person": MARIA}, WHO),
                 s("ipusAgreedS2", {"fees": "Bez opłat."}),
                 row("ipusAgreedS6", "psycholog", "poradnia-1"),
                 row("ipusAgreedS6", "towarzyszenie", "swietlica-1"),
                 s("ipusAgreedS6", {"applicantAgreed": "YES",
                                    "needsRecognition": {"done": True, "aims": ["NEEDS", "SERVICES_IN_USE", "JUSTIFICATION", "FEES"]}}),
                 s("ipusAgreedS7", {"address": "ul. Polna 1, 00-000 Przykładowo"}, WHO, ["swietlica-1", "cus-dir"])],
             expect={"cus-dir": "01267", "cus-ous": "0126", "poradnia-1": "016", "swietlica-1": "0167"},
             exactly={"poradnia-1": [0, 1, 3], "swietlica-1": [0, 1, 4, 6]}),
        dict(say=("the director approves it", "dyrektor zatwierdza IPUS"),
             day=33, unit="cus-dir", type="IPUS_APPROVED", dossier="case", sections=[
                 s("ipusApprovedS0", {"ipusId": ids("ipus"), "version": 1, "decidedOn": day(33), "inForceFrom": day(33)}),
                 s("ipusApprovedS6", {"decision": "APPROVED", "by": "dyrektor"})],
             expect={"cus-ic": "06", "cus-ous": "06", "poradnia-1": "0", "swietlica-1": "0"}),
        dict(say=("the psychologist reports", "psycholog informuje o usłudze"),
             day=60, unit="poradnia-1", type="IPUS_SERVICE_REPORTED", dossier="case", sections=[
                 s("ipusServiceReportedS0", {"ipusId": ids("ipus"), "serviceRef": "psycholog"}),
                 s("ipusServiceReportedS6", {"status": "in-progress", "note": "Cztery spotkania."})],
             expect={"cus-ic": "06", "cus-ous": "06", "cus-dir": "0"}),
        dict(say=("talk, description, end of the plan", "rozmowa podsumowująca i opis"),
             day=210, unit="cus-ic", type="IPUS_CONCLUDED", dossier="case", actor={"personRef": "koordynator-1"}, sections=[
                 s("ipusConcludedS0", {"ipusId": ids("ipus"), "endedOn": day(210), "summaryTalkOn": day(210)}),
                 s("ipusConcludedS6", {"description": "Usługi wykonano, cel osiągnięty."})],
             expect={"cus-dir": "06", "cus-ous": "06", "poradnia-1": "0", "swietlica-1": "0"}),
    ]
