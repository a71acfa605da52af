from twinpack.client import Client as Client
from twinpack.client import Event as Event
from twinpack.client import Table as Table
from twinpack.client import connect as connect
from twinpack.client import open as open

__version__: str
