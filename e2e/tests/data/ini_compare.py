"""What supervisor 4.3.0's own parser makes of INI texts: one JSON list of texts in, one JSON list of answers out.

An answer is {"sections": {name: {option: value}}}, or {"errors": [[line, text], ...]}, or {"headless": [line, text]}.
"""
import ast
import io
import json
import sys

from supervisor.compat import ConfigParser
from supervisor.options import UnhosedConfigParser


def answer(text):
    parser = UnhosedConfigParser()
    parser.expansions = {}
    try:
        # as from a file: all three kinds of line ends
        parser.read_file(io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8"))
    except ConfigParser.MissingSectionHeaderError as error:
        return {"headless": [error.lineno, error.line.rstrip("\n")]}
    except ConfigParser.ParsingError as error:
        # each line is written down as Python shows it
        lines = [(number, ast.literal_eval(line)) for number, line in error.errors]
        return {"errors": [[number, line.rstrip("\n")] for number, line in lines]}
    return {"sections": {section: dict(parser.items(section)) for section in parser.sections()}}


json.dump([answer(text) for text in json.load(sys.stdin)], sys.stdout)
