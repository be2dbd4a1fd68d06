"""Any scanner that writes SARIF 2.1.0: a program of the settings, or a report that is there already.

How many files it looked at is what its report lists as artifacts. Most tools list none; for those the
settings say by globs what the tool looks at (``files``), and these count only when it came to its end
without complaint.
"""

from babysitter.model.scan_settings import SarifTable
from babysitter.scanners.ground import Ground, matches
from babysitter.scanners.interface import Report
from babysitter.scanners.reading import failed, json_of, told
from babysitter.scanners.sarif_reading import read_sarif
from babysitter.scanners.toolbox import ScannerError, Toolbox


class SarifTool:
    """See interface.Scanner; made from its table of the settings."""

    def __init__(self, table: SarifTable) -> None:
        self._table = table
        self.name = table.name
        self.needs_network = table.network

    def scan(self, ground: Ground, tools: Toolbox) -> Report:
        """See interface.Scanner."""
        table = self._table
        if table.argv and not table.file:
            program = tools.find(
                table.argv[0], f"Install {table.argv[0]}, or name its folder in [scan] path."
            )
            called = tools.call(program, *table.argv[1:], network=table.network)
            report = json_of(self.name, called, statuses=table.ok_statuses)
            ended = told(called)
        elif table.file and not table.argv:
            report, ended = self._read(ground), ""
        else:
            raise ScannerError(
                "failed",
                f"[[scan.sarif]] {self.name} names {'both' if table.file else 'neither'} of argv and file.",
                "Name the program that writes the report, or the report.",
            )
        found = read_sarif(report, self.name, ground)
        if found.trouble:
            raise failed(self.name, "says that it did not come to its end", found.trouble or ended)
        counted = [file for file in ground.files if any(matches(file, glob) for glob in table.files)]
        return Report(
            version=found.version,
            examined=found.artifacts or len(counted),
            seen=found.seen,
            problems=() if found.artifacts or table.files else (_UNSAID.format(name=self.name),),
        )

    def _read(self, ground: Ground) -> object:
        import msgspec  # noqa: PLC0415 (only for a report that is there)

        try:
            return msgspec.json.decode((ground.root / self._table.file).read_bytes())
        except OSError as error:
            raise ScannerError(
                "missing",
                f"the report {self._table.file} can't be read: {error.strerror}.",
                f"Have {self.name} write it before the scan.",
            ) from None
        except msgspec.DecodeError as error:
            raise failed(self.name, f"left no JSON in {self._table.file}", str(error)) from None


_UNSAID = "{name} does not say what it examined: say it with files = [...] in [[scan.sarif]]."
