"""A case of "Za życiem" (golden scenario 3): a pregnant mother applies at the reception; the assistant coordinates. There
is no interview and no social worker, and whoever is not in the case does not learn of a pregnancy.
"""
from town import EWA, s

TITLE = ("\"Za życiem\": an expectant mother applies", "„Za życiem”: wniosek kobiety w ciąży")
WHO = ["osoba-3"]


def story(ids, day):
    """The steps, as in ordinary.py."""
    return [
        dict(say=("reception: the mother's application", "kancelaria: wniosek kobiety w ciąży"),
             day=0, unit="cus-rec", type="REFERRAL_SUBMITTED", dossier="referral", name="referral", to=["cus-fa"],
             actor={"onBehalfOf": "osoba-3", "channel": "IN_PERSON", "receivedOn": day(0)}, sections=[
                 s("referralSubmittedS0", {"referralId": ids("referral-id"), "informationReceivedOn": day(0), "appliedOn": day(0)}),
                 s("referralSubmittedS1", {"persons": [EWA], "applicant": EWA}, WHO),
                 s("referralSubmittedS4", {"entitlement": "PREGNANCY"}, WHO),
                 s("referralSubmittedS6", {"paperKind": "APPLICATION", "service": "FAMILY_ASSISTANT", "sourceKind": "FAMILY",
                                           "reasonText": "Potrzebna pomoc w przygotowaniu na narodziny dziecka."})],
             expect={"cus-fa": "0146", "cus-dir": "016"}),
        dict(say=("the assistant takes it up", "asystent podejmuje sprawę"),
             day=1, unit="cus-fa", type="REFERRAL_ANSWERED", dossier="referral", cause="referral", sections=[
                 s("referralAnsweredS0", {"referralId": ids("referral-id"), "outcome": "TAKEN_UP", "answeredOn": day(1)}),
                 s("referralAnsweredS6", {"status": "accepted", "nextAction": {"unit": "cus-fa", "due": day(6)}})],
             expect={"cus-dir": "06", "cus-rec": "0"}),
        dict(say=("a case is opened", "rozpoczęcie sprawy"),
             day=3, unit="cus-fa", type="CASE_OPENED", dossier="case", sections=[
                 s("caseOpenedS0", {"openedOn": day(3), "proceedingStartedOn": day(3), "gmina": "326101"}),
                 s("caseOpenedS1", {"household": [EWA]}, WHO),
                 s("caseOpenedS4", {"entitlement": "PREGNANCY"}, WHO),
                 s("caseOpenedS6", {"path": "ORDINARY", "text": "Pierwsze dziecko."})],
             expect={"cus-dir": "016"}),
        dict(say=("the director assigns the assistant", "dyrektor przydziela asystenta"),
             day=4, unit="cus-dir", type="CASE_ASSISTANT_ASSIGNED", dossier="case", sections=[
                 s("caseAssistantAssignedS0", {"assignedOn": day(4), "assistantRef": "asystent-2", "unit": "cus-fa",
                                               "requestEventId": ids("referral")}),
                 s("caseAssistantAssignedS6", {"reason": "Wniosek rodziny."})],
             expect={"cus-fa": "06"}),
        dict(say=("first meeting with the mother", "pierwsze spotkanie z matką"),
             day=6, unit="cus-fa", type="MEETING_HELD", dossier="case", sections=[
                 s("meetingHeldS0", {"meetingId": ids("first-contact"), "heldOn": day(6)}),
                 s("meetingHeldS1", {"attendance": [{"personRef": "osoba-3", "present": True, "signed": True}]}, WHO),
                 s("meetingHeldS6", {"kind": "FIRST_CONTACT", "chairRole": "FA",
                                     "attendance": [{"role": "FA", "unit": "cus-fa", "signed": True}]})],
             expect={"cus-dir": "016"}),
        dict(say=("she authorises the assistant, also in the hospital", "upoważnienie, także w szpitalu"),
             day=6, unit="cus-fa", type="CONSENT_GRANTED", dossier="case", refused="E_ZZ_SCOPE", sections=[
                 s("consentGrantedS0", {"consentId": ids("too-wide"), "givenOn": day(6)}),
                 s("consentGrantedS1", {"givenBy": EWA}, WHO),
                 s("consentGrantedS4", {"zzAuthorisation": {"scopeAgencies": ["poradnia", "szpital"]}}, WHO)],
             expect={}),
        dict(say=("she authorises the assistant", "upoważnienie dla asystenta"),
             day=6, unit="cus-fa", type="CONSENT_GRANTED", dossier="case", sections=[
                 s("consentGrantedS0", {"consentId": ids("authorisation"), "givenOn": day(6)}),
                 s("consentGrantedS1", {"givenBy": EWA}, WHO),
                 s("consentGrantedS4", {"zzAuthorisation": {"scopeAgencies": ["poradnia"]}}, WHO)],
             expect={"cus-dir": "01"}),
        dict(say=("the catalogue of possible support", "katalog możliwego wsparcia"),
             day=20, unit="cus-fa", type="CASE_PLAN_UPDATED", dossier="case", sections=[
                 s("casePlanUpdatedS0", {"planId": ids("plan"), "version": 1, "consultedWith": [{"role": "SW", "on": day(19)}]}),
                 s("casePlanUpdatedS4", {"catalogue": "Opieka położnej, psycholog, przygotowanie do porodu.",
                                         "informatorGivenOn": day(6)}, WHO),
                 s("casePlanUpdatedS6", {"planKind": "WORK_PLAN", "scope": "Koordynacja wsparcia do narodzin i po nich."})],
             expect={"cus-dir": "06"}),
        dict(say=("for the mother, the assistant asks the clinic", "asystent pyta poradnię w jej imieniu"),
             day=30, unit="cus-fa", type="INFO_REQUESTED", dossier="case", name="question", to=["poradnia-1"], sections=[
                 s("infoRequestedS0", {"requestId": ids("request-id"), "requestedOn": day(30), "answerBy": day(44)}),
                 s("infoRequestedS1", {"persons": [EWA]}, only_for=["cus"]),
                 s("infoRequestedS6", {"question": "Kiedy możliwa jest pierwsza konsultacja psychologiczna?",
                                       "representing": {"consentRef": ids("authorisation")}}, WHO)],
             expect={"poradnia-1": "06"}),
        dict(say=("the clinic answers", "odpowiedź poradni"),
             day=37, unit="poradnia-1", type="INFO_PROVIDED", dossier="case", cause="question", sections=[
                 s("infoProvidedS0", {"requestId": ids("request-id"), "providedOn": day(37)}),
                 s("infoProvidedS6", {"docKind": "INFORMATION", "text": "Konsultacja za tydzień, w środę o 10."}, WHO)],
             expect={"cus-fa": "06"}),
    ]
