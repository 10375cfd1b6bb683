"""eICU-CRD 2.0: the tables that are not read yet, and when each of their columns would be known.

Declared so that the source says of every column of the database when it is known (promise 4); a table moves from here
to `columns.py` when events are made of it.
"""

from typing import Final

from wardround.sources.eicu.columns import STAY
from wardround.sources.raw_table import ADMIT, ID, INTEGER, NEVER, NUMBER, TEXT, RawTable, at, columns

ADMISSION_DX: Final = RawTable(
    "admissionDx",
    {
        "admissiondxid": (INTEGER, ID),
        **STAY,
        "admitdxenteredoffset": (INTEGER, at("admitdxenteredoffset")),
        **columns("admitdxpath admitdxname admitdxtext", TEXT, at("admitdxenteredoffset")),
    },
    offset="admitdxenteredoffset",
)

_DRUG: Final = at("drugenteredoffset", "drugoffset")
ADMISSION_DRUG: Final = RawTable(
    "admissionDrug",
    {
        "admissiondrugid": (INTEGER, ID),
        **STAY,
        **columns("drugoffset drugenteredoffset drughiclseqno", INTEGER, _DRUG),
        **columns("drugnotetype specialtytype usertype rxincluded writtenineicu drugname", TEXT, _DRUG),
        **columns("drugdosage drugunit drugadmitfrequency", TEXT, _DRUG),
    },
    offset="drugoffset",
)

_ALLERGY: Final = at("allergyenteredoffset", "allergyoffset")
ALLERGY: Final = RawTable(
    "allergy",
    {
        "allergyid": (INTEGER, ID),
        **STAY,
        **columns("allergyoffset allergyenteredoffset drughiclseqno", INTEGER, _ALLERGY),
        **columns("allergynotetype specialtytype usertype rxincluded writtenineicu", TEXT, _ALLERGY),
        **columns("drugname allergytype allergyname", TEXT, _ALLERGY),
    },
    offset="allergyoffset",
)

CARE_PROVIDER: Final = RawTable(
    "carePlanCareProvider",
    {
        "cplcareprovderid": (INTEGER, ID),
        **STAY,
        "careprovidersaveoffset": (INTEGER, at("careprovidersaveoffset")),
        **columns("providertype specialty interventioncategory", TEXT, at("careprovidersaveoffset")),
        "managingphysician": (TEXT, at("careprovidersaveoffset")),
        "activeupondischarge": (TEXT, NEVER),
    },
    offset="careprovidersaveoffset",
)

END_OF_LIFE: Final = RawTable(
    "carePlanEOL",
    {
        "cpleolid": (INTEGER, ID),
        **STAY,
        **columns("cpleolsaveoffset cpleoldiscussionoffset", INTEGER, at("cpleolsaveoffset", "cpleoldiscussionoffset")),
        "activeupondischarge": (TEXT, NEVER),
    },
    offset="cpleoldiscussionoffset",
)
"""Limits of care: legitimate, but they tell much."""

CARE_GENERAL: Final = RawTable(
    "carePlanGeneral",
    {
        "cplgeneralid": (INTEGER, ID),
        **STAY,
        "activeupondischarge": (TEXT, NEVER),
        "cplitemoffset": (INTEGER, at("cplitemoffset")),
        **columns("cplgroup cplitemvalue", TEXT, at("cplitemoffset")),
    },
    offset="cplitemoffset",
)

CARE_GOAL: Final = RawTable(
    "carePlanGoal",
    {
        "cplgoalid": (INTEGER, ID),
        **STAY,
        "cplgoaloffset": (INTEGER, at("cplgoaloffset")),
        **columns("cplgoalcategory cplgoalvalue cplgoalstatus", TEXT, at("cplgoaloffset")),
        "activeupondischarge": (TEXT, NEVER),
    },
    offset="cplgoaloffset",
)

CARE_INFECTION: Final = RawTable(
    "carePlanInfectiousDisease",
    {
        "cplinfectid": (INTEGER, ID),
        **STAY,
        "activeupondischarge": (TEXT, NEVER),
        "cplinfectdiseaseoffset": (INTEGER, at("cplinfectdiseaseoffset")),
        **columns("infectdiseasesite infectdiseaseassessment", TEXT, at("cplinfectdiseaseoffset")),
        **columns("responsetotherapy treatment", TEXT, at("cplinfectdiseaseoffset")),
    },
    offset="cplinfectdiseaseoffset",
)

CUSTOM_LAB: Final = RawTable(
    "customLab",
    {
        "customlabid": (INTEGER, ID),
        **STAY,
        **columns("labotheroffset labothertypeid", INTEGER, at("labotheroffset")),
        **columns("labothername labotherresult labothervaluetext", TEXT, at("labotheroffset")),
    },
    offset="labotheroffset",
)
"""No result time: whoever reads it adds a stated delay."""

