"""A plan as units of systemd: a service for each process, a target for each city, and one for all. Pure.

Every unit is written out: no template needs a second file to be understood, and ``systemd-analyze`` judges what runs.
"""

from __future__ import annotations

from deploy.manifests.alarms import RULES, rules
from deploy.manifests.plan import ADDRESSES, CityProcess, Plan
from deploy.manifests.prometheus import BROKER_METRICS_PORT, scrape_settings

ALL = "bongsu.target"
USER = "bongsu"
ETC = "/etc/bongsu"
HOST = "127.0.0.1"
"""A unit's pages are for this machine: Prometheus runs on it, and a proxy with TLS stands before the gateway."""

HARDENING = """\
# It may read the system and write its own state and cache; nothing else.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
SystemCallErrorNumber=EPERM
UMask=0077"""

RESTART = """\
# An unreachable Kafka is tried again for as long as it takes: at one start in ten seconds, the limit of ten a minute stops
# only what is started by hand over and over. Exit 2 means a wrong city file or option: trying again cannot mend it.
Restart=on-failure
RestartSec=10
RestartPreventExitStatus=2
SuccessExitStatus=130
TimeoutStopSec=30
KillMode=mixed"""


def units_of(plan: Plan, *, program: str) -> dict[str, str]:
    """Every file of the rendering, by its path in the folder. *program*: the absolute path of ``bongsu`` on the machine."""
    files = {f"units/{unit_name(process)}": _service(process, program) for process in plan.processes}
    files |= {f"units/{city_target(city)}": _city_target(plan, city) for city in plan.cities}
    files[f"units/{ALL}"] = _all_target(plan)
    files["sysusers.d/bongsu.conf"] = f'u {USER} - "Bongsu" /var/lib/bongsu\n'
    files["etc/bongsu.env"] = _addresses()
    for city in plan.cities:
        files[f"etc/{city}.env"] = _secrets(plan, city)
    files["prometheus.yml"] = scrape_settings(
        plan, lambda process: f"{HOST}:{process.port}", broker=f"{HOST}:{BROKER_METRICS_PORT}"
    )
    files[RULES] = rules(plan.processes)
    files |= {f"etc/cities/{name}": text for lists in plan.lists.values() for name, text in lists.items()}
    files |= {f"etc/cities/{city}.toml": text for city, text in plan.city_files.items()}
    return files


def unit_name(process: CityProcess) -> str:
    return f"bongsu-{process.name}.service"


def city_target(city: str) -> str:
    return f"bongsu-{city}.target"


def _service(process: CityProcess, program: str) -> str:
    role = process.role
    after = " ".join(f"bongsu-{process.city}-{one}.service" for one in process.after)
    # 'match' compiles its kernels while it runs; for the others no page may be writable and executable
    compiling = "" if role.compiles else "\nMemoryDenyWriteExecute=yes"
    is_outside = process.case_keys is not None and process.case_keys.startswith("/")
    keys = (
        f"\n# The keys of cases: a folder of mode 0700 that {USER} owns, outside every backup.\n"
        if is_outside
        else ""
    )
    keys += f"ReadWritePaths={_escaped(process.case_keys or '')}" if is_outside else ""
    return f"""\
# Rendered by 'bongsu deploy render CITY --target systemd -o DIR'. One process: {role.why}.
[Unit]
Description=Bongsu, {process.city}: {role.title}
PartOf={city_target(process.city)}
Wants=network-online.target
After={" ".join(filter(None, ("network-online.target", after)))}
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
Type=exec
User={USER}
Group={USER}
ExecStart={_escaped(program)} {" ".join(process.words(HOST))}
EnvironmentFile={ETC}/bongsu.env
EnvironmentFile=-{ETC}/{process.city}.env
Environment=BONGSU_HOME=/var/lib/bongsu
Environment=BONGSU_CITIES={ETC}/cities
Environment=XDG_CACHE_HOME=/var/cache/bongsu
Environment=NUMBA_CACHE_DIR=/var/cache/bongsu/numba
WorkingDirectory=/var/lib/bongsu
StateDirectory=bongsu
StateDirectoryMode=0700
CacheDirectory=bongsu
CacheDirectoryMode=0700
StandardOutput=journal
StandardError=journal
SyslogIdentifier=bongsu-{process.name}
MemoryMax={role.memory_mb}M
CPUQuota={round(role.cpus * 100)}%
TasksMax=256
LimitNOFILE={role.files_max}
{RESTART}

{HARDENING}{compiling}{keys}

[Install]
WantedBy={city_target(process.city)}
"""


def _escaped(program: str) -> str:
    """*program* as a word of ``ExecStart``: % and $ have a meaning there."""
    plain = program.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{plain}"' if any(letter in plain for letter in ' "\\\t;') else plain


def _city_target(plan: Plan, city: str) -> str:
    return f"""\
# Rendered by 'bongsu deploy render CITY --target systemd -o DIR'. Starts and stops all processes of {city}.
[Unit]
Description=Bongsu: all of {city}
PartOf={ALL}
Wants={" ".join(map(unit_name, plan.of(city)))}

[Install]
WantedBy={ALL}
"""


def _all_target(plan: Plan) -> str:
    return f"""\
# Rendered by 'bongsu deploy render CITY --target systemd -o DIR'. Starts and stops all cities of this machine.
[Unit]
Description=Bongsu: all cities
Wants={" ".join(map(city_target, plan.cities))}

[Install]
WantedBy=multi-user.target
"""


def _addresses() -> str:
    shown = {
        "BONGSU_KAFKA": "127.0.0.1:9092",
        "BONGSU_REGISTRY": "http://127.0.0.1:8081/apis/ccompat/v7",
        "BONGSU_REDIS": "redis://127.0.0.1:6379/0",
    }
    lines = [f"{name}={shown[name]}" for name in ADDRESSES]
    return "\n".join(
        ("# Addresses of the platform, read by every unit. Mode 0640, owner root:bongsu.", *lines, "")
    )


def _secrets(plan: Plan, city: str) -> str:
    names = sorted({name for process in plan.of(city) for name in process.secrets})
    head = f"# Secrets of {city}: write each value after its =. Mode 0640, owner root:bongsu."
    return "\n".join((head if names else f"# {city} needs no secret.", *(f"#{name}=" for name in names), ""))
