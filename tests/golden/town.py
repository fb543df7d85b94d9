"""Where the demo plays: one district with a centre of social services, a school, a court and others. Everybody is invented."""

AGENCIES = {
    # agency: (name, kinds); the first runs the broker
    "gmina": ("Urząd Gminy Przykładowo", ["MUNICIPALITY"]),
    "sp12": ("Szkoła Podstawowa nr 12", ["SCHOOL"]),
    "cus": ("Centrum Usług Społecznych", ["CUS", "OPS"]),
    "sad": ("Sąd Rejonowy, Wydział Rodzinny", ["COURT"]),
    "kuratorzy": ("Zespół Kuratorskiej Służby Sądowej", ["PROBATION"]),
    "pcpr": ("Powiatowe Centrum Pomocy Rodzinie", ["FOSTER_ORG"]),
    "poradnia": ("Poradnia Psychologiczno-Pedagogiczna", ["PROVIDER"]),
    "swietlica": ("Stowarzyszenie Świetlica", ["PROVIDER"]),
    "szpital": ("Szpital Powiatowy", ["HEALTH"]),
    "nadzor": ("Wydział Nadzoru", ["AUDIT"]),
}

UNITS = {
    # unit: (agency, role, short name, role file of its agent)
    "sp12-pedagog": ("sp12", "SCH", "SCH", "school"),
    "cus-rec": ("cus", "INT", "REC", "ops"),
    "cus-sw": ("cus", "SW", "SW", "ops"),
    "cus-dir": ("cus", "DIR", "DIR", "ops"),
    "cus-fa": ("cus", "FA", "FA", "ops"),
    "cus-ic": ("cus", "IC", "IC", "ops"),
    "cus-ous": ("cus", "OUS", "OUS", "ops"),
    "sad-rodzinny": ("sad", "CT", "CT", "court"),
    "kurator-1": ("kuratorzy", "KUR", "KUR", "probation"),
    "pcpr-koordynator": ("pcpr", "FCC", "FCC", "fcc"),
    "poradnia-1": ("poradnia", "SVC", "SVC", "provider"),
    "swietlica-1": ("swietlica", "SVC", "SVCB", "provider"),
}

REGISTERS = [
    # what the rules for individual plans ask for: (unit, type, body)
    ("cus-ous", "SYS_PROGRAMME_REGISTERED", {"programmeId": "program-1", "gmina": "326101", "from": "2024-01-01"}),
    ("cus-dir", "SYS_QUALIFICATION_REGISTERED", {"personRef": "koordynator-1", "kind": "IPUS_COORDINATOR", "from": "2024-01-01"}),
]

ANNA = {"personRef": "osoba-1", "name": "Anna Przykładowa", "birthDate": "1989-04-02", "relation": "matka"}
JAN = {"personRef": "osoba-2", "name": "Jan Przykładowy", "birthDate": "2016-09-14", "relation": "syn"}
BOTH = ["osoba-1", "osoba-2"]
EWA = {"personRef": "osoba-3", "name": "Ewa Wymyślona", "birthDate": "1996-11-20", "relation": "matka"}
MARIA = {"personRef": "osoba-4", "name": "Maria Zmyślona", "birthDate": "1958-07-01", "relation": "wnioskodawczyni"}


def s(body, value, subjects=(), only_for=()):
    """One section: the name of its body, the body, and its marks."""
    section = {body: value}
    if subjects:
        section["subjects"] = list(subjects)
    if only_for:
        section["onlyFor"] = list(only_for)
    return section
