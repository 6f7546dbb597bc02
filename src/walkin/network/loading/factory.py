"""One's own networks: `FILE.py:FACTORY`, `package.module:FACTORY(num_classes=10)`, and live modules."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Generator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from walkin.errors import WalkinError
from walkin.network.loading.sources import JOB, Source, copied, seeded
from walkin.results import Notice, Progress

_HOW = "a network of one's own is FILE.py:FACTORY or package.module:FACTORY"


@dataclass(frozen=True)
class Call:
    """What a spec says: where to look, for what, and what to call it with."""

    where: str
    name: str
    positional: tuple[Any, ...] = ()
    keywords: tuple[tuple[str, Any], ...] = ()
    called: bool = False


def open_source(spec: str, seed: int) -> Generator[Progress | Notice, None, Source]:
    """Import what `spec` names and call it."""
    call = parse(spec)
    yield Progress(JOB, f"importing {call.where}")
    found = _lookup(_module(call.where), call)
    yield Progress(JOB, f"building {call.name}")
    with seeded(seed):
        made = _made(found, call)
    if not isinstance(made, nn.Module):
        raise WalkinError(
            f"{call.where}:{call.name} gave {_kind(made)}, not an nn.Module: name a class or function that does"
        )
    # An instance that lies in a module may be in use by whoever imported it.
    model, notes = adopt(made, copied=made is found)
    return Source(call.name, "factory", model=model, notes=notes)


def adopt(model: Any, copied: bool) -> tuple[nn.Module, tuple[str, ...]]:
    """The network itself out of what wraps it (torch.compile, DataParallel), copied if it is somebody's."""
    if not isinstance(model, nn.Module):
        raise WalkinError(f"{_kind(model)} is no nn.Module")
    notes = []
    while True:
        inner = getattr(model, "_orig_mod", None)
        if not isinstance(inner, nn.Module) and type(model).__name__ in ("DataParallel", "DistributedDataParallel"):
            inner = model.module
        if not isinstance(inner, nn.Module):
            break
        notes.append(f"taken out of {type(model).__name__}")
        model = inner
    if copied:
        model = _copy(model)
    return model, tuple(notes)


def parse(spec: str) -> Call:
    """Take `net.py:Net(num_classes=10)` apart; WalkinError if it is not written so."""
    # The first colon after which a name comes: a drive (C:\\net.py) has none after it, an argument comes later.
    match = re.fullmatch(r"(.+?):([A-Za-z_][\w.]*)\s*(\(.*\))?", spec, re.DOTALL)
    if match is None:
        raise WalkinError(_why_not(spec), code=2)
    where, name, arguments = match.groups()
    if arguments is None:
        return Call(where, name)
    try:
        tree = ast.parse(f"f{arguments}", mode="eval").body
        assert isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)
        positional = tuple(ast.literal_eval(value) for value in tree.args)
        keywords = tuple((word.arg, ast.literal_eval(word.value)) for word in tree.keywords if word.arg)
        if len(keywords) != len(tree.keywords):
            raise ValueError("** is not a literal")
    except (SyntaxError, ValueError, AssertionError, TypeError) as problem:
        example = f"{where}:{name}(num_classes=10)"
        raise WalkinError(f"cannot read the arguments {arguments}: literals only, as in {example}", code=2) from problem
    return Call(where, name, positional, keywords, True)


def look_up(spec: str, what: str) -> tuple[Call, Any]:
    """What `FILE.py:NAME` or `package.module:NAME` stands for, not called; `what`: the kind of thing wanted."""
    try:
        call = parse(spec)
    except WalkinError as problem:
        raise WalkinError(f"cannot read {spec!r}: a {what} is FILE.py:NAME or package.module:NAME", code=2) from problem
    return call, _lookup(_module(call.where), call)


def called(spec: str, what: str) -> Any:
    """What the function that `spec` names gives; other values as they are."""
    call, found = look_up(spec, what)
    if not callable(found):
        return found
    try:
        return found(*call.positional, **dict(call.keywords))
    except (Exception, SystemExit) as problem:
        raise _failed(f"{spec} failed", problem, call.where) from problem


def _why_not(spec: str) -> str:
    bare = spec.rstrip(":")
    if bare.endswith((".pt", ".pth", ".safetensors")):
        return f"{spec} holds weights, not a network: walkin NETWORK --weights {spec}"
    if bare.endswith(".py"):
        if not Path(bare).is_file():
            return f"no such file: {bare}"
        names = defined_in(Path(bare))
        there = ", ".join(f"{bare}:{name}" for name in names[:4])
        return f"which network of {bare}? {there or _HOW}"
    return f"cannot read {spec!r}: {_HOW}"


