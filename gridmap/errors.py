"""What gridmap raises.

::

    GridmapError
    ├── TableError      a table does not keep its contract
    ├── RulesError      a setting is unknown or out of range
    ├── CrsError        no usable coordinate reference system
    ├── DatumError      an unknown datum, or a position that no datum allows
    ├── FilterError     a filter that is no CQL2, or fits no property
    ├── CodeError       not a grid code, or no code left to give
    ├── CityError       a city's files can't be read as they are; carries the report
    ├── StaffError      workers, duties or rounds that can't be what they say; carries the report
    ├── PlanError       an assignment or an edit that is not a plan
    ├── DraftError      a step of the editor is not possible, or can't be saved
    ├── KeyRefusedError  a key of the service can't be made or revoked
    ├── AuditError      what can't go into the audit log, or is not what went in
    ├── CalendarError   a working clock runs beyond the years of the holiday calendar
    ├── CaseError       a report or a step that can't be what it says
    │   ├── CaseNotFoundError   no case has that number
    │   ├── StepError           the case is not at a stage where that is done
    │   ├── RoleError           somebody else has to do it
    │   ├── PhotoError          not a photo, too large, or damaged
    │   └── ConflictError       somebody was quicker, or a key was used for something else
    ├── CasebookError   a casebook can't be opened, or is not what was written
    ├── HookError       a webhook that can't be added, or that there is none of
    ├── IndexFileError  a file is no index, or not a whole one
    └── StoreError      a plan can't be kept or found
        ├── PlanNotFoundError
        ├── PlanKeptError       a plan of that name is kept already
        └── PlanDamagedError    a kept plan is not what was kept

An error says what is wrong, with the value and the row, and what to do. None of them knows HTTP.
"""


class GridmapError(Exception):
    """Every error that gridmap raises on purpose."""


class TableError(GridmapError):
    """A table does not keep its contract."""


class RulesError(GridmapError):
    """A setting is unknown or out of range."""


class CrsError(GridmapError):
    """There is no usable coordinate reference system."""


class FilterError(GridmapError):
    """A filter can't be read, or does not fit what it is asked of."""


class DatumError(GridmapError):
    """The datum is unknown, or the position is one that no datum allows."""


class CodeError(GridmapError):
    """The text is not a grid code, or no code is left to give."""


class CityError(GridmapError):
    """A city's files can't be read as they are.

    Parameters
    ----------
    message : str
        The report in words.
    report : object
        The `gridmap.city.CityReport` with every finding.
    """

    def __init__(self, message: str, report: object) -> None:
        super().__init__(message)
        self.report = report


class StaffError(GridmapError):
    """Workers, duties or rounds can't be taken as they are.

    Parameters
    ----------
    message : str
        What is wrong, in words.
    report : object, optional
        The report with every finding, where rows were read.
    """

    def __init__(self, message: str, report: object = None) -> None:
        super().__init__(message)
        self.report = report


class PlanError(GridmapError):
    """An assignment or an edit is not a plan."""


class DraftError(GridmapError):
    """A step of the editor is not possible on its draft, or it can't be saved."""


class KeyRefusedError(GridmapError):
    """A key of the service can't be made or revoked as it was asked for."""


class AuditError(GridmapError):
    """Something can't go into the audit log, or the log is not what went in."""


class CalendarError(GridmapError):
    """A working clock runs beyond the years whose holidays are known."""


class CaseError(GridmapError):
    """A report or a step of a case can't be what it says."""


class CaseNotFoundError(CaseError):
    """No case has that number."""


class StepError(CaseError):
    """The case is not at a stage where that is done."""


class RoleError(CaseError):
    """The step is possible, but somebody else has to do it."""


class PhotoError(CaseError):
    """The file is not a photo, is too large, or is damaged."""


class ConflictError(CaseError):
    """Somebody else changed the case in between, or the key was used for something else."""


class CasebookError(GridmapError):
    """A casebook can't be opened, or is not what was written."""


class HookError(GridmapError):
    """A webhook can't be added, or there is none of that number."""


class IndexFileError(GridmapError):
    """A file is no index of gridmap, or not a whole one."""


class DraftTakenError(DraftError):
    """A draft was opened in another editor since; this one only shows it."""


class StoreError(GridmapError):
    """A plan can't be kept, published or found."""


class PlanNotFoundError(StoreError):
    """No plan has that name, or none is in force on that date."""


class PlanKeptError(StoreError):
    """A plan of that name is kept already; kept plans never change."""


class PlanDamagedError(StoreError):
    """A kept plan is not what was kept."""
