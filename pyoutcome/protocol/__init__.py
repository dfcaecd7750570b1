"""The escrow's reference: what is signed, what can happen and what every act does to whose money."""

from pyoutcome.protocol.arguments import Arguments, Kpi, Provider
from pyoutcome.protocol.events import Event, Located
from pyoutcome.protocol.messages import MISSING, Domain, Report, Signer, Terms, domain, signer_of
from pyoutcome.protocol.unpacking import unpack_arguments

__all__ = [
    "MISSING",
    "Arguments",
    "Domain",
    "Event",
    "Kpi",
    "Located",
    "Provider",
    "Report",
    "Signer",
    "Terms",
    "domain",
    "signer_of",
    "unpack_arguments",
]