HOSPITAL: Final = RawTable(
    "hospital", {"hospitalid": (INTEGER, ID), **columns("numbedscategory teachingstatus region", TEXT, ADMIT)}
)

MICRO_LAB: Final = RawTable(
    "microLab",
    {
        "microlabid": (INTEGER, ID),
        **STAY,
        "culturetakenoffset": (INTEGER, at("culturetakenoffset")),
        "culturesite": (TEXT, at("culturetakenoffset")),
        **columns("organism antibiotic sensitivitylevel", TEXT, NEVER),
    },
    offset="culturetakenoffset",
)
"""That a culture was taken is known; what grew has no result time."""

_NOTE: Final = at("noteenteredoffset", "noteoffset")
NOTE: Final = RawTable(
    "note",
    {
        "noteid": (INTEGER, ID),
        **STAY,
        **columns("noteoffset noteenteredoffset", INTEGER, _NOTE),
        **columns("notetype notepath notevalue notetext", TEXT, _NOTE),
    },
    offset="noteoffset",
)

_ASSESSMENT: Final = at("nurseassessentryoffset", "nurseassessoffset")
NURSE_ASSESSMENT: Final = RawTable(
    "nurseAssessment",
    {
        "nurseassessid": (INTEGER, ID),
        **STAY,
        **columns("nurseassessoffset nurseassessentryoffset", INTEGER, _ASSESSMENT),
        **columns("cellattributepath celllabel cellattribute cellattributevalue", TEXT, _ASSESSMENT),
    },
    offset="nurseassessoffset",
)

_CARE: Final = at("nursecareentryoffset", "nursecareoffset")
NURSE_CARE: Final = RawTable(
    "nurseCare",
    {
        "nursecareid": (INTEGER, ID),
        **STAY,
        **columns("nursecareoffset nursecareentryoffset", INTEGER, _CARE),
        **columns("celllabel cellattributepath cellattribute cellattributevalue", TEXT, _CARE),
    },
    offset="nursecareoffset",
)

PHYSICAL_EXAM: Final = RawTable(
    "physicalExam",
    {
        "physicalexamid": (INTEGER, ID),
        **STAY,
        "physicalexamoffset": (INTEGER, at("physicalexamoffset")),
        **columns("physicalexampath physicalexamvalue physicalexamtext", TEXT, at("physicalexamoffset")),
    },
    offset="physicalexamoffset",
)

_STATUS: Final = at("respcarestatusoffset")
RESPIRATORY_CARE: Final = RawTable(
    "respiratoryCare",
    {
        "respcareid": (INTEGER, ID),
        **STAY,
        **columns("respcarestatusoffset currenthistoryseqnum", INTEGER, _STATUS),
        **columns("airwaytype airwaysize airwayposition", TEXT, _STATUS),
        "ventstartoffset": (INTEGER, at("respcarestatusoffset", "ventstartoffset")),
        "ventendoffset": (INTEGER, NEVER),
        "priorventstartoffset": (INTEGER, at("respcarestatusoffset", "priorventstartoffset")),
        "priorventendoffset": (INTEGER, at("respcarestatusoffset", "priorventendoffset")),
        **columns("cuffpressure apneaparams lowexhmvlimit hiexhmvlimit lowexhtvlimit", NUMBER, _STATUS),
        **columns("hipeakpreslimit lowpeakpreslimit hirespratelimit lowrespratelimit sighpreslimit", NUMBER, _STATUS),
        **columns("lowironoxlimit highironoxlimit meanairwaypreslimit peeplimit cpaplimit", NUMBER, _STATUS),
        **columns("setapneainterval setapneatv setapneaippeephigh setapnearr setapneapeakflow", NUMBER, _STATUS),
        **columns("setapneainsptime setapneaie setapneafio2", NUMBER, _STATUS),
    },
    offset="respcarestatusoffset",
)

_RESPIRATORY: Final = at("respchartentryoffset", "respchartoffset")
RESPIRATORY_CHARTING: Final = RawTable(
    "respiratoryCharting",
    {
        "respchartid": (INTEGER, ID),
        **STAY,
        **columns("respchartoffset respchartentryoffset", INTEGER, _RESPIRATORY),
        **columns("respcharttypecat respchartvaluelabel respchartvalue", TEXT, _RESPIRATORY),
    },
    offset="respchartoffset",
)

UNREAD_TABLES: Final = (
    ADMISSION_DX,
    ADMISSION_DRUG,
    ALLERGY,
    CARE_PROVIDER,
    END_OF_LIFE,
    CARE_GENERAL,
    CARE_GOAL,
    CARE_INFECTION,
    CUSTOM_LAB,
    HOSPITAL,
    MICRO_LAB,
    NOTE,
    NURSE_ASSESSMENT,
    NURSE_CARE,
    PHYSICAL_EXAM,
    RESPIRATORY_CARE,
    RESPIRATORY_CHARTING,
)
