"""Words of warnings and road situations, written down apart from the tables: table → kind → its words."""

from __future__ import annotations

WORDS: dict[str, dict[str, str]] = {
    "cap": {
        "warning.weather.wind": "Wind | High Wind | Strong Wind | Storm | Gale | Windstorm",
        "warning.weather.thunderstorm": "Thunderstorm | Severe Thunderstorm | Lightning | Hail",
        "warning.weather.tornado": "Tornado",
        "warning.weather.typhoon": "Typhoon | Hurricane | Cyclone | Tropical Cyclone | Tropical Storm",
        "warning.weather.rain": "Rain | Heavy Rain | Rainfall",
        "warning.weather.snow": "Snow | Heavy Snow | Snowfall | Blizzard | Ice | Freezing Rain | Snow/Ice |"
        " Winter Storm",
        "warning.weather.cold": "Cold | Extreme Cold | Cold Wave | Low Temperature | Frost",
        "warning.weather.heat": "Heat | Extreme Heat | Heat Wave | High Temperature",
        "warning.weather.fog": "Fog | Dense Fog",
        "warning.weather.dust": "Dust Storm | Sandstorm | Yellow Dust",
        "warning.weather.sea": "High Waves | Coastal Event | High Surf",
        "warning.flood": "Flood | Flooding | River Flood",
        "warning.flood.flash": "Flash Flood",
        "warning.flood.coastal": "Storm Surge | Coastal Flood",
        "warning.earthquake": "Earthquake",
        "warning.tsunami": "Tsunami",
        "warning.volcano": "Volcano | Volcanic Ash | Volcanic Eruption",
        "warning.landslide": "Landslide | Debris Flow | Avalanche | Avalanches",
        "warning.fire": "Wildfire | Bushfire | Bush Fire | Forest Fire | Grass Fire | Fire",
        "warning.air": "Air Quality | Air Pollution | Air Quality Alert | Smoke",
        "warning.missing": "Missing Person | Child Abduction",
    },
    "cap-category": {
        "warning.weather": "Met",
        "warning.fire": "Fire",
        "warning.health": "Health",
        "warning.environment": "Env",
        "warning.transport": "Transport",
        "warning.infrastructure": "Infra",
        "warning.hazmat": "CBRNE",
        "warning.security": "Security",
        "warning": "Geo | Safety | Rescue",
    },
    "cap-same": {
        "warning.weather.wind": "HWA | HWW | EWW",
        "warning.weather.thunderstorm": "SVA | SVR | SVS",
        "warning.weather.tornado": "TOA | TOR",
        "warning.weather.typhoon": "HUA | HUW | HLS | TRA | TRW",
        "warning.weather.snow": "WSA | WSW | BZW",
        "warning.weather": "SPS",
        "warning.weather.dust": "DSW",
        "warning.weather.sea": "SMW",
        "warning.weather.cold": "FZW",
        "warning.flood": "FLA | FLW | FLS",
        "warning.flood.flash": "FFA | FFW | FFS",
        "warning.flood.coastal": "CFA | CFW | SSA | SSW",
        "warning.earthquake": "EQW",
        "warning.tsunami": "TSA | TSW",
        "warning.volcano": "VOW",
        "warning.landslide": "AVA | AVW",
        "warning.fire": "FRW",
        "warning.hazmat": "HMW | NUW | RHW",
        "warning.security": "CDW | LEW | EVI | SPW | CEM | LAE",
        "warning.missing": "CAE | MEP | BLU",
        "warning.infrastructure": "TOE",
    },
    "cap-cp": {
        "warning.weather.wind": "wind | galeWind | stormFrcWnd | sqlWind",
        "warning.weather.thunderstorm": "thunderstorm",
        "warning.weather.tornado": "tornado",
        "warning.weather.typhoon": "hurricane | hurricFrcWnd | tropStorm",
        "warning.weather.rain": "rainfall",
        "warning.weather.snow": "snowfall | blizzard | freezeRain | frzngDrzl | snowSquall | blowingSnow |"
        " winterStorm",
        "warning.weather.cold": "coldWave | arcticOut | flashFreeze | frost | windchill",
        "warning.weather.heat": "heatWave | heatHumid",
        "warning.weather.fog": "fog",
        "warning.weather.sea": "highWater | waterspout",
        "warning.weather": "weather | metCtl",
        "warning.flood": "flood | damOverflow",
        "warning.flood.flash": "flashFlood",
        "warning.flood.coastal": "stormSurge",
        "warning.earthquake": "earthquake",
        "warning.tsunami": "tsunami",
        "warning.volcano": "volcano | lahar",
        "warning.landslide": "avalanche | landslide",
        "warning.fire": "wildFire | forestFire | grassFire | urbanFire | industryFire",
        "warning.air": "airQuality",
        "warning.hazmat": "biological | chemical | explosive | radiological | nuclear",
        "warning.missing": "amber | missingPer | silver",
        "warning.security": "terrorism | civilEmerg | homeCrime",
        "warning.infrastructure": "utility | telephone | 911Service | water",
        "warning.health": "drinkingWat | health",
        "warning.weather.dust": "dustStorm",
    },
    "cap-us": {
        "warning.weather.wind": "High Wind Watch | High Wind Warning | Wind Advisory | Extreme Wind Warning |"
        " Gale Warning | Storm Warning",
        "warning.weather.thunderstorm": "Severe Thunderstorm Watch | Severe Thunderstorm Warning | Severe Weather"
        " Statement",
        "warning.weather.tornado": "Tornado Watch | Tornado Warning",
        "warning.weather.typhoon": "Hurricane Watch | Hurricane Warning | Tropical Storm Watch | Tropical Storm"
        " Warning | Typhoon Watch | Typhoon Warning",
        "warning.weather.snow": "Winter Storm Watch | Winter Storm Warning | Winter Weather Advisory | Blizzard"
        " Warning | Ice Storm Warning | Freezing Rain Advisory | Snow Squall Warning |"
        " Lake Effect Snow Warning",
        "warning.weather.cold": "Extreme Cold Watch | Extreme Cold Warning | Freeze Watch | Freeze Warning | Cold"
        " Weather Advisory | Frost Advisory | Wind Chill Warning | Wind Chill Advisory",
        "warning.weather.heat": "Excessive Heat Watch | Excessive Heat Warning | Extreme Heat Watch | Extreme"
        " Heat Warning | Heat Advisory",
        "warning.weather.fog": "Dense Fog Advisory",
        "warning.weather.dust": "Dust Storm Warning | Dust Advisory | Blowing Dust Advisory",
        "warning.weather.dry": "Red Flag Warning | Fire Weather Watch",
        "warning.weather.sea": "High Surf Warning | High Surf Advisory | Rip Current Statement | Special Marine"
        " Warning | Small Craft Advisory",
        "warning.weather": "Special Weather Statement | Hazardous Weather Outlook",
        "warning.flood": "Flood Watch | Flood Warning | Flood Advisory | Flood Statement",
        "warning.flood.flash": "Flash Flood Watch | Flash Flood Warning | Flash Flood Statement",
        "warning.flood.coastal": "Coastal Flood Watch | Coastal Flood Warning | Coastal Flood Advisory | Coastal"
        " Flood Statement | Storm Surge Watch | Storm Surge Warning",
        "warning.earthquake": "Earthquake Warning",
        "warning.tsunami": "Tsunami Watch | Tsunami Warning | Tsunami Advisory",
        "warning.volcano": "Volcano Warning | Ashfall Warning | Ashfall Advisory",
        "warning.landslide": "Avalanche Warning | Avalanche Watch",
        "warning.fire": "Fire Warning",
        "warning.air": "Air Quality Alert | Air Stagnation Advisory",
        "warning.hazmat": "Hazardous Materials Warning | Nuclear Power Plant Warning | Radiological Hazard"
        " Warning",
        "warning.security": "Civil Danger Warning | Civil Emergency Message | Law Enforcement Warning |"
        " Evacuation Immediate | Evacuation - Immediate | Shelter In Place Warning | Local"
        " Area Emergency",
        "warning.missing": "Child Abduction Emergency | Blue Alert",
        "warning.infrastructure": "911 Telephone Outage | 911 Telephone Outage Emergency",
    },
    "cap-kr": {
        "warning.weather.wind": "강풍주의보 | 강풍경보 | 강풍",
        "warning.weather.thunderstorm": "뇌우 | 낙뢰",
        "warning.weather.typhoon": "태풍주의보 | 태풍경보 | 태풍",
        "warning.weather.rain": "호우주의보 | 호우경보 | 호우 | 호우 긴급재난문자",
        "warning.weather.snow": "대설주의보 | 대설경보 | 대설",
        "warning.weather.cold": "한파주의보 | 한파경보 | 한파",
        "warning.weather.heat": "폭염주의보 | 폭염경보 | 폭염",
        "warning.weather.fog": "안개주의보 | 안개",
        "warning.weather.dust": "황사주의보 | 황사경보 | 황사",
        "warning.weather.dry": "건조주의보 | 건조경보 | 건조",
        "warning.weather.sea": "풍랑주의보 | 풍랑경보 | 풍랑",
        "warning.flood": "홍수주의보 | 홍수경보 | 홍수",
        "warning.flood.coastal": "폭풍해일주의보 | 폭풍해일경보 | 폭풍해일",
        "warning.earthquake": "지진 | 지진조기경보 | 지진속보 | 지진정보",
        "warning.tsunami": "지진해일주의보 | 지진해일경보 | 지진해일",
        "warning.volcano": "화산",
        "warning.landslide": "산사태주의보 | 산사태경보 | 산사태",
        "warning.fire": "산불 | 화재",
        "warning.air": "미세먼지 | 초미세먼지 | 미세먼지주의보"
        " | 미세먼지경보 | 초미세먼지주의보 | 초미세먼지경보 | 오존주의보 | 오존경보",
        "warning.missing": "실종",
        "warning.security": "민방공 | 테러",
        "warning.hazmat": "화생방 | 유해화학물질 유출 | 방사능",
        "warning.infrastructure": "정전 | 단수 | 통신장애 | 가스",
        "warning.health": "전염병 | 감염병",
        "warning.transport": "교통통제 | 교통사고",
    },
    "cap-au": {
        "warning.fire": "Bush Fire | Bushfire | Grass Fire | Forest Fire | Total Fire Ban | Planned Burn"
        " | Structure Fire",
        "warning.weather.dry": "Fire Weather Warning",
        "warning.weather.thunderstorm": "Severe Thunderstorm Warning",
        "warning.weather.typhoon": "Tropical Cyclone Warning | Tropical Cyclone Watch | Tropical Cyclone Advice",
        "warning.weather.wind": "Severe Weather Warning | Marine Wind Warning",
        "warning.flood": "Flood Warning | Flood Watch | Flood Advice",
        "warning.tsunami": "Tsunami Warning",
        "warning.weather.heat": "Heatwave Warning",
        "warning.transport": "MVA | Motor Vehicle Accident",
        "warning.weather": "Weather",
    },
    "datex2": {
        "crash": "Accident | unprotectedAccidentArea | collision | accidentInvolvingBuses |"
        " accidentInvolvingTrain | chemicalSpillageAccident | secondaryAccident |"
        " seriousAccident | fuelSpillageAccident | accidentInvolvingHazardousMaterials |"
        " earlierAccident | accidentInvestigationWork",
        "crash.vehicle": "multipleVehicleAccident | multivehicleAccident | headOnCollision | rearCollision"
        " | sideCollision | headOnOrSideCollision | overturnedVehicle |"
        " overturnedHeavyLorry | jackknifedTrailer | jackknifedArticulatedLorry |"
        " jackknifedCaravan | overturnedTrailer | accidentInvolvingHeavyLorries |"
        " vehicleSpunAround | singleVehicleAccident | accidentInvolvingMassTransitVehicle"
        " | accidentInvolvingMopeds | accidentInvolvingBicycles",
        "crash.pedestrian": "accidentInvolvingPedestrian | accidentInvolvingPedestrians",
        "crash.motorcycle": "accidentInvolvingMotorcycles | accidentInvolvingMotorcycle",
        "fire.vehicle": "vehicleOnFire",
        "fire.vegetation": "grassFire | forestFire",
        "fire": "seriousFire",
        "fire.explosion": "explosion",
        "hazard.fuel": "spillageOnTheRoad | fuelSpillage | oilOnRoad | fuelOnRoad | petrolOnRoad |"
        " dieselOnRoad",
        "hazard.traffic": "VehicleObstruction | GeneralObstruction | EnvironmentalObstruction |"
        " InfrastructureDamageObstruction | RoadConditions | WeatherRelatedRoadConditions"
        " | NonWeatherRelatedRoadConditions | PoorEnvironmentConditions | objectOnTheRoad"
        " | shedLoad | fallenTrees | flooding | flashFloods | landslips | mudSlide |"
        " rockfalls | avalanches | subsidence | vehicleDrivingWrongWay |"
        " vehicleOnWrongCarriageway | peopleOnRoadway | childrenOnRoadway |"
        " cyclistsOnRoadway | blackIce | ice | slipperyRoad | snowOnTheRoad |"
        " obstructionOnTheRoad | debris | recklessDriver | EquipmentOrSystemFault |"
        " dangerOfMalfunctioning",
        "wires.down": "fallenPowerCables",
        "rescue.collapse": "collapsedSewer | bridgeCollapse",
        "animal": "AnimalPresenceObstruction",
        "traffic.stalled": "brokenDownVehicle | brokenDownHeavyLorry | brokenDownBus | brokenDownCar |"
        " abandonedVehicle | vehicleStuck | damagedVehicle | recoveryOfVehicle",
        "traffic.jam": "AbnormalTraffic | stationaryTraffic | queuingTraffic | slowTraffic | heavyTraffic",
        "traffic": "Activity | AuthorityOperation | DisturbanceActivity | abnormalLoad",
        "gas.leak": "gasLeak",
    },
}