def defined_in(file: Path) -> tuple[str, ...]:
    """Classes and functions that a file defines at its top level, classes first; read, not run."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return ()
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef) and node.bases]
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return tuple(name for name in (*classes, *functions) if not name.startswith("_"))


def _module(where: str) -> ModuleType:
    if where.endswith(".py") or "/" in where or "\\" in where:
        return _from_file(Path(where).expanduser())
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # as `python -m` has it; a console script has not
    try:
        return importlib.import_module(where)
    except ModuleNotFoundError as problem:
        if problem.name and (where == problem.name or where.startswith(f"{problem.name}.")):
            raise WalkinError(f"no module {where!r}: is it installed, or in the current folder?", code=2) from problem
        raise _failed(f"importing {where}", problem, where) from problem
    except (Exception, SystemExit) as problem:
        raise _failed(f"importing {where}", problem, where) from problem


def _from_file(file: Path) -> ModuleType:
    if not file.is_file():
        near = [path.name for path in file.parent.glob("*.py")] if file.parent.is_dir() else []
        close = get_close_matches(file.name, near, n=1)
        hint = f"; did you mean {file.with_name(close[0])}?" if close else ""
        raise WalkinError(f"no such file: {file}{hint}", code=2)
    file = file.resolve()
    # A file inside a package is imported as its module, so that its relative imports work.
    parts, root = [file.stem], file.parent
    while (root / "__init__.py").is_file():
        parts, root = [root.name, *parts], root.parent
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))  # as `python FILE.py` has it
    try:
        if len(parts) > 1:
            return importlib.import_module(".".join(parts))
        # Under a name of its own: `net.py` of two folders are two modules, and `random.py` is not the standard one.
        name = f"walkin_user_{abs(hash(str(file))):x}_{file.stem}"
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise WalkinError(f"{file} is no Python file", code=2)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
        return module
    except WalkinError:
        raise
    except (Exception, SystemExit) as problem:
        raise _failed(f"importing {file.name}", problem, str(file)) from problem


def _lookup(module: ModuleType, call: Call) -> Any:
    here: Any = module
    for part in call.name.split("."):
        try:
            here = getattr(here, part)
        except AttributeError as problem:
            names = (
                [name for name, value in vars(here).items() if _could_be(name, value)]
                if hasattr(here, "__dict__")
                else []
            )
            close = get_close_matches(part, names, n=3, cutoff=0.5) or sorted(names)[:5]
            hint = f"; there is {', '.join(close)}" if close else ""
            raise WalkinError(f"no {part!r} in {call.where}{hint}", code=2) from problem
    return here


def _could_be(name: str, value: Any) -> bool:
    return (
        not name.startswith("_")
        and not isinstance(value, ModuleType)
        and (callable(value) or isinstance(value, nn.Module))
    )


def _made(found: Any, call: Call) -> Any:
    if isinstance(found, nn.Module):
        if call.called:
            raise WalkinError(f"{call.where}:{call.name} is a network already: leave the arguments out", code=2)
        return found
    if not callable(found):
        raise WalkinError(
            f"{call.where}:{call.name} is {_kind(found)}, not a class or function that gives an nn.Module"
        )
    keywords = dict(call.keywords)
    try:
        inspect.signature(found).bind(*call.positional, **keywords)
    except TypeError as problem:
        raise WalkinError(f"{call.where}:{call.name}: {problem}; {_how_to_call(found, call)}", code=2) from problem
    except ValueError:
        pass  # built-ins have no signature
    try:
        return found(*call.positional, **keywords)
    except (Exception, SystemExit) as problem:
        raise _failed(f"{call.where}:{call.name} failed", problem, call.where) from problem


def _how_to_call(found: Any, call: Call) -> str:
    """The call with all that it cannot do without, as far as it was not given."""
    parameters = [p.replace(annotation=p.empty) for p in inspect.signature(found).parameters.values()]
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    given = dict(call.keywords)
    needed = [p.name for p in parameters[len(call.positional) :] if p.kind in by_name and p.default is p.empty]
    if all(name in given for name in needed) or not all(name in needed for name in given):
        return f"it takes ({', '.join(map(str, parameters))})"
    written = (f"{name}={given[name]!r}" if name in given else f"{name}=..." for name in needed)
    return f"give it as in '{call.where}:{call.name}({', '.join([*map(repr, call.positional), *written])})'"


def _copy(model: nn.Module) -> nn.Module:
    try:
        return copied(model)
    except Exception as problem:
        raise WalkinError(f"the network cannot be copied, and walkin works on a copy: {_line(problem)}") from problem


def _failed(what: str, problem: BaseException, where: str) -> WalkinError:
    """One line: what failed, how, and at which line of the visitor's own file."""
    file = Path(where).name if where.endswith(".py") else ""
    frames = [
        frame for frame in traceback.extract_tb(problem.__traceback__) if file and Path(frame.filename).name == file
    ]
    if isinstance(problem, SyntaxError) and problem.lineno:
        place = f" (line {problem.lineno})"
    else:
        place = f" ({file}, line {frames[-1].lineno})" if frames else ""
    return WalkinError(f"{what}: {_line(problem)}{place}; --debug shows the traceback")


def _line(problem: BaseException) -> str:
    text = str(problem.msg) if isinstance(problem, SyntaxError) else str(problem)
    first = text.strip().splitlines()[0] if text.strip() else ""
    return f"{type(problem).__name__}{f': {first}' if first else ''}"


def _kind(value: Any) -> str:
    if value is None:
        return "None"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
