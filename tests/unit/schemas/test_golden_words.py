"""The agencies' words and the words that decide about life, written down apart from the tables.

A row that is added to kinds.toml or taken from it, and a phrase more or fewer in parts.toml, must change here too.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

import schemas
from schemas.kinds import load_kinds, spoken
from schemas.parts import load_parts
from tests.unit.schemas import warning_words

TREE = """
    other
    crash crash.vehicle crash.pedestrian crash.motorcycle crash.minor crash.injury crash.fatal crash.hit-and-run
    fire fire.building fire.building.residential fire.vehicle fire.outdoor fire.vegetation fire.electrical fire.check
    fire.explosion
    medical medical.life-threat medical.check medical.unknown-problem medical.overdose medical.transport death
    rescue rescue.elevator rescue.water rescue.collapse rescue.aircraft
    alarm alarm.automatic alarm.smoke alarm.water-flow alarm.carbon-monoxide alarm.intrusion
    hazard hazard.traffic hazard.fuel hazard.electrical
    gas gas.leak
    wires wires.down wires.arcing wires.pole wires.transformer
    crime crime.larceny crime.robbery crime.assault crime.kidnapping crime.burglary crime.vehicle-theft crime.fraud
    crime.vandalism crime.trespass crime.harassment crime.arson crime.weapon crime.impaired-driving
    missing disaster vulnerable wanted wanted.candidate disturbance assist assist.medical assist.fire assist.police
    standby check check.welfare check.call check.suspicious check.drone intrusion intrusion.drone intrusion.boat
    intrusion.person intrusion.vehicle traffic traffic.stop traffic.stalled traffic.parking
    traffic.jam service service.hub service.charger service.vehicle service.surplus service.ride patrol animal
    warning warning.weather warning.weather.wind warning.weather.thunderstorm warning.weather.tornado
    warning.weather.typhoon warning.weather.rain warning.weather.snow warning.weather.cold warning.weather.heat
    warning.weather.fog warning.weather.dust warning.weather.dry warning.weather.sea warning.flood
    warning.flood.flash warning.flood.coastal warning.earthquake warning.tsunami warning.volcano warning.landslide
    warning.fire warning.air warning.environment warning.health warning.hazmat warning.security warning.missing
    warning.infrastructure warning.transport"""

WORDS: dict[str, dict[str, str]] = {
    "houston-fire": {
        "crash.vehicle": "MOTOR VEHICLE INCIDENT | MOTOR VEHICLE ACCIDENT",
        "crash.motorcycle": "MOTORCYCLE INCIDENT | MOTORCYCLE ACCIDENT",
        "crash.pedestrian": "PEDESTRIAN",
        "medical": "EMS EVENT | EMS EVENT FROM HPD | EMS EVENT THRU FESY | EMERGENCY BLS RESPONSE",
        "medical.life-threat": "ALS EMERGENCY RESPONSE",
        "medical.check": "CHECK PATIENT*",
        "fire": "FIRE EVENT",
        "fire.building.residential": "APARTMENT FIRE | HOUSE FIRE | HOUSE ON FIRE | DUPLEX ON FIRE | MOBILE HOME ON FIRE",
        "fire.building": "BUILDING FIRE | GARAGE ON FIRE | SHED ON FIRE",
        "fire.vehicle": "BUS FIRE | CAR FIRE | VEHICLE ON FIRE",
        "fire.outdoor": "CONSTRUCTION EQUP ON FIRE | GENERATOR ON FIRE | DUMPSTER ON FIRE | TRASH FIRE",
        "fire.vegetation": "GRASS FIRE | TREE ON FIRE",
        "fire.check": "CHECK FOR FIRE | CK FOR FIRE SHOPPING CTR.",
        "fire.electrical": "CK APPILANCE OR FIXTURE | CK. OUTLET, PLUG OR SOCKET",
        "alarm.automatic": "AUTOMATIC ALARM",
        "alarm": "MEDIUM BUILDING FILL OUT",
        "alarm.smoke": "SMOKE DETECTOR",
        "alarm.water-flow": "CHECK WATER FLOW ALARM",
        "alarm.carbon-monoxide": "CRBN MONOXIDE LK SCK RESD",
        "gas.leak": "GAS LEAK | GAS LEAKING",
        "gas": "GAS METER",
        "hazard.fuel": "FUEL SPILL | HOT FUEL",
        "wires.down": "LIGHT WIRE DOWN",
        "wires.arcing": "LIGHT WIRES ARCING",
        "wires.pole": "ELECTRICAL POLE DOWN",
        "wires.transformer": "TRANSFORMER",
        "rescue": "RESCUE EVENT | UNKNOWN TYPE OF RESCUE",
        "rescue.elevator": "ELEVATOR RESCUE",
        "rescue.water": "WATER RESCUE",
        "rescue.collapse": "BLDG COLLAPSE | HOUSE COLLAPSE",
        "rescue.aircraft": "ALERT 1 | ALERT II",
        "assist": "ASST HPD FORCE ENTRY",
        "standby": "SPECIAL EVENTS STAND BY RECORD",
        "other": "NON EMERGENCY RESPONSE | UNKNOWN EVENT A LEVEL RESPONSE",
    },
    "houston-police": {
        "crash.fatal": "CRASH/MAJOR/FATALITY",
        "crash.injury": "CRASH/MAJOR/NON FATAL | CRASH/MAJOR/CITY VEH",
        "crash.hit-and-run": "CRASH/MAJOR/FSRA | CRASH/MINOR/FSGI",
        "crash.minor": "CRASH/MINOR | CRASH/MINOR/DISTURBANCE",
        "crash": "CRASH/UNK MAJOR/MINOR",
        "hazard.traffic": "TRAFFIC HAZARD/URGENT | TRAFFIC HAZARD/NON URGENT",
    },
    "kr-119": {
        "crash.vehicle": "교통사고",
        "crash.pedestrian": "보행자 교통사고",
        "fire.building": "건물화재",
        "fire.building.residential": "주택화재",
        "fire.vehicle": "차량화재",
        "medical": "구급",
        "medical.life-threat": "심정지",
        "alarm.automatic": "자동화재속보",
        "gas.leak": "가스누출",
    },
    "kr-112": {
        "crash": "교통사고",
        "crash.pedestrian": "보행자 교통사고",
        "crime.larceny": "절도",
        "crime.robbery": "강도",
        "crime.assault": "폭행",
        "missing": "실종",
        "disturbance": "소란",
    },
    "columbia-police": {
        "crash": "ACCIDENT",
        "crash.hit-and-run": "LEAVING THE SCENE ACCIDENT",
        "assist.medical": "ASSIST MEDICS",
        "assist.fire": "ASSIST FIRE",
        "assist.police": "ASSIST OFFICER | CHECK STATUS OF OFFICER",
        "assist": "ASSIST OTHER AGENCY",
        "medical.overdose": "OVERDOSE",
        "medical.unknown-problem": "UNKNOWN PROBLEM",
        "death": "DEATH INVESTIGATION",
        "alarm": "FIRE ALARM",
        "alarm.intrusion": "LAW ALARM",
        "hazard.traffic": "TRAFFIC HAZARD | CHECK TRAFFIC LIGHTS",
        "traffic.stop": "TRAFFIC STOP | BICYCLE STOP",
        "traffic.stalled": "STALLED VEHICLE | ABANDONED VEHICLE",
        "traffic.parking": "PARKING VIOLATION",
        "traffic": "TRAFFIC | TRAFFIC CONTROL | TRAFFIC OBSERVATION | C&I DRIVING",
        "crime.impaired-driving": "DWI",
        "disturbance": "DISTURBANCE | PEACE DISTURBANCE | PEACE DISTURBAUNCE | FIREWORKS",
        "crime.larceny": "LARCENY",
        "crime.robbery": "ROBBERY",
        "crime.assault": "ASSAULT",
        "crime.burglary": "BURGLARY",
        "crime.vehicle-theft": "AUTO THEFT | MISSING VEHICLE",
        "crime.fraud": "FRAUD",
        "crime.vandalism": "VANDALISM",
        "crime.trespass": "TRESPASS SUBJECT | TRESPASS VEHICLE | TRESPASSING",
        "crime.harassment": "HARASSMENT",
        "crime.arson": "ARSON",
        "crime.weapon": "SHOTS FIRED | SHOTS HEARD",
        "crime": "PROSTITUTION | EXHIBITIONIST | LIQUOR LAW VIOLATION | ABANDON CHILD | OTHER OFFENSE",
        "missing": "MISSING PERSON | LOST PERSON",
        "check.welfare": "FOUND PERSON | CHECK THE WELFARE",
        "check.call": "911 CHECKS",
        "check.suspicious": "SUSPICIOUS PERSON | SUSPICIOUS VEHICLE | SUSPICIOUS INCIDENT | PROWLER",
        "check": "CHECK SUBJECT | CHECK AREA | CHECK BUILDING | CHECK OPEN BUSINESS",
        "patrol": "FOOT PATROL | SPECIAL ASSIGNMENT | FUNERAL ESCORT",
        "service": "ASSIST CITIZEN | KEEP THE PEACE | CIVIL MATTER | VEH REPO | RECOVER PROPERTY | SERVE PAPERS | WARRANT"
        " | LOCKOUT | LITTERING",
        "animal": "ANIMAL COMPLAINT | ANIMAL BITE",
        "other": "INFORMATION | OVE",
    },
    "columbia-fire": {
        "medical": "Medical Response",
        "medical.unknown-problem": "Unknown Problem",
        "medical.transport": "Routine Transport",
        "crash.vehicle": "Motor Vehicle Collision | Vehicle Collision | Vehicle Collision Fluid Leak",
        "crash.injury": "Vehicle Collision with Injuries",
        "fire.building": "Structure Fire",
        "fire.building.residential": "Residential Structure Fire",
        "fire.vehicle": "Vehicle Fire",
        "fire.outdoor": "Outside Fire",
        "fire.check": "Outside Smoke Investigation | Unknown Odor",
        "fire.explosion": "Explosion",
        "alarm": "Alarm",
        "alarm.automatic": "Fire Alarm",
        "alarm.smoke": "Smoke Alarm",
        "alarm.water-flow": "Waterflow Alarm",
        "alarm.carbon-monoxide": "Carbon Monoxide Alarm",
        "gas.leak": "Gas Leak/Gas Odor",
        "hazard.fuel": "Fuel Spill/Fuel Odor",
        "hazard.electrical": "Electrical Hazard",
        "rescue.elevator": "Elevator/Escalator Rescue",
        "rescue": "Extrication/Entrapped | Search & Rescue",
        "assist": "Mutual Aid",
        "assist.police": "Assist Officer",
        "standby": "Stand By",
        "service": "Citizen Assist/Service Call | Knox Assist | Public Relations | Fire Inspection",
        "other": "Investigation",
    },
    "austin-fire": {
        "fire.outdoor": "TRASH - Trash Fire | DUMP - Dumpster Fire | BBQ - Unsafe Cooking",
        "fire.vehicle": "AUTO - Auto Fire",
        "fire.electrical": "ELEC - Electrical Fire",
        "fire.vegetation": "GRASS - Small Grass Fire | BRSHL - Brush Alarm / Light",
        "fire.building": "BOXL- Structure Fire",
    },
    **warning_words.WORDS,
}
"""Agency → kind → its words."""

STATUSES = {
    "kr-119": {"open": "접수", "dispatched": "출동", "arrived": "도착", "closed": "종결"},
    "kr-112": {"open": "접수", "dispatched": "출동지령", "arrived": "현장도착", "closed": "종결"},
    "nena-eido": {
        "open": "New | Open | Active | Pending | Unassigned",
        "dispatched": "Assigned | Dispatched | En Route | Enroute",
        "arrived": "Arrived | On Scene | OnScene",
        "closed": "Closed | Canceled | Cancelled | Completed | Resolved",
    },
}

LIFE = {
    "en": {
        "gas.leak": "GAS LEAK | smell of gas | natural gas odor | gas main struck | propane | methane",
        "fire": "FIRE | flames seen",
        "fire.building": "building on fire | working fire | warehouse ablaze",
        "fire.building.residential": "house on fire | apartment fire",
        "fire.vehicle": "car fire | truck burning",
        "fire.vegetation": "wildfire | brush fire | grass fire",
        "fire.explosion": "explosion | bomb blast",
        "crime.weapon": "SHOOTING | active shooter | shots fired | person shot | stabbing | man with a gun | knife",
        "rescue": "rescue | person trapped | pinned in | avalanche | jumper",
        "rescue.water": "drowning | water rescue | man in the river | swept away",
        "rescue.collapse": "building collapse | landslide | cave in",
        "rescue.aircraft": "plane crash | aircraft emergency",
        "rescue.elevator": "stuck in lift | elevator",
        "medical.life-threat": "cardiac arrest | CPR | not breathing | unconscious | choking",
        "medical.overdose": "overdose | poisoning",
        "crime.kidnapping": "kidnapping | hostage",
        "crime.robbery": "robbery | carjacking",
        "crime.assault": "assault | rape",
        "crash.pedestrian": "pedestrian struck",
        "crash.fatal": "fatal accident",
        "hazard": "hazmat | chemical spill | chlorine | radiation",
        "alarm.carbon-monoxide": "carbon monoxide",
        "wires.down": "power line down",
        "missing": "missing child | amber alert",
    },
    "ko": {
        "gas.leak": "가스 누출 | 가스 냄새가 남 | 도시가스누설",
        "fire": "화재 | 불이 났어요 | 불길",
        "fire.building": "건물 화재 | 공장 화재 | 병원 화재",
        "fire.building.residential": "주택 화재 | 아파트 화재 | 아파트에 불이 났어요",
        "fire.vehicle": "차량 화재 | 버스 화재",
        "fire.vegetation": "산불 | 임야 화재",
        "fire.explosion": "폭발 | 가스 폭발",
        "crime.weapon": "총기 | 총격 | 총성 | 흉기 | 칼부림 | 피습",
        "rescue": "구조 | 갇힘 | 갇혔어요 | 끼임 | 고립 | 추락 | 조난",
        "rescue.water": "익수 | 물에 빠짐 | 급류 | 수난 사고",
        "rescue.collapse": "건물 붕괴 | 매몰 | 산사태",
        "rescue.aircraft": "헬기 추락 | 비행기 사고",
        "rescue.elevator": "승강기 갇힘 | 엘리베이터",
        "medical.life-threat": "심정지 | 의식없음 | 심폐소생술 | 질식",
        "medical.overdose": "음독 | 약물 중독",
        "crime.kidnapping": "납치 | 유괴 | 인질",
        "crime.robbery": "강도",
        "crime.assault": "폭행 | 성폭력",
        "crash.pedestrian": "보행자 사고 | 차대사람",
        "crash.fatal": "사망사고",
        "hazard": "유해물질 | 방사능 | 화학물질 | 암모니아",
        "alarm.carbon-monoxide": "일산화탄소",
        "wires.down": "전선 단락",
        "missing": "실종 | 미아",
    },
    "th": {
        "gas.leak": "แก๊สรั่ว | ก๊าซรั่ว",
        "fire": "ไฟไหม้ | เพลิงไหม้ | อัคคีภัย",
        "fire.building": "ไฟไหม้อาคาร | ไฟไหม้ตึก | ไฟไหม้โรงงาน | เพลิงไหม้อาคาร",
        "fire.building.residential": "ไฟไหม้บ้าน | เพลิงไหม้บ้าน",
        "fire.vehicle": "ไฟไหม้รถ",
        "fire.vegetation": "ไฟป่า | ไฟไหม้หญ้า",
        "fire.explosion": "ระเบิด",
        "crime.weapon": "ยิงกัน | แทงกัน | อาวุธปืน",
        "rescue": "กู้ภัย | ติดค้าง | ติดอยู่",
        "rescue.water": "จมน้ำ",
        "rescue.collapse": "ตึกถล่ม",
        "rescue.elevator": "ลิฟต์ค้าง",
        "medical.life-threat": "หัวใจหยุดเต้น | หมดสติ",
        "hazard": "สารเคมี | วัตถุอันตราย",
        "crash.vehicle": "รถชน | อุบัติเหตุรถ | อุบัติเหตุจราจร",
        "missing": "สูญหาย | คนหาย",
    },
    "id": {
        "gas.leak": "Kebocoran gas | gas bocor",
        "fire": "Kebakaran | terbakar",
        "fire.building": "Kebakaran gedung | kebakaran bangunan | kebakaran pabrik | kebakaran pasar",
        "fire.building.residential": "Kebakaran rumah",
        "fire.vehicle": "Kebakaran mobil | kebakaran kendaraan | kebakaran motor",
        "fire.vegetation": "Kebakaran hutan | kebakaran lahan",
        "fire.explosion": "Ledakan | tabung meledak",
        "crime.weapon": "Penembakan | penusukan | senjata api",
        "rescue": "Penyelamatan | orang terjebak | terjepit",
        "rescue.water": "Orang tenggelam | hanyut",
        "rescue.collapse": "Bangunan runtuh | tanah longsor | ambruk",
        "medical.life-threat": "Henti jantung",
        "alarm.automatic": "Alarm kebakaran",
        "hazard": "bahan kimia | bahan berbahaya",
        "crash.vehicle": "Kecelakaan lalu lintas | tabrakan",
        "missing": "Orang hilang",
    },
}
"""Language → kind → call types whose misreading may cost a life. Each is read by its parts alone."""

HARMLESS = {
    "en": "fire drill | alarm test | burn permit | smoke detector | fire hydrant | fireworks | fire lane | gas station",
    "ko": "소방훈련 | 화재경보기 점검 | 화재예방 캠페인",
    "th": "ซ้อมดับเพลิง | ทดสอบสัญญาณเตือนไฟไหม้",
    "id": "latihan kebakaran | simulasi kebakaran | uji coba sirene",
}
"""Language → call types that name a danger and are none."""
GRAVE = ("fire", "gas", "rescue", "crime", "crash", "hazard", "medical", "wires")

PHRASES = {
    "en": {"nothing": 14, "takes_back": 55, "parts": 399},
    "ko": {"nothing": 2, "takes_back": 12, "parts": 149},
    "th": {"nothing": 3, "takes_back": 2, "parts": 36},
    "id": {"nothing": 3, "takes_back": 1, "parts": 35},
}
"""Language → section → number of phrases. A phrase that comes or goes is counted here; its word enters LIFE if it decides
about life."""


def words(row: str) -> list[str]:
    return [one.strip() for one in row.split(" | ")]


def by_word(rows: dict[str, str]) -> dict[str, str]:
    return {spoken(word): meaning for meaning, row in rows.items() for word in words(row)}


def test_the_tree_has_these_kinds_and_no_other() -> None:
    assert sorted(load_kinds().names) == sorted(TREE.split())


@pytest.mark.parametrize("agency", sorted(WORDS))
def test_an_agencys_words_mean_what_is_written_here_and_it_has_no_other(agency: str) -> None:
    assert dict(load_kinds().words[agency].table) == by_word(WORDS[agency])


def test_statuses_mean_what_is_written_here() -> None:
    assert {name: dict(one.table) for name, one in load_kinds().statuses.items()} == {
        name: by_word(rows) for name, rows in STATUSES.items()
    }


def test_no_agency_has_words_that_stand_not_here() -> None:
    assert load_kinds().words.keys() == WORDS.keys()


@pytest.mark.parametrize("language", sorted(LIFE))
def test_words_that_decide_about_life_have_their_kind_in_every_language(language: str) -> None:
    wanted = {word: kind for kind, row in LIFE[language].items() for word in words(row)}
    assert {word: load_parts().kind(word) for word in wanted} == wanted
    assert {word: load_parts().languages[language].kind(word) for word in wanted} == wanted


@pytest.mark.parametrize("language", sorted(HARMLESS))
def test_a_drill_and_a_device_of_the_fire_service_are_no_danger(language: str) -> None:
    found = {word: load_parts().kind(word) or "unknown" for word in words(HARMLESS[language])}
    assert {word: kind for word, kind in found.items() if kind.startswith((*GRAVE, "unknown"))} == {}


def test_no_phrase_comes_or_goes_unseen() -> None:
    text = Path(schemas.__file__).with_name("parts.toml").read_text(encoding="utf-8")
    found = {
        language: {
            section: sum(map(len, table.get(section, {}).values()))
            for section in ("nothing", "takes_back", "parts")
        }
        for language, table in tomllib.loads(text).items()
    }
    assert found == PHRASES


def test_no_phrase_stands_twice_in_a_section() -> None:
    text = Path(schemas.__file__).with_name("parts.toml").read_text(encoding="utf-8")
    for language, table in tomllib.loads(text).items():
        phrases = Counter(phrase for lines in table["parts"].values() for phrase in lines)
        assert [one for one, times in phrases.items() if times > 1] == [], language
