"""Which files of the library a piece of Python can reach: what it imports, and what these import, inside functions too.

    library = Library(root)
    library.reached(["from tinytorch import Linear"])      # {"tinytorch/core/layers.py", "tinytorch/core/tensor.py", …}

By them a build knows which pages must run again. What the text does not tell, such as a module whose name is put
together while it runs, counts as all files: an output is rather made once too often than kept when it is old.
"""

import ast
from functools import cache, cached_property
from pathlib import Path

PACKAGE = "tinytorch"
# By these a program can come to a module that no import names.
UNSEEN = {"importlib", "import_module", "__import__", "exec", "eval", "runpy", "pkgutil", "subprocess"}


class AnyFile(Exception):
    """The text does not tell which modules it may come to."""


class Library:
    """The files of the library below a folder, as they are now."""

    def __init__(self, root):
        self.root = Path(root)
        self.imports, self.text = cache(self.imports), cache(self.text)

    def reached(self, codes, modules=()):
        """The files, as seen from the folder, that pieces of Python and the modules named can reach."""
        try:
            names = self.names(codes, modules)
        except AnyFile:
            return self.files
        found = {self.file(name) for name in names}
        return found | {name for name in self.files if not name.endswith(".py") and self.beside(name, found)}

    @cached_property
    def files(self):
        """Every file of the library, as seen from the folder."""
        paths = (
            path for path in (self.root / PACKAGE).rglob("*") if path.is_file() and "__pycache__" not in path.parts
        )
        return {path.relative_to(self.root).as_posix() for path in paths}

    @staticmethod
    def beside(name, modules):
        """Whether a file of data lies in the folder of one of the modules."""
        return any(Path(name).parent == Path(module).parent for module in modules)

    def used(self, module):
        """The files of the modules whose functions a module may call; not of those that are merely loaded with its package."""
        return {self.file(name) for name in self.walk([], [module])[0]}

    def names(self, codes, modules):
        """The names of the modules reached; AnyFile when the text does not tell."""
        used, loaded = self.walk(codes, modules)
        return used | loaded

    def walk(self, codes, modules):
        """The names of the modules whose functions may be called, and of those that are loaded."""
        used, loaded = set(), set()
        waiting = [(name, True) for name in modules]
        for code in codes:
            waiting += self.asked(parsed(code), None, True)
        while waiting:
            name, in_use = waiting.pop()
            if name in used or (name in loaded and not in_use):
                continue
            (used if in_use else loaded).add(name)
            waiting += self.imports(name, in_use)
            # A package is run when a module in it is asked for, but nothing in it is called.
            if parent := name.rpartition(".")[0]:
                waiting.append((parent, False))
        return used, loaded

    def imports(self, name, in_use):
        """[(module, whether its functions may be called)] for what a module imports."""
        if self.file(name) is None:
            raise AnyFile  # tinytorch.learn.moved answers for it, or nobody does
        package = name if self.file(name).endswith("/__init__.py") else name.rpartition(".")[0]
        return self.asked(self.text(name), package, in_use)

    def asked(self, tree, package, in_use):
        """[(module, whether its functions may be called)] for the import statements of a text in a package."""
        if unseen(tree, in_use):
            raise AnyFile
        found = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name.split(".")[0] == PACKAGE:
                        found += [(alias.name, in_use), self.held(alias.name if alias.asname else PACKAGE, in_use)]
            elif isinstance(node, ast.ImportFrom):
                module = absolute(node, package)
                if module.split(".")[0] == PACKAGE:
                    for alias in node.names:
                        found += self.taken(module, alias.name, in_use)
        return found

    def taken(self, module, name, in_use):
        """What `from module import name` reaches."""
        if self.file(module) is None or (name == "*" and self.file(module).endswith("/__init__.py")):
            raise AnyFile
        if self.file(f"{module}.{name}"):
            return [(module, False), self.held(f"{module}.{name}", in_use)]
        if module == PACKAGE and name in self.homes:
            return [(module, False), (self.homes[name], in_use)]
        if not self.answers_for_more(module) or name in bound(self.text(module)):
            return [(module, in_use)]
        raise AnyFile

    def held(self, module, in_use):
        """A module under a name of its own: whoever has it may ask it for anything that it has."""
        if in_use and self.file(module) and self.answers_for_more(module):
            raise AnyFile
        return module, in_use

    def answers_for_more(self, module):
        """Whether a module gives names that it loads when they are first asked for."""
        return "__getattr__" in bound(self.text(module))

    @cached_property
    def homes(self):
        """Main name -> the module in which it lives, as `tinytorch/__init__.py` has them in PLACES."""
        for node in self.text(PACKAGE).body:
            if isinstance(node, ast.Assign) and [getattr(target, "id", None) for target in node.targets] == ["PLACES"]:
                return {
                    name: f"{PACKAGE}.{place}"
                    for place, names in ast.literal_eval(node.value).items()
                    for name in names.split()
                }
        raise AnyFile

    def file(self, name):
        """The file of a module as seen from the folder; None when there is none."""
        place = name.replace(".", "/")
        return next((file for file in (f"{place}/__init__.py", f"{place}.py") if file in self.files), None)

    def text(self, name):
        return parsed((self.root / self.file(name)).read_text(encoding="utf-8"))


def parsed(code):
    try:
        return ast.parse(code)
    except SyntaxError as error:  # a cell with a line for the notebook alone, such as %run
        raise AnyFile from error


def absolute(node, package):
    """The module that `from … import` names, seen from a package."""
    if not node.level:
        return node.module
    above = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
    return f"{above}.{node.module}" if node.module else above


def unseen(tree, in_use):
    """Whether a text can come to a module that no import names.

    What answers when a name is asked for, `__getattr__` of a module or a finder of modules, is left out: who asks is seen.
    In a module that is run without being called only what stands outside functions counts.
    """
    waiting = [node for node in tree.body if not answers(node)]
    while waiting:
        node = waiting.pop()
        if (isinstance(node, ast.Name) and node.id in UNSEEN) or renamed(node):
            return True
        if in_use or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return False


def renamed(node):
    """Whether an import gives a part of UNSEEN a name by which it is not found."""
    if isinstance(node, ast.Import):
        return any(alias.asname and alias.name.split(".")[0] in UNSEEN for alias in node.names)
    return isinstance(node, ast.ImportFrom) and node.module in UNSEEN


def answers(node):
    if isinstance(node, ast.ClassDef):
        return any(isinstance(part, ast.FunctionDef) and part.name == "find_spec" for part in node.body)
    return isinstance(node, ast.FunctionDef) and node.name == "__getattr__"


def bound(tree):
    """The names that a module's own statements give a value."""
    found = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        else:
            found |= {
                part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
            }
    return found
