"""The web server of the contract suite, for tests."""

from connectors.contract_suite.web_server import WebAnswer as Told
from connectors.contract_suite.web_server import a_web_server

__all__ = ["Told", "a_web_server"]
