"""An ordinary case: a school tells of a family, a court orders, a child is placed, the work ends well.

It joins golden scenarios 1 (a school's report), 4 (a court's order and opinion) and 9 (foster care).
"""
from town import ANNA, BOTH, JAN, s

TITLE = ("The ordinary path: a school, a court, foster care", "Droga zwykła: szkoła, sąd, piecza zastępcza")


def story(ids, day):
    """The steps, in order. ids(name) is a UUID that stays the same for a name, day(n) the date of day n."""
    return [
        dict(say=("the school tells of a family", "szkoła informuje o rodzinie"),
             day=0, unit="sp12-pedagog", type="REFERRAL_SUBMITTED", dossier="referral", name="referral", to=["cus-sw"],
             sections=[
                 s("referralSubmittedS0", {"referralId": ids("referral-id"), "informationReceivedOn": day(0)}),
                 s("referralSubmittedS1", {"persons": [ANNA, JAN]}, BOTH),
                 s("referralSubmittedS6", {"paperKind": "INFORMATION", "service": "FAMILY_ASSISTANT", "sourceKind": "SCHOOL",
                                           "reasonText": "Uczeń od trzech tygodni nie przychodzi do szkoły."}, ["osoba-2"]),
                 s("referralSubmittedS7", {"address": "ul. Lipowa 3 m. 5, 00-000 Przykładowo"}, BOTH)],
             expect={"cus-sw": "0167", "cus-dir": "0167"}),
        dict(say=("the social worker takes it up", "pracownik socjalny podejmuje sprawę"),
             day=1, unit="cus-sw", type="REFERRAL_ANSWERED", dossier="referral", cause="referral", sections=[
            s("referralAnsweredS0", {"referralId": ids("referral-id"), "outcome": "TAKEN_UP", "answeredOn": day(1)}),
            s("referralAnsweredS6", {"status": "accepted", "nextAction": {"unit": "cus-sw", "due": day(14)}})],
            expect={"sp12-pedagog": "0", "cus-dir": "06"}),
        dict(say=("a case is opened", "wszczęcie postępowania"),
             day=3, unit="cus-sw", type="CASE_OPENED", dossier="case", sections=[
            s("caseOpenedS0", {"openedOn": day(3), "proceedingStartedOn": day(3), "gmina": "326101"}),
            s("caseOpenedS1", {"household": [ANNA, JAN]}, BOTH),
            s("caseOpenedS6", {"path": "ORDINARY", "text": "Rodzina z jednym dzieckiem w wieku szkolnym."}),
            s("caseOpenedS7", {"address": "ul. Lipowa 3 m. 5, 00-000 Przykładowo"}, BOTH)],
            expect={"cus-dir": "0167"}),
        dict(say=("it is tied to the school's paper", "powiązanie ze zgłoszeniem szkoły"),
             day=3, unit="cus-sw", type="CASE_LINKED", dossier="case", sections=[
            s("caseLinkedS0", {"kind": "REFERRAL_OF", "otherDossier": ids("referral")}),
            s("caseLinkedS6", {"reason": "Sprawa wynika z informacji szkoły."})],
            expect={"cus-dir": "06"}),
        dict(say=("community interview", "wywiad środowiskowy"),
             day=12, unit="cus-sw", type="CASE_INTERVIEW_COMPLETED", dossier="case", name="interview", sections=[
            s("caseInterviewCompletedS0", {"interviewOn": day(12)}),
            s("caseInterviewCompletedS1", {"persons": [ANNA, JAN]}, BOTH),
            s("caseInterviewCompletedS2", {"housing": "Mieszkanie komunalne, dwa pokoje.", "income": "Praca dorywcza."}, ["osoba-1"]),
            s("caseInterviewCompletedS6", {"conclusion": "ASSISTANT_NEEDED", "findings": "Matka prosi o pomoc."})],
            expect={"cus-dir": "0126"}),
        dict(say=("an assistant is asked for", "wniosek o asystenta"),
             day=19, unit="cus-sw", type="CASE_ASSISTANT_REQUESTED", dossier="case", name="request", sections=[
            s("caseAssistantRequestedS0", {"requestedOn": day(19), "interviewEventId": ids("interview")}),
            s("caseAssistantRequestedS6", {"analysis": "Rodzina potrzebuje stałego wsparcia asystenta."})],
            expect={"cus-dir": "06"}),
        dict(say=("the director assigns one", "dyrektor przydziela asystenta"),
             day=20, unit="cus-dir", type="CASE_ASSISTANT_ASSIGNED", dossier="case", sections=[
            s("caseAssistantAssignedS0", {"assignedOn": day(20), "assistantRef": "asystent-4", "unit": "cus-fa",
                                          "requestEventId": ids("request")}),
            s("caseAssistantAssignedS6", {"reason": "Wniosek pracownika socjalnego."})],
            expect={"cus-sw": "06", "cus-fa": "06"},
            # what the assistant now reads of the days before
            history={"cus-fa": ["0167", "06", "0126", "06"]}),
        dict(say=("first meeting with the family", "pierwsze spotkanie z rodziną"),
             day=28, unit="cus-fa", type="MEETING_HELD", dossier="case", marks=["W_NO_BASIS"], sections=[
            s("meetingHeldS0", {"meetingId": ids("first-contact"), "heldOn": day(28)}),
            s("meetingHeldS1", {"attendance": [{"personRef": "osoba-1", "present": True, "signed": True}]}, ["osoba-1"]),
            s("meetingHeldS6", {"kind": "FIRST_CONTACT", "attendance": [{"role": "FA", "unit": "cus-fa", "signed": True},
                                                                        {"role": "SW", "unit": "cus-sw", "signed": True}]})],
            expect={"cus-sw": "016", "cus-dir": "016"}),
        dict(say=("the family's consent DWR-01-01", "zgoda rodziny DWR-01-01"),
             day=28, unit="cus-fa", type="CONSENT_GRANTED", dossier="case", sections=[
            s("consentGrantedS0", {"consentId": ids("consent"), "givenOn": day(28)}),
            s("consentGrantedS1", {"givenBy": ANNA}, ["osoba-1"]),
            s("consentGrantedS6", {"kind": "COOPERATION_DWR_01_01"})],
            expect={"cus-sw": "016", "cus-dir": "016"}),
        dict(say=("plan of work", "plan pracy z rodziną"),
             day=40, unit="cus-fa", type="CASE_PLAN_UPDATED", dossier="case", sections=[
            s("casePlanUpdatedS0", {"planId": ids("plan"), "version": 1,
                                    "consultedWith": [{"role": "SW", "unit": "cus-sw", "on": day(39)}]}),
            s("casePlanUpdatedS6", {"planKind": "WORK_PLAN", "goals": [{"text": "Jan wraca do szkoły.", "due": day(90)}]})],
            expect={"cus-sw": "06", "cus-dir": "06"}),
        # the broker is killed here, while this event is on its way
        dict(say=("a meeting is convened", "zwołanie spotkania"),
             day=60, unit="cus-fa", type="MEETING_CONVENED", dossier="case", kill=True, sections=[
            s("meetingConvenedS0", {"meetingId": ids("meeting"), "startsAt": day(65) + "T09:00:00+01:00", "status": "booked",
                                    "revision": 1}),
            s("meetingConvenedS1", {"persons": [JAN]}, ["osoba-2"]),
            s("meetingConvenedS6", {"kind": "MULTI_PROFESSIONAL_FIRST", "place": "CUS, sala 4", "chairRole": "FA",
                                    "purpose": "Powrót Jana do szkoły.",
                                    "invited": [{"unit": "cus-sw", "role": "SW"}, {"unit": "cus-dir", "role": "DIR"}]},
               only_for=["cus"]),
            s("meetingConvenedS6", {"kind": "MULTI_PROFESSIONAL_FIRST", "place": "CUS, sala 4", "chairRole": "FA",
                                    "purpose": "Powrót Jana do szkoły.",
                                    "invited": [{"unit": "sp12-pedagog", "role": "SCH", "about": ["osoba-2"]}]},
               only_for=["sp12-pedagog"])],
            expect={"cus-sw": "016", "sp12-pedagog": "016", "cus-dir": "016"},
            exactly={"sp12-pedagog": [0, 1, 3], "cus-sw": [0, 1, 2]}),
        dict(say=("the meeting is held", "spotkanie"),
             day=65, unit="cus-fa", type="MEETING_HELD", dossier="case", sections=[
            s("meetingHeldS0", {"meetingId": ids("meeting"), "heldOn": day(65), "nextMeetingOn": day(95)}),
            s("meetingHeldS1", {"attendance": [{"personRef": "osoba-1", "present": True, "signed": True}]}, ["osoba-1"]),
            s("meetingHeldS6", {"kind": "MULTI_PROFESSIONAL_FIRST", "chairRole": "FA", "decision": "CONTINUE",
                                "attendance": [{"role": "FA", "unit": "cus-fa", "signed": True},
                                               {"role": "SW", "unit": "cus-sw", "signed": True},
                                               {"role": "SCH", "unit": "sp12-pedagog", "signed": True}]})],
            expect={"cus-sw": "016", "cus-dir": "016", "sp12-pedagog": "0"}),
        dict(say=("who does what until when", "spis uzgodnień"),
             day=66, unit="cus-fa", type="MEETING_AGREEMENTS_ISSUED", dossier="case", sections=[
            s("meetingAgreementsIssuedS0", {"meetingId": ids("meeting"), "nextMeetingOn": day(95)}),
            s("meetingAgreementsIssuedS1", {"deliveredTo": [{"personRef": "osoba-1", "how": "IN_PERSON", "on": day(66)}]},
              ["osoba-1"]),
            s("meetingAgreementsIssuedS6", {"row": {"no": 1, "action": "Zajęcia wyrównawcze dwa razy w tygodniu.",
                                                    "responsible": "Szkoła Podstawowa nr 12", "dueOn": day(90)}}, ["osoba-2"]),
            s("meetingAgreementsIssuedS6", {"row": {"no": 2, "action": "Konsultacja w poradni.", "responsible": "matka",
                                                    "dueOn": day(90)}}, ["osoba-1"])],
            expect={"cus-sw": "016", "cus-dir": "016", "sp12-pedagog": "06"},
            exactly={"sp12-pedagog": [0, 2], "cus-sw": [0, 1, 2, 3]}),

        dict(say=("the court obliges the mother", "sąd zobowiązuje matkę"),
             day=80, unit="sad-rodzinny", type="COURT_ORDER_ISSUED", dossier="order", name="order", to=["cus-sw"], sections=[
            s("courtOrderIssuedS0", {"issuedOn": day(80), "reportDates": [day(170)]}),
            s("courtOrderIssuedS1", {"obligedPersons": [ANNA]}, ["osoba-1"]),
            s("courtOrderIssuedS5", {"courtRef": "III Nsm 000/26", "orderKind": "OBLIGE_COOPERATION",
                                     "probationUnit": "kurator-1"}, ["osoba-1"]),
            s("courtOrderIssuedS6", {"text": "Sąd zobowiązuje matkę do współpracy z asystentem rodziny."}, ["osoba-1"])],
            expect={"cus-sw": "0156", "cus-dir": "016", "kurator-1": "0156"}),
        dict(say=("the order joins the case", "postanowienie trafia do sprawy"),
             day=82, unit="cus-sw", type="CASE_LINKED", dossier="case", sections=[
            s("caseLinkedS0", {"kind": "REFERRAL_OF", "otherDossier": ids("order")}),
            s("caseLinkedS6", {"reason": "Postanowienie dotyczy rodziny, z którą już pracujemy."})],
            expect={"cus-dir": "06", "cus-fa": "06", "sad-rodzinny": "0", "kurator-1": "0"}),
        dict(say=("the court asks for an opinion", "sąd prosi o opinię"),
             day=120, unit="sad-rodzinny", type="COURT_OPINION_REQUESTED", dossier="case", name="question",
             to=["cus-fa", "kurator-1"], sections=[
                 s("courtOpinionRequestedS0", {"requestedOn": day(120), "dueOn": day(141)}),
                 s("courtOpinionRequestedS1", {"persons": [ANNA, JAN]}, BOTH),
                 s("courtOpinionRequestedS5", {"courtRef": "III Nsm 000/26", "questions": "Jak przebiega współpraca?"},
                   ["osoba-1"]),
                 s("courtOpinionRequestedS6", {"note": "Prosimy o opinię w terminie."})],
             expect={"cus-fa": "0156", "cus-sw": "0156", "cus-dir": "016", "kurator-1": "015"}),
        dict(say=("the opinion", "opinia dla sądu"),
             day=140, unit="cus-fa", type="COURT_OPINION_DELIVERED", dossier="case", cause="question", to=["sad-rodzinny"],
             sections=[
                 s("courtOpinionDeliveredS0", {"deliveredOn": day(140)}),
                 s("courtOpinionDeliveredS1", {"persons": [ANNA, JAN]}, BOTH),
                 s("courtOpinionDeliveredS5", {"courtRef": "III Nsm 000/26"}),
                 s("courtOpinionDeliveredS6", {"opinion": "Matka współpracuje, syn uczęszcza do szkoły."},
                   only_for=["sad-rodzinny"])],
             expect={"sad-rodzinny": "0156", "cus-sw": "015", "cus-dir": "01", "kurator-1": "015"}),

        dict(say=("the foster-care coordinator joins", "dołącza koordynator pieczy"),
             day=150, unit="cus-sw", type="SYS_PARTICIPANT_ADDED", dossier="case", sections=[
            s("sysParticipantAddedS0", {"unit": "pcpr-koordynator", "about": ["osoba-2"], "purpose": "CARE"})],
            expect={"cus-dir": "0", "pcpr-koordynator": "0", "cus-fa": "0", "sad-rodzinny": "", "kurator-1": ""}),
        dict(say=("the boy moves to his grandmother", "chłopiec zamieszkał u babci"),
             day=151, unit="pcpr-koordynator", type="PLACEMENT_CHANGED", dossier="case", to=["sp12-pedagog"], sections=[
            s("placementChangedS0", {"effectiveOn": day(151)}),
            s("placementChangedS1", {"child": JAN}, ["osoba-2"]),
            s("placementChangedS3", {"kind": "PLACED", "formOfCare": "rodzina zastępcza spokrewniona",
                                     "mayCollect": ["babcia"]}, ["osoba-2"]),
            s("placementChangedS6", {"note": "Pobyt na czas leczenia matki."}, only_for=["cus", "pcpr"]),
            s("placementChangedS7", {"place": "ul. Klonowa 8, 00-000 Przykładowo", "contact": "600 000 000"})],
            expect={"cus-sw": "01367", "cus-dir": "01367", "cus-fa": "01367", "kurator-1": "0137", "sad-rodzinny": "0137",
                    "sp12-pedagog": "013"}),
        dict(say=("a new plan of work", "nowy plan pracy"),
             day=160, unit="cus-fa", type="CASE_PLAN_UPDATED", dossier="case", sections=[
            s("casePlanUpdatedS0", {"planId": ids("plan"), "version": 2,
                                    "consultedWith": [{"role": "SW", "unit": "cus-sw", "on": day(158)},
                                                      {"role": "FCC", "unit": "pcpr-koordynator", "on": day(159)}]}),
            s("casePlanUpdatedS6", {"planKind": "WORK_PLAN", "scope": "Praca z matką na czas pobytu syna u babci."})],
            expect={"cus-sw": "06", "cus-dir": "06", "pcpr-koordynator": "0", "kurator-1": "0"}),
        dict(say=("half-yearly assessment", "ocena okresowa"),
             day=170, unit="cus-fa", type="CASE_ASSESSMENT_RECORDED", dossier="case", sections=[
            s("caseAssessmentRecordedS0", {"periodFrom": day(20), "periodTo": day(170)}),
            s("caseAssessmentRecordedS3", {"childSituation": "Jan wrócił do szkoły, mieszka u babci."}, ["osoba-2"]),
            s("caseAssessmentRecordedS6", {"kind": "PERIODIC", "resultCode": "PROGRESS", "text": "Widoczna poprawa."})],
            expect={"cus-sw": "036", "cus-dir": "036", "pcpr-koordynator": "03", "kurator-1": "03"}),
        dict(say=("the goals are met", "cele osiągnięte"),
             day=400, unit="cus-sw", type="CASE_CLOSED", dossier="case", sections=[
            s("caseClosedS0", {"closedOn": day(400)}),
            s("caseClosedS6", {"reason": "GOALS_MET", "decidedWithFamily": True,
                               "monitoringPlan": {"dates": [day(580)], "units": ["cus-fa"]}})],
            expect={"cus-fa": "06", "cus-dir": "06", "pcpr-koordynator": "0", "kurator-1": "0", "sad-rodzinny": "0"}),
        dict(say=("the school learns: done", "szkoła dowiaduje się: załatwione"),
             day=400, unit="cus-sw", type="REFERRAL_COMPLETED", dossier="referral", cause="referral", sections=[
            s("referralCompletedS0", {"referralId": ids("referral-id"), "outcome": "DONE", "completedOn": day(400)}),
            s("referralCompletedS6", {"status": "completed", "text": "Cele osiągnięte."})],
            expect={"sp12-pedagog": "0", "cus-dir": "06"}),
        dict(say=("half a year later: all is well", "pół roku później: wszystko dobrze"),
             day=580, unit="cus-fa", type="CASE_ASSESSMENT_RECORDED", dossier="case", sections=[
            s("caseAssessmentRecordedS0", {"periodFrom": day(400), "periodTo": day(580)}),
            s("caseAssessmentRecordedS6", {"kind": "POST_CLOSURE", "resultCode": "GOALS_MET", "text": "Rodzina radzi sobie."})],
            expect={"cus-sw": "06", "cus-dir": "06", "kurator-1": "0"}),
    ]
