"""uvicorn's server without its command line, which the package's own ``__init__`` imports.

That brings click, the process supervisors and multiprocessing along: a quarter of the time to the
first answer, and 4 MB, for what is never called here.

WORKAROUND for uvicorn 0.54: it can go when ``import uvicorn`` loads ``uvicorn.main`` late. A
package that is loaded already, or that looks different one day, is imported as it is.
"""

import importlib.util
import sys
from types import ModuleType


def _place_package() -> None:
    spec = importlib.util.find_spec("uvicorn")
    if "uvicorn" in sys.modules or spec is None or spec.submodule_search_locations is None:
        return
    package = ModuleType("uvicorn")
    package.__path__ = list(spec.submodule_search_locations)
    package.__spec__ = spec
    sys.modules["uvicorn"] = package


_place_package()

from uvicorn.config import Config  # noqa: E402 - only now
from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: E402 - only now
from uvicorn.server import Server  # noqa: E402 - only now

# Its own modules look for these in the package.
vars(sys.modules["uvicorn"]).update(Config=Config, Server=Server)

__all__ = ["Config", "H11Protocol", "Server"]
