"""Starting or reaching a Spark, and the settings of a session that could change a result."""

from __future__ import annotations

import atexit
import os
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pyoutcome.errors import EvidenceError
from pyoutcome.evidence.engines.engine import Limits, assert_setting, first_line, needs

with warnings.catch_warnings():
    # It warns of packages it finds here and that are never given to it.
    warnings.simplefilter("ignore")
    try:
        from py4j.protocol import Py4JError, Py4JJavaError
        from pyspark import SparkConf
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise needs("pyspark", "spark") from error

_ASSERTED: Final[Mapping[str, str]] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.variable.substitute": "false",
    "spark.sql.runSQLOnFiles": "false",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.parser.quotedRegexColumnNames": "false",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.decimalOperations.allowPrecisionLoss": "true",
    "spark.sql.legacy.allowNegativeScaleOfDecimal": "false",
    "spark.sql.legacy.literal.pickMinimumPrecision": "true",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.optimizer.excludedRules": "",
    # Times in Parquet files of other programs are of the calendar we use, back to the year 1000.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.binaryAsString": "false",
    # How a file is cut into partitions; ``_SMALL`` follows from them.
    "spark.sql.files.openCostInBytes": "4194304",
    "spark.sql.files.maxPartitionBytes": "134217728",
    # A Parquet file's statistics may contradict its values; believed, they would change what a query counts.
    "spark.sql.parquet.filterPushdown": "false",
    "spark.sql.parquet.aggregatePushdown": "false",
}
_QUIET: Final = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = spark: %p %m%n
logger.task.name = org.apache.spark
logger.task.level = off
"""
FAILURES: Final = (PySparkException, Py4JError)
"""What a session raises when something goes wrong."""

_started: SparkSession | None = None


def connect(option: str, limits: Limits) -> SparkSession:
    """The Spark that an option names. Raises EvidenceError ``engine-unreachable``."""
    global _started
    running = SparkSession.getActiveSession() or _started
    if running is not None and not _is_stopped(running):
        master = running.sparkContext.master
        if option not in {"spark", master}:
            raise EvidenceError(
                "engine-unreachable",
                f"This process works with the Spark at {master} already, and can work with one only.",
                "Start anew for another Spark.",
            )
        return running
    try:
        _started = _start(option, limits)
    except (PySparkException, Py4JError, OSError) as error:
        raise EvidenceError(
            "engine-unreachable",
            f"Spark cannot be started or reached: {first_line(told_by(error))}.",
            "Spark needs Java 17 or newer (JAVA_HOME), and a cluster must be reachable at its address.",
        ) from None
    return _started


def _start(option: str, limits: Limits) -> SparkSession:
    folder = tempfile.TemporaryDirectory(prefix="pyoutcome-spark-")
    atexit.register(folder.cleanup)
    quiet = Path(folder.name) / "log4j2.properties"
    quiet.write_text(_QUIET)
    settings = {
        "spark.app.name": "pyoutcome",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(Path(folder.name) / "warehouse"),
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={quiet} -Dderby.system.home={folder.name}",
        "spark.driver.maxResultSize": f"{max(limits.memory_mib // 2, 64)}m",
    }
    if option != "spark" or not _is_submitted():
        settings["spark.master"] = f"local[{limits.threads}]" if option == "spark" else option
    if option == "spark" and not _is_submitted():
        # All in this process: nobody else can connect, and few partitions do.
        settings |= {
            "spark.driver.memory": f"{max(limits.memory_mib, 512)}m",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.local.dir": folder.name,
            "spark.sql.shuffle.partitions": str(limits.threads),
        }
    builder: Any = SparkSession.builder
    return builder.config(conf=SparkConf().setAll(list(settings.items()))).getOrCreate()


def _is_submitted() -> bool:
    """Whether Spark itself started this program, and so knows the master."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _is_stopped(session: SparkSession) -> bool:
    return session.sparkContext._jsc is None


def settle(session: SparkSession) -> None:
    """Sets what exact results need, and reads it back. Raises EvidenceError ``engine-settings``."""
    try:
        for name, value in _ASSERTED.items():
            session.conf.set(name, value)
        for name, expected in _ASSERTED.items():
            assert_setting(name, expected, session.conf.get(name))
        # Asked of the engine, not of its list of settings.
        [row] = session.sql("SELECT current_timezone(), '${env:HOME}', CAST(0.5 AS DECIMAL(2,1)) * 3").collect()
        assert_setting("current_timezone", "UTC", row[0])
        assert_setting("variable substitution", "${env:HOME}", row[1])
    except FAILURES as error:
        raise EvidenceError(
            "engine-settings",
            f"The engine refuses a setting that exact results need: {first_line(told_by(error))}.",
            "Use the engine version that this release names.",
        ) from None


def told_by(error: BaseException) -> BaseException:
    """The words of what went wrong, without Java's list of calls."""
    if isinstance(error, Py4JJavaError):
        return RuntimeError(str(error.java_exception.getMessage() or error.java_exception.toString()))
    return error
